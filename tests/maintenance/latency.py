"""How quickly the views answer, measured in Chromium. `benchmark.py views` prints it."""

import statistics
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
from browser import chromium, put_on_stage
from playwright.sync_api import Browser, Page
from shown_networks import broken_lenet, xor_stepper
from torch import nn

from course_utils import checkpoints, models, views
from course_utils.shown import residual
from course_utils.views.base import View

#: Milliseconds of each of many acts, a layout of the page included, in order of size.
TIMED = """const timed = (act) => Array.from({ length: 60 }, (_, n) => {
    const start = performance.now();
    act(n);
    document.querySelector(".view").getBoundingClientRect();
    return performance.now() - start;
}).sort((a, b) => a - b);
const arrow = (n) => new KeyboardEvent("keydown", {
    key: ["ArrowRight", "ArrowDown", "ArrowLeft", "ArrowUp"][n % 4], bubbles: true,
});"""


def figures() -> Iterator[tuple[str, float, str, str]]:
    """For each thing measured: what, the median, its unit, and what is asked."""
    with chromium() as browser:
        for view in (
            views.ConvolutionStepper(np.eye(6)[None].repeat(3, 0), np.ones((3, 3, 3)), padding=2),
            views.PoolingStepper(np.arange(64).reshape(8, 8), size=2, stride=1),
        ):
            name = f"{type(view).__name__}, as large as it gets"
            for act, value in on_stage(browser, view, steps).items():
                yield f"{name}: {act}", value, "ms", "under 16"
        for act, value in on_stage(browser, xor_stepper(), quantities).items():
            yield f"BackpropStepper: {act}", value, "ms", "under 16"
        lenet, recipe = checkpoints.load_weights("lenet")
        for view in (
            views.Neuron(),
            views.LearningRate(),
            views.ShapeLedger(),
            views.ReceptiveField(),
            views.ActivationRace(),
            views.Augmentation(lenet, recipe["inputs"]),
        ):
            for act, value in on_stage(browser, view, panel).items():
                yield f"{type(view).__name__}: {act}", value, "ms", "under 200"
        for name, model, shape in networks():
            view = views.ShapeLedger(model, shape=shape)
            for act, value in on_stage(browser, view, calls).items():
                yield f"ShapeLedger of {name}: {act}", value, "ms", "under 200"
        for model, inputs in [(lenet, recipe["inputs"]), (models.CNN().eval(), None)]:
            name = f"exported page of {type(model).__name__}"
            for act, value, unit, most in exported(browser, model, inputs):
                yield f"{name}: {act}", value, unit, f"under {most}"


def networks() -> Iterator[tuple[str, nn.Module, tuple[int, ...]]]:
    """Networks whose calls the shape ledger shows: one that does not run, and two with branches."""
    yield "a LeNet that does not run", broken_lenet(), (1, 32, 32)
    yield "ResNet-8, 31 calls", residual.network(residual.Residual, 1), (1, 28, 28)
    yield "ResNet-20, 79 calls", residual.network(residual.Residual, 3), (1, 28, 28)


def on_stage(browser: Browser, view: View, measure: Callable) -> dict[str, float]:
    """What `measure` finds of a view that is alone on a page, with its question skipped."""
    page = browser.new_page(viewport={"width": 1280, "height": 720})
    put_on_stage(page, view, kernel=True)
    page.get_by_role("button", name="skip").first.click()
    found = measure(page)
    page.close()
    return found


def steps(page: Page) -> dict[str, float]:
    times = page.evaluate(
        f"""() => {{
            {TIMED}
            const view = document.querySelector(".view");
            const inputs = [...view.querySelectorAll("input.grid-cell")];
            const cells = [...view.querySelectorAll("span.pickable")];
            return {{
                step: timed((n) => view.dispatchEvent(arrow(n))),
                hover: timed((n) => cells[n % cells.length].dispatchEvent(
                    new PointerEvent("pointerover", {{ bubbles: true }}))),
                edit: timed((n) => {{
                    inputs[0].value = String(n % 7);
                    inputs[0].dispatchEvent(new InputEvent("input", {{ bubbles: true }}));
                }}),
            }};
        }}"""
    )
    return {act: statistics.median(values) for act, values in times.items()}


def quantities(page: Page) -> dict[str, float]:
    """A quantity back and on, and one number after another, with all of them on the screen."""
    page.get_by_role("button", name="dX").click()
    times = page.evaluate(
        f"""() => {{
            {TIMED}
            const view = document.querySelector(".view");
            return {{ step: timed((n) => view.dispatchEvent(arrow(n + 2))) }};
        }}"""
    )
    return {act: statistics.median(values) for act, values in times.items()}


def exported(browser: Browser, model, inputs) -> Iterator[tuple[str, float, str, str]]:
    """The page that a student takes home: its size, its opening, the pen, a step."""
    page = browser.new_page(viewport={"width": 1280, "height": 720})
    with tempfile.TemporaryDirectory() as folder:
        path = views.export_xray(model, Path(folder) / "x.html", inputs)
        yield "its size", path.stat().st_size / 1000, "kB", "480 for LeNet, 2,500 for the CNN"
        opened = []
        for _ in range(5):
            page.goto(path.as_uri())
            page.locator(".view").wait_for()
            opened.append(
                page.evaluate("performance.getEntriesByType('navigation')[0].loadEventEnd")
            )
        yield "until it is open", statistics.median(opened), "ms", "1,000"
    page.get_by_role("button", name="skip").click()
    yield "from pen-up to activations", pen_up(page), "ms", "100"
    yield "a step", map_step(page), "ms", "16"
    page.keyboard.press("g")
    page.locator(".view-predict:visible .view-skip").click()
    yield "from pen-up to gradients", pen_up(page), "ms", "200"
    yield "a step, backward", map_step(page), "ms", "16"
    page.close()


def pen_up(page: Page) -> float:
    """From the end of a stroke to the next frame of the screen."""
    page.evaluate(
        """() => {
            window.ups = [];
            window.addEventListener("pointerup", () => {
                const start = performance.now();
                requestAnimationFrame(() => setTimeout(() => ups.push(performance.now() - start)));
            }, { capture: true });
        }"""
    )
    pad = page.locator(".pad").bounding_box()
    for k in range(20):
        page.mouse.move(pad["x"] + 60 + 8 * k, pad["y"] + 60)
        page.mouse.down()
        page.mouse.move(pad["x"] + 90 + 4 * k, pad["y"] + 200)
        page.mouse.up()
        page.wait_for_timeout(60)
    return statistics.median(page.evaluate("ups"))


def map_step(page: Page) -> float:
    """From one unit to the one beside it."""
    page.locator(".xray-maps").focus()
    stepped = page.evaluate(
        f"""() => {{
            {TIMED}
            const maps = document.querySelector(".xray-maps");
            return timed((n) => maps.dispatchEvent(arrow(n)));
        }}"""
    )
    return statistics.median(stepped)


def panel(page: Page) -> dict[str, float]:
    """From a key that changes a control to the figure that Python has drawn for it."""
    return {"a new figure": answered(page, "]", "[")}


def calls(page: Page) -> dict[str, float]:
    """The same for the rows of a network's calls, which run again with images of another side."""
    return {
        "the next call": answered(page, "ArrowRight", "ArrowLeft"),
        "images of another side": answered(page, "]", "["),
    }


def answered(page: Page, *keys: str) -> float:
    """The median of the milliseconds from one of these keys, by turns, to Python's answer."""
    view = page.locator(".view")
    times = []
    for n in range(12):
        before = page.evaluate("window.model.get('response').turn")
        start = time.perf_counter()
        view.press(keys[n % len(keys)])
        page.wait_for_function("(before) => window.model.get('response').turn > before", arg=before)
        times.append(1000 * (time.perf_counter() - start))
    return statistics.median(times)
