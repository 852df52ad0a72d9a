"""Programs: what the verifier refuses, binding, preconditions and the builder."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest

from graphproc import joins
from graphproc.errors import ProgramError, ShapeError
from graphproc.ir.parse import parse
from graphproc.ir.program import (
    Input,
    Output,
    Parity,
    Program,
    ProgramBuilder,
    image_input,
    verify,
)
from graphproc.ir.types import TensorType
from graphproc.ops import CenterCrop, Pad, Resample, Resize, ToChannelsFirst
from graphproc.sizes import num

H, W = num.symbol("height"), num.symbol("width")


TEXT = """
program Example
  parity<compared_with="nothing">
  input image: u8[height, width, 3] HWC
  size s0 = max(8, trunc(8 * height / width))
  require s0 <= 100: "too tall."
  to_channels_first = to_channels_first(image)
  resample = resample<height=s0, width=max(8, trunc(8 * width / height)), filter="bicubic">(to_channels_first)
  center_crop = center_crop<height=8, width=8>(resample)
  rescale = rescale<factor=0.5>(center_crop)
  output pixel_values = rescale
"""


@pytest.fixture
def program() -> Program:
    return parse(TEXT)


# --- the verifier, one rule at a time


def test_a_good_program_is_returned(program: Program) -> None:
    assert verify(program) is program


def test_a_value_used_before_it_is_assigned(program: Program) -> None:
    steps = (program.steps[1], program.steps[0], *program.steps[2:])
    with pytest.raises(ProgramError, match="program Example: resample reads 'to_channels_first' before it is assigned"):
        verify(replace(program, steps=steps))


def test_an_unknown_value(program: Program) -> None:
    step = replace(program.steps[0], inputs=("imag",))
    with pytest.raises(ProgramError, match="to_channels_first reads 'imag' before it is assigned"):
        verify(replace(program, steps=(step, *program.steps[1:])))


def test_a_value_assigned_twice(program: Program) -> None:
    with pytest.raises(ProgramError, match="the value 'to_channels_first' is assigned twice"):
        verify(replace(program, steps=(program.steps[0], *program.steps)))


def test_an_input_declared_twice(program: Program) -> None:
    with pytest.raises(ProgramError, match="the value 'image' is assigned twice"):
        verify(replace(program, inputs=program.inputs * 2))


def test_a_step_with_the_name_of_an_input(program: Program) -> None:
    last = program.steps[-1]
    step = replace(last, output=replace(last.output, name="image"))
    with pytest.raises(ProgramError, match="the value 'image' is assigned twice"):
        verify(replace(program, steps=(*program.steps[:-1], step)))


@pytest.mark.parametrize(
    "type", [TensorType("u8", (3, 8, 8), "CHW"), TensorType("f32", (3, 8, 9), "CHW"), TensorType("f32", (3, 8, 8))]
)
def test_a_declared_type_that_the_op_does_not_give(program: Program, type: TensorType) -> None:
    last = program.steps[-1]
    step = replace(last, output=replace(last.output, type=type))
    with pytest.raises(ProgramError, match=r"rescale is declared .*, but rescale gives f32\[3, 8, 8\] CHW"):
        verify(replace(program, steps=(*program.steps[:-1], step)))


def test_a_step_of_a_verified_program_is_checked_again_where_its_operand_has_another_type(program: Program) -> None:
    assert verify(program, program) is program
    crop, rescale = program.steps[-2:]
    wider = replace(crop, op=CenterCrop(8, 9), output=replace(crop.output, type=crop.output.type.with_sizes(W=9)))
    with pytest.raises(ProgramError, match="rescale is declared"):
        verify(replace(program, steps=(*program.steps[:-2], wider, rescale)), program)


def test_an_operand_that_the_op_refuses(program: Program) -> None:
    step = replace(program.steps[1], inputs=("image",))
    with pytest.raises(ShapeError, match="resample: expected the last axes CHW"):
        verify(replace(program, steps=(program.steps[0], step, *program.steps[2:])))


def test_a_size_of_an_op_in_an_op(program: Program) -> None:
    """An op may hold another one: both are bound, and the symbols of both are checked."""
    x, y = program.steps[0].output, program.steps[1].output
    height, width = y.type.shape[1:]
    pad = Pad.canvas(num.symbol("depth"), 0, height + num.symbol("depth"), width)
    op = Resize(height, width, "bicubic", pad=pad)
    assert op.replaced(lambda size: 7) == Resize(7, 7, "bicubic", pad=Pad.canvas(7, 0, 7, 7))
    step = replace(program.steps[1], op=op, output=replace(y, type=op.infer(x.type)))
    with pytest.raises(ProgramError, match=r"resample depends on unknown sizes \['depth'\]"):
        verify(replace(program, steps=(program.steps[0], step), outputs=(Output("y", y.name),)))


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("crop<height=8", "crop<height=depth", "center_crop depends on unknown sizes ['depth']"),
        ('"bicubic"', '"box", extent=[depth, 4]', "resample depends on unknown sizes ['depth']"),
        ("s0 <= 100", "depth <= 3", "the condition 'too tall.' depends on unknown sizes ['depth']"),
        ("  output pixel_values = rescale\n", "", "it has no output"),
        ("HWC\n", "HWC\n  input sizes: i64[3] size_names depth, more\n", "sizes names 2 sizes, but is i64[3]"),
        ("HWC\n", "HWC\n  input sizes: i32[1] size_names depth\n", "sizes names 1 sizes, but is i32[1]"),
        ("HWC\n", "HWC\n  input sizes: i64[n] size_names depth\n", "sizes names 1 sizes, but is i64[n]"),
        ("HWC\n", "HWC\n  input sizes: i64[2, 2] size_names depth\n", "sizes names 1 sizes, but is i64[2, 2]"),
    ],
    ids=lambda text: text[:30],
)
def test_what_a_text_can_break(old: str, new: str, message: str) -> None:
    text = TEXT if "size_names" in new else TEXT.replace("  input", "  symbol depth >= 1\n  input")
    with pytest.raises(ProgramError, match=re.escape(f"program Example: {message}")):
        parse(text.replace(old, new))


@pytest.mark.parametrize(
    ("outputs", "message"),
    [
        ((Output("y", "missing"),), "names no value, or is repeated"),
        ((Output("y", "rescale"), Output("y", "resample")), "names no value, or is repeated"),
        ((Output("y", "rescale", joins.PrefixImageIndex()),), "output y: prefix_image_index: expected i64 rows and columns"),
        (
            (Output("y", "rescale"), Output("z", "resample", sample=joins.STACK)),
            "output y: expected a join of samples for all outputs or for none",
        ),
    ],
    ids=["unknown value", "repeated name", "another type", "some in samples"],
)
def test_a_bad_output(program: Program, outputs: tuple[Output, ...], message: str) -> None:
    with pytest.raises(ProgramError, match=message):
        verify(replace(program, outputs=outputs))


def test_outputs_in_an_order_of_names() -> None:
    b = ProgramBuilder("Example", Parity("nothing"))
    x = image_input(b)
    for name in ("labels", "mask", "pixels", "counts"):
        b.output(name, x)
    assert [output.name for output in b.finish(("pixels", "absent", "mask")).outputs] == ["pixels", "mask", "labels", "counts"]


# --- binding


def test_bind_gives_numbers_everywhere(program: Program) -> None:
    bound = program.bind(height=17, width=31)
    assert bound.steps[1].op == Resample(8, 14, "bicubic")
    assert bound.inputs[0].type.shape == (17, 31, 3)
    assert bound.steps[1].output.type.shape == (3, 8, 14)
    assert bound.preconditions == ()
    assert verify(bound) is bound
    assert program.steps[1].op != bound.steps[1].op


def test_bind_checks_preconditions(program: Program) -> None:
    with pytest.raises(ProgramError, match=r"Example: too tall\. \(image sizes: {'height': 400, 'width': 10}\)"):
        program.bind(height=400, width=10)
    assert program.bind(height=125, width=10).steps[1].op == Resample(100, 8, "bicubic")


def test_bind_needs_every_size(program: Program) -> None:
    with pytest.raises(ProgramError, match="expected values for height, width, no width was given"):
        program.bind(height=4)


def test_a_condition_that_always_holds_is_dropped() -> None:
    b = ProgramBuilder("Example", Parity("nothing"))
    b.require(H >= 1, "never seen")
    assert b.preconditions == []
    b.require(H >= 2, "seen")
    b.require(False, "impossible")
    assert [c.message for c in b.preconditions] == ["seen", "impossible"]


# --- builder, values, parity


def test_steps_are_named_after_their_ops_and_numbered(program: Program) -> None:
    b = ProgramBuilder("Example", Parity("nothing"))
    x = b.add(ToChannelsFirst(), image_input(b))
    for _ in range(3):
        x = b.add(Pad.canvas(0, 0, x.type.size("H") + 1, x.type.size("W")), x)
    assert [step.output.name for step in b.steps] == ["to_channels_first", "pad", "pad_2", "pad_3"]


def test_value_by_name(program: Program) -> None:
    assert program.value("image").type.layout == "HWC"
    assert program.value("resample").type.layout == "CHW"
    with pytest.raises(ProgramError, match="program Example: no value is named 'nothing'"):
        program.value("nothing")


def test_image_input_with_a_prefix() -> None:
    b = ProgramBuilder("Example", Parity("nothing"))
    image_input(b, "mask", prefix="mask_", dtype="i32", channels=1)
    assert b.inputs == [Input("mask", TensorType("i32", (num.symbol("mask_height"), num.symbol("mask_width"), 1), "HWC"))]


def test_parity_text() -> None:
    assert str(Parity("Pillow 13")) == "bit-exact to Pillow 13"
    assert str(Parity("torch 2", 0.25, "other order of sums")) == "within 0.25 of torch 2 (other order of sums)"
    somewhere = Parity("torch 2", where="it has AVX2", elsewhere=0.5, by_side=0.125, why="other sums")
    assert str(somewhere) == (
        "bit-exact to torch 2 where it has AVX2; elsewhere within 0.5 and 0.12 for each pixel of the longest side, "
        "times the range of results (other sums)"
    )
