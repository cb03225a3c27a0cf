"""Checks of the exercises of lesson 16, standing on a trained network."""

import copy
import functools
from collections import Counter
from collections.abc import Callable, Iterable
from typing import Any

import torch
from torch import nn

from course_utils.exercises.engine.checks import (
    Verdict,
    call,
    call_text,
    different,
    exercise,
    named,
    observed,
)
from course_utils.exercises.engine.reading import Answer, NotNumbers, as_array
from course_utils.exercises.journal import lesson_journal

mine, progress = lesson_journal(__name__)


class TrainedNetwork(nn.Module):
    """A small network with batch normalisation, as if trained on four classes (exercise 1).

    Takes images (N, 1, 8, 8). `features` make 16 values of each, `head` four logits of these.
    """

    def __init__(self) -> None:
        super().__init__()
        self.features = nn.Sequential(
            nn.Conv2d(1, 4, kernel_size=3),  # (N, 4, 6, 6)
            nn.BatchNorm2d(4),
            nn.ReLU(),
            nn.MaxPool2d(3),  # (N, 4, 2, 2)
            nn.Flatten(),  # (N, 16)
        )
        self.head = nn.Linear(16, 4)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.head(self.features(x))


def trained_network() -> TrainedNetwork:
    """The network of exercise 1, in training mode, as a training leaves it."""
    return copy.deepcopy(_trained_once(torch.get_default_dtype()))


@functools.cache
def _trained_once(dtype: torch.dtype) -> TrainedNetwork:
    """One for each type of number that new networks have."""
    x, _ = noisy_images(4)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(5)
        network = TrainedNetwork()
        for _ in range(30):  # its running statistics are those of images
            network(x)
    return network


def noisy_images(classes: int) -> tuple[torch.Tensor, torch.Tensor]:
    """Sixteen noisy images of each class, with a bright square in a place of its own."""
    generator = torch.Generator().manual_seed(classes)
    y = torch.arange(classes).repeat(16)
    x = 0.2 * torch.rand(len(y), 1, 8, 8, generator=generator)
    for image, label in zip(x, y.tolist(), strict=True):
        top, left = 4 * (label // 2 % 2), 4 * (label % 2)
        side = 4 if label < 4 else 2
        image[0, top : top + side, left : left + side] += 0.8
    return x, y


#: How many of a hundred images the new head has to get right.
_ENOUGH = 90


@exercise(
    "The new head has learned, and every value of the features is as it was.",
    [
        observed(
            "optimiser-empty",
            "The optimiser was given an empty list: at that moment there was nothing to train. "
            "Freeze first, then make the new head (what is new can be trained), then the "
            "optimiser, with the new head's parameters.",
        ),
        observed(
            "old-head",
            "The network that comes back has four outputs, as the old head had. Put a new "
            "nn.Linear in the place of network.head, with `classes` outputs (3 here).",
        ),
        observed(
            "features-trained",
            "Weights of the features have changed. Only the new head should learn: give the "
            "optimiser its parameters and no others.",
        ),
        observed(
            "statistics-moved",
            "The weights of the features are as they were, but the running mean or variance of "
            "their batch normalisation has moved. These are no parameters, so neither "
            "requires_grad nor the optimiser holds them still. In training mode every batch that "
            "goes through the layer moves them; in evaluation mode none does.",
        ),
        observed(
            "head-still",
            "The new head has learned too little. Two things to look at: the optimiser has to be "
            "made after the new head and hold its parameters, and it has to take enough steps "
            "that are large enough.",
        ),
    ],
)
def check_new_head(new_head: Callable) -> str | Verdict | None:
    """new_head(network, classes, x, y): the network with a new head, the only part that learns.

    Any optimiser and any number of steps; the head may be trained in place or on features that
    were computed once; the network may be changed or copied.
    """
    if not callable(new_head):
        return different("a function is expected here, which returns the network.")
    for classes in (3, 6):
        found = _try_new_head(new_head, classes)
        if found:
            return found
    return None


def _try_new_head(new_head: Callable, classes: int) -> str | Verdict | None:
    network = trained_network()
    before = [value.clone() for value in network.features.state_dict().values()]
    x, y = noisy_images(classes)
    shown = f"new_head(network, {classes}, x, y)"

    def answer(*given: Any) -> Answer:
        try:
            return new_head(*given)
        except ValueError as error:
            if "empty parameter list" in str(error):
                return "optimiser-empty"
            raise

    torch.manual_seed(0)
    with torch.enable_grad():
        found = call(answer, network, classes, x.clone(), y.clone(), shown=shown)
    if isinstance(found, str) and found == "optimiser-empty":
        return found
    if not isinstance(found, nn.Module):
        return different(f"{shown} should return the network, an nn.Module.")
    after = [value.clone() for value in found.state_dict().values()][: len(before)]
    if [value.shape for value in after] != [value.shape for value in before]:
        return different(
            "the network that comes back should hold the tensors of the features as they were, "
            "and after them those of the head."
        )
    logits = call(copy.deepcopy(found).eval(), x, shown=f"{shown}(x)")
    return (
        _look_at_outputs(logits, classes, len(x), shown)
        or _look_at_features(before, after)
        or _look_at_answers(logits, y, classes)
    )


def _look_at_outputs(logits: Answer, classes: int, images: int, shown: str) -> str | Verdict | None:
    if not isinstance(logits, torch.Tensor) or logits.ndim != 2 or len(logits) != images:
        return different(f"{shown} should give a row of logits for each of {images} images.")
    if logits.shape[1] == 4 and classes == 3:
        return "old-head"
    if logits.shape[1] != classes:
        return different(
            f"with classes = {classes} the network gives {logits.shape[1]} logits an image."
        )
    return None


def _look_at_features(before: list[torch.Tensor], after: list[torch.Tensor]) -> str | None:
    changed = [
        number
        for number, (old, new) in enumerate(zip(before, after, strict=True))
        if new.is_floating_point() and not torch.equal(old, new)
    ]
    if any(number not in (4, 5) for number in changed):  # the running mean and variance
        return "features-trained"
    return "statistics-moved" if changed else None


def _look_at_answers(logits: torch.Tensor, y: torch.Tensor, classes: int) -> Verdict | None:
    right = 100 * (logits.argmax(dim=1) == y).double().mean().item()
    if right >= _ENOUGH:
        return None
    return named(
        "head-still",
        f" With {classes} classes it gets {right:.0f}% of the images x right; "
        f"{_ENOUGH}% or more are expected.",
    )


def _is_mask(chosen: Answer, count: int) -> bool:
    kinds = {str(getattr(item, "dtype", type(item).__name__)) for item in chosen}
    return len(chosen) == count and bool(kinds) and all("bool" in kind for kind in kinds)


def _indices(chosen: Answer, count: int) -> list[int]:
    """The indices in a list, set, array, tensor or mask. Raises NotNumbers for anything else."""
    if isinstance(chosen, set | frozenset):
        chosen = sorted(chosen)
    if isinstance(chosen, Iterable) and not isinstance(chosen, str | dict):
        chosen = chosen if isinstance(chosen, torch.Tensor) else [*chosen]
        if len(chosen) == 0:
            return []
        if _is_mask(chosen, count):
            return [index for index, item in enumerate(chosen) if item]
    numbers = as_array(chosen)
    if numbers.size != max(numbers.shape, default=0) or (numbers % 1).any():
        raise NotNumbers("is no list of indices")
    return [int(number) for number in numbers.ravel()]


def _drawn(seed: int, classes: tuple[int, ...], count: int) -> torch.Tensor:
    generator = torch.Generator().manual_seed(seed)
    every = torch.tensor(classes).repeat(count // len(classes) + 1)[:count]
    return every[torch.randperm(count, generator=generator)]


# In order, alternating, one that is rare and last, all of a class taken, and classes left out.
_LABELS = [
    (torch.tensor([0, 0, 1, 1]), 1),
    (torch.tensor([1, 0, 1, 0, 1, 0]), 2),
    (torch.tensor([0, 0, 0, 0, 1, 1, 1, 2, 2]), 2),
    (torch.tensor([2, 2, 0, 2, 0, 2, 0, 0, 5, 5]), 2),
    (_drawn(0, (0, 1, 2), 20), 3),
    (_drawn(1, (0, 3, 4, 9), 40), 10),
    (_drawn(2, tuple(range(10)), 200), 7),
]


@exercise(
    "n images of every class in the one part, and every other image in the other.",
    [
        observed(
            "out-of-range",
            "Something in the two parts is not an index of labels, which go from 0 to "
            "len(labels) − 1.",
        ),
        observed("twice", "An index stands twice in one part: that image would count double."),
        observed(
            "in-both",
            "An index is in both parts. An image that is learned from cannot measure what has "
            "been learned.",
        ),
        observed(
            "n-altogether",
            "The first part has n images altogether, in every case that was tried. It should have "
            "n of each class.",
        ),
        observed(
            "class-missing",
            "A class has no image in the first part, although it has some in labels. A network "
            "that never sees a class will never answer with it.",
        ),
        observed(
            "not-n-of-each",
            "Every class has images in the first part, but not n of each.",
        ),
        observed("lost", "An index is in neither part. What is not in the first is in the second."),
    ],
)
def check_split(split: Callable) -> str | Verdict | None:
    """split(labels, n): the indices of n images of each class, and those of all others.

    Any n of each, in any order; lists, arrays, tensors, sets or masks.
    """
    faults: dict[str | None, tuple[str, tuple]] = {}
    altogether = []
    for labels, n in _LABELS:
        found = call(split, labels.clone(), n, case=(labels, n))
        text = call_text(split, (labels, n))
        if not isinstance(found, Iterable) or isinstance(found, str) or len(found := [*found]) != 2:
            return different(f"{text} should give two lists of indices: few, rest.", (labels, n))
        try:
            few, rest = (_indices(part, len(labels)) for part in found)
        except NotNumbers as error:
            return different(f"in what\n    {text}\ngives, a part {error}.", (labels, n))
        altogether.append(len(few) == n)
        shown = f"\nFor example, in\n    {text}\nthe first part is {few}, the second {rest}."
        faults.setdefault(_fault(labels.tolist(), n, few, rest), (shown, (labels, n)))
    missing = [code for code in ("class-missing", "not-n-of-each") if code in faults]
    if missing and all(altogether):
        faults["n-altogether"] = faults.pop(missing[0])
    for code in check_split.codes:
        if code in faults:
            return named(code, *faults[code])
    return None


def _fault(labels: list[int], n: int, few: list[int], rest: list[int]) -> str | None:
    every = {*range(len(labels))}
    if not {*few, *rest} <= every:
        return "out-of-range"
    counts = Counter(labels[at] for at in few)
    for wrong, code in [
        (len({*few}) < len(few) or len({*rest}) < len(rest), "twice"),
        ({*few} & {*rest}, "in-both"),
        (counts.keys() != {*labels}, "class-missing"),
        (any(counts[label] != n for label in {*labels}), "not-n-of-each"),
        ({*few, *rest} != every, "lost"),
    ]:
        if wrong:
            return code
    return None


#: For the third exercise: accuracies in percent of imagined networks, by the number of images.
CURVES: dict[str, list[float]] = {
    "images": [50, 100, 200, 500, 1000, 5000],
    "scratch, training": [100.0, 100.0, 99.5, 98.9, 98.4, 97.0],
    "scratch, test": [41.0, 52.5, 63.8, 76.0, 83.1, 92.4],
    "transfer, training": [98.0, 96.5, 95.0, 93.2, 92.0, 94.1],
    "transfer, test": [74.5, 79.6, 83.9, 87.2, 89.0, 92.9],
}

#: What is wrong with each number of images but the right one.
_READINGS = {
    50: "read-training",
    100: "too-few",
    200: "too-few",
    1000: "not-smallest",
    5000: "not-smallest",
}


@exercise(
    "From scratch, ten times as many images are needed; and with those, transfer is still ahead.",
    [
        observed(
            "read-training",
            "With 50 images, training from scratch is ahead only on the images that it has "
            "learned. What counts are new images: the test rows.",
        ),
        observed(
            "too-few",
            "With so many images, training from scratch does not yet reach what transfer has with "
            "50. Look for the first column in which it does, in the test rows.",
        ),
        observed(
            "not-smallest",
            "There, training from scratch is ahead of transfer with 50 images; but it is already "
            "ahead in an earlier column, with fewer images.",
        ),
        observed(
            "between-columns",
            "That number of images is not in the table. What lies between two columns was not "
            "measured; name the first column in which it is so.",
        ),
        observed(
            "transfer-of-50",
            "The number of images is right. The second number compares two networks that had that "
            "many images, both of them: stay in that column.",
        ),
        observed(
            "training-points",
            "The number of images is right. The second number comes from the training rows; "
            "what counts are new images.",
        ),
        observed(
            "ratio",
            "The number of images is right. The second number is a ratio. Points are a difference "
            "of two percentages.",
        ),
        observed(
            "sign",
            "The number of images is right, and the size of the second number as well, but it "
            "says that transfer is behind.",
        ),
    ],
)
def check_reading(reading: Answer) -> str | Verdict | None:
    """reading: (images, points), what CURVES say of training from scratch and of transfer."""
    try:
        count, points = as_array(reading).ravel()
    except (NotNumbers, ValueError):
        return different("a pair of numbers is expected, (images, points), such as (100, 2.5).")
    if points in CURVES["images"] and count not in CURVES["images"]:
        return different("the number of images comes first, then the points.")
    if count != 500:
        return _READINGS.get(count, "between-columns")
    for value, code in [
        (11.2, None),
        (0.112, None),  # as a fraction
        (-11.2, "sign"),
        (1.5, "transfer-of-50"),
        (-1.5, "transfer-of-50"),
        (93.2 - 98.9, "training-points"),
        (98.9 - 93.2, "training-points"),
        (87.2 / 76.0, "ratio"),
        (76.0 / 87.2, "ratio"),
        (100 * 11.2 / 76.0, "ratio"),
        (100 * 11.2 / 87.2, "ratio"),
        (11.2 / 76.0, "ratio"),
    ]:
        if abs(points - value) < 0.006:
            return code
    return different(
        "the number of images is right. By how many points is transfer ahead of training from "
        "scratch in that column, on the test images?"
    )
