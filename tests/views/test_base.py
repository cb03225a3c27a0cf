"""What all views share: how their page code is put together, and how panels answer."""

import re
from dataclasses import replace
from pathlib import Path

import pytest
from matplotlib import rc_context
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from course_utils import images, models, views
from course_utils.views import drawing, panel
from course_utils.views.base import PAGE, bundle
from course_utils.views.bundler import gather


def test_a_bundle_has_every_file_once_and_no_import():
    code = bundle("xray.js")
    assert not re.search(r"^(import|export (?!default))", code, re.M)
    assert len(re.findall(r"^function frame\(", code, re.M)) == 1
    assert code.endswith('export default $modules["xray.js"].default;\n')
    assert code.count("export default") == 1


def test_a_bundle_has_all_of_a_file_but_its_comments(tmp_path):
    code = """// What it is.
/** Twice,
 * and more. */
export function twice(x) {
  // why
  /* and how */
  return `${2 * x} // not a comment`; // nor is this line
}
"""
    (tmp_path / "twice.js").write_text(code, encoding="utf-8")
    kept = gather("twice.js", folder=tmp_path)
    for line in ("What it is", "and more", "// why", "and how"):
        assert line not in kept
    assert "return `${2 * x} // not a comment`; // nor is this line\n}" in kept


def test_nothing_is_asked_of_another_machine():
    for path in filter(Path.is_file, PAGE.rglob("*")):
        text = path.read_text(encoding="utf-8").replace("http://www.w3.org/2000/svg", "")
        assert not re.search(r"https?://|fetch\(|XMLHttpRequest|WebSocket|\beval\([^)]", text), (
            path.name
        )


def test_all_views_are_there():
    for name in views.__all__:
        assert callable(getattr(views, name))
    with pytest.raises(AttributeError, match="no attribute 'Neurone'"):
        views.Neurone  # noqa: B018


def test_without_anywidget(monkeypatch):
    """Who has updated the course but not its packages is told how to."""

    def not_there(name):
        raise ModuleNotFoundError(name="anywidget")

    monkeypatch.setattr(views, "import_module", not_there)
    with pytest.raises(ImportError, match="pip install -r requirements"):
        views.XRay  # noqa: B018


class Doubler(panel.Panel):
    def __init__(self, n):
        super().__init__(
            {"n": n},
            title="Twice",
            question={"question": "What is twice 2?", "choices": ["3", "4"], "solution": "4"},
            controls=[panel.slider("n", "number", 0, 9, 1)],
            moves={"brackets": "n", "arrows": "n"},
        )

    def render(self, values, answered):
        if values["n"] == 7:
            raise ValueError("7 is too much.")
        if values["n"] == 8:
            raise RuntimeError("out of memory")
        answer = str(2 * values["n"]) if answered else "?"
        figure = Figure(figsize=(3, 2))
        figure.subplots().plot([0, values["n"]])
        return {"sentence": f"Twice {values['n']} is {answer}.", "figure": figure}

    def arithmetic(self):
        return "2 · 2 = 4"


@pytest.fixture
def doubler():
    return Doubler(n=2)


def ask(view, turn, answered=True, **values):
    view.request = {"turn": turn, "values": values, "answered": answered}


def test_a_panel_answers(doubler):
    assert doubler.response["sentence"] == "Twice 2 is ?." and doubler.figure[:4] == b"\x89PNG"
    before = doubler.figure
    ask(doubler, 1, n=4)
    assert doubler.response["sentence"] == "Twice 4 is 8." and doubler.response["turn"] == 1
    assert doubler.values == {"n": 4} and doubler.figure != before


def test_what_cannot_be_is_said_and_changes_nothing(doubler):
    ask(doubler, 1, n=4)
    ask(doubler, 2, n=7)
    assert doubler.response["problem"] == "7 is too much." and doubler.response["turn"] == 2
    assert doubler.values == {"n": 4} and doubler.response["values"] == {"n": 4}
    with pytest.raises(RuntimeError):
        ask(doubler, 3, n=8)
    assert "could not be computed (RuntimeError: out of memory)" in doubler.response["problem"]
    assert doubler.values == {"n": 4}
    ask(doubler, 4, n=5)
    assert "problem" not in doubler.response and doubler.values == {"n": 5}


def test_without_a_page(doubler):
    data, _ = doubler._repr_mimebundle_()
    assert data["text/plain"] == "2 · 2 = 4" and data["image/png"][:4] == b"\x89PNG"


def test_a_silent_kernel_is_told(page, doubler):
    from browser import put_on_stage

    put_on_stage(page, doubler)  # with nobody to answer
    page.get_by_role("button", name="skip").click()
    page.get_by_text("The kernel does not answer").wait_for()
    assert page.locator(".view-verdict").inner_text().strip() == "Skipped. It is 4."
    assert page.errors == []


def test_nothing_is_shown_before_the_answer(page, doubler):
    from browser import put_on_stage

    put_on_stage(page, doubler, kernel=True)
    page.locator(".view").focus()
    for key in (" ", "]", "ArrowRight", "r"):
        page.keyboard.press(key)
    assert doubler.request == {} and page.locator("input[type=range]").is_disabled()


def test_a_slider_is_dragged(page, doubler):
    """…through many answers of the kernel, which must not take it out of the hand."""
    from browser import put_on_stage

    put_on_stage(page, doubler, kernel=True)
    page.get_by_role("button", name="skip").click()
    box = page.locator("input[type=range]").bounding_box()
    middle = box["y"] + box["height"] / 2
    page.mouse.move(box["x"] + 0.25 * box["width"], middle)
    page.mouse.down()
    for part in (0.3, 0.4, 0.5, 0.6, 0.95):
        page.mouse.move(box["x"] + part * box["width"], middle + 60)
        page.wait_for_timeout(150)
    page.mouse.up()
    page.get_by_text("Twice 9 is 18.").wait_for()
    assert doubler.values == {"n": 9}


def test_a_second_page_of_a_panel(page, doubler):
    """Where the question was answered on another page, it is not asked again beside its answer."""
    from browser import put_on_stage

    ask(doubler, 1, n=4)
    put_on_stage(page, doubler, kernel=True)
    assert page.get_by_role("button", name="skip").count() == 0
    page.locator(".view").focus()
    page.keyboard.press("]")
    page.get_by_text("Twice 5 is 10.").wait_for()
    assert doubler.request["turn"] == 2 and page.errors == []


NAMES = ["$x_$", "$\\frac{", "猫", "собака", "a\\$b", "", *"6789"]


def of_names():
    """The views whose figures hold names of classes, each of a network that reads all as one."""
    _, digits = images.load_images("digits")
    named = replace(digits[:60], classes=tuple(NAMES))
    for reads in (0, 2):
        model = models.LeNet()
        model.classifier[-1].bias.data[reads] = 100
        yield views.XRay(model, classes=NAMES)
        yield views.Confusion(model, named)
        yield views.Augmentation(model, image=digits.images[0], label=2, classes=NAMES)
        yield views.Replay(model, named)


@pytest.mark.filterwarnings("error")
def test_names_of_any_letters_stand_in_figures():
    for view in of_names():
        data, _ = view._repr_mimebundle_()
        assert data["image/png"][:4] == b"\x89PNG"
        if isinstance(view, panel.Panel):
            ask(view, 1)
            assert "problem" not in view.response and view.figure[:4] == b"\x89PNG"


def test_a_name_is_written_as_it_is_or_as_its_number(monkeypatch):
    with rc_context(drawing.font_settings()):
        assert drawing.writable(NAMES)[:2] == NAMES[:2] and drawing.writable(["собака"])[0] != "0"
    monkeypatch.setattr(drawing, "SCRIPTS", ())
    with rc_context(drawing.font_settings()):
        assert drawing.writable(NAMES)[2] == "2" and drawing.writable(["a\nb"]) == ["0"]
        figure = Figure()
        text = figure.text(0, 0, "$x_$")
        assert text.get_window_extent(FigureCanvasAgg(figure).get_renderer()).width > 0
