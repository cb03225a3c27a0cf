"""Answers to the exercises of lesson 08, right ones and wrong ones by code."""


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

RIGHT = {
    "check_train_step": [
        step(LOSS, ZERO, BACKWARD, STEP),
        step(ZERO, LOSS, BACKWARD, STEP, "return loss.item()"),
        step(LOSS, BACKWARD, STEP, ZERO),
        step("model.train()", "model.zero_grad()", LOSS, BACKWARD, STEP),
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
        "no-backward": step(LOSS, ZERO, STEP),
        "no-step": step(LOSS, ZERO, BACKWARD),
        "other-optimizer": [
            step(
                LOSS, ZERO, BACKWARD, "for p in model.parameters():", "    p.data -= 0.5 * p.grad"
            ),
            step(LOSS, "optimizer = torch.optim.SGD(model.parameters(), lr=0.5)", BACKWARD, STEP),
        ],
        "no-grad": [
            step("with torch.no_grad():", f"    {LOSS}", ZERO, BACKWARD, STEP),
            step("loss = F.cross_entropy(model(x).detach(), y)", ZERO, BACKWARD, STEP),
        ],
        "step-before-backward": [
            step(LOSS, ZERO, STEP, BACKWARD),
            step(STEP, ZERO, LOSS, BACKWARD),
        ],
        "zeroed-too-late": step(LOSS, BACKWARD, ZERO, STEP),
        "no-zero-grad": step(LOSS, BACKWARD, STEP),
        "softmax-twice": step(
            "loss = F.cross_entropy(model(x).softmax(dim=1), y)", ZERO, BACKWARD, STEP
        ),
        "different": [
            step("loss = -F.cross_entropy(model(x), y)", ZERO, BACKWARD, STEP),
            step("loss = F.cross_entropy(model(x), y, reduction='sum')", ZERO, BACKWARD, STEP),
            step(LOSS, ZERO, BACKWARD, STEP, LOSS, ZERO, BACKWARD, STEP),
            "train_step = 5",
        ],
        "raised": step("loss = cross_entropy(model(x), y)"),
    },
    "check_mean_accuracy": {
        "mean-of-batches": """
def mean_accuracy(batches):
    return np.mean([(z.argmax(dim=1) == y).float().mean() for z, y in batches])
""",
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
        "wrong-axis": """
def mean_accuracy(batches):
    right = sum((z.argmax(dim=0) == y).sum().item() for z, y in batches)
    return right / sum(len(y) for _, y in batches)
""",
        "number-right": """
def mean_accuracy(batches):
    return sum((z.argmax(dim=1) == y).sum() for z, y in batches)
""",
        "percent": """
def mean_accuracy(batches):
    right = sum((z.argmax(dim=1) == y).sum() for z, y in batches)
    return 100 * right / sum(len(y) for _, y in batches)
""",
        "different": """
def mean_accuracy(batches):
    right = sum((z.argmin(dim=1) == y).sum() for z, y in batches)
    return right / sum(len(y) for _, y in batches)
""",
        "raised": """
def mean_accuracy(batches):
    return sum(z == y for z, y in batches) / len(batches)
""",
    },
    "check_count_parameters": {
        "bias-forgotten": """
def count_parameters(sizes):
    return sum(a * b for a, b in zip(sizes, sizes[1:]))
""",
        "bias-per-layer": """
def count_parameters(sizes):
    return sum(a * b + 1 for a, b in zip(sizes, sizes[1:]))
""",
        "bias-per-input": """
def count_parameters(sizes):
    return sum(a * b + a for a, b in zip(sizes, sizes[1:]))
""",
        "one-layer-left-out": """
def count_parameters(sizes):
    return sum(a * b + b for a, b in zip(sizes[:-2], sizes[1:]))
""",
        "different": [
            """
def count_parameters(sizes):
    return sum(sizes)
""",
            """
def count_parameters(sizes):
    return sum(a * b + b for a, b in zip(sizes, sizes[1:])) + 1
""",
        ],
        "raised": """
def count_parameters(sizes):
    return sizes[0] * sizes[1] * sizes[2] * sizes[9]
""",
    },
    "check_in_features": {
        "batch": "in_features = 128",
        "as-it-was": "in_features = 1024",
        "outputs": "in_features = 300",
        "side": "in_features = 28",
        "different": ["in_features = 785", "in_features = (128, 784)", "in_features = 'pixels'"],
        "raised": """
class in_features:
    def __array__(self, *args, **options):
        raise RuntimeError("not a number")
in_features = in_features()
""",
    },
}
