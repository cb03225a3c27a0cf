"""Reading the reader's own pictures: any size, any usual format, and nothing taken on trust."""

import warnings
from pathlib import Path

import numpy as np
from PIL import Image, ImageOps

#: What is read. (Pillow knows many more formats, some of them with programs of their own.)
FORMATS = ("PNG", "JPEG", "WEBP", "GIF", "BMP", "TIFF")
#: The longer side of what `load_photo` gives: a larger picture is reduced to it.
LONGEST = 1000


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
        raise PhotoError(
            f"{path.name} says that it has more than {Image.MAX_IMAGE_PIXELS // 10**6} million "
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
