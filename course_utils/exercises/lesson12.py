"""Checks of the exercises of lesson 12, FashionMNIST."""

from collections.abc import Callable

import numpy as np
import torch
from torch.nn import functional as F

from course_utils.exercises.engine import (
    Verdict,
    as_array,
    compare_function,
    different,
    exercise,
)

#: Twelve epochs of an imagined network, for the second exercise; accuracies in percent.
CURVES = {
    "train_loss": [0.61, 0.42, 0.36, 0.31, 0.27, 0.24, 0.21, 0.18, 0.16, 0.14, 0.12, 0.10],
    "train_accuracy": [77.2, 84.6, 86.8, 88.7, 90.1, 91.2, 92.3, 93.4, 94.2, 94.9, 95.6, 96.3],
    "validation_loss": [0.48, 0.40, 0.42, 0.37, 0.35, 0.38, 0.36, 0.39, 0.40, 0.34, 0.43, 0.47],
    "validation_accuracy": [82.1, 85.2, 84.9, 86.5, 87.3, 86.8, 87.9, 87.6, 87.5, 87.8, 87.4, 87.7],
    "test_accuracy": [81.5, 84.7, 84.4, 86.1, 86.9, 87.2, 86.7, 86.8, 87.4, 87.1, 87.0, 86.6],
}


def _rule(
    curve: str,
    *,
    more: int = 0,
    sign: int = 1,
    previous: bool = False,
    never_reset: bool = False,
) -> Callable:
    """A stop_at that watches this curve; each option is a mistake."""

    def stop_at(history: dict, patience: int) -> tuple[int, int]:
        values = [sign * value for value in history[curve]]
        best, best_epoch, waited, epoch = float("inf"), 0, 0, 0
        for epoch, value in enumerate(values, start=1):
            better = value < best
            if better:
                best, best_epoch = value, epoch
            if previous:
                better = epoch == 1 or value < values[epoch - 2]
            if not better:
                waited += 1
            elif not never_reset:
                waited = 0
            if waited >= patience + more and not better:
                break
        return best_epoch, epoch

    return stop_at


_right = _rule("validation_loss")


def _changed(change: Callable) -> Callable:
    """The right pair, changed by a function of best, last and the number of epochs recorded."""

    def stop_at(history: dict, patience: int) -> tuple[int, int]:
        return change(*_right(history, patience), len(history["validation_loss"]))

    return stop_at


def _best_of_all(history: dict, patience: int) -> tuple[int, int]:
    losses = history["validation_loss"]
    return losses.index(min(losses)) + 1, len(losses)


def _best_by_subtraction(history: dict, patience: int) -> tuple[int, int]:
    _, last = _right(history, patience)
    return last - patience, last


def _best_of_all_but_stopped(history: dict, patience: int) -> tuple[int, int]:
    return _best_of_all(history, patience)[0], _right(history, patience)[1]


def _never_with_patience_1(history: dict, patience: int) -> tuple[int, int]:
    """Waits until the epochs since the best *equal* patience − 1, which is never 0."""
    early = _rule("validation_loss", more=-1)
    return (early if patience > 1 else _best_of_all)(history, patience)


def _history(train: str, validation: str, test: str, accuracy: str) -> dict[str, list[float]]:
    """A record in hundredths."""
    names = ("train_loss", "validation_loss", "test_loss", "validation_accuracy")
    curves = (train, validation, test, accuracy)
    return {
        name: [int(value) / 100 for value in curve.split()]
        for name, curve in zip(names, curves, strict=True)
    }


# No two equal values in a curve: whether a tie counts as better is left open.
_STOPS = [
    (
        _history(
            "70 60 52 45 39 34 30 27 24 22",
            "68 55 59 50 53 52 54 57 61 45",
            "69 57 54 56 49 51 55 52 60 47",
            "75 80 79 81 78 82 77 83 76 84",
        ),
        3,
    ),
    (
        _history(
            "70 60 52 45 39 34 30 33 35 36",
            "68 55 59 57 60 43 48 47 46 49",
            "60 57 63 58 66 65 54 51 52 50",
            "75 80 79 81 78 74 77 73 76 72",
        ),
        4,
    ),
    (
        _history(
            "70 60 52 45 39 34",
            "68 60 54 50 47 44",
            "69 62 64 53 51 58",
            "75 78 77 76 81 80",
        ),
        2,
    ),
    (
        _history(
            "70 60 52 45 39 34",
            "68 60 63 58 66 41",
            "69 72 64 53 51 58",
            "75 78 80 77 81 76",
        ),
        1,
    ),
]


@exercise(
    correct="The best epoch so far is kept, and patience counts the epochs since.",
    watches_training="You watch the training loss. It falls as long as the network learns its "
    'images by heart; what should stop it is the loss on images held out: "validation_loss".',
    watches_test="You watch the test loss. Then the test images have chosen, and can no longer "
    'say how good the choice is. Watch "validation_loss".',
    watches_accuracy="You watch the validation accuracy. That is a rule too, but a coarser one; "
    "here the validation loss decides.",
    patience_off_by_one="Training ends one epoch too early or too late. With patience 1 it ends "
    "after the first epoch that is no better than the best; with patience 3, after three in a row.",
    last_epoch="You keep the weights of the last epoch. They are worse than the best ones, "
    "or training would not have ended: return the epoch of the lowest loss first.",
    counted_from_zero="You count the epochs from 0. The first one is epoch 1.",
    swapped="The right two epochs, in the wrong order: first the one that is kept, then the last.",
    needs_the_future="You take the lowest loss of the whole list. But training has ended before; "
    "the later epochs are in the list only because it is a record.",
    compares_with_previous="You compare each epoch with the one before it. A small improvement "
    "on a bad epoch is no new best: compare with the lowest loss so far.",
    never_reset="Your counter is not set back. After a new best, the waiting starts again from 0.",
    by_subtraction="You take the last epoch minus the patience. That is the best one only where "
    "patience has run out; where the list ends before, it is not. Remember the best epoch instead.",
)
def check_stop_at(stop_at: Callable) -> str | Verdict | None:
    """stop_at(history, patience): (the epoch whose weights are kept, the last epoch trained).

    history: a dict of lists, one value an epoch: "train_loss", "validation_loss", "test_loss"
    and "validation_accuracy". Epochs are counted from 1.
    """
    mistaken = [
        ("watches-training", _rule("train_loss")),
        ("watches-test", _rule("test_loss")),
        ("watches-accuracy", _rule("validation_accuracy", sign=-1)),
        ("patience-off-by-one", _rule("validation_loss", more=1)),
        ("patience-off-by-one", _rule("validation_loss", more=-1)),
        ("patience-off-by-one", _never_with_patience_1),
        ("last-epoch", _changed(lambda best, last, _: (last, last))),
        ("counted-from-zero", _changed(lambda best, last, _: (best - 1, last - 1))),
        ("counted-from-zero", _changed(lambda best, last, _: (best - 1, last))),
        ("swapped", _changed(lambda best, last, _: (last, best))),
        ("by-subtraction", _best_by_subtraction),
        ("needs-the-future", _best_of_all),
        ("needs-the-future", _best_of_all_but_stopped),
        ("compares-with-previous", _rule("validation_loss", previous=True)),
        ("never-reset", _rule("validation_loss", never_reset=True)),
    ]
    return compare_function(stop_at, _right, _STOPS, mistaken, rtol=0)


@exercise(
    correct="Epoch 5 is kept; after epochs 6, 7 and 8 training ends. Its test accuracy, read once, "
    "is the result.",
    picked_by_test="You picked the epoch by its test accuracy. A number that chose cannot be the "
    "result as well: of twelve tries the luckiest looks better than it is.",
    picked_by_training="You picked the epoch by its training curves. They get better to the end, "
    "whether or not the network learns anything of use.",
    beyond_patience="Epoch 10 has the lowest validation loss of all, but training never came to "
    "it: with patience 3 it ended after epoch 8.",
    last_epoch="Epoch 8 is where training ends. What you keep are the weights of the best epoch "
    "before.",
    picked_by_accuracy="You went by the validation accuracy. The rule here goes by the loss.",
    counted_from_zero="The first epoch is epoch 1, as in the table.",
    reported_validation="The epoch is right. But its validation accuracy has helped to choose it; "
    "report what the test images say.",
    reported_training="The epoch is right. But training accuracy is not a result: the network has "
    "seen those images. Report what the test images say.",
    reported_best_test="The epoch is right, and the accuracy is that of another one: report the "
    "test accuracy of the weights that you keep.",
)
def check_reading(reading: object) -> str | Verdict | None:
    """reading: (epoch, accuracy), what patience 3 keeps of CURVES, and the result to report."""
    try:
        epoch, accuracy = np.squeeze(as_array(reading))
    except (TypeError, ValueError):
        return different("a pair is expected, (epoch, accuracy), such as (3, 84.4).")
    kept, last = _right(CURVES, 3)
    test = CURVES["test_accuracy"]
    if accuracy == kept and epoch > len(test):
        return different("first the epoch, then the accuracy: (epoch, accuracy).")
    if epoch == kept and accuracy in (CURVES["validation_loss"][kept - 1], round(test[kept - 1])):
        return different(
            f"the epoch is right. {accuracy:g} is its "
            + ("loss; an accuracy is asked." if accuracy < 1 else "accuracy without its decimal.")
        )
    accuracy = 100 * accuracy if accuracy <= 1 else accuracy  # as a fraction, or in percent
    by_epoch = {
        len(test): "picked-by-training",
        test.index(max(test)) + 1: "picked-by-test",
        test.index(max(test[:last])) + 1: "picked-by-test",
        _best_of_all(CURVES, 3)[0]: "beyond-patience",
        last: "last-epoch",
        _rule("validation_accuracy", sign=-1)(CURVES, 3)[0]: "picked-by-accuracy",
        kept - 1: "counted-from-zero",
    }
    if epoch in by_epoch:
        return by_epoch[epoch]
    if epoch != kept:
        return different(
            f"epoch {epoch:g} is not it. Go down the column of the validation loss, and count the "
            "epochs since its lowest value so far."
        )
    for value, mistake in [
        (test[kept - 1], None),
        (CURVES["validation_accuracy"][kept - 1], "reported-validation"),
        (CURVES["train_accuracy"][kept - 1], "reported-training"),
        (max(test), "reported-best-test"),
        (max(test[:last]), "reported-best-test"),
    ]:
        if abs(accuracy - value) < 0.01:
            return mistake
    return different(
        f"the epoch is right, but {accuracy:g}% is not in its row. Which of the accuracies there "
        "has had no part in the training or in the choice?"
    )


def _shift(x: torch.Tensor, down: int, right: int) -> torch.Tensor:
    return F.pad(x, (right, -right, down, -down))


def _rolled(x: torch.Tensor, down: int, right: int) -> torch.Tensor:
    return x.roll((down, right), dims=(2, 3))


def _smeared(x: torch.Tensor, down: int, right: int) -> torch.Tensor:
    rows = (torch.arange(x.shape[2]) - down).clamp(0, x.shape[2] - 1)
    columns = (torch.arange(x.shape[3]) - right).clamp(0, x.shape[3] - 1)
    return x[:, :, rows][..., columns]


@exercise(
    correct="Moved both ways, with 0 where nothing was, and as large as before.",
    wraps_around="What leaves on one side comes in on the other (torch.roll does that). A sole "
    "above the ankle is no boot: what comes in should be 0.",
    wrong_way="The picture moves the other way. Row 0 is at the top, so down means larger row "
    "numbers, and the new, empty rows are above.",
    axes_swapped="down and right are swapped. The axes are (N, C, H, W): H, the rows, comes before "
    "W. (F.pad counts from the last axis: left, right, top, bottom.)",
    size_changed="The result is not as large as x. As many rows as come in have to leave on the "
    "other side.",
    smeared="The edge is repeated where the picture has moved away. It should be 0 there.",
    zero_shift="It works, but not when down or right is 0: x[:-0] is x[:0], which is empty. "
    "Say where the part ends instead: x[:H - down].",
    negative_shift="It works to the bottom and right, but not for negative numbers: down = -2 "
    "should move the picture up by 2.",
)
def check_shift(shift: Callable) -> str | Verdict | None:
    """shift(x, down, right): x (N, 1, H, W) moved by whole pixels, 0 coming in, the same shape."""
    x = 1 + torch.rand(3, 1, 6, 7, generator=torch.Generator().manual_seed(0))
    mistaken = [
        ("wraps-around", _rolled),
        ("wraps-around", lambda x, down, right: _rolled(x, -down, -right)),
        ("wrong-way", lambda x, down, right: _shift(x, -down, -right)),
        ("axes-swapped", lambda x, down, right: _shift(x, right, down)),
        ("axes-swapped", lambda x, down, right: _shift(x, -right, -down)),
        ("smeared", _smeared),
        ("size-changed", lambda x, down, right: F.pad(x, (right, 0, down, 0))),
        ("size-changed", lambda x, down, right: F.pad(x, (right, right, down, down))),
        ("size-changed", lambda x, down, right: x[:, :, down:, right:]),
        ("size-changed", lambda x, down, right: x[:, :, : 6 - down, : 7 - right]),
    ]
    found = compare_function(shift, _shift, [(x, 2, 1), (x, 1, 3)], mistaken)
    if found:
        return found
    for ways, mistake in [
        ([(0, 2), (3, 0), (0, 0)], "zero-shift"),
        ([(-1, 2), (2, -3), (-2, -1)], "negative-shift"),
    ]:
        try:
            found = compare_function(shift, _shift, [(x, *way) for way in ways])
        except Exception:
            return mistake
        if found:
            return mistake
    return None
