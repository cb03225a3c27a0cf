"""Other busy programs. Threads share the work of a step, and all wait for the slowest of them.

On two cores, with one of them busy, two threads are therefore slower than one: an epoch of
LeNet took 3.9 s on a quiet machine, 13.8 s beside one busy program, and 6.6 s with one thread.
"""

import math
import os
import time

import psutil
import torch

DEFAULT_THREADS = torch.get_num_threads()
#: As many threads as `adapt_threads` has left; another number is the reader's own, and stays.
_threads_set = DEFAULT_THREADS
#: Cores that others have to keep busy, twice in a row, before it counts: a page that is drawn
#: or a file that is saved takes less.
BUSY = 0.7
#: Looking takes 0.4 s, so it is done once in so many seconds: lessons train many small networks.
SECONDS_BETWEEN_LOOKS = 60
_looked_at = -math.inf


def adapt_threads(device: torch.device) -> None:
    """Let torch use as many threads as cores are free; a printed sentence says when that changes.

    device: where the training is to run; threads matter on the CPU alone. Nothing is done where
    OMP_NUM_THREADS says how many there are to be.
    """
    global _looked_at, _threads_set
    if device.type != "cpu" or "OMP_NUM_THREADS" in os.environ or DEFAULT_THREADS == 1:
        return
    if torch.get_num_threads() != _threads_set:
        return
    if time.monotonic() < _looked_at + SECONDS_BETWEEN_LOOKS:
        return
    _looked_at = time.monotonic()
    cores = os.cpu_count() or 1
    busy = min(_busy_cores(cores) for _ in range(2))
    free = max(1, round(cores - busy)) if busy > BUSY else cores
    threads, before = min(DEFAULT_THREADS, free), torch.get_num_threads()
    if threads == before:
        return
    torch.set_num_threads(threads)
    _threads_set = threads
    if threads < before:
        print(
            f"Other programs keep {busy:.1f} of {cores} cores busy. Training uses {threads} of "
            f"{DEFAULT_THREADS} threads, which is quicker here; it is quickest when they have "
            "ended."
        )
    else:
        print(f"Other programs keep fewer cores busy: training uses {threads} threads again.")


def _busy_cores(cores: int, seconds: float = 0.2) -> float:
    """How many cores others keep busy, while this program waits."""
    return psutil.cpu_percent(interval=seconds) / 100 * cores
