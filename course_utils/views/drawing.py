"""What stands for a stepper where there is no page: its numbers as text, its grids as a picture."""

import io
import math
import textwrap
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from numbers import Real
from typing import Any

import numpy as np
import torch
from matplotlib import font_manager, rcParams
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.colors import Colormap
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from PIL import Image

from ..plots import SIGNED
from . import sizes
from .sizes import LARGEST

#: Fonts for the scripts that matplotlib's own has not, each from some system or other.
SCRIPTS = (
    "Noto Sans CJK SC",
    "Noto Sans CJK JP",
    "Noto Sans CJK KR",
    "WenQuanYi Micro Hei",
    "Microsoft YaHei",
    "Yu Gothic",
    "Malgun Gothic",
    "Nirmala UI",
    "Arial Unicode MS",
)
#: What a view marks, in its figures as in its page.
ORANGE = "#E69F00"


def font_settings() -> dict:
    """The settings of matplotlib by which names are written as they are, in any script.

    A "$" is a dollar, and begins no formula. Where a letter is not in the usual font, one of
    `SCRIPTS` is asked that is installed.
    """
    found = [name for name in SCRIPTS if name in _installed()]
    return {"text.parse_math": False, "font.family": ["sans-serif", *found]}


@cache
def _installed() -> frozenset[str]:
    return frozenset(font_manager.get_font_names())


def writable(names: Sequence[str]) -> list[str]:
    """Names of classes for a figure: a number in place of one with letters that no font here has.

    Inside the settings of `font_settings`.
    """
    families = rcParams["font.family"]
    return [
        name if all(any(_has(font, letter) for font in families) for letter in name) else str(i)
        for i, name in enumerate(names)
    ]


@cache
def _has(family: str, letter: str) -> bool:
    path = font_manager.findfont(font_manager.FontProperties(family=[family]))
    return font_manager.get_font(path).get_char_index(ord(letter)) > 0


def stack(values: object, name: str, longest: int) -> torch.Tensor:
    """Numbers as a tensor (C, H, W), from (H, W) or (C, H, W).

    Raises ValueError, with the name, for what is not such numbers, or too large to show.
    """
    tensor = torch.from_numpy(_numbers(values, name))
    if not (tensor.abs() <= LARGEST).all():  # nor is NaN
        raise ValueError(f"the {name} has to hold numbers from −{LARGEST} to {LARGEST}.")
    if tensor.ndim == 2:
        tensor = tensor[None]  # (H, W) -> (1, H, W)
    if tensor.ndim != 3 or 0 in tensor.shape:
        raise ValueError(f"the {name} has to be (H, W) or (C, H, W); it is {tuple(tensor.shape)}.")
    if max(tensor.shape[1:]) > longest:
        raise ValueError(
            f"the {name} has {tensor.shape[1]} × {tensor.shape[2]} numbers; "
            f"sides up to {longest} can be shown."
        )
    return tensor


def _numbers(values: object, name: str) -> np.ndarray:
    """Numbers of any type, in an array, a tensor or lists of these, as float64 in row order."""
    if isinstance(values, torch.Tensor) and not values.is_complex():
        values = values.detach().cpu().double().numpy()
    if isinstance(values, np.ndarray) and values.dtype.kind in "biuf":
        return np.array(values, dtype=np.float64, order="C")
    try:
        array = np.array(_plain(values), dtype=object)
    except ValueError:
        array = np.array([[]])
    if not array.size or any(isinstance(value, list) for value in array.flat):
        raise ValueError(f"the {name} has to be rows of numbers, all of one length.")
    for value in array.flat:
        if not isinstance(value, Real | np.bool):
            raise ValueError(f"the {name} has to be rows of numbers; it holds {value!r}.")
    return array.astype(np.float64)


def _plain(values: object) -> object:
    """Lists in place of tensors and tuples, however deep they lie."""
    if isinstance(values, torch.Tensor):
        return values.tolist()
    return [*map(_plain, values)] if isinstance(values, list | tuple) else values


def whole(value: object, name: str, at_least: int) -> int:
    """The value, if it is a whole number of at least so much; otherwise ValueError."""
    if problem := sizes.whole_problem(value, name, at_least):
        raise ValueError(f"{problem}.")
    return int(value)  # type: ignore[call-overload]


def number(value: object, name: str) -> float:
    """The value, if it is one that can be shown; otherwise ValueError."""
    if problem := sizes.number_problem(value, name):
        raise ValueError(f"{problem}.")
    return float(value)  # type: ignore[arg-type]


def check_image(image: object) -> None:
    """Raise ValueError for anything but an image: a uint8 tensor (1, 28, 28)."""
    shape = tuple(getattr(image, "shape", ()))
    if not isinstance(image, torch.Tensor) or shape != (1, 28, 28) or image.dtype != torch.uint8:
        kind = f"{type(image).__name__} {getattr(image, 'dtype', '')}".rstrip()
        raise ValueError(
            f"image must be a uint8 tensor of shape (1, 28, 28), such as train.images[0]; "
            f"got {kind} of shape {shape}."
        )


def lines(name: str, values: torch.Tensor) -> str:
    """The numbers of a grid (H, W), a row on each line: ``output[0, 1] = 3``."""
    return "\n".join(
        "   ".join(f"{name}[{i}, {j}] = {short(value)}" for j, value in enumerate(row))
        for i, row in enumerate(values.tolist())
    )


def short(value: float) -> str:
    """At most four significant digits; what only rounding has left of a zero is zero."""
    return f"{0 if abs(value) < 1e-6 else value:.4g}"


def format_number(value: float) -> str:
    """The same for people, with a true minus."""
    return minus(short(value))


def minus(text: str) -> str:
    """A number that Python has written, with a true minus."""
    return text.replace("-", "−")


def bracketed(value: float, write: Callable[[float], str]) -> str:
    """A number, in brackets where its sign would stand beside another."""
    return f"({write(value)})" if value < 0 else write(value)


def listed(names: list[str]) -> str:
    """Names as a sentence has them: "a, b and c"."""
    return " and ".join([", ".join(names[:-1]), names[-1]] if len(names) > 1 else names)


@dataclass
class Panel:
    """A grid of numbers (H, W) under a title; NaN is shown as a question mark.

    colours: "grey" or "cividis", both from 0 to the largest, or "signed", which all become that
    have negative numbers. window: the height and width of what is framed in its upper left corner.
    """

    title: str
    values: torch.Tensor
    colours: str
    window: tuple[int, ...] = ()

    def __post_init__(self) -> None:
        if (self.values < 0).any():
            self.colours = "signed"


def png(rows: list[list[Panel]], question: str) -> bytes:
    """Rows of panels, one cell as large as any other, with the question above."""
    widths = [sum(panel.values.shape[1] + 1 for panel in row) for row in rows]
    heights = [max(panel.values.shape[0] for panel in row) + 1.2 for row in rows]
    width, height = max(*widths, 15), sum(heights) + 1
    inch = cell_side(rows)
    figure, axes = blank_axes(width * inch, height * inch)
    axes.text(0, 0.6, f"Predict: {question}", va="center", fontsize=13)
    top = 1.0
    for row, below in zip(rows, heights, strict=True):
        left = 0.0
        for panel in row:
            draw_panel(axes, panel, left, top + 1)
            left += panel.values.shape[1] + 1
        top += below
    axes.set(xlim=(-0.5, width - 0.5), ylim=(height, 0), aspect="auto")  # in cells
    return small_png(figure, dpi=100, colours=64)


def one_axes(
    width: float, height: float, place: tuple[float, float, float, float]
) -> tuple[Figure, Axes]:
    """A figure of this size in inches, at 100 dots an inch, and its only axes.

    place: left, bottom, width and height of the axes, in parts of the figure. One axes for all,
    and no layout engine: each further one would cost a quarter of the time.
    """
    figure = Figure(figsize=(width, height), dpi=100, layout="none")  # type: ignore[arg-type]
    return figure, figure.add_axes(place)


def blank_axes(width: float, height: float) -> tuple[Figure, Axes]:
    """The same, with axes that fill the figure and show neither ticks nor lines."""
    figure, axes = one_axes(width, height, place=(0, 0, 1, 1))
    axes.set_axis_off()
    return figure, axes


def label(axes: Axes, x: float, y: float, text: str, pad: float = 2, **options: Any) -> None:
    """Words that can be read on every colour, by a white box. options: those of `Axes.text`."""
    box = {"fc": "white", "ec": "none", "alpha": 0.85, "pad": pad}
    axes.text(x, y, text, bbox=box, **options)


def cell_side(rows: list[list[Panel]]) -> float:
    """The side of a cell, in inches, so that the longest of the numbers fits."""
    long = max(len(_text(v)) for row in rows for panel in row for v in panel.values.flatten())
    return 0.36 if long <= 3 else 0.1 * long + 0.1


def small_png(figure: Figure, dpi: int, colours: int = 128) -> bytes:
    """The figure as PNG in few colours, a third of the bytes: a notebook keeps its pictures."""
    picture = Image.open(io.BytesIO(quick_png(figure, dpi))).convert("RGB")
    file = io.BytesIO()
    quantized = picture.quantize(colours, Image.Quantize.MAXCOVERAGE, dither=Image.Dither.NONE)
    quantized.save(file, format="png", optimize=True)
    return file.getvalue()


def add_title(figure: Figure, text: str) -> None:
    """Write a sentence above a figure, and make room for it where nobody else does."""
    width, height = figure.get_size_inches()
    lines = textwrap.wrap(text, int(width / 0.105))  # a letter is about so wide
    figure.suptitle("\n".join(lines), fontsize=13)
    if figure.get_layout_engine() is not None:
        return
    taller = height + 0.1 + 0.25 * len(lines)  # inches
    figure.set_size_inches(width, taller)
    for axes in figure.axes:
        left, low, across, up = axes.get_position(original=True).bounds
        axes.set_position((left, low * height / taller, across, up * height / taller))


def quick_png(figure: Figure, dpi: int = 100) -> bytes:
    """The figure as PNG, with little time spent on making it small."""
    FigureCanvasAgg(figure)
    file = io.BytesIO()
    figure.savefig(file, format="png", dpi=dpi, pil_kwargs={"compress_level": 1})
    return file.getvalue()


def _text(value: float) -> str:
    if math.isnan(value):
        return "?"
    return minus(f"{value:.0f}" if abs(value) >= 99.5 else f"{value + 0:.2g}")


def draw_panel(axes: Axes, panel: Panel, left: float, top: float) -> None:
    """A grid with its title above; left, top: its upper left corner, in cells."""
    largest = max(1e-9, panel.values.nan_to_num().abs().max().item())
    # Paler than the colours can be, so that a black number can be read on each.
    low, high = (-largest / 0.6, largest / 0.6) if panel.colours == "signed" else (0, largest)
    colours: dict[str, str | Colormap] = {
        "grey": "gray",
        "cividis": "cividis",
        "signed": SIGNED,
    }
    height, width = panel.values.shape
    axes.imshow(
        panel.values.nan_to_num().numpy(),
        extent=(left, left + width, top + height, top),
        cmap=colours[panel.colours],
        vmin=low,
        vmax=high,
    )
    axes.text(left, top - 0.1, panel.title, va="bottom", fontsize=12)
    for (i, j), value in np.ndenumerate(panel.values.numpy()):
        dark = panel.colours != "signed" and value < largest / 2
        axes.text(
            left + j + 0.5,
            top + i + 0.5,
            _text(value),
            fontsize=12,
            ha="center",
            va="center",
            color="white" if dark else "black",
        )
        axes.add_patch(Rectangle((left + j, top + i), 1, 1, fill=False, edgecolor="0.7"))
    if panel.window:
        height, width = panel.window
        axes.add_patch(
            Rectangle((left, top), width, height, fill=False, edgecolor=ORANGE, linewidth=4)
        )
