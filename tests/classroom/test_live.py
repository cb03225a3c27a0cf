"""Live views as pages of their own: made by the lessons' cells, and answering without a kernel."""

import ast
import os
import re

import pytest
from documents import WRITTEN, stored

from course_utils.classroom import live
from course_utils.classroom.live import TRAINED_HERE, live_views
from course_utils.lessons import LESSONS

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def pages():
    """All live views of the course, by lesson and cell."""
    return {
        (lesson.number, cell): page
        for lesson in WRITTEN
        for cell, page in live_views(lesson).items()
    }


def test_every_stepper_replay_and_x_ray_of_the_lessons(pages):
    shown = [
        (lesson.number, cell.id)
        for lesson in WRITTEN
        for cell in stored(lesson).cells
        if cell.cell_type == "code"
        and re.search(r"views\.(\w+Stepper|Replay|XRay)\(", cell.source)
        and TRAINED_HERE not in cell.metadata.get("tags", [])
        and "views.Confusion" not in cell.source  # it asks Python, and shows an X-ray beside it
    ]
    assert list(pages) == shown and len(shown) == 7


def test_a_page_needs_nothing_but_itself(pages):
    for page in pages.values():
        assert "http:" not in page.replace("http://www.w3.org/2000/svg", "")
        assert "https:" not in page and "import " not in page.split("<script")[-1]
        assert page.count("<h1>") == page.count("<main>") == 1


def test_making_them_leaves_nothing_behind(capsys):
    before = dict(os.environ)
    live_views(LESSONS[10])
    assert capsys.readouterr() == ("", "") and dict(os.environ) == before


def test_a_cell_is_run_after_those_that_it_needs():
    source = ["b = 1", "import math", "b = math.pi", "def f(x):\n    return b * x", "c = 1", "f(3)"]
    cells = [ast.parse(text) for text in source]
    assert live.needed_cells(cells, [5]) == [1, 2, 3, 5]


def answered(page, tmp_path, html):
    file = tmp_path / "view.html"
    file.write_text(html, encoding="utf-8")
    page.goto(file.as_uri())
    page.locator(".view").wait_for()


@pytest.mark.parametrize(
    ("lesson", "cell", "answer"), [(6, "stepper", "0 3 3 0"), (7, "overlap-stepper", "54")]
)
def test_a_stepper_has_the_numbers_of_its_lesson(page, pages, tmp_path, lesson, cell, answer):
    answered(page, tmp_path, pages[lesson, cell])
    page.locator(".view-predict input").fill(answer)
    page.locator(".view-predict input").press("Enter")
    assert "✓ Right." in page.locator(".view-verdict").first.inner_text()
    assert page.errors == []


def test_back_propagation_has_the_numbers_of_its_lesson(page, pages, tmp_path):
    answered(page, tmp_path, pages[4, "stepper"])
    page.get_by_role("button", name="W1", exact=True).click()
    assert "✓ Right." in page.locator(".view-verdict").first.inner_text()
    page.locator(".view").press("End")
    page.get_by_role("button", name="lower").click()
    assert "The loss goes from 0.1293 to 0.1253." in page.locator(".bp-trace").inner_text()
    assert page.errors == []


@pytest.mark.parametrize("lesson", [8, 9])
def test_a_training_is_replayed(page, pages, lesson, tmp_path):
    answered(page, tmp_path, pages[lesson, "replay"])
    page.get_by_role("button", name="skip").click()
    place = page.locator(".replay-place")
    assert place.inner_text().startswith("step 0 of ")
    page.locator(".view").press("End")
    first, last = re.findall(r"\d+", place.inner_text())
    assert first == last and int(last) > 200 and page.errors == []


def test_the_x_ray_reads_what_it_shows(page, pages, tmp_path):
    answered(page, tmp_path, pages[10, "x-ray"])
    assert page.locator(".xray-verdict").inner_text().startswith("It reads 7, probability 0.99")
    assert page.errors == []
