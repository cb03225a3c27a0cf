"""The shape ledger: each layer's shape, values, parameters and work, and what changes them."""

import dataclasses
from typing import Protocol

from torch import nn

from course_utils.models import LeNet

from . import drawing, panel, tables
from .called import CallTable
from .chain import Chain, Row, chain
from .counts import COUNTS, Entry, count_cell, entries, largest_layer, question, sums, total
from .sizes import times

HEAD = ["layer", "maps", "kernel", "stride", "padding", "shape", *COUNTS]
_WINDOW = {"kernel": (1, 64), "stride": (1, 32), "padding": (0, 32)}


class Table(Protocol):
    """What a ledger shows: one that can be edited, or one of the calls of any network.

    question, controls, start, moves: as of `panel.Panel`.
    """

    question: dict
    controls: list[dict]
    start: dict
    moves: dict

    def ledger(self, values: dict) -> list[Entry]:
        """The rows with these values of the controls, the input first."""

    def render(self, values: dict, answered: bool) -> dict:
        """As `panel.Panel.render`."""

    def arithmetic(self) -> str:
        """The rows as text."""

    def picture(self) -> bytes:
        """The rows as they are at first, as PNG."""


class ShapeLedger(panel.Panel):
    """LeNet's ledger, or that of your own network, also of one that does not run.

    model: any network; by default `models.LeNet`. Where it is made of Conv2d, MaxPool2d, AvgPool2d,
    BatchNorm2d and Linear, one after the other (other layers that change no shape may stand between
    them), a layer can be changed, and every row below follows; only the ledger is edited, never the
    model. Of any other the calls are shown, layers and functions of torch, up to one that fails:
    there it says why, and which number would fit. shape: (C, H, W) of its images, by default sides
    of 32 or else 28; other inputs may have another shape. `ledger` is what the table shows.

    Raises ValueError for what is no network, has hooks, has no weights yet or cannot be copied.
    """

    def __init__(
        self, model: nn.Module | None = None, *, shape: tuple[int, ...] | None = None
    ) -> None:
        self.table = _table(LeNet() if model is None else model, shape)
        super().__init__(
            self.table.start,
            title="Shape ledger",
            question=self.table.question,
            controls=self.table.controls,
            moves=self.table.moves,
        )

    @property
    def ledger(self) -> list[Entry]:
        """The rows as they are now."""
        return self.table.ledger(self.values)

    def render(self, values: dict, answered: bool) -> dict:
        return self.table.render(values, answered)

    def arithmetic(self) -> str:
        return self.table.arithmetic()

    def picture(self) -> bytes:
        return self.table.picture()


def _table(model: nn.Module, shape: tuple[int, ...] | None) -> Table:
    """The table that can be edited, where the layers are such a chain; otherwise the calls."""
    try:
        network = chain(model, shape)
        table = EditableTable(network)
        _check_parameters(model, total(table.ledger(table.start), "parameters"))
    except ValueError:
        return CallTable(model, shape)
    return table


class EditableTable:
    """The rows of a chain, whose numbers can be typed."""

    def __init__(self, network: Chain) -> None:
        self._chain = network
        self.question = question(entries(network.shape, network.rows))
        self.controls, self.start = _controls(network)
        names = [control["name"] for control in self.controls]
        kernels = [name for name in names if name.endswith("kernel")]
        self.moves = {"brackets": "side", "arrows": kernels[0] if kernels else names[1]}

    def ledger(self, values: dict) -> list[Entry]:
        shape = (self._chain.shape[0], values["side"], values["side"])
        return entries(shape, self._rows(values))

    def _rows(self, values: dict) -> list[Row]:
        return [_changed(row, values) for row in self._chain.rows]

    def render(self, values: dict, answered: bool) -> dict:
        ledger = self.ledger(values)
        lines = zip(ledger, [None, *self._rows(values)], strict=True)
        rows = [_cells(entry, row, ledger, answered) for entry, row in lines]
        if answered:
            rows.append([{"text": "together", "strong": True}, *[""] * 6, *sums(ledger)])
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
                f"{entry.name:8} {times(entry.shape):14} {values:>9,} values "
                f"{parameters:>11,} parameters {work:>13,} multiply-adds"
            )
        parameters, work = total(ledger, "parameters"), total(ledger, "work")
        return "\n".join([*lines, f"together {parameters:,} parameters, {work:,} multiply-adds"])

    def picture(self) -> bytes:
        """The ledger with question marks in place of parameters and work."""
        ledger = entries(self._chain.shape, self._chain.rows)
        lines = list(zip(ledger, [None, *self._chain.rows], strict=True))
        rows = [HEAD, *[_printed(entry, row) for entry, row in lines]]
        places = [0.1, 1.6, 2.35, 3.1, 4.0, 5.7, 6.7, 8.15, 9.9]
        return tables.table(f"Predict: {self.question['question']}", rows, places)


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


def _cells(entry: Entry, row: Row | None, ledger: list[Entry], answered: bool) -> list:
    """A line of the table: what can be typed, then what follows from it."""
    name = {"text": entry.name, "strong": entry.impossible}
    settings = _input_settings(entry) if row is None else _editable(row)
    if entry.problem:
        text = "impossible" if entry.impossible else "–"
        shape = {"text": text, "why": entry.problem, "strong": entry.impossible}
        return [name, *settings, shape, "–", "–", "–"]
    in_one_line = times(entry.shape).replace(" ", "\u00a0")
    shape = {"text": in_one_line, "why": entry.why_shape}
    counts = [count_cell(entry, column, ledger) for column in COUNTS]
    shown = counts if answered else [counts[0], "?", "?"]
    return [name, *settings, shape, *shown]


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


def _sentence(ledger: list[Entry], answered: bool) -> str:
    problem = next((entry.problem for entry in ledger if entry.problem), "")
    if problem:
        return f"{problem} The rows below it have no input."
    flow = " → ".join(f"{entry.counts['values'].number:,}" for entry in ledger)
    if not answered:
        return f"Values from layer to layer: {flow}."
    parameters, work = total(ledger, "parameters"), total(ledger, "work")
    return (
        f"Together {parameters:,} parameters, most in {largest_layer(ledger, 'parameters')}, "
        f"and {work:,} multiply-adds, most in {largest_layer(ledger, 'work')}."
    )


def _printed(entry: Entry, row: Row | None) -> list[str]:
    """A line of the stored picture, as text."""
    settings = [str(entry.shape[0]), "–", "–", "–"] if row is None else _settings(row)
    values = entry.counts["values"].number
    return [entry.name, *settings, times(entry.shape), f"{values:,}", "?", "?"]


def _settings(row: Row) -> list[str]:
    """The numbers of a row that can be changed, as text; a dash for those that it has not."""
    windows = [str(getattr(row, part)) for part in _WINDOW]
    return [str(row.maps or "–"), *(windows if row.kind in ("conv", "pool") else ["–"] * 3)]
