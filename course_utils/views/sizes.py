"""How many places a window has along a side, and in which words a view refuses a setting.

The page has the same rules in the same words, in page/sizes.js; a test holds them equal.
"""

from dataclasses import dataclass
from numbers import Number, Real

import numpy as np

#: The largest number that is shown, or taken, sign aside.
LARGEST = 9999
#: So many rings of zeros have room around an image.
LARGEST_PADDING = 2


@dataclass(frozen=True)
class Words:
    """What a view calls the window, what it lies on, and the numbers there.

    padded: whether the view has a padding, which is then counted in the sentence.
    """

    window: str
    field: str
    values: str
    padded: bool = True

    def length(self, side: int, padding: int) -> str:
        """How long a side is: "6 + 2 · 1 = 8 pixels", or "4 values"."""
        if not self.padded:
            return f"{side} {self.values}"
        return f"{side} + 2 · {padding} = {side + 2 * padding} {self.values}"


CONVOLUTION = Words("kernel", "image", "pixels")
POOLING = Words("window", "map", "values", padded=False)
LAYER = Words("kernel", "map", "values")


def output_size(side: int, window: int, stride: int = 1, padding: int = 0) -> int:
    """How often a window fits along a side: what is left over is dropped, as torch does."""
    return (side + 2 * padding - window) // stride + 1


def window_problem(side: int, window: int, padding: int, words: Words) -> str:
    """Why a window has no place along a side, without a full stop; "" if it has one."""
    if window <= side + 2 * padding:
        return ""
    return f"a {words.window} of {window} does not fit into {words.length(side, padding)}"


def stride_problem(side: int, stride: int, padding: int, words: Words) -> str:
    """Why a stride is too large for a side, without a full stop; "" if it is not."""
    if stride <= side + 2 * padding:
        return ""
    return f"a stride of {stride} is larger than the {words.field}, {words.length(side, padding)}"


def size_problem(side: int, window: int, stride: int, padding: int, words: Words) -> str:
    """The first of the two; "" if a window has its places, one stride apart."""
    too_large = window_problem(side, window, padding, words)
    return too_large or stride_problem(side, stride, padding, words)


def whole_problem(value: object, name: str, at_least: int = 1) -> str:
    """Why a setting is no whole number from so much on, without a full stop; "" if it is one."""
    is_whole = isinstance(value, int | np.integer) and not isinstance(value, bool)
    if is_whole and value >= at_least:  # type: ignore[operator]
        return ""
    return f"the {name} is {_written(value)}; it has to be a whole number, at least {at_least}"


def padding_problem(padding: int) -> str:
    """Why a padding has no room around an image, without a full stop; "" if it has."""
    if padding <= LARGEST_PADDING:
        return ""
    return f"the padding is {padding}; up to {LARGEST_PADDING} can be shown"


def number_problem(value: object, name: str) -> str:
    """Why a value is no number that can be shown, without a full stop; "" if it is one."""
    # The types of numbers.Real know no comparison with an int.
    if isinstance(value, Real) and abs(value) <= LARGEST:  # type: ignore[operator]
        return ""
    written = _written(value).removesuffix(".0")  # 10,000.0 is too large for another reason
    return f"the {name} is {written}; it has to be a number from −{LARGEST} to {LARGEST}"


def _written(value: object) -> str:
    """A number as people write it; in all else its kind can be seen: '2', tensor(2)."""
    if not isinstance(value, Number):
        return repr(value)
    return str(value).replace("-", "−")


def times(shape: tuple[int, ...]) -> str:
    """A shape as people write it: "16 × 5 × 5"."""
    return " × ".join(f"{number:,}" for number in shape) or "one number"
