"""Every exported graph: valid, typed, of the default domain only, reproducible, readable, and right for batches."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from graphs import assert_same, images, ort

from graphproc.emitters.onnx.checks import domains, nodes
from graphproc.emitters.onnx.emit import IR_VERSION, EmitOptions, emit
from graphproc.executors import reference
from graphproc.ir.program import Program
from graphproc.passes.pipeline import optimize
from graphproc.processors.registry import rows

NAMES = sorted(rows())
PORTABLE_SIZE = (64, 80)
TARGETS: dict[str, EmitOptions] = {
    "cpu": EmitOptions("cpu"),
    "cuda": EmitOptions("cuda"),
    "portable": EmitOptions("portable", image_size=PORTABLE_SIZE),
}
METADATA = {f"graphproc.{key}": key for key in ("version", "target", "input", "color", "backend", "parity")}
METADATA |= {"graphproc.version": "test", "graphproc.config": {"size": {"b": 1, "a": 2}}}  # type: ignore[dict-item]
every_graph = pytest.mark.parametrize(("name", "target"), [(n, t) for n in NAMES for t in TARGETS])


@cache
def program(name: str) -> Program:
    row = rows()[name]
    return row.program(row.config({}))


@cache
def model(name: str, target: str) -> onnx.ModelProto:
    return emit(program(name), TARGETS[target], METADATA)


def check(graph: onnx.ModelProto) -> onnx.ModelProto:
    """The checker with everything on, and strict inference of the types and shapes; returns the inferred model."""
    onnx.checker.check_model(graph, full_check=True)
    return onnx.shape_inference.infer_shapes(graph, check_type=True, strict_mode=True, data_prop=True)


def shape_of(info: onnx.ValueInfoProto) -> list[int | str]:
    return [d.dim_param or d.dim_value for d in info.type.tensor_type.shape.dim]


@every_graph
def test_valid_and_of_the_default_domain(name: str, target: str) -> None:
    graph = model(name, target)
    check(graph)
    assert domains(graph) == {""}
    assert [(o.domain, o.version) for o in graph.opset_import] == [("", 18)]
    assert graph.ir_version == 8
    assert not graph.functions


@every_graph
def test_inputs_and_outputs(name: str, target: str) -> None:
    graph = model(name, target).graph
    (image,) = graph.input
    assert image.name == "images"
    assert image.type.tensor_type.elem_type == onnx.TensorProto.UINT8
    sides: tuple[int | str, ...] = PORTABLE_SIZE if target == "portable" else ("height", "width")
    assert shape_of(image) == ["batch", *sides, 3]
    assert [o.name for o in graph.output] == [o.name for o in program(name).outputs] == list(rows()[name].outputs)
    for output, declared in zip(graph.output, program(name).outputs, strict=True):
        type = program(name).value(declared.value).type
        element = {"f32": onnx.TensorProto.FLOAT, "u8": onnx.TensorProto.UINT8}[type.dtype]
        assert output.type.tensor_type.elem_type == element
        dims = shape_of(output)
        assert dims[0] == "batch"
        for dim, size in zip(dims[1:], type.shape, strict=True):
            assert dim == size if isinstance(size, int) else isinstance(dim, str) or target == "portable"


@every_graph
def test_metadata(name: str, target: str) -> None:
    found = {entry.key: entry.value for entry in model(name, target).metadata_props}
    assert found["graphproc.version"] == "test"
    assert json.loads(found["graphproc.config"]) == {"size": {"a": 2, "b": 1}}
    assert list(found) == sorted(found)
    assert model(name, target).producer_name == "graphproc"
    assert model(name, target).graph.name == name


@every_graph
def test_names_say_where_a_node_comes_from(name: str, target: str) -> None:
    graph = model(name, target)
    steps = optimize(
        program(name).bind(height=PORTABLE_SIZE[0], width=PORTABLE_SIZE[1]) if target == "portable" else program(name)
    )
    allowed = {step.output.name for step in steps.steps} | {"sizes"}
    seen = [node for node, _ in nodes(graph.graph)]
    assert len({node.name for node in seen}) == len(seen)
    for node in seen:
        first = node.name.split("/")[0]
        # casts between the graph's input or output and its steps belong to no step
        assert first in allowed or node.op_type == "Cast", node.name
    outputs = [o for node in seen for o in node.output]
    assert len(set(outputs)) == len(outputs)


@every_graph
def test_nothing_is_left_over(name: str, target: str) -> None:
    """Every initializer and every node's result is read by something."""
    graph = model(name, target).graph
    read = {i for node, _ in nodes(graph) for i in node.input}
    read |= {o.name for _, g in nodes(graph) for o in g.output}
    assert {t.name for t in graph.initializer} <= read
    for node, _ in nodes(graph):
        assert any(o in read for o in node.output), node.name


@pytest.mark.parametrize("target", ["cpu", "cuda"])
@pytest.mark.parametrize("name", NAMES)
def test_a_batch_of_three_equals_three_singles_and_the_reference(name: str, target: str) -> None:
    run = ort(model(name, target))
    x = images(3, 40, 57, 3, seed=3)
    together = run({"images": x})
    for key, value in together.items():
        singles = [run({"images": x[i : i + 1]})[key] for i in range(3)]
        assert_same(value, np.concatenate(singles), "singles")
        wanted = [reference.run(program(name), {"image": image})[key] for image in x]
        assert_same(value, np.stack(wanted), "reference")


@pytest.mark.parametrize("name", NAMES)
def test_a_portable_batch_equals_the_reference(name: str) -> None:
    run = ort(model(name, "portable"))
    x = images(2, *PORTABLE_SIZE, 3, seed=4)
    for key, value in run({"images": x}).items():
        assert_same(value, np.stack([reference.run(program(name), {"image": image})[key] for image in x]))


# --- options


@pytest.mark.parametrize("opset", sorted(IR_VERSION))
@pytest.mark.parametrize("target", TARGETS)
@pytest.mark.parametrize("name", ["CLIPImageProcessor", "PerceiverImageProcessor", "MobileViTImageProcessor"])
def test_every_opset(name: str, target: str, opset: int) -> None:
    size = PORTABLE_SIZE if target == "portable" else None
    graph = emit(program(name), EmitOptions(target, opset=opset, image_size=size))  # type: ignore[arg-type]
    check(graph)
    assert [(o.domain, o.version) for o in graph.opset_import] == [("", opset)]
    assert graph.ir_version == onnx.helper.OP_SET_ID_VERSION_MAP["ai.onnx", opset]
    x = images(1, *PORTABLE_SIZE, 3, seed=5)
    for key, value in ort(graph)({"images": x}).items():
        assert_same(value[0], reference.run(program(name), {"image": x[0]})[key])


@pytest.mark.parametrize("target", TARGETS)
@pytest.mark.parametrize("size", [None, PORTABLE_SIZE])
@pytest.mark.parametrize("name", ["CLIPImageProcessor", "LayoutLMv2ImageProcessor"])
def test_one_image_without_a_batch_axis(name: str, target: str, size: tuple[int, int] | None) -> None:
    if target == "portable" and size is None:
        size = (41, 33)
    graph = emit(program(name), EmitOptions(target, "image", image_size=size))  # type: ignore[arg-type]
    check(graph)
    assert shape_of(graph.graph.input[0]) == [*(size or ("height", "width")), 3]
    assert shape_of(graph.graph.output[0])[0] == 1
    x = images(1, *(size or (30, 49)), 3)[0]
    assert_same(ort(graph)({"image": x})["pixel_values"][0], reference.run(program(name), {"image": x})["pixel_values"])


def test_a_fixed_batch_size_is_declared() -> None:
    graph = emit(program("CLIPImageProcessor"), EmitOptions(batch_size=5)).graph
    assert shape_of(graph.input[0])[0] == 5
    assert shape_of(graph.output[0])[0] == 5


def test_a_fixed_size_leaves_no_size_or_weight_arithmetic() -> None:
    fixed = emit(program("CLIPImageProcessor"), EmitOptions(image_size=(300, 451))).graph
    dynamic = model("CLIPImageProcessor", "cpu").graph
    assert len(fixed.node) < len(dynamic.node) / 2
    assert not [node.name for node, _ in nodes(fixed) if node.op_type in ("If", "CumSum", "Abs", "Sign")]
    # the number of images is not fixed, so the loop over chunks still counts its trips
    scopes = [node.name.split("/") for node, _ in nodes(fixed)]
    assert not [scope for scope in scopes if "sizes" in scope and "chunks" not in scope]


# --- the same bytes

DUMP = """
import hashlib, json, sys
from graphproc.emitters.onnx.emit import EmitOptions, emit
from graphproc.processors.registry import rows
found = {}
for name, row in rows().items():
    for target, size in (("cpu", None), ("cuda", None), ("portable", (64, 80))):
        model = emit(row.program(row.config({})), EmitOptions(target, image_size=size), json.loads(sys.argv[1]))
        found[f"{name} {target}"] = hashlib.sha256(model.SerializeToString(deterministic=True)).hexdigest()
print(json.dumps(found))
"""


def test_the_same_bytes_in_every_process(root: Path) -> None:
    """Neither hash seeds, memory addresses nor what was emitted before changes a byte."""
    runs: list[Any] = [
        {
            f"{name} {target}": hashlib.sha256(model(name, target).SerializeToString(deterministic=True)).hexdigest()
            for name in rows()
            for target in TARGETS
        }
    ]
    for seed in ("0", "4242"):
        environment = {**os.environ, "PYTHONHASHSEED": seed, "PYTHONPATH": str(root)}
        result = subprocess.run(
            [sys.executable, "-c", DUMP, json.dumps(METADATA)], capture_output=True, text=True, env=environment, check=True
        )
        runs.append(json.loads(result.stdout))
    assert runs[0] == runs[1] == runs[2]
