"""Llama 4 computes in bfloat16, which numpy lacks: torch tensors are of that type, arrays and graphs hold its numbers."""

from __future__ import annotations

import cases.parity as cases
import numpy as np
import pytest

import graphproc as gp
from graphproc.numerics.bfloat16 import rounded
from graphproc.sizes import tile_canvas

NAME = "Llama4ImageProcessor"
SMALL = {"size": {"height": 40, "width": 40}}


@pytest.mark.parametrize("engine", ["numpy", "onnxruntime"])
def test_torch_tensors_are_bfloat16_as_in_transformers(engine: str) -> None:
    torch = pytest.importorskip("torch")
    image = cases.picture((60, 90), "noise")
    processor = gp.Llama4ImageProcessor(**SMALL)
    found = processor(image, return_tensors="pt", engine=engine)
    arrays = processor(image, return_tensors="np", engine=engine)
    assert (found["pixel_values"].dtype, found["aspect_ratios"].dtype) == (torch.bfloat16, torch.int64)
    assert arrays["pixel_values"].dtype == np.float32
    assert np.array_equal(found["pixel_values"].float().numpy(), arrays["pixel_values"])
    expected = cases.theirs(NAME, SMALL)(image, return_tensors="pt")
    assert all(torch.equal(found[key], value) and found[key].dtype == value.dtype for key, value in expected.items())


def test_without_normalizing_they_are_not() -> None:
    torch = pytest.importorskip("torch")
    image = cases.picture((60, 90), "noise")
    for settings, dtype in (
        ({"do_normalize": False}, torch.float32),
        ({"do_normalize": False, "do_rescale": False}, torch.uint8),
    ):
        assert gp.Llama4ImageProcessor(**SMALL, **settings)(image, return_tensors="pt")["pixel_values"].dtype == dtype


@pytest.mark.parametrize("settings", [{}, {"image_mean": [0.4, 0.5, 0.6]}, {"image_mean": 0.4, "image_std": 0.5}])
def test_one_channel_becomes_as_many_as_means(settings: dict[str, object]) -> None:
    settings = {**SMALL, "do_convert_rgb": False, **settings}
    image = cases.picture((16, 32), "noise").convert("L")
    expected = cases.theirs(NAME, settings)(image, return_tensors="pt")["pixel_values"]
    for engine in ("numpy", "onnxruntime"):
        found = gp.Llama4ImageProcessor(**settings)(image, return_tensors="pt", engine=engine)["pixel_values"]
        assert found.shape == expected.shape
        assert (found == expected).all()


def test_rounding_is_that_of_torch() -> None:
    torch = pytest.importorskip("torch")
    bits = np.random.default_rng(3).integers(0, 2**32, 100_000, dtype=np.uint32)
    bits[:70_000] = bits[:70_000] & 0xFFFF0000 | np.array([0, 1, 0x7FFF, 0x8000, 0x8001, 0xFFFF, 0x4000], np.uint32).repeat(
        10_000
    )
    x = bits.view(np.float32)
    x = x[~np.isnan(x)]
    assert np.array_equal(rounded(x), torch.from_numpy(x).to(torch.bfloat16).float().numpy())
    assert np.isnan(rounded(np.float32("nan")))


@pytest.mark.parametrize(("tile", "most", "largest"), [(336, 16, False), (336, 16, True), (40, 5, False), (97, 12, True)])
def test_canvases_are_those_of_transformers(tile: int, most: int, largest: bool) -> None:
    import torch
    from transformers.image_utils import SizeDict
    from transformers.models.llama4 import image_processing_llama4 as source

    known = torch.tensor(source.find_supported_resolutions(most, SizeDict(height=tile, width=tile)))
    for height, width in np.random.default_rng(7).integers(1, 2000, (500, 2)).tolist():
        best = source.get_best_fit((height, width), known, largest)
        goal = best if largest else [min(max(side, tile), limit) for side, limit in zip((height, width), best, strict=True)]
        fitted = source.get_max_res_without_distortion((height, width), goal)
        found = tile_canvas.chunked_canvas(height, width, tile, most, largest=largest)
        assert (*found.canvas, *found.fitted) == (*map(int, best), *(max(int(side), 1) for side in fitted))
