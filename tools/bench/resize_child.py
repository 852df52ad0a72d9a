"""Resize one image on demand with a library that has an environment of its own; elsewhere.py starts and tells it.

python -I resize_child.py LIBRARY HEIGHT WIDTH NEW_HEIGHT NEW_WIDTH FILTER COUNT

It reads the image's bytes, writes the library's version as a line, and then answers each line that it reads: `run` with
the seconds that COUNT resizes took, by the wall clock and in processor time, `result` with the bytes of one resize.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from importlib import import_module, metadata
from typing import Any

import numpy as np

Array = np.ndarray[Any, Any]
Resize = Callable[[], Any]


def pillow_simd(image: Array, height: int, width: int, filter: str) -> tuple[str, Resize]:
    """Return the version of Pillow-SIMD, which has Pillow's name, and its resize."""
    library: Any = import_module("PIL.Image")
    picture, code = library.fromarray(image), library.Resampling[filter.upper()]
    return library.__version__, lambda: picture.resize((width, height), code)


def kornia_rs(image: Array, height: int, width: int, filter: str) -> tuple[str, Resize]:
    """Return the version of kornia-rs and its resize, antialiased as far as it is."""
    library: Any = import_module("kornia_rs")
    return library.__version__, lambda: library.imgproc.resize(image, (height, width), filter, True)


def cykooz_resizer(image: Array, height: int, width: int, filter: str) -> tuple[str, Resize]:
    """Return the version of cykooz-resizer and its resize."""
    library: Any = import_module("cykooz_resizer")
    kinds = {"bilinear": "bilinear", "bicubic": "catmull_rom", "lanczos": "lanczos3"}
    algorithm = library.ResizeAlg.convolution(library.FilterType[kinds[filter]])
    options, resizer = library.ResizeOptions(resize_alg=algorithm, use_alpha=False), library.Resizer()
    source = library.ImageData(image.shape[1], image.shape[0], library.PixelType.U8x3, image.tobytes())

    def resize() -> Array:
        target = library.ImageData(width, height, library.PixelType.U8x3)
        resizer.resize(source, target, options)
        return np.frombuffer(target.get_buffer(), np.uint8).reshape(height, width, 3)

    return metadata.version("cykooz-resizer"), resize


def albumentations(image: Array, height: int, width: int, filter: str) -> tuple[str, Resize]:
    """Return the version of albumentations and its resize, which is OpenCV's."""
    library: Any = import_module("albumentations")
    opencv: Any = import_module("cv2")
    opencv.setNumThreads(1)
    kinds = {"bilinear": opencv.INTER_LINEAR, "bicubic": opencv.INTER_CUBIC, "lanczos": opencv.INTER_LANCZOS4}
    resize = library.Resize(height, width, interpolation=kinds[filter])
    return library.__version__, lambda: resize(image=image)["image"]


LIBRARIES = {
    "pillow-simd": pillow_simd,
    "kornia-rs": kornia_rs,
    "cykooz-resizer": cykooz_resizer,
    "albumentations": albumentations,
}


def main() -> None:
    """Answer until there is nothing more to read."""
    library, filter = sys.argv[1], sys.argv[6]
    height, width, new_height, new_width, count = map(int, (*sys.argv[2:6], sys.argv[7]))
    data = sys.stdin.buffer.read(height * width * 3)
    image = np.frombuffer(data, np.uint8).reshape(height, width, 3)
    version, resize = LIBRARIES[library](image, new_height, new_width, filter)
    print(version, flush=True)
    while line := sys.stdin.buffer.readline():
        if line == b"run\n":
            wall, processor = time.perf_counter(), time.process_time()
            for _ in range(count):
                resize()
            print(time.perf_counter() - wall, time.process_time() - processor, flush=True)
        else:
            sys.stdout.buffer.write(np.asarray(resize()).astype(np.uint8, copy=False).tobytes())
            sys.stdout.buffer.flush()


if __name__ == "__main__":
    main()
