"""What a slide shows of a cell, and what becomes a note for the speaker.

Of a paragraph the slide shows its first sentences, up to 200 characters, and also the last one
where that introduces a formula, a list, a table or a prediction. These stand there whole. A cell
with a figure is that figure; other code stands there with what it prints, where both fit. The
whole text is in the notes.
"""

import re
import struct
from base64 import b64decode
from collections.abc import Iterator
from html import escape

from latex2mathml.converter import convert
from nbconvert.filters.markdown_mistune import IPythonRenderer, MarkdownWithMath
from pygments import highlight
from pygments.formatters import HtmlFormatter
from pygments.lexers import PythonLexer

from course_utils.classroom.files import Cell, text_of

#: The largest a figure may be, in pixels, below a heading and above its sentences.
WIDEST, HIGHEST = 1200, 450
#: How much of a paragraph is shown, in characters, and of code, in lines of so many characters.
SHOWN, LINES, LINE = 200, 17, 80
_DETAILS = re.compile(r"<details>.*?</details>\n?", re.S)
_REFERENCES = re.compile(r"^\*\*(References|Words)\*\*.*", re.S | re.M)
_LINK = re.compile(r"(?<!!)\[([^\]]*)\]\([^)]*\)")
#: Where a sentence ends: not after an initial, "al." or "e.g.", and not within math or code.
_END = re.compile(r'(?<![A-Z])(?<! al)(?<!e\.g)(?<!i\.e)(?<!vs)[.?!]["”*)]*(?= +[^a-z])')
_CLOSED = re.compile(r"\$[^$]*\$|`[^`]*`")
#: What is asked or answered stands on the slide whole.
_WHOLE = ("**Predict", "**Question")
_HEADING = re.compile(r"#+ (.*)")


class _Renderer(IPythonRenderer):
    """Markdown as HTML, with formulas as MathML, which browsers show without a program."""

    def block_math(self, body: str) -> str:
        return f'<div class="formula">{convert(body, display="block")}</div>'

    def inline_math(self, body: str) -> str:
        return convert(body)

    def paragraph(self, text: str) -> str:
        kind = ' class="predict"' if text.startswith("<strong>Predict") else ""
        return f"<p{kind}>{text}</p>\n"

    def block_code(self, code: str, info: str | None = None) -> str:
        return code_html(code)


def markdown_html(text: str) -> str:
    """Markdown, with the links taken out: on a slide they would lead away from it."""
    return MarkdownWithMath(renderer=_Renderer(escape=False)).render(_LINK.sub(r"\1", text))


def code_html(code: str) -> str:
    """Python, with its colours as classes."""
    return f"<pre><code>{highlight(code, PythonLexer(), HtmlFormatter(nowrap=True))}</code></pre>"


def heading_of(cell: Cell) -> str | None:
    """The heading that a cell of text begins with."""
    found = _HEADING.match(text_of(cell))
    return found[1] if found and cell["cell_type"] == "markdown" else None


def shown_text(cell: Cell) -> str:
    """What a slide shows of a cell of text, below its heading."""
    blocks = list(_blocks(_REFERENCES.sub("", _DETAILS.sub("", text_of(cell)))))
    kept = [
        _shown(block, after) for block, after in zip(blocks, [*blocks[1:], ""], strict=True) if block
    ]
    return markdown_html("\n\n".join(filter(None, kept)))


def noted_text(cell: Cell) -> str:
    """The whole text of a cell, for the notes: what hides in details too, references not."""
    text = _REFERENCES.sub("", text_of(cell))
    return markdown_html(re.sub(r"</?(details|summary)>", "\n\n", text))


def _blocks(text: str) -> Iterator[str]:
    """Paragraphs, lists, tables and formulas, without headings."""
    for block in re.split(r"\n\n+", text.strip()):
        block = re.sub(r"^#+ .*\n?", "", block)
        if block:
            yield block


def _shown(block: str, after: str) -> str:
    """What is shown of a paragraph; after: the one behind it."""
    introduces = _stands_whole(after)
    if _stands_whole(block):
        return block
    if block.startswith(("(", "*(")) or (re.fullmatch(r"\*\*[^*]+\*\*", block) and not introduces):
        return ""  # an aside, or a heading of what is left out
    sentences = sentences_of(block)
    count = 1
    while count < len(sentences) and sum(map(len, sentences[: count + 1])) <= SHOWN:
        count += 1
    last = sentences[count:][-1:] if introduces else []
    return " ".join([*sentences[:count], *last])


def _stands_whole(block: str) -> bool:
    return block.startswith((*_WHOLE, "$$", "|", "- ", "1. ", "```", ">"))


def sentences_of(paragraph: str) -> list[str]:
    """The sentences of a paragraph, each with its mark."""
    masked = _CLOSED.sub(lambda found: "x" * len(found[0]), paragraph)
    ends = [found.end() for found in _END.finditer(masked)]
    starts = [0, *ends]
    return [
        paragraph[start:end].strip() for start, end in zip(starts, [*ends, None], strict=True)
    ]


def figure_of(cell: Cell) -> str | None:
    """A cell's picture as base64, if it shows one."""
    for output in cell.get("outputs", ()):
        if picture := output.get("data", {}).get("image/png"):
            return "".join(picture).strip()
    return None


def figure_html(picture: str, alternative: str) -> str:
    """A picture as large as fits, and at most twice as large as it is."""
    width, height = struct.unpack(">II", b64decode(picture[:64])[16:24])
    scale = min(WIDEST / width, HIGHEST / height, 2)
    size = f'width="{round(scale * width)}" height="{round(scale * height)}"'
    return f'<img src="data:image/png;base64,{picture}" {size} alt="{escape(alternative)}">'


def output_of(cell: Cell) -> str:
    """What a cell prints, and the value that it ends with."""
    texts = []
    for output in cell.get("outputs", ()):
        text = output.get("text") or output.get("data", {}).get("text/plain") or ""
        texts.append("".join(text).strip("\n"))
    return "\n".join(texts)


def shown(cell: Cell, after: list[Cell]) -> str:
    """What a slide shows of a cell. after: those behind it, the first of which tells a figure."""
    if cell["cell_type"] == "markdown":
        return shown_text(cell)
    picture = figure_of(cell)
    if picture:
        told = text_of(after[0]) if after else ""
        return figure_html(picture, re.sub(r"[*`$]", "", told))
    code, output = text_of(cell), output_of(cell)
    printed = f'<div class="fragment"><pre>{escape(output)}</pre></div>' if output else ""
    fits = not output or _lines(code) + _lines(output) <= LINES
    return code_html(code) + printed if fits else printed


def _lines(text: str) -> int:
    """How many lines a text takes on a slide."""
    return sum(max(1, -(-len(line) // LINE)) for line in text.split("\n"))
