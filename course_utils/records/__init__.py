"""Training runs that are too long for a lesson, recorded in data/records.

python -m course_utils.records             lists them
python -m course_utils.records lenet-sgd   makes one again (minutes to an hour)
python -m course_utils.records "alexnet-*" makes all again whose names begin so

How the runs are made stands in `runs`, and for the race of lesson 13 in `race`.
"""

import datetime
import json
import platform
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

import torch

from course_utils.sources import DATA
from course_utils.training import pick_device

if TYPE_CHECKING:
    from _typeshed import DataclassInstance


def load_record(name: str) -> dict:
    """A recorded run: "recipe", "made" (command, versions, device, date), "histories", "sample".

    histories: for each seed, in the recipe's order, the lists "train_loss", "train_accuracy",
    "test_loss" and "test_accuracy" of `training.History`, one value an epoch, and "seconds";
    where the recipe holds images out, "validation_loss" and "validation_accuracy" as well.
    sample: such a history of a few steps only (`runs.sample`), which a test repeats.
    """
    return json.loads(_path(name).read_text(encoding="utf-8"))


def write_record(name: str, recipe: "DataclassInstance", **results: object) -> None:
    """Write data/records/NAME.json: a recipe (a dataclass), how it was made, and the results."""
    record = {
        "recipe": asdict(recipe),
        "made": {
            "command": f"python -m course_utils.records {name}",
            "versions": {"python": platform.python_version(), "torch": torch.__version__},
            "device": str(pick_device()),
            "date": datetime.date.today().isoformat(),
        },
        **results,
    }
    fresh = _path(name).with_suffix(".new")
    fresh.write_text(json.dumps(record) + "\n", encoding="utf-8")
    fresh.replace(_path(name))


def _path(name: str) -> Path:
    return DATA / "records" / f"{name}.json"
