"""TEACHING.md agrees with the lessons: what is filled in is current, what is written is theirs."""

import re

import pytest
from documents import IDS, WRITTEN, code_cells, prose, text_outputs
from teaching import TEACHING, filled_in

TEXT = TEACHING.read_text(encoding="utf-8")
PLANS = TEXT.split("\n## Plans\n")[1].split("\n## ")[0]
PARTS = (
    "Open with",
    "Predictions to collect",
    "On the board",
    "Project",
    "Skip",
    "Homework",
    "Test question",
)


def written(lesson) -> str:
    """What a teacher has written on a lesson's page, between what is filled in."""
    page = TEXT.split(f"<!-- /page {lesson.number:02} -->")[1]
    return page.split(f"<!-- mistakes {lesson.number:02} -->")[0]


def test_what_is_filled_in_is_current():
    """`python tests/maintenance/teaching.py` does it."""
    assert filled_in(TEXT) == TEXT


def test_an_older_time_and_a_missing_place_are_noticed():
    assert filled_in(TEXT.replace(" min |", " min later |")) == TEXT
    with pytest.raises(SystemExit, match="page 03"):
        filled_in(TEXT.replace("<!-- page 03 -->\n", ""))


def test_each_plan_has_each_lesson_once():
    plans = PLANS.split("\n### ")[1:]
    assert len(plans) == 3
    for plan in plans:
        rows = re.findall(r"^\|[^|]*\| (\d\d(?:, \d\d)*) \|", plan, re.MULTILINE)
        numbers = [number for row in rows for number in row.split(", ")]
        assert sorted(numbers) == [f"{lesson.number:02}" for lesson in WRITTEN], plan[:30]


@pytest.mark.parametrize("lesson", WRITTEN, ids=IDS)
def test_a_page_has_all_its_parts(lesson):
    page = written(lesson)
    heads = re.findall(r"^\*\*([A-Z][a-z ]+)(?::\*\*|\*\*$)", page, re.MULTILINE)
    assert heads == list(PARTS)
    predictions = page.split("**Predictions to collect**")[1].split("**On the board")[0]
    count = len(re.findall(r"^- ", predictions, re.MULTILINE))
    assert 3 <= count <= 5
    assert predictions.count("*True:*") == predictions.count("*Expect*") == count
    assert page.count("<summary>Answer</summary>") == 1


@pytest.mark.parametrize("lesson", WRITTEN, ids=IDS)
def test_numbers_of_a_page_are_those_of_the_lesson(lesson):
    """All of three digits or more, with decimals or in percent, before the test question."""
    page = written(lesson).split("**Test question")[0]
    page = re.sub(r"\*Expect\*.*?\*True:\*", "", page, flags=re.DOTALL)
    source = "\n".join([prose(lesson), *(c.source + text_outputs(c) for c in code_cells(lesson))])
    numeral = r"\d+(?:,\d{3})*(?:\.\d+)?"
    there = {number.replace(",", "") for number in re.findall(numeral, source)}
    for number, percent in re.findall(rf"(?<![\w.])({numeral})(%?)", page):
        number = number.replace(",", "")
        if percent or "." in number or len(number) >= 3:
            assert number in there, number
