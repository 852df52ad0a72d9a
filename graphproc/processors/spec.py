"""What a processor class is to the compiler: its names, settings and stages."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Literal

from graphproc.configs.config import NEEDS, Config, check, normalize
from graphproc.configs.legacy import Spelling, modern
from graphproc.configs.settings import Setting, declared
from graphproc.configs.sizes import plain_size
from graphproc.errors import ConfigError
from graphproc.ir.op import Op
from graphproc.ir.program import Parity, Program, ProgramBuilder, Value, image_input, sides
from graphproc.ir.types import TensorType
from graphproc.ops import CompositeOnCheckerboard, CompositeOnWhite, SelectChannels, ToChannelsFirst
from graphproc.processors.calls import Reads
from graphproc.processors.parity import stated
from graphproc.processors.stages import Stage as Stage
from graphproc.processors.stages import join_after
from graphproc.sizes import num

Finish = Callable[[ProgramBuilder, Config, Value], None]
"""What comes after the stages: declares the outputs."""

CHANNELS: Mapping[str, int] = {"rgb": 3, "bgr": 3, "rgba": 4, "gray": 1}
"""The input's channels, by colour order.

`rgba` is composited on `ProcessorSpec.background` and `gray` repeated, as PIL images are.
"""
DROPPED = "dropped"
"""The `ProcessorSpec.background` of classes that take three of the four channels of an image and leave alpha out."""
PICKED: Mapping[str, tuple[int, ...]] = {"bgr": (2, 1, 0), "gray": (0, 0, 0), "rgba": (0, 1, 2)}
"""The channels of the input that are red, green and blue; of `rgba` where nothing was composited."""
BACKGROUNDS: Mapping[str, Op] = {"white": CompositeOnWhite(), "checkerboard": CompositeOnCheckerboard()}
"""What an image with an alpha channel is composited on."""

PIL = Parity("transformers 5.23 (backend pil) with Pillow 13")
TORCHVISION_PARITY = Parity("transformers 5.23 (backend torchvision) with torch 2.14 and torchvision 0.29")
BOTH = ("pil", "torchvision")
ONLY_PIL, ONLY_TORCHVISION = BOTH[:1], BOTH[1:]
"""The backends of a class, by whose arithmetic it has."""
PARITY: Mapping[str, Parity] = dict(zip(BOTH, (PIL, TORCHVISION_PARITY), strict=True))
"""What the results of a backend are equal to, where a class states nothing else."""


@dataclass(frozen=True)
class ExtraInput:
    """A further input of a class, one for each image.

    Attributes:
        keyword: its name in a call.
        layout: its axes: `HW` a map, `HWC` an image of three channels, `NF` a number of rows of four features (boxes).
        dtype: its element type in the graph.
        aligned: whether it has the sides of the image; otherwise it has sides of its own.
        required: whether the class cannot be called without it.
        any_type: whether a call may give it in other element types, in which it is processed then.
        floats: whether a map of floats goes through the steps as it is, on the numpy executor.
    """

    keyword: str
    layout: str = "HW"
    dtype: str = "u8"
    aligned: bool = True
    required: bool = False
    any_type: bool = False
    floats: bool = False

    def type(self, name: str, dtype: str = "") -> TensorType:
        """The type of the program input of that name, of the declared element type or another."""
        height, width = sides("" if self.aligned else f"{name}_")
        lengths = {"H": height, "W": width, "C": 3, "N": num.symbol(f"{name}_count"), "F": 4}
        return TensorType(dtype or self.dtype, tuple(lengths[letter] for letter in self.layout), self.layout)


def nothing(config: Config) -> Mapping[str, Any]:
    """No computed attributes."""
    return {}


@dataclass(frozen=True)
class ProcessorSpec:
    """A processor class.

    Attributes:
        name: the class's name in transformers.
        stages: the steps, in order, on one image laid out channels first.
        settings: its settings by name. Of the standard ones (`configs/settings.py`) the defaults; each of the others is a
            `Setting`, in the order in which files hold them.
        limitations: what of the class cannot be in a graph, and why; empty where everything is.
        parity: what the results of the class's first backend are equal to, where that is not what its backend's are.
        outputs: the names of all outputs that a call may have without further inputs, in the order that a call gives them.
        model_inputs: what the class says its models take (`model_input_names`), where that is not `outputs`.
        backends: whose arithmetic the class has; the first is the default.
        finish: declares the outputs from the last stage's result; None for `pixel_values` alone.
        extra_inputs: further inputs by the program's name for them.
        needs: for each switch, the settings that its step needs.
        images_per_sample: how many images make one sample where that is not one; 0 is any number.
        returns_bare_array: whether a call returns its one output alone instead of a BatchFeature.
        images_per_sample_output: the output that tells how many images each sample has, for classes that process
            an image differently if its sample has more (`ProgramBuilder.several`). They join image by image; images that
            are not nested are samples of one.
        settings_for_batch: adjusts the settings to the (height, width) of all images in a call, for classes that process images
            in a batch differently than each alone.
        background: what images with an alpha channel are composited on, of `BACKGROUNDS`; `DROPPED` where alpha is left out.
        texts: outputs of text, by the keyword that each is made of and named after; no image enters them, and no graph has them.
        reads: which images `do_convert_rgb` concerns: all, `pil` images and files alone, or none, where they are read `plain`
            or as `frames`. Those and arrays beside `pil` images are not looked at for an axis of 4 channels. With `bytes` arrays
            become PIL images, of bytes, before anything else.
        calls: how settings that are given in a call are read, of those that transformers does not simply take from there.
        settings_by_position: the settings that a call takes by position behind the images, in transformers' order.
        older: older spellings of settings, by key (`configs/legacy.py`).
        computed: makes the attributes that the class computes of its settings when it is made, whatever a file says of them; they
            are saved as well.
        unmoved: whether transformers has not moved its class to its backends: means and deviations are lists there, and calls
            take unknown keywords with a warning.
        family: the group it belongs to, as shown in lists; `registry.FAMILIES` says it.
    """

    name: str
    stages: tuple[Stage, ...]
    settings: Mapping[str, Any]
    limitations: str = ""
    parity: Parity | None = None
    outputs: tuple[str, ...] = ("pixel_values",)
    model_inputs: tuple[str, ...] | None = None
    backends: tuple[str, ...] = BOTH
    finish: Finish | None = None
    extra_inputs: Mapping[str, ExtraInput] = field(default_factory=dict)
    needs: Mapping[str, tuple[str, ...]] = field(default_factory=lambda: NEEDS)
    images_per_sample: int = 1
    returns_bare_array: bool = False
    images_per_sample_output: str = ""
    settings_for_batch: Callable[[Config, Sequence[tuple[int, int]]], Config] | None = None
    background: str = "white"
    texts: Mapping[str, Callable[[Any], list[str]]] = field(default_factory=dict)
    calls: Mapping[str, Reads] = field(default_factory=dict)
    reads: Literal["converted", "pil", "plain", "frames", "bytes"] = "converted"
    settings_by_position: tuple[str, ...] = ()
    older: Mapping[str, Spelling] = field(default_factory=dict)
    computed: Callable[[Config], Mapping[str, Any]] = nothing
    unmoved: bool = False
    family: str = ""

    @cached_property
    def declared(self) -> Mapping[str, Setting]:
        """All settings with their defaults, checks and meanings: the standard ones, then the class's own."""
        return declared(self.settings)

    @cached_property
    def defaults(self) -> Mapping[str, Any]:
        """The default of each setting."""
        return {key: setting.default for key, setting in self.declared.items()}

    @property
    def not_saved(self) -> Sequence[str]:
        """The settings that files do not hold."""
        return [key for key, setting in self.declared.items() if not setting.saved]

    @property
    def input_names(self) -> tuple[str, ...]:
        """What the class says its models take, `model_input_names`."""
        return self.outputs if self.model_inputs is None else self.model_inputs

    @property
    def arguments(self) -> tuple[str, ...]:
        """What a call takes by position behind the images: texts, further inputs, settings."""
        return (*self.texts, *(extra.keyword for extra in self.extra_inputs.values()), *self.settings_by_position)

    @property
    def inputs(self) -> list[str]:
        """What a call takes: the images and the further inputs, optional ones in brackets."""
        return ["images", *(extra.keyword if extra.required else f"[{extra.keyword}]" for extra in self.extra_inputs.values())]

    @property
    def shown_outputs(self) -> list[str]:
        """What a call gives; in brackets what it gives only with a further input or another setting than the default."""
        optional = [name for name, extra in self.extra_inputs.items() if not extra.required]
        config = self.config({})
        try:
            always = {output.name for output in self.program(config).outputs}
            brought = [output.name for output in self.program(config, extra_inputs=optional).outputs] if optional else []
        except ConfigError:  # a class that has no defaults for something (colours, a model's settings)
            always, brought = set(self.outputs), []
        return [name if name in always else f"[{name}]" for name in dict.fromkeys((*self.outputs, *brought))]

    def check_backend(self, backend: str | None) -> str:
        """The backend, which the class must have; its first one for None.

        Raises:
            ConfigError: it has not.
        """
        if backend is not None and backend not in self.backends:
            raise ConfigError(f"backend: {self.name} has {', '.join(self.backends)}, got {backend!r}")
        return self.backends[0] if backend is None else backend

    def backend_wanted(self, backend: str | None) -> tuple[str | None, list[str]]:
        """The backend that a name or a file asks for where the class has it, else None; and what to say about that."""
        if backend is None or backend in self.backends:
            return backend, []
        found = self.backends[0]
        return None, [f"{self.name} has no {backend} arithmetic here: results equal transformers' {found} backend"]

    def parity_of(self, backend: str | None = None) -> Parity:
        """What the results of a backend with default settings are equal to; of the first one for None."""
        backend = self.check_backend(backend)
        try:
            return self.program(self.config({}), backend=backend).parity
        except ConfigError:  # the defaults alone are no program
            return self._declared(backend)

    def _declared(self, backend: str) -> Parity:
        """What a backend's results are equal to where torch takes the kernels that this package has."""
        return self.parity if self.parity is not None and backend == self.backends[0] else PARITY[backend]

    def config(self, given: Mapping[str, Any], *, call: bool = False) -> Config:
        """The normalised settings of the class with some given.

        Args:
            given: settings of a constructor or a file; with `call`, a processor's settings with some that a call gives.
            call: whether older spellings are read as a call reads them.

        Raises:
            ConfigError: a value has no meaning for its key.
        """
        given = {key: plain_size(value) for key, value in given.items()}
        return normalize(self.name, self.declared, modern(self.older, self.defaults, given, call=call))

    def program(
        self,
        config: Config,
        *,
        color: str = "rgb",
        dtype: str = "u8",
        channels: int | None = None,
        extra_inputs: Sequence[str] = (),
        several: bool = False,
        backend: str | None = None,
        types: Mapping[str, str] | None = None,
    ) -> Program:
        """Compile settings to a program.

        Args:
            config: normalised settings.
            color: the colour order of the input image.
            dtype: the input's element type; only a program that does not resize takes others than `u8`.
            channels: the input's channels where they differ from the colour order's (arrays without RGB conversion).
            extra_inputs: the optional inputs that it has, by name; it always has the required ones.
            several: whether the image is one of several in its sample.
            types: the element types of further inputs that have others than declared, by their names.
            backend: whose arithmetic the results equal: `pil` or `torchvision`; the class's first one for None.

        Raises:
            ConfigError: a switched-on step lacks a setting, the colour order or an input is unknown, the class processes images
                of several in a sample as any others, or it does not have the backend.
        """
        backend = self.check_backend(backend)
        if color not in CHANNELS:
            raise ConfigError(f"color: expected one of {', '.join(CHANNELS)}, got {color!r}")
        check(config, self.needs)
        if several and not self.images_per_sample_output:
            raise ConfigError(f"several: {self.name} processes images of samples of several as it does others. Leave it out.")
        b = ProgramBuilder(self.name, self._declared(backend), several=several, backend=backend)
        x = image_input(b, dtype=dtype, channels=channels or CHANNELS[color])
        if color == "rgba" and self.background != DROPPED:
            x = b.add(BACKGROUNDS[self.background], x)
        x = b.add(ToChannelsFirst(), x)
        if color != "rgb" and x.type.channels == CHANNELS[color]:
            x = b.add(SelectChannels(PICKED[color]), x)
        b.image = x
        if unknown := sorted(set(extra_inputs) - set(self.extra_inputs)):
            known = ", ".join(self.extra_inputs) or "none beside the image"
            raise ConfigError(f"inputs: {self.name} takes {known}, got {unknown[0]!r}")
        for name, extra in self.extra_inputs.items():
            if extra.required or name in extra_inputs:
                b.extra_inputs[name] = b.input(name, extra.type(name, (types or {}).get(name, "")))
        for stage in self.stages:
            x = stage(b, config, x)
        if self.finish is None:
            b.output("pixel_values", x, join_after(config, self.stages))
        else:
            self.finish(b, config, x)
        b.parity = stated(b.parity, b.steps, b.outputs)
        return b.finish(self.outputs)
