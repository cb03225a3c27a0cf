"""A class that hands in lesson 06, with the verdicts that its answers deserve."""

import itertools
import json
from pathlib import Path

import nbformat
from exercise_sources import answers, wrong_sources

from course_utils.classroom.files import read_lesson
from course_utils.classroom.handout import exercises_of
from course_utils.lessons import LESSONS

LESSON = LESSONS[6]
EXERCISES = [*exercises_of(read_lesson(LESSON))]
#: What answers of the tests find there, and lesson 06 does not import.
_IMPORT = "from torch import nn\n"


def class_of(students: int) -> list[dict[str, tuple[str, str]]]:
    """Each student's answers, by exercise: the code that it deserves, and its source.

    "" is an answer that was not given. Of 48 students and more, each of the wrong and right
    answers in tests/lessons/answers is somebody's.
    """
    each = {}
    for exercise in EXERCISES:
        right = [("correct", source) for source in answers(LESSON).RIGHT[f"check_{exercise.name}"]]
        given = [*wrong_sources(LESSON, f"check_{exercise.name}"), *right]
        given = [(code, _IMPORT + source.strip()) for code, source in given]
        each[exercise.name] = itertools.cycle([*given, ("unanswered", "")])
    return [{name: next(given) for name, given in each.items()} for _ in range(students)]


def hand_in(handout: Path, to: Path, sources: dict[str, str], first: str = "") -> None:
    """Put sources in place of a handout's stubs, by exercise, and code in a cell before all."""
    notebook = nbformat.read(handout, as_version=4)
    for exercise in EXERCISES:
        for cell in notebook.cells:
            if cell.id == exercise.stub["id"] and sources.get(exercise.name):
                cell.source = f"{sources[exercise.name]}\n\n\n{exercise.call}"
    if first:
        notebook.cells.insert(0, nbformat.v4.new_code_cell(first))
    to.parent.mkdir(parents=True, exist_ok=True)
    to.write_text(json.dumps(notebook), encoding="utf-8")
