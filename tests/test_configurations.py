"""`tools/configurations.py` tells equal configurations from refused and different ones."""

from __future__ import annotations

import importlib.util
import json
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

import graphproc as gp

CLIP = {"image_processor_type": "CLIPImageProcessor", "size": 40, "crop_size": 33}


@pytest.fixture
def tool(root: Path) -> ModuleType:
    spec = importlib.util.spec_from_file_location("configurations", root / "tools" / "configurations.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize("options", [{}, {"backend": "pil"}], ids=str)
def test_outcomes(tool: ModuleType, options: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def outcome(**settings: Any) -> str:
        (tmp_path / "preprocessor_config.json").write_text(json.dumps(settings))
        return str(tool.compare(tmp_path, options)[0])

    assert outcome(**CLIP) == tool.EQUAL
    assert outcome(image_processor_type="NoSuchImageProcessor") == tool.BOTH
    other = gp.CLIPImageProcessor(size=40, crop_size=33, image_mean=0.3)
    monkeypatch.setattr(gp.AutoImageProcessor, "from_pretrained", lambda *_, **__: other)
    assert outcome(**CLIP) == tool.DIFFERENT
