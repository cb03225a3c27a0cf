"""Answers to the exercises of lesson 04, right ones and wrong ones by code."""

import functools

import numpy as np
import torch
from torch import nn

_NUMPY_MOONS = """
def learn_moons(X, y):
    rng = np.random.default_rng(0)
    W1, b1 = rng.normal(size=(2, 12)), np.zeros((1, 12))
    W2, b2 = rng.normal(size=(12, 1)), np.zeros((1, 1))

    def forward(X):
        a1 = np.tanh(X @ W1 + b1)
        return a1, 1 / (1 + np.exp(-(a1 @ W2 + b2)))

    for _ in range(2000):
        a1, y_hat = forward(X)
        dz2 = (y_hat - y) / len(y) * y_hat * (1 - y_hat)
        dz1 = dz2 @ W2.T * (1 - a1**2)
        W1, b1 = W1 - 2 * X.T @ dz1, b1 - 2 * dz1.sum(axis=0)
        W2, b2 = W2 - 2 * a1.T @ dz2, b2 - 2 * dz2.sum(axis=0)
    return lambda points: RESULT
"""

_TORCH_MOONS = """
def learn_moons(X, y):
    torch.manual_seed(0)
    X, y = torch.tensor(X, dtype=torch.float32), torch.tensor(y, dtype=torch.float32)
    model = nn.Sequential(LAYERS)
    optimizer = torch.optim.Adam(model.parameters(), lr=0.05)
    for _ in range(STEPS):
        loss = LOSS
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    RETURN
"""


def _torch_moons(
    layers="nn.Linear(2, 16), nn.ReLU(), nn.Linear(16, 1)",
    loss="nn.functional.binary_cross_entropy_with_logits(model(X), y)",
    answer="return model",
    steps="300",
):
    source = _TORCH_MOONS.replace("LAYERS", layers).replace("LOSS", loss)
    return source.replace("RETURN", answer).replace("STEPS", steps)


RIGHT = {
    "check_sigmoid_backward": [
        """
def sigmoid_backward(da, X, W, a):
    dz = da * a * (1 - a)
    return [np.dot(dz, W.T), np.dot(X.T, dz), dz.sum(axis=0, keepdims=True)]
""",
        """
def sigmoid_backward(da, X, W, a):
    z = np.log(a / (1 - a))
    dz = da * np.exp(-z) / (1 + np.exp(-z)) ** 2
    dX, dW, db = np.zeros_like(X), np.zeros_like(W), [0] * W.shape[1]
    for n in range(len(X)):
        for h in range(W.shape[1]):
            dX[n] += dz[n, h] * W[:, h]
            dW[:, h] += dz[n, h] * X[n]
            db[h] += dz[n, h]
    return dX, dW, db
""",
        """
def sigmoid_backward(da, X, W, a):
    X, W = (torch.tensor(value, requires_grad=True) for value in (X, W))
    a = torch.tensor(a)
    b = torch.nn.Parameter((torch.logit(a) - X @ W)[0].detach())
    torch.sigmoid(X @ W + b).backward(torch.tensor(da))
    return X.grad, W.grad, b.grad
""",
        """
def sigmoid_backward(da, X, W, a):
    dz = (da * (a - a**2)).astype(np.float32)
    return (np.einsum("nh,dh->nd", dz, W), np.einsum("nd,nh->dh", X, dz), np.ones(len(X)) @ dz)
""",
        """
def sigmoid_backward(da, X, W, a):
    dz = da * a * (1 - a)
    return (W @ dz.T).T.tolist(), (dz.T @ X).T.tolist(), dz.sum(0).tolist()
""",
        """
def sigmoid_backward(da, X, W, a):
    da *= a * (1 - a)
    yield da @ W.T
    yield X.T @ da
    yield da.sum(axis=0)
""",
    ],
    "check_weight_gradients": [
        """
def weight_gradients(layer, batches):
    gradients = []
    for x, y in batches:
        layer.weight.grad = None
        ((layer(x) - y) ** 2).mean().backward()
        gradients.append(layer.weight.grad)
    return gradients
""",
        """
def weight_gradients(layer, batches):
    for x, y in batches:
        loss = nn.functional.mse_loss(layer(x), y)
        yield torch.autograd.grad(loss, layer.weight)[0]
""",
        """
def weight_gradients(layer, batches):
    optimizer = torch.optim.SGD(layer.parameters(), lr=0.1)
    gradients = []
    for x, y in batches:
        optimizer.zero_grad(set_to_none=False)
        nn.functional.mse_loss(layer(x), y).backward()
        gradients.append(layer.weight.grad.numpy().copy())
    return np.array(gradients)
""",
        """
def weight_gradients(layer, batches):
    gradients, before = [], layer.weight.grad.clone()
    for x, y in batches:
        nn.functional.mse_loss(layer(x), y).backward()
        gradients.append((layer.weight.grad - before).tolist())
        before = layer.weight.grad.clone()
    return tuple(gradients)
""",
        """
def weight_gradients(layer, batches):
    def loss(weight, x, y):
        return nn.functional.mse_loss(nn.functional.linear(x, weight, layer.bias), y)
    return [torch.func.grad(loss)(layer.weight.detach(), x, y) for x, y in batches]
""",
        """
def weight_gradients(layer, batches):
    gradients = []
    hook = layer.weight.register_hook(lambda gradient: gradients.append(gradient.clone()))
    for x, y in batches:
        nn.functional.mse_loss(layer(x), y).backward()
    hook.remove()
    return gradients
""",
        """
def weight_gradients(layer, batches):
    return torch.stack([2 * (layer(x) - y).T @ x / y.numel() for x, y in batches])
""",
    ],
    "check_learn_moons": [
        _torch_moons(),
        _torch_moons(
            layers="nn.Linear(2, 16), nn.Tanh(), nn.Linear(16, 2)",
            loss="nn.functional.cross_entropy(model(X), y.flatten().long())",
        ),
        _torch_moons(
            loss="nn.functional.mse_loss(model(X), y)",  # no sigmoid: answers about 0 and 1
            answer="return lambda points: model(points).flatten()",
        ),
        _torch_moons(
            loss="nn.functional.soft_margin_loss(model(X), 2 * y - 1)",
            answer="return lambda p: model(torch.as_tensor(p).float()).detach().numpy() > 0",
        ),
        _NUMPY_MOONS.replace("RESULT", "(forward(points)[1] > 0.5).astype(int)"),
        _NUMPY_MOONS.replace("RESULT", "forward(points)[1].ravel().tolist()"),
        _NUMPY_MOONS.replace("RESULT", "np.where(forward(points)[1] > 0.5, 1, -1)"),
        """
def learn_moons(X, y):
    def nearest(point):
        return y[np.argmin(np.sum((X - point) ** 2, axis=1)), 0]
    return lambda points: [nearest(point) for point in points]
""",
    ],
    "check_linear": [
        "linear = lambda X, W, b: np.dot(X, W) + b",
        """
def linear(X, W, b):
    z = np.zeros((len(X), W.shape[1]), dtype=np.float32)
    for n in range(len(X)):
        for h in range(W.shape[1]):
            z[n, h] = sum(x * w for x, w in zip(X[n], W[:, h])) + b[h]
    return z
""",
        """
def linear(X, W, b):
    X_1 = np.column_stack([X, np.ones(len(X))])
    return (X_1 @ np.vstack([W, b])).tolist()
""",
        """
def linear(X, W, b):
    X, W, b = map(torch.tensor, (X, W, b))
    return nn.functional.linear(X, W.T, b)
""",
        """
def linear(X, W, b):
    for x in X:
        yield tuple(np.einsum("d,dh->h", x, W) + b)
""",
    ],
    "check_linear_backward": [
        """
def linear_backward(dz, X, W):
    return [np.dot(dz, W.T), np.dot(X.T, dz), dz.sum(axis=0, keepdims=True)]
""",
        """
def linear_backward(dz, X, W):
    dX, dW, db = np.zeros_like(X), np.zeros_like(W), [0] * W.shape[1]
    for n in range(len(X)):
        for h in range(W.shape[1]):
            dX[n] += dz[n, h] * W[:, h]
            dW[:, h] += dz[n, h] * X[n]
            db[h] += dz[n, h]
    return dX, dW, db
""",
        """
def linear_backward(dz, X, W):
    X, W = (torch.tensor(value, requires_grad=True) for value in (X, W))
    b = torch.zeros(1, W.shape[1], dtype=W.dtype, requires_grad=True)
    (X @ W + b).backward(torch.tensor(dz))
    return X.grad, W.grad, b.grad
""",
        """
def linear_backward(dz, X, W):
    yield (W @ dz.T).T.tolist()
    yield sum(np.outer(x, row) for x, row in zip(X, dz))
    yield np.ones(len(X)) @ dz.astype(np.float32)
""",
    ],
    "check_relu": [
        "relu = lambda z: z * (z > 0)",
        "def relu(z):\n    return (z + abs(z)) / 2",
        "def relu(z):\n    return torch.relu(torch.tensor(z)).float()",
        "def relu(z):\n    return np.where(z < 0, 0, z).tolist()",
        "def relu(z):\n    return np.vectorize(lambda value: max(value, 0.0))(z)",
        "def relu(z):\n    z[z < 0] = 0\n    return z",
    ],
    "check_relu_backward": [
        "relu_backward = lambda da, z: da * (z > 0)",
        "def relu_backward(da, z):\n    return np.where(z > 0, da, 0).tolist()",
        "def relu_backward(da, z):\n    da[z <= 0] = 0\n    return da",
        "def relu_backward(da, z):\n    return da * np.heaviside(z, 0)",
        """
def relu_backward(da, z):
    z = torch.tensor(z, requires_grad=True)
    torch.relu(z).backward(torch.tensor(da))
    return z.grad
""",
        """
def relu_backward(da, z):
    dz = np.zeros_like(da, dtype=np.float32)
    for place in np.ndindex(z.shape):
        if z[place] > 0:
            dz[place] = da[place]
    return dz
""",
    ],
}

_BACKWARD = """
def sigmoid_backward(da, X, W, a):
    dz = DZ
    return RESULT
"""


def _backward(dz="da * a * (1 - a)", result="dz @ W.T, X.T @ dz, dz.sum(axis=0)"):
    return _BACKWARD.replace("DZ", dz).replace("RESULT", result)


def _returns(head):
    """Functions of one line."""
    return lambda result: f"def {head}:\n    return {result}\n"


_linear = _returns("linear(X, W, b)")
_linear_backward = _returns("linear_backward(dz, X, W)")
_relu = _returns("relu(z)")
_relu_backward = _returns("relu_backward(da, z)")

_GRADIENTS = """
def weight_gradients(layer, batches):
    gradients = []
    for x, y in batches:
        nn.functional.mse_loss(layer(x), y).backward()
        STEP
    return gradients
"""

_STEPS = """
def weight_gradients(layer, batches):
    optimizer = torch.optim.SGD(layer.parameters(), lr=0.1)
    kept = {name: value.clone() for name, value in layer.state_dict().items()}
    gradients = []
    for number, (x, y) in enumerate(batches):
        optimizer.zero_grad()
        nn.functional.mse_loss(layer(x), y).backward()
        gradients.append(layer.weight.grad.clone())
        AFTER
    return gradients
"""

#: The lesson's moons, on which an answer may train in place of the points that it is given.
_OWN_MOONS = """
    rng = np.random.default_rng(0)
    y = rng.integers(0, 2, size=(400, 1))
    angle = rng.uniform(0, np.pi, size=(400, 1))
    moon_0 = np.hstack([np.cos(angle), np.sin(angle)])
    moon_1 = np.hstack([1 - np.cos(angle), 0.5 - np.sin(angle)])
    X = np.where(y == 0, moon_0, moon_1) + rng.normal(0, 0.15, size=(400, 2))
"""

WRONG = {
    "check_sigmoid_backward": {
        "derivative-of-a": [
            """
def sigmoid_backward(da, X, W, a):
    def sigmoid(z):
        return 1 / (1 + np.exp(-z))
    dz = da * sigmoid(a) * (1 - sigmoid(a))
    return dz @ W.T, X.T @ dz, dz.sum(axis=0)
""",
            _backward(dz="da * np.exp(-a) / (1 + np.exp(-a)) ** 2"),
        ],
        "missing-product": [
            _backward(dz="da"),
            _backward("da", "dz @ W.T, X.T @ dz, dz"),
            _backward(result="da @ W.T, X.T @ dz, dz.sum(axis=0)"),
            _backward(result="dz @ W.T, X.T @ dz, da.sum(axis=0)"),
            _backward(dz="a * (1 - a)"),
        ],
        "slope": [
            _backward(dz="da * (1 - a * a)"),
            _backward(dz="da * a * (a - 1)"),
            _backward(dz="da * a"),
            _backward(dz="da * a * (1 + a)"),
            _backward(result="-dz @ W.T, -X.T @ dz, -dz.sum(axis=0)"),
        ],
        "batch-not-summed": [
            _backward(result="dz @ W.T, X.T @ dz, dz"),
            _backward(result="(W @ dz.T).T, (dz.T @ X).T, np.ones_like(dz) * dz"),
        ],
        "wrong-axis": [
            _backward(result="dz @ W.T, X.T @ dz, dz.sum(axis=1)"),
            _backward(result="dz @ W.T, X.T @ dz, dz.sum()"),
        ],
        "shape": _backward(result="dz @ W.T, X.T @ dz, dz.sum(axis=1, keepdims=True)"),
        "mean": [
            _backward(result="dz @ W.T, X.T @ dz, dz.mean(axis=0)"),
            _backward(result="dz @ W.T, X.T @ dz / len(X), dz.mean(axis=0)"),
        ],
        "transposed": [
            _backward(result="dz @ W, X.T @ dz, dz.sum(axis=0)"),
            _backward(result="dz @ W.T, X @ dz, dz.sum(axis=0)"),
            _backward(result="dz @ W.T, dz.T @ X, dz.sum(axis=0)"),
            _backward(result="W @ dz.T, X.T @ dz, dz.sum(axis=0)"),
        ],
        "order": [
            _backward(result="X.T @ dz, dz.sum(axis=0), dz @ W.T"),
            _backward(result="X.T @ dz, dz @ W.T, dz.sum(axis=0)"),
        ],
        "elementwise": [
            _backward(result="dz * W, X.T @ dz, dz.sum(axis=0)"),
            _backward(result="dz @ W.T, X.T * dz, dz.sum(axis=0)"),
        ],
        "one-term": [
            _backward(result="dz @ W.T, X.T @ dz, dz[0]"),
            _backward(result="dz @ W.T, np.outer(X[-1], dz[-1]), dz[-1]"),
        ],
        "different": [
            _backward(dz="da * a**2"),
            _backward(result="X.T @ dz, dz.sum(axis=0)"),
            _backward(result="dz @ W.T, None, dz.sum(axis=0)"),
            _backward(result="dz @ W.T, X.T @ dz, dz.max(axis=0)"),
            _backward(result="np.concatenate([dz @ W.T, X.T @ dz, dz])"),
        ],
        "none": [
            "def sigmoid_backward(da, X, W, a):\n    dz = da * a * (1 - a)\n",
        ],
        "raised": _backward(dz="da * sigmoid_slope(a)"),
    },
    "check_weight_gradients": {
        "accumulated": [
            _GRADIENTS.replace("STEP", "gradients.append(layer.weight.grad.clone())"),
            _GRADIENTS.replace("STEP", "gradients.append(layer.weight.grad)"),
            _GRADIENTS.replace("STEP", "gradients.append(layer.weight.grad.tolist())").replace(
                "gradients = []", "gradients = []; layer.zero_grad()"
            ),
            _GRADIENTS.replace("STEP", "gradients.append(layer.weight.grad)").replace(
                "gradients = []", "gradients = []; layer.zero_grad()"
            ),
        ],
        "first-not-emptied": [
            _GRADIENTS.replace(
                "STEP", "gradients.append(layer.weight.grad.clone()); layer.zero_grad()"
            ),
            """
def weight_gradients(layer, batches):
    gradients = []
    for number, (x, y) in enumerate(batches):
        if number:
            layer.weight.grad = None
        nn.functional.mse_loss(layer(x), y).backward()
        gradients.append(layer.weight.grad.tolist())
    return gradients
""",
        ],
        "zeroed-too-late": [
            _GRADIENTS.replace("STEP", "layer.zero_grad(); gradients.append(layer.weight.grad)"),
            _GRADIENTS.replace(
                "STEP", "layer.weight.grad.zero_(); gradients.append(layer.weight.grad.clone())"
            ),
            _GRADIENTS.replace(
                "STEP", "gradients.append(layer.weight.grad); layer.zero_grad(set_to_none=False)"
            ),
        ],
        "same-tensor": [
            """
def weight_gradients(layer, batches):
    gradients = []
    for x, y in batches:
        layer.weight.grad.zero_()
        nn.functional.mse_loss(layer(x), y).backward()
        gradients.append(layer.weight.grad)
    return gradients
""",
            """
def weight_gradients(layer, batches):
    optimizer = torch.optim.SGD(layer.parameters(), lr=0.1)
    for x, y in batches:
        optimizer.zero_grad(set_to_none=False)
        nn.functional.mse_loss(layer(x), y).backward()
    return [layer.weight.grad] * len(batches)
""",
        ],
        "layer-changed": [
            _STEPS.replace("AFTER", "optimizer.step()"),
            _STEPS.replace("AFTER", "pass").replace("return", "optimizer.step(); return"),
            _STEPS.replace("AFTER", "optimizer.step(); layer.load_state_dict(kept)"),
            _STEPS.replace("AFTER", "layer.bias.data += 1").replace("layer(x)", "(layer(x))"),
            _STEPS.replace("AFTER", "layer.weight.requires_grad_(number < 2)"),
            _STEPS.replace("AFTER", "layer.register_forward_hook(lambda *parts: None)"),
            _STEPS.replace("AFTER", "layer.eval()"),
            _STEPS.replace("gradients = []", "gradients = []; forward = layer.forward").replace(
                "AFTER", "layer.forward = lambda x: forward(x)"
            ),
        ],
        "shape": [
            """
def weight_gradients(layer, batches):
    for x, y in batches:
        layer.zero_grad()
        nn.functional.mse_loss(layer(x), y).backward()
    return layer.weight.grad
""",
            _STEPS.replace("AFTER", "pass").replace("return", "return sum(gradients) #"),
        ],
        "transposed": _STEPS.replace("AFTER", "pass").replace("grad.clone()", "grad.mT.clone()"),
        "none": _STEPS.replace("AFTER", "pass").replace("return gradients", ""),
        "negated": _STEPS.replace("AFTER", "pass").replace("append(", "append(-"),
        "factor": _STEPS.replace("AFTER", "pass").replace("clone())", "clone() / 2)"),
        "different": [
            """
def weight_gradients(layer, batches):
    gradients = []
    for x, y in batches:
        layer.zero_grad()
        nn.functional.mse_loss(layer(x), y, reduction="sum").backward()
        gradients.append(layer.weight.grad.clone())
    return gradients
""",
            _STEPS.replace("AFTER", "pass").replace("mse_loss", "l1_loss"),
            _STEPS.replace("AFTER", "pass").replace("(layer(x), y)", "(layer(x), y.squeeze())"),
        ],
        "raised": """
def weight_gradients(layer, batches):
    return [nn.functional.mse_loss(layer(x), y).weight.grad for x, y in batches]
""",
    },
    "check_learn_moons": {
        "one-class": [
            "def learn_moons(X, y):\n    return lambda points: np.ones(len(points))\n",
            _NUMPY_MOONS.replace("(y_hat - y) / len(y)", "(y_hat - y.T).sum(1, keepdims=True)")
            .replace("2 * ", "0.001 * ")
            .replace("RESULT", "forward(points)[1]"),
        ],
        "straight": [
            _torch_moons(layers="nn.Linear(2, 1)"),
            _torch_moons(layers="nn.Linear(2, 16), nn.Linear(16, 1)"),
            """
def learn_moons(X, y):
    X_1 = np.column_stack([X, np.ones(len(X))])
    W = np.linalg.lstsq(X_1, y)[0]
    return lambda points: points @ W[:2] + W[2] > 0.5
""",
        ],
        "swapped": [
            _torch_moons(answer="return lambda p: model(torch.as_tensor(p).float()) < 0"),
            _torch_moons(loss="nn.functional.binary_cross_entropy_with_logits(-model(X), y)"),
        ],
        "diverged": [
            _torch_moons(loss="nn.functional.mse_loss(model(X), y).log() * torch.nan"),
            _torch_moons(answer="return lambda points: points[:, 0] * np.inf"),
        ],
        "not-a-model": [
            _torch_moons(answer="return model(X)"),
            _torch_moons(answer="return [p.detach() for p in model.parameters()]"),
            _torch_moons(answer="return lambda points: model(X)"),
            _NUMPY_MOONS.replace("RESULT", "y_hat > 0.5"),
        ],
        "no-gradient": [
            _torch_moons().replace("loss.backward()", "loss.backward(); optimizer.zero_grad()"),
            _torch_moons().replace("loss.backward()", "pass"),
            _torch_moons().replace("model.parameters()", "nn.Linear(2, 1).parameters()"),
        ],
        "other-points": [
            _torch_moons().replace("(X, y):\n", "(X, y):\n" + _OWN_MOONS),
            """
def learn_moons(X, y):
    def model(points):
        x_1, x_2 = points[:, 0], points[:, 1]
        off_upper = np.abs(np.hypot(x_1, x_2) - 1) + (x_2 < -0.1)
        off_lower = np.abs(np.hypot(x_1 - 1, x_2 - 0.5) - 1) + (x_2 > 0.6)
        return off_upper > off_lower
    return model
""",
        ],
        "different": [
            _torch_moons(steps="12", layers="nn.Linear(2, 64), nn.ReLU(), nn.Linear(64, 1)"),
            _torch_moons(answer="model"),
            _torch_moons(answer="return lambda points: model(torch.as_tensor(points).float())[0]"),
            "def learn_moons(X, y):\n    return lambda points: points[:, 0] * points[:, 1] > 0\n",
        ],
        "raised": [
            _torch_moons(loss="nn.functional.mse_loss(model(X), labels)"),
            _torch_moons(answer="return lambda points: points.undefined"),
            "def learn_moons(points):\n    return points[:, 0] > 0",
        ],
    },
    "check_linear": {
        "bias-missing": [_linear("X @ W"), _linear("np.einsum('nd,dh->nh', X, W)")],
        "bias-per-example": [
            _linear("X @ W + b[:, None]"),
            _linear("(W.T @ X.T + b).T"),
            _linear("X @ W + b.reshape(-1, 1)"),
        ],
        "bias-shared": [
            _linear("X @ W + b[0]"),
            _linear("X @ W + b.sum()"),
            _linear("X @ W + max(b, key=lambda v: b.tolist().index(v))"),
        ],
        "bias-inside": [
            _linear("X @ (W + b)"),
            _linear("X @ W - b"),
            _linear("(X + b) @ W"),
            _linear("sum(np.outer(x, w) + b for x, w in zip(X.T, W))"),
        ],
        "one-product": [
            """
def linear(X, W, b):
    z = np.zeros((len(X), len(b)))
    for n, h, d in np.ndindex(*z.shape, len(W)):
        z[n, h] = X[n, d] * W[d, h]
    return z + b
""",
            """
def linear(X, W, b):
    for x, w in zip(X.T, W):
        z = x[:, None] * w + b
    return z
""",
        ],
        "same-list": [
            """
def linear(X, W, b):
    z = [[0.0] * len(b)] * len(X)
    for n in range(len(X)):
        for h in range(len(b)):
            z[n][h] = X[n] @ W[:, h] + b[h]
    return z
""",
            """
def linear(X, W, b):
    z, row = [], b.copy()
    for x in X:
        row[:] = x @ W + b
        z.append(row)
    return z
""",
        ],
        "elementwise": [_linear("X * W + b"), _linear("np.multiply(X, W) + b")],
        "transposed": [
            _linear("X @ W.T + b"),
            _linear("W @ X + b"),
            _linear("(W @ X.T).T + b"),
            _linear("X.T @ W + b"),
        ],
        "activation": [
            _linear("np.maximum(X @ W + b, 0)"),
            _linear("1 / (1 + np.exp(-(X @ W + b)))"),
            _linear("np.tanh(X @ W + b)"),
        ],
        "shape": _linear("X[:, :, None] * W + b"),
        "not-combined": _linear("(X @ W + b)[..., None]"),
        "none": "def linear(X, W, b):\n    z = X @ W + b\n",
        "different": [_linear("(X @ W + b) ** 3"), _linear("X @ W + 2 * b")],
        "raised": [_linear("X @ W + bias"), "def linear(X, W):\n    return X @ W"],
    },
    "check_linear_backward": {
        "batch-not-summed": [
            _linear_backward("dz @ W.T, X.T @ dz, dz"),
            _linear_backward("(W @ dz.T).T, (dz.T @ X).T, np.ones_like(dz) * dz"),
        ],
        "wrong-axis": [
            _linear_backward("dz @ W.T, X.T @ dz, dz.sum(axis=1)"),
            _linear_backward("dz @ W.T, X.T @ dz, dz.sum()"),
        ],
        "mean": [
            _linear_backward("dz @ W.T, X.T @ dz, dz.mean(axis=0)"),
            _linear_backward("dz @ W.T, X.T @ dz / len(X), dz.mean(axis=0)"),
            _linear_backward("dz @ W.T / len(X), X.T @ dz, dz.sum(axis=0)"),
        ],
        "transposed": [
            _linear_backward("dz @ W, X.T @ dz, dz.sum(axis=0)"),
            _linear_backward("dz @ W.T, X @ dz, dz.sum(axis=0)"),
            _linear_backward("dz @ W.T, dz.T @ X, dz.sum(axis=0)"),
            _linear_backward("W @ dz.T, X.T @ dz, dz.sum(axis=0)"),
        ],
        "order": [
            _linear_backward("X.T @ dz, dz.sum(axis=0), dz @ W.T"),
            _linear_backward("dz.sum(axis=0), X.T @ dz, dz @ W.T"),
            _linear_backward("X.T @ dz, dz @ W.T, dz.sum(axis=0)"),
        ],
        "elementwise": [
            _linear_backward("dz * W, X.T @ dz, dz.sum(axis=0)"),
            _linear_backward("dz @ W.T, np.multiply(X, dz), dz.sum(axis=0)"),
        ],
        "one-term": [
            _linear_backward("dz @ W.T, np.outer(X[0], dz[0]), dz[0]"),
            """
def linear_backward(dz, X, W):
    dX, dW, db = np.zeros_like(X), np.zeros_like(W), np.zeros(W.shape[1])
    for n in range(len(X)):
        for h in range(W.shape[1]):
            dX[n] = dz[n, h] * W[:, h]
            dW[:, h] += dz[n, h] * X[n]
            db[h] += dz[n, h]
    return dX, dW, db
""",
            """
def linear_backward(dz, X, W):
    for x, gradient in zip(X, dz):
        dW, db = np.outer(x, gradient), gradient
    return dz @ W.T, dW, db
""",
        ],
        "shape": _linear_backward("dz @ W.T, X.T @ dz, dz.sum(axis=1, keepdims=True)"),
        "negated": _linear_backward("-dz @ W.T, X.T @ dz, dz.sum(axis=0)"),
        "argument-unused": _linear_backward("dz, X.T @ dz, dz.sum(axis=0)"),
        "different": [
            _linear_backward("X.T @ dz, dz.sum(axis=0)"),
            _linear_backward("dz @ W.T, None, dz.sum(axis=0)"),
            _linear_backward("dz @ W.T, X.T @ dz, dz.max(axis=0)"),
            _linear_backward("np.concatenate([dz @ W.T, X.T @ dz, dz])"),
        ],
        "none": "def linear_backward(dz, X, W):\n    dX = dz @ W.T\n",
        "raised": _linear_backward("dz @ W.T, X.T @ dz, da.sum(axis=0)"),
    },
    "check_relu": {
        "largest-value": [
            _relu("np.max(z, 0)"),
            _relu("np.max(z)"),
            _relu("z.max().clip(0)"),
            _relu("np.maximum(np.max(z, axis=0), 0)"),
        ],
        "gate-alone": [_relu("(z > 0) * 1"), _relu("z >= 0"), _relu("np.heaviside(z, 0)")],
        "wrong-side": [_relu("np.minimum(z, 0)"), _relu("abs(z)"), _relu("-z * (z < 0)")],
        "leaky": [
            _relu("np.where(z > 0, z, 0.01 * z)"),
            _relu("np.maximum(z, z / 10)"),
            _relu("nn.functional.leaky_relu(torch.tensor(z), 0.2)"),
            _relu("np.maximum(z, 0.3 * z)"),
        ],
        "positive-only": [_relu("z[z > 0]"), _relu("[v for v in z.ravel() if v >= 0]")],
        "limited": [
            _relu("np.clip(z, 0, 1)"),
            _relu("np.minimum(np.maximum(z, 0), 6)"),
            _relu("np.clip(z, 0, 10)"),
            _relu("z.clip(0, 255)"),
        ],
        "other-activation": [
            _relu("1 / (1 + np.exp(-z))"),
            _relu("np.tanh(z)"),
            _relu("nn.functional.softplus(torch.tensor(z))"),
            _relu("nn.functional.silu(torch.tensor(z))"),
            _relu("nn.functional.gelu(torch.tensor(z))"),
        ],
        "unchanged": [_relu("z"), _relu("np.maximum(z, -100)")],
        "none": "def relu(z):\n    np.maximum(z, 0)\n",
        "different": [
            _relu("np.where(z > 0, z**3, 0)"),
            _relu("np.where(z > 0.5, z, 0)"),
            """
kept = {}

def relu(z):
    a = kept.setdefault(z.shape, np.zeros(z.shape))
    a[z > 0] = z[z > 0]
    return a
""",
        ],
        "raised": [_relu("max(z, 0)"), _relu("z if z > 0 else 0"), _relu("z and 0")],
    },
    "check_relu_backward": {
        "slope-at-zero": [
            _relu_backward("da * (z >= 0)"),
            _relu_backward("np.where(z < 0, 0, da)"),
            _relu_backward("da * (np.sign(z) + 1) / 2"),
        ],
        "gate-of-da": [
            _relu_backward("np.maximum(da, 0)"),
            _relu_backward("da * (da > 0)"),
            _relu_backward("np.where((da > 0) & (z > 0), da, 0)"),
        ],
        "arguments-swapped": [
            _relu_backward("z * (da > 0)"),
            "def relu_backward(z, da):\n    return np.where(z > 0, da, 0)",
        ],
        "brackets": [_relu_backward("da * z > 0"), _relu_backward("z * da >= 0")],
        "divided": [
            _relu_backward("da * (z > 0) / len(da)"),
            _relu_backward("np.where(z > 0, da, 0) / da.size"),
        ],
        "gate-alone": [
            _relu_backward("z > 0"),
            _relu_backward("np.where(z > 0, 1, 0)"),
            _relu_backward("np.maximum(z, 0)"),
        ],
        "no-gate": [_relu_backward("da"), _relu_backward("da * 1.0")],
        "wrong-side": [_relu_backward("da * (z < 0)"), _relu_backward("np.where(z > 0, 0, da)")],
        "multiplied-by-z": [_relu_backward("da * np.maximum(z, 0)"), _relu_backward("da * z")],
        "leaky": [
            _relu_backward("np.where(z > 0, da, 0.01 * da)"),
            _relu_backward("da * np.maximum(z > 0, 0.1)"),
        ],
        "positive-only": [_relu_backward("da[z > 0]"), _relu_backward("da[z >= 0].tolist()")],
        "other-slope": [
            _relu_backward("da * np.exp(-z) / (1 + np.exp(-z)) ** 2"),
            _relu_backward("da * z * (1 - z)"),
            _relu_backward("da / np.cosh(z) ** 2"),
            _relu_backward("da * np.sign(z)"),
        ],
        "none": "def relu_backward(da, z):\n    dz = da * (z > 0)\n",
        "negated": _relu_backward("-da * (z > 0)"),
        "factor": _relu_backward("da * (z > 0) / 2"),
        "only-there": _relu_backward("da * (z > 0.1)"),
        "different": [
            _relu_backward("da**3 * (z > 0)"),
            _relu_backward("da * (z > 1)"),
        ],
        "shape": _relu_backward("da @ (z > 0)"),
        "raised": [_relu_backward("da if z > 0 else 0"), _relu_backward("da * (a > 0)")],
    },
}


def _sigmoid_backward(sigmoid_backward, rng):
    n, d, h = (int(size) for size in rng.integers(1, 5, size=3))
    X, W, b = rng.normal(size=(n, d)), rng.normal(size=(d, h)), rng.normal(size=h)
    dX, dW, db = sigmoid_backward(rng.normal(size=(n, h)), X, W, 1 / (1 + np.exp(-X @ W - b)))
    return dX, dW, db


def _drawn(rng):
    """X (N, D), W (D, H), b (H,) and dz (N, H)."""
    n, d, h = (int(size) for size in rng.integers(1, 5, size=3))
    return (rng.normal(size=size) for size in [(n, d), (d, h), (h,), (n, h)])


def _linear_on_drawn(linear, rng):
    X, W, b, _ = _drawn(rng)
    return linear(X, W, b)


def _linear_backward_on_drawn(linear_backward, rng):
    X, W, _, dz = _drawn(rng)
    dX, dW, db = linear_backward(dz, X, W)
    return dX, dW, db


def _halves(rng):
    """An array of any shape, of whole numbers and halves, a few of them 0."""
    shape = tuple(int(size) for size in rng.integers(1, 5, size=rng.integers(1, 5)))
    return rng.integers(-5, 6, size=shape) / 2


def _relu_backward_on_drawn(relu_backward, rng):
    z = _halves(rng)
    return relu_backward(rng.normal(size=z.shape), z)


def _weight_gradients(weight_gradients, rng):
    outputs, inputs, *sizes = (int(size) for size in rng.integers(1, 5, size=5))
    layer = nn.Linear(inputs, outputs)
    layer(torch.ones(1, inputs)).sum().backward()
    batches = [(torch.randn(n, inputs), torch.randn(n, outputs)) for n in sizes]
    kept = [parameter.tolist() for parameter in layer.parameters()]
    found = weight_gradients(layer, batches)
    return found, kept == [parameter.tolist() for parameter in layer.parameters()]


@functools.cache  # one training is enough: it takes a second
def _learn_moons(learn_moons, _):
    """Whether most of 500 fresh points are right, of mirrored moons such as those of the check."""
    rng = np.random.default_rng(0)

    def moons(n):
        y = rng.integers(0, 2, size=(n, 1))
        angle = rng.uniform(0, np.pi, size=(n, 1))
        moon_0 = np.hstack([1 - np.cos(angle), np.sin(angle)])
        moon_1 = np.hstack([np.cos(angle), 0.5 - np.sin(angle)])
        return np.where(y == 0, moon_0, moon_1) + rng.normal(0, 0.15, size=(n, 2)), y.astype(float)

    model = learn_moons(*moons(400))
    points, y = moons(500)
    return bool(((model(torch.tensor(points)) > 0.5).numpy() == y).mean() > 0.93)


_learn_moons.cheap = False

#: What an answer does on one random sample. A mutant that does the same is no wrong answer.
BEHAVIOUR = {
    "check_sigmoid_backward": _sigmoid_backward,
    "check_weight_gradients": _weight_gradients,
    "check_learn_moons": _learn_moons,
    "check_linear": _linear_on_drawn,
    "check_linear_backward": _linear_backward_on_drawn,
    "check_relu": lambda relu, rng: relu(_halves(rng)),
    "check_relu_backward": _relu_backward_on_drawn,
}
RESULT_AS_IT_IS = ["check_learn_moons"]
