"""Every view in its lesson, in JupyterLab: by mouse, by keyboard, and with its prose around it."""

import shutil

import nbformat
import pytest
from browser import ROOT, jupyterlab, keep, open_notebook, run_all
from documents import WRITTEN, has_view, stored

#: The lessons with views, and the ids of the cells that show one.
VIEWS = {
    lesson: [cell.id for cell in stored(lesson).cells if has_view(cell)]
    for lesson in WRITTEN
    if any(map(has_view, stored(lesson).cells))
}
pytestmark = pytest.mark.lab
SHOW = """async (id) => {
    const { content } = window.jupyterapp.shell.currentWidget;
    const at = content.widgets.findIndex((cell) => cell.model.id === id);
    content.activeCellIndex = at;
    await content.scrollToItem(at, "smart");
}"""


@pytest.fixture(scope="module")
def lab(tmp_path_factory):
    """JupyterLab over the lessons, each as far as it uses its views, with the embedded digits."""
    folder = tmp_path_factory.mktemp("course")
    shutil.copytree(ROOT / "data", folder / "data", ignore=shutil.ignore_patterns("*MNIST*"))
    (folder / "notebooks").mkdir()
    for lesson in VIEWS:
        notebook = nbformat.from_dict(stored(lesson))
        uses = [
            has_view(cell) or (cell.cell_type == "code" and "replay." in cell.source)
            for cell in notebook.cells
        ]
        notebook.cells = notebook.cells[: len(uses) - uses[::-1].index(True)]
        nbformat.write(notebook, folder / "notebooks" / lesson.file)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("COURSE_DATA_DIR", "digits")
        patch.setenv("COURSE_RUNS_DIR", str(folder / "runs"))
        with jupyterlab(folder, tmp_path_factory.mktemp("lab")) as url:
            yield url


@pytest.mark.parametrize("lesson", VIEWS, ids=lambda lesson: lesson.path.stem)
def test_views_of_a_lesson(page, lab, lesson):
    open_notebook(page, lab, f"notebooks/{lesson.file}")
    page.evaluate("window.jupyterapp.commands.execute('application:toggle-left-area')")
    for cell in run_all(page):
        assert not any(output["output_type"] == "error" for output in cell["outputs"]), cell
    page.set_default_timeout(60_000)
    for cell_id in VIEWS[lesson]:
        page.evaluate(SHOW, cell_id)
        view = page.locator(".jp-Cell.jp-mod-active .view")
        view.wait_for()
        drive(page, view, f"{lesson.path.stem}-{cell_id}")
    assert page.errors == [] and page.outside == []


def drive(page, view, name):
    """Skip the question by mouse, then change something by the keyboard and put it back."""
    keep(view, f"{name}-question")
    view.get_by_role("button", name="skip").first.click()
    assert "Skipped" in view.locator(".view-verdict").first.inner_text()
    settled(page, view)
    keep(view, f"{name}-answered")
    first = state(view)
    view.focus()
    for key in ("]", "ArrowRight", "["):
        page.keyboard.press(key)
        settled(page, view)
        if state(view) != first:
            break
    else:
        raise AssertionError(f"{name}: no key changes anything")
    page.keyboard.press("r")
    settled(page, view)
    for width in (1280, 1080):  # with JupyterLab's margins, the view is 1100 and 900 wide
        page.set_viewport_size({"width": width, "height": 720})
        keep(view, f"{name}-{width}")
        assert view.evaluate("(view) => view.scrollWidth <= view.clientWidth"), (name, width)
    page.set_viewport_size({"width": 1280, "height": 720})


def state(view):
    """What can be read in a view, and the values of its controls."""
    return view.evaluate(
        """(view) => view.innerText
            + [...view.querySelectorAll("input, select")].map((control) => control.value)"""
    )


def settled(page, view):
    """Wait until the view says the same for a while: its kernel, if it asks one, has answered."""
    before = None
    while (now := state(view)) != before:
        before = now
        page.wait_for_timeout(400)
