"""Answers to the exercises of lesson 06, right ones and wrong ones by code."""

_PLACES = """
def conv2d_backward(dz, x, W):
    F = W.shape[-1]
    dx, dW, db = np.zeros(x.shape), np.zeros(W.shape), np.zeros(len(W))
    for k, i, j in np.ndindex(dz.shape):
        here = np.s_[:, i : i + F, j : j + F]
        dx[here] += dz[k, i, j] * W[k]
        dW[k] += dz[k, i, j] * x[here]
        db[k] += dz[k, i, j]
    return dx, dW, db
"""
_WINDOWS = """
def conv2d_backward(dz, x, W):
    F = W.shape[-1]
    padded = np.pad(dz, [(0, 0), (MARGIN, MARGIN), (MARGIN, MARGIN)])
    windows = np.lib.stride_tricks.sliding_window_view(padded, (F, F), axis=(1, 2))
    dx = np.einsum("kijuv,kcuv->cij", windows, KERNEL)
    windows = np.lib.stride_tricks.sliding_window_view(x, dz.shape[1:], axis=(1, 2))
    dW = np.einsum("kij,cuvij->kcuv", dz, windows)
    return RESULTS
"""


def _places(old="", new=""):
    """The backward pass in loops over all places, with one change."""
    assert old in _PLACES
    return _PLACES.replace(old, new)


def _windows(kernel="W[:, :, ::-1, ::-1]", margin="F - 1", dx="dx", dW="dW", db="dz.sum((1, 2))"):
    """The same with windows."""
    source = _WINDOWS.replace("KERNEL", kernel).replace("MARGIN", margin)
    return source.replace("RESULTS", f"{dx}, {dW}, {db}")


RIGHT = {
    "check_map_shape": [
        """
def map_shape(height, width, kernel, stride, padding):
    return map(lambda side: (side - kernel + 2 * padding) // stride + 1, (height, width))
""",
        """
def map_shape(height, width, kernel, stride, padding):
    rows = int((height - kernel + 2 * padding) / stride) + 1
    columns = int((width - kernel + 2 * padding) / stride) + 1
    return [rows, columns]
""",
        """
def map_shape(height, width, kernel, stride, padding):
    def places(size):
        return len(range(0, size + 2 * padding - kernel + 1, stride))
    return places(height), places(width)
""",
        """
def map_shape(height, width, kernel, stride, padding):
    x = torch.zeros(1, 1, height, width)
    layer = nn.Conv2d(1, 1, kernel, stride=stride, padding=padding)
    return layer(x).shape[2:]
""",
        """
def map_shape(height, width, kernel, stride, padding):
    size = np.array([height, width])
    return np.floor((size - kernel + 2 * padding) / stride) + 1
""",
        """
def map_shape(height, width, kernel, stride, padding):
    size = torch.tensor([height, width], dtype=torch.float32)
    return torch.ceil((size - kernel + 2 * padding + 1) / stride)
""",
    ],
    "check_conv2d": [
        """
def conv2d(x, W, b, stride):
    return nn.functional.conv2d(torch.tensor(x), torch.tensor(W), torch.tensor(b), stride)
""",
        """
def conv2d(x, W, b, stride):
    x, W, b = (torch.tensor(values, dtype=torch.float32) for values in (x, W, b))
    return nn.functional.conv2d(x[None], W, b, stride=stride)
""",
        """
def conv2d(x, W, b, stride):
    (C, H, width), (K, _, F, _) = x.shape, W.shape
    z = np.zeros((K, (H - F) // stride + 1, (width - F) // stride + 1), dtype=np.float32)
    for k in range(K):
        for i in range(z.shape[1]):
            for j in range(z.shape[2]):
                z[k, i, j] = b[k]
                for c in range(C):
                    for u in range(F):
                        for v in range(F):
                            z[k, i, j] += W[k, c, u, v] * x[c, i * stride + u, j * stride + v]
    return z
""",
        """
def conv2d(x, W, b, stride):
    F = W.shape[-1]
    return [
        [
            [
                float((x[:, i : i + F, j : j + F] * w).sum() + b_k)
                for j in range(0, x.shape[2] - F + 1, stride)
            ]
            for i in range(0, x.shape[1] - F + 1, stride)
        ]
        for w, b_k in zip(W, b)
    ]
""",
        """
def conv2d(x, W, b, stride):
    F = W.shape[-1]
    windows = np.lib.stride_tricks.sliding_window_view(x, (F, F), axis=(1, 2))
    windows = windows[:, ::stride, ::stride]
    rows, columns = windows.shape[1:3]
    z = windows.transpose(1, 2, 0, 3, 4).reshape(rows * columns, -1) @ W.reshape(len(W), -1).T + b
    return z.T.reshape(len(W), rows, columns)
""",
    ],
    "check_count_parameters": [
        """
def count_parameters(channels, height, width, kernels, size):
    layer = nn.Conv2d(channels, kernels, size)
    return sum(p.numel() for p in layer.parameters())
""",
        """
def count_parameters(channels, height, width, kernels, size):
    return torch.tensor(kernels * channels * size**2 + kernels)
""",
        """
def count_parameters(channels, height, width, kernels, size):
    W, b = np.zeros((kernels, channels, size, size)), np.zeros(kernels)
    return float(W.size + b.size)
""",
        """
def count_parameters(channels, height, width, kernels, size):
    return [sum(channels * size * size + 1 for _ in range(kernels))]
""",
    ],
    "check_conv2d_backward": [
        _places(),
        _windows(),
        """
def conv2d_backward(dz, x, W):
    x, W = (torch.tensor(values, dtype=torch.float32, requires_grad=True) for values in (x, W))
    b = torch.zeros(len(W), requires_grad=True)
    nn.functional.conv2d(x[None], W, b)[0].backward(torch.tensor(dz).float())
    return x.grad, W.grad, b.grad
""",
        """
def conv2d_backward(dz, x, W):
    (K, rows, columns), (_, C, F, _) = dz.shape, W.shape
    windows = np.lib.stride_tricks.sliding_window_view(x, (F, F), axis=(1, 2))
    X = windows.transpose(1, 2, 0, 3, 4).reshape(rows * columns, -1)
    dz_rows = dz.reshape(K, -1)
    dX = (W.reshape(K, -1).T @ dz_rows).reshape(C, F, F, rows, columns)
    dx = np.zeros_like(x)
    for u in range(F):
        for v in range(F):
            dx[:, u : u + rows, v : v + columns] += dX[:, u, v]
    return [dx, (dz_rows @ X).reshape(W.shape), dz_rows @ np.ones(rows * columns)]
""",
        """
def conv2d_backward(dz, x, W):
    dz, x, W = (torch.tensor(values) for values in (dz, x, W))
    yield nn.functional.conv_transpose2d(dz, W)
    yield nn.functional.conv2d(x[:, None], dz[:, None]).transpose(0, 1)
    yield dz.flatten(1).sum(dim=1)
""",
        """
def conv2d_backward(dz, x, W):
    (K, rows, columns), (C, H, width), F = dz.shape, x.shape, W.shape[-1]
    dx = [[[0.0] * width for _ in range(H)] for _ in range(C)]
    dW = np.zeros(W.shape).tolist()
    for k in range(K):
        for c in range(C):
            for u in range(F):
                for v in range(F):
                    for i in range(rows):
                        for j in range(columns):
                            dx[c][i + u][j + v] += dz[k, i, j] * W[k, c, u, v]
                            dW[k][c][u][v] += dz[k, i, j] * x[c, i + u, j + v]
    return dx, dW, [sum(map(sum, one)) for one in dz.tolist()]
""",
    ],
}

WRONG = {
    "check_map_shape": {
        "padding-once": [
            """
def map_shape(height, width, kernel, stride, padding):
    return (height - kernel + padding) // stride + 1, (width - kernel + padding) // stride + 1
""",
            """
def map_shape(height, width, kernel, stride, padding):
    x = nn.functional.pad(torch.zeros(1, 1, height, width), (padding, 0, padding, 0))
    return nn.functional.max_pool2d(x, kernel, stride).shape[2:]
""",
        ],
        "padding-ignored": [
            """
def map_shape(height, width, kernel, stride, padding):
    return (height - kernel) // stride + 1, (width - kernel) // stride + 1
""",
            """
def map_shape(height, width, kernel, stride, padding):
    return [len(range(0, side - kernel + 1, stride)) for side in (height, width)]
""",
        ],
        "brackets": [
            """
def map_shape(height, width, kernel, stride, padding):
    return [side - kernel + 2 * padding // stride + 1 for side in (height, width)]
""",
            """
def map_shape(height, width, kernel, stride, padding):
    places = lambda side: side + 2 * padding - kernel // stride + 1
    return places(height), places(width)
""",
        ],
        "rounded-up": [
            """
def map_shape(height, width, kernel, stride, padding):
    return [round((side - kernel + 2 * padding) / stride + 1) for side in (height, width)]
""",
            """
def map_shape(height, width, kernel, stride, padding):
    return np.rint((np.array([height, width]) - kernel + 2 * padding) / stride) + 1
""",
            """
def map_shape(height, width, kernel, stride, padding):
    size = np.array([height, width])
    return np.ceil((size - kernel + 2 * padding) / stride) + 1
""",
            """
def map_shape(height, width, kernel, stride, padding):
    moves = [-(-(side + 2 * padding - kernel) // stride) for side in (height, width)]
    return moves[0] + 1, moves[1] + 1
""",
        ],
        "not-rounded": [
            """
def map_shape(height, width, kernel, stride, padding):
    return [(side - kernel + 2 * padding) / stride + 1 for side in (height, width)]
""",
            """
def map_shape(height, width, kernel, stride, padding):
    return (torch.tensor([height, width]) + 2 * padding - kernel) / stride + 1
""",
        ],
        "stride-ignored": [
            """
def map_shape(height, width, kernel, stride, padding):
    return height + 2 * padding - kernel + 1, width + 2 * padding - kernel + 1
""",
            """
def map_shape(height, width, kernel, stride, padding):
    return nn.Conv2d(1, 1, kernel, padding=padding)(torch.zeros(1, height, width)).shape[1:]
""",
        ],
        "one-missing": [
            """
def map_shape(height, width, kernel, stride, padding):
    return (height - kernel + 2 * padding) // stride, (width - kernel + 2 * padding) // stride
""",
            """
def map_shape(height, width, kernel, stride, padding):
    return [len(range(stride, s + 2 * padding - kernel + 1, stride)) for s in (height, width)]
""",
        ],
        "one-divided": [
            """
def map_shape(height, width, kernel, stride, padding):
    return [(side + 2 * padding - kernel + 1) // stride for side in (height, width)]
""",
            """
def map_shape(height, width, kernel, stride, padding):
    size = np.array([height, width]) - kernel + 1 + 2 * padding
    return np.floor(size / stride)
""",
        ],
        "swapped": [
            """
def map_shape(height, width, kernel, stride, padding):
    x = torch.zeros(1, 1, width, height)
    return nn.functional.max_pool2d(nn.functional.pad(x, [padding] * 4), kernel, stride).shape[2:]
""",
            """
def map_shape(height, width, kernel, stride, padding):
    rows, columns = ((side + 2 * padding - kernel) // stride + 1 for side in (width, height))
    return rows, columns
""",
        ],
        "different": [
            """
def map_shape(height, width, kernel, stride, padding):
    return (height + kernel + 2 * padding) // stride + 1, (width + kernel + 2 * padding) // stride
""",
        ],
        "shape": [
            """
def map_shape(height, width, kernel, stride, padding):
    return (height - kernel + 2 * padding) // stride + 1
""",
        ],
        "raised": """
def map_shape(size, kernel, stride, padding):
    return (size - kernel + 2 * padding) // stride + 1
""",
    },
    "check_conv2d": {
        "channels-not-summed": [
            """
def conv2d(x, W, b, stride):
    (C, H, width), (K, _, F, _) = x.shape, W.shape
    z = np.zeros((K, C, (H - F) // stride + 1, (width - F) // stride + 1))
    for k, c, i, j in np.ndindex(z.shape):
        window = x[c, i * stride : i * stride + F, j * stride : j * stride + F]
        z[k, c, i, j] = np.sum(window * W[k, c]) + b[k]
    return z
""",
            """
def conv2d(x, W, b, stride):
    x, W = torch.tensor(x), torch.tensor(W)
    maps = [
        nn.functional.conv2d(x[c : c + 1], W[:, c : c + 1], torch.tensor(b), stride)
        for c in range(len(x))
    ]
    return torch.stack(maps)
""",
        ],
        "one-channel": [
            """
def conv2d(x, W, b, stride):
    (C, H, width), (K, _, F, _) = x.shape, W.shape
    z = np.zeros((K, (H - F) // stride + 1, (width - F) // stride + 1))
    for k, i, j in np.ndindex(z.shape):
        for c in range(C):
            window = x[c, i * stride : i * stride + F, j * stride : j * stride + F]
            z[k, i, j] = np.sum(window * W[k, c]) + b[k]
    return z
""",
            """
def conv2d(x, W, b, stride):
    x, W, b = torch.tensor(x), torch.tensor(W), torch.tensor(b)
    return nn.functional.conv2d(x[:1], W[:, :1], b, stride)
""",
        ],
        "maps-summed": [
            """
def conv2d(x, W, b, stride):
    (C, H, width), (K, _, F, _) = x.shape, W.shape
    z = np.zeros(((H - F) // stride + 1, (width - F) // stride + 1))
    for i, j in np.ndindex(z.shape):
        for k in range(K):
            window = x[:, i * stride : i * stride + F, j * stride : j * stride + F]
            z[i, j] += np.sum(window * W[k]) + b[k]
    return z
""",
            """
def conv2d(x, W, b, stride):
    x, W, b = torch.tensor(x), torch.tensor(W), torch.tensor(b)
    return nn.functional.conv2d(x, W, b, stride).sum(dim=0)
""",
        ],
        "flipped": [
            """
def conv2d(x, W, b, stride):
    from scipy.signal import convolve

    maps = [convolve(x, w[::-1], mode="valid")[0] + b_k for w, b_k in zip(W, b)]
    return np.array(maps)[:, ::stride, ::stride]
""",
            """
def conv2d(x, W, b, stride):
    W = torch.tensor(W).flip(2, 3)
    return nn.functional.conv2d(torch.tensor(x), W, torch.tensor(b), stride)
""",
            """
def conv2d(x, W, b, stride):
    (C, H, width), (K, _, F, _) = x.shape, W.shape
    z = np.zeros((K, (H - F) // stride + 1, (width - F) // stride + 1))
    for k, i, j in np.ndindex(z.shape):
        z[k, i, j] = b[k]
        for c, u, v in np.ndindex(C, F, F):
            z[k, i, j] += W[k, c, F - 1 - u, F - 1 - v] * x[c, i * stride + u, j * stride + v]
    return z
""",
        ],
        "transposed": [
            """
def conv2d(x, W, b, stride):
    (C, H, width), (K, _, F, _) = x.shape, W.shape
    z = np.zeros((K, (H - F) // stride + 1, (width - F) // stride + 1))
    for k, i, j in np.ndindex(z.shape):
        z[k, i, j] = b[k]
        for c, u, v in np.ndindex(C, F, F):
            z[k, i, j] += W[k, c, v, u] * x[c, i * stride + u, j * stride + v]
    return z
""",
            """
def conv2d(x, W, b, stride):
    W = torch.tensor(W).transpose(2, 3)
    return nn.functional.conv2d(torch.tensor(x), W, torch.tensor(b), stride)
""",
        ],
        "bias-per-channel": [
            """
def conv2d(x, W, b, stride):
    (C, H, width), (K, _, F, _) = x.shape, W.shape
    z = np.zeros((K, (H - F) // stride + 1, (width - F) // stride + 1))
    for k, i, j in np.ndindex(z.shape):
        for c in range(C):
            window = x[c, i * stride : i * stride + F, j * stride : j * stride + F]
            z[k, i, j] += np.sum(window * W[k, c]) + b[k]
    return z
""",
            """
def conv2d(x, W, b, stride):
    z = 0
    for c in range(len(x)):
        one, w = torch.tensor(x[c : c + 1]), torch.tensor(W[:, c : c + 1])
        z = z + nn.functional.conv2d(one, w, torch.tensor(b), stride)
    return z
""",
        ],
        "bias-missing": [
            """
def conv2d(x, W, b, stride):
    return nn.functional.conv2d(torch.tensor(x), torch.tensor(W), stride=stride)
""",
            """
def conv2d(x, W, b, stride):
    F = W.shape[-1]
    windows = np.lib.stride_tricks.sliding_window_view(x, (F, F), axis=(1, 2))
    return np.einsum("cijuv,kcuv->kij", windows[:, ::stride, ::stride], W)
""",
        ],
        "bias-shared": [
            """
def conv2d(x, W, b, stride):
    z = nn.functional.conv2d(torch.tensor(x), torch.tensor(W), stride=stride)
    return z + b[0]
""",
            """
def conv2d(x, W, b, stride):
    z = nn.functional.conv2d(torch.tensor(x), torch.tensor(W), stride=stride)
    return z + b.sum()
""",
            """
def conv2d(x, W, b, stride):
    z = nn.functional.conv2d(torch.tensor(x), torch.tensor(W), stride=stride)
    return z + b[-1]
""",
        ],
        "stride-in-kernel": [
            """
def conv2d(x, W, b, stride):
    (C, H, width), (K, _, F, _) = x.shape, W.shape
    z = np.zeros((K, (H - F) // stride + 1, (width - F) // stride + 1))
    for k, i, j in np.ndindex(z.shape):
        z[k, i, j] = b[k]
        for c, u, v in np.ndindex(C, F, F):
            z[k, i, j] += W[k, c, u, v] * x[c, i + u * stride, j + v * stride]
    return z
""",
            """
def conv2d(x, W, b, stride):
    x, W, b = torch.tensor(x), torch.tensor(W), torch.tensor(b)
    return nn.functional.conv2d(x, W, b, dilation=stride)
""",
        ],
        "stride-ignored": [
            """
def conv2d(x, W, b, stride):
    return nn.functional.conv2d(torch.tensor(x), torch.tensor(W), torch.tensor(b))
""",
            """
def conv2d(x, W, b, stride):
    (C, H, width), (K, _, F, _) = x.shape, W.shape
    z = np.zeros((K, (H - F) // stride + 1, (width - F) // stride + 1))
    for k, i, j in np.ndindex(z.shape):
        z[k, i, j] = np.sum(x[:, i : i + F, j : j + F] * W[k]) + b[k]
    return z
""",
        ],
        "clipped": [
            """
def conv2d(x, W, b, stride):
    z = nn.functional.conv2d(torch.tensor(x), torch.tensor(W), torch.tensor(b), stride)
    return z.relu()
""",
        ],
        "not-rounded": [
            """
def conv2d(x, W, b, stride):
    z = nn.functional.conv2d(torch.tensor(x), torch.tensor(W), torch.tensor(b), stride)
    return z.int()
""",
        ],
        "shape": [
            """
def conv2d(x, W, b, stride):
    x, W, b = torch.tensor(x), torch.tensor(W), torch.tensor(b)
    return nn.functional.conv2d(x, W, b, stride, padding=1)
""",
        ],
        "raised": """
def conv2d(x, W, b, stride):
    return np.convolve(x, W, mode="valid")[::stride] + b
""",
        "flipped-one-axis": [
            """
def conv2d(x, W, b, stride):
    W = torch.tensor(W[:, :, ::-1].copy())
    return nn.functional.conv2d(torch.tensor(x), W, torch.tensor(b), stride)
""",
            """
def conv2d(x, W, b, stride):
    (C, H, width), (K, _, F, _) = x.shape, W.shape
    z = np.zeros((K, (H - F) // stride + 1, (width - F) // stride + 1))
    for k, i, j in np.ndindex(z.shape):
        z[k, i, j] = b[k]
        for c, u, v in np.ndindex(C, F, F):
            z[k, i, j] += W[k, c, u, -1 - v] * x[c, i * stride + u, j * stride + v]
    return z
""",
        ],
        "bias-inside": [
            """
def conv2d(x, W, b, stride):
    (C, H, width), (K, _, F, _) = x.shape, W.shape
    z = np.zeros((K, (H - F) // stride + 1, (width - F) // stride + 1))
    for k, i, j in np.ndindex(z.shape):
        window = x[:, i * stride : i * stride + F, j * stride : j * stride + F]
        z[k, i, j] = np.sum(window * W[k] + b[k])
    return z
""",
            """
def conv2d(x, W, b, stride):
    (C, H, width), (K, _, F, _) = x.shape, W.shape
    z = np.zeros((K, (H - F) // stride + 1, (width - F) // stride + 1))
    for k, i, j in np.ndindex(z.shape):
        for c, u, v in np.ndindex(C, F, F):
            z[k, i, j] += W[k, c, u, v] * x[c, i * stride + u, j * stride + v] + b[k]
    return z
""",
        ],
        "bias-of-channel": [
            """
def conv2d(x, W, b, stride):
    z = nn.functional.conv2d(torch.tensor(x), torch.tensor(W), stride=stride)
    return z + sum(b[: len(x)])
""",
            """
def conv2d(x, W, b, stride):
    z = nn.functional.conv2d(torch.tensor(x), torch.tensor(W), stride=stride)
    for c, bias in zip(range(len(x)), b):
        z = z + bias
    return z
""",
        ],
    },
    "check_count_parameters": {
        "bias-forgotten": [
            """
def count_parameters(channels, height, width, kernels, size):
    return kernels * channels * size * size
""",
            """
def count_parameters(channels, height, width, kernels, size):
    return nn.Conv2d(channels, kernels, size, bias=False).weight.numel()
""",
        ],
        "image-size": [
            """
def count_parameters(channels, height, width, kernels, size):
    return kernels * (channels * size * size + 1) * height * width
""",
            """
def count_parameters(channels, height, width, kernels, size):
    z = nn.Conv2d(channels, kernels, size)(torch.zeros(1, channels, height, width))
    return z.numel() * (channels * size**2 + 1)
""",
            """
def count_parameters(channels, height, width, kernels, size):
    return nn.Linear(channels * height * width, kernels).weight.numel() + kernels
""",
            """
def count_parameters(channels, height, width, kernels, size):
    return channels * height * width * kernels * size**2
""",
            """
def count_parameters(channels, height, width, kernels, size):
    return kernels * (channels * height * width * size**2) + kernels
""",
            """
def count_parameters(channels, height, width, kernels, size):
    rows, columns = height - size + 1, width - size + 1
    return kernels * rows * columns * channels * size**2
""",
        ],
        "bias-per-channel": [
            """
def count_parameters(channels, height, width, kernels, size):
    return kernels * channels * (size**2 + 1)
""",
            """
def count_parameters(channels, height, width, kernels, size):
    return kernels * channels * size**2 + kernels * channels
""",
        ],
        "one-bias": [
            """
def count_parameters(channels, height, width, kernels, size):
    return kernels * channels * size**2 + 1
""",
            """
def count_parameters(channels, height, width, kernels, size):
    return np.zeros((kernels, channels, size, size)).size + np.zeros(channels).size
""",
        ],
        "kernels-forgotten": [
            """
def count_parameters(channels, height, width, kernels, size):
    return channels * size**2 + 1
""",
            """
def count_parameters(channels, height, width, kernels, size):
    return sum(p.numel() for p in nn.Conv2d(channels, 1, size).parameters())
""",
        ],
        "channels-forgotten": [
            """
def count_parameters(channels, height, width, kernels, size):
    return kernels * size * size + kernels
""",
            """
def count_parameters(channels, height, width, kernels, size):
    return sum(size * size + 1 for _ in range(kernels))
""",
        ],
        "different": """
def count_parameters(channels, height, width, kernels, size):
    return kernels * (channels + size * size + 1)
""",
        "raised": """
def count_parameters(channels, kernels, size):
    return kernels * (channels * size * size + 1)
""",
    },
    "check_conv2d_backward": {
        "order": [
            _places("return dx, dW, db", "return dW, dx, db"),
            _places("return dx, dW, db", "return dx, db, dW"),
        ],
        "flip-forgotten": [
            _windows("W"),
            """
def conv2d_backward(dz, x, W):
    dz, x, W = (torch.tensor(values) for values in (dz, x, W))
    dx = nn.functional.conv2d(dz, W.transpose(0, 1), padding=W.shape[-1] - 1)
    dW = nn.functional.conv2d(x[:, None], dz[:, None]).transpose(0, 1)
    return dx, dW, dz.sum(dim=(1, 2))
""",
        ],
        "flipped-one-axis": [
            _windows("W[:, :, ::-1]"),
            _windows("np.fliplr(W.T).T"),
            _windows("np.rot90(W, axes=(2, 3))"),
        ],
        "flipped-too-far": [
            _windows("np.flip(W)"),
            _windows("W[::-1, :, ::-1, ::-1]"),
            _windows("np.rot90(W, 2)"),
        ],
        "places-missing": [
            _places("np.ndindex(dz.shape)", "np.ndindex(dz[:, 1:, 1:].shape)"),
            _places("in np.ndindex(dz.shape)", "in np.ndindex(len(W), *2 * [min(dz.shape[1:])])"),
        ],
        "transposed": [
            _windows("W.transpose(0, 1, 3, 2)"),
            _places("dW[k] += dz[k, i, j] * x[here]", "dW[k] += (dz[k, i, j] * x[here]).mT"),
        ],
        "kernels-and-channels": [
            _windows("W[:, :, ::-1, ::-1]").replace("kcuv->cij", "ckuv->cij"),
            _windows("W.reshape(W.shape[1], -1, F, F)[:, :, ::-1, ::-1].swapaxes(0, 1)"),
            _windows(dW="dW.swapaxes(0, 1)"),
        ],
        "padding": [
            _windows(margin="0"),
            _windows(margin="F // 2"),
            _windows(margin="F"),
        ],
        "cropped": [
            _windows(dx="dx[:, : dz.shape[1], : dz.shape[2]]"),
            _windows(dx="dx[:, F - 1 :, F - 1 :][:, : dz.shape[1], : dz.shape[2]]"),
        ],
        "overwritten": [
            _places("dx[here] +=", "dx[here] ="),
            _places("dW[k] +=", "dW[k] ="),
            """
def conv2d_backward(dz, x, W):
    (K, rows, columns), F = dz.shape, W.shape[-1]
    dx, dW = np.zeros(x.shape), np.zeros(W.shape)
    for u in range(F):
        for v in range(F):
            here = np.s_[:, u : u + rows, v : v + columns]
            dx[here] = np.einsum("kc,kij->cij", W[:, :, u, v], dz)
            dW[:, :, u, v] = np.einsum("kij,cij->kc", dz, x[here])
    return dx, dW, dz.sum(axis=(1, 2))
""",
        ],
        "one-kernel": [
            _places("dx[here] += dz[k, i, j] * W[k]", "dx[here] += dz[k, i, j] * W[k] * (k == 0)"),
            _windows().replace("kcuv->cij", "kcuv->kcij"),
        ],
        "dW-flipped": [
            _windows(dW="dW[:, :, ::-1, ::-1]"),
            _places("* x[here]", "* x[:, ::-1, ::-1][here][:, ::-1, ::-1]"),
        ],
        "one-channel": [
            _places("* x[here]", "* x[here].sum(axis=0)"),
            _places("* x[here]", "* x[0, i : i + F, j : j + F]"),
            _places("dz[k, i, j] * W[k]", "dz[k, i, j] * W[k].sum(axis=0)"),
        ],
        "mean": [
            _windows(db="dz.mean(axis=(1, 2))"),
            _windows(dW="dW / dz[0].size"),
            _windows(dx="dx / len(W)"),
        ],
        "not-summed": [
            _windows(db="dz"),
            _windows(db="dz.sum(axis=0)"),
            _windows(db="dz.sum(axis=-1)"),
        ],
        "bias-shared": [_windows(db="dz.sum()"), _places("db[k] +=", "db +=")],
        "bias-missing": [_windows(db="np.zeros(len(W))"), _places("+= dz[k, i, j]\n", "+= 1\n")],
        "argument-unused": _places("dz[k, i, j] * W[k]", "dz[k, i, j]"),
        "none": _places("return dx, dW, db", "print(dx, dW, db)"),
        "different": [
            _places("return dx, dW, db", "return dx, dW"),
            _windows(db="dz.max(axis=(1, 2))"),
        ],
        "raised": _windows().replace("(dz, x, W)", "(x, W, b)", 1),
    },
}


def _map_shape(map_shape, rng):
    kernel = int(rng.integers(1, 6))
    height, width = (int(side) for side in rng.integers(kernel, 30, size=2))
    return map_shape(height, width, kernel, int(rng.integers(1, 5)), int(rng.integers(0, 4)))


def _conv2d(conv2d, rng):
    C, K, F, stride = (int(n) for n in rng.integers(1, 4, size=4))
    sides = rng.integers(F, 9, size=2)
    sizes = [(C, *sides), (K, C, F, F), (K,)]
    return conv2d(*(rng.normal(size=size) for size in sizes), stride)


def _conv2d_backward(conv2d_backward, rng):
    C, K, F = (int(n) for n in rng.integers(1, 4, size=3))
    H, width = rng.integers(F, 9, size=2)
    sizes = [(K, H - F + 1, width - F + 1), (C, H, width), (K, C, F, F)]
    dx, dW, db = conv2d_backward(*(rng.normal(size=size) for size in sizes))
    return dx, dW, db


def _count_parameters(count_parameters, rng):
    return count_parameters(*(int(n) for n in rng.integers([1, 9, 9, 1, 1], 18)))


#: What an answer does on one random sample. A mutant that does the same is no wrong answer.
BEHAVIOUR = {
    "check_map_shape": _map_shape,
    "check_conv2d": _conv2d,
    "check_count_parameters": _count_parameters,
    "check_conv2d_backward": _conv2d_backward,
}
