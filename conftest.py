"""What pytest needs to know about notebooks: what is compared, where, and when a lesson hangs."""

import os
import tempfile
from collections import defaultdict

import pytest
from facts import altered, facts
from nbval.plugin import IPyNbCell, coalesce_streams

from course_utils.images import load_images
from course_utils.lessons import LESSONS
from course_utils.sources import FOLDERS, DataError, find_images


def pytest_configure(config):
    config.workers = int(
        os.environ.get("PYTEST_XDIST_WORKER_COUNT") or config.option.numprocesses or 1
    )
    # Two torch processes that share two cores spin while they wait for each other, and take many
    # times as long; so each gets its share of the cores.
    cores = os.cpu_count() or 1
    os.environ.setdefault("OMP_NUM_THREADS", str(max(1, cores // config.workers)))
    # The stored outputs were made on the CPU.
    os.environ.setdefault("COURSE_DEVICE", "cpu")
    # No progress bar appears within a million seconds: what it shows depends on the clock.
    # tests/lessons/test_browser.py sees real ones.
    os.environ.setdefault("TQDM_DELAY", "1000000")


def pytest_sessionstart(session):
    """Download the images where that is possible: once, and not again in every lesson."""
    config = session.config
    config.runs = tempfile.TemporaryDirectory(prefix="runs-")  # nothing touches the reader's own
    os.environ["COURSE_RUNS_DIR"] = config.runs.name
    try:
        if not hasattr(config, "workerinput"):
            for name in FOLDERS:
                load_images(name)
        config.real_images = all(find_images(name) for name in FOLDERS)
    except DataError as error:
        raise pytest.UsageError(str(error)) from None
    if not config.real_images:
        os.environ["COURSE_DATA_DIR"] = "digits"


def pytest_report_header(config):
    if config.real_images:
        return "images: MNIST and FashionMNIST; every output is compared"
    return (
        "images: the embedded digits, as MNIST or FashionMNIST is not at hand; "
        "cells tagged mnist-output run, and their outputs are not compared"
    )


def pytest_collection_modifyitems(config, items):
    if config.real_images:
        return
    for item in items:
        if isinstance(item, IPyNbCell) and "mnist-output" in item.cell.metadata.get("tags", []):
            item.options["check"] = False


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item):
    if isinstance(item, IPyNbCell) and item.parent.kernel is None:  # its kernel starts next
        os.environ["COURSE_RUNS_DIR"] = tempfile.mkdtemp(dir=item.config.runs.name)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item):
    """A cell that passes has to fail if a number that its lesson relies on were another."""
    checked = isinstance(item, IPyNbCell) and item.options["check"]
    numbers = facts(item.parent.path.name, item.cell.id) if checked else []
    # Before it runs, since nbval joins the stored outputs where they are.
    wrong = {number: altered(item.cell, number).outputs for number in numbers}
    yield
    for number, outputs in wrong.items():
        if item.compare_outputs(item.test_outputs, coalesce_streams(outputs)):
            raise AssertionError(f"{item.cell.id}: with {number} altered it passes as well")


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item, call):
    """After a cell has timed out nbval expects the others to fail; here they are failures."""
    report = yield
    if call.when == "call" and getattr(item.parent, "timed_out", False):
        report.outcome = "failed"
        report.longrepr = f"{item.nodeid}: this cell or one before it exceeded the cell timeout"
        report.__dict__.pop("wasxfail", None)
    return report


def pytest_terminal_summary(terminalreporter, config):
    seconds = defaultdict(float)
    for reports in terminalreporter.stats.values():
        for report in reports:
            if hasattr(report, "duration") and ".ipynb::" in report.nodeid:
                seconds[report.nodeid.split("::")[0].rpartition("/")[2]] += report.duration
    if not seconds:
        return
    terminalreporter.section(
        f"lessons, with {config.workers} running at once "
        "(tests/maintenance/benchmark.py times each alone)"
    )
    for lesson in LESSONS:
        if lesson.file in seconds:
            terminalreporter.line(
                f"{lesson.file:36} {seconds[lesson.file]:5.0f} s, budget {lesson.budget} s"
            )
