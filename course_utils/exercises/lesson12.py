"""Checks of the exercises of lesson 12, FashionMNIST."""

from collections.abc import Callable
from functools import partial
from itertools import starmap

import torch
from torch.nn import functional as F

from course_utils.exercises.engine.checks import (
    Verdict,
    call,
    different,
    exercise,
    function_check,
    judge,
    mistake,
    observed,
)
from course_utils.exercises.engine.reading import Answer, NotNumbers, as_array, difference
from course_utils.exercises.journal import lesson_journal

mine, progress = lesson_journal(__name__)

#: Twelve epochs of an imagined network, for the second exercise; accuracies in percent.
CURVES = {
    "train_loss": [0.61, 0.42, 0.36, 0.31, 0.27, 0.24, 0.21, 0.18, 0.16, 0.14, 0.12, 0.10],
    "train_accuracy": [77.2, 84.6, 86.8, 88.7, 90.1, 91.2, 92.3, 93.4, 94.2, 94.9, 95.6, 96.3],
    "validation_loss": [0.48, 0.40, 0.42, 0.37, 0.35, 0.38, 0.36, 0.39, 0.40, 0.34, 0.43, 0.47],
    "validation_accuracy": [82.1, 85.2, 84.9, 86.5, 87.3, 86.8, 87.9, 87.6, 87.5, 87.8, 87.4, 87.7],
    "test_accuracy": [81.5, 84.7, 84.4, 86.1, 86.9, 87.2, 86.7, 86.8, 87.4, 87.1, 87.0, 86.6],
}


def _stop(
    history: dict,
    patience: int,
    curve: str = "validation_loss",
    *,
    sign: float = 1,
    more_patience: int = 0,
    against_previous: bool = False,
    never_reset: bool = False,
    ties_are_better: bool = False,
) -> tuple:
    """The right pair; each option is a mistake."""
    values = [sign * value for value in history[curve]]
    best, kept, waited, epoch = float("inf"), 0, 0, 0
    for epoch, value in enumerate(values, start=1):
        better = value < best or (ties_are_better and value == best)
        if better:
            best, kept = value, epoch
        if against_previous:
            better = epoch == 1 or value < values[epoch - 2]
        if better and not never_reset:
            waited = 0
        waited += not better
        if not better and waited >= patience + more_patience:
            break
    return kept, epoch


def _case(patience: int, text: str) -> tuple[dict, int]:
    """A record in hundredths, a curve in each line, and a patience."""
    names = ("train_loss", "validation_loss", "test_loss", "validation_accuracy")
    curves = [[float(value) / 100 for value in line.split()] for line in text.split("/")]
    return dict(zip(names, curves, strict=True)), patience


# The list ends first (falling, then waiting); patience of 1; the waiting begins again; a small
# improvement on a bad epoch; losses above 1; an equal loss, which is no better.
_STOPS = [
    _case(2, "95 90 85 / 96 92 88 / 93 94 90 / 60 61 59"),
    _case(3, "95 90 85 / 96 88 92 / 93 94 90 / 60 59 61"),
    _case(1, "95 90 85 80 75 / 96 88 92 93 86 / 93 87 84 83 85 / 60 61 62 63 59"),
    _case(2, "95 90 85 80 75 70 / 96 91 94 88 92 90 / 99 95 90 91 92 87 / 60 62 61 64 60 63"),
    _case(
        3, "9 8 7 6 5 4 3 2 / 68 55 59 54.5 58 57 60 45 / 9 8 6 7 3 4 5 2 / 75 80 79 81 78 82 77 84"
    ),
    _case(
        4,
        "231 160 152 145 139 / 23200 15500 15900 15700 14300 / 160 157 163 158 166 / 1 3 5 4 2",
    ),
    _case(2, "70 60 52 45 39 34 / 68 60 60 63 58 41 / 69 72 64 53 51 58 / 75 78 80 77 81 76"),
]

check_stop_at = function_check(
    "stop_at(history, patience): (the epoch whose weights are kept, the last epoch trained).",
    _stop,
    _STOPS,
    [
        mistake(
            "watches-training",
            "the training loss decides. It falls as long as the network learns its images by "
            'heart; what should stop it is the loss on images held out: "validation_loss".',
            partial(_stop, curve="train_loss"),
        ),
        mistake(
            "watches-test",
            "the test loss decides. Then the test images have chosen, and can no longer say how "
            'good the choice is. Watch "validation_loss".',
            partial(_stop, curve="test_loss"),
        ),
        mistake(
            "watches-accuracy",
            "the validation accuracy decides. That is a rule too; here the loss decides.",
            partial(_stop, curve="validation_accuracy", sign=-1),
        ),
        mistake(
            "patience-off-by-one",
            "the waiting is one epoch shorter or longer. With patience 1 training ends after the "
            "first epoch that is no better than the best; with patience 3, after three in a row.",
            partial(_stop, more_patience=1),
            partial(_stop, more_patience=-1),
            lambda history, patience: _stop(history, patience - 1 if patience > 1 else 99),
        ),
        mistake(
            "last-epoch",
            "the last epoch is kept. First comes the epoch of the lowest loss so far.",
            lambda *case: (_stop(*case)[1], _stop(*case)[1]),
        ),
        mistake(
            "needs-the-future",
            "the lowest loss of the whole list is taken. But training has ended before; the later "
            "epochs are in the list only because it is a record.",
            lambda history, patience: _stop(history, 99),
            lambda history, patience: (_stop(history, 99)[0], _stop(history, patience)[1]),
        ),
        mistake(
            "compares-with-previous",
            "each epoch is compared with the one before it. A small improvement on a bad epoch is "
            "no new best: compare with the lowest loss so far.",
            partial(_stop, against_previous=True),
        ),
        mistake(
            "never-reset",
            "the waiting goes on after a new best. It starts again from 0 there.",
            partial(_stop, never_reset=True),
        ),
        mistake(
            "equal-is-better",
            "a loss equal to the lowest so far counts as better. It is no better.",
            partial(_stop, ties_are_better=True),
        ),
    ],
    correct="The best epoch so far is kept, and patience counts the epochs since.",
    rtol=0,
)

_EPOCHS = {6: "picked-by-test", 9: "picked-by-test", 12: "picked-by-training"}
_EPOCHS |= {10: "beyond-patience", 8: "last-epoch"}


@exercise(
    "Epoch 5 is kept; after epochs 6, 7 and 8 training ends. Its test accuracy, read once, is the "
    "result.",
    [
        observed(
            "picked-by-test",
            "There the test accuracy is highest, of all twelve epochs or of the first eight. A "
            "number that chose cannot be the result too: the luckiest try looks too good.",
        ),
        observed(
            "picked-by-training",
            "Epoch 12 has the best training curves. They get better to the end, whether or not "
            "the network learns anything of use.",
        ),
        observed(
            "beyond-patience",
            "Epoch 10 has the lowest validation loss of all, but training never came to it: with "
            "patience 3 it ended after epoch 8.",
        ),
        observed(
            "last-epoch",
            "Epoch 8 is where training ends. What is kept are the weights of the best epoch.",
        ),
        observed(
            "another-epoch",
            "That is not the epoch that is kept. Go down the column of the validation loss, and "
            "count the epochs since its lowest value so far. (The first epoch is epoch 1.)",
        ),
        observed(
            "reported-validation",
            "The epoch is right. But its validation accuracy has helped to choose it; report what "
            "the test images say.",
        ),
        observed(
            "reported-training",
            "The epoch is right. But training accuracy is not a result: the network has seen "
            "those images. Report what the test images say.",
        ),
        observed(
            "another-accuracy",
            "The epoch is right, and this is none of the accuracies in its row (in percent, with "
            "one decimal). Which of them has had no part in the training or in the choice?",
        ),
    ],
)
def check_reading(reading: Answer) -> str | Verdict | None:
    """reading: (epoch, accuracy), what patience 3 keeps of CURVES, and the result to report."""
    try:
        epoch, accuracy = as_array(reading).ravel()
    except (NotNumbers, ValueError):
        return different("a pair of numbers is expected, (epoch, accuracy), such as (3, 84.4).")
    if epoch > 12:
        return different("the first number should be an epoch, 1 to 12, the second an accuracy.")
    if epoch != 5:
        return _EPOCHS.get(epoch, "another-epoch")
    percent = 100 * accuracy if 0.5 < accuracy < 1 else accuracy  # or a fraction
    for right, code in [(86.9, None), (87.3, "reported-validation"), (90.1, "reported-training")]:
        if abs(percent - right) < 0.01:
            return code
    return "another-accuracy"


def _shift(x: torch.Tensor, down: int, right: int) -> torch.Tensor:
    return F.pad(x, (right, -right, down, -down))


_SMALL = torch.arange(1.0, 7).view(1, 1, 2, 3)
_WIDE = torch.arange(-6.0, 6).view(1, 1, 3, 4)
_LARGE = 9 * torch.rand(3, 1, 7, 9, generator=torch.Generator().manual_seed(0)) - 4
# One way, the other, as far as the sides allow, and several images.
_SHIFTS = [(_SMALL, 1, 1), (_WIDE, 2, 1), (_WIDE, 1, 3), (_LARGE, 1, 2), (_LARGE, 6, 5)]


@exercise(
    "Moved both ways, with 0 where nothing was, and as large as before.",
    [
        mistake(
            "wraps-around",
            "what leaves on one side comes in on the other (torch.roll does that). A sole above "
            "the ankle is no boot: what comes in should be 0.",
            lambda x, down, right: x.roll((down, right), dims=(2, 3)),
            lambda x, down, right: x.roll((-down, -right), dims=(2, 3)),
        ),
        mistake(
            "wrong-way",
            "the picture moves the other way. Row 0 is at the top, so down means larger row "
            "numbers, and the new, empty rows are above.",
            lambda x, down, right: _shift(x, -down, -right),
        ),
        mistake(
            "axes-swapped",
            "down and right change places. The axes are (N, C, H, W): H, the rows, comes before "
            "W. (F.pad counts from the last axis: left, right, top, bottom.)",
            lambda x, down, right: _shift(x, right, down),
            lambda x, down, right: _shift(x, -right, -down),
        ),
        observed(
            "zero-shift",
            "It works where both numbers are above 0, and not where one of them is 0. A likely "
            "cause: x[:-0] is x[:0], which is empty. Say where the part ends: x[:H - down].",
        ),
        observed(
            "negative-shift",
            "It works to the bottom and to the right, and not for negative numbers: down = -2 "
            "should move the picture up by 2.",
        ),
    ],
)
def check_shift(shift: Callable) -> str | Verdict | None:
    """shift(x, down, right): x (N, 1, H, W) moved by whole pixels, 0 coming in, the same shape."""

    def works(down: int, right: int) -> bool:
        try:
            found = call(shift, _LARGE.clone(), down, right)
            return not difference(found, _shift(_LARGE, down, right))
        except Exception:  # an error of the answer's own
            return False

    found = judge(shift, _shift, _SHIFTS)
    if found:
        return found
    if not all(starmap(works, [(0, 2), (3, 0), (0, 0)])):
        return "zero-shift"
    if not all(starmap(works, [(-1, 2), (2, -3), (-2, -1), (-6, -8), (0, -4), (-5, 0)])):
        return "negative-shift"
    return None
