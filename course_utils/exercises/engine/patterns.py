"""Patterns that the engine sees in wrong results of any exercise.

Each sentence says what was seen in the numbers, and no more: it is true whatever the reader's
code looks like.
"""

import copy
from collections.abc import Callable, Iterator, Sequence
from functools import partial

import numpy as np
import torch

from course_utils.exercises.engine.codes import PATTERNS
from course_utils.exercises.engine.reading import NotNumbers, as_array, without_leading_ones


def pattern(
    ask: Callable, reference: Callable, cases: Sequence[tuple], got: Sequence, names: Sequence[str]
) -> tuple[str, str] | None:
    """The code and the sentence of the first pattern that holds for all cases, if one does.

    ask: the answer; got: what it gave for the cases; names: those of its arguments.
    """
    if all(result is None for result in got):
        return "none", "Your function gives None every time: is the `return` missing?"
    expected = [reference(*copy.deepcopy(case)) for case in cases]
    try:
        results = [without_leading_ones(as_array(result)) for result in got]
        right_results = [without_leading_ones(as_array(result)) for result in expected]
    except NotNumbers:
        return None
    first = next(_patterns(results, right_results, cases), None)
    if first:
        return first
    right = list(map(_same, results, right_results))
    failing = [case for case, is_right in zip(cases, right, strict=True) if not is_right]
    passing = [case for case, is_right in zip(cases, right, strict=True) if is_right]
    unused = _unused(ask, reference, [*failing[:5], *passing[:3]], names)
    if unused:
        return (
            "argument-unused",
            f"Your result stays the same when {unused} changes, in the cases tried.",
        )
    shared = _right_property(right, cases, names)
    if shared:
        return (
            "only-where",
            f"Your function is right in every case tried with {shared}, and in no other.",
        )
    sentence = _wrong_place(results, right_results)
    return ("only-there", sentence) if sentence else None


def _same(a: np.ndarray, b: np.ndarray) -> bool:
    return a.shape == b.shape and np.allclose(a, b, rtol=1e-4, atol=1e-6, equal_nan=True)


def _patterns(
    got: list[np.ndarray], expected: list[np.ndarray], cases: Sequence[tuple]
) -> Iterator[tuple[str, str]]:
    """The patterns in these results, the most telling first."""
    yield from _exchanged_axes(got, expected)
    for result, right in zip(got, expected, strict=True):
        if result.shape != right.shape:
            sentence = (
                f"One of your results has the shape {result.shape}; {right.shape} is expected."
            )
            yield "shape", sentence
            return
    yield from _changed_numbers(got, expected)
    yield from _shared_distance(got, expected)
    yield from _rounded(got, expected)
    if all(map(_same_numbers, got, expected)):
        yield "order", PATTERNS["order"]
    first_arguments = _arrays(cases)
    if first_arguments and all(map(_same, got, first_arguments)):
        yield "argument-returned", "Your function gives its first argument back unchanged."
    if len(got) > 2 and all(_same(got[0], result) for result in got):
        yield "always-the-same", "Your function gives the same for all arguments tried."
    yield from _parts(got, expected)


def _exchanged_axes(got: list[np.ndarray], expected: list[np.ndarray]) -> Iterator[tuple[str, str]]:
    if _holds(got, expected, lambda right: right[::-1] if right.ndim else right):
        yield "reversed", PATTERNS["reversed"]
    if _holds(got, expected, lambda right: right.swapaxes(-1, -2)):
        yield "transposed", PATTERNS["transposed"]
    for axis, axis_name in ((0, "first"), (-1, "last")):
        for combine in (np.sum, np.mean):
            if _holds(expected, got, partial(combine, axis=axis)):
                yield (
                    "not-combined",
                    f"Your result has an axis too many: its {combine.__name__} over the "
                    f"{axis_name} axis is right.",
                )


def _changed_numbers(
    got: list[np.ndarray], expected: list[np.ndarray]
) -> Iterator[tuple[str, str]]:
    """Every number is what one function makes of the expected one."""
    # The first result that is wrong is the one that the verdict shows.
    pairs = zip(got, expected, strict=True)
    shown, right = next(pair for pair in pairs if not _same(*pair))
    if np.isnan(shown).any() and not np.isnan(right).any():
        yield "not-a-number", "Your result contains nan, for instance from 0/0 or the root of −1."
    for change, code, sentence in _CHANGES:
        if _holds(got, expected, change):
            yield code, sentence


_CHANGES: list[tuple[Callable, str, str]] = [
    (np.negative, "negated", PATTERNS["negated"]),
    (np.abs, "sign-lost", PATTERNS["sign-lost"]),
    (
        lambda right: np.maximum(right, 0),
        "clipped",
        "Right, but for the negative numbers: there you have 0.",
    ),
    (np.square, "squared", "Each number is the square of the expected one."),
    (
        lambda right: np.sqrt(np.abs(right)),
        "root",
        "Each number is the square root of the expected one.",
    ),
    (lambda right: 1 / right, "inverse", "Each number is 1 divided by the expected one."),
]


def _shared_distance(
    got: list[np.ndarray], expected: list[np.ndarray]
) -> Iterator[tuple[str, str]]:
    factor = _constant(np.divide, got, expected)
    if factor is not None:
        yield "factor", f"Every number is {factor:.4g} times the expected one, in all cases tried."
    offset = _constant(np.subtract, got, expected)
    if offset is not None:
        direction = "large" if offset > 0 else "small"
        yield "offset", f"Every number is {abs(offset):.4g} too {direction}, in all cases tried."


def _rounded(got: list[np.ndarray], expected: list[np.ndarray]) -> Iterator[tuple[str, str]]:
    if _holds(expected, got, np.floor) or _holds(expected, got, np.ceil):
        yield "not-rounded", "Right, but for rounding: whole numbers are expected."
    if any(_holds(got, expected, change) for change in (np.round, np.trunc, np.floor)):
        yield "not-rounded", "Right, but for rounding: your numbers are whole, and should not be."


def _same_numbers(result: np.ndarray, right: np.ndarray) -> bool:
    return _same(np.sort(result, axis=None), np.sort(right, axis=None))


def _holds(results: list[np.ndarray], originals: list[np.ndarray], change: Callable) -> bool:
    """Whether every result is what the change makes of its original."""
    try:
        with np.errstate(all="ignore"):
            changed = [np.asarray(change(original)) for original in originals]
        return all(map(_same, results, changed))
    except Exception:  # the change is not made for such shapes
        return False


def _constant(compare: Callable, got: list, expected: list) -> float | None:
    """The one number that this comparison of all results gives, if it is one."""
    a, b = (np.concatenate([result.ravel() for result in results]) for results in (got, expected))
    with np.errstate(all="ignore"):
        if compare is np.divide and not np.array_equal(a == 0, b == 0):
            return None
        values = compare(a, b)[(b != 0) if compare is np.divide else slice(None)]
    if len(values) < 2 or not np.isfinite(values).all():
        return None
    return float(values[0]) if np.allclose(values, values[0], rtol=1e-4, atol=1e-6) else None


def _arrays(cases: Sequence[tuple]) -> list[np.ndarray]:
    try:
        return [as_array(case[0]) for case in cases]
    except (NotNumbers, IndexError):
        return []


def _parts(got: list[np.ndarray], expected: list[np.ndarray]) -> Iterator[tuple[str, str]]:
    """Results of which the same entries are always right, such as the first of a pair."""
    if len(got) < 2 or any(a.shape != got[0].shape or a.ndim != 1 for a in got):
        return
    right = np.all(
        [np.isclose(a, b, 1e-4, 1e-6) for a, b in zip(got, expected, strict=True)], axis=0
    )
    if right.any() and len(right) <= 12:
        numbers = ", ".join(str(int(i)) for i in np.flatnonzero(right))
        yield "parts-wrong", f"Only the numbers at index {numbers} are right in all cases tried."


def _unused(
    ask: Callable, reference: Callable, cases: Sequence[tuple], names: Sequence[str]
) -> str:
    """The name of an argument on which the answer does not depend, and the right result does."""
    for position, name in enumerate(names):
        matters, used = 0, False
        for case in cases:
            try:
                nudged = _nudged(case, position)
                before, after = (
                    [as_array(function(*copy.deepcopy(given))) for function in (reference, ask)]
                    for given in (case, nudged)
                )
                if not np.isfinite(before[1]).all():
                    continue
                changes = [not _same(*pair) for pair in zip(before, after, strict=True)]
            except Exception:  # such arguments do not go together, or are no numbers
                continue
            right_changes, answer_changes = changes
            matters += right_changes
            used = used or answer_changes
        if matters > 1 and not used:
            return name
    return ""


def _nudged(case: tuple, position: int) -> tuple:
    """The case with one argument changed: every number in it by another step."""
    nudged = copy.deepcopy(case)
    value = nudged[position]
    if isinstance(value, int | float):
        value += 1
    else:
        steps = 1 + np.arange(np.prod(np.shape(value))).reshape(np.shape(value))
        value = value + (torch.tensor(steps) if isinstance(value, torch.Tensor) else steps)
    return *nudged[:position], value, *nudged[position + 1 :]


def _right_property(right: Sequence[bool], cases: Sequence[tuple], names: Sequence[str]) -> str:
    """What tells the cases that are right from those that are not, if one property does."""
    if not 2 <= sum(right) <= len(right) - 2:
        return ""
    for name, values in _properties(cases, names):
        pairs = list(zip(values, right, strict=True))
        right_values = {value for value, is_right in pairs if is_right}
        wrong_values = {value for value, is_right in pairs if not is_right}
        if right_values == {1} and 1 not in wrong_values:
            return name
    return ""


def _properties(cases: Sequence[tuple], names: Sequence[str]) -> Iterator[tuple[str, list]]:
    for position, name in enumerate(names):
        column = [case[position] for case in cases]
        if all(isinstance(value, int | float) for value in column):
            for number in {*column}:
                yield f"{name} = {number}", [value == number for value in column]
            continue
        try:
            arrays = [as_array(value) for value in column]
        except NotNumbers:
            continue
        for axis in range(min(array.ndim for array in arrays)):
            length = f"{name}.shape[{axis}]" if hasattr(column[0], "shape") else f"len({name})"
            yield f"{length} = 1", [array.shape[axis] for array in arrays]
        if all(array.size for array in arrays):
            yield f"no number in {name} below 0", [a.min() >= 0 for a in arrays]
            yield f"whole numbers in {name}", [(a % 1 == 0).all() for a in arrays]
            yield (
                f"no two equal numbers in {name}",
                [len({*a.flat}) == a.size for a in arrays],
            )


def _wrong_place(got: list[np.ndarray], expected: list[np.ndarray]) -> str:
    """In which row or column alone the results are right, or wrong."""
    pairs = [pair for pair in zip(got, expected, strict=True) if not _same(*pair)]
    if any(a.shape != b.shape or a.ndim < 2 for a, b in pairs):
        return ""
    for axis, kind in ((-2, "row"), (-1, "column")):
        for place, name in ((0, "first"), (-1, "last")):
            rights = [np.isclose(a, b, 1e-4, 1e-6) for a, b in pairs if a.shape[axis] > 1]
            right_here = [r.take(place, axis).all() for r in rights]
            right_elsewhere = [np.delete(r, place, axis).all() for r in rights]
            if rights and all(right_here) and not any(right_elsewhere):
                return (
                    f"Where your function is wrong, the {name} {kind} is right and others are not."
                )
            if rights and all(right_elsewhere) and not any(right_here):
                return f"Where your function is wrong, it is wrong in the {name} {kind} alone."
    return ""
