"""A browser for the tests that need one; without it they are skipped, and say how to get it."""

import pytest
from browser import chromium


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
    page.on("console", lambda said: said.type == "error" and page.errors.append(said.text))
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
