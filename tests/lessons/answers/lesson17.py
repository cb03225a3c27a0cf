"""Answers to the exercises of lesson 17, right ones and wrong ones by code."""

import torch

from course_utils.exercises.lesson17 import (
    EVALUATIONS,
    RIGHT_VERSIONS,
    ModeDependentLogits,
    RecordingNetwork,
    noisy_images,
    prepared_logits,
    wrong_versions,
)


def train(
    mode: str = "network.train()",
    order: str = "torch.randperm(len(x)).split(16)",
    logits: str = "network(x[chosen])",
    clear: str = "optimizer.zero_grad()",
    optimizer: str = "torch.optim.Adam(network.parameters(), lr=0.01)",
    epochs: str = "epochs",
) -> str:
    return f"""
def train(network, x, y, epochs):
    optimizer = {optimizer}
    {mode}
    for _ in range({epochs}):
        for chosen in {order}:
            loss = nn.functional.cross_entropy({logits}, y[chosen])
            {clear}
            loss.backward()
            optimizer.step()
"""


def measured(
    before: str = "was = network.training; network.eval()",
    answers: str = "network(x).argmax(dim=1)",
    after: str = "network.train(was)",
    result: str = "(answers == y).float().mean().item()",
) -> str:
    """An accuracy without gradients; before and after: what is done about the mode."""
    return f"""
def accuracy(network, x, y):
    {before}
    with torch.no_grad():
        answers = {answers}
    {after}
    return {result}
"""


def is_right(x: str, W: str, b: str, strides: str = "(1, 2)", compare: str = "np.allclose") -> str:
    """A test that compares with F.conv2d on one example."""
    return f"""
def is_right(conv2d):
    rng = np.random.default_rng(1)
    x, W, b = {x}, {W}, {b}
    for stride in {strides}:
        given = [torch.tensor(a, dtype=torch.float32) for a in (x, W, b)]
        expected = nn.functional.conv2d(*given, stride=stride).numpy()
        found = np.asarray(conv2d(x, W, b, stride))
        if found.shape != expected.shape or not {compare}:
            return False
    return True
"""


CLOSE = "np.allclose(found, expected, atol=1e-4)"
X, W, B = "rng.normal(size=(2, 6, 7))", "rng.normal(size=(3, 2, 2, 2))", "rng.normal(size=3)"

RIGHT = {
    "check_train": [
        train(),
        train(clear="network.zero_grad()"),
        train(order="torch.randperm(len(x)).split(96)", epochs="5 * epochs"),
        train(optimizer="torch.optim.SGD(network.parameters(), lr=0.1, momentum=0.9)"),
        train(order="torch.utils.data.DataLoader(range(len(x)), 32, shuffle=True)"),
        train(clear="optimizer.zero_grad(set_to_none=False)", mode="network.train(True)"),
        """
def train(network, x, y, epochs):
    network.train()
    for _ in range(epochs):
        for i in torch.randperm(len(x)).split(24):
            loss = nn.functional.cross_entropy(network(x[i]), y[i])
            gradients = torch.autograd.grad(loss, [*network.parameters()])
            with torch.no_grad():
                for p, g in zip(network.parameters(), gradients):
                    p -= 0.2 * g
    network.eval()
""",
    ],
    "check_accuracy": [
        measured(),
        """
def accuracy(network, x, y):
    was = network.training
    network.eval()
    with torch.inference_mode():
        z = network(x)
    network.train(was)
    return torch.tensor([row.argmax() == k for row, k in zip(z, y)]).float().mean()
""",
        """
def accuracy(network, x, y):
    import copy
    judge = copy.deepcopy(network).eval()
    with torch.no_grad():
        right = [judge(a[None]).argmax().item() == k for a, k in zip(x, y.tolist())]
    return sum(right) / len(right)
""",
        """
@torch.no_grad()
def accuracy(network, x, y):
    was = network.training
    try:
        return np.mean(network.eval()(x).numpy().argmax(axis=1) == y.numpy())
    finally:
        network.train(was)
""",
    ],
    "check_faults": [
        "faults = [3, 6, 4]",
        "faults = (3, 6, 4)",
        "faults = np.array([3.0, 6.0, 4.0])",
        "faults = torch.tensor([3, 6, 4])",
    ],
    "check_is_right": [
        is_right(X, W, B, compare=CLOSE),
        is_right(X, W, B, "(2,)", CLOSE),
        """
def is_right(conv2d):
    rng = np.random.default_rng(3)
    x, W, b = rng.normal(size=(3, 7, 9)), rng.normal(size=(2, 3, 2, 2)), np.array([1.0, -2.0])
    z = conv2d(x, W, b, 2)
    assert np.shape(z) == (2, 3, 4)
    for k, i, j in np.ndindex(2, 3, 4):
        window = x[:, 2 * i : 2 * i + 2, 2 * j : 2 * j + 2]
        assert abs(z[k, i, j] - (window * W[k]).sum() - b[k]) < 1e-4
""",
        """
def is_right(conv2d):
    rng = np.random.default_rng(5)
    x, W, b = rng.integers(1, 9, (2, 5, 5)), rng.integers(1, 9, (2, 2, 2, 2)), np.array([3, 40])
    windows = np.lib.stride_tricks.sliding_window_view(x, (2, 2), axis=(1, 2))[:, ::3, ::3]
    expected = np.einsum("cijuv,kcuv->kij", windows, W) + b[:, None, None]
    return np.array_equal(np.round(conv2d(x, W, b, 3)), expected)
""",
    ],
}

WRONG = {
    "check_train": {
        "eval-mode": [
            train(mode="network.eval()"),
            train(mode="pass").replace("network(x[chosen])", "network.eval()(x[chosen])"),
        ],
        "no-zero-grad": [train(clear="pass"), train(clear="optimizer.zero_grad")],
        "sorted": [
            train(order="y.argsort().split(16)"),
            train(order="[np.flatnonzero(y == k) for k in range(3)]"),
        ],
        "softmax-twice": [
            train(logits="network(x[chosen]).softmax(dim=1)"),
            train(logits="torch.softmax(network(x[chosen]), dim=-1)"),
        ],
        "not-learned": [
            train(epochs="0"),
            train(optimizer="torch.optim.Adam(network.parameters(), lr=1e-7)"),
            train(optimizer="torch.optim.Adam(nn.Linear(2, 2).parameters(), lr=0.01)").replace(
                "optimizer.zero_grad()", "network.zero_grad()"
            ),
        ],
        "different": "train = 3",
        "raised": train(logits="network(x[chosen])[0]"),
    },
    "check_accuracy": {
        "training-mode": [
            measured(before="pass", after="pass"),
            measured(before="network.train()", after="pass"),
        ],
        "each-with-each": [
            measured(result="(answers[:, None] == y).float().mean().item()"),
            measured(answers="network(x).argmax(dim=1, keepdim=True)"),
        ],
        "wrong-axis": [
            measured(answers="network(x).argmax(dim=0)"),
            measured(answers="network(x).T.argmax(dim=1)"),
        ],
        "not-a-share": [
            measured(result="(answers == y).sum().item()"),
            measured(result="100 * (answers == y).float().mean().item()"),
        ],
        "mode-left": [
            measured(before="network.eval()", after="pass"),
            measured(before="network.eval()", after="network.train()"),
        ],
        "gradients": [
            measured().replace("with torch.no_grad()", "if True"),
            measured(answers="network(x).detach().argmax(dim=1)").replace(
                "with torch.no_grad()", "if True"
            ),
        ],
        "different": [
            measured(result="answers == y"),
            measured().replace("return", "found ="),
            measured(result="'all'"),
            measured(result="(answers != y).float().mean()"),
        ],
        "raised": "def accuracy(network, x, y):\n    return network.accuracy(x, y)",
    },
    "check_faults": {
        "not-in-list": ["faults = [0, 6, 4]", "faults = [3, 6, 9]", "faults = [3, 6, 4.5]"],
        "run-p": ["faults = [1, 6, 4]", "faults = [7, 6, 4]"],
        "run-q": ["faults = [3, 7, 4]", "faults = [3, 8, 4]"],
        "run-r": ["faults = [3, 6, 1]", "faults = [3, 6, 2]"],
        "different": ["faults = [3, 6]", "faults = 3", "faults = ['3', '6', '4']"],
    },
    "check_is_right": {
        "refuses-right": [
            is_right(X, W, B, compare="(found == expected).all()"),
            is_right(X, W, B, compare=CLOSE + " or found.dtype != np.float64"),
            "def is_right(conv2d):\n    return False",
        ],
        "refuses-nothing": [
            "def is_right(conv2d):\n    return True",
            "def is_right(f):\n    f(np.eye(2)[None], np.eye(2)[None, None], np.eye(1)[0], 1)",
        ],
        "passes-channels": [
            is_right(
                "rng.normal(size=(1, 6, 7))", "rng.normal(size=(3, 1, 2, 2))", B, compare=CLOSE
            ),
            is_right(X, W + " * [[[[1]], [[0]]]]", B, compare=CLOSE),
        ],
        "passes-kernel": [
            is_right(X, "np.ones((3, 2, 2, 2))", B, compare=CLOSE),
            is_right(
                X,
                "np.ones((3, 2, 3, 3)) * np.arange(1.0, 4)[:, None, None, None]",
                B,
                compare=CLOSE,
            ),
        ],
        "passes-bias": [
            is_right(X, W, "np.zeros(3)", compare=CLOSE),
            is_right(X, W, "np.full(3, 2.0)", compare=CLOSE),
        ],
        "passes-stride": [
            is_right(X, W, B, "(1,)", CLOSE),
            is_right("rng.normal(size=(2, 2, 2))", W, B, "(1, 2)", CLOSE),
        ],
        "different": [
            "is_right = True",
            "def is_right(conv2d):\n    return 'yes'",
        ],
        "raised": "def is_right(conv2d):\n    return conv2d(1)",
    },
}


def _train(train, rng):
    """What is seen of a training: whether it learned, in which mode, and its batches."""
    x, y = noisy_images()
    network = RecordingNetwork(x, y)
    train(network, x, y, 20)
    learned = (network.eval()(x).argmax(dim=1) == y).float().mean().item() >= 0.9
    return str((learned, all(network.in_training), network.added_up))


_train.cheap = False


def _accuracy(accuracy, rng):
    """The accuracies of the check's own networks in both modes, and the modes left behind."""
    found = []
    for answers, labels, classes in EVALUATIONS:
        for training in (True, False):
            network = ModeDependentLogits(prepared_logits(answers, classes)).train(training)
            x = torch.arange(len(answers)).float()[:, None]
            number = accuracy(network, x, torch.tensor(labels))
            found.append((float(number), network.training, network.built_graph))
    return str(found)


def _is_right(is_right, rng):
    """Which of the versions pass."""

    def passes(version):
        try:
            return is_right(version) in (None, True)
        except Exception:
            return False

    right = [passes(version) for version in RIGHT_VERSIONS.values()]
    return str((right, [passes(version) for _, _, version in wrong_versions()]))


_is_right.cheap = False

#: What an answer does on one random sample. A mutant that does the same is no wrong answer.
BEHAVIOUR = {
    "check_train": _train,
    "check_accuracy": _accuracy,
    "check_faults": lambda faults, rng: faults,
    "check_is_right": _is_right,
}
#: Checks of things that have one form only.
RESULT_AS_IT_IS = ["check_train", "check_is_right"]
