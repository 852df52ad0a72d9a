"""What a plan computes as source: the same numbers as the plan, for every class; what the text says of itself."""

from __future__ import annotations

import random
from hashlib import sha256
from typing import Any

import pytest
import tiers
from cases.every_class import SMALL

import graphproc as gp
from graphproc.errors import ConfigError, EmitError, ImageError
from graphproc.processors.registry import specs
from graphproc.wrappers.processor import processor_class

ALONE = [
    (name, backend)
    for name, spec in specs().items()
    for backend in spec.backends
    if spec.samples.images < 2 and not any(extra.required for extra in spec.extra_inputs.values())
]
"""Classes that plan single images."""
QUICK = [(name, specs()[name].backends[0]) for name in tiers.firsts(list(dict.fromkeys(name for name, _ in ALONE)))]


def function_of(processor: Any, **options: Any) -> Any:
    names: dict[str, Any] = {}
    exec(processor.plan_source("python", **options), names)
    (function,) = [value for key, value in names.items() if key.endswith("image_processor")]
    return function


@pytest.mark.parametrize(("name", "backend"), tiers.rows(ALONE, QUICK))
def test_the_function_returns_what_the_plan_says(name: str, backend: str) -> None:
    processor = processor_class(name)(backend=backend, **SMALL.get(name, {}))
    function = function_of(processor)
    rng = random.Random(name)
    taken = 0
    for _ in range(12):
        size = rng.choice((1, 28, 300, rng.randint(1, 2000))), rng.choice((2, 14, 448, rng.randint(1, 2000)))
        try:
            plan = processor.plan(*size)
        except ImageError:
            with pytest.raises(ValueError, match=r"pixel|side|image|size|number|rows"):
                function(*size)
            continue
        taken += 1
        assert function(*size) == {key: value for key, value in plan.results.items() if key not in plan.unknown}
    assert taken


def test_a_sample_of_two_images() -> None:
    processor = gp.LightGlueImageProcessor()
    assert function_of(processor)(48, 64)["pixel_values_shape"] == processor.plan([[(48, 64)] * 2]).outputs["pixel_values"].shape
    assert b"a sample of 2 images of this size" in processor.plan_source("c")


def test_extra_inputs_become_arguments() -> None:
    processor = gp.PromptDepthAnythingImageProcessor()
    found = function_of(processor, inputs=["prompt_depth"])(480, 640, prompt_depth_height=24, prompt_depth_width=32)
    assert found["prompt_depth_shape"] == (1, 1, 24, 32)
    assert b"with prompt_depth" in processor.plan_source("rust", inputs=["prompt_depth"])


def test_settings_are_those_of_the_call() -> None:
    processor = gp.CLIPImageProcessorPil()
    assert function_of(processor, crop_size=100)(300, 451)["pixel_values_shape"] == (1, 3, 100, 100)
    text = processor.plan_source("go", crop_size=100).decode()
    assert '"crop_size": {"height": 100, "width": 100}' in " ".join(text.replace("//", "").split())
    assert f"Written by graphproc {gp.__version__}, backend pil." in text


def test_long_settings_are_a_digest() -> None:
    processor = gp.ImageGPTImageProcessor(clusters=[[0.125 * i, 0.5, 0.25] for i in range(512)])
    text = processor.plan_source("javascript").decode()
    assert "// Settings: SHA-256 " in text
    assert len(text) < 3000
    assert len(sha256().hexdigest()) == len(text.partition("SHA-256 ")[2].split()[0])


@pytest.mark.parametrize(
    ("make", "error", "message"),
    [
        (lambda: gp.CLIPImageProcessor().plan_source("java"), EmitError, "language: expected one of json"),
        (lambda: gp.CLIPImageProcessor().plan_source("c", size=-1), ConfigError, "size"),
        (lambda: gp.CLIPImageProcessor().plan_source("c", sizes=1), TypeError, "unknown setting"),
    ],
)
def test_refusals(make: Any, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        make()
