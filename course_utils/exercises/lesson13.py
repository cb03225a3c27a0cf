"""Checks of the exercises of lesson 13, AlexNet's ideas."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch

from course_utils.exercises.engine.checks import (
    Verdict,
    call,
    different,
    exercise,
    function_check,
    mistake,
    observed,
)
from course_utils.exercises.engine.reading import Answer, NotNumbers, as_array, difference
from course_utils.exercises.journal import lesson_journal

mine, progress = lesson_journal(__name__)

_GENERATOR = torch.Generator().manual_seed(0)
# Never p = 0.5: there p and 1 - p could not be told apart.
_LAYERS = [
    (torch.tensor([1.0, -2.0, 3.0, 4.0]), 0.4),
    (torch.randn(8, 6, 5, generator=_GENERATOR).round(decimals=1), 0.7),
    (torch.randn(9, 7, generator=_GENERATOR), 0.2),
]


@exercise(
    "0 or divided by 1 − p in training, untouched in evaluation: the mean stays.",
    [
        observed(
            "no-rescaling",
            "In training, what is kept stays as it is, and the mean falls. Divide it by 1 − p.",
        ),
        observed(
            "papers-form",
            "This is the paper's form: times 1 − p in evaluation. It works too, but torch's "
            "inverted form is asked: divide by 1 − p in training, and leave a as it is in "
            "evaluation.",
        ),
        observed(
            "active-in-evaluation",
            "With training=False, values become 0. There a is given back as it is.",
        ),
        observed(
            "changed-in-evaluation",
            "With training=False, values are changed. There a is given back as it is.",
        ),
        observed("nothing-off", "With training=True nothing is ever switched off."),
        observed(
            "wrong-factor",
            "What is kept has the wrong size. A share of 1 − p stays, so divide by 1 − p.",
        ),
        observed(
            "share-swapped",
            "Values are kept with probability p. It is the probability of being switched off.",
        ),
        observed(
            "one-draw-for-many",
            "Many values are always off together, such as a row. Draw for each: "
            "torch.rand(a.shape).",
        ),
        observed(
            "the-same-every-time",
            "Every call switches off the same values. Draw anew in each call, without a seed.",
        ),
    ],
)
def check_my_dropout(my_dropout: Callable) -> str | Verdict | None:
    """my_dropout(a, p, training): a tensor of the shape of a, by inverted dropout."""
    torch.manual_seed(0)
    for a, p in _LAYERS:
        results: dict[bool, list[np.ndarray]] = {True: [], False: []}
        for training in [True] * (50 + 700 // a.numel()) + [False] * 10:
            result = _shaped(call(my_dropout, a.clone(), p, training), a, training)
            if isinstance(result, Verdict):
                return result
            results[training].append(result)
        found = _look_at_dropout(a.double().numpy(), p, *map(np.array, results.values()))
        if found:
            return found
    return None


def _shaped(result: Answer, a: torch.Tensor, training: bool) -> np.ndarray | Verdict:
    name = f"with training={training} your result"
    try:
        numbers = as_array(result)
    except NotNumbers as error:
        return different(f"{name} {error}.")
    words = difference(np.zeros_like(numbers), 0 * a, name)
    return different(words) if words else numbers.reshape(a.shape)


def _look_at_dropout(
    a: np.ndarray, p: float, trained: np.ndarray, tested: np.ndarray
) -> str | Verdict | None:
    """trained, tested: the results of many calls in training, and of some in evaluation."""
    kept, nonzero, right = trained != 0, a != 0, 1 / (1 - p)
    factors = trained[kept] / np.broadcast_to(a, kept.shape)[kept]
    share = kept[:, nonzero].mean()
    wrong_value = share > 0 and not np.allclose(factors, factors[0], rtol=1e-3)
    if share == 1 and not wrong_value:
        return "nothing-off"
    if (kept == kept[0]).all() and not wrong_value:
        return "the-same-every-time"
    if wrong_value or (nonzero > kept.any(axis=0)).any():
        words = (
            f"with p = {p} and training=True each value should be 0 or a · {right:.4g}, by chance"
        )
        shown = f"{words}. a is\n{a}\nand your result is\n{trained[0]}"
        return different(shown, (a, p, True), trained[0], a * right)
    off = ~kept & nonzero  # a value of 0 is no evidence
    if any(not (kept.any(axis) & off.any(axis)).any() for axis in range(1, kept.ndim)):
        return "one-draw-for-many"
    if abs(share - p) < 0.08:
        return "share-swapped"
    if abs(share - (1 - p)) > 0.08:
        return different(
            f"with p = {p}, {1 - share:.0%} of the values are switched off; {p:.0%} is expected."
        )
    if ((tested == 0) & nonzero).any():
        return "active-in-evaluation"
    if np.isclose(factors[0], 1, rtol=1e-3):
        papers = np.allclose(tested, a * (1 - p), rtol=1e-3)
        return "papers-form" if papers else "no-rescaling"
    if not np.isclose(factors[0], right, rtol=1e-3):
        return "wrong-factor"
    return None if np.allclose(tested, a, rtol=1e-4) else "changed-in-evaluation"


def _window(a: np.ndarray, i: int, half: int) -> np.ndarray:
    return a[max(0, i - half) : i + half + 1]


@dataclass(frozen=True)
class _Edge:
    """An end of a window: so many halves away from map i, and so many maps more."""

    halves: int
    more: int

    def distance(self, half: int) -> int:
        return self.halves * half + self.more


def _between(low: _Edge, high: _Edge) -> Callable:
    return lambda a, i, half: a[max(0, i - low.distance(half)) : i + high.distance(half)]


_LOWS = [_Edge(1, 0), _Edge(0, 0), _Edge(1, 1), _Edge(1, -1), _Edge(2, 0), _Edge(2, 1)]
_LOWS += [_Edge(0, 99)]
_HIGHS = [_Edge(1, 0), _Edge(1, 1), _Edge(1, -1), _Edge(1, 2), _Edge(0, 1), _Edge(2, 1)]
_HIGHS += [_Edge(2, 2), _Edge(0, 99)]


def _total(window: np.ndarray, size: int, alpha: float, beta: float, k: float) -> float:
    """What an activation is divided by."""
    return (k + alpha / size * (window**2).sum()) ** beta


def _lrn(total: Callable = _total, window: Callable = _window) -> Callable:
    """The rule of a sum over a window; other sums and windows are mistakes."""

    def normalise(a: torch.Tensor, size: int, *constants: float) -> list:
        values = as_array(a)
        return [
            value / total(window(values, i, size // 2), size, *constants)
            for i, value in enumerate(values)
        ]

    return normalise


def _undivided(w: np.ndarray, size: int, alpha: float, beta: float, k: float) -> float:
    return _total(w, 1, alpha, beta, k)


_PLACES = [
    (torch.tensor([2.0]), 1, 3.0, 1.0, 4.0),
    (torch.tensor([1.0, -2.0, 2.0]), 3, 3.0, 2.0, 1.0),
    (torch.tensor([1.0, 2.0, -1.0, 4.0]), 3, 3.0, 1.0, 4.0),
    (torch.tensor([1.0, -2.0, 3.0, 4.0, -5.0, 0.0, 2.0]), 5, 0.5, 0.75, 2.0),
    (torch.tensor([3.0, 1.0, -2.0, 5.0, 4.0]), 3, 0.9, 0.5, 1.0),
    (torch.randn(24, generator=_GENERATOR), 7, 0.7, 0.6, 1.5),
]

check_my_lrn = function_check(
    "my_lrn(a, size, alpha, beta, k): (C,) normalised activations of one place, as torch's.",
    _lrn(),
    _PLACES,
    [
        mistake(
            "window-off-the-edge",
            "the windows at the ends take maps of the other end, or none. For the first maps "
            "i - size // 2 is negative, and Python counts a negative index from the end: begin at "
            "max(0, i - size // 2).",
            _lrn(window=lambda a, i, half: a[i - half : i + half + 1]),
            _lrn(window=lambda a, i, half: a[np.arange(i - half, i + half + 1) % len(a)]),
            _lrn(window=lambda a, i, half: a[np.arange(i - half, min(i + half + 1, len(a)))]),
            _lrn(_undivided, lambda a, i, half: a[i - half : i + half + 1]),
        ),
        mistake(
            "alpha-not-divided",
            "alpha is not divided by size. torch divides it: alpha / size.",
            _lrn(_undivided),
        ),
        mistake(
            "divided-by-fewer-at-the-ends",
            "alpha is divided by the number of maps that are there. torch divides by size "
            "everywhere, as if the missing maps were 0.",
            _lrn(lambda w, size, *constants: _total(w, len(w), *constants)),
        ),
        mistake(
            "not-squared",
            "the activations are added up as they are. Each is squared first.",
            _lrn(lambda w, size, alpha, beta, k: (k + alpha / size * w.sum()) ** beta),
            _lrn(lambda w, size, alpha, beta, k: (k + alpha * w.sum()) ** beta),
        ),
        mistake(
            "wrong-window",
            "the window holds other maps. It goes from max(0, i - size // 2) to i + size // 2, and "
            "a slice a[low:high] leaves out a[high].",
            *[_lrn(window=_between(low, high)) for low in _LOWS for high in _HIGHS],
        ),
    ],
    correct="Windows are cut at the ends, and alpha is divided by size everywhere.",
)

check_grouped_parameters = function_check(
    "grouped_parameters(maps_in, maps_out, kernel, groups): weights and biases together.",
    lambda i, o, k, g: o * (i // g * k**2 + 1),
    [(3, 2, 1, 1), (4, 2, 1, 2), (4, 2, 3, 2), (12, 24, 3, 4), (5, 64, 11, 1), (96, 256, 5, 2)],
    [
        mistake(
            "biases-halved",
            "the biases are divided by the groups too. There is one for each map that comes out.",
            lambda i, o, k, g: o * (i * k**2 + 1) / g,
        ),
        mistake(
            "only-outputs-divided",
            "only the kernels are shared out, which saves nothing: all groups together have them "
            "all. Each kernel also looks at maps_in / groups maps only.",
            lambda i, o, k, g: o * (i * k**2 + 1),
        ),
        mistake(
            "both-divided",
            "the weights of one group are counted. There are `groups` of them.",
            lambda i, o, k, g: i / g * (o / g) * k**2 + o,
            lambda i, o, k, g: o / g * (i / g * k**2 + 1),
        ),
        mistake(
            "biases-forgotten",
            "the weights alone are counted. Add one bias for each map that comes out.",
            lambda i, o, k, g: i / g * o * k**2,
        ),
    ],
    correct="Each kernel sees maps_in / groups maps, and every map that comes out has its bias.",
    rtol=0,
)
