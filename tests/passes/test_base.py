"""What all passes share: what matches, what takes its place, and what is said of the rest."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest

from graphproc.errors import ProgramError
from graphproc.ir.op import Op
from graphproc.ir.parse import parse
from graphproc.ir.program import Output, Program
from graphproc.ir.verify import verify
from graphproc.ops import ByteMap, CenterCrop, Rescale, Resize, SelectChannels
from graphproc.passes import pipeline
from graphproc.passes.base import Declined, Many, Match, Pass, Rewritten
from graphproc.passes.pipeline import optimize

RESIZE, CROP = Resize(9, 8, "box"), CenterCrop(4, 4)


def made(first: Any, then: Any = None, ops: Sequence[Op] | Declined = (), alone: bool = True) -> Pass:
    """Return a pass that returns the same for every match."""

    class Made(Pass):
        name = "made"
        matches = (first,) if then is None else (first, then)

        def rewrite(self, match: Match) -> Sequence[Op] | Declined:
            return ops

    Made.alone = alone
    return Made()


@pytest.fixture
def program() -> Program:
    return parse("""
program Example
  input image: u8[height, width, 3] HWC
  to_channels_first = to_channels_first(image)
  resize = resize<height=9, width=8, filter="box">(to_channels_first)
  center_crop = center_crop<height=4, width=4>(resize)
  rescale = rescale<factor=0.5>(center_crop)
  output y = rescale
""")


def read_twice(program: Program, name: str) -> Program:
    return replace(program, outputs=(*program.outputs, Output("early", name)))


def wiring(program: Program) -> list[str]:
    return [f"{step.output.name} = {step.op.name}({', '.join(step.inputs)})" for step in program.steps]


def test_new_values_are_named_after_their_ops_and_readers_reconnected(program: Program) -> None:
    new = CenterCrop(4, 5), CROP
    done = made(Resize, CenterCrop, new).run(program)
    assert wiring(verify(done.program))[1:] == [
        "center_crop = center_crop(to_channels_first)",
        "center_crop_2 = center_crop(center_crop)",
        "rescale = rescale(center_crop_2)",
    ]
    assert done.changes == (((RESIZE, CROP), new),)


def test_names_of_other_values_are_not_taken(program: Program) -> None:
    after = verify(made(Resize, None, [CenterCrop(9, 8)]).run(program).program)
    assert wiring(after)[1:3] == ["center_crop_2 = center_crop(to_channels_first)", "center_crop = center_crop(center_crop_2)"]


def test_outputs_are_reconnected(program: Program) -> None:
    after = verify(made(Rescale, None, [ByteMap((("mul", (0.5,)),))]).run(program).program)
    assert after.outputs == (Output("y", "byte_map"),)


def test_nothing_takes_the_place_of_steps() -> None:
    steps = "y = select_channels<order=[0, 1, 2]>(x)\nz = concat<axis=-1>(y, y)\noutput z = z"
    program = parse(f"program P\ninput x: u8[3, h, w] CHW\n{steps}")
    after = verify(made(SelectChannels, None, []).run(program).program)
    assert wiring(after) == ["z = concat(x, x)"]


def test_a_result_that_others_read_is_left_alone(program: Program) -> None:
    program = read_twice(program, "resize")
    done = made(Resize, CenterCrop, []).run(program)
    assert done.program == program
    assert done.declined == (("resize, center_crop", "others read resize as well"),)


def test_a_result_that_others_read_stays_where_the_pass_allows_that(program: Program) -> None:
    after = verify(made(Resize, CenterCrop, [CROP], alone=False).run(read_twice(program, "resize")).program)
    assert wiring(after)[1:3] == ["resize = resize(to_channels_first)", "center_crop = center_crop(to_channels_first)"]


def test_steps_that_lie_apart_do_not_match_unless_the_pass_allows_that(program: Program) -> None:
    first, resize, crop, rescale = program.steps
    other = replace(first, output=replace(first.output, name="other"))
    program = verify(read_twice(replace(program, steps=(first, resize, other, crop, rescale)), "other"))
    done = made(Resize, CenterCrop, [CROP]).run(program)
    assert (done.program, done.declined) == (program, ())
    assert made(Resize, CenterCrop, [CROP], alone=False).run(program).changes


def test_the_reason_is_kept(program: Program) -> None:
    done = made(Resize, CenterCrop, Declined("too wide")).run(program)
    assert (done.program, done.changes, done.declined) == (program, (), (("resize, center_crop", "too wide"),))


@pytest.mark.parametrize(
    ("name", "steps"), [("rescale", "resize, center_crop, rescale"), ("center_crop", "resize, center_crop"), ("resize", "resize")]
)
def test_many_goes_on_as_far_as_others_read_nothing(program: Program, name: str, steps: str) -> None:
    done = made(Resize, Many(CenterCrop | Rescale), Declined("so")).run(read_twice(program, name))
    assert done.declined == ((steps, "so"),)


def test_rewrites_without_an_end_are_an_error(program: Program) -> None:
    with pytest.raises(ProgramError, match="without end"):
        made(CenterCrop, None, [CROP, CenterCrop(4, 4)]).run(program)


def test_a_pass_without_a_rule_says_so(program: Program) -> None:
    class Nothing(Pass):
        name, matches = "nothing", (Resize,)

    with pytest.raises(NotImplementedError):
        Nothing().run(program)


@pytest.mark.parametrize(
    ("ops", "message"),
    [
        ([Resize(5, 5, "none")], "resize: the filter 'none'"),
        ([CenterCrop(4, 5)], r"resize, center_crop gives u8\[3, 4, 4\] CHW, but what takes its place u8\[3, 4, 5\] CHW"),
        ([], "resize, center_crop gives u8"),
    ],
    ids=["an op that refuses", "another type", "nothing, of another type"],
)
def test_a_pass_that_breaks_a_program_is_named(
    program: Program, ops: list[Op], message: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pipeline, "PASSES", (*pipeline.PASSES[:1], made(Resize, CenterCrop, ops)))
    with pytest.raises(ProgramError, match=f"pass made: .*{message}"):
        optimize(program)


def test_what_a_pass_made_is_verified(program: Program, monkeypatch: pytest.MonkeyPatch) -> None:
    class Unwired(Pass):
        name, matches = "unwired", (Resize,)

        def run(self, program: Program) -> Rewritten:
            outputs = (Output("y", "nowhere"),)
            return Rewritten(self, replace(program, outputs=outputs), (((RESIZE,), (RESIZE,)),), ())

    monkeypatch.setattr(pipeline, "PASSES", (Unwired(),))
    with pytest.raises(ProgramError, match=r"pass unwired: .*names no value"):
        optimize(program)
