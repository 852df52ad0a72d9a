"""Turn everything that a caller may pass as images into numpy arrays [height, width, channels].

The rules are those of the backends of transformers 5.23 (`process_image`, `convert_to_rgb`, `load_image`,
`infer_channel_dimension_format`). Pillow opens files and converts colour modes; it is imported only then.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any, TypeGuard

import numpy as np
from numpy.typing import NDArray

from graphproc.batch_feature import tensor_to_numpy, tensor_type_of
from graphproc.errors import ImageError, warn
from graphproc.ir.backends import PIL, TORCHVISION
from graphproc.numerics.color import (
    blend_on_white,
    blend_on_white_in_float32,
    composite_on_checkerboard,
    composite_on_white,
)
from graphproc.wrappers.image_files import is_file, label_of, load_file, one_line

if TYPE_CHECKING:
    from PIL import Image

_CHANNEL_COUNTS = (1, 3, 4)
_DATA_FORMATS = ("channels_first", "channels_last")
_ACCEPTED = "a PIL image, a numpy array, a torch tensor, a file path, or a list of these"


def flatten_images(images: object) -> list[object]:
    """Flatten everything a processor call accepts as `images` into one list of single images.

    Args:
        images: A PIL image, an array or tensor (3-D is one image, 4-D a batch), a path as str or `os.PathLike`, a
            `data:image/...;base64,` string, or lists and tuples of these, nested to any depth.

    Returns:
        The images in order, not read yet: each can go to `to_array`. 4-D arrays are split into views.

    Raises:
        ImageError: There is no image, a value is not an image, or an array has neither 3 nor 4 dimensions.
    """
    flat: list[object] = []
    _flatten_into(flat, images, "images")
    if not flat:
        raise ImageError("images: expected at least one image, got none. Pass " + _ACCEPTED + ".")
    return flat


def _flatten_into(flat: list[object], value: object, label: str) -> None:
    if isinstance(value, (list, tuple)):
        for index, item in enumerate(value):
            _flatten_into(flat, item, f"{label}[{index}]")
    elif is_file(value) or _is_pil_image(value):
        flat.append(value)
    elif tensor_type_of(value) is not None:
        array: Any = value
        shape = tuple(array.shape)
        if len(shape) == 4:
            flat.extend(array)
        elif len(shape) == 3:
            flat.append(value)
        else:
            hint = "Add a channel axis: image[..., None]." if len(shape) == 2 else "Pass one image or one batch."
            raise ImageError(
                f"{label}: expected an array of 3 dimensions (an image) or 4 (a batch), got shape {list(shape)}. {hint}"
            )
    else:
        hint = "Open encoded bytes with PIL.Image.open(io.BytesIO(data))." if isinstance(value, bytes) else ""
        hint = hint or "Convert it with numpy.asarray first."
        raise ImageError(f"{label}: expected {_ACCEPTED}, got {type(value).__name__}. {hint}")


def nest_images(images: object) -> list[list[object]]:
    """Group everything a processor call accepts as `images` into samples of several images.

    Args:
        images: as for `flatten_images`. A list of lists, or of 4-D arrays, is a list of samples; anything
            else is one sample. A sample may have no images as long as another has one.

    Returns:
        The images of each sample, not read yet.

    Raises:
        ImageError: as `flatten_images`.
    """
    if isinstance(images, (list, tuple)) and images and all(isinstance(i, (list, tuple)) or _is_batch(i) for i in images):
        flatten_images(images)  # raises if there is no image at all
        return [flatten_images(sample) if len(sample) else [] for sample in images]
    return [flatten_images(images)]


def _is_batch(value: Any) -> bool:
    return tensor_type_of(value) is not None and len(value.shape) == 4


def to_map(value: Any, dtype: np.dtype[Any] | None, label: str, keeps_floats: bool = False) -> NDArray[Any]:
    """Read one map (labels, a trimap, a depth) as an array of height and width.

    Args:
        value: a PIL image of one channel, or an array of two dimensions, or of three with one channel in front.
        dtype: the result's dtype; None for the map's own.
        label: the map's name in errors.
        keeps_floats: whether maps of floats keep their dtype instead.

    Raises:
        ImageError: the value is not a map, or has values that the dtype does not hold.
    """
    if not _is_pil_image(value) and tensor_type_of(value) is None:
        raise ImageError(f"{label}: expected a PIL image of one channel or an array of 2 dimensions, got {type(value).__name__}")
    array = np.array(value) if _is_pil_image(value) else _from_tensor(value)
    if array.ndim == 3 and array.shape[0] == 1:
        array = array[0]
    if array.ndim != 2 or 0 in array.shape:
        raise ImageError(f"{label}: expected [height, width], got shape {list(array.shape)}")
    if keeps_floats and array.dtype.kind == "f":
        return np.ascontiguousarray(array)
    with np.errstate(invalid="ignore"):
        converted = np.ascontiguousarray(array, dtype=dtype)
    if dtype is not None and dtype.kind != "f" and not (converted == array).all():
        found = f"{array.dtype} in {array.min()} to {array.max()}"
        raise ImageError(f"{label}: expected whole numbers that {dtype} holds, got {found}")
    return converted


def to_array(
    image: object,
    *,
    do_convert_rgb: bool,
    input_data_format: str | None,
    backend: str = PIL,
    background: str = "white",
    converts_arrays: bool = True,
    channel_counts: tuple[int, ...] = _CHANNEL_COUNTS,
) -> NDArray[Any]:
    """Read one image as an array of height, width and channels.

    Files are opened with Pillow (`load_file`: upright, in RGB, without an alpha channel) and then treated
    as PIL images, in both backends. transformers uses torchvision's decoder with that backend, which reads
    some files differently: 16-bit PNG, animated and transparent GIF, and WebP with an EXIF orientation.

    PIL images keep their orientation. With `do_convert_rgb`, those with an alpha band or a transparent
    colour are composited over white in Pillow's integer arithmetic; others go through Pillow's
    `convert("RGB")`.

    For arrays, `do_convert_rgb` repeats one channel three times and blends four channels over white
    (`graphproc.numerics.color.blend_on_white`). Other numbers of channels stay, except two in the
    torchvision backend, which are an error.

    Args:
        image: One element of `flatten_images`, or a 2-D array (one channel).
        do_convert_rgb: Whether to end with three RGB channels.
        input_data_format: `"channels_first"`, `"channels_last"`, or None to look for 1, 3 or 4 channels on the first
            axis, then on the last. Concerns 3-D arrays only.
        backend: `"torchvision"` blends four channels of bytes or float32 in float32.
        converts_arrays: whether `do_convert_rgb` also concerns arrays.
        channel_counts: the lengths that an array's axis of channels may have, to find it.
        background: `"white"` or `"checkerboard"`: what images with an alpha channel are composited on.

    Returns:
        `[height, width, channels]`, C-contiguous, of the image's own dtype in native byte order (uint8 for files; for
        PIL images what `numpy.array(image)` gives). It may share memory with an array that was passed in, and may be
        read-only.

    Raises:
        ImageError: The image cannot be read or decoded, is too large for Pillow's limits, has no pixels, or has an
            unusable shape, dtype or channel count; or `input_data_format` is unknown.
    """
    if input_data_format is not None and input_data_format not in _DATA_FORMATS:
        raise ImageError(f'input_data_format: expected "channels_first", "channels_last" or None, got {input_data_format!r}.')
    label = None
    if is_file(image):
        label = label_of(image)
        image = load_file(image)
        do_convert_rgb = do_convert_rgb and backend == PIL  # torchvision's decoder drops a transparent colour
    if _is_pil_image(image):
        label = label or _label(image)
        return _finished(_from_pil(image, do_convert_rgb, background, label), label)
    if tensor_type_of(image) is not None:
        array = _channels_last(_from_tensor(image), input_data_format, channel_counts)
        do_convert_rgb = do_convert_rgb and converts_arrays
        if do_convert_rgb and backend == TORCHVISION and array.shape[-1] == 2:
            raise ImageError(
                f"image of shape {list(image.shape)}: expected 1, 3 or 4 channels, or more, to convert to RGB, got 2, which "  # type: ignore[attr-defined]
                "torchvision does not convert. Set do_convert_rgb to false, or leave one channel out."
            )
        if do_convert_rgb and array.shape[-1] == 1:
            array = np.repeat(array, 3, axis=-1)
        elif do_convert_rgb and array.shape[-1] == 4:
            array = _without_alpha(array, backend, background)
        return _finished(array)
    raise ImageError(f"image: expected {_ACCEPTED}, got {type(image).__name__}. Convert it with numpy.asarray first.")


def _without_alpha(array: NDArray[Any], backend: str, background: str) -> NDArray[Any]:
    """Composite an array of four channels on the background; return three channels."""
    if background == "checkerboard":
        return composite_on_checkerboard(array)
    return blend_on_white_in_float32(array) if backend == TORCHVISION else blend_on_white(array)


def _finished(array: NDArray[Any], label: str | None = None) -> NDArray[Any]:
    if array.ndim == 2:
        array = array[:, :, None]
    if 0 in array.shape:
        label = label or f"array of dtype {array.dtype}"
        raise ImageError(f"{label}: expected at least one pixel and one channel, got shape {list(array.shape)}.")
    dtype = array.dtype if array.dtype.isnative else array.dtype.newbyteorder("=")
    if array.flags.c_contiguous or array.strides[-1] <= array.strides[-2]:
        return np.ascontiguousarray(array, dtype=dtype)
    interleaved = np.empty(array.shape, dtype)  # copying plane by plane takes a fifth of the time
    for channel in range(array.shape[-1]):
        interleaved[..., channel] = array[..., channel]
    return interleaved


def _from_tensor(image: Any) -> NDArray[Any]:
    try:
        array = tensor_to_numpy(image)
    except (TypeError, ValueError, RuntimeError) as error:  # bfloat16, sparse, meta tensors
        reason = one_line(error)
        raise ImageError(f"image: expected a tensor that numpy can hold, got {image.dtype} ({reason}). Cast it.") from error
    if array.dtype.kind not in "buif":
        raise ImageError(f"image: expected an integer, floating or boolean array, got dtype {array.dtype}.")
    return array


def _channels_last(array: NDArray[Any], input_data_format: str | None, channel_counts: tuple[int, ...]) -> NDArray[Any]:
    if array.ndim == 2:
        return array[:, :, None]
    if array.ndim != 3:
        raise ImageError(f"image: expected one image with 2 or 3 dimensions, got shape {list(array.shape)}. Split batches first.")
    first = data_format(array.shape, input_data_format, channel_counts) == "channels_first"
    return np.moveaxis(array, 0, -1) if first else array


def data_format(shape: tuple[int, ...], input_data_format: str | None, channel_counts: tuple[int, ...] = _CHANNEL_COUNTS) -> str:
    """Return which axis of a 3-D image holds the channels: the first or the last.

    Args:
        shape: The image's shape.
        input_data_format: The answer, or None to look for channels on the first axis, then on the last.
        channel_counts: How many channels there may be.

    Returns:
        `"channels_first"` or `"channels_last"`.

    Raises:
        ImageError: Neither axis could be channels, or `input_data_format` is unknown.

    Warns:
        UserWarning: Both axes could be.
    """
    if input_data_format is not None:
        if input_data_format not in _DATA_FORMATS:
            raise ImageError(f'data_format: expected "channels_first", "channels_last" or None, got {input_data_format!r}.')
        return input_data_format
    first, last = shape[0] in channel_counts, shape[2] in channel_counts
    if not first and not last:
        counts = f"{', '.join(map(str, channel_counts[:-1]))} or {channel_counts[-1]}"
        raise ImageError(
            f"image: expected {counts} channels on the first or last axis, got shape {list(shape)}. "
            "Pass input_data_format if the channel count is meant."
        )
    if first and last:
        warn(
            f"image of shape {list(shape)}: the first and the last axis could both be channels; taking the "
            "first. Pass input_data_format to decide."
        )
    return "channels_first" if first else "channels_last"


def _is_pil_image(value: object) -> TypeGuard[Image.Image]:
    # If PIL.Image was never imported, no PIL image exists, so it need not be imported to find out.
    image_class = getattr(sys.modules.get("PIL.Image"), "Image", None)
    return isinstance(image_class, type) and isinstance(value, image_class)


def _label(image: Image.Image) -> str:
    """Return the name of a PIL image for errors."""
    filename = getattr(image, "filename", "")
    return label_of(filename) if filename else f"PIL image of mode {image.mode}"


def _from_pil(image: Image.Image, do_convert_rgb: bool, background: str, label: str) -> NDArray[Any]:
    try:
        if not do_convert_rgb:
            return np.array(image)
        if background == "checkerboard":
            return composite_on_checkerboard(np.array(image.convert("RGBA"))) if _is_transparent(image) else _rgb(image)
        if "A" in image.getbands() or image.info.get("transparency") is not None:
            return composite_on_white(np.array(image.convert("RGBA")))
        return _rgb(image)
    except MemoryError:
        raise
    except Exception as error:  # decoding is lazy, and Pillow's decoders raise many types on damaged data
        raise ImageError(
            f"{label}: expected an image that Pillow can decode and convert, got: {one_line(error)}. "
            "Check the file, or convert the image to RGB first."
        ) from error


def _is_transparent(image: Image.Image) -> bool:
    """Tell whether a PIL image may be transparent: `Image.has_transparency_data`, which Pillow has from 10.1 on."""
    if image.mode in ("LA", "La", "PA", "RGBA", "RGBa") or "transparency" in image.info:
        return True
    return image.mode == "P" and image.palette is not None and image.palette.mode.endswith("A")


def _rgb(image: Image.Image) -> NDArray[Any]:
    """Return the pixels of a PIL image as RGB: read-only, and without a copy if it is RGB already."""
    image.load()  # raises what is wrong with a damaged file
    return np.asarray(image if image.mode == "RGB" else image.convert("RGB"))
