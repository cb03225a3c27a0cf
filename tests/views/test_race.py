"""The activation race: its record is what the recipe gives, and what is said of it is true."""

import json

import pytest
import torch

from course_utils import views
from course_utils.records.race import ACTIVATIONS, RECIPE, gradients, load, network, run
from course_utils.views.race import SHOWN, ends, order


def test_the_record_is_of_this_recipe():
    record = load()
    assert record["recipe"] == json.loads(json.dumps(vars(RECIPE)))
    assert record["made"]["command"] == "python -m course_utils.records activation-race"
    steps = RECIPE.epochs * RECIPE.first // RECIPE.size // RECIPE.every
    for depth, hidden in RECIPE.depths.items():
        assert list(record["races"][depth]) == list(ACTIVATIONS)
        for race in record["races"][depth].values():
            assert [rate for rate, _ in race["tried"]] == list(RECIPE.rates)
            tried = dict(map(tuple, race["tried"]))
            assert tried[race["rate"]] == max(tried.values()) == race["runs"][0]["validation"]
            assert len(race["runs"]) == len(RECIPE.seeds)
            for each in race["runs"]:
                assert len(each["loss"]) == steps and len(each["gradients"]) == hidden
                assert len(each["test_accuracy"]) == RECIPE.epochs


@pytest.mark.parametrize("activation", ACTIVATIONS)
@pytest.mark.slow
def test_the_record_is_what_its_recipe_gives(activation, request):
    """The deep network's first epoch, run again, lies in the record's range over its seeds."""
    if not request.config.real_images:
        pytest.skip("needs MNIST, which is not at hand")
    race = load()["races"]["deep"][activation]
    again = run(RECIPE, activation, "deep", race["rate"], RECIPE.seeds[0], epochs=1)
    assert again["gradients"] == pytest.approx(race["runs"][0]["gradients"], rel=0.01)
    recorded = [each["test_accuracy"][0] for each in race["runs"]]
    # Another processor rounds otherwise, which is as another seed.
    margin = max(0.01, max(recorded) - min(recorded))
    assert min(recorded) - margin < again["test_accuracy"][0] < max(recorded) + margin


def test_gradients_are_those_of_the_layers():
    torch.manual_seed(0)
    model = network("tanh", 2, 8)
    x, y = torch.randn(1, 1, 28, 28), torch.tensor([3])
    first, second = gradients(model, x, y)
    torch.nn.functional.cross_entropy(model(x), y).backward()
    assert model[3].bias.grad.norm().item() == pytest.approx(second, rel=1e-5)
    assert model[1].bias.grad.norm().item() == pytest.approx(first, rel=1e-5)


def test_bands_that_overlap_are_equal():
    assert order({"a": [3, 4], "b": [1, 2]}) == [["b"], ["a"]]
    assert order({"a": [1.9, 4], "b": [1, 2]}) == [["b", "a"]]
    assert order({"a": [1], "b": [1], "c": [2]}) == [["a", "b"], ["c"]]


def test_what_the_lesson_says_of_it():
    """Which are equal, which is last, and by how much the gradient shrinks."""
    races = load()["races"]
    assert order(ends(races["deep"], "test error")) == [["tanh", "ReLU"], ["sigmoid"]]
    assert len(order(ends(races["shallow"], "test error"))) == 1
    assert all(0.88 < error < 0.89 for error in ends(races["deep"], "test error")["sigmoid"])
    for name in ("tanh", "ReLU"):
        assert all(0.04 < error < 0.06 for error in ends(races["deep"], "test error")[name])
    assert all(0.035 < e < 0.05 for v in ends(races["shallow"], "test error").values() for e in v)
    tried = races["deep"]["sigmoid"]["tried"]
    assert len(tried) == 6 and {accuracy for _, accuracy in tried} == {0.106}
    arrives = ends(races["deep"], "gradient per layer")
    assert all(1 / 2000 < part < 1 / 1400 for part in arrives["sigmoid"])
    assert min(arrives["tanh"]) > 0.25 and min(arrives["ReLU"]) > 0.8
    assert views.ActivationRace().question["solution"] == "sigmoid"


def test_the_open_question_hides_the_answer():
    view = views.ActivationRace()
    deep = list(view._depths)[-1]
    shown = view.render({"depth": deep, "shown": SHOWN[0]}, answered=False)
    assert "2.30" not in str(shown["table"])
    assert "2.30" in str(view.render({"depth": deep, "shown": SHOWN[0]}, answered=True)["table"])
    assert len(view.picture()) + len(view.arithmetic()) < 40_000
    with pytest.raises(ValueError, match="there is no 'wide'"):
        view.render({"depth": "wide", "shown": SHOWN[0]}, answered=True)


def test_on_a_page(page):
    from browser import put_on_stage, wait_for_live

    view = views.ActivationRace()
    put_on_stage(page, view, kernel=True)

    wait_for_live(page, "shallow (1 hidden)")
    page.get_by_role("button", name="all equal").click()
    assert "You said all equal. It is sigmoid." in page.locator(".view-verdict").inner_text()
    wait_for_live(
        page, "deep (6 hidden): training loss at the end: first tanh and ReLU, then sigmoid."
    )
    page.keyboard.press("]")
    wait_for_live(page, "test error at the end")
    page.keyboard.press("]")
    wait_for_live(page, "gets 1/1,700 of its last's")
    page.keyboard.press("ArrowLeft")
    wait_for_live(page, "there is one hidden layer only")
    page.get_by_label("shown").select_option("test error")
    wait_for_live(page, "the bands of ReLU, sigmoid and tanh overlap, so they are equal")
    page.get_by_role("button", name="0.3", exact=True).click()
    why = "of 5,000 held-out images it read, by rate, 0.01: 92.5%"
    page.locator(".panel-why", has_text=why).wait_for()
    page.locator(".view").focus()
    page.keyboard.press(" ")  # plays: from shallow to deep
    wait_for_live(page, "deep (6 hidden): test error")
    page.keyboard.press("r")
    wait_for_live(page, "shallow (1 hidden): training loss")
    assert page.errors == [] and page.outside == []
