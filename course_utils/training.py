"""Choosing a device, training (the loop of lesson 08), and measuring."""

import math
import os
import random
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Unpack

import numpy as np
import torch
from torch import nn
from torch.nn import functional as F
from tqdm.auto import tqdm

from course_utils.images import Images, Inputs, batches
from course_utils.internals import endings, neighbours


def pick_device() -> torch.device:
    """The fastest device at hand: CUDA, Apple's MPS, or the CPU; COURSE_DEVICE overrides it."""
    if asked := os.environ.get("COURSE_DEVICE"):
        return torch.device(asked)
    if torch.cuda.is_available():
        return torch.device("cuda")
    return torch.device("mps" if torch.backends.mps.is_available() else "cpu")


def set_seed(seed: int) -> None:
    """Seed the random numbers of Python, NumPy and torch, on every device."""
    random.seed(seed)
    np.random.seed(seed)
    torch.manual_seed(seed)


@dataclass
class History:
    """What happened in a call of `fit`.

    loss: the loss of every step, mean over the batch.
    train_loss, train_accuracy: one value an epoch, averaged over it while the weights changed.
    test_loss, test_accuracy: one value an epoch, measured after it; empty without a test set.
    seconds: training time of the whole epochs, measuring excluded.
    interrupted: stopped by the reader, or for want of memory, a schedule or labels.
    diverged: stopped as the loss became NaN or infinite.
    stopped: the printed sentence about either of the two; empty after a whole training.

    Accuracies are fractions from 0 to 1.
    """

    loss: list[float] = field(default_factory=list)
    train_loss: list[float] = field(default_factory=list)
    train_accuracy: list[float] = field(default_factory=list)
    test_loss: list[float] = field(default_factory=list)
    test_accuracy: list[float] = field(default_factory=list)
    seconds: float = 0.0
    interrupted: bool = False
    diverged: bool = False
    stopped: str = ""

    def keep_epoch(
        self, learned: tuple[float, float, float], measured: tuple[float, float] | None
    ) -> None:
        """Add (seconds, loss, accuracy) of training and, if any, (loss, accuracy) of the test set.

        Both at once, so that an interrupt while measuring leaves no half of an epoch.
        """
        self.seconds += learned[0]
        self.train_loss.append(learned[1])
        self.train_accuracy.append(learned[2])
        if measured:
            self.test_loss.append(measured[0])
            self.test_accuracy.append(measured[1])


def fit(
    model: nn.Module,
    train: Images,
    test: Images | None = None,
    *,
    epochs: int,
    optimizer: torch.optim.Optimizer,
    schedule: torch.optim.lr_scheduler.LRScheduler | None = None,
    size: int = 128,
    loss: Callable[[torch.Tensor, torch.Tensor], torch.Tensor] = F.cross_entropy,
    augment: Callable[[torch.Tensor], torch.Tensor] | None = None,
    after_epoch: Callable[[nn.Module, History], object] | None = None,
    **inputs: Unpack[Inputs],
) -> History:
    """Train a model where it is (its own device) with the loop of lesson 08.

    train, test: test is only measured, after each epoch; it changes nothing.
    schedule: a learning-rate schedule of torch, stepped once a batch.
    size: images in a batch, reshuffled every epoch with torch's global random numbers.
    loss: of logits (N, classes) and labels (N,), the mean over the batch.
    augment: changes the images x (N, 1, H, W) of every training batch, never those of test.
    after_epoch: called with the model and the history so far, once each epoch has been measured.
    inputs: pad, mean and std of `batches`.

    An interrupt (Kernel > Interrupt) ends training early, and so do a machine without memory left,
    a schedule without a step left, labels that were changed to what is no class, and a loss that
    is NaN or infinite, before it changes any weight: a printed sentence says so, and the history
    so far is returned with ``interrupted`` or ``diverged`` set. The loss is looked at once more
    after the last step. An optimizer that lacks weights of the model is told of, and used.

    Raises ValueError for fewer than 1 epoch, batches of fewer than 1 image, or labels of no class.
    """
    if epochs < 1 or size < 1:
        raise ValueError(
            f"epochs and size must be at least 1; with {epochs} epochs of batches of {size} "
            "the network would learn nothing."
        )
    history, device = History(), _device(model)
    neighbours.make_room(device)
    endings.say_what_is_not_trained(model, optimizer)
    bar = tqdm(total=epochs * math.ceil(len(train) / size), leave=False)
    with endings.one_interrupt(), bar:
        try:
            for epoch in range(1, epochs + 1):
                bar.set_description(f"epoch {epoch} of {epochs}", refresh=False)
                train, test = endings.checked(train), test and endings.checked(test)
                drawn = batches(train, size, shuffle=True, device=device, **inputs)
                drawn = ((augment(x), y) for x, y in drawn) if augment else drawn
                learned, last = _train_epoch(model, drawn, optimizer, schedule, loss, history, bar)
                measured = evaluate(model, test, loss=loss, **inputs) if test else None
                history.keep_epoch(learned, measured)
                if after_epoch:
                    after_epoch(model, history)
            last_loss = measured[0] if measured else _loss(model, loss, *last)
            endings.check_loss(last_loss, optimizer, "after it ")
        except endings.ENDINGS as error:
            endings.tell(error, history, f"epoch {epoch} of {epochs}", size)
    return history


def _train_epoch(
    model: nn.Module,
    batches: Iterable[tuple[torch.Tensor, torch.Tensor]],
    optimizer: torch.optim.Optimizer,
    schedule: torch.optim.lr_scheduler.LRScheduler | None,
    loss: Callable[[torch.Tensor, torch.Tensor], torch.Tensor],
    history: History,
    bar: tqdm,
) -> tuple[tuple[float, float, float], tuple[torch.Tensor, torch.Tensor]]:
    """The loop of lesson 08, which also counts. The loss of every step goes into the history.

    Returns (seconds, mean loss, accuracy) of the epoch, and the last batch.
    """
    start, total, images = time.perf_counter(), 0.0, 0
    right = torch.tensor(0, device=_device(model))  # so that a GPU is not waited for
    model.train()
    for x, y in batches:
        z = model(x)
        batch_loss = loss(z, y)
        history.loss.append(batch_loss.item())
        endings.check_loss(history.loss[-1], optimizer)  # before it harms a weight
        optimizer.zero_grad()
        batch_loss.backward()
        optimizer.step()
        if schedule:
            endings.step(schedule, bar.total)
        total += history.loss[-1] * len(y)
        right += (z.argmax(dim=1) == y).sum()
        images += len(y)
        bar.update()
    learned = time.perf_counter() - start, total / images, right.item() / images
    return learned, (x, y)


def evaluate(
    model: nn.Module,
    data: Images,
    *,
    size: int = 125,
    loss: Callable[[torch.Tensor, torch.Tensor], torch.Tensor] = F.cross_entropy,
    **inputs: Unpack[Inputs],
) -> tuple[float, float]:
    """The mean loss and the accuracy (0 to 1) of a model over all of data, in evaluation mode.

    size: images in a batch, which changes neither. Larger ones take more memory, and no less time.
    inputs: pad, mean and std of `batches`. The model is given back in the mode it was in.
    """
    device, mode, total, right = _device(model), model.training, 0.0, 0
    model.eval()
    try:
        with torch.no_grad():
            for x, y in batches(data, size, device=device, **inputs):
                z = model(x)
                total += loss(z, y).item() * len(y)
                right += (z.argmax(dim=1) == y).sum().item()
    finally:
        model.train(mode)
    return total / len(data), right / len(data)


def _loss(model: nn.Module, loss: Callable, x: torch.Tensor, y: torch.Tensor) -> float:
    """The loss of one batch in evaluation mode, which changes nothing."""
    model.eval()
    try:
        with torch.no_grad():
            return loss(model(x), y).item()
    finally:
        model.train()


def _device(model: nn.Module) -> torch.device:
    """Where a model is: the device of its first parameter, or the CPU if it has none."""
    return next((parameter.device for parameter in model.parameters()), torch.device("cpu"))
