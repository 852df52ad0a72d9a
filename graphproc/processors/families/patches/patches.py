"""The patches family: vision-language models that resize an image to a grid of tokens of its own shape and cut it up.

A token is a square block of `merge_size` x `merge_size` patches. A class is its size rule, the order of its patches and
their numbers, and its defaults.

Source: transformers 5.23, `models/*/image_processing_pil_*.py`, `smart_resize` and `patchify`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from graphproc import joins
from graphproc.configs import legacy
from graphproc.configs.config import Config
from graphproc.configs.settings import STANDARD, Setting, Whole
from graphproc.errors import ConfigError
from graphproc.ir.backends import TORCHVISION
from graphproc.ir.delivery import STACKED
from graphproc.ir.program import ProgramBuilder, Value
from graphproc.ops import Numbers, Pad, Rearrange
from graphproc.processors import stages
from graphproc.processors.constants import BICUBIC, CLIP, INCEPTION, LANCZOS, NORMALIZE, RGB
from graphproc.processors.families.naflex.siglip2 import WITHOUT_SIZE
from graphproc.processors.settings import MAX_IMAGE_TOKENS, MERGE_SIZE, PATCH_SIZE
from graphproc.processors.spec import ONLY_TORCHVISION, Finish, ProcessorSpec, Stage
from graphproc.sizes import nearest_grid, num, smart_resize
from graphproc.sizes.num import Num
from graphproc.sizes.smart_resize import Guarded

PatchSizeRule = Callable[[Num, Num, int, int, int, int], Guarded]
"""Makes the size of an image of (height, width, token's side, fewest pixels, most pixels, frames of a still image)."""

MERGED = "c (gh mh p) (gw mw q) -> (gh gw mh mw) (c t p q)"
"""The patches of a token follow one another, with `t` copies of each channel."""
RASTER = "c (gh mh p) (gw mw q) -> (gh mh gw mw) (c t p q)"
FRAMES_FIRST = "c (gh p) (gw q) -> (gh gw) (t c p q)"
CHANNELS_LAST = "c (gh mh p) (gw mw q) -> (gh gw mh mw) (p q c t)"
SQUARES = "c (gh p) (gw q) -> (gh gw) (c t) p q"
"""Patches row by row, each kept as an image."""


def still(rule: Callable[[Num, Num, int, int, int], Guarded]) -> PatchSizeRule:
    """Make a `Rule` of one that does not take frames."""
    return lambda height, width, token, fewest, most, frames: rule(height, width, token, fewest, most)


def token_side(b: ProgramBuilder, config: Config) -> int:
    """Return the side of a token in pixels; only torchvision's backend multiplies it by `patch_expand_factor`."""
    side = stages.count(config, "patch_size") * stages.count(config, "merge_size")
    expanded = b.backend == TORCHVISION and "patch_expand_factor" in config.settings
    return side * stages.count(config, "patch_expand_factor") if expanded else side


def resize(rule: PatchSizeRule, resample: int | None = None) -> Stage:
    """Make the stage `do_resize` of a rule, with limits in pixels from `size`, and the configured filter or another."""

    @stages.when("do_resize")
    def stage(b: ProgramBuilder, config: Config, x: Value) -> Value:
        limits = config.size.get("shortest_edge"), config.size.get("longest_edge")
        if None in limits:
            raise ConfigError(f"size: expected shortest_edge and longest_edge, the fewest and most pixels, got {config.size}")
        frames = stages.count(config, "temporal_patch_size")
        to = rule(x.type.size("H"), x.type.size("W"), token_side(b, config), *limits, frames)
        b.require(to.holds, f"{to.message}.")
        return stages.resample(b, x, *to.size, config.resample if resample is None else resample)

    return stage


@stages.when("do_resize")
def fit_on_canvas(b: ProgramBuilder, config: Config, x: Value) -> Value:
    """Apply `do_resize` of GLM-5: the image fitted into the upper left corner of a canvas with a limit of tokens."""
    limits = (stages.count(config, key) for key in ("min_image_tokens", "max_image_tokens"))
    to = smart_resize.canvas_within(x.type.size("H"), x.type.size("W"), token_side(b, config), *limits)
    x = stages.resample(b, x, to.content_height, to.content_width, config.resample, keeps_size=True)
    return b.add(Pad.canvas(0, 0, to.height, to.width), x)


@stages.when("do_resize")
def to_nearest_grid(b: ProgramBuilder, config: Config, x: Value) -> Value:
    """Apply `do_resize` of MuseGlimmer: to the grid of tokens nearest to the image's shape; a null filter is bilinear."""
    token, most = token_side(b, config), stages.count(config, "max_image_tokens")
    size = nearest_grid.grid_within(x.type.size("H"), x.type.size("W"), token, most)
    return stages.resample(b, x, *size, config.resample)


def patches(pattern: str, layout: str = "PF") -> Finish:
    """Make the `finish` that declares an image's patches in an order, one image after another, and its grid."""

    def finish(b: ProgramBuilder, config: Config, x: Value) -> None:
        patch = stages.count(config, "patch_size")
        sizes = {"p": patch, "q": patch}
        if " t" in pattern or "(t" in pattern:
            sizes["t"] = stages.count(config, "temporal_patch_size")
        if "mh" in pattern:
            sizes |= dict.fromkeys(("mh", "mw"), stages.count(config, "merge_size"))
        unit = patch * sizes.get("mh", 1)
        height, width = x.type.size("H"), x.type.size("W")
        if not config.do_resize:
            for name, side in (("height", height), ("width", width)):
                b.require(num.eq(side % unit, 0), f"the {name} is no multiple of {unit} pixels. Resize the image.")
        if b.backend == "pil" and (x.type.dtype != "f32" or not config.do_rescale):  # `do_rescale` keeps the type of floats
            x = x.cast("f32")
        b.output("pixel_values", b.add(Rearrange(pattern, tuple(sizes.items()), layout), x), joins.Concatenate())
        b.output("image_grid_thw", b.add(Numbers((1, height // patch, width // patch))), delivery=STACKED)

    return finish


def patches_and_merge_sizes(b: ProgramBuilder, config: Config, x: Value) -> None:
    """Declare the outputs of `patches`, and the side of each image's tokens, in patches."""
    patches(MERGED)(b, config, x)
    b.output("image_merge_sizes", b.add(Numbers((stages.count(config, "merge_size"),), shape=())), delivery=STACKED)


FRAMES = Setting(None, Whole(1), "How many frames of a video a patch has; a still image is repeated to fill them.")
EXPAND = Setting(1, Whole(1), "What a token's side is multiplied by, in torchvision's backend.")
LIMITS = "The fewest (shortest_edge) and the most (longest_edge) pixels of a resized image."


def defaults(fewest: int, most: int, frames: int, patch: int = 14) -> dict[str, Any]:
    """Return the defaults of most classes; the limits are in pixels."""
    limits = {"shortest_edge": fewest, "longest_edge": most}
    size = Setting(limits, STANDARD["size"].check, LIMITS)
    grid = {
        "patch_size": PATCH_SIZE.of(patch),
        "temporal_patch_size": FRAMES.of(frames),
        "merge_size": MERGE_SIZE.of(2),
    }
    steps = {**RGB, "do_resize": True, "resample": BICUBIC, **NORMALIZE, **CLIP}
    return {**steps, "size": size, "default_to_square": False, **grid}


SN = (stages.rescale, stages.normalize)
OUTPUTS = ("pixel_values", "image_grid_thw")

WITHIN = (resize(still(smart_resize.pixels_within)), *SN)
FRAMES_WITHIN = (resize(smart_resize.frame_pixels_within), *SN)
PIXELS = {
    "min_pixels": Setting(None, None, "The older spelling of size's shortest_edge, the fewest pixels."),
    "max_pixels": Setting(None, None, "The older spelling of size's longest_edge, the most pixels."),
}
QWEN_PIXELS = (56 * 56, 28 * 28 * 1280)
GLM_PIXELS = (112 * 112, 28 * 28 * 15000)

QWEN = ProcessorSpec(
    "Qwen2VLImageProcessor",
    WITHIN,
    {**defaults(*QWEN_PIXELS, frames=2), **PIXELS},
    outputs=OUTPUTS,
    finish=patches(MERGED),
    older=legacy.PIXELS,
)
GLM = replace(QWEN, name="Glm4vImageProcessor", stages=FRAMES_WITHIN, settings=defaults(*GLM_PIXELS, frames=2), older={})

SPECS = (
    QWEN,
    replace(QWEN, name="CohereCompassImageProcessor"),
    replace(
        QWEN,
        name="Ernie4_5_VLMoeImageProcessor",
        settings=defaults(56 * 56, 28 * 28 * 6177, frames=1),
        older={},
    ),
    replace(
        QWEN,
        name="HunYuanVLImageProcessor",
        stages=(resize(still(smart_resize.pixels_within), BICUBIC), *SN),
        settings={**defaults(512 * 512, 2048 * 2048, frames=1, patch=16), **PIXELS},
        finish=patches(RASTER),
        about_model={"spatial_patch_size": 1},
    ),
    replace(
        QWEN,
        name="VideoLlama3ImageProcessor",
        settings={**defaults(*QWEN_PIXELS, frames=1), **PIXELS, **INCEPTION, "merge_size": MERGE_SIZE.of(1)},
        outputs=(*OUTPUTS, "image_merge_sizes"),
        finish=patches_and_merge_sizes,
    ),
    replace(
        QWEN,
        name="MiniMaxM3VLImageProcessor",
        settings={**defaults(56 * 56, 451584, frames=2), **PIXELS},
        older=legacy.MINIMAX,
        backends=ONLY_TORCHVISION,
    ),
    replace(
        QWEN,
        name="MuseGlimmerImageProcessor",
        older={},
        stages=(to_nearest_grid, *SN),
        settings={
            **RGB,
            "do_resize": True,
            "resample": LANCZOS,
            **NORMALIZE,
            **INCEPTION,
            "default_to_square": False,
            "patch_size": PATCH_SIZE.of(14),
            "temporal_patch_size": FRAMES.of(2),
            "merge_size": MERGE_SIZE.of(2),
            "max_image_tokens": MAX_IMAGE_TOKENS.of(4096),
        },
        backends=ONLY_TORCHVISION,
        finish=patches(FRAMES_FIRST),
        needs=WITHOUT_SIZE,
    ),
    replace(
        QWEN,
        name="PaddleOCRVLImageProcessor",
        stages=(resize(still(smart_resize.pixels_within_enlarged)), *SN),
        settings={**defaults(384 * 384, 1536 * 1536, frames=1), **PIXELS},
        finish=patches(SQUARES, layout="PCHW"),
    ),
    replace(
        QWEN,
        name="GlmImageImageProcessor",
        stages=(resize(still(smart_resize.sides_within)), *SN),
        model_inputs=(*OUTPUTS, "images_per_sample"),
    ),
    GLM,
    replace(GLM, name="Glm46VImageProcessor"),
    replace(
        GLM,
        name="GlmgaImageProcessor",
        settings={
            **GLM.settings,
            "patch_expand_factor": EXPAND,
        },
    ),
    replace(
        GLM,
        name="Glm5NextImageProcessor",
        stages=(fit_on_canvas, *SN),
        settings={
            **GLM.settings,
            "size": {"longest_edge": 1},
            "patch_expand_factor": EXPAND,
            "min_image_tokens": Setting(16, Whole(1), "The fewest tokens that an image may take in the model's text."),
            "max_image_tokens": MAX_IMAGE_TOKENS.of(8000),
        },
    ),
    replace(
        GLM,
        name="Cosmos3EdgeImageProcessor",
        settings={**defaults(256 * 256, 4096 * 4096, frames=1, patch=16), **INCEPTION},
        finish=patches(CHANNELS_LAST),
    ),
)
