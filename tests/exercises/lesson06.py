"""Answers to the exercises of lesson 06, right ones and wrong ones by code."""

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
}

WRONG = {
    "check_map_shape": {
        "padding-once": """
def map_shape(height, width, kernel, stride, padding):
    return (height - kernel + padding) // stride + 1, (width - kernel + padding) // stride + 1
""",
        "padding-ignored": """
def map_shape(height, width, kernel, stride, padding):
    return (height - kernel) // stride + 1, (width - kernel) // stride + 1
""",
        "brackets": """
def map_shape(height, width, kernel, stride, padding):
    return [side - kernel + 2 * padding // stride + 1 for side in (height, width)]
""",
        "rounded-up": """
def map_shape(height, width, kernel, stride, padding):
    size = np.array([height, width])
    return np.ceil((size - kernel + 2 * padding) / stride) + 1
""",
        "not-rounded": """
def map_shape(height, width, kernel, stride, padding):
    return [(side - kernel + 2 * padding) / stride + 1 for side in (height, width)]
""",
        "stride-ignored": """
def map_shape(height, width, kernel, stride, padding):
    return height + 2 * padding - kernel + 1, width + 2 * padding - kernel + 1
""",
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
        "one-divided": """
def map_shape(height, width, kernel, stride, padding):
    return [(side + 2 * padding - kernel + 1) // stride for side in (height, width)]
""",
        "swapped": """
def map_shape(height, width, kernel, stride, padding):
    x = torch.zeros(1, 1, width, height)
    return nn.functional.max_pool2d(nn.functional.pad(x, [padding] * 4), kernel, stride).shape[2:]
""",
        "different": [
            """
def map_shape(height, width, kernel, stride, padding):
    return (height + kernel + 2 * padding) // stride + 1, (width + kernel + 2 * padding) // stride
""",
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
        "maps-summed": """
def conv2d(x, W, b, stride):
    (C, H, width), (K, _, F, _) = x.shape, W.shape
    z = np.zeros(((H - F) // stride + 1, (width - F) // stride + 1))
    for i, j in np.ndindex(z.shape):
        for k in range(K):
            window = x[:, i * stride : i * stride + F, j * stride : j * stride + F]
            z[i, j] += np.sum(window * W[k]) + b[k]
    return z
""",
        "flipped": [
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
        "transposed": """
def conv2d(x, W, b, stride):
    (C, H, width), (K, _, F, _) = x.shape, W.shape
    z = np.zeros((K, (H - F) // stride + 1, (width - F) // stride + 1))
    for k, i, j in np.ndindex(z.shape):
        z[k, i, j] = b[k]
        for c, u, v in np.ndindex(C, F, F):
            z[k, i, j] += W[k, c, v, u] * x[c, i * stride + u, j * stride + v]
    return z
""",
        "bias-per-channel": """
def conv2d(x, W, b, stride):
    (C, H, width), (K, _, F, _) = x.shape, W.shape
    z = np.zeros((K, (H - F) // stride + 1, (width - F) // stride + 1))
    for k, i, j in np.ndindex(z.shape):
        for c in range(C):
            window = x[c, i * stride : i * stride + F, j * stride : j * stride + F]
            z[k, i, j] += np.sum(window * W[k, c]) + b[k]
    return z
""",
        "bias-missing": """
def conv2d(x, W, b, stride):
    return nn.functional.conv2d(torch.tensor(x), torch.tensor(W), stride=stride)
""",
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
        "different": [
            """
def conv2d(x, W, b, stride):
    z = nn.functional.conv2d(torch.tensor(x), torch.tensor(W), torch.tensor(b), stride)
    return z.relu()
""",
            """
def conv2d(x, W, b, stride):
    z = nn.functional.conv2d(torch.tensor(x), torch.tensor(W), torch.tensor(b), stride)
    return z.int()
""",
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
    },
    "check_count_parameters": {
        "bias-forgotten": """
def count_parameters(channels, height, width, kernels, size):
    return kernels * channels * size * size
""",
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
        "bias-per-channel": """
def count_parameters(channels, height, width, kernels, size):
    return kernels * channels * (size**2 + 1)
""",
        "one-bias": """
def count_parameters(channels, height, width, kernels, size):
    return kernels * channels * size**2 + 1
""",
        "kernels-forgotten": """
def count_parameters(channels, height, width, kernels, size):
    return channels * size**2 + 1
""",
        "channels-forgotten": """
def count_parameters(channels, height, width, kernels, size):
    return kernels * size * size + kernels
""",
        "different": """
def count_parameters(channels, height, width, kernels, size):
    return kernels * (channels + size * size + 1)
""",
        "raised": """
def count_parameters(channels, kernels, size):
    return kernels * (channels * size * size + 1)
""",
    },
}
