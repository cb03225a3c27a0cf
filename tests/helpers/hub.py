"""A real JupyterHub with the course's configuration, on loopback, for the load script and tests."""

import contextlib
import os
import re
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
CONFIG = ROOT / "course_utils" / "classroom" / "hub" / "jupyterhub_config.py"
PASSWORD = "from-a-neuron-to-a-convolutional-network"


def user_id(student: str) -> int:
    """The number by which the machine knows a student: 20007 for student07."""
    return 20_000 + int(re.sub(r"\D", "", student))


@contextlib.contextmanager
def hub(idle: int | None = None) -> Iterator[tuple[str, Path]]:
    """Start a hub of its own, in this Python, and end it; yields its address and all homes' folder.

    idle: seconds after which kernels are ended, where they are not to be the configuration's own.
    """
    with tempfile.TemporaryDirectory(prefix="course-hub-", ignore_cleanup_errors=True) as folder:
        Path(folder).chmod(0o711)  # students reach their homes through it
        homes = Path(folder, "homes")
        homes.mkdir(mode=0o755)
        public, *internal = free_ports(3)
        url = f"http://127.0.0.1:{public}"
        environment = {
            **os.environ,
            "HUB_URL": url,
            "HUB_PORTS": " ".join(map(str, internal)),
            "HUB_HOMES": str(homes),
            "HUB_IDLE": str(idle or ""),
            "PYTHONPATH": os.pathsep.join([str(ROOT), str(ROOT / "tests" / "helpers")]),
        }
        command = [
            sys.executable,
            "-m",
            "jupyterhub",
            "-f",
            Path(__file__).with_name("hub_config.py"),
        ]
        log = Path(folder, "hub.log")
        with log.open("w") as output:
            process = subprocess.Popen(
                command, cwd=folder, env=environment, stdout=output, stderr=output
            )
        try:
            wait_for(f"{url}/hub/api/", process, log)
            yield url, homes
        finally:
            if kept := os.environ.get("COURSE_HUB_LOG"):
                shutil.copy(log, kept)
            process.terminate()
            process.wait(timeout=300)  # it ends all servers, and they their kernels


def free_ports(count: int) -> list[int]:
    with contextlib.ExitStack() as stack:
        sockets = [stack.enter_context(socket.socket()) for _ in range(count)]
        for free in sockets:
            free.bind(("127.0.0.1", 0))
        return [free.getsockname()[1] for free in sockets]


def wait_for(address: str, process: subprocess.Popen, log: Path) -> None:
    patience = time.monotonic() + 120
    while True:
        with contextlib.suppress(OSError):
            urllib.request.urlopen(address, timeout=10).close()
            return
        if process.poll() is not None or time.monotonic() > patience:
            raise RuntimeError(f"JupyterHub did not start:\n{log.read_text(encoding='utf-8')}")
        time.sleep(0.25)
