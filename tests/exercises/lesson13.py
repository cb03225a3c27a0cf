"""Answers to the exercises of lesson 13, right ones and wrong ones by code."""


def dropout(train: str, test: str = "a", *, keep: str = "torch.rand(a.shape) >= p") -> str:
    """A my_dropout that returns one expression in training and one in evaluation."""
    return (
        f"def my_dropout(a, p, training):\n    if not training:\n        return {test}\n"
        f"    kept = {keep}\n    return {train}\n"
    )


def window(inside: str, *, start: str = "max(0, i - size // 2)", end: str = "i + size // 2 + 1"):
    """A my_lrn whose denominator is an expression of w, the window."""
    return (
        "def my_lrn(a, size, alpha, beta, k):\n    b = torch.zeros_like(a)\n"
        "    for i in range(len(a)):\n"
        f"        w = a[{start}:{end}]\n"
        f"        b[i] = a[i] / ({inside}) ** beta\n    return b\n"
    )


def count(expression: str) -> str:
    return f"def grouped_parameters(i, o, k, g):\n    return {expression}"


GOOD = "a * kept / (1 - p)"
SUM = "k + alpha / size * (w**2).sum()"

RIGHT = {
    "check_my_dropout": [
        dropout(GOOD),
        dropout(GOOD).replace(" a * kept", " (a * kept).double().numpy()"),
        dropout("torch.where(kept, a, 0) / (1 - p)", keep="torch.rand_like(a) < 1 - p"),
        dropout("(a * kept / (1 - p)).tolist()", "a.tolist()"),
        dropout("a.numpy() * kept / (1 - p)", keep="np.random.rand(*a.shape) > p"),
        dropout("a * kept", keep="torch.bernoulli(torch.full_like(a, 1 - p)) / (1 - p)"),
        "def my_dropout(a, p, training):\n    if training:\n        a = a.clone()\n"
        "        a[torch.rand(a.shape) < p] = 0\n        a /= 1 - p\n    return a",
        "my_dropout = torch.nn.functional.dropout",
    ],
    "check_my_lrn": [
        window(SUM),
        window("k + alpha * (w**2).sum() / size", end="min(len(a), i + size // 2 + 1)"),
        "def my_lrn(a, size, alpha, beta, k):\n    n = len(a)\n"
        "    return [float(a[i]) / (k + alpha / size * sum(float(a[j])**2 for j in range(n)"
        " if abs(i - j) <= size // 2)) ** beta for i in range(n)]",
        "def my_lrn(a, size, alpha, beta, k):\n    s = np.asarray(a, float) ** 2\n"
        "    s = np.convolve(s, np.ones(size), mode='same')\n"
        "    return np.asarray(a) * (k + alpha * s / size) ** -beta",
        "def my_lrn(a, size, alpha, beta, k):\n"
        "    return nn.LocalResponseNorm(size, alpha, beta, k)(a.view(1, -1, 1, 1))",
        "def my_lrn(a, size, alpha, beta, k):\n"
        "    s = nn.functional.pad(a**2, (size // 2, size // 2)).unfold(0, size, 1).mean(1)\n"
        "    return a / (k + alpha * s) ** beta",
    ],
    "check_grouped_parameters": [
        count("o * (i // g * k**2 + 1)"),
        count("o * (i / g * k**2 + 1)"),
        count("torch.tensor(i * o * k * k // g + o)"),
        count("g * (i // g * (o // g) * k * k + o // g)"),
        count("sum(w.numel() for w in nn.Conv2d(i, o, k, groups=g).parameters())"),
    ],
}

WRONG = {
    "check_my_dropout": {
        "no-rescaling": [dropout("a * kept"), dropout("torch.where(kept, a, 0 * a)")],
        "papers-form": dropout("a * kept", "a * (1 - p)"),
        "active-in-evaluation": [
            f"def my_dropout(a, p, training):\n    kept = torch.rand(a.shape) >= p\n"
            f"    return {GOOD}",
            "def my_dropout(a, p, training):\n    return nn.Dropout(p)(a)",
            dropout("a", "a * (torch.rand(a.shape) >= p) / (1 - p)"),
            "def my_dropout(a, p, training):\n    return a * (torch.rand(a.shape) >= p)",
        ],
        "rescaled-in-both": [dropout(GOOD, "a * (1 - p)"), dropout(GOOD, "a / (1 - p)")],
        "share-swapped": [
            dropout(GOOD, keep="torch.rand(a.shape) < p"),
            dropout("a * kept / p", keep="torch.rand(a.shape) < p"),
        ],
        "divided-by-p": dropout("a * kept / p"),
        "one-draw-for-many": [
            dropout(GOOD, keep="torch.rand(a.shape[1]) >= p"),
            dropout(GOOD, keep="torch.rand(len(a), 1) >= p"),
        ],
        "the-same-every-time": [
            dropout(GOOD).replace("    kept", "    torch.manual_seed(0)\n    kept"),
            dropout(GOOD, keep="torch.rand(a.shape, generator=torch.manual_seed(1)) >= p"),
        ],
        "different": [
            dropout("a"),
            dropout("a + kept"),
            dropout("a[kept]"),
            dropout(GOOD, "None"),
            dropout("a * kept * 3"),
            dropout(GOOD, keep="torch.rand(a.shape) >= p / 2"),
            dropout("a * 0"),
            dropout("a / (1 - p)"),
            "my_dropout = 0.5",
        ],
        "raised": dropout(GOOD, keep="torch.rand(a) >= p"),
    },
    "check_my_lrn": {
        "window-off-the-edge": [
            window(SUM, start="i - size // 2"),
            "def my_lrn(a, size, alpha, beta, k):\n    s = 0\n"
            "    for d in range(-(size // 2), size // 2 + 1):\n"
            "        s = s + torch.roll(a, d) ** 2\n"
            "    return a / (k + alpha / size * s) ** beta",
            "def my_lrn(a, size, alpha, beta, k):\n    b = torch.zeros_like(a)\n"
            "    for i in range(len(a)):\n        s = 0\n"
            "        for j in range(i - size // 2, i + size // 2 + 1):\n"
            "            if j < len(a):\n                s += a[j] ** 2\n"
            "        b[i] = a[i] / (k + alpha / size * s) ** beta\n    return b",
        ],
        "alpha-not-divided": window("k + alpha * (w**2).sum()"),
        "divided-by-fewer-at-the-ends": [
            window("k + alpha * (w**2).mean()"),
            window("k + alpha / len(w) * (w**2).sum()"),
        ],
        "not-squared": [
            window("k + alpha / size * w.sum()"),
            window("k + alpha / size * w.sum() + 0 * alpha"),
        ],
        "window-too-short": window(SUM, end="i + size // 2"),
        "all-maps": window(SUM.replace("w", "a")),
        "not-multiplied": window(SUM).replace("a[i] / (", "("),
        "exponent-forgotten": window(SUM).replace("** beta", ""),
        "k-outside-the-power": [
            "def my_lrn(a, size, alpha, beta, k):\n    b = torch.zeros_like(a)\n"
            "    for i in range(len(a)):\n"
            "        w = a[max(0, i - size // 2) : i + size // 2 + 1]\n"
            "        b[i] = a[i] / (k + (alpha / size * (w**2).sum()) ** beta)\n    return b",
        ],
        "sum-squared": window("k + alpha / size * w.sum() ** 2"),
        "changed-in-place": window(SUM).replace("torch.zeros_like(a)", "a"),
        "different": [
            window(SUM).replace("return b", "return b.sum()"),
            window(SUM).replace("    return b", ""),
            window("1 + alpha / size * (w**2).sum()"),
            "my_lrn = [1, 2]",
        ],
        "raised": [
            window("k + alpha / n * (w**2).sum()"),
            "def my_lrn(a, size, alpha, beta, k):\n    n = len(a)\n"
            "    return [a[i] + a[i + size] for i in range(n)]",
        ],
    },
    "check_grouped_parameters": {
        "biases-halved": [
            count("o * i * k**2 // g + o // g"),
            count("(o * i * k**2 + o) / g"),
        ],
        "only-outputs-divided": [
            count("g * (o // g) * (i * k**2 + 1)"),
            count("o * (i * k**2 + 1)"),
        ],
        "both-divided": [
            count("(i // g) * (o // g) * k**2 + o"),
            count("o // g * (i // g * k**2 + 1)"),
        ],
        "biases-forgotten": count("o * (i // g) * k**2"),
        "kernel-not-squared": count("o * (i // g * k + 1)"),
        "different": [
            count("o * (i * g * k**2 + 1)"),
            count("print(i)"),
            "grouped_parameters = 614656",
        ],
        "raised": count("o * (maps_in // g * k**2 + 1)"),
    },
}
