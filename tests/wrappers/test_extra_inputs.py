"""What a call takes beside images, by position or by name, and what is said of it where it does not fit."""

from __future__ import annotations

import inspect
from typing import Any

import numpy as np
import pytest
from cases.parity import reference_class

import graphproc as gp
from graphproc.errors import ImageError
from graphproc.processors.registry import specs
from graphproc.wrappers.extra_inputs import by_name
from graphproc.wrappers.processor import processor_class

Array = np.ndarray[Any, Any]


def noise(*shape: int) -> Array:
    return np.random.default_rng(shape).integers(0, 256, shape, dtype=np.uint8)


IMAGES = [noise(30, 40, 3), noise(30, 40, 3)]
MAPS = [noise(30, 40) % 7, noise(30, 40) % 5]


@pytest.mark.parametrize("name", [name for name, spec in specs().items() if spec.arguments])
def test_arguments_have_the_order_of_transformers(name: str) -> None:
    transformers = pytest.importorskip("transformers")
    theirs = getattr(transformers, f"{name}Pil", None) or getattr(transformers, name)
    kinds = (inspect.Parameter.POSITIONAL_OR_KEYWORD,)
    try:
        theirs()  # a stand-in where a library that it needs is not installed
    except ImportError as error:
        pytest.skip(str(error).strip().splitlines()[0])
    except Exception:  # its settings are not complete, which its signature needs not
        pass
    wanted = [p.name for p in inspect.signature(theirs.preprocess).parameters.values() if p.kind in kinds][2:]
    ours = specs()[name].arguments
    assert list(ours) == wanted[: len(ours)]


def test_classes_without_extra_inputs_there_have_none_here() -> None:
    assert {name for name, spec in specs().items() if spec.extra_inputs or spec.texts} <= {
        n for n, r in specs().items() if r.arguments
    }
    assert specs()["CLIPImageProcessor"].arguments == ()


@pytest.mark.parametrize("method", ["__call__", "preprocess"])
@pytest.mark.parametrize(
    ("name", "values"),
    [
        ("BeitImageProcessor", {"segmentation_maps": MAPS}),
        ("VitMatteImageProcessor", {"trimaps": MAPS}),
        ("OneFormerImageProcessor", {"task_inputs": ["semantic"]}),
        ("SegGptImageProcessor", {"prompt_images": IMAGES[::-1], "prompt_masks": MAPS}),
        ("VideoLlavaImageProcessor", {"do_resize": True, "size": {"height": 20, "width": 30}}),
        ("VivitImageProcessor", {"do_resize": None, "size": {"shortest_edge": 240}}),
    ],
)
def test_by_position_is_by_name(name: str, values: dict[str, Any], method: str) -> None:
    ours = processor_class(name)()
    named = {key: value for key, value in values.items() if value is not None}
    expected = getattr(ours, method)(IMAGES, return_tensors="np", **named)
    found = getattr(ours, method)(IMAGES, *values.values(), return_tensors="np")
    assert list(found) == list(expected)
    for key, value in expected.items():
        np.testing.assert_array_equal(found[key], value)


def test_too_many_arguments() -> None:
    with pytest.raises(TypeError, match=r"images and then nothing else by position, got 1 .* Not compiled: annotations"):
        gp.DetrImageProcessor()(IMAGES[0], {})
    with pytest.raises(TypeError, match="images and then segmentation_maps by position, got 2"):
        gp.BeitImageProcessor()(IMAGES[0], MAPS[0], 3)


def test_an_argument_given_twice() -> None:
    with pytest.raises(TypeError, match="'segmentation_maps' is given by position and by name"):
        gp.BeitImageProcessor()(IMAGES[0], MAPS[0], segmentation_maps=MAPS[0])
    spec = specs()["BeitImageProcessor"]
    assert by_name(spec, [None], {"segmentation_maps": 1}) == {"segmentation_maps": 1}


@pytest.mark.parametrize("engine", ["onnxruntime", "numpy"])
@pytest.mark.parametrize("shape", [(31, 40), (30, 41), (3, 4)])
def test_a_map_of_another_size_than_its_image(engine: str, shape: tuple[int, int]) -> None:
    ours = gp.VitMatteImageProcessor(engine=engine)
    with pytest.raises(ImageError, match=r"^trimap: expected a (height|width) of (30|40), .* got \d+ "):
        ours(IMAGES[0], noise(*shape))
    with pytest.raises(ImageError, match=r"^image 1: trimap: expected a "):
        ours(IMAGES, [MAPS[0], noise(*shape)])
    with pytest.raises(ImageError, match="expected one for each of the 2 images, got 1"):
        ours(IMAGES, MAPS[:1])


def test_a_graph_says_so_as_well() -> None:
    session = gp.Session(gp.VitMatteImageProcessor().to_onnx())
    for trimaps in (noise(1, 31, 40), noise(1, 30, 41), noise(2, 30, 40)):
        with pytest.raises(
            ImageError, match=r"trimaps: expected axis \d of .* to be (height|width|batch) \d+, as of the inputs before"
        ):
            session.run({"images": IMAGES[0][None], "trimaps": trimaps})


@pytest.mark.slow
@pytest.mark.parametrize("backend", ["pil", "torchvision"])
def test_prompts_come_without_images(backend: str) -> None:
    rng = np.random.default_rng(0)
    image, labels = rng.integers(0, 256, (30, 40, 3)).astype(np.uint8), rng.integers(0, 3, (30, 40)).astype(np.uint8)
    theirs, ours = reference_class("SegGptImageProcessor", backend)(), gp.SegGptImageProcessor(backend=backend)
    for given in ({"prompt_images": [image]}, {"prompt_masks": [labels] * 2}, {"prompt_images": image, "prompt_masks": labels}):
        expected, found = (p(None, num_labels=3, return_tensors="np", **given) for p in (theirs, ours))
        assert list(found) == list(expected)
        for name in expected:
            np.testing.assert_array_equal(found[name], expected[name])
    with pytest.raises(ImageError, match="expected images or prompts, got neither"):
        ours(None)


def test_videos_are_no_input_of_images() -> None:
    with pytest.raises(TypeError, match=r"CLIPImageProcessor: 'videos' is no keyword of an image processor.*images=\[\[frame"):
        gp.CLIPImageProcessor()(np.zeros((9, 9, 3), np.uint8), videos=[])
