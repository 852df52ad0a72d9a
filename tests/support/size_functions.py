"""Size functions to print in every language: those of all classes, of varied settings, and of every operation; sizes to try."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from typing import Any

from support.languages import Call

from graphproc.emitters.source.assignments import IMPOSSIBLE, LIMIT, TOO_LARGE, elements, in_order
from graphproc.errors import GraphprocError
from graphproc.plans.facts import size_function
from graphproc.processors.registry import specs
from graphproc.sizes import num
from graphproc.sizes.function import SizeFunction

H, W = num.symbol("height"), num.symbol("width")
WHOLE = f"expected a whole number from 1 to {LIMIT}"
SIDES = (1, 2, 3, 13, 14, 15, 27, 28, 42, 223, 224, 225, 336, 448, 1000, 9999, 20000)
"""Sides to try with every function."""
LARGEST = 20000


def distinct(functions: Iterable[SizeFunction]) -> list[SizeFunction]:
    """Return the functions that differ in more than their name, have results, and take some image."""
    found: dict[Any, SizeFunction] = {}
    for function in functions:
        if function.results and not any(holds is False for holds, _ in function.preconditions):  # as `flatten` refuses
            found.setdefault((function.arguments, tuple(function.results.items()), function.preconditions), function)
    return list(found.values())


def of_classes(step: int = 1) -> list[SizeFunction]:
    """Return the functions of all classes with their defaults, in both backends, with and without optional inputs.

    With a `step`, only some classes are among them.
    """
    return distinct(_of_classes(list(specs())[::step]))


def _of_classes(names: Sequence[str]) -> Iterator[SizeFunction]:
    for name in names:
        spec = specs()[name]
        settings = {"clusters": [[0.0, 0.5, 1.0]]} if name == "ImageGPTImageProcessor" else {}  # it has no default
        optional = [key for key, extra in spec.extra_inputs.items() if not extra.required]
        for backend in spec.backends:
            for inputs in ([], optional) if optional else ([],):
                program = spec.program(spec.config(settings), backend=backend, extra_inputs=inputs)
                yield size_function(program, images=spec.samples.images or 1)


def of_settings(count: int) -> list[SizeFunction]:
    """Return functions of settings that the parity tests try with all classes, other ones than the defaults'."""
    from cases.parity import variants  # which loads transformers

    every = [(s, b, one) for name, s in specs().items() for b in s.backends for one in variants(name, b).values()]
    found = []
    for spec, backend, settings in random.Random(3).sample(every, 6 * count):
        with suppress(GraphprocError):  # a backend may not have some settings
            config = spec.config({key: value for key, value in settings.items() if key != "backend"})
            found.append(size_function(spec.program(config, backend=backend), images=spec.samples.images or 1))
    defaults = of_classes()
    return distinct([*defaults, *found])[len(defaults) :][:count]


NUMBERS: dict[str, Callable[[Any, Any], Any]] = {
    "add": lambda a, b: a + b,
    "sub": lambda a, b: a - b - (b - 3),
    "mul": lambda a, b: (a - 100) * (50 - b),
    "truediv": lambda a, b: (a - 100) / b,
    "floordiv": lambda a, b: (a - 100) // b,
    "floordiv_negative": lambda a, b: (a - 100) // (0 - b),
    "mod": lambda a, b: (a - 100) % b,
    "mod_negative": lambda a, b: (a - 100) % (0 - b),
    "trunc": lambda a, b: num.trunc((a - 100) / b),
    "floor": lambda a, b: num.floor((a - 100) / b),
    "ceil": lambda a, b: num.ceil((a - 100) / b),
    "ceil_to_zero": lambda a, b: 1.5 - num.as_float(num.ceil((0 - a) / (a + b))),
    "round": lambda a, b: num.round_half_even((a - 100) / 2 - b),
    "sqrt": lambda a, b: num.sqrt(a / b),
    "float": lambda a, b: num.as_float(a - b) + 0.1,
    "to_float32": lambda a, b: num.to_float32(a / b),
    "min": lambda a, b: num.minimum(a - b, b / 3),
    "max": lambda a, b: num.maximum(a, 3 * b),
    "where": lambda a, b: num.where(a < b, a / 3, b),
    "nested_where": lambda a, b: num.where(a < b, num.where(num.eq(a, 1), 7, b), num.where(b <= 3, a - b, 2)) * 2,
    "literals": lambda a, b: num.round_half_even(num.where(a < b, 1.5, 2.5)) + num.trunc(num.where(b < a, -1.5, 2.5)),
    "conditions": lambda a, b: num.where(((a < b) & (a <= 7)) | ~num.eq(b, 5) & (b < 100), 1, 0),
    "either_in_both": lambda a, b: num.where(((a < b) | (a <= 7)) & ((b < 9) | (a < 100)), 1, 0),
    "cast_compared": lambda a, b: num.where(num.as_float(a) < b * 0.5, 1, 0) + num.where(a <= b * 0.7, 2, 0),
    "minus_minus": lambda a, b: a - num.minimum(b - 9, -3) - (0 - b),
    "product_rounded_before_sum": lambda a, b: (a / 3) * (b / 7) + (b / 3) * (a / 11),
    "hash": lambda a, b: (a * 99338887 + b) % 2147483648 * 668265295 % 8589934592 // 4 * 99338887 // 2147483648,
    "exact_beyond_53_bits": lambda a, b: (a * 400000000000003 + b) % 1000,
    "negative_zero": lambda a, b: num.maximum(num.as_float(a - a * 1 - 1 + 1) * -0.5, (b - 20001) * 0.0),
}
"""Each operation on sides, below zero as well."""
FLOAT_DIVISIONS: dict[str, Callable[[Any, Any], Any]] = {
    "float_floordiv": lambda a, b: (a / 7 - 50.0) // 0.1,
    "float_mod": lambda a, b: (a / 7 - 50.0) % 0.3,
    "float_floordiv_negative": lambda a, b: (a / 7 - 50.0) // (0 - b / 3),
    "float_mod_negative": lambda a, b: (num.as_float(a) - 50.0) % (0 - b / 4),
}
"""Divisions with remainder of floats, which ONNX does not have."""
INTS, FLOATS, BOOLS = (3, 1, 4, 1, 500), (0.5, 2.0, 224.0, 1 / 3, 2.0), (False, True, False, True, True)
TABLES: dict[str, Callable[[Any, Any], Any]] = {
    "argmin": lambda a, b: num.argmin(num.table(INTS) * a % b),
    "argmin_of_floats": lambda a, b: num.argmin(num.maximum(num.table(FLOATS) * a, b)),
    "argmax": lambda a, b: num.argmax(num.table(INTS) // b),
    "argmax_of_conditions": lambda a, b: num.argmax((num.table(INTS) * a < b) & num.table(BOOLS)),
    "smallest": lambda a, b: num.smallest(num.table(INTS) * (a - b)),
    "largest": lambda a, b: num.largest(num.table(FLOATS) / b - a),
    "any": lambda a, b: num.where(num.any_of(num.eq(num.table(INTS) * b, a)), 1, 0),
    "take": lambda a, b: num.take(num.table(INTS), a % 5) + num.take(num.table(INTS) * b, a % 5),
    "take_of_table": lambda a, b: num.largest(num.take(num.table(FLOATS) * a, num.table((4, 0, 2))) - b),
    "choice": lambda a, b: num.take(num.table(INTS), num.argmax(num.where(num.table(FLOATS) * a <= b, num.table(FLOATS), -1.0))),
    "rounded": lambda a, b: num.largest(num.round_half_even(num.table(FLOATS) * a / b) + num.trunc(num.table(FLOATS) - a)),
    "single": lambda a, b: num.smallest(num.to_float32(num.table(FLOATS) / a)),
    "lengths": lambda a, b: num.argmin(num.table(INTS) * a) + num.argmax(num.table((5, 6, 7)) % b),
    "negated": lambda a, b: num.argmax(~(num.table(INTS) < b)),
    "roots": lambda a, b: num.smallest(num.sqrt(num.table(INTS) * a) * num.table(FLOATS)),
}
"""Operations on tables."""
WIDE_TABLES: dict[str, Callable[[Any, Any], Any]] = {
    "wide": lambda a, b: num.largest(num.table((1, 2, 3)) * a * 100000000000003 + b) % 1000,
    "wide_index": lambda a, b: num.argmin(num.table((1, 2, 3)) * a * 100000000000003 % b),
}
"""Tables of ints beyond 53 bits, which graphs refuse."""


def of_operations(in_graphs: bool = False) -> list[SizeFunction]:
    """Return a function for each operation on numbers and on tables, or for each that graphs have."""
    every = {**NUMBERS, **TABLES, **({} if in_graphs else {**FLOAT_DIVISIONS, **WIDE_TABLES})}
    return [SizeFunction(name, ("height", "width"), {"value": make(H, W)}) for name, make in every.items()]


REFUSED: dict[str, tuple[Callable[[Any, Any], Any], dict[Call, str | int]]] = {
    "product": (lambda a, b: a * a * a * a * a // b, {(0, (100, 7)): 1428571428, (0, (20000, 7)): TOO_LARGE}),
    "sum": (
        lambda a, b: (a * 400000000000000 + b * 400000000000000) % 7,
        {(0, (20000, 1000)): (21000 * 400000000000000) % 7, (0, (20000, 20000)): TOO_LARGE},
    ),
    "rounded": (lambda a, b: num.floor(num.as_float(a) * 1e15) % b, {(0, (9, 1000)): 0, (0, (20000, 7)): TOO_LARGE}),
    "ratio": (lambda a, b: num.floor(a * 10**13 / b), {(0, (9, 9)): 10**13, (0, (20000, 2)): TOO_LARGE}),
    "result": (lambda a, b: a * 10**14 + b, {(0, (9, 9)): 9 * 10**14 + 9, (0, (20000, 1)): TOO_LARGE}),
    "of a table": (
        lambda a, b: num.largest(num.table((1, 5)) * a * 10**14) % b,
        {(0, (9, 1000)): 0, (0, (20000, 7)): TOO_LARGE},
    ),
    "divisor": (lambda a, b: a // (b - 5), {(0, (9, 7)): 4, (0, (9, 5)): IMPOSSIBLE}),
    "remainder": (lambda a, b: a % (b - 5), {(0, (9, 7)): 1, (0, (9, 5)): IMPOSSIBLE}),
    "quotient": (lambda a, b: num.floor(a / (b - 5)), {(0, (9, 7)): 4, (0, (9, 5)): IMPOSSIBLE}),
    "root": (lambda a, b: num.trunc(num.sqrt(a - b)), {(0, (13, 4)): 3, (0, (4, 13)): IMPOSSIBLE}),
    "height": (
        lambda a, b: a + b,
        {(0, (1 << 20, 1)): (1 << 20) + 1, (0, (1 << 21, 1)): "height: " + WHOLE, (0, (0, 1)): "height: " + WHOLE},
    ),
    "width": (lambda a, b: a + b, {(0, (1, -1)): "width: " + WHOLE}),
}
"""Expressions with calls that are in range, and calls that are refused, each with its result or message."""


def calls_of(functions: Sequence[SizeFunction], each: int, seed: int = 0) -> list[Call]:
    """Return calls of each function: ordinary sides, strips, and sides near the function's own numbers and between them."""
    rng = random.Random(seed)
    calls = []
    for index, function in enumerate(functions):
        near = [*SIDES, *_thresholds(function)]
        draw = (
            lambda near=near: rng.choice(near),
            lambda: rng.randint(1, 100),
            lambda: rng.randint(1, 3000),
            lambda: int(2 ** rng.uniform(0, 14.28)),
        )
        fixed = [(1, 1), (1, LARGEST), (LARGEST, 1), (LARGEST, LARGEST)]
        for number in range(each):
            sides = [rng.choice(draw)() for _ in function.arguments]
            calls.append((index, (*fixed[number], *sides[2:])[: len(sides)] if number < len(fixed) else tuple(sides)))
    return calls


def _thresholds(function: SizeFunction) -> list[int]:
    """Return sides near the numbers of a function's expressions, where choices change, and odd halves of them, where ties are."""
    roots = [x for value in function.results.values() for x in elements(value)] + [c for c, _ in function.preconditions]
    numbers = {a for x in in_order(roots) if x.op not in ("symbol", "table") for a in x.args if isinstance(a, (int, float))}
    found = {int(n) + d for n in numbers if abs(n) <= LARGEST for d in (-1, 0, 1)}
    found |= {int(n * k / 2) for n in numbers if 1 < n <= LARGEST for k in (1, 3, 5)}
    return sorted(n for n in found if 1 <= n <= LARGEST)
