"""Several images in one graph: every way in which results join, by a batch axis and image by image."""

from __future__ import annotations

import numpy as np
import onnx
import pytest
from support.graphs import assert_same, ort

from graphproc.emitters.onnx.emit import EmitOptions, emit
from graphproc.errors import EmitError, ProgramError, ShapeError
from graphproc.executors import reference
from graphproc.ir.join import Join
from graphproc.ir.op import Op
from graphproc.ir.program import Parity, Program, ProgramBuilder, image_input
from graphproc.joins import STACK, Concatenate, Maximum, Pad
from graphproc.ops import (
    ByteMap,
    Concat,
    ContentBox,
    ForEach,
    Full,
    Numbers,
    Rearrange,
    Resample,
    Rescale,
    Slice,
    ToChannelsFirst,
)
from graphproc.sizes import num

SIZES = ((12, 20), (30, 8), (16, 16))
TARGETS = ("cpu", "cuda")


def joined(sample: Join | None = None, data_dependent: bool = False) -> Program:
    """Return a mask to pad, pixels to pad, patches to concatenate, a size to stack, and the largest of counts."""
    b = ProgramBuilder("Example", Parity("itself"))
    x = b.add(ToChannelsFirst(), image_input(b))
    if data_dependent:
        box = b.name_sizes(b.add(ContentBox(), x), top=0, left=0, rows=1, columns=1)
        x = b.add(Slice.window(*box), x)
    height, width = x.type.size("H"), x.type.size("W")
    floats = b.add(Rescale(1 / 255), x)
    small = b.add(Resample(num.maximum(height // 4, 1) * 2, num.maximum(width // 4, 1) * 2, "bilinear"), x)
    patches = b.add(Rearrange("c (h p) (w q) -> (h w) (p q c)", (("p", 2), ("q", 2)), "PF"), small)
    each: list[Join] = [Pad(-1, unpadded=(-3,)), Pad(), Concatenate(), STACK, Maximum() if sample is None else Pad()]
    values = (
        floats,
        b.add(Full((height, width), 1, "i64", "HW"), *()),
        patches,
        b.add(Numbers((height, width))),
        b.add(Numbers((height,), shape=()) if sample is None else Numbers((height,))),
    )
    for name, value, join in zip(("pixels", "mask", "patches", "size", "most"), values, each, strict=True):
        if sample is None:
            b.output(name, value, join)
        else:
            b.output(name, value, join if isinstance(join, Concatenate) else sample, sample=join)
    return b.finish()


def pictures(seed: int = 0) -> list[np.ndarray]:
    rng = np.random.default_rng(seed)
    images = [rng.integers(0, 256, (*size, 3), dtype=np.uint8) for size in SIZES]
    for image in images:  # a light margin of different widths for the content box
        image[:2], image[:, -3:] = 255, 255
    return images


@pytest.mark.parametrize("data_dependent", [False, True])
@pytest.mark.parametrize("target", TARGETS)
@pytest.mark.parametrize("sample", [None, Pad()], ids=["images", "samples"])
def test_a_sequence_equals_the_reference(sample: Join | None, target: str, data_dependent: bool) -> None:
    program, images = joined(sample, data_dependent), pictures()
    model = emit(program, EmitOptions(target, "sequence"))  # type: ignore[arg-type]
    onnx.checker.check_model(model, full_check=True)
    found = ort(model)({"images": images})
    expected = reference.batch(program.outputs, [reference.run(program, {"image": image}) for image in images])
    assert list(found) == list(expected)
    for name, want in expected.items():
        assert_same(found[name], want, name)
    declared = {o.name: [d.dim_param or d.dim_value for d in o.type.tensor_type.shape.dim] for o in model.graph.output}
    assert all(len(declared[name]) == want.ndim for name, want in expected.items())


@pytest.mark.parametrize("data_dependent", [False, True])
@pytest.mark.parametrize("sample", [None, Pad()], ids=["images", "samples"])
@pytest.mark.parametrize("count", [1, 3])
def test_a_batch_equals_the_reference(sample: Join | None, data_dependent: bool, count: int) -> None:
    program = joined(sample, data_dependent)
    images = np.random.default_rng(1).integers(0, 256, (count, 16, 24, 3), dtype=np.uint8)
    for index, image in enumerate(images):
        image[: index + 1] = 255
    found = ort(emit(program, EmitOptions()))({"images": images})
    expected = reference.batch(program.outputs, [reference.run(program, {"image": image}) for image in images])
    for name, want in expected.items():
        assert_same(found[name], want, name)


@pytest.mark.parametrize("sample", [None, Pad()], ids=["images", "samples"])
def test_one_image_is_a_batch_of_one(sample: Join | None) -> None:
    program, image = joined(sample), pictures()[0]
    found = ort(emit(program, EmitOptions(input="image")))({"image": image})
    expected = reference.batch(program.outputs, [reference.run(program, {"image": image})])
    for output in program.outputs:
        assert_same(found[output.name], expected[output.name], output.name)
        own = reference.run(program, {"image": image})[output.name]
        assert_same(reference.of_image(output, found[output.name]), own, output.name)


def test_portable_graphs_have_no_loop_over_images() -> None:
    with pytest.raises(EmitError, match="a sequence of images needs control flow"):
        emit(joined(), EmitOptions("portable", "sequence", image_size=(16, 16)))
    with pytest.raises(EmitError, match="Example finds sizes in the pixels of each image"):
        emit(joined(data_dependent=True), EmitOptions("portable", image_size=(16, 16)))


def test_measured_sizes_are_not_known_beforehand() -> None:
    with pytest.raises(ProgramError, match="depend on the image's pixels"):
        joined(data_dependent=True).bind(height=16, width=16)
    model = emit(joined(data_dependent=True), EmitOptions(image_size=(12, 20)))
    assert [d.dim_value for d in model.graph.input[0].type.tensor_type.shape.dim][1:] == [12, 20, 3]


# --- one chain at several places


def striped(count: num.Num, height: num.Num) -> Program:
    """Return bands of the image, each resized to one size."""
    b = ProgramBuilder("Example", Parity("itself"))
    x = b.add(ToChannelsFirst(), image_input(b))
    index, width = num.symbol("index", 0), x.type.size("W")
    top = index * height
    rows = num.minimum(x.type.size("H") - top, height)  # the last may be short
    b.output("bands", b.add(ForEach(count, (Slice.window(top, 0, rows, width), Resample(6, 5, "bicubic"))), x), Concatenate())
    return b.finish()


H = num.symbol("height")


@pytest.mark.parametrize("fixed", [False, True])
@pytest.mark.parametrize("target", TARGETS)
@pytest.mark.parametrize(("input", "leading"), [("batch", 2), ("image", 0), ("sequence", 0)])
def test_for_each_band(target: str, fixed: bool, input: str, leading: int) -> None:
    program = striped((H + 6) // 7, num.minimum(H, 7))
    size = (24, 11)
    options = EmitOptions(target, input, image_size=size if fixed else None)  # type: ignore[arg-type]
    images = np.random.default_rng(2).integers(0, 256, (max(leading, 1), *size, 3), dtype=np.uint8)
    given = {"batch": {"images": images}, "image": {"image": images[0]}, "sequence": {"images": list(images)}}[input]
    found = ort(emit(program, options))(given)["bands"]
    results = [reference.run(program, {"image": image}) for image in images]
    assert results[0]["bands"].shape == (4, 3, 6, 5)
    assert_same(found, reference.batch(program.outputs, results)["bands"])


@pytest.mark.parametrize("fixed", [False, True])
def test_for_each_of_nothing(fixed: bool) -> None:
    program = striped(num.maximum(H - 30, 0), 1)
    image = np.full((24, 11, 3), 9, np.uint8)
    found = ort(emit(program, EmitOptions(input="image", image_size=(24, 11) if fixed else None)))({"image": image})["bands"]
    assert found.shape == (0, 3, 6, 5)
    assert_same(found, reference.run(program, {"image": image})["bands"])


def test_a_body_without_an_operand_is_one_op() -> None:
    with pytest.raises(ShapeError, match="one op"):
        ForEach(2, (Numbers((num.symbol("index", 0),)), Rescale(0.5))).infer()


# --- rows of other lengths padded and then concatenated, and what is joined along the last axis


def rows_and_strips(nested: bool) -> Program:
    """Return two views of each image in rows to pad, masks of them, and a strip as long as the image has pixels."""
    b = ProgramBuilder("Example", Parity("itself"))
    x = b.add(ToChannelsFirst(), image_input(b))
    floats = b.add(Rescale(1 / 255), x)
    height, width = x.type.size("H"), x.type.size("W")
    rows, masks = Concatenate(fill=-1), Concatenate(fill=0)
    row = b.add(Rearrange("c h w -> 1 c h w", layout="NCHW"), floats)
    views, mask = b.add(Concat(-4), row, row), b.add(Full((1 + height // 16, height, width), 1, "i64", "NHW"))
    b.output("views", views, Pad(-1) if nested else rows, sample=rows if nested else None)
    b.output("masks", mask, Pad() if nested else masks, sample=masks if nested else None)
    if not nested:
        b.output("strip", b.add(Rearrange("c h w -> 1 c (h w)"), x), Concatenate(axis=-1))
    return b.finish()


@pytest.mark.parametrize("nested", [False, True])
@pytest.mark.parametrize("target", TARGETS)
@pytest.mark.parametrize("input", ["sequence", "batch", "image"])
def test_padded_rows_and_strips(input: str, target: str, nested: bool) -> None:
    program, images = rows_and_strips(nested), pictures()
    alike = [images[1], images[1][::-1].copy()]
    images = {"sequence": images, "batch": alike, "image": alike[:1]}[input]
    model = emit(program, EmitOptions(target, input))  # type: ignore[arg-type]
    onnx.checker.check_model(model, full_check=True)
    given = {"sequence": {"images": images}, "batch": {"images": np.stack(alike)}, "image": {"image": images[0]}}[input]
    found = ort(model)(given)
    results = [reference.run(program, {"image": image}) for image in images]
    expected = reference.batch(program.outputs, results)
    for name, want in expected.items():
        assert_same(found[name], want, name)
    if input == "sequence" and nested:
        assert expected["views"].shape == (1, 6, 3, 30, 20)
        assert expected["masks"].shape == (1, 1 + 2 + 2, 30, 20)
    elif input == "sequence":
        assert expected["views"].shape == (6, 3, 30, 20)
        assert expected["strip"].shape == (1, 3, sum(height * width for height, width in SIZES))
    if input == "image":
        for output in program.outputs:
            assert_same(reference.of_image(output, found[output.name]), results[0][output.name], output.name)
    declared = {o.name: o.type.tensor_type.shape.dim for o in model.graph.output}
    for name, want in expected.items():
        assert len(declared[name]) == want.ndim
        assert all(d.dim_value in (0, have) for d, have in zip(declared[name], want.shape, strict=True))


def one_output(join: Join, *ops: Op, sample: Join | None = None, twice: bool = False) -> Program:
    """Return a program of a chain of ops, with its result as one output, or as two."""
    b = ProgramBuilder("Example", Parity("itself"))
    x = image_input(b)
    for step in (ToChannelsFirst(), *ops):
        x = b.add(step, x)
    for name in ["y", *["again"] * twice]:
        b.output(name, x, join, sample=sample)
    return b.finish()


MEANS = ByteMap((("div", (255.0,)), ("sub", (0.1, 0.2, 0.3)), ("div", (0.7, 0.6, 0.5))))
GIVEN = (("p", 2), ("q", 2))
PATCHES = Rearrange("c (h p) (w q) -> (h w) (c p q)", GIVEN, "PF")


@pytest.mark.parametrize("input", ["batch", "image"])
@pytest.mark.parametrize(
    ("program", "last"),
    [
        (one_output(Concatenate(), PATCHES, ByteMap(MEANS.operations, -1, 4)), "Div"),
        (one_output(Concatenate(), MEANS, Rearrange("c (h p) (w q) -> (h w) (c t p q)", (*GIVEN, ("t", 2)), "PF")), "Concat"),
        (one_output(Concatenate(axis=-1), MEANS), "Div"),
        (one_output(STACK, MEANS, sample=STACK), "Div"),
        (one_output(Concatenate(), MEANS), "Reshape"),  # the images' channels are merged, by which the constants differ
        (one_output(Concatenate(), Rearrange("c h w -> h (w c)", (), "PF"), ByteMap((("sub", (0.5,)),))), "Sub"),
        (one_output(Concatenate(), PATCHES, ByteMap(MEANS.operations, -1, 4), twice=True), "Reshape"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_no_reshape_comes_last(program: Program, last: str, input: str) -> None:
    """The node that writes an output cannot share memory with its operand: all elements would be copied."""
    images = np.random.default_rng(0).integers(0, 256, (3 if input == "batch" else 1, 6, 8, 3), dtype=np.uint8)
    model = emit(program, EmitOptions(input=input))  # type: ignore[arg-type]
    onnx.checker.check_model(model, full_check=True)
    found = ort(model)({"images": images} if input == "batch" else {"image": images[0]})
    expected = reference.batch(program.outputs, [reference.run(program, {"image": image}) for image in images])
    for name, want in expected.items():
        assert_same(found[name], want, name)
    if input == "batch" or program.outputs[0].join.has_image_axis:
        (node,) = [node for node in model.graph.node if "y" in node.output]
        assert node.op_type == last


def test_one_element_fills_the_masks_of_a_batch_at_once() -> None:
    b = ProgramBuilder("Example", Parity("itself"))
    image = image_input(b)
    b.output("mask", b.add(Full(image.type.shape[:2], 1, "i64", "HW")))
    model = emit(b.finish(), EmitOptions())
    assert [node.op_type for node in model.graph.node if node.op_type in ("Expand", "ConstantOfShape")] == ["ConstantOfShape"]
    found = ort(model)({"images": np.zeros((2, 3, 4, 3), np.uint8)})["mask"]
    assert_same(found, np.ones((2, 3, 4), np.int64))
