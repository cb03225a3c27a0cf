"""Checks of the exercises of lesson 05, images as numbers."""

import torch

from course_utils.exercises.engine.checks import function_check, mistake
from course_utils.exercises.journal import lesson_journal

mine, progress = lesson_journal(__name__)

# Inside 0 … 1 and reaching neither end: stretching x to 0 … 1 does not bring them back. Other
# pixels, mean and std each time; in the last, none lies below the mean.
_PIXELS = torch.tensor([[[0.75, 0.1875, 0.5], [0.25, 0.25, 0.375]]])

check_denormalise = function_check(
    "denormalise(x, mean, std): the x0 for which (x0 − mean) / std is x.",
    lambda x, mean, std: x * std + mean,
    [
        ((_PIXELS**k - m) / s, m, s)
        for k, m, s in [(1, 0.25, 0.5), (2, 0.5, 0.25), (0.5, 0.1307, 0.3081)]
    ],
    [
        mistake(
            "order",
            "the subtraction is undone first. The division came last, so it is undone first.",
            lambda x, mean, std: (x + mean) * std,
        ),
        mistake(
            "sign",
            "the mean is subtracted once more. Normalize took it away, so it has to be added.",
            lambda x, mean, std: x * std - mean,
            lambda x, mean, std: (x - mean) * std,
        ),
        mistake(
            "divided-again",
            "x is divided by std once more. Normalize divided, so multiply, and then add the mean.",
            lambda x, mean, std: x / std + mean,
            lambda x, mean, std: (x + mean) / std,
            lambda x, mean, std: (x - mean) / std,
        ),
    ],
    correct="Normalising and then denormalising gives every picture back.",
)


def _ink(images: torch.Tensor, labels: torch.Tensor, axes: tuple = (0, 1, 2, 3)) -> torch.Tensor:
    return torch.stack([images[labels == c].mean(dim=axes) for c in range(10)])


def _ink_case(images_per_class: list[int], noise: float) -> tuple[torch.Tensor, torch.Tensor]:
    """Grey pictures, images_per_class[c] of class c; the grey rises and falls with the label."""
    random = torch.Generator().manual_seed(0)
    labels = torch.arange(10).repeat_interleave(torch.tensor(images_per_class))
    labels = labels[torch.randperm(len(labels), generator=random)]
    grey = torch.tensor([5, 2, 8, 3, 1, 7, 4, 6, 2, 5])[labels] / 8
    pixels = torch.rand(len(labels), 1, 28, 28, generator=random) ** (3 * noise)
    return grey.view(-1, 1, 1, 1) * pixels, labels


check_class_ink = function_check(
    "class_ink(images, labels): the mean pixel of each of ten classes, 10 numbers.",
    _ink,
    [_ink_case([2] * 10, 0), _ink_case([3, 1, 2, 5, 1, 4, 2, 3, 1, 2], 1)],
    [
        mistake(
            "mean-image",
            "only the images of a class are averaged. Average over their pixels as well.",
            lambda images, labels: _ink(images, labels, (0,)),
        ),
        mistake(
            "each-image",
            "the ink of every single image is kept. Average over the images of a class too.",
            lambda images, labels: _ink(images, labels, (1, 2, 3)),
            lambda images, labels: images.mean(dim=(1, 2, 3)),
        ),
    ],
    correct="Ten numbers, one for each class. Try it on train.images / 255 and train.labels.",
)

check_padded_size = function_check(
    "padded_size(size, padding): the side of a square picture after Pad(padding).",
    lambda size, padding: size + 2 * padding,
    [(4, 1), (5, 3), (28, 0), (28, 2), (1, 7)],
    [
        mistake(
            "counted-once",
            "the padding is counted once. It is added on the left and on the right.",
            lambda size, padding: size + padding,
        )
    ],
    correct="28 with a padding of 2 is 32, the size that LeNet was built for.",
    rtol=0,
)
