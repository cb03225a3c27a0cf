"""The shape ledger: each layer's shape, values, parameters and work, and what changes them."""

import dataclasses
import math
from dataclasses import dataclass, field

from torch import nn

from course_utils.models import LeNet

from . import drawing, panel
from .chain import Chain, Row, chain, output_side
from .networks import Shape

#: The columns with counts, and the colour of the bar behind each number.
COUNTS = {"values": "#A9D0E8", "parameters": "#F5D58C", "work": "#9FDCC8"}
HEAD = ["layer", "maps", "kernel", "stride", "padding", "shape", *COUNTS]
_WINDOW = {"kernel": (1, 64), "stride": (1, 32), "padding": (0, 32)}


@dataclass(frozen=True)
class Count:
    """A number, and how it comes about."""

    number: int
    why: str


@dataclass(frozen=True)
class Entry:
    """A line of the ledger. shape: of what the layer makes of one image. counts: for `COUNTS`.

    Where a layer cannot be, or stands below one that cannot, shape and counts are empty, and
    problem says why. impossible: it is this layer that cannot be.
    """

    name: str
    shape: tuple[int, ...] = ()
    why_shape: str = ""
    counts: dict[str, Count] = field(default_factory=dict)
    problem: str = ""
    impossible: bool = False


def entries(shape: Shape, rows: list[Row]) -> list[Entry]:
    """The ledger of these layers for images of this shape (C, H, W), the input first."""
    ledger = [_input(shape)]
    given: tuple[int, ...] = shape
    problem = ""
    inputs: dict[str, int] = {}
    for row in rows:
        if problem:
            ledger.append(Entry(row.name, problem=f"This row has no input. {problem}"))
            continue
        try:
            entry = _counted_once(row, _entry(row, given), given, inputs)
        except ValueError as error:
            problem = f"{row.name} cannot be: {error}."
            entry = Entry(row.name, problem=problem, impossible=True)
        ledger.append(entry)
        given = entry.shape
    return ledger


def _input(shape: Shape) -> Entry:
    why = _product(shape) + ("" if shape[0] > 1 else ": one map of grey pixels")
    counts = {
        "values": Count(math.prod(shape), why),
        "parameters": Count(0, "nothing is learned"),
        "work": Count(0, "no sums"),
    }
    return Entry("input", shape, why, counts)


def _counted_once(row: Row, entry: Entry, shape: tuple[int, ...], inputs: dict[str, int]) -> Entry:
    """The entry, without weights of its own if its layer has been used before.

    shape: of what the layer is given. inputs: how many inputs, or maps, the weights of each row
    so far are for; this row is added.
    """
    own = math.prod(shape) if row.kind == "fc" else shape[0]
    inputs[row.name] = own
    if not row.same:
        return entry
    if inputs[row.same] != own:
        raise ValueError(
            f"it has the weights of {row.same}, which are for {inputs[row.same]:,} and not for "
            f"{own:,}"
        )
    why = f"It is the layer {row.same} once more: its weights are counted there."
    return dataclasses.replace(entry, counts={**entry.counts, "parameters": Count(0, why)})


def _entry(row: Row, shape: tuple[int, ...]) -> Entry:
    """One layer on what the one before gives; ValueError where it does not fit."""
    if row.kind == "fc":
        return _connected(row, shape)
    if len(shape) != 3:
        raise ValueError(f"it needs maps, and is given {shape[0]} single values")
    maps, side, _ = shape
    if row.kind == "norm":
        return _normalised(row, maps, side)
    return _pooled(row, maps, side) if row.kind == "pool" else _convolved(row, maps, side)


def _connected(row: Row, shape: tuple[int, ...]) -> Entry:
    inputs, units, biases = math.prod(shape), row.maps, " + 1" if row.bias else ""
    flat = f"{_product(shape)} inputs" if len(shape) > 1 else f"{inputs:,} inputs"
    parameters, work = (inputs + row.bias) * units, inputs * units
    why_shape = f"{units:,} units, one value each."
    why_parameters = f"{flat}; ({inputs:,}{biases}) · {units:,} units = {parameters:,}"
    why_parameters += ", with a bias for each unit." if row.bias else "."
    counts = {
        "values": Count(units, why_shape),
        "parameters": Count(parameters, why_parameters),
        "work": Count(work, f"{inputs:,} inputs · {units:,} units · 1 place = {work:,}"),
    }
    return Entry(row.name, (units,), why_shape, counts)


def _normalised(row: Row, maps: int, side: int) -> Entry:
    shape = (maps, side, side)
    values, parameters = math.prod(shape), 2 * maps * row.bias
    learned = f"2 · {maps} maps = {parameters:,}: a factor and a shift for each map."
    counts = {
        "values": Count(values, _product(shape)),
        "parameters": Count(parameters, learned if row.bias else "It has none of its own."),
        "work": Count(values, f"{values:,} values, each times its map's factor."),
    }
    return Entry(row.name, shape, "Batch normalisation leaves the shape as it is.", counts)


def _pooled(row: Row, maps: int, side: int) -> Entry:
    new_side = _new_side(row, side)
    shape = (maps, new_side.number, new_side.number)
    no_work = "Pooling compares or adds values and multiplies none by a weight: 0."
    counts = {
        "values": Count(math.prod(shape), _product(shape)),
        "parameters": Count(0, "Pooling has no weights: 0."),
        "work": Count(0, no_work),
    }
    why_shape = f"{new_side.why}; each of the {maps} maps is pooled by itself."
    return Entry(row.name, shape, why_shape, counts)


def _convolved(row: Row, maps: int, side: int) -> Entry:
    new_side, kernels, groups = _new_side(row, side), row.maps, row.groups
    if maps % groups or kernels % groups:
        raise ValueError(f"{groups} groups have to divide {maps} maps in and {kernels} out")
    shape = (kernels, new_side.number, new_side.number)
    seen, biases = maps // groups, " + 1" if row.bias else ""
    weights = seen * row.kernel**2
    parameters, work = (weights + row.bias) * kernels, weights * math.prod(shape)
    unit = f"{seen} · {row.kernel} · {row.kernel}"
    split = f" (of {maps} maps, in {groups} groups)" if groups > 1 else ""
    why_parameters = (
        f"({unit}{biases}) · {kernels} = {parameters:,}: each of the {kernels} kernels has "
        f"{weights:,} weights{split}{' and a bias' if row.bias else ''}."
    )
    places = f"{new_side.number} · {new_side.number} places"
    counts = {
        "values": Count(math.prod(shape), _product(shape)),
        "parameters": Count(parameters, why_parameters),
        "work": Count(work, f"{unit} inputs · {kernels} maps · {places} = {work:,}"),
    }
    why_shape = f"{new_side.why}; {kernels} kernels make {kernels} maps."
    return Entry(row.name, shape, why_shape, counts)


def _new_side(row: Row, side: int) -> Count:
    """The side of the maps that a window makes; ValueError where it does not fit."""
    new_side = output_side(side, row.kernel, row.stride, row.padding, row.kind)
    why = f"Side: ({side} + 2 · {row.padding} − {row.kernel}) / {row.stride} + 1 = {new_side}"
    rounded = (side + 2 * row.padding - row.kernel) % row.stride
    return Count(new_side, why + (", the quotient rounded down" if rounded else ""))


def most(ledger: list[Entry], column: str) -> str:
    """The name of the layer with the most of a column of `COUNTS`; the first, if equal."""
    made = [entry for entry in ledger[1:] if entry.counts]
    return max(made, key=lambda entry: entry.counts[column].number).name


def total(ledger: list[Entry], column: str) -> int:
    """All of a column of `COUNTS` together, of the rows that there are."""
    return sum(entry.counts[column].number for entry in ledger if entry.counts)


class ShapeLedger(panel.Panel):
    """LeNet's ledger, or that of your own network: change a layer and see every row below follow.

    model: a network of Conv2d, MaxPool2d, AvgPool2d, BatchNorm2d and Linear, one after the other
    (other layers that change no shape may stand between them); by default `models.LeNet`. Only
    the ledger is edited, never the model. shape: (C, H, W) of its images, by default sides of 32
    or else 28. `ledger` is what the table shows.

    Raises ValueError for a network that is no such chain, and names what cannot be shown.
    """

    def __init__(self, model: nn.Module | None = None, *, shape: Shape | None = None) -> None:
        model = LeNet() if model is None else model
        self._chain: Chain = chain(model, shape)
        ledger = entries(self._chain.shape, self._chain.rows)
        _check_parameters(model, total(ledger, "parameters"))
        controls, start = _controls(self._chain)
        names = [control["name"] for control in controls]
        kernels = [name for name in names if name.endswith("kernel")]
        super().__init__(
            start,
            title="Shape ledger",
            question=_question(ledger),
            controls=controls,
            moves={"brackets": "side", "arrows": kernels[0] if kernels else names[1]},
        )

    @property
    def ledger(self) -> list[Entry]:
        """The rows as they are now."""
        return self._ledger(self.values)

    def _ledger(self, values: dict) -> list[Entry]:
        shape = (self._chain.shape[0], values["side"], values["side"])
        return entries(shape, self._rows(values))

    def _rows(self, values: dict) -> list[Row]:
        return [_changed(row, values) for row in self._chain.rows]

    def look(self, values: dict, answered: bool) -> dict:
        ledger = self._ledger(values)
        lines = zip(ledger, [None, *self._rows(values)], strict=True)
        rows = [_cells(entry, row, ledger, answered) for entry, row in lines]
        if answered:
            rows.append([{"text": "together", "strong": True}, *[""] * 6, *_sums(ledger)])
        table = {"head": HEAD, "rows": rows}
        if answered:
            table["caption"] = (
                "Work: multiply-adds. Bars: share of the column. Click a number for its sum."
            )
        return {"sentence": _sentence(ledger, answered), "table": table}

    def arithmetic(self) -> str:
        ledger = entries(self._chain.shape, self._chain.rows)
        lines = []
        for entry in ledger:
            values, parameters, work = (entry.counts[column].number for column in COUNTS)
            lines.append(
                f"{entry.name:8} {_times(entry.shape):14} {values:>9,} values "
                f"{parameters:>11,} parameters {work:>13,} multiply-adds"
            )
        parameters, work = total(ledger, "parameters"), total(ledger, "work")
        return "\n".join([*lines, f"together {parameters:,} parameters, {work:,} multiply-adds"])

    def picture(self) -> bytes:
        """The ledger with question marks in place of parameters and work."""
        ledger = entries(self._chain.shape, self._chain.rows)
        lines = list(zip(ledger, [None, *self._chain.rows], strict=True))
        height = 0.34 * (len(lines) + 2.5)
        figure, axes = drawing.bare(10, height)
        axes.set(xlim=(0, 10), ylim=(height, 0))
        places = [0.1, 1.6, 2.35, 3.1, 4.0, 5.7, 6.7, 8.15, 9.9]
        rows = [HEAD, *[_printed(entry, row) for entry, row in lines]]
        axes.text(0.1, 0.3, f"Predict: {self.question['question']}", fontsize=13, va="center")
        for i, row in enumerate(rows):
            middle = 0.34 * (i + 2)
            weight = "bold" if i == 0 else "normal"
            for j, (place, text) in enumerate(zip(places, row, strict=True)):
                side = "left" if j == 0 else "right"
                axes.text(place, middle, text, fontsize=12.5, ha=side, va="center", weight=weight)
            axes.axhline(middle + 0.17, color="0.8", linewidth=1)
        return drawing.small_png(figure, dpi=80, colours=16)


def _check_parameters(model: nn.Module, counted: int) -> None:
    """Raises ValueError where the rows do not hold all the parameters of a model, each once."""
    held = sum(parameter.numel() for parameter in model.parameters())
    if counted != held:
        raise ValueError(
            f"the layers hold {counted:,} parameters and {type(model).__name__} {held:,}: "
            "some belong to two layers, or to none, and cannot be shown."
        )


def _controls(network: Chain) -> tuple[list[dict], dict]:
    """The numbers that can be typed, and what they are at first."""
    controls = [panel.number("side", "input side", 1, 512)]
    start: dict[str, object] = {"side": network.shape[1]}
    for row in network.rows:
        if row.same:
            continue  # what it is, is said where it is first used
        if row.maps:
            word = "units" if row.kind == "fc" else "maps"
            controls.append(panel.number(f"{row.name} maps", f"{row.name} {word}", 1, 99_999))
            start[f"{row.name} maps"] = row.maps
        for part, (low, high) in _WINDOW.items() if row.kind in ("conv", "pool") else ():
            controls.append(panel.number(f"{row.name} {part}", f"{row.name} {part}", low, high))
            start[f"{row.name} {part}"] = getattr(row, part)
    return controls, start


def _changed(row: Row, values: dict) -> Row:
    """The layer with the numbers that the learner has typed; ValueError for no such numbers."""

    def typed(part: str, at_least: int = 1) -> int:
        name = f"{row.same or row.name} {part}"
        return drawing.whole(values.get(name, getattr(row, part)), name, at_least)

    return dataclasses.replace(
        row,
        maps=typed("maps", at_least=min(row.maps, 1)),
        kernel=typed("kernel"),
        stride=typed("stride"),
        padding=typed("padding", at_least=0),
    )


def _question(ledger: list[Entry]) -> dict:
    """Which layers? The pairs to choose from are made of those that stand out in some column."""
    largest = {column: most(ledger, column) for column in COUNTS}
    parameters, work = largest["parameters"], largest["work"]
    return {
        "question": "which layer has the most parameters, and which does the most work?",
        "choices": _choices(ledger, largest),
        "solution": f"{parameters}, {work}",
        "explain": f"{parameters} holds {_share(ledger, parameters, 'parameters')} of the "
        f"{total(ledger, 'parameters'):,} parameters and does "
        f"{_share(ledger, parameters, 'work')} of the {total(ledger, 'work'):,} multiply-adds; "
        f"{work} holds {_share(ledger, work, 'parameters')} and does "
        f"{_share(ledger, work, 'work')}.",
    }


def _choices(ledger: list[Entry], largest: dict[str, str]) -> list[str]:
    """Pairs of layers, at least four if there can be. largest: the first layer in each column."""
    parameters, work, values = largest["parameters"], largest["work"], largest["values"]
    pairs = {(parameters, work), (work, parameters), (parameters, parameters), (work, work)}
    pairs |= {(values, values), (parameters, values)}
    rivals = [entry for entry in ledger[1:] if entry.name != work]
    if len(pairs) < 4 and rivals:  # one layer is first in all: its rival is the next with weights
        other = max(rivals, key=_parameters_and_work).name
        pairs |= {(other, other), (other, work), (parameters, other)}
    names = [entry.name for entry in ledger[1:]]
    ordered = sorted(pairs, key=lambda pair: [names.index(name) for name in pair])
    return [f"{one}, {other}" for one, other in ordered]


def _parameters_and_work(entry: Entry) -> tuple[int, int]:
    return entry.counts["parameters"].number, entry.counts["work"].number


def _share(ledger: list[Entry], name: str, column: str) -> str:
    """The part of a column that a layer has, in percent."""
    number = next(entry.counts[column].number for entry in ledger if entry.name == name)
    return f"{number / max(total(ledger, column), 1):.0%}"


def _cells(entry: Entry, row: Row | None, ledger: list[Entry], answered: bool) -> list:
    """A line of the table: what can be typed, then what follows from it."""
    name = {"text": entry.name, "strong": entry.impossible}
    settings = _input_settings(entry) if row is None else _editable(row)
    if entry.problem:
        text = "impossible" if entry.impossible else "–"
        shape = {"text": text, "why": entry.problem, "strong": entry.impossible}
        return [name, *settings, shape, "–", "–", "–"]
    in_one_line = _times(entry.shape).replace(" ", "\u00a0")
    shape = {"text": in_one_line, "why": entry.why_shape}
    counts = [_count_cell(entry, column, ledger) for column in COUNTS]
    shown = counts if answered else [counts[0], "?", "?"]
    return [name, *settings, shape, *shown]


def _count_cell(entry: Entry, column: str, ledger: list[Entry]) -> dict:
    """A number, its sum, and its share of the column as a bar behind it, from the left."""
    count = entry.counts[column]
    part = 100 * count.number / max(total(ledger, column), 1)
    return {
        "text": f"{count.number:,}",
        "why": f"{entry.name}, {column}: {count.why}",
        "colour": f"linear-gradient(90deg, {COUNTS[column]} {part:.1f}%, #fff {part:.1f}%)",
    }


def _input_settings(entry: Entry) -> list[str | dict]:
    return [f"{entry.shape[0]}", "side", {"control": "side"}, "–"]


def _editable(row: Row) -> list[str | dict]:
    """What of a row can be typed: the names of controls, or what stands in their place."""
    if row.same:
        return list(_settings(row))
    maps: str | dict = {"control": f"{row.name} maps"} if row.maps else "–"
    if row.kind in ("conv", "pool"):
        return [maps, *({"control": f"{row.name} {part}"} for part in _WINDOW)]
    return [maps, "–", "–", "–"]


def _sums(ledger: list[Entry]) -> list[dict]:
    whole = all(entry.counts for entry in ledger)
    sums = [total(ledger, column) for column in ("parameters", "work")]
    return [{"text": f"{number:,}" if whole else "–", "strong": True} for number in sums]


def _sentence(ledger: list[Entry], answered: bool) -> str:
    problem = next((entry.problem for entry in ledger if entry.problem), "")
    if problem:
        return f"{problem} The rows below it have no input."
    flow = " → ".join(f"{entry.counts['values'].number:,}" for entry in ledger)
    if not answered:
        return f"Values from layer to layer: {flow}."
    return (
        f"Together {total(ledger, 'parameters'):,} parameters, most in "
        f"{most(ledger, 'parameters')}, and {total(ledger, 'work'):,} multiply-adds, most in "
        f"{most(ledger, 'work')}."
    )


def _printed(entry: Entry, row: Row | None) -> list[str]:
    """A line of the stored picture, as text."""
    settings = [str(entry.shape[0]), "–", "–", "–"] if row is None else _settings(row)
    values = entry.counts["values"].number
    return [entry.name, *settings, _times(entry.shape), f"{values:,}", "?", "?"]


def _settings(row: Row) -> list[str]:
    """The numbers of a row that can be changed, as text; a dash for those that it has not."""
    windows = [str(getattr(row, part)) for part in _WINDOW]
    return [str(row.maps or "–"), *(windows if row.kind in ("conv", "pool") else ["–"] * 3)]


def _times(shape: tuple[int, ...]) -> str:
    return " × ".join(f"{number:,}" for number in shape)


def _product(shape: tuple[int, ...]) -> str:
    return f"{_times(shape)} = {math.prod(shape):,}"
