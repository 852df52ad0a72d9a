"""The second graph of a split program: with the first it is the whole, bit for bit, in every class that is split."""

from __future__ import annotations

from typing import Any

import numpy as np
import onnx
import pytest
import tiers
from cases.every_class import Variant, batched, inputs_of, program
from cases.splits import FEW, SPLIT
from support.graphs import assert_same, ort

from graphproc.emitters.onnx.checks import operator_counts
from graphproc.emitters.onnx.emit import EmitOptions, emit
from graphproc.emitters.onnx.map_graph import affine_entry, emit_map
from graphproc.errors import EmitError
from graphproc.passes.split import Split, required

Array = np.ndarray[Any, Any]
SIZE = (112, 112)
IMAGES = np.random.default_rng(11).integers(0, 256, (2, *SIZE, 3), dtype=np.uint8)


def graphs(variant: Variant, options: EmitOptions, **settings: Any) -> tuple[Split, onnx.ModelProto, onnx.ModelProto]:
    """Return a split program and its graphs."""
    parts = required(program(variant))
    first = emit(parts.bytes, options)
    return parts, first, emit_map(parts, first, options, **settings)


def composed(parts: Split, first: onnx.ModelProto, second: onnx.ModelProto, feeds: dict[str, Any]) -> dict[str, Array]:
    """Return the outputs of both graphs, one after the other."""
    found = ort(first)(feeds)
    assert all(found[name].dtype == np.uint8 for name in parts.mapped)
    return found | ort(second)({f"input_{name}": found[name] for name in parts.mapped})


def fixed(variant: Variant) -> EmitOptions:
    """Return options for the size, where sizes can be fixed: that is quicker."""
    made = program(variant)
    known = not made.data_dependent_sizes and all(name.endswith(("height", "width")) for name in made.symbols)
    return EmitOptions(image_size=SIZE, batch_size=2) if known else EmitOptions()


@pytest.mark.parametrize("variant", tiers.rows(SPLIT, FEW[::2]), ids=str)
def test_the_two_graphs_are_the_whole(variant: Variant) -> None:
    options = fixed(variant)
    feeds = batched(program(variant), inputs_of(program(variant), list(IMAGES)))
    wanted = ort(emit(program(variant), options))(feeds)
    found = composed(*graphs(variant, options), feeds)
    assert list(found) == list(wanted)
    for name, want in wanted.items():
        assert_same(found[name], want, name)


FORMS = (
    EmitOptions(),
    EmitOptions("cuda"),
    EmitOptions("portable", image_size=SIZE),
    EmitOptions("cpu", "image"),
    EmitOptions("cpu", "sequence"),
    EmitOptions(kernels=True),
    EmitOptions(batch_size=2, opset=22),
)


@pytest.mark.slow
@pytest.mark.parametrize("name", ["CLIP", "Qwen2VL", "Detr", "MiniCPMV4_6", "Idefics3", "DeepseekOcr2"])
@pytest.mark.parametrize(
    "options", tiers.forms(FORMS, FORMS[:4]), ids=lambda o: f"{o.target}-{o.input}-{o.image_size}-{o.kernels}"
)
def test_forms_of_the_two_graphs(name: str, options: EmitOptions) -> None:
    made = program(variant := Variant(f"{name}ImageProcessor"))
    feeds: dict[str, Any] = {"batch": {"images": IMAGES}, "image": {"image": IMAGES[0]}, "sequence": {"images": list(IMAGES)}}
    wanted = ort(emit(made, options))(feeds[options.input])
    found = composed(*graphs(variant, options), feeds[options.input])
    for key, want in wanted.items():
        assert_same(found[key], want, key)


def test_dimensions_have_the_first_graphs_names() -> None:
    for name, options, dims in (
        ("CLIP", EmitOptions(), ["batch", 3, 224, 224]),
        ("Qwen2VL", EmitOptions(), ["pixel_values_patches", 1176]),
        ("Qwen2VL", EmitOptions(image_size=(60, 77), batch_size=2), [48, 1176]),
        ("Detr", EmitOptions(input="image"), [1, 3, "pixel_values_height", "pixel_values_width"]),
    ):
        _, first, second = graphs(Variant(f"{name}ImageProcessor"), options)
        for value in (next(v for v in first.graph.output if v.name == "pixel_values"), *second.graph.input, *second.graph.output):
            assert [dim.dim_value or dim.dim_param for dim in value.type.tensor_type.shape.dim] == dims
        assert [value.name for value in second.graph.input] == ["input_pixel_values"]
        onnx.checker.check_model(second, full_check=True)


def test_a_map_has_few_nodes() -> None:
    *_, second = graphs(Variant("CLIPImageProcessor"), EmitOptions())
    assert operator_counts(second) == {"Cast": 1, "Sub": 1, "Div": 1}
    *_, second = graphs(Variant("CLIPImageProcessor"), EmitOptions("portable", image_size=SIZE))
    assert operator_counts(second)["Gather"] == 1


@pytest.mark.parametrize("dtype", ["float16", "bfloat16"])
@pytest.mark.parametrize("name", ["CLIP", "Qwen2VL"])
def test_narrower_floats_are_rounded_once(name: str, dtype: str) -> None:
    torch = pytest.importorskip("torch")
    import onnxruntime

    variant = Variant(f"{name}ImageProcessor")
    parts, first, second = graphs(variant, EmitOptions(image_size=SIZE, batch_size=2), dtype=dtype)
    whole = ort(emit(program(variant), EmitOptions()))({"images": IMAGES})["pixel_values"]
    bytes_ = onnxruntime.OrtValue.ortvalue_from_numpy(ort(first)({"images": IMAGES})["pixel_values"])
    session = onnxruntime.InferenceSession(second.SerializeToString())
    (found,) = session.run_with_ort_values(None, {"input_pixel_values": bytes_})
    assert torch.equal(torch.from_dlpack(found), torch.from_numpy(whole).to(getattr(torch, dtype)))
    assert list(parts.mapped) == ["pixel_values"]


def test_what_a_graph_says_of_its_line() -> None:
    parts = required(program(Variant("CLIPImageProcessor")))
    (line,) = affine_entry(parts).values()
    own = parts.mapped["pixel_values"].affine()
    assert np.float32(line["scale"]).tobytes() == own.scale.tobytes()
    assert (len(line["offset"]), line["bound"], line["axis"], line["each"]) == (3, own.bound, -3, 1)
    assert "axis" not in affine_entry(required(program(Variant("ViTImageProcessor"))))["pixel_values"]


def test_floats_that_no_map_gives() -> None:
    with pytest.raises(EmitError, match="dtype: expected one of float32, float16, bfloat16, got 'float64'"):
        graphs(Variant("CLIPImageProcessor"), EmitOptions(), dtype="float64")


@pytest.mark.slow
def test_images_that_would_be_padded_with_no_byte_are_refused_in_a_sequence() -> None:
    _, first, _ = graphs(Variant("DetrImageProcessor"), EmitOptions(input="sequence"))
    with pytest.raises(Exception, match="expected results of one shape of all images for pixel_values"):
        ort(first)({"images": [IMAGES[0], IMAGES[1][:50]]})
