"""The specs of classes: names, defaults and lookup, against the classes of transformers."""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from contextlib import suppress
from itertools import product
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import tiers
import transformers
from cases.every_class import SMALL
from cases.parity import CASES, keywords, ours, picture, reference_class, theirs, variants

from graphproc.configs.classes import STEMS, SUFFIX
from graphproc.errors import ConfigError, GraphprocError, UnsupportedProcessorError
from graphproc.processors import registry
from graphproc.processors.registry import family, lookup, specs
from graphproc.wrappers.calls import CALL_ONLY_KEYS
from graphproc.wrappers.processor import processor_class


def plain(value: Any) -> Any:
    """Return a setting of transformers as this package holds it."""
    if isinstance(value, transformers.image_utils.SizeDict):
        return dict(value)
    return tuple(plain(item) for item in value) if isinstance(value, list) else value


@tiers.each("name", specs())
def test_defaults_are_those_of_transformers(name: str) -> None:
    if name == "TimmWrapperImageProcessor":
        pytest.skip("transformers' class has no defaults: it needs the settings of a model, and timm")
    ours, theirs = processor_class(name)(), reference_class(name)()
    keys = set(specs()[name].declared) - set(CASES[name].derived)
    assert {key: plain(getattr(ours, key)) for key in keys} == {key: plain(getattr(theirs, key, None)) for key in keys}


@tiers.each("name", specs())
def test_every_declared_setting_of_transformers_is_declared(name: str) -> None:
    theirs = reference_class(name)
    # Classes without a backend name some settings in the constructor alone.
    declared = {*theirs.valid_kwargs.__annotations__, *inspect.signature(theirs.__init__).parameters}
    declared -= {"self", "args", "kwargs", *CALL_ONLY_KEYS}
    assert declared == set(specs()[name].config({}).settings) - set(CALL_ONLY_KEYS)


@tiers.each("name", specs())
def test_input_names_are_those_of_transformers(name: str) -> None:
    assert processor_class(name).model_input_names == reference_class(name).model_input_names
    assert processor_class(name).__name__ == name


SEVERAL = {name: family(name) for name, spec in specs().items() if len(spec.outputs) > 1}
"""The classes with several outputs, and their families."""


@pytest.mark.parametrize("name", tiers.rows(SEVERAL, {group: name for name, group in SEVERAL.items()}.values()))
def test_outputs_are_those_of_programs_in_the_order_of_transformers(name: str) -> None:
    spec, made = specs()[name], list(specs()[name].texts)
    for backend, settings in product(spec.backends, variants(name).values()):
        with suppress(GraphprocError):
            config = spec.config({key: value for key, value in settings.items() if key != "backend"})
            made += [output.name for output in spec.program(config, extra_inputs=[*spec.extra_inputs], backend=backend).outputs]
    assert set(spec.outputs) <= set(made)
    settings, image = {**CASES[name].always, **SMALL.get(name, {}), "backend": spec.backends[0]}, picture((40, 72), "noise")
    given = {**keywords(name, [image]), "return_tensors": "np" if spec.backends[0] == "pil" else "pt"}
    found, expected = (make(name, settings)(image, **given) for make in (ours, theirs))
    assert list(found) == list(expected)
    assert [output for output in spec.outputs if output in found] == [output for output in found if output in spec.outputs]


def test_rows_are_in_alphabetical_order_under_their_own_names() -> None:
    assert list(specs()) == sorted(specs(), key=str.lower)
    assert all(spec.name == name for name, spec in specs().items())


def test_every_class_of_transformers_has_a_row() -> None:
    assert set(specs()) == {f"{stem}{SUFFIX}" for stem in STEMS}


def test_every_module_of_a_family_has_specs_and_cases(root: Path) -> None:
    def found(folder: Path, text: str) -> set[str]:
        files = (path for path in folder.rglob("*.py") if text in path.read_text(encoding="utf-8"))
        return {".".join(path.relative_to(folder).with_suffix("").parts) for path in files}

    assert found(root / "graphproc" / "processors", "\nSPECS = (") == {f"families.{name}" for name in registry.modules()}
    assert found(root / "tests" / "cases" / "processors", "\nCASES") == set(registry.modules())


def test_a_name_with_two_rows_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    first = next(iter(specs().values()))
    monkeypatch.setattr(registry, "import_module", lambda _: SimpleNamespace(SPECS=(first, first)))
    with pytest.raises(AssertionError, match=first.name):
        specs.__wrapped__()  # type: ignore[attr-defined]


@pytest.mark.parametrize("suffix", ["ImageProcessor", "ImageProcessorFast", "ImageProcessorPil", "FeatureExtractor"])
def test_lookup_by_every_suffix(suffix: str) -> None:
    assert lookup(f"CLIP{suffix}").name == "CLIPImageProcessor"
    assert lookup(f"MobileNetV2{suffix}").name == "MobileNetV2ImageProcessor"


NEAREST: Mapping[str, str] = {
    "CLIPImageProcesor": "CLIPImageProcessor",
    "ClipImageProcessor": "CLIPImageProcessor",
    "VitImageProcessorFast": "ViTImageProcessor",
    "PoolformerFeatureExtractor": "PoolFormerImageProcessor",
}


@pytest.mark.parametrize("name", NEAREST)
def test_an_unsupported_name_is_answered_with_the_nearest(name: str) -> None:
    with pytest.raises(UnsupportedProcessorError, match=NEAREST[name]) as caught:
        lookup(name)
    assert str(caught.value).startswith(f"{name}:")


def test_a_name_like_no_other_is_refused() -> None:
    with pytest.raises(UnsupportedProcessorError, match="supported"):
        lookup("")


EXTRA_INPUTS: Mapping[str, tuple[str, ...]] = {
    "segmentation_map": ("labels",),
    "prompt_depth": ("prompt_depth",),
    "prompt_image": ("prompt_pixel_values",),
    "prompt_map": ("prompt_masks",),
}
"""The outputs that an optional input brings."""
FITTING = {"ImageGPTImageProcessor": {"clusters": [[0.0, 0.0, 0.0]]}, "TimmWrapperImageProcessor": {"pretrained_cfg": {}}}
"""Settings of classes that have no default for them."""


@pytest.mark.parametrize("name", tiers.names([*specs()]))
def test_the_outputs_that_tables_show_are_those_of_the_programs(name: str) -> None:
    spec = specs()[name]
    config = spec.config(FITTING.get(name, {}))
    always = [output for output in spec.shown_outputs if not output.startswith("[")]
    optional = {output.strip("[]") for output in spec.shown_outputs} - set(always)
    inputs = [input for input, extra in spec.extra_inputs.items() if not extra.required]
    for backend in spec.backends:
        assert [o.name for o in spec.program(config, backend=backend).outputs] == always
        for input in inputs:
            found = {o.name for o in spec.program(config, backend=backend, extra_inputs=[input]).outputs}
            assert found - set(always) == set(EXTRA_INPUTS[input]) <= optional
    # What no input brings, a text or a setting does.
    left = optional - {output for input in inputs for output in EXTRA_INPUTS[input]} - set(spec.texts)
    if left:
        assert left <= {o.name for o in spec.program(spec.config({"do_pad": True, "fine_route": True})).outputs}
    assert set(spec.outputs) <= {output.strip("[]") for output in spec.shown_outputs}


def test_a_size_of_null_is_no_size_to_crop_in_proportion_to() -> None:
    with pytest.raises(ConfigError, match="size: expected height and width, got None"):
        processor_class("PerceiverImageProcessor")(size=None, do_resize=False).compile()


@pytest.mark.parametrize(
    ("name", "settings", "message"),
    [
        ("Owlv2ImageProcessor", {"do_rescale": False}, "do_rescale: Owlv2ImageProcessor is compiled for floats alone"),
        ("SuperGlueImageProcessor", {"do_rescale": False, "do_grayscale": True, "backend": "pil"}, "do_rescale: not compiled"),
        ("ZoeDepthImageProcessor", {"resample": 3}, "is compiled with bilinear .2. alone"),
        (
            "ImageGPTImageProcessor",
            {"clusters": [[0, 0, 0]], "do_rescale": False, "do_normalize": False},
            "clusters are no bytes",
        ),
    ],
)
def test_what_the_table_calls_not_compiled_is_refused(name: str, settings: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        processor_class(name)(**settings).compile()
    assert lookup(name).limitations
