"""The checks of a lesson, and the answers to them that tests/lessons/answers holds."""

import functools
import importlib
import itertools
import linecache

import numpy as np
import torch
from documents import WRITTEN, code_cells, tagged


def checks(lesson) -> dict:
    module = importlib.import_module(f"course_utils.exercises.lesson{lesson.number:02}")
    return {name: check for name, check in vars(module).items() if name.startswith("check_")}


def answers(lesson):
    """RIGHT and WRONG sources by check, and BEHAVIOUR: what an answer does on a random sample."""
    return importlib.import_module(f"answers.lesson{lesson.number:02}")


def run(source: str, name: str, namespace: dict | None = None) -> object:
    """The answer that a source defines for a check: check_slope looks at ``slope``."""
    namespace = {"np": np, "torch": torch, "nn": torch.nn, **(namespace or {})}
    exec(source, namespace)
    return namespace[name.removeprefix("check_")]


def run_solution(lesson, name: str, source: str) -> object:
    """The same for a solution: it may use the imports and the set-up of the exercises."""
    return run(source, name, _prepared(lesson))


@functools.cache
def _prepared(lesson) -> dict:
    """The names of the imports and the set-up of a lesson's exercises."""
    namespace = {}
    exec(code_cells(lesson)[0].source, namespace)
    for cell in tagged(lesson, "exercise-setup"):
        exec(cell.source, namespace)
    return namespace


def wrong_sources(lesson, name: str) -> list[tuple[str, str]]:
    """Each wrong answer to a check, with the code that it should get."""
    return [
        (code, source)
        for code, sources in answers(lesson).WRONG[name].items()
        for source in ([sources] if isinstance(sources, str) else sources)
    ]


_cells = itertools.count()


class Notebook(dict):
    """The names of a notebook, whose cells keep their sources as those of IPython do."""

    def __init__(self):
        super().__init__(__name__="__main__")

    def cell(self, source: str) -> "Notebook":
        file = f"<cell {next(_cells)}>"
        linecache.cache[file] = (len(source), None, source.splitlines(keepends=True), file)
        exec(compile(source, file, "exec"), self)
        return self


EVERY_CHECK = [(lesson, name) for lesson in WRITTEN for name in checks(lesson)]
CHECK_IDS = [f"{lesson.number:02}-{name.removeprefix('check_')}" for lesson, name in EVERY_CHECK]
