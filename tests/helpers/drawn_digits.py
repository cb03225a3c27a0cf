"""Digits as a hand would draw them: the skeletons of images, as strokes of a pen."""

import math
import random
from itertools import chain

import numpy as np


def thin(ink: np.ndarray) -> np.ndarray:
    """The skeleton of a picture (H, W) of True and False, one pixel wide.

    Source: Zhang and Suen, A Fast Parallel Algorithm for Thinning Digital Patterns (1984).
    """
    ink = np.pad(ink, 1).astype(int)
    while True:
        before = ink.sum()
        for first in (True, False):
            north, _, east, _, south, _, west, _ = around = [
                np.roll(ink, shift, (0, 1))
                for shift in [(1, 0), (1, -1), (0, -1), (-1, -1), (-1, 0), (-1, 1), (0, 1), (1, 1)]
            ]
            count = sum(around)
            turns = sum(
                (a == 0) & (b == 1) for a, b in zip(around, around[1:] + around[:1], strict=True)
            )
            if first:
                edge = (north * east * south == 0) & (east * south * west == 0)
            else:
                edge = (north * east * west == 0) & (north * south * west == 0)
            ink[(ink == 1) & (count >= 2) & (count <= 6) & (turns == 1) & edge] = 0
        if ink.sum() == before:
            return ink[1:-1, 1:-1] == 1


def strokes(skeleton: np.ndarray) -> list[list[tuple[float, float]]]:
    """Strokes (x, y) that go over every pixel of a skeleton, from end to end where it has ends."""
    every = {(int(row), int(column)) for row, column in np.argwhere(skeleton)}
    left, drawn = set(every), []
    while left:
        start = min(left, key=lambda pixel: (len(_beside(pixel, left)), pixel))
        left.discard(start)
        path = [*_beside(start, every - left - {start})[:1], start]  # it begins at a drawn one
        while following := _beside(path[-1], left):
            path.append(following[0])
            left.discard(following[0])
        path += [pixel for pixel in _beside(path[-1], every) if pixel not in path[-3:]][:1]
        drawn.append([(column + 0.5, row + 0.5) for row, column in path])
    return drawn


def _beside(pixel: tuple[int, int], among: set) -> list[tuple[int, int]]:
    """The neighbours that are among these, those that share a side first."""
    steps = [(0, 1), (1, 0), (0, -1), (-1, 0), (1, 1), (1, -1), (-1, 1), (-1, -1)]
    near = [(pixel[0] + down, pixel[1] + right) for down, right in steps]
    return [one for one in near if one in among]


def by_hand(image: np.ndarray, draw: random.Random, side: float = 280) -> tuple[int, list]:
    """A pen's width and strokes for an image, uint8 (28, 28).

    Somewhere on a pad of this side, 0.5 to 2 times the size (one pixel of the image is then 3 to
    12 of the pad, so that the largest still fits), turned by up to 10 degrees, with a pen 12 to
    28 wide.
    """
    scale, pen = 6 * draw.uniform(0.5, 2), 2 * draw.randint(6, 14)
    turn = math.radians(draw.uniform(-10, 10))
    cosine, sine = scale * math.cos(turn), scale * math.sin(turn)
    turned = [
        [(x * cosine - y * sine, x * sine + y * cosine) for x, y in stroke]
        for stroke in strokes(thin(image > 127))
    ]
    offsets = []
    for axis in (0, 1):
        values = [point[axis] for point in chain.from_iterable(turned)]
        low, high = min(values) - pen / 2, max(values) + pen / 2
        offsets.append(draw.uniform(0, max(0, side - (high - low))) - low)
    return pen, [[(x + offsets[0], y + offsets[1]) for x, y in stroke] for stroke in turned]
