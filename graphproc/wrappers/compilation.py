"""Compile a processor's settings to a program, an ONNX graph or a torch module."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, overload

from graphproc.configs.config import Config
from graphproc.errors import ConfigError, EmitError
from graphproc.ir.program import Program
from graphproc.ir.tapped import tapped
from graphproc.passes.split import Split, required
from graphproc.version import __version__
from graphproc.wrappers.attributes import computed, saved, shown
from graphproc.wrappers.settings import Settings

if TYPE_CHECKING:
    import onnx

    from graphproc.runtime.session import Session
    from graphproc.runtime.torch_module import TorchModule

Sides = tuple[int, int]
PARTS = ("whole", "bytes", "map")
"""What of a program a graph is: all of it, or one part of the split program."""


class Compilation(Settings):
    """Compiles a processor's settings."""

    def compile(
        self,
        *,
        color: str = "rgb",
        inputs: Sequence[str] = (),
        several: bool = False,
        part: str = "whole",
        tap: Sequence[str] = (),
        **changes: Any,
    ) -> Program:
        """Return the program of the settings, with some changed for this call.

        Args:
            color: the colour order of the input image: `rgb`, `bgr`, `rgba` (composited on the class's
                background, white for most) or `gray`.
            inputs: optional inputs that the program has beside the image, e.g. `["segmentation_map"]`; it
                always has those that the class requires.
            several: whether the image is one of several in its sample, for classes that process it
                differently then.
            part: `whole`, or `bytes` for all but the map of bytes to floats; see `split`.
            tap: names of steps with values that are outputs as well (`ir/tapped.py`).
            **changes: settings to use instead of the processor's own.

        Raises:
            ConfigError: a setting has no meaning, or a step lacks one that it needs.
            ProgramError: the map of bytes does not come last, or no step has a name in `tap`.
        """
        if unknown := sorted(set(changes) - set(self._setting_names)):
            known = ", ".join(self._setting_names)
            raise TypeError(f"{type(self).__name__}: unknown setting {unknown[0]!r}. Known: {known}")
        config = self._config({**self._read_in_calls(), **changes})
        if part not in ("whole", "bytes"):
            raise ConfigError(f"part: expected 'whole' or 'bytes', got {part!r}. The map is a program of `split(...).map_of`.")
        program = self._program(config, color=color, **options_of(dict.fromkeys(inputs), several, part == "bytes"))
        return tapped(program, tap) if tap else program

    def split(self, **options: Any) -> Split:
        """Return the program in two parts: bytes, and their map to floats; options are those of `compile`.

        `mapped` of the result has for each output the scale and offset of a call with `split=True`,
        and how far `bytes * scale + offset` is from the output: `split().mapped["pixel_values"].affine()`.

        Raises:
            ProgramError: the map of bytes does not come last; the message says why.
        """
        return required(self.compile(**options))

    def _program(self, config: Config, *, split: bool = False, **options: Any) -> Program:
        """Return the program of some settings, or its first part, with options of `ProcessorSpec.program`."""
        if split:
            return self._split(config, **options).bytes
        key = program_key(config, self.backend, options)
        return self._cache.programs.get_or_make(key, lambda: self.spec.program(config, backend=self.backend, **options))

    def _split(self, config: Config, **options: Any) -> Split:
        """Return the parts of the program of some settings."""
        key = program_key(config, self.backend, options)
        return self._cache.splits.get_or_make(key, lambda: required(self._program(config, **options)))

    def _session(self, program: Program, config: Config, threads: int | None, **options: Any) -> Session:
        """Return the session of a program's graph with that many threads. Settings and options are the program's."""
        return self._cache.session((*program_key(config, self.backend, options), threads), program, threads=threads)

    def to_onnx(
        self,
        *,
        target: str = "cpu",
        input: str = "batch",
        opset: int = 18,
        image_size: Sides | None = None,
        batch_size: int | None = None,
        color: str = "rgb",
        inputs: Sequence[str] = (),
        several: bool = False,
        kernels: bool = False,
        part: str = "whole",
        dtype: str = "float32",
        tap: Sequence[str] = (),
        **changes: Any,
    ) -> onnx.ModelProto:
        """Return the ONNX graph of the settings.

        Args:
            target: `cpu`, `cuda` or `portable`; see `EmitOptions`.
            input: `batch` for uint8 [batch, height, width, C], `image` for uint8 [height, width, C],
                `sequence` for a sequence of uint8 [height, width, C] of different sizes.
            opset: version of the default ONNX domain, 17 to 23.
            image_size: (height, width) of every image, or None for any.
            batch_size: the number of images of a `batch` graph, or None for any. With `image_size` no size is
                left to compute: there is no `Shape`, `Expand` and `If`.
            color: the colour order of the input.
            inputs: extra inputs beside the image, as for `compile`.
            several: as for `compile`; the output with the number of a sample's images is then left out.
            kernels: whether the graph calls kernels, as functions of the domain `graphproc`. It runs with the
                native library registered or not, with the same bits, but only in ONNX Runtime on CPUs.
            part: `whole`; `bytes` for the graph that ends in uint8, or `map` for the one that makes floats of
                them, on the device that runs the model. The two compute what the whole does, bit for bit.
            dtype: the type of the map's results: `float32`, or rounded from it `float16` or `bfloat16`.
            tap: names of steps, as `print(processor.compile())` shows them. Each becomes one more output of that
                name, with the value that the step has in that program, whatever passes make of it. Values of
                tapped steps are stacked: a graph refuses images in which they have several shapes.
            **changes: settings to use instead of the processor's own.

        Returns:
            A model. Its outputs have the names, dtypes and shapes of a call with
            `return_tensors="np"`.

        Raises:
            ConfigError: a setting has no meaning.
            EmitError: the options do not fit together.
            ProgramError: the settings take no image, the map of bytes does not come last, or no step has a
                name in `tap`.
        """
        from graphproc.emitters.onnx.emit import EmitOptions, emit
        from graphproc.emitters.onnx.map_graph import affine_entry, emit_map

        if part not in PARTS:
            raise EmitError(f"part: expected one of {', '.join(PARTS)}, got {part!r}")
        if dtype != "float32" and part != "map":
            raise EmitError(f"dtype: {dtype!r} is for the map of bytes alone. Leave it out, or give part='map'.")
        if tap and part == "map":
            raise EmitError("tap: the map of bytes has no steps of the program. Tap the graph of part='bytes'.")
        program = self.compile(color=color, inputs=inputs, several=several, **changes)
        parts = None if part == "whole" else required(program)
        program = tapped(program if parts is None else parts.bytes, tap)
        options = EmitOptions(target, input, opset, image_size, batch_size, kernels)  # type: ignore[arg-type]
        settings = self._saved_with(changes)
        apart = input == "batch" and part != "map"
        metadata = {
            "graphproc.version": __version__,
            "graphproc.config": settings,
            "graphproc.backend": self.backend,
            "graphproc.target": target,
            "graphproc.input": input,
            "graphproc.color": color,
            **({"graphproc.inputs": sorted(inputs)} if inputs else {}),
            **({"graphproc.several": True} if several else {}),
            **({"graphproc.tap": list(dict.fromkeys(tap))} if tap else {}),
            **({"graphproc.separable": True} if apart and program.separable else {}),
            **({"graphproc.part": part} if parts is not None else {}),
            "graphproc.parity": f"{program.parity}" + (f", rounded to {dtype}" if dtype != "float32" else ""),
        }
        if parts is None or part == "bytes":
            return emit(program, options, metadata)
        return emit_map(parts, emit(program, options), options, dtype, {**metadata, "graphproc.affine": affine_entry(parts)})

    def _saved_with(self, changes: Mapping[str, Any]) -> dict[str, Any]:
        """Return the settings, with some changed, as `to_dict` of a processor made with them gives them."""
        given = self._config({**self._read_in_calls(), **changes}).settings
        own = {key: value for key, value in given.items() if key in changes or key in self._own_settings()}
        config = self.spec.config({**self._unknown, **self._own_settings(), **own})
        found = saved(self.spec, config, computed(config), config.unknown)
        return found | {key: shown(self.spec, key, config.settings[key]) for key in self._read_in_calls()}

    @overload
    def export(self, path: str | os.PathLike[str], *, split: Literal[False] = ..., **options: Any) -> Path: ...

    @overload
    def export(self, path: str | os.PathLike[str], *, split: Literal[True], **options: Any) -> tuple[Path, Path]: ...

    def export(self, path: str | os.PathLike[str], *, split: bool = False, **options: Any) -> Path | tuple[Path, Path]:
        """Write the ONNX graph to a file, whole or not at all.

        Args:
            path: the file. With `split`, `preprocessing.onnx` stands for two files, `preprocessing.bytes.onnx` and
                `preprocessing.map.onnx`.
            split: whether the graph is written as two: one that ends in uint8, and the map of these bytes to floats.
            **options: as for `to_onnx`.

        Returns:
            The path, or both.

        Raises:
            ConfigError: the folder does not exist or cannot be written.
            ProgramError: the map of bytes does not come last.
        """
        from graphproc.files import write_atomically, write_together

        if not split:
            return write_atomically(path, self.to_onnx(**options).SerializeToString(deterministic=True))
        files = split_paths(path)
        data = (model.SerializeToString(deterministic=True) for model in self.split_to_onnx(**options))
        write_together(dict(zip(files, data, strict=True)))
        return files

    def split_to_onnx(
        self, *, dtype: str = "float32", tap: Sequence[str] = (), **options: Any
    ) -> tuple[onnx.ModelProto, onnx.ModelProto]:
        """Return the two graphs of `export(..., split=True)`; options are those of `to_onnx`. The first has the taps.

        Raises:
            ProgramError: the map of bytes does not come last.
        """
        return self.to_onnx(part="bytes", tap=tap, **options), self.to_onnx(part="map", dtype=dtype, **options)

    def to_torch(self, **options: Any) -> TorchModule:
        """Return the graph as a `torch.nn.Module` that gives the same bits on tensors; options are those of `to_onnx`.

        The target is `cuda` if none is given, because its float32 products suit torch on every device.

        Raises:
            RuntimeUnavailableError: torch is not installed.
        """
        from graphproc.runtime.torch_module import TorchModule

        return TorchModule(self, **options)


def split_paths(path: str | os.PathLike[str]) -> tuple[Path, Path]:
    """Return the files of the two parts of a graph: `a.onnx` stands for `a.bytes.onnx` and `a.map.onnx`."""
    whole = Path(path)
    first, second = (whole.with_name(f"{whole.stem}.{part}{whole.suffix}") for part in PARTS[1:])
    return first, second


def options_of(extra_inputs: Mapping[str, Any], several: bool = False, split: bool = False) -> dict[str, Any]:
    """Return options of the program for extra inputs, for several images in a sample and for its first part; empty without."""
    options = {"extra_inputs": sorted(extra_inputs), "several": several, "split": split}
    return {name: value for name, value in options.items() if value}


def program_key(config: Config, backend: str, options: Mapping[str, Any]) -> tuple[str, str, str]:
    """Return a key that tells a program from others of its class."""
    return backend, config.text, json.dumps(options, sort_keys=True) if options else ""
