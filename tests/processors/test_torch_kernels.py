"""What is stated of results holds with the code that torch has for other processors and for one thread.

`tools/parity.py --torch-kernels default` and `--threads 1` try every class.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from graphproc.ir.program import Parity
from graphproc.processors.parity import AVX2, BYTE, FLOATS, THREADS
from graphproc.processors.registry import specs

TOOL = Path(__file__).resolve().parents[2] / "tools" / "parity.py"
KINDS = {
    "CLIPImageProcessor": "",
    "GLPNImageProcessor": AVX2,
    "DINOv3ViTImageProcessor": FLOATS,
    "Molmo2ImageProcessor": THREADS,
    "UVDocImageProcessor": THREADS,
}
"""A class of each kind of arithmetic, and where its results are torch's bits."""


def stated(name: str) -> Parity:
    return specs()[name].parity_of("torchvision")


@pytest.mark.parametrize("name", KINDS)
def test_conditions(name: str) -> None:
    assert stated(name).where == KINDS[name]
    assert bool(stated(name).elsewhere) == bool(KINDS[name])


def test_a_byte_that_was_rounded_from_floats_is_a_step_away() -> None:
    assert stated("Molmo2ImageProcessor").elsewhere == stated("GLPNImageProcessor").elsewhere == BYTE
    assert stated("UVDocImageProcessor").elsewhere < 1e-5 < 1e4 * stated("UVDocImageProcessor").by_side


def test_settings_decide() -> None:
    spec = specs()["CLIPImageProcessor"]
    programs = {code: spec.program(spec.config({"resample": code}), backend="torchvision") for code in (0, 1, 2, 3)}
    assert {code: program.parity.where for code, program in programs.items()} == {0: AVX2, 1: "", 2: AVX2, 3: ""}
    assert spec.program(spec.config({}), backend="torchvision", dtype="f32").parity.where == FLOATS
    assert spec.program(spec.config({"resample": 2}), backend="pil").parity.where == ""


@pytest.mark.slow
@pytest.mark.parametrize("options", [("--torch-kernels", "default"), ("--threads", "1")], ids=" ".join)
def test_what_is_stated_holds(options: tuple[str, ...]) -> None:
    command = [sys.executable, str(TOOL), "--backend", "torchvision", "--sizes", "small", "--configs", "default", "--jobs", "1"]
    classes = ",".join(KINDS)
    environment = {key: value for key, value in os.environ.items() if key != "ATEN_CPU_CAPABILITY"}
    run = subprocess.run([*command, "--classes", classes, *options], capture_output=True, text=True, env=environment)
    assert run.returncode == 0, run.stdout
    farthest = {line.split()[0]: float(line.split()[-1]) for line in run.stdout.splitlines() if line.split()[0] in KINDS}
    others = {name for name, where in KINDS.items() if where == THREADS or (where and "--torch-kernels" in options)}
    assert {name for name, gap in farthest.items() if gap} == others  # torch did take its other kernels
