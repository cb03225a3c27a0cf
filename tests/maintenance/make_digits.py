"""Make data/digits.npz from scikit-learn's copy of the UCI digits, or prove that it holds them.

python tests/maintenance/make_digits.py          writes the file
python tests/maintenance/make_digits.py --check  compares the stored file with scikit-learn's digits
"""

import sys

import numpy as np
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split

from course_utils.sources import DATA

DIGITS = DATA / "digits.npz"

# The course's sample digit: a 5 with a straight bar, a corner and a bow. Eight LeNets trained on
# MNIST and eight on these digits all gave the 5 a probability of more than 0.99.
SAMPLE = 1302


def make() -> dict[str, np.ndarray]:
    """Images (1797, 8, 8) from 0 to 16, labels, the test part's indices, the sample's index."""
    digits = load_digits()
    images, labels = digits.images.astype(np.uint8), digits.target.astype(np.uint8)
    _, test = train_test_split(
        np.arange(len(labels)), test_size=0.2, stratify=labels, random_state=0
    )
    return {
        "images": images,
        "labels": labels,
        "test": np.sort(test).astype(np.uint16),
        "sample": np.uint16(SAMPLE),
    }


if __name__ == "__main__":
    if sys.argv[1:] == ["--check"]:
        with np.load(DIGITS, allow_pickle=False) as stored:
            for name, array in make().items():
                np.testing.assert_array_equal(stored[name], array, err_msg=name)
                assert stored[name].dtype == array.dtype, name
        print(f"{DIGITS.name} holds scikit-learn's 1,797 digits, bit for bit, and the same split.")
    else:
        np.savez_compressed(DIGITS, **make())
        print(f"wrote {DIGITS} ({DIGITS.stat().st_size:,} bytes)")
