"""Generated images as pixels, against transformers: Janus and Emu3."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
import transformers
from PIL import Image
from support.graphs import ort
from transformers.models.janus.image_processing_pil_janus import JanusImageProcessorPil

import graphproc as gp
from graphproc.errors import ConfigError, ImageError
from graphproc.postprocessing.registry import lookup

REFERENCES = {
    "JanusImageProcessorPil": JanusImageProcessorPil,
    "Emu3ImageProcessor": transformers.Emu3ImageProcessor,
}
PIL = "PIL.Image.Image"

every_class = pytest.mark.parametrize("name", REFERENCES)
both_engines = pytest.mark.parametrize("engine", ["numpy", "onnxruntime"])


def generated(name: str, count: int = 3, size: tuple[int, int] = (9, 11)) -> np.ndarray:
    """Return preprocessed bytes, so that results lie next to whole numbers, and some beyond black and white."""
    rng = np.random.default_rng((count, *size))
    reference = REFERENCES[name]()
    mean, std = (np.array(getattr(reference, key), dtype=np.float32)[:, None, None] for key in ("image_mean", "image_std"))
    pixels = rng.integers(0, 256, (count, 3, *size)).astype(np.float32) / np.float32(255)
    return (pixels - mean) / std + rng.choice([0, 0, 0.02, -3, 3], pixels.shape).astype(np.float32)


def assert_images(found: Any, wanted: Any) -> None:
    assert list(found) == list(wanted) == ["pixel_values"]
    found, wanted = found.pixel_values, wanted.pixel_values
    assert type(found) is type(wanted)
    if isinstance(wanted, list):
        assert [type(image) for image in found] == [type(image) for image in wanted]
    else:
        found, wanted = [found], [wanted]
    for a, b in zip(found, wanted, strict=True):
        np.testing.assert_array_equal(np.asarray(a), np.asarray(b), strict=True)


@every_class
@both_engines
@pytest.mark.parametrize(
    "options",
    [
        {},
        {"do_rescale": False},
        {"do_normalize": False},
        {"do_rescale": False, "do_normalize": False},
        {"image_mean": [0.5] * 3, "image_std": np.array([0.5, 0.25, 0.7])},
        {"rescale_factor": 200.0, "image_mean": (0.1, 0.2, 0.3)},
    ],
    ids=str,
)
def test_bytes(name: str, engine: str, options: dict[str, Any]) -> None:
    processor, reference = getattr(gp, name)(engine=engine), REFERENCES[name]()
    images = generated(name)
    for tensors in ("np", "pt", None):
        found = processor.postprocess(images, return_tensors=tensors, **options)
        assert_images(found, reference.postprocess(images, return_tensors=tensors, **options))


@every_class
@both_engines
def test_pictures(name: str, engine: str) -> None:
    processor, reference = getattr(gp, name)(engine=engine), REFERENCES[name]()
    images = generated(name)
    for given in (images, torch.from_numpy(images), list(images), images[0], [images[:2], images[2:]]):
        found = processor.postprocess(given, return_tensors=PIL)
        assert all(isinstance(image, Image.Image) for image in found.pixel_values)
        assert_images(found, reference.postprocess(given, return_tensors=PIL))
    kept = processor.postprocess(images, do_rescale=False, return_tensors=PIL)
    assert_images(kept, reference.postprocess(images, do_rescale=False, return_tensors=PIL))


def test_defaults_are_the_class_s_own() -> None:
    images = generated("Emu3ImageProcessor")
    assert_images(gp.Emu3ImageProcessor().postprocess(images), transformers.Emu3ImageProcessor().postprocess(images))
    settings: dict[str, Any] = {"image_mean": [0.5] * 3, "image_std": [0.5] * 3, "rescale_factor": 1 / 127}
    found = gp.JanusImageProcessorPil(**settings).postprocess(images, return_tensors="np")
    assert_images(found, JanusImageProcessorPil(**settings).postprocess(images, return_tensors="np"))


@both_engines
@pytest.mark.parametrize("options", [{}, {"do_normalize": False}], ids=str)
def test_the_torchvision_backend_takes_tensors(engine: str, options: dict[str, Any]) -> None:
    images = list(torch.from_numpy(generated("JanusImageProcessorPil")))
    for tensors in ("pt", None):
        found = gp.JanusImageProcessor(engine=engine).postprocess(images, return_tensors=tensors, **options)
        assert_images(found, transformers.JanusImageProcessor().postprocess(images, return_tensors=tensors, **options))


def test_forms_of_images() -> None:
    images = generated("JanusImageProcessorPil")
    processor = gp.JanusImageProcessorPil(engine="numpy")
    wanted = processor.postprocess(images, return_tensors="np").pixel_values
    assert wanted.dtype == np.uint8
    assert wanted.shape == images.shape
    tensors = processor.postprocess(torch.from_numpy(images)).pixel_values
    assert all(isinstance(image, np.ndarray) for image in tensors), "the reference computes with numpy"
    np.testing.assert_array_equal(np.stack(tensors), wanted)
    tensors = gp.JanusImageProcessor(backend="torchvision").postprocess(torch.from_numpy(images)).pixel_values
    assert all(isinstance(image, torch.Tensor) for image in tensors)
    for last in (images.transpose(0, 2, 3, 1), torch.from_numpy(images).permute(0, 2, 3, 1)):
        for layout in (None, "channels_last", transformers.image_utils.ChannelDimension.LAST):
            found = processor.postprocess(last, input_data_format=layout, return_tensors="np").pixel_values
            np.testing.assert_array_equal(found, wanted)
    different = [generated("JanusImageProcessorPil", 1, size)[0] for size in ((3, 3), (3, 8))]
    found = processor.postprocess(different).pixel_values
    assert_images(gp.BatchFeature({"pixel_values": found}), JanusImageProcessorPil().postprocess(different))


@every_class
def test_graphs_of_a_batch(name: str) -> None:
    processor, images = getattr(gp, name)(), generated(name)
    model = processor.post_processing_to_onnx("postprocess")
    assert [value.name for value in model.graph.input] == ["images"]
    found = ort(model)({"images": images})
    wanted = REFERENCES[name]().postprocess(images, return_tensors="np").pixel_values
    np.testing.assert_array_equal(found["pixel_values"].reshape(wanted.shape), wanted, strict=True)


def test_names_need_no_prefix() -> None:
    assert lookup("JanusImageProcessor", "postprocess").name == "postprocess"
    with pytest.raises(ConfigError, match="DeepseekVLImageProcessor has no method 'post_process_postprocess'"):
        lookup("DeepseekVLImageProcessor", "postprocess")


def test_refusals() -> None:
    processor, images = gp.JanusImageProcessorPil(engine="numpy"), generated("JanusImageProcessorPil")
    with pytest.raises(ImageError, match=r"images: expected 3 channels, got the shape \[2, 9, 11\]"):
        processor.postprocess(images[:, :2])
    with pytest.raises(ImageError, match=r"images: expected arrays or tensors of three axes, .* got the shape \[9, 11\]"):
        processor.postprocess(images[0, 0])
    with pytest.raises(ImageError, match=r"images: expected arrays or tensors of three axes, .* got Image"):
        processor.postprocess(Image.new("RGB", (3, 4)))
    with pytest.raises(ConfigError, match=r"image_mean: expected a number or 3 of them, got \[0.5\]"):
        processor.postprocess(images, image_mean=[0.5])
    with pytest.raises(ConfigError, match=r"image_std: expected numbers other than 0, got \[0, 1, 1\]"):
        processor.postprocess(images, image_std=[0, 1, 1])
    with pytest.raises(ConfigError, match="return_tensors: expected None or one of"):
        processor.postprocess(images, return_tensors="PIL")
