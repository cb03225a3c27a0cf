"""The learning rate: gradient descent on a parabola and in a long bowl, step by step."""

import math
from typing import ClassVar

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from . import drawing, panel

PARABOLA, BOWL = "parabola", "bowl"
#: The curvature in the direction of each parameter: the second derivatives of the loss.
CURVATURES = {PARABOLA: (2.0,), BOWL: (0.2, 4.0)}
#: Where each loss is lowest; every descent starts at zeros.
LOWEST = {PARABOLA: (3.0,), BOWL: (3.0, 1.0)}
FORMULAS = {PARABOLA: "L = (w − 3)²", BOWL: "L = 0.1 (w − 3)² + 2 (b − 1)²"}
#: The rates of the question, and the fates in the order in which they are asked for.
RATES = (0.1, 0.5, 0.9, 1.0, 1.1)
FATES = ("one step", "bounces", "slow", "diverges", "oscillates")
MOST_STEPS, ROWS = 20, 6


class LearningRate(panel.Panel):
    """Gradient descent with a learning rate to choose: each step with its sum.

    rate: the first learning rate, from 0.05 to 1.2. steps: how many steps to show first, from
    0 to 20. loss: "parabola", L = (w − 3)², or "bowl", L = 0.1 (w − 3)² + 2 (b − 1)².

    Raises ValueError for any other rate, number of steps or loss.
    """

    TITLE = "Learning rate"
    CONTROLS: ClassVar = [
        panel.slider("rate", "learning rate η", 0.05, 1.2, 0.05),
        panel.slider("steps", "steps", 0, MOST_STEPS, 1),
        panel.choice("loss", "loss", list(FORMULAS)),
    ]
    MOVES: ClassVar = {"brackets": "rate", "arrows": "steps"}

    def __init__(self, rate: float = 0.1, steps: int = 4, loss: str = PARABOLA) -> None:
        if not 0.05 <= drawing.number(rate, "learning rate") <= 1.2:
            raise ValueError(f"the learning rate is {rate}; rates from 0.05 to 1.2 can be shown.")
        if drawing.whole(steps, "number of steps", at_least=0) > MOST_STEPS:
            raise ValueError(f"{steps} steps are too many to show; up to {MOST_STEPS} can be.")
        if loss not in FORMULAS:
            raise ValueError(f'the loss is {loss!r}; it has to be "{PARABOLA}" or "{BOWL}".')
        self.QUESTION = question(loss)
        super().__init__(rate=float(rate), steps=int(steps), loss=loss)

    def look(self, values: dict, answered: bool) -> dict:
        if not answered:  # where it starts, and nothing of where it goes
            values = {**values, "steps": 0}
            told = f"{FORMULAS[values['loss']]}. Square: the start. Star: the lowest point."
            return {"sentence": told, "figure": _figure(values)}
        seen = {"sentence": told_of(values), "figure": _figure(values)}
        if values["steps"]:
            seen["table"] = _table(values)
        return seen

    def arithmetic(self) -> str:
        """The descent of every rate of the question, and the limits of both losses."""
        lines = []
        for rate in RATES:
            path = descend(PARABOLA, rate, 4)[:, 0]
            walk = " ".join(drawing.say(w) for w in path)
            lines.append(f"η = {rate}: w = {walk}: {fate(1 - 2 * rate)}")
        lines += [f"{FORMULAS[loss]}: η below {drawing.say(limit(loss))}" for loss in FORMULAS]
        return "\n".join(lines)


def gradient(loss: str, point: np.ndarray) -> np.ndarray:
    """Curvature times distance to the lowest point, in each direction; (..., parameters)."""
    return np.array(CURVATURES[loss]) * (point - np.array(LOWEST[loss]))


def descend(loss: str, rate: float, steps: int) -> np.ndarray:
    """The parameters from the start, zeros, to the last step: (steps + 1, parameters)."""
    path = [np.zeros(len(LOWEST[loss]))]
    for _ in range(steps):
        path.append(path[-1] - rate * gradient(loss, path[-1]))
    return np.array(path)


def limit(loss: str) -> float:
    """The learning rate from which on descent does not converge: 2 / the largest curvature."""
    return 2 / max(CURVATURES[loss])


def fate(factor: float) -> str:
    """What becomes of a distance that each step multiplies by this factor."""
    if math.isclose(factor, 0, abs_tol=1e-9):
        return "one step"
    if math.isclose(factor, -1):
        return "bounces"
    if factor < -1:
        return "diverges"
    if factor < 0:
        return "oscillates"
    return "slow" if factor > 0.5 else "arrives from one side"


def question(loss: str) -> dict:
    """Of the parabola, the rate of each fate in the order of FATES; of the bowl, its limit."""
    if loss == BOWL:
        return {
            "question": (
                f"descent on {FORMULAS[BOWL]}, whose curvatures are 0.2 along the trough and 4 "
                "across it. From which learning rate on does it not converge?"
            ),
            "solution": [limit(BOWL)],
            "explain": "The limit is 2/λmax = 2/4, set by the steepest direction alone.",
        }
    of = {fate(1 - rate * CURVATURES[PARABOLA][0]): rate for rate in RATES}
    rates = ", ".join(map(str, RATES))
    return {
        "question": (
            f"descent on L = (w − 3)² from w = 0, with η = {rates}. Type the five rates in this "
            "order: one step; bounces 0\u00a0↔\u00a06; slow; diverges; oscillates"
        ),
        "solution": [of[name] for name in FATES],
        "explain": (
            "Each step multiplies the distance to 3 by 1 − 2η. This loss is not halved: its "
            "curvature is 2, so its limit is 2/2 = 1."
        ),
    }


def told_of(values: dict) -> str:
    """Where the steps have led, and what becomes of the distance, in one line."""
    loss, rate, steps = values["loss"], values["rate"], values["steps"]
    here = descend(loss, rate, steps)[-1]
    place = ", ".join(f"{name} = {drawing.say(v)}" for name, v in zip("wb", here, strict=False))
    after = f"η = {drawing.say(rate)}, {steps} step{'' if steps == 1 else 's'}: {place}."
    factors = [1 - rate * curvature for curvature in CURVATURES[loss]]
    if loss == PARABOLA:
        what = f"Each step multiplies the distance to 3 by 1 − 2η = {drawing.say(factors[0])}: "
        return f"{after} {what}{fate(factors[0])}. Limit: 2/2 = 1."
    what = (
        f"Factors: 1 − 0.2η = {drawing.say(factors[0])} along the trough ({fate(factors[0])}), "
        f"1 − 4η = {drawing.say(factors[1])} across it ({fate(factors[1])})."
    )
    return f"{after} {what} Limit: 2/λmax = 2/4 = 0.5."


def _table(values: dict) -> dict:
    """The last few steps: where from, the gradient there, and where to."""
    loss, rate, steps = values["loss"], values["rate"], values["steps"]
    path = descend(loss, rate, steps)
    shown = range(max(0, steps - ROWS), steps)
    names = "w" if loss == PARABOLA else "wb"
    in_bowl = ["step", "w", "∂L/∂w", "b", "∂L/∂b"]
    head = ["step", "w", "gradient", "new w"] if loss == PARABOLA else in_bowl
    rows = []
    for i in shown:
        row = [str(i + 1)]
        for j, name in enumerate(names):
            at, to = path[i][j], path[i + 1][j]
            slope = gradient(loss, path[i])[j]
            terms = f"{_long(at)} − {drawing.say(rate)} · {_braced(slope)}"
            moved = f"new {name} = {name} − η · gradient = "
            moved += f"{terms} {_equals(at, slope, to)} {_long(to)}"
            sum_ = _slope(loss, j, at, slope)
            if loss == PARABOLA:
                row += [drawing.say(at), {"text": drawing.say(slope), "why": sum_}]
                row.append({"text": drawing.say(to), "why": moved, "strong": True})
            else:
                row += [_brief(at), {"text": _brief(slope), "why": f"{sum_}; {moved}"}]
        rows.append(row)
    return {"caption": FORMULAS[loss], "head": head, "rows": rows}


def _slope(loss: str, direction: int, at: float, slope: float) -> str:
    curvature, lowest = CURVATURES[loss][direction], LOWEST[loss][direction]
    name = "wb"[direction]
    factor, middle = drawing.say(curvature), drawing.say(lowest)
    return (
        f"gradient = {factor} · ({name} − {middle}) = {factor} · ({_long(at)} − {middle}) "
        f"{_equals(at, slope)} {_long(slope)}"
    )


def _brief(value: float) -> str:
    """Three digits, and one of large numbers: five columns need room."""
    if abs(value) >= 1000:
        return f"{value:.0e}".replace("e+0", "e").replace("e+", "e").replace("-", "−")
    return drawing.say(round(value, 3) if abs(value) < 1 else float(f"{value:.3g}"))


def _long(value: float) -> str:
    """At most six significant digits: a sum has to be true of what is written."""
    return f"{0 if abs(value) < 1e-9 else value:.6g}".replace("-", "−")


def _equals(*values: float) -> str:
    """ "=" if six digits are all that the values have, otherwise "≈"."""
    whole = all(math.isclose(float(f"{v:.6g}"), v, rel_tol=1e-9, abs_tol=1e-9) for v in values)
    return "=" if whole else "≈"


def _braced(value: float) -> str:
    return f"({_long(value)})" if value < 0 else _long(value)


# --- the figure ------------------------------------------------------------------------------


def _figure(values: dict) -> Figure:
    figure = Figure(figsize=(4.9, 3.6), layout="none")
    axes = figure.add_axes((0.13, 0.16, 0.85, 0.82))
    path = descend(values["loss"], values["rate"], values["steps"])
    if values["loss"] == PARABOLA:
        _draw_parabola(axes)
        heights = (path[:, 0] - 3) ** 2
        _draw_path(axes, path[:, 0], heights, (3, 0))
    else:
        _draw_bowl(axes)
        _draw_path(axes, path[:, 0], path[:, 1], LOWEST[BOWL])
    return figure


def _draw_parabola(axes: Axes) -> None:
    w = np.linspace(-4, 10, 113)
    axes.plot(w, (w - 3) ** 2, color="0.6", linestyle="-")
    axes.set(xlim=(-4, 10), ylim=(-3, 49), xlabel="weight w", ylabel="loss L")


def _draw_bowl(axes: Axes) -> None:
    """Contours: on each, the loss is four times as high as on the one inside it."""
    w, b = np.meshgrid(np.linspace(-1.5, 7.5, 121), np.linspace(-2.3, 4.3, 91))
    heights = 0.1 * (w - 3) ** 2 + 2 * (b - 1) ** 2
    axes.contour(w, b, heights, levels=0.05 * 4.0 ** np.arange(5), colors="0.6", linewidths=1.2)
    axes.set(xlim=(-1.5, 7.5), ylim=(-2.3, 4.3), xlabel="weight w", ylabel="bias b")


def _draw_path(axes: Axes, x: np.ndarray, y: np.ndarray, lowest: tuple[float, ...]) -> None:
    axes.plot(*lowest, "*", color="#E69F00", markeredgecolor="black", markersize=17)
    if len(x) > 1:
        axes.plot(x, y, "o-", color="#D55E00", linewidth=1.5, markersize=6)
        axes.plot(x[-1], y[-1], "o", color="#D55E00", markeredgecolor="black", markersize=12)
    axes.plot(x[0], y[0], "s", color="black", markersize=10)
    low, high = axes.get_xlim()
    bottom, top = axes.get_ylim()
    if not (low <= x[-1] <= high and bottom <= y[-1] <= top):
        box = {"fc": "white", "ec": "none", "alpha": 0.85, "pad": 2}
        words = {"ha": "center", "va": "top", "fontsize": 13, "bbox": box}
        axes.text(0.5, 0.97, "The path has left the picture", transform=axes.transAxes, **words)
