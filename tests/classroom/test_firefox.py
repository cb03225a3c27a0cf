"""Slides and the exported X-ray in another browser than Chromium, where there is a Firefox."""

from pathlib import Path

import pytest
from firefox import FIREFOX, firefox

from course_utils import checkpoints, views
from course_utils.classroom import deck
from course_utils.lessons import LESSONS

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not FIREFOX, reason="no Firefox: `apt-get install firefox-esr` gets one"),
]
READ = "document.querySelector('.xray-verdict').textContent"


@pytest.fixture(scope="module")
def browser_tab(tmp_path_factory):
    with firefox(tmp_path_factory.mktemp("firefox")) as tab:
        yield tab


@pytest.fixture
def tab(browser_tab):
    yield browser_tab
    assert browser_tab.errors == []


def test_slides_by_keys(tab, tmp_path):
    """Every slide of lesson 06 is reached, and its stepper is entered, answered and left."""
    tab.open(Path(deck.make_deck(LESSONS[6], tmp_path)))
    tab.evaluate("new Promise((done) => Reveal.isReady() ? done() : Reveal.on('ready', done))")
    seen, stepped = set(), 0
    while not tab.evaluate("Reveal.isLastSlide() && !Reveal.availableFragments().next"):
        seen.add(tab.evaluate("Reveal.getSlides().indexOf(Reveal.getCurrentSlide())"))
        if tab.evaluate("Reveal.getCurrentSlide().matches('.live')"):
            stepped += step(tab)
        tab.press("ArrowRight")
    assert seen | {max(seen) + 1} == set(range(tab.evaluate("Reveal.getTotalSlides()")))
    assert stepped == 1


def step(tab):
    view = "Reveal.getCurrentSlide().querySelector('iframe')"
    live_text = f"{view}.contentDocument.querySelector('.view-live').textContent"
    before = tab.evaluate("Reveal.getIndices()"), tab.evaluate(live_text)
    tab.press("Tab")
    assert tab.evaluate(f"document.activeElement === {view}")
    tab.press("r", "ArrowRight")
    assert tab.evaluate("Reveal.getIndices()") == before[0] and tab.evaluate(live_text) != before[1]
    tab.press("Escape")
    assert tab.evaluate("document.activeElement === document.body")
    return 1


def test_the_exported_x_ray(tab, tmp_path):
    """It reads what is drawn with the mouse, and keys bring back the digit that it began with."""
    lenet, recipe = checkpoints.load_weights("lenet")
    tab.open(views.export_xray(lenet, tmp_path / "lenet.html", recipe["inputs"]))
    assert tab.evaluate(READ).startswith("It reads 7, probability 0.99")
    pad = tab.evaluate("document.querySelector('.pad').getBoundingClientRect()")
    middle, top = pad["x"] + pad["width"] / 2, pad["y"]
    line = [(middle, top + part * pad["height"]) for part in (0.2, 0.4, 0.6, 0.8)]
    tab.drag(*line)  # ends the question; the example is still there
    tab.press("Delete")
    tab.drag(*line)
    assert tab.evaluate(READ).startswith("It reads 1")
    tab.press("7")
    assert tab.evaluate(READ).startswith("It reads 7")
