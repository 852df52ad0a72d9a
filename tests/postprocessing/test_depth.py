"""Depths and normals: the maps of transformers' classes."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from cases.parity import reference_class
from support.mask_outputs import SIZES, ours, run_graph
from support.post_outputs import assert_close

from graphproc.errors import ConfigError
from graphproc.postprocessing.depth import PARITY

DEPTH, NORMALS = "post_process_depth_estimation", "post_process_normal_estimation"
CLASSES = ("CHMv2", "DPT", "DepthPro", "GLPN", "PromptDepthAnything", "Tipsv2Dpt")
VIEWS = [33.0, 58.5, 101.25]


def depths(scale: float = 5.0, **more: Any) -> SimpleNamespace:
    """Return depths of three images, and other outputs."""
    torch = pytest.importorskip("torch")
    made = torch.rand((3, 24, 31), generator=torch.Generator().manual_seed(3)) * scale
    return SimpleNamespace(predicted_depth=made, **{name: torch.tensor(value) for name, value in more.items()})


@pytest.mark.parametrize("sizes", [SIZES, [(1, 40), (50, 1), (24, 31)], None], ids=["sized", "lines", "unsized"])
@pytest.mark.parametrize("name", CLASSES)
def test_depths(name: str, sizes: list[tuple[int, int]] | None) -> None:
    model = depths() if name != "DepthPro" else SimpleNamespace(**vars(depths()), field_of_view=None)
    expected = getattr(reference_class(f"{name}ImageProcessor")(), DEPTH)(model, sizes)
    for processor in ours(f"{name}ImageProcessor"):
        assert_close(getattr(processor, DEPTH)(model, sizes), expected, PARITY)


@pytest.mark.parametrize("sizes", [SIZES, None], ids=["sized", "unsized"])
@pytest.mark.parametrize("resample", [0, 2, 3])
def test_fields_of_view(resample: int, sizes: list[tuple[int, int]] | None) -> None:
    """Some depths lie outside the range that counts."""
    for scale in (5.0, 3e4, 2e-4):
        model = depths(scale, field_of_view=VIEWS)
        expected = getattr(reference_class("DepthProImageProcessor")(resample=resample), DEPTH)(model, sizes)
        assert (expected[0]["focal_length"] is None) == (sizes is None)
        for processor in ours("DepthProImageProcessor", resample=resample):
            found = getattr(processor, DEPTH)(model, sizes)
            assert_close(found, expected, PARITY, f"{scale}")
            # The largest may be far larger than most. Cubic interpolation overshoots through 0, where little is left of a number.
            for one, other in zip(found, expected, strict=True) if resample < 3 else ():
                np.testing.assert_allclose(one["predicted_depth"], other["predicted_depth"], rtol=PARITY.bound)


@pytest.mark.parametrize("sizes", [SIZES, None], ids=["sized", "unsized"])
def test_normals(sizes: list[tuple[int, int]] | None) -> None:
    torch = pytest.importorskip("torch")
    normals = torch.randn((3, 3, 15, 22), generator=torch.Generator().manual_seed(4))
    normals[0, :, 3, 4] = 0  # a vector of no length
    normals[1, :, 5, 6] *= 1e-13
    expected = getattr(reference_class("Tipsv2DptImageProcessor")(), NORMALS)(SimpleNamespace(normals=normals), sizes)
    for processor in ours("Tipsv2DptImageProcessor"):
        assert_close(getattr(processor, NORMALS)({"normals": normals}, sizes), expected, PARITY)


@pytest.mark.parametrize("opset", [17, 18])
def test_graphs(opset: int) -> None:
    """Inputs that outputs are called like have other names."""
    (processor, _), model = ours("DepthProImageProcessor"), depths(field_of_view=VIEWS)
    fields = {f"input_{name}": value.numpy() for name, value in vars(model).items()}
    for sizes, form in (([(31, 17)] * 3, "batch"), (SIZES, "sequence")):
        expected = getattr(processor, DEPTH)(model, sizes)
        given = sizes[0] if form == "batch" else sizes
        found = run_graph(processor, DEPTH, fields, given, input=form, opset=opset, fields=["field_of_view"])
        for index, (height, width) in enumerate(sizes):
            one = {name: value[index] for name, value in found.items()}
            one["predicted_depth"] = one["predicted_depth"][:height, :width]
            for name, value in expected[index].items():
                np.testing.assert_allclose(one[name], value, rtol=1e-5, err_msg=name)


def test_refused() -> None:
    (processor, _) = ours("DepthProImageProcessor", resample=1)
    with pytest.raises(ConfigError, match=r"resample: expected 0, 2 or 3 \(nearest, bilinear, bicubic\) .*, got 1"):
        getattr(processor, DEPTH)(depths(), SIZES)
    assert getattr(processor, DEPTH)(depths())[0]["field_of_view"] is None
