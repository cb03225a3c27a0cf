"""What an answer may do to a notebook's kernel, tried in one."""

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


def run(client, source: str, while_running=lambda printed: None, reply="") -> str:
    """What a cell prints and shows; while_running is told what was printed, as it comes.

    reply: what the reader types where the cell asks.
    """
    printed = []

    def hear(message):
        content = message["content"]
        if message["msg_type"] == "error":
            printed.append("\n".join(content["traceback"]))
        printed.append(content.get("text", content.get("data", {}).get("text/plain", "")))
        while_running("".join(printed))

    client.execute_interactive(
        source, output_hook=hear, stdin_hook=lambda _: client.input(reply), timeout=60
    )
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
    # A kernel that has been asked to end notes that, and ends after the cell.
    assert run(client, "print(6 * 7, get_ipython().exit_now)") == "42 False\n"


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


def test_a_correct_answer_comes_back_in_another_session(tmp_path, monkeypatch):
    """An answer that uses a cell of its notebook, given in one kernel and asked for in the next."""
    monkeypatch.setenv("COURSE_RUNS_DIR", str(tmp_path))
    half = "def half(n): return n // 2"
    answer = check("return half(2) * 0 + sliding(x, W, b, stride)")
    helper = """
def sliding(x, W, b, stride):
    windows = np.lib.stride_tricks.sliding_window_view(x, W.shape[2:], axis=(1, 2))
    z = np.einsum("cijuv,kcuv->kij", windows[:, ::stride, ::stride], W)
    return z + b[:, None, None]
"""
    first = start_new_kernel(kernel_name="python3")
    second = None
    try:
        assert "0 of 4 done." in run(first[1], SETUP + "lesson06.progress()")
        run(first[1], half), run(first[1], helper)
        assert "Not yet" in run(first[1], check("return x"))
        assert "Correct" in run(first[1], answer)
        second = start_new_kernel(kernel_name="python3")
        assert "1 of 4 done." in run(second[1], SETUP + "lesson06.progress()")
        unit = "np.ones((1, 3, 3)), np.ones((1, 1, 2, 2)), np.zeros(1), 1"
        mine = f"lesson06.mine('conv2d')({unit})"
        assert "conv2d was not run" in run(second[1], mine, reply="n")
        said = run(second[1], mine, reply="y")
        assert "def sliding(x, W, b, stride):" in said and said.count("4.") == 4, said
    finally:
        for manager, client in filter(None, (first, second)):
            client.stop_channels()
            manager.shutdown_kernel(now=True)
