"""The way back through a network, as the X-ray computes it, against torch's autograd in Chromium.

The page makes its sums in float64 and keeps them in float32. The reference does so too, layer by
layer, so that a tie, or a ReLU's gate at 0, falls alike in both.
"""

import base64
import copy
import random
import re

import numpy as np
import pytest
import torch
from browser import FAINT, keep, live_text, load_modules, put_on_stage
from shown_networks import made
from torch import nn
from torch.nn import functional as F

from course_utils import models, training, views
from course_utils.views import xray

#: Reads networks and runs them: [description of a network, tasks], each task a picture of
#: 28 × 28 bytes in base64 and what the gradients are of; what comes back is base64 of float32.
BACKWARD = """([description, tasks]) => {
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
    const network = readNetwork(description);
    return tasks.map(([picture, target, label]) => {
        const bytes = Uint8Array.from(atob(picture), (letter) => letter.charCodeAt(0));
        const values = activations(network, toInput(bytes, network));
        const found = backward(network, values, { target, label });
        const weights = found.weights.filter(Boolean).flatMap(({ weight, bias }) => [weight, bias]);
        return [...found.values, ...weights].map(text);
    });
}"""


@pytest.fixture
def functions(page):
    """The functions behind the view, as window.own."""
    load_modules(page, "network.js", "backward.js", "ways.js")
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
    for layer in view.layers:
        module = copy.deepcopy(layer.module).double().requires_grad_(True)
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
    differences = []
    for start in range(0, len(tasks), 10):
        some = tasks[start : start + 10]
        encoded = [[base64_of(picture), *target] for picture, *target in some]
        answers = functions.evaluate(BACKWARD, [view.network, encoded])
        for answer, task in zip(answers, some, strict=True):
            differences.append(worst_of(answer, by_autograd(view, *task)))
    assert len(differences) == len(pictures)
    return np.max(differences, axis=0)


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


def test_every_way_adds_up(functions, lenet):
    """What a gradient opens into adds up to it, of units of every layer and of weights."""
    for name in ("LeNet", "Sequential", "MLP"):
        view = views.XRay(made(name, lenet))
        worst = functions.evaluate(
            """([description, target]) => {
                const { readNetwork, toInput, activations, backward, waysUp, weightSum } = own;
                const network = readNetwork(description);
                const bytes = Uint8Array.from({ length: 784 }, (_, i) => (i * 7919) % 256);
                const values = activations(network, toInput(bytes, network));
                const found = backward(network, values, { target, label: 3 });
                const apart = ({ value, terms }) => (
                    Math.abs(terms.reduce((sum, { product }) => sum + product, 0) - value));
                const some = (count) => Array.from({ length: Math.min(97, count) },
                    (_, i) => Math.floor((i * count) / 97) % count);
                const differences = [];
                found.values.slice(0, -1).forEach(({ data }, at) => {
                    for (const unit of some(data.length)) {
                        differences.push(apart(waysUp(network, values, found, at, unit)));
                    }
                });
                found.weights.forEach((own, at) => {
                    if (!own) return;
                    for (const tap of some(own.weight.data.length)) {
                        differences.push(apart(weightSum(network, values, found, at, tap)));
                    }
                });
                return Math.max(...differences);
            }""",
            [view.network, "loss"],
        )
        assert worst < 1e-5, name


def test_what_has_no_gradient_is_said(functions, lenet):
    view = views.XRay(*lenet)
    errors = functions.evaluate(
        """(description) => {
            const { readNetwork, toInput, activations, backward } = own;
            const network = readNetwork(description);
            const values = activations(network, toInput(new Uint8Array(784), network));
            const errorOf = (...options) => {
                try { backward(...options); } catch (error) { return String(error); }
            };
            const odd = { ...network, layers: network.layers.map(
                (layer, i) => (i === 1 ? { ...layer, kind: "sigmoid" } : layer)) };
            const broken = [...values.slice(0, -1), { shape: [10], data: Array(10).fill(NaN) }];
            return [
                errorOf(network, values, { target: "loss", label: 10 }),
                errorOf(network, values, { target: "loss", label: 1.5 }),
                errorOf(odd, values, { target: "loss", label: 1 }),
                errorOf(network, broken, { target: "logit", label: 1 }),
            ];
        }""",
        view.network,
    )
    assert errors == [
        "RangeError: there is no class 10: they are numbered from 0 to 9",
        "RangeError: there is no class 1.5: they are numbered from 0 to 9",
        "RangeError: ReLU 1: no gradient can be traced through this kind of layer",
        "RangeError: the network gives NaN or infinite values, which have no gradient",
    ]


def test_random_weights_are_drawn_as_torch_draws_them(functions, lenet):
    """Their bounds are those of nn.Linear and nn.Conv2d, and they fill them evenly."""
    view = views.XRay(*lenet)
    drawn = functions.evaluate(
        """([description, seed]) => own.untrained(own.readNetwork(description), seed).layers
            .filter((layer) => layer.weight)
            .map(({ weight, bias }) => [Array.from(weight.data), Array.from(bias)])""",
        [view.network, 0],
    )
    layers = [m for m in models.LeNet().modules() if isinstance(m, nn.Conv2d | nn.Linear)]
    for (weights, biases), layer in zip(drawn, layers, strict=True):
        bound = layer.weight[0].numel() ** -0.5
        assert len(weights) == layer.weight.numel() and len(biases) == len(layer.bias)
        assert max(map(abs, weights + biases)) <= bound
        assert max(layer.weight.abs().max().item(), layer.bias.abs().max().item()) <= bound + 1e-7
        levels = np.histogram(weights, bins=5, range=(-bound, bound))[0] / len(weights)
        assert np.abs(levels - 0.2).max() < 3 * (0.16 / len(weights)) ** 0.5


# --- in the view -----------------------------------------------------------------------------


@pytest.fixture
def exported(page, exported_xray):
    """The exported page, its first question skipped and its 7 back at its place."""
    page.emulate_media(reduced_motion="reduce")
    page.goto(exported_xray.as_uri())
    page.get_by_role("button", name="skip").click()
    page.wait_for_timeout(300)
    page.locator(".view").focus()
    for _ in range(4):
        page.keyboard.press("ArrowDown")
    yield page
    assert page.errors == []


@pytest.fixture
def backward(exported):
    """The same, looking backward."""
    exported.keyboard.press("g")
    exported.locator(".view-predict:visible .view-skip").click()
    return exported


def chances(page):
    """The ten probabilities, as the bars' titles give them."""
    titles = page.locator(".bars title").all_text_contents()
    return torch.tensor([float(title.split(": ")[1]) for title in titles])


def number_after(text, words):
    """The number that stands after some words: a true minus, and 1.2e−5 among them."""
    found = re.search(re.escape(words) + r"\s*(−?\d+(?:\.\d+)?(?:e[+−]?\d+)?)", text)
    assert found, text
    return float(found[1].replace("−", "-"))


def as_input(view, digit):
    pad = F.pad(digit[None].float() / 255, [view.network["pad"]] * 4)
    return (pad - view.network["mean"]) / view.network["std"]


def start(lenet):
    """The X-ray in Python, and its first picture as an input."""
    view = views.XRay(*lenet)
    return view, as_input(view, view.digit)


def test_the_question_comes_before_the_gradients(exported):
    page = exported
    titles = "document.querySelector('.xray-panel .xray-name').textContent"
    assert "6×28×28" in page.evaluate(titles)
    page.get_by_role("button", name="backward (G)").click()
    assert live_text(page) == "Answer the question first, or skip it."
    assert "6×28×28" in page.evaluate(titles)  # nothing is given away
    asked = page.locator(".view-predict:visible")
    assert "ReLU 1 has 4704 units. At most how many get a gradient other than 0?" in (
        asked.inner_text()
    )
    asked.locator("input").fill("1176")
    asked.get_by_role("button", name="answer").click()
    assert "✓ Right. pool 1 has 6 × 14 × 14 windows" in asked.inner_text()
    assert live_text(page).startswith("Backward: gradients of the loss for 7, which is 0.00")
    assert "±" in page.evaluate(titles)
    keep(page, "xray-backward")
    page.keyboard.press("g")
    assert live_text(page) == "Forward: what each layer makes of the drawing."
    assert "6×28×28" in page.evaluate(titles)
    page.keyboard.press("g")
    assert "puts out 0. What gradient does it pass on to the weights" in asked.inner_text()
    asked.get_by_role("button", name="0", exact=True).click()
    page.keyboard.press("g")
    page.keyboard.press("g")
    assert "What is their sum?" in asked.inner_text()
    asked.locator("input").fill("1")
    asked.locator("input").press("Enter")
    assert "✗ You said 1. It is 0. They are p − y" in asked.inner_text()
    page.keyboard.press("g")
    page.keyboard.press("g")  # there is no further question
    assert live_text(page).startswith("Backward: ")


def test_the_first_question_still_comes_first(page, exported_xray):
    page.goto(exported_xray.as_uri())
    page.locator(".view").press("g")
    assert live_text(page) == "Answer the question first, or skip it."
    assert page.locator(".view-predict:visible").count() == 1


@pytest.mark.parametrize(
    ("layers", "asked"),
    [
        ([nn.Linear(784, 20), nn.ReLU(), nn.Linear(20, 10)], "ReLU 1 puts out 0. What gradient"),
        ([nn.Linear(784, 3)], "The loss has 3 derivatives, one for each logit."),
    ],
)
def test_each_network_gets_a_question_that_fits_it(page, layers, asked, tmp_path):
    training.set_seed(0)
    network = nn.Sequential(nn.Flatten(), *layers)
    page.emulate_media(reduced_motion="reduce")
    page.goto(views.export_xray(network, tmp_path / "x.html").as_uri())
    page.get_by_role("button", name="skip").click()
    page.wait_for_timeout(500)  # the drawing has moved
    page.locator(".view").press("g")
    assert asked in page.locator(".view-predict:visible").inner_text()
    page.locator(".view-predict:visible .view-skip").click()
    assert live_text(page).startswith("Backward: gradients of the loss for ")
    assert page.errors == []


def test_gradients_are_those_of_the_class_that_is_chosen(backward, lenet):
    page = backward
    view, _ = start(lenet)
    page.get_by_label("gradient of").select_option("logit")
    logits = view.layer_values(view.digit)[-1][0]
    assert number_after(live_text(page), "which is") == pytest.approx(logits[7].item(), rel=1e-3)
    page.get_by_label("of class").select_option("1")
    assert live_text(page).startswith("Backward: gradients of the logit for 1, which is ")
    aside = page.locator(".gradient-aside").inner_text()
    assert aside.startswith("Input gradient of the same network with random weights: ±0.")
    page.get_by_label("gradient of").select_option("loss")
    loss = F.cross_entropy(logits[None], torch.tensor([1])).item()
    assert number_after(live_text(page), "which is") == pytest.approx(loss, rel=1e-3)
    page.locator(".bars g").nth(7).click()
    seven = logits.softmax(dim=0)[7].item()
    formula = page.locator(".sum-formula").inner_text()
    assert formula.startswith("p − y = ") and "− 0 =" in formula
    assert number_after(formula, "− 0 =") == pytest.approx(seven, rel=1e-3)
    page.locator(".bars g").nth(1).click()
    assert "− 1 =" in page.locator(".sum-formula").inner_text()


def test_a_gradient_opens_into_its_sum(backward, lenet):
    page = backward
    page.get_by_label("of class").select_option("1")
    page.locator(".xray-maps").focus()
    view, _ = start(lenet)
    wanted = by_autograd(view, view.digit, "loss", 1)
    for at, layer in enumerate(view.network["layers"], start=1):
        _, height, width = layer["shape"] if len(layer["shape"]) == 3 else (1, 1, 1)
        page.keyboard.press("ArrowRight") if at == 1 else page.keyboard.press("PageDown")
        unit = height // 2 * width + width // 2
        got = number_after(live_text(page), "gradient")
        assert got == pytest.approx(wanted[at].flatten()[unit].item(), rel=1e-3, abs=1e-9)
        assert page.locator(".sum-title").inner_text().startswith(layer["name"])
        shown = page.locator(".xray-sum").inner_text()
        if layer["name"].startswith("ReLU 1"):
            assert ("It won in pool 1" in shown) != ("It won no window of pool 1" in shown)
        if layer["name"] == "conv 2":
            assert "The gate of ReLU 2 is " in shown and page.locator(".sum-grids svg").count() == 2
        if layer["name"] == "fc 1":
            assert "Its weights: the gradient × each input, at most " in shown
    keep(page, "xray-backward-sum")


def test_a_weights_gradient_opens_into_a_sum_over_places(backward, lenet):
    page = backward
    page.get_by_label("of class").select_option("1")
    page.locator(".xray-maps").focus()
    page.keyboard.press("ArrowRight")  # conv 1, map 0
    view, _ = start(lenet)
    names = [name for name, _ in view.layers[0].module.named_parameters()]
    assert names == ["weight", "bias"]
    wanted = by_autograd(view, view.digit, "loss", 1)
    weight, bias = wanted[-10:-8]  # LeNet has five layers with a weight and a bias each
    shown = page.locator(".xray-sum").inner_text()
    assert number_after(shown, "Bias:") == pytest.approx(bias[0].item(), rel=1e-3)
    page.locator(".sum-grids rect").nth(25 + 7).hover()  # of the gradient's grid
    note = page.locator(".sum-note").inner_text()
    assert note.startswith("784 places, input × gradient: ")
    got = number_after(note, "gradient:")
    assert got == pytest.approx(weight[0, 0, 1, 2].item(), rel=1e-3)


def test_a_pixels_gradient_opens_too(backward, lenet):
    page = backward
    page.locator(".xray-pad .mosaic-canvas, .xray-tools .mosaic-canvas").first.click()
    assert re.match(r"pixel in row 1[56], column 1[56]: gradient ", live_text(page))
    assert re.search(r", by \d+ of 150 paths to conv 1\.$", live_text(page))
    page.locator(".xray-maps").focus()
    page.keyboard.press("ArrowRight")
    assert live_text(page).startswith("pixel in row 1")
    page.keyboard.press("n")
    assert page.locator(".xray-list tr").count() == 151
    page.keyboard.press("g")  # forward, a pixel has no sum
    assert "Click a unit" in page.locator(".xray-sum").inner_text()
    page.locator(".xray-maps").focus()
    page.keyboard.press("ArrowRight")
    assert live_text(page).startswith("conv 1, map 0, ")


def test_one_step_is_torchs_step(backward, lenet):
    page = backward
    _, x = start(lenet)
    page.get_by_label("of class").select_option("1")
    before = chances(page)
    page.get_by_label("learning rate eta").press("ArrowRight")  # from 0.01 to 0.03
    page.get_by_label("learning rate eta").press("ArrowLeft")
    page.keyboard.press("s")
    one_step = (
        "1 step taken, the last with η = 0.01. Correct among ten other digits: 10 before, 9 now."
    )
    assert live_text(page) == one_step
    moved = copy.deepcopy(lenet[0])
    descent = torch.optim.SGD(moved.parameters(), lr=0.01)
    F.cross_entropy(moved(x), torch.tensor([1])).backward()
    descent.step()
    wanted = moved(x)[0].softmax(dim=0).detach()
    torch.testing.assert_close(chances(page), wanted, rtol=0, atol=1e-4)
    assert (wanted - before).abs().max() > 0.01
    keep(page, "xray-step")
    feet = page.locator(".gradient-others text").all_text_contents()
    assert [foot for foot in feet if "!" in foot] == ["7!"]  # what helped a 7 to be a 1 cost this
    others = page.locator(".gradient-others title").all_text_contents()
    assert len(others) == 10 and all(re.match(r"\d: [01]\.\d{4}, then ", t) for t in others)
    page.get_by_label("learning rate eta").press("ArrowRight")  # the same step, at 0.03
    assert "η = 0.03" in live_text(page)
    assert (chances(page) - wanted).abs().max() > 0.01
    page.keyboard.press("z")
    undone = "No step has been taken. The weights are those from before the last step."
    assert live_text(page) == undone
    assert torch.equal(chances(page), before)
    page.keyboard.press("z")
    assert live_text(page) == "There is no step to undo."


def dot(page, row, column):
    """A dot of the pen on a pixel of the input, whose sides are 2 pixels more than the pad's."""
    box = page.locator(".xray-pad canvas, .xray-pad svg").first.bounding_box()
    x, y = ((place - 1.5) / 28 * box["width"] for place in (column, row))
    page.mouse.move(box["x"] + x, box["y"] + y)
    page.mouse.down()
    page.mouse.move(box["x"] + x + box["width"] / 56, box["y"] + y, steps=4)
    page.mouse.up()
    page.wait_for_timeout(300)  # the picture is computed anew


def test_a_wrong_answer_is_traced_as_lesson_10_tells_it(page, lenet):
    """The 7 that moved up: its two logits, the dot in the blue, its control, and the steps."""
    page.emulate_media(reduced_motion="reduce")
    put_on_stage(page, views.XRay(*lenet, centring=False))
    page.get_by_role("button", name="skip").click()
    page.wait_for_timeout(500)  # the drawing has moved
    page.locator(".view").press("g")
    page.locator(".view-predict:visible .view-skip").click()
    page.get_by_label("of class").select_option("7")
    for label, slope in [(1, "0.9964 − 0 = 0.9964"), (7, "0.001349 − 1 = −0.9987")]:
        page.locator(".bars g").nth(label).click()
        assert page.locator(".sum-formula").inner_text() == f"p − y = {slope}"
    before = chances(page)
    dot(page, 11, 13)  # on the left of the stem
    assert 0.65 < chances(page)[1] < 0.85
    page.get_by_role("button", name="undo (U)").click()
    dot(page, 12, 5)
    assert abs(chances(page)[1] - before[1]) < 1e-3
    page.get_by_role("button", name="undo (U)").click()
    for reads, right in [("3", 9), ("7", 10)]:
        page.locator(".view").press("s")
        assert live_text(page).endswith(f"Correct among ten other digits: 10 before, {right} now.")
        assert page.locator(".xray-verdict").inner_text().startswith(f"It reads {reads},")
    page.locator(".view").press("z")
    page.get_by_label("learning rate eta").press("ArrowRight")  # the first step, at 0.03
    page.get_by_label("learning rate eta").press("ArrowRight")
    assert "η = 0.1." in live_text(page) and live_text(page).endswith("10 before, 1 now.")
    assert page.locator(".xray-verdict").inner_text().startswith("It reads 7,")
    assert page.errors == []


def test_many_steps_and_one_too_large(backward):
    page = backward
    page.get_by_label("of class").select_option("1")
    before = chances(page)
    for _ in range(5):
        page.get_by_label("learning rate eta").press("ArrowRight")  # to the largest rate
    for _ in range(40):
        page.keyboard.press("s")
    assert re.search("steps? taken|would overflow: the weights stay", live_text(page))
    assert torch.isfinite(chances(page)).all()
    page.keyboard.press("r")
    page.get_by_role("button", name="skip").first.click()
    page.wait_for_timeout(300)
    for _ in range(4):
        page.keyboard.press("ArrowDown")
    assert torch.equal(chances(page), before)
    assert not page.locator(".gradient-side").is_visible()


def test_the_adversarial_step_is_the_fast_gradient_sign_method(backward, lenet):
    page = backward
    _, x = start(lenet)
    slider = page.get_by_label("how far the adversarial step goes")
    for _ in range(15):
        slider.press("ArrowRight")
    assert live_text(page) == "The picture is changed by ε = 0.15."
    assert page.locator(".gradient-aside").inner_text() == "What the network sees now."
    x.requires_grad_()
    slope = torch.autograd.grad(F.cross_entropy(lenet[0](x), torch.tensor([7])), x)[0]
    moved = (x + 0.15 * slope.sign()).clamp(-0.5, 0.5)
    wanted = lenet[0](moved)[0].softmax(dim=0).detach()
    torch.testing.assert_close(chances(page), wanted, rtol=0, atol=1e-4)
    keep(page, "xray-adversarial")
    page.keyboard.press("g")  # what the layers make of it can be seen as well
    torch.testing.assert_close(chances(page), wanted, rtol=0, atol=1e-4)
    assert page.locator(".gradient-side").is_visible()
    for _ in range(15):
        slider.press("ArrowLeft")
    assert live_text(page) == "The picture is as it was drawn."
    assert not page.locator(".gradient-side").is_visible()


def test_nothing_drawn_has_no_gradient(backward):
    page = backward
    page.keyboard.press("Delete")
    assert live_text(page) == "Nothing is drawn: no prediction."
    page.keyboard.press("s")
    assert live_text(page) == "A step needs gradients: draw, and switch backward on (G)."
    page.keyboard.press("g")
    page.keyboard.press("g")
    page.locator(".view-predict:visible .view-skip").click()
    assert live_text(page) == "Nothing is drawn: there is no gradient."
    page.keyboard.press("3")
    assert live_text(page).startswith("It reads 3")
    assert "±" in page.locator(".xray-name").first.inner_text()


@pytest.mark.parametrize("width", [1280, 900, 390])
def test_it_fits(backward, width):
    page = backward
    page.set_viewport_size({"width": width, "height": 844 if width == 390 else 720})
    page.get_by_label("of class").select_option("1")
    page.keyboard.press("s")
    page.locator(".xray-panel canvas").nth(3).click()
    keep(page, f"xray-backward-{width}")
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    sizes = page.evaluate(
        """() => [...document.querySelectorAll(".view *")]
            .map((element) => parseFloat(getComputedStyle(element).fontSize))"""
    )
    assert min(sizes) >= 16
    assert page.evaluate(FAINT) == []


@pytest.mark.parametrize("name", ["Sequential", "pool first"])
def test_every_layer_opens(page, name, lenet):
    """Layers of all kinds, windows with gaps, and a network that begins with a pooling."""
    training.set_seed(0)
    pooled = nn.Sequential(nn.MaxPool2d(2, stride=3), nn.Flatten(), nn.LazyLinear(10))
    pooled(torch.zeros(1, 1, 28, 28))
    network = pooled if name == "pool first" else made(name, lenet)
    page.emulate_media(reduced_motion="reduce")
    put_on_stage(page, views.XRay(network))
    page.get_by_role("button", name="skip").click()
    page.wait_for_timeout(500)
    page.locator(".view").press("g")
    page.locator(".view-predict:visible .view-skip").click()
    page.locator(".xray-maps").focus()
    page.keyboard.press("PageUp")
    page.keyboard.press("PageUp")
    assert live_text(page).startswith("pixel in row ")
    for layer in [None, *xray.describe(network)["layers"]]:
        if layer is not None:
            page.keyboard.press("PageDown")
            assert live_text(page).startswith(layer["name"]), live_text(page)
        for key in ("ArrowRight", "ArrowDown", "ArrowDown"):
            page.keyboard.press(key)
            assert "gradient = " in page.locator(".xray-sum").inner_text()
    assert page.errors == []


@pytest.mark.parametrize("name", ["LeNet", "CNN"])
def test_every_sum_fits_a_full_screen(page, name, lenet):
    put_on_stage(page, views.XRay(made(name, lenet)))
    page.get_by_role("button", name="skip").click()
    page.locator(".view").press("g")
    page.locator(".view-predict:visible .view-skip").click()
    page.get_by_label("of class").select_option("1")
    page.locator(".view").press("s")
    page.locator(".view").press("f")
    page.wait_for_function("document.fullscreenElement")
    page.locator(".xray-maps").focus()
    page.keyboard.press("PageUp")
    page.keyboard.press("PageUp")  # to a pixel
    for at in range(len(page.locator(".xray-panel").all()) + 1):
        wide, high = page.evaluate(
            "[document.fullscreenElement.scrollWidth, document.fullscreenElement.scrollHeight]"
        )
        assert wide <= 1280 and high <= 720, live_text(page)
        if at == 3:
            keep(page, f"full screen, backward, {name}")
        page.keyboard.press("PageDown")
    assert page.errors == []


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_it_can_be_read_in_both_themes(backward, theme):
    page = backward
    page.emulate_media(color_scheme=theme, reduced_motion="reduce")
    page.get_by_label("of class").select_option("1")
    page.keyboard.press("s")
    page.locator(".xray-panel canvas").nth(2).click()
    keep(page, f"xray-backward-{theme}")
    assert page.evaluate(FAINT) == []


@pytest.mark.lab
def test_in_jupyterlab(page, xray_in_jupyterlab):
    """By keys alone; none of them, Z and S among them, does anything to the notebook."""
    page.emulate_media(reduced_motion="reduce")
    (output,) = xray_in_jupyterlab["outputs"]
    assert "backward, loss for 7: at its logit p − y" in str(output["data"]["text/plain"])
    view = page.locator(".view")
    view.get_by_role("button", name="skip").click()
    page.wait_for_timeout(500)
    view.press("7")
    view.press("g")
    view.locator(".view-predict:visible .view-skip").click()
    assert live_text(page).startswith("Backward: gradients of the loss for 7, which is ")
    view.get_by_label("of class").select_option("1")
    before = chances(page)
    view.press("s")
    assert live_text(page).startswith("1 step taken") and not torch.equal(chances(page), before)
    keep(page, "xray-backward-jupyterlab")
    view.press("z")
    assert torch.equal(chances(page), before)
    page.locator(".xray-maps").focus()
    page.keyboard.press("PageDown")
    assert live_text(page).startswith("conv 1, map 0, row 14, column 14: gradient ")
    cells = "window.jupyterapp.shell.currentWidget.content.model.cells.length"
    assert page.evaluate(cells) == 2
    assert page.errors == [] and page.outside == []


# --- in Python -------------------------------------------------------------------------------


def test_the_way_back_as_text(lenet):
    """The example that stands where there is no page: what autograd finds."""
    view = views.XRay(*lenet)
    first, second = view.arithmetic().splitlines()[-2:]
    wanted = by_autograd(view, view.digit, "loss", 7)
    assert first.startswith("backward, loss for 7: at its logit p − y = 0.99")
    assert number_after(first, "− 1 =") == pytest.approx(wanted[11][0, 7].item(), rel=5e-3)
    unit = int(re.search(r"unit (\d+)", second)[1])
    terms = re.findall(r"(−?[\d.]+) · \(?(−?[\d.e−]+)", second)
    products = [float(a.replace("−", "-")) * float(b.replace("−", "-")) for a, b in terms]
    logits = wanted[11][0] * lenet[0].classifier[-1].weight[:, unit]
    largest = logits[logits.abs().argsort(descending=True)[:2]]
    assert products == pytest.approx(largest.tolist(), rel=1e-2)
    got = float(second.split(" = ")[-1].replace("−", "-"))
    assert got == pytest.approx(wanted[10][0, unit].item(), rel=1e-2)
