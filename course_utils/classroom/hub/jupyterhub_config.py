"""JupyterHub for a class on one Linux machine; TEACHING.md says how to install and start it.

Students log in with their accounts of this machine. The installation and the images are shared,
and theirs to read alone; what they write is in their own home: lessons in ``my_lessons``, trained
weights in ``runs``.
"""

import ctypes
import os
import sys
from pathlib import Path

from course_utils.sources import FOLDERS, DataError, find_images, load_raw

c = get_config()  # type: ignore[name-defined]  # noqa: F821

#: So many students train at once, at most; the others read, write, or run what takes a second.
TRAINING = 8
#: Bytes of its own that a process may ask for: beyond, a cell ends with an error, and its kernel
#: goes on. Lesson 14, the largest, asks for 1.4 GB.
MEMORY = 2 << 30
#: Processes and threads of a student, against programs that start themselves for ever.
PROCESSES = 1024
#: Seconds: a kernel that has run nothing for so long is ended, and so is a server that nobody uses.
IDLE_KERNEL, IDLE_SERVER = 3600, 7200
#: Linux's name for: same pages of memory in this program, and in all that it starts, are kept once.
PR_SET_MEMORY_MERGE = 67


def shared_images() -> str:
    """The value of COURSE_DATA_DIR for all students, its images verified and copied once."""
    data = os.environ.get("COURSE_DATA_DIR")
    if not data:
        sys.exit(
            "COURSE_DATA_DIR is not set: it names the folder with the class's images, or is "
            "`digits` for the digits that come with the course."
        )
    try:
        for name in FOLDERS:
            if folder := find_images(name):
                load_raw(folder, name)  # root's copy serves everybody on this machine
    except DataError as error:
        sys.exit(str(error))
    return data


# A quarter of what a kernel takes is the same for all students. Linux keeps it once, if root has
# allowed that (TEACHING.md says how); otherwise, and in other systems, this does nothing.
if sys.platform == "linux":
    ctypes.CDLL(None).prctl(PR_SET_MEMORY_MERGE, 1, 0, 0, 0)

# Who may log in: whoever is in the machine's group `course`. Passwords pass through this address,
# so others reach it through a web server with a certificate, or by ssl_cert and ssl_key.
c.JupyterHub.bind_url = "http://127.0.0.1:8000"
c.LocalAuthenticator.allowed_groups = {"course"}
proxy = Path(sys.prefix, "node_modules", ".bin", "configurable-http-proxy")
if proxy.exists():  # npm has put it beside this Python; otherwise it is looked for in PATH
    c.ConfigurableHTTPProxy.command = str(proxy)

# A student's server: limited, with lessons that are up to date (what the student wrote in them is
# kept), and in the Python that runs the hub. -P: files of the student's are not taken for modules.
# It starts with a full disk too, so that files can be deleted: what it writes is not in the home.
PREPARE = """
export JUPYTER_RUNTIME_DIR="$(mktemp -d)"
mkdir -p .jupyter && touch .jupyter/migrated
"$0" -P -m course_utils workbook --to my_lessons
exec "$0" -P -m jupyterhub.singleuser "$@"
"""
limits = ["prlimit", f"--data={MEMORY}", f"--nproc={PROCESSES}"]
c.Spawner.cmd = [*limits, "sh", "-c", PREPARE, sys.executable]
c.Spawner.notebook_dir = "~"
c.Spawner.default_url = "/lab/tree/my_lessons/00_start_here.ipynb"
c.Spawner.environment = {
    "COURSE_DATA_DIR": shared_images(),
    "COURSE_RUNS_DIR": "~/runs",
    # Threads that wait for each other spin, and take the cores from those who work.
    "OMP_NUM_THREADS": str(max(1, (os.cpu_count() or 1) // TRAINING)),
    "OMP_WAIT_POLICY": "PASSIVE",
}
# All log in within the same minute, and two cores start about one server in a second.
c.Spawner.start_timeout = c.Spawner.http_timeout = 300

# What nobody uses is ended; notebooks are files, and stay. A kernel that trains is not idle.
c.Spawner.args = [
    "--KernelManager.transport=ipc",  # sockets that other users of the machine cannot open
    f"--MappingKernelManager.cull_idle_timeout={IDLE_KERNEL}",
    f"--MappingKernelManager.cull_interval={min(300, IDLE_KERNEL)}",
    "--MappingKernelManager.cull_connected=True",  # also where its page is still open
]
c.JupyterHub.services = [
    {
        "name": "idle-culler",
        "command": [sys.executable, "-m", "jupyterhub_idle_culler", f"--timeout={IDLE_SERVER}"],
    }
]
c.JupyterHub.load_roles = [
    {
        "name": "idle-culler",
        "scopes": ["list:users", "read:users:activity", "read:servers", "delete:servers"],
        "services": ["idle-culler"],
    }
]
