"""EoMT's windows: which image each belongs to, in batches that a graph takes at once, one after the other, or as a sequence."""

from __future__ import annotations

import cases.parity as cases
import numpy as np
import pytest
from cases.processors.mask_classification.eomt import SPLIT

import graphproc as gp
from graphproc.errors import GraphprocError

NAME = "EomtImageProcessor"
SIZES = ((60, 90), (300, 61), (45, 45), (60, 90))


@pytest.mark.parametrize("engine", ["numpy", "onnxruntime"])
@pytest.mark.parametrize("padded", [False, True])
def test_windows_are_numbered_by_image(engine: str, padded: bool) -> None:
    settings = {**SPLIT, "do_pad": padded}
    images = [cases.picture(size, "noise") for size in SIZES]
    expected = cases.transformers_result(NAME, settings, *images)
    found = cases.numpy_result(NAME, settings, *images, engine=engine)
    assert cases.difference(found, expected) == ""
    assert isinstance(found, dict)
    assert list(found) == ["pixel_values", "patch_offsets"]
    assert found["patch_offsets"][:, 0].tolist() == [0, 0, *[1] * 5, 2, 3, 3]


@pytest.mark.parametrize("engine", ["numpy", "onnxruntime"])
def test_windows_of_different_sizes_stay_a_list(engine: str) -> None:
    settings = {**SPLIT, "do_resize": False}
    images = [cases.picture(size, "noise") for size in SIZES]
    expected = cases.theirs(NAME, settings)(images)
    found = cases.ours(NAME, settings)(images, engine=engine)
    assert len(found["pixel_values"]) == len(expected["pixel_values"])
    for have, want in zip(found["pixel_values"], expected["pixel_values"], strict=True):
        np.testing.assert_array_equal(have, want)
    assert [type(offsets) for offsets in found["patch_offsets"]] == [type(offsets) for offsets in expected["patch_offsets"]]
    assert [offsets.dtype for offsets in found["patch_offsets"]] == [offsets.dtype for offsets in expected["patch_offsets"]]
    assert [o.tolist() for o in found["patch_offsets"]] == [o.tolist() for o in expected["patch_offsets"]]


@pytest.mark.parametrize("input", ["batch", "sequence"])
def test_graphs_number_windows_by_image(input: str) -> None:
    images = [cases.picture((60, 110), content) for content in ("noise", "photograph")]
    expected = cases.as_graph(NAME, SPLIT, cases.numpy_result(NAME, SPLIT, *images))
    session = cases.graph(NAME, SPLIT, input)
    assert not isinstance(session, GraphprocError)
    given = {"images": np.stack([np.asarray(image) for image in images])} if input == "batch" else cases.inputs(NAME, *images)
    assert cases.difference(session.run(given), expected) == ""


@pytest.mark.parametrize("target", ["cpu", "portable"])
@pytest.mark.parametrize("size", [(60, 110), (300, 61), (45, 45)])
def test_graphs_of_one_size(size: tuple[int, int], target: str) -> None:
    """Windows' sides follow from the image's, which are known."""
    image = cases.picture(size, "noise")
    expected = cases.as_graph(NAME, SPLIT, cases.numpy_result(NAME, SPLIT, image))
    graph = cases.ours(NAME, SPLIT).to_onnx(input="image", target=target, image_size=size)
    assert cases.difference(gp.Session(graph).run({"image": np.asarray(image)}), expected) == ""
