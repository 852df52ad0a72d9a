"""EoMT: a resize that keeps the shape, then windows along the longer side or the whole image, padded on demand."""

from __future__ import annotations

from graphproc import joins
from graphproc.configs.config import Config
from graphproc.configs.settings import Setting, flag
from graphproc.errors import ConfigError
from graphproc.ir.delivery import PARTS, Delivery
from graphproc.ir.program import ProgramBuilder, Value
from graphproc.ops import ForEach, Full, Numbers, Pad, Slice
from graphproc.processors import stages, tiling
from graphproc.processors.constants import IMAGENET, usual
from graphproc.processors.families.mask_classification.maskformer import LABELS
from graphproc.processors.settings import IGNORE_INDEX
from graphproc.processors.spec import ProcessorSpec
from graphproc.sizes import num
from graphproc.sizes.windows import windows

OFFSETS = Delivery("lists", container="tensors")


def split(b: ProgramBuilder, config: Config, x: Value) -> Value:
    """Apply `do_split_image`: windows as long as the shortest edge, and `patch_offsets`, where they begin and end.

    A window ends at its length even where the image is shorter. Without splitting there are no offsets.
    """
    if not config.do_split_image:
        b.output("patch_offsets", b.add(Full((0,), 0, "i64")), joins.Concatenate(), delivery=OFFSETS)
        return x
    length, _ = _canvas(config)
    height, width = x.type.size("H"), x.type.size("W")
    cut = windows(height, width, length)
    start = cut.start(num.symbol("index", 0))
    offsets = ForEach(cut.number, (Numbers((start, start + length)),))
    b.output("patch_offsets", b.add(offsets), joins.PrefixImageIndex(), delivery=OFFSETS)
    rows = num.where(cut.tall, num.minimum(height, length), height)
    columns = num.where(cut.tall, width, num.minimum(width, length))
    window = Slice.window(num.where(cut.tall, start, 0), num.where(cut.tall, 0, start), rows, columns)
    return b.add(ForEach(cut.number, (window,)), x)


@stages.when("do_pad")
def pad(b: ProgramBuilder, config: Config, x: Value) -> Value:
    """Apply `do_pad`: zeros at the bottom and right up to the shortest by the longest edge; larger sides stay."""
    height, width = (num.maximum(x.type.size(a), side) for a, side in zip("HW", _canvas(config), strict=True))
    return b.add(Pad.canvas(0, 0, height, width), x)


def _canvas(config: Config) -> tuple[int, int]:
    """Return the height and width to pad to, in pixels. The height is also the length of a window."""
    edges = config.size or {}
    if edges.get("shortest_edge", 0) < 1:
        raise ConfigError(f"size: {config.processor} needs a shortest_edge to split or pad images, got {config.size}")
    return edges["shortest_edge"], edges.get("longest_edge") or edges["shortest_edge"]


def finish(b: ProgramBuilder, config: Config, x: Value) -> None:
    """Declare the images or windows."""
    b.output("pixel_values", x, tiling.join_of(x), delivery=PARTS)


SPECS = (
    ProcessorSpec(
        "EomtImageProcessor",
        (stages.resize, split, pad, stages.rescale, stages.normalize),
        usual(
            {"shortest_edge": 640, "longest_edge": 640},
            "bilinear",
            IMAGENET,
            do_pad=False,
            do_split_image=Setting(False, flag, "Cut images into windows as long as the shortest edge."),
            ignore_index=IGNORE_INDEX,
        ),
        limitations=LABELS,
        outputs=("pixel_values", "patch_offsets"),
        model_inputs=("pixel_values",),
        finish=finish,
    ),
)
