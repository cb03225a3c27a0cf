"""How long things take here. Nothing fails for being slow: this only reports.

python tests/maintenance/benchmark.py           everything (about ten minutes)
python tests/maintenance/benchmark.py lessons   each lesson by itself, beside its budget
python tests/maintenance/benchmark.py training  LeNet's two epochs against thirty of the usual kind
python tests/maintenance/benchmark.py import    what importing the package adds to importing torch
python tests/maintenance/benchmark.py views     how quickly the views answer, in Chromium
python tests/maintenance/benchmark.py checks    how long the checks of the exercises take
"""

import os
import statistics
import subprocess
import sys
import time
from pathlib import Path

import nbformat
import torch
from torch.nn import functional as F
from torch.utils.data import DataLoader, TensorDataset
from torchvision.transforms import Compose, Normalize, Pad, ToPILImage, ToTensor

from course_utils.images import load_images
from course_utils.models import LeNet
from course_utils.records import load_record
from course_utils.training import fit, set_seed

sys.path.append(str(Path(__file__).resolve().parents[1] / "helpers"))
from documents import WRITTEN, solutions, taught
from exercise_sources import EVERY_CHECK, checks, run_solution
from refresh import execute


def lessons() -> None:
    """Run each lesson as a reader does, from the start of its kernel to its last cell."""
    os.environ["TQDM_DELAY"] = "1000000"
    for lesson in WRITTEN:
        notebook = nbformat.read(lesson.path, as_version=4)
        start = time.perf_counter()
        execute(notebook)
        seconds = time.perf_counter() - start
        print(f"{lesson.file:36} {seconds:5.0f} s, budget {lesson.budget} s", flush=True)


class Pictures(TensorDataset):
    """MNIST one image at a time, transformed as most programs do it."""

    transform = Compose([ToPILImage(), Pad(2), ToTensor(), Normalize((0.5,), (1.0,))])

    def __getitem__(self, index: int) -> tuple[torch.Tensor, torch.Tensor]:
        image, label = super().__getitem__(index)
        return self.transform(image), label


def usual_epoch(train, steps: int = 150) -> float:
    """Seconds of an epoch of SGD 0.01 through a DataLoader, from some of its steps."""
    model = LeNet()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.01)
    loader = DataLoader(Pictures(train.images, train.labels), batch_size=128, shuffle=True)
    start = time.perf_counter()
    for _, (x, y) in zip(range(steps), loader, strict=False):
        optimizer.zero_grad()
        F.cross_entropy(model(x), y).backward()
        optimizer.step()
    return (time.perf_counter() - start) / steps * len(loader)


def training() -> None:
    train, test = load_images("mnist")
    if train.name != "mnist":
        return
    usual_epoch(train, steps=20)  # warms up
    for seed in range(3):
        set_seed(seed)
        model = LeNet()
        optimizer, schedule = taught(9)["adam_one_cycle"](model, steps=2 * 469)
        history = fit(model, train, test, epochs=2, optimizer=optimizer, schedule=schedule)
        usual = 30 * usual_epoch(train)
        print(
            f"seed {seed}: {history.test_accuracy[-1]:.2%} after 2 epochs in "
            f"{history.seconds:.1f} s; 30 epochs through a DataLoader: {usual:.0f} s, "
            f"{usual / history.seconds:.0f} times as long",
            flush=True,
        )
    recorded = [h["test_accuracy"][-1] for h in load_record("lenet-sgd")["histories"]]
    print("…which reach", ", ".join(f"{accuracy:.2%}" for accuracy in recorded))


def imports() -> None:
    code = (
        "import time, torch; start = time.perf_counter(); "
        "import course_utils.images, course_utils.models, course_utils.training; "
        "print(time.perf_counter() - start)"
    )
    command = [sys.executable, "-c", code]
    seconds = [
        float(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
        for _ in range(7)
    ]
    median = statistics.median(seconds)
    print(f"after torch, importing course_utils takes {median:.2f} s (median of 7)")


def views() -> None:
    from latency import figures  # it needs playwright

    for figure in figures():
        print(figure, flush=True)


def exercises() -> None:
    seconds = {}
    for lesson, name in EVERY_CHECK:
        answer = run_solution(lesson, name, solutions(lesson)[name])
        start = time.perf_counter()
        checks(lesson)[name](answer)
        seconds[f"{lesson.number:02} {name}"] = time.perf_counter() - start
    slowest = sorted(seconds, key=seconds.get, reverse=True)[:5]
    print(f"{len(seconds)} checks, median {statistics.median(seconds.values()):.3f} s; slowest:")
    for name in slowest:
        print(f"{name:35} {seconds[name]:.2f} s")


if __name__ == "__main__":
    parts = {"import": imports, "checks": exercises, "views": views}
    parts |= {"training": training, "lessons": lessons}
    for part in sys.argv[1:] or parts:
        if part not in parts:
            sys.exit(__doc__)
        parts[part]()
