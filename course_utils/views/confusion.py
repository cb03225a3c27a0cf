"""The confusion matrix: which classes are taken for which, and the images where that happened."""

from collections.abc import Sequence
from itertools import combinations, product
from typing import Unpack

import torch
import traitlets
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from torch import nn

from course_utils.images import Images, Inputs, batches
from course_utils.training import device_of

from . import drawing, networks, panel
from .base import style
from .xray import XRay

QUESTION = "Which two classes are confused most, counting both directions?"
#: A cell of the matrix: true class, predicted class.
Cell = tuple[int, int]
#: Of a cell, so many images at most can be looked at, and so many are seen at once.
MOST, AT_ONCE = 40, 8
#: What each of those takes of the figure, in pixels of an image: across, and down with its text.
WIDE, HIGH = 34, 45
#: Where the first row begins, under the title.
FIRST = 11
#: Four digits in each column beside the figure, on a page of 900 pixels.
NARROW = """
.view[aria-label^="Confusion"] .panel-table :is(td, th) {
  padding: 2px; text-align: center;
}
.view:fullscreen[aria-label^="Confusion"] .panel-figure { min-height: 48vh; }
"""


class Confusion(panel.Panel):
    """A confusion matrix whose cells open: their images, the surest mistakes first.

    model: a network that takes (N, 1, H, W) and gives logits (N, classes), or the probabilities
    (N, classes) of data that it has given before. data: Images. inputs: pad, mean and std of
    `batches`. xray: where a button sends the image that is being looked at.

    `counts`, int64 (classes, classes), has the true class in the rows; `cells` are those that are
    not empty, as `ranked` orders them.

    Raises ValueError for probabilities that are not one row an image and one column a class, for
    a model that cannot read the images, and for weights that are not finite.
    """

    _css = style() + NARROW

    def __init__(
        self,
        model: nn.Module | torch.Tensor,
        data: Images,
        *,
        xray: XRay | None = None,
        **inputs: Unpack[Inputs],
    ) -> None:
        self._data = data
        self._xray = xray
        if not isinstance(model, torch.Tensor):
            model = probabilities(model, data, **inputs)
        self._chances = checked(model, data)
        self.counts = counted(data.labels, self._chances.argmax(dim=1), len(data.classes))
        self._most_mistakes = int(self.counts.clone().fill_diagonal_(0).max())
        self.cells = ranked(self.counts)
        self._members = [members(data.labels, self._chances, *cell) for cell in self.cells]
        self._last_cell = 1
        self._presses = 0
        controls = [
            panel.slider("cell", "cell, by its count", 1, len(self.cells), 1),
            panel.slider("place", "image", 1, len(self._members[0]), 1),
        ]
        if xray is not None:
            controls.append(panel.button("send", "to the X-ray"))
        super().__init__(
            {"cell": 1, "place": 1, "send": 0},
            title="Confusion: what is taken for what",
            question=question_about(self.counts, data.classes),
            controls=controls,
            moves={"brackets": "cell", "arrows": "place"},
            picks="click an image",
        )

    def render(self, values: dict, answered: bool) -> dict:
        if not answered:
            size = f"{len(self._data):,} images of {len(self._data.classes)} classes"
            return {"sentence": f"{size}: first your prediction, or skip.", "table": self._table()}
        cell, members = self.cells[values["cell"] - 1], self._members[values["cell"] - 1]
        if not 1 <= values["place"] <= len(members):
            raise ValueError(f"this cell has {len(members)} images to look at.")
        return {
            "sentence": self._sentence(cell, members, values["place"]),
            "figure": self._figure(cell, members, values["place"]),
            "table": self._table(cell),
            "limits": {"place": len(members)},
        }

    def pick(self, values: dict, x: float, y: float) -> dict:
        """The image there, of the up to eight that are shown."""
        row, column = int((y - FIRST) // HIGH), int(x // WIDE)
        place = values["place"] - (values["place"] - 1) % AT_ONCE + 4 * row + column
        is_image = row in (0, 1) and place <= len(self._members[values["cell"] - 1])
        return {"place": place} if is_image else {}

    def image(self) -> torch.Tensor:
        """The image that is looked at: uint8 (1, 28, 28)."""
        return self._data.images[self._members[self.values["cell"] - 1][self.values["place"] - 1]]

    def arithmetic(self) -> str:
        n, classes = len(self._data), len(self._data.classes)
        mistakes = f"{classes} · {classes - 1} = {classes * (classes - 1)} kinds of mistakes"
        return f"{n} images of {classes} classes: {mistakes}"

    def picture(self) -> bytes:
        """The matrix without its numbers, under the question."""
        names = drawing.writable(self._data.classes)
        figure = Figure(figsize=(7, 5), layout="constrained")
        figure.suptitle(f"Predict: {QUESTION}", fontsize=13)
        axes = figure.subplots()
        axes.imshow(torch.eye(len(names)).numpy(), cmap="Greys", vmin=0, vmax=8)
        for row, column in product(range(len(names)), repeat=2):
            axes.text(column, row, "?", ha="center", va="center", fontsize=13)
        axes.set_xticks(range(len(names)), short(names))
        axes.set_yticks(range(len(names)), numbered(names))
        axes.set(xlabel="predicted class", ylabel="true class")
        return drawing.small_png(figure, dpi=72)

    def _rendered(self, turn: int) -> tuple[dict, bytes]:
        if self.values["cell"] != self._last_cell:  # a cell opens at its first image
            self.values["place"] = 1
        self._last_cell = self.values["cell"]
        return super()._rendered(turn)

    @traitlets.observe("response")
    def _to_xray(self, change: object) -> None:
        pressed = self.values["send"] > self._presses
        self._presses = self.values["send"]
        if pressed and self._xray is not None:
            self._xray.show(self.image())

    def _sentence(self, cell: Cell, members: list[int], place: int) -> str:
        true, predicted = (self._data.classes[k] for k in cell)
        chances = self._chances[members[place - 1]]
        chance, true_chance = f"{chances[cell[1]]:.4f}", f"{chances[cell[0]]:.4f}"
        count = int(self.counts[cell])
        if cell[0] == cell[1]:
            total = int(self.counts[cell[0]].sum())
            rank_sentence = f"Number {place} of the least sure: probability {chance}."
            return f"{count} of {total} images of {true} are read rightly. {rank_sentence}"
        return (
            f"Mistake {place} of {count}, the surest first: {true} taken for {predicted}, "
            f"probability {chance}; that of {true}: {true_chance}."
        )

    def _table(self, chosen: Cell | None = None) -> dict:
        """The matrix as a table; without its numbers where no cell is chosen."""
        names, columns = self._data.classes, range(len(self._data.classes))
        return {
            "caption": "true class ↓, predicted →",
            "head": ["", *short(names)],
            "rows": [
                [
                    {"text": name, "strong": True},
                    *(self._table_cell((row, column), chosen) for column in columns),
                ]
                for row, name in enumerate(numbered(names))
            ],
        }

    def _table_cell(self, cell: Cell, chosen: Cell | None) -> str | dict:
        """A count; a click on it chooses its cell."""
        count, right = int(self.counts[cell]), cell[0] == cell[1]
        if chosen is None:
            return "?"
        if not count:
            return ""
        part = 0 if right else count / self._most_mistakes
        colours = {"colour": drawing.ORANGE} if cell == chosen else shade(part)
        return {
            "text": str(count),
            "set": {"cell": self.cells.index(cell) + 1},
            "strong": right or cell == chosen,
            **colours,
        }

    def _figure(self, cell: Cell, members: list[int], place: int) -> Figure:
        """Up to eight images of a cell, the one that is looked at framed."""
        framed = (place - 1) % AT_ONCE
        first = place - 1 - framed
        figure, axes = drawing.blank_axes(3.7, 2.75)
        axes.set(xlim=(0, 4 * WIDE), ylim=(2 * HIGH + FIRST, 0))
        order = "least sure first" if cell[0] == cell[1] else "surest first"
        classes = drawing.writable(self._data.classes)
        names = " as ".join(classes[k] for k in cell)
        axes.text(3, 8.5, f"{names}, {order}", fontsize=13)
        for i, image in enumerate(members[first : first + AT_ONCE]):
            left, top = WIDE * (i % 4) + 3, HIGH * (i // 4) + FIRST + 12
            pixels, extent = self._data.images[image, 0].numpy(), (left, left + 28, top + 28, top)
            axes.imshow(pixels, cmap="gray", vmin=0, vmax=255, extent=extent, aspect="auto")
            chance = f"{100 * self._chances[image, cell[1]]:.1f}%"
            axes.text(left + 14, top - 2.5, chance, fontsize=12.5, ha="center")
            if i == framed:
                corner = (left - 1, top - 1)
                axes.add_patch(
                    Rectangle(corner, 30, 30, fill=False, edgecolor=drawing.ORANGE, linewidth=4)
                )
        axes.set(xlim=(0, 4 * WIDE), ylim=(2 * HIGH + FIRST, 0))  # imshow has changed them
        return figure


def checked(chances: torch.Tensor, data: Images) -> torch.Tensor:
    """Probabilities, if there is one for each image and class; otherwise ValueError."""
    if tuple(chances.shape) != (len(data), len(data.classes)):
        raise ValueError(
            f"{len(data)} images of {len(data.classes)} classes need as many rows and columns of "
            f"probabilities; got the shape {tuple(chances.shape)}."
        )
    chances = chances.detach().float().cpu()
    if not chances.isfinite().all():
        raise ValueError(f"NaN or infinite values are among the probabilities. {networks.DIVERGED}")
    if not (chances >= 0).all() or not torch.allclose(chances.sum(dim=1), torch.ones(1), atol=1e-3):
        raise ValueError("these rows are no probabilities. Is a softmax(dim=1) missing?")
    return chances


def probabilities(model: nn.Module, data: Images, **inputs: Unpack[Inputs]) -> torch.Tensor:
    """What a model says of all images: float32 (N, classes), in evaluation mode."""
    networks.check_weights(model)
    with networks.evaluating(model):
        several = batches(data, 500, device=device_of(model), **inputs)
        return torch.cat([networks.logits(model, x).softmax(dim=1) for x, _ in several])


def counted(y: torch.Tensor, y_hat: torch.Tensor, classes: int) -> torch.Tensor:
    """How often each class, the row, was taken for each, the column: int64 (classes, classes)."""
    return torch.bincount(classes * y + y_hat, minlength=classes**2).view(classes, classes)


def ranked(counts: torch.Tensor) -> list[Cell]:
    """The cells that are not empty: mistakes, the most frequent first, and then the diagonal."""
    cells: list[Cell] = [(true, predicted) for true, predicted in counts.nonzero().tolist()]
    mistakes = [cell for cell in cells if cell[0] != cell[1]]
    right = [cell for cell in cells if cell[0] == cell[1]]
    return [*sorted(mistakes, key=lambda cell: -counts[cell].item()), *right]


def members(y: torch.Tensor, chances: torch.Tensor, true: int, predicted: int) -> list[int]:
    """Which images stand in a cell, up to 40, the surest first; on the diagonal the least sure."""
    best, answers = chances.max(dim=1)
    members = ((y == true) & (answers == predicted)).nonzero().flatten()
    order = best[members].argsort(descending=true != predicted, stable=True)
    return members[order][:MOST].tolist()


def question_about(counts: torch.Tensor, classes: Sequence[str]) -> dict:
    """Which pair is confused most? Four to choose from, in the order of the classes.

    Of pairs that are confused equally often, and most, only the first is among them.
    """
    both = {
        (i, j): int(counts[i, j] + counts[j, i]) for i, j in combinations(range(len(counts)), 2)
    }
    best = max(both, key=lambda pair: both[pair])
    if not both[best]:
        explain = "Every image was read rightly."
        return {"question": QUESTION, "choices": ["none"], "solution": "none", "explain": explain}
    others = sorted(both, key=lambda pair: -both[pair])
    others = [pair for pair in others if both[pair] < both[best]][:3]
    times = [f"{classes[i]} as {classes[j]}: {counts[i, j]}" for i, j in (best, best[::-1])]
    return {
        "question": QUESTION,
        "choices": [pair_name(classes, pair) for pair in sorted([best, *others])],
        "solution": pair_name(classes, best),
        "explain": f"{times[0]}, {times[1]}. Click a cell to see its images.",
    }


def pair_name(classes: Sequence[str], pair: Cell) -> str:
    """Two classes in words: "4 and 9"."""
    return " and ".join(classes[k] for k in pair)


def shade(part: float) -> dict:
    """White to blue, as a cell of the table takes it, for a part of the largest count."""
    red, green, blue = (round(255 + (end - 255) * 0.85 * part) for end in (0, 90, 160))
    return {"colour": f"rgb({red} {green} {blue})", "dark": part > 0.55}


def short(classes: Sequence[str]) -> list[str]:
    """The names, if all are as short as a number; otherwise their numbers."""
    if all(len(name) <= 2 for name in classes):
        return list(classes)
    return [str(i) for i in range(len(classes))]


def numbered(classes: Sequence[str]) -> list[str]:
    """The names, with their numbers before them where `short` has only those."""
    pairs = zip(short(classes), classes, strict=True)
    return [name if number == name else f"{number} {name}" for number, name in pairs]
