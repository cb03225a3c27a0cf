"""Notebooks as files: the course's own, and those that the commands make.

What a command writes holds a note in its metadata, by which it is known again.
"""

import contextlib
import hashlib
import json
import os
import shutil
from pathlib import Path

from course_utils.classroom.commands import Refusal
from course_utils.internals import places
from course_utils.lessons import Lesson

Cell = dict
Notebook = dict
#: The key of the note in a notebook's metadata.
NOTE = "course_utils"


def text_of(cell: Cell) -> str:
    """A cell's text; files hold it as lines."""
    return "".join(cell["source"])


def digest(cell: Cell) -> str:
    """What a cell says, in short: its kind, text and pasted pictures, and none of its outputs."""
    content = [cell["cell_type"], text_of(cell), cell.get("attachments") or {}]
    return _short(content)


def read_stored(lesson: Lesson) -> Notebook:
    """A lesson as it is stored, with its outputs."""
    try:
        return json.loads(lesson.path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise Refusal(
            f"{lesson.path} is missing. It comes with the course: "
            f"{places.how_to_restore(f'notebooks/{lesson.file}')} brings it back."
        ) from None


def read_executed(lesson: Lesson) -> Notebook:
    """A lesson as it is stored, for what shows its outputs; Refusal where there are none."""
    notebook = read_stored(lesson)
    if not all(cell.get("execution_count", True) for cell in notebook["cells"]):
        restore = places.how_to_restore(f"notebooks/{lesson.file}")
        raise Refusal(
            f"{lesson.file} has cells without their outputs, which are to be shown: run all cells "
            f"and save it; {restore} gets it back as it came."
        )
    return notebook


def read_lesson(lesson: Lesson) -> Notebook:
    """A lesson without outputs, and without the metadata that only its makers need."""
    notebook = read_stored(lesson)
    for cell in notebook["cells"]:
        cell["metadata"] = {
            key: cell["metadata"][key] for key in ("tags",) if key in cell["metadata"]
        }
        if cell["cell_type"] == "code":
            cell["outputs"] = []
            cell["execution_count"] = None
    return notebook


def read_made(path: Path, command: str) -> tuple[Notebook, bytes] | None:
    """A notebook that the command made, with its bytes; None where there is no file."""
    try:
        content = path.read_bytes()
    except FileNotFoundError:
        return None
    except OSError as error:
        raise Refusal(
            f"{path} cannot be read ({error.strerror}): move it to another place."
        ) from None
    try:
        notebook = json.loads(content)
        cells = notebook["cells"]
        for cell in cells:
            digest(cell), cell["metadata"].get("tags")
        made_by = notebook["metadata"].get(NOTE, {}).get("command")
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise Refusal(
            f"{path} is no whole notebook ({type(error).__name__}), and stays as it is: repair it, "
            "or move it to another place and run the command again."
        ) from None
    if made_by != command:
        raise Refusal(
            f"{path} was not made by `{command}`, and stays as it is: move it to another place, or "
            "name another folder."
        )
    return notebook, content


def write(path: Path, notebook: Notebook, before: bytes | None) -> None:
    """Write a notebook whole or not at all, where the file still is what was read before."""
    write_text(path, json.dumps(notebook, indent=1, ensure_ascii=False) + "\n", before)


def write_text(path: Path, text: str, before: bytes | None) -> None:
    """Write a text whole or not at all, where the file still is what was read before."""
    beside = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            beside.write_text(text, encoding="utf-8", newline="\n")
            if path.exists():
                shutil.copymode(path, beside)
            if (path.read_bytes() if path.exists() else None) != before:
                raise Refusal(f"{path} was saved by another program meanwhile: run this again.")
            os.replace(beside, path)
        finally:
            with contextlib.suppress(OSError):
                beside.unlink(missing_ok=True)
    except OSError as error:
        raise Refusal(
            f"{path} cannot be written ({error.strerror}): name a folder of your own."
        ) from None


def write_handout(path: Path, notebook: Notebook) -> None:
    """Write what `handout` makes, over its own earlier one, where nobody has changed that."""
    made = read_made(path, "handout")
    if made and made[0]["metadata"][NOTE].get("digest") != _whole(made[0]):
        raise Refusal(
            f"{path} has been changed since it was made, and stays as it is: move it to another "
            "place, or name another folder."
        )
    notebook["metadata"][NOTE] = {"command": "handout", "digest": _whole(notebook)}
    write(path, notebook, made[1] if made else None)


def _whole(notebook: Notebook) -> str:
    """All cells in short, with what people and nbgrader keep in their metadata."""
    kept = ("nbgrader", "tags", "slideshow")
    return _short(
        [(digest(cell), [cell["metadata"].get(key) for key in kept]) for cell in notebook["cells"]]
    )


def _short(content: object) -> str:
    text = json.dumps(content, sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()[:16]
