"""Answers to the exercises of lesson 07, right ones and wrong ones by code."""

RIGHT = {
    "check_avg_pool": [
        """
def avg_pool(x, size, stride):
    windows = np.lib.stride_tricks.sliding_window_view(x, (size, size), axis=(1, 2))
    return windows[:, ::stride, ::stride].mean(axis=(-2, -1))
""",
        """
def avg_pool(x, size, stride):
    return torch.nn.functional.avg_pool2d(torch.tensor(x, dtype=torch.float32), size, stride)
""",
        """
def avg_pool(x, size, stride):
    def pool_one(image):
        rows = range(0, len(image) - size + 1, stride)
        columns = range(0, len(image[0]) - size + 1, stride)
        return [
            [sum(sum(row[j : j + size]) for row in image[i : i + size]) / size**2 for j in columns]
            for i in rows
        ]

    return tuple(pool_one(image) for image in x.tolist())
""",
        """
def avg_pool(x, size, stride):
    x = torch.from_numpy(x).unfold(1, size, stride).unfold(2, size, stride)
    return [image.mean(dim=(-2, -1)) for image in x]
""",
        """
def avg_pool(x, size, stride):
    sums = np.pad(x.cumsum(axis=1).cumsum(axis=2), ((0, 0), (1, 0), (1, 0)))
    y = sums[:, size:, size:] - sums[:, :-size, size:] - sums[:, size:, :-size]
    return ((y + sums[:, :-size, :-size]) / size**2)[:, ::stride, ::stride].astype(np.float32)
""",
        """
avg_pool = lambda x, size, stride: torch.nn.AvgPool2d(size, stride)(torch.tensor(x)[None])
""",
    ],
    "check_max_pool_backward": [
        """
def max_pool_backward(x, dy, size, stride):
    x = torch.tensor(x, requires_grad=True)
    y = torch.nn.functional.max_pool2d(x[None], size, stride)[0]
    y.backward(torch.tensor(dy))
    return x.grad
""",
        """
def max_pool_backward(x, dy, size, stride):
    dx = [[0.0] * x.shape[1] for _ in x]
    for i in range(len(dy)):
        for j in range(len(dy[0])):
            best = None
            for row in range(i * stride, i * stride + size):
                for column in range(j * stride, j * stride + size):
                    if best is None or x[row, column] > x[best]:
                        best = row, column
            dx[best[0]][best[1]] += dy[i, j]
    return dx
""",
        """
def max_pool_backward(x, dy, size, stride):
    y, at = torch.nn.functional.max_pool2d(
        torch.tensor(x)[None], size, stride, return_indices=True
    )
    dx = np.zeros(x.size, dtype=np.float32)
    np.add.at(dx, at.numpy().ravel(), dy.ravel())
    return dx.reshape(x.shape)
""",
        """
def max_pool_backward(x, dy, size, stride):
    dx = np.zeros_like(x)
    for (i, j), gradient in np.ndenumerate(dy):
        window = x[i * stride : i * stride + size, j * stride : j * stride + size]
        mask = np.zeros_like(window)
        mask[np.unravel_index(np.argmax(window), window.shape)] = 1
        dx[i * stride : i * stride + size, j * stride : j * stride + size] += gradient * mask
    return dx
""",
    ],
    "check_sides": [
        """
sides = [28, 14, 10, 5]
""",
        """
sides = np.array([28, 14, 10, 5], dtype=np.uint8)
""",
        """
sides = (28.0, 14.0, 10.0, 5.0)
""",
        """
x, sides = torch.zeros(1, 1, 28, 28), []
for layer in [nn.Conv2d(1, 6, 5, padding=2), nn.MaxPool2d(2), nn.Conv2d(6, 16, 5), nn.MaxPool2d(2)]:
    x = layer(x)
    sides.append(torch.tensor(x.shape[-1]))
""",
        "sides = (side for side in (28, 14, 10, 5))",
    ],
    "check_max_pool": [
        """
def max_pool(x, size, stride):
    windows = np.lib.stride_tricks.sliding_window_view(x, (size, size), axis=(1, 2))
    return windows[:, ::stride, ::stride].max(axis=(-2, -1))
""",
        """
def max_pool(x, size, stride):
    x = torch.tensor(x, dtype=torch.float32)
    return torch.nn.functional.max_pool2d(x[None], size, stride)
""",
        """
def max_pool(x, size, stride):
    def pool_one(image):
        rows = range(0, len(image) - size + 1, stride)
        columns = range(0, len(image[0]) - size + 1, stride)
        return [
            [max(max(row[j : j + size]) for row in image[i : i + size]) for j in columns]
            for i in rows
        ]

    return tuple(pool_one(image) for image in x.tolist())
""",
        """
def max_pool(x, size, stride):
    H, W = ((side - size) // stride + 1 for side in x.shape[1:])
    y = np.full((len(x), H, W), -np.inf, dtype=np.float32)
    for u in range(size):
        for v in range(size):
            rows = slice(u, u + stride * (H - 1) + 1, stride)
            columns = slice(v, v + stride * (W - 1) + 1, stride)
            y = np.maximum(y, x[:, rows, columns])
    return y
""",
        """
def max_pool(x, size, stride):
    for image in torch.from_numpy(x).unfold(1, size, stride).unfold(2, size, stride):
        yield image.amax(dim=(-2, -1))
""",
    ],
}

_LOOPS = """
def NAME(x, size, stride):
    C, H, W = x.shape
    y = np.zeros((C, (H - size) // stride + 1, (W - size) // stride + 1))
    for c, i, j in np.ndindex(y.shape):
        top, left = i * stride, j * stride
        y[PLACE] = VALUE
    return y
"""


_WINDOW = "c, top : top + size, left : left + size"


def _loops(name, value, place):
    return _LOOPS.replace("NAME", name).replace("PLACE", place).replace("VALUE", value)


def _pool(window=_WINDOW, place="c, i, j"):
    return _loops("avg_pool", f"x[{window}].mean()", place)


def _max_pool(window=_WINDOW, place="c, i, j", value="x[WINDOW].max()"):
    return _loops("max_pool", value.replace("WINDOW", window), place)


def _of_any_pooling(name, loops, method, layer):
    """Wrong answers that averages and maxima share: made of the loops, of NumPy and of torch."""
    zeros = "y = np.zeros((C, (H - size) // stride + 1, (W - size) // stride + 1))"
    sizes = "rows, columns = (H - size) // stride + 1, (W - size) // stride + 1\n    y = "
    in_lists = loops.replace("y[c, i, j]", "y[c][i][j]").replace("y.shape", "(C, rows, columns)")
    return {
        "one-missing": [
            loops.replace(" // stride + 1", " // stride"),
            f"""
def {name}(x, size, stride):
    C, H, W = x.shape
    rows, columns = range(0, H - size, stride), range(0, W - size, stride)
    return [[[m[i : i + size, j : j + size].{method}() for j in columns] for i in rows] for m in x]
""",
        ],
        "square": [
            loops.replace("(W - size)", "(H - size)"),
            loops.replace("C, H, W = x.shape", "C, W, H = x.shape"),
        ],
        "size-and-stride": [
            loops.replace("(x, size, stride)", "(x, stride, size)"),
            f"{name} = lambda x, size, stride: nn.{layer}(stride, size)(torch.tensor(x))",
        ],
        "same-list": [
            in_lists.replace(zeros, sizes + "[[[0.0] * columns] * rows for _ in range(C)]"),
            in_lists.replace(zeros, sizes + "[[[0] * columns] * rows] * C"),
        ],
    }


_SEARCH = """
def max_pool_backward(x, dy, size, stride):
    dx = np.zeros(x.shape)
    for i, j in np.ndindex(dy.shape):
        best, at = START
        for row in range(i * stride, i * stride + size):
            for column in range(j * stride, j * stride + size):
                if VALUE > best:
                    best, at = VALUE, (row, column)
        GIVE
    return dx
"""


def _search(start, value="x[row, column]", give="dx[at] += dy[i, j]"):
    return _SEARCH.replace("START", start).replace("VALUE", value).replace("GIVE", give)


WRONG = {
    "check_avg_pool": {
        "partial-windows": [
            """
def avg_pool(x, size, stride):
    rows, columns = range(0, x.shape[1], stride), range(0, x.shape[2], stride)
    return np.array(
        [[[c[i : i + size, j : j + size].mean() for j in columns] for i in rows] for c in x]
    )
""",
            """
def avg_pool(x, size, stride):
    x = torch.tensor(x)
    return torch.nn.functional.avg_pool2d(x, size, stride, ceil_mode=True)
""",
            """
def avg_pool(x, size, stride):
    H, W = x.shape[1] // stride, x.shape[2] // stride
    y = np.zeros((len(x), H, W))
    for c, i, j in np.ndindex(y.shape):
        window = x[c, i * stride : i * stride + size, j * stride : j * stride + size]
        y[c, i, j] = window.sum() / size**2
    return y
""",
        ],
        "wrong-axes": [
            """
def avg_pool(x, size, stride):
    C, H, W = x.shape
    y = np.zeros((C, (H - size) // stride + 1, (W - size) // stride + 1))
    for i, j in np.ndindex(y.shape[1:]):
        window = x[:, i * stride : i * stride + size, j * stride : j * stride + size]
        y[:, i, j] = window.mean()
    return y
""",
            """
def avg_pool(x, size, stride):
    H, W = ((side - size) // stride + 1 for side in x.shape[1:])
    y = np.zeros((H, W))
    for i, j in np.ndindex(H, W):
        y[i, j] = x[:, i * stride : i * stride + size, j * stride : j * stride + size].mean()
    return y
""",
            """
def avg_pool(x, size, stride):
    windows = np.lib.stride_tricks.sliding_window_view(x, (size, size), axis=(1, 2))
    return windows[:, ::stride, ::stride].mean(axis=(1, 2))
""",
            """
def avg_pool(x, size, stride):
    windows = np.lib.stride_tricks.sliding_window_view(x, (size, size), axis=(1, 2))
    return windows[::stride, ::stride].mean(axis=(-2, -1))
""",
        ],
        "stride-ignored": [
            _pool("c, i * size : i * size + size, j * size : j * size + size"),
            """
def avg_pool(x, size, stride):
    return torch.nn.functional.avg_pool2d(torch.tensor(x), size)
""",
            """
def avg_pool(x, size, stride):
    windows = np.lib.stride_tricks.sliding_window_view(x, (size, size), axis=(1, 2))
    return windows.mean(axis=(-2, -1))
""",
        ],
        "swapped": [
            _pool(place="c, j, i"),
            _pool("c, left : left + size, top : top + size"),
            "def avg_pool(x, size, stride):\n"
            "    y = nn.functional.avg_pool2d(torch.tensor(x), size, stride)\n"
            "    return y.transpose(1, 2)",
        ],
        "slice-end": [
            _pool("c, top:size, left:size"),
            _pool("c, top : top + stride, left : left + stride"),
            _pool("c, top : top + size - 1, left : left + size - 1"),
            _pool("c, top : top + size + 1, left : left + size + 1"),
        ],
        **_of_any_pooling("avg_pool", _pool(), "mean", "AvgPool2d"),
        "divisor": [
            """
def avg_pool(x, size, stride):
    windows = np.lib.stride_tricks.sliding_window_view(x, (size, size), axis=(1, 2))
    return windows[:, ::stride, ::stride].sum(axis=(-2, -1))
""",
            """
def avg_pool(x, size, stride):
    windows = np.lib.stride_tricks.sliding_window_view(x, (size, size), axis=(1, 2))
    return windows[:, ::stride, ::stride].sum(axis=(-2, -1)) / size
""",
        ],
        "shape": [
            "avg_pool = lambda x, size, stride: x",
            "avg_pool = lambda x, size, stride: nn.functional.avg_pool2d("
            "torch.tensor(x), size, stride, padding=size // 2)",
        ],
        "only-where": _pool("0, top : top + size, left : left + size"),
        "none": _pool().replace("return y", "print(y)"),
        "offset": _pool().replace("return y", "return y + 1"),
        "sign-lost": _pool().replace("return y", "return abs(y)"),
        "different": [
            _pool().replace("mean()", "max()"),
            _pool().replace("x[", "abs(x)[").replace("y[c, i, j] = abs", "y[c, i, j] = abs"),
            _pool().replace(
                "x[c, top : top + size, left : left + size].mean()",
                "np.median(x[c, top : top + size, left : left + size])",
            ),
        ],
        "raised": [
            """
def avg_pool(x, size, stride):
    C, H, W = x.shape
    return x.reshape(C, H // size, size, W // size, size).mean(axis=(2, 4))
""",
            """
def avg_pool(x, size, stride):
    windows = np.lib.stride_tricks.sliding_window_view(x, (size, size), axis=(0, 1))
    return windows[::stride, ::stride].mean(axis=(-2, -1))
""",
        ],
    },
    "check_max_pool_backward": {
        "from-zero": [
            _search("0, None", give="if at: dx[at] += dy[i, j]"),
            _search("0, (i * stride, j * stride)"),
        ],
        "every-tie": [
            """
def max_pool_backward(x, dy, size, stride):
    dx = np.zeros(x.shape)
    for i, j in np.ndindex(dy.shape):
        rows = slice(i * stride, i * stride + size)
        columns = slice(j * stride, j * stride + size)
        dx[rows, columns] += dy[i, j] * (x[rows, columns] == x[rows, columns].max())
    return dx
""",
            """
def max_pool_backward(x, dy, size, stride):
    x = torch.tensor(x, requires_grad=True)
    windows = x.unfold(0, size, stride).unfold(1, size, stride)
    windows.amax(dim=(-2, -1)).backward(torch.tensor(dy))
    return x.grad
""",
        ],
        "swapped": [
            """
def max_pool_backward(x, dy, size, stride):
    dx = np.zeros(x.shape)
    for i, j in np.ndindex(dy.shape):
        window = x[i * stride : i * stride + size, j * stride : j * stride + size]
        column, row = divmod(window.argmax(), size)
        dx[i * stride + row, j * stride + column] += dy[i, j]
    return dx
""",
            _search(
                "-np.inf, None",
                give="r, c = at[0] - i * stride, at[1] - j * stride\n"
                "        dx[i * stride + c, j * stride + r] += dy[i, j]",
            ),
        ],
        "only-there": [
            _search(
                "-np.inf, None", give="dx[at] += dy[(i, j) if len(dy) != len(dy.T) else (j, i)]"
            ),
            _search("-np.inf, None", give="if best > -2: dx[at] += dy[i, j]"),
            _search("-np.inf, None", give="dx[at] += dy[i, j] * (dx[at] == 0)"),
        ],
        "same-list": [
            """
def max_pool_backward(x, dy, size, stride):
    dx = [[0.0] * x.shape[1]] * x.shape[0]
    for i, j in np.ndindex(dy.shape):
        window = x[i * stride : i * stride + size, j * stride : j * stride + size]
        row, column = divmod(window.argmax(), size)
        dx[i * stride + row][j * stride + column] += dy[i, j]
    return dx
""",
            _search("-np.inf, None", give="dx[at[0]][at[1]] += dy[i, j]").replace(
                "np.zeros(x.shape)", "[[0] * len(x[0])] * len(x)"
            ),
        ],
        "last-tie": [
            """
def max_pool_backward(x, dy, size, stride):
    dx = np.zeros(x.shape)
    for i, j in np.ndindex(dy.shape):
        best, at = -np.inf, None
        for row in range(i * stride, i * stride + size):
            for column in range(j * stride, j * stride + size):
                if x[row, column] >= best:
                    best, at = x[row, column], (row, column)
        dx[at] += dy[i, j]
    return dx
""",
            """
def max_pool_backward(x, dy, size, stride):
    dx = np.zeros(x.shape)
    for i, j in np.ndindex(dy.shape):
        window = x[i * stride : i * stride + size, j * stride : j * stride + size]
        column, row = divmod(window.T.argmax(), size)
        dx[i * stride + row, j * stride + column] += dy[i, j]
    return dx
""",
        ],
        "overwritten": [
            """
def max_pool_backward(x, dy, size, stride):
    dx = np.zeros(x.shape)
    for i, j in np.ndindex(dy.shape):
        window = x[i * stride : i * stride + size, j * stride : j * stride + size]
        row, column = divmod(window.argmax(), size)
        dx[i * stride + row, j * stride + column] = dy[i, j]
    return dx
""",
            """
def max_pool_backward(x, dy, size, stride):
    dx = np.zeros(x.shape)
    for i, j in np.ndindex(dy.shape):
        rows = slice(i * stride, i * stride + size)
        columns = slice(j * stride, j * stride + size)
        dx[rows, columns] = dy[i, j] * (x[rows, columns] == x[rows, columns].max())
    return dx
""",
            """
def max_pool_backward(x, dy, size, stride):
    y, at = torch.nn.functional.max_pool2d(
        torch.tensor(x)[None], size, stride, return_indices=True
    )
    dx = np.zeros(x.size)
    dx[at.numpy().ravel()] += dy.ravel()
    return dx.reshape(x.shape)
""",
        ],
        "spread-evenly": [
            """
def max_pool_backward(x, dy, size, stride):
    dx = np.zeros(x.shape)
    for i, j in np.ndindex(dy.shape):
        dx[i * stride : i * stride + size, j * stride : j * stride + size] += dy[i, j] / size**2
    return dx
""",
            """
def max_pool_backward(x, dy, size, stride):
    x = torch.tensor(x, requires_grad=True)
    nn.functional.avg_pool2d(x[None], size, stride)[0].backward(torch.tensor(dy))
    return x.grad
""",
        ],
        "argument-unused": [
            """
def max_pool_backward(x, dy, size, stride):
    dx = np.zeros(x.shape)
    for i, j in np.ndindex(dy.shape):
        window = x[i * stride : i * stride + size, j * stride : j * stride + size]
        row, column = divmod(window.argmax(), size)
        dx[i * stride + row, j * stride + column] += 1
    return dx
""",
            """
def max_pool_backward(x, dy, size, stride):
    dx = np.zeros(x.shape)
    for i, j in np.ndindex(dy.shape):
        window = x[i * stride : i * stride + size, j * stride : j * stride + size]
        row, column = divmod(window.argmax(), size)
        dx[i * stride + row, j * stride + column] += window.max()
    return dx
""",
        ],
        "place-in-window": [
            """
def max_pool_backward(x, dy, size, stride):
    dx = np.zeros(x.shape)
    for i, j in np.ndindex(dy.shape):
        window = x[i * stride : i * stride + size, j * stride : j * stride + size]
        dx[np.unravel_index(window.argmax(), window.shape)] += dy[i, j]
    return dx
""",
            """
def max_pool_backward(x, dy, size, stride):
    dx = np.zeros(x.shape)
    for i, j in np.ndindex(dy.shape):
        window = x[i * stride : i * stride + size, j * stride : j * stride + size]
        row, column = np.unravel_index(window.argmax(), window.shape)
        dx[i + row, j + column] += dy[i, j]
    return dx
""",
        ],
        "different": [
            _search("-1, (0, 0)"),
            _search("-np.inf, None", give="at = np.argwhere(x == best)[0]; dx[*at] += dy[i, j]"),
            _search("0, (0, 0)"),
            _search("-np.inf, None", value="abs(x[row, column])"),
            _search("-np.inf, None", give="dx[at] += dy[i, j] * best"),
        ],
        "negated": _search("-np.inf, None", give="dx[at] -= dy[i, j]"),
        "sign-lost": _search("-np.inf, None", give="dx[at] += dy[i, j]").replace(
            "return dx", "return abs(dx)"
        ),
        "shape": [
            """
def max_pool_backward(x, dy, size, stride):
    return np.repeat(np.repeat(dy, stride, axis=0), stride, axis=1)
""",
            "max_pool_backward = lambda x, dy, size, stride: dy",
        ],
        "raised": """
def max_pool_backward(x, dy):
    return np.where(x == x.max(), dy, 0)
""",
    },
    "check_sides": {
        "padding-ignored": ["sides = [24, 12, 8, 4]", "sides = map(float, (24, 12, 8, 4))"],
        "convolution": [
            "sides = [26, 13, 9, 4]",
            "sides = np.array([26, 13, 9, 5])",
            "sides = (28, 14, 14, 7)",
            "sides = [28, 14, 12, 6]",
            "sides = [30, 15, 11, 5]",
            "sides = [28, 28, 24, 24][::-1]",
        ],
        "pooling": [
            "sides = torch.tensor([28, 27, 23, 22])",
            "sides = [28, 28, 24, 24]",
            "sides = [28, 28, 14, 10]",
            "sides = [28, 14, 10, 6]",
            "sides = [28, 13, 9, 4]",
        ],
        "not-sides": [
            "sides = [4704, 1176, 1600, 400]",
            "sides = [784, 196, 100, 25]",
            "sides = torch.tensor([[28, 28], [14, 14], [10, 10], [5, 5]])",
            "sides = [(6, 28, 28), (6, 14, 14), (16, 10, 10), (16, 5, 5)]",
        ],
        "different": [
            "sides = [28, 14, 10]",
            "sides = [28, 28, 14, 10, 5]",
            "sides = {28, 14, 10, 5}",
            "sides = '28, 14, 10, 5'",
            "sides = [[28], [14], [10], [5]]",
            "sides = lambda: [28, 14, 10, 5]",
            "sides = 5",
            """
class Sides:
    def __array__(self, *args, **kwargs):
        raise RuntimeError("these sides cannot be read")

sides = Sides()
""",
        ],
    },
    "check_max_pool": {
        "partial-windows": [
            """
def max_pool(x, size, stride):
    return nn.functional.max_pool2d(torch.tensor(x), size, stride, ceil_mode=True)
""",
            """
def max_pool(x, size, stride):
    rows, columns = range(0, x.shape[1], stride), range(0, x.shape[2], stride)
    return np.array(
        [[[c[i : i + size, j : j + size].max() for j in columns] for i in rows] for c in x]
    )
""",
            """
def max_pool(x, size, stride):
    H, W = (-(-(side - size) // stride) + 1 for side in x.shape[1:])
    down, across = (H - 1) * stride + size, (W - 1) * stride + size
    x = np.pad(x, ((0, 0), (0, down - x.shape[1]), (0, across - x.shape[2])))
    windows = np.lib.stride_tricks.sliding_window_view(x, (size, size), axis=(1, 2))
    return windows[:, ::stride, ::stride].max(axis=(-2, -1))
""",
        ],
        "wrong-axes": [
            _max_pool(":, top : top + size, left : left + size"),
            """
def max_pool(x, size, stride):
    x = torch.tensor(x).amax(dim=0, keepdim=True)
    return nn.functional.max_pool2d(x, size, stride)
""",
            """
def max_pool(x, size, stride):
    windows = np.lib.stride_tricks.sliding_window_view(x, (size, size), axis=(1, 2))
    return windows[:, ::stride, ::stride].max(axis=(1, 2))
""",
        ],
        "swapped": [
            _max_pool(place="c, j, i"),
            _max_pool("c, left : left + size, top : top + size"),
            "def max_pool(x, size, stride):\n"
            "    return nn.functional.max_pool2d(torch.tensor(x), size, stride).mT\n",
        ],
        "slice-end": [
            _max_pool("c, top : top + stride, left : left + stride"),
            _max_pool("c, top : top + size + 1, left : left + size + 1"),
            _max_pool("c, top : (i + size) * stride, left : (j + size) * stride"),
        ],
        "stride-ignored": [
            _max_pool("c, i * size : i * size + size, j * size : j * size + size"),
            _max_pool("c, i : i + size, j : j + size"),
            "max_pool = lambda x, size, stride: nn.MaxPool2d(size)(torch.tensor(x))",
        ],
        **_of_any_pooling("max_pool", _max_pool(), "max", "MaxPool2d"),
        "from-too-high": [
            _max_pool(value="max(-1, x[WINDOW].max())"),
            _max_pool(value="x[WINDOW].max(initial=-1e9)"),
            _max_pool(value="np.max(x[WINDOW], initial=-999)"),
        ],
        "not-reset": [
            """
def max_pool(x, size, stride):
    C, H, W = x.shape
    y = np.zeros((C, (H - size) // stride + 1, (W - size) // stride + 1))
    best = -np.inf
    for c, i, j in np.ndindex(y.shape):
        best = max(best, x[c, i * stride :, j * stride :][:size, :size].max())
        y[c, i, j] = best
    return y
""",
            """
def max_pool(x, size, stride):
    windows = np.lib.stride_tricks.sliding_window_view(x, (size, size), axis=(1, 2))
    y = windows[:, ::stride, ::stride].max(axis=(3, 4))
    for one in y:
        best = one[0, 0]
        for place in np.ndindex(one.shape):
            best = one[place] = max(best, one[place])
    return y
""",
        ],
        "from-zero": [
            """
def max_pool(x, size, stride):
    H, W = ((side - size) // stride + 1 for side in x.shape[1:])
    y = np.zeros((len(x), H, W))
    for u in range(size):
        for v in range(size):
            shifted = x[:, u : u + stride * (H - 1) + 1 : stride]
            y = np.maximum(y, shifted[:, :, v : v + stride * (W - 1) + 1 : stride])
    return y
""",
            _max_pool(value="max(0, *x[WINDOW].ravel())"),
        ],
        "absolute-value": [
            _max_pool(value="abs(x[WINDOW]).max()"),
            _max_pool(value="max(x[WINDOW].ravel(), key=abs)"),
            _max_pool(value="np.linalg.norm(x[WINDOW].ravel(), np.inf)"),
        ],
        "smallest": [
            _max_pool(value="x[WINDOW].min()"),
            "def max_pool(x, size, stride):\n"
            "    x = torch.tensor(x).unfold(1, size, stride).unfold(2, size, stride)\n"
            "    return x.amin(dim=(-2, -1))\n",
        ],
        "mean": [
            _max_pool(value="x[WINDOW].mean()"),
            _max_pool(value="x[WINDOW].sum()"),
            "max_pool = lambda x, size, stride: nn.AvgPool2d(size, stride)(torch.tensor(x)[None])",
        ],
        "place": [
            _max_pool(value="x[WINDOW].argmax()"),
            """
def max_pool(x, size, stride):
    windows = np.lib.stride_tricks.sliding_window_view(x, (size, size), axis=(1, 2))
    windows = windows[:, ::stride, ::stride]
    return windows.reshape(*windows.shape[:3], -1).argmax(axis=-1)
""",
        ],
        "first-value": [
            _max_pool(value="x[c, top, left]"),
            """
def max_pool(x, size, stride):
    H, W = ((side - size) // stride + 1 for side in x.shape[1:])
    return x[:, ::stride, ::stride][:, :H, :W]
""",
        ],
        "shape": [
            "max_pool = lambda x, size, stride: nn.functional.max_pool2d("
            "torch.tensor(x), size, stride, padding=size // 2)",
        ],
        "none": _max_pool().replace("return y", "print(y)"),
        "negated": _max_pool(value="(-x[WINDOW]).min()"),
        "only-where": _max_pool("0, top : top + size, left : left + size"),
        "different": [
            _max_pool(value="np.median(x[WINDOW])"),
            _max_pool(value="x[WINDOW].max(axis=0)[0]"),
        ],
        "raised": [
            _max_pool(value="x[WINDOW].max(axis=0)"),
            """
def max_pool(x, size, stride):
    C, H, W = x.shape
    return x.reshape(C, H // size, size, W // size, size).max(axis=(2, 4))
""",
        ],
    },
}


def _pooling(pool, rng):
    size, stride = (int(n) for n in rng.integers(1, 4, size=2))
    shape = (rng.integers(1, 4), *rng.integers(size, 9, size=2))
    return pool(rng.normal(size=shape), size, stride)


def _max_pool_backward(max_pool_backward, rng):
    size, stride = (int(n) for n in rng.integers(1, 4, size=2))
    x = rng.integers(-3, 3, size=rng.integers(size, 9, size=2)) / 1.0
    dy = rng.normal(size=[(side - size) // stride + 1 for side in x.shape])
    return max_pool_backward(x, dy, size, stride)


#: What an answer does on one random sample. A mutant that does the same is no wrong answer.
BEHAVIOUR = {
    "check_avg_pool": _pooling,
    "check_max_pool_backward": _max_pool_backward,
    "check_sides": lambda sides, rng: sides,
    "check_max_pool": _pooling,
}
