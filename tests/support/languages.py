"""Run size functions in each language: one program of all functions, which reads calls and prints results.

A program reads lines `FUNCTION ARGUMENT...`, the function as its index, and prints a line for each: `!MESSAGE` for a size that is
refused, or else the numbers of all results in order. Ints are decimal, floats are the 16 hexadecimal digits of their bits, so that
lines that are equal have equal bits.
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
        for x in [results[name]] if length is None else list(results[name]):
            words.append(f"{struct.unpack('>Q', struct.pack('>d', x))[0]:016x}" if kind == "float" else str(int(x)))
    return " ".join(words)


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
        return f"!{broken(str(error))}"
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


def run_c(functions: Sequence[SizeFunction], calls: Sequence[Call], folder: Path, *flags: str) -> list[str]:
    gcc = needs("gcc")
    (folder / "sizes.c").write_text(c.text(functions, ABOUT))
    written = []
    for i, function in enumerate(functions):
        puts = "".join(
            f"    put_{kind}(sizes.{name}{'' if length is None else f'[{j}]'});\n"
            for name, length, kind in kinds(function)
            for j in range(1 if length is None else length)
        )
        arguments = ", ".join(f"a[{j}]" for j in range(len(function.arguments)))
        written.append(
            f"static void call_{i}(const int64_t *a) {{\n    sizes_{i}_sizes sizes;\n    const char *message = NULL;\n"
            f'    if (sizes_{i}({arguments}, &sizes, &message)) {{\n        printf("!%s\\n", message);\n        return;\n    }}\n'
            f'{puts}    printf("\\n");\n}}\n'
        )
    (folder / "main.c").write_text(
        '#include "sizes.c"\n#include <inttypes.h>\n#include <stdio.h>\n#include <string.h>\n'
        "static const char *space = \"\";\n"
        'static inline void put_int(int64_t x) {\n    printf("%s%" PRId64, space, x);\n    space = " ";\n}\n'
        "static inline void put_float(double x) {\n    uint64_t bits;\n    memcpy(&bits, &x, 8);\n"
        '    printf("%s%016" PRIx64, space, bits);\n    space = " ";\n}\n'
        + "".join(written)
        + f"static void (*const CALLS[])(const int64_t *) = {{{', '.join(f'call_{i}' for i in range(len(functions)))}}};\n"
        + "int main(void) {\n    char line[256];\n    while (fgets(line, sizeof line, stdin) != NULL) {\n"
        + "        int64_t a[8] = {0};\n        char *rest = line;\n        const int64_t index = strtoll(rest, &rest, 10);\n"
        + "        for (int i = 0; i < 8 && *rest == ' '; i++) {\n            a[i] = strtoll(rest, &rest, 10);\n        }\n"
        + '        space = "";\n        CALLS[index](a);\n    }\n    return 0;\n}\n'
    )
    text = (folder / "main.c").read_text().replace("#include <stdio.h>", "#include <stdio.h>\n#include <stdlib.h>")
    (folder / "main.c").write_text(text)
    strict = ["-std=c11", "-Wall", "-Wextra", "-Werror", "-Wpedantic", "-Wmissing-prototypes", "-Wshadow"]
    _run([gcc, *strict, *(flags or ("-O1",)), folder / "main.c", "-o", folder / "main", "-lm"])
    return _run([folder / "main"], calls)


def run_rust(functions: Sequence[SizeFunction], calls: Sequence[Call], folder: Path) -> list[str]:
    rustc = needs("rustc")
    (folder / "sizes.rs").write_text(rust.text(functions, ABOUT))
    written = []
    for i, function in enumerate(functions):
        puts = "".join(
            (f"words.push({kind}_word(s.{name}));" if length is None else f"words.extend(s.{name}.iter().map(|&x| {kind}_word(x)));")
            for name, length, kind in kinds(function)
        )
        arguments = ", ".join(f"a[{j}]" for j in range(len(function.arguments)))
        written.append(f"{i} => sizes::sizes_{i}({arguments}).map(|s| {{ {puts} }}),\n")
    (folder / "main.rs").write_text(
        "mod sizes;\n#[allow(dead_code)]\nfn float_word(x: f64) -> String { format!(\"{:016x}\", x.to_bits()) }\n"
        "#[allow(dead_code)]\nfn int_word(x: i64) -> String { x.to_string() }\n"
        "fn main() {\n    for line in std::io::stdin().lines() {\n"
        "        let a: Vec<i64> = line.unwrap().split(' ').map(|word| word.parse().unwrap()).collect();\n"
        "        let (index, a) = (a[0], &a[1..]);\n        let mut words: Vec<String> = Vec::new();\n"
        f"        let done: Result<(), &'static str> = match index {{\n{''.join(written)}_ => panic!(),\n        }};\n"
        '        match done {\n            Ok(()) => println!("{}", words.join(" ")),\n'
        '            Err(message) => println!("!{message}"),\n        }\n    }\n}\n'
    )
    # Unoptimized, as cargo builds programs to debug: an int that overflows ends the program.
    _run([rustc, "-D", "warnings", "--edition", "2021", folder / "main.rs", "-o", folder / "main"])
    return _run([folder / "main"], calls)


def run_go(functions: Sequence[SizeFunction], calls: Sequence[Call], folder: Path) -> list[str]:
    tool = needs("go")
    (folder / "sizes").mkdir(exist_ok=True)
    (folder / "go.mod").write_text("module run\n\ngo 1.18\n")
    (folder / "sizes" / "sizes.go").write_text(go.text(functions, ABOUT))
    written = []
    for i, function in enumerate(functions):
        puts = "".join(
            f"\t\twords = append(words, {kind}Word(s.{camel(name, first=True)}{'' if length is None else f'[{j}]'}))\n"
            for name, length, kind in kinds(function)
            for j in range(1 if length is None else length)
        )
        arguments = ", ".join(f"a[{j}]" for j in range(len(function.arguments)))
        written.append(f"\tcase {i}:\n\t\ts, err := sizes.Sizes{i}({arguments})\n\t\tif err != nil {{\n\t\t\treturn nil, err\n\t\t}}\n{puts}")
    (folder / "main.go").write_text(
        'package main\n\nimport (\n\t"bufio"\n\t"fmt"\n\t"math"\n\t"os"\n\t"strconv"\n\t"strings"\n\n\t"run/sizes"\n)\n\n'
        "func intWord(x int64) string { return strconv.FormatInt(x, 10) }\n"
        'func floatWord(x float64) string { return fmt.Sprintf("%016x", math.Float64bits(x)) }\n\n'
        "func call(index int64, a []int64) (words []string, err error) {\n\tswitch index {\n" + "".join(written) + "\t}\n\treturn words, nil\n}\n\n"
        "func main() {\n\tlines := bufio.NewScanner(os.Stdin)\n\tfor lines.Scan() {\n\t\tvar a []int64\n"
        '\t\tfor _, word := range strings.Split(lines.Text(), " ") {\n\t\t\tx, _ := strconv.ParseInt(word, 10, 64)\n'
        "\t\t\ta = append(a, x)\n\t\t}\n\t\twords, err := call(a[0], a[1:])\n\t\tif err != nil {\n\t\t\tfmt.Println(\"!\" + err.Error())\n"
        '\t\t} else {\n\t\t\tfmt.Println(strings.Join(words, " "))\n\t\t}\n\t}\n}\n'
    )
    environment = {**os.environ, "GOFLAGS": "-mod=mod", "GOPROXY": "off", "GOCACHE": str(folder / "cache")}
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
