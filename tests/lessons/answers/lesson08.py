"""Answers to the exercises of lesson 08, right ones and wrong ones by code."""

import torch
from torch import nn


def step(*lines: str) -> str:
    """A train_step from the lines of its body."""
    return "\n".join(
        [
            "from torch.nn import functional as F",
            "def train_step(model, optimizer, x, y):",
            *(f"    {line}" for line in lines),
        ]
    )


LOSS = "loss = F.cross_entropy(model(x), y)"
ZERO, BACKWARD, STEP = "optimizer.zero_grad()", "loss.backward()", "optimizer.step()"
CUT = "loss = F.cross_entropy(z, y)"
OF_P = "optimizer.zero_grad(); loss = F.cross_entropy(p, y)"

RIGHT = {
    "check_train_step": [
        step(LOSS, ZERO, BACKWARD, STEP),
        step(ZERO, LOSS, BACKWARD, STEP, "return loss.item()"),
        step(LOSS, BACKWARD, STEP, ZERO),
        step("model.train()", "model.zero_grad()", LOSS, BACKWARD, STEP),
        step("for p in model.parameters():", "    p.grad = None", LOSS, BACKWARD, STEP),
        step(
            LOSS,
            "gradients = torch.autograd.grad(loss, [*model.parameters()])",
            "for p, gradient in zip(model.parameters(), gradients):",
            "    p.grad = gradient",
            STEP,
        ),
        step("loss = -model(x).log_softmax(1)[range(len(y)), y].mean()", ZERO, BACKWARD, STEP),
        step("loss = F.nll_loss(model(x).log_softmax(dim=1), y)", ZERO, BACKWARD, STEP),
        step(
            "z = model(x)",
            "one_hot = F.one_hot(y, z.shape[1])",
            ZERO,
            "z.backward((z.softmax(dim=1) - one_hot) / len(y))",
            STEP,
        ),
    ],
    "check_mean_accuracy": [
        """
def mean_accuracy(batches):
    right = torch.cat([z.argmax(dim=1) == y for z, y in batches])
    return right.float().mean()
""",
        """
def mean_accuracy(batches):
    n = sum(len(y) for _, y in batches)
    return sum((z.argmax(-1) == y).float().mean() * len(y) / n for z, y in batches)
""",
        """
def mean_accuracy(batches):
    right = images = 0
    for z, y in batches:
        for scores, label in zip(z.tolist(), y.tolist()):
            right += scores.index(max(scores)) == label
            images += 1
    return np.array([right / images])
""",
    ],
    "check_count_parameters": [
        """
def count_parameters(sizes):
    return sum((a + 1) * b for a, b in zip(sizes[:-1], sizes[1:]))
""",
        """
def count_parameters(sizes):
    from course_utils.models import MLP
    return sum(p.numel() for p in MLP(*sizes).parameters())
""",
        """
def count_parameters(sizes):
    sizes = np.array(sizes)
    return np.sum(sizes[:-1] * sizes[1:]) + sizes[1:].sum()
""",
    ],
    "check_in_features": [
        "in_features = 784",
        "in_features = 28 * 28.0",
        "in_features = np.int64(784)",
    ],
}

WRONG = {
    "check_train_step": {
        "no-gradient": [
            step(LOSS, ZERO, STEP),
            step("with torch.no_grad():", f"    {LOSS}", ZERO, BACKWARD, STEP),
            step("loss = F.cross_entropy(model(x).detach(), y)", ZERO, BACKWARD, STEP),
            step(LOSS, "loss = loss.detach().requires_grad_()", ZERO, BACKWARD, STEP),
            step(LOSS, "loss = torch.tensor(loss.item(), requires_grad=True)", BACKWARD, STEP),
            step("z = torch.tensor(model(x).tolist(), requires_grad=True)", CUT, BACKWARD, STEP),
        ],
        "no-step": [
            step(LOSS, ZERO, BACKWARD),
            step(
                LOSS, ZERO, BACKWARD, "for p in model.parameters():", "    p.data -= 0.5 * p.grad"
            ),
            step(LOSS, "optimizer = torch.optim.SGD(model.parameters(), lr=0.5)", BACKWARD, STEP),
        ],
        "order": [
            step(LOSS, ZERO, STEP, BACKWARD),
            step(STEP, ZERO, LOSS, BACKWARD),
            step(LOSS, BACKWARD, ZERO, STEP),
            step(ZERO, LOSS, BACKWARD, "model.zero_grad()", STEP),
        ],
        "left-changed": [
            step("model.eval()", LOSS, ZERO, BACKWARD, STEP),
            step("x -= x.mean()", LOSS, ZERO, BACKWARD, STEP),
        ],
        "no-zero-grad": [
            step(LOSS, BACKWARD, STEP),
            step(LOSS, "optimizer.zero_grad", BACKWARD, STEP),
        ],
        "softmax-twice": [
            step("loss = F.cross_entropy(model(x).softmax(dim=1), y)", ZERO, BACKWARD, STEP),
            step("p = model(x).exp()", "p = p / p.sum(1, keepdim=True)", OF_P, BACKWARD, STEP),
        ],
        "another-loss": [
            step("loss = -F.cross_entropy(model(x), y)", ZERO, BACKWARD, STEP),
            step("loss = F.cross_entropy(model(x), y, reduction='sum')", ZERO, BACKWARD, STEP),
            step("loss = F.nll_loss(model(x), y)", ZERO, BACKWARD, STEP),
            step("loss = ((model(x) - F.one_hot(y, 3)) ** 2).mean()", ZERO, BACKWARD, STEP),
        ],
        "different": [
            step(LOSS, ZERO, BACKWARD, STEP, LOSS, ZERO, BACKWARD, STEP),
            step("loss = F.cross_entropy(model(x), y) ** 2", ZERO, BACKWARD, STEP),
            step("loss = F.cross_entropy(model(x)[:1], y[:1])", ZERO, BACKWARD, STEP),
            "train_step = 5",
        ],
        "raised": step("loss = cross_entropy(model(x), y)"),
    },
    "check_mean_accuracy": {
        "mean-of-batches": [
            """
def mean_accuracy(batches):
    return np.mean([(z.argmax(dim=1) == y).float().mean() for z, y in batches])
""",
            """
def mean_accuracy(batches):
    total = 0
    for z, y in batches:
        total += (z.argmax(dim=1) == y).sum().item() / len(y)
    return total / len(batches)
""",
        ],
        "one-batch": [
            """
def mean_accuracy(batches):
    for z, y in batches:
        return (z.argmax(dim=1) == y).float().mean()
""",
            """
def mean_accuracy(batches):
    for z, y in batches:
        right = (z.argmax(dim=1) == y).float().mean()
    return right
""",
        ],
        "wrong-axis": [
            """
def mean_accuracy(batches):
    right = sum((z.argmax(dim=0) == y).sum().item() for z, y in batches)
    return right / sum(len(y) for _, y in batches)
""",
            """
def mean_accuracy(batches):
    return np.mean([(z.argmax(dim=0) == y).float().mean() for z, y in batches])
""",
            """
def mean_accuracy(batches):
    right = sum((z.argmax() == y).sum().item() for z, y in batches)
    return right / sum(len(y) for _, y in batches)
""",
        ],
        "not-of-all-images": [
            """
def mean_accuracy(batches):
    return sum((z.argmax(dim=1) == y).sum() for z, y in batches)
""",
            """
def mean_accuracy(batches):
    return sum((z.argmax(dim=1) == y).sum() for z, y in batches) / len(batches)
""",
            """
def mean_accuracy(batches):
    right = 0
    for z, y in batches:
        right += (z.argmax(dim=1) == y).sum().item()
    return right / len(y)
""",
        ],
        "factor": """
def mean_accuracy(batches):
    right = sum((z.argmax(dim=1) == y).sum() for z, y in batches)
    return 100 * right / sum(len(y) for _, y in batches)
""",
        "different": [
            """
def mean_accuracy(batches):
    right = sum((z.argmin(dim=1) == y).sum() for z, y in batches)
    return right / sum(len(y) for _, y in batches)
""",
            """
def mean_accuracy(batches):
    return sum((z[:, 0] > -3).sum() for z, y in batches) / len(batches)
""",
            """
def mean_accuracy(batches):
    right = sum((z.softmax(dim=0).argmax(dim=1) == y).sum() for z, y in batches)
    return right / sum(len(y) for _, y in batches)
""",
        ],
        "raised": """
def mean_accuracy(batches):
    return sum(z == y for z, y in batches.values()) / len(batches)
""",
    },
    "check_count_parameters": {
        "biases": [
            """
def count_parameters(sizes):
    return sum(a * b for a, b in zip(sizes, sizes[1:]))
""",
            """
def count_parameters(sizes):
    return sum(nn.Linear(a, b, bias=False).weight.numel() for a, b in zip(sizes, sizes[1:]))
""",
            """
def count_parameters(sizes):
    return sum(a * b + 1 for a, b in zip(sizes, sizes[1:]))
""",
            """
def count_parameters(sizes):
    return sum(a * (b + 1) for a, b in zip(sizes, sizes[1:]))
""",
            """
def count_parameters(sizes):
    return sum(a * b + a + b for a, b in zip(sizes, sizes[1:]))
""",
        ],
        "pairs": [
            """
def count_parameters(sizes):
    return sum(a * b + b for a, b in zip(sizes[:-2], sizes[1:]))
""",
            """
def count_parameters(sizes):
    total = 0
    for i in range(1, len(sizes) - 1):
        total += sizes[i] * sizes[i + 1] + sizes[i + 1]
    return total
""",
            """
def count_parameters(sizes):
    for a, b in zip(sizes, sizes[1:]):
        return a * b + b
""",
        ],
        "offset": """
def count_parameters(sizes):
    return sum(a * b + b for a, b in zip(sizes, sizes[1:])) + 1
""",
        "not-multiplied": [
            """
def count_parameters(sizes):
    return sum(sizes[1:])
""",
            """
def count_parameters(sizes):
    return sum(a + b for a, b in zip(sizes, sizes[1:]))
""",
        ],
        "different": [
            """
def count_parameters(sizes):
    return sum(sizes) * len(sizes)
""",
            """
def count_parameters(sizes):
    return np.prod(sizes) + sum(sizes[1:])
""",
        ],
        "raised": """
def count_parameters(sizes):
    return sizes[0] * sizes[1] * sizes[2] * sizes[9]
""",
    },
    "check_in_features": {
        "batch": ["in_features = 128", "in_features = torch.zeros(128, 784).shape[0]"],
        "as-it-was": ["in_features = 1024", "in_features = 32 * 32.0"],
        "outputs": ["in_features = 300", "in_features = np.int64(300)"],
        "side": ["in_features = 28", "in_features = torch.tensor(28)"],
        "different": ["in_features = 785", "in_features = (128, 784)", "in_features = 'pixels'"],
    },
}


def _train_step(train_step, rng):
    """The weights after four steps of a network and an optimiser drawn at random."""
    inputs, hidden, classes = (int(n) for n in rng.integers(2, 6, size=3))
    model = nn.Sequential(nn.Linear(inputs, hidden), nn.ReLU(), nn.Linear(hidden, classes))
    if rng.random() < 0.5:
        optimizer = torch.optim.SGD(model.parameters(), lr=0.3, momentum=rng.uniform(0, 0.9))
    else:
        optimizer = torch.optim.Adam(model.parameters(), lr=0.03)
    for _ in range(4):
        images = int(rng.integers(1, 9))
        train_step(model, optimizer, torch.randn(images, inputs), torch.randint(classes, (images,)))
    return nn.utils.parameters_to_vector(model.parameters())


def _mean_accuracy(mean_accuracy, rng):
    sizes = [*rng.integers(2, 7, size=rng.integers(1, 5)), rng.integers(1, 7)]
    return mean_accuracy([_batch(int(size), rng.random()) for size in sizes])


def _batch(size, share_right):
    z = torch.randn(size, 10)
    return z, torch.where(
        torch.rand(size) < share_right, z.argmax(dim=1), torch.randint(10, (size,))
    )


#: What an answer does on one random sample. A mutant that does the same is no wrong answer.
BEHAVIOUR = {
    "check_train_step": _train_step,
    "check_mean_accuracy": _mean_accuracy,
    "check_count_parameters": lambda count, rng: count(
        [int(n) for n in rng.integers(1, 30, size=rng.integers(2, 6))]
    ),
    "check_in_features": lambda in_features, rng: in_features,
}
