"""Keeping trained weights in files, with their recipes, and reading them back without trust."""

import hashlib
import io
import json
import os
import pickle
from pathlib import Path

import numpy as np
import torch
from torch import nn

from course_utils.images import CLASSES
from course_utils.models import ARCHITECTURES
from course_utils.sources import DATA, ROOT, runs_folder


class CheckpointError(RuntimeError):
    """A checkpoint that cannot be used. The message says which file, why, and what to do."""


def save_weights(model: nn.Module, name: str, recipe: dict) -> Path:
    """Keep a model's weights as ``runs/<name>.pt``, and how it was made as ``runs/<name>.json``.

    recipe: what the JSON is to tell, at least "data" (train.name) and "inputs" (pad, mean and
    std); the architecture, the versions and the checksum of the weights are added to it.

    Both files are written whole under other names before either takes the place of an old one,
    so that a crash at any moment leaves the old pair or the new one. The folder is
    COURSE_RUNS_DIR where that is set. Returns the path of the weights.

    Raises ValueError for a recipe without "data" or "inputs".
    """
    if missing := {"data", "inputs"} - recipe.keys():
        raise ValueError(f"the recipe has to tell {' and '.join(sorted(missing))} as well.")
    buffer = io.BytesIO()
    torch.save({key: value.cpu() for key, value in model.state_dict().items()}, buffer)
    whole_recipe = {
        "architecture": type(model).__name__,
        "arguments": list(getattr(model, "arguments", ())),
        **recipe,
        "versions": {"torch": torch.__version__, "numpy": np.__version__},
        "sha256": hashlib.sha256(buffer.getvalue()).hexdigest(),
    }
    weights = runs_folder() / f"{name}.pt"
    weights.parent.mkdir(parents=True, exist_ok=True)
    _new(weights).write_bytes(buffer.getvalue())
    _new(_recipe(weights)).write_text(json.dumps(whole_recipe, indent=2), encoding="utf-8")
    _new(weights).replace(weights)
    _new(_recipe(weights)).replace(_recipe(weights))
    return weights


def load_weights(name: str, data: str = "mnist") -> tuple[nn.Module, dict]:
    """A trained model in evaluation mode, on the CPU, and its recipe.

    The reader's own ``runs/<name>.pt`` where it was trained on data ("mnist", "fashion-mnist"
    or "digits"), otherwise the one that ships, ``data/weights/<name>-<data>.pt``, or
    ``<name>-mnist.pt`` for "digits". A printed sentence says which. Nothing in the file is
    executed: it is read with weights_only=True.

    Raises ValueError for unknown data, CheckpointError for a file that is missing, damaged, of
    another architecture, or holds anything but weights.
    """
    if data not in CLASSES:
        raise ValueError(f"there is no data set {data!r}; the known ones are {', '.join(CLASSES)}.")
    learned_from = "mnist" if data == "digits" else data  # no weights of the digits ship
    own, shipped = runs_folder() / f"{name}.pt", DATA / "weights" / f"{name}-{learned_from}.pt"
    path = own if own.exists() and _read(own)[1].get("data") == data else shipped
    content, recipe = _read(path)
    model = _build(path, content, recipe)
    whose = "your own" if path == own else "the course's"
    print(
        f"{recipe['architecture']} with {whose} weights, trained on {recipe['data']}: {path.name}"
    )
    return model, recipe


def find_pretrained(url: str) -> Path | None:
    """The file that torchvision would download from url, where it is at hand, or None.

    Looked for in torch's cache, ``checkpoints`` in ``torch.hub.get_dir()``, and in
    COURSE_DATA_DIR. Nothing is downloaded. torchvision's names end with the first digits of the
    file's SHA-256, as in ``resnet18-f37072fd.pth``.

    Raises CheckpointError for a file that does not have this checksum.
    """
    name = url.rpartition("/")[2]
    begins = Path(name).stem.rpartition("-")[2]
    shared = Path(ROOT, Path(os.environ.get("COURSE_DATA_DIR") or DATA).expanduser())
    for folder in (Path(torch.hub.get_dir(), "checkpoints"), shared):
        path = folder / name
        if path.is_file():
            if not hashlib.sha256(path.read_bytes()).hexdigest().startswith(begins):
                raise CheckpointError(
                    f"{path} is damaged: its SHA-256 does not begin with {begins}, as its name "
                    "says. It was not loaded. Delete it; a fresh download takes its place."
                )
            return path
    return None


def _recipe(weights: Path) -> Path:
    return weights.with_suffix(".json")


def _new(path: Path) -> Path:
    return path.with_name(path.name + ".new")


def _read(path: Path) -> tuple[bytes, dict]:
    """The bytes of the weights, and the recipe that belongs to them by its checksum."""
    if not path.exists():
        raise CheckpointError(f"there are no weights {path}. {_cure(path)}")
    content = path.read_bytes()
    checksum = hashlib.sha256(content).hexdigest()
    problem = f"or its recipe, {_recipe(path).name}, is damaged or missing: they do not agree"
    # After a crash between the two renamings the new recipe still has its other name.
    for recipe in (_recipe(path), _new(_recipe(path))):
        try:
            read = json.loads(recipe.read_text(encoding="utf-8"))
            if read["sha256"] == checksum:
                return content, {"data": "", "architecture": "", "arguments": [], **read}
        except FileNotFoundError:
            pass
        except (OSError, ValueError, TypeError, KeyError) as error:
            problem = f"has a recipe that cannot be read: {recipe.name}, {error!r}"
    raise CheckpointError(f"{path} {problem}. {_cure(path)}")


def _build(path: Path, content: bytes, recipe: dict) -> nn.Module:
    architecture = str(recipe["architecture"])
    if architecture not in ARCHITECTURES:
        known = ", ".join(ARCHITECTURES)
        raise CheckpointError(
            f"{path} is for a network {architecture!r}; the course has {known}. {_cure(path)}"
        )
    try:
        state = torch.load(io.BytesIO(content), map_location="cpu", weights_only=True)
        with torch.device("meta"):  # without memory: a forged recipe may ask for any size
            model = ARCHITECTURES[architecture](*recipe["arguments"])
        model.load_state_dict(state, assign=True)
    except pickle.UnpicklingError:
        raise CheckpointError(
            f"{path} holds more than weights. It was not loaded, and nothing in it was run. "
            f"{_cure(path)}"
        ) from None
    except Exception as error:  # torch has no one error for what it cannot read or fit
        message = f"{path} does not fit {architecture}: {error}. {_cure(path)}"
        raise CheckpointError(message) from None
    return model.eval()


def _cure(path: Path) -> str:
    if path.is_relative_to(DATA):
        return f"It should come with the course: `git checkout {path.relative_to(DATA.parent)}`."
    return "Train and save it again in its lesson; or delete it, and the course's own is used."
