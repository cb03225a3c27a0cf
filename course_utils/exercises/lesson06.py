"""Checks of the exercises of lesson 06, convolution."""

import math
from collections.abc import Callable

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from course_utils.exercises.engine import Verdict, compare_function, exercise


def _sides(rule: Callable) -> Callable:
    """A rule for one side, for both: (height, width, kernel, stride, padding) -> a pair."""
    return lambda height, width, *how: (rule(height, *how), rule(width, *how))


def _output_size(size: int, kernel: int, stride: int, padding: int) -> int:
    return (size - kernel + 2 * padding) // stride + 1


@exercise(
    correct="Try it on a layer you have met: a kernel of 5 makes 28 × 28 of 32 × 32.",
    padding_once="You count the padding once. It is added on both sides of a row, "
    "so the row becomes size + 2 * padding long.",
    padding_ignored="You leave the padding out: a row becomes size + 2 * padding long.",
    brackets="Something is missing in brackets: the sum size − kernel + 2·padding comes first, "
    "and all of it is divided by the stride.",
    rounded_up="You round up. A window that would stick out is not used, so round down: `//` does.",
    not_rounded="Your sizes are not whole numbers. Divide with `//`, which rounds down: "
    "a window that would stick out is not used.",
    stride_ignored="Your sizes are those of stride 1. With stride 2 there are about half as many "
    "places: divide by the stride before you add 1.",
    one_missing="You have one row and one column too few: (size − kernel + 2·padding) // stride "
    "counts the moves of the window. It stands somewhere before the first move, so add 1.",
    one_divided="You add 1 before you divide by the stride. The 1 is the window's first place: "
    "divide first, then add it.",
    swapped="The numbers are right, but in the wrong order: rows (from the height) come first.",
)
def check_map_shape(map_shape: Callable) -> str | Verdict | None:
    """map_shape(height, width, kernel, stride, padding): (rows, columns) of the feature map."""
    cases = [(32, 28, 5, 1, 0), (28, 20, 5, 2, 2), (9, 16, 4, 3, 1), (7, 8, 3, 2, 0)]

    return compare_function(
        map_shape,
        _sides(_output_size),
        cases,
        [
            ("padding-once", _sides(lambda n, f, s, p: (n - f + p) // s + 1)),
            ("padding-ignored", _sides(lambda n, f, s, p: (n - f) // s + 1)),
            ("brackets", _sides(lambda n, f, s, p: n - f + 2 * p // s + 1)),
            ("brackets", _sides(lambda n, f, s, p: n + 2 * p - f // s + 1)),
            ("rounded-up", _sides(lambda n, f, s, p: math.ceil((n - f + 2 * p) / s) + 1)),
            ("not-rounded", _sides(lambda n, f, s, p: (n - f + 2 * p) / s + 1)),
            ("stride-ignored", _sides(lambda n, f, s, p: n - f + 2 * p + 1)),
            ("one-missing", _sides(lambda n, f, s, p: (n - f + 2 * p) // s)),
            ("one-divided", _sides(lambda n, f, s, p: (n - f + 2 * p + 1) // s)),
            ("swapped", lambda *case: _sides(_output_size)(*case)[::-1]),
        ],
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


def _cropped(convolve: Callable) -> Callable:
    """The size is that of the stride, but the places are not."""

    def crop(x: np.ndarray, W: np.ndarray, b: np.ndarray, stride: int) -> np.ndarray:
        _, rows, columns = _conv2d(x, W, b, stride).shape
        return convolve(x, W, b, stride)[..., :rows, :columns]

    return crop


def _stride_ignored(x: np.ndarray, W: np.ndarray, b: np.ndarray, stride: int) -> np.ndarray:
    return _conv2d(x, W, b, 1)


@exercise(
    correct="Loops, windows or one matrix product: the same numbers.",
    channels_not_summed="Each slice of a kernel looks at its own channel, and the results of all "
    "channels are added: one kernel gives one map, not one for each channel.",
    one_channel="Only one of the channels is in your result. "
    "Sum the products over all of them: x has C channels, and each kernel C slices.",
    maps_summed="You have added the maps of all kernels. They are stacked: K kernels give K maps.",
    flipped="Your kernel is flipped. That is convolution as mathematics has it; frameworks lay "
    "the kernel on the window as it is, so the weight [0, 0] meets the window's first pixel.",
    transposed="Rows and columns of the kernel are exchanged: "
    "weight [u, v] belongs to the pixel u rows down and v columns to the right.",
    bias_per_channel="You have added the bias once for every channel. "
    "It is added once, after the sum over the channels.",
    bias_missing="The bias is missing: b[k] is added to every value of map k.",
    bias_shared="Every value has one and the same bias added. Map k has its own, b[k]: "
    "in NumPy, b[:, None, None] lays one number on each map.",
    stride_in_kernel="You have multiplied the index inside the kernel by the stride. The window "
    "moves by the stride, and its own pixels are neighbours: row i * stride + u.",
    stride_ignored="Your window moves by 1. For output [i, j] it begins at "
    "row i * stride and column j * stride.",
)
def check_conv2d(conv2d: Callable) -> str | Verdict | None:
    """conv2d(x, W, b, stride): (C, H, W), (K, C, F, F), (K,) -> (K, H', W'), no padding, no flip.

    The numbers are odd eighths, which float32 holds exactly and whole numbers do not.
    """
    rng = np.random.default_rng(0)

    def case(C: int, height: int, width: int, K: int, side: int, stride: int) -> tuple:
        sizes = [(C, height, width), (K, C, side, side), (K,)]
        return *(rng.integers(-20, 20, size=size) / 4 + 1 / 8 for size in sizes), stride

    cases = [case(3, 9, 11, 4, 3, 2), case(2, 7, 6, 3, 2, 1), case(4, 10, 14, 2, 3, 3)]

    def bias_per_channel(x: np.ndarray, W: np.ndarray, b: np.ndarray, stride: int) -> np.ndarray:
        return _conv2d(x, W, len(x) * b, stride)

    return compare_function(
        conv2d,
        _conv2d,
        cases,
        [
            ("channels-not-summed", _not_summed),
            ("channels-not-summed", lambda *case: _not_summed(*case).swapaxes(0, 1)),
            ("channels-not-summed", lambda x, W, b, stride: _products(x, W, stride)),
            ("one-channel", lambda *case: _not_summed(*case)[:, 0]),
            ("one-channel", lambda *case: _not_summed(*case)[:, -1]),
            ("maps-summed", lambda *case: _conv2d(*case).sum(axis=0)),
            ("flipped", lambda x, W, b, stride: _conv2d(x, W[:, :, ::-1, ::-1], b, stride)),
            ("transposed", lambda x, W, b, stride: _conv2d(x, W.swapaxes(2, 3), b, stride)),
            ("bias-per-channel", bias_per_channel),
            ("bias-missing", lambda x, W, b, stride: _conv2d(x, W, 0 * b, stride)),
            ("bias-shared", lambda x, W, b, stride: _conv2d(x, W, 0 * b + b[0], stride)),
            ("bias-shared", lambda x, W, b, stride: _conv2d(x, W, 0 * b + b[-1], stride)),
            ("bias-shared", lambda x, W, b, stride: _conv2d(x, W, 0 * b + b.sum(), stride)),
            ("stride-in-kernel", _stride_in_kernel),
            ("stride-in-kernel", _cropped(_stride_in_kernel)),
            ("stride-ignored", _stride_ignored),
            ("stride-ignored", _cropped(_stride_ignored)),
        ],
        rtol=1e-9,
    )


@exercise(
    correct="Two of the five numbers did not matter: the kernels are shared by all positions, "
    "so the size of the picture changes nothing.",
    bias_forgotten="These are the weights alone. Each kernel also has a bias: one more a kernel.",
    image_size="You have multiplied by the size of the picture. All positions share the same "
    "weights, so a layer has as many on a large picture as on a small one.",
    bias_per_channel="You count a bias for every slice. A kernel has one, added after its slices.",
    one_bias="You count a single bias for the whole layer. Each kernel has its own.",
    kernels_forgotten="This is one kernel. The layer has several, each with its own numbers.",
    channels_forgotten="Each kernel has a slice of size × size for every channel. "
    "Multiply its weights by the number of channels.",
)
def check_count_parameters(count_parameters: Callable) -> str | Verdict | None:
    """count_parameters(channels, height, width, kernels, size): weights and biases of a layer."""

    def places(height: int, width: int, size: int) -> int:
        return (height - size + 1) * (width - size + 1)

    return compare_function(
        count_parameters,
        lambda c, h, w, k, f: k * (c * f * f + 1),
        [(1, 32, 32, 6, 5), (6, 14, 14, 16, 5), (3, 32, 20, 4, 3), (3, 96, 96, 8, 1)],
        [
            ("bias-forgotten", lambda c, h, w, k, f: k * c * f * f),
            ("image-size", lambda c, h, w, k, f: k * (c * f * f + 1) * h * w),
            ("image-size", lambda c, h, w, k, f: k * c * f * f * h * w),
            ("image-size", lambda c, h, w, k, f: k * (c * f * f * h * w + 1)),
            ("image-size", lambda c, h, w, k, f: k * (c * h * w + 1)),
            ("image-size", lambda c, h, w, k, f: k * c * h * w),
            ("image-size", lambda c, h, w, k, f: k * places(h, w, f) * (c * h * w + 1)),
            ("image-size", lambda c, h, w, k, f: k * (c * f * f + 1) * places(h, w, f)),
            ("image-size", lambda c, h, w, k, f: k * c * f * f * places(h, w, f)),
            ("bias-per-channel", lambda c, h, w, k, f: k * c * (f * f + 1)),
            ("one-bias", lambda c, h, w, k, f: k * c * f * f + 1),
            ("kernels-forgotten", lambda c, h, w, k, f: c * f * f + 1),
            ("kernels-forgotten", lambda c, h, w, k, f: c * f * f),
            ("channels-forgotten", lambda c, h, w, k, f: k * (f * f + 1)),
        ],
        rtol=0,
    )
