"""`tools/near_ties.py` and its users: they excuse what last places explain, and transformers' faults, and nothing else."""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tiers

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tools"))

import random_outputs
import torch
from campaign.outputs import OutputsTrial
from campaign.run import DIFFERS, EQUAL, EXCLUDED
from near_ties import difference, explained
from random_outputs import OutputCase

INSTANCE, SEMANTIC, PANOPTIC = (f"post_process_{kind}_segmentation" for kind in ("instance", "semantic", "panoptic"))
ENGINES = ("numpy", "onnxruntime")


def queries(count: int, classes: int, size: tuple[int, int], seed: int = 0) -> dict[str, Any]:
    rng = np.random.default_rng(seed)
    logits, masks = rng.standard_normal((2, count, classes)) * 3, rng.standard_normal((2, count, *size)) * 3
    return {"class_queries_logits": torch.from_numpy(logits).float(), "masks_queries_logits": torch.from_numpy(masks).float()}


def run(case: OutputCase, engine: str = "numpy") -> Any:
    return OutputsTrial((0, 0, 0), case, engine).run()


@pytest.mark.parametrize("scores", [False, True])
def test_classes_that_all_tie_are_settled_by_their_scores(scores: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(random_outputs, "MOVED", 0)  # moved outputs may give any class, which depends on the processor
    outputs = queries(9, 7, (9, 9))
    outputs["class_queries_logits"][...] = -3.0
    case = OutputCase("MaskFormerImageProcessor", SEMANTIC, "pil", "float32", outputs, {"return_segmentation_scores": scores})
    expected = random_outputs.run_theirs(case)
    found = random_outputs.run_ours(case, "numpy")
    maps = [one["segmentation"] for one in found] if scores else found
    assert random_outputs.settled(case, "numpy", found, expected) == ""
    maps[1][3, 4] = (maps[1][3, 4] + 1) % 6  # which is not the first of our largest scores
    assert random_outputs.settled(case, "numpy", found, expected)


@pytest.mark.parametrize("number", [torch.float32, torch.float64, torch.float16, torch.bfloat16])
def test_numbers_below_the_normal_ones_have_places_of_one_length(number: torch.dtype) -> None:
    smallest = torch.finfo(number).smallest_normal * torch.finfo(number).eps
    expected = torch.tensor([65 * smallest], dtype=number)
    assert difference(torch.tensor([69 * smallest], dtype=number), expected) == ""
    assert "1 of 1 differ" in difference(torch.tensor([70 * smallest], dtype=number), expected)


@pytest.mark.parametrize("engine", ENGINES)
def test_flat_peaks_are_settled_by_equal_numbers_that_move_together(engine: str) -> None:
    rows = [[1.0, 0.0, 0.5, 0.0, 0.5, 0.0, 1.0, 0.0, 0.5], [1.0, 0.0, 0.5, 0.0, 0.0, 0.5, 1.0, 1.0, 0.0]]
    boxes = [[[59.15652111414005, 14.987920213272282, 38.15782429661502, 44.75585749705322]]]
    outputs = {"heatmaps": torch.tensor([[rows, rows]])}
    case = OutputCase(
        "VitPoseImageProcessor", "post_process_pose_estimation", "torchvision", "float32", outputs, {"boxes": boxes}
    )
    assert run(case, engine).what == EQUAL
    wrong = random_outputs.run_ours(case, engine)
    wrong[0][0]["keypoints"][0, 0] += 300  # which is on no joint that ties
    assert random_outputs.settled(case, engine, wrong, random_outputs.run_theirs(case))


def test_images_are_explained_one_by_one() -> None:
    first, second = [torch.tensor([1]), torch.tensor([2, 2])], [torch.tensor([1, 1]), torch.tensor([2])]
    mixed = [first[0], second[1]]
    assert difference(mixed, first)
    assert difference(mixed, second)
    assert explained(mixed, [first, second])
    assert not explained([torch.tensor([3]), second[1]], [first, second])


@pytest.mark.parametrize("engine", ENGINES)
def test_images_without_a_query_that_scores_are_excluded(engine: str) -> None:
    outputs = {"logits": torch.tensor([[[-200.0]], [[2.0]]]), "target_pred_boxes": torch.full((2, 1, 4), 0.5)}
    case = OutputCase("OwlViTImageProcessor", "post_process_image_guided_detection", "torchvision", "float32", outputs)
    found = random_outputs.run_ours(case, engine)
    assert [len(one["boxes"]) for one in found] == [0, 1]
    assert run(case, engine).what == EXCLUDED
    none = {name: value[:, :0] for name, value in outputs.items()}
    assert run(replace(case, outputs=none), engine).what == EXCLUDED


@pytest.mark.slow
def test_one_column_with_antialiasing_is_excluded_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    outputs = queries(7, 4, (9, 13))
    call = {"target_sizes": [(5, 1), (5, 1)], "return_segmentation_scores": True}
    case = OutputCase("OneFormerImageProcessor", SEMANTIC, "torchvision", "float32", outputs, call)
    theirs = random_outputs.run_theirs(case)
    assert bool((theirs[0].segmentation_scores == theirs[0].segmentation_scores[:, :1]).all())
    assert run(case).what == EXCLUDED
    honest = random_outputs.run_ours

    def wrong(*args: Any) -> Any:
        found = honest(*args)
        found[0].segmentation_scores[0, 2] *= 1.001
        return found

    monkeypatch.setattr(random_outputs, "run_ours", wrong)
    assert run(case).what == DIFFERS


def test_sizes_as_arrays_of_mattes_are_excluded() -> None:
    outputs = {"foregrounds": torch.rand(2, 3, 4, 5), "alphas": torch.rand(2, 1, 4, 5)}
    call = {"target_sizes": np.array([[6, 7], [8, 9]])}
    case = OutputCase("Sapiens2ImageProcessor", "post_process_image_matting", "torchvision", "float32", outputs, call)
    assert run(case).what == EXCLUDED
    assert run(replace(case, call={"target_sizes": torch.tensor(call["target_sizes"])})).what == EQUAL


@pytest.mark.parametrize("task", ["instance", "semantic", "panoptic"])
@pytest.mark.parametrize("logits", [[[np.nan, 1, 2]], [[np.nan, 1, 2], [5, 0, 1]], []], ids=["one", "two", "none"])
def test_shares_of_oneformer_that_are_no_numbers(logits: list[list[float]], task: str) -> None:
    """Without a threshold such a query is a candidate, and a query that is not there is none."""
    classes = torch.tensor(logits).reshape(1, len(logits), 3)
    masks = torch.rand((1, len(logits), 5, 6), generator=torch.Generator().manual_seed(0))
    outputs = {"class_queries_logits": classes, "masks_queries_logits": masks}
    case = OutputCase(
        "OneFormerImageProcessor", INSTANCE, "torchvision", "float32", outputs, {"is_demo": False, "task_type": task}
    )
    assert run(case).what == EQUAL


@pytest.mark.parametrize("dtype", ["float32", "float16", "bfloat16"])
@pytest.mark.parametrize("engine", ENGINES)
def test_scores_too_small_for_an_exponential(engine: str, dtype: str) -> None:
    logits = torch.tensor([[[-87.0, -88.0], [-89.0, -95.0]]]).to(random_outputs.DTYPES[dtype])
    case = OutputCase("DeformableDetrImageProcessor", "post_process_object_detection", "pil", dtype, {}, {"threshold": 0.0})
    case = replace(case, outputs={"logits": logits, "pred_boxes": torch.full((1, 2, 4), 0.5, dtype=logits.dtype)})
    assert difference(random_outputs.run_ours(case, engine), random_outputs.run_theirs(case)) == ""


def test_lengths_of_narrow_vectors_do_not_overflow() -> None:
    normals = torch.tensor([3e3, -1e4, 5.0]).reshape(1, 3, 1, 1).expand(1, 3, 4, 5).half()
    for name in ("Sapiens2ImageProcessor", "Tipsv2DptImageProcessor"):
        case = OutputCase(name, "post_process_normal_estimation", "torchvision", "float16", {"normals": normals})
        assert difference(random_outputs.run_ours(case, "numpy"), random_outputs.run_theirs(case)) == ""


@tiers.crossed(("method", [INSTANCE, SEMANTIC, PANOPTIC]), ("dtype", ["float16", "bfloat16"]))
def test_maps_of_narrow_floats(method: str, dtype: str) -> None:
    """Of 384 x 384 pixels not one differs: weights are narrow, too."""
    outputs = {key: value.to(random_outputs.DTYPES[dtype]) for key, value in queries(5, 4, (7, 9)).items()}
    case = OutputCase("Mask2FormerImageProcessor", method, "torchvision", dtype, outputs)
    assert difference(random_outputs.run_ours(case, "numpy"), random_outputs.run_theirs(case)) == ""


def test_depths_that_torchvision_resizes_in_float32() -> None:
    depth = (torch.rand((2, 7, 9), generator=torch.Generator().manual_seed(0)) * 10).bfloat16()
    for name in ("ZoeDepthImageProcessor", "GLPNImageProcessor"):
        call: dict[str, Any] = {"target_sizes": [(100, 160)] * 2}
        call |= {"do_remove_padding": False} if name.startswith("Zoe") else {}
        case = OutputCase(name, "post_process_depth_estimation", "pil", "bfloat16", {"predicted_depth": depth}, call)
        assert difference(random_outputs.run_ours(case, "numpy"), random_outputs.run_theirs(case)) == "", name
