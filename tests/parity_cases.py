"""What the parity tests and `tools/parity.py` compare: settings for every processor class, images, and three results.

The three are the ONNX graph in ONNX Runtime, the numpy reference, and transformers' Pillow class. `CASES` names every
class, so that a new row without an entry is noticed.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import Any, Literal

import numpy as np
import transformers
from PIL import Image

from graphproc.errors import GraphprocError
from graphproc.processors.registry import lookup
from graphproc.runtime.session import Session
from graphproc.wrappers.processor import BaseImageProcessor, processor_class
from graphproc.wrappers.verify import photograph

transformers.logging.set_verbosity_error()

Array = np.ndarray[Any, Any]
Settings = Mapping[str, Any]
Content = Literal["photograph", "noise"]
Size = tuple[int, int]


@dataclass(frozen=True)
class Case:
    """How a class is tried beyond what every class is.

    Attributes:
        always: settings given to both sides every time.
        extra: more settings by label.
        refuses: sizes and settings that this package refuses with a clear error although transformers gives something.
    """

    always: Settings = field(default_factory=dict)
    extra: Mapping[str, Settings] = field(default_factory=dict)
    refuses: Callable[[Size, Mapping[str, Any]], bool] = lambda size, settings: False


LABELS = Case(extra={"do_reduce_labels (labels only)": {"do_reduce_labels": True}})
NO_OCR = Case(always={"apply_ocr": False})  # tesseract is no part of the graph, nor of the test environment
CROP_PCT = {
    "crop_pct .5": {"crop_pct": 0.5, "size": {"shortest_edge": 61}},
    "crop_pct 1": {"crop_pct": 1.0, "size": {"shortest_edge": 61}},
    "crop_pct null": {"crop_pct": None, "size": {"shortest_edge": 61}},
    "crop_pct 0": {"crop_pct": 0, "size": {"shortest_edge": 61}},
}

CASES: Mapping[str, Case] = {
    "BeitImageProcessor": LABELS,
    "BitImageProcessor": Case(),
    "BlipImageProcessor": Case(),
    "CLIPImageProcessor": Case(
        extra={
            "use_square_size": {"use_square_size": True},
            "use_square_size, size given": {"use_square_size": True, "size": {"shortest_edge": 90}},
            "use_square_size off": {"use_square_size": False, "size": {"shortest_edge": 90}},
        }
    ),
    "ChameleonImageProcessor": Case(),
    "ChineseCLIPImageProcessor": Case(),
    "ConvNextImageProcessor": Case(
        extra={
            **CROP_PCT,
            "edge 383, cropped": {"size": {"shortest_edge": 383}},
            "edge 384, crop_pct null": {"size": {"shortest_edge": 384}, "crop_pct": None},
            "edge 400, warped": {"size": {"shortest_edge": 400}},
            "edge 61, then a crop": {"size": 61, "do_center_crop": True, "crop_size": {"height": 33, "width": 80}},
        }
    ),
    "DeiTImageProcessor": Case(),
    "LayoutLMv2ImageProcessor": NO_OCR,
    "LayoutLMv3ImageProcessor": NO_OCR,
    "LevitImageProcessor": Case(extra={"edge 7": {"size": {"shortest_edge": 7}, "crop_size": 7}}),
    "MobileNetV1ImageProcessor": Case(),
    "MobileNetV2ImageProcessor": LABELS,
    "MobileViTImageProcessor": Case(
        extra={
            **LABELS.extra,
            "channels not flipped": {"do_flip_channel_order": False, "size": {"shortest_edge": 61}},
            "do_normalize has no step": {"do_normalize": True, "size": {"shortest_edge": 61}},
            "flip alone": {
                "do_resize": False,
                "do_rescale": False,
                "do_center_crop": True,
                "crop_size": {"height": 41, "width": 30},
            },
        }
    ),
    "OwlViTImageProcessor": Case(extra={"rescale for do_rescale": {"rescale": False}}),
    # The crop is size / crop_size of the shorter side, down to no pixels, and without a resize the result is empty.
    "PerceiverImageProcessor": Case(
        refuses=lambda size, settings: min(size) <= 5 and not settings.get("do_resize", True),
        extra={
            "crop of the whole": {"crop_size": {"height": 224, "width": 224}},
            "crop of a part, odd": {"size": {"height": 50, "width": 71}, "crop_size": {"height": 97, "width": 113}},
            "crop above the image": {"size": {"height": 90, "width": 71}, "crop_size": {"height": 60, "width": 64}},
        },
    ),
    "PoolFormerImageProcessor": Case(
        extra={
            **CROP_PCT,
            "crop_pct, square": {"size": {"height": 61, "width": 61}},
            "crop_pct, height and width": {"size": {"height": 61, "width": 90}},
            "crop_pct null, square": {"size": {"height": 61, "width": 61}, "crop_pct": None},
        }
    ),
    "PPChart2TableImageProcessor": Case(),
    "PvtImageProcessor": Case(),
    "SegformerImageProcessor": LABELS,
    "SiglipImageProcessor": Case(),
    "ViTImageProcessor": Case(),
}

FILTERS = ("nearest", "lanczos", "bilinear", "bicubic", "box", "hamming")
OFF = dict.fromkeys(("do_convert_rgb", "do_resize", "do_center_crop", "do_rescale", "do_normalize", "do_pad"), False)


def variants(name: str) -> dict[str, Settings]:
    """The settings that a class is tried with, by label; the class's own defaults first."""
    case = CASES[name]
    small: Settings = (
        {"size": {"shortest_edge": 61}}
        if "shortest_edge" in lookup(name).defaults["size"]
        else {"size": {"height": 61, "width": 45}}
    )
    crop = {"do_center_crop": True}
    found: dict[str, Settings] = {"default": {}}
    found |= {f"filter {label}": {**small, "resample": code} for code, label in enumerate(FILTERS)}
    found |= {
        f"size {size}": {"size": size}
        for size in (
            96,
            (70, 91),
            {"height": 90, "width": 131},
            {"height": 301, "width": 260},
            {"shortest_edge": 75},
            {"shortest_edge": 60, "longest_edge": 90},
            {"max_height": 80, "max_width": 120},
            {"longest_edge": 70},
            {"min_pixels": 400, "max_pixels": 9000},
        )
    }
    found |= {
        "crop above the image": {**small, **crop, "crop_size": {"height": 331, "width": 278}},
        "crop odd": {**small, **crop, "crop_size": {"height": 33, "width": 41}},
        "crop even": {**small, **crop, "crop_size": 44},
        "crop, one side above": {**small, **crop, "crop_size": {"height": 20, "width": 97}},
        "crop alone": {**OFF, **crop, "crop_size": {"height": 45, "width": 46}},
        "crop by shortest_edge": {**small, **crop, "crop_size": {"shortest_edge": 44}},
        "all off": OFF,
    }
    found |= {f"{key} false": {**small, key: False} for key in OFF if key != "do_pad"}
    found |= {
        "rescale alone": {**OFF, "do_rescale": True, **crop, "crop_size": 50},
        "normalize alone": {**OFF, "do_normalize": True, **crop, "crop_size": 50},
        "resize alone": {**OFF, "do_resize": True, **small},
    }
    found |= {
        "mean and std": {**small, "image_mean": [0.1, 0.47, 0.9], "image_std": [0.31, 0.6, 1.2]},
        "mean and std, numbers": {**small, "image_mean": 0.4, "image_std": 0.2},
        "mean, integers": {**small, "image_mean": [0, 1, 0], "image_std": [1, 2, 1]},
        "mean of one element": {**small, "image_mean": [0.4]},
        "std of two elements": {**small, "image_std": [0.4, 0.2]},
        "rescale_factor 1/127.5": {**small, "rescale_factor": 1 / 127.5},
        "rescale_factor 0.0078": {**small, "rescale_factor": 0.0078},
        "rescale_factor 1": {**small, "rescale_factor": 1},
    }
    found |= {
        f"{key} null": {**small, key: None}
        for key in ("size", "resample", "rescale_factor", "image_mean", "image_std", "do_resize", "do_normalize")
    }
    found |= {
        "crop_size null": {**small, **crop, "crop_size": None},
        "do_pad": {"size": {"height": 90, "width": 71}, "do_center_crop": False, "do_pad": True, "pad_size": 130},
        "do_pad, no pad_size": {**small, "do_pad": True},
        "do_pad, too small": {**small, "do_pad": True, "pad_size": {"height": 30, "width": 300}},
        "int size, default_to_square true": {"size": 66, "default_to_square": True},
        "int size, default_to_square false": {"size": 66, "default_to_square": False},
        "int size, default_to_square null": {"size": 66, "default_to_square": None},
    }
    return {label: {**case.always, **settings} for label, settings in (found | dict(case.extra)).items()}


def ours(name: str, settings: Settings) -> BaseImageProcessor:
    """This package's processor."""
    return processor_class(name)(**settings)


def theirs(name: str, settings: Settings) -> Any:
    """The class of transformers whose arithmetic is compared with."""
    return getattr(transformers, f"{name}Pil")(**settings)


@cache
def _photograph() -> Image.Image:
    return Image.fromarray(photograph())


def picture(size: Size, content: Content) -> Image.Image:
    """An image of (height, width): the shipped photograph resized, or uniform noise; the same on each call."""
    height, width = size
    if content == "photograph":
        return _photograph().resize((width, height), Image.Resampling.BICUBIC)
    return Image.fromarray(np.random.default_rng(size).integers(0, 256, (height, width, 3), dtype=np.uint8))


Outcome = dict[str, Array] | Exception


def attempt(function: Callable[[], Mapping[str, Array]], errors: type[Exception]) -> Outcome:
    """The outputs as arrays, or the error."""
    try:
        with np.errstate(all="ignore"):
            return {key: np.asarray(value) for key, value in function().items()}
    except errors as error:
        return error


def transformers_result(name: str, settings: Settings, image: Image.Image) -> Outcome:
    """transformers' outputs, or whatever it raised."""
    return attempt(lambda: theirs(name, settings)(image, return_tensors="np"), Exception)


def numpy_result(name: str, settings: Settings, image: Image.Image) -> Outcome:
    """The numpy reference's outputs, or a deliberate error; any other error is a defect and passes through."""
    return attempt(lambda: ours(name, settings)(image, return_tensors="np", engine="numpy"), GraphprocError)


def graph(name: str, settings: Settings) -> Session | GraphprocError:
    """The ONNX graph for images of any size, target `cpu`, on one thread, or why there is none."""
    try:
        return Session(ours(name, settings).to_onnx(), threads=1, specialise_after=None)
    except GraphprocError as error:
        return error


def graph_result(session: Session, image: Image.Image) -> Outcome:
    """The graph's outputs."""
    return attempt(lambda: session.run({"images": np.asarray(image)[None]}), GraphprocError)


def difference(found: Outcome, expected: Outcome) -> str:
    """What is not equal, in words; empty where nothing is. Two errors agree."""
    failed = [isinstance(outcome, Exception) for outcome in (found, expected)]
    if any(failed):
        return "" if all(failed) else f"one failed: {found!r:.200} against {expected!r:.200}"
    assert isinstance(found, dict)
    assert isinstance(expected, dict)
    if set(found) != set(expected):
        return f"outputs {sorted(found)} against {sorted(expected)}"
    for key, want in expected.items():
        have = found[key]
        if have.dtype != want.dtype or have.shape != want.shape:
            return f"{key}: {have.dtype}{list(have.shape)} against {want.dtype}{list(want.shape)}"
        if not np.array_equal(have, want):
            count = int((have != want).sum())
            gap = np.abs(have.astype(np.float64) - want.astype(np.float64)).max()
            return f"{key}: {count} of {want.size} elements differ, by at most {gap:g}"
    return ""


def elements(outcome: Outcome) -> int:
    """How many elements an outcome has."""
    return 0 if isinstance(outcome, Exception) else sum(array.size for array in outcome.values())
