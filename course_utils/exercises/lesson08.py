"""Checks of the exercises of lesson 08, a multi-layer perceptron."""

import copy
from collections.abc import Callable
from itertools import pairwise
from typing import Any

import numpy as np
import torch
from torch import nn
from torch.nn import functional as F

from course_utils.exercises.engine.checks import (
    Verdict,
    call,
    different,
    exercise,
    function_check,
    judge_parts,
    mistake,
    observed,
    parts_check,
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


# Parts of a network, which lesson 18 puts together


def _log_softmax(z: np.ndarray) -> np.ndarray:
    z = z - z.max(axis=1, keepdims=True)
    return z - np.log(np.exp(z).sum(axis=1, keepdims=True))


def _softmax(z: np.ndarray) -> np.ndarray:
    return np.exp(_log_softmax(z))


def _one_hot(z: np.ndarray, y: np.ndarray) -> np.ndarray:
    return np.eye(z.shape[1])[y]


def _with_loss(loss: Callable) -> Callable:
    """Only the loss, as a function of the log-probabilities and the one-hot labels."""
    return lambda z, y: (loss(_log_softmax(z), _one_hot(z, y)), None)


def _with_gradient(gradient: Callable) -> Callable:
    """Only the gradient, as a function of the probabilities, the one-hot labels and N."""
    return lambda z, y: (None, gradient(_softmax(z), _one_hot(z, y), len(y)))


def _cross_entropy_gradient(z: np.ndarray, y: np.ndarray) -> tuple:
    one_hot = _one_hot(z, y)
    losses = np.logaddexp.reduce(z, axis=1) - z[one_hot == 1]
    return losses.mean(), (_softmax(z) - one_hot) / len(y)


def _as_if_most_likely(z: np.ndarray, y: np.ndarray) -> tuple:
    return _cross_entropy_gradient(z, z.argmax(axis=1))


def _at_all_labels(z: np.ndarray, y: np.ndarray) -> tuple:
    """What p[:, y] gives in place of p[np.arange(N), y]: every label's column, in every row."""
    dz = _softmax(z)
    dz[:, y] -= 1
    return -_log_softmax(z)[:, y].mean(), dz / len(y)


def _one_hot_in_all_rows(z: np.ndarray, y: np.ndarray) -> tuple:
    """What one_hot[:, y] = 1 gives in place of one_hot[np.arange(N), y] = 1."""
    one_hot = np.zeros_like(z)
    one_hot[:, y] = 1
    return -(one_hot * _log_softmax(z)).sum() / len(y), (_softmax(z) - one_hot) / len(y)


def _sum_of_all_powers(z: np.ndarray, y: np.ndarray) -> tuple:
    """Each row's own maximum is subtracted, but the sum of the powers runs over all rows."""
    z = z - z.max(axis=1, keepdims=True)
    log_p = z - np.log(np.exp(z).sum())
    return -log_p[np.arange(len(y)), y].mean(), (np.exp(log_p) - _one_hot(z, y)) / len(y)


def _binary(z: np.ndarray, y: np.ndarray) -> np.ndarray:
    """The terms of the binary cross-entropy, (N, K)."""
    return -np.log(np.where(_one_hot(z, y) == 1, _softmax(z), 1 - _softmax(z)))


def _of_example(at: int) -> Callable:
    """What one example alone gives, such as the first where the loop returns."""
    return lambda z, y: _cross_entropy_gradient(z[[at]], y[[at]])


def _of_probabilities(largest: Callable, masked: bool = False) -> Callable:
    """Softmax of z less this, and its logarithm: of the true class, or of all, times one-hot."""

    def rule(z: np.ndarray, y: np.ndarray) -> tuple:
        powers, one_hot = np.exp(z - largest(z)), _one_hot(z, y)
        p = powers / powers.sum(axis=1, keepdims=True)
        log_p = (np.log(p) * one_hot).sum(axis=1) if masked else np.log(p[one_hot == 1])
        return -log_p.mean(), (p - one_hot) / len(y)

    return rule


def _of_clipped(limit: float) -> Callable:
    """What logits give that are clipped to this size."""
    return lambda z, y: _cross_entropy_gradient(np.clip(z, -limit, limit), y)


def _log_sum_exp(z: np.ndarray, y: np.ndarray) -> tuple:
    return (np.log(np.exp(z).sum(axis=1)) - z[np.arange(len(y)), y]).mean(), None


def _lifted(least: float, lift: Callable) -> Callable:
    """The loss with a small number in place of a probability of 0."""
    return lambda z, y: (
        -np.log(lift(_softmax(z), least)[np.arange(len(y)), y]).mean(),
        None,
    )


_TINY = (3, 4, 5, 6, 7, 8, 9, 10, 12, 14, 15, 16, 20, 30, 45, 50, 100, 300)
_LIFTED = [
    _lifted(least, lift)
    for least in (*(10.0**-n for n in _TINY), np.finfo(float).eps, np.finfo(float).tiny)
    for lift in (np.maximum, np.add, lambda p, least: np.clip(p, least, 1 - least))
]


def _logit_cases() -> tuple[list[tuple], list[tuple]]:
    """(z, y): those in which nothing overflows, the smallest first, and those with large logits."""
    rng = np.random.default_rng(0)
    small = [([[2.0, 1.0]], [0]), ([[0.0, 1.0], [3.0, -1.0]], [1, 1])]
    small.append(([[1.0, 0.0, -2.0], [0.5, 2.0, 2.0]], [2, 1]))
    large = [([[1000.0, 0.0]], [0]), ([[0.0, 1000.0]], [0]), ([[-1000.0, -1001.0]], [1])]
    large.append(([[1000.0, 1001.0, 998.0], [1.0, 0.0, 2.0]], [1, 2]))
    moderate, extreme = ([(np.array(z), np.array(y)) for z, y in cases] for cases in (small, large))
    for n, k in [(4, 3), (3, 3), (5, 10)]:
        moderate.append((rng.integers(-12, 13, size=(n, k)) / 4, rng.integers(k, size=n)))
    return moderate, extreme


_MODERATE, _EXTREME = _logit_cases()

check_cross_entropy_gradient = parts_check(
    """cross_entropy_gradient(z, y): (loss, dz), the mean cross-entropy and its gradient.

    z: logits (N, K). y: labels (N,), integers. loss: a number; dz: (N, K).
    """,
    _cross_entropy_gradient,
    ("loss", "dz"),
    [*_MODERATE, *_EXTREME],
    [
        mistake(
            "order",
            "the two results are in the wrong order. Return (loss, dz).",
            lambda z, y: _cross_entropy_gradient(z, y)[::-1],
        ),
        mistake(
            "loss-summed",
            "the losses of the batch are added up, or divided by a number other than N. The loss "
            "is their mean over the N examples: one logarithm for each.",
            _with_loss(lambda log_p, one_hot: -(log_p * one_hot).sum()),
            _with_loss(lambda log_p, one_hot: -(log_p * one_hot).mean()),
            _with_loss(lambda log_p, one_hot: -(log_p * one_hot).sum() / one_hot.shape[1]),
        ),
        mistake(
            "loss-of-each",
            "there is a loss for each example, or for each logit. The loss of the batch is one "
            "number, the mean over its examples.",
            _with_loss(lambda log_p, one_hot: -(log_p * one_hot).sum(axis=1)),
            _with_loss(lambda log_p, one_hot: -(log_p * one_hot)),
        ),
        mistake(
            "loss-sign",
            "the minus sign of the loss is missing. The logarithm of a probability is at most 0; "
            "the loss is its negative.",
            _with_loss(lambda log_p, one_hot: (log_p * one_hot).sum() / len(log_p)),
        ),
        mistake(
            "one-example",
            "only one example counts, the first or the last, as with a return or = inside the "
            "loop. The loss is the mean over all N examples, and dz has a row for each.",
            _of_example(0),
            _of_example(-1),
        ),
        mistake(
            "subtracted-too-early",
            "the 1 is subtracted too early, so that the logarithm of a negative number is taken. "
            "`dz = p` does not copy p: compute the loss first, or write p.copy().",
            lambda z, y: (np.log(-1.0), None),
        ),
        mistake(
            "softmax-twice",
            "softmax is applied twice, as when probabilities are passed to F.cross_entropy or "
            "log_softmax. These apply softmax themselves: pass them the logits.",
            lambda z, y: (_cross_entropy_gradient(_softmax(z), y)[0], None),
        ),
        mistake(
            "binary",
            "every class contributes a term, −ln(1 − ŷ) where it is wrong, as in the binary "
            "cross-entropy. Here only the true class does, with −ln ŷ.",
            lambda z, y: (_binary(z, y).mean(), None),
            lambda z, y: (_binary(z, y).sum() / len(y), None),
        ),
        mistake(
            "no-logarithm",
            "the loss is computed from the probabilities without the logarithm, or is a squared "
            "error. It is −ln of the true class's probability.",
            _with_loss(lambda log_p, one_hot: 1 - (np.exp(log_p) * one_hot).sum() / len(log_p)),
            _with_loss(lambda log_p, one_hot: -(np.exp(log_p) * one_hot).sum() / len(log_p)),
            _with_loss(lambda log_p, one_hot: ((np.exp(log_p) - one_hot) ** 2).mean()),
            _with_loss(lambda log_p, one_hot: ((np.exp(log_p) - one_hot) ** 2).sum() / len(log_p)),
        ),
        mistake(
            "no-softmax",
            "the logits are used as if they were probabilities, or their logarithms. Softmax "
            "comes first: ln ŷ = z − ln Σ e^z, in each row.",
            lambda z, y: (-z[np.arange(len(y)), y].mean(), (z - _one_hot(z, y)) / len(y)),
            lambda z, y: (
                (z.max(axis=1) - z[np.arange(len(y)), y]).mean(),
                (np.exp(z - z.max(axis=1, keepdims=True)) - _one_hot(z, y)) / len(y),
            ),
        ),
        mistake(
            "all-labels",
            "the columns of all labels are taken in every row, as with p[:, y]. One number from "
            "each row is needed: p[np.arange(N), y].",
            _at_all_labels,
            _one_hot_in_all_rows,
        ),
        mistake(
            "label-ignored",
            "the most probable class, argmax, is used in place of the label. y says which class "
            "is true, even where the network disagrees.",
            _as_if_most_likely,
        ),
        mistake(
            "wrong-axis",
            "softmax, or the maximum or sum within it, runs over the examples, axis=0, or over all "
            "numbers. Each row is an example: its probabilities add up to 1, axis=1.",
            lambda z, y: _cross_entropy_gradient(z - z.max(axis=0), y),
            _sum_of_all_powers,
            lambda z, y: (
                -_log_softmax(z.T).T[np.arange(len(y)), y].mean(),
                (_softmax(z.T).T - _one_hot(z, y)) / len(y),
            ),
            lambda z, y: (
                -_log_softmax(z.reshape(1, -1)).reshape(z.shape)[np.arange(len(y)), y].mean(),
                (_softmax(z.reshape(1, -1)).reshape(z.shape) - _one_hot(z, y)) / len(y),
            ),
        ),
        mistake(
            "gradient-not-divided",
            "the gradient is not divided by N, or is divided by another number. The loss is a "
            "mean over N examples, so each contributes 1/N of its own ŷ − y.",
            _with_gradient(lambda p, one_hot, n: p - one_hot),
            _with_gradient(lambda p, one_hot, n: (p - one_hot) / one_hot.size),
            _with_gradient(lambda p, one_hot, n: (p - one_hot) / one_hot.shape[1]),
        ),
        mistake(
            "one-hot-missing",
            "the 1 of the true class is not subtracted, or is added instead, or is not divided by "
            "N like the rest; or something else is subtracted, such as the label itself, or a 1 "
            "from every class. The gradient is (ŷ − y)/N, with y one-hot.",
            _with_gradient(lambda p, one_hot, n: p / n),
            _with_gradient(lambda p, one_hot, n: p),
            _with_gradient(lambda p, one_hot, n: p / n - one_hot),
            _with_gradient(lambda p, one_hot, n: p - one_hot / n),
            _with_gradient(lambda p, one_hot, n: (p + one_hot) / n),
            _with_gradient(lambda p, one_hot, n: (p - one_hot.argmax(axis=1)[:, None]) / n),
            _with_gradient(lambda p, one_hot, n: (p - 1) / n),
        ),
        mistake(
            "true-class-alone",
            "the gradient is 0 for the wrong classes, or their probabilities are missing from "
            "it. Softmax divides by a sum over all logits, so a wrong class has the gradient "
            "ŷ/N.",
            _with_gradient(lambda p, one_hot, n: (p - one_hot) * one_hot / n),
            _with_gradient(lambda p, one_hot, n: -one_hot / n),
        ),
        mistake(
            "gradient-sign",
            "the gradient has the opposite sign. It is ŷ − y: a larger logit of a wrong class "
            "raises the loss.",
            _with_gradient(lambda p, one_hot, n: (one_hot - p) / n),
        ),
        mistake(
            "slope-too-many",
            "the difference ŷ − y is multiplied by ŷ(1 − ŷ) once more, or a derivative with "
            "respect to ŷ is returned. Through the logarithm and softmax together, the derivative "
            "with respect to the logits is ŷ − y.",
            _with_gradient(lambda p, one_hot, n: (p - one_hot) * p * (1 - p) / n),
            _with_gradient(lambda p, one_hot, n: -one_hot / p / n),
        ),
        mistake(
            "overflow",
            "the power e^z is infinite, for logits such as 1000, or 0 for every class, where all "
            "are −1000; or when such logits are clipped. Subtract each row's largest logit first.",
            _of_probabilities(lambda z: 0),
            _of_probabilities(lambda z: 0, masked=True),
            _log_sum_exp,
            *map(_of_clipped, (10, 20, 30, 50, 80, 100, 200, 300, 500, 700, 709)),
        ),
        mistake(
            "largest-of-the-batch",
            "the largest logit of the whole batch is subtracted. In a row that is far below it, "
            "every e^z is 0. Subtract each row's own: z.max(axis=1, keepdims=True).",
            _of_probabilities(lambda z: z.max()),
            _of_probabilities(lambda z: z.max(), masked=True),
            lambda z, y: _log_sum_exp(z - z.max(), y),
        ),
        mistake(
            "logarithm-of-zero",
            "the logarithm is taken of a probability that was rounded to 0, or of a small number "
            "in its place. Do without the probability: ln ŷ = z − z_max − ln Σ e^(z − z_max).",
            _of_probabilities(lambda z: z.max(axis=1, keepdims=True)),
            _of_probabilities(lambda z: z.max(axis=1, keepdims=True), masked=True),
            *_LIFTED,
        ),
    ],
    correct="Back-propagation through every classifier with a softmax begins with this gradient.",
    first=len(_MODERATE),
)


def _momentum_step(
    W: np.ndarray, dW: np.ndarray, v: np.ndarray, rate: float, momentum: float
) -> tuple:
    v = momentum * v + dW
    return W - rate * v, v


def _with_velocity(velocity: Callable) -> Callable:
    """A step along this velocity, a function of dW, v and the momentum."""

    def step(W: np.ndarray, dW: np.ndarray, v: np.ndarray, rate: float, momentum: float) -> tuple:
        new = velocity(dW, v, momentum)
        return W - rate * new, new

    return step


def _steps() -> list[tuple]:
    """(W, dW, v, rate, momentum): the lesson's two steps by hand, then drawn ones of any shape."""
    rng = np.random.default_rng(0)
    one, two = ([5.0], [100.0], [0.0]), ([-5.0], [50.0], [100.0])
    cases: list[tuple] = [(*map(np.array, case), 0.1, 0.9) for case in (one, two)]
    for shape, rate, momentum in [((3,), 0.5, 0.5), ((2, 3), 0.25, 0.8), ((2, 1, 3, 3), 2.0, 0.75)]:
        W, dW, v = rng.integers(-9, 10, size=(3, *shape)) + 0.5
        cases.append((W, dW, v, rate, momentum))
    return cases


_STEPS = _steps()


@exercise(
    "torch.optim.SGD gives the same numbers, and the given arrays are unchanged.",
    [
        mistake(
            "order",
            "the two results are in the wrong order. Return the new W first, then the new v.",
            lambda *step: _momentum_step(*step)[::-1],
        ),
        mistake(
            "rate-in-velocity",
            "the learning rate multiplies dW alone, as when it is inside the velocity: v = "
            "momentum · v + rate · dW, and W − v. That is the classical form: with a constant rate "
            "W takes the same path, but with a changing rate it does not. torch keeps the rate "
            "outside: v = momentum · v + dW, W − rate · v.",
            lambda W, dW, v, r, m: (W - m * v - r * dW, m * v + r * dW),
            lambda W, dW, v, r, m: (W + m * v - r * dW, m * v - r * dW),
        ),
        mistake(
            "rate-twice",
            "the learning rate is applied twice, in the velocity and in the step. It belongs in "
            "the step alone: v = momentum · v + dW, W − rate · v.",
            lambda W, dW, v, r, m: (W - r * (m * v + r * dW), m * v + r * dW),
        ),
        mistake(
            "rate-and-momentum",
            "rate and momentum are swapped. Momentum shrinks the old velocity, and the rate "
            "multiplies the step; in the call, rate comes first.",
            lambda W, dW, v, r, m: _momentum_step(W, dW, v, m, r),
        ),
        mistake(
            "nesterov",
            "the step looks ahead: W − rate · (dW + momentum · v), with the new v. That is "
            "Nesterov's momentum; here the step is the new v itself, times the rate.",
            lambda W, dW, v, r, m: (W - r * (dW + m * (m * v + dW)), m * v + dW),
        ),
        mistake(
            "dampened",
            "the gradient is multiplied by 1 − momentum. That makes a running mean, as in Adam; "
            "here v is a sum, momentum · v + dW. (torch calls this dampening; it is 0 by default.)",
            _with_velocity(lambda dW, v, m: m * v + (1 - m) * dW),
        ),
        mistake(
            "factor-misplaced",
            "momentum multiplies the gradient, or nothing, or dW and v are swapped. Momentum "
            "shrinks the old velocity: momentum · v + dW.",
            _with_velocity(lambda dW, v, m: v + m * dW),
            _with_velocity(lambda dW, v, m: (1 - m) * v + m * dW),
            _with_velocity(lambda dW, v, m: m * (v + dW)),
            _with_velocity(lambda dW, v, m: v + dW),
            _with_velocity(lambda dW, v, m: (1 - m) * v + dW),
        ),
        mistake(
            "old-velocity",
            "the step is taken with the old velocity. Compute the new v first, and use it for the "
            "step.",
            lambda W, dW, v, r, m: (W - r * v, m * v + dW),
        ),
        mistake(
            "velocity-unused",
            "W takes a plain step, as if there were no velocity. The step is rate times the new "
            "v, and the new v is returned.",
            lambda W, dW, v, r, m: (W - r * dW, dW),
            lambda W, dW, v, r, m: (W - r * dW, v),
            lambda W, dW, v, r, m: (W - r * dW, m * v),
        ),
        mistake(
            "sign",
            "W moves with the gradient, or dW is subtracted from the velocity. The loss falls "
            "against the gradient: v = momentum · v + dW, and W − rate · v.",
            lambda W, dW, v, r, m: (W + r * (m * v + dW), m * v - dW),
            lambda W, dW, v, r, m: (W + r * (m * v - dW), -m * v - dW),
            lambda W, dW, v, r, m: (W - r * (m * v - dW), None),
        ),
        mistake(
            "rate-missing",
            "the velocity is subtracted without the learning rate, or the rate multiplies only a "
            "part of it. The step is rate · v, with the new v.",
            lambda W, dW, v, r, m: (W - m * v - dW, None),
            lambda W, dW, v, r, m: (W - r * m * v - dW, m * v + dW),
        ),
        mistake(
            "step-alone",
            "the step, or the old W, is returned in place of the new W. The new W is W − rate · v.",
            lambda W, dW, v, r, m: (-r * (m * v + dW), None),
            lambda W, dW, v, r, m: (r * (m * v + dW), None),
            lambda W, dW, v, r, m: (W, None),
        ),
        observed(
            "inputs-changed",
            "The new values are right, but the arrays that were given have been changed in place "
            "(by -=, *= or +=). Make new arrays: v = momentum * v + dW.",
        ),
    ],
)
def check_momentum_step(momentum_step: Callable) -> str | Verdict | None:
    """momentum_step(W, dW, v, rate, momentum): (W, v) after one step of SGD with momentum.

    W, dW, v: arrays of one shape, any; they stay as they were. rate, momentum: numbers.
    """
    verdict = judge_parts(momentum_step, _momentum_step, _STEPS, ("new W", "new v"))
    for case in () if verdict else _STEPS:
        given = copy.deepcopy(case)
        call(momentum_step, *given, case=case)
        if not all(map(np.array_equal, given, case)):
            return "inputs-changed"
    return verdict
