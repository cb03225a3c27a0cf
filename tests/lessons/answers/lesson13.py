"""Answers to the exercises of lesson 13, right ones and wrong ones by code."""

import numpy as np
import torch


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
        # exactly the share p, drawn anew each time: each value is off with about probability p
        "def my_dropout(a, p, training):\n    if not training:\n        return a\n"
        "    off = torch.rand(a.numel()).argsort() < int(p * a.numel() + torch.rand(1))\n"
        "    return a.masked_fill(off.view(a.shape), 0) / (1 - p)",
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
        "    return nn.LocalResponseNorm(size, alpha, beta, k)(a.view(1, -1, 1, 1)).flatten()",
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
        "papers-form": [
            dropout("a * kept", "a * (1 - p)"),
            dropout("a.masked_fill(~kept, 0)", "a - a * p"),
        ],
        "active-in-evaluation": [
            f"def my_dropout(a, p, training):\n    kept = torch.rand(a.shape) >= p\n"
            f"    return {GOOD}",
            "def my_dropout(a, p, training):\n    return nn.Dropout(p)(a)",
            "def my_dropout(a, p, training):\n    return a * (torch.rand(a.shape) >= p)",
            dropout(GOOD, "a * kept").replace(
                "    if", "    kept = torch.rand(a.shape) >= p\n    if"
            ),
        ],
        "changed-in-evaluation": [
            dropout(GOOD, "a * (1 - p)"),
            dropout(GOOD, "a / (1 - p)"),
            dropout(GOOD, "a + 1"),
        ],
        "nothing-off": [
            dropout("a"),
            dropout("a / (1 - p)"),
            # the two modes exchanged
            dropout("a", "a * (torch.rand(a.shape) >= p) / (1 - p)"),
        ],
        "share-swapped": [
            dropout(GOOD, keep="torch.rand(a.shape) < p"),
            dropout("a * kept / p", keep="torch.rand(a.shape) < p"),
        ],
        "wrong-factor": [
            dropout("a * kept / p"),
            dropout("a * kept * (1 - p)"),
            dropout("a * kept * 3"),
        ],
        "one-draw-for-many": [
            dropout(GOOD, keep="torch.rand(1) >= p"),
            dropout(GOOD, keep="torch.rand(*a.shape[:-1], 1) >= p"),
            dropout(
                GOOD,
                keep="torch.rand(a.shape if a.dim() < 3 else (*a.shape[:-1], 1)) >= p",
            ),
            dropout(
                GOOD,
                keep="torch.rand(a.shape[-1]) >= p if a.dim() > 1 else torch.rand(a.shape) >= p",
            ),
        ],
        "the-same-every-time": [
            dropout(GOOD).replace("    kept", "    torch.manual_seed(0)\n    kept"),
            dropout(GOOD, keep="torch.rand(a.shape, generator=torch.manual_seed(1)) >= p"),
            # no draw at all: the first ones
            dropout(GOOD, keep="(torch.arange(a.numel()) >= p * a.numel()).view(a.shape)"),
            dropout("a * 0"),
        ],
        "different": [
            dropout("a + 0.1 * kept"),
            dropout("a[kept]"),
            dropout("(a * kept / (1 - p)).relu()"),
            dropout("abs(a) * kept / (1 - p)"),
            dropout("(a * kept / (1 - p)).T"),
            dropout("(a * kept / (1 - p)).flatten()"),
            dropout(GOOD, "None"),
            dropout(GOOD, keep="torch.rand(a.shape) >= p / 2"),
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
        "alpha-not-divided": [
            window("k + alpha * (w**2).sum()"),
            "def my_lrn(a, size, alpha, beta, k):\n"
            "    norm = nn.LocalResponseNorm(size, alpha * size, beta, k)\n"
            "    return norm(a.view(1, -1, 1, 1)).flatten()",
        ],
        "divided-by-fewer-at-the-ends": [
            window("k + alpha * (w**2).mean()"),
            window("k + alpha / len(w) * (w**2).sum()"),
        ],
        "not-squared": [
            window("k + alpha / size * w.sum()"),
            window("k + alpha / size * w.sum() + 0 * alpha"),
        ],
        "wrong-window": [
            window(SUM, end="i + size // 2"),
            window(SUM.replace("w", "a")),
            "def my_lrn(a, size, alpha, beta, k):\n    b, half = a.clone(), size // 2\n"
            "    for i in range(len(a)):\n"
            "        maps = [j for j in range(i - half, i + half) if 0 <= j < len(a)]\n"
            "        b[i] /= (k + alpha / size * sum(a[j] ** 2 for j in maps)) ** beta\n"
            "    return b",
        ],
        "argument-unused": [
            window(SUM).replace("** beta", ""),
            window("1 + alpha / size * (w**2).sum()"),
        ],
        "sign-lost": window(SUM).replace("a[i] /", "abs(a[i]) /"),
        "none": window(SUM).replace("    return b", ""),
        "shape": window(SUM).replace("return b", "return b.sum()"),
        "different": [
            window(SUM).replace("a[i] / (", "("),
            window("k + alpha / size * w.sum() ** 2"),
            window(SUM).replace("torch.zeros_like(a)", "a"),
            window(SUM.replace("w**2", "w.relu()**2")),
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
        "biases-forgotten": [
            count("o * (i // g) * k**2"),
            count("nn.Conv2d(i, o, k, groups=g, bias=False).weight.numel()"),
        ],
        "only-where": [
            count("o * (i // g * k + 1)"),
            count("o * (i * g * k**2 + 1)"),
        ],
        "none": count("print(i)"),
        "different": [
            count("i * (o // g * k**2 + 1)"),
            "grouped_parameters = 614656",
        ],
        "raised": count("o * (maps_in // g * k**2 + 1)"),
    },
}


def _my_dropout(my_dropout, rng):
    """What is on, by how much, and what evaluation gives, of so many values that luck is out."""
    p = round(float(rng.uniform(0.1, 0.9)), 2)
    a = torch.tensor(rng.normal(size=(40, 30, 20)), dtype=torch.float32)
    first, second = (np.asarray(my_dropout(a, p, True)) for _ in range(2))
    ratio = (first / np.asarray(a)).round(3)
    factors = np.unique(ratio)
    share_off = round(float((ratio == 0).mean()), 1)
    same_again = bool(((first != 0) == (second != 0)).all())
    return factors[:3], len(factors), share_off, same_again, my_dropout(a, p, False)


def _my_lrn(my_lrn, rng):
    half = int(rng.integers(0, 4))
    a = torch.tensor(rng.normal(size=2 * half + 1 + rng.integers(0, 9)), dtype=torch.float32)
    return my_lrn(a, 2 * half + 1, *rng.uniform([0.1, 0.3, 0.5], [2, 2, 3]))


def _grouped_parameters(grouped_parameters, rng):
    groups, maps_in, maps_out, kernel = (int(n) for n in rng.integers(1, 8, size=4))
    return grouped_parameters(groups * maps_in, groups * maps_out, kernel, groups)


#: What an answer does on one random sample. A mutant that does the same is no wrong answer.
BEHAVIOUR = {
    "check_my_dropout": _my_dropout,
    "check_my_lrn": _my_lrn,
    "check_grouped_parameters": _grouped_parameters,
}
