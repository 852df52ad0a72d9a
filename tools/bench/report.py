"""Show the results as text."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from cells import Cell
from ratios import Ratio
from summary import Figure

from graphproc.bench.own import FIXED, GRAPH
from graphproc.bench.peers import PIL_ARRAY, PILLOW

BASES = {"/ graph": GRAPH, "/ fixed": FIXED, "/ Pil": PIL_ARRAY, "/ Pillow": PILLOW}
"""The columns of ratios: a contestant's time divided by that of another with the same number of threads."""


def machine_text(machine: Mapping[str, Any]) -> str:
    """Describe the machine in two lines."""
    versions = ", ".join(f"{name} {version}" for name, version in machine["versions"].items())
    return f"{machine['cpu']}, {machine['cores']} cores, {machine['system']}\n{versions}"


def cell_text(cell: Cell) -> str:
    """Return the table of a cell."""
    head = f"{'':36}{'threads':>8}{'batch':>6}{'runs':>6}{'ms':>10}" + "".join(f"{name:>10}" for name in BASES) + "  exact"
    lines = [f"\n{cell.label}, milliseconds per image", head]
    for index, contestant in enumerate(cell.measured.contestants):
        threads = contestant.threads or 1
        row = f"{contestant.name:36}{'-' if contestant.threads is None else threads:>8}{contestant.batch:>6}"
        row += f"{cell.measured.runs(index):>6}{cell.measured.median(index) * 1e3:>10.3f}"
        for base in BASES.values():
            other = cell.index(base, threads, contestant.batch)
            row += f"{'':>10}" if other is None else f"{cell.measured.ratio(index, other):>10.2f}"
        differs = cell.measured.differences[index]
        lines.append(f"{row}  {'-' if differs is None else differs}{f' ({contestant.note})' if contestant.note else ''}")
    return "\n".join([*lines, *(f"left out: {line}" for line in cell.absent)])


def costs_text(costs: Sequence[Mapping[str, Any]]) -> str:
    """Return the single figures as text."""
    return "\n".join(["", *(f"{cost['name']:64}{cost['value']:14,.3f} {cost['unit']}" for cost in costs)])


def summary_text(figures: Sequence[Figure]) -> str:
    """Return the summary as text."""
    lines = ["", f"{'summary':84}{'figure':>9}{'target':>9}  {'met':4} where"]
    for figure in figures:
        limit = "" if figure.limit is None else f"{figure.limit:g}"
        met = "" if figure.met is None else "yes" if figure.met else "NO"
        value = f"{figure.value:.0f}" if figure.value in (0, 1) or figure.value >= 100 else f"{figure.value:.3f}"
        lines.append(f"{figure.name:84}{value:>9}{limit:>9}  {met:4} {' '.join((figure.unit, figure.where)).strip()}")
    targets = [figure.met for figure in figures if figure.met is not None]
    return "\n".join([*lines, f"{targets.count(True)} of {len(targets)} targets met"])


def ratios_text(ratios: Sequence[Ratio]) -> str:
    """Return the ratios as text, those of some works below each other."""
    lines: list[str] = []
    for works in dict.fromkeys(ratio.works for ratio in ratios):
        lines += ["", f"{works:104}{'mean':>8}{'worst':>8}  where"]
        for ratio in ratios:
            if ratio.works == works:
                where = f"{ratio.where}, of {ratio.cells}" if ratio.cells > 1 else ratio.where
                lines.append(f"{ratio.name:104}{ratio.mean:>8.3f}{ratio.worst:>8.3f}  {where}")
    return "\n".join(lines)
