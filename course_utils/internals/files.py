"""Files that may be damaged, and copies of them that nobody else can alter."""

import contextlib
import hashlib
import os
import stat
import tempfile
from collections.abc import Callable
from pathlib import Path

import numpy as np

#: No data file has more bytes than this; a larger one is not even read.
LARGEST = 50_000_000


class Fault(Exception):
    """What is wrong with a file, in words that go on after its name: "is missing"."""


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


def load_private_copy(path: Path, sha256: str, size: int) -> np.ndarray:
    """A file's bytes, uint8, that no later change of it can reach: a map of a verified copy.

    The copy is of this user, of root or of the file's owner; where none can be kept, the bytes are
    in memory. Raises Fault for a file that is not the one that sha256 and size tell.
    """
    own = os.geteuid() if hasattr(os, "geteuid") else 0  # Windows tells no owners
    copies = {
        owner: Path(tempfile.gettempdir(), f"course-images-{owner}", sha256)
        for owner in (0, path.stat().st_uid, own)
    }
    for owner, copy in copies.items():
        if (mapped := _mapped(copy, owner, sha256, size)) is not None:
            return mapped
    content = read(path, sha256, size)
    keep(content, copies[own])
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


def keep(content: bytes, copy: Path) -> None:
    """Keep a copy that all may read and nobody may write; nothing is raised where that fails."""
    with contextlib.suppress(OSError):
        copy.parent.mkdir(exist_ok=True)
        copy.parent.chmod(0o755)  # an error where the folder is another's
        write(content, copy, os.link)  # an error where another kernel was quicker
        copy.chmod(0o444)


def write(content: bytes, path: Path, put: Callable[[Path, Path], None]) -> None:
    """Write a file whole or not at all: under another name, from which it is then put."""
    fresh = path.with_name(f"{path.name}-{os.getpid()}")
    try:
        with fresh.open("xb") as file:
            file.write(content)
        put(fresh, path)
    finally:
        with contextlib.suppress(OSError):
            fresh.unlink()
