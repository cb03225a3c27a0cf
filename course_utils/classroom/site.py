"""`site`: the course as web pages, which are read without Jupyter, from a disk or a server.

Sphinx and MyST-NB build them from the lessons as they are stored. What is added here: figures with
alternative texts, live views in frames, and formulas as MathML, which needs no script.
"""

import hashlib
import io
import json
import re
import shutil
import sys
import tempfile
from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from course_utils.classroom.commands import Refusal
from course_utils.classroom.files import Cell, read_executed, text_of
from course_utils.classroom.live import frame, live_views
from course_utils.lessons import LESSONS, Lesson

PAGE = Path(__file__).parent / "page"
NEEDS = ("sphinx", "myst_nb", "furo", "latex2mathml")
#: The file in a site by which it is known again: what was made, with checksums.
NOTE = ".made_by_course_utils.json"
TITLE = "From a Neuron to a Convolutional Network"
SETTINGS: dict[str, Any] = {
    "project": TITLE,
    "html_title": TITLE,
    "language": "en",
    "extensions": ["myst_nb", __name__],
    "nb_execution_mode": "off",
    "myst_enable_extensions": ["dollarmath"],
    "html_math_renderer": "mathml",
    "html_theme": "furo",
    "html_static_path": [str(PAGE / "site.css"), str(PAGE / "site.js")],
    "html_css_files": ["site.css"],
    "html_js_files": ["site.js"],
    "templates_path": [str(PAGE / "templates")],
    "pygments_style": "a11y-high-contrast-light",
    "pygments_dark_style": "a11y-high-contrast-dark",
    "html_copy_source": False,
    "html_use_index": False,
    "html_show_copyright": False,
    "html_show_search_summary": False,  # it fetches pages, which browsers refuse on a disk
}
_SEEN = re.compile(r"\*\*In the (?:figure|view):\*\* (.*?[.!?])(?:\s|$)", re.S)
_OUTWARD = re.compile(r"\[([^]]*)\]\(\.\./[^)]*\)")
_STILL = "This is a picture of the view; in Jupyter it answers."
_REPLAYED = (
    "This training was run for this page on the digits that ship with the course; the text tells "
    "of MNIST."
)


def make_site(folder: Path) -> str:
    """Build the site in a new folder, or again in that of an earlier one; returns its first page.

    Raises Refusal where a package is missing, the folder holds anything else, or a lesson was
    never executed.
    """
    if missing := [name for name in NEEDS if not find_spec(name)]:
        raise Refusal(
            f"The site is built with {missing[0]}, which is not installed: run "
            '`pip install -e ".[site]"` in the course\'s folder.'
        )
    earlier = find_earlier(folder)
    lessons = [lesson for lesson in LESSONS if lesson.written]
    notebooks = [read_executed(lesson) for lesson in lessons]
    with tempfile.TemporaryDirectory() as scratch:
        source, built = Path(scratch, "source"), Path(scratch, "site")
        source.mkdir()
        (source / "conf.py").write_text(
            f"from {__name__} import SETTINGS\nglobals().update(SETTINGS)"
        )
        (source / "index.md").write_text(_contents(lessons), encoding="utf-8")
        for lesson, notebook in zip(lessons, notebooks, strict=True):
            page = _page(notebook["cells"], live_views(lesson))
            (source / lesson.file).write_text(json.dumps({**notebook, "cells": page}), "utf-8")
        _build(source, built)
        put_site(built, folder, earlier)
    return str(folder / "index.html")


def setup(app: Any) -> dict:
    """What this module adds to Sphinx, as one of its extensions."""
    app.add_html_math_renderer("mathml", (_write_formula, None), (_write_formula, None))
    app.connect("html-page-context", _without_empty_headings)
    return {"parallel_read_safe": True, "parallel_write_safe": True}


def _write_formula(writer: Any, node: Any) -> None:
    """A formula of the page that Sphinx writes, as MathML."""
    from docutils.nodes import SkipNode, math
    from latex2mathml.converter import convert

    if isinstance(node, math):
        writer.body.append(convert(node.astext()))
    else:
        formula = convert(node.astext(), display="block")
        writer.body.append(f'<div class="formula">{formula}</div>\n')
    raise SkipNode


def _without_empty_headings(
    _app: Any, _page: str, _template: str, context: dict, _tree: Any
) -> None:
    """A table's corner with nothing in it is a cell, and no heading."""
    corner = r'<th class="head">(<p>\s*</p>)?</th>'
    context["body"] = re.sub(corner, "<td></td>", context.get("body", ""))


def _contents(lessons: Sequence[Lesson]) -> str:
    """The first page: page/site.md with the lessons."""
    rows = [
        f"| {lesson.number:02} | [{lesson.title}]({lesson.file}) | {lesson.question} |"
        for lesson in lessons
    ]
    page = (PAGE / "site.md").read_text(encoding="utf-8").replace("@title@", TITLE)
    page = page.replace("@rows@", "\n".join(rows))
    return page.replace("@files@", "\n".join(lesson.file for lesson in lessons))


def _page(cells: Sequence[Cell], live: dict[str, str]) -> list[Cell]:
    """A lesson's cells as the site shows them; live: `live_views` of the lesson."""
    page = []
    for cell, next_cell in zip(cells, [*cells[1:], None], strict=True):
        if cell["cell_type"] == "markdown":
            cell = {**cell, "source": _OUTWARD.sub(r"\1", text_of(cell))}
        elif cell["id"] in live:
            cell = {**cell, "outputs": _live_outputs(live[cell["id"]], text_of(cell))}
        elif next_cell and (seen := _SEEN.match(text_of(next_cell))):
            cell = _described(cell, seen)
        page.append(cell)
    return page


def _live_outputs(page: str, source: str) -> list[dict]:
    outputs = [_html(frame(page))]
    return [*outputs, _html(f"<p>{_REPLAYED}</p>")] if "Replay(" in source else outputs


def _described(cell: Cell, seen: re.Match) -> Cell:
    """A cell whose pictures have what the next cell says of them as their alternative text."""
    alt = re.sub(r"[*`$\\{}]", "", seen[1])
    note = [_html(f"<p>{_STILL}</p>")] if "view" in seen[0].split(":")[0] else []
    return {
        **cell,
        "metadata": {**cell["metadata"], "mystnb": {"image": {"alt": alt}}},
        "outputs": [*cell["outputs"], *note],
    }


def _html(text: str) -> dict:
    return {"output_type": "display_data", "metadata": {}, "data": {"text/html": text}}


def _build(source: Path, built: Path) -> None:
    from sphinx.application import Sphinx
    from sphinx.util.docutils import docutils_namespace, patch_docutils

    warnings = io.StringIO()
    doctrees = source.with_name("doctrees")
    with patch_docutils(), docutils_namespace():
        options: dict = {"status": None, "warning": warnings, "parallel": 2}
        Sphinx(source, source, built, doctrees, "html", **options).build()
    print(warnings.getvalue(), file=sys.stderr, end="")


def find_earlier(folder: Path) -> dict[str, str]:
    """What an earlier run has made in the folder; Refusal where it holds anything else."""
    try:
        note = folder / NOTE
        made = json.loads(note.read_text(encoding="utf-8")) if note.exists() else {}
        files = _checksums(folder)
    except (OSError, ValueError) as error:
        raise Refusal(f"{folder} cannot be read ({error}): name a new folder.") from None
    others = sorted(name for name in files if files[name] != made.get(name))
    if folder.is_file() or others:
        subject = f"{folder} holds {others[0]}, which is" if others else f"{folder} is a file,"
        raise Refusal(f"{subject} not of an earlier site, and stays as it is: name a new folder.")
    return made


def _checksums(folder: Path) -> dict[str, str]:
    """The SHA-256 of every file in a folder, but of the note itself."""
    return {
        path.relative_to(folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in folder.rglob("*")
        if path.is_file() and path.name != NOTE
    }


def put_site(built: Path, folder: Path, earlier: dict[str, str]) -> None:
    """Put a site in the folder, in place of the earlier one."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for name in earlier:
            (folder / name).unlink(missing_ok=True)
        (folder / NOTE).write_text(json.dumps(_checksums(built), indent=0), encoding="utf-8")
        shutil.copytree(built, folder, dirs_exist_ok=True)
    except OSError as error:
        raise Refusal(
            f"{error.filename} cannot be written ({error.strerror}): name a folder of your own."
        ) from None
