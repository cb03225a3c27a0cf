"""Answers to the exercises of lesson 12, right ones and wrong ones by code."""

import torch


def stop(
    *,
    curve: str = 'history["validation_loss"]',
    better: str = "loss < best",
    waited: str = "epoch - kept == patience",
    result: str = "kept, epoch",
    count: str = "1",
) -> str:
    """A stop_at with one of its parts changed."""
    return f"""
def stop_at(history, patience):
    best, kept = float("inf"), 0
    for epoch, loss in enumerate({curve}, {count}):
        if {better}:
            best, kept = loss, epoch
        elif {waited}:
            break
    return {result}
"""


COUNTING = """
def stop_at(history, patience):
    best, kept, waited = 1e9, 0, 0
    losses = history["validation_loss"]
    for i in range(len(losses)):
        if losses[i] < best:
            best, kept{reset} = losses[i], i + 1{zero}
        else:
            waited += 1
        if waited {when}:
            break
    return {result}
"""


def counting(reset=", waited", zero=", 0", when=">= patience", result="[kept, i + 1]") -> str:
    """The same with a counter, as most students write it."""
    return COUNTING.format(reset=reset, zero=zero, when=when, result=result)


PREVIOUS = """
def stop_at(history, patience):
    losses, waited = history["validation_loss"], 0
    for i in range(1, len(losses)):
        waited = waited + 1 if losses[i] >= losses[i - 1] else 0
        if waited == patience:
            break
    return int(np.argmin(losses[: i + 1])) + 1, i + 1
"""


def moved(body: str) -> str:
    """A shift(x, down, right) with this body."""
    lines = "".join(f"    {line}\n" for line in body.strip("\n").splitlines())
    return f"def shift(x, down, right):\n    n, c, h, w = x.shape\n{lines}"


PAD = "nn.functional.pad"

RIGHT = {
    "check_stop_at": [
        stop(),
        stop(better="loss < best or kept == 0"),
        stop(waited="epoch - kept >= patience", result="torch.tensor([kept, epoch])"),
        stop(result="np.array([kept, epoch], dtype=np.float32)"),
        counting(),
        """
def stop_at(history, patience):
    losses = np.array(history["validation_loss"])
    for last in range(1, len(losses) + 1):
        kept = losses[:last].argmin() + 1
        if last - kept == patience:
            break
    return kept, last
""",
    ],
    "check_reading": [
        "reading = (5, 86.9)",
        "reading = [5, 0.869]",
        "reading = np.array([5, 86.9])",
        "reading = torch.tensor([5.0, 86.9])",
        "reading = {'epoch': 5, 'accuracy': 86.9}.values()",
    ],
    "check_shift": [
        moved(f"return {PAD}(x, (right, -right, down, -down))"),
        moved(
            "return [[[[float(v) for v in row] for row in c] for c in i] for i in "
            f"{PAD}(x, (right, -right, down, -down))]"
        ),
        moved("""
y = torch.zeros_like(x)
for i in range(h):
    for j in range(w):
        if 0 <= i - down < h and 0 <= j - right < w:
            y[:, :, i, j] = x[:, :, i - down, j - right]
return y.numpy()
"""),
        moved("""
y = torch.roll(x, (down, right), dims=(2, 3))
if down > 0:
    y[:, :, :down] = 0
if down < 0:
    y[:, :, down:] = 0
if right > 0:
    y[..., :right] = 0
if right < 0:
    y[..., right:] = 0
return y
"""),
        moved(f"""
m = max(h, w)
framed = {PAD}(x, (m, m, m, m))
return framed[:, :, m - down : m - down + h, m - right : m - right + w]
"""),
        moved("""
rows, columns = torch.diag(torch.ones(h - abs(down)), -down), torch.ones(w - abs(right)).diag(right)
return rows @ x @ columns
"""),
        moved("""
import torchvision.transforms.v2.functional as v
return v.affine(x, angle=0, translate=[right, down], scale=1, shear=[0, 0])
"""),
    ],
}

WRONG = {
    "check_stop_at": {
        "watches-training": [
            stop(curve='history["train_loss"]'),
            counting().replace("validation", "train"),
        ],
        "watches-test": [
            stop(curve='history["test_loss"]'),
            counting().replace("validation", "test"),
        ],
        "watches-accuracy": [
            stop(curve='[-a for a in history["validation_accuracy"]]'),
            stop(curve='[1 - a for a in history["validation_accuracy"]]'),
        ],
        "patience-off-by-one": [
            stop(waited="epoch - kept > patience"),
            stop(waited="epoch - kept == patience - 1"),
            stop(waited="epoch - kept + 1 >= patience"),
            counting(when="> patience"),
        ],
        "last-epoch": [stop(result="(epoch, epoch)"), counting(result="(i + 1, i + 1)")],
        "needs-the-future": [
            "def stop_at(history, patience):\n    losses = history['validation_loss']\n"
            "    return np.argmin(losses) + 1, len(losses)",
            stop(result='int(np.argmin(history["validation_loss"])) + 1, epoch'),
        ],
        "compares-with-previous": [
            PREVIOUS,
            """
def stop_at(history, patience):
    losses = torch.tensor(history["validation_loss"])
    worse, last = losses.diff() >= 0, len(losses)
    for i in range(len(worse) - patience + 1):
        if worse[i : i + patience].all():
            last = i + patience + 1
            break
    return losses[:last].argmin() + 1, last
""",
        ],
        "never-reset": [
            counting(reset="", zero=""),
            """
def stop_at(history, patience):
    losses = history["validation_loss"]
    no_better = [i for i in range(1, len(losses)) if losses[i] >= min(losses[:i])]
    last = no_better[patience - 1] + 1 if len(no_better) >= patience else len(losses)
    return losses.index(min(losses[:last])) + 1, last
""",
        ],
        "equal-is-better": [
            stop(better="loss <= best"),
            counting().replace("if losses[i] < best", "if not losses[i] > best"),
        ],
        "offset": stop(count="0"),
        "reversed": stop(result="epoch, kept"),
        "parts-wrong": [
            counting(result="(kept - 1, i + 1)"),
            stop(result="epoch - patience, epoch"),
            stop(result="kept + 1, epoch"),
        ],
        "shape": [stop(result="kept"), stop(result="epoch")],
        "none": stop(result="None"),
        "different": [
            stop(better="loss > best"),
            counting().replace("best, kept, waited = 1e9", "best, kept, waited = 1"),
            counting().replace("best, kept, waited = 1e9, 0", "best, kept, waited = 9, 1"),
            stop(better="loss < best - 0.01"),
            "stop_at = (4, 7)",
        ],
        "raised": [
            stop(curve='history["val_loss"]'),
            stop(result="keep, epoch"),
        ],
    },
    "check_reading": {
        "picked-by-test": ["reading = (9, 87.4)", "reading = (6, 87.2)", "reading = (9, 0.874)"],
        "picked-by-training": ["reading = (12, 86.6)", "reading = (12, 96.3)"],
        "beyond-patience": ["reading = (10, 87.1)", "reading = (10, 87.8)"],
        "last-epoch": ["reading = (8, 86.8)", "reading = [8, 87.6]"],
        "another-epoch": [
            "reading = (7, 86.7)",
            "reading = (4, 86.9)",
            "reading = (3, 84.4)",
            "reading = (5.2, 86.9)",
            "reading = (float('nan'), 86.9)",
        ],
        "reported-validation": ["reading = (5, 87.3)", "reading = (5, 0.873)"],
        "reported-training": ["reading = (5, 90.1)", "reading = iter([5, 0.901])"],
        "another-accuracy": [
            "reading = (5, 87.4)",
            "reading = (5, 87.2)",
            "reading = (5, 0.35)",
            "reading = (5, 87)",
            "reading = (5, 1 - 86.9)",
        ],
        "different": [
            "reading = 5",
            "reading = (86.9, 5)",
            "reading = ('epoch 5', '86.9%')",
            "reading = (5, 86.9, 87.3)",
            "class Late:\n    def __array__(self, *_, **__):\n"
            "        raise RuntimeError('not yet')\nreading = Late()",
        ],
    },
    "check_shift": {
        "wraps-around": [
            moved("return torch.roll(x, (down, right), dims=(2, 3))"),
            moved("return x.roll((-down, -right), (2, 3))"),
            moved(
                "y = torch.cat([x, x], 2)[:, :, h - down : 2 * h - down]\n"
                "return torch.cat([y, y], 3)[..., w - right : 2 * w - right]"
            ),
        ],
        "wrong-way": [
            moved(f"return {PAD}(x, (-right, right, -down, down))"),
            moved(
                "y = torch.zeros_like(x)\ny[:, :, : h - down, : w - right] = "
                "x[:, :, down:, right:]\nreturn y"
            ),
        ],
        "axes-swapped": [
            moved(f"return {PAD}(x, (down, -down, right, -right))"),
            moved(
                "y = torch.zeros_like(x)\ny[:, :, right:, down:] = "
                "x[:, :, : h - right, : w - down]\nreturn y"
            ),
        ],
        "shape": [
            moved(f"return {PAD}(x, (right, 0, down, 0))"),
            moved(f"return {PAD}(x, (right, right, down, down))"),
            moved("return x[:, :, : h - down, : w - right]"),
            moved(f"return {PAD}(x, (right, -right, down, -down))[:, 0]"),
            moved(f"""
framed = {PAD}(x, (3, 3, 3, 3))
return framed[:, :, 3 - down : 3 - down + h, 3 - right : 3 - right + w]
"""),
        ],
        "zero-shift": [
            moved(
                "y = torch.zeros_like(x)\ny[:, :, down:, right:] = x[:, :, :-down, :-right]\n"
                "return y"
            ),
            moved(f"return {PAD}(x, (right, 0, down, 0))[:, :, :-down, :-right] if down else x"),
        ],
        "negative-shift": [
            moved(
                "y = torch.zeros_like(x)\n"
                "y[:, :, down:, right:] = x[:, :, : h - down, : w - right]\nreturn y"
            ),
            moved(f"return {PAD}(x, (right, 0, down, 0))[:, :, :h, :w]"),
            moved(f"return {PAD}(x, (right, -right, down, -down)) if down > -4 else 0 * x"),
        ],
        "argument-unused": moved("return x"),
        "none": moved("return None"),
        "clipped": moved(f"return {PAD}(x, (right, -right, down, -down)).relu()"),
        "different": [
            moved(
                "y = torch.full_like(x, -1)\ny[:, :, down:, right:] = "
                "x[:, :, : h - down, : w - right]\nreturn y"
            ),
            moved(f"""
framed = {PAD}(x, (h, h, h, h), mode="constant", value=x.min())
return framed[:, :, h - down :, h - right :][:, :, :h, :w]
"""),
            "shift = 2",
        ],
        "raised": moved(f"return {PAD}(x, (rigth, -right, down, -down))"),
    },
}


def _stop_at(stop_at, rng):
    def curve():
        return [round(value, 2) for value in (rng.random(int(length)) * rng.choice([0.1, 3]))]

    length = rng.integers(1, 16)
    names = ("train_loss", "validation_loss", "test_loss", "validation_accuracy")
    return stop_at({name: curve() for name in names}, int(rng.integers(1, 6)))


def _shift(shift, rng):
    n, h, w = (int(size) for size in rng.integers(2, 9, size=3))
    x = torch.tensor(rng.normal(size=(n, 1, h, w)), dtype=torch.float32)
    return shift(x, int(rng.integers(1 - h, h)), int(rng.integers(1 - w, w)))


#: What an answer does on one random sample. A mutant that does the same is no wrong answer.
BEHAVIOUR = {
    "check_stop_at": _stop_at,
    "check_reading": lambda reading, rng: reading,
    "check_shift": _shift,
}
