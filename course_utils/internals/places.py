"""Where the course's own files are, and where those of a reader go.

The course's lie in its checkout, or in the package itself where pip has installed that alone. A
reader's go to the checkout where it is theirs. Where it is another's, or only the package is
installed, they go to the folder that the system keeps for a user's data: many may share the course.
"""

import contextlib
import errno
import os
import re
from collections.abc import Iterator
from pathlib import Path

PACKAGE = Path(__file__).resolve().parents[1]
#: Whether data/ and notebooks/ are beside the package; a wheel has them inside (pyproject.toml).
IN_CHECKOUT = not (PACKAGE / "data").is_dir()
#: The folder that holds them.
COURSE = PACKAGE.parent if IN_CHECKOUT else PACKAGE


class PlaceError(OSError):
    """A folder for a reader's files that cannot be used. The message says what to do."""


def how_to_restore(files: str) -> str:
    """What brings files back that came with the course; files: such as "data/SHA256SUMS"."""
    if IN_CHECKOUT:
        return f"`git checkout {files}`, in its folder,"
    return "installing it again, with pip's `--force-reinstall`,"


def readers_folder() -> Path:
    """The folder that holds a reader's ``runs/``, and a ``data/`` for what they download."""
    if IN_CHECKOUT and is_own(COURSE) and is_writable(COURSE):
        return COURSE
    from platformdirs import user_data_path

    return user_data_path("course_utils", appauthor=False)


def runs() -> Path:
    """The folder of a reader's own results, which there may be or not.

    COURSE_RUNS_DIR where that is set; otherwise ``runs/`` in `readers_folder`. Where that folder
    is another user's, it is one in it that has the number of this user.

    Raises PlaceError for a COURSE_RUNS_DIR with a user or a variable that there is not.
    """
    folder = folder_of_variable("COURSE_RUNS_DIR", "runs")
    return folder if is_own(folder) else folder / f"user-{os.geteuid()}"


def runs_folder() -> Path:
    """Where a reader's own results are kept, made if need be: COURSE_RUNS_DIR, else ``runs/``.

    ``runs/`` is in the checkout where that is the reader's, otherwise in the user's folder for
    data. A COURSE_RUNS_DIR that is not absolute starts there too, wherever the lesson runs.

    Raises PlaceError where it cannot be written to.
    """
    return make_folder(runs())


def make_folder(folder: Path) -> Path:
    """The folder, made if need be. Raises PlaceError where it cannot be written to."""
    with writing(folder):
        folder.mkdir(parents=True, exist_ok=True)
        if not is_writable(folder):
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))
    return folder


@contextlib.contextmanager
def writing(path: Path) -> Iterator[None]:
    """Raises PlaceError, with what to do, for an error of the system while a file is written."""
    try:
        yield
    except OSError as error:
        raise PlaceError(
            f"{path} cannot be written to ({error.strerror or error}). It has to be in a folder of "
            "your own, with room in it. The folder of what you train is named by COURSE_RUNS_DIR: "
            "in a notebook, `%env COURSE_RUNS_DIR=~/my_runs`."
        ) from None


def folder_of_variable(variable: str, default: str | Path) -> Path:
    """The folder that a variable of the environment names, with ~ and $NAMES put in.

    variable: COURSE_RUNS_DIR or COURSE_DATA_DIR. A path that is not absolute starts at
    `readers_folder`, and with COURSE_DATA_DIR at the checkout, where there is one.

    Raises PlaceError for a home or a variable that there is not.
    """
    text = os.environ.get(variable) or default
    path = os.path.expanduser(os.path.expandvars(text))
    missing = re.match(r"~[^/\\]*", path) or re.search(r"\$(\w+|\{\w+\})", path)
    if missing and not os.path.exists(path):
        raise PlaceError(
            f"{variable} is {text}, which cannot be read, as there is no {missing[0]}: set it to "
            "the path of a folder."
        )
    at_course = IN_CHECKOUT and variable == "COURSE_DATA_DIR"
    return Path(COURSE if at_course else readers_folder(), path)


def is_own(path: Path) -> bool:
    """Whether a file is this user's, or there is none. (Windows tells no owners.)"""
    try:
        return not hasattr(os, "geteuid") or path.stat().st_uid == os.geteuid()
    except OSError:
        return True


def is_writable(folder: Path) -> bool:
    """Whether this user may make files in a folder."""
    effective = os.access in os.supports_effective_ids
    return os.access(folder, os.W_OK | os.X_OK, effective_ids=effective)
