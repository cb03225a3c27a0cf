"""Answers to the exercises of lesson 02, right ones and wrong ones by code."""

RIGHT = {
    "check_slope": [
        """
def slope(x, y, c):
    return np.polyfit(x, y, 1, w=np.sqrt(c))[0]
""",
        """
def slope(x, y, c):
    n = sum(c)
    above = n * sum(k * a * b for a, b, k in zip(x, y, c)) - sum(x * c) * sum(y * c)
    return [above / (n * sum(k * a * a for a, k in zip(x, c)) - sum(x * c) ** 2)]
""",
        """
def slope(x, y, c):
    covariance = np.cov(x, y, aweights=c)
    return covariance[0, 1] / covariance[0, 0]
""",
        """
def slope(x, y, c):
    x, y, c = (torch.tensor(part, dtype=torch.float64) for part in (x, y, c))
    x = x - (c * x).sum() / c.sum()
    return (c * x * y).sum() / (c * x * x).sum()
""",
        """
slope = lambda x, y, c: np.linalg.lstsq(
    np.sqrt(c)[:, None] * np.c_[x, np.ones(len(x))], np.sqrt(c) * y
)[0][0].astype(np.float32)
""",
        """
def slope(x, y, c):
    X = np.column_stack([x, np.ones(len(x))])
    return np.linalg.solve(X.T @ (c[:, None] * X), X.T @ (c * y))[:1]
""",
    ],
    "check_r_squared": [
        """
def r_squared(y, y_hat):
    return 1 - np.mean((y - y_hat) ** 2) / np.var(y)
""",
        """
from sklearn.metrics import r2_score as r_squared
""",
        """
def r_squared(y, y_hat):
    mean = sum(y) / len(y)
    sse = sum((a - b) ** 2 for a, b in zip(y, y_hat))
    return torch.tensor(1 - sse / sum((a - mean) ** 2 for a in y), dtype=torch.float32)
""",
        """
def r_squared(y, y_hat):
    sst = np.sum((y - y.mean()) ** 2)
    return (sst - np.linalg.norm(y - y_hat) ** 2) / sst
""",
    ],
    "check_parabola_columns": [
        """
def parabola_columns(x):
    return np.stack([x, x * x, np.ones(len(x))], axis=1)
""",
        """
def parabola_columns(x):
    return [[x_i, x_i**2, 1] for x_i in x.tolist()]
""",
        """
def parabola_columns(x):
    return np.vander(x, 3)[:, [1, 0, 2]]
""",
        """
def parabola_columns(x):
    x = torch.tensor(x, dtype=torch.float32)
    return torch.vstack([x, x**2, torch.ones_like(x)]).T
""",
        """
def parabola_columns(x):
    X = np.ones((len(x), 3))
    X[:, 0], X[:, 1] = x, x**2
    return X
""",
    ],
}

WRONG = {
    "check_slope": {
        "ddof-mixed": [
            """
def slope(x, y, c):
    x_mean = np.average(x, weights=c)
    return np.cov(x, y, aweights=c)[0, 1] / np.average((x - x_mean) ** 2, weights=c)
""",
            """
def slope(x, y, c):
    return np.cov(x, y, aweights=c, ddof=0)[0, 1] / np.cov(x, aweights=c)
""",
        ],
        "uncentred": [
            """
def slope(x, y, c):
    return np.mean(c * x * y) / np.mean(c * x * x)
""",
            """
def slope(x, y, c):
    return np.linalg.lstsq((np.sqrt(c) * x)[:, None], np.sqrt(c) * y)[0]
""",
            """
def slope(x, y, c):
    x_mean, y_mean = np.average(x, weights=c), np.average(y, weights=c)
    return (np.average(x * y, weights=c) - x_mean * y_mean) / np.average(x * x, weights=c)
""",
        ],
        "swapped": [
            """
def slope(x, y, c):
    covariance = np.cov(x, y, aweights=c)
    return covariance[0, 1] / covariance[1, 1]
""",
            """
def slope(x, y, c):
    return np.polyfit(y, x, 1, w=np.sqrt(c))[0]
""",
            """
def slope(x, y, c):
    mean = lambda values: np.sum(c * values) / np.sum(c)
    return mean(x * y) - mean(x) * mean(y)
""",
        ],
        "not-weighted": [
            """
def slope(x, y, c):
    return (np.mean(x * y) - x.mean() * y.mean()) / (np.mean(x**2) - x.mean() ** 2)
""",
            """
def slope(x, y, c):
    return np.polyfit(x, y, 1)[0]
""",
        ],
        "plain-means": [
            """
def slope(x, y, c):
    mean = lambda values: np.sum(c * values) / np.sum(c)
    return (mean(x * y) - x.mean() * y.mean()) / (mean(x * x) - x.mean() ** 2)
""",
            """
def slope(x, y, c):
    x, y = x - x.mean(), y - y.mean()
    return np.sum(c * x * y) / np.sum(c * x * x)
""",
        ],
        "not-a-mean": [
            """
def slope(x, y, c):
    return (np.mean(c * x * y) - np.mean(c * x) * np.mean(c * y)) / (
        np.mean(c * x * x) - np.mean(c * x) ** 2
    )
""",
            """
def slope(x, y, c):
    above = np.sum(c * x * y) - np.sum(c * x) * np.sum(c * y)
    return above / (np.sum(c * x**2) - np.sum(c * x) ** 2)
""",
        ],
        "c-squared": [
            """
def slope(x, y, c):
    return np.polyfit(x, y, 1, w=c)[0]
""",
            """
def slope(x, y, c):
    return np.linalg.lstsq(np.column_stack([c * x, c]), c * y)[0][0]
""",
        ],
        "both-returned": [
            """
def slope(x, y, c):
    mean = lambda values: np.sum(c * values) / np.sum(c)
    w = (mean(x * y) - mean(x) * mean(y)) / (mean(x * x) - mean(x) ** 2)
    b = mean(y) - w * mean(x)
    return w, b
""",
            """
def slope(x, y, c):
    return np.polynomial.Polynomial.fit(x, y, 1, w=np.sqrt(c)).convert().coef
""",
        ],
        "not-a-number": """
def slope(x, y, c):
    return np.log(-np.average(x * x, weights=c))
""",
        "argument-unused": """
def slope(x, y, c):
    return (y[-1] - y[0]) / len(x)
""",
        "different": [
            """
def slope(x, y, c):
    return np.polyfit(c * x, c * y, 1)[0]
""",
        ],
        "raised": """
def slope(x, y, c):
    return x.covariance(y)
""",
    },
    "check_r_squared": {
        "not-subtracted": [
            """
def r_squared(y, y_hat):
    return ((y - y_hat) ** 2).sum() / ((y - y.mean()) ** 2).sum()
""",
            """
def r_squared(y, y_hat):
    return np.mean((y - y_hat) ** 2) / np.var(y)
""",
            """
def r_squared(y, y_hat):
    return 1 + np.mean((y - y_hat) ** 2) / np.var(y)
""",
        ],
        "variance-ratio": [
            """
def r_squared(y, y_hat):
    return np.var(y_hat, ddof=1) / np.var(y, ddof=1)
""",
            """
def r_squared(y, y_hat):
    return sum((y_hat - y.mean()) ** 2) / sum((y - y.mean()) ** 2)
""",
        ],
        "correlation": [
            """
def r_squared(y, y_hat):
    if y_hat.std() == 0:
        return float("nan")
    return np.corrcoef(y, y_hat)[0, 1] ** 2
""",
            """
def r_squared(y, y_hat):
    centred = lambda values: values - values.mean()
    above = np.sum(centred(y) * centred(y_hat)) ** 2
    return above / (np.sum(centred(y) ** 2) * np.sum(centred(y_hat) ** 2))
""",
            """
def r_squared(y, y_hat):
    return np.corrcoef(y, y_hat)[0, 1]
""",
        ],
        "another-middle": [
            """
def r_squared(y, y_hat):
    return 1 - np.sum((y - y_hat) ** 2) / np.sum(y ** 2)
""",
            """
def r_squared(y, y_hat):
    return 1 - np.sum((y - y_hat) ** 2) / np.sum((y - np.mean(y_hat)) ** 2)
""",
            """
def r_squared(y, y_hat):
    return 1 - np.sum((y - y_hat) ** 2) / np.sum((y_hat - np.mean(y)) ** 2)
""",
            """
from sklearn.metrics import r2_score

def r_squared(y, y_hat):
    return r2_score(y_hat, y, force_finite=False)
""",
        ],
        "clipped": """
def r_squared(y, y_hat):
    return max(0, 1 - np.mean((y - y_hat) ** 2) / np.var(y))
""",
        "none": """
def r_squared(y, y_hat):
    print(1 - np.mean((y - y_hat) ** 2) / np.var(y))
""",
        "different": """
def r_squared(y, y_hat):
    return 1 - np.sum((y - y_hat) ** 2) / np.var(y)
""",
        "raised": """
def r_squared(y):
    return 1
""",
    },
    "check_parabola_columns": {
        "row": [
            """
def parabola_columns(x):
    return np.vstack([x, x**2, np.ones(len(x))])
""",
            """
def parabola_columns(x):
    return x, x * x, np.ones_like(x)
""",
        ],
        "zeros": [
            """
def parabola_columns(x):
    return np.column_stack([x, x**2, np.zeros(len(x))])
""",
            """
def parabola_columns(x):
    X = np.zeros((len(x), 3))
    X[:, 0], X[:, 1] = x, x**2
    return X
""",
        ],
        "shape": """
def parabola_columns(x):
    return np.column_stack([x, x**2])
""",
        "order": [
            """
def parabola_columns(x):
    return np.vander(x, 3)
""",
            """
def parabola_columns(x):
    return np.column_stack([np.ones(len(x)), x, x**2])
""",
        ],
        "only-there": """
def parabola_columns(x):
    return np.column_stack([x, 2 * x, np.ones(len(x))])
""",
        "raised": """
def parabola_columns(x):
    return np.column_stack([x, x**2, 1])
""",
    },
}


def _slope(slope, rng):
    x, y = rng.normal(rng.normal(), 3, size=(2, rng.integers(3, 9)))
    return slope(x, y, rng.uniform(0.1, 4, size=len(x)))


def _r_squared(r_squared, rng):
    return r_squared(*rng.normal(rng.normal(), 3, size=(2, rng.integers(2, 9))))


def _parabola_columns(parabola_columns, rng):
    return parabola_columns(rng.normal(size=rng.integers(2, 9)))


#: What an answer does on one random sample. A mutant that does the same is no wrong answer.
BEHAVIOUR = {
    "check_slope": _slope,
    "check_r_squared": _r_squared,
    "check_parabola_columns": _parabola_columns,
}
