"""`handout`: a lesson without its solutions, for nbgrader, or as the key for its instructor."""

import importlib
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from course_utils.classroom.files import Cell, Notebook, read_lesson, text_of, write_handout
from course_utils.lessons import Lesson

KINDS = ("plain", "key", "nbgrader")
_SOLUTION = re.compile(r"<details><summary>Solution</summary>(.*?)</details>\n?", re.S)
#: The last line of a stub: the check of the answer.
_CHECK = re.compile(r"^lesson\d\d\.check_(\w+)\(\1\)$", re.M)
#: What the lessons' text says of the solutions, which a handout has not.
_OF_SOLUTIONS = (
    ", and the solution after your own try",
    " and a solution",
    ", solution",
)
_MARKING = """\
# Marks the answer above by the installed check, loaded anew, whatever became of the imported one.
import runpy, subprocess, sys

find = "import course_utils.classroom.marking as marking; print(marking.__file__)"
find = [sys.executable, "-P", "-c", find]  # -P: not from this notebook's folder
found = subprocess.run(find, capture_output=True, text=True, check=True).stdout.strip()
verdict = runpy.run_path(found)["mark"]("LESSON", "NAME", NAME)
print(verdict)
assert verdict.code == "correct", verdict.code"""


@dataclass(frozen=True)
class Exercise:
    """An exercise: the line that calls its check, the answer's name, its stub, its solution,
    and what the lesson says after that.
    """

    call: str
    name: str
    stub: Cell
    solution: str
    remark: str


def hand_out(lesson: Lesson, kind: str, folder: Path, exercises_only: bool = False) -> str:
    """Write a lesson to the folder, in one of the KINDS; returns the path of what was written."""
    notebook = read_lesson(lesson)
    exercises = {exercise.stub["id"]: exercise for exercise in exercises_of(notebook)}
    cells = notebook["cells"]
    if exercises_only or kind == "key":
        cells = _only_exercises(cells)
    path = folder / lesson.file
    if kind == "plain":
        notebook["cells"] = [_without_solution(cell) for cell in cells]
    elif kind == "key":
        path = path.with_stem(f"{path.stem}_key")
        notebook["cells"] = [*_key(lesson, cells, exercises)]
    else:
        path = folder / "source" / path.stem / path.name
        notebook["cells"] = [*_graded(lesson, cells, exercises)]
    write_handout(path, notebook)
    return str(path)


def exercises_of(notebook: Notebook) -> Iterator[Exercise]:
    """Each stub, with the solution in the next cell that has one."""
    stub, call, name = None, "", ""
    for cell in notebook["cells"]:
        text = text_of(cell)
        found = _CHECK.search(text) if cell["cell_type"] == "code" else None
        if found:
            stub, call, name = cell, found[0], found[1]
        solution = _SOLUTION.search(text)
        if solution and stub:
            _, code, remark = re.split(r"```(?:python)?\n", solution[1], maxsplit=2)
            yield Exercise(call, name, stub, code.rstrip("\n"), remark.strip())
            stub = None


def _only_exercises(cells: list[Cell]) -> list[Cell]:
    """Title, imports, and from "Try it" to the recap."""
    title = {**cells[0], "source": [cells[0]["source"][0].rstrip("\n")]}
    imports = next(cell for cell in cells if cell["cell_type"] == "code")
    heads = [next(iter(cell["source"]), "").rstrip("\n") for cell in cells]
    return [title, imports, *cells[heads.index("## Try it") : heads.index("## Recap")]]


def _without_solution(cell: Cell) -> Cell:
    if cell["cell_type"] != "markdown":
        return cell
    text = _SOLUTION.sub("", text_of(cell)).rstrip("\n")
    for words in _OF_SOLUTIONS:
        text = text.replace(words, "")
    return _with_text(cell, text)


def _with_text(cell: Cell, text: str, **changes: object) -> Cell:
    return {**cell, **changes, "source": text.splitlines(keepends=True)}


def _key(lesson: Lesson, cells: list[Cell], exercises: dict[str, Exercise]) -> Iterator[Cell]:
    """Tasks, answers, and what the checks themselves say of each mistake that they know."""
    checks = importlib.import_module(f"course_utils.exercises.lesson{lesson.number:02}")
    for cell in cells:
        exercise = exercises.get(cell["id"])
        if exercise is None:
            if not _SOLUTION.search(text_of(cell)):
                yield cell
            continue
        check = getattr(checks, f"check_{exercise.name}")
        yield _with_text(cell, f"{exercise.solution}\n\n\n{exercise.call}")
        known = [f"- `{code}`: {sentence}" for code, sentence in check.sentences.items()]
        said = "\n".join(
            ["**Known mistakes**, by the verdict's code, and what is said:", "", *known]
        )
        yield {
            "cell_type": "markdown",
            "id": f"{cell['id']}-mistakes",
            "metadata": {},
            "source": f"{exercise.remark}\n\n{said}".strip().splitlines(keepends=True),
        }


def _graded(lesson: Lesson, cells: list[Cell], exercises: dict[str, Exercise]) -> Iterator[Cell]:
    """Stubs as nbgrader's solution cells, and behind each a locked cell that marks it."""
    for cell in cells:
        exercise = exercises.get(cell["id"])
        if exercise is None:
            yield _without_solution(cell)
            continue
        yield _with_text(
            cell, _with_region(exercise), metadata=_nbgrader(cell["id"], solution=True)
        )
        id = f"{cell['id']}-test"
        text = _MARKING.replace("LESSON", f"{lesson.number:02}").replace("NAME", exercise.name)
        yield _with_text(
            cell, text, id=id, metadata=_nbgrader(id, grade=True, locked=True, points=1)
        )


def _with_region(exercise: Exercise) -> str:
    """The stub with its solution in a region that nbgrader clears: what stays is our stub.

    The body of a function stands in place of its dots; other answers stand below theirs.
    """
    begin, end = "### BEGIN SOLUTION", "### END SOLUTION"
    stub, answer = text_of(exercise.stub), exercise.solution
    head, _, body = answer.partition("\n")
    if stub.startswith(f"{head}\n") and "\n    ...\n" in stub:
        return stub.replace("\n    ...\n", f"\n    {begin}\n{body}\n    {end}\n", 1)
    above = stub.partition(exercise.call)[0].rstrip("\n")
    return f"{above}\n\n{begin}\n{answer}\n{end}\n\n{exercise.call}"


def _nbgrader(id: str, **options: object) -> dict:
    meant = {"grade": False, "locked": False, "solution": False, "task": False}
    return {"nbgrader": {**meant, "schema_version": 3, "grade_id": id, **options}}
