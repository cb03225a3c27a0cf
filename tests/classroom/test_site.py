"""The site: what is refused, and its pages in a browser, opened from a folder.

What it is built with is an extra of the course: `pip install -e ".[site]"`. COURSE_AXE names the
file axe.min.js of npm's axe-core, which looks for what is hard to read, hear or reach.
"""

import contextlib
import io
import itertools
import json
import os
import shutil
from importlib.util import find_spec
from pathlib import Path

import pytest
from documents import WRITTEN, stored

from course_utils.classroom import files, site
from course_utils.classroom.commands import Refusal, main
from course_utils.classroom.site import NEEDS, make_site
from course_utils.lessons import LESSONS

AXE = os.environ.get("COURSE_AXE")
PAGES = ["index", "search", *(lesson.path.stem for lesson in WRITTEN)]
every_page = pytest.mark.parametrize("name", PAGES)
built = pytest.mark.skipif(
    not all(map(find_spec, NEEDS)), reason='pip install -e ".[site]", to build the site'
)


# --- what is refused ---------------------------------------------------------------------------


@pytest.fixture
def ready(monkeypatch):
    """As with all packages at hand; what is refused is so before they are used."""
    monkeypatch.setattr(site, "NEEDS", ())


def refused(folder):
    with pytest.raises(Refusal) as refusal:
        make_site(folder)
    return str(refusal.value)


def test_without_the_extra_it_says_what_to_install(monkeypatch, tmp_path, capsys):
    monkeypatch.setattr(site, "NEEDS", ("json", "no_such_package"))
    assert main(["site", str(tmp_path / "site")]) == 2
    said = capsys.readouterr().err
    assert 'no_such_package, which is not installed: run `pip install -e ".[site]"`' in said
    assert not (tmp_path / "site").exists()


def test_a_folder_with_other_files_stays_as_it_is(ready, tmp_path):
    mine = tmp_path / "notes" / "mine.txt"
    mine.parent.mkdir()
    mine.write_text("mine")
    assert "holds notes/mine.txt, which is not of an earlier site" in refused(tmp_path)
    assert mine.read_text() == "mine" and len(list(tmp_path.rglob("*"))) == 2
    assert "mine.txt is a file" in refused(mine)


def test_an_earlier_site_is_replaced_but_not_what_was_changed_in_it(ready, tmp_path):
    new, folder = tmp_path / "new", tmp_path / "site"
    for name in ("index.html", "_static/old.css"):
        (new / name).parent.mkdir(parents=True, exist_ok=True)
        (new / name).write_text(name)
    site.put_site(new, folder, site.find_earlier(folder))
    shutil.rmtree(new / "_static")
    site.put_site(new, folder, site.find_earlier(folder))
    assert not (folder / "_static" / "old.css").exists()
    assert (folder / "index.html").read_text() == "index.html"
    (folder / "index.html").write_text("my own")
    assert "holds index.html, which is not of an earlier site" in refused(folder)
    (folder / site.NOTE).write_text("{")
    assert "cannot be read" in refused(folder)


def test_a_lesson_that_was_never_executed(ready, monkeypatch, tmp_path):
    notebook = json.loads(LESSONS[3].path.read_text(encoding="utf-8"))
    next(cell for cell in notebook["cells"] if "outputs" in cell)["execution_count"] = None
    monkeypatch.setattr(files, "read_stored", lambda lesson: notebook)
    assert "has cells without their outputs" in refused(tmp_path / "site")
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_cannot_be_written_to(ready, tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(Refusal, match="cannot be written"):
        site.put_site(tmp_path / "new", tmp_path / "file" / "site", {})


# --- its pages ---------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """The site, built by the command; nothing was warned of."""
    folder = tmp_path_factory.mktemp("home") / "site"
    with contextlib.redirect_stdout(io.StringIO()) as out, contextlib.redirect_stderr(out):
        assert main(["site", str(folder)]) == 0
    assert out.getvalue() == f"{folder / 'index.html'}\n"
    return folder


@pytest.fixture
def at(page, folder):
    """Open a page of the site."""

    def at(name):
        page.goto((folder / f"{name}.html").as_uri())
        return page

    yield at
    assert page.errors == page.outside == []


def live_frame(page, at=0):
    return page.frame_locator("iframe.live").nth(at)


@built
@every_page
def test_a_page_is_whole(at, folder, name):
    """Headings in order, all links lead somewhere, every picture has a text, and it is small."""
    page = at(name)
    levels = page.evaluate(
        "[...document.querySelectorAll('h1, h2, h3, h4')].map(({ tagName }) => Number(tagName[1]))"
    )
    assert levels[0] == 1 and levels.count(1) == 1
    assert all(below <= above + 1 for above, below in itertools.pairwise(levels))
    pictures = page.evaluate("[...document.images].map((one) => [one.alt, one.naturalWidth])")
    assert all(len(alt) > 20 and wide > 0 for alt, wide in pictures)
    links = page.evaluate("[...document.querySelectorAll('a[href]')].map(({ href }) => href)")
    for link in filter(lambda link: link.startswith("file:"), links):
        file, *anchor = link.split("#")
        target = Path(file.removeprefix("file://"))
        assert target.is_relative_to(folder) and target.is_file(), link
        assert anchor in ([], [""]) or f'id="{anchor[0]}"' in target.read_text("utf-8"), link
    shown = page.evaluate("[...document.images].map(({ src }) => src)")
    size = (folder / f"{name}.html").stat().st_size
    size += sum(Path(one.removeprefix("file://")).stat().st_size for one in shown)
    assert size < 3_000_000


@built
@every_page
def test_on_a_phone_nothing_is_cut(at, name):
    page = at(name)
    page.set_viewport_size({"width": 390, "height": 844})
    cut = page.evaluate(
        """[...document.querySelectorAll("body *")].filter((one) => (
            !one.closest("pre, .formula, .table-wrapper, .sidebar-drawer, .toc-drawer")
            && one.getBoundingClientRect().right > 390)).map((one) => one.outerHTML.slice(0, 99))"""
    )
    assert cut == []


SEEN_BY_AXE = [(name, 1280) for name in PAGES] + [(name, 390) for name in PAGES[:3]]


@built
@pytest.mark.parametrize(("name", "width"), SEEN_BY_AXE)
@pytest.mark.skipif(not AXE, reason="COURSE_AXE names no axe.min.js")
def test_axe_finds_nothing(browser, folder, name, width):
    context = browser.new_context(bypass_csp=True)  # the views' own policy forbids what is added
    context.add_init_script(path=AXE)
    page = context.new_page()
    page.set_viewport_size({"width": width, "height": 844})
    page.goto((folder / f"{name}.html").as_uri())
    page.wait_for_timeout(300)  # until its own script has seen how wide things are
    options = {"preload": False, "resultTypes": ["violations"]}
    rules = page.evaluate("(options) => axe.run(document, options)", options)["violations"]
    found = [(rule["id"], node["html"]) for rule in rules for node in rule["nodes"]]
    # A formula is text to a screen reader, but not to axe.
    assert [one for one in found if one[0] != "empty-table-header" or "<math" not in one[1]] == []
    context.close()


@built
@pytest.mark.parametrize("lesson", WRITTEN, ids=[lesson.path.stem for lesson in WRITTEN])
def test_every_figure_is_there(at, lesson):
    page = at(lesson.path.stem)
    outputs = [output for cell in stored(lesson).cells for output in cell.get("outputs", ())]
    figures = sum("image/png" in output.get("data", {}) for output in outputs)
    assert page.locator(".cell_output img, iframe.live").count() == figures
    assert page.locator(".problematic, .system-message, .math:not(math)").count() == 0


@built
def test_the_views_work_on_the_page(at):
    page = at("06_convolution")
    stepper = live_frame(page)
    stepper.locator(".view-predict input").fill("0 3 3 0")
    stepper.locator(".view-predict input").press("Enter")
    assert "✓ Right." in stepper.locator(".view-verdict").first.inner_text()
    page = at("10_what_lenet_sees")
    xray = live_frame(page)
    xray.get_by_role("button", name="skip").click()
    xray.locator(".view").press("Delete")
    pad = xray.locator(".pad").bounding_box()
    page.mouse.move(pad["x"] + 140, pad["y"] + 60)
    page.mouse.down()
    page.mouse.move(pad["x"] + 140, pad["y"] + 220, steps=5)
    page.mouse.up()
    assert xray.locator(".xray-verdict").inner_text().startswith("It reads 1")


@built
@pytest.mark.parametrize("wide", [1280, 390])
def test_a_frame_is_as_high_as_its_view(at, wide):
    page = at("07_pooling")
    page.set_viewport_size({"width": wide, "height": 844})
    for number in (0, 1):
        live_frame(page, number).locator(".view").wait_for()
    page.wait_for_function(
        """[...document.querySelectorAll("iframe.live")].every(
            ({ clientHeight, contentDocument: { documentElement: inside } }) =>
            Math.abs(clientHeight - inside.querySelector("main").offsetHeight) < 2
            && inside.scrollHeight <= clientHeight + 1)"""
    )


@built
def test_the_search_finds_a_word(at):
    page = at("search")
    page.goto(f"{page.url}?q=padding")
    page.locator("#search-results a", has_text="06 · Convolution").first.wait_for()


@built
def test_paper_shows_hints_and_solutions(at):
    page = at("06_convolution")
    assert page.locator("details[open]").count() == 0
    page.pdf()
    assert page.locator("details:not([open])").count() == 0 < page.locator("details").count()
    page.emulate_media(media="print")
    wide = "[...document.querySelectorAll('pre')].some((p) => p.scrollWidth > p.clientWidth + 1)"
    assert page.evaluate(wide) is False


@built
def test_one_lesson_leads_to_the_next(at):
    page = at("index")
    for lesson in WRITTEN:
        page.locator(".next-page").click()
        page.wait_for_url(f"**/{lesson.path.stem}.html")
    page.locator(".prev-page").click()
    page.wait_for_url(f"**/{WRITTEN[-2].path.stem}.html")
