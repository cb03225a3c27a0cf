"""The commands of ``python -m course_utils``; what each needs is imported when it is called."""

import argparse
import os
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from course_utils.internals.places import PlaceError
from course_utils.lessons import LESSONS, Lesson

_WRITTEN = {lesson.number: lesson for lesson in LESSONS if lesson.written}


class Refusal(Exception):
    """Why a command did not do something, and what to do: one sentence for its user."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; the exit status is 2 where something was refused."""
    options = _parser().parse_args(arguments)
    try:
        options.run(options)
    except (Refusal, PlaceError) as refusal:
        print(refusal, file=sys.stderr)
        return 2
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m course_utils",
        description="Without a command: the report on this machine, as in lesson 00.",
    )
    commands = parser.add_subparsers(title="commands", metavar="COMMAND", required=True)
    about = "which exercises are done, tried or untouched"
    _command(commands, "progress", about, _progress)
    _add_workbook(commands)
    _add_handout(commands)
    _add_deck(commands)
    about = "the course as web pages, to be read without Jupyter; FOLDER/index.html is the first"
    site = _command(commands, "site", about, _site)
    site.add_argument("folder", metavar="FOLDER", type=Path)
    about = "the images of all lessons, in a folder that a class shares: for COURSE_DATA_DIR"
    fetch = _command(commands, "fetch-data", about, _fetch_data)
    fetch.add_argument("folder", metavar="FOLDER", type=Path)
    _add_marks(commands)
    return parser


def _command(
    commands: "argparse._SubParsersAction",
    name: str,
    about: str,
    run: Callable[[argparse.Namespace], None],
) -> argparse.ArgumentParser:
    """A new command, for arguments of its own; about: for both helps."""
    command = commands.add_parser(name, help=about, description=about)
    command.set_defaults(run=run)
    return command


def _add_workbook(commands: "argparse._SubParsersAction") -> None:
    about = "copies of lessons to write in; run again, it brings in what changed in the course"
    workbook = _command(commands, "workbook", about, _workbook)
    workbook.add_argument("lessons", metavar="LESSON", type=_lesson, nargs="*", help="such as 06")
    workbook.add_argument("--to", metavar="FOLDER", type=Path, default=Path("my_lessons"))


def _add_handout(commands: "argparse._SubParsersAction") -> None:
    about = "a lesson without its solutions, for nbgrader, or as a key for the instructor"
    handout = _command(commands, "handout", about, _handout)
    handout.add_argument("lessons", metavar="LESSON", type=_lesson, nargs="+", help="such as 06")
    kind = handout.add_mutually_exclusive_group(required=True)
    for name, help in (
        ("plain", "the lesson without its solutions; the hints stay"),
        ("key", "answers, and what is said of each known mistake"),
        ("nbgrader", "for nbgrader: FOLDER is that of its course, the lesson goes to source/"),
    ):
        kind.add_argument(f"--{name}", metavar="FOLDER", type=Path, help=help)
    handout.add_argument(
        "--exercises-only", action="store_true", help="title, imports and exercises alone"
    )


def _add_deck(commands: "argparse._SubParsersAction") -> None:
    about = "a lesson as slides for the room: one HTML file, which needs no network"
    deck = _command(commands, "deck", about, _deck)
    deck.add_argument("lessons", metavar="LESSON", type=_lesson, nargs="+", help="such as 06")
    deck.add_argument("--to", metavar="FOLDER", type=Path, default=Path("my_slides"))


def _add_marks(commands: "argparse._SubParsersAction") -> None:
    about = "runs what students handed in; writes their marks, and a page of the class's mistakes"
    marks = _command(commands, "marks", about, _marks)
    folder = "a folder for each student (that of nbgrader's course, too), or a notebook for each"
    marks.add_argument("folder", metavar="FOLDER", type=Path, help=folder)
    marks.add_argument(
        "--to", metavar="FOLDER", type=Path, default=Path("marks"), help="where they go (marks)"
    )
    for name, default, help in (
        ("seconds", 60, "that an exercise may take"),
        ("gigabytes", 2, "of memory that a submission may take"),
        ("at-once", min(4, os.cpu_count() or 1), "submissions that run at the same time"),
    ):
        marks.add_argument(
            f"--{name}", metavar="N", type=_positive, default=default, help=f"{help} ({default})"
        )


def _positive(text: str) -> int:
    if not text.isdecimal() or int(text) == 0:
        raise argparse.ArgumentTypeError(f"{text} is not a whole number of at least 1")
    return int(text)


def _lesson(text: str) -> Lesson:
    try:
        return _WRITTEN[int(text)]
    except (ValueError, KeyError):
        raise argparse.ArgumentTypeError(
            f"there is no lesson {text}; they are {min(_WRITTEN):02} to {max(_WRITTEN):02}"
        ) from None


def _progress(_: argparse.Namespace) -> None:
    from course_utils.exercises.journal import overview

    print(overview(list(_WRITTEN.values())))


def _workbook(options: argparse.Namespace) -> None:
    from course_utils.classroom.workbook import update_workbook

    _for_each(
        options.lessons or list(_WRITTEN.values()),
        lambda lesson: update_workbook(lesson, options.to),
    )


def _handout(options: argparse.Namespace) -> None:
    from course_utils.classroom import handout

    (kind,) = (kind for kind in handout.KINDS if getattr(options, kind))
    folder = getattr(options, kind)
    _for_each(
        options.lessons,
        lambda lesson: handout.hand_out(lesson, kind, folder, options.exercises_only),
    )


def _deck(options: argparse.Namespace) -> None:
    try:
        from course_utils.classroom.deck import make_deck
    except ModuleNotFoundError as error:
        raise Refusal(
            f"slides are made with {error.name}, which is not installed: "
            "pip install -r requirements.txt."
        ) from None
    _for_each(options.lessons, lambda lesson: make_deck(lesson, options.to))


def _site(options: argparse.Namespace) -> None:
    from course_utils.classroom.site import make_site

    print(make_site(options.folder))


def _fetch_data(options: argparse.Namespace) -> None:
    from course_utils.classroom.shared_data import fetch

    for line in fetch(options.folder):
        print(line, flush=True)


def _marks(options: argparse.Namespace) -> None:
    try:
        from course_utils.classroom.kernel import Limits
        from course_utils.classroom.marks import mark_class
    except ModuleNotFoundError as error:
        raise Refusal(
            f"Marking needs {error.name}, which is not installed: pip install nbclient ipykernel"
        ) from None
    limits = Limits(options.seconds, options.gigabytes * 1e9)
    try:
        for line in mark_class(options.folder, options.to, limits, options.at_once):
            print(line, flush=True)
    except KeyboardInterrupt:
        raise Refusal("Interrupted: nothing was written.") from None


def _for_each(lessons: Sequence[Lesson], do: Callable[[Lesson], str]) -> None:
    """Do it for all lessons, and say of each what was written; one refusal does not stop others."""
    refusals = []
    for lesson in dict.fromkeys(lessons):
        try:
            print(do(lesson))
        except Refusal as refusal:
            refusals.append(str(refusal))
    if refusals:
        raise Refusal("\n".join(dict.fromkeys(refusals)))
