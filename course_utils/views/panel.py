"""Panels: controls and a table in the page, and a figure that Python draws at each change."""

from collections.abc import Mapping

import traitlets
from matplotlib import style

from . import drawing
from .base import View, bundle


def slider(name: str, label: str, low: float, high: float, step: float) -> dict:
    """A control for a number from low to high."""
    return {"kind": "slider", "name": name, "label": label, "min": low, "max": high, "step": step}


def number(name: str, label: str, low: float, high: float, step: float = 1) -> dict:
    """A control to type a number into; in a table, {"control": name} puts it into a cell."""
    return {**slider(name, label, low, high, step), "kind": "number"}


def choice(name: str, label: str, options: list[str]) -> dict:
    """A control for one of several words."""
    return {"kind": "choice", "name": name, "label": label, "options": options}


def tick(name: str, label: str) -> dict:
    """A control for yes or no."""
    return {"kind": "tick", "name": name, "label": label}


def button(name: str, label: str) -> dict:
    """A control to press; its value is the number of presses so far."""
    return {"kind": "button", "name": name, "label": label}


class Panel(View):
    """A view with controls in the page whose answer, figure and table, is made by Python.

    A kind of panel gives title, question, controls and moves, and defines `render` and
    `arithmetic`; one whose figure can be clicked, picks and `pick` as well. Whoever has changed a
    control can read `values`.
    """

    _esm = bundle("panel.js")

    title = traitlets.Unicode().tag(sync=True)
    #: What `predict` of frame.js takes: question, choices or none, solution, explain.
    question = traitlets.Dict().tag(sync=True)
    controls: traitlets.List[dict] = traitlets.List().tag(sync=True)
    #: The controls that keys move: {"brackets": name, "arrows": name, "upright": name}, the last
    #: by the arrows up and down; Space plays the second.
    moves = traitlets.Dict().tag(sync=True)
    #: What R goes back to.
    start = traitlets.Dict().tag(sync=True)
    #: What a click in the figure does, for the line of keys: "click a unit"; or nothing.
    picks = traitlets.Unicode().tag(sync=True)
    #: What the page asks for, {"turn": …, "values": …, "answered": …, "at": where the figure was
    #: clicked, as parts of its width and height, or None}, and what it is told.
    request = traitlets.Dict().tag(sync=True)
    response = traitlets.Dict().tag(sync=True)
    figure = traitlets.Bytes().tag(sync=True)

    def __init__(self, start: Mapping[str, object], **traits: object) -> None:
        """start: the first value of every control. traits: those above that a panel gives."""
        self.values: dict = dict(start)
        self.answered = False
        response, figure = self._rendered(turn=0)
        super().__init__(start=dict(start), response=response, figure=figure, **traits)

    def render(self, values: dict, answered: bool) -> dict:
        """What is seen with these values of the controls; pure, so that it can be tested.

        "sentence": what to read, and to be read aloud, in one line.
        "figure": a matplotlib Figure, at most 8.6 × 4.2 inches at 100 dots an inch; or left out.
        "alt": what is in the figure, for those who do not see it; the sentence by default.
        "table": {"head": [text, …], "rows": [[cell, …], …], "caption": text, "left": how many
        columns are of words, which begin at the left}; or left out. A cell
        is a text, or {"text": …} with any of "why" (shown when it is clicked), "set" (values that
        a click gives to controls), "colour" and "dark" (CSS background; white letters), "strong",
        "control" (the name of a control that stands in the cell).
        "limits": {control: how far it goes up from now on}; or left out.
        "why": the sum behind what is marked in the figure; or left out.

        While the question is open (answered False) the answer must not be in it.
        Raises ValueError, with a sentence, for values that cannot be.
        """
        raise NotImplementedError

    def pick(self, values: dict, x: float, y: float) -> dict:
        """The values of controls that a click at x and y, in the data of the figure's first axes,
        changes; none if nothing is there. Pure, as `render` is."""
        raise NotImplementedError

    @traitlets.observe("request")
    def _answer(self, change: dict) -> None:
        request = change["new"]
        before, self.values = self.values, {**self.start, **request["values"]}
        self.answered = request["answered"]
        try:
            if at := request.get("at"):
                self.values |= self.pick(dict(self.values), *self._place(*at))
            response, figure = self._rendered(request["turn"])
        except Exception as error:
            self.values, problem = before, str(error)
            if not isinstance(error, ValueError):
                problem = f"This could not be computed ({type(error).__name__}: {error})."
            self.response = {**self.response, "turn": request["turn"], "problem": problem}
            if not isinstance(error, ValueError):
                raise  # it is a mistake of the view's, or of a network's: into the log with it
        else:
            with self.hold_sync():  # one message, so that a figure never stands by another's words
                self.figure, self.response = figure, response

    def _rendered(self, turn: int) -> tuple[dict, bytes]:
        with style.context(["course_utils.course", drawing.font_settings()]):
            content = self.render(dict(self.values), self.answered)
            figure = content.pop("figure", None)
            drawn = b"" if figure is None else drawing.quick_png(figure)
        self.last_figure = figure
        return {"alt": content["sentence"], **content, "turn": turn, "values": self.values}, drawn

    def _place(self, across: float, down: float) -> tuple[float, float]:
        """A place in the figure that was drawn last, in the data of its first axes."""
        width, height = self.last_figure.bbox.size
        to_data = self.last_figure.axes[0].transData.inverted()
        return to_data.transform((across * width, (1 - down) * height))

    def picture(self) -> bytes:
        with style.context(["course_utils.course", drawing.font_settings()]):
            figure = self.render(dict(self.start), answered=False)["figure"]
            drawing.add_title(figure, f"Predict: {self.question['question']}")
            return drawing.small_png(figure, dpi=80)
