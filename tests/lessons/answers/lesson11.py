"""Right and wrong answers to the exercises of lesson 11."""

import torch

RIGHT = {
    "check_confusion": [
        """
def confusion(y, y_hat, classes):
    return torch.bincount(classes * y + y_hat, minlength=classes**2).view(classes, classes)
""",
        """
def confusion(y, y_hat, classes):
    counts = torch.zeros(classes, classes, dtype=torch.long)
    for true, predicted in zip(y, y_hat):
        counts[true, predicted] += 1
    return counts
""",
        """
def confusion(y, y_hat, classes):
    counts = np.zeros((classes, classes), dtype=np.int32)
    np.add.at(counts, (y.numpy(), y_hat.numpy()), 1)
    return counts
""",
        """
def confusion(y, y_hat, classes):
    return [
        [sum(int(a == i and b == j) for a, b in zip(y.tolist(), y_hat.tolist()))
         for j in range(classes)] for i in range(classes)
    ]
""",
        """
def confusion(y, y_hat, classes):
    one_hot = torch.nn.functional.one_hot
    return one_hot(y, classes).T.float() @ one_hot(y_hat, classes).float()
""",
        """
def confusion(y, y_hat, classes):
    names = range(classes)
    return tuple(tuple(((y == i) & (y_hat == j)).sum() for j in names) for i in names)
""",
    ],
    "check_precision_recall": [
        """
def precision_recall(counts, digit):
    hits, called, there = counts[digit, digit], counts[:, digit].sum(), counts[digit].sum()
    return (hits / called if called else 0), (hits / there if there else 0)
""",
        """
def precision_recall(counts, digit):
    hits = counts[digit][digit].item()
    return [hits / max(1, counts[:, digit].sum().item()), hits / max(1, counts[digit].sum().item())]
""",
        """
def precision_recall(counts, digit):
    return torch.stack([
        torch.nan_to_num(counts[digit, digit] / counts[:, digit].sum()),
        torch.nan_to_num(counts[digit, digit] / counts[digit, :].sum()),
    ])
""",
        """
def precision_recall(counts, digit):
    counts = counts.double().numpy()
    false_alarms = counts[:, digit].sum() - counts[digit, digit]
    missed = counts[digit].sum() - counts[digit, digit]
    hits = counts[digit, digit]
    if hits == 0:
        return 0.0, 0.0
    return np.float32(hits / (hits + false_alarms)), np.float32(hits / (hits + missed))
""",
    ],
    "check_same_padding": [
        """
def same_padding(k):
    return sorted([k // 2, (k - 1) // 2], reverse=k % 4 == 0)
""",
        """
def same_padding(k):
    return (k - 1) // 2, k // 2
""",
        """
def same_padding(k):
    after = (k - 1) // 2
    return [k - 1 - after, after]
""",
        """
def same_padding(k):
    before = np.floor((k - 1) / 2)
    return np.array([before, k - 1 - before])
""",
        """
def same_padding(k):
    if k % 2:
        return torch.tensor([k // 2, k // 2])
    return torch.tensor([k // 2 - 1, k // 2])
""",
    ],
}

WRONG = {
    "check_confusion": {
        "swapped": [
            """
def confusion(y, y_hat, classes):
    return torch.bincount(classes * y_hat + y, minlength=classes**2).view(classes, classes)
""",
            """
def confusion(y, y_hat, classes):
    counts = np.zeros((classes, classes))
    for true, predicted in zip(y, y_hat):
        counts[predicted, true] += 1
    return counts
""",
        ],
        "counted-once": [
            """
def confusion(y, y_hat, classes):
    counts = torch.zeros(classes, classes)
    counts[y, y_hat] += 1
    return counts
""",
            """
def confusion(y, y_hat, classes):
    counts = np.zeros((classes, classes), dtype=int)
    counts[y.numpy(), y_hat.numpy()] = 1
    return counts
""",
        ],
        "rows-shared": [
            """
def confusion(y, y_hat, classes):
    counts = [[0] * classes] * classes
    for true, predicted in zip(y, y_hat):
        counts[true][predicted] += 1
    return counts
""",
            """
def confusion(y, y_hat, classes):
    counts = torch.zeros(1, classes).expand(classes, classes)
    for true, predicted in zip(y, y_hat):
        counts[true, predicted] += 1
    return counts
""",
        ],
        "missing-classes": [
            """
def confusion(y, y_hat, classes):
    size = max(y.max(), y_hat.max()) + 1
    return torch.bincount(size * y + y_hat, minlength=size**2).view(size, size)
""",
            """
def confusion(y, y_hat, classes):
    names = sorted(set(y.tolist()))
    return [[int(((y == i) & (y_hat == j)).sum()) for j in names] for i in names]
""",
            """
def confusion(y, y_hat, classes):
    counts = torch.zeros(y.max() + 1, y.max() + 1)
    for true, predicted in zip(y, y_hat):
        if predicted <= y.max():
            counts[true, predicted] += 1
    return counts
""",
        ],
        "parts": [
            """
def confusion(y, y_hat, classes):
    counts = torch.bincount(classes * y + y_hat, minlength=classes**2).view(classes, classes)
    return counts / len(y)
""",
            """
def confusion(y, y_hat, classes):
    counts = torch.bincount(classes * y + y_hat, minlength=classes**2).view(classes, classes)
    return counts / counts.sum(dim=1, keepdim=True).clamp(1)
""",
            """
def confusion(y, y_hat, classes):
    counts = torch.zeros(classes, classes)
    for true, predicted in zip(y, y_hat):
        if true != predicted:
            counts[true, predicted] += 1
    return counts
""",
            """
def confusion(y, y_hat, classes):
    return torch.diag(torch.bincount(y[y == y_hat], minlength=classes))
""",
        ],
        "not-combined": """
def confusion(y, y_hat, classes):
    return torch.bincount(classes * y + y_hat, minlength=classes**2).view(classes, classes, 1)
""",
        "offset": """
def confusion(y, y_hat, classes):
    counts = torch.ones(classes, classes)
    for true, predicted in zip(y, y_hat):
        counts[true, predicted] += 1
    return counts
""",
        "shape": [
            """
def confusion(y, y_hat, classes):
    return torch.bincount(classes * y + y_hat, minlength=classes**2)
""",
            """
def confusion(y, y_hat, classes):
    return (y == y_hat).float().mean()
""",
        ],
        "different": """
def confusion(y, y_hat, classes):
    counts = np.full((classes, classes), -1)
    for true, predicted in zip(y, y_hat):
        counts[true, predicted] += 2
    return counts
""",
        "raised": [
            """
def confusion(y, y_hat, classes):
    return torch.bincount(classes * y + y_hats, minlength=classes**2)
""",
            """
def confusion(y, y_hat, classes):
    return torch.bincount(classes * y + y_hat).view(classes, classes)
""",
        ],
    },
    "check_precision_recall": {
        "swapped": [
            """
def precision_recall(counts, digit):
    hits, row, column = counts[digit, digit], counts[digit].sum(), counts[:, digit].sum()
    return hits / row, hits / column
""",
            """
def precision_recall(counts, digit):
    hits = counts[digit, digit]
    return hits / counts.sum(dim=1)[digit], hits / counts.sum(dim=0)[digit]
""",
        ],
        "zero-divided": [
            """
def precision_recall(counts, digit):
    hits = counts[digit, digit]
    return hits / counts[:, digit].sum(), hits / counts[digit].sum()
""",
            """
def precision_recall(counts, digit):
    hits = counts.numpy().diagonal()
    precision, recall = hits / counts.numpy().sum(axis=0), hits / counts.numpy().sum(axis=1)
    return precision[digit], recall[digit]
""",
            """
def precision_recall(counts, digit):
    hits, called = counts[digit, digit], counts[:, digit].sum()
    return hits / called if called else 0, hits / counts[digit].sum()
""",
        ],
        "diagonal-left-out": [
            """
def precision_recall(counts, digit):
    hits = counts[digit, digit]
    return hits / (counts[:, digit].sum() - hits), hits / (counts[digit].sum() - hits)
""",
            """
def precision_recall(counts, digit):
    others = [k for k in range(len(counts)) if k != digit]
    hits = counts[digit, digit]
    called, there = counts[others, digit].sum(), counts[digit, others].sum()
    return (hits / called if called else 0), (hits / there if there else 0)
""",
        ],
        "of-all": [
            """
def precision_recall(counts, digit):
    return counts[digit, digit] / counts.sum(), counts[digit, digit] / counts.sum()
""",
            """
def precision_recall(counts, digit):
    return counts.trace() / counts.sum(), counts[digit, digit] / counts[digit].sum()
""",
            """
def precision_recall(counts, digit):
    return [np.trace(counts.numpy()) / counts.sum().item()] * 2
""",
        ],
        "same-twice": [
            """
def precision_recall(counts, digit):
    hits = counts[digit, digit]
    return hits / counts[digit].sum(), hits / counts[digit, :].sum()
""",
            """
def precision_recall(counts, digit):
    hits = counts[digit, digit]
    return hits / counts[:, digit].sum(), hits / counts[:, digit].sum()
""",
        ],
        "factor": """
def precision_recall(counts, digit):
    hits = 100 * counts[digit, digit].item()
    return hits / max(1, counts[:, digit].sum()), hits / max(1, counts[digit].sum())
""",
        "shape": """
def precision_recall(counts, digit):
    return counts[digit, digit] / counts[:, digit].sum()
""",
        "different": """
def precision_recall(counts, digit):
    hits, called, there = counts[digit, digit], counts[:, digit].sum(), counts[digit].sum()
    return hits / called if called else 1.0, hits / there if there else 1.0
""",
        "raised": [
            """
def precision_recall(counts, digit):
    hits = counts[digit, digit].item()
    return hits / counts[:, digit].sum().item(), hits / counts[digit].sum().item()
""",
            """
def precision_recall(counts, digit):
    hits = counts[digit, digit].item()
    return (hits / counts[:, digit].sum())["precision"], 0
""",
            """
def precision_recall(counts, digit):
    return counts[digit, digit] / counts[:, digit].total(), 0
""",
        ],
    },
    "check_same_padding": {
        "even-kernels": [
            """
def same_padding(k):
    return k // 2, k // 2
""",
            """
def same_padding(k):
    return (k - 1) // 2, (k - 1) // 2
""",
            """
def same_padding(k):
    return [(k - 1) / 2] * 2
""",
        ],
        "not-shared": [
            """
def same_padding(k):
    return k - 1, k - 1
""",
            """
def same_padding(k):
    return np.full(2, k) - 1
""",
            """
def same_padding(k):
    return 0, k - 1
""",
            """
def same_padding(k):
    return torch.tensor([k - 1, 0])
""",
        ],
        "sum": [
            """
def same_padding(k):
    return k // 2, (k + 1) // 2
""",
            """
def same_padding(k):
    half = k // 2
    return [k - half, half]
""",
        ],
        "always-the-same": """
def same_padding(k):
    return 1, 1
""",
        "shape": [
            """
def same_padding(k):
    return (k - 1) // 2
""",
            """
def same_padding(k):
    return 0, (k - 1) // 2, k // 2
""",
        ],
        "not-combined": """
def same_padding(k):
    return [[(k - 1) // 2], [k // 2]]
""",
        "none": """
def same_padding(k):
    k // 2
""",
        "different": [
            """
def same_padding(k):
    return 1, k - 2
""",
            """
def same_padding(k):
    return k // 2, k // 2 + 1
""",
            """
def same_padding(k):
    return k, -1
""",
        ],
        "raised": """
def same_padding(k):
    return (k - 1) // 2, k // two
""",
    },
}


def _confusion(confusion, rng):
    classes, images = (int(n) for n in rng.integers([2, 1], [12, 60]))
    y, y_hat = (torch.tensor(rng.integers(classes, size=images)) for _ in range(2))
    return confusion(y, y_hat, classes)


def _precision_recall(precision_recall, rng):
    classes = int(rng.integers(2, 7))
    counts = rng.integers(30, size=(classes, classes)) * (rng.random((classes, classes)) < 0.6)
    return precision_recall(torch.tensor(counts), int(rng.integers(classes)))


#: What an answer does on one random sample. A mutant that does the same is no wrong answer.
BEHAVIOUR = {
    "check_confusion": _confusion,
    "check_precision_recall": _precision_recall,
    "check_same_padding": lambda same_padding, rng: sorted(same_padding(int(rng.integers(1, 20)))),
}
