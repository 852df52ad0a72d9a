"""Compare every processor class three ways: the ONNX graph, the numpy reference and transformers.

python tools/parity.py [--classes CLIPImageProcessor,ViTImageProcessor] [--sizes all|small] [--configs all|default]
                       [--backend pil|torchvision] [--folder CONFIGS] [--json FILE] [--jobs 2]
                       [--torch-kernels default] [--threads 1]

A cell is one class with one set of settings on one image. It differs unless all three results have the same dtype,
shape and elements, or all fail. `--backend torchvision` needs torchvision, and compares with it. A class that states a
bound may differ from transformers by that much; graph and numpy reference may never differ. `--torch-kernels default` makes
torch take its compiled code for CPUs without AVX2, and `--threads` sets its number of threads: what is stated has to hold
there as well. `--folder` also tries every preprocessor configuration in a folder of JSON files, each with the class
that it is for.

Classes and settings that compile to the same program text share the runs of graph and numpy reference. transformers
runs for each class on the small sizes, and once for each text on the others. Images of 12 megapixels are tried with
the defaults of every class, and with every setting of the classes in `THOROUGH`. Settings with a result of over
`LARGEST` elements are left out, except defaults. Exits 1 on any difference.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import time
import warnings
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "tests"))

import cases.parity as cases
import torch
from cases.parity import Content, Settings, Size

from graphproc.configs import timm
from graphproc.errors import GraphprocError, ProgramError
from graphproc.ir.backends import BACKENDS
from graphproc.ir.program import Program
from graphproc.processors.registry import family, specs
from graphproc.wrappers.processor import AutoImageProcessor

SMALL: tuple[Size, ...] = ((1, 1), (17, 31), (224, 224))
MEDIUM: tuple[Size, ...] = ((333, 500), (427, 640), (640, 427), (1000, 300), (1, 500), (500, 1), (1080, 1920))
ODD: tuple[Size, ...] = ((31, 17), (480, 640), (1000, 300), (3000, 200), (1, 500), (500, 1))
"""The sizes to try instead of `MEDIUM` where sizes decide more than the scale (tiles, patches, canvases)."""
LARGE: tuple[Size, ...] = ((3000, 4000),)
LARGEST = 9_000_000
"""The most elements of a result for settings other than defaults (long thin images scaled to a shortest edge have more)."""
THOROUGH = tuple(f"{stem}ImageProcessor" for stem in ("CLIP", "ConvNext", "Levit", "Perceiver", "PoolFormer"))
CONTENTS: tuple[Content, ...] = ("photograph", "noise")

Member = tuple[str, str, Settings]
"""A class, a label and settings."""


@dataclass
class Counts:
    """What was compared for one class."""

    configs: int = 0
    cells: int = 0
    differing: int = 0
    elements: int = 0
    refused: int = 0
    farthest: float = 0.0

    def add(self, other: Counts) -> None:
        """Add other counts; `farthest` is the largest difference from transformers."""
        for name, value in vars(other).items():
            have = getattr(self, name)
            setattr(self, name, max(have, value) if name == "farthest" else have + value)


@dataclass
class Findings:
    """Counts by class, differences in words, and settings that all three sides refuse."""

    counts: dict[str, Counts] = field(default_factory=dict)
    differences: list[str] = field(default_factory=list)
    refused: list[str] = field(default_factory=list)

    def of(self, name: str) -> Counts:
        """Return the counts of a class."""
        return self.counts.setdefault(name, Counts())

    def add(self, other: Findings) -> None:
        """Add other findings."""
        for name, counts in other.counts.items():
            self.of(name).add(counts)
        self.differences += other.differences
        self.refused += other.refused


def text_of(program: Program) -> str:
    """Return the program's text without the class name."""
    return str(program).partition("\n")[2]


def images_for(program: Program, members: list[Member], sizes: str) -> Iterator[tuple[Size, Content]]:
    """Yield the images to try a program on."""
    default = any(label == "default" for _, label, _ in members)
    case = cases.CASES[members[0][0]]
    thorough = (default and case.standard) or any(name in THOROUGH for name, _, _ in members)
    middle = (MEDIUM if case.standard else ODD + case.edges) if sizes == "all" else ((333, 500),)
    for size in SMALL + middle + (LARGE if sizes == "all" and thorough else ()):
        if not case.skip(size, members[0][2]) and ((default and case.standard) or not cases.too_large(program, size, LARGEST)):
            yield from ((size, content) for content in CONTENTS[: 2 if case.standard else 1])


def compare_program(members: list[Member], sizes: str) -> Findings:
    """Compare every cell of the members of one program text."""
    findings = Findings()
    name, _, settings = members[0]
    program = cases.compiled(name, settings)
    session = cases.graph(name, settings)
    if isinstance(session, ProgramError):  # no image meets the preconditions
        for member in members:
            findings.add(compare_refusal(member, _one_line(session)))
        return findings
    for member in members:
        findings.of(member[0]).configs += 1
    if isinstance(session, GraphprocError):
        raise session  # the settings compile, so there has to be a graph
    for size, content in images_for(program, members, sizes):
        images = cases.sample(name, cases.picture(size, content))
        reference = cases.numpy_result(name, settings, *images)
        refused = isinstance(reference, Exception)
        found = reference if refused else cases.graph_result(session, name, *images)
        between = cases.difference(found, cases.as_graph(name, settings, reference))
        for member in members if size in SMALL else members[:1]:
            counts = findings.of(member[0])
            expected = cases.transformers_result(member[0], member[2], *images)
            words = between or cases.difference(reference, expected, cases.allowed(member[0], member[2], size))
            counts.farthest = max(counts.farthest, cases.farthest(reference, expected))
            counts.cells += 1
            counts.elements += cases.elements(expected)
            where = f"{member[0]}, {member[1]}, {size[0]} x {size[1]} {content}"
            if refused and cases.CASES[member[0]].refuses(size, member[2]):
                counts.refused += 1
                findings.refused.append(f"{where}, on purpose: {_one_line(reference)} | transformers: {_one_line(expected)}")
            elif words:
                counts.differing += 1
                findings.differences.append(f"{where}: {words}")
            elif refused:
                counts.refused += 1
                findings.refused.append(f"{where}: {_one_line(reference)} | transformers: {_one_line(expected)}")
    return findings


def compare_refusal(member: Member, reason: str) -> Findings:
    """Check settings that this package refuses: transformers has to fail as well, or the case has to say it is on purpose."""
    name, label, settings = member
    size = (224, 224)
    findings = Findings()
    counts = findings.of(name)
    counts.configs += 1
    counts.cells += 1
    expected = cases.transformers_result(name, settings, *cases.sample(name, cases.picture(size, "photograph")))
    purpose = cases.CASES[name].refuses(size, settings)
    if isinstance(expected, Exception) or purpose:
        counts.refused += 1
        where = f"{name}, {label}{', on purpose' if purpose else ''}"
        findings.refused.append(f"{where}: {reason} | transformers: {_one_line(expected)}")
    else:
        counts.differing += 1
        findings.differences.append(f"{name}, {label}: refused ({reason}), but transformers gives a result")
    return findings


def _one_line(error: object) -> str:
    if not isinstance(error, Exception):
        return "gives a result"
    return f"{type(error).__name__}: {' '.join(str(error).split())[:110]}"


def from_folder(folder: Path, backend: str | None) -> Iterator[Member]:
    """Yield the settings of every configuration in a folder that is for a class here."""
    for path in sorted(folder.rglob("*.json")):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            try:
                processor = AutoImageProcessor.from_pretrained(path)
            except GraphprocError:
                continue
        own = processor.spec.config({}).settings
        # lists as in a file, because transformers does not take tuples in place of some
        settings = {key: value for key, value in json.loads(processor.to_json_string()).items() if key in own}
        settings |= cases.CASES[processor.spec.name].always | ({"backend": backend} if backend else {})
        yield processor.spec.name, str(path.relative_to(folder)), settings


def grouped(
    names: list[str], configs: str, folder: Path | None, backend: str | None
) -> tuple[list[list[Member]], list[tuple[Member, str]]]:
    """Return members that share runs, costliest first, and the settings that do not compile.

    Their programs have one text and one family, and their calls return the same: OneFormer's also return texts.
    """
    groups: dict[tuple[str, tuple[str, ...], str], list[Member]] = {}
    refusals: list[tuple[Member, str]] = []
    members = [(name, label, settings) for name in names for label, settings in cases.variants(name, backend or "").items()]
    members = [member for member in members if configs == "all" or member[1] == "default"]
    if folder is not None:
        members += [member for member in from_folder(folder, backend) if member[0] in names]
    for member in members:
        name, _, settings = member
        try:
            text = text_of(cases.compiled(name, settings))
        except GraphprocError as error:
            refusals.append((member, _one_line(error)))
        else:
            groups.setdefault((family(name), specs()[name].outputs, text), []).append(member)

    def cheap(members: list[Member]) -> tuple[bool, bool]:
        return all(label != "default" for _, label, _ in members), members[0][0] not in THOROUGH

    return sorted(groups.values(), key=cheap), refusals


def main() -> int:
    """Run the sweep and print a table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--classes", help="names, with commas between; all that have the backend, unless given")
    parser.add_argument("--backend", choices=BACKENDS, help="of each class its first one, unless given")
    parser.add_argument("--sizes", choices=("all", "small"), default="all")
    parser.add_argument("--configs", choices=("all", "default"), default="all")
    parser.add_argument("--folder", type=Path)
    parser.add_argument("--json", type=Path)
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--torch-kernels", choices=("default", "avx2"), help="torch's, by the processor that they are for")
    parser.add_argument("--threads", type=int, help="torch's; its own number unless given")
    options = parser.parse_args()
    if options.torch_kernels not in (None, os.environ.get("ATEN_CPU_CAPABILITY")):  # which torch reads when it is imported
        os.execve(sys.executable, [sys.executable, *sys.argv], {**os.environ, "ATEN_CPU_CAPABILITY": options.torch_kernels})
    known = [name for name, spec in specs().items() if options.backend in (None, *spec.backends)]
    if find_spec("timm") is None and timm.CLASS in known:  # its reference
        print(f"{timm.CLASS} is left out: timm is not installed", file=sys.stderr)
        known.remove(timm.CLASS)
    if find_spec("torchvision") is None:
        without = [name for name in known if (options.backend or specs()[name].backends[0]) == "torchvision"]
        print(f"left out, as torchvision is not installed: {', '.join(without)}", file=sys.stderr)
        known = [name for name in known if name not in without]
    names = options.classes.split(",") if options.classes else known
    if unknown := sorted(set(names) - set(known)):
        parser.error(f"--classes: {unknown[0]} is not one of {', '.join(known)}")
    start = time.monotonic()
    groups, refusals = grouped(names, options.configs, options.folder, options.backend)
    total = Findings({name: Counts() for name in names})
    threads = (options.threads or torch.get_num_threads(),)
    with ProcessPoolExecutor(options.jobs, initializer=torch.set_num_threads, initargs=threads) as pool:
        futures = [pool.submit(compare_program, group, options.sizes) for group in groups]
        futures += [pool.submit(compare_refusal, member, reason) for member, reason in refusals]
        for done, future in enumerate(as_completed(futures), 1):
            total.add(future.result())
            print(f"\r{done}/{len(futures)} programs", end="", file=sys.stderr, flush=True)
    print(file=sys.stderr)
    report(total, len(groups), time.monotonic() - start)
    if options.json:
        everything = {
            "classes": {name: vars(counts) for name, counts in sorted(total.counts.items())},
            "programs": len(groups),
            "differences": sorted(total.differences),
            "refused": sorted(total.refused),
        }
        options.json.write_text(json.dumps(everything, indent=2) + "\n", encoding="utf-8")
    return 1 if total.differences else 0


def report(total: Findings, programs: int, seconds: float) -> None:
    """Print the table, what is refused, and the differences."""
    everything = Counts()
    print(f"{'class':32}{'configs':>9}{'cells':>8}{'refused':>9}{'differing':>11}{'elements':>15}{'farthest':>10}")
    for name, counts in total.counts.items():
        everything.add(counts)
        print(
            f"{name:32}{counts.configs:9}{counts.cells:8}{counts.refused:9}{counts.differing:11}{counts.elements:15,}{counts.farthest:10.2g}"
        )
    for line in sorted(total.refused):
        print(f"refused: {line}")
    for line in sorted(total.differences):
        print(f"DIFFERS: {line}")
    print(
        f"total: {len(total.counts)} classes, {everything.configs} configurations, {programs} distinct programs, "
        f"{everything.cells} cells ({everything.refused} refused), {everything.differing} differing, "
        f"{everything.elements:,} elements compared three ways in {seconds:.0f} s"
    )


if __name__ == "__main__":
    sys.exit(main())
