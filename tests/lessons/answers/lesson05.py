"""Answers to the exercises of lesson 05, right ones and wrong ones by code."""

import numpy as np
import torch

RIGHT = {
    "check_denormalise": [
        """
def denormalise(x, mean, std):
    return mean + std * x
""",
        """
def denormalise(x, mean, std):
    return [[[value * std + mean for value in row] for row in rows] for rows in x.tolist()]
""",
        """
def denormalise(x, mean, std):
    from torchvision.transforms import Normalize
    return Normalize((-mean / std,), (1 / std,))(x).clamp(0, 1)
""",
        """
def denormalise(x, mean, std):
    x *= std
    x += mean
    return x.numpy().astype(np.float64)
""",
    ],
    "check_class_ink": [
        """
def class_ink(images, labels):
    return [images[labels == c].mean() for c in range(10)]
""",
        """
def class_ink(images, labels):
    ink = images.mean(dim=(1, 2, 3))
    sums = torch.zeros(10).index_add_(0, labels, ink)
    return (sums / torch.bincount(labels)).numpy()
""",
        """
def class_ink(images, labels):
    return tuple(float(np.mean(images.numpy()[labels.numpy() == c])) for c in range(10))
""",
    ],
    "check_padded_size": [
        "padded_size = lambda size, padding: padding + size + padding",
        """
def padded_size(size, padding):
    return np.float64(size + 2 * padding)
""",
        """
def padded_size(size, padding):
    return torch.nn.functional.pad(torch.zeros(size), (padding, padding)).numel()
""",
    ],
}

_DENORMALISE = "def denormalise(x, mean, std):\n    return "

_CLASS_INK = """
def class_ink(images, labels):
    ink = []
    for c in range(10):
        STEP
    return ink
"""

WRONG = {
    "check_denormalise": {
        "order": [
            _DENORMALISE + "(x + mean) * std",
            "def denormalise(x, mean, std):\n    x += mean\n    return x.numpy() * std",
        ],
        "sign": [_DENORMALISE + "x * std - mean", _DENORMALISE + "std * (x - mean)"],
        "divided-again": [
            _DENORMALISE + "x / std + mean",
            _DENORMALISE + "(x + mean) / std",
            """
def denormalise(x, mean, std):
    from torchvision.transforms import Normalize
    return Normalize((mean,), (std,))(x)
""",
        ],
        "offset": _DENORMALISE + "x * std + mean + 1",
        "not-rounded": _DENORMALISE + "(x * std + mean).round()",
        "argument-unused": [
            _DENORMALISE + "x * std + 0.25",
            _DENORMALISE + "x + mean",
            _DENORMALISE + "(x - x.min()) / (x.max() - x.min())",
        ],
        "different": [
            _DENORMALISE + "x * mean + std",
            _DENORMALISE + "(x * std + mean).clamp(0.2, 1)",
            _DENORMALISE + "x * std + (mean if x.min() < 0 else -mean)",
            _DENORMALISE + "(x * std + mean) ** 2 + x",
        ],
        "shape": _DENORMALISE + "torch.stack([x * std + mean] * 3)",
        "none": "def denormalise(x, mean, std):\n    x * std + mean",
        "raised": """
def denormalise(x):
    return x * 0.5 + 0.5
""",
    },
    "check_class_ink": {
        "mean-image": [
            """
def class_ink(images, labels):
    return torch.stack([images[labels == c].mean(dim=0) for c in range(10)])
""",
            """
def class_ink(images, labels):
    sums = torch.zeros(10, 1, 28, 28).index_add_(0, labels, images)
    return sums / torch.bincount(labels).view(-1, 1, 1, 1)
""",
        ],
        "each-image": [
            """
def class_ink(images, labels):
    return torch.stack([images[labels == c].mean(dim=(1, 2, 3)) for c in range(10)])
""",
            """
def class_ink(images, labels):
    return images.flatten(1).mean(dim=1)
""",
        ],
        "argument-unused": [
            """
def class_ink(images, labels):
    return [images.mean() for c in range(10)]
""",
            _CLASS_INK.replace("STEP", "ink.append(images[c].mean())"),
        ],
        "factor": _CLASS_INK.replace("STEP", "ink.append(images[labels == c].mean() * 255)"),
        "parts-wrong": _CLASS_INK.replace("STEP", "ink.append(images[labels == c][0].mean())"),
        "reversed": _CLASS_INK.replace("STEP", "ink.insert(0, images[labels == c].mean())"),
        "order": """
def class_ink(images, labels):
    return sorted(images[labels == c].mean() for c in range(10))
""",
        "shape": _CLASS_INK.replace("range(10)", "range(9)").replace(
            "STEP", "ink.append(images[labels == c].mean())"
        ),
        "different": [
            """
def class_ink(images, labels):
    return [images[labels == c].sum() for c in range(10)]
""",
            """
def class_ink(images, labels):
    return [images[labels == c].sum() / (len(images) / 10 * 784) for c in range(10)]
""",
            _CLASS_INK.replace("STEP", "ink.append(images[labels == c].median())"),
            _CLASS_INK.replace("STEP", "ink.append((images[labels == c] > 0.5).float().mean())"),
            _CLASS_INK.replace("STEP", "x = images[labels == c]; ink.append(x[x > 0.01].mean())"),
        ],
        "raised": """
def class_ink(images, labels):
    return images.groupby(labels).mean()
""",
    },
    "check_padded_size": {
        "counted-once": [
            """
def padded_size(size, padding):
    return size + padding
""",
            """
def padded_size(size, padding):
    return torch.nn.functional.pad(torch.zeros(size), (padding, 0)).numel()
""",
        ],
        "squared": """
def padded_size(size, padding):
    return (size + 2 * padding) ** 2
""",
        "only-where": "padded_size = lambda size, padding: size + padding**2",
        "argument-unused": "padded_size = lambda size, padding: size + 4",
        "different": [
            "padded_size = lambda size, padding: size + 4 * padding",
            "padded_size = lambda size, padding: size - 2 * padding",
            "padded_size = lambda size, padding: 2 * (size + padding)",
        ],
        "raised": """
def padded_size(size, padding):
    return size + undefined
""",
    },
}


def _denormalise(denormalise, rng):
    mean, std = rng.uniform(0.1, 0.9, size=2).tolist()
    pixels = torch.tensor(rng.uniform(size=(1, *rng.integers(1, 9, size=2))), dtype=torch.float32)
    return denormalise((pixels - mean) / std, mean, std)


def _class_ink(class_ink, rng):
    labels = np.concatenate([np.arange(10), rng.integers(0, 10, size=rng.integers(1, 9))])
    images = torch.tensor(rng.uniform(size=(len(labels), 1, 28, 28)), dtype=torch.float32)
    return class_ink(images, torch.tensor(rng.permutation(labels)))


def _padded_size(padded_size, rng):
    return padded_size(int(rng.integers(1, 99)), int(rng.integers(0, 9)))


#: What an answer does on one random sample. A mutant that does the same is no wrong answer.
BEHAVIOUR = {
    "check_denormalise": _denormalise,
    "check_class_ink": _class_ink,
    "check_padded_size": _padded_size,
}
