"""What is said in two places agrees, the package stays thin, and nothing speaks of its making."""

import ast
import functools
import hashlib
import json
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import make_picture
import pytest
from documents import WRITTEN, code_cells, prose, stored
from exercise_sources import EVERY_CHECK
from PIL import Image

import course_utils
from course_utils import views
from course_utils.lessons import LESSONS, course_map, readme_table
from course_utils.sources import FILES, FOLDERS, checksums

ROOT = Path(__file__).resolve().parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")
TEACHING = (ROOT / "TEACHING.md").read_text(encoding="utf-8")
CONTRIBUTING = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
FAULTS = (ROOT / "tests" / "FAULTS.md").read_text(encoding="utf-8")
#: What is read on its way into the course, with links between them.
DOCUMENTS = [*sorted(ROOT.glob("*.md")), ROOT / "tests" / "FAULTS.md"]
TEST_COMMAND = (
    "python3 -m venv .venv && .venv/bin/pip install -r requirements.txt && .venv/bin/pytest"
)


def tracked() -> list[Path]:
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"],
        cwd=ROOT,
        capture_output=True,
        text=True,
    )
    if not (ROOT / ".git").exists():
        pytest.skip("not a git checkout")
    assert listed.returncode == 0, listed.stderr
    return [ROOT / name for name in listed.stdout.split("\0") if name and (ROOT / name).exists()]


def test_the_readme_has_the_table_of_lessons():
    assert readme_table() in README


def test_lesson_00_has_the_map():
    assert course_map() in prose(LESSONS[0])


def test_the_readme_says_how_long_the_course_takes():
    minutes = [lesson.minutes for lesson in LESSONS if lesson.written]
    reading, exercises = (sum(column) / 60 for column in zip(*minutes, strict=True))
    stated = re.search(
        r"about (\d+) hours\*\*: (\d+) for .* and ([\d½]+) for the exercises", README
    )
    halves = round(2 * exercises)
    assert list(stated.groups()) == [
        f"{reading + exercises:.0f}",
        f"{reading:.0f}",
        f"{halves // 2}{'½' * (halves % 2)}",
    ]
    assert f"Each of the {len(EVERY_CHECK)} exercises" in " ".join(README.split())


def test_teaching_says_where_each_view_is():
    row = r"^\| (`\w+`(?:, `\w+`)*) \| (\d\d(?:, \d\d)*) \|"
    rows = re.findall(row, TEACHING, re.MULTILINE)
    used = {
        f"{lesson.number:02}": set(
            re.findall(r"views\.(\w+)\(", "\n".join(cell.source for cell in code_cells(lesson)))
        )
        for lesson in LESSONS
    }
    listed = [(set(re.findall(r"\w+", names)), lessons) for names, lessons in rows]
    assert set().union(*(names for names, _ in listed)) == set(views.__all__)
    for names, lessons in listed:
        there = [number for number, called in used.items() if names & called]
        assert lessons.split(", ") == there, names


def test_the_measured_table_has_every_lesson_with_its_budget():
    """`benchmark.py --teaching` makes it; a lesson that is new, or has another budget, needs it."""
    table = TEACHING.split("<!-- measured -->")[1].split("<!-- /measured -->")[0]
    rows = re.findall(r"^\| (\d\d) \| .* \| (\d+) s \| \d+ MB \|$", table, re.MULTILINE)
    written = [lesson for lesson in LESSONS if lesson.written]
    assert rows == [(f"{lesson.number:02}", str(lesson.budget)) for lesson in written]


def anchors(path: Path) -> set[str]:
    """What a link may name of a document: its headings, as GitHub writes them."""
    headings = re.findall(r"^#+ (.*)", path.read_text(encoding="utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_links_of_documents_lead_somewhere(document):
    for target in re.findall(r"\]\(([^)\s]+)\)", document.read_text(encoding="utf-8")):
        if not target.startswith("http"):
            file, _, anchor = target.partition("#")
            path = document.parent / file if file else document
            assert path.exists() and (not anchor or anchor in anchors(path)), target


def test_paths_in_contributing_lead_somewhere():
    paths = re.findall(r"\b((?:course_utils|tests|data|notebooks)/[\w./]*\w)", CONTRIBUTING)
    assert len(paths) > 40
    for path in paths:
        path = re.sub("NN", "06", path)
        assert (ROOT / path).exists() or "NAME" in path, path


TROUBLES = README.split("## If something goes wrong")[1].split("### A small disk")[0]
#: Sentences of the README's table of troubles that other programs write.
OF_OTHER_PROGRAMS = {
    "No module named 'course_utils'",
    "No matching distribution found for torch",
    "operator torchvision::nms does not exist",
    "No space left on device",
    "ensurepip is not available",
    "Running as root is not recommended",
    "OMP: Error #15: Initializing libiomp5md.dll, but found libiomp5md.dll already initialized",
    "IProgress not found. Please update jupyter and ipywidgets",
    "Error displaying widget: model not found",
    "IntSlider(value=…)",
    "The kernel for … appears to have died. It will restart automatically",
    "CERTIFICATE_VERIFY_FAILED",
    "HTTP Error 403",
    "HTTP Error 503",
    "Support for third party widgets (widgets outside of the ipywidgets package) needs to be "
    "enabled separately",
    "use_libuv was requested but PyTorch was built without libuv support",
    "was build without",
    "Glyph … missing from font(s) DejaVu Sans",
}
#: What stands in sentences of ours as an example of what is put in.
PUT_IN = ('"mnist"', "Not a gzipped file", ", unpacked")


def sentences_of_the_package() -> list[str]:
    """All text that course_utils can write, with … for what is put in. (No docstrings.)"""
    found = []
    for path in (ROOT / "course_utils").rglob("*.py"):
        tree = ast.parse(path.read_text(encoding="utf-8"))
        left_out = {node.value for node in ast.walk(tree) if isinstance(node, ast.Expr)}
        for node in ast.walk(tree):
            if isinstance(node, ast.JoinedStr):
                parts = (
                    part.value if isinstance(part, ast.Constant) else "…" for part in node.values
                )
                found.append("".join(parts))
            elif isinstance(node, ast.Constant) and node not in left_out:
                found.append(str(node.value))
    return found


def test_what_the_readme_says_is_seen_is_what_is_written():
    """A sentence of ours that is changed, or one of another program that is new, fails here."""
    rows = [row.split(" | ")[0] for row in TROUBLES.splitlines() if row.startswith("| ")][2:]
    seen = {sentence for row in rows for sentence in re.findall(r"`([^`]+)`", row)}
    assert seen >= OF_OTHER_PROGRAMS
    written = sentences_of_the_package()
    for sentence in seen - OF_OTHER_PROGRAMS:
        parts = re.split("…|" + "|".join(PUT_IN), sentence)
        assert any(all(part.strip() in text for part in parts) for text in written), sentence


def test_what_the_readme_tells_to_do_can_be_done():
    """The table of troubles names files, variables, programs and functions that there are."""
    cures = re.findall(r"`([^`]+)`", " ".join(row for row in TROUBLES.splitlines()))
    source = "".join(p.read_text("utf-8") for p in (ROOT / "course_utils").rglob("*.py"))
    text = " ".join(cures)
    variables = set(re.findall(r"COURSE_\w+", text))
    files = set(re.findall(r"[\w-]+\.(?:txt|yml)", text))
    programs = set(re.findall(r"\.venv/bin/(\w+)", text))
    assert variables == {"COURSE_DEVICE", "COURSE_MIRROR", "COURSE_DATA_DIR", "COURSE_RUNS_DIR"}
    assert all(f'"{variable}"' in source for variable in variables)
    assert files and all((ROOT / file).is_file() for file in files)
    assert programs and all(Path(sys.executable).with_name(name).exists() for name in programs)
    assert "data/" in cures and (ROOT / "data").is_dir()
    assert "ddp_step.launch" in cures and "def launch(" in source


def files_of_code() -> list[Path]:
    folders = ("course_utils", "tests", "notebooks", ".ci")
    files = [path for folder in folders for path in (ROOT / folder).rglob("*") if path.is_file()]
    return [path for path in files if path.suffix in {".py", ".js", ".mjs", ".ipynb", ""}]


def test_names_in_contributing_are_found_in_the_code():
    """Functions, tables, marks and tags between backticks, but for those that stand for others."""
    text = re.sub(r"^```.*?^```", "", CONTRIBUTING, flags=re.MULTILINE | re.DOTALL)
    names = set(re.findall(r"`([A-Za-z_]\w+)(?:\([^`]*\))?`", text))
    assert len(names) > 40
    code = "".join(path.read_text("utf-8") for path in files_of_code())
    missing = {name for name in names if not re.search(rf"\b{name}\b", code)}
    assert missing <= {"NAME", "NN", "WORD", "FILE", "check_name"}, missing


def defines(path: Path, name: str) -> bool:
    """Whether a file of Python or JavaScript defines this function, class, method or value."""
    keyword = rf"\b(?:def|class|function|const) {name}\b"
    value_or_method = rf"^ *{name}(?:\(.*\{{| *=|: .* =)"
    return bool(
        re.search(f"{keyword}|{value_or_method}", path.read_text("utf-8"), flags=re.MULTILINE)
    )


def test_names_in_contributing_are_where_it_says():
    """After "`A` and `B` of `file.py`", that file defines both."""
    text = " ".join(CONTRIBUTING.split())
    names_of_file = r"((?:`\w+`(?:, | and |, and | or ))*`\w+`) (?:of|in) `([\w/]+\.(?:py|js))`"
    found = re.findall(names_of_file, text)
    assert len(found) > 30
    for names, file in found:
        paths = [path for path in files_of_code() if path.as_posix().endswith(f"/{file}")]
        for name in re.findall(r"`(\w+)`", names):
            assert any(defines(path, name) for path in paths), f"{file} defines no {name}"


def test_files_in_contributing_are_there():
    """Those that are named without their folder."""
    files = set(re.findall(r"`([\w/]+\.(?:py|js))`", CONTRIBUTING))
    assert len(files) > 40
    paths = [path.as_posix() for path in files_of_code()] + [(ROOT / "conftest.py").as_posix()]
    for file in files:
        stands_for_others = "NAME" in file or "NN" in file
        assert stands_for_others or any(path.endswith(f"/{file}") for path in paths), file


def test_the_mistake_shown_in_contributing_is_that_of_its_lesson():
    lesson06 = (ROOT / "course_utils" / "exercises" / "lesson06.py").read_text(encoding="utf-8")
    (example,) = re.findall(r"^```python\n(.*?)^```", CONTRIBUTING, flags=re.MULTILINE | re.DOTALL)
    assert example in lesson06


def test_the_table_of_faults_names_tests_that_there_are():
    named = set(re.findall(r"`(test_\w+)`", FAULTS))
    written = "".join(path.read_text("utf-8") for path in (ROOT / "tests").rglob("test_*.py"))
    assert len(named) > 100 and named <= set(re.findall(r"def (test_\w+)", written))


@pytest.mark.slow
def test_quick_tests_need_no_browser_and_run_no_lesson():
    paths = ["notebooks/00_start_here.ipynb", "tests/lessons", "tests/views/test_race.py"]
    command = [sys.executable, "-m", "pytest", "-n", "0", "--collect-only", "-q", "-m", "quick"]
    done = subprocess.run([*command, *paths], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout
    for quick in (
        "test_documents.py::test_opening",
        "test_race.py::test_bands_that_overlap_are_equal",
    ):
        assert quick in done.stdout
    for other in (".ipynb::", "test_race.py::test_on_a_page", "test_mutants.py", "test_browser.py"):
        assert other not in done.stdout


def test_ci_runs_the_command_of_the_readme():
    assert TEST_COMMAND in README
    # In a list joined by &&, `set -e` does not end a script: `|| exit` does.
    ci = (ROOT / ".ci" / "run").read_text(encoding="utf-8").splitlines()
    assert f"{TEST_COMMAND} || exit" in ci
    workflow = (ROOT / ".github" / "workflows" / "ci.yml").read_text(encoding="utf-8")
    assert f"run: {TEST_COMMAND}\n" in workflow


def test_the_citation_is_of_this_version():
    """What is cited, and what CHANGELOG.md speaks of, is the version that is installed."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    citation = (ROOT / "CITATION.cff").read_text(encoding="utf-8")
    changes = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    (cited,) = re.findall(r"^version: (\S+)$", citation, re.MULTILINE)
    (title,) = re.findall(r"^title: (.*)$", citation, re.MULTILINE)
    assert cited == project["version"] and README.startswith(f"# {title}\n")
    assert cited in re.findall(r"^## ([\d.]+)", changes, re.MULTILINE)


def test_the_picture_of_the_readme_shows_the_page_of_today(tmp_path):
    """Where it fails: `python tests/maintenance/make_picture.py`."""
    with Image.open(make_picture.PICTURE) as picture:
        assert picture.text["page"] == make_picture.digest(make_picture.page(tmp_path))
    assert f"](data/{make_picture.PICTURE.name})" in (ROOT / "README.md").read_text("utf-8")


def test_pins_satisfy_what_the_package_asks_for():
    from packaging.requirements import Requirement

    pins = dict(
        re.findall(
            r"^([\w-]+)==(\S+)$", (ROOT / "requirements.txt").read_text(encoding="utf-8"), re.M
        ),
    )
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    for wanted in map(Requirement, project["dependencies"]):
        assert wanted.specifier.contains(pins[wanted.name]), wanted


FUNCTION = ast.FunctionDef | ast.AsyncFunctionDef


def code_lines(source: str, node: ast.AST) -> int:
    """How many lines of a module or a function are code: no docstrings, comments or blanks."""
    docstrings = set()
    for part in ast.walk(node):
        may_have_one = isinstance(part, ast.Module | ast.ClassDef | FUNCTION)
        if may_have_one and ast.get_docstring(part):
            text = part.body[0]
            docstrings |= set(range(text.lineno, text.end_lineno + 1))
    first, last = getattr(node, "lineno", 1), getattr(node, "end_lineno", None)
    return sum(
        bool(line.strip()) and not line.strip().startswith("#") and number not in docstrings
        for number, line in enumerate(source.splitlines()[:last], start=1)
        if number >= first
    )


def test_the_shared_module_is_thin():
    """The tools that a lesson imports, and the course itself: every file beside the rooms."""
    files = sorted((ROOT / "course_utils").glob("*.py"))
    sources = {path.stem: path.read_text(encoding="utf-8") for path in files}
    lines = {name: code_lines(source, ast.parse(source)) for name, source in sources.items()}
    # (The minutes of lessons, which README and TEACHING.md need, took 10 lines.)
    assert sum(lines.values()) <= 1004, lines
    # What is read first, in a sitting. (Types and the look for busy programs took 13 lines.)
    assert sum(lines[name] for name in ("images", "models", "training", "plots")) <= 459, lines


def test_every_room_is_installed_and_on_the_map():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    rooms = {path.parent for path in (ROOT / "course_utils").rglob("*.py")}
    names = sorted(".".join(room.relative_to(ROOT).parts) for room in rooms)
    setup = project["tool"]["setuptools"]
    assert setup["packages"] == sorted([*names, *setup["package-dir"]])
    parts = {path.stem for path in (ROOT / "course_utils").glob("*.py")} - {"__init__", "__main__"}
    inside = [name.split(".")[1:] for name in names]
    parts |= {name for name, *deeper in filter(None, inside) if not deeper}
    on_the_map = re.findall(r"^``(\w+)``  ", course_utils.__doc__, re.MULTILINE)
    assert sorted(on_the_map) == sorted(parts)
    assert all(f"``{'/'.join(name)}``" in course_utils.__doc__ for name in inside if name)
    for room in rooms:
        assert ast.get_docstring(ast.parse((room / "__init__.py").read_text(encoding="utf-8")))


@functools.cache
def parsed_files() -> list[tuple[Path, str, ast.Module]]:
    """Every file of Python outside the notebooks: its path from the root, its text, its tree."""
    folders = (ROOT / "course_utils", ROOT / "tests")
    paths = [ROOT / "conftest.py", *(p for folder in folders for p in folder.rglob("*.py"))]
    sources = [(path.relative_to(ROOT), path.read_text(encoding="utf-8")) for path in paths]
    return [(path, source, ast.parse(source)) for path, source in sources]


def test_functions_are_seen_at_a_glance():
    """Each has at most 40 lines of code, those of its arguments and of functions in it included."""
    lengths = [
        (code_lines(source, node), f"{path}:{node.lineno} {node.name}")
        for path, source, tree in parsed_files()
        for node in ast.walk(tree)
        if isinstance(node, FUNCTION)
    ]
    assert len(lengths) > 2500
    assert [where for n, where in lengths if n > 40] == []


def is_spread_literal(node: ast.AST) -> bool:
    """Of *(…), *[…] and **{…}, written out where its parts could stand by themselves."""
    if isinstance(node, ast.Starred):
        return isinstance(node.value, ast.Tuple | ast.List)
    if isinstance(node, ast.keyword):
        return node.arg is None and isinstance(node.value, ast.Dict)
    if isinstance(node, ast.Dict):
        pairs = zip(node.keys, node.values, strict=True)
        return any(key is None and isinstance(value, ast.Dict) for key, value in pairs)
    return False


def test_no_literal_is_spread():
    spread = [
        f"{path}:{node.value.lineno if isinstance(node, ast.keyword) else node.lineno}"
        for path, _, tree in parsed_files()
        for node in ast.walk(tree)
        if is_spread_literal(node)
    ]
    assert spread == []


def keeps_by_default(function: ast.Lambda | FUNCTION) -> bool:
    """Whether it has an argument such as x=x, whose default only keeps a value of now."""
    arguments = function.args
    positional = [*arguments.posonlyargs, *arguments.args]
    with_default = positional[len(positional) - len(arguments.defaults) :]
    pairs = [
        *zip(with_default, arguments.defaults, strict=True),
        *zip(arguments.kwonlyargs, arguments.kw_defaults, strict=True),
    ]
    return any(
        isinstance(default, ast.Name) and default.id == argument.arg for argument, default in pairs
    )


def test_no_value_is_kept_by_a_default():
    """A function that makes the function, or functools.partial, says the same to everyone."""
    kept = [
        f"{path}:{node.lineno}"
        for path, _, tree in parsed_files()
        for node in ast.walk(tree)
        if isinstance(node, ast.Lambda | FUNCTION) and keeps_by_default(node)
    ]
    assert kept == []


def public_functions() -> list:
    return [*_public_functions()]


def _public_functions():
    for path in sorted((ROOT / "course_utils").rglob("*.py")):
        for node in ast.parse(path.read_text(encoding="utf-8")).body:
            if isinstance(node, ast.FunctionDef) and not node.name.startswith("_"):
                yield pytest.param(node, id=f"{path.stem}.{node.name}")


@pytest.mark.parametrize("function", public_functions())
def test_public_functions_are_documented_and_typed(function):
    assert ast.get_docstring(function)
    arguments = [*function.args.args, *function.args.kwonlyargs]
    assert all(argument.annotation for argument in arguments), function.name
    assert function.returns is not None


@pytest.mark.slow
def test_importing_has_no_side_effects():
    """No random numbers drawn, no style set, and nothing heavy loaded before it is needed."""
    code = """
import sys, json, random
import numpy, torch
torch.manual_seed(0); numpy.random.seed(0); random.seed(0)
import course_utils
light = set(sys.modules)
from course_utils import checkpoints, images, lessons, machine, models, records, training
from course_utils.shown import photos
from course_utils import views
from course_utils.lessons import LESSONS
import importlib
for lesson in LESSONS:
    if lesson.written:
        importlib.import_module(f"course_utils.exercises.lesson{lesson.number:02}")
loaded = {name.split(".")[0] for name in sys.modules}
import matplotlib
before = dict(matplotlib.rcParams)
from course_utils import plots
print(json.dumps({
    "light": sorted(n for n in light if n.startswith("course_utils")),
    "heavy": sorted(
        loaded & {"torchvision", "scipy", "sklearn", "matplotlib", "ipywidgets", "anywidget"}
    ),
    "style": matplotlib.rcParams == before,
    "torch": torch.rand(1).item(), "numpy": numpy.random.rand(), "python": random.random(),
}))
torch.manual_seed(0); numpy.random.seed(0); random.seed(0)
print(json.dumps([torch.rand(1).item(), numpy.random.rand(), random.random()]))
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    after, fresh = map(json.loads, done.stdout.splitlines())
    assert after["light"] == ["course_utils"] and after["heavy"] == [] and after["style"]
    assert [after["torch"], after["numpy"], after["python"]] == fresh


def test_ruff_is_content():
    for command in (["check", "-q"], ["format", "-q", "--check"]):
        done = subprocess.run(
            [sys.executable, "-m", "ruff", *command, ROOT], capture_output=True, text=True
        )
        assert done.returncode == 0, done.stdout + done.stderr


def test_nothing_large_is_kept():
    for path in tracked():
        assert path.stat().st_size < 1_500_000, path


def test_the_checksums_are_those_of_the_files():
    """Of what ships, and in torchvision's layout, of what does not."""
    sums = checksums()
    raw = {f"{folder}/raw/{file}" for folder in FOLDERS.values() for file in FILES}
    shipped = {"digits.npz", "handwriting.jpg"}
    assert sums.keys() == raw | shipped
    for file in shipped:
        assert hashlib.sha256((ROOT / "data" / file).read_bytes()).hexdigest() == sums[file]


def test_the_project_speaks_for_itself():
    """No path of one machine, and no address of a package registry."""
    hosts = [
        ".".join(parts) for parts in (("pypi", "org"), ("pythonhosted", "org"), ("npmjs", "org"))
    ]
    for path in tracked():
        if path.suffix in {".npz", ".pt", ".png", ".jpg"} or path == Path(__file__):
            continue
        text = path.read_text(encoding="utf-8")
        assert not re.search(r"(?<![\w.])/(home|root|Users|work)/\w", text), path
        assert not any(host in text for host in hosts), path


def test_tables_of_lessons_cover_what_is_written():
    assert {str(lesson.number) for lesson in WRITTEN} == set(
        json.loads((ROOT / "tests" / "lessons" / "facts.json").read_text(encoding="utf-8"))
    )
    assert all(stored(lesson).nbformat == 4 for lesson in WRITTEN)
