"""The filters and their integer coefficients against Pillow, and the order of Pillow's axis steps."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from oracles.ops import CODES, PILLOW_13, pillow_resize, pillow_two_passes, torch_resize
from support.strategies import FILTERS, filters, seeds, small_sides

from graphproc.numerics.filters import (
    FILTER_NAMES,
    LARGEST_WEIGHT,
    PRECISION_BITS,
    TORCH_BYTES,
    coefficients,
    nearest_indices,
)
from graphproc.numerics.filters import FILTERS as WEIGHTED
from graphproc.ops.resize.order import vertical_first
from graphproc.ops.resize.reference import resample_axis, resize

lengths = st.one_of(st.integers(1, 60), st.integers(1, 900), st.sampled_from((224, 256, 447, 449, 1000)))


def noise(seed: int, *shape: int) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, shape, dtype=np.uint8)


def test_codes_are_pillows() -> None:
    assert {FILTER_NAMES[code]: code for code in FILTER_NAMES} == CODES
    assert {f.name: f.code for f in WEIGHTED.values()} == {k: v for k, v in CODES.items() if k != "nearest"}


# --- one axis


@given(filters, lengths, lengths, seeds)
@example("lanczos", 900, 1, 0)
@example("bicubic", 1, 60, 0)
@example("nearest", 60, 7, 0)
@example("box", 7, 3, 0)
@example("hamming", 5, 10, 0)
def test_each_axis_equals_pillow(filter: str, n_in: int, n_out: int, seed: int) -> None:
    line = noise(seed, 3, n_in)
    np.testing.assert_array_equal(resample_axis(line, n_out, filter, -1), pillow_resize(line, 3, n_out, filter))
    column = np.ascontiguousarray(line.T)
    np.testing.assert_array_equal(resample_axis(column, n_out, filter, -2), pillow_resize(column, n_out, 3, filter))


@pytest.mark.parametrize("filter", FILTERS)
def test_extremes_of_brightness_clip_as_in_pillow(filter: str) -> None:
    """Edges between black and white make the lobes of a filter leave 0..255."""
    line = np.where(noise(1, 5, 200) < 128, 0, 255).astype(np.uint8)
    for n_out in (1, 13, 67, 199, 201, 433):
        np.testing.assert_array_equal(resample_axis(line, n_out, filter, -1), pillow_resize(line, 5, n_out, filter))


@given(lengths, lengths)
@example(1, 1)
@example(900, 899)
def test_nearest_indices_equal_pillow(n_in: int, n_out: int) -> None:
    positions = np.arange(n_in)
    bytes_ = np.stack([positions % 256, positions // 256]).astype(np.uint8)
    low, high = pillow_resize(bytes_, 2, n_out, "nearest").astype(np.int64)
    # rows of a two-line image keep their place, so the pair of bytes spells the index
    np.testing.assert_array_equal(nearest_indices(n_in, n_out), low + 256 * high)


# --- coefficients


@given(st.sampled_from(tuple(WEIGHTED)), lengths, lengths)
@example("lanczos", 1, 900)
@example("lanczos", 4, 5)
def test_coefficients_are_sound(name: str, n_in: int, n_out: int) -> None:
    k = coefficients(n_in, n_out, name)
    assert k.start.dtype == np.int64
    assert k.weights.dtype == np.int32
    assert k.start.shape == (n_out,)
    assert k.weights.shape[1] <= 2 * math.ceil(WEIGHTED[name].support * max(n_in / n_out, 1.0)) + 1
    assert (k.start >= 0).all()
    last = np.array([row.nonzero()[0].max(initial=0) for row in k.weights])
    assert (k.start + last < n_in).all()
    weights = k.weights.astype(np.int64)
    rounding = k.weights.shape[1] / 2  # each weight is off by half a unit at most
    assert (abs(weights.sum(axis=1) - (1 << PRECISION_BITS)) <= rounding).all()
    # so that no partial sum of 255 times the weights, half a unit included, leaves int32
    assert 255 * abs(weights).sum(axis=1).max() + (1 << (PRECISION_BITS - 1)) < 2**31


@given(st.sampled_from(tuple(WEIGHTED)), lengths, lengths, st.data())
def test_a_range_of_outputs_has_the_same_coefficients(name: str, n_in: int, n_out: int, data: st.DataObject) -> None:
    first = data.draw(st.integers(0, n_out - 1))
    count = data.draw(st.integers(1, n_out - first))
    whole, part = coefficients(n_in, n_out, name), coefficients(n_in, n_out, name, first, count)
    np.testing.assert_array_equal(part.start, whole.start[first : first + count])
    taps = part.weights.shape[1]
    np.testing.assert_array_equal(part.weights, whole.weights[first : first + count, :taps])
    assert not whole.weights[first : first + count, taps:].any()


@pytest.mark.parametrize("name", WEIGHTED)
def test_weight_functions_are_even_and_end_at_their_support(name: str) -> None:
    f = WEIGHTED[name]
    x = np.linspace(0.0, f.support, 97)[1:-1]
    np.testing.assert_array_equal(f.weight(x), f.weight(-x))
    assert f.weight(np.array([0.0])) == 1.0
    outside = np.array([-f.support - 1e-9, f.support + 1e-9, 100.0])
    np.testing.assert_array_equal(f.weight(outside), 0.0)


def test_weights_at_known_points() -> None:
    def at(name: str, x: float) -> float:
        return float(WEIGHTED[name].weight(np.array([x]))[0])

    assert at("bilinear", 0.25) == 0.75
    assert at("bicubic", 0.5) == 0.5625  # Keys 1981 with a = -1/2: 1 - 2.5 / 4 + 1.5 / 8
    assert at("bicubic", 1.5) == -0.0625
    assert at("lanczos", 0.5) == pytest.approx(math.sin(math.pi / 2) / (math.pi / 2) * math.sin(math.pi / 6) / (math.pi / 6))
    assert at("hamming", 0.5) == pytest.approx(0.54 * 2 / math.pi, abs=1e-7)
    assert (at("box", -0.5), at("box", 0.5)) == (0.0, 1.0)


# --- both axes


@given(filters, small_sides, small_sides, small_sides, small_sides, seeds)
@example("bicubic", 40, 40, 1, 1, 0)
@example("lanczos", 40, 1, 1, 40, 0)
@example("bilinear", 1, 1, 40, 39, 0)
@pytest.mark.skipif(not PILLOW_13, reason="the installed Pillow orders its passes in another way")
def test_resize_equals_pillow(filter: str, h: int, w: int, new_h: int, new_w: int, seed: int) -> None:
    image = noise(seed, 3, h, w)
    first = bool(vertical_first(h, w, new_h, new_w, "pillow"))
    np.testing.assert_array_equal(resize(image, new_h, new_w, filter, first), pillow_resize(image, new_h, new_w, filter))


@given(st.sampled_from(("bilinear", "bicubic")), small_sides, small_sides, small_sides, small_sides, seeds)
@example("bicubic", 40, 40, 1, 1, 0)
@example("bilinear", 40, 1, 1, 40, 0)
@example("bicubic", 20, 40, 10, 80, 0)
def test_resize_equals_torchs(filter: str, h: int, w: int, new_h: int, new_w: int, seed: int) -> None:
    image = noise(seed, 3, h, w) if seed % 2 else noise(seed, 3, h, w) // 128 * 255
    found = resize(image, new_h, new_w, filter, vertical_first(h, w, new_h, new_w, TORCH_BYTES), (), TORCH_BYTES)
    np.testing.assert_array_equal(found, torch_resize(image, new_h, new_w, filter))


@given(st.sampled_from(("bilinear", "bicubic", "lanczos")), lengths, lengths, st.data())
def test_torchvisions_weights_of_a_range_have_the_whole_axis_precision(
    name: str, n_in: int, n_out: int, data: st.DataObject
) -> None:
    first = data.draw(st.integers(0, n_out - 1))
    whole, part = (coefficients(n_in, n_out, name, *a, arithmetic=TORCH_BYTES) for a in ((), (first, 1)))
    assert part.bits == whole.bits
    np.testing.assert_array_equal(part.weights[0], whole.weights[first])
    largest = whole.weights.max() >> (PRECISION_BITS - whole.bits)
    assert largest < LARGEST_WEIGHT
    assert whole.bits == PRECISION_BITS or 2 * largest + 1 >= LARGEST_WEIGHT


@pytest.mark.skipif(not PILLOW_13, reason="the rule is that of Pillow 13")
def test_the_pass_order_is_pillows_on_decisive_sizes() -> None:
    """Sizes around `rows lost == 2 * columns lost`, on images that tell the two orders apart."""
    decided = {True: 0, False: 0}
    for w, new_w in ((30, 20), (30, 29), (20, 30), (25, 25), (30, 31)):
        for surplus in (-2, -1, 0, 1, 2, 5):
            lost = 2 * (w - new_w) + surplus
            for h, new_h in ((40, 40 - lost), (60, 60 - lost)):
                if new_h < 1:
                    continue
                image = noise(h * w + surplus, h, w)
                orders = {first: pillow_two_passes(image, new_h, new_w, "bicubic", first) for first in (True, False)}
                if (orders[True] == orders[False]).all():
                    continue
                found = pillow_resize(image, new_h, new_w, "bicubic")
                (actual,) = [first for first, result in orders.items() if (result == found).all()]
                assert vertical_first(h, w, new_h, new_w, "pillow") is actual, (h, w, new_h, new_w)
                decided[actual] += 1
    assert min(decided.values()) >= 10, decided
