"""Answers to the exercises of lesson 03, right ones and wrong ones by code."""

RIGHT = {
    "check_loss_gradient": [
        """
def loss_gradient(W, X, y, alpha):
    return (X @ W - y) @ X / X.shape[0] + W * alpha
""",
        """
def loss_gradient(W, X, y, alpha):
    misses = X @ W - y
    return [
        sum(miss * row[j] for miss, row in zip(misses, X)) / len(y) + alpha * W[j]
        for j in range(len(W))
    ]
""",
        """
def loss_gradient(W, X, y, alpha):
    W = torch.tensor(W, requires_grad=True)
    misses = torch.tensor(X, dtype=W.dtype) @ W - torch.tensor(y)
    loss = (misses**2).mean() / 2 + alpha / 2 * (W**2).sum()
    loss.backward()
    return W.grad
""",
        """
def loss_gradient(W, X, y, alpha):
    W, y = W.reshape(-1, 1), y.reshape(-1, 1)
    return (-X.T @ (y - X @ W) / len(X) + alpha * W).astype(np.float32).ravel()
""",
        """
def loss_gradient(W, X, y, alpha):
    L = lambda W: np.mean((X @ W - y) ** 2) / 2 + alpha * W @ W / 2
    return np.array([(L(W + e) - L(W - e)) / 2 for e in np.eye(len(W))])
""",
        """
def loss_gradient(W, X, y, alpha):
    H = X.T @ X / len(X) + alpha * np.eye(len(W))
    return H @ W - np.einsum("ij,i->j", X, y) / len(X)
""",
    ],
    "check_largest_rate": [
        """
def largest_rate(X, alpha):
    return 2 / (max(np.linalg.eigvals(X.T @ X / len(X))) + alpha)
""",
        """
def largest_rate(X, alpha):
    return [2 / (np.linalg.norm(X, 2) ** 2 / len(X) + alpha)]
""",
        """
def largest_rate(X, alpha):
    singular_values = torch.linalg.svdvals(torch.tensor(X, dtype=torch.float32))
    return 2 / (singular_values.max() ** 2 / X.shape[0] + alpha)
""",
        """
def largest_rate(X, alpha):
    v = np.arange(1, X.shape[1] + 1)
    for _ in range(10_000):  # the power method
        v = X.T @ (X @ v) / len(X) + alpha * v
        v = v / np.linalg.norm(v)
    return 2 / (np.mean((X @ v) ** 2) + alpha * v @ v)
""",
        """
def largest_rate(X, alpha):
    H = X.T @ X / len(X) + np.diag([alpha] * X.shape[1])
    return 2 / np.linalg.norm(H, ord=2)
""",
    ],
    "check_standardise": [
        """
def standardise(X_train, X_test):
    deviation = X_train.std(axis=0)
    mean = np.where(deviation > 0, X_train.mean(axis=0), 0)
    return ((X - mean) / np.where(deviation > 0, deviation, 1) for X in (X_train, X_test))
""",
        """
def standardise(X_train, X_test):
    mean, deviation = np.mean(X_train, 0), np.std(X_train, 0, ddof=1)
    stays = np.isclose(deviation, 0)
    return [np.where(stays, X, (X - mean) / (deviation + stays)) for X in (X_train, X_test)]
""",
        """
def standardise(X_train, X_test):
    X_train, X_test = torch.tensor(X_train), torch.tensor(X_test)
    mean, std = X_train.mean(dim=0, keepdim=True), X_train.std(dim=0, keepdim=True)
    mean[std == 0], std[std == 0] = 0, 1
    return (X_train - mean) / std, (X_test - mean) / std
""",
        """
def standardise(X_train, X_test):
    means, stds = [], []
    for column in zip(*X_train.tolist()):
        m = sum(column) / len(column)
        s = (sum((x - m) ** 2 for x in column) / len(column)) ** 0.5
        means.append(m if s else 0)
        stds.append(s or 1)
    by = lambda X: [[(x - m) / s for x, m, s in zip(row, means, stds)] for row in X.tolist()]
    return by(X_train), by(X_test)
""",
        """
def standardise(X_train, X_test):
    mean, deviation = X_train.mean(axis=0), X_train.std(axis=0)
    for j in np.flatnonzero(deviation):
        for X in (X_train, X_test):
            X[:, j] = (X[:, j] - mean[j]) / deviation[j]
    return X_train.astype(np.float32), X_test.astype(np.float32)
""",
    ],
}

WRONG = {
    "check_loss_gradient": {
        "not-averaged": [
            """
def loss_gradient(W, X, y, alpha):
    return X.T @ (X @ W - y) + alpha * W
""",
            """
def loss_gradient(W, X, y, alpha):
    return np.sum(X * (X @ W - y)[:, None], axis=0) + alpha * W
""",
            """
def loss_gradient(W, X, y, alpha):
    return X.T @ (X @ W - y) / len(W) + alpha * W
""",
            """
def loss_gradient(W, X, y, alpha):
    return X.T @ (X @ W - y) / X.size + alpha * W
""",
        ],
        "halved": [
            """
def loss_gradient(W, X, y, alpha):
    return X.T @ (X @ W - y) / (2 * len(y)) + alpha * W
""",
            """
def loss_gradient(W, X, y, alpha):
    return X.T @ X @ W / (2 * len(X)) - X.T @ y / (2 * len(X)) + alpha * W
""",
        ],
        "doubled": [
            """
def loss_gradient(W, X, y, alpha):
    return 2 / len(X) * X.T @ (X @ W - y) + alpha * W
""",
            """
def loss_gradient(W, X, y, alpha):
    return 2 * (np.mean(X * (X @ W - y)[:, None], axis=0) + alpha * W)
""",
            """
def loss_gradient(W, X, y, alpha):
    return 2 * X.T @ (X @ W - y) + alpha * W
""",
        ],
        "sign": [
            """
def loss_gradient(W, X, y, alpha):
    return X.T @ (y - X @ W) / len(X) + alpha * W
""",
            """
def loss_gradient(W, X, y, alpha):
    return -(X.T @ (X @ W - y)) / len(y) - alpha * W
""",
        ],
        "transposed": [
            """
def loss_gradient(W, X, y, alpha):
    return X @ (X @ W - y) / len(X) + alpha * W
""",
            """
def loss_gradient(W, X, y, alpha):
    return (X.T @ W - y) @ X / len(X) + alpha * W
""",
            """
def loss_gradient(W, X, y, alpha):
    return X @ (X @ W - y) + alpha * W
""",
            """
def loss_gradient(W, X, y, alpha):
    return np.mean(X * (X @ W - y), axis=1) + alpha * W
""",
        ],
        "pull": [
            """
def loss_gradient(W, X, y, alpha):
    return X.T @ (X @ W - y) / len(X) + 2 * alpha * W
""",
            """
def loss_gradient(W, X, y, alpha):
    return (X.T @ (X @ W - y) + alpha * W) / len(X)
""",
            """
def loss_gradient(W, X, y, alpha):
    return X.T @ (X @ W - y) / len(X) + alpha / 2 * np.sum(W**2)
""",
        ],
        "argument-unused": """
def loss_gradient(W, X, y, alpha):
    return X.T @ (X @ W - y) / len(X)
""",
        "none": """
def loss_gradient(W, X, y, alpha):
    gradient = X.T @ (X @ W - y) / len(X) + alpha * W
""",
        "shape": """
def loss_gradient(W, X, y, alpha):
    return np.mean((X @ W - y) ** 2) / 2 + alpha / 2 * W @ W
""",
        "not-combined": """
def loss_gradient(W, X, y, alpha):
    return X.T @ (X @ W - y)[:, None] / len(X) + alpha * W[:, None]
""",
        "different": """
def loss_gradient(W, X, y, alpha):
    return X.T @ (X @ W + y) / len(X) + alpha * W
""",
        "raised": """
def loss_gradient(W, X, y, alpha):
    return X.T @ (X @ W - y[:, None]).T / len(Y)
""",
    },
    "check_largest_rate": {
        "one-over": [
            """
def largest_rate(X, alpha):
    return 1 / (np.linalg.eigvalsh(X.T @ X / len(X)).max() + alpha)
""",
            """
def largest_rate(X, alpha):
    return 1 / (np.linalg.norm(X, 2) ** 2 / len(X) + alpha)
""",
        ],
        "unsorted": [
            """
def largest_rate(X, alpha):
    return 2 / np.linalg.eigvals(X.T @ X / len(X) + alpha * np.eye(X.shape[1]))[-1]
""",
            """
def largest_rate(X, alpha):
    return 2 / (np.linalg.eig(X.T @ X / len(X))[0][0] + alpha)
""",
        ],
        "smallest": [
            """
def largest_rate(X, alpha):
    return 2 / (np.linalg.eigvalsh(X.T @ X / len(X))[0] + alpha)
""",
            """
def largest_rate(X, alpha):
    H = X.T @ X / len(X) + alpha * np.eye(X.shape[1])
    return 1 / min(np.linalg.eigvalsh(H))
""",
        ],
        "wrong-hessian": [
            """
def largest_rate(X, alpha):
    return 2 / np.linalg.eigvalsh((X.T @ X + alpha * np.eye(X.shape[1])) / len(X))[-1]
""",
            """
def largest_rate(X, alpha):
    return 2 / (np.linalg.eigvalsh(X.T @ X)[-1] + alpha)
""",
            """
def largest_rate(X, alpha):
    return 2 / (np.linalg.norm(X, 2) ** 2 / (2 * len(X)) + alpha)
""",
            """
def largest_rate(X, alpha):
    return 2 / (np.linalg.eigvalsh(X.T @ X / X.shape[1])[-1] + alpha)
""",
        ],
        "all-together": [
            """
def largest_rate(X, alpha):
    return 2 / np.trace(X.T @ X / len(X) + alpha * np.eye(X.shape[1]))
""",
            """
def largest_rate(X, alpha):
    return 2 / np.linalg.norm(X.T @ X / len(X) + alpha * np.eye(X.shape[1]))
""",
        ],
        "alpha-everywhere": [
            """
def largest_rate(X, alpha):
    return 2 / np.linalg.eigvalsh(X.T @ X / len(X) + alpha)[-1]
""",
            """
def largest_rate(X, alpha):
    H = X.T @ X / len(X) + alpha * np.ones((X.shape[1], X.shape[1]))
    return 2 / np.linalg.norm(H, 2)
""",
        ],
        "argument-unused": """
def largest_rate(X, alpha):
    return 2 / np.linalg.eigvalsh(X.T @ X / len(X))[-1]
""",
        "always-the-same": """
def largest_rate(X, alpha):
    return 0.00388220
""",
        "different": [
            """
def largest_rate(X, alpha):
    return 2 / (np.linalg.norm(X, 2) + alpha)
""",
            """
def largest_rate(X, alpha):
    X = np.column_stack([X, np.ones(len(X))])
    return 2 / (np.linalg.eigvalsh(X.T @ X / len(X))[-1] + alpha)
""",
        ],
        "raised": """
def largest_rate(X, alpha):
    return 2 / (np.linalg.eigvalsh(X.T @ X / len(X)) + alpha)[X.shape[1]]
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
    def own(X):
        mean, deviation = X.mean(axis=0), X.std(axis=0)
        stays = deviation == 0
        return (X - np.where(stays, 0, mean)) / np.where(stays, 1, deviation)
    return own(X_train), own(X_test)
""",
            """
def standardise(X_train, X_test):
    std = X_train.std(axis=0)
    return (X_train - X_train.mean(axis=0)) / std, (X_test - X_test.mean(axis=0)) / std
""",
        ],
        "joint-statistics": [
            """
def standardise(X_train, X_test):
    everything = np.concatenate([X_train, X_test])
    mean, std = everything.mean(axis=0), everything.std(axis=0)
    return (X_train - mean) / std, (X_test - mean) / std
""",
            """
def standardise(X_train, X_test):
    X = torch.tensor(np.vstack([X_train, X_test]))
    X = (X - X.mean(dim=0)) / X.std(dim=0)
    return X[: len(X_train)], X[len(X_train) :]
""",
            """
def standardise(X_train, X_test):
    mean, std = X_test.mean(axis=0), X_train.std(axis=0)
    return (X_train - mean) / std, (X_test - mean) / std
""",
        ],
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
        "one-for-all": [
            """
def standardise(X_train, X_test):
    mean, std = X_train.mean(), X_train.std()
    return (X_train - mean) / std, (X_test - mean) / std
""",
            """
def standardise(X_train, X_test):
    std, mean = torch.std_mean(torch.tensor(X_train))
    return (torch.tensor(X_train) - mean) / std, (torch.tensor(X_test) - mean) / std
""",
        ],
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
        "half-done": [
            """
def standardise(X_train, X_test):
    return X_train / X_train.std(axis=0), X_test / X_train.std(axis=0)
""",
            """
def standardise(X_train, X_test):
    return [X - np.average(X_train, axis=0) for X in (X_train, X_test)]
""",
        ],
        "exchanged": [
            """
def standardise(X_train, X_test):
    mean, deviation = X_train.std(axis=0), X_train.mean(axis=0)
    return (X_train - mean) / deviation, (X_test - mean) / deviation
""",
            """
def standardise(X_train, X_test):
    X_train, X_test = torch.tensor(X_train), torch.tensor(X_test)
    mean, std = torch.std_mean(X_train, dim=0)
    return (X_train - mean) / std, (X_test - mean) / std
""",
        ],
        "overwritten": [
            """
def standardise(X_train, X_test):
    return (X_train - X_train.mean(axis=0)) / X_train.std(axis=0), X_test
""",
            """
def standardise(X_train, X_test):
    X_train = (X_train - X_train.mean(axis=0)) / X_train.std(axis=0)
    X_test = (X_test - X_train.mean(axis=0)) / X_train.std(axis=0)
    return X_train, X_test
""",
            """
def standardise(X_train, X_test):
    X_train = X_train - X_train.mean(axis=0)
    X_test = X_test - X_train.mean(axis=0)
    return X_train / X_train.std(axis=0), X_test / X_train.std(axis=0)
""",
        ],
        "order": [
            """
def standardise(X_train, X_test):
    mean, std = X_train.mean(axis=0), X_train.std(axis=0)
    return (X_test - mean) / std, (X_train - mean) / std
""",
            """
def standardise(X_train, X_test):
    mean, std = X_train.mean(axis=0), X_train.std(axis=0, ddof=1)
    return [(X - mean) / std for X in (X_test, X_train)]
""",
        ],
        "constant": [
            """
def standardise(X_train, X_test):
    mean, std = X_train.mean(axis=0), X_train.std(axis=0)
    return (X_train - mean) / std, (X_test - mean) / std
""",
            """
def standardise(X_train, X_test):
    X_train, X_test = torch.tensor(X_train), torch.tensor(X_test)
    std, mean = torch.std_mean(X_train, dim=0)
    return (X_train - mean) / std, (X_test - mean) / std
""",
            """
def standardise(X_train, X_test):
    mean, std = X_train.mean(axis=0), X_train.std(axis=0)
    std[std == 0] = 1
    return (X_train - mean) / std, (X_test - mean) / std
""",
            """
from sklearn.preprocessing import StandardScaler

def standardise(X_train, X_test):
    scaler = StandardScaler().fit(X_train)
    return scaler.transform(X_train), scaler.transform(X_test)
""",
            """
def standardise(X_train, X_test):
    mean, std = X_train.mean(axis=0), X_train.std(axis=0)
    mean, std = np.where(std == 0, 0, mean), np.where(std == 0, 1, std)
    X_test = (X_test - mean) / std
    return (X_train - mean) / std, np.where(X_train.std(axis=0) == 0, 1, X_test)
""",
        ],
        "only-there": """
def standardise(X_train, X_test):
    mean, std = X_train.mean(axis=0), X_train.std(axis=0)
    std[std == 0] = 1
    mean[std == 1] = 0
    return (X_train - mean) / std, (X_test - mean) / std
""",
        "different": [
            """
def standardise(X_train, X_test):
    return (X_train - X_train.mean(axis=0)) / X_train.std(axis=0)
""",
            """
def standardise(X_train, X_test):
    constant = X_train[0] == X_train[-1]
    mean = np.where(constant, 0, X_train.mean(axis=0))
    std = np.where(constant, 1, X_train.std(axis=0, ddof=1))
    return (X_train - mean) / std, (X_test - mean) / std
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


def _loss_gradient(loss_gradient, rng):
    n, d = rng.integers(1, 7, size=2)
    X = rng.normal(1, 2, size=(n, d))
    return loss_gradient(rng.normal(size=d), X, rng.normal(size=n), rng.uniform(0, 3))


def _largest_rate(largest_rate, rng):
    return largest_rate(rng.normal(1, 2, size=rng.integers(1, 7, size=2)), rng.uniform(0, 3))


def _standardise(standardise, rng):
    n, m, d = rng.integers([3, 1, 2], 8)
    X_train, X_test = (rng.normal(3, 2, size=(rows, d)) for rows in (n, m))
    X_train[:, 0] = rng.integers(1, 3)
    first, second = standardise(X_train, X_test)
    return first, second


#: What an answer does on one random sample. A mutant that does the same is no wrong answer.
BEHAVIOUR = {
    "check_loss_gradient": _loss_gradient,
    "check_largest_rate": _largest_rate,
    "check_standardise": _standardise,
}
