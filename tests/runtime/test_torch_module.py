"""Preprocessing graphs as torch modules: the bits that ONNX Runtime gives, for every class, on every device."""

from __future__ import annotations

import copy
import io
import pickle
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
import tiers
from cases.every_class import FAMILIES, PIL, VARIANTS, Variant, batched, inputs_of, program

import graphproc as gp
from graphproc.emitters.onnx.emit import EmitOptions, emit
from graphproc.errors import GraphError, ImageError
from graphproc.runtime.session import Session
from graphproc.wrappers.examples import photograph

torch = pytest.importorskip("torch")

from graphproc.runtime.torch_module import TorchModule  # noqa: E402

Array = np.ndarray[Any, Any]
PHOTOGRAPH = photograph()[None].copy()


def noise(*shape: int) -> Array:
    return np.random.default_rng(shape).integers(0, 256, shape, dtype=np.uint8)


@cache
def graph(variant: Variant) -> onnx.ModelProto:
    return emit(program(variant), EmitOptions("cuda"))


def tensors(inputs: dict[str, Array]) -> dict[str, Any]:
    return {name: torch.from_numpy(array) for name, array in inputs.items()}


def same(found: Any, expected: Any) -> None:
    assert list(found) == list(expected)
    for name, want in expected.items():
        have = found[name].cpu().numpy()
        assert have.dtype == want.dtype, name
        np.testing.assert_array_equal(have, want, err_msg=name)


@pytest.mark.parametrize("variant", tiers.rows(VARIANTS, (*FAMILIES[::2], *PIL[:1])), ids=str)
def test_every_class_gives_onnx_runtimes_bits(variant: Variant) -> None:
    inputs = batched(program(variant), inputs_of(program(variant), [noise(67, 83, 3), noise(67, 83, 3)[::-1]]))
    model = graph(variant)
    same(TorchModule(model)(**tensors(inputs)), Session(model, threads=1, specialise_after=None)(**inputs))


def families(*without: str) -> Any:
    chosen = [variant for variant in FAMILIES if variant.name not in without]
    return pytest.mark.parametrize("variant", tiers.rows(chosen, FAMILIES[::4]), ids=str)


@pytest.mark.parametrize("options", [EmitOptions("cpu"), EmitOptions("cuda", "image", 23)], ids=["cpu", "image, opset 23"])
@families()
def test_other_forms_of_the_graph(variant: Variant, options: EmitOptions) -> None:
    made, several = program(variant), options.input == "batch"
    (inputs,) = inputs_of(made, [noise(67, 83, 3)])
    feeds = batched(made, [inputs]) if several else {made.graph_input_name(k, plural=False): v for k, v in inputs.items()}
    model = emit(made, options)
    same(TorchModule(model)(**tensors(feeds)), Session(model, threads=1, specialise_after=None)(**feeds))


@families("VitPoseImageProcessor")  # its sizes also depend on the number of boxes
def test_graphs_of_one_size_in_the_oldest_opset(variant: Variant) -> None:
    made = program(variant)
    model = emit(made, EmitOptions("cuda", opset=17, image_size=(67, 83)))
    feeds = batched(made, inputs_of(made, [noise(67, 83, 3)]))
    same(TorchModule(model)(**tensors(feeds)), Session(model, threads=1, specialise_after=None)(**feeds))


OF_LISTS = [f"{stem}ImageProcessor" for stem in ("CLIP", "Detr", "GotOcr2", "Siglip2")]


@pytest.mark.parametrize("name", tiers.rows(OF_LISTS, OF_LISTS[:2]))
def test_lists_of_images_of_different_sizes(name: str) -> None:
    model = emit(program(Variant(name)), EmitOptions("cuda", "sequence"))
    images = [noise(67, 83, 3), noise(90, 41, 3), noise(67, 83, 3)]
    found = TorchModule(model)([torch.from_numpy(image) for image in images])
    same(found, Session(model, threads=1, specialise_after=None)(images))


@pytest.mark.parametrize(("backend", "code"), [("pil", code) for code in range(6)] + [("torchvision", code) for code in range(4)])
def test_every_filter_gives_the_numpy_references_bits(backend: str, code: int) -> None:
    processor = gp.CLIPImageProcessor(resample=code, size=61, crop_size=61, backend=backend)
    images = PHOTOGRAPH
    expected = processor(images, return_tensors="np", engine="numpy")
    same(processor.to_torch()(torch.from_numpy(images)), expected)


# ---- devices ---------------------------------------------------------------------------------------------------


@families("NougatImageProcessor")  # it finds sizes in pixels
def test_pixels_stay_on_their_device(variant: Variant) -> None:
    """On torch's `meta` device, which has shapes and no numbers: reading one, or mixing devices, is an error."""
    made = program(variant)
    module = TorchModule(graph(variant)).to("meta")
    feeds = batched(made, inputs_of(made, [noise(67, 83, 3)] * 2))
    found = module(**{name: torch.from_numpy(array).to("meta") for name, array in feeds.items()})
    for output in made.outputs:
        assert found[output.name].device.type == "meta", output.name


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")
@pytest.mark.parametrize("variant", tiers.classes(), ids=str)
def test_a_gpu_gives_the_same_bits(variant: Variant) -> None:
    made = program(variant)
    feeds = batched(made, inputs_of(made, [noise(67, 83, 3), noise(67, 83, 3)[::-1]]))
    module = TorchModule(graph(variant)).to("cuda")
    found = module(**{name: tensor.to("cuda") for name, tensor in tensors(feeds).items()})
    assert {tensor.device.type for tensor in found.values()} == {"cuda"}
    same(found, Session(graph(variant), threads=1, specialise_after=None)(**feeds))


CLIP = gp.CLIPImageProcessor(size=32, crop_size=32)
IMAGES = PHOTOGRAPH[:, :60, :90].copy()


@cache
def expected() -> Any:
    return CLIP(IMAGES, return_tensors="np", engine="numpy")


def test_moving_changes_devices_and_never_element_types() -> None:
    module = CLIP.to_torch()
    before = {name: buffer.dtype for name, buffer in module.named_buffers()}
    for change in (module.half, module.double, lambda: module.to("cpu", torch.bfloat16)):
        change()
        assert {name: buffer.dtype for name, buffer in module.named_buffers()} == before
    module = CLIP.to_torch().half()
    same(module(torch.from_numpy(IMAGES)), expected())


def test_inside_a_model_it_has_no_weights_and_no_gradients() -> None:
    module = torch.nn.Sequential(CLIP.to_torch())
    assert not module.state_dict()
    assert not list(module.parameters())
    assert not module(torch.from_numpy(IMAGES))["pixel_values"].requires_grad


def test_precision_settings_of_the_program_around_change_nothing() -> None:
    matmul = torch.backends.mkldnn.matmul
    before = matmul.fp32_precision
    processor = gp.CLIPImageProcessor(size=224)
    want = processor(PHOTOGRAPH, return_tensors="np", engine="numpy")
    matmul.fp32_precision = "bf16"
    try:
        with torch.autocast("cpu", dtype=torch.bfloat16):
            found = processor.to_torch()(torch.from_numpy(PHOTOGRAPH))
            assert torch.is_autocast_enabled("cpu")
        assert matmul.fp32_precision == "bf16"
    finally:
        matmul.fp32_precision = before
    same(found, want)


def test_a_default_device_changes_nothing() -> None:
    module, images = CLIP.to_torch(), torch.from_numpy(IMAGES)
    with torch.device("meta"):
        found = module(images)
    same(found, expected())


# ---- the module ------------------------------------------------------------------------------------------------


def test_a_processor_a_model_bytes_and_a_path(tmp_path: Path) -> None:
    model = CLIP.to_onnx(target="cuda")
    path = CLIP.export(tmp_path / "clip.onnx")
    for source in (CLIP, model, model.SerializeToString(), path, str(path)):
        module = gp.TorchModule(source)
        same(module(images=torch.from_numpy(IMAGES)), expected())
        assert module.config() == Session(model).config()
    assert gp.TorchModule(path).metadata["target"] == "cpu"
    assert gp.TorchModule(CLIP).metadata["target"] == "cuda"
    assert str(gp.TorchModule(CLIP)) == "TorchModule(images -> pixel_values)"


def test_options_are_those_of_to_onnx() -> None:
    module = CLIP.to_torch(image_size=(60, 90), color="bgr", target="cpu")
    assert module.dims == {"images": ["batch", 60, 90, 3]}
    same(module(torch.from_numpy(IMAGES[..., ::-1].copy())), expected())


def test_tensors_need_not_be_contiguous() -> None:
    images = torch.from_numpy(IMAGES).permute(0, 3, 1, 2).contiguous().permute(0, 2, 3, 1)
    assert not images.is_contiguous()
    same(CLIP.to_torch()(images), expected())


def test_what_comes_in_is_not_written_to() -> None:
    for target in ("cpu", "cuda"):
        images = torch.from_numpy(IMAGES.copy())
        CLIP.to_torch(target=target)(images)
        np.testing.assert_array_equal(images.numpy(), IMAGES)


def test_copies_and_files_work_like_the_original() -> None:
    module = CLIP.to_torch()
    file = io.BytesIO()
    torch.save(module, file)
    file.seek(0)
    for again in (copy.deepcopy(module), pickle.loads(pickle.dumps(module)), torch.load(file, weights_only=False)):
        same(again(torch.from_numpy(IMAGES)), expected())


@pytest.mark.slow
def test_a_compiled_model_leaves_it_as_it_is() -> None:
    graphs = []

    def backend(graph: Any, inputs: Any) -> Any:
        graphs.append({node.op for node in graph.graph.nodes if node.op in ("call_function", "call_method")})
        return graph.forward

    class Model(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.preprocessing = CLIP.to_torch()

        def forward(self, images: Any) -> Any:
            return torch.relu(self.preprocessing(images)["pixel_values"])

    found = torch.compile(Model(), backend=backend)(torch.from_numpy(IMAGES))
    np.testing.assert_array_equal(found.numpy(), np.maximum(expected()["pixel_values"], 0))
    assert len(graphs) == 1, "only what follows is compiled"


# ---- refusals --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ((IMAGES,), "images: expected a torch tensor, got ndarray"),
        ((torch.zeros(1, 8, 8, 3),), r"images: expected torch.uint8, got torch.float32"),
        ((torch.zeros(8, 8, 3, dtype=torch.uint8),), r"images: expected the shape \[batch, height, width, 3\], got \[8, 8, 3\]"),
        ((torch.zeros(1, 3, 8, 8, dtype=torch.uint8),), r"images: expected the shape \[1, 3, 8, 3\], got \[1, 3, 8, 8\]"),
        ((torch.zeros(1, 0, 8, 3, dtype=torch.uint8),), "images: expected the shape"),
        ((torch.zeros(1, 8, 8, 3, dtype=torch.uint8, device="meta"),), "images: is on meta, the module on cpu"),
        ((), "expected images, got none"),
        ((torch.zeros(1), torch.zeros(1)), "expected images, got 2 tensors. Stack"),
    ],
)
def test_refused_inputs(given: tuple[Any, ...], message: str) -> None:
    with pytest.raises(ImageError, match=message):
        CLIP.to_torch()(*given)


def test_inputs_of_one_size_in_the_graph_are_of_one_size() -> None:
    module = gp.VitMatteImageProcessor().to_torch()
    assert module.inputs == ["images", "trimaps"]
    with pytest.raises(ImageError, match=r"trimaps: expected the shape \[1, 8, 9\], got \[1, 9, 9\]"):
        module(torch.zeros(1, 8, 9, 3, dtype=torch.uint8), torch.zeros(1, 9, 9, dtype=torch.uint8))


def test_an_empty_list_of_images() -> None:
    module = CLIP.to_torch(input="sequence")
    for given in ([], torch.zeros(1, 8, 8, 3, dtype=torch.uint8)):
        with pytest.raises(ImageError, match="images: expected a list of at least one tensor"):
            module(given)


def test_what_runs_into_an_error_says_so() -> None:
    module = gp.Swin2SRImageProcessor().to_torch(input="sequence")
    images = [torch.zeros(*size, 3, dtype=torch.uint8) for size in ((8, 8), (40, 8))]
    with pytest.raises(ImageError, match="graph: expected results of one shape of all images for pixel_values"):
        module(images)
    with pytest.raises(ImageError, match="graph: the resized height rounds to less than 1 pixel"):
        gp.DetrImageProcessor(size={"shortest_edge": 8, "longest_edge": 13}).to_torch(input="image")(
            images[0][:1].repeat(1, 99, 1)
        )


def test_what_is_no_graph(tmp_path: Path) -> None:
    for source, message in (
        (tmp_path / "none.onnx", "none.onnx': cannot be read"),
        (b"\xff\xff", "expected an ONNX model, got something else"),
        (3, "expected a processor, a path, bytes or a model, got int"),
    ):
        with pytest.raises(GraphError, match=message):
            TorchModule(source)
    with pytest.raises(GraphError, match="'color' is for processors"):
        TorchModule(CLIP.to_onnx(), color="rgb")
    model = CLIP.to_onnx()
    del model.metadata_props[:]
    with pytest.raises(GraphError, match=r"no graphproc\.config entry"):
        TorchModule(model).config()


def test_a_model_of_other_operators_is_refused_at_once() -> None:
    node = onnx.helper.make_node("Conv", ["x", "w"], ["y"])
    values = [onnx.helper.make_tensor_value_info(name, 1, None) for name in "xwy"]
    model = onnx.helper.make_model(onnx.helper.make_graph([node], "g", values[:2], values[2:]))
    with pytest.raises(GraphError, match="no implementation of Conv"):
        TorchModule(model)
