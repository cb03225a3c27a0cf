"""The X-ray and the page that export_xray writes: in Python, alone on a page, in JupyterLab."""

import base64
import inspect
import io
import json
import math
import os
import random
import re
import time
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
import torch
from browser import FAINT, keep, kernel_says, live_text, load_modules, put_on_stage, skip
from drawn_digits import by_hand
from PIL import Image
from shown_networks import made
from torch import nn

from course_utils import images, models, training, views
from course_utils.sources import find_images
from course_utils.views import xray
from course_utils.views.bundler import gather

SKIP_MNIST = "the digits to draw are MNIST's, and MNIST is not at hand: see README.md"


# --- in Python -------------------------------------------------------------------------------


def test_the_numbers_of_lenet(lenet):
    view = views.XRay(*lenet)
    lines = view.arithmetic().splitlines()
    assert [line.split(maxsplit=2)[-1] for line in lines[1:4]] == [
        "6 × 28 × 28",
        "6 × 28 × 28",
        "6 × 14 × 14",
    ]
    assert re.fullmatch(r"conv 2 +16 × 10 × 10", lines[4])
    assert re.fullmatch(r"most probable: 7, probability 0\.99\d\d", lines[-3])
    assert torch.equal(view.digit, view._first_digit)  # what Python draws is what is there
    chances = view.probabilities(view.digit)
    before = images.Images(view.digit[None], torch.tensor([7]), view.network["classes"], "digits")
    x, _ = next(images.batches(before, 1))
    torch.testing.assert_close(chances, lenet[0](x)[0].softmax(dim=0).detach())


@pytest.mark.parametrize("name", ["LeNet", "CNN", "MLP", "Sequential"])
def test_without_a_page(name, lenet):
    view = views.XRay(made(name, lenet))
    data, _ = view._repr_mimebundle_()
    assert len(data["image/png"]) <= 40_000
    assert Image.open(io.BytesIO(data["image/png"])).size[0] <= 1000
    assert "most probable: " in data["text/plain"]


@pytest.mark.parametrize(("name", "most"), [("LeNet", 480_000), ("CNN", 2_500_000)])
def test_the_exported_page_is_small(name, most, lenet, tmp_path):
    path = views.export_xray(made(name, lenet), tmp_path / "new folder" / "my_network.html")
    assert path.stat().st_size < most
    page = path.read_text(encoding="utf-8")
    assert "http:" not in page.replace("http://www.w3.org/2000/svg", "") and "https:" not in page
    assert "<title>X-ray of " in page and "import " not in page


def test_a_class_name_cannot_end_the_script(lenet, tmp_path):
    names = ["</script><script>alert(1)</script>", *"123456789"]
    page = views.export_xray(*lenet[:1], tmp_path / "x.html", classes=names)
    assert "<script>alert" not in page.read_text(encoding="utf-8")


def test_a_note_stands_below_the_exported_xray(lenet, tmp_path):
    page = views.export_xray(lenet[0], tmp_path / "x.html", note="Made by me & <you>.")
    text = page.read_text(encoding="utf-8")
    assert '<p class="note">Made by me &amp; &lt;you&gt;.</p>' in text
    assert text.index('id="view"') < text.index('class="note"')


def test_names_that_are_marks_of_the_page(page, lenet, tmp_path):
    """Whatever a class or a network is called, the page has its parts once, and is not blank."""
    names = ["@code@", "@style@", "@network@", "$x_$", "\u732b", r"\1\g<0>", *"6789"]
    net = type("@code@", (models.LeNet,), {})()
    net.load_state_dict(lenet[0].state_dict())
    file = views.export_xray(net, tmp_path / "x.html", classes=names)
    page.goto(file.as_uri())
    wait_for(page, ".xray-verdict", "It reads 7, probability 0.99")
    labels = page.locator(".view-predict button").all_inner_texts()
    assert labels[:6] == names[:6] and page.title() == "X-ray of @code@" and page.errors == []


def test_a_layer_of_many_units(page, tmp_path):
    training.set_seed(0)
    wide = nn.Sequential(nn.Flatten(), nn.Linear(784, 2500), nn.ReLU(), nn.Linear(2500, 10))
    page.goto(views.export_xray(wide, tmp_path / "x.html").as_uri())
    wait_for(page, ".xray-verdict", "It reads ")
    page.locator(".xray-panel canvas").nth(1).click(position={"x": 5, "y": 5})
    assert live_text(page).startswith("ReLU 1, unit ") and page.errors == []


def test_the_model_is_left_alone(lenet):
    model = made("Sequential", lenet).train()
    before = {key: value.clone() for key, value in model.state_dict().items()}
    state = torch.random.get_rng_state()
    view = views.XRay(model)
    view.arithmetic()
    assert model.training and model.second.weight.requires_grad
    assert all(torch.equal(before[key], value) for key, value in model.state_dict().items())
    assert torch.equal(torch.random.get_rng_state(), state)


def test_a_network_of_ones_own():
    """A class that was written in a notebook is as good as the course's."""

    class Mine(nn.Module):
        def __init__(self):
            super().__init__()
            self.relu = nn.ReLU()
            self.layers = nn.Sequential(nn.Flatten(), nn.Linear(784, 10), self.relu, self.relu)

        def forward(self, x):
            return self.layers(x)

    # By its attributes, the ReLU comes first as well; what counts is the order of the calls.
    description = xray.describe(Mine(), classes=[f"class {k}" for k in range(10)])
    assert [layer["name"] for layer in description["layers"]] == ["fc 1", "ReLU 1", "ReLU 2"]
    assert (
        description["name"] == "Mine"
        and description["pad"] == 0
        and description["classes"][3] == "class 3"
    )


@pytest.mark.parametrize(
    ("layers", "sentence"),
    [
        ([nn.Conv2d(1, 2, 3), nn.Sigmoid()], "the layer Sigmoid (1) cannot be shown. These can: C"),
        ([nn.Sequential(nn.Flatten(), nn.LayerNorm(784))], "the layer LayerNorm (0.1) cannot"),
        ([nn.Conv2d(1, 2, 3, dilation=2)], "conv 1: a Conv2d with dilation=(2, 2) cannot"),
        ([nn.Conv2d(1, 2, 3, padding=1, padding_mode="circular")], "with padding_mode=circular"),
        ([nn.Conv2d(1, 4, 3), nn.Conv2d(4, 4, 3, groups=2)], "conv 2: a Conv2d with groups=2"),
        ([nn.Conv2d(1, 2, 2, padding="same")], 'conv 1: padding="same" can be shown for'),
        ([nn.MaxPool2d(2, ceil_mode=True)], "pool 1: a MaxPool2d with ceil_mode=True"),
        ([nn.AvgPool2d(2, padding=1, count_include_pad=False)], "count_include_pad=False"),
        ([nn.Conv2d(1, 2, 3), nn.BatchNorm2d(2, track_running_stats=False)], "keeps no running"),
        ([nn.Conv2d(3, 2, 3), nn.Flatten()], "does not take images of (1, 32, 32): Given"),
        ([nn.Flatten(), nn.Linear(700, 10)], "or of (1, 28, 28): "),
        ([nn.Conv2d(1, 2, 3)], "one number a class is needed at the end, not [2, 30, 30]"),
        ([nn.Linear(32, 10)], "before fc 1 a Flatten is needed: it is given (1, 32, 32)"),
    ],
)
def test_what_cannot_be_shown_is_named(layers, sentence):
    with pytest.raises(ValueError) as caught:
        views.XRay(nn.Sequential(*layers))
    assert sentence in str(caught.value)


@pytest.mark.parametrize(
    ("settings", "sentence"),
    [
        ({"inputs": {"pad": 0}}, "LeNet does not take images of (1, 28, 28)"),
        ({"inputs": {"pad": 1.5}}, "pad has to be a whole number"),
        ({"inputs": {"std": 0}}, "std has to be a finite number above 0; got 0"),
        ({"inputs": {"std": float("inf")}}, "std has to be a finite number above 0; got inf"),
        ({"inputs": {"mean": float("nan")}}, "mean has to be a finite number; got nan"),
        ({"inputs": {"mean": "0.5"}}, "mean has to be a finite number; got '0.5'"),
        ({"classes": ["a", "b"]}, "the network has 10 classes; 2 are named"),
        ({"image": np.zeros((1, 28, 28), np.uint8)}, "got ndarray uint8 of shape (1, 28, 28)"),
        ({"image": torch.zeros(28, 28)}, "image must be a uint8 tensor of shape (1, 28, 28)"),
    ],
)
def test_what_does_not_fit_is_refused(settings, sentence, lenet):
    with pytest.raises(ValueError) as caught:
        views.XRay(lenet[0], **settings)
    assert sentence in str(caught.value)


# --- the page's functions --------------------------------------------------------------------


@pytest.fixture
def functions(page):
    """The functions behind the view, as window.own."""
    load_modules(page, "network.js", "digit.js", "maps.js", "xray/columns.js", "xray/path.js")
    yield page
    assert page.errors == []


#: What the page has for each kind of layer, and in which file.
TABLES = {
    "FORWARD": "network.js",
    "TRACE": "network.js",
    "SHOWN": "sum.js",
    "BACKWARD": "backward.js",
    "WAYS": "ways.js",
    "RULE": "xray/gradientsum.js",
    "SOURCE": "xray/path.js",
}


def test_every_kind_of_layer_is_in_every_table(page):
    """A layer that Python describes would otherwise end in an error where a unit is clicked."""
    described = filter(None, xray._DESCRIBED.values())
    kinds = [re.findall(r'"kind": "(\w+)"', inspect.getsource(layer))[0] for layer in described]
    assert len(kinds) >= 6
    tables = {name: f'$modules["{path}"].{name}' for name, path in TABLES.items()}
    keys = ", ".join(f"{name}: Object.keys({table})" for name, table in tables.items())
    code = gather(*TABLES.values()) + f"export default {{ {keys} }};\n"
    known = page.evaluate(
        """async (code) => {
            const url = URL.createObjectURL(new Blob([code], { type: "text/javascript" }));
            return (await import(url)).default;
        }""",
        code,
    )
    missing = [
        f"{name} of {path} lacks {kind}"
        for name, path in TABLES.items()
        for kind in kinds
        if kind not in known[name]
    ]
    assert missing == []


#: All activations for some pictures, given and returned as base64.
FORWARD = """(pictures) => {
    const { toInput, activations } = own;
    const text = (array) => {
        const bytes = new Uint8Array(array.buffer);
        let letters = "";
        for (let i = 0; i < bytes.length; i += 30000) {
            letters += String.fromCharCode(...bytes.subarray(i, i + 30000));
        }
        return btoa(letters);
    };
    return pictures.map((picture) => {
        const bytes = Uint8Array.from(atob(picture), (letter) => letter.charCodeAt(0));
        return activations(network, toInput(bytes, network)).map(({ data }) => text(data));
    });
}"""


@pytest.mark.parametrize("name", ["LeNet", "CNN", "MLP", "Sequential"])
def test_every_layer_equals_torch(functions, name, lenet):
    """200 random pictures, half of them noise and half of them sparse."""
    model = made(name, lenet)
    view = views.XRay(model, {"mean": 0.13, "std": 0.31} if name == "CNN" else None)
    functions.evaluate(
        "(description) => { window.network = own.readNetwork(description); }", view.network
    )
    draw = torch.Generator().manual_seed(1)
    pictures = torch.randint(0, 256, (200, 1, 28, 28), dtype=torch.uint8, generator=draw)
    pictures[100:] *= torch.rand(100, 1, 28, 28, generator=draw) > 0.8
    worst = 0.0
    for start in range(0, 200, 10):
        some = [base64.b64encode(p.numpy().tobytes()).decode() for p in pictures[start:][:10]]
        for picture, answer in zip(
            pictures[start:], functions.evaluate(FORWARD, some), strict=False
        ):
            wanted = view.layer_values(picture)
            wanted.append(wanted[-1].softmax(dim=1))
            assert len(answer) == len(wanted)
            for text, values in zip(answer, wanted, strict=True):
                got = np.frombuffer(base64.b64decode(text), "<f4")
                worst = max(worst, np.abs(got - values.flatten().numpy()).max().item())
    print(f"{name}: at most {worst:.1e} from torch")
    assert worst <= 1e-4


@pytest.mark.parametrize("name", ["LeNet", "CNN", "MLP", "Sequential"])
def test_every_sum_can_be_traced(functions, name, lenet):
    """What a trace shows adds up to the unit's value, for units of every layer."""
    view = views.XRay(made(name, lenet))
    worst = functions.evaluate(
        """(description) => {
            const { readNetwork, toInput, activations, trace } = own;
            const network = readNetwork(description);
            const bytes = Uint8Array.from({ length: 784 }, (_, i) => (i * 7919) % 256);
            const values = activations(network, toInput(bytes, network));
            const sum = (numbers) => numbers.reduce((a, b) => a + b, 0);
            const total = {
                conv2d: (t) => t.bias + sum(t.channels.map(({ window, kernel }) =>
                    sum(window.map((v, i) => (v ?? 0) * kernel[i])))),
                linear: (t) => t.bias + sum(t.terms.map((term) => term.input * term.weight)),
                relu: (t) => Math.max(0, t.input),
                affine: (t) => t.input * t.scale + t.shift,
                softmax: (t) => Math.exp(t.input) / t.powers,
                maxPool2d: (t) => Math.max(t.window[t.winner],
                    ...t.window.filter((v) => v !== null)),
                avgPool2d: (t) => sum(t.window.map((v) => v ?? 0)) / t.count,
            };
            let worst = 0;
            for (let at = 1; at < values.length; at++) {
                const { data } = values[at];
                for (let unit = 0; unit < data.length; unit += 1 + Math.floor(data.length / 97)) {
                    const found = trace(network, values, at, unit);
                    worst = Math.max(worst, Math.abs(found.value - data[unit]),
                        Math.abs(total[found.kind](found) - data[unit]));
                    if (found.kind === "maxPool2d" && found.window[found.winner] !== found.value) {
                        throw new Error(`the winner at ${at}, ${unit}`);
                    }
                }
            }
            return worst;
        }""",
        view.network,
    )
    assert worst < 1e-4


def test_receptive_fields_are_where_the_gradient_is(functions):
    """With positive weights and averages, a unit's gradient is nowhere 0 that it can see."""
    model = nn.Sequential(
        nn.Conv2d(1, 2, 3, stride=2, padding=1),
        nn.AvgPool2d(2),
        nn.Conv2d(2, 2, (2, 3)),
        nn.AvgPool2d(2, stride=1, padding=1),
        nn.Flatten(),
        nn.LazyLinear(10),
    )
    model(torch.rand(1, 1, 32, 32))
    for parameter in model.parameters():
        parameter.data.abs_()
    network = xray.describe(model)
    asked, wanted = [], []
    x = torch.rand(1, 1, 32, 32, requires_grad=True)
    value, at = x, 0
    for layer in model:
        value = layer(value)
        if isinstance(layer, nn.Flatten):
            continue
        at += 1
        for unit in range(0, value.numel(), 3):
            (gradient,) = torch.autograd.grad(value.flatten()[unit], x, retain_graph=True)
            rows = gradient[0, 0].sum(dim=1).nonzero().flatten()
            columns = gradient[0, 0].sum(dim=0).nonzero().flatten()
            asked.append([at, unit])
            wanted.append([rows.min(), rows.max(), columns.min(), columns.max()])
    got = functions.evaluate(
        """([description, asked]) => {
            const network = own.readNetwork(description);
            return asked.map(([at, unit]) => {
                const field = own.receptiveField(network, at, unit);
                return [field.top, field.bottom, field.left, field.right];
            });
        }""",
        [network, asked],
    )
    assert got == [[side.item() for side in sides] for sides in wanted]


def prepared(page, strokes, centring):
    """{ bytes, box, middle } of a drawing, or None."""
    return page.evaluate(
        """([strokes, centring]) => {
            const digit = own.prepare(strokes, centring);
            return digit && { ...digit, bytes: Array.from(digit.bytes) };
        }""",
        [strokes, centring],
    )


def resized(strokes, scale, right=0, down=0):
    """Written larger or smaller, with the same pen."""
    return [
        {
            "width": stroke["width"],
            "points": [[x * scale + right, y * scale + down] for x, y in stroke["points"]],
        }
        for stroke in strokes
    ]


def test_a_digit_is_prepared_as_mnist_was(functions):
    for name, strokes in xray.DIGITS.items():
        digit = np.array(prepared(functions, strokes, True)["bytes"]).reshape(28, 28)
        rows, columns = np.nonzero(digit)
        sides = [rows.max() - rows.min() + 1, columns.max() - columns.min() + 1]
        assert 20 <= max(sides) <= 21, name  # 21 where the box lies between two pixels
        y, x = (digit.sum(axis=1), digit.sum(axis=0))
        for profile in (x, y):
            middle = (profile * (np.arange(28) + 0.5)).sum() / profile.sum()
            assert abs(middle - 14) < 0.1, name
        # Whatever its place and size, it is the same digit, its lines as wide.
        for change in [(0.3, 150, 20), (0.9, 15, 25), (0.2, 10, 220)]:
            other = np.array(prepared(functions, resized(strokes, *change), True)["bytes"])
            assert np.abs(other.reshape(28, 28) - digit).max() <= 60, (name, change)
            assert np.abs(other.reshape(28, 28) - digit).mean() < 3, (name, change)


def test_lines_are_two_pixels_wide_whatever_the_pen_and_the_size(functions):
    for pen in (4, 20, 60):
        for length in (40, 240):
            bar = [{"width": pen, "points": [[140, 140 - length / 2], [140, 140 + length / 2]]}]
            for centring, wide in [(True, 2), (False, pen / 10)]:
                row = prepared(functions, bar, centring)["bytes"][14 * 28 : 15 * 28]
                assert sum(row) / 255 == pytest.approx(wide, rel=0.02), (pen, length)


def test_a_dot_stays_a_dot(functions):
    dot = [{"width": 20, "points": [[60, 60], [62, 61]]}]
    digit = np.array(prepared(functions, dot, True)["bytes"]).reshape(28, 28)
    assert np.count_nonzero(digit) < 30


def test_digits_side_by_side_are_counted(functions):
    def beside(*drawings):
        return functions.evaluate("(drawings) => own.digitsBeside(drawings.flat())", drawings)

    left = {name: resized(strokes, 0.4, 0, 80) for name, strokes in xray.DIGITS.items()}
    right = {name: resized(strokes, 0.4, 130, 70) for name, strokes in xray.DIGITS.items()}
    for name in xray.DIGITS:
        assert beside(left[name]) == 1
        assert all(beside(left[name], right[other]) == 2 for other in right)
    below = resized(xray.DIGITS["1"], 0.4, 0, 180)
    dot = [{"width": 20, "points": [[170, 130]]}]
    assert beside(left["1"], below) == beside(left["1"], dot) == 1
    assert beside() == 0


def test_small_large_and_empty_drawings(functions):
    dot = [{"width": 4, "points": [[270, 10]]}]
    huge = [{"width": 60, "points": [[-900, 140], [900, 150]]}, {"width": 60, "points": [[0, 0]]}]
    for strokes in (dot, huge):
        for centring in (True, False):
            digit = prepared(functions, strokes, centring)
            assert max(digit["bytes"]) > 100 or not centring
            assert 0 <= digit["box"]["left"] < digit["box"]["right"] <= 280
    outside = [{"width": 20, "points": [[300, 300], [400, 500]]}]
    for strokes in ([], outside):
        assert prepared(functions, strokes, True) is None
        assert prepared(functions, strokes, False) is None


def test_python_draws_as_the_page_does(functions):
    for strokes in (xray.START, *xray.DIGITS.values()):
        wanted = prepared(functions, strokes, False)["bytes"]
        assert xray.rasterized(strokes).flatten().tolist() == wanted


def test_a_finished_picture_keeps_its_bytes(functions):
    digit, _ = images.sample_digit()
    [stroke] = xray.starting_strokes(digit)
    assert prepared(functions, [stroke], False)["bytes"] == digit.flatten().tolist()
    centred = np.array(prepared(functions, [stroke], True)["bytes"]).reshape(28, 28)
    assert np.corrcoef(centred.flatten(), digit.flatten())[0, 1] > 0.9


SHAPES = [[6, 28, 28], [16, 10, 10], [16, 5, 5], [32, 28, 28], [64, 14, 14], [64, 7, 7]]
SHAPES += [[1, 32, 32], [1, 1, 1], [512, 2, 2], [200, 60, 60]]
SHAPES += [[units] for units in (10, 84, 120, 300, 2000, 2409, 9216, 50_000)]


def test_mosaics(functions):
    """Every layer, alone in its network, has room; and arrow keys lead there and back."""
    plans = functions.evaluate(
        """(shapes) => shapes.map((shape) => {
            const { plans: [plan] } = own.arrange([{ kind: "linear", shape }],
                { room: 800, lengths: [346, 220] });
            const units = shape.reduce((a, b) => a * b, 1);
            const wrong = [];
            for (let unit = 0; unit < units; unit += 1 + Math.floor(units / 500)) {
                for (const [x, y] of [[1, 0], [0, 1], [-1, 0], [0, -1]]) {
                    const next = own.neighbour(plan, unit, x, y);
                    const back = own.neighbour(plan, next, -x, -y);
                    if (next !== unit && back !== unit) wrong.push([unit, x, y]);
                }
            }
            const { width, height } = plan;
            const corner = [own.unitAt(plan, 0, 0), own.unitAt(plan, width + 5, 0)];
            return { width, height, wrong, corner };
        })""",
        SHAPES,
    )
    for plan in plans:
        assert plan["wrong"] == [] and plan["corner"] == [0, None]
        assert plan["width"] <= 800 and plan["height"] <= 346


@pytest.mark.parametrize("name", ["LeNet", "CNN", "MLP", "Sequential"])
@pytest.mark.parametrize("down", [False, True])
def test_layers_stand_side_by_side_as_far_as_there_is_room(functions, name, down, lenet):
    layers = xray.describe(made(name, lenet))["layers"]
    for room in (900, 800, 700, 600, 400):
        got = functions.evaluate(
            "([layers, options]) => own.arrange(layers, options)",
            [layers, {"room": room, "lengths": [346, 302, 264, 220], "down": down}],
        )
        plans = got["plans"]
        across, along = ("height", "width") if down else ("width", "height")
        total = sum(max(46, plan[across]) for plan in plans)
        assert total <= got["lines"] * room and all(plan[along] <= 346 for plan in plans)
        assert got["lines"] == 1 or room < 800
        # A map stands beside what the next layers make of it.
        sides = {}
        for plan, layer in zip(plans, layers, strict=True):
            alike = (plan["columns"], plan["rows"])
            assert sides.setdefault((layer["shape"][0], len(layer["shape"])), alike) == alike


@pytest.mark.parametrize("name", ["LeNet", "CNN", "MLP", "Sequential"])
def test_the_way_back_follows_what_adds_most(functions, name, lenet):
    """At every layer, against a network in which that one unit of the layer before is 0."""
    model = made(name, lenet)
    view = views.XRay(model)
    asked = [
        (at, unit)
        for at, layer in enumerate(view.network["layers"], start=1)
        for unit in (0, math.prod(layer["shape"]) // 3, math.prod(layer["shape"]) - 1)
    ]
    ways = functions.evaluate(
        """([description, asked]) => {
            const network = own.readNetwork(description);
            const bytes = Uint8Array.from({ length: 784 }, (_, i) => (i * 7919) % 256);
            const values = own.activations(network, own.toInput(bytes, network));
            return asked.map(([at, unit]) => own.pathBack(network, values, { at, unit }, 0));
        }""",
        [view.network, asked],
    )
    digit = torch.tensor([(i * 7919) % 256 for i in range(784)], dtype=torch.uint8)
    values = view.layer_values(digit.view(1, 28, 28))
    modules = [layer.module for layer in view.shown_layers]
    for (at, unit), steps in zip(asked, ways, strict=True):
        assert [step["at"] for step in steps] == list(range(at, -1, -1))
        assert steps[0]["unit"] == unit
        for step, before in pairwise(steps):
            part, spot = before["part"], before["spot"]
            assert part["top"] <= spot["top"] <= part["bottom"]
            assert part["left"] <= spot["left"] <= part["right"]
            module, x = modules[step["at"] - 1], values[step["at"] - 1]
            if isinstance(module, nn.Linear):
                products = module.weight[step["unit"]] * x.flatten()
                assert products.abs().argmax().item() == before["unit"]
                assert len(step.get("threads", "12345")) == min(5, len(products))
            elif isinstance(module, nn.MaxPool2d):
                assert x.flatten()[before["unit"]] == values[step["at"]].flatten()[step["unit"]]
            elif isinstance(module, nn.Conv2d) and step["at"] < at:
                _assert_adds_most_of_its_channel(module, x, step, before)


def _assert_adds_most_of_its_channel(module, x, step, before):
    """The channel that adds most to the sum, and in it the largest product."""
    shape = x.shape[1:]
    out = torch.nn.functional.conv2d(
        x, module.weight, stride=module.stride, padding=module.padding
    ).detach()
    row, column = divmod(step["unit"] % math.prod(out.shape[2:]), out.shape[3])
    kernel = module.weight[step["tile"]].detach()
    x = x.clone().requires_grad_()
    again = torch.nn.functional.conv2d(
        x, kernel[None], stride=module.stride, padding=module.padding
    )
    (gradient,) = torch.autograd.grad(again[0, 0, row, column], x)
    products = (gradient * x)[0].detach()
    channel = before["unit"] // math.prod(shape[1:])
    sums = products.sum(dim=(1, 2)).abs()
    assert sums[channel] == pytest.approx(sums.max().item(), rel=1e-4, abs=1e-6)
    largest = products[channel].abs()
    found = largest.flatten()[before["unit"] % math.prod(shape[1:])]
    assert found == pytest.approx(largest.max().item(), rel=1e-4, abs=1e-6)
    assert torch.tensor(step["kernel"]["weights"]).allclose(kernel[channel].flatten())


# --- alone on a page -------------------------------------------------------------------------


@pytest.fixture
def exported(page, exported_xray):
    """The exported page, opened from its file; nothing else is asked for."""
    asked = []
    page.on("request", lambda request: asked.append(request.url))
    page.goto(exported_xray.as_uri())
    page.locator(".view").wait_for()
    yield page
    assert asked == [exported_xray.as_uri()] and page.errors == []


def reads(page):
    return page.locator(".xray-verdict").inner_text()


def wait_for(page, selector, text):
    """Wait until an element holds a text. (The page forbids eval, and so wait_for_function.)"""
    page.locator(selector).filter(has_text=text).wait_for()


def moved_up(page):
    """Wait until the drawing of the question has moved."""
    wait_for(page, ".xray-verdict", "reads 1")


def draw(page, strokes):
    """Draw strokes (x, y), as on a pad of 280, with the mouse."""
    box = page.locator(".pad").bounding_box()
    scale = box["width"] / 280
    for stroke in strokes:
        points = [(box["x"] + x * scale, box["y"] + y * scale) for x, y in stroke]
        page.mouse.move(*points[0])
        page.mouse.down()
        for point in points[1:]:
            page.mouse.move(*point)
        page.mouse.up()


#: For each drawing, { pen, strokes, centrings }, what the page reads with centring off or on, or
#: as it is: by events of our own, which need not wait for the screen.
READ_AT_ONCE = """(drawings) => {
    const pad = document.querySelector(".pad");
    pad.setPointerCapture = () => {};  // there is no pointer to capture
    const slider = document.querySelector("input[type=range]");
    const box = document.querySelector("input[type=checkbox]");
    const { left, top, width } = pad.getBoundingClientRect();
    const tell = (type, [x, y]) => pad.dispatchEvent(new PointerEvent(type, {
        pointerId: 1, isPrimary: true, bubbles: true, button: 0, buttons: 1,
        clientX: left + (x * width) / 280, clientY: top + (y * width) / 280,
    }));
    return drawings.map(({ pen, strokes, centrings }) => {
        pad.dispatchEvent(new KeyboardEvent("keydown", { key: "Delete", bubbles: true }));
        if (pen !== null) {
            slider.value = pen;
            slider.dispatchEvent(new Event("input"));
        }
        for (const stroke of strokes) {
            tell("pointerdown", stroke[0]);
            stroke.slice(1).forEach((point) => tell("pointermove", point));
            tell("pointerup", stroke.at(-1));
        }
        return centrings.map((on) => {
            if (on !== null && box.checked !== on) box.click();
            return document.querySelector(".xray-verdict").innerText;
        });
    });
}"""


def as_drawing(strokes, *, pen=None, centrings=(None,)):
    return {"pen": pen, "strokes": strokes, "centrings": centrings}


def test_the_question(exported):
    page = exported
    assert reads(page).startswith("It reads 7, probability 0.99")
    page.locator(".pad").focus()
    page.keyboard.press("ArrowUp")  # that would be the answer
    assert live_text(page) == "Answer the question first, or skip it."
    assert reads(page).startswith("It reads 7, probability 0.99")
    page.get_by_role("button", name="1", exact=True).click()
    verdict = page.locator(".view-verdict").inner_text()
    assert "✓ Right. It reads 1, probability 0." in verdict and "7 falls from 0.99" in verdict
    moved_up(page)
    page.wait_for_timeout(500)
    keep(page, "xray-answered")
    page.keyboard.press("c")
    assert reads(page) == "It reads 7, probability 0.9999"
    page.keyboard.press("c")
    for _ in range(4):
        page.keyboard.press("ArrowDown")
    assert reads(page).startswith("It reads 7, probability 0.99")
    page.keyboard.press("r")
    assert page.get_by_role("button", name="0", exact=True).is_enabled()


def test_on_a_phone_the_probabilities_are_in_sight_while_one_draws(exported):
    page = exported
    page.set_viewport_size({"width": 390, "height": 844})
    before = page.locator(".pad").bounding_box()
    for answered in (False, True):
        if answered:
            draw(page, [[(60, 60), (60, 200)]])
        pad, bars, maps = (
            page.locator(selector).bounding_box() for selector in (".pad", ".bars", ".xray-maps")
        )
        assert pad == before  # the first stroke, which gives the answer, goes on where it began
        assert pad["y"] + pad["height"] < bars["y"]
        assert bars["y"] + bars["height"] < min(844, maps["y"])
        keep(page, f"xray-phone-{'answered' if answered else 'asked'}")
    assert page.evaluate("document.documentElement.scrollWidth") == 390


def test_the_exported_page_has_a_heading_and_a_main_part(exported):
    assert exported.locator("main h1").all_inner_texts() == ["X-ray of LeNet"]
    assert exported.locator("main .view").count() == 1


def test_what_is_drawn_is_centred_and_the_example_is_not(exported):
    page = exported
    centring = page.get_by_label("centring")
    assert not centring.is_checked()
    draw(page, [[(230, 20), (226, 60)]])  # small, in a corner; the example is still there
    assert centring.is_checked()
    page.keyboard.press("Delete")
    draw(page, [[(230, 20), (226, 60)]])
    assert reads(page).startswith("It reads 1")
    page.keyboard.press("c")
    assert not reads(page).startswith("It reads 1")
    page.keyboard.press("Delete")
    draw(page, [[(230, 20), (226, 60)]])
    assert not centring.is_checked()  # who has switched it off wants it so
    page.keyboard.press("r")
    skip(page)
    assert not centring.is_checked()


def test_a_pad_that_starts_without_centring(page, lenet):
    put_on_stage(page, views.XRay(*lenet, centring=False))
    draw(page, [[(230, 20), (226, 60)]])
    assert not page.get_by_label("centring").is_checked()


def test_a_picture_from_python_is_shown_as_it_is(page, lenet):
    view = views.XRay(*lenet)
    put_on_stage(page, view)
    page.locator(".view").press("Delete")
    draw(page, [[(100, 50), (100, 200)]])
    assert page.get_by_label("centring").is_checked()
    digit, _ = images.sample_digit()
    view.show(digit)
    page.evaluate("(sent) => { window.model.set('sent', sent); }", view.sent)
    assert not page.get_by_label("centring").is_checked()
    chance = view.probabilities(digit).max().item()
    assert reads(page).endswith(f"probability {chance:.4f}")
    draw(page, [[(10, 10), (12, 20)]])  # on the picture
    assert not page.get_by_label("centring").is_checked()


def test_two_digits_at_once_are_told(exported):
    page = exported
    draw(page, [[(60, 60), (60, 200)]])
    page.keyboard.press("Delete")
    draw(page, [[(60, 60), (60, 200)]])
    assert live_text(page) == f"{reads(page)}."
    draw(page, [[(200, 60), (200, 200)]])
    assert "several digits side by side, and the network reads one" in live_text(page)


def test_drawing_is_read_while_the_pen_moves(exported):
    page = exported
    draw(page, [[(60, 60), (90, 60)]])  # the question is over
    assert "Skipped." in page.locator(".view-verdict").inner_text()
    page.get_by_role("button", name="clear").click()
    assert reads(page) == "Nothing drawn: no prediction"
    assert live_text(page) == "Nothing is drawn: no prediction."
    page.locator(".mosaic-canvas").nth(2).click()
    assert live_text(page) == "Nothing is drawn: there is no sum to show."
    assert page.get_by_label("centring").is_checked()
    box = page.locator(".pad").bounding_box()
    page.mouse.move(box["x"] + 200, box["y"] + 20)
    page.mouse.down()
    page.mouse.move(box["x"] + 190, box["y"] + 110, steps=8)
    wait_for(page, ".xray-verdict", "It reads 1")  # the pen is still down
    page.mouse.move(box["x"] - 500, box["y"] + 110, steps=3)  # off the pad, and still drawing
    page.mouse.up()
    assert not reads(page).startswith("It reads 1")
    page.keyboard.press("u")
    assert reads(page) == "Nothing drawn: no prediction"
    page.keyboard.press("4")
    four = reads(page)
    assert four.startswith("It reads 4")
    page.keyboard.press("ArrowLeft")
    page.keyboard.press("ArrowLeft")
    assert reads(page) == four  # centred again
    page.keyboard.press("]")
    assert live_text(page) == "The pen is 22 wide, the pad 280."


def test_touch(browser, exported_xray):
    """A finger draws on a page as small as a phone's."""
    context = browser.new_context(viewport={"width": 390, "height": 800}, has_touch=True)
    page = context.new_page()
    page.goto(exported_xray.as_uri())
    skip(page)
    page.get_by_role("button", name="clear").tap()
    box = page.locator(".pad").bounding_box()
    client = context.new_cdp_session(page)

    def touch(kind, *points):
        spots = [{"x": box["x"] + x, "y": box["y"] + y} for x, y in points]
        client.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": spots})

    touch("touchStart", (140, 60))
    for y in range(70, 220, 10):
        touch("touchMove", (140, y))
    touch("touchEnd")
    wait_for(page, ".xray-verdict", "reads 1")
    assert page.evaluate("scrollY") == 0  # the page has not moved with the finger
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    page.wait_for_timeout(500)  # a tap right after a fast stroke is no tap to Chromium
    page.locator(".xray-panel canvas").first.tap()
    wait_for(page, ".sum-title", "conv 1")
    context.close()


def test_units_by_mouse(exported, lenet):
    page = exported
    canvas = page.locator(".xray-panel canvas").nth(3)  # conv 2: 8 × 2 maps of 10 × 10
    box = canvas.bounding_box()
    scale = box["width"] / 82
    # Map 5 stands in row 2, column 1; its unit at row 4, column 7.
    spot = {"x": (42 + 7 * 4 + 2) * scale, "y": (84 + 4 * 4 + 2) * scale}
    canvas.hover(position=spot)
    assert re.fullmatch(r"conv 2, map 5 \(4, 7\) = \S+", page.locator(".xray-tip").inner_text())
    canvas.click(position=spot)
    view = views.XRay(*lenet)
    value = view.layer_values(view.digit)[4][0, 5, 4, 7].item()
    shown = page.locator(".xray-sum p").nth(1).inner_text()
    assert float(shown.split()[1].strip(";").replace("−", "-")) == pytest.approx(value, rel=1e-3)
    assert shown.endswith("it sees 14 × 14 pixels")
    assert "rows 8–21, columns 14–27" in live_text(page)
    assert page.locator(".sum-channel").count() == 6
    page.locator(".sum-channel").nth(4).click()
    assert "channel 4 adds" in page.locator(".sum-note").inner_text()
    page.get_by_role("button", name="all 150 products").click()
    assert page.locator(".xray-list tr").count() == 151
    keep(page, "xray-sum-1280")
    page.locator(".bars g").nth(7).click()
    assert live_text(page).startswith("probability of 7: 0.99")
    assert page.locator(".sum-formula").count() == 3
    page.locator(".xray-panel canvas").nth(10).click(position={"x": 20, "y": 4})  # linear 3
    assert "the other 79 terms" in page.locator(".sum-rows").inner_text()


def test_units_by_keyboard(exported):
    page = exported
    page.locator(".xray-maps").focus()
    page.keyboard.press("ArrowRight")
    assert "conv 1, map 0, row 14, column 14: " in live_text(page)
    assert "5 × 5 pixels of the input: rows 14–18, columns 14–18" in live_text(page)
    page.keyboard.press("ArrowUp")
    assert "conv 1, map 0, row 13, column 14: " in live_text(page)
    for _ in range(15):
        page.keyboard.press("ArrowDown")
    assert "conv 1, map 1, row 0, column 14: " in live_text(page)  # over the border
    for name in ["ReLU 1", "pool 1", "conv 2"]:
        page.keyboard.press("PageDown")
        assert f"{name}, map 0, " in live_text(page)
    page.keyboard.press("]")
    assert re.fullmatch(r"Channel \d\.", live_text(page))
    page.keyboard.press("n")
    assert page.locator(".xray-list tr").count() == 151
    for _ in range(20):
        page.keyboard.press("PageDown")
    assert "probability of 7: " in live_text(page)
    page.keyboard.press("PageUp")
    assert "fc 3, unit 5: " in live_text(page) or "fc 3, unit 0: " in live_text(page)
    page.keyboard.press("Escape")
    assert page.evaluate("document.activeElement === document.body")


#: Whether the way that is drawn begins in the chosen unit and ends in the input; how many of each.
WAY = """() => {
    const middle = (node) => {
        const { left, top, width, height } = node.getBoundingClientRect();
        return [left + width / 2, top + height / 2];
    };
    const isIn = (node, [x, y]) => {
        const { left, top, right, bottom } = node.getBoundingClientRect();
        return x >= left && x <= right && y >= top && y <= bottom;
    };
    const all = (selector) => [...document.querySelectorAll(selector)];
    const dots = all(".link-dot");
    const canvases = all(".xray-panel canvas").reverse();
    const input = document.querySelector(".xray-under canvas");
    return {
        dots: dots.length, bands: all(".link-band").length, threads: all(".link-thread").length,
        kernels: all(".link-kernel").length, moves: dots.length > 0 &&
            getComputedStyle(document.querySelector(".link-thread")).animationName !== "none",
        inBar: dots.length > 0 && isIn(all(".bars g")[7], middle(dots[0])),
        inLayers: dots.slice(1, -1).every((dot, i) => isIn(canvases[i], middle(dot))),
        inInput: dots.length > 0 && isIn(input, middle(dots.at(-1))),
    };
}"""


@pytest.mark.parametrize("width", [1280, 900, 390])
def test_the_way_of_a_unit_is_drawn(exported, width):
    """From the bar of 7 through a unit of every layer to a pixel, however wide the page is."""
    page = exported
    page.emulate_media(reduced_motion="reduce")
    skip(page)
    page.locator(".bars g").nth(7).click()
    page.set_viewport_size({"width": width, "height": 844})
    page.wait_for_timeout(300)
    keep(page, f"xray-way-{width}")
    way = page.evaluate(WAY)
    threads = 16 if width > 700 else 15  # the bars stand above all: none goes up to them
    assert way == {
        "dots": 13,
        "bands": 8,
        "threads": threads,
        "kernels": 2,
        "moves": False,
        "inBar": True,
        "inLayers": True,
        "inInput": True,
    }
    page.emulate_media(reduced_motion="no-preference")
    page.locator(".xray-panel canvas").nth(0).click()
    way = page.evaluate(WAY)
    assert way["moves"] and way["dots"] == 2 and way["kernels"] == 1 and way["inInput"]
    page.locator(".view").press("r")
    assert page.evaluate(WAY)["dots"] == 0


def test_the_network_takes_the_room_that_there_is(exported):
    """Maps stay whole and beside one another; on a phone layers stand below one another."""
    page = exported
    for width, height in [(1280, 720), (1116, 720), (900, 720), (620, 800), (390, 844)]:
        page.set_viewport_size({"width": width, "height": height})
        page.wait_for_timeout(200)
        keep(page, f"xray-room-{width}")
        boxes = page.evaluate(
            """() => [...document.querySelectorAll(".xray-panel .mosaic, .bars")]
                .map((node) => node.getBoundingClientRect())
                .map(({ left, right, top, bottom }) => ({ left, right, top, bottom }))"""
        )
        assert all(box["left"] >= 0 and box["right"] <= width for box in boxes), width
        for one, other in pairwise(boxes[:-1]):
            apart = one["right"] < other["left"] or one["bottom"] < other["top"]
            assert apart, width
        if width >= 900:
            assert len({round(box["top"]) for box in boxes}) <= 2, width
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), width


def test_a_walk(exported):
    page = exported
    skip(page)
    moved_up(page)
    page.keyboard.press("c")
    page.keyboard.press("7")
    page.keyboard.press("c")
    first = reads(page)
    page.keyboard.press(" ")
    page.locator(".xray-verdict").filter(has_not_text=first).wait_for()
    page.keyboard.press(" ")  # stops
    page.emulate_media(reduced_motion="reduce")
    page.keyboard.press("7")
    page.keyboard.press(" ")  # a step instead of a walk
    page.wait_for_timeout(300)
    assert reads(page) != first


def test_canvases_are_painted_again(exported):
    """A canvas that was emptied, as some browsers do out of sight, is whole when it is back."""
    page = exported
    page.evaluate("document.querySelector('.view').style.marginTop = '5000px'")
    page.wait_for_timeout(300)
    dark = """() => {
        const canvas = document.querySelector('.xray-panel canvas');
        return canvas.getContext('2d').getImageData(5, 5, 1, 1).data[3] === 0;
    }"""
    page.evaluate("document.querySelectorAll('canvas').forEach(c => { c.width = c.width; })")
    assert page.evaluate(dark)
    page.evaluate("document.querySelector('.view').style.marginTop = 0")
    patience = time.monotonic() + 20
    while page.evaluate(dark):
        assert time.monotonic() < patience


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_the_exported_page_follows_the_reader(exported, theme):
    page = exported
    page.emulate_media(color_scheme=theme)
    assert page.evaluate(FAINT) == []
    skip(page)
    moved_up(page)
    page.locator(".xray-panel canvas").nth(3).click()
    page.keyboard.press("n")
    keep(page, f"xray-{theme}")
    assert page.evaluate(FAINT) == []
    back, scheme = page.locator(".view").evaluate(
        "(view) => [getComputedStyle(view).backgroundColor, getComputedStyle(view).colorScheme]"
    )
    assert scheme == theme and (back == "rgb(255, 255, 255)") == (theme == "light")


@pytest.mark.parametrize("width", [1280, 1116, 900])
def test_fits(exported, width):
    page = exported
    page.set_viewport_size({"width": width, "height": 720})
    keep(page, f"xray-{width}")
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    most = 640 if width > 1000 else 900
    assert page.locator(".view").bounding_box()["height"] < most
    sizes = page.evaluate(
        """() => [...document.querySelectorAll(".view *")]
            .map((element) => parseFloat(getComputedStyle(element).fontSize))"""
    )
    assert min(sizes) >= 16


def test_drawn_digits_are_read(exported, lenet, record_property):
    """With centring at least 95 of 100 drawn digits are read right; without it, far fewer."""
    if find_images("mnist") is None:
        pytest.skip(SKIP_MNIST)
    _, test = images.load_images("mnist")
    some = test[:2000]
    with torch.no_grad():
        said = torch.cat([lenet[0](x).argmax(dim=1) for x, _ in images.batches(some, 500)])
    right = said == some.labels
    chosen = [i for c in range(10) for i in ((some.labels == c) & right).nonzero()[:10, 0].tolist()]
    page, draws = exported, random.Random(0)
    skip(page)
    drawings = []
    for i in chosen:
        pen, strokes = by_hand(some.images[i, 0].numpy(), draws)
        drawings.append(as_drawing(strokes, pen=pen, centrings=[True, False]))
    counts = {"on": 0, "off": 0}
    for i, verdicts in zip(chosen, page.evaluate(READ_AT_ONCE, drawings), strict=True):
        for centring, verdict in zip(counts, verdicts, strict=True):
            counts[centring] += verdict.startswith(f"It reads {some.labels[i]},")
    print(f"drawn digits read right: {counts['on']} with centring, {counts['off']} without")
    record_property("read right", counts)
    assert len(chosen) == 100 and counts["on"] >= 95


def test_real_writers_are_read(exported, record_property):
    """Of 100 digits of 14 writers at least 92, as the pad starts, also where they write small."""
    if "COURSE_CASES_DIR" not in os.environ:
        pytest.skip("COURSE_CASES_DIR names no folder with real_pens.json, strokes of real writers")
    cases = Path(os.environ["COURSE_CASES_DIR"]) / "real_pens.json"
    written = json.loads(cases.read_text(encoding="utf-8"))["digits"]
    page, counts = exported, {1: 0, 0.4: 0}
    for scale in counts:
        drawings = [
            as_drawing([[(x * scale, y * scale) for x, y in s] for s in digit["strokes"]])
            for digit in written
        ]
        for digit, (verdict,) in zip(written, page.evaluate(READ_AT_ONCE, drawings), strict=True):
            counts[scale] += verdict.startswith(f"It reads {digit['digit']},")
    print(f"real digits read right: {counts[1]} of {len(written)}, small ones {counts[0.4]}")
    record_property("real digits read right", counts)
    assert min(counts.values()) >= 0.92 * len(written)


# --- in JupyterLab ---------------------------------------------------------------------------


@pytest.mark.lab
def test_in_jupyterlab(page, xray_in_jupyterlab):
    (output,) = xray_in_jupyterlab["outputs"]
    assert "most probable: 7, probability 0.99" in str(output["data"]["text/plain"])
    assert len(json.dumps(output)) < 60_000
    view = page.locator(".view")
    keep(page, "xray-jupyterlab")
    view.get_by_role("button", name="7", exact=True).click()
    assert "✗ You said 7. It is 1." in view.locator(".view-verdict").inner_text()
    moved_up(page)
    page.wait_for_timeout(1000)
    page.keyboard.press("Delete")
    assert "no prediction" in reads(page)
    page.keyboard.press("3")
    page.keyboard.press("ArrowRight")
    page.keyboard.press("d")  # twice d would delete the cell, were the keys JupyterLab's
    page.keyboard.press("d")
    assert page.evaluate("window.jupyterapp.shell.currentWidget.content.model.cells.length") == 2
    draw(page, [[(60, 250), (150, 260)]])
    chance = reads(page).split()[-1]
    agrees = f"assert abs(xray.probabilities(xray.digit).max() - {chance}) < 6e-5, xray.digit"
    patience = time.monotonic() + 30
    while (answer := kernel_says(page, agrees)) != "ok":
        assert time.monotonic() < patience, answer
        time.sleep(0.2)
    view.locator(".xray-panel canvas").nth(3).click()
    assert "It sees 14 × 14 pixels" in live_text(page)
    page.locator(".xray-maps").focus()
    page.keyboard.press("PageUp")
    assert live_text(page).startswith("pool 1, map 0")
    assert page.errors == [] and page.outside == []
    page.evaluate("window.jupyterapp.shell.currentWidget.sessionContext.session.kernel.shutdown()")
    page.wait_for_timeout(1000)
    before = reads(page)
    page.keyboard.press("Delete")  # a dead kernel does not stop the page
    draw(page, [[(140, 50), (130, 230)]])
    assert reads(page).startswith("It reads 1") and reads(page) != before
