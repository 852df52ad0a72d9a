"""transformers' auto classes hand out our processors while they are registered, and their own before and after."""

from __future__ import annotations

import json
import pickle
from pathlib import Path
from typing import Any

import pytest
import transformers
from cases.multimodal import processor
from transformers.models.auto.image_processing_auto import IMAGE_PROCESSOR_MAPPING, IMAGE_PROCESSOR_MAPPING_NAMES

import graphproc as gp
from graphproc.wrappers import registration
from graphproc.wrappers.for_transformers import Adapter

pytestmark = [pytest.mark.slow, pytest.mark.filterwarnings("ignore::DeprecationWarning")]

CONTENT: dict[Any, Any] = IMAGE_PROCESSOR_MAPPING._extra_content


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Return a folder with a CLIP processor as transformers saves it."""
    processor("CLIP", transformers.CLIPImageProcessor(size=48, crop_size=40)).save_pretrained(tmp_path)
    return tmp_path


def kinds(folder: Path) -> list[type[Any]]:
    """Return the classes of what the auto classes load."""
    loaded = transformers.AutoProcessor.from_pretrained(folder)
    return [type(transformers.AutoImageProcessor.from_pretrained(folder)), type(loaded.image_processor)]


def test_auto_classes_hand_out_ours_until_the_end(folder: Path) -> None:
    assert kinds(folder) == [transformers.CLIPImageProcessor] * 2
    with gp.register() as registered:
        ours = transformers.AutoImageProcessor.from_pretrained(folder)
        assert isinstance(ours, gp.CLIPImageProcessor)
        assert (ours.backend, ours.size) == ("torchvision", {"shortest_edge": 48})
        assert kinds(folder) == [type(ours)] * 2
        assert type(transformers.CLIPProcessor.from_pretrained(folder).image_processor) is type(ours)
        pil = transformers.AutoImageProcessor.from_pretrained(folder, backend="pil", do_resize=False)
        assert isinstance(pil, gp.CLIPImageProcessorPil)
        assert (pil.backend, pil.do_resize) == ("pil", False)
        assert pickle.loads(pickle.dumps(IMAGE_PROCESSOR_MAPPING))._extra_content == CONTENT
    assert kinds(folder) == [transformers.CLIPImageProcessor] * 2
    registered.undo()
    assert not CONTENT


def test_several_registrations_end_with_the_last(folder: Path) -> None:
    first = gp.register()
    second = gp.register()
    first.undo()
    assert issubclass(kinds(folder)[0], Adapter)
    second.undo()
    assert kinds(folder)[0] is transformers.CLIPImageProcessor


def test_what_users_registered_stays(folder: Path) -> None:
    class Mine(transformers.CLIPImageProcessorPil):  # type: ignore[misc]
        pass

    class Later(transformers.CLIPImageProcessorPil):  # type: ignore[misc]
        pass

    config = transformers.CLIPConfig
    transformers.AutoImageProcessor.register(config, image_processor_classes={"mine": Mine}, exist_ok=True)
    try:
        before = dict(CONTENT[config])
        with gp.register():
            assert CONTENT[config]["mine"] is Mine
            assert issubclass(CONTENT[config]["pil"], Adapter)
            transformers.AutoImageProcessor.register(config, image_processor_classes={"later": Later}, exist_ok=True)
        assert dict(CONTENT) == {config: {**before, "later": Later}}
    finally:
        CONTENT.clear()


def test_every_model_that_transformers_knows_gets_ours() -> None:
    with gp.register():
        for classes in IMAGE_PROCESSOR_MAPPING_NAMES.values():
            for backend, name in classes.items():
                found = next(c[backend] for c in CONTENT.values() if c.get(backend) and c[backend].__name__ == name)
                assert issubclass(found, Adapter)
                assert found().backend == backend or found.spec.backends == ("pil",)


def test_a_folder_that_names_its_model_alone(tmp_path: Path) -> None:
    (tmp_path / "preprocessor_config.json").write_text('{"size": {"shortest_edge": 30}}')
    (tmp_path / "config.json").write_text(json.dumps({"model_type": "git"}))
    with gp.register():
        ours = transformers.AutoImageProcessor.from_pretrained(tmp_path)
    assert isinstance(ours, gp.CLIPImageProcessor)
    assert ours.size == {"shortest_edge": 30}


def test_nothing_is_left_where_registering_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    real = registration.adapter

    def fails(base: Any) -> Any:
        if base.__name__ == "DetrImageProcessor":
            raise RuntimeError("no more")
        return real(base)

    monkeypatch.setattr(registration, "adapter", fails)
    with pytest.raises(RuntimeError, match="no more"):
        gp.register()
    assert not CONTENT
    assert not registration._in_force
