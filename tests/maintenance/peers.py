"""How soon other courses' notebooks reach an accuracy, and how soon lesson 09's recipe does.

python tests/maintenance/peers.py --accuracy 0.8 --data fashion-mnist chapter/lenet.ipynb

The notebooks are yours to get; each is run as it is, in this environment, which needs what they
import. Nothing of them is kept. The clock (clock.py) starts at the first loss, runs while a
notebook makes batches, trains and measures, and stops at the first measurement that reaches the
accuracy. It sees torch's cross-entropy and torch's optimizers; a loop that uses others is named,
and not timed. Lines that install packages are left out. torchvision's MNIST and FashionMNIST are
those of COURSE_DATA_DIR, if that is set.
"""

import argparse
import json
import os
import re
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

import nbformat
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError, CellTimeoutError
from nbformat import NotebookNode
from nbformat.v4 import new_code_cell, new_notebook

os.environ.setdefault("TQDM_DELAY", "1000000")  # no progress bars in ours; theirs are theirs
sys.path.append(str(Path(__file__).resolve().parents[1] / "helpers"))
from documents import tagged

from course_utils.images import CLASSES
from course_utils.lessons import LESSONS

HERE = Path(__file__).resolve().parent


@dataclass(frozen=True)
class Timed:
    """What a notebook reached. seconds: until then, or None where it never did; why: in words."""

    name: str
    seconds: float | None
    accuracy: float
    steps: int
    why: str = ""


def ours(data: str, epochs: int) -> NotebookNode:
    """A notebook of lesson 09's own cells: its LeNet, its optimiser and rates, and `fit`."""
    train = f"""
train, test = images.load_images("{data}")
training.set_seed(0)
model = LeNet()
optimizer, schedule = adam_one_cycle(model, {epochs} * -(-len(train) // 128))
training.fit(model, train, test, epochs={epochs}, optimizer=optimizer, schedule=schedule)"""
    imports = "import torch\nfrom torch import nn\nfrom course_utils import images, training"
    cells = [imports, *(cell.source for cell in tagged(LESSONS[9], "taught")), train]
    return new_notebook(cells=[new_code_cell(source) for source in cells])


def timed(
    name: str, notebook: NotebookNode, accuracy: float, minutes: float, folder: Path
) -> Timed:
    """Run a notebook in its folder until it has measured the accuracy (0 to 1)."""
    with tempfile.TemporaryDirectory() as nowhere:
        notes = Path(nowhere) / "notes"
        notes.touch()
        why = _run(notebook, accuracy, minutes, folder, notes)
        measured = [json.loads(line) for line in notes.read_text(encoding="utf-8").splitlines()]
    if not measured:
        return Timed(name, None, 0.0, 0, why or "nothing measured that the clock can see")
    for note in measured:
        if note["accuracy"] >= accuracy:
            return Timed(name, note["seconds"], note["accuracy"], note["steps"])
    best = max(measured, key=lambda note: note["accuracy"])
    return Timed(name, None, best["accuracy"], best["steps"], why or "ran to its end")


def _run(notebook: NotebookNode, accuracy: float, minutes: float, folder: Path, notes: Path) -> str:
    """Run the code cells between `watch` and `finish`; why it ended early, if it did."""
    images = os.environ.get("COURSE_DATA_DIR")
    images = None if images == "digits" else images
    watch = (
        f"import sys; sys.path.append({str(HERE)!r})\nimport clock\n"
        f"clock_of_this_run = clock.watch({accuracy}, {str(notes)!r}, {images!r})"
    )
    sources = [cell.source for cell in notebook.cells if cell.cell_type == "code"]
    sources = [re.sub(r"^( *)[!%](pip|conda)\b.*", r"\1pass", s, flags=re.M) for s in sources]
    sources = [watch, *sources, "clock_of_this_run.finish()"]
    run = new_notebook(cells=[new_code_cell(source) for source in sources])
    end = time.monotonic() + 60 * minutes
    client = NotebookClient(
        run, kernel_name="python3", resources={"metadata": {"path": str(folder)}}
    )
    with client.setup_kernel():
        for index, cell in enumerate(run.cells):
            client.timeout = max(1, int(end - time.monotonic()))
            try:
                client.execute_cell(cell, index)
            except CellTimeoutError:
                return f"not within {minutes:g} minutes"
            except CellExecutionError as error:
                return f"code cell {index}: {error.ename}: {error.evalue}".splitlines()[0]
    return ""


def table(results: list[Timed], accuracy: float) -> str:
    """The first of the results is ours, with which the others are compared."""
    lines = [f"| what | seconds to {accuracy:.1%} | steps | measured then | beside ours |"]
    lines.append("| --- | --- | --- | --- | --- |")
    own = results[0].seconds
    for r in results:
        seconds = f"{r.seconds:.1f}" if r.seconds is not None else f"not reached ({r.why})"
        beside = f"{r.seconds / own:.1f} times" if own and r.seconds else ""
        lines.append(f"| {r.name} | {seconds} | {r.steps:,} | {r.accuracy:.2%} | {beside} |")
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("notebooks", nargs="*", type=Path, metavar="NOTEBOOK")
    parser.add_argument("--accuracy", type=float, required=True, help="to be reached, 0 to 1")
    parser.add_argument("--data", choices=CLASSES, default="mnist", help="what ours trains on")
    parser.add_argument("--epochs", type=int, default=2, help="of ours (2)")
    parser.add_argument("--minutes", type=float, default=30, help="for each, at most (30)")
    asked = parser.parse_args()
    if not 0 < asked.accuracy < 1:
        parser.error(f"--accuracy is a part of the images, such as 0.9, not {asked.accuracy}")
    if missing := [str(path) for path in asked.notebooks if not path.is_file()]:
        parser.error(f"there is no notebook {', '.join(missing)}")
    mine = ours(asked.data, asked.epochs)
    runs = [(f"lesson 09's recipe, {asked.data}, {asked.epochs} epochs", mine, HERE)]
    for path in asked.notebooks:
        try:
            runs.append((path.stem, nbformat.read(path, as_version=4), path.resolve().parent))
        except Exception as error:  # whatever nbformat and json raise of what is no notebook
            parser.error(f"{path} is no notebook that nbformat can read: {error}")
    results = []
    for name, notebook, folder in runs:
        print(f"running {name}", file=sys.stderr, flush=True)
        results.append(timed(name, notebook, asked.accuracy, asked.minutes, folder))
    print(table(results, asked.accuracy))


if __name__ == "__main__":
    main()
