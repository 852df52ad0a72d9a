"""What passes are built from: chains, uses, replacing a chain."""

from __future__ import annotations

from dataclasses import replace

import pytest

from graphproc.ir.program import Output, Parity, Program, ProgramBuilder, image_input, verify
from graphproc.ops import CenterCrop, Pad, Rescale, Resize, ToChannelsFirst
from graphproc.passes.base import Pass, chain, replace_chain, uses


@pytest.fixture
def program() -> Program:
    b = ProgramBuilder("Example", Parity("itself"))
    x = b.add(ToChannelsFirst(), image_input(b))
    x = b.add(Resize(9, 8, "box"), x)
    x = b.add(CenterCrop(4, 4), x)
    b.output("y", b.add(Rescale(0.5), x))
    return b.finish()


def test_uses_count_steps_and_outputs(program: Program) -> None:
    assert [uses(program, name) for name in ("image", "resize", "rescale", "nothing")] == [1, 1, 1, 0]
    outputs = (*program.outputs, Output("early", "resize"))
    assert uses(replace(program, outputs=outputs), "resize") == 2


def test_chain(program: Program) -> None:
    assert chain(program, 1, Resize, CenterCrop) == [Resize(9, 8, "box"), CenterCrop(4, 4)]
    assert chain(program, 0, Resize) is None
    assert chain(program, 1, Resize, Rescale) is None
    assert chain(program, 3, Rescale, Rescale) is None


def test_chain_stops_at_a_value_that_is_read_twice(program: Program) -> None:
    outputs = (*program.outputs, Output("early", "resize"))
    assert chain(replace(program, outputs=outputs), 1, Resize, CenterCrop) is None


def test_chain_needs_each_step_to_read_the_one_before(program: Program) -> None:
    crop = replace(program.steps[2], inputs=("to_channels_first",))
    other = replace(program, steps=(*program.steps[:2], crop, *program.steps[3:]))
    assert chain(other, 1, Resize, CenterCrop) is None


def test_replace_chain_names_new_values_and_reconnects_readers(program: Program) -> None:
    after = verify(replace_chain(program, 1, 2, [CenterCrop(4, 5), CenterCrop(4, 4)]))
    assert [(s.output.name, s.inputs) for s in after.steps[1:]] == [
        ("center_crop", ("to_channels_first",)),
        ("center_crop_2", ("center_crop",)),
        ("rescale", ("center_crop_2",)),
    ]


def test_replace_chain_avoids_taken_names(program: Program) -> None:
    after = verify(replace_chain(program, 1, 1, [CenterCrop(9, 8)]))
    assert [s.output.name for s in after.steps] == ["to_channels_first", "center_crop_2", "center_crop", "rescale"]


def test_replace_chain_by_nothing(program: Program) -> None:
    after = replace_chain(program, 2, 1, [])
    assert after.steps[2].inputs == ("resize",)


def test_replace_chain_redirects_outputs(program: Program) -> None:
    after = verify(replace_chain(program, 3, 1, [Pad(0, 0, 6, 6)]))
    assert after.outputs == (Output("y", "pad"),)


def test_a_pass_without_a_rule_says_so(program: Program) -> None:
    with pytest.raises(NotImplementedError):
        Pass().run(program)
