"""A network as a chain of layers with windows, sides and counts: for the ledger and the field."""

import math
from dataclasses import dataclass, replace

import torch
from torch import nn

from . import networks, sizes

#: What changes no shape and has no weights: it stands in no row.
_PASSED = (
    *(nn.ReLU, nn.LeakyReLU, nn.GELU, nn.Sigmoid, nn.Tanh, nn.Flatten, nn.Identity),
    *(nn.Dropout, nn.Dropout2d, nn.LocalResponseNorm, nn.Softmax, nn.LogSoftmax),
)
_KINDS = {
    nn.Conv2d: "conv",
    nn.MaxPool2d: "pool",
    nn.AvgPool2d: "pool",
    nn.BatchNorm2d: "norm",
    nn.Linear: "fc",
}


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
class Chain:
    """A network whose layers come one after the other. shape: (C, H, W) of what goes in."""

    name: str
    shape: tuple[int, int, int]
    layers: list[nn.Module]
    rows: list[Row]


def chain(model: nn.Module, shape: tuple[int, int, int] | None = None) -> Chain:
    """The layers of a model that come one after the other, and its rows.

    shape: (C, H, W) of its images; by default sides of 32 or, where they do not fit, 28. The
    model is copied: it is not changed, and may be on any device.

    Raises ValueError for a layer that cannot be shown, which it names, for a model that does more
    than its layers one after the other, and for images that do not fit.
    """
    model = networks.copied(model)
    layers = networks.parts(model, (*_KINDS, *_PASSED))
    if not any(type(layer) in _KINDS for layer in layers):
        raise ValueError("the network has no layer to show: no Conv2d, pooling or Linear.")
    named = list(zip(networks.names(layers, _KINDS), layers, strict=True))
    rows, first = [], {}
    for depth, (name, layer) in enumerate(named, start=1):
        if type(layer) not in _KINDS:
            continue
        used = first.setdefault(layer, name)
        same = used if used != name and _KINDS[type(layer)] != "pool" else ""
        rows.append(replace(_row(name, layer), depth=depth, same=same))
    shape = _fitting(model, layers, shape)
    networks.chained(model, named, _example(shape))
    return Chain(type(model).__name__, shape, layers, rows)


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


def _fitting(
    model: nn.Module, layers: list[nn.Module], shape: tuple | None
) -> tuple[int, int, int]:
    """The shape of images that the model takes."""
    first = next(layer for layer in layers if type(layer) in _KINDS)
    maps = first.in_channels if isinstance(first, nn.Conv2d) else 1
    if isinstance(first, nn.Linear):
        side = math.isqrt(first.in_features)
        shapes = [(1, side, side)]
    else:
        shapes = [(maps, 32, 32), (maps, 28, 28)]
    if shape is not None:
        if len(shape) != 3 or shape[1] != shape[2] or min(shape) < 1:
            raise ValueError(f"shape is (C, H, W) of a square image; got {tuple(shape)}.")
        shapes = [tuple(shape)]
    problems = []
    for shape in shapes:
        try:
            networks.answer(model, _example(shape))
            return shape
        except ValueError as error:
            problems.append(f"{shape}: {error}")
    raise ValueError(
        f"{type(model).__name__} does not take images of {' or of '.join(problems)}. "
        "Give the shape of its images: shape=(C, H, W)."
    )


def _example(shape: tuple[int, int, int]) -> torch.Tensor:
    """Two random images: in black ones a shortcut beside the chain would not be seen."""
    return torch.randn(2, *shape, generator=torch.Generator().manual_seed(0))


def _row(name: str, layer: nn.Module) -> Row:
    kind = _KINDS[type(layer)]
    if kind == "fc":
        return Row(name, kind, layer.out_features, bias=layer.bias is not None)
    if kind == "norm":
        return Row(name, kind, bias=layer.affine)
    networks.only(name, layer, dilation=(1, 1), ceil_mode=False, return_indices=False)
    padding = networks.convolution_padding(name, layer) if kind == "conv" else layer.padding
    window = {"kernel": layer.kernel_size, "stride": layer.stride, "padding": padding}
    for option, value in window.items():
        height, width = networks.pair(value)
        if height != width:
            raise ValueError(f"{name}: only squares can be shown; its {option} is {value}.")
        window[option] = height
    if kind == "pool":
        return Row(name, kind, **window)
    bias = layer.bias is not None
    return Row(name, kind, layer.out_channels, **window, groups=layer.groups, bias=bias)
