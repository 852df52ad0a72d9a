"""What a kit says of itself: read as written, and refused as soon as it is anything else."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from graphproc.errors import ConfigError
from graphproc.kits.manifest import Manifest, read_manifest


def test_json_is_read_as_it_was_written(kit: Path, manifest: Manifest) -> None:
    text = (kit / "manifest.json").read_text(encoding="utf-8")
    assert manifest.as_json() == text
    assert json.loads(text)["processor"] == "CLIPImageProcessor"
    assert [section.backend for section in manifest.backends] == ["torchvision", "pil"]
    assert max(map(len, text.splitlines())) < 2000


def test_lines_say_the_same(kit: Path, manifest: Manifest) -> None:
    text = (kit / "manifest.tsv").read_text(encoding="utf-8")
    assert text == manifest.as_lines()
    rows = [line.split("\t") for line in text.splitlines()]
    assert rows[0][:3] == ["kit", "1", "CLIPImageProcessor"]
    assert [row[1] for row in rows if row[0] == "case"] == [case.name for case in manifest.cases]
    values = {tuple(row[1:4]): row[4:] for row in rows if row[0] == "value"}
    assert len(values) == sum(len(tensors) for case in manifest.cases for tensors in case.values.values())
    for case in manifest.cases:
        for backend, tensors in case.values.items():
            for one in tensors:
                shape = "x".join(map(str, one.shape))
                assert values[case.name, backend, one.name] == [one.dtype, shape, one.sha256, one.file or "-"]
    assert ["output", "pil", "pixel_values", "normalize"] in rows


def test_steps_are_those_of_the_program(manifest: Manifest) -> None:
    section = manifest.section("pil")
    assert [step.name for step in section.steps] == ["to_channels_first", "resample", "center_crop", "rescale", "normalize"]
    assert section.steps[1].op.startswith("resample<height=")
    assert section.steps[1].words == "Resample to `height` x `width` pixels"
    assert section.steps[1].reads == ("to_channels_first",)
    assert "Pillow" in section.parity
    assert all(step.name in section.program for step in section.steps)


def test_the_readme_names_the_backends(kit: Path) -> None:
    text = (kit / "README.md").read_text(encoding="utf-8")
    assert "Without `--backend` it is\n`torchvision`." in text
    assert "- `pil`: bit-exact" in text
    assert max(map(len, (line for line in text.splitlines() if not line.startswith("- `")))) <= 100


Change = Callable[[dict[str, Any]], object]
BROKEN: dict[str, tuple[Change, str]] = {
    "another format": (lambda m: m.update(format=2), "expected a kit of format 1, got 2"),
    "no format": (lambda m: m.pop("format"), "got None"),
    "a key too many": (lambda m: m.update(more=1), r"expected an object \(Manifest\)"),
    "a key too few": (lambda m: m.pop("cases"), r"expected an object \(Manifest\)"),
    "a number for a text": (lambda m: m["cases"][0].update(name=7), r"cases\[0\]: name: expected a text"),
    "a text for a number": (lambda m: m["cases"][0]["images"][0]["pixels"].update(shape=["9"]), "expected a whole number"),
    "true for a number": (lambda m: m["cases"][0]["images"][0]["pixels"].update(shape=[True]), "expected a whole number"),
    "an object for a list": (lambda m: m.update(cases={}), "cases: expected a list"),
    "a file outside": (
        lambda m: m["cases"][0]["images"][0]["pixels"].update(file="../x.npy"),
        "expected names of files in the kit",
    ),
    "an absolute file": (lambda m: m["cases"][0]["images"][0]["pixels"].update(file="/etc/passwd"), "expected names of files"),
    "a drive": (lambda m: m["cases"][0]["images"][0]["pixels"].update(file="C:\\x.npy"), "expected names of files"),
}


@pytest.mark.parametrize("case", BROKEN)
def test_other_files_are_refused(case: str, kit: Path, tmp_path: Path) -> None:
    change, message = BROKEN[case]
    content = json.loads((kit / "manifest.json").read_text(encoding="utf-8"))
    change(content)
    (tmp_path / "manifest.json").write_text(json.dumps(content), encoding="utf-8")
    with pytest.raises(ConfigError, match=message):
        read_manifest(tmp_path)


def test_what_is_no_kit_is_refused(kit: Path, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"expected a golden kit, found no manifest\.json"):
        read_manifest(tmp_path)
    (tmp_path / "manifest.json").write_text("[" * 100000, encoding="utf-8")
    with pytest.raises(ConfigError, match="deep"):
        read_manifest(tmp_path)
    shutil.copytree(kit, tmp_path / "copy")
    assert read_manifest(tmp_path / "copy") == read_manifest(kit)


def test_a_backend_that_the_kit_lacks(manifest: Manifest) -> None:
    assert manifest.section(None).backend == "torchvision"
    with pytest.raises(ConfigError, match="the kit has torchvision, pil, got 'opencv'"):
        manifest.section("opencv")
