"""Compile a processor's settings to a program, an ONNX graph or a torch module."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from graphproc.configs.config import Config
from graphproc.ir.program import Program
from graphproc.ir.tapped import tapped
from graphproc.version import __version__
from graphproc.wrappers.attributes import computed, saved, shown
from graphproc.wrappers.settings import Settings

if TYPE_CHECKING:
    import onnx

    from graphproc.runtime.session import Session
    from graphproc.runtime.torch_module import TorchModule

Sides = tuple[int, int]


class Compilation(Settings):
    """Compiles a processor's settings."""

    def compile(
        self, *, color: str = "rgb", inputs: Sequence[str] = (), several: bool = False, tap: Sequence[str] = (), **changes: Any
    ) -> Program:
        """Return the program of the settings, with some changed for this call.

        Args:
            color: the colour order of the input image: `rgb`, `bgr`, `rgba` (composited on the class's
                background, white for most) or `gray`.
            inputs: optional inputs that the program has beside the image, e.g. `["segmentation_map"]`; it
                always has those that the class requires.
            several: whether the image is one of several in its sample, for classes that process it
                differently then.
            tap: names of steps with values that are outputs as well (`ir/tapped.py`).
            **changes: settings to use instead of the processor's own.

        Raises:
            ConfigError: a setting has no meaning, or a step lacks one that it needs.
            ProgramError: no step has a name in `tap`.
        """
        if unknown := sorted(set(changes) - set(self._setting_names)):
            known = ", ".join(self._setting_names)
            raise TypeError(f"{type(self).__name__}: unknown setting {unknown[0]!r}. Known: {known}")
        config = self._config({**self._read_in_calls(), **changes})
        program = self._program(config, color=color, **options_of(dict.fromkeys(inputs), several))
        return tapped(program, tap) if tap else program

    def _program(self, config: Config, **options: Any) -> Program:
        """Return the program of some settings, with options of `ProcessorSpec.program`."""
        key = program_key(config, self.backend, options)
        return self._cache.programs.get_or_make(key, lambda: self.spec.program(config, backend=self.backend, **options))

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
        color: str = "rgb",
        inputs: Sequence[str] = (),
        several: bool = False,
        kernels: bool = False,
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
            color: the colour order of the input.
            inputs: extra inputs beside the image, as for `compile`.
            several: as for `compile`; the output with the number of a sample's images is then left out.
            kernels: whether the graph calls kernels, as functions of the domain `graphproc`. It runs with the
                native library registered or not, with the same bits, but only in ONNX Runtime on CPUs.
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
            ProgramError: the settings take no image, or no step has a name in `tap`.
        """
        from graphproc.emitters.onnx.emit import EmitOptions, emit

        program = self.compile(color=color, inputs=inputs, several=several, tap=tap, **changes)
        options = EmitOptions(target, input, opset, image_size, kernels=kernels)  # type: ignore[arg-type]
        settings = self._saved_with(changes)
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
            **({"graphproc.separable": True} if input == "batch" and program.separable else {}),
            "graphproc.parity": str(program.parity),
        }
        return emit(program, options, metadata)

    def _saved_with(self, changes: Mapping[str, Any]) -> dict[str, Any]:
        """Return the settings, with some changed, as `to_dict` of a processor made with them gives them."""
        given = self._config({**self._read_in_calls(), **changes}).settings
        own = {key: value for key, value in given.items() if key in changes or key in self._own_settings()}
        config = self.spec.config({**self._unknown, **self._own_settings(), **own})
        found = saved(self.spec, config, computed(config), config.unknown)
        return found | {key: shown(self.spec, key, config.settings[key]) for key in self._read_in_calls()}

    def export(self, path: str | os.PathLike[str], **options: Any) -> Path:
        """Write the ONNX graph to a file, whole or not at all; options are those of `to_onnx`.

        Raises:
            ConfigError: the folder does not exist or cannot be written.
        """
        from graphproc.files import write_atomically

        return write_atomically(path, self.to_onnx(**options).SerializeToString(deterministic=True))

    def to_torch(self, **options: Any) -> TorchModule:
        """Return the graph as a `torch.nn.Module` that gives the same bits on tensors; options are those of `to_onnx`.

        The target is `cuda` if none is given, because its float32 products suit torch on every device.

        Raises:
            RuntimeUnavailableError: torch is not installed.
        """
        from graphproc.runtime.torch_module import TorchModule

        return TorchModule(self, **options)


def options_of(extra_inputs: Mapping[str, Any], several: bool = False) -> dict[str, Any]:
    """Return options of the program for extra inputs and for several images in a sample; empty without both."""
    return {**({"extra_inputs": sorted(extra_inputs)} if extra_inputs else {}), **({"several": True} if several else {})}


def program_key(config: Config, backend: str, options: Mapping[str, Any]) -> tuple[str, str, str]:
    """Return a key that tells a program from others of its class."""
    return backend, config.text, json.dumps(options, sort_keys=True) if options else ""
