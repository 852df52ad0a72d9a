"""Sessions and calls use kernels by themselves, with the same bits: in threads, processes and forks, from files and pickles."""

from __future__ import annotations

import os
import pickle
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import pytest
from onnx import TensorProto, helper, numpy_helper
from support.graphs import assert_same, images

import graphproc as gp
from graphproc.errors import RuntimeUnavailableError
from graphproc.runtime import native

NAME = "CLIPImageProcessor"
BUILT = pytest.mark.skipif(native.path() is None, reason=str(native.reason()))


@pytest.fixture(scope="module")
def graph() -> bytes:
    return gp.CLIPImageProcessor(size=40, crop_size=32).to_onnx().SerializeToString()


def pixels(session: gp.Session, x: np.ndarray) -> np.ndarray:
    return session.run({"images": x})["pixel_values"]


def expected(graph: bytes, x: np.ndarray) -> np.ndarray:
    return pixels(gp.Session(graph, kernels=False), x)


@BUILT
def test_a_session_uses_kernels_by_itself(graph: bytes) -> None:
    x = images(2, 61, 43, 3)
    by_itself, asked, without = gp.Session(graph), gp.Session(graph, kernels=True), gp.Session(graph, kernels=False)
    assert (by_itself.kernels, asked.kernels, without.kernels) == (True, True, False)
    assert f"provider cpu, kernels {native.instruction_set()})" in repr(by_itself)
    assert "kernels" not in repr(without)
    assert by_itself.metadata["config"] == without.metadata["config"]
    for session in (by_itself, asked):
        assert_same(pixels(session, x), pixels(without, x), "pixel_values")


@BUILT
@pytest.mark.parametrize("options", [{"image_size": (61, 43)}, {"input": "image"}, {"input": "sequence"}, {"opset": 17}], ids=str)
def test_graphs_of_every_form(options: dict[str, object]) -> None:
    made = gp.CLIPImageProcessor(size=40, crop_size=32).to_onnx(**options)  # type: ignore[arg-type]
    x: object = images(1, 61, 43, 3)
    if options.get("input") in ("image", "sequence"):
        x = images(1, 61, 43, 3)[0] if options["input"] == "image" else [*images(2, 61, 43, 3)]
    with_kernels, without = gp.Session(made), gp.Session(made, kernels=False)
    assert with_kernels.kernels
    assert_same(with_kernels(x)["pixel_values"], without(x)["pixel_values"], str(options))


@BUILT
def test_pipelines_of_ones_own() -> None:
    b = gp.ProgramBuilder("halved", gp.Parity("itself"))
    image = b.input("image", "u8[height, width, 3] HWC")
    b.output("pixels", b.add(gp.ops.Resample(12, 10, "bicubic"), b.add(gp.ops.ToChannelsFirst(), image)))
    pipeline = gp.Pipeline(b.finish())
    session = gp.Session(pipeline.to_onnx())
    assert session.kernels
    x = images(2, 31, 23, 3)
    assert_same(session(x)["pixels"], gp.Session(pipeline.to_onnx(), kernels=False)(x)["pixels"], "pixels")


@BUILT
def test_a_graph_that_was_changed_runs_as_it_is(graph: bytes) -> None:
    changed = onnx.load_from_string(graph)
    last = changed.graph.node[-1]
    last.output[0], name = "before", last.output[0]
    changed.graph.node.append(helper.make_node("Neg", ["before"], [name]))
    session, x = gp.Session(changed), images(1, 61, 43, 3)
    assert not session.kernels
    assert_same(pixels(session, x), -expected(graph, x), "pixel_values")


@pytest.mark.parametrize("kernels", [None, False])
def test_a_graph_written_with_kernels_runs_without_them(kernels: bool | None) -> None:
    processor = gp.CLIPImageProcessor(size=40, crop_size=32)
    made, x = processor.to_onnx(kernels=True), images(2, 61, 43, 3)
    session = gp.Session(made, kernels=kernels)
    assert session.kernels == (kernels is None and native.path() is not None)
    assert_same(pixels(session, x), expected(processor.to_onnx().SerializeToString(), x), "pixel_values")


@BUILT
def test_a_pickled_session_uses_what_it_finds(graph: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    data = pickle.dumps(gp.Session(graph))
    assert pickle.loads(data).kernels
    monkeypatch.setenv(native.VARIABLE, "off")
    assert not pickle.loads(data).kernels


def test_kernels_that_are_asked_for_must_be_there(graph: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(native.VARIABLE, "off")
    assert not gp.Session(graph).kernels
    with pytest.raises(RuntimeUnavailableError, match=r"^kernels: there are none. GRAPHPROC_KERNELS is off.$"):
        gp.Session(graph, kernels=True)


@BUILT
def test_a_library_of_another_version_is_not_used(graph: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    native._load.cache_clear()
    monkeypatch.setattr(native, "__version__", "99.0")
    try:
        assert not gp.Session(graph).kernels
        with pytest.raises(RuntimeUnavailableError, match=r"is of version .*, graphproc 99\.0; "):
            gp.Session(graph, kernels=True)
    finally:
        native._load.cache_clear()


@BUILT
def test_calls_fused_graphs_and_verification(tmp_path: Path) -> None:
    processor, x = gp.CLIPImageProcessor(size=40, crop_size=32), images(3, 61, 43, 3)
    wanted = processor(list(x), return_tensors="np", engine="numpy")["pixel_values"]
    assert_same(processor(list(x), return_tensors="np")["pixel_values"], wanted, "a call")
    negated = helper.make_graph(
        [helper.make_node("Neg", ["pixel_values"], ["negated"])],
        "model",
        [helper.make_tensor_value_info("pixel_values", TensorProto.FLOAT, ["batch", 3, 32, 32])],
        [helper.make_tensor_value_info("negated", TensorProto.FLOAT, ["batch", 3, 32, 32])],
    )
    model = helper.make_model(negated, opset_imports=[helper.make_opsetid("", 18)], ir_version=8)
    fused = gp.fuse(processor, model, kernels=True)
    for kernels in (None, False):
        session = gp.Session(fused, kernels=kernels)
        assert session.kernels == (kernels is None)
        assert_same(session.run({"images": x})["negated"], -wanted, "fused")
    path = processor.export(tmp_path / "with.onnx", kernels=True)
    assert gp.verify(str(path), list(x)).ok
    assert gp.verify(fused, list(x)).ok


@BUILT
def test_four_threads_share_a_session(graph: bytes) -> None:
    session, alone = gp.Session(graph), gp.Session(graph, kernels=False)
    inputs = [images(1, 30 + i, 60 - i, 3) for i in range(12)]
    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(lambda x: pixels(session, x), inputs * 4))
    wanted = [pixels(alone, x) for x in inputs]
    for x, result, one in zip(inputs * 4, found, wanted * 4, strict=True):
        assert_same(result, one, str(x.shape))


IN_OTHERS = """
import os, sys, numpy as np, graphproc as gp
x = np.arange(61 * 43 * 3, dtype=np.uint32).astype(np.uint8).reshape(61, 43, 3)
processor = gp.CLIPImageProcessor(size=40, crop_size=32)
session = gp.Session(processor.to_onnx())
before = session.run({"images": x[None]})["pixel_values"].tobytes()
child = os.fork()
mine = session.run({"images": x[None]})["pixel_values"].tobytes()
called = processor(x, return_tensors="np")["pixel_values"].tobytes()
if child == 0:
    os._exit(0 if session.kernels and mine == before == called else 1)
assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
print(session.kernels, mine == before == called, hash(mine))
"""


@BUILT
@pytest.mark.slow
@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork")
def test_two_processes_and_their_forks(tmp_path: Path) -> None:
    settings = {**os.environ, "PYTHONHASHSEED": "0", "PYTHONPATH": str(native.FOLDER.parent.parent)}
    command = [sys.executable, "-W", "ignore", "-c", IN_OTHERS]
    # Not in this folder, because Python looks there first, and a checkout need not have a library.
    both = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=settings, cwd=tmp_path) for _ in range(2)]
    first, second = (process.communicate(timeout=300)[0] for process in both)
    assert first == second
    assert first.startswith("True True")


def call(name: str, inputs: list[np.ndarray], attributes: dict[str, object]) -> list[np.ndarray]:
    """Run one node of the library in ONNX Runtime."""
    values = [
        helper.make_tensor_value_info(f"x{i}", helper.np_dtype_to_tensor_dtype(x.dtype), None) for i, x in enumerate(inputs)
    ]
    shape = numpy_helper.from_array(np.zeros(0, np.int64), "shape")
    node = helper.make_node(name, [*(value.name for value in values), "shape"], ["y"], domain="graphproc", **attributes)
    out = helper.make_tensor_value_info("y", TensorProto.UINT8, None)
    graph = helper.make_graph([node], "one", values, [out], [shape])
    opsets = [helper.make_opsetid("", 18), helper.make_opsetid("graphproc", 1)]
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 4
    options.register_custom_ops_library(str(native.path()))
    model = helper.make_model(graph, opset_imports=opsets, ir_version=8).SerializeToString()
    session = onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])
    return session.run(None, {value.name: x for value, x in zip(values, inputs, strict=True)})


PILLOW = {"filter": "bicubic", "arithmetic": "pillow", "layout": "HWC"}
IMAGE, NONE = np.zeros((4, 5, 3), np.uint8), np.zeros(0)


@BUILT
@pytest.mark.parametrize(
    ("inputs", "attributes", "message"),
    [
        ([IMAGE[0, 0], np.array([2, 2, 0, 0, 2, 2]), NONE], PILLOW, "expected .* axes"),
        ([IMAGE, np.array([2, 2]), NONE], PILLOW, "Resize: expected 6 or 10 sizes"),
        ([IMAGE, np.array([2, -2, 0, 0, 2, 2]), NONE], PILLOW, "expected"),
        ([IMAGE, np.array([2, 2, 1, 0, 2, 2]), NONE], PILLOW, "expected"),
        ([IMAGE, np.array([1 << 40, 1 << 40, 0, 0, 1 << 40, 1 << 40]), NONE], PILLOW, "expected"),
        ([IMAGE, np.array([2, 2, 0, 0, 2, 2]), np.array([99.0, 1.0])], PILLOW, "extent"),
        ([IMAGE[:0], np.array([2, 2, 0, 0, 2, 2]), NONE], PILLOW, "expected"),
        ([IMAGE, np.array([2, 2, 0, 0, 2, 2]), NONE], {**PILLOW, "filter": "sharp"}, "sharp"),
        ([IMAGE, np.array([2, 2, 0, 0, 2, 2]), NONE], {"filter": "bicubic"}, "arithmetic"),
        ([IMAGE.astype(np.float32), np.array([2, 2, 0, 0, 2, 2]), NONE], PILLOW, "tensor\\(float\\)"),
    ],
    ids=["rank", "sizes", "negative", "window", "huge", "extent", "no pixels", "filter", "missing", "dtype"],
)
def test_bad_input_is_an_error_of_onnx_runtime(inputs: list[np.ndarray], attributes: dict[str, object], message: str) -> None:
    with pytest.raises(Exception, match=message) as caught:  # onnxruntime's own classes share no base but Exception
        call("Resize", inputs, attributes)
    assert type(caught.value).__module__.startswith("onnxruntime")
