"""`handout`: lessons without solutions, for nbgrader, and keys for instructors."""

import contextlib
import io
import itertools
import json
import re
import subprocess
import sys
from pathlib import Path

import nbformat
import pytest
from documents import IDS, WRITTEN, code_cells, prose, solutions, stored, tagged
from exercise_sources import checks

from course_utils.classroom.commands import Refusal, main
from course_utils.classroom.files import read_lesson
from course_utils.classroom.handout import hand_out
from course_utils.classroom.marking import mark
from course_utils.exercises import lesson06
from course_utils.exercises.engine import checks as engine
from course_utils.lessons import LESSONS

ROOT = Path(__file__).resolve().parents[2]
every_lesson = pytest.mark.parametrize("lesson", WRITTEN, ids=IDS)


def made(lesson, kind, folder, **options):
    notebook = nbformat.read(hand_out(lesson, kind, folder, **options), as_version=4)
    nbformat.validate(notebook)
    assert all(not cell.get("outputs") for cell in notebook.cells)
    return notebook


def graded(notebook):
    """The pairs of a solution cell and the cell behind it."""
    cells = notebook.cells
    return [
        (cell, behind)
        for cell, behind in itertools.pairwise(cells)
        if cell.metadata.get("nbgrader", {}).get("solution")
    ]


def cleared(source):
    """What nbgrader's ClearSolutions leaves, by its default stub."""

    def stub(region):
        return f"{region[1]}# YOUR CODE HERE\n{region[1]}raise NotImplementedError()\n"

    region = r"^( *)### BEGIN SOLUTION\n.*?### END SOLUTION\n"
    text, regions = re.subn(region, stub, source, flags=re.M | re.S)
    assert regions == 1
    return text


def imported(lesson):
    """What the exercises may use: the imports, and their set-up."""
    namespace = {}
    for cell in [code_cells(lesson)[0], *tagged(lesson, "exercise-setup")]:
        exec(cell.source, namespace)
    return namespace


def said_by(cell, namespace):
    """What a locked cell prints, and whether it passes."""
    with contextlib.redirect_stdout(io.StringIO()) as out:
        try:
            exec(cell.source, namespace)
        except AssertionError as error:
            return out.getvalue(), str(error)
    return out.getvalue(), "correct"


@every_lesson
def test_plain_has_everything_but_the_solutions(lesson, tmp_path):
    notebook = made(lesson, "plain", tmp_path)
    text = "\n\n".join(cell.source for cell in notebook.cells)
    assert "<summary>Solution" not in text and "### BEGIN" not in text
    for phrase in ("the solution after", "and a solution", "hint, solution"):
        assert phrase not in text
    for solution in solutions(lesson).values():
        assert solution.strip() not in text
    assert text.count("<summary>Hint") == prose(lesson).count("<summary>Hint") > 0
    assert text.count("<details>") == text.count("</details>")
    for cell, whole in zip(notebook.cells, stored(lesson).cells, strict=True):
        assert cell.id == whole.id
        if "<summary>Solution" in whole.source:
            assert whole.source.startswith(cell.source)
        elif cell.id not in ("try-it", "goals", "exercises"):  # where solutions are spoken of
            assert cell.source == whole.source


@every_lesson
def test_exercises_alone_run_after_their_imports(lesson, tmp_path):
    notebook = made(lesson, "plain", tmp_path, exercises_only=True)
    text = "\n\n".join(cell.source for cell in notebook.cells)
    assert text.startswith("# ") and notebook.cells[1].source == code_cells(lesson)[0].source
    for name in checks(lesson):
        assert f".{name}(" in text
    for cell in tagged(lesson, "exercise-setup"):
        assert cell.source in text
    assert "## Try it" in text and "## Recap" not in text
    assert len(notebook.cells) < len(stored(lesson).cells) / 2


@every_lesson
def test_nbgraders_rules_are_kept(lesson, tmp_path):
    """As its validator has them: ids that are one cell's alone, points where it grades."""
    notebook = made(lesson, "nbgrader", tmp_path)
    path = tmp_path / "source" / lesson.path.stem / lesson.file
    assert path.is_file() and "Solution</summary>" not in path.read_text(encoding="utf-8")
    ids = [
        cell.metadata.nbgrader.grade_id for cell in notebook.cells if "nbgrader" in cell.metadata
    ]
    assert len(set(ids)) == len(ids) == 2 * len(checks(lesson))
    kept = {cell.id for cell in stored(lesson).cells}
    for answer, test in graded(notebook):
        assert answer.metadata.nbgrader == {
            "grade": False,
            "grade_id": answer.id,
            "locked": False,
            "schema_version": 3,
            "solution": True,
            "task": False,
        }
        assert test.metadata.nbgrader == {
            "grade": True,
            "grade_id": f"{answer.id}-test",
            "locked": True,
            "points": 1,
            "schema_version": 3,
            "solution": False,
            "task": False,
        }
        assert answer.id in kept and re.fullmatch(r"[\w-]{1,64}", test.id)


@every_lesson
def test_what_nbgrader_leaves_is_our_stub(lesson, tmp_path):
    """The function's line and docstring, or the name with its dots: and it is unanswered."""
    stubs = {cell.id: cell.source for cell in code_cells(lesson)}
    namespace = imported(lesson)
    for answer, test in graded(made(lesson, "nbgrader", tmp_path)):
        left = cleared(answer.source)
        stub = stubs[answer.id]
        if stub.startswith("def ") and "class my_block" not in answer.source:
            body = "    # YOUR CODE HERE\n    raise NotImplementedError()\n"
            assert left == stub.replace("    ...\n", body)
        elif stub.startswith("def "):
            assert left.startswith(stub.partition("\n\n\n")[0])
        else:
            assert left.startswith(stub.splitlines()[0] + "\n\n# YOUR CODE HERE\nraise ")
        assert left.endswith(stub.splitlines()[-1])
        with contextlib.suppress(NotImplementedError):
            exec(left, namespace)
        said, code = said_by(test, namespace)
        assert code == "unanswered" and "Not answered yet" in said


@pytest.mark.slow
@every_lesson
def test_solutions_pass_the_cells_that_mark_them(lesson, tmp_path):
    namespace = imported(lesson)
    pairs = graded(made(lesson, "nbgrader", tmp_path))
    assert len(pairs) == len(checks(lesson))
    for answer, test in pairs:
        exec(answer.source, namespace)
        said, code = said_by(test, namespace)
        assert code == "correct" and said.startswith("Correct. ")


def always(*_, **__):
    return engine.Verdict("correct", "Correct, of course.")


def patch_the_check(namespace):
    namespace["lesson06"].check_conv2d = always


def patch_the_engine(namespace):
    engine.judge = engine.function_check = engine.difference = always


def patch_the_modules(namespace):
    for name in ("exercises.lesson06", "exercises.engine.checks", "classroom.marking"):
        fake = type(sys)(f"course_utils.{name}")
        fake.check_conv2d = fake.mark = always
        sys.modules[f"course_utils.{name}"] = fake


def patch_while_it_is_checked(namespace):
    def conv2d(*_):
        from course_utils.exercises import lesson06

        lesson06.check_conv2d = always
        return 0

    namespace["conv2d"] = conv2d


@pytest.mark.parametrize(
    "patch", [patch_the_check, patch_the_engine, patch_the_modules, patch_while_it_is_checked]
)
def test_an_answer_that_patches_the_check_does_not_pass(patch, tmp_path, monkeypatch):
    for module, name in (
        (lesson06, "check_conv2d"),
        (engine, "judge"),
        (engine, "function_check"),
        (engine, "difference"),
    ):
        monkeypatch.setattr(module, name, getattr(module, name))  # put back afterwards
    for name in [name for name in sys.modules if name.startswith("course_utils")]:
        monkeypatch.setitem(sys.modules, name, sys.modules[name])
    (test,) = [
        test
        for answer, test in graded(made(LESSONS[6], "nbgrader", tmp_path))
        if answer.id == "ex-conv-stub"
    ]
    namespace = {"lesson06": lesson06, "conv2d": lambda *_: 0}
    patch(namespace)
    said, code = said_by(test, namespace)
    assert code != "correct" and "Not yet" in said


@pytest.mark.slow
def test_a_folder_of_the_courses_name_beside_the_notebook_is_not_asked(tmp_path):
    notebook = made(LESSONS[6], "nbgrader", tmp_path)
    (test,) = [test for answer, test in graded(notebook) if answer.id == "ex-conv-stub"]
    for part in ("__init__.py", "classroom/marking.py", "exercises/lesson06.py"):
        path = tmp_path / "course_utils" / part
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(
            "from types import SimpleNamespace as S\n"
            "mark = check_conv2d = lambda *_: S(code='correct', sentence='Of course.')\n"
        )
    code = f"import course_utils.exercises.lesson06 as l; print(l)\nconv2d = print\n{test.source}"
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True
    )
    assert str(tmp_path) in done.stdout  # the notebook itself has imported that
    assert done.returncode == 1 and "AssertionError: none" in done.stderr


def test_marking_leaves_the_modules_of_the_notebook(monkeypatch):
    monkeypatch.delitem(sys.modules, "course_utils.exercises.lesson06")  # never imported there
    before = dict(sys.modules), list(sys.path)
    verdict = mark("06", "count_parameters", lambda c, h, w, k, f: k * (c * f * f + 1))
    assert verdict.code == "correct" and not isinstance(verdict, engine.Verdict)  # loaded anew
    ours = {name: module for name, module in before[0].items() if name.startswith("course_utils")}
    assert {n: m for n, m in sys.modules.items() if n.startswith("course_utils")} == ours
    assert sys.path == before[1]


@every_lesson
def test_the_key_has_what_the_checks_say(lesson, tmp_path):
    notebook = made(lesson, "key", tmp_path)
    text = "\n\n".join(cell.source for cell in notebook.cells)
    for name, check in checks(lesson).items():
        assert solutions(lesson)[name].strip() in text
        for code, sentence in check.sentences.items():
            assert f"- `{code}`: {sentence}" in text
    assert "<summary>" not in text and (tmp_path / f"{lesson.path.stem}_key.ipynb").is_file()
    for remark in re.findall(r"```\n\n(\S[^\n]*)\n\n</details>", prose(lesson)):
        assert remark in text
    namespace = {}
    for cell in notebook.cells:
        if cell.cell_type == "code" and "plt.show()" not in cell.source:
            exec(cell.source, namespace)


def test_the_same_is_written_again_and_what_was_changed_is_not(tmp_path):
    path = Path(hand_out(LESSONS[6], "nbgrader", tmp_path))
    first = path.read_bytes()
    hand_out(LESSONS[6], "nbgrader", tmp_path)
    assert path.read_bytes() == first
    hand_out(LESSONS[6], "nbgrader", tmp_path, exercises_only=True)
    assert path.read_bytes() != first
    notebook = json.loads(path.read_text(encoding="utf-8"))
    (test,) = [cell for cell in notebook["cells"] if cell["id"] == "ex-conv-stub-test"]
    test["metadata"]["nbgrader"]["points"] = 5
    path.write_text(json.dumps(notebook), encoding="utf-8")
    changed = path.read_bytes()
    with pytest.raises(Refusal, match="has been changed since it was made"):
        hand_out(LESSONS[6], "nbgrader", tmp_path)
    assert path.read_bytes() == changed


@pytest.mark.parametrize("kind", ["plain", "key", "nbgrader"])
def test_files_of_others_are_not_overwritten(kind, tmp_path, capsys):
    path = Path(hand_out(LESSONS[6], kind, tmp_path))
    for content in (b"mine", LESSONS[6].path.read_bytes()):
        path.write_bytes(content)
        assert main(["handout", "6", f"--{kind}", str(tmp_path)]) == 2
        said = capsys.readouterr().err
        assert str(path) in said and "move it to another place" in said
        assert path.read_bytes() == content


def test_workbooks_and_handouts_do_not_overwrite_each_other(tmp_path, capsys):
    path, folder = tmp_path / LESSONS[6].file, str(tmp_path)
    for first, second in (
        (["workbook", "6", "--to", folder], ["handout", "6", "--plain", folder]),
        (["handout", "6", "--plain", folder], ["workbook", "6", "--to", folder]),
    ):
        path.unlink(missing_ok=True)
        assert main(first) == 0
        before = path.read_bytes()
        assert main(second) == 2
        assert "was not made by" in capsys.readouterr().err and path.read_bytes() == before


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["6"], "one of the arguments --plain --key --nbgrader is required"),
        (["6", "--plain", "a", "--key", "b"], "not allowed with argument"),
        (["--plain", "a"], "the following arguments are required: LESSON"),
        (["99", "--plain", "a"], "there is no lesson 99"),
    ],
)
def test_what_is_missing_is_said(arguments, said, capsys):
    with pytest.raises(SystemExit) as ended:
        main(["handout", *arguments])
    assert ended.value.code == 2 and said in capsys.readouterr().err


def test_reading_a_lesson_leaves_it_as_it_is():
    before = LESSONS[6].path.read_bytes()
    assert len(read_lesson(LESSONS[6])["cells"]) == len(stored(LESSONS[6]).cells)
    assert LESSONS[6].path.read_bytes() == before


@pytest.mark.slow
def test_all_lessons_at_once(tmp_path):
    numbers = [str(lesson.number) for lesson in WRITTEN]
    for kind in ("plain", "key", "nbgrader"):
        command = [sys.executable, "-m", "course_utils", "handout", *numbers, f"--{kind}"]
        subprocess.run([*command, tmp_path / kind], cwd=ROOT, check=True, capture_output=True)
        assert len(list((tmp_path / kind).rglob("*.ipynb"))) == len(WRITTEN)
