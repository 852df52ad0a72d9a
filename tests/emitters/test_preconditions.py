"""Graphs refuse images for which a program's preconditions do not hold, and say why."""

from __future__ import annotations

from typing import Any

import numpy as np
import onnx
import onnxruntime
import pytest
import tiers

import graphproc as gp
from graphproc.emitters.onnx.preconditions import broken
from graphproc.errors import ImageError, ProgramError

Array = np.ndarray[Any, Any]
LINE = np.random.default_rng(0).integers(0, 256, (1, 900, 3), dtype=np.uint8)
CASES = {
    "Detr": (
        gp.DetrImageProcessor(size={"shortest_edge": 8, "longest_edge": 13}),
        "the resized height rounds to less than 1 pixel",
    ),
    "Qwen2VL": (gp.Qwen2VLImageProcessor(), "one side is more than 200 times longer than the other"),
    "Nougat": (gp.NougatImageProcessor(size={"height": 40, "width": 30}), "the thumbnail's height rounds to less than 1 pixel"),
    "Sam": (gp.SamImageProcessor(do_resize=False, pad_size={"height": 9, "width": 9}), "width is larger than pad_size's 9"),
}


def given(image: Array, form: str) -> Any:
    return {"image": image, "batch": image[None], "sequence": [image]}[form]


@pytest.mark.parametrize("form", tiers.rows(["image", "batch", "sequence"], ["batch"]))
@pytest.mark.parametrize("name", CASES)
def test_what_calls_refuse_graphs_refuse(name: str, form: str) -> None:
    """Whether sizes are known at once or found in the pixels; with what the numpy rule says."""
    processor, message = CASES[name]
    model = processor.to_onnx(input=form)
    with pytest.raises(ImageError, match=message):
        processor(LINE, engine="numpy", input_data_format="channels_last")
    with pytest.raises(ImageError, match=f"^graph: .*{message}"):
        gp.Session(model)(given(LINE, form))
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 4
    plain = onnxruntime.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"])
    with pytest.raises(Exception, match=f"check: .*{message}"):
        plain.run(None, {plain.get_inputs()[0].name: given(LINE, form)})


@pytest.mark.parametrize("form", ["image", "batch"])
def test_sizes_that_pixels_decide_are_checked_in_graphs_of_one_size(form: str) -> None:
    """ONNX Runtime makes -1 of a length that is computed among known ones, whatever it is."""
    processor = gp.NougatImageProcessorPil(size={"height": 128, "width": 96}, do_thumbnail=False)
    image = np.random.default_rng(1).integers(0, 256, (61, 38, 3), dtype=np.uint8)
    with pytest.raises(ImageError, match="height is larger than size's 128"):
        processor(image, engine="numpy")
    with pytest.raises(ImageError, match="graph: the image's height is larger than size's 128"):
        gp.Session(processor.to_onnx(input=form, image_size=image.shape[:2]))(given(image, form))


def test_a_check_costs_no_copy() -> None:
    """It is a Reshape of what comes in, which no optimizer drops: everything behind reads its result."""
    model = gp.DetrImageProcessor().to_onnx(input="image")
    checks = [node for node in model.graph.node if node.name.startswith("check: ") and node.op_type == "Reshape"]
    assert [node.input[0] for node in checks] == ["image", checks[0].output[0]]
    readers = [node for node in model.graph.node if "image" in node.input and node.op_type not in ("Shape", "Slice")]
    assert readers == checks[:1]


def test_graphs_of_one_size_and_programs_without_preconditions_check_nothing() -> None:
    for model in (gp.DetrImageProcessor().to_onnx(image_size=(60, 80)), gp.CLIPImageProcessor().to_onnx()):
        assert "check: " not in onnx.printer.to_text(model)
    with pytest.raises(ProgramError, match="one side is more than 200 times"):
        gp.Qwen2VLImageProcessor().to_onnx(image_size=(10, 2100))


def test_the_reason_is_found_in_an_error_of_loops_in_loops() -> None:
    text = (
        "running Loop node. Name:'Loop' Status: running Reshape node. Name:'images/check: the a's b. Use c./Reshape_2' Status: d"
    )
    assert broken(text) == "the a's b. Use c."
    assert broken("running Gather node. Name:'x/Reshape'") is None


@pytest.mark.parametrize("form", ["image", "batch", "sequence"])
@pytest.mark.parametrize("backend", ["pil", "torchvision"])
@pytest.mark.parametrize("name", ["PoolFormer", "CLIP"])
def test_settings_that_take_no_image_are_no_graph(name: str, backend: str, form: str) -> None:
    """The crop is larger than what it is padded to, whatever image comes."""
    processor = getattr(gp, f"{name}ImageProcessor")(backend=backend, do_pad=True, pad_size={"height": 100, "width": 300})
    with pytest.raises(ProgramError, match=r"larger than pad_size's 100. .* No image is taken with these settings"):
        processor.to_onnx(input=form)
    with pytest.raises(ImageError, match="larger than pad_size's 100"):
        processor(np.zeros((400, 400, 3), np.uint8))
