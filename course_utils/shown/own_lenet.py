"""What lesson 18 builds its LeNet from: the eleven parts, the reader's own or the course's.

The course's are the solutions of the exercises without loops over places, each a few lines of
NumPy with the arguments, shapes and results of its exercise.
"""

import copy
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import torch
from matplotlib.axes import Axes
from matplotlib.patches import Rectangle
from numpy.lib.stride_tricks import sliding_window_view

from course_utils.exercises.engine.checks import broken
from course_utils.exercises.engine.pooling import pooled_shape
from course_utils.exercises.engine.reading import Answer, as_array
from course_utils.exercises.journal import exercises

Array = np.ndarray

#: The parts, and the lesson in which each is an exercise of the same name.
PARTS = {
    "conv2d": "06",
    "conv2d_backward": "06",
    "max_pool": "07",
    "max_pool_backward": "07",
    "linear": "04",
    "linear_backward": "04",
    "relu": "04",
    "relu_backward": "04",
    "cross_entropy_gradient": "08",
    "momentum_step": "08",
    "mean_accuracy": "08",
}


def conv2d(x: Array, W: Array, b: Array, stride: int) -> Array:
    """x (C, H, W), W (K, C, F, F), b (K,) -> the maps (K, H', W'), without padding."""
    windows = sliding_window_view(x, W.shape[2:], axis=(1, 2))[:, ::stride, ::stride]
    z = np.tensordot(W, windows, axes=([1, 2, 3], [0, 3, 4]))  # (K, H', W')
    return z + b[:, None, None]


def conv2d_backward(dz: Array, x: Array, W: Array) -> tuple[Array, Array, Array]:
    """dz (K, H', W'), x (C, H, W), W (K, C, F, F) -> dx, dW, db (K,), for stride 1."""
    (C, _, _), (K, rows, columns) = x.shape, dz.shape
    dx, dW, flat = np.zeros(x.shape), np.zeros(W.shape), dz.reshape(K, -1)  # (K, H' · W')
    for u, v in np.ndindex(W.shape[2:]):  # a place of the kernel, in all windows at once
        seen = np.s_[:, u : u + rows, v : v + columns]
        dx[seen] += (W[:, :, u, v].T @ flat).reshape(C, rows, columns)
        dW[:, :, u, v] = flat @ x[seen].reshape(C, -1).T
    return dx, dW, flat.sum(axis=1)


def _places(shape: tuple[int, ...], size: int, stride: int) -> list[tuple]:
    """For each place of a window, in row order, where it lies in the map in all windows."""
    rows, columns = (stride * ((side - size) // stride) + 1 for side in shape[-2:])
    return [
        np.s_[..., u : u + rows : stride, v : v + columns : stride]
        for u, v in np.ndindex(size, size)
    ]


def max_pool(x: Array, size: int, stride: int) -> Array:
    """x (..., H, W) -> the largest value of each window (..., H', W')."""
    first, *others = _places(x.shape, size, stride)
    y = x[first].copy()
    for place in others:
        np.maximum(y, x[place], out=y)
    return y


def max_pool_backward(x: Array, dy: Array, size: int, stride: int) -> Array:
    """x (H, W), dy (H', W') -> dx (H, W); of tied values the first in row order gets all."""
    dx, y = np.zeros(x.shape), max_pool(x, size, stride)
    open_windows = np.ones(y.shape, dtype=bool)  # those without a winner so far
    for place in _places(x.shape, size, stride):
        wins = open_windows & (x[place] == y)
        dx[place] += wins * dy
        open_windows &= ~wins
    return dx


def linear(X: Array, W: Array, b: Array) -> Array:
    """X (N, D), W (D, H), b (H,) -> (N, H)."""
    return X @ W + b


def linear_backward(dz: Array, X: Array, W: Array) -> tuple[Array, Array, Array]:
    """dz (N, H), X (N, D), W (D, H) -> dX (N, D), dW (D, H), db (H,)."""
    return dz @ W.T, X.T @ dz, dz.sum(axis=0)


def relu(z: Array) -> Array:
    """Any shape -> the same shape, without negative values."""
    return np.maximum(z, 0)


def relu_backward(da: Array, z: Array) -> Array:
    """The gradient before the ReLU, of the same shape; at z = 0 it is 0."""
    return da * (z > 0)


def cross_entropy_gradient(z: Array, y: Array) -> tuple[float, Array]:
    """Logits (N, K), labels (N,) -> the mean loss of the batch, and its gradient (N, K)."""
    rows = np.arange(len(z))
    z = z - z.max(axis=1, keepdims=True)  # exp(1000) would overflow
    log_p = z - np.log(np.exp(z).sum(axis=1, keepdims=True))  # (N, K)
    dz = np.exp(log_p)
    dz[rows, y] -= 1
    return -log_p[rows, y].mean(), dz / len(z)


def momentum_step(
    W: Array, dW: Array, v: Array, rate: float, momentum: float
) -> tuple[Array, Array]:
    """A step of gradient descent with momentum, of any shape -> the new W and v."""
    v = momentum * v + dW
    return W - rate * v, v


def mean_accuracy(batches: list[tuple]) -> float:
    """Pairs of logits (N, K) and labels (N,) -> the share of correct answers, 0 to 1."""
    right = sum((z.argmax(1) == y).sum().item() for z, y in batches)
    return right / sum(len(y) for _, y in batches)


#: The shapes of each part's results, from its arguments.
_SHAPES: dict[str, Callable[..., list[tuple[int, ...]]]] = {
    "conv2d": lambda x, W, b, stride: [(len(W), *pooled_shape(x.shape[1:], W.shape[-1], stride))],
    "conv2d_backward": lambda dz, x, W: [x.shape, W.shape, (len(W),)],
    "max_pool": lambda x, size, stride: [(len(x), *pooled_shape(x.shape[1:], size, stride))],
    "max_pool_backward": lambda x, dy, size, stride: [x.shape],
    "linear": lambda X, W, b: [(len(X), len(b))],
    "linear_backward": lambda dz, X, W: [X.shape, W.shape, W.shape[1:]],
    "relu": lambda z: [z.shape],
    "relu_backward": lambda da, z: [z.shape],
    "cross_entropy_gradient": lambda z, y: [(), z.shape],
    "momentum_step": lambda W, dW, v, rate, momentum: [W.shape, W.shape],
    "mean_accuracy": lambda batches: [()],
}

#: Whose a part may be.
YOURS, BY_TORCH, COURSES = "yours", "yours, by torch", "the course's"


class Parts:
    """The parts by their names, as in ``parts.conv2d(x, W, b, 1)``: the reader's or the course's.

    answers: the reader's own, by name; what is missing is the course's. reasons: why an answer
    that is kept cannot be used. (Both as `all_mine` of the journal returns them.)

    A part is given copies, since an answer may change what it is given, and gives float64 arrays
    of the shapes that its exercise asks for, whatever the answer makes: lists, tensors, (1, H).

    owner: whose each part is, by name: YOURS, BY_TORCH (an answer that itself calls torch) or
    COURSES. seconds: what the calls of each part have taken, by name; it may be set back to {}.
    """

    def __init__(self, answers: Mapping[str, Answer], reasons: Mapping[str, str] = {}) -> None:
        self.owner: dict[str, str] = {}
        self.seconds: dict[str, float] = {}
        for name in PARTS:
            answer = answers.get(name)
            self._put(name, globals()[name] if answer is None else answer)
            if answer is None:
                self.owner[name] = COURSES
        missing = [name for name in PARTS if name not in answers and name not in reasons]
        if missing:
            verb = "is" if len(missing) == 1 else "are"
            print(f"{len(missing)} of the {len(PARTS)} parts {verb} not in your journal:")
            for lesson in sorted({PARTS[name] for name in missing}):
                in_lesson = [name for name in missing if PARTS[name] == lesson]
                print(f"  lesson {lesson}:", ", ".join(map(_numbered, in_lesson)))
        for reason in dict.fromkeys(reasons.values()):
            print(broken(f"Not used: {reason}"))

    def __getattr__(self, name: str) -> Callable[..., Any]:
        raise AttributeError(f"there is no part {name}; the parts are {', '.join(PARTS)}.")

    def exchange(self, name: str, reason: str) -> None:
        """Put the course's part in place of the reader's, and say why. reason: sentences."""
        print(broken(f"{name} of lesson {PARTS[name]}, exercise {_number(name)}: {reason}"))
        self._put(name, globals()[name])
        self.owner[name] = COURSES

    def yours(self) -> list[str]:
        """The names of the parts that the reader has written."""
        return [name for name in PARTS if self.owner[name] != COURSES]

    def _put(self, name: str, function: Callable) -> None:
        def timed(*arguments: Any) -> Any:
            start = time.perf_counter()
            results = _arrays(function(*_given(name, arguments)), _SHAPES[name](*arguments))
            spent = time.perf_counter() - start
            self.seconds[name] = self.seconds.get(name, 0) + spent
            return results

        setattr(self, name, timed)
        self.owner[name] = BY_TORCH if _calls_torch(function) else YOURS


def said_of(problem: float | Exception) -> str:
    """What is said of a part by its largest difference from torch, or its error; "" if it is good.

    Up to 1e-10 is rounding, which depends on the order of the sums.
    """
    if isinstance(problem, Exception):
        error = f"{type(problem).__name__}: {problem}".rstrip(": .")
        sentence = f"it stops with an error. {error}."
    elif problem < 1e-10:
        return ""
    elif problem < 1e-3:
        sentence = (
            f"its results are up to {problem:.0e} away from torch's. Such differences come from "
            "float32: leave its numbers in float64, as they are given."
        )
    else:
        sentence = f"its results are up to {problem:.2g} away from torch's."
    return f"{sentence} Answer it again; until then the course's part takes its place."


def who_wrote_it(owner: Mapping[str, str]) -> str:
    """A sentence on how many of the network's parts the reader has written."""
    mine, by_torch = ([*owner.values()].count(kind) for kind in (YOURS, BY_TORCH))
    with_torch = f" ({by_torch} of them with the help of torch)" if by_torch else ""
    if mine + by_torch == len(owner):
        return f"Every layer of this network was written by its reader{with_torch}."
    parts = f"{mine + by_torch} of the {len(owner)} parts"
    verb = "was" if mine + by_torch == 1 else "were"
    return f"{parts} of this network {verb} written by its reader{with_torch}."


def _number(name: str) -> int:
    """That of a part's exercise in its lesson."""
    return exercises(PARTS[name]).index(name) + 1


def _numbered(name: str) -> str:
    return f"{_number(name)} {name}"


def _given(name: str, arguments: tuple) -> tuple:
    if name == "mean_accuracy":  # lesson 08 counts with tensors
        (batches,) = arguments
        return ([tuple(torch.tensor(values) for values in batch) for batch in batches],)
    return copy.deepcopy(arguments)


def _arrays(results: Answer, shapes: list[tuple[int, ...]]) -> Any:
    """A float64 array for each shape, a number for (); alone where there is one shape."""
    results = [results] if len(shapes) == 1 else list(results)
    arrays = [
        as_array(result).reshape(shape)[()] for result, shape in zip(results, shapes, strict=True)
    ]
    return arrays[0] if len(arrays) == 1 else tuple(arrays)


def _calls_torch(function: Callable) -> bool:
    """Whether a kept answer brings something of torch along."""
    taken = getattr(function, "__globals__", {})
    if taken.get("__name__") != "kept_answer":
        return False
    owners = (
        getattr(value, "__module__", None) or getattr(value, "__name__", "")
        for value in taken.values()
    )
    return any(str(owner).partition(".")[0] == "torch" for owner in owners)


_COLOURS = {YOURS: "#0072B2", BY_TORCH: "#56B4E9", COURSES: "#E69F00"}
#: The values of the network from left to right, and the part between each two.
_VALUES = ["32 × 32", *["6 × 28 × 28"] * 2, "6 × 14 × 14", *["16 × 10 × 10"] * 2, "16 × 5 × 5"]
_VALUES += ["120", "120", "84", "84", "10"]
_STEPS = ["conv2d", "relu", "max_pool"] * 2 + ["linear", "relu"] * 2 + ["linear"]


def draw(owner: Mapping[str, str], *, ax: Axes) -> Axes:
    """The LeNet with the parts that compute it, coloured by their owners; forward above."""
    for at, text in enumerate(_VALUES):
        _draw_value([int(number) for number in text.split(" × ")], at, ax)
        if text not in _VALUES[:at]:
            ax.text(at, -1.25, text.replace(" × ", "×"), ha="center", va="top", fontsize=12)
    for at, name in enumerate(_STEPS):
        _draw_part(name, at + 0.5, 1.75, owner, ax)
        _draw_part(f"{name}_backward", at + 0.5, -2.5, owner, ax)
    _draw_part("cross_entropy_gradient", len(_STEPS) + 1.1, -0.1, owner, ax)
    _draw_part("mean_accuracy", len(_STEPS) + 1.1, 1.75, owner, ax)
    _draw_part("momentum_step", len(_STEPS) + 1.1, -2.5, owner, ax)
    for kind, colour in _COLOURS.items():
        ax.scatter([], [], marker="s", s=150, color=colour, label=kind)
    last = len(_STEPS)
    for end, start in [((last, 2.6), (0, 2.6)), ((0, -3.4), (last, -3.4))]:
        ax.annotate("", end, start, arrowprops={"arrowstyle": "->", "lw": 2})
    ax.annotate("", (last + 0.2, -0.1), (last + 0.6, -0.1), arrowprops={"arrowstyle": "<->"})
    ax.text(0, 2.75, "forward")
    ax.text(last, -3.95, "backward", ha="right")
    ax.legend(loc="upper right", ncols=len(_COLOURS), borderaxespad=0)
    ax.set(xlim=(-0.8, len(_STEPS) + 2), ylim=(-4.1, 3.4))
    ax.set_axis_off()
    return ax


def _draw_value(shape: Sequence[int], at: float, ax: Axes) -> None:
    """Maps as squares one behind the other; a row of numbers as a narrow bar."""
    if len(shape) == 1:
        high = 0.4 + shape[0] / 80
        ax.add_patch(Rectangle((at - 0.07, -high / 2), 0.14, high, fc="#DDDDDD", ec="#444444"))
        return
    behind, side = (shape[0] if len(shape) == 3 else 1), shape[-1] / 40
    for depth in range(min(behind, 6) - 1, -1, -1):
        corner = (at - side / 2 - 0.1 + 0.05 * depth, -side * 0.8 - 0.15 + 0.07 * depth)
        ax.add_patch(Rectangle(corner, side, 1.45 * side, fc="#EEEEEE", ec="#444444"))


def _draw_part(name: str, at: float, high: float, owner: Mapping[str, str], ax: Axes) -> None:
    colour = _COLOURS[owner[name]]
    text = name.replace("_", "\n") if at > len(_STEPS) else name.replace("_b", "\nb")
    box_style = {"boxstyle": "round,pad=0.25", "fc": colour, "ec": "none"}
    ink = "white" if owner[name] == YOURS else "black"
    ax.text(at, high, text, ha="center", va="center", fontsize=12, color=ink, bbox=box_style)
