"""Rearranging axes: random patterns against an element-wise definition, transformers' patches, node counts, refusals."""

from __future__ import annotations

import itertools
from collections import Counter

import numpy as np
import pytest
from oracles.ops import rearranged
from support.graphs import assert_same, emit_unoptimized, images, one_step, ort

from graphproc.emitters.onnx.emit import EmitOptions
from graphproc.errors import ShapeError
from graphproc.ir.program import Parity, ProgramBuilder
from graphproc.ir.types import TensorType
from graphproc.ops import CenterCrop, Rearrange
from graphproc.sizes import num

CHW = TensorType("f32", (3, 8, 12), "CHW")


def grouped(rng: np.random.Generator, names: list[str], count: int) -> list[list[str]]:
    """Return the names in `count` groups; some may be empty."""
    cuts = [0, *sorted(rng.integers(0, len(names) + 1, count - 1).tolist()), len(names)]
    return [names[a:b] for a, b in itertools.pairwise(cuts)]


def side(groups: list[list[str]]) -> str:
    return " ".join(group[0] if len(group) == 1 else f"({' '.join(group)})" for group in groups)


@pytest.mark.parametrize("seed", range(60))
def test_random_patterns(seed: int) -> None:
    rng = np.random.default_rng(seed)
    parts = list("abcdefg")[: rng.integers(3, 8)]
    repeats = list("xyz")[: rng.integers(0, 3)]
    lengths = {name: int(rng.integers(1, 4)) for name in (*parts, *repeats)}
    groups = grouped(rng, parts, 3)
    right = grouped(rng, rng.permutation([*parts, *repeats]).tolist(), int(rng.integers(1, 5)))
    inferred = {group[int(rng.integers(len(group)))] for group in groups if group}
    given = tuple((name, length) for name, length in lengths.items() if name not in inferred)
    op = Rearrange(f"{side(groups)} -> {side(right)}", given)
    shape = tuple(int(np.prod([lengths[name] for name in group], dtype=int)) for group in groups)
    x = images(2, *shape, seed=seed)
    expected = rearranged(x, op.pattern, **lengths)
    assert_same(op.numpy(x), expected)
    for known in (False, True):
        options = EmitOptions("cpu", image_size=shape[1:] if known else None)  # type: ignore[arg-type]
        model = emit_unoptimized(one_step(op, "u8", shape, "CHW"), options)
        assert_same(ort(model)({"images": x})["y"], expected, f"known={known}")


@pytest.mark.parametrize(
    ("pattern", "given", "nodes"),
    [
        (
            "c (gh m p) (gw n q) -> (gh gw m n) (c t p q)",
            {"m": 2, "n": 2, "p": 2, "q": 3, "t": 2},
            "Reshape Transpose Reshape Expand Reshape",
        ),
        ("c (gh m p) (gw n q) -> (gh gw m n) (c t p q)", {"m": 2, "n": 2, "p": 2, "q": 3, "t": 1}, "Reshape Transpose Reshape"),
        ("c (r h) (k w) -> (r k) c h w", {"r": 2, "k": 3}, "Reshape Transpose Reshape"),
        ("c (r h) (k w) -> (r k) c h w", {"r": 1, "k": 1}, "Reshape"),
        ("c (r h) w -> r c h w", {"r": 2}, "Reshape Transpose"),
        ("c h w -> (h w) c", {}, "Reshape Transpose"),  # height and width move as one axis
        ("c h w -> h w c", {}, "Transpose"),
        ("c h w -> w h c", {}, "Transpose"),
        ("c h w -> (c h) w", {}, "Reshape"),
        ("c h w -> n c h w", {"n": 3}, "Reshape Expand"),
        ("c h w -> (n c) h w", {"n": 1}, "Identity"),
        ("c h w -> c h w", {}, "Identity"),
    ],
)
@pytest.mark.parametrize("known", [False, True], ids=["symbolic", "known"])
def test_no_node_too_many(pattern: str, given: dict[str, int], nodes: str, known: bool) -> None:
    program = one_step(Rearrange(pattern, tuple(given.items())), "f32", (3, 8, 12), "CHW")
    model = emit_unoptimized(program, EmitOptions("cpu", image_size=(8, 12) if known else None))
    moving = {"Reshape", "Transpose", "Expand", "Identity"}
    found = [node.op_type for node in model.graph.node if node.op_type in moving]
    assert Counter(found) == Counter(nodes.split())
    if known:
        assert {node.op_type for node in model.graph.node} <= moving


@pytest.mark.parametrize("size", [(56, 84), (28, 28)])
def test_the_patches_of_qwen2_vl(size: tuple[int, int]) -> None:
    from transformers.models.qwen2_vl.image_processing_pil_qwen2_vl import Qwen2VLImageProcessorPil

    image = images(1, *size, 3)[0]
    plain = Qwen2VLImageProcessorPil(do_resize=False, do_rescale=False, do_normalize=False)
    expected = plain(image, return_tensors="np")["pixel_values"]
    sizes = (("m", 2), ("n", 2), ("p", 14), ("q", 14), ("t", 2))
    found = Rearrange("c (gh m p) (gw n q) -> (gh gw m n) (c t p q)", sizes).numpy(image.transpose(2, 0, 1))
    assert found.shape == expected.shape
    np.testing.assert_array_equal(found, expected)


@pytest.mark.parametrize(
    ("pattern", "sizes", "message"),
    [
        ("c h w", (), "expected two sides with '->' between them"),
        ("c h w -> c h -> w", (), "expected two sides"),
        ("c h w -> c h", (), "'w' is missing on the right"),
        ("c h h -> c h", (), "'h' occurs twice on one side"),
        ("c h w -> c h w c", (), "'c' occurs twice on one side"),
        ("c (h w -> c h w", (), "parentheses do not pair"),
        ("c h) w -> c h w", (), "parentheses do not pair"),
        ("c (h (p w)) -> c h p w", (), "parentheses do not pair, or are nested"),
        ("c h w -> ... c h w", (), "expected names, 1 and parentheses, got '... c h w'"),
        ("c h w -> c h 2 w", (), "expected names, 1 and parentheses, got '2 w'"),
        ("c h w -> n c h w", (), "how often 'n' repeats must be given in sizes"),
        ("c h w -> c h w", (("p", 2),), r"expected sizes of its parts, each once, got \['p'\]"),
        ("c (h p) w -> c h p w", (("p", 2), ("p", 4)), r"each once, got \['p', 'p'\]"),
        ("c (h p) w -> c h p w", (), "the lengths of h, p are not known; give all but one"),
        ("c (h p) w -> c h p w", (("p", 3),), r"an axis of length 8 cannot be h \? x p 3"),
        ("c (h p) w -> c h p w", (("p", 0),), r"an axis of length 8 cannot be h \? x p 0"),
        ("c (h p) w -> c h p w", (("p", 3), ("h", 3)), "an axis of length 8 cannot be h 3 x p 3"),
        ("c h 1 -> c h", (), "an axis of length 12 cannot be 1"),
        ("c h -> h c", (), r"expected a value of 2 axes, got 3: \[3, 8, 12\]"),
    ],
)
def test_refused(pattern: str, sizes: tuple[tuple[str, num.Num], ...], message: str) -> None:
    with pytest.raises(ShapeError, match=message):
        Rearrange(pattern, sizes).infer(CHW)


def test_sizes_that_turn_out_not_to_divide_are_refused() -> None:
    op = Rearrange("c (h p) w -> c h p w", (("p", 3),))
    assert str(op.infer(TensorType("f32", (3, num.symbol("height"), 12), "CHW")).shape[1]) == "height // 3"
    with pytest.raises(ShapeError, match="an axis of length 8 cannot be"):
        op.numpy(np.zeros((3, 8, 12)))


def test_whole_axes_keep_their_sizes() -> None:
    """So that types of values that took different ways compare equal."""
    height, width = num.symbol("height"), num.symbol("width")
    x = TensorType("f32", (3, height, width), "CHW")
    strip = Rearrange("c (gh p) (gw q) -> c p (gh gw q)", (("p", 14), ("q", 14))).infer(x)
    assert strip.shape == (3, 14, width * (height // 14)) or strip.shape == (3, 14, height // 14 * width)
    assert Rearrange("c (gh p) w -> (gh p) w c", (("p", 14),), "HWC").infer(x).shape == (height, width, 3)


def test_other_names_are_for_the_result_alone() -> None:
    b = ProgramBuilder("names", Parity("itself"))
    x = b.input("image", TensorType("u8", (3, num.symbol("height"), num.symbol("width")), "CHW"))
    b.output("renamed", b.add(Rearrange("c h w -> c h w", layout="HWC"), x))
    b.output("cropped", b.add(CenterCrop(4, 6), x))
    pixels = images(1, 3, 8, 12)
    found = ort(emit_unoptimized(b.finish(), EmitOptions("cpu", "image")))({"image": pixels[0]})
    assert_same(found["renamed"], pixels)
    assert_same(found["cropped"], pixels[:, :, 2:6, 3:9])


def test_of_no_axes() -> None:
    """A number of each image, which graphs only have of batches."""
    op = Rearrange("-> 1 1", layout="HW")
    assert op.infer(TensorType("f32", ())) == TensorType("f32", (1, 1), "HW")
    for lead in ((), (3,)):
        np.testing.assert_array_equal(op.numpy(np.ones(lead)), np.ones((*lead, 1, 1)))
