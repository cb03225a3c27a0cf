"""Checks of the exercises of lesson 09, LeNet."""

import copy
import re
from collections import Counter
from collections.abc import Callable, Sequence

import torch
from torch import nn
from torch.nn import functional as F

from course_utils.exercises.engine.checks import Verdict, call, different, exercise, named, observed
from course_utils.exercises.engine.reading import Answer, as_array, difference
from course_utils.exercises.journal import lesson_journal
from course_utils.models import LeNet

mine, progress = lesson_journal(__name__)

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
        by_shape = {tuple(parameter.shape): parameter for parameter in parameters}
        self.model, self.parameters = model, [by_shape[shape].data for shape in _SHAPES]

    def logits(self, x: torch.Tensor) -> torch.Tensor:
        return call(self.model, x, shown="my_lenet()(x)").detach()

    def logits_with(self, layer: int, values: torch.Tensor, next_bias: float = 0) -> torch.Tensor:
        """The logits where a layer has these biases, and the next one `next_bias`."""
        for weight in self.parameters:
            weight.zero_()
        for later in range(layer + 1, 5):
            rows = self.parameters[2 * later].flatten(1)
            middle, step = (12, 25) if later < 3 else (0, 1)  # of a map of 5 × 5
            rows[range(len(values)), range(middle, middle + len(values) * step, step)] = 1
        self.parameters[2 * layer + 1][: len(values)] = values
        if layer < 4:
            self.parameters[2 * layer + 3][: len(values)] += next_bias
        return self.logits(_NO_IMAGE)[0, : len(values)]

    def activation(self, values: torch.Tensor) -> torch.Tensor:
        """What the last activation makes of these values."""
        different_values, places = values.unique(return_inverse=True)
        self.logits_with(3, torch.zeros(10))
        results = []
        for ten in different_values.split(10):
            self.parameters[7][: len(ten)] = ten
            results.append(self.logits(_NO_IMAGE)[0, : len(ten)])
        return torch.cat(results)[places]

    def arrives_as(self, layer: int, change: Callable) -> bool:
        """Whether all values of a layer arrive at the next one changed in this way."""
        values = torch.linspace(-3, 4, 6)
        for bias in (-2, 0, 3):
            arrived = self.logits_with(layer, values, bias)
            if difference(arrived, self.logits_with(layer + 1, change(values) + bias)):
                return False
        return True


def _lenet(
    x: torch.Tensor, parameters: Sequence[torch.Tensor], pooled: Callable, activation: Callable
) -> torch.Tensor:
    """LeNet's logits, with this pooling and this activation."""
    for layer in range(5):
        weight, bias = parameters[2 * layer : 2 * layer + 2]
        x = F.conv2d(x, weight, bias) if layer < 2 else F.linear(x.flatten(1), weight, bias)
        x = pooled(x) if layer < 2 else activation(x) if layer < 4 else x
    return x


def _has_layers(value: Answer) -> bool:
    return isinstance(value, list | tuple) and any(isinstance(item, nn.Module) for item in value)


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
    logits = _first_logits(model, x)
    if isinstance(logits, str):
        return logits
    if not isinstance(logits, torch.Tensor) or logits.shape != (3, 10):
        return different("for 3 images of shape (1, 32, 32) it should return logits (3, 10).")
    parameters = [
        parameter
        for module in model.modules()
        if not isinstance(module, nn.PReLU)
        for parameter in module.parameters(recurse=False)
    ]
    fault = _look_at_parameters(model, parameters, logits)
    if fault:
        return fault
    network = _Network(model, parameters)
    return (
        _look_at_repeats(network, x) or _look_at_activations(network) or _look_at_maps(network, x)
    )


def _first_logits(model: nn.Module, x: torch.Tensor) -> Answer:
    """What the network gives, or the name of the mistake that stops it."""

    def run(x: torch.Tensor) -> Answer:
        try:
            return model(x)  # lazy layers now know their sizes
        except RuntimeError as error:
            if re.search(r"mat1 and mat2 .*x120\)|is invalid for input of size", str(error)):
                return "flatten-size"
            raise

    logits = call(run, x, shown="my_lenet()(x), with x of shape (3, 1, 32, 32)")
    if isinstance(logits, str) and logits != "flatten-size":
        return None  # the reader's own text
    return logits


def _look_at_parameters(
    model: nn.Module, parameters: Sequence[nn.Parameter], logits: torch.Tensor
) -> str | Verdict | None:
    """Whether they are LeNet's, and whether a gradient reaches each."""
    found, needed = Counter(tuple(weight.shape) for weight in parameters), Counter(_SHAPES)
    if found != needed:
        kept = [value for module in model.modules() for value in vars(module).values()]
        if any(map(_has_layers, kept)):
            return "list-of-layers"
        parts = {"these are missing": needed - found, "these are too many": found - needed}
        words = [f"{text}: {[*shapes.elements()]}" for text, shapes in parts.items() if shapes]
        return different(f"of the parameters, by their shapes, {'; '.join(words)}.")
    if logits.requires_grad:
        logits.sum().backward()
    if any(weight.grad is None for weight in parameters):
        return different("some parameters get no gradient: is there a detach or no_grad in it?")
    return None


def _look_at_repeats(network: _Network, x: torch.Tensor) -> Verdict | None:
    logits = network.logits(x)
    for training in (True, False):
        network.model.train(training)
        if difference(network.logits(x), logits):
            return different(
                "the same images do not give the same logits again, in training and in evaluation: "
                "is something random in it, or another layer, such as dropout or normalisation?"
            )
    return None


def _look_at_activations(network: _Network) -> str | Verdict | None:
    """Whether one activation follows each of the first four layers, and none the last."""
    logits = torch.linspace(-3, 4, 10)
    if difference(network.logits_with(4, logits), logits):
        return "not-logits"
    without = [
        layer for number, layer in enumerate(_FIRST_FOUR) if network.arrives_as(number, _identity)
    ]
    if without:
        return named("no-activation", f" Here it is missing after {' and '.join(without)}.")
    if not all(network.arrives_as(layer, network.activation) for layer in range(4)):
        return different(
            "what happens to a layer's values on the way to the next is not the same after each of "
            "the first four. Is there one activation throughout, and nothing that moves values?"
        )
    return None


def _identity(values: torch.Tensor) -> torch.Tensor:
    return values


def _look_at_maps(network: _Network, x: torch.Tensor) -> Verdict | None:
    """Whether the maps are pooled, by the largest value or the mean, before or after activation."""
    for number, weight in enumerate(network.parameters):  # eighths: the first maps have few values
        fan_in = weight[0].numel() if weight.ndim > 1 else 1
        drawn = torch.randn(weight.shape) * (2 / fan_in) ** 0.5
        weight.copy_((drawn * 8).round() / 8 if number < 2 else drawn)
    weights, logits = [weight.clone() for weight in network.parameters], network.logits(x)
    for pool in (F.max_pool2d, F.avg_pool2d):
        for activated_first in (False, True):
            pooled = _pooling(pool, network.activation, activated_first)
            expected = _lenet(x[:1], weights, pooled, network.activation)
            if not difference(logits[:1], expected, rtol=1e-3):
                return None
    return different(
        "the layers are LeNet's, with an activation after each, but what comes out is not what it "
        "should be. Is there pooling by 2 after each convolution, both of one kind?"
    )


def _pooling(pool: Callable, activation: Callable, activated_first: bool) -> Callable:
    def pooled(maps: torch.Tensor) -> torch.Tensor:
        return pool(activation(maps), 2) if activated_first else activation(pool(maps, 2))

    return pooled


def _five_shapes(side: int = 30, rounded_up: int = 0) -> list[tuple]:
    """What comes out where the rest of a halved side is dropped; with rounded_up=1 it is kept."""
    half = (side - 4 + rounded_up) // 2
    last = (half - 4 + rounded_up) // 2
    maps = [(6, side - 4), (6, half), (16, half - 4), (16, last)]
    return [*((64, channels, n, n) for channels, n in maps), (64, 16 * last * last)]


_SHAPE_MISTAKES = [
    observed(
        "rounded-up",
        "MaxPool2d drops what is left over of an odd side.",
        _five_shapes(rounded_up=1),
    ),
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
        for known in _SHAPE_MISTAKES:
            if any(shape == wrong[stage] for wrong in known.rules):
                return known.code
        if shape[:1] != (64,):
            return "batch-lost"
        if len(shape) == len(right):
            return "channels" if len(shape) == 4 and shape[1] != right[1] else "sizes"
        return different(f"shape {stage + 1} of 5 should have {len(right)} numbers.")
    return None


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
    own_parameters = {id(value) for value in model.parameters()}
    optimizer = call(freeze, model, shown="freeze(model)")
    if not isinstance(optimizer, torch.optim.Optimizer):
        return different("freeze(model) should return an optimiser.")
    if {id(value) for value in model.parameters()} != own_parameters or _moved(model, before):
        return different("freeze itself changes the weights. It only says what will be trained.")
    reached = _take_steps(model, optimizer, x, y)
    classifier = {name for name in before if name.startswith("classifier")}
    moved = _moved(model, before)
    for wrong, code in [
        (not moved & reached & classifier, "classifier-still"),
        (moved > classifier == reached, "weight-decay"),
        (moved & reached - classifier, "not-frozen"),
        (not _has_settings(optimizer, model, classifier), "other-settings"),
        (moved == classifier, None),
    ]:
        if wrong:
            return code
    return different(f"these moved: {', '.join(sorted(moved))}. All the classifier's should.")


def _moved(model: nn.Module, before: dict[str, torch.Tensor]) -> set[str]:
    """The names of the parameters that are not what they were."""
    return {
        name for name, value in model.named_parameters() if not torch.equal(before[name], value)
    }


def _take_steps(
    model: nn.Module, optimizer: torch.optim.Optimizer, x: torch.Tensor, y: torch.Tensor
) -> set[str]:
    """Take three steps of training: the names of the parameters that a gradient has reached."""
    reached = set()
    for _ in range(3):
        loss = F.cross_entropy(call(model, x, shown="model(x)"), y)
        optimizer.zero_grad(set_to_none=False)
        if loss.requires_grad:
            loss.backward()
        weights = model.named_parameters()
        reached |= {name for name, value in weights if value.grad is not None and value.grad.any()}
        call(optimizer.step, shown="optimizer.step()")
    return reached


def _has_settings(optimizer: torch.optim.Optimizer, model: nn.Module, chosen: set[str]) -> bool:
    """Whether it is the SGD that is asked for, in all groups that hold one of these parameters."""
    wanted = {"lr": 0.1, "weight_decay": 0.1, "momentum": 0, "maximize": False}
    names = {id(value): name for name, value in model.named_parameters()}
    settings = [
        {option: group.get(option) for option in wanted}
        for group in optimizer.param_groups
        if any(names.get(id(value)) in chosen for value in group["params"])
    ]
    is_sgd = isinstance(optimizer, torch.optim.SGD)
    return all(is_sgd and setting == wanted for setting in settings)
