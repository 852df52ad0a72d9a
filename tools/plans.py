"""Compare plans with what calls return, for random sizes and settings of every class, and time plans.

    python tools/plans.py --count 2000                        sizes and settings of each class, over its backends
    python tools/plans.py --count 40 --classes CLIPImageProcessor,DetrImageProcessor --backend pil --seed 7

A trial is a processor with random settings, one image of a random size, several, or several samples, and the class's extra
inputs. Names, shapes and element types of all outputs must be those of a call, or both must refuse with the same words. Calls
are made where an image's results have fewer than half a million elements. Exits 1 on any difference.
"""

from __future__ import annotations

import argparse
import multiprocessing
import statistics
import sys
import time
from collections import Counter
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "tests"))

from cases.parity import CASES
from support.plan_trials import Found, trials

from graphproc.ir.backends import BACKENDS
from graphproc.processors.registry import lookup, specs
from graphproc.wrappers.processor import processor_class

SIZES = ((480, 640), (1080, 1920), (333, 500), (700, 300))
"""The sizes of images to time plans of."""


def main() -> int:
    """Run the trials and print what they found."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--count", type=int, default=40, help="how many trials each class has, over its backends")
    parser.add_argument("--classes", default="", help="classes to try, separated by commas; all if not given")
    parser.add_argument("--backend", choices=BACKENDS, help="one backend alone")
    parser.add_argument("--seed", default="", help="other trials for other seeds")
    parser.add_argument("--jobs", type=int, default=2, help="how many processes run them")
    options = parser.parse_args()
    names = [name for name in specs() if not options.classes or name in options.classes.split(",")]
    rows = [(name, backend) for name in names for backend in lookup(name).backends if options.backend in (None, backend)]
    counts = [-(-options.count // sum(one == name for one, _ in rows)) for name, _ in rows]
    whole = Found()
    started = time.perf_counter()
    with ProcessPoolExecutor(options.jobs, multiprocessing.get_context("spawn")) as pool:
        running = [pool.submit(trials, *row, count, options.seed) for row, count in zip(rows, counts, strict=True)]
        for (name, backend), one in zip(rows, running, strict=True):
            found = one.result()
            whole.kinds.update(found.kinds)
            whole.failures += found.failures
            whole.unknown += found.unknown
            print(f"{name} {backend}: {_kinds(found.kinds)}", flush=True)
            print("".join(f"  {failure}\n" for failure in found.failures), end="")
    print(f"\n{whole.trials} trials of {len(names)} classes in {time.perf_counter() - started:.0f} s: {_kinds(whole.kinds)}")
    print(f"{len(whole.failures)} differ; {whole.unknown} lengths of outputs were left to pixels")
    costs = sorted((cost(name), name) for name in names)
    times = [microseconds for microseconds, _ in costs]
    slowest = ", ".join(f"{name} {microseconds:.1f}" for microseconds, name in costs[:-4:-1])
    print(f"a plan of one image, in microseconds: median {statistics.median(times):.1f}; slowest {slowest}")
    return 1 if whole.failures else 0


def cost(name: str, repeats: int = 31) -> float:
    """Return how many microseconds a plan of one image takes with a warm processor: the median of some runs.

    Settings are the defaults, and images have no extra inputs but those that the class requires.
    """
    spec = lookup(name)
    processor = processor_class(name)(**CASES[name].always)
    given = {extra.keyword: 2 for extra in spec.extra_inputs.values() if extra.required and extra.layout == "NF"}
    pair = spec.samples.images == 2

    def run() -> None:
        for height, width in SIZES:
            if pair:
                processor.plan([(height, width)] * 2)
            else:
                processor.plan(height, width, **given)

    run()
    found = []
    for _ in range(repeats):
        started = time.perf_counter()
        run()
        found.append((time.perf_counter() - started) / len(SIZES) / (2 if pair else 1) * 1e6)
    return statistics.median(found)


def _kinds(kinds: Counter[str]) -> str:
    return ", ".join(f"{count} {kind}" for kind, count in kinds.most_common())


if __name__ == "__main__":
    sys.exit(main())
