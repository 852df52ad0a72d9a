"""Settings: what values each kind of check takes, when, and that every setting of every class is declared and explained."""

from __future__ import annotations

import pickle
from typing import Any

import pytest
import tiers

from graphproc.configs.settings import STANDARD, Above, OneOf, Pair, Setting, Whole, changed, declared
from graphproc.errors import ConfigError
from graphproc.processors.registry import specs


@pytest.mark.parametrize(
    ("check", "good", "of_no_kind", "out_of_range", "expected"),
    [
        (Whole(), -3, "7", None, "a whole number"),
        (Whole(1), 7, 7.0, 0, "a whole number of at least 1"),
        (Whole(0), 0, True, -1, "a whole number of at least 0"),
        (Above(0), 0.5, "1", 0, "a number above 0"),
        (Above(0, 2), 1, None, 2, "a number above 0 and below 2"),
        (Pair(1), (2, 3), (2,), (0, 3), "two whole numbers of at least 1"),
    ],
)
def test_a_kind_is_checked_at_once_and_a_range_where_it_is_used(
    check: Any, good: Any, of_no_kind: Any, out_of_range: Any, expected: str
) -> None:
    assert check.used("key", check("key", good)) == good
    with pytest.raises(ConfigError, match=f"key: expected {expected}, got "):
        check("key", of_no_kind)
    if out_of_range is not None:
        with pytest.raises(ConfigError, match=f"key: expected {expected}, got "):
            check.used("key", check("key", out_of_range))


def test_a_choice_is_one_of_the_choices() -> None:
    check = OneOf(("max", "min", "resize_long"))
    assert check("limit_type", "min") == "min"
    with pytest.raises(ConfigError, match="limit_type: expected one of max, min, resize_long, got 'most'"):
        check("limit_type", "most")
    assert OneOf((490, 980)).expected == "490 or 980"
    with pytest.raises(ConfigError, match="got True"):
        OneOf((1, 2))("key", True)


def test_a_setting_keeps_its_check_and_meaning_with_another_default() -> None:
    tiles = Setting(1, Whole(1), "The fewest tiles.")
    assert tiles.of(4) == Setting(4, Whole(1), "The fewest tiles.")
    assert changed({"do_pad": True, "min_patches": tiles}, min_patches=2) == {"do_pad": True, "min_patches": tiles.of(2)}


def test_a_setting_that_is_declared_nowhere_is_refused() -> None:
    with pytest.raises(TypeError, match=r"colour is no standard setting\. Declare it: Setting\(default, check, meaning\)"):
        declared({"colour": (1, 2, 3)})


@tiers.each("name", specs())
def test_every_setting_is_explained_in_a_sentence_and_has_a_default_that_it_takes(name: str) -> None:
    for key, setting in specs()[name].declared.items():
        assert setting.meaning[0].isupper() or setting.meaning[0] in '"`'
        assert setting.meaning.endswith("."), key
        assert len(setting.meaning) <= 100, key
        if setting.default is not None and callable(setting.check):
            setting.check(key, setting.default)
    assert list(specs()[name].declared)[: len(STANDARD)] == list(STANDARD)


def test_settings_can_be_pickled() -> None:
    for spec in specs().values():
        assert pickle.loads(pickle.dumps(dict(spec.declared))) == spec.declared
