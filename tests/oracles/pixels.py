"""What ops that compute pixels should give: transformers' own methods, Pillow, scipy, or scalar arithmetic."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from PIL import Image

Array = np.ndarray[Any, Any]
_F = np.float32


def per_image(function: Callable[[Array], Array]) -> Callable[[Array], Array]:
    """Apply a function of one image `[C, H, W]` to every image of `[..., C, H, W]`."""

    def apply(x: Array) -> Array:
        results = [np.asarray(function(image)) for image in x.reshape(-1, *x.shape[-3:])]
        return np.stack(results).reshape(*x.shape[:-3], *results[0].shape)

    return apply


def transformers_grayscale(image: Array) -> Array:
    from transformers.models.superpoint.image_processing_pil_superpoint import convert_to_grayscale

    return convert_to_grayscale(image)


def _once(*products: tuple[Any, Any]) -> np.float32:
    """Return a sum of products, from fractions, rounded to float32 after each product and sum together."""
    total = Fraction(0)
    for one, other in products:
        total = Fraction(float(_F(float(total + Fraction(float(one)) * Fraction(float(other))))))
    return _F(float(total))


def fused_grayscale(image: Array) -> Array:
    """Return torchvision's gray values of `[C, H, W]`, pixel by pixel."""
    if len(image) == 1 or all((channel == image[0]).all() for channel in image):
        return image
    weights = [_F(weight) for weight in (0.2989, 0.587, 0.114)]
    gray = [_once(*zip(pixel, weights, strict=True)) for pixel in image.reshape(3, -1).T]
    return np.stack([np.array(gray).astype(image.dtype).reshape(image.shape[1:])] * 3)


def fused_clusters(image: Array, clusters: Sequence[Sequence[float]]) -> Array:
    """Return the nearest of some colours for each pixel of `[3, H, W]`, as ImageGPT's torchvision backend."""
    colors = np.array(clusters, dtype=_F)
    lengths = (colors[:, 0] ** 2 + colors[:, 1] ** 2) + colors[:, 2] ** 2
    found = []
    for pixel in image.reshape(3, -1).T:
        products = np.array([_once(*zip(pixel, color, strict=True)) for color in colors])
        length = (pixel[0] ** 2 + pixel[1] ** 2) + pixel[2] ** 2
        found.append(np.argmin((length - 2 * products) + lengths))
    return np.array(found)


def transformers_standardize(image: Array) -> Array:
    """Standardize with transformers; the order of the sums is that of an image stored channels last."""
    from transformers.models.pix2struct.image_processing_pil_pix2struct import Pix2StructImageProcessorPil

    return Pix2StructImageProcessorPil().normalize(np.ascontiguousarray(image.transpose(1, 2, 0)).transpose(2, 0, 1))


def transformers_clusters(clusters: Sequence[Sequence[float]]) -> Callable[[Array], Array]:
    from transformers.models.imagegpt.image_processing_pil_imagegpt import color_quantize

    return per_image(lambda image: color_quantize(image.transpose(1, 2, 0), np.array(clusters)))


def transformers_warp(image: Array, box: Sequence[float], height: int, width: int, factor: float = 200.0) -> Array:
    from transformers.image_utils import SizeDict
    from transformers.models.vitpose.image_processing_pil_vitpose import VitPoseImageProcessorPil, box_to_center_and_scale

    center, scale = box_to_center_and_scale(box, image_width=width, image_height=height, normalize_factor=factor)
    size = SizeDict(height=height, width=width)
    return VitPoseImageProcessorPil().affine_transform(image, center, scale, rotation=0, size=size)


def transformers_depths(x: Array, scale: float) -> Array:
    """Return depths in metres of each map `[H, W]` of `[..., H, W]`, given beside an image that is not used."""
    from transformers.models.prompt_depth_anything.image_processing_pil_prompt_depth_anything import (
        PromptDepthAnythingImageProcessorPil,
    )

    processor = PromptDepthAnythingImageProcessorPil(do_resize=False, do_pad=False, prompt_scale_to_meter=scale)
    image = Image.new("RGB", (14, 14))
    maps = [processor(image, prompt_depth=[depth], return_tensors="np")["prompt_depth"] for depth in x.reshape(-1, *x.shape[-2:])]
    return np.stack(maps).reshape(x.shape)


def scipy_smooth_zoom(image: Array, height: int, width: int) -> Array:
    """Blur and zoom of each plane, cut to the whole image's range."""
    from scipy import ndimage

    factors = image.shape[-2] / height, image.shape[-1] / width
    planes = []
    for plane in image:
        plane = ndimage.gaussian_filter(plane, [max(0, (f - 1) / 2) for f in factors], mode="mirror")
        planes.append(ndimage.zoom(plane, [1 / f for f in factors], order=1, mode="mirror", grid_mode=True))
    return np.clip(np.stack(planes), image.min(), image.max())


def scipy_gaussian_blur(image: Array, sigma: float, radius: int) -> Array:
    from scipy import ndimage

    return np.stack([ndimage.gaussian_filter(plane, sigma, radius=radius) for plane in image])


def torchvision_blur(image: Array, sigmas: tuple[float, float], radii: tuple[int, int]) -> Array:
    """Return what torchvision makes of an image. Standard deviations and radii are those along height and width."""
    why = "the oracle; .ci/run has an environment with it"
    functional = pytest.importorskip("torchvision.transforms.v2.functional", reason=why)
    import torch

    sides = [2 * radius + 1 for radius in reversed(radii)]
    return np.asarray(functional.gaussian_blur(torch.from_numpy(image), sides, list(reversed(sigmas))))


def pillow_reduce(image: Array, vertical: int, horizontal: int) -> Array:
    return np.stack([np.asarray(Image.fromarray(plane).reduce((horizontal, vertical))) for plane in image])


def pillow_resize_part(x: Array, height: int, width: int, code: int, extent: tuple[float, float]) -> Array:
    """Apply `Image.resize` to the box of size `extent` (height, width) at the top left corner."""

    def resized(image: Array) -> Array:
        box = (0, 0, extent[1], extent[0])
        planes = [Image.fromarray(plane).resize((width, height), Image.Resampling(code), box) for plane in image]
        return np.stack([np.asarray(plane) for plane in planes])

    return per_image(resized)(x)


def pillow_content_box(image: Array) -> Array:
    """Return Pillow's box around everything below 200, in Pillow's gray stretched in float64."""
    gray = np.asarray(Image.fromarray(np.ascontiguousarray(image.transpose(1, 2, 0))).convert("L")).astype(np.float64)
    low, high = gray.min(), gray.max()
    if low == high:
        return np.array([0, 0, *gray.shape], dtype=np.int64)
    box = Image.fromarray((gray - low) / (high - low) * 255 < 200).getbbox()
    assert box is not None
    left, top, right, bottom = box
    return np.array([top, left, bottom - top, right - left], dtype=np.int64)


FLOAT32_BELOW = ((250, 9, 228), (250, 13, 146), (250, 47, 199))
"""The three colours with a whole number as gray that float32 rounds to a little less."""


def torchvision_gray(image: Array) -> Array:
    """Return the gray, computed as 10000 times the gray in integers, truncated; one channel is gray."""
    if len(image) == 1:
        return np.asarray(image[0].astype(np.int64))
    red, green, blue = image.astype(np.int64)
    below = [(red == r) & (green == g) & (blue == b) for r, g, b in FLOAT32_BELOW]
    return (2989 * red + 5870 * green + 1140 * blue) // 10000 - np.any(below, axis=0)


def torchvision_content_box(image: Array) -> Array:
    """Return the box around everything below 200, in torchvision's gray stretched in float32."""
    gray = torchvision_gray(image)
    low, high = gray.min(), gray.max()
    if low == high:
        return np.array([0, 0, *gray.shape], dtype=np.int64)
    rows, columns = np.nonzero((gray - low).astype(_F) / _F(high - low) * _F(255) < _F(200))
    top, left = rows.min(), columns.min()
    return np.array([top, left, rows.max() + 1 - top, columns.max() + 1 - left], dtype=np.int64)


def _taps(n_in: int, n_out: int, i: int, mode: str) -> tuple[list[tuple[int, Any]], int]:
    """Return input pixels and float32 weights of output `i` in torch's order, and how many of their products are rounded.

    They are torch's for sizes where nothing is rounded twice.
    """
    if mode == "align_corners":
        at = _F(i) * (_F(n_in - 1) / _F(n_out - 1)) if n_out > 1 else _F(0)
        low = int(at)
        part = at - _F(low)
        return [(min(low + 1, n_in - 1), part), (low, _F(1) - part)], 1
    scale = _F(n_in) / _F(n_out)
    if mode in ("linear", "cubic"):
        at = _F(float(scale) * (i + 0.5) - 0.5)
        if mode == "linear":
            at = max(at, _F(0))
            low = min(int(at), n_in - 1)
            part = min(at - _F(low), _F(1))
            return [(min(low + 1, n_in - 1), part), (low, _F(1) - part)], 1
        low = math.floor(at)
        part, rest = at - _F(low), _F(1) - (at - _F(low))
        away = {0: part, -1: part + _F(1), 1: rest, 2: rest + _F(1)}
        return [(min(max(low + k, 0), n_in - 1), _cubic(distance)) for k, distance in away.items()], 1
    coarser = max(scale, _F(1))
    reach = coarser * _F(2 if mode == "antialias_cubic" else 1)
    center = _F((i + 0.5) * float(scale))
    taps = range(max(int(float(center - reach) + 0.5), 0), min(int(float(center + reach) + 0.5), n_in))
    distances = {j: abs(_F((float(_F(j) - center) + 0.5) * float(_F(1) / coarser))) for j in taps}
    weight_at = _antialias_cubic if mode == "antialias_cubic" else lambda distance: max(_F(1) - distance, _F(0))
    weights = {j: weight_at(distance) for j, distance in distances.items()}
    total = _F(0)
    for weight in weights.values():
        total += weight
    return [(j, weight / total) for j, weight in weights.items()], 1 + (len(weights) - 1) // 4 * 4


def _polynomial(x: Any, *coefficients: float) -> Any:
    """Evaluate a polynomial by Horner's rule, with each product and sum rounded once."""
    total = _F(coefficients[0])
    for coefficient in coefficients[1:]:
        total = _F(float(total) * float(x) + coefficient)
    return total


def _cubic(x: Any) -> Any:
    """Return Keys' filter with a = -0.75; only the first steps of its polynomials are fused."""
    if x > 1:
        return _polynomial(x, -0.75, 3.75, -6.0) * x + _F(3)
    return _polynomial(x, 1.25, -2.25) * x * x + _F(1)


def _antialias_cubic(x: Any) -> Any:
    """Return Keys' filter with a = -0.5."""
    if x >= 2:
        return _F(0)
    return _polynomial(x, -0.5, 2.5, -4.0, 2.0) if x >= 1 else _F(float(_polynomial(x, 1.5, -2.5) * x) * float(x) + 1.0)


def _of_four(plane: Array, i: int, j: int, height: int, width: int, mode: str) -> Any:
    """Return an output from the four pixels around it; the other column's come first."""
    ((below, b), (above, a)), _ = _taps(plane.shape[0], height, i, mode)
    ((right, r), (left, f)), _ = _taps(plane.shape[1], width, j, mode)
    total = plane[above, right] * (a * r)
    for row, column, weight in ((above, left, a * f), (below, left, b * f), (below, right, b * r)):
        total = _F(float(total) + float(plane[row, column]) * float(weight))
    return total


def scalar_interpolate(image: Array, height: int, width: int, mode: str, fused: bool = False) -> Array:
    """Interpolate rows, then columns, in float32 after each product and sum, or after both where torch fuses them.

    Small results are computed in both directions at once.
    """
    if fused and mode in ("linear", "align_corners") and height + width <= 128:
        return np.stack(
            [[[_of_four(plane, i, j, height, width, mode) for j in range(width)] for i in range(height)] for plane in image]
        )
    for axis, side in ((2, width), (1, height)):
        lines = np.moveaxis(image, axis, 0)
        results = []
        for i in range(side):
            total = np.zeros_like(lines[0])
            taps, rounded = _taps(image.shape[axis], side, i, mode)
            for number, (j, weight) in enumerate(taps):
                if fused and number >= rounded:
                    total = (total + lines[j].astype(np.float64) * float(weight)).astype(np.float32)
                else:
                    total = total + lines[j] * weight
            results.append(total)
        image = np.moveaxis(np.stack(results), 0, axis)
    return image


def scalar_interpolate_bytes(image: Array, height: int, width: int, mode: str) -> Array:
    """Interpolate rows, then columns, with weights of 16 bits; those outside the image count for its outermost pixels."""
    for axis, side in ((2, width), (1, height)):
        lines = np.moveaxis(image, axis, 0).astype(np.int64)
        tables, largest = [], 0.0
        for i in range(side):
            at = (i + 0.5) * (len(lines) / side) - 0.5
            at = max(at, 0.0) if mode == "linear" else at
            if mode == "align_corners":
                at = i * ((len(lines) - 1) / (side - 1)) if side > 1 else 0.0
            low = min(math.floor(at), len(lines) - 1)
            part = min(max(at - low, 0.0), 1.0)
            table: dict[int, float] = {}
            for k in (0, 1) if mode != "cubic" else (-1, 0, 1, 2):
                place = min(max(low + k, 0), len(lines) - 1)
                table[place] = table.get(place, 0.0) + (1.0 - abs(part - k) if mode != "cubic" else _keys(abs(part - k)))
                largest = max(largest, table[place])
            tables.append(table)
        bits = 0
        while bits < 22 and math.floor(largest * 2 ** (bits + 1) + 0.5) < 2**15:
            bits += 1
        results = []
        for table in tables:
            whole = {j: int(w * 2**bits + math.copysign(0.5, w)) for j, w in table.items()}
            total = sum(lines[j] * w for j, w in whole.items()) + 2**bits // 2
            results.append(np.clip(total >> bits, 0, 255))
        image = np.moveaxis(np.stack(results), 0, axis).astype(np.uint8)
    return image


def _keys(x: float) -> float:
    """Return Keys' filter with a = -0.75 in float64."""
    return ((-0.75 * x + 3.75) * x - 6.0) * x + 3.0 if x > 1 else (1.25 * x - 2.25) * x * x + 1.0


def opencv_resize(image: Array, height: int, width: int) -> Array:
    """Apply `cv2.resize` to one image `[C, H, W]`."""
    import cv2

    pixels = cv2.resize(np.ascontiguousarray(np.moveaxis(image, 0, -1)), (width, height), interpolation=cv2.INTER_LINEAR)
    return np.ascontiguousarray(np.moveaxis(pixels.reshape(height, width, -1), -1, 0))


def fixed_point_resize(image: Array, height: int, width: int) -> Array:
    """Resize one image `[C, H, W]` pixel by pixel, in Python's integers."""

    def taps(n_in: int, n_out: int) -> list[tuple[int, int, int]]:
        found = []
        for i in range(n_out):
            at = _F(_F(i + 0.5) * _F(n_in / n_out)) - _F(0.5)
            low = math.floor(at)
            if low < 0:
                found.append((0, 0, 0))
            elif low >= n_in - 1:
                found.append((n_in - 1, n_in - 1, 2048))
            else:
                found.append((low, low + 1, math.floor(_F(_F(at - _F(low)) * _F(2048)) + _F(0.5))))
        return found

    result = np.empty((len(image), height, width), dtype=np.uint8)
    for i, (top, bottom, down) in enumerate(taps(image.shape[1], height)):
        for j, (left, right, across) in enumerate(taps(image.shape[2], width)):
            for c, plane in enumerate(image.tolist()):
                upper, lower = ((2048 - across) * row[left] + across * row[right] for row in (plane[top], plane[bottom]))
                result[c, i, j] = (2048 - down) * upper + down * lower + 2**21 >> 22
    return result


def opencv_nms(boxes: Array, scores: Array, iou_threshold: float, score_threshold: float, limit: int, candidates: int) -> Array:
    """Return which of boxes `[n, 4]`, by two corners, `cv2.dnn.NMSBoxes` keeps for each class of scores `[classes, n]`."""
    import cv2

    low = np.minimum(boxes[:, :2], boxes[:, 2:])
    rectangles = np.concatenate([low, np.abs(boxes[:, 2:] - boxes[:, :2])], axis=1).astype(np.float64)
    kept = np.zeros(scores.shape, dtype=np.bool_)
    for of_class, row in zip(kept, scores, strict=True):
        best = cv2.dnn.NMSBoxes(rectangles.tolist(), row.tolist(), max(score_threshold, 0.0), iou_threshold, top_k=candidates)
        of_class[np.asarray(best, dtype=np.int64)[: limit or None]] = True
    return kept
