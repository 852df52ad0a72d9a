"""Choices: no optimizer takes them apart, and what they choose stays the same."""

from __future__ import annotations

import importlib.util
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import onnx
import pytest
import tiers

import graphproc as gp
from graphproc.errors import ConfigError
from graphproc.processors.registry import family, specs
from graphproc.wrappers.processor import processor_class

FAMILIES = {family(name): name for name in reversed(specs())}


@pytest.fixture(scope="module")
def tool(root: Path) -> ModuleType:
    spec = importlib.util.spec_from_file_location("fixed_dimensions", root / "tools" / "fixed_dimensions.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize("form", tiers.rows(["image", "batch"], ["batch"]))
@pytest.mark.parametrize("family", tiers.rows(FAMILIES, ["plain", "detection"]))
def test_every_dimension_can_be_fixed(family: str, form: str, tool: ModuleType, tmp_path: Path) -> None:
    """In a process of its own, which ONNX Runtime would end: as overrides and in the model, with the bits of the free graph."""
    try:
        path = processor_class(FAMILIES[family])().export(tmp_path / "graph.onnx", input=form)
    except ConfigError:
        pytest.skip("needs settings")
    found = tool.in_a_process(path, {"height": 96, "width": 144, "batch": 1})
    assert len(found) == 2
    assert [how for _, how in found] == ["same", "same"]


@pytest.mark.wide
@pytest.mark.parametrize("color", ["rgba", "gray"])
@pytest.mark.parametrize("name", ["CLIPImageProcessor", "Inkling2ImageProcessor", "NougatImageProcessor"])
def test_colours_in_graphs_of_fixed_dimensions(name: str, color: str, tool: ModuleType, tmp_path: Path) -> None:
    path = processor_class(name)().export(tmp_path / "graph.onnx", input="batch", color=color)
    found = tool.in_a_process(path, {"height": 96, "width": 144, "batch": 1})
    assert [how for _, how in found] == ["same", "same"]


def choices(graph: onnx.GraphProto, within: int = 0) -> Iterator[tuple[int, onnx.NodeProto, onnx.GraphProto]]:
    """Yield every choice, with the number of choices around it, and its graph."""
    for node in graph.node:
        if node.op_type == "If":
            yield within, node, graph
        for attribute in node.attribute:
            if attribute.HasField("g"):
                yield from choices(attribute.g, within + (node.op_type == "If"))


@pytest.mark.parametrize("form", ["image", "batch", "sequence"])
@pytest.mark.parametrize(("backend", "nested"), [("torchvision", 1), ("pil", 2)])
def test_choices_depend_on_the_input(backend: str, nested: int, form: str) -> None:
    """Pillow's resizes have one form more to choose from, and so one choice more that is inside another."""
    model = gp.DetrImageProcessor(backend=backend).to_onnx(input=form)
    inner = 0
    for within, node, graph in choices(model.graph):
        (made,) = [other for other in graph.node if node.input[0] in other.output]
        assert made.op_type == "Or"
        assert made.input[1].startswith("never/")
        inner += within > 0
    assert inner >= nested
    first = [node for node in model.graph.node if node.name.startswith("never/")]
    assert first[0].input[0] in ("image", "images")


def test_choices_without_loops_do_not_wait_for_a_device() -> None:
    """Pillow's resizes have choices in choices on this target."""
    model = gp.DetrImageProcessorPil().to_onnx(target="cuda")
    assert {within for within, _, _ in choices(model.graph)} == {0, 1}
    assert "never" not in onnx.printer.to_text(model)
