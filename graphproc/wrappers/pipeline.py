"""Pipelines that users write: programs that run, are exported and are verified as processors are."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

import graphproc.ops  # noqa: F401  # so that `parse` knows every op
from graphproc.batch_feature import BatchFeature
from graphproc.errors import ConfigError, ImageError
from graphproc.executors import reference
from graphproc.ir.parse import parse as parse
from graphproc.ir.program import Program
from graphproc.ir.verify import verify
from graphproc.version import __version__
from graphproc.wrappers.verify import read_images

if TYPE_CHECKING:
    import onnx

    from graphproc.runtime.session import Session

Array = np.ndarray[Any, Any]
COLORS: Mapping[Any, str] = {1: "gray", 3: "rgb", 4: "rgba"}
"""How images are read, by their number of channels."""


class Pipeline:
    """A program used as a processor: `Pipeline(program)(images)` runs it on numpy or ONNX Runtime, with the same bits.

    `graphproc/AUTHORING.md` says how programs are written.

    Attributes:
        program: the program, verified.
        engine: what runs a call: `onnxruntime` or `numpy`.

    Example:
        >>> b = gp.ProgramBuilder("Small")
        >>> x = b.add(gp.ops.ToChannelsFirst(), b.input("image", "u8[height, width, 3] HWC"))
        >>> b.output("pixel_values", b.add(gp.ops.Rescale(1 / 255), x))
        >>> gp.Pipeline(b.finish())("photo.jpg")["pixel_values"].shape
        (1, 3, 480, 640)
    """

    def __init__(self, program: Program | str, *, engine: Literal["onnxruntime", "numpy"] = "onnxruntime") -> None:
        """Make a pipeline of a program, or of a program's text.

        Raises:
            ProgramError: the program breaks a rule of the IR, or the text is not a program.
        """
        self.program = parse(program) if isinstance(program, str) else verify(program)
        self.engine = engine

    def __call__(
        self, images: Any, *, return_tensors: Any = "np", engine: str | None = None, **inputs: Sequence[Any]
    ) -> BatchFeature:
        """Preprocess one image or a list of images of any sizes.

        Args:
            images: PIL images, numpy arrays, torch tensors, paths, or lists of these, for the
                program's first input.
            return_tensors: `np`, `pt`, `tf`, `jax` or `mlx`.
            engine: `onnxruntime` or `numpy` for this call.
            **inputs: arrays for the program's extra inputs by name, one for each image.

        Returns:
            A BatchFeature with the program's outputs.

        Raises:
            ConfigError: the engine is unknown, or the program reads a model's outputs.
            ImageError: an image cannot be read or used, or an input is missing.
        """
        engine = engine or self.engine
        if engine not in ("onnxruntime", "numpy"):
            raise ConfigError(f"engine: expected one of onnxruntime, numpy, got {engine!r}")
        first = self.program.inputs[0] if self.program.inputs else None
        if first is None or self.program.inputs_batched or first.type.layout != "HWC":
            raise ConfigError(f"{self.program.name}: expected a program that reads images, HWC. Export it, and use gp.Session.")
        arrays = read_images(images, {}, COLORS.get(first.type.shape[-1], "rgb"))
        others = ({name: np.asarray(rows[i]) for name, rows in inputs.items()} for i in range(len(arrays)))
        given = [{first.name: array, **one} for array, one in zip(arrays, others, strict=True)]
        if missing := [v.name for v in self.program.inputs if v.name not in (first.name, *inputs)]:
            raise ImageError(f"{self.program.name}: expected an input {missing[0]!r}, one array for each image")
        if engine == "numpy":
            found = reference.batch(self.program.outputs, [reference.run(self.program, one) for one in given])
        else:
            found = self._run(given)
        return BatchFeature(found, return_tensors)

    def _run(self, given: Sequence[Mapping[str, Array]]) -> dict[str, Array]:
        """Run the graph on images of one size as a batch, on others as a sequence; return its outputs."""
        for one in given:
            self.program.check(reference.sizes_from(self.program, one))
        columns = {v.name: [one[v.name] for one in given] for v in self.program.inputs}
        even = all(len({array.shape for array in arrays}) == 1 for arrays in columns.values())
        session = self._of_batches if even else self._of_sequences
        feeds = {self.program.graph_input_name(name): np.stack(arrays) if even else arrays for name, arrays in columns.items()}
        return session.run(feeds)

    @cached_property
    def _of_batches(self) -> Session:
        from graphproc.runtime.session import Session

        return Session(self.to_onnx())

    @cached_property
    def _of_sequences(self) -> Session:
        from graphproc.runtime.session import Session

        return Session(self.to_onnx(input="sequence"))

    def to_onnx(
        self,
        *,
        target: str = "cpu",
        input: str = "batch",
        opset: int = 18,
        image_size: tuple[int, int] | None = None,
        batch_size: int | None = None,
        kernels: bool = False,
    ) -> onnx.ModelProto:
        """Return the ONNX graph. It contains the program's text, by which `gp.verify` checks it.

        Args:
            target: `cpu`, `cuda` or `portable`, as for a processor.
            input: `batch`, `image` or `sequence`, as for a processor.
            opset: version of the default ONNX domain, 17 to 23.
            image_size: (height, width) of every image, or None for any.
            batch_size: the number of images in a batch, or None for any.
            kernels: whether the graph calls kernels, as for a processor.

        Raises:
            EmitError: the options do not fit the program.
        """
        from graphproc.emitters.onnx.emit import EmitOptions, emit

        metadata = {
            "graphproc.version": __version__,
            "graphproc.program": str(self.program),
            "graphproc.target": target,
            "graphproc.input": input,
            "graphproc.color": COLORS.get(self.program.inputs[0].type.shape[-1], "rgb") if self.program.inputs else "rgb",
            "graphproc.parity": str(self.program.parity),
            **({"graphproc.separable": True} if input == "batch" and self.program.separable else {}),
        }
        options = EmitOptions(target, input, opset, image_size, batch_size, kernels)  # type: ignore[arg-type]
        return emit(self.program, options, metadata)

    def export(self, path: str | os.PathLike[str], **options: Any) -> Path:
        """Write the ONNX graph to a file, whole or not at all; options are those of `to_onnx`.

        Raises:
            ConfigError: the folder does not exist or cannot be written.
        """
        from graphproc.files import write_atomically

        return write_atomically(path, self.to_onnx(**options).SerializeToString(deterministic=True))
