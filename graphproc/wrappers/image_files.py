"""Open image files with Pillow: turned upright, in RGB."""

from __future__ import annotations

import base64
import io
import os
from contextlib import suppress
from typing import TYPE_CHECKING, Any, TypeGuard

from graphproc.errors import ImageError
from graphproc.files import LFS_HINT, is_lfs_pointer

if TYPE_CHECKING:
    from PIL import Image

Source = str | os.PathLike[Any]


def is_file(image: object) -> TypeGuard[Source]:
    """Tell whether an image is given as a path, or as text that contains the file."""
    return isinstance(image, (str, os.PathLike))


def load_file(source: Source, mode: str = "RGB") -> Image.Image:
    """Open an image file as transformers does.

    The result is the first frame, turned upright by its EXIF orientation, in Pillow's RGB. An alpha channel
    is dropped. A transparent colour that Pillow keeps through the conversion is in `info["transparency"]`.

    Args:
        source: a path, a `data:image/...;base64,` string, or only the base64 text of a file.
        mode: the mode of Pillow's to convert to instead of RGB.

    Returns:
        A decoded image, which no longer needs its file.

    Raises:
        ImageError: there is no such file, or Pillow cannot decode it.

    Source: transformers `image_utils.load_image`.
    """
    from PIL import Image, ImageOps

    label = label_of(source)
    file = _readable(source, label)
    try:
        with Image.open(file) as opened:
            ImageOps.exif_transpose(opened, in_place=True)
            opened.load()
            return opened if opened.mode == mode else opened.convert(mode)
    except MemoryError:
        raise
    except Image.DecompressionBombError as error:
        raise ImageError(
            f"{label}: expected an image within Pillow's size limit, got: {one_line(error)} "
            "If you trust the file, raise PIL.Image.MAX_IMAGE_PIXELS."
        ) from error
    except Exception as error:  # Pillow's decoders raise many types on damaged data
        if is_lfs_pointer(os.fspath(source)):
            raise ImageError(f"{label}: {LFS_HINT}.") from None
        raise ImageError(
            f"{label}: expected a complete image file that Pillow can decode, got: {one_line(error)}. "
            "Check the file, or convert it to PNG or JPEG."
        ) from error


def _readable(source: Source, label: str) -> Any:
    """Return what Pillow can open: the path, or the bytes of a file that is given as text."""
    path = os.fspath(source)
    if os.path.isdir(path):
        raise ImageError(f"{label}: expected an image file, got a folder. Pass the files in it.")
    if os.path.lexists(path):
        return path
    if isinstance(path, str) and path.lower().startswith(("http://", "https://")):
        raise ImageError(f"{label}: expected a local file, got a URL. Download it first and pass the file's path.")
    if isinstance(path, str) and path.startswith("data:image/"):
        return io.BytesIO(_decoded_data_url(path, label))
    if isinstance(path, str) and (data := _decoded_text(path)):
        return io.BytesIO(data)
    raise ImageError(f"{label}: expected an image file, found nothing at this path. Check the path.")


def _decoded_data_url(url: str, label: str) -> bytes:
    header, _, payload = url.partition(",")
    try:
        if not header.endswith(";base64"):
            raise ValueError("no ;base64 marker")
        return base64.b64decode(payload)
    except ValueError as error:
        raise ImageError(f"{label}: expected data:image/TYPE;base64,DATA, got: {one_line(error)}.") from error


def _decoded_text(text: str) -> bytes:
    """Return the bytes of an image file in base64; empty if the text is something else, such as a mistyped path."""
    from PIL import Image

    try:
        data = base64.b64decode("".join(text.split()), validate=True)
        with suppress(Image.DecompressionBombError):  # an image, but too large: reading it raises the error
            Image.open(io.BytesIO(data)).close()
    except (ValueError, OSError):  # not base64, or not an image
        return b""
    return data


def label_of(source: Source) -> str:
    """Return the name of a file for errors."""
    shown = repr(os.fsdecode(os.fspath(source)))
    return "image " + (shown if len(shown) <= 200 else shown[:150] + "..." + shown[-40:])


def one_line(error: Exception) -> str:
    """Return an error's text as one line, for a message."""
    text = " ".join(str(error).split()) or type(error).__name__
    return text if len(text) <= 300 else text[:297] + "..."
