"""Where data files are looked for, and how they are checked."""

import contextlib
import gzip
import hashlib
import os
import re
import stat
import tempfile
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np

ROOT = Path(__file__).resolve().parent.parent
DATA = ROOT / "data"

#: The folder of each data set, which is also the name of its class in torchvision.datasets.
FOLDERS = {"mnist": "MNIST", "fashion-mnist": "FashionMNIST"}

#: The raw files of each, in torchvision's layout, with their sizes in bytes.
FILES = {
    "train-images-idx3-ubyte": 47_040_016,
    "train-labels-idx1-ubyte": 60_008,
    "t10k-images-idx3-ubyte": 7_840_016,
    "t10k-labels-idx1-ubyte": 10_008,
}

#: No data file has more bytes than this; a larger one is not even read.
LARGEST = 50_000_000


class DataError(RuntimeError):
    """A data file or folder that cannot be used. The message says which, and what to do."""


class Fault(Exception):
    """What is wrong with a file, in words that go on after its name: "is missing"."""


def checksums() -> dict[str, str]:
    """The SHA-256 of each data file by its path in data/: what data/SHA256SUMS holds.

    Raises DataError where that is missing, or has no line for a file that lessons use.
    """
    text = read_shipped("SHA256SUMS").decode("utf-8", errors="replace")
    lines = re.findall(r"^([0-9a-f]{64})  (\S+)\s*$", text, re.MULTILINE)
    sums = {file: sha256 for sha256, file in lines}
    raw = [f"{folder}/raw/{file}" for folder in FOLDERS.values() for file in FILES]
    for file in ["digits.npz", *raw]:
        if file not in sums:
            raise _shipped_error("SHA256SUMS", f"is damaged: it has no checksum of {file}")
    return sums


def read_shipped(file: str) -> bytes:
    """The contents of a file that comes with the course, by its path in ``data/``.

    Raises DataError where it is missing or damaged, saying how to get it back.
    """
    try:
        return read(DATA / file, None if file == "SHA256SUMS" else checksums()[file])
    except Fault as fault:
        raise _shipped_error(file, fault) from None


def _shipped_error(file: str, fault: object) -> DataError:
    return DataError(
        f"{DATA / file} {fault}. It ships with the course: "
        f"`git checkout data/{file}` brings it back, or a fresh copy of the course."
    )


def read(path: Path, sha256: str | None = None, size: int | None = None) -> bytes:
    """The contents of a file, whose SHA-256 and size in bytes are checked where they are given.

    Raises Fault for anything else than an ordinary file that holds just that.
    """
    try:
        found = path.stat()
        if stat.S_ISDIR(found.st_mode):
            raise Fault("is damaged: it is a folder")
        if not stat.S_ISREG(found.st_mode):
            raise Fault("is damaged: it is a pipe or a device, which may never end")
        if found.st_size > LARGEST or size not in (None, found.st_size):
            expected = f"at most {LARGEST:,}" if size is None else f"{size:,}"
            raise Fault(f"is damaged: it has {found.st_size:,} bytes and should have {expected}")
        content = path.read_bytes()
    except FileNotFoundError:
        raise Fault("is missing") from None
    except OSError as error:
        raise Fault(f"cannot be read ({error.strerror})") from None
    if sha256 not in (None, hashlib.sha256(content).hexdigest()):
        raise Fault("is damaged: its contents (SHA-256) are not those that data/SHA256SUMS tells")
    return content


def runs_folder() -> Path:
    """Where a student's own results are kept: COURSE_RUNS_DIR, or ``runs/`` beside data/.

    A path that is not absolute starts at the course's folder, wherever the lesson runs.
    """
    return Path(ROOT, os.path.expanduser(os.environ.get("COURSE_RUNS_DIR") or "runs"))


def find_images(name: str) -> Path | None:
    """The folder on this machine that holds the verified raw files of a data set, or None.

    name: "mnist" or "fashion-mnist". Looks in COURSE_DATA_DIR where that is set, otherwise in
    ``data/``, and downloads nothing. A damaged file in ``data/`` is set aside under a name that
    ends in ``.damaged``, and one that was put there packed, under the name that some web sites
    give it, or a folder too high, is brought to its place; a printed sentence says so.

    Raises DataError for a COURSE_DATA_DIR that is missing, or holds a missing or damaged file.
    """
    shared = os.environ.get("COURSE_DATA_DIR")
    if shared == "digits":
        return None
    if shared:
        try:
            return _shared_images(shared, name)
        except (OSError, RuntimeError) as error:
            if isinstance(error, DataError):
                raise
            raise DataError(f"COURSE_DATA_DIR is {shared}, and cannot be read: {error}") from None
    folder = DATA / FOLDERS[name] / "raw"
    faults = find_faults(folder, name)
    for file, fault in faults.items():
        if fault.startswith("is damaged"):
            _set_aside(folder / file, fault)
        any(_bring(path, folder / file, name) for path in _put_elsewhere(DATA, name, file))
    return None if faults and find_faults(folder, name) else folder


def _shared_images(shared: str, name: str) -> Path:
    root = Path(ROOT, Path(shared).expanduser()).resolve()
    folder = root / FOLDERS[name] / "raw"
    advice = (
        "Correct the folder, or unset COURSE_DATA_DIR and the images are looked for in data/ "
        "and on the internet; COURSE_DATA_DIR=digits uses the digits that ship with the course."
    )
    for file, fault in find_faults(folder, name).items():
        place = f"{FOLDERS[name]}/raw/{file}"
        for path in _put_elsewhere(root, name, file):
            form = ", unpacked" if path.suffix == ".gz" else ""
            raise DataError(
                f"{root / place} {fault}. There is {path}, but COURSE_DATA_DIR, which is "
                f"{shared}, has to hold it{form} as {place}. {advice}"
            )
        if not folder.is_dir():
            missing = folder if root.is_dir() else root
            raise DataError(
                f"COURSE_DATA_DIR is {shared}, but there is no folder {missing}. {advice}"
            )
        held = ", ".join(sorted(path.name for path in folder.iterdir())) or "nothing"
        raise DataError(f"{root / place} {fault}. The folder holds: {held}. {advice}")
    return folder


def _put_elsewhere(root: Path, name: str, file: str) -> Iterator[Path]:
    """What may be a raw file that was put under root by hand, but not in its place and form."""
    folder = root / FOLDERS[name] / "raw"
    for place in (folder, folder.parent, root):
        for file_name in (file, file.replace("-idx", ".idx")):  # as on some web sites
            for path in (place / file_name, place / f"{file_name}.gz"):
                if path != folder / file and path.is_file():
                    yield path


def _bring(path: Path, place: Path, name: str) -> bool:
    """Whether a file that was put elsewhere is the one that is missing, and is now in its place."""
    size, sha256 = FILES[place.name], checksums()[f"{FOLDERS[name]}/raw/{place.name}"]
    try:
        with gzip.open(path) if path.suffix == ".gz" else path.open("rb") as file:
            content = file.read(size + 1)
        if hashlib.sha256(content).hexdigest() != sha256:
            raise Fault(f"it holds something else than {FOLDERS[name]}/raw/{place.name}")
        place.parent.mkdir(parents=True, exist_ok=True)
        _write(content, place, os.replace)
    except (Fault, OSError, EOFError, zlib.error) as error:
        print(f"{place} is missing, and {path} cannot be used for it: {error}.")
        return False
    print(f"{path} has been checked, and brought to {place}.")
    return True


def find_faults(folder: Path, name: str) -> dict[str, str]:
    """What is wrong with each raw file that cannot be used; empty when all can."""
    faults, sums = {}, checksums()
    for file, size in FILES.items():
        try:
            read(folder / file, sums[f"{FOLDERS[name]}/raw/{file}"], size)
        except Fault as fault:
            faults[file] = str(fault)
    return faults


def load_raw(folder: Path, name: str) -> dict[str, np.ndarray]:
    """The raw files of a data set: uint8 arrays that no later change of the files can reach.

    A shared file may be written anew or cut short while a lesson trains on it, and a map of it
    would follow: its images would turn black, or the kernel would die. So the arrays are maps
    of verified copies, in a folder of the reader's own among the machine's temporary files: in
    memory once, for all kernels. Copies of root and of the owner of the shared files serve the
    other users of the machine as well. Where no copy can be kept, the arrays are in memory.

    Raises DataError for a file that has changed since it was found.
    """
    raw, sums = {}, checksums()
    for file, size in FILES.items():
        try:
            raw[file] = _out_of_reach(folder / file, sums[f"{FOLDERS[name]}/raw/{file}"], size)
        except (Fault, OSError) as fault:
            raise DataError(
                f"{folder / file} has changed while it was read ({fault}). Load the images again."
            ) from None
    return raw


def _out_of_reach(path: Path, sha256: str, size: int) -> np.ndarray:
    own = os.geteuid() if hasattr(os, "geteuid") else 0  # Windows tells no owners
    copies = {
        owner: Path(tempfile.gettempdir(), f"course-images-{owner}", sha256)
        for owner in (0, path.stat().st_uid, own)
    }
    for owner, copy in copies.items():
        if (mapped := _mapped(copy, owner, sha256, size)) is not None:
            return mapped
    content = read(path, sha256, size)
    _keep(content, copies[own])
    mapped = _mapped(copies[own], own, sha256, size)
    return np.frombuffer(bytearray(content), np.uint8) if mapped is None else mapped


def _mapped(copy: Path, owner: int, sha256: str, size: int) -> np.ndarray | None:
    """A verified copy that only its owner can alter. What is done to the array stays in it."""
    try:
        if {copy.parent.stat().st_uid, copy.stat().st_uid} == {owner}:
            read(copy, sha256, size)
            return np.memmap(copy, np.uint8, mode="c")
    except Fault:
        with contextlib.suppress(OSError):
            copy.unlink()
    except OSError:
        pass
    return None


def _keep(content: bytes, copy: Path) -> None:
    with contextlib.suppress(OSError):
        copy.parent.mkdir(exist_ok=True)
        copy.parent.chmod(0o755)  # an error where the folder is another's
        _write(content, copy, os.link)  # an error where another kernel was quicker
        copy.chmod(0o444)


def _write(content: bytes, path: Path, put: Callable[[Path, Path], None]) -> None:
    """Write a file whole or not at all: under another name, from which it is then put."""
    fresh = path.with_name(f"{path.name}-{os.getpid()}")
    try:
        with fresh.open("xb") as file:
            file.write(content)
        put(fresh, path)
    finally:
        with contextlib.suppress(OSError):
            fresh.unlink()


def _set_aside(path: Path, fault: str) -> None:
    aside = path.with_name(path.name + ".damaged")
    try:
        path.replace(aside)
    except OSError as error:
        print(f"{path} {fault}. It is not used, and could not be set aside ({error.strerror}).")
    else:
        print(f"{path} {fault}. It is not used; it is kept as {aside.name}.")
