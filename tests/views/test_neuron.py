"""The neuron: in Python, and alone on a page with a kernel."""

import io
import json
from itertools import product

import numpy as np
import pytest
from PIL import Image

from course_utils import views
from course_utils.views import neuron

START = {**neuron.AND, "activation": "step"}


def gate_after(change):
    return neuron.gate({**START, **change})


def test_the_question_has_one_answer():
    """Of the four changes one alone makes OR: computed, not only written."""
    makes_or = [name for name, change in neuron.CHANGES.items() if gate_after(change) == "OR"]
    assert makes_or == [neuron.WHICH_CHANGE["solution"]]
    assert neuron.WHICH_CHANGE["choices"] == list(neuron.CHANGES)
    assert neuron.gate(START) == "AND" and gate_after({"w_1": 0.0, "w_2": 0.0}) == "none"
    assert gate_after({"w_1": -1.0, "w_2": -1.0, "b": 1.5}) == "NAND"
    assert gate_after({"w_1": -1.0, "w_2": -1.0, "b": 0.5}) == "NOR"


def test_arithmetic():
    assert views.Neuron().arithmetic().splitlines() == [
        "y = step(1·x₁ + 1·x₂ − 1.5)",
        "x = (0, 0): total −1.5, output 0",
        "x = (0, 1): total −0.5, output 0",
        "x = (1, 0): total −0.5, output 0",
        "x = (1, 1): total 0.5, output 1",
        "gate: AND",
    ]


@pytest.mark.parametrize("activation", neuron.ACTIVATIONS)
def test_numbers_are_those_of_lesson_01(activation):
    values = {"w_1": 2.0, "w_2": -0.5, "b": 0.25, "activation": activation}
    for x in neuron.INPUTS:
        z = 2 * x[0] - 0.5 * x[1] + 0.25
        wanted = {
            "step": float(z >= 0),
            "sigmoid": 1 / (1 + np.exp(-z)),
            "tanh": (np.exp(z) - np.exp(-z)) / (np.exp(z) + np.exp(-z)),
            "ReLU": max(z, 0),
        }[activation]
        assert neuron.total(values, x) == z
        assert neuron.output(values, x) == pytest.approx(wanted, abs=1e-12)


def test_every_number_has_its_sum():
    values = {"w_1": 2.0, "w_2": -0.5, "b": -1.0, "activation": "step"}
    rows = views.Neuron().render(values, answered=True)["table"]["rows"]
    assert rows[1][2] == {
        "text": "−1.5",
        "why": "total = w₁x₁ + w₂x₂ + b = 2 · 0 − 0.5 · 1 − 1 = −1.5",
    }
    assert rows[1][3]["why"] == "output = step(−1.5) = 0, as −1.5 is below 0"
    rows = views.Neuron().render({**values, "activation": "sigmoid"}, answered=True)["table"][
        "rows"
    ]
    assert rows[3][3]["why"] == "output = 1 / (1 + e^(−0.5)) ≈ 0.6225"


def test_what_the_lesson_says():
    soft = {**START, "b": -0.5, "activation": "sigmoid"}
    assert [round(neuron.output(soft, x), 2) for x in neuron.INPUTS] == [0.38, 0.62, 0.62, 0.82]
    assert {neuron.gate({**START, "b": b / 4}) for b in range(-8, -4)} == {"AND"}  # −2 to −1.25
    assert {neuron.gate({**START, "b": b / 4}) for b in range(-4, 0)} == {"OR"}  # −1 to −0.25


def test_no_weights_no_boundary():
    for activation in neuron.ACTIVATIONS:
        values = {"w_1": 0.0, "w_2": 0.0, "b": -0.5, "activation": activation}
        seen = views.Neuron().render(values, answered=True)
        assert "No boundary: the total is −0.5 everywhere." in seen["alt"]
    outside = {**START, "b": -4.0}
    assert "lies outside" in views.Neuron().render(outside, answered=True)["alt"]


def test_every_boundary_can_be_drawn():
    view = views.Neuron()
    for w_1, w_2, b in product((-3.0, 0.0, 0.25), (-3.0, 0.0, 2.0), (-4.0, 0.0, 0.5)):
        view.render({"w_1": w_1, "w_2": w_2, "b": b, "activation": "step"}, answered=True)


def test_a_neuron_of_ones_own_is_a_question_of_its_own():
    view = views.Neuron((-1, -1), 0.5)  # exercise 2 of lesson 01, with its threshold −0.5
    assert view.question["solution"] == "NOR"
    hidden = view.render(dict(view.start), answered=False)
    told = json.dumps({**hidden, "figure": None}, ensure_ascii=False)
    assert "NOR" not in told and [row[3] for row in hidden["table"]["rows"]] == ["?"] * 4
    assert "this is NOR" in view.render(dict(view.start), answered=True)["sentence"]


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ({"w": (1, 2, 3)}, "w has to be two numbers and b one"),
        ({"w": "ab"}, "w has to be two numbers"),
        ({"w": (float("nan"), 1)}, "weights from −3 to 3"),
        ({"b": 5}, "a bias from −4 to 4"),
        ({"activation": "softmax"}, "the activation is 'softmax'; it has to be one of step, sig"),
    ],
)
def test_what_cannot_be_shown_is_refused(arguments, sentence):
    with pytest.raises(ValueError) as caught:
        views.Neuron(**arguments)
    assert sentence in str(caught.value)


def test_without_a_page():
    data, _ = views.Neuron()._repr_mimebundle_()
    assert len(data["image/png"]) <= 40_000
    assert Image.open(io.BytesIO(data["image/png"])).size[0] <= 1000


def test_on_the_stage(page):
    from browser import put_on_stage

    view = views.Neuron()
    put_on_stage(page, view, kernel=True)
    said = page.locator(".view-live")
    page.get_by_role("button", name="w₁ = 2").click()
    assert "✗ You said w₁ = 2. It is b = −0.5." in page.locator(".view-verdict").inner_text()
    for total in ("−1.25", "−1", "−0.75", "−0.5"):
        page.keyboard.press("]")
        page.locator("td", has_text=total).first.wait_for()
    said.filter(has_text="this is OR").wait_for()
    page.locator(".panel-cell").nth(2).click()
    assert (
        page.locator(".panel-why").inner_text()
        == "total = w₁x₁ + w₂x₂ + b = 1 · 0 + 1 · 1 − 0.5 = 0.5"
    )
    page.locator("select").select_option("sigmoid")
    said.filter(has_text="y = sigmoid(1·x₁ + 1·x₂ − 0.5)").wait_for()
    assert page.locator(".panel-why").is_hidden()  # the sum was for the step
    page.get_by_label("w₂").focus()
    page.keyboard.press("ArrowLeft")
    said.filter(has_text="0.75·x₂").wait_for()
    page.locator(".view").focus()
    page.keyboard.press("ArrowRight")
    said.filter(has_text="1.25·x₁").wait_for()
    assert view.values == {"w_1": 1.25, "w_2": 0.75, "b": -0.5, "activation": "sigmoid"}
    page.keyboard.press("r")
    said.filter(has_text="y = step(1·x₁ + 1·x₂ − 1.5): this is AND").wait_for()
    assert page.errors == [] and page.outside == []
