"""A correct answer as code that runs alone: what the journal keeps of it."""

import ast
import builtins
import inspect
import linecache
import symtable
import sys
import sysconfig
import textwrap
from collections.abc import Iterator
from pathlib import Path
from types import FunctionType, ModuleType
from typing import Any

import numpy as np
import torch

from course_utils.exercises.engine.reading import Answer, as_code

#: A longer answer is not kept, in characters.
LONGEST = 20_000
#: Values that ``as_code`` writes so that they come out as they were.
_WRITTEN = (bool, int, float, complex, str, bytes, type(None), np.generic, np.ndarray, torch.Tensor)
#: What every reader of the course has: Python's own modules, installed ones, and the course's.
_INSTALLED = (
    *(Path(sysconfig.get_paths()[name]) for name in ("stdlib", "platstdlib", "purelib", "platlib")),
    Path(__file__).resolve().parents[1],
)


class NotKept(Exception):
    """Why an answer cannot be written down. Its text goes on after "it"."""


def write_down(name: str, answer: Answer) -> str:
    """Code that defines ``name`` as the answer, with all that it needs of its notebook.

    Taken along are functions, classes, imports and plain values that the answer's code names. The
    code was run once, by itself. Raises NotKept with the reason.
    """
    parts: dict[str, str] = {}
    if isinstance(answer, FunctionType) and answer.__name__ == "<lambda>":
        parts[name] = f"{name} = {_lambda(answer, parts)}"
    elif _is_importable(answer) or _is_of_notebook(answer):
        _add(answer.__name__, answer, parts)
        if answer.__name__ != name:
            parts[name] = f"{name} = {answer.__name__}"
    else:
        parts[name] = f"{name} = {_value(answer, parts)}"
    text = "\n\n".join(parts.values()) + "\n"
    if len(text) > LONGEST:
        raise NotKept(f"has {len(text):,} characters")
    try:
        run(text, name)
    except Exception as error:
        raise NotKept(f"does not run alone ({type(error).__name__}: {error})") from None
    return text


def run(text: str, name: str) -> Answer:
    """What ``name`` is after code that ``write_down`` wrote; errors in it show their lines."""
    file = f"<kept answer {name}>"
    linecache.cache[file] = (len(text), None, text.splitlines(keepends=True), file)
    namespace: dict[str, Any] = {"__name__": "kept_answer"}
    exec(compile(text, file, "exec"), namespace)
    return namespace[name]


def _add(name: str, value: object, parts: dict[str, str]) -> None:
    """Put what defines a name behind what that needs. Functions may need each other."""
    if name in parts:
        return
    if isinstance(value, ModuleType):
        _demand_installed(value, name)
        parts[name] = f"import {value.__name__} as {name}"
    elif _is_importable(value):
        module, own_name = value.__module__, value.__qualname__  # type: ignore[attr-defined]
        parts[name] = f"from {module} import {own_name} as {name}"
    elif _is_of_notebook(value):
        parts[name] = ""
        text = _definition(value)
        _add_all(text, _globals(value), parts)
        del parts[name]
        own_name = value.__name__  # type: ignore[attr-defined]
        parts[name] = text if own_name == name else f"{text}\n{name} = {own_name}"
    else:
        try:
            parts[name] = f"{name} = {_value(value, parts)}"
        except NotKept:
            raise NotKept(
                f"uses {name} of the notebook, a value of type {type(value).__name__} that cannot "
                "be written as code. Give it to the function as an argument"
            ) from None


def _add_all(text: str, namespace: dict[str, Any], parts: dict[str, str]) -> None:
    for name in sorted(_names_from_outside(symtable.symtable(text, "answer", "exec"))):
        if name in namespace:
            _add(name, namespace[name], parts)


def _names_from_outside(table: symtable.SymbolTable) -> Iterator[str]:
    """Names that code takes from around it: no local variables, and no names of Python's own."""
    for symbol in table.get_symbols():
        outside = symbol.is_global() or (table.get_type() == "module" and not symbol.is_assigned())
        if outside and symbol.is_referenced() and not hasattr(builtins, symbol.get_name()):
            yield symbol.get_name()
    for inner in table.get_children():
        yield from _names_from_outside(inner)


def _is_of_notebook(value: Any) -> bool:
    """Whether it is a class or a function that the notebook defines, perhaps with decorators."""
    defined = inspect.unwrap(value) if callable(value) else value
    return isinstance(defined, FunctionType | type) and not _is_importable(value)


def _is_importable(value: object) -> bool:
    """Whether it is what an installed module has under its name."""
    module, name = getattr(value, "__module__", None), getattr(value, "__qualname__", None)
    if not (isinstance(module, str) and isinstance(name, str)) or module == "__main__":
        return False
    found = sys.modules.get(module)
    if found is None or getattr(found, name, None) is not value:
        return False
    _demand_installed(found, name)
    return True


def _demand_installed(module: ModuleType, name: str) -> None:
    file = getattr(module, "__file__", None)
    if file and not any(Path(file).resolve().is_relative_to(place) for place in _INSTALLED):
        raise NotKept(f"uses {name} of {Path(file).name}, a file beside the notebook")


def _globals(value: Any) -> dict[str, Any]:
    if not isinstance(value, type):
        return inspect.unwrap(value).__globals__
    return next((method.__globals__ for method in _methods(value)), {})


def _methods(kind: type) -> list[FunctionType]:
    return [value for value in vars(kind).values() if isinstance(value, FunctionType)]


def _definition(value: Any) -> str:
    if getattr(inspect.unwrap(value), "__closure__", None):
        raise NotKept(f"uses variables of the function in which {value.__name__} was defined")
    try:
        return textwrap.dedent(_class(value) if isinstance(value, type) else _source(value)) + "\n"
    except (OSError, TypeError, SyntaxError):
        raise NotKept(f"has no source that can be found, at {value.__name__}") from None


def _source(function: FunctionType) -> str:
    return inspect.getsource(function).rstrip()


def _class(kind: type) -> str:
    """The source of a class of a notebook, which Python before 3.13 does not find by itself."""
    for method in _methods(kind):
        text = "".join(linecache.getlines(method.__code__.co_filename))
        for node in ast.walk(ast.parse(text)):
            if isinstance(node, ast.ClassDef) and node.name == kind.__name__:
                first = min([node.lineno, *(line.lineno for line in node.decorator_list)])
                return "\n".join(text.splitlines()[first - 1 : node.end_lineno])
    raise OSError


def _lambda(function: FunctionType, parts: dict[str, str]) -> str:
    if function.__closure__:
        raise NotKept("uses variables of the function in which it was defined")
    try:
        tree = ast.parse(textwrap.dedent(_source(function)))
    except (OSError, SyntaxError):
        raise NotKept("is a lambda whose source cannot be found. Write it with def") from None
    found = [node for node in ast.walk(tree) if isinstance(node, ast.Lambda)]
    if len(found) != 1:
        raise NotKept("is one of several lambdas in its line. Write it with def")
    text = ast.unparse(found[0])
    _add_all(text, function.__globals__, parts)
    return text


def _value(value: object, parts: dict[str, str]) -> str:
    if not _is_plain(value):
        raise NotKept(f"is a value of type {type(value).__name__}, not code")
    text = as_code(value)
    if len(text) > LONGEST:
        raise NotKept(f"has {len(text):,} characters")
    for module, name in (("numpy", "np"), ("torch", "torch")):
        if f"{name}." in text:
            parts.setdefault(name, f"import {module} as {name}")
    return text


def _is_plain(value: object) -> bool:
    if isinstance(value, list | tuple):
        return all(map(_is_plain, value))
    if isinstance(value, dict):
        return all(_is_plain(item) for pair in value.items() for item in pair)
    return isinstance(value, _WRITTEN)
