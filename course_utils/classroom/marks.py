"""`marks`: runs what a class has handed in, and says what each check says of it."""

import csv
import hashlib
import io
import re
import tempfile
import threading
from collections import Counter
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import astuple, dataclass, fields
from pathlib import Path

from course_utils.classroom.commands import Refusal
from course_utils.classroom.files import write_text
from course_utils.classroom.kernel import Ended, Kernel, Limits, can_isolate, start_kernel
from course_utils.classroom.mirror import mirror
from course_utils.classroom.submissions import Answers, Submission, Unmarkable, find_submissions

_MADE = re.compile(r'<meta name="course_utils-marks" content="(\w*) (\w*)">')


@dataclass(frozen=True)
class Row:
    """A row of the table: what was said of one answer, or why nothing of a submission was marked.

    lesson: such as "06"; it and the exercise are "" where they are not known. code: that of the
    check's verdict, or what happened. sentence: what the student would see.
    """

    student: str
    lesson: str
    exercise: str
    code: str
    sentence: str
    file: str


def mark_class(folder: Path, to: Path, limits: Limits, at_once: int) -> Iterator[str]:
    """Mark every submission, and write `marks.csv` and `mirror.html`; says what it does."""
    submissions = find_submissions(folder)
    table, page = to / "marks.csv", to / "mirror.html"
    _make_folder(to)
    before = _made_before(table, page)
    if not can_isolate():
        yield (
            "This machine does not allow namespaces: submissions are kept from the network by "
            "Python alone, and programs that they start are not. Run this in a container."
        )
    rows: list[Row] = []
    for done, (submission, its_rows) in enumerate(_marked(submissions, limits, at_once), start=1):
        rows += its_rows
        codes = ", ".join(row.code for row in its_rows)
        yield f"{done} of {len(submissions)}: {_legible(submission.file)}: {codes}"
    text = as_csv(rows)
    signed = _signed(mirror(*count_codes(rows)), _short(text))
    for path, content, was in zip((table, page), (text, signed), before, strict=True):
        write_text(path, content, was)
        yield str(path)


def _marked(
    submissions: Sequence[Submission], limits: Limits, at_once: int
) -> Iterator[tuple[Submission, list[Row]]]:
    stopped = threading.Event()
    with ThreadPoolExecutor(at_once) as pool:
        try:
            started = [pool.submit(mark_one, each, limits, stopped) for each in submissions]
            for submission, future in zip(submissions, started, strict=True):
                yield submission, future.result()
        finally:  # also when the user interrupts
            stopped.set()
            pool.shutdown(cancel_futures=True)


def count_codes(rows: Sequence[Row]) -> tuple[dict[tuple[str, str], Counter[str]], Counter[str]]:
    """How many got each code, by lesson and exercise; and of those of which nothing was marked."""
    answers: dict[tuple[str, str], Counter[str]] = {}
    for row in sorted(rows, key=lambda row: row.lesson):
        if row.exercise:
            answers.setdefault((row.lesson, row.exercise), Counter())[row.code] += 1
    return answers, Counter(row.code for row in rows if not row.exercise)


def mark_one(submission: Submission, limits: Limits, stopped: threading.Event) -> list[Row]:
    """The rows of a submission: one for each exercise, or one that says why there is none."""
    try:
        verdicts = _verdicts(Answers(submission.path), limits, stopped)
    except Unmarkable as why:
        verdicts = {("", ""): (why.code, why.sentence)}
    except Refusal:
        raise
    except Exception as error:  # one submission does not keep others from being marked
        verdicts = {("", ""): ("not-marked", f"Marking failed: {error!r:.400}")}
    return [
        Row(
            student=_legible(submission.student),
            lesson=lesson,
            exercise=exercise,
            code=_legible(code),
            sentence=_legible(sentence),
            file=_legible(submission.file),
        )
        for (lesson, exercise), (code, sentence) in verdicts.items()
    ]


def _legible(text: str) -> str:
    """Text that can be written and printed: with ? for what is no character."""
    return text.encode("utf-8", "replace").decode()


def _verdicts(
    answers: Answers, limits: Limits, stopped: threading.Event
) -> dict[tuple[str, str], tuple[str, str]]:
    """Code and sentence for each lesson and exercise."""
    lesson = f"{answers.lesson.number:02}"
    verdicts: dict[str, tuple[str, str]] = {}
    cells: dict[str, list[str]] = {}
    for exercise in answers.exercises:
        try:
            cells[exercise] = answers.cells_for(exercise)
        except Unmarkable as why:
            verdicts[exercise] = why.code, why.sentence
    while cells:  # a kernel that ends takes one answer with it, and the next one has the others
        verdicts |= _in_a_kernel(lesson, answers.given, cells, limits, stopped)
        cells = {name: sources for name, sources in cells.items() if name not in verdicts}
    return {(lesson, exercise): verdicts[exercise] for exercise in answers.exercises}


def _in_a_kernel(
    lesson: str,
    given: Sequence[str],
    cells: dict[str, list[str]],
    limits: Limits,
    stopped: threading.Event,
) -> dict[str, tuple[str, str]]:
    """The verdicts on answers, at least on the first: up to one that ends the kernel."""
    verdicts: dict[str, tuple[str, str]] = {}
    current = next(iter(cells))
    try:
        with start_kernel(limits, stopped) as kernel:
            kernel.begin()
            for source in given:
                kernel.run(source)
            have_run: set[str] = set()
            for current, sources in cells.items():
                kernel.begin()
                new = [source for source in sources if source not in have_run]
                have_run.update(new)
                verdicts[current] = _verdict(kernel, lesson, current, new)
    except Ended as end:
        verdicts[current] = end.code, end.sentence
    except Exception as error:  # one submission does not keep others from being marked
        verdicts[current] = "not-marked", f"Marking failed: {error!r:.400}"
    return verdicts


def _verdict(kernel: Kernel, lesson: str, exercise: str, cells: Sequence[str]) -> tuple[str, str]:
    errors = [error for error in map(kernel.run, cells) if error]
    code, sentence = kernel.mark(lesson, exercise)
    if code == "error" and errors:
        sentence = f"Its cell stops with an error. {errors[-1]}"
    return code, sentence


def as_csv(rows: Sequence[Row]) -> str:
    """The table, in which nothing is a formula to a spreadsheet."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(field.name for field in fields(Row))
    writer.writerows(map(_harmless, astuple(row)) for row in rows)
    return "\ufeff" + text.getvalue()  # by this mark spreadsheets know that it is UTF-8


def _harmless(text: str) -> str:
    """What a spreadsheet does not take for a formula, whatever a student is called."""
    return f"'{text}" if text.startswith(("=", "+", "-", "@", "\t", "\r")) else text


def _signed(html: str, table: str) -> str:
    """The page with what it and the table were when they were made."""
    whole = _short(html)
    return html.replace(
        "<head>", f'<head>\n<meta name="course_utils-marks" content="{table} {whole}">', 1
    )


def _make_folder(folder: Path) -> None:
    """Make the folder, and see that it can be written to, before anything is run."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        tempfile.TemporaryFile(dir=folder).close()
    except OSError as error:
        raise Refusal(
            f"{folder} cannot be written to ({error.strerror}): name a folder of your own by --to."
        ) from None


def _made_before(table: Path, page: Path) -> tuple[bytes | None, bytes | None]:
    """The files of an earlier run, where nobody has changed them; None where there are none."""
    try:
        before = [path.read_bytes() if path.exists() else None for path in (table, page)]
        text, html = [(content or b"").decode() for content in before]
    except (OSError, UnicodeDecodeError) as error:
        raise Refusal(f"{table.parent} cannot be read ({error}): name another folder.") from None
    found = _MADE.search(html)
    unsigned = _MADE.sub("", html, count=1).replace("<head>\n", "<head>", 1)
    ours = found and found.groups() == (_short(text), _short(unsigned))
    if before != [None, None] and not ours:
        raise Refusal(
            f"{table} and {page} are not, or not both, as this command has made them, and stay as "
            "they are: move them to another place, or name another folder by --to."
        )
    return before[0], before[1]


def _short(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:16]
