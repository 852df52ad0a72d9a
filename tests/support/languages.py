"""Run size functions in each language: one program of all functions, which reads calls and prints results.

A program reads lines `FUNCTION ARGUMENT...`, the function as its index, and prints a line for each: `!MESSAGE` for a size that
is refused, or else the numbers of all results in order. Ints are decimal, floats are the 16 hexadecimal digits of their bits, so
that equal lines have equal bits.
"""

from __future__ import annotations

import json
import os
import shutil
import struct
import subprocess
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
import pytest
from support.size_json import interpret

from graphproc.emitters.source import c, go, javascript, onnx, python, rust
from graphproc.emitters.source import json as source_json
from graphproc.emitters.source.assignments import elements
from graphproc.emitters.source.writer import camel
from graphproc.sizes import num
from graphproc.sizes.function import SizeFunction

Call = tuple[int, tuple[int, ...]]
"""The index of a function, and its arguments."""
ABOUT = ("Made for a test.", "", 'settings: {"size": 224, "path": "C:\\\\"}')


def kinds(function: SizeFunction) -> list[tuple[str, int | None, str]]:
    """Return name, length and kind of each result: `float` if one of its numbers is; no length for a single number."""
    found: list[tuple[str, int | None, str]] = []
    for name, value in function.results.items():
        kind = "float" if "float" in {num.kind_of(x) for x in elements(value)} else "int"
        found.append((name, len(value) if isinstance(value, tuple) else None, kind))
    return found


def line(function: SizeFunction, results: Mapping[str, Any]) -> str:
    """Return the line that a program prints for some results."""
    words = []
    for name, length, kind in kinds(function):
        words += [_word(x, kind) for x in ([results[name]] if length is None else results[name])]
    return " ".join(words)


def _word(x: float, kind: str) -> str:
    return f"{struct.unpack('>Q', struct.pack('>d', x))[0]:016x}" if kind == "float" else str(int(x))


def expected(function: SizeFunction, arguments: Sequence[int]) -> str:
    """Return the line of a call, by `num.evaluate`."""
    values, memo = dict(zip(function.arguments, arguments, strict=True)), dict[Any, Any]()
    for holds, message in function.preconditions:
        if not num.evaluate(holds, values, memo):
            return f"!{message}"
    found = {
        name: [num.evaluate(x, values, memo) for x in value] if isinstance(value, tuple) else num.evaluate(value, values, memo)
        for name, value in function.results.items()
    }
    return line(function, found)


def places(function: SizeFunction, rename: Callable[[str], str] = str) -> list[tuple[str, str]]:
    """Return the place of each number among a function's results, in the text of a language, and its kind."""
    return [
        (rename(name) if length is None else f"{rename(name)}[{i}]", kind)
        for name, length, kind in kinds(function)
        for i in range(1 if length is None else length)
    ]


def given(function: SizeFunction) -> str:
    """Return a function's arguments, elements of `a`."""
    return ", ".join(f"a[{i}]" for i in range(len(function.arguments)))


def _filled(template: str, **parts: Any) -> str:
    for name, part in parts.items():
        template = template.replace(name, str(part))
    return template


def numbered(functions: Sequence[SizeFunction]) -> list[SizeFunction]:
    """Return functions with different names."""
    return [replace(function, name=f"sizes_{i}") for i, function in enumerate(functions)]


def needs(tool: str) -> str:
    """Return the path of a compiler, or skip the test."""
    found = shutil.which(tool, path=f"{os.environ.get('PATH', '')}:{Path.home() / '.cargo' / 'bin'}")
    if found is None:
        pytest.skip(f"{tool} is not installed")
    return found


def _run(command: Sequence[Any], calls: Sequence[Call] = (), **options: Any) -> list[str]:
    text = "".join(f"{index} {' '.join(map(str, arguments))}\n" for index, arguments in calls)
    done = subprocess.run([*map(str, command)], input=text, capture_output=True, text=True, check=False, **options)
    assert (done.returncode, done.stderr) == (0, ""), (command, done.returncode, done.stderr[:3000])
    return done.stdout.splitlines()


def compiled(function: SizeFunction) -> Callable[..., dict[str, Any]]:
    """Return what the Python text of one function defines."""
    names: dict[str, Any] = {}
    exec(python.text([function], ABOUT), names)
    (found,) = [value for name, value in names.items() if callable(value) and name not in ("__builtins__", "to_float32")]
    made: Callable[..., dict[str, Any]] = found
    return made


def run_python(functions: Sequence[SizeFunction], calls: Sequence[Call], folder: Path) -> list[str]:
    names: dict[str, Any] = {}
    exec(python.text(functions, ABOUT), names)
    return [_attempt(functions[i], names[functions[i].name], arguments, ValueError) for i, arguments in calls]


def run_json(functions: Sequence[SizeFunction], calls: Sequence[Call], folder: Path) -> list[str]:
    loaded = json.loads(source_json.text(functions, ABOUT))
    assert (loaded["format"], loaded["version"], loaded["about"]) == ("graphproc size functions", 1, list(ABOUT))
    made = loaded["functions"]
    return [_attempt(functions[i], lambda *args, i=i: interpret(made[i], args), arguments, ValueError) for i, arguments in calls]


def _attempt(function: SizeFunction, call: Callable[..., Any], arguments: Sequence[int], refusal: type[Exception]) -> str:
    try:
        return line(function, call(*arguments))
    except refusal as error:
        return f"!{error}"


BY_ZERO = "by zero"
"""Part of ONNX Runtime's error for an integer division or modulo by zero, which may come before the graph's own check."""


def run_onnx(functions: Sequence[SizeFunction], calls: Sequence[Call], folder: Path) -> list[str]:
    """Run a graph for each function; each is made once."""
    lines: dict[int, str] = {}
    for index in sorted({i for i, _ in calls}):
        function, session = functions[index], _session(onnx.model(functions[index], ABOUT))
        for place, (i, arguments) in enumerate(calls):
            if i == index:
                lines[place] = _graph_line(function, session, arguments)
    return [lines[place] for place in range(len(calls))]


def _session(model: Any) -> Any:
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 4  # a check that fails is an error to it
    options.intra_op_num_threads = 1
    return onnxruntime.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"])


def _graph_line(function: SizeFunction, session: Any, arguments: Sequence[int]) -> str:
    from graphproc.emitters.onnx.preconditions import broken

    try:
        values = session.run(None, {name: np.array(x, np.int64) for name, x in zip(function.arguments, arguments, strict=True)})
    except Exception as error:  # ONNX Runtime's own classes
        return f"!{BY_ZERO if BY_ZERO in str(error) else broken(str(error))}"
    found = dict(zip(function.results, values, strict=True))
    for name, length, kind in kinds(function):
        assert found[name].dtype == (np.float64 if kind == "float" else np.int64)
        assert found[name].shape == (() if length is None else (length,))
    return line(function, {name: value.tolist() for name, value in found.items()})


def run_javascript(functions: Sequence[SizeFunction], calls: Sequence[Call], folder: Path) -> list[str]:
    node = needs("node")
    (folder / "sizes.mjs").write_text(javascript.text(functions, ABOUT))
    formats = json.dumps([[[name, kind] for name, _, kind in kinds(function)] for function in functions])
    (folder / "main.mjs").write_text(
        f"""import * as sizes from "./sizes.mjs";
import {{ readFileSync }} from "node:fs";
const formats = {formats};
const view = new DataView(new ArrayBuffer(8));
function word(x, kind) {{
  if (kind !== "float") {{
    if (!Number.isSafeInteger(x) || Object.is(x, -0)) throw new Error(`expected a whole number, got ${{typeof x}} ${{x}}`);
    return String(x);
  }}
  view.setFloat64(0, x);
  return view.getBigUint64(0).toString(16).padStart(16, "0");
}}
const lines = [];
for (const line of readFileSync(0, "utf8").trimEnd().split("\\n")) {{
  const [index, ...args] = line.split(" ").map(Number);
  try {{
    const found = sizes[`sizes${{index}}`](...args);
    lines.push(formats[index].flatMap(([name, kind]) => [found[name]].flat().map((x) => word(x, kind))).join(" "));
  }} catch (error) {{
    if (!(error instanceof RangeError)) throw error;
    lines.push(`!${{error.message}}`);
  }}
}}
console.log(lines.join("\\n"));
"""
    )
    return _run([node, folder / "main.mjs"], calls)


C_MAIN = """\
#include "sizes.c"
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *space = "";

static inline void put_int(int64_t x) {
    printf("%s%" PRId64, space, x);
    space = " ";
}

static inline void put_float(double x) {
    uint64_t bits;
    memcpy(&bits, &x, 8);
    printf("%s%016" PRIx64, space, bits);
    space = " ";
}

FUNCTIONS
static void (*const CALLS[])(const int64_t *) = {NAMES};

int main(void) {
    char line[256];
    while (fgets(line, sizeof line, stdin) != NULL) {
        int64_t a[8] = {0};
        char *rest = line;
        const int64_t index = strtoll(rest, &rest, 10);
        for (int i = 0; i < 8 && *rest == ' '; i++) {
            a[i] = strtoll(rest, &rest, 10);
        }
        space = "";
        CALLS[index](a);
        puts("");
    }
    return 0;
}
"""
C_CALL = """\
static void call_INDEX(const int64_t *a) {
    sizes_INDEX_sizes sizes;
    const char *message = NULL;
    if (sizes_INDEX(ARGUMENTS, &sizes, &message)) {
        printf("!%s", message);
        return;
    }
    PUTS
}
"""
STRICT = ("-std=c11", "-Wall", "-Wextra", "-Werror", "-Wpedantic", "-Wmissing-prototypes", "-Wshadow")


def run_c(functions: Sequence[SizeFunction], calls: Sequence[Call], folder: Path, *flags: str) -> list[str]:
    gcc = needs("gcc")
    (folder / "sizes.c").write_text(c.text(functions, ABOUT))
    written = []
    for i, function in enumerate(functions):
        puts = [f"put_{kind}(sizes.{name});" for name, kind in places(function)]
        written.append(_filled(C_CALL, INDEX=i, ARGUMENTS=given(function), PUTS="\n    ".join(puts)))
    names = ", ".join(f"call_{i}" for i in range(len(functions)))
    (folder / "main.c").write_text(_filled(C_MAIN, FUNCTIONS="\n".join(written), NAMES=names))
    _run([gcc, *STRICT, *(flags or ("-O1",)), folder / "main.c", "-o", folder / "main", "-lm"])
    return _run([folder / "main"], calls)


RUST_MAIN = """\
mod sizes;

#[allow(dead_code)]
fn float_word(x: f64) -> String {
    format!("{:016x}", x.to_bits())
}

#[allow(dead_code)]
fn int_word(x: i64) -> String {
    x.to_string()
}

fn main() {
    for line in std::io::stdin().lines() {
        let a: Vec<i64> = line.unwrap().split(' ').map(|word| word.parse().unwrap()).collect();
        let (index, a) = (a[0], &a[1..]);
        let done: Result<Vec<String>, &'static str> = match index {
            CALLS
            _ => panic!(),
        };
        match done {
            Ok(words) => println!("{}", words.join(" ")),
            Err(message) => println!("!{message}"),
        }
    }
}
"""


def run_rust(functions: Sequence[SizeFunction], calls: Sequence[Call], folder: Path) -> list[str]:
    """Build without optimizations, as cargo builds programs to debug: an int that overflows ends the program."""
    rustc = needs("rustc")
    (folder / "sizes.rs").write_text(rust.text(functions, ABOUT))
    written = []
    for i, function in enumerate(functions):
        words = ", ".join(f"{kind}_word(s.{name})" for name, kind in places(function))
        written.append(f"{i} => sizes::sizes_{i}({given(function)}).map(|s| {{ let _ = s; vec![{words}] }}),")
    (folder / "main.rs").write_text(_filled(RUST_MAIN, CALLS="\n            ".join(written)))
    _run([rustc, "-D", "warnings", "--edition", "2021", folder / "main.rs", "-o", folder / "main"])
    return _run([folder / "main"], calls)


GO_MAIN = """\
package main

import (
	"bufio"
	"fmt"
	"math"
	"os"
	"strconv"
	"strings"

	"run/sizes"
)

func intWord(x int64) string { return strconv.FormatInt(x, 10) }

func floatWord(x float64) string { return fmt.Sprintf("%016x", math.Float64bits(x)) }

func call(index int64, a []int64) ([]string, error) {
	switch index {
	CALLS
	}
	return []string{intWord(0), floatWord(0)}, nil
}

func main() {
	lines := bufio.NewScanner(os.Stdin)
	for lines.Scan() {
		var a []int64
		for _, word := range strings.Split(lines.Text(), " ") {
			x, _ := strconv.ParseInt(word, 10, 64)
			a = append(a, x)
		}
		words, err := call(a[0], a[1:])
		if err != nil {
			fmt.Println("!" + err.Error())
		} else {
			fmt.Println(strings.Join(words, " "))
		}
	}
}
"""
GO_CALL = """\
case INDEX:
		s, err := sizes.SizesINDEX(ARGUMENTS)
		_ = s
		return []string{WORDS}, err"""


def run_go(functions: Sequence[SizeFunction], calls: Sequence[Call], folder: Path) -> list[str]:
    tool = needs("go")
    (folder / "sizes").mkdir(exist_ok=True)
    (folder / "go.mod").write_text("module run\n\ngo 1.18\n")
    (folder / "sizes" / "sizes.go").write_text(go.text(functions, ABOUT))
    written = []
    for i, function in enumerate(functions):
        words = ", ".join(f"{kind}Word(s.{name})" for name, kind in places(function, lambda name: camel(name, first=True)))
        written.append(_filled(GO_CALL, INDEX=i, ARGUMENTS=given(function), WORDS=words))
    (folder / "main.go").write_text(_filled(GO_MAIN, CALLS="\n\t".join(written)))
    environment = {**os.environ, "GOFLAGS": "-mod=mod", "GOPROXY": "off"}
    _run([tool, "vet", "./..."], cwd=folder, env=environment)
    _run([tool, "build", "-o", folder / "main", "."], cwd=folder, env=environment)
    return _run([folder / "main"], calls)


RUN: Mapping[str, Callable[[Sequence[SizeFunction], Sequence[Call], Path], list[str]]] = {
    "python": run_python,
    "json": run_json,
    "onnx": run_onnx,
    "javascript": run_javascript,
    "c": run_c,
    "rust": run_rust,
    "go": run_go,
}
"""How the functions of each language run: functions with the names of `numbered`, calls, and a folder to write to."""
