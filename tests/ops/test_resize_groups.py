"""How a resize is cut into blocks, groups and chunks, and that no seam shows."""

from __future__ import annotations

import numpy as np
import pytest

import graphproc
from graphproc.emitters.onnx.builder import GraphBuilder
from graphproc.ops.resize.bands import GROUP_BYTES, block_groups, block_length
from graphproc.ops.resize.forms import CPU_APART_TAPS, CPU_FLOAT32_TAPS, choose_form


@pytest.mark.parametrize("columns", [3, 672, 3198, 100_000])
def test_groups_hold_every_output_and_few_more(columns: int) -> None:
    g = GraphBuilder("cpu", 18, leading=0)
    for count in (1, 7, 8, 9, 224, 427, 800, 1333):
        length = block_length(count)
        groups, blocks = block_groups(g, count, length, columns)
        assert isinstance(groups, int)
        assert isinstance(blocks, int)
        assert groups * blocks * length >= count
        assert (groups * blocks - groups) * length < count  # each group wastes less than a block
        assert blocks <= 2 or blocks * length * columns <= GROUP_BYTES


def test_only_cpus_take_groups() -> None:
    assert block_groups(GraphBuilder("cuda", 18, leading=0), 800, 8, 3198) == (1, 100)


def test_forms_by_taps() -> None:
    few, some, many = (choose_form("cpu", taps)[0] for taps in (CPU_APART_TAPS, CPU_FLOAT32_TAPS, CPU_FLOAT32_TAPS + 1))
    assert (few.name, few.apart, few.stacked) == ("float32", True, 1)
    assert (some.name, some.apart, some.stacked) == ("float32", False, 2)
    assert many.name == "int8"


@pytest.mark.parametrize("resample", [2, 3])
@pytest.mark.parametrize(("height", "width"), [(70, 91), (333, 200), (149, 610)])
@pytest.mark.parametrize("fixed", [False, True])
def test_no_seam_shows_in_batches_of_any_size(height: int, width: int, resample: int, fixed: bool) -> None:
    """Several images, several chunks, a last group that is not full, enlarging and reducing."""
    from graphproc.runtime.session import Session

    processor = graphproc.DetrImageProcessor(size={"shortest_edge": 150, "longest_edge": 400}, resample=resample)
    images = np.random.default_rng(height).integers(0, 256, (3, height, width, 3), dtype=np.uint8)
    graph = processor.to_onnx(image_size=(height, width)) if fixed else processor.to_onnx()
    got = Session(graph, threads=1).run({"images": images})["pixel_values"]
    want = processor.preprocess(list(images), return_tensors="np", engine="numpy")["pixel_values"]
    np.testing.assert_array_equal(got, want)
