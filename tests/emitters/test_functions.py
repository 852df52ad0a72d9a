"""Graphs with kernels: calls of the domain `graphproc`, and functions of standard operators that compute the same."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import onnx
import onnxruntime
import pytest
import tiers
from cases.every_class import Variant, batched, inputs_of, program
from support.graphs import assert_same, images

from graphproc.emitters.onnx.checks import nodes
from graphproc.emitters.onnx.emit import EmitOptions, emit
from graphproc.emitters.onnx.functions import DOMAIN, NAMES
from graphproc.errors import EmitError
from graphproc.executors import reference
from graphproc.ir.op import KernelNode
from graphproc.ir.program import Parity, Program, ProgramBuilder
from graphproc.ir.types import TensorType
from graphproc.ops import Rearrange
from graphproc.ops.lowered.resize import Resize
from graphproc.runtime import native
from graphproc.sizes import num

BUILT = pytest.mark.skipif(native.path() is None, reason=str(native.reason()))
LIBRARIES = [pytest.param(False, id="functions"), pytest.param(True, id="kernels", marks=BUILT)]
"""Whether the native library is registered."""
FORMS = ("batch", "image", "sequence")
HEIGHT, WIDTH = num.symbol("height"), num.symbol("width")


def chain(*ops: Resize | Rearrange) -> Program:
    """Return the program of ops one after another, on an image with channels first."""
    b = ProgramBuilder("chain", Parity("itself"))
    x = b.input("image", TensorType("u8", (3, HEIGHT, WIDTH), "CHW"))
    for op in ops:
        x = b.add(op, x)
    b.output("y", x)
    return b.finish()


def run(model: onnx.ModelProto, feeds: Mapping[str, np.ndarray], library: bool) -> dict[str, np.ndarray]:
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    options.intra_op_num_threads = 1
    if library:
        options.register_custom_ops_library(str(native.path()))
    session = onnxruntime.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"])
    names = [output.name for output in session.get_outputs()]
    return dict(zip(names, session.run(names, feeds), strict=True))


def calls(model: onnx.ModelProto) -> list[str]:
    return [node.op_type for node, _ in nodes(model.graph) if node.domain == DOMAIN]


@tiers.crossed(
    ("variant", tiers.classes()),
    ("form, library", [("batch", False), *(pytest.param(form, True, marks=BUILT) for form in FORMS)]),
)
def test_every_class(variant: Variant, form: str, library: bool) -> None:
    """With the library registered or not, a graph gives the bits of the numpy rules."""
    compiled = program(variant)
    model = emit(compiled, EmitOptions(input=form, kernels=True))  # type: ignore[arg-type]
    onnx.checker.check_model(model)
    inputs = inputs_of(compiled, images(1 if form == "image" else 2, 61, 43, 3))
    if form == "batch":
        feeds: dict[str, object] = {**batched(compiled, inputs)}
    elif form == "image":
        feeds = {compiled.graph_input_name(name, plural=False): x for name, x in inputs[0].items()}
    else:
        feeds = {compiled.graph_input_name(name): [one[name] for one in inputs] for name in inputs[0]}
    found = run(model, feeds, library)  # type: ignore[arg-type]
    expected = reference.batch(compiled.outputs, [reference.run(compiled, one) for one in inputs])
    for name, wanted in expected.items():
        assert_same(found[name], wanted, name)


def test_a_graph_without_kernels_has_standard_operators_alone() -> None:
    model = emit(program(Variant("CLIPImageProcessor")), EmitOptions())
    assert not model.functions
    assert [entry.domain for entry in model.opset_import] == [""]


def test_a_call_has_a_function_of_its_name() -> None:
    model = emit(program(Variant("CLIPImageProcessor")), EmitOptions(kernels=True))
    assert calls(model) == [function.name for function in model.functions] == ["ResizeMapped"]
    assert {(entry.domain, entry.version) for entry in model.opset_import} == {("", 18), (DOMAIN, 1)}
    assert {function.domain for function in model.functions} == {DOMAIN}


def test_equal_calls_share_a_function() -> None:
    """Sizes that are not known are inputs of a function, so they may differ."""
    b = ProgramBuilder("both", Parity("itself"))
    x = b.input("image", TensorType("u8", (3, HEIGHT, WIDTH), "CHW"))
    for name, op in (("a", Resize(HEIGHT + 1, WIDTH + 1, "bilinear")), ("b", Resize(WIDTH + 1, HEIGHT + 1, "bilinear"))):
        b.output(name, b.add(op, x))
    model = emit(b.finish(), EmitOptions(kernels=True))
    assert calls(model) == ["Resize", "Resize"]
    assert len(model.functions) == 1


def test_calls_with_other_nodes_have_other_names() -> None:
    model = emit(chain(Resize(8, 9, "bilinear"), Resize(7, 9, "bicubic"), Resize(7, 9, "bicubic")), EmitOptions(kernels=True))
    assert calls(model) == ["Resize", "Resize_2", "Resize_3"]  # the last reads 7 x 9 pixels, not any image


@pytest.mark.parametrize("library", LIBRARIES)
def test_calls_beyond_the_names_are_standard_operators(library: bool) -> None:
    compiled = chain(*(Resize(5 + i, 6, "bilinear") for i in range(NAMES + 2)))
    model = emit(compiled, EmitOptions(kernels=True))
    assert len(calls(model)) == len(model.functions) == NAMES
    x = images(2, 9, 8, 3).transpose(0, 3, 1, 2).copy()
    wanted = [reference.run(compiled, {"image": one})["y"] for one in x]
    assert_same(run(model, {"images": x}, library)["y"], np.stack(wanted), "y")


@pytest.mark.parametrize("library", LIBRARIES)
def test_a_reshape_behind_a_call_is_part_of_it(library: bool) -> None:
    """The kernel writes the output itself: a Reshape behind it would copy all elements."""
    compiled = program(Variant("Qwen2VLImageProcessor"))
    model = emit(compiled, EmitOptions(kernels=True))
    last = next(node for node in model.graph.node if "pixel_values" in node.output)
    assert last.domain == DOMAIN
    assert last.input[-1] != ""
    x = images(2, 61, 43, 3)
    wanted = reference.batch(compiled.outputs, [reference.run(compiled, {"image": one}) for one in x])
    assert_same(run(model, {"images": x}, library)["pixel_values"], wanted["pixel_values"], "pixel_values")


def test_a_kernel_reads_every_size_of_its_op(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Resize, "kernel", lambda self, x: KernelNode("Resize", (("i64", (self.height,)),)))
    with pytest.raises(EmitError, match="its kernel Resize must list width, which the op has, in a vector"):
        emit(chain(Resize(HEIGHT, WIDTH, "bilinear")), EmitOptions(kernels=True))


@pytest.mark.parametrize("target", ["cuda", "portable"])
def test_kernels_run_on_cpus(target: str) -> None:
    with pytest.raises(EmitError, match="expected target 'cpu'"):
        EmitOptions(target, image_size=(4, 4), kernels=True)  # type: ignore[arg-type]
