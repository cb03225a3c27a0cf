"""The course's JupyterHub as tests start it: on loopback, and any name logs in with one password.

Where the hub is root and its Python can be reached by others, each student is a user of their own,
known to the machine by a number alone.
"""

import os
import re
import subprocess
import sys
from pathlib import Path

import jupyterlab
from hub import CONFIG, PASSWORD, ROOT, user_id
from jupyterhub.spawner import SimpleLocalProcessSpawner

load_subconfig(str(CONFIG))  # noqa: F821
c = get_config()  # noqa: F821
HOMES = Path(os.environ["HUB_HOMES"])


def others_can_run_this_python() -> bool:
    """Not where it is in root's home, for example."""
    command = [sys.executable, "-c", "import jupyterhub"]
    try:
        done = subprocess.run(
            command, user=user_id("student01"), extra_groups=[], stderr=subprocess.DEVNULL
        )
    except PermissionError:
        return False
    return done.returncode == 0


MANY_USERS = os.geteuid() == 0 and others_can_run_this_python()


class Spawner(SimpleLocalProcessSpawner):
    """Gives each student a home, and a user where that can be."""

    def make_preexec_fn(self, name):
        home, user = Path(self.home_dir), user_id(name)
        home.mkdir(mode=0o700, exist_ok=True)
        if MANY_USERS:
            os.chown(home, user, user)

        def become_the_student():
            if MANY_USERS:
                os.setgroups([])
                os.setgid(user)
                os.setuid(user)
            os.chdir(home)

        return become_the_student


hub, proxy = os.environ["HUB_PORTS"].split()
c.JupyterHub.bind_url = os.environ["HUB_URL"]
c.JupyterHub.hub_bind_url = f"http://127.0.0.1:{hub}"
c.ConfigurableHTTPProxy.api_url = f"http://127.0.0.1:{proxy}"
c.JupyterHub.authenticator_class = "shared-password"
c.SharedPasswordAuthenticator.user_password = PASSWORD
c.Authenticator.allow_all = True
c.JupyterHub.spawner_class = Spawner
c.SimpleLocalProcessSpawner.home_dir_template = str(HOMES / "{username}")
# JupyterLab and its parts, also where they are in another environment than the hub.
prefix = Path(jupyterlab.__file__).parents[4]
c.Spawner.environment |= {
    "PYTHONPATH": str(ROOT),
    "JUPYTER_PATH": str(prefix / "share" / "jupyter"),
    "JUPYTER_CONFIG_PATH": str(prefix / "etc" / "jupyter"),
    "JUPYTERLAB_DIR": str(prefix / "share" / "jupyter" / "lab"),
}
if seconds := os.environ.get("HUB_IDLE"):
    c.Spawner.args = [
        re.sub(r"(timeout|interval)=\d+", rf"\1={seconds}", a) for a in c.Spawner.args
    ]
