"""Checks of the exercises of lesson 04, back-propagation."""

import copy
import inspect
from collections.abc import Callable, Iterator, Sequence
from itertools import permutations

import numpy as np
import torch
from torch import nn
from torch.nn import functional as F

from course_utils.exercises.engine import Verdict, as_array, compare, different, exercise, same

Case = tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]


def _sigmoid(z: np.ndarray) -> np.ndarray:
    return 1 / (1 + np.exp(-z))


def _layers() -> list[Case]:
    """(da, X, W, a) of three layers; in the first all sizes are equal, so any product runs."""
    rng = np.random.default_rng(0)
    cases = []
    for n, d, h in [(3, 3, 3), (5, 3, 2), (4, 2, 3)]:
        X, W, b = rng.normal(size=(n, d)), rng.normal(size=(d, h)), rng.normal(size=h)
        cases.append((rng.normal(size=(n, h)), X, W, _sigmoid(X @ W + b)))
    return cases


def _slope(a: np.ndarray) -> np.ndarray:
    return a * (1 - a)


# What dz may have become, by the name of the mistake.
_WRONG_DZ = [
    ("derivative-of-a", lambda da, a: da * _slope(_sigmoid(a))),
    ("missing-product", lambda da, a: da),
    ("missing-da", lambda da, a: _slope(a)),
    ("tanh-slope", lambda da, a: da * (1 - a**2)),
]
# What dX, dW or db may have become from a right dz: which of the three, and how.
_WRONG_PARTS = [
    ("transposed", 0, lambda dz, X, W: W @ dz.T),
    ("transposed", 1, lambda dz, X, W: dz.T @ X),
    ("batch-not-summed", 2, lambda dz, X, W: dz),
    ("wrong-axis", 2, lambda dz, X, W: dz.sum(axis=1)),
    ("all-summed", 2, lambda dz, X, W: dz.sum()),
    ("mean", 1, lambda dz, X, W: X.T @ dz / len(X)),
    ("mean", 2, lambda dz, X, W: dz.mean(axis=0)),
]
_PARTS = ("dX", "dW", "db")


def _from_dz(dz: np.ndarray, X: np.ndarray, W: np.ndarray) -> tuple[np.ndarray, ...]:
    return dz @ W.T, X.T @ dz, dz.sum(axis=0)


@exercise(
    correct="With this one function, applied from the last layer to the first, any stack of "
    "sigmoid layers can be trained.",
    derivative_of_a="You have put a into the sigmoid once more: σ(a)(1 − σ(a)). "
    "The slope is taken at z, and as a is already σ(z), it is a(1 − a).",
    missing_product="The way through the sigmoid is missing: da is used as if it were dz. "
    "Multiply by the slope first: dz = da · a(1 − a).",
    missing_da="The slope a(1 − a) is there, but not multiplied by da, so nothing of the loss "
    "reaches the weights: dz = da · a(1 − a).",
    tanh_slope="1 − a² is the slope of tanh. The sigmoid's is a(1 − a).",
    batch_not_summed="db still has a row for each example. b was added to all of them, so its "
    "derivative is their sum: dz.sum(axis=0).",
    wrong_axis="db is summed over the units, and has a value for each example. "
    "Sum over the examples: axis=0.",
    all_summed="db is one number for all units. Each unit has its own bias: "
    "sum over the examples only, axis=0.",
    mean="You have taken a mean over the batch. The loss contains its division by N already, "
    "and da with it: sum over the examples.",
    transposed="A matrix is transposed, or lacks its transpose. dX is dz @ W.T, with the shape of "
    "X, and dW is X.T @ dz, with the shape of W. (Where all sizes are equal, both ways run.)",
    order="All three are right, in another order. Return (dX, dW, db).",
)
def check_sigmoid_backward(sigmoid_backward: Callable) -> str | Verdict | None:
    """sigmoid_backward(da, X, W, a): (dX, dW, db) of a layer a = sigmoid(X @ W + b).

    da, a: (N, H), X: (N, D), W: (D, H). The results: (N, D), (D, H), and (H,) or (1, H).
    """
    if not callable(sigmoid_backward):
        return different("a function of four arguments is expected here.")
    found = []
    for da, X, W, a in _layers():
        parts = sigmoid_backward(da.copy(), X.copy(), W.copy(), a.copy())
        if parts is None:
            return different("the function gives None. Is there a `return`?")
        if not isinstance(parts, list | tuple) or len(parts) != 3:
            return different("three results are expected: return dX, dW, db.")
        found.append(parts)
        if len(found) == 1:
            dz = da * _slope(a)
            if same(parts[0], dz @ W) or same(parts[1], X @ dz):
                return "transposed"
    return _name_mistake(found)


def _name_mistake(found: Sequence[Sequence]) -> str | Verdict | None:
    cases = _layers()

    def agree(part: int, expected: Callable[[np.ndarray, Case], object]) -> bool:
        return all(
            same(parts[part], expected(case[0] * _slope(case[3]), case))
            for parts, case in zip(found, cases, strict=True)
        )

    def right(i: int) -> Callable:
        return lambda dz, case: _from_dz(dz, case[1], case[2])[i]

    wrong = [part for part in range(3) if not agree(part, right(part))]
    if not wrong:
        return None
    for name, mistaken in _WRONG_DZ:

        def from_mistaken(i: int, mistaken: Callable = mistaken) -> Callable:
            return lambda _, case: _from_dz(mistaken(case[0], case[3]), case[1], case[2])[i]

        if sum(agree(part, from_mistaken(part)) for part in range(3)) >= 2:
            return name
    if any(agree(part, lambda _, case, i=part: _from_dz(case[0], *case[1:3])[i]) for part in wrong):
        return "missing-product"  # in one of the three only
    for name, part, mistaken in _WRONG_PARTS:

        def from_part(dz: np.ndarray, case: Case, mistaken: Callable = mistaken) -> np.ndarray:
            return mistaken(dz, case[1], case[2])

        if part in wrong and agree(part, from_part):
            return name
    for order in permutations(range(3)):
        if all(agree(part, right(i)) for part, i in enumerate(order)):
            return "order"
    expected = _from_dz(cases[1][0] * _slope(cases[1][3]), *cases[1][1:3])
    verdicts = (compare(found[1][part], expected[part], name=_PARTS[part]) for part in wrong)
    return next(
        (verdict for verdict in verdicts if verdict),
        different("the results are right for some sizes of the layer only."),
    )


_LAYER_SIZES = (3, 2)


def _used_layer() -> nn.Linear:
    """A layer with fixed weights, whose .grad is not empty."""
    generator = torch.Generator().manual_seed(0)
    layer = nn.Linear(*_LAYER_SIZES)
    with torch.no_grad():
        for parameter in layer.parameters():
            parameter.copy_(torch.randn(parameter.shape, generator=generator))
    for parameter in layer.parameters():
        parameter.grad = torch.randn(parameter.shape, generator=generator)
    return layer


def _regression_batches() -> list[tuple[torch.Tensor, torch.Tensor]]:
    generator = torch.Generator().manual_seed(1)
    return [
        tuple(torch.randn(n, size, generator=generator) for size in _LAYER_SIZES) for n in (6, 4, 8)
    ]


@exercise(
    correct="Each batch starts from an empty .grad, the first one too.",
    accumulated="The gradients add up: each contains those of the batches before it, because "
    "backward() adds to .grad. Empty it before each backward: layer.zero_grad().",
    first_not_emptied="All are right but the first, which contains what was in .grad before your "
    "function was called. Put layer.zero_grad() before backward(), at the start of the loop.",
    zeroed_too_late="The gradients you return are empty: they were zeroed after backward() and "
    "before you kept them, or kept without .clone() and zeroed afterwards, or backward() was "
    "never called. "
    "Order: zero_grad, backward, keep a copy.",
    same_tensor="All gradients in the list are one and the same tensor, with the values of the "
    "last batch: .grad is changed in place. Keep a copy: layer.weight.grad.clone().",
    weights_changed="The layer's weights were changed on the way, so the later gradients are those "
    "of another layer. No step is asked for, only gradients.",
)
def check_weight_gradients(weight_gradients: Callable) -> str | Verdict | None:
    """weight_gradients(layer, batches): the gradient of layer.weight for each batch alone.

    layer: nn.Linear whose .grad may hold something. batches: a list of (x, y). The loss is
    F.mse_loss(layer(x), y). The result: one array or tensor (outputs, inputs) for each batch.
    """
    if not callable(weight_gradients):
        return different("a function of two arguments is expected here.")
    layer, reference = _used_layer(), _used_layer()
    found = weight_gradients(layer, copy.deepcopy(_regression_batches()))
    if isinstance(found, Iterator):
        found = list(found)
    own = torch.stack(
        [
            torch.autograd.grad(F.mse_loss(reference(x), y), reference.weight)[0]
            for x, y in _regression_batches()
        ]
    )
    if isinstance(found, list | tuple) and len(found) and all(item is None for item in found):
        return "zeroed-too-late"
    if same(found, own):
        return None
    if not torch.equal(layer.weight, reference.weight):
        return "weights-changed"
    before, sums = reference.weight.grad, own.cumsum(dim=0)
    first = torch.cat([(before + own[0])[None], own[1:]])
    for name, made in [
        ("accumulated", before + sums),
        ("accumulated", sums),
        ("accumulated", (before + sums[-1]).expand_as(own)),
        ("accumulated", sums[-1].expand_as(own)),
        ("first-not-emptied", first),
        ("zeroed-too-late", torch.zeros_like(own)),
        ("same-tensor", own[-1].expand_as(own)),
    ]:
        if same(found, made):
            return name
    return compare(found, own, name="the list of gradients")


def two_moons(n: int, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """n points (n, 2) and the moon of each, 0 or 1 (n, 1), both float64, as in the lesson."""
    y = rng.integers(0, 2, size=(n, 1))
    angle = rng.uniform(0, np.pi, size=(n, 1))
    moon_0 = np.hstack([np.cos(angle), np.sin(angle)])
    moon_1 = np.hstack([1 - np.cos(angle), 0.5 - np.sin(angle)])
    return np.where(y == 0, moon_0, moon_1) + rng.normal(0, 0.15, size=(n, 2)), y.astype(float)


_GOAL = 0.96


def _is_model(answer: object) -> bool:
    """Whether an answer is something to ask (rather than something that trains)."""
    if isinstance(answer, nn.Module):
        return True
    try:
        parameters = inspect.signature(answer).parameters.values()
    except (TypeError, ValueError):
        return False
    needed = [p for p in parameters if p.default is p.empty and p.kind is not p.VAR_POSITIONAL]
    return len(needed) == 1 and len(parameters) == 1


def _ask(model: Callable, points: np.ndarray) -> np.ndarray:
    """What a model answers: as a float64 array. A function may want an array or a tensor."""
    if isinstance(model, nn.Module):
        model.eval()
        like = next(model.parameters(), torch.zeros(0))
        with torch.no_grad():
            return as_array(model(torch.tensor(points, dtype=like.dtype, device=like.device)))
    errors = []
    for dtype in (None, torch.float32, torch.float64):
        given = points.copy() if dtype is None else torch.tensor(points, dtype=dtype)
        try:
            return as_array(model(given))
        except Exception as error:  # whichever it is, another kind of input may do
            errors.append(error)
    raise errors[0]


def _is_straight(classes: Callable[[np.ndarray], np.ndarray]) -> bool:
    """Whether the border is a straight line: points of one class have none of the other between."""
    rng = np.random.default_rng(3)
    p, q = rng.uniform((-1.5, -1), (2.5, 1.5), size=(2, 4000, 2))
    at_p, at_q, between = classes(p), classes(q), classes((p + q) / 2)
    return np.sum((at_p == at_q) & (between != at_p)) < 4


@exercise(
    correct="At least 96 of 100 fresh points are right: your network has drawn a curve between "
    "the moons, and not learned the training points by heart.",
    one_class="It gives all points the same class, or very nearly the same value. Does the loss "
    "fall? A usual cause: of y_hat and y one has the shape (N,) and the other (N, 1), so that the "
    "loss compares all with all, and the mean wins. Others: all weights started equal, or far "
    "too large a learning rate.",
    straight="Its border is a straight line, and no straight line separates the moons. "
    "Is there an activation between two layers? If so, train longer, or with a larger "
    "learning rate: the border needs time to bend.",
    swapped="It separates the moons, but calls 0 what is 1. Is a sign or a comparison turned "
    "round?",
    diverged="Its answers are not numbers (nan or infinite): the training has blown up. "
    "Try a smaller learning rate.",
    not_a_model="What learn_moons returns cannot be asked about new points. Return the trained "
    "torch model, or a function of an (N, 2) array, not answers or weights.",
    old_points="Asked about 2,000 fresh points it gives 400 answers: those for the training "
    "points. What you return should compute its answers from the points it is given.",
)
def check_learn_moons(learn_moons: Callable) -> str | Verdict | None:
    """learn_moons(X, y): train on X (400, 2) and y (400, 1), return a model that answers points.

    The model: an nn.Module or a function of points (N, 2), giving N classes, probabilities or
    logits, or (N, 2) scores. (Whichever of 0 and 0.5 is the better border is taken.) A trained
    model in the place of the function is accepted too.
    """
    if not callable(learn_moons):
        return different("a function of X and y is expected here.")
    model = learn_moons
    if not _is_model(learn_moons):
        model = learn_moons(*two_moons(400, np.random.default_rng(1)))
    if model is None:
        return different("learn_moons(X, y) gives None. Is there a `return`?")
    if not callable(model):
        return "not-a-model"
    fresh, y = two_moons(2000, np.random.default_rng(2))
    scores = _ask(model, fresh)
    if scores.size == 400:
        return "old-points"
    if scores.shape not in [(2000,), (2000, 1), (1, 2000), (2000, 2)]:
        return different(
            f"for 2,000 points it gives an array of shape {scores.shape}; one class, probability "
            "or logit for each point is expected, or two scores."
        )
    if not np.isfinite(scores).all():
        return "diverged"

    def decided(scores: np.ndarray, border: float) -> np.ndarray:
        if scores.shape[-1] == 2:
            return scores[:, 1] > scores[:, 0]
        return scores.ravel() > border

    shares = {border: np.mean(decided(scores, border) == y.ravel()) for border in (0.5, 0.0)}
    border = max(shares, key=shares.get)
    if shares[border] >= _GOAL:
        return None
    if min(shares.values()) <= 1 - _GOAL:
        return "swapped"
    if len(np.unique(decided(scores, border))) == 1 or np.ptp(scores, axis=0).max() < 0.1:
        return "one-class"
    if _is_straight(lambda points: decided(_ask(model, points), border)):
        return "straight"
    return different(
        f"{shares[border]:.1%} of the fresh points are right; 96% is asked for, and a straight "
        "border gets about 87%. Train longer, or with a larger learning rate, or give it more "
        "hidden units."
    )
