"""Plan a call: what it makes of images of known sizes, without their pixels."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, overload

import numpy as np

from graphproc.batch_feature import BatchFeature
from graphproc.configs.config import Config
from graphproc.errors import ImageError, ShapeError
from graphproc.executors import reference
from graphproc.ir.program import Program
from graphproc.ir.types import DTYPES
from graphproc.plans.facts import OutputFacts
from graphproc.plans.plan import CallPlan, OutputPlan, Plan, Planner
from graphproc.processors.spec import ExtraInput, ProcessorSpec
from graphproc.wrappers.calls import Arguments, arguments, check_counts, samples_of
from graphproc.wrappers.compilation import Compilation, options_of
from graphproc.wrappers.containers import check_lengths
from graphproc.wrappers.running import about

Array = np.ndarray[Any, Any]
Sides = tuple[int, int]
TOKEN_SIDES = ("merge_size", "pooling_kernel_size", "downsample_factor")
"""The settings that say how many patches along a side make one token."""


class Planning(Compilation):
    """Plans calls of a processor."""

    @overload
    def plan(self, height: int, width: int, **changes: Any) -> Plan: ...
    @overload
    def plan(self, height: Sequence[Any], width: None = None, **changes: Any) -> CallPlan: ...

    def plan(self, height: int | Sequence[Any], width: int | None = None, **changes: Any) -> Plan | CallPlan:
        """Return what a call makes of images of known sizes, without their pixels.

        Args:
            height: an image's height in pixels; or a list of (height, width), one for each image of a
                call, nested as the images are where they make samples.
            width: its width; None for a list.
            **changes: settings as a call takes them, and the sizes of extra inputs by their names in a
                call, for several images in a list: (height, width) of a map or an image, True for the
                image's own, and the number of rows of boxes. A map that the class requires has the
                image's size if none is given.

        Returns:
            A `Plan`, or for a list a `CallPlan`. Images are RGB bytes, as files are; arrays with other
            numbers of channels or element types may give others.

        Raises:
            ConfigError: a setting has no meaning.
            ImageError: a size is no whole number from 1, or a call refuses images of such sizes.
            ShapeError: a call refuses images of different sizes.
            TypeError: a keyword is unknown.
        """
        found = arguments(self, changes)
        config = self._call_config(found.settings)
        if width is None:
            return self._plan_call(config, found, height)
        sides = _whole("", "height", height), _whole("", "width", width)
        check_counts(self.spec, [1])
        extra_inputs = _stand_ins(self.spec, found, [sides]) if self.spec.extra_inputs else {}
        if self.spec.samples.settings is not None:
            config = self.spec.samples.settings(config, [sides])
        program = self._program(config, **options_of(extra_inputs))
        return self._plan_one(program, config, sides, {name: given[0] for name, given in extra_inputs.items()})

    def planner(self, program: Program) -> Planner:
        """Return what makes plans by one of the processor's programs."""
        kept: Planner | None = self._cache.planners.get(id(program))
        if kept is None or kept.facts.program is not program:
            kept = self._cache.planners[id(program)] = Planner(program)
        return kept

    def _plan_one(self, program: Program, config: Config, sides: Sides, extra_inputs: Mapping[str, Array]) -> Plan:
        sizes: Mapping[str, int] = {"height": sides[0], "width": sides[1]}
        if extra_inputs:
            sizes = reference.sizes_from(program, {"image": _stand_in((*sides, 3), np.dtype(np.uint8)), **extra_inputs})
        side = next((config.settings[key] for key in TOKEN_SIDES if key in config.settings), None)
        return self.planner(program).plan(sizes, side)

    def _plan_call(self, config: Config, found: Arguments, given: Any) -> CallPlan:
        spec = self.spec
        if not isinstance(given, (list, tuple)) or _is_size(given) or not given:
            raise ImageError(f"images: expected a list of (height, width), got {given!r:.80}. One image is plan(height, width).")
        samples = samples_of(spec, _stand_in_images(given, "images"))
        counts = [len(sample) for sample in samples]
        check_counts(spec, counts)
        several = [bool(spec.samples.counts) and count > 1 for count in counts for _ in range(count)]
        images = [image.shape[:2] for sample in samples for image in sample]
        extra_inputs = _stand_ins(spec, found, images)
        own = config
        if spec.samples.settings is not None:
            config = spec.samples.settings(config, images)
        plans = []
        for index, sides in enumerate(images):
            with about(f"image {index}" if len(images) > 1 else ""):
                program = self._program(config, **options_of(extra_inputs, several[index]))
                inputs = {name: arrays[index] for name, arrays in extra_inputs.items()}
                plans.append(self._plan_one(program, config, sides, inputs))
        declared = self.planner(self._program(own, **options_of(extra_inputs)))
        found_outputs = [one for one in declared.facts.outputs if one.output.name != spec.samples.counts]
        joined = [_Joined(one, [plan.shapes[one.output.name] for plan in plans], counts) for one in found_outputs]
        for output in joined:
            output.check(self.backend)
        outputs = {output.name: output.delivered() for output in joined if not output.left_out}
        if spec.samples.counts:
            outputs[spec.samples.counts] = OutputPlan((len(counts),), "int64")
        return CallPlan(tuple(plans), outputs, tuple(output.doubt for output in joined if output.doubt))


class _Joined:
    """One output of several images, as a call joins and delivers it.

    Attributes:
        name: the output's name.
        left_out: whether the call leaves it out.
        doubt: why the call may refuse the results after all; empty if it takes them.
    """

    def __init__(self, found: OutputFacts, shapes: Sequence[tuple[int | None, ...]], counts: Sequence[int]) -> None:
        """Join the images' results. Lengths that pixels decide count as equal.

        Args:
            found: the output.
            shapes: the shape of each image's result.
            counts: how many images each sample has.

        Raises:
            ShapeError: the results cannot be joined.
        """
        output, known = found.output, [tuple(1 if n is None else n for n in shape) for shape in shapes]
        self._unknown = {axis - len(shape) for shape in shapes for axis, length in enumerate(shape) if length is None}
        self._output, self.name = output, output.name
        try:
            self._dtype, joined = reference.joined_type(output, np.dtype(found.result_dtype), known, counts)
        except ShapeError as error:
            raise ShapeError(f"{output.name}: {error}") from error
        dtype = self._dtype
        self._value: Any = [_stand_in(one, dtype) for one in joined] if isinstance(joined, list) else _stand_in(joined, dtype)
        must_fit = len(shapes) > 1 and bool(self._unknown) and output.delivery.kind == "tensor"
        self.doubt = f"{self.name}: the images' pixels decide its shapes, which have to be equal." if must_fit else ""
        self.left_out = output.delivery.omit_if_empty and all(np.size(array) == 0 for array in self._value)

    def check(self, backend: str) -> None:
        """Refuse what a call refuses.

        Raises:
            ShapeError: as the call does.
        """
        if self._output.delivery.kind == "tensor" and not self.left_out:
            check_lengths(backend, self._output, self._value)

    def delivered(self) -> OutputPlan:
        """Return the output's plan.

        Raises:
            ShapeError: the images' results have several shapes, and the call refuses them.
        """
        value, listed = self._value, self._output.delivery.kind != "tensor"
        each = {array.shape for array in value} if isinstance(value, list) else set()
        if len(each) > 1 and not listed:  # an array of arrays, or an error
            array = BatchFeature({self.name: value}, "np")[self.name]
            return OutputPlan(array.shape, array.dtype.name)
        shape: tuple[int | None, ...] = (len(value), *map(_common, *each)) if each else value.shape
        known = (None if axis - len(shape) in self._unknown else length for axis, length in enumerate(shape))
        return OutputPlan(tuple(known), self._dtype.name, listed)


def _common(length: int, *others: int) -> int | None:
    """Return a length that all have; None if they differ."""
    return length if {length, *others} == {length} else None


def _stand_ins(spec: ProcessorSpec, found: Arguments, images: Sequence[Sides]) -> dict[str, list[Array]]:
    """Return arrays with the sizes of the extra inputs, one for each image, by the program's names.

    Raises:
        ImageError: an input is missing, there is not one for each image, or a size is none.
    """
    arrays = {}
    for name, extra in spec.extra_inputs.items():
        value: Any = found.extra_inputs.get(extra.keyword)
        if value is None:
            if not extra.required:
                continue
            if "N" in extra.layout:
                raise ImageError(f"{spec.name}: expected {extra.keyword}, how many each image has, got none")
            value = True
        one_size = "N" not in extra.layout and _is_size(value) and not any(item is True for item in value)
        items = list(value) if isinstance(value, (list, tuple)) and not one_size else [value]
        items = items * len(images) if value is True else items
        if len(items) != len(images):
            raise ImageError(f"{extra.keyword}: expected one for each of the {len(images)} images, got {len(items)}")
        arrays[name] = [
            _stand_in(_shape(extra, item, sides, f"{extra.keyword}[{index}]"), DTYPES[extra.dtype])
            for index, (item, sides) in enumerate(zip(items, images, strict=True))
        ]
    return arrays


def _shape(extra: ExtraInput, item: Any, sides: Sides, label: str) -> tuple[int, ...]:
    """Return the shape of one extra input; True stands for the image's size."""
    if "N" in extra.layout:
        return _whole(label, "number", item), 4
    height, width = sides if item is True else _sides(label, item)
    return (height, width, 3) if extra.layout == "HWC" else (height, width)


def _stand_in_images(sizes: Any, label: str) -> Any:
    """Return arrays in place of sizes, nested as these are.

    Raises:
        ImageError: something is no size.
    """
    if _is_size(sizes) or not isinstance(sizes, (list, tuple)):
        return _stand_in((*_sides(label, sizes), 3), np.dtype(np.uint8))
    return [_stand_in_images(one, f"{label}[{index}]") for index, one in enumerate(sizes)]


def _stand_in(shape: Sequence[Any], dtype: np.dtype[Any]) -> Array:
    """Return an array of a shape that takes no memory."""
    return np.broadcast_to(np.zeros((), dtype), tuple(shape))


def _is_size(value: Any) -> bool:
    return isinstance(value, (list, tuple)) and len(value) == 2 and not any(isinstance(side, (list, tuple)) for side in value)


def image_sizes(height: Any, width: Any) -> dict[str, int]:
    """Return the sizes of an image by their names in programs.

    Raises:
        ImageError: a side is no whole number from 1.
    """
    return {"height": _whole("", "height", height), "width": _whole("", "width", width)}


def _sides(label: str, size: Any) -> Sides:
    """Return a size as (height, width).

    Raises:
        ImageError: it is something else.
    """
    if not _is_size(size):
        raise ImageError(f"{label}: expected (height, width), got {size!r:.80}")
    return _whole(label, "height", size[0]), _whole(label, "width", size[1])


def _whole(label: str, name: str, value: Any) -> int:
    """Return a whole number from 1 as an int.

    Raises:
        ImageError: it is something else.
    """
    if isinstance(value, (bool, np.bool_)) or not isinstance(value, (int, np.integer)) or value < 1:
        what = "number from 1" if name == "number" else "number of pixels from 1"
        raise ImageError(f"{label}{': ' if label else ''}{name}: expected a whole {what}, got {value!r:.80}")
    return int(value)
