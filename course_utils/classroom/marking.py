"""Marking an answer in its notebook, by the check as it is installed.

A locked cell of an nbgrader notebook, and the kernels of `marks`, run this file from where the
course is installed, so that what the notebook has put in place of a check, of a part of
course_utils or of all of it is not asked. More cannot be promised in one process: an answer may
call the solution inside the check, or change Python, NumPy or torch under it. Where marks count, a
person reads the code.
"""

import importlib
import sys
from pathlib import Path
from types import FunctionType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from course_utils.exercises.engine.checks import Verdict

_INSTALLED = Path(__file__).resolve().parents[2]
#: The kind of output by which `send_verdict` sends a verdict.
VERDICT = "application/x-course-verdict+json"


def mark(lesson: str, name: str, answer: object) -> "Verdict":
    """The verdict of the installed check ``check_NAME`` of a lesson, such as "06"."""
    before, path = dict(sys.modules), list(sys.path)
    for module in _ours():
        del sys.modules[module]
    sys.path.insert(0, str(_INSTALLED))
    try:
        checks = importlib.import_module(f"course_utils.exercises.lesson{lesson}")
        code = importlib.import_module("course_utils.internals.code")
    finally:
        sys.path[:] = path
        for module in _ours():
            del sys.modules[module]
        sys.modules.update(before)
    if isinstance(answer, FunctionType) and code.same_code(answer, _not_implemented):
        answer = ...  # a stub
    return getattr(checks, f"check_{name}")(answer)


def send_verdict(namespace: dict, lesson: str, name: str, token: str) -> None:
    """Mark the answer of that name, and send token, code and sentence to who runs the kernel."""
    from IPython.display import publish_display_data

    if name not in namespace:
        raise NameError(f"there is no {name}")
    verdict = mark(lesson, name, namespace[name])
    publish_display_data({VERDICT: [token, verdict.code, verdict.sentence[:2_000]]})


def _ours() -> list[str]:
    return [name for name in sys.modules if name.partition(".")[0] == "course_utils"]


def _not_implemented() -> None:
    """What nbgrader leaves of an answer's function."""
    raise NotImplementedError()
