"""While an answer runs: the lesson stays alive, and everything is put back afterwards."""

import contextlib
import io
import random
import sys
import sysconfig
import threading
import traceback
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import cast
from unittest.mock import patch

import numpy as np
import torch

#: After so many seconds a sentence says how to stop an answer.
PATIENCE = 10
#: So much of what an answer prints is kept, in characters.
KEPT_PRINTS = 2_000

_LONG = (
    f"The check has been running for {PATIENCE} seconds. To stop it: Kernel > Interrupt Kernel. "
    "A likely cause is a loop whose condition never becomes false."
)
_NOT_THE_READERS = tuple(
    str(Path(folder))
    for folder in (
        sysconfig.get_path("stdlib"),
        sysconfig.get_path("platstdlib"),
        sysconfig.get_path("purelib"),
        sysconfig.get_path("platlib"),
        Path(__file__).resolve().parents[2],  # course_utils
    )
)


class _Tail(io.TextIOBase):
    """A stream that keeps the end of what is written to it."""

    def __init__(self) -> None:
        self.kept, self.lines = "", 0

    def write(self, text: str) -> int:
        self.lines += text.count("\n")
        self.kept = (self.kept + text)[-KEPT_PRINTS:]
        return len(text)

    def show(self) -> None:
        left_out = self.lines - self.kept.count("\n")
        if left_out:
            print(f"(your answer printed {left_out:,} lines more, before these)")
            self.kept = self.kept.partition("\n")[2]
        print(self.kept, end="")


def _exit(*_: object, **__: object) -> None:
    raise SystemExit


@contextlib.contextmanager
def guarded() -> Iterator[list[str]]:
    """Run answers inside: what they print is shown at the end, and what they change is put back.

    Put back are the random numbers of Python, NumPy and torch, NumPy's error settings, warning
    filters, and torch's gradient mode and default dtype. Yields a list; afterwards it says what
    had to be put back. exit() and quit() of a notebook raise SystemExit inside.
    """
    notes: list[str] = []
    out, printed = sys.stdout, _Tail()
    timer = threading.Timer(PATIENCE, lambda: print(_LONG, file=out, flush=True))
    timer.daemon = True
    with contextlib.ExitStack() as stack:
        stack.callback(printed.show)
        stack.enter_context(_kept_settings(notes))
        stack.enter_context(torch.random.fork_rng(devices=[]))
        stack.enter_context(warnings.catch_warnings())
        shell = sys.modules["IPython"].get_ipython() if "IPython" in sys.modules else None
        if shell is not None:
            stack.enter_context(patch.object(shell, "ask_exit", _exit))
        for stream in (contextlib.redirect_stdout, contextlib.redirect_stderr):
            stack.enter_context(stream(printed))
        timer.start()
        stack.callback(timer.cancel)
        yield notes


@contextlib.contextmanager
def _kept_settings(notes: list[str]) -> Iterator[None]:
    settings: list[tuple[str, Callable, Callable]] = [
        ("random.seed or other random numbers of Python", random.getstate, random.setstate),
        ("np.random, NumPy's global random numbers", _numpy_state, np.random.set_state),
        ("np.seterr", np.geterr, lambda kept: np.seterr(**kept)),
        ("torch.set_grad_enabled", torch.is_grad_enabled, torch.set_grad_enabled),
        ("torch.set_default_dtype", torch.get_default_dtype, torch.set_default_dtype),
    ]
    before = [read() for _, read, _ in settings]
    try:
        yield
    finally:
        for kept, (name, read, write) in zip(before, settings, strict=True):
            if read() != kept:
                write(kept)
                notes.append(f"Your answer used {name}; the check has put that back.")


def _numpy_state() -> tuple:
    name, keys, *rest = cast(tuple, np.random.get_state())  # not the dict of legacy=False
    return name, tuple(keys.tolist()), *rest


def readers_line(error: BaseException) -> str:
    """Where in the reader's own code an error arose, or "" where it was in the call itself."""
    frames = [
        frame
        for frame in traceback.extract_tb(error.__traceback__)
        if not frame.filename.startswith((*_NOT_THE_READERS, "<frozen", "<__array"))
    ]
    if not frames:
        return ""
    frame = frames[-1]
    inside = "" if frame.name == "<module>" else f" of {frame.name}"
    return f"line {frame.lineno}{inside}" + (f": {frame.line}" if frame.line else "")


def error_text(error: BaseException) -> str:
    """An error's name and sentence, also where its own text raises."""
    try:
        text = str(error).strip()
    except Exception:
        text = ""
    text = text if len(text) <= 400 else text[:397] + "..."
    return type(error).__name__ + (f": {text}" if text else "")
