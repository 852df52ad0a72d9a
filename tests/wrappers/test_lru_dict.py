"""Dictionaries of bounded size: which entry goes."""

from __future__ import annotations

from graphproc.wrappers.lru_dict import LruDict


def test_the_least_recently_used_entry_is_dropped() -> None:
    recent: LruDict[str, int] = LruDict(2)
    recent["a"] = 1
    recent["b"] = 2
    assert recent.get("a") == 1
    recent["c"] = 3
    assert dict(recent) == {"a": 1, "c": 3}
    assert recent.get("b", 5) == 5
    recent["a"] = 7
    assert dict(recent) == {"a": 7, "c": 3}


def test_an_entry_is_made_once_and_again_when_it_was_dropped() -> None:
    recent: LruDict[str, list[int]] = LruDict(1)
    first = recent.get_or_make("a", lambda: [1])
    assert recent.get_or_make("a", lambda: [2]) is first
    assert recent.get_or_make("b", lambda: [3]) == [3]
    assert recent.get_or_make("a", lambda: [4]) == [4]
    assert dict(recent) == {"a": [4]}
