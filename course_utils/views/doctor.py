"""Why a network does not run: what the call that fails was given, and the number that would fit."""

import math
from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import nn

from . import networks, sizes
from .calls import BATCH, Call, Recording, TooLong
from .sizes import times

_RESHAPING = {"view", "reshape", "flatten", "squeeze", "ravel"}


@dataclass(frozen=True)
class Diagnosis:
    """What is wrong with a network, in one sentence.

    name: of the call at fault, "" where it is none. torch_message: torch's own error, in one line,
    "" where nothing was raised. path, option, number: what would fit, as Linear's in_features in
    the layer at path, or the size in a call such as view(-1, 400); None where no single number
    does.
    """

    name: str
    sentence: str
    torch_message: str = ""
    path: str = ""
    option: str = ""
    number: int | None = None


@dataclass(frozen=True)
class Finding:
    """A sentence's end, after the name of the call, and what would fit."""

    text: str
    option: str = ""
    number: int | None = None


@dataclass(frozen=True)
class Branch:
    """One of the results that a call joins.

    shape: without the number of inputs. source: which call made it, −1 for the input. one_pixel:
    that call, if it is a convolution of single pixels.
    """

    shape: tuple[int, ...]
    source: int
    one_pixel: nn.Conv2d | None


def diagnose(recording: Recording) -> Diagnosis | None:
    """What is wrong with a network that was recorded; None if it ran, an answer for each input."""
    torch_message = _quoted(recording.error)
    call = recording.failed
    # Rows that belong to no image any more are the cause of what comes after them.
    mixing = next((call for call in recording.calls if _mixes_images(call)), None)
    answered = recording.answer is not None and recording.answer[:1] != (BATCH,)
    if mixing and (recording.error or answered):
        return _diagnosis(mixing, _mixing_finding(mixing), torch_message)
    if recording.error is None:
        return None
    if call is None or isinstance(recording.error, TooLong):
        return Diagnosis("", _between_calls(recording), torch_message)
    finding = _finding(call, recording)
    if swapped := _swapped(call, recording):
        finding = Finding(f"{finding.text} {swapped}", finding.option, finding.number)
    return _diagnosis(call, finding, torch_message)


def _diagnosis(call: Call, finding: Finding, torch_message: str) -> Diagnosis:
    sentence = f"{_subject(call)} {finding.text}"
    return Diagnosis(call.name, sentence, torch_message, call.path, finding.option, finding.number)


def _subject(call: Call) -> str:
    """A call as a sentence names it: "fc 1, Linear(256, 120),", "view(-1, 256)" or "add 1"."""
    if call.module:
        return f"{call.name}, {call.written},"
    return call.written if "(" in call.written else call.name


def _quoted(error: BaseException | None) -> str:
    if error is None or isinstance(error, TooLong):
        return ""
    kind, line = type(error).__name__, networks.first_line(error)
    return kind if line in ("", kind) else f"{kind}: {line}"


def _between_calls(recording: Recording) -> str:
    """What is said where no call of torch failed."""
    where = f"after {recording.calls[-1].name}" if recording.calls else "before its first layer"
    line = f", in the line `{recording.line}`" if recording.line else ""
    if isinstance(recording.error, TooLong):
        return (
            f"{recording.name} was stopped: {recording.error}. Does a loop in its forward() never "
            f"end{line}?"
        )
    return f"{recording.name} fails {where}{line}, and not in a layer."


def _finding(call: Call, recording: Recording) -> Finding:
    given = [shape[1:] for shape in call.given if len(shape)]
    finder = _FINDERS.get(call.function) if len(given) else None
    try:
        finding = finder(call, recording) if finder else None
    except (IndexError, TypeError, ValueError, AttributeError):
        finding = None  # it was called in a way that is not known here
    if isinstance(call.module, nn.BatchNorm2d) and given and len(given[0]) != 3:
        finding = _needs_maps(call, recording)
    if finding:
        return finding
    shapes = " and ".join(map(times, given)) or "nothing that was computed before"
    return Finding(f"cannot take what it is given: {shapes}.")


def _linear(call: Call, recording: Recording) -> Finding | None:
    x, weight = call.arguments[0], call.arguments[1]
    units, wanted = weight.shape
    *places, values = x.shape[1:]
    if not places:
        return Finding(
            f"is given {values:,} values{_origin(call, recording)}: write Linear({values}, "
            f"{units}).",
            option="in_features",
            number=values,
        )
    flat = math.prod(x.shape[1:])
    kind = "maps" if len(places) == 2 else "rows"
    text = f"is given {kind}, {times(x.shape[1:])}, and wants {wanted:,} values in one row: "
    text += "put nn.Flatten() before it"
    if flat == wanted:
        return Finding(f"{text}, which makes {flat:,}.", option="flatten", number=flat)
    return Finding(
        f"{text}, which makes {flat:,}, and write Linear({flat}, {units}).",
        option="flatten",
        number=flat,
    )


def _convolution(call: Call, recording: Recording) -> Finding | None:
    x, weight, _, _, padding, dilation, groups = call.arguments
    if x.ndim != 4:
        return _needs_maps(call, recording)
    maps = x.shape[1]
    if maps != weight.shape[1] * groups:
        changed = call.written.replace(f"({weight.shape[1] * groups},", f"({maps},", 1)
        given = "1 map" if maps == 1 else f"{maps:,} maps"
        return Finding(f"is given {given}: write {changed}.", option="in_channels", number=maps)
    if set(dilation) != {1}:
        return None
    return _too_large(call, x.shape[2:], weight.shape[2:], padding)


def _pooling(call: Call, recording: Recording) -> Finding | None:
    x = call.arguments[0]
    if x.ndim != 4:
        return _needs_maps(call, recording)
    if isinstance(call.module, nn.MaxPool2d | nn.AvgPool2d):
        return _too_large(call, x.shape[2:], call.module.kernel_size, call.module.padding)
    return _too_large(call, x.shape[2:], call.arguments[1], call.options.get("padding", 0))


def _too_large(
    call: Call,
    sides: torch.Size,
    kernel: int | tuple[int, ...],
    padding: int | tuple[int, ...] | str,
) -> Finding | None:
    """A kernel or window that does not fit into maps."""
    kernels = networks.pair(kernel)
    paddings = networks.pair(0 if isinstance(padding, str) else padding)
    words = sizes.Words("window" if "pool" in call.function else "kernel", "map", "values")
    for side, window, edge in zip(sides, kernels, paddings, strict=True):
        if problem := sizes.window_problem(side, window, edge, words):
            fits = side + 2 * edge
            text = (
                f"is given maps of {times(tuple(sides))}, and {problem}: it may be {fits} at most."
            )
            return Finding(text, option="kernel_size", number=fits)
    return None


def _needs_maps(call: Call, recording: Recording) -> Finding:
    """A layer that wants maps and is given something else."""
    shape = call.given[0][1:]
    flattened = _reshaping_above(call, recording)
    values = f"{shape[0]:,} values in a row" if len(shape) == 1 else times(shape)
    if flattened and len(flattened.given[0]) == 4:
        before = f"before {flattened.name}, which is given {times(flattened.given[0][1:])}"
        return Finding(f"wants maps and is given {values}: it belongs {before}.", option="order")
    return Finding(f"wants maps (C, H, W) and is given {values}.")


def _batch_norm(call: Call, recording: Recording) -> Finding | None:
    x = call.arguments[0]
    maps = x.shape[1]
    return Finding(
        f"is given {maps:,} maps: write {type(call.module).__name__}({maps}).",
        option="num_features",
        number=maps,
    )


def _layer_norm(call: Call, recording: Recording) -> Finding | None:
    last = call.arguments[0].shape[-1]
    return Finding(
        f"is given rows of {last:,} values: write LayerNorm({last}).",
        option="normalized_shape",
        number=last,
    )


def _reshape(call: Call, recording: Recording) -> Finding | None:
    if "not compatible with input tensor's size and stride" in str(recording.error):
        text = "finds the numbers in another order in memory: write reshape in place of view."
        return Finding(text)
    return _mixing_finding(call)


def _mixes_images(call: Call) -> bool:
    """Whether a call makes rows that belong to no image alone."""
    made = call.made
    return (
        call.function in _RESHAPING
        and made is not None
        and bool(call.given)
        and call.given[0][:1] == (BATCH,)
        and made[:1] != (BATCH,)
    )


def _mixing_finding(call: Call) -> Finding:
    """A view or flatten that does not keep images apart, with what would."""
    values = math.prod(call.given[0][1:])
    if call.function in ("flatten", "ravel", "squeeze"):
        text = f"mixes images: it makes {times(call.made or ())} of {BATCH} × {values:,} values"
        return Finding(f"{text}: write flatten(1).", option="start_dim", number=1)
    wanted = _sizes(call)
    row = math.prod(size for size in wanted[1:] if size > 0)
    if wanted[:1] == [-1] and len(wanted) == 2:
        rows = f"{BATCH * values / row:.4g}"
        text = f"mixes images: {BATCH} × {values:,} values make {rows} rows of {row:,}"
        return Finding(
            f"{text}: write {call.function}(-1, {values}).", option="size", number=values
        )
    if len(wanted) == 2 and wanted[0] == BATCH:
        text = f"asks for {row:,} values an image, and there are {values:,}"
        return Finding(
            f"{text}: write {call.function}(-1, {values}).", option="size", number=values
        )
    text = f"does not keep images apart: each has {values:,} values, {times(call.given[0][1:])}"
    return Finding(f"{text}, and the sizes after the first have to multiply to {values:,}.")


def _sizes(call: Call) -> list[int]:
    """What a view asks for."""
    given = call.arguments[1:]
    wanted = given[0] if len(given) == 1 and not isinstance(given[0], int) else given
    return [int(size) for size in wanted]


def _join(call: Call, recording: Recording) -> Finding | None:
    """Branches of two shapes that are added, or multiplied."""
    one, other = (
        Branch(shape[1:], source, _one_pixel(recording, source))
        for shape, source in zip(call.given, call.sources, strict=True)
    )
    text = f"joins {times(one.shape)} and {times(other.shape)}, which have to be of one shape"
    if len(one.shape) != 3 or len(other.shape) != 3:
        return Finding(f"{text}.")
    # The shortcut has the larger maps, or is a convolution of single pixels, or was there first.
    shortcut, main = sorted(
        (one, other),
        key=lambda branch: (-branch.shape[1], branch.one_pixel is None, branch.source),
    )
    (made, *sides), (wanted, *wanted_sides) = shortcut.shape, main.shape
    stride = -(-sides[0] // wanted_sides[0])
    if [-(-side // stride) for side in sides] != wanted_sides:
        return Finding(f"{text}.")
    maps = shortcut.one_pixel.in_channels if shortcut.one_pixel else made
    fitting = f"Conv2d({maps}, {wanted}, 1{f', stride={stride}' if stride > 1 else ''})"
    advice = f"put {fitting} on the shortcut"
    if shortcut.one_pixel:
        advice = f"write {fitting} for {recording.calls[shortcut.source].name}"
    return Finding(f"{text}: {advice}.", option="shortcut", number=wanted)


def _one_pixel(recording: Recording, source: int) -> nn.Conv2d | None:
    """The convolution of single pixels that made a result, if one did."""
    layer = recording.calls[source].module if source >= 0 else None
    return layer if isinstance(layer, nn.Conv2d) and layer.kernel_size == (1, 1) else None


def _concatenation(call: Call, recording: Recording) -> Finding | None:
    shapes = " and ".join(times(shape[1:]) for shape in call.given)
    return Finding(f"joins {shapes}, which may differ in one direction only.")


def _product(call: Call, recording: Recording) -> Finding | None:
    one, other = call.arguments[:2]
    return Finding(
        f"is given {times(one.shape)} and {times(other.shape)}: the rows of the first have "
        f"{one.shape[-1]:,} values, so the second has to have {one.shape[-1]:,} rows.",
        option="rows",
        number=one.shape[-1],
    )


_Finder = Callable[[Call, Recording], Finding | None]
#: What is said of each function of torch that fails, its layer's included.
_FINDERS: dict[str, _Finder] = {
    "linear": _linear,
    "conv2d": _convolution,
    "max_pool2d": _pooling,
    "avg_pool2d": _pooling,
    "batch_norm": _batch_norm,
    "layer_norm": _layer_norm,
    **dict.fromkeys(("view", "reshape"), _reshape),
    **dict.fromkeys(("add", "add_", "sub", "mul"), _join),
    **dict.fromkeys(("cat", "concat", "stack"), _concatenation),
    **dict.fromkeys(("matmul", "mm", "bmm"), _product),
}


def _origin(call: Call, recording: Recording) -> str:
    """Where the values in a row come from: " (16 × 5 × 5)", or nothing."""
    flattened = _reshaping_above(call, recording)
    if flattened is None or flattened.made != call.given[0]:
        return ""
    shape = flattened.given[0][1:]
    return f" ({times(shape)})" if len(shape) > 1 else ""


def _reshaping_above(call: Call, recording: Recording) -> Call | None:
    """The nearest of the calls above that reshapes, along the first of the results taken."""
    while call.sources and call.sources[0] >= 0:
        call = recording.calls[call.sources[0]]
        if call.function in _RESHAPING:
            return call
    return None


def _swapped(call: Call, recording: Recording) -> str:
    """A question, where a layer that was not called would fit here, and this one after it."""
    for other in recording.unused:
        fitting, failing = _input_output_sizes(other.module), _input_output_sizes(call.module)
        if not fitting or not failing:
            continue
        if call.given[0][1:2] == fitting[:1] and fitting[1] == failing[0]:
            return f"{other.name}, {other.written}, would fit here: are the two swapped?"
    return ""


def _input_output_sizes(module: nn.Module | None) -> tuple[int, int] | None:
    """How many values, or maps, go into a layer and come out."""
    if isinstance(module, nn.Linear):
        return module.in_features, module.out_features
    if isinstance(module, nn.Conv2d):
        return module.in_channels, module.out_channels
    return None
