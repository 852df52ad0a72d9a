"""Processors that are transformers' own kind: what they are, copied, pickled, saved and loaded, in pipelines; refusals."""

from __future__ import annotations

import copy
import json
import pickle
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import transformers
from cases.multimodal import processor
from cases.parity import reference_class
from PIL import Image
from transformers.image_processing_utils import BaseImageProcessor, BatchFeature

import graphproc as gp
from graphproc.errors import ConfigError, RuntimeUnavailableError
from graphproc.processors.registry import specs
from graphproc.wrappers.for_transformers import adapter, transformers_module
from graphproc.wrappers.processor import processor_class

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")

PICTURE = Image.fromarray(np.random.default_rng(3).integers(0, 256, (60, 80, 3), np.uint8))


class Mine(gp.CLIPImageProcessor):  # type: ignore[name-defined,misc]
    """A user's class."""


def clip(**settings: Any) -> Any:
    return gp.for_transformers(gp.CLIPImageProcessor(**settings))


def test_it_is_of_both_kinds() -> None:
    ours = clip(size=64)
    assert isinstance(ours, BaseImageProcessor)
    assert isinstance(ours, gp.CLIPImageProcessor)
    assert type(ours).__name__ == "CLIPImageProcessor"
    assert gp.for_transformers(ours) is ours
    assert "Settings and their defaults" in str(type(ours).__doc__)
    assert repr(ours).startswith('CLIPImageProcessor {\n  "crop_size"')
    assert (ours.size.shortest_edge, ours.size["shortest_edge"], ours.size.height) == (64, 64, None)
    assert (ours.size["height"], "height" in ours.size, dict(ours.size)) == (None, False, {"shortest_edge": 64})
    with pytest.raises(KeyError, match="depth"):
        ours.size["depth"]


@pytest.mark.parametrize("backend", ["torchvision", "pil"])
@pytest.mark.parametrize("return_tensors", ["pt", "np", None])
def test_results_come_in_transformers_container(backend: str, return_tensors: str | None) -> None:
    plain = gp.CLIPImageProcessor(backend=backend, size=64, crop_size=64)
    have, want = gp.for_transformers(plain)(PICTURE, return_tensors=return_tensors), plain(PICTURE, return_tensors=return_tensors)
    assert type(have) is BatchFeature
    assert type(have["pixel_values"]) is type(want["pixel_values"])
    assert np.array_equal(np.asarray(have.pixel_values), np.asarray(want.pixel_values))


def test_a_result_that_is_no_container_stays_as_it_is() -> None:
    plain = gp.VideoLlavaImageProcessor()
    have, want = gp.for_transformers(plain)([PICTURE]), plain([PICTURE])
    assert list(have) == list(want)


def test_it_is_a_copy() -> None:
    plain = gp.CLIPImageProcessor()
    ours = gp.for_transformers(plain)
    ours.size["shortest_edge"] = 7
    assert plain.size == {"shortest_edge": 224}


@pytest.mark.parametrize("made", [pickle.loads, copy.deepcopy, copy.copy], ids=["pickle", "deepcopy", "copy"])
@pytest.mark.parametrize("kind", [gp.CLIPImageProcessor, gp.CLIPImageProcessorPil, Mine])
def test_copies_and_pickles(made: Any, kind: Any) -> None:
    ours = gp.for_transformers(kind(size=64, crop_size=32))
    again = made(pickle.dumps(ours) if made is pickle.loads else ours)
    assert type(again) is type(ours)
    assert again.to_dict() == ours.to_dict()
    assert np.array_equal(again(PICTURE, return_tensors="np").pixel_values, ours(PICTURE, return_tensors="np").pixel_values)


def test_classes_are_pickled_by_name() -> None:
    kind = type(clip())
    assert pickle.loads(pickle.dumps(kind)) is kind
    with pytest.raises(AttributeError, match="NoImageProcessor"):
        sys.modules[kind.__module__].__getattr__("NoImageProcessor")
    assert not hasattr(sys.modules[kind.__module__], "_private")


def test_a_class_made_of_an_adapter_is_copied_as_itself() -> None:
    kind: Any = type("Further", (adapter(processor_class("CLIPImageProcessor")),), {})
    assert type(copy.deepcopy(kind(size=64))) is kind


def test_settings_that_transformers_alone_reads() -> None:
    ours = clip()
    assert ours.image_seq_length is None
    assert ours.device is None
    ours.image_seq_length = 5
    assert (ours.image_seq_length, ours.to_dict()["image_seq_length"]) == (5, 5)
    ours.size = {"shortest_edge": 32}
    assert ours(PICTURE, return_tensors="np").pixel_values.shape == (1, 3, 224, 224)
    with pytest.raises(AttributeError, match="nonsense"):
        ours.nonsense  # noqa: B018


FREE = ("backend", "skip_tensor_conversion", "mask_pad_size")
"""Attributes of transformers' classes that no code beside them reads; the backend is a property there."""


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("name", [name for name in specs() if name != "TimmWrapperImageProcessor"])
def test_attributes_are_those_of_transformers(name: str) -> None:
    def plain(value: Any) -> Any:
        if hasattr(value, "__dataclass_fields__"):
            return dict(value)
        if isinstance(value, (list, tuple)):
            return [plain(item) for item in value]
        return getattr(value, "value", value.tolist() if isinstance(value, np.ndarray) else value)

    theirs, ours = reference_class(name)(), gp.for_transformers(processor_class(name)())
    keys = [key for key in dir(theirs) if not key.startswith("_") and not callable(getattr(theirs, key)) and key not in FREE]
    assert {key: plain(getattr(ours, key)) for key in keys} == {key: plain(getattr(theirs, key)) for key in keys}


@pytest.mark.parametrize("backend", ["torchvision", "pil"])
def test_processors_save_and_load_it(tmp_path: Path, backend: str) -> None:
    ours = processor("CLIP", clip(size=48, crop_size=40, backend=backend))
    ours.save_pretrained(tmp_path)
    saved = json.loads((tmp_path / "processor_config.json").read_text())["image_processor"]
    assert (saved["image_processor_type"], saved["graphproc_backend"]) == ("CLIPImageProcessor", backend)
    want = ours(images=PICTURE, text="a photo", return_tensors="pt")
    for kind in (transformers.AutoProcessor, transformers.CLIPProcessor):
        theirs = kind.from_pretrained(tmp_path)
        assert type(theirs.image_processor) is transformers.CLIPImageProcessor
        assert theirs.image_processor.size["shortest_edge"] == 48
    own = gp.AutoImageProcessor.from_pretrained(tmp_path)
    assert own.backend == backend
    theirs.image_processor = gp.for_transformers(own)  # the result of an auto class, with ours in it
    have = theirs(images=PICTURE, text="a photo", return_tensors="pt")
    assert list(have) == list(want)
    assert all(torch.equal(have[key], want[key]) for key in want)
    repr(theirs)


def test_it_saves_what_transformers_loads(tmp_path: Path) -> None:
    ours = gp.for_transformers(gp.SiglipImageProcessor(size={"height": 30, "width": 40}, image_seq_length=9))
    assert ours.save_pretrained(tmp_path) == [str(tmp_path / "preprocessor_config.json")]
    theirs = transformers.AutoImageProcessor.from_pretrained(tmp_path)
    assert type(theirs) is transformers.SiglipImageProcessor
    assert theirs.image_seq_length == 9
    assert torch.equal(theirs(PICTURE, return_tensors="pt").pixel_values, ours(PICTURE, return_tensors="pt").pixel_values)
    again = type(ours).from_pretrained(tmp_path, _from_auto=True, revision=None)
    assert type(again) is type(ours)
    assert again.to_dict() == ours.to_dict()


def vit() -> Any:
    torch.manual_seed(0)
    sizes = {"hidden_size": 16, "num_hidden_layers": 1, "num_attention_heads": 2, "intermediate_size": 16, "image_size": 32}
    return transformers.ViTForImageClassification(transformers.ViTConfig(**sizes, patch_size=8, num_labels=3)).eval()


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")
def test_a_pipeline_takes_it() -> None:
    model, settings = vit(), {"size": {"height": 32, "width": 32}}
    answers = [
        transformers.pipeline("image-classification", model=model, image_processor=image_processor)(PICTURE)
        for image_processor in (
            transformers.ViTImageProcessor(**settings),
            gp.for_transformers(gp.ViTImageProcessor(**settings)),
        )
    ]
    assert answers[0] == answers[1]
    assert len(answers[0]) == 3


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")
def test_a_pipeline_without_classes_takes_a_processor_with_it() -> None:
    torch.manual_seed(0)
    sizes = {"hidden_size": 16, "num_hidden_layers": 1, "num_attention_heads": 2, "intermediate_size": 16}
    text = {**sizes, "vocab_size": 200, "eos_token_id": 3, "bos_token_id": 2, "pad_token_id": 1}
    vision = {**sizes, "image_size": 32, "patch_size": 8}
    model = transformers.CLIPModel(transformers.CLIPConfig(text_config=text, vision_config=vision, projection_dim=8)).eval()
    answers = []
    for image_processor in (transformers.CLIPImageProcessor(size=32, crop_size=32), clip(size=32, crop_size=32)):
        made = processor("CLIP", image_processor)
        kind = transformers.pipeline(
            "zero-shot-image-classification", model=model, image_processor=image_processor, tokenizer=made.tokenizer
        )
        answers.append(kind(PICTURE, candidate_labels=["a cat", "the photo"]))
    assert answers[0] == answers[1]


def test_only_our_image_processors_are_taken() -> None:
    with pytest.raises(ConfigError, match="expected an image processor of graphproc, got ViTImageProcessor"):
        gp.for_transformers(transformers.ViTImageProcessor())


def test_transformers_is_needed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "transformers", None)
    with pytest.raises(RuntimeUnavailableError, match=r"pip install 'graphproc\[transformers\]'"):
        transformers_module("transformers.image_processing_utils")


def test_an_older_transformers_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys.modules["transformers"], "__version__", "4.57.1")  # which may replace itself there
    with pytest.raises(RuntimeUnavailableError, match=r"expected version 5, got 4\.57\.1"):
        transformers_module("transformers.image_processing_utils")


def test_urls_are_downloaded_by_transformers(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []

    def load_image(url: str) -> Image.Image:
        asked.append(url)
        return PICTURE

    monkeypatch.setattr(transformers.image_utils, "load_image", load_image)
    for backend, kind in (("pil", Image.Image), ("torchvision", torch.Tensor)):
        ours = clip(backend=backend)
        assert isinstance(ours.fetch_images(["https://example.org/a.png"])[0], kind)
        have = ours([["https://example.org/a.png"]], return_tensors="np").pixel_values
        assert np.array_equal(have, ours(PICTURE, return_tensors="np").pixel_values)
    assert asked == ["https://example.org/a.png"] * 4
