"""Ask what decides at a size: which of two numbers is larger, what a rounding does, what a step does to a side.

Sizes that give other answers take other ways through a processor, so a kit needs one of each.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from graphproc.ir.op import Op
from graphproc.ir.program import Program, Step
from graphproc.ir.text import size_names
from graphproc.ops import CenterCrop, Pad
from graphproc.ops.resample import Resample
from graphproc.ops.resize.order import vertical_first
from graphproc.sizes.expression import Expression
from graphproc.sizes.many import evaluate_many
from graphproc.sizes.text import text

Array = np.ndarray[Any, Any]

SHORT = 60
"""How many characters an expression has at most that is written out; a longer one is written with names of its parts."""
MOST_PLACES = 12
"""How many candidates a choice has at most for each of its places to be an answer."""


@dataclass(frozen=True)
class Question:
    """Hold one question and its answer at each size.

    Attributes:
        about: what is asked, in words.
        words: the possible answers, in words.
        answers: for each size a position in `words`, int64 [sizes].
        numbers: a number that an answer may show in place of `{}`, one for each size.
        decides: whether it is a comparison that decides between two ways, not a requirement.
    """

    about: str
    words: tuple[str, ...]
    answers: Array
    numbers: Array | None = None
    decides: bool = False

    def say(self, size: int) -> str:
        """Return the answer at one of the sizes, as a phrase."""
        number = "" if self.numbers is None else f"{self.numbers[size].item():.12g}"
        return str(self.words[self.answers[size]]).replace("{}", number)


def subterms(program: Program) -> list[Expression]:
    """Return the size expressions in a program's preconditions and steps, in order, each once."""
    found: dict[Expression, None] = {}

    def visit(value: Any) -> None:
        if isinstance(value, tuple):
            for item in value:
                visit(item)
        elif isinstance(value, Op):
            visit(tuple(item for _, item in value.fields()))
        elif isinstance(value, Expression) and value not in found:
            found[value] = None
            visit(value.args)

    visit(tuple(condition.holds for condition in program.preconditions))
    for step in program.steps:
        visit((step.op, step.output.type.shape))
    return list(found)


def questions(program: Program, values: Mapping[str, Array]) -> list[Question]:
    """Return all questions about a program, with their answers.

    Args:
        program: the program.
        values: the sizes: for each symbol, int64 [sizes].
    """
    terms = subterms(program)
    sides = [side for step in program.steps for name in step.inputs for side in _sides(program.value(name).type)]
    orders = {step.output.name: order for step in program.steps if (order := _order(program, step)) is not None}
    found = evaluate_many([*terms, *sides, *orders.values()], values)
    count = len(next(iter(values.values())))
    names = size_names(program)
    required = {condition.holds for condition in program.preconditions}

    def column(x: Any) -> Array | None:
        """Return a number at each size; None for tables, and for numbers that sizes of images do not decide."""
        result = found.get(x) if isinstance(x, Expression) else np.asarray(x).reshape(1, 1)
        return None if result is None or result.shape[1] > 1 else np.broadcast_to(result[:, 0], count)

    asked = [*_of_terms(terms, found, column, names, count, required), *_of_steps(program, column)]
    for name, order in orders.items():
        if (answers := column(order)) is not None:
            words = (f"`{name}` resamples columns before rows", f"`{name}` resamples rows before columns")
            asked.append(Question(f"the order of `{name}`", words, answers.astype(np.int64), decides=True))
    unique = {(question.about, question.words): question for question in asked}
    return list(unique.values())


def named(x: Any, names: Mapping[Any, str]) -> str:
    """Return an expression as text: written out if that is short, else with the names of its parts in the program's text."""
    if _is_small(x, [SHORT // 2]) and len(whole := text(x)) <= SHORT:
        return whole
    parts = text(x, {part: name for part, name in names.items() if part != x})
    return parts if len(parts) <= SHORT or x not in names else names[x]


def _is_small(x: Any, left: list[int]) -> bool:
    """Tell whether an expression, written out, has at most as many parts as `left` holds; repeated parts count again."""
    left[0] -= 1
    operands = x.args if isinstance(x, Expression) and x.op != "symbol" else ()
    return left[0] >= 0 and all(_is_small(a, left) for a in operands)


def _of_terms(
    terms: list[Expression], found: Mapping[Any, Array], column: Any, names: Any, count: int, required: Collection[Any]
) -> Iterator[Question]:
    """Ask what each comparison, rounding, division and choice among the terms comes to."""
    for x in terms:
        asked: Question | None = None
        operands = [column(a) for a in x.args] if x.op not in ("symbol", "table") else []
        if x.op in COMPARED and all(a is not None for a in operands):
            a, b = (named(a, names) for a in x.args)
            asked = _compared(operands, a, b, x not in required)
        elif x.op in ROUNDED and operands[0] is not None:
            asked = ROUNDED[x.op](operands[0], named(x, names))
        elif x.op in ("floordiv", "mod") and all(a is not None for a in operands):
            asked = _divided(operands, *(named(a, names) for a in x.args))
        elif x.op in ("and", "or") and column(x) is not None:
            written = named(x, names)
            asked = Question(written, (f"`{written}` is false", f"`{written}` is true"), column(x).astype(np.int64))
        elif x.op in ("argmin", "argmax") and x in found:
            yield from _chosen(x, found, names, count)
        if asked is not None:
            yield asked


COMPARED = ("lt", "le", "eq", "min", "max")


def _compared(operands: list[Array], a: str, b: str, decides: bool) -> Question:
    words = (f"`{a}` is less than `{b}`", f"`{a}` equals `{b}`", f"`{a}` is more than `{b}`")
    x, y = operands
    answers = np.where(x < y, 0, np.where(x == y, 1, 2))
    return Question(f"`{a}` and `{b}`", words, answers, decides=decides)


def _rounded(x: Array, written: str) -> Question:
    """Ask what Python's `round` does: ties go to the even neighbour."""
    whole = np.floor(x)
    part = np.where(np.isfinite(x), x - whole, 0)
    tie = np.where(whole % 2 == 0, 3, 4)
    answers = np.where(part == 0, 0, np.where(part < 0.5, 1, np.where(part > 0.5, 2, tie)))
    ends = (
        "is of a whole number",
        "rounds {} down",
        "rounds {} up",
        "rounds the tie {} down to even",
        "rounds the tie {} up to even",
    )
    return Question(f"`{written}`", tuple(f"`{written}` {end}" for end in ends), answers, x)


def _cut(x: Array, written: str) -> Question:
    """Ask what a truncation or a floor does, and whether rounding would do the same."""
    part = np.where(np.isfinite(x), x - np.floor(x), 0)
    answers = np.where(part == 0, 0, np.where(part < 0.5, 1, 2))
    ends = ("is of a whole number", "cuts {}", "cuts {}, which rounding would raise")
    return Question(f"`{written}`", tuple(f"`{written}` {end}" for end in ends), answers, x)


def _raised(x: Array, written: str) -> Question:
    part = np.where(np.isfinite(x), x - np.floor(x), 0)
    answers = np.where(part == 0, 0, np.where(part < 0.5, 1, 2))
    ends = ("is of a whole number", "raises {}, which rounding would cut", "raises {}")
    return Question(f"`{written}`", tuple(f"`{written}` {end}" for end in ends), answers, x)


ROUNDED = {"round": _rounded, "trunc": _cut, "floor": _cut, "ceil": _raised}


def _divided(operands: list[Array], a: str, b: str) -> Question:
    x, y = (np.asarray(operand, np.float64) for operand in operands)
    with np.errstate(all="ignore"):
        rest = np.nan_to_num(np.mod(x, y))
    return Question(
        f"`{a}` by `{b}`", (f"`{a}` is a multiple of `{b}`", f"`{a}` is no multiple of `{b}`"), (rest != 0).astype(np.int64)
    )


def _chosen(x: Expression, found: Mapping[Any, Array], names: Any, count: int) -> Iterator[Question]:
    """Ask which candidate a choice takes, and whether several are equally good."""
    candidates = np.broadcast_to(found[x.args[0]], (count, found[x.args[0]].shape[1]))
    places = np.broadcast_to(found[x][:, 0], count)
    written = names.get(x) or named(x, names)
    best = np.take_along_axis(candidates, places[:, None], axis=1)
    ties = ((candidates == best).sum(axis=1) > 1).astype(np.int64)
    yield Question(
        f"`{written}`", (f"one candidate of `{written}` is the best", f"several candidates of `{written}` are equally good"), ties
    )
    if candidates.shape[1] <= MOST_PLACES:
        words = tuple(f"`{written}` is {place}" for place in range(candidates.shape[1]))
        yield Question(f"`{written}`", words, places.astype(np.int64))


def _sides(type: Any) -> tuple[Any, ...]:
    return (type.size("H"), type.size("W")) if {"H", "W"} <= set(type.layout) else ()


def _order(program: Program, step: Step) -> Any:
    """Return whether a step resamples rows before columns, if sizes decide that; else None."""
    if not isinstance(step.op, Resample) or step.op.lowered() is None:
        return None
    (height, width), (rows, columns) = _sides(program.value(step.inputs[0]).type), _sides(step.output.type)
    order = vertical_first(height, width, rows, columns, step.op.arithmetic)
    return None if isinstance(order, bool) else order


def _of_steps(program: Program, column: Any) -> Iterator[Question]:
    """Ask for each step that gives an image of an image whether rows and columns become fewer or more."""
    for step in program.steps:
        if len(step.inputs) != 1:
            continue
        before, after = _sides(program.value(step.inputs[0]).type), _sides(step.output.type)
        for side, x, y in zip(("rows", "columns"), before, after, strict=False):
            have, get = column(x), column(y)
            if have is None or get is None or (isinstance(x, Expression) and x == y):
                continue
            name, odd = step.output.name, isinstance(step.op, CenterCrop | Pad)
            ends = (
                "makes fewer {}",
                "keeps the {}",
                "makes more {}",
                "makes an odd number fewer {}",
                "makes an odd number more {}",
            )
            words = tuple(f"`{name}` {end.replace('{}', side)}" for end in ends)
            answers = np.where(get < have, 0, np.where(get == have, 1, 2))
            answers = np.where(odd & ((get - have) % 2 == 1), np.where(get < have, 3, 4), answers)
            yield Question(f"{side} of `{name}`", words, answers)
