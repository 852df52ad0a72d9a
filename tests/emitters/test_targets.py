"""What each target promises: CUDA kernels for every node, and portable graphs that other runtimes run to the same bits."""

from __future__ import annotations

import numpy as np
import onnx
import pytest

import graphproc as gp
from graphproc.emitters.onnx.checks import CUDA_KERNELS, cuda_fallbacks, element_types, nodes
from graphproc.processors.registry import rows
from graphproc.wrappers.examples import default_images

CLASSES = list(rows())
SETTINGS = [{}, {"resample": 0}, {"resample": 1}, {"resample": 5}, {"color": "rgba"}, {"color": "gray"}, {"image_size": (64, 80)}]
PORTABLE_SIZE = (90, 121)
PORTABLE = [
    ("CLIPImageProcessor", {}),
    ("ViTImageProcessor", {}),
    ("MobileViTImageProcessor", {}),
    ("ChameleonImageProcessor", {}),
    ("LayoutLMv2ImageProcessor", {}),
    ("PerceiverImageProcessor", {}),
    ("ViTImageProcessor", {"resample": 0}),
    ("ViTImageProcessor", {"resample": 4, "size": {"height": 3, "width": 2}}),
    ("CLIPImageProcessor", {"color": "rgba", "rescale_factor": 0.0123}),
]


@pytest.mark.parametrize("settings", SETTINGS, ids=str)
@pytest.mark.parametrize("name", CLASSES)
def test_cuda_graphs_have_a_kernel_for_every_node(name, settings):
    assert cuda_fallbacks(getattr(gp, name)().to_onnx(target="cuda", **settings)) == []


def test_the_kernel_check_names_nodes_that_would_fall_back():
    found = cuda_fallbacks(gp.CLIPImageProcessor().to_onnx(target="cpu"))
    assert ("MatMulInteger", "MatMulInteger has no CUDA kernel for u8") in {(op, reason) for _, op, reason in found}


def test_the_kernel_table_knows_element_types_of_subgraphs():
    model = gp.CLIPImageProcessor().to_onnx(target="cuda")
    types = element_types(model)
    inner = [node for node, graph in nodes(model.graph) if graph is not model.graph]
    assert inner
    assert all(types[node.output[0]] != "other" for node in inner)
    assert "MatMul" in CUDA_KERNELS


@pytest.mark.parametrize("name", CLASSES)
def test_portable_graphs_hold_only_float32_and_int64(name):
    model = gp.__getattr__(name)().to_onnx(target="portable", image_size=(64, 80))
    types = element_types(model)
    outside = {model.graph.input[0].name, *(o.name for o in model.graph.output)}
    assert {t for value, t in types.items() if value not in outside} <= {"f32", "i64"}


def portable_case(name, settings):
    """A portable model, its input and the reference's output."""
    processor = getattr(gp, name)()
    model = processor.to_onnx(target="portable", image_size=PORTABLE_SIZE, **settings)
    session = gp.Session(model)
    report = gp.verify(session)
    assert report.ok
    from graphproc.wrappers.examples import in_color

    batch = in_color(default_images(PORTABLE_SIZE)[1], settings.get("color", "rgb"))[None]
    return model, batch, session.run({"images": batch})["pixel_values"]


@pytest.mark.parametrize(("name", "settings"), PORTABLE, ids=str)
def test_portable_graphs_give_the_same_bits_in_openvino(name, settings, tmp_path):
    openvino = pytest.importorskip("openvino", reason='pip install ".[runtimes]"')
    model, batch, want = portable_case(name, settings)
    path = tmp_path / "portable.onnx"
    onnx.save(model, path)
    compiled = openvino.Core().compile_model(str(path), "CPU", {"INFERENCE_PRECISION_HINT": "f32"})
    found = compiled([batch])[0]
    assert found.dtype == want.dtype
    np.testing.assert_array_equal(found, want)


@pytest.mark.parametrize(("name", "settings"), PORTABLE, ids=str)
def test_portable_graphs_give_the_same_bits_in_tract(name, settings, tmp_path):
    tract = pytest.importorskip("tract", reason='pip install ".[runtimes]"')
    model, batch, want = portable_case(name, settings)
    path = tmp_path / "portable.onnx"
    onnx.save(model, path)
    loaded = tract.onnx().load(str(path))
    loaded.set_input_fact(0, f"{','.join(map(str, batch.shape))},u8")
    (found,) = loaded.into_model().into_runnable().run([batch])
    found = found.to_numpy()
    assert found.dtype == want.dtype
    np.testing.assert_array_equal(found, want)


@pytest.mark.parametrize("name", CLASSES)
def test_cuda_graphs_run_on_a_gpu_to_the_same_bits(name):
    import onnxruntime

    if "CUDAExecutionProvider" not in onnxruntime.get_available_providers():
        pytest.skip("needs an NVIDIA GPU and onnxruntime-gpu; this onnxruntime has no CUDA provider")
    assert gp.verify(getattr(gp, name)().to_onnx(target="cuda"), provider="cuda").ok
