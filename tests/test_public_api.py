"""The public names: exactly these, each found where it says, and nothing by accident."""

from __future__ import annotations

import ast
from importlib import import_module
from pathlib import Path

import pytest
import tiers

import graphproc
from graphproc.processors.registry import specs
from graphproc.wrappers.processor import BaseImageProcessor

PUBLIC = {
    "AutoImageProcessor",
    "BaseImageProcessor",
    "BatchFeature",
    "CallPlan",
    "ConfigError",
    "EmitError",
    "FusionError",
    "GraphError",
    "GraphprocError",
    "ImageError",
    "ImageProcessingMixin",
    "MissingNameError",
    "Parity",
    "Pipeline",
    "Plan",
    "Program",
    "ProgramBuilder",
    "ProgramError",
    "Report",
    "RuntimeUnavailableError",
    "Session",
    "ShapeError",
    "TensorType",
    "TorchModule",
    "TracedBranchError",
    "UnsupportedProcessorError",
    "__version__",
    "check_kit",
    "for_transformers",
    "fuse",
    "joins",
    "ops",
    "parse",
    "register",
    "sizes",
    "verify",
    "write_kit",
}
"""To add a public name: add it here, to `graphproc._HOME` and to `graphproc.__all__`."""
MODULES = {"joins", "ops", "sizes"}


def test_the_list_is_this_one() -> None:
    assert set(graphproc.__all__) == PUBLIC - {"TorchModule"}  # which `import *` could not give without torch
    assert set(graphproc._HOME) == PUBLIC - MODULES - {"__version__"}
    assert set(graphproc._MODULES) == MODULES
    assert len(graphproc.__all__) == len(set(graphproc.__all__))


@pytest.mark.parametrize("name", sorted(graphproc._HOME))
def test_each_name_is_what_its_home_holds(name: str) -> None:
    assert getattr(graphproc, name) is getattr(import_module(graphproc._HOME[name]), name)


def test_type_checkers_see_the_same_names(root: Path) -> None:
    tree = ast.parse((root / "graphproc" / "__init__.py").read_text(encoding="utf-8"))
    (block,) = [node for node in tree.body if isinstance(node, ast.If)]
    found = {a.name: node.module for node in block.body if isinstance(node, ast.ImportFrom) for a in node.names}
    assert found == graphproc._HOME | dict.fromkeys(MODULES, "graphproc")


@tiers.each("name", sorted(specs()))
def test_every_processor_class_by_its_transformers_name(name: str) -> None:
    cls = getattr(graphproc, name)
    assert issubclass(cls, BaseImageProcessor)
    assert cls.__name__ == name
    assert name in dir(graphproc)


def test_dir_lists_public_names_and_processors() -> None:
    assert set(dir(graphproc)) == PUBLIC | set(specs())


@pytest.mark.parametrize("name", ["nothing", "CLIPImageProcessors", "NothingImageProcessor", "numpy"])
def test_other_names_are_attribute_errors(name: str) -> None:
    with pytest.raises(AttributeError, match=name):
        getattr(graphproc, name)


def test_the_message_for_an_unknown_class_names_the_nearest() -> None:
    with pytest.raises(AttributeError, match="CLIPImageProcessor"):
        _ = graphproc.CLIPPImageProcessor


def test_public_things_have_docstrings() -> None:
    for name in PUBLIC - {"__version__"}:
        assert getattr(graphproc, name).__doc__, name


def test_deliberate_errors_share_a_base_and_are_documented() -> None:
    errors = import_module("graphproc.errors")
    classes = [value for value in vars(errors).values() if isinstance(value, type)]
    assert len(classes) > 5
    for cls in classes:
        assert issubclass(cls, graphproc.GraphprocError)
        assert cls.__doc__
