"""`deck`: a lesson as slides, in one HTML file that asks for nothing.

Which slide a cell stands on is in its metadata, as Jupyter's programs know it (View → Right
Sidebar → Slide Type in JupyterLab). What is shown of a cell: see `slides`.
"""

import hashlib
import importlib
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from html import escape
from pathlib import Path

from course_utils.classroom import slides
from course_utils.classroom.commands import Refusal
from course_utils.classroom.files import Cell, read_executed, text_of, write_text
from course_utils.classroom.live import frame, live_views
from course_utils.lessons import Lesson

HERE = Path(__file__).parent
#: reveal.js, which shows the slides, and what is the course's own.
PARTS = {
    "reveal_css": "vendor/reveal.css",
    "reveal_js": "vendor/reveal.js",
    "notes_js": "vendor/notes.js",
    "css": "page/deck.css",
    "js": "page/deck.js",
}
#: In the notes of a slide that is a view.
_LIVE = (
    "<p><b>This view is live:</b> Tab leads into it, Escape back to the slides. If it shows a "
    "training, that was run for it on the digits that ship, and the text tells of MNIST.</p>"
)
#: The second line of a deck, by which it is known again.
_MADE = "<!-- made by course_utils deck, {} -->"


@dataclass
class Slide:
    """One slide: its heading, the cells that are on it, and its parts and notes as HTML."""

    heading: str
    opens_section: bool
    cells: list[str] = field(default_factory=list)
    parts: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    def html(self) -> str:
        """The slide as reveal.js takes it."""
        html = "".join(self.parts)
        kind = ' class="live"' if "<iframe" in html else ' class="few"' if _is_short(html) else ""
        level = "h1" if "title" in self.cells else "h2"
        head = re.sub("(?<=<|/)p(?=>)", level, slides.markdown_html(self.heading))
        notes = f'<aside class="notes">{"".join(self.notes)}</aside>'
        cells = f' data-cells="{" ".join(self.cells)}"'
        return f"<section{kind}{cells}>\n{head}{html}\n{notes}\n</section>"


def _is_short(html: str) -> bool:
    """Whether it is a few sentences alone, for which there is room to be large."""
    return not re.search("<(pre|img|table)", html) and len(re.sub("<[^>]*>", "", html)) < 400


def make_deck(lesson: Lesson, folder: Path) -> str:
    """Write a lesson's slides into the folder, as one file; returns its path."""
    cells = read_executed(lesson)["cells"]
    parts = {name: (HERE / path).read_text(encoding="utf-8") for name, path in PARTS.items()}
    parts["title"] = escape(f"{lesson.number:02} · {lesson.title}")
    parts["slides"] = "\n".join(_sections(_slides(lesson, cells)))
    empty = (HERE / "page" / "deck.html").read_text(encoding="utf-8")
    page = re.sub(r"@(\w+)@", lambda mark: parts[mark[1]], empty)
    return _write(folder / f"{lesson.path.stem}.html", page)


def _sections(all_slides: Iterator[Slide]) -> Iterator[str]:
    """Each opening slide, with those that follow it in one stack."""
    stack: list[str] = []
    for slide in all_slides:
        if slide.opens_section and stack:
            yield f"<section>{''.join(stack)}</section>"
            stack = []
        stack.append(slide.html())
    yield f"<section>{''.join(stack)}</section>"


def _slides(lesson: Lesson, cells: list[Cell]) -> Iterator[Slide]:
    live = _live_views(lesson)
    slide = _title(lesson, cells[0])
    for place, cell in enumerate(cells[1:], start=1):
        kind = cell["metadata"].get("slideshow", {}).get("slide_type", "-")
        if kind == "skip":
            continue
        if kind in ("slide", "subslide"):
            yield slide
            slide = Slide(_heading(cells[: place + 1]), opens_section=kind == "slide")
        if cell["cell_type"] == "markdown":
            slide.notes.append(slides.noted_text(cell))
        if "**Predict" in text_of(cell):
            slide.notes.append(_answer(cells[place + 1 :]))
        if kind == "notes":
            continue
        first, *more = live.get(cell["id"]) or slides.shown(cell, cells[place + 1 :])
        slide.cells.append(cell["id"])
        if cell["id"] in live:
            slide.notes.append(_LIVE)
        slide.parts.append(f'<div class="fragment">{first}</div>' if kind == "fragment" else first)
        for part in more:
            yield slide
            slide = Slide(slide.heading, opens_section=False, cells=[cell["id"]], parts=[part])
    yield slide


def _title(lesson: Lesson, cell: Cell) -> Slide:
    """Title and question alone; its notes have the rest, and what the checks know of mistakes."""
    slide = Slide(f"{lesson.number:02} · {lesson.title}", opens_section=True, cells=[cell["id"]])
    slide.parts.append(f'<p class="question">{escape(lesson.question)}</p>')
    slide.notes.append(slides.noted_text(cell))
    checks = importlib.import_module(f"course_utils.exercises.lesson{lesson.number:02}")
    mistakes = {
        sentence: None
        for check in vars(checks).values()
        for sentence in getattr(check, "sentences", {}).values()
    }
    known = "\n".join(f"- {sentence}" for sentence in mistakes)
    title = "**Mistakes that the exercises of this lesson recognise**"
    slide.notes.append(slides.markdown_html(f"{title}\n\n{known}"))
    return slide


def _heading(cells: list[Cell]) -> str:
    """The last heading before the end of these cells."""
    return next(filter(None, map(slides.heading_of, reversed(cells))))


def _answer(after: list[Cell]) -> str:
    """What comes out of a prediction: what the cells behind it print, and what is said of that."""
    printed: list[str] = []
    for cell in after:
        if cell["cell_type"] == "code":
            printed.append(slides.output_of(cell))
        elif printed:
            break
    text = "\n".join(filter(None, printed))
    said = slides.noted_text(cell) if cell["cell_type"] == "markdown" else ""
    return f"<p><b>The answer:</b></p><pre>{escape(text)}</pre>{said}"


def _live_views(lesson: Lesson) -> dict[str, list[str]]:
    """By the id of its cell, each view that needs no kernel, as large as on a full screen."""
    views = live_views(lesson)
    return {name: [frame(page.replace(":fullscreen", ""))] for name, page in views.items()}


def _write(path: Path, page: str) -> str:
    """Write a deck, over an earlier one that nobody has changed."""
    first, rest = page.split("\n", 1)
    note = _MADE.format(hashlib.sha256(rest.encode()).hexdigest()[:16])
    before = path.read_bytes() if path.is_file() else None
    if before is not None and not _made(before):
        raise Refusal(
            f"{path} was not made by `deck`, or has been changed since, and stays as it is: "
            "move it to another place, or name another folder."
        )
    write_text(path, f"{first}\n{note}\n{rest}", before)
    return str(path)


def _made(content: bytes) -> bool:
    _, note, rest = (content.decode("utf-8", "replace") + "\n\n").split("\n", 2)
    return note == _MADE.format(hashlib.sha256(rest[:-2].encode()).hexdigest()[:16])
