"""How long things take here. Nothing fails for being slow: this only reports.

python tests/maintenance/benchmark.py           everything (about fifteen minutes)
python tests/maintenance/benchmark.py training  epochs and accuracies, against the usual ways
python tests/maintenance/benchmark.py lessons   each lesson by itself, beside its budget
python tests/maintenance/benchmark.py import    what importing the package adds to importing torch
python tests/maintenance/benchmark.py report    how long the report of lesson 00 takes
python tests/maintenance/benchmark.py views     how quickly the views answer, in Chromium
python tests/maintenance/benchmark.py checks    how long the checks of the exercises take
python tests/maintenance/benchmark.py commands  how long an instructor's commands take

--json FILE   also writes what was measured, with the machine, the versions and the date
--teaching    also puts what was measured into TEACHING.md
"""

import argparse
import datetime
import json
import os
import platform
import re
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from importlib import metadata
from importlib.util import find_spec
from pathlib import Path

import nbformat
import psutil
import torch
from nbclient import NotebookClient
from torch.nn import functional as F
from torch.utils.data import DataLoader, TensorDataset
from torchvision.transforms import Compose, Normalize, Pad, ToPILImage, ToTensor

from course_utils.images import Images, load_images
from course_utils.lessons import NOTEBOOKS, Lesson
from course_utils.models import MLP, LeNet
from course_utils.records import load_record
from course_utils.training import History, fit, set_seed

os.environ.setdefault("TQDM_DELAY", "1000000")  # no progress bars, here or in a kernel
sys.path.append(str(Path(__file__).resolve().parents[1] / "helpers"))
from documents import WRITTEN, code_cells, solutions, taught
from exercise_sources import EVERY_CHECK, checks, run_solution

TEACHING = NOTEBOOKS.parent / "TEACHING.md"
#: What stands around its table.
BEGIN, END = "<!-- measured -->\n", "<!-- /measured -->\n"


@dataclass(frozen=True)
class Measured:
    """One result. beside: what to compare it with."""

    what: str
    value: float
    unit: str
    beside: str = ""

    def __str__(self) -> str:
        number = f"{self.value:.0f}" if self.value >= 20 else f"{self.value:.3g}"
        return f"{self.what:60} {number:>6} {self.unit:6} {self.beside}"


# --- training ---------------------------------------------------------------------------------


class Pictures(TensorDataset):
    """MNIST one image at a time, transformed as most programs do it."""

    transform = Compose([ToPILImage(), Pad(2), ToTensor(), Normalize((0.5,), (1.0,))])

    def __getitem__(self, index: int) -> tuple[torch.Tensor, torch.Tensor]:
        image, label = super().__getitem__(index)
        return self.transform(image), label


def usual_epoch(model: torch.nn.Module, train: Images, steps: int = 150) -> float:
    """Seconds of an epoch of SGD 0.01 through a DataLoader, from some of its steps."""
    optimizer = torch.optim.SGD(model.parameters(), lr=0.01)
    loader = DataLoader(Pictures(train.images, train.labels), batch_size=128, shuffle=True)
    start = time.perf_counter()
    for _, (x, y) in zip(range(steps), loader, strict=False):
        optimizer.zero_grad()
        F.cross_entropy(model(x), y).backward()
        optimizer.step()
    return (time.perf_counter() - start) / steps * len(loader)


def our_epoch(model: torch.nn.Module, train: Images) -> float:
    optimizer = torch.optim.SGD(model.parameters(), lr=0.01)
    return fit(model, train, epochs=1, optimizer=optimizer).seconds


def two_epochs(train: Images, test: Images) -> History:
    """LeNet as the first half of lesson 09 trains it."""
    model = LeNet()
    optimizer, schedule = taught(9)["adam_one_cycle"](model, steps=2 * 469)
    return fit(model, train, test, epochs=2, optimizer=optimizer, schedule=schedule)


def one_epoch(train: Images, test: Images) -> History:
    """LeNet with batch normalisation, as the second half of lesson 09 trains it."""
    names = {"nn": torch.nn, "LeNet": LeNet, "device": torch.device("cpu")}
    (blocks,) = (cell for cell in code_cells(WRITTEN[9]) if cell.id == "conv-block")
    exec(blocks.source.split("\n\n\nblocks = ")[0], names)
    model = names["lenet_with_blocks"]()
    optimizer = torch.optim.Adam(model.parameters())
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, max_lr=0.01, total_steps=938)
    options = {"epochs": 1, "optimizer": optimizer, "schedule": schedule, "size": 64}
    return fit(model, train, test, **options)


def training() -> Iterator[Measured]:
    """Ratios of times that were measured one after the other."""
    train, test = load_images("mnist")
    if train.name != "mnist":
        return
    usual_epoch(LeNet(), train, steps=20)  # warms up
    for name, build in [("LeNet", LeNet), ("the perceptron", lambda: MLP(1024, 300, 10))]:
        ratios = [usual_epoch(build(), train) / our_epoch(build(), train) for _ in range(3)]
        beside = "as fast as through a DataLoader"
        yield Measured(f"an epoch of {name}", statistics.median(ratios), "times", beside)
    recorded = [h["test_accuracy"][-1] for h in load_record("lenet-sgd")["histories"]]
    for what, train_it in [("two epochs", two_epochs), ("one epoch", one_epoch)]:
        for seed in range(3):
            set_seed(seed)
            history = train_it(train, test)
            ratio = 30 * usual_epoch(LeNet(), train) / history.seconds
            beside = (
                f"as fast as 30 epochs through a DataLoader ({history.seconds:.1f} s), "
                f"to {history.test_accuracy[-1]:.2%} instead of {statistics.mean(recorded):.2%}"
            )
            yield Measured(f"LeNet of lesson 09, {what}, seed {seed}", ratio, "times", beside)


# --- lessons ----------------------------------------------------------------------------------


def lessons() -> Iterator[Measured]:
    """Each lesson as a reader runs it: until its first output, to its end, and its memory."""
    for lesson in WRITTEN:
        first, whole, peak = run(lesson)
        name = f"lesson {lesson.number:02}"
        budget = f"{lesson.budget} s"
        yield Measured(f"{name}: from the kernel's start to the end", whole, "s", budget)
        yield Measured(f"{name}: to the end of its first code cell", first, "s")
        yield Measured(f"{name}: memory of its own, at most", peak / 1e6, "MB")


def run(lesson: Lesson) -> tuple[float, float, int]:
    """Seconds to the end of the first code cell and of the lesson, and bytes at the peak."""
    notebook = nbformat.read(lesson.path, as_version=4)
    (first, *_) = (i for i, cell in enumerate(notebook.cells) if cell.cell_type == "code")
    with tempfile.TemporaryDirectory() as nowhere, watched_memory() as peak:
        os.environ["COURSE_RUNS_DIR"] = nowhere
        start = time.perf_counter()
        client = NotebookClient(
            notebook,
            timeout=600,
            kernel_name="python3",
            extra_arguments=["--log-level=ERROR"],
            resources={"metadata": {"path": str(NOTEBOOKS)}},
        )
        with client.setup_kernel():
            for index, cell in enumerate(notebook.cells):
                client.execute_cell(cell, index)
                if index == first:
                    until_first = time.perf_counter() - start
        return until_first, time.perf_counter() - start, peak[0]


@contextmanager
def watched_memory() -> Iterator[list[int]]:
    """The most that one child of this process has of its own, looked at ten times a second."""
    most, over = [0], threading.Event()

    def watch() -> None:
        while not over.wait(0.1):
            for child in psutil.Process().children(recursive=True):
                with suppress(psutil.Error, OSError):  # it has ended
                    most[0] = max(most[0], own_memory(child))

    thread = threading.Thread(target=watch)
    thread.start()
    try:
        yield most
    finally:
        over.set()
        thread.join()


def own_memory(process: psutil.Process) -> int:
    """Bytes that no second kernel would share.

    Linux knows which pages a process has written to. Elsewhere those of libraries and images are
    counted too, as long as no other process reads them.
    """
    pages = Path(f"/proc/{process.pid}/smaps_rollup")
    if not pages.exists():
        return process.memory_full_info().uss
    return 1024 * int(re.search(r"^Private_Dirty: +(\d+)", pages.read_text(), re.M)[1])


# --- the rest ---------------------------------------------------------------------------------


def median_seconds(code: str) -> float:
    """The median of seven new processes that each print how long something took."""
    command = [sys.executable, "-c", f"import time, torch; start = time.perf_counter(); {code}"]
    command[-1] += "; print(time.perf_counter() - start)"
    return statistics.median(
        float(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
        for _ in range(7)
    )


def imports() -> Iterator[Measured]:
    code = "import course_utils.images, course_utils.models, course_utils.training"
    yield Measured("importing course_utils, after torch", median_seconds(code), "s")


def the_report() -> Iterator[Measured]:
    start = time.perf_counter()
    subprocess.run([sys.executable, "-m", "course_utils"], check=True, capture_output=True)
    seconds = time.perf_counter() - start
    yield Measured("python -m course_utils", seconds, "s", "3 s of them measure the speed")


def views() -> Iterator[Measured]:
    from latency import figures  # it needs playwright

    for what, value, unit, beside in figures():
        yield Measured(what, value, unit, beside)


def exercises() -> Iterator[Measured]:
    seconds = {}
    for lesson, name in EVERY_CHECK:
        answer = run_solution(lesson, name, solutions(lesson)[name])
        start = time.perf_counter()
        checks(lesson)[name](answer)
        seconds[f"{lesson.number:02} {name}"] = time.perf_counter() - start
    yield Measured(f"{len(seconds)} checks, median", statistics.median(seconds.values()), "s")
    for name in sorted(seconds, key=seconds.__getitem__, reverse=True)[:5]:
        yield Measured(f"one of the slowest: {name}", seconds[name], "s")


def commands() -> Iterator[Measured]:
    """What `python -m course_utils` makes of the whole course, and of two lessons as slides."""
    numbers = [str(lesson.number) for lesson in WRITTEN]
    for what, words, folder, beside in (
        ("workbook", ["workbook"], "--to", "all lessons"),
        ("handout", ["handout", *numbers], "--nbgrader", "all lessons"),
        ("deck 11", ["deck", "11"], "--to", "the lesson with most slides"),
        ("deck 09", ["deck", "9"], "--to", "trains a network for its live view"),
        ("site", ["site"], "", "all lessons, two networks trained for live views"),
    ):
        if what == "site" and not find_spec("sphinx"):
            continue
        with tempfile.TemporaryDirectory() as made_in:
            place = [folder, f"{made_in}/new"] if folder else [f"{made_in}/new"]
            start = time.perf_counter()
            subprocess.run(
                [sys.executable, "-m", "course_utils", *words, *place],
                check=True,
                capture_output=True,
            )
            seconds = time.perf_counter() - start
        yield Measured(f"python -m course_utils {what}", seconds, "s", beside)


PARTS: dict[str, Callable[[], Iterator[Measured]]] = {
    "import": imports,
    "report": the_report,
    "checks": exercises,
    "views": views,
    "commands": commands,
    "training": training,
    "lessons": lessons,
}


def made() -> dict[str, str]:
    """Where and when this is measured."""
    return {
        "date": datetime.date.today().isoformat(),
        "machine": f"{os.cpu_count()} cores, {platform.machine()}, {platform.system()}",
        "python": platform.python_version(),
        "torch": metadata.version("torch").split("+")[0],
    }


def teaching_table(results: list[Measured]) -> str:
    """Lessons a row each; of the rest, what readers may care about."""
    by_what = {result.what: result for result in results}
    lines = ["| lesson | first output | to the end | budget | memory of its own |"]
    lines.append("| --- | --- | --- | --- | --- |")
    for lesson in WRITTEN:
        name = f"lesson {lesson.number:02}"
        whole = by_what.get(f"{name}: from the kernel's start to the end")
        if whole:
            first = by_what[f"{name}: to the end of its first code cell"].value
            peak = by_what[f"{name}: memory of its own, at most"].value
            numbers = f"{first:.0f} s | {whole.value:.0f} s | {whole.beside} | {peak:.0f} MB"
            lines.append(f"| {lesson.number:02} | {numbers} |")
    lines += ["", "| what | measured | note |", "| --- | --- | --- |"]
    for result in results:
        if not result.what.startswith(("lesson ", "one of")) and result.unit in ("s", "times"):
            lines.append(f"| {result.what} | {result.value:.3g} {result.unit} | {result.beside} |")
    where = "{date}: {machine}, Python {python}, torch {torch}".format(**made())
    return "\n".join(lines) + f"\n\nMeasured once, one lesson at a time, on {where}.\n"


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("parts", nargs="*", help=f"some of {', '.join(PARTS)}; none: all")
    parser.add_argument("--json", type=Path, metavar="FILE")
    parser.add_argument("--teaching", action="store_true")
    asked = parser.parse_args()
    if unknown := set(asked.parts) - PARTS.keys():
        parser.error(f"no part is called {', '.join(sorted(unknown))}")
    if asked.teaching and asked.parts:
        parser.error("--teaching replaces the whole table: name no parts")
    results = []
    for part in asked.parts or PARTS:
        for result in PARTS[part]():
            print(result, flush=True)
            results.append(result)
    if asked.json:
        content = {"made": made(), "results": [asdict(result) for result in results]}
        asked.json.write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")
    if asked.teaching:
        text = TEACHING.read_text(encoding="utf-8")
        table = BEGIN + teaching_table(results) + END
        TEACHING.write_text(re.sub(f"{BEGIN}.*?{END}", table, text, flags=re.DOTALL), "utf-8")


if __name__ == "__main__":
    main()
