"""A network as a chain of layers with windows, sides and counts: for the ledger and the field."""

import math
from collections import Counter
from dataclasses import dataclass

import torch
from torch import nn

from .xray import _copied, parts

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
    of `Chain.layers` it takes to get there, this one included.
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
    model = _copied(model)
    layers = parts(model, (*_KINDS, *_PASSED))
    if not any(type(layer) in _KINDS for layer in layers):
        raise ValueError("the network has no layer to show: no Conv2d, pooling or Linear.")
    shape, out = _fitting(model, layers, shape)
    in_a_chain = _through(layers, _example(shape))
    alike = in_a_chain is not None and in_a_chain.shape == out.shape
    if not alike or not torch.allclose(in_a_chain, out, atol=1e-5):
        raise ValueError(
            f"{type(model).__name__} does more than its layers, one after the other: only their "
            "chain can be shown."
        )
    counts, rows = Counter(), []
    for depth, layer in enumerate(layers, start=1):
        if type(layer) in _KINDS:
            kind = _KINDS[type(layer)]
            counts[kind] += 1
            rows.append(_row(f"{kind} {counts[kind]}", kind, layer, depth))
    return Chain(type(model).__name__, shape, layers, rows)


def output_side(side: int, kernel: int, stride: int, padding: int, kind: str = "conv") -> int:
    """How many places a window has along a side, as torch counts them (lesson 06).

    Raises ValueError, with a sentence, where there is none.
    """
    padded = side + 2 * padding
    if kernel > padded:
        raise ValueError(
            f"a kernel of {kernel} does not fit into {side} + 2 · {padding} = {padded} values"
        )
    if kind == "pool" and 2 * padding > kernel:
        raise ValueError(
            f"the padding of pooling may be half of its window at most; {padding} is more than "
            f"half of {kernel}"
        )
    return (padded - kernel) // stride + 1


def _fitting(
    model: nn.Module, layers: list[nn.Module], shape: tuple | None
) -> tuple[tuple[int, int, int], torch.Tensor]:
    """The shape of images that the model takes, and what it makes of the example."""
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
            with torch.no_grad():
                return shape, model(_example(shape))
        except (RuntimeError, ValueError) as error:
            problems.append(f"{shape}: {str(error).splitlines()[0]}")
    raise ValueError(
        f"{type(model).__name__} does not take images of {' or of '.join(problems)}. "
        "Give the shape of its images: shape=(C, H, W)."
    )


def _example(shape: tuple[int, int, int]) -> torch.Tensor:
    """Two random images: in black ones a shortcut beside the chain would not be seen."""
    return torch.randn(2, *shape, generator=torch.Generator().manual_seed(0))


def _through(layers: list[nn.Module], x: torch.Tensor) -> torch.Tensor | None:
    try:
        with torch.no_grad():
            for layer in layers:
                x = layer(x.clone())  # an in-place ReLU would change what it is given
    except (RuntimeError, ValueError):
        return None
    return x


def _row(name: str, kind: str, layer: nn.Module, depth: int) -> Row:
    if kind == "fc":
        return Row(name, kind, layer.out_features, bias=layer.bias is not None, depth=depth)
    if kind == "norm":
        return Row(name, kind, bias=layer.affine, depth=depth)
    for option, value in {"dilation": 1, "ceil_mode": False}.items():
        given = getattr(layer, option, value)
        if given not in (value, (value, value)):
            raise ValueError(f"{name}: a layer with {option}={given} cannot be shown.")
    padding = layer.padding
    if isinstance(padding, str):
        padding = [side // 2 if padding == "same" else 0 for side in layer.kernel_size]
        if layer.padding == "same" and any(side % 2 == 0 for side in layer.kernel_size):
            raise ValueError(f'{name}: padding="same" can be shown for kernels of odd sides only.')
    window = {"kernel": layer.kernel_size, "stride": layer.stride, "padding": padding}
    for option, value in window.items():
        sides = {value} if isinstance(value, int) else set(value)
        if len(sides) != 1:
            raise ValueError(f"{name}: only squares can be shown; its {option} is {value}.")
        window[option] = sides.pop()
    if kind == "pool":
        return Row(name, kind, **window, depth=depth)
    bias = layer.bias is not None
    return Row(
        name, kind, layer.out_channels, **window, groups=layer.groups, bias=bias, depth=depth
    )
