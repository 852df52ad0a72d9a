"""What to time: processors, image sizes, batches, and the contestants of each cell."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import elsewhere
import files
import numpy as np
from PIL import Image
from runtime_resize import RUNTIME_RESIZE

import graphproc
from graphproc.bench import own, peers
from graphproc.bench.contestants import NAMES as CONTESTANTS
from graphproc.bench.floor import FLOOR
from graphproc.runtime.native import INSTRUCTION_SETS
from graphproc.wrappers.examples import photograph

Array = np.ndarray[Any, Any]
Sides = tuple[int, int]

BYTES = {
    "CLIP": "CLIPImageProcessor",
    "ViT": "ViTImageProcessor",
    "DETR": "DetrImageProcessor",
    "SAM": "SamImageProcessor",
    "Qwen2-VL": "Qwen2VLImageProcessor",
}
"""Works that resize bytes once: 224 bicubic and crop; 224x224 bilinear; 800/1333; 1024 and pad; patches. All have torchvision as
their backend, and pil as the other one."""
TILES = {"Idefics3": "Idefics3ImageProcessor"}
"""Works that resize bytes twice and cut tiles."""
FLOATS = {
    "DINOv3": "DINOv3ViTImageProcessor",
    "RF-DETR": "RfDetrImageProcessor",
    "DepthPro": "DepthProImageProcessor",
}
"""Works that resize floats, as torchvision's backend alone does."""
WORKS = {**BYTES, **TILES, **FLOATS}
SIZES: tuple[Sides, ...] = ((240, 320), (427, 640), (1080, 1920), (3000, 4000))
"""The sizes of images as (height, width)."""
SMALL = ("CLIP", "ViT")
"""Works with results of half a megabyte: of others, 32 results of every contestant take more memory than most machines have."""
BATCHES = (1, 8, 32)
FILES = (1, 32)
"""How many JPEG files a call gets."""
BATCH_SIZE: Sides = (427, 640)
"""The size of images in batches and in files."""

KERNELS = {name: f"{own.KERNELS} {name}" for name in INSTRUCTION_SETS}
KERNELS_OTHER = {name: f"{own.KERNELS} {name}, other backend" for name in INSTRUCTION_SETS}
"""The graph with kernels for each instruction set, in both backends."""
USUAL = ("avx2", "neon")
"""The instruction sets with which kernels are compared with others; a processor has one of them."""

KNOWN = {own.KERNELS: tuple(KERNELS.values()), own.KERNELS_OTHER: tuple(KERNELS_OTHER.values())}
NAMES = (*(name for known in CONTESTANTS for name in KNOWN.get(known, (known,))), RUNTIME_RESIZE, *elsewhere.LIBRARIES)
"""Every contestant with arrays, in the order of tables."""
IN_BATCHES = (
    own.GRAPH,
    own.FIXED,
    own.GRAPH_OTHER,
    *(KERNELS[name] for name in USUAL),
    *(KERNELS_OTHER[name] for name in USUAL),
    own.CALL,
    peers.PIL_ARRAY,
    peers.TORCHVISION_TENSOR,
    FLOOR,
)
"""The contestants that run whole batches. The others would only repeat single images."""
IN_A_HURRY = (*IN_BATCHES, peers.PILLOW, elsewhere.SIMD)
"""The contestants of `--quick`."""
ALL = (*NAMES, *files.NAMES)
"""Every contestant of every table."""


@dataclass(frozen=True)
class Place:
    """A cell of the table, before it is measured.

    Attributes:
        work: a key of `WORKS`.
        size: (height, width) of the images.
        kind: `sizes` for one image, `batches` for several, `files` for JPEG files.
        batches: how many images a run has; several numbers are compared with each other.
        contestants: the contestants that take part.
    """

    work: str
    size: Sides
    kind: str
    batches: tuple[int, ...]
    contestants: tuple[str, ...]

    def __str__(self) -> str:
        several = "" if self.kind == "sizes" else f", {self.kind} of {', '.join(map(str, self.batches))}"
        return f"{self.work} on {self.size[0]}x{self.size[1]}{several}"


def places(
    works: Sequence[str],
    sizes: Sequence[Sides],
    batches: Sequence[int],
    contestants: Sequence[str],
    jpegs: Sequence[int] = (),
) -> Iterator[Place]:
    """Yield the cells of a table; only works of `SMALL` have batches, and those of `BYTES` files.

    Args:
        works: keys of `WORKS`.
        sizes: (height, width) of single images.
        batches: how many images a run has, to be compared with each other; none for no such cells.
        contestants: who takes part, where it does such things.
        jpegs: how many JPEG files a call has; none for no such cells.
    """
    for work in works:
        for size in sizes:
            yield Place(work, size, "sizes", (1,), tuple(name for name in contestants if name in NAMES))
    for kind, several, known, having in (("batches", batches, IN_BATCHES, SMALL), ("files", jpegs, files.NAMES, BYTES)):
        for work in works:
            taken = tuple(name for name in contestants if name in known)
            if several and taken and work in having:
                yield Place(work, BATCH_SIZE, kind, tuple(several), taken)


def processor(work: str) -> Any:
    """Return the processor of a work, with its class's default settings."""
    return getattr(graphproc, WORKS[work])()


def image(size: Sides) -> Array:
    """Return the package's photograph at a size, uint8 [height, width, 3]; writable, as torch requires."""
    height, width = size
    return np.array(Image.fromarray(photograph()).resize((width, height), Image.Resampling.LANCZOS))
