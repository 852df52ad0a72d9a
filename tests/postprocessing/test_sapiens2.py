"""Sapiens 2: normals and points of transformers' class."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import tiers
from cases.parity import reference_class
from support.mask_outputs import SIZES, ours
from support.post_outputs import assert_close

from graphproc.errors import ConfigError
from graphproc.postprocessing.depth import PARITY

NAME, NORMALS, POINTS = "Sapiens2ImageProcessor", "post_process_normal_estimation", "post_process_pointmap_estimation"
SETTINGS = {"size": {"height": 33, "width": 28}, "do_pad": True}
WIDE = [(16, 90), (90, 17), (200, 170)]
"""Images with padding that has one row or column more at the end, and one that almost fills the size."""
CALLS: dict[str, dict[str, Any]] = {
    "none": {},
    "target": {"target_sizes": SIZES},
    "source": {"source_sizes": SIZES},
    "wide": {"source_sizes": WIDE},
    "both": {"source_sizes": WIDE, "target_sizes": SIZES},
    "padding left": {"source_sizes": WIDE, "do_remove_padding": False},
    "alike": {"source_sizes": [(16, 90)] * 3, "do_remove_padding": True},
}


def outputs(*shape: int, scales: bool = True) -> SimpleNamespace:
    """Return maps of three images."""
    torch = pytest.importorskip("torch")
    made = torch.randn((3, 3, *shape), generator=torch.Generator().manual_seed(5))
    made[0, :, 3, 4] = 0  # a vector of no length
    made[1, :, 5, 6] *= 1e-9
    return SimpleNamespace(normals=made, pointmaps=made * 4, scales=torch.tensor([[0.5], [1.25], [3.0]]) if scales else None)


@tiers.crossed(("call", CALLS), ("method", [NORMALS, POINTS]))
def test_maps(method: str, call: dict[str, Any]) -> None:
    for shape, scales in (((33, 28), True), ((33, 28), False), ((25, 24), True)):  # the last is cut where it ends
        model = outputs(*shape, scales=scales)
        expected = getattr(reference_class(NAME)(**SETTINGS), method)(model, **call)
        for processor in ours(NAME, **SETTINGS):
            assert_close(getattr(processor, method)(model, **call), expected, PARITY)


def test_the_examples_have_padding() -> None:
    (processor, _), model = ours(NAME, **SETTINGS), outputs(33, 28)
    kept, left = (getattr(processor, NORMALS)(model, **CALLS[name]) for name in ("wide", "padding left"))
    assert all(not np.array_equal(one["normals"], other["normals"]) for one, other in zip(kept[:2], left[:2], strict=True))


def test_refused() -> None:
    (processor, _) = ours(NAME)
    with pytest.raises(ConfigError, match=r"source_sizes: expected \(height, width\) of each image to remove its padding"):
        getattr(processor, NORMALS)(outputs(33, 28), do_remove_padding=True)
