"""Answers to the exercises of lesson 02, right ones and wrong ones by code."""

RIGHT = {
    "check_slope": [
        """
def slope(x, y):
    return np.polyfit(x, y, 1)[0]
""",
        """
def slope(x, y):
    n = len(x)
    above = n * sum(a * b for a, b in zip(x, y)) - sum(x) * sum(y)
    return [above / (n * sum(a * a for a in x) - sum(x) ** 2)]
""",
        """
def slope(x, y):
    return np.cov(x, y)[0, 1] / np.var(x, ddof=1)
""",
        """
def slope(x, y):
    x, y = torch.tensor(x, dtype=torch.float64), torch.tensor(y)
    x -= x.mean()
    return (x * y).sum() / (x * x).sum()
""",
        """
slope = lambda x, y: np.linalg.lstsq(np.c_[x, np.ones(len(x))], y)[0][0].astype(np.float32)
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
    ],
    "check_add_bias": [
        """
def add_bias(X):
    return np.hstack([np.ones((len(X), 1)), X])
""",
        """
def add_bias(X):
    return [[*row, 1] for row in X.tolist()]
""",
        """
def add_bias(X):
    return torch.nn.functional.pad(torch.tensor(X), (0, 1), value=1.0)
""",
    ],
}

WRONG = {
    "check_slope": {
        "ddof-mixed": """
def slope(x, y):
    return np.cov(x, y)[0, 1] / np.var(x)
""",
        "uncentred": """
def slope(x, y):
    return np.mean(x * y) / np.mean(x * x)
""",
        "swapped": """
def slope(x, y):
    return np.cov(x, y)[0, 1] / np.var(y, ddof=1)
""",
        "different": """
def slope(x, y):
    return (y[-1] - y[0]) / len(x)
""",
        "raised": """
def slope(x, y):
    return x.covariance(y)
""",
    },
    "check_r_squared": {
        "not-subtracted": """
def r_squared(y, y_hat):
    return ((y - y_hat) ** 2).sum() / ((y - y.mean()) ** 2).sum()
""",
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
        "correlation": """
def r_squared(y, y_hat):
    return np.corrcoef(y, y_hat)[0, 1] ** 2
""",
        "different": """
def r_squared(y, y_hat):
    return 1 - np.sum((y - y_hat) ** 2) / np.sum(y ** 2)
""",
        "raised": """
def r_squared(y):
    return 1
""",
    },
    "check_add_bias": {
        "row": """
def add_bias(X):
    return np.vstack([np.ones((1, X.shape[1])), X])
""",
        "zeros": """
def add_bias(X):
    return np.column_stack([X, np.zeros(len(X))])
""",
        "different": """
def add_bias(X):
    return X + 1
""",
        "raised": """
def add_bias(X):
    return np.column_stack([X, 1])
""",
    },
}
