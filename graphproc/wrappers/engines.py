"""What `graphproc bench` compares: this package's engines and other libraries, all on the same images."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from copy import copy
from dataclasses import dataclass
from functools import cached_property, partial
from importlib import import_module
from typing import TYPE_CHECKING, Any

import numpy as np

from graphproc.errors import ConfigError, EmitError, ProgramError
from graphproc.executors import reference
from graphproc.numerics.filters import TORCHVISION
from graphproc.ops import Resample
from graphproc.wrappers.examples import example_inputs

if TYPE_CHECKING:
    from graphproc.wrappers.processor import BaseImageProcessor

Array = np.ndarray[Any, Any]

GRAPH = "graph, any size"
FIXED = "graph, fixed size"
GRAPH_TORCHVISION = "graph, any size, torchvision"
FIXED_TORCHVISION = "graph, fixed size, torchvision"
CALL = "processor call"
NUMPY = "numpy reference"
PIL_ARRAY = "transformers Pil, array"
PIL_IMAGE = "transformers Pil, PIL image"
TORCHVISION_IMAGE = "transformers Torchvision, PIL image"
TORCHVISION_ARRAY = "transformers Torchvision, array"
TORCHVISION_TENSOR = "transformers Torchvision, tensor"
PILLOW = "Pillow resize alone"
EXTENSIONS = "onnxruntime-extensions"

NAMES = (
    GRAPH,
    FIXED,
    GRAPH_TORCHVISION,
    FIXED_TORCHVISION,
    CALL,
    NUMPY,
    PIL_ARRAY,
    PIL_IMAGE,
    TORCHVISION_IMAGE,
    TORCHVISION_ARRAY,
    TORCHVISION_TENSOR,
    PILLOW,
    EXTENSIONS,
)
"""Every engine that `engines` knows, in the order of tables."""
OWN = (GRAPH, FIXED, GRAPH_TORCHVISION, FIXED_TORCHVISION, CALL, NUMPY)
"""Those of this package."""


@dataclass(frozen=True, slots=True)
class Difference:
    """How an engine's outputs differ from the numpy reference's.

    Attributes:
        differing: how many elements differ; all of an output that is missing or has another shape or dtype.
        elements: how many the reference has.
        max_difference: the largest absolute difference; None for a missing output, another shape or dtype.
    """

    differing: int
    elements: int
    max_difference: float | None

    def __str__(self) -> str:
        if not self.differing:
            return "yes"
        by = "another shape or dtype" if self.max_difference is None else f"by up to {self.max_difference:.2g}"
        return f"no: {100 * self.differing / self.elements:.3g} % of the elements, {by}"


@dataclass(frozen=True)
class Engine:
    """Something that is timed.

    Attributes:
        name: what tables call it.
        call: one run.
        threads: how many threads it has, or None where it has one whatever is asked.
        batch: how many images a run preprocesses.
        compare: how what `call` returned differs from the numpy reference; None where that has no meaning (a resize alone).
        prepare: what comes before each run and is not timed.
        timed: one run that says itself how many seconds it took, by the clock that it is given; None where `call` is timed
            from outside.
        note: what is special about the engine, in a few words.
        warm_up: how many runs it takes until one is like the next.
    """

    name: str
    call: Callable[[], Any]
    threads: int | None = None
    batch: int = 1
    compare: Callable[[Any], Difference] | None = None
    prepare: Callable[[], object] | None = None
    timed: Callable[[Callable[[], float]], float] | None = None
    note: str = ""
    warm_up: int = 1


@dataclass(frozen=True)
class Work:
    """What all engines do: one processor on some equal images.

    Attributes:
        processor: settings.
        image: uint8 [height, width, 3].
        batch: how many such images a run preprocesses.
    """

    processor: BaseImageProcessor
    image: Array
    batch: int = 1

    def __post_init__(self) -> None:
        if self.batch < 1:
            raise ConfigError(f"batch: expected at least 1 image, got {self.batch}")
        if self.processor.row.per_sample > 1 and self.batch > 1:
            name, count = self.processor.row.name, self.processor.row.per_sample
            raise ConfigError(f"batch: {name} takes samples of {count} images, which are one run. Leave it at 1.")

    @property
    def count(self) -> int:
        """How many images a run gets: the batch, or one sample."""
        return self.batch * max(1, self.processor.row.per_sample)

    @cached_property
    def torchvision(self) -> Work | None:
        """The same in torchvision's arithmetic, or None where the class does not have it, or not with these settings."""
        if self.processor.backend == TORCHVISION:
            return self
        try:
            other = Work(type(self.processor).from_dict(self.processor.to_dict(), backend=TORCHVISION), self.image, self.batch)
            other.processor.compile()
        except ConfigError:
            return None
        return other

    @cached_property
    def program(self) -> Any:
        """The program for one image of any size."""
        return self.processor.compile()

    @cached_property
    def inputs(self) -> dict[str, Array]:
        """Everything that the program takes of one image; what the image does not give is made up."""
        return example_inputs(self.program, self.image)

    @cached_property
    def feeds(self) -> dict[str, Array]:
        """What a graph reads: all images, stacked."""
        return {self.program.graph_input(name): np.stack([value] * self.count) for name, value in self.inputs.items()}

    @cached_property
    def keywords(self) -> dict[str, Any]:
        """The further inputs of a processor's call."""
        extras = self.processor.row.extras
        return {extras[name].keyword: [value] * self.count for name, value in self.inputs.items() if name in extras}

    @cached_property
    def expected(self) -> dict[str, Array]:
        """The numpy reference's outputs, by name: what every other engine is compared with."""
        one = reference.run(self.program, self.inputs)
        return reference.batch(self.program.outputs, [one] * self.count)

    @cached_property
    def resize(self) -> Resample | None:
        """The first resampling of bytes at the image's size, or None where there is none or its size is in the pixels."""
        try:
            steps = self.program.bind(**self.sizes).steps
        except ProgramError:
            return None
        return next((step.op for step in steps if isinstance(step.op, Resample) and step.op.lowered()), None)

    @cached_property
    def sizes(self) -> dict[str, int]:
        """The image's sizes by the program's symbols."""
        return reference.measure(self.program, self.inputs)

    def repeated(self, image: Any) -> list[Any]:
        """One image as the argument of a processor's call."""
        return [image] * self.count

    def compare(self, result: Any) -> Difference:
        """How the outputs of a graph or a processor's call differ from the numpy reference's."""
        found = result if isinstance(result, Mapping) else {self.program.outputs[0].name: result}
        return difference(self.expected, found)


def difference(expected: Mapping[str, Any], found: Mapping[str, Any]) -> Difference:
    """Compare outputs by name, element by element; NaN equals NaN.

    Args:
        expected: the reference's outputs. One without elements may be missing, as optional ones are in a call's result.
        found: an engine's; others than the expected ones (texts) are passed over.
    """
    differing, elements, comparable = 0, 0, True
    largest = 0.0
    for name, value in expected.items():
        want = np.asarray(value)
        elements += want.size
        have = np.asarray(found[name]) if name in found else None
        if have is None or (want.shape, want.dtype) != (have.shape, have.dtype):
            differing += want.size
            comparable = comparable and not want.size
            continue
        wrong = ~((want == have) | ((want != want) & (have != have)))
        differing += int(wrong.sum())
        gap = np.abs(want[wrong].astype(np.float64) - have[wrong].astype(np.float64))
        largest = max(largest, float(np.nan_to_num(gap, nan=np.inf).max(initial=0.0)))
    return Difference(differing, elements, largest if comparable else None)


def engines(work: Work, threads: Sequence[int] = (1,), names: Sequence[str] = NAMES) -> tuple[list[Engine], list[str]]:
    """The engines that can run some work here.

    Args:
        work: what they do.
        threads: for each of these numbers there is one of those engines that can have several.
        names: which ones are wanted.

    Returns:
        The engines, and a line for each that is left out, with the reason.
    """
    found: list[Engine] = []
    absent: list[str] = []
    for wanted, make in _MAKERS:
        if names_here := [name for name in wanted if name in names]:
            try:
                found += [engine for engine in make(work, threads) if engine.name in names_here]
            except _LeftOutError as error:
                absent.append(f"{'; '.join(names_here)}: {error}")
    return sorted(found, key=lambda engine: NAMES.index(engine.name)), absent


class _LeftOutError(Exception):
    """Why an engine cannot take part."""


def _own_graph(work: Work, threads: Sequence[int]) -> Iterator[Engine]:
    return _graph(work, threads, GRAPH)


def _own_fixed_graph(work: Work, threads: Sequence[int]) -> Iterator[Engine]:
    return _graph(work, threads, FIXED, image_size=work.image.shape[:2])


def _own_torchvision_graph(work: Work, threads: Sequence[int]) -> Iterator[Engine]:
    return _graph(_other_arithmetic(work), threads, GRAPH_TORCHVISION)


def _own_fixed_torchvision_graph(work: Work, threads: Sequence[int]) -> Iterator[Engine]:
    return _graph(_other_arithmetic(work), threads, FIXED_TORCHVISION, image_size=work.image.shape[:2])


def _other_arithmetic(work: Work) -> Work:
    if work.torchvision is work:
        raise _LeftOutError("the backend is torchvision already")
    if work.torchvision is None:
        raise _LeftOutError(f"{work.processor.row.name} does not have that backend, or not with these settings")
    return work.torchvision


def _graph(work: Work, threads: Sequence[int], name: str, **options: Any) -> Iterator[Engine]:
    from graphproc.runtime.session import Session

    try:
        model = work.processor.to_onnx(**options).SerializeToString()
    except EmitError as error:
        raise _LeftOutError(str(error)) from None
    for number in threads:
        # A session that specialises itself would change what is measured half way.
        session = Session(model, threads=number, specialise_after=None)
        note = _NOTE if name in (GRAPH_TORCHVISION, FIXED_TORCHVISION) else ""
        yield Engine(name, partial(session.run, work.feeds), number, work.batch, work.compare, note=note)


def _own_call(work: Work, threads: Sequence[int]) -> Iterator[Engine]:
    images = work.repeated(work.image)

    def call(processor: BaseImageProcessor) -> Any:
        return processor(images, return_tensors="np", input_data_format="channels_last", **work.keywords)

    for number in threads:
        processor = copy(work.processor)  # without its sessions
        processor.threads = number
        # Until all workers have their sessions.
        yield Engine(CALL, partial(call, processor), number, work.batch, work.compare, warm_up=3)


def _own_numpy(work: Work, threads: Sequence[int]) -> Iterator[Engine]:
    def call() -> dict[str, Array]:
        return reference.batch(work.program.outputs, [reference.run(work.program, work.inputs) for _ in range(work.count)])

    yield Engine(NUMPY, call, None, work.batch, work.compare)


def _pil(work: Work, threads: Sequence[int]) -> Iterator[Engine]:
    from PIL import Image

    theirs = _transformers(work.processor, "Pil")
    arrays, pictures = work.repeated(work.image), work.repeated(Image.fromarray(work.image))
    options = {"return_tensors": "np", **work.keywords}
    yield Engine(PIL_ARRAY, lambda: theirs(arrays, input_data_format="channels_last", **options), None, work.batch, work.compare)
    yield Engine(PIL_IMAGE, lambda: theirs(pictures, **options), None, work.batch, work.compare)


def _torchvision(work: Work, threads: Sequence[int]) -> Iterator[Engine]:
    from PIL import Image

    theirs = _transformers(work.processor, "Torchvision")
    own = work.torchvision
    compare, note = (work.compare, "") if own in (None, work) else (own.compare, _NOTE)
    torch = import_module("torch")
    image = work.image.copy()  # torch warns of arrays that it may not write to
    tensor = torch.from_numpy(np.ascontiguousarray(image.transpose(2, 0, 1)))
    pictures, arrays, tensors = (work.repeated(i) for i in (Image.fromarray(image), image, tensor))
    options = {"return_tensors": "pt", **work.keywords}
    calls: dict[str, Callable[[], Any]] = {
        TORCHVISION_IMAGE: lambda: theirs(pictures, **options),
        TORCHVISION_ARRAY: lambda: theirs(arrays, input_data_format="channels_last", **options),
        TORCHVISION_TENSOR: lambda: theirs(tensors, input_data_format="channels_first", **options),
    }
    for number in threads:
        for name, call in calls.items():
            threaded = partial(torch.set_num_threads, number)
            yield Engine(name, call, number, work.batch, compare, threaded, note=note)


_NOTE = "compared with torchvision's arithmetic"


def _transformers(processor: BaseImageProcessor, backend: str) -> Any:
    """Transformers' processor of the same settings, of one of its backends."""
    try:
        transformers = import_module("transformers")
        if backend == "Torchvision":
            import_module("torchvision")
    except ImportError as error:
        raise _LeftOutError(f"{error.name} is not installed (pip install {error.name})") from None
    name = processor.row.name
    found = [getattr(transformers, n, None) for n in (f"{name}Pil", name)]
    for made in filter(None, found):
        if any(base.__name__ == f"{backend}Backend" for base in made.__mro__):
            return made.from_dict(processor.to_dict())
    raise _LeftOutError(f"this transformers has no {name} with that backend")


def _pillow(work: Work, threads: Sequence[int]) -> Iterator[Engine]:
    from PIL import Image

    resize = work.resize
    if resize is None:
        raise _LeftOutError(f"{work.processor.row.name} has no resize to a size that is known beforehand")
    size, filter = (int(resize.width), int(resize.height)), Image.Resampling[resize.kernel.upper()]  # type: ignore[arg-type]
    picture = Image.fromarray(work.image)

    def call() -> None:
        for _ in range(work.count):
            picture.resize(size, filter)

    yield Engine(PILLOW, call, None, work.batch, note="the resize only")


def _extensions(work: Work, threads: Sequence[int]) -> Iterator[Engine]:
    """The C++ processor; it reads files only, so decoding is timed by itself and taken off."""
    import shutil
    import tempfile
    import weakref
    from pathlib import Path

    from PIL import Image

    try:
        api = import_module("onnxruntime_extensions.pp_api")
    except ImportError:
        raise _LeftOutError("it is not installed (pip install onnxruntime-extensions)") from None
    transforms = _extensions_transforms(work)
    whole = api.ImageProcessor(_extensions_config([_DECODE, *transforms]))
    decoder = api.ImageProcessor(_extensions_config([_DECODE]))
    folder = Path(tempfile.mkdtemp(prefix="graphproc-"))
    weakref.finalize(whole, shutil.rmtree, folder, ignore_errors=True)
    Image.fromarray(work.image).save(folder / "image.png", compress_level=0)
    files = [str(folder / "image.png")] * work.count

    def run(processor: Any, read: Callable[[Any], Any]) -> Any:
        # The library frees neither what it loaded nor its results by itself.
        loaded = api.load_images(files)
        result = processor.pre_process(loaded)
        try:
            return read(result)
        finally:
            api.delete_object(result)
            api.delete_object(loaded)

    def call() -> dict[str, Array]:
        return {work.program.outputs[0].name: run(whole, lambda result: np.array(whole.to_numpy(result, 0)))}

    decoding: list[float] = []

    def timed(clock: Callable[[], float]) -> float:
        start = clock()
        run(decoder, bool)
        middle = clock()
        run(whole, bool)
        decoding.append(middle - start)
        # The fastest so far: a slow one beside a fast whole would leave nothing.
        return max(clock() - middle - min(decoding), 1e-6)

    yield Engine(EXTENSIONS, call, None, work.batch, work.compare, timed=timed, note="less its decoding of a file")


_DECODE = {"name": "decode", "type": "DecodeImage", "attrs": {"color_space": "RGB"}}
_EXTENSIONS_FILTERS = {"nearest": "NEAREST", "bilinear": "LINEAR", "bicubic": "CUBIC", "lanczos": "LANCZOS"}


def _extensions_config(transforms: Sequence[Mapping[str, Any]]) -> str:
    operations = [{"operation": transform} for transform in transforms]
    return json.dumps({"processor": {"name": "image_processing", "transforms": operations}})


def _extensions_transforms(work: Work) -> list[dict[str, Any]]:
    """A program of the plain steps in the C++ processor's own terms."""
    reason = f"it has no words for what {work.processor.row.name} does"
    found: list[dict[str, Any]] = []
    if work.resize is None or len(work.program.outputs) > 1:
        raise _LeftOutError(reason)
    for step in work.program.bind(**work.sizes).steps:
        op: Any = step.op
        if op.name == "resample" and op.lowered() and op.kernel in _EXTENSIONS_FILTERS:
            kernel = _EXTENSIONS_FILTERS[op.kernel]
            attributes = {"interpolation": kernel, "width": op.width, "height": op.height, "keep_aspect_ratio": 0}
            found.append({"name": "resize", "type": "Resize", "attrs": attributes})
        elif op.name == "center_crop":
            found.append({"name": "crop", "type": "CenterCrop", "attrs": {"width": op.width, "height": op.height}})
        elif op.name == "rescale":
            found.append({"name": "rescale", "type": "Rescale", "attrs": {"rescale_factor": op.factor}})
        elif op.name == "normalize":
            attributes = {"mean": list(op.mean), "std": list(op.std)}
            found.append({"name": "normalize", "type": "Normalize", "attrs": attributes})
        elif op.name != "to_channels_first":
            raise _LeftOutError(reason)
    return [*found, {"name": "channels_first", "type": "Permute3D", "attrs": {"dims": [2, 0, 1]}}]


_MAKERS: tuple[tuple[tuple[str, ...], Callable[[Work, Sequence[int]], Iterator[Engine]]], ...] = (
    ((GRAPH,), _own_graph),
    ((FIXED,), _own_fixed_graph),
    ((GRAPH_TORCHVISION,), _own_torchvision_graph),
    ((FIXED_TORCHVISION,), _own_fixed_torchvision_graph),
    ((CALL,), _own_call),
    ((NUMPY,), _own_numpy),
    ((PIL_ARRAY, PIL_IMAGE), _pil),
    ((TORCHVISION_IMAGE, TORCHVISION_ARRAY, TORCHVISION_TENSOR), _torchvision),
    ((PILLOW,), _pillow),
    ((EXTENSIONS,), _extensions),
)
