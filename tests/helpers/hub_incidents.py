"""What happens to students at a hub when something goes wrong; test_hub.py runs it by COURSE_HUB.

Each student works in lesson 00. The kernels of this hub are ended after a few idle seconds.
"""

import asyncio
import time
from pathlib import Path

from hub import hub
from hub_client import Student

LESSON = "my_lessons/00_start_here.ipynb"
IDLE = 8


async def an_idle_kernel_is_ended(student: Student) -> None:
    await student.execute("1")
    patience = time.monotonic() + 6 * IDLE
    while await student.kernels():
        assert time.monotonic() < patience, "an idle kernel is still there"
        await asyncio.sleep(1)


async def a_busy_kernel_is_not_ended(student: Student) -> None:
    [said] = await student.execute(f"import time; time.sleep({4 * IDLE}); print('done')")
    assert said.text == "done\n", said


async def too_much_memory_ends_a_cell_alone(student: Student) -> None:
    [error] = await student.execute("import numpy; x = 1; numpy.ones(3 << 27)")  # 3 GB
    assert error.ename == "MemoryError" and "Unable to allocate" in error.evalue, error
    [error] = await student.execute("import torch; torch.ones(3 << 28)")
    assert error.ename == "RuntimeError" and "can't allocate memory" in error.evalue, error
    [said] = await student.execute("print(x)")
    assert said.text == "1\n", said


async def a_kernel_that_is_killed_comes_back(student: Student) -> None:
    try:
        await student.execute("import os; x = 1; os.kill(os.getpid(), 9)")
        raise AssertionError("the kernel lives")
    except RuntimeError as error:
        assert str(error) == "the kernel has died"
    await student.save()
    for _ in range(20):
        answer = await student.execute("print('x' in globals())")
        if answer:
            break
    assert answer[0].text == "False\n", answer


async def what_others_own_is_out_of_reach(student: Student, homes: Path) -> None:
    for code in (
        f"open('{homes / 'student01' / LESSON}')",
        "import os; open(os.path.join(os.environ['COURSE_DATA_DIR'], 'new'), 'w')",
        "import course_utils; open(course_utils.__file__, 'a')",
    ):
        [error] = await student.execute(code)
        assert error.ename in ("PermissionError", "FileNotFoundError"), (code, error)
        assert error.ename == "PermissionError" or "'digits/new'" in error.evalue, (code, error)


async def incidents(url: str, homes: Path) -> None:
    students = [Student(url, f"student{number:02}") for number in range(1, 6)]
    try:
        await asyncio.gather(*(student.log_in() for student in students))
        await asyncio.gather(*(student.open(LESSON) for student in students))
        happen = [
            an_idle_kernel_is_ended(students[0]),
            a_busy_kernel_is_not_ended(students[1]),
            too_much_memory_ends_a_cell_alone(students[2]),
            a_kernel_that_is_killed_comes_back(students[3]),
        ]
        if len({(homes / student.name).stat().st_uid for student in students}) > 1:
            happen.append(what_others_own_is_out_of_reach(students[4], homes))
        await asyncio.gather(*happen)
    finally:
        await asyncio.gather(*(student.close() for student in students))


if __name__ == "__main__":
    with hub(idle=IDLE) as (url, homes):
        asyncio.run(incidents(url, homes))
