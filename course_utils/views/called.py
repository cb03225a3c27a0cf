"""The ledger of any network: what it calls, also the branches, up to the call that fails."""

import copy
import itertools
import math
from collections.abc import Sequence

from torch import nn

from . import drawing, networks, panel, tables
from .branches import Branches, branches, colour
from .calls import BATCH, Call, Recording, TooLong, record
from .counts import COUNTS, Count, Entry, costs, count_cell, input_entry, question, sums
from .doctor import Diagnosis, diagnose
from .sizes import times

HEAD = ["layer", "call", "shape", *COUNTS]
#: As many rows as are shown, and as many choices as the question has.
ROWS, CHOICES = 100, 6
SPACE = "\u00a0"


class CallTable:
    """The rows of a network's calls; what can be changed is the side of its images.

    shape: of one of its inputs, without their number; by default the first likely one that it
    takes, or else the one with which it comes furthest. Raises ValueError as `networks.copied`
    does, but not for weights that are not finite, of which it tells.
    """

    def __init__(self, model: nn.Module, shape: Sequence[int] | None = None) -> None:
        self._model = networks.copied(model, finite=False)
        self._notes = _about_weights(self._model)
        self._runs: dict[tuple[int, ...], tuple[Recording, Diagnosis | None]] = {}
        self._shape = self._best_shape(shape)
        recording, found = self._examined(self._shape)
        rows = min(ROWS, len(recording.calls) + len(recording.unused))
        self.controls = [panel.slider("call", "call", 0, max(rows, 1), 1)]
        self.start: dict = {"call": 0}
        self.moves = {"arrows": "call"}
        if len(self._shape) == 3 and self._shape[1] == self._shape[2]:
            self.controls.append(panel.number("side", "input side", 1, 512))
            self.start["side"] = self._shape[1]
            self.moves["brackets"] = "side"
        if shape is None and found:
            self._notes.append("(Are its inputs of another shape? Give it: shape=(C, H, W).)")
        self.question = _question(recording, found)

    def _best_shape(self, shape: Sequence[int] | None) -> tuple[int, ...]:
        """The shape that was given, or that fits best."""
        if shape is not None:
            if not shape or any(not isinstance(side, int) or side < 1 for side in shape):
                raise ValueError(
                    f"shape is that of one input, (C, H, W) for images; got {tuple(shape)}."
                )
            return tuple(shape)
        best, reached = networks.likely_shapes(list(self._model.modules())), {}
        for likely in best:
            recording, found = self._examined(likely)
            if found is None or isinstance(recording.error, TooLong):
                return likely
            reached[likely] = len(recording.calls)
        return max(reached, key=lambda likely: reached[likely])

    def _examined(self, shape: tuple[int, ...]) -> tuple[Recording, Diagnosis | None]:
        if shape not in self._runs:
            # Another copy each time: what forward() changes is changed for this run alone.
            recording = record(copy.deepcopy(self._model), shape)
            self._runs[shape] = recording, diagnose(recording)
        return self._runs[shape]

    def _recording_for(self, values: dict) -> tuple[Recording, Diagnosis | None]:
        if "side" not in self.start:
            return self._examined(self._shape)
        side = drawing.whole(values["side"], "input side", at_least=1)
        return self._examined((self._shape[0], side, side))

    def ledger(self, values: dict) -> list[Entry]:
        return _entries(*self._recording_for(values))

    def render(self, values: dict, answered: bool) -> dict:
        recording, found = self._recording_for(values)
        ledger = _entries(recording, found)
        calls = [None, *recording.calls, *recording.unused]
        chosen = min(int(values["call"]), len(ledger) - 1)
        rows = [
            _cells(entry, call, recording, ledger, answered)
            for entry, call in zip(ledger, calls, strict=True)
        ][: ROWS + 1]
        rows[chosen][0] = {"text": rows[chosen][0], "strong": True, "colour": "#FFF3C4"}
        counted = [entry for entry in ledger if entry.counts]
        if answered and found is None:
            rows.append([{"text": "together", "strong": True}, "", "", "", *sums(counted)])
        fault = next((at for at, entry in enumerate(ledger) if entry.impossible), 0)
        table = {"head": HEAD, "rows": rows, "left": 2}
        table["current"] = chosen or (fault if answered else 0)  # what a long table is scrolled to
        if drawn_branches := self._branches(recording, found, answered):
            table["margin"] = _margin(drawn_branches, ledger, recording, chosen if answered else -1)
        content = {"table": table, "limits": {"call": len(ledger[: ROWS + 1]) - 1}}
        if not answered:
            return {**content, "sentence": self._open_question(recording, found)}
        explanation = _explanation(ledger[chosen], calls[chosen])
        return {
            **content,
            "sentence": self._summary(recording, found),
            "why": f"{explanation} {_branch_sentences(recording, chosen)}".strip(),
        }

    def _branches(
        self, recording: Recording, found: Diagnosis | None, answered: bool
    ) -> Branches | None:
        """What is drawn beside the rows; None of a chain, whose rows say all.

        Until the question is answered, it ends above the calls of which one may fail.
        """
        calls = recording.calls
        if found and not answered:
            asked = self.question["choices"]
            calls = list(itertools.takewhile(lambda call: call.name not in asked, calls))
        drawn = branches([[], *([at + 1 for at in call.sources] for call in calls)])
        return drawn if drawn.width > 1 else None

    def _open_question(self, recording: Recording, found: Diagnosis | None) -> str:
        question = "Does it run?" if found else "Which layer costs most?"
        return f"{recording.name} is given images of {times(recording.shape)}. {question}"

    def _summary(self, recording: Recording, found: Diagnosis | None) -> str:
        """All that is to be said of a network, in one line."""
        if found is None:
            parameters = sum(weight.numel() for weight in self._model.parameters())
            sentences = [
                f"{recording.name} runs: {len(recording.calls)} calls, {parameters:,} parameters."
            ]
            if recording.answer is None:
                sentences.append("What it returns is no tensor.")
            sentences += [
                f"{call.name} ({call.path}) is never called." for call in recording.unused
            ]
            sentences += _outside_layers(self._model, recording)
        else:
            sentences = [found.sentence]
            if found.torch_message:
                sentences.append(f"PyTorch says of {BATCH} inputs: “{found.torch_message}”.")
        return " ".join([*sentences, *recording.notes, *self._notes])

    def arithmetic(self) -> str:
        recording, found = self._examined(self._shape)
        ledger = _entries(recording, found)
        drawn_branches = self._branches(recording, found, answered=True)
        called = [None, *recording.calls, *recording.unused]
        calls = [_call_text(call, recording) for call in called]
        wide = min(50, max(26, *map(len, calls)))
        lines = []
        for row, (entry, call) in enumerate(zip(ledger, calls, strict=True)):
            dot = "✕" if entry.impossible else "●"
            path = drawn_branches.text(row, dot) if drawn_branches else ""
            made = "fails" if entry.impossible else "–" if entry.problem else times(entry.shape)
            lines.append(f"{path}{entry.name:12} {call:{wide}} {made}".rstrip())
        return "\n".join([*lines[: ROWS + 1], self._summary(recording, found)])

    def picture(self) -> bytes:
        """The calls, with question marks for what is to be predicted."""
        shown = self.render(dict(self.start), answered=False)["table"]["rows"]
        rows = [HEAD, *([_plain(cell) for cell in row] for row in shown)]
        longest = max(len(row[1]) for row in rows)
        more = max(0, 0.09 * (longest - 36))  # inches, beyond what there is room for
        places = [0.1, 1.7, *(place + more for place in (6.2, 7.2, 8.6, 9.9))]
        recording, found = self._examined(self._shape)
        drawn_branches = self._branches(recording, found, answered=False)
        question = f"Predict: {self.question['question']}"
        return tables.table(question, rows, places, left=2, branches=drawn_branches)


def _about_weights(model: nn.Module) -> list[str]:
    try:
        networks.check_weights(model)
    except ValueError as error:
        return [str(error)]
    return []


def _outside_layers(model: nn.Module, recording: Recording) -> list[str]:
    """The parameters that no call has used, and that are not those of a layer that is named."""
    counted = sum(math.prod(shape) for call in recording.calls for shape in call.parameters)
    unused = {w for call in recording.unused if call.module for w in call.module.parameters()}
    others = sum(w.numel() for w in model.parameters()) - counted - sum(w.numel() for w in unused)
    return [f"{others:,} parameters are used by no call that is shown."] if others else []


def _entries(recording: Recording, found: Diagnosis | None) -> list[Entry]:
    """A line for the input, each call, and each layer that was not called."""
    ledger = [input_entry(recording.shape)]
    for call in recording.calls:
        at_fault = found is not None and found.name == call.name
        if call.made is None or at_fault:
            caught = "It fails, and forward() goes on without it."
            problem = found.sentence if found else caught
            ledger.append(Entry(call.name, problem=problem, impossible=True))
        else:
            ledger.append(_entry(call))
    why = "It was not reached." if recording.error else "It is never called."
    ledger += [Entry(call.name, problem=why) for call in recording.unused]
    return ledger


def _entry(call: Call) -> Entry:
    made = call.made or ()
    shape = made[1:] if made[:1] == (BATCH,) else made
    weights = sum(map(math.prod, call.parameters))
    parts = " + ".join(times(weight) for weight in call.parameters)
    sum_of_weights = f"{parts} = {weights:,}" if parts else "It has no weights."
    if call.same:
        sum_of_weights = f"It is the layer {call.same} once more: its weights are counted there."
    values = math.prod(shape)
    work = "no products with weights" if call.work == 0 else f"{call.work or 0:,} multiply-adds"
    if call.work and values and call.work % values == 0:
        work = f"{values:,} values, each a sum of {call.work // values:,} products"
    if call.work == values:
        work = f"{values:,} values, each times a factor"
    if call.work is None:
        work = "its products are inside of torch, and are not counted"
    counts = {
        "values": Count(values, f"{times(shape)} = {values:,}"),
        "parameters": Count(weights, sum_of_weights),
        "work": Count(call.work or 0, work),
    }
    return Entry(call.name, shape, f"{call.written} makes {times(shape)}.", counts)


def _cells(
    entry: Entry, call: Call | None, recording: Recording, ledger: list[Entry], answered: bool
) -> list:
    """A line of the table; until the question is answered, without what would answer it."""
    line = [entry.name, _call_text(call, recording)]
    fails = any(other.impossible for other in ledger)
    if not answered and fails and call is not None:
        return [*line, "?", "?", "?", "?"]
    if entry.problem:
        text = "fails" if entry.impossible else "–"
        shape = {"text": text, "why": entry.problem, "strong": entry.impossible}
        return [*line, shape, "–", "–", "–"]
    shape = {"text": times(entry.shape).replace(" ", SPACE), "why": entry.why_shape}
    values, *others = (count_cell(entry, column, ledger) for column in COUNTS)
    return [*line, shape, values, *(others if answered else ["?", "?"])]


def _call_text(call: Call | None, recording: Recording) -> str:
    """A call as in a program, and where it takes its input from if not from the row above."""
    if call is None:
        return ""
    names = ["input" if at < 0 else recording.calls[at].name for at in call.sources]
    if not call.module and call.written in ("+", "−", "·", "/", "@") and len(names) == 2:
        return f" {call.written} ".join(names)
    if call in recording.unused or names == [_above(call, recording)]:
        return call.written
    if len(names) > 4:
        names = [*names[:2], f"… {names[-1]}"]
    return f"{call.written} of {', '.join(names)}" if names else call.written


def _above(call: Call, recording: Recording) -> str:
    at = recording.calls.index(call)
    return recording.calls[at - 1].name if at else "input"


def _margin(
    drawn_branches: Branches, ledger: list[Entry], recording: Recording, chosen: int
) -> dict:
    """What the page draws beside the rows, with the lines from and to the chosen one thicker."""
    rows = []
    for row, entry in enumerate(ledger[: ROWS + 1]):
        lines = [
            {
                "points": drawn_branches.outline(row, piece),
                "colour": colour(piece.line.lane),
                "strong": chosen in (piece.line.source, piece.line.target),
            }
            for piece in drawn_branches.pieces(row)
        ]
        dot, label = None, ""
        if row < len(drawn_branches.lanes):
            lane, label = drawn_branches.lanes[row], _branch_sentences(recording, row)
            dot = {"lane": lane, "colour": colour(lane), "fails": entry.impossible}
        rows.append({"lines": lines, "dot": dot, "label": label})
    return {"head": "path", "lanes": drawn_branches.width, "rows": rows}


def _branch_sentences(recording: Recording, row: int) -> str:
    """From where the inputs of a row's call come and where its result goes, if not straight on."""
    names = ["input", *(call.name for call in recording.calls)]
    if row >= len(names):
        return ""
    taken = sorted({at + 1 for at in recording.calls[row - 1].sources}) if row else []
    targets = [at for at, call in enumerate(recording.calls, start=1) if row - 1 in call.sources]
    sentences = []
    if taken not in ([], [row - 1]):
        sentences.append(f"It takes {drawing.listed([names[at] for at in taken])}.")
    if targets not in ([], [row + 1]):
        sentences.append(f"Its result goes to {drawing.listed([names[at] for at in targets])}.")
    return " ".join(sentences)


def _plain(cell: str | dict) -> str:
    return cell if isinstance(cell, str) else str(cell["text"])


def _explanation(entry: Entry, call: Call | None) -> str:
    """What a call takes and makes, and where its numbers come from."""
    if call is None:
        return f"{entry.name}: {entry.why_shape}"
    takes = " and ".join(times(given[1:]) for given in call.given if given)
    if entry.problem:
        return f"{entry.name} takes {takes}." if entry.impossible else entry.problem
    whys = [f"{column}: {entry.counts[column].why}" for column in ("parameters", "work")]
    parts = [f"{entry.name} takes {takes}, makes {times(entry.shape)}", *whys]
    return "; ".join(text.rstrip(".") for text in parts) + "."


def _question(recording: Recording, found: Diagnosis | None) -> dict:
    """The question: which layer costs most, or which call fails?"""
    first, *others = _entries(recording, found)
    costly = [entry for entry in others if entry.counts and any(costs(entry))]
    if found is None and len(costly) > 1:
        return question([first, *costly])
    if found is not None and found.name:
        return _which_fails(recording, found.name)
    choices = ["it runs", "it fails in a layer", "it fails between two layers"]
    return {
        "question": "does the network run?",
        "choices": choices,
        "solution": choices[2 if found else 0],
    }


def _which_fails(recording: Recording, name: str) -> dict:
    """The choices are the call that fails and its neighbours, without activations."""
    calls = [*recording.calls, *recording.unused]
    names = [call.name for call in calls if call.name == name or "elu" not in call.name.lower()]
    start = max(0, min(names.index(name) - 2, len(names) - CHOICES))
    return {
        "question": "which call fails?",
        "choices": [*names[start : start + CHOICES], "none: it runs"],
        "solution": name,
    }
