"""Normalising settings."""

from __future__ import annotations

from typing import Any

import pytest
import transformers

from graphproc.configs.config import Config, check, normalize
from graphproc.configs.settings import STANDARD, declared
from graphproc.errors import ConfigError
from graphproc.processors.families.own_size_rule.proportional import CROP_PCT

DEFAULTS: dict[str, Any] = {
    "do_resize": True,
    "size": {"shortest_edge": 224},
    "default_to_square": False,
    "resample": 3,
    "do_normalize": True,
    "image_mean": (0.5, 0.5, 0.5),
    "image_std": (0.25, 0.25, 0.25),
}
SETTINGS = declared({**DEFAULTS, "crop_pct": CROP_PCT})


def config(**given: Any) -> Config:
    return normalize("SomeImageProcessor", SETTINGS, given)


def test_defaults_fill_in_and_the_rest_is_none() -> None:
    settings = config().settings
    assert set(settings) == {*STANDARD, "crop_pct"}
    assert {key: value for key, value in settings.items() if value is not None} == DEFAULTS


def test_null_overrides_the_default() -> None:
    settings = config(do_normalize=None, size=None, image_mean=None).settings
    assert settings["do_normalize"] is settings["size"] is settings["image_mean"] is None
    theirs = transformers.CLIPImageProcessorPil(do_normalize=None, size=None, image_mean=None)
    assert theirs.do_normalize is theirs.size is theirs.image_mean is None


def test_unknown_keys_are_kept_as_they_came() -> None:
    given = {"reduce_labels": [1, {"a": None}], "norm": None}
    assert dict(config(**given).unknown) == given


@pytest.mark.parametrize("key", ["image_processor_type", "feature_extractor_type", "processor_class"])
def test_keys_that_name_the_class_are_no_settings(key: str) -> None:
    assert not config(**{key: "CLIPImageProcessor"}).unknown


@pytest.mark.parametrize("square", [True, False, None])
def test_an_int_size_follows_default_to_square(square: bool | None) -> None:
    theirs = transformers.CLIPImageProcessorPil(size=50, default_to_square=square).size
    assert config(size=50, default_to_square=square).size == dict(theirs)


def test_default_to_square_is_true_for_a_class_that_does_not_say() -> None:
    assert normalize("SomeImageProcessor", declared({}), {"size": 50}).size == {"height": 50, "width": 50}


def test_crop_and_pad_sizes_are_square_whatever_default_to_square_says() -> None:
    found = config(crop_size=20, pad_size=30, default_to_square=False)
    assert (found.crop_size, found.pad_size) == ({"height": 20, "width": 20}, {"height": 30, "width": 30})


@pytest.mark.parametrize(("value", "normal"), [([1, 2.5, 3], (1, 2.5, 3)), ((0.5,), (0.5,)), (0.5, 0.5), (1, 1)])
def test_statistics_are_a_number_or_a_tuple(value: Any, normal: Any) -> None:
    assert config(image_mean=value).image_mean == normal


def test_a_filter_of_pillow_is_its_code() -> None:
    from PIL import Image

    found = config(resample=Image.Resampling.LANCZOS).resample
    assert type(found) is int
    assert found == 1


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"do_resize": 1}, "do_resize: expected true, false or null, got 1"),
        ({"do_pad": "yes"}, "do_pad: expected true, false or null, got 'yes'"),
        ({"default_to_square": 0}, "default_to_square: expected true, false or null, got 0"),
        ({"rescale_factor": "x"}, "rescale_factor: expected a finite number, got 'x'"),
        ({"rescale_factor": True}, "rescale_factor: expected a finite number, got True"),
        ({"rescale_factor": float("inf")}, "rescale_factor: expected a finite number, got inf"),
        ({"image_mean": []}, "image_mean: expected a finite number, got []"),
        ({"image_mean": [0.5, None]}, "image_mean: expected a finite number, got None"),
        ({"image_std": [float("nan")]}, "image_std: expected a finite number, got nan"),
        ({"image_std": {"r": 1}}, "image_std: expected a finite number, got {'r': 1}"),
        ({"crop_pct": "0.9"}, "crop_pct: expected a finite number, got '0.9'"),
        ({"resample": 6}, "resample: expected one of 0 nearest, 1 lanczos, 2 bilinear, 3 bicubic, 4 box, 5 hamming, got 6"),
        ({"resample": "bicubic"}, "resample: expected one of 0 nearest"),
        ({"resample": 2.0}, "resample: expected one of 0 nearest"),
        ({"resample": True}, "resample: expected one of 0 nearest"),
        ({"crop_pct": 5e-324}, "crop_pct: expected a number that sizes can be divided by, got 5e-324"),
        ({"size": "224"}, "size: expected a whole number"),
        ({"crop_size": 2.5}, "crop_size: expected a whole number"),
        ({"pad_size": {"height": 5}}, "pad_size: expected the keys of one form"),
    ],
)
def test_wrong_values_are_refused_by_key(given: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError) as caught:
        config(**given)
    assert message in str(caught.value)


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"size": None}, "do_resize needs size, which is null"),
        ({"resample": None}, "do_resize needs resample, which is null"),
        ({"do_center_crop": True}, "do_center_crop needs crop_size, which is null"),
        ({"do_rescale": True}, "do_rescale needs rescale_factor, which is null"),
        ({"image_mean": None}, "do_normalize needs image_mean, which is null"),
        ({"image_std": None}, "do_normalize needs image_std, which is null"),
    ],
)
def test_a_step_without_its_setting_is_refused(given: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError, match=message) as caught:
        check(config(**given))
    assert str(caught.value).startswith("SomeImageProcessor: ")


def test_a_step_that_is_off_needs_nothing() -> None:
    check(config(do_resize=False, size=None, resample=None, do_normalize=None, image_mean=None))


def test_settings_are_attributes() -> None:
    assert config().resample == 3
    with pytest.raises(AttributeError, match="no setting 'resampel'"):
        _ = config().resampel
