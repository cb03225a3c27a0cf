"""`marks`: what a class hands in is run, whatever it does, and summed up."""

import contextlib
import csv
import json
import os
import re
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from pathlib import Path

import nbformat
import psutil
import pytest
from documents import IDS, WRITTEN, solutions, stored
from exercise_sources import checks
from school import EXERCISES, LESSON, class_of, hand_in

from course_utils.classroom import kernel, marks, mirror, sections
from course_utils.classroom.commands import main
from course_utils.classroom.handout import hand_out
from course_utils.classroom.submissions import Answers, Unmarkable, find_submissions
from course_utils.exercises.engine.codes import PATTERNS

NAME = LESSON.path.stem
RIGHT = {exercise.name: exercise.solution for exercise in EXERCISES}
NAMES = [*RIGHT]


def notebook_of(*cells):
    return nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(text) for text in cells])


def handed_in(folder, *cells, name=LESSON.file):
    folder.mkdir(parents=True, exist_ok=True)
    nbformat.write(notebook_of(*cells), folder / name)
    return folder / name


@pytest.fixture(scope="module")
def handout(tmp_path_factory):
    return hand_out(LESSON, "plain", tmp_path_factory.mktemp("handout"))


def table(folder):
    with (folder / "marks.csv").open(encoding="utf-8-sig", newline="") as file:
        return list(csv.DictReader(file))


# Which submissions there are, and of which lesson


def test_submissions_in_folders_and_files(tmp_path):
    for path in (
        "mia/06_convolution.ipynb",
        "tom/week 2/06_convolution.ipynb",
        "tom/week 2/.ipynb_checkpoints/06_convolution-checkpoint.ipynb",
        "eva/answers.pdf",
        "__MACOSX/mia/._06_convolution.ipynb",
        ".git/x.ipynb",
        "ann-lee_06_convolution.ipynb",
        "06_convolution (3).ipynb",
        "06_convolution.ipynb",
        "list of students.csv",
    ):
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_text("{}")
    found = [(each.student, each.file) for each in find_submissions(tmp_path)]
    assert found == [
        ("(3)", "06_convolution (3).ipynb"),
        ("06_convolution", "06_convolution.ipynb"),
        ("ann-lee", "ann-lee_06_convolution.ipynb"),
        ("eva", "eva"),
        ("mia", str(Path("mia", "06_convolution.ipynb"))),
        ("tom", str(Path("tom", "week 2", "06_convolution.ipynb"))),
    ]


def test_the_folder_of_nbgraders_course(tmp_path):
    for part in ("submitted/mia", "source", "release", "autograded/mia"):
        handed_in(tmp_path / part / NAME, "1")
    assert [each.student for each in find_submissions(tmp_path)] == ["mia"]


@pytest.mark.parametrize("made", [False, True])
def test_a_folder_without_submissions_is_said(made, tmp_path, capsys):
    folder = tmp_path / "class"
    if made:
        folder.mkdir()
    assert main(["marks", str(folder), "--to", str(tmp_path / "marks")]) == 2
    said = capsys.readouterr().err
    assert said.count("\n") == 1 and str(folder) in said
    assert ("no submission in" if made else "is no folder") in said


@pytest.mark.parametrize(
    ("cells", "name", "number"),
    [
        (["lesson06.check_conv2d(conv2d)"], "answers.ipynb", 6),
        (["lesson06.check_conv2d(conv2d)"], "09_lenet.ipynb", 6),  # what it asks, not its name
        (['runpy.run_path(found)["mark"]("07", "x", x)'], "answers.ipynb", 7),
        (["conv2d = 1"], "mia_06_convolution.ipynb", 6),
        (["conv2d = 1"], "2026_06_convolution.ipynb", 6),
    ],
)
def test_the_lesson_is_that_of_its_checks_or_of_its_name(cells, name, number, tmp_path):
    assert Answers(handed_in(tmp_path, *cells, name=name)).lesson.number == number


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (b"", "not-a-notebook"),
        (b"{", "not-a-notebook"),
        (b"[]", "not-a-notebook"),
        (b"%PDF-1.7 \xff", "not-a-notebook"),
        (b'{"cells": 3, "nbformat": 4, "nbformat_minor": 5, "metadata": {}}', "not-a-notebook"),
        (b"[" * 100_000, "not-a-notebook"),
        (json.dumps(notebook_of("1 + 1")).encode(), "unknown-lesson"),
        (json.dumps(notebook_of("lesson99.check_x(x)")).encode(), "unknown-lesson"),
    ],
)
def test_what_cannot_be_marked_is_a_row(content, code, tmp_path):
    (tmp_path / "class").mkdir()
    (tmp_path / "class" / "mia.ipynb").write_bytes(content)
    assert main(["marks", str(tmp_path / "class"), "--to", str(tmp_path)]) == 0
    (row,) = table(tmp_path)
    assert (row["student"], row["exercise"], row["code"]) == ("mia", "", code)
    assert row["sentence"].endswith(".")


def test_a_large_file_is_not_read(tmp_path, monkeypatch):
    path = handed_in(tmp_path, "lesson06.check_conv2d(conv2d)")
    monkeypatch.setattr("course_utils.classroom.submissions.LARGEST", 10)
    with pytest.raises(Unmarkable, match="larger than"):
        Answers(path)


# What an answer needs to run


def cells_for(tmp_path, exercise, *cells):
    path = handed_in(tmp_path, *cells)
    return Answers(path).cells_for(exercise)


def test_helpers_are_run_and_nothing_else(tmp_path):
    cells = [
        "import math",
        "def half(x):\n    return math.floor(x / 2) + shift",
        "shift = 1",
        "unrelated = 1 / 0",
        "def conv2d(x):\n    return half(x)\n\n\nlesson06.check_conv2d(conv2d)",
        "def map_shape():\n    return 2",
    ]
    needed = cells_for(tmp_path, "conv2d", *cells)
    assert needed == [*cells[:3], "def conv2d(x):\n    return half(x)\n\n\n"]
    assert cells_for(tmp_path, "map_shape", *cells) == [cells[5]]


def test_the_last_answer_counts_and_names_above_come_first(tmp_path):
    cells = ["k = 1", "conv2d = k", "k = 2", "conv2d = k + z", "z = 3"]
    assert cells_for(tmp_path, "conv2d", *cells) == cells
    assert cells_for(tmp_path, "conv2d", "k = 1", "conv2d = k", "k = 2") == ["k = 1", "conv2d = k"]


def test_a_stub_below_an_answer_does_not_undo_it(tmp_path):
    stubs = {exercise.name: "".join(exercise.stub["source"]) for exercise in EXERCISES}
    answer = "def conv2d(x, W, b, stride):\n    return 0"
    assert cells_for(tmp_path, "conv2d", answer, *stubs.values()) == [answer]
    with pytest.raises(Unmarkable, match="Not answered"):
        cells_for(tmp_path, "map_shape", answer, *stubs.values())


def test_names_of_functions_and_classes_are_not_those_of_the_notebook(tmp_path):
    cells = [
        "x = 1 / 0",
        "total = 5",
        "def conv2d(x):\n    global total\n    total = [x for x in range(3)]",
    ]
    assert cells_for(tmp_path, "conv2d", *cells) == [cells[2]]
    assert cells_for(tmp_path, "conv2d", *cells[1:], "conv2d = lambda: total") == [
        *cells[1:],
        "conv2d = lambda: total",
    ]


def test_cells_of_the_lesson_that_an_answer_uses_are_run(tmp_path):
    """`output_size` is lesson 06's own; the picture that the lesson draws is not needed."""
    whole = [cell.source for cell in stored(LESSON).cells if cell.cell_type == "code"]
    answer = "def map_shape(*sides):\n    return output_size(*sides)"
    needed = cells_for(tmp_path, "map_shape", *whole, answer)
    assert len(needed) == 2 and needed[0].startswith("def output_size(") and needed[1] == answer


def test_magics_and_cells_that_are_no_python(tmp_path):
    timed = "%%time\ndef conv2d(x):\n    return 1\nlesson06.check_conv2d(conv2d)"
    assert cells_for(tmp_path, "conv2d", timed)[0].startswith("%%time\ndef conv2d")
    magic = "%matplotlib inline\n!echo\ndef conv2d(x): ..."
    assert cells_for(tmp_path, "conv2d", magic) == [magic]
    with pytest.raises(Unmarkable, match=r"no Python, in line 1") as why:
        cells_for(tmp_path, "conv2d", "def conv2d(:\n    pass\nlesson06.check_conv2d(conv2d)")
    assert why.value.code == "syntax-error"


def test_cells_that_mark_are_left_out(tmp_path):
    notebook = nbformat.read(hand_out(LESSON, "nbgrader", tmp_path), as_version=4)
    nbformat.write(notebook, tmp_path / LESSON.file)
    for name in NAMES:
        (cell,) = Answers(tmp_path / LESSON.file).cells_for(name)
        assert "BEGIN SOLUTION" in cell and f"check_{name}(" not in cell


def test_notebooks_of_old_formats_are_read(tmp_path):
    old = {
        "nbformat": 3,
        "nbformat_minor": 0,
        "metadata": {"name": "x"},
        "worksheets": [
            {
                "metadata": {},
                "cells": [
                    {
                        "cell_type": "code",
                        "input": ["conv2d = 1\n", "lesson06.check_conv2d(conv2d)"],
                        "language": "python",
                        "metadata": {},
                        "outputs": [],
                        "collapsed": False,
                    }
                ],
            }
        ],
    }
    (tmp_path / "old.ipynb").write_text(json.dumps(old))
    assert Answers(tmp_path / "old.ipynb").cells_for("conv2d") == ["conv2d = 1\n"]


# The table and the page


def rows_of(*codes, student="mia"):
    return [marks.Row(student, "06", NAMES[0], code, "Not yet.", "file") for code in codes]


def test_the_table_holds_no_formulas():
    text = marks.as_csv(
        rows_of("correct", student="=cmd|' /C calc'!A0") + rows_of("+1", student="é")
    )
    rows = list(csv.reader(text.removeprefix("\ufeff").splitlines()))
    assert [row[0] for row in rows] == ["student", "'=cmd|' /C calc'!A0", "é"]
    assert rows[2][3] == "'+1" and text.startswith("\ufeff")


@pytest.mark.skipif(os.name == "nt", reason="names of files are bytes on Linux alone")
def test_names_that_are_no_text_are_legible(tmp_path, capsys):
    folder = os.fsencode(tmp_path / "class") + b"/m\xfcller"
    os.makedirs(folder)
    with open(folder + b"/x.ipynb", "wb") as file:
        file.write(b"{")
    assert main(["marks", str(tmp_path / "class"), "--to", str(tmp_path)]) == 0
    assert table(tmp_path)[0]["student"] == "m?ller" and "m?ller" in capsys.readouterr().out


def test_a_fault_in_marking_is_a_row(tmp_path, monkeypatch):
    def fail(*_):
        raise OSError(24, "Too many open files")

    monkeypatch.setattr(marks, "Answers", fail)
    handed_in(tmp_path / "class" / "mia", "1")
    assert main(["marks", str(tmp_path / "class"), "--to", str(tmp_path)]) == 0
    (row,) = table(tmp_path)
    assert row["code"] == "not-marked" and "Too many open files" in row["sentence"]


def answered(tmp_path, said="unanswered"):
    """Marks made of one submission that needs no kernel."""
    handed_in(tmp_path / "class" / "Maria Muster", "lesson06.check_x(x)")
    assert main(["marks", str(tmp_path / "class"), "--to", str(tmp_path / "to")]) == 0
    assert [row["code"] for row in table(tmp_path / "to")] == [said] * len(NAMES)


def test_what_it_made_is_made_again_and_nothing_else_is_overwritten(tmp_path, capsys):
    answered(tmp_path)
    answered(tmp_path)  # over its own
    capsys.readouterr()
    for file in ("marks.csv", "mirror.html"):
        path = tmp_path / "to" / file
        before = path.read_bytes()
        for changed in (
            before.replace(b"Maria", b"Mia").replace(b"names", b"Names"),
            b"mine",
            b"\xff",
        ):
            path.write_bytes(changed)
            assert main(["marks", str(tmp_path / "class"), "--to", str(tmp_path / "to")]) == 2
            said = capsys.readouterr()
            assert "stay as they are" in said.err or "cannot be read" in said.err
            assert path.read_bytes() == changed and " of 1: " not in said.out
        path.write_bytes(before)
    answered(tmp_path)
    (tmp_path / "to" / "mirror.html").unlink()  # the table alone is not known again
    assert main(["marks", str(tmp_path / "class"), "--to", str(tmp_path / "to")]) == 2


def test_a_place_that_cannot_be_written_is_said_before_anything_is_run(tmp_path, capsys):
    handed_in(tmp_path / "class" / "mia", "lesson06.check_x(x)")
    (tmp_path / "file").write_text("mine")
    assert main(["marks", str(tmp_path / "class"), "--to", str(tmp_path / "file" / "to")]) == 2
    said = capsys.readouterr()
    assert "cannot be written" in said.err and said.out == ""


@pytest.mark.parametrize("number", ["0", "-1", "two", "1.5"])
def test_limits_are_whole_numbers(number, capsys):
    with pytest.raises(SystemExit):
        main(["marks", "class", f"--seconds={number}"])
    assert "is not a whole number of at least 1" in capsys.readouterr().err


def test_the_mirror_counts_and_names_nobody(tmp_path):
    codes = ["correct"] * 2 + ["padding-once"] * 2 + ["raised", "unanswered", "timeout"]
    rows = rows_of(*codes, student="Maria Muster")
    rows += [marks.Row("Maria Muster", "", "", "not-a-notebook", "It is none.", "m.pdf")]
    page = mirror.mirror(*marks.count_codes(rows))
    assert "2 of 7 students right, 4 with a mistake, 1 unanswered" in page
    said = re.findall(r"<th scope='row'>(.*?)</th><td>(.*?) <small>", page)
    assert said[0][0] == "2 students" and said[0][1].startswith("The padding is counted once.")
    assert ("1 student", "The answer was not done in time, and was ended.") in said
    assert "<b>How large is the output?</b>" in page and "how many averages" not in page
    assert "1 student: The file, or folder, is no notebook" in page
    assert "Maria" not in page and "m.pdf" not in page
    assert not re.search(r"https?:|src=|href=|@import|url\(", page)


def test_the_mirror_loads_no_torch():
    """So that a folder that cannot be marked is refused at once."""
    code = "import sys, course_utils.classroom.mirror; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code]).returncode == 0


def test_the_mirror_has_words_for_whatever_a_check_can_say():
    ours = {"raised", "different", "error", "stopped", "timeout", "memory", "processes", "output"}
    assert set(PATTERNS) | ours <= set(mirror.WORDS)


@pytest.mark.parametrize("lesson", WRITTEN, ids=IDS)
def test_the_mirror_of_every_mistake(lesson):
    """Each has its sentence, and a section of the lesson, where one asks or has a view."""
    number = f"{lesson.number:02}"
    every = {
        (number, name.removeprefix("check_")): Counter([*check.codes, "different"])
        for name, check in checks(lesson).items()
    }
    page = mirror.mirror(every, Counter())
    sentences = re.findall(r"<tr><th scope='row'>1 student</th><td>(.+?) <small>", page)
    assert len(sentences) == sum(len(codes) for codes in every.values())
    shown = re.findall(r"Show <b>(.+?)</b>", page)
    titles = re.findall(r"^## (.*)", "\n".join(c.source for c in stored(lesson).cells), re.M)
    assert set(shown) <= {mirror.as_html(title) for title in titles} and len(shown) >= len(every)
    assert "ask: <q>" in page and "\\" not in page
    names = {" ".join(where) for where in every}
    known = {f"{' '.join(where)} {code}" for where, codes in every.items() for code in codes}
    here = {what for what in sections.TAUGHT if what.startswith(f"{number} ")}
    assert names <= here <= names | known


# In kernels


@pytest.mark.classes
def test_a_class_gets_what_its_answers_deserve(handout, tmp_path):
    """Every wrong and right answer that the tests know is somebody's."""
    expected = {}
    for number, answers in enumerate(class_of(48)):
        student = f"student {number:02}"
        sources = {name: source for name, (_, source) in answers.items()}
        hand_in(handout, tmp_path / "class" / student / LESSON.file, sources)
        expected |= {(student, name): code for name, (code, _) in answers.items()}
    known = [checks(LESSON)[f"check_{name}"].codes for name in NAMES]
    assert {code for codes in known for code in codes} <= set(expected.values())
    command = [sys.executable, "-m", "course_utils", "marks", "class", "--seconds", "300"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    got = {(row["student"], row["exercise"]): row["code"] for row in table(tmp_path / "marks")}
    assert got == expected
    page = (tmp_path / "marks" / "mirror.html").read_text(encoding="utf-8")
    assert "of 48 students right" in page and "student 0" not in page


DAEMON = """
def conv2d(x, W, b, stride):
    import subprocess, sys
    code = "import time; time.sleep(600)  # left-behind"
    subprocess.Popen([sys.executable, "-c", code], start_new_session=True)
    return 0
"""
CONNECT = """
def conv2d(x, W, b, stride):
    import socket
    return socket.create_connection(("127.0.0.1", PORT), timeout=5)
"""
CONNECT_OUTSIDE = """
def conv2d(x, W, b, stride):
    import subprocess, sys
    code = "import socket; socket.create_connection(('127.0.0.1', PORT), timeout=5)"
    return subprocess.run([sys.executable, "-c", code]).returncode
"""
#: What stands in place of conv2d, and what is said of it; the other two answers are right.
HOSTILE = {
    "loops": ("def conv2d(*_):\n    while True:\n        pass", "timeout"),
    "sleeps": ("import time\ntime.sleep(1000)\nconv2d = 1", "timeout"),
    "keeps on": (
        "def conv2d(*_):\n    while True:\n        try:\n            while True: pass\n"
        "        except BaseException: pass",
        "timeout",
    ),
    "exits": ("import os\n\n\ndef conv2d(*_):\n    os._exit(0)", "died"),
    "crashes": ("import ctypes\n\n\ndef conv2d(*_):\n    ctypes.string_at(0)", "died"),
    "leaves": ("def conv2d(*_):\n    raise SystemExit", "raised"),
    "asks": ("conv2d = input()", "error"),
    "raises": ("conv2d = 1 / 0", "error"),
    "syntax": ("def conv2d(:", "syntax-error"),
    "prints": ("for _ in range(10**7):\n    print('x' * 100)\nconv2d = 1", "output"),
    "prints below Python": (
        "import os\n\n\ndef conv2d(*_):\n    while True:\n        os.write(1, b'x' * 10**5)",
        "output",
    ),
    "prints inside": (
        "def conv2d(*_):\n    for _ in range(10**5):\n        print('x' * 10)",
        "none",
    ),
    "allocates": (
        "def conv2d(*_):\n    kept = []\n    while True:\n        kept.append(b'x' * 10**8)",
        "memory",
    ),
    "forks": (
        "import os, time\n\n\ndef conv2d(*_):\n    for _ in range(100):\n"
        "        if os.fork() == 0:\n            time.sleep(1000)\n    time.sleep(1000)",
        "processes",
    ),
    "connects": (CONNECT, "raised"),
    "leaves a daemon": (DAEMON, "shape"),
    "fills the disk": (
        "def conv2d(*_):\n    with open('large', 'wb') as file:\n        while True:\n"
        "            file.write(bytes(10**7))",
        "raised",
    ),
}


@pytest.fixture
def listener():
    """A port on this machine, and the connections to it."""
    heard = []
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(0.2)
        done = threading.Event()

        def listen():
            while not done.is_set():
                with contextlib.suppress(TimeoutError):
                    heard.append(server.accept())

        thread = threading.Thread(target=listen)
        thread.start()
        yield server.getsockname()[1], heard
        done.set()
        thread.join()


def mark_hostile(handout, tmp_path, names, port, limits):
    for name in names:
        source = HOSTILE[name][0].replace("PORT", str(port))
        hand_in(handout, tmp_path / "class" / name / LESSON.file, {**RIGHT, "conv2d": source})
    said = list(marks.mark_class(tmp_path / "class", tmp_path / "marks", limits, 2))
    rows = {}
    for row in table(tmp_path / "marks"):
        rows.setdefault(row["student"], []).append((row["code"], row["sentence"]))
    return said, rows


def left_behind():
    return [process for process in psutil.process_iter() if "left-behind" in command_of(process)]


@pytest.mark.classes
@pytest.mark.skipif(os.name == "nt", reason="forks, signals and limits of Unix")
def test_whatever_a_submission_does_it_has_its_row_and_the_others_are_marked(
    handout, tmp_path, listener, monkeypatch
):
    port, heard = listener
    scratch = tempfile.mkdtemp()  # the name of a socket has to be short
    monkeypatch.setattr(tempfile, "tempdir", scratch)
    monkeypatch.delenv("PYTEST_CURRENT_TEST")  # by which ipykernel leaves file descriptors alone
    limits = kernel.Limits(seconds=40, memory=1.5e9)
    _, rows = mark_hostile(handout, tmp_path, HOSTILE, port, limits)
    got = {name: [code for code, _ in exercises] for name, exercises in rows.items()}
    others = ["correct"] * (len(NAMES) - 2)
    assert got == {name: ["correct", code, *others] for name, (_, code) in HOSTILE.items()}
    sentences = {name: exercises[1][1] for name, exercises in rows.items()}
    assert sentences["loops"] == "It was not done after 40 seconds, and was ended."
    assert "It took more than 1.5 GB" in sentences["allocates"]
    assert "There is no network while answers are marked" in sentences["connects"]
    assert "ZeroDivisionError" in sentences["raises"] and "line 1" in sentences["syntax"]
    assert "File too large" in sentences["fills the disk"]
    assert not heard and not left_behind()
    os.rmdir(scratch)  # where nothing is left


@pytest.mark.classes
@pytest.mark.skipif(os.name == "nt", reason="forks, signals and limits of Unix")
def test_without_namespaces_it_says_so_and_ends_what_it_sees(
    handout, tmp_path, listener, monkeypatch
):
    monkeypatch.setattr(kernel, "can_isolate", lambda: False)
    monkeypatch.setattr(marks, "can_isolate", lambda: False)
    names = ["exits", "connects", "leaves a daemon", "allocates"]
    limits = kernel.Limits(seconds=40, memory=1.5e9)
    said, rows = mark_hostile(handout, tmp_path, names, listener[0], limits)
    assert "does not allow namespaces" in said[0]
    codes = {name: exercises[1][0] for name, exercises in rows.items()}
    assert codes == {name: HOSTILE[name][1] for name in names}
    assert not listener[1] and not left_behind()


@pytest.mark.classes
@pytest.mark.skipif(not kernel.can_isolate(), reason="no namespaces on this machine")
def test_programs_that_an_answer_starts_have_no_network(handout, tmp_path, listener, monkeypatch):
    monkeypatch.setitem(HOSTILE, "connects outside", (CONNECT_OUTSIDE, "different"))
    limits = kernel.Limits(seconds=120)
    _, rows = mark_hostile(handout, tmp_path, ["connects outside"], listener[0], limits)
    assert rows["connects outside"][1][0] != "correct" and not listener[1]


@pytest.mark.classes
def test_patched_checks_and_packages_are_not_asked(handout, tmp_path):
    patch = (
        "from course_utils.exercises.engine import checks as engine\n"
        "def always(*_): return engine.Verdict('correct', 'Yes.')\n"
        "lesson06.check_conv2d = engine.judge = always\n"
    )
    source = f"{patch}\n\ndef conv2d(*_):\n    return 0"
    path = tmp_path / "class" / "mia" / LESSON.file
    hand_in(handout, path, {"conv2d": source}, first=patch)
    for part in ("__init__.py", "exercises/lesson06.py"):
        file = path.parent / "course_utils" / part
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text("check_conv2d = lambda _: 1 / 0")
    list(marks.mark_class(tmp_path / "class", tmp_path / "marks", kernel.Limits(), 1))
    codes = {row["exercise"]: row["code"] for row in table(tmp_path / "marks")}
    assert codes == dict.fromkeys(NAMES, "unanswered") | {"conv2d": "shape"}


@pytest.mark.classes
@pytest.mark.parametrize(
    "lesson", [WRITTEN[n] for n in (4, 8, 12, 16)], ids=lambda lesson: lesson.path.stem
)
def test_solutions_are_correct_in_lessons_that_set_their_exercises_up(lesson, tmp_path):
    """In the whole lesson, whose training is not needed and not run."""
    notebook = nbformat.read(hand_out(lesson, "plain", tmp_path), as_version=4)
    for name, solution in solutions(lesson).items():
        notebook.cells.append(nbformat.v4.new_code_cell(solution))
        assert name in checks(lesson)
    nbformat.write(notebook, tmp_path / lesson.file)
    list(marks.mark_class(tmp_path, tmp_path / "marks", kernel.Limits(), 1))
    rows = table(tmp_path / "marks")
    assert len(rows) == len(checks(lesson)) and {row["code"] for row in rows} == {"correct"}, rows


def started_by(pid):
    """The kernels that a process has started, and what put them into namespaces."""
    return [p for p in psutil.Process(pid).children(recursive=True) if "marks-" in command_of(p)]


def command_of(process):
    with contextlib.suppress(psutil.Error):
        return " ".join(process.cmdline())
    return ""


@pytest.mark.classes
def test_an_interrupt_ends_the_kernels_and_writes_nothing(handout, tmp_path):
    hand_in(handout, tmp_path / "class" / "mia" / LESSON.file, {"conv2d": HOSTILE["sleeps"][0]})
    command = [sys.executable, "-m", "course_utils", "marks", "class"]
    running = subprocess.Popen(command, cwd=tmp_path, stderr=subprocess.PIPE, text=True)
    while len(kernels := started_by(running.pid)) < 1 + kernel.can_isolate():
        assert running.poll() is None
        time.sleep(0.2)
    running.send_signal(signal.SIGINT)
    assert running.communicate(timeout=60)[1] == "Interrupted: nothing was written.\n"
    assert running.returncode == 2 and not [*(tmp_path / "marks").iterdir()]
    assert not [p for p in kernels if p.is_running() and p.status() != psutil.STATUS_ZOMBIE]
