"""The runs behind the activation race of lesson 13: two minutes on one core."""

from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import pairwise

import torch
from torch import nn
from torch.nn import functional as F

from course_utils.images import batches
from course_utils.records import load_record, write_record
from course_utils.records.runs import images_at_hand
from course_utils.training import evaluate, fit, pick_device, set_seed

NAME = "activation-race"

#: Each activation, and the start of the weights that fits it (lesson 04).
ACTIVATIONS: dict[str, tuple[type[nn.Module], Callable[[torch.Tensor], torch.Tensor]]] = {
    "sigmoid": (nn.Sigmoid, nn.init.xavier_normal_),
    "tanh": (nn.Tanh, nn.init.xavier_normal_),
    "ReLU": (nn.ReLU, nn.init.kaiming_normal_),
}


@dataclass(frozen=True)
class Recipe:
    """What all runs have in common; plain SGD, without momentum.

    depths: the number of hidden layers, each of `width` units. rates: the learning rates that
    every activation tries at every depth, with the first seed; the best one, on the last
    `validate` training images, is then run with the other seeds. first: how many of the training
    images to learn from, the first ones. every: the training loss is kept as means of so many
    steps. inputs: pad, mean and std of `images.batches`.
    """

    data: str = "mnist"
    depths: dict[str, int] = field(default_factory=lambda: {"shallow": 1, "deep": 6})
    width: int = 64
    rates: tuple[float, ...] = (0.01, 0.03, 0.1, 0.3, 1.0, 3.0)
    first: int = 20_000
    validate: int = 5_000
    epochs: int = 6
    size: int = 100
    every: int = 40
    inputs: dict = field(default_factory=lambda: {"pad": 0, "mean": 0.1307, "std": 0.3081})
    seeds: tuple[int, ...] = (0, 1, 2)


RECIPE = Recipe()


def network(activation: str, hidden: int, width: int) -> nn.Sequential:
    """Takes images (N, 1, 28, 28), returns logits (N, 10), with the start that fits."""
    kind, start = ACTIVATIONS[activation]
    layers: list[nn.Module] = [nn.Flatten()]
    for inputs, outputs in pairwise([784, *[width] * hidden]):
        layers += [nn.Linear(inputs, outputs), kind()]
    model = nn.Sequential(*layers, nn.Linear(width, 10))
    for layer in model:
        if isinstance(layer, nn.Linear):
            start(layer.weight)
            nn.init.zeros_(layer.bias)
    return model


def gradients(model: nn.Sequential, x: torch.Tensor, y: torch.Tensor) -> list[float]:
    """For each hidden layer, first to last, how much of the loss's gradient arrives there.

    It is the length of the gradient of each image's loss with respect to what the layer computes
    before its activation, (N, width), and its mean over the images x (N, 1, 28, 28).
    """
    before = []
    for layer in model:
        x = layer(x)
        if isinstance(layer, nn.Linear):
            before.append(x)
    arrived = torch.autograd.grad(F.cross_entropy(x, y, reduction="sum"), before[:-1])
    return [gradient.norm(dim=1).mean().item() for gradient in arrived]


def run(
    recipe: Recipe,
    activation: str,
    depth: str,
    rate: float,
    seed: int,
    epochs: int,
) -> dict:
    """One run: "gradients" before the first step, "loss" (means of `every` steps), "validation"
    (accuracy at the end), "test_accuracy" and "test_loss" after each epoch, "seconds".

    Raises LookupError where the recipe's data set is not at hand.
    """
    train, test = images_at_hand(recipe.data)
    set_seed(seed)
    model = network(activation, recipe.depths[depth], recipe.width).to(pick_device())
    x, y = next(batches(train, 1000, device=pick_device(), **recipe.inputs))
    arrived = gradients(model, x, y)
    optimizer = torch.optim.SGD(model.parameters(), lr=rate)
    history = fit(
        model,
        train[: recipe.first],
        test,
        epochs=epochs,
        optimizer=optimizer,
        size=recipe.size,
        **recipe.inputs,
    )
    if history.interrupted:
        raise InterruptedError("a record is of whole runs, and this one stopped before its end.")
    held_out = evaluate(model, train[-recipe.validate :], **recipe.inputs)[1]
    steps = torch.tensor(history.loss).split(recipe.every)
    return {
        "gradients": [float(f"{value:.4g}") for value in arrived],
        "loss": [round(part.mean().item(), 4) for part in steps],
        "validation": 0.0 if history.diverged else round(held_out, 4),
        "test_accuracy": [round(value, 4) for value in history.test_accuracy],
        "test_loss": [round(value, 4) for value in history.test_loss],
        "seconds": round(history.seconds, 1),
    }


def race(recipe: Recipe, activation: str, depth: str) -> dict:
    """All runs of one activation at one depth: "tried" (rate, accuracy), "rate", "runs"."""
    options = (recipe, activation, depth)
    first = {rate: run(*options, rate, recipe.seeds[0], recipe.epochs) for rate in recipe.rates}
    best = max(first, key=lambda rate: first[rate]["validation"])
    others = [run(*options, best, seed, recipe.epochs) for seed in recipe.seeds[1:]]
    return {
        "tried": [[rate, tried["validation"]] for rate, tried in first.items()],
        "rate": best,
        "runs": [first[best], *others],
    }


def load() -> dict:
    """The record: "recipe", "made" (command, versions, device, date), and "races".

    races: for each depth, for each activation, what `race` gives.
    """
    return load_record(NAME)


def main() -> None:
    """Make all runs and write the record."""
    races: dict[str, dict[str, dict]] = {}
    for depth in RECIPE.depths:
        races[depth] = {}
        for activation in ACTIVATIONS:
            races[depth][activation] = made = race(RECIPE, activation, depth)
            ends = [each["test_accuracy"][-1] for each in made["runs"]]
            print(
                f"{depth}, {activation}: rate {made['rate']}, {ends}; {made['tried']}", flush=True
            )
    write_record(NAME, RECIPE, races=races)
