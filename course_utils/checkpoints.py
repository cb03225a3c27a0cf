"""Keeping trained weights in files, with their recipes, and reading them back without trust."""

import hashlib
import io
import json
import pickle
from pathlib import Path

import numpy as np
import torch
from torch import nn

from course_utils.models import ARCHITECTURES
from course_utils.sources import DATA, runs_folder


class CheckpointError(RuntimeError):
    """A checkpoint that cannot be used. The message says which file, why, and what to do."""


def save_weights(model: nn.Module, name: str, recipe: dict) -> Path:
    """Keep a model's weights as ``runs/<name>.pt``, and how it was made as ``runs/<name>.json``.

    recipe: what the JSON is to tell, at least "data" (train.name) and "inputs" (pad, mean and
    std); the architecture, the versions and the checksum of the weights are added to it.

    Each file is written whole under another name first, so that a crash loses nothing old.
    The folder is COURSE_RUNS_DIR where that is set. Returns the path of the weights.
    """
    folder = runs_folder()
    folder.mkdir(parents=True, exist_ok=True)
    buffer = io.BytesIO()
    torch.save({key: value.cpu() for key, value in model.state_dict().items()}, buffer)
    weights = buffer.getvalue()
    recipe = {
        "architecture": type(model).__name__,
        "arguments": list(getattr(model, "arguments", ())),
        **recipe,
        "versions": {"torch": torch.__version__, "numpy": np.__version__},
        "sha256": hashlib.sha256(weights).hexdigest(),
    }
    path = folder / f"{name}.pt"
    for target, content in (
        (path, weights),
        (path.with_suffix(".json"), json.dumps(recipe, indent=2).encode()),
    ):
        fresh = target.with_name(target.name + ".new")
        fresh.write_bytes(content)
        fresh.replace(target)
    return path


def load_weights(name: str, data: str = "mnist") -> tuple[nn.Module, dict]:
    """A trained model in evaluation mode, on the CPU, and its recipe.

    The reader's own ``runs/<name>.pt`` where it was trained on data ("mnist", "fashion-mnist"
    or "digits"), otherwise the one that ships, ``data/weights/<name>-mnist.pt``. A printed
    sentence says which. Nothing in the file is executed: it is read with weights_only=True.

    Raises CheckpointError for a file that is missing, damaged, of another architecture, or
    holds anything but weights.
    """
    own, shipped = runs_folder() / f"{name}.pt", DATA / "weights" / f"{name}-mnist.pt"
    path = own if own.exists() and _read_recipe(own).get("data") == data else shipped
    model, recipe = _read_weights(path)
    whose = "your own" if path == own else "the course's"
    print(
        f"{recipe['architecture']} with {whose} weights, trained on {recipe['data']}: {path.name}"
    )
    return model, recipe


def _read_recipe(path: Path) -> dict:
    recipe = path.with_suffix(".json")
    try:
        return {"data": "", "architecture": "", "arguments": [], **json.loads(recipe.read_text())}
    except (OSError, ValueError, TypeError) as error:
        raise CheckpointError(
            f"the recipe {recipe} cannot be read: {error}. {_cure(path)}"
        ) from None


def _read_weights(path: Path) -> tuple[nn.Module, dict]:
    if not path.exists():
        raise CheckpointError(f"there are no weights {path}. {_cure(path)}")
    recipe, content = _read_recipe(path), path.read_bytes()
    if hashlib.sha256(content).hexdigest() != recipe.get("sha256"):
        raise CheckpointError(f"{path} is damaged: its recipe has another checksum. {_cure(path)}")
    architecture = recipe["architecture"]
    if architecture not in ARCHITECTURES:
        known = ", ".join(ARCHITECTURES)
        raise CheckpointError(
            f"{path} is for a network {architecture!r}; the course has {known}. {_cure(path)}"
        )
    try:
        state = torch.load(io.BytesIO(content), map_location="cpu", weights_only=True)
        model = ARCHITECTURES[architecture](*recipe["arguments"])
        model.load_state_dict(state)
    except pickle.UnpicklingError:
        raise CheckpointError(
            f"{path} holds more than weights. It was not loaded, and nothing in it was run. "
            f"{_cure(path)}"
        ) from None
    except Exception as error:  # torch has no one error for what it cannot read or fit
        raise CheckpointError(
            f"{path} does not fit {architecture}: {error}. {_cure(path)}"
        ) from None
    return model.eval(), recipe


def _cure(path: Path) -> str:
    if path.is_relative_to(DATA):
        return f"It should come with the course: `git checkout {path.relative_to(DATA.parent)}`."
    return "Train and save it again in its lesson; or delete it, and the course's own is used."
