"""Calls of native kernels to try, each with the result of the numpy rule, and calls that no kernel may accept."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator

import numpy as np
from cases.every_class import FAMILIES, PIL, Variant, inputs_of, program
from cases.every_op import CASES, Case
from cases.kernel_moves import move
from support.graphs import images
from support.kernels import Array, Call, call_of, calls_of
from support.replays import Pair

from graphproc.errors import ShapeError
from graphproc.ir.op import Op
from graphproc.ir.types import TensorType
from graphproc.ops import ByteMap, Cast, Normalize, Pad, Resize, ResizeFloats
from graphproc.ops.resample import Resample
from graphproc.ops.resample.registry import ARITHMETICS
from graphproc.passes.pipeline import optimize

PROGRAMS = (*FAMILIES, *PIL[:2])
"""A program of each family, and two with Pillow's resizes."""


def of_row(case: Case) -> list[Pair]:
    """Return the calls of a row of an op; none if the op has no kernel."""
    return list(calls_of(case.program(), {"image": case.inputs(1)[0]}))


def of_variant(variant: Variant) -> Iterator[Pair]:
    """Yield the calls of a class's program, as the passes rewrite it, on two images with odd sides."""
    compiled = program(variant)
    for inputs in inputs_of(compiled, [images(1, 61, 43, 3)[0], images(1, 40, 97, 3)[0]]):
        yield from calls_of(optimize(compiled), inputs)


def at_random(seed: int, count: int) -> Iterator[Pair]:
    """Yield calls of resizes and moves with random sizes and settings; a seed gives the same ones each time."""
    rng = np.random.default_rng(seed)
    found = 0
    while found < count:
        op, x, layout = (_resize, _resample, _resize_floats, move)[rng.integers(4)](rng)
        type = TensorType({"uint8": "u8", "float32": "f32"}[x.dtype.name], x.shape, layout)
        try:
            op.infer(type)
        except ShapeError:
            continue  # the arithmetic does not have these settings
        call = call_of(op, (type,), [x])
        if call is not None:
            found += 1
            yield call, op.numpy(x)


def every(seed: int, count: int) -> Iterator[Pair]:
    """Yield the calls of all rows and programs, and some random ones."""
    for case in CASES:
        yield from of_row(case)
    for variant in PROGRAMS:
        yield from of_variant(variant)
    yield from at_random(seed, count)


def damaged(call: Call, rng: np.random.Generator) -> Call:
    """Return a call with one thing wrong, or odd: an attribute, a number among the inputs, a shape, or what is given at all."""
    attributes, inputs = dict(call.attributes), list(call.inputs)
    which = int(rng.integers(len(inputs)))
    odd = inputs[which]
    match rng.choice(["attribute", "number", "number", "number", "rank", "side", "fewer"]):
        case "attribute" if attributes:
            name = str(rng.choice([*attributes]))
            attributes[name] = [0, -1, "", "bilinear", (), (-1, 7), (2**62,) * 3, (float("nan"),) * 4][rng.integers(8)]
        case "number" if len(inputs) > 1 and any(x.size for x in inputs[1:]):
            which = int(rng.choice([i for i, x in enumerate(inputs) if i and x.size]))
            odd = inputs[which].copy()
            values = [0, -1, 1, 2**31 - 1, 2**31, 2**62, -(2**63)] if odd.dtype == np.int64 else [0, -1, 1e300, np.nan, np.inf]
            odd.reshape(-1)[rng.integers(odd.size)] = values[rng.integers(len(values))]
        case "rank":
            odd = odd[None] if rng.integers(2) else odd.reshape(-1)
        case "side":
            odd = odd[:0] if rng.integers(2) else np.concatenate([odd, odd]) if odd.ndim else odd
        case _:
            return Call(call.name, attributes, tuple(inputs[:-1]))
    inputs[which] = odd
    return Call(call.name, attributes, tuple(inputs))


def _side(rng: np.random.Generator) -> int:
    return int(rng.integers(1, 8) if rng.integers(3) == 0 else rng.integers(1, 300))


def _image(rng: np.random.Generator, shape: tuple[int, ...], dtype: str) -> Array:
    """Return noise, or black and white alone, in which sums of a resize are largest."""
    x = rng.integers(0, 256, shape) if rng.integers(3) else 255 * rng.integers(0, 2, shape)
    return x.astype(np.uint8) if dtype == "u8" else (x / 255).astype(np.float32) * np.float32(rng.normal())


def _resize(rng: np.random.Generator) -> tuple[Op, Array, str]:
    layout = str(rng.choice(["CHW", "HWC"]))
    channels = int(rng.integers(1, 5))
    sides, new = (_side(rng), _side(rng)), (_side(rng), _side(rng))
    top, left = (int(rng.integers(0, n)) for n in new)
    window = (top, left, int(rng.integers(1, new[0] - top + 1)), int(rng.integers(1, new[1] - left + 1)))
    extent = tuple(float(np.float32(rng.uniform(0.3, 1)) * n) for n in sides)
    op = Resize(
        *new,
        str(rng.choice(["nearest", "lanczos", "bilinear", "bicubic", "box", "hamming"])),
        str(rng.choice(["pillow", "torch_bytes"])),
        window if rng.integers(2) else (),
        layout,
    )
    if op.arithmetic == "pillow" and rng.integers(4) == 0:
        op = dataclasses.replace(op, extent=extent)
    if rng.integers(2):
        op = dataclasses.replace(op, map=_map(rng, channels))
    if rng.integers(3) == 0:
        before = rng.integers(0, 20, 2).tolist()
        kept = op.window[2:] or (op.height, op.width)
        lengths = [n + b + int(rng.integers(0, 20)) for n, b in zip(kept, before, strict=True)]
        fill = int(rng.integers(256)) if rng.integers(2) else tuple(rng.integers(0, 256, channels).tolist())
        op = dataclasses.replace(op, pad=Pad.canvas(*before, *lengths, fill))
    shape = (channels, *sides) if layout == "CHW" else (*sides, channels)
    return op, _image(rng, shape, "u8"), layout


def _resize_floats(rng: np.random.Generator) -> tuple[Op, Array, str]:
    layout = str(rng.choice(["CHW", "HWC"]))
    channels = int(rng.integers(1, 10))
    sides, new = (_side(rng), _side(rng)), (_side(rng), _side(rng))
    antialias = bool(rng.integers(2))
    op = ResizeFloats(
        *new,
        str(rng.choice(["bilinear", "bicubic"] if antialias else ["bilinear", "bilinear-aligned", "bicubic"])),
        antialias,
        str(rng.choice(["torch_floats", "torch_unfused"])),
        layout,
        _map(rng, channels) if rng.integers(3) else Cast("f32"),
        Normalize(tuple(rng.uniform(0, 1, channels)), tuple(rng.uniform(0.2, 1, channels))) if rng.integers(2) else None,
    )
    shape = (channels, *sides) if layout == "CHW" else (*sides, channels)
    return op, _image(rng, shape, "u8"), layout


def _map(rng: np.random.Generator, channels: int) -> ByteMap:
    def constants(low: float, high: float) -> tuple[float, ...]:
        return tuple(float(np.float32(c)) for c in rng.uniform(low, high, channels if rng.integers(2) else 1))

    rescale = ("mul", (float(np.float32(1 / 255)),))
    table = ("table", tuple(float(np.float32(v)) for v in rng.normal(size=256)))
    split = ("split", (0.00390625, float(np.float32(1 / 255 - 0.00390625))))
    normalize = (("sub", constants(0.2, 0.6)), ("div", constants(0.1, 0.4)))
    choices = [(rescale,), (table,), (split,), (rescale, *normalize), (("mul", constants(0, 1)), ("add", constants(-1, 1)))]
    return ByteMap(choices[rng.integers(len(choices))])


def _resample(rng: np.random.Generator) -> tuple[Op, Array, str]:
    rules = ARITHMETICS[str(rng.choice([*ARITHMETICS]))]
    antialias = bool(rng.integers(2)) and bool(rules.antialiased)
    filters = rules.filters(antialias) or rules.filters(not antialias)
    antialias = antialias if rules.filters(antialias) else not antialias
    op = Resample(_side(rng), _side(rng), str(rng.choice([*filters])), antialias, rules.name)
    shape = (int(rng.integers(1, 5)), _side(rng), _side(rng))
    return op, _image(rng, shape, str(rng.choice(["u8", "f32"]))), "CHW"
