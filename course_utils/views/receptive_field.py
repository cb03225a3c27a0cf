"""The receptive field: how much of the image a unit can see, by formula and by gradient."""

import copy
import math
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import product

import numpy as np
import torch
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from torch import nn
from torch.nn import functional as F

from course_utils.images import sample_digit
from course_utils.models import LeNet

from . import drawing, networks, panel
from .chain import Chain, Row, chain
from .networks import Shape

#: How many random images the gradient is measured in: max pooling passes it to one winner, another
#: one in each image, so that one image shows only a part of what a unit can see. In a large
#: network fewer, so that what its layers make of them stays below so many numbers.
IMAGES, NUMBERS = 256, 8_000_000
BLUE = "#56B4E9"
HEAD = ["layer", "kernel", "stride", "jump", "field"]

#: A unit of a layer: map, row and column.
Place = tuple[int, int, int]


@dataclass(frozen=True, kw_only=True)
class Square:
    """The square of pixels that a unit sees; by default what a pixel sees of itself.

    side: in pixels. jump: from the square of one unit to its neighbour's, in pixels. first: the
    first row that the first unit sees, below 0 where it sees padding.
    """

    side: int = 1
    jump: int = 1
    first: int = 0

    def rows(self, index: int) -> tuple[int, int]:
        """The first and the last row (or column) that the unit of this row (or column) sees."""
        start = self.first + index * self.jump
        return start, start + self.side - 1

    def middle(self, index: int) -> float:
        """Where what the unit of this row (or column) sees has its middle; pixel 0 goes to 1."""
        return self.rows(index)[0] + self.side / 2


@dataclass(frozen=True, kw_only=True)
class Field(Square):
    """What the units of a layer see.

    before: what those of the layer before see. places: units along a side of its maps. maps: how
    many of them. depth: how many of `Chain.layers` lead there.
    """

    name: str
    kernel: int
    stride: int
    before: Square
    places: int
    maps: int
    depth: int

    @property
    def why_side(self) -> str:
        """The sum that gives the side."""
        return f"{self.before.side} + ({self.kernel} − 1) · {self.before.jump} = {self.side}"

    @property
    def why_jump(self) -> str:
        """The product that gives the jump."""
        return f"{self.before.jump} · {self.stride} = {self.jump}"


def fields(network: Chain) -> list[Field]:
    """The receptive field of each convolution and pooling, and of the first connected layer.

    A fully connected layer looks at all its maps: it is a convolution as large as they are. What
    stands after it sees what it sees. ValueError for a network without convolution or pooling, and
    for a padding that is not of zeros, or is not counted.
    """
    found: list[Field] = []
    for row in network.rows:
        if row.kind == "norm":
            continue  # it looks at one place
        layer = network.layers[row.depth - 1]
        networks.check_padding(layer.name, layer.module)
        before = found[-1] if found else Square()
        if row.kind != "fc":
            found.append(_field(row, layer.shape, before))
            continue
        if not found:
            raise ValueError("the network has no convolution or pooling: every unit sees all.")
        # Flattened maps are as they were before.
        found.append(_field(replace(row, kernel=found[-1].places), (*layer.shape, 1, 1), before))
        break
    return found


def _field(row: Row, shape: tuple[int, ...], before: Square) -> Field:
    """What the units of a row see. shape: (C, H, W) of the maps that they make."""
    return Field(
        side=before.side + (row.kernel - 1) * before.jump,
        jump=before.jump * row.stride,
        first=before.first - row.padding * before.jump,
        name=row.name,
        kernel=row.kernel,
        stride=row.stride,
        before=before,
        places=shape[2],
        maps=shape[0],
        depth=row.depth,
    )


def measured(
    network: Chain, field: Field, place: Place, values: list[torch.Tensor]
) -> torch.Tensor:
    """The mean over images of |gradient| of one unit, summed over channels: (H, W).

    place: the unit's map, row and column. values: `Network.values` of the images. The
    gradient goes back layer by layer and, to be quick, only through what the unit sees.
    """
    windows = {row.depth: row for row in network.rows}
    end = values[field.depth]
    gradient = torch.zeros(len(end), end.shape[1], *[1] * (end.ndim - 2))
    gradient[:, place[0]] = 1  # of the unit with respect to itself
    top, left = place[1:]
    for depth in range(field.depth, 0, -1):
        layer, before = network.layers[depth - 1].module, values[depth - 1]
        if before.ndim == 2 or gradient.ndim == 2:  # fully connected, or Flatten: all of it
            gradient, top, left = _input_gradient(layer, before, gradient), 0, 0
            continue
        window = windows.get(depth, Row("", ""))
        patch = _patch(before, (top, left), gradient.shape[2:], window)
        if patch.values.numel() == 0:  # the unit sees nothing but padding
            return torch.zeros(network.shape[1:])
        gradient = _input_gradient(_without_padding(layer), patch.values, gradient, patch.border)
        top, left = patch.top, patch.left
    whole = torch.zeros(network.shape[1:])
    height, width = gradient.shape[2:]
    whole[top : top + height, left : left + width] = gradient.abs().sum(dim=1).mean(dim=0)
    return whole


@dataclass(frozen=True)
class Patch:
    """A part of maps: values (N, C, h, w), from this row and column on.

    border: the padding that belongs around it, in the order of `F.pad`.
    """

    values: torch.Tensor
    top: int
    left: int
    border: list[int]


def _patch(before: torch.Tensor, start: tuple[int, int], size: torch.Size, window: Row) -> Patch:
    """The part of maps (N, C, H, W) that outputs of a window see.

    start, size: the first row and column of the outputs, and how many of each.
    """
    border: list[int] = []
    parts = []
    for first, count, side in zip(start, size, before.shape[2:], strict=True):
        begin = first * window.stride - window.padding
        end = begin + (count - 1) * window.stride + window.kernel
        parts.append(slice(max(begin, 0), min(end, side)))
        border = [max(-begin, 0), max(end - side, 0), *border]  # the last axis comes first
    rows, columns = parts
    return Patch(before[:, :, rows, columns], rows.start, columns.start, border)


def _without_padding(layer: nn.Module) -> nn.Module:
    unpadded = copy.copy(layer)
    if isinstance(unpadded, nn.Conv2d):
        unpadded.padding = (0, 0)
    elif isinstance(unpadded, nn.MaxPool2d | nn.AvgPool2d):
        unpadded.padding = 0
    return unpadded


def _input_gradient(
    layer: nn.Module, before: torch.Tensor, gradient: torch.Tensor, border: list[int] | None = None
) -> torch.Tensor:
    """The gradient with respect to what a layer is given, from that of what it makes."""
    outside = -torch.inf if isinstance(layer, nn.MaxPool2d) else 0.0
    with torch.enable_grad():
        x = before.clone().requires_grad_(True)
        y = layer(F.pad(x, border, value=outside) if border and any(border) else x.clone())
        return torch.autograd.grad(y, x, gradient)[0]


def reach(gradient: torch.Tensor) -> tuple[int, int, int]:
    """Of a gradient (H, W): the sides of the smallest box around what is not 0, and its count."""
    rows, columns = gradient.nonzero(as_tuple=True)
    if not len(rows):
        return 0, 0, 0
    height, width = (int(axis.max() - axis.min()) + 1 for axis in (rows, columns))
    return height, width, len(rows)


class ReceptiveField(panel.Panel):
    """Choose a unit: the square of pixels that it can see, and what its gradient says of it.

    model: a network whose layers come one after the other (Conv2d, pooling, batch normalisation,
    Linear), by default a LeNet with random weights, as in lesson 14. image: uint8 (C, H, W), a
    picture to look at, by default the course's digit. shape: (C, H, W) of the network's images,
    by default sides of 32 or else 28.

    Raises ValueError for a network that is no such chain, or has no convolution or pooling, and
    for an image that is larger than its images.
    """

    def __init__(
        self,
        model: nn.Module | None = None,
        *,
        image: torch.Tensor | None = None,
        shape: Shape | None = None,
    ) -> None:
        self._default = model is None
        self.network = chain(_lenet() if model is None else model, shape)
        self.fields = {field.name: field for field in fields(self.network)}
        self._image = _fitted(sample_digit()[0] if image is None else image, self.network.shape)
        asked = _field_of_question(list(self.fields.values()))
        longest = max(field.places for field in self.fields.values()) - 1
        last_map = max(field.maps for field in self.fields.values()) - 1
        self._layer = asked.name
        middle = asked.places // 2
        super().__init__(
            {"layer": asked.name, "map": 0, "row": middle, "column": middle},
            title="Receptive field",
            question=_question(asked, list(self.fields.values()), self.network.name),
            controls=[
                panel.choice("layer", "layer", list(self.fields)),
                panel.number("map", "map", 0, last_map),
                panel.slider("row", "row", 0, longest, 1),
                panel.slider("column", "column", 0, longest, 1),
            ],
            moves={"brackets": "layer", "arrows": "column", "upright": "row"},
            picks="click a unit",
        )

    def gradient(self, layer: str, place: Place) -> torch.Tensor:
        """`measured` in the view's random images, for a layer's unit (map, row, column)."""
        return measured(self.network, self.fields[layer], place, self._values)

    @cached_property
    def _values(self) -> list[torch.Tensor]:
        """Random images, and what the layers make of them."""
        numbers = math.prod(self.network.shape)
        numbers += sum(math.prod(layer.shape) for layer in self.network.layers)
        image_count = max(16, min(IMAGES, NUMBERS // numbers))
        generator = torch.Generator().manual_seed(0)
        images = torch.randn(image_count, *self.network.shape, generator=generator)
        return self.network.values(images)

    def _rendered(self, turn: int) -> tuple[dict, bytes]:
        self.values = self._moved(self.values)
        return super()._rendered(turn)

    def _moved(self, values: dict) -> dict:
        """In another layer the unit in the middle is taken; never one that is not there."""
        field = self.fields.get(values["layer"])
        if field is None:
            return values
        if field.name != self._layer:
            values = values | {"row": field.places // 2, "column": field.places // 2}
            self._layer = field.name
        return values | {name: min(values[name], last) for name, last in _last(field).items()}

    def render(self, values: dict, answered: bool) -> dict:
        field, place = self._unit(values)
        rows = [_cells(each, values["layer"], answered) for each in self.fields.values()]
        content = {
            "limits": _last(field),
            "table": {"head": HEAD, "rows": rows},
        }
        unit = f"{field.name}, map {place[0]}, row {place[1]}, column {place[2]}"
        if not answered:
            alt = "The image that the unit looks at; how much of it the unit sees is not shown yet."
            figure = self._figure(field, place, None)
            return {**content, "sentence": f"The unit: {unit}.", "figure": figure, "alt": alt}
        gradient = self.gradient(field.name, place)
        sentence = f"{unit}: {self._sees(field, place, gradient)}"
        alt = f"On the image the unit's square, and a dot for each unit of its map. {sentence}"
        figure = self._figure(field, place, gradient)
        return {**content, "sentence": sentence, "figure": figure, "alt": alt}

    def pick(self, values: dict, x: float, y: float) -> dict:
        """The unit whose field has its middle nearest to there; in the left image alone."""
        field, (height, width) = self.fields[values["layer"]], self.network.shape[1:]
        if not (0 <= x <= width and 0 <= y <= height):
            return {}
        indices = (round((pixel - field.middle(0)) / field.jump) for pixel in (y, x))
        return {
            name: min(max(unit, 0), field.places - 1)
            for name, unit in zip(("row", "column"), indices, strict=True)
        }

    def _unit(self, values: dict) -> tuple[Field, Place]:
        if values["layer"] not in self.fields:
            known = ", ".join(self.fields)
            raise ValueError(f"there is no layer {values['layer']!r}; there are {known}.")
        field = self.fields[values["layer"]]
        return field, (
            _unit_index(field, "map", values["map"]),
            _unit_index(field, "row", values["row"]),
            _unit_index(field, "column", values["column"]),
        )

    def _sees(self, field: Field, place: Place, gradient: torch.Tensor) -> str:
        """What the formula and the gradient say, in words."""
        box = self.visible(field, place)
        pixels = round(box.height * box.width)
        hidden = f", {field.side**2 - pixels} of them padding" if pixels < field.side**2 else ""
        height, width, count = reach(gradient)
        image_count = len(self._values[0])
        if not count:
            found = (
                f"in all {image_count} random images its gradient is 0, as the unit was off in each"
            )
        else:
            found = (
                f"in {image_count} random images the gradient reaches {height} × {width}, "
                f"{count} of {pixels} pixels"
            )
        return f"by formula {field.side} × {field.side} pixels{hidden}; {found}."

    def visible(self, field: Field, place: Place) -> "Box":
        """What the unit at (map, row, column) sees of the image, without the padding."""
        height, width = self.network.shape[1:]
        return _box(field, place).inside(Box(0, 0, height, width))

    def _figure(self, field: Field, place: Place, gradient: torch.Tensor | None) -> Figure:
        """The field on the image, beside it the gradient (None: it is not to be seen yet)."""
        figure, axes = drawing.blank_axes(5.9, 2.9)
        height, width = self.network.shape[1:]
        shown = Box(0, 0, height, width)
        if gradient is not None:
            shown = shown.around(_box(field, place))  # with what is seen of the padding
        unit = shown.unit
        across = shown.width + 2.5 * unit  # from one panel to the next
        grey = self._image.float().mean(dim=0).numpy()
        _picture(axes, grey, 0, "gray", 255)
        axes.text(0, shown.top - unit, "the image", fontsize=14, va="bottom")
        if gradient is None:
            axes.add_patch(Rectangle((across, 0), width, height, fill=False, edgecolor="0.6"))
            middle = (across + width / 2, height / 2)
            axes.text(*middle, "?", fontsize=60, ha="center", va="center")
        else:
            _draw_gradient(axes, gradient, shown, across)
            _draw_units(axes, field, place)
            for shift in (0, across):
                axes.add_patch(_frame(_box(field, place), shift))
        axes.set(
            xlim=(shown.left - 0.6 * unit, across + shown.right + 3.8 * unit),
            ylim=(shown.bottom + 0.6 * unit, shown.top - 3.2 * unit),
        )
        axes.set_aspect("equal", anchor="W")
        return figure

    def arithmetic(self) -> str:
        lines = []
        for field in self.fields.values():
            line = f"{field.name}: kernel {field.kernel}, stride {field.stride}, "
            line += f"jump {field.jump}, field {field.side} × {field.side}"
            if self._default:  # the gradients of a trained network differ by machine
                middle = field.places // 2
                height, width, _ = reach(self.gradient(field.name, (0, middle, middle)))
                line += f", by gradient {height} × {width}"
            lines.append(line)
        return "\n".join(lines)


def _unit_index(field: Field, name: str, value: object) -> int:
    """The value, if a map, row or column of the layer has that number; otherwise ValueError."""
    index = drawing.whole(value, name, at_least=0)
    last = _last(field)[name]
    if index > last:
        raise ValueError(f"{field.name} has no {name} {index}; they go from 0 to {last}.")
    return index


def _last(field: Field) -> dict[str, int]:
    """The last map, row and column of a layer's units."""
    return {"map": field.maps - 1, "row": field.places - 1, "column": field.places - 1}


def _lenet() -> nn.Module:
    """LeNet with random weights, always the same ones; the random numbers of others stay."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(1)
        return LeNet()


def _fitted(image: torch.Tensor, shape: Shape) -> torch.Tensor:
    """A picture, uint8 (C, H, W), with black around it as far as the network's images go."""
    if not isinstance(image, torch.Tensor) or image.ndim != 3 or image.dtype != torch.uint8:
        raise ValueError("the image has to be uint8 of shape (C, H, W).")
    if len(image) == 1:
        image = image.expand(shape[0], -1, -1)  # grey in all channels
    missing = [shape[1] - image.shape[1], shape[2] - image.shape[2]]
    if len(image) != shape[0] or min(missing) < 0:
        raise ValueError(f"an image of {tuple(image.shape)} does not fit into {shape}.")
    top, left = missing[0] // 2, missing[1] // 2
    return F.pad(image, (left, missing[1] - left, top, missing[0] - top))


def _field_of_question(layers: list[Field]) -> Field:
    """The second convolution, if there is one; otherwise the last layer with a window."""
    second = [field for field in layers if field.name == "conv 2"]
    return (second or [field for field in layers if not field.name.startswith("fc")])[-1]


def _question(asked: Field, layers: list[Field], name: str) -> dict:
    """The side of one layer's field; the sides of all layers to choose from."""
    sides = {field.side for field in layers}
    # With few layers, what one might take for it: the kernel alone, and one step more.
    sides |= {asked.kernel, asked.side + 2, 2 * asked.side} if len(sides) < 4 else set()
    return {
        "question": f"{name}: one unit of {asked.name}. "
        "How many pixels is the side of its receptive field?",
        "choices": sorted(sides),
        "solution": asked.side,
        "explain": f"{asked.why_side}.",
    }


def _cells(field: Field, layer: str, answered: bool) -> list:
    here = field.name == layer
    name = {"text": field.name, "strong": here, "set": {"layer": field.name}}
    cells = [name, str(field.kernel), str(field.stride)]
    if not answered:
        return [*cells, "?", "?"]
    return [
        *cells,
        {"text": str(field.jump), "why": f"{field.name}, jump: {field.why_jump} pixels."},
        {
            "text": str(field.side),
            "strong": here,
            "why": f"{field.name}, field: {field.why_side} pixels (the field before, "
            "and kernel − 1 more steps of the jump before).",
        },
    ]


# --- the figure ------------------------------------------------------------------------------


@dataclass(frozen=True)
class Box:
    """A rectangle of the figure, in pixels of the image."""

    top: float
    left: float
    bottom: float
    right: float

    @property
    def height(self) -> float:
        return self.bottom - self.top

    @property
    def width(self) -> float:
        return self.right - self.left

    @property
    def unit(self) -> float:
        """The width of the gaps in a figure that shows this box."""
        return max(self.height, self.width) / 32

    def inside(self, other: "Box") -> "Box":
        """What both have in common."""
        return Box(
            top=max(self.top, other.top),
            left=max(self.left, other.left),
            bottom=min(self.bottom, other.bottom),
            right=min(self.right, other.right),
        )

    def around(self, other: "Box") -> "Box":
        """The smallest box that holds both."""
        return Box(
            top=min(self.top, other.top),
            left=min(self.left, other.left),
            bottom=max(self.bottom, other.bottom),
            right=max(self.right, other.right),
        )


def _box(field: Field, place: Place) -> Box:
    """What the unit at (map, row, column) sees."""
    top, left = field.rows(place[1])[0], field.rows(place[2])[0]
    return Box(top, left, top + field.side, left + field.side)


def _draw_gradient(axes: Axes, gradient: torch.Tensor, shown: Box, across: float) -> None:
    """The gradient with its scale, so far to the right of the image. shown: what of it is seen."""
    unit = shown.unit
    largest = float(gradient.max())
    _picture(axes, gradient.numpy(), across, "cividis", largest or 1)
    axes.text(across, shown.top - unit, "mean |gradient|", fontsize=14, va="bottom")
    left = across + shown.right + unit
    _draw_scale(axes, Box(shown.top, left, shown.bottom, left + unit), largest)


def _draw_units(axes: Axes, field: Field, place: Place) -> None:
    """A dot in the middle of what each unit of the map sees, a large one for that which is seen."""
    middles = [field.middle(index) for index in range(field.places)]
    y, x = zip(*product(middles, middles), strict=True)
    axes.plot(x, y, ".", color=BLUE, markersize=max(2, min(7, 2 * field.jump)))
    axes.plot(
        middles[place[2]],
        middles[place[1]],
        "o",
        color=drawing.ORANGE,
        markeredgecolor="black",
        markersize=10,
    )


def _frame(box: Box, shift: float) -> Rectangle:
    """A frame, moved to the right; that it is clear on white as well as on black, it is orange."""
    return Rectangle(
        (box.left + shift, box.top),
        box.width,
        box.height,
        fill=False,
        edgecolor=drawing.ORANGE,
        linewidth=3.5,
    )


def _picture(axes: Axes, values: np.ndarray, left: float, colours: str, largest: float) -> None:
    """Values (H, W) as pixels of side 1, their upper left corner at row 0 and column left."""
    height, width = values.shape
    extent = (left, left + width, height, 0)
    axes.imshow(values, cmap=colours, vmin=0, vmax=largest, extent=extent)


def _draw_scale(axes: Axes, box: Box, largest: float) -> None:
    """The colours of the gradient from 0, below, to the largest."""
    steps = np.linspace(1, 0, 64)[:, None]
    extent = (box.left, box.right, box.bottom, box.top)
    axes.imshow(steps, cmap="cividis", vmin=0, vmax=1, extent=extent)
    beside = box.left + 1.3 * box.width
    for row, text, anchor in ((box.bottom, "0", "bottom"), (box.top, f"{largest:.1g}", "top")):
        axes.text(beside, row, text, fontsize=12, rotation=90, va=anchor, ha="left")
