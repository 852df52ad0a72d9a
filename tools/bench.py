"""Time CLIP preprocessing side by side: the graph, transformers' Pil processor, and Pillow's resize call alone.

python tools/bench.py [--sizes 427x640 3000x4000] [--runs 40] [--threads 1]

Every engine gets the same uint8 array and takes turns with the others in one process; the figures are medians of the
ratios of neighbouring runs, so a drifting clock cancels out. Outputs are compared before anything is timed.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Callable
from typing import Any

import numpy as np
from PIL import Image

import graphproc
from graphproc.runtime.session import Session
from graphproc.wrappers.examples import photograph

Array = np.ndarray[Any, Any]


def engines(image: Array, threads: int) -> dict[str, Callable[[], Any]]:
    """What is timed, by name."""
    from transformers import CLIPImageProcessorPil

    ours, theirs = graphproc.CLIPImageProcessor(), CLIPImageProcessorPil()
    height, width = image.shape[:2]
    dynamic = Session(ours.to_onnx(), threads=threads, specialise_after=None)
    fixed = Session(ours.to_onnx(image_size=(height, width)), threads=threads)
    batch = {"images": image[None]}
    picture = Image.fromarray(image)
    short = min(height, width)
    target = (max(224, 224 * width // short), max(224, 224 * height // short))
    want = theirs(image, return_tensors="np", input_data_format="channels_last")["pixel_values"]
    for session in (dynamic, fixed):
        if not np.array_equal(session.run(batch)["pixel_values"], want):
            raise SystemExit(f"{height}x{width}: the graph's output differs from transformers'")
    return {
        "graph, any size": lambda: dynamic.run(batch),
        "graph, fixed size": lambda: fixed.run(batch),
        "transformers Pil": lambda: theirs(image, return_tensors="np", input_data_format="channels_last"),
        "Pillow resize alone": lambda: picture.resize(target, Image.Resampling.BICUBIC),
    }


def measure(calls: dict[str, Callable[[], Any]], runs: int) -> dict[str, Array]:
    """Seconds of each run of each engine, taken in turns after two rounds of warm-up."""
    seconds: dict[str, list[float]] = {name: [] for name in calls}
    for turn in range(runs + 2):
        for name, call in calls.items():
            start = time.perf_counter()
            call()
            if turn >= 2:
                seconds[name].append(time.perf_counter() - start)
    return {name: np.array(values) for name, values in seconds.items()}


def main() -> int:
    """Print one table a size."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sizes", nargs="+", default=["427x640", "3000x4000"], metavar="HxW")
    parser.add_argument("--runs", type=int, default=40, help="runs of each engine at 427x640; fewer on larger images")
    parser.add_argument("--threads", type=int, default=1)
    options = parser.parse_args()
    photo = Image.fromarray(photograph())
    for size in options.sizes:
        height, width = map(int, size.split("x"))
        image = np.asarray(photo.resize((width, height), Image.Resampling.LANCZOS))
        runs = max(5, min(options.runs, options.runs * 427 * 640 // (height * width)))
        seconds = measure(engines(image, options.threads), runs)
        print(f"\nCLIP on {height}x{width}, {options.threads} thread(s), {runs} runs each, outputs bit-exact")
        print(f"{'':22}{'median ms':>10}{'/ Pil':>9}{'/ Pillow':>10}")
        for name, values in seconds.items():
            to_pil = np.median(values / seconds["transformers Pil"])
            to_pillow = np.median(values / seconds["Pillow resize alone"])
            print(f"{name:22}{np.median(values) * 1e3:10.2f}{to_pil:9.2f}{to_pillow:10.2f}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
