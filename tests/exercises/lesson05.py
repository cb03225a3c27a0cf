"""Answers to the exercises of lesson 05, right ones and wrong ones by code."""

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
    return x.numpy().astype(np.float16)
""".replace("float16", "float32"),
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

WRONG = {
    "check_denormalise": {
        "order": """
def denormalise(x, mean, std):
    return (x + mean) * std
""",
        "sign": """
def denormalise(x, mean, std):
    return x * std - mean
""",
        "twice": """
def denormalise(x, mean, std):
    return (x - mean) / std
""",
        "divided-again": """
def denormalise(x, mean, std):
    return x / std + mean
""",
        "different": """
def denormalise(x, mean, std):
    return (x - mean) * std
""",
        "raised": """
def denormalise(x):
    return x * 0.5 + 0.5
""",
    },
    "check_class_ink": {
        "mean-image": """
def class_ink(images, labels):
    return torch.stack([images[labels == c].mean(dim=0) for c in range(10)])
""",
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
        "all-classes": """
def class_ink(images, labels):
    return [images.mean() for c in range(10)]
""",
        "different": [
            """
def class_ink(images, labels):
    return [images[labels == c].sum() for c in range(10)]
""",
            """
def class_ink(images, labels):
    return [images[labels == c].sum() / (len(images) / 10 * 784) for c in range(10)]
""",
        ],
        "raised": """
def class_ink(images, labels):
    return images.groupby(labels).mean()
""",
    },
    "check_padded_size": {
        "counted-once": """
def padded_size(size, padding):
    return size + padding
""",
        "both-axes": """
def padded_size(size, padding):
    return size + 4 * padding
""",
        "different": """
def padded_size(size, padding):
    return (size + 2 * padding) ** 2
""",
        "raised": """
def padded_size(size, padding):
    return size + undefined
""",
    },
}
