"""Augmentation: one image turned, moved, mirrored and zoomed, and what a network then reads."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from torch import nn

from course_utils.images import Images, Inputs, batches, load_images

from . import drawing, networks, panel

#: The single changes to choose from, and what each does to the values of the controls.
CHANGES: dict[str, dict] = {
    "turn 20°": {"turn": 20},
    "shift 3 pixels": {"right": 3},
    "turn 180°": {"turn": 180},
    "zoom to 90%": {"zoom": 90},
}
UNCHANGED: dict[str, object] = {"turn": 0, "right": 0, "down": 0, "mirror": False, "zoom": 100}
DRAWS = 6
#: Which 6 of the test part is shown: one with a clear loop, which half a turn makes a clear 9.
SIX = 4
#: The seed of the first draws, which differ well from each other.
FIRST_DRAW = 35
#: How far the shift of the second question goes, in pixels.
MOST = 3


class Augmentation(panel.Panel):
    """An image beside its variant, and six random variants within the same ranges.

    model: a trained network that takes (N, 1, H, W) and returns logits (N, classes); its answer
    and the probability then stand below each image. inputs: how its images are scaled (pad, mean
    and std), as in recipe["inputs"] of a checkpoint. image: uint8 (1, 28, 28), by default a 6 of
    the digits that ship. label: its class, a number. classes: their names, by default 0 to 9.

    The model is copied, and left as it is. Raises ValueError for an image of another shape, a
    label without a class, or a model that does not take the image.
    """

    def __init__(
        self,
        model: nn.Module | None = None,
        inputs: Inputs | None = None,
        *,
        image: torch.Tensor | None = None,
        label: int | None = None,
        classes: Sequence[str] = tuple("0123456789"),
    ) -> None:
        question = WHICH_IS_WRONG if image is None else HOW_MANY
        changed = {"turn": 20} if image is None else {"right": MOST, "down": MOST, "mirror": True}
        if image is None:
            image, label = six()
        self.classes = list(map(str, classes))
        self.image, self.label = _checked(image, label, classes)
        self._network = None if model is None else networks.copied(model)
        self._inputs: Inputs = inputs or {}
        self.read(self.image[None])  # a model that cannot is found out now
        super().__init__(
            UNCHANGED | changed | {"again": 0, "row": 14, "column": 14},
            title="Augmentation",
            question=question,
            controls=[
                panel.slider("turn", "turn (°)", -180, 180, 10),
                panel.slider("right", "right", -8, 8, 1),
                panel.slider("down", "down", -8, 8, 1),
                panel.slider("zoom", "zoom (%)", 60, 140, 5),
                panel.tick("mirror", "mirror"),
                panel.button("again", "six new draws"),
                panel.number("row", "pixel: row", 0, 27),
                panel.number("column", "column", 0, 27),
            ],
            moves={"brackets": "turn", "arrows": "right", "upright": "down"},
            picks="click a changed pixel",
        )

    def render(self, values: dict, answered: bool) -> dict:
        variants = [transformed(self.image, drawn) for drawn in draws(values)]
        shown = torch.stack([self.image, transformed(self.image, values), *variants])
        answers = self.read(shown) if answered else []  # (8, 1, 28, 28)
        sentence = f"{described(values)}: label {self.classes[self.label]}"
        sentence += ", read as {} ({:.2f}).".format(*answers[1]) if answers else "."
        words = ranges(values)
        content = {"sentence": sentence}
        marks = None
        if answered:
            place = self._pixel(values)
            weights = sources(self.image, values, place)
            content["why"] = _sum(self.image[0], shown[1, 0], place, weights)
            marks = Marks(changed=place, original=list(weights))
        written = dict(zip(self.classes, drawing.writable(self.classes), strict=True))
        name = written[self.classes[self.label]]
        read = [(written[answer], chance) for answer, chance in answers]
        return {
            **content,
            "figure": _figure(shown[:, 0].numpy(), name, words, read, marks),
            "alt": f"The image as it is and changed. {sentence} Below them, {words}.",
        }

    def _pixel(self, values: dict) -> tuple[int, int]:
        row, column = (drawing.whole(values[name], name, 0) for name in ("row", "column"))
        if max(row, column) > 27:
            raise ValueError("the image has the rows and columns 0 to 27.")
        return row, column

    def pick(self, values: dict, x: float, y: float) -> dict:
        """The pixel of the changed image there."""
        row = int((TOP - y) // (LARGE / 28))
        column = int((x - LEFT - APART) // (LARGE / 28))
        return {"row": row, "column": column} if {row, column} <= set(range(28)) else {}

    def read(self, images: torch.Tensor) -> list[tuple[str, float]]:
        """The network's answer to images, uint8 (N, 1, 28, 28), and how probable it is to it.

        Empty without a network. Raises ValueError where it does not take them.
        """
        if self._network is None:
            return []
        data = Images(images, torch.zeros(len(images), dtype=torch.int64), ("any",), "digits")
        (x, _), *_ = batches(data, len(images), **self._inputs)
        logits = networks.logits(self._network, x)  # (N, classes)
        if logits.shape != (len(images), len(self.classes)):
            raise ValueError(
                f"{len(self.classes)} classes need an answer of shape (N, {len(self.classes)}); "
                f"the network gives {tuple(logits.shape)} for N = {len(images)}."
            )
        best, indices = logits.softmax(dim=1).max(dim=1)
        return [
            (self.classes[k], chance)
            for k, chance in zip(indices.tolist(), best.tolist(), strict=True)
        ]

    def arithmetic(self) -> str:
        """What each setting of the question does to the brightness of the image, and its middle."""
        settings: dict[str, dict] = {"as it is": {}} | CHANGES | {"mirrored": {"mirror": True}}
        lines = []
        for name, changed in settings.items():
            x = transformed(self.image, UNCHANGED | changed)[0].double()
            total = max(1.0, x.sum().item())
            row, column = (
                (x.sum(dim=1 - axis) * torch.arange(28)).sum().item() / total for axis in (0, 1)
            )
            lines.append(f"{name}: middle at row {row:.1f}, column {column:.1f}")
        return "\n".join(lines)


def six() -> tuple[torch.Tensor, int]:
    """A 6 of the digits that ship, and its label: uint8 (1, 28, 28)."""
    _, test = load_images("digits")
    return test.images[(test.labels == 6).nonzero()[SIX, 0]], 6


def transformed(image: torch.Tensor, values: dict) -> torch.Tensor:
    """The image mirrored, turned, zoomed and shifted by torchvision; black comes in at the edges.

    image: uint8 (1, 28, 28). values: turn in degrees (clockwise), right and down in pixels,
    zoom in percent, mirror True or False. Returns uint8 (1, 28, 28).
    """
    from torchvision.transforms.v2 import InterpolationMode, functional

    if values["mirror"]:
        image = functional.horizontal_flip(image)
    return functional.affine(
        image,
        angle=float(values["turn"]),
        translate=[int(values["right"]), int(values["down"])],
        scale=values["zoom"] / 100,
        shear=[0.0],
        interpolation=InterpolationMode.BILINEAR,
    )


def sources(
    image: torch.Tensor, values: dict, place: tuple[int, int]
) -> dict[tuple[int, int], float]:
    """The pixels of the image that make the one at this place of what `transformed` returns, and
    the part of each; up to four, as it interpolates. Their parts are its derivatives by them."""
    with torch.enable_grad():
        x = image.float().requires_grad_(True)
        (derivatives,) = torch.autograd.grad(transformed(x, values)[(0, *place)], x)
    pixels = [(row, column) for _, row, column in derivatives.nonzero().tolist()]
    parts = {pixel: derivatives[(0, *pixel)].item() for pixel in pixels}
    return {pixel: part for pixel, part in parts.items() if part > 1e-4}  # not what is rounding


def draws(values: dict) -> list[dict]:
    """Six random settings: each between minus and plus what is set, mirrored half of the time.

    The same ones for the same values: "again" is the seed.
    """
    random = np.random.default_rng(FIRST_DRAW + values["again"])
    drawn = random.uniform(-1, 1, (DRAWS, 4))  # the settings scale them, so that a slider is calm
    coins = random.random(DRAWS) < 0.5
    return [
        {
            "turn": turn * values["turn"],
            "right": round(right * values["right"]),
            "down": round(down * values["down"]),
            "zoom": 100 + zoom * (values["zoom"] - 100),
            "mirror": bool(coin) and values["mirror"],
        }
        for (turn, right, down, zoom), coin in zip(drawn, coins, strict=True)
    ]


def described(values: dict) -> str:
    """What is done to the image, in words: "Turned by 20°, shifted 3 right"."""
    parts = ["mirrored"] if values["mirror"] else []
    if values["turn"]:
        parts.append(f"turned by {drawing.format_number(values['turn'])}°")
    across, along = values["right"], values["down"]
    moves = [f"{abs(across)} {'right' if across > 0 else 'left'}"] if across else []
    moves += [f"{abs(along)} {'down' if along > 0 else 'up'}"] if along else []
    if moves:
        parts.append(f"shifted {' and '.join(moves)}")
    if values["zoom"] != 100:
        parts.append(f"zoomed to {values['zoom']}%")
    text = ", ".join(parts) or "nothing changed"
    return text[0].upper() + text[1:]


def ranges(values: dict) -> str:
    """Where the six draws come from, in words."""
    names = {"turn": ("turn", "°"), "right": ("right", ""), "down": ("down", "")}
    parts = [f"{word} ±{abs(values[key])}{unit}" for key, (word, unit) in names.items()]
    parts = [part for part in parts if "±0" not in part]
    if off := abs(values["zoom"] - 100):
        parts.append(f"zoom {100 - off} to {100 + off}%")
    if values["mirror"]:
        parts.append("mirrored or not")
    return f"six random draws: {', '.join(parts) or 'nothing can change'}"


def count_variants(largest_shift: int) -> int:
    """How many images a mirror and shifts of up to so many pixels, each way, can give."""
    return 2 * (2 * largest_shift + 1) ** 2


def _sum(
    original: torch.Tensor, changed: torch.Tensor, place: tuple[int, int], weights: dict
) -> str:
    """Where a pixel of the changed image comes from, in numbers; images (28, 28)."""
    value = int(changed[place])
    name = f"changed[{place[0]}, {place[1]}]"
    if not weights:
        return f"{name} = {value}: what would come here lies outside the image."
    if max(weights.values()) > 0.9999:
        ((row, column),) = weights
        return f"{name} = original[{row}, {column}] = {value}."
    terms = [
        f"{drawing.format_number(round(part, 3))} · {int(original[pixel])}"
        for pixel, part in weights.items()
    ]
    pixels = ", ".join(f"[{row}, {column}]" for row, column in weights)
    return f"{name} = {' + '.join(terms)} ≈ {value}, of original{pixels}."


def _checked(
    image: torch.Tensor, label: object, classes: Sequence[str]
) -> tuple[torch.Tensor, int]:
    """The image and its label, if they are such; otherwise ValueError."""
    if isinstance(label, torch.Tensor | np.ndarray | np.generic) and label.ndim == 0:
        label = label.item()  # as in train.labels[0]
    drawing.check_image(image)
    if isinstance(label, bool) or not isinstance(label, int) or not 0 <= label < len(classes):
        raise ValueError(
            f"the label is {label}; it has to be a whole number from 0 to {len(classes) - 1}, "
            "one of the classes."
        )
    return image, label


WHICH_IS_WRONG: dict = {
    "question": "a 6 is changed, and its label stays 6. Which change makes the label wrong?",
    "choices": list(CHANGES),
    "solution": "turn 180°",
    "explain": "Upside down it is a 9.",
}
HOW_MANY: dict = {
    "question": f"an image may be mirrored or not, and moved by up to {MOST} whole pixels right or "
    "left, and up or down. How many different images can come out, at most?",
    "solution": [count_variants(MOST)],
    "explain": f"Mirrored or not: 2, times {2 * MOST + 1} places across, {2 * MOST + 1} down.",
}


# --- the figure ------------------------------------------------------------------------------


#: The sides of an original and of a random draw, and what is between two draws, in inches.
LARGE, SMALL, GAP = 1.75, 1.15, 0.22
#: The figure, the upper left corner of the original, and from there to the variant.
WIDTH, HEIGHT = 8.4, 3.8
LEFT, TOP, APART = 0.15, HEIGHT - 0.03, 4.2


@dataclass(frozen=True)
class Marks:
    """The pixel of the changed image to frame, and those of the original that it comes from."""

    changed: tuple[int, int]
    original: list[tuple[int, int]]


def _figure(
    images: np.ndarray,
    label: str,
    words: str,
    answers: list[tuple[str, float]],
    marks: Marks | None,
) -> Figure:
    """The original and its variant, large; below, the random draws. images: (8, 28, 28)."""
    figure, axes = drawing.blank_axes(WIDTH, HEIGHT)  # its axes are in inches
    for i, title in enumerate(("original", "changed")):
        x = LEFT + i * APART
        _place(axes, images[i], (x, TOP), LARGE)
        text = f"{title}\nlabel: {label}"
        if answers:
            text += "\nreads {}\nprobability {:.2f}".format(*answers[i])
        axes.text(x + LARGE + 0.15, TOP - LARGE / 2, text, va="center", fontsize=15)
    for i, pixels in enumerate([marks.original, [marks.changed]] if marks else []):
        for row, column in pixels:
            corner = LEFT + i * APART + column * LARGE / 28, TOP - (row + 1) * LARGE / 28
            side = LARGE / 28
            axes.add_patch(
                Rectangle(corner, side, side, fill=False, edgecolor=drawing.ORANGE, linewidth=1.5)
            )
    axes.text(LEFT, 1.78, words, fontsize=13, va="center")
    gap = round(GAP / SMALL * 28)
    strip = np.pad(images[2:], ((0, 0), (0, 0), (0, gap)), constant_values=255)  # (6, 28, 28 + gap)
    _place(axes, np.concatenate(strip, axis=1)[:, :-gap], (LEFT, 1.6), SMALL)
    for i, (name, chance) in enumerate(answers[2:]):
        x = LEFT + SMALL / 2 + i * SMALL * (28 + gap) / 28
        text = f"{name}{' ' if len(name) < 3 else chr(10)}({chance:.2f})"  # long names: two lines
        axes.text(x, 0.43, text, ha="center", va="top", fontsize=12)
    axes.set(xlim=(0, WIDTH), ylim=(0, HEIGHT), aspect="auto")  # imshow has changed them
    return figure


def _place(axes: Axes, image: np.ndarray, corner: tuple[float, float], height: float) -> None:
    """An image (H, W) with its upper left corner there; its pixels are squares."""
    x, y = corner
    extent = (x, x + height * image.shape[1] / image.shape[0], y - height, y)
    axes.imshow(image, cmap="gray", vmin=0, vmax=255, extent=extent)
