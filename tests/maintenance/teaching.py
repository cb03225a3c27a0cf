"""Puts into TEACHING.md what the lessons and their checks say already.

python tests/maintenance/teaching.py

Between marks: the table of times, the head of each lesson's page, and the mistakes that its checks
recognise. In the tables of plans: the minutes of the lessons that a row names, and their sums.
"""

import re
import sys
from collections.abc import Iterable
from pathlib import Path

from course_utils.lessons import NOTEBOOKS, Lesson

sys.path.append(str(Path(__file__).resolve().parents[1] / "helpers"))
from documents import WRITTEN, prose, stored
from exercise_sources import checks

TEACHING = NOTEBOOKS.parent / "TEACHING.md"
_BY_NUMBER = {f"{lesson.number:02}": lesson for lesson in WRITTEN}


def filled_in(text: str) -> str:
    """The document, with all that is taken from elsewhere as it is now."""
    text = _put(text, "times", times())
    for number, lesson in _BY_NUMBER.items():
        text = _put(text, f"page {number}", page_head(lesson))
        text = _put(text, f"mistakes {number}", mistakes(lesson))
    before, plans, after = re.split(r"(?<=\n)(?=## Plans\n|## In the room\n)", text)
    return before + "\n".join(planned(plans.split("\n"))) + after


def _put(text: str, name: str, content: str) -> str:
    begin, end = f"<!-- {name} -->\n", f"<!-- /{name} -->\n"
    if text.count(begin) != 1 or text.count(end) != 1:
        raise SystemExit(f"TEACHING.md needs one place for this: {begin}{end}")
    return text.split(begin)[0] + begin + content + end + text.split(end)[1]


def times() -> str:
    """A row for each lesson: what it takes, its predictions and its resting points."""
    lines = [
        "| lesson | title | read and predict | exercises | predictions | resting points |",
        "| --- | --- | --- | --- | --- | --- |",
    ]
    for number, lesson in _BY_NUMBER.items():
        predictions = len(re.findall(r"\*\*Predict:?\*\*", prose(lesson)))
        resting = len(re.findall(r"^#+ .*[Rr]esting point", prose(lesson), re.M))
        lines.append(
            f"| {number} | {lesson.title} | {lesson.minutes[0]} min "
            f"| {lesson.minutes[1]} min | {predictions} | {resting or ''} |"
        )
    reading, exercises = sums(_BY_NUMBER)
    lines.append(f"| together | | {hours(reading)} | {hours(exercises)} | | |")
    return "\n".join(lines) + "\n"


def sums(numbers: Iterable[str]) -> tuple[int, int]:
    """Minutes of several lessons together: reading and predicting, and the exercises."""
    minutes = [_BY_NUMBER[number].minutes for number in numbers]
    return sum(reading for reading, _ in minutes), sum(exercises for _, exercises in minutes)


def hours(minutes: int) -> str:
    return f"{minutes / 60:.1f} h"


def page_head(lesson: Lesson) -> str:
    """Title, question, times, and what students need, in the lesson's own words."""
    (needs,) = re.findall(r"^\*\*You need\*\* (.*)$", prose(lesson), re.M)
    needs = re.sub(r"\]\((\d\d_\w+\.ipynb)\)", r"](notebooks/\1)", needs)
    reading, exercises = lesson.minutes
    return (
        f"### {lesson.number:02} {lesson.title}\n\n"
        f"*{lesson.question}* [The lesson](notebooks/{lesson.file}) runs in {lesson.budget} s; "
        f"reading and predicting take {reading} minutes, the exercises {exercises}.\n\n"
        f"**Students need** {needs}\n"
    )


def mistakes(lesson: Lesson) -> str:
    """The exercises, and what their checks say of each mistake that they recognise."""
    sentences = {name: check.sentences for name, check in checks(lesson).items()}
    count = sum(map(len, sentences.values()))
    lines = [
        f"<details><summary>The {len(sentences)} exercises, and the {count} misconceptions and "
        "slips that their checks recognise</summary>\n"
    ]
    for name, title in titles(lesson).items():
        lines += [f"**{title}** (`{name.removeprefix('check_')}`)\n"]
        lines += [f"- `{code}`: {_alone(sentence)}" for code, sentence in sentences[name].items()]
        lines.append("")
    return "\n".join(lines) + "</details>\n"


def _alone(sentence: str) -> str:
    """A sentence that goes on after the verdict's own beginning, without that."""
    sentence = sentence.removeprefix("Your result is what comes out when ")
    return sentence[0].upper() + sentence[1:]


def titles(lesson: Lesson) -> dict[str, str]:
    """The headings of the exercises, by the checks of their stubs."""
    found, title = {}, ""
    for cell in stored(lesson).cells:
        if cell.cell_type == "markdown":
            title = next(iter(re.findall(r"^### (\d\. .*)", cell.source, re.M)), title)
        elif re.match(r"\d\. ", title):
            for name in re.findall(r"^lesson\d\d\.(check_\w+)\(", cell.source, re.M):
                found[name] = title
    return found


def planned(lines: list[str]) -> list[str]:
    """The lines of tables of plans, with the minutes of each row and the hours of each plan."""
    done: list[str] = []
    seen: list[str] = []
    for line in lines:
        cells = [cell.strip() for cell in line.strip("| ").split("|")]
        if len(cells) >= 4 and re.fullmatch(r"\d\d(, \d\d)*", cells[1]):
            seen += cells[1].split(", ")
            cells[2:4] = (f"{minutes} min" for minutes in sums(cells[1].split(", ")))
            line = f"| {' | '.join(cells)} |"
        elif cells[0] == "together":
            line = f"| together | | {' | '.join(map(hours, sums(seen)))} | |"
            seen = []
        done.append(line)
    return done


if __name__ == "__main__":
    TEACHING.write_text(filled_in(TEACHING.read_text(encoding="utf-8")), encoding="utf-8")
