"""Choosing a device, training (the loop of lesson 08), and measuring."""

import os
import random
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Unpack

import numpy as np
import torch
from torch import nn
from torch.nn import functional as F

from course_utils.images import Images, Inputs, batches
from course_utils.internals import endings, neighbours
from course_utils.internals.progress import Epoch, follow


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

    def keep_epoch(self, epoch: Epoch, measured: tuple[float, float] | None) -> None:
        """Add what was counted in an epoch and, if any, (loss, accuracy) of the test set.

        Both at once, so that an interrupt while measuring leaves no half of an epoch.
        """
        train_loss, train_accuracy = epoch.loss, epoch.accuracy  # a GPU may be waited for here
        self.seconds += epoch.seconds
        self.train_loss.append(train_loss)
        self.train_accuracy.append(train_accuracy)
        if measured:
            test_loss, test_accuracy = measured
            self.test_loss.append(test_loss)
            self.test_accuracy.append(test_accuracy)


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

    Raises ValueError for fewer than 1 epoch, batches of fewer than 1 image, labels of no class,
    and inputs that `batches` does not take.
    """
    endings.check_numbers(epochs, size)
    history, device = History(), device_of(model)
    neighbours.adapt_threads(device)
    endings.warn_about_untrained(model, optimizer)
    with follow(history, optimizer, epochs, len(train), size) as progress:
        for epoch in progress.epochs():
            endings.check_labels(train, test)
            model.train()
            for x, y in batches(train, size, shuffle=True, device=device, **inputs):
                if augment:
                    x = augment(x)
                z = model(x)
                batch_loss = loss(z, y)
                epoch.check(batch_loss)  # before it harms a weight
                optimizer.zero_grad()
                batch_loss.backward()
                optimizer.step()
                if schedule:
                    endings.step(schedule, progress.steps)
                epoch.count(z, y)
            measured = evaluate(model, test, loss=loss, **inputs) if test else None
            history.keep_epoch(epoch, measured)
            if after_epoch:
                after_epoch(model, history)
        progress.check_end(measured[0] if measured else _loss(model, loss, x, y))
    return history


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
    device, mode = device_of(model), model.training
    total, right = 0.0, 0
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


def device_of(model: nn.Module) -> torch.device:
    """Where a model is: the device of its first parameter, or the CPU if it has none."""
    return next((parameter.device for parameter in model.parameters()), torch.device("cpu"))
