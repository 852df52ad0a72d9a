"""Loading and saving as the documentation of transformers' mixin shows it, and what is said about files in the wild."""

from __future__ import annotations

import json
import pickle
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tiers
import transformers
from cases.parity import CASES, reference_class
from support.round_trips import assert_saved_alike, plain

import graphproc as gp
from graphproc.configs.classes import STEMS
from graphproc.errors import ConfigError, UnsupportedProcessorError
from graphproc.processors.registry import specs
from graphproc.wrappers.processor import processor_class

transformers.logging.set_verbosity_error()

CLIP = {"image_processor_type": "CLIPImageProcessor", "size": {"shortest_edge": 40}, "crop_size": 32, "note": "kept"}


def save(folder: Path, settings: Any, name: str = "preprocessor_config.json") -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / name
    path.write_text(json.dumps(settings), encoding="utf-8")
    return path


def same_settings(ours: Any, theirs: Any) -> None:
    """Assert equal settings, whatever types transformers keeps them in."""
    for key in set(ours._config({}).settings) - set(CASES[ours.spec.name].derived):
        assert plain(getattr(ours, key)) == plain(getattr(theirs, key, None)), key


# ---- the documentation's examples ------------------------------------------------------------------------------------


@pytest.mark.parametrize("make", [gp.AutoImageProcessor, gp.CLIPImageProcessor, transformers.CLIPImageProcessor])
def test_the_examples_of_the_documentation(make: Any, tmp_path: Path) -> None:
    """By folder, by file, with keywords, and with the keywords that are left over."""
    path = save(tmp_path, CLIP)
    for source in (str(tmp_path), f"{tmp_path}/", str(path), path):
        assert make.from_pretrained(source).note == "kept"
    processor = make.from_pretrained(tmp_path, do_normalize=False, foo=False)
    assert processor.do_normalize is False
    assert not hasattr(processor, "foo")
    processor, unused = make.from_pretrained(tmp_path, do_normalize=False, foo=False, return_unused_kwargs=True)
    assert processor.do_normalize is False
    if make.__module__.startswith("graphproc"):  # transformers hands do_normalize back as well
        assert unused == {"foo": False}


def test_keywords_that_configure_something_are_not_left_over(tmp_path: Path) -> None:
    save(tmp_path, {**CLIP, "image_processor_type": "OwlViTImageProcessor"})
    given = {"size": 20, "note": "new", "rescale": False, "engine": "numpy", "backend": "pil", "do_resize": None}
    ours, unused = gp.AutoImageProcessor.from_pretrained(
        tmp_path, **given, revision="main", token=False, subfolder="", nothing=1, cache_dir=None, return_unused_kwargs=True
    )
    assert unused == {"nothing": 1}
    assert (ours.size, ours.note, ours.do_rescale, ours.engine) == ({"height": 20, "width": 20}, "new", False, "numpy")
    assert ours.do_resize is None


def test_from_dict_and_from_json_file(tmp_path: Path) -> None:
    ours, unused = gp.CLIPImageProcessor.from_dict(CLIP, size=20, foo=1, return_unused_kwargs=True)
    assert (ours.size, unused) == ({"shortest_edge": 20}, {"foo": 1})
    assert CLIP["size"] == {"shortest_edge": 40}
    path = save(tmp_path, CLIP, "some.json")
    for make in (gp.AutoImageProcessor, gp.CLIPImageProcessor):
        assert make.from_json_file(path).to_dict() == make.from_dict(CLIP).to_dict()


def test_get_image_processor_dict(tmp_path: Path) -> None:
    save(tmp_path / "sub", CLIP, "other.json")
    found = gp.AutoImageProcessor.get_image_processor_dict(
        tmp_path, subfolder="sub", image_processor_filename="other.json", foo=1
    )
    assert found == (CLIP, {"foo": 1})
    theirs = transformers.CLIPImageProcessor.get_image_processor_dict
    assert theirs(tmp_path, subfolder="sub", image_processor_filename="other.json", foo=1) == found


def test_the_base_and_auto_classes_are_not_made_by_hand() -> None:
    for make in (gp.ImageProcessingMixin, gp.AutoImageProcessor):
        with pytest.raises(TypeError, match="from_pretrained"):
            make(size=3)
    assert issubclass(gp.BaseImageProcessor, gp.ImageProcessingMixin)


# ---- what is assumed -------------------------------------------------------------------------------------------------


def load(folder: Path, make: Any = gp.AutoImageProcessor, **kwargs: Any) -> tuple[Any, list[str]]:
    """Return a processor, and the warnings on the way, which point at the caller."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        found = make.from_pretrained(folder, **kwargs)
    assert all(w.filename == __file__ and w.category is UserWarning for w in caught)
    return found, [str(w.message) for w in caught]


MISSING = next((n for stem in STEMS if (n := f"{stem}ImageProcessor") not in specs()), "NoSuchImageProcessor")
"""A class of transformers that has no spec yet."""
PLAIN = {"size": 40, "do_resize": True, "image_mean": [0.5] * 3, "image_std": [0.5] * 3}

ASSUMED: list[tuple[dict[str, Any], str, str]] = [
    ({"image_processor_type": "ViTFeatureExtractor"}, "ViTImageProcessor", "image_processor_type 'ViTFeatureExtractor' is taken"),
    ({"image_processor_type": "SwinImageProcessor"}, "ViTImageProcessor", "'SwinImageProcessor' is taken for ViTImageProcessor"),
    ({"image_processor_type": "ResNetImageProcessor"}, "ConvNextImageProcessor", "is taken for ConvNextImageProcessor"),
    ({"feature_extractor_type": "ImageFeatureExtractor"}, "ViTImageProcessor", "no image_processor_type: the plain settings"),
    ({}, "ViTImageProcessor", "no image_processor_type: the plain settings are read as those of ViTImageProcessor"),
]


@pytest.mark.parametrize(("keys", "name", "message"), ASSUMED)
def test_files_that_transformers_rejects_but_that_have_an_obvious_meaning(
    keys: dict[str, Any], name: str, message: str, tmp_path: Path
) -> None:
    settings = {**PLAIN, "size": {"shortest_edge": 400}} if name.startswith("ConvNext") else PLAIN
    path = save(tmp_path, {**settings, **keys})
    with pytest.raises(Exception, match="image_processor_type"):
        transformers.AutoImageProcessor.from_pretrained(tmp_path)
    ours, said = load(tmp_path)
    assert ours.spec.name == name
    assert len(said) == 1
    assert said[0].startswith(f"{path}: ")
    assert message in said[0]
    same_settings(ours, getattr(transformers, name).from_pretrained(tmp_path))


@pytest.mark.parametrize(
    "keys",
    [
        {"image_processor_type": "ViTImageProcessor"},
        {"image_processor_type": "ViTImageProcessorFast"},
        {"feature_extractor_type": "ViTFeatureExtractor"},
        {"image_processor_type": "ViTImageProcessor", "feature_extractor_type": "CLIPFeatureExtractor"},
        {"image_processor_type": "ViTImageProcessor", "auto_map": {"AutoProcessor": "code.Code"}},
    ],
)
def test_files_that_transformers_understands_load_without_a_word(keys: dict[str, Any], tmp_path: Path) -> None:
    save(tmp_path, {**PLAIN, **keys})
    ours, said = load(tmp_path)
    assert said == []
    same_settings(ours, transformers.AutoImageProcessor.from_pretrained(tmp_path))


def test_the_model_type_of_the_neighbour_names_the_class(tmp_path: Path) -> None:
    path = save(tmp_path, PLAIN)
    save(tmp_path, {"model_type": "segformer"}, "config.json")
    for source in (tmp_path, path):
        ours, said = load(source)
        assert (ours.spec.name, said) == ("SegformerImageProcessor", [])
    same_settings(ours, transformers.AutoImageProcessor.from_pretrained(tmp_path))


def test_a_class_uses_a_file_of_another_class_as_transformers_does_but_says_so(tmp_path: Path) -> None:
    path = save(tmp_path, CLIP)
    ours, said = load(tmp_path, gp.ViTImageProcessor)
    assert type(ours) is gp.ViTImageProcessor
    assert said == [f"{path}: the settings are for CLIPImageProcessor, and are used as ViTImageProcessor"]
    same_settings(ours, transformers.ViTImageProcessor.from_pretrained(tmp_path))
    save(tmp_path, {**PLAIN, "image_processor_type": "OwnImageProcessor", "auto_map": {"AutoImageProcessor": "a.B"}})
    assert "are for OwnImageProcessor, and are used as ViTImageProcessor" in load(tmp_path, gp.ViTImageProcessor)[1][0]
    save(tmp_path, PLAIN)
    assert load(tmp_path, gp.CLIPImageProcessor)[1] == []


def test_keys_and_keywords_that_look_as_if_they_did_something(tmp_path: Path) -> None:
    save(tmp_path, {**PLAIN, "image_processor_type": "SegformerImageProcessor", "reduce_labels": True})
    ours, said = load(tmp_path)
    assert ours.do_reduce_labels is False
    assert len(said) == 1
    assert "reduce_labels changes nothing, as in transformers 5.23; its name is do_reduce_labels now" in said[0]
    same_settings(ours, transformers.SegformerImageProcessor.from_pretrained(tmp_path))


def test_a_nested_processor_in_a_file_given_as_such(tmp_path: Path) -> None:
    path = save(tmp_path, {"image_processor": CLIP}, "processor_config.json")
    for make in (gp.AutoImageProcessor, gp.CLIPImageProcessor):
        ours, said = load(path, make)
        assert ours.size == {"shortest_edge": 40}
        assert said == [f"{path}: the settings are those nested under image_processor"]


@pytest.mark.parametrize(
    ("settings", "error", "message"),
    [
        ({"image_processor_type": MISSING}, UnsupportedProcessorError, f"_type: .*{MISSING}.* The nearest one is"),
        ({"feature_extractor_type": {"a": 1}}, ConfigError, "feature_extractor_type: expected a class name, got {'a': 1}"),
        ({"image_processor_type": "x" * 5000}, UnsupportedProcessorError, r"named 'x{39}\.\.\.x+' \(5002 characters\)"),
        ({"auto_map": "a\n" * 5000}, ConfigError, r"\(a\\na.* \(10000 characters\)\), which graphproc never runs"),
        ({**CLIP, "image_mean": [None] * 5000}, ConfigError, "image_mean: expected a finite number, got None"),
        ({**CLIP, "size": ["x" * 5000] * 3}, ConfigError, r"size: expected a pair of sides, got \['x+\.\.\..* characters\)$"),
        ({"image_processor_type": "OwnImageProcessor"}, UnsupportedProcessorError, "no image processor is named 'OwnImageProc"),
        ({"image_processor_type": "ViTXProcessor"}, UnsupportedProcessorError, "'ViTXProcessor'. The nearest one is ViTImage"),
        ({"auto_map": {"AutoImageProcessor": "own.Own"}}, ConfigError, r"\(own.Own\), which graphproc never runs"),
        ({"auto_map": {"AutoImageProcessor": "own.ViTX"}}, ConfigError, r"\(own.ViTX\).* The nearest one is ViTImageProcessor"),
        ({"size": 3}, ConfigError, "expected image_processor_type or feature_extractor_type"),
        ({"image_processor_type": 3}, ConfigError, "image_processor_type: expected a class name, got 3"),
        ({**CLIP, "size": "big"}, ConfigError, "size: expected"),
        ({**CLIP, "do_resize": "yes"}, ConfigError, "do_resize: expected true, false or null"),
    ],
)
def test_what_has_no_meaning_is_an_error_that_names_file_and_key(
    settings: dict[str, Any], error: type[Exception], message: str, tmp_path: Path
) -> None:
    path = save(tmp_path, settings)
    with pytest.raises(error, match=message) as caught:
        gp.AutoImageProcessor.from_pretrained(tmp_path)
    assert str(caught.value).startswith(f"{path}: ")
    assert "\n" not in str(caught.value)


def test_a_wrong_keyword_does_not_blame_the_file(tmp_path: Path) -> None:
    save(tmp_path, CLIP)
    with pytest.raises(ConfigError, match=r"^size: expected"):
        gp.AutoImageProcessor.from_pretrained(tmp_path, size="big")
    with pytest.raises(ConfigError, match=r"^backend: CLIPImageProcessor has torchvision, pil, got 'torch'"):
        gp.AutoImageProcessor.from_pretrained(tmp_path, backend="torch")


# ---- older spellings -------------------------------------------------------------------------------------------------

LEGACY: list[tuple[str, dict[str, Any]]] = [
    ("CLIPImageProcessor", {"use_square_size": True}),
    ("CLIPImageProcessor", {"use_square_size": True, "size": 40}),
    ("CLIPImageProcessor", {"use_square_size": False, "size": 40}),
    ("OwlViTImageProcessor", {"rescale": False}),
    ("OwlViTImageProcessor", {"rescale": False, "do_rescale": True}),
    ("OwlViTImageProcessor", {"do_rescale": True, "rescale": None}),
    ("OwlViTImageProcessor", {"size": [30, 40]}),
    ("ViTImageProcessor", {"size": [30, 40]}),
    ("ViTImageProcessor", {"do_normalize": None, "image_mean": None}),
    ("ViTImageProcessor", {"size": None, "do_resize": False}),
    ("CLIPImageProcessor", {"do_resize": False, "size": {"shortest_edge": -1}, "do_center_crop": False}),
    ("CLIPImageProcessor", {"do_center_crop": False, "crop_size": {"height": -1, "width": -1}}),
    ("CLIPImageProcessor", {"crop_size": 20, "size": 30, "default_to_square": True}),
    ("SiglipImageProcessor", {"size": 30}),
]


@pytest.mark.parametrize(("name", "settings"), LEGACY, ids=str)
def test_older_spellings_mean_what_they_mean_in_transformers(name: str, settings: dict[str, Any], tmp_path: Path) -> None:
    save(tmp_path, {"image_processor_type": name, **settings})
    ours = gp.AutoImageProcessor.from_pretrained(tmp_path)
    same_settings(ours, getattr(transformers, name).from_pretrained(tmp_path))
    same_settings(ours, gp.AutoImageProcessor.from_dict(ours.to_dict()))


def test_a_size_that_nothing_reads_is_refused_once_something_does() -> None:
    ours = gp.CLIPImageProcessor(do_resize=False, do_center_crop=False, size={"shortest_edge": -1})
    assert ours.size == {"shortest_edge": -1}
    with pytest.raises(ConfigError, match="size: expected shortest_edge to be a whole number of at least 1, got -1"):
        ours.compile(do_resize=True)


# ---- saving ----------------------------------------------------------------------------------------------------------

SAVED: dict[str, Any] = {"size": 40, "image_mean": [0.25, 0.5, 0.75], "do_normalize": None, "note": {"a": [1, None, "ü"]}}


@pytest.mark.parametrize(
    "name", tiers.names([name for name in specs() if name != "TimmWrapperImageProcessor"])
)  # not saved there
def test_saved_files_load_in_transformers_and_back(name: str, tmp_path: Path) -> None:
    expected, ours = reference_class(name), processor_class(name)(**SAVED)
    folder = tmp_path / "made" / "here"
    assert ours.save_pretrained(folder) == [str(folder / "preprocessor_config.json")]
    theirs = transformers.AutoImageProcessor.from_pretrained(folder, backend=ours.backend)
    assert type(theirs) is expected
    assert theirs.note == SAVED["note"]
    same_settings(ours, theirs)
    again = gp.AutoImageProcessor.from_pretrained(folder)
    assert plain(again.to_dict()) == plain(ours.to_dict())
    assert again._config({}) == ours._config({})
    theirs.save_pretrained(tmp_path / "theirs")
    assert_saved_alike(name, gp.AutoImageProcessor.from_pretrained(tmp_path / "theirs"), ours)


CONFIGURED: dict[str, Any] = {
    "size": 40,
    "resample": 1,
    "do_normalize": None,
    "image_mean": [0.25, 0.5, 0.75],
    "default_to_square": True,
    "reduce_labels": [1, 2],
    "norm": None,
}


FITTING: dict[str, dict[str, Any]] = {
    "ConvNextImageProcessor": {"default_to_square": False},  # it reads a crop size of its own off the edge
    "CHMv2ImageProcessor": {"do_reduce_labels": False},  # as of the next
    "DPTImageProcessor": {"do_reduce_labels": False},  # else reduce_labels is worth a warning
}
"""Settings with which the others make sense for a class."""


@pytest.mark.parametrize("settings", [{}, CONFIGURED], ids=["default", "other"])
@tiers.each("name", specs(), tiers.firsts(specs()))
def test_dictionaries_round_trip_here_and_through_transformers(name: str, settings: dict[str, Any]) -> None:
    settings = {**settings, **FITTING.get(name, {})} if settings else {}
    ours = processor_class(name)(**settings)
    saved = ours.to_dict()
    assert json.loads(ours.to_json_string()) == {**json.loads(json.dumps(saved)), "graphproc_backend": ours.backend}
    again = gp.AutoImageProcessor.from_dict(saved)
    assert type(again) is type(ours)
    assert again.to_dict() == saved
    assert again._config({}) == ours._config({})
    if name == "TimmWrapperImageProcessor":
        return  # transformers' class needs the settings of a model, and timm; test_timm.py saves and loads it
    make = reference_class(name)
    theirs, loaded = make(**settings), make.from_dict(json.loads(ours.to_json_string()))
    for key in set(ours._config({}).settings) - set(CASES[name].derived):
        have, want = getattr(loaded, key, None), getattr(theirs, key, None)
        assert plain(have) == plain(want), key
    assert_saved_alike(name, gp.AutoImageProcessor.from_dict(theirs.to_dict()), ours)


def test_saving_replaces_the_file_whole_or_not_at_all(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    ours = gp.ViTImageProcessor(size=20)
    ours.save_pretrained(str(tmp_path))
    (tmp_path / "other.txt").write_text("kept")
    before = (tmp_path / "preprocessor_config.json").read_bytes()
    ours.size = {"height": 30, "width": 30}

    def fail(*args: Any) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr("os.replace", fail)
        with pytest.raises(ConfigError, match="cannot be written"):
            ours.save_pretrained(tmp_path)
    assert (tmp_path / "preprocessor_config.json").read_bytes() == before
    assert sorted(p.name for p in tmp_path.iterdir()) == ["other.txt", "preprocessor_config.json"]
    ours.save_pretrained(tmp_path)
    assert json.loads((tmp_path / "preprocessor_config.json").read_text())["size"] == {"height": 30, "width": 30}


def test_where_a_file_is_no_folder_can_be_made(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    for folder in (tmp_path / "file", tmp_path / "file" / "inside"):
        with pytest.raises(ConfigError, match="expected a folder, or to make one"):
            gp.ViTImageProcessor().save_pretrained(folder)


def test_to_json_file_and_numpy_values(tmp_path: Path) -> None:
    ours = gp.ViTImageProcessor(clusters=np.arange(4).reshape(2, 2), one=np.float32(0.5))
    ours.to_json_file(tmp_path / "a.json")
    saved = json.loads((tmp_path / "a.json").read_text())
    assert (saved["clusters"], saved["one"]) == ([[0, 1], [2, 3]], 0.5)
    assert (tmp_path / "a.json").read_text() == ours.to_json_string()
    assert repr(ours) == f"ViTImageProcessor {ours.to_json_string()}"


@pytest.mark.parametrize("value", [object(), float("nan"), float("inf"), {1, 2}])
def test_values_that_json_does_not_hold_are_not_saved(value: Any, tmp_path: Path) -> None:
    ours = gp.ViTImageProcessor(extra=value)
    assert "extra" in repr(ours)
    with pytest.raises(ConfigError):
        ours.save_pretrained(tmp_path / "a")
    assert not (tmp_path / "a").exists()


def test_keywords_of_an_upload_need_an_upload(tmp_path: Path) -> None:
    with pytest.raises(TypeError, match="repo_id only with push_to_hub=True"):
        gp.ViTImageProcessor().save_pretrained(tmp_path, repo_id="me/vit")


# ---- values that a configuration may not hold --------------------------------------------------------------------------


def test_a_key_without_effect_may_hold_what_is_no_number(tmp_path: Path) -> None:
    path = tmp_path / "preprocessor_config.json"
    path.write_text('{"image_processor_type": "CLIPImageProcessor", "scale": [1, NaN], "size": 30}')
    ours, said = load(tmp_path)
    assert ours.size == {"shortest_edge": 30}
    (text,) = said
    assert "scale[1]: expected a finite number, got NaN; the key is left out, as CLIPImageProcessor does not use it" in text
    assert "scale" not in ours.to_dict()
    path.write_text('{"image_processor_type": "CLIPImageProcessor", "rescale_factor": NaN}')
    with pytest.raises(ConfigError, match=r"config.json: rescale_factor: expected a finite number, got NaN"):
        load(tmp_path)
    assert load(tmp_path, rescale_factor=0.5)[0].rescale_factor == 0.5


def test_a_models_infinity_beside_the_file_does_not_matter(tmp_path: Path) -> None:
    (tmp_path / "preprocessor_config.json").write_text('{"size": 30}')
    (tmp_path / "config.json").write_text('{"model_type": "clip", "time_step_limit": [0.0, Infinity]}')
    assert load(tmp_path)[0].size == {"shortest_edge": 30}


# ---- backends ----------------------------------------------------------------------------------------------------------


def test_classes_named_after_a_backend_have_it(tmp_path: Path) -> None:
    save(tmp_path, {"image_processor_type": "CLIPImageProcessor", "graphproc_backend": "pil"})
    for name, backend in (("CLIPImageProcessorFast", "torchvision"), ("CLIPImageProcessorPil", "pil")):
        make = getattr(gp, name)
        assert issubclass(make, gp.CLIPImageProcessor)
        assert make.__name__ == name
        assert make().backend == make.from_pretrained(tmp_path).backend == backend
        assert pickle.loads(pickle.dumps(make(size=30))).backend == backend
        assert make(backend="torchvision").backend == "torchvision"
        assert make().to_dict()["image_processor_type"] == "CLIPImageProcessor"


@pytest.mark.parametrize(("name", "missing"), [("VivitImageProcessorFast", "torchvision"), ("Molmo2ImageProcessorPil", "pil")])
def test_a_backend_that_a_class_lacks_is_not_taken_without_a_word(name: str, missing: str, tmp_path: Path) -> None:
    make = getattr(gp, name)
    save(tmp_path, {"image_processor_type": make.spec.name})
    asked = ({"graphproc_backend": missing}, {}), ({}, {"use_fast": missing == "torchvision"})
    for key, keywords in asked:
        save(tmp_path, {"image_processor_type": name, **key})
        ours, said = load(tmp_path, **keywords)
        assert ours.backend == ours.spec.backends[0] != missing
        (text,) = said
        assert f"{ours.spec.name} has no {missing} arithmetic here: results equal transformers' {ours.backend} backend" in text
    with pytest.warns(UserWarning, match=f"has no {missing} arithmetic here") as caught:
        assert make().backend == ours.backend
    assert caught[0].filename == __file__, "the warning points at the caller"


@pytest.mark.parametrize("backend", ["pil", "torchvision"])
def test_the_backend_is_saved_and_loaded_back_and_transformers_ignores_it(backend: str, tmp_path: Path) -> None:
    ours = gp.CLIPImageProcessor(size=30, backend=backend)
    ours.save_pretrained(tmp_path)
    again = gp.AutoImageProcessor.from_pretrained(tmp_path)
    assert again.backend == backend
    assert again.to_dict() == ours.to_dict()
    assert "graphproc_backend" not in again.to_dict()
    theirs = transformers.AutoImageProcessor.from_pretrained(tmp_path, backend=backend)
    same_settings(ours, theirs)
    theirs.save_pretrained(tmp_path)  # which carries the key along
    assert gp.AutoImageProcessor.from_pretrained(tmp_path).backend == backend
    assert gp.CLIPImageProcessor(**json.loads(ours.to_json_string())).backend == backend


def test_a_backend_key_with_another_value_is_refused(tmp_path: Path) -> None:
    save(tmp_path, {"image_processor_type": "CLIPImageProcessor", "graphproc_backend": "opencv"})
    with pytest.raises(ConfigError, match=r"config.json: graphproc_backend: expected one of torchvision, pil, got 'opencv'"):
        load(tmp_path)
