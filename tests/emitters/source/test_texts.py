"""The texts of size functions: names, messages and comments that mean something in a language; what is refused."""

from __future__ import annotations

import ast
import json
import subprocess
from collections.abc import Callable, Mapping
from pathlib import Path

import onnx
import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.languages import ABOUT, RUN, STRICT, compiled, needs
from support.strategies import SYMBOLS, expressions, sides, table_expressions

from graphproc.emitters.source import c, go, javascript, python, rust
from graphproc.emitters.source.assignments import EXACTNESS, elements
from graphproc.emitters.source.registry import LANGUAGES, write
from graphproc.errors import EmitError
from graphproc.sizes import num
from graphproc.sizes.function import SizeFunction

H, W = num.symbol("height"), num.symbol("width")
SMALL = SizeFunction("small", ("height", "width"), {"shape": (1, H * W), "ratio": H / W}, ((H < 9 * W, "too tall"),))
WORDS = ("int", "double", "class", "func", "fn", "type", "return", "let", "i", "in", "math", "sizes", "message", "errors", "None")
"""Names of arguments that mean something in a language."""


def test_every_language_is_tested() -> None:
    assert set(RUN) == set(LANGUAGES)


@pytest.mark.parametrize("language", LANGUAGES)
def test_files(language: str) -> None:
    made = write(SMALL, language, ["What it is."])
    assert made == write(SMALL, language, ["What it is."])
    assert b"What it is." in made
    assert (EXACTNESS.encode() in made) == (language != "python")
    assert b"too tall" in made


def test_an_unknown_language_is_refused() -> None:
    with pytest.raises(EmitError, match="expected one of json, onnx, c, javascript, go, rust, python, got 'java'"):
        write(SMALL, "java", [])


def test_float_division_with_remainder_has_no_graph() -> None:
    function = SizeFunction("f", ("height",), {"value": num.as_float(H) // 0.1})
    with pytest.raises(EmitError, match="has no ONNX form"):
        write(function, "onnx", [])


def test_onnx_declares_scalars_and_vectors() -> None:
    graph = onnx.load_model_from_string(write(SMALL, "onnx", []))
    onnx.checker.check_model(graph, full_check=True)
    types = {v.name: (v.type.tensor_type.elem_type, len(v.type.tensor_type.shape.dim)) for v in graph.graph.output}
    assert types == {"shape": (onnx.TensorProto.INT64, 1), "ratio": (onnx.TensorProto.DOUBLE, 0)}
    assert [len(v.type.tensor_type.shape.dim) for v in graph.graph.input] == [0, 0]


def test_python_is_compiled_and_takes_whole_numbers_of_any_length() -> None:
    function = compiled(SMALL)
    assert function(2, 4) == {"shape": (1, 8), "ratio": 0.5}
    assert function(10**30, 10**30)["shape"] == (1, 10**60)
    with pytest.raises(ValueError, match="too tall"):
        function(10, 1)
    with pytest.raises(ValueError, match="height: expected a whole number from 1"):
        function(0, 1)
    with pytest.raises(TypeError):
        function(1.5, 1)


@given(st.lists(expressions(6), min_size=1, max_size=2), sides, sides)
def test_python_evaluates_numbers(results: list[num.Num], height: int, width: int) -> None:
    found = compiled(SizeFunction("f", SYMBOLS, {"value": tuple(results)}))(height, width)["value"]
    wanted = tuple(num.evaluate(x, {"height": height, "width": width}) for x in results)
    assert (found, [*map(type, found)]) == (wanted, [*map(type, wanted)])


@given(table_expressions(), sides, sides)
def test_python_evaluates_tables(table: num.Sym, height: int, width: int) -> None:
    results = (num.argmin(table), num.argmax(table), num.smallest(table), num.largest(table), num.take(table, H % 5))
    found = compiled(SizeFunction("f", SYMBOLS, {"value": results}))(height, width)["value"]
    memo: dict[num.Sym, object] = {}
    assert found == tuple(num.evaluate(x, {"height": height, "width": width}, memo) for x in results)


def odd_names() -> SizeFunction:
    """Return a function of arguments and results with names that mean something, used as assignments as well."""
    symbols = [num.symbol(word) for word in WORDS]
    results: dict[str, num.Num | tuple[num.Num, ...]] = {
        word: num.maximum(a, b) * num.maximum(a, b) for word, a, b in zip(WORDS, symbols, symbols[1:] + symbols[:1], strict=True)
    }
    return SizeFunction("return", WORDS, {**results, "with space": symbols[0], "3d": (symbols[1], num.argmin(num.table([2, 1])))})


def test_names_that_mean_something_in_python() -> None:
    assert compiled(odd_names())(*range(1, len(WORDS) + 1))["int"] == 4
    ast.parse(python.text([odd_names()], ABOUT))


CHECKS: Mapping[str, tuple[str, Callable[..., str], tuple[str, ...]]] = {
    "gcc": ("sizes.c", c.text, (*STRICT, "-fsyntax-only", "sizes.c")),
    "rustc": ("sizes.rs", rust.text, ("-D", "warnings", "--crate-type", "lib", "--emit", "metadata", "sizes.rs")),
    "go": ("sizes.go", go.text, ("vet", "sizes.go")),
    "node": ("sizes.mjs", javascript.text, ("--check", "sizes.mjs")),
}


@pytest.mark.slow
@pytest.mark.parametrize("tool", CHECKS)
def test_names_that_mean_something_in_a_language(tool: str, tmp_path: Path) -> None:
    file, text, command = CHECKS[tool]
    (tmp_path / file).write_text(text([odd_names(), SMALL], ABOUT))
    done = subprocess.run([needs(tool), *command], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")


def test_products_of_floats_are_rounded_by_themselves_in_go() -> None:
    """No test sees it run where the processor at hand, or Go for it, contracts nothing."""
    text = go.text([SizeFunction("f", SYMBOLS, {"value": H * 0.1 + W * 0.3 * num.as_float(W)})], [])
    assert "float64(float64(height) * 0.1) + float64(float64(float64(width) * 0.3) * float64(width))" in text


def test_products_and_sums_are_not_contracted_in_c() -> None:
    text = c.text([SMALL], [])
    assert "#pragma STDC FP_CONTRACT OFF" in text
    assert '#pragma GCC optimize("fp-contract=off")' in text


def test_lines_about_a_function_stay_comments() -> None:
    """A backslash at the end of a line of C continues the comment, and gcc warns of it."""
    assert all(line.startswith("//") and not line.endswith("\\") for line in c.text([SMALL], ABOUT).splitlines()[: len(ABOUT)])


def test_literals_of_c_are_ascii_without_trigraphs() -> None:
    assert c.quoted('a "b" \\ ??/ \u00e9 \n') == '"a \\"b\\" \\\\ \\?\\?/ \\303\\251 \\012"'
    assert rust.quoted('a "b" \\ \u00e9') == '"a \\"b\\" \\\\ \\u{e9}"'


def test_the_same_in_all_languages_is_one_step_in_json() -> None:
    loaded = json.loads(write(SMALL, "json", ["About."]))
    (function,) = loaded["functions"]
    assert [step.get("op", "require") for step in function["steps"]] == ["mul", "lt", "require", "mul", "truediv"]
    assert function["results"] == {"shape": [1, "shape_1"], "ratio": "ratio"}
    assert len(elements(SMALL.results["shape"])) == 2
