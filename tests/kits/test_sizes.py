"""The sizes of kits: each is taken, those named are refused, and every answer that a size can give is given."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import tiers
from cases.every_class import SMALL

from graphproc.errors import ProgramError
from graphproc.ir.program import Program, ProgramBuilder, image_input
from graphproc.kits.questions import questions
from graphproc.kits.sizes import LEAST, MOST, PHOTO, TALL, Sizes, candidates, choose
from graphproc.ops import ToChannelsFirst
from graphproc.ops.resample import Resample
from graphproc.processors.registry import specs
from graphproc.sizes import num


def programs(name: str, **settings: Any) -> list[Program]:
    spec = specs()[name]
    given = settings or ({"clusters": SMALL[name]["clusters"]} if name == "ImageGPTImageProcessor" else {})
    config = spec.config(given)
    return [spec.program(config, backend=backend, extra_inputs=list(spec.extra_inputs)) for backend in spec.backends]


def sides(sizes: Sizes) -> list[tuple[int, int]]:
    return [(size.height, size.width) for size in sizes.chosen]


def sizes_of(program: Program, size: tuple[int, int]) -> dict[str, int]:
    return {key: size[key.endswith("width")] if key.endswith(("height", "width")) else 2 for key in program.symbols}


@pytest.mark.parametrize("name", tiers.names(list(specs())))
def test_every_class(name: str) -> None:
    compiled = programs(name)
    sizes = choose(compiled)
    assert 1 < len(sizes.chosen) <= MOST + 1
    assert len(set(sides(sizes))) == len(sizes.chosen)
    assert sides(sizes)[-1] == PHOTO
    for program in compiled:
        for size in sides(sizes):
            program.check(sizes_of(program, size))
    for refused in sizes.refused:
        size = refused.height, refused.width
        failing = [place for place, program in enumerate(compiled) if _message(program, size) == refused.message]
        assert tuple(failing) == refused.programs, refused
    assert len(sizes.chosen) >= LEAST or sizes.refused
    if not sizes.left_out:
        assert _answers(compiled, np.array(sides(sizes))) == _answers(compiled, _taken(compiled, sizes))


def _message(program: Program, size: tuple[int, int]) -> str:
    try:
        program.check(sizes_of(program, size))
    except ProgramError as error:
        return str(error).partition(": ")[2].rpartition(" (image sizes")[0]
    return ""


def _answers(compiled: list[Program], sizes: Any) -> set[tuple[str, int]]:
    found = set()
    for program in compiled:
        values = {key: sizes[:, key.endswith("width") * 1] for key in program.symbols if key.endswith(("height", "width"))}
        found |= {(q.about, q.words, int(answer)) for q in questions(program, values) for answer in np.unique(q.answers)}
    return found


def _taken(compiled: list[Program], sizes: Sizes) -> Any:
    """Return a sample of the sizes that are taken, tried one by one."""
    picked = candidates()[:: tiers.tries(7, 41)]
    from graphproc.kits.sizes import _fitting, _held

    keep = np.ones(len(picked), bool)
    for program in compiled:
        values = {key: picked[:, key.endswith("width") * 1] for key in program.symbols if key.endswith(("height", "width"))}
        keep &= _fitting(program, values, len(picked))
        for held in _held(program, values, len(picked)).values():
            keep &= held
    return np.concatenate([picked[keep], np.array(sides(sizes))])


def test_clip_has_a_cut_side_and_the_order_of_axes() -> None:
    sizes = choose(programs("CLIPImageProcessor"))
    assert sides(sizes)[0] == (1, 1)
    assert any(int(224 * h / w) != round(224 * h / w) for h, w in sides(sizes) if h > w)
    assert TALL in sides(sizes)  # where Pillow takes rows first
    assert sizes.one_sided == ()
    assert any("which rounding would raise" in size.why for size in sizes.chosen)


def test_qwen_has_ties_and_the_edge_of_what_is_taken() -> None:
    sizes = choose(programs("Qwen2VLImageProcessor"))
    ties = {(side / 28) % 2 for size in sides(sizes) for side in size}
    assert {0.5, 1.5} <= ties
    assert (1, 200) in sides(sizes)
    assert [(size.height, size.width) for size in sizes.refused] == [(1, 201)]
    assert any("1003520" in words for words in sizes.one_sided)  # more than a million pixels: not tried
    smaller = choose(programs("Qwen2VLImageProcessor", size={"shortest_edge": 3136, "longest_edge": 4000}))
    assert not any("4000" in words for words in smaller.one_sided)


def test_no_step_is_much_larger_than_the_photographs() -> None:
    for name in ("CLIPImageProcessor", "DetrImageProcessor"):
        compiled = programs(name)
        for program in compiled:
            counts = {}
            for size in sides(choose(compiled)):
                bound = program.bind(**sizes_of(program, size))
                counts[size] = max(np.prod([float(str(side)) for side in step.output.type.shape]) for step in bound.steps)
            assert max(counts.values()) <= max(1 << 20, 2 * counts[PHOTO])


def test_few_sizes_leave_answers_out() -> None:
    sizes = choose(programs("Qwen2VLImageProcessor"), most=2)
    assert sizes.left_out > 0


def test_a_program_that_takes_no_small_image() -> None:
    b = ProgramBuilder("Large")
    x = image_input(b)
    b.require(x.type.size("H") >= 5000, "too small")
    b.output("pixel_values", b.add(ToChannelsFirst(), x))
    with pytest.raises(ProgramError, match="found none among small images"):
        choose([b.finish()])


def test_sizes_with_huge_steps_are_not_taken() -> None:
    """What only they decide is said to be on one side."""

    def growing(rows: int) -> list[tuple[int, int]]:
        b = ProgramBuilder("Growing")
        x = b.add(ToChannelsFirst(), image_input(b))
        height, width = x.type.size("H"), x.type.size("W")
        grows = num.both(height + width > 90, height + width < 500)
        b.output("pixel_values", b.add(Resample(num.where(grows, rows, 8), 8, "bilinear"), x))
        return sides(choose([b.finish()]))

    assert any(90 < h + w < 500 for h, w in growing(1000))
    assert not any(90 < h + w < 500 for h, w in growing(100_000))


def test_each_reason_for_a_refusal_has_a_size_of_its_own() -> None:
    b = ProgramBuilder("Strict")
    x = b.add(ToChannelsFirst(), image_input(b))
    height, width = x.type.size("H"), x.type.size("W")
    b.require(height >= 5, "too low")
    b.require(height + width >= 12, "too small")
    b.output("pixel_values", x)
    refused = choose([b.finish()]).refused
    assert [(size.height, size.width, size.message, size.programs) for size in refused] == [
        (1, 1, "too low", (0,)),
        (5, 1, "too small", (0,)),
    ]
