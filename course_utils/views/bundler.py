"""The page code of a view: many JavaScript modules in one text, each in a scope of its own.

A widget is given its code as text, where an ``import`` of a neighbour finds nothing. So each
module becomes a function that returns what it exports, and stands after those that it imports.
"""

import posixpath
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

PAGE = Path(__file__).parent / "page"

_IMPORT = re.compile(r'^import (\w+|\* as \w+|\{[^}]*\}) from "(\.[^"]+)";\n', re.MULTILINE)
_DECLARED = re.compile(
    r"^export (default )?((?:async )?function\*?|class(?! extends)|const) (\w+)", re.MULTILINE
)
_LISTED = re.compile(r"^export \{([^}]*)\};\n", re.MULTILINE)
_DEFAULT = re.compile(r"^export default (?=\S)", re.MULTILINE)
#: A comment that has its lines for itself.
_COMMENT = re.compile(r"^[ \t]*(?://.*|/\*(?:[^*]|\*(?!/))*\*/[ \t]*)\n", re.MULTILINE)
_INDENT = re.compile(r"^[ \t]+", re.MULTILINE)
_LEFT = re.compile(r"^(?:import|export)\b.*", re.MULTILINE)
#: What brackets, parts or ends a declaration; texts and comments first, as nothing in them does.
_MARK = re.compile(
    "|".join(
        [
            r'"(?:\\.|[^"\\\n])*"',
            r"'(?:\\.|[^'\\\n])*'",
            r"`(?:\\.|[^`\\])*`",
            r"//.*",
            r"[()\[\]{},;]",
        ]
    )
)


@dataclass(frozen=True)
class _Module:
    exports: set[str]
    code: str


def bundle(name: str, folder: Path = PAGE) -> str:
    """One module that exports by default what a file of page/ does, and needs no other file."""
    return gather(name, folder=folder) + f'export default $modules["{name}"].default;\n'


def gather(*names: str, folder: Path = PAGE) -> str:
    """Code after which ``$modules["frame.js"]`` holds what frame.js exports, for these and theirs.

    Files may import in any form but for its effects alone, and export functions, classes,
    constants, lists of names and a default. Comments that have lines for themselves, and spaces
    that lines begin with, are left out, a quarter of the code: a page is sent home with it. (So no
    text may go on over the end of its line.) Raises ValueError for files that import each
    other, for a name that its file does not export, and for another form, such as two constants in
    one declaration.
    """
    modules: dict[str, _Module] = {}
    for name in names:
        _add(name, modules, (), folder)
    code = "".join(module.code for module in modules.values())
    return "const $modules = {};\n" + _INDENT.sub("", code)


def _add(name: str, modules: dict[str, _Module], importers: tuple[str, ...], folder: Path) -> None:
    """Put a file among the modules, after all that it imports."""
    if name in importers:
        raise ValueError(f"files that import each other: {' → '.join([*importers, name])}.")
    if name in modules:
        return
    code = _COMMENT.sub("", (folder / name).read_text(encoding="utf-8"))
    imports = ""
    for names, path in _IMPORT.findall(code):
        other = posixpath.normpath(posixpath.join(posixpath.dirname(name), path))
        _add(other, modules, (*importers, name), folder)
        imports += _import_code(names, name, other, modules[other].exports)
    modules[name] = _module(name, code, imports)


def _module(name: str, code: str, imports: str) -> _Module:
    """A file as a function that is called at once; imports: what stands for its own imports."""
    body = _LISTED.sub("", _DECLARED.sub(r"\2 \3", _IMPORT.sub("", code)))
    body = _DEFAULT.sub("const $default = ", body)
    if left := _LEFT.search(body) or _several(code):
        raise ValueError(f"{name}: this form cannot be put into one module: {left[0]}")
    exports = list(_exports(code))
    function = f"() => {{\n{imports}{body}return {_listed(exports)};\n}}"
    return _Module({outer for outer, _ in exports}, f'$modules["{name}"] = ({function})();\n')


def _several(code: str) -> re.Match | None:
    """The first declaration that exports more than one constant, if there is one."""
    for declared in re.finditer(r"^export const .*", code, re.MULTILINE):
        depth = 0
        for mark in _MARK.finditer(code, declared.start()):
            depth += (mark[0] in "([{") - (mark[0] in ")]}")
            if depth == 0 and mark[0] == ",":
                return declared
            if depth == 0 and mark[0] == ";":
                break
    return None


def _exports(code: str) -> Iterator[tuple[str, str]]:
    """The names that a file exports, each with its name inside."""
    for default, _, name in _DECLARED.findall(code):
        yield "default" if default else name, name
    for listed in _LISTED.findall(code):
        yield from ((outer, inner) for inner, outer in _pairs(listed))
    if _DEFAULT.search(_DECLARED.sub("", code)):
        yield "default", "$default"


def _import_code(names: str, name: str, other: str, exports: set[str]) -> str:
    """What stands for an import of these names: "const { show: written } = $modules[…];"."""
    source = f'$modules["{other}"]'
    if names.startswith("*"):
        return f"const {names.split()[-1]} = {source};\n"
    pairs = _pairs(names[1:-1]) if names.startswith("{") else [("default", names)]
    for outer, _ in pairs:
        if outer not in exports:
            raise ValueError(f"{name} imports {outer} from {other}, which does not export it.")
    return f"const {_listed(pairs)} = {source};\n"


def _pairs(listed: str) -> list[tuple[str, str]]:
    """The names of a list such as "a, b as c", each with the one after "as", or itself twice."""
    words = [item.split() for item in listed.split(",") if item.strip()]
    return [(word[0], word[-1]) for word in words]


def _listed(pairs: list[tuple[str, str]]) -> str:
    """Pairs of a name outside and inside as JavaScript writes them: "{ h, show: written }"."""
    names = (outer if outer == inner else f"{outer}: {inner}" for outer, inner in pairs)
    return f"{{ {', '.join(names)} }}"
