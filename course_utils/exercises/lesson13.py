"""Checks of the exercises of lesson 13, AlexNet's ideas."""

from collections.abc import Callable

import numpy as np
import torch

from course_utils.exercises.engine import (
    Verdict,
    as_array,
    compare_function,
    different,
    exercise,
    same,
)


@exercise(
    correct="0 or divided by 1 − p in training, untouched in evaluation: the mean stays.",
    no_rescaling="The units that are kept stay as they are, so that the next layer gets less in "
    "training than in evaluation. Divide them by 1 − p in training.",
    papers_form="This is the paper's form: nothing in training, times 1 − p in evaluation. It "
    "works too, but torch's inverted form is asked: divide by 1 − p in training, and give a back "
    "as it is in evaluation.",
    active_in_evaluation="Units are switched off in evaluation too. When training is False, give "
    "a back as it is.",
    rescaled_in_both="In evaluation the activations are changed too, though all units are on and "
    "training was already rescaled. When training is False, give a back as it is.",
    share_swapped="Units are kept with probability p. It is the probability of being switched "
    "off: keep where the random number is at least p.",
    divided_by_p="The units that are kept are divided by p. A share of 1 − p stays, so divide by "
    "1 − p.",
    one_draw_for_many="Many units share one random number, such as a whole row. Draw one for each "
    "value: torch.rand(a.shape).",
    the_same_every_time="Two calls switch off the same units. Draw anew in each call, without "
    "setting a seed.",
)
def check_my_dropout(my_dropout: Callable) -> str | Verdict | None:
    """my_dropout(a, p, training): a tensor of the shape of a, by inverted dropout."""
    if not callable(my_dropout):
        return different("a function is expected here: my_dropout(a, p, training).")
    torch.manual_seed(0)
    a = torch.linspace(1, 2, 60 * 50).view(60, 50)
    # p is never 0.5 here: there p and 1 - p could not be told apart
    for p in (0.2, 0.7):
        trained, again = (my_dropout(a.clone(), p, True) for _ in range(2))
        tested = my_dropout(a.clone(), p, False)
        for mode, result in [("True", trained), ("False", tested)]:
            try:
                shape = as_array(result).shape
            except (TypeError, ValueError):
                shape = None
            if result is None or shape is None:
                missing = " Is its return missing?" if result is None else ""
                return different(
                    f"with training={mode} a tensor is expected, not {type(result).__name__}."
                    + missing
                )
            if shape != a.shape:
                return different(
                    f"with training={mode} the result has the shape {shape}; "
                    f"{tuple(a.shape)}, as a, is expected."
                )
        found = _look_at_dropout(a, p, *map(as_array, (trained, again, tested)))
        if found:
            return found
    return None


def _look_at_dropout(
    a: torch.Tensor, p: float, trained: np.ndarray, again: np.ndarray, tested: np.ndarray
) -> str | Verdict | None:
    ratio, plain = trained / as_array(a), same(tested, a)
    on = ratio != 0
    factors = ratio[on]
    if on.any() and on.all() != (again != 0).all():  # all of them in one call, none in another
        return "one-draw-for-many"
    if not on.any() or not np.isfinite(ratio).all() or not np.allclose(factors, factors[0], 1e-4):
        return different(
            f"with p = {p} and training=True the values should be 0 or a / {1 - p:.1f}."
        )
    if not plain and (tested == 0).mean() > 0.05:
        return "active-in-evaluation"
    factor = factors[0]
    unscaled = bool(np.isclose(factor, 1, 1e-4))
    if on.all():
        return different(
            f"with training=True no unit of {on.size} is switched off. "
            "Draw a number for each: torch.rand(a.shape)."
        )
    if np.array_equal(on, again != 0):
        return "the-same-every-time"
    lines = on.mean(axis=0), on.mean(axis=1)
    if any(np.isin(line, (0, 1)).all() for line in lines):
        return "one-draw-for-many"
    if abs(on.mean() - p) < 0.06:
        return "share-swapped"
    if abs(on.mean() - (1 - p)) > 0.06:
        return different(
            f"with p = {p}, {1 - on.mean():.0%} of the units are switched off; {p:.0%} is expected."
        )
    if unscaled:
        if plain:
            return "no-rescaling"
        if same(tested, a * (1 - p)):
            return "papers-form"
    if np.isclose(factor, 1 / p, 1e-4):
        return "divided-by-p"
    if not np.isclose(factor, 1 / (1 - p), 1e-4):
        return different(
            f"with p = {p} the kept units are multiplied by {factor:.4g}; "
            f"{1 / (1 - p):.4g} is expected."
        )
    return None if plain else "rescaled-in-both"


def _lrn(
    a: torch.Tensor,
    size: int,
    alpha: float,
    beta: float,
    k: float,
    *,
    divide: bool = True,
    at_ends: str = "cut",
    square: bool = True,
    square_sum: bool = False,
    bracket: bool = True,
    right: int = 1,
) -> np.ndarray:
    """The right answer, or one with a mistake: see the list of them below."""
    a, half = as_array(a), size // 2
    values, sums = a**2 if square else a, []
    for i in range(len(a)):
        if at_ends == "cut":
            window = values[max(0, i - half) : i + half + right]
        elif at_ends == "wrap":
            window = values[np.arange(i - half, i + half + 1) % len(a)]
        elif at_ends == "index":  # values[j] for j below 0; nothing beyond the last
            window = values[[j for j in range(i - half, i + half + 1) if j < len(a)]]
        else:  # Python's slice from a negative index
            window = values[i - half : i + half + right]
        total = window.sum() ** 2 if square_sum else window.sum()
        sums.append(total * (alpha / size if divide else alpha))
    return a / ((k + np.array(sums)) ** beta if bracket else k + np.array(sums) ** beta)


def _lrn_in_place(a: torch.Tensor, size: int, alpha: float, beta: float, k: float) -> np.ndarray:
    a, half = as_array(a).copy(), size // 2
    for i in range(len(a)):
        window = a[max(0, i - half) : i + half + 1]
        a[i] /= (k + alpha / size * (window**2).sum()) ** beta
    return a


def _lrn_mean(*arguments: object) -> np.ndarray:
    """The mean over as many maps as there are: divided by fewer than size at the ends."""
    a, size, alpha, beta, k = arguments
    a, half = as_array(a), size // 2
    means = [(a[max(0, i - half) : i + half + 1] ** 2).mean() for i in range(len(a))]
    return a / (k + alpha * np.array(means)) ** beta


@exercise(
    correct="Windows are cut at the ends, and alpha is divided by size everywhere.",
    window_off_the_edge="The windows at the ends are wrong: for the first maps i - size // 2 is "
    "negative, and Python counts a negative index from the end. Begin at max(0, i - size // 2).",
    alpha_not_divided="alpha is not divided by size. The paper's formula has alpha as it is, torch "
    "divides it: alpha / size.",
    divided_by_fewer_at_the_ends="At the ends you divide by the number of maps that are there. "
    "torch divides by size everywhere, as if the missing maps were 0.",
    not_squared="The activations are added up as they are. Square them first, or positive and "
    "negative ones cancel.",
    window_too_short="The window ends one map early: a slice a[low:high] leaves out a[high]. End "
    "it at i + size // 2 + 1.",
    all_maps="The sum is over all maps. Each looks at size of them only, size // 2 on either side.",
    not_multiplied="This is what is divided *by*. The result is a divided by it.",
    exponent_forgotten="The exponent beta is missing: (k + …) ** beta.",
    k_outside_the_power="k stands outside the power. It belongs into the bracket: (k + …) ** beta.",
    sum_squared="You square the sum. Square each activation, and add up the squares.",
    changed_in_place="You write the results into a itself, and later windows then hold results in "
    "place of activations. Write them into a new tensor: torch.zeros_like(a).",
)
def check_my_lrn(my_lrn: Callable) -> str | Verdict | None:
    """my_lrn(a, size, alpha, beta, k): (C,) normalised activations of one place, as torch's."""

    def over_all(a: torch.Tensor, size: int, alpha: float, beta: float, k: float) -> np.ndarray:
        a = as_array(a)
        return a / (k + alpha / size * (a**2).sum()) ** beta

    def over_all_undivided(
        a: torch.Tensor, size: int, alpha: float, beta: float, k: float
    ) -> np.ndarray:
        return over_all(a, size, alpha * size, beta, k)

    def divisor(a: torch.Tensor, *rest: float) -> np.ndarray:
        return as_array(a) / _lrn(a, *rest)

    mistaken = [
        ("alpha-not-divided", lambda *args: _lrn(*args, divide=False)),
        ("window-off-the-edge", lambda *args: _lrn(*args, at_ends="slice")),
        ("window-off-the-edge", lambda *args: _lrn(*args, at_ends="wrap")),
        ("window-off-the-edge", lambda *args: _lrn(*args, at_ends="index")),
        ("window-off-the-edge", lambda *args: _lrn(*args, at_ends="slice", divide=False)),
        ("window-off-the-edge", lambda *args: _lrn(*args, at_ends="wrap", divide=False)),
        ("divided-by-fewer-at-the-ends", _lrn_mean),
        ("not-squared", lambda *args: _lrn(*args, square=False)),
        ("not-squared", lambda *args: _lrn(*args, square=False, divide=False)),
        ("window-too-short", lambda *args: _lrn(*args, right=0)),
        ("window-too-short", lambda *args: _lrn(*args, right=0, divide=False)),
        ("all-maps", over_all),
        ("all-maps", over_all_undivided),
        ("not-multiplied", divisor),
        ("exponent-forgotten", lambda a, size, alpha, beta, k: _lrn(a, size, alpha, 1, k)),
        ("k-outside-the-power", lambda *args: _lrn(*args, bracket=False)),
        ("sum-squared", lambda *args: _lrn(*args, square=False, square_sum=True)),
        ("changed-in-place", _lrn_in_place),
    ]
    cases = [
        (torch.tensor([1.0, -2, 3, 4, -5, 6, 2]), 5, 0.5, 0.75, 2.0),
        (torch.tensor([3.0, 1, -2, 5, 4]), 3, 0.9, 0.5, 1.0),
    ]
    return compare_function(my_lrn, _lrn, cases, mistaken)


@exercise(
    correct="Each kernel sees maps_in / groups maps, and every map that comes out has its bias.",
    biases_halved="The biases are divided by the groups too. There is one for each map that comes "
    "out, with groups or without: maps_out of them.",
    only_outputs_divided="This is as many as without groups. Dividing only the kernels among the "
    "groups saves nothing, since all groups together have them all again; each kernel also looks "
    "at maps_in / groups maps only.",
    both_divided="The weights are divided by the groups twice: these are one group's. Each group "
    "has maps_in / groups · maps_out / groups kernels, and there are `groups` of them.",
    biases_forgotten="These are the weights only. Add one bias for each map that comes out.",
    kernel_not_squared="A kernel has kernel · kernel weights for each map that it looks at.",
)
def check_grouped_parameters(grouped_parameters: Callable) -> str | Verdict | None:
    """grouped_parameters(maps_in, maps_out, kernel, groups): weights and biases together."""

    def right(i: int, o: int, k: int, g: int) -> int:
        return o * (i // g * k**2 + 1)

    mistaken = [
        ("biases-halved", lambda i, o, k, g: right(i, o, k, g) - o + o / g),
        ("only-outputs-divided", lambda i, o, k, g: o * (i * k**2 + 1)),
        ("both-divided", lambda i, o, k, g: i / g * (o / g) * k**2 + o),
        ("both-divided", lambda i, o, k, g: o / g * (i / g * k**2 + 1)),
        ("biases-forgotten", lambda i, o, k, g: i / g * o * k**2),
        ("kernel-not-squared", lambda i, o, k, g: o * (i / g * k + 1)),
    ]
    cases = [(96, 256, 5, 2), (384, 256, 3, 2), (12, 24, 3, 4), (3, 64, 11, 1)]
    return compare_function(grouped_parameters, right, cases, mistaken, rtol=0)
