"""What several tests of the views begin with."""

import json

import pytest
import torch
from browser import lab_with, run_all

from course_utils import models, views
from course_utils.sources import DATA


@pytest.fixture(scope="module")
def lenet():
    """The LeNet that ships, and how its images are scaled."""
    recipe = json.loads((DATA / "weights" / "lenet-mnist.json").read_text(encoding="utf-8"))
    model = models.LeNet()
    model.load_state_dict(torch.load(DATA / "weights" / "lenet-mnist.pt", weights_only=True))
    return model.eval(), recipe["inputs"]


@pytest.fixture(scope="module")
def exported_xray(lenet, tmp_path_factory):
    """The file of LeNet's exported X-ray."""
    model, inputs = lenet
    return views.export_xray(model, tmp_path_factory.mktemp("home") / "lenet.html", inputs)


@pytest.fixture
def xray_in_jupyterlab(page, tmp_path):
    """LeNet's X-ray in a notebook, named xray, that JupyterLab shows; yields its cell as JSON."""
    sources = [
        "from course_utils import checkpoints, views\n"
        'lenet, recipe = checkpoints.load_weights("lenet")',
        'xray = views.XRay(lenet, recipe["inputs"])\nxray',
    ]
    with lab_with(page, tmp_path, sources):
        page.evaluate("window.jupyterapp.commands.execute('application:toggle-left-area')")
        _, cell = run_all(page)
        page.set_default_timeout(60_000)
        page.locator(".view").wait_for(timeout=60_000)
        page.evaluate("document.querySelector('.view').scrollIntoView()")
        yield cell
