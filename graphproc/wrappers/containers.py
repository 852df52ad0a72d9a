"""Put results into the containers of transformers' classes, for calls without `return_tensors`.

Most results are a list of one array for each image; `Delivery.container` says what others are. Source:
transformers 5.23, what `_preprocess` of each class puts into its `BatchFeature`.
"""

from __future__ import annotations

from collections.abc import Callable
from importlib.util import find_spec
from typing import Any

import numpy as np

from graphproc.errors import ShapeError
from graphproc.ir.backends import TORCHVISION
from graphproc.ir.program import Output

Array = np.ndarray[Any, Any]


def check_lengths(backend: str, output: Output, value: Any) -> None:
    """Refuse results of several lengths where no framework's tensor can be made of them.

    transformers fails for lists of torch tensors of several lengths, but not for lists of a sample's images.

    Raises:
        ShapeError: the images' results have several shapes where transformers stacks or concatenates them,
            or several lengths in the torchvision backend.
    """
    if value is not None:
        _check_one_shape(output, value)
    if output.delivery.container == "nested":
        return
    if backend == TORCHVISION and isinstance(value, list) and all(isinstance(one, np.ndarray) and one.ndim for one in value):
        lengths = [len(one) for one in value]
        if len(set(lengths)) > 1:
            raise ShapeError(
                f"{output.name}: expected equal numbers of channels, or parts, of all images, got {lengths}. "
                "Pass return_tensors=None."
            )


def contained(backend: str, output: Output, value: Any, results_by_image: Callable[[], list[Array]]) -> Any:
    """Return one output as transformers returns it without `return_tensors`.

    Args:
        backend: the class's backend: torchvision's gives torch tensors if torch is installed, pil's
            numpy arrays.
        output: the output.
        value: its value for all images, arrays or lists of arrays.
        results_by_image: returns the output's results, one for each image.

    Raises:
        ShapeError: the images' results have several shapes where transformers stacks or
            concatenates them.
    """
    _check_one_shape(output, value)
    container = output.delivery.container
    if container == "numbers":
        return [numbers.tolist() for numbers in value]
    if container == "tuples":
        return [tuple(sizes.tolist()) for sizes in value]
    if not isinstance(value, list) and np.ndim(value) == 0:
        return int(value)
    if container == "apart":
        value = results_by_image()
    elif container == "stack":
        value = np.stack(list(value))
    elif container == "parts":  # each in its image's own type, unlike in the joined array
        value = list(value) if output.join.has_image_axis else [part for result in results_by_image() for part in result]
    elif container == "nested":
        value = [list(images) for images in value]
    elif isinstance(value, list) and all(isinstance(number, np.integer) for number in value):
        return [int(number) for number in value]
    return _in_torch(value, output.delivery.torch_dtype) if backend == TORCHVISION and find_spec("torch") else value


def as_numbers(value: Any) -> Any:
    """Return floats as Python's, so that a framework makes its default type of them; other numbers stay an array."""
    numbers = np.asarray(value)
    return numbers.tolist() if numbers.dtype.kind == "f" else value


def in_tensors(rows: list[Any]) -> list[Any]:
    """Return rows of whole numbers as int64 torch tensors, or as arrays without torch."""
    arrays = [np.asarray(row, np.int64) for row in rows]
    found: list[Any] = _in_torch(arrays) if find_spec("torch") else arrays
    return found


def _check_one_shape(output: Output, value: Any) -> None:
    """Refuse results of several shapes that transformers stacks, or concatenates to one array."""
    container = output.delivery.container
    concatenated = not output.join.has_image_axis and isinstance(value, list) and container not in ("parts", "apart")
    if not (concatenated or container in ("alike", "stack")):
        return
    shapes = list(dict.fromkeys(np.shape(array) for array in value))
    if len(shapes) > 1:
        found = ", ".join(str(list(shape)) for shape in shapes)
        hint = "Make their sizes and channels equal, or pass them one by one."
        raise ShapeError(f"{output.name}: expected one shape of all images' results, got {found}. {hint}")


def _in_torch(value: Any, dtype: str = "") -> Any:
    if isinstance(value, list):
        return [_in_torch(item, dtype) for item in value]
    if not isinstance(value, np.ndarray):
        return value
    import torch

    tensor = torch.from_numpy(value)
    return tensor.to(getattr(torch, dtype)) if dtype else tensor
