"""How results go from call to call: lines beside the rows of a table, with a dot for each call.

The longest way from the input on is a straight line; whatever leaves it, a shortcut or a branch
with layers of its own, runs beside it until it joins again.
"""

import itertools
from collections.abc import Iterator
from dataclasses import dataclass

#: What each line is drawn in: the longest way, and by turns those beside it.
COLOURS = ("#444444", "#0072B2", "#D55E00", "#009E73")
#: What is drawn in a place where lines go in these directions: up, down, left, right.
_SIGNS = {
    "1100": "│",
    "0011": "─",
    "0110": "╮",
    "1010": "╯",
    "0101": "╭",
    "1001": "╰",
    "1110": "┤",
    "1101": "├",
    "0111": "┬",
    "1011": "┴",
    "1111": "┼",
    "1000": "│",
    "0100": "│",
}


def colour(lane: int) -> str:
    """What is drawn in a lane has this colour."""
    return COLOURS[1 + (lane - 1) % (len(COLOURS) - 1)] if lane else COLOURS[0]


@dataclass(frozen=True)
class Line:
    """A result on its way from the row that makes it down to one that takes it, in a lane."""

    source: int
    target: int
    lane: int


@dataclass(frozen=True)
class Piece:
    """What of a line is beside one row: "out" of its dot, "past" it, or "into" it."""

    way: str
    line: Line


@dataclass(frozen=True)
class Branches:
    """The lines beside the rows of a table. lanes: of each row's dot, 0 the leftmost."""

    lanes: list[int]
    lines: list[Line]

    @property
    def width(self) -> int:
        """How many lanes there are: 1 for a chain."""
        return 1 + max(*self.lanes, *(line.lane for line in self.lines), 0)

    def pieces(self, row: int) -> Iterator[Piece]:
        """What is drawn beside a row."""
        for line in self.lines:
            if line.source <= row <= line.target:
                ends = {line.source: "out", line.target: "into"}
                yield Piece(ends.get(row, "past"), line)

    def outline(self, row: int, piece: Piece) -> list[tuple[float, float]]:
        """The points of a piece beside a row: lanes to the right, and down from 0 to 1.

        Two are the ends of a straight line. Of four, the first two are, and a curve goes on from
        there to the last, by the third (a quadratic Bézier curve).
        """
        lane, end = piece.line.lane, float(piece.way == "out")
        if piece.way == "past":
            return [(lane, 0), (lane, 1)]
        row_lane = self.lanes[row]
        if row_lane == lane:
            return [(lane, 0.5), (lane, end)]
        beside = lane - 1 if row_lane < lane else lane + 1
        return [(row_lane, 0.5), (beside, 0.5), (lane, 0.5), (lane, end)]

    def targets(self, row: int) -> list[int]:
        """The rows that take what a row makes."""
        return sorted(line.target for line in self.lines if line.source == row)

    def text(self, row: int, dot: str = "●") -> str:
        """A row of the drawing in letters: "●─╮" where a shortcut leaves. dot: of its call.

        A row without a call has only blanks.
        """
        places = [[False] * 4 for _ in range(self.width)]  # up, down, left, right
        row_lane = self.lanes[row] if row < len(self.lanes) else -1
        for piece in self.pieces(row):
            lane = piece.line.lane
            places[lane][0] |= piece.way != "out"
            places[lane][1] |= piece.way != "into"
            if piece.way == "past" or lane == row_lane:
                continue
            low, high = sorted((lane, row_lane))
            for between in range(low, high + 1):
                places[between][2] |= between > low
                places[between][3] |= between < high
        signs = [_SIGNS.get("".join("01"[way] for way in place), " ") for place in places]
        if row_lane >= 0:
            signs[row_lane] = dot
        gaps = ["─" if place[3] else " " for place in places]
        return "".join(map("".join, zip(signs, gaps, strict=True))).rstrip().ljust(2 * self.width)


def branches(sources: list[list[int]]) -> Branches:
    """The drawing of rows of which each takes the results of rows above it.

    sources: for each row, which ones; none for the first, which is the input.
    """
    sources = [sorted({at for at in taken if at < row}) for row, taken in enumerate(sources)]
    longest, *others = _paths(sources)
    lanes = dict.fromkeys(longest, 0)
    lines = [Line(one, other, 0) for one, other in _steps(longest)]
    side_paths = sorted(_side_paths(sources, longest, others), key=lambda one: _length(*one))
    spans = [[(-1, len(sources))]]  # of each lane, where it is in use
    for path, joined in side_paths:
        start, end = _span(path, joined)
        free = (i for i, used in enumerate(spans) if _is_free(used, start, end))
        lane = next(free, len(spans))
        if lane == len(spans):
            spans.append([])
        spans[lane].append((start, end))
        lanes |= dict.fromkeys(path[1:], lane)
        lines += [Line(one, other, lane) for one, other in _steps(path) if one >= 0]
        lines += [Line(path[-1], target, lane) for target in joined]
    return Branches([lanes[row] for row in range(len(sources))], lines)


def _paths(sources: list[list[int]]) -> list[list[int]]:
    """All rows, each in one path: the longest from the first row on, then those that are left."""
    left = set(range(len(sources)))
    paths: list[list[int]] = []
    while left:
        longest: dict[int, list[int]] = {}
        for row in sorted(left):
            before = [longest[at] for at in sources[row] if at in longest]
            if before or paths or row == 0:  # the first path begins at the first row
                longest[row] = [*max(before, key=len, default=[]), row]
        paths.append(max(longest.values(), key=len))
        left -= set(paths[-1])
    return paths


def _side_paths(
    sources: list[list[int]], longest: list[int], others: list[list[int]]
) -> Iterator[tuple[list[int], list[int]]]:
    """What runs beside the longest path: from where over which rows, and the rows it joins.

    A shortcut is over no rows: ([2], [7]). Where nothing comes from, −1 stands.
    """
    connected = [[max(sources[path[0]], default=-1), *path] for path in others]
    drawn = {step for path in [longest, *connected] for step in _steps(path)}
    targets: dict[int, list[int]] = {row: [] for row in range(len(sources))}
    for row, taken in enumerate(sources):
        for source in taken:
            if (source, row) not in drawn:
                targets[source].append(row)
    for path in connected:
        yield path, targets.pop(path[-1])
    yield from (([source], joined) for source, joined in targets.items() if joined)


def _steps(path: list[int]) -> list[tuple[int, int]]:
    return list(itertools.pairwise(path))


def _span(path: list[int], joined: list[int]) -> tuple[int, int]:
    """From where to where a lane is needed; a row more where nothing leads to it, or on."""
    start = path[0] if path[0] >= 0 else path[1] - 1
    return start, max(joined, default=path[-1] + 1)


def _length(path: list[int], joined: list[int]) -> tuple[int, int]:
    """By which the shortest come first, and so nearest to the longest path."""
    start, end = _span(path, joined)
    return end - start, start


def _is_free(used: list[tuple[int, int]], start: int, end: int) -> bool:
    return all(end <= first or start >= last for first, last in used)
