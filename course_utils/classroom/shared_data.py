"""`fetch-data`: the folder of a class that holds MNIST and FashionMNIST, for COURSE_DATA_DIR."""

import os
import shlex
import stat
from collections.abc import Iterator
from pathlib import Path

from course_utils import sources
from course_utils.classroom.commands import Refusal
from course_utils.internals import downloads, places
from course_utils.internals.files import Fault, read, write
from course_utils.sources import FILES, FOLDERS, DataError


def fetch(folder: Path) -> Iterator[str]:
    """Fill a folder with both data sets, in torchvision's layout; yields what was done.

    Files come from where a lesson finds them on this machine, or are downloaded. Each is verified,
    also those that were there before, and all users may read them.

    Raises Refusal for a folder that cannot be filled, one that holds a file that is not the data
    set's, and where images can be had from nowhere.
    """
    folder = folder.expanduser().absolute()
    _check(folder)
    try:
        if not folder.exists():
            folder.mkdir(parents=True)
            folder.chmod(0o755)
        for name in FOLDERS:
            yield _fill(folder, name)
            _let_all_read(folder / FOLDERS[name])
    except KeyboardInterrupt:
        raise Refusal(f"{folder} is not filled yet: run this again, and it goes on.") from None
    except (DataError, places.PlaceError) as error:
        raise Refusal(str(error)) from None
    except OSError as error:
        raise Refusal(
            f"{folder} cannot be written to ({error.strerror}): name a folder of your own, with "
            "120 MB of room. What arrived whole stays, and is not fetched again."
        ) from None
    if closed := _closed(folder):
        yield f"Others cannot look into {closed} yet: `chmod a+rx {shlex.quote(str(closed))}`."
    yield f"For the class, before JupyterLab starts: {_setting(folder)}"


def _check(folder: Path) -> None:
    """Refuse what is not ours before anything is written."""
    if folder.exists() and not folder.is_dir():
        raise Refusal(f"{folder} is a file: name a folder, which is made where there is none.")
    for name, set_folder in FOLDERS.items():
        raw = folder / set_folder / "raw"
        for file, fault in sources.find_faults(raw, name).items():
            if fault != "is missing":
                raise Refusal(
                    f"{raw / file} {fault}. It stays as it is: move it to another place, or name "
                    "another folder, and run this again."
                )


def _fill(folder: Path, name: str) -> str:
    """Put the missing files of a data set in their place; what was done, in a line."""
    raw = folder / FOLDERS[name] / "raw"
    missing = sources.find_faults(raw, name)
    if not missing:
        return f"{raw}: all {len(FILES)} files are there, and verified."
    at_hand = _at_hand(folder, name)
    if at_hand:
        _copy(at_hand, raw, name, missing)
        source = f"copied from {at_hand}"
    else:
        try:
            downloads.download(name, folder)
        except downloads.Unreachable as reason:
            raise Refusal(
                f"{name} is not on this machine, and could not be downloaded: {reason} README.md, "
                'section "Where the images come from", names other ways. What arrived whole stays.'
            ) from None
        source = "downloaded"
    count = "1 file" if len(missing) == 1 else f"{len(missing)} files"
    size = sum(FILES[file] for file in missing) / 1e6
    return f"{raw}: {count}, {size:,.0f} MB, {source}, and verified."


def _at_hand(folder: Path, name: str) -> Path | None:
    """Where this machine has a data set; COURSE_DATA_DIR may be set to the folder already."""
    asked = os.environ.get("COURSE_DATA_DIR")
    if not asked or asked == "digits" or places.folder_of_variable("COURSE_DATA_DIR", "") == folder:
        return sources.find_own_images(name)
    return sources.find_images(name)


def _copy(source: Path, raw: Path, name: str, missing: dict[str, str]) -> None:
    sums = sources.checksums()
    raw.mkdir(parents=True, exist_ok=True)
    for file in missing:
        try:
            content = read(source / file, sums[f"{FOLDERS[name]}/raw/{file}"], FILES[file])
        except Fault as fault:
            raise Refusal(f"{source / file} {fault}. Run this again.") from None
        write(content, raw / file, os.replace)


def _let_all_read(place: Path) -> None:
    """Whatever the user's own mask says."""
    for path in (place, *place.rglob("*")):
        if places.is_own(path):
            path.chmod(path.stat().st_mode | (0o555 if path.is_dir() else 0o444))


def _closed(folder: Path) -> Path | None:
    """The first folder on the way that other users of the machine may not look into."""
    everybody = stat.S_IROTH | stat.S_IXOTH
    if os.name == "nt":  # has no such permissions
        return None
    for path in (*reversed(folder.parents), folder):
        mode = path.stat().st_mode
        if mode & everybody != everybody and (path == folder or not mode & stat.S_IXOTH):
            return path
    return None


def _setting(folder: Path) -> str:
    """The line that a terminal takes."""
    if os.name == "nt":
        return f'setx COURSE_DATA_DIR "{folder}"'
    return f"export COURSE_DATA_DIR={shlex.quote(str(folder))}"
