"""What a processor class is to the compiler: a row of names, defaults and stages."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from graphproc.configs.config import Config, check, normalize
from graphproc.configs.legacy import modern
from graphproc.errors import ConfigError
from graphproc.ir.program import Parity, Program, ProgramBuilder, Value, image_input
from graphproc.ops import CompositeOnWhite, SelectChannels, ToChannelsFirst
from graphproc.processors.stages import pad

Stage = Callable[[ProgramBuilder, Config, Value], Value]
"""One step of a pipeline: reads its own settings and returns its input unchanged where they switch it off."""

Color = Literal["rgb", "bgr", "rgba", "gray"]
CHANNELS: Mapping[str, int] = {"rgb": 3, "bgr": 3, "rgba": 4, "gray": 1}
"""The input's channels, by colour order. `rgba` is composited on white and `gray` repeated, as for PIL images."""

PIL = Parity("transformers 5.23 (backend pil) with Pillow 13")


@dataclass(frozen=True)
class Row:
    """A processor class.

    Attributes:
        name: the class's name in transformers.
        family: the group it belongs to, as shown in lists.
        stages: the steps, in order, on one image laid out channels first.
        defaults: its default settings; others are None.
        extra_keys: settings beyond the standard ones.
        not_compiled: what of the class cannot be in a graph, and why; empty where everything is.
        parity: what the results are equal to.
        outputs: output names.
        backends: whose arithmetic the class has.
    """

    name: str
    family: str
    stages: tuple[Stage, ...]
    defaults: Mapping[str, Any]
    extra_keys: tuple[str, ...] = ()
    not_compiled: str = ""
    parity: Parity = PIL
    outputs: tuple[str, ...] = ("pixel_values",)
    backends: tuple[str, ...] = field(default=("pil",))

    def config(self, given: Mapping[str, Any]) -> Config:
        """The normalised settings of the class with some given.

        Raises:
            ConfigError: a value has no meaning for its key.
        """
        return normalize(self.name, self.defaults, self.extra_keys, modern(self.name, self.defaults, given))

    def program(
        self,
        config: Config,
        *,
        color: str = "rgb",
        dtype: str = "u8",
        channels: int | None = None,
        unit_scale: bool = False,
    ) -> Program:
        """Compile settings to a program.

        Args:
            config: normalised settings.
            color: the colour order of the input image.
            dtype: the input's element type; only a program that does not resize takes others than `u8`.
            channels: the input's channels where they differ from the colour order's (arrays without RGB conversion).
            unit_scale: whether the bytes stand for floats in [0, 1], to which each resize scales its result back.

        Raises:
            ConfigError: a switched-on step lacks a setting, or the colour order is unknown.
        """
        if color not in CHANNELS:
            raise ConfigError(f"color: expected one of {', '.join(CHANNELS)}, got {color!r}")
        check(config)
        b = ProgramBuilder(self.name, self.parity, unit_scale=unit_scale)
        x = image_input(b, dtype=dtype, channels=channels or CHANNELS[color])
        if color == "rgba":
            x = b.add(CompositeOnWhite(), x)
        x = b.add(ToChannelsFirst(), x)
        if color in ("bgr", "gray"):
            x = b.add(SelectChannels((2, 1, 0) if color == "bgr" else (0, 0, 0)), x)
        for stage in self.stages:
            x = stage(b, config, x)
        pads = pad in self.stages and config.do_pad and config.pad_size is None
        batch: Literal["pad", "stack"] = "pad" if pads else "stack"
        b.output("pixel_values", x, batch=batch)
        return b.finish()
