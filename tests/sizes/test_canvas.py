"""The rules of canvases, tiles, crops and slices: against transformers' own functions, and traced in ONNX Runtime."""

from __future__ import annotations

import functools
import importlib
import operator
import random
import sys
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from types import ModuleType, SimpleNamespace
from typing import Any

import numpy as np
import onnx_ir as ir
import pytest
import tiers
from oracles.tiles import cohere2_vision, perception_lm, step3p7
from support.graphs import run_expressions
from support.strategies import SYMBOLS, shapes

from graphproc.emitters.onnx.builder import GraphBuilder
from graphproc.emitters.onnx.checks import CUDA_KERNELS
from graphproc.errors import ConfigError
from graphproc.sizes import canvas, covering_grid, num, slices, windows

H, W = num.symbol("height"), num.symbol("width")
INTS, VARIANTS, TRACED = tiers.tries(800, 250), 250, 120
"""How many sizes each rule is called with, with other settings too, and how many its graph."""


def models(name: str) -> ModuleType:
    return pytest.importorskip(f"transformers.models.{name}.image_processing_pil_{name}", reason="transformers is the oracle")


def image(height: int, width: int) -> np.ndarray[Any, Any]:
    """Return an image of any size that takes no memory, channels first."""
    return np.broadcast_to(np.uint8(0), (3, height, width))


def flat(x: Any) -> Iterator[Any]:
    if isinstance(x, tuple):
        for item in x:
            yield from flat(item)
    else:
        yield x


@dataclass(frozen=True)
class CanvasCase:
    rule: Callable[[Any, Any], Any]
    oracle: Callable[[int, int], Any]
    most_nodes: int
    tries: int


CASES: dict[str, CanvasCase] = {}


def case(name: str, rule: Callable[[Any, Any], Any], oracle: Callable[[int, int], Any], most_nodes: int = 60) -> None:
    """Add a case; those of the same rule after the first are variants."""
    assert name not in CASES
    family = name.split("/")[0]
    tries = VARIANTS if any(other.split("/")[0] == family for other in CASES) else INTS
    CASES[name] = CanvasCase(rule, oracle, most_nodes, tries)


# --- best_resolution


def any_resolution(height: int, width: int, candidates: list[list[int]], tile: int) -> Any:
    from transformers.image_processing_utils import get_patch_output_size, select_best_resolution
    from transformers.image_transforms import divide_to_patches

    chosen = select_best_resolution((height, width), candidates)
    fitted = get_patch_output_size(image(height, width), chosen, "channels_first")
    (top, bottom), (left, right) = models("llava_next").LlavaNextImageProcessorPil._get_padding_size(None, fitted, chosen)
    assert (fitted[0] + top + bottom, fitted[1] + left + right) == tuple(chosen)
    tiles = divide_to_patches(image(*chosen), tile)
    columns = 1 + np.cumsum([t.shape[2] for t in tiles]).tolist().index(chosen[1])
    grid = len(tiles) // columns, columns
    return candidates.index(list(chosen)), chosen, fitted, (top, left), (bottom, right), grid


def resolutions(name: str, candidates: list[list[int]], tile: int) -> None:
    case(
        f"best_resolution/{name}",
        lambda h, w: canvas.best_resolution(h, w, [(a, b) for a, b in candidates], tile),
        lambda h, w: any_resolution(h, w, candidates, tile),
    )


ONEVISION = [[a * 384, b * 384] for a in range(1, 7) for b in range(1, 7)]
ARIA = [(1, k) for k in range(2, 9)] + [(2, 4), (2, 3), (2, 2), (2, 1), (3, 1), (3, 2), (4, 1), (4, 2)]
ARIA += [(k, 1) for k in range(5, 9)]
resolutions("llava_next", [[336, 672], [672, 336], [672, 672], [1008, 336], [336, 1008]], 224)
resolutions("llava_onevision", ONEVISION, 384)
resolutions("aria", [[a * 490, b * 490] for a, b in ARIA], 980)
resolutions("one", [[300, 500]], 70)
resolutions("equal_areas", [[400, 100], [100, 400], [200, 200], [50, 800], [101, 399]], 100)


def test_the_candidates_are_those_of_the_classes() -> None:
    assert models("llava_onevision").LlavaOnevisionImageProcessorPil.image_grid_pinpoints == ONEVISION
    assert models("aria").AriaImageProcessorPil().split_resolutions == [[a * 490, b * 490] for a, b in ARIA]


# --- grids by aspect


def by_aspect(name: str, tile: tuple[int, int], minimum: int, maximum: int) -> None:
    longest = 16 if name == "granite_docling" else None
    case(
        f"grid_by_aspect/{name}_{minimum}_{maximum}",
        lambda h, w: canvas.grid_by_aspect(h, w, tile, minimum, maximum, longest),
        lambda h, w: models(name).get_optimal_tiled_canvas((h, w), tile, minimum, maximum)[::-1],
        30,
    )


by_aspect("got_ocr2", (384, 384), 1, 12)
by_aspect("got_ocr2", (384, 200), 3, 40)
by_aspect("deepseek_ocr2", (768, 768), 2, 6)
by_aspect("ovis2", (384, 384), 1, 9)
by_aspect("granite_docling", (512, 512), 1, 32)


# --- Cohere 2 Vision


for _tile, _maximum in ((512, 12), (40, 12), (33, 40), (364, 1)):
    case(
        f"grid_by_scale/{_tile}_{_maximum}",
        lambda h, w, tile=_tile, maximum=_maximum: canvas.grid_by_scale(h, w, tile, maximum),
        lambda h, w, tile=_tile, maximum=_maximum: cohere2_vision(h, w, tile, maximum),
        30,
    )


# --- Perception LM


for _tile, _maximum in ((448, 36), (40, 9), (33, 50), (448, 1), (100, 2)):
    case(
        f"grid_by_fit/{_tile}_{_maximum}",
        lambda h, w, tile=_tile, maximum=_maximum: canvas.grid_by_fit(h, w, tile, maximum),
        lambda h, w, tile=_tile, maximum=_maximum: perception_lm(h, w, tile, maximum),
    )


def page(height: int, width: int, minimum: int, maximum: int, dense: canvas.Dense) -> Any:
    module = models("granite_docling")
    settings = {
        "size": {"height": 512, "width": 512},
        "crop_to_patches": True,
        "min_patches": minimum,
        "max_patches": maximum,
        **dict(zip(("dense_max_patches", "dense_max_scale", "dense_min_aspect", "dense_max_aspect"), dense, strict=True)),
    }
    most = module.get_page_max_patches(height, width, **settings)
    cut = module.get_optimal_tiled_canvas((height, width), (512, 512), min(minimum, most), most)
    return cut[::-1], module.get_page_tile_grid(height, width, **settings)


def pages(name: str, minimum: int, maximum: int, dense: canvas.Dense) -> None:
    case(
        f"page_grid/{name}",
        lambda h, w: canvas.page_grid(h, w, (512, 512), minimum, maximum, dense),
        lambda h, w: page(h, w, minimum, maximum, dense),
        110,
    )


pages("dense", 1, 12, canvas.Dense(48, 0.9, 1.2, 3.0))
pages("usual", 1, 32, canvas.Dense())
pages("scale", 1, 12, canvas.Dense(20, scale=0.5))
pages("aspect", 2, 12, canvas.Dense(20, least_aspect=1.3))
pages("unset", 2, 12, canvas.Dense(20, most_aspect=1.3))
pages("single", 2, 1, canvas.Dense(20, 0.5))
pages("few", 4, 12, canvas.Dense(2, 0.5))
pages("none", 4, 12, canvas.Dense(-2, 0.5))


# --- covering


def plain_sum(items: Iterable[float]) -> float:
    """Add as `sum` does up to Python 3.11."""
    return functools.reduce(operator.add, items, 0)


def compensated_sum(items: Iterable[float]) -> float:
    """Add as `sum` does from Python 3.12 on: ints, then ints and floats that are not negative."""
    total: float = 0
    error = 0.0
    for item in items:
        if isinstance(total, float) and isinstance(item, float):
            rounded = total + item
            error += (total - rounded) + item if total >= item else (item - rounded) + total
            total = rounded
        else:
            total = total + item
    return total + error if error else total


@pytest.mark.skipif(sys.version_info < (3, 12), reason="the interpreter has the other sum")
def test_the_compensated_sum_is_pythons() -> None:
    rng = random.Random(0)
    for _ in range(2000):
        items = [rng.choice((rng.randint(0, 9**6), rng.random() * 9**6)) for _ in range(12)]
        assert compensated_sum(items) == sum(items)


def ovis2(height: int, width: int, tile: int, maximum: int, compensated: bool) -> Any:
    module = models("ovis2")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "sum", compensated_sum if compensated else plain_sum, raising=False)
        return module.get_min_tile_covering_grid.__wrapped__((height, width), tile, maximum)[::-1]


def covering(tile: int, maximum: int, compensated: bool) -> None:
    case(
        f"covering_grid{'_compensated' if compensated else ''}/{tile}_{maximum}",
        lambda h, w: covering_grid.covering_grid(h, w, tile, maximum, compensated=compensated),
        lambda h, w: ovis2(h, w, tile, maximum, compensated),
        170 if compensated else 70,
    )


for _compensated in (False, True):
    covering(384, 12, _compensated)
    covering(448, 9, _compensated)
    covering(100, 2, _compensated)


@pytest.mark.slow
@pytest.mark.parametrize("compensated", [False, True])
def test_covered_parts_are_those_of_transformers(compensated: bool) -> None:
    """To the last bit: the choice shows few of them. Sides at multiples of the tile have float and int areas mixed."""
    module = models("ovis2")
    add = compensated_sum if compensated else plain_sum
    tiles = covering_grid._covering_tiles(12)
    grids = module.get_all_supported_aspect_ratios(1, 12)
    edges = [384 * k + j for k in range(1, 13) for j in (-1, 0, 1, 2, 5)]
    rng = random.Random(0)
    sizes = [(rng.choice(edges), rng.choice([*edges, rng.randint(1, 900)])) for _ in range(150)]
    for height, width in [*sizes, *((b, a) for a, b in sizes), *shapes(200)]:
        found = covering_grid._covered(height, width, 384, tiles, compensated)
        for i, grid in enumerate(grids):
            regions = module.split_image_into_grid(height, width, grid)
            wanted = add(module.compute_patch_covering_area(*region, 384) for region in regions) / (width * height)
            assert num.take(found, i) == wanted, (height, width, grid)


def test_ways_of_adding_give_other_grids() -> None:
    settings = (1233, 1233, 384, 12)
    assert [covering_grid.covering_grid(*settings, compensated=c) for c in (False, True)] == [(3, 4), (3, 3)]
    assert [ovis2(*settings, c) for c in (False, True)] == [(3, 4), (3, 3)]


# --- Mllama


def mllama(height: int, width: int, tile: int, maximum: int) -> Any:
    module = models("mllama")
    found = tuple(int(side) for side in module.get_optimal_tiled_canvas(height, width, maximum, tile))
    fitted = tuple(int(side) for side in module.get_image_size_fit_to_canvas(height, width, *found, tile))
    grid = found[0] // tile, found[1] // tile
    (number,) = module.convert_aspect_ratios_to_ids_np([[grid]], maximum).reshape(-1).tolist()
    mask = module.build_aspect_ratio_mask_np([[grid]], maximum).reshape(-1).tolist()
    return found, fitted, grid, number, tuple(mask)


for _tile, _maximum in ((224, 4), (560, 4), (448, 12), (560, 1)):
    case(
        f"tiled_canvas/{_tile}_{_maximum}",
        lambda h, w, tile=_tile, maximum=_maximum: canvas.tiled_canvas(h, w, tile, maximum),
        lambda h, w, tile=_tile, maximum=_maximum: mllama(h, w, tile, maximum),
    )


# --- Gemma3


def pan_and_scan(height: int, width: int, least_side: int, most: int, ratio: float) -> Any:
    crops = models("gemma3").Gemma3ImageProcessorPil.pan_and_scan(None, image(height, width), least_side, most, ratio)
    return [crop.shape[1:] for crop in crops]


def crops_of(height: Any, width: Any, *settings: Any) -> Any:
    """Make the crops of `pan_and_scan` above from the rule's numbers."""
    active, grid, crop = slices.pan_and_scan(height, width, *settings)
    assert active == (grid.rows * grid.columns > 0)
    return [
        (max(0, min(crop[0], height - row * crop[0])), max(0, min(crop[1], width - column * crop[1])))
        for row in range(grid.rows)
        for column in range(grid.columns)
    ]


GEMMA = ((256, 4, 1.2), (32, 4, 1.0), (1, 9, 2.5), (50, 1, 1.5), (100, 3, 0.0))


@pytest.mark.parametrize("settings", GEMMA)
def test_pan_and_scan_gives_the_crops_of_transformers(settings: tuple[int, int, float]) -> None:
    for height, width in shapes(INTS):
        assert crops_of(height, width, *settings) == pan_and_scan(height, width, *settings), (height, width)


# --- Idefics2, Idefics3, SmolVLM


def recorded(function: Callable[..., Any], *args: Any) -> Any:
    """Return the size that a method asks its processor to resize to."""
    found = []
    function(SimpleNamespace(resize=lambda image, size, resample=None: found.append((size.height, size.width))), *args)
    return found[-1]


def idefics2(height: int, width: int, longest: int, shortest: int) -> Any:
    from transformers.image_utils import SizeDict

    size = SizeDict(shortest_edge=shortest, longest_edge=longest)
    return models("idefics2").get_resize_output_image_size(image(height, width), size)


for _longest, _shortest in ((980, 378), (300, 300), (100, 200), (77, 1)):
    case(
        f"within_long_side/{_longest}_{_shortest}",
        lambda h, w, a=_longest, b=_shortest: slices.within_long_side(h, w, a, b),
        lambda h, w, a=_longest, b=_shortest: idefics2(h, w, a, b),
        30,
    )


def to_long_side(name: str, longest: int) -> None:
    case(
        f"to_long_side/{name}_{longest}",
        lambda h, w: slices.to_long_side(h, w, longest),
        lambda h, w: models(name).get_resize_output_image_size(image(h, w), longest),
        60,
    )


to_long_side("idefics3", 1456)
to_long_side("smolvlm", 2048)
to_long_side("idefics3", 365)
to_long_side("smolvlm", 4096)
to_long_side("idefics3", 4095)
to_long_side("idefics3", 5001)


def tile_split(name: str, height: int, width: int, tile: int) -> Any:
    module = models(name)
    processor = module.Idefics3ImageProcessorPil if name == "idefics3" else module.SmolVLMImageProcessorPil
    size = recorded(processor.resize_for_vision_encoder, image(height, width), tile)
    resizing = SimpleNamespace(resize=lambda image, size, resample=None: image)
    _, rows, columns = processor.split_images(resizing, image(*size), {"longest_edge": tile})
    return size, (rows, columns)


for _name, _tile in (("idefics3", 364), ("smolvlm", 512), ("smolvlm", 77)):
    case(
        f"tile_split/{_name}_{_tile}",
        lambda h, w, tile=_tile: slices.tile_split(h, w, tile),
        lambda h, w, name=_name, tile=_tile: tile_split(name, h, w, tile),
        40,
    )

case(
    "idefics3_both",
    lambda h, w: slices.tile_split(*slices.to_long_side(h, w, 1456), 364),
    lambda h, w: tile_split("idefics3", *models("idefics3").get_resize_output_image_size(image(h, w), 1456), 364),
)


# --- UltraVBert


def ultravbert(height: int, width: int, longest: int, tile: int, most: int) -> tuple[int]:
    """Return the steps of an image, one longest edge after another, by the functions of Idefics3."""
    while longest > tile:
        fitted = models("idefics3").get_resize_output_image_size(image(height, width), longest)
        whole, _ = tile_split("idefics3", *fitted, tile)
        if whole[0] // tile * (whole[1] // tile) <= most:
            break
        longest -= tile
    return (longest,)


for _longest, _tile, _most in ((3072, 512, 27), (150, 50, 6), (333, 30, 40), (5000, 700, 3), (40, 50, 2)):
    case(
        f"capped_long_side/{_longest}_{_tile}_{_most}",
        lambda h, w, a=_longest, b=_tile, c=_most: (slices.capped_long_side(h, w, a, b, c),),
        lambda h, w, a=_longest, b=_tile, c=_most: ultravbert(h, w, a, b, c),
        80,
    )


def test_the_steps_are_those_of_transformers() -> None:
    module = importlib.import_module("transformers.models.ultravbert.image_processing_ultravbert")
    for height, width in shapes(VARIANTS):
        for settings in ((3072, 512, 27), (333, 30, 7)):
            assert ultravbert(height, width, *settings) == (module.get_capped_longest_edge(height, width, *settings),)


# --- MiniCPM


def minicpm(height: int, width: int, most: int, side: int, patch: int, mode: str) -> Any:
    processor = models("minicpmv4_6").MiniCPMV4_6ImageProcessorPil
    methods = SimpleNamespace(find_best_resize=lambda **k: processor.find_best_resize(None, **k))
    grid = processor.get_sliced_grid(None, (height, width), most, side)
    source = processor.find_best_resize(None, (height, width), side, patch, mode, allow_upscale=grid is None)
    refined = processor.get_refine_size(methods, (height, width), grid or [1, 1], side, patch, mode, allow_upscale=True)
    rows, columns = grid or [1, 1]
    return source, tuple(grid or [0, 0]), (refined[0] // rows, refined[1] // columns), refined


MINICPM = ((9, 448, 14, "16x"), (9, 448, 14, "4x"), (1, 448, 14, "16x"), (2, 100, 8, "4x"), (20, 64, 2, "4x"))
for _most, _side, _patch, _mode in MINICPM:
    case(
        f"slices/{_most}_{_side}_{_mode}",
        lambda h, w, a=_most, b=_side, c=_patch * (2 if _mode == "4x" else 4): slices.slices(h, w, a, b, c),
        lambda h, w, a=_most, b=_side, c=_patch, d=_mode: minicpm(h, w, a, b, c, d),
        120,
    )


def native(height: int, width: int, most: int, side: int, patch: int) -> Any:
    """Slice as `minicpm` with "4x", but let small images keep their size, to the next multiple."""
    processor = models("minicpmv4_6").MiniCPMV4_6ImageProcessorPil
    source = processor.find_best_resize(None, (height, width), side, patch, "4x", allow_upscale=False)
    return source, *minicpm(height, width, most, side, patch, "4x")[1:]


for _most, _side, _patch in ((9, 448, 14), (1, 100, 8)):
    case(
        f"slices_without_enlarging/{_most}_{_side}",
        lambda h, w, a=_most, b=_side, c=_patch * 2: slices.slices(h, w, a, b, c, enlarging=False),
        lambda h, w, a=_most, b=_side, c=_patch: native(h, w, a, b, c),
        130,
    )


@pytest.mark.slow
def test_shapes_in_the_middle_of_two_grids() -> None:
    """The source's logarithms decide them, not always for more rows; every such shape up to 20 slices."""
    get_grid = models("minicpmv4_6").MiniCPMV4_6ImageProcessorPil.get_sliced_grid
    tried = 0
    for height, width in ((a, b) for a in range(1, 41) for b in range(1, 41)):
        for unit in (1, 7, 30):
            for most, side in ((9, 20), (9, 64), (20, 50)):
                wanted = get_grid(None, (height * unit, width * unit), most, side) or [0, 0]
                assert list(slices.slices(height * unit, width * unit, most, side, 4).grid) == wanted
                tried += 1
    assert tried == 14400


# --- Step 3.7


def planned(height: Any, width: Any, settings: tuple[int, int, int]) -> Any:
    return windows.snapped_windows(height, width, *settings)


for _settings in ((728, 504, 3024), (60, 40, 200), (300, 500, 900), (728, 33, 100)):
    case(
        "snapped_windows/{}_{}_{}".format(*_settings),
        lambda h, w, settings=_settings: planned(h, w, settings),
        lambda h, w, settings=_settings: step3p7(h, w, *settings) or planned(h, w, settings),
        90,
    )


# --- Eomt


def eomt(height: int, width: int, side: int) -> Any:
    from transformers.image_utils import SizeDict

    patches, offsets = models("eomt").EomtImageProcessorPil._split_image(
        None, image(height, width), SizeDict(shortest_edge=side), 0
    )
    return [patch.shape[1:] for patch in patches], [start for _, start, _ in offsets]


@pytest.mark.parametrize("side", [640, 100, 7])
def test_windows_are_those_of_transformers(side: int) -> None:
    pytest.importorskip("torch")
    for height, width in shapes(INTS):
        found = windows.windows(height, width, side)
        starts = [found.start(i) for i in range(num.known(found.number))]
        patches, wanted = eomt(height, width, side)
        assert starts == wanted, (height, width)
        length = [min(side, (height if found.tall else width) - start) for start in starts]
        assert [(n, width) if found.tall else (height, n) for n in length] == patches


def traced_windows(side: int) -> Callable[[Any, Any], Any]:
    def rule(height: Any, width: Any) -> Any:
        found = windows.windows(height, width, side)
        return found.tall, found.number, found.overlap, tuple(found.start(i) for i in range(3))

    return rule


# --- every rule

FIRSTS = {name.split("/")[0]: name for name in reversed(CASES)}.values()
"""The first case of each rule."""
TRACED_ALONE: dict[str, Callable[[Any, Any], Any]] = {
    **{f"pan_and_scan_{i}": lambda h, w, s=s: slices.pan_and_scan(h, w, *s) for i, s in enumerate(GEMMA)},
    "windows_640": traced_windows(640),
    "windows_7": traced_windows(7),
}


@pytest.mark.parametrize("name", tiers.rows(CASES, FIRSTS))
def test_ints_give_what_transformers_gives(name: str) -> None:
    for height, width in shapes(CASES[name].tries):
        found = list(flat(CASES[name].rule(height, width)))
        assert found == list(flat(tuple(CASES[name].oracle(height, width)))), (height, width)
        assert all(type(x) is int for x in found)


@pytest.mark.parametrize("name", tiers.rows([*CASES, *TRACED_ALONE], [*FIRSTS, "pan_and_scan_0", "windows_7"]))
def test_expressions_give_what_ints_give(name: str) -> None:
    rule = CASES[name].rule if name in CASES else TRACED_ALONE[name]
    traced = list(flat(rule(H, W)))
    run = run_expressions(traced, SYMBOLS)
    for height, width in shapes(TRACED, seed=1):
        expected = list(flat(rule(height, width)))
        memo: dict[num.Sym, Any] = {}
        assert [num.evaluate(x, {"height": height, "width": width}, memo) for x in traced] == expected, (height, width)
        assert run(height=height, width=width) == expected, (height, width)
        assert all(num.low(x) <= v <= num.high(x) for x, v in zip(traced, expected, strict=True) if num.kind_of(x) != "bool")
        assert [type(x) for x in expected] == [{"int": int, "float": float, "bool": bool}[num.kind_of(x)] for x in traced]


@pytest.mark.parametrize("name", CASES)
def test_graphs_are_small_and_run_on_gpus(name: str) -> None:
    """A rule of scalars alone would have thousands of nodes."""
    g = GraphBuilder("cuda", 18, 0)
    for symbol in SYMBOLS:
        g.symbol(symbol, ir.Value(name=symbol, shape=ir.Shape([1]), type=ir.TensorType(ir.DataType.INT64)))
    for x in flat(CASES[name].rule(H, W)):
        g.num(x)
    assert len(g.nodes) <= CASES[name].most_nodes
    for node in g.nodes:
        data = node.inputs[1 if node.op_type == "Where" else 0]
        assert data is not None
        assert g.dtype(data) in CUDA_KERNELS[node.op_type]


# --- fixed cases and refusals


def test_ties_go_to_the_smaller_canvas_and_then_to_the_first() -> None:
    assert canvas.best_resolution(100, 100, [(200, 400), (400, 200), (200, 200), (300, 200)], 100).choice == 2
    assert canvas.best_resolution(100, 100, [(200, 400), (400, 200)], 100).choice == 0


def test_grids_of_one_shape_go_by_the_area_of_the_image() -> None:
    assert [tuple(canvas.grid_by_aspect(side, side, (100, 100), 1, 9)) for side in (50, 142, 213)] == [(1, 1), (2, 2), (3, 3)]


def test_nothing_in_range_is_a_single_tile() -> None:
    assert canvas.grid_by_aspect(H, W, (100, 100), 5, 4) == (1, 1)
    assert slices.slices(H, W, 1, 448, 56).grid == (0, 0)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: canvas.best_resolution(3, 4, [], 5), "expected at least one"),
        (lambda: covering_grid.covering_grid(3, 4, 5, 0, compensated=False), "max_patches: expected at least 1, got 0"),
        (lambda: canvas.grid_by_scale(3, 4, 5, 0), "max_patches: expected at least 1, got 0"),
        (lambda: canvas.tiled_canvas(3, 4, 5, 0), "max_image_tiles: expected at least 1, got 0"),
        (lambda: slices.capped_long_side(3, 4, 10_001, 1, 5), "size: expected a longest_edge of at most 10000 tiles"),
        (lambda: slices.pan_and_scan(3, 4, 5, 0, 1.2), "pan_and_scan_max_num_crops: expected at least 1, got 0"),
    ],
)
def test_settings_without_a_meaning_are_refused(make: Callable[[], Any], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        make()
