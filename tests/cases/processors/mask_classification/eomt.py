"""The cases of EoMT; windows are tried at sides that are and are not multiples of their length."""

from __future__ import annotations

from collections.abc import Mapping

from cases.processors.case import ProcessorCase

SPLIT = {"do_split_image": True, "size": {"shortest_edge": 45, "longest_edge": None}}
CASES: Mapping[str, ProcessorCase] = {
    "EomtImageProcessor": ProcessorCase(
        extra={
            "split": SPLIT,
            "split and pad": {**SPLIT, "do_pad": True},
            "split without a resize": {**SPLIT, "do_resize": False},
            "split without a resize, pad": {**SPLIT, "do_resize": False, "do_pad": True},
            "split up to the longest edge": {"do_split_image": True, "size": {"shortest_edge": 40, "longest_edge": 95}},
            "split and pad to both edges": {**SPLIT, "do_pad": True, "size": {"shortest_edge": 40, "longest_edge": 95}},
            "split by default": {"do_split_image": True},
            "split, height and width": {"do_split_image": True, "size": {"height": 40, "width": 50}},
            "pad": {"do_pad": True, "size": {"shortest_edge": 70, "longest_edge": 70}},
            "pad, larger sides stay": {"do_pad": True, "size": {"shortest_edge": 70, "longest_edge": 90}, "do_resize": False},
            "pad, height and width": {"do_pad": True, "size": {"height": 40, "width": 50}},
            "ignore_index (labels only)": {"ignore_index": 255, "size": {"shortest_edge": 61}},
        },
        images=(
            ((1, 1), "noise"),
            ((45, 90), "noise"),
            ((91, 45), "noise"),
            ((333, 500), "photograph"),
            ((260, 40), "photograph"),
            ((2, 90), "noise"),
        ),
    ),
}
