"""Checks of the exercises of lesson 01, a neuron."""

from collections.abc import Callable, Sequence
from typing import Any, NoReturn
from unittest.mock import patch

import numpy as np
import torch
from numpy._core import umath
from torch.overrides import TorchFunctionMode

from course_utils.exercises.engine.checks import (
    Verdict,
    call,
    different,
    exercise,
    judge,
    mistake,
    observed,
)
from course_utils.exercises.engine.reading import Answer, as_array
from course_utils.exercises.journal import lesson_journal

mine, progress = lesson_journal(__name__)


def _sigmoid(z: np.ndarray) -> np.ndarray:
    return torch.sigmoid(torch.tensor(z, dtype=torch.float64)).numpy()


# Of one sign, of both, unsorted and with equal numbers; whole numbers; and sizes that overflow.
_NUMBERS = [[2.0, 0.5], [0.0, 3.0], [-1.0, -2.5], [-0.5, 3.0, 0.0, -3.0, 0.25], [4.0, -2.0, 4.0]]
_NUMBERS += [[3, -2], [0, 1, -1, 5]]
_CASES = [(np.array(z),) for z in _NUMBERS]
_EXTREMES = np.array([30.0, -1e6, 0.0, 720.0, -30.0, 1e6, -720.0])


@exercise(
    "It agrees with torch.sigmoid up to a million, for floats and for whole numbers, and NumPy "
    "has nothing to warn of.",
    [
        mistake(
            "minus-sign",
            "the exponent lacks its minus sign, or the cases z ≥ 0 and z < 0 change places: it "
            "falls where the sigmoid rises. For z ≥ 0 the sigmoid is 1 / (1 + e⁻ᶻ).",
            lambda z: _sigmoid(-z),
        ),
        mistake(
            "integer-array",
            "the result is stored in an array of whole numbers, which cuts 0.9 down to 0. "
            "np.zeros_like(z) takes the type of z, and so does writing into z itself; "
            "np.zeros(z.shape) holds floats.",
            lambda z: _sigmoid(z).astype(z.dtype),
        ),
        mistake(
            "one-formula",
            "both signs of z have the same numerator. It is 1 where z ≥ 0, and e⁻|ᶻ| elsewhere.",
            lambda z: _sigmoid(abs(z)),
            lambda z: _sigmoid(-abs(z)),
        ),
        observed(
            "overflow",
            "Something overflows, whether NumPy warns of it or is kept from warning: e⁻ᶻ where z is"
            " far below 0, or eᶻ where it is far above; try np.array([-1e6, 1e6]). np.where "
            "computes both branches for all z, and only then chooses. e⁻|ᶻ| never overflows.",
        ),
        observed(
            "not-a-number",
            "For some z of large size the result is nan, infinity divided by infinity. "
            "eᶻ / (1 + eᶻ) is safe only for z < 0, and 1 / (1 + e⁻ᶻ) for z ≥ 0.",
        ),
        observed(
            "one-number",
            "An array stops your function: `if` and the functions of `math` look at one number. "
            "Use np.where or a mask, np.exp and np.abs.",
        ),
    ],
)
def check_stable_sigmoid(stable_sigmoid: Callable) -> str | Verdict | None:
    """stable_sigmoid(z): the sigmoid of an array (n,) of floats or integers, without overflow."""
    warnings_heard: list[str] = []
    with (
        np.errstate(all="call", under="ignore", call=lambda word, _: warnings_heard.append(word)),
        patch("numpy._core._ufunc_config._make_extobj", _unchanged, create=True),
        _TorchOverflow(warnings_heard),
    ):
        error = _error(stable_sigmoid, _EXTREMES.copy())
        if "ambiguous" in str(error) or "can be converted" in str(error):
            return "one-number"
        if verdict := judge(stable_sigmoid, _sigmoid, _CASES):
            return verdict
        warnings_heard.clear()
        if isinstance(error, OverflowError):  # of math.exp
            return "overflow"
        got = as_array(call(stable_sigmoid, _EXTREMES.copy()))
    if np.isnan(got).any():
        return "not-a-number"
    if warnings_heard and "overflow" not in warnings_heard:
        return different(f"NumPy has to warn of {warnings_heard[0]} for some z of large size.")
    return "overflow" if warnings_heard else judge(stable_sigmoid, _sigmoid, [(_EXTREMES,)])


class _TorchOverflow(TorchFunctionMode):
    """Hears of infinity in what torch computes, of which torch itself does not warn."""

    def __init__(self, heard: list[str]) -> None:
        super().__init__()
        self.heard = heard

    def __torch_function__(
        self, function: Callable, types: Any, args: tuple = (), kwargs: dict | None = None
    ) -> Any:
        result = function(*args, **(kwargs or {}))
        if isinstance(result, torch.Tensor) and (result == torch.inf).any():
            self.heard.append("overflow")
        return result


def _unchanged(**_: object) -> object:
    """In place of NumPy's own: np.errstate and np.seterr, by whatever name, change nothing."""
    return umath._extobj_contextvar.get()


def _error(answer: Callable, z: np.ndarray) -> BaseException | None:
    try:
        answer(z)
    except (Exception, SystemExit) as error:
        return error
    return None


def _gate_fault(found: tuple, right: tuple) -> str | Verdict | None:
    """What is said of a gate that answers the four corners so."""
    gates = {(0, 1, 1, 1): "or", (0, 0, 0, 1): "and", (1, 1, 1, 0): "nand", (1, 0, 0, 1): "xnor"}
    gates |= {(0,) * 4: "always", (1,) * 4: "always"}
    if found == right or found in gates:
        return None if found == right else gates[found]
    words = f"for (0, 0), (0, 1), (1, 0) and (1, 1) it gives {found}; {right} is expected."
    return different(words, None, found, right)


_CORNERS = [(0, 0), (0, 1), (1, 0), (1, 1)]


@exercise(
    "It says 1 for (0, 0) alone: both weights pull the total down, and the threshold lies between "
    "0 and what one of them leaves.",
    [
        observed(
            "threshold-sign",
            "With −θ it would be right. The output is 1 where the total w₁x₁ + w₂x₂ reaches θ, so θ"
            " has to be at most 0 here. (The bias is b = −θ.)",
        ),
        observed(
            "and",
            "This neuron is AND: it says 1 for (1, 1) alone. For NOR, an input of 1 has to lower "
            "the total.",
        ),
        observed(
            "nand",
            "This neuron says 1 for (0, 0), and not only there (NAND refuses (1, 1) alone). A "
            "single 1 must be enough to refuse: each weight alone has to lie below θ.",
        ),
        observed(
            "or",
            "This neuron is OR, the opposite of NOR. Turn the signs of both weights, and put θ "
            "between the total for (0, 0), which is 0, and the others.",
        ),
        observed("always", "It never says 1. θ has to be at most 0, the total for (0, 0)."),
    ],
)
def check_nor(nor: Sequence) -> str | Verdict | None:
    """nor: (w_1, w_2, theta), or ((w_1, w_2), theta), for which the step neuron computes NOR."""
    parts = nor if isinstance(nor, list | tuple) else [nor]
    try:
        w_1, w_2, theta = np.concatenate([as_array(part).ravel() for part in parts])
    except (TypeError, ValueError):
        return different("three numbers are expected, (w_1, w_2, theta).")

    def answers(theta: float) -> tuple[int, ...]:
        return tuple(int(w_1 * x_1 + w_2 * x_2 >= theta) for x_1, x_2 in _CORNERS)

    found, right = answers(theta), (1, 0, 0, 0)
    if found != right == answers(-theta):
        return "threshold-sign"
    return "nand" if found[0] and found != right else _gate_fault(found, right)


class Signal:
    """What goes in and out of the gates of check_xor: they alone can read it."""

    def _unreadable(self, *_: object) -> NoReturn:
        raise TypeError("only the AND, OR and NOT that xor is given can read this")

    __bool__ = __eq__ = __lt__ = __int__ = __float__ = __xor__ = __add__ = __mul__ = _unreadable
    __sub__ = __rsub__ = __rmul__ = __index__ = _unreadable
    __hash__ = object.__hash__

    def __repr__(self) -> str:
        return "<signal>"


@exercise(
    "Two layers or more of gates do what no single neuron can.",
    [
        observed(
            "no-gates",
            "What your function gives back is not the signal of one gate. (Is the"
            " `return` missing?)",
        ),
        observed(
            "same-unit-twice",
            "One of your gates is given the same thing twice, so it learns nothing from the second."
            " XOR needs two different hidden units: at least one, and not both.",
        ),
        observed(
            "or",
            "This is OR, which is also 1 for (1, 1). A second hidden unit has to say: not both.",
        ),
        observed(
            "always",
            "All four inputs get the same answer. XOR needs two different units, joined by AND.",
        ),
        observed("and", "This is AND. XOR says no to (1, 1), and yes to (0, 1) and (1, 0)."),
        observed(
            "nand",
            "This is NAND, which is also 1 for (0, 0). Another unit has to say: at least one.",
        ),
        observed(
            "xnor",
            "This is XOR turned upside down (1 where the inputs are equal). Is there a NOT too "
            "many, or one missing?",
        ),
    ],
)
def check_xor(xor: Callable) -> str | Verdict | None:
    """xor(x_1, x_2, AND, OR, NOT): 1 if exactly one of two inputs is 1, from the gates given."""
    x_1, x_2, same_input_twice = Signal(), Signal(), []
    at_corners: dict[Signal | int, tuple[int, ...]]
    at_corners = {x_1: (0, 0, 1, 1), x_2: (0, 1, 0, 1), 0: (0,) * 4, 1: (1,) * 4}

    def gate(name: str, inputs: int, decide: Callable) -> Callable:
        def answer(*given: Answer) -> Signal:
            if len(given) != inputs or any(signal not in at_corners for signal in given):
                raise TypeError(f"{name} takes {inputs} of: x_1, x_2 and what gates give")
            inputs_read, output = [at_corners[signal] for signal in given], Signal()
            same_input_twice.append(inputs == 2 and inputs_read[0] == inputs_read[1])
            at_corners[output] = tuple(int(decide(x)) for x in zip(*inputs_read, strict=True))
            return output

        return answer

    gates = [gate("AND", 2, all), gate("OR", 2, any), gate("NOT", 1, lambda x: not x[0])]
    result = call(xor, x_1, x_2, *gates, shown="xor(x_1, x_2, AND, OR, NOT)")
    result = result.tolist() if isinstance(result, np.ndarray) else result
    while isinstance(result, list | tuple) and len(result) == 1:
        result = result[0]
    if not isinstance(result, Signal):
        return "no-gates"
    found = _gate_fault(at_corners[result], (0, 1, 1, 0))
    return "same-unit-twice" if found and any(same_input_twice) else found
