"""Checks of the exercises of lesson 04, back-propagation."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import torch
from torch import Tensor, nn, tensor
from torch.nn import functional as F
from torch.optim.optimizer import register_optimizer_step_pre_hook

from course_utils.exercises.engine.checks import (
    Mistake,
    Verdict,
    call,
    call_text,
    different,
    exercise,
    function_check,
    judge,
    mistake,
    observed,
    parts_check,
)
from course_utils.exercises.engine.reading import Answer, as_array, as_code
from course_utils.exercises.journal import lesson_journal

mine, progress = lesson_journal(__name__)

_Batches = list[tuple[Tensor, Tensor]]  # of x and y


def _sigmoid(z: np.ndarray) -> np.ndarray:
    return 1 / (1 + np.exp(-z))


def _after_dz(dz: np.ndarray, X: np.ndarray, W: np.ndarray) -> tuple:
    return dz @ W.T, X.T @ dz, dz.sum(axis=0)


def _with_dz(dz: Callable) -> Callable:
    """A backward pass in which dz is this function of da and a."""
    return lambda da, X, W, a: _after_dz(dz(da, a), X, W)


def _with_results(results: Callable) -> Callable:
    """A backward pass in which dX, dW and db are this function of a right dz, X and W."""
    return lambda da, X, W, a: results(da * a * (1 - a), X, W)


def _layers() -> list[tuple]:
    """(da, X, W, a), with one bias for all examples; in the first two N, D and H are equal.

    Two have the same sizes, so that what is kept from call to call is noticed.
    """
    single = [[2.0]], [[3.0]], [[0.5]], [[0.25]]
    square = [[1, 4], [3, -2]], [[1, 2], [3, 1]], [[1, -2], [2, -4]], [[0.75, 0.2], [0.75, 0.2]]
    cases = [tuple(np.array(part, dtype=float) for part in case) for case in (single, square)]
    rng = np.random.default_rng(0)
    for n, d, h in [(3, 2, 1), (5, 3, 2), (4, 2, 3), (4, 2, 3), (3, 3, 3)]:
        da, X, W = (rng.integers(-9, 9, size=size) + 0.5 for size in [(n, h), (n, d), (d, h)])
        cases.append((da, X, W / 8, _sigmoid(X @ W / 8 + rng.normal(size=h))))
    return cases


_LAYERS = _layers()


def _mistakes_after_dz(with_results: Callable) -> list[Mistake]:
    """Mistakes on the way from dz to dX, dW and db, as with_results makes rules of them."""
    return [*_wrong_sums(with_results), *_wrong_products(with_results)]


def _wrong_sums(with_results: Callable) -> list[Mistake]:
    """Mistakes in what is added up over the batch."""
    return [
        mistake(
            "batch-not-summed",
            "the examples are not added up in db. The same b was added to all of them, so its "
            "derivative is a sum over the examples: dz.sum(axis=0).",
            with_results(lambda dz, X, W: (None, None, dz)),
        ),
        mistake(
            "wrong-axis",
            "the sum for db runs over the units. Each unit has its own bias: sum over the "
            "examples only, axis=0.",
            with_results(lambda dz, X, W: (None, None, dz.sum(axis=1))),
            with_results(lambda dz, X, W: (None, None, dz.sum())),
        ),
        mistake(
            "mean",
            "a result is divided by N, or a mean is taken over the batch. The division by N is "
            "part of the loss, and so of the given derivative: sum over the examples.",
            with_results(lambda dz, X, W: [part / len(dz) for part in _after_dz(dz, X, W)]),
        ),
    ]


def _wrong_products(with_results: Callable) -> list[Mistake]:
    """Mistakes in the matrix products, and in the order of the results."""
    return [
        mistake(
            "transposed",
            "a transpose is missing, or there is one too many. dX is dz @ W.T, with the shape of "
            "X, and dW is X.T @ dz, with that of W. Where all sizes are equal, the wrong "
            "products run too.",
            with_results(lambda dz, X, W: (dz @ W, X @ dz, None)),
            with_results(lambda dz, X, W: (W @ dz.T, dz.T @ X, None)),
            with_results(lambda dz, X, W: (W.T @ dz, dz @ X.T, None)),
        ),
        mistake(
            "order",
            "the three results are in the wrong order. Return (dX, dW, db).",
            with_results(lambda dz, X, W: (X.T @ dz, dz @ W.T, None)),
            with_results(lambda dz, X, W: (dz.sum(axis=0), dz.sum(axis=0), None)),
        ),
        mistake(
            "elementwise",
            "the matrices are multiplied entry by entry, with *. Each entry of dX and dW is a sum "
            "of products: dz @ W.T and X.T @ dz.",
            with_results(lambda dz, X, W: (dz * W, X * dz, None)),
            with_results(lambda dz, X, W: (dz * W.T, X.T * dz, None)),
        ),
        mistake(
            "one-term",
            "only one term of each sum is kept: the last, as with = in place of +=, or the first. "
            "dX is a sum over the units; dW and db are sums over the examples.",
            with_results(lambda dz, X, W: (dz[:, -1:] * W[:, -1], np.outer(X[-1], dz[-1]), dz[-1])),
            with_results(lambda dz, X, W: (dz[:, :1] * W[:, 0], np.outer(X[0], dz[0]), dz[0])),
        ),
    ]


check_sigmoid_backward = parts_check(
    """sigmoid_backward(da, X, W, a): (dX, dW, db) of a layer a = sigmoid(X @ W + b).

    da, a: (N, H), X: (N, D), W: (D, H). The results: (N, D), (D, H), and (H,) or (1, H).
    """,
    _with_results(_after_dz),
    ("dX", "dW", "db"),
    _LAYERS,
    [
        mistake(
            "derivative-of-a",
            "the sigmoid is applied to a once more, σ(a)(1 − σ(a)). The slope is taken at z, and "
            "since a is already σ(z), it is a(1 − a).",
            _with_dz(lambda da, a: da * _sigmoid(a) * (1 - _sigmoid(a))),
        ),
        mistake(
            "missing-product",
            "the product is missing: da alone, or the slope alone, is used as dz. Multiply them: "
            "dz = da · a(1 − a).",
            _with_dz(lambda da, a: da),
            _with_dz(lambda da, a: a * (1 - a)),
        ),
        mistake(
            "slope",
            "the slope is not the sigmoid's, but another, such as a(a − 1), a, 1 − a, a(1 + a), "
            "or tanh's 1 − a². The sigmoid's is a(1 − a).",
            _with_dz(lambda da, a: da * a * (a - 1)),
            _with_dz(lambda da, a: da * a),
            _with_dz(lambda da, a: da * (1 - a)),
            _with_dz(lambda da, a: da * a * (1 + a)),
            _with_dz(lambda da, a: da * (1 - a**2)),
        ),
        *_mistakes_after_dz(_with_results),
    ],
    correct="Applied from the last layer to the first, this one function trains any stack of them.",
    first=2,  # there every product runs, a wrong one too
)


def _layer(weight: Tensor, bias: Tensor, grad: Tensor) -> nn.Linear:
    layer = nn.Linear(*weight.T.shape)
    layer.weight.data, layer.bias.data = weight.clone(), bias.clone()
    layer.weight.grad, layer.bias.grad = grad.clone(), bias + 1
    return layer


def _as_lines(weight: Tensor, bias: Tensor, grad: Tensor, batches: _Batches) -> str:
    return f"""layer = nn.Linear({weight.shape[1]}, {weight.shape[0]})
    layer.weight.data, layer.bias.data = {as_code(weight)}, {as_code(bias)}
    layer.weight.grad = {as_code(grad)}
    gradients = weight_gradients(layer, {as_code(batches)})"""


def _snapshot(layer: nn.Module) -> tuple:
    """All of a layer but its gradients; torch counts the changes of a parameter in _version."""
    attributes = vars(layer).items()
    return [(name, str(value)) for name, value in attributes if name != "_parameters"], [
        (id(p), p.tolist(), p.dtype, p.requires_grad, p._version, str(p._backward_hooks or ""))
        for p in layer.parameters()
    ]


def _batch_gradients(weight: Tensor, bias: Tensor, grad: Tensor, batches: _Batches) -> Tensor:
    layer = _layer(weight, bias, grad)
    losses = [F.mse_loss(layer(x), y) for x, y in batches]
    return torch.stack([torch.autograd.grad(loss, layer.weight)[0] for loss in losses])


def _from_gradients(make: Callable) -> Callable:
    """What make(before, each) gives for .grad as it was and the gradient of each batch alone."""
    return lambda *case: make(case[2], _batch_gradients(*case))


def _used_layers() -> list[tuple]:
    """(weight, bias, .grad of the weight, batches), a small one and a larger one."""
    pairs = [([[1, 2]], [[1]]), ([[3, 1], [0, 2]], [[1], [-3]]), ([[-1, 1]], [[1]])]
    batches = [(tensor(x).float(), tensor(y).float()) for x, y in pairs]
    small = tensor([[1.0, -1.0]]), tensor([1.0]), tensor([[100.0, 200.0]]), batches
    random = torch.Generator().manual_seed(0)
    sizes = [(2, 3), (2,), (2, 3), (4, 3), (4, 2), (3, 3), (3, 2)]
    draws = (torch.randint(9, size, generator=random) / 2 - 2 for size in sizes)
    weight, bias, grad, x_1, y_1, x_2, y_2 = draws
    return [small, (weight, bias, grad + 9, [(x_1, y_1), (x_2, y_2)])]


@exercise(
    "Each batch starts from an empty .grad, the first one too.",
    [
        observed(
            "layer-changed",
            "The layer is not left as it was, or its weights were changed on the way and put back. "
            "No step is asked for, only gradients.",
        ),
        mistake(
            "accumulated",
            "each gradient contains those of the batches before it, as backward() adds to .grad. "
            "Empty it before each backward(): layer.zero_grad().",
            _from_gradients(lambda before, each: before + each.cumsum(dim=0)),
            _from_gradients(lambda before, each: each.cumsum(dim=0)),
            _from_gradients(lambda before, each: (before + each.sum(dim=0)).expand_as(each)),
            _from_gradients(lambda before, each: each.sum(dim=0).expand_as(each)),
        ),
        mistake(
            "first-not-emptied",
            "the first still contains what was in .grad before. Empty it before each backward().",
            _from_gradients(lambda before, each: torch.cat([before + each[:1], each[1:]])),
        ),
        mistake(
            "zeroed-too-late",
            "the gradients are zeroed before they are kept, or kept without .clone() and zeroed "
            "later, or backward() is missing. Order: zero_grad, backward, keep a copy.",
            _from_gradients(lambda before, each: 0 * each),
        ),
        mistake(
            "same-tensor",
            "the list holds one and the same tensor, as .grad is changed in place. Keep a copy: "
            "layer.weight.grad.clone().",
            _from_gradients(lambda before, each: each[-1:].expand_as(each)),
        ),
    ],
)
def check_weight_gradients(weight_gradients: Callable) -> str | Verdict | None:
    """weight_gradients(layer, batches): the gradient of layer.weight for each batch alone.

    layer: nn.Linear whose .grad may hold something. batches: a list of (x, y). The loss is
    F.mse_loss(layer(x), y). The result: one array or tensor (outputs, inputs) for each batch.
    """
    faults: list[str] = []

    def ask(weight: Tensor, bias: Tensor, grad: Tensor, batches: _Batches) -> Answer:
        layer = _layer(weight, bias, grad)
        before, lines = _snapshot(layer), _as_lines(weight, bias, grad, batches)
        found = call(weight_gradients, layer, batches, shown=lines)
        if _snapshot(layer) != before:
            faults.append("layer-changed")
        if isinstance(found, list | tuple) and found and all(value is None for value in found):
            faults.append("zeroed-too-late")
        return found

    verdict = judge(ask, _batch_gradients, _used_layers())
    if faults or not verdict or not verdict.case:
        return faults[0] if faults else verdict
    text = call_text(ask, verdict.case)
    return replace(verdict, sentence=verdict.sentence.replace(text, _as_lines(*verdict.case)))


def _learn_watched(learn_moons: Callable) -> tuple[Answer, list[bool]]:
    """What learn_moons returns, and of each step of an optimizer, whether it had a gradient."""
    steps = []

    def note_gradient(optimizer: torch.optim.Optimizer, *_: object) -> None:
        used = [parameter.grad for group in optimizer.param_groups for parameter in group["params"]]
        steps.append(any(grad is not None and bool(grad.any()) for grad in used))

    torch.manual_seed(0)  # the same answer gets the same verdict every time
    hook = register_optimizer_step_pre_hook(note_gradient)
    try:
        return call(learn_moons, *_moons(400, 1), shown="learn_moons(X, y)"), steps
    finally:
        hook.remove()


def _moons(n: int, seed: int, mirrored: bool = True) -> tuple[np.ndarray, np.ndarray]:
    """n points (n, 2) and the moon of each, 0 or 1 (n, 1), both float64.

    They are those of the lesson in a mirror, so that learning the notebook's own does not help.
    """
    rng = np.random.default_rng(seed)
    y = rng.integers(0, 2, size=(n, 1))
    angle = rng.uniform(0, np.pi, size=(n, 1))
    moon_0 = np.hstack([np.cos(angle), np.sin(angle)])
    moon_1 = np.hstack([1 - np.cos(angle), 0.5 - np.sin(angle)])
    points = np.where(y == 0, moon_0, moon_1) + rng.normal(0, 0.15, size=(n, 2))
    return points * [-1, 1] + [1, 0] if mirrored else points, y.astype(float)


def _ask(model: Callable, points: np.ndarray) -> np.ndarray:
    """What a model answers, as a float64 array. A function may want an array or a tensor."""
    kinds = [points.copy(), tensor(points), tensor(points).float()]
    if isinstance(model, nn.Module):
        model, kinds = model.cpu().eval(), kinds[1:]
    errors = []
    for given in kinds:
        try:
            with torch.no_grad():
                return as_array(call(model, given, shown="learn_moons(X, y)(points)"))
        except Exception as error:  # whichever it is, another kind of input may do
            errors.append(error)
    raise errors[0]


def _decided(model: Callable, border: float, points: np.ndarray) -> np.ndarray:
    scores = _ask(model, points)
    return scores[:, 1] > scores[:, 0] if scores.shape[-1] == 2 else scores.ravel() > border


def _share(model: Callable, border: float, mirrored: bool = True) -> float:
    """The share of 2,000 fresh points that are on the right side of a border."""
    points, y = _moons(2000, 2, mirrored)
    return np.mean(_decided(model, border, points) == y.ravel())


def _is_straight(model: Callable, border: float) -> bool:
    """Whether the border is a straight line: points of one class have none of the other between."""
    p, q = np.random.default_rng(3).uniform((-1.5, -1), (2.5, 1.5), size=(2, 4000, 2))
    at_p, at_q, between = (_decided(model, border, points) for points in (p, q, (p + q) / 2))
    return np.sum((at_p == at_q) & (between != at_p)) < 4


@exercise(
    "At least 96 of 100 fresh points are right: your network has drawn a curve between the moons, "
    "and not learned the training points by heart.",
    [
        observed(
            "not-a-model",
            "What learn_moons returns does not answer new points. Return the trained torch model, "
            "or a function of an (N, 2) array, not answers for X, and not weights.",
        ),
        observed(
            "diverged",
            "Its answers are nan or infinite: training has blown up. Try a smaller learning rate.",
        ),
        observed(
            "no-gradient",
            "At every optimizer.step() all gradients were empty (None or 0). Order: zero_grad, "
            "backward, step. Does the optimizer hold the parameters of this very model?",
        ),
        observed(
            "other-points",
            "It answers as if it had learned the notebook's own moons. X and y hold mirrored ones: "
            "train on the points that are given.",
        ),
        observed(
            "swapped",
            "It separates the moons, but calls 0 what is 1. Is a sign or a comparison turned?",
        ),
        observed(
            "one-class",
            "It gives all points the same class, or nearly the same value. Does the loss fall? "
            "Known causes: one of y_hat and y is (N,) and the other (N, 1), so that the loss "
            "compares all with all; equal weights at the start; a learning rate far too large.",
        ),
        observed(
            "straight",
            "Its border is a straight line, and no straight line separates the moons. Is there an "
            "activation between two layers? If so, train longer, or with a larger learning rate.",
        ),
    ],
)
def check_learn_moons(learn_moons: Callable) -> str | Verdict | None:
    """learn_moons(X, y): train on X (400, 2) and y (400, 1), return a model that answers points.

    The model: an nn.Module or a function of points (N, 2), giving N classes, probabilities or
    logits, or (N, 2) scores. (Whichever of 0 and 0.5 is the better border is taken.)
    """
    model, steps = _learn_watched(learn_moons)
    if model is None:
        return different("learn_moons(X, y) gives None. Is there a `return`?")
    points, _ = _moons(2000, 2)
    scores = _ask(model, points) if callable(model) else np.zeros(400)
    if scores.size == 400:
        return "not-a-model"
    if scores.shape not in [(2000,), (2000, 1), (1, 2000), (2000, 2)]:
        return different(
            f"for 2,000 points its answer has the shape {scores.shape}, not (2000, 1)."
        )
    if not np.isfinite(scores).all():
        return "diverged"
    shares = {border: _share(model, border) for border in (0.5, 0.0)}
    border = max(shares, key=shares.__getitem__)
    if shares[border] >= 0.96:
        return None
    if steps and not any(steps):
        return "no-gradient"
    if _share(model, border, mirrored=False) >= 0.96:
        return "other-points"
    if min(shares.values()) <= 0.04:
        return "swapped"
    if np.ptp(scores, axis=0).max() < 0.1 or len({*_decided(model, border, points)}) == 1:
        return "one-class"
    if _is_straight(model, border):
        return "straight"
    return different(
        f"{shares[border]:.1%} of the fresh points are right; 96% is asked for, and a straight "
        "border gets about 87%. Train longer, with a larger learning rate, or more hidden units."
    )


# Parts of a network, which lesson 18 puts together


check_linear = function_check(
    "linear(X, W, b): X @ W + b, for X (N, D), W (D, H) and b (H,).",
    lambda X, W, b: X @ W + b,
    [(X, W, da[0]) for da, X, W, _ in _LAYERS],  # a row of da, as b
    [
        mistake(
            "bias-missing",
            "no bias is added. b[h] is added to the sum of unit h, for every example.",
            lambda X, W, b: X @ W,
        ),
        mistake(
            "bias-per-example",
            "each example gets a bias of its own, as with b[:, None]. The biases belong to the "
            "units: b is a row, and NumPy adds it to every row of X @ W.",
            lambda X, W, b: X @ W + b[:, None],
        ),
        mistake(
            "bias-shared",
            "all units share one bias, such as b[0] or b.sum(). Unit h has its own, b[h].",
            lambda X, W, b: X @ W + b[0],
            lambda X, W, b: X @ W + b[-1],
            lambda X, W, b: X @ W + b.sum(),
            lambda X, W, b: X @ W + b.mean(),
        ),
        mistake(
            "bias-inside",
            "the bias is added before the matrix product, or to every term of a sum, or it is "
            "subtracted. It is added once to each sum: X @ W first, then + b.",
            lambda X, W, b: X @ (W + b),
            lambda X, W, b: (X + b) @ W,
            lambda X, W, b: X @ W - b,
            lambda X, W, b: X @ W + len(W) * b,
        ),
        mistake(
            "one-product",
            "only the last product of each sum is kept, as with = in place of +=. A unit's sum has "
            "a product for each input: add them up.",
            lambda X, W, b: X[:, -1:] * W[-1] + b,
        ),
        mistake(
            "same-list",
            "all rows are the same list, as in [[0] * n] * m. Make a new list for each row, [[0] * "
            "n for _ in range(m)], or use np.zeros((m, n)).",
            lambda X, W, b: np.tile(X[-1] @ W + b, (len(X), 1)),
        ),
        mistake(
            "elementwise",
            "X and W are multiplied entry by entry, X * W. A unit's sum is a row of X times a "
            "column of W: X @ W.",
            lambda X, W, b: X * W + b,
        ),
        mistake(
            "transposed",
            "a matrix is transposed, or the two are in the wrong order. W is (D, H) here, with a "
            "column for each unit, so the product is X @ W. (torch stores its transpose.) Where "
            "all sizes are equal, the wrong products run too.",
            lambda X, W, b: X @ W.T + b,
            lambda X, W, b: W @ X + b,
            lambda X, W, b: X.T @ W + b,
            lambda X, W, b: W.T @ X + b,
        ),
        mistake(
            "activation",
            "an activation function has been applied. A linear layer returns the sums "
            "themselves, negative ones too.",
            lambda X, W, b: np.maximum(X @ W + b, 0),
            lambda X, W, b: _sigmoid(X @ W + b),
            lambda X, W, b: np.tanh(X @ W + b),
        ),
    ],
    correct="nn.Linear computes the same, with the transpose of W as its weight.",
)

check_linear_backward = parts_check(
    """linear_backward(dz, X, W): (dX, dW, db) of a layer z = X @ W + b.

    dz: (N, H), X: (N, D), W: (D, H). The results: (N, D), (D, H), and (H,) or (1, H).
    """,
    _after_dz,
    ("dX", "dW", "db"),
    [(da, X, W) for da, X, W, _ in _LAYERS],
    _mistakes_after_dz(lambda results: results),
    correct="Two matrix products and a sum: about twice the work of the forward pass.",
    first=2,  # there every product runs, a wrong one too
)


def _sums() -> list[np.ndarray]:
    """Values of z of several shapes, two of them of one: positive, negative and 0, small and large.

    None is a single number: Python's max and if would do for that.
    """
    rng = np.random.default_rng(1)
    small = [[2.0, -1.0, 4.0], [[1.5, 0.0, -2.0], [-4.0, 0.5, 0.25]]]
    shapes = [((4, 3), 0.25), ((4, 3), 0.25), ((2, 3, 4, 4), 1.0), ((2, 5, 1), 0.5)]
    drawn = [rng.integers(-9, 10, size=shape) * part for shape, part in shapes]
    drawn[0][0] = 0.001, -0.001, 700  # e^700 is still a number
    return [*map(np.array, small), *drawn]


_SMALL_SLOPES = (0.001, 0.01, 0.02, 0.05, 0.1, 0.2, 0.3)


def _leaky_relu(slope: float) -> Callable:
    return lambda z: np.where(z > 0, z, slope * z)


def _limited_relu(limit: float) -> Callable:
    return lambda z: np.clip(z, 0, limit)


check_relu = function_check(
    "relu(z): z where it is positive, else 0, for z of any shape.",
    lambda z: np.maximum(z, 0),
    [(z,) for z in _sums()],
    [
        mistake(
            "largest-value",
            "the largest of all numbers is taken. np.max finds one number in an array (in "
            "np.max(z, 0), the 0 is an axis); np.maximum(z, 0) compares each number with 0.",
            lambda z: z.max(),
            lambda z: z.max(axis=0),
            lambda z: np.maximum(z.max(), 0),
            lambda z: np.maximum(z.max(axis=0), 0),
        ),
        mistake(
            "gate-alone",
            "each positive number becomes 1. That is the slope of ReLU; its value is z itself "
            "where z is positive.",
            lambda z: 1.0 * (z > 0),
            lambda z: 1.0 * (z >= 0),
        ),
        mistake(
            "unchanged",
            "all numbers stay as they are. ReLU sets the negative ones to 0.",
            lambda z: z,
        ),
        mistake(
            "wrong-side",
            "the negative numbers are kept, or lose their sign. ReLU keeps the positive ones and "
            "sets all others to 0.",
            lambda z: np.minimum(z, 0),
            lambda z: np.abs(z),
            lambda z: np.maximum(-z, 0),
        ),
        mistake(
            "leaky",
            "negative numbers are multiplied by a small slope, such as 0.01. That is the leaky "
            "ReLU; here they become 0.",
            *map(_leaky_relu, _SMALL_SLOPES),
        ),
        mistake(
            "positive-only",
            "only the positive numbers are returned, in an array of their own. The result has "
            "the shape of z, with 0 where z is not positive.",
            lambda z: z[z > 0],
            lambda z: z[z >= 0],
        ),
        mistake(
            "limited",
            "large numbers are limited too, to 1, 6 or 255, for example. ReLU has no upper limit.",
            *map(_limited_relu, (1, 6, 10, 20, 100, 255)),
        ),
        mistake(
            "other-activation",
            "another activation function is applied: sigmoid, tanh, softplus, ELU, SiLU or GELU. "
            "ReLU is max(0, z), for each number.",
            _sigmoid,
            np.tanh,
            lambda z: np.log1p(np.exp(z)),
            lambda z: np.where(z > 0, z, np.exp(z) - 1),
            lambda z: z * _sigmoid(z),
            lambda z: F.gelu(tensor(z)),
        ),
    ],
    correct="np.maximum(z, 0), np.where and a product with z > 0 all give the same numbers.",
)


def _gradients() -> list[tuple]:
    """(da, z): each z of the exercise before, with a da of other signs that is nowhere 0."""
    rng = np.random.default_rng(2)
    small = [[-3.0, 5.0, 2.0], [[-1.0, 4.0, 2.0], [3.0, -2.0, 6.0]]]
    drawn = [rng.integers(1, 9, size=z.shape) * rng.choice([-0.5, 0.5], z.shape) for z in _sums()]
    das = [*map(np.array, small), *drawn[len(small) :]]
    return [*zip(das, _sums(), strict=True)]


def _gated(slope: Callable) -> Callable:
    """A backward pass with this slope, a function of z."""
    return lambda da, z: da * slope(z)


def _leaky_gate(slope: float) -> Callable:
    return _gated(lambda z: np.where(z > 0, 1, slope))


check_relu_backward = function_check(
    "relu_backward(da, z): dz, that is da where z is positive, else 0, in any shape.",
    _gated(lambda z: z > 0),
    _gradients(),
    [
        mistake(
            "arguments-swapped",
            "the arguments are swapped: z passes where da is positive. In relu_backward(da, z), "
            "the derivative da comes first, and passes where z > 0.",
            lambda da, z: z * (da > 0),
        ),
        mistake(
            "brackets",
            "the product is compared with 0, as in da * z > 0. Put the comparison in brackets: da "
            "* (z > 0).",
            lambda da, z: da * z > 0,
            lambda da, z: da * z >= 0,
        ),
        mistake(
            "slope-at-zero",
            "the slope is not 0 where z is 0. ReLU has a corner there, and torch sets the slope to "
            "0: only z > 0 lets da through.",
            _gated(lambda z: z >= 0),
            _gated(lambda z: np.heaviside(z, 0.5)),
        ),
        mistake(
            "gate-of-da",
            "the sign of da, and not that of z, decides what passes. The slope of ReLU is 1 "
            "where z was positive in the forward pass; da may have either sign.",
            lambda da, z: np.maximum(da, 0),
            lambda da, z: 1.0 * (da > 0),
            lambda da, z: np.maximum(da, 0) * (z > 0),
        ),
        mistake(
            "gate-alone",
            "the slope itself is returned, or ReLU's value. The chain rule multiplies: dz = da "
            "times the slope.",
            lambda da, z: 1.0 * (z > 0),
            lambda da, z: 1.0 * (z >= 0),
            lambda da, z: np.maximum(z, 0),
        ),
        mistake(
            "no-gate",
            "all of da passes. Where z was not positive, ReLU gave 0, whatever z was: its slope is "
            "0 there, and so is dz.",
            lambda da, z: da,
        ),
        mistake(
            "wrong-side",
            "the gradient passes where z is negative. It is the other way round: da passes where "
            "z > 0.",
            _gated(lambda z: z < 0),
            _gated(lambda z: z <= 0),
        ),
        mistake(
            "multiplied-by-z",
            "there is one factor too many: z, or ReLU of z. Where z is positive, the slope of ReLU "
            "is 1, whatever z is.",
            _gated(lambda z: z),
            _gated(lambda z: np.maximum(z, 0)),
        ),
        mistake(
            "leaky",
            "a small part of da passes where z is negative. That is the leaky ReLU; here the "
            "slope is 0.",
            *map(_leaky_gate, _SMALL_SLOPES),
        ),
        mistake(
            "positive-only",
            "only the values of da where z is positive are returned, in an array of their own. "
            "The result has the shape of z, with 0 elsewhere.",
            lambda da, z: da[z > 0],
            lambda da, z: da[z >= 0],
        ),
        mistake(
            "other-slope",
            "the slope is that of the sigmoid or of tanh (perhaps with z in the formula for a), or "
            "it is −1 where z is negative. ReLU's slope is 1 where z is positive, else 0.",
            _gated(lambda z: _sigmoid(z) * (1 - _sigmoid(z))),
            _gated(lambda z: z * (1 - z)),
            _gated(lambda z: 1 - np.tanh(z) ** 2),
            _gated(lambda z: 1 - z**2),
            _gated(np.sign),
            _gated(lambda z: np.where(z > 0, 1, -1)),
        ),
        mistake(
            "divided",
            "the result is divided by N, or by the total number of values. No mean is taken here: "
            "each number in dz comes from a single number in da.",
            lambda da, z: da * (z > 0) / len(z),
            lambda da, z: da * (z > 0) / z.size,
        ),
    ],
    correct="What passes through the gate does not shrink: a reason why ReLU suits deep networks.",
)
