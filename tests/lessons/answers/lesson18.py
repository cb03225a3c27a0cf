"""Answers to the exercises of lesson 18, right ones and wrong ones by code."""

import numpy as np

from course_utils.exercises.lesson18 import Valley


def spread(line: str, top: str = "i * stride", left: str = "j * stride") -> str:
    """A loop over the windows, with what is done at each."""
    return f"""
def avg_pool_backward(x, dy, size, stride):
    dx = np.zeros(np.shape(x))
    for i, j in np.ndindex(dy.shape):
        top, left = {top}, {left}
        window = np.s_[top : top + size, left : left + size]
        {line}
    return dx
"""


def numerical(*lines: str, start: str = "h, dx = 1e-5, np.zeros(x.shape)") -> str:
    """A loop over the numbers of x, with what is done at each."""
    body = "\n".join(f"        {line}" for line in lines)
    return f"""
def numerical_gradient(loss, x):
    {start}
    for place in np.ndindex(x.shape):
{body}
    return dx
"""


COPIES = ("up, down = x.copy(), x.copy()", "up[place] += h", "down[place] -= h")
BETWEEN = "dx[place] = (loss(up) - loss(down)) / (2 * h)"

RIGHT = {
    "check_products": [
        "products = [416_520, 715_440]",
        "products = (416_520.0, 2 * 416_520 - 117_600)",
        """
forward = np.array([117_600, 240_000, 48_000, 10_080, 840])
products = np.array([forward.sum(), forward.sum() + forward[1:].sum()])
""",
        "products = torch.tensor([416_520, 715_440])",
    ],
    "check_avg_pool_backward": [
        spread("dx[window] += dy[i, j] / size**2"),
        spread("dx[window] += np.ones((size, size)) * dy[i, j] / (size * size)"),
        """
def avg_pool_backward(x, dy, size, stride):
    x = torch.tensor(x, requires_grad=True)
    y = nn.functional.avg_pool2d(x[None], size, stride)
    y.backward(torch.tensor(dy)[None])
    return x.grad
""",
        """
def avg_pool_backward(x, dy, size, stride):
    dx, (rows, columns) = 0 * x, dy.shape
    for u in range(size):
        for v in range(size):
            down, across = stride * (rows - 1) + 1, stride * (columns - 1) + 1
            dx[u : u + down : stride, v : v + across : stride] += dy / size**2
    return dx
""",
        """
def avg_pool_backward(x, dy, size, stride):
    H, W = x.shape
    dx = [[0.0] * W for _ in range(H)]
    for i, row in enumerate(dy):
        for j, g in enumerate(row):
            for u in range(size):
                for v in range(size):
                    dx[i * stride + u][j * stride + v] += g / size / size
    return dx
""",
    ],
    "check_numerical_gradient": [
        numerical(*COPIES, BETWEEN),
        numerical(
            "kept = x[place]",
            "x[place] = kept + h",
            "above = loss(x)",
            "x[place] = kept - h",
            "dx[place] = (above - loss(x)) / (2 * h)",
            "x[place] = kept",
        ),
        """
def numerical_gradient(loss, x, h=1e-6):
    moved = np.eye(x.size).reshape(x.size, *x.shape) * h
    return np.array([loss(x + m) - loss(x - m) for m in moved]).reshape(x.shape) / h / 2
""",
        """
def numerical_gradient(loss, x):
    def by(k):
        step = np.zeros(x.size)
        step[k] = 1e-4
        step = step.reshape(x.shape)
        return (loss(x + step) - loss(x - step)) / 2e-4
    return torch.tensor([by(k) for k in range(x.size)]).reshape(x.shape)
""",
    ],
}

WRONG = {
    "check_products": {
        "first-layer": ["products = [416_520, 833_040]", "products = 416_520, 2 * 416_520"],
        "one-gradient": ["products = [416_520, 416_520]", "products = [416_520, 298_920]"],
        "forward-included": ["products = [416_520, 1_131_960]", "products = [416_520, 1_249_560]"],
        "parameters": ["products = [61_706, 123_412]", "products = [61_470, 61_470]"],
        "swapped": ["products = [715_440, 416_520]", "products = np.array([715440.0, 416520])"],
        "different": ["products = 416_520", "products = [1, 2]"],
    },
    "check_avg_pool_backward": {
        "not-divided": [
            spread("dx[window] += dy[i, j]"),
            spread("dx[window] += dy[i, j] / size"),
        ],
        "to-one": [
            spread("dx[top, left] += dy[i, j]"),
            spread("w = x[window]; dx[window] += dy[i, j] * (w == w.max()) / (w == w.max()).sum()"),
            spread("dx[top, left] += dy[i, j] / size**2"),
        ],
        "overwritten": [
            spread("dx[window] = dy[i, j] / size**2"),
            """
def avg_pool_backward(x, dy, size, stride):
    dx = np.zeros(x.shape)
    for i in range(len(dy)):
        for j in range(len(dy[0])):
            for u, v in np.ndindex(size, size):
                dx[i * stride + u, j * stride + v] = dy[i, j] / size / size
    return dx
""",
        ],
        "place": [
            spread("dx[window] += dy[i, j] / size**2", "i", "j"),
            spread("dx[window] += dy[i, j] / size**2", "0", "0"),
        ],
        "weighted": [
            spread("dx[window] += dy[i, j] * x[window] / size**2"),
            spread("dx[window] += dy[i, j] * x[window]"),
        ],
    },
    "check_numerical_gradient": {
        "same-array": [
            numerical("up = down = x", "up[place] += h", "down[place] -= h", BETWEEN),
            numerical("up, down = x, x", *COPIES[1:], BETWEEN),
            numerical(*COPIES, BETWEEN, start="h, dx = 1e-17, np.zeros(x.shape)"),
        ],
        "not-restored": [
            numerical(
                "x[place] += h",
                "above = loss(x)",
                "x[place] -= 2 * h",
                "dx[place] = (above - loss(x)) / (2 * h)",
            ),
            numerical("below = loss(x)", "x[place] += h", "dx[place] = (loss(x) - below) / h"),
        ],
        "not-halved": [
            numerical(*COPIES, "dx[place] = (loss(up) - loss(down)) / h"),
            numerical(*COPIES, "dx[place] = (loss(up) - loss(down)) / (4 * h)"),
        ],
        "sign": [
            numerical(*COPIES, "dx[place] = (loss(down) - loss(up)) / (2 * h)"),
            numerical(*COPIES, "dx[place] = -(loss(up) - loss(down)) / (2 * h)"),
        ],
        "not-divided": [
            numerical(*COPIES, "dx[place] = loss(up) - loss(down)"),
            numerical(*COPIES, "dx[place] = (loss(up) - loss(down)) * h"),
        ],
        "rows-moved": [
            """
def numerical_gradient(loss, x):
    h, dx = 1e-5, np.zeros(x.shape)
    for i in range(len(x)):
        up, down = x.copy(), x.copy()
        up[i] += h
        down[i] -= h
        dx[i] = (loss(up) - loss(down)) / (2 * h)
    return dx
""",
            """
def numerical_gradient(loss, x):
    h, dx = 1e-5, []
    for i in range(len(x)):
        up, down = x.copy(), x.copy()
        up[i] += h
        down[i] -= h
        dx.append((loss(up) - loss(down)) / (2 * h))
    return dx
""",
            """
def numerical_gradient(loss, x):
    h = 1e-5
    return (loss(x + h) - loss(x - h)) / (2 * h)
""",
            numerical(
                *COPIES[1:], BETWEEN, start="h, dx, up, down = 1e-5, 0 * x, x.copy(), x.copy()"
            ),
        ],
        "one-sided": [
            numerical(*COPIES, "dx[place] = (loss(up) - loss(x)) / h"),
            numerical(
                *COPIES, "dx[place] = (loss(x) - loss(down)) / h", start="h, dx = 1e-3, 0 * x"
            ),
            numerical(*COPIES, "dx[place] = (loss(up) - loss(x)) / h", start="h, dx = 1e-8, 0 * x"),
            numerical(*COPIES, "dx[place] = (loss(up) - loss(x)) / (2 * h)"),
        ],
        "step-size": [
            numerical(*COPIES, BETWEEN, start="h, dx = 0.1, np.zeros(x.shape)"),
            numerical(*COPIES, BETWEEN, start="h, dx = 1e-12, np.zeros(x.shape)"),
        ],
        "different": [
            """
def numerical_gradient(loss, x):
    h, dx = 1e-5, []
    for place in np.ndindex(x.shape):
        up, down = x.copy(), x.copy()
        up[place] += h
        down[place] -= h
        dx.append((loss(up) - loss(down)) / (2 * h))
    return dx
""",
            numerical(*COPIES, "dx[place] = (loss(up) + loss(down)) / (2 * h)"),
            "numerical_gradient = lambda loss, x: 2 * x",
        ],
    },
}


def _avg_pool_backward(function, rng) -> list:
    results = []
    for shape, size, stride in (((4, 5), 2, 1), ((7, 6), 3, 2), ((5, 5), 2, 3)):
        x = rng.normal(size=shape)
        sides = [(side - size) // stride + 1 for side in shape]
        results.append(np.asarray(function(x, rng.normal(size=sides), size, stride)))
    return results


def _numerical_gradient(function, rng) -> list:
    valley = Valley((2, 3), int(rng.integers(100)))
    x = valley.x.copy()
    return [np.asarray(function(valley, x)).round(4), x]


BEHAVIOUR = {
    "check_products": lambda products, rng: products,
    "check_avg_pool_backward": _avg_pool_backward,
    "check_numerical_gradient": _numerical_gradient,
}
