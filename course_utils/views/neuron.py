"""The neuron: two weights, a bias and an activation; its truth table and its boundary."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import Colormap
from matplotlib.figure import Figure

from ..plots import SIGNED, TINTS
from . import drawing, panel
from .drawing import format_number

#: The four inputs (x₁, x₂), in the order of lesson 01.
INPUTS = ((0, 0), (0, 1), (1, 0), (1, 1))
#: What each gate answers to them.
GATES = {"AND": (0, 0, 0, 1), "OR": (0, 1, 1, 1), "NAND": (1, 1, 1, 0), "NOR": (1, 0, 0, 0)}
#: The activations, defined as in lesson 01.
ACTIVATIONS: dict[str, Callable[[np.ndarray], np.ndarray]] = {
    "step": lambda z: np.where(z >= 0, 1.0, 0.0),
    "sigmoid": lambda z: 1 / (1 + np.exp(-z)),
    "tanh": np.tanh,
    "ReLU": lambda z: np.where(z > 0, z, 0.0),
}
#: The single changes to choose from, and what each does to the values of the controls.
CHANGES = {
    "w₁ = 2": {"w_1": 2.0},
    "b = −0.5": {"b": -0.5},
    "b = −2.5": {"b": -2.5},
    "b = 1.5": {"b": 1.5},
}
AND = {"w_1": 1.0, "w_2": 1.0, "b": -1.5}
LARGEST_WEIGHT, LARGEST_BIAS = 3, 4
#: The part of the plane that is drawn, in both directions.
LOW, HIGH = -0.6, 1.6


class Neuron(panel.Panel):
    """One neuron with two inputs: its line in the plane, its truth table, and the gate it is.

    w: two weights, from −3 to 3. b: the bias, from −4 to 4; lesson 01's threshold is −b.
    activation: "step", "sigmoid", "tanh" or "ReLU".

    Begins with AND, and asks which change makes it OR; of any other neuron it asks which gate
    it is. Raises ValueError for weights, a bias or an activation that it cannot show.
    """

    def __init__(
        self, w: Sequence[float] = (1, 1), b: float = -1.5, activation: str = "step"
    ) -> None:
        start = {**_checked(w, b), "activation": activation}
        if activation not in ACTIVATIONS:
            known = ", ".join(ACTIVATIONS)
            raise ValueError(f"the activation is {activation!r}; it has to be one of {known}.")
        self._asks_for_gate = {name: start[name] for name in AND} != AND
        super().__init__(
            start,
            title="Neuron",
            question=_which_gate(start) if self._asks_for_gate else WHICH_CHANGE,
            controls=[
                panel.slider("w_1", "w₁", -LARGEST_WEIGHT, LARGEST_WEIGHT, 0.25),
                panel.slider("w_2", "w₂", -LARGEST_WEIGHT, LARGEST_WEIGHT, 0.25),
                panel.slider("b", "b", -LARGEST_BIAS, LARGEST_BIAS, 0.25),
                panel.choice("activation", "activation", list(ACTIVATIONS)),
            ],
            moves={"brackets": "b", "arrows": "w_1"},
        )

    def render(self, values: dict, answered: bool) -> dict:
        hidden = self._asks_for_gate and not answered
        sentence = f"y = {formula(values)}"
        if not hidden:
            sentence += f": {verdict(values)}"
        return {
            "sentence": sentence,
            "figure": _figure(values, hidden),
            "alt": "The plane of the two inputs. "
            + ("The boundary is not drawn yet." if hidden else f"{boundary(values)} {sentence}"),
            "table": {
                "caption": sentence,
                "head": ["x₁", "x₂", "total", "output"],
                "rows": [_row(values, x, hidden) for x in INPUTS],
            },
        }

    def arithmetic(self) -> str:
        lines = []
        for x in INPUTS:
            z, y = format_number(total(self.start, x)), format_number(output(self.start, x))
            lines.append(f"x = {x}: total {z}, output {y}")
        return "\n".join([f"y = {formula(self.start)}", *lines, f"gate: {gate(self.start)}"])


def total(values: dict, x: Sequence[float]) -> float:
    """w₁x₁ + w₂x₂ + b."""
    return float(totals(values, np.array(x)))


def totals(values: dict, x: np.ndarray) -> np.ndarray:
    """The same for many inputs at once: (2, …) -> (…)."""
    return values["w_1"] * x[0] + values["w_2"] * x[1] + values["b"]


def output(values: dict, x: Sequence[float]) -> float:
    """The activation of the total."""
    return float(ACTIVATIONS[values["activation"]](np.array(total(values, x))))


def gate(values: dict) -> str:
    """The gate whose 1s are where the total reaches 0, whatever the activation; or "none"."""
    reached = tuple(int(total(values, x) >= 0) for x in INPUTS)
    return next((name for name, answers in GATES.items() if answers == reached), "none")


def verdict(values: dict) -> str:
    """The gate in words; for a smooth activation, by the sign of the total."""
    name = gate(values)
    if values["activation"] == "step":
        return f"this is {name}." if name != "none" else "none of AND, OR, NAND and NOR."
    if name == "none":
        return "by the sign of the total, none of AND, OR, NAND and NOR."
    return f"by the sign of the total, this is {name}."


def formula(values: dict) -> str:
    """The neuron with its numbers in it: step(1·x₁ + 1·x₂ − 1.5)."""
    terms = f"{format_number(values['w_1'])}·x₁ {_signed(values['w_2'])}·x₂ {_signed(values['b'])}"
    return f"{values['activation']}({terms})"


def boundary(values: dict) -> str:
    """Where the total is 0, in words."""
    if not (values["w_1"] or values["w_2"]):
        return f"No boundary: the total is {format_number(values['b'])} everywhere."
    if not any(_reaches(values)):
        return "The boundary lies outside this picture."
    left = f"{format_number(values['w_1'])}·x₁ {_signed(values['w_2'])}·x₂"
    return f"The boundary is {left} {_signed(values['b'])} = 0."


def _reaches(values: dict) -> list[bool]:
    """Whether each corner of the picture lies on another side than the first one."""
    corners = [(x, y) for x in (LOW, HIGH) for y in (LOW, HIGH)]
    first = total(values, corners[0]) >= 0
    return [(total(values, corner) >= 0) != first for corner in corners]


def _checked(w: Sequence[float], b: float) -> dict:
    try:
        w_1, w_2 = (float(weight) for weight in w)
        b = float(b)
    except (TypeError, ValueError):
        raise ValueError(f"w has to be two numbers and b one; got w = {w!r}, b = {b!r}.") from None
    if not max(abs(w_1), abs(w_2)) <= LARGEST_WEIGHT or not abs(b) <= LARGEST_BIAS:  # nor NaN
        raise ValueError(
            f"weights from −{LARGEST_WEIGHT} to {LARGEST_WEIGHT} and a bias from −{LARGEST_BIAS} "
            f"to {LARGEST_BIAS} can be shown; got w = {w!r}, b = {b!r}. A step neuron answers the "
            "same if all three are divided by one positive number."
        )
    return {"w_1": w_1, "w_2": w_2, "b": b}


def _row(values: dict, x: tuple[int, int], hidden: bool) -> list:
    inputs = [str(x[0]), str(x[1])]
    if hidden:
        return [*inputs, "?", "?"]
    z, y = format_number(total(values, x)), format_number(output(values, x))
    terms = f"{format_number(values['w_1'])} · {x[0]} {_signed(values['w_2'])} · {x[1]}"
    why = f"total = w₁x₁ + w₂x₂ + b = {terms} {_signed(values['b'])} = {z}"
    fires = total(values, x) >= 0
    return [
        *inputs,
        {"text": z, "why": why},
        {
            "text": y,
            "why": f"output = {_activated(values, x)}",
            "strong": True,
            "colour": TINTS[fires],
        },
    ]


def _activated(values: dict, x: tuple[int, int]) -> str:
    """The activation with its number in it: step(−0.5) = 0, as −0.5 is below 0."""
    number = total(values, x)
    z, y = format_number(number), format_number(output(values, x))
    return {
        "step": f"step({z}) = {y}, as {z} {'is below' if number < 0 else 'has reached'} 0",
        "sigmoid": f"1 / (1 + e^({format_number(-number)})) ≈ {y}",
        "tanh": f"tanh({z}) ≈ {y}",
        "ReLU": f"max({z}, 0) = {y}",
    }[values["activation"]]


def _which_gate(start: dict) -> dict:
    return {
        "question": f"y = {formula(start)}. Which gate is it, by the sign of the total?",
        "choices": [*GATES, "none"],
        "solution": gate(start),
        "explain": "Its totals for 00, 01, 10, 11: "
        + ", ".join(format_number(total(start, x)) for x in INPUTS)
        + ".",
    }


def _signed(value: float) -> str:
    """A term with its sign before it: "+ 1", "− 1.5"."""
    return f"{'−' if value < 0 else '+'} {format_number(abs(value))}"


WHICH_CHANGE = {
    "question": "w₁ = w₂ = 1 and b = −1.5 make AND. Which single change makes OR?",
    "choices": list(CHANGES),
    "solution": "b = −0.5",
    "explain": "One input of 1 then gives the total 1 − 0.5 = 0.5, and is enough.",
}


# --- the figure ------------------------------------------------------------------------------


def _figure(values: dict, hidden: bool) -> Figure:
    figure, axes = drawing.one_axes(5.2, 4.0, place=(0.13, 0.14, 0.655, 0.84))
    if hidden:
        axes.plot(*zip(*INPUTS, strict=True), "D", color="0.6", markersize=13)
    else:
        _draw_outputs(figure, axes, values)
        _draw_boundary(axes, values)
        _draw_inputs(axes, values)
    axes.set(xlim=(LOW, HIGH), ylim=(LOW, HIGH), xticks=[0, 1], yticks=[0, 1])
    axes.set(xlabel="input x₁", ylabel="input x₂")  # $x_1$ would take 20 ms to read
    return figure


def _draw_outputs(figure: Figure, axes: Axes, values: dict) -> None:
    """The output over the plane: two tints for the step, otherwise a scale with its bar."""
    if values["activation"] == "step":
        axes.set_facecolor(TINTS[total(values, (LOW, LOW)) >= 0])
        corners = np.stack(np.meshgrid([LOW, HIGH], [LOW, HIGH]))  # (2, 2, 2)
        if any(_reaches(values)):  # the total is linear, so that 4 corners give the exact edge
            axes.contourf(*corners, totals(values, corners), levels=[-99, 0, 99], colors=TINTS[:2])
        return
    side = np.linspace(LOW, HIGH, 111)
    x = np.stack(np.meshgrid(side, side))  # (2, 111, 111)
    outputs = ACTIVATIONS[values["activation"]](totals(values, x))
    largest = max(1.0, np.abs(outputs).max())
    low, high = {"sigmoid": (0, 1), "tanh": (-1, 1), "ReLU": (0, largest)}[values["activation"]]
    colours = SIGNED if values["activation"] == "tanh" else "cividis"
    scale = np.linspace(low, high, 128)[:, None]
    beside = figure.add_axes((0.82, 0.14, 0.035, 0.84))  # a colorbar would take 50 ms
    _draw_values(axes, outputs, (LOW, HIGH, LOW, HIGH), colours, (low, high))
    _draw_values(beside, scale, (0, 1, low, high), colours, (low, high))
    ticks = [low, (low + high) / 2, high]
    beside.set_yticks(ticks, [drawing.minus(f"{tick:.3g}") for tick in ticks])
    beside.set(xticks=[], ylabel="output y")
    beside.yaxis.tick_right()
    beside.yaxis.set_label_position("right")


def _draw_values(
    axes: Axes,
    values: np.ndarray,
    extent: tuple[float, float, float, float],
    colours: str | Colormap,
    limits: tuple[float, float],
) -> None:
    """Values as colours, the first row below. extent: left, right, low and high."""
    low, high = limits
    axes.imshow(
        values,
        extent=extent,
        cmap=colours,
        vmin=low,
        vmax=high,
        origin="lower",
        aspect="auto",
    )


_CENTRED: dict[str, Any] = {"ha": "center", "va": "center", "fontsize": 12, "zorder": 4}


def _draw_boundary(axes: Axes, values: dict) -> None:
    """The line where the total is 0, and an arrow to the side where it is positive."""
    if not any(_reaches(values)):
        text = boundary(values).replace(": ", ":\n").replace(" lies ", "\nlies ")
        drawing.label(axes, 0.5, 0.5, text.rstrip("."), **_CENTRED)
        return
    w = np.array([values["w_1"], values["w_2"]])
    normal, along = w / np.hypot(*w), np.array([-w[1], w[0]]) / np.hypot(*w)
    middle = 0.5 - total(values, (0.5, 0.5)) / np.hypot(*w) * normal
    for width, colour in ((5, "white"), (2, "black")):  # seen on every colour
        axes.axline(middle, middle + along, color=colour, linewidth=width, linestyle="-")
    feet = middle + np.linspace(-1.5, 1.5, 61)[:, None] * along  # (61, 2)
    tips = feet + 0.32 * normal
    room = np.abs(np.stack([feet, tips + 0.05 * normal]) - 0.5).max(axis=(0, 2)) < 0.92
    if not room.any():
        return
    # Where it is furthest from the four inputs and what is written there.
    gaps = np.hypot(*(tips[:, None] - np.array(INPUTS)).T).min(axis=0)  # (61,)
    best = np.argmax(np.where(room, gaps, -1))
    style = {"arrowstyle": "-|>", "color": "black", "linewidth": 2, "mutation_scale": 18}
    axes.annotate("", tips[best], feet[best], arrowprops=style | {"shrinkA": 0, "shrinkB": 0})
    fires = "fires" if values["activation"] == "step" else "total > 0"
    x, y = tips[best] + 0.1 * normal
    drawing.label(axes, x, y, fires, **_CENTRED)


def _draw_inputs(axes: Axes, values: dict) -> None:
    for x in INPUTS:
        marker, colour = ("o", "#D55E00") if total(values, x) >= 0 else ("s", "#0072B2")
        axes.plot(*x, marker, color=colour, markersize=14, markeredgecolor="white", zorder=5)
        side, shift = ("right", -0.13) if x[0] == 0 else ("left", 0.13)
        text = drawing.minus(f"{output(values, x):.3g}")
        place = x[0] + shift, x[1]
        drawing.label(axes, *place, text, pad=1.5, ha=side, va="center", fontsize=13, zorder=6)
