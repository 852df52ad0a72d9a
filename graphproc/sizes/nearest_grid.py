"""Choose the grid of tokens nearest in shape to an image; a Python set's order decides ties.

Images of ordinary shapes have equally near grids: for a square of 17.5 tokens, both 17 x 17 and 18
x 18 are square. The source takes the first one that its set of candidates yields. That order
follows from CPython's hash of a pair of ints, which is the same everywhere and is repeated here.
"""

from __future__ import annotations

from graphproc.sizes import num
from graphproc.sizes.num import Bool, Num
from graphproc.sizes.rules import Size

_FIRST, _SECOND, _START = 11400714785074694791, 14029467366897019727, 2870177450012600261
_END = 2 ^ _START ^ 3527539
"""The constants of the hash; the last one contains the number of elements."""
_LOW = 1 << 31
"""The modulus of the lower of two numbers that hold a word of 64 bits.

The lower one has 31 bits and the upper one 33, because the hash rotates by 31.
"""
_HIGH = 1 << 33
_SLOTS = 8
"""How many slots a set of up to 4 elements has."""
_STEPS = 13
"""How many tries read bits of the hash, 5 bits each; later tries go through all slots."""
_TRIES = _STEPS + _SLOTS
_NEVER = 2.0**60
"""Larger than any distance between shapes."""

_Word = tuple[Num, Num]


def grid_within(height: Num, width: Num, token: int, max_tokens: int) -> Size:
    """Choose the candidate nearest to the image's shape; return its (height, width) in pixels.

    Candidates are the image's own grid with each side rounded down or up. An image of more than
    `max_tokens` tokens is shrunk first. If no candidate fits, as for very long images, sides are
    rounded to the nearest.

    The source raises to the power 0.5, which may differ from the square root in the last bit.

    Source: `smart_resize` of transformers' MuseGlimmer, on 64-bit CPython from 3.8.
    """
    rows, columns = height / token, width / token
    ratio = columns / rows
    many = rows * columns > max_tokens
    shrunk = num.sqrt(max_tokens / ratio)
    rows, columns = num.where(many, shrunk, rows), num.where(many, shrunk * ratio, columns)
    down, up = (num.floor(rows), num.floor(columns)), (num.ceil(rows), num.ceil(columns))
    tall, wide = _candidates(down, up)
    fits = num.both(num.both(tall >= 1, wide >= 1), tall * wide <= max_tokens)
    distance = _absolute(tall / num.maximum(wide, 1) - height / width)
    distance = num.where(fits, distance, _NEVER)
    nearest = num.smallest(distance)
    places = num.where(num.eq(distance, nearest), _places(down, up), _SLOTS)
    chosen = num.argmin(places)
    none = nearest >= _NEVER
    return (
        num.maximum(num.where(none, num.round_half_even(rows), num.take(tall, chosen)), 1) * token,
        num.maximum(num.where(none, num.round_half_even(columns), num.take(wide, chosen)), 1) * token,
    )


def _absolute(x: Num) -> Num:
    return num.maximum(x, 0 - x)


def _candidates(down: Size, up: Size) -> tuple[Num, Num]:
    """Return the rows and columns of the four candidates, in the order of their insertion."""
    return (
        down[0] + (up[0] - down[0]) * num.table([0, 0, 1, 1]),
        down[1] + (up[1] - down[1]) * num.table([0, 1, 0, 1]),
    )


def _places(down: Size, up: Size) -> Num:
    """Return the slots of `(down, down)`, `(down, up)`, `(up, down)` and `(up, up)` in a set.

    They are put in one after another, each into the first free one of its own sequence of slots. A
    candidate that is in the set already changes nothing.

    Source: CPython, `set_add_entry`.
    """
    hashed = _hash(*_candidates(down, up))
    owner = [candidate for candidate in range(4) for _ in range(_TRIES)]  # in one table of all tries of all candidates
    tries = _tries((num.take(hashed[0], num.table(owner)), num.take(hashed[1], num.table(owner))))
    slots: list[Num] = []
    for candidate in range(4):
        free: Bool = num.table([one == candidate for one in owner])
        for taken in slots:
            free = num.both(free, num.negate(num.eq(tries, taken)))
        slots.append(num.take(tries, num.argmax(free)))
        for axis, other in ((1, candidate - 1), (0, candidate - 2)):
            if candidate >> (1 - axis) & 1:  # where that side is whole, the candidate is the one without the step
                slots[-1] = num.where(num.eq(down[axis], up[axis]), slots[other], slots[-1])
    found: Num = 0
    for candidate, slot in enumerate(slots):
        found = found + slot * num.table([int(one == candidate) for one in range(4)])
    return found


def _tries(hashed: _Word) -> Num:
    """Return the slot of each try: 5 times the one before, plus 1, plus the hash.

    The hash loses 5 bits in each try. A slot is a number modulo 8, so that of try k is a sum over
    the tries up to it, in which each counts 5 times as often as the next.
    """
    low, high = hashed
    lower, upper = low % (1 << 30), high * 2 + low // (1 << 30)
    total: Num = num.table([sum(5**m for m in range(k)) % _SLOTS for _ in range(4) for k in range(_TRIES)])
    for step in range(_STEPS):
        word, shift = (lower, step) if step < 6 else (upper, step - 6)
        times = num.table([5 ** (k - step) % _SLOTS if k >= step else 0 for _ in range(4) for k in range(_TRIES)])
        total = total + word // 32**shift % _SLOTS * times
    return total % _SLOTS


def _hash(first: Num, second: Num) -> _Word:
    """Compute CPython's hash of a pair of ints from 0 to below 2**27, before -1 is replaced.

    Source: CPython, `tuplehash`, which is xxHash with one accumulator.
    """
    word: _Word = (_START % _LOW, _START // _LOW)
    for item in (first, second):
        word = _times_first(_rotated(_plus(word, item)))
    low = word[0] + _END % _LOW
    return low % _LOW, (word[1] + low // _LOW + _END // _LOW) % _HIGH


def _plus(word: _Word, item: Num) -> _Word:
    """Add an item times the second constant to a word."""
    low = word[0] + item * (_SECOND % _LOW)
    return low % _LOW, (word[1] + low // _LOW + item * (_SECOND // _LOW)) % _HIGH


def _rotated(word: _Word) -> _Word:
    """Rotate a word left by 31 bits: the upper 31 bits become the lower ones."""
    return word[1] // 4, word[0] + word[1] % 4 * _LOW


def _balanced(value: int, modulus: int) -> int:
    """Return the number nearest to 0 that has the remainder `value % modulus`."""
    return (value + modulus // 2) % modulus - modulus // 2


def _times_first(word: _Word) -> _Word:
    """Multiply a word by the first constant.

    The constant's digits are balanced, so that products fit 63 bits and a sign.
    """
    low, high = word
    digit = _balanced(_FIRST, _LOW)
    upper = _balanced((_FIRST - digit) // _LOW, _HIGH)
    product = low * digit
    carried = product // _LOW + low * upper % _HIGH + high * digit % _HIGH + high % 4 * (upper % 4) * _LOW
    return product % _LOW, carried % _HIGH
