"""How many places a window has along a side, and in which words a view says that it has none.

The page has the same rules in the same words, in page/sizes.js; a test holds them equal.
"""

from dataclasses import dataclass


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


def times(shape: tuple[int, ...]) -> str:
    """A shape as people write it: "16 × 5 × 5"."""
    return " × ".join(f"{number:,}" for number in shape) or "one number"
