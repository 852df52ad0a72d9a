"""Configuration files."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest
import transformers

from graphproc.configs import files
from graphproc.configs.files import read_json, read_labels
from graphproc.configs.sources import load_source
from graphproc.errors import ConfigError

CLIP = {"image_processor_type": "CLIPImageProcessor", "size": {"shortest_edge": 30}}


def settings_of(source: str | Path) -> Any:
    return load_source(source).settings


def write(path: Path, value: Any) -> Path:
    path.write_text(json.dumps(value), encoding="utf-8")
    return path


def test_a_file_is_read_whatever_its_name(tmp_path: Path) -> None:
    path = write(tmp_path / "some.json", CLIP)
    assert settings_of(path) == settings_of(str(path)) == CLIP


def test_a_folder_stands_for_its_preprocessor_config(tmp_path: Path) -> None:
    write(tmp_path / "preprocessor_config.json", CLIP)
    assert settings_of(tmp_path) == CLIP


@pytest.mark.parametrize("with_legacy", [True, False])
def test_a_nested_processor_config_wins(tmp_path: Path, with_legacy: bool) -> None:
    nested = {**CLIP, "size": {"shortest_edge": 40}}
    write(tmp_path / "processor_config.json", {"processor_class": "CLIPProcessor", "image_processor": nested})
    if with_legacy:
        write(tmp_path / "preprocessor_config.json", CLIP)
    assert settings_of(tmp_path) == nested
    assert dict(transformers.CLIPImageProcessorPil.from_pretrained(tmp_path).size) == nested["size"]


def test_a_processor_config_without_an_image_processor_does_not(tmp_path: Path) -> None:
    write(tmp_path / "processor_config.json", {"processor_class": "CLIPProcessor"})
    write(tmp_path / "preprocessor_config.json", CLIP)
    assert settings_of(tmp_path) == CLIP
    assert dict(transformers.CLIPImageProcessorPil.from_pretrained(tmp_path).size) == CLIP["size"]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"{", "expected a JSON object in UTF-8"),
        (b"", "expected a JSON object in UTF-8"),
        (b'{"size": \xff}', "expected a JSON object in UTF-8"),
        (b"[" * 200_000, "expected values nested at most 32 deep"),
        (b"[1]", "expected a JSON object, got list"),
        (b"null", "expected a JSON object, got NoneType"),
    ],
)
def test_what_is_no_json_object_is_refused_by_path(tmp_path: Path, content: bytes, message: str) -> None:
    path = tmp_path / "preprocessor_config.json"
    path.write_bytes(content)
    with pytest.raises(ConfigError, match=message) as caught:
        settings_of(tmp_path)
    assert str(caught.value).startswith(f"{path}: ")


def test_a_missing_file_is_refused_by_path(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"no such file. Give a folder with preprocessor_config.json"):
        settings_of(tmp_path)
    with pytest.raises(ConfigError, match=r"missing\.json: no such file"):
        settings_of(tmp_path / "missing.json")


def test_a_large_file_is_refused_unread(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = write(tmp_path / "a.json", {"a": "b" * 100})
    monkeypatch.setattr(files, "MAX_BYTES", 100)
    with pytest.raises(ConfigError, match="at most 100 bytes, got 109"):
        read_json(path)


def test_the_limit_is_above_real_files() -> None:
    assert files.MAX_BYTES >= 1 << 20


@pytest.mark.skipif(not hasattr(os, "mkfifo") or os.geteuid() == 0, reason="root reads everything")
def test_an_unreadable_file_is_refused(tmp_path: Path) -> None:
    path = write(tmp_path / "a.json", CLIP)
    path.chmod(0)
    with pytest.raises(ConfigError, match="cannot be read"):
        read_json(path)


def test_labels(tmp_path: Path) -> None:
    path = tmp_path / "config.json"
    for content in ('{"id2label": {"0": "cat", "11": "dog"}, "model_type": "vit"}', '{"0": "cat", "11": "dog"}'):
        path.write_text(content)
        assert read_labels(path) == {0: "cat", 11: "dog"}


@pytest.mark.parametrize(
    "content", ["{}", '{"id2label": {}}', '{"id2label": ["cat"]}', '{"a": "cat"}', '{"0": 3}', '{"-1": "cat"}']
)
def test_files_without_labels(content: str, tmp_path: Path) -> None:
    path = tmp_path / "config.json"
    path.write_text(content)
    with pytest.raises(ConfigError, match=r"config\.json: expected id2label, names by numbers such as"):
        read_labels(path)
