"""Write the golden kit of every class, and print how long it takes and how large each is.

    python tools/kits.py                         all classes, with their default settings
    python tools/kits.py CLIPImageProcessor -o FOLDER

A kit over two megabytes, or one that cannot be written, makes the exit code 1. Kits go to a temporary folder unless `-o`
names one.
"""

from __future__ import annotations

import argparse
import shutil
import sys
import tempfile
import time
from pathlib import Path

from graphproc.errors import GraphprocError
from graphproc.kits.write import MAX_SIZE, MEGABYTE, write_kit
from graphproc.processors.registry import specs
from graphproc.wrappers.processor import processor_class

SETTINGS = {"ImageGPTImageProcessor": {"clusters": [[-1.0, -1.0, -1.0], [0.0, 0.25, 0.5], [1.0, 1.0, 1.0]]}}
"""Settings of classes that have no defaults for something."""


def main() -> int:
    """Run the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("names", nargs="*", metavar="CLASS", help="the classes; all if none is given")
    parser.add_argument("-o", "--output", type=Path, metavar="FOLDER", help="keep the kits there, one folder a class")
    options = parser.parse_args()
    folder = options.output or Path(tempfile.mkdtemp())
    start, failed, largest = time.perf_counter(), [], 0
    names = options.names or list(specs())
    for name in names:
        began = time.perf_counter()
        try:
            kit = write_kit(processor_class(name)(**SETTINGS.get(name, {})), folder / name)
        except GraphprocError as error:
            failed.append(name)
            print(f"{name}: {error}")
            continue
        tensors = [one for case in kit.manifest.cases for values in case.values.values() for one in values]
        counts = f"{len(kit.manifest.cases)} cases, {len(tensors)} values, {sum(bool(t.file) for t in tensors)} in files"
        print(f"{name}: {kit.bytes:,} bytes, {counts}, {time.perf_counter() - began:.1f} s", flush=True)
        largest = max(largest, kit.bytes)
        failed += [name] * (kit.bytes > MAX_SIZE * MEGABYTE)
        if options.output is None:
            shutil.rmtree(folder / name)
    seconds = f"{time.perf_counter() - start:.0f} s, {time.process_time():.0f} s of them on a processor"
    print(f"{len(names)} kits in {seconds}; the largest has {largest:,} bytes; {len(failed)} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
