"""Storing outputs: what a second run would store again, and nothing else."""

from pathlib import Path

import nbformat
import pytest
from documents import IDS, WRITTEN, stored
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook
from refresh import METADATA, drawn_by, execute, imported, keep_ignored, normalise, pasts, stills


def small_notebook() -> nbformat.NotebookNode:
    notebook = new_notebook(metadata=METADATA)
    notebook.cells = [
        new_code_cell("import time, ipywidgets, matplotlib.pyplot as plt"),
        new_code_cell("plt.plot([1, 2])\nplt.show()"),
        new_markdown_cell("**In the figure:** a line."),
        new_code_cell("print(time.time())", metadata={"tags": ["nbval-ignore-output"]}),
        new_code_cell("ipywidgets.IntSlider(3)", metadata={"scrolled": True}),
    ]
    return notebook


def fresh(stored: nbformat.NotebookNode) -> nbformat.NotebookNode:
    again = nbformat.from_dict(stored)
    return keep_ignored(normalise(execute(again)), stored)


@pytest.mark.slow
def test_a_second_run_stores_the_same():
    first = fresh(small_notebook())
    assert nbformat.writes(fresh(nbformat.from_dict(first))) == nbformat.writes(first)
    text = nbformat.writes(first)
    for unwanted in ("widget-view", "iopub.execute_input", "scrolled", '"widgets"'):
        assert unwanted not in text
    assert "image/png" in text and "IntSlider(value=3)" in text


@pytest.mark.slow
def test_an_ignored_output_is_kept_until_its_past_changes():
    first = fresh(small_notebook())
    clock = first.cells[3].outputs[0].text
    changed = nbformat.from_dict(first)
    changed.cells[4].source += "  # after the clock"
    assert fresh(changed).cells[3].outputs[0].text == clock
    changed.cells[1].source = "plt.plot([2, 1])\nplt.show()"
    edited = normalise(execute(nbformat.from_dict(changed)))
    assert keep_ignored(edited, first).cells[3].outputs[0].text != clock


def test_an_ignored_output_depends_on_the_package_too(monkeypatch):
    source = "from course_utils.training import fit\nfrom course_utils import plots"
    files = {path.stem for path in imported(source)}
    assert {"training", "plots", "images", "sources"} <= files  # what they import, too
    assert not imported("from course_utils.exercises import lesson06")
    notebook = small_notebook()
    notebook.cells[0].source += "\nfrom course_utils import plots"
    ((_, before),) = pasts(notebook)
    monkeypatch.setattr(Path, "read_bytes", lambda path: b"changed")
    ((_, after),) = pasts(notebook)
    assert before != after


def test_a_views_picture_depends_on_what_draws_it(monkeypatch):
    files = {path.name for path in drawn_by(frozenset({"XRay"}))}
    assert {"xray.py", "networks.py", "drawing.py", "plots.py", "digits.json"} <= files
    assert not {"ledger.py", "xray.js"} & files
    picture = nbformat.v4.new_output(
        "display_data", {"image/png": "", "text/plain": "input 1 × 32"}
    )
    notebook = new_notebook()
    notebook.cells = [
        new_code_cell("pad = views.XRay(lenet)\npad", outputs=[picture]),
        new_code_cell("views.ShapeLedger()", outputs=[picture]),
        new_code_cell("display(pad)", outputs=[picture]),  # one of the two: which is not followed
        new_code_cell("views.XRay(lenet).digit"),
    ]

    def digests() -> list[str]:
        return [digest for _, digest in stills(notebook)]

    before, plain = digests(), Path.read_bytes
    changed = {"ledger.py": b"changed"}
    monkeypatch.setattr(Path, "read_bytes", lambda path: changed.get(path.name) or plain(path))
    same = [digest == other for digest, other in zip(before, digests(), strict=True)]
    assert same == [True, False, False]


@pytest.mark.parametrize("lesson", WRITTEN, ids=IDS)
def test_no_stored_output_is_stale(lesson):
    """Whatever an output that is not compared may depend on is as it was when it was stored."""
    for mark, digests in (("past", pasts), ("still", stills)):
        for cell, digest in digests(stored(lesson)):
            assert cell.metadata.get(mark) == digest, (
                f"{cell.id}: something that this output depends on has changed since it was "
                f"stored. Store it again: python tests/maintenance/refresh.py {lesson.number}"
            )


@pytest.mark.slow
def test_warnings_are_not_stored():
    notebook = small_notebook()
    notebook.cells[0].source += "\nimport sys; print('careful', file=sys.stderr)"
    with pytest.raises(SystemExit, match="careful"):
        normalise(execute(notebook))
