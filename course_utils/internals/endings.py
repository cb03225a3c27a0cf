"""How a training ends before its time: what `training.fit` then says, and keeps."""

import math
import signal
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Protocol

import torch
from torch import nn

from course_utils.images import Images


class Stop(ValueError):
    """A training cannot go on. The message says why, and what to do."""


class Diverged(Stop):
    """The loss is NaN or infinite."""


#: What may end a training: `report` says which of these it was.
ENDINGS = (KeyboardInterrupt, RuntimeError, MemoryError, Stop)


def check_numbers(epochs: int, size: int) -> None:
    """Raise ValueError for fewer than 1 epoch, or batches of fewer than 1 image."""
    if epochs < 1 or size < 1:
        raise ValueError(
            f"epochs and size must be at least 1; with {epochs} epochs of batches of {size} "
            "the network would learn nothing."
        )


def check_loss(loss: float, optimizer: torch.optim.Optimizer, when: str = "") -> None:
    """Raise Diverged for a loss that is no finite number. when: words that say which loss."""
    if not math.isfinite(loss):
        group = optimizer.param_groups[0]
        rate = group.get("max_lr", group["lr"])
        at = "at its peak" if "max_lr" in group else "now"
        raise Diverged(
            f"the loss {when}is {loss}. Build the model anew and try a learning rate ten times "
            f"smaller (it is {rate:g} {at})."
        )


def check_labels(train: Images, test: Images | None) -> None:
    """Raise Stop where labels have been changed to what is no class."""
    with _stops("the labels have been changed: load the images again"):
        for images in (train, test or train):
            images[:]  # new Images, which look at their labels


def step(schedule: torch.optim.lr_scheduler.LRScheduler, needed: int) -> None:
    """Step a schedule. Raises Stop where it has no step left of those that are needed."""
    with _stops(f"the schedule is over: make one of {needed} steps"):
        schedule.step()


@contextmanager
def _stops(reason: str) -> Iterator[None]:
    """Within it a ValueError ends the training, for this reason."""
    try:
        yield
    except ValueError as error:
        raise Stop(f"{reason} ({str(error).rstrip('.')})") from None


@contextmanager
def one_interrupt() -> Iterator[None]:
    """Within it an interrupt that follows another one within a second does not count.

    So a second click cannot lose what the first one was to keep. Outside of the main thread, and
    where interrupts have a handler of their own, everything stays as it is.
    """
    in_main_thread = threading.current_thread() is threading.main_thread()
    if not in_main_thread or signal.getsignal(signal.SIGINT) is not signal.default_int_handler:
        yield
        return
    last = -math.inf

    def interrupt(number: int, frame: object) -> None:
        nonlocal last
        if time.monotonic() - last > 1:
            last = time.monotonic()
            raise KeyboardInterrupt

    signal.signal(signal.SIGINT, interrupt)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, signal.default_int_handler)


class Ending(Protocol):
    """The part of a `training.History` that is about its end, and the losses before it."""

    loss: list[float]
    interrupted: bool
    diverged: bool
    stopped: str


def report(error: BaseException, history: Ending, where: str, size: int) -> None:
    """Print the sentence about a training that an error has ended, and keep it in the history.

    where: the epoch. size: images in a batch. Raises the error itself where it is a RuntimeError
    about anything else than memory, or a fault that was there before the first step.
    """
    history.stopped = _sentence(error, len(history.loss), where, size)
    history.diverged = isinstance(error, Diverged)
    history.interrupted = not history.diverged
    print(history.stopped)


def _sentence(error: BaseException, steps: int, where: str, size: int) -> str:
    """steps: how many were begun."""
    kept = "The history so far is kept, and the model is as the last step left it."
    if isinstance(error, KeyboardInterrupt):
        return f"Interrupted after {steps} steps, in {where}. {kept}"
    if isinstance(error, Diverged):
        return f"Stopped at step {steps}, in {where}: {error}"
    if isinstance(error, Stop) and steps:
        return f"Stopped after {steps} steps, in {where}: {error}. {kept}"
    if isinstance(error, MemoryError) or "CPUAllocator" in str(error):
        owner, cure = "this computer", "close other programs and other notebooks"
    elif "out of memory" in str(error):
        owner = "the GPU"
        cure = "restart the kernel with the environment variable COURSE_DEVICE=cpu"
        torch.cuda.empty_cache()
    else:
        raise error
    return (
        f"Stopped after {steps} steps, in {where}: {owner} has no memory left for batches of "
        f"{size} images. Try size={max(1, size // 2)}, or {cure}. {kept}"
    )


def warn_about_untrained(model: nn.Module, optimizer: torch.optim.Optimizer) -> None:
    """Print which of a network's weights the optimizer does not hold, if there are any."""
    trained = {id(weight) for group in optimizer.param_groups for weight in group["params"]}
    weights = {
        name: id(weight) for name, weight in model.named_parameters() if weight.requires_grad
    }
    missing = [name for name, weight in weights.items() if weight not in trained]
    cure = "Make it after the network, from model.parameters()"
    if missing and len(missing) == len(weights):
        print(
            "The optimizer holds none of this network's weights, so no step will change them: it "
            f"was made for another network, perhaps for an earlier one of the same name. {cure}."
        )
    elif missing:
        shown = ", ".join(missing[:4]) + (" and so on" if missing[4:] else "")
        print(
            f"The optimizer holds {len(weights) - len(missing)} of the {len(weights)} tensors that "
            f"this network could learn. No step will change {shown}. {cure}, if that is not meant."
        )
