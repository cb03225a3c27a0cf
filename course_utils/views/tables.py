"""The table of a ledger as a picture, where there is no page."""

from matplotlib.axes import Axes
from matplotlib.patches import PathPatch
from matplotlib.path import Path

from . import drawing
from .branches import Branches, colour

#: The height of a row and the width of a lane of branches, in inches.
ROW, LANE = 0.34, 0.24
_CURVES = {2: [Path.MOVETO, Path.LINETO], 4: [Path.MOVETO, Path.LINETO, Path.CURVE3, Path.CURVE3]}


def table(
    sentence: str,
    rows: list[list[str]],
    places: list[float],
    left: int = 1,
    branches: Branches | None = None,
) -> bytes:
    """Rows of text under a sentence, the head in bold, as PNG.

    places: where each column stands, in inches: the first ones begin there, as many as left says,
    and the others end there. branches: what is drawn on the left of the rows, from the one after
    the head on; all columns stand so much further to the right.
    """
    margin = LANE * (branches.width + 0.5) if branches else 0
    width, height = margin + places[-1] + 0.1, ROW * (len(rows) + 1.5)
    figure, axes = drawing.blank_axes(width, height)
    axes.set(xlim=(0, width), ylim=(height, 0))
    axes.text(0.1, 0.3, sentence, fontsize=13, va="center")
    for i, row in enumerate(rows):
        middle = ROW * (i + 2)
        weight = "bold" if i == 0 else "normal"
        for j, (place, text) in enumerate(zip(places, row, strict=True)):
            side = "left" if j < left else "right"
            axes.text(
                margin + place, middle, text, fontsize=12.5, ha=side, va="center", weight=weight
            )
        axes.hlines(middle + ROW / 2, margin, width, color="0.8", linewidth=1)
        if branches and i:
            _draw(axes, branches, i - 1, middle - ROW / 2)
    return drawing.small_png(figure, dpi=80, colours=16)


def _draw(axes: Axes, branches: Branches, row: int, top: float) -> None:
    """What of the branches is beside a row that begins at this height."""
    for piece in branches.pieces(row):
        points = [(LANE * (x + 0.7), top + ROW * y) for x, y in branches.outline(row, piece)]
        path = Path(points, _CURVES[len(points)])
        line_style = {"edgecolor": colour(piece.line.lane), "linewidth": 2.2}
        axes.add_patch(PathPatch(path, fill=False, capstyle="round", zorder=2, **line_style))
    if row < len(branches.lanes):
        lane = branches.lanes[row]
        place = LANE * (lane + 0.7), top + ROW / 2
        axes.plot(*place, "o", color=colour(lane), markersize=7, zorder=3)
