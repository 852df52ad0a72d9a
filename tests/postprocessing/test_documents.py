"""Pages, layouts, texts and tables, and mattes: those of transformers' classes."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from cases.parity import reference_class
from PIL import Image
from support.mask_outputs import ours

from graphproc.errors import ImageError

torch = pytest.importorskip("torch")
SIZES = [(40, 30), (25, 60)]


def random(*shape: int, seed: int = 0) -> Any:
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed))


def theirs(name: str, **settings: Any) -> Any:
    return reference_class(name)(**settings)


def test_pages() -> None:
    """Straightened within a byte; what lies outside is black."""
    name = "UVDocImageProcessor"
    mesh = random(2, 2, 5, 4) * 0.8
    images = [torch.rand((3, *size), generator=torch.Generator().manual_seed(1)) for size in SIZES]
    expected = theirs(name).post_process_document_rectification(mesh, images)
    for processor in ours(name):
        for given in (images, [image[None] for image in images]):
            found = processor.post_process_document_rectification(mesh, given)
            for one, other in zip(found, expected, strict=True):
                assert (one["images"].dtype, one["images"].shape) == (torch.uint8, other["images"].shape)
                assert (one["images"].int() - other["images"].int()).abs().max() <= 1
                assert 0.05 < (one["images"] == 0).float().mean() < 0.9
        with pytest.raises(ImageError, match="original_images: expected one image"):
            processor.post_process_document_rectification(mesh, [torch.zeros((2, 3, 4, 4))] * 2)


def layout(queries: int = 12, classes: int = 4) -> SimpleNamespace:
    corners = torch.rand((2, queries, 2), generator=torch.Generator().manual_seed(2)) * 0.6 + 0.2
    return SimpleNamespace(
        logits=random(2, queries, classes) * 3,
        pred_boxes=torch.cat([corners, corners * 0.6], dim=-1),
        order_logits=random(2, queries, queries, seed=3) * 2,
        out_masks=torch.nn.functional.interpolate(random(2, queries, 5, 5, seed=4), size=(200, 200), mode="bicubic") * 5 + 4,
    )


@pytest.mark.parametrize("threshold", [0.3, 0.8, 1.0])
@pytest.mark.parametrize("name", ["PPDocLayoutV2ImageProcessor", "PPDocLayoutV3ImageProcessor"])
def test_layouts(name: str, threshold: float) -> None:
    if name.endswith("V3ImageProcessor"):
        pytest.importorskip("cv2", reason="outlines are its contours")
    sizes = [(400, 300), (250, 600)]
    expected = theirs(name).post_process_object_detection(layout(), threshold, sizes)
    for processor in ours(name):
        found = processor.post_process_object_detection(layout(), threshold, sizes)
        for one, other in zip(found, expected, strict=True):
            assert list(one) == list(other)
            assert sorted(one["order_seq"].tolist()) == one["order_seq"].tolist()
            for key in ("scores", "labels", "boxes", "order_seq"):
                assert one[key].dtype == other[key].dtype
                np.testing.assert_allclose(one[key], other[key], rtol=1e-5)
            for a, b in zip(one.get("polygon_points", []), other.get("polygon_points", []), strict=True):
                assert a.dtype == b.dtype
                np.testing.assert_allclose(a, b, rtol=1e-6)
    if threshold == 0.3:
        assert all(len(one["scores"]) > 3 for one in expected)
        assert "V2" in name or {len(points) for one in expected for points in one["polygon_points"]} - {4}, "some are no boxes"


@pytest.mark.parametrize("name", ["PPOCRV5ServerRecImageProcessor", "PPOCRV6SmallRecImageProcessor"])
def test_texts(name: str) -> None:
    settings = {"character_list": ["", "a", "b", "c"]}
    scores = random(3, 15, 4)
    scores[2, :, 0] += 100  # an image without text
    outputs = SimpleNamespace(last_hidden_state=scores)
    expected = theirs(name, **settings).post_process_text_recognition(outputs)
    for processor in ours(name, **settings):
        found = processor.post_process_text_recognition(outputs)
        assert [one["text"] for one in found] == [one["text"] for one in expected]
        np.testing.assert_allclose([one["score"] for one in found], [one["score"] for one in expected], rtol=1e-6)
    assert len(expected[0]["text"]) > 3
    assert expected[2]["text"] == ""
    with pytest.raises(ImageError, match="character_list: expected a character for class 3, got 2 characters"):
        ours(name, character_list=["", "a"])[0].post_process_text_recognition(outputs)


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float64])
def test_mean_scores_have_the_type_of_the_scores(dtype: torch.dtype) -> None:
    scores = random(2, 15, 50).to(dtype)
    outputs = SimpleNamespace(last_hidden_state=scores)
    cases = (
        ("PPOCRV5ServerRecImageProcessor", "post_process_text_recognition", {"character_list": list(map(str, range(50)))}),
        ("SLANeXtImageProcessor", "post_process_table_recognition", {}),
    )
    for name, method, settings in cases:
        expected = getattr(theirs(name, **settings), method)(outputs)
        for processor in ours(name, **settings):
            found = getattr(processor, method)(outputs)
            if method.endswith("text_recognition"):
                assert [one["score"] for one in found] == pytest.approx([one["score"] for one in expected], rel=1e-13)
            else:
                assert found["structure_score"] == pytest.approx(expected["structure_score"], rel=1e-13)


def test_tables() -> None:
    name = "SLANeXtImageProcessor"
    outputs = SimpleNamespace(last_hidden_state=random(2, 90, 50))
    for end in (None, 0, 20):
        if end is not None:
            outputs.last_hidden_state[0, end, 49] = 20
        expected = theirs(name).post_process_table_recognition(outputs)
        for processor in ours(name):
            found = processor.post_process_table_recognition(outputs)
            assert found["structure"] == expected["structure"]
            assert found["structure_score"] == pytest.approx(expected["structure_score"], rel=1e-6)
    outputs.last_hidden_state[:, :, 0] += 100
    with pytest.raises(ImageError, match="expected scores of 50 classes that name a tag"):
        ours(name)[0].post_process_table_recognition(outputs)


@pytest.mark.parametrize("sizes", [None, SIZES, [SIZES[0]] * 2], ids=["unsized", "each", "same"])
def test_mattes(sizes: Any) -> None:
    name = "Sapiens2ImageProcessor"
    outputs = SimpleNamespace(foregrounds=torch.rand((2, 3, 12, 9)), alphas=torch.rand((2, 1, 12, 9)))
    rng = np.random.default_rng(0)
    pixels = [rng.integers(0, 256, (*size, 3), dtype=np.uint8) for size in ((12, 9), (20, 31))]
    floats = torch.rand((3, 7, 8))
    for backgrounds in (None, pixels[0], pixels, Image.fromarray(pixels[1]), [floats], torch.stack([floats, floats])):
        expected = theirs(name).post_process_image_matting(outputs, sizes, backgrounds)
        for processor in ours(name):
            for one, other in zip(processor.post_process_image_matting(outputs, sizes, backgrounds), expected, strict=True):
                assert list(one) == list(other)
                for key in ("foreground", "alpha"):
                    np.testing.assert_allclose(one[key], other[key], rtol=1e-5, atol=1e-6)
                if backgrounds is None:
                    assert one["composite"] is None
                    continue
                assert one["composite"].dtype == torch.uint8
                assert (one["composite"].int() - other["composite"].int()).abs().max() <= 1
    with pytest.raises(ImageError, match="backgrounds: expected one, or one for each of 2 images, got 3"):
        ours(name)[0].post_process_image_matting(outputs, sizes, [pixels[0]] * 3)
