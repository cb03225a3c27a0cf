"""Checks of the exercises of lesson 07, pooling and LeNet's ledger."""

from collections.abc import Callable

import numpy as np

from course_utils.exercises.engine.checks import (
    Mistake,
    Verdict,
    different,
    exercise,
    function_check,
    mistake,
    named,
    observed,
)
from course_utils.exercises.engine.pooling import all_windows, pool_backward, pooled_shape
from course_utils.exercises.engine.reading import Answer, as_array, difference
from course_utils.exercises.journal import lesson_journal

mine, progress = lesson_journal(__name__)


def _pooled(reduce: Callable) -> Callable:
    """Pooling by np.mean, np.max or another function of the last two axes."""
    return lambda x, size, stride: reduce(all_windows(x, size, stride), axis=(-2, -1))


def _over_the_edge(reduce: Callable, places: Callable, fill: float = np.nan) -> Callable:
    """Pooling in more places of a side: over the edge lie zeros, or nothing that counts (nan)."""

    def pool(x: np.ndarray, size: int, stride: int) -> np.ndarray:
        down, across = (places(side, size, stride) for side in x.shape[1:])
        wider = np.pad(x, [(0, 0), (0, size), (0, size)], constant_values=fill)
        return reduce(all_windows(wider, size, stride)[:, :down, :across], axis=(-2, -1))

    return pool


def _cut(reduce: Callable, cut: Callable) -> Callable:
    """As many windows as there should be, and each is cut(x, top, left, size, stride)."""

    def pool(x: np.ndarray, size: int, stride: int) -> np.ndarray:
        y = np.zeros_like(_average(x, size, stride))
        for i, j in np.ndindex(y.shape[1:]):
            y[:, i, j] = reduce(cut(x, i * stride, j * stride, size, stride), axis=(1, 2))
        return y

    return pool


_average, _largest = _pooled(np.mean), _pooled(np.max)


def _pool_cases() -> list[tuple]:
    """One more thing in each: a window, moves, a stride and a rest, channels; then large ones."""
    rng = np.random.default_rng(0)
    x = np.array([[[1.0, 2.0, -6.0], [3.0, -4.0, 0.0], [8.0, -1.0, 4.0]]])
    shapes = [((1, 3, 5), 2, 2), ((2, 3, 4), 3, 1), ((4, 7, 10), 3, 2), ((5, 10, 8), 2, 3)]
    cases = [(rng.integers(-9, 10, size=shape) / 2, *window) for shape, *window in shapes]
    return [(x[:, :2, :2], 2, 1), (x, 2, 1), *cases]


def _partial_windows(reduce: Callable, nan_reduce: Callable) -> Mistake:
    too_many = [
        lambda side, size, stride: -(-(side - size) // stride) + 1,
        lambda side, size, stride: -(-side // stride),
        lambda side, size, stride: side // stride,
    ]
    return mistake(
        "partial-windows",
        "windows that extend beyond the edge are kept. Leave them out: (H − size) // stride + 1 "
        "windows fit along a side of length H, where // rounds down.",
        *(_over_the_edge(nan_reduce, places) for places in too_many),
        *(_over_the_edge(reduce, places, 0) for places in too_many),
    )


def _slice_end(reduce: Callable) -> Mistake:
    return mistake(
        "slice-end",
        "a window ends at the wrong place. It has size rows and size columns, top : top + size, "
        "since the end of a slice is not included.",
        _cut(reduce, lambda x, top, left, size, _: x[:, top:size, left:size]),
        _cut(reduce, lambda x, top, left, _, step: x[:, top : top + step, left : left + step]),
        _cut(reduce, lambda x, top, left, n, _: x[:, top : top + n - 1, left : left + n - 1]),
        _cut(reduce, lambda x, top, left, n, _: x[:, top : top + n + 1, left : left + n + 1]),
        _cut(reduce, lambda x, top, left, n, step: x[:, top:, left:][:, : n * step, : n * step]),
    )


def _one_missing(reduce: Callable) -> Mistake:
    """In a loop over range(0, H − size, stride), a rest makes up for the 1 that is missing."""

    def listed(x: np.ndarray, size: int, stride: int) -> list:
        rows, columns = (range(0, side - size, stride) for side in x.shape[1:])
        windows = all_windows(x, size, 1)
        return [[[reduce(of_map[i, j]) for j in columns] for i in rows] for of_map in windows]

    return mistake(
        "one-missing",
        "the moves of a window are counted, and not its positions. It has a position before its "
        "first move too: there are (H − size) // stride + 1 positions, the numbers in range(0, H − "
        "size + 1, stride).",
        lambda *case: _pooled(reduce)(*case)[:, :-1, :-1],
        listed,
    )


def _as_if_square(reduce: Callable, nan_reduce: Callable) -> Mistake:
    def columns_everywhere(x: np.ndarray, size: int, stride: int, swap: bool = False) -> np.ndarray:
        down, across = pooled_shape(x.shape[1:], size, stride)
        wider = np.pad(x, [(0, 0), (0, x.shape[2]), (0, x.shape[1])], constant_values=np.nan)
        windows = all_windows(wider, size, stride)[:, :across, : down if swap else across]
        return nan_reduce(windows, axis=(-2, -1))

    return mistake(
        "square",
        "height and width are taken to be equal, or are swapped. x is (C, H, W): the number of "
        "rows comes from H and the number of columns from W.",
        lambda *case: _pooled(reduce)(*case)[:, :, : _average(*case).shape[1]],
        columns_everywhere,
        lambda x, size, stride: columns_everywhere(x, size, stride, swap=True),
    )


def _same_list(reduce: Callable) -> Mistake:
    return mistake(
        "same-list",
        "all rows are the same list, as in [[0] * n] * m. Make a new list for each row, [[0] * n "
        "for _ in range(m)], or use np.zeros((C, m, n)).",
        lambda *case: 0 * _pooled(reduce)(*case) + _pooled(reduce)(*case)[:, -1:],
        lambda *case: 0 * _pooled(reduce)(*case) + _pooled(reduce)(*case)[-1, -1],
    )


def _pool_mistakes(reduce: Callable, nan_reduce: Callable, name: str) -> list[Mistake]:
    """Those of both kinds of pooling.

    nan_reduce: as reduce, and passes over nan. name: that of its result.
    """
    pooled = _pooled(reduce)
    return [
        _partial_windows(reduce, nan_reduce),
        _one_missing(reduce),
        _as_if_square(reduce, nan_reduce),
        mistake(
            "size-and-stride",
            "size and stride are swapped. In the call, size comes first: it is the side of a "
            "window. stride is the distance from one window to the next.",
            lambda x, size, stride: pooled(x, stride, size),
        ),
        _same_list(reduce),
        mistake(
            "wrong-axes",
            f"the {name} is taken over the wrong axes. x is (C, H, W): windows move along H and W, "
            f"the {name} is taken inside each window, and channels are never mixed.",
            lambda *case: reduce(pooled(*case), axis=0),
            lambda *case: 0 * pooled(*case) + reduce(pooled(*case), axis=0),
            lambda *case: reduce(all_windows(*case), axis=(1, 2)),
            lambda x, size, stride: pooled(x, size, 1)[::stride, ::stride],
        ),
        mistake(
            "swapped",
            "rows and columns are swapped. The window of output [i, j] begins at row i * stride "
            "and column j * stride.",
            lambda *case: pooled(*case).swapaxes(1, 2),
            _cut(reduce, lambda x, top, left, size, _: x[:, left : left + size, top : top + size]),
        ),
        _slice_end(reduce),
        mistake(
            "stride-ignored",
            "the windows do not move by stride. The stride is independent of size: it is the "
            "distance from one window to the next, and size is the side of a window.",
            lambda x, size, stride: pooled(x, size, size),
            lambda x, size, stride: pooled(x, size, 1),
            _cut(reduce, lambda x, a, b, n, step: x[:, a // step :, b // step :][:, :n, :n]),
            _cut(reduce, lambda x, a, b, n, s: x[:, a // s * n :, b // s * n :][:, :n, :n]),
        ),
    ]


check_avg_pool = function_check(
    "avg_pool(x, size, stride): x (C, H, W), the means of its windows (C, H', W').",
    _average,
    _pool_cases(),
    [
        *_pool_mistakes(np.mean, np.nanmean, "mean"),
        mistake(
            "divisor",
            "the sum of a window is not divided by the number of its values, size * size.",
            lambda x, size, stride: _average(x, size, stride) * size**2,
            lambda x, size, stride: _average(x, size, stride) * size,
        ),
    ],
    correct="Every map is pooled by itself, and what does not fill a window is left out.",
)


def _winner(gradient: float, window: np.ndarray) -> np.ndarray:
    """The gradient at the first largest value in row order, else 0."""
    return gradient * np.eye(window.size)[window.argmax()].reshape(window.shape)


def _every_tie(gradient: float, window: np.ndarray) -> np.ndarray:
    return gradient * (window == window.max())


def _backward_cases() -> list[tuple]:
    """Positive, negative, two windows, overlap, ties, a rest; then large ones with all of it."""
    rng, cases = np.random.default_rng(1), []
    for x_rows, dy_rows, stride in [
        ([[1, 4], [3, 2]], [[5]], 2),
        ([[-4, -2], [-1, -3]], [[5]], 2),
        ([[0, 2, 0, -1], [4, 3, -7, -2]], [[5, -3]], 2),
        ([[1, 0, 2], [-8, 3, 9], [4, 5, 7]], [[1, 2], [-5, 10]], 1),
        ([[0, 6, -1, -1], [6, 6, -1, -1]], [[5, 3]], 2),
        ([[2, -3, 9], [-5, 0, 8]], [[4]], 3),
    ]:
        cases.append((np.array(x_rows, dtype=float), np.array(dy_rows, dtype=float), 2, stride))
    for shape, size, stride in [((7, 5), 3, 2), ((6, 8), 3, 1), ((8, 7), 2, 3), ((5, 9), 1, 2)]:
        x = rng.integers(-4, 3, size=shape) / 2
        dy = rng.integers(-9, 10, size=_average(x, size, stride).shape) + 0.5
        cases.append((x, dy, size, stride))
    return cases


check_max_pool_backward = function_check(
    "max_pool_backward(x, dy, size, stride): x (H, W), dy (H', W'), gives dx (H, W).",
    pool_backward(_winner),
    _backward_cases(),
    [
        mistake(
            "from-zero",
            "values below 0 cannot win, as if the search for the largest began at 0. Begin with "
            "the window's first value, or with -np.inf.",
            pool_backward(lambda gradient, window: _winner(gradient, np.maximum(window, 0))),
            pool_backward(lambda gradient, window: _winner(gradient, window) * (window.max() > 0)),
        ),
        mistake(
            "every-tie",
            "each of several tied values gets the gradient, or a share of it. F.max_pool2d gives "
            "all of it to the first in row order: argmax finds that one.",
            pool_backward(_every_tie),
            pool_backward(lambda gradient, w: _every_tie(gradient, w) / (w == w.max()).sum()),
        ),
        mistake(
            "last-tie",
            "of tied values another than the first in row order gets the gradient. Row order is "
            "left to right, then down; with `>` a later equal value does not take over.",
            pool_backward(
                lambda gradient, window: _winner(gradient, window[::-1, ::-1])[::-1, ::-1]
            ),
            pool_backward(lambda gradient, window: _winner(gradient, window.T).T),
        ),
        mistake(
            "overwritten",
            "a later window overwrites what an earlier one has put where they overlap. A value "
            "that wins twice gets both gradients: add with `+=`.",
            pool_backward(_winner, lambda before, given: given),
            pool_backward(_winner, lambda before, given: np.where(given, given, before)),
            pool_backward(_every_tie, lambda before, given: given),
        ),
        mistake(
            "spread-evenly",
            "every value of a window gets a part of the gradient, as in average pooling. In max "
            "pooling the winner gets all of it.",
            pool_backward(lambda gradient, window: gradient / window.size),
        ),
        mistake(
            "place-in-window",
            "the winner's place inside its window is taken for its place in the map. The window "
            "begins at row i * stride and column j * stride: add those.",
            pool_backward(_winner, corner=lambda at, stride: 0),
            pool_backward(_winner, corner=lambda at, stride: at),
        ),
        mistake(
            "swapped",
            "the winner's row and column change places. divmod(window.argmax(), size) gives the "
            "row first.",
            pool_backward(lambda gradient, window: _winner(gradient, window).T),
        ),
        mistake(
            "same-list",
            "all rows are the same list, as in [[0] * n] * m. Make a new list for each row, [[0] * "
            "n for _ in range(m)], or use np.zeros((m, n)).",
            lambda x, *rest: 0 * x + pool_backward(_winner)(x, *rest).sum(axis=0),
        ),
    ],
    correct="Nothing is lost on the way back, though windows overlap and values are tied.",
)

_SIDES = [28, 14, 10, 5]
_KNOWN_SIDES = [
    observed(
        "padding-ignored",
        "These are the sides without padding. With padding 2 the 28 pixels become 28 + 2 · 2.",
        [24, 12, 8, 4],
    ),
    observed(
        "not-sides",
        "One number for each stage is asked for, the side: 28 where it gives 6 × 28 × 28.",
        [784, 196, 100, 25],
        [4704, 1176, 1600, 400],
        [(28, 28), (14, 14), (10, 10), (5, 5)],
        [(6, 28, 28), (6, 14, 14), (16, 10, 10), (16, 5, 5)],
    ),
    observed(
        "convolution",
        "A kernel of 5 fits 32 − 5 + 1 times into 28 pixels with 2 more on the left and 2 on the "
        "right. The second convolution has no padding: side − 5 + 1.",
    ),
    observed("pooling", "Windows of 2 that move by 2 halve the side: (side − 2) // 2 + 1."),
]


@exercise(
    "With padding 2 the first convolution keeps the 28; then all is as for 32 × 32 pixels.",
    _KNOWN_SIDES,
)
def check_sides(sides: Answer) -> str | Verdict | None:
    """sides: the sides after convolution, pooling, convolution and pooling, from 28 × 28."""
    words = difference(sides, _SIDES, "sides", rtol=0)
    for known in _KNOWN_SIDES if words else []:
        if any(not difference(sides, value, rtol=0) for value in known.rules):
            return known.code
    found = as_array(sides)
    if not words or found.shape != (4,):
        return different(words, None, sides, _SIDES) if words else None
    follows = [28, found[0] // 2, found[1] - 4, found[2] // 2]
    first = int(np.argmax(found != follows))
    kind = ("convolution", "pooling")[first % 2]
    return named(kind, f" sides[{first}] does not follow from the side before it.", got=sides)


def _place(windows: np.ndarray, axis: tuple[int, int], size: Callable = np.positive) -> np.ndarray:
    """Where in its window the largest value is, counted in row order."""
    return size(windows.reshape(*windows.shape[:-2], -1)).argmax(axis=-1)


def _furthest(windows: np.ndarray, axis: tuple[int, int]) -> np.ndarray:
    """The value that is furthest from 0, the first of several."""
    place = _place(windows, axis, np.abs)[..., None]
    return np.take_along_axis(windows.reshape(*windows.shape[:-2], -1), place, axis=-1)[..., 0]


def _max_pool_cases() -> list[tuple]:
    """In the first and the last all values are negative, so that the largest is below 0.

    In the last they are far below: whoever searches from −1e9 on finds none.
    """
    (x, *window), *others = _pool_cases()
    low = np.random.default_rng(2).integers(-9, -1, size=(1, 6, 7)) * 1e9
    return [(x - 4, *window), *others, (low, 3, 2)]


def _largest_from(low: float) -> Callable:
    """The search for the largest begins at this number."""
    return lambda *case: np.maximum(_largest(*case), low)


def _so_far(y: np.ndarray) -> np.ndarray:
    """At each place the largest value up to there, in row order."""
    return np.maximum.accumulate(y.ravel()).reshape(y.shape)


#: What a search for the largest is begun with, where -np.inf is meant.
_LOW = [-1, -10, -99, -100, -999, -1000, -9999, -10_000, -99_999, -1e5, -1e6, -1e9, -999_999_999]

check_max_pool = function_check(
    "max_pool(x, size, stride): x (C, H, W), the largest values of its windows (C, H', W').",
    _largest,
    _max_pool_cases(),
    [
        *_pool_mistakes(np.max, np.nanmax, "maximum"),
        mistake(
            "from-zero",
            "values below 0 cannot win, as if the search for the largest began at 0. Begin with "
            "the window's first value, or with -np.inf.",
            lambda *case: np.maximum(_largest(*case), 0),
        ),
        mistake(
            "from-too-high",
            "low values cannot win, as if the search for the largest began at a number such as −1 "
            "or −1000. Begin with the window's first value, or with -np.inf.",
            *map(_largest_from, _LOW),
        ),
        mistake(
            "not-reset",
            "the largest value so far is carried over from one window to the next. Start the "
            "search afresh in each window.",
            lambda *case: _so_far(_largest(*case)),
            lambda *case: [*map(_so_far, _largest(*case))],
        ),
        mistake(
            "absolute-value",
            "the minus signs are ignored in the comparison. −5 is less than 1: take the largest "
            "value, not the one that is furthest from 0.",
            lambda x, *window: _largest(abs(x), *window),
            _pooled(_furthest),
        ),
        mistake(
            "smallest",
            "the smallest value of each window is taken. Max pooling keeps the largest.",
            _pooled(np.min),
        ),
        mistake(
            "mean",
            "the mean or the sum of each window is taken. Max pooling keeps one of its values, the "
            "largest.",
            _average,
            _pooled(np.sum),
        ),
        mistake(
            "place",
            "the position of the largest value is returned, as argmax does. Return the value "
            "itself, as max does.",
            _pooled(_place),
        ),
        mistake(
            "first-value",
            "the first value of each window is taken, as with x[:, ::stride, ::stride]. Compare "
            "all size * size values.",
            lambda *case: all_windows(*case)[..., 0, 0],
        ),
    ],
    correct="Each window keeps its largest value. This is a part of lesson 18's network.",
)
