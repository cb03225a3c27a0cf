"""A real Firefox, for the tests of what has to work there too; it is driven by WebDriver BiDi."""

from __future__ import annotations

import base64
import contextlib
import json
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import websocket

FIREFOX = next(filter(None, map(shutil.which, ("firefox-esr", "firefox"))), None)
#: What WebDriver calls the keys that are no letters.
KEYS = {
    "Tab": "\ue004",
    "Enter": "\ue007",
    "Escape": "\ue00c",
    "PageDown": "\ue00f",
    "ArrowLeft": "\ue012",
    "ArrowRight": "\ue014",
    "Delete": "\ue017",
}


class Tab:
    """The one tab of a Firefox, 1280 × 720 pixels; errors: what its console was told of them."""

    def __init__(self, connection: websocket.WebSocket) -> None:
        self._connection, self._asked, self.errors = connection, 0, []
        self._ask("session.new", capabilities={})
        self._ask("session.subscribe", events=["log.entryAdded"])
        self._context = self._ask("browsingContext.getTree")["contexts"][0]["context"]
        size = {"width": 1280, "height": 720}
        self._ask("browsingContext.setViewport", context=self._context, viewport=size)

    def _ask(self, method: str, **parameters: Any) -> dict:
        self._asked += 1
        question = {"id": self._asked, "method": method, "params": parameters}
        self._connection.send(json.dumps(question))
        while (heard := json.loads(self._connection.recv())).get("id") != self._asked:
            if heard.get("params", {}).get("level") == "error":
                self.errors.append(heard["params"]["text"])
        assert "result" in heard, heard
        return heard["result"]

    def open(self, path: Path) -> None:
        """Open a file, and wait until it is loaded."""
        address = path.resolve().as_uri()
        self._ask("browsingContext.navigate", context=self._context, url=address, wait="complete")

    def evaluate(self, expression: str) -> Any:
        """The value of JavaScript, which may be a promise, as JSON has it."""
        target = {"context": self._context}
        expression = f"Promise.resolve({expression}).then((value) => JSON.stringify(value ?? null))"
        asked = {"expression": expression, "target": target, "awaitPromise": True}
        answer = self._ask("script.evaluate", **asked)
        assert answer["type"] == "success", answer
        return json.loads(answer["result"]["value"])

    def press(self, *keys: str) -> None:
        """Press keys, one after the other; each is a letter or in KEYS."""
        kinds = ("keyDown", "keyUp")
        steps = [{"type": kind, "value": KEYS.get(key, key)} for key in keys for kind in kinds]
        self._act({"type": "key", "id": "keys", "actions": steps})

    def drag(self, *places: tuple[float, float]) -> None:
        """Draw with the mouse from place to place, in pixels of the page."""
        moves = [{"type": "pointerMove", "x": round(x), "y": round(y)} for x, y in places]
        down, up = ({"type": f"pointer{kind}", "button": 0} for kind in ("Down", "Up"))
        self._act({"type": "pointer", "id": "mouse", "actions": [moves[0], down, *moves[1:], up]})

    def _act(self, source: dict) -> None:
        self._ask("input.performActions", context=self._context, actions=[source])

    def screenshot(self, path: Path) -> None:
        """What the tab shows, as a PNG."""
        answer = self._ask("browsingContext.captureScreenshot", context=self._context)
        path.write_bytes(base64.b64decode(answer["data"]))


@contextlib.contextmanager
def firefox(profile: Path) -> Iterator[Tab]:
    """Start a Firefox that no one sees, with an empty profile; yields its tab."""
    command = [FIREFOX, "--headless", "--no-remote", "--profile", str(profile)]
    command += ["--remote-debugging-port", "0", "about:blank"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    try:
        listening = next(line for line in process.stdout if "WebDriver BiDi listening on" in line)
        address = f"{listening.split()[-1]}/session"
        yield Tab(websocket.create_connection(address, timeout=60, suppress_origin=True))
    finally:
        process.terminate()
        process.wait(timeout=20)
