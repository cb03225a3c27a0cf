"""The record of ten seeds is of the lessons as they stand, and its numbers are right."""

import json

import nbformat
import pytest
import seeds
from claims import Claims
from documents import WRITTEN
from IPython.core.interactiveshell import InteractiveShell
from seeds import SUMMARY, assertions, draws

TRIED = json.loads(SUMMARY.read_text(encoding="utf-8"))["lessons"]
#: Seeds that have to be tried.
LEAST = {"shipped": 10, "digits": 10, "mnist": 10}
DRAWING = [lesson for lesson in WRITTEN if draws(lesson)]


@pytest.mark.parametrize("lesson", DRAWING, ids=[lesson.path.stem for lesson in DRAWING])
def test_every_assertion_was_tried_with_other_seeds_and_held(lesson):
    entry = TRIED[f"{lesson.number:02}"]
    assert entry["assertions"] == assertions(lesson), (
        f"lesson {lesson.number:02} asserts other things than were tried: "
        f"python tests/maintenance/seeds.py {lesson.number}"
    )
    for images in ("mnist", "digits") if lesson.real_images else ("shipped",):
        tried = entry.get(images, {"seeds": 0, "claims": []})
        assert tried["seeds"] >= LEAST[images]
        for claim in tried["claims"]:
            assert claim["held"] == claim["tried"] > 0, claim


def test_the_record_is_of_lessons_that_there_are():
    assert set(TRIED) == {f"{lesson.number:02}" for lesson in DRAWING}


@pytest.fixture
def recorded():
    """Runs a cell as the command does, and gives what was recorded of its assertions."""
    shell = InteractiveShell()

    def run(source: str) -> list[dict]:
        claims = Claims()
        claims.attach(shell)
        try:
            assert shell.run_cell("import numpy as np, torch\n" + source).success
        finally:
            shell.ast_transformers.remove(claims)
        return claims.results

    return run


@pytest.mark.parametrize(
    ("source", "held", "margins"),
    [
        ("a = 3\nassert a < 5", True, [2]),
        ("a = 6\nassert a < 5, 'too large'", False, [-1]),
        ("assert 1 < 3 <= 7", True, [2]),
        ("assert 1 < 9 < 7", False, [-2]),
        ("assert 1 > 0 and 10 > 8", True, [1, 2]),
        ("assert all(value > 1 for value in (4, 2, 3))", True, [1]),
        ("assert (np.array([4, 2, 3]) > 1).all()", True, [1]),
        ("assert (torch.tensor([4.0, 0.5]) > 1).all()", False, [-0.5]),
        ("assert (torch.tensor([4.0, 0.5]) > 1).any()", True, [3]),
        ("assert (torch.tensor([4.0, 0.5]) > 1).float().mean() > 0.25", True, [0.25]),
        ("assert any(value > 1 for value in (0, 2))", True, []),
        ("assert not (np.array([0, 2]) > 1).all()", True, []),
        (
            "assert abs(torch.tensor(1.5) - 1) < 0.75 and torch.equal(*2 * [torch.ones(2)])",
            True,
            [0.25],
        ),
        ("assert 2 == 2 and 3 in (1, 3)", True, []),
        ("for value in (3, 1, 2):\n    assert value < 5 - value", False, [-1]),
        ("for value in (3, 1):\n    assert value < 3", False, [0]),
    ],
)
def test_an_assertion_is_recorded_with_its_smallest_margin(recorded, source, held, margins):
    (result,) = recorded(source)
    assert result["held"] is held
    assert [part["margin"] for part in result["parts"].values()] == pytest.approx(margins)


def test_the_cell_goes_on_after_an_assertion_that_fails(recorded):
    first, second = recorded("assert 1 > 2\nx = 5\nassert x > 2")
    assert (first["held"], second["held"]) == (False, True)
    assert second["parts"]["x > 2"]["values"] == [5, 2]


def test_why_a_training_ended_early_is_no_claim(recorded, monkeypatch):
    """A lesson that says it claims no more than before, and a trial ends there."""

    def digest(source: str) -> str:
        cell = nbformat.v4.new_code_cell(source, id="train")
        monkeypatch.setattr(seeds, "code_cells", lambda lesson: [cell])
        return assertions(DRAWING[0])

    plain = "loss = [3, 1]\nassert loss[-1] < 2"
    stopped = plain.replace("\n", "\nassert not history.stopped, history.stopped\n")
    assert digest(plain) == digest(stopped)
    assert digest(plain) != digest(plain.replace("2", "4"))
    assert digest(plain) != digest(stopped.replace("not history.stopped", "len(loss) == 2"))
    whole = f"from course_utils.training import History\nhistory = History()\n{stopped}"
    assert [result["claim"] for result in recorded(whole)] == ["loss[-1] < 2"]
    with pytest.raises(AssertionError):
        recorded(whole.replace("History()", "History(stopped='Interrupted')"))
