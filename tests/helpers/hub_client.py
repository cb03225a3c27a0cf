"""A student at a JupyterHub, as JupyterLab would act for them: by HTTP and a kernel's websocket."""

import asyncio
import re
import uuid

import aiohttp
import nbformat
from hub import PASSWORD
from nbformat.v4 import output_from_msg

#: Seconds: as long as a class would wait for its servers, and for one cell.
START, CELL = 300, 900


class Student:
    """Logs in, opens a notebook in a kernel of its own, runs cells, and saves what came out."""

    def __init__(self, url: str, name: str):
        self.url, self.name, self.failed = url, name, False
        self.notebook, self.path, self.kernel = None, "", ""
        self._next = 0  # the code cell to run
        self._web = aiohttp.ClientSession(
            cookie_jar=aiohttp.CookieJar(unsafe=True), timeout=aiohttp.ClientTimeout(START)
        )
        self._kernel: aiohttp.ClientWebSocketResponse | None = None

    async def log_in(self) -> None:
        """By the page with the form; then the server is started, and awaited."""
        async with self._web.get(f"{self.url}/hub/login") as page:
            token = re.search(r'name="_xsrf" value="([^"]+)"', await page.text())[1]
        form = {"username": self.name, "password": PASSWORD, "_xsrf": token}
        async with self._web.post(f"{self.url}/hub/login?next=/hub/home", data=form) as page:
            assert page.ok and page.url.path == "/hub/home", f"log-in ends at {page.url}"
        self._web.cookie_jar.clear()  # from here on a token says who it is
        about_me = f"{self.url}/hub/api/users/{self.name}"
        key = {"username": self.name, "password": PASSWORD}
        made = await self._asked("POST", f"{about_me}/tokens", {"auth": key})
        self._web.headers["Authorization"] = f"token {made['token']}"
        await self._asked("POST", f"{about_me}/server")
        for _ in range(START):
            server = (await self._asked("GET", about_me))["servers"].get("", {})
            if server.get("ready"):
                return
            assert server.get("pending"), f"the server of {self.name} did not start"
            await asyncio.sleep(1)
        raise TimeoutError(f"the server of {self.name} is not there after {START} seconds")

    async def open(self, path: str) -> None:
        """Open a notebook of the student's, with a kernel."""
        self.path, self._next = path, 0
        content = (await self._asked("GET", self._at(f"api/contents/{path}")))["content"]
        self.notebook = nbformat.from_dict(content)
        session = {"path": path, "name": path, "type": "notebook", "kernel": {"name": "python3"}}
        answer = await self._asked("POST", self._at("api/sessions"), session)
        self.kernel = answer["kernel"]["id"]
        self._kernel = await self._web.ws_connect(
            self._at(f"api/kernels/{self.kernel}/channels"), max_msg_size=0, heartbeat=30
        )

    async def run(self, until: str | None = None) -> None:
        """Run the code cells that have not been run, to the end or to the cell with that id.

        Raises RuntimeError with the cell and its error where one ends with an error.
        """
        cells = [cell for cell in self.notebook.cells if cell.cell_type == "code"]
        for cell in cells[self._next :]:
            if cell.id == until:
                return
            cell.outputs = await self.execute(cell.source)
            self._next += 1
            cell.execution_count = self._next
            for output in cell.outputs:
                if output.output_type == "error":
                    raise RuntimeError(f"cell {cell.id}: {output.ename}: {output.evalue}")

    async def execute(self, code: str) -> list[nbformat.NotebookNode]:
        """Run code in the open notebook's kernel; what it puts out, as a notebook keeps it."""
        header = {"msg_id": uuid.uuid4().hex, "msg_type": "execute_request", "version": "5.3"}
        content = {"code": code, "silent": False, "store_history": True, "allow_stdin": False}
        message = {"header": header, "parent_header": {}, "metadata": {}, "content": content}
        await self._kernel.send_json({**message, "channel": "shell", "buffers": []})
        outputs: list[nbformat.NotebookNode] = []
        async with asyncio.timeout(CELL):
            async for frame in self._kernel:
                if frame.type is not aiohttp.WSMsgType.TEXT:
                    continue
                answer = frame.json()
                kind, mine = answer["msg_type"], answer["parent_header"].get("msg_id")
                if kind == "status" and answer["content"]["execution_state"] in (
                    "restarting",
                    "dead",
                ):
                    raise RuntimeError("the kernel has died")
                if mine != header["msg_id"]:
                    continue
                if kind == "status" and answer["content"]["execution_state"] == "idle":
                    return outputs
                if kind in ("stream", "display_data", "execute_result", "error"):
                    _add(outputs, output_from_msg({"header": {"msg_type": kind}, **answer}))
        raise RuntimeError("the connection to the kernel was closed")

    async def save(self) -> None:
        """Save the notebook with its outputs, as JupyterLab does."""
        model = {"type": "notebook", "format": "json", "content": self.notebook}
        await self._asked("PUT", self._at(f"api/contents/{self.path}"), model)

    async def kernels(self) -> list[dict]:
        """The kernels of the student's server."""
        return await self._asked("GET", self._at("api/kernels"))

    async def close(self) -> None:
        await self._web.close()

    def _at(self, path: str) -> str:
        return f"{self.url}/user/{self.name}/{path}"

    async def _asked(self, method: str, address: str, body: dict | None = None):
        async with self._web.request(method, address, json=body) as answer:
            text = await answer.text()
            assert answer.ok, f"{method} {address}: {answer.status} {text[:500]}"
            return await answer.json() if text else {}


def _add(outputs: list[nbformat.NotebookNode], output: nbformat.NotebookNode) -> None:
    last = outputs[-1] if outputs else None
    if last and output.output_type == "stream" == last.output_type and output.name == last.name:
        last.text += output.text
    else:
        outputs.append(output)
