"""Wrong answers made by machine: a solution's syntax tree with one change."""

import ast
import copy
from collections.abc import Iterator

_SWAPS = {
    ast.Add: [ast.Sub],
    ast.Sub: [ast.Add],
    ast.Mult: [ast.Div, ast.Add],
    ast.Div: [ast.Mult, ast.FloorDiv],
    ast.FloorDiv: [ast.Div],
    ast.Pow: [ast.Mult],
    ast.Mod: [ast.FloorDiv],
    ast.MatMult: [ast.Mult],
    ast.Lt: [ast.LtE, ast.Gt],
    ast.LtE: [ast.Lt, ast.GtE],
    ast.Gt: [ast.GtE, ast.Lt],
    ast.GtE: [ast.Gt, ast.LtE],
    ast.Eq: [ast.NotEq],
    ast.NotEq: [ast.Eq],
    ast.Is: [ast.IsNot],
    ast.IsNot: [ast.Is],
    ast.And: [ast.Or],
    ast.Or: [ast.And],
}
#: Calls and attributes that students leave out: x.detach() becomes x.
_LEFT_OUT = {"detach", "clone", "abs", "sum", "mean", "item", "float", "flatten", "sorted", "round"}
_LEFT_OUT |= {"exp", "log", "sqrt", "relu", "softmax", "int", "max", "min", "len", "copy", "T"}
_LEFT_OUT |= {"argmax", "transpose", "reshape", "view", "astype", "zeros_like", "maximum"}


def mutants(source: str) -> Iterator[tuple[str, str]]:
    """Each changed source, with a word for the change."""
    tree, seen = ast.parse(source), {ast.unparse(ast.parse(source))}
    for number, node in enumerate(ast.walk(tree)):
        for word, changed in _changes(node):
            other = copy.deepcopy(tree)
            _replace(other, number, changed)
            try:
                text = ast.unparse(ast.fix_missing_locations(other))
                compile(text, "<mutant>", "exec")
            except (SyntaxError, ValueError, AttributeError):
                continue
            if text not in seen:
                seen.add(text)
                yield word, text


def _replace(tree: ast.AST, number: int, changed: object) -> None:
    target = [*ast.walk(tree)][number]
    if isinstance(changed, dict):  # fields of the node itself
        for name, value in changed.items():
            setattr(target, name, value)
        return
    for parent in ast.walk(tree):
        for name, value in ast.iter_fields(parent):
            if value is target:
                setattr(parent, name, changed)
            elif isinstance(value, list) and any(one is target for one in value):
                at = next(i for i, one in enumerate(value) if one is target)
                value[at : at + 1] = [changed] if changed is not None else []
                if not value and name == "body":
                    value.append(ast.Pass())


def _changes(node: ast.AST) -> Iterator[tuple[str, object]]:
    """Changes of one node: a dict of new fields, a node in its place, or None to leave it out."""
    if isinstance(node, ast.BinOp):
        for other in _SWAPS.get(type(node.op), []):
            yield "operator", {"op": other()}
        yield "operands swapped", {"left": node.right, "right": node.left}
        yield "term dropped", node.left
        yield "term dropped", node.right
    if isinstance(node, ast.UnaryOp):
        yield "sign dropped", node.operand
    if isinstance(node, ast.BoolOp):
        yield "and/or", {"op": _SWAPS[type(node.op)][0]()}
        yield "condition dropped", node.values[0]
    if isinstance(node, ast.Compare):
        for other in _SWAPS.get(type(node.ops[0]), []):
            yield "comparison", {"ops": [other(), *node.ops[1:]]}
    if isinstance(node, ast.Constant) and type(node.value) in (int, float):
        yield "±1", ast.Constant(node.value + 1)
        yield "±1", ast.Constant(node.value - 1)
        if node.value:
            yield "constant", ast.Constant(0)
            yield "constant", ast.Constant(-node.value)
    if isinstance(node, ast.Constant) and type(node.value) is bool:
        yield "constant", ast.Constant(not node.value)
    if isinstance(node, ast.Call):
        if len(node.args) >= 2:
            yield "arguments swapped", {"args": [node.args[1], node.args[0], *node.args[2:]]}
        for at in range(len(node.keywords)):
            yield "option dropped", {"keywords": node.keywords[:at] + node.keywords[at + 1 :]}
        name = getattr(node.func, "attr", getattr(node.func, "id", ""))
        if name in _LEFT_OUT:
            if isinstance(node.func, ast.Attribute) and not _is_module(node.func.value):
                yield "call dropped", node.func.value
            elif node.args:
                yield "call dropped", node.args[0]
    if isinstance(node, ast.Attribute) and node.attr in _LEFT_OUT and not _is_module(node.value):
        yield "attribute dropped", node.value
    if isinstance(node, ast.Tuple | ast.List) and len(node.elts) >= 2:
        yield "order", {"elts": [node.elts[1], node.elts[0], *node.elts[2:]]}
        yield "order", {"elts": node.elts[::-1]}
        yield "one dropped", {"elts": node.elts[:-1]}
        yield "one twice", {"elts": [*node.elts[:-1], node.elts[0]]}
    if isinstance(node, ast.Slice):
        for part in ("lower", "upper", "step"):
            if getattr(node, part) is not None:
                yield "slice end dropped", {part: None}
    if isinstance(node, ast.Subscript) and isinstance(node.slice, ast.Slice):
        yield "slice dropped", node.value
    if isinstance(node, ast.AugAssign):
        yield "= for +=", ast.Assign([node.target], node.value)
        for other in _SWAPS.get(type(node.op), []):
            yield "operator", {"op": other()}
    if isinstance(node, ast.Assign | ast.AugAssign | ast.Expr | ast.With | ast.If | ast.For):
        yield "statement dropped", None
    if isinstance(node, ast.Return) and node.value is not None:
        yield "return dropped", ast.Expr(node.value)
    if isinstance(node, ast.IfExp):
        yield "branches swapped", {"body": node.orelse, "orelse": node.body}
    if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load):
        for other in _siblings.get(node.id, []):
            yield "wrong name", ast.Name(other, ast.Load())


def _is_module(node: ast.AST) -> bool:
    return isinstance(node, ast.Name) and node.id in ("np", "torch", "F", "nn", "math")


#: Names that can stand for one another; set by the arguments of the solution under way.
_siblings: dict[str, list[str]] = {}


def argument_mutants(source: str) -> Iterator[tuple[str, str]]:
    """All changes, and with them each argument in the place of the next."""
    arguments = []
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.FunctionDef):
            arguments = [one.arg for one in node.args.args]
            break
    _siblings.clear()
    for at, name in enumerate(arguments):
        _siblings[name] = [arguments[(at + 1) % len(arguments)]] if len(arguments) > 1 else []
    yield from mutants(source)
