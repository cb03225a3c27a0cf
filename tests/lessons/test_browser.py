"""Lessons as a student meets them: in a real JupyterLab, in a real browser."""

import shutil

import nbformat
import pytest
from browser import ROOT, jupyterlab, open_notebook, run_all
from nbformat.v4 import new_code_cell, new_notebook
from refresh import METADATA

TRAINING = """
import torch
from course_utils import images, models, training
train, _ = images.load_images("digits")
model = models.LeNet()
history = training.fit(
    model, train, epochs=12, optimizer=torch.optim.Adam(model.parameters())
)
"""


@pytest.fixture(scope="module")
def lab(tmp_path_factory):
    """JupyterLab over copies of the lessons, with progress bars as a reader sees them."""
    folder = tmp_path_factory.mktemp("course")
    shutil.copytree(ROOT / "notebooks", folder / "notebooks")
    shutil.copytree(ROOT / "data", folder / "data", ignore=shutil.ignore_patterns("*MNIST*"))
    notebook = new_notebook(cells=[new_code_cell(TRAINING)], metadata=METADATA)
    nbformat.write(notebook, folder / "training.ipynb")
    with pytest.MonkeyPatch.context() as patch:
        patch.delenv("TQDM_DELAY", raising=False)
        with jupyterlab(folder, tmp_path_factory.mktemp("lab")) as url:
            yield url


@pytest.mark.parametrize("name", ["00_start_here", "02_linear_regression"])
def test_a_lesson_runs_without_an_error(page, lab, name):
    open_notebook(page, lab, f"notebooks/{name}.ipynb")
    cells = run_all(page)
    assert all(cell["execution_count"] for cell in cells)
    for cell in cells:
        for output in cell["outputs"]:
            assert output["output_type"] != "error", output
            assert output.get("name") != "stderr", output
    if name == "00_start_here":  # the page itself answers the kernel
        page.get_by_text("Widgets answer:").wait_for(state="attached", timeout=30_000)
    assert page.errors == [] and page.outside == []


def test_a_progress_bar_comes_and_goes(page, lab):
    open_notebook(page, lab, "training.ipynb")
    page.evaluate("void window.jupyterapp.commands.execute('notebook:run-all-cells')")
    page.get_by_text("of 12:").wait_for(timeout=120_000)
    page.get_by_text("of 12:").wait_for(state="hidden", timeout=120_000)
    assert page.errors == []
