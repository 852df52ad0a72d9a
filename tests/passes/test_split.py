"""A program in two parts: both compute what the whole does, and a reason where its map of bytes does not come last."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest
import tiers
from cases.every_class import Variant, inputs_of, program
from cases.splits import BOTH, FEW, SPLIT, mapped

from graphproc.errors import ProgramError
from graphproc.executors import reference
from graphproc.ir.parse import parse
from graphproc.ir.program import Program
from graphproc.joins import STACK, Pad
from graphproc.passes.base import Declined
from graphproc.passes.split import Split, required, split

IMAGE = np.random.default_rng(3).integers(0, 256, (60, 77, 3), dtype=np.uint8)


def chain(*ops: str, join: str = "stack", image: str = "u8[height, width, 3] HWC") -> Program:
    """Return a program of ops, one after the other, with one output."""
    lines, x = ["program Example", f"input image: {image}"], "image"
    for number, op in enumerate(("to_channels_first", *ops)):
        lines.append(f"v{number} = {op}({x})")
        x = f"v{number}"
    return parse("\n".join([*lines, f"output y = {x}: {join}"]))


NORMALIZE = "normalize<mean=[0.5, 0.4, 0.3], std=[0.2, 0.3, 0.4]>"
HALF = "normalize<mean=[127.5], std=[127.5]>"
RESCALE = 'rescale<factor=0.00392156862745098, precision="f32">'
PATCHES = (
    'rearrange<pattern="c (h p) (w q) -> (h w) (c t p q)", sizes=[["p", 2], ["q", 2], ["t", 2], ["h", 3], ["w", 4]], layout="PF">'
)
CANVAS = "pad<axes=[-2, -1], before=[0, 0], lengths=[9, 9]>"
RESIZE = 'resample<height=5, width=5, filter="bilinear", arithmetic="torch_floats">'
COLUMNS = 'rearrange<pattern="c h w -> h (w c)", layout="PF">'
SMALL = "u8[6, 8, 3] HWC"


def parts_of(program: Program) -> Split:
    found = split(program)
    assert isinstance(found, Split), found.reason
    return found


# --- what is split


@pytest.mark.parametrize(
    ("ops", "place"),
    [
        ((NORMALIZE,), (-3, 1)),
        ((RESCALE, NORMALIZE), (-3, 1)),
        (('cast<dtype="f32">', NORMALIZE), (-3, 1)),
        (('cast<dtype="f32">',), (-3, 1)),
        ((NORMALIZE, "select_channels<order=[2, 0, 1]>"), (-3, 1)),
        ((NORMALIZE, PATCHES), (-1, 8)),
        ((HALF, PATCHES), (-1, 8)),
        ((RESCALE, "pad<axes=[-2, -1], before=[1, 2], lengths=[9, 11]>"), (-3, 1)),
        ((RESCALE, "pad<axes=[-2, -1], before=[1, 2], lengths=[9, 11], value=1.0>"), (-3, 1)),
        ((NORMALIZE, 'pad<axes=[-2, -1], before=[1, 2], lengths=[9, 11], mode="reflect">'), (-3, 1)),
    ],
    ids=lambda v: ", ".join(op.partition("<")[0] for op in v) if isinstance(v[0], str) else "",
)
def test_both_parts_compute_what_the_whole_does(ops: tuple[str, ...], place: tuple[int, int]) -> None:
    whole = chain(*ops, image=SMALL)
    found = parts_of(whole)
    image = IMAGE[:6, :8]
    wanted = reference.run(whole, {"image": image})["y"]
    bytes_ = reference.run(found.bytes, {"image": image})["y"]
    assert bytes_.dtype == np.uint8
    assert mapped(found, "y", bytes_).tobytes() == wanted.tobytes()
    map = found.mapped["y"].map
    if map.channels > 1:
        assert (map.axis, map.each) == place


@pytest.mark.parametrize("variant", tiers.rows(SPLIT, FEW), ids=str)
def test_every_class_is_the_sum_of_its_parts_in_numpy(variant: Variant) -> None:
    whole = program(variant)
    found = parts_of(whole)
    (inputs,) = inputs_of(whole, [IMAGE])
    wanted, results = reference.run(whole, inputs), reference.run(found.bytes, inputs)
    assert list(results) == list(wanted)
    for name, want in wanted.items():
        have = results[name]
        if name in found.mapped:
            assert have.dtype == np.uint8
            line = found.mapped[name].affine()
            near = have * line.scale + line.offset
            assert near.shape == want.shape
            assert abs(near.astype(np.float64) - want).max(initial=0) <= line.bound
            have = mapped(found, name, have)
        assert (have.dtype, have.shape, have.tobytes()) == (want.dtype, want.shape, want.tobytes()), name


def test_a_canvas_is_of_bytes_that_are_mapped_to_its_value() -> None:
    whole = chain(RESCALE, "pad<axes=[-2, -1], before=[0, 0], lengths=[9, 9], value=1.0>", image=SMALL)
    assert any("value=255" in line for line in str(parts_of(whole).bytes).split("\n"))


def test_channels_with_other_maps_get_other_bytes() -> None:
    third = "normalize<mean=[10, 20, 30], std=[1, 1, 1]>"
    whole = chain(third, "pad<axes=[-2, -1], before=[0, 0], lengths=[9, 9], value=5>", image=SMALL)
    assert "value=[15, 25, 35]" in str(parts_of(whole).bytes)


def test_outputs_that_are_no_floats_of_pixels_stay() -> None:
    found = parts_of(program(Variant("DetrImageProcessor")))
    assert [output.name for output in found.bytes.outputs] == ["pixel_mask", "pixel_values"]
    assert list(found.mapped) == ["pixel_values"]


# --- joins


def test_padding_with_what_no_byte_is_mapped_to_is_left_out() -> None:
    found = parts_of(chain(NORMALIZE, join="pad"))
    assert (found.mapped["y"].padded, found.bytes.outputs[0].join) == (0, STACK)
    found = parts_of(chain(RESCALE, join="pad<fill=1>"))
    assert (found.mapped["y"].padded, found.bytes.outputs[0].join) == (None, Pad(255))


@pytest.mark.parametrize(
    ("ops", "join", "reason"),
    [
        ((NORMALIZE, CANVAS), "stack", "pad comes behind the map of bytes, and no byte is mapped to 0"),
        ((RESCALE, CANVAS.replace(">", ", value=-0.0>")), "stack", "no byte is mapped to -0"),
        ((RESCALE, "grayscale<fused=True>"), "stack", "grayscale comes behind the map of bytes"),
        ((RESCALE, RESIZE, NORMALIZE), "stack", "resample comes behind the map of bytes"),
        ((RESCALE, "select_channels<order=[2, 1, 0]>", NORMALIZE), "stack", "normalize comes behind the map of bytes"),
        (("rescale<factor=2.0>", 'cast<dtype="f64">'), "stack", "cast comes behind the map of bytes"),
        ((NORMALIZE, COLUMNS), "concatenate<axis=-1>", "along the axis of the channels"),
        ((), "stack", "no output is a map of bytes to floats"),
    ],
    ids=lambda v: v if isinstance(v, str) else None,
)
def test_why_a_program_is_not_split(ops: tuple[str, ...], join: str, reason: str) -> None:
    whole = chain(*ops, join=join, image=SMALL)
    found = split(whole)
    assert isinstance(found, Declined), found
    assert reason in found.reason
    with pytest.raises(ProgramError, match=r"Example: it cannot be split into bytes and their map. .*Leave split out"):
        required(whole)


def test_every_class_is_split_or_says_why() -> None:
    reasons = Counter()
    for variant in BOTH:
        found = split(program(variant))
        reasons[found.reason.rpartition(": ")[2] if isinstance(found, Declined) else "split"] += 1
    for reason, count in sorted(reasons.items()):
        print(f"{count:4} {reason}")
    assert reasons["split"] == len(SPLIT)
    assert sum(reasons.values()) == len(BOTH)
    assert all(reason == "split" or "behind the map" in reason or "no output is a map" in reason for reason in reasons)
