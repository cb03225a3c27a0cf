"""Checks of the exercises of lesson 08, a multi-layer perceptron."""

from collections.abc import Callable
from itertools import pairwise
from typing import Any

import torch
from torch import nn
from torch.nn import functional as F

from course_utils.exercises.engine.checks import (
    Verdict,
    call,
    different,
    exercise,
    function_check,
    mistake,
    observed,
    value_check,
)
from course_utils.exercises.engine.reading import difference
from course_utils.exercises.journal import lesson_journal

mine, progress = lesson_journal(__name__)


def _take_steps(train_step: Callable) -> tuple[torch.Tensor, list[str]]:
    """A small model's biases after each of three steps, and what was called in the first.

    What is left changed that a step should leave is among what was called.
    """
    model, biases, events = nn.Linear(2, 3), [], []
    nn.init.zeros_(model.weight), nn.init.zeros_(model.bias)
    optimizer = torch.optim.SGD(model.parameters(), lr=1, momentum=0.9)

    def recorded(event: str, method: Callable) -> Callable:
        def call_and_record(*arguments: Any, **options: Any) -> Any:
            events.append(event)
            return method(*arguments, **options)

        return call_and_record

    def step(*arguments: object) -> None:
        try:
            train_step(*arguments)
        except RuntimeError as error:  # backward() of a loss without a graph
            if "does not require grad" not in str(error):
                raise

    for owner, event in [(optimizer, "zero_grad"), (model, "zero_grad"), (optimizer, "step")]:
        setattr(owner, event, recorded(event, getattr(owner, event)))
    model.bias.register_hook(lambda _: events.append("backward"))
    for number in range(3):
        x, y = torch.tensor([[1.0, 2.0], [0.0, 1.0]]) + number, torch.tensor([2, 0])
        shown = "train_step(model, optimizer, x, y)"
        given = x.clone(), y.clone()
        call(step if callable(train_step) else train_step, model, optimizer, x, y, shown=shown)
        if not (model.training and torch.equal(x, given[0]) and torch.equal(y, given[1])):
            events.append("changed")
        biases.append(model.bias.detach().clone())
        events.append("end")
    return torch.stack(biases), events[: events.index("end")]


def _step(loss: Callable = F.cross_entropy, zero_grad: bool = True) -> Callable:
    def step(
        model: nn.Module, optimizer: torch.optim.Optimizer, x: torch.Tensor, y: torch.Tensor
    ) -> None:
        if zero_grad:
            optimizer.zero_grad()
        loss(model(x), y).backward()
        optimizer.step()

    return step


_STEP_MISTAKES = [
    observed(
        "no-gradient",
        "No gradient reaches the model. Either backward() is not called, or nothing leads from the "
        "loss to the weights: see whether no_grad, detach, item, numpy or a new tensor cuts it.",
    ),
    observed(
        "no-step",
        "step() of the optimizer that is given is never called. It moves the weights, by its own "
        "rule, such as momentum or Adam.",
    ),
    observed(
        "order",
        "The order of the calls is wrong. zero_grad() forgets the old gradients, so it comes "
        "before backward(); step() uses the new ones, so it comes last.",
    ),
    observed(
        "left-changed",
        "After the call x or y is not what it was, or the model is no longer in training mode. A "
        "step changes the weights, and nothing else.",
    ),
    mistake(
        "no-zero-grad",
        "the gradients of all steps add up. optimizer.zero_grad() forgets the old ones.",
        _step(zero_grad=False),
    ),
    mistake(
        "softmax-twice",
        "softmax comes before cross_entropy, which applies it itself: it takes logits, model(x).",
        _step(lambda z, y: F.cross_entropy(z.softmax(dim=1), y)),
    ),
    mistake(
        "another-loss",
        "the loss is not the batch's mean cross-entropy, but its sum, its negative, a squared "
        "error, or nll_loss of what is no logarithm. It is F.cross_entropy(model(x), y).",
        _step(lambda z, y: F.cross_entropy(z, y, reduction="sum")),
        _step(lambda z, y: -F.cross_entropy(z, y)),
        _step(F.nll_loss),
        _step(lambda z, y: F.nll_loss(z.softmax(dim=1), y)),
        _step(lambda z, y: F.mse_loss(z, F.one_hot(y, 3).float())),
        _step(lambda z, y: F.mse_loss(z.softmax(dim=1), F.one_hot(y, 3).float())),
    ),
]


@exercise("After three steps the weights are what they should be.", _STEP_MISTAKES)
def check_train_step(train_step: Callable) -> str | Verdict | None:
    """train_step(model, optimizer, x, y): one step with cross-entropy, in place."""
    (found, events), (expected, _) = _take_steps(train_step), _take_steps(_step())
    words = difference(found, expected, "model.bias, a row for each of three steps")
    backward = events.index("backward") if "backward" in events else None
    for wrong, code in [
        ("changed" in events, "left-changed"),
        (not words, None),
        (backward is None and not found.any(), "no-gradient"),
        ("step" not in events, "no-step"),
        (backward is not None and "step" in events[:backward], "order"),
        (events[-3:] == ["backward", "zero_grad", "step"], "order"),
    ]:
        if wrong:
            return code
    for known in _STEP_MISTAKES:
        if any(not difference(found, _take_steps(rule)[0]) for rule in known.rules):
            return known.code
    return different(
        "the model is nn.Linear(2, 3) with all weights 0, the optimizer SGD with lr=1 and "
        "momentum=0.9, and first x = [[1, 2], [0, 1]], y = [2, 0]; each step's x is larger by 1.\n"
        f"In the first step your function called {', '.join(events)}.\n{words}"
    )


def _right(batches: list[tuple], dim: int | None = 1) -> int:
    return sum((z.argmax(dim=dim) == y).sum().item() for z, y in batches)


def _share(batches: list[tuple], dim: int | None = 1) -> float:
    return _right(batches, dim) / sum(len(y) for _, y in batches)


def _batches(*batches: tuple[list[int], list[int]]) -> tuple:
    """One case: batches made of the answers and the labels of their images."""
    return ([(F.one_hot(torch.tensor(a), 10) * 3.0 - 5, torch.tensor(y)) for a, y in batches],)


def _drawn(*sizes: int) -> tuple:
    """One case: batches of scores drawn at random, in which every second answer is right."""
    generator = torch.Generator().manual_seed(0)
    scores = [torch.randn(size, 10, generator=generator) for size in sizes]
    return ([(z, z.argmax(dim=1) + torch.arange(len(z)) % 2) for z in scores],)


check_mean_accuracy = function_check(
    "mean_accuracy(batches): the share of correct answers over all images of all batches.",
    _share,
    [
        _batches(([0], [0])),
        _batches(([3], [0])),
        _batches(([3, 4], [3, 5])),
        _batches(([3, 4], [3, 4]), ([7], [8])),
        _batches(([1], [0]), ([0, 9], [0, 9])),
        _batches(([1, 2, 3, 4], [1, 2, 3, 4]), ([6, 5, 4, 3], [1, 5, 3, 4]), ([7, 8], [0, 8])),
        _drawn(8, 8, 5),
    ],
    [
        mistake(
            "wrong-axis",
            "argmax does not run over the ten scores of each image. For z of (N, 10) that is "
            "z.argmax(dim=1); dim=0 finds an image for each class.",
            lambda batches: _share(batches, 0),
            lambda batches: sum(_right([batch], 0) / 10 for batch in batches) / len(batches),
            lambda batches: _share(batches, None),
        ),
        mistake(
            "mean-of-batches",
            "the accuracies of the batches are averaged. Then an image of a short batch counts "
            "more than others: add up the correct answers and the images instead.",
            lambda batches: sum(_share([batch]) for batch in batches) / len(batches),
        ),
        mistake(
            "one-batch",
            "a single batch is counted, for instance by a `return` or a sum set to 0 in the loop.",
            lambda batches: _share(batches[:1]),
            lambda batches: _share(batches[-1:]),
        ),
        mistake(
            "not-of-all-images",
            "the correct answers are counted, but not divided by the number of all images.",
            _right,
            lambda batches: _right(batches) / len(batches),
            lambda batches: _right(batches) / len(batches[0][1]),
            lambda batches: _right(batches) / len(batches[-1][1]),
        ),
    ],
    correct="Every image counts once, also in a short last batch.",
)


def _layer(inputs: int, outputs: int) -> int:
    return inputs * outputs + outputs


def _each_layer(layer: Callable, pairs: Callable = pairwise) -> Callable:
    return lambda sizes: sum(layer(*pair) for pair in pairs(sizes))


check_count_parameters = function_check(
    "count_parameters(sizes): the weights and biases of an MLP with these layer sizes.",
    _each_layer(_layer),
    [([2, 3],), ([2, 3, 4],), ([5, 2, 7, 3],), ([1024, 300, 10],), ([784, 64, 64, 64, 10],)],
    [
        mistake(
            "biases",
            "the biases are left out, or counted for the inputs, or one for each layer. Every "
            "output of a layer has one.",
            _each_layer(lambda i, o: i * o),
            _each_layer(lambda i, o: i * o + i),
            _each_layer(lambda i, o: i * o + i + o),
            _each_layer(lambda i, o: i * o + 1),
        ),
        mistake(
            "not-multiplied",
            "inputs and outputs are added up, or one is left out. A layer has a weight for each "
            "input of each output: inputs * outputs.",
            _each_layer(lambda i, o: i + o),
            _each_layer(lambda i, o: i + 2 * o),
            _each_layer(lambda i, o: o),
        ),
        mistake(
            "pairs",
            "the pairs of sizes are not right. Each size and its next one are a layer: [5, 2, 7] "
            "has two, of 5 and 2, and of 2 and 7.",
            _each_layer(_layer, lambda sizes: pairwise(sizes[:-1])),
            _each_layer(_layer, lambda sizes: pairwise(sizes[1:])),
            _each_layer(_layer, lambda sizes: pairwise(sizes[:2])),
            _each_layer(_layer, lambda sizes: zip(sizes, sizes, strict=True)),
        ),
    ],
    correct="[1024, 300, 10] has 310,510, and [784, 64, 64, 64, 10] has 59,210.",
    rtol=0,
)

check_in_features = value_check(
    "in_features: the number of inputs that a layer needs for flattened images of 28 × 28.",
    784,
    [
        observed("batch", "128 is the number of images in the batch. A layer takes any.", 128),
        observed(
            "as-it-was", "1024 is what the layer expects now: the reason for the error.", 1024
        ),
        observed("outputs", "300 is the number of outputs. The batch has to fit the inputs.", 300),
        observed("side", "28 is the side of an image. nn.Flatten makes one row of 28 · 28.", 28),
    ],
    correct="An image of 28 × 28 has 784 pixels, and the layer was made for 32 × 32 = 1,024.",
)
