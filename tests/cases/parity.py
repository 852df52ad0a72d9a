"""What the parity tests and `tools/parity.py` compare: settings for every processor class, images, and three results.

The three are the ONNX graph in ONNX Runtime, the numpy reference, and transformers' class of the same backend: the
Pillow one, unless the settings have a `backend`. `CASES`, collected from the modules of `processors`, names every
class, so that a new spec without a case is noticed.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Iterator, Mapping
from functools import cache
from importlib import import_module
from typing import Any

import numpy as np
import transformers
from cases.processors.case import Content, ProcessorCase, Settings, Size
from PIL import Image

from graphproc.errors import GraphprocError
from graphproc.ir.program import Program
from graphproc.ir.types import DTYPES
from graphproc.processors import parity
from graphproc.processors.registry import lookup, modules
from graphproc.runtime.session import Session
from graphproc.sizes import num
from graphproc.wrappers.examples import photograph
from graphproc.wrappers.extra_inputs import read_extra_inputs
from graphproc.wrappers.processor import BaseImageProcessor, processor_class

transformers.logging.set_verbosity_error()

Array = np.ndarray[Any, Any]

CASES: Mapping[str, ProcessorCase] = {
    name: case for module in modules() for name, case in import_module(f"cases.processors.{module}").CASES.items()
}

PYTHON_FLOATS = {"image_scale_factors"}
"""Outputs of Python floats; torch would make float32 of them."""

FILTERS = ("nearest", "lanczos", "bilinear", "bicubic", "box", "hamming")
OFF = dict.fromkeys(("do_convert_rgb", "do_resize", "do_center_crop", "do_rescale", "do_normalize", "do_pad"), False)


def backend_of(name: str, settings: Settings) -> str:
    """Return the backend that settings ask for, or else the class's first one."""
    return lookup(name).check_backend(settings.get("backend"))


def variants(name: str, backend: str = "") -> dict[str, Settings]:
    """Return the settings to try a class with, by label, the defaults first; an empty `backend` is the class's first."""
    case = CASES[name]
    found: dict[str, Settings] = {"default": {}} | (_standard(name) if case.standard else {})
    every = {**case.always, **({"backend": backend} if backend else {})}
    return {label: {**every, **settings} for label, settings in (found | dict(case.extra)).items()}


def _standard(name: str) -> dict[str, Settings]:
    """Return the settings to try every class with the standard steps with."""
    small: Settings = (
        {"size": {"shortest_edge": 61}}
        if "shortest_edge" in lookup(name).defaults["size"]
        else {"size": {"height": 61, "width": 45}}
    )
    crop = {"do_center_crop": True}
    found: dict[str, Settings] = {f"filter {label}": {**small, "resample": code} for code, label in enumerate(FILTERS)}
    found |= {
        f"size {size}": {"size": size}
        for size in (
            96,
            (70, 91),
            {"height": 90, "width": 131},
            {"height": 301, "width": 260},
            {"shortest_edge": 75},
            {"shortest_edge": 60, "longest_edge": 90},
            {"max_height": 80, "max_width": 120},
            {"longest_edge": 70},
            {"min_pixels": 400, "max_pixels": 9000},
        )
    }
    found |= {
        "crop above the image": {**small, **crop, "crop_size": {"height": 331, "width": 278}},
        "crop odd": {**small, **crop, "crop_size": {"height": 33, "width": 41}},
        "crop even": {**small, **crop, "crop_size": 44},
        "crop, one side above": {**small, **crop, "crop_size": {"height": 20, "width": 97}},
        "crop alone": {**OFF, **crop, "crop_size": {"height": 45, "width": 46}},
        "crop by shortest_edge": {**small, **crop, "crop_size": {"shortest_edge": 44}},
        "all off": OFF,
    }
    found |= {f"{key} false": {**small, key: False} for key in OFF if key != "do_pad"}
    found |= {
        "rescale alone": {**OFF, "do_rescale": True, **crop, "crop_size": 50},
        "normalize alone": {**OFF, "do_normalize": True, **crop, "crop_size": 50},
        "resize alone": {**OFF, "do_resize": True, **small},
    }
    found |= {
        "mean and std": {**small, "image_mean": [0.1, 0.47, 0.9], "image_std": [0.31, 0.6, 1.2]},
        "mean and std, numbers": {**small, "image_mean": 0.4, "image_std": 0.2},
        "mean, integers": {**small, "image_mean": [0, 1, 0], "image_std": [1, 2, 1]},
        "mean of one element": {**small, "image_mean": [0.4]},
        "std of two elements": {**small, "image_std": [0.4, 0.2]},
        "rescale_factor 1/127.5": {**small, "rescale_factor": 1 / 127.5},
        "rescale_factor 0.0078": {**small, "rescale_factor": 0.0078},
        "rescale_factor 1": {**small, "rescale_factor": 1},
    }
    found |= {
        f"{key} null": {**small, key: None}
        for key in ("size", "resample", "rescale_factor", "image_mean", "image_std", "do_resize", "do_normalize")
    }
    found |= {
        "crop_size null": {**small, **crop, "crop_size": None},
        "do_pad": {"size": {"height": 90, "width": 71}, "do_center_crop": False, "do_pad": True, "pad_size": 130},
        "do_pad, no pad_size": {**small, "do_pad": True},
        "do_pad, too small": {**small, "do_pad": True, "pad_size": {"height": 30, "width": 300}},
        "int size, default_to_square true": {"size": 66, "default_to_square": True},
        "int size, default_to_square false": {"size": 66, "default_to_square": False},
        "int size, default_to_square null": {"size": 66, "default_to_square": None},
    }
    return found


def ours(name: str, settings: Settings) -> BaseImageProcessor:
    """Return this package's processor."""
    return processor_class(name)(**settings)


def reference_class(name: str, backend: str | None = None) -> Any:
    """Return the class of transformers to compare with: the backend's, or the only one."""
    pil = lookup(name).check_backend(backend) == "pil"
    return (getattr(transformers, f"{name}Pil", None) if pil else None) or getattr(transformers, name)


def theirs(name: str, settings: Settings) -> Any:
    """Return transformers' processor, or whatever else the case compares with."""
    make, backend = CASES[name].reference, settings.get("backend")
    own = {key: value for key, value in settings.items() if key != "backend"}
    return reference_class(name, backend)(**own) if make is None else make(own)


@cache
def _photograph() -> Image.Image:
    return Image.fromarray(photograph())


def picture(size: Size, content: Content) -> Image.Image:
    """Return an image of (height, width): the shipped photograph resized, or uniform noise; the same on each call."""
    height, width = size
    if content == "photograph":
        return _photograph().resize((width, height), Image.Resampling.BICUBIC)
    return Image.fromarray(np.random.default_rng(size).integers(0, 256, (height, width, 3), dtype=np.uint8))


Outcome = dict[str, Array] | Exception


def attempt(function: Callable[[], Any], errors: type[Exception]) -> Outcome:
    """Return the outputs as arrays, or the error; lists of unequal shapes become several outputs."""
    try:
        with np.errstate(all="ignore"):
            results = function()
            if not isinstance(results, Mapping):  # a class that returns its one output without a dictionary
                results = {"pixel_values": results}
            return {key: array for name, value in results.items() for key, array in _arrays(name, value)}
    except errors as error:
        return error


def _arrays(name: str, value: Any) -> Iterator[tuple[str, Array]]:
    if isinstance(value, (list, tuple)) and len({np.shape(item) for item in value if not isinstance(item, (list, tuple))}) > 1:
        for index, item in enumerate(value):
            yield from _arrays(f"{name}[{index}]", item)
    elif isinstance(value, Mapping):
        for key, item in value.items():
            yield from _arrays(f"{name}.{key}", item)
    else:
        # numpy has no bfloat16: its numbers are compared as float32
        yield name, np.asarray(value.float() if str(getattr(value, "dtype", "")) == "torch.bfloat16" else value)


def sample(name: str, image: Image.Image) -> list[Image.Image]:
    """Return the images of one call: the image, and where two make a sample also the image upside down."""
    return [image, image.transpose(Image.Transpose.FLIP_TOP_BOTTOM)][: max(lookup(name).samples.images, 1)]


def keywords(name: str, images: list[Image.Image]) -> dict[str, Any]:
    """Return the extra inputs of a call on some images, one each."""
    each = [CASES[name].keywords((image.height, image.width)) for image in images]
    return {key: [one[key] for one in each] for key in each[0]}


def transformers_result(name: str, settings: Settings, *images: Image.Image) -> Outcome:
    """Return transformers' outputs, or the error that it raised."""
    given = images[0] if len(images) == 1 else list(images)
    extra_inputs = keywords(name, list(images))
    tensors: str | None = "np" if backend_of(name, settings) == "pil" else "pt"
    if tensors == "pt" and PYTHON_FLOATS & set(lookup(name).outputs):
        tensors = None
    return attempt(lambda: theirs(name, settings)(given, return_tensors=tensors, **extra_inputs), Exception)


def numpy_result(name: str, settings: Settings, *images: Image.Image, engine: str = "numpy") -> Outcome:
    """Return the numpy reference's outputs, or a deliberate error; any other error is a defect and passes through."""
    given = images[0] if len(images) == 1 else list(images)
    extra_inputs = keywords(name, list(images))
    return attempt(lambda: ours(name, settings)(given, return_tensors="np", engine=engine, **extra_inputs), GraphprocError)


def graph(name: str, settings: Settings, input: str = "batch") -> Session | GraphprocError:
    """Return the ONNX graph for images of any size, target `cpu`, on one thread, or why there is none."""
    try:
        processor = ours(name, settings)
        return Session(processor.to_onnx(input=input, inputs=_names(name)), threads=1, specialise_after=None)
    except GraphprocError as error:
        return error


def _names(name: str) -> list[str]:
    """Return the program's names of the extra inputs that the case gives."""
    given = CASES[name].keywords((8, 8))
    return [key for key, extra in lookup(name).extra_inputs.items() if extra.keyword in given]


def compiled(name: str, settings: Settings) -> Program:
    """Return the program, with the extra inputs that the case gives."""
    return ours(name, settings).compile(inputs=_names(name))


def too_large(program: Program, size: Size, most: int) -> bool:
    """Tell whether a step after the layout change, or the result, has more than `most` elements; False if refused."""
    if program.data_dependent_sizes:
        return False
    known = {name: size[name.endswith("width")] if name.endswith(("height", "width")) else 2 for name in program.symbols}
    try:
        bound = program.bind(**known)
    except GraphprocError:
        return False
    shapes = [step.output.type.shape for step in bound.steps if step.op.name in ("resample", "center_crop", "pad")]
    shapes += [bound.value(output.value).type.shape for output in bound.outputs]
    return any(math.prod(int(side) for side in shape) > most for shape in shapes)


def inputs(name: str, *images: Image.Image) -> dict[str, list[Array]]:
    """Return the graph's inputs for some images, one array each."""
    extra_inputs = keywords(name, list(images))
    read = {"image": [np.asarray(image) for image in images], **read_extra_inputs(lookup(name), extra_inputs, len(images))}
    program = compiled(name, CASES[name].always)
    return {program.graph_input_name(key): rows for key, rows in read.items()}


def graph_result(session: Session, name: str, *images: Image.Image) -> Outcome:
    """Return the graph's outputs on images of one size."""
    given = inputs(name, *images)
    return attempt(lambda: session.run({key: np.stack(value) for key, value in given.items()}), GraphprocError)


def sequence_result(session: Session, name: str, *images: Image.Image) -> Outcome:
    """Return the outputs of a graph that takes images of different sizes."""
    return attempt(lambda: session.run(inputs(name, *images)), GraphprocError)


def as_graph(name: str, settings: Settings, outcome: Outcome) -> Outcome:
    """Return what a graph returns for the same images."""
    return outcome if isinstance(outcome, Exception) else graph_outputs(compiled(name, settings), lookup(name).texts, outcome)


def graph_outputs(program: Program, texts: Collection[str], result: Mapping[str, Array]) -> dict[str, Array]:
    """Return what a graph returns for the result of a call: no texts, listed outputs as tensors, optional ones without rows."""
    arrays = {key: array for key, array in result.items() if key not in texts}
    for output in program.outputs:
        separate = [arrays.pop(key) for key in [*arrays] if key.startswith(f"{output.name}[")]
        if separate:  # a list of unlike arrays, which graphs join
            arrays[output.name] = np.stack(output.join.numpy(separate))
    images = next((len(arrays[output.name]) for output in program.outputs if output.image_join.has_image_axis), 0)
    for output in program.outputs:
        type = program.value(output.value).type
        if output.delivery.omit_if_empty and output.name not in arrays:
            rest = tuple(map(num.known, type.shape[1:]))
            arrays[output.name] = np.zeros(
                (images, 0, *rest) if output.join.has_image_axis else (0, *rest), dtype=DTYPES[type.dtype]
            )
        if output.delivery.kind == "lists":
            arrays[output.name] = arrays[output.name].astype(DTYPES[type.dtype])
    return arrays


def difference(found: Outcome, expected: Outcome, bound: float = 0.0) -> str:
    """Return in words what is not equal, or farther apart than a bound; empty if nothing is. Two errors count as equal."""
    failed = [isinstance(outcome, Exception) for outcome in (found, expected)]
    if any(failed):
        return "" if all(failed) else f"one failed: {found!r:.200} against {expected!r:.200}"
    assert isinstance(found, dict)
    assert isinstance(expected, dict)
    if set(found) != set(expected):
        return f"outputs {sorted(found)} against {sorted(expected)}"
    for key, want in expected.items():
        have = found[key]
        if have.dtype != want.dtype or have.shape != want.shape:
            return f"{key}: {have.dtype}{list(have.shape)} against {want.dtype}{list(want.shape)}"
        if not np.array_equal(have, want, equal_nan=want.dtype.kind == "f"):
            if want.dtype.kind not in "biuf":
                return f"{key}: {have!r:.100} against {want!r:.100}"
            count = int((have != want).sum())
            gap = np.abs(have.astype(np.float64) - want.astype(np.float64)).max()
            if gap <= bound:
                continue
            return f"{key}: {count} of {want.size} elements differ, by at most {gap:g}"
    return ""


def takes_torch_kernels(where: str) -> bool:
    """Tell whether torch takes the kernels here that a parity's condition names."""
    import torch

    capability = torch.backends.cpu.get_cpu_capability()
    held = {
        "": True,
        parity.AVX2: capability in ("AVX2", "AVX512"),
        parity.FLOATS: capability == "AVX2",
        parity.THREADS: capability == "AVX2" and torch.get_num_threads() > 1,
    }
    return held[where]


def allowed(name: str, settings: Settings, size: Size) -> float:
    """Return how far results may be from transformers with torch's compiled code here, by what the program states."""
    try:
        stated = compiled(name, settings).parity
    except GraphprocError:
        return 0.0
    if takes_torch_kernels(stated.where):
        return stated.bound
    side = (64, 64)
    black, white = (numpy_result(name, settings, *sample(name, Image.new("RGB", side, color))) for color in ("black", "white"))
    # the ranges of a map's labels and of numbers of colours do not depend on the image
    reach = 255.0 if "labels" in black else len(settings["clusters"]) if "input_ids" in black else farthest(black, white)
    return stated.bound + (stated.elsewhere + stated.by_side * max(size)) * reach


def disagreement(name: str, settings: Settings, session: Session | None, size: Size, content: Content) -> str:
    """Return in words how the three results on an image differ; empty if they do not, or are refused on purpose.

    Args:
        name: the class's name.
        settings: its settings.
        session: a session of its graph; None to leave the graph out.
        size: (height, width) of the image.
        content: what the image shows.
    """
    images = sample(name, picture(size, content))
    reference = numpy_result(name, settings, *images)
    if isinstance(reference, Exception) and CASES[name].refuses(size, settings):
        return ""
    if words := difference(reference, transformers_result(name, settings, *images), allowed(name, settings, size)):
        return f"numpy reference against transformers, {size} {content}: {words}"
    if session is None or isinstance(reference, Exception):
        return ""
    words = difference(graph_result(session, name, *images), as_graph(name, settings, reference))
    return f"graph against numpy reference, {size} {content}: {words}" if words else ""


def farthest(found: Outcome, expected: Outcome) -> float:
    """Return the largest difference of two outcomes with outputs of the same shapes."""
    if isinstance(found, Exception) or isinstance(expected, Exception):
        return 0.0
    gaps = [
        np.abs(found[key].astype(np.float64) - want.astype(np.float64)).max(initial=0.0)
        for key, want in expected.items()
        if want.dtype.kind in "biuf" and key in found and found[key].shape == want.shape
    ]
    return float(np.nan_to_num(max(gaps, default=0.0)))


def elements(outcome: Outcome) -> int:
    """Return how many elements an outcome has."""
    return 0 if isinstance(outcome, Exception) else sum(array.size for array in outcome.values())
