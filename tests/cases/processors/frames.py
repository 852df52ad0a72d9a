"""The cases of classes that take lists of frames."""

from __future__ import annotations

from collections.abc import Mapping

from cases.processors.case import ProcessorCase
from cases.processors.plain.llava import NULLS, taken_for_channels

ROOM = {"size": {"longest_edge": 50}, "do_center_crop": False, "pad_size": {"height": 90, "width": 131}}

CASES: Mapping[str, ProcessorCase] = {
    "TvpImageProcessor": ProcessorCase(
        extra={
            "longest_edge": {"size": {"longest_edge": 70}, "crop_size": 61, "pad_size": 100},
            "longest_edge, not padded": {"size": {"longest_edge": 70}, "crop_size": 61, "do_pad": False},
            "channels not flipped": {**ROOM, "do_flip_channel_order": False},
            "constant_values": {**ROOM, "constant_values": -1.5},
            "constant_values, bytes": {**ROOM, "constant_values": 7, "do_rescale": False, "do_normalize": False},
            "constant_values, a list": {**ROOM, "constant_values": [1.0, 2.0]},
            "pad_mode reflect": {**ROOM, "pad_mode": "reflect"},
            "pad_mode replicate": {**ROOM, "pad_mode": "replicate"},
            "pad_mode symmetric": {**ROOM, "pad_mode": "symmetric"},
            "pad_mode unknown": {**ROOM, "pad_mode": "edge"},
            "pad_mode null": {**ROOM, "pad_mode": None},
            "pad_size null": {**ROOM, "pad_size": None},
        },
    ),
    "VideoMAEImageProcessor": ProcessorCase(),
    "VivitImageProcessor": ProcessorCase(
        extra={
            **NULLS,
            "offset off": {"offset": False, "rescale_factor": 1 / 255, "size": {"shortest_edge": 61}, "crop_size": 45},
            "offset off, do_rescale off": {"offset": False, "do_rescale": False, "size": {"shortest_edge": 61}, "crop_size": 45},
            "offset null": {"offset": None, "size": {"shortest_edge": 61}, "crop_size": 45},
            "offset, not normalized": {"do_normalize": False, "size": {"shortest_edge": 61}, "crop_size": 45},
        },
        skip=taken_for_channels,
    ),
}
