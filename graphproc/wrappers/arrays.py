"""Single steps of preprocessing on arrays, as methods of every processor, computed by the ops."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from graphproc.batch_feature import tensor_to_numpy, tensor_type_of
from graphproc.configs.sizes import size_dict
from graphproc.errors import ConfigError, ImageError
from graphproc.executors.any_values import resize_any_values
from graphproc.numerics.filters import FILTER_NAMES
from graphproc.ops import CenterCrop, Pad, Rescale
from graphproc.ops.normalize import normalized
from graphproc.ops.resample import NEAREST, Resample
from graphproc.processors.constants import BILINEAR
from graphproc.processors.stages import sides
from graphproc.sizes import num, rules
from graphproc.wrappers.images import data_format as format_of

Array = np.ndarray[Any, Any]
Format = Any
"""A layout: `channels_first`, `channels_last`, an enum with one of these values, or None."""


class ArrayMethods:
    """Methods that do one step on one image.

    Images are arrays or tensors of three dimensions, with channels first or last. `input_data_format`
    says which; without it, an axis of length 1, 3 or 4 is looked for, first in front, then at the end.
    Results are numpy arrays with the layout `data_format`, or else the image's.

    Source: transformers 5.23, the methods of the same names of the Pillow backend.
    """

    def resize(
        self,
        image: Any,
        size: Any,
        resample: int | None = None,
        data_format: Format = None,
        input_data_format: Format = None,
    ) -> Array:
        """Resize an image with Pillow's filters.

        Args:
            image: bytes; whole numbers in 0..255 of any dtype, or values in [0, 1].
            size: a whole number for both sides, a pair, or a dictionary in pixels.
            resample: Pillow's code of the filter; None for bilinear.
            data_format: layout of the result.
            input_data_format: layout of the image.

        Returns:
            uint8, or float32 in [0, 1] for values in [0, 1].

        Raises:
            ConfigError: the size or the filter has no meaning.
            ImageError: the image has other values, or more than 4 channels. The last of 2 or 4 channels
                is alpha, by which Pillow weights the others.
        """
        x, layout = _channels_first(image, input_data_format)
        code = BILINEAR if resample is None else resample
        if isinstance(code, bool) or code not in FILTER_NAMES:
            raise ConfigError(f"resample: expected one of {', '.join(map(str, sorted(FILTER_NAMES)))}, got {resample!r}")
        old = f"image of {x.shape[1]} x {x.shape[2]} pixels"
        height, width = (num.known(v) for v in rules.resized_size(x.shape[1], x.shape[2], size_dict("size", size)))
        if height < 1 or width < 1:
            raise ImageError(f"{old}: resizes to {height} x {width}. Use a less elongated image.")
        filter = FILTER_NAMES[int(code)]
        found = resize_any_values(Resample(height, width, filter, filter != NEAREST), x)
        found = found.copy() if np.may_share_memory(found, x) else found  # an image that has the size already
        return _laid_out(found, data_format, layout)

    def center_crop(self, image: Any, size: Any, data_format: Format = None, input_data_format: Format = None) -> Array:
        """Cut the centre out of an image, with zeros around an image that is smaller.

        Args:
            image: an image of any dtype.
            size: a whole number for both sides, a pair, or `{"height": ..., "width": ...}` in pixels.
            data_format: layout of the result.
            input_data_format: layout of the image.

        Returns:
            The crop, of the image's dtype.

        Raises:
            ConfigError: the size does not give both sides.
            ImageError: neither axis of the image can be its channels.
        """
        x, layout = _channels_first(image, input_data_format)
        return _laid_out(CenterCrop(*sides("size", size_dict("size", size))).numpy(x), data_format, layout)

    def rescale(
        self, image: Any, scale: float, data_format: Format = None, input_data_format: Format = None, dtype: Any = np.float32
    ) -> Array:
        """Multiply an image by a number, in float64.

        Args:
            image: an image of any dtype.
            scale: the factor.
            data_format: layout of the result.
            input_data_format: layout of the image.
            dtype: dtype of the result.

        Returns:
            The products, rounded to the dtype.
        """
        x, layout = _channels_first(image, input_data_format)
        if np.dtype(dtype) == np.float32:
            return _laid_out(Rescale(float(scale)).numpy(x), data_format, layout)
        return _laid_out((x.astype(np.float64) * scale).astype(dtype), data_format, layout)

    def normalize(
        self,
        image: Any,
        mean: float | Sequence[float],
        std: float | Sequence[float],
        data_format: Format = None,
        input_data_format: Format = None,
    ) -> Array:
        """Subtract a mean from an image and divide by a standard deviation.

        Args:
            image: an image of any dtype.
            mean: a number, or one for each channel, in the image's units.
            std: the same.
            data_format: layout of the result.
            input_data_format: layout of the image.

        Returns:
            The result in the image's dtype if that is floating, else in float32.

        Raises:
            ConfigError: there are more or fewer numbers than channels.
        """
        x, layout = _channels_first(image, input_data_format)
        values = (_statistics("mean", mean, len(x)), _statistics("std", std, len(x)))
        x = x if x.dtype.kind == "f" else x.astype(np.float32)
        return _laid_out(normalized(x, *values), data_format, layout)

    def pad(
        self,
        images: Any,
        pad_size: Any = None,
        fill_value: float = 0,
        return_mask: bool = False,
        data_format: Format = None,
        input_data_format: Format = None,
    ) -> Any:
        """Add pixels at the bottom and right.

        Args:
            images: an image of any dtype, or a list of images.
            pad_size: a whole number for both sides, a pair, or `{"height": ..., "width": ...}` in pixels; None for the
                largest height and width of the list.
            fill_value: the value of the pixels.
            return_mask: whether to return masks as well.
            data_format: layout of the results.
            input_data_format: layout of the images.

        Returns:
            The padded image or a list of them; with `return_mask` also int64 masks [height, width], 1 on the
            image and 0 on the padding.

        Raises:
            ImageError: an image is larger than `pad_size`.
        """
        if not isinstance(images, (list, tuple)):
            found = self.pad([images], pad_size, fill_value, return_mask, data_format, input_data_format)
            return (found[0][0], found[1][0]) if return_mask else found[0]
        arrays = [_channels_first(image, input_data_format) for image in images]
        if pad_size is None:
            height, width = (max((x.shape[axis] for x, _ in arrays), default=0) for axis in (1, 2))
        else:
            height, width = sides("pad_size", size_dict("pad_size", pad_size))
        padded, masks = [], []
        for x, layout in arrays:
            if x.shape[1] > height or x.shape[2] > width:
                raise ImageError(f"image of {x.shape[1]} x {x.shape[2]} pixels: expected at most pad_size, {height} x {width}")
            padded.append(_laid_out(Pad.canvas(0, 0, height, width, fill_value).numpy(x), data_format, layout))
            mask = np.zeros((height, width), dtype=np.int64)
            mask[: x.shape[1], : x.shape[2]] = 1
            masks.append(mask)
        return (padded, masks) if return_mask else padded


def _channels_first(image: Any, input_data_format: Format) -> tuple[Array, str]:
    """Return an image with channels first, and the layout that it had."""
    if tensor_type_of(image) is None:
        raise ImageError(f"image: expected an array or a tensor, got {type(image).__name__}. Convert it with numpy.asarray.")
    array = tensor_to_numpy(image)
    if array.ndim != 3 or 0 in array.shape:
        raise ImageError(f"image: expected one image of 3 dimensions with pixels, got shape {list(array.shape)}.")
    if array.dtype.kind not in "buif":
        raise ImageError(f"image: expected numbers, got dtype {array.dtype}.")
    layout = format_of(array.shape, _value(input_data_format))
    return (array if layout == "channels_first" else np.moveaxis(array, -1, 0)), layout


def _laid_out(array: Array, data_format: Format, layout: str) -> Array:
    wanted = format_of(array.shape, _value(data_format) or layout)
    return np.ascontiguousarray(array if wanted == "channels_first" else np.moveaxis(array, 0, -1))


def _value(data_format: Format) -> str | None:
    value: str | None = getattr(data_format, "value", data_format)  # transformers' enum, or its value
    return value


def _statistics(key: str, value: Any, channels: int) -> tuple[float, ...]:
    if isinstance(value, (Mapping, str)):
        raise ConfigError(f"{key}: expected a number, or one for each channel, got {value!r}")
    values = tuple(float(v) for v in value) if np.ndim(value) else (float(value),)
    if np.ndim(value) and len(values) != channels:
        raise ConfigError(f"{key}: expected a number, or one for each of the {channels} channels, got {list(values)}")
    return values
