"""What all views share: their page code, and what stands in their place where there is no page."""

import anywidget
from matplotlib import rc_context

from . import drawing
from .bundler import PAGE, bundle

__all__ = ["PAGE", "View", "bundle", "style"]


def style(*names: str) -> str:
    """The style sheet of all views, and after it others of page/."""
    return "".join((PAGE / name).read_text(encoding="utf-8") for name in ("view.css", *names))


class View(anywidget.AnyWidget):
    """A view: a widget whose page code is `bundle`d from page/.

    Where there is no page to answer (a stored notebook, a PDF, nbval) `picture` shows the
    question it begins with, and `arithmetic` its numbers.
    """

    _css = style()

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
        with rc_context(drawing.letters()):
            picture = self.picture()
        return {**data, "image/png": picture, "text/plain": self.arithmetic()}, metadata
