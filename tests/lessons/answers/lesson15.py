"""Answers to the exercises of lesson 15, right ones and wrong ones by code."""

import torch

RIGHT = {
    "check_shard": [
        """
def shard(n, ranks, rank):
    return range(rank, n, ranks)
""",
        """
def shard(n, ranks, rank):
    return np.array_split(np.arange(n), ranks)[rank]
""",
        """
def shard(n, ranks, rank):
    return torch.arange(n)[rank::ranks]
""",
        """
def shard(n, ranks, rank):
    return tuple(range(n * rank // ranks, n * (rank + 1) // ranks))
""",
        """
def shard(n, ranks, rank):
    for i in range(n):
        if (n - 1 - i) % ranks == rank:
            yield i
""",
        """
def shard(n, ranks, rank):
    order = torch.randperm(n, generator=torch.Generator().manual_seed(n))
    return order.tensor_split(ranks)[rank].float()
""",
        """
def shard(n, ranks, rank):
    size, more = divmod(n, ranks)
    start = rank * size + min(rank, more)
    return set(range(start, start + size + (rank < more)))
""",
    ],
    "check_average": [
        """
def average(gradients, sizes):
    weights = torch.tensor(sizes) / sum(sizes)
    return torch.tensordot(weights, torch.stack(gradients), dims=1)
""",
        """
def average(gradients, sizes):
    return np.average(np.stack(gradients), axis=0, weights=sizes)
""",
        """
def average(gradients, sizes):
    total = torch.zeros_like(gradients[0])
    for g, size in zip(gradients, sizes):
        total += g * size / sum(sizes)
    return total.double().tolist()
""",
        """
def average(gradients, sizes):
    for g, size in zip(gradients, sizes):
        g *= size
    return sum(gradients) / sum(sizes)
""",
    ],
    "check_ring_bytes": [
        """
def ring_bytes(parameters, workers):
    return 2 * (workers - 1) / workers * parameters * 4
""",
        """
def ring_bytes(parameters, workers):
    return torch.tensor(2 * (workers - 1) * parameters // workers) * torch.finfo().bits // 8
""",
        """
ring_bytes = lambda parameters, workers: [8 * parameters - 8 * parameters // workers]
""",
    ],
}

WRONG = {
    "check_shard": {
        "overlap": [
            """
def shard(n, ranks, rank):
    size = -(-n // ranks)
    return [i for i in range(rank * size, (rank + 1) * size + 1) if i < n]
""",
            """
def shard(n, ranks, rank):
    return range(rank, n)
""",
            """
def shard(n, ranks, rank):
    return np.random.choice(n, size=n // ranks)
""",
            """
def shard(n, ranks, rank):
    return [*range(0, n, ranks)] if rank == 0 else [*range(rank - 1, n, ranks)]
""",
        ],
        "rank-ignored": [
            """
def shard(n, ranks, rank):
    return list(range(n))
""",
            """
def shard(n, ranks, rank):
    return range(0, n, ranks)
""",
            """
def shard(n, ranks, rank):
    return range(n // ranks)
""",
        ],
        "remainder-dropped": [
            """
def shard(n, ranks, rank):
    size = n // ranks
    return range(rank * size, (rank + 1) * size)
""",
            """
def shard(n, ranks, rank):
    return list(range(n - n % ranks))[rank::ranks]
""",
        ],
        "sampler": [
            """
def shard(n, ranks, rank):
    sampler = torch.utils.data.DistributedSampler(range(n), ranks, rank, shuffle=False)
    return list(sampler)
""",
            """
def shard(n, ranks, rank):
    return [i % n for i in range(rank, -(-n // ranks) * ranks, ranks)]
""",
            """
def shard(n, ranks, rank):
    size = -(-n // ranks)
    return [i % n for i in range(rank * size, (rank + 1) * size)]
""",
        ],
        "uneven": [
            """
def shard(n, ranks, rank):
    size = n // ranks
    return range(rank * size, n if rank == ranks - 1 else (rank + 1) * size)
""",
            """
def shard(n, ranks, rank):
    size = -(-n // ranks)
    return range(n)[rank * size : (rank + 1) * size]
""",
        ],
        "out-of-range": [
            """
def shard(n, ranks, rank):
    return range(rank + 1, n + 1, ranks)
""",
            """
def shard(n, ranks, rank):
    size = -(-n // ranks)
    return range(rank * size, (rank + 1) * size)
""",
        ],
        "index-missing": [
            """
def shard(n, ranks, rank):
    return range(rank, n - 1, ranks)
""",
            """
def shard(n, ranks, rank):
    return []
""",
        ],
        "different": [
            """
def shard(n, ranks, rank):
    return [i % ranks == rank for i in range(n)]
""",
            """
def shard(n, ranks, rank):
    return rank
""",
            """
def shard(n, ranks, rank):
    return [[i] for i in range(rank, n, ranks)]
""",
            """
def shard(n, ranks, rank):
    print(range(rank, n, ranks))
""",
            """
def shard(n, ranks, rank):
    return [i / 2 for i in range(rank, n, ranks)]
""",
        ],
        "raised": """
def shard(n, ranks):
    return range(0, n, ranks)
""",
    },
    "check_average": {
        "summed": [
            """
def average(gradients, sizes):
    return torch.stack(gradients).sum(dim=0)
""",
            """
def average(gradients, sizes):
    total = gradients[0].clone()
    for g in gradients[1:]:
        total += g
    return total
""",
        ],
        "only-one": [
            """
def average(gradients, sizes):
    return gradients[0]
""",
            """
def average(gradients, sizes):
    for g in gradients:
        mean = g
    return mean
""",
        ],
        "not-weighted": [
            """
def average(gradients, sizes):
    return torch.stack(gradients).mean(dim=0)
""",
            """
def average(gradients, sizes):
    return sum(g / len(sizes) for g in gradients)
""",
        ],
        "means-divided": [
            """
def average(gradients, sizes):
    return sum(gradients) / sum(sizes)
""",
            """
def average(gradients, sizes):
    return np.mean(np.stack(gradients), axis=0) / np.mean(sizes)
""",
        ],
        "not-divided": [
            """
def average(gradients, sizes):
    return sum(g * size for g, size in zip(gradients, sizes))
""",
            """
def average(gradients, sizes):
    return torch.stack([g * size for g, size in zip(gradients, sizes)]).mean(dim=0)
""",
        ],
        "shape": """
def average(gradients, sizes):
    return torch.stack(gradients).mean()
""",
        "different": [
            """
def average(gradients, sizes):
    return sum(g * size for g, size in zip(gradients, sizes[::-1])) / sum(sizes)
""",
            """
def average(gradients, sizes):
    return sum(g.abs() * size for g, size in zip(gradients, sizes)) / sum(sizes)
""",
            """
def average(gradients, sizes):
    return sum(g / size for g, size in zip(gradients, sizes))
""",
        ],
        "raised": """
def average(gradients, sizes):
    return gradients.mean(dim=0)
""",
    },
    "check_ring_bytes": {
        "once-round": [
            """
def ring_bytes(parameters, workers):
    return (workers - 1) * parameters // workers * 4
""",
            """
def ring_bytes(parameters, workers):
    return sum(parameters / workers * 4 for turn in range(1, workers))
""",
        ],
        "numbers": [
            """
def ring_bytes(parameters, workers):
    return 2 * (workers - 1) * (parameters // workers)
""",
            """
def ring_bytes(parameters, workers):
    return 2 * (workers - 1) * (parameters // workers) * 32
""",
        ],
        "whole-gradients": [
            """
def ring_bytes(parameters, workers):
    return (workers - 1) * parameters * 4
""",
            """
def ring_bytes(parameters, workers):
    return workers * 2 * (workers - 1) * (parameters // workers) * 4
""",
        ],
        "one-turn-too-many": [
            """
def ring_bytes(parameters, workers):
    return 2 * workers * (parameters // workers) * 4
""",
            """
def ring_bytes(parameters, workers):
    return 2 * torch.zeros(parameters).nbytes
""",
        ],
        "different": """
def ring_bytes(parameters, workers):
    return parameters // workers * 4
""",
        "raised": """
def ring_bytes(parameters):
    return 8 * parameters
""",
    },
}


def _shard(shard, rng):
    """Which worker takes what is left open: only the sizes, and what all take together."""
    n, ranks = int(rng.integers(1, 40)), int(rng.integers(1, 9))
    parts = [[int(i) for i in shard(n, ranks, rank)] for rank in range(ranks)]
    return sorted(map(len, parts)), sorted(i for part in parts for i in part)


def _average(average, rng):
    shape = tuple(int(n) for n in rng.integers(1, 4, size=rng.integers(1, 4)))
    count = int(rng.integers(1, 6))
    gradients = [torch.tensor(rng.normal(size=shape), dtype=torch.float32) for _ in range(count)]
    return average(gradients, rng.integers(1, 99, size=count).tolist())


def _ring_bytes(ring_bytes, rng):
    part, workers = (int(n) for n in rng.integers(1, 99, size=2))
    return ring_bytes(part * workers, workers)


#: What an answer does on one random sample. A mutant that does the same is no wrong answer.
BEHAVIOUR = {
    "check_shard": _shard,
    "check_average": _average,
    "check_ring_bytes": _ring_bytes,
}
