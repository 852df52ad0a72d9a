"""Joints of persons, against transformers: VitPose."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
import transformers
from support.graphs import ort

import graphproc as gp
from graphproc.errors import ConfigError, ImageError
from graphproc.postprocessing.pose import PARITY
from graphproc.postprocessing.registry import lookup

METHOD = "post_process_pose_estimation"
JOINTS, HEIGHT, WIDTH = 6, 32, 24
BOXES = [
    [[412.8, 157.61, 53.05, 138.01], [384.43, 172.21, 15.12, 35.74]],
    [],
    [[0, 0, 640, 100], [3.25, 9.0, 31.0, 77.7], [1, 2, 3, 4]],
]
"""(x, y, width, height) of the persons in three images: higher and wider than the crop, none, whole numbers."""
FLAT = [box for of_image in BOXES for box in of_image]
SHARES = [[[0.2, 0.3, 0.4, 0.5], [0.1, 0.2, 0.3, 0.4]], [[0.0, 0.0, 1.0, 1.0]]]
SIZES = [(480, 640), (480, 640), (31, 17)]


def heatmaps(count: int, sigma: float = 2.0, noise: float = 0.0) -> torch.Tensor:
    """Return a peak for each joint, between pixels and at the edges."""
    rng = np.random.default_rng((count, 7))
    rows, columns = (
        np.exp(-((np.arange(n) - rng.uniform(0, n - 1, (count, JOINTS, 1))) ** 2) / (2 * sigma * sigma)) for n in (HEIGHT, WIDTH)
    )
    maps = rng.uniform(0.1, 0.9, (count, JOINTS, 1, 1)) * rows[..., None] * columns[..., None, :]
    return torch.from_numpy((maps + noise * rng.standard_normal(maps.shape)).astype(np.float32))


def outputs(maps: torch.Tensor) -> Any:
    return SimpleNamespace(heatmaps=maps)


def expected(maps: torch.Tensor, boxes: Any, **options: Any) -> Any:
    processor = transformers.VitPoseImageProcessor()
    return processor.post_process_pose_estimation(outputs(maps), [np.array(b) for b in boxes], **options)


def pixel(bbox: Any) -> np.ndarray:
    """Return the size (x, y) of a heatmap's pixel in the image; boxes are given as centre and centre + scale - 1."""
    scale = np.asarray(bbox)[2:] + 1 - np.asarray(bbox)[:2]
    return scale * 200 / (WIDTH - 1, HEIGHT - 1)


def assert_poses(found: Any, wanted: Any, bound: float) -> None:
    """Assert the same nesting, names, types and values, and keypoints within a share of a heatmap's pixel."""
    assert [len(image) for image in found] == [len(image) for image in wanted]
    pairs = [pair for images in zip(found, wanted, strict=True) for pair in zip(*images, strict=True)]
    for pose, reference in pairs:
        assert list(pose) == list(reference)
        assert all(type(pose[name]) is type(reference[name]) for name in pose)
        for name in ("scores", "labels", "bbox") if bound else pose:
            np.testing.assert_array_equal(pose[name], reference[name], strict=True)
        assert pose["keypoints"].shape == reference["keypoints"].shape
        assert pose["keypoints"].dtype == reference["keypoints"].dtype
        distance = np.abs(np.asarray(pose["keypoints"]) - np.asarray(reference["keypoints"]))
        last_place = 2 * np.spacing(np.abs(np.asarray(reference["keypoints"])) + 100)
        assert (distance <= bound * pixel(reference["bbox"]) + bool(bound) * last_place).all()


both_engines = pytest.mark.parametrize(("engine", "bound"), [("numpy", 0), ("onnxruntime", PARITY.bound)])


@both_engines
@pytest.mark.parametrize("options", [{}, {"threshold": 0.5}, {"kernel_size": 5}, {"kernel_size": 4}, {"threshold": 2}], ids=str)
def test_persons_of_several_images(options: dict[str, Any], engine: str, bound: float) -> None:
    processor = gp.VitPoseImageProcessor(engine=engine)
    for sigma, noise in ((2.0, 0.0), (2.0, 0.01), (9.0, 0.0)):  # the last curves by 1 / 81
        maps = heatmaps(len(FLAT), sigma, noise)
        found = processor.post_process_pose_estimation(outputs(maps), BOXES, **options)
        assert_poses(found, expected(maps, BOXES, **options), bound)
    kept = {len(pose["labels"]) for image in found for pose in image}
    assert kept == {JOINTS} if "threshold" not in options else kept != {JOINTS}


@both_engines
def test_boxes_as_shares_and_other_crops(engine: str, bound: float) -> None:
    maps = heatmaps(len(SIZES))
    processor = gp.VitPoseImageProcessor(engine=engine)
    found = processor.post_process_pose_estimation(outputs(maps), SHARES, target_sizes=torch.tensor(SIZES))
    assert_poses(found, expected(maps, SHARES, target_sizes=SIZES), bound)
    size = {"height": 100, "width": 300}
    found = gp.VitPoseImageProcessor(engine=engine, size=size).post_process_pose_estimation(outputs(maps), SHARES)
    other = transformers.VitPoseImageProcessor(size=size)
    wanted = other.post_process_pose_estimation(outputs(maps), SHARES)
    assert_poses(found, wanted, bound)


@both_engines
def test_joints_that_are_nowhere(engine: str, bound: float) -> None:
    """Try one box, because with more transformers reads another box's heatmaps for such a joint."""
    maps = heatmaps(1)
    maps[0, 0], maps[0, 3] = -0.25, 0.0
    processor = gp.VitPoseImageProcessor(engine=engine)
    found = processor.post_process_pose_estimation(outputs(maps), [FLAT[:1]])
    assert_poses(found, expected(maps, [FLAT[:1]]), bound)
    kept = processor.post_process_pose_estimation(outputs(maps), [FLAT[:1]], threshold=0)[0][0]["labels"].tolist()
    assert kept == [1, 2, 4, 5]


def test_graphs_of_a_batch() -> None:
    maps, boxes = heatmaps(len(FLAT), noise=0.01), np.array(FLAT, dtype=np.float64)
    processor = gp.VitPoseImageProcessor()
    wanted = [pose for image in expected(maps, BOXES, threshold=0.5) for pose in image]
    counts = [len(pose["labels"]) for pose in wanted]
    fixed = ort(processor.post_processing_to_onnx("pose_estimation", threshold=0.5))
    found = fixed({"heatmaps": maps.numpy(), "boxes": boxes})
    assert found["count"].tolist() == counts
    assert 0 < min(counts) < max(counts), "the example shows something"
    for i, count in enumerate(counts):
        assert (found["labels"][i, count:] == -1).all()
        pose = {name: found[name][i, :count] for name in ("keypoints", "scores", "labels")} | {"bbox": found["bbox"][i]}
        assert_poses([[pose]], [[{name: value.numpy() for name, value in wanted[i].items()}]], PARITY.bound)
    exact = ort(processor.post_processing_to_onnx("pose_estimation", threshold=0.5, ragged=True))
    together = exact({"heatmaps": maps.numpy(), "boxes": boxes})
    np.testing.assert_array_equal(together["labels"], np.concatenate([pose["labels"] for pose in wanted]))
    np.testing.assert_array_equal(together["keypoints"][: counts[0]], found["keypoints"][0, : counts[0]])


def test_arrays_in_arrays_out() -> None:
    maps = heatmaps(len(FLAT))
    processor = gp.VitPoseImageProcessor(engine="numpy")
    boxes = [torch.tensor(of_image, dtype=torch.float64) for of_image in BOXES]
    found = processor.post_process_pose_estimation({"heatmaps": maps.numpy()}, boxes)
    wanted = [[{k: v.numpy() for k, v in pose.items()} for pose in image] for image in expected(maps, BOXES)]
    assert_poses(found, wanted, 0)


def test_refusals() -> None:
    processor = gp.VitPoseImageProcessor(engine="numpy")
    run = processor.post_process_pose_estimation
    maps = outputs(heatmaps(2))
    with pytest.raises(ImageError, match=r"boxes: expected a list of boxes \(x, y, width, height\) for each image"):
        run(maps, [FLAT[0], FLAT[1]])
    with pytest.raises(ImageError, match=r"expected outputs of one batch, got \{'heatmaps': 2, 'boxes': 3\}"):
        run(maps, [FLAT[:3]])
    with pytest.raises(ImageError, match=r"target_sizes: expected one for each box, \[2, 2\], got \[1, 2\]"):
        run(maps, [FLAT[:2]], target_sizes=[(3, 4)])
    with pytest.raises(ConfigError, match="kernel_size: expected a whole number of at least 1, got 0"):
        run(maps, [FLAT[:2]], kernel_size=0)
    with pytest.raises(ConfigError, match="threshold: expected a number, got 'high'"):
        run(maps, [FLAT[:2]], threshold="high")
    with pytest.raises(ImageError, match="expected model outputs with 'heatmaps', got logits"):
        run({"logits": maps.heatmaps}, [FLAT[:2]])
    with pytest.raises(TypeError, match="missing a required argument: 'boxes'"):
        run(maps)
    assert "boxes" not in lookup("VitPoseImageProcessor", METHOD).settings({})
