"""What `training.fit` counts, shows and says beside the loop of lesson 08."""

import math
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

import torch
from tqdm.auto import tqdm

from course_utils.internals import endings


@dataclass
class Epoch:
    """An epoch of training: its seconds, and the mean loss and the accuracy while it trained."""

    training: "Progress"
    start: float = field(default_factory=time.perf_counter)
    seconds: float = 0.0
    images: int = 0
    sum_of_losses: float = 0.0
    right: int | torch.Tensor = 0  # a tensor from the first batch on: no GPU is waited for

    def check(self, batch_loss: torch.Tensor) -> None:
        """Keep the loss of a step. Raises Diverged, which ends a training, if it is not finite."""
        self.training.history.loss.append(batch_loss.item())
        endings.check_loss(self.training.history.loss[-1], self.training.optimizer)

    def count(self, z: torch.Tensor, y: torch.Tensor) -> None:
        """Count a batch with which a step was taken: its logits (N, classes) and labels (N,)."""
        self.images += len(y)
        self.sum_of_losses += self.training.history.loss[-1] * len(y)
        self.right = self.right + (z.argmax(dim=1) == y).sum()
        self.training.bar.update()
        self.seconds = time.perf_counter() - self.start

    @property
    def loss(self) -> float:
        return self.sum_of_losses / self.images

    @property
    def accuracy(self) -> float:
        return int(self.right) / self.images


@dataclass
class Progress:
    """A training under way. where: its epoch, such as "epoch 2 of 3"."""

    history: endings.Ending
    optimizer: torch.optim.Optimizer
    number_of_epochs: int
    bar: tqdm
    where: str = ""

    @property
    def steps(self) -> int:
        """How many it takes in all."""
        return self.bar.total

    def epochs(self) -> Iterator[Epoch]:
        """Begin one epoch after another."""
        for number in range(1, self.number_of_epochs + 1):
            self.where = f"epoch {number} of {self.number_of_epochs}"
            self.bar.set_description(self.where, refresh=False)
            yield Epoch(self)

    def check_end(self, last_loss: float) -> None:
        """Raise Diverged where the loss after the last step is not finite."""
        endings.check_loss(last_loss, self.optimizer, "after it ")


@contextmanager
def follow(
    history: endings.Ending,
    optimizer: torch.optim.Optimizer,
    epochs: int,
    images: int,
    size: int,
) -> Iterator[Progress]:
    """Within it a bar shows how far a training is, and what ends it early is told, and kept.

    history: gets the loss of every step, and how the training has ended. images: how many there
    are to learn from; size: images in a batch.
    """
    bar = tqdm(total=epochs * math.ceil(images / size), leave=False)
    progress = Progress(history, optimizer, epochs, bar)
    with endings.one_interrupt(), bar:
        try:
            yield progress
        except endings.ENDINGS as error:
            endings.report(error, history, progress.where, size)
