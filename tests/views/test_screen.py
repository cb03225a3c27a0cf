"""Every view on a projector of 1280 × 720, and on a laptop with little room beside the files."""

import nbformat
import numpy as np
import pytest
import torch
from browser import FAINT, keep, lab_with, open_notebook, run_all, wait_for_live
from shown_networks import broken_lenet, xor_stepper
from torch import nn

from course_utils import checkpoints, images, models, training, views
from course_utils.shown import residual


def confusion():
    _, test = images.load_images("digits")
    chances = torch.rand(len(test), 10, generator=torch.Generator().manual_seed(0))
    return views.Confusion(chances / chances.sum(dim=1, keepdim=True), test)


def replay():
    train, test = images.load_images("digits")
    training.set_seed(0)
    model = models.LeNet()
    optimizer = torch.optim.Adam(model.parameters())
    view = views.Replay(model, test)
    optimizer.register_step_post_hook(view.record)
    training.fit(model, train[:400], epochs=2, optimizer=optimizer, size=50)
    view.finish()
    return view


def boot():
    """As in lesson 13: classes with long names, read by a network."""
    image, _ = images.sample_digit()
    names = ["T-shirt/top", "Ankle boot", *"23456789"]
    training.set_seed(0)
    return views.Augmentation(models.LeNet(), image=image, label=1, classes=names)


def residual_without_projection():
    """As in lesson 14: two blocks, the second without the layer that its shortcut needs."""
    block = residual.Residual
    model = nn.Sequential(block(8, 8, stride=1), block(8, 16, stride=2))
    model[1].shortcut = nn.Identity()
    return views.ShapeLedger(model, shape=(8, 14, 14))


VIEWS = {
    "neuron": views.Neuron,
    "learning rate": views.LearningRate,
    "bowl": lambda: views.LearningRate(loss="bowl"),
    "points": lambda: views.LearningRate(x=[1, 2, 4, 5], y=[9, 8, 21, 22], steps=20),
    "convolution": views.ConvolutionStepper,
    "channels": lambda: views.ConvolutionStepper(
        np.eye(6)[None].repeat(3, 0), np.ones((3, 3, 3)), padding=2
    ),
    "pooling": views.PoolingStepper,
    "back-propagation": xor_stepper,
    "ledger": views.ShapeLedger,
    "broken ledger": lambda: views.ShapeLedger(broken_lenet(), shape=(1, 32, 32)),
    "ledger with branches": residual_without_projection,
    "replay": replay,
    "X-ray": lambda: views.XRay(checkpoints.load_weights("lenet")[0]),
    "X-ray of the CNN": lambda: views.XRay(models.CNN().eval()),
    "confusion": confusion,
    "race": views.ActivationRace,
    "augmentation": lambda: views.Augmentation(*lenet()),
    "boot": boot,
    "receptive field": views.ReceptiveField,
}


def lenet():
    model, recipe = checkpoints.load_weights("lenet")
    return model, recipe["inputs"]


#: Python has answered what a panel has asked; other views ask nothing.
SETTLED = """() => {
    const { turn } = window.model.get("response") ?? {};
    return turn === undefined || (turn > 0 && turn === window.model.get("request").turn);
}"""


@pytest.mark.parametrize(
    "name",
    [
        "neuron",
        "convolution",
        "X-ray",
        "replay",
        "ledger",
        "ledger with branches",
        "back-propagation",
    ],
)
def test_it_is_light_on_a_dark_page(page, name):
    """Its controls too: and all that is written can be read, before the answer and after."""
    from browser import put_on_stage

    put_on_stage(page, VIEWS[name](), kernel=True)
    page.add_style_tag(content=":root { color-scheme: dark; background: #111; color: #fff; }")
    assert page.evaluate(FAINT) == []
    page.get_by_role("button", name="skip").first.click()
    page.wait_for_function(SETTLED)
    keep(page, f"on a dark page, {name}")
    assert page.evaluate(FAINT) == []
    schemes = page.evaluate(
        """() => [...document.querySelectorAll(".view, .view :is(button, input, select)")]
            .map((control) => getComputedStyle(control).colorScheme)"""
    )
    assert set(schemes) == {"light"}


@pytest.mark.lab
def test_it_is_light_in_jupyterlabs_dark_theme(page, tmp_path):
    shown = ["Neuron()", "ConvolutionStepper()", "ShapeLedger()", "XRay(models.LeNet())"]
    sources = ["from course_utils import models, views", *(f"views.{view}" for view in shown)]
    with lab_with(page, tmp_path, sources, theme="JupyterLab Dark"):
        run_all(page)
        assert page.evaluate("document.body.dataset.jpThemeLight") == "false"
        for at in range(1, len(sources)):
            page.evaluate(
                """async (at) => {
                    const { content } = window.jupyterapp.shell.currentWidget;
                    content.activeCellIndex = at;
                    await content.scrollToItem(at, "start");
                }""",
                at,
            )
            view = page.locator(".jp-Cell.jp-mod-active .view")
            view.get_by_role("button", name="skip").first.click(timeout=60_000)
            keep(view, f"JupyterLab's dark theme, {shown[at - 1]}")
            schemes = view.evaluate(
                """(view) => [view, ...view.querySelectorAll("button, input, select")]
                    .map((control) => getComputedStyle(control).colorScheme)"""
            )
            assert set(schemes) == {"light"}
            assert page.evaluate(FAINT) == []
    assert page.errors == [] and page.outside == []


@pytest.mark.lab
def test_a_reopened_view_is_back_when_its_cell_is_run_again(page, tmp_path):
    """A still stands in the file; JupyterLab shows it where the notebook is not trusted, and to
    its own reader an error in its place. README.md names that error, and this cure."""
    sources = ["from course_utils import views\nviews.Neuron()"]
    with lab_with(page, tmp_path, sources) as (url, file):
        run_all(page)
        page.locator(".view").wait_for(timeout=60_000)
        page.evaluate(
            """async () => {
                const { context, sessionContext } = window.jupyterapp.shell.currentWidget;
                await context.save();
                await sessionContext.shutdown();
            }"""
        )
        (stored,) = nbformat.read(file, as_version=4).cells[0].outputs
        assert stored.data["image/png"] and "gate: AND" in stored.data["text/plain"]
        open_notebook(page, url, file.name)
        page.get_by_text("Error displaying widget: model not found").wait_for(timeout=60_000)
        run_all(page)
        page.locator(".view").wait_for(timeout=60_000)
    assert page.outside == []


@pytest.mark.parametrize("name", VIEWS)
def test_it_fits(page, name):
    from browser import put_on_stage

    page.emulate_media(reduced_motion="reduce")  # nothing plays, so what is said last stays
    put_on_stage(page, VIEWS[name](), kernel=True)
    page.get_by_role("button", name="skip").first.click()
    page.wait_for_function(SETTLED)
    if (cells := page.locator(".panel-cell")).count():
        cells.last.click()  # its sum takes more room
        page.wait_for_function(SETTLED)
    page.locator(".view").press("f")
    page.wait_for_function("document.fullscreenElement")
    keep(page, f"full screen, {name}")
    wide, high, letters = page.evaluate(
        """() => [document.fullscreenElement.scrollWidth, document.fullscreenElement.scrollHeight,
            getComputedStyle(document.querySelector(".view-live")).fontSize]"""
    )
    assert wide <= 1280 and high <= 720 and letters == "24px"
    if name.startswith("X-ray"):  # its longest sum stands beside the maps
        page.locator(".xray-maps").focus()
        for _ in range(4):
            page.keyboard.press("PageDown")
        page.locator(".sum-title", has_text="conv 2").wait_for()
        wait_for_live(page, "conv 2, map 0")  # a sentence of two lines
        keep(page, f"full screen, {name}, a sum")
        assert page.evaluate("document.fullscreenElement.scrollHeight") <= 720
    page.evaluate("document.exitFullscreen()")
    page.wait_for_function("!document.fullscreenElement")
    page.set_viewport_size({"width": 900, "height": 720})
    keep(page, f"900 wide, {name}")
    assert page.evaluate("document.documentElement.scrollWidth") <= 900
    assert page.errors == [] and page.outside == []
