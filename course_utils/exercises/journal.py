"""The journal: what a reader has answered, kept in ``runs/journal/`` and sent nowhere.

Each verdict that a check gives in a notebook becomes a row of a small database: the lesson, the
exercise, the verdict's code, and of a correct answer its code. ``COURSE_JOURNAL=off`` keeps none.
"""

import contextlib
import functools
import importlib
import inspect
import os
import platform
import sqlite3
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextvars import ContextVar
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from course_utils.exercises.answer_code import NotKept, run, write_down
from course_utils.exercises.engine.reading import Answer, as_code
from course_utils.internals import places
from course_utils.lessons import Lesson

if TYPE_CHECKING:
    from course_utils.exercises.engine.checks import Check, Verdict

Result = TypeVar("Result")

_SCHEMA_VERSION = 1  # a journal of a higher one is left alone
_TABLE = """CREATE TABLE IF NOT EXISTS verdicts (
    lesson TEXT, exercise TEXT, code TEXT, answer TEXT, kept TEXT, python TEXT, time TEXT)"""
_INSERT = "INSERT INTO verdicts VALUES (?, ?, ?, ?, ?, ?, datetime('now', 'localtime'))"
_DAMAGED = (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB)
_PATIENCE = 2  # seconds that one notebook waits while another writes

_resting: ContextVar[bool] = ContextVar("whether verdicts are not kept", default=False)


class NothingKept(LookupError):
    """There is no answer to give back. The message says why, and what to do."""


class NotAnswered(NothingKept):
    """No correct answer to the exercise is kept."""


class _Unusable(Exception):
    """Why the journal cannot be read or written, in words that go on after a colon."""


@dataclass(frozen=True)
class Standing:
    """How an exercise stands.

    done: whether one of the verdicts was "correct".
    code: that of the last verdict, or "untouched".
    tries: how many verdicts there were; the same answer checked twice in a row counts once.
    last: the place of the last verdict among all in the journal, from 1 on.
    """

    exercise: str
    done: bool = False
    code: str = "untouched"
    tries: int = 0
    last: int = field(default=0, compare=False)


@dataclass(frozen=True)
class KeptAnswer:
    """A correct answer of an earlier session: its code, Python's version then, and when it was."""

    lesson: str
    exercise: str
    text: str
    python: str
    time: str


def lesson_journal(module: str) -> tuple[Callable[..., Answer], Callable[[], None]]:
    """For a lesson's module of checks: ``mine`` and ``progress`` of that lesson."""
    lesson = module[-2:]
    return functools.partial(mine, lesson), functools.partial(progress, lesson)


def note(check: "Check", name: str, answer: Answer, verdict: "Verdict") -> str:
    """Keep a verdict that was given in a notebook; what the reader should know of that, or "".

    A stub's verdict is not kept, and neither is one that was given outside of a notebook.
    """
    if verdict.code == "unanswered" or _resting.get() or not _is_wanted():
        return ""
    lesson = _lesson_of(check, name)
    if not lesson:
        return ""
    kept, remark = None, ""
    if verdict.code == "correct":
        try:
            kept = write_down(name, answer)
        except NotKept as reason:
            remark = f"Correct is correct; for later lessons the answer is not kept: it {reason}."
    try:
        _add(lesson, name, verdict.code, kept or _text(answer), kept)
    except (_Unusable, places.PlaceError) as reason:
        return f"This verdict is not kept in the journal: {str(reason).rstrip('.')}."
    return remark


@contextlib.contextmanager
def at_rest() -> Iterator[None]:
    """Inside, verdicts are not kept, as they are on no answer that the reader just gave."""
    token = _resting.set(True)
    try:
        yield
    finally:
        _resting.reset(token)


def exercises(lesson: str) -> list[str]:
    """The names of a lesson's exercises, such as those of "06", in its order."""
    names = vars(_checks(lesson))
    return [name.removeprefix("check_") for name in names if name.startswith("check_")]


def standings(lesson: str) -> list[Standing]:
    """How each exercise of a lesson, such as "06", stands, in the lesson's order."""
    codes: dict[str, list[str]] = {}
    last_rows: dict[str, int] = {}
    select = "SELECT rowid, exercise, code FROM verdicts WHERE lesson = ? ORDER BY rowid"
    if os.path.exists(_file()):
        try:
            for row, exercise, code in _with_database(
                lambda database: [*database.execute(select, (lesson,))]
            ):
                codes.setdefault(exercise, []).append(code)
                last_rows[exercise] = row
        except _Unusable as reason:
            print(f"The journal is left out: {reason}.")
    return [
        Standing(name, "correct" in tried, tried[-1], len(tried), last_rows[name])
        if (tried := codes.get(name))
        else Standing(name)
        for name in exercises(lesson)
    ]


def progress(lesson: str) -> None:
    """Print how the exercises of a lesson, such as "06", stand."""
    lesson_standings = standings(lesson)
    line = f"{sum(standing.done for standing in lesson_standings)} of {len(lesson_standings)} done"
    stopped = [standing for standing in lesson_standings if standing.tries and not standing.done]
    if stopped:
        latest = max(stopped, key=lambda standing: standing.last)
        number = lesson_standings.index(latest) + 1
        line += f"; last time you stopped at exercise {number}, {latest.exercise}: {latest.code}"
    print(f"{line}.")


def overview(lessons: Sequence[Lesson]) -> str:
    """How all exercises stand, a line an exercise that was tried, for a terminal."""
    lines = []
    total = done = 0
    for lesson in lessons:
        lesson_standings = standings(f"{lesson.number:02}")
        finished = sum(standing.done for standing in lesson_standings)
        total += len(lesson_standings)
        done += finished
        lines.append(
            f"{lesson.number:02} {lesson.title:46} {finished} of {len(lesson_standings)} done"
        )
        lines += [
            f"   {standing.exercise}: {standing.code}, {_times(standing.tries)}"
            for standing in lesson_standings
            if standing.tries and not standing.done
        ]
    return "\n".join([*lines, f"In all {done} of {total} done. The journal: {_file().parent}"])


def _times(tries: int) -> str:
    return "tried once" if tries == 1 else f"tried {tries} times"


def mine(lesson: str, exercise: str, *, ask: bool = True) -> Answer:
    """The reader's own correct answer to an exercise, from an earlier session.

    lesson, exercise: such as "06" and "conv2d". (``lesson06.mine("conv2d")`` knows the lesson.)
    ask: show the code and ask before it is run, as anyone might have written into the file.

    Raises NothingKept where there is none, where the reader says no, where it does not run, or
    where the check, which may have become stricter, no longer takes it.
    """
    if exercise not in exercises(lesson):
        raise NothingKept(
            f"lesson {lesson} has no exercise {exercise!r}; it has {', '.join(exercises(lesson))}."
        )
    kept = _last_correct(lesson, exercise)
    if ask and not _agreed(f"Your answer of {kept.time}, kept in {_file()}:\n\n{kept.text}"):
        raise NothingKept(f"{exercise} was not run.")
    return _bring_back(kept)


def all_mine(wanted: Mapping[str, str]) -> tuple[dict[str, Answer], dict[str, str]]:
    """The reader's own answers to several exercises: all are shown, and run after a single yes.

    wanted: the exercises, and the lesson of each, such as {"conv2d": "06"}.
    Returns the answers that there are, by exercise, and for each answer that is kept but cannot
    be used the reason, as `mine` gives it. What has not been answered is in neither.
    """
    answers, reasons, found = {}, {}, {}
    for exercise, lesson in wanted.items():
        try:
            found[exercise] = _last_correct(lesson, exercise)
        except NotAnswered:
            continue
        except NothingKept as reason:
            reasons[exercise] = str(reason)
    shown = [
        f"# lesson {kept.lesson}, {kept.exercise}, {kept.time}\n{kept.text}"
        for kept in found.values()
    ]
    if found and not _agreed("\n".join([f"Your answers, kept in {_file()}:\n", *shown])):
        return {}, reasons | {exercise: f"{exercise} was not run." for exercise in found}
    for exercise, kept in found.items():
        try:
            answers[exercise] = _bring_back(kept)
        except NothingKept as reason:
            reasons[exercise] = str(reason)
    return answers, reasons


def _bring_back(kept: KeptAnswer) -> Answer:
    """The answer that a kept text defines, if it still runs and is still correct."""
    try:
        answer = run(kept.text, kept.exercise)
    except Exception as error:
        raise NothingKept(
            f"your {kept.exercise} of {kept.time} was kept by Python {kept.python} and does not "
            f"run with {platform.python_version()} ({type(error).__name__}: {error}). Answer it "
            "again."
        ) from None
    with at_rest():
        verdict = getattr(_checks(kept.lesson), f"check_{kept.exercise}")(answer)
    if verdict.code != "correct":
        raise NothingKept(
            f"your {kept.exercise} of {kept.time} was correct, and the check has become stricter "
            f"since. Answer it again. {verdict.sentence}"
        )
    return answer


def _last_correct(lesson: str, exercise: str) -> KeptAnswer:
    """The last correct answer whose code was kept."""
    select = """SELECT kept, python, time FROM verdicts WHERE lesson = ? AND exercise = ?
        AND code = 'correct' AND kept IS NOT NULL ORDER BY rowid DESC LIMIT 1"""
    missing = NotAnswered(
        f"no correct answer to {exercise} of lesson {lesson} is kept in {_file()}. Answer the "
        "exercise in its lesson, and come back."
    )
    if not os.path.exists(_file()):
        raise missing
    if hasattr(os, "getuid") and _file().stat().st_uid != os.getuid():
        raise NothingKept(f"{_file()} is another user's, and nothing in it is run.")
    try:
        found = _with_database(
            lambda database: database.execute(select, (lesson, exercise)).fetchone()
        )
    except _Unusable as reason:
        raise NothingKept(f"the journal cannot be read: {reason}.") from None
    if not found:
        raise missing
    text, python, time = found
    return KeptAnswer(lesson, exercise, text, python, time)


def _agreed(shown: str) -> bool:
    print(shown)
    try:
        return input("Run this code? [y/n] ").strip().lower().startswith("y")
    except (NotImplementedError, EOFError):  # a notebook that is executed as a whole
        print("Nobody can be asked here.")
        return False


def _is_wanted() -> bool:
    """Whether a reader is answering: in a notebook's kernel, with the journal not switched off."""
    if os.environ.get("COURSE_JOURNAL", "").lower() == "off":
        return False
    shell = sys.modules["IPython"].get_ipython() if "IPython" in sys.modules else None
    return hasattr(shell, "kernel")


def _lesson_of(check: "Check", name: str) -> str:
    """The lesson, such as "06", whose module has this check, or "" for a check of the reader's."""
    lessons = [name for name in sys.modules if name.startswith("course_utils.exercises.lesson")]
    for lesson in lessons:
        if getattr(sys.modules[lesson], f"check_{name}", None) is check:
            return lesson[-2:]
    return ""


def _checks(lesson: str) -> object:
    return importlib.import_module(f"course_utils.exercises.lesson{lesson}")


def _text(answer: Answer) -> str:
    """A wrong answer as text, by which the same one is known again."""
    try:
        return inspect.getsource(answer) if inspect.isroutine(answer) else as_code(answer)
    except Exception:  # a function without source, or a repr that raises
        return f"<{type(answer).__name__}>"


def _file() -> Path:
    return places.runs() / "journal" / "verdicts.sqlite"


def _with_database(action: Callable[[sqlite3.Connection], Result]) -> Result:
    """What an action on the open database gives; a damaged one is set aside first."""
    file = _file()
    for _ in range(2):
        identity = None
        try:
            file.parent.mkdir(parents=True, exist_ok=True)
            with contextlib.closing(sqlite3.connect(file, timeout=_PATIENCE)) as database:
                identity = file.stat().st_ino
                _prepare(database)
                with database:
                    return action(database)
        except sqlite3.DatabaseError as error:
            if getattr(error, "sqlite_errorcode", 0) & 0xFF not in _DAMAGED:
                raise _Unusable(f"{file}, {error}") from None
            _set_aside(file, identity)
        except OSError as error:
            raise _Unusable(
                f"{file}, {error.strerror}. Set COURSE_RUNS_DIR to a folder of your own"
            ) from None
    raise _Unusable(f"{file} is damaged, and could not be set aside")


def _prepare(database: sqlite3.Connection) -> None:
    (version,) = database.execute("PRAGMA user_version").fetchone()
    if version > _SCHEMA_VERSION:
        raise _Unusable("it was written by a newer version of the course; update this one")
    database.execute("PRAGMA synchronous = OFF")
    if not version:
        database.execute(_TABLE)
        database.execute(f"PRAGMA user_version = {_SCHEMA_VERSION}")


def _add(lesson: str, exercise: str, code: str, answer: str, kept: str | None) -> None:
    """Add a verdict, unless the last one on the exercise says the same of the same answer."""
    last = "SELECT code, answer FROM verdicts WHERE lesson = ? AND exercise = ? ORDER BY rowid DESC"
    row = (lesson, exercise, code, answer, kept, platform.python_version())

    def add(database: sqlite3.Connection) -> None:
        database.execute("BEGIN IMMEDIATE")
        if database.execute(last, (lesson, exercise)).fetchone() != (code, answer):
            database.execute(_INSERT, row)

    _with_database(add)


def _set_aside(file: Path, identity: int | None) -> None:
    """Rename a damaged journal, unless another notebook has just done so."""
    if not file.exists() or file.stat().st_ino != identity:
        return
    number = 1
    while (aside := file.with_name(f"damaged-{number}.sqlite")).exists():
        number += 1
    file.rename(aside)
    print(f"{file} is damaged. It is kept as {aside.name}, and a new journal begins.")
