"""The picture of handwriting that ships is the one it is said to be."""

import hashlib
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from course_utils.shown.photos import load_photo
from course_utils.sources import DATA, checksums

SCRIPT = Path(__file__).resolve().parent / "make_handwriting.py"
HANDWRITING = DATA / "handwriting.jpg"


@pytest.mark.slow
def test_the_stored_picture_is_the_one_that_is_drawn():
    done = subprocess.run([sys.executable, SCRIPT, "--check"], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert "holds what is drawn here" in done.stdout


def test_its_bytes_are_those_listed():
    content = HANDWRITING.read_bytes()
    assert hashlib.sha256(content).hexdigest() == checksums()["handwriting.jpg"]
    assert len(content) <= 100_000


def test_it_lies_on_its_side_and_is_turned():
    with Image.open(HANDWRITING) as stored:
        assert stored.size == (480, 640) and stored.mode == "RGB"
    photo = load_photo(HANDWRITING)
    assert photo.shape == (480, 640) and photo.dtype == np.uint8
    # Upright, the light is above on the left, and the shadow below on the right.
    assert photo[:50, :50].mean() > 2 * photo[-50:, -50:].mean()


def test_it_is_said_to_be_drawn():
    text = (DATA / "handwriting.md").read_text(encoding="utf-8")
    assert "drawn by a program and not a photograph" in text and "licenses/by/4.0" in text
    with Image.open(HANDWRITING) as stored:
        assert "not a photograph" in stored.getexif()[0x010E]
