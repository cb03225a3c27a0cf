"""A browser for the tests that need one; without it they are skipped, and say how to get it.

Also here: which tests are quick, and what is said at the end about answers made by machine.
"""

import signal
from collections import Counter
from pathlib import Path

import pytest
from browser import chromium

TESTS = Path(__file__).resolve().parent


def pytest_configure():
    """Tests interrupt, which a shell lets programs ignore that it starts in the background."""
    if signal.getsignal(signal.SIGINT) == signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items):
    """What is in tests/, is not marked as slow and needs no browser is quick."""
    for item in items:
        if item.path.is_relative_to(TESTS):
            named = {mark.name for mark in item.iter_markers()} | set(item.fixturenames)
            if not named & {"slow", "classes", "lab", "browser"}:
                item.add_marker("quick")


@pytest.fixture(scope="module")
def browser():
    pytest.importorskip("playwright", reason="pip install playwright, to see views in a browser")
    try:
        with chromium() as browser:
            yield browser
    except Exception as error:
        if "Executable doesn't exist" not in str(error):
            raise
        pytest.skip(
            "no Chromium: `apt-get install chromium` or `playwright install chromium` gets one"
        )


@pytest.fixture
def page(browser):
    """A page at projector size that notes errors and requests to other machines."""
    page = browser.new_page(viewport={"width": 1280, "height": 720})
    page.set_default_timeout(60_000)
    page.errors, page.outside = [], []
    page.on("console", lambda message: message.type == "error" and page.errors.append(message.text))
    page.on("pageerror", lambda error: page.errors.append(str(error)))
    page.on(
        "request",
        lambda request: (
            request.url.startswith(("http", "ws"))
            and "//127.0.0.1:" not in request.url
            and page.outside.append(request.url)
        ),
    )
    yield page
    page.close()


def pytest_terminal_summary(terminalreporter):
    """How many wrong answers were made by machine, and what was said of them."""
    total = Counter()
    lines = []
    for reports in terminalreporter.stats.values():
        for report in reports:
            for name, made in getattr(report, "user_properties", ()):
                if name == "mutants" and report.when == "call":
                    lines.append(f"{made[0]:35} {_counts_text(Counter(made[1]))}")
                    total.update(made[1])
    if total:
        terminalreporter.section("wrong answers made by machine (tests/lessons/test_mutants.py)")
        for line in sorted(lines):
            terminalreporter.line(line)
        terminalreporter.line(f"{'in all':35} {_counts_text(total)}")


def _counts_text(counts: Counter) -> str:
    made = counts.total() - counts["equal to the solution"]
    others = ", ".join(f"{counts[name]} {name}" for name in ("raised", "different", "stopped"))
    return f"{made:4} made, {counts['named']:4} named ({counts['named'] / made:4.0%}), {others}"
