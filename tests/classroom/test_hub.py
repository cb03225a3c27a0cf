"""A class on a JupyterHub: its configuration, the container and Kubernetes files, and a real hub.

JupyterHub is not among the course's requirements: COURSE_HUB names a Python that has it, and the
course (TEACHING.md says how to make one).
"""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from hub import CONFIG, ROOT
from load import BEGIN, END, PAUSE, TEACHING, Class, Memory, report
from traitlets.config.loader import PyFileConfigLoader

from course_utils.classroom.commands import main as command

HUB = os.environ.get("COURSE_HUB")


def students_can_run(python):
    """As root, students are users of their own: they cannot where it is in root's home."""
    if os.geteuid() != 0:
        return True
    try:
        return not subprocess.run([python, "-c", ""], user=65534, extra_groups=[]).returncode
    except PermissionError:
        return False


with_a_hub = pytest.mark.skipif(
    not HUB or not students_can_run(HUB),
    reason="COURSE_HUB names no Python with JupyterHub that other users can run",
)
DOCKERFILE, VALUES = CONFIG.with_name("Dockerfile"), CONFIG.with_name("values.yaml")


@pytest.fixture
def config(monkeypatch):
    """Loads the configuration as JupyterHub does, on a machine with so many cores."""

    def load(cores=2, data="digits"):
        monkeypatch.setattr(os, "cpu_count", lambda: cores)
        monkeypatch.setenv("COURSE_DATA_DIR", data)
        return PyFileConfigLoader(str(CONFIG)).load_config()

    return load


# --- what is configured -----------------------------------------------------------------------


@pytest.mark.parametrize(("cores", "threads"), [(None, "1"), (2, "1"), (16, "2"), (64, "8")])
def test_those_who_train_share_the_cores(config, cores, threads):
    environment = config(cores).Spawner.environment
    assert environment["OMP_NUM_THREADS"] == threads
    assert environment["OMP_WAIT_POLICY"] == "PASSIVE"


def test_the_configuration_names_what_there_is(config):
    spawner = config().Spawner
    assert (ROOT / "notebooks" / Path(spawner.default_url).name).exists()
    limits, shell = spawner.cmd[:3], spawner.cmd[3:]
    assert limits[0] == "prlimit" and shell[:2] == ["sh", "-c"]
    assert shell[3] == sys.executable
    modules = re.findall(r"-m (\S+)", shell[2])
    assert modules == ["course_utils", "jupyterhub.singleuser"]
    with pytest.raises(SystemExit) as done:
        command(["workbook", "--help"])
    assert done.value.code == 0


@pytest.mark.skipif(
    os.name != "posix" or os.geteuid() != 0 or not Path("/proc/self/ksm_stat").exists(),
    reason="needs root, and a Linux that merges pages",
)
def test_what_the_hub_starts_may_have_its_pages_merged():
    allowed = "import ctypes; raise SystemExit(ctypes.CDLL(None).prctl(67, 1, 0, 0, 0))"
    if subprocess.run([sys.executable, "-c", allowed]).returncode:
        pytest.skip("this root may not have pages merged, as in some containers")
    load = f"""
from traitlets.config.loader import PyFileConfigLoader
import subprocess
PyFileConfigLoader({str(CONFIG)!r}).load_config()
subprocess.run(["prlimit", "--nproc=1024", "cat", "/proc/self/ksm_stat"], user=65534)"""
    environment = os.environ | {"COURSE_DATA_DIR": "digits"}
    done = subprocess.run(
        [sys.executable, "-c", load], env=environment, capture_output=True, text=True, check=True
    )
    assert "ksm_merge_any: yes" in done.stdout


def test_a_hub_without_images_says_what_to_do(config, tmp_path):
    for data in ("", str(tmp_path / "nowhere"), str(tmp_path)):
        with pytest.raises(SystemExit, match="COURSE_DATA_DIR") as refused:
            config(data=data)
        assert isinstance(refused.value.code, str)  # it is printed, and the status is 1
    assert "digits" in str(config().Spawner.environment["COURSE_DATA_DIR"])


def test_what_the_dockerfile_copies_is_there():
    text = DOCKERFILE.read_text(encoding="utf-8")
    copied = re.findall(r"^COPY (.*) \S+$", text, re.MULTILINE)
    assert len(copied) >= 4
    for name in " ".join(copied).split():
        assert (ROOT / name).exists(), name
    assert re.search(r"^torch==", (ROOT / "requirements.txt").read_text("utf-8"), re.MULTILINE)


def test_kubernetes_has_the_limits_of_the_configuration(config):
    values = yaml.safe_load(VALUES.read_text(encoding="utf-8"))
    student, one_machine = values["singleuser"], config()
    culls = [argument for argument in student["cmd"] if argument.startswith("--Mapping")]
    assert culls == [argument for argument in one_machine.Spawner.args if "cull" in argument]
    assert student["defaultUrl"] == one_machine.Spawner.default_url
    assert student["startTimeout"] == one_machine.Spawner.start_timeout
    assert f"--timeout={values['cull']['timeout']}" in one_machine.JupyterHub.services[0]["command"]
    # The keys that the chart knows, as its values.schema.yaml has them.
    assert set(values) <= {"hub", "proxy", "singleuser", "cull", "prePuller", "scheduling"}
    known = {"image", "cmd", "defaultUrl", "startTimeout", "extraEnv", "cpu", "memory", "storage"}
    assert set(student) <= known


# --- the numbers in TEACHING.md ---------------------------------------------------------------


def test_the_numbers_of_a_class_are_the_scripts():
    """`load.py --write` makes them: nothing failed, and nothing was lost."""
    text = TEACHING.read_text(encoding="utf-8").split(BEGIN)[1].split(END)[0]
    students, training = map(
        int, re.search(r"^Of (\d+) students .* (\d+) of them", text, re.M).groups()
    )
    seconds, memory = [1.0], [Memory(1, 1, 1)]
    a_class = Class(
        students=students,
        training=training,
        lesson=9,
        until=PAUSE,
        log_in=seconds,
        open_lesson=seconds,
        to_the_end=seconds,
        short_cells=seconds,
        server=memory,
        reading=memory,
        training_peak=memory,
        where=dict.fromkeys(("date", "machine", "jupyterhub", "torch"), "0"),
    )
    made = report(a_class)

    def without_numbers(report):
        return [re.sub(r"[\d.e+-]+( [MG]B| s\b)|\d+ \|$", "…", row) for row in report.splitlines()]

    assert without_numbers(text)[:-1] == without_numbers(made)[:-1]
    assert "0 failed and 0 lost any work" in text


# --- a real hub -------------------------------------------------------------------------------


@with_a_hub
@pytest.mark.slow
def test_students_work_at_a_real_hub(tmp_path):
    """Three log in, and run lesson 00 in kernels of their own; nothing fails, nothing is lost."""
    found = tmp_path / "load.json"
    script = ROOT / "tests" / "maintenance" / "load.py"
    options = ["--students", "3", "--training", "3", "--lesson", "0", "--json", str(found)]
    done = subprocess.run([HUB, script, *options], capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stdout + done.stderr
    measured = json.loads(found.read_text(encoding="utf-8"))
    assert len(measured["to_the_end"]) == 3
    assert measured["failures"] == measured["lost"] == []


@with_a_hub
@pytest.mark.slow
def test_what_happens_to_students_at_a_hub(tmp_path):
    """Idle kernels are ended, one that trains is not; too much memory ends a cell, not a kernel."""
    script = ROOT / "tests" / "helpers" / "hub_incidents.py"
    done = subprocess.run([HUB, script], capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stdout + done.stderr
