"""The shape ledger: its arithmetic against torch, its errors, and alone on a page."""

import pytest
import torch
from torch import nn

from course_utils import models, views
from course_utils.views.chain import chain
from course_utils.views.counts import COUNTS, entries, largest_layer, total

LENET = [
    ("input", (1, 32, 32), (1024, 0, 0)),
    ("conv 1", (6, 28, 28), (4704, 156, 117_600)),
    ("pool 1", (6, 14, 14), (1176, 0, 0)),
    ("conv 2", (16, 10, 10), (1600, 2416, 240_000)),
    ("pool 2", (16, 5, 5), (400, 0, 0)),
    ("fc 1", (120,), (120, 48_120, 48_000)),
    ("fc 2", (84,), (84, 10_164, 10_080)),
    ("fc 3", (10,), (10, 850, 840)),
]


def numbers(entry):
    """Values, parameters and work."""
    return tuple(entry.counts[column].number for column in COUNTS)


def test_lenets_ledger():
    """The numbers of lesson 07, and of the sentences beside the view."""
    view = views.ShapeLedger()
    assert [(entry.name, entry.shape, numbers(entry)) for entry in view.ledger] == LENET
    assert total(view.ledger, "parameters") == 61_706 and total(view.ledger, "work") == 416_520
    assert view.question["solution"] == "fc 1, conv 2" in view.question["choices"]
    assert (
        largest_layer(view.ledger, "work") == "conv 2"
        and largest_layer(view.ledger, "values") == "conv 1"
    )
    assert "78% of the 61,706" in view.question["explain"]
    assert "conv 2 holds 4% and does 58%" in view.question["explain"]
    assert view.arithmetic().splitlines()[-1].startswith("together 61,706 parameters")


@pytest.mark.parametrize(
    "model",
    [
        models.LeNet(),
        models.CNN(),
        models.MLP(784, 300, 10),
        nn.Sequential(
            nn.Conv2d(3, 8, 3, stride=2, padding=1, bias=False),
            nn.BatchNorm2d(8),
            nn.Tanh(),
            nn.Conv2d(8, 12, 5, padding="same", groups=4),
            nn.ReLU(inplace=True),
            nn.AvgPool2d(3, 2, padding=1),
            nn.Flatten(),
            nn.Linear(768, 10),
        ),
    ],
)
def test_any_networks_counts_are_torchs(model):
    view = views.ShapeLedger(model)
    parameters = sum(weight.numel() for weight in model.parameters())
    assert total(view.ledger, "parameters") == parameters
    x = torch.zeros(1, *view.ledger[0].shape)
    with torch.no_grad():
        assert tuple(model.eval()(x).shape[1:]) == view.ledger[-1].shape
    assert view.question["solution"] in view.question["choices"]
    assert len(set(view.question["choices"])) == len(view.question["choices"]) >= 4


def test_an_edited_row_changes_those_below_and_not_the_model():
    model = models.LeNet()
    view = views.ShapeLedger(model)
    values = {**view.values, "pool 1 kernel": 1, "pool 1 stride": 1, "pool 2 kernel": 1}
    ledger = view.table.ledger({**values, "pool 2 stride": 1})
    assert numbers(ledger[5])[1] == (16 * 24**2 + 1) * 120  # lesson 07, without pooling
    assert model.features[2].kernel_size == 2
    wider = view.table.ledger({**view.values, "conv 1 maps": 12})
    assert [numbers(entry)[1] for entry in wider] == [0, 312, 0, 4816, 0, 48_120, 10_164, 850]


def test_a_layer_that_is_used_twice_is_counted_once():
    again, conv, pool = nn.Linear(64, 64), nn.Conv2d(4, 4, 3, padding=1), nn.MaxPool2d(2)
    layers = [nn.Conv2d(1, 4, 5), pool, conv, nn.ReLU(), pool, conv, nn.Flatten()]
    layers += [nn.Linear(196, 64), again, nn.ReLU(), again, nn.Linear(64, 10)]
    model = nn.Sequential(*layers)
    view = views.ShapeLedger(model)
    assert total(view.ledger, "parameters") == sum(weight.numel() for weight in model.parameters())
    parameters = {entry.name: numbers(entry)[1] for entry in view.ledger}
    assert parameters["conv 2"] == 148 and parameters["conv 3"] == 0
    assert parameters["fc 2"] == 64 * 65 and parameters["fc 3"] == 0
    work = {entry.name: numbers(entry)[2] for entry in view.ledger}
    assert work["conv 3"] == 144 * 49 and work["fc 3"] == 64**2
    shown = str(view.render(dict(view.values), answered=True)["table"])
    assert "It is the layer fc 2 once more: its weights are counted there." in shown
    controls = {control["name"] for control in view.controls}
    assert "pool 2 kernel" in controls and "fc 2 maps" in controls
    assert not any(name.startswith(("conv 3", "fc 3")) for name in controls)
    wider = view.table.ledger({**view.values, "conv 2 kernel": 5, "conv 2 padding": 2})
    assert wider[5].why_shape.startswith("Side: (7 + 2 · 2 − 5) / 1 + 1 = 7")  # conv 3 with it
    seen = view.render({**view.values, "fc 2 maps": 32}, answered=True)
    sentence = "fc 3 cannot be: it has the weights of fc 2, which are for 64 and not for 32"
    assert sentence in seen["sentence"]
    assert view.picture()


def test_parameters_that_belong_to_no_row_are_told():
    tied = models.MLP(784, 64, 64, 64, 10)
    tied.layers[5].weight = tied.layers[3].weight
    view = views.ShapeLedger(tied)
    assert total(view.ledger, "parameters") == 55_114
    assert view.arithmetic().endswith("MLP runs: 8 calls, 55,114 parameters.")
    alone = models.LeNet()
    alone.temperature = nn.Parameter(torch.ones(3))
    said = views.ShapeLedger(alone).arithmetic()
    assert "61,709 parameters. 3 parameters are used by no call that is shown." in said


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"conv 2 kernel": 15}, "conv 2 cannot be: a kernel of 15 does not fit into 14 + 2 · 0 ="),
        ({"side": 3}, "conv 1 cannot be: a kernel of 5 does not fit into 3"),
        ({"pool 2 padding": 2}, "pool 2 cannot be: the padding of pooling may be half"),
    ],
)
def test_an_impossible_row_says_why(change, sentence):
    view = views.ShapeLedger()
    seen = view.render({**view.values, **change}, answered=True)
    assert seen["sentence"].startswith(sentence)
    rows = seen["table"]["rows"]
    texts = [row[5]["text"] for row in rows[:-1]]
    place = texts.index("impossible")
    assert sentence in rows[place][5]["why"] and set(texts[place + 1 :]) <= {"–"}
    assert rows[-1][-1]["text"] == "–"
    with pytest.raises(ValueError, match="stride is 0; it has to be a whole number"):
        view.render({**view.values, "conv 1 stride": 0}, answered=True)


def test_the_open_question_hides_the_answer():
    view = views.ShapeLedger()
    shown = str(view.render(dict(view.values), answered=False))
    assert not any(number in shown for number in ("48,120", "240,000", "61,706", "2,416"))
    shown = str(view.render(dict(view.values), answered=True))
    assert "(400 + 1) · 120 units = 48,120" in shown and "(6 · 5 · 5 + 1) · 16 = 2,416" in shown
    assert len(view.picture()) + len(view.arithmetic()) < 40_000


def test_what_is_no_chain_is_shown_as_its_calls():
    """What can be edited is a chain of square windows; of all else every call has its row."""

    class Twice(models.LeNet):
        def forward(self, x):
            return 2 * super().forward(x) + 1

    for model, shapes in [
        (nn.Sequential(nn.ReLU()), [(1, 32, 32)]),
        (nn.Sequential(nn.Conv2d(1, 2, 3), nn.Flatten(2), nn.LSTM(900, 4)), [(2, 4)]),
        (nn.Sequential(nn.Conv2d(1, 2, (3, 5))), [(2, 30, 28)]),
        (nn.Sequential(nn.Conv2d(1, 2, 3, dilation=2)), [(2, 28, 28)]),
        (Twice(), [(10,)] * 3),
    ]:
        view = views.ShapeLedger(model)
        assert len(view.controls) == 2 and view.picture()
        assert [entry.shape for entry in view.ledger][-len(shapes) :] == shapes
    with pytest.raises(ValueError, match="a network of torch is needed"):
        views.ShapeLedger("LeNet")
    large = chain(nn.Sequential(nn.Conv2d(3, 4, 3)), (3, 64, 64))
    assert entries(large.shape, large.rows)[-1].shape == (4, 62, 62)


def test_on_a_page(page):
    from browser import put_on_stage

    view = views.ShapeLedger()
    put_on_stage(page, view, kernel=True)
    live, why = page.locator(".view-live"), page.locator(".panel-why")
    page.get_by_role("button", name="1,024").click()
    assert live.inner_text().startswith("First your prediction")
    page.get_by_role("button", name="fc 1, conv 2", exact=True).click()
    page.get_by_role("button", name="48,120").click()  # once it is there
    assert "(400 + 1) · 120 units = 48,120" in why.inner_text()
    page.locator(".view").focus()
    page.keyboard.press("ArrowRight")  # conv 1's kernel
    page.get_by_role("button", name="6 × 27 × 27").wait_for()
    page.keyboard.press("]")
    page.get_by_role("button", name="1 × 33 × 33").wait_for()
    page.keyboard.press("r")
    page.get_by_role("button", name="1 × 32 × 32").wait_for()
    page.get_by_label("conv 2 kernel").fill("15")
    page.keyboard.press("Tab")
    page.get_by_role("button", name="impossible").click()
    assert "a kernel of 15 does not fit into 14" in why.inner_text()
    page.get_by_label("conv 2 kernel").fill("99")
    page.keyboard.press("Tab")
    assert live.inner_text() == "conv 2 kernel goes from 1 to 64, in whole numbers."
    assert view.values["conv 2 kernel"] == 15
    page.get_by_label("conv 2 kernel").fill("3")
    page.keyboard.press("Tab")
    page.get_by_role("button", name="16 × 12 × 12").wait_for()
    assert view.ledger[4].shape == (16, 6, 6)
    assert page.errors == [] and page.outside == []
