"""Photographs of handwriting, as a program draws them: paper, pen, light, shadow and noise."""

import numpy as np
from PIL import Image, ImageDraw, ImageFilter

SIDE = 180  # of a digit's place, in pixels
Strokes = list[list[tuple[float, float]]]


def photograph(
    lines: list[list[Strokes]],
    *,
    pen: float = 8,
    contrast: float = 0.8,
    on_board: bool = False,
    ruled: bool = False,
    slope: float = 0,
    seed: int = 0,
) -> np.ndarray:
    """Lines of digits, each the strokes (x, y) of a pen: uint8 (H, W), 0 black to 255 white.

    pen: its width in pixels; a digit is 80 to 110 high. contrast: how much darker ink is than
    paper. on_board: chalk on a blackboard instead. ruled: paper with lines. slope: of the lines
    of digits, in pixels down for each to the right.
    """
    rng = np.random.default_rng(seed)
    width, height = SIDE * max(len(line) for line in lines), SIDE * len(lines)
    height += round(abs(slope) * width)
    covered = _draw(lines, pen, slope, (width, height), rng)
    if ruled:
        for top in range(60, height, 85):
            covered[top : top + 4] = 1
    pressed = 1 - 0.3 * rng.random((height // 40 + 1, width // 40 + 1))
    covered *= pressed.repeat(40, axis=0).repeat(40, axis=1)[:height, :width]
    reflected = 0.1 + 0.8 * covered if on_board else 0.9 * (1 - contrast * covered)
    rows, columns = np.mgrid[0 : 1 : height * 1j, 0 : 1 : width * 1j]
    light = (1 - 0.3 * columns - 0.15 * rows) * (
        1 - 0.35 / (1 + np.exp(-12 * (columns + 0.8 * rows - 0.9)))
    )
    noisy = 255 * light * reflected + rng.normal(scale=2.5, size=covered.shape)
    return noisy.clip(0, 255).astype(np.uint8)


def _draw(
    lines: list[list[Strokes]],
    pen: float,
    slope: float,
    size: tuple[int, int],
    rng: np.random.Generator,
) -> np.ndarray:
    """How much of each pixel is covered by ink, 0 to 1: (H, W)."""
    picture = Image.new("L", (2 * size[0], 2 * size[1]))  # twice the size, for smooth edges
    canvas = ImageDraw.Draw(picture)
    for row, line in enumerate(lines):
        for column, strokes in enumerate(line):
            points = np.array([point for stroke in strokes for point in stroke])
            corner, sides = points.min(axis=0), np.ptp(points, axis=0)
            scale = 2 * rng.uniform(80, 110) / max(sides[1], 0.7 * sides[0], 1)
            place = np.array([column + 0.2, row + 0.2 + slope * column]) * 2 * SIDE
            place += rng.uniform(-10, 10, size=2)
            for stroke in strokes:
                path = (np.array(stroke) - corner) * scale + place
                canvas.line([tuple(point) for point in path], 255, round(2 * pen), joint="curve")
                for x, y in path:  # round ends
                    canvas.ellipse((x - pen, y - pen, x + pen, y + pen), 255)
    small = picture.resize(size, Image.Resampling.LANCZOS).filter(ImageFilter.GaussianBlur(1))
    return np.asarray(small, float) / 255
