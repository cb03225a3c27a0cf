"""Every check accepts the right answers and names the mistake in each wrong one."""

import importlib

import numpy as np
import pytest
import torch
from documents import IDS, WRITTEN, code_cells, solutions, tagged

from course_utils.exercises.engine import Verdict, compare, exercise, same

every_lesson = pytest.mark.parametrize("lesson", WRITTEN, ids=IDS)


def checks(lesson) -> dict:
    module = importlib.import_module(f"course_utils.exercises.lesson{lesson.number:02}")
    return {name: check for name, check in vars(module).items() if name.startswith("check_")}


def answers(lesson):
    return importlib.import_module(f"exercises.lesson{lesson.number:02}")


def run(source: str, name: str, namespace: dict | None = None) -> object:
    """The answer that a source defines for a check: check_slope looks at ``slope``."""
    namespace = {"np": np, "torch": torch, "nn": torch.nn, **(namespace or {})}
    exec(source, namespace)
    return namespace[name.removeprefix("check_")]


@every_lesson
def test_each_check_is_used_once_and_has_a_solution(lesson):
    used = [
        line.strip().removeprefix(f"lesson{lesson.number:02}.").split("(")[0]
        for cell in code_cells(lesson)
        for line in cell.source.splitlines()
        if line.startswith(f"lesson{lesson.number:02}.check_")
    ]
    assert sorted(set(used)) == sorted(checks(lesson)) == sorted(solutions(lesson))


@every_lesson
def test_solutions_are_accepted(lesson):
    """After the imports and the set-up of the exercises alone: no other cell need be run."""
    for name, solution in solutions(lesson).items():
        namespace = {}
        exec(code_cells(lesson)[0].source, namespace)
        for cell in tagged(lesson, "exercise-setup"):
            exec(cell.source, namespace)
        exec(solution, namespace)
        verdict = checks(lesson)[name](namespace[name.removeprefix("check_")])
        assert verdict.code == "correct", f"{name}: {verdict}"


@every_lesson
def test_right_answers_are_accepted(lesson):
    assert answers(lesson).RIGHT.keys() == checks(lesson).keys()
    for name, sources in answers(lesson).RIGHT.items():
        assert len(sources) >= 3
        for source in sources:
            verdict = checks(lesson)[name](run(source, name))
            assert verdict.code == "correct", f"{name}: {verdict}\n{source}"
            assert repr(verdict).startswith("Correct. ")


@every_lesson
def test_each_mistake_is_named(lesson):
    """A wrong answer stands in tests/exercises for every code that a check can give."""
    for name, check in checks(lesson).items():
        wrong = answers(lesson).WRONG[name]
        assert wrong.keys() == set(check.codes) - {"correct", "unanswered"}, name
        for code, sources in wrong.items():
            for source in [sources] if isinstance(sources, str) else sources:
                verdict = check(run(source, name))
                assert verdict.code == code, f"{name}: {verdict}\n{source}"
                assert not repr(verdict).startswith("Correct")


@every_lesson
def test_stubs_are_unanswered(lesson):
    def stub(x, y): ...

    def documented(x):
        """A stub may say what it will do."""
        ...

    for check in checks(lesson).values():
        for answer in (..., stub, documented):
            assert check(answer).code == "unanswered"


@every_lesson
def test_no_answer_makes_a_check_raise(lesson):
    """Nothing that a reader may leave in the answer's name ends in a traceback."""
    hostile = [None, "four", 3.5, [], {}, object(), np.array(["a"]), float("nan"), torch.nn.ReLU]
    hostile += [lambda *args: None, lambda *args: "four", lambda *args: [[1], [1, 2]], exit]
    for name, check in checks(lesson).items():
        for answer in hostile:
            verdict = check(answer)
            assert isinstance(verdict, Verdict) and verdict.code != "correct", (name, answer)


@every_lesson
def test_a_check_leaves_the_random_numbers_alone(lesson):
    for name, check in checks(lesson).items():
        torch.manual_seed(0)
        check(run(answers(lesson).RIGHT[name][0], name))
        after = torch.rand(1)
        torch.manual_seed(0)
        assert torch.equal(after, torch.rand(1)), name


def test_a_check_cannot_name_a_mistake_it_does_not_declare():
    @exercise(correct="Yes.", off_by_one="One too many.")
    def check_number(number):
        return None if number == 1 else "off-by-one" if number == 2 else "unheard-of"

    assert check_number.codes == ("correct", "unanswered", "raised", "different", "off-by-one")
    assert repr(check_number(2)) == "Not yet. One too many."
    with pytest.raises(KeyError):
        check_number(3)


@pytest.mark.parametrize(
    "value",
    [
        [[1, 2], [3, 4]],
        ((1.0, 2.0), (3.0, 4.0)),
        np.array([[1, 2], [3, 4]], dtype=np.uint8),
        torch.tensor([[1.0, 2.0], [3.0, 4.0]], requires_grad=True),
        [torch.tensor([1, 2]), torch.tensor([3, 4])],
        torch.tensor([[[1.0, 2.0]], [[3.0, 4.0]]], dtype=torch.float16),
    ],
)
def test_results_of_any_kind_are_the_same(value):
    assert same(value, np.array([[1, 2], [3, 4]]))
    assert compare(value, [[1, 2], [3, 4]]) is None


@pytest.mark.parametrize(
    ("got", "expected", "words"),
    [
        ([1, 2, 3], [1, 2], "has the shape (3,); (2,) is expected"),
        ([1, 5], [1, 2], "is 5 at [1], the first of 1 that differ; 2 is expected"),
        (float("nan"), 2, "is nan; 2 is expected"),
        (None, 2, "is None. (A function gives None where it has no `return`.)"),
        ("two", 2, "should be made of numbers, and is 'two'"),
        ([[1], [1, 2]], [1, 2], "should be made of numbers"),
    ],
)
def test_comparisons_say_what_differs(got, expected, words):
    assert words in repr(compare(got, expected))
