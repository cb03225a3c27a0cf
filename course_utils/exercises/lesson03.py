"""Checks of the exercises of lesson 03, gradient descent."""

import functools
from collections.abc import Callable
from dataclasses import replace

import numpy as np
import torch

from course_utils.exercises.engine.checks import (
    Verdict,
    call,
    different,
    exercise,
    function_check,
    judge,
    mistake,
    observed,
)
from course_utils.exercises.engine.reading import (
    Answer,
    as_array,
    difference,
    settle,
    without_leading_ones,
)
from course_utils.exercises.journal import lesson_journal

mine, progress = lesson_journal(__name__)


def _gradient(
    W: np.ndarray, X: np.ndarray, y: np.ndarray, alpha: float, scale: float = 1.0
) -> np.ndarray:
    """With the first of its two terms so many times."""
    return scale * X.T @ (X @ W - y) / len(X) + alpha * W


def _problem(n: int, d: int, alpha: float) -> tuple:
    """W (d,), X (n, d) and y (n,), with columns of different sizes, and alpha."""
    rng = np.random.default_rng(n)
    X = rng.normal(1, 1, size=(n, d)) * np.arange(1, d + 1)
    return rng.normal(size=d), X, rng.normal(size=n), alpha


# First one weight and one example, then a square X, which may be transposed without an error.
_GRADIENTS: list[tuple] = [([2.0], [[3.0]], [1.0], 0.0), ([2.0], [[3.0]], [1.0], 0.5)]
_GRADIENTS += [([1.0, -2.0], [[2.0, -1.0], [0.0, 3.0]], [1.0, -4.0], pull) for pull in (0.0, 0.5)]
_GRADIENTS = [(*map(np.array, case[:3]), case[3]) for case in _GRADIENTS]
_GRADIENTS += [_problem(*size) for size in [(4, 4, 0.1), (3, 5, 0.25), (7, 1, 2.0), (12, 3, 3.0)]]

_TRANSPOSED = [
    lambda W, X, y: X @ (X @ W - y),
    lambda W, X, y: X.T @ (X.T @ W - y),
    lambda W, X, y: X @ (X.T @ W - y),
]


def _with_product(product: Callable, factor: float, averaged: bool) -> Callable:
    """A rule with another product of X in place of Xᵀ(XW − y), so many times, averaged or not."""

    def rule(W: np.ndarray, X: np.ndarray, y: np.ndarray, alpha: float) -> np.ndarray:
        return factor * product(W, X, y) / (len(X) if averaged else 1) + alpha * W

    return rule


check_loss_gradient = function_check(
    "loss_gradient(W, X, y, alpha): of 1/(2n) · ‖XW − y‖² + alpha/2 · ‖W‖², of shape (d,).",
    _gradient,
    _GRADIENTS,
    [
        mistake(
            "not-averaged",
            "the sum over the examples is not divided by their number. L is a mean: divide by "
            "len(X).",
            lambda W, X, y, alpha: _gradient(W, X, y, alpha, len(X)),
            lambda W, X, y, alpha: _gradient(W, X, y, alpha, len(X) / len(W)),
            lambda W, X, y, alpha: _gradient(W, X, y, alpha, 1 / len(W)),
        ),
        mistake(
            "doubled",
            "the half of L is forgotten: 2/n belongs to the mean squared error, and 2 to the sum "
            "of squares. The half cancels the 2 that the square brings down.",
            lambda W, X, y, alpha: _gradient(W, X, y, alpha, 2),
            lambda W, X, y, alpha: _gradient(W, X, y, 2 * alpha, 2),
            lambda W, X, y, alpha: _gradient(W, X, y, alpha, 2 * len(X)),
        ),
        mistake(
            "halved",
            "the 2 of 1/(2n) is left over. It cancels the 2 that the square brings down: divide by"
            " n alone.",
            lambda W, X, y, alpha: _gradient(W, X, y, alpha, 1 / 2),
        ),
        mistake(
            "sign",
            "target minus prediction is taken, which points downhill, or all signs are turned. The"
            " gradient points uphill: take X @ W − y.",
            lambda W, X, y, alpha: _gradient(W, X, y, alpha, -1),
            lambda W, X, y, alpha: _gradient(W, X, y, alpha, -len(X)),
            lambda *case: -_gradient(*case),
        ),
        mistake(
            "transposed",
            "X and Xᵀ are exchanged. The derivative for a weight is a sum over the examples of its"
            " feature times the residual: rows of Xᵀ, which are columns of X.",
            *(
                _with_product(product, factor, averaged)
                for product in _TRANSPOSED
                for factor in (1, 2, 1 / 2)
                for averaged in (False, True)
            ),
        ),
        mistake(
            "pull",
            "the pull is not alpha · W, the gradient of alpha/2 · ‖W‖²: a number for each weight, "
            "neither doubled nor divided by n.",
            lambda W, X, y, alpha: _gradient(W, X, y, 2 * alpha),
            lambda W, X, y, alpha: _gradient(W, X, y, alpha / 2),
            lambda W, X, y, alpha: _gradient(W, X, y, alpha / len(X)),
            lambda W, X, y, alpha: _gradient(W, X, y, -alpha),
            lambda W, X, y, alpha: _gradient(W, X, y, 0) + alpha / 2 * W @ W,
            lambda W, X, y, alpha: _gradient(W, X, y, 0) + alpha,
        ),
    ],
    correct="The second term pulls every weight towards 0; lesson 12 calls that weight decay.",
)


def _curvatures(X: np.ndarray, alpha: float, n: float | None = None) -> np.ndarray:
    """In increasing order."""
    return np.linalg.eigvalsh(X.T @ X / (n or len(X))) + alpha


_RATES: list[tuple] = [([[2.0]], 0.0), ([[2.0]], 1.0), ([[3.0, 0.0], [0.0, 1.0]], 0.5)]
_RATES += [([[1.0, 2.0], [0.0, 1.0], [1.0, 6.0]], 0.0), ([[0.0, 5.0, 1.0], [1.0, 0.0, 1.0]], 2.0)]
_RATES = [(np.array(X), alpha) for X, alpha in _RATES]
_RATES += [_problem(n, d, alpha)[1::2] for n, d, alpha in [(12, 3, 0.1), (5, 4, 2.0), (30, 2, 9.0)]]

check_largest_rate = function_check(
    "largest_rate(X, alpha): 2 / λ for the largest eigenvalue λ of XᵀX / n + alpha · I.",
    lambda X, alpha: 2 / _curvatures(X, alpha)[-1],
    _RATES,
    [
        mistake(
            "one-over",
            "1 / λ is taken, half the limit. Descent stays bounded until 1 − ηλ reaches −1.",
            lambda X, alpha: 1 / _curvatures(X, alpha)[-1],
        ),
        mistake(
            "smallest",
            "the smallest eigenvalue is taken. In the steepest direction, which has the largest "
            "eigenvalue, so long a step diverges.",
            lambda X, alpha: 2 / _curvatures(X, alpha)[0],
            lambda X, alpha: 1 / _curvatures(X, alpha)[0],
        ),
        mistake(
            "unsorted",
            "the first or the last value of np.linalg.eigvals is taken. They come in no order. "
            "Take their maximum, or eigvalsh, which sorts them.",
            lambda X, alpha: 2 / (np.linalg.eigvals(X.T @ X / len(X))[-1] + alpha),
            lambda X, alpha: 2 / (np.linalg.eigvals(X.T @ X / len(X))[0] + alpha),
        ),
        mistake(
            "wrong-hessian",
            "XᵀX is not divided by n, or alpha is too. The half of L goes with the 2 of the square,"
            " so the Hessian is XᵀX / n + alpha · I.",
            lambda X, alpha: 2 / _curvatures(X, alpha, 1)[-1],
            lambda X, alpha: 2 / _curvatures(X, alpha, 2 * len(X))[-1],
            lambda X, alpha: 2 / _curvatures(X, alpha, X.shape[1])[-1],
            lambda X, alpha: 2 / _curvatures(X, alpha / len(X))[-1],
        ),
        mistake(
            "all-together",
            "the curvatures of all directions are combined, as np.trace and np.linalg.norm(H) do. "
            "Only the largest one sets the limit.",
            lambda X, alpha: 2 / np.sum(_curvatures(X, alpha)),
            lambda X, alpha: 2 / np.linalg.norm(_curvatures(X, alpha)),
        ),
        mistake(
            "alpha-everywhere",
            "alpha is added to every entry of XᵀX / n. The Hessian of alpha/2 · ‖W‖² is alpha "
            "times the identity, np.eye(d).",
            lambda X, alpha: 2 / np.linalg.eigvalsh(X.T @ X / len(X) + alpha)[-1],
        ),
    ],
    correct="The pull adds alpha to every curvature, so the flattest direction gains the most: "
    "the bowl becomes rounder.",
)


def _joined(pair: Answer) -> np.ndarray:
    """Two arrays as one: stacked where they have the same shape, otherwise one after the other."""
    first, second = (without_leading_ones(as_array(part)) for part in pair)
    if first.shape == second.shape:
        return np.stack([first, second])
    return np.concatenate([first.ravel(), second.ravel()])


def _either(standardise: Callable) -> list[Callable]:
    """Rules for both conventions: standardise(X_train, X_test, std), std with n or n − 1."""

    def rule(A: np.ndarray, B: np.ndarray, ddof: int) -> np.ndarray:
        with np.errstate(all="ignore"):
            return _joined(standardise(A, B, functools.partial(np.std, axis=0, ddof=ddof)))

    return [functools.partial(rule, ddof=ddof) for ddof in (0, 1)]


def _right(A: np.ndarray, B: np.ndarray, std: Callable) -> list[np.ndarray]:
    """A column that is constant in X_train stays as it is."""
    stays = std(A) == 0
    mean, deviation = np.where(stays, 0, A.mean(axis=0)), np.where(stays, 1, std(A))
    return [(A - mean) / deviation, (B - mean) / deviation]


def _scaled_by(A: np.ndarray, B: np.ndarray, std: Callable) -> np.ndarray:
    """B by the mean and deviation of A, also where that is 0."""
    return (B - A.mean(axis=0)) / std(A)


# X is square at first, where a wrong axis raises no error; X_test may have a single example; and
# deviations of exactly 1 (dividing by n, and by n − 1), first and last values that are equal.
_TRAIN = np.array([[1.0, 10.0, -3.0], [2.0, 14.0, 0.0], [6.0, 12.0, -9.0]])
_PAIRS = [(_TRAIN, np.array([[2.0, 8.0, -3.0], [0.0, 15.0, 3.0], [4.0, 11.0, -1.0]]))]
_PAIRS += [(_TRAIN, np.array([[2.0, 8.0, -3.0]]))]
_ONES = np.array([[1.0, 5.0, 4.0], [3.0, 5.0, -2.0], [3.0, 7.0, 0.0], [1.0, 5.0, 4.0]])
_PAIRS += [(_ONES, _ONES[::-1] * 2 - 1)]
_PAIRS += [(_problem(n, 3, 0)[1] + 5, _problem(m, 3, 0)[1]) for n, m in ((8, 5), (6, 9))]
_CONSTANT = [(np.column_stack([A[:, 0], 0 * A[:, 0] + 5, A[:, 1]]), B) for A, B in _PAIRS]
_CONSTANT_COLUMN = observed(
    "constant",
    "All is right where every column varies. A column that is constant in X_train has the deviation"
    " 0 and is to stay as it is, in both: subtract 0 there, and divide by 1.",
)


@exercise(
    "The same raw value now means the same number in both, the test examples have decided "
    "nothing, and the column of ones is still there for the bias.",
    [
        mistake(
            "own-statistics",
            "X_test has its own mean or deviation, so that equal raw values become different ones."
            " Use the mean and the deviation of X_train for both.",
            *_either(lambda A, B, std: [_scaled_by(A, A, std), _scaled_by(B, B, std)]),
            *_either(lambda A, B, std: [_scaled_by(A, A, std), _right(B, B, std)[0]]),
            *_either(lambda A, B, std: [_scaled_by(A, A, std), (B - B.mean(axis=0)) / std(A)]),
            *_either(lambda A, B, std: [_scaled_by(A, A, std), (B - A.mean(axis=0)) / std(B)]),
        ),
        mistake(
            "joint-statistics",
            "the means or deviations are computed from both sets. Compute them from X_train alone.",
            *_either(lambda A, B, std: [_scaled_by(np.vstack([A, B]), X, std) for X in (A, B)]),
            *_either(lambda A, B, std: [_scaled_by(B, X, std) for X in (A, B)]),
            *_either(lambda A, B, std: [(X - B.mean(axis=0)) / std(A) for X in (A, B)]),
            *_either(lambda A, B, std: [(X - A.mean(axis=0)) / std(B) for X in (A, B)]),
        ),
        mistake(
            "axis",
            "a mean or a deviation is over the features of each example. Each feature needs its "
            "own, over the examples: axis=0.",
            *_either(lambda A, B, std: [_scaled_by(X.T, X.T, std).T for X in (A, B)]),
            *_either(lambda A, B, std: [_scaled_by(A.T, X.T, std).T for X in (A, B)]),
            *_either(lambda A, B, std: [_scaled_by(A.T, X, std) for X in (A, B)]),
            *_either(lambda A, B, std: [(X - A.mean(axis=1)) / std(A) for X in (A, B)]),
            *_either(lambda A, B, std: [(X - A.mean(axis=0)) / std(A.T) for X in (A, B)]),
        ),
        mistake(
            "one-for-all",
            "one mean and one deviation are used for the whole matrix. Each column needs its own: "
            "axis=0.",
            *_either(lambda A, B, std: [(X - A.mean()) / std(A, axis=None) for X in (A, B)]),
        ),
        mistake(
            "variance",
            "the variance is the denominator. Divide by the standard deviation, its square root.",
            *_either(lambda A, B, std: [_scaled_by(A, X, std) / std(A) for X in (A, B)]),
        ),
        mistake(
            "half-done",
            "one of the two steps is left out. Subtract the mean, then divide by the deviation.",
            *_either(lambda A, B, std: [A / std(A), B / std(A)]),
            *_either(lambda A, B, std: [A - A.mean(axis=0), B - A.mean(axis=0)]),
        ),
        mistake(
            "exchanged",
            "the mean and the deviation are exchanged. Subtract the first, divide by the second.",
            *_either(lambda A, B, std: [(X - std(A)) / A.mean(axis=0) for X in (A, B)]),
        ),
        mistake(
            "overwritten",
            "X_test is standardised by a mean of 0. So it happens where X_train is overwritten "
            "before its mean is taken: keep mean and deviation in variables first.",
            *_either(lambda A, B, std: [_scaled_by(A, A, std), B]),
            *_either(lambda A, B, std: [_scaled_by(A, A, std), B / std(A)]),
        ),
        mistake(
            "order",
            "X_test is given back before X_train. First X_train, then X_test.",
            *_either(lambda A, B, std: [_scaled_by(A, B, std), _scaled_by(A, A, std)]),
        ),
        _CONSTANT_COLUMN,
    ],
)
def check_standardise(standardise: Callable) -> str | Verdict | None:
    """standardise(X_train, X_test): both arrays, (n, d) and (m, d), by the columns of X_train.

    Dividing by n and by n − 1 in the deviation are both accepted.
    """
    pair = call(standardise, *(part.copy() for part in _PAIRS[0]))
    if not isinstance(pair, list | tuple | np.ndarray | torch.Tensor) or len(pair) != 2:
        return different("two arrays are expected, one of each set of examples: return ..., ...")

    @functools.wraps(standardise)
    def joined(*both: np.ndarray) -> np.ndarray:
        return _joined(settle(standardise(*both)))

    divided_by_n, divided_by_n_minus_1 = _either(_right)
    right = (
        divided_by_n
        if difference(_joined(pair), divided_by_n_minus_1(*_PAIRS[0]))
        else divided_by_n_minus_1
    )
    constant = replace(_CONSTANT_COLUMN, rules=(joined,))  # whatever comes out
    return judge(joined, right, _PAIRS) or judge(joined, right, _CONSTANT, [constant])
