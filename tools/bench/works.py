"""What to time: processors, image sizes, batches, and the contestants of each cell."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from PIL import Image
from runtime_resize import RUNTIME_RESIZE

import graphproc
from graphproc.bench import own, peers
from graphproc.bench.contestants import NAMES as KNOWN
from graphproc.wrappers.examples import photograph

Array = np.ndarray[Any, Any]
Sides = tuple[int, int]

WORKS = {
    "CLIP": "CLIPImageProcessor",
    "ViT": "ViTImageProcessor",
    "DETR": "DetrImageProcessor",
    "SAM": "SamImageProcessor",
    "Qwen2-VL": "Qwen2VLImageProcessor",
}
"""The works: 224 bicubic and crop; 224x224 bilinear; 800/1333; 1024 and pad; patches. All have torchvision as their backend, and
pil as the other one."""
SIZES: tuple[Sides, ...] = ((240, 320), (427, 640), (1080, 1920), (3000, 4000))
"""The sizes of images as (height, width)."""
BATCHES = (1, 8, 32)
BATCH_SIZE: Sides = (427, 640)

SIMD = "Pillow-SIMD resize alone"
NAMES = (*KNOWN, RUNTIME_RESIZE, SIMD)
"""Every contestant, in the order of tables."""
IN_BATCHES = (
    own.GRAPH,
    own.FIXED,
    own.GRAPH_OTHER,
    own.CALL,
    peers.PIL_ARRAY,
    peers.TORCHVISION_TENSOR,
)
"""The contestants that run whole batches. The others would only repeat single images."""
IN_A_HURRY = (*IN_BATCHES, peers.PILLOW, SIMD)
"""The contestants of `--quick`."""


@dataclass(frozen=True)
class Place:
    """A cell of the table, before it is measured.

    Attributes:
        work: a key of `WORKS`.
        size: (height, width) of the images.
        batches: how many images a run has; several numbers are compared with each other.
        contestants: the contestants that take part.
    """

    work: str
    size: Sides
    batches: tuple[int, ...]
    contestants: tuple[str, ...]

    @property
    def kind(self) -> str:
        """Return `sizes` for one image, `batches` for several."""
        return "sizes" if self.batches == (1,) else "batches"

    def __str__(self) -> str:
        batches = "" if self.kind == "sizes" else f", batches of {', '.join(map(str, self.batches))}"
        return f"{self.work} on {self.size[0]}x{self.size[1]}{batches}"


def places(works: Sequence[str], sizes: Sequence[Sides], batches: Sequence[int], contestants: Sequence[str]) -> Iterator[Place]:
    """Yield the cells of a table."""
    for work in works:
        for size in sizes:
            yield Place(work, size, (1,), tuple(contestants))
    for work in works:
        if batches:
            yield Place(work, BATCH_SIZE, tuple(batches), tuple(name for name in contestants if name in IN_BATCHES))


def processor(work: str) -> Any:
    """Return the processor of a work, with its class's default settings."""
    return getattr(graphproc, WORKS[work])()


def image(size: Sides) -> Array:
    """Return the package's photograph at a size, uint8 [height, width, 3]; writable, as torch requires."""
    height, width = size
    return np.array(Image.fromarray(photograph()).resize((width, height), Image.Resampling.LANCZOS))
