"""nbval must notice: a changed number turns its cell red, and a hung cell all that follow it."""

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import nbformat
import pytest
from documents import WRITTEN, code_cells, tags, text_outputs
from nbformat import NotebookNode
from nbformat.v4 import new_code_cell, new_notebook

from course_utils.lessons import LESSONS

ROOT = Path(__file__).resolve().parents[2]
#: The numbers that each lesson must reproduce: {lesson: {cell id: [as printed, …]}}.
FACTS = json.loads((ROOT / "tests" / "lessons" / "facts.json").read_text(encoding="utf-8"))


def run_nbval(
    notebook: NotebookNode, folder: Path, *options: str, **variables: str
) -> tuple[int, set[int]]:
    """Run a notebook outside the repository by the repository's own configuration.

    variables: of the environment. Returns pytest's exit status and the failed code cells.
    """
    (folder / "notebooks").mkdir()
    shutil.copytree(ROOT / "data", folder / "data", ignore=shutil.ignore_patterns("*MNIST*"))
    copy = folder / "notebooks" / "copy.ipynb"
    nbformat.write(notebook, copy)
    command = [sys.executable, "-m", "pytest", "-c", ROOT / "pyproject.toml", "--rootdir", ROOT]
    command += ["--confcutdir=/", "-p", "conftest", "-n", "0", "-p", "no:cacheprovider", "-rf"]
    environment = {**os.environ, "PYTHONPATH": str(ROOT), **variables}
    command += [*options, copy]
    done = subprocess.run(
        command, env=environment, capture_output=True, text=True, cwd=folder, timeout=600
    )
    print(done.stdout[-3000:], done.stderr[-3000:])  # shown if the test fails
    return done.returncode, {
        int(n) for n in re.findall(r"^FAILED .*::Cell (\d+)", done.stdout, re.M)
    }


@pytest.mark.parametrize("lesson", WRITTEN, ids=lambda lesson: lesson.path.stem)
def test_every_fact_is_printed(lesson):
    """…in a cell whose output is compared."""
    cells = {cell.id: cell for cell in code_cells(lesson)}
    for cell_id, numbers in FACTS[str(lesson.number)].items():
        assert "nbval-ignore-output" not in tags(cells[cell_id])
        for number in numbers:
            assert number in text_outputs(cells[cell_id]), (cell_id, number)


@pytest.mark.slow
def test_an_untouched_copy_passes(tmp_path):
    assert run_nbval(nbformat.read(LESSONS[2].path, 4), tmp_path) == (0, set())


@pytest.mark.parametrize("lesson", WRITTEN, ids=lambda lesson: lesson.path.stem)
@pytest.mark.slow
def test_every_altered_number_fails(lesson, tmp_path, request):
    """One run for all the numbers of a lesson; only the altered cells may fail.

    It ends with the last of them: what follows is as in the lesson, which is run by itself.
    Where no altered cell depends on the images, the quicker embedded digits do.
    """
    notebook = nbformat.read(lesson.path, as_version=4)
    notebook.cells = [cell for cell in notebook.cells if cell.cell_type == "code"]
    altered, variables = set(), {"COURSE_DATA_DIR": "digits"}
    for number, cell in enumerate(notebook.cells):
        facts = FACTS[str(lesson.number)].get(cell.id, [])
        if "mnist-output" in tags(cell) and facts:
            if not request.config.real_images:
                continue
            variables = {}
        for fact in facts:
            alter(cell, fact)
            altered.add(number)
    notebook.cells = notebook.cells[: max(altered) + 1]
    assert run_nbval(notebook, tmp_path, **variables) == (1, altered)


def alter(cell: NotebookNode, number: str) -> None:
    """Change the last digit of a number in a cell's stored output."""
    wrong = re.sub(r"\d(?=\D*$)", lambda digit: str((int(digit[0]) + 1) % 10), number)
    before = text_outputs(cell)
    for output in cell.outputs:
        if "text" in output:
            output.text = output.text.replace(number, wrong)
        elif "text/plain" in output.get("data", {}):
            output.data["text/plain"] = output.data["text/plain"].replace(number, wrong)
    assert text_outputs(cell) != before, (cell.id, number)


@pytest.mark.slow
def test_a_hung_cell_fails_with_all_that_follow(tmp_path):
    """Even where the loop answers an interrupt as `fit` does, by ending quietly."""
    notebook = new_notebook()
    notebook.cells = [
        new_code_cell("print(1)", execution_count=1),
        new_code_cell("try:\n    while True: pass\nexcept KeyboardInterrupt: pass"),
        new_code_cell("print(2)"),
    ]
    notebook.cells[0].outputs = [nbformat.v4.new_output("stream", name="stdout", text="1\n")]
    assert run_nbval(notebook, tmp_path, "--nbval-cell-timeout=3") == (1, {1, 2})
