"""What `help` says of a class: the facts of its spec, the same as `graphproc list`."""

from __future__ import annotations

import inspect
import json
import pydoc
import subprocess
import sys

import pytest
import tiers
from typer.testing import CliRunner

import graphproc as gp
from graphproc.cli.main import app
from graphproc.processors.registry import lookup, specs
from graphproc.wrappers.description import explained, facts, text
from graphproc.wrappers.processor import processor_class


@tiers.each("name", specs())
def test_help_lists_settings_inputs_and_outputs(name: str) -> None:
    found, spec = text(specs()[name]), specs()[name]
    assert max(map(len, found.splitlines())) <= 100
    words = " ".join(found.split())
    for key, setting in spec.declared.items():
        assert f" {key} = " in words
        assert setting.meaning[:-1] in words
    for extra in spec.extra_inputs.values():
        assert f" {extra.keyword} " in words
    for output in spec.shown_outputs:
        assert f" {output} " in words
    assert spec.limitations in words


def test_help_is_plain_text_and_the_class_s_documentation() -> None:
    assert inspect.getdoc(gp.CLIPImageProcessor) == text(lookup("CLIPImageProcessor")).rstrip()
    assert gp.CLIPImageProcessor().__doc__ == gp.CLIPImageProcessor.__doc__
    shown = pydoc.plain(pydoc.render_doc(gp.CLIPImageProcessor))
    assert "size = {'shortest_edge': 224}" in shown
    assert "pip install" not in shown


def test_a_named_backend_and_a_subclass_have_a_documentation_too() -> None:
    assert inspect.getdoc(processor_class("CLIPImageProcessorFast")).startswith("CLIPImageProcessor with torchvision")  # type: ignore[union-attr]
    own = type("Own", (gp.CLIPImageProcessor,), {})
    assert inspect.getdoc(own) == inspect.getdoc(gp.CLIPImageProcessor)


def test_a_switch_says_what_the_class_s_own_step_does() -> None:
    swin = lookup("Swin2SRImageProcessor")
    assert explained(swin, "do_pad") == "Pad the image: mirrored at the bottom and right up to the next larger multiple."
    assert explained(swin, "do_rescale") == "Multiply pixels by `rescale_factor`."


@pytest.mark.parametrize("name", ["BeitImageProcessor", "Swin2SRImageProcessor", "Lfm2VlImageProcessor"])
def test_list_shows_the_same_facts(name: str) -> None:
    shown = json.loads(CliRunner().invoke(app, ["list", name, "--json"]).stdout)
    found = facts(lookup(name))
    outputs = {output: entry["meaning"] for output, entry in shown.pop("outputs").items()}
    assert outputs == found.pop("outputs")
    assert shown == json.loads(json.dumps(found))


def test_a_class_loads_no_onnx_before_its_documentation_is_read() -> None:
    code = "import graphproc, sys; graphproc.CLIPImageProcessor; sys.exit('onnx' in sys.modules or 'onnxruntime' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
