"""Checks of the exercises of lesson 11, a CNN past 99%."""

import copy
from collections.abc import Callable

import numpy as np
import torch

from course_utils.exercises.engine import (
    Verdict,
    as_array,
    compare,
    compare_function,
    different,
    exercise,
    same,
)


def _matrix(y: torch.Tensor, y_hat: torch.Tensor, classes: int) -> np.ndarray:
    counts = np.zeros((classes, classes))
    np.add.at(counts, (y.numpy(), y_hat.numpy()), 1)
    return counts


def _seen_only(y: torch.Tensor, y_hat: torch.Tensor, classes: int) -> np.ndarray:
    """A matrix of the classes that occur, and no others."""
    seen = np.union1d(y.numpy(), y_hat.numpy())
    return _matrix(y, y_hat, classes)[np.ix_(seen, seen)]


def _up_to_largest(y: torch.Tensor, y_hat: torch.Tensor, classes: int) -> np.ndarray:
    largest = int(max(y.max(), y_hat.max())) + 1
    return _matrix(y, y_hat, classes)[:largest, :largest]


def _by_row(y: torch.Tensor, y_hat: torch.Tensor, classes: int) -> np.ndarray:
    counts = _matrix(y, y_hat, classes)
    return counts / counts.sum(axis=1, keepdims=True).clip(1)


@exercise(
    correct="True classes in the rows, predicted ones in the columns, every image counted once.",
    swapped="Rows and columns are swapped: here a row is a predicted class. The true class "
    "numbers the row, the predicted one the column.",
    counted_once="Each pair is counted at most once, however often it occurs: "
    "counts[y, y_hat] += 1 writes the same cell once. Count in a loop, or with torch.bincount.",
    missing_classes="The matrix is too small: a class that does not occur here has no row and "
    "no column. Its size is given by `classes`, not by what occurs.",
    parts="These are parts of a row or of all images. Counts are asked for.",
    right_missing="The diagonal is empty: the right answers belong into the matrix too.",
    only_right="Only the diagonal is filled. The mistakes are missing.",
)
def check_confusion(confusion: Callable) -> str | Verdict | None:
    """confusion(y, y_hat, classes): counts (classes, classes), true in rows, predicted in columns.

    y, y_hat: int64 tensors (N,).
    """

    def case(n: int, classes: int, used: int) -> tuple:
        y = torch.randint(0, used, (n,))
        return y, torch.where(torch.rand(n) < 0.5, y, torch.randint(0, used, (n,))), classes

    torch.manual_seed(0)
    cases = [
        case(200, 10, 10),
        case(60, 4, 3),
        (torch.tensor([0, 2, 2]), torch.tensor([2, 0, 2]), 3),
    ]
    if callable(confusion) and same(confusion(*copy.deepcopy(cases[0])), _matrix(*cases[0])):
        try:
            confusion(*copy.deepcopy(cases[1]))  # the last class does not occur
        except (RuntimeError, ValueError):  # there are too few counts for view, or for reshape
            return "missing-classes"
    return compare_function(
        confusion,
        _matrix,
        cases,
        [
            ("swapped", lambda y, y_hat, classes: _matrix(y_hat, y, classes)),
            ("counted-once", lambda *case: np.minimum(_matrix(*case), 1)),
            ("missing-classes", _seen_only),
            ("missing-classes", _up_to_largest),
            ("parts", lambda *case: _matrix(*case) / len(case[0])),
            ("parts", _by_row),
            ("right-missing", lambda *case: _matrix(*case) * (1 - np.eye(case[2]))),
            ("only-right", lambda *case: _matrix(*case) * np.eye(case[2])),
        ],
        rtol=0,
    )


def _two(counts: torch.Tensor, digit: int, how: Callable) -> tuple[float, float]:
    """Precision and recall by a rule for hits, the column's sum, and the row's sum."""
    table = counts.numpy().astype(float)
    return how(table[digit, digit], table[:, digit].sum(), table[digit].sum(), table)


def _part(hits: float, of: float) -> float:
    return hits / of if of else 0.0


def _rule(how: Callable) -> Callable:
    return lambda counts, digit: _two(counts, digit, how)


@exercise(
    correct="Precision by the column, recall by the row, and 0 in place of 0/0.",
    swapped="Precision and recall are swapped. Precision looks at all that was *called* this "
    "digit, a column; recall at all that *is* this digit, a row.",
    zero_divided="Right, but for a digit that is never predicted, or never occurs: there you "
    "divide 0 by 0. Give 0 in that case.",
    diagonal_left_out="The hits are missing below the line: divide by the whole sum of the "
    "column or row, the diagonal included.",
    of_all="You divide by all the images. Precision divides by the sum of a column, "
    "recall by the sum of a row.",
    same_twice="Precision and recall are the same number here, for every matrix. One divides by "
    "the sum of the column, the other by the sum of the row.",
    percent="These are percent. Numbers from 0 to 1 are asked for.",
    accuracy="One of these is the accuracy over all digits. Precision and recall look at "
    "one digit's column and row.",
)
def check_precision_recall(precision_recall: Callable) -> str | Verdict | None:
    """precision_recall(counts, digit): both as numbers from 0 to 1, and 0 in place of 0/0.

    counts: a confusion matrix (K, K), an int64 tensor with the true classes in the rows.
    """
    if not callable(precision_recall):
        return different("a function is expected here.")
    table = torch.tensor([[50, 3, 2], [10, 30, 5], [1, 4, 95]])
    right = _rule(lambda hits, column, row, _: (_part(hits, column), _part(hits, row)))

    def pair(first: Callable, second: Callable) -> Callable:
        return lambda *numbers: (first(*numbers), second(*numbers))

    def precision(hits: float, column: float, row: float, t: np.ndarray) -> float:
        return _part(hits, column)

    def recall(hits: float, column: float, row: float, t: np.ndarray) -> float:
        return _part(hits, row)

    def overall(hits: float, column: float, row: float, t: np.ndarray) -> float:
        return np.trace(t) / t.sum()

    mistaken = [
        ("swapped", pair(recall, precision)),
        ("diagonal-left-out", lambda h, c, r, t: (_part(h, c - h), _part(h, r - h))),
        ("diagonal-left-out", lambda h, c, r, t: (_part(h, r - h), _part(h, c - h))),
        ("of-all", lambda h, c, r, t: (h / t.sum(), h / t.sum())),
        ("same-twice", pair(precision, precision)),
        ("same-twice", pair(recall, recall)),
        ("accuracy", pair(overall, recall)),
        ("accuracy", pair(precision, overall)),
        ("accuracy", pair(overall, overall)),
        ("percent", lambda h, c, r, t: (100 * h / c, 100 * h / r)),
    ]
    verdict = compare_function(
        precision_recall,
        right,
        [(table, digit) for digit in range(3)],
        [(name, _rule(how)) for name, how in mistaken],
    )
    if verdict:
        return verdict
    never_called = torch.tensor([[8, 2, 0], [1, 9, 0], [3, 4, 0]])
    never_there = torch.tensor([[8, 2, 1], [1, 9, 0], [0, 0, 0]])
    neither = torch.tensor([[8, 2, 0], [1, 9, 0], [0, 0, 0]])
    with np.errstate(all="ignore"):
        for counts in (never_called, never_there, neither):
            try:
                found = precision_recall(counts.clone(), 2)
                finite = np.isfinite(as_array(found)).all()
            except (ZeroDivisionError, TypeError):
                return "zero-divided"
            if not finite:
                return "zero-divided"
            if not same(found, right(counts, 2)):
                return compare(found, right(counts, 2), name="what you give where nothing is there")
    return None


@exercise(
    correct="Together F − 1, as evenly as it goes: for an even kernel one side gets one more.",
    grows="The size grows by one where the kernel is even: F // 2 on both sides is F together, "
    "and F − 1 are needed. One side has to get less.",
    shrinks="The size shrinks by one where the kernel is even: (F − 1) // 2 on both sides is "
    "F − 2 together, and F − 1 are needed. One side has to get more.",
    halves="Half a row of zeros cannot be added. For an even kernel one side gets one row more "
    "than the other.",
    both_sides="Each side has the whole F − 1. They share it: the two together make F − 1.",
    lopsided="The size stays, but the picture moves to one side. Share the F − 1 out evenly.",
    one_number="One number is not enough: for an even kernel the two sides differ. Return a pair.",
)
def check_same_padding(same_padding: Callable) -> str | Verdict | None:
    """same_padding(F): rows of zeros before and after, so that a stride of 1 keeps the size."""
    if not callable(same_padding):
        return different("a function is expected here.")
    kernels = [3, 1, 5, 2, 4, 6]
    pairs = [same_padding(F) for F in kernels]
    if pairs[0] is None:
        return different("same_padding(3) gives None. Is the return missing?")
    pairs = [[*pair] if isinstance(pair, range | set | map) else pair for pair in pairs]
    try:
        sizes = [np.size(as_array(pair)) for pair in pairs]
    except (TypeError, ValueError):
        return different(f"same_padding(3) should be two numbers, and is {pairs[0]!r}.")
    if sizes == [1] * 6:
        return "one-number"
    if sizes != [2] * 6:
        return different(f"same_padding(3) should be two numbers, and is {pairs[0]!r}.")
    given = np.array([np.squeeze(as_array(pair)) for pair in pairs])  # (6, 2)
    F = np.array(kernels)
    low, high = (F - 1) // 2, F // 2
    if np.array_equal(np.sort(given, axis=1), np.stack([low, high], axis=1)):
        return None
    for name, wrong in {
        "grows": (high, high),
        "shrinks": (low, low),
        "halves": ((F - 1) / 2, (F - 1) / 2),
        "both-sides": (F - 1, F - 1),
    }.items():
        if np.array_equal(given, np.stack(wrong, axis=1)):
            return name
    if np.array_equal(given.sum(axis=1), F - 1) and (given >= 0).all():
        return "halves" if (given % 1).any() else "lopsided"
    at = int(np.argmax((given.sum(axis=1) != F - 1) | (given < 0).any(axis=1)))
    return different(
        f"same_padding({F[at]}) gives {given[at].sum():g} rows of zeros together; "
        f"28 − {F[at]} + {given[at].sum():g} + 1 is not 28."
        if given[at].sum() != F[at] - 1
        else f"same_padding({F[at]}) gives a side less than 0 rows."
    )
