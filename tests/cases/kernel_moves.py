"""Random moves and maps of bytes, for the kernels that do them."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence

import numpy as np
from support.kernels import Array

from graphproc.ir.op import Op
from graphproc.ops import ByteMap, Rearrange, RearrangeMapped, ToChannelsFirst

LENGTHS = (1, 1, 2, 3, 3, 4, 5, 7, 8, 9, 14, 16, 17, 31, 33, 65, 130)
"""Lengths of parts: lines of bytes around the lengths for which a kernel has a loop of its own."""
USUAL = (
    "c (gh mh p) (gw mw q) -> (gh gw mh mw) (c t p q)",
    "c (gh p) (gw q) -> (gh gw) (p q c)",
    "c (r h) (k w) -> (r k) c h w",
    "h w c -> c h w",
)
"""Patterns of classes, and a change of layout; `c` has three channels more often than not."""
MOST = 40_000
"""The most elements of an operand."""


def move(rng: np.random.Generator) -> tuple[Op, Array, str]:
    """Return a rearrangement, with a map or without, a change of layout, or a map alone; its operand and layout."""
    if rng.integers(12) == 0:
        return ToChannelsFirst(), noise(rng, (int(rng.integers(1, 90)), int(rng.integers(1, 90)), int(rng.integers(1, 5)))), "HWC"
    op, x = usual(rng) if rng.integers(3) == 0 else rearrangement(rng)
    if rng.integers(2):
        return op, x, ""
    result = op.numpy(x).shape
    map = mapping(rng, result)
    return (RearrangeMapped.of(op, map), x, "") if rng.integers(3) else (map, noise(rng, result), "")


def usual(rng: np.random.Generator) -> tuple[Rearrange, Array]:
    """Return a rearrangement with a pattern of classes and random lengths, and its operand."""
    pattern = str(rng.choice(USUAL))
    left, right = (re.findall(r"\((.*?)\)|(\w+)", side) for side in pattern.split("->"))
    lengths = {name: int(rng.integers(1, 4)) for groups in (left, right) for group in groups for name in "".join(group).split()}
    lengths |= {name: int(rng.integers(1, 40)) for name in ("p", "q", "h", "w") if name in lengths}
    lengths["c"] = 3 if rng.integers(4) else int(rng.integers(1, 5))
    shape = tuple(math.prod(lengths[name] for name in "".join(group).split()) for group in left)
    return Rearrange(pattern, tuple(lengths.items())), noise(rng, shape)


def rearrangement(rng: np.random.Generator) -> tuple[Rearrange, Array]:
    """Return a rearrangement of random parts, some of them repeated or left out of `sizes`, and its operand."""
    lengths = {f"p{i}": int(rng.choice(LENGTHS)) for i in range(rng.integers(1, 7))}
    while math.prod(lengths.values()) > MOST:
        lengths[str(rng.choice([*lengths]))] = 1
    if rng.integers(8) == 0:
        lengths[str(rng.choice([*lengths]))] = int(rng.choice([0, 1000, 4097]) if len(lengths) < 3 else 0)
    times = {f"t{i}": int(rng.choice([1, 2, 2, 3, 7])) for i in range(rng.choice([0, 0, 1, 2]))}
    wanted = [*lengths, *times]
    if rng.integers(5):
        rng.shuffle(wanted)
    left, right = _groups([*lengths], rng), _groups(wanted, rng)
    pattern = " -> ".join(" ".join(f"({' '.join(group)})" if group else "1" for group in side) for side in (left, right))
    found = [str(rng.choice(group)) for group in left if group and all(lengths[name] for name in group)]
    given = {name: length for name, length in (lengths | times).items() if name not in found or rng.integers(2)}
    shape = tuple(math.prod(lengths[name] for name in group) for group in left)
    return Rearrange(pattern, tuple(given.items())), noise(rng, shape)


def mapping(rng: np.random.Generator, shape: Sequence[int]) -> ByteMap:
    """Return a map of one to three operations with constants for the channels that an axis of a shape may have."""
    axis = -int(rng.integers(1, len(shape) + 1))
    length = shape[axis]
    channels = int(rng.choice([n for n in range(1, 65) if length and length % n == 0] or [1]))
    each = int(rng.choice([n for n in range(1, 1 + length // channels) if length // channels % n == 0] or [1]))

    def constants(low: float, high: float) -> tuple[float, ...]:
        return tuple(float(np.float32(c)) for c in rng.uniform(low, high, channels if rng.integers(3) else 1))

    first = {
        "table": ("table", tuple(float(np.float32(v)) for v in rng.normal(size=256))),
        "split": ("split", (0.00390625, float(np.float32(rng.uniform(0, 0.001))))),
        "mul": ("mul", constants(0, 1)),
    }[str(rng.choice(["table", "split", "mul"]))]
    rest = [("sub", constants(-2, 200)), ("div", constants(0.1, 300)), ("add", constants(-9, 9)), ("mul", constants(-1, 9))]
    chosen = [rest[i] for i in rng.permutation(4)[: rng.integers(1, 4)]]
    return ByteMap((first, *chosen) if rng.integers(2) else tuple(chosen), axis, each)


def noise(rng: np.random.Generator, shape: Sequence[int]) -> Array:
    """Return random bytes."""
    return rng.integers(0, 256, shape, np.uint8)


def _groups(names: Sequence[str], rng: np.random.Generator) -> list[list[str]]:
    """Return names in groups of one to three, and some empty groups between."""
    groups, rest = [], [*names]
    while rest:
        if rng.integers(10) == 0:
            groups.append([])
        count = int(rng.integers(1, 4))
        groups.append(rest[:count])
        rest = rest[count:]
    return groups
