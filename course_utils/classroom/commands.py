"""The commands of ``python -m course_utils``; what each needs is imported when it is called."""

import argparse
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from course_utils.lessons import LESSONS, Lesson

_WRITTEN = {lesson.number: lesson for lesson in LESSONS if lesson.written}


class Refusal(Exception):
    """Why a command did not do something, and what to do: one sentence for its user."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; the exit status is 2 where something was refused."""
    options = _parser().parse_args(arguments)
    try:
        options.run(options)
    except Refusal as refusal:
        print(refusal, file=sys.stderr)
        return 2
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m course_utils",
        description="Without a command: the report on this machine, as in lesson 00.",
    )
    parser.set_defaults(run=_report)
    commands = parser.add_subparsers(title="commands", metavar="COMMAND")
    about = "which exercises are done, tried or untouched"
    commands.add_parser("progress", help=about, description=about).set_defaults(run=_progress)
    _add_workbook(commands)
    _add_handout(commands)
    _add_deck(commands)
    _add_site(commands)
    return parser


def _add_workbook(commands: "argparse._SubParsersAction") -> None:
    about = "copies of lessons to write in; run again, it brings in what changed in the course"
    workbook = commands.add_parser("workbook", help=about, description=about)
    workbook.set_defaults(run=_workbook)
    workbook.add_argument("lessons", metavar="LESSON", type=_lesson, nargs="*", help="such as 06")
    workbook.add_argument("--to", metavar="FOLDER", type=Path, default=Path("my_lessons"))


def _add_handout(commands: "argparse._SubParsersAction") -> None:
    about = "a lesson without its solutions, for nbgrader, or as a key for the instructor"
    handout = commands.add_parser("handout", help=about, description=about)
    handout.set_defaults(run=_handout)
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
    deck = commands.add_parser("deck", help=about, description=about)
    deck.set_defaults(run=_deck)
    deck.add_argument("lessons", metavar="LESSON", type=_lesson, nargs="+", help="such as 06")
    deck.add_argument("--to", metavar="FOLDER", type=Path, default=Path("my_slides"))


def _add_site(commands: "argparse._SubParsersAction") -> None:
    about = "the course as web pages, to be read without Jupyter; FOLDER/index.html is the first"
    site = commands.add_parser("site", help=about, description=about)
    site.set_defaults(run=_site)
    site.add_argument("folder", metavar="FOLDER", type=Path)


def _lesson(text: str) -> Lesson:
    try:
        return _WRITTEN[int(text)]
    except (ValueError, KeyError):
        raise argparse.ArgumentTypeError(
            f"there is no lesson {text}; they are {min(_WRITTEN):02} to {max(_WRITTEN):02}"
        ) from None


def _report(_: argparse.Namespace) -> None:
    from course_utils.machine import report

    print(report())


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
