"""What a slide shows of a cell, and what becomes a note for the speaker.

Of a paragraph the slide shows its first sentences, up to 220 characters, and also the last one
where that introduces a formula, a list, a table or a prediction. These stand there whole. A cell
with a figure is that figure; other code stands there with what it prints, where both fit. What
does not fit below the rest goes on on another slide. The whole text is in the notes.
"""

import re
import struct
from base64 import b64decode
from collections.abc import Iterator
from html import escape

from latex2mathml.converter import convert
from mistune import HTMLRenderer, create_markdown
from pygments import highlight
from pygments.formatters import HtmlFormatter
from pygments.lexers import PythonLexer

from course_utils.classroom.files import Cell, text_of

#: The largest a figure may be, in pixels, above its sentences, and beside them if it is tall.
LARGEST, TALLEST = (1200, 500), (840, 620)
#: How much of a paragraph is shown, in characters, and of code with what it prints, in lines; and
#: how many characters are reckoned as a line.
SHOWN, LINES, LINE = 220, 17, 80
#: How high the text of a slide may become, in pixels.
ROOM = 610
_DETAILS = re.compile(r"<details>.*?</details>\n?", re.S)
_REFERENCES = re.compile(r"^\*\*(References|Words)\*\*.*", re.S | re.M)
#: A sentence, or more, in brackets; with the blank before it, or as a paragraph.
_ASIDE = re.compile(r"(?:(?<=[.:?]) |^)\((?:[A-Z*`][^()]*(?:\([^()]*\)[^()]*)*)[.?]\)", re.M)
#: Paragraphs that are for the notes alone: what comes next, asides, the sources of a table.
_LEFT_OUT = ("**What comes next", "*(", "[a] ")
_LINK = re.compile(r"(?<!!)\[([^\]]*)\]\([^)]*\)")
#: Where a sentence ends: not after an initial, "al." or "e.g.", and not within math or code.
_END = re.compile(r"(?<![A-Z])(?<! al)(?<!e\.g)(?<!i\.e)[.?!][\"*)]*(?= +[^a-z])")
_CLOSED = re.compile(r"\$[^$]*\$|`[^`]*`")
#: What is asked or answered stands on the slide whole.
_WHOLE = ("**Predict", "**Question")
#: What makes letters bold on a terminal.
_ANSI = re.compile(r"\x1b\[\d*m")
#: What stands in Markdown and is not seen, and the most of each command of LaTeX.
_MARKS = re.compile(r"(?<=\\[a-z])[a-z]+|[`*$\\{}|]")
_HEADING = re.compile(r"#+ (.*)")


class _Renderer(HTMLRenderer):
    """Markdown as HTML, with formulas as MathML, which browsers show without a program."""

    def block_math(self, body: str) -> str:
        kind = "formula wide" if len(body) > 80 else "formula"
        return f'<div class="{kind}">{convert(body, display="block")}</div>'

    def inline_math(self, body: str) -> str:
        return convert(body)

    def paragraph(self, text: str) -> str:
        first = text.removeprefix("<strong>").split(":")[0]
        kind = {"Predict": ' class="predict"', "In the figure": ' class="caption"'}.get(first, "")
        return f"<p{kind}>{text}</p>\n"

    def block_code(self, code: str, info: str | None = None) -> str:
        return code_html(code)


_MARKDOWN = create_markdown(renderer=_Renderer(escape=False), plugins=["math", "table"])


def markdown_html(text: str) -> str:
    """Markdown, with the links taken out: on a slide they would lead away from it."""
    html = str(_MARKDOWN(_LINK.sub(r"\1", text)))
    return html.replace("<th></th>", "<td></td>")  # a table's empty corner is no heading


def code_html(code: str) -> str:
    """Python, with its colours as classes."""
    coloured = highlight(code, PythonLexer(), HtmlFormatter(nowrap=True)).rstrip("\n")
    return f"<pre><code>{_hanging(coloured)}</code></pre>"


def _hanging(html: str) -> str:
    """Code, or what it prints: where a line breaks, it goes on a step further in than it began."""
    return "\n".join(map(_line, html.split("\n")))


def _line(html: str) -> str:
    text = re.sub("<[^>]*>", "", html)
    begins = len(text) - len(text.lstrip())
    return f'<span class="line" style="--in: {begins + 4}">{html}</span>'


def heading_of(cell: Cell) -> str | None:
    """The heading that a cell of text begins with."""
    found = _HEADING.match(text_of(cell))
    return found[1] if found and cell["cell_type"] == "markdown" else None


def shown_text(cell: Cell) -> list[str]:
    """What slides show of a cell of text, below its heading: for each slide its HTML."""
    blocks = list(_blocks(_REFERENCES.sub("", _DETAILS.sub("", text_of(cell)))))
    if blocks[:1] and blocks[0].startswith("**In the figure") and "**Predict" not in text_of(cell):
        blocks = blocks[:1]
    kept = [_shown(block, after) for block, after in zip(blocks, [*blocks[1:], ""], strict=True)]
    pages: list[list[str]] = [[]]
    for block in filter(None, kept):
        full = sum(map(_height, [*pages[-1], block])) > ROOM
        if pages[-1] and (full or pages[-1][-1].startswith("**In the figure")):
            introduced = len(pages[-1]) > 1 and pages[-1][-1].endswith(":")
            pages.append([pages[-1].pop()] if introduced else [])
        pages[-1].append(block)
    return [markdown_html("\n\n".join(page)) for page in pages]


def _height(block: str) -> int:
    """About how high a block is on a slide, in pixels."""
    if block.startswith("$$"):
        return 100
    lines = [_MARKS.sub("", line) for line in block.split("\n") if "| --- |" not in line]
    if block.startswith("|"):
        return 14 + sum(10 + 30 * -(-len(line) // 60) for line in lines)
    high = 20 + 37 * sum(-(-len(line) // LINE) for line in lines)
    return high + (24 if block.startswith("**Predict") else 0)


def noted_text(cell: Cell) -> str:
    """The whole text of a cell, for the notes: what hides in details too, references not."""
    text = _REFERENCES.sub("", text_of(cell))
    return markdown_html(re.sub(r"</?(details|summary)>", "\n\n", text))


def _blocks(text: str) -> Iterator[str]:
    """Paragraphs, lists, tables and formulas, without headings and asides; predictions alone."""
    text = re.sub(r" (?=\*\*Predict)", "\n\n", _ASIDE.sub("", text))
    for block in re.split(r"\n\n+", text.strip()):
        block = re.sub(r"^#+ .*\n?", "", block)
        if block and not block.startswith(_LEFT_OUT):
            yield block


def _shown(block: str, after: str) -> str:
    """What is shown of a block; after: the one behind it."""
    introduces = _stands_whole(after)
    if _is_list(block):
        items = (item.partition(" ") for item in block.split("\n"))
        return "\n".join(f"{mark} {_beginning(text)}" for mark, _, text in items)
    if _stands_whole(block):
        return block
    if re.fullmatch(r"\*\*[^*]+\*\*", block) and not introduces:
        return ""  # a heading of what is left out
    beginning = _beginning(block)
    last = sentences_of(block)[-1] if introduces else ""
    return beginning if beginning.endswith(last) else f"{beginning} {last}"


def _beginning(text: str) -> str:
    """The first sentences of a text, as many as SHOWN characters hold, and at least one."""
    sentences = sentences_of(text)
    count = 1
    while count < len(sentences) and sum(map(len, sentences[: count + 1])) <= SHOWN:
        count += 1
    return " ".join(sentences[:count])


def _stands_whole(block: str) -> bool:
    return block.startswith((*_WHOLE, "$$", "|", "```", ">")) or _is_list(block)


def _is_list(block: str) -> bool:
    return block.startswith(("- ", "1. "))


def sentences_of(paragraph: str) -> list[str]:
    """The sentences of a paragraph, each with its mark."""
    masked = _CLOSED.sub(lambda found: "x" * len(found[0]), paragraph)
    ends = [found.end() for found in _END.finditer(masked)]
    starts = [0, *ends]
    return [paragraph[start:end].strip() for start, end in zip(starts, [*ends, None], strict=True)]


def figure_of(cell: Cell) -> str | None:
    """A cell's picture as base64, if it shows one."""
    for output in cell.get("outputs", ()):
        if picture := output.get("data", {}).get("image/png"):
            return "".join(picture).strip()
    return None


def figure_html(picture: str, alternative: str) -> str:
    """A picture as large as fits, and at most twice as large as it is; a tall one has a class."""
    width, height = struct.unpack(">II", b64decode(picture[:64])[16:24])
    tall = width < 1.4 * height
    widest, highest = TALLEST if tall else LARGEST
    scale = min(widest / width, highest / height, 2)
    size = f'width="{round(scale * width)}" height="{round(scale * height)}"'
    kind = ' class="tall"' if tall else ""
    return f'<img{kind} src="data:image/png;base64,{picture}" {size} alt="{escape(alternative)}">'


def output_of(cell: Cell) -> str:
    """What a cell prints, and the value that it ends with."""
    texts = []
    for output in cell.get("outputs", ()):
        text = "".join(output.get("text") or output.get("data", {}).get("text/plain") or "")
        texts.append(_ANSI.sub("", text).strip("\n"))
    return "\n".join(texts)


def shown(cell: Cell, after: list[Cell]) -> list[str]:
    """What slides show of a cell. after: those behind it, the first of which tells a figure."""
    if cell["cell_type"] == "markdown":
        return shown_text(cell)
    picture = figure_of(cell)
    if picture:
        told = text_of(after[0]) if after else ""
        return [figure_html(picture, re.sub(r"[*`$]", "", told))]
    code, output = text_of(cell), output_of(cell)
    printed = f'<div class="fragment"><pre>{_hanging(escape(output))}</pre></div>' if output else ""
    fits = not output or _lines(code) + _lines(output) <= LINES
    return [code_html(code) + printed if fits else printed]


def _lines(text: str) -> int:
    """How many lines a text takes on a slide."""
    return sum(max(1, -(-len(line) // LINE)) for line in text.split("\n"))
