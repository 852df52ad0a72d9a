"""Attributes of processors and of their classes, and the dictionaries that are saved, against transformers' own."""

from __future__ import annotations

import copy
import json
import pickle
from pathlib import Path
from typing import Any

import pytest
import tiers
from cases.parity import reference_class
from support.round_trips import plain

from graphproc.configs.sizes import Size
from graphproc.errors import ConfigError
from graphproc.processors.registry import specs
from graphproc.wrappers.processor import processor_class

CASES = [
    (name, backend) for name, spec in specs().items() for backend in spec.backends if name != "TimmWrapperImageProcessor"
]  # test_timm.py has that one: it is made of a model's settings
OLDER = ("Emu3ImageProcessor", "VideoLlavaImageProcessor", "VivitImageProcessor")
"""Classes that transformers has not moved to its backends: their classes have no defaults."""
IN_THE_CONSTRUCTOR = {"do_convert_annotations", "split_resolutions"}
"""Defaults that transformers sets when a processor is made, where ours are the class's."""


@tiers.each("name, backend", CASES, CASES[::5])
def test_dictionaries_are_transformers_own(name: str, backend: str) -> None:
    theirs, ours = reference_class(name, backend)().to_dict(), processor_class(name)(backend=backend).to_dict()
    assert set(ours) == set(theirs)
    for key, value in theirs.items():
        # the annotations' format is an enum of texts there
        assert ours[key] == value, key
        assert type(ours[key]) is type(value) or key in ("format", "resample") or key.endswith("resample"), key
        assert plain(ours[key]) == plain(value), key


@tiers.each("name, backend", CASES, CASES[::5])
def test_classes_carry_the_defaults_that_transformers_classes_carry(name: str, backend: str) -> None:
    theirs, ours = reference_class(name, backend), processor_class(name)
    for key in (*theirs.valid_kwargs.__annotations__, "rescale_factor"):
        want, have = getattr(theirs, key, None), getattr(ours, key, None)
        if want is None and (name in OLDER or key in IN_THE_CONSTRUCTOR):
            continue
        if key == "crop_size" and isinstance(want, int):
            want = {"height": want, "width": want}
        if name == "VivitImageProcessor" and key == "rescale_factor":
            continue  # a class that is not moved: the base's
        assert plain(have) == plain(want), key


def test_attributes_are_computed_when_a_processor_is_made_and_saved() -> None:
    made = {
        "DeepseekVLImageProcessor": {"image_mean": [0.1, 0.2, 0.3], "background_color": [1, 2, 3]},
        "DeepseekVLHybridImageProcessor": {"high_res_image_mean": [0.1, 0.2, 0.3]},
        "IdeficsImageProcessor": {"image_size": 30},
        "JanusImageProcessor": {"image_mean": None},
        "Lfm2VlImageProcessor": {"max_image_tokens": 4, "tile_size": 64},
        "SLANeXtImageProcessor": {},
    }
    for name, settings in made.items():
        backend = specs()[name].backends[0]
        theirs, ours = reference_class(name, backend)(**settings), processor_class(name)(backend=backend, **settings)
        assert plain(ours.to_dict()) == plain(theirs.to_dict())
        again = processor_class(name).from_dict(json.loads(ours.to_json_string()))
        assert again.to_dict() == ours.to_dict()


def test_a_size_that_changes_is_used_whatever_was_computed_of_the_first() -> None:
    ours = processor_class("IdeficsImageProcessor")(image_size=30)
    assert ours.image_size == 30
    ours.size = 20
    assert ours._config({}).size == {"height": 20, "width": 20}


def test_sizes_have_keys_and_attributes() -> None:
    ours = processor_class("DetrImageProcessor")()
    assert ours.size == {"shortest_edge": 800, "longest_edge": 1333}
    assert (ours.size.shortest_edge, ours.size["longest_edge"], ours.size.height) == (800, 1333, None)
    ours.size.shortest_edge = 60
    assert ours._config({}).size["shortest_edge"] == 60
    assert ours.to_dict()["size"] == {"shortest_edge": 60, "longest_edge": 1333}
    assert processor_class("DetrImageProcessor").size.shortest_edge == 800  # the class's own stays
    for again in (copy.deepcopy(ours.size), pickle.loads(pickle.dumps(ours.size))):
        assert isinstance(again, Size)
        assert again == ours.size
    with pytest.raises(AttributeError, match="depth"):
        _ = ours.size.depth
    with pytest.raises(AttributeError, match="depth"):
        ours.size.depth = 3


def test_attributes_are_a_processors_own() -> None:
    one, other = (processor_class("LlavaNextImageProcessor")() for _ in range(2))
    one.image_grid_pinpoints[0][0] = 1
    one.size.shortest_edge = 1
    kept: Any = processor_class("LlavaNextImageProcessor")
    for untouched in (other, kept):
        assert untouched.image_grid_pinpoints[0] == [336, 672]
        assert untouched.size == {"shortest_edge": 224}


@pytest.mark.parametrize(
    ("name", "key"),
    [("JanusImageProcessor", "image_mean"), ("DeepseekVLHybridImageProcessor", "high_res_image_mean")],
)
def test_no_background_is_made_of_one_number(name: str, key: str) -> None:
    with pytest.raises(ConfigError, match=f"{key}: expected a number for each channel, for the background's colour, got 0"):
        processor_class(name)(**{key: 0})


@pytest.mark.parametrize("backend", ["pil", "torchvision"])
def test_oneformers_classes_are_read_from_a_local_folder_alone(backend: str, tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    inside, outside = tmp_path / "folder" / "classes.json", tmp_path / "outside.json"
    for path in (inside, outside):
        path.write_text('{"0": {"isthing": 0, "name": "foo"}, "2": {"isthing": 1, "name": "baz"}}')
    make = processor_class("OneFormerImageProcessor")
    for file in (str(inside), "classes.json"):
        settings = {"class_info_file": file, "repo_path": str(tmp_path / "folder")}
        theirs, ours = reference_class("OneFormerImageProcessor", backend)(**settings), make(backend=backend, **settings)
        assert ours.metadata == theirs.metadata == ours.to_dict()["metadata"]
    for file in (str(outside), "../outside.json", "none.json"):
        assert not hasattr(make(class_info_file=file, repo_path=str(tmp_path / "folder")), "metadata")
    inside.write_text('{"0": 1}')
    with pytest.raises(ConfigError, match=r"classes.json: expected a name and isthing for each class's number"):
        make(class_info_file="classes.json", repo_path=str(tmp_path / "folder"))
    with pytest.raises(ConfigError, match="repo_path: expected the path of a folder, got 5"):
        make(class_info_file="classes.json", repo_path=5)


@pytest.mark.parametrize("key", ["encoder_patch_size", "tile_size", "max_image_tokens", "downsample_factor"])
def test_nothing_is_computed_of_no_number(key: str) -> None:
    with pytest.raises(ConfigError, match=f"{key}: expected a whole number of at least 1, got None"):
        processor_class("Lfm2VlImageProcessor")(do_image_splitting=True, **{key: None})
