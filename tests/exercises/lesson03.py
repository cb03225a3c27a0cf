"""Answers to the exercises of lesson 03, right ones and wrong ones by code."""

RIGHT = {
    "check_loss_gradient": [
        """
def loss_gradient(W, X, y):
    return (X @ W - y) @ X / X.shape[0]
""",
        """
def loss_gradient(W, X, y):
    misses = X @ W - y
    return [sum(miss * row[j] for miss, row in zip(misses, X)) / len(y) for j in range(len(W))]
""",
        """
def loss_gradient(W, X, y):
    misses = np.dot(X, W) - y
    return tuple((X * misses[:, None]).mean(axis=0))
""",
        """
def loss_gradient(W, X, y):
    W = torch.tensor(W, requires_grad=True)
    loss = ((torch.tensor(X) @ W - torch.tensor(y)) ** 2).mean() / 2
    loss.backward()
    return W.grad
""",
        """
def loss_gradient(W, X, y):
    W, y = W.reshape(-1, 1), y.reshape(-1, 1)
    return (-X.T @ (y - X @ W) / len(X)).astype(np.float32)  # (d, 1)
""",
        """
def loss_gradient(W, X, y):
    L = lambda W: np.mean((X @ W - y) ** 2) / 2
    return np.array([(L(W + e) - L(W - e)) / 2 for e in np.eye(len(W))])
""",
        """
def loss_gradient(W, X, y):
    return X.T @ X @ W / len(X) - np.einsum("ij,i->j", X, y) / len(X)
""",
    ],
    "check_largest_rate": [
        """
def largest_rate(X):
    return 2 / max(np.linalg.eigvals(X.T @ X / len(X)))
""",
        """
def largest_rate(X):
    return [2 * len(X) / np.linalg.norm(X, 2) ** 2]
""",
        """
def largest_rate(X):
    singular_values = torch.linalg.svdvals(torch.tensor(X, dtype=torch.float32))
    return 2 * X.shape[0] / singular_values.max() ** 2
""",
        """
def largest_rate(X):
    v = np.ones(X.shape[1])
    for _ in range(10_000):  # the power method
        v = X.T @ (X @ v)
        v /= np.linalg.norm(v)
    return 2 / np.mean((X @ v) ** 2)
""",
        """
def largest_rate(X):
    return 2 / np.linalg.norm(X.T @ X / len(X), ord=2)
""",
    ],
    "check_standardise": [
        """
def standardise(X_train, X_test):
    return ((X - X_train.mean(axis=0)) / X_train.std(axis=0) for X in (X_train, X_test))
""",
        """
def standardise(X_train, X_test):
    mean, deviation = np.mean(X_train, 0), np.std(X_train, 0, ddof=1)
    return [(X - mean) / deviation for X in (X_train, X_test)]
""",
        """
def standardise(X_train, X_test):
    X_train, X_test = torch.tensor(X_train), torch.tensor(X_test)
    mean, std = X_train.mean(dim=0, keepdim=True), X_train.std(dim=0, keepdim=True)
    return (X_train - mean) / std, (X_test - mean) / std
""",
        """
def standardise(X_train, X_test):
    columns = list(zip(*X_train.tolist()))
    means = [sum(column) / len(column) for column in columns]
    stds = [
        (sum((x - m) ** 2 for x in column) / len(column)) ** 0.5
        for column, m in zip(columns, means)
    ]
    by = lambda X: [[(x - m) / s for x, m, s in zip(row, means, stds)] for row in X.tolist()]
    return by(X_train), by(X_test)
""",
        """
def standardise(X_train, X_test):
    mean, deviation = X_train.mean(axis=0), X_train.std(axis=0)
    X_train -= mean
    X_test -= mean
    return (X_train / deviation).astype(np.float32), (X_test / deviation).astype(np.float32)
""",
    ],
}

WRONG = {
    "check_loss_gradient": {
        "not-averaged": [
            """
def loss_gradient(W, X, y):
    return X.T @ (X @ W - y)
""",
            """
def loss_gradient(W, X, y):
    return np.sum(X * (X @ W - y)[:, None], axis=0)
""",
        ],
        "halved": """
def loss_gradient(W, X, y):
    return X.T @ (X @ W - y) / (2 * len(y))
""",
        "doubled": """
def loss_gradient(W, X, y):
    return 2 / len(X) * X.T @ (X @ W - y)
""",
        "sum-of-squares": """
def loss_gradient(W, X, y):
    return 2 * X.T @ (X @ W - y)
""",
        "sign": [
            """
def loss_gradient(W, X, y):
    return X.T @ (y - X @ W) / len(X)
""",
            """
def loss_gradient(W, X, y):
    return -2 * X.T @ (X @ W - y) / len(y)
""",
        ],
        "transposed": [
            """
def loss_gradient(W, X, y):
    return X @ (X @ W - y) / len(X)
""",
            """
def loss_gradient(W, X, y):
    return (X.T @ W - y) @ X / len(X)
""",
            """
def loss_gradient(W, X, y):
    return X @ (X @ W - y)
""",
            """
def loss_gradient(W, X, y):
    return np.mean(X * (X @ W - y), axis=1)
""",
        ],
        "wrong-count": [
            """
def loss_gradient(W, X, y):
    return X.T @ (X @ W - y) / len(W)
""",
            """
def loss_gradient(W, X, y):
    return X.T @ (X @ W - y) / X.size
""",
        ],
        "different": [
            """
def loss_gradient(W, X, y):
    return np.mean((X @ W - y) ** 2) / 2
""",
            """
def loss_gradient(W, X, y):
    return (X @ W - y).mean()
""",
            """
def loss_gradient(W, X, y):
    gradient = X.T @ (X @ W - y) / len(X)
""",
        ],
        "raised": """
def loss_gradient(W, X, y):
    return X.T @ (X @ W - y[:, None]).T / len(Y)
""",
    },
    "check_largest_rate": {
        "one-over": """
def largest_rate(X):
    return 1 / np.linalg.eigvalsh(X.T @ X / len(X)).max()
""",
        "unsorted": """
def largest_rate(X):
    return 2 / np.linalg.eigvals(X.T @ X / len(X))[-1]
""",
        "smallest": [
            """
def largest_rate(X):
    return 2 / np.linalg.eigvalsh(X.T @ X / len(X))[0]
""",
            """
def largest_rate(X):
    return 1 / min(np.linalg.eigvalsh(X.T @ X / len(X)))
""",
        ],
        "not-averaged": """
def largest_rate(X):
    return 2 / np.linalg.eigvalsh(X.T @ X)[-1]
""",
        "singular-value": [
            """
def largest_rate(X):
    return 2 / np.linalg.svd(X, compute_uv=False)[0]
""",
            """
def largest_rate(X):
    return 2 / (np.linalg.norm(X, 2) / len(X))
""",
        ],
        "all-together": [
            """
def largest_rate(X):
    return 2 / np.trace(X.T @ X / len(X))
""",
            """
def largest_rate(X):
    return 2 / np.linalg.norm(X.T @ X / len(X))
""",
        ],
        "ones-added": """
def largest_rate(X):
    X = np.column_stack([X, np.ones(len(X))])
    return 2 / np.linalg.eigvalsh(X.T @ X / len(X))[-1]
""",
        "different": [
            """
def largest_rate(X):
    return 2 / np.linalg.eigvalsh(X.T @ X / len(X))
""",
            """
def largest_rate(X):
    return 0.00388220
""",
        ],
        "raised": """
def largest_rate(X):
    return 2 / np.linalg.eigvalsh(X)[-1]
""",
    },
    "check_standardise": {
        "own-statistics": [
            """
def standardise(X_train, X_test):
    own = lambda X: (X - X.mean(axis=0)) / X.std(axis=0)
    return own(X_train), own(X_test)
""",
            """
def standardise(X_train, X_test):
    own = lambda X: (X - X.mean(axis=0)) / X.std(axis=0, ddof=1)
    return own(X_train), own(X_test)
""",
            """
def standardise(X_train, X_test):
    std = X_train.std(axis=0)
    return (X_train - X_train.mean(axis=0)) / std, (X_test - X_test.mean(axis=0)) / std
""",
        ],
        "joint-statistics": """
def standardise(X_train, X_test):
    everything = np.concatenate([X_train, X_test])
    mean, std = everything.mean(axis=0), everything.std(axis=0)
    return (X_train - mean) / std, (X_test - mean) / std
""",
        "axis": [
            """
def standardise(X_train, X_test):
    mean, std = X_train.mean(axis=1), X_train.std(axis=1)
    return (X_train - mean) / std, (X_test - mean) / std
""",
            """
def standardise(X_train, X_test):
    rows = lambda X: (X - X.mean(1, keepdims=True)) / X.std(1, keepdims=True)
    return rows(X_train), rows(X_test)
""",
            """
def standardise(X_train, X_test):
    mean, std = torch.tensor(X_train).mean(1), torch.tensor(X_train).std(1)
    return (torch.tensor(X_train) - mean) / std, (torch.tensor(X_test) - mean) / std
""",
        ],
        "one-for-all": """
def standardise(X_train, X_test):
    mean, std = X_train.mean(), X_train.std()
    return (X_train - mean) / std, (X_test - mean) / std
""",
        "variance": [
            """
def standardise(X_train, X_test):
    mean, variance = X_train.mean(axis=0), X_train.var(axis=0)
    return (X_train - mean) / variance, (X_test - mean) / variance
""",
            """
def standardise(X_train, X_test):
    mean, variance = X_train.mean(axis=0), X_train.var(axis=0, ddof=1)
    return (X_train - mean) / variance, (X_test - mean) / variance
""",
        ],
        "not-centred": """
def standardise(X_train, X_test):
    return X_train / X_train.std(axis=0), X_test / X_train.std(axis=0)
""",
        "not-scaled": """
def standardise(X_train, X_test):
    return X_train - X_train.mean(axis=0), X_test - X_train.mean(axis=0)
""",
        "test-untouched": """
def standardise(X_train, X_test):
    return (X_train - X_train.mean(axis=0)) / X_train.std(axis=0), X_test
""",
        "order": """
def standardise(X_train, X_test):
    mean, std = X_train.mean(axis=0), X_train.std(axis=0)
    return (X_test - mean) / std, (X_train - mean) / std
""",
        "different": [
            """
def standardise(X_train, X_test):
    return (X_train - X_train.mean(axis=0)) / X_train.std(axis=0)
""",
            """
def standardise(X_train, X_test):
    low, high = X_train.min(axis=0), X_train.max(axis=0)
    return (X_train - low) / (high - low), (X_test - low) / (high - low)
""",
            """
def standardise(X_train, X_test):
    mean, std = X_train.mean(axis=0), X_train.std(axis=0)
    X_train, X_test = (X_train - mean) / std, (X_test - mean) / std
""",
        ],
        "raised": """
def standardise(X_train, X_test):
    return (X_train - X_train.mean(axis=0)) / std, (X_test - X_train.mean(axis=0)) / std
""",
    },
}
