"""Lesson 18 runs on whatever its reader's journal holds, and says of each part whose it is."""

import random
import sqlite3
import sys
from importlib import import_module
from types import SimpleNamespace

import matplotlib.pyplot as plt
import numpy as np
import pytest
from documents import WRITTEN, code_cells, solutions
from exercise_sources import Notebook, answers, checks, wrong_sources
from journals import put_answer

from course_utils.exercises import journal
from course_utils.exercises.engine.checks import Verdict
from course_utils.shown import own_lenet
from course_utils.shown.own_lenet import BY_TORCH, COURSES, PARTS, YOURS

pytestmark = pytest.mark.filterwarnings("ignore")  # wrong answers divide by zero, and more

(LESSON,) = (lesson for lesson in WRITTEN if lesson.number == 18)
IMPORTS = "import numpy as np\nimport torch\nfrom torch import nn\n\n"
each_part = pytest.mark.parametrize("name", PARTS)


@pytest.fixture(autouse=True)
def asked(tmp_path, monkeypatch):
    """A reader in a notebook, with an empty journal, who says yes: the questions."""
    monkeypatch.setenv("COURSE_RUNS_DIR", str(tmp_path))
    monkeypatch.delenv("COURSE_JOURNAL", raising=False)
    plt.switch_backend("agg")  # before matplotlib finds the kernel, which is none
    shell = SimpleNamespace(kernel=object(), ask_exit=None)
    monkeypatch.setitem(
        sys.modules, "IPython", SimpleNamespace(get_ipython=lambda: shell, version_info=(9,))
    )
    monkeypatch.setattr(plt, "show", lambda: plt.close("all"))
    questions = []
    monkeypatch.setattr("builtins.input", lambda prompt: questions.append(prompt) or "y")
    return questions


def keep(name: str, source: str, python: str = "3.12.0") -> None:
    """Put an answer into the journal as if it had been correct."""
    put_answer(PARTS[name], name, IMPORTS + source, python=python)


def check_of(name: str):
    return checks(WRITTEN[int(PARTS[name])])[f"check_{name}"]


def right(name: str) -> list[str]:
    return answers(WRITTEN[int(PARTS[name])]).RIGHT[f"check_{name}"]


def wrong(name: str) -> list[tuple[str, str]]:
    return wrong_sources(WRITTEN[int(PARTS[name])], f"check_{name}")


def keep_solution(name: str) -> None:
    """Answer an exercise with its solution, as a reader does."""
    lesson = WRITTEN[int(PARTS[name])]
    notebook = Notebook().cell(code_cells(lesson)[0].source)
    notebook.cell(solutions(lesson)[f"check_{name}"])
    verdict = check_of(name)(notebook[name])
    assert verdict.code == "correct" and "not kept" not in verdict.sentence, verdict


def run_lesson(until: str, patience: float | None = None) -> dict:
    """The names that the lesson's cells define, from the first to the one with this id."""
    names: dict = {"__name__": "__main__"}
    for cell in code_cells(LESSON):
        exec(compile(cell.source, cell.id, "exec"), names)
        if patience and "PATIENCE" in names:
            names["PATIENCE"] = patience
        if cell.id == until:
            return names
    raise AssertionError(until)


def trust_all(monkeypatch) -> None:
    """Let every kept answer count, as a check might that has a hole."""
    for name, lesson in PARTS.items():
        module = import_module(f"course_utils.exercises.lesson{lesson}")
        monkeypatch.setattr(module, f"check_{name}", lambda _: Verdict("correct", "Correct."))


@each_part
def test_the_courses_part_is_correct(name):
    """It agrees with the reference of its exercise's check."""
    with journal.at_rest():
        verdict = check_of(name)(getattr(own_lenet, name))
    assert verdict.code == "correct", verdict


def test_with_an_empty_journal_all_parts_are_the_courses(asked, capsys):
    part = run_lesson("compare")["part"]
    assert set(part.owner.values()) == {COURSES} and part.yours() == [] and asked == []
    said = capsys.readouterr().out
    assert "11 of the 11 parts are not in your journal" in said
    assert "  lesson 06: 2 conv2d, 4 conv2d_backward" in said
    assert "Not used" not in said
    assert own_lenet.who_wrote_it(part.owner).startswith("0 of the 11 parts of this network")


def test_one_part_that_is_missing_is_said_in_the_singular(capsys):
    own_lenet.Parts({name: getattr(own_lenet, name) for name in PARTS if name != "relu"})
    said = capsys.readouterr().out
    assert said == "1 of the 11 parts is not in your journal:\n  lesson 04: 6 relu\n"


def test_with_every_solution_kept_all_parts_are_yours(asked, capsys):
    for name in PARTS:
        keep_solution(name)
    part = run_lesson("compare")["part"]
    assert part.yours() == [*PARTS] and set(part.owner.values()) == {YOURS}
    assert len(asked) == 1  # and not eleven times
    said = capsys.readouterr().out
    assert all(f"# lesson {PARTS[name]}, {name}, " in said for name in PARTS)
    assert "11 parts equal torch to 1e-10; 11 of them are yours." in said
    assert own_lenet.who_wrote_it(part.owner).startswith("Every layer of this network was written")


@pytest.mark.slow
def test_slow_parts_are_exchanged_with_a_sentence(capsys):
    for name in PARTS:
        keep_solution(name)
    names = run_lesson("patience", patience=60)
    part, slow = names["part"], names["slow"]
    assert "conv2d" in slow and "linear" not in slow
    assert [name for name in PARTS if part.owner[name] == COURSES] == [
        n for n in PARTS if n in slow
    ]
    said = capsys.readouterr().out
    for name in slow:
        assert f"{name} of lesson {PARTS[name]}, exercise " in said
        assert f"The course's {name} takes its place: it is " in said
    assert names["took"]["conv2d"] > 5 * names["quick"]["conv2d"]
    left = [seconds for name, seconds in names["took"].items() if name not in slow]
    assert names["steps"] * sum(left) <= names["PATIENCE"] < names["whole"]


@each_part
def test_every_right_answer_is_yours_whatever_it_gives(name, monkeypatch):
    """Lists, tensors, numbers, loops; only float32 is too coarse, and is named.

    Not for the accuracy: the exercise gives it tensors, whose shares are float32.
    """
    trust_all(monkeypatch)
    names = run_lesson("compare")
    tried, course = names["distance"], names["part"]
    for source in right(name):
        namespace: dict = {}
        exec(IMPORTS + source, namespace)
        course._put(name, namespace[name])
        problem = own_lenet.said_of(tried(name))
        assert not problem or "float32" in problem, f"{problem}\n{source}"
        assert not problem or name != "mean_accuracy", f"{problem}\n{source}"
        assert not problem or "float" in source or "torch" in source, source


#: What only the checks see: LeNet's strides are 1 and its logits small, parts are given copies,
#: an axis too many does no harm, one answer fails for square maps alone, and one from its second
#: call on.
UNSEEN = {
    "conv2d": {"stride-in-kernel", "stride-ignored"},
    "max_pool_backward": {"only-there"},
    "linear": {"not-combined"},
    "relu": {"different"},
    "cross_entropy_gradient": {"overflow", "largest-of-the-batch", "logarithm-of-zero"},
    "momentum_step": {"inputs-changed"},
}


@each_part
def test_a_wrong_part_is_named_alone(name, monkeypatch, capsys):
    """Even if its check had let it pass: the lesson compares with torch, and names its exercise."""
    trust_all(monkeypatch)
    found = []
    for code, source in wrong(name):
        names = run_lesson_with({name: IMPORTS + source})
        said = capsys.readouterr().out
        others = [other for other in PARTS if other != name and f"{other} of lesson" in said]
        assert others == [], f"{code}: {said}"
        found.append((f"{name} of lesson {PARTS[name]}" in said, code))
        assert (names["part"].owner[name] == COURSES) == found[-1][0]
    unseen = {code for was_named, code in found if not was_named}
    assert unseen <= UNSEEN.get(name, set())


_prepared: dict = {}


def run_lesson_with(sources: dict[str, str]) -> dict:
    """The cells that compare, with these parts of the reader's; those before them run once."""
    if not _prepared:
        _prepared.update(run_lesson("compare"))
    answers_of_reader = {}
    for name, source in sources.items():
        namespace: dict = {"__name__": "kept_answer"}
        try:
            exec(source, namespace)
        except Exception:
            continue
        answers_of_reader[name] = namespace[name]
    part = own_lenet.Parts(answers_of_reader)
    names = {**_prepared, "part": part}
    for cell in code_cells(LESSON):
        if cell.id in ("distance", "compare"):
            exec(compile(cell.source, cell.id, "exec"), names)
    return names


@each_part
def test_an_answer_that_no_longer_counts_is_named_alone(name, asked, capsys):
    _, source = wrong(name)[0]
    keep(name, source)
    part = run_lesson("compare")["part"]
    assert set(part.owner.values()) == {COURSES}
    said = capsys.readouterr().out
    assert said.count("Not used: ") == 1 and f"Not used: your {name} of " in said
    assert "10 of the 11 parts are not in your journal" in said


def test_nothing_is_run_without_a_yes(tmp_path, monkeypatch, capsys):
    keep("relu", f"open({str(tmp_path / 'trace')!r}, 'w')\ndef relu(z): return np.maximum(z, 0)")
    monkeypatch.setattr("builtins.input", lambda prompt: "n")
    part = run_lesson("parts")["part"]
    assert not (tmp_path / "trace").exists() and part.owner["relu"] == COURSES
    said = capsys.readouterr().out
    assert "trace" in said and "Not used: relu was not run." in said


def test_where_nobody_can_be_asked_nothing_is_run(tmp_path, monkeypatch, capsys):
    keep("relu", f"open({str(tmp_path / 'trace')!r}, 'w')\ndef relu(z): return np.maximum(z, 0)")

    def refuse(prompt):
        raise NotImplementedError("no stdin")

    monkeypatch.setattr("builtins.input", refuse)
    part = run_lesson("parts")["part"]
    assert not (tmp_path / "trace").exists() and part.owner["relu"] == COURSES
    assert "Nobody can be asked here." in capsys.readouterr().out


def test_an_old_answer_that_does_not_run_is_named(capsys):
    keep("relu", "import imp_of_python_2\ndef relu(z): return z", "3.8.1")
    keep_solution("linear")
    part = run_lesson("parts")["part"]
    assert part.yours() == ["linear"]
    assert "your relu of " in (said := capsys.readouterr().out) and "by Python 3.8.1" in said


def test_a_journal_of_a_newer_course_is_said_once(tmp_path, capsys):
    keep_solution("relu")
    with sqlite3.connect(tmp_path / "journal" / "verdicts.sqlite") as database:
        database.execute("PRAGMA user_version = 99")
    part = run_lesson("parts")["part"]
    assert part.yours() == []
    assert capsys.readouterr().out.count("written by a newer version of the course") == 1


def test_a_damaged_journal_is_set_aside(tmp_path, capsys):
    keep_solution("relu")
    (tmp_path / "journal" / "verdicts.sqlite").write_bytes(b"no database at all" * 100)
    assert run_lesson("parts")["part"].yours() == []
    assert "is damaged. It is kept as" in capsys.readouterr().out


def test_an_answer_from_a_closure_is_not_in_the_journal(capsys):
    """It counts, and cannot be kept as code; so the lesson says that it is missing."""

    def make(low):
        def relu(z):
            return np.maximum(np.asarray(z), low)

        return relu

    assert "not kept" in check_of("relu")(make(0)).sentence
    assert run_lesson("parts")["part"].owner["relu"] == COURSES
    assert "relu" in capsys.readouterr().out.split("not in your journal:")[1]


@pytest.mark.slow
def test_forty_students(tmp_path, monkeypatch, capsys):
    """Each part is right, wrong, of an old Python, or missing; each is said to be what it is."""
    for student in range(40):
        rng = random.Random(student)
        monkeypatch.setenv("COURSE_RUNS_DIR", str(tmp_path / str(student)))
        expected, kinds = {}, {}
        for name in PARTS:
            kind = rng.choice(["solution", "solution", "wrong", "missing"])
            expected[name], kinds[name] = YOURS if kind == "solution" else COURSES, kind
            if kind == "solution":
                keep_solution(name)
            elif kind == "wrong":
                keep(name, rng.choice(wrong(name))[1])
        part = own_lenet.Parts(*journal.all_mine(PARTS))
        assert part.owner == expected, student
        said = capsys.readouterr().out
        for name in PARTS:
            assert (f"Not used: your {name} of" in said) == (kinds[name] == "wrong")


def test_an_answer_that_calls_torch_is_told_apart():
    keep("relu", "def relu(z): return torch.relu(torch.as_tensor(np.asarray(z)))")
    keep_solution("linear")
    part = run_lesson("parts")["part"]
    assert part.owner["relu"] == BY_TORCH and part.owner["linear"] == YOURS
    assert "2 of the 11 parts" in (said := own_lenet.who_wrote_it(part.owner))
    assert "(1 of them with the help of torch)" in said


def test_what_is_said_of_a_difference():
    assert own_lenet.said_of(1e-12) == ""
    assert "float32" in own_lenet.said_of(1e-6)
    assert "up to 3 away" in own_lenet.said_of(3.0) and "nan" in own_lenet.said_of(np.nan)
    assert "ValueError: no. Answer it again" in own_lenet.said_of(ValueError("no"))


def test_a_part_may_change_what_it_is_given():
    def relu(z):
        z[z < 0] = 0
        return z

    part, z = own_lenet.Parts({"relu": relu}), np.array([-1.0, 2.0])
    assert part.relu(z).tolist() == [0, 2] and z.tolist() == [-1, 2]


def test_the_drawing_has_a_box_for_each_part():
    owner = dict.fromkeys(PARTS, COURSES) | {"relu": YOURS}
    ax = own_lenet.draw(owner, ax=plt.subplots()[1])
    boxes = [text for text in ax.texts if text.get_bbox_patch() is not None]
    shown = [text.get_text().replace("\n", "_") for text in boxes]
    assert set(shown) == set(PARTS) and len(shown) == 25
    blue = {text.get_text() for text in boxes if text.get_color() == "white"}
    assert blue == {"relu"}
    plt.close("all")


def test_a_part_that_does_not_exist_is_said():
    with pytest.raises(AttributeError, match="there is no part conv3d; the parts are conv2d, "):
        own_lenet.Parts({}).conv3d  # noqa: B018
