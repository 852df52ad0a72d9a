"""How many tokens and patches an image of some size makes, asked as servers of models ask transformers' processors."""

from __future__ import annotations

import random
from typing import Any

import pytest
import tiers
import transformers
from cases.multimodal import CASES, processor
from cases.parity import reference_class

import graphproc as gp
from graphproc.processors.registry import specs
from graphproc.wrappers.methods.patch_counts import COUNTS
from graphproc.wrappers.processor import processor_class

pytestmark = pytest.mark.filterwarnings("ignore")

SIZES = 500
COUNTED = [name for name in CASES if hasattr(getattr(transformers, f"{name}Processor"), "_get_num_multimodal_tokens")]
QUICK = ("Qwen2VL", "PaliGemma", "Idefics3")


def sizes(seed: str, count: int) -> list[tuple[int, int]]:
    """Return heights and widths from 8 to 4096 pixels, as many small as large ones."""
    rng = random.Random(seed)
    return [(int(2 ** rng.uniform(3, 12)), int(2 ** rng.uniform(3, 12))) for _ in range(count)]


def answer(function: Any, *args: Any, **kwargs: Any) -> Any:
    try:
        return function(*args, **kwargs)
    except (ValueError, RuntimeError):  # the second from torch
        return "refused"


@pytest.mark.parametrize("name", tiers.rows(COUNTED, QUICK))
def test_tokens_of_sizes(name: str) -> None:
    case = CASES[name]
    kind = f"{case.image}ImageProcessor"
    theirs = processor(name, reference_class(kind)(**case.settings))
    ours = processor(name, gp.for_transformers(processor_class(kind)(**case.settings)))
    tried = sizes(name, tiers.tries(SIZES, 50))
    wanted = [answer(theirs._get_num_multimodal_tokens, image_sizes=[size]) for size in tried]
    for size, want in zip(tried, wanted, strict=True):
        assert answer(ours._get_num_multimodal_tokens, image_sizes=[size]) == want, size
    assert wanted.count("refused") < len(wanted) * 3 / 4


ROWS = [(name, backend) for name in COUNTS for backend in specs()[name].backends]


@pytest.mark.parametrize(
    ("name", "backend"), tiers.rows(ROWS, {("Qwen2VLImageProcessor", "pil"), ("GotOcr2ImageProcessor", "torchvision")})
)
def test_patches_of_sizes(name: str, backend: str) -> None:
    theirs = reference_class(name, backend)()
    ours = gp.for_transformers(processor_class(name)(backend=backend))
    kwargs = {"return_tensors": "pt", **({"min_pixels": 300 * 300} if hasattr(theirs, "min_pixels") else {})}
    tried = sizes(name, tiers.tries(SIZES, 50))
    wanted = [answer(theirs.get_number_of_image_patches, *size, kwargs) for size in tried]
    for size, want in zip(tried, wanted, strict=True):
        assert answer(ours.get_number_of_image_patches, *size, kwargs) == want, size
    assert wanted.count("refused") < len(wanted) * 3 / 4
