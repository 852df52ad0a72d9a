"""Choose the few image sizes of a kit: those at which a class's own size rules decide differently."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import product

import numpy as np

from graphproc.errors import ProgramError
from graphproc.ir.program import Precondition, Program
from graphproc.kits.questions import Array, Question, questions
from graphproc.sizes.evaluation import symbols
from graphproc.sizes.many import evaluate_many

PHOTO = (240, 320)
"""Height and width of a kit's photograph."""
TALL = (451, 225)
"""Height and width of a second photograph, which a kit has where no smaller image takes the same way."""
LONGEST = 64
"""The longest side of a small image that is not a strip."""
LONGEST_STRIP = 640
"""The longest side of a strip, which is one or two pixels wide."""
MOST = 12
"""How many sizes a kit has at most, beside the photograph's."""
LEAST = 8
"""How many sizes a kit has at least, with the photograph's, where `USUAL` has more that are taken."""
USUAL = {
    (31, 17): "odd sides",
    (23, 64): "wider than high",
    (1, 7): "a row",
    (7, 1): "a column",
    (64, 40): "higher than wide",
    (37, 37): "a square",
    (19, 23): "prime sides",
    (16, 48): "sides of whole patches",
    (50, 49): "nearly a square",
}
"""Sizes that fill up a kit, with what they are."""
MOST_REFUSED = 4
"""How many sizes that must be refused a kit names at most."""
LARGEST = 1 << 20
"""How many elements a step may have at any size of a kit; more where the photograph needs it."""
SHOWN = 3
"""How many reasons for a size are written."""


@dataclass(frozen=True)
class Size:
    """A size of a kit.

    Attributes:
        height, width: the sides, in pixels.
        why: what is decided at this size, in words.
    """

    height: int
    width: int
    why: str


@dataclass(frozen=True)
class Refusal:
    """A size that some programs of a processor refuse.

    Attributes:
        height, width: the sides, in pixels.
        message: why it is refused.
        programs: which programs refuse it: their positions.
    """

    height: int
    width: int
    message: str
    programs: tuple[int, ...]


@dataclass(frozen=True)
class Sizes:
    """The sizes of a kit.

    Attributes:
        chosen: the sizes of its images, the photograph's last.
        refused: sizes that have to be refused, the smallest for each reason.
        one_sided: comparisons that come out alike at every size that was tried, in words: their other
            sides need larger images.
        left_out: how many answers some size gives and no chosen one.
    """

    chosen: tuple[Size, ...]
    refused: tuple[Refusal, ...]
    one_sided: tuple[str, ...]
    left_out: int


def candidates() -> Array:
    """Return the sizes to choose from: int64 [sizes, 2], the photograph's, others by the number of pixels, the tall one's."""
    sides = range(1, LONGEST + 1)
    strips = [(thin, long) for thin, long in product((1, 2), range(LONGEST + 1, LONGEST_STRIP + 1))]
    small = {*product(sides, sides), *strips, *((long, thin) for thin, long in strips)}
    return np.array([PHOTO, *sorted(small, key=lambda size: (size[0] * size[1], max(size), size)), TALL])


def choose(programs: Sequence[Program], most: int = MOST) -> Sizes:
    """Choose sizes that together give every answer that any size gives, or as many as a few sizes can.

    Args:
        programs: the programs of a processor, one for each backend. Sizes are taken by all of them.
        most: how many sizes at most, beside the photograph's.

    Raises:
        ProgramError: no size that was tried is taken.
    """
    sizes = candidates()
    taken, asked = np.ones(len(sizes), bool), dict[tuple[str, tuple[str, ...]], Question]()
    refusals: dict[tuple[int, int, str], tuple[int, ...]] = {}
    for position, program in enumerate(programs):
        values = {name: sizes[:, 0 if name.endswith("height") else 1] for name in program.symbols if name.endswith(SIDES)}
        held = _held(program, values, len(sizes))
        taken &= np.logical_and.reduce([_fitting(program, values, len(sizes)), *held.values()])
        asked |= {(question.about, question.words): question for question in questions(program, values)}
        for found in _refused(held, sizes):
            refusals[found] = (*refusals.get(found, ()), position)
    if not taken.any():
        raise ProgramError(f"{programs[0].name}: expected sizes of images that the settings take, found none among small images.")
    chosen, left_out = _cover(list(asked.values()), sizes, taken, most)
    refused = tuple(Refusal(*found, positions) for found, positions in refusals.items())
    return Sizes(chosen, refused[:MOST_REFUSED], _one_sided(asked.values(), taken), left_out)


SIDES = ("height", "width")


def _held(program: Program, values: dict[str, Array], count: int) -> dict[Precondition, Array]:
    """Return for each precondition that sizes of images decide at which sizes it holds: bool [sizes]."""
    known = [c for c in program.preconditions if set(symbols(c.holds)) <= set(values)]
    found = evaluate_many([c.holds for c in known], values)
    return {c: np.broadcast_to(found[c.holds][:, 0] if c.holds in found else np.asarray(c.holds), count) for c in known}


def _fitting(program: Program, values: dict[str, Array], count: int) -> Array:
    """Tell at which sizes no step has more elements than it should, or a side of nothing: bool [sizes]."""
    shapes = [step.output.type.shape for step in program.steps]
    found = evaluate_many([side for shape in shapes for side in shape], values)
    largest = np.zeros(count)
    for shape in shapes:
        sides = [found[side][:, 0] if side in found else side for side in shape if side in found or isinstance(side, int)]
        largest = np.maximum(largest, math.prod(np.asarray(side, np.float64) for side in sides))
    return np.asarray(largest <= max(LARGEST, 2 * largest[0]))


def _cover(asked: Sequence[Question], sizes: Array, taken: Array, most: int) -> tuple[tuple[Size, ...], int]:
    """Return the photograph's size, one pixel, and what covers most answers, one size after the other."""
    given = [question.answers == answer for question in asked for answer in range(len(question.words))]
    owners = [question for question in asked for _ in question.words]
    answers = np.array(given).reshape(len(given), len(sizes)) & taken
    open = answers.any(axis=1)
    first = [place for place in (0, 1) if taken[place]]
    picked: list[int] = []
    reasons: list[str] = []
    while len(picked) < most + (0 in first):
        gains = answers[open].sum(axis=0)
        gains[-1] *= not gains[:-1].any()
        place = first[len(picked)] if len(picked) < len(first) else int(np.argmax(gains))
        if len(picked) >= len(first) and not gains[place]:
            break
        new = [owners[row].say(place) for row in np.flatnonzero(open & answers[:, place])]
        picked.append(place)
        reasons.append(_why(sizes[place].tolist(), new))
        open &= ~answers[:, place]
    more = [place for size in USUAL if taken[place := _place(sizes, size)] and place not in picked][: max(0, LEAST - len(picked))]
    reasons += [USUAL[tuple(sizes[place].tolist())] for place in more]
    found = [Size(*_sides(sizes, place), why) for place, why in zip([*picked, *more], reasons, strict=True)]
    return tuple(found[1:] + found[:1] if 0 in first else found), int(open.sum())


def _sides(sizes: Array, place: int) -> tuple[int, int]:
    height, width = sizes[place].tolist()
    return height, width


def _place(sizes: Array, size: tuple[int, int]) -> int:
    return int(np.argmax((sizes == size).all(axis=1)))


def _why(size: Sequence[int], new: Sequence[str]) -> str:
    """Return the reason for a size: what kind of image it is, and the first answers that only it gives so far."""
    kinds = {PHOTO: "a photograph", TALL: "a tall photograph", (1, 1): "one pixel"}
    kind = kinds.get((size[0], size[1]), "a row" if size[0] == 1 else "a column" if size[1] == 1 else "")
    more = [f"and {len(new) - SHOWN} more"] * (len(new) > SHOWN)
    return "; ".join(filter(None, (kind, *new[:SHOWN], *more)))


def _refused(conditions: Mapping[Precondition, Array], sizes: Array) -> Iterator[tuple[int, int, str]]:
    """Yield for each precondition the smallest size at which it is the first not to hold, and its message."""
    said, before = set(), np.ones(len(sizes), bool)
    for condition, held in conditions.items():
        broken = before & ~held
        before = before & held
        broken[0] = False  # the photograph is for results
        if broken.any() and condition.message not in said:
            said.add(condition.message)
            yield *_sides(sizes, int(np.argmax(broken))), condition.message


def _one_sided(asked: Iterable[Question], taken: Array) -> tuple[str, ...]:
    """Return the only answer to each comparison that has one alone."""
    found = []
    for question in asked:
        answers = np.unique(question.answers[taken])
        if len(answers) == 1 and question.decides:
            found.append(question.words[answers[0]])
    return tuple(found)
