"""Checks of the exercises of lesson 09, LeNet."""

import copy
import re
from collections import Counter
from collections.abc import Callable, Sequence

import torch
from torch import nn
from torch.nn import functional as F

from course_utils.exercises.engine import Verdict, call, different, exercise, named, observed
from course_utils.exercises.reading import as_array, difference
from course_utils.models import LeNet

_SHAPES = [(6, 1, 5, 5), (6,), (16, 6, 5, 5), (16,), (120, 400), (120,), (84, 120), (84,)]
_SHAPES += [(10, 84), (10,)]
_FIRST_FOUR = ("Conv2d(1, 6, 5)", "Conv2d(6, 16, 5)", "Linear(400, 120)", "Linear(120, 84)")
_NO_IMAGE = torch.zeros(1, 1, 32, 32)


class _Network:
    """A network with LeNet's parameters, whose activations are found by trying it.

    Every weight is 0 but a few 1s, by which the first values of a layer are passed on to the next
    as they are; so a layer's biases show what the network does with them on the way.
    """

    def __init__(self, model: nn.Module, parameters: Sequence[nn.Parameter]) -> None:
        by_shape = {tuple(one.shape): one for one in parameters}
        self.model, self.parameters = model, [by_shape[shape].data for shape in _SHAPES]

    def give(self, x: torch.Tensor) -> torch.Tensor:
        return call(self.model, x, shown="my_lenet()(x)").detach()

    def pass_on(self, layer: int, values: torch.Tensor, then: float = 0) -> torch.Tensor:
        """The logits where a layer has these biases, and the next one has `then`."""
        for weight in self.parameters:
            weight.zero_()
        for later in range(layer + 1, 5):
            rows = self.parameters[2 * later].flatten(1)
            middle, step = (12, 25) if later < 3 else (0, 1)  # of a map of 5 × 5
            rows[range(len(values)), range(middle, middle + len(values) * step, step)] = 1
        self.parameters[2 * layer + 1][: len(values)] = values
        if layer < 4:
            self.parameters[2 * layer + 3][: len(values)] += then
        return self.give(_NO_IMAGE)[0, : len(values)]

    def activation(self, values: torch.Tensor) -> torch.Tensor:
        """What the last activation makes of these values."""
        unlike, place = values.unique(return_inverse=True)
        self.pass_on(3, torch.zeros(10))
        made = []
        for some in unlike.split(10):
            self.parameters[7][: len(some)] = some
            made.append(self.give(_NO_IMAGE)[0, : len(some)])
        return torch.cat(made)[place]

    def arrive_as(self, layer: int, change: Callable) -> bool:
        """Whether all values of a layer arrive at the next one changed in this way."""
        values = torch.linspace(-3, 4, 6)
        return not any(
            difference(
                self.pass_on(layer, values, then), self.pass_on(layer + 1, change(values) + then)
            )
            for then in (-2, 0, 3)
        )


def _lenet(x: torch.Tensor, parameters: Sequence[torch.Tensor], pooled: Callable, activation):
    """LeNet's logits, with this pooling and this activation."""
    for layer in range(5):
        weight, bias = parameters[2 * layer : 2 * layer + 2]
        x = F.conv2d(x, weight, bias) if layer < 2 else F.linear(x.flatten(1), weight, bias)
        x = pooled(x) if layer < 2 else activation(x) if layer < 4 else x
    return x


def _has_layers(value: object) -> bool:
    return isinstance(value, list | tuple) and any(isinstance(one, nn.Module) for one in value)


@exercise(
    "61,706 parameters, and the logits that its weights should give.",
    [
        observed(
            "list-of-layers",
            "The layers are in a Python list, where torch does not find their weights. Put them "
            "into nn.Sequential(*layers), or keep them in an nn.ModuleList.",
        ),
        observed(
            "flatten-size",
            "The sizes do not fit where the maps become a row. In LeNet 32 becomes 28, 14, 10 and "
            "5, so each image has 16 · 5 · 5 = 400 values there, and Linear(400, 120) takes them.",
        ),
        observed(
            "not-logits",
            "What the last layer gives does not come out as it is: something follows it, such as "
            "softmax, which cross_entropy applies itself, or an activation. End with the logits.",
        ),
        observed(
            "no-activation",
            "An activation is missing: the values of one layer arrive at the next as they are, and "
            "two such layers are as good as one. It belongs after both convolutions and after the "
            "first two fully connected layers.",
        ),
    ],
)
def check_my_lenet(my_lenet: Callable) -> str | Verdict | None:
    """my_lenet(): a network with LeNet's layers; any activation, max or average pooling."""
    model = my_lenet if isinstance(my_lenet, nn.Module) else call(my_lenet, shown="my_lenet()")
    if _has_layers(model):
        return "list-of-layers"
    if not isinstance(model, nn.Module):
        return different("my_lenet() should return a network, an nn.Module.")
    model = copy.deepcopy(model).cpu().eval()  # its weights, which may be precious, are overwritten
    torch.manual_seed(0)
    x = torch.randint(-2, 3, (3, 1, 32, 32)).float()
    x[:, :, 6:], x[..., 6:] = 0, 0  # few values, since each is asked for

    def run(x: torch.Tensor) -> object:
        try:
            return model(x)  # lazy layers now know their sizes
        except RuntimeError as error:
            if re.search(r"mat1 and mat2 .*x120\)|is invalid for input of size", str(error)):
                return "flatten-size"
            raise

    logits = call(run, x, shown="my_lenet()(x), with x of shape (3, 1, 32, 32)")
    if isinstance(logits, str) and logits == "flatten-size":
        return logits
    if not isinstance(logits, torch.Tensor) or logits.shape != (3, 10):
        return different("for 3 images of shape (1, 32, 32) it should return logits (3, 10).")
    parameters = [
        one
        for module in model.modules()
        if not isinstance(module, nn.PReLU)
        for one in module.parameters(recurse=False)
    ]
    found, lenets = Counter(tuple(one.shape) for one in parameters), Counter(_SHAPES)
    if found != lenets:
        if any(_has_layers(kept) for one in model.modules() for kept in vars(one).values()):
            return "list-of-layers"
        parts = {"these are missing": lenets - found, "these are too many": found - lenets}
        words = [f"{text}: {[*some.elements()]}" for text, some in parts.items() if some]
        return different(f"of the parameters, by their shapes, {'; '.join(words)}.")
    if logits.requires_grad:
        logits.sum().backward()
    if any(one.grad is None for one in parameters):
        return different("some parameters get no gradient: is there a detach or no_grad in it?")
    network = _Network(model, parameters)
    logits = network.give(x)
    for training in (True, False):
        model.train(training)
        if difference(network.give(x), logits):
            return different(
                "the same images do not give the same logits again, in training and in evaluation: "
                "is something random in it, or another layer, such as dropout or normalisation?"
            )
    ends = torch.linspace(-3, 4, 10)
    if difference(network.pass_on(4, ends), ends):
        return "not-logits"
    bare = [name for at, name in enumerate(_FIRST_FOUR) if network.arrive_as(at, lambda v: v)]
    if bare:
        return named("no-activation", f" Here it is missing after {' and '.join(bare)}.")
    if not all(network.arrive_as(layer, network.activation) for layer in range(4)):
        return different(
            "what happens to a layer's values on the way to the next is not the same after each of "
            "the first four. Is there one activation throughout, and nothing that moves values?"
        )
    for number, weight in enumerate(network.parameters):  # eighths: the first maps have few values
        fan_in = weight[0].numel() if weight.ndim > 1 else 1
        drawn = torch.randn(weight.shape) * (2 / fan_in) ** 0.5
        weight.copy_((drawn * 8).round() / 8 if number < 2 else drawn)
    given, logits = [weight.clone() for weight in network.parameters], network.give(x)
    for pool in (F.max_pool2d, F.avg_pool2d):
        for pooled in (
            lambda maps, pool=pool: network.activation(pool(maps, 2)),
            lambda maps, pool=pool: pool(network.activation(maps), 2),
        ):
            if not difference(
                logits[:1], _lenet(x[:1], given, pooled, network.activation), rtol=1e-3
            ):
                return None
    return different(
        "the layers are LeNet's, with an activation after each, but what comes out is not what it "
        "should be. Is there pooling by 2 after each convolution, both of one kind?"
    )


def _five_shapes(side: int = 30, up: int = 0) -> list[tuple]:
    """What comes out where the rest of a halved side is dropped, or with up=1 where it is not."""
    half = (side - 4 + up) // 2
    last = (half - 4 + up) // 2
    maps = [(6, side - 4), (6, half), (16, half - 4), (16, last)]
    return [*((64, channels, n, n) for channels, n in maps), (64, 16 * last * last)]


_SHAPE_MISTAKES = [
    observed("rounded-up", "MaxPool2d drops what is left over of an odd side.", _five_shapes(up=1)),
    observed(
        "images-of-32", "This is right for 32 × 32. These images are 30 × 30.", _five_shapes(32)
    ),
    observed(
        "batch-lost",
        "A shape begins with the number of images. The 64 of a batch stay all the way.",
    ),
    observed(
        "channels",
        "The number of channels comes after the number of images. A convolution makes a channel "
        "for each of its kernels, 6 and then 16, and pooling keeps them.",
    ),
    observed(
        "sizes",
        "The images and the channels are right, the pixels are not. A 5 × 5 window fits into n "
        "pixels n − 4 times, pooling halves, and Flatten makes a row of all that an image has.",
    ),
]


@exercise("26, 13, 9 and 4: pooling drops what is left over.", _SHAPE_MISTAKES)
def check_shapes(shapes: Sequence) -> str | Verdict | None:
    """shapes: five shapes, as tuples, lists or torch.Size, of 64 images of 30 × 30 in LeNet."""
    if not isinstance(shapes, list | tuple) or len(shapes) != 5:
        return different("a list of five shapes is expected.")
    for stage, right in enumerate(_five_shapes()):
        shape = tuple(as_array(shapes[stage]).ravel().tolist())
        if shape == right:
            continue
        for one in _SHAPE_MISTAKES:
            if any(shape == wrong[stage] for wrong in one.rules):
                return one.code
        if shape[:1] != (64,):
            return "batch-lost"
        if len(shape) == len(right):
            return "channels" if len(shape) == 4 and shape[1] != right[1] else "sizes"
        return different(f"shape {stage + 1} of 5 should have {len(right)} numbers.")


@exercise(
    "Not one value of the features moved, and every one of the classifier did.",
    [
        observed(
            "classifier-still",
            "The classifier does not learn: no gradient reaches it, the optimiser does not hold "
            "it, or its rate is 0.",
        ),
        observed(
            "weight-decay",
            "No gradient reaches the features, and still they move: the optimiser holds them, and "
            "its weight decay pulls on all it holds. Give it the classifier's parameters only.",
        ),
        observed(
            "not-frozen",
            "Features are still trained: the kernels of the convolutions, their biases, or both.",
        ),
        observed(
            "other-settings",
            "The features stay, and the classifier learns; but not by a torch.optim.SGD with "
            "lr=0.1 and weight_decay=0.1, and nothing else.",
        ),
    ],
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
    mine = {id(value) for value in model.parameters()}
    optimizer = call(freeze, model, shown="freeze(model)")
    if not isinstance(optimizer, torch.optim.Optimizer):
        return different("freeze(model) should return an optimiser.")

    names = {id(value): name for name, value in model.named_parameters()}

    def moved() -> set[str]:
        return {n for n, value in model.named_parameters() if not torch.equal(before[n], value)}

    if names.keys() != mine or moved():
        return different("freeze itself changes the weights. It only says what will be trained.")
    reached = set()
    for _ in range(3):
        loss = F.cross_entropy(call(model, x, shown="model(x)"), y)
        optimizer.zero_grad(set_to_none=False)
        if loss.requires_grad:
            loss.backward()
        weights = model.named_parameters()
        reached |= {n for n, value in weights if value.grad is not None and value.grad.any()}
        call(optimizer.step, shown="optimizer.step()")
    classifier = {name for name in before if name.startswith("classifier")}
    changed, asked = moved(), {"lr": 0.1, "weight_decay": 0.1, "momentum": 0, "maximize": False}
    settings = [
        [isinstance(optimizer, torch.optim.SGD), *(group.get(name) for name in asked)]
        for group in optimizer.param_groups
        if any(names.get(id(one)) in classifier for one in group["params"])
    ]
    for seen, code in [
        (not changed & reached & classifier, "classifier-still"),
        (changed > classifier == reached, "weight-decay"),
        (changed & reached - classifier, "not-frozen"),
        (any(one != [True, *asked.values()] for one in settings), "other-settings"),
        (changed == classifier, None),
    ]:
        if seen:
            return code
    return different(f"these moved: {', '.join(sorted(changed))}. All the classifier's should.")
