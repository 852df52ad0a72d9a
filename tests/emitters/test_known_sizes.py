"""Graphs of a fixed batch and size: no arithmetic on sizes is left, and results keep their bits."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from typing import Any

import numpy as np
import onnx
import pytest
import tiers
from cases.every_class import FAMILIES, VARIANTS, Variant, batched, inputs_of, program
from support.graphs import assert_same, ort

from graphproc.emitters.onnx.checks import operator_counts
from graphproc.emitters.onnx.emit import EmitOptions, emit
from graphproc.errors import EmitError
from graphproc.ir.parse import parse
from graphproc.sizes import num

SIZES = ((60, 77), (112, 112))
"""The sizes that are tried; the second for classes that take square images."""
GONE = ("Shape", "Expand", "If")


def size_for(variant: Variant) -> tuple[int, int] | None:
    """Return a size that a program takes; None if the image's size does not decide all others."""
    made = program(variant)
    if made.data_dependent_sizes or not all(name.endswith(("height", "width")) for name in made.symbols):
        return None

    def takes(size: tuple[int, int]) -> bool:
        sides = {name: size[name.endswith("width")] for name in made.symbols}
        return all(num.evaluate(condition.holds, sides) for condition in made.preconditions)

    return next(filter(takes, SIZES))


def shape_of(value: onnx.ValueInfoProto) -> list[int | str]:
    return [dim.dim_value or dim.dim_param for dim in value.type.tensor_type.shape.dim]


def left_in(variants: Iterable[Variant]) -> tuple[Counter[str], set[str]]:
    """Return how often operators that are gone are left in graphs for both targets, and the classes without a known size."""
    left: Counter[str] = Counter()
    free = set()
    for variant in variants:
        size = size_for(variant)
        if size is None:
            free.add(variant.name.removesuffix("ImageProcessor"))
            continue
        for target in ("cpu", "portable"):
            model = emit(program(variant), EmitOptions(target, image_size=size, batch_size=3))  # type: ignore[arg-type]
            counts = operator_counts(model)
            left.update({operator: counts.get(operator, 0) for operator in GONE}, graphs=1)
            assert {operator: counts[operator] for operator in GONE if operator in counts} == {}, f"{variant} for {target}"
            assert shape_of(model.graph.input[0]) == [3, *size, 3]
    return left, free


def test_classes_have_no_arithmetic_on_sizes() -> None:
    left_in(FAMILIES[::2])


@pytest.mark.slow
def test_no_class_has_arithmetic_on_sizes() -> None:
    left, free = left_in(VARIANTS)
    print(dict(left), "sizes that pixels or boxes decide:", *sorted(free))
    assert left["graphs"] > 300
    assert free == {"Nougat", "PPFormulaNet", "VitPose"}


FEW = tuple(Variant(f"{name}ImageProcessor") for name in ("CLIP", "Qwen2VL", "Beit", "LlavaNext", "Mllama"))


@pytest.mark.parametrize("target", ["cpu", "portable"])
@pytest.mark.parametrize("variant", tiers.rows(VARIANTS, FEW), ids=str)
def test_fixed_batches_have_the_bits_of_free_ones(variant: Variant, target: str) -> None:
    size = size_for(variant)
    if size is None:
        pytest.skip("its sizes cannot be fixed")
    model = emit(program(variant), EmitOptions(target, image_size=size, batch_size=2))  # type: ignore[arg-type]
    images = np.random.default_rng(7).integers(0, 256, (2, *size, 3), dtype=np.uint8)
    feeds = batched(program(variant), inputs_of(program(variant), list(images)))
    wanted, results = ort(emit(program(variant), EmitOptions(image_size=size)))(feeds), ort(model)(feeds)
    assert list(results) == list(wanted)
    for name, want in wanted.items():
        assert_same(results[name], want, name)


def test_a_shape_is_declared_where_it_is_known() -> None:
    model = emit(program(Variant("Qwen2VLImageProcessor")), EmitOptions(image_size=(60, 77), batch_size=2))
    assert {value.name: shape_of(value) for value in model.graph.output} == {"pixel_values": [48, 1176], "image_grid_thw": [2, 3]}


def test_a_batch_alone_is_only_declared() -> None:
    model = emit(program(Variant("CLIPImageProcessor")), EmitOptions(batch_size=2))
    assert shape_of(model.graph.input[0]) == [2, "height", "width", 3]
    assert operator_counts(model)["If"] > 0


def test_one_image_of_one_size_has_no_arithmetic_on_sizes() -> None:
    for variant in FAMILIES[::3]:
        if size_for(variant) is not None:
            counts = operator_counts(emit(program(variant), EmitOptions("cpu", "image", image_size=(112, 112))))
            assert not set(GONE) & set(counts), variant


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"batch_size": 0}, "expected a whole number of images from 1, got 0"),
        ({"batch_size": 2.0}, "expected a whole number of images from 1, got 2.0"),
        ({"batch_size": 2, "input": "image"}, "input 'image' reads one image. Leave batch_size out"),
        ({"batch_size": 2, "input": "sequence"}, "input 'sequence' reads a sequence of any number of images"),
    ],
)
def test_batches_that_no_graph_has(options: dict[str, Any], message: str) -> None:
    with pytest.raises(EmitError, match=f"batch_size: {message}"):
        EmitOptions(**options)


def repeated(shape: str, pattern: str, sizes: str, **options: Any) -> dict[str, int]:
    """Return how often each operator is in the graph of a rearrangement that repeats."""
    lines = ["program Example", f"input image: u8[{shape}, 3] HWC", "a = to_channels_first(image)"]
    lines += [f'b = rearrange<pattern="{pattern}", sizes={sizes}, layout="TCHW">(a)', "output y = b: stack"]
    model = emit(parse("\n".join(lines)), EmitOptions(**options))
    image = np.random.default_rng(5).integers(0, 256, (2, 5, 7, 3), dtype=np.uint8)
    assert_same(ort(model)({"images": image})["y"], np.repeat(image.transpose(0, 3, 1, 2)[:, None], 3, axis=1), "repeated")
    return operator_counts(model)


def test_a_value_is_repeated_by_tile() -> None:
    known: dict[str, Any] = {"batch_size": 2, "image_size": (5, 7)}
    arguments = "height, width", "c h w -> t c h w", '[["t", 3]]'
    assert "Expand" in repeated(*arguments)
    counts = repeated(*arguments, **known)
    assert ("Expand" in counts, counts["Tile"]) == (False, 1)
    assert "Tile" not in repeated(*arguments, **known, target="cuda")  # which has no Tile of bytes
