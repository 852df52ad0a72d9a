"""Run transformers' own image processing tests on transformers, then on graphproc's classes, and compare.

python tools/upstream_suite.py FOLDER [--models clip,vit] [--tests EXPRESSION] [--theirs FILE] [--json FILE]

FOLDER holds transformers' `tests/`: `tests/test_image_processing_common.py`, `tests/fixtures/` and `tests/models/`.
The suite is other people's work and not part of this project. It needs pytest and parameterized. Nothing is
downloaded: everything that the suite loads from a dataset, a repository or a URL is a generated image, the same for
both libraries. Random numbers begin anew with each test. `--theirs` keeps transformers' outcomes in a file, which later
runs read. Prints the tests that pass with transformers and not here, by kind and test, with the first line of each
error, and how many tests are of each kind. Exits 1 if any are left that are not in `INTERNALS` or `LIMITS`.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import random
import re
import subprocess
import sys
import tempfile
from collections import Counter, defaultdict
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
ENGINE = "UPSTREAM_SUITE_ENGINE"
LEFT_OUT = {"auto"}
"""Folders with tests that are not about a processor: the registry of transformers."""
INTERNALS = {
    r"\.test_valid_kwargs_set:": "tests internals: the identity of a class of transformers' modules",
    r"<class 'ValueError'> != <class 'graphproc": "tests internals: an error's very class, here one of ValueError's",
    r"has no attribute or setting '_": "tests internals: a private method",
    r"\.test_image_processor_preprocess_arguments: Skipped": "tests internals: the names in a signature",
    r"\.test_save_load_fast_slow_auto: AssertionError": "tests internals: the very class that a file is loaded as",
    r"^video_llava\.test_convert_to_rgb_mixed": "tests internals: an attribute that transformers' class has not",
}
"""Tests of how transformers is built instead of what it does, by patterns of `model.test: error`."""
LIMITS = {
    r"unknown keyword '(annotations|segmentation_maps|text_inputs)'": "a limit: annotations to train on, and labels of them",
    r"^mask2?former\.test_call_with_segm.*nothing else by position": "a limit: annotations to train on, and labels of them",
    r"'bool_masked_pos'|^flava\.test_image_processor_properties": "a limit: Flava's random masks",
    r"^eomt\.test_post_process_semantic": "a limit: EoMT's semantic maps of split images, put together",
    r"'preprocess_with_tokenizer_info'": "a limit: Fuyu's token ids",
    r"^seggpt\.test_(prompt_)?mask_equivalence": "a limit: SegGPT's prompt masks as images of colours",
    r"^pp_doclayout_v4\..*('post_process_object_detec|range of floats)": "a limit: PPDocLayoutV4's detections and floats",
    r"transform: expected null": "a limit: Idefics' transform, a Python function",
}
"""Tests of what this package does not have, as exported/README.md says, by the same patterns."""

MEMORY = 10 * 2**30
"""The bytes that a process of tests may address. One that takes more fails, and not the machine."""

Outcome = tuple[str, str]
"""`passed`, `skipped` or `failed`, and the first line of the error."""


# ---- what takes the place of downloads ---------------------------------------------------------------------------


def stand_in(name: str, labels: bool = False) -> Any:
    """Make an image from a name, always the same: a smooth picture of 480 x 640 with fine grain, or a map of labels."""
    import numpy as np
    from PIL import Image

    rng = np.random.default_rng(int.from_bytes(hashlib.sha256(name.encode()).digest()[:8], "little"))
    coarse = rng.integers(0, 150 if labels else 256, (12, 16, 3), dtype=np.uint8)
    image = Image.fromarray(coarse).resize((640, 480), Image.Resampling.NEAREST if labels else Image.Resampling.BICUBIC)
    if labels:
        image.paste(0, (0, 0, 640, 120))  # what is no class, at the top
        return image.getchannel(0)
    grain = rng.integers(-6, 7, (480, 640, 3))
    return Image.fromarray(np.clip(np.asarray(image).astype(int) + grain, 0, 255).astype(np.uint8))


class Files:
    """Generated files, one for each URL."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def of(self, address: str) -> str:
        """Return the path of the image that takes the place of a URL."""
        labels = "annotation" in address or ("ade20k" in address and address.endswith(".png"))
        path = self.folder / (hashlib.sha256(address.encode()).hexdigest()[:16] + ".png")
        if not path.exists():
            image = stand_in(address, labels)
            (image.convert("RGB") if labels else image).save(path)
        return str(path)


class Rows:
    """A dataset: rows by number, columns by name."""

    def __init__(self, name: str, count: int = 8) -> None:
        self.columns = {"image": False, "file": False, "map": True, "mask": True, "label": False}
        self.name, self.count = name, count

    def __getitem__(self, key: Any) -> Any:
        if isinstance(key, str):
            return self if key in ("train", "test") else [self[spec][key] for spec in range(self.count)]
        spec = {column: stand_in(f"{self.name} {column} {key}", labels) for column, labels in self.columns.items()}
        segments = [{"id": number, "category_id": number % 150, "isthing": 1} for number in range(1, 150)]
        return {**spec, "segments_info": segments}

    def __len__(self) -> int:
        return self.count


def module(name: str, **members: Any) -> None:
    """Put a module with some members in place of one that the suite imports."""
    made = ModuleType(name)
    made.__dict__.update(members)
    sys.modules[name] = made


# ---- graphproc's classes in the place of transformers' -----------------------------------------------------------


def ours(theirs: type[Any]) -> type[Any]:
    """Return graphproc's class for one of transformers', with the backend of that class."""
    from transformers.image_processing_backends import TorchvisionBackend

    import graphproc

    own = getattr(graphproc, theirs.__name__.removesuffix("Pil"))
    backend = "torchvision" if issubclass(theirs, TorchvisionBackend) else "pil"

    def init(self: Any, /, **settings: Any) -> None:
        own.__init__(self, **{"backend": backend, "engine": os.environ[ENGINE], **settings})

    return type(theirs.__name__, (own,), {"__init__": init, "__module__": __name__, "__qualname__": theirs.__name__})


def substitute() -> None:
    """Replace every image processor class of transformers that graphproc has, wherever tests look for them."""
    import transformers
    from transformers.models.auto import image_processing_auto as auto

    import graphproc

    found = {}
    for names in auto.IMAGE_PROCESSOR_MAPPING_NAMES.values():
        for name in names.values():
            theirs = auto.get_image_processor_class_from_name(name)
            if theirs is not None and name.removesuffix("Pil") in dir(graphproc):
                found[name] = ours(theirs)
                setattr(sys.modules[theirs.__module__], name, found[name])
                setattr(transformers, name, found[name])
    sys.modules[__name__].__dict__.update(found)  # where pickle looks for them
    original = auto.get_image_processor_class_from_name
    auto.get_image_processor_class_from_name = lambda name: found.get(name) or original(name)
    transformers.AutoImageProcessor = graphproc.AutoImageProcessor
    auto.AutoImageProcessor = graphproc.AutoImageProcessor
    transformers.BatchFeature = graphproc.BatchFeature


# ---- running -----------------------------------------------------------------------------------------------------


def adapt(common: Any) -> None:
    """Leave out the backends of a class that graphproc does not have (exported/README.md lists them), for both libraries.

    In some releases, test classes make their tester themselves, in `setUp`, before the mixin does. That is left
    as it is.
    """
    from graphproc.processors.registry import specs

    mixin, base = common.ImageProcessingTestMixin, common.ImageProcessingTester
    new_set_up, all_classes = mixin.setUp, base._get_image_processing_classes

    def of_both(found: Any) -> Any:
        known = [specs()[name] for cls in found.values() if cls and (name := cls.__name__.removesuffix("Pil")) in specs()]
        return {backend: cls for backend, cls in found.items() if all(backend in spec.backends for spec in known)}

    def classes_of_both(self: Any) -> Any:
        return of_both(all_classes(self))

    def set_up(self: Any) -> None:
        if self.image_processor_tester_class is not None:
            new_set_up(self)

    def set_tester(self: Any, tester: Any) -> None:
        if not isinstance(tester, base):
            tester.__class__ = type(type(tester).__name__, (type(tester), base), {"__module__": type(tester).__module__})
            tester.image_processing_classes = base._get_image_processing_classes(tester)
        self.__dict__["tester"] = tester

    def settings(self: Any) -> Any:
        found = self.__dict__.get("settings")
        return self.image_processor_tester.prepare_image_processor_dict() if found is None else found

    def classes(self: Any) -> Any:
        found = self.__dict__.get("classes")
        return self.image_processor_tester.image_processing_classes if found is None else found

    def set_classes(self: Any, found: Any) -> None:
        self.__dict__["classes"] = of_both(found)

    base._get_image_processing_classes = classes_of_both
    mixin.setUp = set_up
    mixin.image_processor_tester = property(lambda self: self.__dict__["tester"], set_tester)
    mixin.image_processing_classes = property(classes, set_classes)
    mixin.image_processor_dict = property(settings, lambda self, value: self.__dict__.__setitem__("settings", value))


class Recorder:
    """A pytest plugin that writes each test's outcome as a line of JSON."""

    def __init__(self, path: Path) -> None:
        self.file = path.open("a", encoding="utf-8", buffering=1)
        self.now: Outcome = ("passed", "")

    def pytest_runtest_logstart(self, nodeid: str) -> None:
        """Begin a test: its random numbers, and the line that stays if it ends the process."""
        import numpy as np
        import torch

        seed = int.from_bytes(hashlib.sha256(nodeid.encode()).digest()[:4], "little")
        random.seed(seed)
        np.random.seed(seed)  # noqa: NPY002 - the generator that the suite takes its images from
        torch.manual_seed(seed)
        self.now = ("passed", "")
        self.file.write(json.dumps([nodeid, "failed", "the process ended"]) + "\n")

    def pytest_runtest_logreport(self, report: Any) -> None:
        """Keep the first error of a test or of its parts; a test with a skipped part does not count as passed."""
        if report.failed and self.now[0] != "failed":
            crash = getattr(report.longrepr, "reprcrash", None)
            text = crash.message if crash is not None else str(report.longrepr).strip().splitlines()[-1]
            self.now = ("failed", " ".join(text.splitlines()[:3])[:300])
        elif report.skipped and self.now[0] == "passed":
            self.now = ("skipped", str(report.longrepr[2] if isinstance(report.longrepr, tuple) else report.longrepr)[:300])

    def pytest_runtest_logfinish(self, nodeid: str) -> None:
        """Write the test's outcome."""
        self.file.write(json.dumps([nodeid, *self.now]) + "\n")


def work(library: str, folder: Path, files: list[str], tests: str, out: Path) -> None:
    """Run test files on one library in this process."""
    import resource

    import pytest

    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    sys.path[:0] = [str(folder)]
    with tempfile.TemporaryDirectory() as scratch:
        generated = Files(Path(scratch))
        module("fetch_hub_objects_for_ci", url_to_local_path=generated.of)
        module("datasets", load_dataset=lambda name, *args, **kwargs: Rows(name))
        import huggingface_hub

        huggingface_hub.hf_hub_download = lambda repo_id, filename, **kwargs: generated.of(f"{repo_id}/{filename}")
        if library == "graphproc":
            substitute()
        import importlib

        common = importlib.import_module("tests.test_image_processing_common")
        module("tests.test_processing_common", url_to_local_path=generated.of)
        adapt(common)
        options = ["-q", "-p", "no:cacheprovider", "-p", "no:randomly", "-c", os.devnull, f"--rootdir={folder}", "--tb=short"]
        pytest.main([*options, *(["-k", tests] if tests else []), *files], plugins=[Recorder(out)])


def outcomes(library: str, folder: Path, files: list[Path], tests: str, log: Path) -> dict[str, Outcome]:
    """Run each file on one library; return each test's outcome. A file that ends its process does not stop the others."""
    found: dict[str, Outcome] = {}
    with tempfile.TemporaryDirectory() as scratch, log.open("w") as output:
        lines = Path(scratch) / "outcomes"
        left = [str(file) for file in files]
        while left:
            lines.write_text("")
            command = [sys.executable, __file__, str(folder), "--work", library, "--json", str(lines), "--tests", tests]
            command += ["--models", ",".join(left)]
            subprocess.run(command, cwd=scratch, stdout=output, stderr=subprocess.STDOUT, env=_environment(), check=False)
            read = [json.loads(line) for line in lines.read_text().splitlines()]
            found |= {name: (outcome, error) for name, outcome, error in read}
            last = read[-1][0].split("::")[0] if read else left[0]
            ended = bool(read) and read[-1][2] == "the process ended"
            left = left[[str(folder / last) == file or file.endswith(last) for file in left].index(True) + 1 :] if ended else []
    return found


def _environment() -> dict[str, str]:
    path = os.pathsep.join([str(ROOT), *filter(None, [os.environ.get("PYTHONPATH")])])
    return {**os.environ, "PYTHONPATH": path, "HF_HUB_OFFLINE": "1", "TQDM_DISABLE": "1"}


# ---- what is printed ---------------------------------------------------------------------------------------------


def short_name(nodeid: str) -> tuple[str, str]:
    """Return the model and the test of a node."""
    parts = nodeid.split("::")
    return Path(parts[0]).parent.name, parts[-1]


def differences(theirs: dict[str, Outcome], here: dict[str, Outcome]) -> Iterator[tuple[str, str, str, str]]:
    """Yield tests that pass with transformers and not here: outcome, test, model, error."""
    for nodeid, (outcome, _) in sorted(theirs.items()):
        now, error = here.get(nodeid, ("failed", "was not run"))
        if outcome == "passed" and now != "passed":
            model, test = short_name(nodeid)
            yield now, test, model, error


def main() -> int:
    """Run, compare and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--models", help="names of folders in tests/models, with commas between; all if not given")
    parser.add_argument("--tests", default="", help="an expression for pytest's -k; all tests if not given")
    parser.add_argument("--theirs", type=Path, help="a file that keeps transformers' outcomes")
    parser.add_argument("--json", type=Path, help="a file for all outcomes")
    parser.add_argument("--engine", choices=("onnxruntime", "numpy"), default="onnxruntime", help="of graphproc's processors")
    parser.add_argument("--work", choices=("transformers", "graphproc"), help=argparse.SUPPRESS)
    args = parser.parse_args()
    folder = args.folder.resolve()
    os.environ.setdefault(ENGINE, args.engine)
    if args.work:
        work(args.work, folder, args.models.split(","), args.tests, args.json)
        return 0
    files = sorted((folder / "tests" / "models").glob("*/test_image_processing*.py"))
    chosen = set(args.models.split(",")) if args.models else {file.parent.name for file in files} - LEFT_OUT
    files = [file for file in files if file.parent.name in chosen]
    if not files:
        parser.error(f"{folder}: expected tests/models/NAME/test_image_processing_NAME.py, found none")
    with tempfile.TemporaryDirectory() as logs:
        if args.theirs is not None and args.theirs.exists():
            theirs = {name: (result, error) for name, (result, error) in json.loads(args.theirs.read_text()).items()}
            theirs = {name: outcome for name, outcome in theirs.items() if short_name(name)[0] in chosen}
        else:
            theirs = outcomes("transformers", folder, files, args.tests, Path(logs) / "transformers")
            if args.theirs is not None:
                args.theirs.write_text(json.dumps(theirs, indent=1))
        here = outcomes("graphproc", folder, files, args.tests, Path(logs) / "graphproc")
        if not theirs:
            print((Path(logs) / "transformers").read_text()[-3000:], file=sys.stderr)
    if args.json is not None:
        args.json.write_text(json.dumps({"transformers": theirs, "graphproc": here}, indent=1))
    groups: dict[str, dict[tuple[str, str], list[tuple[str, str]]]] = defaultdict(lambda: defaultdict(list))
    for now, test, model, error in differences(theirs, here):
        groups[kind_of(model, test, error)][now, test].append((model, error))
    kinds = {kind: sum(map(len, tests.values())) for kind, tests in groups.items()}
    for kind, tests in sorted(groups.items(), key=lambda item: kinds[item[0]]):
        print(f"{kinds[kind]} {kind or 'of no known kind'}")
        for (now, test), found in sorted(tests.items(), key=lambda item: -len(item[1])):
            print(f"  {len(found):4} {now}: {test}")
            for error, models in sorted(_by_error(found).items()):
                print(f"       {', '.join(models)}: {error}")
    passed = [name for name, (outcome, _) in theirs.items() if outcome == "passed"]
    counts = Counter(here.get(name, ("failed", ""))[0] for name in passed)
    models = {short_name(name)[0] for name in theirs}
    print(
        f"{len(models)} models, {len(theirs)} tests; {len(passed)} pass with transformers; of these "
        f"{counts['passed']} pass here, {counts['failed']} fail, {counts['skipped']} skip"
    )
    for kind, count in sorted(kinds.items(), key=lambda item: -item[1]):
        print(f"{count:6} {kind or 'of no known kind'}")
    return 1 if kinds.get("") else 0


def kind_of(model: str, test: str, error: str) -> str:
    """Return the kind of difference that a test's error is, in words; empty if it is of no known kind."""
    known = (INTERNALS | LIMITS).items()
    return next((kind for pattern, kind in known if re.search(pattern, f"{model}.{test}: {error}")), "")


def _by_error(found: list[tuple[str, str]]) -> dict[str, list[str]]:
    errors: dict[str, list[str]] = defaultdict(list)
    for model, error in found:
        errors[error].append(model)
    return errors


if __name__ == "__main__":
    # Pickle finds the classes that `substitute` makes under this module's name, which is `__main__` here.
    sys.exit(main())
