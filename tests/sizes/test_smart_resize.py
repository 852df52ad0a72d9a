"""The token-grid size rules against transformers' own functions, as ints and as graphs."""

from __future__ import annotations

import importlib
from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest
import tiers
from oracles.sizes import compare, pil_module, raising, torchvision_module, virtual

from graphproc.sizes import smart_resize as rules

PIXELS = [
    (28, 3136, 1003520),
    (28, 56 * 56, 14 * 14 * 4 * 1280),
    (14, 400, 100_000),
    (8, 512 * 512, 1024 * 1024),
    (32, 9000, 9000),
    (28, 3136, 280 * 280),
]


def guard(found: rules.Guarded) -> Sequence[Any]:
    return (*found.size, found.holds)


MODULES_A = [
    f"transformers.models.{m}.image_processing_pil_{m}"
    for m in ("qwen2_vl", "cohere_compass", "ernie4_5_vl_moe", "hunyuan_vl", "video_llama_3")
] + ["transformers.models.emu3.image_processing_emu3"]


@pytest.mark.parametrize("settings", PIXELS)
@pytest.mark.parametrize("module", MODULES_A)
def test_pixels_within(module: str, settings: tuple[int, int, int]) -> None:
    pytest.importorskip("transformers")
    source = importlib.import_module(module).smart_resize
    first = module == MODULES_A[0]  # the other copies: the same text, checked on fewer sizes
    compare(
        lambda h, w: guard(rules.pixels_within(h, w, *settings)),
        raising(lambda h, w: source(h, w, *settings)),
        count=3000 if first else 200,
        graph=120 if first else 10,
    )


def test_pixels_within_of_a_class_that_only_torchvision_has() -> None:
    source, settings = torchvision_module("minimax_m3_vl").smart_resize, (28, 56 * 56, 451584)
    compare(
        lambda h, w: guard(rules.pixels_within(h, w, *settings)),
        raising(lambda h, w: source(h, w, *settings)),
        count=200,
        graph=10,
    )


@pytest.mark.parametrize("settings", [(28, 384 * 384, 1536 * 1536), (28, 147384, 2822400), (14, 400, 100_000), (32, 9000, 9000)])
def test_pixels_within_enlarged(settings: tuple[int, int, int]) -> None:
    source = pil_module("paddleocr_vl").smart_resize
    compare(lambda h, w: guard(rules.pixels_within_enlarged(h, w, *settings)), raising(lambda h, w: source(h, w, *settings)))


@pytest.mark.parametrize("settings", [(28, 112 * 112, 28 * 28 * 15000, 2), (32, 65536, 16777216, 1), (14, 3000, 90_000, 3)])
@pytest.mark.parametrize("model", ["glm4v", "glm46v", "glmga", "cosmos3_edge"])
def test_frame_pixels_within(model: str, settings: tuple[int, int, int, int]) -> None:
    source = pil_module(model).smart_resize
    factor, low, high, frames = settings
    first = model == "glm4v"
    compare(
        lambda h, w: guard(rules.frame_pixels_within(h, w, *settings)),
        raising(lambda h, w: source(frames, h, w, frames, factor, low, high)),
        count=3000 if first else 200,
        graph=120 if first else 10,
    )


@pytest.mark.parametrize(
    "settings", [(16, 512 * 512, 2048 * 2048), (32, 300_000, 1_000_000), (14, 40_000, 40_000), (48, 900, 900)]
)
def test_sides_within(settings: tuple[int, int, int]) -> None:
    source = pil_module("glm_image").smart_resize
    accepted = compare(lambda h, w: guard(rules.sides_within(h, w, *settings)), raising(lambda h, w: source(h, w, *settings)))
    assert accepted > tiers.tries(800, 80)


TOKENS = [(28, 16, 8000), (28, 16, 17), (14, 4, 1), (14, 1, 2), (4, 3, 3), (1, 5, 64), (2, 1, 99), (32, 100, 90)]


@pytest.mark.parametrize("settings", TOKENS)
def test_canvas_within(settings: tuple[int, int, int], monkeypatch: pytest.MonkeyPatch) -> None:
    module = pil_module("glm5_next")
    factor, low, high = settings
    processor = module.Glm5NextImageProcessorPil()
    content: list[tuple[int, int]] = []

    def resize(self: Any, image: Any, size: Any, **kwargs: Any) -> Any:
        return virtual(size.height, size.width)

    def pad(image: Any, amounts: Any, mode: str) -> Any:
        content.append(image.shape[-2:])
        return virtual(*(side + sum(amount) for side, amount in zip(image.shape[-2:], amounts[1:], strict=True)))

    monkeypatch.setattr(module.PilBackend, "resize", resize)
    monkeypatch.setattr(np, "pad", pad)

    def oracle(h: int, w: int) -> Sequence[Any]:
        canvas = processor.resize(virtual(h, w), None, factor, 2, low, high).shape[-2:]
        return (*canvas, *content.pop())

    def rule(h: Any, w: Any) -> Sequence[Any]:
        found = rules.canvas_within(h, w, *settings)
        return found.height, found.width, found.content_height, found.content_width

    compare(rule, oracle)


@pytest.mark.parametrize("tokens", tiers.rows([1, 2, 3, 5, 12, 13, 36, 97], [1, 5, 36]))
def test_the_direct_cut_is_the_bisection_for_every_small_size(tokens: int) -> None:
    source = pil_module("glm5_next").smart_resize
    for factor in (1, 2, 3, 7):
        for height in range(1, 70):
            for width in [*range(1, 70), 200, 1001]:
                wanted = source(2, height, width, 2, factor, 1, tokens)
                assert rules.tokens_within(height, width, factor, 1, tokens) == wanted, (factor, height, width)


@pytest.mark.parametrize("frames", [1, 2, 4])
def test_frames_cancel_for_a_still_image(frames: int) -> None:
    source = pil_module("glm5_next").smart_resize
    for height, width in [(1, 1), (480, 640), (5000, 3000), (31, 9000), (56, 56), (9000, 31)]:
        assert rules.tokens_within(height, width, 28, 16, 800) == source(frames, height, width, frames, 28, 16, 800)


def test_a_guarded_size_says_what_is_wrong() -> None:
    found = rules.pixels_within(1, 500, 28, 3136, 1003520)
    assert found.holds is False
    assert "200 times" in found.message
    assert found.size == (found.height, found.width)
