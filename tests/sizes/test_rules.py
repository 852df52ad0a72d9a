"""Every size rule, and the order of a resize, three ways: as ints, evaluated and in ONNX Runtime; rules against transformers."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st
from support.graphs import run_expressions
from support.strategies import BOUNDARY_SIDES, SYMBOLS, edges, sides, size_settings

from graphproc.errors import ConfigError
from graphproc.ops.resize.order import vertical_first
from graphproc.sizes import num, rules

H, W = num.symbol("height"), num.symbol("width")
Rule = Callable[[Any, Any], Any]

RULES: dict[str, st.SearchStrategy[Rule]] = {
    "shortest_edge": edges.map(lambda e: lambda h, w: rules.shortest_edge(h, w, e)),
    "shortest_edge_capped": st.tuples(edges, edges).map(lambda p: lambda h, w: rules.shortest_edge_capped(h, w, *p)),
    "fit_within": st.tuples(edges, edges).map(lambda p: lambda h, w: rules.fit_within(h, w, *p)),
    "resized_size": size_settings(1, 2000).map(lambda size: lambda h, w: rules.resized_size(h, w, size)),
    "center_window": edges.map(lambda e: lambda h, w: (*rules.center_window(h, e), *rules.center_window(w, e))),
    "vertical_first": st.tuples(edges, edges).map(lambda p: lambda h, w: (vertical_first(h, w, *p, "pillow"),)),
}
BOUNDARY = [(h, w) for h in BOUNDARY_SIDES for w in BOUNDARY_SIDES]


def test_every_rule_is_in_the_table() -> None:
    functions = {n for n, f in inspect.getmembers(rules, inspect.isfunction) if f.__module__ == rules.__name__ and n[0] != "_"}
    assert functions | {vertical_first.__name__} == set(RULES)


@pytest.mark.parametrize("name", RULES)
@given(data=st.data())
def test_rule_three_ways(name: str, data: st.DataObject) -> None:
    rule = data.draw(RULES[name])
    traced = rule(H, W)
    run = run_expressions(traced, SYMBOLS)
    for height, width in data.draw(st.lists(st.tuples(sides, sides), min_size=3, max_size=20)):
        expected = list(rule(height, width))
        assert all(type(v) in (int, bool) for v in expected)
        assert [num.evaluate(x, {"height": height, "width": width}) for x in traced] == expected
        assert run(height=height, width=width) == expected


FIXED: dict[str, Rule] = {
    "shortest_edge_224": lambda h, w: rules.shortest_edge(h, w, 224),
    "shortest_edge_1": lambda h, w: rules.shortest_edge(h, w, 1),
    "capped_800_1333": lambda h, w: rules.shortest_edge_capped(h, w, 800, 1333),
    "capped_below": lambda h, w: rules.shortest_edge_capped(h, w, 224, 223),
    "within_512": lambda h, w: rules.fit_within(h, w, 512, 256),
    "window_224": lambda h, w: (*rules.center_window(h, 224), *rules.center_window(w, 225)),
    "order": lambda h, w: (vertical_first(h, w, 224, 224, "pillow"),),
}


@pytest.mark.parametrize("name", FIXED)
def test_boundary_sizes_three_ways(name: str) -> None:
    rule = FIXED[name]
    traced = rule(H, W)
    run = run_expressions(traced, SYMBOLS)
    for height, width in BOUNDARY:
        expected = list(rule(height, width))
        assert [num.evaluate(x, {"height": height, "width": width}) for x in traced] == expected
        assert run(height=height, width=width) == expected


# --- against transformers


@pytest.fixture(scope="module")
def transforms() -> Any:
    return pytest.importorskip("transformers.image_transforms", reason="transformers is the oracle")


def virtual_image(height: int, width: int) -> np.ndarray:
    """Return an image of any size that takes no memory."""
    return np.broadcast_to(np.uint8(0), (height, width, 3))


@given(sides, sides, edges)
@example(1, 9000, 2000)
@example(224, 225, 224)
def test_shortest_edge_is_transformers(transforms: Any, height: int, width: int, edge: int) -> None:
    wanted = transforms.get_resize_output_image_size(
        virtual_image(height, width), edge, default_to_square=False, input_data_format="channels_last"
    )
    assert rules.shortest_edge(height, width, edge) == tuple(wanted)


@given(sides, sides, edges, edges)
@example(480, 640, 800, 1333)
@example(100, 1000, 800, 1333)
@example(800, 3000, 800, 1333)
@example(3, 7, 5, 7)
def test_capped_edge_is_transformers(transforms: Any, height: int, width: int, shortest: int, longest: int) -> None:
    wanted = transforms.get_size_with_aspect_ratio((height, width), shortest, longest)
    assert rules.shortest_edge_capped(height, width, shortest, longest) == tuple(wanted)


@given(sides, sides, edges, edges)
def test_fit_within_is_transformers(transforms: Any, height: int, width: int, max_height: int, max_width: int) -> None:
    from transformers.image_utils import get_image_size_for_max_height_width

    wanted = get_image_size_for_max_height_width((height, width), max_height, max_width)
    assert rules.fit_within(height, width, max_height, max_width) == tuple(wanted)


@given(st.integers(1, 60), st.integers(1, 60))
def test_center_window_is_transformers(transforms: Any, side: int, crop: int) -> None:
    line = np.arange(1, side + 1, dtype=np.uint8).reshape(1, side, 1)
    wanted = transforms.center_crop(line, (1, crop), data_format="channels_last", input_data_format="channels_last")[0, :, 0]
    start, length, before = rules.center_window(side, crop)
    found = np.zeros(crop, dtype=np.uint8)
    found[before : before + length] = line[0, start : start + length, 0]
    np.testing.assert_array_equal(found, wanted)


# --- forms and refusals


@given(sides, sides, edges, edges)
def test_resized_takes_the_rule_of_its_form(height: int, width: int, a: int, b: int) -> None:
    forms = {
        rules.shortest_edge_capped(height, width, a, b): {"shortest_edge": a, "longest_edge": b},
        rules.shortest_edge(height, width, a): {"shortest_edge": a},
        rules.fit_within(height, width, a, b): {"max_height": a, "max_width": b},
        (a, b): {"height": a, "width": b},
    }
    for wanted, size in forms.items():
        assert rules.resized_size(height, width, size) == wanted


@given(sides, sides, edges)
def test_the_short_side_is_the_edge_and_the_long_side_no_shorter(height: int, width: int, edge: int) -> None:
    new_height, new_width = rules.shortest_edge(height, width, edge)
    assert min(new_height, new_width) == edge
    assume(height != width)
    assert (new_height <= new_width) == (height < width) or new_height == new_width


@pytest.mark.parametrize("size", [{"longest_edge": 5}, {"min_pixels": 1, "max_pixels": 2}, {}, {"height": 4}])
def test_sizes_without_a_meaning_are_refused(size: dict[str, int]) -> None:
    with pytest.raises(ConfigError, match=r"expected {height, width}"):
        rules.resized_size(3, 4, size)
