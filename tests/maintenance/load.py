"""A class at work: students log in to a JupyterHub on this machine, and run a lesson at once.

PYTHON tests/maintenance/load.py --students 40 --training 8

PYTHON is that of an environment with the course and JupyterHub (TEACHING.md says how to make one;
`npm install --prefix ENVIRONMENT configurable-http-proxy` puts the proxy beside it). Each student
logs in, opens lesson 09 in a kernel of their own, and runs it until its images are loaded. Then
some run it to the end, at once, while the others run a short cell now and then. Reported are the
memory that a student takes, how long everything takes, what failed, and what was lost of anybody's
work.

--until CELL another cell to pause before: train-lenet comes after the first steps of training
--lesson 0   another lesson, which all run to its end
--json FILE  also writes what was measured, with the machine, the versions and the date
--write      also puts it into TEACHING.md
"""

import argparse
import asyncio
import datetime
import json
import os
import platform
import re
import statistics
import sys
import time
from collections import defaultdict
from collections.abc import Callable, Coroutine
from dataclasses import asdict, dataclass, field
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING

import nbformat
import psutil

from course_utils.lessons import LESSONS

sys.path.append(str(Path(__file__).resolve().parents[1] / "helpers"))
from hub import ROOT, hub, user_id

if TYPE_CHECKING:  # the table can be made without aiohttp
    from hub_client import Student

TEACHING = ROOT / "TEACHING.md"
#: What stands around the numbers in TEACHING.md.
BEGIN, END = "<!-- measured: hub -->\n", "<!-- /measured: hub -->\n"
#: The cells of lesson 09 before which all pause at first, and where those who go on keep a LeNet.
PAUSE, KEEPS = "one-cycle-rates", "keep"
#: Seconds between two short cells of one of the others.
BETWEEN = 15
MB, GB = 1 << 20, 1 << 30
#: Gigabytes for the system, the hub and its proxy, where classes are reckoned.
SYSTEM = 1.5
#: Bytes that have to stay free: below, the class is sent home before the machine ends programs.
RESERVE = 700 * MB
#: "1" where Linux keeps equal pages of several programs once (KSM).
MERGING = Path("/sys/kernel/mm/ksm/run")


@dataclass
class Memory:
    """Megabytes that one student takes: the server and the kernel."""

    private: float = 0
    proportional: float = 0  # with a fair part of what several processes share
    asked: float = 0  # of the largest process: what `prlimit --data` counts


@dataclass
class Class:
    """A class, and what was measured of it. Times are in seconds, one for each student or cell."""

    students: int
    training: int
    lesson: int
    until: str
    log_in: list[float] = field(default_factory=list)
    open_lesson: list[float] = field(default_factory=list)
    to_the_end: list[float] = field(default_factory=list)
    short_cells: list[float] = field(default_factory=list)
    server: list[Memory] = field(default_factory=list)
    reading: list[Memory] = field(default_factory=list)
    training_peak: list[Memory] = field(default_factory=list)
    together: float = 0  # megabytes of everybody, and of the hub, at most
    failures: list[str] = field(default_factory=list)
    lost: list[str] = field(default_factory=list)
    where: dict[str, str] = field(default_factory=dict)


# --- a class ----------------------------------------------------------------------------------


async def hold(class_: Class, url: str, homes: Path) -> None:
    """Let students come to a hub whose homes are in that folder; fills in what is measured."""
    from hub_client import Student

    students = [Student(url, f"student{number:02}") for number in range(1, class_.students + 1)]
    watching = asyncio.create_task(watch_the_machine(class_))
    working = asyncio.create_task(work(class_, students))
    await asyncio.wait([watching, working], return_when=asyncio.FIRST_COMPLETED)
    await ended([watching, working], class_.failures)
    trainers = students[: class_.training]
    for student in students:
        if not student.failed:
            class_.lost += faults(student, homes, keeps=student in trainers)
        await student.close()


async def work(class_: Class, students: list["Student"]) -> None:
    """All log in, open the lesson and begin it; then some run it to its end, at once."""
    trainers, others = students[: class_.training], students[class_.training :]
    lesson = LESSONS[class_.lesson]

    async def open_lesson(student: "Student") -> None:
        await student.open(f"my_lessons/{lesson.file}")
        await student.run(until=class_.until)

    await everybody(class_, students, type(students[0]).log_in, class_.log_in)
    class_.server = look(class_, {one.name for one in students})
    await everybody(class_, students, open_lesson, class_.open_lesson)
    class_.reading = look(class_, {one.name for one in students})
    aside = [asyncio.create_task(short_cells(class_, student)) for student in others]
    names = {one.name for one in trainers}
    class_.training_peak = look(class_, names)
    aside.append(asyncio.create_task(keep_peaks(class_, names)))
    await everybody(class_, trainers, type(students[0]).run, class_.to_the_end)
    await ended(aside, class_.failures)
    await everybody(class_, students, type(students[0]).save)


async def everybody(
    class_: Class,
    students: list["Student"],
    do: Callable[["Student"], Coroutine],
    seconds: list[float] | None = None,
) -> None:
    """All do it at once. Who fails is noted, and does nothing more."""

    async def one(student: "Student") -> None:
        start = time.perf_counter()
        try:
            await do(student)
        except Exception as error:
            student.failed = True
            class_.failures.append(f"{student.name}: {type(error).__name__}: {error}")
        else:
            if seconds is not None:
                seconds.append(time.perf_counter() - start)

    await asyncio.gather(*(one(student) for student in students if not student.failed))


async def short_cells(class_: Class, student: "Student") -> None:
    """What a student does who reads and tries something, until that is cancelled."""
    await asyncio.sleep(BETWEEN * (user_id(student.name) % 7) / 7)
    while not student.failed:
        await everybody(class_, [student], lambda one: one.execute("1 + 1"), class_.short_cells)
        await asyncio.sleep(BETWEEN)


async def ended(tasks: list[asyncio.Task], failures: list[str]) -> None:
    """Cancel tasks that have not ended; what stopped one is a failure."""
    for task in tasks:
        task.cancel()
    outcomes = await asyncio.gather(*tasks, return_exceptions=True)
    failures += [f"{type(one).__name__}: {one}" for one in outcomes if isinstance(one, Exception)]


def faults(student: "Student", homes: Path, keeps: bool) -> list[str]:
    """What is not as it should be among the files of a student who met no error.

    keeps: whether the student has run the lesson to its end, where lesson 09 keeps its LeNet.
    """
    home = homes / student.name
    stored = nbformat.read(home / student.path, as_version=4)
    found = []
    for cell, own in zip(stored.cells, student.notebook.cells, strict=True):
        if cell.cell_type == "code" and cell.outputs != own.outputs:
            found.append(f"{student.name}: the outputs of cell {cell.id}")
    weights = home / "runs" / "lenet.pt"
    if keeps and KEEPS in {cell.id for cell in stored.cells}:
        ran = {cell.execution_count for cell in stored.cells if cell.cell_type == "code"}
        if None in ran:
            found.append(f"{student.name}: cells that were run are stored as not run")
        if not weights.exists() or not weights.with_suffix(".json").exists():
            found.append(f"{student.name}: the weights of LeNet")
        elif weights.stat().st_uid != home.stat().st_uid:
            found.append(f"{student.name}: the weights belong to another")
    elif weights.exists():
        found.append(f"{student.name}: has weights that somebody else trained")
    return found


# --- memory -----------------------------------------------------------------------------------


def memory_of_students() -> dict[str, Memory]:
    """What the processes of each student take now, by name, and under "" those of the hub."""
    found: dict[str, Memory] = defaultdict(Memory)
    for process in psutil.process_iter():
        try:
            environment = process.environ()
            if "HUB_URL" in environment or "JUPYTERHUB_USER" in environment:
                one, taken = environment.get("JUPYTERHUB_USER", ""), process.memory_full_info()
                found[one].private += taken.uss / MB
                found[one].proportional += taken.pss / MB
                found[one].asked = max(found[one].asked, taken.data / MB)
        except (psutil.NoSuchProcess, psutil.AccessDenied):
            pass  # it has just ended, or is another user's
    return found


def look(class_: Class, names: set[str]) -> list[Memory]:
    """What these students take now; what all take together is noted, if it is the most so far."""
    now = memory_of_students()
    class_.together = max(class_.together, sum(one.proportional for one in now.values()))
    return [now[name] for name in sorted(names)]


async def keep_peaks(class_: Class, names: set[str]) -> None:
    """Keep the most that each of these students has taken, until that is cancelled."""
    while True:
        now = await asyncio.to_thread(look, class_, names)
        for most, one in zip(class_.training_peak, now, strict=True):
            most.private = max(most.private, one.private)
            most.proportional = max(most.proportional, one.proportional)
            most.asked = max(most.asked, one.asked)
        await asyncio.sleep(1)


async def watch_the_machine(class_: Class) -> None:
    """Nothing, until that is cancelled; an error where too little memory is left."""
    while True:
        if (available := psutil.virtual_memory().available) < RESERVE:
            raise MemoryError(f"{available / MB:.0f} MB are left: the class is too large for it")
        await asyncio.sleep(0.5)


# --- the report -------------------------------------------------------------------------------


def report(class_: Class) -> str:
    """What was measured, as it stands in TEACHING.md."""
    number = f"{class_.lesson:02}"
    memory = {
        "logged in, no notebook open": class_.server,
        f"lesson {number} open, and run up to its cell `{class_.until}`": class_.reading,
        f"lesson {number} run to its end, at most": class_.training_peak,
    }
    lines = ["| memory of a student | private | private, and a share of shared memory | reserved |"]
    lines.append("| --- | --- | --- | --- |")
    for what, of_students in memory.items():
        middle = [
            f"{statistics.median(getattr(one, kind) for one in of_students):.0f} MB"
            for kind in ("private", "proportional", "asked")
            if of_students
        ]
        lines.append(f"| {what} | {' | '.join(middle)} |")
    times = {
        f"all {class_.students} log in at once, until the server answers": class_.log_in,
        f"all open lesson {number} at once, and run it up to there": class_.open_lesson,
        f"{class_.training} run it to its end, at once": class_.to_the_end,
        "meanwhile a short cell of one of the others": class_.short_cells,
    }
    lines += ["", "| time | median | slowest |", "| --- | --- | --- |"]
    for what, seconds in times.items():
        if seconds:
            middle, slowest = statistics.median(seconds), max(seconds)
            lines.append(f"| {what} | {middle:.3g} s | {slowest:.3g} s |")
    lines += ["", *needs(class_), ""]
    lines.append(
        f"Of {class_.students} students with open kernels, {class_.training} of them training at "
        f"once, {len(class_.failures)} failed and {len(class_.lost)} lost any work; with the "
        f"hub they took at most {class_.together / 1024:.1f} GB. Measured once, on "
        "{date}: {machine}, JupyterHub {jupyterhub}, torch {torch}.".format(**class_.where)
    )
    return "\n".join(lines) + "\n"


def needs(class_: Class) -> list[str]:
    """What other classes need, by what one student of this one took.

    The most that a student took stands for each; cores are as many for each who trains as here.
    """
    reading = max(one.proportional for one in class_.reading) / 1024
    training = max(one.proportional for one in class_.training_peak) / 1024
    cores = (os.cpu_count() or 1) / class_.training
    lines = ["| students | at once | memory, the others read | memory, all have trained | cores |"]
    lines.append("| --- | --- | --- | --- | --- |")
    for students in (20, 40, 80, 160):
        at_once = students // 5
        some = (students - at_once) * reading + at_once * training + SYSTEM
        all_of_them = students * training + SYSTEM
        numbers = f"{some:.0f} GB | {all_of_them:.0f} GB | {cores * at_once:.0f}"
        lines.append(f"| {students} | {at_once} | {numbers} |")
    return lines


def here() -> dict[str, str]:
    """Where and when this is measured."""
    memory = psutil.virtual_memory().total / GB
    merges = MERGING.exists() and MERGING.read_text().strip() == "1"
    return {
        "date": datetime.date.today().isoformat(),
        "machine": f"{os.cpu_count()} cores, {memory:.0f} GB, {platform.system()}"
        + ", KSM on" * merges,
        "python": platform.python_version(),
        "torch": metadata.version("torch").split("+")[0],
        "jupyterhub": metadata.version("jupyterhub"),
    }


def tell(class_: Class, to: Path | None, write: bool) -> None:
    """Print what was measured, and put it where it was asked for."""
    print(report(class_), *class_.failures, *class_.lost, sep="\n", flush=True)
    if to:
        to.write_text(json.dumps(asdict(class_), indent=1) + "\n", encoding="utf-8")
    if write:
        text = TEACHING.read_text(encoding="utf-8")
        table = BEGIN + report(class_) + END
        TEACHING.write_text(re.sub(f"{BEGIN}.*?{END}", table, text, flags=re.DOTALL), "utf-8")


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--students", type=int, default=40)
    parser.add_argument("--training", type=int, default=8)
    parser.add_argument("--lesson", type=int, default=9)
    parser.add_argument("--until", metavar="CELL", default=PAUSE)
    parser.add_argument("--json", type=Path, metavar="FILE")
    parser.add_argument("--write", action="store_true")
    asked = parser.parse_args()
    if not 0 < asked.training <= asked.students:
        parser.error("--training is how many of --students run the whole lesson: at least one")
    class_ = Class(asked.students, asked.training, asked.lesson, asked.until, where=here())
    with hub() as (url, homes):
        asyncio.run(hold(class_, url, homes))
        tell(class_, asked.json, asked.write)
    return bool(class_.failures or class_.lost)


if __name__ == "__main__":
    sys.exit(main())
