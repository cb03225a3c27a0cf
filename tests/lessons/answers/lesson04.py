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
}

_BACKWARD = """
def sigmoid_backward(da, X, W, a):
    dz = DZ
    return RESULT
"""


def _backward(dz="da * a * (1 - a)", result="dz @ W.T, X.T @ dz, dz.sum(axis=0)"):
    return _BACKWARD.replace("DZ", dz).replace("RESULT", result)


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
}


def _sigmoid_backward(sigmoid_backward, rng):
    n, d, h = (int(size) for size in rng.integers(1, 5, size=3))
    X, W, b = rng.normal(size=(n, d)), rng.normal(size=(d, h)), rng.normal(size=h)
    dX, dW, db = sigmoid_backward(rng.normal(size=(n, h)), X, W, 1 / (1 + np.exp(-X @ W - b)))
    return dX, dW, db


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
}
RESULT_AS_IT_IS = ["check_learn_moons"]
