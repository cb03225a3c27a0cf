"""Training runs that are too long for a lesson, recorded in data/records.

python -m course_utils.record            lists them
python -m course_utils.record lenet-sgd  makes one again (minutes to an hour)
"""

import datetime
import json
import platform
import sys
from dataclasses import asdict, dataclass
from pathlib import Path

import torch

from course_utils.images import load_images
from course_utils.models import ARCHITECTURES
from course_utils.sources import DATA
from course_utils.training import History, fit, pick_device, set_seed


@dataclass(frozen=True)
class Recipe:
    """A training run: SGD without momentum at a constant rate, once for every seed."""

    architecture: str
    arguments: tuple[int, ...]
    data: str
    epochs: int
    rate: float
    size: int = 128
    seeds: tuple[int, ...] = (0, 1, 2)


RECIPES = {
    "mlp-sgd": Recipe("MLP", (1024, 300, 10), "mnist", epochs=30, rate=0.01),
    "lenet-sgd": Recipe("LeNet", (), "mnist", epochs=30, rate=0.01),
}


def run(recipe: Recipe, seed: int, epochs: int) -> History:
    """Train by a recipe, for some of its epochs.

    Raises LookupError where the recipe's data set is not at hand.
    """
    train, test = load_images(recipe.data)
    if train.name != recipe.data:
        raise LookupError(f"this run needs {recipe.data}, which is not at hand.")
    set_seed(seed)
    model = ARCHITECTURES[recipe.architecture](*recipe.arguments).to(pick_device())
    optimizer = torch.optim.SGD(model.parameters(), lr=recipe.rate)
    return fit(model, train, test, epochs=epochs, optimizer=optimizer, size=recipe.size)


def load_record(name: str) -> dict:
    """A recorded run: "recipe", "made" (command, versions, device, date) and "histories".

    histories: for each seed, in the recipe's order, the lists "train_loss", "train_accuracy",
    "test_loss" and "test_accuracy" of `History`, one value an epoch, and "seconds".
    """
    return json.loads(_path(name).read_text(encoding="utf-8"))


def _path(name: str) -> Path:
    return DATA / "records" / f"{name}.json"


def main(name: str) -> None:
    """Run a recipe with all its seeds and write the record."""
    recipe, histories = RECIPES[name], []
    for seed in recipe.seeds:
        history = run(recipe, seed, recipe.epochs)
        if history.interrupted or history.diverged:
            sys.exit("Nothing was written: a record is of whole runs.")
        print(f"seed {seed}: test accuracy {history.test_accuracy[-1]:.4f}", flush=True)
        curves = {key: [round(value, 5) for value in getattr(history, key)] for key in _CURVES}
        histories.append({**curves, "seconds": round(history.seconds, 1)})
    record = {
        "recipe": asdict(recipe),
        "made": {
            "command": f"python -m course_utils.record {name}",
            "versions": {"python": platform.python_version(), "torch": torch.__version__},
            "device": str(pick_device()),
            "date": datetime.date.today().isoformat(),
        },
        "histories": histories,
    }
    fresh = _path(name).with_suffix(".new")
    fresh.write_text(json.dumps(record) + "\n", encoding="utf-8")
    fresh.replace(_path(name))


_CURVES = ("train_loss", "train_accuracy", "test_loss", "test_accuracy")

if __name__ == "__main__":
    if len(sys.argv) != 2 or sys.argv[1] not in RECIPES:
        sys.exit(f"usage: python -m course_utils.record NAME, one of: {', '.join(RECIPES)}")
    main(sys.argv[1])
