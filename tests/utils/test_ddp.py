"""The script of lesson 15, run by the real torchrun with real workers on this machine."""

import contextlib
import inspect
import json
import os
import signal
import subprocess
import sys
import threading
import time
from functools import partial
from pathlib import Path

import psutil
import pytest
import torch

from course_utils.models import LeNet
from course_utils.shown import ddp_step

pytestmark = pytest.mark.slow


@pytest.fixture(autouse=True)
def on_the_cpu(monkeypatch):
    monkeypatch.setenv("COURSE_DEVICE", "cpu")


def report(folder: Path) -> str:
    """The message of the first worker that failed."""
    return json.loads((folder / "error.json").read_text(encoding="utf-8"))["message"]["message"]


def workers(folder: Path) -> dict[int, psutil.Process]:
    """The workers that run for a folder now, by their rank."""
    found = {}
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.Error):  # gone, or another user's
            if str(folder) in process.cmdline() and "LOCAL_RANK" in process.environ():
                found[int(process.environ()["LOCAL_RANK"])] = process
    return found


def both_workers(folder: Path, patience: float = 60) -> dict[int, psutil.Process]:
    """The two workers of a folder, as soon as both have started."""
    end = time.monotonic() + patience
    while len(found := workers(folder)) < 2 and time.monotonic() < end:
        time.sleep(0.2)
    return found


def test_a_step_of_two_workers_is_a_step_of_one_process(tmp_path):
    for left in ("error.json", "worker-2.pt"):  # by an earlier job
        (tmp_path / left).write_text("old")
    job = ddp_step.launch(tmp_path, "--steps", "1")
    assert job.returncode == 0, job.stderr
    assert sorted(path.name for path in tmp_path.iterdir()) == ["worker-0.pt", "worker-1.pt"]
    results = [torch.load(tmp_path / f"worker-{r}.pt", weights_only=True) for r in (0, 1)]

    torch.manual_seed(0)
    model = LeNet()
    optimizer = torch.optim.SGD(model.parameters(), lr=ddp_step.LEARNING_RATE)
    before = {name: weight.clone() for name, weight in model.state_dict().items()}
    x, y = ddp_step.share(ddp_step.load_train(), 0)
    loss = torch.nn.functional.cross_entropy(model(x), y)
    loss.backward()
    optimizer.step()

    moved = 0
    for name, weight in model.state_dict().items():
        by_0, by_1 = (result["weights"][1][name] for result in results)
        assert torch.equal(by_0, by_1)
        torch.testing.assert_close(by_0, weight, rtol=0, atol=1e-6)
        moved = max(moved, (weight - before[name]).abs().max())
    assert moved > 1e-4  # or the comparison would say nothing
    losses = [result["losses"][0] for result in results]
    assert losses[0] != losses[1]  # each has seen its own half
    assert sum(losses) / 2 == pytest.approx(loss.item(), abs=1e-5)
    assert all(result["device"] == "cpu" and result["all-reduce"] > 0 for result in results)


def test_a_worker_that_fails_ends_the_job_with_its_message(tmp_path):
    tmp_path /= "new/folder"
    job = ddp_step.launch(tmp_path, "--fail", "1")
    assert job.returncode != 0
    assert report(tmp_path) == "RuntimeError: worker 1 fails on purpose"
    assert "Root Cause" in job.stderr and "worker 1 fails on purpose" in job.stderr
    assert not list(tmp_path.glob("*.pt"))


def test_a_worker_that_is_killed_ends_the_job(tmp_path):
    """As the kernel kills it when memory runs out."""

    def kill_worker_1():
        both_workers(tmp_path)[1].kill()

    threading.Thread(target=kill_worker_1, daemon=True).start()
    job = ddp_step.launch(tmp_path, "--steps", "1000000")
    assert job.returncode != 0 and "Signal 9 (SIGKILL)" in job.stderr
    assert report(tmp_path).startswith("worker 1: Signal 9 (SIGKILL)")
    assert not workers(tmp_path)


@pytest.mark.skipif(not hasattr(signal, "SIGSTOP"), reason="nothing can be stopped here")
def test_a_stopped_workers_neighbour_is_not_blamed(tmp_path):
    """It waits in vain, and is the only one that can say so."""

    def stop_worker_1():
        both = both_workers(tmp_path)
        both[1].suspend()
        both[0].wait()
        both[1].resume()  # so that torchrun, which is ending it, need not wait for half a minute

    threading.Thread(target=stop_worker_1, daemon=True).start()
    job = ddp_step.launch(tmp_path, "--steps", "1000000", "--wait", "1")
    assert job.returncode != 0 and not workers(tmp_path)
    said = report(tmp_path)
    assert "worker 0 is not the cause: another worker has stopped or does not answer" in said


@pytest.mark.parametrize(
    ("error", "stopped"),
    [(subprocess.TimeoutExpired("torchrun", 3), True), (KeyboardInterrupt(), False)],
)
def test_no_worker_outlives_a_job_that_is_given_up(tmp_path, monkeypatch, error, stopped):
    """When its time is over and when the reader interrupts it, even one that does not listen."""
    seen = {}

    class Job(subprocess.Popen):
        def communicate(self, **options):
            seen.update(both_workers(tmp_path))
            if stopped:
                seen[1].suspend()
            raise error

    monkeypatch.setattr(ddp_step.subprocess, "Popen", Job)
    assert inspect.signature(ddp_step.end).parameters["wait"].default <= 10
    monkeypatch.setattr(ddp_step, "end", partial(ddp_step.end, wait=1))  # by force, a second later
    with pytest.raises((TimeoutError, KeyboardInterrupt)) as raised:
        ddp_step.launch(tmp_path, "--steps", "1000000", timeout=3)
    assert len(seen) == 2 and not workers(tmp_path)
    assert isinstance(error, KeyboardInterrupt) or "longer than 3 seconds" in str(raised.value)


@pytest.fixture
def as_a_worker(monkeypatch, tmp_path):
    """What torchrun tells each of two workers; gives what reads the options of one."""
    monkeypatch.setenv("TORCHELASTIC_RUN_ID", "a test")
    monkeypatch.setenv("WORLD_SIZE", "2")

    def read(*options: str):
        monkeypatch.setattr(sys, "argv", ["ddp_step.py", str(tmp_path), *options])
        return ddp_step.read_options()

    return read


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--steps", "0"], "--steps is 0; it has to be at least 1"),
        (["--steps", "-5"], "--steps is -5"),
        (["--steps", "many"], "--steps: invalid int value: 'many'"),
        (["--fail", "7"], "--fail is 7; the workers are 0 to 1"),
        (["--fail", "-1"], "--fail is -1"),
        (["--fail", "1", "--steps", "1"], "--fail needs 2 steps"),
        (["--speed", "9"], "unrecognized arguments"),
    ],
)
def test_options_that_cannot_be_are_refused(as_a_worker, options, message):
    with pytest.raises(ValueError, match=message):
        as_a_worker(*options)
    assert as_a_worker("--steps", "2", "--fail", "1").fail == 1


def test_the_job_reports_a_refusal(tmp_path):
    job = ddp_step.launch(tmp_path, "--steps", "0")
    assert job.returncode != 0
    assert report(tmp_path) == "ValueError: --steps is 0; it has to be at least 1"


#: torch as it is built for Windows: what asks for libuv fails.
WITHOUT_LIBUV = """
import sys

class Finder:
    def find_spec(self, name, path=None, target=None):
        if name == "torch.distributed.rendezvous":
            sys.meta_path.remove(self)
            from torch._C._distributed_c10d import TCPStore
            make = TCPStore.__init__

            def without_libuv(self, *args, use_libuv=True, **options):
                if use_libuv:
                    raise RuntimeError("use_libuv was requested but PyTorch was built without it")
                make(self, *args, use_libuv=False, **options)

            TCPStore.__init__ = without_libuv

sys.meta_path.insert(0, Finder())
"""


@pytest.mark.parametrize("windows", [True, False])
def test_where_torch_is_built_without_libuv_workers_meet_by_a_file(tmp_path, monkeypatch, windows):
    (tmp_path / "sitecustomize.py").write_text(WITHOUT_LIBUV)
    here = str(Path(ddp_step.__file__).parents[2])
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(tmp_path), here]))
    monkeypatch.setattr(ddp_step, "WINDOWS", windows)
    job = ddp_step.launch(tmp_path / "results", "--steps", "1")
    assert (job.returncode == 0) == windows, job.stderr
    assert windows or "use_libuv was requested" in job.stderr


def test_a_batch_that_does_not_divide_is_refused_by_the_job(tmp_path):
    job = ddp_step.launch(tmp_path, workers=3)
    assert job.returncode != 0
    assert report(tmp_path).startswith("ValueError: 64 images do not divide by 3 workers.")


def test_without_torchrun_it_says_how_to_start(tmp_path):
    command = [sys.executable, "-m", "course_utils.shown.ddp_step", str(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 2 and "start this with torchrun (.venv/bin/torchrun)" in done.stderr


@pytest.mark.parametrize("ranks", [1, 2, 4, 8, 64])
def test_the_shares_are_the_batch(ranks):
    train = ddp_step.load_train()
    for step in (0, 1, len(train) // ddp_step.SIZE, 10_000):
        whole = ddp_step.share(train, step)
        parts = [ddp_step.share(train, step, rank, ranks) for rank in range(ranks)]
        for all_of_it, shares in zip(whole, zip(*parts, strict=True), strict=True):
            assert {len(share) for share in shares} == {ddp_step.SIZE // ranks}
            assert torch.equal(torch.stack(shares, dim=1).flatten(0, 1), all_of_it)
