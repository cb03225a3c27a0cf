"""The stored lessons as documents: their anatomy, their outputs, and what a reader can see."""

import ast
import base64
import re
import statistics
from collections.abc import Iterator

import pytest
from claims import is_about_an_early_end
from documents import (
    IDS,
    WRITTEN,
    code_cells,
    has_figure,
    has_view,
    minutes,
    prose,
    solutions,
    stored,
    tagged,
    tags,
    text_outputs,
)

from course_utils.lessons import LESSONS, NOTEBOOKS, navigation

every_lesson = pytest.mark.parametrize("lesson", WRITTEN, ids=IDS)

IGNORING = {"mnist-output", "nbval-ignore-output"}
KNOWN_TAGS = {*IGNORING, "taught", "recap", "exercise-setup", "raises-exception", "trained-here"}


def test_folder_and_list_agree():
    assert sorted(path.name for path in NOTEBOOKS.iterdir() if path.suffix == ".ipynb") == sorted(
        lesson.file for lesson in WRITTEN
    )
    assert [lesson.number for lesson in LESSONS] == list(range(len(LESSONS)))
    assert all(lesson.file.startswith(f"{lesson.number:02}_") for lesson in LESSONS)


@every_lesson
def test_opening(lesson):
    title, goals = stored(lesson).cells[:2]
    assert title.source.startswith(f"# {lesson.number:02} · {lesson.title}\n")
    assert f"**Question:** {lesson.question}" in title.source
    assert "**In one sentence:**" in title.source
    assert navigation(lesson) in title.source.splitlines()
    assert f"about {lesson.budget} seconds on a 2-core laptop" in title.source
    assert "**You will be able to**" in goals.source and "**You need**" in goals.source
    assert 3 <= len(re.findall(r"^- ", goals.source, re.M)) <= 5


@every_lesson
def test_parts(lesson):
    text = prose(lesson)
    headings = re.findall(r"^## (.*)", text, re.M)
    glossary = ["Glossary"] if lesson.number == 0 else []  # to look things up, after all else
    assert headings[-2 - len(glossary) :] == ["Try it", "Recap", *glossary]
    assert any(heading.startswith("Break it") for heading in headings)
    assert re.search(r"^###? By hand first", text, re.M)
    assert len(re.findall(r"\*\*Predict:\*\*", text)) >= 3
    recap = text.split("## Recap")[1]
    assert len(re.findall(r"^\d\. ", recap.split("**Three questions**")[0], re.M)) == 5
    assert len(re.findall(r"<details><summary>\d\. ", recap)) == 3
    assert "**What comes next:**" in recap and "**References**" in recap
    references = re.findall(r"^- .*", recap.split("**References**")[1], re.M)
    assert references and all(re.search(r"\((\d{4}|n\.d\.)", line) for line in references)


@every_lesson
def test_imports_cell(lesson):
    imports = code_cells(lesson)[0]
    assert len([line for line in imports.source.splitlines() if line.strip()]) <= 10
    for cell in code_cells(lesson)[1:]:
        assert not re.search(r"^(import|from) ", cell.source, re.M), cell.id


@every_lesson
def test_executed_in_order(lesson):
    counts = [cell.execution_count for cell in code_cells(lesson)]
    assert counts == list(range(1, len(counts) + 1))


@every_lesson
def test_cells_are_short(lesson):
    sizes = []
    for cell in code_cells(lesson):
        lines = [line for line in cell.source.splitlines() if line.strip()]
        sizes.append(len(lines))
        has_class = any(isinstance(node, ast.ClassDef) for node in ast.parse(cell.source).body)
        assert len(lines) <= (40 if has_class else 25), cell.id
        plotting = [line for line in lines if re.search(r"\b(plt|axs?|axes|fig|bar)\b", line)]
        assert len(plotting) <= 8, cell.id
    assert statistics.median(sizes) <= 8


@every_lesson
def test_what_is_defined_is_used(lesson):
    """In another place than its own definition, exercises excepted: those are the reader's."""
    trees = [(ast.parse(cell.source), ".check_" in cell.source) for cell in code_cells(lesson)]
    names = [
        (node, name.id)
        for tree, _ in trees
        for node in tree.body
        for name in ast.walk(node)
        if isinstance(name, ast.Name) and isinstance(name.ctx, ast.Load)
    ]
    for tree, is_exercise in trees:
        for node in tree.body:
            if isinstance(node, ast.FunctionDef | ast.ClassDef) and not is_exercise:
                assert any(n == node.name and where is not node for where, n in names), node.name


@every_lesson
def test_every_figure_is_read(lesson):
    cells = stored(lesson).cells
    for cell, after in zip(cells, [*cells[1:], None], strict=True):
        if has_figure(cell) and not has_view(cell):
            assert after.cell_type == "markdown", cell.id
            assert after.source.startswith("**In the figure:**"), cell.id
            assert cell.source.rstrip().endswith("plt.show()"), cell.id
            assert re.search(r"\d", after.source), f"{after.id} names no number"


@every_lesson
def test_every_view_is_read(lesson):
    """Prose before it says what to try, prose after it what to notice."""
    cells = stored(lesson).cells
    for before, cell, after in zip([None, *cells], cells, [*cells[1:], None], strict=False):
        if has_view(cell):
            assert before.cell_type == after.cell_type == "markdown", cell.id
            assert after.source.startswith("**In the view:**"), cell.id
            assert re.search(r"\d", after.source), f"{after.id} names no number"
            kept = sum(
                len(str(part))
                for output in cell.outputs
                for part in output.get("data", {}).values()
            )
            assert kept <= 60_000, cell.id


@every_lesson
def test_figures_are_small(lesson):
    for cell in code_cells(lesson):
        for output in cell.outputs:
            if "image/png" in output.get("data", {}):
                assert len(base64.b64decode(output.data["image/png"])) <= 150_000, cell.id


@every_lesson
def test_text_in_figures_is_large(lesson):
    for cell in code_cells(lesson):
        for size in re.findall(r"fontsize=([\d.]+)", cell.source):
            assert float(size) >= 12, cell.id


@every_lesson
def test_axes_are_labelled(lesson):
    """A cell that opens axes names both, unless it shows pictures without ticks."""
    for cell in code_cells(lesson):
        if "plt.subplots" in cell.source and has_figure(cell):
            labels = re.findall(r"\b(?:set_)?([xy]label)\b", cell.source)
            pictures = re.search(r"\b(image_grid|maps|set_axis_off)\(", cell.source)
            assert {"xlabel", "ylabel"} <= set(labels) or pictures, cell.id


@every_lesson
def test_stored_outputs_are_clean(lesson):
    text = lesson.path.read_text(encoding="utf-8")
    assert "widgets" not in stored(lesson).metadata
    assert "application/vnd.jupyter.widget-view+json" not in text
    assert not re.search(r"/(home|root|tmp|Users|work)/\w", text)
    assert lesson.path.stat().st_size < 1_500_000
    for cell in code_cells(lesson):
        for output in cell.outputs:
            assert output.output_type != "error", cell.id
            assert output.get("name") != "stderr", cell.id


@every_lesson
def test_tags(lesson):
    for cell in code_cells(lesson):
        assert set(tags(cell)) <= KNOWN_TAGS, cell.id
        # nbval passes a cell with both when nothing is raised
        assert len({*IGNORING, "raises-exception"} & set(tags(cell))) <= 1, cell.id
    assert len(tagged(lesson, "nbval-ignore-output")) <= (6 if lesson.real_images else 3)
    assert lesson.real_images or not tagged(lesson, "mnist-output")


@every_lesson
def test_compared_numbers_are_short(lesson):
    """No more than 9 significant digits are compared (the published numbers have 9).

    The rest depends on the processor.
    """
    for cell in code_cells(lesson):
        if "nbval-ignore-output" in tags(cell):
            continue
        for number in re.findall(r"(?<![\w.])\d+\.\d+(?:e[+-]?\d+)?", text_outputs(cell)):
            digits = re.sub(r"e.*", "", number).replace(".", "").lstrip("0")
            assert len(digits) <= 9, f"{cell.id}: {number}"


@every_lesson
def test_exercises_have_hints_and_a_solution(lesson):
    text = prose(lesson).split("## Try it")[1].split("## Recap")[0]
    titles = re.findall(r"^### \d\. ", text, re.M)
    assert 2 <= len(titles) <= 8  # as many as the figure of lesson 00 has room for
    for hint in ("Hint 1: the idea", "Hint 2: the shape", "Hint 3: the line", "Solution"):
        assert text.count(f"<summary>{hint}</summary>") == len(titles)
    assert len(solutions(lesson)) == len(titles)


@every_lesson
def test_exercises_are_left_open(lesson):
    """The stored stub is unanswered, and says so."""
    for cell in code_cells(lesson):
        if ".check_" in cell.source and "..." in cell.source:
            assert "Not answered yet" in text_outputs(cell), cell.id


@every_lesson
def test_an_answer_takes_the_name_of_no_function_of_its_lesson(lesson):
    """Else cells of the lesson, run again, would use the answer, and a marker take both for it."""
    names = {check.removeprefix("check_") for check in solutions(lesson)}
    for cell in code_cells(lesson):
        if not re.search(r"^lesson\d\d\.check_", cell.source, re.M):
            defined = {node.name for node in ast.parse(cell.source).body if hasattr(node, "name")}
            assert not defined & names, cell.id


@every_lesson
def test_recaps_repeat_what_was_taught(lesson):
    """A cell tagged recap is, line by line, a cell of an earlier lesson."""
    earlier_cells = {
        ast.dump(ast.parse(cell.source))
        for earlier in WRITTEN
        if earlier.number < lesson.number
        for cell in code_cells(earlier)
    }
    for cell in tagged(lesson, "recap"):
        assert ast.dump(ast.parse(cell.source)) in earlier_cells, cell.id


@every_lesson
def test_links_lead_somewhere(lesson):
    for target in re.findall(r"\]\(([^)#]+)\)", prose(lesson)):
        if not target.startswith("http"):
            assert (NOTEBOOKS / target).exists(), target


@every_lesson
def test_no_bare_true_or_false_in_place_of_a_number(lesson):
    """A reader sees by how much a claim holds, not only that it does."""
    for cell in code_cells(lesson):
        shown = re.findall(r".*(?:^|: )(?:True|False)\s*$", text_outputs(cell), re.M)
        assert not shown, f"{cell.id}: {shown}"


@every_lesson
def test_the_time_that_a_lesson_asks_for_is_counted(lesson):
    stated_reading, stated_exercises = lesson.minutes
    reading, exercises = minutes(lesson)
    assert abs(stated_reading - reading) <= 5 and stated_exercises == exercises
    resting = len(re.findall(r"^#+ .*[Rr]esting point", prose(lesson), re.M))
    assert resting >= (reading + exercises > 50), "a sitting is at most about 45 minutes"


@pytest.mark.parametrize("lesson", WRITTEN, ids=IDS)
def test_a_lesson_runs_from_any_folder(lesson):
    """Files are named by `sources.DATA` or the like, not by their way from the notebook."""
    for cell in code_cells(lesson):
        assert not re.search(r"""["']\.\./""", cell.source), cell.id


def _calls(node: ast.AST, names: set[str]) -> bool:
    return any(isinstance(n, ast.Call) and ast.unparse(n.func) in names for n in ast.walk(node))


def _blocks(tree: ast.AST) -> Iterator[list[ast.stmt]]:
    """The statements that stand under each other, in every block of a cell."""
    for node in ast.walk(tree):
        for part in ("body", "orelse", "finalbody"):
            if isinstance(block := getattr(node, part, None), list) and block:
                yield block


def _names(tree: ast.AST) -> set[str]:
    return {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)}


@every_lesson
def test_a_training_that_ended_early_is_told_where_it_stands(lesson):
    """By a sentence after each training, not by several bare assertions further down."""
    blocks = [b for cell in code_cells(lesson) for b in _blocks(ast.parse(cell.source))]
    trainings = {"training.fit"}
    for block in blocks:
        for node in block:
            if isinstance(node, ast.FunctionDef) and _calls(node.body[-1], trainings):
                trainings.add(node.name)
    for block in blocks:
        for node, after in zip(block, [*block[1:], None], strict=True):
            simple = isinstance(node, ast.Assign | ast.AugAssign | ast.Expr | ast.Assert)
            if simple and _calls(node, trainings):
                is_told = isinstance(after, ast.Assert) and is_about_an_early_end(after)
                assert is_told and _names(after.msg) & _names(node), ast.unparse(node)
