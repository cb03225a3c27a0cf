"""Downloading a data set: only whole and verified files are kept, and every failure is told."""

import contextlib
import http.client
import os
import queue
import shutil
import tempfile
import threading
import time
import urllib.error
import urllib.parse
import urllib.request
import zlib
from pathlib import Path

from tqdm.auto import tqdm

from course_utils import sources
from course_utils.internals import places
from course_utils.sources import FOLDERS, DataError

#: The web folders that hold the raw files of each data set, packed; torchvision knows the same.
WEB_FOLDERS = {
    "mnist": (
        "https://ossci-datasets.s3.amazonaws.com/mnist/",
        "http://yann.lecun.com/exdb/mnist/",
    ),
    "fashion-mnist": ("http://fashion-mnist.s3-website.eu-central-1.amazonaws.com/",),
}

#: How long a server may take to answer before it is passed over.
PROBE_SECONDS = 2
#: How long it may then keep silent.
READ_SECONDS = 10
#: How long a silent server is not asked again.
SILENCE_SECONDS = 3600

_FAILURES = (OSError, ValueError, http.client.HTTPException, zlib.error, sources.Fault)


class Unreachable(Exception):
    """Why a data set could not be had. The message is for the reader."""


def download(name: str, root: Path | None = None) -> Path:
    """Download the missing raw files of a data set; the folder that then holds them all.

    name: "mnist" or "fashion-mnist".
    root: where to, in torchvision's layout; by default `sources.downloads_folder`.

    COURSE_MIRROR names a web folder to download from instead
    of the usual ones: it holds MNIST/train-images-idx3-ubyte.gz and so on, and FashionMNIST/….
    A server that keeps silent is not asked again for an hour. Other failures show at once, so
    they are not remembered.

    Raises Unreachable where that fails, with the reason of each server, or as the reader
    interrupts it, and DataError for a COURSE_MIRROR that is not the address of a web folder.
    """
    if root is None and os.environ.get("COURSE_DATA_DIR") == "digits":
        raise Unreachable("COURSE_DATA_DIR=digits asks for that.")
    root, problems = root or sources.downloads_folder(), []
    folder = root / FOLDERS[name] / "raw"
    try:
        root.mkdir(parents=True, exist_ok=True)
        _remove_abandoned(root)
        for web_folder in _mirror(name) or WEB_FOLDERS[name]:
            try:
                _download_from(web_folder, name, root)
            except Unreachable as problem:
                problems.append(str(problem))
            if not sources.find_faults(folder, name):  # perhaps thanks to another process
                return folder
    except KeyboardInterrupt:
        raise Unreachable("you have interrupted the download.") from None
    except OSError as error:
        raise Unreachable(f"{folder} cannot be written to ({error}).") from None
    raise Unreachable("; ".join(problems) + ".")


def _mirror(name: str) -> list[str]:
    """The web folder in COURSE_MIRROR, which is never repeated: a password may stand in it."""
    mirror = os.environ.get("COURSE_MIRROR")
    if not mirror:
        return []
    try:
        parts = urllib.parse.urlsplit(mirror)
        fits = parts.scheme in ("http", "https") and parts.hostname and parts.port != 0
    except ValueError:  # brackets around what is no IPv6 address, or a port that is no number
        fits = False
    if not fits or not all("!" <= letter <= "~" and letter not in "@?#\\" for letter in mirror):
        raise DataError(
            "COURSE_MIRROR is not the address of a web folder. It has to begin with http:// or "
            "https:// and the name of a server, as http://school.example/data does, and to have "
            "no user name or password, no ? or #, and no spaces or accents (write %20 and so on)."
        )
    return [f"{mirror.rstrip('/')}/{FOLDERS[name]}/"]


def _download_from(web_folder: str, name: str, root: Path) -> None:
    folder = root / FOLDERS[name] / "raw"
    if silence := _remembered(web_folder):
        raise Unreachable(silence)
    sums, patience = sources.checksums(), PROBE_SECONDS
    with tempfile.TemporaryDirectory(prefix="download-", dir=root) as fresh:
        for file in sources.find_faults(folder, name):
            url = f"{web_folder}{file}.gz"
            size = sources.FILES[file]
            arrived = Path(fresh, file)
            try:
                _fetch(url, arrived, size, patience)
                sources.read(arrived, sums[f"{FOLDERS[name]}/raw/{file}"], size)
            except _FAILURES as error:
                if isinstance(error, TimeoutError):
                    _remember(web_folder, error)
                way = " through this machine's proxy" if _has_proxy(url) else ""
                problem = f"the download of {url}{way} failed ({_reason(error)})"
                raise Unreachable(problem) from None
            folder.mkdir(parents=True, exist_ok=True)
            arrived.replace(folder / file)
            patience = READ_SECONDS


def _reason(error: Exception) -> str:
    if isinstance(error, sources.Fault):
        return f"what arrived {error}"
    if isinstance(error, zlib.error):
        return f"what arrived is no whole gzip file, but perhaps a page to log in: {error}"
    if isinstance(error, http.client.InvalidURL | ValueError) and not isinstance(error, OSError):
        return "the address of a proxy or a redirection cannot be one"  # it may hold a password
    cause = error.reason if type(error) is urllib.error.URLError else error
    return " ".join(str(cause).split())[:200]


def _remove_abandoned(root: Path) -> None:
    """Remove what downloads left behind whose process was killed, a day after."""
    for abandoned in root.glob("download-*"):
        with contextlib.suppress(OSError):  # another process may be as quick
            if time.time() - abandoned.stat().st_mtime > 86_400:
                shutil.rmtree(abandoned, ignore_errors=True)


def _fetch(url: str, target: Path, size: int, patience: float) -> None:
    """Download and unpack one file, with a bar that shows the speed, and never more than size."""
    unpack, received = zlib.decompressobj(wbits=31), 0  # 31 stands for gzip
    with (
        _open(url, patience) as answer,
        target.open("wb") as file,
        tqdm(desc=target.name, total=answer.length, unit="B", unit_scale=True, leave=False) as bar,
    ):
        while not unpack.eof and (chunk := answer.read1(1 << 16)):
            file.write(unpack.decompress(chunk))
            bar.update(len(chunk))
            received += len(chunk)
            if file.tell() > size or received > 2 * size:
                raise sources.Fault(f"is damaged: it has more than {size:,} bytes")


def _open(url: str, patience: float) -> http.client.HTTPResponse:
    answers: queue.SimpleQueue[http.client.HTTPResponse | Exception] = queue.SimpleQueue()

    def ask() -> None:
        request = urllib.request.Request(url, headers={"User-Agent": "course_utils"})
        try:  # urlopen itself would keep to the proxy of the first call
            answers.put(urllib.request.build_opener().open(request, timeout=READ_SECONDS))
        except Exception as error:
            answers.put(error)

    # In a thread, as looking up a name has no time limit of its own.
    threading.Thread(target=ask, daemon=True).start()
    try:
        answer = answers.get(timeout=patience)
    except queue.Empty:
        raise TimeoutError(f"no answer within {patience:g} seconds") from None
    if isinstance(answer, Exception):
        raise answer
    return answer


def _has_proxy(url: str) -> bool:
    parts = urllib.parse.urlsplit(url)
    proxies = urllib.request.getproxies()
    return parts.scheme in proxies and not urllib.request.proxy_bypass(parts.hostname or "")


def _note(web_folder: str) -> Path:
    """A file that says how a server was silent; its date says when."""
    server = urllib.parse.urlsplit(web_folder).netloc.replace(":", "-")
    return places.runs() / "offline" / server


def _remembered(web_folder: str) -> str | None:
    note = _note(web_folder)
    try:
        age, silence = time.time() - note.stat().st_mtime, note.read_text(encoding="utf-8")
    except (OSError, ValueError):
        return None
    if not 0 <= age < SILENCE_SECONDS:  # a clock may have been set back
        return None
    return (
        f"the download from {web_folder} failed {age / 60:.0f} minutes ago ({silence}; it is tried "
        f"again after an hour, or once {note} is deleted)"
    )


def _remember(web_folder: str, silence: TimeoutError) -> None:
    with contextlib.suppress(OSError):  # nowhere to remember it: the next call asks again
        _note(web_folder).parent.mkdir(parents=True, exist_ok=True)
        _note(web_folder).write_text(str(silence), encoding="utf-8")
