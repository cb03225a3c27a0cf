"""Make data/handwriting.jpg, a picture like a photo of handwriting, or prove that it is that one.

python tests/maintenance/make_handwriting.py          writes the file
python tests/maintenance/make_handwriting.py --check  compares the file with what is drawn here

No camera and no hand was at work: four digits are drawn as pen strokes on paper, lit from one
side, and given the noise, the blur and the note of its orientation of a picture from a telephone.
"""

import sys

import numpy as np
from PIL import Image, ImageFilter, ImageOps

from course_utils.sources import DATA

HANDWRITING = DATA / "handwriting.jpg"
HEIGHT, WIDTH = 480, 640

PAPER = np.array([0.93, 0.91, 0.86])  # how much of red, green and blue light comes back
INK = np.array([0.13, 0.16, 0.32])  # dark blue
PEN = 9.5  # half the width of a stroke, in pixels

# The strokes of 1, 9, 9 and 8: each a chain of cubic Bézier curves, in units of a digit's
# height, with x to the right and y down. The first curve has four points, each further one three.
ONE = [
    [(-0.17, 0.27), (-0.07, 0.19), (0.02, 0.09), (0.06, 0.0), (0.05, 0.3), (0.0, 0.7), (-0.03, 1)]
]
NINE = [
    [
        (0.25, 0.14),
        (0.12, -0.06),
        (-0.2, -0.02),
        (-0.22, 0.24),
        (-0.24, 0.5),
        (0.16, 0.52),
        (0.25, 0.2),
        (0.27, 0.45),
        (0.2, 0.8),
        (0.08, 1.02),
    ]
]
OTHER_NINE = [
    [
        (0.22, 0.1),
        (0.02, -0.07),
        (-0.26, 0.08),
        (-0.24, 0.3),
        (-0.22, 0.48),
        (0.1, 0.46),
        (0.21, 0.16),
    ],
    [(0.23, 0.08), (0.24, 0.45), (0.22, 0.75), (0.21, 1.0)],
]
EIGHT = [
    [
        (0.2, 0.16),
        (0.1, -0.06),
        (-0.2, -0.04),
        (-0.2, 0.2),
        (-0.2, 0.46),
        (0.26, 0.5),
        (0.25, 0.77),
        (0.24, 1.06),
        (-0.26, 1.05),
        (-0.24, 0.77),
        (-0.22, 0.5),
        (0.2, 0.42),
        (0.21, 0.15),
    ]
]
# Each with the place of its upper middle (row, column) and its height, in pixels.
WRITTEN = [
    (ONE, (150, 135), 150),
    (NINE, (165, 250), 165),
    (OTHER_NINE, (140, 375), 170),
    (EIGHT, (155, 500), 160),
]


def chain(points: list[tuple[float, float]], steps: int = 200) -> np.ndarray:
    """The points of a chain of Bézier curves: (curves · steps, 2)."""
    t = np.linspace(0, 1, steps)[:, None]  # (steps, 1)
    curves = []
    for at in range(0, len(points) - 1, 3):
        a, b, c, d = np.array(points[at : at + 4])
        curves.append(
            (1 - t) ** 3 * a + 3 * (1 - t) ** 2 * t * b + 3 * (1 - t) * t**2 * c + t**3 * d
        )
    return np.concatenate(curves)


def pen() -> np.ndarray:
    """How much of each pixel is covered by ink: (HEIGHT, WIDTH), 0 to 1."""
    covered = np.zeros((HEIGHT, WIDTH))
    for strokes, (top, middle), height in WRITTEN:
        for points in strokes:
            line = chain(points)
            along = np.linspace(0, 1, len(line))
            pressure = 0.75 + 0.25 * np.sin(np.pi * along) + 0.12 * np.sin(9 * along + top)
            for (x, y), press in zip(line * height + (middle, top), pressure, strict=True):
                left, upper = int(x) - 12, int(y) - 12
                rows, columns = np.mgrid[upper : upper + 25, left : left + 25]
                distance = np.hypot(rows - y, columns - x)
                window = covered[upper : upper + 25, left : left + 25]
                np.maximum(window, np.clip(PEN * press - distance + 0.5, 0, 1), out=window)
    return covered


def make() -> Image.Image:
    """The picture as it is seen, upright: RGB, 640 × 480."""
    rng = np.random.default_rng(0)
    rows, columns = np.mgrid[0:HEIGHT, 0:WIDTH]
    grain = np.repeat(np.repeat(rng.normal(size=(HEIGHT // 4, WIDTH // 4)), 4, axis=0), 4, axis=1)
    covered = pen()[:, :, None]  # (HEIGHT, WIDTH, 1)
    reflected = (1 - covered) * PAPER + covered * INK * (1 + 0.15 * grain[:, :, None])
    # A lamp on the upper left, and the shadow of a hand or a head on the lower right.
    light = 1.02 - 0.25 * columns / WIDTH - 0.1 * rows / HEIGHT
    shadow = 1 / (1 + np.exp(-(columns + 0.8 * rows - 690) / 45))
    light = light * (1 - 0.42 * shadow)
    picture = 255 * reflected * (light + 0.006 * grain)[:, :, None]  # (HEIGHT, WIDTH, 3)
    blurred = Image.fromarray(np.clip(picture, 0, 255).astype(np.uint8)).filter(
        ImageFilter.GaussianBlur(1.2)
    )
    noisy = np.asarray(blurred) + rng.normal(scale=2, size=picture.shape)
    return Image.fromarray(np.clip(np.rint(noisy), 0, 255).astype(np.uint8))


def save() -> None:
    """Store it as a telephone does that was held upright: lying, with a note how to turn it."""
    note = Image.Exif()
    note[0x0112] = 6  # orientation: turn by 90 degrees clockwise to see it upright
    note[0x010E] = "Drawn by make_handwriting.py, not a photograph"
    make().transpose(Image.Transpose.ROTATE_90).save(HANDWRITING, quality=90, exif=note)


if __name__ == "__main__":
    if sys.argv[1:] == ["--check"]:
        with Image.open(HANDWRITING) as stored:
            assert stored.getexif()[0x0112] == 6
            upright = np.asarray(ImageOps.exif_transpose(stored).convert("L"), float)
        drawn = np.asarray(make().convert("L"), float)
        # JPEG keeps no pixel exactly, and its programs differ a little from each other.
        difference = np.abs(upright - drawn)
        assert upright.shape == drawn.shape and difference.mean() < 2, difference.mean()
        assert difference.max() < 30, difference.max()
        print(f"{HANDWRITING.name} holds what is drawn here, to {difference.mean():.1f} of 255.")
    else:
        save()
        print(f"wrote {HANDWRITING} ({HANDWRITING.stat().st_size:,} bytes)")
