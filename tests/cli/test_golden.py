"""`graphproc golden`, `graphproc check` and `graphproc export --tap`: files, tables, JSON, exit codes."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from support.kits import values_of, write_results
from typer.testing import CliRunner

import graphproc as gp
from graphproc.cli.main import app

runner = CliRunner()
SMALL = ("--set", "size=20", "--set", "crop_size=16")


def run(*args: str, code: int = 0) -> str:
    result = runner.invoke(app, list(args), env={"COLUMNS": "200"})
    assert result.exit_code == code, result.output
    return result.stdout if code != 2 else result.stderr


@pytest.fixture(scope="module")
def kit(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("golden") / "kit"
    found = json.loads(run("golden", "CLIPImageProcessor", *SMALL, "-o", str(folder), "--json"))
    assert found["processor"] == "CLIPImageProcessor"
    assert found["backends"] == ["torchvision", "pil"]
    assert found["bytes"] == sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())
    assert found["with_files"] == found["values"]
    assert found["cases"][0]["images"] == [[1, 1, 3]]
    return folder


@pytest.fixture
def results(kit: Path, tmp_path: Path) -> Path:
    return write_results(values_of(kit), tmp_path / "results")


def spoil(results: Path, case: str, step: str) -> None:
    path = results / case / f"{step}.npy"
    array = np.load(path)
    array[0, 0, 0] += 1
    np.save(path, array)


def test_golden_says_what_it_wrote(tmp_path: Path) -> None:
    text = run("golden", "Qwen2VLImageProcessor", "--backend", "pil", "--max-size", "1.5", "-o", str(tmp_path / "kit"))
    assert f"Wrote {tmp_path / 'kit'}" in text
    assert "backends     pil" in text
    assert "photo_240x320" in text
    assert "1 x 201" in text
    assert "one side is more than 200 times longer" in text
    assert "Not tried: the other side of these" in text


def test_check_says_that_all_is_the_same(kit: Path, results: Path) -> None:
    text = run("check", str(kit), str(results), "--complete")
    assert "Same bits in all that was given." in text
    assert "backend      torchvision" in text
    assert "not given" not in text
    assert json.loads(run("check", str(kit), str(results), "--json"))["whole"] is True


def test_check_names_the_step(kit: Path, results: Path) -> None:
    spoil(results, "photo_240x320", "resample")
    text = run("check", str(kit), str(results), code=1)
    assert "photo_240x320 parts in resample" in text
    assert "1 of 1,560 elements of uint8[3, 20, 26], at most by 1" in text
    assert "at [0, 0, 0], channel 0: expected " in text
    assert "Different." in text
    found: Any = json.loads(run("check", str(kit), str(results), "--json", code=1))
    (case,) = [case for case in found["cases"] if case["difference"]]
    assert case["difference"]["step"] == "resample"
    assert case["difference"]["first"] == [0, 0, 0]


def test_check_says_what_is_not_given(kit: Path, results: Path) -> None:
    (results / "photo_240x320" / "normalize.npy").unlink()
    assert "not given    outputs of photo_240x320" in run("check", str(kit), str(results))
    run("check", str(kit), str(results), "--complete", code=1)
    (results / "photo_240x320" / "to_channels_first.npy").unlink()
    spoil(results, "photo_240x320", "resample")
    assert "to_channels_first, so one of these may part first" in run("check", str(kit), str(results), code=1)


def test_what_cannot_be_used_is_one_line(kit: Path, results: Path, tmp_path: Path) -> None:
    golden = ("golden", "CLIPImageProcessor", *SMALL)
    assert "expected a new or empty folder" in run(*golden, "-o", str(kit), code=2)
    assert "--max-size: expected at least 0.5" in run(*golden, "--max-size", "0.1", "-o", str(tmp_path / "x"), code=2)
    assert "--max-size: expected megabytes" in run(*golden, "--max-size", "-1", "-o", str(tmp_path / "x"), code=2)
    assert "needs clusters" in run("golden", "ImageGPTImageProcessor", "-o", str(tmp_path / "x"), code=2)
    assert not (tmp_path / "x").exists()
    assert "--backend: the kit has torchvision, pil" in run("check", str(kit), str(results), "--backend", "x", code=2)
    assert "expected a golden kit" in run("check", str(results), str(results), code=2)
    assert "found nothing" in run("check", str(kit), str(tmp_path / "y"), code=2)
    (results / "noise_1x1" / "x.npy").write_bytes(b"")
    assert "got 'x'" in run("check", str(kit), str(results), code=2)


@pytest.mark.slow
def test_export_taps_steps(tmp_path: Path) -> None:
    path = tmp_path / "tapped.onnx"
    found = json.loads(
        run("export", "CLIPImageProcessor", *SMALL, "--tap", "resample", "--tap", "center_crop", "-o", str(path), "--json")
    )
    assert list(found["outputs"]) == ["pixel_values", "resample", "center_crop"]
    expected = gp.CLIPImageProcessor(size=20, crop_size=16).to_onnx(tap=["resample", "center_crop"])
    assert onnx.load(path) == expected
    assert "tap  " in run("inspect", str(path))
    assert "output center_crop = center_crop: stack" in run("inspect", str(path))
    assert "Same bits." in run("verify", str(path))
    assert "--tap: expected names of steps of CLIPImageProcessor, got 'resize'" in run(
        "export", "CLIPImageProcessor", "--tap", "resize", "-o", str(path), code=2
    )
