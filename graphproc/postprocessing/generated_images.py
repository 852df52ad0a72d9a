"""Turn images that a model generated into pixels: preprocessing, backwards.

Bytes made of floats narrower than float32 may differ by one, because upstream also rounds
intermediate results to the narrow type.

Source: transformers 5.23, `postprocess` of `JanusImageProcessorPil` and `Emu3ImageProcessor`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from graphproc.batch_feature import BatchFeature
from graphproc.errors import ConfigError, ImageError
from graphproc.ir.backends import PIL
from graphproc.ir.program import Parity
from graphproc.postprocessing.builder import MethodBuilder
from graphproc.postprocessing.method import TRANSFORMERS, Field, Method
from graphproc.processors import stages

PIL_IMAGES = "PIL.Image.Image"
CHANNELS = 3


def setting(b: MethodBuilder, name: str) -> Any:
    """Return an option, or the processor's own setting where it is not given."""
    given = b.options[name]
    return getattr(b.config, name) if given is None else given


def per_channel(b: MethodBuilder, name: str) -> list[float]:
    """Return a mean or standard deviation of each channel.

    Raises:
        ConfigError: the setting is neither a number nor one for each channel.
    """
    given = setting(b, name)
    values = list(given) if isinstance(given, (list, tuple)) else [given] * CHANNELS
    if len(values) != CHANNELS or any(isinstance(v, bool) or not isinstance(v, (int, float)) for v in values):
        raise ConfigError(f"{name}: expected a number or {CHANNELS} of them, got {given!r}")
    return values


def build(b: MethodBuilder) -> None:
    """Return generated images as bytes; without `do_rescale`, as floats."""
    rescales, normalizes = (bool(setting(b, name)) for name in ("do_rescale", "do_normalize"))
    given, means, stds = b.options["rescale_factor"], (0.0,) * CHANNELS, (1.0,) * CHANNELS
    factor = 1 / b.config.rescale_factor if given is None else float(b.number("rescale_factor"))
    if normalizes:
        mean, std = per_channel(b, "image_mean"), per_channel(b, "image_std")
        if 0 in std:
            raise ConfigError(f"image_std: expected numbers other than 0, got {std}")
        # torchvision's backend normalizes before it rescales, or in one step with it
        unit = 1 if b.backend == PIL else factor
        means, stds = (tuple(-unit * m / s for m, s in zip(mean, std, strict=True)), tuple(1 / s for s in std))
    flags = {"do_rescale": rescales, "do_normalize": normalizes}
    undone = b.config.changed(**flags, rescale_factor=factor, image_mean=means, image_std=stds)
    x = stages.rescale(b, undone, stages.normalize(b, undone, b["images"]))
    if rescales:
        x = x.clip(0, 255).truncate("i32").cast("u8")
    b.output("pixel_values", x)


def result(outputs: Mapping[str, Any], options: Mapping[str, Any]) -> Any:
    """Return one image, channels first."""
    return outputs["pixel_values"]


def prepare(given: Mapping[str, Any], options: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return a list of images, channels first; numpy arrays for Pillow's backend, which computes with these.

    Raises:
        ImageError: an image does not have three axes, or three channels.
    """
    images = list(_flat(given["images"]))
    if options["backend"] == PIL:
        images = [image.detach().cpu().numpy() if hasattr(image, "detach") else image for image in images]
    elif options["do_normalize"]:  # torchvision's backend does this in float32, whatever comes in
        images = [image.float() if hasattr(image, "detach") else image.astype(np.float32) for image in images]
    return {"images": [_channels_first(image, options["input_data_format"]) for image in images]}


def _flat(images: Any) -> Any:
    """Yield the images of a batch or of nested lists, one after another."""
    if isinstance(images, (list, tuple)) or getattr(images, "ndim", 0) > 3:
        for image in images:
            yield from _flat(image)
    else:
        yield images


def _channels_first(image: Any, layout: Any) -> Any:
    if getattr(image, "ndim", 0) != 3:
        got = f"the shape {list(image.shape)}" if hasattr(image, "shape") else type(image).__name__
        raise ImageError(f"images: expected arrays or tensors of three axes, as a model generates them, got {got}")
    if layout is None:
        last = image.shape[0] != CHANNELS and image.shape[-1] == CHANNELS
    else:
        last = getattr(layout, "value", layout) == "channels_last"
    image = image.swapaxes(-1, -2).swapaxes(-2, -3) if last else image
    if image.shape[0] != CHANNELS:
        raise ImageError(f"images: expected {CHANNELS} channels, got the shape {list(image.shape)}")
    return image


def collect(results: list[Any], options: Mapping[str, Any]) -> Any:
    """Return all images, in the form that `return_tensors` names."""
    if pictures := _pictures(results, options):
        return BatchFeature({"pixel_values": pictures})
    return BatchFeature({"pixel_values": results}, None if options["return_tensors"] == PIL_IMAGES else options["return_tensors"])


def collect_planes(results: list[Any], options: Mapping[str, Any]) -> Any:
    """Return all images as `collect` does; but arrays as a list of all images' channels, as upstream."""
    planes = [channel for image in results for channel in image]
    return collect(results if _pictures(results, options) else planes, options)


def _pictures(results: list[Any], options: Mapping[str, Any]) -> list[Any]:
    """Return PIL images if they are asked for and both steps were undone; else an empty list."""
    if options["return_tensors"] != PIL_IMAGES or not (options["do_normalize"] and options["do_rescale"]):
        return []
    arrays = [np.asarray(image) for image in results]
    from PIL import Image

    return [Image.fromarray(np.ascontiguousarray(array.transpose(1, 2, 0))) for array in arrays]


FIELDS = {"images": Field((CHANNELS, "image_height", "image_width"), "CHW")}
PARITY = Parity(f"{TRANSFORMERS} (Pil)")
OPTIONS: Mapping[str, Any] = {
    "do_rescale": None,
    "rescale_factor": None,
    "do_normalize": None,
    "image_mean": None,
    "image_std": None,
}
IN_PYTHON = ("return_tensors", "input_data_format")

METHODS = (
    Method(
        "postprocess",
        ("JanusImageProcessor",),
        FIELDS,
        build,
        result,
        {**OPTIONS, "input_data_format": None, "return_tensors": None},
        parity=PARITY,
        size_arguments=(),
        first_argument="images",
        python_only_options=IN_PYTHON,
        prepare=prepare,
        collect=collect,
    ),
    Method(
        "postprocess",
        ("Emu3ImageProcessor",),
        FIELDS,
        build,
        result,
        {**OPTIONS, "return_tensors": PIL_IMAGES, "input_data_format": None},
        parity=PARITY,
        size_arguments=(),
        first_argument="images",
        python_only_options=IN_PYTHON,
        prepare=prepare,
        collect=collect_planes,
    ),
)
