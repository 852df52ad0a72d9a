"""Other methods of transformers' base classes, for code that calls the parts of a processor.

Source: transformers 5.23, `BaseImageProcessor`, `PilBackend`, `TorchvisionBackend` and `ImageProcessingMixin`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

import numpy as np

from graphproc.batch_feature import tensor_type_of
from graphproc.ir.backends import PIL
from graphproc.processors import stages
from graphproc.wrappers.image_files import is_file, load_file
from graphproc.wrappers.images import data_format, to_array
from graphproc.wrappers.methods.steps import Array, arrays, each, staged
from graphproc.wrappers.settings import Settings


class CommonMethods(Settings):
    """Methods of all processors for single images."""

    _auto_class: ClassVar[str | None] = None

    @classmethod
    def register_for_auto_class(cls, auto_class: str | type = "AutoImageProcessor") -> None:
        """Remember the name of an auto class, as transformers' classes do. Classes of this package load without it."""
        cls._auto_class = auto_class if isinstance(auto_class, str) else auto_class.__name__

    def fetch_images(self, image_url_or_urls: Any) -> Any:
        """Open image files, one or nested lists of them. Images among them stay as they are.

        Args:
            image_url_or_urls: paths, `data:image/...;base64,` strings or images. URLs are not downloaded.

        Returns:
            PIL images in RGB, or with torchvision's backend uint8 tensors `[3, height, width]`, nested as
            they came in.

        Raises:
            ImageError: a file cannot be read.
            TypeError: something is neither a file nor an image.
        """
        if isinstance(image_url_or_urls, (list, tuple)):
            return [self.fetch_images(one) for one in image_url_or_urls]
        if is_file(image_url_or_urls):
            image = load_file(image_url_or_urls)
            return image if self.backend == PIL else self.process_image(image)
        if tensor_type_of(image_url_or_urls) is None and not hasattr(image_url_or_urls, "getbands"):
            raise TypeError(f"image: expected a file, an image or a list of them, got {type(image_url_or_urls).__name__}")
        return image_url_or_urls

    def process_image(self, image: Any, do_convert_rgb: bool | None = None, input_data_format: Any = None, **_: Any) -> Any:
        """Return one image in the form that steps take: channels first, with unchanged values.

        Args:
            image: a PIL image, an array or a tensor.
            do_convert_rgb: whether to convert it to RGB.
            input_data_format: `channels_first` or `channels_last` for arrays; None looks for an axis of length 1, 3 or 4.

        Returns:
            An array `[channels, height, width]` of the image's dtype, or with torchvision's backend a tensor.

        Raises:
            ImageError: it is not an image, or has an unusable shape.
        """
        x = np.ascontiguousarray(np.moveaxis(self._read(image, bool(do_convert_rgb), input_data_format), -1, 0))
        if self.backend == PIL:
            return x
        import torch

        return torch.from_numpy(x if x.flags.writeable else x.copy())

    def convert_to_rgb(self, image: Any, input_data_format: Any = None) -> Any:
        """Convert an image to RGB: repeat one channel, composite alpha on white; Pillow converts PIL images.

        Args:
            image: a PIL image, an array or a tensor.
            input_data_format: as for `process_image`.

        Returns:
            An array or a tensor with the image's layout; channels last for a PIL image.

        Raises:
            ImageError: it is not an image, or has an unusable shape.
        """
        if tensor_type_of(image) is None:
            return self._read(image, True, None)

        def converted(x: Array) -> Array:
            y = self._read(x, True, input_data_format)
            first = x.ndim == 2 or data_format(x.shape, _text(input_data_format)) == "channels_first"
            return np.ascontiguousarray(np.moveaxis(y, -1, 0)) if first else y

        return arrays(converted, image)

    def rescale_and_normalize(
        self,
        images: Any,
        do_rescale: bool,
        rescale_factor: float,
        do_normalize: bool,
        image_mean: float | Sequence[float],
        image_std: float | Sequence[float],
    ) -> Any:
        """Rescale and normalize as a call does, in the backend's arithmetic.

        Args:
            images: an image `[C, H, W]` or a batch `[N, C, H, W]`, an array or a tensor.
            do_rescale: whether to multiply by `rescale_factor`.
            rescale_factor: the factor.
            do_normalize: whether to subtract `image_mean` and divide by `image_std`.
            image_mean: a number, or one for each channel.
            image_std: the same.

        Returns:
            float32; the images unchanged where neither is done.
        """
        settings = {
            "do_rescale": do_rescale,
            "rescale_factor": rescale_factor,
            "do_normalize": do_normalize,
            "image_mean": image_mean,
            "image_std": image_std,
        }

        def stage(b: Any, config: Any, x: Any) -> Any:
            return stages.normalize(b, config, stages.rescale(b, config, x))

        return arrays(lambda x: each(lambda one: staged(self, stage, one, settings), x), images)

    def _read(self, image: Any, do_convert_rgb: bool, input_data_format: Any) -> Array:
        options: dict[str, Any] = {"backend": self.backend, "background": self.spec.background}
        return to_array(image, do_convert_rgb=do_convert_rgb, input_data_format=_text(input_data_format), **options)


def call_keywords(name: str, keys: Sequence[str]) -> type[Any]:
    """Make a class annotated with the keywords of a call, like transformers' `valid_kwargs`."""
    return type(f"{name}Kwargs", (dict,), {"__annotations__": dict.fromkeys(keys, Any), "__module__": "graphproc"})


def _text(input_data_format: Any) -> str | None:
    value: str | None = getattr(input_data_format, "value", input_data_format)  # transformers' enum, or its value
    return value
