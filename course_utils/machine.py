"""Whether this machine is ready for the course: lesson 00 and ``python -m course_utils``."""

import math
import os
import platform
import re
import time
from collections.abc import Iterator
from importlib import metadata
from pathlib import Path

from course_utils.internals import places
from course_utils.lessons import LESSONS

#: Images a second that LeNet trains on where the lessons' budgets were set, on 2 cores.
REFERENCE = 13_000

#: The versions that the stored outputs were made with; a checkout has them.
_PINS = places.COURSE / "requirements.txt"
_PACKAGES = (
    "torch",
    "torchvision",
    "numpy",
    "matplotlib",
    "pillow",
    "ipywidgets",
    "anywidget",
    "jupyterlab",
)


def report(seconds: float = 3.0) -> str:
    """What the course finds here, a line each: Python, packages, device, data sets, speed.

    seconds: how long to measure the speed of training. Never raises: what cannot be used is
    named in its line, with what to do.
    """
    lines = []
    for topic, find in [
        ("Python", _python),
        ("packages", packages),
        ("torchvision", _torchvision),
        ("device", _device),
        ("images", _images),
        ("results", results),
        ("speed", lambda: speed(seconds)),
    ]:
        try:
            found = list(find())
        except Exception as error:
            found = [f"cannot be used: {error}"]
        lines += [f"{topic if i == 0 else '':12} {line}" for i, line in enumerate(found)]
    return "\n".join(lines)


def _python() -> Iterator[str]:
    yield f"{platform.python_version()}, {platform.system()} on {platform.machine()}"


def packages() -> Iterator[str]:
    """Which versions are installed, and how they differ from those of the stored outputs."""
    requirements = _PINS.read_text("utf-8") if _PINS.exists() else ""
    pinned = dict(re.findall(r"^(\S+)==(\S+)$", requirements, re.MULTILINE))
    installed, missing, other_versions = [], [], []
    for name in _PACKAGES:
        try:
            version = metadata.version(name)
        except metadata.PackageNotFoundError:
            missing.append(name)
            continue
        installed.append(f"{name} {version}")
        if pinned and version.split("+")[0] != pinned[name]:
            other_versions.append(f"{name} {pinned[name]}")
    yield ", ".join(installed)
    if missing:
        yield f"missing: {', '.join(missing)}; `pip install {_wanted(*missing)}` brings them"
    if other_versions:
        versions = ", ".join(other_versions)
        yield f"the stored outputs were made with {versions}; small differences are normal"


def _torchvision() -> Iterator[str]:
    try:
        import torchvision  # noqa: F401
    except (ImportError, RuntimeError) as error:
        yield f"cannot be imported: {error}"
        yield "usually torch and torchvision are not a pair; install both from the same place:"
        command = f"pip install --force-reinstall {_wanted('torch', 'torchvision')}"
        yield f"`{command}`, or see README.md, A small disk"
    else:
        yield "works with this torch"


def _wanted(*packages: str) -> str:
    """What pip is told to install: the pinned versions of a checkout, or some packages."""
    return "-r requirements.txt" if _PINS.exists() else " ".join(packages)


def _device() -> Iterator[str]:
    import torch

    from course_utils.training import pick_device

    device = pick_device()
    if os.environ.get("COURSE_DEVICE"):
        reason = "COURSE_DEVICE says so"
    elif device.type == "cuda":
        reason = torch.cuda.get_device_name()
    elif device.type == "mps":
        reason = "Apple's GPU"
    else:
        reason = "torch finds no CUDA GPU and no Apple GPU (MPS); every lesson runs without"
    yield f"{device}: {reason}"
    yield f"{os.cpu_count()} processor cores, of which torch uses {torch.get_num_threads()}"


def _images() -> Iterator[str]:
    from course_utils.images import load_images
    from course_utils.sources import FOLDERS, DataError, find_images

    for name in FOLDERS:
        try:
            found = find_images(name)
        except DataError as error:
            yield f"{name}: {error}"
            continue
        if found:
            yield f"{name}: verified, in {_folder_text(found, 'COURSE_DATA_DIR')}"
        else:
            yield f"{name}: not here; a lesson tries to download it"
    yield f"digits: {sum(map(len, load_images('digits'))):,} images, which come with the course"


def results() -> Iterator[str]:
    """Where a reader's own results go."""
    yield f"what you train is kept in {_folder_text(places.runs_folder(), 'COURSE_RUNS_DIR')}"


def _folder_text(path: Path, variable: str) -> str:
    """A folder as the reader knows it: from the one that the variable names, or the course's."""
    base = places.folder_of_variable(variable, places.COURSE)
    short = path.relative_to(base).as_posix() if path.is_relative_to(base) else str(path)
    return f"${variable}/{short}".removesuffix("/.") if os.environ.get(variable) else short


def speed(seconds: float) -> Iterator[str]:
    """How fast LeNet trains here, measured for some seconds, and what all lessons then take."""
    import torch
    from torch.nn import functional as F

    from course_utils.models import LeNet
    from course_utils.training import pick_device

    device = pick_device()
    with torch.random.fork_rng(devices=[]):  # measuring changes no random numbers after it
        model = LeNet().to(device)
        x, y = torch.rand(128, 1, 32, 32).to(device), torch.randint(10, (128,)).to(device)
    optimizer = torch.optim.Adam(model.parameters())
    images, start = -10 * len(x), time.perf_counter()
    while images <= 0 or time.perf_counter() - start < seconds:
        if images == 0:  # the first ten steps only warm up
            start = time.perf_counter()
        optimizer.zero_grad()
        loss = F.cross_entropy(model(x), y)
        loss.backward()
        optimizer.step()
        loss.item()  # waits for a GPU to finish
        images += len(x)
    rate = images / (time.perf_counter() - start)
    budgets = [lesson.budget for lesson in LESSONS if lesson.written]
    minutes = sum(budgets) * max(0.3, REFERENCE / rate) / 60  # starting up takes its time anyway
    yield f"LeNet trains on {rate:,.0f} images a second here"
    yield f"running all {len(budgets)} lessons takes about {math.ceil(minutes)} minutes"


def widget_check() -> object:
    """A line that changes by itself as soon as the page and the kernel talk to each other.

    The line is an ipywidget; under it an anywidget, as the course's views are, tells the kernel
    that the page has shown it. Displayed by leaving it as a cell's last value.
    """
    import anywidget
    import ipywidgets
    import traitlets

    class Probe(anywidget.AnyWidget):
        _esm = """export default {
            render: ({ model }) => { model.set("seen", true); model.save_changes(); },
        };"""
        seen = traitlets.Bool(False).tag(sync=True)

        def __repr__(self) -> str:
            return "Probe()"  # in a stored notebook no address

    line = ipywidgets.HTML(
        "<b>Widgets do not answer yet.</b> If this line stays, reload the page; if it stays even "
        "then, <code>pip install -r requirements.txt</code> into the environment that JupyterLab "
        "runs in, and start JupyterLab again."
    )
    probe = Probe()

    def answered(change: dict) -> None:
        line.value = "<b>Widgets answer:</b> this page and the kernel talk to each other."

    probe.observe(answered, "seen")
    return ipywidgets.VBox([line, probe])
