"""The contestants that are timed give what they should, and those that are not installed are left out with a reason."""

from __future__ import annotations

import importlib.util
import time
from importlib import import_module
from typing import Any

import numpy as np
import pytest
import tiers
from PIL import Image

import graphproc as gp
from graphproc.bench import task as library
from graphproc.bench.contestants import contestants
from graphproc.bench.extensions import EXTENSIONS
from graphproc.bench.floor import FLOOR
from graphproc.bench.own import FIXED, FIXED_OTHER, GRAPH, GRAPH_OTHER, KERNELS, KERNELS_OTHER, OWN, kernels
from graphproc.bench.peers import PIL_ARRAY, PIL_IMAGE, PILLOW, TORCHVISION_ARRAY, TORCHVISION_TENSOR
from graphproc.bench.task import Contestant, Difference, Task, difference
from graphproc.errors import ConfigError
from graphproc.ir.backends import BACKENDS
from graphproc.runtime import native
from graphproc.wrappers.examples import photograph

PHOTO = photograph()[:60, :90]
CLIP = gp.CLIPImageProcessor(size=40, crop_size=32)
PROCESSORS = {
    "CLIP": CLIP,
    "DETR": gp.DetrImageProcessor(size={"shortest_edge": 50, "longest_edge": 70}),  # two outputs, and a mask
    "Qwen2-VL": gp.Qwen2VLImageProcessor(),  # images in a row
    "VitMatte": gp.VitMatteImageProcessor(),  # an extra input
    "SuperGlue": gp.SuperGlueImageProcessor(size={"height": 40, "width": 50}),  # two images in each sample
}


def by_name(found: list[Contestant]) -> dict[str, Contestant]:
    return {contestant.name: contestant for contestant in found}


def checked(contestant: Contestant) -> Difference | None:
    with contestant.around():
        result = contestant.call()
        return None if contestant.compare is None else contestant.compare(result)


@pytest.mark.parametrize("batch", tiers.rows([1, 3], [3]))
@pytest.mark.parametrize("name", tiers.rows(PROCESSORS, [*PROCESSORS][:2]))
def test_own_contestants_and_the_numpy_reference_give_the_same_bits(name: str, batch: int) -> None:
    if name == "SuperGlue" and batch > 1:
        pytest.skip("its two images are a run")
    task = Task(PROCESSORS[name], PHOTO, batch)
    both = len(task.processor.spec.backends) == len(BACKENDS)
    theirs = (PIL_ARRAY, PIL_IMAGE, *[TORCHVISION_ARRAY] * both)
    found, lines = contestants(task, names=(*OWN, *theirs))
    without = native.path() is None or any("has no op with a kernel" in line for line in lines)
    none = {KERNELS, KERNELS_OTHER} if without else set()
    assert set(by_name(found)) == {*OWN, *theirs} - (set() if both else {GRAPH_OTHER, FIXED_OTHER, KERNELS_OTHER}) - none
    for contestant in found:
        assert contestant.batch == batch
        assert checked(contestant) == Difference(0, sum(v.size for v in task.expected.values()), 0.0), contestant.name


def test_each_number_of_threads_has_an_contestant_of_its_own() -> None:
    found, _ = contestants(Task(CLIP, PHOTO), threads=(1, 2), names=(GRAPH, FIXED, PILLOW, PIL_ARRAY))
    assert [(e.name, e.threads) for e in found] == [
        (GRAPH, 1),
        (GRAPH, 2),
        (FIXED, 1),
        (FIXED, 2),
        (PIL_ARRAY, None),
        (PILLOW, None),
    ]


def test_the_fixed_graph_is_fixed(monkeypatch: pytest.MonkeyPatch) -> None:
    sizes = []
    made = gp.BaseImageProcessor.to_onnx

    def noted(processor: Any, **options: Any) -> Any:
        sizes.append(options.get("image_size"))
        return made(processor, **options)

    monkeypatch.setattr(gp.BaseImageProcessor, "to_onnx", noted)
    contestants(Task(CLIP, PHOTO), names=(GRAPH, FIXED))
    assert sizes == [None, (60, 90)]


def test_pillow_resizes_to_the_program_s_size(monkeypatch: pytest.MonkeyPatch) -> None:
    calls = []
    real = Image.Image.resize

    def noted(image: Image.Image, size: tuple[int, int], filter: int) -> Image.Image:
        calls.append((image.size, size, filter))
        return real(image, size, filter)

    monkeypatch.setattr(Image.Image, "resize", noted)
    (contestant,), _ = contestants(Task(CLIP, PHOTO, 2), names=(PILLOW,))
    assert checked(contestant) == Difference(0, 40 * 60 * 3, 0.0)
    assert calls == [((90, 60), (60, 40), Image.Resampling.BICUBIC)] * 2


def test_torchvision_has_its_backends_bits_and_the_threads() -> None:
    torch = import_module("torch")
    before = torch.get_num_threads()
    task = Task(gp.CLIPImageProcessorPil(size=40, crop_size=32), PHOTO)
    (contestant,), _ = contestants(task, threads=(before + 1,), names=(TORCHVISION_TENSOR,))
    with contestant.around():
        assert torch.get_num_threads() == before + 1
    found = checked(contestant)
    assert torch.get_num_threads() == before
    assert found is not None
    assert found.differing == 0
    assert contestant.note == "compared with the backend torchvision"


@pytest.mark.parametrize("backend", BACKENDS)
def test_graphs_of_the_other_backend_have_their_own_reference(backend: str) -> None:
    task = Task(gp.CLIPImageProcessor(size=40, crop_size=32, backend=backend), PHOTO)
    found, _ = contestants(task, names=(GRAPH, GRAPH_OTHER, FIXED_OTHER))
    (other_backend,) = {*BACKENDS} - {backend}
    assert [contestant.note for contestant in found] == ["", *[f"compared with the backend {other_backend}"] * 2]
    assert [checked(contestant).differing for contestant in found] == [0, 0, 0]  # type: ignore[union-attr]
    other = task.compare(found[1].call())
    assert other.differing > 0
    assert other.max_difference is not None
    assert other.max_difference < 0.05


def test_where_there_is_no_other_backend_the_reason_is_said() -> None:
    for processor, reason in (
        (gp.DepthProImageProcessor(), "DepthProImageProcessor has the backend torchvision alone"),
        (gp.CLIPImageProcessorPil(resample=4), "CLIPImageProcessor does not have the backend torchvision with these settings"),
    ):
        _, lines = contestants(Task(processor, PHOTO), names=(GRAPH_OTHER,))
        assert lines == [f"{GRAPH_OTHER}: {reason}"]


@pytest.mark.skipif(importlib.util.find_spec("onnxruntime_extensions") is None, reason="it is not installed")
def test_extensions_are_near_and_their_decoding_is_not_counted() -> None:
    (contestant,), _ = contestants(Task(CLIP, PHOTO), names=(EXTENSIONS,))
    found = checked(contestant)
    assert found is not None
    assert found.max_difference is not None
    assert found.max_difference < 1e-6  # this contestant rescales in float32
    assert contestant.timed is not None
    assert 0 < contestant.timed(time.perf_counter) < 1


@pytest.mark.parametrize("missing", tiers.rows(["transformers", "torchvision", "onnxruntime_extensions.pp_api"], ["torchvision"]))
def test_what_is_not_installed_is_left_out_with_a_reason(missing: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def absent(name: str) -> Any:
        if name == missing:
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)
        return import_module(name)

    monkeypatch.setattr(library, "import_module", absent)
    found, lines = contestants(Task(CLIP, PHOTO))
    names = set(by_name(found))
    assert names >= {*OWN, PILLOW, FLOOR} - (set() if native.path() else {KERNELS, KERNELS_OTHER})
    if missing == "transformers":
        assert not [name for name in names if name.startswith("transformers")]
    if missing == "torchvision":
        assert PIL_ARRAY in names
        assert not [name for name in names if "Torchvision" in name]
    package = missing.split(".")[0].replace("_", "-")
    assert any(f"is not installed (pip install {package})" in line for line in lines)


def test_contestants_without_words_for_the_processor_say_so() -> None:
    no_resize = gp.CLIPImageProcessor(do_resize=False)
    found, lines = contestants(Task(no_resize, PHOTO), names=(PILLOW,))
    assert found == []
    assert lines == [f"{PILLOW}: CLIPImageProcessor has no resize to a size that is known beforehand"]
    found, lines = contestants(Task(gp.NougatImageProcessor(), PHOTO), names=(PILLOW,))
    assert found == [], "its sizes are found in the pixels"


@pytest.mark.skipif(importlib.util.find_spec("onnxruntime_extensions") is None, reason="it is not installed")
def test_extensions_have_no_words_for_masks() -> None:
    found, lines = contestants(Task(PROCESSORS["DETR"], PHOTO), names=(EXTENSIONS,))
    assert found == []
    assert lines == [f"{EXTENSIONS}: it cannot express what DetrImageProcessor does"]


def test_kernels_of_each_instruction_set_give_the_same_bits() -> None:
    if native.path() is None:
        pytest.skip(str(native.reason()))
    task, before, used = Task(CLIP, PHOTO), native.instruction_set(), []
    names = {name: name for name in native.INSTRUCTION_SETS}
    found = list(kernels(task, (1, 2), {"auto": "newest", **names}))
    assert {(c.name, c.threads) for c in found} == {(n, t) for n in ("newest", *native.library().available) for t in (1, 2)}
    for contestant in found:
        with contestant.around():
            used.append((contestant.name, native.instruction_set()))
            assert task.compare(contestant.call()).differing == 0
    assert set(used) == {("newest", native.library().available[-1]), *((name, name) for name in native.library().available)}
    assert native.instruction_set() == before


def test_graphs_run_without_kernels_and_kernels_are_left_out_with_a_reason(monkeypatch: pytest.MonkeyPatch) -> None:
    made = []
    monkeypatch.setattr(
        "graphproc.runtime.session.Session.__init__", lambda self, model, **options: made.append(options["kernels"])
    )
    contestants(Task(CLIP, PHOTO), names=(GRAPH, FIXED))
    assert made == [False, False]
    monkeypatch.undo()
    monkeypatch.setenv(native.VARIABLE, "off")
    found, lines = contestants(Task(CLIP, PHOTO), names=(KERNELS, KERNELS_OTHER))
    assert (found, lines) == ([], [f"{name}: GRAPHPROC_KERNELS is off" for name in (KERNELS, KERNELS_OTHER)])


def test_the_floor_copies_the_input_and_writes_the_output(monkeypatch: pytest.MonkeyPatch) -> None:
    task = Task(CLIP, PHOTO, 2)
    copied: list[Any] = []
    monkeypatch.setattr(np, "copyto", lambda to, source: copied.append((to.shape, source)))
    (contestant,), _ = contestants(task, names=(FLOOR,))
    assert checked(contestant) is None
    ((shape, source),) = copied
    assert shape == (2, *PHOTO.shape)
    np.testing.assert_array_equal(source, [PHOTO, PHOTO])
    (output,) = contestant.call.__closure__[1].cell_contents  # type: ignore[attr-defined]
    assert (output.shape, output.dtype, output.min()) == ((2, 3, 32, 32), np.float32, 1)


def test_samples_of_several_images_are_one_run() -> None:
    with pytest.raises(ConfigError, match="samples of 2 images"):
        Task(PROCESSORS["SuperGlue"], PHOTO, 2)


@pytest.mark.parametrize("name", OWN)
def test_every_maker_makes_what_its_name_says(name: str) -> None:
    if name in (KERNELS, KERNELS_OTHER) and native.path() is None:
        pytest.skip(str(native.reason()))
    assert [contestant.name for contestant in OWN[name](Task(CLIP, PHOTO), (1,))] == [name]


# ---- comparing


ONES = np.ones((2, 3), np.float32)


@pytest.mark.parametrize(
    ("expected", "found", "result", "text"),
    [
        ({"a": ONES}, {"a": ONES, "b": 3}, Difference(0, 6, 0.0), "yes"),
        ({"a": ONES * np.nan}, {"a": ONES * np.nan}, Difference(0, 6, 0.0), "yes"),
        (
            {"a": ONES},
            {"a": ONES + np.eye(2, 3, dtype="f4") / 4},
            Difference(2, 6, 0.25),
            "no: 2 of 6 elements (33.3 %), by up to 0.25",
        ),
        ({"a": ONES}, {"a": ONES * np.nan}, Difference(6, 6, np.inf), "no: 6 of 6 elements (100 %), by up to inf"),
        ({"a": ONES}, {"a": ONES[:1]}, Difference(6, 6, None), "no: 6 of 6 elements (100 %), another shape or dtype"),
        ({"a": ONES}, {"a": ONES.astype(np.float64)}, Difference(6, 6, None), None),
        ({"a": ONES}, {}, Difference(6, 6, None), None),
        ({"a": ONES, "b": np.zeros((0, 4))}, {"a": ONES}, Difference(0, 6, 0.0), "yes"),
        ({"a": np.array([0, 255], np.uint8)}, {"a": [0, 255]}, Difference(2, 2, None), None),
        ({"a": np.array([0, 255], np.uint8)}, {"a": np.array([255, 255], np.uint8)}, Difference(1, 2, 255.0), None),
    ],
)
def test_difference(expected: Any, found: Any, result: Difference, text: str | None) -> None:
    assert difference(expected, found) == result
    assert text in (None, str(result))
