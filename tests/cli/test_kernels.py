"""`graphproc kernels`: the library and its instructions, or the reason."""

from __future__ import annotations

import json
from typing import Any

from typer.testing import CliRunner

from graphproc.cli.main import app
from graphproc.runtime import native

runner = CliRunner()


def run(*arguments: str, code: int = 0, kernels: str = "auto") -> str:
    result = runner.invoke(app, ["kernels", *arguments], env={"COLUMNS": "200", native.VARIABLE: kernels})
    assert result.exit_code == code, result.output
    return result.stdout if code == 0 else result.stderr


def run_json(**settings: Any) -> Any:
    return json.loads(run("--json", **settings))


def test_what_is_used() -> None:
    found = run_json()
    assert [*found] == ["path", "version", "instruction_set", "available", "kernels", "reason"]
    if found["path"] is None:
        assert found["reason"] in run()
        return
    assert found["reason"] is None
    assert found["instruction_set"] in found["available"]
    shown = run()
    for part in (found["path"], f"{found['instruction_set']} (available: ", *found["kernels"]):
        assert part in shown


def test_why_none_is_used() -> None:
    assert run(kernels="off").split() == ["Native", "kernels", "used", "no", "reason", "GRAPHPROC_KERNELS", "is", "off"]
    assert run_json(kernels="off") == {
        "path": None,
        "version": None,
        "instruction_set": None,
        "available": [],
        "kernels": [],
        "reason": "GRAPHPROC_KERNELS is off",
    }


def test_an_unknown_name_is_one_line() -> None:
    assert run(code=2, kernels="avx1024") == (
        "graphproc: GRAPHPROC_KERNELS: expected auto, off, sse4.1, avx2, avx512, neon, got 'avx1024'\n"
    )
