"""The pooling stepper: which value a window keeps, and where its gradient goes back to."""

import torch
import traitlets
from torch.nn import functional as F

from . import drawing, sizes
from .base import Stepper, bundle

EXAMPLE = [[1, 3, 2, 0], [5, 2, 0, 4], [7, 1, 3, 3], [0, 4, 3, 3]]
NAMES = ("x", "gradient", "size", "stride", "how")


class PoolingStepper(Stepper):
    """Pool a small map, one window at a time, and send a gradient back through it.

    x: (H, W), or (1, H, W), with sides up to 8. size, stride: of the window, in both directions.
    how: "max" or "average". gradient: what arrives at each pooled value, (H', W'); by default 1.

    What the learner changes in the page can be read, and set, by the same names; `output` and
    `dx` are what torch makes of it.

    Raises ValueError for what is not numbers, does not fit together, or is too large to show.
    """

    _esm = bundle("pooling.js")

    x = traitlets.Any().tag(sync=True)
    gradient = traitlets.Any().tag(sync=True)
    size = traitlets.Any().tag(sync=True)
    stride = traitlets.Any().tag(sync=True)
    how = traitlets.Any().tag(sync=True)

    def __init__(
        self,
        x: object = EXAMPLE,
        gradient: object = None,
        *,
        size: int = 2,
        stride: int = 2,
        how: str = "max",
    ) -> None:
        state = checked(x, gradient, size, stride, how)
        super().__init__(**state, start=state)

    @traitlets.validate(*NAMES)
    def _fits(self, proposal: dict) -> object:
        name, state = self._proposed(NAMES, proposal)
        if name != "gradient":
            state["gradient"] = None  # it is checked by itself, or follows: see _follow
        return checked(**state)[name]

    @traitlets.observe("x", "size", "stride")
    def _follow(self, change: object) -> None:
        """A gradient that no longer has one number for each pooled value becomes ones."""
        if tuple(torch.tensor(self.gradient).shape) != tuple(self.output.shape):
            self.gradient = torch.ones_like(self.output)

    def _pool(self, x: torch.Tensor) -> torch.Tensor:
        pool = F.max_pool2d if self.how == "max" else F.avg_pool2d
        return pool(x[None], self.size, self.stride)[0]  # (H, W) -> (H', W')

    @property
    def output(self) -> torch.Tensor:
        """What comes out, (H', W'), in float64."""
        return self._pool(torch.tensor(self.x, dtype=torch.float64))

    @property
    def dx(self) -> torch.Tensor:
        """What goes back to x, (H, W), in float64."""
        x = torch.tensor(self.x, dtype=torch.float64, requires_grad=True)
        gradient = torch.tensor(self.gradient, dtype=torch.float64)
        return torch.autograd.grad(self._pool(x), x, gradient)[0]

    def arithmetic(self) -> str:
        return drawing.lines("y", self.output) + "\n" + drawing.lines("dx", self.dx)

    def picture(self) -> bytes:
        """x with its first window, y, the gradient that arrives, and dx with question marks."""
        x = torch.tensor(self.x)
        panels = [
            drawing.Panel("x", x, "cividis", 2 * (self.size,)),
            drawing.Panel(f"y, {self.how}", self.output, "cividis"),
            drawing.Panel("dy", torch.tensor(self.gradient), "signed"),
            drawing.Panel("dx", torch.full_like(x, float("nan")), "signed"),
        ]
        return drawing.png([panels], self.question)

    @property
    def question(self) -> str:
        """What the picture asks; the page asks the same of maxima whose windows lie apart."""
        is_apart = self.stride >= self.size
        asked = "which inputs get a gradient" if is_apart else "what does each input get"
        return f"{asked} through {self.how} pooling?"


def checked(x: object, gradient: object, size: object, stride: object, how: object) -> dict:
    """The same as lists and numbers; ValueError for what cannot be."""
    maps = drawing.stack(x, "map", 8)
    if len(maps) != 1:
        raise ValueError(f"the map has {len(maps)} channels; one can be shown.")
    size = drawing.whole(size, "window's side", at_least=1)
    stride = drawing.whole(stride, "stride", at_least=1)
    side = min(maps.shape[1:])
    if problem := sizes.size_problem(side, size, stride, 0, sizes.POOLING):
        raise ValueError(f"{problem}.")
    if how not in ("max", "average"):
        raise ValueError(f'how is {how!r}; it has to be "max" or "average".')
    pooled = tuple(sizes.output_size(side, size, stride) for side in maps.shape[1:])
    gradients = drawing.stack(torch.ones(pooled) if gradient is None else gradient, "gradient", 8)
    if gradients.shape != (1, *pooled):
        raise ValueError(
            f"the gradient has the shape {tuple(gradients.shape[1:])}; pooling gives {pooled}, "
            "and both must agree."
        )
    return {
        "x": maps[0].tolist(),
        "gradient": gradients[0].tolist(),
        "size": size,
        "stride": stride,
        "how": how,
    }
