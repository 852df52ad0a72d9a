"""Put results into the containers of transformers' classes, for calls without `return_tensors`.

Most results are a list of one array for each image; the tables here list the exceptions. Source:
transformers 5.23, what `_preprocess` of each class puts into its `BatchFeature`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from importlib.util import find_spec
from typing import Any

import numpy as np

from graphproc.errors import ShapeError
from graphproc.ir.backends import TORCHVISION
from graphproc.ir.program import Output

Array = np.ndarray[Any, Any]

DETECTORS = ("ConditionalDetr", "DeformableDetr", "Detr", "GroundingDino", "RfDetr", "Yolos")
STACKED: Mapping[str, tuple[str, ...]] = {
    "image_grid_thw": (),
    "image_grid_hw": (),
    "image_grids": (),
    "image_merge_sizes": (),
    "image_num_crops": (),
    "image_position_ids": (),
    "image_attention_mask": (),
    "image_pixel_values": (),
    "image_sizes": ("Phi4Multimodal",),
    "num_patches": ("Inkling",),
    "spatial_shapes": ("Lfm2Vl",),
    "tile_fine_mask": (),
    "pixel_mask": (*DETECTORS, "RTDetr"),
    "pixel_values": (*DETECTORS, "RTDetr", "Step3p7", "Emu3", "Pixtral", "Gemma4", "Gemma4Unified"),
}
"""Outputs that are one array of all images, and the classes that do so; an empty tuple stands for every class."""
ONLY_TORCHVISION_STACKS = (*DETECTORS, "RTDetr")
"""Classes that stack only in the torchvision backend."""
ONLY_PADDED = ("Emu3", "Pixtral")
"""Classes that stack only images that they pad to one size."""
TUPLES = ("image_sizes", "original_sizes", "reshaped_input_sizes", "spatial_shapes")
"""Outputs that are a tuple of ints for each image."""
LISTS: Mapping[str, tuple[str, ...]] = {
    **dict.fromkeys(("grids", "image_unpadded_heights", "image_unpadded_widths", "image_scale_factors"), ()),
    "image_sizes": ("Lfm2Vl",),
}
"""Outputs that are a list of numbers for each image, and the classes that do so; an empty tuple stands for every class."""
TENSORS = ("patch_offsets",)
"""Outputs that are always a list of torch tensors, or of arrays if torch is not installed."""
FLOATS = ("image_scale_factors",)
"""Outputs of Python floats; a framework turns them into tensors of its default type."""
STACKED_BEFORE = ("input_ids",)
"""Outputs that are an array for each image, made of a stack of all."""
ROWS: Mapping[str, tuple[str, ...]] = {
    "pixel_values": ("Cohere2Vision", "Eomt", "Gemma3", "GotOcr2", "Llama4", "Ovis2", "VitPose"),
    "pixel_values_local": ("DeepseekOcr2", "UnlimitedOcr"),
    "target_sizes": ("PPOCRV5ServerDet",),
}
"""Outputs of all images' parts, one after another, that are a list of one array for each part."""
SAMPLES: Mapping[str, tuple[str, ...]] = {
    "images": ("Fuyu",),
    "pixel_values": ("EfficientLoFTR", "LightGlue", "SuperGlue", "Tvp", "VideoMAE", "Vivit"),
}
"""Outputs that are a list of images for each sample in the pil backend."""
UNPADDED = ("Idefics2", "Idefics3", "SmolVLM", "UltraVBert")
"""Classes that give such lists of pixels in both backends, if images are not padded."""


def check_lengths(row: str, backend: str, output: Output, value: Any) -> None:
    """Refuse results of several lengths where no framework's tensor can be made of them.

    transformers fails for lists of torch tensors of several lengths, but not for lists of a sample's images.

    Raises:
        ShapeError: the images' results have several shapes where transformers stacks or concatenates them,
            or several lengths in the torchvision backend.
    """
    name, stem = output.name, row.removesuffix("ImageProcessor")
    if value is not None:
        _check_one_shape(stem, backend, output, value)
    if _sampled(stem, name, backend, output):
        return
    if backend == TORCHVISION and isinstance(value, list) and all(isinstance(one, np.ndarray) and one.ndim for one in value):
        lengths = [len(one) for one in value]
        if len(set(lengths)) > 1:
            raise ShapeError(
                f"{name}: expected as many channels, or parts, of each image, got {lengths}. Pass return_tensors=None."
            )


def contained(row: str, backend: str, output: Output, value: Any, apart: Callable[[], list[Array]]) -> Any:
    """Return one output as transformers returns it without `return_tensors`.

    Args:
        row: the class's name.
        backend: its backend: torchvision's gives torch tensors if torch is installed, pil's numpy arrays.
        output: the output.
        value: its value for all images, arrays or lists of arrays.
        apart: returns the results of each image.

    Raises:
        ShapeError: the images' results have several shapes where transformers stacks or concatenates them.
    """
    name, key = row.removesuffix("ImageProcessor"), output.name
    _check_one_shape(name, backend, output, value)
    if key == "pixel_values" and name == "Llama4":
        value = apart()
    elif _stacks(name, backend, output):
        value = np.stack(list(value))
    elif key == "num_crops" and name == "Aria":
        return int(value)
    elif name in ROWS.get(key, ()):
        value = list(value)
    elif _sampled(name, key, backend, output):
        value = [list(images) for images in value]
    elif key in LISTS and (not LISTS[key] or name in LISTS[key]):
        return [numbers.tolist() for numbers in value]
    elif key in TUPLES:
        return [tuple(sizes.tolist()) for sizes in value]
    elif isinstance(value, list) and all(isinstance(number, np.integer) for number in value):
        return [int(number) for number in value]
    return _in_torch(value, output.delivery.torch_dtype) if backend == TORCHVISION and find_spec("torch") else value


def in_tensors(rows: list[Any]) -> list[Any]:
    """Return rows of whole numbers as int64 torch tensors, or as arrays without torch."""
    arrays = [np.asarray(row, np.int64) for row in rows]
    found: list[Any] = _in_torch(arrays) if find_spec("torch") else arrays
    return found


def _check_one_shape(name: str, backend: str, output: Output, value: Any) -> None:
    rows = not output.join.has_image_axis and isinstance(value, list) and name not in ROWS.get(output.name, ())
    if not (rows or output.name in STACKED_BEFORE or _stacks(name, backend, output)):
        return
    shapes = list(dict.fromkeys(np.shape(array) for array in value))
    if len(shapes) > 1:
        found = ", ".join(str(list(shape)) for shape in shapes)
        hint = "Make their sizes and channels equal, or pass them one by one."
        raise ShapeError(f"{output.name}: expected one shape of all images' results, got {found}. {hint}")


def _stacks(name: str, backend: str, output: Output) -> bool:
    key = output.name
    if key not in STACKED or (STACKED[key] and name not in STACKED[key]):
        return False
    padded = output.join.pads or name not in ONLY_PADDED
    return padded and (backend == TORCHVISION or name not in ONLY_TORCHVISION_STACKS)


def _sampled(name: str, key: str, backend: str, output: Output) -> bool:
    """Tell whether the output is a list of images for each sample."""
    if name in UNPADDED:
        return key == "pixel_values" and not output.join.pads
    return backend != TORCHVISION and name in SAMPLES.get(key, ())


def _in_torch(value: Any, dtype: str = "") -> Any:
    if isinstance(value, list):
        return [_in_torch(item, dtype) for item in value]
    if not isinstance(value, np.ndarray):
        return value
    import torch

    tensor = torch.from_numpy(value)
    return tensor.to(getattr(torch, dtype)) if dtype else tensor
