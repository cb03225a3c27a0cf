"""Answers to the exercises of lesson 08, right ones and wrong ones by code."""

import numpy as np
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
        """
def mean_accuracy(batches):
    right = total = 0
    for z, y in batches:
        right += (z.argmax(axis=1) == y).sum()
        total += len(y)
    return right / total
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
    "check_cross_entropy_gradient": [
        """
def cross_entropy_gradient(z, y):
    z = torch.tensor(z, requires_grad=True)
    loss = nn.functional.cross_entropy(z, torch.tensor(y))
    loss.backward()
    return loss, z.grad
""",
        """
def cross_entropy_gradient(z, y):
    one_hot = np.eye(z.shape[1])[y]
    z = z - z.max(axis=1, keepdims=True)
    log_p = z - np.log(np.exp(z).sum(axis=1, keepdims=True))
    return -np.sum(one_hot * log_p) / len(y), (np.exp(log_p) - one_hot) / len(y)
""",
        """
def cross_entropy_gradient(z, y):
    loss, dz = 0, []
    for scores, label in zip(z.tolist(), y.tolist()):
        powers = [np.exp(score - max(scores)) for score in scores]
        loss += (max(scores) - scores[label] + np.log(sum(powers))) / len(y)
        row = [power / sum(powers) / len(y) for power in powers]
        row[label] -= 1 / len(y)
        dz.append(row)
    return [loss, dz]
""",
        """
def cross_entropy_gradient(z, y):
    z -= np.logaddexp.reduce(z, axis=1)[:, None]
    rows = np.arange(len(y))
    loss, dz = -z[rows, y].mean(), np.exp(z)
    dz[rows, y] -= 1
    dz /= len(y)
    yield np.float32(loss)
    yield dz.astype(np.float32)
""",
        """
def cross_entropy_gradient(z, y):
    def loss(z):
        return -z.log_softmax(dim=1).gather(1, torch.tensor(y)[:, None]).mean()
    return torch.func.grad_and_value(loss)(torch.tensor(z))[::-1]
""",
    ],
    "check_momentum_step": [
        """
def momentum_step(W, dW, v, rate, momentum):
    step = momentum * v + dW
    return [W - rate * step, step]
""",
        """
def momentum_step(W, dW, v, rate, momentum):
    p = torch.tensor(W, requires_grad=True)
    optimizer = torch.optim.SGD([p], lr=rate, momentum=momentum)
    optimizer.state[p]["momentum_buffer"] = torch.tensor(v)
    p.grad = torch.tensor(dW)
    optimizer.step()
    return p, optimizer.state[p]["momentum_buffer"]
""",
        """
def momentum_step(W, dW, v, rate, momentum):
    W, v = W.copy(), v.copy()
    v *= momentum
    v += dW
    W -= rate * v
    return W.tolist(), v.astype(np.float32)
""",
        """
def momentum_step(W, dW, v, rate, momentum):
    v_new, W_new = np.zeros_like(v), np.zeros_like(W)
    for place in np.ndindex(W.shape):
        v_new[place] = momentum * v[place] + dW[place]
        W_new[place] = W[place] - rate * v_new[place]
    yield W_new
    yield v_new
""",
    ],
}

_CROSS_ENTROPY = """
def cross_entropy_gradient(z, y):
    rows = np.arange(len(y))
    one_hot = np.eye(z.shape[1])[y]
    z_max = z.max(axis=1, keepdims=True)
    powers = np.exp(z - z_max)
    p = powers / powers.sum(axis=1, keepdims=True)
    log_p = z - z_max - np.log(powers.sum(axis=1, keepdims=True))
    loss = -log_p[rows, y].mean()
    dz = (p - one_hot) / len(y)
    return loss, dz
"""


def cross(*changes: tuple[str, str]) -> str:
    """The right answer with lines changed: (what comes before "=", what then stands behind)."""
    source = _CROSS_ENTROPY
    for name, value in changes:
        lines = [
            f"    {name} = {value}" if line.startswith(f"    {name} = ") else line
            for line in source.splitlines()
        ]
        assert lines != source.splitlines()
        source = "\n".join(lines)
    return source


def momentum(*lines: str) -> str:
    """A momentum_step from the lines of its body."""
    head = "def momentum_step(W, dW, v, rate, momentum):"
    return "\n".join([head, *(f"    {line}" for line in lines)])


V, W = "v = momentum * v + dW", "return W - rate * v, v"

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
    "check_cross_entropy_gradient": {
        "order": [
            cross().replace("return loss, dz", "return dz, loss"),
            cross().replace("return loss, dz", "return [dz.tolist(), loss]"),
        ],
        "loss-summed": [
            cross(("loss", "-log_p[rows, y].sum()")),
            cross(("loss", "-np.mean(one_hot * log_p)")),
            cross(("loss", "-(one_hot * log_p).sum(axis=0).mean()")),
        ],
        "loss-of-each": [
            cross(("loss", "-log_p[rows, y]")),
            cross(("loss", "-np.sum(one_hot * log_p, axis=1)")),
            cross(("loss", "-one_hot * log_p")),
        ],
        "loss-sign": [
            cross(("loss", "log_p[rows, y].mean()")),
            cross(("loss", "np.sum(one_hot * np.log(p)) / len(y)")),
        ],
        "one-example": [
            cross(("loss", "-log_p[0, y[0]]")),
            """
def cross_entropy_gradient(z, y):
    for row, label in zip(z, y):
        p = np.exp(row - row.max())
        p /= p.sum()
        loss = np.logaddexp.reduce(row) - row[label]
        p[label] -= 1
        return loss, p
""",
        ],
        "subtracted-too-early": [
            cross(("dz", "p; dz[rows, y] -= 1"), ("loss", "0")).replace(
                "return loss, dz", "return -np.log(p[rows, y]).mean(), dz / len(y)"
            ),
            cross(("p", "powers / powers.sum(axis=1, keepdims=True) - one_hot")).replace(
                "-log_p[rows", "-np.log(p)[rows"
            ),
        ],
        "softmax-twice": [
            """
def cross_entropy_gradient(z, y):
    z = torch.tensor(z, requires_grad=True)
    loss = nn.functional.cross_entropy(z.softmax(dim=1), torch.tensor(y))
    loss.backward()
    return loss, z.grad
""",
            cross(("log_p", "p - np.log(np.exp(p).sum(axis=1, keepdims=True))")),
        ],
        "binary": [
            cross(("loss", "-np.log(np.where(one_hot == 1, p, 1 - p)).mean()")),
            cross(("loss", "-np.log(abs(p + one_hot - 1)).sum() / len(y)")),
        ],
        "no-logarithm": [
            cross(("loss", "1 - p[rows, y].mean()")),
            cross(("loss", "-p[rows, y].mean()")),
            cross(("loss", "((p - one_hot) ** 2).mean()")),
        ],
        "no-softmax": [
            cross(("loss", "-z[rows, y].mean()")),
            cross(("dz", "(z - one_hot) / len(y)")),
            cross(("log_p", "z - z_max")),
            cross(("p", "powers"), ("log_p", "z - z_max")),
        ],
        "all-labels": [
            cross(("loss", "-log_p[:, y].mean()")),
            cross(("dz", "p.copy(); dz[:, y] -= 1; dz /= len(y)")),
            cross(
                ("one_hot", "0 * z; one_hot[:, y] = 1"),
                ("loss", "-(one_hot * log_p).sum() / len(y)"),
            ),
        ],
        "label-ignored": [
            cross(("rows", "np.arange(len(y)); y = z.argmax(axis=1)")),
            cross(("loss", "-log_p.max(axis=1).mean()")),
        ],
        "wrong-axis": [
            cross(
                ("powers", "np.exp(z)"),
                ("p", "powers / powers.sum(axis=0)"),
                ("log_p", "np.log(p)"),
            ),
            cross(("p", "powers / powers.sum()"), ("log_p", "np.log(p)"), ("z_max", "0")),
            cross(("p", "np.exp(z) / np.exp(z).sum(axis=0, keepdims=True)")),
            cross(("rows", "np.arange(len(y)); z = z - z.max(axis=0)")),
            cross(("log_p", "z - z_max - np.log(powers.sum())")),
        ],
        "gradient-not-divided": [
            cross(("dz", "p - one_hot")),
            cross(("dz", "(p - one_hot) / p.size")),
            cross(("dz", "p; dz[rows, y] -= 1")),
        ],
        "one-hot-missing": [
            cross(("dz", "p / len(y)")),
            cross(("dz", "p")),
            cross(("dz", "p / len(y); dz[rows, y] -= 1")),
            cross(("dz", "p - one_hot / len(y)")),
            cross(("dz", "(p + one_hot) / len(y)")),
            cross(("dz", "(p - y[:, None]) / len(y)")),
            cross(("dz", "(p - 1) / len(y)")),
        ],
        "true-class-alone": [
            cross(("dz", "np.zeros_like(z); dz[rows, y] = (p[rows, y] - 1) / len(y)")),
            cross(("dz", "-one_hot / len(y)")),
        ],
        "gradient-sign": [
            cross(("dz", "(one_hot - p) / len(y)")),
            cross(("dz", "-(p - one_hot) / len(y)")),
        ],
        "slope-too-many": [
            cross(("dz", "(p - one_hot) * p * (1 - p) / len(y)")),
            cross(("dz", "-one_hot / p / len(y)")),
        ],
        "overflow": [
            cross(("z_max", "0"), ("log_p", "np.log(p)")),
            cross(("z_max", "0"), ("loss", "(np.log(np.exp(z).sum(axis=1)) - z[rows, y]).mean()")),
            cross(("p", "np.exp(z) / np.exp(z).sum(axis=1)[:, None]")),
            cross(("z_max", "0"), ("loss", "-(one_hot * np.log(p)).sum() / len(y)")),
            cross(("rows", "np.arange(len(y)); z = np.clip(z, -500, 500)")),
        ],
        "largest-of-the-batch": [
            cross(("z_max", "z.max()"), ("log_p", "np.log(p)")),
            cross(("z_max", "z.max()")),
        ],
        "logarithm-of-zero": [
            cross(("loss", "-np.log(p)[rows, y].mean()")),
            cross(("loss", "-np.log(p[rows, y] + 1e-12).mean()")),
            cross(("loss", "-np.log(np.clip(p, 1e-9, 1))[rows, y].mean()")),
            cross(("loss", "-np.log(np.clip(p, 1e-6, 1 - 1e-6))[rows, y].mean()")),
            cross(("loss", "-np.log(p[rows, y] + 1e-300).mean()")),
            cross(("loss", "-np.sum(one_hot * np.log(p)) / len(y)")),
        ],
        "factor": cross(("loss", "-log_p[rows, y].mean() / np.log(2)")),
        "different": [
            cross().replace("return loss, dz", "return loss"),
            cross(("dz", "p**2")),
        ],
        "none": cross().replace("return loss, dz", ""),
        "raised": cross(("loss", "-log_p[row, y].mean()")),
    },
    "check_momentum_step": {
        "order": [
            momentum(V, "return v, W - rate * v"),
            momentum(V, "return [v, (W - rate * v).tolist()]"),
        ],
        "rate-in-velocity": [
            momentum("v = momentum * v + rate * dW", "return W - v, v"),
            momentum("v = momentum * v - rate * dW", "return W + v, v"),
            momentum("return W - momentum * v - rate * dW, momentum * v + dW"),
        ],
        "rate-twice": [
            momentum("v = momentum * v + rate * dW", W),
            momentum("dW = rate * dW", V, W),
        ],
        "rate-and-momentum": [
            momentum("v = rate * v + dW", "return W - momentum * v, v"),
            momentum(V, W).replace("rate, momentum)", "momentum, rate)"),
        ],
        "nesterov": [
            momentum(V, "return W - rate * (dW + momentum * v), v"),
            """
def momentum_step(W, dW, v, rate, momentum):
    p = torch.tensor(W, requires_grad=True)
    optimizer = torch.optim.SGD([p], lr=rate, momentum=momentum, nesterov=True)
    optimizer.state[p]["momentum_buffer"] = torch.tensor(v)
    p.grad = torch.tensor(dW)
    optimizer.step()
    return p, optimizer.state[p]["momentum_buffer"]
""",
        ],
        "dampened": [
            momentum("v = momentum * v + (1 - momentum) * dW", W),
            momentum("v = v + (1 - momentum) * (dW - v)", W),
        ],
        "factor-misplaced": [
            momentum("v = v + momentum * dW", W),
            momentum("v = v + dW", W),
            momentum("v = momentum * (v + dW)", W),
            momentum("v = (1 - momentum) * v + dW", W),
            momentum(V, W).replace("dW, v,", "v, dW,"),
        ],
        "old-velocity": [
            momentum("return W - rate * v, momentum * v + dW"),
            momentum("W = W - rate * v", V, "return W, v"),
        ],
        "velocity-unused": [
            momentum("return W - rate * dW, dW"),
            momentum("return W - rate * (momentum * v + dW), v"),
            momentum(V, "return W - rate * dW, v"),
        ],
        "sign": [
            momentum(V, "return W + rate * v, v"),
            momentum("v = momentum * v - dW", "return W + rate * v, v"),
            momentum("v = momentum * v - dW", W),
        ],
        "rate-missing": [
            momentum(V, "return W - v, v"),
            momentum(V, "return W - 1 * v, v"),
            momentum("return W - rate * momentum * v - dW, momentum * v + dW"),
        ],
        "step-alone": [
            momentum(V, "return -rate * v, v"),
            momentum(V, "return rate * v, v"),
            momentum(V, "return W, v"),
        ],
        "inputs-changed": [
            momentum("v *= momentum", "v += dW", "W -= rate * v", "return W, v"),
            momentum(V, "W -= rate * v", "return W, v"),
            momentum("dW += momentum * v", "return W - rate * dW, dW"),
            momentum(V, "np.subtract(W, rate * v, out=W)", "return W.copy(), v"),
        ],
        "different": [momentum(V, "return W - rate * v"), momentum(V, "return W - rate**2 * v, v")],
        "none": momentum(V, "W = W - rate * v"),
        "raised": momentum(V, "return W - learning_rate * v, v"),
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


def _cross_entropy_gradient(cross_entropy_gradient, rng):
    """For one batch in two, the logits are large, and differ from row to row."""
    n, k = (int(size) for size in rng.integers((1, 2), 6))
    z = rng.normal(size=(n, k)) * 2
    if rng.random() < 0.5:
        z = z + rng.choice([-2000, -800, 0, 900, 3000], size=(n, 1))
        z[0, 0] += 1500
    loss, dz = cross_entropy_gradient(z, rng.integers(k, size=n))
    return loss, dz


def _momentum_step(momentum_step, rng):
    """The new arrays, and whether the old ones are as they were."""
    shape = tuple(int(size) for size in rng.integers(1, 4, size=rng.integers(1, 5)))
    arrays = [rng.normal(size=shape) for _ in range(3)]
    given = [array.copy() for array in arrays]
    new_W, new_v = momentum_step(*given, rng.uniform(0.01, 2), rng.uniform(0, 0.99))
    return new_W, new_v, all(map(np.array_equal, arrays, given))


#: What an answer does on one random sample. A mutant that does the same is no wrong answer.
BEHAVIOUR = {
    "check_train_step": _train_step,
    "check_mean_accuracy": _mean_accuracy,
    "check_count_parameters": lambda count, rng: count(
        [int(n) for n in rng.integers(1, 30, size=rng.integers(2, 6))]
    ),
    "check_in_features": lambda in_features, rng: in_features,
    "check_cross_entropy_gradient": _cross_entropy_gradient,
    "check_momentum_step": _momentum_step,
}
