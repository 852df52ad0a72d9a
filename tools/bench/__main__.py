"""Time preprocessing side by side: this package's graphs, with kernels and without, transformers, Pillow and others.

    python tools/bench -o /tmp/bench                                  everything, about 20 minutes
    python tools/bench --quick                                        CLIP and DETR on two sizes, under a minute
    python tools/bench --work CLIP --sizes 427x640 --threads 1 --batches --files --seconds 5
    python tools/bench --peers FOLDER                                 with Pillow-SIMD and others; see elsewhere.py
    python tools/bench --profile --work DETR --sizes 427x640          where its graphs spend their time, node by node
    python tools/bench --read /tmp/bench/results.json -o /tmp/bench   the tables and plots again

Every contestant gets the same pixels and takes turns with the others in one process. Outputs are compared before
anything is timed. Figures are medians of the ratios within rounds, so a drifting clock cancels out.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import cells
import costs
import plots
import profiles
import ratios
import report
import summary
import works

from graphproc.bench.results import machine


def main() -> int:
    """Measure, print, and write what was asked for."""
    parser = argparse.ArgumentParser(
        prog="python tools/bench", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--work", nargs="+", choices=works.WORKS, default=list(works.WORKS), help="processors")
    parser.add_argument("--sizes", nargs="*", type=_sides, metavar="HxW", default=list(works.SIZES), help="of images")
    parser.add_argument("--batches", nargs="*", type=int, metavar="N", default=None, help="batches to compare; none for none")
    parser.add_argument("--files", nargs="*", type=int, metavar="N", default=None, help="numbers of JPEG files; none for none")
    parser.add_argument("--threads", nargs="+", type=int, default=[1, 2])
    parser.add_argument("--contestants", nargs="+", metavar="TEXT", help="only contestants with one of these in the name")
    parser.add_argument("--seconds", type=float, default=4.0, help="for the turns of a cell; batches get three times that")
    parser.add_argument("--runs", type=int, help="rounds of a cell, of every contestant, instead of --seconds")
    parser.add_argument(
        "--clock",
        choices=["wall", "cpu"],
        default="wall",
        help="cpu, on a busy machine: contestants of one thread by the processor's time; those of several keep the wall's",
    )
    parser.add_argument("--peers", type=Path, metavar="FOLDER", help="environments with Pillow-SIMD and others; see elsewhere.py")
    parser.add_argument("--no-costs", action="store_true", help="leave out import, export, session creation, memory")
    parser.add_argument(
        "--quick", action="store_true", help="CLIP and DETR on 427x640 and 1080x1920, without batches, files and costs"
    )
    parser.add_argument("--profile", action="store_true", help="only profile the graphs: what their nodes take, on one thread")
    parser.add_argument("--read", type=Path, metavar="FILE", help="show the results in this file instead of measuring")
    parser.add_argument("-o", "--output", type=Path, metavar="DIR", help="write results.json and the plots here")
    options = parser.parse_args()
    if options.profile:
        return profiled(options)
    results = json.loads(options.read.read_text(encoding="utf-8")) if options.read else measured(options)
    table = [cells.Cell.from_dict(cell) for cell in results["cells"]]
    figures = summary.figures(table, results["costs"])
    shares = ratios.ratios(table)
    print(report.ratios_text(shares))
    print(report.summary_text(figures))
    if results["options"]["clock"] == "cpu":
        print("One thread by the processor's time, several by the clock's: compare only figures of the same number of threads.")
    if options.output is not None:
        if not options.read:
            results["summary"] = [{**asdict(figure), "met": figure.met} for figure in figures]
            results["ratios"] = [asdict(ratio) for ratio in shares]
            print(f"\nwrote {_kept(results, options.output)}")
        for path in plots.write(table, options.output):
            print(f"wrote {path}")
    return 0


def _kept(results: Mapping[str, Any], folder: Path) -> Path:
    """Write the results, which a later cell may not live to do, and return the file."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "results.json"
    path.write_text(json.dumps(results), encoding="utf-8")
    return path


def profiled(options: argparse.Namespace) -> int:
    """Profile the graphs that were asked for, and print and write what their nodes take."""
    copied = profiles.copy_speed()
    print(f"{report.machine_text(machine())}\ncopies {copied / 1e9:.1f} GB a second, on one thread", flush=True)
    print(profiles.head(), flush=True)
    found = []
    for place in works.places(options.work, options.sizes, (), _chosen(options, tuple(profiles.GRAPHS))):
        for contestant in place.contestants:
            if not profiles.has(place.work, contestant):
                continue
            found.append(profiles.measured(place.work, place.size, contestant, copied))
            print(profiles.text(found[-1]), flush=True)
    if options.output is not None:
        options.output.mkdir(parents=True, exist_ok=True)
        path = options.output / "profiles.json"
        results = {"machine": machine(), "bytes copied a second": copied, "profiles": [asdict(profile) for profile in found]}
        path.write_text(json.dumps(results), encoding="utf-8")
        print(f"\nwrote {path}")
    return 0


def _chosen(options: argparse.Namespace, names: Sequence[str]) -> list[str]:
    """Return the names that contain one of the texts of `--contestants`; all names without it."""
    return [n for n in names if options.contestants is None or any(text.lower() in n.lower() for text in options.contestants)]


def measured(options: argparse.Namespace) -> dict[str, Any]:
    """Return the results in the form that is written: the machine, the options, the costs and the cells."""
    if options.quick:
        options.work = [work for work in options.work if work in ("CLIP", "DETR")] or options.work
        options.sizes = [size for size in options.sizes if size in works.SIZES[1:3]] or options.sizes
        options.seconds, options.no_costs = min(options.seconds, 4.0), True
    batches, jpegs = (
        given if given is not None else [] if options.quick else list(usual)
        for given, usual in ((options.batches, works.BATCHES), (options.files, works.FILES))
    )
    names = _chosen(options, works.IN_A_HURRY if options.quick and options.contestants is None else works.ALL)
    start = time.perf_counter()
    results: dict[str, Any] = {
        "machine": machine(),
        "started": time.strftime("%Y-%m-%dT%H:%M:%S%z"),
        "load": [os.getloadavg()],
        "options": {k: str(v) if isinstance(v, Path) else v for k, v in vars(options).items()},
        "costs": [],
        "cells": [],
    }
    print(f"{report.machine_text(results['machine'])}\nclock: {options.clock}", flush=True)
    if not options.no_costs:
        usual = {work: name for work, name in works.BYTES.items() if work in options.work}
        results["costs"] = costs.as_dicts(costs.measured(usual))
        print(report.costs_text(results["costs"]), flush=True)
    for place in works.places(options.work, options.sizes, batches, names, jpegs):
        begun = time.perf_counter()
        seconds = options.seconds * (1 if place.kind == "sizes" else 3)
        cell = cells.run(place, options.threads, seconds, options.runs, options.peers, options.clock == "cpu")
        results["cells"].append(cell.as_dict())
        print(f"{report.cell_text(cell)}\n{time.perf_counter() - begun:.0f} s", flush=True)
        if options.output is not None:
            _kept(results, options.output)
    results["load"].append(os.getloadavg())
    results["seconds"] = round(time.perf_counter() - start, 1)
    print(f"\n{results['seconds']:.0f} s; load average {results['load'][0][0]:.1f} before, {results['load'][1][0]:.1f} after")
    return results


def _sides(text: str) -> works.Sides:
    height, _, width = text.partition("x")
    return int(height), int(width)


if __name__ == "__main__":
    sys.exit(main())
