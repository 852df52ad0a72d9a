"""How many patches or tiles a class makes of an image of some size. Servers of models ask this before they have the image.

The answers are those of a plan of the image.

Source: transformers 5.23, `get_number_of_image_patches` of the classes, and the settings that each reads
of `images_kwargs`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from graphproc.errors import ImageError
from graphproc.plans.plan import Plan
from graphproc.processors.families.tiles.tiles import page
from graphproc.sizes import num
from graphproc.sizes.canvas import best_resolution, grid_by_aspect, grid_by_fit
from graphproc.sizes.slices import to_long_side
from graphproc.wrappers.planning import image_sizes

Counting = Callable[..., Any]


def _counting(count: Callable[[Plan], Any], keys: tuple[str, ...], doc: str, **always: Any) -> Counting:
    """Make a method that counts by the class's program.

    Settings with the names in `keys` come from `images_kwargs`; those in `always` are fixed.
    """

    def get_number_of_image_patches(self: Any, height: int, width: int, images_kwargs: Mapping[str, Any] | None = None) -> Any:
        given = {key: value for key, value in (images_kwargs or {}).items() if key in keys}
        if "min_pixels" in given or "max_pixels" in given:  # older names of the size's edges
            edges = {"shortest_edge": given.pop("min_pixels", None), "longest_edge": given.pop("max_pixels", None)}
            given["size"] = {**self.size, **{edge: value for edge, value in edges.items() if value is not None}}
        if "patch_size" in given and isinstance(given["patch_size"], Mapping):  # the size of a tile
            given["size"] = given.pop("patch_size")
        return count(self.planner(self.compile(**given, **always)).plan(image_sizes(height, width)))

    get_number_of_image_patches.__doc__ = f"{doc}, of an image of (height, width).\n\nReads {', '.join(keys)} of `images_kwargs`."
    return get_number_of_image_patches


def _patches(plan: Plan) -> int | None:
    return plan.num_patches


def _tiles(plan: Plan) -> int:
    return plan.num_tiles or 1


def _grid(plan: Plan) -> tuple[int, int]:
    _, rows, columns = plan.results["image_grid_thw"]
    return rows, columns


def _split(plan: Plan) -> tuple[int, int, int]:
    rows, columns = plan.results["rows"], plan.results["cols"]
    return (rows * columns + 1 if rows * columns else 0), rows, columns


def _pooled(plan: Plan) -> int:
    low_rows, low_columns, rows, columns = plan.results["image_grids"]
    return int(low_rows * low_columns + rows * columns)


def _grid_and_crops(plan: Plan) -> tuple[list[int], int]:
    return list(plan.results["image_grids"]), plan.results["image_num_crops"]


def _local(plan: Plan) -> int:
    return int(plan.results["num_local_patches"])


def _whole_and_local(plan: Plan) -> int:
    return 1 + _local(plan)


def _by_size(self: Any, height: int, width: int, images_kwargs: Mapping[str, Any] | None = None) -> int:
    """Count DeepSeek OCR 2's tiles, and the whole.

    With torchvision's backend these are the tiles of side `tile_size` that a call cuts, with pil's tiles of
    `size` or of a `patch_size`. Reads min_patches, max_patches, crop_to_patches, and tile_size or
    patch_size of `images_kwargs`.
    """
    if self.backend != "pil":
        return int(OF_TILE_SIZE(self, height, width, images_kwargs))
    given = images_kwargs or {}
    least, most = (given.get(key, getattr(self, key)) for key in ("min_patches", "max_patches"))
    size = given.get("patch_size", self.size)
    if not given.get("crop_to_patches", self.crop_to_patches) or most <= 1:
        return 1
    grid = grid_by_aspect(height, width, (size["height"], size["width"]), least, most)
    tiles = num.known(grid.rows) * num.known(grid.columns)
    return 1 + tiles if tiles > 1 else 1


def _crops(self: Any, height: int, width: int, images_kwargs: Mapping[str, Any] | None = None) -> int:
    """Count the crops of side `max_image_size` on the best canvas of `split_resolutions`; 1 where images are not split.

    Reads split_image, max_image_size and split_resolutions of `images_kwargs`.
    """
    given = images_kwargs or {}
    if not given.get("split_image", self.split_image):
        return 1
    side = given.get("max_image_size", self.max_image_size)
    candidates = [(rows, columns) for rows, columns in given.get("split_resolutions", self.split_resolutions)]
    rows, columns = best_resolution(height, width, candidates, side).canvas
    return int(-(-num.known(rows) // side) * -(-num.known(columns) // side))


def _by_first_size(self: Any, height: int, width: int, images_kwargs: Mapping[str, Any] | None = None) -> tuple[int, int, int]:
    """Count the tiles, the whole included, and the rows and columns of the grid; these are 0 where it is not split.

    The grid is that of the image's first size. A call first enlarges the image to whole tiles along its
    longer side, so it may make more tiles if `size` is not a multiple of `max_image_size`. Reads
    do_image_splitting, max_image_size and size of `images_kwargs`.
    """
    given = images_kwargs or {}
    if not given.get("do_image_splitting", self.do_image_splitting):
        return 0, 0, 0
    edge = given.get("max_image_size", self.max_image_size)["longest_edge"]
    sides = to_long_side(height, width, given.get("size", self.size)["longest_edge"])
    rows, columns = (-(-num.known(side) // edge) for side in sides)
    return (rows * columns + 1, rows, columns) if rows * columns > 1 else (0, 0, 0)


def _page_grid(self: Any, height: int, width: int, images_kwargs: Mapping[str, Any] | None = None) -> tuple[int, int]:
    """Return the rows and columns of the tiles of a page of (height, width)."""
    config = self._config({key: value for key, value in (images_kwargs or {}).items() if hasattr(self, key)})
    program = self._program(config)
    grid = page(config, program.inputs[0])  # its size is a pair of symbols
    rows, columns = (int(num.evaluate(side, {"height": height, "width": width})) for side in grid.grid)
    return rows, columns


def _grid_of_tiles(self: Any, img_width: int, img_height: int, tile_size: int) -> tuple[int, int]:
    """Return the columns and rows of an image's tiles: of the canvas that it fits best, or of the nearest shape."""
    grid = grid_by_fit(img_height, img_width, tile_size, self.max_num_tiles)
    return num.known(grid.columns), num.known(grid.rows)


def _patches_of(self: Any, image_height: int, image_width: int, patch_size: Any = None) -> int:
    """Count the patches that cover an image of (image_height, image_width).

    Raises:
        ImageError: the patches do not cover it exactly.
    """
    size = self.patch_size if patch_size is None else patch_size
    for name, side, part in (("height", image_height, size["height"]), ("width", image_width, size["width"])):
        if side % part:
            raise ImageError(f"image_{name}: expected a multiple of {part}, got {side}")
    return int(image_height // size["height"] * (image_width // size["width"]))


TOKENS = "The patches"
PIXELS = _counting(_patches, ("min_pixels", "max_pixels", "patch_size", "merge_size"), TOKENS, do_resize=True)
SIZE = _counting(_patches, ("size", "patch_size", "merge_size"), TOKENS, do_resize=True)
TILES = _counting(_patches, ("min_patches", "max_patches", "patch_size", "crop_to_patches"), "The tiles, with the whole")
OF_TILE_SIZE = _counting(
    _whole_and_local, ("min_patches", "max_patches", "tile_size", "crop_to_patches"), "The tiles, with the whole"
)
MOLMO = ("max_crops", "overlap_margins", "patch_size", "pooling_size", "size")
COUNTS: Mapping[str, Counting] = {
    "AriaImageProcessor": _crops,
    "Cohere2VisionImageProcessor": TILES,
    "CohereCompassImageProcessor": PIXELS,
    "Cosmos3EdgeImageProcessor": SIZE,
    "DeepseekOcr2ImageProcessor": _by_size,
    "Ernie4_5_VLMoeImageProcessor": PIXELS,
    "Glm46VImageProcessor": SIZE,
    "Glm4vImageProcessor": SIZE,
    "Glm5NextImageProcessor": _counting(
        _patches, ("patch_size", "merge_size", "min_image_tokens", "max_image_tokens"), TOKENS, do_resize=True
    ),
    "GlmImageImageProcessor": PIXELS,
    "GlmgaImageProcessor": SIZE,
    "GotOcr2ImageProcessor": TILES,
    "GraniteDoclingImageProcessor": _counting(
        _tiles, ("crop_to_patches", "min_patches", "max_patches", "size", "patch_size"), "The tiles, with the whole"
    ),
    "HunYuanVLImageProcessor": _counting(
        _grid,
        ("min_pixels", "max_pixels", "patch_size", "merge_size"),
        "The rows and columns of the patches",
        do_resize=True,
    ),
    "Idefics3ImageProcessor": _by_first_size,
    "Kimi_K25ImageProcessor": _counting(_patches, ("size", "patch_size", "merge_size", "max_patches"), TOKENS),
    "MiniMaxM3VLImageProcessor": PIXELS,
    "Molmo2ImageProcessor": _counting(_pooled, MOLMO, "The pooled patches"),
    "MuseGlimmerImageProcessor": _counting(_patches, ("patch_size", "merge_size", "max_image_tokens"), TOKENS, do_resize=True),
    "NeoMMEImageProcessor": _counting(_patches, ("patch_size", "max_side", "size", "do_resize"), TOKENS),
    "PaddleOCRVLImageProcessor": PIXELS,
    "Qwen2VLImageProcessor": PIXELS,
    "SmolVLMImageProcessor": _by_first_size,
    "Step3p7ImageProcessor": _counting(_local, ("size", "patch_size"), "The tiles beside the whole"),
    "UltraVBertImageProcessor": _counting(
        _split,
        ("do_image_splitting", "max_image_size", "size", "max_image_tiles"),
        "The tiles, with the whole, and the rows and columns of the grid; zeros where it is not split",
        return_row_col_info=True,
    ),
    "UnlimitedOcrImageProcessor": OF_TILE_SIZE,
    "VideoLlama3ImageProcessor": PIXELS,
}
METHODS: Mapping[str, Mapping[str, Callable[..., Any]]] = {
    "get_number_of_image_patches": COUNTS,
    "get_image_grid_and_crops": {
        "Molmo2ImageProcessor": _counting(_grid_and_crops, MOLMO, "The grids of pooled patches, and how many crops")
    },
    "_fit_image_to_canvas": {"PerceptionLMImageProcessor": _grid_of_tiles},
    "_find_closest_aspect_ratio": {"PerceptionLMImageProcessor": _grid_of_tiles},
    "get_tile_grid": {"GraniteDoclingImageProcessor": _page_grid},
    "get_num_patches": {"FuyuImageProcessor": _patches_of},
}
