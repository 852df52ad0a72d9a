"""Size functions in every language: bit for bit what `num.evaluate` computes, for all classes, varied settings and operations."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
from support.languages import BY_ZERO, RUN, STRICT, Call, expected, needs, numbered, run_c
from support.size_functions import REFUSED, WIDE_TABLES, H, W, calls_of, of_classes, of_operations, of_settings

from graphproc.emitters.source.assignments import IMPOSSIBLE, TOO_LARGE
from graphproc.sizes.function import SizeFunction

INTERPRETED = ("python", "json", "onnx")
SIZES = 10_000
"""How many calls of classes' functions each language computes."""
ODD = 'a "quoted" \\ message, 100%, is this a trigraph ??/ and \u00e9'
VARIED = 140
"""How many functions are those of other settings than defaults."""


def differences(language: str, functions: list[SizeFunction], calls: list[Call], folder: Path) -> list[str]:
    wanted = [expected(functions[index], arguments) for index, arguments in calls]
    found = RUN[language](functions, calls, folder)
    assert len(found) == len(wanted)
    return [
        f"{functions[index].results}\n{arguments}: expected {b}, got {a}"
        for (index, arguments), a, b in zip(calls, found, wanted, strict=True)
        if a != b and not (a == f"!{BY_ZERO}" and b.startswith("!"))
    ]


@pytest.fixture(scope="module")
def every_function() -> list[SizeFunction]:
    return numbered([*of_classes(), *of_settings(VARIED)])


@pytest.mark.slow
@pytest.mark.parametrize("language", RUN)
def test_classes(language: str, every_function: list[SizeFunction], tmp_path: Path) -> None:
    calls = calls_of(every_function, -(-SIZES // len(every_function)))
    print(f"{language}: {len(every_function)} functions, {len(calls)} sizes")
    assert len(calls) >= SIZES
    assert differences(language, every_function, calls, tmp_path) == []


@pytest.mark.slow
@pytest.mark.parametrize("language", RUN)
def test_operations(language: str, tmp_path: Path) -> None:
    functions = numbered(of_operations(in_graphs=language == "onnx"))
    assert differences(language, functions, calls_of(functions, 80), tmp_path) == []


@pytest.mark.parametrize("language", [language for language in INTERPRETED if language != "onnx"])
def test_operations_without_a_compiler(language: str, tmp_path: Path) -> None:
    functions = numbered(of_operations())
    assert differences(language, functions, calls_of(functions, 20), tmp_path) == []


def test_graphs_refuse_tables_beyond_53_bits(tmp_path: Path) -> None:
    """Graphs reduce ints as float64."""
    functions = numbered([one for one in of_operations() if one.name in WIDE_TABLES])
    calls = calls_of(functions, 40)
    wanted = [expected(functions[index], arguments) for index, arguments in calls]
    found = RUN["onnx"](functions, calls, tmp_path)
    assert all(a in (b, f"!{TOO_LARGE}") for a, b in zip(found, wanted, strict=True))
    assert len(functions) == 2
    assert 0 < sum(line.startswith("!") for line in found) < len(found)


@pytest.mark.parametrize("language", INTERPRETED)
def test_some_classes(language: str, tmp_path: Path) -> None:
    functions = numbered(of_classes(15))
    calls = calls_of(functions, 20)
    assert any(expected(functions[index], arguments).startswith("!") for index, arguments in calls)
    assert differences(language, functions, calls, tmp_path) == []


def refusals() -> tuple[list[SizeFunction], dict[Call, str]]:
    functions = [SizeFunction(name, ("height", "width"), {"value": make(H, W)}) for name, (make, _) in REFUSED.items()]
    wanted = {
        (index, arguments): f"!{value}" if isinstance(value, str) else str(value)
        for index, (_, calls) in enumerate(REFUSED.values())
        for (_, arguments), value in calls.items()
    }
    functions.append(SizeFunction("odd", ("height", "width"), {"value": W}, ((H < 10, ODD),)))
    wanted |= {(len(functions) - 1, (9, 5)): "5", (len(functions) - 1, (10, 5)): f"!{ODD}"}
    return numbered(functions), wanted


def check_refusals(language: str, folder: Path) -> None:
    functions, wanted = refusals()
    found = dict(zip(wanted, RUN[language](functions, list(wanted), folder), strict=True))
    refused = f"!{BY_ZERO}"
    found = {call: wanted[call] if line == refused and IMPOSSIBLE in wanted[call] else line for call, line in found.items()}
    assert found == wanted


@pytest.mark.slow
@pytest.mark.parametrize("language", [language for language in RUN if language not in INTERPRETED])
def test_refusals_of_what_has_no_exact_64_bits(language: str, tmp_path: Path) -> None:
    check_refusals(language, tmp_path)


@pytest.mark.parametrize("language", ["json", "onnx"])
def test_refusals_without_a_compiler(language: str, tmp_path: Path) -> None:
    check_refusals(language, tmp_path)


@pytest.mark.slow
@pytest.mark.parametrize("flags", [("-O3", "-march=native", "-std=gnu17"), ("-O1", "-fsanitize=undefined,float-cast-overflow")])
def test_c_has_the_same_bits_with_other_flags(flags: tuple[str, ...], tmp_path: Path) -> None:
    """GCC contracts products and sums where the processor can, unless C is ISO's; undefined behaviour prints to stderr."""
    functions = numbered([*of_operations(), *of_classes(4)])
    calls = calls_of(functions, 20)
    (tmp_path / "try.c").write_text("int main(void) { return 0; }\n")
    tried = subprocess.run([needs("gcc"), *STRICT, *flags, "try.c", "-o", "try"], cwd=tmp_path, capture_output=True, check=False)
    if tried.returncode:
        pytest.skip(f"this gcc has no {' '.join(flags)}")
    wanted = [expected(functions[index], arguments) for index, arguments in calls]
    assert run_c(functions, calls, tmp_path, *flags) == wanted
