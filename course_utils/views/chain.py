"""A network as a chain of layers with windows, sides and counts: for the ledger and the field."""

from dataclasses import dataclass, replace

from torch import nn

from . import networks, sizes
from .calls import NAMES
from .networks import Layer, Network

#: What changes no shape and has no weights: it stands in no row.
_PASSED = (
    nn.ReLU,
    nn.LeakyReLU,
    nn.GELU,
    nn.Sigmoid,
    nn.Tanh,
    nn.Flatten,
    nn.Identity,
    nn.Dropout,
    nn.Dropout2d,
    nn.LocalResponseNorm,
    nn.Softmax,
    nn.LogSoftmax,
)


@dataclass(frozen=True)
class Row:
    """A layer of the chain: "conv", "pool", "norm" or "fc".

    maps: how many maps, or units, come out; 0 where as many come out as went in. depth: how many
    of `Chain.layers` it takes to get there, this one included. same: the name of an earlier row
    whose layer it is, with its weights.
    """

    name: str
    kind: str
    maps: int = 0
    kernel: int = 1
    stride: int = 1
    padding: int = 0
    groups: int = 1
    bias: bool = True
    depth: int = 0
    same: str = ""


@dataclass(frozen=True)
class Chain(Network):
    """A network with its rows."""

    rows: list[Row]


def chain(model: nn.Module, shape: tuple[int, ...] | None = None) -> Chain:
    """A model as `networks.read` reads it, and its rows.

    shape: (C, H, W) of its images; by default sides of 32 or, where they do not fit, 28.

    Raises ValueError as `networks.read` does, for a network without a layer to show, a window
    that is no square, and a shape that is not that of a square image.
    """
    if shape is not None and (len(shape) != 3 or shape[1] != shape[2] or min(shape) < 1):
        raise ValueError(f"shape is (C, H, W) of a square image; got {tuple(shape)}.")
    network = networks.read(
        model,
        known=(*NAMES, *_PASSED),
        shapes=[] if shape is None else [(shape[0], shape[1], shape[2])],
        advice="Give the shape of its images: shape=(C, H, W).",
    )
    return Chain(network.name, network.shape, network.layers, _rows(network.layers))


def output_side(side: int, kernel: int, stride: int, padding: int, kind: str = "conv") -> int:
    """How many places a window has along a side, as torch counts them (lesson 06).

    Raises ValueError, with a sentence, where there is none.
    """
    if problem := sizes.window_problem(side, kernel, padding, sizes.LAYER):
        raise ValueError(problem)
    if kind == "pool" and 2 * padding > kernel:
        raise ValueError(
            f"the padding of pooling may be half of its window at most; {padding} is more than "
            f"half of {kernel}"
        )
    return sizes.output_size(side, kernel, stride, padding)


def _rows(layers: list[Layer]) -> list[Row]:
    """A row for each layer that has a window or weights."""
    rows: list[Row] = []
    first_names: dict[nn.Module, str] = {}
    for depth, layer in enumerate(layers, start=1):
        if type(layer.module) not in NAMES:
            continue
        first_name = first_names.setdefault(layer.module, layer.name)
        pooled = NAMES[type(layer.module)] == "pool"
        same = "" if pooled or first_name == layer.name else first_name
        rows.append(_row(layer, depth, same))
    if not rows:
        raise ValueError("the network has no layer to show: no Conv2d, pooling or Linear.")
    return rows


def _row(layer: Layer, depth: int, same: str) -> Row:
    name, module = layer.name, layer.module
    if isinstance(module, nn.Linear):
        bias = module.bias is not None
        return Row(name, "fc", module.out_features, bias=bias, depth=depth, same=same)
    if isinstance(module, nn.BatchNorm2d):
        return Row(name, "norm", bias=module.affine, depth=depth, same=same)
    window = networks.window(layer)
    row = Row(
        name,
        NAMES[type(module)],
        kernel=_side(name, "kernel", window.kernel),
        stride=_side(name, "stride", window.stride),
        padding=_side(name, "padding", window.padding),
        depth=depth,
        same=same,
    )
    if isinstance(module, nn.Conv2d):
        bias = module.bias is not None
        return replace(row, maps=module.out_channels, groups=module.groups, bias=bias)
    return row


def _side(name: str, option: str, sides: tuple[int, int]) -> int:
    """The one side of a square; ValueError for another rectangle."""
    if sides[0] != sides[1]:
        raise ValueError(f"{name}: only squares can be shown; its {option} is {sides}.")
    return sides[0]
