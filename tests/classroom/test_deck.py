"""`deck`: lessons as slides that fit a projector, ask for nothing, and are driven by keys.

COURSE_AXE names the file axe.min.js of npm's axe-core, which looks for what is hard to read, hear
or reach.
"""

import hashlib
import json
import os
import re
import shutil
import sys
from pathlib import Path

import pytest
from browser import jupyterlab, keep, open_notebook
from documents import IDS, WRITTEN, code_cells, solutions, stored

from course_utils import classroom, lessons
from course_utils.classroom import deck, slides
from course_utils.classroom.commands import Refusal, main
from course_utils.lessons import LESSONS

AXE = os.environ.get("COURSE_AXE")
ROOT = Path(__file__).resolve().parents[2]
VENDOR = Path(deck.__file__).parent / "vendor"
every_lesson = pytest.mark.parametrize("lesson", WRITTEN, ids=IDS)
#: Of every slide, with all its fragments shown, what does not fit and what is too small to read.
MISFITS = """() => Reveal.getSlides().flatMap((slide) => {
    const { h, v } = Reveal.getIndices(slide);
    Reveal.slide(h, v, slide.querySelectorAll(".fragment").length - 1);
    const inside = (selector) => [...slide.querySelectorAll(selector)]
        .filter((node) => !node.closest("aside, h2"));
    const boxes = inside("*").map((node) => node.getBoundingClientRect())
        .filter(({ width, height }) => width && height);
    const lowest = Math.max(...boxes.map(({ bottom }) => bottom));
    const rightmost = Math.max(...boxes.map(({ right }) => right));
    const small = inside("*:not(math *, sub, sup, iframe)").filter((node) =>
        [...node.childNodes].some(({ nodeType, data }) => nodeType === 3 && data.trim()) &&
        parseFloat(getComputedStyle(node).fontSize) < 24);
    const wrong = [
        ...(boxes.length ? [] : ["nothing on it"]),
        ...(lowest > 720 ? [`${Math.round(lowest)} pixels high`] : []),
        ...(rightmost > 1280 ? [`${Math.round(rightmost)} pixels wide`] : []),
        ...(small.length ? [`small text: ${small[0].textContent}`] : []),
    ];
    return wrong.length ? [`${slide.dataset.cells}: ${wrong.join(", ")}`] : [];
})"""


@pytest.fixture
def still(monkeypatch):
    """Views as pictures: what is tested is not in them, and to make them takes seconds."""
    monkeypatch.setattr(deck, "live_views", lambda lesson: {})


@pytest.fixture
def course(tmp_path, monkeypatch):
    """A folder of lessons that may be changed; lesson 01 is in it."""
    text = LESSONS[1].path.read_text(encoding="utf-8")
    monkeypatch.setattr(lessons, "NOTEBOOKS", tmp_path / "notebooks")
    path = LESSONS[1].path
    path.parent.mkdir()
    path.write_text(text, encoding="utf-8")
    return path


def shown(page, path, view=""):
    """Open a deck, and wait until it is there; view: what stands behind its address."""
    page.goto(Path(path).resolve().as_uri() + view)
    page.evaluate("new Promise((done) => Reveal.isReady() ? done() : Reveal.on('ready', done))")
    return page


def go_to(page, selector):
    page.evaluate(
        """(selector) => {
            const { h, v } = Reveal.getIndices(document.querySelector(selector));
            Reveal.slide(h, v);
        }""",
        selector,
    )


def place(page):
    return page.evaluate("Object.values(Reveal.getIndices())")


def html_of(lesson, folder):
    return Path(deck.make_deck(lesson, folder)).read_text(encoding="utf-8")


@every_lesson
def test_every_slide_fits_a_projector(lesson, page, tmp_path, still):
    """1280 × 720 pixels, and no text smaller than 24; what does not fit is told by its cells."""
    shown(page, deck.make_deck(lesson, tmp_path))
    assert page.evaluate("Reveal.getTotalSlides()") > 10
    assert page.evaluate(MISFITS) == []
    assert page.errors == [] and page.outside == []


def test_a_slide_that_does_not_fit_is_told(page, tmp_path, still, course):
    notebook = json.loads(course.read_text(encoding="utf-8"))
    notebook["cells"][1]["source"] = "\n".join(f"- thing {number}" for number in range(40))
    notebook["cells"][2]["metadata"]["slideshow"] = {"slide_type": "subslide"}
    notebook["cells"][2]["source"] = "import numpy\n" * 30
    course.write_text(json.dumps(notebook), encoding="utf-8")
    shown(page, deck.make_deck(LESSONS[1], tmp_path))
    told = page.evaluate(MISFITS)
    assert [one.split(":")[0] for one in told] == ["goals", "imports"]
    assert all("pixels high" in one for one in told)


@every_lesson
def test_every_cell_says_where_it_is_shown(lesson):
    kinds = {cell.id: cell.metadata.slideshow.slide_type for cell in stored(lesson).cells}
    assert set(kinds.values()) <= {"slide", "subslide", "fragment", "-", "notes", "skip"}
    assert kinds["title"] == kinds["recap"] == "slide" and kinds["imports"] == "skip"


@every_lesson
def test_what_is_said_of_a_figure_stands_beside_it(lesson):
    for cell in stored(lesson).cells:
        if cell.source.startswith("**In the figure"):
            assert cell.metadata.slideshow.slide_type not in ("slide", "subslide"), cell.id


@every_lesson
def test_exercises_hints_and_solutions_are_left_out(lesson, tmp_path, still):
    html = html_of(lesson, tmp_path)
    text = re.sub(r"<[^>]*>", "", html.split('<div class="slides">')[1])
    assert "<summary>" not in html and f"lesson{lesson.number:02}.check_" not in text
    for solution in solutions(lesson).values():
        assert slides.code_html(solution) not in html and solution.strip() not in text


@every_lesson
def test_the_notes_have_answers_and_mistakes(lesson, tmp_path, still):
    html = html_of(lesson, tmp_path)
    on_slides = [
        section
        for section in re.findall(r"<section[^>]* data-cells.*?</section>", html, re.S)
        if 'class="predict"' in section.split("<aside")[0]
    ]
    assert len(on_slides) >= 2
    notes = "".join(re.findall(r'<aside class="notes">.*?</aside>', html, re.S))
    assert notes.count("The answer:") >= len(on_slides)
    title = re.findall(r'<aside class="notes">(.*?)</aside>', html, re.S)[0]
    assert title.count("<li>") >= 2 and "recognise" in title


@every_lesson
def test_a_prediction_comes_before_its_result(lesson, tmp_path, still):
    """What a cell prints is shown by a key of its own, and after the question."""
    html = html_of(lesson, tmp_path)
    for section in re.findall(r"<section[^>]* data-cells.*?</section>", html, re.S):
        visible = section.split("<aside")[0]
        if 'class="predict"' in visible:
            after = visible.split('class="predict"')[1]
            assert "<img" not in after and "<pre><code>" not in after, section[:100]


def test_code_that_is_too_long_for_a_slide_goes_on_further_in(page, tmp_path, still, course):
    notebook = json.loads(course.read_text(encoding="utf-8"))
    cell = next(cell for cell in notebook["cells"] if cell["id"] == "by-hand-loop")
    cell["source"] = f"if True:\n    print({', '.join(['1'] * 50)})\n\nprint(2)"
    course.write_text(json.dumps(notebook), encoding="utf-8")
    shown(page, deck.make_deck(LESSONS[1], tmp_path))
    go_to(page, "[data-cells=by-hand-loop]")
    rows = (
        page.locator(".present .line")
        .nth(1)
        .evaluate(
            """(line) => {
            const range = document.createRange();
            range.selectNodeContents(line);
            return [...range.getClientRects()].map(({ top, left }) => [Math.round(top), left]);
        }"""
        )
    )
    first, *more = (min(left for at, left in rows if at == top) for top in sorted({*dict(rows)}))
    assert more and all(abs(left - first - 8 * 12.9) < 1 for left in more)
    code = page.locator(".present pre code")
    assert code.inner_text() == cell["source"]


def test_what_a_slide_shows_of_a_paragraph():
    long = "First it is said. " + "Then more is told about it. " * 8 + "Now comes the formula:"
    cell = {"cell_type": "markdown", "source": f"## Head\n\n{long}\n\n$$x^2$$\n\n{long}"}
    (html,) = slides.shown_text(cell)
    first, second = html.split("<math")[0], html.split("</math>")[1]
    assert "First it is said." in first and "Now comes the formula:" in first
    assert first.count("Then more") == second.count("Then more") < 8
    assert "Now comes" not in second and "Head" not in html
    assert slides.heading_of(cell) == "Head"
    assert slides.noted_text(cell).count("Then more") == 16


@pytest.mark.parametrize(
    ("text", "sentences"),
    [
        ("One. Two? Three.", ["One.", "Two?", "Three."]),
        ("By H. Robbins et al. in 1951. It works.", ["By H. Robbins et al. in 1951.", "It works."]),
        (
            "Take $x = 1. Y$ here. Call `a. B()` next.",
            ["Take $x = 1. Y$ here.", "Call `a. B()` next."],
        ),
        ("About 2.5 of them, e.g. Two.", ["About 2.5 of them, e.g. Two."]),
    ],
)
def test_sentences(text, sentences):
    assert slides.sentences_of(text) == sentences


def test_it_is_driven_by_keys_alone(page, tmp_path):
    shown(page, deck.make_deck(LESSONS[6], tmp_path))
    assert place(page)[:2] == [0, 0]
    for _ in range(5):
        page.keyboard.press("ArrowRight")
    assert place(page)[0] > 1
    go_to(page, ".live")
    here = place(page)
    frame = page.frame_locator("iframe").first
    frame.locator(".view").wait_for()
    assert page.evaluate(MISFITS) == []
    go_to(page, ".live")
    page.keyboard.press("Tab")
    for _ in range(20):
        page.keyboard.press("Tab")
        if frame.get_by_label("what is the first row").evaluate("(n) => n.matches(':focus')"):
            break
    page.keyboard.type("0 3 3 0")
    page.keyboard.press("Enter")
    assert "Right" in frame.locator(".view-verdict").inner_text()
    before = frame.locator(".view-live").inner_text()
    page.keyboard.press("ArrowRight")
    assert frame.locator(".view-live").inner_text() != before and place(page) == here
    page.keyboard.press("Escape")
    page.keyboard.press("ArrowLeft")
    assert place(page) != here
    page.keyboard.press("ArrowRight")
    page.keyboard.press("Tab")
    page.keyboard.press("Tab")
    page.keyboard.press("PageDown")  # of a remote control, while the view has the keys
    assert place(page) > here
    assert page.errors == [] and page.outside == []


#: Which slide is shown and how many of its steps; whether that is all there is; and what has the
#: keys: the live view of the slide, or nothing, as it should be.
NOW = """() => {
    const [slide, held] = [Reveal.getCurrentSlide(), document.activeElement];
    const steps = slide.querySelectorAll(".fragment.visible").length;
    const last = Reveal.isLastSlide() && !Reveal.availableFragments().next;
    const keys = slide.contains(held) ? held.tagName : held === document.body ? "" : held.outerHTML;
    return { slide: Reveal.getSlides().indexOf(slide), steps, last, live: slide.className, keys };
}"""


def through_the_view(page):
    """Enter a live view by Tab, go through its controls, out of it, back into it, and leave it."""
    controls = 0
    page.keyboard.press("Tab")
    assert page.evaluate(NOW)["keys"] == "IFRAME"
    while page.evaluate(NOW)["keys"] == "IFRAME":
        controls += 1
        assert controls < 100, "Tab does not lead out"
        page.keyboard.press("Tab")
    assert controls > 5
    page.keyboard.press("Shift+Tab")
    assert page.evaluate(NOW)["keys"] == "IFRAME"
    page.keyboard.press("ArrowRight")
    page.keyboard.press("Escape")


@pytest.mark.parametrize("number", [6, 10])
def test_a_lesson_is_given_by_keys_alone(number, page, tmp_path):
    """From its first slide to its last and back: none is left out, and none keeps the keys."""
    shown(page, deck.make_deck(LESSONS[number], tmp_path))
    count, seen, views = page.evaluate("Reveal.getTotalSlides()"), [], 0
    while not seen or not seen[-1]["last"]:
        now = page.evaluate(NOW)
        assert now["keys"] == "" and now not in seen
        if "live" in now["live"]:
            through_the_view(page)
            views += 1
            assert page.evaluate(NOW) == now
        seen.append(now)
        page.keyboard.press("ArrowRight")
    assert sorted({now["slide"] for now in seen}) == list(range(count)) and views
    for now in reversed(seen[:-1]):
        page.keyboard.press("ArrowLeft")
        assert page.evaluate(NOW) == now
    assert page.errors == [] and page.outside == []


def test_the_speaker_has_notes_without_a_network(page, tmp_path, still):
    outside = []
    page.context.on(
        "request", lambda sent: sent.url.startswith("http") and outside.append(sent.url)
    )
    shown(page, deck.make_deck(LESSONS[2], tmp_path))
    with page.context.expect_page() as opened:
        page.keyboard.press("s")
    notes = opened.value.locator(".speaker-controls-notes .value")
    notes.get_by_text("The variance is left out").or_(
        notes.get_by_text("recognise")
    ).first.wait_for()
    page.keyboard.press("ArrowRight")
    notes.get_by_text("You will be able to").wait_for()
    opened.value.keyboard.press("ArrowRight")  # in the speaker's window
    notes.get_by_text("Take three points").wait_for()
    assert place(page)[0] == 2
    assert outside == [] and page.errors == []
    opened.value.close()


@pytest.mark.skipif(not AXE, reason="COURSE_AXE names no axe.min.js")
@every_lesson
def test_axe_finds_nothing(lesson, page, tmp_path, still):
    """On a slide, and on all of them as they are printed, which reveal.js puts outside of main."""
    page.add_init_script(path=AXE)
    path = deck.make_deck(lesson, tmp_path)
    for view, left_out in (("#/1", []), ("?print-pdf", ["landmark-one-main", "region"])):
        shown(page, path, view)
        page.locator(".pdf-page" if "print" in view else "section").last.wait_for(state="attached")
        page.wait_for_timeout(500)  # the pages are filled after they are made
        rules = {name: {"enabled": False} for name in left_out}
        violations = page.evaluate("(rules) => axe.run(document, { preload: false, rules })", rules)
        told = [(found["id"], found["nodes"][0]["html"]) for found in violations["violations"]]
        assert told == []


def test_it_is_printed_a_page_a_slide(page, tmp_path, still):
    shown(page, deck.make_deck(LESSONS[2], tmp_path), "?print-pdf")
    page.locator(".pdf-page").first.wait_for()
    pages = page.locator(".pdf-page").count()
    printed = page.pdf(prefer_css_page_size=True)
    assert pages > 20 and len(re.findall(rb"/Type\s*/Page\b", printed)) == pages
    (tmp_path / "deck.pdf").write_bytes(printed)


def test_what_the_command_did_not_make_stays(tmp_path, still, capsys):
    path = Path(deck.make_deck(LESSONS[2], tmp_path))
    made = path.read_bytes()
    deck.make_deck(LESSONS[2], tmp_path)
    assert path.read_bytes() == made
    for content in (b"mine", made.replace(b"Linear", b"My linear", 1), b""):
        path.write_bytes(content)
        assert main(["deck", "2", "--to", str(tmp_path)]) == 2
        assert "was not made by `deck`, or has been changed" in capsys.readouterr().err
        assert path.read_bytes() == content
    (tmp_path / "file").write_text("mine")
    assert main(["deck", "2", "--to", str(tmp_path / "file")]) == 2
    assert "cannot be written" in capsys.readouterr().err


def test_a_lesson_that_was_never_executed_is_refused(tmp_path, still, course):
    notebook = json.loads(course.read_text(encoding="utf-8"))
    cell = next(cell for cell in notebook["cells"] if cell["cell_type"] == "code")
    cell["execution_count"] = None
    course.write_text(json.dumps(notebook), encoding="utf-8")
    with pytest.raises(Refusal, match=r"cells without their outputs.*git checkout"):
        deck.make_deck(LESSONS[1], tmp_path)
    assert not list(tmp_path.glob("*.html"))


def test_a_package_that_is_missing_is_said(tmp_path, monkeypatch, capsys):
    for name in ("latex2mathml.converter", "latex2mathml"):
        monkeypatch.setitem(sys.modules, name, None)
    for name in ("deck", "slides"):
        monkeypatch.delitem(sys.modules, f"course_utils.classroom.{name}")
        monkeypatch.delattr(classroom, name)
    assert main(["deck", "2", "--to", str(tmp_path)]) == 2
    assert "slides are made with latex2mathml" in capsys.readouterr().err


def test_reveal_is_as_it_came():
    """The files of reveal.js 5.2.1 as npm has them; whoever brings in others changes the sums."""
    sums = {
        path.name: hashlib.sha256(path.read_bytes()).hexdigest()[:16] for path in VENDOR.iterdir()
    }
    assert sums == {
        "notes.js": "df1201d19d03241a",
        "reveal.LICENSE": "34014800f4126ac2",
        "reveal.css": "68f915a11ebf7203",
        "reveal.js": "46538b52db487241",
    }


@pytest.mark.lab
def test_the_line_for_jupyterlab_makes_text_large(browser, tmp_path):
    """That of TEACHING.md, as a setting: prose, code and outputs are 24 pixels high."""
    teaching = (ROOT / "TEACHING.md").read_text(encoding="utf-8")
    (line,) = re.findall(r'^\{"overrides".*\}$', teaching, re.MULTILINE)
    (tmp_path / "notebooks").mkdir()
    shutil.copy(LESSONS[6].path, tmp_path / "notebooks" / "lesson.ipynb")
    with jupyterlab(tmp_path / "notebooks", tmp_path) as url:
        settings = tmp_path / "jupyterlab_settings" / "@jupyterlab" / "apputils-extension"
        (settings / "themes.jupyterlab-settings").write_text(line, encoding="utf-8")
        page = browser.new_page(viewport={"width": 1280, "height": 720})
        open_notebook(page, url, "lesson.ipynb")
        for text in (".jp-RenderedMarkdown p", ".cm-line", ".jp-OutputArea-output pre"):
            shown_text = page.locator(text).first
            shown_text.wait_for(state="attached")
            assert shown_text.evaluate("(node) => getComputedStyle(node).fontSize") == "24px"
        keep(page, "projected")
        page.close()


def test_stubs_are_no_slides():
    """A stub's cell, and all that is about it, has no place on a slide."""
    for lesson in WRITTEN:
        for cell in code_cells(lesson):
            if re.search(r"^lesson\d\d\.check_", cell.source, re.M):
                assert cell.metadata.slideshow.slide_type == "skip", (lesson.file, cell.id)
