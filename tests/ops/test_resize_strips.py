"""How a resize is cut into blocks and strips, and that no seam shows."""

from __future__ import annotations

import numpy as np
import onnx
import pytest
import tiers
from hypothesis import example, given
from hypothesis import strategies as st

import graphproc
from graphproc.emitters.onnx.checks import nodes
from graphproc.numerics.filters import FILTERS, PILLOW, PRECISION_BITS, TORCH_BYTES, coefficients
from graphproc.ops.resize.bands import Axis, known_bands
from graphproc.ops.resize.forms import (
    ENLARGING,
    INT8_2,
    INT8_3,
    PAIRED,
    SINGLE,
    ProductForm,
    choose_form,
    float_limit,
    single_bits,
)
from graphproc.ops.resize.result_strips import MOST_PIXELS, strip_rows, strip_rows_from_columns
from graphproc.sizes import num

PRIME = 683


@pytest.mark.parametrize("width", [3, 224, 1066, 4000])
def test_strips_fill_the_result(width: int) -> None:
    for height in (1, 7, 8, 224, 336, PRIME, 800, 1066, 1199, 1333):
        rows = num.known(strip_rows(height, width))
        assert height % rows == 0
        assert rows == height or rows * width <= MOST_PIXELS
        columns = num.known(strip_rows_from_columns(height))
        assert height % columns == 0
        assert columns == height or columns >= 32
    assert strip_rows(PRIME, 1024) == PRIME
    assert strip_rows(800, 1066) == 200
    assert strip_rows_from_columns(420) == 210


def test_strips_are_the_same_traced() -> None:
    height, width = num.symbol("height"), num.symbol("width")
    for sides in ({"height": 800, "width": 1066}, {"height": PRIME, "width": 1024}, {"height": 224, "width": 224}):
        rows = num.evaluate(strip_rows(height, width), sides)
        assert sides["height"] % rows == 0
        assert num.evaluate(strip_rows_from_columns(height), sides) == strip_rows_from_columns(sides["height"])
    assert num.evaluate(strip_rows(height, width), {"height": 800, "width": 1066}) == 200


def test_bands_of_strips_are_those_of_the_whole() -> None:
    """Each output's weights stand at its own rows, whatever strip it is in; places left over repeat a strip's last output."""
    k = coefficients(70, 33, "bicubic")
    rows, weights, taps = known_bands(Axis(70, 33, 0, 33, strip_length=11), "bicubic")
    rows, weights = rows.reshape(3, -1, rows.shape[1]), weights.reshape(3, -1, *weights.shape[1:])
    assert taps == k.weights.shape[1]
    dense = np.zeros((33, 70), np.int32)
    for output in range(33):
        for tap in range(taps):
            dense[output, min(k.start[output] + tap, 69)] += k.weights[output, tap]
    for strip in range(3):
        found = np.zeros((*weights.shape[1:3], 70), np.int32)
        for block, places in enumerate(rows[strip]):
            found[block][:, places] = weights[strip, block]
        flat = found.reshape(-1, 70)
        np.testing.assert_array_equal(flat[:11], dense[11 * strip : 11 * strip + 11])
        assert (flat[11:] == flat[10]).all()


@pytest.mark.parametrize(
    ("n_in", "n_out", "name", "arithmetic", "form"),
    [
        (640, 224, "bicubic", PILLOW, PAIRED),
        (1000, 224, "bicubic", PILLOW, INT8_3),
        (240, 768, "bilinear", PILLOW, SINGLE),  # multiples of 1/32
        (427, 800, "bilinear", PILLOW, ENLARGING),
        (427, 8193, "bilinear", PILLOW, PAIRED),
        (801, 800, "bilinear", PILLOW, PAIRED),
        (427, 800, "hamming", PILLOW, PAIRED),
        (427, 800, "bicubic", TORCH_BYTES, SINGLE),
        (427, 224, "bicubic", TORCH_BYTES, SINGLE),
        (640, 224, "bicubic", TORCH_BYTES, INT8_2),
        (640, 224, "bilinear", TORCH_BYTES, SINGLE),
        (1920, 224, "bilinear", TORCH_BYTES, INT8_2),
    ],
)
def test_forms_by_reduction_and_bits(n_in: int, n_out: int, name: str, arithmetic: str, form: ProductForm) -> None:
    axis = Axis(n_in, n_out, 0, n_out, strip_length=n_out)
    _, weights, taps = known_bands(axis, name, arithmetic)
    assert choose_form("cpu", weights, taps, axis.reduction, n_out, name, arithmetic)[0] == form
    if form == ENLARGING:
        assert choose_form("cpu", weights, taps, axis.reduction, 0, name, arithmetic)[0] == PAIRED


@pytest.mark.slow
@given(st.sampled_from(("bilinear", "bicubic", "lanczos")), st.integers(1, 900), st.integers(1, 900))
@example("lanczos", 1, 900)
@example("lanczos", 4, 5)
@example("bicubic", 2, 1)
@example("bilinear", 4, 1)
@example("bilinear", 900, 224)
def test_torchvisions_weights_fit_the_forms_of_any_size(name: str, n_in: int, n_out: int) -> None:
    """A graph for any size takes one of two forms by the weights' bits alone, so the bits have to be enough to know."""
    k = coefficients(n_in, n_out, name, arithmetic=TORCH_BYTES)
    own = k.weights >> (PRECISION_BITS - k.bits)
    assert (own << (PRECISION_BITS - k.bits) == k.weights).all()
    assert -INT8_2.zero_point * 257 <= own.min()
    assert own.max() <= (255 - INT8_2.zero_point) * 257
    total = 255 * np.abs(own.astype(np.int64)).sum(1).max() + (1 << k.bits >> 1)
    assert k.bits > single_bits(name) or total <= 1 << 24


@pytest.mark.parametrize("name", FILTERS)
def test_pairs_stay_in_range(name: str) -> None:
    """What the proof of paired products takes for granted: sums of absolute weights under 2, and no more taps than it allows."""
    for n_in, n_out in [(1, 9), (2, 7), (3, 1000), (50, 49), (49, 50), (640, 224), (333, 100), (64, 1), (7, 7)]:
        k = coefficients(n_in, n_out, name)
        assert np.abs(k.weights.astype(np.int64)).sum(1).max() < 2 << PRECISION_BITS
        assert FILTERS[name].negative or k.weights.min() >= 0
    assert PAIRED.max_taps > coefficients(round(100 * float_limit(name, PILLOW)), 100, name).weights.shape[1]


def test_the_sum_of_a_pair_is_rounded_down_to_its_byte() -> None:
    """Around every rounding boundary, the two constants and one float32 addition give the definition's byte."""
    boundaries = (np.arange(-40, 300, dtype=np.int64)[:, None] << PRECISION_BITS) + (1 << (PRECISION_BITS - 1))
    total = (boundaries + np.arange(-70, 71)).reshape(-1)
    high, low = total >> 8, total & 255
    pair = (high * 2.0**-14 + 512.5).astype(np.float32) + (low * 2.0**-22 - 2.0**-15).astype(np.float32)
    got = np.clip(pair, np.float32(512), np.float32(767)).astype(np.int32).astype(np.uint8)
    want = np.clip((total + (1 << (PRECISION_BITS - 1))) >> PRECISION_BITS, 0, 255)
    np.testing.assert_array_equal(got, want)


@pytest.mark.parametrize(
    ("sides", "size"),
    [
        ((300, 200), (799, 600)),
        ((267, 400), (799, 600)),
        ((320, 333), (799, 600)),
        ((799, 600), (799, 600)),
        ((5, 2), (799, 600)),
        ((427, 640), (PRIME, 1024)),  # twice that has no other divisors than powers of two
    ],
)
def test_enlargements_of_any_size(sides: tuple[int, int], size: tuple[int, int]) -> None:
    """Pillow's weights from the graph: of many ties (400 to 600), of few, of none, and of a side that stays."""
    from graphproc.runtime.session import Session

    size_setting = {"height": size[0], "width": size[1]}
    processor = graphproc.DetrImageProcessorPil(size=size_setting, do_rescale=False, do_normalize=False)
    image = np.random.default_rng(sides).integers(0, 256, (1, *sides, 3), dtype=np.uint8)
    graph = processor.to_onnx()
    assert any("/enlarging/" in node.name for node, _ in nodes(graph.graph))
    got = Session(graph, threads=1).run({"images": image})["pixel_values"]
    want = processor.preprocess(list(image), return_tensors="np", engine="numpy")["pixel_values"]
    np.testing.assert_array_equal(got, want)


@pytest.mark.parametrize("fixed", [False, True])
def test_no_float_becomes_a_byte_through_neighbouring_casts(fixed: bool) -> None:
    """ONNX Runtime makes one Cast of two; a float beyond 255 would then become whatever its compiler makes of it."""
    model = graphproc.ViTImageProcessor().to_onnx(**({"image_size": (300, 400)} if fixed else {}))
    seen = [node for node, _ in nodes(model.graph)]
    of = {output: node for node in seen for output in node.output}
    to_bytes = [n for n in seen if n.op_type == "Cast" and n.attribute[0].i == onnx.TensorProto.UINT8]
    behind = [of[node.input[0]].op_type for node in to_bytes]
    assert "Reshape" in behind
    assert "Cast" not in behind


@tiers.crossed(("height, width", [(70, 91), (333, 200), (149, 610), (610, 149)]), ("resample", [2, 3]), ("fixed", [False, True]))
def test_no_seam_shows_in_batches_of_any_size(height: int, width: int, resample: int, fixed: bool) -> None:
    """Several images, several strips of image and result, blocks that are not full, enlarging and reducing, both orders."""
    from graphproc.runtime.session import Session

    processor = graphproc.DetrImageProcessor(size={"shortest_edge": 380, "longest_edge": 800}, resample=resample)
    images = np.random.default_rng(height).integers(0, 256, (2, height, width, 3), dtype=np.uint8)
    graph = processor.to_onnx(image_size=(height, width)) if fixed else processor.to_onnx()
    got = Session(graph, threads=1).run({"images": images})["pixel_values"]
    want = processor.preprocess(list(images), return_tensors="np", engine="numpy")["pixel_values"]
    np.testing.assert_array_equal(got, want)
