"""Run single stages of programs on one image, for methods that do one step of a class."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from graphproc.batch_feature import TensorType as Framework
from graphproc.batch_feature import tensor_type_of
from graphproc.configs.sizes import size_dict
from graphproc.errors import ImageError
from graphproc.executors import reference
from graphproc.ir.backends import PIL
from graphproc.ir.program import ProgramBuilder, Value
from graphproc.ir.types import DTYPES, TensorType
from graphproc.processors import stages
from graphproc.processors.constants import BILINEAR
from graphproc.wrappers.arrays import ArrayMethods
from graphproc.wrappers.images import data_format

Array = np.ndarray[Any, Any]
Stage = Callable[[ProgramBuilder, Any, Value], Value]


def arrays(function: Callable[[Array], Any], image: Any) -> Any:
    """Apply a function of arrays `[..., height, width]` to an array or a torch tensor; the result is of the same kind.

    A list of arrays becomes a list of tensors.

    Raises:
        ImageError: the image is neither.
    """
    if tensor_type_of(image) is Framework.PYTORCH:
        import torch

        found = function(image.detach().cpu().numpy())
        tensors = [
            torch.from_numpy(np.require(x, requirements=["C", "W"])) for x in (found if isinstance(found, list) else [found])
        ]
        return tensors if isinstance(found, list) else tensors[0]
    if not isinstance(image, np.ndarray):
        raise ImageError(
            f"image: expected an array or a torch tensor, got {type(image).__name__}. Convert it with numpy.asarray."
        )
    return function(image)


def each(function: Callable[[Array], Array], x: Array) -> Array:
    """Apply a function of one image `[C, H, W]` to an image, or to each of a batch `[N, C, H, W]`."""
    if x.ndim == 4:
        return np.stack([function(image) for image in x])
    if x.ndim != 3:
        raise ImageError(f"image: expected one image of 3 dimensions or a batch of 4, got shape {list(x.shape)}")
    return function(x)


def staged(processor: Any, stage: Stage, x: Array, settings: Mapping[str, Any]) -> Array:
    """Run a stage on one image `[C, H, W]` in the processor's backend, with some settings in place of its own.

    Raises:
        ImageError: the stage does not take an image of that dtype.
        ProgramError: the stage does not take an image of that size.
    """
    names = {dtype: name for name, dtype in DTYPES.items()}
    if x.dtype not in names:
        raise ImageError(f"image of dtype {x.dtype}: expected one of {', '.join(map(str, names))}. Cast the image.")
    b = ProgramBuilder(processor.spec.name, processor.spec.parity_of(processor.backend), backend=processor.backend)
    b.image = b.input("image", TensorType(names[x.dtype], x.shape, "CHW"))
    b.output("image", stage(b, processor._config(settings), b.image))
    return reference.run(b.finish(), {"image": x})["image"]


def resize_image(processor: Any, x: Array, height: int, width: int, resample: Any) -> Array:
    """Resize one image `[C, H, W]` in the processor's backend; `resample` None is bilinear, as in transformers' `resize`."""
    code = BILINEAR if resample is None else int(resample)
    if processor.backend == PIL and x.dtype != np.uint8:  # Pillow turns other types into bytes
        return ArrayMethods.resize(processor, x, {"height": height, "width": width}, code, input_data_format="channels_first")
    return staged(processor, lambda b, config, v: stages.resample(b, v, height, width, code), x, {})


def channels_first(x: Array) -> tuple[Array, bool]:
    """Return one image with channels first, and whether they were first.

    The axis of channels is the first one or else the last one, if its length is 1, 3 or 4.
    """
    first = data_format(x.shape, None) == "channels_first"
    return (x if first else np.moveaxis(x, -1, 0)), first


def both_sides(key: str, size: Any) -> tuple[int, int]:
    """Return the height and width of a size in any spelling, also transformers' `SizeDict`."""
    return stages.sides(key, size_dict(key, dict(size) if hasattr(size, "__dataclass_fields__") else size))
