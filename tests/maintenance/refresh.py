"""Execute lessons and store their outputs.

python tests/maintenance/refresh.py               every written lesson
python tests/maintenance/refresh.py 2 09          these
python tests/maintenance/refresh.py 9 --weights   also ships the LeNet that lesson 09 trains

Runs on the CPU, with MNIST and FashionMNIST at hand (it refuses otherwise, since the stored
outputs are those of the real images). A second run changes nothing: cell ids stay, times and
widget states are not stored, and a cell tagged nbval-ignore-output keeps the output it has
until its source, a cell before it, or a module of the course that they import changes. A view's
picture, which nbval does not compare, is marked with the modules that draw it.
"""

import ast
import functools
import hashlib
import os
import re
import shutil
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import nbformat
import torch
from nbclient import NotebookClient
from nbformat import NotebookNode

from course_utils import views
from course_utils.lessons import LESSONS, NOTEBOOKS, Lesson
from course_utils.sources import DATA, FOLDERS, find_images
from course_utils.views.bundler import PAGE

sys.path.append(str(Path(__file__).resolve().parents[1] / "helpers"))
from documents import has_view

METADATA = {
    "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
    "language_info": {"name": "python"},
}
KEPT_CELL_METADATA = ("tags", "slideshow")
ROOT = NOTEBOOKS.parent


def execute(notebook: NotebookNode, runs: Path | None = None) -> NotebookNode:
    """Run a notebook as CI does: in the folder of notebooks, with no earlier runs at hand.

    runs: an empty folder that is to hold what the lesson keeps; otherwise it is thrown away.
    """
    with tempfile.TemporaryDirectory() as nowhere:
        os.environ["COURSE_RUNS_DIR"] = str(runs or nowhere)
        NotebookClient(
            notebook,
            timeout=600,
            kernel_name="python3",
            extra_arguments=["--log-level=ERROR"],  # no word about loopback without encryption
            record_timing=False,
            coalesce_streams=True,
            resources={"metadata": {"path": str(NOTEBOOKS)}},
        ).execute()
    return notebook


def normalise(notebook: NotebookNode) -> NotebookNode:
    """Keep only what a reader sees and a second run would store again."""
    notebook.metadata = nbformat.from_dict(METADATA)
    for cell in notebook.cells:
        cell.metadata = nbformat.from_dict(
            {key: cell.metadata[key] for key in KEPT_CELL_METADATA if key in cell.metadata}
        )
        for output in cell.get("outputs", []):
            if output.output_type == "stream" and output.name == "stderr":
                raise SystemExit(
                    f"cell {cell.id} writes to stderr, which is not stored:\n{output.text}"
                )
            if "data" in output:
                output.data.pop("application/vnd.jupyter.widget-view+json", None)
                output.metadata = nbformat.from_dict({})
    return notebook


def keep_ignored(fresh: NotebookNode, stored: NotebookNode) -> NotebookNode:
    """Take over stored outputs that vary by clock or processor while nothing before has changed.

    Each such cell carries as "past" a digest of all that its output may depend on.
    """
    known = {cell.id: cell for cell in stored.cells}
    for cell, digest in pasts(fresh):
        if cell.id in known and known[cell.id].metadata.get("past") == digest:
            cell.outputs = known[cell.id].outputs
        cell.metadata["past"] = digest
    for cell, digest in stills(fresh):
        cell.metadata["still"] = digest
    return fresh


def pasts(notebook: NotebookNode) -> Iterator[tuple[NotebookNode, str]]:
    """Each cell whose output is not compared, with a digest of what the output may depend on.

    That is its own source, all the code before it, and the modules of the course that this code
    imports. (The checks of the exercises are left out: no such output depends on them.)
    """
    code, modules = "", set()
    for cell in notebook.cells:
        if cell.cell_type == "code":
            code += cell.source + "\n"
            modules |= imported(cell.source)
            if "nbval-ignore-output" in cell.metadata.get("tags", []):
                past = hashlib.sha256(code.encode())
                for module in sorted(modules):
                    past.update(module.read_bytes())
                yield cell, past.hexdigest()[:16]


def stills(notebook: NotebookNode) -> Iterator[tuple[NotebookNode, str]]:
    """Each cell that shows a view, with a digest of what draws the picture that is stored of it.

    That is the view's modules, those that they import, and the style of figures.
    """
    named_before: list[str] = []
    for cell in notebook.cells:
        if cell.cell_type != "code":
            continue
        named = re.findall(r"\bviews\.(\w+)", cell.source)
        named_before += named
        if has_view(cell):
            still = hashlib.sha256()
            for file in sorted(drawn_by(frozenset(named or named_before))):
                still.update(file.read_bytes())
            yield cell, still.hexdigest()[:16]


@functools.cache
def drawn_by(names: frozenset[str]) -> frozenset[Path]:
    """The files that the pictures of these views depend on."""
    homes = {getattr(views, name).__module__ for name in names}
    modules = imported("\n".join(f"import {home}" for home in sorted(homes)))
    sources = [module.read_text(encoding="utf-8") for module in modules]
    data = {file for file in PAGE.glob("*.json") if any(file.name in text for text in sources)}
    return modules | data | {ROOT / "course_utils" / "course.mplstyle"}


@functools.cache
def imported(source: str) -> frozenset[Path]:
    """The files of course_utils that a source imports, and those that these import in turn.

    (Of the views only what they share: which of them a lesson shows is not followed.)
    """
    found: set[Path] = set()
    left = list(_imports(source, ROOT))
    while left:
        path = left.pop()
        if path not in found:
            found.add(path)
            left += _imports(path.read_text(encoding="utf-8"), path)
    return frozenset(found)


def _imports(source: str, path: Path) -> Iterator[Path]:
    """The files of course_utils that the source of a file imports itself."""
    names = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            folder = path.parents[node.level - 1].relative_to(ROOT).parts if node.level else ()
            module = ".".join([*folder, *filter(None, [node.module])])
            names |= {module, *(f"{module}.{alias.name}" for alias in node.names)}
    for name in names:
        if name.startswith("course_utils") and "exercises" not in name:
            file = ROOT.joinpath(*name.split("."))
            file = file / "__init__.py" if file.is_dir() else file.with_suffix(".py")
            if file.is_file() and _does_something(file):
                yield file


def _does_something(file: Path) -> bool:
    """Whether it holds more than a docstring, as the maps of the rooms do not."""
    tree = ast.parse(file.read_text(encoding="utf-8"))
    return len(tree.body) > (ast.get_docstring(tree) is not None)


def refresh(lesson: Lesson, keep_weights: bool) -> None:
    stored = nbformat.read(lesson.path, as_version=4)
    with tempfile.TemporaryDirectory() as runs:
        fresh = normalise(execute(nbformat.read(lesson.path, as_version=4), Path(runs)))
        if keep_weights:
            for kept in Path(runs).glob("lenet.*"):
                shutil.copy(kept, DATA / "weights" / f"lenet-mnist{kept.suffix}")
    fresh = keep_ignored(fresh, stored)
    nbformat.write(fresh, lesson.path)


if __name__ == "__main__":
    if torch.cuda.is_available() or torch.backends.mps.is_available():
        os.environ["COURSE_DEVICE"] = "cpu"
    os.environ["TQDM_DELAY"] = "1000000"  # no progress bars in stored outputs
    # As many threads as without it, but nothing is said of other programs that are busy.
    os.environ.setdefault("OMP_NUM_THREADS", str(torch.get_num_threads()))
    if not all(find_images(name) for name in FOLDERS):
        raise SystemExit(
            "MNIST and FashionMNIST are needed to store outputs: "
            "set COURSE_DATA_DIR to a folder that holds them, or download them in lesson 05."
        )
    wanted = {int(word) for word in sys.argv[1:] if word != "--weights"}
    for lesson in LESSONS:
        if lesson.written and (not wanted or lesson.number in wanted):
            print(lesson.file, flush=True)
            refresh(lesson, "--weights" in sys.argv)
