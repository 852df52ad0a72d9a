"""`patchify_image` and `preprocess_with_tokenizer_info` of Fuyu: its patches, and the ids that stand for them in a text.

Source: transformers 5.23, the methods of these names.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from graphproc.batch_feature import BatchFeature
from graphproc.errors import ImageError, RuntimeUnavailableError
from graphproc.wrappers.methods.steps import Array, arrays, both_sides
from graphproc.wrappers.post_inputs import to_array


def patchify_image(self: Any, image: Any, patch_size: Any = None) -> Any:
    """Cut images into patches, row by row; what is beyond the last whole patch is left out.

    Args:
        self: the processor.
        image: [batch, channels, height, width]; an image alone gets an axis in front.
        patch_size: height and width of a patch in pixels; None for the processor's.

    Returns:
        [batch, patches, height * width * channels] of a patch, channels last in each.
    """
    side = both_sides("patch_size", self.patch_size if patch_size is None else patch_size)
    return arrays(lambda x: _cut(x if x.ndim == 4 else x[None], *side), image)


def _cut(x: Array, height: int, width: int) -> Array:
    rows, columns = x.shape[-2] // height, x.shape[-1] // width
    x = x[..., : rows * height, : columns * width]
    x = x.reshape(*x.shape[:2], rows, height, columns, width).transpose(0, 2, 4, 3, 5, 1)
    return np.ascontiguousarray(x.reshape(len(x), rows * columns, -1))


def preprocess_with_tokenizer_info(
    self: Any,
    image_input: Any,
    image_present: Any,
    image_unpadded_h: Any,
    image_unpadded_w: Any,
    image_placeholder_id: int,
    image_newline_id: int,
    variable_sized: bool,
    patch_size: Any = None,
) -> BatchFeature:
    """Cut padded images into patches, and make the token ids that stand for these in a text.

    Args:
        self: the processor.
        image_input: images padded to one size, [batch, images, channels, height, width].
        image_present: whether each of them is there, [batch, images, 1] or [batch, images].
        image_unpadded_h: their heights without padding, in pixels, [batch, images].
        image_unpadded_w: their widths without padding, in pixels, [batch, images].
        image_placeholder_id: the id of a patch.
        image_newline_id: the id behind each row of patches.
        variable_sized: whether padding is cut off, in whole patches, and rows end with `image_newline_id`.
        patch_size: height and width of a patch in pixels; None for the processor's.

    Returns:
        Lists with an entry for each sample, of tensors: `images`, `image_patches` [patches, values] of the
        images that are there; for all images `image_input_ids`, and the patches' numbers in the ids' places,
        counted in the sample (`image_patch_indices_per_batch`) and in the image
        (`image_patch_indices_per_subsequence`), -1 elsewhere; all int32.

    Raises:
        ImageError: an image that is there has no pixels, or not whole patches.
        RuntimeUnavailableError: torch is not installed.
    """
    try:
        import torch
    except ImportError:
        text = "preprocess_with_tokenizer_info: torch is not installed. pip install 'graphproc[torch]'"
        raise RuntimeUnavailableError(text) from None
    pixels, present = to_array(image_input), to_array(image_present)
    unpadded = np.stack([to_array(image_unpadded_h), to_array(image_unpadded_w)], axis=-1)
    side = np.array(both_sides("patch_size", self.patch_size if patch_size is None else patch_size))

    def tensor(x: Array) -> Any:
        return torch.from_numpy(np.ascontiguousarray(x)).to(image_input.device)

    images: list[Any] = []
    found: dict[str, list[list[Any]]] = {"image_input_ids": [], "image_patches": []}
    places: dict[str, list[list[Any]]] = {"image_patch_indices_per_batch": [], "image_patch_indices_per_subsequence": []}
    for sample in range(len(pixels)):
        for lists in (*found.values(), *places.values()):
            lists.append([])
        before = 0
        for index in range(pixels.shape[1]):
            ids = np.zeros(0, np.int32)
            if present[sample, index].all():
                image = pixels[sample, index]
                if variable_sized:
                    height, width = np.minimum(image.shape[-2:], -(-unpadded[sample, index] // side) * side).astype(int)
                    image = image[:, :height, :width]
                if 0 in image.shape:
                    raise ImageError(f"image_input[{sample}, {index}]: expected pixels, got shape {list(image.shape)}")
                count = self.get_num_patches(*image.shape[-2:], {"height": int(side[0]), "width": int(side[1])})
                ids = np.full(count, image_placeholder_id, np.int32)
                if variable_sized:
                    rows = ids.reshape(-1, image.shape[-1] // side[1])
                    ids = np.pad(rows, ((0, 0), (0, 1)), constant_values=image_newline_id).reshape(-1)
                images.append([tensor(image)])
                found["image_patches"][-1].append(tensor(_cut(image[None], *side)[0]))
            found["image_input_ids"][-1].append(tensor(ids))
            patches = ids == image_placeholder_id
            numbers = np.where(patches, np.cumsum(patches, dtype=np.int32) - 1, np.int32(-1))
            places["image_patch_indices_per_subsequence"][-1].append(tensor(numbers))
            numbers = np.where(patches, numbers + np.int32(before), np.int32(-1))
            places["image_patch_indices_per_batch"][-1].append(tensor(numbers))
            before += int(patches.sum())
    return BatchFeature({"images": images, **found, **places})


METHODS: Mapping[str, Mapping[str, Callable[..., Any]]] = {
    function.__name__: {"FuyuImageProcessor": function} for function in (patchify_image, preprocess_with_tokenizer_info)
}
