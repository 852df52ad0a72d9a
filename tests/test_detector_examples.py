"""The detectors among the examples, without their packages: what is around the models, against OpenCV and numpy."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path

import numpy as np
import onnx
import pytest
import support.nets as nets
from onnx import helper
from oracles.pixels import opencv_nms
from support.graphs import assert_same, ort

import graphproc as gp
from graphproc.emitters.onnx.emit import EmitOptions, emit
from graphproc.executors.reference import run

cv2 = pytest.importorskip("cv2")
FOLDER = Path(__file__).resolve().parent.parent / "tools" / "examples"


def load(name):
    """Load a module of tools/examples, which imports its neighbour `page` as scripts do."""
    spec = importlib.util.spec_from_file_location(f"tools_{name}", FOLDER / f"{name}.py")
    module = sys.modules[spec.name] = importlib.util.module_from_spec(spec)
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(FOLDER))
        spec.loader.exec_module(module)
    return module


layout, text = load("layout"), load("text_detection")
CELLS = (100 * 76, 50 * 38, 25 * 19, 13 * 10)
MEAN, STD = np.array([0.485, 0.456, 0.406]), np.array([0.229, 0.224, 0.225])


def prepared(pixels, height, width, mean, std):
    """Compute what the packages do: OpenCV's resize of BGR bytes, scaled in float32, the rest in float64."""
    resized = cv2.resize(np.ascontiguousarray(pixels[..., ::-1]), (width, height))
    scaled = (resized.astype(np.float32) * (1 / 255) - mean) / std
    return np.ascontiguousarray(scaled.transpose(2, 0, 1)[None].astype(np.float32))


@pytest.mark.parametrize("size", [(1600, 1216), (300, 200), (77, 901), (800, 608)], ids=str)
def test_layout_preprocessing(size, rng):
    pixels = rng.integers(0, 256, (*size, 3), dtype=np.uint8)
    expected = prepared(pixels, 800, 608, MEAN, STD)
    program = layout.preprocessing()
    assert_same(run(program, {"image": pixels})["pixel_values"], expected[0])
    assert_same(ort(emit(program, EmitOptions(input="image")))({"image": pixels})["pixel_values"], expected)


@pytest.mark.parametrize(
    ("size", "new"),
    [((900, 800), (896, 800)), ((100, 150), (736, 1088)), ((752, 784), (768, 768)), ((753, 751), (768, 736))],
    ids=str,
)
def test_text_preprocessing(size, new, rng):
    """752 / 32 and 784 / 32 are 23.5 and 24.5: halves go to the even number."""
    pixels = rng.integers(0, 256, (*size, 3), dtype=np.uint8)
    assert text.fit(*size) == new
    expected = prepared(pixels, *new, np.full(3, 0.5), np.full(3, 0.5))
    run_graph = ort(emit(text.preprocessing(), EmitOptions(input="image")))
    assert_same(run_graph({"image": pixels})["pixel_values"], expected)


@pytest.mark.parametrize("share", [0.02, 0.5])
def test_text_bitmap(share, rng):
    chances = (rng.random((2, 1, 32, 64)) * 0.3 / (1 - share)).astype(np.float32)
    chances[0, 0, 3, 5] = np.float32(0.3)  # not above it
    found = ort(emit(text.postprocessing(), EmitOptions()))({"chances": chances})
    assert_same(found["text_map"], chances)
    kernel = np.ones((2, 2), dtype=np.uint8)
    expected = [cv2.dilate((c[0] > np.float32(0.3)).astype(np.uint8), kernel) for c in chances]
    assert_same(found["bitmap"], np.stack(expected)[:, None])


def detections(rng, above):
    """Return a model's outputs, scores and distances of four levels, with a given number of scores above a half."""
    scores = [(rng.random((1, n, 10)) * 0.5).astype(np.float32) for n in CELLS]
    for _ in range(above):
        level = scores[int(rng.integers(0, 4))]
        level[0, rng.integers(0, level.shape[1]), rng.integers(0, 10)] = rng.uniform(0.5, 1)
    return scores, [rng.normal(0, 2, (1, n, 32)).astype(np.float32) for n in CELLS]


def decoded(scores, distances, height, width):
    """Decode by the definition in float64, suppress by OpenCV; return (score, label, box) of what is found, best first."""
    boxes, chosen = [], []
    for stride, s, d in zip((8, 16, 32, 64), scores, distances, strict=True):
        columns = -(-608 // stride)
        shares = np.exp(d[0].reshape(-1, 4, 8).astype(np.float64))
        sides = (shares / shares.sum(-1, keepdims=True)) @ np.arange(8) * stride
        y, x = np.divmod(np.arange(len(sides)), columns)
        center = np.stack([x, y, x, y], axis=1) * stride + stride / 2
        best = np.argsort(-s[0].max(axis=1), kind="stable")[:1000]
        boxes.append((center + sides * [-1, -1, 1, 1])[best])
        chosen.append(s[0][best])
    boxes, chosen = np.concatenate(boxes), np.concatenate(chosen)
    kept = opencv_nms(boxes, chosen.T, 0.5, 0.5, 100, 200)
    labels, queries = np.nonzero(kept)
    order = np.argsort(-chosen[queries, labels], kind="stable")[:100]
    labels, queries = labels[order], queries[order]
    scale = np.array([width / 608, height / 800] * 2)
    on_page = boxes[queries].clip(0, [608, 800, 608, 800]) * scale
    return chosen[queries, labels], labels, on_page


def clusters(count, classes):
    """Return groups of 25 overlapping boxes of a class, each with lower scores than the one before; one box of each stays."""
    scores = [np.zeros((1, n, 10), dtype=np.float32) for n in CELLS]
    distances = [np.zeros((1, n, 32), dtype=np.float32) for n in CELLS]
    distances[0].reshape(-1, 4, 8)[..., 7] = 20  # seven cells to each side
    for cluster in range(count):
        row, column = 5 + 11 * (cluster // 6), 5 + 11 * (cluster % 6)
        for number, (down, right) in enumerate(np.ndindex(5, 5)):
            cell = (row + (down + 2) % 5 - 2) * 76 + column + (right + 2) % 5 - 2
            scores[0][0, cell, cluster % classes] = 0.99 - 0.008 * cluster - 1e-4 * number
    return scores, distances


def check_layout(scores, distances):
    """Run the numpy reference and the graph on a model's outputs and compare with `decoded`; return the number of boxes."""
    expected = decoded(scores, distances, 1100, 850)
    program = layout.postprocessing()
    inputs = {f"scores_{s}": x for s, x in zip(layout.STRIDES, scores, strict=True)}
    inputs |= {f"distances_{s}": x for s, x in zip(layout.STRIDES, distances, strict=True)}
    size = {"target_size": np.array([1100, 850])}
    of_graph = ort(emit(program, EmitOptions(batch_size=1)))({**inputs, **size})
    of_reference = run(program, {**{name: x[0] for name, x in inputs.items()}, **size})
    for found in ({name: x[0] for name, x in of_graph.items()}, of_reference):
        count = int(found["count"][0])
        assert count == len(expected[0])
        assert_same(found["scores"][:count], expected[0])
        assert not found["scores"][count:].any()
        np.testing.assert_array_equal(found["labels"][:count], expected[1])
        np.testing.assert_allclose(found["boxes"][:count], expected[2], rtol=0, atol=layout.BOUND_PIXELS)
    return count


@pytest.mark.parametrize("above", [0, 1, 60, 3000])
def test_layout_postprocessing(above, rng):
    count = check_layout(*detections(rng, above))
    assert (count == 0) == (above == 0)


@pytest.mark.parametrize(("groups", "classes", "left"), [(7, 1, 7), (10, 1, 8), (44, 10, 40)])
def test_layout_looks_at_so_many_candidates(groups, classes, left):
    """200 of a class, of 1000 cells of a level."""
    assert check_layout(*clusters(groups, classes)) == left


@pytest.mark.slow
def test_layout_in_one_graph(tmp_path, rng):
    """Around a model that gives the same for every page."""
    scores, distances = detections(rng, 40)
    values = dict(enumerate((*scores, *distances)))
    nodes = [
        helper.make_node("ReduceSum", ["image"], ["sum"], keepdims=0),
        helper.make_node("Mul", ["sum", "zero"], ["nothing"]),
        *(helper.make_node("Add", [f"value_{n}", "nothing"], [f"out_{n}"]) for n in values),
    ]
    weights = [nets.tensor("zero", np.float32(0)), *(nets.tensor(f"value_{n}", x) for n, x in values.items())]
    outputs = {f"out_{n}": (nets.FLOAT, x.shape) for n, x in values.items()}
    onnx.save(nets.model(nodes, {"image": (nets.FLOAT, (1, 3, 800, 608))}, outputs, weights, 13), tmp_path / "model.onnx")
    layout.build(tmp_path / "model.onnx", tmp_path / "fused.onnx")
    session = gp.Session(tmp_path / "fused.onnx")
    for size in ((300, 200), (640, 900)):
        expected = decoded(scores, distances, *size)
        found = session(layout.page(*size))
        count = int(found["count"][0, 0])
        np.testing.assert_array_equal(found["labels"][0, :count], expected[1])
        np.testing.assert_allclose(found["boxes"][0, :count], expected[2], rtol=0, atol=layout.BOUND_PIXELS)
    assert session.inputs == ["image"]


def test_a_page_is_drawn(tmp_path):
    drawn = layout.page(320, 240, 3)
    assert drawn.shape == (320, 240, 3)
    assert_same(layout.page(320, 240, 3), drawn)
    layout.draw_boxes(drawn, [([(10, 10), (90, 10), (90, 50), (10, 50)], "text 0.5")], tmp_path / "page.png")
    assert (cv2.imread(str(tmp_path / "page.png"))[..., ::-1] != drawn).any()
