"""The cases of keypoint detectors and matchers."""

from __future__ import annotations

from collections.abc import Mapping

from cases.processors.case import ProcessorCase

SETTINGS = {
    "small, lanczos": {"size": {"height": 61, "width": 45}, "resample": 1},
    "gray the other way": {"size": {"height": 61, "width": 45}, "do_grayscale": False},
    "gray": {"size": {"height": 61, "width": 45}, "do_grayscale": True},
    "not resized": {"do_resize": False},
    "not rescaled": {"size": 70, "do_rescale": False, "do_grayscale": False},
}
MATCHER = ProcessorCase(extra=SETTINGS, standard=False, batch=((60, 90), (90, 60)))

CASES: Mapping[str, ProcessorCase] = {
    "EfficientLoFTRImageProcessor": MATCHER,
    "LightGlueImageProcessor": MATCHER,
    "SuperGlueImageProcessor": MATCHER,
    "SuperPointImageProcessor": ProcessorCase(extra=SETTINGS, standard=False),
}
