"""Checks of the exercises of lesson 10, what LeNet sees."""

from collections.abc import Callable, Iterator

import numpy as np
import torch
from torch import nn

from course_utils.exercises.engine import (
    Verdict,
    as_array,
    compare,
    compare_function,
    different,
    exercise,
    same,
)
from course_utils.models import LeNet


def _small() -> nn.Sequential:
    """A network whose ReLU writes over what the convolution has put out."""
    layers = [nn.Conv2d(1, 3, 3), nn.ReLU(inplace=True), nn.Flatten(), nn.Linear(108, 4)]
    return nn.Sequential(*layers).eval()


def _outputs(model: nn.Module, x: torch.Tensor) -> dict[nn.Module, torch.Tensor]:
    """What each layer of a model puts out."""
    kept = {}
    layers = [module for module in model.modules() if not [*module.children()]]
    hooks = [
        layer.register_forward_hook(
            lambda layer, inputs, output: kept.update({layer: output.detach().clone()})
        )
        for layer in layers
    ]
    model(x)
    for hook in hooks:
        hook.remove()
    return kept


def _has_graph(found: object) -> bool:
    if isinstance(found, dict):
        found = [*found.values()]
    if isinstance(found, list | tuple):
        return any(_has_graph(item) for item in found)
    return isinstance(found, torch.Tensor) and found.requires_grad


def _hooks_on(model: nn.Module) -> int:
    return sum(
        len(module._forward_hooks) + len(module._forward_pre_hooks) for module in model.modules()
    )


@exercise(
    correct="The layer's own values, a copy without a graph, and no hook left behind.",
    detach_forgotten="The values are right, but autograd's graph hangs on them and keeps the whole "
    "network's values in memory. Keep output.detach().clone().",
    wrong_layer="These are the values of another layer. Register the hook on the layer that "
    "is given, and on no other.",
    input_recorded="This is what the layer was given. A hook takes (layer, inputs, output): "
    "keep the third.",
    model_output="This is what the whole model puts out. What the layer puts out is seen "
    "only by a hook on that layer.",
    hook_left="The values are right, but your hook is still on the model. register_forward_hook "
    "returns a handle: call its remove().",
    overwritten="A layer behind this one works in place and has written over the values. "
    "detach() does not copy them; detach().clone() does.",
)
def check_record(record: Callable) -> str | Verdict | None:
    """record(model, layer, x): the output of a module of the model, as values alone."""
    if not callable(record):
        return different("a function is expected here.")
    torch.manual_seed(0)
    x, model = torch.randn(2, 1, 32, 32), LeNet().eval()
    left = graph = False
    for place in (3, 0, 5):
        layer = model.features[place]
        outputs = _outputs(model, x)
        found = _values(record(model, layer, x.clone()))
        mistake = _compare_record(found, outputs, layer, model, x)
        if mistake:
            return mistake
        left |= _hooks_on(model) > 0
        graph |= _has_graph(found)
        model = LeNet().eval()
    if graph:
        return "detach-forgotten"
    if left:
        return "hook-left"
    model, x = _small(), torch.randn(2, 1, 8, 8)
    expected = _outputs(model, x)
    found = _values(record(model, model[0], x.clone()))
    if same(found, expected[model[0]].relu()):
        return "overwritten"
    return compare(found, expected[model[0]], name="what you return for another network")


def _values(found: object) -> object:
    found = [*found] if isinstance(found, Iterator) else found
    return [*found.values()] if isinstance(found, dict) else found


def _compare_record(
    found: object,
    outputs: dict[nn.Module, torch.Tensor],
    layer: nn.Module,
    model: nn.Module,
    x: torch.Tensor,
) -> str | Verdict | None:
    if same(found, outputs[layer]):
        return None
    order = [*outputs]
    at = order.index(layer)
    before = outputs[order[at - 1]] if at else x
    if same(found, before) or same(found, before[0]):
        return "input-recorded"
    if same(found, model(x)):
        return "model-output"
    if any(same(found, output) for output in outputs.values()):
        return "wrong-layer"
    if isinstance(found, list | tuple) and not found:
        return different("nothing was recorded: the list is empty. Has the model been run?")
    return compare(found, outputs[layer], name="what you return")


def _along(*axes: int) -> Callable:
    """A scale of its own for each place along the other axes; NaN where all values are equal."""

    def scaled(maps: np.ndarray) -> np.ndarray:
        low, high = maps.min(axis=axes, keepdims=True), maps.max(axis=axes, keepdims=True)
        return (maps - low) / (high - low)

    return scaled


def _shared(maps: np.ndarray) -> np.ndarray:
    """The right scale, but for the case in which all values are equal."""
    return _along(0, 1, 2)(maps)


@exercise(
    correct="The smallest of all values is 0, the largest 1, and a dead map stays dark.",
    divides_by_zero="Where all the values are equal, largest minus smallest is 0, and you divide "
    "by it. Treat that case by itself: give zeros.",
    per_map="Each map has a scale of its own here, so a faint map looks as lively as a strong "
    "one. Take the smallest and the largest value of all the maps together.",
    per_place="The smallest and the largest value are taken along the wrong axis. "
    "There are two numbers for the whole tensor.",
    clipped="Values below 0 or above 1 are cut off: different values become equal. "
    "Shift and stretch instead, so that each stays different from the others.",
    not_shifted="The values are stretched but not shifted: the smallest does not become 0. "
    "Take off the smallest value first, from all.",
    divided_by_maximum="After the smallest value is taken off, the distance from it to the largest "
    "is what becomes 1: divide by high − low, and not by the largest value.",
    bytes="This scale ends at 255. From 0 to 1 is asked for.",
    standardised="This gives mean 0 and standard deviation 1. Asked for is a smallest value of 0 "
    "and a largest of 1.",
)
def check_normalise(normalise: Callable) -> str | Verdict | None:
    """normalise(maps): a tensor (C, H, W) on one scale: smallest of all 0, largest 1."""
    if not callable(normalise):
        return different("a function is expected here.")
    rng = np.random.default_rng(0)
    sizes = np.array([1.0, 5, 0.2]).reshape(3, 1, 1)
    several = [
        torch.tensor(sizes * rng.normal(size=(3, 4, 5)), dtype=torch.float32),
        torch.tensor(sizes * rng.uniform(2, 3, size=(3, 4, 5)) + 1, dtype=torch.float32),
        torch.tensor(-sizes * rng.uniform(2, 3, size=(3, 6, 2)), dtype=torch.float32),
    ]

    def of_arrays(scaled: Callable) -> Callable:
        return lambda maps: scaled(maps.double().numpy())

    with np.errstate(all="ignore"):
        found = compare_function(
            normalise,
            of_arrays(_shared),
            [(maps,) for maps in several],
            [
                (name, of_arrays(scaled))
                for name, scaled in [
                    ("per-map", _along(1, 2)),
                    ("per-place", _along(0)),
                    ("per-place", _along(1)),
                    ("per-place", _along(2)),
                    ("per-place", _along(0, 1)),
                    ("per-place", _along(0, 2)),
                    ("clipped", lambda maps: np.clip(maps, 0, 1)),
                    ("not-shifted", lambda maps: maps / (maps.max() - maps.min())),
                    ("not-shifted", lambda maps: maps / maps.max()),
                    ("not-shifted", lambda maps: maps / np.abs(maps).max()),
                    ("not-shifted", lambda maps: np.maximum(maps, 0) / maps.max()),
                    ("divided-by-maximum", lambda maps: (maps - maps.min()) / maps.max()),
                    ("bytes", lambda maps: 255 * _shared(maps)),
                    ("bytes", lambda maps: np.round(255 * _shared(maps))),
                    ("bytes", lambda maps: np.floor(255 * _shared(maps))),
                    ("standardised", lambda maps: (maps - maps.mean()) / maps.std()),
                    ("standardised", lambda maps: (maps - maps.mean()) / maps.std(ddof=1)),
                ]
            ],
        )
        if found:
            return found
        return _normalise_constant(normalise)


def _normalise_constant(normalise: Callable) -> str | Verdict | None:
    """Three equal maps, of a value that is not 0, of 0, and one map alone."""
    for value, shape in [(2.5, (3, 4, 5)), (0.0, (2, 3, 3)), (-1.0, (1, 2, 2))]:
        maps = torch.full(shape, value)
        try:
            found = _values(normalise(maps))
        except ZeroDivisionError:
            return "divides-by-zero"
        if found is None:
            return different("the function gives None. Is there a `return`?")
        try:
            values = as_array(found)
        except (TypeError, ValueError):
            values = np.zeros(1)
        if not np.isfinite(values).all():
            return "divides-by-zero"
        wrong = compare(found, torch.zeros(shape), name="where all values are equal, your result")
        if wrong:
            return wrong
    return None


def _place(maps: torch.Tensor) -> tuple[int, int, int]:
    return tuple(int(i) for i in np.unravel_index(int(maps.argmax()), maps.shape))


def _turned(*order: int) -> Callable:
    return lambda maps: [_place(maps)[i] for i in order]


def _unravelled(*order: int) -> Callable:
    """The flat place read as if the axes had these lengths."""
    return lambda maps: np.unravel_index(int(maps.argmax()), [maps.shape[i] for i in order])


def _busiest_map(maps: torch.Tensor) -> tuple[int, int, int]:
    """The largest value of the map with the largest sum."""
    channel = int(maps.sum(dim=(1, 2)).argmax())
    return channel, *_place(maps[channel][None])[1:]


def _busiest_place(maps: torch.Tensor) -> tuple[int, int, int]:
    """Where the sum over the maps is largest, and which map is largest there."""
    _, row, column = _place(maps.sum(dim=0)[None])
    return int(maps[:, row, column].argmax()), row, column


@exercise(
    correct="Channel, row, column: the unit can be found again in its map.",
    flat_index="argmax counts through all the values in one long list. Turn its number into "
    "channel, row and column: divmod by H · W, then by W.",
    channel_mixed="The channel and the position are mixed up. The axes of maps are (C, H, W), "
    "so the channel comes first.",
    rows_and_columns="Row and column are exchanged: the axes are (C, H, W), so the row comes "
    "second and the column third.",
    row_length="The channel is right. Within a map each row has W values: divide the rest by W, "
    "the number of columns, not by H.",
    by_sum="You have added up first: the map, or the place, with the largest sum need not hold "
    "the largest single value. Look at all the values at once.",
    magnitude="This is the value farthest from 0, and it is negative in one case. The largest is "
    "asked for, without abs.",
    smallest="This is where the smallest value is.",
    value="This is the largest value itself. Its place is asked for: channel, row and column.",
    from_one="You count from 1. Channels, rows and columns start at 0.",
)
def check_busiest(busiest: Callable) -> str | Verdict | None:
    """busiest(maps): channel, row and column of the largest value of a tensor (C, H, W)."""
    generator = torch.Generator().manual_seed(0)
    cases = []
    for shape, place in [((4, 5, 7), (2, 1, 6)), ((6, 8, 3), (4, 7, 2)), ((3, 4, 9), (0, 3, 5))]:
        maps = torch.rand(shape, generator=generator) - 0.5
        maps[place] = 3.0
        maps[place[0]] -= 0.6  # the unit's map is dark elsewhere
        maps[:, place[1], place[2]] -= 0.3
        maps[1, 2, 1] = -9.0 if shape[0] > 3 else -1.5
        cases.append((maps,))
    return compare_function(
        busiest,
        _place,
        cases,
        [
            ("rows-and-columns", _turned(0, 2, 1)),
            ("channel-mixed", _turned(1, 2, 0)),
            ("channel-mixed", _turned(2, 1, 0)),
            ("channel-mixed", _turned(1, 0, 2)),
            ("channel-mixed", _turned(2, 0, 1)),
            ("row-length", _unravelled(0, 2, 1)),
            ("channel-mixed", _unravelled(1, 2, 0)),
            ("channel-mixed", _unravelled(2, 1, 0)),
            ("flat-index", lambda maps: maps.argmax()),
            ("flat-index", lambda maps: divmod(int(maps.argmax()), maps[0].numel())),
            ("by-sum", _busiest_map),
            ("by-sum", _busiest_place),
            ("magnitude", lambda maps: _place(maps.abs())),
            ("smallest", lambda maps: _place(-maps)),
            ("value", lambda maps: maps.max()),
            ("from-one", lambda maps: [i + 1 for i in _place(maps)]),
        ],
        rtol=0,
    )
