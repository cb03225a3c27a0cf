"""Checks of the exercises of lesson 00, start here."""

from collections.abc import Sequence

import numpy as np

from course_utils.exercises.engine import Verdict, compare, different, exercise, same

STEPS = ["network", "data", "output", "error", "update"]


@exercise(
    correct="1,024 numbers: that is all that a network is told about such a picture.",
    added="You added the two sides. There are 32 rows, and each of them has 32 pixels.",
    one_row="That is one row. There are 32 of them.",
)
def check_pixels(pixels: int) -> str | Verdict | None:
    """pixels: the number of pixels of a picture of 32 × 32."""
    if same(pixels, 64):
        return "added"
    if same(pixels, 32):
        return "one-row"
    return compare(pixels, 1024, name="pixels", rtol=0)


@exercise(
    correct="And then it is repeated, thousands of times.",
    error_before_output="The error compares the output with the target: the output comes first.",
    update_too_early="The weights change because of the error, so that has to be measured first.",
    backwards="This is the order from the last to the first. Turn it round.",
)
def check_steps(steps: Sequence[str]) -> str | Verdict | None:
    """steps: the words of STEPS in the order in which the steps of training happen."""
    if not isinstance(steps, list | tuple | np.ndarray):
        return different("a list of words is expected, such as ['network', ...].")
    steps = [str(step) for step in steps]
    steps = steps[:-1] if steps[-1:] == ["repeat"] else steps
    if sorted(steps) != sorted(STEPS):
        return different(f"each of these words once is expected: {', '.join(sorted(STEPS))}.")
    if steps in (STEPS, ["data", "network", *STEPS[2:]]):
        return None
    if steps == STEPS[::-1]:
        return "backwards"
    if steps.index("update") < steps.index("error"):
        return "update-too-early"
    if steps.index("error") < steps.index("output"):
        return "error-before-output"
    return different(f"{steps[0]!r} comes too early: what does it need from the other steps?")
