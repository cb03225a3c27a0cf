"""Checks of the exercises of lesson 18, a LeNet of the reader's own."""

from collections.abc import Callable

import numpy as np

from course_utils.exercises.engine.checks import (
    Verdict,
    call,
    different,
    exercise,
    function_check,
    mistake,
    observed,
    value_check,
)
from course_utils.exercises.engine.pooling import pool_backward, pooled_shape
from course_utils.exercises.engine.reading import Answer, NotNumbers, as_array, difference
from course_utils.exercises.journal import lesson_journal

mine, progress = lesson_journal(__name__)

#: Multiplications of LeNet's five layers on the way forward, lesson 07's ledger.
_FORWARD = (117_600, 240_000, 48_000, 10_080, 840)
_ALL, _FIRST = sum(_FORWARD), _FORWARD[0]

check_products = value_check(
    "products: the multiplications of LeNet's layers for one picture, forward and backward.",
    [_ALL, 2 * _ALL - _FIRST],
    [
        observed(
            "first-layer",
            "The gradient of the picture is counted. Nothing comes before the first layer, so "
            "nobody needs its dx: only its dW is computed.",
            [_ALL, 2 * _ALL],
        ),
        observed(
            "one-gradient",
            "Each layer computes two gradients on the way back, that of its weights and, but for "
            "the first layer, that of its input. Count both.",
            [_ALL, _ALL],
            [_ALL, _ALL - _FIRST],
        ),
        observed(
            "forward-included",
            "The second number is that of both ways together. Give the way back alone.",
            [_ALL, 3 * _ALL - _FIRST],
            [_ALL, 3 * _ALL],
        ),
        observed(
            "parameters",
            "These are the numbers of the parameters. A kernel's weight is multiplied once at "
            "each place of its map, so a convolution has many more multiplications than weights.",
            *([count, 2 * count - first] for count, first in ((61_706, 156), (61_470, 150))),
            *([count, 2 * count] for count in (61_706, 61_470)),
            *([count, count] for count in (61_706, 61_470)),
        ),
        observed(
            "swapped",
            "The order is: forward, backward.",
            [2 * _ALL - _FIRST, _ALL],
        ),
    ],
    correct="The way back costs 1.7 times as much as the way forward. As a rule of thumb, a step "
    "of training costs about three times as much as the forward pass alone.",
)


def _evenly(gradient: float, window: np.ndarray) -> np.ndarray:
    return np.full(window.shape, gradient / window.size)


def _to_one(place: int) -> Callable:
    return lambda gradient, window: gradient * np.eye(window.size)[place].reshape(window.shape)


def _pool_cases() -> list[tuple]:
    """A window, two of them, overlap, a rest; then large ones with all of it."""
    rng, cases = np.random.default_rng(2), []
    for shape, size, stride in [
        ((2, 2), 2, 2),
        ((2, 4), 2, 2),
        ((2, 3), 2, 1),
        ((3, 4), 2, 1),
        ((3, 5), 2, 2),
        ((4, 7), 2, 3),
        ((7, 5), 3, 2),
        ((6, 8), 3, 1),
        ((9, 8), 2, 3),
    ]:
        x = rng.permutation(np.prod(shape)).reshape(shape) / 2 - 3
        odd = 2 * rng.integers(-9, 9, size=pooled_shape(shape, size, stride)) + 1
        dy = odd * size**2 / (2 - size % 2)  # whole numbers for every size, and so is most of dx
        cases.append((x, dy, size, stride))
    return cases


check_avg_pool_backward = function_check(
    "avg_pool_backward(x, dy, size, stride): x (H, W), dy (H', W'), gives dx (H, W).",
    pool_backward(_evenly),
    _pool_cases(),
    [
        mistake(
            "not-divided",
            "the gradient is not divided by size * size. The mean divides the sum by the number of "
            "values in the window, and so does its gradient.",
            pool_backward(lambda gradient, window: np.full(window.shape, gradient)),
            pool_backward(lambda gradient, window: np.full(window.shape, gradient / len(window))),
        ),
        mistake(
            "to-one",
            "only one value of a window gets a gradient, as in max pooling. A mean depends on all "
            "its values alike: each gets the same part.",
            pool_backward(lambda gradient, window: _to_one(int(window.argmax()))(gradient, window)),
            pool_backward(_to_one(0)),
            pool_backward(lambda gradient, window: _to_one(0)(gradient / window.size, window)),
        ),
        mistake(
            "overwritten",
            "a later window overwrites what an earlier one has put where they overlap. A value "
            "that is in several means gets a part from each: add with `+=`.",
            pool_backward(_evenly, lambda before, given: given),
        ),
        mistake(
            "place",
            "the windows do not begin at row i * stride and column j * stride.",
            pool_backward(_evenly, corner=lambda at, stride: at),
            pool_backward(_evenly, corner=lambda at, stride: 0),
        ),
        mistake(
            "weighted",
            "the gradient is multiplied by the values of x. A mean is a sum with the fixed factor "
            "1 / size², so dx does not depend on the values of x, only on its shape.",
            pool_backward(lambda gradient, window: gradient * window / window.size),
            pool_backward(lambda gradient, window: gradient * window),
        ),
    ],
    correct="With it and your avg_pool, you can exchange `part.max_pool` and "
    "`part.max_pool_backward`, and train the network with average pooling.",
)


class Valley:
    """A loss of any array: Σ a x³ / 3 + (Σ x)² / 2. It keeps how far from x it was asked."""

    def __init__(self, shape: tuple[int, ...], seed: int) -> None:
        rng = np.random.default_rng(seed)
        self.x = rng.uniform(1, 2, size=shape)
        self.a = rng.uniform(1, 2, size=shape)
        self.moves: list[np.ndarray] = []

    def __call__(self, x: Answer) -> float:
        values = as_array(x).reshape(self.a.shape)
        self.moves.append(values - self.x)
        return float((self.a * values**3).sum() / 3 + values.sum() ** 2 / 2)

    @property
    def gradient(self) -> np.ndarray:
        return self.a * self.x**2 + self.x.sum()

    def directions(self) -> tuple[np.ndarray, np.ndarray]:
        """For each call, which numbers were moved up, and which down: two of (calls, numbers)."""
        moves = np.array(self.moves).reshape(len(self.moves), self.x.size)
        rounding = np.maximum(0.1 * abs(moves).max(axis=1, keepdims=True), _STILL)
        return moves > rounding, moves < -rounding


#: What rounding leaves of a number that was moved and put back is below this.
_STILL = 1e-14


@exercise(
    "Two calls for each number: slow, and right whatever the layer is. So use it to test a layer, "
    "and not to train.",
    [
        observed(
            "same-array",
            "Every difference is 0: the loss was asked twice at the same numbers. `up = x` is not "
            "a copy but another name for x: take `x.copy()`, or put the value back in between. (If "
            "you do, your h is so small that x + h is x.)",
        ),
        observed(
            "not-restored",
            "x is not what it was: a number that was moved has to be put back before the next one "
            "is moved. Keep its value, or move a copy.",
        ),
        observed(
            "not-halved",
            "The result is twice, or half, the gradient. From x − h to x + h the distance is 2h: "
            "divide by that.",
        ),
        observed("sign", "The sign is wrong: the loss at x + h comes first, minus that at x − h."),
        observed(
            "not-divided",
            "That is the difference of the losses. Divide it by 2h, the distance between the two "
            "places. (`/ 2 * h` divides by 2 and multiplies by h.)",
        ),
        observed(
            "rows-moved",
            "Several numbers are moved at once. Move a single one, in fresh copies of x: "
            "`for place in np.ndindex(x.shape)` gives the index of each.",
        ),
        observed(
            "one-sided",
            "Each number is moved to one side only, and the error of that grows with h. Ask at "
            "x + h and at x − h: the largest parts of both errors cancel.",
        ),
        observed(
            "step-size",
            "The step h is too large, or so small that rounding shows. For float64, 1e-5 is good.",
        ),
    ],
)
def check_numerical_gradient(numerical_gradient: Callable) -> str | Verdict | None:
    """numerical_gradient(loss, x): loss takes an array like x and gives a number; gives dx."""
    for number, shape in enumerate([(3,), (2, 3), (2, 1, 2, 2)]):
        valley = Valley(shape, number)
        x = valley.x.copy()
        shown = f"numerical_gradient(loss, x), with x of shape {shape},"
        found = call(numerical_gradient, valley, x, shown=shown)
        wrong = _wrong_gradient(found, x, valley, shown)
        if wrong is not None:
            return wrong
    return None


def _wrong_gradient(
    found: Answer, x: np.ndarray, valley: Valley, shown: str
) -> str | Verdict | None:
    """What is wrong with a gradient, by what it equals and by where the loss was asked."""
    right, moved = valley.gradient, not np.allclose(x, valley.x, rtol=0, atol=_STILL)
    up, down = valley.directions()
    words = difference(found, right, f"what {shown} gives", rtol=1e-6)
    if not words:
        both = (up.any(axis=0) & down.any(axis=0)).all()
        return "not-restored" if moved else None if both else "one-sided"
    try:
        values = as_array(found)
    except NotNumbers:
        return different(words)
    if values.size == right.size and not values.any():
        return "same-array"
    if moved:
        return "not-restored"
    if ((up | down).sum(axis=1) > 1).any():
        return "rows-moved"
    if values.shape != right.shape:
        return different(words)
    if (up.any(axis=0) ^ down.any(axis=0)).all():
        return "one-sided"
    return _known_gradient(values, right) or different(words)


def _known_gradient(values: np.ndarray, right: np.ndarray) -> str:
    """The mistake behind a gradient of the right shape, or ""."""
    ratio = values / right
    if np.allclose(ratio, ratio.flat[0], rtol=1e-3):
        factor = ratio.flat[0]
        for code, known in (("not-halved", 2), ("not-halved", 0.5), ("sign", -1)):
            if abs(factor - known) < 1e-3 * abs(known):
                return code
        if 0 < abs(factor) < 0.25:
            return "not-divided"
    return "step-size" if np.allclose(values, right, rtol=0.5) else ""
