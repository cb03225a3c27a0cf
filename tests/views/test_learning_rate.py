"""The learning rate: in Python, and alone on a page with a kernel."""

import io
import json

import numpy as np
import pytest
import torch
from PIL import Image

from course_utils import views
from course_utils.views import drawing
from course_utils.views import learning_rate as lr

PARABOLA, BOWL = lr.LOSSES[lr.PARABOLA], lr.LOSSES[lr.BOWL]


def losses(loss, w, b=1.0):
    return (w - 3) ** 2 if loss == lr.PARABOLA else 0.1 * (w - 3) ** 2 + 2 * (b - 1) ** 2


def test_the_fate_of_each_rate():
    """The answer is found by descending, not by the factor that explains it."""
    paths = {rate: PARABOLA.descend(rate, 20)[:, 0] for rate in lr.RATES}
    far = {rate: np.abs(path - 3) for rate, path in paths.items()}
    sides = {rate: np.sign((path - 3).round(9)) for rate, path in paths.items()}
    by_fate = {
        "one step": [r for r in far if far[r][1] < 1e-9],
        "bounces": [r for r in far if set(paths[r].round(9)) == {0, 6}],
        "slow": [r for r in far if (np.diff(far[r]) < 0).all() and (sides[r] == -1).all()],
        "diverges": [r for r in far if (np.diff(far[r]) > 1e-9).all()],
        "oscillates": [r for r in far if (np.diff(far[r]) < 0).all() and 1 in sides[r]],
    }
    assert views.LearningRate().question["solution"] == [by_fate[name][0] for name in lr.FATES]
    assert views.LearningRate().question["solution"] == [0.5, 1.0, 0.1, 1.1, 0.9]
    assert all(len(rates) == 1 for rates in by_fate.values())


def miss(w, b):
    """Half the mean squared error of a line over points."""
    return np.mean((w * X + b - Y) ** 2) / 2


X, Y = np.array([1.0, 2, 4, 5]), np.array([9.0, 8, 21, 22])


@pytest.mark.parametrize(
    ("bowl", "loss"),
    [
        (PARABOLA, lambda w: losses(lr.PARABOLA, w)),
        (BOWL, lambda w, b: losses(lr.BOWL, w, b)),
        (lr.bowl_of_points(X, Y), miss),
    ],
)
def test_gradients_and_limits(bowl, loss):
    point, h = np.array([0.7, -0.3][: len(bowl.lowest)]), 1e-4
    measured = [
        (loss(*(point + step)) - loss(*(point - step))) / (2 * h) for step in h * np.eye(len(point))
    ]
    np.testing.assert_allclose(bowl.gradient(point), measured, atol=1e-8)
    assert bowl.height(*point) == pytest.approx(loss(*point) - loss(*bowl.lowest))
    start = bowl.gradient(bowl.descend(1, 0)[0])
    below = bowl.descend(0.98 * bowl.limit, 2000)[-1]
    above = bowl.descend(1.02 * bowl.limit, 500)[-1]
    assert np.abs(bowl.gradient(below)).max() < 1e-3
    assert np.abs(bowl.gradient(above)).max() > 1e6 * np.abs(start).max()


def test_points_of_ones_own():
    assert PARABOLA.limit == 1 and BOWL.limit == 0.5
    view = views.LearningRate(x=X.tolist(), y=torch.tensor(Y))
    bowl = lr.bowl_of_points(X, Y)
    assert (
        view.question["solution"] == drawing.format_number(bowl.limit) in view.question["choices"]
    )
    assert view.controls[0]["min"] <= view.values["rate"] < bowl.limit < view.controls[0]["max"]
    assert [control["name"] for control in view.controls] == ["rate", "steps"]
    np.testing.assert_allclose(bowl.lowest, np.polyfit(X, Y, 1))
    seen = view.render({**view.start, "steps": 1}, answered=True)
    assert seen["table"]["rows"][0][2]["why"] == (  # means: of x² 11.5, x 3, xy 54.75
        "gradient = 11.5 · (w − 3.9) + 3 · (b − 3.3) = 11.5 · (0 − 3.9) + 3 · (0 − 3.3) = −54.75; "
        "new w = w − η · gradient = 0 − 0.081 · (−54.75) = 4.43475"
    )
    assert drawing.format_number(bowl.limit) in view.arithmetic()


@pytest.mark.parametrize("x", [X, range(5), [0.2, 0.9], [10, 11, 13], [-1, 1]])
def test_the_rates_go_a_little_beyond_the_limit(x):
    view = views.LearningRate(x=x, y=[2 * at + 1 for at in x])
    limit = lr.bowl_of_points(x, [2 * at + 1 for at in x]).limit
    assert 1.1 < view.controls[0]["max"] / limit < 1.3
    assert 0.45 < view.values["rate"] / limit < 0.55
    assert len(set(view.question["choices"])) == 3


def test_a_round_bowl_has_no_trough():
    view = views.LearningRate(x=[-1, 1], y=[-1, 3])  # standardised: H is the unit matrix
    assert "whose curvature is 1 in every direction" in view.question["question"]
    assert view.question["choices"] == ["1", "2", "4"] and view.question["solution"] == "2"
    told = view.render({**view.start, "rate": 0.5, "steps": 1}, answered=True)["sentence"]
    assert told == (
        "η = 0.5, 1 step: w = 1, b = 0.5. Each step multiplies the distance to the lowest point "
        "by 1 − 1η = 0.5: arrives from one side. Limit: 2/λmax = 2/1 = 2."
    )


def test_what_the_lesson_says():
    assert BOWL.descend(0.5, 20)[-1, 1] == pytest.approx(0)  # 2, 0, 2, 0 …
    assert BOWL.descend(0.5, 19)[-1, 1] == pytest.approx(2)
    ends = {i: BOWL.descend(i / 20, 20)[-1] for i in range(1, 25)}
    assert min(ends, key=lambda i: np.hypot(*(ends[i] - BOWL.lowest))) == 9  # 0.45
    assert ends[9].round(3).tolist() == [2.545, 0.988] and ends[2].round(3)[0] == 0.997


def test_arithmetic():
    lines = views.LearningRate().arithmetic().splitlines()
    assert lines[0] == "η = 0.1: w = 0 0.6 1.08 1.464 1.771: slow"
    assert lines[3] == "η = 1.0: w = 0 6 0 6 0: bounces"
    assert lines[-1] == "L = 0.1 (w − 3)² + 2 (b − 1)²: η below 0.5"


def test_every_number_has_its_sum():
    seen = views.LearningRate().render(
        {"rate": 0.1, "steps": 2, "loss": lr.PARABOLA}, answered=True
    )
    second = seen["table"]["rows"][1]
    assert second[2]["why"] == "gradient = 2 · (w − 3) = 2 · (0.6 − 3) = −4.8"
    assert second[3]["why"] == "new w = w − η · gradient = 0.6 − 0.1 · (−4.8) = 1.08"
    seen = views.LearningRate().render({"rate": 0.45, "steps": 20, "loss": lr.BOWL}, answered=True)
    assert len(seen["table"]["rows"]) == lr.ROWS and "Limit: 2/λmax = 2/4 = 0.5" in seen["sentence"]
    assert "≈" in seen["table"]["rows"][-1][4]["why"]  # 20 steps have more than six digits
    none = views.LearningRate().render({"rate": 0.1, "steps": 0, "loss": lr.BOWL}, answered=True)
    assert "table" not in none


@pytest.mark.parametrize("given", [{"loss": lr.PARABOLA}, {"loss": lr.BOWL}, {"x": X, "y": Y}])
def test_the_question_hides_its_answer(given):
    view = views.LearningRate(**given)
    hidden = view.render(dict(view.start), answered=False)
    (points,) = [line for line in hidden["figure"].axes[0].lines if line.get_marker() == "s"]
    assert len(points.get_xdata()) == 1 and "table" not in hidden  # where it starts, no step
    told = json.dumps({**hidden, "figure": None}, ensure_ascii=False)
    assert "slow" not in told and "Limit" not in told


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ({"rate": 2}, "the learning rate is 2; rates from 0.05 to 1.2 can be shown"),
        ({"rate": "fast"}, "the learning rate is 'fast'; it has to be a number"),
        ({"steps": 1.5}, "the number of steps is 1.5; it has to be a whole number"),
        ({"steps": 21}, "21 steps are too many to show"),
        ({"loss": "L1"}, 'the loss is \'L1\'; it has to be "parabola" or "bowl"'),
        ({"x": X, "y": Y, "loss": "L1"}, "the loss is 'L1'"),
        ({"x": [1, 2], "y": [1, 2, 3]}, "one number for each point; got (2,) and (3,)"),
        ({"x": [1, 2]}, "one number for each point; got (2,) and ()"),
        ({"x": ["a"], "y": [1]}, "x and y have to hold numbers"),
        ({"x": [1, float("nan")], "y": [1, 2]}, "there is a NaN or an infinity"),
        ({"x": [2, 2], "y": [1, 2]}, "all points are at one x"),
        ({"x": [5, 5 + 1e-7], "y": [1, 2]}, "all points are at one x, or nearly"),
        ({"x": torch.ones(2, requires_grad=True), "y": [1, 2]}, "x and y have to hold numbers"),
        ({"x": [1, 2], "y": [0, 0]}, "the best line is y = 0"),
        ({"x": [], "y": []}, "there is no point"),
        ({"x": [900, 1800], "y": [1, 2]}, "x is as large as 1800, so only learning rates below"),
        ({"x": X, "y": Y, "rate": 0.5}, "the learning rate is 0.5; rates from 0.0081 to 0.1944"),
    ],
)
def test_what_cannot_be_shown_is_refused(arguments, sentence):
    with pytest.raises(ValueError) as caught:
        views.LearningRate(**arguments)
    assert sentence in str(caught.value)


def test_without_a_page():
    data, _ = views.LearningRate()._repr_mimebundle_()
    assert len(data["image/png"]) <= 40_000
    assert Image.open(io.BytesIO(data["image/png"])).size[0] <= 1000


def test_on_the_stage(page):
    from browser import put_on_stage

    view = views.LearningRate()
    put_on_stage(page, view, kernel=True)
    said = page.locator(".view-live")
    page.locator(".view-predict input").fill("0.5 1.0 0.1 1.1 0.9")
    page.keyboard.press("Enter")
    assert "✓ Right." in page.locator(".view-verdict").inner_text()
    said.filter(has_text="η = 0.1, 4 steps: w = 1.771").wait_for()
    page.keyboard.press("ArrowRight")
    said.filter(has_text="5 steps: w = 2.017").wait_for()
    page.keyboard.press("[")
    said.filter(has_text="η = 0.05").wait_for()
    page.locator(".panel-cell").nth(1).click()
    assert (
        page.locator(".panel-why").inner_text()
        == "new w = w − η · gradient = 0 − 0.05 · (−6) = 0.3"
    )
    page.locator("select").select_option("bowl")
    said.filter(has_text="Limit: 2/λmax = 2/4 = 0.5").wait_for()
    page.get_by_label("learning rate η").fill("0.45")
    said.filter(has_text="1 − 4η = −0.8").wait_for()
    page.locator(".view").focus()
    page.keyboard.press(" ")  # plays
    said.filter(has_text="7 steps").wait_for()
    page.keyboard.press(" ")
    page.keyboard.press("r")
    said.filter(has_text="η = 0.1, 4 steps: w = 1.771").wait_for()
    assert view.values == {"rate": 0.1, "steps": 4, "loss": "parabola"}
    assert page.errors == [] and page.outside == []
