"""Back-propagation, step by step: a network of two layers, with all its numbers on one screen."""

import torch
import traitlets
from matplotlib.axes import Axes

from . import drawing
from .base import Stepper, bundle, style

PARAMETERS = ("W1", "b1", "W2", "b2")
NAMES = ("X", "y", *PARAMETERS)
#: At most so many examples and hidden units fit on a screen.
MOST = 4
BLUE, GREY = "#005a8f", "0.6"


class BackpropStepper(Stepper):
    """Go through a network of lesson 04 one quantity at a time, forward and then backward.

    X: (N, 2) and y: (N, 1), up to four examples. W1: (2, H), b1: (1, H) or (H,), W2: (H, 1) and
    b2: (1, 1) or (1,), with up to four hidden units. Both layers end in a sigmoid, and the loss
    is half the mean squared error. learning_rate: of the step of descent at the end.

    A learner who goes on from that step changes the parameters, which can be read, and set, by the
    same names; `derivatives` are those of torch.

    Raises ValueError for what is not numbers, does not fit together, or is too large to show.
    """

    _esm = bundle("backprop.js")
    _css = style("backprop.css")

    X = traitlets.Any().tag(sync=True)
    y = traitlets.Any().tag(sync=True)
    W1 = traitlets.Any().tag(sync=True)
    b1 = traitlets.Any().tag(sync=True)
    W2 = traitlets.Any().tag(sync=True)
    b2 = traitlets.Any().tag(sync=True)
    learning_rate = traitlets.Any().tag(sync=True)

    def __init__(
        self,
        X: object,
        y: object,
        W1: object,
        b1: object,
        W2: object,
        b2: object,
        *,
        learning_rate: float = 8,
    ) -> None:
        state = checked(X=X, y=y, W1=W1, b1=b1, W2=W2, b2=b2)
        rate = drawing.number(learning_rate, "learning rate")
        super().__init__(**state, learning_rate=rate, start=state)

    @traitlets.validate(*NAMES)
    def _fits(self, proposal: dict) -> object:
        name, state = self._proposed(NAMES, proposal)
        return checked(**state)[name]

    @traitlets.validate("learning_rate")
    def _is_number(self, proposal: dict) -> float:
        return drawing.number(proposal["value"], "learning rate")

    def _forward(self, *parameters: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """The answers (N, 1) and the loss."""
        X, y = _tensor(self.X), _tensor(self.y)
        W1, b1, W2, b2 = parameters
        y_hat = torch.sigmoid(torch.sigmoid(X @ W1 + b1) @ W2 + b2)  # (N, 2) -> (N, H) -> (N, 1)
        return y_hat, ((y_hat - y) ** 2).mean() / 2

    def _parameters(self) -> list[torch.Tensor]:
        return [_tensor(getattr(self, name)).requires_grad_() for name in PARAMETERS]

    @property
    def derivatives(self) -> dict[str, torch.Tensor]:
        """Of the loss with respect to each parameter, by its name, in float64."""
        parameters = self._parameters()
        found = torch.autograd.grad(self._forward(*parameters)[1], parameters)
        return dict(zip(PARAMETERS, found, strict=True))

    def arithmetic(self) -> str:
        y_hat, loss = self._forward(*self._parameters())
        derivatives = self.derivatives
        after = [
            _tensor(getattr(self, name)) - self.learning_rate * derivatives[name]
            for name in PARAMETERS
        ]
        return "\n".join(
            [
                drawing.lines("y_hat", y_hat),
                f"L = {drawing.short(loss.item())}",
                *(drawing.lines(f"d{name}", derivatives[name]) for name in PARAMETERS),
                f"after a step with rate {drawing.short(self.learning_rate)}: "
                f"L = {drawing.short(self._forward(*after)[1].item())}",
            ]
        )

    def picture(self) -> bytes:
        """The network with its weights, before anything is computed."""
        figure, axes = drawing.blank_axes(9.6, 4.4)
        axes.set(xlim=(0, 9.6), ylim=(4.4, 0))
        x = self.X[asked_example(self.X)]
        inputs = ", ".join(map(drawing.format_number, x))
        question = f"Predict: which parameters get no gradient from the example x = ({inputs})?"
        axes.text(0.1, 0.25, question, va="center", fontsize=13)
        draw_network(axes, x, [getattr(self, name) for name in PARAMETERS])
        return drawing.small_png(figure, dpi=100, colours=32)


def _tensor(rows: list[list[float]]) -> torch.Tensor:
    return torch.tensor(rows, dtype=torch.float64)


def checked(**given: object) -> dict:
    """The same as lists of rows; ValueError for what cannot be, or does not fit together."""
    found = {name: _matrix(values, name) for name, values in given.items()}
    examples = found["X"].shape[0]
    # A W1 that is transposed says nothing of the hidden units; their biases do.
    hidden = found["W1" if found["W1"].shape[0] == 2 else "b1"].shape[1]
    shapes = {
        "X": (examples, 2),
        "y": (examples, 1),
        "W1": (2, hidden),
        "b1": (1, hidden),
        "W2": (hidden, 1),
        "b2": (1, 1),
    }
    for name, shape in shapes.items():
        got = tuple(found[name].shape)
        if got != shape:
            raise ValueError(f"{name} has the shape {got}; {shape} is expected.{_hint(name)}")
    return {name: values.tolist() for name, values in found.items()}


def _matrix(values: object, name: str) -> torch.Tensor:
    """Rows of numbers as a tensor; a bias may also be a single row."""
    if name == "y" and getattr(values, "ndim", 2) == 1:
        raise ValueError("y has one axis; (N, 1) is expected. Write y.reshape(-1, 1).")
    maps = drawing.stack([values] if name in ("b1", "b2") else values, name, MOST)
    if len(maps) > 1:
        raise ValueError(
            f"{name} has three axes, {tuple(maps.shape)}; it has to be rows of numbers."
        )
    return maps[0]


def _hint(name: str) -> str:
    if name in ("W1", "W2"):
        return f" The weight of an nn.Linear is the transpose: give {name}.T."
    return ""


def asked_example(X: list[list[float]]) -> int:
    """The example of the question: the first whose inputs are all 0, or else the first."""
    return next((n for n, x in enumerate(X) if not any(x)), 0)


def draw_network(axes: Axes, x: list[float], parameters: list[list[list[float]]]) -> None:
    """An example's inputs, the weights on the edges, and boxes with question marks."""
    W1, (b1,), W2, ((b2,),) = parameters
    rows = [0.8 + 3.5 * (j + 0.5) / len(b1) for j in range(len(b1))]
    inputs, middle = [(0.45, 1.7), (0.45, 3.4)], 2.55
    for j, y in enumerate(rows):
        for i, place in enumerate(inputs):
            weight = (2.35, y + 0.27 * (i - 1))
            _edge(axes, place, weight, (3.5, y))
            _number(axes, *weight, W1[i][j])
        _edge(axes, (2.35, y + 0.27), (3.5, y))
        _number(axes, 2.35, y + 0.27, b1[j])
        _edge(axes, (3.5, y), (4.5, y), (5.6, y), (7.0, middle))
        _box(axes, 3.5, y)
        _box(axes, 4.5, y)
        _number(axes, 5.6, y, W2[j][0])
    _edge(axes, (7.0, middle + 0.65), (7.0, middle), (9.1, middle))
    _number(axes, 7.0, middle + 0.65, b2)
    for place, value in zip(inputs, x, strict=True):
        _box(axes, *place, drawing.format_number(value))
    for column in (7.0, 8.05, 9.1):
        _box(axes, column, middle)
    heads = {"X": 0.45, "W1, b1": 2.35, "z1": 3.5, "a1": 4.5, "W2": 5.6}
    ends = {"z2": (7.0, -0.42), "ŷ": (8.05, -0.42), "L": (9.1, -0.42), "b2": (6.7, 0.65)}
    places = {name: (column, 0.6) for name, column in heads.items()}
    places |= {name: (column, middle + below) for name, (column, below) in ends.items()}
    for name, place in places.items():
        axes.text(*place, name, ha="center", va="center", fontsize=12)


def _edge(axes: Axes, *places: tuple[float, float]) -> None:
    axes.plot(*zip(*places, strict=True), "-", color=GREY, linewidth=1.2, zorder=0)


def _number(axes: Axes, x: float, y: float, value: float) -> None:
    """A weight or a bias, on its edge."""
    text = axes.text(x, y, f"{value:.3g}".replace("-", "−"), ha="center", va="center")
    text.set(fontsize=12, color=BLUE)
    text.set_bbox({"boxstyle": "round,pad=0.15", "facecolor": "white", "edgecolor": "none"})


def _box(axes: Axes, x: float, y: float, value: str = "?") -> None:
    text = axes.text(x, y, value, ha="center", va="center")
    text.set(fontsize=12, color="black" if value == "?" else BLUE)
    text.set_bbox({"boxstyle": "round,pad=0.5", "facecolor": "white", "edgecolor": GREY})
