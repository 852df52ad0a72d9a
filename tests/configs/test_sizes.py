"""`size_dict` against transformers' `get_size_dict`."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from transformers.image_processing_utils import get_size_dict

from graphproc.configs.sizes import SIZE_FORMS, plain_size, size_dict
from graphproc.errors import ConfigError
from graphproc.processors.registry import specs

EDGES = st.integers(1, 4000)
FORMS = st.sampled_from([sorted(form) for form in SIZE_FORMS]).flatmap(
    lambda names: st.fixed_dictionaries(dict.fromkeys(names, EDGES))
)
PAIRS = st.tuples(EDGES, EDGES) | st.lists(EDGES, min_size=2, max_size=2)


@pytest.mark.slow
@given(size=EDGES | PAIRS | FORMS | st.none(), square=st.booleans(), longest=st.none() | EDGES, height_first=st.booleans())
def test_the_same_dictionary_or_both_refuse(size: Any, square: bool, longest: int | None, height_first: bool) -> None:
    try:
        expected = get_size_dict(size, max_size=longest, height_width_order=height_first, default_to_square=square)
    except ValueError:
        with pytest.raises(ConfigError, match=r"^size: "):
            size_dict("size", size, default_to_square=square, max_size=longest, height_first=height_first)
    else:
        assert size_dict("size", size, default_to_square=square, max_size=longest, height_first=height_first) == expected


@given(st.sets(st.sampled_from(sorted({name for form in SIZE_FORMS for name in form} | {"depth"}))))
def test_any_other_set_of_keys_is_refused(names: set[str]) -> None:
    value = dict.fromkeys(names, 5)
    if names in SIZE_FORMS:
        assert size_dict("crop_size", value) == get_size_dict(value) == value
        return
    with pytest.raises(ConfigError, match=r"^crop_size: expected the keys of one form"):
        size_dict("crop_size", value)
    with pytest.raises(ValueError, match="must have one of the following"):
        get_size_dict(value)


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ("224", "a whole number, a pair or a dictionary of sides, got '224'"),
        (224.0, "a whole number, a pair or a dictionary of sides, got 224.0"),
        (None, "a whole number, a pair or a dictionary of sides, got None"),
        (True, "a whole number, a pair or a dictionary of sides, got True"),
        ([224], "a pair of sides, got [224]"),
        ([1, 2, 3], "a pair of sides, got [1, 2, 3]"),
        ([1, "2"], "width to be a whole number of at least 1, got '2'"),
        (0, "the side to be a whole number of at least 1, got 0"),
        (-1, "the side to be a whole number of at least 1, got -1"),
        ({"height": 0, "width": 1}, "height to be a whole number of at least 1, got 0"),
        ({"shortest_edge": 2.5}, "shortest_edge to be a whole number of at least 1, got 2.5"),
        ({"shortest_edge": True}, "shortest_edge to be a whole number of at least 1, got True"),
        ({}, "got none"),
        ({"height": 5}, "got ['height']"),
        ({1: 5}, "got ['1']"),
    ],
)
def test_errors_name_the_key_and_the_value(value: Any, message: str) -> None:
    with pytest.raises(ConfigError) as caught:
        size_dict("crop_size", value)
    assert str(caught.value).startswith("crop_size: expected ")
    assert message in str(caught.value)


def test_max_size_with_a_square_is_refused() -> None:
    with pytest.raises(ConfigError, match="max_size has no meaning"):
        size_dict("size", 800, max_size=1333)


def test_null_entries_are_left_out() -> None:
    """As dictionaries that transformers wrote with every field have them."""
    assert size_dict("size", {"height": 5, "width": 6, "shortest_edge": None}) == {"height": 5, "width": 6}


def test_the_result_is_a_copy() -> None:
    given_size = {"shortest_edge": 5}
    assert size_dict("size", given_size) is not given_size


def test_objects_with_sides_are_sizes() -> None:
    theirs = pytest.importorskip("transformers.image_utils").SizeDict
    for sides in ({"height": 20, "width": 30}, {"shortest_edge": 20}, {"shortest_edge": 20, "longest_edge": 30}):
        assert size_dict("size", theirs(**sides)) == sides
    with pytest.raises(ConfigError, match="expected the keys of one form"):
        size_dict("size", theirs(height=20))
    assert plain_size("20") == "20"


@pytest.mark.parametrize("key", ["size", "crop_size", "pad_size", "patch_size"])
def test_any_setting_may_be_such_an_object(key: str) -> None:
    theirs = pytest.importorskip("transformers.image_utils").SizeDict
    sides = {"height": 16, "width": 20}
    name = "CLIPImageProcessor" if key != "patch_size" else "FuyuImageProcessor"
    assert specs()[name].config({key: theirs(**sides)}).settings[key] == sides
