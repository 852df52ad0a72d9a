"""Make contestants of other libraries: transformers' processors of both backends, Pillow's resize."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

from graphproc.bench.extensions import EXTENSIONS, extensions
from graphproc.bench.task import Contestant, Difference, LeftOutError, Maker, Task, compared_with, installed
from graphproc.ir.backends import PIL, TORCHVISION

if TYPE_CHECKING:
    from graphproc.wrappers.processor import BaseImageProcessor

PIL_ARRAY = "transformers Pil, array"
PIL_IMAGE = "transformers Pil, PIL image"
TORCHVISION_IMAGE = "transformers Torchvision, PIL image"
TORCHVISION_ARRAY = "transformers Torchvision, array"
TORCHVISION_TENSOR = "transformers Torchvision, tensor"
PILLOW = "Pillow resize alone"


def _pil(task: Task, threads: Sequence[int]) -> Iterator[Contestant]:
    from PIL import Image

    theirs = transformers_processor(task.processor, PIL)
    compare, note = compared_in(task, PIL)
    arrays, pictures = task.repeated(task.image), task.repeated(Image.fromarray(task.image))
    options = {"return_tensors": "np", **task.keywords}
    yield Contestant(
        PIL_ARRAY, lambda: theirs(arrays, input_data_format="channels_last", **options), None, task.batch, compare, note=note
    )
    yield Contestant(PIL_IMAGE, partial(theirs, pictures, **options), None, task.batch, compare, note=note)


def _torchvision(task: Task, threads: Sequence[int]) -> Iterator[Contestant]:
    from PIL import Image

    theirs = transformers_processor(task.processor, TORCHVISION)
    compare, note = compared_in(task, TORCHVISION)
    torch = installed("torch")
    image = task.image.copy()  # torch warns of arrays that it may not write to
    tensor = torch.from_numpy(np.ascontiguousarray(image.transpose(2, 0, 1)))
    pictures, arrays, tensors = (task.repeated(i) for i in (Image.fromarray(image), image, tensor))
    options = {"return_tensors": "pt", **task.keywords}
    calls: dict[str, Callable[[], Any]] = {
        TORCHVISION_IMAGE: lambda: theirs(pictures, **options),
        TORCHVISION_ARRAY: lambda: theirs(arrays, input_data_format="channels_last", **options),
        TORCHVISION_TENSOR: lambda: theirs(tensors, input_data_format="channels_first", **options),
    }
    for number in threads:
        for name, call in calls.items():
            yield Contestant(name, call, number, task.batch, compare, partial(torch_threads, number), note=note)


@contextmanager
def torch_threads(number: int) -> Iterator[None]:
    """Give torch a number of threads, and then its former number again."""
    torch = installed("torch")
    before = torch.get_num_threads()
    torch.set_num_threads(number)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def compared_in(task: Task, backend: str) -> tuple[Callable[[Any], Difference], str]:
    """Return how results of a backend are compared, and a note: with that backend's numpy reference, if the task has it here."""
    own = task.of(backend)
    return (task.compare, "") if own is None or own is task else (own.compare, compared_with(own))


def transformers_processor(processor: BaseImageProcessor, backend: str) -> Any:
    """Return transformers' processor with the same settings, of the backend `pil` or `torchvision`.

    Raises:
        LeftOutError: it is not installed, or has no such class.
    """
    transformers = installed("transformers")
    if backend == TORCHVISION:
        installed("torchvision")
    name = processor.spec.name
    found = [getattr(transformers, n, None) for n in (f"{name}Pil", name)]
    for made in filter(None, found):
        if any(base.__name__ == f"{backend.capitalize()}Backend" for base in made.__mro__):
            return made.from_dict(processor.to_dict())
    raise LeftOutError(f"this transformers has no {name} with that backend")


def _pillow(task: Task, threads: Sequence[int]) -> Iterator[Contestant]:
    from PIL import Image

    resize = task.resize
    if resize is None:
        raise LeftOutError(f"{task.processor.spec.name} has no resize to a size that is known beforehand")
    size, filter = (int(resize.width), int(resize.height)), Image.Resampling[resize.filter.upper()]  # type: ignore[arg-type]
    picture = Image.fromarray(task.image)

    def call() -> Image.Image:
        for _ in range(task.count):
            found = picture.resize(size, filter)
        return found

    yield Contestant(
        PILLOW, call, None, task.batch, lambda found: task.compare_resized(np.asarray(found)), note="the resize only"
    )


PEERS: Mapping[str, Maker] = {
    PIL_ARRAY: _pil,
    PIL_IMAGE: _pil,
    TORCHVISION_IMAGE: _torchvision,
    TORCHVISION_ARRAY: _torchvision,
    TORCHVISION_TENSOR: _torchvision,
    PILLOW: _pillow,
    EXTENSIONS: extensions,
}
