"""Recording what a notebook asserts, with its margins, in place of raising it."""

import ast
import functools
import operator

import numpy as np
import torch

COMPARED = {"Lt": operator.lt, "LtE": operator.le, "Gt": operator.gt, "GtE": operator.ge}


def is_about_an_early_end(node: ast.Assert) -> bool:
    """Whether an assertion only repeats why a training ended early, and claims no number.

    Such is ``assert not history.stopped, history.stopped``.
    """
    said = node.msg
    if not isinstance(said, ast.Attribute) or said.attr != "stopped":
        return False
    history = ast.unparse(said.value)
    return ast.unparse(node.test) in (f"not {history}.stopped", f"not {history}.interrupted")


class Claims(ast.NodeTransformer):
    """Has IPython record each assertion of a cell, with its margins, in place of raising it.

    An assertion that is about an early end stays as it is: it ends the trial.

    A margin is the distance of two numbers that are compared: how far the one that is to be
    smaller may grow before the assertion fails; below zero where it does fail.

    cell: the id of the cell that is run next.
    results: for each assertion, in order, a dict of "cell", "claim" (its source), "held" (None
    where it was not reached), and "parts": for each comparison (its source) a dict of "values",
    the compared numbers, and "margin"; of arrays and loops those of the worst place.
    """

    def __init__(self) -> None:
        self.cell, self.results = "", []

    def attach(self, shell: object) -> None:
        """Record from now on what an `InteractiveShell` runs."""
        shell.ast_transformers.append(self)
        shell.user_ns.update(__judge__=self._judge, __compare__=self._compare)

    def visit_Assert(self, node: ast.Assert) -> ast.stmt:
        if is_about_an_early_end(node):
            return node
        at = ast.Constant(len(self.results))
        claim = {"cell": self.cell, "claim": ast.unparse(node.test), "held": None, "parts": {}}
        self.results.append(claim)
        judged = _call("__judge__", at, self._watched(node.test, at))
        return ast.fix_missing_locations(ast.copy_location(ast.Expr(judged), node))

    def _watched(self, node: ast.AST, at: ast.Constant, over: str = "") -> ast.AST:
        """The same expression, in which the comparisons of sizes report their operands.

        over: "all" or "any" where the comparison is of arrays, and is asked for that.
        """
        if isinstance(node, ast.Compare) and all(type(op).__name__ in COMPARED for op in node.ops):
            signs = ast.Constant(tuple(type(op).__name__ for op in node.ops))
            part = ast.Constant(ast.unparse(node))
            operands = [node.left, *node.comparators]
            return _call("__compare__", at, part, signs, ast.Constant(over), *operands)
        denied = isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Not)
        if denied or (isinstance(node, ast.Call) and ast.unparse(node.func) == "any"):
            return node  # its comparisons may fail, so their margins say nothing
        method = node.func.attr if isinstance(getattr(node, "func", None), ast.Attribute) else ""
        for name, value in ast.iter_fields(node):
            if isinstance(value, list):
                changed = [self._watched(v, at) if isinstance(v, ast.AST) else v for v in value]
                setattr(node, name, changed)
            elif name == "func" and method in ("all", "any"):  # (a < b).all()
                value.value = self._watched(value.value, at, method)
            elif isinstance(value, ast.AST):
                setattr(node, name, self._watched(value, at))
        return node

    def _judge(self, at: int, held: object) -> None:
        before = self.results[at]["held"]  # of an assertion in a loop
        self.results[at]["held"] = bool(held) and before is not False

    def _compare(self, at: int, part: str, signs: tuple, over: str, *operands: object) -> object:
        """What the comparison itself gives; its margin is recorded, the smallest one of a loop."""
        pairs = list(zip(signs, operands, operands[1:], strict=False))
        outcome = functools.reduce(operator.and_, (COMPARED[sign](a, b) for sign, a, b in pairs))
        numbers = np.broadcast_arrays(*map(_numbers, operands))
        margins = np.min(
            [
                b - a if sign in ("Lt", "LtE") else a - b
                for sign, a, b in zip(signs, numbers, numbers[1:], strict=False)
            ],
            axis=0,
        )
        if margins.size == 1 or (margins.size and over):
            place = margins.argmax() if over == "any" else margins.argmin()
            margin = float(margins.flat[place])
            parts = self.results[at]["parts"]
            if part not in parts or margin < parts[part]["margin"]:
                values = [float(number.flat[place]) for number in numbers]
                parts[part] = {"values": values, "margin": margin}
        return outcome


def _call(name: str, *arguments: ast.expr) -> ast.Call:
    return ast.Call(ast.Name(name, ast.Load()), list(arguments), [])


def _numbers(operand: object) -> np.ndarray:
    if isinstance(operand, torch.Tensor):
        operand = operand.detach().cpu()
    return np.asarray(operand, dtype=float)
