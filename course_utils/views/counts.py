"""What a layer costs: values, parameters and multiply-adds, with the sum behind each number."""

import dataclasses
import itertools
import math
from dataclasses import dataclass, field

from .chain import Row, output_side
from .networks import Shape
from .sizes import times

#: The columns with counts, and the colour of the bar behind each number.
COUNTS = {"values": "#A9D0E8", "parameters": "#F5D58C", "work": "#9FDCC8"}


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
    ledger = [input_entry(shape)]
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


def input_entry(shape: tuple[int, ...]) -> Entry:
    """The line of what the network is given; shape: (C, H, W) of one image, or another."""
    why = product(shape) + ("" if shape[0] > 1 else ": one map of grey pixels")
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
    input_count = math.prod(shape) if row.kind == "fc" else shape[0]
    inputs[row.name] = input_count
    if not row.same:
        return entry
    if inputs[row.same] != input_count:
        raise ValueError(
            f"it has the weights of {row.same}, which are for {inputs[row.same]:,} and not for "
            f"{input_count:,}"
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
    inputs, units = math.prod(shape), row.maps
    biases = " + 1" if row.bias else ""
    flat = f"{product(shape)} inputs" if len(shape) > 1 else f"{inputs:,} inputs"
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
        "values": Count(values, product(shape)),
        "parameters": Count(parameters, learned if row.bias else "It has none of its own."),
        "work": Count(values, f"{values:,} values, each times its map's factor."),
    }
    return Entry(row.name, shape, "Batch normalisation leaves the shape as it is.", counts)


def _pooled(row: Row, maps: int, side: int) -> Entry:
    new_side = _new_side(row, side)
    shape = (maps, new_side.number, new_side.number)
    no_work = "Pooling compares or adds values and multiplies none by a weight: 0."
    counts = {
        "values": Count(math.prod(shape), product(shape)),
        "parameters": Count(0, "Pooling has no weights: 0."),
        "work": Count(0, no_work),
    }
    why_shape = f"{new_side.why}; each of the {maps} maps is pooled by itself."
    return Entry(row.name, shape, why_shape, counts)


def _convolved(row: Row, maps: int, side: int) -> Entry:
    new_side = _new_side(row, side)
    kernels, groups = row.maps, row.groups
    if maps % groups or kernels % groups:
        raise ValueError(f"{groups} groups have to divide {maps} maps in and {kernels} out")
    shape = (kernels, new_side.number, new_side.number)
    maps_seen = maps // groups
    biases = " + 1" if row.bias else ""
    weights = maps_seen * row.kernel**2
    parameters, work = (weights + row.bias) * kernels, weights * math.prod(shape)
    unit = f"{maps_seen} · {row.kernel} · {row.kernel}"
    split = f" (of {maps} maps, in {groups} groups)" if groups > 1 else ""
    why_parameters = (
        f"({unit}{biases}) · {kernels} = {parameters:,}: each of the {kernels} kernels has "
        f"{weights:,} weights{split}{' and a bias' if row.bias else ''}."
    )
    places = f"{new_side.number} · {new_side.number} places"
    counts = {
        "values": Count(math.prod(shape), product(shape)),
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


def largest_layer(ledger: list[Entry], column: str) -> str:
    """The name of the layer with the most of a column of `COUNTS`; the first, if equal."""
    made = [entry for entry in ledger[1:] if entry.counts]
    return max(made, key=lambda entry: entry.counts[column].number).name


def _leaders(ledger: list[Entry], column: str) -> list[str]:
    """The names of all layers that have as much of a column as the one with the most."""
    made = [entry for entry in ledger[1:] if entry.counts]
    largest = max(entry.counts[column].number for entry in made)
    return [entry.name for entry in made if entry.counts[column].number == largest]


def total(ledger: list[Entry], column: str) -> int:
    """All of a column of `COUNTS` together, of the rows that there are."""
    return sum(entry.counts[column].number for entry in ledger if entry.counts)


def question(ledger: list[Entry]) -> dict:
    """Which layers? The pairs to choose from are made of those that stand out in some column."""
    largest = {column: largest_layer(ledger, column) for column in COUNTS}
    if largest["parameters"] in _leaders(ledger, "work"):
        largest["work"] = largest["parameters"]
    parameters, work = largest["parameters"], largest["work"]
    explain = (
        f"{parameters} holds {_share(ledger, parameters, 'parameters')} of the "
        f"{total(ledger, 'parameters'):,} parameters and does "
        f"{_share(ledger, parameters, 'work')} of the {total(ledger, 'work'):,} multiply-adds"
    )
    if work != parameters:
        explain += f"; {work} holds {_share(ledger, work, 'parameters')} and does "
        explain += _share(ledger, work, "work")
    return {
        "question": "which layer has the most parameters, and which does the most work?",
        "choices": _choices(ledger, largest),
        "solution": f"{parameters}, {work}",
        "explain": f"{explain}.",
    }


def _choices(ledger: list[Entry], largest: dict[str, str]) -> list[str]:
    """Pairs of layers, at least four if there can be. largest: the first layer in each column."""
    parameters, work, values = largest["parameters"], largest["work"], largest["values"]
    pairs = {(parameters, work), (work, parameters), (parameters, parameters), (work, work)}
    pairs |= {(values, values), (parameters, values)}
    rivals = [entry for entry in ledger[1:] if entry.name != work]
    if len(pairs) < 4 and rivals:  # one layer is first in all: its rival is the next with weights
        other = max(rivals, key=costs).name
        pairs |= {(other, other), (other, work), (parameters, other)}
    # Where layers are equal, a pair would be as right as the solution.
    equal = set(itertools.product(_leaders(ledger, "parameters"), _leaders(ledger, "work")))
    pairs -= equal - {(parameters, work)}
    names = [entry.name for entry in ledger[1:]]
    ordered = sorted(pairs, key=lambda pair: [names.index(name) for name in pair])
    return [f"{one}, {other}" for one, other in ordered]


def costs(entry: Entry) -> tuple[int, int]:
    """The parameters and the multiply-adds of a row."""
    return entry.counts["parameters"].number, entry.counts["work"].number


def _share(ledger: list[Entry], name: str, column: str) -> str:
    """The part of a column that a layer has, in percent."""
    number = next(entry.counts[column].number for entry in ledger if entry.name == name)
    return f"{number / max(total(ledger, column), 1):.0%}"


def count_cell(entry: Entry, column: str, ledger: list[Entry]) -> dict:
    """A number, its sum, and its share of the column as a bar behind it, from the left."""
    count = entry.counts[column]
    part = 100 * count.number / max(total(ledger, column), 1)
    return {
        "text": f"{count.number:,}",
        "why": f"{entry.name}, {column}: {count.why}",
        "colour": f"linear-gradient(90deg, {COUNTS[column]} {part:.1f}%, #fff {part:.1f}%)",
    }


def sums(ledger: list[Entry]) -> list[dict]:
    """The cells of all parameters and all work together; dashes where a line has no counts."""
    whole = all(entry.counts for entry in ledger)
    sums = [total(ledger, column) for column in ("parameters", "work")]
    return [{"text": f"{number:,}" if whole else "–", "strong": True} for number in sums]


def product(shape: tuple[int, ...]) -> str:
    """The product of a shape: "6 × 5 × 5 = 150"."""
    return f"{times(shape)} = {math.prod(shape):,}"
