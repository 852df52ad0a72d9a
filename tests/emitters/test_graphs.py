"""Every exported graph: valid, typed, of the default domain only, reproducible, readable, and right for batches."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
import tiers
from cases.every_class import FAMILIES, SMALL, VARIANTS, Variant, batched, distinct, inputs_of, program, results_of
from support.graphs import assert_same, images, ort

from graphproc.emitters.onnx.checks import domains, nodes
from graphproc.emitters.onnx.emit import IR_VERSION, EmitOptions, emit
from graphproc.emitters.onnx.preconditions import MARK
from graphproc.errors import EmitError
from graphproc.executors import reference
from graphproc.ir.types import DTYPES
from graphproc.passes.pipeline import optimize
from graphproc.processors.registry import family, specs

SIZE, PORTABLE_SIZE = (40, 57), (64, 80)
TARGETS: dict[str, EmitOptions] = {
    "cpu": EmitOptions("cpu"),
    "cuda": EmitOptions("cuda"),
    "portable": EmitOptions("portable", image_size=PORTABLE_SIZE),
}
METADATA = {f"graphproc.{key}": key for key in ("version", "target", "input", "color", "backend", "parity")}
METADATA |= {"graphproc.version": "test", "graphproc.config": {"size": {"b": 1, "a": 2}}}  # type: ignore[dict-item]

NOT_PORTABLE: Mapping[str, str] = {
    "NougatImageProcessor": "finds sizes in the pixels of each image",
    "PPFormulaNetImageProcessor": "finds sizes in the pixels of each image",
    "VitPoseImageProcessor": "depends on the number of box_count, so its sizes cannot be fixed",
}
"""The classes that target `portable` refuses, and what it says."""
PORTABLE = [variant for variant in VARIANTS if variant.name not in NOT_PORTABLE]

ADDED: Mapping[str, tuple[str, ...]] = {
    "segmentation_map": ("labels",),
    "prompt_depth": ("prompt_depth",),
    "prompt_image": ("prompt_pixel_values",),
    "prompt_map": ("prompt_masks",),
}
"""The outputs that an extra input brings."""


GRAPHS = tiers.rows(
    dict.fromkeys((v, t) for t in TARGETS for v in (*FAMILIES, *distinct()) if t != "portable" or v in PORTABLE),
    [(v, t) for v in FAMILIES for t in TARGETS],
)


@cache
def model(variant: Variant, target: str) -> onnx.ModelProto:
    return emit(program(variant), TARGETS[target], METADATA)


def check(graph: onnx.ModelProto) -> onnx.ModelProto:
    """Run ONNX's full checker, and strict inference of types and shapes; return the inferred model."""
    onnx.checker.check_model(graph, full_check=True)
    return onnx.shape_inference.infer_shapes(graph, check_type=True, strict_mode=True, data_prop=True)


def shape_of(info: onnx.ValueInfoProto) -> list[int | str]:
    return [d.dim_param or d.dim_value for d in info.type.tensor_type.shape.dim]


def element(dtype: Any) -> int:
    return onnx.helper.np_dtype_to_tensor_dtype(np.dtype(dtype))


@pytest.mark.parametrize(("variant", "target"), GRAPHS, ids=str)
def test_every_graph(variant: Variant, target: str) -> None:
    """One test for all that is looked at: emitting takes longest."""
    valid_and_of_the_default_domain(variant, target)
    inputs_and_outputs(variant, target)
    metadata(variant, target)
    names_say_where_a_node_comes_from(variant, target)
    nothing_is_left_over(variant, target)


def valid_and_of_the_default_domain(variant: Variant, target: str) -> None:
    graph = model(variant, target)
    check(graph)
    assert domains(graph) == {""}
    assert [(o.domain, o.version) for o in graph.opset_import] == [("", 18)]
    assert graph.ir_version == 8
    assert not graph.functions


@pytest.mark.parametrize("input", tiers.rows(["image", "sequence"], ["sequence"]))
@pytest.mark.parametrize("variant", tiers.classes(v for v in VARIANTS if v in FAMILIES or v.inputs or v.several), ids=str)
def test_graphs_of_one_image_and_of_a_sequence_are_valid(variant: Variant, input: str) -> None:
    """`test_parity.py` runs a sequence through every class."""
    graph = emit(program(variant), EmitOptions(input=input))  # type: ignore[arg-type]
    check(graph)
    assert [o.name for o in graph.graph.output] == [o.name for o in program(variant).outputs]
    names = [program(variant).graph_input_name(v.name, plural=input != "image") for v in program(variant).inputs]
    assert [i.name for i in graph.graph.input] == names
    for info, declared in zip(graph.graph.input, program(variant).inputs, strict=True):
        tensor = info.type.tensor_type if input == "image" else info.type.sequence_type.elem_type.tensor_type
        assert tensor.elem_type == element(DTYPES[declared.type.dtype])
        assert len(tensor.shape.dim) == declared.type.rank


def inputs_and_outputs(variant: Variant, target: str) -> None:
    graph, compiled = model(variant, target).graph, program(variant)
    sides = dict(zip(("height", "width"), PORTABLE_SIZE, strict=True)) if target == "portable" else {}
    for info, declared in zip(graph.input, compiled.inputs, strict=True):
        assert info.name == compiled.graph_input_name(declared.name)
        assert info.type.tensor_type.elem_type == element(DTYPES[declared.type.dtype])
        dims = [size if isinstance(size, int) else str(size) for size in declared.type.shape]
        assert shape_of(info) == ["batch", *(sides.get(str(dim).split("_")[-1], dim) for dim in dims)]
    assert graph.input[0].name == ("input_images" if variant.name == "FuyuImageProcessor" else "images")
    assert shape_of(graph.input[0])[1:] == [*(sides.values() or ("height", "width")), 3]
    spec = specs()[variant.name]
    names = [name for name in spec.shown_outputs if name[0] != "[" and not (variant.several and name == spec.samples.counts)]
    assert [o.name for o in graph.output] == [*names, *(name for input in variant.inputs for name in ADDED[input])]
    for output, declared_output in zip(graph.output, compiled.outputs, strict=True):
        assert output.name == declared_output.name
        type = compiled.value(declared_output.value).type
        assert output.type.tensor_type.elem_type == element(DTYPES[type.dtype])


def assert_declared(graph: onnx.ModelProto, given: Mapping[str, Any], found: Mapping[str, Any]) -> None:
    """Assert that ranks and known sides are the declared ones, and that a side's name means one number everywhere."""
    sizes: dict[str, int] = {}
    for info in (*graph.graph.input, *graph.graph.output):
        value = given[info.name] if info.name in given else found[info.name]
        assert value.dtype == onnx.helper.tensor_dtype_to_np_dtype(info.type.tensor_type.elem_type)
        declared = shape_of(info)
        assert len(declared) == value.ndim, info.name
        for want, have in zip(declared, value.shape, strict=True):
            assert have == (want if isinstance(want, int) else sizes.setdefault(want, have)), (info.name, declared, value.shape)


def metadata(variant: Variant, target: str) -> None:
    found = {entry.key: entry.value for entry in model(variant, target).metadata_props}
    assert found["graphproc.version"] == "test"
    assert json.loads(found["graphproc.config"]) == {"size": {"a": 2, "b": 1}}
    assert list(found) == sorted(found)
    assert model(variant, target).producer_name == "graphproc"
    assert model(variant, target).graph.name == variant.name


def names_say_where_a_node_comes_from(variant: Variant, target: str) -> None:
    """Assert that nodes are named after their step, the output that they join, or what they check; only casts are not."""
    graph, compiled = model(variant, target), program(variant)
    if target == "portable":
        compiled = compiled.bind(
            **{name: PORTABLE_SIZE[0] if name.endswith("height") else PORTABLE_SIZE[1] for name in compiled.symbols}
        )
    allowed = {step.output.name for step in optimize(compiled).steps} | {"sizes"}
    loop = {"images"} if compiled.data_dependent_sizes else set()
    allowed |= {o.name for o in compiled.outputs} | loop
    allowed |= {"never"} | {f"{MARK}{condition.message}" for condition in compiled.preconditions}
    seen = [node for node, _ in nodes(graph.graph)]
    assert len({node.name for node in seen}) == len(seen)
    feeding = {i for node in seen if "/" in node.name and node.op_type != "Loop" for i in node.input}
    for node in seen:
        if "/" in node.name:
            assert any(node.name.startswith(f"{name}/") for name in allowed), node.name
        elif node.op_type != "Cast" and not compiled.data_dependent_sizes:
            assert not feeding.intersection(node.output), f"{node.name} belongs to no step, but a step reads it"
    outputs = [o for node in seen for o in node.output]
    assert len(set(outputs)) == len(outputs)


def nothing_is_left_over(variant: Variant, target: str) -> None:
    """Assert that every initializer and every node's result is read."""
    graph = model(variant, target).graph
    read = {i for node, _ in nodes(graph) for i in node.input}
    read |= {o.name for _, g in nodes(graph) for o in g.output}
    assert {t.name for t in graph.initializer} <= read
    for node, _ in nodes(graph):
        assert any(o in read for o in node.output), node.name


# --- batches


@cache
def expected(variant: Variant, batch: int, size: tuple[int, int]) -> tuple[list[Any], list[Any]]:
    """Return the inputs and the numpy reference's results for some images of one size."""
    inputs = inputs_of(program(variant), images(batch, *size, 3, seed=3))
    return inputs, results_of(program(variant), inputs)


@tiers.crossed(("variant", tiers.classes()), ("target", ["cpu", "cuda"]))
def test_a_batch_of_three_equals_three_singles_and_the_reference(variant: Variant, target: str) -> None:
    run, outputs = ort(model(variant, target)), program(variant).outputs
    inputs, results = expected(variant, 3, SIZE)
    given = batched(program(variant), inputs)
    together, wanted = run(given), reference.batch(outputs, results)
    assert_declared(model(variant, target), given, together)
    assert list(together) == list(wanted)
    for key, value in wanted.items():
        assert_same(together[key], value, f"{key}, batch")
    singles = [run(batched(program(variant), [one])) for one in inputs]
    for single, result in zip(singles, results, strict=True):
        for key, value in reference.batch(outputs, [result]).items():
            assert_same(single[key], value, f"{key}, single")
    # What the wrapper makes of singles, joined: the batch again.
    apart = [{output.name: reference.of_image(output, single[output.name]) for output in outputs} for single in singles]
    for key, value in reference.batch(outputs, apart).items():
        assert_same(together[key], value, f"{key}, joined singles")


@pytest.mark.parametrize("variant", tiers.classes(PORTABLE), ids=str)
def test_a_portable_batch_equals_the_reference(variant: Variant) -> None:
    inputs, results = expected(variant, 2, PORTABLE_SIZE)
    given = batched(program(variant), inputs)
    found = ort(model(variant, "portable"))(given)
    assert_declared(model(variant, "portable"), given, found)
    for key, value in reference.batch(program(variant).outputs, results).items():
        assert_same(found[key], value, key)


@pytest.mark.parametrize("name", NOT_PORTABLE)
def test_what_is_not_portable_is_refused(name: str) -> None:
    with pytest.raises(EmitError, match=NOT_PORTABLE[name]):
        model(Variant(name), "portable")


# --- options


@pytest.mark.parametrize("opset", sorted(IR_VERSION))
@pytest.mark.parametrize(
    ("name", "target"),
    tiers.rows(
        [
            *(("CLIPImageProcessor", target) for target in TARGETS),
            ("PerceiverImageProcessor", "portable"),
            ("MobileViTImageProcessor", "cuda"),
            ("AriaImageProcessor", "cpu"),
        ],
        [("CLIPImageProcessor", "cpu"), ("PerceiverImageProcessor", "portable"), ("MobileViTImageProcessor", "cuda")],
    ),
)
def test_every_opset(name: str, target: str, opset: int) -> None:
    size = PORTABLE_SIZE if target == "portable" else None
    graph = emit(program(Variant(name)), EmitOptions(target, opset=opset, image_size=size))  # type: ignore[arg-type]
    check(graph)
    assert [(o.domain, o.version) for o in graph.opset_import] == [("", opset)]
    assert graph.ir_version == onnx.helper.OP_SET_ID_VERSION_MAP["ai.onnx", opset]
    assert_as_reference(Variant(name), graph, PORTABLE_SIZE)


def assert_as_reference(variant: Variant, graph: onnx.ModelProto, size: tuple[int, int]) -> None:
    """Assert that a graph of batches gives the numpy reference's results."""
    inputs, results = expected(variant, 1, size)
    found = ort(graph)(batched(program(variant), inputs))
    for key, value in reference.batch(program(variant).outputs, results).items():
        assert_same(found[key], value, key)


@pytest.mark.parametrize("opset", [min(IR_VERSION), max(IR_VERSION)])
@pytest.mark.parametrize("variant", tiers.rows(FAMILIES, FAMILIES[:5]), ids=str)
def test_the_oldest_and_the_newest_opset_in_every_family(variant: Variant, opset: int) -> None:
    graph = emit(program(variant), EmitOptions(opset=opset))
    check(graph)
    assert_as_reference(variant, graph, SIZE)


@pytest.mark.parametrize("target", TARGETS)
@pytest.mark.parametrize("size", [None, PORTABLE_SIZE])
@pytest.mark.parametrize("name", ["CLIPImageProcessor", "LayoutLMv2ImageProcessor"])
def test_one_image_without_a_batch_axis(name: str, target: str, size: tuple[int, int] | None) -> None:
    if target == "portable" and size is None:
        size = (41, 33)
    compiled = program(Variant(name))
    graph = emit(compiled, EmitOptions(target, "image", image_size=size))  # type: ignore[arg-type]
    check(graph)
    assert shape_of(graph.graph.input[0]) == [*(size or ("height", "width")), 3]
    assert shape_of(graph.graph.output[0])[0] == 1
    x = images(1, *(size or (30, 49)), 3)[0]
    assert_same(ort(graph)({"image": x})["pixel_values"][0], reference.run(compiled, {"image": x})["pixel_values"])


@pytest.mark.parametrize("variant", tiers.rows(FAMILIES, FAMILIES[::3]), ids=str)
def test_one_image_of_every_family(variant: Variant) -> None:
    (inputs,), results = expected(variant, 1, SIZE)
    graph = emit(program(variant), EmitOptions(input="image"))
    found = ort(graph)(inputs)
    assert_declared(graph, inputs, found)
    for key, value in reference.batch(program(variant).outputs, results).items():
        assert_same(found[key], value, key)


def test_a_fixed_batch_size_is_declared() -> None:
    graph = emit(program(Variant("CLIPImageProcessor")), EmitOptions(batch_size=5)).graph
    assert shape_of(graph.input[0])[0] == 5
    assert shape_of(graph.output[0])[0] == 5


def test_a_fixed_size_leaves_no_size_or_weight_arithmetic() -> None:
    fixed = emit(program(Variant("CLIPImageProcessor")), EmitOptions(image_size=(300, 451))).graph
    dynamic = model(Variant("CLIPImageProcessor"), "cpu").graph
    assert len(fixed.node) < len(dynamic.node) / 2
    assert not [node.name for node, _ in nodes(fixed) if node.op_type in ("If", "CumSum", "Abs", "Sign")]
    # the number of images is not fixed, so the loop over strips still counts its trips
    scopes = [node.name.split("/") for node, _ in nodes(fixed)]
    assert not [scope for scope in scopes if "sizes" in scope and "strips" not in scope]


# --- the same bytes

DUMP = """
import json, sys
sys.path.insert(0, sys.argv[1])
from emitters.test_graphs import digests
print(json.dumps(digests(sys.argv[2] == "everything")))
"""


def digests(everything: bool) -> dict[str, str]:
    """Return the hash of the `cpu` graph of a few classes, or of every class, and then of the former for other targets too."""
    wanted = [(v, "cpu") for v in FAMILIES[:: 1 if everything else 4]]
    if everything:
        wanted += [(v, t) for v in FAMILIES for t in ("cuda", "portable")] + [(v, "cpu") for v in VARIANTS]
    return {
        f"{variant} {target}": hashlib.sha256(model(variant, target).SerializeToString(deterministic=True)).hexdigest()
        for variant, target in wanted
        if target != "portable" or variant in PORTABLE
    }


@pytest.mark.slow
@pytest.mark.parametrize("seed", ["4242"])
def test_the_same_bytes_in_every_process(root: Path, seed: str) -> None:
    """Neither hash seeds, memory addresses nor what was emitted before changes a byte."""
    environment = {**os.environ, "PYTHONHASHSEED": seed, "PYTHONPATH": str(root)}
    result = subprocess.run(
        [sys.executable, "-c", DUMP, str(root / "tests"), "everything" if tiers.everything() else "a few"],
        capture_output=True,
        text=True,
        env=environment,
        check=True,
    )
    there = json.loads(result.stdout)
    assert there == digests(tiers.everything())
    assert len(there) >= len(FAMILIES) // 4


def test_quick_settings_are_of_classes_that_exist() -> None:
    assert set(SMALL) <= set(specs())
    assert set(NOT_PORTABLE) <= set(specs())
    assert {family(variant.name) for variant in FAMILIES} == set(map(family, specs()))
