"""Answers to the exercises of lesson 16, right ones and wrong ones by code."""

import torch

from course_utils.exercises.lesson16 import noisy_images, trained_network


def head(*before: str, after: str = "", mode: str = "eval", steps: int = 100) -> str:
    """A new_head: some lines, a training in some mode, some more lines."""
    lines = [
        *before,
        f"network.{mode}()",
        f"for _ in range({steps}):",
        "    optimizer.zero_grad()",
        "    loss = nn.functional.cross_entropy(network(x), y)",
        "    loss.backward()",
        "    optimizer.step()",
        *after.splitlines(),
        "return network",
    ]
    return "def new_head(network, classes, x, y):\n" + "\n".join(f"    {line}" for line in lines)


NEW = "network.head = nn.Linear(16, classes)"
ADAM = "optimizer = torch.optim.Adam({}, lr=0.01)"
OF_HEAD = ADAM.format("network.head.parameters()")
FREEZE = "network.features.requires_grad_(False)"


def split(*lines: str) -> str:
    return "def split(labels, n):\n" + "\n".join(f"    {line}" for line in lines)


BY_CLASS = (
    "few = []",
    "for label in labels.unique():",
    "    few += (labels == label).nonzero().flatten()[:n].tolist()",
)
OTHERS = "[i for i in range(len(labels)) if i not in few]"

RIGHT = {
    "check_new_head": [
        head(FREEZE, NEW, OF_HEAD),
        head(NEW, OF_HEAD),
        head(FREEZE, NEW, ADAM.format("network.parameters()")),
        head(
            "network.requires_grad_(False)",
            "network.head = nn.Linear(network.head.in_features, classes)",
            ADAM.format("[p for p in network.parameters() if p.requires_grad]"),
        ),
        head(NEW, "optimizer = torch.optim.SGD(network.head.parameters(), lr=0.1, momentum=0.9)"),
        head(NEW, "optimizer = torch.optim.AdamW(network.head.parameters(), lr=0.02)"),
        head(
            NEW,
            "network.features[1].momentum = 0.0",
            "network.features.requires_grad_(False)",
            OF_HEAD,
            mode="train",
        ),
        head(
            "network = nn.Sequential(network.features, nn.Linear(16, classes))",
            ADAM.format("network[1].parameters()"),
        ),
        head(
            "network = nn.Sequential(*network.features, nn.Linear(16, classes))",
            ADAM.format("network[-1].parameters()"),
        ),
        head("import copy", "network = copy.deepcopy(network)", NEW, OF_HEAD),
        head(NEW, OF_HEAD, after="network.train()"),
        """
def new_head(network, classes, x, y):
    network.eval()
    with torch.no_grad():
        h = network.features(x)
    head = nn.Linear(16, classes)
    optimizer = torch.optim.LBFGS(head.parameters(), max_iter=50)
    def closure():
        optimizer.zero_grad()
        loss = nn.functional.cross_entropy(head(h), y)
        loss.backward()
        return loss
    optimizer.step(closure)
    network.head = head
    return network
""",
        """
def new_head(network, classes, x, y):
    network.eval()
    network.head = nn.Linear(16, classes)
    for _ in range(200):
        loss = nn.functional.cross_entropy(network(x), y)
        gradients = torch.autograd.grad(loss, [*network.head.parameters()])
        with torch.no_grad():
            for p, g in zip(network.head.parameters(), gradients):
                p -= 0.3 * g
    return network
""",
        """
def new_head(network, classes, x, y):
    network.eval()
    network.head = nn.Linear(16, classes)
    with torch.no_grad():
        h = network.features(x)
        h = torch.cat([h, torch.ones(len(h), 1)], dim=1)
        W = torch.linalg.lstsq(h, nn.functional.one_hot(y, classes).float()).solution
        network.head.weight.copy_(W[:-1].T)
        network.head.bias.copy_(W[-1])
    return network
""",
    ],
    "check_split": [
        split(*BY_CLASS, f"return few, {OTHERS}"),
        """
def split(labels, n):
    few = torch.zeros(len(labels), dtype=torch.bool)
    for label in labels.unique():
        few[(labels == label).nonzero().flatten()[:n]] = True
    return few, ~few
""",
        """
def split(labels, n):
    few = torch.zeros(len(labels), dtype=torch.bool)
    for label in labels.unique():
        few[(labels == label).nonzero().flatten()[-n:]] = True
    return few.nonzero().flatten(), (~few).nonzero()
""",
        """
def split(labels, n):
    few, rest, counts = [], [], {}
    for i, label in enumerate(labels.tolist()):
        counts[label] = counts.get(label, 0) + 1
        (few if counts[label] <= n else rest).append(i)
    return few, rest
""",
        """
def split(labels, n):
    labels = labels.numpy()
    few = np.concatenate([np.flatnonzero(labels == c)[:n] for c in np.unique(labels)])
    return few, np.setdiff1d(np.arange(len(labels)), few)
""",
        """
def split(labels, n):
    few = set()
    for c in range(10):
        here = (labels == c).nonzero().flatten()
        few |= set(here[torch.randperm(len(here))[:n]].tolist())
    return few, set(range(len(labels))) - few
""",
        """
def split(labels, n):
    order = torch.randperm(len(labels)).tolist()
    few, rest = [], []
    for i in order:
        same = sum(1 for j in few if labels[j] == labels[i])
        (few if same < n else rest).append(i)
    return [few, rest]
""",
    ],
    "check_reading": [
        "reading = (500, 11.2)",
        "reading = [500, 87.2 - 76.0]",
        "reading = torch.tensor([500, 11.2])",
        "reading = np.array([500.0, 11.2])",
        "reading = (500, 0.112)",
    ],
}

WRONG = {
    "check_new_head": {
        "optimiser-empty": [
            head(
                NEW,
                "network.requires_grad_(False)",
                ADAM.format("[p for p in network.parameters() if p.requires_grad]"),
            ),
            head(NEW, ADAM.format("[]")),
            head(
                "network.requires_grad_(False)",
                ADAM.format("filter(lambda p: p.requires_grad, network.parameters())"),
                NEW,
            ),
        ],
        "old-head": [
            head(FREEZE, OF_HEAD),
            head(FREEZE, "head = nn.Linear(16, classes)", OF_HEAD),
            head("network.fc = nn.Linear(16, classes)", OF_HEAD),
            head(FREEZE, NEW.replace("classes", "classes + 1"), OF_HEAD),
        ],
        "features-trained": [
            head(NEW, ADAM.format("network.parameters()")),
            head(NEW, ADAM.format("network.parameters()"), mode="train"),
            head(
                "network.features.required_grad = False", NEW, ADAM.format("network.parameters()")
            ),
            head(
                FREEZE,
                NEW,
                "for p in network.parameters(): p.requires_grad = True",
                ADAM.format("network.parameters()"),
            ),
            head(
                "network.features[0].requires_grad_(False)",
                NEW,
                ADAM.format("[p for p in network.parameters() if p.requires_grad]"),
            ),
        ],
        "statistics-moved": [
            head(FREEZE, NEW, OF_HEAD, mode="train"),
            head(NEW, OF_HEAD, mode="train"),
            head(FREEZE, NEW, ADAM.format("network.parameters()"), mode="train"),
            head("network(x)", FREEZE, NEW, OF_HEAD),
        ],
        "head-still": [
            head(OF_HEAD, NEW),
            head(FREEZE, NEW, OF_HEAD, steps=0),
            head(FREEZE, OF_HEAD, after=NEW),
            head(FREEZE, NEW, OF_HEAD.replace("0.01", "1e-6")),
        ],
        "different": [
            head(FREEZE, NEW, OF_HEAD).replace("return network", "return loss"),
            head(FREEZE, NEW, OF_HEAD).replace("return network", ""),
            head(FREEZE, NEW.replace("classes", "classes + 2"), OF_HEAD),
            head(
                "network = nn.Sequential(nn.Flatten(), nn.Linear(64, classes))",
                ADAM.format("network.parameters()"),
            ),
            "new_head = 3",
        ],
        "raised": [
            head("network.requires_grad_(False)", OF_HEAD),
            head(FREEZE, NEW.replace("16", "84"), OF_HEAD),
            head("network.freeze()"),
        ],
    },
    "check_split": {
        "out-of-range": [
            split(
                *BY_CLASS,
                "return [i + 1 for i in few], [0, len(labels)]",
            ),
            split(*BY_CLASS, "return few, range(len(labels) + 1)"),
        ],
        "twice": [
            split(
                "few = []",
                "for label in labels.tolist():",
                "    few += (labels == label).nonzero().flatten()[:n].tolist()",
                f"return few, {OTHERS}",
            ),
            split(
                "few = [i for i in range(len(labels)) if i < n for _ in range(2)]",
                f"return few, {OTHERS}",
            ),
        ],
        "in-both": [
            split(*BY_CLASS, "return few, list(range(len(labels)))"),
            split(*BY_CLASS, f"return few, {OTHERS} + few[:1]"),
        ],
        "class-missing": [
            split(
                "few = []",
                "for label in range(labels.max()):",
                "    few += (labels == label).nonzero().flatten()[:n].tolist()",
                f"return few, {OTHERS}",
            ),
            split(
                "few = []",
                "for label in range(len(labels.unique())):",
                "    few += (labels == label).nonzero().flatten()[:n].tolist()",
                f"return few, {OTHERS}",
            ),
            split("few = list(range(n * len(labels.unique())))", f"return few, {OTHERS}"),
        ],
        "n-altogether": [
            split("return range(n), range(n, len(labels))"),
            split("order = torch.randperm(len(labels))", "return order[:n], order[n:]"),
        ],
        "not-n-of-each": [
            split(*BY_CLASS, f"return few[:-1] if len(labels) > 5 else few, {OTHERS}").replace(
                "[:n]", "[:n + 1]"
            ),
            split(
                "few = []",
                "for label in labels.unique():",
                "    few += (labels == label).nonzero().flatten()[: n + 1].tolist()",
                f"return few, {OTHERS}",
            ),
        ],
        "lost": [
            split(
                *BY_CLASS, "return few, [i for i in range(max(few), len(labels)) if i not in few]"
            ),
            split(*BY_CLASS, f"return few, {OTHERS}[1:]"),
        ],
        "different": [
            split(*BY_CLASS, "return few"),
            split("return labels"),
            split("return 'few', 'rest'"),
            split("return labels[:, None].float() + 0.5, []"),
        ],
        "raised": split("return labels.split_by_class(n)"),
    },
    "check_reading": {
        "read-training": ["reading = (50, -2)", "reading = (50, 33.5)"],
        "too-few": ["reading = (200, 20.1)", "reading = (100, 27.1)"],
        "not-smallest": ["reading = (1000, 5.9)", "reading = (5000, 0.5)"],
        "between-columns": ["reading = (470, 11.2)", "reading = (450, 12)"],
        "transfer-of-50": ["reading = (500, 1.5)", "reading = (500, 74.5 - 76.0)"],
        "training-points": ["reading = (500, -5.7)", "reading = (500, 5.7)"],
        "ratio": ["reading = (500, 87.2 / 76)", "reading = (500, 14.74)", "reading = (500, 12.84)"],
        "sign": ["reading = (500, 76.0 - 87.2)", "reading = (500, -11.2)"],
        "different": [
            "reading = 500",
            "reading = (500, 3)",
            "reading = (11.2, 500)",
            "reading = ('500', '11.2')",
        ],
    },
}


def _new_head(new_head, rng):
    """What is left of the features, and whether the head has learned."""
    found = []
    for classes in (3, 6):
        x, y = noisy_images(classes)
        network = new_head(trained_network(), classes, x, y)
        features = [*network.state_dict().values()][:6]
        logits = network.eval()(x)
        learned = str((tuple(logits.shape), bool((logits.argmax(dim=1) == y).float().mean() > 0.9)))
        found += [torch.cat([value.flatten() for value in features]), learned]
    return tuple(found)


_new_head.cheap = False


def _split(split, rng):
    """How many of each class are in the first part, and whether the rest is all others."""
    labels = torch.tensor(rng.choice(rng.choice(12, size=4, replace=False), size=40))
    n = int(labels.unique(return_counts=True)[1].min())
    few, rest = ([int(i) for i in part] for part in split(labels, n))
    counts = {c: [labels[i].item() for i in few].count(c) for c in labels.unique().tolist()}
    return str((counts, n, sorted(few + rest) == list(range(40))))


#: What an answer does on one random sample. A mutant that does the same is no wrong answer.
BEHAVIOUR = {
    "check_new_head": _new_head,
    "check_split": _split,
    "check_reading": lambda reading, rng: reading,
}
#: Checks of things that have one form only: a network, lists of indices.
RESULT_AS_IT_IS = ["check_new_head", "check_split"]
