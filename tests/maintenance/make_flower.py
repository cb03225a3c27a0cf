"""Make data/flower.png from scikit-learn's sample picture, or prove that it holds that picture.

python tests/maintenance/make_flower.py          writes the file
python tests/maintenance/make_flower.py --check  compares the file with scikit-learn's picture
"""

import sys

import numpy as np
from PIL import Image
from sklearn.datasets import load_sample_image

from course_utils.sources import DATA

FLOWER = DATA / "flower.png"

# The square of 288 × 288 pixels around the flower, reduced by averaging blocks of 3 × 3.
TOP, LEFT, SIDE, BLOCK = 77, 163, 288, 3


def make() -> np.ndarray:
    """The flower in the middle of scikit-learn's flower.jpg: uint8 (96, 96, 3)."""
    picture = load_sample_image("flower.jpg")[TOP : TOP + SIDE, LEFT : LEFT + SIDE]
    small = SIDE // BLOCK
    blocks = picture.reshape(small, BLOCK, small, BLOCK, 3)
    return np.rint(blocks.mean(axis=(1, 3))).astype(np.uint8)


if __name__ == "__main__":
    if sys.argv[1:] == ["--check"]:
        with Image.open(FLOWER) as stored:
            assert stored.mode == "RGB", stored.mode
            np.testing.assert_array_equal(np.asarray(stored), make())
        print(f"{FLOWER.name} holds scikit-learn's flower, reduced, value for value.")
    else:
        Image.fromarray(make()).save(FLOWER, optimize=True)
        print(f"wrote {FLOWER} ({FLOWER.stat().st_size:,} bytes)")
