"""Checks of the exercises of lesson 09, LeNet."""

import copy
from collections.abc import Callable, Sequence
from itertools import product

import numpy as np
import torch
from torch import nn
from torch.nn import functional as F

from course_utils.exercises.engine import Verdict, different, exercise, same
from course_utils.models import LeNet


def _lenet_by_hand(
    x: torch.Tensor,
    weights: Sequence[torch.Tensor],
    activations: Sequence[Callable],
    pool: Callable,
) -> torch.Tensor:
    """LeNet with these ten tensors, with an activation for each of its first four layers."""
    for layer in range(2):
        x = F.conv2d(x, *weights[2 * layer : 2 * layer + 2])
        x = pool(x, activations[layer])
    x = x.flatten(1)
    for layer in range(2, 5):
        x = F.linear(x, *weights[2 * layer : 2 * layer + 2])
        x = activations[layer](x) if layer < 4 else x
    return x


def _identity(x: torch.Tensor) -> torch.Tensor:
    return x


_ACTIVATIONS = [torch.relu, torch.tanh, torch.sigmoid, F.leaky_relu, F.gelu, F.silu, F.elu]
_ACTIVATIONS += [F.selu, F.mish, F.softplus, F.hardtanh]
_POOLINGS = [
    lambda x, activation: F.max_pool2d(activation(x), 2),
    lambda x, activation: F.avg_pool2d(activation(x), 2),
    lambda x, activation: activation(F.max_pool2d(x, 2)),
    lambda x, activation: activation(F.avg_pool2d(x, 2)),
]


@exercise(
    correct="61,706 parameters, and the logits that its weights should give.",
    no_activation="An activation is missing: without one, two layers in a row are as good as one. "
    "It belongs after both convolutions and after the first two fully connected layers.",
    flatten_size="The sizes do not fit where the maps are flattened. "
    "32 becomes 28, 14, 10 and 5, so there are 16 · 5 · 5 = 400 values.",
    softmax_inside="The network ends with softmax. cross_entropy applies it, so end with logits.",
    relu_at_the_end="The network ends with ReLU, so no logit can be negative. "
    "Nothing follows the last layer.",
)
def check_my_lenet(my_lenet: Callable) -> str | Verdict | None:
    """my_lenet(): a network with LeNet's layers; any common activation, max or average pooling."""
    model = my_lenet() if callable(my_lenet) and not isinstance(my_lenet, nn.Module) else my_lenet
    if not isinstance(model, nn.Module):
        return different("my_lenet() should return a network, an nn.Module.")
    model = copy.deepcopy(model).cpu().eval()  # its weights, which may be precious, are overwritten
    torch.manual_seed(0)
    x = torch.randn(3, 1, 32, 32)
    try:
        found = model(x)  # lazy layers now know their sizes
    except RuntimeError as error:
        if "mat1 and mat2" in str(error) or "is invalid for input of size" in str(error):
            return "flatten-size"
        raise
    if not isinstance(found, torch.Tensor) or found.shape != (3, 10):
        return different("for 3 images of shape (1, 32, 32) it should return logits (3, 10).")
    by_shape = {tuple(weight.shape): weight for weight in model.parameters()}
    expected = [tuple(weight.shape) for weight in LeNet().parameters()]  # ten different ones
    if sorted(tuple(weight.shape) for weight in model.parameters()) != sorted(expected):
        return different(f"the parameters have the shapes {[*by_shape]}; LeNet's are {expected}.")
    weights = [by_shape[shape] for shape in expected]
    if found.requires_grad:
        found.sum().backward()
    if any(weight.grad is None for weight in weights):
        return different("some parameters get no gradient: is there a detach or no_grad in it?")
    with torch.no_grad():
        for weight in weights:  # larger than at the start, so that every activation can be seen
            weight.copy_(torch.randn(weight.shape) * (len(weight) / weight.numel()) ** 0.5)
        return _compare_with_lenet(model(x), x, weights)


def _compare_with_lenet(
    found: torch.Tensor, x: torch.Tensor, weights: Sequence[torch.Tensor]
) -> str | Verdict | None:
    def is_(expected: torch.Tensor) -> bool:
        return same(found, expected, rtol=1e-3, atol=1e-4)

    for activation, pool in product(_ACTIVATIONS, _POOLINGS):
        right = _lenet_by_hand(x, weights, [activation] * 4, pool)
        if is_(right):
            return None
        if same(found, right.softmax(dim=1)) or is_(right.log_softmax(dim=1)):
            return "softmax-inside"
        if is_(right.relu()):
            return "relu-at-the-end"
    for activation, pool in product(_ACTIVATIONS, _POOLINGS):
        for some in product([activation, _identity], repeat=4):
            if is_(_lenet_by_hand(x, weights, some, pool)):
                return "no-activation"
    return different(
        "the layers are LeNet's, but they do not give what they should: are they called in order, "
        "with pooling by 2 after each convolution, one kind of activation and one of pooling, and "
        "nothing random?"
    )


_RIGHT = [(64, 6, 26, 26), (64, 6, 13, 13), (64, 16, 9, 9), (64, 16, 4, 4), (64, 256)]
_STAGES = [
    "Conv2d(1, 6, 5)",
    "MaxPool2d(2)",
    "Conv2d(6, 16, 5)",
    "the second MaxPool2d(2)",
    "Flatten",
]


@exercise(
    correct="26, 13, 9 and 4: pooling drops what is left over.",
    batch_lost="These are the shapes of a single image. A batch of 64 stays 64 all the way.",
    rounded_up="Half of 9 is not 5 here: MaxPool2d drops what is left over, so 9 becomes 4.",
)
def check_shapes(shapes: Sequence) -> str | Verdict | None:
    """shapes: five shapes, as tuples, lists or torch.Size, of 64 images of 30 × 30 in LeNet."""
    if not isinstance(shapes, list | tuple) or len(shapes) != 5:
        return different("a list of five shapes is expected.")
    given = [tuple(shape) if np.iterable(shape) else (shape,) for shape in shapes]
    if given == _RIGHT:
        return None
    up = [*_RIGHT[:3], (64, 16, 5, 5), (64, 400)]
    for stage, shape in enumerate(given):
        if shape in (_RIGHT[stage][1:], up[stage][1:]):
            return "batch-lost"
        if shape == up[stage] != _RIGHT[stage]:
            return "rounded-up"
        if shape != _RIGHT[stage]:
            before = " Up to there all is right." if stage else ""
            return different(f"after {_STAGES[stage]} the shape is not {shape}.{before}")


@exercise(
    correct="Not one value of the features moved, and every one of the classifier did.",
    weight_decay="The features' gradients are 0, and still they shrink: they are in the optimiser, "
    "whose weight decay pulls on all it holds. Give it the classifier's parameters only.",
    only_bias_frozen="The biases of the convolutions stay, but their kernels still move.",
    only_weights_frozen="The kernels stay, but the biases of the convolutions still move.",
    nothing_frozen="The features are trained like everything else.",
    wrong_part="It is the classifier that stays as it was, and the features that move.",
    all_frozen="Nothing moves any more. The classifier should go on learning.",
    other_settings="The features stay; but the optimiser should be a torch.optim.SGD with lr=0.1 "
    "and weight_decay=0.1, and nothing else.",
)
def check_freeze(freeze: Callable) -> str | Verdict | None:
    """freeze(model): an SGD with lr=0.1, weight_decay=0.1 that trains the classifier alone."""
    torch.manual_seed(0)
    model = LeNet()
    x, y = torch.randn(8, 1, 32, 32), torch.arange(8)
    # As after training: every gradient exists, and has been set to zero.
    F.cross_entropy(model(x), y).backward()
    model.zero_grad(set_to_none=False)
    before = {name: value.detach().clone() for name, value in model.named_parameters()}
    optimizer = freeze(model)
    if not isinstance(optimizer, torch.optim.Optimizer):
        return different("freeze(model) should return an optimiser.")
    gradients = {"features": False, "classifier": False}
    for _ in range(3):
        loss = F.cross_entropy(model(x), y)
        optimizer.zero_grad(set_to_none=False)
        if loss.requires_grad:
            loss.backward()
        for part in gradients:
            weights = model.get_submodule(part).parameters()
            gradients[part] |= any(bool(w.grad.any()) for w in weights if w.grad is not None)
        optimizer.step()
    moved = {
        name for name, value in model.named_parameters() if not torch.equal(value, before[name])
    }
    kernels = {name for name in before if name.startswith("features") and name.endswith("weight")}
    biases = {name for name in before if name.startswith("features") and name.endswith("bias")}
    classifier = before.keys() - kernels - biases
    holding = [
        group
        for group in optimizer.param_groups
        if any(
            weight is held for weight in model.classifier.parameters() for held in group["params"]
        )
    ]
    as_asked = isinstance(optimizer, torch.optim.SGD) and all(
        (group["lr"], group["weight_decay"], group["momentum"], group["maximize"])
        == (0.1, 0.1, 0, False)
        for group in holding
    )
    for sign, mistake in [
        (not gradients["classifier"], "all-frozen"),
        (moved == classifier, None if as_asked else "other-settings"),
        (moved >= kernels | biases and not gradients["features"], "weight-decay"),
        (moved == kernels | biases, "wrong-part"),
        (moved == before.keys(), "nothing-frozen"),
        (moved == kernels | classifier, "only-bias-frozen"),
        (moved == biases | classifier, "only-weights-frozen"),
        (not moved, "all-frozen"),
    ]:
        if sign:
            return mistake
    return different(f"these moved: {', '.join(sorted(moved))}. Only the classifier's should.")
