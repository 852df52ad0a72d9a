"""Steps' values as more outputs of a program: the values that it says, in every form of a graph."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pytest
import tiers
from cases.every_class import Variant, batched, distinct, inputs_of, program

import graphproc as gp
from graphproc.emitters.onnx.emit import EmitOptions, emit
from graphproc.executors import reference
from graphproc.ir.tapped import tapped
from graphproc.joins.stack import STACK
from graphproc.runtime import native
from graphproc.runtime.origin import of_described
from graphproc.runtime.session import Session
from graphproc.wrappers.verify import verify

Array = np.ndarray[Any, Any]
SIZE = (37, 53)


def images(*sizes: tuple[int, int]) -> list[Array]:
    rng = np.random.default_rng(5)
    return [rng.integers(0, 256, (*size, 3), dtype=np.uint8) for size in sizes]


def same(found: Mapping[str, Array], expected: Mapping[str, Array]) -> None:
    assert set(found) == set(expected)
    for name, want in expected.items():
        assert found[name].dtype == want.dtype, name
        assert np.array_equal(found[name], want, equal_nan=want.dtype.kind == "f"), name


@pytest.mark.slow
@pytest.mark.parametrize("variant", tiers.classes(distinct()), ids=str)
def test_every_step_of_every_class_is_what_the_program_says(variant: Variant) -> None:
    plain = program(variant)
    every = tapped(plain, [step.output.name for step in plain.steps])
    inputs = inputs_of(every, images(SIZE, SIZE))
    with np.errstate(all="ignore"):
        expected = reference.batch(every.outputs, [reference.run(every, one) for one in inputs])
    same(Session(emit(every, EmitOptions()).SerializeToString(), kernels=False).run(batched(every, inputs)), expected)


FORMS = {
    "cuda": {"target": "cuda"},
    "portable": {"target": "portable", "image_size": SIZE},
    "fixed": {"image_size": SIZE},
    "kernels": {"kernels": True},
    "opset 23": {"opset": 23},
}


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("backend", ["pil", "torchvision"])
def test_forms_of_a_graph(form: str, backend: str) -> None:
    processor = gp.CLIPImageProcessor(backend=backend, size=40, crop_size=32)
    names = [step.output.name for step in processor.compile().steps]
    session = gp.Session(processor.to_onnx(tap=names, **FORMS[form]))  # type: ignore[arg-type]
    (image,) = images(SIZE)
    expected = reference.run(processor.compile(tap=names), {"image": image})
    same(session(image[None]), {name: value[None] for name, value in expected.items()})
    assert session.outputs == ["pixel_values", *names]


def test_one_image_without_a_batch_axis() -> None:
    processor = gp.CLIPImageProcessor(size=40, crop_size=32)
    (image,) = images(SIZE)
    found = gp.Session(processor.to_onnx(input="image", tap=["resample"]))(image)
    expected = reference.run(processor.compile(tap=["resample"]), {"image": image})
    same(found, {name: value[None] for name, value in expected.items()})


@pytest.mark.slow
def test_a_sequence_stacks_equal_values_and_refuses_others() -> None:
    processor = gp.CLIPImageProcessor(size=40, crop_size=32)
    session = gp.Session(processor.to_onnx(input="sequence", tap=["center_crop"]))
    given = images((37, 53), (60, 41))
    expected = [reference.run(processor.compile(tap=["center_crop"]), {"image": image}) for image in given]
    same(session(given), {name: np.stack([one[name] for one in expected]) for name in ("pixel_values", "center_crop")})
    ragged = gp.Session(processor.to_onnx(input="sequence", tap=["resample"]))
    assert ragged(given[:1])["resample"].shape == (1, 3, 40, 57)
    with pytest.raises(gp.ImageError, match="one shape of all images for resample"):
        ragged(given)


@pytest.mark.slow
def test_samples_have_taps_too() -> None:
    processor = gp.LightGlueImageProcessor(size={"height": 24, "width": 32})
    program = processor.compile(tap=["to_channels_first"])
    assert program.outputs[-1].sample == STACK
    given = images(SIZE, SIZE)
    found = gp.Session(processor.to_onnx(tap=["to_channels_first"]))(np.stack(given))
    assert (found["to_channels_first"] == np.stack(given).transpose(0, 3, 1, 2)[None]).all()


@pytest.mark.slow
def test_a_graph_says_that_it_has_taps_and_is_verified_with_them() -> None:
    processor = gp.CLIPImageProcessor(size=40, crop_size=32)
    model = processor.to_onnx(tap=["center_crop", "center_crop", "resample"])
    (entry,) = [p.value for p in model.metadata_props if p.key == "graphproc.tap"]
    assert entry == '["center_crop", "resample"]'
    assert not [p for p in processor.to_onnx().metadata_props if p.key == "graphproc.tap"]
    report = verify(model)
    assert report.ok
    assert {c.output for c in report.comparisons} == {"pixel_values", "center_crop", "resample"}


@pytest.mark.skipif(native.path() is None, reason=str(native.reason()))
@pytest.mark.slow
def test_a_session_emits_a_graph_with_taps_anew() -> None:
    """With kernels, and for a size that comes often, it has the same outputs."""
    processor = gp.CLIPImageProcessor(size=40, crop_size=32)
    session = gp.Session(processor.to_onnx(tap=["resample"]).SerializeToString(), specialise_after=2)
    (image,) = images(SIZE)
    expected = reference.run(processor.compile(tap=["resample"]), {"image": image})
    for _ in range(4):
        same(session(image[None]), {name: value[None] for name, value in expected.items()})


def test_the_description_leads_back_to_the_program() -> None:
    processor = gp.CLIPImageProcessor(size=40, crop_size=32)
    origin = of_described(processor.to_onnx(tap=["resample"]).SerializeToString())
    assert origin is not None
    assert origin.program == processor.compile(tap=["resample"])


@pytest.mark.slow
def test_a_torch_module_returns_them() -> None:
    torch = pytest.importorskip("torch")
    processor = gp.ViTImageProcessor(size=24)
    (image,) = images(SIZE)
    found = processor.to_torch(tap=["resample"])(torch.from_numpy(image[None]))
    expected = reference.run(processor.compile(tap=["resample"]), {"image": image})
    assert (found["resample"].numpy()[0] == expected["resample"]).all()


def test_what_is_no_step_is_refused() -> None:
    processor = gp.CLIPImageProcessor()
    with pytest.raises(gp.ProgramError, match=r"got 'resize'. It has to_channels_first, resample, center_crop, normalize\."):
        processor.to_onnx(tap=["resize"])
    with pytest.raises(gp.ProgramError, match="'image'"):
        processor.compile(tap=["image"])


def test_names_that_outputs_have_already() -> None:
    b = gp.ProgramBuilder("Named")
    x = b.add(gp.ops.ToChannelsFirst(), b.input("image", "u8[height, width, 3] HWC"))
    b.output("to_channels_first", x)
    same_name = b.finish()
    assert tapped(same_name, ["to_channels_first"]) == same_name
    b = gp.ProgramBuilder("Named")
    x = b.add(gp.ops.ToChannelsFirst(), b.input("image", "u8[height, width, 3] HWC"))
    b.output("to_channels_first", x.cast("f32"))
    with pytest.raises(gp.ProgramError, match="has an output 'to_channels_first' already"):
        tapped(b.finish(), ["to_channels_first"])


def test_a_file_is_what_to_onnx_gives(tmp_path: Any) -> None:
    processor = gp.ViTImageProcessor(size=24)
    path = processor.export(tmp_path / "tapped.onnx", tap=["resample"])
    assert path.read_bytes() == processor.to_onnx(tap=["resample"]).SerializeToString(deterministic=True)
