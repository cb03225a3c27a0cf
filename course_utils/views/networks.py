"""What a network is: one place takes it apart for every view, and names what cannot be shown."""

import copy
from collections import Counter
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from math import isqrt

import torch
from torch import nn

from .calls import TooLong, as_layer, kind_of, limited, record, set_apart

DIVERGED = "Has its training diverged? Train it anew at a smaller rate, or load saved weights."
_ONLY_CHAINS = "Only a chain of layers can be shown: each takes what the one before gives."

Shape = tuple[int, int, int]
_WINDOWED = (nn.Conv2d, nn.MaxPool2d, nn.AvgPool2d)


@dataclass(frozen=True)
class Layer:
    """A layer under the name that a view shows. shape: of what it makes of one image."""

    name: str
    module: nn.Module
    shape: tuple[int, ...]


@dataclass(frozen=True)
class Network:
    """A network whose layers come one after the other, in this order.

    name: of its class. shape: (C, H, W) of images that it takes. layers: copies on the CPU.
    """

    name: str
    shape: Shape
    layers: list[Layer]

    def values(self, images: torch.Tensor) -> list[torch.Tensor]:
        """Images (N, C, H, W), and what each layer makes of them."""
        values = [images]
        with torch.no_grad():
            for layer in self.layers:
                # An in-place ReLU would change what it is given.
                values.append(layer.module(values[-1].clone()))
        return values


def read(
    model: nn.Module,
    known: Collection[type[nn.Module]],
    shapes: Sequence[Shape] = (),
    advice: str = "",
) -> Network:
    """A model as its layers, with what each makes of images.

    known: the kinds of layers that the view can take. shapes: those that the images may have, of
    which the first is taken that fits; by default sides of 32 or 28, or what the first layer
    needs. advice: what to do where none fits. The model is copied: it is not changed, and may be
    on any device.

    Raises ValueError as `copied` does, for a layer that is not known or has an option that no
    view can show, and names it; where no shape fits; and for a model that does something else
    than its layers, one after the other.
    """
    network = copied(model)
    parts = _parts(network, tuple(known))
    named = _named(parts)
    images = _example(network, shapes or likely_shapes(parts), advice)
    try:
        named = _named(_in_order(network, tuple(known), images))
        values = _checked_values(network, named, images)
    except _NoChain as reason:
        try:  # forward() may run its layers in a way that is not seen
            values = _checked_values(network, named, images)
        except ValueError:
            raise ValueError(str(reason)) from None
    _, *shape = images.shape
    layers = [
        Layer(name, module, tuple(value.shape[1:]))
        for (name, module), value in zip(named, values, strict=True)
    ]
    return Network(type(model).__name__, (shape[0], shape[1], shape[2]), layers)


def copied(model: nn.Module, *, finite: bool = True) -> nn.Module:
    """A copy on the CPU, in float32, that is not learning.

    Raises ValueError for what is no network, for hooks, and for weights that are not there or, if
    they have to be, not finite.
    """
    if not isinstance(model, nn.Module):
        raise ValueError(f"a network of torch is needed, an nn.Module; got {type(model).__name__}.")
    for name, module in model.named_modules():
        if any(nn.parameter.is_lazy(parameter) for parameter in module.parameters(recurse=False)):
            raise ValueError(
                f"{_called(module, name)} has no weights yet: give the network a batch of images "
                "once, then make the view again."
            )
        # They are the reader's: to run them would count, and to leave them out would not be right.
        for hook in (*module._forward_hooks.values(), *module._forward_pre_hooks.values()):
            hook_name = getattr(hook, "__name__", type(hook).__name__)
            raise ValueError(
                f"{_called(module, name)} has a hook ({hook_name}), which may change what the "
                "layer gives and is not shown. Take it off with the remove() of its handle, then "
                "make the view again."
            )
    try:
        copied_model = copy.deepcopy(model).cpu().float().eval().requires_grad_(False)
    except (RuntimeError, NotImplementedError) as error:
        raise ValueError(f"{type(model).__name__} cannot be copied: {first_line(error)}") from None
    if finite:
        check_weights(copied_model)
    return copied_model


def check_weights(model: nn.Module) -> None:
    """Raises ValueError where the weights of a network are not all finite, and names them."""
    for name, values in model.state_dict().items():
        known = isinstance(values, torch.Tensor) and not nn.parameter.is_lazy(values)
        if known and not values.isfinite().all():
            kind = "NaN" if values.isnan().any() else "infinite values"
            raise ValueError(
                f"{type(model).__name__} has {kind} among its weights, in {name}. {DIVERGED}"
            )


def _parts(module: nn.Module, known: tuple[type, ...], where: str = "") -> list[nn.Module]:
    """The layers of a model in order; a ValueError names one that is of no known kind."""
    if type(module) in known:
        return [module]
    # Not children(), which gives a layer that is used twice only once.
    inside = [(name, part) for name, part in module._modules.items() if part is not None]
    if not inside:
        raise ValueError(
            f"{_called(module, where)} cannot be shown. "
            f"These can: {', '.join(kind.__name__ for kind in known)}."
        )
    return [
        layer
        for name, part in inside
        for layer in _parts(part, known, f"{where}.{name}" if where else name)
    ]


class _NoChain(ValueError):
    """Why the calls of a network are no chain of layers."""


def _in_order(
    model: nn.Module, known: tuple[type[nn.Module], ...], images: torch.Tensor
) -> list[nn.Module]:
    """The layers of a model in the order of its calls; functions such as F.relu become layers.

    Raises `_NoChain` where they are no chain of known kinds.
    """
    logits(model, images)
    recording = record(copy.deepcopy(model), tuple(images.shape[1:]))
    more = f"{type(model).__name__} does more than its layers, one after the other:"
    layers: list[nn.Module] = []
    for at, call in enumerate(recording.calls):
        if call.sources != [at - 1]:
            names = ["the input" if n < 0 else recording.calls[n].name for n in call.sources]
            raise _NoChain(f"{more} {call.name} takes {' and '.join(names)}. {_ONLY_CHAINS}")
        layer = call.module or as_layer(call)
        if layer is None or type(layer) not in known:
            raise _NoChain(f"{more} it calls {call.written}, which cannot be shown. {_ONLY_CHAINS}")
        layers.append(layer)
    return layers


def _named(layers: list[nn.Module]) -> list[tuple[str, nn.Module]]:
    """Layers with their names; ValueError for one with an option that no view can show."""
    named = list(zip(_names(layers), layers, strict=True))
    for name, layer in named:
        check_options(name, layer, dilation=(1, 1), ceil_mode=False, return_indices=False)
    return named


def _names(layers: list[nn.Module]) -> Iterator[str]:
    """conv 1, ReLU 1, pool 1, conv 2 …, by what each kind is called."""
    counts: Counter[str] = Counter()
    for layer in layers:
        name = kind_of(layer)
        counts[name] += 1
        yield f"{name} {counts[name]}"


def likely_shapes(layers: list[nn.Module]) -> list[Shape]:
    """The shapes that images may have, by the first layer that does not take all."""
    kinds = (*_WINDOWED, nn.BatchNorm2d, nn.Linear)
    first = next((layer for layer in layers if isinstance(layer, kinds)), None)
    if isinstance(first, nn.Linear):
        side = isqrt(first.in_features)
        return [(1, side, side)]
    channels = first.in_channels if isinstance(first, nn.Conv2d) else 1
    return [(channels, 32, 32), (channels, 28, 28)]


def _example(model: nn.Module, shapes: Sequence[Shape], advice: str) -> torch.Tensor:
    """Two random images of the first shape that the model takes; ValueError if there is none."""
    problems = []
    for shape in shapes:
        # In black images a shortcut beside the layers would not be seen.
        images = torch.randn(2, *shape, generator=torch.Generator().manual_seed(0))
        try:
            with limited():
                _answer(model, images)
        except TooLong as error:
            raise ValueError(f"{type(model).__name__} was stopped: {error}.") from None
        except ValueError as error:
            problems.append(f"{shape}: {error}")
        else:
            return images
    tried = " or of ".join(problems)
    raise ValueError(f"{type(model).__name__} does not take images of {tried}. {advice}".rstrip())


def _answer(model: nn.Module, x: torch.Tensor) -> object:
    """What a model returns for images (N, C, H, W); ValueError where it does not take them."""
    try:
        with set_apart():
            return model(x)
    except Exception as error:  # a forward() of the reader's own can raise anything
        raise ValueError(first_line(error)) from None


def logits(model: nn.Module, x: torch.Tensor) -> torch.Tensor:
    """What a model returns for images (N, C, H, W), if it takes them and returns a tensor.

    Otherwise ValueError.
    """
    name, shape = type(model).__name__, tuple(x.shape[1:])
    try:
        y = _answer(model, x)
    except ValueError as error:
        problem = f"{name} does not take images of {shape}: {error}."
        raise ValueError(f"{problem} Do pad, mean and std fit to it?") from None
    if not isinstance(y, torch.Tensor):
        raise ValueError(f"{name} returns a {type(y).__name__}; a tensor of logits is needed.")
    return y


@contextmanager
def evaluating(model: nn.Module) -> Iterator[None]:
    """Inside, the model is in evaluation mode and keeps no gradients; then it is as before."""
    modes = [(module, module.training) for module in model.modules()]
    model.eval()
    try:
        with torch.no_grad():
            yield
    finally:
        for module, mode in modes:  # a part may be in another mode than the whole
            module.training = mode


def _checked_values(
    model: nn.Module, layers: list[tuple[str, nn.Module]], x: torch.Tensor
) -> list[torch.Tensor]:
    """What each of the named layers makes of images (N, C, H, W), one after the other.

    Raises ValueError for a layer that does not follow on the one before it, and where that is not
    what the model does.
    """
    y, values = logits(model, x), []
    for name, layer in layers:
        x = _applied(name, layer, x)
        values.append(x)
    if not y.isfinite().all():
        raise ValueError(
            f"{type(model).__name__} gives NaN or infinite values for random images: its weights "
            f"are too large. {DIVERGED}"
        )
    if x.shape != y.shape or not torch.allclose(x, y, atol=1e-5):
        raise ValueError(
            f"{type(model).__name__} does more than its layers, one after the other. {_ONLY_CHAINS}"
        )
    return values


def _applied(name: str, layer: nn.Module, x: torch.Tensor) -> torch.Tensor:
    if isinstance(layer, nn.Linear) and x.ndim != 2:
        raise ValueError(f"before {name} a Flatten is needed: it is given {tuple(x.shape[1:])}.")
    if isinstance(layer, (*_WINDOWED, nn.BatchNorm2d)) and x.ndim != 4:
        raise ValueError(f"{name} needs maps (C, H, W), and is given {tuple(x.shape[1:])}.")
    try:
        with torch.no_grad():
            return layer(x.clone())  # an in-place ReLU would change what it is given
    except (RuntimeError, ValueError, IndexError) as error:
        reason = first_line(error)
        raise ValueError(f"{name} does not follow on the layer before it: {reason}") from None


def check_options(name: str, layer: nn.Module, **known: object) -> None:
    """Raises ValueError where an option of a layer has another value than the known one."""
    for option, value in known.items():
        if not hasattr(layer, option):
            continue
        given = getattr(layer, option)
        if (pair(given) if isinstance(value, tuple) else given) != value:
            kind = type(layer).__name__
            raise ValueError(f"{name}: a {kind} with {option}={given} cannot be shown.")


def check_padding(name: str, layer: nn.Module) -> None:
    """Raises ValueError where something else is padded than zeros that count as all others."""
    if isinstance(layer, nn.Conv2d):
        check_options(name, layer, padding_mode="zeros")
    if isinstance(layer, nn.AvgPool2d) and pair(layer.padding) != (0, 0):
        check_options(name, layer, count_include_pad=True)


@dataclass(frozen=True)
class Window:
    """What a convolution or pooling looks at, each as (height, width)."""

    kernel: tuple[int, int]
    stride: tuple[int, int]
    padding: tuple[int, int]


def window(layer: Layer) -> Window:
    """The window of a convolution or pooling; ValueError where it is not padded by numbers."""
    module = layer.module
    assert isinstance(module, _WINDOWED)
    kernel = pair(module.kernel_size)
    if not isinstance(module.padding, str):
        padding = pair(module.padding)
    elif module.padding == "valid":
        padding = 0, 0
    elif kernel[0] % 2 and kernel[1] % 2:
        padding = kernel[0] // 2, kernel[1] // 2
    else:
        raise ValueError(
            f'{layer.name}: padding="same" can be shown for kernels of odd sides only.'
        )
    return Window(kernel, pair(module.stride), padding)


def pair(value: int | Sequence[int]) -> tuple[int, int]:
    """Height and width of what torch takes as a number, or as a tuple of one number or two."""
    numbers = [value] if isinstance(value, int) else value
    height, width = numbers if len(numbers) == 2 else 2 * list(numbers)
    return height, width


def first_line(error: BaseException) -> str:
    """What an error says, in one line; its name where it says nothing."""
    return (str(error).splitlines() or [type(error).__name__])[0]


def _called(module: nn.Module, where: str) -> str:
    return f"the layer {type(module).__name__} ({where or 'the model itself'})"
