"""Rows of ops on channels and layouts."""

from __future__ import annotations

from functools import partial

import numpy as np
from cases.ops.case import Case
from oracles.ops import channels_first, on_checkerboard, pick_channels, pillow_on_white

from graphproc.ops import Blank, CompositeOnCheckerboard, CompositeOnWhite, SelectChannels, ToChannelsFirst

SELECT = tuple(
    Case(SelectChannels(order), shape, layout, partial(pick_channels, order=order), note)
    for order, shape, layout, note in (
        ((2, 1, 0), (3, 4, 5), "CHW", "reverse"),
        ((0, 0, 0), (1, 4, 5), "CHW", "gray to three"),
        ((1,), (3, 4, 5), "CHW", "one of three"),
        ((0, 1, 2), (4, 1, 1), "CHW", "drop the last"),
        ((2, 0, 1, 0), (2, 3, 4, 5), "NCHW", "repeat in tiles"),
    )
)

LAYOUT = tuple(
    Case(ToChannelsFirst(), shape, layout, channels_first, note, dtype=dtype)
    for shape, layout, dtype, note in (
        ((4, 5, 3), "HWC", "u8", "three channels"),
        ((4, 5, 1), "HWC", "u8", "one channel"),
        ((1, 1, 4), "HWC", "u8", "one pixel"),
        ((2, 4, 5, 3), "NHWC", "u8", "tiles"),
        ((4, 5, 2), "HWC", "f32", "float pixels"),
    )
)

BLANK = (
    Case(Blank(False), (3, 4, 5), "CHW", lambda x: x, "kept"),
    Case(Blank(True), (3, 4, 5), "CHW", np.zeros_like, "blanked"),
    Case(Blank(True), (3, 1, 1), "CHW", np.zeros_like, "one pixel of floats", dtype="f32"),
)

COMPOSITE = (
    Case(CompositeOnWhite(), (40, 33, 4), "HWC", pillow_on_white, "noise"),
    Case(CompositeOnWhite(), (1, 1, 4), "HWC", pillow_on_white, "one pixel"),
    Case(CompositeOnWhite(), (2, 7, 9, 4), "NHWC", pillow_on_white, "tiles"),
)

CHECKERBOARD = (
    Case(CompositeOnCheckerboard(), (40, 33, 4), "HWC", on_checkerboard, "noise"),
    Case(CompositeOnCheckerboard(), (1, 1, 4), "HWC", on_checkerboard, "one pixel"),
    Case(CompositeOnCheckerboard(), (2, 17, 9, 4), "NHWC", on_checkerboard, "tiles"),
)

CASES: tuple[Case, ...] = (*SELECT, *LAYOUT, *BLANK, *COMPOSITE, *CHECKERBOARD)
