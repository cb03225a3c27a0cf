"""nbgrader's own commands on what `handout --nbgrader` makes.

nbgrader is not among the course's requirements: COURSE_NBGRADER names a Python that has it.
COURSE_NBGRADER_CLASS says how many students hand in (8; from 38 on each known mistake is made).
"""

import json
import os
import sqlite3
import subprocess
import sys
from pathlib import Path

import nbformat
import pytest
from school import EXERCISES as TASKS
from school import class_of, hand_in

from course_utils.classroom import files
from course_utils.classroom.handout import hand_out
from course_utils.lessons import LESSONS

NBGRADER = os.environ.get("COURSE_NBGRADER")
pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not NBGRADER, reason="COURSE_NBGRADER names no Python with nbgrader"),
]
ROOT = Path(__file__).resolve().parents[2]
LESSON = LESSONS[6]
NAME = LESSON.path.stem
EXERCISES = ("ex-shape-stub", "ex-conv-stub", "ex-parameters-stub", "ex-conv-back-stub")
WRONG = "def map_shape(height, width, kernel, stride, padding):\n    return {}\n"
#: Puts checks of its own in place of the course's, wherever a notebook can reach them.
PATCH = """\
import runpy
from course_utils.classroom import marking
from course_utils.exercises.engine import checks as engine

def always(*_):
    return engine.Verdict("correct", "Correct, of course.")

lesson06.check_map_shape = lesson06.check_conv2d = lesson06.check_count_parameters = always
lesson06.check_conv2d_backward = always
engine.function_check = engine.judge = engine.exercise = marking.mark = always
engine.difference = lambda *_, **__: ""
"""
#: The same as a package of the course's name, beside the notebook.
FALSE_CHECKS = """\
from types import SimpleNamespace

def always(*_):
    return SimpleNamespace(code="correct", sentence="Correct, of course.")

check_map_shape = check_conv2d = check_conv2d_backward = always
check_count_parameters = mark = always
"""


@pytest.fixture(scope="module")
def course(tmp_path_factory):
    """A course of nbgrader's with lesson 06 generated, and what runs nbgrader in it."""
    folder = tmp_path_factory.mktemp("course")
    spec = folder / "jupyter" / "kernels" / "python3" / "kernel.json"
    spec.parent.mkdir(parents=True)
    arguments = [sys.executable, "-m", "ipykernel_launcher", "-f", "{connection_file}"]
    spec.write_text(json.dumps({"argv": arguments, "display_name": "3", "language": "python"}))
    environment = {
        **os.environ,
        "JUPYTER_PATH": str(folder / "jupyter"),  # notebooks run in this Python
        "PYTHONPATH": str(ROOT),
        "PATH": f"{Path(NBGRADER).parent}{os.pathsep}{os.environ['PATH']}",  # for its alembic
    }

    def nbgrader(*command):
        done = subprocess.run(
            [NBGRADER, "-m", "nbgrader", *command, NAME],
            cwd=folder,
            env=environment,
            capture_output=True,
            text=True,
        )
        assert done.returncode == 0, done.stderr
        return done.stderr

    hand_out(LESSON, "nbgrader", folder, exercises_only=True)
    nbgrader("generate_assignment")
    return folder, nbgrader


def released(folder):
    return nbformat.read(folder / "release" / NAME / LESSON.file, as_version=4)


def submit(folder, student, answers=None, first=""):
    """A submission: answers by cell, and code in a cell before all others."""
    notebook = released(folder)
    for cell in notebook.cells:
        if cell.id in (answers or {}):
            cell.source = answers[cell.id]
        if first and cell.id == "try-it":
            cell.cell_type, cell.source, cell.outputs, cell.execution_count = "code", first, [], 1
    place = folder / "submitted" / student / NAME
    place.mkdir(parents=True)
    nbformat.write(notebook, place / LESSON.file)
    return place


def scores(folder):
    """What nbgrader's database says: points by student and cell."""
    with sqlite3.connect(folder / "gradebook.db") as database:
        rows = database.execute(
            "SELECT submitted_assignment.student_id, base_cell.name, grade.auto_score FROM grade"
            " JOIN base_cell ON grade.cell_id = base_cell.id"
            " JOIN submitted_notebook ON grade.notebook_id = submitted_notebook.id"
            " JOIN submitted_assignment"
            " ON submitted_notebook.assignment_id = submitted_assignment.id"
        ).fetchall()
    found = {}
    for student, cell, points in rows:
        found.setdefault(student, {})[cell.removesuffix("-test")] = points
    return {student: [cells[name] for name in EXERCISES] for student, cells in found.items()}


def test_what_nbgrader_releases_is_our_stubs(course):
    cells = {cell.id: cell.source for cell in released(course[0]).cells}
    assert cells["ex-conv-stub"] == (
        "def conv2d(x, W, b, stride):\n"
        '    """The K feature maps of one picture with C channels."""\n'
        "    # YOUR CODE HERE\n    raise NotImplementedError()\n\n\n"
        "lesson06.check_conv2d(conv2d)"
    )
    assert "SOLUTION" not in "".join(cells.values())
    assert "np.zeros((K, rows, columns))\n" not in "".join(cells.values())


def test_with_a_stub_of_dots_it_releases_the_lessons_own(course):
    """As TEACHING.md has it: dots where nbgrader would raise NotImplementedError."""
    folder, nbgrader = course
    configuration = folder / "nbgrader_config.py"
    configuration.write_text('c.ClearSolutions.code_stub = {"python": "..."}\n')
    nbgrader("generate_assignment", "--force")
    dots = {cell.id: cell.source for cell in released(folder).cells}
    configuration.unlink()
    nbgrader("generate_assignment", "--force")
    for cell in files.read_lesson(LESSON)["cells"]:
        if cell["id"] in EXERCISES:
            assert dots[cell["id"]] == files.text_of(cell)


def test_submissions_get_what_they_deserve(course):
    folder, nbgrader = course
    source = nbformat.read(folder / "source" / NAME / LESSON.file, as_version=4)
    right = {cell.id: cell.source for cell in source.cells if cell.id in EXERCISES}
    submit(folder, "right", right)
    wrong = WRONG.format("(height - kernel) // stride + 1, (width - kernel) // stride + 1")
    submit(folder, "one-wrong", {**right, "ex-shape-stub": wrong})
    submit(folder, "unanswered")
    submit(folder, "syntax", {**right, "ex-conv-stub": "def conv2d(:"})
    submit(folder, "patched", {"ex-shape-stub": WRONG.format(1)}, first=PATCH)
    package = submit(folder, "shadowed", {"ex-shape-stub": WRONG.format(1)}) / "course_utils"
    for file in ("__init__.py", "classroom/marking.py", "exercises/lesson06.py"):
        (package / file).parent.mkdir(parents=True, exist_ok=True)
        (package / file).write_text(FALSE_CHECKS)
    pass_all = {f"{name}-test": "pass" for name in EXERCISES}
    submit(folder, "test-changed", {"ex-shape-stub": WRONG.format(1), **pass_all})

    nbgrader("autograde")
    nbgrader("generate_feedback")
    assert scores(folder) == {
        "right": [1, 1, 1, 1],
        "one-wrong": [0, 1, 1, 1],
        "unanswered": [0, 0, 0, 0],
        "syntax": [1, 0, 1, 1],
        "patched": [0, 0, 0, 0],
        "shadowed": [0, 0, 0, 0],
        "test-changed": [0, 0, 0, 0],
    }
    for student, sentence in {
        "right": "Correct.",
        "one-wrong": "Your result is what comes out when the padding is left out.",
        "unanswered": "Not answered yet",
    }.items():
        page = folder / "feedback" / student / NAME / f"{NAME}.html"
        assert sentence in page.read_text(encoding="utf-8"), student


def test_a_class_gets_the_points_that_its_answers_deserve(course):
    folder, nbgrader = course
    release = folder / "release" / NAME / LESSON.file
    deserved = {}
    for number, answers in enumerate(class_of(int(os.environ.get("COURSE_NBGRADER_CLASS", 8)))):
        student = f"student-{number:02}"
        sources = {name: source for name, (_, source) in answers.items()}
        hand_in(release, folder / "submitted" / student / NAME / LESSON.file, sources)
        deserved[student] = [int(answers[task.name][0] == "correct") for task in TASKS]
    nbgrader("autograde")
    nbgrader("generate_feedback")
    points = scores(folder)
    assert {student: points[student] for student in deserved} == deserved
    for student in deserved:
        page = folder / "feedback" / student / NAME / f"{NAME}.html"
        text = page.read_text(encoding="utf-8")
        assert text.count("Not yet.") + text.count("Not answered yet") + text.count("Correct.") >= 3
