"""What a function does, read from its bytecode."""

import dis
from collections.abc import Callable


def same_code(function: Callable, stub: Callable) -> bool:
    """Whether a function does just what a stub does, whatever either is called."""
    return _steps(function) == _steps(stub)


def _steps(function: Callable) -> list[tuple]:
    return [(step.opname, step.argval) for step in dis.get_instructions(function)]
