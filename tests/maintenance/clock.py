"""A clock for any training loop: how soon does what it measures reach an accuracy?

`watch` in a program's first line is enough. It listens to torch's cross-entropy and to the steps of
torch's optimizers. Of the losses between two steps the last is what the second step learns from;
those before it are a measurement, of the images that the program holds out.
"""

import json
import time
from collections.abc import Callable
from pathlib import Path

import torch
from torch.nn import functional as F
from torch.optim.optimizer import register_optimizer_step_pre_hook
from torchvision.datasets import MNIST

#: Fewer images between two steps are no measurement, but a step that adds up several losses.
LEAST = 300


class Reached(Exception):
    """The accuracy has been measured: nothing more is to be trained."""


class Clock:
    """Notes every measurement in a file, a line of JSON each: seconds, steps, images, accuracy."""

    def __init__(self, accuracy: float, notes: Path) -> None:
        self.wanted, self.notes = accuracy, notes
        self.start, self.steps = 0.0, 0
        self.heard: list[tuple[torch.Tensor, torch.Tensor, float]] = []

    def hear(self, z: torch.Tensor, y: torch.Tensor) -> None:
        """Logits (N, classes) and labels (N,) of a loss; those of other shapes are no answers."""
        if z.ndim == 2 and y.ndim == 1:
            self.start = self.start or time.perf_counter()
            self.heard.append((z.detach(), y, time.perf_counter()))

    def step(self, *_: object) -> None:
        """Before a step: all that was heard but the last was a measurement."""
        measured, self.heard = self.heard[:-1], []
        self._note(measured)
        self.steps += 1

    def finish(self) -> None:
        """After the last step all of it was."""
        measured, self.heard = self.heard, []
        self._note(measured)

    def _note(self, measured: list[tuple[torch.Tensor, torch.Tensor, float]]) -> None:
        images = sum(len(y) for _, y, _ in measured)
        if images < LEAST or not self.steps:
            return
        right = sum((z.argmax(dim=1) == y).sum().item() for z, y, _ in measured)
        note = {
            "seconds": measured[-1][2] - self.start,
            "steps": self.steps,
            "images": images,
            "accuracy": right / images,
        }
        with self.notes.open("a", encoding="utf-8") as file:
            file.write(json.dumps(note) + "\n")
        if note["accuracy"] >= self.wanted:
            raise Reached(f"{note['accuracy']:.2%} after {note['seconds']:.1f} s")


def watch(accuracy: float, notes: str, images: str | None = None) -> Clock:
    """Start to listen; `Reached` is raised where the accuracy (0 to 1) is measured.

    notes: the file of the measurements. images: a folder in torchvision's layout, from which
    torchvision's MNIST and FashionMNIST are then read, whatever folder the program names.
    """
    clock = Clock(accuracy, Path(notes))
    for name in ("cross_entropy", "nll_loss"):
        setattr(F, name, _heard_by(clock, getattr(F, name)))
    register_optimizer_step_pre_hook(clock.step)
    if images:
        original = MNIST.__init__
        MNIST.__init__ = lambda self, root, *args, **options: original(
            self, images, *args, **options
        )
    return clock


def _heard_by(clock: Clock, loss: Callable) -> Callable:
    def heard(input: torch.Tensor, target: torch.Tensor, *args, **options) -> torch.Tensor:
        clock.hear(input, target)
        return loss(input, target, *args, **options)

    return heard
