"""`generate_crop_boxes`, `filter_masks` and `post_process_for_mask_generation` of SAM, SAM 2 and SAM 3.

transformers' processor of SAM moves points and boxes to the resized image, and asks for its size
(`_get_preprocess_shape`).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from graphproc.batch_feature import tensor_to_numpy
from graphproc.errors import ConfigError, ImageError
from graphproc.ir.backends import PIL
from graphproc.numerics.narrow import rounded
from graphproc.postprocessing import mask_generation as masks_of
from graphproc.sizes import fit, num
from graphproc.wrappers.images import data_format
from graphproc.wrappers.post_inputs import kind_of, to_array

Array = np.ndarray[Any, Any]


def generate_crop_boxes(
    self: Any,
    image: Any,
    target_size: int,
    crop_n_layers: int = 0,
    overlap_ratio: float = 512 / 1500,
    points_per_crop: int | None = 32,
    crop_n_points_downscale_factor: int | None = 1,
    device: Any = None,
) -> tuple[Any, Any, list[Any], Any]:
    """Cut an image into crops that overlap, with a grid of points in each.

    Args:
        self: the processor.
        image: a PIL image, an array or a tensor.
        target_size: the longest edge that crops are resized to before the model, in pixels.
        crop_n_layers: how many layers of crops there are beside the image itself; layer n has 4 ** n crops.
        overlap_ratio: how much crops overlap, as a share of the shorter side.
        points_per_crop: how many points there are along each side of the grid.
        crop_n_points_downscale_factor: by how much that number is divided in each layer after the first.
        device: the device of the tensors.

    Returns:
        Boxes (left, top, right, bottom) in pixels, [crops, 4]; points (x, y) in the resized crops,
        [1, points, crops, 2]; the crops, channels first; and labels, all 1, [1, points, crops]. Tensors if
        torch is installed, else numpy arrays.

    Raises:
        ImageError: there are several images.
        ConfigError: layers have different numbers of points.
    """
    if isinstance(image, (list, tuple)):
        raise ImageError(f"image: expected one image, got {len(image)}")
    pixels = _channels_first(image)
    height, width = pixels.shape[-2:]
    pil = self.backend == PIL
    boxes = masks_of.crop_boxes(height, width, crop_n_layers, overlap_ratio)
    counts = [int((points_per_crop or 0) / (crop_n_points_downscale_factor or 1) ** layer) for layer in range(crop_n_layers + 1)]
    if len(set(counts)) > 1 or min(counts) < 1:
        raise ConfigError(f"points_per_crop: expected equal numbers of points in all layers, at least one, got {counts}")
    unit = masks_of.grid(counts[0], np.float64 if pil else np.float32)
    points = np.stack([masks_of.points_in(box, unit, target_size) for _, box in boxes], axis=1)[None]
    corners = np.array([box for _, box in boxes], dtype=np.float32)
    crops = [pixels[:, top:bottom, left:right] for _, (left, top, right, bottom) in boxes]
    labels = np.ones(points.shape[:-1], dtype=np.int64)
    try:
        import torch
    except ImportError:
        return corners, points, crops, labels
    to = [torch.from_numpy(x).to(device or "cpu") for x in (corners, points, labels)]
    return to[0], to[1], crops if pil else [torch.from_numpy(np.ascontiguousarray(crop)) for crop in crops], to[2]


def _channels_first(image: Any) -> Array:
    pixels = np.asarray(image) if hasattr(image, "getbands") else tensor_to_numpy(image)
    pixels = pixels[..., None] if pixels.ndim == 2 else pixels
    first = not hasattr(image, "getbands") and data_format(pixels.shape, None) == "channels_first"
    return np.asarray(pixels if first else np.moveaxis(pixels, -1, 0))


def filter_masks(
    self: Any,
    masks: Any,
    iou_scores: Any,
    original_size: Sequence[int],
    cropped_box_image: Sequence[float],
    pred_iou_thresh: float = 0.88,
    stability_score_thresh: float = 0.95,
    mask_threshold: float = 0,
    stability_score_offset: float = 1,
) -> tuple[list[dict[str, Any]], Any, Any]:
    """Keep the masks of a crop that score enough, are stable, and are not cut off by the crop's edge.

    Args:
        self: the processor.
        masks: logits [prompts, masks, height, width] of the crop.
        iou_scores: a score for each mask, [prompts, masks].
        original_size: (height, width) of the image in pixels.
        cropped_box_image: (left, top, right, bottom) of the crop in pixels.
        pred_iou_thresh: the score that a mask has to exceed; 0 keeps all.
        stability_score_thresh: the stability that a mask has to exceed; 0 keeps all.
        mask_threshold: the logit above which a pixel is inside the mask.
        stability_score_offset: the distance from it of the two thresholds that stability compares.

    Returns:
        Run lengths of each mask in the image, their scores, and boxes (left, top, right, bottom) in pixels.

    Raises:
        ImageError: the numbers of masks and scores differ.
    """
    kind, tensors = kind_of(masks), hasattr(masks, "detach")
    logits = to_array(masks)
    logits = logits.reshape(-1, *logits.shape[-2:])
    scores = to_array(iou_scores)
    scores = scores.reshape(-1, *scores.shape[2:])
    if len(logits) != len(scores):
        raise ImageError(f"iou_scores: expected one for each of {len(logits)} masks, got {len(scores)}")

    def limit(value: float, kind: str) -> float:
        """Return a threshold rounded to the type that it is compared with, as torch does."""
        return float(rounded(np.float32(value), kind))

    kept = np.ones(len(logits), dtype=bool)
    if pred_iou_thresh > 0:
        kept &= scores > limit(pred_iou_thresh, kind_of(iou_scores))
    if stability_score_thresh > 0:
        low, high = (limit(mask_threshold + sign * stability_score_offset, kind) for sign in (-1, 1))
        kept &= masks_of.stability(logits, low, high) > np.float32(stability_score_thresh)
    inside = logits[kept] > limit(mask_threshold, kind)
    boxes = masks_of.boxes_around(inside)
    crop = [float(v) for v in to_array(cropped_box_image)]
    height, width = (int(v) for v in original_size)
    whole = ~masks_of.cut_off(boxes, crop, height, width)
    left, top = int(crop[0]), int(crop[1])
    boxes = boxes[whole] + np.array([left, top, left, top])
    boxes = boxes if len(inside) else boxes.astype(np.float32)  # transformers' type where there are no masks
    runs = [masks_of.run_lengths(mask) for mask in masks_of.in_image(inside[whole], crop, height, width)]
    places = np.flatnonzero(kept)[whole]
    if not tensors:
        return runs, scores[places], boxes
    import torch

    chosen = torch.from_numpy(places)
    return runs, iou_scores.flatten(0, 1)[chosen.to(iou_scores.device)], torch.from_numpy(boxes).to(masks.device)


def post_process_for_mask_generation(
    self: Any, all_masks: Sequence[Mapping[str, Any]], all_scores: Any, all_boxes: Any, crops_nms_thresh: float
) -> tuple[list[Any], Any, list[Mapping[str, Any]], Any]:
    """Keep the best of masks that show the same thing.

    Args:
        self: the processor.
        all_masks: run lengths of the masks of all crops.
        all_scores: their scores, [masks].
        all_boxes: their boxes (left, top, right, bottom) in pixels, [masks, 4].
        crops_nms_thresh: the largest share of two boxes' union that both may cover.

    Returns:
        The masks, bools [height, width], the best first, and their scores, run lengths and boxes.
    """
    kept = masks_of.without_overlaps(to_array(all_boxes), to_array(all_scores).astype(np.float32), crops_nms_thresh)
    runs = [all_masks[place] for place in kept]
    masks: list[Any] = [masks_of.from_run_lengths(one) for one in runs]
    if hasattr(all_scores, "detach"):
        import torch

        chosen = torch.from_numpy(kept)
        if self.backend != PIL:
            masks = [torch.from_numpy(np.ascontiguousarray(mask.T)).T for mask in masks]
        return masks, all_scores[chosen.to(all_scores.device)], runs, all_boxes[chosen.to(all_boxes.device)]
    return masks, all_scores[kept], runs, all_boxes[kept]


def resized_size(self: Any, old_shape: Sequence[int], longest_edge: int) -> tuple[int, int]:
    """Return the height and width to which an image of `old_shape` (height, width) is resized."""
    height, width = (int(side) for side in old_shape)
    size = fit.longest_edge_half_up(height, width, longest_edge)
    return num.known(size[0]), num.known(size[1])


SAMS = ("SamImageProcessor", "Sam2ImageProcessor", "Sam3ImageProcessor")
METHODS: Mapping[str, Mapping[str, Callable[..., Any]]] = {
    **{
        function.__name__: dict.fromkeys(SAMS, function)
        for function in (generate_crop_boxes, filter_masks, post_process_for_mask_generation)
    },
    "_get_preprocess_shape": {"SamImageProcessor": resized_size},
}
