"""What EmitOptions refuses, and what emitting refuses."""

from __future__ import annotations

from typing import Any

import pytest

from graphproc.emitters.onnx.emit import IR_VERSION, EmitOptions, emit
from graphproc.errors import EmitError, ProgramError
from graphproc.processors.registry import specs


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"target": "gpu"}, "target: expected one of cpu, cuda, portable, got 'gpu'"),
        ({"input": "list"}, "input: expected one of batch, image, sequence, got 'list'"),
        ({"opset": 16}, "opset: expected 17 to 23, got 16"),
        ({"opset": 24}, "opset: expected 17 to 23, got 24"),
        ({"opset": "18"}, "opset: expected 17 to 23, got '18'"),
        ({"image_size": (0, 5)}, r"image_size: expected \(height, width\) of at least 1 pixel each, got \(0, 5\)"),
        ({"image_size": (5,)}, r"image_size: expected \(height, width\)"),
        ({"image_size": (5, 6, 3)}, r"image_size: expected \(height, width\)"),
        ({"target": "portable"}, r"target 'portable' has no float64 .* fix the image's size with image_size="),
    ],
    ids=str,
)
def test_refusals(settings: dict[str, Any], message: str) -> None:
    with pytest.raises(EmitError, match=message):
        EmitOptions(**settings)


def test_defaults() -> None:
    options = EmitOptions()
    assert (options.target, options.input, options.opset, options.image_size) == ("cpu", "batch", 18, None)
    assert IR_VERSION[options.opset] == 8


def test_a_size_that_breaks_a_precondition_is_refused() -> None:
    spec = specs()["PerceiverImageProcessor"]
    with pytest.raises(ProgramError, match="centre crop is less than 1 pixel"):
        emit(spec.program(spec.config({"do_resize": False})), EmitOptions(image_size=(1, 500)))
