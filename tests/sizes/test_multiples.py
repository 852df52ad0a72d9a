"""The rules that round to multiples against transformers' own functions and methods, as ints and as graphs."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest
import tiers
from oracles.sizes import Rule, asked_size, compare, pil_module, virtual

from graphproc.errors import ConfigError
from graphproc.sizes import multiples as rules


def sizedict(**sides: int) -> Any:
    from transformers.image_utils import SizeDict

    return SizeDict(**sides)


@pytest.mark.parametrize("divisor", [32, 7, 1])
def test_floor_multiple(divisor: int, monkeypatch: pytest.MonkeyPatch) -> None:
    module = pil_module("glpn")
    processor = module.GLPNImageProcessorPil()
    call = asked_size(monkeypatch, module, lambda image: processor.resize(image, None, None, divisor))
    compare(lambda h, w: rules.floor_multiple(h, w, divisor), call, nodes=20)


@pytest.mark.parametrize(("edge", "divisor"), [(640, 32), (1, 32), (33, 5)])
def test_shortest_edge_ceiled(edge: int, divisor: int, monkeypatch: pytest.MonkeyPatch) -> None:
    module = pil_module("textnet")
    processor = module.TextNetImageProcessorPil()
    call = asked_size(monkeypatch, module, lambda image: processor.resize(image, sizedict(shortest_edge=edge), None, divisor))
    compare(lambda h, w: rules.shortest_edge_ceiled(h, w, edge, divisor), call)


@pytest.mark.parametrize(("edge", "divisor"), [(256, 1), (1, 32), (33, 5), (91, 8)])
def test_shortest_edge_rounded(edge: int, divisor: int) -> None:
    def transformers_size(height: int, width: int) -> Sequence[int]:
        """Compute `PPLCNetImageProcessor.get_image_size`; its module cannot be imported without torchvision."""
        scale = edge / min(height, width)
        return [math.ceil(round(side * scale) / divisor) * divisor for side in (height, width)]

    compare(lambda h, w: rules.shortest_edge_rounded(h, w, edge, divisor), transformers_size)


@pytest.mark.parametrize("longest", [4000, 500, None])
@pytest.mark.parametrize("limit", [960, 33, 1])
@pytest.mark.parametrize("kind", rules.LIMITS)
def test_limited_side_rounded(kind: str, limit: int, longest: int | None) -> None:
    def transformers_size(height: int, width: int) -> Sequence[int]:
        """Compute `PPOCRV5ServerDetImageProcessor.get_image_size`; its module cannot be imported without torchvision."""
        sides = [height, width]
        side = min(sides) if kind == "min" else max(sides)
        if kind == "resize_long" or (side < limit if kind == "min" else side > limit):
            sides = [int(one * (limit / side)) for one in sides]
        if longest is not None and max(sides) > longest:
            ratio = longest / max(sides)
            sides = [int(one * ratio) for one in sides]
        return [max(round(one / 32) * 32, 32) for one in sides]

    compare(lambda h, w: rules.limited_side_rounded(h, w, limit, kind, longest), transformers_size)


SIZES: list[dict[str, int]] = [
    {"shortest_edge": 800, "longest_edge": 1333},
    {"shortest_edge": 17, "longest_edge": 11},
    {"max_height": 300, "max_width": 200},
    {"height": 31, "width": 65},
]


@pytest.mark.parametrize("divisor", [32, 0])
@pytest.mark.parametrize("size", SIZES, ids=str)
@pytest.mark.parametrize(("model", "name"), [("maskformer", "MaskFormer"), ("mask2former", "Mask2Former")])
def test_resized_ceiled(model: str, name: str, size: dict[str, int], divisor: int, monkeypatch: pytest.MonkeyPatch) -> None:
    module = pil_module(model)
    processor = getattr(module, f"{name}ImageProcessorPil")()
    call = asked_size(monkeypatch, module, lambda image: processor.resize(image, sizedict(**size), divisor))
    compare(lambda h, w: rules.resized_ceiled(h, w, size, divisor), call)


def test_resized_ceiled_refuses_what_the_standard_resize_refuses() -> None:
    with pytest.raises(ConfigError):
        rules.resized_ceiled(3, 4, {"longest_edge": 5}, 32)


@pytest.mark.parametrize(("shortest", "longest"), [(800, 1333), (17, 11), (512, 513), (64, 640), (448, 500)])
def test_capped_edge_floored(shortest: int, longest: int) -> None:
    source = pil_module("yolos").get_size_with_aspect_ratio_yolos
    compare(lambda h, w: rules.capped_edge_floored(h, w, shortest, longest), lambda h, w: source((h, w), shortest, longest))


def test_capped_edge_floored_on_every_small_size() -> None:
    """Where the rounded short side equals the image's, tall and wide images differ."""
    source = pil_module("yolos").get_size_with_aspect_ratio_yolos
    for shortest, longest in [(6, 9), (5, 30), (30, 5)]:
        for height in range(1, 70):
            for width in range(1, 70):
                found = rules.capped_edge_floored(height, width, shortest, longest, 1)
                assert found == source((height, width), shortest, longest, 1), (height, width)


@pytest.mark.parametrize(("shorter", "divisor"), [(288, 32), (384, 32), (800, 32), (33, 7), (1, 1)])
@pytest.mark.parametrize(("model", "name"), [("bridgetower", "BridgeTower"), ("vilt", "Vilt")])
def test_short_side_floored(model: str, name: str, shorter: int, divisor: int, monkeypatch: pytest.MonkeyPatch) -> None:
    module = pil_module(model)
    processor = getattr(module, f"{name}ImageProcessorPil")()
    size = sizedict(shortest_edge=shorter)
    call = asked_size(monkeypatch, module, lambda image: processor.resize(image, size, None, divisor))
    compare(lambda h, w: rules.short_side_floored(h, w, shorter, divisor), call)


def test_the_longest_long_side_of_every_short_side(monkeypatch: pytest.MonkeyPatch) -> None:
    module = pil_module("vilt")
    processor = module.ViltImageProcessorPil()
    for shorter in range(1, 2500):
        size = sizedict(shortest_edge=shorter)
        call = asked_size(monkeypatch, module, lambda image, size=size: processor.resize(image, size, None, 1))
        assert rules.short_side_floored(5000, 1, shorter, 1) == call(5000, 1), shorter


@pytest.mark.parametrize("keep", [False, True])
@pytest.mark.parametrize("target", [(384, 384), (384, 512), (31, 600)])
@pytest.mark.parametrize("multiple", tiers.rows([1, 14, 32, 1 / 32], [32]))
@pytest.mark.parametrize("model", ["dpt", "prompt_depth_anything", "zoedepth"])
def test_nearest_multiple(model: str, keep: bool, target: tuple[int, int], multiple: float) -> None:
    module = pil_module(model)
    if multiple == 1 / 32 and model != "zoedepth":
        pytest.skip("gives sizes that are no ints")
    extra = {"input_data_format": "channels_first"} if model == "zoedepth" else {}
    source = getattr(module, "get_resize_output_image_size", None) or module._get_resize_output_image_size

    def oracle(h: int, w: int) -> Any:
        found = source(virtual(h, w), output_size=target, keep_aspect_ratio=keep, multiple=multiple, **extra)
        return [int(v) for v in ((found.height, found.width) if hasattr(found, "height") else found)]

    compare(lambda h, w: rules.nearest_multiple(h, w, *target, keep, multiple), oracle)


@pytest.mark.parametrize("divisor", [14, 32, 1])
@pytest.mark.parametrize(("model", "name"), [("dpt", "DPT"), ("prompt_depth_anything", "PromptDepthAnything")])
def test_centered_padding(model: str, name: str, divisor: int, monkeypatch: pytest.MonkeyPatch) -> None:
    module = pil_module(model)
    processor = getattr(module, f"{name}ImageProcessorPil")()
    oracle = asked_padding(monkeypatch, module, lambda image: processor.pad_image(image, divisor))
    compare(lambda h, w: (*rules.centered_padding(h, divisor), *rules.centered_padding(w, divisor)), oracle, nodes=40)


def asked_padding(monkeypatch: pytest.MonkeyPatch, module: Any, call: Any) -> Any:
    """Return the widths that a module's pad is asked for: before and after, rows then columns; zeros without a call."""
    asked: list[Any] = []

    def pad(image: Any, padding: Any, *args: Any, **kwargs: Any) -> Any:
        asked.append([int(v) for pair in padding for v in pair])
        return image

    monkeypatch.setattr(module, "np_pad", pad)

    def oracle(h: int, w: int) -> Any:
        call(virtual(h, w))
        return asked.pop() if asked else [0, 0, 0, 0]

    return oracle


def test_root_padding(monkeypatch: pytest.MonkeyPatch) -> None:
    module = pil_module("zoedepth")
    oracle = asked_padding(monkeypatch, module, module.ZoeDepthImageProcessorPil().pad_image)

    def rule(h: Any, w: Any) -> Any:
        rows, columns = rules.root_padding(h, w)
        return rows, rows, columns, columns

    compare(rule, oracle, nodes=20)
    for side in range(1, 20_000):
        assert rules.root_padding(side, 1)[0] == int(np.sqrt(side / 2) * 3)


@pytest.mark.parametrize("divisor", [8, 32, 5, 1])
@pytest.mark.parametrize("model", ["swin2sr", "vitmatte"])
def test_padded_sizes(model: str, divisor: int, monkeypatch: pytest.MonkeyPatch) -> None:
    module = pil_module(model)
    rule: Rule
    if model == "swin2sr":
        amounts = asked_padding(monkeypatch, module, lambda x: module.Swin2SRImageProcessorPil().pad(x, None, divisor))
        rule = lambda h, w: rules.above_multiple(h, w, divisor)  # noqa: E731
    else:
        amounts = asked_padding(monkeypatch, module, lambda x: module.VitMatteImageProcessorPil().pad_image(x, divisor))
        rule = lambda h, w: rules.ceil_multiple(h, w, divisor)  # noqa: E731

    def oracle(h: int, w: int) -> Any:
        top, bottom, left, right = amounts(h, w)
        assert top == left == 0
        return h + bottom, w + right

    compare(rule, oracle, nodes=20)


@pytest.mark.parametrize(
    ("size", "patch"), [((1024, 1024), (16, 16)), ((700, 90), (14, 5)), ((1540, 1540), (28, 28)), ((3, 2), (1, 1))]
)
def test_within_ceiled(size: tuple[int, int], patch: tuple[int, int]) -> None:
    source = pil_module("pixtral").get_resize_output_image_size
    compare(
        lambda h, w: rules.within_ceiled(h, w, *size, *patch),
        lambda h, w: source(virtual(h, w), size, patch, "channels_first"),
    )
