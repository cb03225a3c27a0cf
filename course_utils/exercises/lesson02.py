"""Checks of the exercises of lesson 02, linear regression."""

import json
from functools import partial

import numpy as np

from course_utils.exercises.engine.checks import function_check, mistake
from course_utils.exercises.journal import lesson_journal
from course_utils.sources import DATA

mine, progress = lesson_journal(__name__)

EXAMPLES = DATA / "regression_examples.json"


def _points() -> list[tuple]:
    """Three points that count the same, three that do not, the worked example, and others."""
    example = json.loads(EXAMPLES.read_text(encoding="utf-8"))["one_feature"]
    ten_points, counts = (example["x"], example["y"]), [0.5, 3, 1, 2, 1, 0.25, 4, 1, 2, 7]
    points: list[tuple] = [([0, 1, 2], [1, 2, 6], [1, 1, 1]), ([1, 0, 3], [2, -1, 1], [1, 3, 2])]
    points += [(*ten_points, [1] * 10), (*ten_points, counts)]
    points += [([400, 150, 900, 150], [160, 60, 380, 20], [8, 1, 7, 6])]
    return [tuple(np.array(part, dtype=float) for part in group) for group in points]


def _slope(
    x: np.ndarray,
    y: np.ndarray,
    c: np.ndarray,
    above: float = 1,
    below: float = 1,
    mean_weights: np.ndarray | None = None,
) -> float:
    """The slope of the best line. The options make mistakes.

    above, below: how often the product of the means is subtracted in numerator and denominator.
    mean_weights: how often each point counts in the two means; c times unless given.
    """
    weights = c if mean_weights is None else mean_weights
    x_mean, y_mean = np.average(x, weights=weights), np.average(y, weights=weights)
    xy_mean, x_squared_mean = np.average(x * y, weights=c), np.average(x * x, weights=c)
    return (xy_mean - above * x_mean * y_mean) / (x_squared_mean - below * x_mean**2)


def _about_plain_means(x: np.ndarray, y: np.ndarray, c: np.ndarray) -> float:
    return np.sum(c * (x - x.mean()) * (y - y.mean())) / np.sum(c * (x - x.mean()) ** 2)


def _ddof(c: np.ndarray) -> float:
    """What np.cov makes of n / (n − 1) where points count differently."""
    return 1 / (1 - np.sum(c**2) / np.sum(c) ** 2)


check_slope = function_check(
    "slope(x, y, c): the w for which the sum of c · (w x + b − y)² is lowest, of three arrays.",
    _slope,
    _points(),
    [
        mistake(
            "ddof-mixed",
            "one average divides by n and the other by n − 1. np.cov divides by n − 1 and np.var "
            "by n unless told otherwise; take the same for both.",
            lambda x, y, c: _slope(x, y, c) * _ddof(c),
            lambda x, y, c: _slope(x, y, c) / _ddof(c),
        ),
        mistake(
            "uncentred",
            "the means are not subtracted, or not both times. The numerator is mean(xy) − "
            "mean(x)·mean(y), the denominator mean(x²) − mean(x)²; without the means the line goes"
            " through the origin.",
            *(
                partial(_slope, above=above, below=below)
                for above in (0, 1, -1)
                for below in (0, 1, -1)
                if (above, below) != (1, 1)
            ),
        ),
        mistake(
            "swapped",
            "the denominator is the variance of y, as for predicting x from y, or is missing. It "
            "is the variance of x.",
            lambda x, y, c: _slope(y, x, c),
            lambda x, y, c: np.cov(x, y, aweights=c, ddof=0)[0, 1],
        ),
        mistake(
            "not-weighted",
            "all points count the same. In every mean each point counts c times.",
            lambda x, y, c: _slope(x, y, 0 * c + 1),
        ),
        mistake(
            "plain-means",
            "the means of x and y ignore c. In these means, too, each point counts c times.",
            lambda x, y, c: _slope(x, y, c, mean_weights=0 * c + 1),
            _about_plain_means,
        ),
        mistake(
            "not-a-mean",
            "the sum of c times something is divided by n, or not at all. Divide by the sum of c.",
            lambda x, y, c: _slope(x, y, c, c.mean(), c.mean()),
            lambda x, y, c: _slope(x, y, c, c.sum(), c.sum()),
        ),
        mistake(
            "c-squared",
            "each point counts c² times. It counts c times. (np.polyfit squares its w together "
            "with the residual.)",
            lambda x, y, c: _slope(x, y, c**2),
        ),
        mistake(
            "both-returned",
            "w and b are both returned. Only the slope is asked for: return w.",
            lambda x, y, c: np.polyfit(x, y, 1, w=np.sqrt(c)),
            lambda x, y, c: np.polyfit(x, y, 1, w=np.sqrt(c))[::-1],
        ),
    ],
    correct="With c = 1 for the ten points it gives 3.62029672, the published slope.",
)


def _unexplained(y: np.ndarray, y_hat: np.ndarray, middle: float | None = None) -> float:
    """SSE / SST, about the mean of y unless another middle is given."""
    return np.sum((y - y_hat) ** 2) / np.sum((y - (y.mean() if middle is None else middle)) ** 2)


_PREDICTIONS = [[0.5, 3, 5.5], [3, 3, 3], [2, 2, 5], [7, 3, 1.5], [-1, 0, 20], [0.5, 2, 6.5]]

check_r_squared = function_check(
    "r_squared(y, y_hat): 1 − SSE / SST for targets y and any predictions y_hat.",
    lambda y, y_hat: 1 - _unexplained(y, y_hat),
    [(np.array([1.0, 2.0, 6.0]), np.array(y_hat, dtype=float)) for y_hat in _PREDICTIONS]
    + [(y - 50, 3.6 * x - 45) for x, y, _ in _points()],
    [
        mistake(
            "not-subtracted",
            "SSE / SST, the share of the variation that is left over, is not subtracted from 1. R² "
            "is the share that is explained.",
            _unexplained,
            lambda *case: 1 + _unexplained(*case),
        ),
        mistake(
            "variance-ratio",
            "the spread of the predictions is divided by that of y. For the least-squares line the"
            " two agree, but wrong predictions that vary as y does would score 1.",
            lambda y, y_hat: np.var(y_hat) / np.var(y),
            lambda y, y_hat: np.mean((y_hat - y.mean()) ** 2) / np.var(y),
        ),
        mistake(
            "correlation",
            "the correlation is taken. For the least-squares line its square is R², but correlation"
            " forgives predictions that are all too high, or upside down; R² does not.",
            lambda y, y_hat: np.corrcoef(y, y_hat)[0, 1] ** 2,
            lambda y, y_hat: np.corrcoef(y, y_hat)[0, 1],
        ),
        mistake(
            "another-middle",
            "SST is not taken about the mean of y. It is the sum of squares that is left when "
            "every prediction is that mean.",
            lambda y, y_hat: 1 - _unexplained(y, y_hat, 0),
            lambda y, y_hat: 1 - _unexplained(y, y_hat, y_hat.mean()),
            lambda y, y_hat: 1 - _unexplained(y_hat, y),
            lambda y, y_hat: 1 - _unexplained(y_hat, y, y.mean()),
        ),
    ],
    correct="It is 1 for perfect predictions, 0 for always guessing the mean, and below 0 for "
    "anything worse than that.",
)

check_parabola_columns = function_check(
    "parabola_columns(x): (n,) -> (n, 3), the columns x, x² and ones.",
    lambda x: np.column_stack([x, x**2, x**0]),
    [(np.array(x),) for x in ([3.0, -1.0], [0.5, -2.0, 4.0], [2, 0, -3, 2, 10])],
    [
        mistake(
            "row",
            "x, x² and the ones are rows. Each example is a row, and each input that has a weight "
            "is a column.",
            lambda x: np.stack([x, x**2, x**0]),
        ),
        mistake(
            "zeros",
            "the last column is 0 everywhere, so its weight adds nothing. The input of b is 1.",
            lambda x: np.column_stack([x, x**2, 0 * x]),
        ),
    ],
    correct="Now `np.linalg.lstsq` fits a parabola: its weights still stand in a plain sum.",
)
