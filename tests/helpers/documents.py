"""Reading the stored lessons, for the tests."""

import functools
import re

import nbformat
from nbformat import NotebookNode

from course_utils.lessons import LESSONS, Lesson

WRITTEN = [lesson for lesson in LESSONS if lesson.written]
IDS = [lesson.path.stem for lesson in WRITTEN]


@functools.cache
def stored(lesson: Lesson) -> NotebookNode:
    return nbformat.read(lesson.path, as_version=4)


def code_cells(lesson: Lesson) -> list[NotebookNode]:
    return [cell for cell in stored(lesson).cells if cell.cell_type == "code"]


def prose(lesson: Lesson) -> str:
    return "\n\n".join(c.source for c in stored(lesson).cells if c.cell_type == "markdown")


def tags(cell: NotebookNode) -> list[str]:
    return cell.metadata.get("tags", [])


def tagged(lesson: Lesson, tag: str) -> list[NotebookNode]:
    return [cell for cell in code_cells(lesson) if tag in tags(cell)]


def taught(number: int) -> dict:
    """The names that a lesson's imports and taught cells define, read from the stored notebook."""
    namespace = {}
    exec(code_cells(LESSONS[number])[0].source, namespace)
    for cell in tagged(LESSONS[number], "taught"):
        exec(cell.source, namespace)
    return namespace


def text_outputs(cell: NotebookNode) -> str:
    """What nbval compares of a cell's stored outputs."""
    parts = []
    for output in cell.outputs:
        parts.append(output.get("text", ""))
        parts.append(output.get("data", {}).get("text/plain", ""))
    return "\n".join(parts)


def has_figure(cell: NotebookNode) -> bool:
    return any("image/png" in output.get("data", {}) for output in cell.get("outputs", []))


def has_view(cell: NotebookNode) -> bool:
    """Whether the cell shows an interactive view: a widget's picture, not a plot's."""
    return any(
        "image/png" in output.get("data", {})
        and not str(output.data.get("text/plain", "")).startswith("<Figure")
        for output in cell.get("outputs", [])
    )


def solutions(lesson: Lesson) -> dict[str, str]:
    """The source of each collapsed solution, by the name of the check of the stub above it."""
    found, check = {}, None
    for cell in stored(lesson).cells:
        if cell.cell_type == "code":
            calls = re.findall(r"^lesson\d\d\.(check_\w+)\(", cell.source, re.M)
            check = calls[-1] if calls else check
        elif "<summary>Solution</summary>" in cell.source:
            after = cell.source.split("<summary>Solution</summary>")[1]
            (found[check],) = re.findall(r"```python\n(.*?)```", after, re.S)
    return found


def minutes(lesson: Lesson) -> tuple[float, int]:
    """How long a reader takes: for reading and predicting, and for the exercises.

    Counted at 200 words and 12 lines of code a minute, with a minute for each prediction and five
    for each exercise. Hints and solutions, the references and the glossary are left out.
    """
    text = re.sub(r"<details>.*?</details>", "", prose(lesson), flags=re.S)
    text = text.split("**References**")[0]
    words = re.sub(r"\$\$.*?\$\$|\$[^$]*\$", " formula ", text, flags=re.S)
    words = len(re.sub(r"[|*#`>_-]", " ", words).split())
    exercises = len(solutions(lesson))
    stubs = [cell for cell in code_cells(lesson) if "Not answered yet" in text_outputs(cell)]
    lines = sum(
        1
        for cell in code_cells(lesson)
        if cell not in stubs
        for line in cell.source.split("\n")
        if line
    )
    predictions = len(re.findall(r"\*\*Predict:?\*\*", text))
    return words / 200 + lines / 12 + predictions, 5 * exercises
