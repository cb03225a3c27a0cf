"""The shape doctor: the call that fails is named as torch names it, and what it advises runs."""

import contextlib
import random

import pytest
import torch
from torch import nn
from torch.nn import functional as F

from course_utils import models, views
from course_utils.views import calls, doctor, networks

SHAPE = (1, 32, 32)
#: LeNet, a line each: the kind of layer and its numbers.
LENET = [
    (nn.Conv2d, [1, 6, 5]),
    (nn.ReLU, []),
    (nn.MaxPool2d, [2]),
    (nn.Conv2d, [6, 16, 5]),
    (nn.ReLU, []),
    (nn.MaxPool2d, [2]),
    (nn.Flatten, []),
    (nn.Linear, [400, 120]),
    (nn.ReLU, []),
    (nn.Linear, [120, 84]),
    (nn.ReLU, []),
    (nn.Linear, [84, 10]),
]
OPTIONS = {
    nn.Conv2d: ["in_channels", "out_channels", "kernel_size"],
    nn.MaxPool2d: ["kernel_size"],
    nn.Linear: ["in_features", "out_features"],
}


def build(layers):
    return nn.Sequential(*(kind(*numbers) for kind, numbers in layers))


def examined(model, shape=SHAPE):
    return doctor.diagnose(calls.record(networks.copied(model), shape))


def first_to_fail(layers):
    """By torch alone: which layer raises first, and what it says; None if all run."""
    x = torch.zeros(calls.BATCH, *SHAPE)
    for i, layer in enumerate(build(layers)):
        try:
            x = layer(x)
        except (RuntimeError, ValueError) as error:
            return i, f"{type(error).__name__}: {str(error).splitlines()[0]}"
    return None


def mended(layers, found):
    """The layers with what was advised."""
    at = int(found.path)
    kind, numbers = layers[at]
    if found.option == "flatten":
        numbers = [found.number, numbers[1]]
        return [*layers[:at], (nn.Flatten, []), (kind, numbers)] + [
            layer for layer in layers[at + 1 :] if layer[0] is not nn.Flatten
        ]
    place = OPTIONS[kind].index(found.option)
    numbers = [*numbers[:place], found.number, *numbers[place + 1 :]]
    return [*layers[:at], (kind, numbers), *layers[at + 1 :]]


def without(*places):
    return [layer for i, layer in enumerate(LENET) if i not in places]


def swapped(one, other):
    layers = list(LENET)
    layers[one], layers[other] = layers[other], layers[one]
    return layers


def mutants():
    """100 LeNets in which one number is another, so that they do not run; the same each time."""
    draw = random.Random(0)
    made = []
    while len(made) < 100:
        at = draw.choice([i for i, (_, numbers) in enumerate(LENET) if numbers])
        kind, numbers = LENET[at]
        place = draw.randrange(len(numbers))
        number = draw.choice([n for n in range(1, 2 * numbers[place] + 3) if n != numbers[place]])
        changed = [*numbers[:place], number, *numbers[place + 1 :]]
        layers = [*LENET[:at], (kind, changed), *LENET[at + 1 :]]
        if layers not in made and first_to_fail(layers):
            made.append(layers)
    return made


def test_of_100_mutated_lenets_each_is_named_and_mended():
    mended_at_once = 0
    for layers in mutants():
        repairs = 0
        while failure := first_to_fail(layers):
            at, error = failure
            found = examined(build(layers))
            assert found.path == str(at) and found.torch_message == error
            kind, _ = layers[at]
            assert kind.__name__ in found.sentence and f"{found.number}" in found.sentence
            layers = mended(layers, found)
            repairs += 1
            assert repairs < 6, layers
        assert examined(build(layers)) is None
        mended_at_once += repairs == 1
    assert mended_at_once > 80  # in the others what comes after a smaller window has to follow


@pytest.mark.parametrize(
    ("layers", "path", "sentence"),
    [
        (
            [(nn.Conv2d, [3, 6, 5]), *LENET[1:]],
            "0",
            "conv 1, Conv2d(3, 6, 5), is given 1 map: write Conv2d(1, 6, 5).",
        ),
        (
            without(6),
            "6",
            "fc 1, Linear(400, 120), is given maps, 16 × 5 × 5, and wants 400 values in one row: "
            "put nn.Flatten() before it, which makes 400.",
        ),
        (
            swapped(0, 3),
            "0",
            "conv 1, Conv2d(6, 16, 5), is given 1 map: write Conv2d(1, 16, 5). conv 2, "
            "Conv2d(1, 6, 5), would fit here: are the two swapped?",
        ),
        (
            swapped(9, 11),
            "9",
            "fc 2, Linear(84, 10), is given 120 values: write Linear(120, 10). fc 3, "
            "Linear(120, 84), would fit here: are the two swapped?",
        ),
        (
            swapped(5, 6),
            "6",
            "pool 2, MaxPool2d(2), wants maps and is given 1,600 values in a row: it belongs "
            "before Flatten 1, which is given 16 × 10 × 10.",
        ),
        (
            without(5),
            "6",
            "fc 1, Linear(400, 120), is given 1,600 values (16 × 10 × 10): write "
            "Linear(1600, 120).",
        ),
        (
            [*LENET[:5], (nn.MaxPool2d, [11]), *LENET[6:]],
            "5",
            "pool 2, MaxPool2d(11), is given maps of 10 × 10, and a window of 11 does not fit into "
            "10 + 2 · 0 = 10 values: it may be 10 at most.",
        ),
        (
            [*LENET[:5], (nn.MaxPool2d, [(11,), 2, (0,)]), *LENET[6:]],  # as torch takes it, too
            "5",
            "pool 2, MaxPool2d(11, stride=2), is given maps of 10 × 10, and a window of 11 does "
            "not fit into 10 + 2 · 0 = 10 values: it may be 10 at most.",
        ),
        (
            [*LENET[:1], (nn.BatchNorm2d, [16]), *LENET[1:]],
            "1",
            "norm 1, BatchNorm2d(16), is given 6 maps: write BatchNorm2d(6).",
        ),
    ],
)
def test_what_is_wrong_with_a_lenet_is_said(layers, path, sentence):
    at, error = first_to_fail(layers)
    found = examined(build(layers))
    assert (found.path, found.sentence) == (path, sentence) and at == int(path)
    assert found.torch_message == error


class Written(nn.Module):
    """A network whose forward() is given as a function of its layers and the images."""

    def __init__(self, forward, **layers):
        super().__init__()
        self.layers, self.steps = nn.ModuleDict(layers), forward

    def forward(self, x):
        return self.steps(self.layers, x)


def pooled(layers, x):
    """The features of LeNet, by functions: (N, 16, 5, 5)."""
    x = F.max_pool2d(F.relu(layers["conv1"](x)), 2)
    return F.max_pool2d(F.relu(layers["conv2"](x)), 2)


def written(steps, **more):
    features = {"conv1": nn.Conv2d(1, 6, 5), "conv2": nn.Conv2d(6, 16, 5)}
    return Written(steps, **features, fc=nn.Linear(400, 10), **more)


@pytest.mark.parametrize(
    ("flatten", "sentence", "mended"),
    [
        (
            lambda x: x.view(-1, 256),
            "view(-1, 256) mixes images: 4 × 400 values make 6.25 rows of 256: write "
            "view(-1, 400).",
            lambda x: x.view(-1, 400),
        ),
        (  # no error of torch before the layer after it, or none at all
            lambda x: x.view(-1, 100),
            "view(-1, 100) mixes images: 4 × 400 values make 16 rows of 100: write view(-1, 400).",
            lambda x: x.view(-1, 400),
        ),
        (
            lambda x: x.reshape(x.size(0), 256),
            "reshape(4, 256) asks for 256 values an image, and there are 400: write "
            "reshape(-1, 400).",
            lambda x: x.reshape(-1, 400),
        ),
        (
            lambda x: torch.flatten(x),
            "flatten() mixes images: it makes 1,600 of 4 × 400 values: write flatten(1).",
            lambda x: torch.flatten(x, 1),
        ),
        (
            lambda x: x.permute(0, 2, 3, 1).view(-1, 400),
            "view(-1, 400) finds the numbers in another order in memory: write reshape in place "
            "of view.",
            lambda x: x.permute(0, 2, 3, 1).reshape(-1, 400),
        ),
    ],
)
def test_images_that_are_mixed_are_told(flatten, sentence, mended):
    found = examined(written(lambda layers, x: layers["fc"](flatten(pooled(layers, x)))))
    assert found.sentence == sentence
    assert found.torch_message.startswith("RuntimeError: ")
    assert examined(written(lambda layers, x: layers["fc"](mended(pooled(layers, x))))) is None


def residual(stride=1, shortcut=None):
    def forward(layers, x):
        x = F.relu(layers["conv1"](x))
        y = layers["norm"](layers["conv2"](x))
        x = F.relu(y + (layers["shortcut"](x) if shortcut else x))
        return layers["fc"](x.mean((2, 3)))

    layers = {"shortcut": shortcut} if shortcut else {}
    return Written(
        forward,
        conv1=nn.Conv2d(1, 6, 3, padding=1),
        conv2=nn.Conv2d(6, 8, 3, stride=stride, padding=1),
        norm=nn.BatchNorm2d(8),
        **layers,
        fc=nn.Linear(8, 10),
    )


@pytest.mark.parametrize("stride", [1, 2, 3])
def test_branches_that_do_not_fit_get_a_shortcut_that_does(stride):
    step = f", stride={stride}" if stride > 1 else ""
    found = examined(residual(stride))
    assert found.name == "add 1"
    assert found.sentence.endswith(f": put Conv2d(6, 8, 1{step}) on the shortcut.")
    found = examined(residual(stride, nn.Conv2d(6, 4, 1)))
    assert found.sentence.endswith(f": write Conv2d(6, 8, 1{step}) for conv 3.")
    assert examined(residual(stride, nn.Conv2d(6, 8, 1, stride=stride))) is None


def test_branches_are_named_and_counted():
    model = residual(shortcut=nn.Conv2d(6, 8, 1))
    view = views.ShapeLedger(model)
    rows = view.render(dict(view.values), answered=True)["table"]["rows"]
    texts = [[cell if isinstance(cell, str) else cell["text"] for cell in row] for row in rows]
    assert [row[:2] for row in texts[5:7]] == [
        ["conv 3", "Conv2d(6, 8, 1) of relu 1"],
        ["add 1", "norm 1 + conv 3"],
    ]
    held = sum(weight.numel() for weight in model.parameters())
    work = 1024 * (6 * 9 + 8 * 54 + 8 + 8 * 6) + 80
    assert texts[-1] == ["together", "", "", "", f"{held:,}", f"{work:,}"]


def test_a_shared_and_an_unused_layer_are_named():
    again = nn.Linear(10, 10)
    model = written(
        lambda layers, x: (
            layers["again"](F.relu(layers["again"](layers["fc"](pooled(layers, x).flatten(1))))) + 0
        ),
        again=again,
        spare=nn.Linear(3, 7),
    )
    view = views.ShapeLedger(model)
    assert "fc 4 (layers.spare) is never called." in view.arithmetic()
    entry = next(entry for entry in view.ledger if entry.name == "fc 3")
    assert entry.counts["parameters"].number == 0
    assert "It is the layer fc 2 once more" in entry.counts["parameters"].why


def test_until_it_is_answered_nothing_tells():
    view = views.ShapeLedger(build([*LENET[:7], (nn.Linear, [300, 120]), *LENET[8:]]))
    assert view.question["solution"] == "fc 1" in view.question["choices"]
    shown = str(view.render(dict(view.values), answered=False))
    assert not any(word in shown for word in ("fails", "400", "16\u00a0×", "Linear(400"))
    seen = view.render(dict(view.values), answered=True)
    assert "is given 400 values (16 × 5 × 5): write Linear(400, 120)." in seen["sentence"]
    assert "(4x400 and 300x120)" in seen["sentence"]  # torch's own words
    assert [entry.name for entry in view.ledger if entry.impossible] == ["fc 1"]
    # With images of another side it may run.
    smaller = views.ShapeLedger(build([*LENET[:7], (nn.Linear, [256, 120]), *LENET[8:]]))
    assert smaller.values["side"] == 28 and "fc 1" in smaller.arithmetic()


def test_a_lenet_with_calls_is_a_chain():
    def forward(layers, x):
        return layers["fc"](torch.flatten(pooled(layers, x), 1))

    model = written(forward)
    view = views.XRay(model)
    names = [layer["name"] for layer in view.network["layers"]]
    assert names == ["conv 1", "ReLU 1", "pool 1", "conv 2", "ReLU 2", "pool 2", "fc 1"]
    x = view.digit
    padded = F.pad(x[None].float() / 255, [2] * 4) - 0.5
    with torch.no_grad():
        assert torch.allclose(view.probabilities(x), model(padded).softmax(1)[0], atol=1e-6)
    assert "conv 1 kernel" in views.ShapeLedger(model).values  # it can be edited
    with pytest.raises(ValueError, match=r"one after the other: conv 3 takes relu 1. Only a chain"):
        views.XRay(residual(shortcut=nn.Conv2d(6, 8, 1)).requires_grad_(False))


def endless(layers, x):
    while True:
        pass


def growing(layers, x):
    while True:
        with contextlib.suppress(Exception):
            x = x + 1


@pytest.mark.parametrize("steps", [endless, growing])
def test_a_forward_that_never_ends_is_stopped(steps, monkeypatch):
    monkeypatch.setattr(calls, "SECONDS", 0.5)
    view = views.ShapeLedger(Written(steps))
    assert "Written was stopped: after " in view.arithmetic() and "loop" in view.arithmetic()
    with pytest.raises(ValueError, match=r"Sequential was stopped: after 0.5 seconds"):
        views.XRay(nn.Sequential(nn.ReLU(), Written(steps, fc=nn.ReLU())))


class TwoInputs(nn.Module):
    def forward(self, one, other):
        return one.flatten(1) + other.flatten(1)


class Counting(models.LeNet):
    count = 0

    def forward(self, x):
        self.count += 1
        print("called", torch.rand(1))
        return super().forward(x).sum(0)


@pytest.mark.parametrize(
    ("model", "sentence"),
    [
        (lambda: TwoInputs(), "TwoInputs.forward takes 2 inputs: each was given the same"),
        (
            lambda: written(lambda layers, x: layers["conv1"](x) if x.sum() > 0 else x),
            "Written.forward looks at values (if): with other inputs it may call other layers.",
        ),
        (
            lambda: written(lambda layers, x: layers["conv1"](x).wiew(4)),
            "Written fails after conv 1, in the line `lambda: written(lambda layers, x: ",
        ),
        (
            lambda: written(lambda layers, x: layers["conv1"](x).mT @ torch.ones(7)),
            "is given",
        ),
        (lambda: Counting(), "Counting runs"),
        (lambda: nn.Sequential(nn.Conv2d(1, 2, 5), nn.LSTM(30, 4)), "LSTM 1, LSTM(30, 4), cannot"),
    ],
)
def test_what_can_be_shown_is(model, sentence, capsys):
    made, state = model(), torch.get_rng_state()
    view = views.ShapeLedger(made, shape=SHAPE)
    assert sentence in view.arithmetic() and view.picture()
    assert len(view.ledger) > 1 and torch.equal(torch.get_rng_state(), state)
    assert getattr(made, "count", 0) == 0 and capsys.readouterr().out == ""


def test_an_error_that_forward_catches():
    def forward(layers, x):
        with contextlib.suppress(RuntimeError):
            layers["spare"](x)
        return layers["fc"](torch.flatten(pooled(layers, x), 1))

    view = views.ShapeLedger(written(forward, spare=nn.Linear(3, 7)))
    assert view.ledger[1].problem == "It fails, and forward() goes on without it."
    assert view.ledger[-1].counts["work"].number == 4000 and "Written runs" in view.arithmetic()


def test_inputs_that_are_no_images():
    view = views.ShapeLedger(nn.Sequential(nn.Linear(7, 3), nn.ReLU(), nn.Linear(4, 2)), shape=(7,))
    assert "fc 2, Linear(4, 2), is given 3 values: write Linear(3, 2)." in view.arithmetic()
    assert "side" not in view.values
    for shape in ((), (0, 3), (1.5,)):
        with pytest.raises(ValueError, match="shape is that of one input"):
            views.ShapeLedger(models.LeNet(), shape=shape)


def test_on_a_page(page):
    from browser import put_on_stage

    broken = models.LeNet()
    broken.classifier[1] = nn.Linear(256, 120)
    put_on_stage(page, views.ShapeLedger(broken, shape=SHAPE), kernel=True)
    live, why = page.locator(".view-live"), page.locator(".panel-why")
    page.get_by_role("button", name="Flatten 1", exact=True).click()
    page.get_by_role("button", name="fails").click()
    assert "is given 400 values (16 × 5 × 5): write Linear(400, 120)" in why.inner_text()
    assert "(4x400 and 256x120)" in live.inner_text()
    page.locator(".view").focus()
    for _ in range(4):
        page.keyboard.press("ArrowRight")
    page.get_by_text("conv 2 takes 6 × 14 × 14, makes 16 × 10 × 10").wait_for()
    for _ in range(4):
        page.keyboard.press("[")  # images of 28 × 28, which fit
    page.get_by_role("button", name="30,840").wait_for()
    assert live.inner_text() == "LeNet runs: 12 calls, 44,426 parameters."
    page.keyboard.press("r")
    page.get_by_role("button", name="fails").wait_for()
    assert page.errors == [] and page.outside == []
