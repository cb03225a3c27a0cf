"""What all views share: their page code, and what stands in their place where there is no page."""

import base64
import json
import re
from collections.abc import Sequence
from html import escape

import anywidget
import traitlets
from matplotlib import rc_context

from . import drawing
from .bundler import PAGE, bundle

__all__ = ["PAGE", "Stepper", "View", "bundle", "standalone", "style"]


def style(*names: str) -> str:
    """The style sheet of all views, and after it others of page/."""
    return "".join((PAGE / name).read_text(encoding="utf-8") for name in ("view.css", *names))


def standalone(title: str, code: str, style: str, state: dict, note: str = "") -> str:
    """A view as one page that needs no kernel, no other file and no network.

    code, style: a view's `page_code` and `page_style`. state: what the page code asks its model
    for; bytes are DataViews there, as in a notebook. note: a sentence below the view.
    """
    parts = {
        "title": escape(title),
        "note": escape(note),
        "style": style,
        # No "<" may stand there: a name such as "</script>" would end the script.
        "state": json.dumps(state, default=_base64).replace("<", "\\u003c"),
        "code": code.replace("export default", "const view ="),
    }
    empty = (PAGE / "export.html").read_text(encoding="utf-8")
    # In one go: what is put in may hold such a mark itself, as a class's name.
    return re.sub(r"@(\w+)@", lambda mark: parts[mark[1]], empty)


def _base64(content: bytes) -> dict:
    return {"base64": base64.b64encode(content).decode()}


class View(anywidget.AnyWidget):
    """A view: a widget whose page code is `bundle`d from page/.

    Where there is no page to answer (a stored notebook, a PDF, nbval) `picture` shows the
    question it begins with, and `arithmetic` its numbers.
    """

    _css = style()

    @property
    def page_code(self) -> str:
        """The page code of the view, one module."""
        return self._esm

    @property
    def page_style(self) -> str:
        """The style sheet of the view."""
        return self._css

    def arithmetic(self) -> str:
        """The numbers of the view, a line each, as they are in Python."""
        raise NotImplementedError

    def picture(self) -> bytes:
        """A PNG of the view's first state, before any answer is given."""
        raise NotImplementedError

    def _repr_mimebundle_(self, **kwargs: dict) -> tuple[dict, dict]:
        bundle = super()._repr_mimebundle_(**kwargs)
        assert isinstance(bundle, tuple)  # it is None only where widgets are switched off
        data, metadata = bundle
        with rc_context(drawing.font_settings()):
            picture = self.picture()
        return {**data, "image/png": picture, "text/plain": self.arithmetic()}, metadata


class Stepper(View):
    """A view whose numbers, traits that have to fit together, both the page and Python may set.

    Each kind lists them in NAMES, and validates them by what all of them are with the new one.
    """

    #: What R in the page goes back to. Its names are those of the traits that the page listens to,
    #: where it is given no others.
    start = traitlets.Dict().tag(sync=True)

    def _proposed(self, names: Sequence[str], proposal: dict) -> tuple[str, dict]:
        """The name of the trait that is set, and the numbers of all names with the new one."""
        name = proposal["trait"].name
        return name, {other: getattr(self, other) for other in names} | {name: proposal["value"]}
