"""A lesson whose training is interrupted says so once, where it stands."""

import os
import queue

import pytest
from documents import code_cells
from jupyter_client.manager import start_new_kernel

from course_utils.lessons import LESSONS, NOTEBOOKS

#: In the kernel: the first training says when it has begun.
WATCHED = """
def watched(*arguments, of=training.batches, **options):
    for number, batch in enumerate(of(*arguments, **options)):
        if number == 5:
            print("five steps", flush=True)
        yield batch

training.batches = watched
"""


@pytest.fixture
def kernel(tmp_path):
    environment = {**os.environ, "COURSE_DATA_DIR": "digits", "COURSE_RUNS_DIR": str(tmp_path)}
    manager, client = start_new_kernel(
        kernel_name="python3", env=environment, cwd=str(NOTEBOOKS), startup_timeout=120
    )
    yield manager, client
    client.stop_channels()
    manager.shutdown_kernel(now=True)


@pytest.mark.slow
def test_an_interrupted_training_is_told_once(kernel):
    """As in Run All: every cell has been asked for when the training is interrupted."""
    manager, client = kernel
    cells = code_cells(LESSONS[9])
    (place,) = [number for number, cell in enumerate(cells) if cell.id == "train-lenet"]
    for cell in cells[:place]:
        ran = client.execute_interactive(cell.source, output_hook=lambda message: None, timeout=60)
        assert ran["content"]["status"] == "ok", cell.id
    assert client.execute_interactive(WATCHED)["content"]["status"] == "ok"

    asked = [client.execute(cell.source) for cell in cells[place:]]
    printed, errors = "", []
    statuses = dict.fromkeys(asked)
    while "five steps" not in printed:
        printed += client.get_iopub_msg(timeout=60)["content"].get("text", "")
    manager.interrupt_kernel()
    while None in statuses.values():
        reply = client.get_shell_msg(timeout=60)
        statuses[reply["parent_header"]["msg_id"]] = reply["content"]["status"]
    try:
        while message := client.get_iopub_msg(timeout=1):
            printed += message["content"].get("text", "")
            errors += [message["content"]] if message["msg_type"] == "error" else []
    except queue.Empty:
        pass

    assert list(statuses.values()) == ["error"] + ["aborted"] * (len(asked) - 1)
    (error,) = errors
    assert error["ename"] == "AssertionError"
    assert error["evalue"].startswith("Interrupted after ") and error["evalue"] in printed
    left = client.execute_interactive(
        "assert history.interrupted and len(history.loss) > 4, history", timeout=60
    )
    assert left["content"]["status"] == "ok"  # what the sentence says is kept
