"""The activation race: recorded runs of sigmoid, tanh and ReLU, shallow and deep."""

import math
from dataclasses import dataclass
from statistics import mean

import numpy as np
from matplotlib.figure import Figure

from course_utils.records.race import load

from . import drawing, panel


@dataclass(frozen=True)
class CurveStyle:
    """The colour, line and mark of a curve, as matplotlib names them."""

    colour: str
    line: str
    mark: str


@dataclass(frozen=True)
class Scale:
    """The names of two axes, and from where to where the upright one goes, with its ticks."""

    x: str
    y: str
    low: float
    high: float
    ticks: tuple[float, ...]


#: Each activation's colour, line and mark, so that it can be told without the colour.
CURVE_STYLES = {
    "sigmoid": CurveStyle(colour="#D55E00", line="--", mark="s"),
    "tanh": CurveStyle(colour="#009E73", line="-.", mark="^"),
    "ReLU": CurveStyle(colour="#0072B2", line="-", mark="o"),
}
#: The axes of what can be shown.
SCALES = {
    "training loss": Scale(
        x="step", y="training loss", low=0.05, high=3, ticks=(0.05, 0.1, 0.2, 0.5, 1, 2)
    ),
    "test error": Scale(
        x="epoch", y="test error (%)", low=3, high=120, ticks=(3, 5, 10, 20, 50, 100)
    ),
    "gradient per layer": Scale(
        x="hidden layer",
        y="length of gradient",
        low=5e-5,
        high=3,
        ticks=(0.0001, 0.001, 0.01, 0.1, 1),
    ),
}
SHOWN = list(SCALES)
EQUAL = "all equal"


def ends(races: dict, shown: str) -> dict[str, list[float]]:
    """For each activation, what its runs have reached: a number for each seed.

    races: those of one depth of the record. shown: one of `SHOWN`. The training loss is the mean
    of the last steps that the record keeps together, the test error that after the last epoch
    (0 to 1), and the gradient, at the start, that of the first hidden layer over the last's.
    """
    reached = {
        "training loss": lambda run: run["loss"][-1],
        "test error": lambda run: 1 - run["test_accuracy"][-1],
        "gradient per layer": lambda run: run["gradients"][0] / run["gradients"][-1],
    }[shown]
    return {name: [reached(run) for run in race["runs"]] for name, race in races.items()}


def order(values: dict[str, list[float]]) -> list[list[str]]:
    """Names from the smallest to the largest by the mean of their values; equals in one group.

    Equal are those whose bands, from the lowest to the highest value, overlap with one another's.
    """
    names = sorted(values, key=lambda name: mean(values[name]))
    groups = [[names[0]]]
    for name in names[1:]:
        if any(_overlap(values[name], values[other]) for other in groups[-1]):
            groups[-1].append(name)
        else:
            groups.append([name])
    return groups


def _overlap(one: list[float], other: list[float]) -> bool:
    return max(min(one), min(other)) <= min(max(one), max(other))


class ActivationRace(panel.Panel):
    """Sigmoid, tanh and ReLU in a shallow and in a deep network, each at its own best rate.

    It shows the runs that `records.race` has made, with its recipe, and trains nothing itself.
    """

    def __init__(self) -> None:
        self._record = load()
        hidden = self._record["recipe"]["depths"]
        self._depths = {f"{depth} ({count} hidden)": depth for depth, count in hidden.items()}
        self._revealed = False
        super().__init__(
            {"depth": next(iter(self._depths)), "shown": SHOWN[0]},
            title="Activation race",
            question=_question(self._record),
            controls=[
                panel.choice("depth", "depth", list(self._depths)),
                panel.choice("shown", "shown", SHOWN),
            ],
            moves={"brackets": "shown", "arrows": "depth"},
        )

    def _rendered(self, turn: int) -> tuple[dict, bytes]:
        if self.answered and not self._revealed:  # what was asked about comes first
            self._revealed = True
            self.values = {**self.values, "depth": list(self._depths)[-1]}
        return super()._rendered(turn)

    def render(self, values: dict, answered: bool) -> dict:
        depth, shown = self._depths.get(values["depth"]), values["shown"]
        if depth is None or shown not in SHOWN:
            raise ValueError(f"there is no {values['depth']!r} with {shown!r} to show.")
        if not answered:
            depth = next(iter(self._depths.values()))  # the deep race is the question
        races = self._record["races"][depth]
        sentence = f"{values['depth']}: {_verdict(races, shown)}"
        seeds = len(self._record["recipe"]["seeds"])
        return {
            "sentence": sentence,
            "figure": self._figure(depth, shown),
            "table": {
                "head": ["activation", "rate", "mean", "range"],
                "rows": [self._row(name, race, races, shown) for name, race in races.items()],
                "caption": f"{_CAPTIONS[shown]}, {seeds} seeds",
            },
        }

    def _row(self, name: str, race: dict, races: dict, shown: str) -> list:
        values = ends(races, shown)[name]
        tried = ", ".join(f"{rate:g}: {100 * right:.1f}%" for rate, right in race["tried"])
        held_out = self._record["recipe"]["validate"]
        best = max(right for _, right in race["tried"])
        tie = sum(right == best for _, right in race["tried"]) > 1
        why = f"{name}: of {held_out:,} held-out images it read, by rate, {tried}; " + (
            f"several rates are equally good, {race['rate']:g} is the first of them."
            if tie
            else f"so {race['rate']:g} was taken."
        )
        seeds = ", ".join(_number(value, shown) for value in values)
        return [
            {"text": name, "strong": True},
            {"text": f"{race['rate']:g}", "why": why},
            {"text": _number(mean(values), shown), "why": f"{name}, by seed: {seeds}."},
            f"{_number(min(values), shown).rstrip('%')}–{_number(max(values), shown)}",
        ]

    def _figure(self, depth: str, shown: str) -> Figure:
        """The three activations: means of the seeds as lines, their range as bands."""
        recipe = self._record["recipe"]
        figure, axes = drawing.one_axes(6.2, 3.1, place=(0.16, 0.2, 0.83, 0.78))
        for k, (name, race) in enumerate(self._record["races"][depth].items()):
            runs = _curves(race["runs"], shown)  # (seeds, points)
            x = np.arange(1, runs.shape[1] + 1, dtype=float)
            if shown == "training loss":
                x = (x - 0.5) * recipe["every"]  # the middle of the steps that a mean is of
            style = CURVE_STYLES[name]
            axes.plot(
                x,
                np.log10(runs.mean(axis=0)),
                color=style.colour,
                linestyle=style.line,
                marker=style.mark,
                # Where lines lie on each other, each has its marks at places of its own.
                markevery=(2 * k, 6) if len(x) > 10 else None,
                label=name,
            )
            if len(x) > 1:
                lowest, highest = np.log10([runs.min(axis=0), runs.max(axis=0)])
                axes.fill_between(x, lowest, highest, color=style.colour, alpha=0.2)
        # Logarithms on an even axis: quicker by a third than a logarithmic axis.
        scale = SCALES[shown]
        axes.set(xlabel=scale.x, ylabel=scale.y)
        axes.set_ylim(math.log10(scale.low), math.log10(scale.high))
        axes.set_yticks(np.log10(scale.ticks), [f"{tick:g}" for tick in scale.ticks])
        if shown == "gradient per layer":
            count = recipe["depths"][depth]
            axes.set(xlim=(0.7, count + 0.3), xticks=range(1, count + 1))
        axes.legend(loc="lower right" if shown == "gradient per layer" else (0.72, 0.42))
        return figure

    def arithmetic(self) -> str:
        lines = []
        for depth, races in self._record["races"].items():
            for name, race in races.items():
                parts = [
                    f"{shown} " + " ".join(_number(v, shown) for v in ends(races, shown)[name])
                    for shown in SHOWN[:2]
                ]
                lines.append(f"{depth}, {name}: rate {race['rate']:g}, {', '.join(parts)}")
            lines.append(f"{depth}: {_verdict(races, 'test error')}")
        return "\n".join(lines)


def _curves(runs: list[dict], shown: str) -> np.ndarray:
    """What is drawn of the runs, (seeds, points)."""
    if shown == "test error":
        return 100 * (1 - np.array([run["test_accuracy"] for run in runs]))
    key = "loss" if shown == "training loss" else "gradients"
    return np.array([run[key] for run in runs])


_CAPTIONS = {
    "training loss": "Training loss at the end",
    "test error": "Test error at the end",
    "gradient per layer": "Gradient, first / last layer",
}


def _number(value: float, shown: str) -> str:
    if shown == "test error":
        return f"{100 * value:.1f}%"
    return f"{value:.3f}" if shown == "training loss" else f"{value:.2g}"


def _verdict(races: dict, shown: str) -> str:
    """Who is ahead, in words: those whose bands overlap are equal."""
    values = ends(races, shown)
    if shown == "gradient per layer":
        if len(next(iter(races.values()))["runs"][0]["gradients"]) == 1:
            return "there is one hidden layer only, so nothing can be lost on the way back."
        lost = min(values, key=lambda name: mean(values[name]))
        part = float(f"{1 / mean(values[lost]):.2g}")
        return f"before training, {lost}'s first hidden layer gets 1/{part:,.0f} of its last's."
    groups = order(values)
    named = [drawing.listed(group) for group in groups]
    if len(groups) == 1:
        return f"{shown} at the end: the bands of {named[0]} overlap, so they are equal."
    equal = [
        f" The bands of {name} overlap: equal."
        for name, group in zip(named, groups, strict=True)
        if len(group) > 1
    ]
    return f"{shown} at the end: first {', then '.join(named)}.{''.join(equal)}"


def _question(record: dict) -> dict:
    (_, shown), (depth, count) = record["recipe"]["depths"].items()
    values = ends(record["races"][depth], "test error")
    last = order(values)[-1]
    reached = ", ".join(
        f"{name} {_number(mean(each), 'test error')}" for name, each in values.items()
    )
    return {
        "question": (
            f"{count} hidden layers, each activation at its best rate: which learns least? "
            f"(Shown here: {shown} hidden layer.)"
        ),
        "choices": [*values, EQUAL],
        "solution": last[0] if len(last) == 1 else EQUAL,
        "explain": f"Test error at the end: {reached}.",
    }
