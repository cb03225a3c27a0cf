"""Reading the reader's own pictures: any size, any usual format, and nothing taken on trust."""

import math
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import TypeVar

import numpy as np
import torch
from PIL import Image, ImageOps
from torch.nn import functional as F

#: What is read. (Pillow knows many more formats, some of them with programs of their own.)
FORMATS = ("PNG", "JPEG", "WEBP", "GIF", "BMP", "TIFF")
#: The longer side of what `load_photo` gives: a larger picture is reduced to it.
LONGEST = 1000
#: Where a digit stands in a picture: top, bottom, left, right; bottom and right not included.
Box = tuple[int, int, int, int]
#: Where something begins and ends, and perhaps more of it.
Span = TypeVar("Span", tuple[int, int], Box)


class PhotoError(ValueError):
    """A picture that cannot be used. The message says which, why, and what to do."""


def load_photo(path: str | Path) -> np.ndarray:
    """A picture file in grey, as one sees it: uint8 (H, W), 0 black to 255 white.

    It is turned as its EXIF note asks for, laid on white where it is transparent, and reduced
    to at most 1,000 pixels on the longer side; of several pictures in a file, the first is taken.
    Colours become grey as Rec. 601 has it (0.299 red + 0.587 green + 0.114 blue), 16 bits 8.

    Raises PhotoError for a file that is missing, empty, damaged, cut short, no picture, of one
    colour only, or of more pixels than Pillow thinks safe (about 89 million): an image file of
    a few kilobytes can claim more pixels than fit into memory.
    """
    path = _existing(path)
    Image.init()
    formats = [name for name in FORMATS if name in Image.OPEN]  # a Pillow may lack some
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of odd notes in the file
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            with Image.open(path, formats=formats) as image:
                image.draft(None, (LONGEST, LONGEST))  # a JPEG is reduced as it is read
                ImageOps.exif_transpose(image, in_place=True)
                grey = np.array(_to_grey(image))
    except (Image.DecompressionBombWarning, Image.DecompressionBombError):
        millions = (Image.MAX_IMAGE_PIXELS or 0) // 10**6
        raise PhotoError(
            f"{path.name} says that it has more than {millions} million "
            "pixels, which could fill the memory. Save it smaller: 1,000 pixels across are enough."
        ) from None
    except Image.UnidentifiedImageError:
        raise PhotoError(
            f"{path.name} is not a picture that is read here (PNG, JPEG, WebP, GIF, BMP or TIFF). "
            "HEIC, the format of many telephones, has to be exported as JPEG first."
        ) from None
    except Exception as error:  # Pillow has no one error for what it cannot read
        raise PhotoError(
            f"{path.name} is damaged or cut short: {error}. Copy it once more from where it came, "
            "or open it in an image viewer and save it as PNG."
        ) from None
    if grey.min() == grey.max():
        raise PhotoError(
            f"{path.name} is all of one colour (grey {grey.min()}), so there is nothing to read. "
            "Is it the right file?"
        )
    return grey


def _existing(path: str | Path) -> Path:
    """The path of a file that is there, can be opened, and is not empty."""
    try:
        path = Path(path).expanduser()
        with path.open("rb") as file:
            if file.read(1):
                return path
    except IsADirectoryError:
        fault = "is a folder, not a picture"
    except FileNotFoundError:
        fault = f"is not there. It was looked for in {Path.cwd()}"
    except (OSError, RuntimeError, ValueError) as error:  # no home folder, a byte 0 in the name
        fault = f"cannot be opened: {getattr(error, 'strerror', None) or error}"
    else:
        raise PhotoError(f"{path} is empty: it has 0 bytes. Copy it once more.")
    raise PhotoError(f"{path} {fault}. Check its name and folder.")


def _to_grey(image: Image.Image) -> Image.Image:
    """Any picture as mode "L", at most LONGEST on the longer side."""
    if image.mode.startswith("I") or image.mode == "F":  # 16 bits, which convert() would cut off
        values = np.array(image, dtype=np.float32)
        white = next((w for w in (1, 255) if image.mode == "F" and values.max() <= w), 65535)
        values *= 255 / white
        image = Image.fromarray(values.clip(0, 255, out=values).round(out=values).astype(np.uint8))
    elif image.mode in ("LA", "La", "PA", "RGBA", "RGBa") or "transparency" in image.info:
        seen = image if image.mode == "RGBA" else image.convert("RGBA")
        image = Image.new("L", seen.size, 255)
        image.paste(seen.convert("L"), mask=seen.getchannel("A"))
    image = image.convert("L")
    image.thumbnail((LONGEST, LONGEST))
    return image


def find_digits(photo: np.ndarray) -> list[torch.Tensor]:
    """The digits of a photo as MNIST has them: for each line, from above, uint8 (N, 1, 28, 28).

    photo: uint8 (H, W), as `load_photo` returns it. Strokes may be dark on light or light on dark
    and the paper may be ruled; light strokes and rules are printed where they are seen. These are
    the steps of lesson 11, which explains them. What is seen not to be one digit is refused, and
    nothing of it is returned.

    Raises PhotoError for what is no photo, for one without ink, and for pieces of ink that cannot
    be one digit.
    """
    is_array = isinstance(photo, np.ndarray) and photo.ndim == 2 and photo.size
    if not is_array or photo.dtype != np.uint8:
        kind = f"{getattr(photo, 'dtype', type(photo).__name__)} {getattr(photo, 'shape', '')}"
        raise PhotoError(f"find_digits takes what load_photo returns, uint8 (H, W); got {kind}.")
    ink, _ = find_ink(dark_on_light(photo))
    white = remove_rules((ink / otsu(ink)).clamp(max=1))
    is_ink = white > 0.7
    lines = find_boxes(is_ink)
    check_boxes(is_ink, lines)
    found = []
    for boxes in lines:
        crops = [white[top:bottom, left:right] for top, bottom, left, right in boxes]
        digits = torch.stack([centre(scale(crop)) for crop in crops])[:, None]  # (N, 1, 28, 28)
        found.append((255 * digits).round().byte())
    return found


def coarsen(grey: torch.Tensor) -> torch.Tensor:
    """A picture (1, 1, H, W) averaged to 60 pixels on the shorter side."""
    shorter = min(grey.shape[2:])
    size = [round(60 * side / shorter) for side in grey.shape[2:]]
    return F.interpolate(grey, size, mode="area")


def dark_on_light(photo: np.ndarray) -> torch.Tensor:
    """The photo, or its negative if its strokes are light, which is printed.

    (H, W) to (1, 1, H, W), 0 to 255; a picture whose longer side is under 200 is enlarged.
    """
    grey = torch.from_numpy(photo.copy()).float()[None, None]
    if max(photo.shape) < 200:  # too small for the windows that follow
        grey = F.interpolate(grey, scale_factor=math.ceil(200 / max(photo.shape)), mode="bilinear")
    coarse = coarsen(grey)
    local_mean = F.avg_pool2d(coarse, 15, stride=1, padding=7, count_include_pad=False)
    if ((coarse - local_mean) ** 3).sum() > 0:
        print("Light digits on a dark ground: the picture is turned into its negative.")
        grey = 255 - grey
    return grey


def dilate(x: torch.Tensor, rows: int, columns: int) -> torch.Tensor:
    """The greatest of rows × columns (two odd numbers) around each pixel: (H, W) to (H, W)."""
    across = F.max_pool1d(x, columns, 1, columns // 2)
    return F.max_pool1d(across.T, rows, 1, rows // 2).T


def erode(x: torch.Tensor, rows: int, columns: int) -> torch.Tensor:
    """The least of rows × columns (two odd numbers) around each pixel: (H, W) to (H, W)."""
    return -dilate(-x, rows, columns)


def find_ink(grey: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """How much darker each pixel is than the paper, 0 to 1, and the paper: (H, W) each.

    Raises PhotoError if nothing is 30% darker.
    """
    paper = erode(dilate(coarsen(grey)[0, 0], 15, 15), 15, 15)[None, None]
    paper = F.interpolate(paper, grey.shape[2:], mode="bilinear").clamp(1)  # (1, 1, H, W)
    ink = F.avg_pool2d((1 - grey / paper).clamp(0), 3, stride=1, padding=1)  # less noise
    if ink.max() < 0.3:
        raise PhotoError(
            f"no ink found: the darkest spot is {ink.max():.0%} darker than the paper "
            "around it, and should be at least 30%. Use a darker or thicker pen, or more light."
        )
    return ink[0, 0], paper[0, 0]


def otsu(ink: torch.Tensor) -> float:
    """The threshold that divides values from 0 to 1 best: the lowest of 256, if several do.

    Source: N. Otsu, A Threshold Selection Method from Gray-Level Histograms (1979).
    """
    levels = torch.arange(1, 257) / 256  # the upper ends of 256 bins from 0 to 1
    counts = torch.histc(ink, bins=256, min=0, max=1)
    n0, sum0 = counts.cumsum(dim=0), (counts * levels).cumsum(dim=0)  # up to each bin
    n1, sum1 = n0[-1] - n0, sum0[-1] - sum0
    between = n0 * n1 * (sum1 / n1 - sum0 / n0) ** 2  # 0/0 where a group is empty
    return levels[between.nan_to_num().argmax()].item()


def remove_rules(white: torch.Tensor) -> torch.Tensor:
    """The same picture (H, W), 0 to 1, without lines that run across it; prints if any."""
    is_ink = (white > 0.7).float()
    quarter = white.shape[1] // 8 * 2 + 1  # of the width, an odd number
    rules = dilate(erode(dilate(is_ink, 5, 1), 1, quarter), 1, quarter)  # 1 on a rule, else 0
    if rules.amax(dim=0).mean() < 0.8:  # nothing runs across the picture
        return white
    print("Ruled paper: the rules are removed.")
    without = is_ink * (1 - rules)
    bridged = erode(dilate(without, 15, 1), 15, 1)
    return white * (1 - rules * (1 - bridged))


def runs(flags: torch.Tensor) -> list[tuple[int, int]]:
    """Where a row (N,) of booleans is True: pairs (first, end), the end not included."""
    changes = F.pad(flags.int(), (1, 1)).diff().nonzero().flatten().tolist()
    return list(zip(changes[::2], changes[1::2], strict=True))


def high_enough(spans: Sequence[Span]) -> list[Span]:
    """The spans (top, bottom, …) more than half as high as the highest: no dots and specks."""
    highest = max(bottom - top for top, bottom, *_ in spans)
    kept = [span for span in spans if span[1] - span[0] > highest / 2]
    left_out = sum(span[1] - span[0] > highest / 4 for span in spans) - len(kept)
    if left_out:
        print(f"Left out, at most half as high as the highest: {left_out} of the pieces of ink.")
    return kept


def find_boxes(is_ink: torch.Tensor) -> list[list[Box]]:
    """For each line of digits its boxes (top, bottom, left, right)."""
    if not is_ink.any():
        raise PhotoError("nothing but rules was found. Is something written on the paper?")
    lines = []
    for top, bottom in high_enough(runs(is_ink.any(dim=1))):
        boxes = []
        for left, right in runs(is_ink[top:bottom].any(dim=0)):
            rows = runs(is_ink[top:bottom, left:right].any(dim=1))
            boxes.append((top + rows[0][0], top + rows[-1][1], left, right))
        lines.append(high_enough(boxes))
    return lines


def check_boxes(is_ink: torch.Tensor, lines: list[list[Box]]) -> None:
    """Raise PhotoError for a box that cannot be one digit."""
    for line, boxes in enumerate(lines, start=1):
        for top, bottom, left, right in boxes:
            height, width = bottom - top, right - left
            rows = runs(~is_ink[top:bottom, left:right].any(dim=1))
            if width > 1.5 * height:
                fault = f"is {width} pixels wide and {height} high, too wide for one digit"
                cure = "Do digits touch? Is there a rule, a line under them, or a shadow?"
            elif height > 0.9 * len(is_ink) and width < height / 10:
                fault = "is a line from the top of the picture to its bottom"
                cure = "Is it a margin line, squared paper, or the edge of the sheet?"
            elif any(4 * (end - first) > height for first, end in rows):
                fault = "has an empty band across it, as when one digit stands above another"
                cure = "Are the lines of digits level? Is there a frame around them?"
            else:
                continue
            advice = "Leave room between digits, or cut the photo to the digits and a margin."
            raise PhotoError(f"a piece of ink in line {line} {fault}. {cure} {advice}")


def centre_of_mass(x: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """The mean row and column of the ink of each picture: (N, H, W) to (N,) and (N,)."""
    rows, columns = torch.arange(x.shape[1]), torch.arange(x.shape[2])  # x: (N, H, W)
    ink = x.sum(dim=(1, 2))
    return (x.sum(dim=2) * rows).sum(dim=1) / ink, (x.sum(dim=1) * columns).sum(dim=1) / ink


def scale(crop: torch.Tensor) -> torch.Tensor:
    """A crop (H, W) to (h, w), of which the greater is 20; its greatest value becomes 1."""
    H, W = crop.shape
    h, w = (max(1, round(20 * side / max(H, W))) for side in (H, W))
    small = F.adaptive_avg_pool2d(crop[None], (h, w))[0]
    return small / small.max()


def centre(small: torch.Tensor) -> torch.Tensor:
    """A small picture (h, w) in (28, 28), its centre of mass in the middle if the edge allows."""
    h, w = small.shape
    row, column = centre_of_mass(small[None])
    top = min(max(round(14 - row.item()), 0), 28 - h)  # never beyond the edge
    left = min(max(round(14 - column.item()), 0), 28 - w)
    return F.pad(small, (left, 28 - w - left, top, 28 - h - top))
