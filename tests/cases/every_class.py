"""The programs for tests of all processor classes: each class once, and once more with its extra inputs.

The backend is the class's default, and for a few classes also `pil`, so that Pillow's resizes are among all kinds of programs.
Settings are the defaults, except where these give results of millions of elements, or a step has no default.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np

from graphproc.executors import reference
from graphproc.ir.program import Program
from graphproc.processors.registry import family, specs
from graphproc.wrappers.examples import example_inputs

Array = np.ndarray[Any, Any]

PAGE = {"size": {"height": 128, "width": 96}}
SCENE = {"size": {"shortest_edge": 60, "longest_edge": 90}}
SPLIT = {"size": {"longest_edge": 150}, "max_image_size": {"longest_edge": 50}}
SMALL: Mapping[str, Mapping[str, Any]] = {
    "AriaImageProcessor": {"max_image_size": 490, "min_image_size": 90},
    "Cohere2VisionImageProcessor": {"size": {"height": 40, "width": 40}},
    "ConditionalDetrImageProcessor": SCENE,
    "DepthProImageProcessor": {"size": 90},
    "DeepseekOcr2ImageProcessor": {"size": {"height": 61, "width": 61}, "tile_size": 40},
    "DeepseekVLHybridImageProcessor": {"size": 40, "high_res_size": 101, "min_size": 5},
    "DeformableDetrImageProcessor": SCENE,
    "DetrImageProcessor": SCENE,
    "DonutImageProcessor": PAGE,
    "FuyuImageProcessor": {"size": {"height": 120, "width": 200}},
    "GotOcr2ImageProcessor": {"crop_to_patches": True, "size": {"height": 40, "width": 40}},
    "GraniteDoclingImageProcessor": {"size": {"height": 40, "width": 40}},
    "GroundingDinoImageProcessor": SCENE,
    "Idefics3ImageProcessor": SPLIT,
    "ImageGPTImageProcessor": {"clusters": (np.arange(48).reshape(16, 3) % 17 / 8 - 1).tolist()},  # the class has no default
    "Kosmos2_5ImageProcessor": {"max_patches": 100},
    "Lfm2VlImageProcessor": {"encoder_patch_size": 4, "tile_size": 40, "min_image_tokens": 4, "max_image_tokens": 16},
    "Llama4ImageProcessor": {"size": {"height": 40, "width": 40}},
    "Mask2FormerImageProcessor": SCENE,
    "MaskFormerImageProcessor": SCENE,
    "Molmo2ImageProcessor": {"size": {"height": 54, "width": 54}, "patch_size": 6, "overlap_margins": [1, 2]},
    "NemotronH_Omni_Reasoning_V3ImageProcessor": {"min_num_patches": 8, "max_num_patches": 60},
    "NougatImageProcessor": PAGE,
    "OneFormerImageProcessor": SCENE,
    "Ovis2ImageProcessor": {"crop_to_patches": True, "size": {"height": 40, "width": 40}},
    "Owlv2ImageProcessor": {"size": 90},
    "OwlViTImageProcessor": {"size": 90},
    "PerceptionLMImageProcessor": {"tile_size": 40},
    "Phi4MultimodalImageProcessor": {"size": {"height": 56, "width": 56}},
    "Pix2StructImageProcessor": {"max_patches": 100},
    "PPChart2TableImageProcessor": {"size": 90},
    "PPDocLayoutV2ImageProcessor": {"size": {"height": 91, "width": 80}},
    "PPDocLayoutV3ImageProcessor": {"size": {"height": 91, "width": 80}},
    "PPDocLayoutV4ImageProcessor": {"size": {"height": 91, "width": 80}},
    "PPFormulaNetImageProcessor": PAGE,
    "RTDetrImageProcessor": {"size": {"height": 90, "width": 70}},
    "RfDetrImageProcessor": SCENE,
    "SamImageProcessor": {"size": {"longest_edge": 90}, "pad_size": 101, "mask_size": {"longest_edge": 40}, "mask_pad_size": 50},
    "Sam2ImageProcessor": {"size": 90, "mask_size": 40},
    "Sam3ImageProcessor": {"size": 90, "mask_size": 40},
    "Sapiens2ImageProcessor": {"size": {"height": 90, "width": 70}},
    "SmolVLMImageProcessor": SPLIT,
    "SLANeXtImageProcessor": {"size": 90, "pad_size": 101},
    "Step3p7ImageProcessor": {"size": {"height": 60, "width": 60}, "patch_size": 40, "max_image_size": 200},
    "TextNetImageProcessor": {"size": {"shortest_edge": 90}},
    "UltraVBertImageProcessor": SPLIT,
    "UnlimitedOcrImageProcessor": {"size": {"height": 61, "width": 61}, "tile_size": 40},
    "UVDocImageProcessor": {"size": {"height": 90, "width": 61}},
    "YolosImageProcessor": SCENE,
}
"""Settings other than the defaults, by class."""


@dataclass(frozen=True)
class Variant:
    """One program of a class.

    Attributes:
        name: the class.
        inputs: the optional extra inputs that the program has; it always has the required ones.
        several: whether it is the program for images that are some of several in a sample.
        backend: the backend; None for the class's default.
    """

    name: str
    inputs: tuple[str, ...] = ()
    several: bool = False
    backend: str | None = None

    def __str__(self) -> str:
        return "+".join((self.name, *self.inputs, *["several"] * self.several, *([self.backend] if self.backend else [])))

    @property
    def settings(self) -> dict[str, Any]:
        """Return what a processor with this program is made with."""
        return {**SMALL.get(self.name, {}), **({"backend": self.backend} if self.backend else {})}


PIL = tuple(
    Variant(f"{stem}ImageProcessor", backend="pil")
    for stem in ("CLIP", "Detr", "Glm5Next", "LlavaNext", "MobileViT", "Nougat", "Perceiver", "Qwen2VL", "Swin2SR")
)
"""Programs of Pillow's arithmetic: resized alone, padded, in tiles and in patches, and what has other steps in this backend."""


def _variants() -> tuple[Variant, ...]:
    found = []
    for name, spec in specs().items():
        found.append(Variant(name))
        if optional := tuple(key for key, extra in spec.extra_inputs.items() if not extra.required):
            found.append(Variant(name, optional))
        if spec.samples.counts:
            found.append(Variant(name, several=True))
    return (*found, *PIL)


VARIANTS = _variants()
FAMILIES = tuple({family(variant.name): variant for variant in reversed(VARIANTS)}.values())
"""One program of each family, with its default backend."""


@cache
def distinct() -> tuple[Variant, ...]:
    """Return the programs of all classes that differ in more than numbers; others' graphs have the same nodes."""
    found: dict[str, Variant] = {}
    for variant in VARIANTS:
        text = str(program(variant)).replace(variant.name, "")
        found.setdefault(re.sub(r"-?\d+(\.\d+)?(e-?\d+)?", "#", text), variant)
    return tuple(found.values())


@cache
def program(variant: Variant, color: str = "rgb") -> Program:
    """Return the program, with settings that are quick."""
    spec = specs()[variant.name]
    config = spec.config(SMALL.get(variant.name, {}))
    return spec.program(config, color=color, extra_inputs=variant.inputs, several=variant.several, backend=variant.backend)


def inputs_of(program: Program, images: Sequence[Array]) -> list[dict[str, Array]]:
    """Return all inputs of each image, extra inputs made to fit."""
    return [example_inputs(program, image) for image in images]


def batched(program: Program, inputs: Sequence[Mapping[str, Array]]) -> dict[str, Array]:
    """Return a graph's inputs for images of one size."""
    return {program.graph_input_name(key): np.stack([one[key] for one in inputs]) for key in inputs[0]}


def results_of(program: Program, inputs: Sequence[Mapping[str, Array]]) -> list[dict[str, Array]]:
    """Return the numpy reference's results of each image; some divide by zero."""
    with np.errstate(all="ignore"):
        return [reference.run(program, one) for one in inputs]
