"""Checks of the exercises of lesson 05, images as numbers."""

from collections.abc import Callable

import torch

from course_utils.exercises.engine import Verdict, compare_function, exercise


@exercise(
    correct="Normalising and then denormalising gives every picture back.",
    order="You undo the subtraction first and the division afterwards. "
    "The division came last, so it is undone first: x * std, and then + mean.",
    sign="You subtract the mean once more. Normalize took it away, so it has to be added.",
    twice="This normalises a second time. You want the way back: "
    "what was subtracted is added, what divided multiplies.",
    divided_again="You divide by std once more. Normalize divided, so multiply.",
)
def check_denormalise(denormalise: Callable) -> str | Verdict | None:
    """denormalise(x, mean, std): the x0 for which (x0 − mean) / std is x."""
    pixels = torch.linspace(0, 1, 12).view(1, 3, 4)
    settings = [(0.1307, 0.3081), (0.5, 0.5), (0.2860, 0.3530)]
    return compare_function(
        denormalise,
        lambda x, mean, std: x * std + mean,
        [((pixels - mean) / std, mean, std) for mean, std in settings],
        [
            ("order", lambda x, mean, std: (x + mean) * std),
            ("sign", lambda x, mean, std: x * std - mean),
            ("twice", lambda x, mean, std: (x - mean) / std),
            ("divided-again", lambda x, mean, std: x / std + mean),
        ],
    )


@exercise(
    correct="Ten numbers, one for each class. Try it on train.images / 255 and train.labels.",
    mean_image="These are mean images: you have averaged over the images of each class, and kept "
    "their pixels. Average over the pixels as well.",
    each_image="This is the ink of every single image. Average over the images of each class too.",
    all_classes="All ten numbers are the mean of the whole set. Choose the images of one class "
    "with images[labels == c] before you average.",
)
def check_class_ink(class_ink: Callable) -> str | Verdict | None:
    """class_ink(images, labels): the mean pixel of each of ten classes, 10 numbers."""

    def some_images(of_each: list[int]) -> tuple[torch.Tensor, torch.Tensor]:
        labels = torch.arange(10).repeat_interleave(torch.tensor(of_each))
        labels = labels[torch.randperm(len(labels))]
        return torch.rand(len(labels), 1, 28, 28) * (1 + labels.view(-1, 1, 1, 1)) / 10, labels

    def ink(images: torch.Tensor, labels: torch.Tensor, axes: tuple = (0, 1, 2, 3)) -> torch.Tensor:
        return torch.stack([images[labels == c].mean(dim=axes) for c in range(10)])

    torch.manual_seed(0)
    return compare_function(
        class_ink,
        ink,
        [some_images([3] * 10)],
        [
            ("mean-image", lambda images, labels: ink(images, labels, (0,))),
            ("each-image", lambda images, labels: ink(images, labels, (1, 2, 3))),
            ("each-image", lambda images, labels: images.mean(dim=(1, 2, 3))),
            ("all-classes", lambda images, labels: images.mean().repeat(10)),
        ],
    ) or compare_function(class_ink, ink, [some_images([1, 2, 3, 4, 5, 6, 7, 8, 9, 10])])


@exercise(
    correct="28 with a padding of 2 is 32, the size that LeNet was built for.",
    counted_once="You count the padding once. It is added on the left and on the right.",
    both_axes="You count all four sides. Along one row there are only two: left and right.",
)
def check_padded_size(padded_size: Callable) -> str | Verdict | None:
    """padded_size(size, padding): the side of a square picture after Pad(padding)."""
    return compare_function(
        padded_size,
        lambda size, padding: size + 2 * padding,
        [(28, 2), (28, 0), (5, 3)],
        [
            ("counted-once", lambda size, padding: size + padding),
            ("both-axes", lambda size, padding: size + 4 * padding),
        ],
        rtol=0,
    )
