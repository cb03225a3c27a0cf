"""The course as pip installs it: its data and lessons are in the package, and it needs no more."""

import os
import re
import shutil
import subprocess
import sys
import zipfile
from importlib import metadata
from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient

from course_utils.lessons import LESSONS

ROOT = Path(__file__).resolve().parents[1]
IN_THE_PACKAGE = ("data", "notebooks")

pytestmark = [
    pytest.mark.classes,
    pytest.mark.skipif(not (ROOT / ".git").exists(), reason="not a git checkout"),
]


def tracked() -> set[str]:
    command = ["git", "ls-files", "-z"]
    listed = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    return {name for name in listed.stdout.split("\0") if name and (ROOT / name).exists()}


def run(*command, **options) -> str:
    done = subprocess.run(
        [sys.executable, *map(str, command)], capture_output=True, text=True, **options
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    """Made from a source distribution, which was made from a checkout that has been used."""
    if int(metadata.version("setuptools").partition(".")[0]) < 77:
        pytest.skip("needs setuptools 77 or later, as pyproject.toml says")
    folder = tmp_path_factory.mktemp("wheel")
    course = folder / "course"
    for name in tracked():
        (course / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / name, course / name)
    for name in ("data/MNIST/raw/train-labels-idx1-ubyte", "data/digits.npz.damaged", "runs/my.pt"):
        (course / name).parent.mkdir(parents=True, exist_ok=True)
        (course / name).write_text("the reader's")
    run("-c", "from setuptools import build_meta as b; b.build_sdist('..')", cwd=course)
    (source,) = folder.glob("*.tar.gz")
    make = ("-m", "pip", "wheel", "-q", "--no-deps", "--no-build-isolation", "--no-index")
    run(*make, "-w", folder, source)
    (made,) = folder.glob("*.whl")
    return made


@pytest.fixture(scope="module")
def installed(wheel, tmp_path_factory):
    """The variables with which Python finds the wheel's contents, and nobody's files."""
    site, home = tmp_path_factory.mktemp("site"), tmp_path_factory.mktemp("home")
    zipfile.ZipFile(wheel).extractall(site)
    left_out = ("COURSE_RUNS_DIR", "XDG_DATA_HOME")
    kept = {name: value for name, value in os.environ.items() if name not in left_out}
    return {**kept, "PYTHONPATH": str(site), "HOME": str(home), "COURSE_DATA_DIR": "digits"}


def test_it_holds_what_is_tracked_and_nothing_else(wheel):
    names = set(zipfile.ZipFile(wheel).namelist())
    held = {name for name in names if not re.match(r"course_utils-[\d.]+\.dist-info/", name)}
    expected = {name for name in tracked() if name.startswith("course_utils/")}
    expected |= {f"course_utils/{n}" for n in tracked() if n.startswith(("data/", "notebooks/"))}
    assert held == expected
    assert wheel.stat().st_size < 10_000_000


def test_it_is_found_where_it_is_installed(installed, tmp_path):
    code = """
import course_utils
from course_utils import sources
from course_utils.internals import places
print(course_utils.__file__, sources.DATA, sources.runs_folder(), sources.downloads_folder())
"""
    package, data, *readers = run("-c", code, env=installed, cwd=tmp_path).split()
    assert Path(package).is_relative_to(installed["PYTHONPATH"])
    assert Path(data) == Path(package).with_name("data")
    assert all(Path(place).is_relative_to(installed["HOME"]) for place in readers)


@pytest.mark.parametrize("name", ["02_linear_regression", "06_convolution", "07_pooling"])
def test_a_lesson_runs_alone_in_an_empty_folder(installed, tmp_path, name):
    site = Path(installed["PYTHONPATH"], "course_utils")
    notebook = nbformat.read(site / "notebooks" / f"{name}.ipynb", as_version=4)
    before = {path for path in site.rglob("*") if "__pycache__" not in path.parts}
    last = nbformat.v4.new_code_cell("import course_utils; print(course_utils.__file__)")
    notebook.cells.append(last)
    client = NotebookClient(notebook, timeout=300, resources={"metadata": {"path": str(tmp_path)}})
    client.execute(env=installed)
    assert last.outputs[0].text.strip() == str(site / "__init__.py")
    assert {path for path in site.rglob("*") if "__pycache__" not in path.parts} == before


def test_its_commands_have_the_lessons(installed, tmp_path):
    command = ("-m", "course_utils")
    assert run(*command, "workbook", env=installed, cwd=tmp_path).count(": new") == len(LESSONS)
    for path in (tmp_path / "my_lessons").iterdir():
        assert "](../" not in path.read_text(encoding="utf-8"), path  # there is nothing
    run(*command, "handout", "06", "--plain", "out", env=installed, cwd=tmp_path)
    assert (tmp_path / "out" / "06_convolution.ipynb").exists()
    report = run(*command, env=installed, cwd=tmp_path)
    assert "cannot be used" not in report and f"kept in {installed['HOME']}" in report


def test_lost_files_have_a_cure_that_fits(wheel, installed, tmp_path):
    """There is no checkout to bring them back from."""
    site = tmp_path / "site"
    zipfile.ZipFile(wheel).extractall(site)
    (site / "course_utils" / "data" / "digits.npz").unlink()
    code = "from course_utils.images import load_images; load_images('digits')"
    done = subprocess.run(
        [sys.executable, "-c", code],
        env={**installed, "PYTHONPATH": str(site)},
        cwd=tmp_path,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 1 and "git checkout" not in done.stderr
    assert "digits.npz is missing" in done.stderr and "--force-reinstall" in done.stderr
