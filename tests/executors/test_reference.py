"""The numpy executor: inputs it refuses, outputs it gives, and how images join into a batch."""

from __future__ import annotations

import numpy as np
import pytest
from oracles.ops import channels_first, pillow_resize

from graphproc.errors import ImageError, ProgramError, ShapeError
from graphproc.executors.reference import batch, join, run
from graphproc.ir.delivery import LISTS, OMITTED_IF_EMPTY, Delivery
from graphproc.ir.program import Output, Parity, Program, ProgramBuilder, image_input
from graphproc.joins import STACK, Concatenate, Pad
from graphproc.ops import Resample, ToChannelsFirst
from graphproc.sizes import num


@pytest.fixture
def program() -> Program:
    b = ProgramBuilder("Example", Parity("itself"))
    x = image_input(b)
    b.require(x.type.size("H") <= 50, "too tall.")
    first = b.add(ToChannelsFirst(), x)
    b.output("small", b.add(Resample(num.maximum(num.symbol("height") // 2, 1), 4, "bicubic"), first))
    b.output("first", first)
    return b.finish()


def test_outputs_by_name(program: Program, rng: np.random.Generator) -> None:
    image = rng.integers(0, 256, (11, 8, 3), dtype=np.uint8)
    found = run(program, {"image": image})
    assert list(found) == ["small", "first"]
    np.testing.assert_array_equal(found["first"], channels_first(image))
    np.testing.assert_array_equal(found["small"], pillow_resize(channels_first(image), 5, 4, "bicubic"))
    assert all(value.flags.c_contiguous for value in found.values())


def test_views_are_taken(program: Program, rng: np.random.Generator) -> None:
    image = rng.integers(0, 256, (22, 16, 3), dtype=np.uint8)[::2, ::-2]
    np.testing.assert_array_equal(run(program, {"image": image})["first"], channels_first(image))


@pytest.mark.parametrize(
    ("image", "message"),
    [
        (np.zeros((4, 5, 3), np.float32), r"image: expected u8\[height, width, 3\] HWC, got float32\[4, 5, 3\]"),
        (np.zeros((4, 5), np.uint8), r"image: expected .*, got uint8\[4, 5\]"),
        (np.zeros((4, 5, 4), np.uint8), r"image: expected .*, got uint8\[4, 5, 4\]"),
        (np.zeros((0, 5, 3), np.uint8), r"image: expected at least one pixel, got the shape \[0, 5, 3\]"),
    ],
)
def test_refused_images(program: Program, image: np.ndarray, message: str) -> None:
    with pytest.raises(ImageError, match=message):
        run(program, {"image": image})


def test_a_missing_input(program: Program) -> None:
    with pytest.raises(ImageError, match=r"Example: expected an input 'image', got \['images'\]"):
        run(program, {"images": np.zeros((4, 5, 3), np.uint8)})


def test_a_broken_precondition(program: Program) -> None:
    with pytest.raises(ProgramError, match="too tall"):
        run(program, {"image": np.zeros((51, 5, 3), np.uint8)})


def test_join() -> None:
    results = [
        {"a": np.ones((2, 2)), "b": np.ones((1, 2, 3), np.float32), "c": np.ones((2, 4))},
        {"a": np.zeros((2, 2)), "b": np.ones((1, 3, 2), np.float32), "c": np.zeros((1, 4))},
    ]
    outputs = [Output("a", "a"), Output("b", "b", Pad(-1)), Output("c", "c", Concatenate())]
    joined = join(outputs, results)
    assert [x.shape for x in joined["a"]] == [(2, 2), (2, 2)]
    first, second = joined["b"]
    assert first.dtype == second.dtype == np.float32
    np.testing.assert_array_equal(first, [[[1, 1, 1], [1, 1, 1], [-1, -1, -1]]])
    np.testing.assert_array_equal(second, [[[1, 1, -1], [1, 1, -1], [1, 1, -1]]])
    np.testing.assert_array_equal(joined["c"], [[1] * 4, [1] * 4, [0] * 4])


def test_samples_of_different_numbers_of_images() -> None:
    outputs = [
        Output("ids", "ids", Pad(7), STACK),
        Output("mask", "mask", Pad((1, 0)), STACK),
        Output("rows", "rows", Pad(-1), Concatenate(fill=-1)),
        Output("count", "count", STACK, STACK, LISTS),
    ]
    results = [
        {"ids": np.int64(index), "mask": np.array([3, 4]), "rows": np.full((2, length), index), "count": np.int64(index)}
        for index, length in enumerate((3, 1, 2))
    ]
    joined = join(outputs, results, [1, 0, 2])
    assert joined["ids"].tolist() == [[0, 7], [7, 7], [1, 2]]
    assert joined["mask"].tolist() == [[[3, 4], [1, 0]], [[1, 0], [1, 0]], [[3, 4], [3, 4]]]
    assert joined["rows"].tolist() == [
        [[0, 0, 0], [0, 0, 0], [-1, -1, -1], [-1, -1, -1]],
        [[-1, -1, -1]] * 4,
        [[1, -1, -1], [1, -1, -1], [2, 2, -1], [2, 2, -1]],
    ]
    assert joined["count"] == [[0], [], [1, 2]]


def test_deliveries() -> None:
    results = [{"a": np.full((1, length), length), "none": np.zeros((0, 2))} for length in (1, 3)]
    outputs = [
        Output("lists", "a", Pad(), delivery=LISTS),
        Output("separate", "a", Pad(), delivery=Delivery("separate")),
        Output("left_out", "none", Concatenate(), delivery=OMITTED_IF_EMPTY),
        Output("kept", "a", STACK, delivery=OMITTED_IF_EMPTY),
    ]
    named = [{output.name: result[output.value] for output in outputs} for result in results]
    joined = join(outputs, named)
    assert joined["lists"] == [[[1, 0, 0]], [[3, 3, 3]]]
    assert [array.shape for array in joined["separate"]] == [(1, 1), (1, 3)]
    assert list(joined) == ["lists", "separate", "kept"]
    assert batch(outputs[:2], named)["separate"].shape == (2, 1, 3)  # a graph has a tensor in any case


def test_strips_are_joined_at_their_ends() -> None:
    results = [{"a": np.full((2, length), length)} for length in (1, 3)]
    assert join([Output("a", "a", Concatenate(axis=-1))], results)["a"].tolist() == [[1, 3, 3, 3]] * 2


def test_images_of_different_shapes_do_not_stack() -> None:
    results = [{"a": np.zeros((2, length))} for length in (1, 3)]
    with pytest.raises(ShapeError, match=r"a: expected images of one shape in a sample, got \[2, 1\], \[2, 3\]"):
        join([Output("a", "a", STACK, STACK)], results, [2])
