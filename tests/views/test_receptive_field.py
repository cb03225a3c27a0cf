"""The receptive field: formula against gradient, its errors, and alone on a page."""

import pytest
import torch
from torch import nn

from course_utils import models, views
from course_utils.views.receptive_field import IMAGES, fields, measured, reach

SMOOTH = nn.Sequential(
    nn.Conv2d(1, 4, 5),
    nn.AvgPool2d(2),
    nn.Conv2d(4, 4, 3, padding=1),
    nn.AvgPool2d(3, 2, 1),
    nn.Conv2d(4, 4, 3, stride=2),
    nn.Flatten(),
    nn.Linear(36, 10),
)


def torchs(network, field, place, images):
    """What `measured` gives, by one backward pass through all of the network."""
    x = images.clone().requires_grad_(True)
    y = nn.Sequential(*(layer.module for layer in network.layers[: field.depth]))(x)
    unit = y[:, place[0], place[1], place[2]] if y.ndim == 4 else y[:, place[0]]
    return torch.autograd.grad(unit.sum(), x)[0].abs().sum(dim=1).mean(dim=0)


def test_lenets_fields():
    """The numbers of lesson 14, and of the sentences beside the view."""
    view = views.ReceptiveField()
    found = [(field.name, field.side, field.jump) for field in view.fields.values()]
    sides = [("conv 1", 5, 1), ("pool 1", 6, 2), ("conv 2", 14, 2), ("pool 2", 16, 4)]
    assert found == [*sides, ("fc 1", 32, 4)]
    assert view.question["choices"] == [5, 6, 14, 16, 32] and view.question["solution"] == 14
    assert "conv 2: kernel 5, stride 1, jump 2, field 14 × 14, by gradient 14 × 14" in (
        view.arithmetic()
    )
    for field in view.fields.values():  # every pixel is reached, and no other
        at = field.places // 2
        assert reach(view.gradient(field.name, (0, at, at))) == (
            field.side,
            field.side,
            field.side**2,
        )


@pytest.mark.parametrize("model", [models.LeNet(), models.CNN(), SMOOTH])
def test_nothing_lies_outside_the_square(model):
    view = views.ReceptiveField(model)
    images = torch.randn(8, *view.network.shape)
    values = view.network.values(images)
    for field in fields(view.network):
        for row in {0, field.places // 2, field.places - 1}:
            place = (1, row, 0)
            gradient = measured(view.network, field, place, values)
            whole = torchs(view.network, field, place, images)
            torch.testing.assert_close(gradient, whole, rtol=1e-4, atol=1e-7)
            box = view.visible(field, place)
            outside = gradient.clone()
            outside[box.top : box.bottom, box.left : box.right] = 0
            assert not outside.any()
            if model is SMOOTH:  # without max pooling and ReLU the corners are reached as well
                assert gradient[[box.top, box.bottom - 1]][:, [box.left, box.right - 1]].all()


def test_padding_is_counted_apart():
    view = views.ReceptiveField(nn.Sequential(nn.Conv2d(1, 2, 5, padding=2)), shape=(1, 28, 28))
    seen = view.render({"layer": "conv 1", "map": 0, "row": 0, "column": 0}, answered=True)
    assert "5 × 5 pixels, 16 of them padding" in seen["sentence"]
    assert "reaches 3 × 3, 9 of 9 pixels" in seen["sentence"]


def test_a_unit_that_is_off_says_so():
    model = nn.Sequential(nn.Conv2d(1, 2, 5), nn.ReLU(), nn.MaxPool2d(2))
    nn.init.constant_(model[0].bias, -100)
    view = views.ReceptiveField(model)
    seen = view.render({"layer": "pool 1", "map": 0, "row": 7, "column": 7}, answered=True)
    assert f"in all {IMAGES} random images its gradient is 0" in seen["sentence"]


def test_the_open_question_hides_the_answer():
    view = views.ReceptiveField()
    shown = view.render(dict(view.values), answered=False)
    assert "14" not in str(shown["table"]) + shown["sentence"] + shown["alt"]
    assert "6 + (5 − 1) · 2 = 14" in str(view.render(dict(view.values), answered=True)["table"])
    assert len(view.picture()) + len(view.arithmetic()) < 40_000


def test_a_click_finds_the_nearest_unit():
    view = views.ReceptiveField()
    values = {**view.values, "layer": "pool 1"}  # its units lie two pixels apart, from 3 on
    assert view.pick(values, 3.0, 3.0) == {"row": 0, "column": 0}
    assert view.pick(values, 8.9, 3.9) == {"row": 0, "column": 3}
    assert view.pick(values, 31.5, 0.2) == {"row": 0, "column": 13}
    assert view.pick(values, 33.0, 5.0) == {}  # beside the image


def test_random_numbers_of_others_stay():
    torch.manual_seed(3)
    expected = torch.rand(1)
    torch.manual_seed(3)
    views.ReceptiveField().arithmetic()
    assert torch.equal(torch.rand(1), expected)


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ({"model": models.MLP(784, 10)}, "no convolution or pooling"),
        ({"model": nn.Sequential(nn.Conv2d(1, 2, 3), nn.LSTM(3, 4))}, "the layer LSTM (1)"),
        ({"image": torch.zeros(1, 40, 40, dtype=torch.uint8)}, "does not fit into (1, 32, 32)"),
        ({"image": torch.zeros(28, 28)}, "the image has to be uint8 of shape (C, H, W)"),
        ({"shape": (1, 32)}, "shape is (C, H, W) of a square image"),
    ],
)
def test_what_cannot_be_shown_is_refused(arguments, sentence):
    with pytest.raises(ValueError) as caught:
        views.ReceptiveField(**arguments)
    assert sentence in str(caught.value)
    view = views.ReceptiveField()
    with pytest.raises(ValueError, match="conv 2 has no row 10; they go from 0 to 9"):
        view.render({"layer": "conv 2", "map": 0, "row": 10, "column": 0}, answered=True)


def test_on_a_page(page):
    from browser import put_on_stage, wait_for_live

    view = views.ReceptiveField()
    put_on_stage(page, view, kernel=True)

    page.keyboard.press("]")
    page.locator(".panel-figure").click()
    assert view.values == view.start  # not before the prediction
    wait_for_live(page, "First your prediction, or skip.")
    page.get_by_role("button", name="16", exact=True).click()
    assert "You said 16. It is 14." in page.locator(".view-verdict").inner_text()
    wait_for_live(page, "the gradient reaches 14 × 14, 196 of 196 pixels")
    before = page.locator(".panel-figure").get_attribute("src")
    page.keyboard.press("ArrowRight")
    wait_for_live(page, "conv 2, map 0, row 5, column 6")
    page.keyboard.press("ArrowUp")
    wait_for_live(page, "conv 2, map 0, row 4, column 6")
    assert page.locator(".panel-figure").get_attribute("src") != before
    page.keyboard.press("]")  # the unit in the middle
    wait_for_live(page, "pool 2, map 0, row 2, column 2: by formula 16 × 16")
    assert page.get_by_label("column", exact=True).get_attribute("max") == "4"
    for _ in range(4):
        page.keyboard.press("ArrowRight")
    wait_for_live(page, "column 4")
    assert view.values["column"] == 4
    assert page.errors == [] and page.outside == []


def test_a_layer_and_a_unit_are_chosen_on_a_page(page):
    """By the table, by the list, and by a click in the figure."""
    from browser import put_on_stage, skip, wait_for_live

    view = views.ReceptiveField()
    put_on_stage(page, view, kernel=True)
    skip(page)
    page.get_by_role("button", name="pool 1", exact=True).click()
    wait_for_live(page, "pool 1, map 0, row 7, column 7: by formula 6 × 6")
    page.get_by_role("button", name="6", exact=True).last.click()
    page.locator(".panel-why", has_text="field: 5 + (2 − 1) · 1 = 6 pixels").wait_for()
    page.get_by_label("layer").select_option("fc 1")
    wait_for_live(page, "fc 1, map 0, row 0, column 0: by formula 32 × 32")
    page.locator(".view").focus()
    page.keyboard.press("r")
    wait_for_live(page, "conv 2, map 0, row 5, column 5")
    field = view.fields["conv 2"]
    x, y = view.last_figure.axes[0].transData.transform(
        (field.middle(8) + 0.9, field.middle(2) - 0.9)
    )
    figure, (width, height) = (
        page.locator(".panel-figure").bounding_box(),
        view.last_figure.bbox.size,
    )
    scale = figure["width"] / width
    page.mouse.click(figure["x"] + scale * x, figure["y"] + scale * (height - y))
    wait_for_live(page, "conv 2, map 0, row 2, column 8")
    assert page.errors == [] and page.outside == []
