"""Torch modules behind preprocessing: the fused graph gives what processor and module give one after the other."""

from __future__ import annotations

import logging
import sys
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
import transformers

import graphproc as gp
from graphproc.errors import FusionError, RuntimeUnavailableError
from graphproc.fusion import from_torch
from graphproc.runtime.session import Session

torch = pytest.importorskip("torch")
pytest.importorskip("onnxscript")

Array = np.ndarray[Any, Any]

BOUND = 1e-5
"""The bound on differences: ONNX Runtime's kernels add in another order than torch's, in float32."""
PROCESSOR = gp.ViTImageProcessor(size=32)
SIZES = ((1, 40, 53), (3, 90, 31))
"""The (batch, height, width) that each fused graph runs on."""


def noise(*shape: int) -> Array:
    return np.random.default_rng(shape).integers(0, 256, shape, dtype=np.uint8)


class Net(torch.nn.Module):
    """A small convolutional network of one input."""

    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.conv = torch.nn.Conv2d(3, 8, 3, stride=2)
        self.norm = torch.nn.BatchNorm2d(8)
        self.drop = torch.nn.Dropout()
        self.head = torch.nn.Linear(8, 4)

    def features(self, x: Any) -> Any:
        return self.drop(torch.relu(self.norm(self.conv(x))))

    def forward(self, x: Any) -> Any:
        return self.head(self.features(x).mean((-2, -1)))


def in_torch(processor: Any, module: Any, images: Array, rename: dict[str, str] | None = None) -> Any:
    """Run processor and module as with transformers, in evaluation mode."""
    features = processor(list(images), return_tensors="pt")
    names = rename or {name: name for name in features}
    with torch.no_grad():
        return module.eval()(**{names[name]: features[name] for name in names})


def agree(fused: onnx.ModelProto, processor: Any, module: Any, rename: dict[str, str] | None = None) -> None:
    session = Session(fused, threads=1, specialise_after=None)
    for size in SIZES:
        images = noise(*size, 3)
        expected = in_torch(processor, module, images, rename)
        for name, found in session(images).items():
            want = expected if isinstance(expected, torch.Tensor) else expected[name]
            assert found.shape == tuple(want.shape)
            np.testing.assert_allclose(found, want.numpy(), rtol=BOUND, atol=BOUND)


def backbone(*channels: int) -> Any:
    return transformers.ResNetConfig(embedding_size=8, hidden_sizes=channels, depths=[1] * len(channels), num_labels=4)


# ---- models ----------------------------------------------------------------------------------------------------


@pytest.mark.slow
def test_vit() -> None:
    torch.manual_seed(0)
    settings = {"hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 2, "intermediate_size": 64}
    config = transformers.ViTConfig(**settings, image_size=32, patch_size=8, num_labels=5)
    module = transformers.ViTForImageClassification(config)
    fused = gp.fuse(PROCESSOR, module)
    assert [o.name for o in fused.graph.output] == ["logits"]
    agree(fused, PROCESSOR, module)


@pytest.mark.slow
def test_resnet() -> None:
    torch.manual_seed(0)
    module = transformers.ResNetForImageClassification(backbone(8, 16))
    processor = gp.ConvNextImageProcessor(size={"shortest_edge": 48})
    agree(gp.fuse(processor, module), processor, module)


@pytest.mark.slow
def test_detr_with_masks_and_free_sizes() -> None:
    torch.manual_seed(0)
    body = backbone(8, 8, 8, 16)
    body.out_features = ["stage4"]
    sizes = {"layers": 1, "ffn_dim": 32, "attention_heads": 2}
    parts = {f"{part}_{key}": size for part in ("encoder", "decoder") for key, size in sizes.items()}
    config = transformers.DetrConfig(backbone_config=body, d_model=32, num_queries=5, num_labels=3, **parts)
    module = transformers.DetrForObjectDetection(config)
    processor = gp.DetrImageProcessor(size={"shortest_edge": 64, "longest_edge": 100})
    fused = gp.fuse(processor, module, outputs=["logits", "pred_boxes"])
    assert [o.name for o in fused.graph.output] == ["logits", "pred_boxes"]
    agree(fused, processor, module)


@pytest.mark.slow
def test_a_network_made_by_hand_in_training() -> None:
    module = Net().train()
    module.drop.eval()
    fused = gp.fuse(PROCESSOR, module)
    assert module.training
    assert not module.drop.training, "each part is left in the mode that it was in"
    assert [o.name for o in fused.graph.output] == ["output"]
    assert fused.graph.input[0].type.tensor_type.shape.dim[0].dim_param == "batch"
    agree(fused, PROCESSOR, module, {"pixel_values": "x"})


@pytest.mark.slow
def test_behind_a_preprocessing_graph_of_one_size(tmp_path: Path) -> None:
    path = PROCESSOR.export(tmp_path / "pre.onnx")
    fused = gp.fuse(path, Net(), image_size=(40, 53), output=tmp_path / "fused.onnx")
    images = noise(2, 40, 53, 3)
    expected = in_torch(PROCESSOR, Net(), images, {"pixel_values": "x"}).numpy()
    for graph in (fused, tmp_path / "fused.onnx"):
        np.testing.assert_allclose(Session(graph)(images)["output"], expected, rtol=BOUND, atol=BOUND)


@pytest.mark.slow
@pytest.mark.parametrize("input", ["image", "sequence"])
def test_behind_graphs_of_other_inputs(input: str) -> None:
    fused = gp.fuse(PROCESSOR, Net(), input=input)
    images = noise(2, 40, 53, 3)[: 1 if input == "image" else 2]
    found = Session(fused)(images[0] if input == "image" else list(images))["output"]
    expected = in_torch(PROCESSOR, Net(), images, {"pixel_values": "x"}).numpy()
    np.testing.assert_allclose(found, expected, rtol=BOUND, atol=BOUND)


@pytest.mark.slow
def test_half_precision() -> None:
    fused = gp.fuse(PROCESSOR, Net().half())
    images = noise(2, 40, 53, 3)
    expected = in_torch(PROCESSOR, Net(), images, {"pixel_values": "x"}).numpy()
    found = Session(fused)(images)["output"]
    assert found.dtype == np.float16
    np.testing.assert_allclose(found, expected, atol=3e-3)  # half's 11 bits, a few additions deep


@pytest.mark.slow
def test_large_weights_go_through_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(from_torch, "MAX_IN_MEMORY", 100)
    fused = gp.fuse(PROCESSOR, Net(), output=tmp_path / "fused.onnx")
    assert any(tensor.external_data for tensor in fused.graph.initializer)
    images = noise(2, 40, 53, 3)
    found = Session(tmp_path / "fused.onnx")(images)["output"]
    np.testing.assert_allclose(found, in_torch(PROCESSOR, Net(), images, {"pixel_values": "x"}).numpy(), rtol=BOUND, atol=BOUND)


# ---- names -----------------------------------------------------------------------------------------------------


class Many(Net):
    """Several inputs, and outputs in every form."""

    def forward(self, image: Any, prompt: Any, scale: Any = None) -> Any:
        maps = self.features(image)
        logits = self.head(maps.mean((-2, -1))) + prompt.sum(-1, keepdim=True)
        states = (maps, maps * 2)
        return {"logits": logits if scale is None else logits * scale, "states": states, "loss": None, "deep": {"a": logits}}


@pytest.mark.slow
def test_outputs_by_name_and_other_inputs() -> None:
    module, prompt = Many(), torch.arange(14.0).reshape(2, 7)
    given = {"example_inputs": {"prompt": prompt}, "map": {"pixel_values": "image"}}
    assert [o.name for o in gp.fuse(PROCESSOR, module, **given).graph.output] == ["logits"]
    names = ["states.1", "deep.a"]
    fused = gp.fuse(PROCESSOR, module, outputs=names, **given)
    assert [i.name for i in fused.graph.input] == ["images", "prompt"]
    images = noise(2, 40, 53, 3)
    with torch.no_grad():
        want = module.eval()(torch.from_numpy(PROCESSOR(list(images), return_tensors="np")["pixel_values"]), prompt)
    found = Session(fused).run({"images": images, "prompt": prompt.numpy()})
    assert list(found) == names
    np.testing.assert_allclose(found["states.1"], want["states"][1], rtol=BOUND, atol=BOUND)
    np.testing.assert_allclose(found["deep.a"], want["logits"], rtol=BOUND, atol=BOUND)


class Pair(Net):
    def forward(self, pixel_values: Any) -> Any:
        maps = self.features(pixel_values)
        return maps.mean((-2, -1)), [maps.amax((-2, -1))]


@pytest.mark.slow
def test_places_in_a_tuple_are_names() -> None:
    assert [o.name for o in gp.fuse(PROCESSOR, Pair()).graph.output] == ["output_0"]
    fused = gp.fuse(PROCESSOR, Pair(), outputs=["output_1.0"])
    assert [o.name for o in fused.graph.output] == ["output_1.0"]


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore:`torch.jit:DeprecationWarning")  # of torch.compile's own parts
def test_a_compiled_module_is_the_module_inside() -> None:
    fused = gp.fuse(PROCESSOR, torch.compile(Net()))
    assert [o.name for o in fused.graph.output] == ["output"]


# ---- quiet, and clear where it fails ---------------------------------------------------------------------------


@pytest.mark.slow
def test_nothing_is_printed(capfd: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture) -> None:
    level = logging.getLogger("torch.onnx").level
    gp.fuse(PROCESSOR, Net())
    assert capfd.readouterr() == ("", "")
    assert not [record for record in caplog.records if record.levelno >= logging.INFO]
    assert logging.getLogger("torch.onnx").level == level


class Branch(Net):
    def forward(self, x: Any) -> Any:
        return x * 2 if x.sum() > 0 else x


class Nothing(Net):
    def forward(self, x: Any) -> Any:
        return {"loss": None}


class Loose(Net):
    def forward(self, *args: Any, **kwargs: Any) -> Any:
        return args


@pytest.mark.parametrize(
    ("module", "options", "message"),
    [
        (Branch, {}, r"^model Branch: torch cannot export it \(Could not guard on data-dependent expression.*Fix the image"),
        (Nothing, {}, r"^model Nothing: has no outputs that are tensors; it has none"),
        (Net, {"outputs": ["logits"]}, r"^model Net: has no output 'logits'; it has output$"),
        (
            Loose,
            {},
            r"^model Loose: takes no named parameters; the preprocessing gives pixel_values \(float32 \[batch,",
        ),
        (Many, {}, r"^model Many: needs image, prompt; the preprocessing gives pixel_values"),
        (Net, {"map": {"pixel_values": "y"}}, r"^model Net: its forward has no parameter 'y'; it has x$"),
        (Net, {"example_inputs": {"y": 1}}, r"^model Net: its forward has no parameter 'y'; it has x$"),
        (Net, {"map": {"pixels": "x"}}, r"^map: the preprocessing has no output 'pixels'; it has pixel_values$"),
    ],
)
def test_refusals_name_the_module(module: Any, options: dict[str, Any], message: str, tmp_path: Path) -> None:
    with pytest.raises(FusionError, match=message):
        gp.fuse(PROCESSOR, module(), output=tmp_path / "fused.onnx", **options)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("option", ["outputs", "example_inputs"])
def test_options_of_modules_are_refused_for_graphs(option: str, tmp_path: Path) -> None:
    with pytest.raises(FusionError, match=f"fuse: {option} is for torch modules"):
        gp.fuse(PROCESSOR, tmp_path / "model.onnx", **{option: ["x"]})


def test_without_the_exporter(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "onnxscript", None)
    with pytest.raises(RuntimeUnavailableError, match=r"needs onnxscript\. pip install 'graphproc\[torch\]'"):
        gp.fuse(PROCESSOR, Net())
