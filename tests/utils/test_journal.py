"""What a reader has answered is kept, comes back, and is never in the way."""

import os
import random
import sqlite3
import subprocess
import sys
from types import SimpleNamespace

import numpy as np
import pytest
from documents import IDS, WRITTEN, code_cells, solutions
from exercise_sources import (
    CHECK_IDS,
    EVERY_CHECK,
    Notebook,
    answers,
    checks,
    tagged,
    wrong_sources,
)
from journals import journal_file, put_answer

from course_utils.classroom.commands import main
from course_utils.exercises import answer_code, journal, lesson06
from course_utils.exercises.answer_code import NotKept, write_down
from course_utils.exercises.engine.checks import Verdict, value_check

pytestmark = pytest.mark.filterwarnings("ignore")  # wrong answers divide by zero, and more

RIGHT = """
def map_shape(height, width, kernel, stride, padding):
    return tuple((side - kernel + 2 * padding) // stride + 1 for side in (height, width))
"""
PADDING_ONCE = RIGHT.replace("2 * padding", "padding")
CORRECT, WRONG = Verdict("correct", "Correct."), Verdict("different", "Not yet.")


@pytest.fixture(autouse=True)
def runs(tmp_path, monkeypatch):
    """A reader with an empty journal, in a notebook."""
    monkeypatch.setenv("COURSE_RUNS_DIR", str(tmp_path))
    monkeypatch.delenv("COURSE_JOURNAL", raising=False)
    shell = SimpleNamespace(kernel=object())
    monkeypatch.setitem(sys.modules, "IPython", SimpleNamespace(get_ipython=lambda: shell))
    monkeypatch.setattr(shell, "ask_exit", None, raising=False)  # which the checks replace
    return tmp_path


def check(source: str) -> Verdict:
    return lesson06.check_map_shape(Notebook().cell(source)["map_shape"])


def standing(name="map_shape"):
    (found,) = (at for at in journal.standings("06") if at.exercise == name)
    return found


def say_yes(monkeypatch, answer="y"):
    asked = []
    monkeypatch.setattr("builtins.input", lambda prompt: asked.append(prompt) or answer)
    return asked


def test_verdicts_are_kept_and_tries_counted(capsys):
    assert check("def map_shape(height, width, kernel, stride, padding): ...").code == "unanswered"
    assert standing() == journal.Standing("map_shape")
    for source in (PADDING_ONCE, PADDING_ONCE, "map_shape = len"):
        check(source)
    assert standing() == journal.Standing("map_shape", False, "raised", 2)
    lesson06.progress()
    assert capsys.readouterr().out == (
        "0 of 4 done; last time you stopped at exercise 1, map_shape: raised.\n"
    )
    check(RIGHT), check(PADDING_ONCE)
    assert standing() == journal.Standing("map_shape", True, "padding-once", 4)
    lesson06.progress()
    assert capsys.readouterr().out == "1 of 4 done.\n"


def test_where_the_reader_stopped_is_the_last_that_was_tried(capsys):
    """And not the one with the highest number."""
    lesson06.check_count_parameters(len)
    check(PADDING_ONCE)
    assert standing("count_parameters").last < standing().last
    lesson06.progress()
    assert "stopped at exercise 1, map_shape: padding-once." in capsys.readouterr().out
    check(RIGHT)
    lesson06.progress()
    assert "stopped at exercise 3, count_parameters: raised." in capsys.readouterr().out


def test_nothing_is_kept_where_the_reader_says_so_or_outside_of_a_notebook(runs, monkeypatch):
    monkeypatch.setenv("COURSE_JOURNAL", "off")
    check(RIGHT)
    monkeypatch.delenv("COURSE_JOURNAL")
    monkeypatch.delitem(sys.modules, "IPython")
    check(RIGHT)
    with journal.at_rest():
        check(RIGHT)
    assert list(runs.iterdir()) == []


def test_a_check_of_the_readers_own_is_not_kept(runs):
    value_check("pixels: how many.", 3, [], correct="Yes.")(3)
    assert list(runs.iterdir()) == []


@pytest.mark.parametrize("lesson", WRITTEN, ids=IDS)
def test_exercises_stand_in_the_order_of_their_lesson(lesson):
    number = f"{lesson.number:02}"
    used = [
        line.partition(".check_")[2].partition("(")[0]
        for cell in code_cells(lesson)
        for line in cell.source.splitlines()
        if line.startswith(f"lesson{number}.check_")
    ]
    assert journal.exercises(number) == used


@pytest.mark.parametrize(("lesson", "name"), EVERY_CHECK, ids=CHECK_IDS)
def test_a_solution_comes_back(lesson, name):
    """As code that runs alone and is correct; where it cannot be code, a sentence says so."""
    notebook = Notebook().cell(code_cells(lesson)[0].source)
    for setup in tagged(lesson, "exercise-setup"):
        notebook.cell(setup.source)
    notebook.cell(solutions(lesson)[name])
    number, exercise = f"{lesson.number:02}", name.removeprefix("check_")
    verdict = checks(lesson)[name](notebook[exercise])
    if "the answer is not kept" in verdict.sentence:
        assert (number, exercise) in NOT_CODE, verdict.sentence
        return
    assert (number, exercise) not in NOT_CODE
    again = journal.mine(number, exercise, ask=False)
    assert type(again).__name__ == type(notebook[exercise]).__name__


#: Exercises whose solution is an object that no short code makes again.
NOT_CODE: set[tuple[str, str]] = set()

TAKEN_ALONG = {
    "a helper function, which needs another": """
import math as m
STEP = np.array([1.0, 2.0], dtype=np.float32)
def floor(x): return m.floor(x) * int(STEP[0])
def size(n, f, s, p): return floor((n - f + 2 * p) / s) + 1
def map_shape(h, w, f, s, p): return size(h, f, s, p), size(w, f, s, p)
""",
    "a class": """
class Side:
    twice = 2
    def __init__(self, n): self.n = n
    def size(self, f, s, p): return (self.n - f + self.twice * p) // s + 1
def map_shape(h, w, f, s, p): return [Side(n).size(f, s, p) for n in (h, w)]
""",
    "a lambda": "map_shape = lambda h, w, f, s, p: [(n - f + 2 * p) // s + 1 for n in (h, w)]",
    "another name": RIGHT.replace("map_shape", "my_own") + "map_shape = my_own",
    "a default and a decorator": """
import functools
TWO = 2
@functools.lru_cache
def side(n, f, s, p, two=TWO): return (n - f + two * p) // s + 1
def map_shape(h, w, f, s, p): return side(h, f, s, p), side(w, f, s, p)
""",
    "functions that call each other": """
def even(n): return n == 0 or odd(n - 1)
def odd(n): return n != 0 and even(n - 1)
def map_shape(h, w, f, s, p):
    return [(n - f + 2 * p) // s + (1 if even(4) else 0) for n in (h, w)]
""",
    "what a library has": """
from math import floor as down
def map_shape(h, w, f, s, p): return [down((n - f + 2 * p) / s) + 1 for n in (h, w)]
""",
}
NOT_TAKEN = {
    "uses variables of the function in which answer was defined": """
def make(two):
    def answer(h, w, f, s, p): return [(n - f + two * p) // s + 1 for n in (h, w)]
    return answer
map_shape = make(2)
""",
    "uses tools of the notebook, a value of type list": """
tools = [len, RIGHT_SIZE := lambda n, f, s, p: (n - f + 2 * p) // s + 1]
def map_shape(h, w, f, s, p): return [tools[1](n, f, s, p) for n in (h, w)]
""",
    "is one of several lambdas in its line": """
other, map_shape = lambda x: x, lambda h, w, f, s, p: [(n - f + 2 * p) // s + 1 for n in (h, w)]
""",
    "is a value of type Answer": """
class Answer:
    def __call__(self, h, w, f, s, p): return [(n - f + 2 * p) // s + 1 for n in (h, w)]
map_shape = Answer()
""",
}


@pytest.mark.parametrize("source", TAKEN_ALONG.values(), ids=TAKEN_ALONG)
def test_what_an_answer_needs_is_taken_along(source):
    verdict = lesson06.check_map_shape(
        Notebook().cell("import numpy as np\n" + source)["map_shape"]
    )
    assert verdict.sentence.startswith("Correct") and "(" not in verdict.sentence.split(".", 2)[2]
    assert tuple(journal.mine("06", "map_shape", ask=False)(5, 8, 2, 3, 2)) == (3, 4)


@pytest.mark.parametrize(("reason", "source"), NOT_TAKEN.items(), ids=NOT_TAKEN)
def test_an_answer_that_cannot_be_code_counts_all_the_same(reason, source):
    verdict = check(source)
    assert verdict.code == "correct" and f"the answer is not kept: it {reason}" in verdict.sentence
    assert standing().done
    with pytest.raises(journal.NothingKept, match="no correct answer to map_shape of lesson 06"):
        lesson06.mine("map_shape")


def test_a_file_beside_the_notebook_is_not_taken_along(tmp_path, monkeypatch):
    (tmp_path / "beside.py").write_text("def size(n): return n")
    monkeypatch.syspath_prepend(tmp_path)
    for source in (
        "import beside\ndef f(n): return beside.size(n)",
        "from beside import size as f",
    ):
        with pytest.raises(NotKept, match=r"of beside\.py, a file beside the notebook"):
            write_down("f", Notebook().cell(source)["f"])


@pytest.mark.parametrize(
    "value", [3, 2.5, "word", [1, (2.0, None)], {"a": np.float32(3)}, np.eye(2), np.array([1, 2])]
)
def test_values_come_back(value):
    again = answer_code.run(write_down("value", value), "value")
    np.testing.assert_equal(again, value)
    assert getattr(again, "dtype", None) == getattr(value, "dtype", None)


def test_an_answer_is_shown_and_asked_for_before_it_is_run(monkeypatch, capsys):
    check(RIGHT)
    capsys.readouterr()
    asked = say_yes(monkeypatch)
    assert lesson06.mine("map_shape")(5, 8, 2, 3, 2) == (3, 4)
    assert asked == ["Run this code? [y/n] "] and RIGHT.strip() in capsys.readouterr().out


def put(text, *, python="3.11.7", version=1):
    """Put an answer into the journal that somebody else may have written."""
    put_answer("06", "map_shape", text, python=python, version=version)


def test_hostile_code_is_not_run_unasked(runs, monkeypatch):
    put(f"open({str(runs / 'harm')!r}, 'w')\n" + RIGHT)
    say_yes(monkeypatch, "n")
    with pytest.raises(journal.NothingKept, match="map_shape was not run"):
        lesson06.mine("map_shape")
    monkeypatch.setattr("builtins.input", lambda _: (_ for _ in ()).throw(EOFError))
    with pytest.raises(journal.NothingKept):  # a notebook that is executed as a whole
        lesson06.mine("map_shape")
    assert not (runs / "harm").exists()


@pytest.mark.skipif(not hasattr(os, "getuid") or os.getuid() != 0, reason="needs two users")
def test_the_journal_of_another_user_is_not_read():
    put(RIGHT)
    os.chown(journal_file(), 12345, 12345)
    with pytest.raises(journal.NothingKept, match="is another user's"):
        lesson06.mine("map_shape", ask=False)


def test_an_answer_that_no_longer_counts_is_not_given_back():
    put(PADDING_ONCE)
    with pytest.raises(journal.NothingKept, match=r"has become stricter since.* the padding is"):
        lesson06.mine("map_shape", ask=False)


def test_an_answer_of_another_python():
    put("def map_shape[T](x: T): return x", python="3.99.0")
    if sys.version_info < (3, 12):
        with pytest.raises(journal.NothingKept, match=r"kept by Python 3\.99\.0 .*SyntaxError"):
            lesson06.mine("map_shape", ask=False)
    put("import nowhere\nmap_shape = nowhere.f", python="3.99.0")
    with pytest.raises(journal.NothingKept, match=r"does not run with .*ModuleNotFoundError"):
        lesson06.mine("map_shape", ask=False)


def test_an_exercise_that_does_not_exist():
    with pytest.raises(journal.NothingKept, match="it has map_shape, conv2d, count_parameters"):
        lesson06.mine("conv3d")


def test_a_journal_of_a_newer_course_is_left_alone(capsys):
    put(RIGHT, version=2)
    before = (journal_file()).read_bytes()
    assert "newer version of the course; update this one" in check(RIGHT).sentence
    assert not standing().done and "newer version" in capsys.readouterr().out
    assert (journal_file()).read_bytes() == before


@pytest.mark.parametrize(
    "damage", [lambda old: b"garbage " * 999, lambda old: old[: len(old) // 2]]
)
def test_a_damaged_journal_is_set_aside_and_said(runs, damage, capsys):
    file = journal_file()
    check(RIGHT)
    damaged = damage(file.read_bytes())
    file.write_bytes(damaged)
    check(PADDING_ONCE)
    assert "is damaged. It is kept as damaged-1.sqlite" in capsys.readouterr().out
    assert (runs / "journal" / "damaged-1.sqlite").read_bytes() == damaged
    assert standing() == journal.Standing("map_shape", False, "padding-once", 1)


def test_where_nothing_can_be_written_the_verdict_is_as_good(tmp_path, monkeypatch):
    (tmp_path / "file").touch()
    monkeypatch.setenv("COURSE_RUNS_DIR", str(tmp_path / "file"))
    verdict = check(RIGHT)
    assert verdict.code == "correct"
    assert "This verdict is not kept in the journal:" in verdict.sentence
    assert "Set COURSE_RUNS_DIR to a folder of your own" in verdict.sentence


FULL_DISK = """
import resource
from course_utils.exercises import journal
from course_utils.exercises.lesson06 import check_map_shape
journal._is_wanted = lambda: True
resource.setrlimit(resource.RLIMIT_FSIZE, (5_000, 5_000))
print(check_map_shape(lambda h, w, f, s, p: [(n - f + 2 * p) // s + 1 for n in (h, w)]))
"""


@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such limit")
def test_a_full_disk_is_one_sentence():
    run = subprocess.run([sys.executable, "-c", FULL_DISK], capture_output=True, text=True)
    assert run.stdout.startswith("Correct."), run.stderr
    said = " ".join(run.stdout.split())
    assert "This verdict is not kept in the journal:" in said and said.endswith("error.)")


MANY = """
import sys
from course_utils.exercises import journal
from course_utils.exercises.engine.checks import Verdict
from course_utils.exercises.lesson06 import check_map_shape
journal._is_wanted = lambda: True
for number in range(100):
    said = journal.note(check_map_shape, "map_shape", number, Verdict("different", ""))
    assert not said, said
"""


@pytest.mark.slow
def test_of_notebooks_at_once_nothing_is_lost():
    """Rows of two notebooks stand in any order; each counts unless it repeats the one before."""
    processes = [subprocess.Popen([sys.executable, "-c", MANY]) for _ in range(3)]
    assert [process.wait() for process in processes] == [0, 0, 0]
    with sqlite3.connect(journal_file()) as database:
        (different,) = database.execute("SELECT COUNT(DISTINCT answer) FROM verdicts").fetchone()
        (rows,) = database.execute("SELECT COUNT(*) FROM verdicts").fetchone()
    assert different == 100 and 100 <= rows <= 300


def test_forty_made_up_students(tmp_path, monkeypatch, capsys):
    """Each journal says what its student did: right answers, named mistakes, nothing."""
    chosen = random.Random(0)
    lesson = WRITTEN[6]
    for student in range(40):
        monkeypatch.setenv("COURSE_RUNS_DIR", str(tmp_path / str(student)))
        done, codes = set(), {}
        for name in checks(lesson):
            exercise = name.removeprefix("check_")
            for _ in range(chosen.randrange(4)):
                right = chosen.random() < 0.4
                source = (
                    chosen.choice(answers(lesson).RIGHT[name])
                    if right
                    else chosen.choice(wrong_sources(lesson, name))[1]
                )
                cell = Notebook().cell("import numpy as np, torch\nfrom torch import nn\n" + source)
                codes[exercise] = checks(lesson)[name](cell[exercise]).code
                assert (codes[exercise] == "correct") == right
                done |= {exercise} if right else set()
        stand = {at.exercise: at for at in journal.standings("06")}
        assert {name for name, at in stand.items() if at.done} == done
        assert {name: at.code for name, at in stand.items() if at.tries} == codes
        capsys.readouterr()
        assert main(["progress"]) == 0
        shown = capsys.readouterr().out
        assert f"06 {lesson.title:46} {len(done)} of 4 done" in shown
        for name in codes.keys() - done:
            assert f"   {name}: {codes[name]}, tried" in shown


def test_several_answers_come_back_after_one_question(monkeypatch, capsys):
    check(RIGHT)
    lesson06.check_count_parameters(
        Notebook().cell("count_parameters = lambda c, h, w, k, f: k * (c * f * f + 1)")[
            "count_parameters"
        ]
    )
    asked = say_yes(monkeypatch)
    wanted = {"map_shape": "06", "count_parameters": "06", "conv2d": "06"}
    found, reasons = journal.all_mine(wanted)
    assert sorted(found) == ["count_parameters", "map_shape"] and reasons == {}
    assert tuple(found["map_shape"](5, 8, 2, 3, 2)) == (3, 4) and len(asked) == 1
    shown = capsys.readouterr().out
    assert "# lesson 06, map_shape, " in shown and "k * (c * f * f + 1)" in shown


def test_of_several_answers_none_is_run_without_a_yes(monkeypatch):
    check(RIGHT)
    say_yes(monkeypatch, "n")
    assert journal.all_mine({"map_shape": "06"}) == ({}, {"map_shape": "map_shape was not run."})


def test_where_none_of_several_is_kept_nobody_is_asked(monkeypatch, capsys):
    asked = say_yes(monkeypatch)
    assert journal.all_mine({"map_shape": "06", "slope": "02"}) == ({}, {})
    assert asked == [] and capsys.readouterr().out == ""
