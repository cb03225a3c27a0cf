"""Checks of the exercises of lesson 15, more than one device."""

from collections.abc import Callable, Sequence
from itertools import chain

import numpy as np
import torch

from course_utils.exercises.engine import (
    Verdict,
    as_array,
    compare_function,
    different,
    exercise,
)

# Examples and workers: with and without a remainder, and more workers than examples.
_SPLITS = [(8, 2), (7, 2), (10, 4), (64, 3), (5, 5), (11, 4), (2, 3)]


def _sampler(n: int, ranks: int, rank: int) -> list[int]:
    """What torch's DistributedSampler answers: from the beginning again until all are full."""
    sampler = torch.utils.data.DistributedSampler
    return [*sampler(range(n), num_replicas=ranks, rank=rank, shuffle=False)]


@exercise(
    correct="Every example belongs to one worker, and no worker has more than one more.",
    overlap="Some index is taken by two workers, or twice by one. Each index belongs to exactly "
    "one worker. (If you shuffle: do all workers shuffle in the same order?)",
    rank_ignored="Every worker takes the same indices, so all do the same work. "
    "What a worker takes has to depend on its rank.",
    remainder_dropped="All workers have equally many, and the indices that are left over belong "
    "to nobody. Of 7 indices and 2 workers, one worker takes 4.",
    sampler="The first indices are given out twice, until all workers have equally many. torch's "
    "DistributedSampler does so too (7 indices, 2 workers: 0 2 4 6 and 1 3 5 0), since in training "
    "a worker with fewer batches would leave the others waiting. Here no index may be repeated.",
    uneven="Every index is taken once, but some worker has at least two more than another. "
    "The slowest worker decides how long a step takes, so spread the remainder.",
    out_of_range="Some index is below 0 or above n − 1. The indices of n examples are 0 to n − 1.",
)
def check_shard(shard: Callable) -> str | Verdict | None:
    """shard(n, ranks, rank): a worker's indices of 0 to n − 1, in a list, range, array or tensor.

    Any way to share them out: every second one, blocks, or another.
    """
    if not callable(shard):
        return different("a function is expected here.")
    answers = {}
    for n, ranks in _SPLITS:
        answers[n, ranks] = []
        for rank in range(ranks):
            found = shard(n, ranks, rank)
            call = f"shard({n}, {ranks}, {rank})"
            if found is None:
                return different(f"{call} is None. (Is there a `return`?)")
            try:
                items = found.tolist() if hasattr(found, "tolist") else [*found]
                if any(isinstance(item, bool) for item in items):
                    return different(f"{call} gives True and False. Give the indices themselves.")
                indices = as_array(items)
            except (TypeError, ValueError):
                return different(f"{call} should be a list of whole numbers.")
            if indices.ndim != 1 or not np.array_equal(indices, np.rint(indices)):
                return different(f"{call} should be a list of whole numbers.")
            answers[n, ranks].append([int(index) for index in indices])
    return _judge(answers)


def _judge(answers: dict[tuple[int, int], list[list[int]]]) -> str | Verdict | None:
    taken = {case: sorted(chain(*parts)) for case, parts in answers.items()}
    sizes = {case: [len(part) for part in parts] for case, parts in answers.items()}
    if any(part and not 0 <= part[0] <= part[-1] < n for (n, _), part in taken.items()):
        return "out-of-range"
    if all(taken[n, ranks] == [*range(n)] for n, ranks in _SPLITS):
        even = all(max(counts) - min(counts) <= 1 for counts in sizes.values())
        return None if even else "uneven"
    if all(parts.count(parts[0]) == len(parts) for parts in answers.values()):
        return "rank-ignored"
    # From the beginning again until all are full, one by one (as torch) or in blocks.
    filled = all(
        set(taken[n, ranks]) == {*range(n)} and set(sizes[n, ranks]) == {-(-n // ranks)}
        for n, ranks in _SPLITS
    )
    as_torch = all(
        [sorted(part) for part in parts] == [sorted(_sampler(n, ranks, r)) for r in range(ranks)]
        for (n, ranks), parts in answers.items()
    )
    if filled or as_torch:
        return "sampler"
    if any(len(part) > len(set(part)) for part in taken.values()):
        return "overlap"
    if all(set(sizes[n, ranks]) == {n // ranks} for n, ranks in _SPLITS):
        return "remainder-dropped"
    n, ranks = next((n, ranks) for n, ranks in _SPLITS if taken[n, ranks] != [*range(n)])
    missing = min({*range(n)} - {*taken[n, ranks]})
    return different(f"with n = {n} and ranks = {ranks}, no worker takes the index {missing}.")


def _weighted(gradients: Sequence[torch.Tensor], sizes: Sequence[int]) -> torch.Tensor:
    return sum(size * g for g, size in zip(gradients, sizes, strict=True)) / sum(sizes)


@exercise(
    correct="However the images are shared out, this is the gradient of the whole batch.",
    summed="You have added the gradients up. With n workers the step would be about n times as "
    "long; take their mean, in which each counts as often as it has images.",
    only_one="This is the gradient of one worker alone. The others have worked for nothing.",
    not_weighted="This is the plain mean, which is right for equal parts. "
    "Here a worker with 48 images has to count three times as much as one with 16.",
    means_divided="Each gradient is a mean already, over its worker's images. Multiply it by "
    "their number first; then the sum can be divided by the number of all images.",
    not_divided="Each gradient is multiplied by its size, and the sum is not divided. "
    "Divide once, by the number of all images.",
    divided_by_workers="Each gradient is multiplied by its size, so the sum has to be divided by "
    "the number of all images, and not by the number of workers.",
)
def check_average(average: Callable) -> str | Verdict | None:
    """average(gradients, sizes): the gradient of the whole batch, of one gradient's shape.

    gradients: a list of tensors of one shape, each of a mean loss; sizes: a list of the numbers
    of images behind them.
    """
    generator = torch.Generator().manual_seed(0)

    def random(count: int, *shape: int) -> list[torch.Tensor]:
        return [torch.randn(shape, generator=generator) for _ in range(count)]

    cases = [(random(2, 5), [48, 16]), (random(3, 4, 2), [10, 30, 20]), (random(2, 3), [8, 8])]
    return compare_function(
        average,
        _weighted,
        cases,
        [
            ("summed", lambda gradients, sizes: sum(gradients)),
            ("only-one", lambda gradients, sizes: gradients[0]),
            ("only-one", lambda gradients, sizes: gradients[-1]),
            ("not-weighted", lambda gradients, sizes: sum(gradients) / len(gradients)),
            ("means-divided", lambda gradients, sizes: sum(gradients) / sum(sizes)),
            ("not-divided", lambda gradients, sizes: _weighted(gradients, sizes) * sum(sizes)),
            (
                "divided-by-workers",
                lambda gradients, sizes: _weighted(gradients, sizes) * sum(sizes) / len(sizes),
            ),
        ],
    )


@exercise(
    correct="With many workers this comes close to two whole gradients, and never reaches them.",
    once_round="This is one time round. The parts go round twice: added up, and handed out.",
    numbers="You have counted numbers. A float32 takes 4 bytes.",
    whole_gradients="This is what worker 0 sends when all is passed through it. "
    "In a ring a worker sends only one part of the gradient in each turn.",
    one_turn_too_many="After workers − 1 turns every part has met all workers; "
    "there is one turn too many in each time round.",
    all_workers="This is what all workers send together, or what one of them would send if each "
    "message were a whole gradient. One worker sends one part in each turn.",
    bits="These are bits. A byte has 8 of them.",
)
def check_ring_bytes(ring_bytes: Callable) -> str | Verdict | None:
    """ring_bytes(parameters, workers): bytes sent by one worker in a ring all-reduce."""
    cases = [(61_706, 2), (60_000, 8), (1_200, 3), (1_000, 1)]
    return compare_function(
        ring_bytes,
        lambda parameters, workers: 8 * (workers - 1) * parameters // workers,
        cases,
        [
            ("once-round", lambda p, n: 4 * (n - 1) * p // n),
            ("numbers", lambda p, n: 2 * (n - 1) * p // n),
            ("whole-gradients", lambda p, n: 4 * (n - 1) * p),
            ("one-turn-too-many", lambda p, n: 8 * p),
            ("all-workers", lambda p, n: 8 * (n - 1) * p),
            ("bits", lambda p, n: 64 * (n - 1) * p // n),
        ],
        rtol=1e-9,
    )
