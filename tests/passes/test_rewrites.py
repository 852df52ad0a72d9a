"""Each pass: what it rewrites, where it declines, that results keep their bits, and that a second run changes nothing."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import tiers
from every_class import Variant, inputs_of, program, results_of
from graphs import assert_same, emit_unoptimized, images, ort
from hypothesis import example, given
from hypothesis import strategies as st
from strategies import factors, filters, plain_settings, small_sides, statistics

from graphproc.emitters.onnx.emit import EmitOptions
from graphproc.errors import ProgramError
from graphproc.executors import reference
from graphproc.ir.op import Op
from graphproc.ir.program import Output, Parity, Program, ProgramBuilder, image_input, verify
from graphproc.ir.types import TensorType
from graphproc.ops import (
    ByteMap,
    CenterCrop,
    CompositeOnWhite,
    Concat,
    Crop,
    MirrorPad,
    MultiplyAdd,
    Normalize,
    Pad,
    Rearrange,
    Rescale,
    Resize,
    SelectChannels,
    ToChannelsFirst,
)
from graphproc.ops.resample import TORCH_BYTES, TORCH_FLOATS, Resample
from graphproc.passes.absorb_layout import AbsorbLayout
from graphproc.passes.base import Pass
from graphproc.passes.crop_into_resize import CropIntoResize
from graphproc.passes.fold_byte_map import FoldByteMap
from graphproc.passes.late_byte_map import LateByteMap
from graphproc.passes.late_channels import LateChannels
from graphproc.passes.lower_resample import LowerResample
from graphproc.passes.map_into_resize import MapIntoResize
from graphproc.passes.pipeline import PASSES, optimize
from graphproc.processors.registry import rows
from graphproc.sizes import num, rules

H, W = num.symbol("height"), num.symbol("width")
MEAN, STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
FIRST = ToChannelsFirst()


def chain(*ops: Op, channels: int = 3, dtype: str = "u8") -> Program:
    """A program of ops one after the other."""
    b = ProgramBuilder("Example", Parity("itself"))
    x = image_input(b, channels=channels, dtype=dtype)
    for op in ops:
        x = b.add(op, x)
    b.output("y", x)
    return b.finish()


def op_names(program: Program) -> list[str]:
    return [step.op.name for step in program.steps]


def assert_equivalent(before: Program, after: Program, *sizes: tuple[int, int], runtime: bool = True) -> None:
    """The same bits on the numpy executor and in ONNX Runtime, where the rewritten steps are emitted as they stand."""
    verify(after)
    channels = before.inputs[0].type.shape[-1]
    run = ort(emit_unoptimized(after, EmitOptions())) if runtime else None
    for height, width in sizes:
        x = images(1, height, width, channels)
        wanted = reference.run(before, {"image": x[0]})
        found = reference.run(after, {"image": x[0]})
        for key, value in wanted.items():
            assert_same(found[key], value, f"{key} of {height} x {width}")
            if run:
                assert_same(run({"images": x})[key], value[None], f"{key} of {height} x {width}, ONNX Runtime")


# --- all passes


@pytest.mark.parametrize("step", PASSES, ids=lambda p: p.name)
def test_passes_declare_themselves(step: Pass) -> None:
    assert step.name == step.name.lower()
    assert type(step).__doc__


def test_names_are_unique() -> None:
    assert len({step.name for step in PASSES}) == len(PASSES) == 6


UNCHANGED = (
    "InklingImageProcessor",
    "Inkling2ImageProcessor",
    "Kosmos2_5ImageProcessor",
    "Llama4ImageProcessor",
    "NemotronH_Omni_Reasoning_V3ImageProcessor",
    "Pix2StructImageProcessor",
    "PPOCRV5ServerDetImageProcessor",
    "PPOCRV5ServerRecImageProcessor",
)
"""Classes without a step that a pass rewrites: the pixels of most are floats from the first one on,
and those of Llama 4 go through a table that is a map of bytes already."""


@pytest.mark.parametrize("color", ["rgb", "gray"])
@pytest.mark.parametrize("variant", tiers.classes(), ids=str)
def test_every_processor_keeps_its_results(variant: Variant, color: str) -> None:
    """With the further inputs; how results join is as before."""
    before = program(variant, color)
    after = optimize(before)
    assert (op_names(after) == op_names(before)) == (variant.name in UNCHANGED)
    assert (after.inputs, after.measured, after.preconditions) == (before.inputs, before.measured, before.preconditions)
    assert [replace(o, value="") for o in after.outputs] == [replace(o, value="") for o in before.outputs]
    verify(after)
    for size in ((37, 33), (32, 50)):  # some classes need 28 or 32 pixels
        inputs = inputs_of(before, images(1, *size, before.inputs[0].type.shape[-1]))
        for want, have in zip(results_of(before, inputs), results_of(after, inputs), strict=True):
            assert list(have) == list(want)
            for key, value in want.items():
                assert_same(have[key], value, f"{key} of {size}")


@given(plain_settings(), st.sampled_from(("rgb", "bgr", "rgba", "gray")), small_sides, small_sides)
@example({"size": {"height": 1, "width": 1}, "resample": 0}, "rgb", 1, 1)
def test_plain_settings_keep_their_results(settings: dict[str, Any], color: str, height: int, width: int) -> None:
    row = rows()["CLIPImageProcessor"]
    program = row.program(row.config(settings), color=color)
    after = optimize(program)
    try:
        program.bind(height=height, width=width)
    except ProgramError:
        with pytest.raises(ProgramError):
            after.bind(height=height, width=width)
        return
    assert_equivalent(program, after, (height, width))


@given(plain_settings(), st.sampled_from(("rgb", "bgr", "rgba", "gray")))
def test_each_pass_is_idempotent(settings: dict[str, Any], color: str) -> None:
    row = rows()["CLIPImageProcessor"]
    program = row.program(row.config(settings), color=color)
    for step in PASSES:
        program = step.run(program).program
        assert step.run(program).program == program, step.name
    assert optimize(program) == program


@pytest.mark.parametrize("step", PASSES, ids=lambda p: p.name)
def test_a_program_is_not_changed_in_place(step: Pass) -> None:
    program = chain(FIRST, SelectChannels((2, 1, 0)), Resize(9, 7, "box"), CenterCrop(4, 4), Rescale(0.5))
    text = str(program)
    step.run(program)
    assert str(program) == text


# --- late channels


@pytest.mark.parametrize("geometry", [Resize(9, 7, "bicubic"), CenterCrop(4, 12), Pad(1, 2, 50, 60, 7)], ids=lambda op: op.name)
@pytest.mark.parametrize(("order", "channels"), [((2, 1, 0), 3), ((0, 0, 0), 1), ((1,), 3)])
def test_selection_moves_behind_geometry(geometry: Op, order: tuple[int, ...], channels: int) -> None:
    program = chain(FIRST, SelectChannels(order), geometry, channels=channels)
    after = LateChannels().run(program).program
    assert op_names(after) == ["to_channels_first", geometry.name, "select_channels"]
    assert_equivalent(program, after, (11, 8))


def test_selection_moves_behind_all_geometry() -> None:
    program = chain(FIRST, SelectChannels((2, 1, 0)), Resize(9, 7, "box"), CenterCrop(4, 4), Pad(0, 0, 5, 5), Rescale(0.5))
    after = LateChannels().run(program).program
    assert op_names(after) == ["to_channels_first", "resize", "center_crop", "pad", "select_channels", "rescale"]
    assert_equivalent(program, after, (11, 8))


@pytest.mark.parametrize(
    ("orders", "channels", "merged"),
    [
        (((2, 1, 0), (1, 0, 2)), 3, (1, 2, 0)),
        (((2, 1, 0), (2, 1, 0)), 3, None),
        (((0, 0, 0), (2, 1, 0)), 1, (0, 0, 0)),
        (((0, 1), (0, 1)), 3, (0, 1)),
        (((2, 1, 0), (2, 1, 0)), 4, (0, 1, 2)),
        (((3, 2, 1, 0), (3, 2, 1)), 4, (0, 1, 2)),
    ],
)
def test_two_selections_become_one_or_none(
    orders: Sequence[tuple[int, ...]], channels: int, merged: tuple[int, ...] | None
) -> None:
    program = chain(FIRST, *(SelectChannels(order) for order in orders), channels=channels)
    after = LateChannels().run(program).program
    assert [step.op for step in after.steps[1:]] == ([] if merged is None else [SelectChannels(merged)])
    assert_equivalent(program, after, (5, 4))


def test_selections_that_cancel_at_the_end_of_a_program() -> None:
    b = ProgramBuilder("Example", Parity("itself"))
    x = b.input("image", TensorType("u8", (3, H, W), "CHW"))
    b.output("y", b.add(SelectChannels((2, 1, 0)), b.add(SelectChannels((2, 1, 0)), x)))
    after = LateChannels().run(b.finish()).program
    assert after.steps == ()
    assert after.outputs == (Output("y", "image"),)
    x = images(1, 3, 4, 5)
    assert_same(ort(emit_unoptimized(after, EmitOptions()))({"images": x})["y"], x)


def two_readers(*ops: Op, at: int, channels: int = 3) -> Program:
    """A chain whose value `at` steps in is an output as well."""
    program = chain(*ops, channels=channels)
    return verify(replace(program, outputs=(*program.outputs, Output("early", program.steps[at].output.name))))


def several(*ops: Op) -> Program:
    """The image, channels first, read by each op."""
    b = ProgramBuilder("Example", Parity("itself"))
    x = b.add(FIRST, image_input(b))
    for number, op in enumerate(ops):
        b.output(f"y{number}", b.add(op, x))
    return b.finish()


GIVEN = (("p", 2), ("q", 3))
MAP = ByteMap((("div", (255.0,)), ("sub", MEAN), ("div", STD)))
PATCHES = Rearrange("c (h p) (w q) -> (h w) (p q c)", (("p", 1), ("q", 1)), "PF")
Make = Callable[[], Program]


def declines(step: Pass, **programs: Program) -> list[Any]:
    return [pytest.param(step, program, id=f"{step.name}: {why.replace('_', ' ')}") for why, program in programs.items()]


@pytest.mark.parametrize(
    ("step", "program"),
    [
        *declines(
            LowerResample(),
            bytes_without_antialiasing=chain(FIRST, Resample(9, 7, "bicubic", False, TORCH_BYTES)),
            floats=chain(FIRST, Resample(9, 7, "bicubic", True, TORCH_FLOATS), dtype="f32"),
        ),
        *declines(
            LateChannels(),
            selection_is_read_twice=two_readers(FIRST, SelectChannels((2, 1, 0)), Resize(9, 7, "box"), at=1),
            no_geometry_follows=chain(FIRST, SelectChannels((2, 1, 0)), Rescale(0.5)),
            border_of_one_value_a_channel=chain(FIRST, SelectChannels((2, 1, 0)), Pad(1, 2, 50, 60, (1, 2, 3))),
            first_of_two_is_read_twice=two_readers(FIRST, SelectChannels((1, 0, 2)), SelectChannels((1, 0, 2)), at=1),
        ),
        *declines(
            AbsorbLayout(),
            the_other_reader_is_a_resize_that_may_have_the_images_size=several(Resize(9, H, "box"), Resize(W, 7, "box")),
            the_image_is_a_result=two_readers(FIRST, Resize(H, W, "box"), at=0),
            a_crop_lies_between=chain(FIRST, CenterCrop(9, 9), Resize(4, 4, "box")),
            no_layout_change=chain(Resize(9, 7, "box", layout="HWC"), Resize(3, 4, "box")),
        ),
        *declines(
            CropIntoResize(),
            resize_is_read_twice=two_readers(FIRST, Resize(9, 7, "box"), CenterCrop(4, 4), at=1),
            there_is_a_window_already=chain(FIRST, Resize(9, 7, "box", window=(1, 1, 6, 6)), CenterCrop(4, 4)),
            a_pad_lies_between=chain(FIRST, Resize(9, 7, "box"), Pad(0, 0, 12, 12), CenterCrop(4, 4)),
            crop_comes_first=chain(FIRST, CenterCrop(4, 4), Resize(9, 7, "box")),
            size_of_the_crop_depends_on_the_image=chain(FIRST, Resize(9, 7, "box"), Crop(0, 0, num.minimum(H, 9), 7)),
        ),
        *declines(
            FoldByteMap(),
            pixels_are_floats=chain(FIRST, Rescale(0.5), Normalize(MEAN, STD), dtype="f32"),
            nothing_to_fold=chain(FIRST, Resize(9, 7, "box")),
            no_scale_comes_first=chain(FIRST, MultiplyAdd(2.0, 1.0), Normalize(MEAN, STD), dtype="f32"),
        ),
        *declines(
            LateByteMap(),
            map_is_read_twice=two_readers(FIRST, MAP, PATCHES, at=1),
            channels_are_cut=chain(FIRST, MAP, Rearrange("(a c) h w -> a h (w c)", (("a", 1),))),
            patches_of_unknown_size=chain(FIRST, MAP, Rearrange("c h (g w) -> h (c g w)", (("g", 1),))),
            rows_are_repeated=chain(FIRST, MAP, Rearrange("c h w -> (h t) (c w)", (("t", 2),))),
            features_are_repeated_behind_the_pixels=chain(
                FIRST, MAP, Rearrange("c (h p) (w q) -> (h w) (c p q t)", (*GIVEN, ("t", 2)))
            ),
            features_are_repeated_in_front=chain(FIRST, MAP, Rearrange("c (h p) (w q) -> (h w) (t c p q)", (*GIVEN, ("t", 2)))),
            channels_are_repeated=chain(FIRST, MAP, SelectChannels((0, 1, 2, 0))),
            zeros_are_added=chain(FIRST, MAP, Pad(0, 0, 90, 90)),
            bytes_move_already=chain(FIRST, PATCHES, ByteMap(MAP.forms, axis=-1, each=1)),
        ),
        *declines(
            MapIntoResize(),
            resize_is_read_twice=two_readers(FIRST, Resize(9, 7, "box"), MAP, at=1),
            a_pad_lies_between=chain(FIRST, Resize(9, 7, "box"), Pad(0, 0, 12, 12), MAP),
            there_is_a_map_already=chain(FIRST, Resize(9, 7, "box", map=MAP)),
            map_comes_first=chain(FIRST, MAP, PATCHES),
            channels_lie_elsewhere=chain(FIRST, Resize(9, 7, "box"), ByteMap((("div", (2.0, 3.0, 4.0) * 3),), axis=-2)),
        ),
    ],
)
def test_declines(step: Pass, program: Program) -> None:
    done = step.run(program)
    assert done.program == program
    assert done.changes == ()


REASONS = [
    (LateChannels(), chain(FIRST, SelectChannels((2, 1, 0)), Pad(1, 2, 50, 60, (1, 2, 3))), "a value for each channel"),
    (LateChannels(), two_readers(FIRST, SelectChannels((2, 1, 0)), Resize(9, 7, "box"), at=1), "others read select_channels"),
    (AbsorbLayout(), two_readers(FIRST, Resize(H, W, "box"), at=0), "others read the image as well"),
    (CropIntoResize(), chain(FIRST, Resize(9, 7, "box", window=(1, 1, 6, 6)), CenterCrop(4, 4)), "has a window already"),
    (FoldByteMap(), chain(FIRST, Rescale(0.5), Normalize(MEAN, STD), dtype="f32"), "to_channels_first is f32, not u8"),
    (LateByteMap(), chain(FIRST, MAP, SelectChannels((0, 1, 2, 0))), "the selection repeats channels"),
    (LateByteMap(), chain(FIRST, MAP, Rearrange("c (h p) (w q) -> (h w) (c p q t)", (*GIVEN, ("t", 2)))), "other than whole"),
    (MapIntoResize(), chain(FIRST, Resize(9, 7, "box"), ByteMap((("div", (2.0,) * 9),), axis=-2)), "do not follow channels"),
]


@pytest.mark.parametrize(("step", "program", "reason"), REASONS, ids=[f"{step.name}: {reason}" for step, _, reason in REASONS])
def test_a_match_is_declined_for_a_reason(step: Pass, program: Program, reason: str) -> None:
    assert any(reason in said for _, said in step.run(program).declined)


# --- map


@pytest.mark.parametrize("filter", ["nearest", "bilinear", "bicubic"])
@pytest.mark.parametrize("forms", [MAP.forms, MAP.forms[:1], MAP.forms[1:2], (("table", tuple(range(256))),)], ids=str)
def test_a_map_goes_into_the_resize(filter: str, forms: tuple[tuple[str, tuple[float, ...]], ...]) -> None:
    """Forms whose last operation differs by channel and does not, one alone, and none but a table."""
    program = chain(FIRST, Resize(9, 14, filter), ByteMap(forms))
    after = MapIntoResize().run(program).program
    assert [step.op for step in after.steps] == [FIRST, Resize(9, 14, filter, map=ByteMap(forms))]
    assert_equivalent(program, after, (11, 8), (30, 7))
    program = chain(Resize(9, 14, filter, layout="HWC"), ByteMap(forms), Pad(1, 2, 20, 30))
    assert_equivalent(program, MapIntoResize().run(program).program, (11, 8), (30, 7))


# --- layout


@pytest.mark.parametrize("filter", ["nearest", "bicubic"])
def test_layout_goes_into_the_resize(filter: str) -> None:
    program = chain(FIRST, Resize(9, 7, filter), Resize(3, 4, filter))
    after = AbsorbLayout().run(program).program
    assert [step.op for step in after.steps] == [Resize(9, 7, filter, layout="HWC"), Resize(3, 4, filter)]
    assert after.steps[0].inputs == ("image",)
    assert_equivalent(program, after, (11, 8), (5, 19))


def test_layout_goes_in_behind_a_composite() -> None:
    program = chain(CompositeOnWhite(), FIRST, Resize(9, 7, "bilinear"), channels=4)
    after = AbsorbLayout().run(program).program
    assert op_names(after) == ["composite_on_white", "resize"]
    assert_equivalent(program, after, (11, 8))


def test_layout_goes_into_all_resizes_that_read_it() -> None:
    program = several(Resize(9, 7, "box"), Resize(3, 4, "bicubic"))
    after = AbsorbLayout().run(program).program
    assert op_names(after) == ["resize", "resize"]
    assert_equivalent(program, after, (11, 8), (9, 7))


def test_a_resize_that_may_keep_the_image_reads_it_channels_first() -> None:
    """A second run must not take it for the only reader."""
    program = several(Resize(9, 7, "box"), Resize(H, num.maximum(W, 8), "box"))
    after = AbsorbLayout().run(program).program
    assert [getattr(step.op, "layout", "") for step in after.steps] == ["", "HWC", "CHW"]
    assert AbsorbLayout().run(after).program == after
    assert_equivalent(program, after, (11, 8), (9, 7))


# --- lowering


def test_bytes_that_are_resampled_in_integers_are_resized() -> None:
    program = chain(
        FIRST,
        Resample(9, 7, "bicubic"),
        Resample(12, 11, "bilinear", True, TORCH_BYTES),
        Resample(8, 6, "bilinear", False, TORCH_BYTES),
        Resample(5, 4, "nearest", False),
    )
    after = LowerResample().run(program)
    lowered = [Resize(9, 7, "bicubic"), Resize(12, 11, "bilinear", TORCH_BYTES)]
    assert [step.op for step in after.steps[1:]] == [*lowered, program.steps[3].op, Resize(5, 4, "nearest")]
    assert LowerResample().run(after) == after
    assert_equivalent(program, after, (11, 8), (5, 40))


# --- crop


@pytest.mark.parametrize(
    ("size", "crop", "ops"),
    [
        ((20, 30), (9, 12), [Resize(20, 30, "bicubic", window=(5, 9, 9, 12))]),
        ((20, 30), (20, 30), [Resize(20, 30, "bicubic")]),
        ((20, 30), (9, 30), [Resize(20, 30, "bicubic", window=(5, 0, 9, 30))]),
        ((20, 30), (25, 12), [Resize(20, 30, "bicubic", window=(0, 9, 20, 12)), Pad(3, 0, 25, 12)]),
        ((4, 5), (9, 9), [Resize(4, 5, "bicubic"), Pad(3, 2, 9, 9)]),
    ],
)
def test_a_crop_goes_into_the_resize(size: tuple[int, int], crop: tuple[int, int], ops: list[Op]) -> None:
    program = chain(FIRST, Resize(*size, "bicubic"), CenterCrop(*crop))
    after = CropIntoResize().run(program).program
    assert [step.op for step in after.steps[1:]] == ops
    assert_equivalent(program, after, (11, 8), (31, 40))


def test_a_window_cut_out_goes_into_the_resize() -> None:
    program = chain(FIRST, Resize(20, 30, "bicubic"), Crop(3, num.minimum(H, 9), 15, 12))
    after = CropIntoResize().run(program)
    assert [step.op for step in after.steps[1:]] == [Resize(20, 30, "bicubic", window=(3, num.minimum(H, 9), 15, 12))]
    assert_equivalent(program, after, (11, 8), (5, 40))


def test_no_pad_where_the_crop_cannot_be_larger() -> None:
    """The bounds of a shortest-edge rule say that both sides are at least the edge."""
    program = chain(FIRST, Resize(*rules.shortest_edge(H, W, 16), "bicubic"), CenterCrop(16, 16))
    after = CropIntoResize().run(program).program
    assert op_names(after) == ["to_channels_first", "resize"]
    assert_equivalent(program, after, (11, 8), (8, 60), (50, 50))


@pytest.mark.slow
@given(st.tuples(small_sides, small_sides), small_sides, st.tuples(small_sides, small_sides), filters)
def test_any_crop_of_any_shortest_edge(size: tuple[int, int], edge: int, crop: tuple[int, int], filter: str) -> None:
    program = chain(FIRST, Resize(*rules.shortest_edge(H, W, edge), filter), CenterCrop(*crop))
    assert_equivalent(program, CropIntoResize().run(program).program, size)


def test_two_crops_in_a_row() -> None:
    program = chain(FIRST, Resize(20, 30, "box"), CenterCrop(15, 15), CenterCrop(7, 6))
    after = CropIntoResize().run(program).program
    assert_equivalent(program, after, (40, 31))


# --- folding (the forms themselves are in test_fold_byte_map.py)


@pytest.mark.parametrize(
    "ops",
    [
        (Rescale(1 / 255), Normalize(MEAN, STD)),
        (Rescale(1 / 255),),
        (Normalize(MEAN, STD),),
        (Rescale(1 / 255), Rescale(1 / 3), Normalize(MEAN, STD)),
        (Normalize(MEAN, STD), Rescale(1 / 255)),
    ],
    ids=lambda ops: "+".join(op.name for op in ops),
)
def test_a_chain_on_bytes_is_folded(ops: tuple[Op, ...]) -> None:
    program = chain(FIRST, *ops)
    after = FoldByteMap().run(program).program
    assert op_names(after)[1] == "byte_map"
    assert_equivalent(program, after, (40, 31))


def test_a_rescale_that_is_read_twice_folds_alone() -> None:
    program = two_readers(FIRST, Rescale(1 / 255), Normalize(MEAN, STD), at=1)
    after = FoldByteMap().run(program).program
    assert op_names(after) == ["to_channels_first", "byte_map", "normalize"]
    assert after.outputs[1].value == "byte_map"
    assert_equivalent(program, after, (9, 8))


def test_steps_after_normalize_are_folded_too() -> None:
    program = chain(FIRST, Rescale(1 / 255), MultiplyAdd(0.8, 0.1), Normalize(MEAN, STD), Normalize((0.0,), STD))
    after = FoldByteMap().run(program).program
    assert op_names(after) == ["to_channels_first", "byte_map"]
    assert_equivalent(program, after, (40, 31))


# --- the map of bytes, last


PARTS = Rearrange("c (h p) (w q) -> (h w) (c p q)", GIVEN, "PF")
TILES = Rearrange("c (r h) (k w) -> (r k) c h w", (("h", 2), ("w", 3)), "NCHW")


@pytest.mark.parametrize(
    ("moves", "axis", "each"),
    [
        ((PARTS,), -1, 6),
        ((Rearrange("c (h p) (w q) -> (h w) (p q c)", GIVEN, "PF"),), -1, 1),
        ((Rearrange("c (h p) (w q) -> (h w) (p c q)", GIVEN, "PF"),), -1, 3),
        ((Rearrange("c (h p) (w q) -> (h w) (c t) p q", (*GIVEN, ("t", 1)), "PCHW"),), -3, 1),
        ((TILES,), -3, 1),
        ((TILES, Rearrange("n c h w -> n (h c w)", (), "NF")), -1, 3),
        ((Rearrange("c (h p) (w q) -> h w p (c q)", GIVEN), Rearrange("h w p f -> h w (f p)")), -1, 6),
        ((MirrorPad(1, 2, 20, 30, "reflect"),), -3, 1),
        ((SelectChannels((2, 1, 0)),), -3, 1),
        ((SelectChannels((2, 1)), PARTS), -1, 6),
    ],
    ids=str,
)
def test_a_map_moves_behind(moves: tuple[Op, ...], axis: int, each: int) -> None:
    program = chain(FIRST, MAP, *moves)
    after = LateByteMap().run(program).program
    assert op_names(after) == ["to_channels_first", *(op.name for op in moves), "byte_map"]
    mapped = after.steps[-1].op
    assert isinstance(mapped, ByteMap)
    assert (mapped.axis, mapped.each) == (axis, each)
    assert LateByteMap().run(after).program == after
    assert_equivalent(program, after, (12, 18), (4, 6))


def test_a_map_alike_for_all_channels_moves_behind_any_rearrangement() -> None:
    alike = ByteMap((("div", (255.0,)), ("sub", (0.5,))))
    program = chain(FIRST, alike, Rearrange("(a c) (h p) w -> (a h) w c p", (("a", 3), ("p", 2))), channels=6)
    after = LateByteMap().run(program).program
    assert op_names(after) == ["to_channels_first", "rearrange", "byte_map"]
    assert_equivalent(program, after, (4, 6))


@pytest.mark.parametrize("mapped", [MAP, ByteMap((("table", tuple(b / 7 for b in range(256))),))], ids=["stats", "table"])
@pytest.mark.parametrize("times", [2, 3])
def test_repeated_channels_are_mapped_once(times: int, mapped: ByteMap) -> None:
    program = chain(FIRST, mapped, Rearrange("c (h p) (w q) -> (h w) (c t p q)", (*GIVEN, ("t", times)), "PF"))
    after = LateByteMap().run(program).program
    assert op_names(after) == ["to_channels_first", "rearrange", *["take", "byte_map"] * 3, "concat"]
    assert isinstance(after.steps[-1].op, Concat)
    assert len(after.steps[-1].inputs) == 3 * times
    assert LateByteMap().run(after).program == after
    assert_equivalent(program, after, (12, 18), (4, 6))


@given(factors, statistics)
def test_any_rescale_and_normalize_in_a_graph(factor: float, values: tuple[tuple[float, ...], tuple[float, ...]]) -> None:
    program = chain(FIRST, Rescale(factor), Normalize(*values))
    after = FoldByteMap().run(program).program
    x = np.broadcast_to(np.arange(256, dtype=np.uint8)[None, :, None], (1, 256, 3))
    wanted = reference.run(program, {"image": x})["y"]
    assert_same(reference.run(after, {"image": x})["y"], wanted)
    assert_same(ort(emit_unoptimized(after, EmitOptions()))({"images": x[None]})["y"][0], wanted)
