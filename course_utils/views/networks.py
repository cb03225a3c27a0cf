"""Which networks can be shown: one place decides it for every view, and names what cannot be."""

import copy
from collections import Counter
from collections.abc import Iterator, Mapping

import torch
from torch import nn

DIVERGED = "Has its training diverged? Train it anew at a smaller rate, or load saved weights."


def copied(model: nn.Module) -> nn.Module:
    """A copy on the CPU, in float32, that is not learning.

    Raises ValueError for what is no network, for hooks, and for weights that are not there or not
    finite.
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
        copy_ = copy.deepcopy(model).cpu().float().eval().requires_grad_(False)
    except (RuntimeError, NotImplementedError) as error:
        raise ValueError(f"{type(model).__name__} cannot be copied: {first_line(error)}") from None
    check_weights(copy_)
    return copy_


def check_weights(model: nn.Module) -> None:
    """Raises ValueError where the weights of a network are not all finite, and names them."""
    for name, values in model.state_dict().items():
        known = isinstance(values, torch.Tensor) and not nn.parameter.is_lazy(values)
        if known and not values.isfinite().all():
            kind = "NaN" if values.isnan().any() else "infinite values"
            raise ValueError(
                f"{type(model).__name__} has {kind} among its weights, in {name}. {DIVERGED}"
            )


def parts(module: nn.Module, known: tuple[type, ...], where: str = "") -> list[nn.Module]:
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
        for layer in parts(part, known, f"{where}.{name}" if where else name)
    ]


def names(layers: list[nn.Module], called: Mapping[type, str]) -> Iterator[str]:
    """conv 1, ReLU 1, pool 1, conv 2 …, by what each type is called."""
    counts = Counter()
    for layer in layers:
        name = called.get(type(layer), type(layer).__name__)
        counts[name] += 1
        yield f"{name} {counts[name]}"


def answer(model: nn.Module, x: torch.Tensor) -> object:
    """What a model returns for images (N, C, H, W); ValueError where it does not take them."""
    try:
        with torch.no_grad():
            return model(x)
    except Exception as error:  # a forward() of the reader's own can raise anything
        raise ValueError(first_line(error)) from None


def logits(model: nn.Module, x: torch.Tensor) -> torch.Tensor:
    """The same, if it is a tensor; otherwise ValueError."""
    y = answer(model, x)
    if not isinstance(y, torch.Tensor):
        raise ValueError(
            f"{type(model).__name__} returns a {type(y).__name__}; a tensor of logits is needed."
        )
    return y


def chained(
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
            f"{type(model).__name__} does more than its layers, one after the other: only their "
            "chain can be shown. Write it as an nn.Sequential, each layer in the order of use."
        )
    return values


def _applied(name: str, layer: nn.Module, x: torch.Tensor) -> torch.Tensor:
    if isinstance(layer, nn.Linear) and x.ndim != 2:
        raise ValueError(f"before {name} a Flatten is needed: it is given {tuple(x.shape[1:])}.")
    windows = (nn.Conv2d, nn.MaxPool2d, nn.AvgPool2d, nn.BatchNorm2d)
    if isinstance(layer, windows) and x.ndim != 4:
        raise ValueError(f"{name} needs maps (C, H, W), and is given {tuple(x.shape[1:])}.")
    try:
        with torch.no_grad():
            return layer(x.clone())  # an in-place ReLU would change what it is given
    except (RuntimeError, ValueError, IndexError) as error:
        said = first_line(error)
        raise ValueError(f"{name} does not follow on the layer before it: {said}") from None


def only(name: str, layer: nn.Module, **known: object) -> None:
    """Raises ValueError where an option of a layer has another value than the known one."""
    for option, value in known.items():
        given = getattr(layer, option, value)
        if (pair(given) if isinstance(value, tuple) else given) != value:
            kind = type(layer).__name__
            raise ValueError(f"{name}: a {kind} with {option}={given} cannot be shown.")


def only_zeros_around(name: str, layer: nn.Module) -> None:
    """Raises ValueError where something else is padded than zeros that count as all others."""
    if isinstance(layer, nn.Conv2d):
        only(name, layer, padding_mode="zeros")
    if isinstance(layer, nn.AvgPool2d) and pair(layer.padding) != (0, 0):
        only(name, layer, count_include_pad=True)


def convolution_padding(name: str, layer: nn.Conv2d) -> tuple[int, int]:
    """The padding of a convolution in numbers; ValueError where it is not the same on all sides."""
    if layer.padding == "valid":
        return 0, 0
    if layer.padding != "same":
        return layer.padding
    if any(side % 2 == 0 for side in layer.kernel_size):
        raise ValueError(f'{name}: padding="same" can be shown for kernels of odd sides only.')
    return tuple(side // 2 for side in layer.kernel_size)


def pair(value: int | tuple[int, int]) -> tuple[int, int]:
    """Height and width of what torch takes as one number or two."""
    return (value, value) if isinstance(value, int) else tuple(value)


def first_line(error: Exception) -> str:
    """What an error says, in one line; its name where it says nothing."""
    return (str(error).splitlines() or [type(error).__name__])[0]


def _called(module: nn.Module, where: str) -> str:
    return f"the layer {type(module).__name__} ({where or 'the model itself'})"
