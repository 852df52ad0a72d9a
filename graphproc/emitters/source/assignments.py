"""Flatten a size function to steps in order: assignments, loops over tables, and checks.

Expressions share subterms, and some of their numbers fit 64 bits, or 53, only for sides that images
have. So what a language prints is made here, once for all: what gets a name, in which order, and
what is checked.

- A subterm that is used more than once is an assignment; others stay inside their user.
- Tables are computed element by element in loops. As much as possible is one loop.
- Whole numbers are exact up to `WIDEST`, and up to `EXACT` where they become floats or results.
  Bounds prove it for arguments up to `LIMIT`; where they do not, a check stands before the
  operation. Beyond, Python's numbers and 64 bits would differ.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from graphproc.errors import EmitError, ProgramError
from graphproc.sizes import num
from graphproc.sizes.bounds import Bounds, bounds
from graphproc.sizes.expression import REDUCERS
from graphproc.sizes.function import SizeFunction
from graphproc.sizes.num import Bool, Num, Sym

LIMIT = 1 << 20
"""The largest side in pixels that generated code takes."""
EXACT = 1 << 53
"""Whole numbers up to this are exact in float64."""
WIDEST = 9 * 10**18
"""Whole numbers up to this fit 64 bits, even if a float64 says so that was rounded a few times."""
EXACTNESS = f"Whole numbers are exact: bounds prove it for sides up to {LIMIT} pixels, or a check refuses the size."
"""What is said in languages with whole numbers of 64 bits."""
TOO_LARGE = "the image is too large: a number that its sizes lead to has no exact 64 bits"
IMPOSSIBLE = "no result: the sizes lead to a division by zero or to the root of a negative number"

MOST_OPERATIONS = 6
"""How many operations one statement may have."""
_ROUNDED = ("trunc", "floor", "ceil", "round")
_ARITHMETIC = ("add", "sub", "mul")
_NOUNS = {
    "add": "sum",
    "sub": "difference",
    "mul": "product",
    "truediv": "ratio",
    "floordiv": "quotient",
    "mod": "remainder",
    "trunc": "truncated",
    "floor": "rounded_down",
    "ceil": "rounded_up",
    "round": "rounded",
    "sqrt": "root",
    "min": "smaller",
    "max": "larger",
    "float": "real",
    "to_float32": "single",
    "where": "choice",
    "table": "table",
    "take": "element",
    "argmin": "index",
    "argmax": "index",
    "smallest": "smallest",
    "largest": "largest",
    "any": "is_any",
}
"""What the result of an operation is called; a condition is `holds`."""


@dataclass(frozen=True)
class Assign:
    """Give a name to the value of an expression."""

    value: Sym


@dataclass(frozen=True)
class Require:
    """Refuse the arguments with a message unless a condition holds."""

    condition: Bool
    message: str


@dataclass(frozen=True)
class Loop:
    """Do steps for each element of tables of one length."""

    length: int
    steps: tuple[Assign | Require, ...]


@dataclass(frozen=True)
class Argument:
    """Describe an argument: a whole number from `low` to `high`; None is no limit."""

    name: str
    low: int
    high: int | None

    @property
    def message(self) -> str:
        """Return what those are told who give something else."""
        limit = "" if self.high is None else f" to {self.high}"
        return f"{self.name}: expected a whole number from {self.low}{limit}"


@dataclass(frozen=True)
class Body:
    """Hold a size function as steps.

    Attributes:
        function: the function.
        arguments: what its arguments may be.
        steps: in order; each reads symbols, and names of steps before.
        names: words for what has a name, each once: assigned expressions, and tables of known
            numbers.
        kept: those elements of loops that are read behind their loop: as tables.
        bounds: the bounds of each number, for arguments within their limits.
    """

    function: SizeFunction
    arguments: tuple[Argument, ...]
    steps: tuple[Assign | Require | Loop, ...]
    names: Mapping[Sym, str]
    kept: frozenset[Sym]
    bounds: Mapping[Sym, Bounds]

    def low(self, x: Num) -> float:
        """Return the least that a number can be."""
        return self.bounds[x][0] if isinstance(x, Sym) and x in self.bounds else num.low(x)

    def within(self, x: Num, limit: float) -> bool:
        """Return whether a number is proven to be within `[-limit, limit]`."""
        low, high = self.bounds[x] if isinstance(x, Sym) and x in self.bounds else (num.low(x), num.high(x))
        return -limit <= low and high <= limit

    @property
    def tables(self) -> dict[Sym, str]:
        """Return the tables of known numbers, with their names."""
        return {x: name for x, name in self.names.items() if x.op == "table"}


def elements(value: Num | tuple[Num, ...]) -> tuple[Num, ...]:
    """Return the numbers of a result in order."""
    return value if isinstance(value, tuple) else (value,)


def in_order(roots: Iterable[Any], seen: set[Sym] | None = None) -> Iterator[Sym]:
    """Yield the expressions that some are made of, each once, operands first.

    Args:
        roots: expressions, numbers and conditions.
        seen: those of earlier calls, which are left out; the new ones are added.
    """
    seen = set() if seen is None else seen
    waiting: list[tuple[Any, bool]] = [(x, False) for x in reversed(list(roots))]
    while waiting:
        x, ready = waiting.pop()
        if not isinstance(x, Sym) or x in seen:
            continue
        if ready:
            seen.add(x)
            yield x
        else:
            waiting.append((x, True))
            waiting += [(a, False) for a in reversed(_operands(x))]


def _operands(x: Sym) -> list[Sym]:
    return [a for a in x.args if isinstance(a, Sym)] if x.op not in ("symbol", "table") else []


def flatten(function: SizeFunction, limit: int | None = LIMIT, inline: bool = True) -> Body:
    """Return the steps of a size function.

    Args:
        function: the function.
        limit: the largest value of each argument; None for a language with whole numbers of any
            length, which needs no checks.
        inline: whether operations that are used once stay inside their user; if not, each is an
            assignment, also of tables, and there are no loops.

    Raises:
        EmitError: there are no results.
        ProgramError: no arguments meet a precondition.
    """
    if never := [message for holds, message in function.preconditions if holds is False]:
        raise ProgramError(f"{function.name}: {never[0]} No image is taken with these settings.")
    if not function.results:
        raise EmitError(f"{function.name}: pixels decide all numbers of its results, so that no function of sizes has them.")
    results = [x for value in function.results.values() for x in elements(value)]
    every = list(in_order([*(holds for holds, _ in function.preconditions), *results]))
    found = bounds(every, limit) if limit is not None else {}
    lows = {x.args[0]: int(x.low) for x in every if x.op == "symbol"}
    arguments = tuple(Argument(name, lows.get(name, 1), limit) for name in function.arguments)
    body = Body(function, arguments, (), {}, frozenset(), found)
    events = list(_events(body, results, guarded=limit is not None, tables=not inline))
    places = {event.value: place for event, place in events if isinstance(event, Assign)}
    named, kept = _named(events, places, results) if inline else (set(places), set())
    steps = _arranged(events, named) if inline else [event for event, _ in events]
    tables = {x: None for x in every if x.op == "table"} if inline else {}
    return Body(
        function, arguments, tuple(steps), _words(function, [*tables, *places], named.union(tables)), frozenset(kept), found
    )


Place = tuple[int, int]
"""When a step can happen: its phase, and how many tables must be complete before, one after the other."""
Event = tuple[Assign | Require, Place]


def _events(body: Body, results: Sequence[Num], guarded: bool, tables: bool) -> Iterator[Event]:
    """Yield every operation and check in order, with its place.

    Preconditions come first, each a phase, because those behind one may rely on it.

    Args:
        body: the function, with bounds.
        results: its results.
        guarded: whether to check what bounds do not prove.
        tables: whether tables are values as numbers are, not made in loops: also those of known
            numbers are assignments then, and one check is for all elements.
    """
    seen: set[Sym] = set()
    places: dict[Sym, int] = {}

    def computed(phase: int, roots: Iterable[Any]) -> Iterator[Event]:
        for x in in_order(roots, seen):
            for each, message in _guards(body, x) if guarded else ():
                condition = for_all(each) if tables else each
                if condition not in seen:
                    yield from computed(phase, [condition])
                    yield Require(condition, message), (phase, places[condition])
            complete = _complete(x)
            places[x] = max((places[a] + (a in complete) for a in _operands(x)), default=0)
            if x.op != "symbol" and (tables or x.op != "table"):
                yield Assign(x), (phase, places[x])

    conditions = body.function.preconditions
    for phase, (holds, message) in enumerate(conditions):
        yield from computed(phase, [holds])
        yield Require(holds, message), (phase, places[holds] if isinstance(holds, Sym) else 0)
    yield from computed(len(conditions), results)
    for x in dict.fromkeys(x for x in results if isinstance(x, Sym)):
        if guarded and x.kind == "int" and not body.within(x, EXACT):
            yield from computed(len(conditions), [within(x, EXACT)])
            yield Require(within(x, EXACT), TOO_LARGE), (len(conditions), places[x])


def _complete(x: Sym) -> list[Sym]:
    """Return the operands that must be whole tables: all their elements, not only the one at hand."""
    whole = x.args[:1] if x.op in (*REDUCERS, "take") else ()
    return [a for a in whole if isinstance(a, Sym) and a.length and a.op != "table"]


def within(x: Num, limit: int) -> Sym:
    """Return the condition that a number is within `[-limit, limit]`; it is false for NaN."""
    edge: float = float(limit) if num.kind_of(x) == "float" else limit
    return Sym("and", (Sym("le", (-edge, x), "bool"), Sym("le", (x, edge), "bool")), "bool")


def _guards(body: Body, x: Sym) -> Iterator[tuple[Sym, str]]:
    """Yield the conditions, each with a message, without which an operation has no exact result in 64 bits."""
    numbers = [a for a in x.args if num.kind_of(a) != "bool"] if x.op not in ("symbol", "table") else []
    kinds = {num.kind_of(a) for a in numbers}
    if x.op == "truediv" or kinds == {"int", "float"}:
        yield from ((within(a, EXACT), TOO_LARGE) for a in numbers if num.kind_of(a) == "int" and not body.within(a, EXACT))
    if x.op in ("truediv", "floordiv", "mod"):
        divisor = x.args[1]
        if body.low(divisor) <= 0 and isinstance(divisor, Sym) and body.bounds[divisor][1] >= 0:
            yield Sym("not", (Sym("eq", (divisor, 0), "bool"),), "bool"), IMPOSSIBLE
    if x.op == "sqrt" and body.low(x.args[0]) < 0:
        yield Sym("le", (0, x.args[0]), "bool"), IMPOSSIBLE
    if x.kind == "int" and not body.within(x, WIDEST):
        if x.op in _ROUNDED:
            yield within(x.args[0], WIDEST), TOO_LARGE
        elif x.op in _ARITHMETIC:
            floats = tuple(Sym("float", (a,), "float") if isinstance(a, Sym) and a.kind == "int" else float(a) for a in x.args)
            yield within(Sym(x.op, floats, "float"), WIDEST), TOO_LARGE  # in floats, which do not overflow


def for_all(condition: Sym) -> Sym:
    """Return the condition that one holds for each element of a table."""
    if not condition.length:
        return condition
    broken = Sym("any", (Sym("not", (condition,), "bool"),), "bool")
    return Sym("not", (broken,), "bool")


def _named(events: Sequence[Event], places: Mapping[Sym, Place], results: Sequence[Num]) -> tuple[set[Sym], set[Sym]]:
    """Return which expressions get a name, and which of them are elements that are read behind their loop."""
    uses = Counter(x for x in results if isinstance(x, Sym))
    uses.update(event.condition for event, _ in events if isinstance(event, Require) and isinstance(event.condition, Sym))
    named: set[Sym] = set()
    kept: set[Sym] = set()
    for user, place in places.items():
        for a in _operands(user):
            uses[a] += 1
            if user.length and not a.length:
                named.add(a)  # else a loop would compute it again and again
            if a.length and (a in _complete(user) or places.get(a, place) != place):
                named.add(a)
                kept.add(a)
    operations: dict[Sym, int] = {}
    for event, _ in events:
        if isinstance(event, Assign):
            x = event.value
            operations[x] = 1 + sum(operations[a] for a in _operands(x) if a in operations and a not in named)
            if uses[x] > 1 or operations[x] > MOST_OPERATIONS:
                named.add(x)
    return named.intersection(places), kept.intersection(places)


def _arranged(events: Sequence[Event], named: set[Sym]) -> Iterator[Assign | Require | Loop]:
    """Yield the steps: at each place numbers first, then a loop for each length of tables."""
    for place in sorted({place for _, place in events}):
        loops: dict[int, list[Assign | Require]] = {}
        for event, at in events:
            value = event.value if isinstance(event, Assign) else event.condition
            if at != place or (isinstance(event, Assign) and value not in named):
                continue
            if isinstance(value, Sym) and value.length:
                loops.setdefault(value.length, []).append(event)
            else:
                yield event
        for length, steps in loops.items():
            yield Loop(length, tuple(steps))


def _words(function: SizeFunction, expressions: Sequence[Sym], named: set[Sym]) -> dict[Sym, str]:
    """Return a name for each expression that gets one: after the result that it is, or else after its operation."""
    wished: dict[Sym, str] = {}
    for name, value in sorted(function.results.items(), key=lambda item: len(elements(item[1]))):
        for i, x in enumerate(elements(value)):
            if isinstance(x, Sym):
                wished.setdefault(x, f"{name}_{i}" if isinstance(value, tuple) else name)
    names = Names({*function.arguments, "Infinity", "NaN"})  # which mean numbers in JSON
    return {x: names.new(wished.get(x) or _NOUNS.get(x.op, "holds")) for x in expressions if x in named}


class Names:
    """Give out names, each once.

    Attributes:
        taken: the names that are in use.
    """

    def __init__(self, taken: Iterable[str] = ()) -> None:
        """Begin with names that are taken."""
        self.taken = set(taken)

    def new(self, name: str) -> str:
        """Return an identifier like a name, with a number if it is taken already."""
        plain = re.sub(r"\W", "_", name, flags=re.ASCII)
        plain = f"n{plain}" if not plain or plain[0].isdigit() else plain
        found, count = plain, 1
        while found in self.taken:
            count += 1
            found = f"{plain}_{count}"
        self.taken.add(found)
        return found
