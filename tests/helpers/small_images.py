"""A data set as small as it can be, in the form of the real one, and a server for it."""

import contextlib
import gzip
import hashlib
import http.server
import re
import shutil
import tempfile
import threading
from pathlib import Path

import numpy as np
import pytest

from course_utils import sources
from course_utils.internals import downloads

ROOT = Path(__file__).resolve().parents[2]
COUNTS = {"train": 30, "t10k": 20}


def idx_files() -> dict[str, bytes]:
    """A small data set in the form of MNIST's raw files: 30 and 20 images of random bytes."""
    rng, files = np.random.default_rng(0), {}
    for part, count in COUNTS.items():
        pixels, labels = rng.integers(0, 256, (count, 28, 28)), rng.integers(0, 10, count)
        header = [2051, count, 28, 28]
        for kind, head, body in (
            ("images-idx3", header, pixels),
            ("labels-idx1", [2049, count], labels),
        ):
            start = np.array(head, dtype=">i4").tobytes()
            files[f"{part}-{kind}-ubyte"] = start + body.astype(np.uint8).tobytes()
    return files


def isolated_sources(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, folders: tuple[str, ...] = ("MNIST",)
) -> dict[str, bytes]:
    """Makes the small data set the one in these folders, with none of them in data/.

    Returns what a server would hold.
    """
    contents = idx_files()
    monkeypatch.setattr(sources, "FILES", {name: len(contents[name]) for name in sources.FILES})
    monkeypatch.setattr(sources, "DATA", tmp_path / "data")
    monkeypatch.setattr(downloads, "PROBE_SECONDS", 30)  # this machine may be busy
    monkeypatch.setenv("COURSE_RUNS_DIR", str(tmp_path / "runs"))
    monkeypatch.delenv("COURSE_DATA_DIR", raising=False)
    monkeypatch.setenv("COURSE_MIRROR", "http://127.0.0.1:9")  # nobody listens there
    (tmp_path / "temporary").mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "temporary"))
    ship(tmp_path / "data", folders)
    packed = {name: gzip.compress(content, mtime=0) for name, content in contents.items()}
    return {f"{folder}/{name}.gz": packed[name] for folder in folders for name in packed}


def ship(data: Path, folders: tuple[str, ...] = ("MNIST",)) -> None:
    """What comes with the course in data/, with the checksums of the small data set."""
    data.mkdir(exist_ok=True)
    shutil.copy(ROOT / "data" / "digits.npz", data)
    sums = (ROOT / "data" / "SHA256SUMS").read_text(encoding="utf-8")
    for path, content in ((f"{f}/raw/{n}", c) for f in folders for n, c in idx_files().items()):
        sums = re.sub(rf"\w{{64}}  {path}", f"{hashlib.sha256(content).hexdigest()}  {path}", sums)
    (data / "SHA256SUMS").write_text(sums, encoding="utf-8")


def fill(root: Path, folder_name: str = "MNIST") -> Path:
    """The small data set's raw files in torchvision's layout under root."""
    folder = root / folder_name / "raw"
    folder.mkdir(parents=True)
    for name, content in idx_files().items():
        (folder / name).write_bytes(content)
    return folder


class Server(http.server.ThreadingHTTPServer):
    """Serves files on the loopback, and notes what it is asked for.

    status: refuses everything with it. silent: "at once" never answers, "midway" says that the
    file comes, and keeps silent. wait_for: the first file is held back until so many ask for it
    at once. body: what is sent instead of a file, for as long as somebody reads it.
    """

    def __init__(self, files: dict[str, bytes], *, status=200, silent="", wait_for=1, body=None):
        self.requests, self.over = [], threading.Event()
        self.first_file, self.together = next(iter(files), None), threading.Barrier(wait_for)
        server = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self):
                server.requests.append(self.path)
                if silent == "at once":
                    server.over.wait(60)
                    return
                if self.path == f"/{server.first_file}":
                    server.together.wait(60)
                content = files.get(self.path.lstrip("/"), b"")
                self.send_response(status if content or status != 200 else 404)
                if body is None:
                    self.send_header("Content-Length", str(len(content)))
                self.end_headers()
                if silent == "midway":
                    server.over.wait(60)
                elif status == 200:
                    with contextlib.suppress(ConnectionError):
                        for part in [content] if body is None else body():
                            self.wfile.write(part)

            do_CONNECT = do_GET

            def log_message(self, *args):
                pass

        super().__init__(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server_port}"

    def __enter__(self):
        # It looks so often, in seconds, whether it is to end.
        threading.Thread(target=self.serve_forever, args=(0.01,), daemon=True).start()
        return self

    def __exit__(self, *error):
        self.over.set()
        self.shutdown()
        self.server_close()
