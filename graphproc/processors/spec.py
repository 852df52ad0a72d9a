"""The spec of a processor class: all that the compiler knows of it, such as its settings and stages."""

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
from graphproc.ir.backends import BACKENDS, PIL, TORCHVISION
from graphproc.ir.op import Op
from graphproc.ir.program import Parity, Program, ProgramBuilder, Value, image_input, side_symbols
from graphproc.ir.types import TensorType
from graphproc.ops import CompositeOnCheckerboard, CompositeOnWhite, SelectChannels, ToChannelsFirst
from graphproc.processors.calls import Reads
from graphproc.processors.parity import stated
from graphproc.processors.stages import Stage as Stage
from graphproc.processors.stages import join_after
from graphproc.sizes import num

Finish = Callable[[ProgramBuilder, Config, Value], None]
"""Runs after the stages and declares the outputs."""

CHANNELS: Mapping[str, int] = {"rgb": 3, "bgr": 3, "rgba": 4, "gray": 1}
"""The number of the input's channels, by colour order.

`rgba` is composited on `ProcessorSpec.background`. `gray` is repeated, as PIL does when it converts to RGB.
"""
DROPPED = "dropped"
"""The `ProcessorSpec.background` of classes that take the first three of four channels and leave out alpha."""
PICKED: Mapping[str, tuple[int, ...]] = {"bgr": (2, 1, 0), "gray": (0, 0, 0), "rgba": (0, 1, 2)}
"""The positions of red, green and blue in the input's channels; of `rgba` where nothing was composited."""
BACKGROUNDS: Mapping[str, Op] = {"white": CompositeOnWhite(), "checkerboard": CompositeOnCheckerboard()}
"""The ops that composite an image with an alpha channel on a background, by the background's name."""

PIL_PARITY = Parity("transformers 5.23 (backend pil) with Pillow 13")
TORCHVISION_PARITY = Parity("transformers 5.23 (backend torchvision) with torch 2.14 and torchvision 0.29")
ONLY_PIL, ONLY_TORCHVISION = (PIL,), (TORCHVISION,)
"""The backends of a class that has one only (`ProcessorSpec.backends`)."""
PARITY: Mapping[str, Parity] = {PIL: PIL_PARITY, TORCHVISION: TORCHVISION_PARITY}
"""What results of a backend are equal to, where a class states nothing else."""


@dataclass(frozen=True)
class ExtraInput:
    """An extra input of a class: something beside each image, such as a label map.

    Attributes:
        keyword: its name in a call.
        layout: its axes: `HW` for a map, `HWC` for an image of three channels, `NF` for rows of four
            numbers (boxes).
        dtype: its element type in the graph, e.g. `u8` for uint8.
        aligned: whether its height and width are the image's; otherwise it has its own.
        required: whether a call must give it.
        any_type: whether a call may give it in other element types, which the steps then keep.
        floats: whether a call may give a map of floats, which the numpy executor processes as they are.
    """

    keyword: str
    layout: str = "HW"
    dtype: str = "u8"
    aligned: bool = True
    required: bool = False
    any_type: bool = False
    floats: bool = False

    def type(self, name: str, dtype: str = "") -> TensorType:
        """Return the type of the program's input of that name; `dtype` replaces the declared element type."""
        height, width = side_symbols("" if self.aligned else f"{name}_")
        lengths = {"H": height, "W": width, "C": 3, "N": num.symbol(f"{name}_count"), "F": 4}
        return TensorType(dtype or self.dtype, tuple(lengths[letter] for letter in self.layout), self.layout)


@dataclass(frozen=True)
class Samples:
    """How the images of a call belong together: in samples, and where their sizes decide together.

    Attributes:
        images: how many images make one sample; 0 for any number.
        counts: the output that tells how many images each sample has; empty in most classes. Classes that
            have one process an image differently if its sample has more (`ProgramBuilder.in_multi_image_sample`), and join
            results image by image. Images that are not nested in samples are samples of one.
        settings: makes the settings for a call's images from the call's settings and the (height, width)
            of all images. None where an image's result does not depend on the others.
    """

    images: int = 1
    counts: str = ""
    settings: Callable[[Config, Sequence[tuple[int, int]]], Config] | None = None


def nothing(config: Config) -> Mapping[str, Any]:
    """Return no attributes: the `computed` of classes that compute none."""
    return {}


@dataclass(frozen=True)
class ProcessorSpec:
    """The spec of a processor class.

    Attributes:
        name: the class's name in transformers.
        stages: the steps, in order, on one image with channels first.
        settings: its settings by name, in the order in which files hold them. A standard setting
            (`configs/settings.py`) has its default here, any other one a `Setting`.
        limitations: the parts of the class that cannot be in a graph, and why; empty if there are none.
        parity: what results in a backend are equal to, where `PARITY` does not say it.
        outputs: the names of all outputs that a call without extra inputs may give, in the call's order.
        meanings: what outputs are, by name, that are something else in other classes (`meanings.py`).
        model_inputs: the class's `model_input_names`; None for `outputs`.
        backends: the backends that the class has here, its default first.
        finish: declares the outputs, given the last stage's result; None for `pixel_values` alone.
        extra_inputs: extra inputs by the names that programs have for them.
        needs: for each switch, the settings that its step needs.
        samples: how the images of a call belong together.
        background: the name in `BACKGROUNDS` of what images with alpha are composited on; `DROPPED`
            where alpha is left out.
        texts: makes outputs of text, by the keyword that each is made of and named after. They do not
            depend on images, and no graph has them.
        reads: which images `do_convert_rgb` concerns. `converted`: all. `pil`: PIL images and files.
            `plain` and `frames`: none. `bytes`: all, after arrays became PIL images of bytes. With
            `pil`, `frames` and `bytes`, an axis of length 4 in an array is not taken for its channels.
        calls: how a call reads settings that transformers does not simply take from the call.
        settings_by_position: the settings that a call takes by position after the images, in transformers' order.
        older: older spellings of settings, by key (`configs/legacy.py`).
        computed: makes the attributes that the class computes from its settings when it is made. They are
            saved as well; what a file says of them does not count.
        about_model: attributes that say something of the class's model, with their values where a file has
            none. Calls read none of them; transformers' processors of images and text do.
        unmoved: whether transformers still has the class in its older form, outside its backends. Means
            and deviations are lists there, and calls accept unknown keywords with a warning.
    """

    name: str
    stages: tuple[Stage, ...]
    settings: Mapping[str, Any]
    limitations: str = ""
    parity: Mapping[str, Parity] = field(default_factory=dict)
    outputs: tuple[str, ...] = ("pixel_values",)
    meanings: Mapping[str, str] = field(default_factory=dict)
    model_inputs: tuple[str, ...] | None = None
    backends: tuple[str, ...] = BACKENDS
    finish: Finish | None = None
    extra_inputs: Mapping[str, ExtraInput] = field(default_factory=dict)
    needs: Mapping[str, tuple[str, ...]] = field(default_factory=lambda: NEEDS)
    samples: Samples = Samples()
    background: str = "white"
    texts: Mapping[str, Callable[[Any], list[str]]] = field(default_factory=dict)
    calls: Mapping[str, Reads] = field(default_factory=dict)
    reads: Literal["converted", "pil", "plain", "frames", "bytes"] = "converted"
    settings_by_position: tuple[str, ...] = ()
    older: Mapping[str, Spelling] = field(default_factory=dict)
    computed: Callable[[Config], Mapping[str, Any]] = nothing
    about_model: Mapping[str, Any] = field(default_factory=dict)
    unmoved: bool = False

    @cached_property
    def declared(self) -> Mapping[str, Setting]:
        """Return all settings with their defaults, checks and meanings: the standard ones, then the class's own."""
        return declared(self.settings)

    @cached_property
    def defaults(self) -> Mapping[str, Any]:
        """Return the default of each setting."""
        return {key: setting.default for key, setting in self.declared.items()}

    @property
    def not_saved(self) -> Sequence[str]:
        """Return the settings that files do not hold."""
        return [key for key, setting in self.declared.items() if not setting.saved]

    @property
    def input_names(self) -> tuple[str, ...]:
        """Return what the class says its models take: `model_input_names`."""
        return self.outputs if self.model_inputs is None else self.model_inputs

    @property
    def arguments(self) -> tuple[str, ...]:
        """Return what a call takes by position after the images: texts, extra inputs, settings."""
        return (*self.texts, *(extra.keyword for extra in self.extra_inputs.values()), *self.settings_by_position)

    @property
    def inputs(self) -> list[str]:
        """Return what a call takes: images and extra inputs, optional ones in brackets."""
        return ["images", *(extra.keyword if extra.required else f"[{extra.keyword}]" for extra in self.extra_inputs.values())]

    @property
    def shown_outputs(self) -> list[str]:
        """Return what a call gives; in brackets what needs an extra input, or settings other than the defaults."""
        optional = [name for name, extra in self.extra_inputs.items() if not extra.required]
        config = self.config({})
        try:
            always = {output.name for output in self.program(config).outputs}
            brought = [output.name for output in self.program(config, extra_inputs=optional).outputs] if optional else []
        except ConfigError:  # a class that has no defaults for something (colours, a model's settings)
            always, brought = set(self.outputs), []
        return [name if name in always else f"[{name}]" for name in dict.fromkeys((*self.outputs, *brought))]

    def check_backend(self, backend: str | None) -> str:
        """Return a backend that the class has; its first one for None.

        Raises:
            ConfigError: the class does not have the backend.
        """
        if backend is not None and backend not in self.backends:
            raise ConfigError(f"backend: {self.name} has {', '.join(self.backends)}, got {backend!r}")
        return self.backends[0] if backend is None else backend

    def backend_wanted(self, backend: str | None) -> tuple[str | None, list[str]]:
        """Return the backend that a name or a file asks for if the class has it, else None, and warnings about that."""
        if backend is None or backend in self.backends:
            return backend, []
        found = self.backends[0]
        return None, [f"{self.name} has no {backend} arithmetic here: results equal transformers' {found} backend"]

    def parity_of(self, backend: str | None = None) -> Parity:
        """Return what a backend's results with default settings are equal to; None means the first backend."""
        backend = self.check_backend(backend)
        try:
            return self.program(self.config({}), backend=backend).parity
        except ConfigError:  # the defaults alone are no program
            return self._declared(backend)

    def _declared(self, backend: str) -> Parity:
        """Return what a backend's results are equal to if torch runs the compiled code that this package reproduces."""
        return self.parity.get(backend, PARITY[backend])

    def config(self, given: Mapping[str, Any], *, call: bool = False) -> Config:
        """Return the normalised settings of the class, with given ones in place of defaults.

        Args:
            given: settings of a constructor or a file; with `call`, a processor's settings with some that a call gives.
            call: whether older spellings are read as a call reads them, not as a constructor does.

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
            dtype: the input's element type.
            channels: the number of the input's channels where it is not the colour order's, as of arrays
                that are not converted to RGB.
            extra_inputs: the optional inputs that the program has, by name; it always has the required ones.
            several: whether the image is one of several in its sample.
            types: element types of extra inputs that differ from the declared ones, by input name.
            backend: `pil` or `torchvision`: the arithmetic that results are equal to; None for the class's first.

        Raises:
            ConfigError: a step that is on lacks a setting, the colour order or an input is unknown, the
                class does not have the backend, or `several` is given to a class that it changes nothing for.
        """
        backend = self.check_backend(backend)
        if color not in CHANNELS:
            raise ConfigError(f"color: expected one of {', '.join(CHANNELS)}, got {color!r}")
        check(config, self.needs)
        if several and not self.samples.counts:
            raise ConfigError(f"several: {self.name} processes every image of a sample by itself. Leave it out.")
        b = ProgramBuilder(self.name, self._declared(backend), in_multi_image_sample=several, backend=backend)
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
