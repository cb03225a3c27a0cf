"""LeNet trained by several processes at once: the script of lesson 15.

.venv/bin/torchrun --standalone --local-addr=127.0.0.1 --nproc-per-node=2 \
    -m course_utils.shown.ddp_step FOLDER

That is one line, typed in the folder of the course. Where the environment is activated, torchrun
alone is enough. On Windows start it by `launch`, which knows another way for workers to meet.

Every process, called a worker, runs this whole file. It trains on the embedded digits and
leaves what it found in FOLDER: worker-0.pt, worker-1.pt and so on.
"""

import argparse
import contextlib
import json
import os
import re
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import NoReturn

import psutil
import torch
import torch.distributed as dist
from torch import nn
from torch.distributed.elastic.multiprocessing.errors import record
from torch.nn import functional as F
from torch.nn.parallel import DistributedDataParallel

from course_utils.images import Images, batches, load_images
from course_utils.internals import places
from course_utils.models import LeNet
from course_utils.training import pick_device

SIZE = 64  # images in a batch, all workers together
LEARNING_RATE = 0.03
TIMED_SIZES = (64, 512)

WINDOWS = os.name == "nt"


@contextlib.contextmanager
def waiting(patience: float = 5) -> Iterator[None]:
    """Within it a worker that has lost another one, or waited in vain for it, is not blamed.

    torchrun blames the first worker that fails. So this one waits for some seconds, in which
    torchrun ends it where another worker has failed, and otherwise says that it is not the cause.
    """
    try:
        yield
    except RuntimeError as error:
        if not isinstance(error, dist.DistError) and "gloo" not in str(error):
            raise
        time.sleep(patience)
        raise RuntimeError(
            f"worker {os.environ['RANK']} is not the cause: another worker has stopped or does not "
            f"answer. ({error})"
        ) from None


@record  # torchrun's report then quotes the worker that failed first
@waiting()  # and does not blame one that has waited for another in vain
def main() -> None:
    """What every worker does: train on its share of each batch, and keep what came of it."""
    options = read_options()
    rank, ranks, device = join(timedelta(seconds=options.wait))
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


def join(wait: timedelta) -> tuple[int, int, torch.device]:
    """Meet the other workers: this worker's rank, how many they are, and this one's device.

    torchrun has put into the environment who this worker is and where the others wait.
    A worker that waits for another one for longer than wait gives up with an error.
    """
    local_rank = int(os.environ["LOCAL_RANK"])
    local_workers = int(os.environ["LOCAL_WORLD_SIZE"])
    can_use_gpus = pick_device().type == "cuda" and dist.is_nccl_available()
    if can_use_gpus and torch.cuda.device_count() >= local_workers:
        device = torch.device("cuda", local_rank)  # a GPU for each worker
        torch.cuda.set_device(device)
        dist.init_process_group("nccl", timeout=wait)
    else:
        device = torch.device("cpu")
        if local_workers == int(os.environ["WORLD_SIZE"]):
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


def launch(
    folder: str | Path, *options: str, workers: int = 2, timeout: float = 180
) -> subprocess.CompletedProcess:
    """Start workers on this machine with torchrun, and wait for the end of the job.

    folder: made where there is none; what an earlier job left in it is removed.
    timeout: seconds after which the job and its workers are ended.

    Returns the finished process with what it wrote. Where a worker failed, the returncode is
    not 0, and folder/error.json holds {"message": {"message": …}}: the message of the first one
    that did, or, where it could not leave one, what torchrun saw of its end.

    Raises TimeoutError for a job that takes too long, PlaceError, an OSError, for a folder that
    cannot be written to.
    """
    folder = places.make_folder(Path(folder))
    report = folder / "error.json"
    for old in (report, *folder.glob("worker-*.pt")):
        old.unlink(missing_ok=True)
    meeting, variables = ["--standalone"], {}
    if WINDOWS:
        # torch is built without libuv there, which --standalone asks for whatever USE_LIBUV says.
        meeting = ["--rdzv-backend=c10d", "--rdzv-conf=store_type=file"]
        variables = {"USE_LIBUV": "0", "TORCH_DISABLE_SHARE_RDZV_TCP_STORE": "1"}
    command = [sys.executable, "-m", "torch.distributed.run", *meeting]
    command += ["--local-addr=127.0.0.1", f"--nproc-per-node={workers}"]
    command += ["-m", "course_utils.shown.ddp_step", str(folder), *options]
    variables["OMP_NUM_THREADS"] = "1"  # torchrun's own choice where nothing is set
    variables["TORCHELASTIC_ERROR_FILE"] = str(report)
    with subprocess.Popen(
        command,
        env={**os.environ, **variables},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        encoding="utf-8",
        errors="replace",
    ) as job:
        try:
            output, errors = job.communicate(timeout=timeout)
        except subprocess.TimeoutExpired:
            raise TimeoutError(
                f"the job took longer than {timeout:g} seconds; it and its workers were ended. A "
                "busy machine needs a larger timeout; fewer --steps take less."
            ) from None
        finally:
            end(job)
    if job.returncode and not report.exists():
        seen = re.search(r"Root Cause.*?rank +: (\d+).*?traceback +: ([^\n]+)", errors, re.DOTALL)
        message = f"worker {seen[1]}: {seen[2]}" if seen else errors[-2000:]
        report.write_text(json.dumps({"message": {"message": message}}), encoding="utf-8")
    return subprocess.CompletedProcess(command, job.returncode, output, errors)


def end(job: subprocess.Popen, wait: float = 10) -> None:
    """End a job and the processes that it has started: by request, and after wait by force."""
    if job.poll() is not None:
        return
    first = psutil.Process(job.pid)
    family = [first, *first.children(recursive=True)]
    for process in family:
        with contextlib.suppress(psutil.NoSuchProcess):
            process.terminate()
    for process in psutil.wait_procs(family, timeout=wait)[1]:
        with contextlib.suppress(psutil.NoSuchProcess):
            process.kill()


class Options(argparse.ArgumentParser):
    """A parser whose refusals are errors of the worker, so that torchrun reports them."""

    def error(self, message: str) -> NoReturn:
        if dist.is_torchelastic_launched():
            raise ValueError(message)
        super().error(message)


def read_options() -> argparse.Namespace:
    """The options of the command line; ends the program where it was not started by torchrun."""
    parser = Options(prog="torchrun … -m course_utils.shown.ddp_step")
    parser.add_argument("folder", type=Path, help="where the workers leave their results")
    parser.add_argument("--steps", type=int, default=200, help="training steps (200)")
    parser.add_argument("--fail", type=int, metavar="RANK", help="a worker that is to fail")
    parser.add_argument("--wait", type=float, default=60, help="seconds to wait for others (60)")
    options = parser.parse_args()
    if not dist.is_torchelastic_launched():
        parser.error(
            "start this with torchrun (.venv/bin/torchrun), as the first lines of the file say"
        )
    workers = int(os.environ["WORLD_SIZE"])
    if options.steps < 1:
        parser.error(f"--steps is {options.steps}; it has to be at least 1")
    if options.fail is not None and not 0 <= options.fail < workers:
        parser.error(f"--fail is {options.fail}; the workers are 0 to {workers - 1}")
    if options.fail is not None and options.steps < 2:
        parser.error("--fail needs 2 steps or more: the worker fails in the second one")
    return options


if __name__ == "__main__":
    torch.backends.cudnn.allow_tf32 = False  # on a GPU, convolutions as exact as on the CPU
    main()
    # DDP keeps gloo's threads alive, even when the group is destroyed, and an interpreter that
    # tidies up beside running threads is aborted once in a while. All is written: leave at once.
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(0)
