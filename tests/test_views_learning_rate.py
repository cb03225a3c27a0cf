"""The learning rate: in Python, and alone on a page with a kernel."""

import io
import json

import numpy as np
import pytest
from PIL import Image

from course_utils import views
from course_utils.views import learning_rate as lr


def losses(loss, w, b=1.0):
    return (w - 3) ** 2 if loss == lr.PARABOLA else 0.1 * (w - 3) ** 2 + 2 * (b - 1) ** 2


def test_the_fate_of_each_rate():
    """The answer is found by descending, not by the factor that explains it."""
    paths = {rate: lr.descend(lr.PARABOLA, rate, 20)[:, 0] for rate in lr.RATES}
    far = {rate: np.abs(path - 3) for rate, path in paths.items()}
    sides = {rate: np.sign((path - 3).round(9)) for rate, path in paths.items()}
    by_fate = {
        "one step": [r for r in far if far[r][1] < 1e-9],
        "bounces": [r for r in far if set(paths[r].round(9)) == {0, 6}],
        "slow": [r for r in far if (np.diff(far[r]) < 0).all() and (sides[r] == -1).all()],
        "diverges": [r for r in far if (np.diff(far[r]) > 1e-9).all()],
        "oscillates": [r for r in far if (np.diff(far[r]) < 0).all() and 1 in sides[r]],
    }
    assert lr.question(lr.PARABOLA)["solution"] == [by_fate[name][0] for name in lr.FATES]
    assert lr.question(lr.PARABOLA)["solution"] == [0.5, 1.0, 0.1, 1.1, 0.9]
    assert all(len(rates) == 1 for rates in by_fate.values())


@pytest.mark.parametrize("loss", [lr.PARABOLA, lr.BOWL])
def test_gradients_and_limits(loss):
    point, h = np.array([0.7, -0.3][: len(lr.LOWEST[loss])]), 1e-4
    measured = [
        (losses(loss, *(point + step)) - losses(loss, *(point - step))) / (2 * h)
        for step in h * np.eye(len(point))
    ]
    np.testing.assert_allclose(lr.gradient(loss, point), measured, atol=1e-8)
    start = lr.gradient(loss, lr.descend(loss, 1, 0)[0])
    below = lr.descend(loss, 0.98 * lr.limit(loss), 500)[-1]
    above = lr.descend(loss, 1.02 * lr.limit(loss), 500)[-1]
    assert np.abs(lr.gradient(loss, below)).max() < 1e-3
    assert np.abs(lr.gradient(loss, above)).max() > 1e6 * np.abs(start).max()
    assert lr.limit(lr.PARABOLA) == 1 and lr.limit(lr.BOWL) == 0.5


def test_what_the_lesson_says():
    assert lr.descend(lr.BOWL, 0.5, 20)[-1, 1] == pytest.approx(0)  # 2, 0, 2, 0 …
    assert lr.descend(lr.BOWL, 0.5, 19)[-1, 1] == pytest.approx(2)
    ends = {i: lr.descend(lr.BOWL, i / 20, 20)[-1] for i in range(1, 25)}
    assert min(ends, key=lambda i: np.hypot(*(ends[i] - lr.LOWEST[lr.BOWL]))) == 9  # 0.45
    assert ends[9].round(3).tolist() == [2.545, 0.988] and ends[2].round(3)[0] == 0.997


def test_arithmetic():
    lines = views.LearningRate().arithmetic().splitlines()
    assert lines[0] == "η = 0.1: w = 0 0.6 1.08 1.464 1.771: slow"
    assert lines[3] == "η = 1.0: w = 0 6 0 6 0: bounces"
    assert lines[-1] == "L = 0.1 (w − 3)² + 2 (b − 1)²: η below 0.5"


def test_every_number_has_its_sum():
    seen = views.LearningRate().look({"rate": 0.1, "steps": 2, "loss": lr.PARABOLA}, answered=True)
    second = seen["table"]["rows"][1]
    assert second[2]["why"] == "gradient = 2 · (w − 3) = 2 · (0.6 − 3) = −4.8"
    assert second[3]["why"] == "new w = w − η · gradient = 0.6 − 0.1 · (−4.8) = 1.08"
    seen = views.LearningRate().look({"rate": 0.45, "steps": 20, "loss": lr.BOWL}, answered=True)
    assert len(seen["table"]["rows"]) == lr.ROWS and "Limit: 2/λmax = 2/4 = 0.5" in seen["sentence"]
    assert "≈" in seen["table"]["rows"][-1][4]["why"]  # 20 steps have more than six digits
    none = views.LearningRate().look({"rate": 0.1, "steps": 0, "loss": lr.BOWL}, answered=True)
    assert "table" not in none


@pytest.mark.parametrize("loss", [lr.PARABOLA, lr.BOWL])
def test_the_question_hides_its_answer(loss):
    view = views.LearningRate(loss=loss)
    hidden = view.look(dict(view.start), answered=False)
    (points,) = [line for line in hidden["figure"].axes[0].lines if line.get_marker() == "s"]
    assert len(points.get_xdata()) == 1 and "table" not in hidden  # where it starts, no step
    told = json.dumps({**hidden, "figure": None}, ensure_ascii=False)
    assert "slow" not in told and "Limit" not in told


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ({"rate": 2}, "the learning rate is 2; rates from 0.05 to 1.2 can be shown"),
        ({"rate": "fast"}, "the learning rate is fast; it has to be a number"),
        ({"steps": 1.5}, "the number of steps is 1.5; it has to be a whole number"),
        ({"steps": 21}, "21 steps are too many to show"),
        ({"loss": "L1"}, 'the loss is \'L1\'; it has to be "parabola" or "bowl"'),
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
    assert said.inner_text() == "new w = w − η · gradient = 0 − 0.05 · (−6) = 0.3"
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
