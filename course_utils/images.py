"""The course's images, and how they reach a network in batches."""

import io
import textwrap
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TypedDict

import numpy as np
import torch
from PIL import Image
from torch.nn import functional as F

from course_utils import sources
from course_utils.internals import downloads

CLASSES = {
    "mnist": tuple("0123456789"),
    "fashion-mnist": (
        "T-shirt/top", "Trouser", "Pullover", "Dress", "Coat",
        "Sandal", "Shirt", "Sneaker", "Bag", "Ankle boot",
    ),
    "digits": tuple("0123456789"),
}  # fmt: skip


@dataclass(frozen=True, eq=False)
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


def load_images(name: str) -> tuple[Images, Images]:
    """The training and the test images of a data set.

    name: "mnist" or "fashion-mnist" (60,000 and 10,000 images), or "digits", the 1,797
    handwritten digits that ship with the course (1,437 and 360).

    MNIST and FashionMNIST are looked for in the folder that the environment variable
    COURSE_DATA_DIR names, or else in ``data/``, where they are downloaded if they can be.
    Where that fails, a printed sentence says why and the embedded digits take their place:
    ``train.name`` tells. COURSE_DATA_DIR=digits asks for the embedded digits outright, and
    COURSE_MIRROR names a web folder to download from instead (`downloads.download`).
    Every file is checked by size and SHA-256 before it is used, and what becomes of it later
    changes nothing: the images are those of a copy (`sources.load_raw`).

    Raises ValueError for an unknown name, DataError for a COURSE_DATA_DIR that is missing
    or holds a missing or damaged file, or a COURSE_MIRROR that is no address: nothing else is
    then tried in its place.

    Sources: LeCun, Cortes and Burges, The MNIST Database of Handwritten Digits (1998);
    Xiao, Rasul and Vollgraf, Fashion-MNIST (2017); data/digits.md for the digits.
    """
    if name == "digits":
        return _read_digits()
    if name not in CLASSES:
        known = ", ".join(f'"{known}"' for known in CLASSES)
        raise ValueError(f"there is no data set {name!r}; the known ones are {known}.")
    try:
        folder = sources.find_images(name) or downloads.download(name)
    except downloads.Unreachable as reason:
        print(
            f'Using the embedded digits, not "{name}": {reason}\n'
            "The lesson runs to its end on them, with other numbers. README.md, section "
            '"Where the images come from", says how to get the full set.'
        )
        return _read_digits()
    raw = sources.load_raw(folder, name)
    return _images(raw, name, "train"), _images(raw, name, "t10k")


def sample_digit() -> tuple[torch.Tensor, int]:
    """The course's one sample digit and its label: uint8 (1, 28, 28), of the digits' test part."""
    _, test = _read_digits()
    stored = _stored_digits()
    at = int(np.searchsorted(stored["test"], stored["sample"]))
    return test.images[at], int(test.labels[at])


def _images(raw: dict[str, np.ndarray], name: str, part: str) -> Images:
    images = torch.from_numpy(raw[f"{part}-images-idx3-ubyte"][16:]).view(-1, 1, 28, 28)
    labels = torch.from_numpy(raw[f"{part}-labels-idx1-ubyte"][8:]).long()
    return Images(images, labels, CLASSES[name], name)


def _read_digits() -> tuple[Images, Images]:
    stored = _stored_digits()
    images = torch.zeros(len(stored["images"]), 1, 28, 28, dtype=torch.uint8)
    for image, small in zip(images.numpy(), stored["images"], strict=True):
        grey = Image.fromarray(np.rint(small * (255 / 16)).astype(np.uint8))
        image[0, 4:24, 4:24] = grey.resize((20, 20), Image.Resampling.BICUBIC)
    labels = torch.from_numpy(stored["labels"]).long()
    held_out = torch.zeros(len(labels), dtype=torch.bool)
    held_out[stored["test"]] = True
    digits = Images(images, labels, CLASSES["digits"], "digits")
    return digits[~held_out], digits[held_out]


def _stored_digits() -> dict[str, np.ndarray]:
    content = io.BytesIO(sources.read_shipped("digits.npz"))
    with np.load(content, allow_pickle=False) as stored:
        return dict(stored)


class Inputs(TypedDict, total=False):
    """How images are scaled, as `batches` takes it and a checkpoint's recipe keeps it."""

    pad: int
    mean: float
    std: float


def plain_inputs(inputs: object) -> dict:
    """The pad, mean and std of `batches`, those that are given, as a file can keep them.

    A number may be one of NumPy or torch. Raises ValueError, which says what is wrong, for a pad
    that is not whole or not from 0 to 100, a mean that is not finite, a std that is not finite and
    above 0, and for what holds anything else.
    """
    if not isinstance(inputs, dict) or not inputs.keys() <= Inputs.__annotations__.keys():
        shown = textwrap.shorten(repr(inputs), 100)
        raise ValueError(f"inputs have to be numbers, named pad, mean and std; got {shown}.")
    plain = {}
    for name, value in inputs.items():
        number = value.item() if getattr(value, "shape", None) == () else value
        is_finite = type(number) in (int, float) and abs(number) < 1e38  # in float32, too
        fits, wanted = {
            "pad": (type(number) is int and 0 <= number <= 100, "a whole number from 0 to 100"),
            "mean": (is_finite, "a finite number"),
            "std": (is_finite and number > 0, "a finite number above 0"),
        }[name]
        if not fits:
            shown = textwrap.shorten(repr(value), 100)
            raise ValueError(f"of the inputs, {name} has to be {wanted}; got {shown}.")
        plain[name] = number
    return plain


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

    Raises ValueError, at the first batch, for a size below 1, and as `plain_inputs` does.
    """
    if size < 1:
        raise ValueError(f"a batch needs at least 1 image; size is {size}.")
    pad, mean, std = plain_inputs({"pad": pad, "mean": mean, "std": std}).values()
    images, labels = data.images.to(device), data.labels.to(device, copy=True)
    order = torch.randperm(len(data), generator=generator) if shuffle else torch.arange(len(data))
    for chosen in order.to(device).split(size):
        x = F.pad(images[chosen], (pad, pad, pad, pad))  # (size, 1, 28 + 2·pad, 28 + 2·pad)
        yield x.float().div_(255).sub_(mean).div_(std), labels[chosen]


def flip_and_shift(x: torch.Tensor, most: int = 2) -> torch.Tensor:
    """Augment a batch (lesson 12): half of the images mirrored, each moved by a few pixels.

    x: (N, C, H, W). most: the largest shift, in pixels, down, up, left and right; what it
    uncovers is filled with the darkest value of x. Returns a new tensor of the same shape,
    and draws its random numbers from torch's global ones.

    Raises ValueError where a shift could move an image out of sight, or is negative.
    """
    n, _, height, width = x.shape
    if not 0 <= most < min(height, width):
        raise ValueError(
            f"images of {height} × {width} can be moved by 0 to {min(height, width) - 1} pixels "
            f"and stay in sight; most is {most}."
        )
    mirrored = (torch.rand(n) < 0.5).view(n, 1, 1, 1).to(x.device)
    x = torch.where(mirrored, x.flip(-1), x)
    framed = F.pad(x, (most, most, most, most), value=x.min().item())
    windows = framed.unfold(2, height, 1).unfold(3, width, 1)  # (N, C, rows, columns, H, W)
    top, left = torch.randint(2 * most + 1, (2, n)).to(x.device)
    return windows[torch.arange(n, device=x.device), :, top, left]  # (N, C, H, W)
