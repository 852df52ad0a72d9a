"""Compare random cases with transformers 5.23 in the same backend, for a given time.

    python tools/campaign --seconds 120                                    a new seed, which is printed
    python tools/campaign --seconds 1800 --seed 7 --backend torchvision --json found.json
    python tools/campaign --seconds 60 --classes CLIPImageProcessor,DetrImageProcessor

A case is a class with a backend, its settings (in the constructor, the call, a file, or a file that the other
library saved), images in one of the forms that a call takes, and what runs: the call on either engine, or an
exported graph. Values must be equal to the bit, or within the bound that the program states. Dtypes, shapes,
containers and keys must be equal. Or both sides must refuse. Exceptions are in `excluded.py`, with their causes.

A failure is reduced to the smallest images and settings that fail the same way, and printed as a program that
repeats it. Cases run in processes of their own, so one that ends its process is found as well. Each case is
drawn from the seed and its group's number, so it is the same with any number of processes. Exits 1 on any
failure.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import time
from pathlib import Path

HERE = Path(__file__).resolve()
sys.path[:0] = [str(HERE.parents[1]), str(HERE.parents[2] / "tests"), str(HERE.parents[2])]

from campaign.generate import classes  # noqa: E402
from campaign.report import Report  # noqa: E402
from campaign.work import Campaign  # noqa: E402
from graphproc.ir.backends import BACKENDS  # noqa: E402


def main(arguments: list[str] | None = None) -> int:
    """Run the campaign and print what it found."""
    parser = argparse.ArgumentParser(
        prog="python tools/campaign", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--seconds", type=float, default=120, help="how long to run (default 120)")
    parser.add_argument("--seed", type=int, help="of the random cases; today's date unless given")
    parser.add_argument("--backend", choices=BACKENDS, help="both, unless given")
    parser.add_argument("--classes", help="names, with commas between; all, unless given")
    parser.add_argument("--json", type=Path, help="write counts and failures to a file")
    parser.add_argument("--group", type=int, help="run only this group of cases")
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1, help="processes side by side (default: one a core)")
    options = parser.parse_args(arguments)
    seed = int(time.strftime("%Y%m%d")) if options.seed is None else options.seed
    names = options.classes.split(",") if options.classes else []
    tried = classes(names, (options.backend,) if options.backend else BACKENDS)
    if not tried:
        parser.error("--classes: no class of that name has the backend")
    print(f"seed {seed}", flush=True)
    report = Report()
    groups = range(sys.maxsize) if options.group is None else range(options.group, options.group + 1)
    Campaign(seed, tried, options.seconds, report, options.jobs).run(groups)
    report.print(seed)
    if options.json:
        options.json.write_text(json.dumps(report.as_json(seed), indent=2) + "\n", encoding="utf-8")
    return 1 if report.failures else 0


if __name__ == "__main__":
    sys.exit(main())
