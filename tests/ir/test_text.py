"""The text of programs: how it looks, that reading it gives the program again, and what is said of a wrong one."""

from __future__ import annotations

import math
import random
import re

import pytest
import tiers
from cases.every_class import FAMILIES, PIL, SMALL, VARIANTS, Variant
from hypothesis import assume, given
from hypothesis import strategies as st
from support.post_outputs import FIRSTS, METHODS, changed, from_model, label, options, processor

from graphproc.emitters.onnx.emit import EmitOptions, emit
from graphproc.errors import ProgramError
from graphproc.ir import tokens
from graphproc.ir.parse import parse
from graphproc.ir.parse_sizes import MOST_OPERATIONS
from graphproc.ir.program import OWN_PARITY, Program, ProgramBuilder, image_input
from graphproc.ops import Numbers
from graphproc.passes.pipeline import optimize
from graphproc.postprocessing.method import Method
from graphproc.processors.registry import specs
from graphproc.sizes import num
from graphproc.sizes.num import Num

TEXT = """\
program Example
  parity<compared_with="Pillow 13", bound=0.25, cause="sums in \\"another\\" order">
  input image: u8[height, width, 3] HWC
  size s0 = max(8, trunc(8 * height / width))
  require s0 <= 100: "too tall."
  to_channels_first = to_channels_first(image): u8[3, height, width] CHW
  size s1 = max(8, trunc(8 * width / height))
  resample = resample<height=s0, width=s1, filter="bicubic">(to_channels_first): u8[3, s0, s1] CHW
  center_crop = center_crop<height=8, width=8>(resample): u8[3, 8, 8] CHW
  rescale = rescale<factor=0.1>(center_crop): f32[3, 8, 8] CHW
  output pixel_values = rescale: pad<fill=0.5>, sample stack, delivery<kind="lists">
"""
SHORT = """
program Example  # what steps give is not written, nor is what the program follows

input image: u8[height, width, 3] HWC
x = to_channels_first(image)
require height < width: "too tall."

size half = height // 2
y = pad<axes=[-2, -1], before=[0, 0], lengths=[half + height, width]>(x)
output y = y
"""


# ---- there and back


def test_the_form() -> None:
    assert str(parse(TEXT)) == TEXT


def test_what_can_be_left_out() -> None:
    program = parse(SHORT)
    assert program.parity == OWN_PARITY
    assert [str(step.output.type) for step in program.steps] == [
        "u8[3, height, width] CHW",
        "u8[3, height // 2 + height, width] CHW",
    ]
    assert parse(str(program)) == program


def compiled(variant: Variant) -> list[Program]:
    """Return a class's programs of each backend, of its defaults and of small settings, before and after the passes."""
    spec = specs()[variant.name]
    made = [
        spec.program(spec.config(settings), backend=backend, extra_inputs=variant.inputs, several=variant.several)
        for backend in ([variant.backend] if variant.backend else spec.backends)
        for settings in ({}, SMALL.get(variant.name, {}))
        if settings or variant.name != "ImageGPTImageProcessor"
    ]
    return [program for one in made for program in (one, optimize(one))]


@tiers.each("variant", VARIANTS, (*FAMILIES, *PIL[:2]))
def test_every_class(variant: Variant) -> None:
    for program in compiled(variant):
        assert parse(str(program)) == program


@pytest.mark.parametrize("method", tiers.rows(METHODS, FIRSTS), ids=label)
def test_every_post_processing_method(method: Method) -> None:
    config = processor(method)._post_config()
    for change in changed(method):
        for fields in ((), from_model(method)):
            program = method.program(config, options(method, **change), fields=method.present(fields))
            assert parse(str(program)) == program


@pytest.mark.parametrize("variant", tiers.rows(FAMILIES, FAMILIES[:5]), ids=str)
def test_graphs_of_what_is_read_are_the_same(variant: Variant) -> None:
    """Bounds of sizes, which decide what is emitted, come back as well."""
    (program, *_) = compiled(variant)
    same = (emit(p, EmitOptions(input="image")).SerializeToString(deterministic=True) for p in (program, parse(str(program))))
    assert next(same) == next(same)


H, W = num.symbol("height"), num.symbol("width")
NUMBERS = st.one_of(st.integers(-9, 99), st.floats(-9, 9), st.just(H), st.just(W))


def grown(inner: st.SearchStrategy[Num]) -> st.SearchStrategy[Num]:
    """Return expressions made of others."""
    two = st.tuples(inner, inner)
    return st.one_of(
        two.map(lambda p: p[0] + p[1]),
        two.map(lambda p: p[0] - p[1]),
        two.map(lambda p: p[0] * p[1]),
        two.map(lambda p: p[0] / num.maximum(p[1], 1)),
        two.map(lambda p: p[0] // num.maximum(p[1], 1)),
        two.map(lambda p: p[0] % num.maximum(p[1], 1)),
        two.map(lambda p: num.minimum(*p)),
        two.map(lambda p: num.where(num.both(p[0] < p[1], num.negate(num.eq(p[0], 3))), *p)),
        inner.map(num.round_half_even),
        inner.map(lambda x: num.sqrt(num.maximum(num.to_float32(x), 0))),
        st.tuples(inner, inner).map(lambda p: num.smallest(p[0] * num.table([1, 2.5, 3]))),
    )


@given(st.recursive(NUMBERS, grown, max_leaves=12))
def test_any_size(size: Num) -> None:
    assume(all(abs(bound) < 2**62 or abs(bound) == math.inf for bound in (num.low(size), num.high(size))))
    b = ProgramBuilder("Example")
    image_input(b)
    b.output("y", b.add(Numbers((size,), "f64")))
    program = b.finish()
    (step,) = parse(str(program)).steps
    assert step == program.steps[0]
    (read,) = step.op.values  # type: ignore[attr-defined]
    assert (num.low(read), num.high(read)) == (num.low(size), num.high(size))


# ---- what is wrong is said


def wrong(line: str, text: str = TEXT, after: str = "  to_channels_first =") -> str:
    """Return the text with a line in front of another one."""
    at = text.index(after)
    return f"{text[:at]}{line}\n{text[at:]}"


@pytest.mark.parametrize(
    ("text", "line", "column", "message"),
    [
        ("", 1, 1, "expected 'program', found the end of the text"),
        ("# nothing\n", 2, 1, "expected 'program', found the end of the text"),
        ("program\n", 1, 8, "expected the program's name, found the end of the line"),
        ("program P stack\n", 1, 11, "expected the end of the line, found stack"),
        (TEXT.replace("HWC", "HWC;"), 3, 40, "expected a word, number, string or sign, found ';'"),
        (TEXT.replace("u8[h", "u7[h", 1), 3, 16, "expected a dtype of"),
        (TEXT.replace("HWC", "HWW"), 3, 16, "layout 'HWW' does not name the 3 axes once each"),
        (TEXT.replace("s0 <= 100", "s0"), 5, 11, "expected the condition bool or size, found Sym"),
        (TEXT.replace("max(8, trunc(8 * height", "max(8, trunc(8 * hight"), 4, 30, "found 'hight'. Nearest: height."),
        (TEXT.replace("max(8, trunc(8 * h", "mux(8, trunc(8 * h"), 4, 13, "of sizes, found 'mux'. Nearest: max."),
        (TEXT.replace("max(8, trunc(8 * h", "max(trunc(8 * h"), 4, 13, "max: expected 2 operands, found 1"),
        (wrong("  size s1 = 1 / 0"), 6, 15, "/: division by zero"),
        (TEXT.replace("resample<", "resampel<"), 8, 14, "expected an op, found 'resampel'. Nearest: resample."),
        (TEXT.replace("filter=", "kennel="), 8, 44, "resample: expected a field of filter, antialias, arithmetic"),
        (TEXT.replace('filter="bicubic"', "height=3"), 8, 44, "expected a field of filter, antialias"),
        (TEXT.replace(', filter="bicubic"', ""), 8, 14, "resample: expected a field 'filter', found height, width"),
        (TEXT.replace('"bicubic"', "bicubic"), 8, 51, "expected the name of a size, found 'bicubic'. Texts stand in quotes."),
        (TEXT.replace('"bicubic"', "3"), 8, 51, "expected resample: filter to be text in quotes, found 3"),
        (TEXT.replace('"bicubic"', '"cubic"'), 8, 14, "resample: pillow has the filters"),
        (TEXT.replace("(to_channels_first)", "(image)"), 8, 14, "resample: expected the last axes CHW"),
        (TEXT.replace("(resample)", "(resampled)"), 9, 48, "expected the name of a value, found 'resampled'. Nearest: resample."),
        (TEXT.replace("factor=0.1", 'factor="0.1"'), 10, 28, "expected rescale: factor to be float, found '0.1'"),
        (TEXT.replace("f32[3, 8, 8]", "f32[3, 8, 9]"), 10, 47, "expected f32[3, 8, 8] CHW, which rescale gives, found"),
        (TEXT.replace("rescale = ", "resample = "), 10, 3, "the value 'resample' is assigned twice"),
        (TEXT.replace("fill=", "feel="), 11, 38, "pad: expected a field of fill, unpadded, promotes, found 'feel'"),
        (TEXT.replace(": pad", ": pat"), 11, 34, "expected a join, found 'pat'. Nearest: pad."),
        (TEXT.replace('"lists"', '"list"'), 11, 77, "delivery: kind to be 'tensor' or 'lists' or 'separate'"),
        (TEXT.replace(", sample stack", ", stack"), 11, 49, "expected sample or delivery, found 'stack'"),
        (TEXT.replace("= rescale:", "= rescaled:"), 11, 25, "expected the name of a value, found 'rescaled'"),
        (TEXT.replace('"too tall."', "too tall."), 5, 22, "expected a message in quotes, found too"),
        (TEXT.replace('"too tall."', '"too \\x tall."'), 5, 22, "expected a message in quotes, with JSON's escapes"),
        (wrong("  size s0 = 3"), 6, 8, "the size 's0' is defined twice"),
        (wrong("  size s1 = 3 and height"), 6, 15, "and: expected a condition, found 3"),
        (wrong("  size s1 = (1 < 2) + 3"), 6, 21, "+: expected a number, found True"),
        (wrong("  size s1 = table(1, 2) + table(1, 2, 3)"), 6, 25, "expected tables of one length"),
        (wrong("  size s1 = sqrt(-2)"), 6, 13, "sqrt: math domain error"),
        (wrong("  size s1 = -height"), 6, 14, "expected a number, found height"),
        (wrong("  y = rearrange<pattern=\"c\", sizes=[[1, 2]]>(image)"), 6, 36, "expected rearrange: sizes to be [[text"),
        (wrong("  to_channels_first"), 6, 20, "expected '='"),
        (wrong("  3 = 4"), 6, 3, "expected a statement, found 3"),
        (wrong("  y = resize<height=2"), 6, 22, "expected ',', found the end of the line"),
        (wrong("  y = where(image)"), 6, 7, "where refuses its fields and operands"),
    ],
)  # fmt: skip
def test_an_error_says_where_and_what(text: str, line: int, column: int, message: str) -> None:
    with pytest.raises(ProgramError, match=re.escape(message)) as error:
        parse(text)
    assert f"line {line}, column {column}: " in str(error.value)


def test_what_the_verifier_refuses_is_refused() -> None:
    with pytest.raises(ProgramError, match="program Example: it has no output"):
        parse(TEXT[: TEXT.index("  output")])


# ---- texts of strangers


@pytest.mark.parametrize(
    "expression",
    [
        "(" * 60 + "1" + ")" * 60,
        "trunc(" * 5000 + "height" + ")" * 5000,
        "[" * 5000 + "]" * 5000,
        "height" + " + height" * (MOST_OPERATIONS + 1),
        "9" * 500,
        "9223372036854775807 + 1",
        "trunc(1e300)",
        "height * 9223372036854775807 * 2",
        "--1",
        "__import__(1)",
        "1 / 0",
        "0 % 0",
        "round(nan)",
        "trunc(inf)",
        "table()",
    ],
    ids=lambda text: text[:20],
)
def test_sizes_have_limits(expression: str) -> None:
    with pytest.raises(ProgramError, match="line 6, column "):
        parse(wrong(f"  size s9 = {expression}"))


def test_numbers_do_not_grow_through_names() -> None:
    lines = "\n".join(f"  size t{i + 1} = t{i} * t{i}" for i in range(90))
    with pytest.raises(ProgramError, match="expected sizes of 64 bits"):
        parse(wrong(f"  size t0 = 3 * height\n{lines}"))


def test_a_long_way_through_names_ends() -> None:
    lines = "\n".join(f"  size t{i + 1} = (t{i} + 1) % 7" for i in range(5000))
    with pytest.raises(ProgramError, match="more than 200 operations"):
        parse(wrong(f"  size t0 = height % 7\n{lines}"))


def test_a_text_may_not_be_too_long(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tokens, "MOST_CHARACTERS", 100)
    with pytest.raises(ProgramError, match="expected at most 100 characters"):
        parse(TEXT)


def test_what_an_error_says_is_short() -> None:
    with pytest.raises(ProgramError) as error:
        parse(SHORT.replace("output y", f"z = normalize<mean={[1] * 5000}, std=[1]>(y)\noutput y"))
    assert len(str(error.value)) < 600


@pytest.mark.slow
def test_long_texts_take_seconds() -> None:
    """Whatever is repeated: time grows as the text does."""
    for line in ("output o{} = y", "a{} = to_channels_first(image)", "size b{} = height + {}", 'require height < {}: "no"'):
        parse("\n".join([SHORT, *(line.replace("{}", str(i)) for i in range(4000))]))


def test_many_places_cost_nothing_to_read() -> None:
    body = 'body=[slice<axes=[-2, -1], starts=[index, 0], lengths=[2, 2]>], known=[["height", 9], ["width", 9]]'
    program = parse(
        SHORT.replace("output y = y", f"symbol index >= 0\nz = for_each<count=1000000000000, {body}>(y)\noutput y = z")
    )
    assert str(program.value("z").type) == "u8[1000000000000, 3, 2, 2] NCHW"


WORDS = [t.text for t in tokens.Reader(TEXT)._tokens if t.text] + [
    "[",
    "]",
    "(",
    "-",
    "inf",
    "None",
    "True",
    "3e9",
    "table",
    "and",
]


@pytest.mark.parametrize("seed", tiers.rows(range(20), range(3)))
def test_a_damaged_text_is_refused_or_another_program(seed: int) -> None:
    """Nothing but a ProgramError comes out, whatever words are lost, added or exchanged."""
    rng = random.Random(seed)
    for variant in rng.sample(FAMILIES, 3):
        text = str(compiled(variant)[0])
        found = [m.span() for m in re.finditer(r'"[^"]*"|[\w.]+|\S', text)]
        for _ in range(20):
            start, end = rng.choice(found)
            damaged = rng.choice((text[:start] + text[end:], text[:start] + rng.choice(WORDS) + text[rng.choice((start, end)) :]))
            try:
                program = parse(damaged)
            except ProgramError:
                continue
            assert parse(str(program)) == program
