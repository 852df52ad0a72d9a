"""transformers' processors of images and text with our image processors, against the same ones with transformers' own."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pytest
import tiers
import torch
import transformers
from cases.multimodal import CASES, processor
from cases.parity import reference_class
from PIL import Image

import graphproc as gp
from graphproc.processors.registry import specs
from graphproc.wrappers.processor import processor_class

pytestmark = [pytest.mark.filterwarnings("ignore"), pytest.mark.filterwarnings("error:.*graphproc")]

WIDE, TALL = (Image.fromarray(np.random.default_rng(7).integers(0, 256, size, np.uint8)) for size in ((90, 131, 3), (70, 50, 3)))
FIRST = {case.image: name for name, case in reversed(CASES.items())}
ROWS = [
    (name, backend)
    for name, case in CASES.items()
    for index, backend in enumerate(specs()[f"{case.image}ImageProcessor"].backends)
    if not index or FIRST[case.image] == name  # the second backend once for each class of image processors
]
QUICK = {("CLIP", "torchvision"), ("Llava", "pil"), ("PaliGemma", "torchvision"), ("Blip", "pil"), ("Janus", "torchvision")}
WHOLE = (  # noqa: SIM905
    "Blip CLIP Fuyu Gemma3 GroundingDino Idefics3 InternVL Janus Kosmos2_5 Llama4 Llava LlavaNext LlavaOnevision Mllama "
    "OneFormer OwlViT Owlv2 PaliGemma Pixtral Qwen2VL Qwen2_5_VL Sam Sam2 Siglip SmolVLM Vilt"
).split()
"""The processors with which all calls are tried; with others it is the first one."""
CALLS: Any = (([WIDE], "pt"), ([WIDE], "np"), ([WIDE, TALL], "pt"), ([[WIDE], [TALL]], None))
UPSTREAM: Mapping[tuple[str, str], str] = {
    ("Llama4", "torchvision"): "numpy has no bfloat16: ours is float32",
    ("Vilt", "torchvision"): "a name is read before it is written, without return_tensors",
    ("Fuyu", "pil"): "the patches of a tensor are cut by numpy's transpose",
}
"""What fails in transformers, and does not with our image processors."""
TEMPLATES = ("ShieldGemma2",)
"""Processors that take no text but by a chat template."""


@pytest.fixture(autouse=True)
def _quiet() -> None:
    transformers.logging.set_verbosity_error()


def pair(name: str, backend: str) -> tuple[Any, Any]:
    """Return transformers' processor with its own image processor, and with ours."""
    case = CASES[name]
    if case.needs:
        pytest.importorskip(case.needs)
    kind = f"{case.image}ImageProcessor"
    ours = gp.for_transformers(processor_class(kind)(backend=backend, **case.settings))
    return processor(name, reference_class(kind, backend)(**case.settings)), processor(name, ours)


def call(name: str, made: Any, images: list[Any], return_tensors: str | None) -> Any:
    """Return what a processor makes of images with a text each, or the error's type."""
    case = CASES[name]
    given: dict[str, Any] = {key: values * len(images) for key, values in case.call.items()}
    if case.text is not None:
        given["text"] = [case.text.format(image=getattr(made, "image_token", None) or "")] * len(images)
    if case.text == "a photo" and "boxes" in given:
        given["text"] = [["a", "photo"]] * len(images)
    try:
        return made(images=images, return_tensors=return_tensors, **given)
    except Exception as error:  # upstream raises what it meets
        return error


def different(have: Any, want: Any) -> str:
    """Return where two results differ, or an empty string."""
    if isinstance(want, Exception):
        return "" if isinstance(have, Exception) else f"refused upstream: {want!r}"
    if isinstance(have, Exception):
        return f"{have!r}"
    if isinstance(want, (Mapping, transformers.BatchFeature)):
        if not isinstance(have, type(want)) or list(have) != list(want):
            return f"{type(have)} {list(have)}, {type(want)} {list(want)}"
        return next((f"{key}: {found}" for key in want if (found := different(have[key], want[key]))), "")
    if isinstance(want, (list, tuple)):
        if len(have) != len(want):
            return f"{len(have)} of {len(want)}"
        return next((found for pair in zip(have, want, strict=True) if (found := different(*pair))), "")
    if isinstance(want, torch.Tensor):
        same = isinstance(have, torch.Tensor) and have.dtype == want.dtype and torch.equal(have, want)
    elif isinstance(want, np.ndarray):
        same = isinstance(have, np.ndarray) and have.dtype == want.dtype and np.array_equal(have, want)
    else:
        same = bool(have == want)
    return "" if same else f"{type(have)} {getattr(have, 'dtype', '')}, {type(want)} {getattr(want, 'dtype', '')}"


@pytest.mark.parametrize(("name", "backend"), tiers.rows(ROWS, QUICK))
def test_outputs_are_transformers(name: str, backend: str) -> None:
    theirs, ours = pair(name, backend)
    accepted = 0
    for images, return_tensors in CALLS if name in WHOLE else CALLS[:1]:
        want = call(name, theirs, images, return_tensors)
        if not (isinstance(want, Exception) and (name, backend) in UPSTREAM):
            assert not different(call(name, ours, images, return_tensors), want), (len(images), return_tensors)
        accepted += not isinstance(want, Exception)
    assert accepted or name in TEMPLATES or (name, backend) in UPSTREAM
