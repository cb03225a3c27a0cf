"""Reading what an answer gives back: as numbers, as code that can be pasted, side by side."""

import re
from collections.abc import ItemsView, Iterator, KeysView, ValuesView
from itertools import islice
from typing import Any

import numpy as np
import torch

#: What a student hands in, or what that gives back. It may be of any type; which one it is, the
#: checks find out, so the type of an answer promises nothing.
Answer = Any
#: As many values are read of an iterator; one that gives more is taken for endless.
MOST_VALUES = 100_000
#: Code longer than this is not printed.
MOST_CHARACTERS = 600
_NESTED = (list, tuple, torch.Tensor)
_LARGEST_PICTURE = (10, 8)  # rows and columns


class NotNumbers(TypeError):
    """A value that cannot be read as real numbers. Its text completes "your result …"."""


def settle(value: Answer) -> Answer:
    """A list for everything that can be read only once, at any depth of lists and tuples."""
    if isinstance(value, Iterator | KeysView | ValuesView | ItemsView):
        items = [*islice(value, MOST_VALUES + 1)]
        if len(items) > MOST_VALUES:
            raise NotNumbers(f"has no end: the first {MOST_VALUES:,} values were read")
        return [settle(item) for item in items]
    if type(value) in (list, tuple):
        return type(value)(settle(item) for item in value)
    return value


def _numbers(value: Answer) -> np.ndarray:
    """An array of a number, a (nested) list or tuple, an array or a tensor, in its own dtype."""
    if isinstance(value, torch.Tensor):
        value = value.detach().cpu()
        value = value.float().numpy().astype("float16") if value.dtype == torch.bfloat16 else value
    elif isinstance(value, list | tuple) and any(isinstance(item, _NESTED) for item in value):
        value = [_numbers(item) for item in value]
    array = np.asarray(value)
    if array.dtype.kind == "O" and not any(isinstance(v, str | bytes | None) for v in array.flat):
        array = array.astype(complex if any(isinstance(v, complex) for v in array.flat) else float)
    if array.dtype.kind == "c":
        raise NotNumbers("is complex; real numbers are expected")
    if array.dtype.kind not in "biuf":  # NumPy would read the text "1024" as a number
        raise NotNumbers(f"should be made of numbers, and is {short(value)}")
    return array


def as_array(value: Answer) -> np.ndarray:
    """A float64 array of a number, list, tuple, array, tensor, iterator or dict view.

    Raises NotNumbers for anything that is not made of real numbers.
    """
    return _read(value).astype(np.float64)


def _read(value: Answer) -> np.ndarray:
    try:
        return _numbers(settle(value))
    except NotNumbers:
        raise
    except Exception as error:  # ragged lists, and whatever an object's __array__ does
        raise NotNumbers(f"should be made of numbers, and is {short(value)}") from error


def difference(
    got: Answer, expected: Answer, name: str = "your result", *, rtol: float = 1e-4
) -> str:
    """How two results differ, in a sentence about the first; "" where they agree.

    They agree where they have the same shape, but for leading axes of length 1, and the same
    values. rtol: the relative difference that is forgiven (0 for counts); a result in float16
    is forgiven a hundredth.
    """
    if got is None:
        return f"{name} is None."
    try:
        got = _read(got)
    except NotNumbers as error:
        return f"{name} {error}."
    if got.dtype == np.float16 and rtol:
        rtol = max(rtol, 1e-2)
    got, expected = got.astype(np.float64), as_array(expected)
    a, b = without_leading_ones(got), without_leading_ones(expected)
    if a.shape != b.shape:
        return f"{name} has the shape {got.shape}; {expected.shape} is expected." + _broadcast(
            a.shape, b.shape
        )
    wrong = ~np.isclose(a, b, rtol, atol=1e-6, equal_nan=True)
    if not wrong.any():
        return ""
    if a.ndim == 0 or (a.ndim == 1 and a.size <= 12):
        return f"{name} is {_row(a)}; {_row(b)} is expected."
    if a.ndim > 1 and all(np.less_equal(a.shape[-2:], _LARGEST_PICTURE)):
        at = tuple(int(i) for i in np.argwhere(wrong)[0][:-2])
        where = f", at {list(at)}" if at else ""
        return f"{name}{where}, beside what is expected:\n" + _pictures(a[at], b[at], wrong[at])
    first = tuple(int(i) for i in np.argwhere(wrong)[0])
    return (
        f"{name} is {a[first]:.8g} at {list(first)}, the first of {wrong.sum()} that differ; "
        f"{b[first]:.8g} is expected."
    )


def without_leading_ones(array: np.ndarray) -> np.ndarray:
    """The array without leading axes of length 1, which do not matter anywhere."""
    while array.ndim and array.shape[0] == 1:
        array = array[0]
    return array


def _broadcast(got: tuple[int, ...], expected: tuple[int, ...]) -> str:
    """What the wrong shape would do next."""
    try:
        both = np.broadcast_shapes(got, expected)
    except ValueError:
        return ""
    if both == expected:
        return ""
    return f" (Added to an array of the expected shape, it would make {both} by broadcasting.)"


def _row(array: np.ndarray) -> str:
    return f"{array:.8g}" if not array.ndim else f"({', '.join(f'{v:.8g}' for v in array)})"


def _pictures(got: np.ndarray, expected: np.ndarray, wrong: np.ndarray) -> str:
    """Two small maps side by side; a star marks each value that differs."""
    stars = np.where(wrong, "*", " ")
    left = [
        [f"{v:.4g}{s}" for v, s in zip(*rows, strict=True)] for rows in zip(got, stars, strict=True)
    ]
    right = [[f"{v:.4g}" for v in row] for row in expected]
    wide, narrow = (max(len(cell) for row in part for cell in row) + 2 for part in (left, right))
    lines = [
        "".join(cell.rjust(wide) for cell in a)
        + "    |"
        + "".join(cell.rjust(narrow) for cell in b)
        for a, b in zip(left, right, strict=True)
    ]
    return "\n".join(lines)


def as_code(value: object) -> str:
    """Python that makes a value again, where np and torch are imported."""
    if isinstance(value, np.ndarray):
        items = _items(value)
        kind = "" if np.asarray(items).dtype == value.dtype else f", dtype=np.{value.dtype}"
        return f"np.array({_digits(items)}{kind})"
    if isinstance(value, torch.Tensor):
        items = _items(value.detach().cpu().numpy())
        kind = "" if torch.tensor(items).dtype == value.dtype else f", dtype={value.dtype}"
        return f"torch.tensor({_digits(items)}{kind})"
    if type(value) is list:
        return f"[{', '.join(as_code(item) for item in value)}]"
    if type(value) is tuple:
        return f"({', '.join(as_code(item) for item in value)}{',' if len(value) == 1 else ''})"
    if type(value) is dict:
        return f"{{{', '.join(f'{key!r}: {as_code(item)}' for key, item in value.items())}}}"
    return repr(value.item() if isinstance(value, np.generic) else value)


def _digits(items: object) -> str:
    """Lists of numbers as code, with 2. for 2.0."""
    return re.sub(r"\.0(?=[,\]]|$)", ".", str(items))


def _items(array: np.ndarray) -> object:
    """An array's values in lists; those of float32 in as few digits as tell them apart."""
    if array.dtype == np.float32:
        return np.array([float(str(v)) for v in array.flat]).reshape(array.shape).tolist()
    return array.tolist()


def short(value: object) -> str:
    """A value in a few characters: a long array by its shape."""
    try:
        if isinstance(value, np.ndarray | torch.Tensor) and value.size != 1 and len(value.shape):
            if np.prod(value.shape) > 6:
                return f"<{type(value).__name__} of shape {tuple(value.shape)}>"
            return as_code(value)
        if isinstance(value, torch.nn.Module):
            return type(value).__name__
        text = repr(value)
    except Exception:  # a repr that raises
        return f"<{type(value).__name__}>"
    if isinstance(value, list | tuple) and len(text) > 60:
        return f"<{type(value).__name__} of {len(value)}>"
    return text if len(text) <= 60 else text[:57] + "..."
