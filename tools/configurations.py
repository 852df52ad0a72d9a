"""Compare configurations with transformers: `AutoImageProcessor.from_pretrained` and a call, on both sides.

    python tools/configurations.py FOLDER                  every FOLDER/*.json
    python tools/configurations.py FOLDER --backend pil    with `backend="pil"` on both sides

A file `NAME.config.json` is the model's configuration of `NAME.json`, and is loaded with it as `config.json`. Each
configuration is one line: equal results, refused by both, by transformers or by graphproc, or what differs. Exits 1
if something differs, or if graphproc alone refuses.
"""

from __future__ import annotations

import argparse
import json
import shutil
import sys
import tempfile
import warnings
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests"))

import cases.parity as cases
import transformers

import graphproc as gp
from graphproc.errors import GraphprocError

MODEL = ".config.json"
SIZES = ((300, 451), (64, 48), (97, 203))
"""The (height, width) of the images in pixels."""
EQUAL, BOTH, THEIRS, OURS, DIFFERENT = "equal", "both refuse", "transformers refuses", "graphproc refuses", "DIFFERENT"


def first_line(error: Exception) -> str:
    """Return the first line of an error's text, at most 90 characters."""
    return str(error).strip().split("\n")[0][:90]


def loaded(make: Any, folder: Path, options: dict[str, Any], error: type[Exception]) -> Any:
    """Return the processor of a folder, or the error that loading raised."""
    try:
        return make.from_pretrained(str(folder), **options)
    except error as raised:
        return raised


def compare(folder: Path, options: dict[str, Any]) -> tuple[str, str]:
    """Return the outcome for a folder with a configuration, and what it is about."""
    theirs = loaded(transformers.AutoImageProcessor, folder, {**options, "trust_remote_code": False}, Exception)
    ours = loaded(gp.AutoImageProcessor, folder, options, GraphprocError)
    if isinstance(ours, Exception):
        return (BOTH if isinstance(theirs, Exception) else OURS), first_line(ours)
    name = ours.spec.name
    if isinstance(theirs, Exception):
        return THEIRS, f"{name}: {first_line(theirs)}"
    failed = 0
    for size in SIZES:
        images = cases.sample(name, cases.picture(size, "photograph"))
        given: Any = images[0] if len(images) == 1 else images
        extra = cases.keywords(name, images)

        def call(processor: Any, tensors: str | None, given: Any = given, extra: Any = extra) -> Callable[[], Any]:
            return lambda: processor(given, return_tensors=tensors, **extra)

        tensors = None if cases.PYTHON_FLOATS & set(ours.spec.outputs) else "pt" if ours.backend == "torchvision" else "np"
        expected = cases.attempt(call(theirs, tensors), Exception)
        found = cases.attempt(call(ours, "np"), GraphprocError)
        if gap := cases.difference(found, expected, cases.allowed(name, {"backend": ours.backend}, size)):
            return DIFFERENT, f"{name} ({ours.backend}), {size[0]} x {size[1]}: {gap}"
        failed += isinstance(found, Exception)
    return (BOTH if failed == len(SIZES) else EQUAL), f"{name} ({ours.backend})"


def main() -> int:
    """Compare every configuration of a folder and print a line for each."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--backend", choices=("torchvision", "pil"), help="of both sides; the default if not given")
    options = parser.parse_args()
    keywords = {} if options.backend is None else {"backend": options.backend}
    warnings.simplefilter("ignore")
    found: Counter[str] = Counter()
    for path in sorted(options.folder.glob("*.json")):
        if path.name.endswith(MODEL):
            continue
        with tempfile.TemporaryDirectory() as folder:
            shutil.copy(path, Path(folder) / "preprocessor_config.json")
            model = path.with_name(path.name.removesuffix(".json") + MODEL)
            if model.exists():
                shutil.copy(model, Path(folder) / "config.json")
            outcome, what = compare(Path(folder), keywords)
        found[outcome] += 1
        print(f"{outcome:22}{path.name[:48]:50}{what}", flush=True)
    print(json.dumps(dict(found)))
    return 1 if found[DIFFERENT] or found[OURS] else 0


if __name__ == "__main__":
    sys.exit(main())
