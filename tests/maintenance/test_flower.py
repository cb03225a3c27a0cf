"""The colour picture that ships is the one it is said to be."""

import subprocess
import sys
from pathlib import Path

import matplotlib.pyplot as plt
import pytest

from course_utils.sources import DATA

SCRIPT = Path(__file__).resolve().parent / "make_flower.py"


@pytest.mark.slow
def test_the_stored_flower_is_that_of_scikit_learn():
    done = subprocess.run(
        [sys.executable, SCRIPT, "--check"],
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    assert "value for value" in done.stdout


def test_the_flower_as_the_lessons_read_it():
    flower = plt.imread(DATA / "flower.png")
    assert flower.shape == (96, 96, 3) and flower.dtype == "float32"
    assert 0 <= flower.min() < 0.01 and 0.9 < flower.max() <= 1
    assert (DATA / "flower.png").stat().st_size <= 60_000


def test_its_author_and_licence_are_named():
    text = (DATA / "flower.md").read_text(encoding="utf-8")
    assert "vultilion" in text and "licenses/by/2.0" in text and "Changed from the original" in text
