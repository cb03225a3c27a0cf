"""Wrong answers made by machine: a solution's syntax tree with one change."""

import ast
import copy
from collections.abc import Callable, Iterator, Mapping
from types import UnionType

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


def argument_mutants(source: str) -> Iterator[tuple[str, str]]:
    """All changes of `mutants`, and with them each argument in the place of the next."""
    arguments = []
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.FunctionDef):
            arguments = [argument.arg for argument in node.args.args]
            break
    following = [*arguments[1:], *arguments[:1]]
    yield from mutants(source, dict(zip(arguments, following, strict=True)))


def mutants(source: str, other_names: Mapping[str, str] = {}) -> Iterator[tuple[str, str]]:
    """Each changed source, with a word for the change. other_names: by the name they replace."""
    tree, seen = ast.parse(source), {ast.unparse(ast.parse(source))}
    for number, node in enumerate(ast.walk(tree)):
        for word, changed in [*_changes(node), *_renamed(node, other_names)]:
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
            elif isinstance(value, list) and any(item is target for item in value):
                at = next(i for i, item in enumerate(value) if item is target)
                value[at : at + 1] = [changed] if changed is not None else []
                if not value and name == "body":
                    value.append(ast.Pass())


#: What is done to a node: a word for it, and a dict of new fields of the node, a node in its
#: place, or None to leave it out.
Changes = Iterator[tuple[str, object]]


def _changes(node: ast.AST) -> Changes:
    for kinds, change in _CHANGES.items():
        if isinstance(node, kinds):
            yield from change(node)


def _renamed(node: ast.AST, other_names: Mapping[str, str]) -> Changes:
    if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load) and node.id in other_names:
        yield "wrong name", ast.Name(other_names[node.id], ast.Load())


def _binary(node: ast.BinOp) -> Changes:
    yield from _other_operators(node)
    yield "operands swapped", {"left": node.right, "right": node.left}
    yield "term dropped", node.left
    yield "term dropped", node.right


def _other_operators(node: ast.BinOp | ast.AugAssign) -> Changes:
    for other in _SWAPS.get(type(node.op), []):
        yield "operator", {"op": other()}


def _unary(node: ast.UnaryOp) -> Changes:
    yield "sign dropped", node.operand


def _boolean(node: ast.BoolOp) -> Changes:
    yield "and/or", {"op": _SWAPS[type(node.op)][0]()}
    yield "condition dropped", node.values[0]


def _comparison(node: ast.Compare) -> Changes:
    for other in _SWAPS.get(type(node.ops[0]), []):
        yield "comparison", {"ops": [other(), *node.ops[1:]]}


def _constant(node: ast.Constant) -> Changes:
    if type(node.value) is bool:
        yield "constant", ast.Constant(not node.value)
    elif type(node.value) in (int, float):
        yield "±1", ast.Constant(node.value + 1)
        yield "±1", ast.Constant(node.value - 1)
        if node.value:
            yield "constant", ast.Constant(0)
            yield "constant", ast.Constant(-node.value)


def _call(node: ast.Call) -> Changes:
    if len(node.args) >= 2:
        yield "arguments swapped", {"args": [node.args[1], node.args[0], *node.args[2:]]}
    for at in range(len(node.keywords)):
        yield "option dropped", {"keywords": node.keywords[:at] + node.keywords[at + 1 :]}
    if getattr(node.func, "attr", getattr(node.func, "id", "")) in _LEFT_OUT:
        if isinstance(node.func, ast.Attribute) and not _is_module(node.func.value):
            yield "call dropped", node.func.value
        elif node.args:
            yield "call dropped", node.args[0]


def _attribute(node: ast.Attribute) -> Changes:
    if node.attr in _LEFT_OUT and not _is_module(node.value):
        yield "attribute dropped", node.value


def _sequence(node: ast.Tuple | ast.List) -> Changes:
    if len(node.elts) >= 2:
        yield "order", {"elts": [node.elts[1], node.elts[0], *node.elts[2:]]}
        yield "order", {"elts": node.elts[::-1]}
        yield "one dropped", {"elts": node.elts[:-1]}
        yield "one twice", {"elts": [*node.elts[:-1], node.elts[0]]}


def _slice(node: ast.Slice) -> Changes:
    for part in ("lower", "upper", "step"):
        if getattr(node, part) is not None:
            yield "slice end dropped", {part: None}


def _subscript(node: ast.Subscript) -> Changes:
    if isinstance(node.slice, ast.Slice):
        yield "slice dropped", node.value


def _in_place(node: ast.AugAssign) -> Changes:
    yield "= for +=", ast.Assign([node.target], node.value)
    yield from _other_operators(node)


def _statement(node: ast.stmt) -> Changes:
    yield "statement dropped", None


def _return(node: ast.Return) -> Changes:
    if node.value is not None:
        yield "return dropped", ast.Expr(node.value)


def _condition(node: ast.IfExp) -> Changes:
    yield "branches swapped", {"body": node.orelse, "orelse": node.body}


_CHANGES: dict[type[ast.AST] | UnionType, Callable[..., Changes]] = {
    ast.BinOp: _binary,
    ast.UnaryOp: _unary,
    ast.BoolOp: _boolean,
    ast.Compare: _comparison,
    ast.Constant: _constant,
    ast.Call: _call,
    ast.Attribute: _attribute,
    ast.Tuple | ast.List: _sequence,
    ast.Slice: _slice,
    ast.Subscript: _subscript,
    ast.AugAssign: _in_place,
    ast.Assign | ast.AugAssign | ast.Expr | ast.With | ast.If | ast.For: _statement,
    ast.Return: _return,
    ast.IfExp: _condition,
}


def _is_module(node: ast.AST) -> bool:
    return isinstance(node, ast.Name) and node.id in ("np", "torch", "F", "nn", "math")
