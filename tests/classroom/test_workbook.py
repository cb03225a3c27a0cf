"""`workbook`: copies of lessons, and their update: what a student has written is never lost."""

import copy
import json
import os
import random
import re
import runpy
import shutil
import subprocess
import sys
import tempfile
from collections import Counter
from dataclasses import replace
from pathlib import Path

import nbformat
import pytest

from course_utils.classroom import files, workbook
from course_utils.classroom.commands import Refusal, main
from course_utils.classroom.files import digest, text_of
from course_utils.lessons import LESSONS

ROOT = Path(__file__).resolve().parents[2]


def cell(id, text, kind="code"):
    made = {"cell_type": kind, "id": id, "metadata": {}, "source": text.splitlines(True)}
    return {**made, "outputs": [], "execution_count": None} if kind == "code" else made


def notebook(cells):
    return {"cells": cells, "metadata": {}, "nbformat": 4, "nbformat_minor": 5}


class Class:
    """A lesson of the course, and the student's copy of it, in a temporary folder."""

    def __init__(self, folder, texts):
        (folder / "course" / "notebooks").mkdir(parents=True)
        self.source, self.folder = folder / "course" / "notebooks" / "06_x.ipynb", folder / "mine"
        self.path = self.folder / self.source.name
        self.ids = list(texts)
        self.publish([cell(id, text) for id, text in texts.items()])
        self.update()

    def publish(self, cells):
        self.source.write_text(json.dumps(notebook(cells)), encoding="utf-8")

    def course(self):
        return json.loads(self.source.read_text(encoding="utf-8"))["cells"]

    def update(self):
        class Lesson:
            file, path = self.source.name, self.source

        return workbook.update_workbook(Lesson, self.folder)

    def mine(self):
        read = nbformat.read(self.path, as_version=4)
        nbformat.validate(read)
        return json.loads(self.path.read_text(encoding="utf-8"))["cells"]

    def save(self, cells):
        """As Jupyter saves it: with sorted keys."""
        read = json.loads(self.path.read_text(encoding="utf-8"))
        nbformat.write(nbformat.from_dict({**read, "cells": cells}), self.path)


@pytest.fixture
def lesson(tmp_path):
    return Class(tmp_path, {"a": "1", "b": "2", "c": "3", "d": "4"})


def ids(cells):
    return [cell["id"] for cell in cells]


def texts(cells):
    return {cell["id"]: text_of(cell) for cell in cells}


def change(cells, id, text):
    return [{**c, "source": [text]} if c["id"] == id else c for c in cells]


def without(cells, id):
    return [c for c in cells if c["id"] != id]


def run(command, *arguments, cwd=ROOT, **options):
    return subprocess.run(
        [sys.executable, "-m", "course_utils", command, *map(str, arguments)],
        capture_output=True,
        text=True,
        cwd=cwd,
        **options,
    )


# One student's change against one of the course


def test_what_the_student_has_not_touched_follows_the_course(lesson):
    new = [cell("n", "new"), *without(change(lesson.course(), "b", "2 + 2"), "d")]
    lesson.publish(new)
    assert lesson.update() == f"{lesson.path}: 1 new, 1 brought up to date, 1 removed"
    assert texts(lesson.mine()) == {"n": "new", "a": "1", "b": "2 + 2", "c": "3"}
    assert lesson.update() == f"{lesson.path}: up to date"


@pytest.mark.parametrize("course", ["same", "altered", "removed"])
@pytest.mark.parametrize("student", ["same", "altered", "deleted", "moved"])
def test_every_change_of_a_student_against_every_change_of_the_course(lesson, student, course):
    mine, theirs = lesson.mine(), lesson.course()
    changed = {
        "same": mine,
        "altered": change(mine, "b", "mine"),
        "deleted": without(mine, "b"),
        "moved": [*without(mine, "b"), mine[1]],
    }[student]
    lesson.save(changed)
    published = {"same": theirs, "altered": change(theirs, "b", "2 + 2"), "removed": theirs}[course]
    lesson.publish(without(published, "b") if course == "removed" else published)
    lesson.update()
    cells = lesson.mine()
    found = texts(cells).get("b")
    assert (
        found
        == {
            ("same", "same"): "2",
            ("same", "altered"): "2 + 2",
            ("same", "removed"): None,
            ("altered", "same"): "mine",
            ("altered", "altered"): "mine",
            ("altered", "removed"): "mine",
            ("deleted", "same"): None,
            ("deleted", "altered"): None,
            ("deleted", "removed"): None,
            ("moved", "same"): "2",
            ("moved", "altered"): "2 + 2",
            ("moved", "removed"): None,
        }[student, course]
    )
    beside = [c for c in cells if "course-version" in c["metadata"].get("tags", [])]
    assert len(beside) == (course == "altered" and student in ("altered", "deleted"))
    kept = [id for id in ids(changed) if id in ids(cells)]
    assert [id for id in ids(cells) if id in kept] == kept  # in the student's order
    assert {"a", "c", "d"} <= set(kept)


@pytest.mark.parametrize("student", ["altered", "deleted"])
def test_the_version_of_the_course_stands_beside_and_is_not_run(lesson, student):
    mine = lesson.mine()
    lesson.save(change(mine, "b", "mine") if student == "altered" else without(mine, "b"))
    lesson.publish(change(lesson.course(), "b", "s = '```' + '`'"))
    assert "1 put beside yours" in lesson.update()
    cells = lesson.mine()
    beside = cells[2 if student == "altered" else 1]
    assert beside["cell_type"] == "markdown"
    word = "changed" if student == "altered" else "deleted"
    assert re.fullmatch(
        rf"> \*\*The course .* you have {word}.*:\*\*\n\n````python\ns = '```' \+ '`'\n````",
        text_of(beside),
    )
    assert lesson.update().endswith("up to date") and lesson.mine() == cells


def test_a_version_that_is_taken_over_goes(lesson):
    lesson.save(change(lesson.mine(), "b", "mine"))
    lesson.publish(change(lesson.course(), "b", "2 + 2"))
    lesson.update()
    lesson.save(change(lesson.mine(), "b", "2 + 2"))
    lesson.update()
    assert texts(lesson.mine()) == {"a": "1", "b": "2 + 2", "c": "3", "d": "4"}


def test_a_version_that_the_student_deletes_stays_away_until_there_is_a_newer_one(lesson):
    lesson.save(change(lesson.mine(), "b", "mine"))
    lesson.publish(change(lesson.course(), "b", "2 + 2"))
    lesson.update()
    lesson.save([c for c in lesson.mine() if c["cell_type"] == "code"])
    lesson.update()
    assert len(lesson.mine()) == 4
    lesson.publish(change(lesson.course(), "b", "2 + 3"))
    lesson.update()
    assert "2 + 3" in text_of(lesson.mine()[2]) and texts(lesson.mine())["b"] == "mine"


def test_a_newer_version_takes_the_place_of_the_older_one_unless_the_student_wrote_in_it(lesson):
    lesson.save(change(lesson.mine(), "b", "mine"))
    for wrote in (False, True):
        lesson.publish(change(lesson.course(), "b", f"older {wrote}"))
        lesson.update()
        if wrote:
            lesson.save(
                [
                    *without(lesson.mine(), (old := lesson.mine()[2])["id"]),
                    {**old, "source": [*old["source"], "my note"]},
                ]
            )
        lesson.publish(change(lesson.course(), "b", f"newer {wrote}"))
        lesson.update()
        everything = "\n".join(texts(lesson.mine()).values())
        assert f"newer {wrote}" in everything
        assert (f"older {wrote}" in everything) == ("my note" in everything) == wrote


def test_added_cells_stay_behind_those_that_they_followed(lesson):
    mine = lesson.mine()
    lesson.save([cell("x", "first"), *mine[:2], cell("y", "note", "markdown"), *mine[2:]])
    a, b, c, d = lesson.course()
    lesson.publish([cell("n", "new"), a, c, b, d])  # the course has moved b
    lesson.update()
    assert ids(lesson.mine()) == ["x", "n", "a", "c", "b", "y", "d"]


def test_outputs_and_attachments_of_the_student_stay(lesson):
    output = {"output_type": "stream", "name": "stdout", "text": ["7\n"]}
    mine = lesson.mine()
    mine[0]["outputs"], mine[0]["execution_count"] = [output], 3
    picture = {"cell_type": "markdown", "attachments": {"p.png": {"image/png": "AAAA"}}}
    lesson.save([*mine, {**picture, "id": "p", "metadata": {"mine": 1}, "source": ["![](x)"]}])
    lesson.publish(change(lesson.course(), "b", "2 + 2"))
    before = lesson.mine()
    lesson.update()
    after = lesson.mine()
    assert after[0] == before[0] and after[-1] == before[-1]


def test_a_picture_that_is_pasted_is_a_change(lesson):
    lesson.publish([*lesson.course(), cell("p", "text", "markdown")])
    lesson.update()
    mine = lesson.mine()
    mine[-1]["attachments"] = {"p.png": {"image/png": "AAAA"}}
    lesson.save(mine)
    lesson.publish(change(lesson.course(), "p", "clearer text"))
    lesson.update()
    assert lesson.mine()[4] == mine[-1] and "clearer text" in text_of(lesson.mine()[5])


def test_tags_of_the_student_stay_when_a_cell_is_brought_up_to_date(lesson):
    mine = lesson.mine()
    mine[1]["metadata"] = {"tags": ["important"], "collapsed": True}
    lesson.save(mine)
    new = change(lesson.course(), "b", "2 + 2")
    new[1]["metadata"] = {"tags": ["taught"]}
    lesson.publish(new)
    lesson.update()
    assert lesson.mine()[1]["metadata"] == {"tags": ["important", "taught"], "collapsed": True}


def test_an_id_that_the_course_takes_later_is_no_reason_to_lose_a_cell(lesson):
    lesson.save([*lesson.mine(), cell("n", "mine")])
    lesson.publish([*lesson.course(), cell("n", "the course's")])
    lesson.update()
    assert texts(lesson.mine())["n"] == "mine"
    assert "the course's" in text_of(lesson.mine()[-1])


def test_cells_without_ids_are_known_by_what_they_say(lesson):
    read = json.loads(lesson.path.read_text(encoding="utf-8"))
    read["cells"] = [
        {key: value for key, value in c.items() if key != "id"}
        for c in change(read["cells"], "c", "mine")
    ]
    lesson.path.write_text(json.dumps({**read, "nbformat_minor": 4}), encoding="utf-8")
    lesson.publish(change(lesson.course(), "b", "2 + 2"))
    lesson.update()
    found = texts(lesson.mine())
    assert [found[id] for id in "abd"] == ["1", "2 + 2", "4"] and "mine" in found.values()


def test_cells_with_the_same_id_both_stay(lesson):
    mine = lesson.mine()
    read = json.loads(lesson.path.read_text(encoding="utf-8"))
    read["cells"] = [*mine, {**mine[1], "source": ["mine"]}]
    lesson.path.write_text(json.dumps(read), encoding="utf-8")
    lesson.update()
    assert sorted(texts(lesson.mine()).values()) == ["1", "2", "3", "4", "mine"]


# Many changes at once


def edited(cells, draw, name, count):
    """Random changes: cells altered, added, removed and moved."""
    cells = copy.deepcopy(cells)
    for step in range(count):
        what, at = draw.choice(["alter", "add", "remove", "move"]), draw.randrange(len(cells) + 1)
        if what == "add":
            cells.insert(at, cell(f"{name}-{step}", f"{name} wrote {step}"))
        elif at < len(cells) and what == "alter":
            cells[at] = {**cells[at], "source": [f"{name} altered {step}"]}
        elif at < len(cells) and what == "remove":
            del cells[at]
        elif at < len(cells):
            cells.insert(draw.randrange(len(cells)), cells.pop(at))
    return cells


@pytest.mark.parametrize("seed", range(60))
def test_nothing_that_a_student_wrote_is_lost_over_many_updates(tmp_path, seed):
    """Three rounds of random changes by both; each cell of the student's is kept whole."""
    draw = random.Random(seed)
    lesson = Class(tmp_path, {f"c{n}": f"text {n}" for n in range(8)})
    for round in range(3):
        copied = {digest(c) for c in lesson.mine()}
        lesson.save(edited(lesson.mine(), draw, f"student-{seed}-{round}", draw.randrange(8)))
        course = edited(lesson.course(), draw, f"course-{seed}-{round}", draw.randrange(8))
        lesson.publish(course)
        before = lesson.mine()
        lesson.update()
        after = lesson.mine()
        written = [c for c in before if digest(c) not in copied]
        written += [c for c in before if text_of(c).startswith("student")]
        for c in written:
            assert c in after
        now = "\n".join(texts(after).values())
        for c in course:  # what is new in the course is there, in its cell or beside the student's
            if text_of(c).startswith(f"course-{seed}-{round}"):
                assert text_of(c) in now
        assert max(Counter(ids(after)).values()) == 1
        assert lesson.update().endswith("up to date") and lesson.mine() == after


# Real lessons, and the files


def test_all_lessons_are_copied_without_outputs_and_their_links_lead_somewhere(tmp_path, capsys):
    for folder in (tmp_path / "deep" / "er", ROOT / "my_lessons"):
        for lesson in LESSONS:
            course = files.read_lesson(lesson)
            workbook.lead_links_out(course, lesson, folder)
            for c in course["cells"]:
                assert not c.get("outputs") and c.get("execution_count") is None
                assert set(c["metadata"]) <= {"tags"}
                for link in re.findall(r"\]\((\.\.[^)]*)\)", text_of(c)):
                    assert (folder / link).resolve().exists(), link
    assert main(["workbook", "--to", str(tmp_path / "mine")]) == 0
    written = sorted(path.name for path in (tmp_path / "mine").iterdir())
    assert written == [lesson.file for lesson in LESSONS if lesson.written]
    said = capsys.readouterr().out
    for lesson in LESSONS:
        assert f"{tmp_path / 'mine' / lesson.file}: new" in said
        copied = nbformat.read(tmp_path / "mine" / lesson.file, as_version=4)
        nbformat.validate(copied)
        for c in copied.cells:
            for link in re.findall(r"\]\((\d\d_\w+\.ipynb|\.\./[^)]*)\)", c.source):
                assert (tmp_path / "mine" / link).resolve().exists(), link


def test_an_answered_lesson_is_brought_up_to_date(tmp_path):
    """As a student has it: lesson 06 answered, the course updated, `workbook` run again."""
    lesson = LESSONS[6]
    (tmp_path / "course" / "notebooks").mkdir(parents=True)
    path = shutil.copy(lesson.path, tmp_path / "course" / "notebooks")
    moved = type("Lesson", (), {"file": lesson.file, "path": Path(path)})
    workbook.update_workbook(moved, tmp_path / "mine")
    mine = tmp_path / "mine" / lesson.file
    answered = nbformat.read(mine, as_version=4)
    (stub,) = [c for c in answered.cells if c.id == "ex-conv-stub"]
    stub.source = "def conv2d(x, W, b, stride):\n    return 'é ∂ mine'\n"
    nbformat.write(answered, mine)
    course = nbformat.read(path, as_version=4)
    for c in course.cells:
        if c.id in ("ex-conv-stub", "ex-conv"):
            c.source += "\n\n# clearer"
    nbformat.write(course, path)
    assert workbook.update_workbook(moved, tmp_path / "mine").endswith(
        ": 1 brought up to date, 1 put beside yours, as both changed"
    )
    after = {c.id: c for c in nbformat.read(mine, as_version=4).cells}
    assert after["ex-conv-stub"] == stub and after["ex-conv"].source.endswith("# clearer")


def test_what_the_command_did_not_make_is_not_touched(tmp_path, capsys):
    path = tmp_path / LESSONS[6].file
    for content in (LESSONS[6].path.read_bytes(), b"{", b"[]", b"", b'{"cells": 3}'):
        path.write_bytes(content)
        assert main(["workbook", "6", "7", "--to", str(tmp_path)]) == 2
        said = capsys.readouterr()
        assert str(path) in said.err and "stays as it is" in said.err
        assert LESSONS[7].file in said.out  # the others are written
        assert path.read_bytes() == content
    path.unlink()
    path.mkdir()
    assert main(["workbook", "6", "--to", str(tmp_path)]) == 2
    assert "cannot be read" in capsys.readouterr().err and path.is_dir()


def test_a_copy_without_its_note_is_not_guessed_at(lesson):
    read = json.loads(lesson.path.read_text(encoding="utf-8"))
    read["metadata"]["course_utils"]["cells"] = None
    lesson.path.write_text(json.dumps(read), encoding="utf-8")
    before = lesson.path.read_bytes()
    with pytest.raises(Refusal, match="has lost the course's note"):
        lesson.update()
    assert lesson.path.read_bytes() == before


def test_a_crash_while_writing_leaves_the_old_file(lesson, monkeypatch):
    before = lesson.path.read_bytes()
    lesson.publish(change(lesson.course(), "b", "2 + 2"))

    def crash(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "replace", crash)
    with pytest.raises(Refusal, match=r"cannot be written .No space left on device."):
        lesson.update()
    assert lesson.path.read_bytes() == before and len(list(lesson.folder.iterdir())) == 1


def test_what_is_saved_meanwhile_is_not_overwritten(lesson, monkeypatch):
    lesson.publish(change(lesson.course(), "b", "2 + 2"))
    real = workbook.merge

    def slow(*arguments):
        merged = real(*arguments)
        lesson.save(change(lesson.mine(), "a", "saved meanwhile"))
        return merged

    monkeypatch.setattr(workbook, "merge", slow)
    with pytest.raises(Refusal, match="saved by another program"):
        lesson.update()
    assert texts(lesson.mine())["a"] == "saved meanwhile"


@pytest.mark.skipif(os.name == "nt", reason="folders have no write permission on Windows")
def test_a_folder_of_anothers(capsys):
    """Root, who may write anywhere, steps down for it."""
    folder = Path(tempfile.mkdtemp(prefix="course-", dir="/tmp"))
    folder.chmod(0o555)
    root = os.geteuid() == 0
    if root:
        os.seteuid(65534)
    try:
        for place in (folder, folder / "mine"):
            assert main(["workbook", "6", "--to", str(place)]) == 2
            said = capsys.readouterr().err
            assert "(Permission denied): name a folder of your own.\n" in said
    finally:
        if root:
            os.seteuid(0)
        folder.chmod(0o755)
        shutil.rmtree(folder)


def test_a_file_in_place_of_the_folder(tmp_path, capsys):
    (tmp_path / "mine").write_text("text")
    assert main(["workbook", "6", "--to", str(tmp_path / "mine")]) == 2
    assert re.fullmatch(r".* cannot be .*\n", capsys.readouterr().err)
    assert (tmp_path / "mine").read_text() == "text"


def test_lessons_that_are_not_there_are_said(tmp_path, monkeypatch):
    gone = replace(LESSONS[6], file="06_gone.ipynb")
    with pytest.raises(Refusal, match=r"06_gone.ipynb is missing.*`git checkout notebooks/06_gone"):
        workbook.update_workbook(gone, tmp_path)


@pytest.mark.parametrize("number", ["99", "-1", "six"])
def test_a_lesson_that_does_not_exist(number, capsys):
    with pytest.raises(SystemExit) as ended:
        main(["workbook", "--", number])
    assert ended.value.code == 2
    assert f"there is no lesson {number}; they are 00 to 18" in capsys.readouterr().err


def test_without_a_command_it_is_the_report(monkeypatch, capsys):
    monkeypatch.setattr("course_utils.machine.report", lambda: "the report")
    monkeypatch.setattr(sys, "argv", ["course_utils"])
    runpy.run_module("course_utils", run_name="__main__")
    assert capsys.readouterr().out == "the report\n"


@pytest.mark.slow
def test_commands_load_only_what_they_need(tmp_path):
    code = (
        "import sys; from course_utils.classroom.commands import main; main(sys.argv[1:]);"
        "print(sorted({'torch', 'numpy', 'course_utils.machine', 'course_utils.classroom.handout'}"
        " & set(sys.modules)))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, "workbook", "--to", tmp_path],
        cwd=ROOT,
        capture_output=True,
        text=True,
    )
    assert done.stdout.endswith("[]\n"), done
    assert "workbook" in run("--help").stdout
