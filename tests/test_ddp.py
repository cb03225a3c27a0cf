"""The script of lesson 15, run by the real torchrun with real workers on this machine."""

import json
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest
import torch

from course_utils import ddp_step
from course_utils.models import LeNet


@pytest.fixture(autouse=True)
def on_the_cpu(monkeypatch):
    monkeypatch.setenv("COURSE_DEVICE", "cpu")


def report(folder: Path) -> str:
    """The message of the first worker that failed."""
    return json.loads((folder / "error.json").read_text(encoding="utf-8"))["message"]["message"]


def test_a_step_of_two_workers_is_a_step_of_one_process(tmp_path):
    job = ddp_step.launch(tmp_path, "--steps", "1")
    assert job.returncode == 0, job.stderr
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
    start = time.time()
    job = ddp_step.launch(tmp_path, "--fail", "1")
    assert job.returncode != 0 and time.time() - start < 30
    assert report(tmp_path) == "RuntimeError: worker 1 fails on purpose"
    assert "Root Cause" in job.stderr and "worker 1 fails on purpose" in job.stderr
    assert not list(tmp_path.glob("*.pt"))


@pytest.mark.skipif(not Path("/proc/self/environ").exists(), reason="finds the worker in /proc")
def test_a_worker_that_is_killed_ends_the_job(tmp_path):
    killed = []

    def kill_worker_1():
        """As the kernel does when memory runs out, while the workers train."""
        patience = time.time() + 60
        while not killed and time.time() < patience:
            time.sleep(0.2)
            for process in Path("/proc").glob("[0-9]*"):
                try:
                    is_ours = str(tmp_path) in (process / "cmdline").read_text()
                    if is_ours and "\0LOCAL_RANK=1\0" in (process / "environ").read_text():
                        time.sleep(1)
                        os.kill(int(process.name), signal.SIGKILL)
                        killed.append(time.time())
                except OSError:  # gone, or another user's
                    continue

    threading.Thread(target=kill_worker_1, daemon=True).start()
    job = ddp_step.launch(tmp_path, "--steps", "1000000")
    assert killed and time.time() - killed[0] < 30
    assert job.returncode != 0 and "Signal 9 (SIGKILL)" in job.stderr


def test_a_batch_that_does_not_divide_is_refused_by_the_job(tmp_path):
    job = ddp_step.launch(tmp_path, workers=3)
    assert job.returncode != 0
    assert report(tmp_path).startswith("ValueError: 64 images do not divide by 3 workers.")


def test_without_torchrun_it_says_how_to_start(tmp_path):
    command = [sys.executable, "-m", "course_utils.ddp_step", str(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 2 and "start this with torchrun" in done.stderr


@pytest.mark.parametrize("ranks", [1, 2, 4, 8, 64])
def test_the_shares_are_the_batch(ranks):
    train = ddp_step.load_train()
    for step in (0, 1, len(train) // ddp_step.SIZE, 10_000):
        whole = ddp_step.share(train, step)
        parts = [ddp_step.share(train, step, rank, ranks) for rank in range(ranks)]
        for all_of_it, shares in zip(whole, zip(*parts, strict=True), strict=True):
            assert {len(share) for share in shares} == {ddp_step.SIZE // ranks}
            assert torch.equal(torch.stack(shares, dim=1).flatten(0, 1), all_of_it)
