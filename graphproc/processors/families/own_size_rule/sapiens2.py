"""Sapiens 2: stretched to a size, or fitted into it with zeros around, and label maps likewise."""

from __future__ import annotations

from graphproc.configs.config import Config
from graphproc.configs.settings import Setting
from graphproc.ir.program import ProgramBuilder, Value
from graphproc.processors import stages
from graphproc.processors.constants import IMAGENET, usual
from graphproc.processors.label_maps import LABEL_MAPS, REDUCE_LABELS, with_labels
from graphproc.processors.spec import ONLY_TORCHVISION, ProcessorSpec
from graphproc.sizes import rules


def resize(b: ProgramBuilder, config: Config, x: Value) -> Value:
    """Apply `do_resize`: to `size`, or with `do_pad` into it, the rest around it filled up or cut."""
    if not config.do_resize or not config.do_pad:
        return stages.resize(b, config, x)
    height, width = stages.sides("size", config.size)
    within = {"max_height": height, "max_width": width}
    x = stages.resample(b, x, *rules.resized_size(x.type.size("H"), x.type.size("W"), within), config.resample)
    return stages.cropped(b, x, height, width)


SPECS = (
    ProcessorSpec(
        "Sapiens2ImageProcessor",
        (resize, stages.center_crop, stages.rescale, stages.normalize),
        usual(
            {"height": 1024, "width": 768},
            "bilinear",
            IMAGENET,
            REDUCE_LABELS,
            crop=224,
            do_center_crop=False,
            do_pad=False,
            keypoint_heatmap_downscale_factor=Setting(4, None, "How much smaller heat maps are, in post-processing."),
            keypoint_heatmap_sigma=Setting(6.0, None, "The width of a heat map's peaks, in training."),
        ),
        limitations="boxes and keypoints (crops of persons, and heat maps to train on)",
        backends=ONLY_TORCHVISION,
        finish=with_labels(resize, stages.center_crop, resample=None),
        extra_inputs=LABEL_MAPS,
    ),
)
