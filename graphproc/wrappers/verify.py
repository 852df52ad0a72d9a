"""Checking a graph in ONNX Runtime against the numpy reference, element by element."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from graphproc.errors import GraphError, ImageError, ProgramError
from graphproc.executors import reference
from graphproc.ir.program import Program
from graphproc.runtime.session import Session
from graphproc.wrappers.images import flatten_images, to_array
from graphproc.wrappers.processor import AutoImageProcessor

if TYPE_CHECKING:
    import onnx

Array = np.ndarray[Any, Any]

DEFAULT_SIZES: tuple[tuple[int, int], ...] = ((300, 451), (224, 224), (31, 17), (1, 1), (1, 300), (300, 1), (1000, 300))
"""(height, width) of the images that are tried when none are given: the shipped photograph, then noise."""


@dataclass(frozen=True, slots=True)
class Comparison:
    """One output of one image.

    Attributes:
        image: which image, by position or path.
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
    """What a verification found.

    Attributes:
        processor: the processor class.
        parity: what the graph states its results to equal.
        comparisons: one entry per image and output.
    """

    processor: str
    parity: str
    comparisons: tuple[Comparison, ...]

    @property
    def ok(self) -> bool:
        """Whether no element differs."""
        return all(c.differing == 0 for c in self.comparisons)

    def as_dict(self) -> dict[str, Any]:
        """The report as plain data."""
        return {"ok": self.ok, **asdict(self)}


def verify(
    graph: str | os.PathLike[str] | bytes | onnx.ModelProto | Session,
    images: Any = None,
    *,
    provider: str = "cpu",
    progress: Callable[[Iterable[Array], int], Iterable[Array]] = lambda items, total: items,
) -> Report:
    """Compare a graph in ONNX Runtime with the numpy reference of the settings that the graph carries.

    Args:
        graph: an ONNX file, its bytes, a model, or a session of one; written by graphproc.
        images: images as a processor takes them; None for a photograph and noise of awkward sizes, those that the
            settings allow.
        provider: the provider to run on.
        progress: wraps the images to show progress; gets the images and their number.

    Returns:
        The report; `report.ok` is True when no element differs.

    Raises:
        GraphError: the graph was not written by graphproc.
        ImageError: an image cannot be read, or does not have the fixed size of the graph.
    """
    session = graph if isinstance(graph, Session) else Session(graph, provider)
    processor = AutoImageProcessor.from_dict(session.config())
    color = session.metadata.get("color", "rgb")
    program = processor.compile(color=color)
    sides = fixed_sides(session)
    arrays = [a for a in default_images(sides) if _accepts(program, a)] if images is None else read_images(images)
    labels = [str(image) if isinstance(image, (str, Path)) else str(i) for i, image in enumerate(_named(images, arrays))]
    comparisons: list[Comparison] = []
    for label, array in zip(labels, progress(arrays, len(arrays)), strict=True):
        expected = reference.run(program, {"image": in_color(array, color)})
        found = run_image(session, array, label)
        for output, want in expected.items():
            if output not in found:
                raise GraphError(f"graph: expected an output {output!r}, got {', '.join(found)}")
            comparisons.append(_compare(label, output, want[None], found[output]))
    return Report(program.name, session.metadata.get("parity", ""), tuple(comparisons))


def _accepts(program: Program, array: Array) -> bool:
    """Whether the program is meant for images of that size."""
    try:
        program.bind(height=array.shape[0], width=array.shape[1])
    except ProgramError:
        return False
    return True


def _named(images: Any, arrays: Sequence[Array]) -> Sequence[Any]:
    return list(range(len(arrays))) if images is None else flatten_images(images)


def fixed_sides(session: Session) -> tuple[int, int] | None:
    """(height, width) of the images that a graph takes, or None where it takes any.

    Raises:
        GraphError: the graph does not have one input that is an image or a batch of images.
    """
    if len(session.dims) != 1 or any(len(dims) not in (3, 4) for dims in session.dims.values()):
        found = ", ".join(f"{name} {dims}" for name, dims in session.dims.items())
        raise GraphError(f"graph inputs: expected one, of an image or a batch of images, got {found or 'none'}")
    (dims,) = session.dims.values()
    height, width = dims[-3:-1]
    return (height, width) if isinstance(height, int) and isinstance(width, int) else None


def run_image(session: Session, rgb: Array, label: str) -> dict[str, Array]:
    """Run a graph on one image, in the colour order and with the axes that the graph reads.

    Args:
        session: a session of the graph.
        rgb: uint8 [height, width, 3].
        label: what errors call the image.

    Returns:
        The graph's outputs by name.

    Raises:
        GraphError: the graph does not have one input that is an image or a batch of images.
        ImageError: the graph is fixed to another size, or refused the image.
    """
    sides = fixed_sides(session)
    if sides is not None and rgb.shape[:2] != sides:
        found = f"{rgb.shape[0]} x {rgb.shape[1]}"
        raise ImageError(f"image {label}: the graph is fixed to {sides[0]} x {sides[1]} pixels, got {found}")
    pixels = in_color(rgb, session.metadata.get("color", "rgb"))
    ((name, dims),) = session.dims.items()
    return session.run({name: pixels if len(dims) == 3 else pixels[None]})


def _compare(image: str, output: str, want: Array, found: Array) -> Comparison:
    if want.dtype != found.dtype or want.shape != found.shape:
        raise GraphError(f"{output}: expected {want.dtype}{list(want.shape)}, the graph gave {found.dtype}{list(found.shape)}")
    differs = ~((want == found) | ((want != want) & (found != found)))
    gap = np.abs(want.astype(np.float64) - found.astype(np.float64))[differs]
    return Comparison(image, output, want.shape, want.size, int(differs.sum()), float(gap.max(initial=0.0)))


def photograph() -> Array:
    """The photograph that ships with the package: a cat, uint8 [300, 451, 3]."""
    return to_array(str(files("graphproc") / "data" / "cat.png"), do_convert_rgb=True, input_data_format=None)


def default_images(sides: tuple[int, int] | None = None) -> list[Array]:
    """The photograph and noise, uint8 [height, width, 3]; all of one size where the graph has one."""
    photo = photograph()
    rng = np.random.default_rng(0)
    noise = [rng.integers(0, 256, (*size, 3), dtype=np.uint8) for size in (DEFAULT_SIZES[1:] if sides is None else [sides])]
    if sides is None:
        return [photo, *noise]
    rows, columns = (np.arange(side) * have // side for side, have in zip(sides, photo.shape, strict=False))
    return [np.ascontiguousarray(photo[rows][:, columns]), *noise]


def read_images(images: Any) -> list[Array]:
    """Images as uint8 [height, width, 3]."""
    arrays = [to_array(image, do_convert_rgb=True, input_data_format=None) for image in flatten_images(images)]
    for index, array in enumerate(arrays):
        if array.dtype != np.uint8:
            raise ImageError(f"image {index}: expected uint8 pixels for the graph's uint8 input, got {array.dtype}")
    return arrays


def in_color(rgb: Array, color: str) -> Array:
    """An RGB image in the colour order that a graph reads; an alpha ramp is made up for `rgba`."""
    if color == "bgr":
        return np.ascontiguousarray(rgb[..., ::-1])
    if color == "gray":
        return rgb[..., 1:2].copy()
    if color == "rgba":
        ramp = np.linspace(0, 255, rgb.shape[1]).astype(np.uint8)
        return np.concatenate([rgb, np.broadcast_to(ramp[:, None], (*rgb.shape[:2], 1))], axis=-1)
    return rgb
