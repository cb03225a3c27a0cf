"""Figures that many lessons draw. Each function draws on one axes, given or new, and returns it.

Nothing here holds a model, changes what it is given, or calls ``plt.show()``.
"""

import math
from collections.abc import Callable, Mapping, Sequence

import matplotlib.pyplot as plt
import numpy as np
import torch
from matplotlib.axes import Axes
from matplotlib.colors import LinearSegmentedColormap, ListedColormap

#: For values of both signs, centred on 0: blue below, white at 0, orange above.
SIGNED = LinearSegmentedColormap.from_list("blue-white-orange", ["#0072B2", "white", "#D55E00"])
#: Pale tints of the first colours of the style, one a class, for areas behind points.
TINTS = ("#CCE3F0", "#F7DFCC", "#CCECE3", "#F5E4ED", "#DDF0FA", "#FAECCC")


def image_grid(
    images: torch.Tensor | np.ndarray,
    titles: Sequence[object] = (),
    *,
    columns: int = 5,
    ax: Axes | None = None,
) -> Axes:
    """Draw images side by side in grey, black at 0, each with its title above it.

    images: (N, H, W) or (N, 1, H, W); white is 255 for whole numbers and 1 for floats.
    titles: one a picture, or none.

    Raises ValueError for another shape or another number of titles.
    """
    tiles = _tiles(images)
    white = 255 if np.issubdtype(tiles.dtype, np.integer) else 1
    room = max(2, tiles.shape[1] // 4) if len(titles) else 0
    mosaic, corners = _mosaic(tiles, columns, gap=2, room=room, fill=white)
    ax = _axes(ax, mosaic)
    ax.imshow(mosaic, cmap="gray", vmin=0, vmax=white)
    for (row, column), title in zip(corners, titles, strict=True) if len(titles) else ():
        x, y = column + tiles.shape[2] / 2 - 0.5, row - 1.5
        ax.text(x, y, str(title), parse_math=False, ha="center", va="bottom", fontsize=12)
    return ax


def maps(
    values: torch.Tensor | np.ndarray,
    *,
    columns: int = 6,
    signed: bool = False,
    label: str = "value",
    ax: Axes | None = None,
) -> Axes:
    """Draw kernels or feature maps side by side on one shared colour scale.

    values: (K, H, W) or (K, 1, H, W). signed: blue for negative, white for 0, orange for
    positive; otherwise values start at 0. label: what the colour bar measures.

    Raises ValueError for another shape.
    """
    tiles = _tiles(values).astype(float)
    mosaic, _ = _mosaic(tiles, columns, gap=1, fill=np.nan)
    ax = _axes(ax, mosaic)
    top = np.abs(tiles).max() or 1.0
    image = ax.imshow(
        mosaic, cmap=SIGNED if signed else "cividis", vmin=-top if signed else 0, vmax=top
    )
    bar = ax.figure.colorbar(image, ax=ax, shrink=0.8, label=label)
    if signed:
        bar.set_ticks([-top, 0, top], labels=[f"−{top:.2g}", "0", f"+{top:.2g}"])
    return ax


def curves(
    series: Mapping[str, Sequence[float] | tuple[Sequence[float], Sequence[float]]],
    *,
    xlabel: str,
    ylabel: str,
    ax: Axes | None = None,
) -> Axes:
    """Draw named curves over their steps 1, 2, 3 …, or over x where one is given as (x, y).

    Names are drawn as they are, without formulas. xlabel, ylabel: what the axes measure, with the
    unit.
    """
    ax = ax or plt.subplots()[1]
    for name, values in series.items():
        x, y = values if isinstance(values, tuple) else (range(1, len(values) + 1), values)
        ax.plot(x, y, label=str(name).replace("$", r"\$"))
    ax.set(xlabel=xlabel, ylabel=ylabel)
    ax.legend()
    return ax


def decision_regions(
    predict: Callable[[np.ndarray], Sequence[int] | np.ndarray | torch.Tensor],
    *,
    xlim: tuple[float, float],
    ylim: tuple[float, float],
    xlabel: str = "$x_1$",
    ylabel: str = "$x_2$",
    ax: Axes | None = None,
) -> Axes:
    """Tint the plane by the class that a model answers at each point, with a line between classes.

    predict: takes points of shape (N, 2), float64, and gives N class numbers from 0 to 5.
    xlim, ylim: the part of the plane to draw. xlabel, ylabel: what the two inputs are.

    Raises ValueError where ``predict`` gives anything else.
    """
    x, y = np.linspace(*xlim, 301), np.linspace(*ylim, 301)
    points = np.stack(np.meshgrid(x, y), axis=-1).reshape(-1, 2)  # (301 * 301, 2)
    classes = _array(predict(points))
    if classes.size != len(points) or not np.isin(classes, range(len(TINTS))).all():
        raise ValueError(
            f"predict should give {len(points)} class numbers from 0 to {len(TINTS) - 1}, one for "
            f"each point; it gave an array of shape {classes.shape} and type {classes.dtype}."
        )
    classes = classes.reshape(301, 301)
    ax = ax or plt.subplots()[1]
    tints = ListedColormap(TINTS)
    ax.pcolormesh(x, y, classes, cmap=tints, vmin=-0.5, vmax=len(TINTS) - 0.5, rasterized=True)
    for answer in np.unique(classes)[:-1]:  # each class against the rest
        ax.contour(x, y, classes == answer, levels=[0.5], colors="0.3", linewidths=1.5)
    ax.set(xlim=xlim, ylim=ylim, xlabel=xlabel, ylabel=ylabel)
    return ax


def confusion_matrix(
    counts: torch.Tensor | np.ndarray, classes: Sequence[str], *, ax: Axes | None = None
) -> Axes:
    """Draw how often each class was taken for each other one.

    counts: (K, K) whole numbers, the true class in the rows and the predicted one in the
    columns. The shade of a cell is its part of its row, so that large classes look like small
    ones; the correct answers on the diagonal are left white, or no mistake would be seen.

    Raises ValueError where the counts are not square, or the names are not as many.
    """
    counts = _array(counts)
    if counts.shape != (len(classes), len(classes)):
        raise ValueError(
            f"{len(classes)} classes need counts of shape {(len(classes),) * 2}; "
            f"got shape {counts.shape}."
        )
    parts = counts / counts.sum(axis=1, keepdims=True).clip(1)
    np.fill_diagonal(parts, 0)
    ax = ax or plt.subplots(figsize=(8, 7))[1]
    ax.imshow(parts, cmap="Blues", vmin=0, vmax=max(1.5 * parts.max(), 1e-9))
    for row, column in np.argwhere(counts):
        weight = "bold" if row == column else "normal"
        ax.text(column, row, counts[row, column], ha="center", va="center", weight=weight)
    narrow = max(map(len, classes)) < 3
    ax.set_xticks(
        range(len(classes)),
        classes,
        parse_math=False,
        rotation=0 if narrow else 40,
        ha="center" if narrow else "right",
    )
    ax.set_yticks(range(len(classes)), classes, parse_math=False)
    ax.set(xlabel="predicted class", ylabel="true class")
    ax.grid(visible=False)
    return ax


def _array(values: object) -> np.ndarray:
    """An array of numbers that may be a tensor, on any device."""
    return np.asarray(values.detach().cpu() if isinstance(values, torch.Tensor) else values)


def _tiles(images: torch.Tensor | np.ndarray) -> np.ndarray:
    """(N, H, W) from a tensor or an array that may have one channel."""
    tiles = _array(images)
    if tiles.ndim == 4 and tiles.shape[1] == 1:
        tiles = tiles[:, 0]
    if tiles.ndim != 3 or not tiles.size:
        raise ValueError(f"expected pictures of shape (N, H, W); got shape {np.shape(images)}.")
    return tiles


def _mosaic(
    tiles: np.ndarray, columns: int, *, gap: int, fill: float, room: int = 0
) -> tuple[np.ndarray, list[tuple[int, int]]]:
    """All tiles in one array, with a gap between them and room above each; and their corners."""
    count, height, width = tiles.shape
    columns = min(columns, count)
    down, across = room + height + gap, width + gap
    shape = math.ceil(count / columns) * down - gap, columns * across - gap
    mosaic = np.full(shape, fill, dtype=tiles.dtype)
    corners = [(i // columns * down + room, i % columns * across) for i in range(count)]
    for tile, (row, column) in zip(tiles, corners, strict=True):
        mosaic[row : row + height, column : column + width] = tile
    return mosaic, corners


def _axes(ax: Axes | None, mosaic: np.ndarray) -> Axes:
    """The axes given, or new ones of the mosaic's proportions; no ticks, as pixels need none."""
    if ax is None:
        height, width = mosaic.shape
        ax = plt.subplots(figsize=(8, min(6.5, 8 * height / width)))[1]
    ax.set_axis_off()
    return ax
