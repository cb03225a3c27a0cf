"""The numbers that each lesson must reproduce, and outputs in which one of them is another."""

import json
import re
from copy import deepcopy
from pathlib import Path

from nbformat import NotebookNode

#: {lesson: {cell id: [as printed, …]}}
FACTS = json.loads(
    (Path(__file__).resolve().parents[1] / "lessons" / "facts.json").read_text(encoding="utf-8")
)


def facts(file: str, cell_id: str) -> list[str]:
    """The numbers that a cell of the lesson in a file (its name begins with a number) prints."""
    number = re.match(r"0?(\d+)_", file)
    return FACTS[number[1]].get(cell_id, []) if number and number[1] in FACTS else []


def altered(cell: NotebookNode, number: str) -> NotebookNode:
    """A copy of a cell in whose stored outputs the last digit of a number is another."""
    cell = deepcopy(cell)
    wrong = re.sub(r"\d(?=\D*$)", lambda digit: str((int(digit[0]) + 1) % 10), number)
    for output in cell.outputs:
        if "text" in output:
            output.text = output.text.replace(number, wrong)
        elif "text/plain" in output.get("data", {}):
            output.data["text/plain"] = output.data["text/plain"].replace(number, wrong)
    return cell
