"""Where the course's images come from, and how they reach a network in batches."""

import hashlib
import http.client
import io
import os
import socket
import tempfile
import threading
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from torch.nn import functional as F

ROOT = Path(__file__).resolve().parent.parent
DATA = ROOT / "data"


class DataError(RuntimeError):
    """A data file or folder that cannot be used. The message says which, and what to do."""


@dataclass(frozen=True)
class Images:
    """Images with their labels.

    images: uint8 tensor (N, 1, 28, 28), 0 black to 255 white.
    labels: int64 tensor (N,), each from 0 to len(classes) - 1.
    classes: the name of each class, in the order of the labels.
    name: "mnist", "fashion-mnist" or "digits": what the images really are.

    A slice, a list or a tensor of indices gives the Images chosen: ``train[:55_000]``.

    Raises ValueError where shapes, dtypes or labels do not fit, or where nothing is left.
    """

    images: torch.Tensor
    labels: torch.Tensor
    classes: tuple[str, ...]
    name: str

    def __post_init__(self) -> None:
        shape = tuple(self.images.shape)
        if len(shape) != 4 or shape[1:] != (1, 28, 28) or self.images.dtype != torch.uint8:
            raise ValueError(
                f"images must be uint8 of shape (N, 1, 28, 28); "
                f"got {self.images.dtype} of shape {shape}."
            )
        if self.labels.shape != shape[:1] or self.labels.dtype != torch.int64:
            raise ValueError(
                f"labels must be int64 of shape ({shape[0]},), one an image; "
                f"got {self.labels.dtype} of shape {tuple(self.labels.shape)}."
            )
        if not shape[0]:
            raise ValueError("there are no images here: a network cannot learn from an empty set.")
        low, high = int(self.labels.min()), int(self.labels.max())
        if low < 0 or high >= len(self.classes):
            raise ValueError(
                f"there are {len(self.classes)} classes, so labels must lie from 0 to "
                f"{len(self.classes) - 1}; got labels from {low} to {high}."
            )

    def __len__(self) -> int:
        return len(self.labels)

    def __getitem__(self, index: slice | list[int] | torch.Tensor) -> "Images":
        if isinstance(index, int):
            raise TypeError(f"take a slice, such as [{index}:{index + 1}], or use .images[{index}]")
        return Images(self.images[index], self.labels[index], self.classes, self.name)


#: The raw files of a data set in torchvision's layout, with their sizes in bytes.
FILES = {
    "train-images-idx3-ubyte": 47_040_016,
    "train-labels-idx1-ubyte": 60_008,
    "t10k-images-idx3-ubyte": 7_840_016,
    "t10k-labels-idx1-ubyte": 10_008,
}


@dataclass(frozen=True)
class _Source:
    """A data set of torchvision: its class and folder, class names, the SHA-256 of its files."""

    folder: str
    classes: tuple[str, ...]
    sha256: tuple[str, ...]


_DIGITS = tuple("0123456789")
_CLOTHES = (
    "T-shirt/top", "Trouser", "Pullover", "Dress", "Coat",
    "Sandal", "Shirt", "Sneaker", "Bag", "Ankle boot",
)  # fmt: skip

SOURCES = {
    "mnist": _Source(
        "MNIST",
        _DIGITS,
        (
            "ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db",
            "65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5",
            "0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7",
            "ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2",
        ),
    ),
    "fashion-mnist": _Source(
        "FashionMNIST",
        _CLOTHES,
        (
            "c59f468a2f672dc815687fe0f83887768d799fd8a3f3276145d20f83aa44d888",
            "bad3541b69d912435c50bb6ba87bec294ff4f6a2e1246121d8633921760443d9",
            "5b4141f0afbad91edebe8549f8fcffe087ea10ca49f1dbef5c9a5cd8815ce37b",
            "0402a96d92fd2663957122ceb108a494c5af83dab82d92729df917d7dec38c34",
        ),
    ),
}

DIGITS = DATA / "digits.npz"
DIGITS_SHA256 = "db2fbddc6ead2b7dbeb542ca443a259c02e7da0771d89052004191bd22650697"


def load_images(name: str) -> tuple[Images, Images]:
    """The training and the test images of a data set.

    name: "mnist" or "fashion-mnist" (60,000 and 10,000 images), or "digits", the 1,797
    handwritten digits that ship with the course (1,437 and 360).

    MNIST and FashionMNIST are looked for in the folder that the environment variable
    COURSE_DATA_DIR names, or else in ``data/``, where they are downloaded if they can be.
    Where that fails, a printed sentence says why and the embedded digits take their place:
    ``train.name`` tells. COURSE_DATA_DIR=digits asks for the embedded digits outright, and
    COURSE_MIRROR names a web folder to download from instead of torchvision's own.
    Every file is checked by size and SHA-256 before it is used.

    Raises ValueError for an unknown name, DataError for a COURSE_DATA_DIR that is missing
    or holds a missing or damaged file: nothing else is then tried in its place.

    Sources: LeCun, Cortes and Burges, The MNIST Database of Handwritten Digits (1998);
    Xiao, Rasul and Vollgraf, Fashion-MNIST (2017); data/digits.md for the digits.
    """
    if name == "digits":
        return _read_digits()
    if name not in SOURCES:
        known = ", ".join(f'"{known}"' for known in (*SOURCES, "digits"))
        raise ValueError(f"there is no data set {name!r}; the known ones are {known}.")
    try:
        folder = find_images(name) or _download(name)
    except _Unreachable as reason:
        print(
            f'Using the embedded digits, not "{name}": {reason}\n'
            "The lesson runs to its end on them, with other numbers. README.md, section "
            '"Where the images come from", says how to get the full set.'
        )
        return _read_digits()
    return _read_idx(folder, name, "train"), _read_idx(folder, name, "t10k")


def sample_digit() -> tuple[torch.Tensor, int]:
    """The course's one sample digit and its label: uint8 (1, 28, 28), of the digits' test part."""
    _, test = _read_digits()
    stored = _stored_digits()
    at = int(np.searchsorted(stored["test"], stored["sample"]))
    return test.images[at], int(test.labels[at])


def find_images(name: str) -> Path | None:
    """The folder on this machine that holds the verified raw files of a data set, or None.

    name: "mnist" or "fashion-mnist". Downloads nothing. A damaged file in ``data/`` is set
    aside under a name that ends in ``.damaged``, with a printed sentence.

    Raises DataError as `load_images` does.
    """
    source, shared = SOURCES[name], os.environ.get("COURSE_DATA_DIR", "")
    if shared == "digits":
        return None
    if not shared:
        folder = DATA / source.folder / "raw"
        faults = _faults(folder, source)
        for file, fault in faults.items():
            if (folder / file).exists():
                _set_aside(folder / file, fault)
        return None if faults else folder
    root = Path(shared).expanduser().resolve()
    folder = root / source.folder / "raw"
    advice = (
        "Correct the folder, or unset COURSE_DATA_DIR and the images are looked for in data/ "
        "and on the network; COURSE_DATA_DIR=digits uses the digits that ship with the course."
    )
    if not folder.is_dir():
        missing = folder if root.is_dir() else root
        raise DataError(
            f"COURSE_DATA_DIR is {shared!r}, but there is no folder {missing}. {advice}"
        )
    for file, fault in _faults(folder, source).items():
        held = ", ".join(sorted(path.name for path in folder.iterdir())) or "nothing"
        raise DataError(f"{folder / file} {fault}. The folder holds: {held}. {advice}")
    return folder


def _faults(folder: Path, source: _Source) -> dict[str, str]:
    """What is wrong with each raw file that cannot be used; empty when all can."""
    faults = {}
    for (file, size), sha256 in zip(FILES.items(), source.sha256, strict=True):
        try:
            content = (folder / file).read_bytes()
        except FileNotFoundError:
            faults[file] = "is missing"
        except OSError as error:
            faults[file] = f"cannot be read ({error.strerror})"
        else:
            if len(content) != size:
                faults[file] = f"is damaged: it has {len(content):,} bytes and should have {size:,}"
            elif hashlib.sha256(content).hexdigest() != sha256:
                faults[file] = "is damaged: its size is right, but its contents (SHA-256) are not"
    return faults


def _set_aside(path: Path, fault: str) -> None:
    aside = path.with_name(path.name + ".damaged")
    try:
        path.replace(aside)
    except OSError as error:
        print(f"{path} {fault}. It is not used, and could not be set aside ({error.strerror}).")
    else:
        print(f"{path} {fault}. It is not used; it is kept as {aside.name}.")


class _Unreachable(Exception):
    """Why a data set could not be had; the message is shown to the reader."""


def _download(name: str) -> Path:
    """The folder in data/ into which torchvision downloads a data set: whole, or not at all."""
    if os.environ.get("COURSE_DATA_DIR") == "digits":
        raise _Unreachable("COURSE_DATA_DIR=digits asks for that.")
    from torchvision import datasets  # takes over a second, so only where it is needed

    source = SOURCES[name]
    folder = DATA / source.folder / "raw"
    base = getattr(datasets, source.folder)
    asked = os.environ.get("COURSE_MIRROR")
    problem = (
        "no server of the data set answered within 2 seconds. "
        "(Delete runs/offline to have them asked again before an hour is over.)"
    )
    for mirror in [asked.rstrip("/") + "/"] if asked else base.mirrors:
        if not _answers(mirror + base.resources[0][0]):
            continue
        one_mirror = type(source.folder, (base,), {"mirrors": [mirror]})
        waits = socket.getdefaulttimeout()
        try:
            folder.mkdir(parents=True, exist_ok=True)
            with tempfile.TemporaryDirectory(prefix="download-", dir=DATA) as fresh:
                socket.setdefaulttimeout(10)  # torchvision sets none, and would wait for ever
                one_mirror(fresh, download=True)
                arrived = Path(fresh, source.folder, "raw")
                for file, fault in _faults(arrived, source).items():
                    raise RuntimeError(f"{file} {fault}")
                for file in _faults(folder, source):  # not those that another process has brought
                    (arrived / file).replace(folder / file)
            return folder
        except (OSError, RuntimeError, http.client.HTTPException) as error:
            problem = f"the download from {mirror} failed ({' '.join(str(error).split())})."
        finally:
            socket.setdefaulttimeout(waits)
    raise _Unreachable(problem)


def _answers(url: str) -> bool:
    """Whether a server answers within 2 seconds. One that did not is not asked for an hour."""
    silent = runs_folder() / "offline" / urllib.parse.urlsplit(url).netloc.replace(":", "-")
    try:
        if time.time() - silent.stat().st_mtime < 3600:
            return False
    except OSError:
        pass
    answered = threading.Event()

    def ask() -> None:
        try:
            urllib.request.urlopen(urllib.request.Request(url, method="HEAD"), timeout=2).close()
        except urllib.error.HTTPError:
            pass  # a refusal is an answer; the download will say what is wrong
        except (OSError, http.client.HTTPException):
            return
        answered.set()

    # In a thread, as looking up a name has no time limit of its own.
    thread = threading.Thread(target=ask, daemon=True)
    thread.start()
    thread.join(2)
    if answered.is_set():
        return True
    try:
        silent.parent.mkdir(parents=True, exist_ok=True)
        silent.touch()
    except OSError:
        pass  # nowhere to remember it: the next call asks again
    return False


def runs_folder() -> Path:
    """Where a student's own results are kept: COURSE_RUNS_DIR, or ``runs/`` beside data/."""
    return Path(os.environ.get("COURSE_RUNS_DIR") or ROOT / "runs")


def _read_idx(folder: Path, name: str, part: str) -> Images:
    """Read a verified data set. The images are mapped from the file, not copied into memory."""
    pixels = np.memmap(folder / f"{part}-images-idx3-ubyte", np.uint8, mode="c", offset=16)
    labels = np.fromfile(folder / f"{part}-labels-idx1-ubyte", np.uint8, offset=8)
    images = torch.from_numpy(pixels).view(-1, 1, 28, 28)  # (N, 1, 28, 28)
    return Images(images, torch.from_numpy(labels).long(), SOURCES[name].classes, name)


def _read_digits() -> tuple[Images, Images]:
    stored = _stored_digits()
    images = torch.zeros(len(stored["images"]), 1, 28, 28, dtype=torch.uint8)
    for image, small in zip(images.numpy(), stored["images"], strict=True):
        bytes_ = np.rint(small * (255 / 16)).astype(np.uint8)
        image[0, 4:24, 4:24] = Image.fromarray(bytes_).resize((20, 20), Image.BICUBIC)
    labels = torch.from_numpy(stored["labels"]).long()
    held_out = torch.zeros(len(labels), dtype=torch.bool)
    held_out[stored["test"]] = True
    digits = Images(images, labels, _DIGITS, "digits")
    return digits[~held_out], digits[held_out]


def _stored_digits() -> dict[str, np.ndarray]:
    content = DIGITS.read_bytes() if DIGITS.exists() else b""
    if hashlib.sha256(content).hexdigest() != DIGITS_SHA256:
        raise DataError(
            f"{DIGITS} is {'damaged' if content else 'missing'}. It ships with the course: "
            "`git checkout data/digits.npz` brings it back, or a fresh copy of the course."
        )
    with np.load(io.BytesIO(content), allow_pickle=False) as stored:
        return dict(stored)


def batches(
    data: Images,
    size: int,
    *,
    shuffle: bool = False,
    pad: int = 2,
    mean: float = 0.5,
    std: float = 1.0,
    device: torch.device | str | None = None,
    generator: torch.Generator | None = None,
) -> Iterator[tuple[torch.Tensor, torch.Tensor]]:
    """Yield whole-tensor batches (x, y), the last one shorter where size does not divide.

    x: float32 (size, 1, 28 + 2·pad, 28 + 2·pad), the bytes padded with black (0), scaled
    from 0..255 to 0..1, then (x − mean)/std: bit for bit what torchvision's Pad, ToTensor
    and Normalize give. y: int64 (size,).

    shuffle: a new random order at each call, from generator or torch's global one.
    device: where the batches are to be; by default the CPU.

    Raises ValueError for a size below 1 or a std of 0.
    """
    if size < 1:
        raise ValueError(f"a batch needs at least 1 image; size is {size}.")
    if not std:
        raise ValueError("std divides the pixels, so it cannot be 0.")
    images, labels = data.images.to(device), data.labels.to(device)
    order = torch.randperm(len(data), generator=generator) if shuffle else torch.arange(len(data))
    for chosen in order.to(device).split(size):
        x = F.pad(images[chosen], (pad, pad, pad, pad))  # (size, 1, 28 + 2·pad, 28 + 2·pad)
        yield x.float().div_(255).sub_(mean).div_(std), labels[chosen]
