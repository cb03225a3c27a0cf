"""Augmentation: in Python, and alone on a page with a kernel."""

import io
import json

import pytest
import torch
from PIL import Image
from torch import nn

from course_utils import images, models, views
from course_utils.sources import DATA
from course_utils.views import augmentation
from course_utils.views.augmentation import CHANGES, UNCHANGED, draws, sources, transformed


@pytest.fixture(scope="module")
def lenet():
    """The LeNet that ships, and how its images are scaled."""
    recipe = json.loads((DATA / "weights" / "lenet-mnist.json").read_text(encoding="utf-8"))
    model = models.LeNet()
    model.load_state_dict(torch.load(DATA / "weights" / "lenet-mnist.pt", weights_only=True))
    return model, recipe["inputs"]


@pytest.fixture(scope="module")
def boot():
    image, _ = images.sample_digit()
    return {"image": image, "label": 1, "classes": ["bag", "boot"]}


def test_the_question_has_one_answer(lenet):
    """Of the four changes one alone makes a network that reads digits read another."""
    view = views.Augmentation(*lenet)
    read = {
        name: view.read(transformed(view.image, {**UNCHANGED, **change})[None])[0][0]
        for name, change in CHANGES.items()
    }
    solution = augmentation.WHICH_IS_WRONG["solution"]
    assert read == {name: "9" if name == solution else "6" for name in CHANGES}
    assert view.read(view.image[None])[0][0] == "6" and view.label == 6


def test_what_the_lesson_says(lenet):
    view = views.Augmentation(*lenet)
    said = {
        (name, value): view.read(transformed(view.image, {**UNCHANGED, name: value})[None])[0]
        for name, values in [("turn", range(-180, 181, 10)), ("right", (4, 5)), ("mirror", [True])]
        for value in values
    }
    assert {said["turn", angle][0] for angle in range(-60, 51, 10)} == {"6"}
    assert {said["turn", angle][0] for angle in (*range(-180, -119, 10), *range(130, 181, 10))} == {
        "9"
    }
    assert said["turn", 180][1] == pytest.approx(0.98, abs=0.01)
    assert said["turn", 20][1] == pytest.approx(0.97, abs=0.01)
    assert (said["right", 4][0], said["right", 5][0], said["mirror", True][0]) == ("6", "1", "2")


def test_how_many_images_there_are():
    """The second question's answer, by making them all."""
    image, _ = images.sample_digit()
    most = range(-augmentation.MOST, augmentation.MOST + 1)
    made = {
        transformed(image, {**UNCHANGED, "mirror": mirror, "right": right, "down": down})
        .numpy()
        .tobytes()
        for mirror in (False, True)
        for right in most
        for down in most
    }
    assert augmentation.HOW_MANY["solution"] == [len(made)] == [98]


def test_transforms():
    image, _ = images.sample_digit()
    same = transformed(image, UNCHANGED)
    assert torch.equal(same, image)
    mirrored = transformed(image, {**UNCHANGED, "mirror": True})
    assert torch.equal(mirrored, image.flip(-1))
    moved = transformed(image, {**UNCHANGED, "right": 3, "down": -2})
    assert torch.equal(moved[:, :-2, 3:], image[:, 2:, :-3]) and not moved[:, -2:].any()
    half = transformed(image, {**UNCHANGED, "turn": 180})
    assert (half.int() - image.rot90(2, (1, 2)).int()).abs().max() <= 1
    small = transformed(image, {**UNCHANGED, "zoom": 60})
    assert 0.3 < small.sum() / image.sum() < 0.42  # 0.6² = 0.36 of the area


def test_draws_stay_in_their_range():
    values = {"turn": -40, "right": 3, "down": 0, "zoom": 90, "mirror": True, "again": 0}
    every = [drawn for again in range(50) for drawn in draws({**values, "again": again})]
    assert max(abs(d["turn"]) for d in every) <= 40 and {d["down"] for d in every} == {0}
    assert {d["right"] for d in every} == {-3, -2, -1, 0, 1, 2, 3}
    assert min(d["zoom"] for d in every) >= 90 and max(d["zoom"] for d in every) <= 110
    assert 100 < sum(d["mirror"] for d in every) < 200  # of 300
    assert not any(d["mirror"] for d in draws({**values, "mirror": False}))
    assert draws(values) == draws(values) != draws({**values, "again": 1})


def test_what_is_said(lenet):
    view = views.Augmentation(*lenet)
    told = view.render({**view.start, "turn": 180}, answered=True)
    assert told["sentence"].startswith("Turned by 180°: label 6, read as 9 (0.9")
    assert "six random draws: turn ±180°" in told["alt"]
    every = {"turn": -30, "right": -1, "down": 2, "zoom": 80, "mirror": True}
    assert views.Augmentation().render({**view.start, **every}, answered=True)["sentence"] == (
        "Mirrored, turned by −30°, shifted 1 left and 2 down, zoomed to 80%: label 6."
    )
    hidden = view.render(dict(view.start), answered=False)
    assert "read as" not in hidden["sentence"]
    assert not any("reads" in text.get_text() for text in hidden["figure"].axes[0].texts)


def test_a_pixel_is_the_sum_of_its_sources(lenet):
    """For whole turns and shifts of one pixel, otherwise of up to four; torch's own numbers."""
    view = views.Augmentation()
    for change in ({"turn": 20}, {"turn": 180}, {"zoom": 70, "mirror": True}, {"right": 3}):
        values = {**UNCHANGED, **change}
        changed = transformed(view.image, values)[0]
        for place in [(14, 14), (9, 12), (20, 8), (5, 5)]:
            parts = sources(view.image, values, place)
            total = sum(part * view.image[(0, *pixel)].item() for pixel, part in parts.items())
            assert abs(total - changed[place].item()) <= 0.51 and len(parts) <= 4
    assert sources(view.image, {**UNCHANGED, "right": 3}, (5, 10)) == {(5, 7): 1}
    assert sources(view.image, {**UNCHANGED, "right": 3}, (5, 2)) == {}

    def why(**values):
        return view.render({**view.start, "turn": 0, **values}, answered=True)["why"]

    assert why(right=3) == "changed[14, 14] = original[14, 11] = 222."
    assert "lies outside" in why(right=3, column=2)
    assert why(turn=20) == (
        "changed[14, 14] = 0.173 · 71 + 0.028 · 72 + 0.686 · 200 + 0.113 · 203 ≈ 174, "
        "of original[13, 14], [13, 15], [14, 14], [14, 15]."
    )
    assert "why" not in view.render(dict(view.start), answered=False)
    with torch.no_grad():
        assert why(column=13) == "changed[14, 13] = original[14, 13] = 192."
    for wrong in ({"row": 14.5}, {"column": 28}):
        with pytest.raises(ValueError):
            why(**wrong)


def test_arithmetic():
    lines = views.Augmentation().arithmetic().splitlines()
    assert lines[0] == "as it is: middle at row 15.8, column 13.3"
    assert lines[2] == "shift 3 pixels: middle at row 15.8, column 16.3"
    assert lines[3] == "turn 180°: middle at row 11.2, column 13.7"  # 27 less what it was


def test_the_model_is_left_alone(lenet):
    model = nn.Sequential(nn.Flatten(), nn.Dropout(), nn.Linear(784, 10)).train()
    state = torch.random.get_rng_state()
    view = views.Augmentation(model, {"pad": 0})
    assert view.read(view.image[None]) == view.read(view.image[None])  # no dropout
    assert model.training and torch.equal(torch.random.get_rng_state(), state)


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ({"image": torch.zeros(28, 28)}, "image must be a uint8 tensor of shape (1, 28, 28)"),
        ({"image": [[0]]}, "image must be a uint8 tensor of shape (1, 28, 28)"),
        ({"label": 2}, "the label is 2; it has to be a whole number from 0 to 1"),
        ({"label": None}, "the label is None"),
        ({"model": models.LeNet()}, "2 classes need an answer of shape (N, 2); the network gives"),
        ({"model": nn.Linear(3, 2)}, "Linear does not take images of (1, 32, 32)"),
        ({"model": models.LeNet(), "inputs": {"std": 0}}, "std has to be a finite number above 0"),
    ],
)
def test_what_does_not_fit_is_refused(arguments, sentence, boot):
    with pytest.raises(ValueError) as caught:
        views.Augmentation(**(boot | arguments))
    assert sentence in str(caught.value)


def test_without_a_page(boot):
    for view in (views.Augmentation(), views.Augmentation(**boot)):
        data, _ = view._repr_mimebundle_()
        assert len(data["image/png"]) <= 40_000
        assert Image.open(io.BytesIO(data["image/png"])).size[0] <= 1000


def test_on_the_stage(page, lenet):
    from browser import put_on_stage

    view = views.Augmentation(*lenet)
    put_on_stage(page, view, kernel=True)
    said = page.locator(".view-live")
    page.get_by_role("button", name="turn 180°").click()
    assert "✓ Right. Upside down" in page.locator(".view-verdict").inner_text()
    said.filter(has_text="Turned by 20°: label 6, read as 6").wait_for()
    page.keyboard.press("]")
    said.filter(has_text="Turned by 30°").wait_for()
    page.get_by_label("turn (°)").fill("180")
    said.filter(has_text="Turned by 180°: label 6, read as 9").wait_for()
    page.get_by_label("mirror").check()
    said.filter(has_text="Mirrored, turned by 180°").wait_for()
    before = page.locator(".panel-figure").get_attribute("src")
    page.get_by_role("button", name="six new draws").click()
    page.wait_for_function(
        "(src) => document.querySelector('.panel-figure').src !== src", arg=before
    )
    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowDown")
    said.filter(has_text="shifted 1 right and 1 down").wait_for()
    page.keyboard.press("r")
    said.filter(has_text="Turned by 20°: label 6, read as 6").wait_for()
    assert page.errors == [] and page.outside == []


def test_a_pixel_is_chosen_on_the_stage(page, lenet):
    """By a click in the figure, and by its row and column."""
    from browser import put_on_stage, skip

    view = views.Augmentation(*lenet)
    put_on_stage(page, view, kernel=True)
    skip(page)
    said = page.locator(".view-live")
    figure = page.locator(".panel-figure").bounding_box()
    inch = figure["width"] / augmentation.WIDTH
    pixel = augmentation.LARGE / 28
    x = augmentation.LEFT + augmentation.APART + 7.5 * pixel  # the middle of column 7
    y = augmentation.HEIGHT - augmentation.TOP + 9.5 * pixel
    page.mouse.click(figure["x"] + x * inch, figure["y"] + y * inch)
    page.locator(".panel-why", has_text="changed[9, 7] = ").wait_for()
    page.get_by_label("column").fill("30")
    page.keyboard.press("Tab")
    said.filter(has_text="column goes from 0 to 27").wait_for()
    page.get_by_label("column").fill("8.5")
    page.keyboard.press("Tab")
    said.filter(has_text="column goes from 0 to 27, in whole numbers").wait_for()
    page.get_by_label("column").fill("8")
    page.keyboard.press("Tab")
    page.locator(".panel-why", has_text="changed[9, 8] = ").wait_for()
    page.mouse.click(figure["x"] + 2, figure["y"] + 2)  # beside the image
    page.wait_for_function("window.model.get('response').turn === window.model.get('request').turn")
    assert (view.values["row"], view.values["column"]) == (9, 8)
    assert page.errors == [] and page.outside == []
