"""Help, exit codes, one-line errors, and streams that go away."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from typer.main import get_command
from typer.testing import CliRunner

from graphproc.cli.main import app
from graphproc.emitters.onnx.emit import INPUTS, TARGETS
from graphproc.processors.spec import CHANNELS
from graphproc.runtime.providers import PROVIDERS
from graphproc.version import __version__
from graphproc.wrappers.settings import ENGINES

COMMANDS = ("export", "run", "verify", "fuse", "triton", "bench", "inspect", "plan", "config", "list", "kernels", "demo")
GRAPH = "graphproc.onnx"
SOURCE = "CLIPImageProcessor"
WIDE = {"COLUMNS": "200"}

runner = CliRunner()


def child(root: Path, code: str, *args: str, **kwargs: object) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "PYTHONPATH": str(root), **WIDE}
    return subprocess.run(  # type: ignore[call-overload, no-any-return]
        [sys.executable, *code.split(maxsplit=1), *args], text=True, capture_output=True, env=environment, timeout=120, **kwargs
    )


@pytest.mark.parametrize("command", COMMANDS)
def test_help_has_a_summary_described_arguments_and_an_example(command: str) -> None:
    result = runner.invoke(app, [command, "--help"], env=WIDE)
    assert result.exit_code == 0
    assert f"Example: graphproc {command}" in result.stdout
    (found,) = (c for name, c in get_command(app).commands.items() if name == command)  # type: ignore[attr-defined]
    assert found.get_short_help_str(200) in result.stdout
    assert all(parameter.help for parameter in found.params)


@pytest.mark.parametrize("arguments", [[], ["--help"], ["-h"]])
def test_help_lists_every_command(arguments: list[str]) -> None:
    result = runner.invoke(app, arguments, env=WIDE)
    assert result.exit_code == 0
    assert all(f"│ {command} " in result.stdout for command in COMMANDS)


def test_help_names_what_the_library_accepts() -> None:
    text = "".join(runner.invoke(app, [command, "--help"], env=WIDE).stdout for command in COMMANDS)
    for choices in (TARGETS, INPUTS, tuple(CHANNELS), tuple(PROVIDERS), ENGINES):
        assert "|".join(choices) in text


def test_version() -> None:
    result = runner.invoke(app, ["--version"])
    assert (result.exit_code, result.stdout) == (0, f"graphproc {__version__}\n")


def test_help_loads_nothing_heavy(root: Path) -> None:
    code = "import sys, graphproc.cli.main; print([m for m in ('numpy', 'onnx', 'onnxruntime', 'PIL') if m in sys.modules])"
    result = child(root, "-c", code)
    assert (result.stdout, result.stderr) == ("[]\n", "")


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (["exprt"], "No such command 'exprt'. Did you mean 'export'?"),
        (["export", SOURCE, "--nope"], "No such option"),
        (["export"], "Missing argument 'SOURCE'"),
        (["run", SOURCE], "Missing argument 'IMAGE...'"),
        (["export", SOURCE, "--opset", "x"], "--opset"),
        (["export", SOURCE, "--opset", "99"], "opset: expected 17 to"),
        (["export", SOURCE, "--target", "gpu"], "target: expected one of"),
        (["export", SOURCE, "--target", "portable"], "image_size"),
        (["export", SOURCE, "--input", "images"], "input: expected one of"),
        (["export", SOURCE, "--color", "cmyk"], "color: expected one of"),
        (["export", SOURCE, "--backend", "torch"], "backend: CLIPImageProcessor has"),
        (["export", SOURCE, "--image-size", "480"], "expected HEIGHTxWIDTH"),
        (["export", SOURCE, "--image-size", "0x5"], "at least 1 pixel"),
        (["export", SOURCE, "--set", "sizee=3"], "has no such setting. Did you mean size?"),
        (["export", SOURCE, "--set", "backend=pil"], "has no such setting"),
        (["export", SOURCE, "--set", "size"], "--set: expected KEY=VALUE"),
        (["export", SOURCE, "--set", "size=big"], "size: expected"),
        (["export", SOURCE, "-o", "nowhere/x.onnx"], "nowhere/x.onnx: cannot be written"),
        (["export", "CLIPImageProcesor"], "The nearest one is CLIPImageProcessor"),
        (["export", "a/b/c"], "a/b/c: there is no such path. Give a folder with preprocessor_config.json"),
        (["export", "./nowhere"], "./nowhere: there is no such path"),
        (["export", "nowhere.json"], "nowhere.json: no such file"),
        (["export", "."], "preprocessor_config.json"),
        (["run", "nowhere.onnx", "x.png"], "nowhere.onnx: cannot be read"),
        (["run", SOURCE, "nowhere.png"], "'nowhere.png': expected an image file"),
        (["run", SOURCE, "x.png", "--engine", "torch"], "--engine: expected one of"),
        (["run", SOURCE, "x.png", "--provider", "tpu"], "provider: expected one of"),
        (["run", SOURCE, "x.png", "-o", "nowhere/x.npz"], "there is no folder nowhere"),
        (["run", "a.onnx", "x.png", "--set", "size=3"], "compiled in"),
        (["verify", "nowhere.onnx", "--json"], "nowhere.onnx: cannot be read"),
        (["verify", "text.onnx"], "cannot load it"),
        (["inspect", "text.onnx"], "text.onnx: expected an ONNX model"),
        (["inspect", "empty.onnx"], "empty.onnx: expected an ONNX model"),
        (["inspect", "text.onnx", "--target", "cpu"], "was exported with its own"),
        (["demo", "-o", "text.onnx"], "text.onnx: cannot be made"),
    ],
)
def test_bad_usage_is_one_line_and_exit_2(
    arguments: list[str], expected: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("text.onnx").write_text("hello")
    Path("empty.onnx").write_text("")
    before = sorted(os.listdir())
    result = runner.invoke(app, arguments)
    assert result.exit_code == 2
    assert result.stdout == ""
    assert result.stderr.startswith("graphproc: ")
    assert result.stderr.count("\n") == 1
    assert expected in result.stderr
    assert sorted(os.listdir()) == before, "something was left behind"


def test_control_characters_in_errors_are_escaped() -> None:
    result = runner.invoke(app, ["run", SOURCE, "--set", "si\x1b[31m\nze=3", "x.png"])
    assert result.exit_code == 2
    assert "\x1b" not in result.stderr
    assert result.stderr.count("\n") == 1


def test_a_defect_keeps_its_traceback(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken() -> None:
        raise ZeroDivisionError("defect")

    monkeypatch.setattr("graphproc.processors.registry.specs", broken)
    result = runner.invoke(app, ["list"])
    assert isinstance(result.exception, ZeroDivisionError)


@pytest.mark.slow
def test_ctrl_c_exits_130_without_a_traceback(root: Path) -> None:
    code = (
        "import os, signal, time, graphproc.processors.registry as registry\n"
        "signal.signal(signal.SIGINT, signal.default_int_handler)\n"  # a shell's background jobs ignore it
        "registry.specs = lambda: (os.kill(os.getpid(), signal.SIGINT), time.sleep(30))\n"
        "from graphproc.cli.main import main; main()"
    )
    result = child(root, "-c " + code, "list")
    assert (result.returncode, result.stdout) == (130, "")
    assert "Traceback" not in result.stderr


@pytest.mark.skipif(os.name == "nt", reason="pipes close differently")
def test_a_closed_pipe_is_silent(root: Path) -> None:
    reader, writer = os.pipe()
    os.close(reader)
    environment = {**os.environ, "PYTHONPATH": str(root)}
    result = subprocess.run(
        [sys.executable, "-m", "graphproc", "list"], stdout=writer, stderr=subprocess.PIPE, env=environment, timeout=120
    )
    os.close(writer)
    assert (result.returncode, result.stderr) == (141, b"")


@pytest.mark.slow
@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")
def test_a_full_disk_behind_stdout_is_one_line(root: Path) -> None:
    environment = {**os.environ, "PYTHONPATH": str(root)}
    with Path("/dev/full").open("w") as full:
        result = subprocess.run(
            [sys.executable, "-m", "graphproc", "list"], stdout=full, stderr=subprocess.PIPE, env=environment, timeout=120
        )
    assert result.returncode == 2
    assert result.stderr.startswith(b"graphproc: stdout: cannot be written")
    assert result.stderr.count(b"\n") == 1


def test_names_that_the_terminal_cannot_show_are_escaped(root: Path) -> None:
    code = "from graphproc.cli import output; output.table(('image',), [('k\\u00e4se.png',)]); output.as_json('\\u00e4')"
    result = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        env={**os.environ, "PYTHONPATH": str(root), "PYTHONIOENCODING": "ascii"},
        timeout=120,
    )
    assert result.returncode == 0, result.stderr
    assert b"k\\xe4se.png" in result.stdout


def test_ctrl_c_while_the_program_loads_exits_130_without_a_traceback(root: Path) -> None:
    code = (
        "import sys, graphproc.__main__ as program\n"
        "class Interrupted:\n"
        "    def find_spec(self, name, *_):\n"
        "        if name == 'typer': raise KeyboardInterrupt\n"
        "sys.meta_path.insert(0, Interrupted())\n"
        "program.main()"
    )
    result = child(root, "-c " + code, "list")
    assert (result.returncode, result.stdout, result.stderr) == (130, "", "")
