"""`fetch-data`: a class's folder, filled from what is at hand or by a download, and verified."""

import os
import re
import stat
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest
from small_images import Server, fill, idx_files, isolated_sources
from torchvision import datasets

from course_utils import sources
from course_utils.classroom.commands import main
from course_utils.images import load_images

SETS = tuple(sources.FOLDERS.values())


@pytest.fixture
def small(monkeypatch, tmp_path):
    """Both data sets are the small one, and data/ has neither; what a server would hold."""
    return isolated_sources(monkeypatch, tmp_path, SETS)


def filled(folder: Path) -> bool:
    """Whether it holds both sets, whole, and nothing else."""
    expected = {f"{name}/raw/{file}": body for name in SETS for file, body in idx_files().items()}
    there = {path.relative_to(folder).as_posix(): path for path in folder.rglob("*")}
    found = {name: path.read_bytes() for name, path in there.items() if path.is_file()}
    return found == expected


def fetch(capsys, folder, status=0) -> str:
    assert main(["fetch-data", str(folder)]) == status
    said = capsys.readouterr()
    return said.out if status == 0 else said.err


def test_both_sets_are_downloaded_and_then_used(small, monkeypatch, tmp_path, capsys):
    with Server(small) as server:
        monkeypatch.setenv("COURSE_MIRROR", server.url)
        said = fetch(capsys, tmp_path / "class" / "images")
        assert len(server.requests) == 8
    assert filled(tmp_path / "class" / "images")
    assert said.count("4 files, 0 MB, downloaded, and verified.") == 2
    (value,) = re.findall(r"COURSE_DATA_DIR=(\S+)$", said, re.MULTILINE)
    monkeypatch.setenv("COURSE_DATA_DIR", value)
    for name in sources.FOLDERS:
        assert load_images(name)[0].name == name
    for kind in (datasets.MNIST, datasets.FashionMNIST):
        assert len(kind(value, train=True, download=False)) == 30  # the layout is torchvision's


@pytest.mark.parametrize(
    ("place", "variable"), [("data", ""), ("data", "digits"), ("elsewhere", "{0}/elsewhere")]
)
def test_what_is_at_hand_is_not_downloaded(small, monkeypatch, tmp_path, capsys, place, variable):
    for name in SETS:
        fill(tmp_path / place, name)
    monkeypatch.setenv("COURSE_DATA_DIR", variable.format(tmp_path))
    said = fetch(capsys, tmp_path / "class")
    assert filled(tmp_path / "class")
    assert f"copied from {tmp_path / place / 'MNIST' / 'raw'}, and verified." in said


def test_it_can_be_run_again(small, tmp_path, capsys):
    for name in SETS:
        fill(tmp_path / "data", name)
    fetch(capsys, tmp_path / "class")
    before = {path: path.stat().st_mtime_ns for path in (tmp_path / "class").rglob("*")}
    said = fetch(capsys, tmp_path / "class")
    assert said.count("all 4 files are there, and verified.") == 2
    assert before == {path: path.stat().st_mtime_ns for path in (tmp_path / "class").rglob("*")}
    (tmp_path / "class" / "MNIST" / "raw" / "t10k-labels-idx1-ubyte").unlink()
    assert "1 files" not in (said := fetch(capsys, tmp_path / "class")) and "1 file," in said
    assert filled(tmp_path / "class")


@pytest.mark.parametrize("content", [b"mine", None], ids=["file", "folder"])
def test_what_it_did_not_make_is_not_touched(small, tmp_path, capsys, content):
    """And nothing else is written either."""
    for name in SETS:
        fill(tmp_path / "data", name)
    there = tmp_path / "class" / "FashionMNIST" / "raw" / "train-labels-idx1-ubyte"
    there.parent.mkdir(parents=True)
    there.mkdir() if content is None else there.write_bytes(content)
    said = fetch(capsys, tmp_path / "class", status=2)
    assert f"{there} is damaged" in said and "move it to another place" in said
    assert there.is_dir() if content is None else there.read_bytes() == content
    assert not (tmp_path / "class" / "MNIST").exists()


def test_a_file_in_place_of_the_folder(small, tmp_path, capsys):
    (tmp_path / "class").write_text("mine")
    assert "is a file: name a folder" in fetch(capsys, tmp_path / "class", status=2)
    assert (tmp_path / "class").read_text() == "mine"


@pytest.mark.parametrize("set_to", ["the same", "digits"])
def test_the_variable_may_be_set_before(small, monkeypatch, tmp_path, capsys, set_to):
    value = str(tmp_path / "class") if set_to == "the same" else set_to
    monkeypatch.setenv("COURSE_DATA_DIR", value)
    with Server(small) as server:
        monkeypatch.setenv("COURSE_MIRROR", server.url)
        fetch(capsys, tmp_path / "class")
    assert filled(tmp_path / "class")


def test_a_source_that_is_damaged_is_named(small, monkeypatch, tmp_path, capsys):
    fill(tmp_path / "elsewhere")
    monkeypatch.setenv("COURSE_DATA_DIR", str(tmp_path / "elsewhere"))
    said = fetch(capsys, tmp_path / "class", status=2)
    assert "there is no folder" in said and "FashionMNIST" in said and "COURSE_DATA_DIR" in said


def test_without_a_network_it_says_what_else_can_be_done(small, tmp_path, capsys):
    said = fetch(capsys, tmp_path / "class", status=2)
    assert "mnist is not on this machine, and could not be downloaded: the download of" in said
    assert "README.md" in said and not list((tmp_path / "class").iterdir())


def test_what_arrived_is_kept_and_it_goes_on(small, monkeypatch, tmp_path, capsys):
    half = dict(list(small.items())[:2])
    for offered, status in ((half, 2), (small, 0)):
        with Server(offered) as server:
            monkeypatch.setenv("COURSE_MIRROR", server.url)
            fetch(capsys, tmp_path / "class", status)
            asked = len(server.requests)
    assert asked == 6 and filled(tmp_path / "class")


def test_an_interrupt_leaves_no_half_file(small, monkeypatch, tmp_path, capsys):
    for name in SETS:
        fill(tmp_path / "data", name)

    def interrupted(*_):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(os, "replace", interrupted)
        assert "run this again" in fetch(capsys, tmp_path / "class", status=2)
    assert not [path for path in (tmp_path / "class").rglob("*") if path.is_file()]
    fetch(capsys, tmp_path / "class")
    assert filled(tmp_path / "class")


def test_a_full_disk(small, monkeypatch, tmp_path, capsys):
    for name in SETS:
        fill(tmp_path / "data", name)

    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "replace", full)
    said = fetch(capsys, tmp_path / "class", status=2)
    assert "cannot be written to (No space left on device)" in said and "of room" in said


@pytest.mark.skipif(os.name == "nt", reason="Windows has no such permissions")
def test_all_may_read_it_whatever_the_mask(small, tmp_path, capsys):
    for name in SETS:
        fill(tmp_path / "data", name)
    before = os.umask(0o077)
    try:
        said = fetch(capsys, tmp_path / "class")
    finally:
        os.umask(before)
    for path in (tmp_path / "class", *(tmp_path / "class").rglob("*")):
        needed = 0o555 if path.is_dir() else 0o444
        assert stat.S_IMODE(path.stat().st_mode) & needed == needed, path
    (closed,) = re.findall("Others cannot look into (.*) yet: `chmod", said)
    assert (tmp_path / "class").is_relative_to(closed)  # pytest's folders are its user's alone


@pytest.mark.skipif(os.name == "nt", reason="Windows has no such permissions")
def test_a_folder_that_is_closed_to_others_is_said_with_its_cure(small, tmp_path, capsys):
    for name in SETS:
        fill(tmp_path / "data", name)
    with tempfile.TemporaryDirectory(dir="/tmp") as outside:
        folder = Path(outside, "the class")
        folder.mkdir(mode=0o700)
        Path(outside).chmod(0o755)
        (cure,) = re.findall("`(chmod .*)`", fetch(capsys, folder))
        assert stat.S_IMODE(folder.stat().st_mode) == 0o700  # it did not make that
        subprocess.run(cure, shell=True, check=True)
        said = fetch(capsys, folder)
        assert "Others cannot" not in said and "COURSE_DATA_DIR='" in said


@pytest.mark.skipif(os.name == "nt", reason="Windows has no such permissions")
def test_a_folder_of_anothers(small, tmp_path, capsys):
    for name in SETS:
        fill(tmp_path / "data", name)
    with tempfile.TemporaryDirectory(dir="/tmp") as outside:
        Path(outside).chmod(0o555)
        is_root = os.geteuid() == 0
        if is_root:
            for path in (
                tmp_path,
                *tmp_path.parents[:3],
            ):  # pytest's own, which others cannot enter
                path.chmod(path.stat().st_mode | 0o055)
            os.seteuid(65534)
        try:
            said = fetch(capsys, Path(outside, "class"), status=2)
        finally:
            if is_root:
                os.seteuid(0)
            Path(outside).chmod(0o755)
    assert "cannot be written to (Permission denied): name a folder of your own" in said


@pytest.mark.slow
def test_the_real_sets(tmp_path, request):
    if not request.config.real_images:
        pytest.skip("needs MNIST and FashionMNIST, which are not at hand")
    command = [sys.executable, "-m", "course_utils", "fetch-data", str(tmp_path / "class")]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert done.stdout.count("4 files, 55 MB, copied from") == 2
    for name, folder in sources.FOLDERS.items():
        assert not sources.find_faults(tmp_path / "class" / folder / "raw", name)
