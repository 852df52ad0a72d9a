"""Checking graphs against the numpy reference."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper
from PIL import Image

import graphproc as gp
from graphproc.errors import GraphError, ImageError
from graphproc.wrappers.examples import DEFAULT_SIZES, default_images, in_color, photograph
from graphproc.wrappers.verify import read_images, verify

SMALL = gp.CLIPImageProcessor(size=40, crop_size=32)


def spoiled(model: onnx.ModelProto, by: float = 1e-3) -> onnx.ModelProto:
    """Return the graph with something added to its first output."""
    copy = onnx.ModelProto.FromString(model.SerializeToString())
    name = copy.graph.output[0].name
    for node in copy.graph.node:
        for index, output in enumerate(node.output):
            if output == name:
                node.output[index] = "before"
    copy.graph.initializer.append(numpy_helper.from_array(np.float32(by), "spoil"))
    copy.graph.node.append(helper.make_node("Add", ["before", "spoil"], [name]))
    return copy


def test_a_right_graph_has_no_difference(tmp_path: Path) -> None:
    report = verify(SMALL.export(tmp_path / "graph.onnx"))
    assert report.ok
    assert report.processor == "CLIPImageProcessor"
    assert report.parity == str(SMALL.compile().parity)
    assert [c.image for c in report.comparisons] == [str(i) for i in range(len(DEFAULT_SIZES))]
    assert all(c.elements == 3 * 32 * 32 and c.output == "pixel_values" for c in report.comparisons)


def test_a_graph_is_taken_in_every_form() -> None:
    model = SMALL.to_onnx()
    image = [photograph()]
    assert verify(model, image) == verify(model.SerializeToString(), image) == verify(gp.Session(model), image)


def test_a_wrong_graph_is_told_from_a_right_one() -> None:
    report = verify(spoiled(SMALL.to_onnx()), photograph())
    (comparison,) = report.comparisons
    assert not report.ok
    assert comparison.differing == comparison.elements == 3072
    assert comparison.max_difference == pytest.approx(1e-3, rel=1e-2)


def test_settings_other_than_the_graphs_are_noticed() -> None:
    model = SMALL.to_onnx()
    for entry in model.metadata_props:
        if entry.key == "graphproc.config":
            entry.value = json.dumps({**json.loads(entry.value), "resample": 2})
    assert not verify(model, photograph()).ok


def test_a_result_of_another_shape_is_an_error() -> None:
    model = SMALL.to_onnx()
    for entry in model.metadata_props:
        if entry.key == "graphproc.config":
            entry.value = json.dumps({**json.loads(entry.value), "crop_size": 30})
    with pytest.raises(GraphError, match=r"pixel_values: expected float32\[1, 3, 30, 30\], the graph gave"):
        verify(model, photograph())


@pytest.mark.parametrize("color", ["rgb", "bgr", "rgba", "gray"])
@pytest.mark.parametrize("input", ["batch", "image"])
def test_every_kind_of_input(color: str, input: str) -> None:
    assert verify(SMALL.to_onnx(color=color, input=input), [photograph(), photograph()[:50, :31]]).ok


def test_a_graph_of_one_size() -> None:
    model = SMALL.to_onnx(image_size=(50, 70))
    report = verify(model)
    assert report.ok
    assert len(report.comparisons) == 2
    with pytest.raises(ImageError, match="image 0: the graph is fixed to 50 x 70 pixels, got 300 x 451"):
        verify(model, photograph())


def test_sizes_that_the_settings_refuse_are_not_tried() -> None:
    """Perceiver's crop of a single pixel has none, which without a resize leaves no image."""
    report = verify(gp.PerceiverImageProcessor(size=30, crop_size=40, do_resize=False).to_onnx())
    assert report.ok
    assert 0 < len(report.comparisons) < len(DEFAULT_SIZES)


@pytest.mark.slow
def test_images_of_the_caller(tmp_path: Path) -> None:
    path = tmp_path / "a.png"
    Image.fromarray(photograph()).save(path)
    report = verify(SMALL.to_onnx(), [path, photograph()])
    assert [c.image for c in report.comparisons] == [str(path), "1"]
    with pytest.raises(ImageError, match="expected uint8 pixels"):
        verify(SMALL.to_onnx(), photograph() / 255)
    with pytest.raises(ImageError, match="found nothing at this path"):
        verify(SMALL.to_onnx(), tmp_path / "none.png")


def test_progress_sees_the_images_and_their_number() -> None:
    seen: list[int] = []

    def progress(items: Iterable[Any], total: int) -> Iterable[Any]:
        for item in items:
            seen.append(total)
            yield item

    verify(SMALL.to_onnx(), [photograph(), photograph()], progress=progress)
    assert seen == [2, 2]


def test_a_report_is_plain_data() -> None:
    report = verify(SMALL.to_onnx(), photograph())
    data = json.loads(json.dumps(report.as_dict()))
    assert data["ok"] is True
    assert data["comparisons"][0]["shape"] == [1, 3, 32, 32]


def test_graphs_of_others_are_refused() -> None:
    x, y = (helper.make_tensor_value_info(name, TensorProto.FLOAT, [1]) for name in "xy")
    graph = helper.make_graph([helper.make_node("Identity", ["x"], ["y"])], "g", [x], [y])
    model = helper.make_model(graph, ir_version=8, opset_imports=[helper.make_opsetid("", 18)])
    with pytest.raises(GraphError, match="was not written by graphproc"):
        verify(model)


def test_the_photograph_is_a_photograph() -> None:
    pixels = photograph()
    assert (pixels.dtype, pixels.shape) == (np.uint8, (300, 451, 3))
    assert pixels.std() > 30
    assert len(np.unique(pixels.reshape(-1, 3), axis=0)) > 1000


def test_default_images_are_the_same_each_time() -> None:
    first, second = default_images(), default_images()
    assert [a.shape[:2] for a in first] == list(DEFAULT_SIZES)
    assert all((a == b).all() for a, b in zip(first, second, strict=True))
    assert {a.shape for a in default_images((20, 30))} == {(20, 30, 3)}


def test_read_images_reads_rgb() -> None:
    (pixels,) = read_images(Image.new("L", (4, 3), 7))
    assert pixels.shape == (3, 4, 3)
    assert (pixels == 7).all()


def test_colour_orders() -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (5, 6, 3), dtype=np.uint8)
    assert (in_color(pixels, "bgr") == pixels[..., [2, 1, 0]]).all()
    assert (in_color(pixels, "gray") == pixels[..., 1:2]).all()
    rgba = in_color(pixels, "rgba")
    assert (rgba[..., :3] == pixels).all()
    assert (rgba[0, 0, 3], rgba[-1, -1, 3]) == (0, 255)
    assert in_color(pixels, "rgb") is pixels
