"""The training runs of lessons 08 to 14: a recipe for each, and how it is carried out."""

import math
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from functools import partial

import torch
from torch.nn import functional as F

from course_utils.images import Images, flip_and_shift, load_images
from course_utils.models import ARCHITECTURES
from course_utils.records import write_record
from course_utils.shown.alexnet import SmallAlexNet
from course_utils.shown.residual import Plain, Residual, network
from course_utils.training import History, evaluate, fit, pick_device, set_seed

NETWORKS: dict[str, Callable[..., torch.nn.Module]] = {
    **ARCHITECTURES,
    "SmallAlexNet": SmallAlexNet,
    "Plain": partial(network, Plain),
    "Residual": partial(network, Residual),
}


@dataclass(frozen=True)
class Recipe:
    """A training run, made once for every seed.

    architecture, arguments, options: a name of NETWORKS, and what the network is built with.
    data: "mnist" or "fashion-mnist". first: how many of the training images to learn from, the
    first ones. validate: how many of the last ones to measure after each epoch, as well as test.
    optimizer: its name in torch.optim. rate: the learning rate, or its peak with one_cycle.
    augmented: whether `images.flip_and_shift` changes the training batches.
    label_smoothing: of the training loss, as in `torch.nn.functional.cross_entropy`.
    mixup: the α of `MixUp`, by which the training batches are mixed; 0 for none.
    inputs: pad, mean and std of `images.batches`, where they are not its own.
    """

    architecture: str
    data: str
    epochs: int
    rate: float
    arguments: tuple = ()
    options: dict = field(default_factory=dict)
    first: int = 60_000
    validate: int = 0
    optimizer: str = "SGD"
    weight_decay: float = 0.0
    one_cycle: bool = False
    augmented: bool = False
    label_smoothing: float = 0.0
    mixup: float = 0.0
    size: int = 128
    inputs: dict = field(default_factory=dict)
    seeds: tuple[int, ...] = (0, 1, 2)


#: Lesson 12: LeNet on FashionMNIST, with 5,000 images held out to decide when to stop.
FASHION = Recipe(
    "LeNet",
    "fashion-mnist",
    epochs=30,
    rate=0.001,
    first=55_000,
    validate=5_000,
    optimizer="Adam",
    size=100,
    inputs={"mean": 0.0, "std": 1.0},
)

#: Lesson 11: the CNN and LeNet on one split of MNIST, 5,000 images held out to decide by.
CNN = Recipe(
    "CNN",
    "mnist",
    epochs=3,
    rate=0.003,
    first=55_000,
    validate=5_000,
    optimizer="Adam",
    one_cycle=True,
    inputs={"mean": 0.5, "std": 0.5, "pad": 0},
)

#: Lesson 13: each idea of AlexNet switched on by itself, everything else equal.
ALEXNET = Recipe(
    "SmallAlexNet",
    "fashion-mnist",
    epochs=30,
    rate=0.005,
    first=6_000,
    optimizer="Adam",
    one_cycle=True,
    size=100,
)

#: Lesson 14: networks of 8 and of 20 layers, with and without shortcuts, trained for longer.
DEEPER = Recipe(
    "Residual",
    "fashion-mnist",
    epochs=5,
    rate=0.01,
    arguments=(3,),
    optimizer="Adam",
    one_cycle=True,
    inputs={"pad": 0},
    seeds=tuple(range(10)),
)

RECIPES = {
    "mlp-sgd": Recipe("MLP", "mnist", epochs=30, rate=0.01, arguments=(1024, 300, 10)),
    "lenet-sgd": Recipe("LeNet", "mnist", epochs=30, rate=0.01),
    "fashion": FASHION,
    "fashion-long": replace(FASHION, epochs=100, seeds=(0,)),
    "fashion-decay": replace(FASHION, optimizer="AdamW", weight_decay=0.1),
    "fashion-augmented": replace(FASHION, augmented=True),
    "fashion-smoothed": replace(FASHION, label_smoothing=0.1),
    "fashion-mixed": replace(FASHION, mixup=0.2),
    "cnn": CNN,
    "cnn-small-peak": replace(CNN, rate=0.0003),
    "cnn-constant": replace(CNN, rate=0.001, one_cycle=False, size=100),
    "lenet": replace(CNN, architecture="LeNet", epochs=2, rate=0.005, inputs={}),
    "alexnet-plain": ALEXNET,
    "alexnet-tanh": replace(ALEXNET, options={"activation": "tanh"}),
    "alexnet-dropout": replace(ALEXNET, options={"dropout": 0.5}),
    "alexnet-augmented": replace(ALEXNET, augmented=True),
    "alexnet-overlapping": replace(ALEXNET, options={"overlapping": True}),
    "alexnet-groups": replace(ALEXNET, options={"groups": 2}),
    "alexnet-normalised": replace(ALEXNET, options={"normalise": True}),
    "plain-8": replace(DEEPER, architecture="Plain", arguments=(1,)),
    "plain-20": replace(DEEPER, architecture="Plain"),
    "residual-8": replace(DEEPER, arguments=(1,)),
    "residual-20": DEEPER,
}


class MixUp:
    """Training on mixtures of two images and of their labels (lesson 12).

    `mix` changes a batch x (N, C, H, W) before `loss` judges the answers to it.
    alpha: both mixtures' shares are drawn from Beta(alpha, alpha), one share a batch.

    Source: Zhang, Cisse, Dauphin and Lopez-Paz, mixup: Beyond Empirical Risk Minimization (2018),
    section 2.
    """

    def __init__(self, alpha: float) -> None:
        self.shares = torch.distributions.Beta(alpha, alpha)

    def mix(self, x: torch.Tensor) -> torch.Tensor:
        self.share = self.shares.sample().item()
        self.partner = torch.randperm(len(x)).to(x.device)
        return self.share * x + (1 - self.share) * x[self.partner]

    def loss(self, z: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
        first, second = F.cross_entropy(z, y), F.cross_entropy(z, y[self.partner])
        return self.share * first + (1 - self.share) * second


def run(recipe: Recipe, seed: int, epochs: int) -> dict:
    """Train by a recipe for some of its epochs: one history, as `load_record` describes it.

    Raises LookupError where the recipe's data set is not at hand, InterruptedError where the
    run was stopped before its end.
    """
    train, test = images_at_hand(recipe.data)
    learned = train[: recipe.first]
    set_seed(seed)
    model = NETWORKS[recipe.architecture](*recipe.arguments, **recipe.options)
    model.to(pick_device()).to(memory_format=torch.channels_last)  # quicker on CPUs
    steps = recipe.epochs * math.ceil(len(learned) / recipe.size)
    optimizer, schedule = _optimizer(recipe, model, steps)
    mixture = MixUp(recipe.mixup) if recipe.mixup else None
    augment: Callable | None = mixture.mix if mixture else None
    if recipe.augmented:
        augment = flip_and_shift
    smoothed = partial(F.cross_entropy, label_smoothing=recipe.label_smoothing)
    watched = {"validation": train[-recipe.validate :]} if recipe.validate else {}
    watched["test"] = test
    measured: dict[str, list[tuple[float, float]]] = {name: [] for name in watched}

    def watch(model: torch.nn.Module, _: History) -> None:
        """Measure by the plain cross-entropy, whatever the network is trained with."""
        for name, data in watched.items():
            measured[name].append(evaluate(model, data, **recipe.inputs))

    history = fit(
        model,
        learned,
        epochs=epochs,
        optimizer=optimizer,
        schedule=schedule,
        size=recipe.size,
        loss=mixture.loss if mixture else smoothed,
        augment=augment,
        after_epoch=watch,
        **recipe.inputs,
    )
    if history.interrupted or history.diverged:
        raise InterruptedError("a record is of whole runs, and this one stopped before its end.")
    return {**_curves(history, measured), "seconds": round(history.seconds, 1)}


def sample(recipe: Recipe) -> dict:
    """The recipe in small: one epoch of four batches, by its first seed. A history, as of `run`.

    It takes a second or two, and what changes the recipe's steps changes its losses.
    """
    return run(replace(recipe, first=4 * recipe.size), recipe.seeds[0], epochs=1)


def _optimizer(
    recipe: Recipe, model: torch.nn.Module, steps: int
) -> tuple[torch.optim.Optimizer, torch.optim.lr_scheduler.LRScheduler | None]:
    """The recipe's optimizer and its schedule, if it has one, for so many steps."""
    kind = getattr(torch.optim, recipe.optimizer)
    optimizer = kind(model.parameters(), lr=recipe.rate, weight_decay=recipe.weight_decay)
    if not recipe.one_cycle:
        return optimizer, None
    one_cycle = torch.optim.lr_scheduler.OneCycleLR
    return optimizer, one_cycle(optimizer, max_lr=recipe.rate, total_steps=steps)


def _curves(history: History, measured: dict[str, list[tuple]]) -> dict[str, list[float]]:
    """Rounded; measured: for each part of the images a (loss, accuracy) an epoch."""
    curves = {"train_loss": history.train_loss, "train_accuracy": history.train_accuracy}
    for name, pairs in measured.items():
        curves[f"{name}_loss"] = [loss for loss, _ in pairs]
        curves[f"{name}_accuracy"] = [accuracy for _, accuracy in pairs]
    return {name: [round(v, 5) for v in values] for name, values in curves.items() if values}


def images_at_hand(name: str) -> tuple[Images, Images]:
    """`load_images`, but a LookupError in place of other images than those that are named."""
    train, test = load_images(name)
    if train.name != name:
        raise LookupError(f"this run needs {name}, which is not at hand.")
    return train, test


def main(name: str) -> None:
    """Run a recipe with all its seeds and write the record."""
    recipe, histories = RECIPES[name], []
    for seed in recipe.seeds:
        histories.append(run(recipe, seed, recipe.epochs))
        accuracy = histories[-1]["test_accuracy"][-1]
        print(f"{name}, seed {seed}: test accuracy {accuracy:.4f}", flush=True)
    write_record(name, recipe, histories=histories, sample=sample(recipe))
