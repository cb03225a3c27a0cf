"""Submissions: which there are in a folder, of which lesson, and what an exercise needs to run.

Neither a cell's id nor its place is relied on, since programs drop ids and students move cells. An
answer is what a student has written to define the exercise's name. Of the other cells those run
which assign a name that it uses, so that helpers are there and no training runs that is not needed.
"""

import re
import symtable
import warnings
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import nbformat
from IPython.core.inputtransformer2 import TransformerManager

from course_utils.classroom.commands import Refusal
from course_utils.classroom.files import read_lesson, text_of
from course_utils.classroom.handout import exercises_of
from course_utils.classroom.outcomes import Outcome
from course_utils.lessons import LESSONS, Lesson

#: A notebook larger than this, in bytes, is not read.
LARGEST = 100_000_000


@dataclass(frozen=True)
class Submission:
    """What a student handed in: a notebook, or a folder without one; file: as it is listed."""

    student: str
    file: str
    path: Path


class Unmarkable(Outcome):
    """Why an answer, or all of a submission, cannot be run."""


def find_submissions(folder: Path) -> list[Submission]:
    """A folder for each student (as nbgrader has them in `submitted`), or a file for each.

    The student's name is that of the folder, or the file's without the lesson's.
    """
    if not folder.is_dir():
        raise Refusal(f"{folder} is no folder: name the one that holds the submissions.")
    inside = folder / "submitted"
    found: list[Submission] = []
    for entry in sorted((inside if inside.is_dir() else folder).iterdir()):
        if _hidden(entry, folder):
            continue
        paths, student = [entry], entry.name
        if entry.is_dir():
            notebooks = sorted(entry.rglob("*.ipynb"))
            paths = [path for path in notebooks if not _hidden(path, entry)] or paths
        elif entry.suffix == ".ipynb":
            student = _student(entry.stem)
        else:
            continue
        found += [Submission(student, str(path.relative_to(folder)), path) for path in paths]
    if not found:
        raise Refusal(
            f"There is no submission in {folder}: it should hold a folder for each student, or "
            "notebooks such as mia_06_convolution.ipynb."
        )
    return found


def _hidden(path: Path, folder: Path) -> bool:
    """What editors and archives leave, such as .ipynb_checkpoints and __MACOSX."""
    return any(part.startswith((".", "__")) for part in path.relative_to(folder).parts)


def _student(stem: str) -> str:
    for lesson in LESSONS:
        stem = stem.replace(lesson.path.stem, "").strip(" _-") or stem
    return stem


@dataclass(frozen=True)
class Code:
    """A code cell. own: whether the student has written or changed it."""

    text: str
    own: bool

    @cached_property
    def _tables(self) -> list[symtable.SymbolTable] | None:
        """Python's tables of the cell's names, the cell's own first; None where it is no Python."""
        try:
            with warnings.catch_warnings(action="ignore"):
                python = TransformerManager().transform_cell(self.text)
                return [*_with_inner(symtable.symtable(python, "cell", "exec"))]
        except (SyntaxError, ValueError, RecursionError, MemoryError):
            return None

    @property
    def is_python(self) -> bool:
        return self._tables is not None

    @cached_property
    def defines(self) -> set[str]:
        """The names that it assigns outside of functions, imports included."""
        return self._names(
            lambda name, in_function: (
                (name.is_assigned() or name.is_imported())
                and (name.is_declared_global() or not in_function)
            )
        )

    @cached_property
    def uses(self) -> set[str]:
        """The names that it looks up outside of functions, also from inside of them."""
        return self._names(
            lambda name, in_function: name.is_referenced() and (name.is_global() or not in_function)
        )

    def _names(self, keep: Callable[[symtable.Symbol, bool], bool]) -> set[str]:
        """The names to keep, by how they are used and whether in a function or a class."""
        return {
            symbol.get_name()
            for at, table in enumerate(self._tables or [])
            for symbol in table.get_symbols()
            if keep(symbol, at > 0)
        }


def _with_inner(table: symtable.SymbolTable) -> Iterator[symtable.SymbolTable]:
    yield table
    for inner in table.get_children():
        yield from _with_inner(inner)


class Answers:
    """What a student's notebook has to say to each exercise of its lesson."""

    def __init__(self, path: Path) -> None:
        """Read it; raises Unmarkable where it is no notebook, or of no lesson."""
        notebook = _read(path)
        self.lesson = _lesson(notebook, path)
        course = read_lesson(self.lesson)
        code = [cell for cell in course["cells"] if cell["cell_type"] == "code"]
        setup = [cell for cell in code if "exercise-setup" in cell["metadata"].get("tags", [])]
        #: The course's cells that every answer may rely on.
        self.given = [text_of(cell) for cell in (code[0], *setup)]
        self.exercises = [exercise.name for exercise in exercises_of(course)]
        known = {text_of(cell).strip() for cell in code}
        self.cells = [
            Code(text_of(cell), own=text_of(cell).strip() not in known)
            for cell in notebook["cells"]
            if cell["cell_type"] == "code"
            and not cell["metadata"].get("nbgrader", {}).get("grade")
            and text_of(cell) not in self.given
        ]

    def cells_for(self, exercise: str) -> list[str]:
        """The cells to run for an answer, in order: the last defines it.

        Raises Unmarkable where there is no answer, or it is no Python.
        """
        check = f"check_{exercise}("
        found = [
            at
            for at, cell in enumerate(self.cells)
            if cell.own and (exercise in cell.defines or check in cell.text)
        ]
        answers = [at for at in found if self.cells[at].is_python]
        if not found:
            raise Unmarkable("unanswered", "Not answered yet.")
        if not answers:
            raise Unmarkable("syntax-error", _syntax_error(self.cells[found[-1]].text))
        # The call of the check is left out, since the answer is marked by the installed one.
        call = re.compile(rf"^lesson\d\d\.check_{exercise}\({exercise}\)$", re.M)
        return [call.sub("", self.cells[at].text) for at in self._needed(answers)]

    def _needed(self, answers: Iterable[int]) -> list[int]:
        """The answers' cells, and those that assign what they use: above them, or else below."""
        given = set[str]().union(*(Code(text, own=False).defines for text in self.given))
        needed: set[int] = set()
        todo = [*answers]
        while todo:
            at = todo.pop()
            if at in needed:
                continue
            needed.add(at)
            for name in self.cells[at].uses:
                assigned = [*_assigning(name, self.cells, given, at)]
                todo += [other for other in assigned if other < at] or assigned
        return sorted(needed)


def _assigning(name: str, cells: Sequence[Code], given: Collection[str], but: int) -> Iterator[int]:
    """Which cells assign a name; of a name that the course gives, only the student's own."""
    for at, cell in enumerate(cells):
        if at != but and name in cell.defines and (cell.own or name not in given):
            yield at


def _syntax_error(text: str) -> str:
    try:
        compile(TransformerManager().transform_cell(text), "cell", "exec")
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        line = f", in line {error.lineno}" if isinstance(error, SyntaxError) else ""
        return f"The cell is no Python{line}: {getattr(error, 'msg', error)}."
    return "The cell is no Python."


def _read(path: Path) -> nbformat.NotebookNode:
    """A notebook with cells that have text; raises Unmarkable where it is none."""
    if path.is_dir():
        raise Unmarkable("not-a-notebook", "The folder holds no notebook (.ipynb).")
    try:
        if path.stat().st_size > LARGEST:
            raise ValueError(f"it is larger than {LARGEST // 1_000_000} MB")
        with warnings.catch_warnings(action="ignore"):  # of cells without ids
            notebook = nbformat.reads(path.read_text(encoding="utf-8"), as_version=4)
        for cell in notebook["cells"]:
            text_of(cell), cell["cell_type"], cell["metadata"].get("nbgrader", {}).get("grade")
        return notebook
    except Exception as error:  # whatever a file may hold
        why = str(error).partition("\n")[0][:200] or type(error).__name__
        raise Unmarkable(
            "not-a-notebook", f"The file cannot be read as a notebook: {why}."
        ) from None


def _lesson(notebook: nbformat.NotebookNode, path: Path) -> Lesson:
    """The lesson whose checks the notebook calls most often; else the one in the file's name."""
    text = "\n".join(text_of(cell) for cell in notebook["cells"] if cell["cell_type"] == "code")
    called = re.findall(r"\blesson(\d\d)\.check_|\[\"mark\"\]\(\"(\d\d)\"", text)
    numbers = Counter(first or second for first, second in called)
    named = re.findall(r"(?<!\d)\d\d(?=_)", path.stem)
    for number in [number for number, _ in numbers.most_common(1)] + named:
        for lesson in LESSONS:
            if lesson.written and lesson.number == int(number):
                return lesson
    raise Unmarkable("unknown-lesson", "The notebook is of none of the course's lessons.")
