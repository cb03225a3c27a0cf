"""Checks of the exercises of lesson 03, gradient descent."""

from collections.abc import Callable, Iterator

import numpy as np

from course_utils.exercises.engine import Verdict, compare_function, different, exercise


def _problem(rng: np.random.Generator, n: int, d: int) -> tuple[np.ndarray, ...]:
    """W (d,), X (n, d) and y (n,), with columns of different sizes."""
    X = rng.normal(1, 1, size=(n, d)) * np.arange(1, d + 1)
    return rng.normal(size=d), X, rng.normal(size=n)


@exercise(
    correct="This one line has trained every network of this lesson.",
    not_averaged="This is n times the gradient: the misses are added up, but L is a mean. "
    "Divide by the number of examples.",
    doubled="This is twice the gradient: 2/n belongs to the mean squared error. "
    "L is half of that, and the half cancels the 2.",
    sum_of_squares="This is the gradient of the sum of the squared misses, lesson 02's cost. "
    "L is that sum divided by 2n, so divide your result by 2n too.",
    halved="This is half the gradient: the half of L is used up by the 2 that the square brings "
    "down. Divide by n alone.",
    sign="This points downhill. The gradient points uphill, and descent subtracts it: "
    "take prediction minus target, X @ W − y.",
    transposed="You have multiplied the misses by X where Xᵀ is needed. Each weight wants the sum "
    "over the examples of its feature times the miss: rows of Xᵀ, which are columns of X.",
    wrong_count="You have divided by another number than that of the examples. "
    "The mean is over the n rows of X: divide by len(X).",
)
def check_loss_gradient(loss_gradient: Callable) -> str | Verdict | None:
    """loss_gradient(W, X, y): gradient (d,) of half the mean squared error of X @ W.

    W (d,), X (n, d), y (n,).
    """

    def gradient(W, X, y):
        return X.T @ (X @ W - y) / len(X)

    rng = np.random.default_rng(0)
    square = [_problem(rng, 4, 4)]  # where a transposed X raises no error
    transposed = [
        lambda W, X, y: X @ (X @ W - y),
        lambda W, X, y: X.T @ (X.T @ W - y),
        lambda W, X, y: X @ (X.T @ W - y),
    ]
    scaled = [
        ("transposed", lambda W, X, y, f=f, scale=scale: scale * f(W, X, y) / len(X))
        for f in transposed
        for scale in (1, 2, len(square[0][2]), 2 * len(square[0][2]))
    ]
    if compare_function(loss_gradient, gradient, square, scaled) == "transposed":
        return "transposed"
    return compare_function(
        loss_gradient,
        gradient,
        [*square, _problem(rng, 12, 3), _problem(rng, 7, 1), _problem(rng, 3, 5)],
        [
            ("not-averaged", lambda W, X, y: X.T @ (X @ W - y)),
            ("doubled", lambda W, X, y: 2 * gradient(W, X, y)),
            ("halved", lambda W, X, y: gradient(W, X, y) / 2),
            ("sum-of-squares", lambda W, X, y: 2 * X.T @ (X @ W - y)),
            ("sign", lambda W, X, y: -gradient(W, X, y)),
            ("sign", lambda W, X, y: -2 * gradient(W, X, y)),
            ("sign", lambda W, X, y: X.T @ (y - X @ W)),
            ("wrong-count", lambda W, X, y: X.T @ (X @ W - y) / len(W)),
            ("wrong-count", lambda W, X, y: X.T @ (X @ W - y) / X.size),
        ],
    )


@exercise(
    correct="For the five features with their column of ones it gives 0.00388220.",
    one_over="This is 1 / λ, half the limit. With it the steepest direction arrives in one step; "
    "it stays bounded up to twice that rate, where 1 − ηλ reaches −1.",
    smallest="You have taken the smallest eigenvalue. In the steepest direction, "
    "which has the largest, so long a step would fly off.",
    unsorted="np.linalg.eigvals gives the eigenvalues in no order, so the first or the last is "
    "not always the largest. Take their maximum, or eigvalsh, which sorts them.",
    not_averaged="This is the limit for a loss that is a sum. L is a mean over the examples, "
    "so its Hessian is XᵀX / n.",
    singular_value="This is computed from the largest singular value of X. The largest eigenvalue "
    "of XᵀX is its square (and H is XᵀX / n).",
    all_together="You have put all the curvatures together (the trace, or the norm of H that "
    "np.linalg.norm gives by itself). Each direction goes its own way: only the largest counts.",
    ones_added="You have added a column of ones. X is to be taken as it is: "
    "a column for the bias is already in it, where there is one.",
)
def check_largest_rate(largest_rate: Callable) -> str | Verdict | None:
    """largest_rate(X): 2 / λ for the largest eigenvalue λ of XᵀX / n, X of shape (n, d)."""
    rng = np.random.default_rng(0)
    shapes = [((12, 3), 1.0), ((5, 4), 0.3), ((30, 2), 4.0)]  # each with a factor
    cases = [(rng.normal(0.5, 2, size=shape) * factor,) for shape, factor in shapes]
    cases.append((np.column_stack([rng.normal(3, 1, size=(9, 2)), np.ones(9)]),))

    def curvatures(X):
        return np.linalg.eigvalsh(X.T @ X / len(X))

    def with_ones(X):
        return np.column_stack([X, np.ones(len(X))])

    mistaken = [
        ("one-over", lambda X: 1 / curvatures(X)[-1]),
        ("smallest", lambda X: 2 / curvatures(X)[0]),
        ("smallest", lambda X: 1 / curvatures(X)[0]),
        ("unsorted", lambda X: 2 / np.linalg.eigvals(X.T @ X / len(X))[-1]),
        ("unsorted", lambda X: 2 / np.linalg.eigvals(X.T @ X / len(X))[0]),
        ("not-averaged", lambda X: 2 / curvatures(X)[-1] / len(X)),
        ("not-averaged", lambda X: 1 / curvatures(X)[-1] / len(X)),
        ("singular-value", lambda X: 2 / np.linalg.norm(X, 2)),
        ("singular-value", lambda X: 2 / np.linalg.norm(X, 2) * len(X)),
        ("all-together", lambda X: 2 / np.sum(curvatures(X))),
        ("all-together", lambda X: 2 / np.linalg.norm(curvatures(X))),
        ("ones-added", lambda X: 2 / curvatures(with_ones(X))[-1]),
    ]
    return compare_function(largest_rate, lambda X: 2 / curvatures(X)[-1], cases, mistaken)


@exercise(
    correct="The same raw value now means the same number in both, "
    "and the test examples have decided nothing.",
    own_statistics="The test examples are standardised with their own means and deviations, so one "
    "raw value means two different things in training and in testing. Use those of X_train.",
    joint_statistics="Your means and deviations come from both sets together, so the test examples "
    "have a say in the training. Compute them from X_train alone.",
    axis="You have averaged over the wrong axis: over the features of each example. "
    "Each feature needs its own mean, over the examples: axis=0.",
    one_for_all="You have used one mean and one deviation for the whole matrix. "
    "Each column needs its own: axis=0.",
    variance="You have divided by the variance. Divide by the standard deviation, its square root.",
    not_centred="You have divided by the standard deviation without subtracting the mean first.",
    not_scaled="You have subtracted the mean. Now divide by the standard deviation too.",
    test_untouched="X_test comes back as it was. It needs the same treatment, "
    "with the means and deviations of X_train. "
    "(Or was X_train overwritten before its mean was taken?)",
    order="The two results are in the wrong order: first X_train, then X_test.",
)
def check_standardise(standardise: Callable) -> str | Verdict | None:
    """standardise(X_train, X_test): both arrays, (n, d) and (m, d), by the columns of X_train.

    Dividing by n and by n − 1 in the deviation are both accepted.
    """
    rng = np.random.default_rng(0)

    def case(n: int, m: int, d: int) -> tuple[np.ndarray, np.ndarray]:
        scale, middle = np.arange(1, d + 1), 5 * np.arange(d) + 2
        return tuple(rng.normal(middle, scale, size=(rows, d)) for rows in (n, m))

    def part(index: int) -> Callable:
        def one(X_train, X_test):
            pair = standardise(X_train, X_test)
            if isinstance(pair, Iterator):
                pair = tuple(pair)
            if not isinstance(pair, str | dict) and hasattr(pair, "__len__") and len(pair) == 2:
                return pair[index]
            raise _NotTwo

        one.__name__ = f"the {('first', 'second')[index]} result of standardise"
        return one

    if not callable(standardise):
        return compare_function(standardise, standardise, [])
    try:
        return _of_both(part(0), part(1), [case(4, 4, 4)], [case(8, 5, 3), case(6, 9, 2)])
    except _NotTwo:
        return different(
            "standardise should return two arrays, the training examples and the test examples, "
            "both standardised: return ..., ..."
        )


class _NotTwo(Exception):
    """An answer that is not a pair."""


def _of_both(first: Callable, second: Callable, square: list, cases: list) -> str | Verdict | None:
    """What is wrong with the two results, by either convention for the deviation."""
    # a mean over the wrong axis raises an error, unless the matrix is square
    rows = [("axis", way) for ddof in (0, 1) for way in _by_rows(ddof)]
    if compare_function(first, _by_columns(0, 0), square, rows) == "axis":
        return "axis"
    verdicts = []
    for ddof in (0, 1):
        right, swapped = _by_columns(0, ddof), ("order", _by_columns(1, ddof))
        found = compare_function(first, right, cases, [*_mistakes(0, ddof), swapped])
        if found is None:  # the convention of this answer
            return compare_function(second, _by_columns(1, ddof), cases, _mistakes(1, ddof))
        if isinstance(found, str):
            return found
        verdicts.append(found)
    return verdicts[0]


def _by(mean: Callable, deviation: Callable, which: int) -> Callable:
    """A way to standardise X_train (which = 0) or X_test (1) by two statistics of both."""
    return lambda *both: (both[which] - mean(*both)) / deviation(*both)


def _by_columns(which: int, ddof: int) -> Callable:
    """The right way."""
    return _by(lambda A, B: A.mean(axis=0), lambda A, B: A.std(axis=0, ddof=ddof), which)


def _by_rows(ddof: int) -> list[Callable]:
    """Ways to standardise X_train over the wrong axis."""
    return [
        lambda A, B: (A - A.mean(1, keepdims=True)) / A.std(1, keepdims=True, ddof=ddof),
        lambda A, B: (A - A.mean(1)) / A.std(1, ddof=ddof),
    ]


def _mistakes(which: int, ddof: int) -> list[tuple[str, Callable]]:
    """Mistakes that show in the training result (which = 0) or in the test result (1)."""

    def mean(A, B):
        return A.mean(axis=0)

    def deviation(A, B):
        return A.std(axis=0, ddof=ddof)

    def of_all(statistic):
        return lambda A, B: statistic(np.vstack([A, B]), None)

    mistakes = [
        ("joint-statistics", _by(of_all(mean), of_all(deviation), which)),
        ("one-for-all", _by(lambda A, B: A.mean(), lambda A, B: A.std(ddof=ddof), which)),
        ("variance", _by(mean, lambda A, B: deviation(A, B) ** 2, which)),
        ("not-centred", _by(lambda A, B: 0, deviation, which)),
        ("not-scaled", _by(mean, lambda A, B: 1, which)),
    ]
    if which == 1:
        mistakes += [
            ("own-statistics", lambda A, B: (B - mean(B, A)) / deviation(B, A)),
            ("own-statistics", lambda A, B: (B - mean(B, A)) / deviation(A, B)),
            ("own-statistics", lambda A, B: (B - mean(A, B)) / deviation(B, A)),
            ("test-untouched", lambda A, B: B),
        ]
    return mistakes
