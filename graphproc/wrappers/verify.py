"""Compare a graph in ONNX Runtime with the numpy reference, element by element."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from graphproc.errors import GraphError, ImageError, ProgramError
from graphproc.executors import reference
from graphproc.fusion.part import KEY, preprocessing_of
from graphproc.ir.parse import parse
from graphproc.ir.program import Program
from graphproc.processors.calls import forgotten
from graphproc.runtime.description import entry
from graphproc.runtime.session import Session
from graphproc.wrappers.examples import default_images, example_inputs, in_color
from graphproc.wrappers.image_files import is_file, load_file
from graphproc.wrappers.images import flatten_images, to_array
from graphproc.wrappers.processor import AutoImageProcessor, BaseImageProcessor

if TYPE_CHECKING:
    import onnx

Array = np.ndarray[Any, Any]


@dataclass(frozen=True, slots=True)
class Comparison:
    """Compare one output of one image.

    Attributes:
        image: the image's position or path.
        output: the output's name.
        shape: the result's shape.
        elements: how many elements were compared.
        differing: how many differ.
        max_difference: the largest absolute difference.
    """

    image: str
    output: str
    shape: tuple[int, ...]
    elements: int
    differing: int
    max_difference: float


@dataclass(frozen=True, slots=True)
class Report:
    """Hold the results of a verification.

    Attributes:
        processor: the processor class.
        parity: what the graph says that its results are equal to.
        comparisons: one entry for each image and output.
    """

    processor: str
    parity: str
    comparisons: tuple[Comparison, ...]

    @property
    def ok(self) -> bool:
        """Tell whether no element differs."""
        return all(c.differing == 0 for c in self.comparisons)

    def as_dict(self) -> dict[str, Any]:
        """Return the report as plain data."""
        return {"ok": self.ok, **asdict(self)}


def verify(
    graph: str | os.PathLike[str] | bytes | onnx.ModelProto | Session,
    images: Any = None,
    *,
    provider: str = "cpu",
    progress: Callable[[Iterable[Array], int], Iterable[Array]] = lambda items, total: items,
) -> Report:
    """Compare a graph in ONNX Runtime with the numpy reference, for the settings that the graph contains.

    In a fused graph, the results of its preprocessing are compared, before the model.

    Args:
        graph: an ONNX file, its bytes, a model, or a session of one; written by graphproc.
        images: images as a processor takes them; None for a photograph and noise of unusual sizes, as far
            as the settings allow these.
        provider: the execution provider to run on.
        progress: wraps the images to show progress; it gets the images and their number.

    Returns:
        The report; `report.ok` is True when no element differs.

    Raises:
        GraphError: the graph was not written by graphproc.
        ImageError: an image cannot be read, or does not have the fixed size of the graph.
    """
    session, names = _opened(graph, provider)
    program, reading = compiled_from(session), reading_of(session)
    color = session.metadata.get("color", "rgb")
    sides = fixed_sides(session)
    if images is None:
        arrays = [array for image in default_images(sides) if _accepts(program, array := in_color(image, color))]
    else:
        arrays = read_images(images, reading, color)
    labels = [str(image) if isinstance(image, (str, Path)) else str(i) for i, image in enumerate(_named(images, arrays))]
    comparisons: list[Comparison] = []
    for label, array in zip(labels, progress(arrays, len(arrays)), strict=True):
        inputs = [example_inputs(program, image) for image in _batch_of(array, images_at_once(session))]
        expected = reference.batch(program.outputs, [reference.run(program, one) for one in inputs])
        found = run_images(session, label, inputs)
        for output, want in expected.items():
            name = names.get(output, None if names else output)
            if name is None:
                continue  # an output that the fused graph does not use
            if name not in found:
                raise GraphError(f"graph: expected an output {name!r}, got {', '.join(found)}")
            comparisons.append(_compare(label, output, want, found[name]))
    return Report(program.name, session.metadata.get("parity", ""), tuple(comparisons))


def _opened(graph: Any, provider: str) -> tuple[Session, dict[str, str]]:
    """Open a session of a graph, or of the preprocessing inside a fused one; return it, and names of a fused one's outputs.

    Raises:
        GraphError: a session of a fused graph was given, or nothing in it can be compared.
    """
    session = graph if isinstance(graph, Session) else None
    if session is None:
        model = _with_fusion(graph)
        if model is None:
            return _as_written(graph, provider), {}
        part, names = preprocessing_of(model)
        return _as_written(part, provider), names
    if "fusion" in session.metadata:
        raise GraphError("graph: expected the path, the bytes or the model of a fused graph, got a session of it")
    return session, {}


def _as_written(graph: Any, provider: str) -> Session:
    """Open a session that runs the nodes of a graph itself, and kernels only if the graph calls them."""
    session = Session(graph, provider, kernels=False)
    return Session(graph, provider) if "kernels" in session.metadata else session


def _with_fusion(graph: Any) -> onnx.ModelProto | None:
    """Return the model of a fused graph, without weights in other files; None for any other graph."""
    import onnx
    from google.protobuf.message import DecodeError  # type: ignore[import-untyped]

    try:
        if isinstance(graph, onnx.ModelProto):
            model = graph
        else:
            model = onnx.load_model_from_string(graph if isinstance(graph, bytes) else Path(graph).read_bytes())
    except (OSError, DecodeError):  # opening the session explains these better
        return None
    return model if any(p.key == KEY for p in model.metadata_props) else None


def compiled_from(session: Session) -> Program:
    """Return the program that a graph was emitted from, read from its text or compiled again from its settings.

    Raises:
        GraphError: the graph was not written by graphproc.
    """
    if "program" in session.metadata:
        return parse(session.metadata["program"])
    config, processor = session.config(), processor_of(session)
    inputs, tap = entry(session.metadata, "inputs", list), entry(session.metadata, "tap", list)
    given = {key: config[key] for key in forgotten(processor.spec.calls, {}) if key in config}
    part = session.metadata.get("part", "whole")
    if part == "map":
        raise GraphError("graph: expected one that reads images, got the map of a split one. Verify the graph of its bytes.")
    return processor.compile(color=session.metadata.get("color", "rgb"), inputs=inputs, part=part, tap=tap, **given)


def reading_of(session: Session) -> Mapping[str, Any]:
    """Return how to read images for a graph (`BaseImageProcessor.reading`)."""
    return {} if "program" in session.metadata else processor_of(session).reading()


def processor_of(session: Session) -> BaseImageProcessor:
    """Return the processor with the settings and the backend in a graph's metadata.

    Raises:
        GraphError: the graph was not written by graphproc.
    """
    return AutoImageProcessor.from_dict(session.config(), backend=session.metadata.get("backend"))


def _accepts(program: Program, array: Array) -> bool:
    """Tell whether the program takes images of that size."""
    try:
        program.check(reference.sizes_from(program, example_inputs(program, array)))
    except ProgramError:
        return False
    return True


def _named(images: Any, arrays: Sequence[Array]) -> Sequence[Any]:
    return list(range(len(arrays))) if images is None else flatten_images(images)


def fixed_sides(session: Session) -> tuple[int, int] | None:
    """Return the (height, width) of the images that a graph takes, or None if it takes any.

    Raises:
        GraphError: the graph's first input is neither an image, nor a batch, nor a sequence of images.
    """
    name, dims = next(iter(session.dims.items()), ("", []))
    if name in session.sequences:
        return None
    if len(dims) not in (3, 4):
        found = ", ".join(f"{name} {dims}" for name, dims in session.dims.items())
        raise GraphError(f"graph inputs: expected an image or a batch of images first, got {found or 'none'}")
    height, width = dims[-3:-1]
    return (height, width) if isinstance(height, int) and isinstance(width, int) else None


def images_at_once(session: Session) -> int:
    """Return how many images a graph takes: those of its fixed batch; 1 if it takes any number."""
    name, dims = next(iter(session.dims.items()))
    fixed = name not in session.sequences and len(dims) == 4 and isinstance(dims[0], int)
    return int(dims[0]) if fixed else 1


def _batch_of(image: Array, count: int) -> list[Array]:
    """Return images of one size that differ: an image, and others with its columns moved."""
    return [np.roll(image, shift, axis=1) for shift in range(count)]


def run_image(session: Session, image: Array, label: str, inputs: Mapping[str, Array] | None = None) -> dict[str, Array]:
    """Run a graph on one image, after adding the batch axis or making the sequence that the graph reads.

    Args:
        session: a session of the graph.
        image: uint8 [height, width, channels], in the graph's colour order.
        label: the image's name in errors.
        inputs: all inputs of the image by the names of the program, if there are extra inputs.

    Returns:
        The graph's outputs by name.

    Raises:
        GraphError: the graph's first input is not an image, or it takes inputs that are not given.
        ImageError: the graph is fixed to another size, or refused the image.
    """
    return run_images(session, label, [inputs or {"image": image}])


def run_images(session: Session, label: str, inputs: Sequence[Mapping[str, Array]]) -> dict[str, Array]:
    """Run a graph on images of one size, each with all its inputs by the names of the program; see `run_image`."""
    sides, shape = fixed_sides(session), inputs[0]["image"].shape
    if sides is not None and shape[:2] != sides:
        raise ImageError(f"image {label}: the graph is fixed to {sides[0]} x {sides[1]} pixels, got {shape[0]} x {shape[1]}")
    return session.run(feeds(session, *inputs))


def feeds(session: Session, *images: Mapping[str, Array]) -> dict[str, Any]:
    """Return the inputs of images by the graph's names, with the axes that the graph reads.

    Raises:
        GraphError: the graph takes an input that is not given.
    """
    first, given = next(iter(session.dims)), images[0]
    own = {f"{prefix}{name}{end}": name for name in given for prefix in ("", "input_") for end in ("", "s", "es")}
    names = {first: "image"} | {name: own.get(name, name) for name in session.dims if name != first}
    if missing := [name for name in names.values() if name not in given]:
        raise GraphError(f"graph inputs: it also takes {missing[0]!r}, which was not given")
    return {name: _fed(session, name, [image[own] for image in images]) for name, own in names.items()}


def _fed(session: Session, name: str, arrays: list[Array]) -> Any:
    if name in session.sequences:
        return arrays
    return arrays[0] if len(session.dims[name]) == arrays[0].ndim else np.stack(arrays)


def _compare(image: str, output: str, want: Array, found: Array) -> Comparison:
    if want.dtype != found.dtype or want.shape != found.shape:
        raise GraphError(f"{output}: expected {want.dtype}{list(want.shape)}, the graph gave {found.dtype}{list(found.shape)}")
    differs = ~((want == found) | ((want != want) & (found != found)))
    gap = np.abs(want.astype(np.float64) - found.astype(np.float64))[differs]
    return Comparison(image, output, want.shape, want.size, int(differs.sum()), float(gap.max(initial=0.0)))


MODES: Mapping[str, str] = {"rgba": "RGBA", "gray": "L"}
"""Pillow's modes for colour orders that are not of three colours."""


def read_images(images: Any, reading: Mapping[str, Any] | None = None, color: str = "rgb") -> list[Array]:
    """Return images as uint8 [height, width, channels] in the colour order of a graph.

    For `rgba` an image keeps its alpha channel, or gets one of 255. For `gray` it is converted to Pillow's `L`.

    Args:
        images: images as a processor takes them.
        reading: how a processor reads files (`BaseImageProcessor.reading`); None for the way of most.
        color: the colour order.

    Raises:
        ImageError: an image cannot be read, or is not of bytes.
    """
    arrays = [_read(image, reading or {}, color) for image in flatten_images(images)]
    for index, array in enumerate(arrays):
        if array.dtype != np.uint8:
            raise ImageError(f"image {index}: expected uint8 pixels for the graph's uint8 input, got {array.dtype}")
    return arrays


def _read(image: Any, reading: Mapping[str, Any], color: str) -> Array:
    options = {"do_convert_rgb": True, "input_data_format": None, **(reading if is_file(image) else {})}
    if color not in MODES:
        return in_color(to_array(image, **options), color)
    from PIL import Image

    mode = MODES[color]
    if is_file(image):
        image = load_file(image, mode)
    elif not isinstance(image, Image.Image):
        array = to_array(image, do_convert_rgb=False, input_data_format=None)
        if array.dtype != np.uint8:
            return array
        image = Image.fromarray(array[..., 0] if array.shape[-1] == 1 else array)
    array = np.asarray(image.convert(mode))
    return array.reshape(*array.shape[:2], -1)
