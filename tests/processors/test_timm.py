"""timm's evaluation transform: timm itself, on PIL images, gives the same bits as the graph and the numpy reference."""

from __future__ import annotations

import itertools
import json
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tiers
import transformers
from PIL import Image

import graphproc as gp
from graphproc.configs.timm import evaluation
from graphproc.errors import ConfigError, ImageError
from graphproc.runtime.session import Session

Array = np.ndarray[Any, Any]

SIZES = ((1, 1), (17, 31), (31, 17), (64, 64), (63, 65), (90, 2), (2, 90), (71, 64), (120, 181), (250, 111))
"""(height, width): equal to the result's sides, odd and even surpluses and shortfalls, long and thin."""
RESULTS = ((64, 64), (61, 61), (64, 61), (33, 90), (90, 33))
FILTERS = ("bicubic", "bilinear", "nearest", "lanczos", "box", "hamming")
MODES = ("center", "squash", "border")
COLOR = {"mean": [0.1, 0.5, 0.9], "std": [0.31, 0.6, 1.2]}


def picture(size: tuple[int, int]) -> Image.Image:
    return Image.fromarray(np.random.default_rng(size).integers(0, 256, (*size, 3), dtype=np.uint8))


def by_timm(config: dict[str, Any], image: Image.Image) -> Array | None:
    """Return timm's result, called as transformers calls timm; None where Pillow refuses the size."""
    from timm import data

    transform = data.create_transform(**data.resolve_data_config(config, model=None), is_training=False)
    try:
        return np.asarray(transform(image).numpy())
    except ValueError as error:
        if "height and width must be > 0" not in str(error):
            raise
        return None


def by_reference(config: dict[str, Any], image: Image.Image) -> Array | None:
    try:
        ours = gp.TimmWrapperImageProcessor(pretrained_cfg=config, engine="numpy")
        return np.asarray(ours(image, return_tensors="np")["pixel_values"][0])
    except ImageError as error:
        if "rounds to less than 1 pixel" not in str(error):
            raise
        return None


def assert_equal(found: Array | None, expected: Array | None) -> None:
    assert (found is None) is (expected is None)
    if found is not None and expected is not None:
        assert (found.dtype, found.shape) == (expected.dtype, expected.shape)
        np.testing.assert_array_equal(found, expected)


@pytest.mark.parametrize("crop_pct", tiers.rows([1.0, 0.875, 0.95, 1.15, 0.5], [0.875]))
@pytest.mark.parametrize("mode", MODES)
def test_modes_filters_and_sizes(mode: str, crop_pct: float) -> None:
    for number, (result, filter) in enumerate(itertools.product(RESULTS, FILTERS)):
        config = {"input_size": [3, *result], "interpolation": filter, "crop_mode": mode, "crop_pct": crop_pct, **COLOR}
        for size in SIZES[number % 5 :: 5]:
            assert_equal(by_reference(config, image := picture(size)), by_timm(config, image))


@tiers.crossed(("mode", tiers.rows(MODES, ["center"])), ("result", tiers.forms(RESULTS, RESULTS[:2])))
def test_graphs(mode: str, result: tuple[int, int]) -> None:
    for crop_pct in (1.0, 0.875, 1.15):
        config = {"input_size": [3, *result], "crop_mode": mode, "crop_pct": crop_pct, **COLOR}
        session = Session(gp.TimmWrapperImageProcessor(pretrained_cfg=config).to_onnx(), threads=1, specialise_after=None)
        for size in SIZES:
            image = picture(size)
            if (expected := by_reference(config, image)) is not None:
                assert_equal(session.run({"images": np.asarray(image)[None]})["pixel_values"][0], expected)


@pytest.mark.parametrize("target", ["cpu", "cuda", "portable"])
@pytest.mark.parametrize("color", ["rgb", "bgr", "rgba", "gray"])
@pytest.mark.parametrize("mode", tiers.rows(MODES, ["center"]))
def test_every_target_and_colour_order(mode: str, color: str, target: str) -> None:
    config = {"input_size": [3, 33, 40], "crop_mode": mode, "crop_pct": 0.9, **COLOR}
    ours = gp.TimmWrapperImageProcessor(pretrained_cfg=config)
    image = np.asarray(picture((50, 31)))
    given = {
        "rgb": image,
        "bgr": image[..., ::-1],
        "rgba": np.dstack([image, np.full((50, 31), 255, np.uint8)]),
        "gray": image[..., :1],
    }[color]
    meant = Image.fromarray(np.repeat(image[..., :1], 3, axis=-1) if color == "gray" else image)
    image_size = (50, 31) if target == "portable" else None
    found = Session(ours.to_onnx(target=target, color=color, image_size=image_size)).run(
        {"images": np.ascontiguousarray(given)[None]}
    )
    assert_equal(found["pixel_values"][0], by_reference(config, meant))


@pytest.mark.parametrize(
    "config",
    [
        {},
        {"input_size": [3, 40, 40]},
        {"input_size": [3, 40, 40], "crop_pct": None, "interpolation": None, "crop_mode": None, "mean": None, "std": None},
        {"input_size": [3, 40, 40], "crop_pct": 0, "interpolation": "", "crop_mode": ""},
        {"input_size": None, "img_size": 40, "in_chans": 3},
        {"input_size": [3, 40, 40], "mean": [0.5], "std": [0.25], "crop_mode": "border"},
        {"input_size": [3, 40, 40], "mean": [0, 0, 0], "std": [1, 2, 1]},
        {"input_size": [3, 40, 40], "mean": [1.3, 0.5, -0.2], "crop_mode": "border"},
        {"input_size": [3, 40, 40], "test_input_size": [3, 50, 50], "test_crop_pct": 0.5, "fixed_input_size": True, "tag": "a"},
    ],
    ids=str,
)
def test_what_counts_where_a_setting_is_missing_or_unusual(config: dict[str, Any]) -> None:
    given = config or {"input_size": None}  # timm wants at least one key
    for size in ((90, 71), (30, 47)):
        assert_equal(by_reference(config, image := picture(size)), by_timm(given, image))


@pytest.mark.parametrize(
    ("config", "message"),
    [
        ({"input_size": [1, 28, 28]}, r"input_size: expected 3 channels, got 1\. Only models of RGB images are supported"),
        ({"in_chans": 4}, "in_chans: expected 3 channels, got 4"),
        ({"input_size": [224, 224]}, r"input_size: expected \[3, height, width\] in pixels, got \[224, 224\]"),
        ({"input_size": [3, 0, 224]}, "input_size: expected"),
        ({"input_size": [3, True, 224]}, "input_size: expected"),
        ({"input_size": [3, 2**40, 224]}, "input_size: expected"),
        ({"input_size": 224}, "input_size: expected"),
        ({"interpolation": "random"}, "interpolation: expected one of .* got 'random'.*for training"),
        ({"interpolation": ["bicubic"]}, "interpolation: expected one of"),
        ({"crop_mode": "middle"}, "crop_mode: expected one of center, squash, border, got 'middle'"),
        ({"crop_pct": -1}, "crop_pct: expected a number above 0"),
        ({"crop_pct": "1"}, "crop_pct: expected a number above 0"),
        ({"crop_pct": 1e-320}, "crop_pct: expected input_size over it to be 1 to 2147483647 pixels"),
        ({"crop_pct": 300}, "crop_pct: expected input_size over it"),
        ({"mean": [0.5, 0.5]}, "mean: expected one number for each of 3 channels"),
        ({"mean": 0.5}, "mean: expected one number for each of 3 channels"),
        ({"mean": []}, "mean: expected one number for each of 3 channels"),
        ({"std": [1, 0, 1]}, "std: expected numbers that float32 holds, not 0"),
        ({"std": [1, 1e-60, 1]}, "std: expected numbers that float32 holds, not 0"),
        ({"mean": [1, 1e60, 1]}, "mean: expected numbers that float32 holds, got"),
    ],
    ids=str,
)
def test_refused(config: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError, match=rf"^pretrained_cfg\.{message}"):
        gp.TimmWrapperImageProcessor(pretrained_cfg=config)


def test_a_config_that_is_no_dictionary_and_an_image_that_is_not_rgb() -> None:
    with pytest.raises(ConfigError, match="pretrained_cfg: expected a dictionary of timm's settings, got list"):
        evaluation([])
    gray = Image.new("L", (20, 30), 90)
    with pytest.raises(ConfigError, match=r"expected an image of 3 channels, got 1\. Set do_convert_rgb"):
        gp.TimmWrapperImageProcessor()(gray)
    assert gp.TimmWrapperImageProcessor(do_convert_rgb=True)(gray, return_tensors="np")["pixel_values"].shape == (1, 3, 224, 224)


# ---- files -----------------------------------------------------------------------------------------------------------

MODEL = {
    "architecture": "resnet18",
    "num_classes": 3,
    "label_names": ["a", "b", "c"],
    "pretrained_cfg": {"tag": "a1_in1k", "input_size": [3, 48, 40], "crop_pct": 0.9, "crop_mode": "border", "url": None},
}


def loaded(source: Path, make: Any = gp.AutoImageProcessor) -> Any:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        return make.from_pretrained(source)


@pytest.mark.parametrize("make", [gp.AutoImageProcessor, gp.TimmWrapperImageProcessor])
def test_a_timm_models_own_file(make: Any, tmp_path: Path) -> None:
    path = tmp_path / "config.json"
    path.write_text(json.dumps(MODEL))
    for source in (tmp_path, path):
        ours = loaded(source, make)
        assert type(ours) is gp.TimmWrapperImageProcessor
        assert ours.to_dict() == {"image_processor_type": "TimmWrapperImageProcessor", **MODEL}
        assert ours(picture((30, 41)), return_tensors="np")["pixel_values"].shape == (1, 3, 48, 40)
    ours.save_pretrained(tmp_path / "saved")
    again = loaded(tmp_path / "saved", make)
    assert again.to_dict() == ours.to_dict()
    assert again._config({}) == ours._config({})


def test_a_file_that_names_the_class_needs_timms_settings(tmp_path: Path) -> None:
    path = tmp_path / "preprocessor_config.json"
    path.write_text('{"image_processor_type": "TimmWrapperImageProcessor"}')
    with pytest.raises(ConfigError, match=r"json: pretrained_cfg: expected timm's settings, got none\. Load the model's config"):
        gp.AutoImageProcessor.from_pretrained(tmp_path)
    assert gp.AutoImageProcessor.from_pretrained(tmp_path, pretrained_cfg={"input_size": [3, 9, 9]}).pretrained_cfg
    path.write_text(json.dumps({**MODEL, "pretrained_cfg": {"crop_pct": -1}}))
    with pytest.raises(ConfigError, match=r"preprocessor_config\.json: pretrained_cfg\.crop_pct: expected a number above 0"):
        gp.AutoImageProcessor.from_pretrained(tmp_path)


@pytest.mark.parametrize("value", ["image", "bytes", "floats", "planes first"])
def test_transformers_gives_the_same(value: str, tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text(json.dumps(MODEL))
    theirs = transformers.AutoImageProcessor.from_pretrained(tmp_path)
    assert type(theirs).__name__ == "TimmWrapperImageProcessor"
    image = picture((30, 41))
    given = {
        "image": image,
        "bytes": np.asarray(image),
        "floats": np.asarray(image) / np.float32(255),
        "planes first": np.asarray(image).transpose(2, 0, 1),
    }[value]
    expected = theirs(given)["pixel_values"].numpy()
    for engine in ("numpy", "onnxruntime"):
        found = loaded(tmp_path)(given, return_tensors="np", engine=engine)["pixel_values"]
        np.testing.assert_array_equal(found, expected)


def test_four_rows_are_no_channels(tmp_path: Path) -> None:
    """transformers looks for one or three."""
    (tmp_path / "config.json").write_text(json.dumps(MODEL))
    image = np.asarray(picture((4, 27)))
    expected = transformers.AutoImageProcessor.from_pretrained(tmp_path)(image)["pixel_values"].numpy()
    np.testing.assert_array_equal(loaded(tmp_path)(image, return_tensors="np")["pixel_values"], expected)


def test_a_tensor_by_itself_is_refused() -> None:
    """Timm resizes it as floats, which is another arithmetic."""
    torch = pytest.importorskip("torch")
    with pytest.raises(ImageError, match="got a torch tensor, which timm resizes as floats"):
        gp.TimmWrapperImageProcessor()(torch.zeros(3, 8, 8))


def test_lab_is_refused() -> None:
    """Pillow keeps two of its channels shifted by 128, and resizes them so."""
    image = picture((30, 41)).convert("RGB").convert("LAB")
    with pytest.raises(ImageError, match="expected PIL images of modes other than LAB"):
        gp.TimmWrapperImageProcessor(pretrained_cfg={"input_size": [3, 20, 20]})([picture((30, 41)), image])
