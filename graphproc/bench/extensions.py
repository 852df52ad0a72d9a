"""Run the plain steps of a program with Pillow's arithmetic in the C++ processor of onnxruntime-extensions."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from graphproc.bench.task import Contestant, LeftOutError, Task, compared_with, installed
from graphproc.ir.backends import PIL
from graphproc.ops import Resize

Array = np.ndarray[Any, Any]

EXTENSIONS = "onnxruntime-extensions"


def extensions(task: Task, threads: Sequence[int]) -> Iterator[Contestant]:
    """Yield the C++ processor.

    It reads files only, so decoding is timed separately and subtracted.
    """
    import shutil
    import tempfile
    import weakref
    from pathlib import Path

    from PIL import Image

    api = installed("onnxruntime_extensions.pp_api")
    pil = task.of(PIL)
    if pil is None:
        raise LeftOutError(_cannot_express(task))
    note = "minus the time to decode the file" + ("" if pil is task else f", {compared_with(pil)}")
    task = pil
    transforms = _transforms(task)
    whole = api.ImageProcessor(_config([_DECODE, *transforms]))
    decoder = api.ImageProcessor(_config([_DECODE]))
    folder = Path(tempfile.mkdtemp(prefix="graphproc-"))
    weakref.finalize(whole, shutil.rmtree, folder, ignore_errors=True)
    Image.fromarray(task.image).save(folder / "image.png", compress_level=0)
    files = [str(folder / "image.png")] * task.count

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
        return {task.program.outputs[0].name: run(whole, lambda result: np.array(whole.to_numpy(result, 0)))}

    decoding: list[float] = []

    def timed(clock: Callable[[], float]) -> float:
        start = clock()
        run(decoder, bool)
        middle = clock()
        run(whole, bool)
        decoding.append(middle - start)
        # The fastest so far: a slow one beside a fast whole would leave nothing.
        return max(clock() - middle - min(decoding), 1e-6)

    yield Contestant(EXTENSIONS, call, None, task.batch, task.compare, timed=timed, note=note)


_DECODE = {"name": "decode", "type": "DecodeImage", "attrs": {"color_space": "RGB"}}
_FILTERS = {"nearest": "NEAREST", "bilinear": "LINEAR", "bicubic": "CUBIC", "lanczos": "LANCZOS"}


def _config(transforms: Sequence[Mapping[str, Any]]) -> str:
    operations = [{"operation": transform} for transform in transforms]
    return json.dumps({"processor": {"name": "image_processing", "transforms": operations}})


def _cannot_express(task: Task) -> str:
    return f"it cannot express what {task.processor.spec.name} does"


def _transforms(task: Task) -> list[dict[str, Any]]:
    """Write a program of plain steps as the configuration of the C++ processor.

    Raises:
        LeftOutError: the program has a step that the C++ processor lacks.
    """
    reason = _cannot_express(task)
    found: list[dict[str, Any]] = []
    if task.resize is None or len(task.program.outputs) > 1:
        raise LeftOutError(reason)
    for step in task.program.bind(**task.sizes).steps:
        op: Any = step.op
        if op.name == "resample" and isinstance(op.lowered(), Resize) and op.filter in _FILTERS:
            filter = _FILTERS[op.filter]
            attributes = {"interpolation": filter, "width": op.width, "height": op.height, "keep_aspect_ratio": 0}
            found.append({"name": "resize", "type": "Resize", "attrs": attributes})
        elif op.name == "center_crop":
            found.append({"name": "crop", "type": "CenterCrop", "attrs": {"width": op.width, "height": op.height}})
        elif op.name == "rescale":
            found.append({"name": "rescale", "type": "Rescale", "attrs": {"rescale_factor": op.factor}})
        elif op.name == "normalize":
            attributes = {"mean": list(op.mean), "std": list(op.std)}
            found.append({"name": "normalize", "type": "Normalize", "attrs": attributes})
        elif op.name != "to_channels_first":
            raise LeftOutError(reason)
    return [*found, {"name": "channels_first", "type": "Permute3D", "attrs": {"dims": [2, 0, 1]}}]
