"""Checks of the exercises of lesson 14, deeper networks."""

import warnings
from collections.abc import Callable, Sequence
from functools import partial
from operator import add, mul, truediv
from typing import Any

import torch
from torch import nn
from torch.nn import functional as F
from torch.overrides import TorchFunctionMode

from course_utils.exercises.engine.checks import (
    Verdict,
    call,
    different,
    exercise,
    function_check,
    mistake,
    observed,
)
from course_utils.exercises.engine.reading import Answer, short
from course_utils.exercises.journal import lesson_journal

mine, progress = lesson_journal(__name__)


def _field(
    layers: Sequence, start: int = 1, more: int = -1, jumps: Callable = mul, early: bool = False
) -> float:
    """The right answer; each option is a mistake."""
    side, jump = start, 1
    for kernel, stride in layers:
        after = jumps(jump, stride)
        side += (kernel + more) * (after if early else jump)
        jump = after
    return side


check_field = function_check(
    "field(layers): the side of the last receptive field, from a list of (kernel, stride).",
    _field,
    [
        ([(3, 1)],),
        ([(3, 1), (4, 1)],),
        ([(2, 2), (3, 1)],),
        ([(3, 2), (4, 3), (3, 1)],),
        ([(5, 1), (2, 2), (5, 1), (2, 2), (5, 1)],),
        ([(5, 2), (1, 2), (3, 3), (2, 2), (4, 1), (1, 2)],),
    ],
    [
        mistake(
            "stride-ignored",
            "the strides are not used. After a stride of 2 units are 2 pixels apart, so each "
            "later kernel reaches twice as far: multiply the jump by the stride.",
            partial(_field, jumps=lambda jump, stride: 1),
            partial(_field, jumps=lambda jump, stride: 1, start=0),
        ),
        mistake(
            "own-stride-included",
            "a kernel is multiplied by its own stride too. It steps over units of the layer "
            "before: first add to the side, then multiply the jump.",
            partial(_field, early=True),
            partial(_field, early=True, start=0),
            lambda layers: 1 + sum((k - 1) * s for k, s in layers),
        ),
        mistake(
            "starts-from-zero",
            "the side begins at 0. Without any layer a unit is a pixel, and sees 1.",
            partial(_field, start=0),
        ),
        mistake(
            "jump-no-product",
            "the jump is not multiplied up. It is the product of all strides before: jump = jump *"
            " stride.",
            *[
                partial(_field, jumps=other)
                for other in (add, truediv, lambda jump, stride: stride)
            ],
        ),
        mistake(
            "whole-kernel",
            "a kernel of 3 does not add 2 units. The unit that it starts from is counted already, "
            "so it adds kernel − 1.",
            *[partial(_field, more=more) for more in (0, 1, -2)],
            partial(_field, more=0, start=0),
        ),
        mistake(
            "pairs-swapped",
            "kernel and stride change places. The kernel comes first in each pair.",
            lambda layers: _field([pair[::-1] for pair in layers]),
        ),
    ],
    correct="1, then (kernel − 1) jumps more with each layer, and every stride counts later.",
    rtol=0,
)

_NORMALISATIONS = (F.batch_norm, F.group_norm, F.instance_norm, F.layer_norm)
_LARGE = 1000.0


class _ConvolutionRecorder(TorchFunctionMode):
    """Sees the convolutions that a forward runs, and leaves normalisation out of it.

    branch: what the second convolution of 3 × 3 is made to give.
    """

    def __init__(self, branch: float | None = None) -> None:
        super().__init__()
        self.branch = branch
        self.three_by_three: list[tuple[torch.Tensor, ...]] = []
        self.one_by_one: list[tuple[torch.Tensor, ...]] = []

    def __torch_function__(
        self, function: Callable, types: Any, args: tuple = (), kwargs: dict | None = None
    ) -> Any:
        given = (*args, *(kwargs or {}).values())
        result = function(*args, **(kwargs or {}))
        if function in _NORMALISATIONS:
            return given[0]
        if function is not F.conv2d:
            return result
        x, weight = given[:2]
        seen = self.three_by_three if weight.shape[2:] == (3, 3) else self.one_by_one
        seen.append((weight, weight.clone(), x.clone(), result.clone()))
        if seen is self.three_by_three and len(seen) == 2 and self.branch is not None:
            result = torch.full_like(result, self.branch)
        return result


@exercise(
    "Both ways arrive with the same shape, and ReLU comes after their sum.",
    [
        observed(
            "no-projection",
            "The branch gives channels_out maps and x has channels_in: they cannot be added. "
            "Where the numbers differ, x has to pass through a 1 × 1 convolution.",
        ),
        observed(
            "stride-not-in-projection",
            "The branch halves the side, and the 1 × 1 convolution keeps it. Give it the same "
            "stride.",
        ),
        observed(
            "only-for-channels",
            "The branch halves the side, and x keeps it: with stride 2 too the shortcut needs its "
            "1 × 1 convolution.",
        ),
        observed(
            "relu-before-sum",
            "The branch can only add: a ReLU stands before the sum. Add first, and take ReLU of "
            "the sum.",
        ),
        observed("relu-missing", "Where the sum is negative, so is the result: ReLU is missing."),
        observed(
            "relu-missing-inside",
            "The second convolution gets the negative values of the first one: a ReLU is missing "
            "between them. Without it they are no more than one linear map.",
        ),
        observed("no-shortcut", "The result does not depend on the shortcut: x is not added."),
        observed(
            "not-registered",
            "A convolution of the forward is not among the module's parameters(), so no optimiser "
            "trains it. A Python list hides its layers: use nn.ModuleList or nn.Sequential. "
            "Layers are made in __init__, not in forward.",
        ),
    ],
)
def check_my_block(my_block: Callable) -> str | Verdict | None:
    """my_block(channels_in, channels_out, stride): an nn.Module, ReLU(shortcut + branch)."""
    if isinstance(my_block, nn.Module):
        return different("a function or a class is expected: my_block(4, 8, 2) makes a new block.")
    torch.manual_seed(0)
    for sizes in [(4, 4, 1), (3, 5, 1), (4, 2, 1), (1, 3, 1), (3, 5, 2), (4, 4, 2)]:
        model = call(my_block, *sizes)
        if not isinstance(model, nn.Module):
            return different(f"my_block{sizes} should give an nn.Module.")
        found: str | Verdict | None = _look_at_block(model, *sizes)
        if isinstance(found, str) and found not in check_my_block.codes:
            found = different(f"my_block{sizes}: {found}")
        if found:
            return found
    return None


def _close(a: torch.Tensor, b: torch.Tensor) -> bool:
    return a.shape == b.shape and torch.allclose(a, b, rtol=1e-3, atol=1e-2)


def _run(
    model: nn.Module, x: torch.Tensor, branch: float | None = None
) -> tuple[Answer, _ConvolutionRecorder]:
    """What the model gives, or the RuntimeError that it stops with; and what was seen."""
    recorder = _ConvolutionRecorder(branch)

    def forward() -> Answer:
        warnings.simplefilter("ignore")
        try:  # oneDNN is slow on small maps where the cores are busy
            with torch.no_grad(), torch.backends.mkldnn.flags(enabled=False), recorder:
                return model.eval()(x.clone())
        except RuntimeError as error:
            return error

    return call(forward, shown="the module's forward"), recorder


def _look_at_block(model: nn.Module, maps_in: int, maps_out: int, stride: int) -> str | None:
    """The code of a mistake, or another sentence, or None."""
    x = 10 * torch.randn(2, maps_in, 6, 8)
    y, recorder = _run(model, x)
    fault = _look_at_shapes(model, x, y, recorder, (maps_in, maps_out, stride))
    if fault:
        return fault
    before = _weights(recorder)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.mul_(2)
    y, recorder = _run(model, x)
    # With a large number for the branch the result shows the shortcut.
    plus, minus, more = (_run(model, x, branch)[0] for branch in (_LARGE, -_LARGE, 2 * _LARGE))
    branch_fault = _look_at_branch(recorder, before, x)
    sum_fault = _look_at_sum(y, recorder, plus, minus, more)
    return branch_fault or sum_fault or _look_at_shortcut(model, x, plus, recorder, stride)


def _weights(recorder: _ConvolutionRecorder) -> list[torch.Tensor]:
    """The values that the weights of the convolutions had."""
    return [values for _, values, _, _ in recorder.three_by_three + recorder.one_by_one]


def _look_at_shapes(
    model: nn.Module,
    x: torch.Tensor,
    y: Answer,
    recorder: _ConvolutionRecorder,
    sizes: tuple[int, int, int],
) -> str | None:
    """The branch is two convolutions of 3 × 3 with the right sides, and the result has them too."""
    _, maps_out, stride = sizes
    shapes = [x.shape] + 3 * [torch.Size((2, maps_out, 6 // stride, 8 // stride))]
    seen = [part.shape for _, _, *parts in recorder.three_by_three for part in parts]
    if isinstance(y, RuntimeError):
        if seen == shapes and "must match the size" in str(y):
            unmoved = [out.shape == (2, maps_out, 6, 8) for _, _, _, out in recorder.one_by_one]
            if stride > 1 and all(unmoved):
                return "stride-not-in-projection" if unmoved else "only-for-channels"
            if not unmoved and "dimension 1" in str(y):
                return "no-projection"
        call(model, x, shown=f"my_block{sizes}(torch.zeros{tuple(x.shape)})")
    if not isinstance(y, torch.Tensor):
        return f"its forward should give a tensor, and gives {short(y)}."
    if y.shape != shapes[-1]:
        return f"it makes {tuple(y.shape)} of {tuple(x.shape)}; {tuple(shapes[-1])} is expected."
    if seen != shapes:
        steps = [f"{tuple(a)} to {tuple(b)}" for a, b in zip(seen[::2], seen[1::2], strict=True)]
        return (
            f"the branch should be two convolutions of 3 × 3, from {tuple(x.shape)} to "
            f"{tuple(y.shape)}, and that again. Those seen go from {', '.join(steps) or 'nowhere'}."
        )
    return None


def _first_fault(faults: list[tuple[object, str]]) -> str | None:
    return next((words for wrong, words in faults if wrong), None)


def _look_at_branch(
    recorder: _ConvolutionRecorder, before: list[torch.Tensor], x: torch.Tensor
) -> str | None:
    """before: the weights at half their size; those that are registered have doubled since."""
    (first, _, first_in, first_out), (second, _, second_in, _) = recorder.three_by_three
    doubled = all(map(_close, _weights(recorder), [2 * values for values in before]))
    return _first_fault(
        [
            (not doubled, "not-registered"),
            (first is second, "one convolution is used twice; the branch has two."),
            (not _close(first_in, x), "the first convolution should get x as it is."),
            (_close(second_in, first_out), "relu-missing-inside"),
            (not _close(second_in, first_out.relu()), "a ReLU is asked between the convolutions."),
        ]
    )


def _look_at_sum(
    y: torch.Tensor,
    recorder: _ConvolutionRecorder,
    plus: torch.Tensor,
    minus: torch.Tensor,
    more: torch.Tensor,
) -> str | None:
    """plus, minus, more: the result where the branch gives a large number, minus it, twice it."""
    shortcut, branch = plus - _LARGE, recorder.three_by_three[1][-1]
    kept = _close(minus, shortcut) or _close(minus, shortcut.relu())
    return _first_fault(
        [
            (
                not _close(more, plus + _LARGE),
                "more in the branch is not as much more in the result.",
            ),
            (_close(minus, shortcut - _LARGE), "relu-missing"),
            (_close(shortcut, 0 * shortcut), "no-shortcut"),
            (kept, "relu-before-sum"),
            (not _close(y, (shortcut + branch).relu()), "ReLU(shortcut + branch) is asked."),
            (
                minus.any(),
                "ReLU is asked of the sum, and something else is done where it is negative.",
            ),
        ]
    )


def _look_at_shortcut(
    model: nn.Module,
    x: torch.Tensor,
    plus: torch.Tensor,
    recorder: _ConvolutionRecorder,
    stride: int,
) -> str | None:
    """It may change at one place where x does, and a gradient reaches every convolution."""
    shortcut, other = plus - _LARGE, x.clone()
    other[:, :, :stride, :stride] += 10
    moved = (_run(model, other, _LARGE)[0] - plus).abs().amax(dim=(0, 1)) > 1e-2
    local = bool(moved[0, 0] and moved.sum() == 1 and shortcut.min() < 0)
    if x.shape == plus.shape and not recorder.one_by_one:
        local = _close(shortcut, x)
    convolutions = recorder.three_by_three + recorder.one_by_one
    trained = [weight for weight, *_ in convolutions if isinstance(weight, nn.Parameter)]
    result = call(model.train(), x.clone(), shown="the module's forward")
    if isinstance(result, torch.Tensor) and result.requires_grad:
        call(result.sum().backward, shown="backward() through the module")
    without_gradient = any(weight.grad is None for weight in trained)
    wide = any(weight.shape[2:] != (1, 1) for weight, *_ in recorder.one_by_one)
    alike = x.shape[1] == 1 and _close(shortcut, 0 * shortcut + shortcut[:, :1])
    return _first_fault(
        [
            (wide, "the shortcut is not 1 × 1."),
            (
                without_gradient,
                "no gradient reaches some convolution: is there a detach or no_grad in it?",
            ),
            (alike, "x is added to all maps alike: a 1 × 1 convolution is asked."),
            (
                not local,
                "the shortcut should be x or, where the shape changes, a 1 × 1 convolution.",
            ),
        ]
    )


check_stack_weights = function_check(
    "stack_weights(channels, side): the weights of 3 × 3 layers that see side × side pixels.",
    lambda channels, side: (side - 1) // 2 * 9 * channels**2,
    [(1, 3), (2, 3), (2, 5), (3, 7), (5, 9), (64, 7), (16, 5), (32, 15)],
    [
        mistake(
            "channels-once",
            "a kernel looks at one map. It looks at all, so a layer has 9 · channels · channels "
            "weights.",
            lambda channels, side: (side - 1) // 2 * 9 * channels,
        ),
        mistake(
            "side-over-three",
            "there are side / 3 layers. The first one sees 3 pixels, and each further one adds 2.",
            lambda channels, side: side // 3 * 9 * channels**2,
            lambda channels, side: side / 3 * 9 * channels**2,
            lambda channels, side: -(-side // 3) * 9 * channels**2,
        ),
        mistake(
            "one-layer-too-many",
            "one layer too many is counted. The first layer alone sees 3 pixels: a side of 3 needs"
            " one layer, 5 needs two.",
            lambda channels, side: (side + 1) // 2 * 9 * channels**2,
        ),
        mistake(
            "biases-counted",
            "the biases are counted too. These layers have none.",
            lambda channels, side: (side - 1) // 2 * channels * (9 * channels + 1),
        ),
        mistake(
            "one-large-kernel",
            "one kernel is as large as the field. The stack has 3 × 3 kernels only.",
            lambda channels, side: side**2 * channels**2,
        ),
    ],
    correct="(side − 1) / 2 layers of 9 · channels² weights.",
    rtol=0,
)
