"""What the exercise checks of all lessons share: a verdict, and ways to reach one.

A check reads top to bottom as a table: what is right, the cases, and the mistakes with the rule
that makes each. Four forms: ``function_check`` (a function, case by case against a reference),
``parts_check`` (one that gives several results), ``value_check`` (a number or a list), and the
decorator ``exercise`` for all that needs steps of its own, which may use ``call`` and ``judge``.
"""

import copy
import functools
import inspect
import re
import textwrap
import types
import warnings
from collections.abc import Callable, Sequence
from contextvars import ContextVar
from dataclasses import dataclass, replace
from typing import Any, Protocol, cast

import numpy as np
import torch

from course_utils.exercises import journal
from course_utils.exercises.engine.guard import error_text, guarded, readers_line
from course_utils.exercises.engine.patterns import pattern
from course_utils.exercises.engine.reading import (
    MOST_CHARACTERS,
    Answer,
    NotNumbers,
    as_array,
    as_code,
    difference,
    settle,
    short,
)
from course_utils.internals.code import same_code


@dataclass(frozen=True, repr=False, eq=False)
class Verdict:
    """What a check says of an answer.

    code: "correct", "unanswered", "raised", "stopped", "different", the name of a mistake, or
    that of a pattern that the engine sees (patterns.py).
    sentence: what the reader sees; as the verdict's repr it is broken into lines between words,
    since JupyterLab breaks a long line anywhere.
    case: the arguments of the first case that fails, the smallest; got: what the answer gives for
    them; expected: what is right. None where the check does not call the answer with cases.
    """

    code: str
    sentence: str
    case: tuple | None = None
    got: Answer = None
    expected: Any = None

    def __repr__(self) -> str:
        return broken(self.sentence)


def broken(text: str) -> str:
    """Prose in lines of at most 88 characters; code and tables, which are indented, as they are."""
    return "\n".join(
        line
        if line.startswith(" ")
        else textwrap.fill(line, _LINE, break_long_words=False, break_on_hyphens=False)
        for line in text.split("\n")
    )


@dataclass(frozen=True)
class Mistake:
    """A known mistake: what is said of it, and the rules (functions, or values) that make it."""

    code: str
    sentence: str
    rules: tuple = ()


def mistake(code: str, when: str, *rules: object) -> Mistake:
    """A mistake that is inferred: the answer's results are those of one of the rules.

    when: completes "Your result is what comes out when …", since no more than that is known, and
    goes on with what is right, in sentences that are true whatever the reader's code looks like.
    rules: functions of the exercise's arguments; none where the check itself compares.
    """
    return Mistake(code, f"Your result is what comes out when {when}", rules)


def observed(code: str, sentence: str, *values: object) -> Mistake:
    """A mistake that was seen to happen, or an answer whose value says all: told as it is."""
    return Mistake(code, sentence, values)


class Check(Protocol):
    """A check of one answer. codes: those of its mistakes; sentences: what is said of each."""

    codes: tuple[str, ...]
    sentences: dict[str, str]

    def __call__(self, answer: Answer, /) -> Verdict: ...


class _Ended(Exception):
    """Carries the verdict on an answer that cannot be asked further."""

    def __init__(self, verdict: Verdict) -> None:
        self.verdict = verdict


@dataclass(frozen=True)
class _RunningCheck:
    name: str
    mistakes: Sequence[Mistake]
    notes: list[str]


_LINE = 88  # a longer call is printed with a line for each argument, and prose is broken there
_running_check: ContextVar[_RunningCheck] = ContextVar("the running check")


def exercise(correct: str, mistakes: Sequence[Mistake] = ()) -> Callable[[Callable], Check]:
    """Make a check of a function that looks at one answer.

    correct: the sentence for a correct answer.
    The decorated function returns None (correct), the code of one of the mistakes, or a Verdict of
    its own. The check it becomes never raises: an error of the answer's own code is the verdict.
    A stub is an answer of dots, or a function whose only statement is three dots.
    ``check.codes`` are the mistakes' codes, ``check.sentences`` what is said of each.
    """
    by_code = {known.code: known for known in mistakes}

    def decorate(inspect_answer: Callable) -> Check:
        name = inspect_answer.__name__.removeprefix("check_")

        @functools.wraps(inspect_answer)
        def judged(answer: Answer) -> Verdict:
            if _is_stub(answer):
                return Verdict(
                    "unanswered", "Not answered yet: put your answer in place of the dots."
                )
            with guarded() as notes:
                token = _running_check.set(_RunningCheck(name, mistakes, notes))
                try:
                    found = inspect_answer(settle(answer))
                    if found is None:
                        found = Verdict("correct", f"Correct. {correct}")
                    elif not isinstance(found, Verdict):
                        found = Verdict(found, f"Not yet. {by_code[found].sentence}")
                except _Ended as end:
                    found = end.verdict
                except NotNumbers as error:  # an answer that is an endless iterator
                    found = different(f"your answer {error}.")
                except KeyboardInterrupt as error:
                    found = Verdict("stopped", _stopped(readers_line(error)))
                except BaseException as error:
                    found = _raised(error) if readers_line(error) else _failed(error)
                finally:
                    _running_check.reset(token)
            remark = journal.note(check, name, answer, found)
            remarks = dict.fromkeys([*notes, remark] if remark else notes)
            sentences = "".join(f"\n({remark})" for remark in remarks)
            return replace(found, sentence=found.sentence + sentences)

        check = cast(Check, judged)
        check.codes = tuple(by_code)
        check.sentences = {known.code: known.sentence for known in mistakes}
        return check

    return decorate


def _stopped(line: str) -> str:
    where = f" It was at {line}" if line else ""
    return f"Stopped before the check was done, so there is no verdict.{where}"


def _failed(error: BaseException) -> Verdict:
    return Verdict(
        "check-failed",
        f"The check itself stopped with an error, which is a fault of the course and not of your "
        f"answer. Please report it. {error_text(error)}",
    )


def _raised(error: BaseException, call: str = "", case: tuple | None = None) -> Verdict:
    line = readers_line(error)
    asked = f"\n    {call}\n" if call else " "
    where = f"at {line}" if line else "in the call itself"
    if isinstance(error, SystemExit):
        error = SystemExit("exit() and quit() would end the notebook's kernel; use return")
    return Verdict(
        "raised",
        f"Not yet. Your answer stops with an error.{asked}{where}\n{error_text(error)}",
        case,
    )


def _is_stub(answer: Answer) -> bool:
    """Dots, or a function made by `def` that does no more than `def f(): ...` does."""
    return answer is ... or (
        type(answer) is types.FunctionType
        and answer.__name__ != "<lambda>"
        and same_code(answer, _stub)
    )


def _stub() -> None: ...


def different(
    words: str, case: tuple | None = None, got: Answer = None, expected: Any = None
) -> Verdict:
    """The verdict on a wrong answer that is none of the known mistakes."""
    return Verdict("different", f"Not yet: {words}", case, got, expected)


def named(code: str, words: str, case: tuple | None = None, got: Answer = None) -> Verdict:
    """The verdict on a known mistake, with words about this answer behind the mistake's own."""
    (known,) = (known for known in _running_check.get().mistakes if known.code == code)
    return Verdict(code, f"Not yet. {known.sentence}{words}", case, got)


def call(answer: Callable, *arguments: Any, shown: str = "", case: tuple = ()) -> Answer:
    """What the answer gives for these arguments (iterators in lists); its error is the verdict.

    shown: the call as the reader would write it, where the arguments cannot be printed as code.
    case: the arguments as they were, where the answer may have changed them.
    Anything of the reader's that is run, such as a network's forward, is run through here.
    """
    if not callable(answer):
        raise _Ended(different(f"a function is expected here, and this is {short(answer)}."))
    try:
        return settle(answer(*arguments))
    except (KeyboardInterrupt, _Ended):
        raise
    except NotNumbers as error:
        raise _Ended(different(f"what your function gives back {error}.")) from None
    except BaseException as error:
        case = case or arguments
        raise _Ended(_raised(error, shown or call_text(answer, case), case)) from None


def call_text(answer: Callable, arguments: tuple) -> str:
    """A call as code that runs when pasted below the answer, where it is short enough."""
    names = [f"{name}=" if name.isidentifier() else "" for name in _names(answer, arguments)]
    for write in (as_code, short):
        parts = [name + write(value) for name, value in zip(names, arguments, strict=True)]
        if sum(map(len, parts)) <= MOST_CHARACTERS:
            break
    name = _running_check.get().name
    text = f"{name}({', '.join(parts)})"
    if len(text) <= _LINE:
        return text
    return f"{name}(" + "".join(f"\n        {part}," for part in parts) + "\n    )"


def _names(answer: Callable, arguments: tuple) -> list[str]:
    """The names that the answer gives its arguments."""
    try:
        parameters = [*inspect.signature(answer).parameters.values()]
    except Exception:  # builtins, and what a hostile object does
        parameters = []
    names = [
        parameter.name
        for parameter in parameters
        if parameter.kind is parameter.POSITIONAL_OR_KEYWORD
    ]
    if len(names) != len(arguments):
        names = [f"argument {number}" for number in range(1, len(arguments) + 1)]
    return names


def judge(
    answer: Callable,
    reference: Callable,
    cases: Sequence[tuple],
    mistakes: Sequence[Mistake] | None = None,
    *,
    rtol: float = 1e-4,
) -> Verdict | None:
    """Call an answer on each case and compare it with the reference; None where all agree.

    cases: the arguments of each call, smallest first, since the first that fails is shown. The
    answer gets copies; that it changes them is said.
    mistakes: those of the running check, unless given. A wrong answer has made the first whose
    rule agrees with it on every case; otherwise the engine looks for a pattern.
    rtol: the relative difference that is forgiven; 0 for counts.
    """
    results, failure = _call_on_all(answer, reference, cases, rtol)
    if failure is None:
        return None
    mistakes = _running_check.get().mistakes if mistakes is None else mistakes
    return _explain(answer, reference, cases[: len(results)], results, failure, mistakes, rtol)


def judge_parts(
    answer: Callable,
    reference: Callable,
    cases: Sequence[tuple],
    names: Sequence[str],
    *,
    first: int = 0,
) -> Verdict | None:
    """Judge an answer that gives several results, one of them after another; None where all agree.

    names: what the results are called, such as ("dX", "dW", "db"). A mistake's rule gives as many;
    None stands for one of which it says nothing.
    first: as many cases are judged by themselves before all are, for instance those in which a
    product of the wrong matrices runs too.
    """
    known_mistakes = _running_check.get().mistakes
    for tried in (cases[:first], cases):
        for case in tried:
            parts = call(answer, *copy.deepcopy(case), case=case)
            if parts is None:
                return judge(answer, reference, tried)
            whole = isinstance(parts, list | tuple) and len(parts) == len(names)
            if not whole or any(part is None for part in parts):
                words = f"{len(names)} results are expected: return {', '.join(names)}."
                return different(words, case, parts)
        for number, name in enumerate(names):
            mistakes = [
                replace(known, rules=tuple(_part(rule, number) for rule in known.rules))
                for known in known_mistakes
            ]
            verdict = judge(_part(answer, number), _part(reference, number), tried, mistakes)
            if verdict:
                sentence = verdict.sentence.replace(")\nyour result", f")[{number}]\nyour result")
                return replace(verdict, sentence=re.sub(r"our result\b", f"our {name}", sentence))
    return None


def _part(function: Callable, number: int) -> Callable:
    """One of a function's results, as a function of the same arguments."""

    @functools.wraps(function)  # where the names of the arguments are read
    def part(*arguments: Any) -> Answer:
        return settle(function(*arguments))[number]

    return part


@dataclass(frozen=True)
class _Failure:
    """The first case that fails: what the answer gives, what is right, and how they differ."""

    case: tuple
    got: Answer
    expected: Any
    words: str


def _call_on_all(
    answer: Callable, reference: Callable, cases: Sequence[tuple], rtol: float
) -> tuple[list, _Failure | None]:
    """The answer's results, up to an error of its own if one result before it is wrong."""
    results, failure, notes = [], None, _running_check.get().notes
    for case in cases:
        given = copy.deepcopy(case)
        try:
            got = call(answer, *given, case=case)
        except _Ended:
            if failure is None:
                raise
            break
        results.append(got)
        notes.extend(_changes(answer, case, given))
        expected = reference(*copy.deepcopy(case))
        words = difference(got, expected, rtol=rtol)
        if words and failure is None:
            failure = _Failure(case, got, expected, words)
    return results, failure


def _explain(
    answer: Callable,
    reference: Callable,
    cases: Sequence[tuple],
    results: list,
    failure: _Failure,
    mistakes: Sequence[Mistake],
    rtol: float,
) -> Verdict:
    """The verdict on wrong results: a known mistake, a pattern, or only that they differ."""
    text, words = call_text(answer, failure.case), failure.words
    if failure.got is None:
        words += " (A function gives None where it has no `return`.)"
    if "<" in text:
        words += "\n(These arguments are too long to print. The verdict keeps them: .case)"
    example = f"\nFor example, in\n    {text}\n{words}"

    def verdict(code: str, sentence: str) -> Verdict:
        return Verdict(code, f"Not yet. {sentence}", failure.case, failure.got, failure.expected)

    for known in mistakes:
        if any(_rule_agrees(rule, cases, results, rtol) for rule in known.rules):
            return verdict(known.code, known.sentence + example)
    found = pattern(answer, reference, cases, results, _names(answer, failure.case))
    if found:
        code, sentence = found
        return verdict(code, sentence + example)
    return verdict("different", f"In\n    {text}\n{words}")


def _rule_agrees(rule: Callable, cases: Sequence[tuple], results: Sequence, rtol: float) -> bool:
    """Whether a mistake's rule gives these results (a rule may not be made for every case)."""
    try:
        with warnings.catch_warnings(action="ignore"):  # the rule's, not the reader's
            return not any(
                difference(result, rule(*copy.deepcopy(case)), rtol=rtol)
                for case, result in zip(cases, results, strict=True)
            )
    except Exception:
        return False


def _changes(answer: Callable, case: tuple, given: tuple) -> list[str]:
    return [
        f"Your function changes {name} in place; whoever calls it will find that changed."
        for name, before, after in zip(_names(answer, case), case, given, strict=True)
        if not _equal(before, after)
    ]


def _equal(before: Any, after: Any) -> bool:
    if isinstance(before, torch.Tensor):
        return before.shape == after.shape and torch.equal(before, after)
    if isinstance(before, np.ndarray):
        return np.array_equal(before, after)
    if isinstance(before, list | tuple):
        return len(before) == len(after) and all(map(_equal, before, after))
    return before.keys() == after.keys() if isinstance(before, dict) else True


def function_check(
    describe: str,
    reference: Callable,
    cases: Sequence[tuple],
    mistakes: Sequence[Mistake],
    *,
    correct: str,
    rtol: float = 1e-4,
) -> Check:
    """The check of a function that should agree with a reference on all cases (see judge).

    describe: "name(arguments): what it gives", the check's docstring.
    """

    def inspect_answer(answer: Answer) -> Verdict | None:
        return judge(answer, reference, cases, rtol=rtol)

    return _build_check(describe, inspect_answer, correct, mistakes)


def parts_check(
    describe: str,
    reference: Callable,
    names: Sequence[str],
    cases: Sequence[tuple],
    mistakes: Sequence[Mistake],
    *,
    correct: str,
    first: int = 0,
) -> Check:
    """The check of a function whose several results should agree with those of a reference.

    describe: "name(arguments): what it gives", the check's docstring.
    names, first: see judge_parts.
    """

    def inspect_answer(answer: Answer) -> Verdict | None:
        return judge_parts(answer, reference, cases, names, first=first)

    return _build_check(describe, inspect_answer, correct, mistakes)


def value_check(
    describe: str, expected: Any, mistakes: Sequence[Mistake], *, correct: str, rtol: float = 0
) -> Check:
    """The check of a number or a list: mistakes hold the wrong values that are known.

    describe: "name: what it is", the check's docstring.
    """

    name = describe.partition(":")[0]

    def inspect_answer(answer: Answer) -> str | Verdict | None:
        words = difference(answer, expected, name, rtol=rtol)
        if not words:
            return None
        for known in mistakes:
            if any(not difference(answer, value, rtol=rtol) for value in known.rules):
                return known.code
        if "shape" not in words and _is_numbers(answer):  # the right value is the reader's to find
            words = f"{name} is not {short(answer)}. Work it out by hand, step by step."
        return different(words, None, answer)

    return _build_check(describe, inspect_answer, correct, mistakes)


def _is_numbers(value: Answer) -> bool:
    try:
        return as_array(value) is not None
    except NotNumbers:
        return False


def _build_check(
    describe: str, inspect_answer: Callable, correct: str, mistakes: Sequence[Mistake]
) -> Check:
    name = describe.partition(":")[0].partition("(")[0]
    inspect_answer.__name__ = inspect_answer.__qualname__ = f"check_{name}"
    inspect_answer.__doc__ = describe
    return exercise(correct, mistakes)(inspect_answer)
