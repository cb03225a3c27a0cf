"""Images: their sources in order, every kind of damage, the download, and the batches."""

import contextlib
import gzip
import hashlib
import json
import os
import re
import shutil
import signal
import ssl
import subprocess
import sys
import tempfile
import threading
import time
import traceback
import tracemalloc
from pathlib import Path

import numpy as np
import pytest
import torch
from locked import locked_folder
from PIL import Image
from small_images import COUNTS, Server, fill, idx_files, isolated_sources, ship
from torch.nn import functional as F
from torchvision import datasets, transforms
from torchvision.transforms import v2

from course_utils import sources
from course_utils.images import CLASSES, Images, batches, flip_and_shift, load_images
from course_utils.internals import downloads, files, places
from course_utils.sources import DataError, find_images

ROOT = Path(__file__).resolve().parents[2]
SHIPPED = ["SHA256SUMS", "digits.npz"]


@pytest.fixture
def small(monkeypatch, tmp_path):
    """Makes the small data set the one that "mnist" stands for, with an empty data folder."""
    return isolated_sources(monkeypatch, tmp_path)


# Where images come from


def test_a_shared_folder_comes_first(small, monkeypatch, tmp_path):
    fill(tmp_path / "class")
    monkeypatch.setenv("COURSE_DATA_DIR", str(tmp_path / "class"))
    train, test = load_images("mnist")
    assert (len(train), len(test), train.name) == (30, 20, "mnist")
    assert not (tmp_path / "data" / "MNIST").exists()


def test_then_the_data_folder(small, tmp_path):
    folder = fill(tmp_path / "data")
    assert find_images("mnist") == folder
    train, _ = load_images("mnist")
    expected = idx_files()["train-images-idx3-ubyte"][16:]
    assert train.images.numpy().tobytes() == expected


def test_then_a_download(small, monkeypatch, tmp_path, capsys):
    with Server(small) as server:
        monkeypatch.setenv("COURSE_MIRROR", server.url)
        train, test = load_images("mnist")
    assert (len(train), len(test), train.name) == (30, 20, "mnist")
    assert find_images("mnist") == tmp_path / "data" / "MNIST" / "raw"
    assert sorted(os.listdir(tmp_path / "data")) == ["MNIST", *SHIPPED]
    assert sorted(os.listdir(find_images("mnist"))) == sorted(sources.FILES)
    assert "embedded" not in capsys.readouterr().out


def test_and_last_the_embedded_digits(small, capsys):
    train, test = load_images("mnist")
    assert (len(train), len(test), train.name) == (1437, 360, "digits")
    said = capsys.readouterr().out
    assert (
        'Using the embedded digits, not "mnist": the download of http' in said
        and "README.md" in said
    )


def test_the_embedded_digits_can_be_asked_for(small, monkeypatch, tmp_path, capsys):
    fill(tmp_path / "data")
    monkeypatch.setenv("COURSE_DATA_DIR", "digits")
    assert load_images("mnist")[0].name == "digits"
    assert "COURSE_DATA_DIR=digits asks for that" in capsys.readouterr().out


def test_an_unknown_name_lists_the_known():
    with pytest.raises(ValueError, match='"mnist", "fashion-mnist", "digits"'):
        load_images("cifar")


# A shared folder that cannot be used is named, and nothing is tried in its place


def test_a_missing_shared_folder(small, monkeypatch, tmp_path):
    fill(tmp_path / "data")
    monkeypatch.setenv("COURSE_DATA_DIR", str(tmp_path / "nowhere"))
    with pytest.raises(DataError, match=r"nowhere.*COURSE_DATA_DIR=digits"):
        load_images("mnist")


def test_a_shared_folder_without_this_data_set(small, monkeypatch, tmp_path):
    monkeypatch.setenv("COURSE_DATA_DIR", str(tmp_path))
    with pytest.raises(DataError, match=r"there is no folder .*MNIST.raw"):
        load_images("mnist")


def test_a_relative_shared_folder_is_relative_to_the_course(small, monkeypatch, tmp_path):
    """…and not to the folder of the notebook that asks."""
    folder = fill(tmp_path / "class")
    monkeypatch.setattr(places, "COURSE", tmp_path)
    monkeypatch.setenv("COURSE_DATA_DIR", "class")
    monkeypatch.chdir("/")
    assert find_images("mnist") == folder


@pytest.mark.skipif(os.name == "nt", reason="home folders of other users have no name on Windows")
def test_a_shared_folder_of_nobody(small, monkeypatch):
    monkeypatch.setenv("COURSE_DATA_DIR", "~nobody-of-this-name/data")
    with pytest.raises(DataError, match="cannot be read"):
        load_images("mnist")


DAMAGE = {
    "truncated": lambda path: path.write_bytes(path.read_bytes()[:-1]),
    "altered": lambda path: path.write_bytes(path.read_bytes()[:-1] + b"?"),
    "empty": lambda path: path.write_bytes(b""),
    "renamed": lambda path: path.rename(path.with_name("a copy")),
    "a folder": lambda path: (path.unlink(), path.mkdir()),
}
if os.name != "nt":
    DAMAGE["of 200 GB"] = lambda path: os.truncate(path, 200 * 10**9)  # it takes no room
    DAMAGE["a named pipe"] = lambda path: (path.unlink(), os.mkfifo(path))
damaged = pytest.mark.parametrize("damage", DAMAGE.values(), ids=DAMAGE)
in_any_file = pytest.mark.parametrize("file", sources.FILES)


@damaged
@in_any_file
def test_a_damaged_file_in_a_shared_folder(small, monkeypatch, tmp_path, damage, file):
    path = fill(tmp_path / "class") / file
    damage(path)
    fill(tmp_path / "data")
    monkeypatch.setenv("COURSE_DATA_DIR", str(tmp_path / "class"))
    with pytest.raises(DataError) as error:
        load_images("mnist")
    assert str(path) in str(error.value)
    if "missing" in str(error.value):
        assert "The folder holds: a copy, " in str(error.value)


@damaged
def test_a_damaged_file_in_the_data_folder_is_replaced(
    small, monkeypatch, tmp_path, damage, capsys
):
    path = fill(tmp_path / "data") / "train-images-idx3-ubyte"
    damage(path)
    was_there = path.exists()
    with Server(small) as server:
        monkeypatch.setenv("COURSE_MIRROR", server.url)
        train, _ = load_images("mnist")
    assert train.name == "mnist" and find_images("mnist")
    aside = path.with_name(path.name + ".damaged")
    assert aside.exists() == was_there == (str(path) in capsys.readouterr().out)


@damaged
@in_any_file
def test_a_damaged_file_is_never_trained_on(small, tmp_path, damage, file):
    damage(fill(tmp_path / "data") / file)
    assert load_images("mnist")[0].name == "digits"


# Files that were put by hand, where and as one finds them

BY_HAND = {
    "packed": lambda path: pack(path, path.with_name(path.name + ".gz")),
    "named as elsewhere": lambda path: path.rename(path.with_name(dotted(path))),
    "both": lambda path: pack(path, path.with_name(dotted(path) + ".gz")),
    "a folder too high": lambda path: path.rename(path.parent.parent / path.name),
    "packed, a folder too high": lambda path: pack(path, path.parent.parent / f"{path.name}.gz"),
    "two folders too high": lambda path: path.rename(path.parent.parent.parent / path.name),
}
by_hand = pytest.mark.parametrize("put", BY_HAND.values(), ids=BY_HAND)


def pack(path: Path, packed: Path) -> Path:
    packed.write_bytes(gzip.compress(path.read_bytes()))
    path.unlink()
    return packed


def dotted(path: Path) -> str:
    return path.name.replace("-idx", ".idx")


@by_hand
def test_files_put_by_hand_are_found(small, tmp_path, put, capsys):
    folder = fill(tmp_path / "data")
    lie = [put(folder / file) for file in sources.FILES]
    if not any(folder.iterdir()):
        folder.rmdir()
    assert find_images("mnist") == folder
    said = capsys.readouterr().out
    assert all(f"{path} has been checked, and brought to {folder}" in said for path in lie)
    assert all(path.exists() for path in lie)
    assert load_images("mnist")[0].name == "mnist"
    assert not capsys.readouterr().out
    assert {file: (folder / file).read_bytes() for file in sources.FILES} == idx_files()


@by_hand
def test_files_put_by_hand_in_a_shared_folder_are_named(small, monkeypatch, tmp_path, put):
    folder = fill(tmp_path / "class")
    lie = [put(folder / file) for file in sources.FILES]
    monkeypatch.setenv("COURSE_DATA_DIR", str(tmp_path / "class"))
    with pytest.raises(DataError) as error:
        load_images("mnist")
    assert f"There is {lie[0]}, but COURSE_DATA_DIR" in str(error.value)
    assert "as MNIST/raw/train-images-idx3-ubyte." in str(error.value)
    assert ("unpacked" in str(error.value)) == (lie[0].suffix == ".gz")


@pytest.mark.parametrize("below", ["MNIST", "MNIST/raw"])
def test_a_shared_folder_that_is_given_too_deep_is_named(small, monkeypatch, tmp_path, below):
    fill(tmp_path / "class")
    monkeypatch.setenv("COURSE_DATA_DIR", str(tmp_path / "class" / below))
    with pytest.raises(DataError, match=rf"COURSE_DATA_DIR.*{below}"):
        load_images("mnist")


PACKED = gzip.compress(idx_files()["t10k-images-idx3-ubyte"])


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"no gzip file",
        PACKED[:-100],
        PACKED[:5000] + PACKED[5001:],
        gzip.compress(bytes(10**8)),
    ],
    ids=["empty", "of another kind", "truncated", "altered", "a bomb"],
)
def test_a_packed_file_that_is_damaged_is_not_used(small, tmp_path, capsys, content):
    path = fill(tmp_path / "data") / "t10k-images-idx3-ubyte"
    packed = path.with_name(path.name + ".gz")
    path.unlink()
    packed.write_bytes(content)
    tracemalloc.start()
    assert load_images("mnist")[0].name == "digits"
    assert tracemalloc.get_traced_memory()[1] < 20_000_000
    tracemalloc.stop()
    assert f"{path} is missing, and {packed} cannot be used for it: " in capsys.readouterr().out
    assert not path.exists() and packed.exists()


# What becomes of the files later does not reach the images

PREPARE = """
import json, os, pathlib, sys, tempfile
from course_utils import images, sources
given = json.loads(sys.argv[1])
sources.FILES, sources.DATA = given["files"], pathlib.Path(given["data"])
tempfile.tempdir = given["temporary"]
"""


def process(code: str, **environment: str) -> subprocess.Popen:
    """A Python process for which, too, the small data set is "mnist"."""
    given = {"files": sources.FILES, "data": str(sources.DATA), "temporary": tempfile.tempdir}
    return subprocess.Popen(
        [sys.executable, "-c", PREPARE + code, json.dumps(given)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, **environment},
    )


LATER = {
    "rewritten": "path.write_bytes(bytes(path.stat().st_size))",
    "truncated": "os.truncate(path, 0)",  # a map of it: "Bus error"
    "deleted": "path.unlink()",
}


@pytest.mark.slow
def test_files_that_change_after_loading_change_nothing(small, tmp_path):
    """In a process of its own, as it may not live to tell; each change has files of its own."""
    cases = [
        f"""
folder = pathlib.Path({str(fill(tmp_path / later))!r})
os.environ["COURSE_DATA_DIR"] = str(folder.parent.parent)
tempfile.tempdir = tempfile.mkdtemp()
train, test = images.load_images("mnist")
for path in folder.iterdir():
    {change}
print({later!r}, *[part.images.numpy().tobytes().hex() for part in (train, test)])
"""
        for later, change in LATER.items()
    ]
    lesson = process("".join(cases))
    seen, _ = lesson.communicate(timeout=120)
    whole = [idx_files()[f"{part}-images-idx3-ubyte"][16:].hex() for part in COUNTS]
    assert [line.split() for line in seen.splitlines()] == [[later, *whole] for later in LATER]
    assert lesson.returncode == 0


def test_the_copy_is_made_once_for_all_kernels(small, tmp_path):
    folder = fill(tmp_path / "data")
    first, again = (sources.load_raw(folder, "mnist") for _ in range(2))
    for file, content in idx_files().items():
        assert first[file].tobytes() == content
        assert os.path.samefile(first[file].filename, again[file].filename)
        copy = Path(first[file].filename)
        assert tmp_path / "temporary" in copy.parents
        assert not copy.stat().st_mode & 0o222
    assert len(list((tmp_path / "temporary").rglob("*"))) == 1 + len(sources.FILES)


def test_kernels_that_start_at_once_share_a_copy_too(small, tmp_path):
    """Each has written one, and the first to be done is used by all, not replaced by the last."""
    raw = sources.load_raw(fill(tmp_path / "data"), "mnist")["train-images-idx3-ubyte"]
    copy = Path(raw.filename)
    before = copy.stat().st_ino
    files.keep(raw.tobytes(), copy)
    assert copy.stat().st_ino == before
    assert len(os.listdir(copy.parent)) == len(sources.FILES)


def test_what_a_lesson_does_to_its_images_stays_its_own(small, tmp_path):
    fill(tmp_path / "data")
    train, _ = load_images("mnist")
    before = train.images.clone()
    train.images.zero_()
    again, _ = load_images("mnist")
    assert torch.equal(again.images, before) and find_images("mnist")


@damaged
def test_a_damaged_copy_is_made_again(small, tmp_path, damage):
    folder = fill(tmp_path / "data")
    copies = [Path(raw.filename) for raw in sources.load_raw(folder, "mnist").values()]
    for copy in copies:
        copy.chmod(0o600)
        damage(copy)
    for _ in range(2):
        raw = sources.load_raw(folder, "mnist")
        assert {file: raw[file].tobytes() for file in raw} == idx_files()
    for copy, array in zip(copies, raw.values(), strict=True):
        assert isinstance(array, np.memmap) == copy.is_file()  # a folder in its place stays


def test_without_room_for_a_copy_the_images_are_in_memory(small, monkeypatch, tmp_path):
    folder = fill(tmp_path / "data")
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "nowhere"))
    raw = sources.load_raw(folder, "mnist")
    assert {file: raw[file].tobytes() for file in raw} == idx_files()
    assert not any(isinstance(array, np.memmap) for array in raw.values())
    train, _ = load_images("mnist")
    os.truncate(folder / "train-images-idx3-ubyte", 0)
    assert train.images.numpy().tobytes() == idx_files()["train-images-idx3-ubyte"][16:]


as_root = pytest.mark.skipif(
    not hasattr(os, "geteuid") or os.geteuid() != 0, reason="only root can act for other users"
)


@as_root
def test_a_copy_of_another_reader_is_not_trusted(small, tmp_path):
    """…who could alter it after it was checked."""
    folder = fill(tmp_path / "data")
    copies = Path(next(iter(sources.load_raw(folder, "mnist").values())).filename).parent
    for path in (copies, *copies.iterdir()):
        os.chown(path, 1234, -1)
    raw = sources.load_raw(folder, "mnist")
    assert not any(isinstance(array, np.memmap) for array in raw.values())
    assert {file: raw[file].tobytes() for file in raw} == idx_files()


@as_root
def test_a_copy_of_the_owner_of_the_files_serves_all(small, tmp_path):
    folder = fill(tmp_path / "data")
    copies = Path(next(iter(sources.load_raw(folder, "mnist").values())).filename).parent
    teachers = copies.rename(copies.with_name("course-images-1234"))
    for path in (teachers, *teachers.iterdir(), *folder.iterdir()):
        os.chown(path, 1234, -1)
    raw = sources.load_raw(folder, "mnist")
    assert {Path(array.filename).parent for array in raw.values()} == {teachers}


def test_a_file_that_changes_while_it_is_read_is_named(small, tmp_path):
    folder = fill(tmp_path / "data")
    assert find_images("mnist") == folder
    (folder / "t10k-labels-idx1-ubyte").write_bytes(b"")
    with pytest.raises(DataError, match=r"t10k-labels-idx1-ubyte has changed .* 0 bytes"):
        sources.load_raw(folder, "mnist")


# The network


@pytest.fixture
def mirror(small, monkeypatch):
    """Starts a server of the given kind, and makes it the mirror."""
    with contextlib.ExitStack() as servers:

        def start(files=small, **kind) -> Server:
            server = servers.enter_context(Server(files, **kind))
            monkeypatch.setenv("COURSE_MIRROR", server.url)
            return server

        yield start


def reason(capsys) -> str:
    """What load_images says of a download that fails: twice the same."""
    said = []
    for _ in range(2):
        assert load_images("mnist")[0].name == "digits"
        said.append(capsys.readouterr().out)
    assert said[0] == said[1]
    assert not Path(os.environ["COURSE_RUNS_DIR"], "offline").exists()  # it is asked each time
    assert sorted(os.listdir(sources.DATA)) == SHIPPED
    return said[0]


def test_the_usual_web_folders_are_those_of_torchvision():
    for name, folder in sources.FOLDERS.items():
        assert downloads.WEB_FOLDERS[name] == tuple(getattr(datasets, folder).mirrors)


def test_a_mirror_serves_both_sets(small, monkeypatch, mirror, tmp_path):
    """They have files of the same names, so each has a folder."""
    sums = tmp_path / "data" / "SHA256SUMS"
    text = sums.read_text()
    known = dict(reversed(line.split()) for line in text.splitlines())
    files = dict(small)
    for file, content in idx_files().items():
        other = bytes(reversed(content))
        files[f"FashionMNIST/{file}.gz"] = gzip.compress(other)
        text = text.replace(known[f"FashionMNIST/raw/{file}"], hashlib.sha256(other).hexdigest())
    sums.write_text(text)
    for path in [tmp_path / "data" / "FashionMNIST", tmp_path / "data" / "MNIST"]:
        assert not path.exists()
    server = mirror(files)
    monkeypatch.setenv("COURSE_MIRROR", server.url + "/")
    for name, folder in sources.FOLDERS.items():
        assert downloads.download(name) == find_images(name) == tmp_path / "data" / folder / "raw"
    assert sorted(server.requests) == sorted(f"/{file}" for file in files)


def test_a_server_that_is_silent_costs_two_seconds_once(small, monkeypatch, mirror, capsys):
    monkeypatch.setattr(downloads, "PROBE_SECONDS", 2)
    server = mirror(silent="at once")
    start = time.monotonic()
    assert load_images("mnist")[0].name == "digits"
    assert time.monotonic() - start < 10
    assert "no answer within 2 seconds" in capsys.readouterr().out
    assert load_images("mnist")[0].name == "digits"
    assert "0 minutes ago (no answer within 2 seconds; it is" in capsys.readouterr().out
    assert len(server.requests) == 1


def test_a_server_that_falls_silent_midway(small, monkeypatch, mirror, capsys, tmp_path):
    monkeypatch.setattr(downloads, "READ_SECONDS", 1)
    server = mirror(silent="midway")
    assert load_images("mnist")[0].name == "digits"
    assert "failed (timed out)" in capsys.readouterr().out
    assert load_images("mnist")[0].name == "digits"
    assert "0 minutes ago (timed out; it is" in capsys.readouterr().out
    assert len(server.requests) == 1
    assert sorted(os.listdir(tmp_path / "data")) == SHIPPED


@pytest.mark.parametrize(("age", "asked"), [(0, False), (3500, False), (3700, True), (-9000, True)])
def test_a_silent_server_is_asked_again_after_an_hour(mirror, tmp_path, capsys, age, asked):
    """…and at once where the note of its silence is of the future: a clock was set back."""
    server = mirror()
    note = tmp_path / "runs" / "offline" / server.url.removeprefix("http://").replace(":", "-")
    note.parent.mkdir(parents=True)
    note.write_text("no answer within 2 seconds")
    os.utime(note, (time.time() - age,) * 2)
    assert load_images("mnist")[0].name == ("mnist" if asked else "digits")
    assert (f"once {note} is deleted" in capsys.readouterr().out) == (not asked)


def test_the_failure_of_each_server_is_told(small, monkeypatch, capsys):
    monkeypatch.delenv("COURSE_MIRROR")
    with Server({}, status=403) as first, Server({}, status=503) as second:
        monkeypatch.setitem(downloads.WEB_FOLDERS, "mnist", (f"{first.url}/a/", f"{second.url}/b/"))
        said = reason(capsys)
    assert f"{first.url}/a/train-images-idx3-ubyte.gz failed (HTTP Error 403" in said
    assert f"{second.url}/b/train-images-idx3-ubyte.gz failed (HTTP Error 503" in said


def test_a_server_that_nobody_runs(small, monkeypatch, capsys):
    with Server({}) as server:
        monkeypatch.setenv("COURSE_MIRROR", server.url)
    assert "refused" in reason(capsys)


@pytest.mark.parametrize("status", [403, 404, 503])
def test_a_server_that_refuses(mirror, capsys, status):
    server = mirror(status=status)
    assert (
        f"the download of {server.url}/MNIST/train-images-idx3-ubyte.gz failed "
        f"(HTTP Error {status}: "
    ) in reason(capsys)


@pytest.mark.skipif(not shutil.which("openssl"), reason="needs openssl")
def test_a_certificate_that_nobody_vouches_for(mirror, monkeypatch, tmp_path, capsys):
    command = "openssl req -x509 -newkey rsa:2048 -nodes -subj /CN=localhost -keyout key -out cert"
    subprocess.run(command.split(), cwd=tmp_path, check=True, capture_output=True)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(tmp_path / "cert", tmp_path / "key")
    server = mirror()
    server.socket = context.wrap_socket(server.socket, server_side=True)
    monkeypatch.setattr(server, "handle_error", lambda *client: None)
    monkeypatch.setenv("COURSE_MIRROR", server.url.replace("http:", "https:"))
    assert "CERTIFICATE_VERIFY_FAILED" in reason(capsys)
    assert not server.requests  # nor asked over http, as torchvision does


@pytest.mark.parametrize("scheme", ["http", "https"])
def test_a_proxy_that_wants_a_password(small, monkeypatch, capsys, scheme):
    with Server({}, status=407) as proxy:
        address = proxy.url.replace("//", "//me:secret@")
        for variable in ("no_proxy", "NO_PROXY", "HTTP_PROXY", "HTTPS_PROXY"):
            monkeypatch.delenv(variable, raising=False)
        monkeypatch.setenv(f"{scheme}_proxy", address)
        monkeypatch.setenv("COURSE_MIRROR", f"{scheme}://school.example/data")
        said = reason(capsys)
    assert "through this machine's proxy failed" in said
    assert "407" in said
    assert "secret" not in said


def test_a_proxy_that_cannot_be(small, monkeypatch, capsys):
    monkeypatch.delenv("no_proxy", raising=False)
    monkeypatch.setenv("http_proxy", "http://me:secret")
    monkeypatch.setenv("COURSE_MIRROR", "http://school.example/data")
    said = reason(capsys)
    assert "proxy failed" in said and "secret" not in said


@pytest.mark.skipif(os.name == "nt", reason="Windows has no limit on the size of a file")
def test_a_full_disk(mirror, capsys):
    import resource

    mirror()
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    try:
        resource.setrlimit(resource.RLIMIT_FSIZE, (1000, limits[1]))
        said = reason(capsys)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert "File too large" in said


def test_a_page_in_place_of_the_file(mirror, small, capsys):
    """Networks that want a login answer any question with their own page."""
    mirror(dict.fromkeys(small, b"<!DOCTYPE html><title>Log in</title>"))
    assert "no whole gzip file, but perhaps a page to log in" in reason(capsys)


@pytest.mark.parametrize("junk", [b"", gzip.compress(bytes(10**6))], ids=["nothing", "a bomb"])
def test_a_body_without_end(mirror, small, capsys, junk):
    """It stops at the size that the file is known to have."""
    sent = []

    def endless():
        start = gzip.compress(b"", 0)[:10]  # the head of a gzip file, then empty blocks for ever
        yield junk or start
        while True:
            sent.append(1)
            yield junk or b"\0\0\0\xff\xff" * 1000

    mirror(body=endless)
    said = reason(capsys)
    assert "what arrived is damaged: it has more than 23,536 bytes" in said
    assert len(sent) < 10_000


@pytest.mark.slow
def test_a_slow_line_shows_its_speed_and_can_be_interrupted(small, tmp_path):
    """A process of its own gets the signal that Kernel > Interrupt sends."""

    def slowly():
        yield gzip.compress(b"", 0)[:10]
        while True:
            time.sleep(0.05)
            yield b"\0\0\0\xff\xff"

    with Server(small, body=slowly) as server:
        lesson = process(
            'print(images.load_images("mnist")[0].name)',
            COURSE_MIRROR=server.url,
            TQDM_DELAY="0",
        )
        shown = ""
        while not re.search(r"\d+\.\dB/s", shown):
            shown += lesson.stderr.read(1)
        lesson.send_signal(signal.SIGINT)
        said, _ = lesson.communicate(timeout=120)
    assert "train-images-idx3-ubyte: " in shown
    assert "you have interrupted the download" in said and said.endswith("digits\n")
    assert sorted(os.listdir(tmp_path / "data")) == SHIPPED


@pytest.mark.skipif(os.name == "nt", reason="Windows cannot signal one thread")
def test_a_server_can_be_interrupted_before_it_answers(mirror, capsys):
    server, reader = mirror(silent="at once"), threading.get_ident()

    def interrupt():
        while not server.requests:
            time.sleep(0.01)
        signal.pthread_kill(reader, signal.SIGINT)

    threading.Thread(target=interrupt, daemon=True).start()
    assert load_images("mnist")[0].name == "digits"
    assert "you have interrupted the download" in capsys.readouterr().out


@pytest.mark.parametrize(
    "address",
    [
        "school.example/mnist",
        "file:///class",
        "ftp://a/b",
        "http://",
        "http:///data",
        "http://[school]/data",
        "http://[::1/data",
        "http://a:port/data",
        "http://a:99999/",
        "http://a/b c",
        "http://a/b\n",
        "http://schule.example/übung",
        "http://a/b?c",
        "http://a#b",
    ],
)
def test_a_mirror_that_is_no_web_folder(small, monkeypatch, address):
    monkeypatch.setenv("COURSE_MIRROR", address)
    with pytest.raises(DataError, match=r"COURSE_MIRROR is not the address .* http://"):
        load_images("mnist")


@pytest.mark.parametrize(
    "address",
    [
        "http://me:xyzzy@127.0.0.1:9/data",
        "me:xyzzy@school.example",
        "http://[me:xyzzy@school]/",
        "https://school.example/data?token=xyzzy",
        "http://school.example:xyzzy/",
    ],
)
def test_a_secret_in_an_address_is_not_repeated(small, monkeypatch, capsys, tmp_path, address):
    monkeypatch.setenv("COURSE_MIRROR", address)
    with pytest.raises(DataError) as error:
        load_images("mnist")
    told = "".join(traceback.format_exception(error.value))
    assert "xyzzy" not in told + capsys.readouterr().out
    assert not any("xyzzy" in str(path) for path in tmp_path.rglob("*"))


@pytest.mark.parametrize("server", ["[::1]:{}", "localhost:{}", "127.0.0.1:{}/deep/folder"])
def test_addresses_that_are_taken(small, monkeypatch, capsys, server):
    with Server({}) as closed:
        pass
    monkeypatch.setenv("COURSE_MIRROR", "http://" + server.format(closed.server_port))
    assert f"http://{server.format(closed.server_port)}/MNIST/train-images" in reason(capsys)


def test_what_a_killed_download_left_is_removed_after_a_day(mirror, tmp_path):
    old, new = tmp_path / "data" / "download-old", tmp_path / "data" / "download-new"
    for left in (old, new):
        left.mkdir()
    os.utime(old, (time.time() - 90_000,) * 2)
    mirror()
    assert load_images("mnist")[0].name == "mnist"
    assert new.exists() and not old.exists()


def test_a_file_that_arrives_damaged_is_not_kept(mirror, small, tmp_path, capsys):
    """Those before it are, so that the next download has less to do."""
    damaged, folder = "MNIST/t10k-labels-idx1-ubyte.gz", tmp_path / "data" / "MNIST" / "raw"
    mirror({**small, damaged: gzip.compress(b"something else")})
    assert load_images("mnist")[0].name == "digits"
    assert f"{damaged} failed (what arrived is damaged: it has 14" in capsys.readouterr().out
    assert sorted(os.listdir(folder)) == sorted(sources.FILES.keys() - {"t10k-labels-idx1-ubyte"})
    server = mirror()
    assert load_images("mnist")[0].name == "mnist"
    assert server.requests == [f"/{damaged}"]


def test_a_download_of_something_else_is_not_kept(mirror, tmp_path, capsys):
    sums = tmp_path / "data" / "SHA256SUMS"
    sums.write_text(re.sub(r"\w{64}  MNIST", "0" * 64 + "  MNIST", sums.read_text()))
    mirror()
    assert "its contents (SHA-256) are not" in reason(capsys)


@pytest.mark.slow
def test_two_processes_download_at_once(small, tmp_path):
    """Real processes, as in a class whose machines share one folder: both end with whole files."""
    code = """
from course_utils.internals import downloads
downloads.PROBE_SECONDS = 30
print(*[(part.name, len(part)) for part in images.load_images("mnist")])
"""
    with Server(small, wait_for=2) as server:
        both = [process(code, COURSE_MIRROR=server.url) for _ in range(2)]
        said = [one.communicate(timeout=120)[0] for one in both]
    assert said == ["('mnist', 30) ('mnist', 20)\n"] * 2
    assert sorted(server.requests) == sorted([f"/{file}" for file in small] * 2)  # everything
    assert find_images("mnist")
    assert sorted(os.listdir(tmp_path / "data")) == ["MNIST", *SHIPPED]


@pytest.fixture
def read_only(monkeypatch):
    """A data folder that this user cannot write to."""

    def fill(folder):
        ship(folder)
        packed = gzip.compress(idx_files()["t10k-labels-idx1-ubyte"])
        (folder / "t10k-labels-idx1-ubyte.gz").write_bytes(packed)

    with locked_folder(fill) as folder:
        monkeypatch.setattr(sources, "DATA", folder)
        yield folder


@pytest.mark.skipif(os.name == "nt", reason="folders have no write permission on Windows")
def test_a_read_only_folder(small, monkeypatch, capsys, read_only):
    """The course's is, and that of the reader's own data as well."""
    monkeypatch.setenv("COURSE_RUNS_DIR", str(read_only / "runs"))
    monkeypatch.setattr(places, "readers_folder", lambda: read_only / "mine")
    with Server(small) as server:
        monkeypatch.setenv("COURSE_MIRROR", server.url)
        assert load_images("mnist")[0].name == "digits"
        assert load_images("mnist")[0].name == "digits"
    said = capsys.readouterr().out
    assert f"{read_only}/mine/data/MNIST/raw cannot be written to ([Errno 13] Permission d" in said
    assert f"{read_only}/t10k-labels-idx1-ubyte.gz cannot be used for it: [Errno 13]" in said


@pytest.mark.skipif(os.name == "nt", reason="folders have no write permission on Windows")
def test_beside_a_read_only_folder_downloads_are_the_readers(small, monkeypatch, read_only):
    with tempfile.TemporaryDirectory(dir="/tmp") as mine, Server(small) as server:
        monkeypatch.setattr(places, "readers_folder", lambda: Path(mine))
        monkeypatch.setenv("COURSE_MIRROR", server.url)
        assert load_images("mnist")[0].name == "mnist"
        asked = len(server.requests)
        assert load_images("mnist")[0].name == "mnist" and len(server.requests) == asked
        assert find_images("mnist") == Path(mine, "data", "MNIST", "raw")
    assert not (read_only / "MNIST").exists()


# What ships


@pytest.mark.slow
def test_the_stored_digits_are_those_of_scikit_learn():
    done = subprocess.run(
        [sys.executable, ROOT / "tests" / "maintenance" / "make_digits.py", "--check"],
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    assert "bit for bit" in done.stdout


def test_the_embedded_digits():
    train, test = load_images("digits")
    assert (len(train), len(test)) == (1437, 360)
    assert train.classes == tuple("0123456789")
    share = torch.bincount(test.labels) / torch.bincount(torch.cat([train.labels, test.labels]))
    assert ((share > 0.19) & (share < 0.21)).all()  # a fifth of every class
    frame = train.images.clone()
    frame[:, :, 4:24, 4:24] = 0
    assert not frame.any() and train.images.max() == 255


@damaged
def test_damaged_digits_say_how_to_get_them_back(small, tmp_path, damage):
    path = tmp_path / "data" / "digits.npz"
    damage(path)
    with pytest.raises(DataError) as error:
        load_images("digits")
    assert str(error.value).startswith(f"{path} is ")
    assert "`git checkout data/digits.npz`" in str(error.value)


@pytest.mark.parametrize(
    "damage", [name for name in DAMAGE if name not in ("truncated", "altered")]
)
def test_checksums_that_cannot_be_read_are_named(small, tmp_path, damage):
    path = tmp_path / "data" / "SHA256SUMS"
    DAMAGE[damage](path)
    fill(tmp_path / "data")
    for name in ("mnist", "digits"):
        with pytest.raises(DataError) as error:
            load_images(name)
        assert str(error.value).startswith(f"{path} is ")
        assert "`git checkout data/SHA256SUMS`" in str(error.value)


@pytest.mark.parametrize("text", ["", "hello", "0" * 64 + "  digits.npz", "\xff\0", None])
def test_garbled_checksums_are_named(small, tmp_path, text):
    """…also where only the line of one file is: nothing is used unchecked, or called damaged."""
    sums = tmp_path / "data" / "SHA256SUMS"
    whole = sums.read_text()
    sums.write_text(whole.replace("  MNIST/raw/t10k-l", "  t10k-l") if text is None else text)
    fill(tmp_path / "data")
    with pytest.raises(DataError, match="SHA256SUMS is damaged: it has no checksum of"):
        load_images("mnist")
    assert not list((tmp_path / "data").rglob("*.damaged"))


# Images and batches


def test_images_that_cannot_be_are_refused():
    good, labels = torch.zeros(3, 1, 28, 28, dtype=torch.uint8), torch.tensor([0, 1, 2])
    for bad, words in [
        ((good[:, 0], labels), "shape"),
        ((good[..., :27], labels), "shape"),
        ((good.float(), labels), "uint8"),
        ((good, labels[:2]), "one an image"),
        ((good, labels.int()), "int64"),
        ((good, labels + 8), "labels from 8 to 10"),
        ((good, labels - 1), "labels from -1 to 1"),
        ((good[:0], labels[:0]), "empty"),
    ]:
        with pytest.raises(ValueError, match=words):
            Images(*bad, CLASSES["mnist"], "mnist")


def test_images_are_chosen_by_slices_and_indices():
    train, _ = load_images("digits")
    assert len(train[:100]) == 100 and len(train[train.labels == 3]) == (train.labels == 3).sum()
    assert torch.equal(train[[5, 2]].labels, train.labels[[5, 2]])
    with pytest.raises(TypeError, match=r"\[3:4\]"):
        train[3]
    with pytest.raises(ValueError, match="empty"):
        train[5:5]


@pytest.mark.parametrize(
    ("pad", "mean", "std"), [(2, 0.5, 1.0), (0, 0.5, 0.5), (3, 0.1307, 0.3081)]
)
def test_batches_are_those_of_torchvision(pad, mean, std):
    """Bit for bit with ToTensor; v2's ToDtype multiplies by 1/255 and differs in the last bit."""
    train, _ = load_images("digits")
    x, y = next(batches(train, 50, pad=pad, mean=mean, std=std))
    assert x.dtype == torch.float32 and y.dtype == torch.int64
    assert torch.equal(y, train.labels[:50])
    pictures = [Image.fromarray(image.numpy()) for image in train.images[:50, 0]]
    old = transforms.Compose(
        [transforms.Pad(pad), transforms.ToTensor(), transforms.Normalize((mean,), (std,))]
    )
    assert torch.equal(x, torch.stack([old(picture) for picture in pictures]))
    new = v2.Compose(
        [
            v2.Pad(pad),
            v2.ToImage(),
            v2.ToDtype(torch.float32, scale=True),
            v2.Normalize([mean], [std]),
        ]
    )
    torch.testing.assert_close(x, torch.stack([new(picture) for picture in pictures]))


def test_images_can_be_compared_without_an_error():
    train, test = load_images("digits")
    assert train == train and train != test


def test_batches_cover_everything_once():
    train, _ = load_images("digits")
    sizes = [len(y) for _, y in batches(train, 100)]
    assert sizes == [100] * 14 + [37]
    shuffled = [torch.cat([y for _, y in batches(train, 100, shuffle=True)]) for _ in range(2)]
    assert not torch.equal(*shuffled)
    assert torch.equal(shuffled[0].sort()[0], train.labels.sort()[0])


def test_a_generator_decides_the_order():
    train, _ = load_images("digits")
    orders = []
    for _ in range(2):
        generator = torch.Generator().manual_seed(7)
        orders.append([y for _, y in batches(train, 500, shuffle=True, generator=generator)])
    assert all(map(torch.equal, *orders))


def test_batches_change_nothing():
    train, _ = load_images("digits")
    before = train.images.clone()
    for _ in batches(train, 100, shuffle=True):
        pass
    assert torch.equal(train.images, before)


@pytest.mark.parametrize("number", [np.float32, np.float64, np.array, torch.tensor])
def test_batches_take_numbers_of_numpy_and_torch(number):
    """Such as a reader computes from the images themselves."""
    train, _ = load_images("digits")
    whole = np.int64 if number in (np.float32, np.float64) else number
    x, _ = next(batches(train, 10, pad=whole(1), mean=number(0.5), std=number(0.25)))
    assert torch.equal(x, next(batches(train, 10, pad=1, mean=0.5, std=0.25))[0])


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"size": 0}, "at least 1"),
        ({"std": 0}, "above 0"),
        ({"std": float("nan")}, "above 0"),
        ({"std": torch.tensor(0.0)}, r"above 0.* got tensor\(0\.\)"),
        ({"pad": 1.0}, "pad has to be a whole number from 0 to 100; got 1.0"),
        ({"pad": np.True_}, "pad has to be a whole number"),
        ({"mean": torch.zeros(1, 28, 28)}, "mean has to be a finite number; got tensor"),
    ],
)
def test_batches_that_cannot_be_are_refused(given, words):
    with pytest.raises(ValueError, match=words):
        next(batches(load_images("digits")[0], **({"size": 10} | given)))


@pytest.mark.skipif(not os.environ.get("COURSE_DATA_DIR"), reason="needs COURSE_DATA_DIR")
def test_the_shared_folder_is_read_as_torchvision_reads_it(request):
    if not request.config.real_images:
        pytest.skip("needs MNIST and FashionMNIST in COURSE_DATA_DIR")
    for name, folder in sources.FOLDERS.items():
        train, test = load_images(name)
        for mine, is_train in ((train, True), (test, False)):
            theirs = getattr(datasets, folder)(os.environ["COURSE_DATA_DIR"], is_train)
            assert torch.equal(mine.images[:, 0], theirs.data)
            assert torch.equal(mine.labels, theirs.targets)
        # torchvision writes "T-shirt/top" as here, and MNIST's digits as "0 - zero"
        assert [c[0] for c in mine.classes] == [c[0] for c in theirs.classes]


# Augmentation


def test_flips_and_shifts():
    """Each image comes back as one of the 50 that a mirror and a shift by up to 2 can give."""
    torch.manual_seed(0)
    x = torch.rand(400, 2, 6, 5) + 0.1
    x[0, 0, 0, 0] = -1.0  # the darkest value anywhere: what comes in at the edges
    y = flip_and_shift(x)
    assert y.shape == x.shape and y.dtype == x.dtype
    framed = F.pad(torch.stack([x, x.flip(-1)]), (2, 2, 2, 2), value=-1.0)  # (2, N, C, 10, 9)
    all_ways = [
        framed[mirrored, :, :, down : down + 6, right : right + 5]
        for mirrored in (0, 1)
        for down in range(5)
        for right in range(5)
    ]
    same = torch.stack([(way == y).flatten(1).all(dim=1) for way in all_ways])  # (50, N)
    assert (same.sum(dim=0) == 1).all()
    assert same.any(dim=1).all()  # in 400 images each way occurs
    assert 140 < same[25:].sum() < 260  # and half of them are mirrored
