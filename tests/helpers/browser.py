"""A real JupyterLab in a real Chromium, for the tests and for whoever wants to look."""

from __future__ import annotations

import base64
import contextlib
import json
import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from anywidget import AnyWidget

if TYPE_CHECKING:  # whoever has no playwright can import this all the same
    from playwright.sync_api import Browser, Locator, Page

ROOT = Path(__file__).resolve().parents[2]
TOKEN = "course"


@contextlib.contextmanager
def jupyterlab(folder: Path, scratch: Path, theme: str = "JupyterLab Light") -> Iterator[str]:
    """Serve a folder by JupyterLab with none of the user's own settings; yields its address."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    places = {
        f"{name}_DIR": str(scratch / name.lower())
        for name in (
            "JUPYTER_CONFIG",
            "JUPYTER_DATA",
            "JUPYTER_RUNTIME",
            "JUPYTERLAB_SETTINGS",
            "JUPYTERLAB_WORKSPACES",
        )
    }
    settings = scratch / "jupyterlab_settings" / "@jupyterlab" / "apputils-extension"
    settings.mkdir(parents=True)
    quiet = {"fetchNews": "false", "checkForUpdates": False}
    (settings / "notification.jupyterlab-settings").write_text(json.dumps(quiet))
    (settings / "themes.jupyterlab-settings").write_text(json.dumps({"theme": theme}))
    command = [sys.executable, "-m", "jupyterlab", "--no-browser", "--ip=127.0.0.1", "--allow-root"]
    command += [f"--port={port}", f"--IdentityProvider.token={TOKEN}", "--expose-app-in-browser"]
    command += [f"--ServerApp.root_dir={folder}"]
    with (scratch / "jupyterlab.log").open("w") as log:
        server = subprocess.Popen(
            command, env={**os.environ, **places}, stdout=log, stderr=log, cwd=scratch
        )
    url = f"http://127.0.0.1:{port}"
    try:
        patience = time.monotonic() + 90
        while not _answers(f"{url}/api?token={TOKEN}"):
            log = (scratch / "jupyterlab.log").read_text(encoding="utf-8")
            assert server.poll() is None and time.monotonic() < patience, log
            time.sleep(0.25)
        yield url
    finally:
        server.terminate()
        try:
            server.wait(timeout=20)
        except subprocess.TimeoutExpired:
            server.kill()


def _answers(url: str) -> bool:
    try:
        urllib.request.urlopen(url, timeout=10).close()
    except OSError:
        return False
    return True


@contextlib.contextmanager
def chromium() -> Iterator[Browser]:
    """The system's Chromium or Chrome, or else the Chromium that playwright has installed."""
    from playwright.sync_api import sync_playwright

    names = ("chromium", "google-chrome")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=next(filter(None, map(shutil.which, names)), None),
            args=["--no-sandbox", "--disable-dev-shm-usage", "--disable-background-networking"],
        )
        yield browser
        browser.close()


def open_notebook(page: Page, url: str, path: str) -> None:
    """Open a notebook and wait until its kernel is idle."""
    page.goto(f"{url}/lab/workspaces/test/tree/{path}?token={TOKEN}&reset")
    page.wait_for_function("window.jupyterapp?.shell.currentWidget?.content?.model", timeout=90_000)
    page.evaluate(
        """async () => {
            const app = window.jupyterapp, widget = app.shell.currentWidget;
            await app.restored;
            await widget.context.ready;
            await widget.revealed;
            await widget.sessionContext.ready;
        }"""
    )
    page.wait_for_function(
        "window.jupyterapp.shell.currentWidget.sessionContext.session?.kernel?.status === 'idle'",
        timeout=90_000,
    )


@contextlib.contextmanager
def lab_with(
    page: Page, folder: Path, sources: list[str], theme: str = "JupyterLab Light"
) -> Iterator[tuple[str, Path]]:
    """A new notebook of these cells, open in a JupyterLab; yields its address and the file."""
    from nbformat import write
    from nbformat.v4 import new_code_cell, new_notebook
    from refresh import METADATA

    course, scratch = folder / "course", folder / "lab"
    course.mkdir()
    scratch.mkdir()
    file = course / "views.ipynb"
    write(new_notebook(cells=list(map(new_code_cell, sources)), metadata=METADATA), file)
    with jupyterlab(course, scratch, theme) as url:
        open_notebook(page, url, file.name)
        yield url, file


def run_all(page: Page) -> list[dict]:
    """Run all cells as the menu does; the code cells as JSON, outputs included."""
    page.set_default_timeout(600_000)
    page.evaluate("window.jupyterapp.commands.execute('notebook:run-all-cells')")
    return page.evaluate(
        """() => {
            const model = window.jupyterapp.shell.currentWidget.content.model;
            return model.sharedModel.cells.map(cell => cell.toJSON())
                .filter(cell => cell.cell_type === 'code');
        }"""
    )


def kernel_says(page: Page, code: str) -> str:
    """Run code in the open notebook's kernel; "ok", or the error's name and message."""
    return page.evaluate(
        """async (code) => {
            const { session } = window.jupyterapp.shell.currentWidget.sessionContext;
            const { content } = await session.kernel.requestExecute({ code }).done;
            return content.status === "ok" ? "ok" : `${content.ename}: ${content.evalue}`;
        }""",
        code,
    )


def keep(page: Page | Locator, name: str) -> None:
    """A screenshot, for whoever wants to look: in the folder COURSE_SCREENSHOTS, if it is set."""
    if folder := os.environ.get("COURSE_SCREENSHOTS"):
        Path(folder).mkdir(parents=True, exist_ok=True)
        page.screenshot(path=Path(folder) / f"{name}.png")


#: The texts of a view, those of disabled controls included, that have less than 4.5 to 1 of
#: contrast (WCAG 2.2, 1.4.3), each with what it stands in, its contrast and its two colours.
FAINT = """() => {
    const pen = Object.assign(document.createElement("canvas"), { width: 1, height: 1 })
        .getContext("2d", { willReadFrequently: true });
    const rgba = (colour) => {
        pen.clearRect(0, 0, 1, 1);
        pen.fillStyle = colour;
        pen.fillRect(0, 0, 1, 1);
        const [red, green, blue, alpha] = pen.getImageData(0, 0, 1, 1).data;
        return [red, green, blue, alpha / 255];
    };
    const over = ([r, g, b, a], [r0, g0, b0]) =>
        [[r, r0], [g, g0], [b, b0]].map(([top, under]) => a * top + (1 - a) * under);
    const behind = (node) => {
        const under = node.parentElement ? behind(node.parentElement) : [255, 255, 255];
        return over(rgba(getComputedStyle(node).backgroundColor), under);
    };
    const opacity = (node) => node
        ? Number(getComputedStyle(node).opacity) * opacity(node.parentElement) : 1;
    const light = (colour) => colour.map((part) => part / 255)
        .map((c) => (c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4))
        .reduce((sum, c, i) => sum + [0.2126, 0.7152, 0.0722][i] * c, 0);
    const written = (node) => node.matches("input:not([type=range], [type=checkbox]), select")
        ? node.value : [...node.childNodes].filter(({ nodeType }) => nodeType === 3)
            .map(({ data }) => data.trim()).join("");
    const all = ".view, .view *:not(option, title)";
    return [...document.querySelectorAll(all)].flatMap((node) => {
        if (!written(node) || !node.checkVisibility()) return [];
        const style = getComputedStyle(node);
        const [r, g, b, a] = rgba(node.ownerSVGElement ? style.fill : style.color);
        const under = behind(node);
        const text = over([r, g, b, a * opacity(node)], under);
        const [dark, pale] = [light(text), light(under)].sort((one, other) => one - other);
        const contrast = (pale + 0.05) / (dark + 0.05);
        return contrast >= 4.5 ? [] : [[node.className?.baseVal ?? node.className,
            written(node), contrast.toFixed(2), `${text.map(Math.round)} on ${under}`]];
    });
}"""


#: Renders a widget's page code with its state; what is saved is counted, and told to the widget.
STAGE = """async ([code, state]) => {
    const url = URL.createObjectURL(new Blob([code], { type: "text/javascript" }));
    const { default: view } = await import(url);
    const heard = {}, unsaved = {};
    const revived = ([name, value]) => [name,
        value?.base64 === undefined ? value
            : new DataView(Uint8Array.from(atob(value.base64), (c) => c.charCodeAt(0)).buffer)];
    state = Object.fromEntries(Object.entries(state).map(revived));
    const tell = (names) => names.forEach((name) => {
        (heard[`change:${name}`] ?? []).forEach((listener) => listener());
    });
    window.saves = 0;
    window.model = {
        get: (name) => state[name],
        set: (name, value) => {
            const changed = JSON.stringify(state[name]) !== JSON.stringify(value);
            state[name] = unsaved[name] = value;
            if (changed) tell([name]);
        },
        on: (name, listener) => { (heard[name] ??= []).push(listener); },
        off: (name, listener) => {
            heard[name] = heard[name].filter((other) => other !== listener);
        },
        save_changes: async () => {
            window.saves += 1;
            const told = { ...unsaved };
            for (const name of Object.keys(unsaved)) delete unsaved[name];
            if (window.kernel) window.hear(await window.kernel(JSON.stringify(told)));
        },
    };
    window.hear = (changes) => {
        Object.assign(state, Object.fromEntries(Object.entries(changes).map(revived)));
        tell(Object.keys(changes));
    };
    window.leave = await view.render({ model: window.model, el: document.querySelector("#view") });
}"""


def put_on_stage(page: Page, view: AnyWidget, *, kernel: bool = False) -> None:
    """Show a view alone on an empty page, where nothing answers but its own code.

    With a kernel, what the page saves is set in the view, and what changes there is sent back.
    """
    style = f"body {{ margin: 8px }} {view.get_state()['_css']}"
    page.set_content(f"<!doctype html><style>{style}</style><div id='view'></div>")
    if kernel:
        page.expose_function("kernel", lambda saved: _answered(view, json.loads(saved)))
    page.evaluate(STAGE, [view.get_state()["_esm"], _state(view)])


def load_modules(page: Page, *names: str) -> None:
    """Put the functions of these modules of the views into the page, as window.own."""
    from course_utils.views.bundler import gather

    code = gather(*names) + "export default Object.assign({}, ...Object.values($modules));\n"
    page.evaluate(
        """async (code) => {
            const url = URL.createObjectURL(new Blob([code], { type: "text/javascript" }));
            window.own = (await import(url)).default;
        }""",
        code,
    )


def live_text(page: Page) -> str:
    """What a view has last read aloud."""
    return page.locator(".view-live").inner_text()


def wait_for_live(page: Page, text: str) -> None:
    """Wait until a view reads aloud something with this text in it."""
    page.locator(".view-live", has_text=text).wait_for()


def skip(page: Page) -> None:
    """Skip the one question that is open."""
    page.get_by_role("button", name="skip").click()


def _state(view: AnyWidget) -> dict:
    """What a view tells its page, bytes as base64."""
    state = {name: value for name, value in view.get_state().items() if not name.startswith("_")}
    for name in ("layout", "tabbable", "tooltip"):
        state.pop(name, None)
    return {
        name: {"base64": base64.b64encode(value).decode()}
        if isinstance(value, bytes | memoryview)
        else value
        for name, value in state.items()
    }


def _answered(view: AnyWidget, saved: dict) -> dict:
    before = _state(view)
    view.set_state(saved)
    return {name: value for name, value in _state(view).items() if value != before[name]}
