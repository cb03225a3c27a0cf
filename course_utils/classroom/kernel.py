"""A kernel for one submission: bounded in time, memory, processes and output, without a network.

On Linux it runs in namespaces of its own (`unshare`), where nothing outside can be reached and no
process outlives it. Where these are not allowed, connections are refused inside the kernel's
Python, and processes that are seen while it runs are ended with it. Neither keeps it from reading
and writing the files that you can.
"""

import contextlib
import functools
import json
import logging
import os
import secrets
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import nbformat
import psutil
from jupyter_client.kernelspec import KernelSpecManager
from jupyter_client.manager import AsyncKernelManager
from jupyter_client.provisioning import LocalProvisioner
from nbclient import NotebookClient
from nbclient.exceptions import DeadKernelError

from course_utils.classroom import marking
from course_utils.classroom.outcomes import Outcome

_UNSHARE = ["unshare", "--map-root-user", "--net", "--pid", "--fork", "--kill-child"]
_UNSHARE += ["--mount-proc"]
#: Run before all else. What an audit hook refuses, Python cannot be made to forget.
_GUARD = """\
def _guard():
    import sys
    refused = {"socket.bind", "socket.connect", "socket.getaddrinfo", "socket.gethostbyname"}

    def hook(event, arguments):
        if event in refused:
            raise PermissionError("There is no network while answers are marked.")

    sys.addaudithook(hook)
    try:
        import resource
    except ImportError:  # Windows
        return
    resource.setrlimit(resource.RLIMIT_FSIZE, (100_000_000, 100_000_000))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))

_guard()
del _guard
"""
_QUIET = logging.getLogger("course_utils.kernel")  # nbclient logs what is no error here
_QUIET.addHandler(logging.NullHandler())
_QUIET.propagate = False


@dataclass(frozen=True)
class Limits:
    """What a submission may use. seconds: for each exercise; memory: bytes of its own."""

    seconds: float = 60
    memory: float = 2e9
    processes: int = 64
    characters: int = 10_000_000


class Ended(Outcome):
    """Why the kernel has ended, or was ended."""


class _Watch(threading.Thread):
    """Looks at a kernel's processes five times a second, and ends them where they exceed limits."""

    def __init__(self, process: psutil.Process, limits: Limits, stopped: threading.Event) -> None:
        super().__init__(daemon=True)
        self.limits = limits
        self.deadline = float("inf")
        self.ended: Ended | None = None
        self._stopped = stopped
        self._done = threading.Event()
        self._root = process
        self._family = {process}
        self._printed = 0

    def run(self) -> None:
        while not self._done.wait(0.2):
            self._find()
            self._look()

    def _find(self) -> None:
        with contextlib.suppress(psutil.Error):
            self._family.update(self._root.children(recursive=True))
        self._family = {process for process in self._family if process.is_running()}

    def _look(self) -> None:
        limits = self.limits
        if len(self._family) > limits.processes:
            sentence = f"It started more than {limits.processes} processes, and was ended."
            self.end("processes", sentence)
        elif self._memory(_resident) > limits.memory and self._memory(_private) > limits.memory:
            self.end("memory", f"It took more than {limits.memory / 1e9:g} GB, and was ended.")
        elif time.monotonic() > self.deadline:
            sentence = f"It was not done after {limits.seconds:g} seconds, and was ended."
            self.end("timeout", sentence)
        elif self._stopped.is_set():
            self.end("stopped", "The marking was stopped before this was done.")

    def _memory(self, measure: Callable[[psutil.Process], int]) -> int:
        total = 0
        for process in self._family:
            with contextlib.suppress(psutil.Error):
                total += measure(process)
        return total

    def hear(self, characters: int) -> None:
        """So much more was printed."""
        self._printed += characters
        if self._printed > self.limits.characters:
            sentence = f"It printed more than {self.limits.characters:,} characters, and was ended."
            self.end("output", sentence)

    def end(self, code: str, sentence: str) -> None:
        """End the kernel, for this reason unless there was one before."""
        self.ended = self.ended or Ended(code, sentence)
        self._end_all()

    def why(self) -> Ended:
        """Why the kernel is no more."""
        died = "The process ended, as by os._exit or a crash, before there was a verdict."
        return self.ended or Ended("died", died)

    def close(self) -> None:
        """Stop looking, and see every process end but the kernel's, which is its manager's."""
        self._done.set()
        self.join()
        self._find()
        self._end_all()
        psutil.wait_procs(self._family - {self._root}, timeout=10)

    def _end_all(self) -> None:
        for process in self._family:
            with contextlib.suppress(psutil.Error):
                process.kill()


def _resident(process: psutil.Process) -> int:
    """Quick, and never less than the process's own memory."""
    info = process.memory_info()
    return info.rss - getattr(info, "shared", 0)


def _private(process: psutil.Process) -> int:
    """Without the pages that forked processes still share."""
    return process.memory_full_info().uss


class _Client(NotebookClient):
    """Keeps errors and verdicts of what a kernel sends, and lets all of it be counted."""

    hear: Callable[[int], None]

    def process_message(self, msg: dict, cell: nbformat.NotebookNode, cell_index: int) -> Any:
        content = msg["content"]
        self.hear(sum(len(str(part)) for part in content.values()))
        if msg["msg_type"] in ("status", "error") or marking.VERDICT in content.get("data", {}):
            return super().process_message(msg, cell, cell_index)
        return None


class Kernel:
    """Runs cells, and marks answers. Made by `start_kernel`."""

    def __init__(self, client: _Client, watch: _Watch, token: str) -> None:
        self._client = client
        self._watch = watch
        self._token = token

    def begin(self) -> None:
        """The time for an exercise begins."""
        self._watch.deadline = time.monotonic() + self._watch.limits.seconds

    def run(self, source: str) -> str:
        """Run a cell; returns its error, or "". Raises Ended where the kernel has ended."""
        for output in self._outputs(source):
            if output["output_type"] == "error":
                return f"{output['ename']}: {output['evalue']}"[:400]
        return ""

    def mark(self, lesson: str, exercise: str) -> tuple[str, str]:
        """The code and the sentence of the verdict of the installed check."""
        error = ""
        wanted = (lesson, exercise, self._token)
        file = marking.__file__
        source = f"__import__('runpy').run_path({file!r})['send_verdict'](globals(), *{wanted!r})"
        for output in self._outputs(source):
            if output["output_type"] == "error":
                error = f" ({output['ename']}: {output['evalue']})"[:400]
            else:
                token, code, sentence = output["data"][marking.VERDICT]
                if token == self._token:
                    return str(code), str(sentence)
        return "error", f"The check could not give a verdict{error}."

    def _outputs(self, source: str) -> list:
        cell = nbformat.v4.new_code_cell(source)
        try:
            self._client.execute_cell(cell, 0)
        except DeadKernelError:
            raise self._watch.why() from None
        if self._watch.ended:
            raise self._watch.ended
        return cell.outputs


@functools.cache
def can_isolate() -> bool:
    """Whether this machine lets a process have namespaces of its own."""
    try:
        return subprocess.run([*_UNSHARE, "true"], capture_output=True, timeout=20).returncode == 0
    except (OSError, subprocess.TimeoutExpired):
        return False


@contextlib.contextmanager
def start_kernel(limits: Limits, stopped: threading.Event) -> Iterator[Kernel]:
    """A kernel in an empty folder; afterwards its processes and its folder are gone.

    stopped: set from another thread, it ends the kernel.
    """
    with contextlib.ExitStack() as stack:
        temporary = tempfile.TemporaryDirectory(prefix="marks-", ignore_cleanup_errors=True)
        folder = Path(stack.enter_context(temporary))
        (folder / "here").mkdir()
        manager = _manager(folder)
        notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell()])
        client = _Client(
            notebook,
            km=manager,
            allow_errors=True,
            log=_QUIET,
            timeout=None,
            startup_timeout=120,
            shutdown_kernel="immediate",
        )
        client.start_new_kernel(
            cwd=str(folder / "here"),
            env=_environment(folder),
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        process = psutil.Process(cast(LocalProvisioner, manager.provisioner).pid)
        watch = _Watch(process, limits, stopped)
        client.hear = watch.hear
        watch.start()
        try:
            client.start_new_kernel_client()
        except RuntimeError:  # the client has cleaned up by then
            watch.close()
            raise watch.why() from None
        stack.callback(client._cleanup_kernel)
        stack.callback(watch.close)
        kernel = Kernel(client, watch, secrets.token_hex(8))
        kernel.run(_GUARD)
        yield kernel


def _manager(folder: Path) -> AsyncKernelManager:
    command = [*(_UNSHARE if can_isolate() else []), sys.executable, "-m", "ipykernel_launcher"]
    command += ["-f", "{connection_file}", "--HistoryManager.enabled=False"]
    spec = {"argv": command, "display_name": "course", "language": "python"}
    (folder / "kernels" / "course").mkdir(parents=True)
    (folder / "kernels" / "course" / "kernel.json").write_text(json.dumps(spec), encoding="utf-8")
    return AsyncKernelManager(
        kernel_name="course",
        kernel_spec_manager=KernelSpecManager(
            kernel_dirs=[str(folder / "kernels")], ensure_native_kernel=False
        ),
        connection_file=str(folder / "k"),
        # Files, and no ports: they reach into a network namespace.
        transport="ipc" if os.name == "posix" else "tcp",
    )


def _environment(folder: Path) -> dict[str, str]:
    """One thread, no GPU, and nothing of it kept; the course is the installed one."""
    paths = [str(Path(marking.__file__).parents[2]), os.environ.get("PYTHONPATH", "")]
    return {
        **os.environ,
        "PYTHONPATH": os.pathsep.join(filter(None, paths)),
        "IPYTHONDIR": str(folder / "ipython"),
        "COURSE_RUNS_DIR": str(folder / "runs"),
        "COURSE_DEVICE": "cpu",
        "OMP_NUM_THREADS": "1",
        "OMP_WAIT_POLICY": "PASSIVE",
    }
