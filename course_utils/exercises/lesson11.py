"""Checks of the exercises of lesson 11, a CNN past 99%."""

from collections.abc import Callable

import numpy as np
import torch

from course_utils.exercises.engine.checks import (
    Verdict,
    call,
    exercise,
    function_check,
    judge,
    mistake,
)
from course_utils.exercises.engine.reading import difference
from course_utils.exercises.journal import lesson_journal

mine, progress = lesson_journal(__name__)


def _matrix(y: torch.Tensor, y_hat: torch.Tensor, classes: int) -> np.ndarray:
    counts = np.zeros((classes, classes))
    np.add.at(counts, (y.numpy(), y_hat.numpy()), 1)
    return counts


def _matrix_of(choose: Callable) -> Callable:
    """A matrix of the classes only that choose(y, y_hat) gives."""

    def rule(y: torch.Tensor, y_hat: torch.Tensor, classes: int) -> np.ndarray:
        chosen = choose(y.numpy(), y_hat.numpy())
        return _matrix(y, y_hat, classes)[np.ix_(chosen, chosen)]

    return rule


def _drawn(images: int, classes: int, used: int) -> tuple:
    generator = torch.Generator().manual_seed(0)
    y, other = torch.randint(used, (2, images), generator=generator)
    return y, torch.where(torch.rand(images, generator=generator) < 0.5, y, other), classes


def _pairs(classes: int, *pairs: tuple[int, int]) -> tuple:
    return *torch.tensor(pairs).T.contiguous(), classes


check_confusion = function_check(
    "confusion(y, y_hat, classes): counts (classes, classes), true in rows, predicted in columns.",
    _matrix,
    [
        _pairs(2, (0, 1)),
        _pairs(2, (0, 1), (1, 1), (1, 1)),
        _pairs(3, (0, 2), (2, 0), (2, 2), (0, 2)),
        _pairs(4, (1, 0), (1, 1), (0, 2), (1, 1)),  # the last class does not occur
        _drawn(60, 4, 4),
        _drawn(90, 13, 12),
    ],
    [
        mistake(
            "swapped",
            "a row is a predicted class. The true class numbers the row, the predicted one the "
            "column.",
            lambda y, y_hat, classes: _matrix(y_hat, y, classes),
        ),
        mistake(
            "counted-once",
            "each pair is counted at most once. `counts[y, y_hat] += 1` with whole tensors does "
            "that: count in a loop, or with torch.bincount.",
            lambda *case: np.minimum(_matrix(*case), 1),
        ),
        mistake(
            "rows-shared",
            "all rows are one and the same list, as in `[[0] * classes] * classes`. Make each row "
            "anew, or a tensor with torch.zeros(classes, classes).",
            lambda *case: np.tile(_matrix(*case).sum(axis=0), (case[2], 1)),
        ),
        mistake(
            "missing-classes",
            "a class that does not occur has no row and no column. The size of the matrix is given"
            " by `classes`.",
            _matrix_of(np.union1d),
            _matrix_of(lambda y, y_hat: np.unique(y)),
            _matrix_of(lambda y, y_hat: np.arange(max(y.max(), y_hat.max()) + 1)),
            _matrix_of(lambda y, y_hat: np.arange(y.max() + 1)),
        ),
        mistake(
            "parts",
            "only the correct answers are counted, or only the mistakes, or the counts are "
            "divided. The counts of all images are asked for.",
            lambda *case: _matrix(*case) * np.eye(case[2]),
            lambda *case: _matrix(*case) * (1 - np.eye(case[2])),
            lambda *case: _matrix(*case) / len(case[0]),
            lambda *case: _matrix(*case) / _matrix(*case).sum(axis=1, keepdims=True).clip(1),
        ),
    ],
    correct="True classes in the rows, predicted ones in the columns, every image counted once.",
    rtol=0,
)


def _two_rules(precision: Callable, recall: Callable) -> tuple[Callable, Callable]:
    """Two rules for a pair of numbers: with 0 in place of 0/0, and with nan."""

    def rule(counts: torch.Tensor, digit: int) -> np.ndarray:
        table = counts.numpy().astype(float)
        hits, column, row = table[digit, digit], table[:, digit].sum(), table[digit].sum()
        with np.errstate(all="ignore"):
            return np.array([part(hits, column, row, table) for part in (precision, recall)])

    return lambda *case: np.nan_to_num(rule(*case), posinf=0), rule


def _precision(hits: float, column: float, row: float, table: np.ndarray) -> float:
    return hits / column


def _recall(hits: float, column: float, row: float, table: np.ndarray) -> float:
    return hits / row


def _of_all(hits: float, column: float, row: float, table: np.ndarray) -> float:
    return hits / table.sum()


def _accuracy(hits: float, column: float, row: float, table: np.ndarray) -> float:
    return np.trace(table) / table.sum()


def _zero_for_nan(part: Callable) -> Callable:
    return lambda *numbers: np.nan_to_num(part(*numbers))


_TABLE = torch.tensor([[50, 3, 2], [10, 30, 5], [1, 4, 95]])

check_precision_recall = function_check(
    "precision_recall(counts, digit): both as numbers from 0 to 1, and 0 in place of 0/0.",
    _two_rules(_precision, _recall)[0],
    [
        (torch.tensor([[3, 1], [4, 2]]), 0),
        *((_TABLE, digit) for digit in range(3)),
        (torch.tensor([[1, 0, 2], [0, 1, 5], [0, 0, 4]]), 0),
        (torch.tensor([[8, 2, 0], [1, 9, 0], [3, 4, 0]]), 2),  # never predicted
        (torch.tensor([[8, 2, 1], [1, 9, 0], [0, 0, 0]]), 2),  # never there
        (torch.tensor([[8, 0, 2], [0, 0, 0], [1, 0, 9]]), 1),  # neither
    ],
    [
        mistake(
            "swapped",
            "precision and recall change places. Precision looks at all that was *called* this "
            "digit, a column; recall at all that *is* this digit, a row.",
            *_two_rules(_recall, _precision),
        ),
        mistake(
            "zero-divided",
            "0 is divided by 0, where a digit is never predicted or never occurs. Give 0 there.",
            _two_rules(_precision, _recall)[1],
            _two_rules(_zero_for_nan(_precision), _recall)[1],
            _two_rules(_precision, _zero_for_nan(_recall))[1],
        ),
        mistake(
            "same-twice",
            "precision and recall are the same number. One divides by the sum of the column, the "
            "other by the sum of the row.",
            *_two_rules(_precision, _precision),
            *_two_rules(_recall, _recall),
        ),
        mistake(
            "diagonal-left-out",
            "the hits are left out of the denominator. Divide by the whole sum of the column or "
            "row.",
            *_two_rules(lambda h, c, r, _: h / (c - h), lambda h, c, r, _: h / (r - h)),
            *_two_rules(lambda h, c, r, _: h / (r - h), lambda h, c, r, _: h / (c - h)),
        ),
        mistake(
            "of-all",
            "all the images are looked at. Precision divides the digit's hits by the sum of its "
            "column, recall by the sum of its row.",
            *_two_rules(_of_all, _of_all),
            *_two_rules(_accuracy, _recall),
            *_two_rules(_precision, _accuracy),
            *_two_rules(_accuracy, _accuracy),
        ),
    ],
    correct="Precision by the column, recall by the row, and 0 in place of 0/0.",
)


@exercise(
    "Together k − 1, as evenly as it goes: for an even kernel one side gets one more.",
    [
        mistake(
            "even-kernels",
            "both sides get the same number. k − 1 are needed in all: where k is even that is odd,"
            " and one side gets one more than the other.",
            lambda k: (k // 2, k // 2),
            lambda k: ((k - 1) // 2, (k - 1) // 2),
            lambda k: ((k - 1) / 2, (k - 1) / 2),
        ),
        mistake(
            "not-shared",
            "the k − 1 rows are not shared out: both sides, or one of them, get all.",
            lambda k: (k - 1, k - 1),
            lambda k: (0, k - 1),
            lambda k: (k - 1, 0),
        ),
        mistake(
            "sum",
            "k rows are shared out. k − 1 are needed: a window of side k has k − 1 places fewer "
            "than the picture has pixels.",
            lambda k: (k // 2, k - k // 2),
            lambda k: (k - k // 2, k // 2),
        ),
    ],
)
def check_same_padding(same_padding: Callable) -> str | Verdict | None:
    """same_padding(k): rows of zeros before and after, so that a stride of 1 keeps the size."""

    def either_order(k: int) -> tuple[int, int]:
        low, high = (k - 1) // 2, k // 2
        given = call(same_padding, k)
        return (low, high) if difference(given, (high, low), rtol=0) else (high, low)

    return judge(same_padding, either_order, [(k,) for k in (1, 2, 3, 4, 5, 8)], rtol=0)
