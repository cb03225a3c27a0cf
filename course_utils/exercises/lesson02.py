"""Checks of the exercises of lesson 02, linear regression."""

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np

from course_utils.exercises.engine import Verdict, compare_function, exercise

EXAMPLES = Path(__file__).resolve().parents[2] / "data" / "regression_examples.json"


def _lines() -> list[tuple[np.ndarray, np.ndarray]]:
    """The worked example, and two more sets of points about lines of other slopes."""
    example = json.loads(EXAMPLES.read_text(encoding="utf-8"))["one_feature"]
    rng = np.random.default_rng(0)
    x_down, x_wide = rng.uniform(-3, 3, size=25), rng.uniform(100, 900, size=8)
    return [
        (np.array(example["x"]), np.array(example["y"])),
        (x_down, -2 * x_down + rng.normal(size=25)),
        (x_wide, 0.5 * x_wide - 40 + rng.normal(0, 20, size=8)),
    ]


def _slope(x: np.ndarray, y: np.ndarray) -> float:
    return np.cov(x, y, ddof=0)[0, 1] / np.var(x)


@exercise(
    correct="On the worked example your slope is 3.62029672, the published one.",
    ddof_mixed="One of your two averages divides by n and the other by n − 1. "
    "np.cov divides by n − 1 and np.var by n unless told otherwise; take the same for both.",
    uncentred="This is Σxy / Σx², the slope of the best line through the origin. "
    "Take off the means: mean(xy) − mean(x)·mean(y), and likewise below.",
    swapped="You have divided by the spread of y: this is the slope for predicting x from y. "
    "The denominator is mean(x²) − mean(x)².",
)
def check_slope(slope: Callable) -> str | Verdict | None:
    """slope(x, y): the slope of the least-squares line through points with 1-D arrays x and y."""
    return compare_function(
        slope,
        _slope,
        _lines(),
        [
            ("ddof-mixed", lambda x, y: np.cov(x, y)[0, 1] / np.var(x)),
            ("ddof-mixed", lambda x, y: np.cov(x, y, ddof=0)[0, 1] / np.var(x, ddof=1)),
            ("uncentred", lambda x, y: np.sum(x * y) / np.sum(x * x)),
            ("swapped", lambda x, y: _slope(y, x)),
        ],
    )


@exercise(
    correct="It is 1 for perfect predictions, 0 for always guessing the mean, "
    "and below 0 for anything worse than that.",
    not_subtracted="This is the share of the variation that is left over, SSE / SST. "
    "R² is the share that is explained: subtract it from 1.",
    variance_ratio="This is the spread of the predictions over the spread of y. The two agree "
    "for the least-squares line, but for no other predictions: "
    "predictions that vary as much as y, and are all wrong, would score 1.",
    correlation="This is the squared correlation. The two agree for the least-squares line, "
    "but correlation forgives predictions that are all too high, or upside down; R² does not.",
)
def check_r_squared(r_squared: Callable) -> str | Verdict | None:
    """r_squared(y, y_hat): 1 − SSE / SST for targets y and any predictions y_hat."""
    cases = []
    for x, y in _lines():
        fitted = y.mean() + _slope(x, y) * (x - x.mean())
        cases += [(y, fitted), (y, fitted + y.std()), (y, y[::-1])]
    return compare_function(
        r_squared,
        lambda y, y_hat: 1 - np.sum((y - y_hat) ** 2) / np.sum((y - y.mean()) ** 2),
        cases,
        [
            (
                "not-subtracted",
                lambda y, y_hat: np.sum((y - y_hat) ** 2) / np.sum((y - y.mean()) ** 2),
            ),
            ("variance-ratio", lambda y, y_hat: np.var(y_hat) / np.var(y)),
            ("variance-ratio", lambda y, y_hat: np.mean((y_hat - y.mean()) ** 2) / np.var(y)),
            ("correlation", lambda y, y_hat: np.corrcoef(y, y_hat)[0, 1] ** 2),
        ],
    )


@exercise(
    correct="Now one matrix product computes the weighted sum and the bias together.",
    row="You have added a row, which would be one more example. "
    "The bias is one more feature: a column, with a 1 for every example.",
    zeros="The new column is 0 everywhere, so whatever its weight, it adds nothing. "
    "The bias is a weight whose input is always 1.",
)
def check_add_bias(add_bias: Callable) -> str | Verdict | None:
    """add_bias(X): X of shape (n, d) with a column of ones, first or last: (n, d + 1)."""

    def with_column(column: float, at: int) -> Callable:
        return lambda X: np.insert(X, at if at == 0 else X.shape[1], column, axis=1)

    rng = np.random.default_rng(0)
    cases = [(rng.normal(size=shape),) for shape in [(4, 2), (3, 3), (5, 1)]]
    mistaken = [
        ("row", lambda X: np.vstack([X, np.ones(X.shape[1])])),
        ("row", lambda X: np.vstack([np.ones(X.shape[1]), X])),
        ("zeros", with_column(0, 0)),
        ("zeros", with_column(0, -1)),
    ]
    if compare_function(add_bias, with_column(1, 0), cases) is None:
        return None
    return compare_function(add_bias, with_column(1, -1), cases, mistaken)
