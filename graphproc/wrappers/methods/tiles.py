"""`crop_image_to_patches`, `get_image_patches` and `smart_resize`: cut an image into tiles.

Source: transformers 5.23, the methods of these names.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from graphproc.ir.backends import PIL
from graphproc.sizes import num
from graphproc.sizes.canvas import best_resolution, grid_by_aspect, grid_by_scale
from graphproc.sizes.covering_grid import covering_grid
from graphproc.sizes.smart_resize import pixels_within_any_shape
from graphproc.wrappers.methods.steps import Array, arrays, both_sides, channels_first, resize_image

Sides = tuple[int, int]


def _cut(x: Array, side: Sides) -> list[Array]:
    """Cut an image into tiles, row by row; those at the lower and right edge may be smaller."""
    rows, columns = (range(0, length, part) for length, part in zip(x.shape[-2:], side, strict=True))
    return [x[..., top : top + side[0], left : left + side[1]] for top in rows for left in columns]


def _grid(grid: Any) -> Sides:
    return num.known(grid.rows), num.known(grid.columns)


def _tiles(self: Any, x: Array, grid: Sides, side: Sides, resample: Any) -> list[Array]:
    return _cut(resize_image(self, x, grid[0] * side[0], grid[1] * side[1], resample), side)


def _answer(self: Any, image: Any, cut: Callable[[Array], list[Array]]) -> Any:
    """Return an image's parts: in pil's backend a list in the image's layout, for a torchvision batch `[N, parts, C, H, W]`."""
    if self.backend != PIL:
        return arrays(lambda batch: np.stack([np.stack(cut(one)) for one in batch]), image)

    def parts(x: Array) -> list[Array]:
        planes, first = channels_first(x)
        return [part if first else np.moveaxis(part, 0, -1) for part in cut(planes)]

    return arrays(parts, image)


def _with_whole_last(grid_of: Callable[..., Any]) -> Callable[..., Any]:
    def crop_image_to_patches(
        self: Any,
        image: Any,
        min_patches: int,
        max_patches: int,
        use_thumbnail: bool = True,
        patch_size: Any = None,
        resample: Any = None,
    ) -> Any:
        """Return the tiles of an image in the grid nearest to its shape; several tiles are followed by the whole image.

        Args:
            image: an image, or with torchvision's backend a batch.
            min_patches: the fewest tiles.
            max_patches: the most tiles.
            use_thumbnail: whether to add the whole image.
            patch_size: height and width of a tile in pixels.
            resample: Pillow's code of the filter; bilinear for None.
        """
        side = both_sides("patch_size", patch_size)

        def cut(x: Array) -> list[Array]:
            grid = _grid(grid_of(x.shape[-2], x.shape[-1], side, min_patches, max_patches))
            found = _tiles(self, x, grid, side, resample)
            return [*found, resize_image(self, x, *side, resample)] if use_thumbnail and len(found) > 1 else found

        return _answer(self, image, cut)

    return crop_image_to_patches


def _with_whole_first(
    self: Any,
    image: Any,
    min_patches: int,
    max_patches: int,
    use_covering_area_grid: bool = True,
    covering_threshold: float = 0.9,
    patch_size: Any = None,
    resample: Any = None,
) -> Any:
    """Return the tiles of an image, several of them after the whole image, and the rows and columns of their grid.

    The grid is the smallest that keeps `covering_threshold` of the image; without
    `use_covering_area_grid`, the one nearest to its shape. With torchvision's backend images are a batch,
    and there is a grid for each.
    """
    side = both_sides("patch_size", patch_size)
    height, width = arrays(lambda x: np.asarray((channels_first(x)[0] if x.ndim == 3 else x).shape[-2:]), image)
    if use_covering_area_grid:
        compensated = sys.version_info >= (3, 12)
        found = covering_grid(
            int(height), int(width), side[0], max_patches, compensated=compensated, threshold=covering_threshold
        )
    else:
        found = grid_by_aspect(int(height), int(width), side, min_patches, max_patches)
    grid = _grid(found)

    def cut(x: Array) -> list[Array]:
        parts = _tiles(self, x, grid, side, resample)
        return [resize_image(self, x, *side, resample), *parts] if len(parts) > 1 else parts

    if self.backend == PIL:  # its tiles have their channels first, however the image was laid out
        return arrays(lambda x: cut(channels_first(x)[0]), image), list(grid)
    parts = _answer(self, image, cut)
    return parts, [list(grid) for _ in parts]


def _local(self: Any, image: Any, min_patches: int, max_patches: int, tile_size: int, resample: Any = None) -> Any:
    """Return the square tiles of an image, without the whole; for a torchvision batch, also how many each image has."""
    side = (tile_size, tile_size)

    def cut(x: Array) -> list[Array]:
        return _tiles(self, x, _grid(grid_by_aspect(x.shape[-2], x.shape[-1], side, min_patches, max_patches)), side, resample)

    parts = _answer(self, image, cut)
    return parts if self.backend == PIL else (parts, parts.shape[1])


def _with_grid(
    self: Any,
    image: Any,
    min_tiles: int,
    max_tiles: int,
    tile_size: int,
    use_thumbnail: bool,
    thumbnail_size: Sides,
    resample: Any = None,
) -> Any:
    """Return the square tiles of a batch of tensors; several tiles are followed by the whole at `thumbnail_size`.

    Returns:
        For each image its tiles, and the columns and rows of their grid.
    """
    side = (tile_size, tile_size)
    height, width = image.shape[-2:]
    rows, columns = _grid(grid_by_aspect(height, width, side, min_tiles, max_tiles, hashed=True))
    found = []
    for one in image:
        tiles = arrays(lambda x: np.stack(_tiles(self, x, (rows, columns), side, resample)), one)
        if use_thumbnail and rows * columns > 1:
            tiles = [*tiles, arrays(lambda x: resize_image(self, x, *thumbnail_size, resample), one)]
        found.append(tiles)
    return found, columns, rows


def _on_canvas(self: Any, image: Any, candidates: Sequence[Sequence[int]], side: int, resample: Any) -> list[Array]:
    def cut(x: Array) -> list[Array]:
        best = best_resolution(x.shape[-2], x.shape[-1], [(height, width) for height, width in candidates], side)
        (height, width), canvas = ((num.known(v) for v in size) for size in (best.fitted, best.canvas))
        fitted = resize_image(self, x, height, width, resample)
        top, left = (num.known(v) for v in best.before)
        whole = np.zeros((x.shape[0], *canvas), fitted.dtype)
        whole[:, top : top + fitted.shape[1], left : left + fitted.shape[2]] = fitted
        return _cut(whole, (side, side))

    parts: list[Array] = arrays(cut, image)
    return parts


def _of_canvas(self: Any, image: Any, grid_pinpoints: Sequence[Sequence[int]], patch_size: int, resample: Any) -> list[Array]:
    """Put an image `[C, H, W]` in the middle of the best canvas of a list, and cut that into tiles of side `patch_size`."""
    return _on_canvas(self, image, grid_pinpoints, patch_size, resample)


def _of_canvas_and_whole(
    self: Any, image: Any, grid_pinpoints: Sequence[Sequence[int]], size: Sides, patch_size: int, resample: Any
) -> list[Array]:
    """Return the image `[C, H, W]` resized to `size`, then the tiles of `_of_canvas`."""
    whole = arrays(lambda x: resize_image(self, x, *size, resample), image)
    return [whole, *_on_canvas(self, image, grid_pinpoints, patch_size, resample)]


def smart_resize(
    self: Any,
    height: int,
    width: int,
    downsample_factor: int,
    min_image_tokens: int,
    max_image_tokens: int,
    encoder_patch_size: int,
) -> Sides:
    """Return the width and height, in this order, to resize an image to.

    Both are multiples of a token's side and near the image's shape, and give between `min_image_tokens`
    and `max_image_tokens` tokens.
    """
    token = encoder_patch_size * downsample_factor
    size = pixels_within_any_shape(height, width, token, min_image_tokens * token**2, max_image_tokens * token**2)
    return num.known(size[1]), num.known(size[0])


NEAREST_SHAPE = _with_whole_last(grid_by_aspect)
LEAST_ENLARGED = _with_whole_last(lambda height, width, side, least, most: grid_by_scale(height, width, side[0], most))
METHODS: Mapping[str, Mapping[str, Callable[..., Any]]] = {
    "crop_image_to_patches": {
        "Cohere2VisionImageProcessor": LEAST_ENLARGED,
        "DeepseekOcr2ImageProcessor": _local,
        "GotOcr2ImageProcessor": NEAREST_SHAPE,
        "GraniteDoclingImageProcessor": NEAREST_SHAPE,
        "Lfm2VlImageProcessor": _with_grid,
        "Ovis2ImageProcessor": _with_whole_first,
        "UnlimitedOcrImageProcessor": _local,
    },
    "get_image_patches": {
        "AriaImageProcessor": _of_canvas,
        "LlavaNextImageProcessor": _of_canvas_and_whole,
        "LlavaOnevisionImageProcessor": _of_canvas_and_whole,
    },
    "smart_resize": {"Lfm2VlImageProcessor": smart_resize},
}
