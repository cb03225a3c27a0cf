"""Views that answer in the page itself, as pages for where there is no kernel: decks, the site.

Each is made by the cells of its lesson, on the digits that ship.
"""

import ast
import contextlib
import dis
import io
import os
import tempfile
from collections.abc import Iterator, Sequence
from html import escape
from types import CodeType
from typing import Any
from unittest.mock import patch

from course_utils.classroom.files import read_lesson, text_of
from course_utils.lessons import Lesson

#: The views whose arithmetic is in the page, each with its title.
LIVE = {
    "BackpropStepper": "Back-propagation, step by step",
    "ConvolutionStepper": "Convolution, step by step",
    "PoolingStepper": "Pooling, step by step",
    "Replay": "A training, replayed",
    "XRay": "X-ray of a network",
}

#: The tag of a view whose network is trained in its lesson alone: a picture stands for it.
TRAINED_HERE = "trained-here"


def live_views(lesson: Lesson) -> dict[str, str]:
    """The live views of a lesson as whole HTML pages, by the id of the cell that shows each.

    The pages need no kernel and no network. Weights are those that ship, and a training to be
    replayed is run here, on the digits, in a few seconds.
    """
    code = [cell for cell in read_lesson(lesson)["cells"] if cell["cell_type"] == "code"]
    cells = [ast.parse(text_of(cell)) for cell in code]
    pages = {}
    for at, cell in enumerate(cells):
        kind = _shown(cell)
        if kind in LIVE and TRAINED_HERE not in code[at]["metadata"].get("tags", []):
            pages[code[at]["id"]] = _page(kind, cells, at)
    return pages


def frame(page: str) -> str:
    """A live view's page as a frame in another one, named by its title."""
    title = page.split("<title>")[1].split("</title>")[0]  # as HTML
    kind = f'class="live" title="{title}" allow="fullscreen"'
    return f'<iframe {kind} srcdoc="{escape(page)}"></iframe>'


def _shown(cell: ast.Module) -> str | None:
    """The name of the view that a cell ends with: called there, or given a name in the cell."""
    last = cell.body[-1] if cell.body else None
    shown = last.value if isinstance(last, ast.Expr) else None
    if isinstance(shown, ast.Name):
        given = [node for node in cell.body if isinstance(node, ast.Assign)]
        named = [node.value for node in given if ast.unparse(node.targets[0]) == shown.id]
        shown = named[-1] if named else None
    if not isinstance(shown, ast.Call):
        return None
    module, _, name = ast.unparse(shown.func).rpartition(".")
    return name if module == "views" else None


def _page(kind: str, cells: Sequence[ast.Module], at: int) -> str:
    """The view of a cell as a page."""
    from course_utils.views.base import standalone

    # The training that a replay shows is in the cell behind it.
    roots = [at, at + 1] if kind == "Replay" else [at]
    with _on_the_digits():
        view = _run(cells, needed_cells(cells, roots), at)
        if kind == "Replay":
            view.finish()
    own = {name for name in view.trait_names(sync=True) if not name.startswith("_")}
    own -= {"layout", "tabbable", "tooltip"}
    return standalone(LIVE[kind], view.page_code, view.page_style, view.get_state(own))


def _run(cells: Sequence[ast.Module], needed: Sequence[int], shown: int) -> Any:
    """Run cells in their order; returns what the one at shown ends with."""
    namespace: dict = {}
    value = None
    for at in needed:
        *body, last = cells[at].body
        if at == shown and isinstance(last, ast.Expr):
            exec(compile(ast.Module(body, []), f"cell {at}", "exec"), namespace)
            value = eval(compile(ast.Expression(last.value), f"cell {at}", "eval"), namespace)
        else:
            exec(compile(cells[at], f"cell {at}", "exec"), namespace)
    return value


def needed_cells(cells: Sequence[ast.Module], roots: Sequence[int]) -> list[int]:
    """These cells and those that give them their names: of each name the last one before."""
    codes = [compile(cell, "cell", "exec") for cell in cells]
    given = [{*_given(code)} for code in codes]
    needed, new = set(), list(roots)
    while new:
        at = new.pop()
        needed.add(at)
        for name in {*_used(codes[at])} - given[at]:
            before = (other for other in reversed(range(at)) if name in given[other])
            source = next(before, at)
            if source not in needed:
                new.append(source)
    return sorted(needed)


def _given(code: CodeType) -> Iterator[str]:
    for step in dis.get_instructions(code):
        if step.opname == "STORE_NAME":
            yield step.argval


def _used(code: CodeType) -> Iterator[str]:
    """The names that code takes from the notebook, its functions' included."""
    for step in dis.get_instructions(code):
        if step.opname in ("LOAD_NAME", "LOAD_GLOBAL"):
            yield step.argval
    for inner in code.co_consts:
        if isinstance(inner, CodeType):
            yield from _used(inner)


@contextlib.contextmanager
def _on_the_digits() -> Iterator[None]:
    """With the digits as the images, without the reader's own weights, and in silence."""
    with (
        tempfile.TemporaryDirectory() as empty,
        patch.dict(os.environ, COURSE_DATA_DIR="digits", COURSE_RUNS_DIR=empty),
        patch.dict(os.environ, COURSE_DEVICE="cpu"),
        contextlib.redirect_stdout(io.StringIO()),
        contextlib.redirect_stderr(io.StringIO()),
    ):
        yield
