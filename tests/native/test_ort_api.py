"""The library's declaration of ONNX Runtime's interface is that of the real header, if one is installed."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent.parent
CHECKS = Path(__file__).resolve().parent / "ort_api.cpp"
OWN = ROOT / "graphproc" / "native"
INCLUDE = Path(os.environ.get("ORT_INCLUDE", "/usr/include/onnxruntime"))


def compiled(checks: Path, own: Path) -> subprocess.CompletedProcess[str]:
    command = [os.environ.get("CXX", "c++"), "-std=c++17", "-fsyntax-only", f"-I{INCLUDE}", f"-I{own}", str(checks)]
    return subprocess.run(command, capture_output=True, text=True, check=False)


@pytest.mark.skipif(shutil.which(os.environ.get("CXX", "c++")) is None, reason="no C++ compiler")
@pytest.mark.skipif(
    not (INCLUDE / "onnxruntime_c_api.h").is_file(), reason=f"no onnxruntime_c_api.h in {INCLUDE}; ORT_INCLUDE names its folder"
)
def test_positions_are_those_of_the_header(tmp_path: Path) -> None:
    done = compiled(CHECKS, OWN)
    assert done.returncode == 0, done.stderr
    moved = (OWN / "ort_api.h").read_text().replace("Slot<91,", "Slot<92,")
    (tmp_path / "ort_api.h").write_text(moved)
    assert "KernelContext_GetOutput is elsewhere" in compiled(CHECKS, tmp_path).stderr


def test_every_declared_function_is_compared() -> None:
    declared = set(re.findall(r"^constexpr Slot<.*?>\s+(\w+);", (OWN / "ort_api.h").read_text(), re.MULTILINE | re.DOTALL))
    compared = set(re.findall(r"^SLOT\((\w+)\)", CHECKS.read_text(), re.MULTILINE))
    assert declared == compared
