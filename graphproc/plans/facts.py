"""Read off a program what sizes alone decide: shapes of outputs, resized sizes, crops, grids and counts.

The numbers are the program's own expressions, as one function of sizes.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from graphproc.ir.join import Shape
from graphproc.ir.program import Output, Program
from graphproc.ir.types import DTYPES
from graphproc.ops import CenterCrop, Numbers, Resample, Slice
from graphproc.ops.axes import SIDES
from graphproc.plans.patches import grid, patches
from graphproc.sizes import num
from graphproc.sizes.function import SizeFunction
from graphproc.sizes.num import Bool, Num
from graphproc.sizes.rules import center_window

Result = Num | tuple[Num, ...]


@dataclass(frozen=True)
class OutputFacts:
    """Describe one output, for one image.

    Attributes:
        output: the program's output.
        dtype: numpy's name of its element type.
        shape: the shape of one image's result.
        numbers: its elements in order, if sizes decide them; else empty.
    """

    output: Output
    dtype: str
    shape: Shape
    numbers: tuple[Num, ...] = ()

    def call_shape(self, images: int = 1) -> Shape:
        """Return the shape that a call of a sample of such images returns."""
        return of_call(self.output, [self.shape] * images)[0]

    @property
    def result_dtype(self) -> str:
        """Return numpy's name of the element type that a call returns.

        A call returns the floats of `numbers` as Python's.
        """
        return "float64" if self.output.delivery.container == "numbers" and "float" in self.dtype else self.dtype


@dataclass(frozen=True)
class Facts:
    """Hold what sizes decide of a program's results.

    Attributes:
        arguments: the sizes that the program reads, by name: `height` and `width` first.
        outputs: its outputs, in order.
        results: all numbers by name; see `size_function`. Some may contain sizes that pixels
            decide.
        pixels: the names of the sizes that pixels decide.
    """

    program: Program
    arguments: tuple[str, ...]
    outputs: tuple[OutputFacts, ...]
    results: Mapping[str, Result]
    pixels: frozenset[str]

    def known(self, result: Result | Bool) -> bool:
        """Return whether a number, a condition or several numbers depend on no pixel."""
        return not self.from_pixels(result)

    def from_pixels(self, result: Result | Bool) -> set[str]:
        """Return the sizes that pixels decide, of those that a result contains."""
        if not self.pixels:
            return set()
        numbers = result if isinstance(result, tuple) else (result,)
        return {name for number in numbers for name in num.symbols(number)} & self.pixels


def facts(program: Program, images: int = 1) -> Facts:
    """Return what sizes decide of a program's results, for a sample of `images` images of one size."""
    names = [name for value in program.inputs for length in value.type.shape for name in num.symbols(length)]
    arguments = tuple(dict.fromkeys([*(side for side in ("height", "width") if side in names), *names]))
    outputs = tuple(_of_output(program, output) for output in program.outputs)
    results: dict[str, Result] = {}
    for found in outputs:
        results[f"{found.output.name}_shape"] = found.call_shape(images)
    for found in outputs:
        if found.numbers:
            name = f"{found.output.name}_output" if found.output.name in arguments else found.output.name
            results[name] = found.numbers if found.shape else found.numbers[0]
    for name, value in _derived(program):
        results.setdefault(name, value)
    return Facts(program, arguments, outputs, results, program.data_dependent_sizes)


def size_function(program: Program, images: int = 1) -> SizeFunction:
    """Return the function of an image's size that a plan evaluates.

    Its results, where the program has them:

    - `<output>_shape`: the shape of each output, as a call of this one image returns it.
    - `<output>`: the elements of an output that sizes decide, such as `image_grid_thw`; one number
      for an output of one. It is `<output>_output` where an argument has that name.
    - `resized`, `resized_2`, ...: (height, width) of each resize of the image, in order, whether or
      not this image needs it.
    - `crop`, `crop_2`, ...: (top, left, height, width) of each crop, in pixels of what is cropped.
    - `num_tiles`: how many tiles the first output with tiles has.
    - `num_patches`: how many patches of the image the first output with patches has, without
      padding. An output of that name has precedence.
    - `grid_thw`: frames (1), rows and columns of these patches, if they are one grid.

    Results that pixels decide are left out.

    Args:
        program: the program.
        images: how many images of this size make a sample, in classes of pairs
            (`Samples.images`).
    """
    found = facts(program, images)
    results = {name: value for name, value in found.results.items() if found.known(value)}
    conditions = tuple((one.holds, one.message) for one in program.preconditions if found.known(one.holds))
    return SizeFunction(snake_case(program.name), found.arguments, results, conditions)


def snake_case(name: str) -> str:
    """Return a class's name in snake case: `qwen2_vl_image_processor`."""
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z][a-z])|(?<=[A-Z])(?=[A-Z][a-z]{2,})", "_", name).lower()


def of_call(output: Output, shapes: list[Shape]) -> list[Shape]:
    """Return the shape of an output for the images of one sample, or the shapes of its parts if they differ."""
    for role, join in output.joins:
        found = join.numpy_shape(shapes) if role != "samples" else join.numpy_samples_shape(shapes)
        if not isinstance(found, list):
            shapes = [found]
        elif all(shape == found[0] for shape in found):
            shapes = [(len(found), *found[0])]
        else:
            shapes = found
    return shapes


def _of_output(program: Program, output: Output) -> OutputFacts:
    type = program.value(output.value).type
    op = next((step.op for step in program.steps if step.output.name == output.value), None)
    numbers = tuple(v for v in op.values if num.kind_of(v) != "bool") if isinstance(op, Numbers) else ()
    return OutputFacts(output, DTYPES[type.dtype].name, type.shape, numbers)


def _derived(program: Program) -> Iterator[tuple[str, Result]]:
    """Yield what steps do to the image's size, and how many tiles and patches come of it."""
    counts = {"resized": 0, "crop": 0}
    of_image = {program.inputs[0].name}
    for step in program.steps:
        if not of_image.intersection(step.inputs):
            continue
        of_image.add(step.output.name)
        sides = program.value(step.inputs[0]).type
        name, value = _of_step(step.op, sides.shape[-2:])
        if name:
            counts[name] += 1
            yield (f"{name}_{counts[name]}" if counts[name] > 1 else name), value
    types = [program.value(output.value).type for output in program.outputs]
    counted = [type.size("N") for type in types if "N" in type.layout]
    yield from (("num_tiles", count) for count in counted[:1] if count != 1)
    for output in program.outputs:
        if "P" in program.value(output.value).type.layout:
            yield "num_patches", patches(program, output.value)
            if (cells := grid(program, output.value)) is not None:
                yield "grid_thw", (1, *cells)
            return


def _of_step(op: object, sides: Shape) -> tuple[str, tuple[Num, ...]]:
    """Return the name and the numbers of a resize or a crop of an image; an empty name for other ops."""
    if isinstance(op, Resample):
        return "resized", (op.height, op.width)
    if isinstance(op, CenterCrop):
        windows = [center_window(side, crop, op.extra) for side, crop in zip(sides, (op.height, op.width), strict=True)]
        (top, height, _), (left, width, _) = windows
        return "crop", (top, left, height, width)
    if isinstance(op, Slice) and op.axes == SIDES:
        return "crop", (*op.starts, *op.lengths)
    return "", ()
