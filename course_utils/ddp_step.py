"""LeNet trained by several processes at once: the script of lesson 15.

torchrun --standalone --local-addr=127.0.0.1 --nproc-per-node=2 -m course_utils.ddp_step FOLDER

Every process, called a worker, runs this whole file. It trains on the embedded digits and
leaves what it found in FOLDER: worker-0.pt, worker-1.pt and so on.
"""

import argparse
import os
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import torch
import torch.distributed as dist
from torch import nn
from torch.distributed.elastic.multiprocessing.errors import record
from torch.nn import functional as F
from torch.nn.parallel import DistributedDataParallel

from course_utils.images import Images, batches, load_images
from course_utils.models import LeNet
from course_utils.training import pick_device

SIZE = 64  # images in a batch, all workers together
LEARNING_RATE = 0.03
TIMED_SIZES = (64, 512)


@record  # torchrun's report then quotes the worker that failed first
def main() -> None:
    """What every worker does: train on its share of each batch, and keep what came of it."""
    options = read_options()
    rank, ranks, device = join()
    train = load_train()
    torch.manual_seed(rank)  # other weights in each worker, but DDP gives all of them worker 0's
    model = DistributedDataParallel(LeNet().to(device))
    optimizer = torch.optim.SGD(model.parameters(), lr=LEARNING_RATE)
    losses, kept = [], {}
    for step in range(options.steps):
        if step == 1 and rank == options.fail:
            raise RuntimeError(f"worker {rank} fails on purpose")
        x, y = (part.to(device) for part in share(train, step, rank, ranks))
        losses.append(train_step(model, optimizer, x, y))
        if step in (0, options.steps - 1):
            kept[step + 1] = {
                name: w.cpu().clone() for name, w in model.module.state_dict().items()
            }
    result = {"losses": losses, "weights": kept, "device": str(device), **times(model, train)}
    options.folder.mkdir(parents=True, exist_ok=True)
    torch.save(result, options.folder / f"worker-{rank}.pt")
    dist.destroy_process_group()


def join() -> tuple[int, int, torch.device]:
    """Meet the other workers: this worker's rank, how many they are, and this one's device.

    torchrun has put into the environment who this worker is and where the others wait.
    A worker that waits for another one for longer than a minute gives up with an error.
    """
    local_rank, here = int(os.environ["LOCAL_RANK"]), int(os.environ["LOCAL_WORLD_SIZE"])
    wait = timedelta(minutes=1)
    can_use_gpus = pick_device().type == "cuda" and dist.is_nccl_available()
    if can_use_gpus and torch.cuda.device_count() >= here:
        device = torch.device("cuda", local_rank)  # a GPU for each worker
        torch.cuda.set_device(device)
        dist.init_process_group("nccl", timeout=wait)
    else:
        device = torch.device("cpu")
        if here == int(os.environ["WORLD_SIZE"]):
            stay_on_this_machine()
        dist.init_process_group("gloo", timeout=wait)
    return dist.get_rank(), dist.get_world_size(), device


def load_train() -> Images:
    """The training digits in a random order, the same one in every worker."""
    train, _ = load_images("digits")
    return train[torch.randperm(len(train), generator=torch.Generator().manual_seed(0))]


def share(
    train: Images, step: int, rank: int = 0, ranks: int = 1, size: int = SIZE
) -> tuple[torch.Tensor, torch.Tensor]:
    """One worker's part (x, y) of the batch of a step: every image belongs to one worker.

    x: (size / ranks, 1, 32, 32), standardised; y: (size / ranks,). The batches follow each other
    in the order of train, from its beginning again when it has no whole batch left.

    Raises ValueError where the workers' parts would not be equal.
    """
    if size % ranks:
        raise ValueError(
            f"{size} images do not divide by {ranks} workers. The parts have to be equal, "
            "or the mean of the gradients would not be the gradient of the whole batch."
        )
    start = step % (len(train) // size) * size
    mine = train[start + rank : start + size : ranks]
    return next(batches(mine, size // ranks, mean=0.2, std=0.3))


def train_step(
    model: nn.Module, optimizer: torch.optim.Optimizer, x: torch.Tensor, y: torch.Tensor
) -> float:
    """The training step of lesson 08; its loss. DDP averages the gradients inside backward."""
    loss = F.cross_entropy(model(x), y)
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    return loss.item()


def times(model: nn.Module, train: Images) -> dict:
    """Seconds for a step of each of TIMED_SIZES, and for one all-reduce of LeNet's gradient."""
    rank, ranks = dist.get_rank(), dist.get_world_size()
    device = next(model.parameters()).device
    gradient = torch.zeros(sum(w.numel() for w in model.parameters()), device=device)
    parts = {size: share(train, 0, rank, ranks, size) for size in TIMED_SIZES}
    return {
        "step": {
            size: step_seconds(model, x.to(device), y.to(device)) for size, (x, y) in parts.items()
        },
        "all-reduce": seconds(lambda: (dist.all_reduce(gradient), gradient[0].item())),
    }


def step_seconds(model: nn.Module, x: torch.Tensor, y: torch.Tensor) -> float:
    """Seconds for one training step, which leaves the weights as they are."""
    optimizer = torch.optim.SGD(model.parameters(), lr=0.0)
    return seconds(lambda: train_step(model, optimizer, x, y))


def seconds(work: Callable[[], object], repeats: int = 10) -> float:
    """The shortest of some repeats of a work, after a few to warm up: the least disturbed one."""
    taken = []
    for _ in range(repeats + 3):
        start = time.perf_counter()
        work()
        taken.append(time.perf_counter() - start)
    return min(taken[3:])


def stay_on_this_machine() -> None:
    """Let gloo talk over the loopback, for which a machine needs neither a name nor a network."""
    for _, name in socket.if_nameindex():
        if name in ("lo", "lo0"):
            os.environ.setdefault("GLOO_SOCKET_IFNAME", name)


def launch(folder: str | Path, *options: str, workers: int = 2) -> subprocess.CompletedProcess:
    """Start workers on this machine with torchrun, and wait for the end of the job.

    Returns the finished process with what it wrote. Where a worker failed, the returncode is
    not 0, and torchrun has put the message of the first one that did into folder/error.json.
    """
    command = [sys.executable, "-m", "torch.distributed.run", "--standalone"]
    command += ["--local-addr=127.0.0.1", f"--nproc-per-node={workers}"]
    command += ["-m", "course_utils.ddp_step", str(folder), *options]
    environment = {
        **os.environ,
        "OMP_NUM_THREADS": "1",  # one thread a worker: torchrun's own choice where nothing is set
        "TORCHELASTIC_ERROR_FILE": str(Path(folder) / "error.json"),
    }
    if os.name == "nt":
        environment["USE_LIBUV"] = "0"  # torch for Windows is built without it
    return subprocess.run(
        command,
        env=environment,
        capture_output=True,
        encoding="utf-8",
        errors="replace",
        timeout=120,
    )


def read_options() -> argparse.Namespace:
    """The options of the command line; ends the program where it was not started by torchrun."""
    parser = argparse.ArgumentParser(prog="torchrun … -m course_utils.ddp_step")
    parser.add_argument("folder", type=Path, help="where the workers leave their results")
    parser.add_argument("--steps", type=int, default=200, help="training steps (200)")
    parser.add_argument("--fail", type=int, metavar="RANK", help="a worker that is to fail")
    options = parser.parse_args()
    if not dist.is_torchelastic_launched():
        parser.error("start this with torchrun, as the first lines of the file say")
    return options


if __name__ == "__main__":
    torch.backends.cudnn.allow_tf32 = False  # on a GPU, convolutions as exact as on the CPU
    main()
    # DDP keeps gloo's threads alive, even when the group is destroyed, and an interpreter that
    # tidies up beside running threads is aborted once in a while. All is written: leave at once.
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(0)
