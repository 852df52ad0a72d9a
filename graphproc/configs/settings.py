"""What a setting is (its default, its values, its meaning), and the settings that every processor has."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from graphproc.errors import ConfigError
from graphproc.numerics.filters import FILTER_NAMES

Check = Callable[[str, Any], Any]
"""Brings a value other than None to its normal form, given the setting's name and the value.

It raises ConfigError for a value that the setting does not take.
"""


@dataclass(frozen=True)
class Setting:
    """A setting of a class.

    Attributes:
        default: its value where no other is given; None for no value.
        check: checks and normalises values; None takes any, which steps read as true or false, or not at all.
        meaning: what it does, in a sentence.
        saved: whether files hold it.
    """

    default: Any
    check: Check | Sides | None
    meaning: str
    saved: bool = True

    def of(self, default: Any) -> Setting:
        """Return the same setting with another default."""
        return replace(self, default=default)


def changed(settings: Mapping[str, Any], **defaults: Any) -> dict[str, Any]:
    """Return the same settings with some other defaults: `changed(TILED, min_patches=2)`."""
    own = {key: setting for key in defaults if isinstance(setting := settings.get(key), Setting)}
    return {**settings, **defaults, **{key: setting.of(defaults[key]) for key, setting in own.items()}}


@dataclass(frozen=True)
class Sides:
    """The check of a size in pixels.

    Attributes:
        switches: the switches of the steps that read it. If all are off, its sides may be anything (files
            have -1).
        edge: whether a whole number is the shortest edge if `default_to_square` is false.
    """

    switches: tuple[str, ...]
    edge: bool = False


class RangeCheck(ABC):
    """A check of numbers in a range. Their type is checked when settings are made, the range when a step reads them."""

    @property
    @abstractmethod
    def expected(self) -> str:
        """Return what a value has to be."""

    @abstractmethod
    def fits(self, value: Any) -> bool:
        """Tell whether a value of the right type is in the range."""

    def used(self, key: str, value: Any) -> Any:
        """Return the value if it is in the range.

        Raises:
            ConfigError: the value is out of the range.
        """
        if not self.fits(value):
            raise ConfigError(f"{key}: expected {self.expected}, got {value!r}")
        return value


@dataclass(frozen=True)
class Whole(RangeCheck):
    """The check of a whole number that is at least another number."""

    least: int | None = None

    @property
    def expected(self) -> str:
        """Return what a value has to be."""
        return "a whole number" if self.least is None else f"a whole number of at least {self.least}"

    def fits(self, value: int) -> bool:
        """Tell whether it is at least the number."""
        return self.least is None or value >= self.least

    def __call__(self, key: str, value: Any) -> int:
        """Return the number."""
        if isinstance(value, bool) or not isinstance(value, int):
            raise ConfigError(f"{key}: expected {self.expected}, got {value!r}")
        return value


@dataclass(frozen=True)
class Above(RangeCheck):
    """The check of a number above one limit, and below a second if there is one."""

    limit: float
    below: float = math.inf

    @property
    def expected(self) -> str:
        """Return what a value has to be."""
        return f"a number above {self.limit:g}" + (f" and below {self.below:g}" if self.below < math.inf else "")

    def fits(self, value: float) -> bool:
        """Tell whether it is between the numbers."""
        return self.limit < value < self.below

    def __call__(self, key: str, value: Any) -> float:
        """Return the number."""
        if isinstance(value, bool) or not isinstance(value, (int, float)):
            raise ConfigError(f"{key}: expected {self.expected}, got {value!r}")
        return value


@dataclass(frozen=True)
class Pair(RangeCheck):
    """The check of a pair of whole numbers that are at least another number."""

    least: int

    @property
    def expected(self) -> str:
        """Return what a value has to be."""
        return f"two whole numbers of at least {self.least}"

    def fits(self, value: tuple[int, int]) -> bool:
        """Tell whether both are at least the number."""
        return min(value) >= self.least

    def __call__(self, key: str, value: Any) -> tuple[int, int]:
        """Return the numbers."""
        if not isinstance(value, (list, tuple)) or len(value) != 2:
            raise ConfigError(f"{key}: expected {self.expected}, got {value!r:.80}")
        whole = Whole()
        return whole(key, value[0]), whole(key, value[1])


@dataclass(frozen=True)
class OneOf:
    """The check of a value that has to be one of a few."""

    choices: tuple[Any, ...]

    @property
    def expected(self) -> str:
        """Return what a value has to be."""
        if len(self.choices) == 2:
            return f"{self.choices[0]} or {self.choices[1]}"
        return f"one of {', '.join(map(str, self.choices))}"

    def __call__(self, key: str, value: Any) -> Any:
        """Return the choice."""
        if isinstance(value, bool) or value not in self.choices:
            raise ConfigError(f"{key}: expected {self.expected}, got {value!r}")
        return value


def flag(key: str, value: Any) -> bool:
    """Return a bool.

    Raises:
        ConfigError: the value is something else.
    """
    if not isinstance(value, bool):
        raise ConfigError(f"{key}: expected true, false or null, got {value!r}")
    return value


def number(key: str, value: Any) -> float:
    """Return a finite number."""
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not math.isfinite(value):
        raise ConfigError(f"{key}: expected a finite number, got {value!r}")
    return value


def divisor(key: str, value: Any) -> float:
    """Return a number that sizes can be divided by: the quotient has to be a size."""
    if 0 < abs(number(key, value)) < 1e-6:
        raise ConfigError(f"{key}: expected a number that sizes can be divided by, got {value!r}")
    return number(key, value)


def numbers(key: str, value: Any) -> tuple[float, ...] | float:
    """Return a finite number, or a tuple of one for each channel."""
    if isinstance(value, (list, tuple)) and value:
        return tuple(number(key, v) for v in value)
    return number(key, value)


def filter_code(key: str, value: Any) -> int:
    """Return Pillow's code of a filter, e.g. 3 for bicubic."""
    if isinstance(value, bool) or not isinstance(value, int) or int(value) not in FILTER_NAMES:
        known = ", ".join(f"{code} {name}" for code, name in sorted(FILTER_NAMES.items()))
        raise ConfigError(f"{key}: expected one of {known}, got {value!r}")
    return int(value)


def resolutions(key: str, value: Any) -> tuple[tuple[int, int], ...]:
    """Return pairs of a height and a width, in pixels."""
    pairs = value if isinstance(value, (list, tuple)) else ()
    if not pairs or not all(
        isinstance(pair, (list, tuple)) and len(pair) == 2 and all(Whole()(key, side) > 0 for side in pair) for pair in pairs
    ):
        raise ConfigError(f"{key}: expected one or more pairs of a height and a width in pixels, got {value!r:.80}")
    return tuple((height, width) for height, width in pairs)


STANDARD: Mapping[str, Setting] = {
    "do_convert_rgb": Setting(None, flag, "Convert images of other channels to RGB."),
    "do_resize": Setting(None, flag, "Resize the image."),
    "size": Setting(None, Sides(("do_resize", "do_center_crop"), edge=True), "The size to resize to, in pixels."),
    "default_to_square": Setting(True, flag, "A `size` of one number is both sides; if false, the shortest edge."),
    "resample": Setting(None, filter_code, "The filter: 0 nearest, 1 lanczos, 2 bilinear, 3 bicubic, 4 box, 5 hamming."),
    "do_center_crop": Setting(None, flag, "Cut the centre out, with zeros around a smaller image."),
    "crop_size": Setting(None, Sides(("do_center_crop",)), "The size of the centre, in pixels."),
    "do_rescale": Setting(None, flag, "Multiply pixels by `rescale_factor`."),
    "rescale_factor": Setting(None, number, "What pixels are multiplied by; 1/255 makes [0, 1] of bytes."),
    "do_normalize": Setting(None, flag, "Subtract `image_mean` and divide by `image_std`."),
    "image_mean": Setting(None, numbers, "A number for all channels, or one for each, that is subtracted."),
    "image_std": Setting(None, numbers, "A number for all channels, or one for each, to divide by."),
    "do_pad": Setting(None, flag, "Pad the image."),
    "pad_size": Setting(None, Sides(("do_pad",)), "The size to pad to, in pixels; null pads to the largest image of a batch."),
}
"""The settings that every processor declares. A class gives some of them other defaults."""
STANDARD_KEYS = tuple(STANDARD)


def declared(settings: Mapping[str, Any]) -> Mapping[str, Setting]:
    """Return all settings of a class: the standard ones, with the class's defaults, then the class's own.

    Args:
        settings: defaults of standard settings, and a `Setting` for each of the others.

    Raises:
        TypeError: a setting that is not a standard one is not a `Setting`.
    """
    found = {**STANDARD, **settings}
    for key, value in found.items():
        if key not in STANDARD and not isinstance(value, Setting):
            raise TypeError(f"{key} is no standard setting. Declare it: Setting(default, check, meaning)")
    return {key: value if isinstance(value, Setting) else STANDARD[key].of(value) for key, value in found.items()}
