"""Checks of the exercises of lesson 06, convolution."""

import math
from collections.abc import Callable, Iterator
from itertools import permutations

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from course_utils.exercises.engine.checks import function_check, mistake, parts_check
from course_utils.exercises.journal import lesson_journal

mine, progress = lesson_journal(__name__)


def _sides(rule: Callable) -> Callable:
    """A rule for one side, for both: (height, width, kernel, stride, padding) -> a pair."""
    return lambda height, width, *rest: (rule(height, *rest), rule(width, *rest))


def _output_size(size: int, kernel: int, stride: int, padding: int) -> int:
    return (size - kernel + 2 * padding) // stride + 1


# One more thing in each case: a window that moves, padding, a stride, a rest, and all of it.
_MAP_CASES = [(3, 4, 2, 1, 0), (3, 4, 3, 1, 1), (5, 7, 3, 2, 0), (6, 5, 3, 2, 0), (5, 8, 2, 3, 2)]
_MAP_CASES += [(28, 20, 5, 2, 2), (9, 16, 4, 3, 1), (32, 28, 5, 1, 0), (7, 9, 1, 4, 3)]

check_map_shape = function_check(
    "map_shape(height, width, kernel, stride, padding): (rows, columns) of the feature map.",
    _sides(_output_size),
    _MAP_CASES,
    [
        mistake(
            "padding-once",
            "the padding is counted once. It is added on both sides of a row, so the row becomes "
            "size + 2 * padding long.",
            _sides(lambda n, f, s, p: (n - f + p) // s + 1),
        ),
        mistake(
            "padding-ignored",
            "the padding is left out. A row becomes size + 2 * padding long.",
            _sides(lambda n, f, s, p: (n - f) // s + 1),
        ),
        mistake(
            "brackets",
            "only a part of the sum is divided by the stride. The sum size − kernel + 2 · padding"
            " stands in brackets: all of it is divided.",
            _sides(lambda n, f, s, p: n - f + 2 * p // s + 1),
            _sides(lambda n, f, s, p: n + 2 * p - f // s + 1),
        ),
        mistake(
            "rounded-up",
            "the division is rounded up, or to the nearest number. A window that would stick out "
            "is not used, so round down: `//` does.",
            _sides(lambda n, f, s, p: math.ceil((n - f + 2 * p) / s) + 1),
            _sides(lambda n, f, s, p: round((n - f + 2 * p) / s) + 1),
            _sides(lambda n, f, s, p: round((n - f + 2 * p) / s + 1)),
        ),
        mistake(
            "not-rounded",
            "the division is not rounded. Divide with `//`, which rounds down: a window that "
            "would stick out is not used.",
            _sides(lambda n, f, s, p: (n - f + 2 * p) / s + 1),
        ),
        mistake(
            "stride-ignored",
            "the window moves by 1. With stride 2 there are about half as many places: divide "
            "before you add 1.",
            _sides(lambda n, f, s, p: n - f + 2 * p + 1),
        ),
        mistake(
            "one-missing",
            "the moves of the window are counted. It stands somewhere before the first move, so "
            "add 1 to their number.",
            _sides(lambda n, f, s, p: (n - f + 2 * p) // s),
        ),
        mistake(
            "one-divided",
            "the 1 is added before the division by the stride. The 1 is the window's first place:"
            " divide first, then add it.",
            _sides(lambda n, f, s, p: (n - f + 2 * p + 1) // s),
        ),
        mistake(
            "swapped",
            "rows and columns change places. Rows, which come from the height, stand first.",
            lambda *case: _sides(_output_size)(*case)[::-1],
        ),
    ],
    correct="Try it on a layer you have met: a kernel of 5 makes 28 × 28 of 32 × 32.",
    rtol=0,
)


def _products(x: np.ndarray, W: np.ndarray, stride: int) -> np.ndarray:
    """Each slice's own map, (K, C, H', W'): nothing summed over channels yet, and no bias."""
    windows = sliding_window_view(x, W.shape[2:], axis=(1, 2))[:, ::stride, ::stride]
    return np.einsum("cijuv,kcuv->kcij", windows, W)


def _conv2d(x: np.ndarray, W: np.ndarray, b: np.ndarray, stride: int) -> np.ndarray:
    return _products(x, W, stride).sum(axis=1) + b[:, None, None]


def _not_summed(x: np.ndarray, W: np.ndarray, b: np.ndarray, stride: int) -> np.ndarray:
    return _products(x, W, stride) + b[:, None, None, None]


def _stride_in_kernel(x: np.ndarray, W: np.ndarray, b: np.ndarray, stride: int) -> np.ndarray:
    """The window moves by 1, and its own pixels lie a stride apart."""
    spread = np.zeros((*W.shape[:2], *(stride * (side - 1) + 1 for side in W.shape[2:])))
    spread[:, :, ::stride, ::stride] = W
    return _conv2d(x, spread, b, 1)


def _stride_ignored(x: np.ndarray, W: np.ndarray, b: np.ndarray, stride: int) -> np.ndarray:
    return _conv2d(x, W, b, 1)


def _cropped(convolve: Callable) -> Callable:
    """The size is that of the stride, but the places are not."""

    def crop(x: np.ndarray, W: np.ndarray, b: np.ndarray, stride: int) -> np.ndarray:
        _, rows, columns = _conv2d(x, W, b, stride).shape
        return convolve(x, W, b, stride)[..., :rows, :columns]

    return crop


def _with_kernel(change: Callable) -> Callable:
    return lambda x, W, b, stride: _conv2d(x, change(W), b, stride)


def _with_bias(change: Callable) -> Callable:
    return lambda x, W, b, stride: _conv2d(x, W, change(x, W, b), stride)


def _full(x: np.ndarray, W: np.ndarray, b: np.ndarray, stride: int) -> np.ndarray:
    side = W.shape[-1] - 1
    padded = np.pad(x, [(0, 0), (side, side), (side, side)])
    return _conv2d(padded, W[:, :, ::-1, ::-1], b, stride)


def _draws(rng: np.random.Generator, sizes: list[tuple], part: float) -> Iterator[np.ndarray]:
    """An array of each size: whole numbers from −9 to 9 without 0, times part."""
    for size in sizes:
        draw = rng.integers(-9, 10, size=size)
        yield (draw + (draw == 0)) * part


def _conv2d_cases() -> list[tuple]:
    """Small ones first, with one more difficulty in each: moves, channels, kernels, a stride.

    The numbers of the large ones are odd eighths, which float32 holds exactly and integers do not.
    """
    rng = np.random.default_rng(0)

    def case(
        C: int, height: int, width: int, K: int, side: int, stride: int, part: float = 1.0
    ) -> tuple:
        sizes = [(C, height, width), (K, C, side, side), (K,)]
        return *_draws(rng, sizes, part), stride

    small = (
        np.array([[[1.0, 2.0], [3.0, 4.0]]]),
        np.array([[[[1.0, 2.0], [3.0, 5.0]]]]),
        np.array([10.0]),
        1,
    )
    moving = [case(1, 2, 3, 1, 2, 1), case(1, 3, 4, 1, 2, 1)]
    deeper = [case(2, 2, 3, 1, 2, 1), case(2, 2, 3, 2, 2, 1), case(1, 4, 5, 2, 2, 2)]
    large = [case(2, 5, 7, 2, 3, 2), case(3, 9, 11, 4, 3, 2, 5 / 8), case(2, 7, 6, 3, 2, 1, 3 / 8)]
    return [small, *moving, *deeper, *large, case(4, 10, 14, 2, 3, 3, 1 / 8)]


#: Mistakes in a conv2d; those with rules are also wrong implementations for lesson 17.
CONV2D_MISTAKES = [
    mistake(
        "channels-not-summed",
        "the results of the channels are not added up. Each slice of a kernel looks at its "
        "own channel, and the results of all channels are added: one kernel gives one map, "
        "not one for each channel.",
        _not_summed,
        lambda *case: _not_summed(*case).swapaxes(0, 1),
        lambda x, W, b, stride: _products(x, W, stride),
    ),
    mistake(
        "one-channel",
        "only one of the channels is used. x has C channels and each kernel C slices: sum the"
        " products over all of them.",
        lambda *case: _not_summed(*case)[:, 0],
        lambda *case: _not_summed(*case)[:, -1],
    ),
    mistake(
        "maps-summed",
        "the maps of all kernels are added up. They are stacked: K kernels give K maps.",
        lambda *case: _conv2d(*case).sum(axis=0),
    ),
    mistake(
        "flipped",
        "the kernel is flipped. That is convolution as mathematics has it (and "
        "scipy.signal.convolve); frameworks lay the kernel on the window as it is, so W[k, c,"
        " 0, 0] meets the window's first pixel.",
        _with_kernel(lambda W: W[:, :, ::-1, ::-1]),
        _with_kernel(lambda W: W[:, ::-1, ::-1, ::-1]),
        _full,
    ),
    mistake(
        "flipped-one-axis",
        "the kernel is flipped along one of its axes. The weight [u, v] meets the pixel u "
        "rows down and v columns to the right.",
        _with_kernel(lambda W: W[:, :, ::-1]),
        _with_kernel(lambda W: W[..., ::-1]),
    ),
    mistake(
        "transposed",
        "rows and columns of the kernel are exchanged. The weight [u, v] meets the pixel u "
        "rows down and v columns to the right.",
        _with_kernel(lambda W: W.swapaxes(2, 3)),
    ),
    mistake(
        "bias-per-channel",
        "the bias is added once for every channel. It is added once, after the sum over the "
        "channels.",
        _with_bias(lambda x, W, b: len(x) * b),
    ),
    mistake(
        "bias-inside",
        "the bias is added to every product, before they are summed. It is added once, to the"
        " sum of all products of a window.",
        _with_bias(lambda x, W, b: W[0].size * b),
        _with_bias(lambda x, W, b: W[0, 0].size * b),
    ),
    mistake(
        "bias-of-channel",
        "there is a bias for each channel of x. There is one for each kernel: b[k] belongs to"
        " map k.",
        _with_bias(lambda x, W, b: np.full(len(W), b[: len(x)].sum())),
    ),
    mistake(
        "bias-missing",
        "no bias is added. b[k] is added to every value of map k.",
        _with_bias(lambda x, W, b: 0 * b),
    ),
    mistake(
        "bias-shared",
        "all maps have one and the same bias. Map k has its own, b[k]: in NumPy, b[:, None, "
        "None] lays one number on each map.",
        _with_bias(lambda x, W, b: 0 * b + b[0]),
        _with_bias(lambda x, W, b: 0 * b + b[-1]),
        _with_bias(lambda x, W, b: 0 * b + b.sum()),
    ),
    mistake(
        "stride-in-kernel",
        "the stride multiplies the index inside the kernel. The window moves by the stride, "
        "and its own pixels are neighbours: row i * stride + u.",
        _stride_in_kernel,
        _cropped(_stride_in_kernel),
    ),
    mistake(
        "stride-ignored",
        "the window moves by 1. For output [i, j] it begins at row i * stride and column j * "
        "stride.",
        _stride_ignored,
        _cropped(_stride_ignored),
    ),
]

check_conv2d = function_check(
    "conv2d(x, W, b, stride): (C, H, W), (K, C, F, F), (K,) -> (K, H', W'), no padding, no flip.",
    _conv2d,
    _conv2d_cases(),
    CONV2D_MISTAKES,
    correct="Loops, windows and a matrix product all give the same numbers. But in lesson 18, "
    "where a whole batch is convolved at once, loops over all places take more than a hundred "
    "times as long.",
)


def _places(height: int, width: int, size: int) -> int:
    return (height - size + 1) * (width - size + 1)


check_count_parameters = function_check(
    "count_parameters(channels, height, width, kernels, size): weights and biases of a layer.",
    lambda c, h, w, k, f: k * (c * f * f + 1),
    [(1, 3, 4, 1, 2), (1, 5, 4, 3, 2), (2, 5, 4, 3, 3), (3, 8, 9, 5, 1), (6, 14, 14, 16, 5)],
    [
        mistake(
            "bias-forgotten",
            "only the weights are counted. Each kernel also has a bias: one more for each kernel.",
            lambda c, h, w, k, f: k * c * f * f,
        ),
        mistake(
            "image-size",
            "the size of the picture is multiplied in. All positions share the same weights, so a"
            " layer has as many on a large picture as on a small one.",
            lambda c, h, w, k, f: k * (c * f * f + 1) * h * w,
            lambda c, h, w, k, f: k * c * f * f * h * w,
            lambda c, h, w, k, f: k * (c * f * f * h * w + 1),
            lambda c, h, w, k, f: k * (c * h * w + 1),
            lambda c, h, w, k, f: k * c * h * w,
            lambda c, h, w, k, f: k * _places(h, w, f) * (c * h * w + 1),
            lambda c, h, w, k, f: k * (c * f * f + 1) * _places(h, w, f),
            lambda c, h, w, k, f: k * c * f * f * _places(h, w, f),
        ),
        mistake(
            "bias-per-channel",
            "every slice of a kernel has a bias. A kernel has one, added after its slices.",
            lambda c, h, w, k, f: k * c * (f * f + 1),
        ),
        mistake(
            "one-bias",
            "the whole layer has a single bias, or one for each channel of the picture. There is "
            "one for each kernel.",
            lambda c, h, w, k, f: k * c * f * f + 1,
            lambda c, h, w, k, f: k * c * f * f + c,
        ),
        mistake(
            "kernels-forgotten",
            "one kernel is counted. The layer has several, each with its own numbers.",
            lambda c, h, w, k, f: c * f * f + 1,
            lambda c, h, w, k, f: c * f * f,
        ),
        mistake(
            "channels-forgotten",
            "a kernel has a single slice. It has a slice of size × size for every channel.",
            lambda c, h, w, k, f: k * (f * f + 1),
            lambda c, h, w, k, f: k * f * f,
        ),
    ],
    correct="Two of the five numbers did not matter: the kernels are shared by all positions, "
    "so the size of the picture changes nothing.",
    rtol=0,
)


def _dx(dz: np.ndarray, W: np.ndarray, margin: int | None = None) -> np.ndarray:
    """The kernels as they are, slid over dz in a margin of zeros, and summed over the maps."""
    side = W.shape[-1] - 1 if margin is None else margin
    padded = np.pad(dz, [(0, 0), (side, side), (side, side)])
    return _products(padded, W.swapaxes(0, 1), 1).sum(axis=1)


def _dW(dz: np.ndarray, x: np.ndarray) -> np.ndarray:
    """Each map of dz, slid over each channel."""
    windows = sliding_window_view(x, dz.shape[1:], axis=(1, 2))  # (C, F, F, H', W')
    return np.tensordot(dz, windows, axes=((1, 2), (3, 4)))


def _turned(W: np.ndarray) -> np.ndarray:
    return W[:, :, ::-1, ::-1]


def _reshaped(W: np.ndarray) -> np.ndarray:
    """What swaps kernels and channels once more, after a reshape that should have done so."""
    K, C, *sides = W.shape
    return W.reshape(C, K, *sides).swapaxes(0, 1)


def _conv2d_backward(dz: np.ndarray, x: np.ndarray, W: np.ndarray) -> tuple:
    return _dx(dz, _turned(W)), _dW(dz, x), dz.sum(axis=(1, 2))


def _wrong(
    dx: Callable | None = None, dW: Callable | None = None, db: Callable | None = None
) -> Callable:
    """A rule for some of the three results: dx(dz, W), dW(dz, x) and db(dz)."""
    return lambda dz, x, W: (dx and dx(dz, W), dW and dW(dz, x), db and db(dz))


def _in_order(order: tuple[int, ...]) -> Callable:
    return lambda *case: [_conv2d_backward(*case)[at] for at in order]


def _each_kernel(dz: np.ndarray, W: np.ndarray) -> np.ndarray:
    """What every kernel gives to dx, (K, C, H, W)."""
    return np.stack([_dx(dz[k : k + 1], _turned(W[k : k + 1])) for k in range(len(W))])


def _within(part: Callable) -> Callable:
    """dx is cut to the size of dz; part(F) is the row and column at which the cut begins."""

    def cut(dz: np.ndarray, W: np.ndarray) -> np.ndarray:
        at = part(W.shape[-1])
        return _dx(dz, _turned(W))[:, at : at + dz.shape[1], at : at + dz.shape[2]]

    return cut


def _in_corner(dz: np.ndarray, W: np.ndarray) -> np.ndarray:
    """Without padding; what is missing on the right and below stays 0."""
    inside, dx = _dx(dz, _turned(W), 0), 0 * _dx(dz, W)
    dx[:, : inside.shape[1], : inside.shape[2]] = inside
    return dx


def _overwritten(places: Callable) -> Callable:
    """dx, in which each of these blocks is put over what was there: (rows, columns, block)."""

    def put(dz: np.ndarray, W: np.ndarray) -> np.ndarray:
        dx = np.zeros((W.shape[1], *(side + W.shape[-1] - 1 for side in dz.shape[1:])))
        for top, left, block in places(dz, W):
            dx[:, top : top + block.shape[1], left : left + block.shape[2]] = block
        return dx

    return put


def _by_kernel_and_place(dz: np.ndarray, W: np.ndarray) -> Iterator[tuple]:
    for k, i, j in np.ndindex(dz.shape):
        yield i, j, dz[k, i, j] * W[k]


def _by_place(dz: np.ndarray, W: np.ndarray) -> Iterator[tuple]:
    for i, j in np.ndindex(dz.shape[1:]):
        yield i, j, np.tensordot(dz[:, i, j], W, axes=1)


def _by_weight(dz: np.ndarray, W: np.ndarray) -> Iterator[tuple]:
    for u, v in np.ndindex(W.shape[2:]):
        yield u, v, np.tensordot(W[:, :, u, v], dz, axes=(0, 0))


def _per_place(dz: np.ndarray, x: np.ndarray) -> np.ndarray:
    """The terms of dW, (H', W', K, C, F, F)."""
    sides = [side - places + 1 for side, places in zip(x.shape[1:], dz.shape[1:], strict=True)]
    windows = sliding_window_view(x, sides, axis=(1, 2))  # (C, H', W', F, F)
    return np.einsum("kij,cijuv->ijkcuv", dz, windows)


def _without_places(kept: Callable) -> Callable:
    """kept(H', W') gives the rows and columns of dz that count."""

    def rule(dz: np.ndarray, x: np.ndarray, W: np.ndarray) -> tuple:
        rows, columns = kept(*dz.shape[1:])
        part = np.zeros_like(dz)
        part[:, :rows, :columns] = dz[:, :rows, :columns]
        return _conv2d_backward(part, x, W)

    return rule


def _backward_cases() -> list[tuple]:
    """In the first two K = C; then one of them is 1, larger ones, and kernels larger than dz."""
    rng = np.random.default_rng(2)

    def case(C: int, height: int, width: int, K: int, F: int, part: float = 1.0) -> tuple:
        sizes = [(K, height - F + 1, width - F + 1), (C, height, width), (K, C, F, F)]
        return tuple(_draws(rng, sizes, part))

    alike = [case(1, 3, 4, 1, 2), case(2, 3, 4, 2, 2)]
    small = [case(2, 4, 3, 1, 2), case(1, 3, 5, 2, 2), case(2, 3, 4, 3, 1)]
    large = [case(2, 6, 5, 3, 3), case(3, 5, 8, 4, 3, 5 / 8), case(4, 6, 7, 2, 2, 1 / 8)]
    return [*alike, *small, *large, case(3, 4, 5, 2, 3, 3 / 8), case(2, 9, 10, 3, 4)]


_BACKWARD_MISTAKES = [
    mistake(
        "order",
        "the three results are in the wrong order. Return (dx, dW, db).",
        *map(_in_order, [*permutations(range(3))][1:]),
    ),
    mistake(
        "flip-forgotten",
        "the kernel slides over dz unflipped, or is flipped once too often. A pixel is the first "
        "of one window and the last of another, so sliding over dz needs one flip in both "
        "directions: W[:, :, ::-1, ::-1]. SciPy's convolve2d flips the kernel itself, and where "
        "each contribution is added at its own place, no flip is needed.",
        _wrong(dx=_dx),
    ),
    mistake(
        "flipped-one-axis",
        "the kernel is flipped along only one of its axes, or rotated by 90 degrees. To slide it "
        "over dz, flip both rows and columns: W[:, :, ::-1, ::-1].",
        _wrong(dx=lambda dz, W: _dx(dz, W[:, :, ::-1])),
        _wrong(dx=lambda dz, W: _dx(dz, W[..., ::-1])),
        _wrong(dx=lambda dz, W: _dx(dz, np.rot90(W, 1, axes=(2, 3)))),
        _wrong(dx=lambda dz, W: _dx(dz, np.rot90(W, -1, axes=(2, 3)))),
    ),
    mistake(
        "flipped-too-far",
        "the kernels, or their slices, are put in reverse order, as by np.flip without axis= or "
        "np.rot90 without axes=. Flip only rows and columns: W[:, :, ::-1, ::-1].",
        _wrong(dx=lambda dz, W: _dx(dz, np.flip(W))),
        _wrong(dx=lambda dz, W: _dx(dz, np.flip(W, axis=(1, 2, 3)))),
        _wrong(dx=lambda dz, W: _dx(dz, np.flip(W, axis=(0, 2, 3)))),
        _wrong(dx=lambda dz, W: _dx(dz, W[::-1, ::-1])),
    ),
    mistake(
        "transposed",
        "rows and columns of the kernel are exchanged, which is not a flip. The weight [u, v] "
        "meets the pixel u rows down and v columns to the right.",
        _wrong(dx=lambda dz, W: _dx(dz, W.swapaxes(2, 3))),
        _wrong(dx=lambda dz, W: _dx(dz, _turned(W).swapaxes(2, 3))),
        _wrong(dW=lambda dz, x: _dW(dz, x).swapaxes(2, 3)),
    ),
    mistake(
        "kernels-and-channels",
        "kernels and channels are exchanged. W[k, c] connects channel c with map k: channel c of "
        "dx is a sum over the kernels k, and dW[k, c] comes from dz[k] and x[c].",
        _wrong(dx=lambda dz, W: _dx(dz, _turned(W.swapaxes(0, 1)))),
        _wrong(dx=lambda dz, W: _dx(dz, _turned(_reshaped(W)))),
        _wrong(dW=lambda dz, x: _dW(dz, x).swapaxes(0, 1)),
    ),
    mistake(
        "padding",
        "the padding of dz is too small, or too large. A pixel at the edge lies in windows that "
        "begin up to F − 1 pixels before it: dz needs F − 1 rows and columns of zeros on every "
        "side, and dx then has the size of x.",
        _wrong(dx=lambda dz, W: _dx(dz, _turned(W), 0)),
        _wrong(dx=lambda dz, W: _dx(dz, _turned(W), W.shape[-1] // 2)),
        _wrong(dx=lambda dz, W: _dx(dz, _turned(W), (W.shape[-1] - 1) // 2)),
        _wrong(dx=lambda dz, W: _dx(dz, _turned(W), W.shape[-1])),
        _wrong(dx=_in_corner),
    ),
    mistake(
        "cropped",
        "the edge of dx is cut off, so that it has the size of dz. Every pixel has a gradient, "
        "those at the edge too: dx has the size of x.",
        _wrong(dx=_within(lambda F: 0)),
        _wrong(dx=_within(lambda F: F - 1)),
        _wrong(dx=_within(lambda F: (F - 1) // 2)),
    ),
    mistake(
        "overwritten",
        "the contribution of one window or kernel overwrites earlier ones. A pixel lies in several "
        "windows, and a weight is used at every place: add with `+=`.",
        _wrong(dx=_overwritten(_by_kernel_and_place)),
        _wrong(dx=_overwritten(_by_place)),
        _wrong(dx=_overwritten(_by_weight)),
        _wrong(dW=lambda dz, x: _per_place(dz, x)[-1, -1], db=lambda dz: dz[:, -1, -1]),
    ),
    mistake(
        "places-missing",
        "some places of dz are left out: its last row and column, or what lies outside a square. "
        "dz has H' rows and W' columns, and all of them count: range(H') and range(W').",
        _without_places(lambda rows, columns: (rows - 1, columns - 1)),
        _without_places(lambda rows, columns: (min(rows, columns),) * 2),
    ),
    mistake(
        "one-kernel",
        "the sum over the kernels is missing in dx. All maps were made from the same picture, so "
        "the gradients that come back from the K maps are added.",
        _wrong(dx=lambda dz, W: _dx(dz[:1], _turned(W[:1]))),
        _wrong(dx=lambda dz, W: _dx(dz[-1:], _turned(W[-1:]))),
        _wrong(dx=lambda dz, W: _each_kernel(dz, W)),
    ),
    mistake(
        "dW-flipped",
        "a flip is used for dW too, of dz or of dW itself. For dW, dz slides over x unflipped: "
        "only dx needs a flip.",
        _wrong(dW=lambda dz, x: _dW(dz[:, ::-1, ::-1], x)),
        _wrong(dW=lambda dz, x: _turned(_dW(dz, x))),
        _wrong(dW=lambda dz, x: _turned(_dW(dz[:, ::-1, ::-1], x))),
    ),
    mistake(
        "one-channel",
        "all channels have the same gradient. Channel c meets only slice c of each kernel: dx[c] "
        "comes from dz[k] and W[k, c], for all k, and dW[k, c] from dz[k] and x[c].",
        _wrong(dW=lambda dz, x: 0 * _dW(dz, x) + _dW(dz, x).sum(axis=1, keepdims=True)),
        _wrong(dW=lambda dz, x: 0 * _dW(dz, x) + _dW(dz, x)[:, :1]),
        _wrong(dx=lambda dz, W: 0 * _dx(dz, W) + _dx(dz, _turned(W)).sum(axis=0)),
    ),
    mistake(
        "mean",
        "a mean is taken over the places, or over the kernels. The loss does not average over "
        "them: dx, dW and db are sums.",
        _wrong(dW=lambda dz, x: _dW(dz, x) / dz[0].size, db=lambda dz: dz.mean(axis=(1, 2))),
        _wrong(dx=lambda dz, W: _dx(dz, _turned(W)) / dz[0].size),
        _wrong(dx=lambda dz, W: _dx(dz, _turned(W)) / len(W)),
        _wrong(dW=lambda dz, x: _dW(dz, x) / len(dz), db=lambda dz: dz.sum(axis=(1, 2)) / len(dz)),
        _wrong(db=lambda dz: dz.mean()),
        _wrong(db=lambda dz: dz.mean(axis=0)),
    ),
    mistake(
        "not-summed",
        "a sum over the places is missing, or runs over the wrong axes. A kernel has one bias and "
        "one set of weights for all places: db[k] is the sum of all values of dz[k], and dW[k] is "
        "summed over its rows and columns too.",
        _wrong(dW=_per_place, db=lambda dz: dz),
        _wrong(dW=lambda dz, x: np.moveaxis(_per_place(dz, x), (0, 1), (-2, -1))),
        _wrong(dW=lambda dz, x: np.moveaxis(_per_place(dz, x), (0, 1), (1, 2))),
        _wrong(db=lambda dz: dz.sum(axis=0)),
        _wrong(db=lambda dz: dz.sum(axis=1)),
        _wrong(db=lambda dz: dz.sum(axis=2)),
        _wrong(db=lambda dz: dz.sum(axis=(0, 1))),
        _wrong(db=lambda dz: dz.sum(axis=(0, 2))),
    ),
    mistake(
        "bias-shared",
        "all kernels have the same db. Each has a bias of its own: db[k] is the sum of dz[k].",
        _wrong(db=lambda dz: dz.sum()),
        _wrong(db=lambda dz: np.full(len(dz), dz.sum())),
    ),
    mistake(
        "bias-missing",
        "every value of db is 0, or 1, or the number of places. Every output of map k contains "
        "b[k] once, so db[k] is the sum of dz[k].",
        _wrong(db=lambda dz: np.zeros(len(dz))),
        _wrong(db=lambda dz: np.ones(len(dz))),
        _wrong(db=lambda dz: np.full(len(dz), dz[0].size)),
    ),
]

check_conv2d_backward = parts_check(
    "conv2d_backward(dz, x, W): (K, H', W'), (C, H, W), (K, C, F, F) -> dx, dW, db; stride 1.",
    _conv2d_backward,
    ("dx", "dW", "db"),
    _backward_cases(),
    _BACKWARD_MISTAKES,
    correct="This is the backward pass of a convolution, and a part of lesson 18's network. There "
    "it gets a whole batch at once, and loops over all places take more than a hundred times as "
    "long as loops over the F × F weights.",
    first=2,
)
