"""Checks of the exercises of lesson 07, pooling and LeNet's ledger."""

from collections.abc import Callable, Iterator
from itertools import product

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from course_utils.exercises.engine import (
    Verdict,
    as_array,
    compare,
    compare_function,
    exercise,
)


def _pool(x: np.ndarray, size: int, stride: int, how: Callable) -> np.ndarray:
    return how(sliding_window_view(x, (size, size), axis=(-2, -1)), axis=(-2, -1))[
        ..., ::stride, ::stride
    ]


def _average(x: np.ndarray, size: int, stride: int) -> np.ndarray:
    return _pool(x, size, stride, np.mean)


def _partial(places: Callable, whole: bool) -> Callable:
    """Average pooling that keeps windows over the edge.

    places: how many windows in (side, size, stride). whole: divides by size² there too.
    """

    def pool(x: np.ndarray, size: int, stride: int) -> np.ndarray:
        down, across = (places(side, size, stride) for side in x.shape[1:])
        y = np.zeros((len(x), down, across))
        for i, j in np.ndindex(down, across):
            top, left = i * stride, j * stride
            window = x[:, top : top + size, left : left + size]
            n = size**2 if whole else max(1, window[0].size)
            y[:, i, j] = window.sum(axis=(1, 2)) / n
        return y

    return pool


def _ceil(a: int, b: int) -> int:
    return -(-a // b)


_TOO_MANY = [
    lambda side, size, stride: _ceil(side - size, stride) + 1,
    lambda side, size, stride: _ceil(side, stride),
    lambda side, size, stride: side // stride,
    lambda side, size, stride: side // stride + 1,
]


def _turned(axes: tuple[int, int, int]) -> Callable:
    """Average pooling over the last two axes, once they have been put in this order."""
    back = tuple(np.argsort(axes))
    return lambda x, size, stride: _average(x.transpose(axes), size, stride).transpose(back)


def _over_channels(x: np.ndarray, size: int, stride: int) -> np.ndarray:
    """The mean of a window of all channels, given to each of them."""
    y = _average(x, size, stride)
    return np.broadcast_to(y.mean(axis=0), y.shape)


def _starts(step: Callable) -> Callable:
    """The size is right, but window i starts at i · step(size, stride), wherever that fits."""

    def pool(x: np.ndarray, size: int, stride: int) -> np.ndarray:
        y = np.empty_like(_average(x, size, stride))
        for c, i, j in np.ndindex(y.shape):
            top, left = i * step(size, stride), j * step(size, stride)
            y[c, i, j] = x[c, top : top + size, left : left + size].mean()
        return y

    return pool


@exercise(
    correct="Every map is pooled by itself, and what does not fill a window is left out.",
    partial_windows="There are too many windows: those that reach over the edge are left out. "
    "Round down: (H − size) // stride + 1 fit into a side of H.",
    wrong_axes="The mean goes over the wrong axes. x is (C, H, W): windows slide over H and W, "
    "the mean is taken inside each window, and every channel keeps to itself.",
    stride_ignored="The windows do not move by stride. It is a number of its own, "
    "the distance from one window to the next; size is only the side of a window.",
    maximum="This is max pooling: the largest value of each window. The mean is asked for.",
    divisor="The windows are right, but their sums are not divided by the number of values in "
    "a window, which is size · size.",
)
def check_avg_pool(avg_pool: Callable) -> str | Verdict | None:
    """avg_pool(x, size, stride): x (C, H, W), the means of its windows (C, H', W')."""
    rng = np.random.default_rng(0)
    shapes = [((4, 7, 10), 3, 2), ((3, 6, 6), 2, 2), ((5, 10, 8), 2, 3), ((3, 8, 5), 3, 1)]
    cases = [(rng.normal(size=shape) + 1, size, stride) for shape, size, stride in shapes]

    def total(x: np.ndarray, size: int, stride: int) -> np.ndarray:
        return _average(x, size, stride) * size**2

    mistaken = [
        *(("partial-windows", _partial(*kind)) for kind in product(_TOO_MANY, (False, True))),
        ("wrong-axes", _turned((2, 0, 1))),  # windows over C and H
        ("wrong-axes", _turned((1, 0, 2))),  # windows over C and W
        ("wrong-axes", lambda x, size, stride: _average(x, size, stride).mean(axis=0)),
        ("wrong-axes", lambda x, size, stride: _average(x, size, stride).sum(axis=0)),
        ("wrong-axes", _over_channels),
        ("wrong-axes", lambda x, size, stride: _average(x, size, 1)[::stride, ::stride]),
        (
            "wrong-axes",
            lambda x, size, stride: sliding_window_view(x, (size, size), axis=(1, 2))[
                :, ::stride, ::stride
            ].mean(axis=(1, 2)),
        ),
        ("stride-ignored", lambda x, size, stride: _average(x, size, size)),
        ("stride-ignored", lambda x, size, stride: _average(x, size, 1)),
        ("stride-ignored", _starts(lambda size, stride: 1)),
        ("maximum", lambda x, size, stride: _pool(x, size, stride, np.max)),
        ("divisor", total),
        ("divisor", lambda x, size, stride: total(x, size, stride) / size),
        ("divisor", lambda x, size, stride: total(x, size, stride) / stride**2),
        ("divisor", lambda x, size, stride: total(x, size, stride) / 4),
    ]
    return compare_function(avg_pool, _average, cases, mistaken)


def _first(window: np.ndarray) -> np.ndarray:
    shares = np.zeros(window.shape)
    shares.flat[window.argmax()] = 1
    return shares


def _last(window: np.ndarray) -> np.ndarray:
    return _first(window[::-1, ::-1])[::-1, ::-1]


def _first_by_columns(window: np.ndarray) -> np.ndarray:
    return _first(window.T).T


def _each(window: np.ndarray) -> np.ndarray:
    return (window == window.max()).astype(float)


def _shared(window: np.ndarray) -> np.ndarray:
    return _each(window) / _each(window).sum()


def _evenly(window: np.ndarray) -> np.ndarray:
    return np.full(window.shape, 1 / window.size)


def _undivided(window: np.ndarray) -> np.ndarray:
    return np.ones(window.shape)


def _added(dx: np.ndarray, given: np.ndarray, shares: np.ndarray) -> None:
    dx += given


def _whole_window(dx: np.ndarray, given: np.ndarray, shares: np.ndarray) -> None:
    dx[:] = given


def _in_place(dx: np.ndarray, given: np.ndarray, shares: np.ndarray) -> None:
    dx[shares > 0] = given[shares > 0]


def _backward(
    share: Callable, put: Callable = _added, upstream: Callable = lambda dy, window: dy
) -> Callable:
    """A way back through pooling: who gets which share of a window, and how it is put there."""

    def backward(x: np.ndarray, dy: np.ndarray, size: int, stride: int) -> np.ndarray:
        dx = np.zeros(x.shape)
        for i, j in np.ndindex(dy.shape):
            here = np.s_[i * stride : i * stride + size, j * stride : j * stride + size]
            shares = share(x[here])
            put(dx[here], upstream(dy[i, j], x[here]) * shares, shares)
        return dx

    return backward


def _in_window(x: np.ndarray, dy: np.ndarray, size: int, stride: int) -> np.ndarray:
    """The winner's place in its window taken for its place in the map."""
    dx = np.zeros(x.shape)
    for i, j in np.ndindex(dy.shape):
        window = x[i * stride : i * stride + size, j * stride : j * stride + size]
        dx[divmod(int(window.argmax()), size)] += dy[i, j]
    return dx


def _near_corner(x: np.ndarray, dy: np.ndarray, size: int, stride: int) -> np.ndarray:
    """The winner's place, as if window (i, j) started at (i, j)."""
    dx = np.zeros(x.shape)
    for i, j in np.ndindex(dy.shape):
        window = x[i * stride : i * stride + size, j * stride : j * stride + size]
        row, column = divmod(int(window.argmax()), size)
        dx[i + row, j + column] += dy[i, j]
    return dx


def _backward_mistakes() -> Iterator[tuple[str, Callable]]:
    yield "every-tie", _backward(_each)
    yield "shared-tie", _backward(_shared)
    yield "last-tie", _backward(_last)
    yield "last-tie", _backward(_first_by_columns)
    for share, put in product([_first, _each, _shared, _last], [_in_place, _whole_window]):
        yield "overwritten", _backward(share, put)
    for put in (_added, _whole_window):
        yield "spread-evenly", _backward(_evenly, put)
        yield "spread-evenly", _backward(_undivided, put)
    for share in (_first, _each):
        yield "gradient-forgotten", _backward(share, upstream=lambda dy, window: 1)
        yield "gradient-forgotten", _backward(share, _in_place, lambda dy, window: 1)
        yield "gradient-forgotten", _backward(share, upstream=lambda dy, window: window.max())
        yield "gradient-forgotten", _backward(share, upstream=lambda dy, w: dy * w.max())
    yield "place-in-window", _in_window
    yield "place-in-window", _near_corner


@exercise(
    correct="Every window's gradient arrives at its winner, and nothing is lost where windows "
    "overlap or values are tied.",
    every_tie="Where values are tied, each of them gets the whole gradient, so more goes back than "
    "came. F.max_pool2d gives it to the first in row order: argmax finds that one.",
    shared_tie="Where values are tied, they share the gradient, as torch.amax does it. "
    "F.max_pool2d gives all of it to the first in row order: argmax finds that one.",
    last_tie="All is right but for ties: the first of the largest values in row order (left to "
    "right, then down) gets the gradient. With `>` a later equal value does not take over.",
    overwritten="Where windows overlap, a later one overwrites what an earlier one has put there. "
    "A value that wins twice gets both gradients: add with `+=`.",
    spread_evenly="This gives every value of a window a part of the gradient, as average pooling "
    "does. In max pooling only the winner gets it.",
    gradient_forgotten="The right places, but not the right amount. What arrives at the winner is "
    "dy[i, j], the gradient of its window: not 1, and not the largest value itself.",
    place_in_window="argmax gives the winner's place inside its window. The window itself starts "
    "at row i · stride and column j · stride: add those.",
)
def check_max_pool_backward(max_pool_backward: Callable) -> str | Verdict | None:
    """max_pool_backward(x, dy, size, stride): x (H, W), dy (H', W'), gives dx (H, W)."""
    rng = np.random.default_rng(1)
    cases = []
    for shape, size, stride, values in [
        ((4, 6), 2, 2, 24),  # neither overlap nor ties
        ((7, 5), 3, 2, 35),  # overlap
        ((4, 4), 2, 2, 2),  # ties
        ((6, 8), 3, 1, 3),  # both
        ((8, 7), 2, 3, 2),  # pixels in no window
    ]:
        x = rng.permutation(np.arange(shape[0] * shape[1]) % values).reshape(shape) + 1.0
        dy = rng.normal(size=_pool(x, size, stride, np.max).shape) + 0.3
        cases.append((x, dy, size, stride))
    return compare_function(max_pool_backward, _backward(_first), cases, [*_backward_mistakes()])


def _sides(first: int = 2, second: int = 0, up: bool = False) -> list[int]:
    """The sides for the total padding in each convolution; up: pooling rounds up."""
    sides = []
    for side_padding in (2 * first, 2 * second):
        side = (sides[-1] if sides else 28) + side_padding - 4
        sides += [side, (side + up) // 2]
    return sides


_MAPS = [6, 6, 16, 16]


@exercise(
    correct="28, 14, 10 and 5: with padding 2 the first convolution keeps the 28, and from there "
    "on all is as for 32 × 32 pixels.",
    padding_ignored="These are the sides without padding. With padding 2 the first convolution "
    "sees 28 + 2 · 2 = 32 pixels.",
    padding_once="Padding is added on both sides, left and right: 28 + 2 · 2 = 32 pixels, not 30.",
    padding_twice="The second convolution has no padding here: 14 becomes 14 − 5 + 1.",
    values="These are numbers of values. Only the side of a map is asked for, such as 28.",
    input_included="This begins with the input. The first of the four is the side after the first "
    "convolution.",
    pooling_stride="The pooling windows move by 2, so that each pooling halves the side. "
    "They do not overlap.",
    pooling_forgotten="After each convolution comes a pooling, which halves the side.",
)
def check_sides(sides: object) -> str | Verdict | None:
    """sides: the sides after convolution, pooling, convolution and pooling, from 28 × 28."""
    right = _sides()
    if compare(sides, right, rtol=0) is None:
        return None
    known = {
        "padding-ignored": [_sides(first=0)],
        "padding-once": [_sides(first=1), _sides(first=1, up=True)],
        "padding-twice": [_sides(second=2), _sides(second=1)],
        "values": [
            [side**2 for side in right],
            [maps * side**2 for maps, side in zip(_MAPS, right, strict=True)],
            [maps * side**2 for maps, side in zip(_MAPS, _sides(first=0), strict=True)],
        ],
        "input-included": [[28, *right], [28, *right[:3]], [32, *right], [32, *right[:3]]],
        "pooling-stride": [[28, 27, 23, 22]],
        "pooling-forgotten": [[28, 28, 24, 24], [28, 24]],
    }
    for name, lists in known.items():
        if any(compare(sides, wrong, rtol=0) is None for wrong in lists):
            return name
    found = compare(sides, right, name="sides", rtol=0)
    try:
        pairs = as_array(sides)  # (4, 2) or (4, 3), where whole shapes are given
    except (TypeError, ValueError):
        return found
    if pairs.ndim == 2 and pairs.shape[0] == 4 and np.array_equal(pairs[:, -2:].T, [right, right]):
        return None
    return found
