"""The shape ledger: each layer's shape, values, parameters and work, and what changes them."""

import dataclasses
from dataclasses import dataclass

from matplotlib.figure import Figure
from torch import nn

from course_utils.models import LeNet

from . import drawing, panel
from .chain import Chain, Row, chain, output_side

#: The columns with counts, and the colour of the bar behind each number.
COUNTS = {"values": "#A9D0E8", "parameters": "#F5D58C", "work": "#9FDCC8"}
HEAD = ["layer", "maps", "kernel", "stride", "padding", "shape", *COUNTS]
_WINDOW = {"kernel": (1, 64), "stride": (1, 32), "padding": (0, 32)}


@dataclass(frozen=True)
class Entry:
    """A line of the ledger. counts: as `COUNTS`; whys: how "shape" and each count come about.

    Where a layer cannot be, or stands below one that cannot, shape and counts are empty, and
    problem says why.
    """

    name: str
    shape: tuple[int, ...] = ()
    counts: tuple[int, ...] = ()
    whys: tuple[str, ...] = ()
    problem: str = ""


def entries(shape: tuple[int, int, int], rows: list[Row]) -> list[Entry]:
    """The ledger of these layers for images of this shape (C, H, W), the input first."""
    values = _size(shape)
    why = f"{_times(*shape)} = {values:,}" + ("" if shape[0] > 1 else ": one map of grey pixels")
    ledger = [Entry("input", shape, (values, 0, 0), (why, why, "nothing is learned", "no sums"))]
    problem, taken = "", {}
    for row in rows:
        if not problem:
            try:
                ledger.append(_again(row, _entry(shape, row), shape, taken))
                shape = ledger[-1].shape
                continue
            except ValueError as error:
                problem = f"{row.name} cannot be: {error}."
                ledger.append(Entry(row.name, problem=problem))
                continue
        ledger.append(Entry(row.name, problem=f"This row has no input. {problem}"))
    return ledger


def _again(row: Row, entry: Entry, shape: tuple[int, ...], taken: dict[str, int]) -> Entry:
    """The entry, without weights of its own if its layer has been used before.

    taken: how many inputs, or maps, the weights of each row so far are for.
    """
    inputs = _size(shape) if row.kind == "fc" else shape[0]
    taken[row.name] = inputs
    if not row.same:
        return entry
    if taken[row.same] != inputs:
        raise ValueError(
            f"it has the weights of {row.same}, which are for {taken[row.same]:,} and not for "
            f"{inputs:,}"
        )
    same = f"It is the layer {row.same} once more: its weights are counted there."
    counts, whys = list(entry.counts), list(entry.whys)
    counts[1], whys[2] = 0, same
    return dataclasses.replace(entry, counts=tuple(counts), whys=tuple(whys))


def _entry(shape: tuple[int, ...], row: Row) -> Entry:
    """One layer on what the one before gives; ValueError where it does not fit."""
    biases = " + 1" if row.bias else ""
    if row.kind == "fc":
        inputs = _size(shape)
        flat = f"{_times(*shape)} = {inputs:,} inputs" if len(shape) > 1 else f"{inputs:,} inputs"
        parameters, work = (inputs + row.bias) * row.maps, inputs * row.maps
        return Entry(
            row.name,
            (row.maps,),
            (row.maps, parameters, work),
            (
                f"{row.maps:,} units, one value each.",
                f"{row.maps:,} units, one value each.",
                f"{flat}; ({inputs:,}{biases}) · {row.maps:,} units = {parameters:,}"
                + (", with a bias for each unit." if row.bias else "."),
                f"{inputs:,} inputs · {row.maps:,} units · 1 place = {work:,}",
            ),
        )
    if len(shape) == 1:
        raise ValueError(f"it needs maps, and is given {shape[0]} single values")
    maps, side = shape[0], shape[1]
    if row.kind == "norm":
        values = _size(shape)
        parameters = 2 * maps * row.bias
        whys = (
            "Batch normalisation leaves the shape as it is.",
            f"{_times(*shape)} = {values:,}",
            f"2 · {maps} maps = {parameters:,}: a factor and a shift for each map."
            if row.bias
            else "It has none of its own.",
            f"{values:,} values, each times its map's factor.",
        )
        return Entry(row.name, shape, (values, parameters, values), whys)
    after = output_side(side, row.kernel, row.stride, row.padding, row.kind)
    out = row.maps or maps
    new = (out, after, after)
    values, places = _size(new), after * after
    formula = f"({side} + 2 · {row.padding} − {row.kernel}) / {row.stride} + 1 = {after}"
    rounded = (side + 2 * row.padding - row.kernel) % row.stride
    sides = f"Side: {formula}" + (", the quotient rounded down" if rounded else "")
    if row.kind == "pool":
        whys = (
            f"{sides}; each of the {out} maps is pooled by itself.",
            f"{_times(*new)} = {values:,}",
            "Pooling has no weights: 0.",
            "Pooling compares or adds values and multiplies none by a weight: 0.",
        )
        return Entry(row.name, new, (values, 0, 0), whys)
    if maps % row.groups or out % row.groups:
        raise ValueError(f"{row.groups} groups have to divide {maps} maps in and {out} out")
    seen = maps // row.groups
    inputs = seen * row.kernel**2
    parameters, work = (inputs + row.bias) * out, inputs * out * places
    unit = f"{seen} · {row.kernel} · {row.kernel}"
    split = f" (of {maps} maps, in {row.groups} groups)" if row.groups > 1 else ""
    whys = (
        f"{sides}; {out} kernels make {out} maps.",
        f"{_times(*new)} = {values:,}",
        f"({unit}{biases}) · {out} = {parameters:,}: each of the {out} kernels has {inputs:,} "
        f"weights{split}" + (" and a bias." if row.bias else "."),
        f"{unit} inputs · {out} maps · {after} · {after} places = {work:,}",
    )
    return Entry(row.name, new, (values, parameters, work), whys)


def most(ledger: list[Entry], column: str) -> str:
    """The name of the layer with the most of a column of `COUNTS`; the first, if equal."""
    place = list(COUNTS).index(column)
    return max((entry for entry in ledger[1:] if entry.counts), key=lambda e: e.counts[place]).name


def totals(ledger: list[Entry]) -> tuple[int, int]:
    """All parameters and all multiply-adds together, of the rows that there are."""
    made = [entry.counts for entry in ledger if entry.counts]
    return sum(counts[1] for counts in made), sum(counts[2] for counts in made)


class ShapeLedger(panel.Panel):
    """LeNet's ledger, or that of your own network: change a layer and see every row below follow.

    model: a network of Conv2d, MaxPool2d, AvgPool2d, BatchNorm2d and Linear, one after the other
    (other layers that change no shape may stand between them); by default `models.LeNet`. Only
    the ledger is edited, never the model. shape: (C, H, W) of its images, by default sides of 32
    or else 28. `ledger` is what the table shows.

    Raises ValueError for a network that is no such chain, and names what cannot be shown.
    """

    TITLE = "Shape ledger"

    def __init__(
        self, model: nn.Module | None = None, *, shape: tuple[int, int, int] | None = None
    ) -> None:
        model = LeNet() if model is None else model
        self._chain: Chain = chain(model, shape)
        ledger = entries(self._chain.shape, self._chain.rows)
        _check_parameters(model, totals(ledger)[0])
        self.CONTROLS, start = _controls(self._chain)
        first = self.CONTROLS[1]["name"]
        kernels = [c["name"] for c in self.CONTROLS if c["name"].endswith("kernel")]
        self.MOVES = {"brackets": "side", "arrows": (kernels or [first])[0]}
        self.QUESTION = _question(ledger)
        super().__init__(**start)

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
        lines = [
            f"{entry.name:8} {_times(*entry.shape):14} {entry.counts[0]:>9,} values "
            f"{entry.counts[1]:>11,} parameters {entry.counts[2]:>13,} multiply-adds"
            for entry in ledger
        ]
        parameters, work = totals(ledger)
        return "\n".join([*lines, f"together {parameters:,} parameters, {work:,} multiply-adds"])

    def picture(self) -> bytes:
        """The ledger with question marks in place of parameters and work."""
        ledger = entries(self._chain.shape, self._chain.rows)
        lines = list(zip(ledger, [None, *self._chain.rows], strict=True))
        height = 0.34 * (len(lines) + 2.5)
        figure = Figure(figsize=(10, height), dpi=100, layout="none")
        axes = figure.add_axes((0, 0, 1, 1))
        axes.set(xlim=(0, 10), ylim=(height, 0))
        axes.set_axis_off()
        places = [0.1, 1.6, 2.35, 3.1, 4.0, 5.7, 6.7, 8.15, 9.9]
        rows = [HEAD, *[_printed(entry, row) for entry, row in lines]]
        axes.text(0.1, 0.3, f"Predict: {self.QUESTION['question']}", fontsize=13, va="center")
        for i, row in enumerate(rows):
            middle = 0.34 * (i + 2)
            look = {"fontsize": 12.5, "va": "center", "weight": "bold" if i == 0 else "normal"}
            for j, (place, text) in enumerate(zip(places, row, strict=True)):
                axes.text(place, middle, text, ha="left" if j == 0 else "right", **look)
            axes.axhline(middle + 0.17, color="0.8", linewidth=1)
        return drawing.small_png(figure, dpi=80, colours=16)


def _check_parameters(model: nn.Module, counted: int) -> None:
    """Raises ValueError where the rows do not hold all the parameters of a model, each once."""
    all_ = sum(parameter.numel() for parameter in model.parameters())
    if counted != all_:
        raise ValueError(
            f"the layers hold {counted:,} parameters and {type(model).__name__} {all_:,}: "
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
    new = {}
    for part in ("maps", *_WINDOW):
        name = f"{row.same or row.name} {part}"
        if name in values:
            new[part] = drawing.whole(values[name], name, at_least=0 if part == "padding" else 1)
    return dataclasses.replace(row, **new)


def _question(ledger: list[Entry]) -> dict:
    """Which layers? The pairs to choose from are made of those that stand out in some column."""
    parameters, work, values = (most(ledger, column) for column in ("parameters", "work", "values"))
    names = [entry.name for entry in ledger[1:]]
    pairs = {(parameters, work), (work, parameters), (parameters, parameters), (work, work)}
    pairs |= {(values, values), (parameters, values)}
    if len(pairs) < 4:  # one layer is first in all: its rival is the next one with weights
        rivals = [entry for entry in ledger[1:] if entry.name != work]
        for other in [max(rivals, key=lambda e: e.counts[1:]).name] if rivals else []:
            pairs |= {(other, other), (other, work), (parameters, other)}
    ordered = sorted(pairs, key=lambda pair: [names.index(name) for name in pair])
    counts = {entry.name: entry.counts for entry in ledger}
    all_parameters, all_work = totals(ledger)
    share = counts[parameters][1] / max(all_parameters, 1), counts[parameters][2] / max(all_work, 1)
    return {
        "question": "which layer has the most parameters, and which does the most work?",
        "choices": [f"{one}, {other}" for one, other in ordered],
        "solution": f"{parameters}, {work}",
        "explain": f"{parameters} holds {share[0]:.0%} of the {all_parameters:,} parameters and "
        f"does {share[1]:.0%} of the {all_work:,} multiply-adds; {work} holds "
        f"{counts[work][1] / max(all_parameters, 1):.0%} and does "
        f"{counts[work][2] / max(all_work, 1):.0%}.",
    }


def _cells(entry: Entry, row: Row | None, ledger: list[Entry], answered: bool) -> list:
    """A line of the table: what can be typed, then what follows from it."""
    first = bool(entry.problem) and not entry.problem.startswith("This row")
    name = {"text": entry.name, "strong": first}
    if row is None:
        settings = [f"{entry.shape[0]}", "side", {"control": "side"}, "–"]
    elif row.same:
        settings = _settings(row)
    elif row.kind in ("conv", "pool"):
        maps = {"control": f"{row.name} maps"} if row.maps else "–"
        settings = [maps, *({"control": f"{row.name} {part}"} for part in _WINDOW)]
    else:
        settings = [{"control": f"{row.name} maps"} if row.maps else "–", "–", "–", "–"]
    if entry.problem:
        shape = {"text": "impossible" if first else "–", "why": entry.problem, "strong": first}
        return [name, *settings, shape, "–", "–", "–"]
    in_one_line = _times(*entry.shape).replace(" ", "\u00a0")
    shape = {"text": in_one_line, "why": entry.whys[0]}
    cells = [
        {
            "text": f"{count:,}",
            "why": f"{entry.name}, {column}: {why}",
            **_bar(column, count, ledger),
        }
        for column, count, why in zip(COUNTS, entry.counts, entry.whys[1:], strict=True)
    ]
    if not answered:
        cells[1:] = ["?", "?"]
    return [name, *settings, shape, *cells]


def _bar(column: str, count: int, ledger: list[Entry]) -> dict:
    """The share of a count in its column, as a bar behind the number, from the left."""
    place = list(COUNTS).index(column)
    total = sum(entry.counts[place] for entry in ledger if entry.counts)
    part = 100 * count / max(total, 1)
    return {"colour": f"linear-gradient(90deg, {COUNTS[column]} {part:.1f}%, #fff {part:.1f}%)"}


def _sums(ledger: list[Entry]) -> list:
    whole = all(entry.counts for entry in ledger)
    words = [f"{total:,}" if whole else "–" for total in totals(ledger)]
    return [{"text": word, "strong": True} for word in words]


def _sentence(ledger: list[Entry], answered: bool) -> str:
    problem = next((entry.problem for entry in ledger if entry.problem), "")
    if problem:
        return f"{problem} The rows below it have no input."
    flow = " → ".join(f"{entry.counts[0]:,}" for entry in ledger)
    if not answered:
        return f"Values from layer to layer: {flow}."
    parameters, work = totals(ledger)
    return (
        f"Together {parameters:,} parameters, most in {most(ledger, 'parameters')}, "
        f"and {work:,} multiply-adds, most in {most(ledger, 'work')}."
    )


def _printed(entry: Entry, row: Row | None) -> list[str]:
    """A line of the stored picture, as text."""
    settings = [str(entry.shape[0]), "–", "–", "–"] if row is None else _settings(row)
    return [entry.name, *settings, _times(*entry.shape), f"{entry.counts[0]:,}", "?", "?"]


def _settings(row: Row) -> list[str]:
    """The numbers of a row that can be changed, as text; a dash for those that it has not."""
    windows = [str(getattr(row, part)) for part in _WINDOW]
    return [str(row.maps or "–"), *(windows if row.kind in ("conv", "pool") else ["–"] * 3)]


def _times(*numbers: int) -> str:
    return " × ".join(f"{number:,}" for number in numbers)


def _size(shape: tuple[int, ...]) -> int:
    size = 1
    for side in shape:
        size *= side
    return size
