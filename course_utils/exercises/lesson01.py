"""Checks of the exercises of lesson 01, a neuron."""

import contextlib
import warnings
from collections.abc import Callable, Iterator, Sequence
from unittest.mock import patch

import numpy as np
import torch

from course_utils.exercises.engine import (
    Verdict,
    as_array,
    compare,
    compare_function,
    different,
    exercise,
    same,
)


def _sigmoid(z: np.ndarray) -> np.ndarray:
    return torch.sigmoid(torch.tensor(z, dtype=torch.float64)).numpy()


@exercise(
    correct="It agrees with torch.sigmoid from −1000 to 1000, for floats and for whole numbers, "
    "and NumPy has nothing to warn of.",
    minus_sign="This is 1 / (1 + eᶻ), the sigmoid mirrored: it falls where it should rise. "
    "The exponent needs its minus sign, −z.",
    integer_array="For an array of whole numbers you give whole numbers, so everything between "
    "0 and 1 has become 0. np.zeros_like(z) and np.empty_like(z) take the type of z, and so does "
    "writing into z itself: make the result with np.zeros(z.shape), or pass dtype=float.",
    overflow="The values are right, but an exponential overflows on the way: for a large negative "
    "z, e⁻ᶻ is more than a float64 can hold (and for a large positive one, eᶻ). Note that np.where "
    "computes both of its branches for all z, and only then chooses. e to the power of −|z| "
    "never overflows.",
    not_a_number="For some z of large size the answer is nan: infinity has been divided by "
    "infinity. eᶻ / (1 + eᶻ) is safe only for z < 0, and 1 / (1 + e⁻ᶻ) for z ≥ 0.",
    muffled="The values are right, and NumPy's warning is only switched off: an exponential still "
    "overflows, and the next formula may make nan of it. Find one in which nothing overflows, "
    "such as one with e⁻|ᶻ|.",
    one_number="Your function is right for one number, but an array stops it: `if` and the "
    "functions of `math` look at a single number. Use np.where or a mask, np.exp and np.abs.",
)
def check_stable_sigmoid(stable_sigmoid: Callable) -> str | Verdict | None:
    """stable_sigmoid(z): the sigmoid of an array (n,) of floats or integers, without overflow."""
    floats = np.array([-3.0, -0.5, 0.0, 0.25, 2.0])
    integers = np.array([-2, -1, 0, 1, 3])
    extremes = np.array([-1000.0, -720.0, -30.0, 0.0, 30.0, 720.0, 1000.0])
    with warnings.catch_warnings(), np.errstate(over="warn", invalid="warn", divide="warn"):
        warnings.simplefilter("ignore")
        try:
            wrong = compare_function(
                stable_sigmoid, _sigmoid, [(floats,)], [("minus-sign", lambda z: _sigmoid(-z))]
            )
        except (TypeError, ValueError):
            if _is_right_one_by_one(stable_sigmoid, floats):
                return "one-number"
            raise
        truncated = [("integer-array", lambda z: _sigmoid(z).astype(int))]
        wrong = wrong or compare_function(stable_sigmoid, _sigmoid, [(integers,)], truncated)
        if wrong:
            return wrong
        with warnings.catch_warnings(record=True) as seen:
            warnings.simplefilter("always")
            try:
                got = as_array(stable_sigmoid(extremes.copy()))
                heard = len(seen)
                with _nothing_muffled():
                    stable_sigmoid(extremes.copy())
            except OverflowError:  # math.exp raises where np.exp warns
                return "overflow"
        if np.isnan(got).any():
            return "not-a-number"
        if not same(got, _sigmoid(extremes)):
            return compare_function(stable_sigmoid, _sigmoid, [(extremes,)])
        overflows = ["overflow" in str(warning.message) for warning in seen]
        if any(overflows):
            return "overflow" if any(overflows[:heard]) else "muffled"


class _Idle:
    """Stands in for np.errstate and warnings.catch_warnings, and changes nothing."""

    def __init__(self, *_: object, **__: object) -> None: ...

    def __enter__(self) -> list:
        return []

    def __exit__(self, *_: object) -> None: ...


@contextlib.contextmanager
def _nothing_muffled() -> Iterator[None]:
    """Here an answer cannot switch warnings off."""
    with contextlib.ExitStack() as stack:
        for module, name in [(np, "errstate"), (warnings, "catch_warnings")]:
            stack.enter_context(patch.object(module, name, _Idle))
        for module, name in [
            (np, "seterr"),
            (warnings, "simplefilter"),
            (warnings, "filterwarnings"),
        ]:
            stack.enter_context(patch.object(module, name, lambda *_, **__: {}))
        yield


def _is_right_one_by_one(function: Callable, z: np.ndarray) -> bool:
    try:
        return same([function(float(z_i)) for z_i in z], _sigmoid(z))
    except Exception:
        return False


_CORNERS = np.array([[0, 0], [0, 1], [1, 0], [1, 1]])


@exercise(
    correct="It says 1 for (0, 0) alone: both weights pull the total down, "
    "and the threshold lies between 0 and what one of them leaves.",
    threshold_sign="The weights are right, and the threshold has the wrong sign. The output is 1 "
    "where the total w₁x₁ + w₂x₂ reaches θ, so θ has to be at most 0 here. "
    "(Perhaps you have given the bias, b = −θ.)",
    and_instead="This neuron is AND: it says 1 for (1, 1) alone. NOR says 1 for (0, 0) alone, "
    "so an input of 1 has to speak against.",
    nand_instead="This neuron is NAND: it refuses only (1, 1). For NOR a single 1 must be enough "
    "to refuse: raise θ until each weight alone is below it. "
    "(A total exactly at the threshold still counts as reaching it.)",
    or_instead="This neuron is OR, the exact opposite of NOR. "
    "Turn the signs of both weights, and put θ between the total for (0, 0), which is 0, "
    "and the totals for the others.",
)
def check_nor(nor: Sequence) -> str | Verdict | None:
    """nor: (w_1, w_2, theta), or ((w_1, w_2), theta), for which the step neuron computes NOR."""
    try:
        parts = nor if isinstance(nor, list | tuple) else [nor]
        w_1, w_2, theta = np.concatenate([as_array(part).ravel() for part in parts])
    except (TypeError, ValueError):
        return different("three numbers are expected, (w_1, w_2, theta).")
    if not np.isfinite([w_1, w_2, theta]).all():
        return different("the two weights and the threshold should be finite numbers.")

    def answers(theta: float) -> tuple[int, ...]:
        return tuple(int(w_1 * x_1 + w_2 * x_2 >= theta) for x_1, x_2 in _CORNERS)

    right = (1, 0, 0, 0)
    found = answers(theta)
    if found == right:
        return None
    if answers(-theta) == right:
        return "threshold-sign"
    known = {
        (0, 0, 0, 1): "and-instead",
        (1, 1, 1, 0): "nand-instead",
        (0, 1, 1, 1): "or-instead",
    }
    return known.get(found) or different(
        f"for (0, 0), (0, 1), (1, 0) and (1, 1) this neuron answers {found}; NOR is {right}."
    )


@exercise(
    correct="Two layers or more of gates do what no single neuron can.",
    or_only="This is OR: it is also 1 for (1, 1). "
    "XOR needs a second hidden unit that says no when both inputs are 1.",
    same_unit_twice="One of your gates is given the same thing twice, so it learns nothing from "
    "the second. XOR needs two different hidden units: "
    "one that says at least one, and one that says not both.",
    upside_down="This is XOR turned upside down (1 where the inputs are equal). "
    "Is there a NOT too many, or one missing?",
    no_gates="The table is right, but none of the three gates was used. "
    "Python can compare two numbers; a neuron cannot, so build it from AND, OR and NOT.",
)
def check_xor(xor: Callable) -> str | Verdict | None:
    """xor(x_1, x_2, AND, OR, NOT): 1 if exactly one of two inputs is 1, from the gates given."""
    if not callable(xor):
        return compare_function(xor, xor, [])
    calls: list[tuple] = []  # the arguments of the two-input gates, for the corner under way

    def gate(decide: Callable, inputs: int) -> Callable:
        def recorded(*x: object) -> int:
            if len(x) != inputs:
                raise TypeError(f"{decide.__name__} has {inputs} input(s) and was given {len(x)}.")
            values = tuple(as_array(x_i).item() for x_i in x)
            calls.append(values)
            return int(decide(values))

        return recorded

    def AND(x: tuple) -> bool:
        return sum(x) >= 1.5

    def OR(x: tuple) -> bool:
        return sum(x) >= 0.5

    def NOT(x: tuple) -> bool:
        return -x[0] >= -0.5

    gates = [gate(AND, 2), gate(OR, 2), gate(NOT, 1)]
    results, recorded = [], []
    for x_1, x_2 in _CORNERS.tolist():
        calls.clear()
        results.append(xor(x_1, x_2, *gates))
        recorded.append([*calls])

    found = [same(result, 1) for result in results]
    for (x_1, x_2), result, is_one in zip(_CORNERS.tolist(), results, found, strict=True):
        if not is_one and not same(result, 0):
            return compare(result, int(x_1 != x_2), name=f"xor({x_1}, {x_2}, AND, OR, NOT)")
    if found == [False, True, True, False]:
        return None if any(recorded) else "no-gates"
    by_call = [*zip(*recorded, strict=False)]  # each call with its arguments at the four corners
    if any(all(len(x) == 2 and x[0] == x[1] for x in corners) for corners in by_call):
        return "same-unit-twice"
    if found == [False, True, True, True]:
        return "or-only"
    if found == [True, False, False, True]:
        return "upside-down"
    return different(
        "for (0, 0), (0, 1), (1, 0) and (1, 1) it gives "
        f"{', '.join(str(int(one)) for one in found)}; XOR is 0, 1, 1, 0."
    )
