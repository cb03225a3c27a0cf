"""Windows that slide over maps: what the checks of pooling, forward and backward, share."""

from collections.abc import Callable

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view


def pooled_shape(sides: tuple[int, ...], size: int, stride: int) -> tuple[int, ...]:
    """How many windows fit along each of these sides."""
    return tuple((side - size) // stride + 1 for side in sides)


def all_windows(x: np.ndarray, size: int, stride: int) -> np.ndarray:
    """All windows of the last two axes: (..., H', W', size, size)."""
    return sliding_window_view(x, (size, size), axis=(-2, -1))[..., ::stride, ::stride, :, :]


def pool_backward(
    share: Callable,
    combine: Callable = np.add,
    corner: Callable = lambda at, stride: at * stride,
) -> Callable:
    """A rule for dx (H, W) from x, dy, size and stride; other functions than these are mistakes.

    share: of a gradient of dy and its window of x, what each value of the window gets.
    combine: of what stands in dx there and such a share, what stands there afterwards.
    corner: of a window's number along a side and the stride, the row or column where it begins.
    """

    def backward(x: np.ndarray, dy: np.ndarray, size: int, stride: int) -> np.ndarray:
        dx, windows = np.zeros(x.shape), all_windows(x, size, stride)
        for i, j in np.ndindex(dy.shape):
            part = dx[corner(i, stride) :, corner(j, stride) :][:size, :size]
            part[:] = combine(part, share(dy[i, j], windows[i, j]))
        return dx

    return backward
