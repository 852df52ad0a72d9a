"""Each pass: what it rewrites, where it declines and why, that results keep their bits, and that a second run changes nothing."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tiers
from cases.every_class import Variant, inputs_of, program, results_of
from hypothesis import example, given
from hypothesis import strategies as st
from support.graphs import assert_same, emit_unoptimized, images, ort
from support.strategies import factors, filters, plain_settings, small_sides, statistics

from graphproc.emitters.onnx.emit import EmitOptions
from graphproc.errors import ProgramError
from graphproc.executors import reference
from graphproc.ir.backends import BACKENDS
from graphproc.ir.parse import parse
from graphproc.ir.program import Program, ProgramBuilder, image_input
from graphproc.ir.verify import verify
from graphproc.ops import CenterCrop, Normalize, Rescale, Resize, ToChannelsFirst
from graphproc.passes.absorb_layout import AbsorbLayout
from graphproc.passes.base import Pass
from graphproc.passes.crop_into_resize import CropIntoResize
from graphproc.passes.fold_byte_map import FoldByteMap
from graphproc.passes.late_byte_map import LateByteMap
from graphproc.passes.pipeline import PASSES, optimize
from graphproc.processors.registry import specs
from graphproc.sizes import num, rules

H, W = num.symbol("height"), num.symbol("width")
RGB = "u8[height, width, 3] HWC"


def chain(ops: str, image: str = RGB) -> Program:
    """Return the program of ops such as `"to_channels_first; rescale<factor=0.5>*"`; a star marks a result that is read twice."""
    lines, x = ["program Example", f"input image: {image}"], "image"
    for number, op in enumerate(ops.split("; ")):
        lines.append(f"v{number} = {op.removesuffix('*')}({x})")
        x = f"v{number}"
        lines += [f"output early{number} = {x}"] * op.endswith("*")
    return parse("\n".join([*lines, f"output y = {x}"]))


def ops_of(program: Program) -> str:
    """Return the ops of a program, as `chain` takes them."""
    return "; ".join(re.findall(r"^  \w+ = (.*)\([\w, ]*\): ", str(program), re.MULTILINE))


def op_names(program: Program) -> list[str]:
    return [step.op.name for step in program.steps]


def assert_equivalent(before: Program, after: Program, *sizes: tuple[int, int]) -> None:
    """Assert the same bits on the numpy executor and in ONNX Runtime, with the rewritten steps emitted as they are."""
    verify(after)
    declared = before.inputs[0].type
    run = ort(emit_unoptimized(after, EmitOptions()))
    for height, width in sizes:
        x = images(1, *(num.evaluate(s, {"height": height, "width": width}) for s in declared.shape), dtype=declared.dtype)
        wanted = reference.run(before, {"image": x[0]})
        found = reference.run(after, {"image": x[0]})
        for key, value in wanted.items():
            assert_same(found[key], value, f"{key} of {height} x {width}")
            assert_same(run({"images": x})[key], value[None], f"{key} of {height} x {width}, ONNX Runtime")


# --- all passes


@pytest.mark.parametrize("step", PASSES, ids=lambda p: p.name)
def test_passes_declare_themselves(step: Pass) -> None:
    assert step.name == step.name.lower()
    assert type(step).__doc__


def test_names_are_unique() -> None:
    assert len({step.name for step in PASSES}) == len(PASSES)


UNCHANGED = ("InklingImageProcessor", "Inkling2ImageProcessor")
"""Classes without a step that a pass rewrites: their pixels are floats from the first one on."""


@pytest.mark.parametrize("color", ["rgb", "gray"])
@pytest.mark.parametrize("variant", tiers.classes(), ids=str)
def test_every_processor_keeps_its_results(variant: Variant, color: str) -> None:
    """With the extra inputs; how results join is as before."""
    before = program(variant, color)
    after = optimize(before)
    assert (op_names(after) == op_names(before)) == (variant.name in UNCHANGED)
    assert (after.inputs, after.preconditions) == (before.inputs, before.preconditions)
    assert after.data_dependent_sizes == before.data_dependent_sizes
    assert [replace(o, value="") for o in after.outputs] == [replace(o, value="") for o in before.outputs]
    verify(after)
    for size in ((37, 33), (32, 50)):  # some classes need 28 or 32 pixels
        inputs = inputs_of(before, images(1, *size, before.inputs[0].type.shape[-1]))
        for want, have in zip(results_of(before, inputs), results_of(after, inputs), strict=True):
            assert list(have) == list(want)
            for key, value in want.items():
                assert_same(have[key], value, f"{key} of {size}")


def plain_program(settings: dict[str, Any], color: str, backend: str) -> Program:
    """Return a program of the standard steps; the backend is `pil` for the filters that only Pillow has."""
    spec = specs()["CLIPImageProcessor"]
    return spec.program(spec.config(settings), color=color, backend="pil" if settings["resample"] > 3 else backend)


colors, backends = st.sampled_from(("rgb", "bgr", "rgba", "gray")), st.sampled_from(BACKENDS)


@given(plain_settings(), colors, backends, small_sides, small_sides)
@example({"size": {"height": 1, "width": 1}, "resample": 0}, "rgb", "pil", 1, 1)
@example({"size": {"height": 1, "width": 1}, "resample": 0}, "rgb", "torchvision", 1, 1)
def test_plain_settings_keep_their_results(settings: dict[str, Any], color: str, backend: str, height: int, width: int) -> None:
    program = plain_program(settings, color, backend)
    after = optimize(program)
    try:
        program.bind(height=height, width=width)
    except ProgramError:
        with pytest.raises(ProgramError):
            after.bind(height=height, width=width)
        return
    assert_equivalent(program, after, (height, width))


@given(plain_settings(), colors, backends)
def test_each_pass_is_idempotent(settings: dict[str, Any], color: str, backend: str) -> None:
    program = plain_program(settings, color, backend)
    for step in PASSES:
        program = step.run(program).program
        assert step.run(program).program == program, step.name
    assert optimize(program) == program


@pytest.mark.parametrize("step", PASSES, ids=lambda p: p.name)
def test_a_program_is_not_changed_in_place(step: Pass) -> None:
    program = chain(
        f"to_channels_first; select_channels<order=[2, 1, 0]>; {BOX % ''}; center_crop<height=4, width=4>; rescale<factor=0.5>"
    )
    text = str(program)
    step.run(program)
    assert str(program) == text


# --- text in, text out: the files beside this one


@dataclass(frozen=True)
class Example:
    """A few lines of `<pass>.txt`.

    Attributes:
        step: the pass.
        title: what the lines show.
        image: the type of the image.
        before, after: ops, as `chain` takes them.
        left: the reasons for what is left as it is.
    """

    step: Pass
    title: str
    image: str
    before: str
    after: str
    left: tuple[str, ...]

    def __str__(self) -> str:
        return f"{self.step.name}: {self.title}"


def examples() -> Iterator[Example]:
    """Yield the examples of every pass."""
    for step in PASSES:
        path = Path(__file__).parent / f"{step.name}.txt"
        for block in path.read_text(encoding="utf-8").split("\n\n") if path.exists() else ():
            title, *lines = block.strip().splitlines()
            given = [line.partition(": ") for line in lines if not line.startswith("  ")]
            end = next(i for i, line in enumerate(lines) if line in ("becomes", "stays"))
            before, after = (
                "; ".join(line.strip() for line in part if line.startswith("  ")) for part in (lines[:end], lines[end:])
            )
            image = next((value for key, _, value in given if key == "image"), RGB)
            left = tuple(value for key, _, value in given if key == "left")
            yield Example(step, title.removeprefix("# "), image, before, after if lines[end] == "becomes" else before, left)


EXAMPLES = tuple(examples())


def test_every_pass_has_examples() -> None:
    assert {shown.step.name for shown in EXAMPLES} == {step.name for step in PASSES}, "write tests/passes/<name>.txt"


@pytest.mark.parametrize("shown", EXAMPLES, ids=str)
def test_examples(shown: Example) -> None:
    before = chain(shown.before, shown.image)
    done = shown.step.run(before)
    assert ops_of(done.program) == shown.after.replace("*", "")
    assert tuple(reason for _, reason in done.declined) == shown.left
    assert shown.step.run(done.program).program == done.program
    if shown.before == shown.after:
        assert (done.program, done.changes) == (before, ())
    else:
        assert_equivalent(before, done.program, (12, 18), (4, 6))


@pytest.mark.parametrize("table", [False, True], ids=["stats", "table"])
@pytest.mark.parametrize("times", [2, 3])
def test_repeated_channels_are_mapped_once(times: int, table: bool) -> None:
    forms = f'["table", {[b / 7 for b in range(256)]}]' if table else '["div", [255.0]], ["sub", [0.1, 0.2, 0.3]]'
    patches = f'"c (h p) (w q) -> (h w) (c t p q)", sizes=[["p", 2], ["q", 3], ["t", {times}]], layout="PF"'
    before = chain(f"to_channels_first; byte_map<operations=[{forms}]>; rearrange<pattern={patches}>")
    after = LateByteMap().run(before).program
    assert op_names(after) == ["to_channels_first", "rearrange_mapped"]
    nodes = Counter(node.op_type for node in emit_unoptimized(after, EmitOptions()).graph.node)
    assert (nodes["Slice"], nodes["Gather"], nodes["Sub"]) == (3, 3 * table, 3 * (not table))
    assert LateByteMap().run(after).program == after
    assert_equivalent(before, after, (12, 18), (4, 6))


# --- several readers of one image


def several(*ops: str) -> Program:
    """Return the image, channels first, read by each op."""
    reads = "\n".join(f"r{i} = {op}(x)\noutput y{i} = r{i}" for i, op in enumerate(ops))
    return parse(f"program Example\ninput image: u8[height, width, 3] HWC\nx = to_channels_first(image)\n{reads}")


BOX = 'resize<height=9, width=7, filter="box"%s>'
LAYOUT = ', layout="HWC"'


def test_layout_goes_into_all_resizes_that_read_it() -> None:
    given = several(BOX % "", BOX.replace("9", "3") % "")
    after = AbsorbLayout().run(given).program
    assert ops_of(after) == f"{BOX % LAYOUT}; {BOX.replace('9', '3') % LAYOUT}"
    assert_equivalent(given, after, (11, 8), (9, 7))


def test_a_resize_that_may_keep_the_image_reads_it_channels_first() -> None:
    """A second run must not take it for the only reader."""
    keeps = 'resize<height=height, width=max(width, 8), filter="box">'
    given = several(BOX % "", keeps)
    after = AbsorbLayout().run(given).program
    assert [getattr(step.op, "layout", "") for step in after.steps] == ["", "HWC", "CHW"]
    assert AbsorbLayout().run(after).program == after
    assert_equivalent(given, after, (11, 8), (9, 7))
    given = several('resize<height=9, width=height, filter="box">', 'resize<height=width, width=7, filter="box">')
    assert AbsorbLayout().run(given).program == given


# --- sizes that are not known


def test_no_pad_where_the_crop_cannot_be_larger() -> None:
    """The bounds of a shortest-edge rule say that both sides are at least the edge."""
    given = chain(
        "to_channels_first; resize<height=max(16, trunc(16 * height / width)), width=max(16, trunc(16 * width / height)), "
        'filter="bicubic">; center_crop<height=16, width=16>'
    )
    after = CropIntoResize().run(given).program
    assert op_names(after) == ["to_channels_first", "resize"]
    assert_equivalent(given, after, (11, 8), (8, 60), (50, 50))


@pytest.mark.slow
@given(st.tuples(small_sides, small_sides), small_sides, st.tuples(small_sides, small_sides), filters)
def test_any_crop_of_any_shortest_edge(size: tuple[int, int], edge: int, crop: tuple[int, int], filter: str) -> None:
    b = ProgramBuilder("Example")
    x = b.add(Resize(*rules.shortest_edge(H, W, edge), filter), b.add(ToChannelsFirst(), image_input(b)))
    b.output("y", b.add(CenterCrop(*crop), x))
    given = b.finish()
    assert_equivalent(given, CropIntoResize().run(given).program, size)


@given(factors, statistics)
def test_any_rescale_and_normalize_in_a_graph(factor: float, values: tuple[tuple[float, ...], tuple[float, ...]]) -> None:
    b = ProgramBuilder("Example")
    x = b.add(Rescale(factor), b.add(ToChannelsFirst(), image_input(b)))
    b.output("y", b.add(Normalize(*values), x))
    given = b.finish()
    after = FoldByteMap().run(given).program
    x = np.broadcast_to(np.arange(256, dtype=np.uint8)[None, :, None], (1, 256, 3))
    wanted = reference.run(given, {"image": x})["y"]
    assert_same(reference.run(after, {"image": x})["y"], wanted)
    assert_same(ort(emit_unoptimized(after, EmitOptions()))({"images": x[None]})["y"][0], wanted)
