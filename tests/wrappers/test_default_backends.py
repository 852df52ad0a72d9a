"""Which backend comes without a word about it: the one of transformers' class of the same name, of files and of results."""

from __future__ import annotations

import json
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tiers
import transformers
from cases.parity import CASES, Content, Size, allowed, attempt, difference, keywords, picture, reference_class, sample

import graphproc as gp
from graphproc.errors import GraphprocError
from graphproc.processors.registry import specs

transformers.logging.set_verbosity_error()

# ---- results ---------------------------------------------------------------------------------------------------------

IMAGES: tuple[tuple[Size, Content], ...] = (
    ((300, 451), "photograph"),
    ((224, 224), "noise"),
    ((97, 60), "noise"),
    ((480, 640), "photograph"),
    ((17, 31), "noise"),
    ((260, 40), "photograph"),
    ((40, 260), "photograph"),
    ((336, 336), "photograph"),
    ((225, 223), "noise"),
    ((64, 64), "noise"),
    ((512, 384), "photograph"),
    ((31, 500), "noise"),
)
FEW = {"CLIPImageProcessor", "ViTImageProcessor", "Siglip2ImageProcessor", "VitPoseImageProcessor"}
"""Classes with small results by default."""
SETTINGS: dict[str, dict[str, Any]] = {
    **{f"LayoutLMv{version}ImageProcessor": {"apply_ocr": False} for version in (2, 3)},  # tesseract is not in the graph
    "ImageGPTImageProcessor": dict(CASES["ImageGPTImageProcessor"].always),  # there is no default
}
"""What some classes cannot do without."""
LEFT_OUT = {"TimmWrapperImageProcessor"}
"""transformers' class is not made without the settings of a model; `test_timm.py` compares with timm."""
PIL = [name for name in specs() if hasattr(transformers, f"{name}Pil") and "pil" in specs()[name].backends]
PLAIN = [name for name in specs() if name not in LEFT_OUT and reference_class(name) is getattr(transformers, name)]
"""Classes with the backend that the class of the plain name has in transformers."""
NAMES = [*PLAIN, *(f"{name}Pil" for name in PIL)]


@pytest.mark.parametrize("name", tiers.rows(NAMES, [name for name in NAMES if name.removesuffix("Pil") in FEW]))
@pytest.mark.filterwarnings("ignore:(divide by zero|invalid value) encountered:RuntimeWarning")
def test_a_class_gives_what_transformers_class_of_that_name_gives(name: str) -> None:
    plain = name.removesuffix("Pil")
    settings = SETTINGS.get(plain, {})
    ours, theirs = getattr(gp, name)(**settings), getattr(transformers, name)(**settings)
    tensors = "np" if name.endswith("Pil") else "pt"  # numpy has no bfloat16
    compared = 0
    for size, content in tiers.images(IMAGES):
        named = {**settings, "backend": "pil" if name.endswith("Pil") else specs()[plain].backends[0]}
        every = {**specs()[plain].defaults, **named}
        if CASES[plain].skip(size, every) or CASES[plain].refuses(size, every):
            continue
        images = sample(plain, picture(size, content))
        given: Any = images if len(images) > 1 else images[0]
        extra_inputs = keywords(plain, images)
        expected = attempt(lambda: theirs(given, return_tensors=tensors, **extra_inputs), Exception)  # noqa: B023
        found = attempt(lambda: ours(given, return_tensors=tensors, **extra_inputs), GraphprocError)  # noqa: B023
        assert difference(found, expected, allowed(plain, named, size)) == "", f"{size} {content}"
        compared += not isinstance(expected, Exception)
    assert compared


# ---- files -----------------------------------------------------------------------------------------------------------

FILES = [
    {"image_processor_type": "CLIPImageProcessor"},
    {"image_processor_type": "CLIPImageProcessorFast"},
    {"image_processor_type": "CLIPImageProcessorPil"},
    {"feature_extractor_type": "CLIPFeatureExtractor"},
]
KEYWORDS: list[dict[str, Any]] = [
    {},
    {"use_fast": True},
    {"use_fast": False},
    {"use_fast": None},
    {"backend": "pil"},
    {"backend": "torchvision"},
    {"backend": None},
    {"backend": "pil", "use_fast": True},
    {"backend": "torchvision", "use_fast": False},
]
NOISE = np.random.default_rng(3).integers(0, 256, (50, 61, 3), dtype=np.uint8)


@tiers.each("file, keywords", [*product(FILES, KEYWORDS)])
@pytest.mark.parametrize("make", ["AutoImageProcessor", "CLIPImageProcessor", "CLIPImageProcessorFast", "CLIPImageProcessorPil"])
@pytest.mark.filterwarnings("error")
def test_files_and_keywords_give_the_class_that_transformers_gives(
    make: str, file: dict[str, str], keywords: dict[str, Any], tmp_path: Path
) -> None:
    settings = {**file, "size": 30, "crop_size": 24}
    (tmp_path / "preprocessor_config.json").write_text(json.dumps(settings), encoding="utf-8")
    load = getattr(transformers, make).from_pretrained
    if make != "AutoImageProcessor" and "backend" in keywords:  # a keyword of ours alone
        with pytest.raises(AttributeError, match="property 'backend'"):
            load(tmp_path, **keywords)
        backend = keywords["backend"] or getattr(transformers, make)().backend
        expected = transformers.AutoImageProcessor.from_pretrained(tmp_path, backend=backend)
    else:
        expected = load(tmp_path, **keywords)
    found = getattr(gp, make).from_pretrained(tmp_path, **keywords)
    assert found.backend == expected.backend
    assert isinstance(found, gp.CLIPImageProcessor)
    assert f'"graphproc_backend": "{expected.backend}"' in repr(found)
    wanted = expected(NOISE, return_tensors="np")["pixel_values"]
    np.testing.assert_array_equal(found(NOISE, return_tensors="np", engine="numpy")["pixel_values"], wanted)
