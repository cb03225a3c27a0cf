"""What the exercise checks of all lessons share: a verdict, and ways to reach one."""

import copy
import dis
import functools
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import torch


@dataclass(frozen=True, repr=False)
class Verdict:
    """What a check says of an answer.

    code: "correct", "unanswered", "raised", "different", or the name of the mistake.
    sentence: what the reader sees; also the verdict's repr.
    """

    code: str
    sentence: str

    def __repr__(self) -> str:
        return self.sentence


def exercise(correct: str, **mistakes: str) -> Callable:
    """Make a check of a function that looks at one answer.

    correct: the sentence for a correct answer. mistakes: the sentence for each mistake.
    The decorated function returns None (correct), the name of a mistake, or a Verdict of its
    own. The check it becomes never raises: what the answer's own code raises is the verdict.
    ``check.codes`` lists every code that the check can give.
    """
    sentences = {name.replace("_", "-"): sentence for name, sentence in mistakes.items()}

    def decorate(look: Callable) -> Callable:
        @functools.wraps(look)
        def check(answer: object) -> Verdict:
            if _is_stub(answer):
                return Verdict(
                    "unanswered", "Not answered yet: put your answer in place of the dots."
                )
            if isinstance(answer, Iterator):  # which can be read only once
                answer = [*answer]
            try:
                with torch.random.fork_rng(
                    devices=[]
                ):  # a check changes no random numbers after it
                    found = look(answer)
            except (Exception, SystemExit) as error:
                where = f"{type(error).__name__}: {error}" if str(error) else type(error).__name__
                return Verdict("raised", f"Your answer stops with an error. {where}")
            if found is None:
                return Verdict("correct", f"Correct. {correct}")
            if isinstance(found, Verdict):
                return found
            return Verdict(found, f"Not yet. {sentences[found]}")

        check.codes = ("correct", "unanswered", "raised", "different", *sentences)
        return check

    return decorate


def different(sentence: str) -> Verdict:
    """The verdict on a wrong answer that is none of the known mistakes."""
    return Verdict("different", f"Not yet: {sentence}")


def _is_stub(answer: object) -> bool:
    if answer is ...:
        return True
    code = getattr(answer, "__code__", None)
    return code is not None and _steps(code) == _STUB


def _steps(code) -> list[tuple]:
    return [(step.opname, step.argval) for step in dis.get_instructions(code)]


def _stub(): ...


_STUB = _steps(_stub.__code__)


def as_array(value: object) -> np.ndarray:
    """A float64 array of a number, list, tuple, array or tensor (on any device).

    Raises TypeError or ValueError for anything that is not made of numbers.
    """
    if isinstance(value, torch.Tensor):
        value = value.detach().cpu().double().numpy()
    if isinstance(value, list | tuple) and any(isinstance(item, torch.Tensor) for item in value):
        value = [as_array(item) for item in value]
    array = np.asarray(value)
    if array.dtype.kind in "SU":  # NumPy would read "1024" as a number
        raise TypeError("text is not a number")
    return array.astype(np.float64)


def same(got: object, expected: object, *, rtol: float = 1e-4, atol: float = 1e-6) -> bool:
    """Whether two results agree in size and value; axes of length 1 do not matter."""
    try:
        got, expected = np.squeeze(as_array(got)), np.squeeze(as_array(expected))
    except (TypeError, ValueError):
        return False
    return got.shape == expected.shape and np.allclose(got, expected, rtol, atol)


def compare(
    got: object, expected: object, *, name: str = "your result", rtol: float = 1e-4
) -> Verdict | None:
    """None where two results agree, otherwise a verdict that says how they differ.

    rtol: the relative difference that is forgiven; 0 for counts.
    """
    if same(got, expected, rtol=rtol):
        return None
    if got is None:
        return different(f"{name} is None. (A function gives None where it has no `return`.)")
    try:
        got = as_array(got)
    except (TypeError, ValueError):
        return different(f"{name} should be made of numbers, and is {_short(got)}.")
    expected = as_array(expected)
    if np.squeeze(got).shape != np.squeeze(expected).shape:
        return different(f"{name} has the shape {got.shape}; {expected.shape} is expected.")
    got, at = got.reshape(expected.shape), ""
    wrong = ~np.isclose(got, expected, rtol, atol=1e-6)
    first = tuple(int(i) for i in np.argwhere(wrong)[0])
    if first:
        at = f" at {list(first)}, the first of {wrong.sum()} that differ"
    return different(f"{name} is {got[first]:.8g}{at}; {expected[first]:.8g} is expected.")


def compare_function(
    answer: Callable,
    reference: Callable,
    cases: Sequence[tuple],
    mistaken: Sequence[tuple[str, Callable]] = (),
    *,
    rtol: float = 1e-4,
) -> str | Verdict | None:
    """Call an answer on each case and compare it with the reference.

    cases: the arguments of each call; the answer gets copies and may change them.
    mistaken: names of mistakes, each with a function that makes it. A wrong answer has made
    the first mistake whose function agrees with it on every case.
    rtol: the relative difference that is forgiven; 0 for counts.
    """
    if not callable(answer):
        return different(f"a function is expected here, and this is {_short(answer)}.")
    results = [answer(*copy.deepcopy(case)) for case in cases]
    results = [[*result] if isinstance(result, Iterator) else result for result in results]
    right = [reference(*case) for case in cases]
    verdicts = [
        compare(*pair, name=_call(answer, case), rtol=rtol)
        for *pair, case in zip(results, right, cases, strict=True)
    ]
    if not any(verdicts):
        return None
    for name, mistake in mistaken:
        made = [mistake(*case) for case in cases]
        if all(same(*pair, rtol=rtol) for pair in zip(results, made, strict=True)):
            return name
    return next(verdict for verdict in verdicts if verdict)


def _call(answer: Callable, case: tuple) -> str:
    arguments = ", ".join(_short(argument) for argument in case)
    return f"{getattr(answer, '__name__', 'your function')}({arguments})"


def _short(value: object) -> str:
    """A value in a few characters: a long array by its shape."""
    if isinstance(value, np.ndarray | torch.Tensor) and np.prod(value.shape) > 6:
        return f"<{type(value).__name__} of shape {tuple(value.shape)}>"
    if isinstance(value, np.ndarray):
        return np.array2string(value, separator=", ", precision=4)
    if isinstance(value, torch.nn.Module):
        return type(value).__name__
    text = repr(value)
    if isinstance(value, list | tuple) and len(text) > 60:
        return f"<{type(value).__name__} of {len(value)}>"
    return text if len(text) <= 60 else text[:57] + "..."
