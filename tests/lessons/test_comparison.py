"""nbval must notice: a changed number turns its cell red, and a hung cell all that follow it."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import nbformat
import pytest
from documents import WRITTEN, code_cells, tags, text_outputs
from facts import FACTS, altered, facts
from nbformat import NotebookNode
from nbformat.v4 import new_code_cell, new_notebook

from course_utils.lessons import LESSONS

ROOT = Path(__file__).resolve().parents[2]


def run_nbval(
    notebook: NotebookNode, folder: Path, *options: str, name: str = "copy.ipynb"
) -> tuple[int, set[int]]:
    """Run a notebook outside the repository by the repository's own configuration.

    Returns pytest's exit status and the failed code cells.
    """
    (folder / "notebooks").mkdir()
    shutil.copytree(ROOT / "data", folder / "data", ignore=shutil.ignore_patterns("*MNIST*"))
    copy = folder / "notebooks" / name
    nbformat.write(notebook, copy)
    command = [sys.executable, "-m", "pytest", "-c", ROOT / "pyproject.toml", "--rootdir", ROOT]
    command += ["--confcutdir=/", "-p", "conftest", "-n", "0", "-p", "no:cacheprovider", "-rf"]
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "COURSE_DATA_DIR": "digits"}
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
        assert not {"nbval-ignore-output", "nbval-skip"} & {*tags(cells[cell_id])}
        assert "NBVAL_" not in cells[cell_id].source
        for number in numbers:
            assert number in text_outputs(cells[cell_id]), (cell_id, number)


@pytest.mark.slow
def test_an_untouched_copy_passes(tmp_path):
    assert run_nbval(nbformat.read(LESSONS[2].path, 4), tmp_path) == (0, set())


@pytest.mark.slow
def test_every_altered_number_fails(tmp_path):
    """…and no other cell. (In every lesson `conftest.py` alters each number after its cell.)"""
    notebook = nbformat.read(LESSONS[2].path, as_version=4)
    cells = [cell for cell in notebook.cells if cell.cell_type == "code"]
    wrong = set()
    for place, cell in enumerate(cells):
        for number in facts(LESSONS[2].file, cell.id):
            before = text_outputs(cell)
            cell.outputs = altered(cell, number).outputs
            assert text_outputs(cell) != before, (cell.id, number)
            wrong.add(place)
    assert wrong and run_nbval(notebook, tmp_path) == (1, wrong)


@pytest.mark.slow
def test_a_comparison_that_sees_no_digits_is_noticed(tmp_path):
    """With every digit taken out of what is compared, the cells of a lesson's numbers are red."""
    (tmp_path / "digits.cfg").write_text("[digits]\nregex: \\d\nreplace: 0\n", encoding="utf-8")
    cells = code_cells(LESSONS[2])
    with_numbers = {i for i, cell in enumerate(cells) if facts(LESSONS[2].file, cell.id)}
    notebook = nbformat.read(LESSONS[2].path, as_version=4)
    option = ("--nbval-sanitize-with", str(tmp_path / "digits.cfg"))
    found = run_nbval(notebook, tmp_path, *option, name=LESSONS[2].file)
    assert found == (1, with_numbers)


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
