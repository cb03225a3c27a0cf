"""Make the weights of data/weights/lenet-fashion-mnist.pt: lesson 12's LeNet, after 3 epochs.

python tests/maintenance/make_weights.py           trains it and stores it (a minute)
python tests/maintenance/make_weights.py --check   trains it again and compares the accuracy

The recipe stands in one place: the cells of lesson 12 that are named below are run as they are.
FashionMNIST has to be at hand. The LeNet of MNIST comes from lesson 09:
`python tests/maintenance/refresh.py 9 --weights`.
"""

import os
import shutil
import sys
import tempfile
from pathlib import Path

from course_utils.checkpoints import load_weights, save_weights
from course_utils.lessons import LESSONS
from course_utils.sources import DATA, find_images

sys.path.append(str(Path(__file__).resolve().parents[1] / "helpers"))
from documents import code_cells

CELLS = ("imports", "data", "train-lenet", "train")
NAME = "lenet-fashion-mnist"


def train() -> tuple[object, dict]:
    """The network that lesson 12 trains, and its recipe."""
    lesson = {}
    for cell in code_cells(LESSONS[12]):
        if cell.id in CELLS:
            exec(cell.source, lesson)
    return lesson["plain"], {
        "made_by": "lesson 12",
        "data": lesson["train"].name,
        "inputs": {"pad": 2, **lesson["inputs"]},
        "training": "Adam, learning rate 0.001, batches of 100",
        "epochs": lesson["epochs"],
        "seed": 0,
        "accuracy": lesson["history"].test_accuracy[-1],
    }


if __name__ == "__main__":
    os.environ["COURSE_DEVICE"] = "cpu"
    if not find_images("fashion-mnist"):
        raise SystemExit(
            "FashionMNIST is needed: set COURSE_DATA_DIR to a folder that holds it, or download "
            "it in lesson 12."
        )
    model, recipe = train()
    if "--check" in sys.argv:
        _, stored = load_weights("lenet", data="fashion-mnist")
        apart = abs(stored["accuracy"] - recipe["accuracy"])
        print(f"stored {stored['accuracy']:.2%}, trained again {recipe['accuracy']:.2%}")
        # Another processor rounds otherwise, which is as another seed.
        raise SystemExit(0 if apart < 0.02 else "They are further apart than two seeds are.")
    with tempfile.TemporaryDirectory() as runs:
        os.environ["COURSE_RUNS_DIR"] = runs
        save_weights(model, NAME, recipe)
        for kept in Path(runs).glob(f"{NAME}.*"):
            shutil.copy(kept, DATA / "weights" / kept.name)
    print(f"{DATA / 'weights' / NAME}.pt: {recipe['accuracy']:.2%} of FashionMNIST's test images")
