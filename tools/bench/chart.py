"""README's chart of speed: how many times as long transformers takes, for the same bits, as a graph with kernels and without.

    python tools/bench/chart.py                            measure, then write exported/pictures/speed.png; 3 minutes
    python tools/bench/chart.py --read DIR/results.json    draw what `python tools/bench -o DIR` measured

Measure on a machine that does nothing else, after `pip install ".[bench]"`. Each bar is one ratio of one run:
graph and transformers take turns in one process, and the median of the ratios within rounds is drawn. Graphs
are for images of any size, with the backend of transformers' class; kernels use AVX2 or NEON. The figures are also
printed as a table.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cells import Cell
from PIL import Image, ImageDraw, ImageFont
from summary import GRAPH, GRAPH_OTHER, PIL_ARRAY, TORCHVISION_TENSOR
from works import KERNELS, KERNELS_OTHER, USUAL

BENCH = Path(__file__).resolve().parent
PICTURE = BENCH.parent.parent / "exported" / "pictures" / "speed.png"
PAIRS = (
    *(("torchvision, kernels", KERNELS[name], TORCHVISION_TENSOR, "#1b6f66") for name in USUAL),
    ("torchvision", GRAPH, TORCHVISION_TENSOR, "#2a9d8f"),
    *(("pil, kernels", KERNELS_OTHER[name], PIL_ARRAY, "#083f6e") for name in USUAL),
    ("pil", GRAPH_OTHER, PIL_ARRAY, "#0b5fa5"),
)
"""The bars of a class: the backend and kernels, the graph, transformers' processor with the same results, and a colour."""
WIDTH, LEFT, RIGHT, BAR, GAP = 1400, 190, 340, 30, 22
"""In pixels: the picture's width, the space left and right of the bars, the height of a bar, and the space between classes."""


@dataclass(frozen=True)
class Bar:
    """One ratio.

    Attributes:
        work: the processor.
        backend: the backend of both, and whether the graph has kernels.
        ratio: transformers' time divided by the graph's.
        milliseconds: the medians of the graph and of transformers, for one image.
        colour: the bar's colour.
    """

    work: str
    backend: str
    ratio: float
    milliseconds: tuple[float, float]
    colour: str


def bars(cells: Sequence[Cell]) -> Iterator[Bar]:
    """Yield a bar for each class and backend, from results on one thread, where both gave the numpy reference's bits."""
    for cell in cells:
        for backend, graph, theirs, colour in PAIRS:
            ratio = cell.ratio(theirs, graph)
            if ratio is not None and cell.exact(graph) and cell.exact(theirs):
                one, other = cell.milliseconds(graph), cell.milliseconds(theirs)
                assert one is not None and other is not None  # noqa: PT018 - a ratio has both
                yield Bar(cell.work, backend, ratio, (one, other), colour)


def table(found: Sequence[Bar]) -> str:
    """Return the figures as a table in Markdown."""
    lines = ["| processor | backend | graph, ms | transformers, ms | ratio |", "|---|---|---|---|---|"]
    for bar in found:
        times = f"{bar.milliseconds[0]:.1f} | {bar.milliseconds[1]:.1f}"
        lines += [f"| {bar.work} | {bar.backend} | {times} | {bar.ratio:.1f} |"]
    return "\n".join(lines)


def conditions(results: dict[str, Any], size: tuple[int, int]) -> str:
    """Return what was measured, and on what machine."""
    machine, clock = results["machine"], results["options"]["clock"]
    versions = ", ".join(f"{name} {machine['versions'].get(name, '-')}" for name in ("onnxruntime", "transformers", "torch"))
    timed = "" if clock == "wall" else ", processor time"
    return f"One image of {size[0]} x {size[1]} pixels, 1 thread{timed}. {machine['cpu']}, {versions}, {results['started'][:10]}"


def draw(found: Sequence[Bar], below: str) -> Image.Image:
    """Draw the chart in RGB; a line marks the time of graphproc, 1."""
    works = list(dict.fromkeys(bar.work for bar in found))
    heights = [sum(bar.work == work for bar in found) * BAR + GAP for work in works]
    top = 96
    picture = Image.new("RGB", (WIDTH, top + sum(heights) + 60), "white")
    pen = ImageDraw.Draw(picture)
    large, text, small = (ImageFont.load_default(size) for size in (30, 24, 20))
    pen.text((24, 22), "transformers takes this many times as long, for the same bits", "black", large)
    scale = (WIDTH - LEFT - RIGHT) / max(bar.ratio for bar in found)
    y = top
    for work, height in zip(works, heights, strict=True):
        mine = [bar for bar in found if bar.work == work]
        pen.text((LEFT - 16, y + len(mine) * BAR / 2), work, "black", text, anchor="rm")
        for bar in mine:
            end = LEFT + bar.ratio * scale
            pen.rectangle((LEFT, y + 2, end, y + BAR - 2), bar.colour)
            label = f"{bar.ratio:.1f} x   {bar.backend}"
            pen.text((max(end, LEFT + scale) + 12, y + BAR / 2), label, "black", text, anchor="lm")
            y += BAR
        y += height - len(mine) * BAR
    pen.line((LEFT + scale, top - 8, LEFT + scale, y - GAP + 8), "#b00020", 3)
    pen.text((LEFT + scale, y - GAP + 12), "graphproc: 1 x", "#b00020", small, anchor="ma")
    pen.text((24, y + 24), below, "#555555", small)
    return picture


def measured(size: str, clock: str, seconds: float) -> dict[str, Any]:
    """Run tools/bench for the chart's contestants on one size, and return its results."""
    names = [name for _, graph, theirs, _ in PAIRS for name in (graph, theirs)]
    options = ["--sizes", size, "--threads", "1", "--batches", "--files", "--no-costs"]
    options += ["--clock", clock, "--seconds", str(seconds)]
    with tempfile.TemporaryDirectory() as folder:
        done = subprocess.run([sys.executable, str(BENCH), *options, "--contestants", *names, "-o", folder], check=False)
        path = Path(folder) / "results.json"
        if not path.is_file():  # results are written even if matplotlib, for other plots, is missing
            raise SystemExit(done.returncode)
        results: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return results


def main() -> None:
    """Measure or read, print the table, and write the chart."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--read", type=Path, metavar="FILE", help="results.json of tools/bench, instead of measuring")
    parser.add_argument("--size", metavar="HxW", default="1080x1920", help="of the image")
    parser.add_argument("--seconds", type=float, default=15.0, help="for each class")
    parser.add_argument("--clock", choices=["wall", "cpu"], default="wall", help="cpu: the processor's time, on a busy machine")
    parser.add_argument("-o", "--output", type=Path, metavar="FILE", default=PICTURE, help="the picture")
    options = parser.parse_args()
    results = (
        json.loads(options.read.read_text(encoding="utf-8"))
        if options.read
        else measured(options.size, options.clock, options.seconds)
    )
    height, _, width = options.size.partition("x")
    size = int(height), int(width)
    cells = [cell for cell in map(Cell.from_dict, results["cells"]) if cell.kind == "sizes" and cell.size == size]
    found = list(bars(cells))
    if not found:
        raise SystemExit(f"{options.size}: expected results of graphs and of transformers, got none. Measure that size.")
    below = conditions(results, size)
    options.output.parent.mkdir(parents=True, exist_ok=True)
    draw(found, below).quantize(32).save(options.output, optimize=True)
    print(f"{table(found)}\n\n{below}\nwrote {options.output}")


if __name__ == "__main__":
    main()
