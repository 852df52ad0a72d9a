"""Every join three ways: its numpy rule, a graph with a batch axis, and a graph with a loop."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import onnx
import pytest
from support.graphs import assert_same, ort

from graphproc.emitters.onnx.emit import EmitOptions, emit
from graphproc.errors import ProgramError, ShapeError
from graphproc.executors import reference
from graphproc.ir.join import Join, registered_joins
from graphproc.ir.program import Output, Parity, Program, ProgramBuilder
from graphproc.ir.types import DTYPES, TensorType
from graphproc.joins import STACK, Concatenate, Maximum, OffsetByImage, Pad, PrefixImageIndex, Stack
from graphproc.sizes import num

Array = np.ndarray[Any, Any]


@dataclass(frozen=True)
class JoinCase:
    """One join.

    Attributes:
        join: the join.
        dtype: the results' element type.
        images: the result of each image, as nested lists; shapes differ where the join allows it.
        expected: the joined result, written by hand.
    """

    join: Join
    dtype: str
    images: Sequence[Any]
    expected: Any

    @property
    def arrays(self) -> list[Array]:
        """Return the images' results."""
        return [np.array(image, DTYPES[self.dtype]) for image in self.images]

    @property
    def alike(self) -> list[Array]:
        """Return results of one shape, as from images of one size: the first image's, and the same flipped."""
        first = self.arrays[0]
        return [first, np.flip(first).copy(), first]


CASES: tuple[JoinCase, ...] = (
    JoinCase(Stack(), "i64", [[[1, 2, 3]], [[4, 5, 6]]], [[[1, 2, 3]], [[4, 5, 6]]]),
    JoinCase(Stack(), "bool", [True, False], [True, False]),
    JoinCase(Pad(), "i64", [[1, 2, 3], [4], []], [[1, 2, 3], [4, 0, 0], [0, 0, 0]]),
    JoinCase(Pad(-1), "f32", [[[1], [2]], [[3, 4]]], [[[1, -1], [2, -1]], [[3, 4], [-1, -1]]]),
    JoinCase(Pad(7, unpadded=(-2,)), "u8", [[[[1]], [[2]]], [[[3, 4]], [[5, 6]]]], [[[[1, 7]], [[2, 7]]], [[[3, 4]], [[5, 6]]]]),
    JoinCase(Concatenate(), "u8", [[[1, 2]], [[3, 4], [5, 6]]], [[1, 2], [3, 4], [5, 6]]),
    JoinCase(Concatenate(), "f32", [[[1, 2]], np.zeros((0, 2)), [[3, 4]]], [[1, 2], [3, 4]]),
    JoinCase(Concatenate(), "f32", [np.zeros((0, 2)), [[3, 4]]], [[3, 4]]),
    JoinCase(Concatenate(axis=-1), "f32", [[[1], [2]], [[3, 4], [5, 6]]], [[1, 3, 4], [2, 5, 6]]),
    JoinCase(Concatenate(fill=9), "i64", [[[1, 2], [3, 4]], [[5]], [[6, 7, 8]]], [[1, 2, 9], [3, 4, 9], [5, 9, 9], [6, 7, 8]]),
    JoinCase(PrefixImageIndex(), "i64", [[[7, 8]], [[5, 6], [3, 4]]], [[0, 7, 8], [1, 5, 6], [1, 3, 4]]),
    JoinCase(OffsetByImage(), "i64", [[0, 2, 1], [1, -1, 0], [0]], [0, 2, 1, 4, -1, 3, 5]),
    JoinCase(OffsetByImage(), "i32", [[[0, -1]], [[-1, -1]], [[2, 1], [0, -1]]], [[0, -1], [-1, -1], [3, 2], [1, -1]]),
    JoinCase(Maximum(), "i64", [3, 5, 2], 5),
    JoinCase(Maximum(), "bool", [False, True], True),
)


every_case = pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case.join}-{case.dtype}".replace(" ", ""))
TARGETS = ("cpu", "cuda")


def program(join: Join, dtype: str, shape: tuple[num.Num, ...], sample: Join | None = None) -> Program:
    """Return a program that returns what it is given."""
    b = ProgramBuilder("Example", Parity("itself"))
    b.output("found", b.input("given", TensorType(dtype, shape)), join, sample=sample)
    return b.finish()


def program_of(case: JoinCase) -> Program:
    """Return a case's program; lengths that differ among the images are symbols."""
    shapes = [array.shape for array in (*case.arrays, *case.alike)]
    shape = tuple(a[0] if len(set(a)) == 1 else num.symbol(f"side_{i}", 0) for i, a in enumerate(zip(*shapes, strict=True)))
    return program(case.join, case.dtype, shape)


def run_graph(program: Program, arrays: list[Array], input: str, target: str) -> Array:
    model = emit(program, EmitOptions(target, input))  # type: ignore[arg-type]
    onnx.checker.check_model(model, full_check=True)
    name = program.graph_input_name("given", plural=input != "image")
    given: Any = arrays if input == "sequence" else np.stack(arrays) if input == "batch" else arrays[0]
    found = ort(model)({name: given})["found"]
    declared = [d.dim_value or d.dim_param for d in model.graph.output[0].type.tensor_type.shape.dim]
    assert len(declared) == found.ndim
    assert all(isinstance(said, str) or said == length for said, length in zip(declared, found.shape, strict=True))
    return found


def test_every_join_has_a_case() -> None:
    assert {case.join.name for case in CASES} == set(registered_joins())


@every_case
def test_the_numpy_rule(case: JoinCase) -> None:
    found = case.join.numpy(case.arrays)
    assert isinstance(found, list) == case.join.has_image_axis
    assert_same(np.asarray(found), np.array(case.expected, DTYPES[case.dtype]))


@every_case
def test_shapes_without_arrays(case: JoinCase) -> None:
    for arrays in (case.arrays, case.alike, case.arrays[:1], case.arrays[::-1]):
        found = case.join.numpy(arrays)
        wanted = [np.shape(one) for one in found] if isinstance(found, list) else np.shape(found)
        assert case.join.numpy_shape([array.shape for array in arrays]) == wanted


def test_the_shapes_of_rows_that_differ() -> None:
    assert Concatenate().numpy_shape([(2, 3), (1, 4)]) == [(3,), (3,), (4,)]
    assert [one.shape for one in Concatenate().numpy([np.zeros((2, 3)), np.zeros((1, 4))])] == [(3,), (3,), (4,)]


def test_shapes_of_samples() -> None:
    samples = [np.zeros((1, 3, 2, 2)), np.zeros((2, 3, 2, 1))]
    join = Pad(unpadded=(-3,))
    assert join.numpy_samples_shape([one.shape for one in samples]) == join.numpy_samples(samples).shape == (2, 2, 3, 2, 2)
    for refusing in (join.numpy_samples, lambda given: join.numpy_samples_shape([one.shape for one in given])):
        with pytest.raises(ShapeError, match="expected samples with equal numbers of channels"):
            refusing([np.zeros((1, 3, 2, 2)), np.zeros((1, 1, 2, 2))])


@pytest.mark.parametrize("counts", [(1, 2), (3,), (0, 3), (1, 1, 1)])
@pytest.mark.parametrize("promotes", [True, False])
def test_types_of_samples(counts: tuple[int, ...], promotes: bool) -> None:
    output = Output("found", "given", Pad(unpadded=(-3,), promotes=promotes), STACK)
    results = [{"found": np.ones((3, 2, 2), np.uint8)}] * 3
    joined = reference.join([output], results, counts)["found"]
    found = reference.joined_type(output, np.dtype(np.uint8), [(3, 2, 2)] * 3, counts)
    assert found == (joined.dtype, joined.shape)
    assert joined.dtype == (np.float32 if promotes and len(set(counts)) > 1 else np.uint8)


@every_case
@pytest.mark.parametrize("target", TARGETS)
def test_image_by_image(case: JoinCase, target: str) -> None:
    found = run_graph(program_of(case), case.arrays, "sequence", target)
    assert_same(found, np.array(case.expected, DTYPES[case.dtype]))


@every_case
@pytest.mark.parametrize("target", TARGETS)
def test_a_batch(case: JoinCase, target: str) -> None:
    found = run_graph(program_of(case), case.alike, "batch", target)
    assert_same(found, np.asarray(case.join.numpy(case.alike)))
    if case.join.contiguous:  # parts of a batch may be run side by side, and lie in one array
        parts = [np.asarray(case.join.numpy([one])) for one in case.alike]
        assert_same(found, np.concatenate(parts))


@every_case
def test_one_image_comes_back(case: JoinCase) -> None:
    one = case.arrays[:1]
    found = run_graph(program_of(case), one, "image", "cpu")
    assert_same(found, np.asarray(case.join.numpy(one)))
    assert_same(np.asarray(case.join.split(found, 0)), one[0])


@every_case
def test_images_of_an_axis_come_back(case: JoinCase) -> None:
    if case.join.has_image_axis:
        found = run_graph(program_of(case), case.alike, "batch", "cpu")
        for position, wanted in enumerate(case.alike):
            assert_same(np.asarray(case.join.split(found, position)), wanted)


@every_case
@pytest.mark.parametrize("input", ["sequence", "batch", "image"])
def test_the_images_of_one_sample(case: JoinCase, input: str) -> None:
    """Inside a sample joins do the same; the sample has an axis in front where it keeps one."""
    shape = program_of(case).inputs[0].type.shape
    if isinstance(case.join, (OffsetByImage, PrefixImageIndex)):
        with pytest.raises(ProgramError, match="of images of a sample"):
            program(STACK, case.dtype, shape, sample=case.join)
        return
    nested = program(STACK, case.dtype, shape, sample=case.join)
    arrays = {"sequence": case.arrays, "batch": case.alike, "image": case.arrays[:1]}[input]
    found = run_graph(nested, arrays, input, "cpu")
    assert_same(found, np.asarray(case.join.numpy(arrays))[None])
    if input == "image":
        assert_same(np.asarray(reference.of_image(nested.outputs[0], found)), arrays[0])


@pytest.mark.parametrize(
    ("join", "dtype", "shape", "sample", "message"),
    [
        (Concatenate(), "f32", (), None, "concatenate: expected an axis to concatenate along, 0 or -1"),
        (Concatenate(axis=1), "f32", (2, 3), None, "expected an axis to concatenate along, 0 or -1, not 1, got f32"),
        (Concatenate(axis=-1, fill=0), "f32", (2, 3), None, "along, 0 with fill, not -1, got f32"),
        (Maximum(), "f32", (2,), None, r"maximum: expected a number for each image, got f32\[2\] of images"),
        (Maximum(), "f32", (), STACK, "expected a number for each image, got .* of samples"),
        (OffsetByImage(), "u8", (2,), None, r"offset_by_image: expected i32 or i64 rows of images, got u8\[2\] of images"),
        (OffsetByImage(), "i64", (2,), STACK, "expected i32 or i64 rows of images, got .* of samples"),
        (PrefixImageIndex(), "i64", (2,), None, "prefix_image_index: expected i64 rows and columns of images"),
        (PrefixImageIndex(), "f32", (2, 3), None, "expected i64 rows and columns of images"),
        (PrefixImageIndex(), "i64", (2, 3), STACK, "rows and columns of images, got .* of samples"),
        (Pad((1, 0)), "i64", (2,), None, "pad: expected samples with a last axis of 2 elements, .* of images"),
        (Pad((1, 0, 0)), "i64", (2,), STACK, r"expected samples with a last axis of 3 elements, .* got i64\[2\] of samples"),
    ],
)
def test_what_a_join_is_not_made_for(join: Join, dtype: str, shape: tuple[int, ...], sample: Join | None, message: str) -> None:
    with pytest.raises(ProgramError, match=f"program Example: output found: .*{message}"):
        program(join, dtype, shape, sample)


def test_samples_of_which_one_lacks_images() -> None:
    bytes_ = [np.ones((1, 3, 2, 2), np.uint8), np.ones((2, 3, 2, 1), np.uint8)]
    plain, promoted = Pad(unpadded=(-3,)), Pad(unpadded=(-3,), promotes=True)
    assert plain.numpy_samples(bytes_).dtype == np.uint8
    assert_same(promoted.numpy_samples(bytes_), plain.numpy_samples(bytes_).astype(np.float32))
    assert promoted.numpy_samples(bytes_[:1] * 2).dtype == np.uint8
    assert plain.empty_shape((5, 3, 2, 2)) == [0, 3, 0, 0]
    assert STACK.empty_shape((5, 3)) == [0, 0]
