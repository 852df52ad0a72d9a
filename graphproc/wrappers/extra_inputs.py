"""Read the arguments of a call besides images, by position or by name, as arrays for programs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from graphproc.errors import ImageError
from graphproc.ir.types import DTYPES
from graphproc.processors.spec import ExtraInput, ProcessorSpec
from graphproc.wrappers.images import to_array, to_map

Array = np.ndarray[Any, Any]


def by_name(spec: ProcessorSpec, values: Sequence[Any], given: Mapping[str, Any]) -> dict[str, Any]:
    """Return a call's keywords together with its arguments by position, under their names.

    Args:
        spec: the spec of the class, which names the arguments.
        values: the arguments after the images; None for one that is left out.
        given: the call's keywords.

    Raises:
        TypeError: there are too many arguments, or one is given by position and by name.
    """
    names = spec.arguments
    while len(values) > len(names) and values[-1] is None:  # an input that is not compiled, and is not given
        values = values[:-1]
    if len(values) > len(names):
        takes = ", ".join(names) or "nothing else"
        left_out = f". Not compiled: {spec.limitations}" if spec.limitations else ""
        raise TypeError(
            f"{spec.name}: expected images and then {takes} by position, got {len(values)} behind the images. "
            f"Give settings by name{left_out}"
        )
    named = {name: value for name, value in zip(names, values, strict=False) if value is not None}
    if twice := sorted(set(named) & set(given)):
        raise TypeError(f"{spec.name}: {twice[0]!r} is given by position and by name. Leave one out.")
    return {**named, **given}


def read_extra_inputs(spec: ProcessorSpec, given: Mapping[str, Any], count: int) -> dict[str, list[Array]]:
    """Return the extra inputs that were given, one array for each image, by the program's names.

    Args:
        spec: the spec of the class.
        given: inputs by the call's keywords.
        count: how many images there are.

    Raises:
        ImageError: an input is missing, there is not one for each image, or one has another form.
    """
    found: dict[str, list[Array]] = {}
    for name, extra in spec.extra_inputs.items():
        value = given.get(extra.keyword)
        if value is None:
            if extra.required:
                raise ImageError(f"{spec.name}: expected {extra.keyword}, one for each image, got none")
            continue
        items = list(value) if isinstance(value, (list, tuple)) or getattr(value, "ndim", 0) > len(extra.layout) else [value]
        if len(items) != count:
            raise ImageError(f"{extra.keyword}: expected one for each of the {count} images, got {len(items)}")
        found[name] = [read_input(extra, item, f"{extra.keyword}[{index}]") for index, item in enumerate(items)]
    return found


def has_own_prompts(spec: ProcessorSpec) -> bool:
    """Tell whether a class takes images as prompts, which a call may also give without images."""
    return any(extra.layout == "HWC" for extra in spec.extra_inputs.values())


def stand_ins(given: Mapping[str, Any]) -> list[Any]:
    """Return a PIL image of one pixel for each prompt, in place of images that the call does not give.

    Raises:
        ImageError: there are no prompts either.
    """
    values = [value for value in given.values() if value is not None]
    if not values:
        raise ImageError("images: expected images or prompts, got neither")
    from PIL import Image

    return [Image.new("RGB", (1, 1))] * (len(values[0]) if isinstance(values[0], (list, tuple)) else 1)


def read_input(extra: ExtraInput, item: Any, label: str) -> Array:
    """Return one extra input as the program reads it.

    Args:
        extra: the input's declaration in the spec.
        item: a map, an image, or rows of numbers.
        label: the input's name in errors.

    Raises:
        ImageError: the item has another form.
    """
    dtype = DTYPES[extra.dtype]
    if extra.layout == "HW":
        return to_map(item, None if extra.any_type else dtype, label, extra.floats)
    if extra.layout == "HWC":
        array = to_array(item, do_convert_rgb=False, input_data_format=None)
        if array.dtype != dtype or array.shape[-1] != 3:
            raise ImageError(f"{label}: expected bytes of 3 channels, got {array.dtype}{list(array.shape)}. Convert it to RGB.")
        return array
    rows = np.asarray(item, dtype)
    if rows.ndim != 2 or rows.shape[1] != 4:
        raise ImageError(f"{label}: expected rows of 4 numbers, got shape {list(rows.shape)}")
    return rows
