"""What an answer may do to a notebook's kernel, tried in one."""

import time

import pytest
from jupyter_client.manager import start_new_kernel

pytestmark = pytest.mark.slow

SETUP = """
import itertools
import numpy as np
from course_utils.exercises import lesson06
from course_utils.exercises.engine import guard
guard.PATIENCE = 1
"""


@pytest.fixture(scope="module")
def kernel():
    manager, client = start_new_kernel(kernel_name="python3")
    assert run(client, SETUP) == ""
    yield manager, client
    client.stop_channels()
    manager.shutdown_kernel(now=True)


def run(client, source: str, while_running=lambda printed: None) -> str:
    """What a cell prints and shows; while_running is told what was printed, as it comes."""
    printed = []

    def hear(message):
        content = message["content"]
        if message["msg_type"] == "error":
            printed.append("\n".join(content["traceback"]))
        printed.append(content.get("text", content.get("data", {}).get("text/plain", "")))
        while_running("".join(printed))

    client.execute_interactive(source, output_hook=hear, timeout=60)
    return "".join(printed)


def check(body: str) -> str:
    lines = body.replace("\n", "\n    ")
    return f"def conv2d(x, W, b, stride):\n    {lines}\nlesson06.check_conv2d(conv2d)"


@pytest.mark.parametrize("word", ["exit()", "quit()", "raise SystemExit", "exit(keep_kernel=True)"])
def test_no_way_out(kernel, word):
    _, client = kernel
    said = run(client, check(word))
    assert "exit() and quit() would end the notebook's kernel" in said
    assert f"line 2 of conv2d: {word}" in said
    time.sleep(0.5)  # a kernel that has been asked to end would do so now
    assert run(client, "print(6 * 7)") == "42\n"


def test_an_endless_loop_is_explained_and_can_be_interrupted(kernel):
    manager, client = kernel
    sent = []

    def interrupt(printed):
        if "Kernel > Interrupt" in printed and not sent:
            sent.append(True)
            manager.interrupt_kernel()

    said = run(client, check("while True:\n    stride = 1"), interrupt)
    assert "A likely cause is a loop whose condition never becomes false" in said
    assert "Stopped before the check was done" in said and "of conv2d" in said
    assert "Traceback" not in said
    assert run(client, "print(6 * 7)") == "42\n"


def test_endless_recursion_and_endless_iterators_get_a_verdict(kernel):
    _, client = kernel
    assert "RecursionError" in run(client, check("return conv2d(x, W, b, stride)"))
    assert "has no end" in run(client, check("return itertools.count()"))
    assert run(client, "print(6 * 7)") == "42\n"


def test_a_flood_of_prints_is_kept_to_its_end(kernel):
    _, client = kernel
    said = run(client, check("for i in range(100_000):\n    print('line', i)\nreturn 0"))
    assert "line 99999" in said and len(said) < 4_000
