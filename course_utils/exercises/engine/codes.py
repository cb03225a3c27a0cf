"""The codes of what `patterns` sees in wrong numbers. No import: a command may only need these."""

#: The codes that a verdict may have beside those of its own exercise, and what is said of each to a
#: class. A reader is told the same, or more of the numbers in question.
PATTERNS = {
    "none": "The function gives None: the `return` is missing.",
    "shape": "The result has another shape than the right one.",
    "not-a-number": "The result contains nan.",
    "negated": "Every number has the wrong sign.",
    "factor": "Every number is the right one times the same number.",
    "offset": "Every number is off by the same amount.",
    "reversed": "The right numbers, the last one first.",
    "transposed": "The right numbers, with rows and columns exchanged.",
    "order": "The right numbers, at the wrong places.",
    "sign-lost": "The sizes are right; the minus signs are lost.",
    "clipped": "Right, but for the negative numbers, which became 0.",
    "not-rounded": "The result is right only before or after rounding.",
    "squared": "Each number is the square of the right one.",
    "root": "Each number is the square root of the right one.",
    "inverse": "Each number is 1 divided by the right one.",
    "not-combined": "The result has an axis too many, over which it should be combined.",
    "argument-returned": "The function gives its first argument back unchanged.",
    "always-the-same": "The function gives the same for all arguments.",
    "argument-unused": "The result stays the same when one of the arguments changes.",
    "parts-wrong": "Some parts of the result are right, and others are not.",
    "only-where": "The function is right in some kinds of cases alone.",
    "only-there": "The result is right at some places alone.",
}
