"""The confusion view: its counts, its question, and the mistakes it opens; XRay.show beside it."""

import io

import pytest
import torch
from PIL import Image
from torch import nn

from course_utils import images, models, views
from course_utils.views import confusion

_, TEST = images.load_images("digits")
NAMES = tuple("0123456789")


def chances():
    """Made-up probabilities of the test digits: 30 mistakes, 12 of them 4 as 9."""
    p = torch.full((len(TEST), 10), 0.01)
    p[torch.arange(len(TEST)), TEST.labels] = 0.91
    fours = (TEST.labels == 4).nonzero().flatten()[:12]
    eights = (TEST.labels == 8).nonzero().flatten()[:10]
    ones = (TEST.labels == 1).nonzero().flatten()[:8]
    for wrong, said in [(fours, 9), (eights, 1), (ones, 8)]:
        for k, image in enumerate(wrong.tolist()):
            p[image, TEST.labels[image]] = 0.42 - 0.03 * k
            p[image, said] = 0.50 + 0.03 * k
    return p


@pytest.fixture
def view():
    return views.Confusion(chances(), TEST)


def test_counts_and_cells(view):
    y_hat = chances().argmax(dim=1)
    for true in range(10):
        for said in range(10):
            there = ((TEST.labels == true) & (y_hat == said)).sum()
            assert view.counts[true, said] == there
    assert view.cells[:3] == [(4, 9), (8, 1), (1, 8)] and view.cells[3:] == [
        (k, k) for k in range(10)
    ]
    seen = view.render({"cell": 1, "place": 1, "send": 0}, answered=True)
    assert seen["sentence"] == (
        "Mistake 1 of 12, the surest first: 4 taken for 9, probability 0.8300; that of 4: 0.0900."
    )
    seen = view.render({"cell": 1, "place": 12, "send": 0}, answered=True)
    assert "Mistake 12 of 12" in seen["sentence"] and "probability 0.5000" in seen["sentence"]
    right = view.render({"cell": 8, "place": 1, "send": 0}, answered=True)["sentence"]
    fours = int((TEST.labels == 4).sum())
    assert right.startswith(f"{fours - 12} of {fours} images of 4 are read rightly.")
    with pytest.raises(ValueError, match="this cell has 12 images"):
        view.render({"cell": 1, "place": 13, "send": 0}, answered=True)


def test_a_click_chooses_an_image(view):
    values = {"cell": 1, "place": 11, "send": 0}  # of 12: the second eight are 9 to 12
    assert view.pick(values, 5, 30) == {"place": 9}
    assert view.pick(values, 3 * confusion.WIDE + 20, 40) == {"place": 12}
    assert view.pick(values, 5, 70) == {}  # no image stands there
    assert view.pick({**values, "place": 1}, 5, 70) == {"place": 5}
    assert view.pick(values, 5, 4) == {}  # the title


def test_the_question_is_computed_and_hides_its_answer(view):
    question = view.question  # 8 and 1 are confused 10 + 8 times, 4 and 9 only 12 + 0
    assert question["solution"] == "1 and 8" and "4 and 9" in question["choices"]
    assert question["explain"].startswith("1 as 8: 8, 8 as 1: 10.")
    assert len(question["choices"]) == 4 and question["choices"] == sorted(question["choices"])
    hidden = view.render({"cell": 1, "place": 1, "send": 0}, answered=False)
    assert set(hidden) == {"sentence", "table"}
    assert all(cell == "?" for row in hidden["table"]["rows"] for cell in row[1:])
    tied = torch.tensor([[5, 2, 1], [0, 5, 0], [1, 0, 5]])
    assert confusion.question_about(tied, "abc")["choices"] == ["a and b", "b and c"]
    assert confusion.question_about(torch.eye(3).long(), "abc")["solution"] == "none"


def test_a_network_of_ones_own():
    torch.manual_seed(0)
    model = models.LeNet().train()
    view = views.Confusion(model, TEST)
    (x, _), *_ = images.batches(TEST, len(TEST))
    with torch.no_grad():
        torch.testing.assert_close(view._chances, model.eval()(x).softmax(dim=1))
    assert view.arithmetic() == "360 images of 10 classes: 10 · 9 = 90 kinds of mistakes"
    data, _ = view._repr_mimebundle_()
    assert len(data["image/png"]) <= 40_000
    assert Image.open(io.BytesIO(data["image/png"])).format == "PNG"


def test_long_names_are_numbered():
    clothes = images.Images(TEST.images, TEST.labels, images.CLASSES["fashion-mnist"], "clothes")
    table = views.Confusion(chances(), clothes).render({"cell": 1, "place": 1}, answered=True)[
        "table"
    ]
    assert table["head"][1:] == list(NAMES) and table["rows"][4][0]["text"] == "4 Coat"


def test_what_does_not_fit_is_refused():
    with pytest.raises(ValueError, match="as many rows and columns of probabilities"):
        views.Confusion(torch.rand(10, 10), TEST)
    with pytest.raises(ValueError, match="does not take images of"):
        views.Confusion(nn.Sequential(nn.Flatten(), nn.Linear(5, 10)), TEST)


def test_on_a_page(page):
    from browser import keep, put_on_stage, wait_for_live

    torch.manual_seed(0)
    xray = views.XRay(models.LeNet())
    view = views.Confusion(chances(), TEST, xray=xray)
    put_on_stage(page, view, kernel=True)

    wait_for_live(page, "360 images of 10 classes: first your prediction, or skip.")
    keep(page, "confusion-question")
    assert page.get_by_role("button", name="to the X-ray").is_disabled()
    page.get_by_role("button", name="4 and 9").click()
    assert "✗ You said 4 and 9. It is 1 and 8." in page.locator(".view-verdict").inner_text()
    wait_for_live(page, "Mistake 1 of 12, the surest first: 4 taken for 9, probability 0.8300")
    page.keyboard.press("ArrowRight")
    wait_for_live(page, "Mistake 2 of 12")
    page.keyboard.press("]")
    # A cell opens at its first image.
    wait_for_live(page, "Mistake 1 of 10, the surest first: 8 taken for 1")
    page.keyboard.press("[")
    wait_for_live(page, "Mistake 1 of 12")
    ones = page.locator(".panel-table tr").nth(2).locator("td")
    ones.nth(9).locator("button").click()
    wait_for_live(page, "Mistake 1 of 8, the surest first: 1 taken for 8, probability 0.7100")
    ones.nth(2).locator("button").click()
    wait_for_live(page, "images of 1 are read rightly")
    page.keyboard.press("r")
    wait_for_live(page, "Mistake 1 of 12")
    keep(page, "confusion")
    page.get_by_role("slider", name="image").fill("3")
    wait_for_live(page, "Mistake 3 of 12")
    page.get_by_role("button", name="to the X-ray").click()
    wait_for_live(page, "Mistake 3 of 12")
    page.wait_for_function("model.get('response').values.send === 1")
    assert torch.equal(xray.digit, view.image()) and xray.sent["turn"] == 1
    for width in (1280, 900):
        page.set_viewport_size({"width": width, "height": 720})
        assert page.locator(".view").bounding_box()["height"] < 705
    assert page.errors == [] and page.outside == []


def test_the_xray_shows_what_it_is_sent(page):
    from browser import _state, put_on_stage

    torch.manual_seed(0)
    xray = views.XRay(models.LeNet())
    with pytest.raises(ValueError, match="uint8 of shape"):
        xray.show(TEST.images)
    put_on_stage(page, xray)
    for image in TEST.images[:2]:
        xray.show(image)
        page.evaluate("sent => hear({ sent })", _state(xray)["sent"])
        drawn = page.evaluate("Array.from(new Uint8Array(model.get('drawn').buffer))")
        assert drawn == image.flatten().tolist()
    chance = xray.probabilities(TEST.images[1]).max()
    assert page.locator(".xray-verdict").inner_text().endswith(f"probability {chance:.4f}")
    put_on_stage(page, xray)  # sent before the page was there
    assert page.evaluate("Array.from(new Uint8Array(model.get('drawn').buffer))") == drawn
    assert page.errors == []
