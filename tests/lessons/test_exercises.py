"""Every check accepts the right answers and names the mistake in each wrong one."""

import functools
import itertools
import random
import re
import threading
import time
from _thread import interrupt_main
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from documents import IDS, WRITTEN, code_cells, solutions
from exercise_sources import (
    CHECK_IDS,
    EVERY_CHECK,
    answers,
    checks,
    run,
    run_solution,
    wrong_sources,
)

from course_utils.exercises.engine import guard
from course_utils.exercises.engine.checks import (
    Verdict,
    exercise,
    function_check,
    mistake,
    observed,
    parts_check,
    value_check,
)
from course_utils.exercises.engine.codes import PATTERNS
from course_utils.exercises.engine.reading import as_array, as_code, difference
from course_utils.models import LeNet

#: Wrong answers divide by zero, overflow and use what is deprecated.
pytestmark = pytest.mark.filterwarnings("ignore")

every_lesson = pytest.mark.parametrize("lesson", WRITTEN, ids=IDS)
every_check = pytest.mark.parametrize(("lesson", "name"), EVERY_CHECK, ids=CHECK_IDS)

#: A check of the answer double(x).
check_double = function_check(
    "double(x): 2 · x.",
    lambda x: 2 * x,
    [(np.array([1.0, 2.0]),), (np.array([[3.0, -4.0], [5.0, 6.0]]),)],
    [mistake("squared-x", "x is multiplied by itself.", lambda x: x * x)],
    correct="Twice as much.",
)

#: A check of the answer both(x), which gives two results.
check_both = parts_check(
    "both(x): (2 · x, x · x).",
    lambda x: (2 * x, x * x),
    ("double", "square"),
    [(np.array([1.0, 3.0]),), (np.array([[3.0, -4.0], [5.0, 6.0]]),)],
    [mistake("doubled-twice", "both are doubled.", lambda x: (None, 2 * x))],
    correct="Both.",
    first=1,
)


@every_lesson
def test_each_check_is_used_once_and_has_a_solution(lesson):
    used = [
        line.strip().removeprefix(f"lesson{lesson.number:02}.").split("(")[0]
        for cell in code_cells(lesson)
        for line in cell.source.splitlines()
        if line.startswith(f"lesson{lesson.number:02}.check_")
    ]
    assert sorted(set(used)) == sorted(checks(lesson)) == sorted(solutions(lesson))


@every_check
def test_the_solution_is_accepted(lesson, name):
    """After the imports and the set-up of the exercises alone: no other cell need be run."""
    begin = time.perf_counter()
    verdict = checks(lesson)[name](run_solution(lesson, name, solutions(lesson)[name]))
    assert verdict.code == "correct", verdict
    print(f"{name} answers in {time.perf_counter() - begin:.2f} s")


@every_check
def test_right_answers_are_accepted(lesson, name):
    sources = answers(lesson).RIGHT[name]
    assert len(sources) >= 3
    for source in sources:
        verdict = checks(lesson)[name](run(source, name))
        assert verdict.code == "correct", f"{verdict}\n{source}"
        assert repr(verdict).startswith("Correct. ")


@functools.cache
def judged(lesson, name: str, source: str) -> tuple[object, Verdict]:
    """A wrong answer and the verdict on it: of two tests, which need not both wait for it."""
    answer = run(source, name)
    return answer, checks(lesson)[name](answer)


@pytest.mark.parametrize("first", [torch.float32, torch.float64])
def test_a_network_that_is_kept_has_the_numbers_of_today(first):
    """Lesson 16 makes its network once; new layers, and images, have the default type."""
    from course_utils.exercises.lesson16 import noisy_images, trained_network

    default = torch.get_default_dtype()
    try:
        for dtype in (first, torch.float32, torch.float64):
            torch.set_default_dtype(dtype)
            assert trained_network()(noisy_images(4)[0]).dtype == dtype
    finally:
        torch.set_default_dtype(default)


@every_check
def test_each_mistake_is_named(lesson, name):
    """For every mistake that a check knows there are two wrong answers that make it."""
    check, wrong = checks(lesson)[name], wrong_sources(lesson, name)
    for code in check.codes:
        assert [made for made, _ in wrong].count(code) >= 2, code
    for code, source in wrong:
        assert code in {*check.codes, "different", "raised", *PATTERNS}
        _, verdict = judged(lesson, name, source)
        assert verdict.code == code, f"{verdict.code} for {code}: {verdict}\n{source}"
        assert repr(verdict).startswith("Not yet")
        assert "_Ended" not in repr(verdict)  # an error told inside another


@every_check
def test_a_failing_case_can_be_pasted(lesson, name):
    """The call that a verdict prints runs, and gives what the verdict says it gives."""
    for _, source in wrong_sources(lesson, name):
        answer, verdict = judged(lesson, name, source)
        call = rf"^    ({name.removeprefix('check_')}\((?:.*\)|\n(?:        .*\n)+    \)))$"
        calls = re.findall(call, verdict.sentence, re.M)
        if verdict.got is None or not calls or "<" in calls[0] or verdict.code == "raised":
            continue
        again = eval(calls[0], {"np": np, "torch": torch, name.removeprefix("check_"): answer})
        assert np.array_equal(as_array(again), as_array(verdict.got), equal_nan=True), verdict
        assert difference(verdict.got, verdict.expected)


@every_check
def test_stubs_are_unanswered(lesson, name):
    def stub(x, y): ...

    def documented(x):
        """A stub may say what it will do."""
        ...

    for answer in (..., stub, documented):
        assert checks(lesson)[name](answer).code == "unanswered"


class Hostile:
    """Raises whatever is done with it."""

    def __getattr__(self, name):
        raise RuntimeError("no attributes")

    def __str__(self):
        raise RuntimeError("no text")

    __repr__ = __array__ = __len__ = __iter__ = __call__ = __eq__ = __str__


class Unheard(BaseException):
    """No Exception."""


def raising(error):
    def answer(*args):
        raise error

    return answer


def broken_iterator(*args):
    yield 1
    raise ValueError("in the middle")


HOSTILE = [None, "four", 3.5, [], {}, object(), Hostile(), np.array(["a"]), float("nan"), 1j]
HOSTILE += [torch.nn.ReLU, itertools.count(), lambda *args: None, lambda *args: "four", exit]
HOSTILE += [lambda *args: [[1], [1, 2]], lambda *args: itertools.count(), broken_iterator]
HOSTILE += [lambda *args: Hostile(), lambda *args: np.array([1j]), raising(SystemExit)]
HOSTILE += [raising(Unheard()), raising(RecursionError()), lambda *args: {1, 2}, [None] * 3]


@every_check
def test_no_answer_makes_a_check_raise(lesson, name):
    """Nothing that a reader may leave in the answer's name ends in a traceback."""
    for answer in HOSTILE:
        verdict = checks(lesson)[name](answer)
        assert isinstance(verdict, Verdict)
        assert verdict.code not in ("correct", "check-failed"), f"{type(answer)}: {verdict}"


@every_check
def test_a_check_puts_everything_back(lesson, name):
    right = answers(lesson).RIGHT[name][0]

    def drawn():
        return random.random(), np.random.rand(), torch.rand(1).item()

    random.seed(0), np.random.seed(0), torch.manual_seed(0)
    checks(lesson)[name](run(right, name))
    after = drawn()
    random.seed(0), np.random.seed(0), torch.manual_seed(0)
    assert after == drawn()


@every_lesson
def test_what_is_inferred_is_not_told_as_seen(lesson):
    """A mistake with rules is found by its results: nothing is known of the reader's code."""
    for name, check in checks(lesson).items():
        for code, sentence in check.sentences.items():
            if sentence.startswith("Your result is what comes out when "):
                assert not re.search(r"(^|[.:;] )[Yy]our? ", sentence[35:]), (name, code, sentence)
                assert sentence.endswith((".", ".)")), sentence


# The engine


def test_a_verdict_holds_the_smallest_failing_case():
    verdict = check_double(lambda x: 3 * x)
    assert verdict.code == "factor"
    assert verdict.case[0].tolist() == [1, 2] and verdict.got.tolist() == [3, 6]
    assert verdict.expected.tolist() == [2, 4]
    assert "double(x=np.array([1., 2.]))" in repr(verdict)
    assert "is (3, 6); (2, 4) is expected" in repr(verdict)
    assert "1.5 times the expected one" in repr(verdict)


def test_of_several_results_the_wrong_one_is_shown():
    assert check_both(lambda x: [2 * x, (x * x).tolist()]).code == "correct"
    verdict = check_both(lambda x: (2 * x, x * x + 1))
    assert verdict.code == "offset" and verdict.got.tolist() == [2, 10]
    assert "both(x=np.array([1., 3.]))[1]\nyour square is (2, 10)" in repr(verdict)
    assert check_both(lambda x: (2 * x + 1, 2 * x)).got.tolist() == [3, 7]  # the first of them
    for few in (lambda x: (2 * x,), lambda x: (2 * x, None), lambda x: 2 * x):
        assert "2 results are expected: return double, square." in repr(check_both(few))
    assert check_both(lambda x: None).code == "none"


def test_the_first_cases_are_judged_before_others_are_tried():
    def doubled(x):
        return (2 * x, 2 * x) if x.ndim == 1 else x.undefined

    verdict = check_both(doubled)
    assert verdict.code == "doubled-twice"
    assert "Your square is what comes out when both are doubled." in repr(verdict)


def test_a_map_is_shown_beside_what_is_expected():
    verdict = check_double(lambda x: 2 * x if x.ndim == 1 else abs(2 * x))
    assert "  6    8*    |   6  -8\n  10   12     |  10  12" in repr(verdict)


def test_prose_is_broken_between_words_and_code_is_not():
    """JupyterLab breaks a line that is too long anywhere, in the middle of a word."""
    words = "the sign of da, and not that of z, decides. " * 5
    code = "    double(x=np.array([" + "1., " * 40 + "]))"
    verdict = Verdict("different", f"Not yet: {words}\nFor example, in\n{code}\nyour result is 2")
    prose = [line for line in repr(verdict).split("\n") if line != code]
    assert code in repr(verdict).split("\n")
    assert max(map(len, prose)) <= 88 and prose[-1] == "your result is 2"
    assert " ".join(repr(verdict).split()) == " ".join(verdict.sentence.split())


def test_an_inferred_mistake_is_said_as_inferred():
    verdict = check_double(lambda x: x**2)
    assert verdict.code == "squared-x"
    assert "Your result is what comes out when x is multiplied by itself." in repr(verdict)


def test_an_error_is_the_readers_own_line(tmp_path):
    source = "def double(x):\n    y = 2 * x\n    return y[7]\n"
    (tmp_path / "cell.py").write_text(source)
    namespace = {}
    exec(compile(source, str(tmp_path / "cell.py"), "exec"), namespace)
    verdict = check_double(namespace["double"])
    assert verdict.code == "raised"
    for part in ("double(x=np.array([1., 2.]))", "line 3 of double: return y[7]", "IndexError"):
        assert part in repr(verdict)


def test_an_error_inside_the_course_is_told_by_the_readers_line():
    namespace = {"LeNet": LeNet}
    exec(compile("def double(x):\n    return LeNet()(x)\n", "cell", "exec"), namespace)
    verdict = check_double(namespace["double"])
    assert verdict.code == "raised"
    assert "at line 2 of double\n" in repr(verdict)


def test_a_wrong_number_of_arguments_is_in_the_call_itself():
    assert "in the call itself\nTypeError" in repr(check_double(lambda: 1))


def test_a_fault_of_the_check_is_not_the_readers():
    @exercise("Yes.", [observed("off-by-one", "One too many.")])
    def check_number(number):
        return None if number == 1 else "off-by-one" if number == 2 else "unheard-of"

    assert check_number.codes == ("off-by-one",)
    assert repr(check_number(2)) == "Not yet. One too many."
    verdict = check_number(3)
    assert verdict.code == "check-failed" and "a fault of the course" in repr(verdict)


@pytest.mark.parametrize("word", ["exit", "quit"])
def test_exit_in_a_notebook_does_not_end_the_kernel(word, monkeypatch):
    """There exit() asks the shell, which ends the kernel after the cell."""
    asked = []
    shell = SimpleNamespace(ask_exit=lambda: asked.append(word))
    monkeypatch.setattr("IPython.get_ipython", lambda: shell)
    verdict = check_double(lambda x: shell.ask_exit())
    assert verdict.code == "raised" and "exit() and quit()" in repr(verdict)
    assert not asked
    shell.ask_exit()
    assert asked


def test_an_endless_loop_can_be_stopped(monkeypatch, capsys):
    monkeypatch.setattr(guard, "PATIENCE", 0.2)

    def endless(x):
        while True:
            x = x + 1

    threading.Timer(0.6, interrupt_main).start()
    verdict = check_double(endless)
    assert verdict.code == "stopped" and "of endless" in verdict.sentence
    assert "Kernel > Interrupt Kernel" in capsys.readouterr().out


def test_prints_are_kept_to_their_last_lines(capsys):
    def talkative(x):
        for number in range(5_000):
            print("line", number)
        return 2 * x

    assert check_double(talkative).code == "correct"
    said = capsys.readouterr().out
    assert len(said) < 2_500 and "line 4999\n" in said and "lines more" in said


@pytest.mark.parametrize(
    ("change", "word"),
    [
        (lambda: np.seterr(all="ignore"), "np.seterr"),
        (lambda: np.random.seed(3), "np.random"),
        (lambda: random.seed(3), "of Python"),
        (lambda: torch.set_grad_enabled(False), "set_grad_enabled"),
        (lambda: torch.set_default_dtype(torch.float64), "set_default_dtype"),
    ],
)
def test_settings_are_put_back_and_it_is_said(change, word):
    before = np.geterr(), np.random.get_state()[1].tolist(), random.getstate()
    verdict = check_double(lambda x: (change(), 2 * x)[1])
    assert verdict.code == "correct" and word in repr(verdict)
    assert before == (np.geterr(), np.random.get_state()[1].tolist(), random.getstate())
    assert torch.is_grad_enabled() and torch.get_default_dtype() == torch.float32


def test_a_changed_argument_is_said():
    def double(x):
        x *= 2
        return x

    verdict = check_double(double)
    assert verdict.code == "correct" and "changes x in place" in repr(verdict)


def test_values_are_named():
    check_side = value_check(
        "side: of a map", 28, [observed("area", "That is an area.", 784)], correct="So it is."
    )
    assert [check_side(value).code for value in (28, 28.0, [28], 784, 27, "28", None)] == [
        "correct",
        "correct",
        "correct",
        "area",
        "different",
        "different",
        "different",
    ]
    assert "28" not in repr(check_side(27))  # the reader's to find


@pytest.mark.parametrize(
    "value",
    [
        [[1, 2], [3, 4]],
        ((1.0, 2.0), (3.0, 4.0)),
        np.array([[1, 2], [3, 4]], dtype=np.uint8),
        torch.tensor([[1.0, 2.0], [3.0, 4.0]], requires_grad=True),
        [torch.tensor([1, 2]), torch.tensor([3, 4])],
        [[torch.tensor(1), torch.tensor(2.0, requires_grad=True)], [3, np.float32(4)]],
        torch.tensor([[[1.0, 2.0], [3.0, 4.0]]], dtype=torch.float16),
        torch.tensor([[1.0, 2.0], [3.0, 4.0]], dtype=torch.bfloat16),
        {"a": [1, 2], "b": [3, 4]}.values(),
        SimpleNamespace(__array__=None) and np.array([[1, 2], [3, 4]], dtype=object),
    ],
)
def test_results_of_any_kind_are_the_same(value):
    assert difference(value, np.array([[1, 2], [3, 4]])) == ""


def test_iterators_are_the_same():
    for value in (map(list, ([1, 2], [3, 4])), (iter(row) for row in ([1, 2], [3, 4]))):
        assert difference(value, np.array([[1, 2], [3, 4]])) == ""


@pytest.mark.parametrize(
    ("got", "expected", "words"),
    [
        ([1, 2, 3], [1, 2], "has the shape (3,); (2,) is expected"),
        ([[1], [2]], [1, 2], "it would make (2, 2) by broadcasting"),
        ([1, 5], [1, 2], "is (1, 5); (1, 2) is expected"),
        (range(20), [*range(19), 0], "is 19 at [19], the first of 1 that differ; 0 is expected"),
        (float("nan"), 2, "is nan; 2 is expected"),
        (None, 2, "is None."),
        ("two", 2, "should be made of numbers, and is 'two'"),
        (["1", "2"], [1, 2], "should be made of numbers"),
        ([None, 2], [1, 2], "should be made of numbers"),
        ([[1], [1, 2]], [1, 2], "should be made of numbers"),
        (1 + 0j, 1, "is complex; real numbers are expected"),
        (itertools.count(), [1], "has no end"),
        (Hostile(), 1, "should be made of numbers"),
    ],
    ids=itertools.count(),
)
def test_comparisons_say_what_differs(got, expected, words):
    assert words in difference(got, expected)


def test_half_precision_is_forgiven_more():
    third = torch.tensor([1 / 3, 2 / 3])
    assert difference(third.half(), [1 / 3, 2 / 3]) == ""
    assert difference(third + 0.001, [1 / 3, 2 / 3])


@pytest.mark.parametrize(
    "value",
    [
        np.array([[1.5, -2.0]]),
        np.array([1, 2], dtype=np.uint8),
        np.array([0.1, 1 / 3], dtype=np.float32),
        torch.tensor([[0.1, 1 / 3]]),
        torch.tensor([1, 2]),
        torch.tensor([1, 2], dtype=torch.uint8),
        [1, (2.5,), {"a": [3]}],
        np.float64(2.5),
        (np.array([1.0]), 3),
    ],
)
def test_values_are_printed_as_code_that_makes_them_again(value):
    again = eval(as_code(value), {"np": np, "torch": torch})
    assert as_code(again) == as_code(value)
    if isinstance(value, np.ndarray | torch.Tensor):
        assert type(again) is type(value) and again.dtype == value.dtype
        assert np.array_equal(again, value)


@pytest.mark.parametrize(
    ("answer", "code"),
    [
        (lambda x: None, "none"),
        (lambda x: x[..., None], "shape"),
        (lambda x: np.stack([x, x]), "not-combined"),
        (lambda x: x * np.nan, "not-a-number"),
        (lambda x: -2 * x, "negated"),
        (lambda x: 6 * x, "factor"),
        (lambda x: 2 * x + 1, "offset"),
        (lambda x: 2 * x[::-1], "reversed"),
        (lambda x: 2 * x[..., ::-1], "order"),
        (lambda x: 4 * x * x, "squared"),
        (lambda x: 0.5 / x, "inverse"),
        (lambda x: x, "factor"),
        (lambda x: 2 * x**3, "different"),
        (lambda x: (2 * x).T, "order"),
        (lambda x: 2 * abs(x), "sign-lost"),
        (lambda x: 3 * x if x.ndim > 1 else x.sum(), "shape"),
        (lambda x: np.maximum(2 * x, 0), "clipped"),
        (lambda x: 2 * x + (np.arange(len(x))[:, None] * x if x.ndim > 1 else 0), "only-there"),
    ],
)
def test_patterns(answer, code):
    assert check_double(answer).code == code
