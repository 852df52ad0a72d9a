"""Make the cases of a kit, and compute what a processor makes of them in the numpy reference."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import cycle
from typing import Any

import numpy as np

from graphproc.errors import GraphprocError
from graphproc.executors import reference
from graphproc.ir.program import Program, Step
from graphproc.kits.pixels import PAGES, SMALL, noise, photo
from graphproc.kits.sizes import PHOTO, TALL, USUAL, Sizes
from graphproc.wrappers.examples import example_inputs
from graphproc.wrappers.processor import BaseImageProcessor

Array = np.ndarray[Any, Any]

PAGE_SIZE = (61, 47)
"""Height and width of the pages for classes that find sizes in pixels."""


@dataclass(frozen=True)
class Case:
    """Images that are preprocessed together, mostly one.

    Attributes:
        name: the name of its folder.
        why: why it is in the kit, in words.
        images: uint8 [height, width, 3] each.
        inputs: extra inputs by the program's names, an array for each image.
    """

    name: str
    why: str
    images: tuple[Array, ...]
    inputs: Mapping[str, tuple[Array, ...]]

    @property
    def single(self) -> bool:
        """Return whether it is one image, with the values of all steps. Several have the outputs of a call alone."""
        return len(self.images) == 1


def program_of(processor: BaseImageProcessor) -> Program:
    """Return the program that a kit follows: that of a processor with all its extra inputs."""
    return processor.compile(inputs=list(processor.spec.extra_inputs))


def cases(processor: BaseImageProcessor, sizes: Sizes) -> list[Case]:
    """Return the cases of a kit: one for each size, pages if pixels decide sizes, and a call with two images."""
    program = program_of(processor)
    found = []
    for (shown, pixels), size in zip(cycle(SMALL.items()), sizes.chosen, strict=False):
        sides = size.height, size.width
        if sides in (PHOTO, TALL):
            found.append(_case(program, f"photo_{_text(sides)}", size.why, photo(*sides)))
        else:
            found.append(_case(program, f"{shown}_{_text(sides)}", f"{size.why}; {shown}", pixels(*sides)))
    if program.data_dependent_sizes:
        why = "sizes depend on pixels"
        found += [
            _case(program, f"{shown}_{_text(PAGE_SIZE)}", f"{why}; {shown}", make(*PAGE_SIZE)) for shown, make in PAGES.items()
        ]
    return [*found, _call(processor, program, sizes)]


def _text(sides: Sequence[int]) -> str:
    return f"{sides[0]}x{sides[1]}"


def _case(program: Program, name: str, why: str, *images: Array) -> Case:
    inputs = [example_inputs(program, image) for image in images]
    return Case(name, why, images, {key: tuple(one[key] for one in inputs) for key in inputs[0] if key != "image"})


def _call(processor: BaseImageProcessor, program: Program, sizes: Sizes) -> Case:
    """Return a call with two images: of two sizes if their results can be joined, else of one."""
    taken = [(size.height, size.width) for size in sizes.chosen]
    # short sides look like channels, and the photographs are in the kit already
    taken.sort(key=lambda size: (size in (PHOTO, TALL), min(size) <= 4, size not in USUAL))
    one, other = (taken * 2)[:2]
    several = _case(program, "call_of_two", "how results of two images are joined", noise(*one), SMALL["ramp"](*other))
    try:
        call_values(processor, several)
    except GraphprocError:
        why = "how results of two images are joined; these have one size, because several are refused"
        return _case(program, several.name, why, noise(*one), SMALL["ramp"](*one))
    return several


def values(processor: BaseImageProcessor, case: Case) -> dict[str, Array]:
    """Return what a processor makes of a case, in order: every step's value of one image, or a call's outputs.

    Raises:
        GraphprocError: the processor does not take the images.
    """
    if not case.single:
        return call_values(processor, case)
    found: dict[str, Array] = {}

    def note(step: Step, result: Array) -> Array:
        found[step.output.name] = np.asarray(result, order="C")
        return result

    inputs = {name: arrays[0] for name, arrays in case.inputs.items()}
    reference.run(program_of(processor), {"image": case.images[0], **inputs}, note)
    return found


def call_values(processor: BaseImageProcessor, case: Case) -> dict[str, Array]:
    """Return the outputs of a call with all images of a case; where one holds several arrays, each has a number."""
    samples = processor.spec.samples
    images: Any = list(case.images)
    if samples.images != 1 or samples.counts:
        images = [images]
    inputs = {processor.spec.extra_inputs[name].keyword: list(arrays) for name, arrays in case.inputs.items()}
    features: Any = processor(images, return_tensors="np", engine="numpy", input_data_format="channels_last", **inputs)
    outputs = features if isinstance(features, Mapping) else {program_of(processor).outputs[0].name: features}
    return {name: array for key, value in outputs.items() for name, array in _arrays(key, value)}


def _arrays(name: str, value: Any) -> Iterator[tuple[str, Array]]:
    """Yield an output's arrays: itself, or if it is a list of several shapes, each of its items. Texts are left out."""
    if isinstance(value, np.ndarray) and value.dtype != object:
        yield name, np.asarray(value, order="C")
    elif isinstance(value, str):
        return
    elif isinstance(value, (list, tuple, np.ndarray)):
        for index, item in enumerate(value):
            yield from _arrays(f"{name}.{index}", item)
    else:
        yield name, np.asarray(value)
