"""The older spellings of DETR and MaskFormer settings, and the order of outputs."""

from __future__ import annotations

from typing import Any

import cases.parity as cases
import pytest
import tiers

from graphproc.configs.settings import STANDARD
from graphproc.processors.registry import specs
from graphproc.wrappers.processor import processor_class

DETR = ("ConditionalDetr", "DeformableDetr", "Detr", "GroundingDino", "RTDetr", "Yolos")
FORMER = ("Mask2Former", "MaskFormer", "OneFormer")
GIVEN: tuple[dict[str, Any], ...] = (
    {"size": 300},
    {"size": 300, "max_size": 400},
    {"size": 300, "max_size": None},
    {"size": [30, 40], "max_size": 400},
    {"size": {"shortest_edge": 30, "longest_edge": 40}, "max_size": 400},
    {"size": None},
    {"size": None, "max_size": 400},
    {"max_size": 400},
    {"pad_and_return_pixel_mask": False},
    {"pad_and_return_pixel_mask": None},
    {"pad_and_return_pixel_mask": False, "do_pad": True},
    {"pad_and_return_pixel_mask": False, "do_pad": None},
    {"do_normalize": False},
    {"do_normalize": None},
    {"do_normalize": False, "do_convert_annotations": True},
    {"do_normalize": False, "do_convert_annotations": None},
)


@tiers.each("given", GIVEN)
@pytest.mark.parametrize("model", tiers.rows(DETR + FORMER, (DETR + FORMER)[::5]))
def test_older_spellings_mean_what_they_mean_in_transformers(model: str, given: dict[str, Any]) -> None:
    name = f"{model}ImageProcessor"
    theirs = cases.reference_class(name)(**given)
    ours = processor_class(name)(**given)
    for key in ("size", "do_pad", "do_normalize", *(set(specs()[name].settings) - set(STANDARD))):
        expected = getattr(theirs, key)
        assert getattr(ours, key) == (dict(expected) if key == "size" and expected else expected), key


@pytest.mark.parametrize(("model", "keyword"), [("Detr", "annotations"), ("Mask2Former", "segmentation_maps")])
def test_what_is_not_compiled_is_named(model: str, keyword: str) -> None:
    with pytest.raises(TypeError, match=f"unknown keyword '{keyword}'.*Not compiled: {keyword}"):
        processor_class(f"{model}ImageProcessor")()(cases.picture((17, 31), "noise"), **{keyword: [None]})


@pytest.mark.parametrize("model", [*DETR, *FORMER, "Eomt"])
@pytest.mark.parametrize("do_pad", tiers.rows([False, True], [True]))
def test_outputs_have_the_order_of_transformers(model: str, do_pad: bool) -> None:
    name, settings = f"{model}ImageProcessor", {"size": {"shortest_edge": 20, "longest_edge": 30}, "do_pad": do_pad}
    image = cases.picture((17, 31), "noise")
    found = list(cases.ours(name, settings)(image))
    assert found == list(cases.theirs(name, settings)(image))
    assert set(found) <= set(specs()[name].outputs)
