"""A folder that cannot be written to, also where the tests are run as root."""

import contextlib
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

NOBODY = 65534


@contextlib.contextmanager
def locked_folder(fill: Callable[[Path], object] = lambda folder: None) -> Iterator[Path]:
    """Such a folder, with what `fill` puts there; root, who can always write, steps down for it."""
    folder = Path(tempfile.mkdtemp(prefix="course-", dir="/tmp"))
    fill(folder)
    folder.chmod(0o555)
    is_root = hasattr(os, "geteuid") and os.geteuid() == 0
    if is_root:
        os.seteuid(NOBODY)
    try:
        with pytest.raises(OSError):
            (folder / "probe").touch()
        yield folder
    finally:
        if is_root:
            os.seteuid(0)
        folder.chmod(0o755)
        shutil.rmtree(folder)
