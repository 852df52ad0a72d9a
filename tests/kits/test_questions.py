"""What is asked of sizes, and what the answers are called."""

from __future__ import annotations

import numpy as np

from graphproc.ir.program import Program, ProgramBuilder, image_input
from graphproc.kits.questions import named, questions
from graphproc.ops import CenterCrop, ToChannelsFirst
from graphproc.ops.resample import Resample
from graphproc.sizes import num


def resized(height: num.Num, width: num.Num, **settings: object) -> Program:
    b = ProgramBuilder("Resized")
    x = b.add(ToChannelsFirst(), image_input(b))
    b.output("pixel_values", b.add(Resample(height, width, "bilinear", **settings), x))  # type: ignore[arg-type]
    return b.finish()


def said(program: Program, *sizes: tuple[int, int]) -> list[set[str]]:
    """Return what all answers are at each size."""
    values = {"height": np.array([h for h, _ in sizes]), "width": np.array([w for _, w in sizes])}
    asked = questions(program, values)
    return [{question.say(place) for question in asked} for place in range(len(sizes))]


def test_roundings_and_ties() -> None:
    h, w = num.symbol("height"), num.symbol("width")
    program = resized(num.maximum(1, num.round_half_even(h / 2)), num.maximum(1, num.trunc(w / 4)))
    one, two, three = said(program, (3, 4), (5, 7), (4, 5))
    assert "`round(height / 2)` rounds the tie 1.5 up to even" in one
    assert "`round(height / 2)` rounds the tie 2.5 down to even" in two
    assert "`round(height / 2)` is of a whole number" in three
    assert "`trunc(width / 4)` is of a whole number" in one
    assert "`trunc(width / 4)` cuts 1.75, which rounding would raise" in two
    assert "`trunc(width / 4)` cuts 1.25" in three
    assert "`1` equals `trunc(width / 4)`" in one


def test_ceilings_divisions_and_conditions() -> None:
    h, w = num.symbol("height"), num.symbol("width")
    program = resized(num.ceil(h / 4), num.where(num.both(h < w, w < 9), w // 2 + 1, 7))
    one, two = said(program, (4, 6), (5, 13))
    assert "`ceil(height / 4)` is of a whole number" in one
    assert "`ceil(height / 4)` raises 1.25, which rounding would cut" in two
    assert "`height < width and width < 9` is true" in one
    assert "`height < width and width < 9` is false" in two
    assert "`width` is a multiple of `2`" in one
    assert "`width` is no multiple of `2`" in two
    assert "`width` is more than `9`" in two


def test_choices_and_their_ties() -> None:
    h = num.symbol("height")
    best = num.argmin(num.table([4, 8]) * 1.0 - h)
    program = resized(num.take(num.table([4, 8]), best), 5)
    (one,) = said(program, (3, 3))
    assert any(answer.endswith(" is 0") for answer in one)
    ties = num.argmin(num.maximum(num.table([4, 8]) - h, 0))
    first, second = said(resized(num.take(num.table([4, 8]), ties), 5), (9, 9), (5, 5))
    assert any("equally good" in answer for answer in first)
    assert any("is the best" in answer for answer in second)


def test_sides_and_the_order_of_axes() -> None:
    small, tall = said(resized(20, 20), (10, 20), (300, 21))
    assert {"`resample` makes more rows", "`resample` keeps the columns"} <= small
    assert "`resample` resamples columns before rows" in small
    assert "`resample` resamples rows before columns" in tall
    torch = said(resized(20, 20, arithmetic="torch_bytes"), (300, 21))
    assert not any("before" in answer for answer in torch[0])


def test_crops_with_an_odd_rest() -> None:
    b = ProgramBuilder("Cropped")
    x = b.add(ToChannelsFirst(), image_input(b))
    b.output("pixel_values", b.add(CenterCrop(8, 8), x))
    one, two = said(b.finish(), (9, 8), (6, 5))
    assert {"`center_crop` makes an odd number fewer rows", "`center_crop` keeps the columns"} <= one
    assert {"`center_crop` makes more rows", "`center_crop` makes an odd number more columns"} <= two


def test_long_expressions_have_names() -> None:
    x = num.symbol("height")
    long: num.Num = x
    for _ in range(30):
        long = num.trunc(long / 3) + long  # written out, it has a billion parts
    assert isinstance(long, num.Sym)
    assert named(long + 1, {long: "s9", long + 1: "s10"}) == "s9 + 1"
    assert named(x + 1, {x + 1: "s1"}) == "height + 1"
