"""Checks of the exercises of lesson 15, more than one device."""

from collections.abc import Callable, Sequence
from itertools import chain
from typing import cast

import torch

from course_utils.exercises.engine.checks import (
    Verdict,
    call,
    different,
    exercise,
    function_check,
    mistake,
    named,
    observed,
)
from course_utils.exercises.engine.reading import Answer, NotNumbers, as_array
from course_utils.exercises.journal import lesson_journal

mine, progress = lesson_journal(__name__)

# Examples and workers: with and without a remainder, and more workers than examples.
_SPLITS = [(2, 1), (2, 2), (4, 2), (7, 2), (2, 3), (5, 5), (10, 4), (11, 4), (13, 6), (64, 3)]


@exercise(
    "Every example belongs to one worker, and no worker has more than one more.",
    [
        observed("out-of-range", "Some index is not one of 0 to n − 1."),
        observed(
            "rank-ignored",
            "Every worker takes the same indices. What a worker takes has to depend on its rank.",
        ),
        observed(
            "sampler",
            "Some indices are given out twice, until all workers have equally many. torch's "
            "DistributedSampler does so too (7 indices, 2 workers: 0 2 4 6 and 1 3 5 0). Here no "
            "index may be repeated.",
        ),
        observed(
            "overlap",
            "Some index is taken twice. (If the workers shuffle: do all in the same order?)",
        ),
        observed("index-missing", "Some index is taken by no worker."),
        observed(
            "remainder-dropped",
            "All workers have equally many, and what is left over belongs to nobody.",
        ),
        observed(
            "uneven",
            "Some worker has at least two more than another. The slowest one decides how long a "
            "step takes, so spread the remainder.",
        ),
    ],
)
def check_shard(shard: Callable) -> str | Verdict | None:
    """shard(n, ranks, rank): a worker's indices of 0 to n − 1, in a list, range, array or tensor.

    Any way to share them out: every second one, blocks, or another.
    """
    faults: dict[str | None, tuple[int, int]] = {}
    shares: dict[tuple[int, int], list[list[int]]] = {}
    for n, ranks in _SPLITS:
        parts = shares[n, ranks] = []
        for rank in range(ranks):
            share = _indices(call(shard, n, ranks, rank))
            if isinstance(share, str):
                return different(f"shard({n}, {ranks}, {rank}) {share}.")
            parts.append(share)
        faults.setdefault(_fault(parts, n, ranks), (n, ranks))
    several = [(*case, parts) for case, parts in shares.items() if case[1] > 1]
    if all(parts.count(parts[0]) == n for _, n, parts in several) and any(several[0][2]):
        faults["rank-ignored"] = several[0][:2]
    filled = [({*map(len, parts)}, {*chain(*parts)}) for *_, parts in several]
    if "overlap" in faults and filled == [({-(-n // k)}, {*range(n)}) for n, k, _ in several]:
        faults["sampler"] = faults["overlap"]
    for code in check_shard.codes:
        if code in faults:
            n, ranks = faults[code]
            takes = [f"    worker {at} takes {part}" for at, part in enumerate(shares[n, ranks])]
            shown = "\n".join([f"For example, with n = {n} and ranks = {ranks}", *takes])
            return named(code, f"\n{shown}", (n, ranks), shares[n, ranks])
    return None


def _indices(share: Answer) -> list[int] | str:
    """A worker's indices, or what is wrong with them."""
    try:
        numbers = as_array([*share] if isinstance(share, set | frozenset) else share)
    except NotNumbers as error:
        return str(error)
    if numbers.ndim == 0 or numbers.size != numbers.shape[-1] or (numbers % 1).any():
        return "should be a list of whole numbers"
    if any("bool" in str(getattr(index, "dtype", type(index))) for index in share):
        return "gives True and False. Give the indices themselves"
    return [int(number) for number in numbers.ravel()]


def _fault(parts: list[list[int]], n: int, ranks: int) -> str | None:
    taken, sizes = [*chain(*parts)], [*map(len, parts)]
    if not {*taken} <= {*range(n)}:
        return "out-of-range"
    if len(taken) > len({*taken}):
        return "overlap"
    if len(taken) < n:
        return "remainder-dropped" if {*sizes} == {n // ranks} else "index-missing"
    return "uneven" if max(sizes) > min(sizes) + 1 else None


def _weighted(gradients: Sequence[torch.Tensor], sizes: Sequence[int]) -> torch.Tensor:
    total = sum(size * g for g, size in zip(gradients, sizes, strict=True))
    return cast(torch.Tensor, total) / sum(sizes)  # sum() alone might have been empty, and 0


def _gradients(count: int, *shape: int) -> list[torch.Tensor]:
    generator = torch.Generator().manual_seed(count)
    return [torch.randn(shape, generator=generator) for _ in range(count)]


check_average = function_check(
    "average(gradients, sizes): the gradient of the whole batch, of one gradient's shape.",
    _weighted,
    [
        ([torch.tensor([-5.0]), torch.tensor([-25.0])], [2, 2]),
        ([torch.tensor([4.0, -8.0]), torch.tensor([0.0, 16.0])], [3, 1]),
        (
            [torch.tensor([1.0, -2.0]), torch.tensor([3.0, 0.5]), torch.tensor([-4.0, 2.0])],
            [1, 2, 5],
        ),
        (_gradients(3, 4, 2), [10, 30, 20]),
        (_gradients(2, 2, 3, 5), [48, 16]),
    ],
    [
        mistake(
            "summed",
            "the gradients are added up, so that n workers make a step about n times as long. "
            "Take their mean, in which each counts as often as it has images.",
            lambda gradients, sizes: sum(gradients),
        ),
        mistake(
            "only-one",
            "one worker's gradient is taken. The gradients of all workers count.",
            lambda gradients, sizes: gradients[0],
            lambda gradients, sizes: gradients[-1],
        ),
        mistake(
            "not-weighted",
            "all workers count alike. One with 48 images counts three times as much as one with "
            "16.",
            lambda gradients, sizes: sum(gradients) / len(gradients),
        ),
        mistake(
            "means-divided",
            "the gradients are added up and divided by the number of all images. Each is a mean "
            "already: multiply it by its worker's number of images first.",
            lambda gradients, sizes: sum(gradients) / sum(sizes),
        ),
        mistake(
            "not-divided",
            "each gradient is multiplied by its size, and the sum is divided by nothing, or by "
            "the number of workers. Divide it by the number of all images.",
            lambda gradients, sizes: _weighted(gradients, sizes) * sum(sizes),
            lambda gradients, sizes: _weighted(gradients, sizes) * sum(sizes) / len(sizes),
        ),
    ],
    correct="However the images are shared out, this is the gradient of the whole batch.",
)

check_ring_bytes = function_check(
    "ring_bytes(parameters, workers): bytes sent by one worker in a ring all-reduce.",
    lambda parameters, workers: 8 * (workers - 1) * (parameters // workers),
    [(2, 2), (6, 3), (20, 4), (1_000, 1), (61_706, 2), (60_000, 8)],
    [
        mistake(
            "once-round",
            "the parts go round once. They go round twice: added up, and handed out.",
            lambda p, n: 4 * (n - 1) * p // n,
        ),
        mistake(
            "numbers",
            "numbers or bits are counted, not bytes. A float32 takes 4 bytes, of 8 bits each.",
            lambda p, n: 2 * (n - 1) * p // n,
            lambda p, n: 64 * (n - 1) * p // n,
        ),
        mistake(
            "whole-gradients",
            "each message is a whole gradient. It is one part of it, a share of 1 / workers.",
            lambda p, n: 4 * (n - 1) * p,
            lambda p, n: 8 * (n - 1) * p,
        ),
        mistake(
            "one-turn-too-many",
            "each time round has as many turns as workers. It has one turn less: then every part "
            "is complete.",
            lambda p, n: 8 * p,
        ),
    ],
    correct="With many workers this comes close to two whole gradients, and never reaches them.",
    rtol=0,
)
