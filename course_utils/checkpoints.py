"""Keeping trained weights in files, with their recipes, and reading them back without trust."""

import contextlib
import glob
import hashlib
import io
import json
import os
import secrets
import textwrap
import time
import zipfile
from pathlib import Path

import numpy as np
import torch
from torch import nn

from course_utils.images import CLASSES, plain_inputs
from course_utils.internals import places
from course_utils.models import ARCHITECTURES
from course_utils.sources import DATA, runs_folder

#: No weights and no recipe of the course come near these numbers of bytes.
MOST_WEIGHTS, MOST_RECIPE = 2**28, 2**17


class CheckpointError(RuntimeError):
    """A checkpoint that cannot be used. The message says which file, why, and what to do."""


def save_weights(model: nn.Module, name: str, recipe: dict) -> Path:
    """Keep a model's weights as ``runs/<name>.pt``, and how it was made as ``runs/<name>.json``.

    recipe: what the JSON is to tell, at least "data" (train.name) and "inputs" (pad, mean and
    std); the architecture and the versions are added to it, and "sha256", the checksum of the
    weights and of everything else in the recipe.

    Both files are written whole under names of their own before either takes the place of an old
    one, so that a crash at any moment leaves the old pair or the new one, and of several savers
    at once one wins. The folder is COURSE_RUNS_DIR where that is set. Returns the path of the
    weights.

    Raises ValueError for a recipe without "data" or "inputs", or of more than 131,072 bytes,
    for inputs that are no numbers, and for weights that are not finite float32; PlaceError, an
    OSError, where the folder cannot be written to.
    """
    if missing := {"data", "inputs"} - recipe.keys():
        raise ValueError(f"the recipe has to tell {' and '.join(sorted(missing))} as well.")
    whole_recipe = {
        "architecture": type(model).__name__,
        "arguments": list(getattr(model, "arguments", ())),
        **recipe,
        "versions": {"torch": torch.__version__, "numpy": np.__version__},
    }
    whole_recipe = json.loads(json.dumps(whole_recipe))  # as it will be read
    _check(model, whole_recipe)
    buffer = io.BytesIO()
    torch.save({key: value.cpu() for key, value in model.state_dict().items()}, buffer)
    whole_recipe["sha256"] = checksum(buffer.getvalue(), whole_recipe)
    text = json.dumps(whole_recipe, indent=2).encode()
    if len(text) > MOST_RECIPE:
        raise ValueError(f"the recipe takes {len(text):,} bytes; at most {MOST_RECIPE:,} are kept.")
    weights = runs_folder() / f"{name}.pt"
    for _ in range(20):
        new = f"{secrets.token_hex(8)}.new"
        new_weights, new_recipe = _beside(weights, new), _beside(_recipe(weights), new)
        with places.writing(weights.parent):
            new_weights.write_bytes(buffer.getvalue())
            new_recipe.write_bytes(text)
            new_weights.replace(weights)
            new_recipe.replace(_recipe(weights))
        with contextlib.suppress(CheckpointError):  # another saver came in between
            _read(weights)
            break
    _tidy(weights)
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
    own, shipped = places.runs() / f"{name}.pt", DATA / "weights" / f"{name}-{learned_from}.pt"
    path = own if os.path.exists(own) and _read(own)[1].get("data") == data else shipped
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
    checksum_start = Path(name).stem.rpartition("-")[2]
    shared = places.folder_of_variable("COURSE_DATA_DIR", DATA)
    for folder in (Path(torch.hub.get_dir(), "checkpoints"), shared):
        path = folder / name
        if path.is_file():
            if not hashlib.sha256(path.read_bytes()).hexdigest().startswith(checksum_start):
                raise CheckpointError(
                    f"{path} is damaged: its SHA-256 does not begin with {checksum_start}, as its "
                    "name says. It was not loaded. Delete it; a fresh download takes its place."
                )
            return path
    return None


def _recipe(weights: Path) -> Path:
    return weights.with_suffix(".json")


def _beside(path: Path, ending: str) -> Path:
    return path.with_name(f"{path.name}.{ending}")


def _unfinished(path: Path) -> list[Path]:
    """What savers of a file have left, or are still writing."""
    return list(path.parent.glob(f"{glob.escape(path.name)}*.new"))


def _tidy(weights: Path) -> None:
    """Remove what savers left that have ended in a crash, an hour ago or longer."""
    for unfinished in _unfinished(weights) + _unfinished(_recipe(weights)):
        with contextlib.suppress(OSError):
            if time.time() - unfinished.stat().st_mtime > 3600:
                unfinished.unlink()


def checksum(content: bytes, recipe: dict) -> str:
    """The SHA-256 of the weights and of everything else that the recipe says."""
    rest = {key: value for key, value in recipe.items() if key != "sha256"}
    return hashlib.sha256(content + json.dumps(rest, sort_keys=True).encode()).hexdigest()


def _check(model: nn.Module, recipe: dict) -> None:
    """Raise ValueError for weights that are not finite float32, or inputs that are no numbers."""
    for name, weight in model.named_parameters():
        if weight.dtype != torch.float32 or not weight.isfinite().all():
            raise ValueError(
                f"{name} has to hold finite numbers of type float32 "
                "(a training that has diverged leaves NaN)"
            )
    plain_inputs(recipe.get("inputs"))


def _bytes(path: Path, limit: int) -> bytes:
    """A file's contents. Raises OSError or ValueError where it is none, or has too many bytes."""
    if path.exists() and not path.is_file():
        raise ValueError("it is no file")
    with path.open("rb") as file:
        content = file.read(limit + 1)
    if len(content) > limit:
        raise ValueError(f"it has more than {limit:,} bytes")
    return content


def _read(path: Path) -> tuple[bytes, dict]:
    """The bytes of the weights, and the recipe that belongs to them by its checksum."""
    if not path.exists():
        shipped = ", ".join(sorted(other.stem for other in (DATA / "weights").glob("*.pt")))
        restore = places.how_to_restore("data/weights")
        raise CheckpointError(
            f"there are no weights {path}. The course has {shipped or 'none left'}: "
            f"{restore} brings back what was lost. Other weights have to be trained, and saved by "
            "save_weights, before they can be loaded."
        )
    try:
        content = _bytes(path, MOST_WEIGHTS)
    except (OSError, ValueError) as error:
        raise CheckpointError(f"{path} cannot be read: {error}. {_cure(path)}") from None
    problem = f"or its recipe, {_recipe(path).name}, is damaged or missing: they do not agree"
    # After a crash between the two renamings the new recipe still has its other name.
    for recipe in (_recipe(path), *_unfinished(_recipe(path))):
        try:
            read = json.loads(_bytes(recipe, MOST_RECIPE))
            if read["sha256"] == checksum(content, read):
                return content, {"data": "", "architecture": "", "arguments": [], **read}
            if read["sha256"] == hashlib.sha256(content).hexdigest():
                problem = (
                    f"has a recipe, {recipe.name}, that its checksum does not cover, as an earlier "
                    "version of the course wrote them"
                )
        except FileNotFoundError:
            pass
        except (OSError, ValueError, TypeError, KeyError, RecursionError) as error:
            why = f"{type(error).__name__}: {error}"
            problem = f"has a recipe that cannot be read: {recipe.name}, {why}"
    raise CheckpointError(f"{path} {problem}. {_cure(path)}")


def _build(path: Path, content: bytes, recipe: dict) -> nn.Module:
    architecture = str(recipe["architecture"])
    if architecture not in ARCHITECTURES:
        known = ", ".join(ARCHITECTURES)
        raise CheckpointError(
            f"{path} is for a network {textwrap.shorten(architecture, 100)!r}; the course has "
            f"{known}. {_cure(path)}"
        )
    try:
        state = _state(content)
    except Exception:  # what torch says of it would tell the reader to trust the file
        raise CheckpointError(
            f"{path} does not fit {architecture}: it is damaged, or holds more than weights. It "
            f"was not loaded, and nothing in it was run. {_cure(path)}"
        ) from None
    try:
        with torch.device("meta"):  # without memory: a forged recipe may ask for any size
            model = ARCHITECTURES[architecture](*recipe["arguments"])
        model.load_state_dict(state, assign=True)
        _check(model, recipe)
    except Exception as error:  # torch has no one error for what does not fit
        why = textwrap.shorten(str(error), 300).rstrip(".")
        raise CheckpointError(f"{path} does not fit {architecture}: {why}. {_cure(path)}") from None
    return model.eval()


def _state(content: bytes) -> object:
    """What torch has saved, read without trust, and without a byte more than the file has."""
    with zipfile.ZipFile(io.BytesIO(content)) as parts:
        if sum(part.file_size for part in parts.infolist()) > len(content):
            raise ValueError("torch does not compress what it saves")
    return torch.load(io.BytesIO(content), map_location="cpu", weights_only=True)


def _cure(path: Path) -> str:
    """What to do about weights, or a recipe of theirs, that cannot be used."""
    if path.is_relative_to(DATA):
        pair = " ".join(p.relative_to(DATA.parent).as_posix() for p in (path, _recipe(path)))
        return (
            f"Both files come with the course: {places.how_to_restore(pair)} brings them back, "
            "or a fresh copy of the course."
        )
    if any((DATA / "weights").glob(f"{glob.escape(path.stem)}-*.pt")):
        return "Train and save it again in its lesson; or delete it, and the course's own is used."
    return "Train and save it again in its lesson."
