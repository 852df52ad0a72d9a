"""LFM2-VL: a small image as whole patches, a large one as tiles and a thumbnail, each filled up to as many patches.

Source: transformers 5.23, `models/lfm2_vl/image_processing_lfm2_vl.py`.
"""

from __future__ import annotations

from graphproc import joins
from graphproc.configs.config import Config
from graphproc.configs.settings import Setting, Whole, number
from graphproc.errors import ConfigError
from graphproc.ir.delivery import NUMBERS, STACKED
from graphproc.ir.program import ProgramBuilder, Value
from graphproc.ops import Concat, Full, Numbers, Pad, Rearrange
from graphproc.processors import stages, tiling
from graphproc.processors.constants import INCEPTION, square, usual
from graphproc.processors.settings import DO_IMAGE_SPLITTING, MAX_IMAGE_TOKENS, MIN_IMAGE_TOKENS, RETURN_ROW_COL_INFO, TILE_SIZE
from graphproc.processors.spec import ONLY_TORCHVISION, ProcessorSpec
from graphproc.sizes import num
from graphproc.sizes.num import Num
from graphproc.sizes.slices import TokenTiles, token_tiles

SETTINGS = {
    "downsample_factor": Setting(2, Whole(1), "How many patches along a side make one token."),
    "do_image_splitting": DO_IMAGE_SPLITTING.of(True),
    "min_tiles": Setting(2, Whole(), "The fewest tiles of an image that is cut."),
    "max_tiles": Setting(10, Whole(), "The most tiles of an image."),
    "use_thumbnail": Setting(True, None, "Add the whole image behind its tiles."),
    "min_image_tokens": MIN_IMAGE_TOKENS.of(64),
    "max_image_tokens": MAX_IMAGE_TOKENS.of(256),
    "encoder_patch_size": Setting(16, Whole(1), "The side of a patch, in pixels."),
    "tile_size": TILE_SIZE.of(512),
    "max_pixels_tolerance": Setting(2.0, number, "From how many times the most pixels of one part an image is cut."),
    "return_row_col_info": RETURN_ROW_COL_INFO.of(False),
}
OUTPUTS = ("pixel_values", "pixel_attention_mask", "spatial_shapes")
GRIDS = ("image_rows", "image_cols", "image_sizes")


def _tiles_of(config: Config) -> tuple[int, int]:
    """Return the fewest and the most tiles of an image; 1 and 1 where none is cut.

    Raises:
        ConfigError: the fewest are more than the most.
    """
    if not config.do_image_splitting:
        return 1, 1
    least, most = stages.count(config, "min_tiles"), stages.count(config, "max_tiles")
    if least > most:
        raise ConfigError(f"min_tiles: expected at most max_tiles, which is {most}, got {least}")
    return least, most


def _tiles(config: Config, x: Value) -> TokenTiles:
    """Return the tiles of an image.

    Raises:
        ConfigError: a setting is null, or out of its range.
    """
    patch, tile = stages.count(config, "encoder_patch_size"), stages.count(config, "tile_size")
    tokens = max(stages.count(config, "min_image_tokens"), 0), stages.count(config, "max_image_tokens")
    tolerance = stages.number(config, "max_pixels_tolerance")
    token = patch * stages.count(config, "downsample_factor")
    return token_tiles(x.type.size("H"), x.type.size("W"), token, patch, tokens, tile, _tiles_of(config), tolerance)


def parts(b: ProgramBuilder, config: Config, x: Value) -> None:
    """Declare the patches of all parts of the image, which of them are not padding, and the grid of each part.

    `do_resize` changes nothing, as in transformers.
    """
    large, (rows, columns), whole = _tiles(config, x)
    patch, tile = config.encoder_patch_size, config.tile_size
    if tile % patch and large is not False:
        b.require(
            num.negate(large), f"tile_size is no multiple of {patch} pixels. Make it one, or set do_image_splitting to false."
        )
        large = False
    several = num.both(large, rows * columns > 1)
    thumbnail = num.both(several, bool(config.use_thumbnail))
    tiles, others = num.where(large, rows * columns, 0), num.where(num.either(num.negate(large), thumbnail), 1, 0)

    side, cells = tile // patch, (whole[0] // patch, whole[1] // patch)
    of_tile, of_whole = side**2, cells[0] * cells[1]
    fill = max(config.max_image_tokens * config.downsample_factor**2, of_tile if config.do_image_splitting else 0)
    if config.do_pad:
        length, fits = num.where(large, fill, num.maximum(of_whole, fill)), of_whole <= fill
    else:
        length, fits = num.where(large, of_tile, of_whole), num.eq(of_whole, of_tile)
    message = "the thumbnail does not have the number of patches that all parts get. Set do_pad, or use_thumbnail to false."
    b.require(num.either(num.negate(thumbnail), fits), message)

    found, masks, shapes = [], [], []

    def part(size: tuple[Num, Num], grid: tuple[Num, Num], pattern: str, count: Num) -> None:
        y = tiling.rescale_and_normalize(b, config, tiling.resample(b, config, x, *size))
        lengths = (("p", patch), ("q", patch), ("gh", grid[0]), ("gw", grid[1]))
        y = b.add(Rearrange(pattern, lengths, "NPF"), y).narrow(-3, 0, count)
        # Only a part that is not taken (its `count` is 0) has more patches than `length`.
        y = y.narrow(-2, 0, num.minimum(grid[0] * grid[1], length))
        found.append(b.add(Pad.end(-2, length), y))
        if config.do_pad:
            there = b.add(Full((count, num.minimum(grid[0] * grid[1], fill)), 1, "i32", "NP"))
            masks.append(b.add(Pad.end(-1, fill), there))
            shapes.append(b.add(Rearrange("1 f -> n f", (("n", count),)), b.add(Numbers(grid, shape=(1, 2)))))

    if large is not False:
        part((rows * tile, columns * tile), (side, side), "c (r gh p) (k gw q) -> (r k) (gh gw) (p q c)", tiles)
    part(whole, cells, "c (gh p) (gw q) -> 1 (gh gw) (p q c)", others)
    b.output("pixel_values", _joined(b, found, -3), joins.Concatenate())
    if config.do_pad:
        b.output("pixel_attention_mask", _joined(b, masks, -2), joins.Concatenate())
        b.output("spatial_shapes", _joined(b, shapes, -2), joins.Concatenate(), delivery=STACKED)
    if config.return_row_col_info:
        for name, values in zip(GRIDS, ((rows,), (columns,), whole), strict=True):
            tiling.size_output(b, name, *values, delivery=NUMBERS)


def _joined(b: ProgramBuilder, values: list[Value], axis: int) -> Value:
    return b.add(Concat(axis), *values) if len(values) > 1 else values[0]


def most_patches(config: Config) -> dict[str, int]:
    """Return the attribute `max_num_patches`: the most patches of a tile or of the whole image."""
    whole = stages.count(config, "max_image_tokens") * stages.count(config, "downsample_factor") ** 2
    if not config.do_image_splitting:
        return {"max_num_patches": whole}
    along = stages.count(config, "tile_size") // stages.count(config, "encoder_patch_size")
    return {"max_num_patches": max(whole, along**2)}


SPECS = (
    ProcessorSpec(
        "Lfm2VlImageProcessor",
        (),
        usual(square(512), "bilinear", INCEPTION, SETTINGS, do_pad=True),
        computed=most_patches,
        outputs=OUTPUTS,
        backends=ONLY_TORCHVISION,
        finish=parts,
    ),
)
