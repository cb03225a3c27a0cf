"""The learning rate: gradient descent on a parabola and in a long bowl, step by step."""

import math
from dataclasses import dataclass

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from . import drawing, panel
from .drawing import bracketed, format_number

PARABOLA, BOWL, OWN = "parabola", "bowl", "own"
#: The rates of the question, and the fates in the order in which they are asked for.
RATES = (0.1, 0.5, 0.9, 1.0, 1.1)
FATES = ("one step", "bounces", "slow", "diverges", "oscillates")
MOST_STEPS, ROWS = 20, 6
#: A slider of learning rates has so many places; its limit is near the twentieth.
PLACES = 24


@dataclass(frozen=True)
class Bowl:
    """A loss that is ½ dᵀ H d above its lowest value, d being the way from its lowest point.

    formula: in words. hessian: H, (parameters, parameters). lowest: (parameters,). extent: how
    far from the lowest point the picture goes, in the direction of each parameter.
    """

    formula: str
    hessian: np.ndarray
    lowest: np.ndarray
    extent: tuple[float, ...]

    @property
    def curvatures(self) -> np.ndarray:
        """The eigenvalues of H, the smallest first: (parameters,)."""
        return np.linalg.eigvalsh(self.hessian)

    @property
    def limit(self) -> float:
        """The learning rate from which on descent does not converge: 2 / the largest curvature."""
        return 2 / self.curvatures[-1]

    def gradient(self, point: np.ndarray) -> np.ndarray:
        """H times the way from the lowest point: (parameters,)."""
        return self.hessian @ (point - self.lowest)

    def height(self, *point: np.ndarray | float) -> np.ndarray:
        """The loss above its lowest value; a number or an array for each parameter."""
        pairs = zip(point, self.lowest, strict=True)
        offset = np.array([values - lowest for values, lowest in pairs])
        return 0.5 * np.einsum("i...,ij,j...", offset, self.hessian, offset)

    def descend(self, rate: float, steps: int) -> np.ndarray:
        """The parameters from the start, zeros, to the last step: (steps + 1, parameters)."""
        path = [np.zeros(len(self.lowest))]
        for _ in range(steps):
            path.append(path[-1] - rate * self.gradient(path[-1]))
        return np.array(path)


LOSSES = {
    PARABOLA: Bowl("L = (w − 3)²", np.array([[2.0]]), np.array([3.0]), (7,)),
    BOWL: Bowl(
        "L = 0.1 (w − 3)² + 2 (b − 1)²", np.diag([0.2, 4.0]), np.array([3.0, 1.0]), (4.5, 3.3)
    ),
}


def bowl_of_points(x: object, y: object) -> Bowl:
    """Half the mean squared error of a line wx + b over points, as a function of w and b.

    x, y: numbers, as many of one as of the other.

    Raises ValueError for anything else, for points that are all at one x, for an x so large that
    no learning rate on a slider is small enough, and where descent would start at the best line.
    """
    try:
        x, y = (np.asarray(values, dtype=float) for values in (x, y))
    except (TypeError, ValueError, RuntimeError):
        raise ValueError("x and y have to hold numbers, one of each for a point.") from None
    if x.ndim != 1 or x.shape != y.shape:
        raise ValueError(f"x and y need one number for each point; got {x.shape} and {y.shape}.")
    if not len(x):
        raise ValueError("there is no point in x and y.")
    if not (np.isfinite(x).all() and np.isfinite(y).all()):
        raise ValueError("x and y have to hold finite numbers; there is a NaN or an infinity.")
    hessian = np.array([[np.mean(x**2), x.mean()], [x.mean(), 1]])
    flattest, steepest = np.linalg.eigvalsh(hessian)
    if flattest < 1e-9 * steepest:
        raise ValueError("all points are at one x, or nearly: no line through them is the best.")
    lowest = np.polyfit(x, y, 1)
    extent = 1.3 * float(np.linalg.norm(lowest))
    if extent < 1e-9:
        raise ValueError("the best line is y = 0, where descent starts: there is nothing to see.")
    bowl = Bowl(f"L = ½ mean (wx + b − y)², {len(x)} points", hessian, lowest, (extent, extent))
    if bowl.limit < 1e-3:
        raise ValueError(
            f"x is as large as {np.abs(x).max():.4g}, so only learning rates below "
            f"{bowl.limit:.1g} converge: too small for a slider. Standardise x first."
        )
    return bowl


class LearningRate(panel.Panel):
    """Gradient descent with a learning rate to choose: each step with its sum.

    rate: the first learning rate, from 0.05 to 1.2. steps: how many steps to show first, from
    0 to 20. loss: "parabola", L = (w − 3)², or "bowl", L = 0.1 (w − 3)² + 2 (b − 1)². x, y:
    points of one's own, whose bowl, that of the line wx + b, is shown instead; its learning rates
    go a little beyond its limit, and the first is about half of it.

    Raises ValueError for any other rate, number of steps, loss or points.
    """

    def __init__(
        self,
        rate: float | None = None,
        steps: int = 4,
        loss: str = PARABOLA,
        *,
        x: object = None,
        y: object = None,
    ) -> None:
        if loss not in LOSSES:
            raise ValueError(f'the loss is {loss!r}; it has to be "{PARABOLA}" or "{BOWL}".')
        own = x is not None or y is not None
        self._losses = {OWN: bowl_of_points(x, y)} if own else LOSSES
        loss = OWN if own else loss
        step = float(f"{self._losses[OWN].limit / 20:.2g}") if own else 0.05
        most = round(PLACES * step, 6)
        rate = (10 * step if own else 0.1) if rate is None else rate
        if not step <= drawing.number(rate, "learning rate") <= most:
            raise ValueError(
                f"the learning rate is {rate}; rates from {step} to {most} can be shown."
            )
        if drawing.whole(steps, "number of steps", at_least=0) > MOST_STEPS:
            raise ValueError(f"{steps} steps are too many to show; up to {MOST_STEPS} can be.")
        controls = [
            panel.slider("rate", "learning rate η", step, most, step),
            panel.slider("steps", "steps", 0, MOST_STEPS, 1),
        ]
        if not own:
            controls.append(panel.choice("loss", "loss", list(LOSSES)))
        super().__init__(
            {"rate": float(rate), "steps": int(steps), "loss": loss},
            title="Learning rate",
            question=question(loss, self._losses[loss]),
            controls=controls,
            moves={"brackets": "rate", "arrows": "steps"},
        )

    def render(self, values: dict, answered: bool) -> dict:
        loss = self._losses[values["loss"]]
        if not answered:  # where it starts, and nothing of where it goes
            sentence = f"{loss.formula}. Square: the start. Star: the lowest point."
            return {"sentence": sentence, "figure": _figure(loss, values["rate"], 0)}
        rate, steps = values["rate"], values["steps"]
        content = {
            "sentence": progress(loss, rate, steps),
            "figure": _figure(loss, rate, steps),
        }
        if steps:
            content["table"] = _table(loss, rate, steps)
        return content

    def arithmetic(self) -> str:
        """The descent of every rate of the question, and the limits of the losses."""
        lines = []
        for rate in RATES if PARABOLA in self._losses else ():
            path = LOSSES[PARABOLA].descend(rate, 4)[:, 0]
            walk = " ".join(format_number(w) for w in path)
            lines.append(f"η = {rate}: w = {walk}: {fate(1 - 2 * rate)}")
        losses = self._losses.values()
        limits = [f"{loss.formula}: η below {format_number(loss.limit)}" for loss in losses]
        return "\n".join(lines + limits)


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


def question(name: str, loss: Bowl) -> dict:
    """Of the parabola, the rate of each fate in the order of FATES; of a bowl, its limit."""
    if name != PARABOLA:
        return _limit_question(name, loss)
    rate_by_fate = {fate(1 - rate * loss.curvatures[0]): rate for rate in RATES}
    rates = ", ".join(map(str, RATES))
    return {
        "question": (
            f"descent on L = (w − 3)² from w = 0, with η = {rates}. Type the five rates in this "
            "order: one step; bounces 0\u00a0↔\u00a06; slow; diverges; oscillates"
        ),
        "solution": [rate_by_fate[name] for name in FATES],
        "explain": (
            "Each step multiplies the distance to 3 by 1 − 2η. This loss is not halved: its "
            "curvature is 2, so its limit is 2/2 = 1."
        ),
    }


def _limit_question(name: str, loss: Bowl) -> dict:
    """The limit of a bowl; for one of the reader's own points there are choices."""
    flattest, steepest = map(format_number, loss.curvatures)
    shape = f"curvatures are {flattest} along the trough and {steepest} across it"
    alone = ", set by the steepest direction alone"
    if flattest == steepest:
        shape, alone = f"curvature is {steepest} in every direction", ""
    question = {
        "question": (
            f"descent on {loss.formula}, whose {shape}. "
            "From which learning rate on does it not converge?"
        ),
        "explain": f"The limit is 2/λmax = 2/{steepest}{alone}.",
    }
    if name == BOWL:
        return {**question, "solution": [loss.limit]}
    too_much = 4 / loss.curvatures[-1] if flattest == steepest else 2 / loss.curvatures[0]
    choices = sorted([1 / loss.curvatures[-1], loss.limit, too_much])
    return {
        **question,
        "choices": list(map(format_number, choices)),
        "solution": format_number(loss.limit),
    }


def progress(loss: Bowl, rate: float, steps: int) -> str:
    """Where the steps have led, and what becomes of the distance, in one line."""
    point = loss.descend(rate, steps)[-1]
    place = ", ".join(f"{name} = {format_number(v)}" for name, v in zip("wb", point, strict=False))
    after = f"η = {format_number(rate)}, {steps} step{'' if steps == 1 else 's'}: {place}."
    factors = [1 - rate * curvature for curvature in loss.curvatures]
    names = [f"1 − {format_number(curvature)}η" for curvature in loss.curvatures]
    if len(factors) == 1:
        effect = (
            f"Each step multiplies the distance to 3 by {names[0]} = {format_number(factors[0])}: "
        )
        return f"{after} {effect}{fate(factors[0])}. Limit: 2/2 = 1."
    steepest = format_number(loss.curvatures[-1])
    limit = f"Limit: 2/λmax = 2/{steepest} = {format_number(loss.limit)}."
    if format_number(loss.curvatures[0]) == steepest:
        factor = f"{names[1]} = {format_number(factors[1])}"
        effect = f"Each step multiplies the distance to the lowest point by {factor}: "
        return f"{after} {effect}{fate(factors[1])}. {limit}"
    effect = (
        f"Factors: {names[0]} = {format_number(factors[0])} along the trough ({fate(factors[0])}), "
        f"{names[1]} = {format_number(factors[1])} across it ({fate(factors[1])})."
    )
    return f"{after} {effect} {limit}"


def _table(loss: Bowl, rate: float, steps: int) -> dict:
    """The last few steps: where from, the gradient there, and where to."""
    path = loss.descend(rate, steps)
    first = max(0, steps - ROWS)
    head = ["step", "w", "∂L/∂w", "b", "∂L/∂b"]
    if len(loss.lowest) == 1:
        head = ["step", "w", "gradient", "new w"]
    rows = []
    for i in range(first, steps):
        row: list[str | dict] = [str(i + 1)]
        for direction in range(len(loss.lowest)):
            row += _cells(loss, rate, direction, path[i], path[i + 1])
        rows.append(row)
    return {"caption": loss.formula, "head": head, "rows": rows}


def _cells(
    loss: Bowl, rate: float, direction: int, point: np.ndarray, new_point: np.ndarray
) -> list[str | dict]:
    """One parameter before a step, its gradient and, if it is the only one, where it goes."""
    name, old, new = "wb"[direction], point[direction], new_point[direction]
    slope = loss.gradient(point)[direction]
    terms = f"{_long(old)} − {format_number(rate)} · {bracketed(slope, _long)}"
    moved = f"new {name} = {name} − η · gradient = "
    moved += f"{terms} {_equals(old, slope, new)} {_long(new)}"
    why = _slope(loss, direction, point)
    if len(loss.lowest) > 1:
        return [_brief(old), {"text": _brief(slope), "why": f"{why}; {moved}"}]
    return [
        format_number(old),
        {"text": format_number(slope), "why": why},
        {"text": format_number(new), "why": moved, "strong": True},
    ]


def _slope(loss: Bowl, direction: int, point: np.ndarray) -> str:
    """The gradient in one direction as a sum, first in letters, then in numbers."""
    letters: list[str] = []
    numbers: list[str] = []
    exact = [*point]
    for j, factor in enumerate(loss.hessian[direction]):
        if factor:
            factor, lowest = float(factor), loss.lowest[j]
            letters.append(f"{_long(factor)} · ({'wb'[j]} − {bracketed(lowest, _long)})")
            numbers.append(f"{_long(factor)} · ({_long(point[j])} − {bracketed(lowest, _long)})")
            exact += [factor, lowest]
    slope = loss.gradient(point)[direction]
    return (
        f"gradient = {' + '.join(letters)} = {' + '.join(numbers)} "
        f"{_equals(slope, *exact)} {_long(slope)}"
    )


def _brief(value: float) -> str:
    """Three digits, and one of large numbers: five columns need room."""
    if abs(value) >= 1000:
        return drawing.minus(f"{value:.0e}".replace("e+0", "e").replace("e+", "e"))
    return format_number(round(value, 3) if abs(value) < 1 else float(f"{value:.3g}"))


def _long(value: float) -> str:
    """At most six significant digits: a sum has to be true of what is written."""
    return drawing.minus(f"{0 if abs(value) < 1e-9 else value:.6g}")


def _equals(*values: float) -> str:
    """ "=" if six digits are all that the values have, otherwise "≈"."""
    whole = all(math.isclose(float(f"{v:.6g}"), v, rel_tol=1e-9, abs_tol=1e-9) for v in values)
    return "=" if whole else "≈"


# --- the figure ------------------------------------------------------------------------------


def _figure(loss: Bowl, rate: float, steps: int) -> Figure:
    figure, axes = drawing.one_axes(4.9, 3.6, place=(0.13, 0.16, 0.85, 0.82))
    path = loss.descend(rate, steps)
    if len(loss.lowest) == 1:
        _draw_parabola(axes, loss)
        _draw_path(axes, path[:, 0], loss.height(path[:, 0]), (loss.lowest[0], 0))
    else:
        _draw_bowl(axes, loss)
        _draw_path(axes, path[:, 0], path[:, 1], (loss.lowest[0], loss.lowest[1]))
    return figure


def _draw_parabola(axes: Axes, loss: Bowl) -> None:
    (left, right), top = _sides(loss)[0], loss.height(_sides(loss)[0][1])
    w = np.linspace(left, right, 113)
    axes.plot(w, loss.height(w), color="0.6", linestyle="-")
    axes.set(xlim=(left, right), ylim=(-0.06 * top, top), xlabel="weight w", ylabel="loss L")


def _draw_bowl(axes: Axes, loss: Bowl) -> None:
    """Contours: on each, the loss is four times as far above the lowest as on that inside it."""
    across, up = _sides(loss)
    w, b = np.meshgrid(np.linspace(*across, 121), np.linspace(*up, 91))
    levels = loss.height(*np.zeros(2)) * 4.0 ** np.arange(-3, 3)  # the start is on the fourth
    axes.contour(w, b, loss.height(w, b), levels=levels, colors="0.6", linewidths=1.2)
    axes.set(xlim=across, ylim=up, xlabel="weight w", ylabel="bias b")


def _sides(loss: Bowl) -> list[tuple[float, float]]:
    """From where to where the picture goes, in the direction of each parameter."""
    return [
        (low - extent, low + extent) for low, extent in zip(loss.lowest, loss.extent, strict=True)
    ]


def _draw_path(axes: Axes, x: np.ndarray, y: np.ndarray, lowest: tuple[float, float]) -> None:
    axes.plot(*lowest, "*", color=drawing.ORANGE, markeredgecolor="black", markersize=17)
    if len(x) > 1:
        axes.plot(x, y, "o-", color="#D55E00", linewidth=1.5, markersize=6)
        axes.plot(x[-1], y[-1], "o", color="#D55E00", markeredgecolor="black", markersize=12)
    axes.plot(x[0], y[0], "s", color="black", markersize=10)
    low, high = axes.get_xlim()
    bottom, top = axes.get_ylim()
    if not (low <= x[-1] <= high and bottom <= y[-1] <= top):
        drawing.label(
            axes,
            0.5,
            0.97,
            "The path has left the picture",
            transform=axes.transAxes,
            ha="center",
            va="top",
            fontsize=13,
        )
