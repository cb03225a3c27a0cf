"""The lines beside a ledger's rows: where shortcuts leave and join, in letters and on a page."""

import json
import os
import random
from io import BytesIO
from itertools import pairwise

import numpy as np
import pytest
import torch
from PIL import Image
from shown_networks import broken_lenet
from torch import nn

from course_utils import models, views
from course_utils.shown.residual import Residual, network
from course_utils.views.branches import branches

AXE = os.environ.get("COURSE_AXE")
BLOCKS = """
●   input
●─╮ Identity 1
● │ conv 1
● │ norm 1
● │ ReLU 1
● │ conv 2
● │ norm 2
●─╯ add 1
●─╮ relu 1
│ ● conv 3
│ ● norm 3
● │ conv 4
● │ norm 4
● │ ReLU 2
● │ conv 5
● │ norm 5
●─╯ add 2
●   relu 2
"""
CONCATENATED = """
●─────╮ input
●     │ cat 1
●───╮ │ conv 1
●───┼─┤ cat 2
●─╮ │ │ conv 2
●─┼─┼─┤ cat 3
● │ │ │ conv 3
●─┴─┴─╯ cat 4
"""
PARALLEL = """
●─┬─╮ input
│ │ ● conv 1
● │ │ conv 2
● │ │ conv 3
│ ● │ pool 1
│ ● │ conv 4
●─┴─╯ cat 1
"""
FAILING = """
●   input
●─╮ conv 1
● │ conv 2
✕─╯ add 1
    fc 1
"""


def two_blocks():
    """One with an identity as its shortcut, one with a projection."""
    return nn.Sequential(Residual(8, 8, stride=1), Residual(8, 16, stride=2))


class Dense(nn.Module):
    """Each layer takes the maps of all before it."""

    def __init__(self):
        super().__init__()
        layers = (nn.Conv2d(8 + 4 * i, 4, 3, padding=1) for i in range(3))
        self.layers = nn.ModuleList(layers)

    def forward(self, x):
        maps = [x]
        for layer in self.layers:
            maps.append(layer(torch.cat(maps, 1)))
        return torch.cat(maps, 1)


class Inception(nn.Module):
    def __init__(self):
        super().__init__()
        self.one = nn.Conv2d(8, 4, 1)
        self.two = nn.Sequential(nn.Conv2d(8, 4, 1), nn.Conv2d(4, 4, 3, padding=1))
        self.three = nn.Sequential(nn.MaxPool2d(3, 1, 1), nn.Conv2d(8, 4, 1))

    def forward(self, x):
        return torch.cat([self.one(x), self.two(x), self.three(x)], 1)


class Wrong(nn.Module):
    """Its two branches have different numbers of maps."""

    def __init__(self):
        super().__init__()
        self.one, self.two = nn.Conv2d(8, 6, 1), nn.Conv2d(6, 4, 1)
        self.last = nn.Linear(4, 10)

    def forward(self, x):
        x = self.one(x)
        return self.last((x + self.two(x)).mean((2, 3)))


def ledger(model):
    if isinstance(model, models.LeNet):
        return views.ShapeLedger(model, shape=(1, 32, 32))
    return views.ShapeLedger(model, shape=(8, 14, 14))


@pytest.mark.parametrize(
    ("model", "drawing"),
    [
        (two_blocks, BLOCKS),
        (Dense, CONCATENATED),
        (Inception, PARALLEL),
        (Wrong, FAILING),
    ],
    ids=["residual", "concatenated", "parallel", "failing"],
)
def test_they_are_drawn_in_letters(model, drawing):
    shown = ledger(model()).arithmetic().splitlines()
    wanted = drawing.strip("\n").splitlines()
    for line, start in zip(shown, wanted, strict=False):
        assert line.startswith(start), line
    assert len(shown) == len(wanted) + 1  # and the sentence


def test_a_chain_has_no_margin():
    view = ledger(nn.Sequential(nn.Conv2d(8, 8, 1), nn.Softplus(), nn.Upsample(scale_factor=2)))
    assert "●" not in view.arithmetic()
    assert "margin" not in view.render(dict(view.values), answered=True)["table"]


def graphs():
    """Rows that take up to three rows above them, some of none, at random; the same each time."""
    draw = random.Random(0)
    for _ in range(300):
        rows = draw.randrange(1, 16)
        yield [[], *([draw.randrange(row) for _ in range(draw.choice([0, 1, 1, 2, 3]))]
                     for row in range(1, rows))]  # fmt: skip


def test_every_result_has_its_own_way():
    joined = 0
    for sources in graphs():
        drawn = branches(sources)
        edges = {(source, row) for row, taken in enumerate(sources) for source in taken}
        assert {(line.source, line.target) for line in drawn.lines} == edges
        assert len(drawn.lines) == len(edges)
        used = {}  # of each lane, from one row's middle to the next one's: whose result is there
        for line in drawn.lines:
            for row in range(line.source, line.target):
                assert used.setdefault((line.lane, row), line.source) == line.source
                passed = line.source < row
                assert not passed or drawn.lanes[row] != line.lane, "it runs through a dot"
        joined += len(edges)
    assert joined > 2000


def test_its_letters_and_its_curves_lead_the_same_way():
    """Where a line crosses from a row into the next, both have it in the same lane."""
    for sources in graphs():
        drawn = branches(sources)
        texts = [drawn.text(row) for row in range(len(sources))]
        assert {len(text) for text in texts} == {2 * drawn.width}
        for (row, upper), lower in zip(enumerate(texts), texts[1:], strict=False):
            crossing = {line.lane for line in drawn.lines if line.source <= row < line.target}
            down = {at // 2 for at, sign in enumerate(upper) if sign in "│╮╭┤├┬┼"}
            up = {at // 2 for at, sign in enumerate(lower) if sign in "│╯╰┤├┴┼"}
            dots = {drawn.lanes[row]}, {drawn.lanes[row + 1]}  # their ends are not seen in letters
            assert down <= crossing <= down | dots[0] and up <= crossing <= up | dots[1]
            ends = [drawn.outline(row, piece)[-1] for piece in drawn.pieces(row)]
            assert {lane for lane, height in ends if height == 1} == crossing


def test_the_longest_way_is_straight_and_shortcuts_are_nested():
    # The longest way goes over all rows; shortcuts lead from 1 to 3, from 0 to 5, from 5 to 7.
    drawn = branches([[], [0], [1], [2, 1], [3], [4, 0], [5], [6, 5]])
    assert drawn.lanes == [0] * 8 and drawn.width == 3
    lanes = {(line.source, line.target): line.lane for line in drawn.lines}
    assert lanes[1, 3] == lanes[5, 7] == 1 and lanes[0, 5] == 2
    assert all(lanes[pair] == 0 for pair in pairwise(range(8)))


def forgotten():
    """The second of its blocks has no projection."""
    model = two_blocks()
    model[1].shortcut = nn.Identity()
    return model


def test_the_end_of_a_network_that_fails_is_hidden_until_the_answer():
    view = ledger(forgotten())
    rows = view.render(dict(view.values), answered=False)["table"]["margin"]["rows"]
    assert [bool(row["dot"]) for row in rows] == [True] * 9 + [False] * 7
    assert rows[8]["lines"] and not any(row["lines"] or row["label"] for row in rows[9:])
    rows = view.render(dict(view.values), answered=True)["table"]["margin"]["rows"]
    assert [row["dot"]["fails"] for row in rows] == [False] * 15 + [True]
    view = ledger(Wrong())
    assert "margin" not in view.render(dict(view.values), answered=False)["table"]
    rows = view.render(dict(view.values), answered=True)["table"]["margin"]["rows"]
    assert [row["dot"] and row["dot"]["fails"] for row in rows] == [False] * 3 + [True, None]
    assert [row["label"] for row in rows[1:4]] == [
        "Its result goes to conv 2 and add 1.",
        "",
        "It takes conv 1 and conv 2.",
    ]


def test_where_layers_do_the_same_work_one_answer_is_right():
    view = ledger(two_blocks())
    work = {entry.name: entry.counts["work"].number for entry in view.ledger}
    assert work["conv 1"] == work["conv 2"] == work["conv 5"] == max(work.values())
    assert view.question["solution"] == "conv 5, conv 5" in view.question["choices"]
    assert not {"conv 5, conv 1", "conv 5, conv 2"} & {*view.question["choices"]}
    assert view.question["explain"].count("conv 5") == 1


def test_what_is_said_of_the_chosen_row_names_its_ways():
    view = ledger(two_blocks())
    seen = view.render({**view.values, "call": 8}, answered=True)
    assert seen["why"].endswith("Its result goes to conv 3 and conv 4.")
    strong = [i for i, row in enumerate(seen["table"]["margin"]["rows"])
              if any(line["strong"] for line in row["lines"])]  # fmt: skip
    assert strong == [7, 8, 9, 10, 11]  # from add 1 into relu 1, and on to both convolutions


def test_they_are_in_the_picture():
    def coloured(view):  # how many pixels are blue, as no letter is
        picture = np.asarray(Image.open(BytesIO(view.picture())).convert("RGB")).astype(int)
        red, _, blue = picture.transpose(2, 0, 1)
        return (blue - red > 100).sum()

    whole, half = coloured(ledger(two_blocks())), coloured(ledger(forgotten()))
    assert whole > 500 and 200 < half < 0.7 * whole
    chain = nn.Sequential(nn.Conv2d(8, 8, 1), nn.Softplus(), nn.Upsample(scale_factor=2))
    assert coloured(ledger(chain)) == 0


SETTLED = "window.model.get('response').turn > 0 && window.model.get('request').turn === " + (
    "window.model.get('response').turn"
)


def opened(page, view):
    from browser import put_on_stage

    put_on_stage(page, view, kernel=True)
    page.get_by_role("button", name="skip").click()
    page.wait_for_function(SETTLED)


def press(page, key, times=1):
    for _ in range(times):
        turn = page.evaluate("window.model.get('response').turn")
        page.locator(".view").press(key)
        page.wait_for_function("(turn) => window.model.get('response').turn > turn", arg=turn)


def test_on_a_page(page):
    from browser import keep

    opened(page, ledger(two_blocks()))
    press(page, "ArrowRight", 7)
    keep(page, "branches")
    assert "add 1 takes 8 × 14 × 14 and 8 × 14 × 14" in page.locator(".panel-why").inner_text()
    assert page.locator(".panel-why").inner_text().endswith("It takes Identity 1 and norm 2.")
    heard = page.get_by_role("img", name="It takes Identity 1 and norm 2.")
    assert heard.count() == 1
    # The lines reach from row to row: each begins where the one above has ended.
    gaps = page.evaluate(
        """() => {
            const boxes = [...document.querySelectorAll(".panel-margin svg")]
                .map((drawing) => drawing.getBoundingClientRect());
            return boxes.slice(1).map((box, i) => box.top - boxes[i].bottom);
        }"""
    )
    assert len(gaps) == 17 and max(gaps) <= 0
    # The shortcut is thick from where it leaves (row 1) to where it joins (row 7).
    thick = page.evaluate(
        """[...document.querySelectorAll(".panel-margin svg")].map((drawing) => (
            drawing.querySelectorAll("path[stroke='#0072B2'][stroke-width='5']").length))"""
    )
    assert thick == [0] + [1] * 7 + [0] * 10
    dots = page.locator(".panel-margin path[stroke-linecap]")
    round_ = dots.first.bounding_box(), dots.first.evaluate("(dot) => dot.getBBox().width")
    assert dots.count() == 18 and round_[1] == 0
    assert page.errors == [] and page.outside == []


def test_a_long_network_is_scrolled_to_the_chosen_row(page):
    opened(page, views.ShapeLedger(network(Residual, 3)))
    table = page.locator(".panel-table")
    assert table.evaluate("(table) => table.clientHeight") <= 0.76 * 720
    seen = """(table) => {
        const chosen = table.querySelectorAll("tr")[61].getBoundingClientRect();
        const { top, bottom } = table.getBoundingClientRect();
        const head = table.querySelector("th").getBoundingClientRect();
        return top <= head.top && head.bottom <= chosen.top + 1 && chosen.bottom <= bottom + 1;
    }"""
    assert not table.evaluate(seen)
    page.locator("input[type=range]").fill("60")
    page.wait_for_function(SETTLED)
    page.get_by_text("takes").first.wait_for()
    page.wait_for_function("window.model.get('response').values.call === 60")
    assert table.evaluate(seen)
    press(page, "ArrowLeft", 1)
    assert page.errors == []


@pytest.mark.parametrize("width", [1280, 900])
@pytest.mark.parametrize("make", [two_blocks, Dense, Inception, Wrong, broken_lenet])
@pytest.mark.skipif(not AXE, reason="COURSE_AXE names no axe.min.js")
def test_axe_finds_nothing(page, make, width):
    page.set_viewport_size({"width": width, "height": 720})
    opened(page, ledger(make()))
    press(page, "ArrowRight", 3)
    with open(AXE, encoding="utf-8") as file:
        page.evaluate(file.read())
    rules = page.evaluate("axe.run('.view', { preload: false, resultTypes: ['violations'] })")
    found = [(rule["id"], node["html"]) for rule in rules["violations"] for node in rule["nodes"]]
    assert found == [], json.dumps(found, indent=1)
