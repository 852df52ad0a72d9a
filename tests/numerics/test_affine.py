"""Lines that are nearest to maps of bytes."""

from __future__ import annotations

import numpy as np
import pytest

from graphproc.numerics.affine import fitted

BYTES = np.arange(256, dtype=np.float32)


def test_lines_are_found_exactly() -> None:
    scale, offset = np.float32([1 / 255, 0.0173, -2]), np.float32([0, 0, 510])
    table = BYTES * scale[:, None] + offset[:, None]
    found = fitted(table.astype(np.float32))
    assert found[2] == 0
    np.testing.assert_array_equal(found[0], scale)
    np.testing.assert_array_equal(found[1], offset)


def test_a_bound_holds_with_one_rounding_and_with_two() -> None:
    mean, std = np.float32([[0.485], [0.456]]), np.float32([[0.229], [0.224]])
    table = (BYTES / np.float32(255) - mean) / std
    scale, offset, bound = fitted(table)
    two = BYTES * scale[:, None] + offset[:, None]
    one = (BYTES.astype(np.float64) * scale[:, None] + offset[:, None]).astype(np.float32)
    gaps = [float(abs(y.astype(np.float64) - table).max()) for y in (one, two)]
    assert 0 < max(gaps) == bound < 5e-7


def test_the_nearest_is_no_worse_than_the_usual_numbers() -> None:
    mean, std = np.float32([0.48145466]), np.float32([0.26862954])
    table = ((BYTES / np.float32(255) - mean) / std)[None]
    usual = BYTES * (1 / (255 * std)).astype(np.float32) - (mean / std).astype(np.float32)
    assert fitted(table)[2] <= abs(usual.astype(np.float64) - table).max()


@pytest.mark.parametrize("value", [np.inf, np.nan])
def test_maps_without_a_line_have_no_bound(value: float) -> None:
    table = BYTES[None].copy()
    table[0, 7] = value
    assert fitted(table)[2] == np.inf
