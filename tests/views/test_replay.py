"""The replay of a training: what is recorded, and what the page makes of it."""

import io

import pytest
import torch
from PIL import Image
from torch import nn

from course_utils import images, models, training, views
from course_utils.views import replay

TRAIN, TEST = images.load_images("digits")
UNPADDED = {"pad": 0, "mean": 0.0}


def trained(model, view=None, epochs=4, **options):
    """The weights of a model after a training, recorded if there is a view."""
    optimizer = torch.optim.Adam(model.parameters(), lr=0.003)
    if view:
        optimizer.register_step_post_hook(view.record)
    training.fit(model, TRAIN[:800], epochs=epochs, optimizer=optimizer, size=50, **options)
    return nn.utils.parameters_to_vector(model.parameters())


def mlp():
    training.set_seed(0)
    return models.MLP(784, 32, 10)


@pytest.fixture(scope="module")
def recorded():
    """A replay of 64 steps."""
    model = mlp()
    view = views.Replay(model, TEST, **UNPADDED)
    trained(model, view, **UNPADDED)
    view.finish()
    return view


def test_recording_changes_no_weight():
    training.set_seed(0)
    model = models.LeNet()
    model.classifier[-2].eval()  # a part in another mode than the whole stays there
    view = views.Replay(model, TEST)
    assert [module.training for module in model.modules()].count(False) == 1
    recorded = trained(model, view, epochs=1)
    training.set_seed(0)
    assert torch.equal(recorded, trained(models.LeNet(), epochs=1))
    assert [frame.step for frame in view.frames] == [0, 1, 2, 4, 8, 16]
    assert len(view.frames[0].filters) == 4 + 150


def test_frames_are_thinned_out_without_knowing_the_end():
    model = nn.Sequential(nn.Flatten(), nn.Linear(784, 10))
    view = views.Replay(model, TEST[:2], **UNPADDED)
    optimizer = torch.optim.SGD(model.parameters())
    optimizer.register_step_post_hook(view.record)
    other = torch.optim.SGD(nn.Linear(1, 1).parameters())
    other.register_step_post_hook(view.record)
    for _ in range(1003):
        optimizer.step()
        other.step()  # another model's: not counted
    view.finish()
    steps = [frame.step for frame in view.frames]
    assert steps == [0, 1, 2, 4, 8, *range(32, 1003, 32), 1003]
    assert view.curve[-1][0] == view.run["steps"] == 1003
    assert "1003 steps, 37 kept" in view.arithmetic()


def test_each_frame_says_what_the_network_did(recorded):
    loss, accuracy = training.evaluate(recorded._model, recorded._digits, **UNPADDED)
    step, last, right = recorded.curve[-1]
    assert step == 64 and last == pytest.approx(loss, abs=1e-5) and right == round(100 * accuracy)
    assert recorded.curve[0][1] == pytest.approx(2.3, abs=0.1)
    frames = len(recorded.curve)
    assert len(recorded.chances) == 4 * 10 * frames and len(recorded.digit) == 784
    assert len(recorded.filters) == frames * (4 + 16 * 14 * 14)  # 3 kB a frame
    weight = recorded._model.layers[1].weight[0].detach().view(14, 2, 14, 2).mean(dim=(1, 3))
    shown = recorded.kernels(1)
    torch.testing.assert_close(shown[0], weight, rtol=0, atol=shown.abs().max().item() / 254)
    training.set_seed(0)
    before = (
        models.MLP(784, 32, 10).layers[1].weight[0].detach().view(14, 2, 14, 2).mean(dim=(1, 3))
    )
    torch.testing.assert_close(recorded.kernels(0)[0], before, rtol=0, atol=1e-3)
    with pytest.raises(ValueError, match="from 0 to 1"):
        recorded.kernels(1.5)


def test_the_stubborn_digit_and_its_question():
    right = torch.tensor([[0, 1, 0, 0], [1, 0, 0, 0], [1, 1, 1, 1]], dtype=torch.bool)
    assert replay.stubborn(right) == 2  # of two, the first
    question = replay.question_about(
        [0, 8, 16, 24], [3, 8, 8, 9], label=9, classes=tuple("0123456789")
    )
    assert question["solution"] == "8" and "9" not in question["choices"]
    assert question["explain"] == "In 2 of 4 frames; from step 24 on it is read as 9."
    question = replay.question_about([0, 8], [9, 1], label=9, classes=tuple("0123456789"))
    assert question["explain"] == "In 1 of 2 frames; at the end it is taken for 1."
    question = replay.question_about([0, 8], [3, 8], label=9, classes=tuple("0123456789"))
    assert question["solution"] == "3" and "8" not in question["choices"]  # as frequent
    assert replay.question_about([0, 8], [9, 9], label=9, classes=tuple("0123456789")) == {}


def test_without_a_page(recorded):
    view = views.Replay(mlp(), TEST, **UNPADDED)
    data, _ = view._repr_mimebundle_()
    assert data["text/plain"].splitlines() == [
        "16 filters of 14 × 14, of the first layer",
        "100 test images of 10 classes",
        "0 steps, training has not begun",
    ]
    assert len(data["image/png"]) <= 40_000
    assert Image.open(io.BytesIO(data["image/png"])).format == "PNG"


def test_a_loss_that_is_no_number_and_a_training_too_short():
    model = mlp()
    view = views.Replay(model, TEST, **UNPADDED)
    with torch.no_grad():
        model.layers[1].weight.fill_(float("nan"))
    view.frames.append(view._frame())
    view.send_curve()
    assert view.curve[-1][1] is None
    view.finish()
    assert view.run == {}


@pytest.mark.parametrize(
    ("model", "sentence"),
    [
        (nn.Sequential(nn.Flatten(), nn.ReLU()), "no Conv2d and no Linear layer"),
        (nn.Sequential(nn.Flatten(), nn.Linear(1000, 10)), "the first layer has 1000 inputs"),
        (models.MLP(784, 32, 10), "MLP does not take images of (1, 32, 32)"),
    ],
)
def test_what_cannot_be_followed_is_refused(model, sentence):
    with pytest.raises(ValueError) as caught:
        views.Replay(model, TEST)
    assert sentence in str(caught.value)


def page_chances(view):
    """The probabilities of every frame, (frames, 10), as the page is given them."""
    return torch.frombuffer(bytearray(view.chances), dtype=torch.float32).view(-1, 10)


def test_a_training_is_seen_on_a_page(page):
    """While it goes on, and when it has ended."""
    from browser import _state, keep, live_text, put_on_stage

    model = mlp()
    view = views.Replay(model, TEST, **UNPADDED)
    put_on_stage(page, view)
    before = _state(view)

    def hear():  # in the order in which nothing else has been told before
        page.evaluate("changes => hear(changes)", {"run": view.run, **_state(view)})

    assert "No step yet" in page.locator(".view-predict").inner_text()
    trained(model, view, **UNPADDED)
    view.send_curve()
    hear()
    assert "Step 64: loss 0." in page.locator(".view-predict").inner_text()
    page.locator(".view").focus()
    page.keyboard.press("ArrowRight")
    assert live_text(page) == "The training has not ended yet."
    view.finish()
    assert before["run"] == {}
    hear()
    keep(page, "replay-question")
    page.keyboard.press("End")
    assert live_text(page) == "First your prediction, or skip."
    page.get_by_role("button", name=view.run["question"]["solution"], exact=True).click()
    assert "✓ Right. In " in page.locator(".view-verdict").inner_text()
    page.keyboard.press("End")
    best, name = page_chances(view)[-1].max(dim=0)
    assert live_text(page).startswith("Step 64: ")
    assert live_text(page).endswith(f"is read as {name}, probability {best:.4f}.")
    assert "step 64 of 64" in page.locator(".replay-place").inner_text()
    assert page.errors == [] and page.outside == []


def test_a_recording_by_keyboard(page, recorded):
    from browser import live_text, put_on_stage

    put_on_stage(page, recorded)
    question = recorded.run["question"]
    page.get_by_role("button", name=question["solution"], exact=True).click()
    assert "✓ Right. In " in page.locator(".view-verdict").inner_text()
    steps = [step for step, _, _ in recorded.curve]
    chances = page_chances(recorded)
    for key, at in [("ArrowRight", 1), ("ArrowRight", 2), ("ArrowLeft", 1), ("End", -1)]:
        page.keyboard.press(key)
        step, (best, name) = steps[at], chances[at].max(dim=0)
        assert live_text(page).startswith(f"Step {step}: ")
        assert live_text(page).endswith(f"is read as {name}, probability {best:.4f}.")
    assert f"step {steps[-1]} of 64" in page.locator(".replay-place").inner_text()
    page.keyboard.press("Home")
    page.keyboard.press("]")
    answers = chances.argmax(dim=1).tolist()
    first = next((i for i, answer in enumerate(answers) if answer != answers[0]), None)
    assert first is None or live_text(page).startswith(f"Step {steps[first]}: ")
    page.keyboard.press("r")
    assert live_text(page).startswith("Step 0: ")
    assert page.errors == [] and page.outside == []


def test_at_the_end_of_a_recording_it_plays_from_its_beginning(page, recorded):
    from browser import live_text, put_on_stage, skip

    page.clock.install()
    put_on_stage(page, recorded)
    skip(page)
    page.clock.pause_at("2100-01-01")
    page.keyboard.press("End")
    for step in (0, 1, 2):
        if step == 0:
            page.keyboard.press(" ")
        else:
            page.clock.run_for(120)  # BEAT of page/replay.js
        assert page.locator(".replay-place").inner_text() == f"step {step} of 64"
    page.get_by_role("button", name="stop").click()
    assert live_text(page).startswith("Step 2: ")
    page.clock.run_for(1000)
    assert page.locator(".replay-place").inner_text() == "step 2 of 64"
    assert page.errors == [] and page.outside == []


def test_a_recording_by_mouse(page, recorded):
    from browser import keep, live_text, put_on_stage, skip

    put_on_stage(page, recorded)
    skip(page)
    page.locator(".view input[type=range]").fill("3")
    assert live_text(page).startswith(f"Step {recorded.curve[3][0]}: ")
    box = page.locator(".curve").bounding_box()
    page.mouse.click(box["x"] + box["width"] * 0.965, box["y"] + 100)
    assert live_text(page).startswith("Step 64: ")
    page.locator(".bars g").nth(3).click()
    last = page_chances(recorded)[-1]
    assert live_text(page) == f"Probability of 3 at step 64: {last[3]:.4f}."
    keep(page, "replay")
    for width in (1280, 900):
        page.set_viewport_size({"width": width, "height": 720})
        assert page.locator(".view").bounding_box()["height"] < 705
    assert page.errors == [] and page.outside == []
