"""The class mirror: a page that says which mistakes a class has made, and what to show next.

It is made of counts alone, so it cannot hold a name or a line of a student's. It loads nothing.
"""

import importlib
import re
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from html import escape

from course_utils.classroom.files import Cell, read_lesson, text_of
from course_utils.classroom.handout import exercises_of
from course_utils.classroom.sections import TAUGHT
from course_utils.exercises.engine.codes import PATTERNS
from course_utils.lessons import LESSONS, Lesson

#: What is said of codes that are not an exercise's own mistakes: patterns that the engine of the
#: checks sees in wrong results, and what happened to a kernel.
WORDS = PATTERNS | {
    "raised": "The answer stops with an error when it is called.",
    "error": "The cell of the answer stops with an error, and there is no answer.",
    "syntax-error": "The cell of the answer is no Python.",
    "different": "The answer is wrong in a way that has no name.",
    "timeout": "The answer was not done in time, and was ended.",
    "memory": "The answer took too much memory, and was ended.",
    "processes": "The answer started too many processes, and was ended.",
    "output": "The answer printed too much, and was ended.",
    "not-marked": "The answer could not be marked; marks.csv says why.",
    "died": "The answer ended its own process.",
    "stopped": "The check was stopped before it was done.",
    "not-a-notebook": "The file, or folder, is no notebook that can be read.",
    "unknown-lesson": "The notebook is of none of the course's lessons.",
}
_STYLE = """
:root { color-scheme: light dark; --text: #1a1a1a; --soft: #555; --page: #fff; --line: #bbb;
  --right: #0b6e4f; --wrong: #a8480b; --open: #767676; }
@media (prefers-color-scheme: dark) { :root { --text: #eee; --soft: #bbb; --page: #161616;
  --line: #555; --right: #5fd3a8; --wrong: #ffae70; --open: #a5a5a5; } }
body { font: 1.125rem/1.5 system-ui, sans-serif; color: var(--text); background: var(--page);
  max-width: 52rem; margin: 0 auto; padding: 1rem; }
h2 { border-bottom: 1px solid var(--line); margin-top: 2.5rem; }
h3 { margin: 2rem 0 .25rem; }
.bar { display: flex; gap: 2px; height: 1rem; margin: .5rem 0; }
.bar i { display: block; min-width: 2px; }
.right { background: var(--right); } .open { background: var(--open); }
.wrong { background: repeating-linear-gradient(135deg, var(--wrong) 0 6px, var(--page) 6px 9px); }
table { border-collapse: collapse; width: 100%; }
caption { text-align: left; color: var(--soft); }
th, td { text-align: left; vertical-align: top; padding: .4rem .8rem .4rem 0;
  border-top: 1px solid var(--line); }
th[scope=row] { white-space: nowrap; }
code { font-size: .9em; } small { color: var(--soft); font-size: .85em; }
@media (max-width: 40rem) { thead { position: absolute; left: -9999px; }
  tr { display: block; border-top: 1px solid var(--line); padding: .4rem 0; }
  th, td { display: block; border: 0; padding: .1rem 0; } }
@media print { body { max-width: none; font-size: 11pt; } section, tr { break-inside: avoid; }
  .bar { print-color-adjust: exact; } }
"""


def mirror(answers: Mapping[tuple[str, str], Counter[str]], unmarked: Counter[str]) -> str:
    """The page, in HTML.

    answers: how many got each code, by lesson (such as "06") and exercise, in order.
    unmarked: how many submissions were not marked at all, by the code that says why.
    """
    parts = [
        "<h1>Class mirror</h1>",
        "<p>Which mistakes the class has made, as the checks see them, and what to show next: the "
        "section of the lesson where it was taught, its view, and the question that it asks. There "
        "are no names on this page.</p>",
    ]
    for number in dict.fromkeys(number for number, _ in answers):
        lesson = _Lesson(LESSONS[int(number)])
        parts.append(f"<h2>{number} · {escape(lesson.lesson.title)}</h2>")
        for (answered_lesson, exercise), codes in answers.items():
            if answered_lesson == number:
                parts.append(_exercise(lesson, exercise, codes))
    if unmarked:
        rows = "".join(
            f"<li>{_students(count)}: {as_html(WORDS[code])}</li>"
            for code, count in unmarked.most_common()
        )
        parts.append(f"<h2>Not marked</h2><ul>{rows}</ul>")
    return (
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>Class mirror</title>\n<style>{_STYLE}</style>\n</head>\n<body>\n<main>\n"
        + "\n".join(parts)
        + "\n</main>\n</body>\n</html>\n"
    )


def _exercise(lesson: "_Lesson", exercise: str, codes: Counter[str]) -> str:
    """A heading, how many were right, and a row for each mistake, the most frequent first."""
    every, right, unanswered = codes.total(), codes["correct"], codes["unanswered"]
    wrong = every - right - unanswered
    summary = (
        f"{right} of {_students(every)} right, {wrong} with a mistake, {unanswered} unanswered"
    )
    parts = ((right, "right"), (wrong, "wrong"), (unanswered, "open"))
    bar = "".join(f'<i class="{kind}" style="flex:{count}"></i>' for count, kind in parts if count)
    rows = "".join(
        _row(lesson, exercise, code, count)
        for code, count in codes.most_common()
        if code not in ("correct", "unanswered")
    )
    table = (
        "<table><thead><tr><th scope='col'>How many</th><th scope='col'>What happened</th></tr>"
        f"</thead><tbody>{rows}</tbody></table>"
    )
    show = f"<p>{_show(lesson.section(exercise))}</p>" if right < every else ""
    return (
        f"<section><h3>{as_html(lesson.task(exercise))}</h3><p>{summary}</p>"
        f'<div class="bar" aria-hidden="true">{bar}</div>{show}{table if rows else ""}</section>'
    )


def _row(lesson: "_Lesson", exercise: str, code: str, count: int) -> str:
    checks = importlib.import_module(f"course_utils.exercises.lesson{lesson.lesson.number:02}")
    known = WORDS | getattr(checks, f"check_{exercise}").sentences
    code = code if code in known else "different"
    section = lesson.section(f"{exercise} {code}")
    return (
        f"<tr><th scope='row'>{_students(count)}</th>"
        f"<td>{as_html(_of_the_class(known[code]))} <small><code>{escape(code)}</code></small>"
        f"{f'<br>{_show(section)}' if section else ''}</td></tr>"
    )


def _of_the_class(sentence: str) -> str:
    """A check's sentence, without the words that speak to one student."""
    what = sentence.removeprefix("Your result is what comes out when ")
    return what[:1].upper() + what[1:]


def _show(section: "_Section | None") -> str:
    """What to show next."""
    if section is None:
        return ""
    view = f" with the view <code>{section.view}</code>" if section.view else ""
    ask = f", and ask: <q>{as_html(section.question)}</q>" if section.question else ""
    return f"Show <b>{as_html(section.title)}</b>{view}{ask}"


def _students(count: int) -> str:
    return f"{count} student" + "s" * (count != 1)


def as_html(markdown: str) -> str:
    """Text of a lesson or of a check: its code marked, without links and formulas' dollars."""
    text = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", markdown)
    text = re.sub(r"(\*\*?)(?=\S)([^*]+)(?<=\S)\1", r"\2", text).replace("$", "")
    return re.sub(r"`([^`]+)`", r"<code>\1</code>", escape(text, quote=False))


@dataclass(frozen=True)
class _Section:
    """A section of a lesson: its title, its cells, the first prediction and view in them."""

    title: str
    cells: list[Cell]

    @cached_property
    def text(self) -> str:
        return "\n".join(map(text_of, self.cells))

    @property
    def question(self) -> str:
        """Without formulas, which this page cannot draw."""
        found = re.search(r"^\*\*Predict:?\*\*:? *([^\\\n]+)$", self.text, re.M)
        return found[1][:1].upper() + found[1][1:] if found else ""

    @property
    def view(self) -> str:
        found = re.search(r"\bviews\.([A-Z]\w+)\(", self.text)
        return found[1] if found else ""


class _Lesson:
    """A lesson's sections, and the tasks of its exercises."""

    def __init__(self, lesson: Lesson) -> None:
        self.lesson = lesson
        self._cells = read_lesson(lesson)["cells"]
        self._stubs = {
            exercise.name: self._cells.index(exercise.stub)
            for exercise in exercises_of({"cells": self._cells})
        }
        self._sections: dict[str, _Section] = {}
        title = ""
        for cell in self._cells:
            head = re.match(r"## (.*)", text_of(cell)) if cell["cell_type"] == "markdown" else None
            title = head[1] if head else title
            self._sections.setdefault(title, _Section(title, [])).cells.append(cell)

    def task(self, exercise: str) -> str:
        """The exercise's heading."""
        above = (text_of(cell) for cell in reversed(self._cells[: self._stubs[exercise]]))
        found = (re.match(r"###+ (.*)", text) for text in above)
        return next((head[1] for head in found if head), exercise)

    def section(self, what: str) -> _Section | None:
        """The section that taught an exercise, or one that is for a mistake alone."""
        title = TAUGHT.get(f"{self.lesson.number:02} {what}")
        return self._sections[title] if title else None
