"""Where a reader's files go: into their own checkout, or their own folder; never another's."""

import json
import os
import re
import runpy
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest
from locked import NOBODY, locked_folder
from platformdirs import user_data_path

from course_utils import machine, sources
from course_utils.checkpoints import load_weights, save_weights
from course_utils.internals import places
from course_utils.internals.places import PlaceError
from course_utils.models import LeNet
from course_utils.shown import ddp_step
from course_utils.views import export_xray

ROOT = Path(__file__).resolve().parents[2]
RECIPE = {"data": "digits", "inputs": {"pad": 2, "mean": 0.5, "std": 1.0}}
IS_ROOT = hasattr(os, "geteuid") and os.geteuid() == 0


@pytest.fixture
def home(monkeypatch, tmp_path):
    """A course of the reader's own, and a home; nothing is said about the reader's folders."""
    (tmp_path / "course").mkdir()
    monkeypatch.setattr(places, "COURSE", tmp_path / "course")
    for variable in ("HOME", "USERPROFILE"):
        monkeypatch.setenv(variable, str(tmp_path / "my home"))
    for variable in ("COURSE_RUNS_DIR", "COURSE_DATA_DIR", "XDG_DATA_HOME"):
        monkeypatch.delenv(variable, raising=False)
    return tmp_path


@pytest.mark.parametrize(
    ("given", "meant"),
    [
        ("mine", "{0}/course/mine"),
        ("{0}/other", "{0}/other"),
        ("~/mine", "{0}/my home/mine"),
        ("$HOME/mine", "{0}/my home/mine"),
        ("${{HOME}}/mine", "{0}/my home/mine"),
        ("", "{0}/course/runs"),
    ],
)
def test_results_are_kept_in_one_folder_wherever_a_lesson_runs(home, monkeypatch, given, meant):
    monkeypatch.setenv("COURSE_RUNS_DIR", given.format(home))
    for folder in ("/", home):
        monkeypatch.chdir(folder)
        assert sources.runs_folder() == Path(meant.format(home))


@pytest.mark.parametrize("given", ["~nobody-of-this-name/mine", "$NO_SUCH_VARIABLE/mine"])
def test_a_folder_of_nobody_is_not_made(home, monkeypatch, given):
    monkeypatch.setenv("COURSE_RUNS_DIR", given)
    with pytest.raises(PlaceError, match=r"there is no [~$]\w+.*: set it"):
        save_weights(LeNet(), "mine", RECIPE)
    (home / "course" / "$NO_SUCH_VARIABLE").mkdir()
    monkeypatch.chdir(home / "course")
    monkeypatch.setenv("COURSE_RUNS_DIR", "$NO_SUCH_VARIABLE")  # there is a folder of this name
    assert sources.runs_folder() == home / "course" / "$NO_SUCH_VARIABLE"


def test_beside_the_package_alone_nothing_is_kept(home, monkeypatch):
    """What pip has installed is replaced by the next version, with all that lies in it."""
    monkeypatch.setattr(places, "IN_CHECKOUT", False)
    mine = user_data_path("course_utils", appauthor=False)
    assert mine.is_relative_to(home / "my home")
    assert sources.runs_folder() == mine / "runs"
    assert sources.downloads_folder() == mine / "data"
    monkeypatch.setenv("COURSE_RUNS_DIR", "other")
    assert sources.runs_folder() == mine / "other"
    assert "--force-reinstall" in places.how_to_restore("data/SHA256SUMS")


@pytest.mark.skipif(not IS_ROOT, reason="only root can give a folder to another user")
def test_in_a_checkout_of_anothers_nothing_is_kept(home, monkeypatch):
    """Though it could be: a folder that a group may write to, or root everywhere."""
    os.chown(home / "course", NOBODY, NOBODY)
    (home / "course").chmod(0o777)
    assert sources.runs_folder() == user_data_path("course_utils", appauthor=False) / "runs"
    assert not list((home / "course").iterdir())
    monkeypatch.setattr(sources, "DATA", home / "course")
    assert sources.downloads_folder() == home / "course"  # the same for all, and verified


@pytest.mark.skipif(not IS_ROOT, reason="only root can give a folder to another user")
def test_in_a_shared_folder_of_results_each_has_one_of_their_own(home, monkeypatch):
    shared = home / "shared"
    shared.mkdir()
    monkeypatch.setenv("COURSE_RUNS_DIR", str(shared))
    assert sources.runs_folder() == shared
    os.chown(shared, NOBODY, NOBODY)
    assert sources.runs_folder() == shared / f"user-{os.geteuid()}"
    assert save_weights(LeNet(), "mine", RECIPE).parent == shared / f"user-{os.geteuid()}"


@pytest.fixture
def locked(home, monkeypatch):
    with locked_folder() as folder:
        yield folder


not_on_windows = pytest.mark.skipif(os.name == "nt", reason="Windows has no such permissions")


@not_on_windows
@pytest.mark.parametrize(
    "save",
    [
        lambda folder: save_weights(LeNet(), "mine", RECIPE),
        lambda folder: sources.runs_folder(),
        lambda folder: export_xray(LeNet(), folder / "pages" / "mine.html", RECIPE["inputs"]),
        lambda folder: ddp_step.launch(folder / "results"),
        lambda folder: ddp_step.launch(folder),
    ],
    ids=["weights", "maps", "page", "job", "job here"],
)
def test_a_folder_that_cannot_be_written_is_said_with_its_cure(locked, monkeypatch, save):
    monkeypatch.setenv("COURSE_RUNS_DIR", str(locked / "runs"))
    with pytest.raises(PlaceError) as error:
        save(locked)
    assert re.search(
        rf"{locked}\S* cannot be written to \(Permission denied\)\..*COURSE_RUNS_DIR",
        str(error.value),
    )


@not_on_windows
def test_the_cure_that_is_named_cures(locked, monkeypatch):
    monkeypatch.setenv("COURSE_RUNS_DIR", str(locked))
    with pytest.raises(PlaceError) as error:
        sources.runs_folder()
    variable, value = re.search(r"`%env (\w+)=(\S+)`", str(error.value)).groups()
    with tempfile.TemporaryDirectory(dir="/tmp") as mine:
        monkeypatch.setenv("HOME", mine)
        monkeypatch.setenv(variable, value)
        path = save_weights(LeNet(), "mine", RECIPE)
        assert path == Path(mine, "my_runs", "mine.pt") and path.exists()


@not_on_windows
def test_weights_of_the_course_are_read_where_the_own_folder_cannot_be(locked, monkeypatch, capsys):
    with tempfile.TemporaryDirectory(dir="/tmp") as closed:  # its owner's alone
        monkeypatch.setenv("COURSE_RUNS_DIR", f"{closed}/runs")
        if IS_ROOT:
            os.seteuid(0)
            os.chown(closed, 0, 0)
            os.seteuid(NOBODY)
        else:
            os.chmod(closed, 0)
        assert load_weights("lenet", data="digits")[0]
        os.seteuid(0) if IS_ROOT else os.chmod(closed, 0o700)
    assert "the course's weights" in capsys.readouterr().out


def test_a_full_disk_is_said(home, monkeypatch):
    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "write_bytes", full)
    with pytest.raises(PlaceError, match=r"cannot be written to \(No space left on device\)"):
        save_weights(LeNet(), "mine", RECIPE)


def test_the_report_says_where_results_are(home, monkeypatch):
    def said():
        return next(machine.results())

    assert said() == "what you train is kept in runs"
    monkeypatch.setenv("COURSE_RUNS_DIR", str(home / "other"))
    assert said() == "what you train is kept in $COURSE_RUNS_DIR"
    monkeypatch.delenv("COURSE_RUNS_DIR")
    monkeypatch.setattr(places, "IN_CHECKOUT", False)
    assert said() == f"what you train is kept in {places.runs()}"


def test_without_a_checkout_no_versions_are_compared(home):
    (line,) = machine.packages()
    assert line.startswith("torch 2.")


@not_on_windows
def test_records_are_not_begun_where_they_cannot_be_kept(locked, monkeypatch):
    monkeypatch.setattr(sources, "DATA", locked)
    monkeypatch.setattr(sys, "argv", ["records", "lenet"])
    with pytest.raises(SystemExit, match="cannot be written to: make records in"):
        runpy.run_module("course_utils.records.__main__", run_name="__main__")


# Two real users of one installation

#: A student who trains and saves, and then loads. What Python and torch load is loaded before, by
#: root, as it may lie in root's home.
STUDENT = """
import json, os, sys
user, home, value = int(sys.argv[1]), sys.argv[2], float(sys.argv[3])
import torch
import platformdirs
from course_utils import training, images, sources
from course_utils.checkpoints import load_weights, save_weights
from course_utils.internals import places
from course_utils.models import LeNet

train, _ = images.load_images("digits")

def trained():
    training.set_seed(user)
    model = LeNet()
    optimizer = torch.optim.SGD(model.parameters(), lr=value)
    training.fit(model, train[:256], epochs=1, optimizer=optimizer)
    return model

trained()
os.setgroups([])
os.setgid(user)
os.setuid(user)
os.environ["HOME"] = home
path = save_weights(trained(), "lenet", {**json.loads(sys.argv[4]), "who": user})
model, recipe = load_weights("lenet", data="digits")
print(path, recipe["who"], os.stat(path).st_uid, sources.downloads_folder())
"""


@pytest.mark.classes
@pytest.mark.skipif(not IS_ROOT, reason="only root can be two users")
@pytest.mark.parametrize("mode", [0o755, 0o777], ids=["read-only", "group-writable"])
def test_two_users_of_one_installation_keep_their_own(mode):
    shared = Path(tempfile.mkdtemp(prefix="shared-", dir="/tmp"))
    try:
        shared.chmod(mode)
        for part in ("course_utils", "data"):
            shutil.copytree(
                ROOT / part, shared / part, ignore=shutil.ignore_patterns("*MNIST*", "__pycache__")
            )
        (shared / "data").chmod(mode)
        before = {path for path in shared.rglob("*") if "__pycache__" not in path.parts}
        kept = {}
        for user in (64_001, 64_002):
            home = shared.with_name(f"{shared.name}-{user}")
            home.mkdir(mode=0o700)
            os.chown(home, user, user)
            kept[user] = student(shared, user, home)
            assert kept[user].is_relative_to(home)
        assert kept[64_001].read_bytes() != kept[64_002].read_bytes()
        assert {path for path in shared.rglob("*") if "__pycache__" not in path.parts} == before
    finally:
        for folder in shared.parent.glob(f"{shared.name}*"):
            shutil.rmtree(folder)


def student(shared: Path, user: int, home: Path) -> Path:
    """One student's turn; the path of the weights that this user kept."""
    unset = ("COURSE_RUNS_DIR", "COURSE_DATA_DIR", "XDG_DATA_HOME")
    environment = {name: value for name, value in os.environ.items() if name not in unset}
    done = subprocess.run(
        [sys.executable, "-c", STUDENT, str(user), str(home), "0.1", json.dumps(RECIPE)],
        env={**environment, "PYTHONPATH": str(shared), "OMP_NUM_THREADS": "1"},
        cwd=shared,
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    assert "LeNet with your own weights, trained on digits" in done.stdout
    path, who, owner, _ = done.stdout.splitlines()[-1].split()
    assert who == owner == str(user)
    return Path(path)
