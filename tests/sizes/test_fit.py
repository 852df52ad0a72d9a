"""The rules that fit a side or a box against transformers' own methods and Pillow, as ints and as graphs."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import pytest
from oracles.sizes import all_sizes, asked_size, compare, pil_module, virtual

from graphproc.sizes import fit as rules


def sizedict(**sides: int) -> Any:
    from transformers.image_utils import SizeDict

    return SizeDict(**sides)


@pytest.mark.parametrize(
    ("size", "longest"), [((48, 320), 3200), ((48, 321), 3200), ((32, 100), 90), ((7, 50), 2000), ((9, 1), 5)]
)
def test_line_width(size: tuple[int, int], longest: int) -> None:
    def transformers_width(height: int, width: int) -> Sequence[int]:
        """Compute `get_target_size` of PPOCRV6SmallRec and similar, from modules that need torchvision to be imported."""
        found = int(size[0] * max(width / height, size[1] / size[0]))
        own = math.ceil(size[0] * (width / height))
        return [longest if found > longest else own if found >= own else found]

    compare(lambda h, w: (rules.line_width(h, w, *size, longest),), transformers_width)


@pytest.mark.parametrize("edge", [448, 1, 49])
def test_longest_edge(edge: int) -> None:
    source = pil_module("tvp").get_resize_output_image_size
    compare(lambda h, w: rules.longest_edge(h, w, edge), lambda h, w: source(virtual(h, w), edge, "channels_first"), nodes=30)


@pytest.mark.parametrize("edge", [1024, 1, 33])
def test_longest_edge_half_up(edge: int, monkeypatch: pytest.MonkeyPatch) -> None:
    module = pil_module("sam")
    processor = module.SamImageProcessorPil()
    call = asked_size(monkeypatch, module, lambda image: processor.resize(image, sizedict(longest_edge=edge)))
    compare(lambda h, w: rules.longest_edge_half_up(h, w, edge), call, nodes=30)


@pytest.mark.parametrize(("factor", "most"), [(2, 2048), (1.25, None), (0.3, 2048), (1.0, 100), (3.7, 900), (1 / 3, None)])
def test_longest_edge_times(factor: float, most: int | None) -> None:
    def oracle(height: int, width: int) -> tuple[int, int]:
        longest = max(height, width)
        wanted = longest * factor if most is None else min(longest * factor, max(most, longest))
        return math.floor(height * (wanted / longest) + 0.5), math.floor(width * (wanted / longest) + 0.5)

    compare(lambda h, w: rules.longest_edge_times(h, w, factor, most), oracle, count=1000, nodes=30)


@pytest.mark.parametrize(("edge", "at_least"), [(384, 14), (1024, 14), (33, 32), (10, 0)])
@pytest.mark.parametrize(
    ("model", "name"), [("deepseek_vl", "DeepseekVL"), ("deepseek_vl_hybrid", "DeepseekVLHybrid"), ("janus", "Janus")]
)
def test_longest_edge_half_even(model: str, name: str, edge: int, at_least: int, monkeypatch: pytest.MonkeyPatch) -> None:
    module = pil_module(model)
    processor = getattr(module, f"{name}ImageProcessorPil")()
    size = sizedict(height=edge, width=edge)
    call = asked_size(monkeypatch, module, lambda image: processor.resize(image, size, at_least))
    compare(lambda h, w: rules.longest_edge_half_even(h, w, edge, at_least), call, nodes=30)


@pytest.mark.parametrize("edge", [1024, 33])
def test_the_global_view_of_deepseek_ocr2(edge: int, monkeypatch: pytest.MonkeyPatch) -> None:
    module = pil_module("deepseek_ocr2")
    processor = module.DeepseekOcr2ImageProcessorPil()
    steps = {"do_rescale": False, "rescale_factor": 1.0, "do_normalize": False, "image_mean": 0.0, "image_std": 1.0}
    # without tiles the global view has the tiles' size, and is all there is
    call = asked_size(
        monkeypatch,
        module,
        lambda image: processor._preprocess(
            [image], sizedict(height=1, width=1), None, return_tensors=None, crop_to_patches=False, tile_size=edge, **steps
        ),
    )
    monkeypatch.setattr(module, "get_image_size", lambda image: image.shape[-2:])
    compare(lambda h, w: rules.longest_edge_half_even(h, w, edge), call, nodes=30)


@pytest.mark.parametrize(("height", "width"), [(1080, 1920), (64, 31)])
def test_shrink_within(height: int, width: int, monkeypatch: pytest.MonkeyPatch) -> None:
    module = pil_module("fuyu")
    processor = module.FuyuImageProcessorPil()
    call = asked_size(monkeypatch, module, lambda image: processor.resize(image, sizedict(height=height, width=width)))
    compare(lambda h, w: rules.shrink_within(h, w, height, width), call, nodes=30)


@pytest.mark.parametrize(("height", "width"), [(2560, 1920), (896, 672), (49, 98), (1, 1)])
@pytest.mark.parametrize(("model", "name"), [("donut", "Donut"), ("nougat", "Nougat")])
def test_thumbnail(model: str, name: str, height: int, width: int, monkeypatch: pytest.MonkeyPatch) -> None:
    module = pil_module(model)
    processor = getattr(module, f"{name}ImageProcessorPil")()
    size = sizedict(height=height, width=width)
    call = asked_size(monkeypatch, module, lambda image: processor.thumbnail(image, size))
    compare(lambda h, w: rules.thumbnail(h, w, height, width), call, nodes=30)


class _Recorder:
    """What Pillow's resize asks of an image's core: the blocks, the box to read and the reduced size."""

    def __init__(self, width: int, height: int) -> None:
        self.size = (width, height)
        self.blocks, self.box = (1, 1), (0.0, 0.0, float(width), float(height))

    def reduce(self, blocks: tuple[int, int], box: Any) -> _Recorder:
        from PIL import Image

        left, top, right, bottom = box
        assert (left, top, (right, bottom)) == (0, 0, self.size)
        # the size of a reduced line is Pillow's own; the core reduces each axis alone
        sides = [Image.new("L", line).reduce(b).size[i] for i, (line, b) in enumerate(self._lines(blocks))]
        result = _Recorder(*sides)
        result.blocks = blocks
        return result

    def _lines(self, blocks: tuple[int, int]) -> list[tuple[tuple[int, int], tuple[int, int]]]:
        return [((self.size[0], 1), (blocks[0], 1)), ((1, self.size[1]), (1, blocks[1]))]

    def resize(self, size: tuple[int, int], filter: int, box: Any) -> _Recorder:
        self.box = box
        return self


@pytest.mark.parametrize(("new", "gap"), [((896, 672), 2.0), ((3, 5), 2.0), ((31, 30), 3.0), ((7, 200), 1.0)])
def test_reduction_is_pillows(new: tuple[int, int], gap: float) -> None:
    image_module = pytest.importorskip("PIL.Image")

    class Probe(image_module.Image):  # type: ignore[name-defined,misc]
        """An image without pixels; its resize ends in the recorder."""

        def load(self) -> None:
            pass

        def _new(self, core: Any) -> Any:
            return Probe(core)

        def __init__(self, core: _Recorder) -> None:
            super().__init__()
            self._mode, self._size, self._im = "RGB", core.size, core

        im = property(lambda self: self._im)

    def oracle(h: int, w: int) -> Sequence[Any]:
        if (h, w) == new:  # a copy, which the rule calls no reduction
            return 1, 1, h, w, float(h), float(w)
        core = Probe(_Recorder(w, h)).resize(new[::-1], image_module.Resampling.BICUBIC, reducing_gap=gap).im
        return *core.blocks[::-1], *core.size[::-1], float(core.box[3]), float(core.box[2])

    def rule(h: Any, w: Any) -> Sequence[Any]:
        r = rules.reduction(h, w, *new, gap)
        return r.factor_height, r.factor_width, r.height, r.width, r.box_height, r.box_width

    compare(rule, oracle, nodes=60)


def test_reduction_behind_a_thumbnail_has_all_operands_traced() -> None:
    """Nougat's chain: the short side to 672, then the thumbnail, with a size that depends on the image."""
    from oracles.sizes import node_count

    from graphproc.sizes import num
    from graphproc.sizes.rules import shortest_edge

    def chain(h: Any, w: Any) -> Sequence[Any]:
        tall, wide = shortest_edge(h, w, 672)
        new = rules.thumbnail(tall, wide, 896, 672)
        r = rules.reduction(tall, wide, num.maximum(new[0], 1), num.maximum(new[1], 1), 2.0)
        return r.factor_height, r.factor_width, r.box_height, r.box_width

    traced = chain(num.symbol("height"), num.symbol("width"))
    assert node_count(traced) < 100
    for height, width in all_sizes(200):
        values = {"height": height, "width": width}
        assert [num.evaluate(x, values) for x in traced] == list(chain(height, width))
