"""Wrong answers and right ones, made by machine from each solution, and what the checks say."""

import contextlib
import functools
import io
import itertools
import signal
import warnings
from collections import Counter
from collections.abc import Callable, Iterator

import numpy as np
import pytest
import torch
from documents import solutions
from exercise_sources import CHECK_IDS, EVERY_CHECK, answers, checks, run_solution
from mutants import argument_mutants

from course_utils.exercises.engine.checks import Verdict
from course_utils.exercises.engine.reading import as_array, difference, settle

#: Wrong answers divide by zero, overflow and use what is deprecated.
pytestmark = [pytest.mark.filterwarnings("ignore"), pytest.mark.slow]

SAMPLES = 60
every_check = pytest.mark.parametrize(("lesson", "name"), EVERY_CHECK, ids=CHECK_IDS)


class TooLong(KeyboardInterrupt):
    """A mutant that runs for ever is interrupted as a reader would do it."""


def limited(seconds: float, call: Callable) -> object:
    def stop(*_):
        raise TooLong

    before = signal.signal(signal.SIGALRM, stop)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        return call()
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


def behaviour(lesson, name: str, answer: object) -> Iterator[object]:
    """What an answer does on a wide random sample: numbers, or the name of an error."""
    behave = answers(lesson).BEHAVIOUR[name]
    for seed in range(SAMPLES if getattr(behave, "cheap", True) else 1):
        torch.manual_seed(seed)
        try:
            with warnings.catch_warnings(), contextlib.redirect_stdout(io.StringIO()):
                warnings.simplefilter("ignore")
                yield settle(behave(answer, np.random.default_rng(seed)))
        except Exception as error:
            yield type(error).__name__


def equal(a: object, b: object) -> bool:
    if isinstance(a, str) or isinstance(b, str):
        return type(a) is type(b) and a == b
    if isinstance(a, tuple) and isinstance(b, tuple):  # several things that are seen
        return len(a) == len(b) and all(map(equal, a, b))
    try:
        as_array(b)
    except TypeError:
        return a is b or repr(a) == repr(b)
    return not difference(a, b)


@every_check
def test_no_mutant_is_accepted(lesson, name, record_property):
    """Those that do what the solution does, on a wide random sample, are no wrong answers."""
    solution = solutions(lesson)[name]
    right = [*behaviour(lesson, name, run_solution(lesson, name, solution))]
    assert not any(isinstance(one, str) and one.endswith("Error") for one in right), right
    counts, accepted = Counter(), []
    for word, source in argument_mutants(solution):
        try:
            answer = limited(5, functools.partial(run_solution, lesson, name, source))
            pairs = zip(behaviour(lesson, name, answer), right, strict=True)
            same = limited(20, functools.partial(all, itertools.starmap(equal, pairs)))
        except TooLong:  # nothing is known but that it takes long
            same = None
        except Exception:  # not even an answer
            continue
        if same:
            counts["equal to the solution"] += 1
            continue
        verdict = limited(20, functools.partial(checks(lesson)[name], answer))
        counts[kind(verdict)] += 1
        if verdict.code in ("correct", "unanswered", "check-failed") and same is False:
            accepted.append(f"{word}: {verdict}\n{source}")
    record_property("mutants", [f"{lesson.number:02} {name}", dict(counts)])
    assert not accepted, f"{len(accepted)} accepted\n" + "\n\n".join(accepted)
    assert counts.total() > counts["equal to the solution"]


def kind(verdict: Verdict) -> str:
    if verdict.code in ("different", "raised", "stopped"):
        return verdict.code
    return "named"


# Right answers in every form


class Callee:
    def __init__(self, function):
        self.function = function

    def __call__(self, *args):
        return self.function(*args)

    def method(self, *args):
        return self.function(*args)


def decorated(function):
    @functools.wraps(function)
    def inner(*args, **options):
        return function(*args, **options)

    return inner


CALLS = {
    "lambda": lambda f: lambda *args: f(*args),
    "partial": functools.partial,
    "object": Callee,
    "decorated": decorated,
    "method": lambda f: Callee(f).method,
}


def changed(value: object, change: Callable) -> object:
    """A result with its numbers in another form; what is not made of numbers stays."""
    if isinstance(value, tuple) and not all(np.ndim(part) == 0 for part in map(plain, value)):
        return tuple(changed(part, change) for part in value)
    try:
        return change(as_array(value))
    except TypeError:
        return value


def plain(value: object) -> object:
    try:
        return as_array(value)
    except TypeError:
        return 0


def scalar(array: np.ndarray) -> object:
    return np.float64(array) if array.ndim == 0 else array


RESULTS = {
    "list": lambda a: a.tolist(),
    "tuple": lambda a: tuple(a.tolist()) if a.ndim else a.item(),
    "float32": lambda a: a.astype(np.float32),
    "float64": lambda a: a,
    "tensor": lambda a: torch.tensor(a),
    "tensor32": lambda a: torch.tensor(a, dtype=torch.float32),
    "grad": lambda a: torch.tensor(a, requires_grad=True),
    "tensors": lambda a: [torch.tensor(row, requires_grad=True) for row in a] if a.ndim else a,
    "generator": lambda a: (row for row in a) if a.ndim else a,
    "scalar": scalar,
    "0-d": lambda a: np.array(a),
    "leading 1": lambda a: a[None],
}


@every_check
def test_no_right_answer_is_refused(lesson, name):
    check, right = checks(lesson)[name], run_solution(lesson, name, solutions(lesson)[name])
    is_function = callable(right) and not isinstance(right, torch.nn.Module)
    forms = {form: make(right) for form, make in CALLS.items()} if is_function else {}
    if name not in getattr(answers(lesson), "RESULT_AS_IT_IS", ()):
        for form, change in RESULTS.items():
            if is_function:
                forms[form] = then_changed(right, change)
            else:
                forms[form] = changed(right, change)
    for form, answer in forms.items():
        verdict = check(answer)
        assert verdict.code == "correct", f"{name} as {form}: {verdict}"
    for form, give in INPUTS.items() if is_function else ():
        verdict = check(given(right, give))
        # The solution need not know what to do with each kind; but what it gives must be right.
        assert verdict.code in ("correct", "raised"), f"{name} given {form}: {verdict}"


def then_changed(right: Callable, change: Callable) -> Callable:
    """The right answer, with its result in another form."""
    return lambda *args: changed(right(*args), change)


def given(right: Callable, give: Callable) -> Callable:
    """The right answer, given its arguments in another form."""
    return lambda *args: right(*(made(arg, give) for arg in args))


def made(value: object, give: Callable) -> object:
    """An argument that is made of numbers, in another form."""
    if isinstance(value, np.ndarray | torch.Tensor) and as_array(value).dtype.kind == "f":
        return give(value) if "float" in str(value.dtype) else value
    return give(value) if type(value) is float else value


INPUTS = {
    "float32": lambda v: torch.tensor(as_array(v)).float() if torch.is_tensor(v) else np.float32(v),
    "float64": lambda v: v.double() if torch.is_tensor(v) else np.float64(v),
    "lists": lambda v: as_array(v).tolist(),
    "tuples": lambda v: tuple(as_array(v).tolist()) if np.ndim(as_array(v)) else v,
    "tensors": lambda v: torch.tensor(as_array(v)),
    "tensors with grad": lambda v: torch.tensor(as_array(v), requires_grad=True),
    "generators": lambda v: (row for row in v) if np.ndim(as_array(v)) else v,
}
