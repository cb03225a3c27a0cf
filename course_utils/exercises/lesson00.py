"""Checks of the exercises of lesson 00, start here."""

from collections.abc import Sequence

import numpy as np

from course_utils.exercises.engine.checks import Verdict, different, exercise, observed, value_check
from course_utils.exercises.journal import lesson_journal

mine, progress = lesson_journal(__name__)

check_pixels = value_check(
    "pixels: how many a picture of 28 × 28 has together with a frame that is 2 pixels wide.",
    32 * 32,
    [
        observed("no-frame", "That is the picture without its frame.", 28 * 28),
        observed("frame", "The frame adds 2 pixels at both ends of a row.", 900, 961, 1089, 1296),
        observed("no-corners", "The corners of the frame are missing, 2 × 2 each.", 1008, 1012),
        observed("sides", "Multiply the number of rows by the number of columns.", 32, 60, 64, 128),
    ],
    correct="1,024 numbers: that is all that a network is told about such a picture.",
)

_NEEDS = {"output": {"network", "data"}, "error": {"output"}, "update": {"error"}}
STEPS = ["network", "data", *_NEEDS]


@exercise(
    "And then it is repeated, thousands of times.",
    [
        observed("words", f"Each of these words once: {', '.join(sorted(STEPS))}."),
        observed("backwards", "This is the order from the last to the first. Turn it round."),
        observed(
            "output-early", "'output' comes too early: the network computes it from the data."
        ),
        observed("error-early", "'error' comes too early: it compares the output with the target."),
        observed(
            "update-early",
            "'update' comes too early: it needs the error, which says how to change the weights.",
        ),
    ],
)
def check_steps(steps: Sequence[str]) -> str | Verdict | None:
    """steps: the five words in the order in which the steps of training happen."""
    if not isinstance(steps, list | tuple | np.ndarray):
        return different("a list of words is expected, such as ['network', ...].")
    steps = [str(step) for step in steps]
    steps = steps[:-1] if steps[-1:] == ["repeat"] else steps
    if sorted(steps) != sorted(STEPS):
        return "words"
    if steps == STEPS[::-1]:
        return "backwards"
    for place, word in enumerate(steps):
        if not _NEEDS.get(word, set()) <= {*steps[:place]}:
            return f"{word}-early"
    return None
