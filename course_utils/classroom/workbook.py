"""`workbook`: copies of lessons to write in, and their update after the course has changed.

A copy's metadata remember what each cell of the course said when it was copied. By that the next
run tells what the student has changed from what the course has changed, cell by cell.
"""

import copy
import os
import re
import uuid
from collections import Counter
from collections.abc import Container, Sequence
from pathlib import Path
from urllib.parse import quote

from course_utils.classroom.commands import Refusal
from course_utils.classroom.files import (
    NOTE,
    Cell,
    Notebook,
    digest,
    read_lesson,
    read_made,
    text_of,
    write,
)
from course_utils.internals import places
from course_utils.lessons import Lesson

_CHANGED = "The course has a new version of the cell above, which you have changed:"
_DELETED = "The course has a new version of a cell that you have deleted here:"


def update_workbook(lesson: Lesson, folder: Path) -> str:
    """Copy a lesson to the folder, or bring the copy there up to date; returns what was done.

    What the student has altered, added, deleted or moved stays so. Where the course has changed
    the same cell, its version stands beside the student's, marked, as text that is not run.
    """
    path = folder / lesson.file
    course = read_lesson(lesson)
    lead_links_out(course, lesson, folder)
    made = read_made(path, "workbook")
    if made is None:
        course["metadata"][NOTE] = _note([(c["id"], digest(c)) for c in course["cells"]], {})
        write(path, course, None)
        return f"{path}: new"
    student, before = made
    old, old_beside = _noted(student, path)
    merged, counts = merge(course, student, old, old_beside)
    if merged != student:
        write(path, merged, before)
    summary = ", ".join(f"{count} {change}" for change, count in counts.items())
    return f"{path}: {summary or 'up to date'}"


def lead_links_out(course: Notebook, lesson: Lesson, folder: Path) -> None:
    """Let links to the folder above the lessons lead there from the copy's folder too.

    Where the package is installed alone, nothing is there to lead to, and their words stay.
    """
    above = lesson.path.parents[1]
    try:
        to_above = Path(os.path.relpath(above, folder.resolve())).as_posix()
    except ValueError:  # on Windows, another drive
        to_above = above.as_posix()
    for cell in course["cells"]:
        if cell["cell_type"] == "markdown":
            text = text_of(cell)
            if places.IN_CHECKOUT:
                text = text.replace("](../", f"]({quote(to_above, safe='/:')}/")
            else:
                text = re.sub(r"\[([^\]]*)\]\(\.\./[^)]*\)", r"\1", text)
            cell["source"] = text.splitlines(keepends=True)


def _note(cells: Sequence[tuple[str, str]], beside: dict[str, str]) -> dict:
    # A list, since Jupyter sorts the keys of what it saves, and the order is needed.
    return {"command": "workbook", "cells": [list(pair) for pair in cells], "beside": beside}


def _noted(student: Notebook, path: Path) -> tuple[dict[str, str], dict[str, str]]:
    note = student["metadata"][NOTE]
    try:
        return dict(note["cells"]), dict(note["beside"])
    except (KeyError, TypeError, ValueError):
        raise Refusal(
            f"{path} has lost the course's note in its metadata, and stays as it is: move it to "
            "another place, run this again, and copy your cells into the new file."
        ) from None


def merge(
    course: Notebook, student: Notebook, old: dict[str, str], old_beside: dict[str, str]
) -> tuple[Notebook, Counter]:
    """The student's notebook with what the course has changed, and how many cells of what.

    old: the digests of the course's cells that the student began from. A cell that both changed
    keeps its digest there, so that both versions are known as long as they differ.
    old_beside: those of the versions that were put beside the student's. One that the student
    has deleted since does not come back.
    """
    merged = copy.deepcopy(student)
    mine = _by_id(merged["cells"], old)
    before = {id: digest(cell) for id, cell in mine.items()}
    order: list[str] = []
    note: list[tuple[str, str]] = []
    beside: dict[str, str] = {}
    counts: Counter[str] = Counter()
    for cell in course["cells"]:
        id, course_digest = cell["id"], digest(cell)
        old_digest, student_digest = old.get(id), before.get(id)
        order.append(id)
        known: str | None = course_digest
        if student_digest is None and old_digest is None:
            mine[id] = cell
            counts["new"] += 1
        elif student_digest == old_digest != course_digest:
            mine[id] = {**cell, "metadata": _metadata(mine[id], cell)}
            counts["brought up to date"] += 1
        elif course_digest not in (old_digest, student_digest):  # both changed it
            version = _version(cell, _CHANGED if student_digest else _DELETED)
            order.append(version["id"])
            beside[version["id"]] = digest(version)
            if version["id"] not in {**old_beside, **mine}:
                mine[version["id"]] = version
                counts["put beside yours, as both changed"] += 1
            known = old_digest
        if known is not None:
            note.append((id, known))
    for id, as_made in {**old, **old_beside}.items():
        if before.get(id) == as_made and id not in order:
            del mine[id]
            counts["removed"] += 1
    ids = _order(order, list(before), list(old), mine)
    merged["cells"] = [mine[id] for id in ids]
    merged["metadata"][NOTE] = _note(note, beside)
    merged["nbformat_minor"] = max(5, merged.get("nbformat_minor", 0))
    return merged, counts


def _by_id(cells: Sequence[Cell], old: dict[str, str]) -> dict[str, Cell]:
    """Cells by their ids; what a program has left without one is known by what it says."""
    found: dict[str, Cell] = {}
    named = {cell.get("id") for cell in cells}
    for cell in cells:
        id = cell.get("id")
        if not id or id in found:
            content = digest(cell)
            alike = (
                old_id
                for old_id, old_digest in old.items()
                if old_digest == content and old_id not in {*named, *found}
            )
            id = cell["id"] = next(alike, uuid.uuid4().hex[:8])
        found[id] = cell
    return found


def _order(
    course: Sequence[str], student: Sequence[str], old: Sequence[str], kept: Container[str]
) -> list[str]:
    """The course's order, with the student's own cells behind those that they followed.

    Where the student has moved cells it is the student's order, with the course's new cells.
    """
    moved = [id for id in old if id in student] != [id for id in student if id in old]
    first, second = (student, course) if moved else (course, student)
    order = [id for id in first if id in kept]
    place = 0
    for id in second:
        if id in order:
            place = order.index(id) + 1
        elif id in kept:
            order.insert(place, id)
            place += 1
    return order


def _metadata(mine: Cell, cell: Cell) -> dict:
    """What the student's programs keep with a cell, and the tags of both."""
    both = [*mine["metadata"].get("tags", []), *cell["metadata"].get("tags", [])]
    metadata = {**mine["metadata"], **cell["metadata"]}
    return {**metadata, "tags": list(dict.fromkeys(both))} if both else metadata


def _version(cell: Cell, sentence: str) -> Cell:
    """A cell of the course as a text beside the student's."""
    text = text_of(cell)
    if cell["cell_type"] == "code":
        fence = "`" * max(3, 1 + max(map(len, re.findall("`+", text)), default=0))
        text = f"{fence}python\n{text}\n{fence}"
    return {
        "cell_type": "markdown",
        "id": f"{cell['id'][:40]}-{digest(cell)[:8]}",
        "metadata": {"tags": ["course-version"]},
        "source": f"> **{sentence}**\n\n{text}".splitlines(keepends=True),
    }
