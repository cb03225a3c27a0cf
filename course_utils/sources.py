"""Where data files are looked for, and how they are checked."""

import gzip
import hashlib
import os
import re
import zlib
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from course_utils.internals import places
from course_utils.internals.files import Fault, load_private_copy, read, write
from course_utils.internals.places import runs_folder as runs_folder  # lessons take it from here

DATA = places.COURSE / "data"

#: The folder of each data set, which is also the name of its class in torchvision.datasets.
FOLDERS = {"mnist": "MNIST", "fashion-mnist": "FashionMNIST"}

#: The raw files of each, in torchvision's layout, with their sizes in bytes.
FILES = {
    "train-images-idx3-ubyte": 47_040_016,
    "train-labels-idx1-ubyte": 60_008,
    "t10k-images-idx3-ubyte": 7_840_016,
    "t10k-labels-idx1-ubyte": 10_008,
}


class DataError(RuntimeError):
    """A data file or folder that cannot be used. The message says which, and what to do."""


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
        f"{places.how_to_restore(f'data/{file}')} brings it back, or a fresh copy of the course."
    )


def downloads_folder() -> Path:
    """Where downloads land: the checkout's ``data/`` where it can be written, else the reader's."""
    if places.IN_CHECKOUT and places.is_writable(DATA):
        return DATA
    return places.readers_folder() / "data"


def find_images(name: str) -> Path | None:
    """The folder on this machine that holds the verified raw files of a data set, or None.

    name: "mnist" or "fashion-mnist". Looks in COURSE_DATA_DIR where that is set, otherwise in
    ``data/`` and where downloads land, and downloads nothing. A damaged file there is set aside
    under a name that ends in ``.damaged``, and one that was put there packed, under the name that
    some web sites give it, or a folder too high, is brought to its place; a printed sentence says
    so.

    Raises DataError for a COURSE_DATA_DIR that is missing, or holds a missing or damaged file.
    """
    shared = os.environ.get("COURSE_DATA_DIR")
    if shared == "digits":
        return None
    if shared:
        try:
            return _shared_images(shared, name)
        except places.PlaceError as error:
            raise DataError(str(error)) from None
        except (OSError, RuntimeError) as error:
            if isinstance(error, DataError):
                raise
            raise DataError(f"COURSE_DATA_DIR is {shared}, and cannot be read: {error}") from None
    return find_own_images(name)


def find_own_images(name: str) -> Path | None:
    """`find_images` without COURSE_DATA_DIR: in ``data/``, and where downloads land."""
    for root in dict.fromkeys((DATA, downloads_folder())):
        folder = root / FOLDERS[name] / "raw"
        faults = find_faults(folder, name)
        for file, fault in faults.items():
            if fault.startswith("is damaged"):
                _set_aside(folder / file, fault)
            any(_bring(path, folder / file, name) for path in _put_elsewhere(root, name, file))
        if not faults or not find_faults(folder, name):
            return folder
    return None


def _shared_images(shared: str, name: str) -> Path:
    root = places.folder_of_variable("COURSE_DATA_DIR", DATA).resolve()
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
        write(content, place, os.replace)
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
            raw[file] = load_private_copy(folder / file, sums[f"{FOLDERS[name]}/raw/{file}"], size)
        except (Fault, OSError) as fault:
            raise DataError(
                f"{folder / file} has changed while it was read ({fault}). Load the images again."
            ) from None
    return raw


def _set_aside(path: Path, fault: str) -> None:
    aside = path.with_name(path.name + ".damaged")
    try:
        path.replace(aside)
    except OSError as error:
        print(f"{path} {fault}. It is not used, and could not be set aside ({error.strerror}).")
    else:
        print(f"{path} {fault}. It is not used; it is kept as {aside.name}.")
