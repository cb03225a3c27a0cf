"""Checks of the exercises of lesson 08, a multi-layer perceptron."""

from collections.abc import Callable
from itertools import pairwise

import torch
from torch.nn import functional as F

from course_utils.exercises.engine import (
    Verdict,
    compare,
    compare_function,
    different,
    exercise,
    same,
)
from course_utils.models import MLP


def _take_steps(train_step: Callable) -> tuple[torch.Tensor, str]:
    """The weights of a small network after three steps, and what happened in the first of them.

    In order, z for zero_grad, b for backward, s for step: "zbs" when it is right.
    """
    generator, happened = torch.Generator().manual_seed(0), []
    model = MLP(16, 8, 4)
    for parameter in model.parameters():
        torch.nn.init.uniform_(parameter, -0.5, 0.5, generator=generator)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.5, momentum=0.9)

    def noted(event: str, call: Callable) -> Callable:
        return lambda *args, **options: (happened.append(event), call(*args, **options))[1]

    optimizer.zero_grad = noted("z", optimizer.zero_grad)
    model.zero_grad = noted("z", model.zero_grad)
    optimizer.step = noted("s", optimizer.step)
    model.layers[-1].bias.register_hook(lambda _: happened.append("b"))
    for _ in range(3):
        x = torch.randn(6, 16, generator=generator)
        train_step(model, optimizer, x, torch.randint(4, (6,), generator=generator))
        happened.append("|")
    weights = torch.nn.utils.parameters_to_vector(model.parameters()).detach()
    return weights, "".join(happened).partition("|")[0]


def _right_step(model, optimizer, x, y) -> None:
    optimizer.zero_grad()
    F.cross_entropy(model(x), y).backward()
    optimizer.step()


def _softmax_step(model, optimizer, x, y) -> None:
    _right_step(lambda x: model(x).softmax(dim=1), optimizer, x, y)


@exercise(
    correct="After three steps the weights are what they should be.",
    no_backward="The gradients are never computed: loss.backward() is missing.",
    no_step="The weights never change: optimizer.step() is missing.",
    other_optimizer="The weights change, but not by the optimizer that was given: "
    "call its step(), so that it works with momentum and Adam as well.",
    no_grad="The forward pass keeps no gradients: is it inside torch.no_grad(), or detached?",
    step_before_backward="The weights are changed before the gradients are there: "
    "optimizer.step() comes last, after loss.backward().",
    zeroed_too_late="The gradients are thrown away before they are used: optimizer.zero_grad() "
    "stands between loss.backward() and optimizer.step(). Put it before backward.",
    no_zero_grad="The gradients of all steps add up: optimizer.zero_grad() is missing.",
    softmax_twice="cross_entropy applies softmax itself: give it the logits, model(x).",
)
def check_train_step(train_step: Callable) -> str | Verdict | None:
    """train_step(model, optimizer, x, y): one step with cross-entropy, in place."""
    if not callable(train_step):
        return different("a function of four arguments is expected here.")
    try:
        weights, order = _take_steps(train_step)
    except RuntimeError as error:
        if "does not require grad" in str(error):
            return "no-grad"
        raise
    right, _ = _take_steps(_right_step)
    if same(weights, right):
        return None
    unchanged = same(weights, _take_steps(lambda *_: None)[0])
    for sign, mistake in [
        ("b" not in order and unchanged, "no-backward"),
        ("s" not in order, "no-step" if unchanged else "other-optimizer"),
        ("bzs" in order, "zeroed-too-late"),
        ("b" not in order.partition("s")[0], "step-before-backward"),
        ("z" not in order, "no-zero-grad"),
        (same(weights, _take_steps(_softmax_step)[0]), "softmax-twice"),
    ]:
        if sign:
            return mistake
    return compare(weights, right, name="the first layer after three steps")


def _batches(sizes: list[int], share_right: float) -> list[tuple[torch.Tensor, torch.Tensor]]:
    """Logits and labels; the first batch all right, of the others the share given."""
    generator, batches = torch.Generator().manual_seed(1), []
    for number, size in enumerate(sizes):
        z = torch.randn(size, 10, generator=generator)
        y = z.argmax(dim=1)
        wrong = torch.rand(size, generator=generator) >= (share_right if number else 1)
        batches.append((z, torch.where(wrong, (y + 1) % 10, y)))
    return batches


@exercise(
    correct="Every image counts once, also in a short last batch.",
    mean_of_batches="You average the accuracies of the batches, so that each image of a short "
    "last batch counts more than the others. Add up the right answers and the images instead.",
    wrong_axis="argmax(dim=0) finds the image with the highest score for each class. "
    "You want the class with the highest score for each image: dim=1.",
    one_batch="Only one of the batches is counted. Is the `return` inside the loop, or is the sum "
    "started anew for every batch?",
    number_right="This is the number of right answers. Divide it by the number of images.",
    percent="This is a percentage. The share, from 0 to 1, is asked for.",
)
def check_mean_accuracy(mean_accuracy: Callable) -> str | Verdict | None:
    """mean_accuracy(batches): the share of right answers over all images of all batches."""

    def right(batches, dim=1):
        return sum((z.argmax(dim=dim) == y).sum().item() for z, y in batches)

    def share(batches, dim=1):
        return right(batches, dim) / sum(len(y) for _, y in batches)

    # With batches of ten images the wrong axis has the right length, and can be seen.
    tens = [(_batches([10, 10], 0.5),)]
    axis = compare_function(
        mean_accuracy, share, tens, [("wrong-axis", lambda batches: share(batches, dim=0))]
    )
    if axis == "wrong-axis":
        return axis
    return compare_function(
        mean_accuracy,
        share,
        [(_batches([6, 6, 2], 0.3),), (_batches([8, 3], 0.0),)],
        [
            ("mean-of-batches", lambda batches: sum(share([b]) for b in batches) / len(batches)),
            ("one-batch", lambda batches: share(batches[:1])),
            ("one-batch", lambda batches: share(batches[-1:])),
            ("number-right", right),
            ("percent", lambda batches: 100 * share(batches)),
        ],
    )


@exercise(
    correct="[1024, 300, 10] has 310,510, and [784, 64, 64, 64, 10] has 59,210.",
    bias_forgotten="These are the weights alone. Every output of a layer also has a bias.",
    bias_per_input="You give every input a bias. It is every output that has one.",
    bias_per_layer="You give every layer one bias. Each of its outputs has one.",
    one_layer_left_out="One layer is missing: [1024, 300, 10] has two of them.",
)
def check_count_parameters(count_parameters: Callable) -> str | Verdict | None:
    """count_parameters(sizes): the weights and biases of an MLP with these layer sizes."""

    def count(sizes, bias=lambda inputs, outputs: outputs):
        return sum(i * o + bias(i, o) for i, o in pairwise(sizes))

    return compare_function(
        count_parameters,
        count,
        [([1024, 300, 10],), ([784, 64, 64, 64, 10],), ([3, 7, 2],)],
        [
            ("bias-forgotten", lambda sizes: count(sizes, lambda i, o: 0)),
            ("bias-per-layer", lambda sizes: count(sizes, lambda i, o: 1)),
            ("bias-per-input", lambda sizes: count(sizes, lambda i, o: i)),
            ("one-layer-left-out", lambda sizes: count(sizes[:-1])),
            ("one-layer-left-out", lambda sizes: count(sizes[1:])),
        ],
        rtol=0,
    )


@exercise(
    correct="An image of 28 × 28 has 784 pixels, and the layer was made for 32 × 32 = 1,024.",
    batch="128 is the number of images in the batch. A layer does not care about that one.",
    as_it_was="1024 is what the layer expects now, and the reason for the error.",
    outputs="300 is the number of outputs. The batch has to fit the inputs.",
    side="28 is the side of an image. nn.Flatten makes one row of all its pixels.",
)
def check_in_features(in_features: int) -> str | Verdict | None:
    """in_features: the number of inputs that a layer needs for flattened images of 28 × 28."""
    for mistake, value in [("batch", 128), ("as-it-was", 1024), ("outputs", 300), ("side", 28)]:
        if same(in_features, value):
            return mistake
    return compare(in_features, 784, name="in_features", rtol=0)
