"""What each target promises: CUDA kernels for every node, and portable graphs that other runtimes run to the same bits."""

from __future__ import annotations

from typing import Any

import numpy as np
import onnx
import pytest
import tiers
from cases.every_class import FAMILIES, SMALL, program

import graphproc as gp
from graphproc.emitters.onnx.checks import CUDA_KERNELS, cuda_fallbacks, element_types, nodes
from graphproc.emitters.onnx.emit import EmitOptions, emit
from graphproc.errors import EmitError
from graphproc.processors.registry import specs
from graphproc.wrappers.examples import default_images, in_color

SETTINGS: list[tuple[str, dict[str, Any]]] = [
    *((color, {"color": color}) for color in ("bgr", "rgba", "gray")),
    *((f"filter {code}", {"resample": code}) for code in (0, 1, 2, 3, 4, 5)),
    ("fixed", {"image_size": (64, 80)}),
    ("switched off", {"do_rescale": False, "do_normalize": False}),
]
"""What one class of each family is tried with."""
FIRSTS = tuple(dict.fromkeys((tiers.STANDARD, *(variant.name for variant in FAMILIES))))
PAN_AND_SCAN = {
    "do_pan_and_scan": True,
    "pan_and_scan_min_crop_size": 256,
    "pan_and_scan_max_num_crops": 4,
    "pan_and_scan_min_ratio_to_activate": 1.2,
}
VARIANTS: dict[str, list[dict[str, Any]]] = {
    "AriaImageProcessor": [{"split_image": True}],
    "BridgeTowerImageProcessor": [{"do_center_crop": True}],
    "Cohere2VisionImageProcessor": [{"crop_to_patches": False}],
    "DeepseekOcr2ImageProcessor": [{"crop_to_patches": False}],
    "DonutImageProcessor": [{"do_align_long_axis": True}],
    "EfficientNetImageProcessor": [{"rescale_offset": True, "rescale_factor": 1 / 127.5}],
    "EomtImageProcessor": [{"do_split_image": True}],
    "FlavaImageProcessor": [{"return_codebook_pixels": True}],
    "Gemma3ImageProcessor": [PAN_AND_SCAN],
    "GotOcr2ImageProcessor": [{"crop_to_patches": True}],
    "Idefics2ImageProcessor": [{"do_image_splitting": True}],
    "Idefics3ImageProcessor": [{"do_image_splitting": False}],
    "MiniCPMOcrImageProcessor": [{"small_image_upsize": "never"}],
    "NougatImageProcessor": [{"do_crop_margin": False}],
    "Ovis2ImageProcessor": [{"crop_to_patches": True}, {"crop_to_patches": True, "use_covering_area_grid": False}],
    "PerceptionLMImageProcessor": [{"vision_input_type": "vanilla"}],
    "SegformerImageProcessor": [{"do_reduce_labels": True, "inputs": ["segmentation_map"]}],
    "UltraVBertImageProcessor": [{"do_image_splitting": False}],
    "UnlimitedOcrImageProcessor": [{"crop_to_patches": False}, {"crop_to_patches": False, "maximum_pad_value": 2000}],
    "TvpImageProcessor": [{"pad_mode": mode} for mode in ("reflect", "replicate", "symmetric")],
}
"""Settings that bring other steps than the defaults do."""
REFUSED: set[tuple[str, ...]] = {
    ("Kosmos2_5ImageProcessor", "do_rescale", "do_normalize"),
    ("Owlv2ImageProcessor", "do_rescale", "do_normalize"),
    ("VitPoseImageProcessor", "image_size"),
}
"""A family's class and the settings that it has no graph for."""
PILLOWS = (4, 5)
"""The filters that torchvision has in no class."""
NO_FILTERS = {
    "DepthProImageProcessor": (1, *PILLOWS),
    "Kimi_K25ImageProcessor": PILLOWS,
    "PPDocLayoutV2ImageProcessor": (1, *PILLOWS),
    "PPOCRV5ServerDetImageProcessor": (1, *PILLOWS),
}
"""A family's class and the filters that it has no graph for: those that torchvision lacks, without antialiasing or at all."""
OTHER_TYPES: dict[str, set[str]] = {
    # the output itself: masks of bool or int32, sizes of int32, scale factors of float64
    "AriaImageProcessor": {"bool"},
    "FuyuImageProcessor": {"f64"},
    "GraniteDoclingImageProcessor": {"bool"},
    "Lfm2VlImageProcessor": {"i32"},
    "MiniCPMOcrImageProcessor": {"i32"},
    "MiniCPMV4_6ImageProcessor": {"i32"},
    "Siglip2ImageProcessor": {"i32"},
    # whether depths are all equal, a comparison
    "PromptDepthAnythingImageProcessor+prompt_depth": {"bool"},
    # whether all channels are equal, a comparison of pixels, and products that are rounded together with the sum
    "EfficientLoFTRImageProcessor": {"bool", "f64"},
    "LightGlueImageProcessor": {"bool", "f64"},
    "SuperGlueImageProcessor": {"bool", "f64"},
    # exact sums of bytes, and products that are rounded together with the sum
    "Kosmos2_5ImageProcessor": {"f64", "i32"},
    "Pix2StructImageProcessor": {"f64", "i32"},
    # arithmetic that is float64 in transformers as well: distances of colours, a blur
    "ImageGPTImageProcessor": {"f64"},
    "Owlv2ImageProcessor": {"f64"},
    # products that are rounded together with the sum
    "DINOv3ViTImageProcessor": {"f64"},
    "DepthProImageProcessor": {"f64"},
    "NemotronH_Omni_Reasoning_V3ImageProcessor": {"f64"},
    "Phi4MultimodalImageProcessor": {"f64"},
    "PPDocLayoutV4ImageProcessor": {"f64"},
    "PPOCRV5ServerDetImageProcessor": {"f64"},
    "PPOCRV5ServerRecImageProcessor": {"f64"},
    "RfDetrImageProcessor": {"f64"},
    "UVDocImageProcessor": {"f64"},
    "ZoeDepthImageProcessor": {"f64"},
    # the same, and positions as int32, some of them -1 for none
    "Molmo2ImageProcessor": {"bool", "f64", "i32"},
}
"""The programs that have other types than float32 and int64 in a `portable` graph, and these types."""
PORTABLE_SIZE = (90, 121)
PORTABLE = [
    ("CLIPImageProcessor", {}),
    ("ViTImageProcessor", {}),
    ("MobileViTImageProcessor", {}),
    ("ChameleonImageProcessor", {}),
    ("LayoutLMv2ImageProcessor", {}),
    ("PerceiverImageProcessor", {}),
    ("ViTImageProcessor", {"resample": 0}),
    ("CLIPImageProcessor", {"color": "rgba", "rescale_factor": 0.0123}),
]
PORTABLE += [(f"{name}Pil", settings) for name, settings in PORTABLE]
PORTABLE += [("ViTImageProcessorPil", {"resample": 4, "size": {"height": 3, "width": 2}})]


def exported(name: str, options: dict[str, Any]) -> onnx.ModelProto:
    """Return the CUDA graph of a class with settings; clusters of colours where it has none.

    The backend is the class's default, or `pil` for the filters that only Pillow has.
    """
    settings: dict[str, Any] = {key: SMALL[name][key] for key in SMALL.get(name, {}) if key == "clusters"}
    if options.get("resample") in PILLOWS and "pil" in specs()[name.removesuffix("Pil")].backends:
        settings["backend"] = "pil"
    return getattr(gp, name)(**settings).to_onnx(target="cuda", **options)


def fallbacks(model: onnx.ModelProto) -> list[str]:
    """Return the operators of the nodes that have no CUDA kernel."""
    return [operator for _, operator, _ in cuda_fallbacks(model)]


@pytest.mark.parametrize("variant", tiers.classes(), ids=str)
def test_cuda_graphs_have_a_kernel_for_every_node(variant):
    options = {"inputs": variant.inputs, "several": variant.several}
    name = f"{variant.name}Pil" if variant.backend == "pil" else variant.name
    found = fallbacks(exported(name, {key: value for key, value in options.items() if value}))
    assert found == []


@pytest.mark.parametrize(
    ("name", "options"),
    tiers.rows(
        [
            *((name, options) for name in FIRSTS for _, options in SETTINGS),
            *((name, options) for name, every in VARIANTS.items() for options in every),
        ],
        [(tiers.STANDARD, options) for _, options in SETTINGS] + [(name, VARIANTS[name][0]) for name in VARIANTS],
    ),
    ids=str,
)
def test_cuda_graphs_of_other_settings_have_a_kernel_for_every_node(name, options):
    if refused(name, options):
        with pytest.raises(gp.GraphprocError):
            exported(name, options)
        return
    assert fallbacks(exported(name, options)) == []


def refused(name: str, options: dict[str, Any]) -> bool:
    """Tell whether the class has no graph of the settings."""
    return (name, *options) in REFUSED or options.get("resample") in NO_FILTERS.get(name, ())


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


@pytest.mark.parametrize("variant", tiers.classes(), ids=str)
def test_portable_graphs_hold_only_float32_and_int64(variant):
    """Beside the inputs, the outputs, and what `OTHER_TYPES` names: an entry that is no longer true has to go."""
    if variant.name in ("NougatImageProcessor", "PPFormulaNetImageProcessor", "VitPoseImageProcessor"):
        with pytest.raises(EmitError):  # test_graphs.py says why
            emit(program(variant), EmitOptions("portable", image_size=(64, 80)))
        return
    model = emit(program(variant), EmitOptions("portable", image_size=(64, 80)))
    outside = {*(i.name for i in model.graph.input), *(o.name for o in model.graph.output)}
    found = {t for value, t in element_types(model).items() if value not in outside}
    assert found - {"f32", "i64"} == OTHER_TYPES.get(str(variant), set())


def portable_case(name, settings):
    """Return a portable model, its input and the numpy reference's output."""
    processor = getattr(gp, name)()
    model = processor.to_onnx(target="portable", image_size=PORTABLE_SIZE, **settings)
    session = gp.Session(model)
    report = gp.verify(session)
    assert report.ok
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


@pytest.mark.parametrize("variant", tiers.classes(), ids=str)
def test_cuda_graphs_run_on_a_gpu_to_the_same_bits(variant):
    import onnxruntime

    if "CUDAExecutionProvider" not in onnxruntime.get_available_providers():
        pytest.skip("needs an NVIDIA GPU and onnxruntime-gpu; this onnxruntime has no CUDA provider")
    processor = getattr(gp, variant.name)(**variant.settings)
    model = processor.to_onnx(target="cuda", inputs=variant.inputs, several=variant.several)
    assert gp.verify(model, provider="cuda").ok
