"""Attributes that become settings at each call."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import graphproc as gp
from graphproc.errors import ConfigError


def test_settings_that_were_changed_in_place_or_only_look_equal_are_seen() -> None:
    ours = gp.ViTImageProcessor(size=20)
    image = np.zeros((30, 40, 3), np.uint8)
    ours(image)
    ours.size["height"] = 22
    assert ours(image)["pixel_values"][0].shape == (3, 22, 20)
    with pytest.raises(ConfigError, match="do_resize: expected true, false or null, got 1"):
        ours(image, do_resize=1)


def test_settings_are_normalised_once_for_each_content() -> None:
    ours = gp.ViTImageProcessor(size=20)
    first = ours._config({})
    assert ours._config({}) is first
    ours.size["height"] = 22
    changed = ours._config({})
    assert changed.size == {"height": 22, "width": 20}
    ours.size["height"] = 20
    assert ours._config({}) is first


@pytest.mark.parametrize("make", [gp.BaseImageProcessor, gp.ImageProcessingMixin, gp.AutoImageProcessor])
def test_classes_without_a_row_are_not_made(make: type) -> None:
    with pytest.raises(TypeError, match=f"{make.__name__} is made by {make.__name__}.from_pretrained"):
        make()


def test_a_graph_describes_a_processor_made_with_the_changed_settings() -> None:
    ours = gp.DetrImageProcessor(note="kept")
    changes: dict[str, Any] = {"size": {"shortest_edge": 50, "longest_edge": 70}, "do_rescale": False}
    assert ours._saved_with(changes) == gp.DetrImageProcessor(note="kept", **changes).to_dict()
    assert ours._saved_with({}) == ours.to_dict()
