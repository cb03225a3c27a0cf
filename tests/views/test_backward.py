"""The way back through a network, as the X-ray computes it, against torch's autograd in Chromium.

The page makes its sums in float64 and keeps them in float32. The reference does so too, layer by
layer, so that a tie, or a ReLU's gate at 0, falls alike in both.
"""

import base64
import random

import numpy as np
import pytest
import torch
from shown_networks import made
from torch import nn
from torch.nn import functional as F

from course_utils import training, views
from course_utils.views.bundler import gather

#: Reads networks and runs them: [description of a network, tasks], each task a picture of
#: 28 × 28 bytes in base64 and what the gradients are of; what comes back is base64 of float32.
BACKWARD = """([told, tasks]) => {
    const { readNetwork, toInput, activations, backward } = own;
    const text = (tensor) => {
        if (!tensor) return null;
        const bytes = new Uint8Array(tensor.data.buffer);
        let letters = "";
        for (let i = 0; i < bytes.length; i += 30000) {
            letters += String.fromCharCode(...bytes.subarray(i, i + 30000));
        }
        return btoa(letters);
    };
    const network = readNetwork(told);
    return tasks.map(([picture, of, label]) => {
        const bytes = Uint8Array.from(atob(picture), (letter) => letter.charCodeAt(0));
        const values = activations(network, toInput(bytes, network));
        const found = backward(network, values, { of, label });
        const weights = found.weights.filter(Boolean).flatMap(({ weight, bias }) => [weight, bias]);
        return [...found.values, ...weights].map(text);
    });
}"""


@pytest.fixture
def functions(page):
    """The functions behind the view, as window.own."""
    code = gather("network.js", "backward.js", "ways.js")
    code += "export default Object.assign({}, ...Object.values($modules));\n"
    page.evaluate(
        """async (code) => {
            const url = URL.createObjectURL(new Blob([code], { type: "text/javascript" }));
            window.own = (await import(url)).default;
        }""",
        code,
    )
    yield page
    assert page.errors == []


def base64_of(picture):
    return base64.b64encode(picture.numpy().tobytes()).decode()


def by_autograd(view, picture, of, label):
    """The gradients of all values, then of the weights and biases, in the page's order.

    A bias that a layer has not is given as None. Batch normalisation has no weights here.
    """
    pad = F.pad(picture[None].float() / 255, [view.network["pad"]] * 4)
    x = ((pad - view.network["mean"]) / view.network["std"]).double().requires_grad_()
    kept, weights = [x], []
    value = x
    for layer in view._network.layers:
        module = layer.module.double().requires_grad_(True)
        value = module(value.clone()).float().double()
        if isinstance(module, nn.Conv2d | nn.Linear):
            weights += [module.weight, module.bias]
        if not isinstance(module, nn.Flatten | nn.Dropout | nn.Identity):
            kept.append(value)
    logits = kept[-1]
    target = F.cross_entropy(logits, torch.tensor([label])) if of == "loss" else logits[0, label]
    present = [tensor for tensor in [*kept, *weights] if tensor is not None]
    found = iter(torch.autograd.grad(target, present))
    return [None if tensor is None else next(found) for tensor in [*kept, *weights]]


def worst_of(answer, wanted):
    """The largest difference, and the largest relative one where a gradient is above 1e-3."""
    assert len(answer) == len(wanted)
    absolute = relative = 0.0
    for text, tensor in zip(answer, wanted, strict=True):
        if tensor is None:  # the page has a gradient for a bias that is always 0
            continue
        right = tensor.flatten().numpy()
        apart = np.abs(np.frombuffer(base64.b64decode(text), "<f4") - right)
        assert apart.shape == right.shape
        absolute = max(absolute, apart.max())
        large = np.abs(right) > 1e-3
        relative = max(relative, (apart[large] / np.abs(right[large])).max(initial=0))
    return absolute, relative


def compare(functions, view, pictures, draw):
    """For each picture the gradients of a loss or a logit of some class: the worst differences."""
    classes = len(view.network["classes"])
    tasks = [
        (picture, draw.choice(["loss", "logit"]), draw.randrange(classes)) for picture in pictures
    ]
    worst = np.zeros(2)
    for start in range(0, len(tasks), 10):
        some = tasks[start : start + 10]
        told = [[base64_of(picture), *target] for picture, *target in some]
        answers = functions.evaluate(BACKWARD, [view.network, told])
        for answer, task in zip(answers, some, strict=True):
            worst = np.maximum(worst, worst_of(answer, by_autograd(view, *task)))
    return worst


def pictures(count, seed=1):
    """Random pictures, half of them noise and half of them sparse: these have many ties."""
    draw = torch.Generator().manual_seed(seed)
    made = torch.randint(0, 256, (count, 1, 28, 28), dtype=torch.uint8, generator=draw)
    made[count // 2 :] *= torch.rand(count - count // 2, 1, 28, 28, generator=draw) > 0.8
    return made


@pytest.mark.parametrize(
    ("name", "count"), [("LeNet", 200), ("CNN", 10), ("MLP", 50), ("Sequential", 100)]
)
def test_every_gradient_equals_autograds(functions, name, count, lenet):
    view = views.XRay(made(name, lenet), {"mean": 0.13, "std": 0.31} if name == "CNN" else None)
    worst = compare(functions, view, pictures(count), random.Random(name))
    print(f"{name}: at most {worst[0]:.1e} from autograd, {worst[1]:.1e} of a gradient")
    assert (worst <= 1e-4).all()


def random_network(draw):
    """One to three convolutions and what may stand between them, each with random options."""
    layers, channels, side = [], 1, 32
    for _ in range(draw.randint(1, 3)):
        size, padding = draw.randint(1, min(5, side)), draw.randint(0, 2)
        stride, outputs = draw.randint(1, 2), draw.randint(1, 5)
        bias = draw.random() < 0.7
        conv = nn.Conv2d(channels, outputs, size, stride, padding, bias=bias)
        layers.append(conv)
        side = (side + 2 * padding - size) // stride + 1
        if draw.random() < 0.4:
            layers.append(norm := nn.BatchNorm2d(outputs))
            norm.running_mean.normal_()
            norm.running_var.uniform_(0.2, 3)
            norm.weight.data.normal_()
        if draw.random() < 0.8:
            layers.append(nn.ReLU(inplace=draw.random() < 0.5))
        if side >= 4 and draw.random() < 0.8:
            kind = draw.choice([nn.MaxPool2d, nn.AvgPool2d])
            size, stride = draw.randint(2, 3), draw.randint(1, 3)
            padding = draw.randint(0, 1)
            layers.append(kind(size, stride, padding))
            side = (side + 2 * padding - size) // stride + 1
        channels = outputs
    layers += [nn.Flatten(), nn.LazyLinear(draw.randint(2, 20)), nn.ReLU(), nn.LazyLinear(10)]
    network = nn.Sequential(*layers)
    network(torch.zeros(2, 1, 32, 32))
    return network.eval()


def test_networks_at_random(functions):
    draw, worst = random.Random(0), np.zeros(2)
    training.set_seed(0)
    for number in range(30):
        view = views.XRay(random_network(draw))
        worst = np.maximum(worst, compare(functions, view, pictures(4, seed=number), draw))
    print(f"30 networks: at most {worst[0]:.1e} from autograd, {worst[1]:.1e} of a gradient")
    assert (worst <= 1e-4).all()


def test_a_gradient_that_is_wrong_is_seen(functions, lenet):
    """The comparison can fail: one wrong value of 61,706, by a thousandth of the largest."""
    view = views.XRay(*lenet)
    picture = pictures(1)[0]
    (answer,) = functions.evaluate(BACKWARD, [view.network, [[base64_of(picture), "loss", 3]]])
    wanted = by_autograd(view, picture, "loss", 3)
    assert max(worst_of(answer, wanted)) <= 1e-4
    numbers = np.frombuffer(base64.b64decode(answer[-2]), "<f4").copy()
    at = np.abs(numbers).argmax()
    numbers[at] *= 1.001
    answer[-2] = base64.b64encode(numbers.tobytes()).decode()
    assert max(worst_of(answer, wanted)) > 1e-4
