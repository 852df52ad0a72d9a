"""The float32 weights of enlargements: their sums round to the bytes of Pillow's integers, whatever the pixels and the order."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from graphproc.numerics.enlarging import MOST_OUTPUTS, float32_weights
from graphproc.numerics.filters import PRECISION_BITS, coefficients

ERROR = 6 * 2.0**-17
"""The largest error of two weights, two products and two additions in float32, below 256."""


def two_taps(n_in: int, n_out: int) -> tuple[np.ndarray, np.ndarray]:
    """Return both of Pillow's weights of every output, and those in float32, as fractions: a third tap weighs nothing."""
    weights = coefficients(n_in, n_out, "bilinear").weights
    floats = float32_weights(weights, n_out) * np.float32(2.0**-PRECISION_BITS)
    used = np.argsort(weights == 0, axis=1, kind="stable")[:, :2]
    assert ((weights != 0).sum(1) <= 2).all()
    assert (floats[weights == 0] == 0).all()
    if used.shape[1] == 1:
        used = np.zeros((n_out, 2), int)
        weights, floats = np.pad(weights, ((0, 0), (0, 1))), np.pad(floats, ((0, 0), (0, 1)))
        used[:, 1] = 1
    return np.take_along_axis(weights, used, 1), np.take_along_axis(floats, used, 1)


def byte(weights: np.ndarray, a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Return Pillow's byte for two pixels."""
    total = weights[:, :1].astype(np.int64) * a + weights[:, 1:].astype(np.int64) * b
    return (total + (1 << (PRECISION_BITS - 1))) >> PRECISION_BITS


@pytest.mark.parametrize(
    ("n_in", "n_out"), [(1, 7), (2, 107), (240, 800), (333, 510), (170, 510), (255, 510), (509, 510), (427, 683), (320, 1066)]
)
def test_every_pair_of_pixels_is_further_from_a_boundary_than_float32_errs(n_in: int, n_out: int) -> None:
    a, b = (v.reshape(-1) for v in np.meshgrid(np.arange(256), np.arange(256)))
    weights, floats = two_taps(n_in, n_out)
    weights, where = np.unique(weights, axis=0, return_index=True)
    for w, f in zip(weights[:, None], floats[where].astype(np.float64), strict=True):
        above = f[0] * a + f[1] * b + 0.5 - byte(w, a, b)[0]
        exact = (f * 2**16 % 1 == 0).all()  # as is the float32 sum
        error = 0 if exact else ERROR
        assert above.min() >= error
        assert above.max() <= 1 - error if error else above.max() < 1


@given(st.integers(1, MOST_OUTPUTS), st.floats(0, 1), st.integers(0, 2**32 - 1))
@example(3, 1.0, 0)
@example(600, 2 / 3, 0)
@example(765, 1 / 3, 0)
@example(MOST_OUTPUTS, 0.4, 0)
@example(MOST_OUTPUTS - 1, 0.999, 0)
def test_float32_sums_in_any_order_give_pillows_byte(n_out: int, ratio: float, seed: int) -> None:
    """All differences of two pixels, at a random brightness, for some outputs, by separate products and additions."""
    rng = np.random.default_rng(seed)
    weights, floats = two_taps(max(1, round(n_out * ratio)), n_out)
    some = rng.integers(0, n_out, 400)
    weights, floats = weights[some], floats[some]
    difference = np.arange(-255, 256)
    low = np.maximum(0, -difference)
    b = low + (rng.random((400, 511)) * (256 - np.abs(difference))).astype(int)
    a = b + difference
    terms = [floats[:, :1] * a.astype(np.float32), floats[:, 1:] * b.astype(np.float32), np.full((400, 511), np.float32(0.5))]
    want = byte(weights, a, b)
    for x, y, z in itertools.permutations(terms):
        np.testing.assert_array_equal(((x + y) + z).astype(np.int64), want)


@pytest.mark.slow
def test_integers_alone_would_not_do() -> None:
    """At ties the errors of Pillow's weights decide, and float32 sums of the weights as they are do not see them."""
    weights = np.unique(two_taps(320, 1066)[0], axis=0)
    naive = weights.astype(np.float32) * np.float32(2.0**-PRECISION_BITS)
    a, b = (v.reshape(-1) for v in np.meshgrid(np.arange(256), np.arange(256)))
    total = naive[:, :1] * a.astype(np.float32) + naive[:, 1:] * b.astype(np.float32) + np.float32(0.5)
    assert (total.astype(np.int64) != byte(weights, a, b)).any()
