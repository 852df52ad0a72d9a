"""The cases of documents on a page."""

from __future__ import annotations

from collections.abc import Mapping

from cases.processors.case import ProcessorCase, Settings, Size

PORTRAIT = {"size": {"height": 91, "width": 70}}
LANDSCAPE = {"size": {"height": 60, "width": 101}}
SETTINGS = {
    "landscape": LANDSCAPE,
    "portrait": PORTRAIT,
    "turned": {**PORTRAIT, "do_align_long_axis": True},
    "turned the other way": {**LANDSCAPE, "do_align_long_axis": True},
    "square, turned": {"size": 77, "do_align_long_axis": True},
    "no thumbnail": {**PORTRAIT, "do_thumbnail": False},
    "no padding": {**PORTRAIT, "do_pad": False},
    "not resized": {**PORTRAIT, "do_resize": False},
    "lanczos": {**LANDSCAPE, "resample": 1},
    "nearest": {**LANDSCAPE, "resample": 0},
}
LARGE = (((17, 31), "noise"), ((333, 500), "photograph"), ((600, 350), "photograph"))


def elongated(size: Size, settings: Settings) -> bool:
    """Tell whether scaling the shorter side to the page's, of over a thousand pixels, gives an image of gigabytes."""
    return max(size) > 40 * min(size) and "size" not in settings


def turned(size: Size, settings: Settings) -> bool:
    """Tell whether torchvision's backend is to turn images: it fails on those that need it, and is refused for all."""
    return bool(settings.get("do_align_long_axis"))


FROM_MARGINS: Settings = {
    **SETTINGS,
    "margin kept": {**PORTRAIT, "do_crop_margin": False},
    "page": {"do_crop_margin": False},
    "cut": {**PORTRAIT, "do_thumbnail": False, "do_crop_margin": False},
    "cut without a resize": {**PORTRAIT, "do_thumbnail": False, "do_resize": False},
    "cut the other way": {**LANDSCAPE, "do_thumbnail": False},
    "on a larger page": {"size": {"height": 1000, "width": 351}, "do_resize": False},
}


CASES: Mapping[str, ProcessorCase] = {
    "DonutImageProcessor": ProcessorCase(
        extra={
            **SETTINGS,
            "width before height": {"size": [70, 91]},
            "crop": {**PORTRAIT, "do_center_crop": True, "crop_size": 50},
            "not normalized": {**PORTRAIT, "do_normalize": False},
        },
        standard=False,
        images=LARGE,
        skip=elongated,
    ),
    "FuyuImageProcessor": ProcessorCase(
        extra={
            "small": {"size": {"height": 61, "width": 90}},
            "smaller, mirrored": {"size": {"height": 120, "width": 200}, "padding_mode": "symmetric"},
            "reflected": {"size": {"height": 120, "width": 200}, "padding_mode": "reflect"},
            "edge": {"size": {"height": 120, "width": 200}, "padding_mode": "edge"},
            "padding 130": {"size": {"height": 120, "width": 200}, "padding_value": 130},
            "padding truncated": {"size": {"height": 120, "width": 200}, "padding_value": 1.7},
            "smaller than the image": {"size": {"height": 20, "width": 20}, "do_resize": False},
            "no padding": {"size": {"height": 61, "width": 90}, "do_pad": False},
            "not resized": {"size": {"height": 350, "width": 510}, "do_resize": False},
        },
        standard=False,
    ),
    "NougatImageProcessor": ProcessorCase(
        extra=FROM_MARGINS,
        standard=False,
        images=(*LARGE, ((1, 1), "noise"), ((224, 224), "noise"), ((3000, 200), "photograph"), ((60, 500), "photograph")),
        skip=elongated,
        refuses=lambda size, settings: settings.get("backend") == "torchvision" and turned(size, settings),
    ),
    "PPFormulaNetImageProcessor": ProcessorCase(
        extra=FROM_MARGINS,
        standard=False,
        images=(*LARGE, ((1, 1), "noise"), ((224, 224), "noise"), ((3000, 200), "photograph"), ((60, 500), "photograph")),
        skip=elongated,
        refuses=turned,
    ),
}
