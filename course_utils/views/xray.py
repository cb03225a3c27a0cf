"""The X-ray: draw a digit, and see what every layer of a network makes of it."""

import base64
import json
import math
from collections.abc import Callable, Sequence
from itertools import pairwise
from pathlib import Path

import numpy as np
import torch
import traitlets
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from torch import nn

from course_utils import plots
from course_utils.images import Inputs, plain_inputs
from course_utils.internals import places

from . import drawing, networks
from .base import PAGE, View, bundle, standalone, style
from .drawing import bracketed
from .networks import Layer, Network

#: A few strokes for each digit on a pad of 280 × 280, put there by the keys 0 to 9.
DIGITS = json.loads((PAGE / "digits.json").read_text(encoding="utf-8"))
#: What is there at the beginning: the 7, a little to the right of the middle, and above it.
START = [{"width": 20, "points": [[x + 20, y - 10] for x, y in DIGITS["7"][0]["points"]]}]

#: So many layers stand in the still picture, from the first one on.
MOST_COLUMNS = 14


class XRay(View):
    """Draw a digit: every layer's maps and the probabilities follow, and each unit has its sum.

    model: what `describe` takes. inputs: recipe["inputs"] of a checkpoint, by default as the
    course scales images. image: uint8 (1, 28, 28), a picture to begin with in place of the 7.
    classes: their names, by default 0, 1, 2 … centring: whether what is
    drawn is at first prepared as MNIST's digits were; the example, and a picture, are not.

    What is being drawn can be read as `digit`. What the backward side of the page changes, weights
    or the picture, is changed there alone. The model is copied: one that learns more later
    is seen in a new X-ray. Raises ValueError as `describe` does, and for another shape of image.
    """

    _esm = bundle("xray.js")
    _css = style("xray.css", "gradients.css")

    network = traitlets.Dict().tag(sync=True)
    drawn = traitlets.Bytes().tag(sync=True, from_json=lambda value, widget: bytes(value))
    #: What Python has put on the pad, and how often it did.
    sent = traitlets.Dict().tag(sync=True)

    def __init__(
        self,
        model: nn.Module,
        inputs: Inputs | None = None,
        *,
        image: torch.Tensor | None = None,
        classes: Sequence[str] | None = None,
        centring: bool = True,
    ) -> None:
        self._network, scaling = _read(model, inputs)
        described = _described(self._network, scaling, classes) | _pad(image, centring)
        pixels = rasterized(START) if image is None else image.numpy()
        super().__init__(network=described, drawn=pixels.tobytes())
        self._first_digit = torch.from_numpy(pixels.copy()).view(1, 28, 28)

    @property
    def digit(self) -> torch.Tensor:
        """What is drawn, as the page has prepared it: uint8 (1, 28, 28)."""
        return torch.tensor(list(self.drawn), dtype=torch.uint8).view(1, 28, 28)

    def show(self, image: torch.Tensor) -> None:
        """Put a picture on the pad, uint8 (1, 28, 28); ValueError for another."""
        strokes = starting_strokes(image)
        with self.hold_sync():
            self.drawn = image.cpu().numpy().tobytes()
            self.sent = {"turn": self.sent.get("turn", 0) + 1, "drawing": strokes}

    def probabilities(self, digit: torch.Tensor) -> torch.Tensor:
        """What the network says in torch of a digit, uint8 (1, 28, 28): float32 (classes,)."""
        return self.layer_values(digit)[-1].softmax(dim=1)[0]

    def arithmetic(self) -> str:
        shapes = [("input", self.network["input"])]
        shapes += [(layer["name"], layer["shape"]) for layer in self.network["layers"]]
        lines = [f"{name:12} {' × '.join(map(str, shape))}" for name, shape in shapes]
        chances = self.probabilities(self._first_digit)
        best = int(chances.argmax())
        name = self.network["classes"][best]
        lines.append(f"most probable: {name}, probability {chances[best]:.4f}")
        return "\n".join([*lines, *self._backward_lines(best)])

    def _backward_lines(self, best: int) -> list[str]:
        """Where the way back begins for the first digit, and one step of it as a sum.

        That is the gradient of its most probable class's loss, at that class's logit; and, where
        the last layer is a linear one, at the most active of the units that feed it.
        """
        values = self.layer_values(self._first_digit)
        chances = values[-1][0].double().softmax(dim=0)
        slopes = chances - nn.functional.one_hot(torch.tensor(best), len(chances))
        start = f"{chances[best]:.4f} − 1 = {slopes[best]:.3g}"
        name = self.network["classes"][best]
        lines = [f"backward, loss for {name}: at its logit p − y = {start}"]
        last = self.shown_layers[-1].module
        if isinstance(last, nn.Linear):
            unit = int(values[-2].flatten().argmax())
            factors = last.weight[:, unit].double()
            products = factors * slopes
            order = products.abs().argsort(descending=True)
            ways = [
                f"{factors[k]:.4f} · {bracketed(slopes[k].item(), _three_digits)}"
                for k in order[:2]
            ]
            rest = products[order[2:]].sum()
            total = f"{bracketed(rest.item(), _three_digits)} = {products.sum():.3g}"
            lines.append(f"before the last layer, unit {unit}: {' + '.join(ways)} + {total}")
        return [drawing.minus(line) for line in lines]

    def picture(self) -> bytes:
        """The digit to begin with, all maps in columns from left to right, the probabilities."""
        first, *values = self.layer_values(self._first_digit)
        names = [layer["name"] for layer in self.network["layers"]]
        columns = [_column(value[0].numpy()) for value in values][:MOST_COLUMNS]
        ratios = [0.8, *(max(0.13, column.shape[1] / column.shape[0]) for column in columns), 0.6]
        figure = Figure(figsize=(13, 4.8), layout="constrained")
        figure.suptitle(
            "Predict: the drawing moves up by 4 pixels. What does the network read then?"
        )
        input_axes, *axes, bars = figure.subplots(1, len(ratios), width_ratios=ratios)
        input_axes.imshow(first[0, 0].numpy(), cmap="gray")
        input_axes.set_title("what the\nnetwork sees")
        input_axes.set_axis_off()
        for ax, name, column in zip(axes, names, columns, strict=False):
            _draw_column(ax, name, column)
        self._draw_probabilities(bars)
        return drawing.small_png(figure, dpi=64)

    @property
    def layers(self) -> list[Layer]:
        """Copies of the network's layers, in their order."""
        return self._network.layers

    @property
    def shown_layers(self) -> list[Layer]:
        """The layers that have a column; others do nothing to the numbers."""
        return [layer for layer in self.layers if _shown(layer)]

    def _draw_probabilities(self, axes: Axes) -> None:
        chances = self.probabilities(self._first_digit).numpy()
        axes.barh(range(len(chances)), chances, color="#0072B2")
        axes.set_yticks(range(len(chances)), drawing.writable(self.network["classes"]))
        axes.invert_yaxis()
        axes.set(xlim=(0, 1.02), xlabel="probability", title="softmax")
        axes.spines[["top", "right"]].set_visible(False)

    def layer_values(self, digit: torch.Tensor) -> list[torch.Tensor]:
        """The input made of a digit, and what each layer that is shown makes of it."""
        pad = nn.functional.pad(digit[None].float() / 255, [self.network["pad"]] * 4)
        x = (pad - self.network["mean"]) / self.network["std"]  # (1, 1, H, W)
        values = self._network.values(x)[1:]
        layers = zip(self.layers, values, strict=True)
        return [x, *(value for layer, value in layers if _shown(layer))]


def export_xray(
    model: nn.Module,
    path: str | Path,
    inputs: Inputs | None = None,
    *,
    classes: Sequence[str] | None = None,
    centring: bool = True,
    note: str = "",
) -> Path:
    """Write the X-ray of a network, its weights included, as one page for any browser.

    The page needs no network, no kernel and no other file. Arguments and errors are those of
    `XRay`, but for the image, and PlaceError, an OSError, where the file cannot be written.
    note: a sentence that stands below the view. Returns the path.
    """
    network = {**describe(model, inputs, classes), **_pad(None, centring)}
    title = f"X-ray of {network['name']}"
    page = standalone(title, bundle("xray.js"), XRay._css, {"network": network}, note)
    path = Path(path)
    with places.writing(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(page, encoding="utf-8")
    return path


def describe(
    model: nn.Module, inputs: Inputs | None = None, classes: Sequence[str] | None = None
) -> dict:
    """A network as JSON: its layers in order, their numbers as base64 of little-endian float32.

    model: takes (N, 1, H, W) and returns logits (N, classes); its layers come one after the
    other, as in nn.Sequential and in the course's networks, and are Conv2d, MaxPool2d,
    AvgPool2d, ReLU, BatchNorm2d, Flatten, Linear, Dropout or Identity. The last two do nothing
    in eval() and are left out, as is Flatten; batch normalisation becomes a factor and a shift
    for each channel. The model is not changed, and may be on any device.
    inputs: "pad", "mean" and "std" of its pictures, as in a checkpoint's recipe["inputs"]; by
    default 0.5 and 1, and of the paddings 2 and 0 the first that fits.

    Raises ValueError for a layer of another kind, or with an option that the page does not have,
    and names it; for a model that does more than its layers do; and where it and inputs, or
    classes, do not fit.
    """
    return _described(*_read(model, inputs), classes)


def _read(model: nn.Module, inputs: Inputs | None) -> tuple[Network, dict]:
    """A network that takes grey images of 28 × 28 with some padding; its pad, mean and std."""
    scaling = plain_inputs({"mean": 0.5, "std": 1.0, **(inputs or {})})
    pads = [scaling["pad"]] if "pad" in scaling else [2, 0]
    network = networks.read(
        model,
        known=_DESCRIBED,
        shapes=[(1, 28 + 2 * pad, 28 + 2 * pad) for pad in pads],
        advice="The X-ray draws grey images of 28 + 2 · pad pixels a side.",
    )
    pad = (network.shape[1] - 28) // 2
    return network, {"pad": pad, "mean": float(scaling["mean"]), "std": float(scaling["std"])}


def _column(values: np.ndarray) -> np.ndarray:
    """The maps (C, H, W), or units (n,), of a layer as a picture that is higher than wide."""
    maps = values.reshape(len(values), *(values.shape[1:] or (1, 1)))
    count, high, wide = maps.shape
    gap = 1 if high * wide > 1 else 0
    across = max(1, round(math.sqrt(count) / (2.2 if gap else 3)))
    rows = -(-count // across)
    tiles = np.full((rows * across, high + gap, wide + gap), np.nan)
    tiles[:count, :high, :wide] = maps
    return np.block([list(tiles[row * across : (row + 1) * across]) for row in range(rows)])


def _draw_column(axes: Axes, name: str, column: np.ndarray) -> None:
    """A column on the scale of its layer, with the values at the ends of that scale under it."""
    top = float(np.nanmax(np.abs(column))) or 1.0
    signed = bool(np.nanmin(column) < 0)
    low = -top if signed else 0
    axes.imshow(column, cmap=plots.SIGNED if signed else "cividis", vmin=low, vmax=top)
    axes.set_title(name.replace(" ", "\n"))
    axes.set(xticks=[], yticks=[], xlabel=f"\u00b1{top:.2g}" if signed else f"0 to\n{top:.2g}")
    axes.spines[:].set_visible(False)


def _described(network: Network, scaling: dict, classes: Sequence[str] | None) -> dict:
    """What `describe` returns."""
    layers = [
        {"name": layer.name, "shape": list(layer.shape), **describe_layer(layer)}
        for layer in network.layers
        if (describe_layer := _DESCRIBED[type(layer.module)])
    ]
    answer = network.layers[-1].shape
    if len(answer) != 1:
        raise ValueError(f"one number a class is needed at the end, not {list(answer)}: Flatten?")
    names = list(map(str, range(answer[0]) if classes is None else classes))
    if len(names) != answer[0]:
        raise ValueError(f"the network has {answer[0]} classes; {len(names)} are named.")
    return {
        "name": network.name,
        "input": list(network.shape),
        **scaling,
        "classes": names,
        "layers": layers,
    }


def _three_digits(number: float) -> str:
    return f"{number:.3g}"


def _shown(layer: Layer) -> bool:
    return _DESCRIBED[type(layer.module)] is not None


def _conv2d(layer: Layer) -> dict:
    module = layer.module
    assert isinstance(module, nn.Conv2d)
    networks.check_options(layer.name, module, groups=1)
    networks.check_padding(layer.name, module)
    window = networks.window(layer)
    return {
        "kind": "conv2d",
        "weight": _weight(module),
        "bias": _base64(module.bias),
        "stride": list(window.stride),
        "padding": list(window.padding),
    }


def _max_pool(layer: Layer) -> dict:
    return {"kind": "maxPool2d", **_window(layer)}


def _average_pool(layer: Layer) -> dict:
    networks.check_options(layer.name, layer.module, divisor_override=None)
    networks.check_padding(layer.name, layer.module)
    return {"kind": "avgPool2d", **_window(layer)}


def _window(layer: Layer) -> dict:
    window = networks.window(layer)
    return {
        "size": list(window.kernel),
        "stride": list(window.stride),
        "padding": list(window.padding),
    }


def _relu(layer: Layer) -> dict:
    return {"kind": "relu"}


def _batch_norm(layer: Layer) -> dict:
    module = layer.module
    assert isinstance(module, nn.BatchNorm2d)
    if module.running_mean is None or module.running_var is None:
        raise ValueError(f"{layer.name} keeps no running mean, so it has nothing to use in eval().")
    scale = (module.running_var.double() + module.eps).rsqrt()
    if module.affine:
        scale = scale * module.weight
    shift = -module.running_mean * scale + (module.bias if module.affine else 0)
    return {"kind": "affine", "scale": _base64(scale), "shift": _base64(shift)}


def _linear(layer: Layer) -> dict:
    module = layer.module
    assert isinstance(module, nn.Linear)
    return {"kind": "linear", "weight": _weight(module), "bias": _base64(module.bias)}


def _weight(module: nn.Conv2d | nn.Linear) -> dict:
    return {"shape": list(module.weight.shape), "data": _base64(module.weight)}


#: How each layer is described; those that do nothing to the numbers are left out.
_DESCRIBED: dict[type[nn.Module], Callable[[Layer], dict] | None] = {
    nn.Conv2d: _conv2d,
    nn.MaxPool2d: _max_pool,
    nn.AvgPool2d: _average_pool,
    nn.ReLU: _relu,
    nn.BatchNorm2d: _batch_norm,
    nn.Linear: _linear,
    nn.Flatten: None,
    nn.Dropout: None,
    nn.Dropout2d: None,
    nn.Identity: None,
}


def _base64(numbers: torch.Tensor | None) -> str | None:
    if numbers is None:
        return None
    return base64.b64encode(numbers.numpy().astype("<f4").tobytes()).decode()


def _pad(image: torch.Tensor | None, centring: bool) -> dict:
    """What the page needs to know of the pad."""
    return {"digits": DIGITS, "start": starting_strokes(image), "centring": bool(centring)}


def starting_strokes(image: torch.Tensor | None) -> list[dict]:
    """What is on the pad at the beginning: strokes, or a finished picture."""
    if image is None:
        return START
    drawing.check_image(image)
    return [{"picture": image.flatten().tolist(), "points": [[0, 0]]}]


def rasterized(strokes: list[dict], fine: int = 8) -> np.ndarray:
    """The strokes as a picture, uint8 (28, 28): what digit.js makes of them without centring."""
    y, x = np.mgrid[: 28 * fine, : 28 * fine] + 0.5
    ink = np.zeros_like(x)
    for stroke in strokes:
        points = np.array(stroke["points"]) * (fine / 10)
        for (x0, y0), (x1, y1) in pairwise(points):
            dx, dy = x1 - x0, y1 - y0
            along = ((x - x0) * dx + (y - y0) * dy) / (dx * dx + dy * dy)
            along = along.clip(0, 1)
            distance = np.hypot(x - x0 - along * dx, y - y0 - along * dy)
            ink = ink.clip(min=stroke["width"] / 2 * fine / 10 + 0.5 - distance)
    means = ink.clip(0, 1).reshape(28, fine, 28, fine).mean(axis=(1, 3))
    return np.floor(255 * means + 0.5).astype(np.uint8)
