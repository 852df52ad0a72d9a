"""Contestants that get JPEG files: whole calls of this package and of transformers, and decoding alone."""

from __future__ import annotations

import atexit
import hashlib
import shutil
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from copy import copy
from functools import cache, partial
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from graphproc.bench.peers import compared_in, torch_threads, transformers_processor
from graphproc.bench.task import Contestant, Maker, Task, installed
from graphproc.ir.backends import TORCHVISION
from graphproc.runtime import workers
from graphproc.wrappers.image_files import load_file

Array = np.ndarray[Any, Any]

CALL_FILES = "processor call, JPEG files"
THEIR_FILES = "transformers call, JPEG files"
DECODING = "decoding as processor calls do"
THEIR_DECODING = "decoding as transformers calls do"
QUALITY = 90


@cache
def _folder() -> Path:
    folder = tempfile.mkdtemp(prefix="graphproc-")
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return Path(folder)


def jpeg(image: Array) -> str:
    """Return the path of a JPEG file of an image, which is deleted when the process ends."""
    path = _folder() / f"{hashlib.sha256(image.tobytes()).hexdigest()}.jpg"
    if not path.exists():
        Image.fromarray(image).save(path, quality=QUALITY)
    return str(path)


def _decoded(task: Task) -> tuple[list[str], Task]:
    """Return the files of a task, and the task with the pixels that Pillow decodes from them."""
    path = jpeg(task.image)
    return [path] * task.count, Task(task.processor, np.asarray(load_file(path, "RGB")), task.batch)


def _call(task: Task, threads: Sequence[int]) -> Iterator[Contestant]:
    paths, decoded = _decoded(task)
    for number in threads:
        processor = copy(task.processor)  # without its sessions
        processor.threads = number
        call = partial(processor, paths, return_tensors="np")
        yield Contestant(CALL_FILES, call, number, task.batch, decoded.compare, warm_up=3)


def _their_call(task: Task, threads: Sequence[int]) -> Iterator[Contestant]:
    """Yield the call of transformers' class of the processor's backend."""
    paths, decoded = _decoded(task)
    theirs = transformers_processor(task.processor, task.processor.backend)
    compare, note = compared_in(decoded, task.processor.backend)
    for number in threads:
        call = partial(theirs, paths, return_tensors="np")
        yield Contestant(THEIR_FILES, call, number, task.batch, compare, partial(torch_threads, number), note=note)


def _decoding(task: Task, threads: Sequence[int]) -> Iterator[Contestant]:
    """Yield Pillow's decoding, on as many threads as a call's."""
    paths, _ = _decoded(task)

    def call(number: int) -> list[Array]:
        several = 1 if len(paths) == 1 else number
        return list(workers.prefetch(lambda path: np.asarray(load_file(path, "RGB")), paths, several))

    for number in threads:
        yield Contestant(DECODING, partial(call, number), number, task.batch, note="Pillow")


def _their_decoding(task: Task, threads: Sequence[int]) -> Iterator[Contestant]:
    """Yield the decoding that transformers' class begins with; torchvision's, or Pillow's in the backend pil."""
    paths, _ = _decoded(task)
    theirs = transformers_processor(task.processor, task.processor.backend)
    torchvision = task.processor.backend == TORCHVISION
    if torchvision:
        installed("torchvision")
    for number in threads:
        call, around = partial(theirs.fetch_images, paths), partial(torch_threads, number)
        yield Contestant(THEIR_DECODING, call, number, task.batch, None, around, note="torchvision" if torchvision else "Pillow")


MAKERS: Mapping[str, Maker] = {
    CALL_FILES: _call,
    THEIR_FILES: _their_call,
    DECODING: _decoding,
    THEIR_DECODING: _their_decoding,
}
NAMES = tuple(MAKERS)
"""The contestants with files, in the order of tables."""
