"""Draw the results: time against pixels, ratio to each other library, and time per image against the batch."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from cells import Cell
from elsewhere import LIBRARIES, SIMD
from runtime_resize import RUNTIME_RESIZE
from summary import count, geometric_mean
from works import KERNELS, KERNELS_OTHER, USUAL

from graphproc.bench.extensions import EXTENSIONS
from graphproc.bench.floor import FLOOR
from graphproc.bench.own import CALL, FIXED, GRAPH, GRAPH_OTHER, NUMPY
from graphproc.bench.peers import PIL_ARRAY, PIL_IMAGE, PILLOW, TORCHVISION_ARRAY, TORCHVISION_IMAGE, TORCHVISION_TENSOR

STYLES: dict[str, tuple[str, str, str]] = {
    GRAPH: ("#0b5fa5", "o", "-"),
    FIXED: ("#4aa3df", "s", "-"),
    GRAPH_OTHER: ("#2a9d8f", ">", "-"),
    **{KERNELS[name]: ("#c2185b", "*", "-") for name in USUAL},
    **{KERNELS_OTHER[name]: ("#ef7ba8", "*", "-") for name in USUAL},
    CALL: ("#7a5195", "D", "-"),
    PIL_ARRAY: ("#c8502d", "^", "--"),
    TORCHVISION_TENSOR: ("#d9982b", "v", "--"),
    PILLOW: ("#5b5b5b", "P", ":"),
    SIMD: ("#9b9b9b", "X", ":"),
    RUNTIME_RESIZE: ("#5d9c59", "<", "--"),
    FLOOR: ("#c4c4c4", "_", ":"),
}
"""Colour, marker and line of curves: ours are solid, other complete preprocessing dashed, a resize alone dotted."""
PEERS = (
    PILLOW,
    *LIBRARIES,
    PIL_ARRAY,
    PIL_IMAGE,
    TORCHVISION_TENSOR,
    TORCHVISION_ARRAY,
    TORCHVISION_IMAGE,
    RUNTIME_RESIZE,
    EXTENSIONS,
    NUMPY,
    FLOOR,
)
"""The contestants with a row in the plot of ratios."""
WORK_COLOURS = ("#0b5fa5", "#c8502d", "#5d9c59", "#7a5195", "#d9982b", "#4aa3df", "#5b5b5b", "#c2185b", "#2a9d8f")
INEXACT = (RUNTIME_RESIZE, EXTENSIONS, *LIBRARIES)


def write(cells: Sequence[Cell], folder: Path) -> list[Path]:
    """Write every plot that the results have data for.

    Raises:
        SystemExit: matplotlib is not installed.
    """
    try:
        import matplotlib
    except ImportError:
        raise SystemExit("plots: matplotlib is not installed. pip install matplotlib") from None
    matplotlib.use("Agg")
    matplotlib.rcParams.update(
        {"font.size": 9, "axes.spines.top": False, "axes.spines.right": False, "axes.grid": True, "grid.color": "#e3e3e3"}
    )
    sizes = [cell for cell in cells if cell.kind == "sizes"]
    batches = [cell for cell in cells if cell.kind == "batches"]
    threads = sorted({contestant.threads for cell in cells for contestant in cell.measured.contestants if contestant.threads})
    written = []
    for number in threads:
        if len({cell.pixels for cell in sizes}) > 1:
            written.append(_save(_times(sizes, number), folder / f"time_threads_{number}.png"))
        if sizes:
            written.append(_save(_ratios(sizes, number, GRAPH), folder / f"ratios_threads_{number}.png"))
        for name in (KERNELS[instructions] for instructions in USUAL):
            if any(cell.index(name, number) is not None for cell in sizes):
                figure = _ratios(sizes, number, name)
                written.append(_save(figure, folder / f"kernels_threads_{number}.png"))
    if batches:
        written.append(_save(_batches(batches, threads), folder / "batches.png"))
    return written


def _save(figure: Any, path: Path) -> Path:
    import matplotlib.pyplot as plt

    figure.savefig(path, dpi=130, bbox_inches="tight", facecolor="white")
    plt.close(figure)
    return path


def _panels(cells: Sequence[Cell]) -> tuple[Any, list[tuple[str, Any]], Any]:
    """Make a figure with a panel for each work, and one more for the legend."""
    import matplotlib.pyplot as plt

    works = list(dict.fromkeys(cell.work for cell in cells))
    columns = min(3, len(works) + 1)
    rows = -(-(len(works) + 1) // columns)
    figure, axes = plt.subplots(rows, columns, figsize=(4.1 * columns, 3.3 * rows), squeeze=False, layout="constrained")
    flat = list(axes.flat)
    for spare in flat[len(works) :]:
        spare.axis("off")
    return figure, list(zip(works, flat, strict=False)), flat[len(works)]


def _times(cells: Sequence[Cell], threads: int) -> Any:
    """Plot milliseconds against pixels, a panel for each work."""
    from matplotlib.ticker import LogLocator

    figure, panels, rest = _panels(cells)
    for work, axis in panels:
        mine = sorted((cell for cell in cells if cell.work == work), key=lambda cell: cell.pixels)
        for name, (colour, marker, line) in STYLES.items():
            points = [(c.pixels / 1e6, v) for c in mine if (v := c.milliseconds(name, threads)) is not None]
            if points:
                label = f"{name} (not exact)" if name in INEXACT else name
                axis.plot(*zip(*points, strict=True), color=colour, marker=marker, linestyle=line, ms=5, lw=1.6, label=label)
        axis.set(title=work, xscale="log", yscale="log")
        axis.set_xticks([cell.pixels / 1e6 for cell in mine], [f"{cell.size[0]}x{cell.size[1]}" for cell in mine], fontsize=8)
        axis.yaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
        axis.yaxis.set_major_formatter("{x:g}")
        axis.minorticks_off()
        axis.set_ylabel("milliseconds per image")
    _legend(rest, (axis for _, axis in panels))
    figure.suptitle(f"Preprocessing one image, {count(threads, 'thread')}", fontsize=12)
    return figure


def _ratios(cells: Sequence[Cell], threads: int, mine: str) -> Any:
    """Plot a graph's time as a share of each other's: a dot for each cell, and the geometric mean."""
    import matplotlib.pyplot as plt

    works, sizes = (list(dict.fromkeys(values)) for values in ((c.work for c in cells), sorted(c.pixels for c in cells)))
    peers = PEERS if mine == GRAPH else (GRAPH, *PEERS)
    rows = [peer for peer in peers if any(cell.ratio(mine, peer, threads) is not None for cell in cells)]
    figure, axis = plt.subplots(figsize=(9.5, 1.3 + 0.62 * len(rows)), layout="constrained")
    for row, peer in enumerate(rows):
        found = []
        for cell in cells:
            value = cell.ratio(mine, peer, threads)
            if value is not None:
                place = works.index(cell.work)
                offset = (place - (len(works) - 1) / 2) * 0.65 / max(len(works), 5)
                area = 18 + 26 * sizes.index(cell.pixels)
                axis.scatter(
                    value, row + offset, s=area, color=WORK_COLOURS[place % len(WORK_COLOURS)], alpha=0.75, linewidths=0, zorder=3
                )
                found.append(value)
        mean = geometric_mean(found)
        axis.plot([mean, mean], [row - 0.36, row + 0.36], color="black", lw=2, zorder=4)
        axis.annotate(f"{mean:.2f}", (mean, row - 0.38), ha="center", va="bottom", fontsize=8, fontweight="bold", zorder=5)
    axis.axvline(1, color="#b00020", lw=1, zorder=2)
    axis.set_yticks(range(len(rows)), [f"{peer} (not exact)" if peer in INEXACT else peer for peer in rows])
    axis.set_ylim(len(rows) - 0.4, -0.75)
    axis.set_xscale("log")
    _ratio_ticks(axis)
    axis.set_xlabel(f"time of {mine} ÷ time of the peer: left of 1 it is faster")
    colours = [WORK_COLOURS[i % len(WORK_COLOURS)] for i in range(len(works))]
    handles = [plt.Line2D([], [], color=c, marker="o", ls="", label=work) for c, work in zip(colours, works, strict=True)]
    handles.append(plt.Line2D([], [], color="black", lw=2, label="geometric mean"))
    figure.legend(handles=handles, ncols=min(len(handles), 6), frameon=False, loc="outside lower center")
    axis.set_title(f"{mine} against each peer, {count(threads, 'thread')}; larger dots are larger images", fontsize=12)
    return figure


def _ratio_ticks(axis: Any) -> None:
    low, high = axis.get_xlim()
    ticks = [t for t in (0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 50) if low <= t <= high]
    axis.set_xticks(ticks, [f"{tick:g}" for tick in ticks])
    axis.minorticks_off()


def _batches(cells: Sequence[Cell], threads: Sequence[int]) -> Any:
    """Plot milliseconds for an image against the batch, a panel for each work; thin lines are one thread."""
    figure, panels, rest = _panels(cells)
    for work, axis in panels:
        (cell, *_) = (cell for cell in cells if cell.work == work)
        batches = sorted({contestant.batch for contestant in cell.measured.contestants})
        for name, (colour, marker, _) in STYLES.items():
            for number in threads:
                points = [(b, v) for b in batches if (v := cell.milliseconds(name, number, b)) is not None]
                several = name != PIL_ARRAY and len(threads) > 1
                if points and (several or number == threads[0]):
                    first = number == threads[0]
                    style: dict[str, Any] = {"linestyle": "--" if first and several else "-", "lw": 1.1 if first else 2}
                    label = f"{name}, {count(number, 'thread')}" if several else name
                    axis.plot(*zip(*points, strict=True), color=colour, marker=marker, ms=5, label=label, **style)
        axis.set(title=work, xscale="log")
        axis.set_xticks(batches, [str(batch) for batch in batches])
        axis.minorticks_off()
        axis.set_ylim(bottom=0)
        axis.set(xlabel="images in a batch", ylabel="milliseconds per image")
    _legend(rest, (axis for _, axis in panels))
    height, width = cells[0].size
    figure.suptitle(f"Batches of equal images of {height}x{width}", fontsize=12)
    return figure


def _legend(axis: Any, panels: Iterable[Any]) -> None:
    """Draw one legend for all panels, in a panel of its own."""
    found = {label: handle for panel in panels for handle, label in zip(*panel.get_legend_handles_labels(), strict=True)}
    axis.legend(found.values(), found.keys(), loc="center left", frameon=False, fontsize=9)
