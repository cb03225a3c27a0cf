"""Checks of the exercises of lesson 10, what LeNet sees."""

from collections.abc import Callable
from functools import partial

import numpy as np
import torch
from torch import nn
from torch.nn.modules import module as every_module

from course_utils.exercises.engine.checks import (
    Verdict,
    call,
    different,
    exercise,
    function_check,
    mistake,
    observed,
)
from course_utils.exercises.engine.reading import Answer, difference
from course_utils.exercises.journal import lesson_journal
from course_utils.models import LeNet

mine, progress = lesson_journal(__name__)


class _SmallNetwork(nn.Module):
    """Its layers are not made in the order of use; a step between them is no module, in place."""

    def __init__(self) -> None:
        super().__init__()
        self.last, self.first = nn.Linear(3, 2), nn.Linear(2, 3)
        self.first.bias.data = torch.tensor([5.0, -5.0, 0.0])

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.last(self.first(x).relu_())


def _inputs_and_outputs(model: nn.Module, x: torch.Tensor) -> tuple[dict, dict]:
    """What each module of a model takes, and what it puts out."""
    inputs, outputs = {}, {}

    def keep(layer: nn.Module, given: tuple, output: torch.Tensor) -> None:
        inputs[layer], outputs[layer] = given[0].detach().clone(), output.detach().clone()

    hooks = [layer.register_forward_hook(keep) for layer in model.modules()]
    model(x.clone())
    for hook in hooks:
        hook.remove()
    return inputs, outputs


def _hook_places(model: nn.Module) -> list[dict]:
    """All the places where hooks are kept, those for every module included."""
    places = [every_module._global_forward_hooks, every_module._global_forward_pre_hooks]
    for layer in model.modules():
        places += [layer._forward_hooks, layer._forward_pre_hooks, layer._backward_hooks]
    return places


def _state(model: nn.Module) -> list:
    """What record could leave changed, but for hooks."""
    layers = []
    for layer in model.modules():
        forward, attributes = getattr(layer.forward, "__func__", None), {*vars(layer)} - {"forward"}
        layers.append((id(layer), layer.training, forward, attributes))
    weights = model.parameters()
    return layers + [(p.requires_grad, p.grad is None, p.detach().sum().item()) for p in weights]


def _has_graph(found: Answer) -> bool:
    if isinstance(found, list | tuple):
        return any(map(_has_graph, found))
    return isinstance(found, torch.Tensor) and found.requires_grad


@exercise(
    "The layer's own values, a copy without a graph, and the model as it was.",
    [
        mistake(
            "input-recorded",
            "what the layer takes is kept. A hook is given (layer, inputs, output): keep the "
            "third.",
        ),
        mistake(
            "wrong-layer",
            "another layer, or the whole model, is watched. Register the hook on the layer that is "
            "given, and return what it has kept.",
        ),
        mistake(
            "overwritten",
            "the values are kept without a copy: a step behind the layer works in place and writes"
            " over them. detach() does not copy them; detach().clone() does.",
        ),
        observed(
            "detach-forgotten",
            "The values are right, but autograd's graph hangs on them and keeps the whole "
            "network's values in memory. Keep output.detach().clone().",
        ),
        observed(
            "hook-left",
            "The values are right, but a hook is left behind. What registers a hook returns a "
            "handle: call its remove().",
        ),
        observed(
            "model-changed",
            "The values are right, but the model is not as it was: see whether requires_grad, the "
            "mode (train or eval), a layer's forward, a weight or its gradient is left changed, or "
            "something is kept in a layer.",
        ),
    ],
)
def check_record(record: Callable) -> str | Verdict | None:
    """record(model, layer, x): the output of a module of the model, as values alone."""
    torch.manual_seed(0)
    x, fault = torch.randn(2, 1, 32, 32), ""
    for place in ("features.3", "features.0", "features.5", "features", "first"):
        model = _SmallNetwork() if place == "first" else LeNet()
        model.train(place in ("features.5", "first"))
        x = torch.tensor([[1.0, 2.0]]) if place == "first" else x
        layer = model.get_submodule(place)
        inputs, outputs = _inputs_and_outputs(model, x)
        hooks, state = [*map(len, _hook_places(model))], _state(model)
        try:
            found = call(record, model, layer, x.clone(), shown=f"record(model, model.{place}, x)")
            hook_left = [*map(len, _hook_places(model))] != hooks
        finally:
            for number, kept in zip(hooks, _hook_places(model), strict=False):
                for key in [*kept][number:]:
                    del kept[key]
        words = difference(found, outputs[layer], "what you return")
        for wrong_values, code in [
            ([inputs[layer], inputs[layer][0]], "input-recorded"),
            ([outputs[layer].relu()] if place == "first" else [], "overwritten"),
            ([*outputs.values()], "wrong-layer"),
        ]:
            if words and any(not difference(found, wrong) for wrong in wrong_values):
                return code
        if words:
            empty = isinstance(found, list) and not found
            why = " Nothing was recorded: was the model run while the hook was on it?"
            return different(f"for model.{place}, {words}{why if empty else ''}")
        fault = fault or (
            "detach-forgotten" if _has_graph(found) else "hook-left" if hook_left else ""
        )
        fault = fault or ("model-changed" if _state(model) != state else "")
    return fault or None


def _scaled(
    *axes: int, offset: Callable | None = None, divisor: Callable | None = None
) -> tuple[Callable, Callable]:
    """Two rules: with NaN, and with 0, where all values are equal.

    axes: the axes along which smallest and largest value are taken; all of them unless given.
    offset, divisor: of the maps, what is subtracted from them, and what then divides them.
    """

    def rule(maps: torch.Tensor) -> np.ndarray:
        values = maps.double().numpy()
        low = values.min(axis=axes or None, keepdims=True)
        high = values.max(axis=axes or None, keepdims=True)
        subtracted = offset(values) if offset else low
        divided_by = divisor(values) if divisor else high - low
        with np.errstate(all="ignore"):
            return (values - subtracted) / divided_by

    return rule, lambda maps: np.nan_to_num(rule(maps), posinf=0, neginf=0)


def _drawn(*shape: int) -> torch.Tensor:
    generator = torch.Generator().manual_seed(len(shape))
    return torch.randn(shape, generator=generator)


check_normalise = function_check(
    "normalise(maps): a tensor (C, H, W) on one scale: smallest of all 0, largest 1.",
    _scaled()[1],
    [
        (torch.tensor([[[3.0, 1.0], [2.0, 5.0]]]),),
        (torch.tensor([[[-3.0, 1.0, 0.0]], [[-1.0, -2.0, -5.0]]]),),
        (torch.tensor([[[-3.0], [-4.0]], [[-5.0], [-7.0]]]),),
        (torch.full((2, 2, 2), 2.5),),
        (torch.zeros(1, 2, 2),),
        (torch.full((2, 1, 2), -1.0),),
        (_drawn(3, 4, 5) * torch.tensor([1, 5, 0.2]).reshape(3, 1, 1) + 7,),
        (_drawn(3, 6, 2) * 0.1 - 9,),
    ],
    [
        mistake(
            "divides-by-zero",
            "0 is divided by 0: where all the values are equal, largest minus smallest is 0. Treat"
            " that case by itself: give zeros.",
            _scaled()[0],
        ),
        mistake(
            "per-map",
            "each map has a scale of its own, so a faint map looks as lively as a strong one. Take"
            " the smallest and the largest value of all the maps together.",
            *_scaled(1, 2),
        ),
        mistake(
            "per-place",
            "the smallest and the largest value are taken along an axis. There are two numbers for"
            " the whole tensor.",
            *(rule for axes in [(0,), (1,), (2,), (0, 1), (0, 2)] for rule in _scaled(*axes)),
        ),
        mistake(
            "clipped",
            "values below 0 or above 1 are cut off. Then different values become equal: shift and "
            "stretch instead.",
            lambda maps: maps.clamp(0, 1),
        ),
        mistake(
            "not-shifted",
            "the values are stretched, but not shifted. Subtract the smallest value from all of "
            "them, so that it becomes 0.",
            *_scaled(offset=lambda maps: 0),
            *_scaled(offset=lambda maps: 0, divisor=np.max),
            *_scaled(offset=lambda maps: 0, divisor=lambda maps: np.abs(maps).max()),
        ),
        mistake(
            "other-divisor",
            "what divides is not the distance from the smallest value to the largest. After the "
            "smallest is taken off, the largest is high − low, and that is what becomes 1.",
            *_scaled(divisor=np.max),
            *_scaled(divisor=lambda maps: np.abs(maps).max()),
            *_scaled(divisor=lambda maps: maps.max() + maps.min()),
            *_scaled(divisor=lambda maps: 1),
        ),
    ],
    correct="The smallest of all values is 0, the largest 1, and a dead map stays dark.",
)


def _place(maps: torch.Tensor, order: tuple = (0, 1, 2)) -> tuple:
    """Where the largest value is, if the lengths of the axes stand in this order."""
    return np.unravel_index(int(maps.argmax()), [maps.shape[axis] for axis in order])


def _two_steps(*axes: int) -> Callable:
    """The largest value at the largest place of what these axes are summed to."""

    def rule(maps: torch.Tensor) -> tuple:
        sums = maps.sum(dim=axes, keepdim=True)
        return _place(torch.where(sums == sums.max(), maps, -torch.inf))

    return rule


check_busiest = function_check(
    "busiest(maps): channel, row and column of the largest value of a tensor (C, H, W).",
    _place,
    [
        (torch.tensor([[[1.0, 2.0, 3.0], [4.0, 5.0, 0.0]]]),),
        (torch.tensor([[[6.0, 6.5, -1.0], [6.0, 0.0, 5.0]], [[-9.0, 1.0, 8.0], [2.0, 0.0, 1.0]]]),),
        (torch.tensor([[[-3.0, -4.0, -5.0]], [[-9.0, -2.0, -7.0]], [[-4.0, -8.0, -3.5]]]),),
        *((_drawn(channels, 5, 7) * scale - 1,) for channels, scale in [(2, 1), (4, 2), (9, 0.1)]),
        (_drawn(6, 8, 3),),
    ],
    [
        mistake(
            "flat-index",
            "the number of argmax is given as it is, or taken apart only once. It counts through "
            "all the values in one list: divmod by H · W gives the channel, then by W the row.",
            lambda maps: maps.argmax(),
            lambda maps: divmod(int(maps.argmax()), maps[0].numel()),
        ),
        mistake(
            "other-lengths",
            "the list of all values is taken apart by other lengths. The axes are (C, H, W): a map"
            " has H · W values, and a row in it W.",
            *(
                partial(_place, order=order)
                for order in [(0, 2, 1), (1, 2, 0), (2, 1, 0), (2, 0, 1), (1, 0, 2)]
            ),
        ),
        mistake(
            "by-sum",
            "a map, a row or a place is chosen first by its sum or mean. It need not hold the "
            "largest single value: look at all the values at once.",
            *(_two_steps(*axes) for axes in [(1, 2), (0,), (2,), (1,), (0, 1), (0, 2)]),
        ),
    ],
    correct="Channel, row, column: the unit can be found again in its map.",
    rtol=0,
)
