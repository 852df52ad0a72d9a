"""Random trials of plans: what a plan says of images of random sizes, with random settings, against what a call returns."""

from __future__ import annotations

import json
import random
import sys
import warnings
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from math import prod
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from graphproc.batch_feature import BatchFeature
from graphproc.errors import GraphprocError, ShapeError
from graphproc.plans.plan import CallPlan, OutputPlan
from graphproc.processors.registry import lookup
from graphproc.wrappers.processor import BaseImageProcessor, processor_class

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "tools"))

from campaign.settings import settings_of

LONGEST = 1500
"""The most pixels of a side; sides are equally often in each octave."""
LARGEST = 500_000
"""The most pixels of one image's results together: the call is not made for more."""
LONGEST_SHAPE = 12
"""How many times longer a side may be than the other where pixels decide sizes: resizes may become large, and no plan says so."""
_NOISE = np.random.default_rng(0).integers(0, 256, LONGEST * LONGEST * 3, dtype=np.uint8)
Sides = tuple[int, int]


@dataclass
class Found:
    """What the trials of one class and backend found.

    Attributes:
        kinds: how many plans were equal to a call's outputs, how many plans and calls refused with the same words, how many
            results were too large for a call, how many settings no processor has, and how often a call alone refused an
            image, where the plan says that pixels decide it.
        unknown: how many elements of shapes a plan left to pixels.
        failures: what differed, with what repeats it.
    """

    kinds: Counter[str] = field(default_factory=Counter)
    unknown: int = 0
    failures: list[str] = field(default_factory=list)

    @property
    def trials(self) -> int:
        """Return how many plans were compared with a call."""
        return self.kinds["equal"] + self.kinds["both refuse"] + self.kinds["pixels refuse"] + len(self.failures)


def trials(name: str, backend: str, count: int, seed: str = "", each: int = 20) -> Found:
    """Compare `count` plans with calls, `each` of them with the same settings."""
    found, rng = Found(), random.Random(f"{seed} {name} {backend}")
    while found.trials < count:
        processor, changes = _processor(name, backend, rng)
        if processor is None:
            found.kinds["no processor"] += 1
            continue
        for _ in range(min(each, count - found.trials)):
            _try(processor, changes, rng, found)
    return found


def _processor(name: str, backend: str, rng: random.Random) -> tuple[BaseImageProcessor | None, dict[str, Any]]:
    """Make a processor with random settings, some of them for calls; None if these are no settings."""
    settings = settings_of(name, backend, rng) if rng.random() < 0.9 else {}
    keys = set(lookup(name).declared)
    changes = {key: value for key, value in settings.items() if key in keys and rng.random() < 0.15}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            made = {key: value for key, value in settings.items() if key not in changes}
            return processor_class(name)(backend=backend, engine="numpy", **made), changes
        except (GraphprocError, TypeError):
            return None, {}


def _try(processor: BaseImageProcessor, changes: dict[str, Any], rng: random.Random, found: Found) -> None:
    spec = processor.spec
    sizes, extra_sizes, images, extra_inputs = _given(processor, rng)
    one = isinstance(sizes, tuple)
    what = f"{spec.name} {processor.backend} {_shown(processor, changes)} {sizes} {extra_sizes}"
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        plan: Any
        try:
            plan = processor.plan(*(sizes if one else (sizes,)), **changes, **extra_sizes)
        except (GraphprocError, TypeError) as error:
            plan = error
        if not isinstance(plan, Exception) and _elements(plan) > LARGEST:
            found.kinds["too large"] += 1
            return
        returned: Any
        try:
            returned = processor(images, return_tensors="np", input_data_format="channels_last", **changes, **extra_inputs)
        except (GraphprocError, TypeError) as error:
            returned = error
    if isinstance(plan, Exception) or isinstance(returned, Exception):
        plans = [] if isinstance(plan, Exception) else [plan, *plan.images] if isinstance(plan, CallPlan) else [plan]
        if (type(plan), str(plan)) == (type(returned), str(returned)):
            found.kinds["both refuse"] += 1
        elif any(_foreseen(message, returned) for one in plans for message in one.may_refuse):
            found.kinds["pixels refuse"] += 1
        else:
            found.failures.append(f"{what}\n    plan {plan!r:.300}\n    call {returned!r:.300}")
        return
    if not isinstance(returned, BatchFeature):
        returned = {next(iter(plan.outputs)): returned}
    have = {key: _described(value) for key, value in returned.items() if key not in spec.texts}
    wrong = [key for key in {*have, *plan.outputs} if key not in have or not _fits(plan.outputs.get(key), have[key])]
    found.unknown += sum(length is None for output in plan.outputs.values() for length in output.shape if not output.listed)
    if wrong:
        found.failures.append(f"{what}\n    {wrong}: plan {dict(plan.outputs)}\n    call {have}")
    else:
        found.kinds["equal"] += 1


def _foreseen(message: str, error: Any) -> bool:
    """Tell whether a plan says that a call may fail so: with the same words, or for shapes of the same output that differ."""
    return message in str(error) or (isinstance(error, ShapeError) and str(error).startswith(message.partition(" ")[0]))


def _given(processor: BaseImageProcessor, rng: random.Random) -> tuple[Any, dict[str, Any], Any, dict[str, Any]]:
    """Draw sizes of images and extra inputs, as plans take them, and images and extra inputs, as calls take them."""
    spec = processor.spec
    alike = _sides(rng) if rng.random() < 0.6 else None

    def some(count: int) -> list[Sides]:
        return [alike or _sides(rng) for _ in range(count)]

    form, sizes = rng.random(), Any
    if spec.samples.images == 2:
        sizes = some(2) if form < 0.6 else [some(2), some(2)] if form < 0.95 else some(1)
    elif form < 0.6:
        sizes = some(1)[0]
    elif form < 0.85:
        sizes = some(rng.randint(1, 3))
    else:
        sizes = [some(rng.randint(1, 3)) for _ in range(rng.randint(1, 3))]
        if spec.samples.images == 0 and len(sizes) > 1 and rng.random() < 0.2:
            sizes[rng.randrange(len(sizes))] = []
    flat = list(_flat(sizes))
    extra_sizes: dict[str, Any] = {}
    extra_inputs: dict[str, Any] = {}
    for extra in spec.extra_inputs.values():
        if not extra.required and rng.random() < 0.5:
            continue
        if extra.layout == "NF":
            counts = [rng.randint(1, 3) for _ in flat]
            extra_sizes[extra.keyword] = counts[0] if isinstance(sizes, tuple) and rng.random() < 0.5 else counts
            boxes = [[[1.0, 2.0, 3.0, 4.0]] * count for count in counts]
            extra_inputs[extra.keyword] = boxes
            continue
        own = [one if extra.aligned or rng.random() < 0.5 else _sides(rng) for one in flat]
        if extra.aligned and rng.random() < 0.1:
            own[0] = _sides(rng)
        if own != flat or rng.random() < 0.5 or not extra.required:
            extra_sizes[extra.keyword] = own if own != flat or rng.random() < 0.5 else True
        pictures = [Image.fromarray(_image(one, 3)) if extra.layout == "HWC" else _image(one, 0) for one in own]
        extra_inputs[extra.keyword] = pictures
    return sizes, extra_sizes, _nested(sizes), extra_inputs


def _flat(sizes: Any) -> Iterator[Sides]:
    if isinstance(sizes, tuple):
        yield sizes
    else:
        for one in sizes:
            yield from _flat(one)


def _nested(sizes: Any) -> Any:
    return _image(sizes, 3) if isinstance(sizes, tuple) else [_nested(one) for one in sizes]


def _image(sides: Sides, channels: int) -> Any:
    shape = (*sides, channels) if channels else sides
    pixels = _NOISE[: prod(shape)].reshape(shape)
    return pixels if channels else pixels % 7


def _sides(rng: random.Random) -> Sides:
    height, width = (round(2 ** rng.uniform(0, np.log2(LONGEST))) for _ in range(2))
    return height, width


def _elements(plan: Any) -> int:
    plans = plan.images if isinstance(plan, CallPlan) else [plan]
    resizes = [prod(sides) for one in plans for sides in one.resizes]
    if any(one.unknown and max(one.sizes.values()) > LONGEST_SHAPE * min(one.sizes.values()) for one in plans):
        return LARGEST + 1
    return max([sum(prod(n or 1 for n in output.shape) for output in plan.outputs.values()), *resizes])


def _described(value: Any) -> OutputPlan:
    """Return what a plan should say of an output."""
    if isinstance(value, np.ndarray):
        return OutputPlan(value.shape, value.dtype.name)
    first = value
    while isinstance(first, list) and first:
        first = first[0]
    dtype = str(getattr(first, "dtype", "")).removeprefix("torch.") or type(first).__name__
    return OutputPlan(_shape_of(value), dtype, True)


def _shape_of(value: Any) -> tuple[int | None, ...]:
    """Return the shape of nested lists and arrays; None where lengths differ."""
    if not isinstance(value, list):
        return tuple(np.shape(value))
    shapes = [_shape_of(one) for one in value]
    common = (lengths[0] if len(set(lengths)) == 1 else None for lengths in zip(*shapes, strict=False))
    return (len(value), *common)


def _fits(said: OutputPlan | None, have: OutputPlan) -> bool:
    """Tell whether a plan says what a call returned; lists have no element type of their own, and empty ones one axis."""
    if said is None or said.listed != have.listed:
        return False
    if said.listed:
        alike = said.dtype == have.dtype or have.dtype in ("int", "bool", "list")
        return alike and (said.shape == have.shape or (0 in said.shape and have.shape == said.shape[: len(have.shape)]))
    unknown = len(said.shape) == len(have.shape) and all(n in (None, m) for n, m in zip(said.shape, have.shape, strict=True))
    return said.dtype == have.dtype and (said.shape == have.shape or unknown)


def _shown(processor: BaseImageProcessor, changes: dict[str, Any]) -> str:
    config = processor._config({})
    own = {key: value for key, value in config.settings.items() if value != processor.spec.defaults.get(key)}
    return json.dumps({"settings": own, "changes": changes}, default=repr)
