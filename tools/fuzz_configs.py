"""Coverage-guided fuzzing of configuration reading: nothing that a file holds may do more than raise a deliberate error.

pip install atheris && python tools/fuzz_configs.py --seconds 600

Each input is either the bytes of one of the three files of a model's folder, or a recipe that changes values of a valid
configuration by key. The folder is loaded with `AutoImageProcessor.from_pretrained`. It counts as a failure

- to raise anything but a GraphprocError, or one with a message of several lines or over `LONGEST` characters,
- to warn with anything but a UserWarning,
- to load settings that are not the same after saving and loading them again,
- with --compile, to raise anything but a GraphprocError when a program is made of them.

Exits 1 at the first failure; the input is written to the current folder as `crash-...`, which `--replay` runs again.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import tempfile
import warnings
from pathlib import Path
from typing import Any

try:
    import atheris
except ImportError:
    sys.exit("expected the package atheris. Run: pip install atheris")

with atheris.instrument_imports(include=["graphproc.configs", "graphproc.wrappers.loading", "graphproc.processors"]):
    from graphproc.configs.classes import GENERIC_TYPES, STEMS
    from graphproc.errors import GraphprocError
    from graphproc.processors.registry import specs
    from graphproc.wrappers.processor import AutoImageProcessor

FILES = ("preprocessor_config.json", "processor_config.json", "config.json")
LONGEST = 1000
RAW, RECIPE = range(2)

CLIP = {
    "image_processor_type": "CLIPImageProcessor",
    "size": {"shortest_edge": 40},
    "crop_size": {"height": 32, "width": 32},
    "do_resize": True,
    "resample": 3,
    "rescale_factor": 0.00392156862745098,
    "image_mean": [0.48, 0.45, 0.4],
    "image_std": [0.26, 0.26, 0.27],
    "note": {"kept": [1, None, "text"]},
}
SEEDS: tuple[dict[str, Any], ...] = (
    CLIP,
    {"feature_extractor_type": "ViTFeatureExtractor", "size": 40, "image_mean": [0.5], "image_std": 0.5, "do_normalize": None},
    {"image_processor_type": "ConvNextImageProcessorFast", "crop_pct": 0.875, "size": {"shortest_edge": 30}},
    {"image_processor_type": "SegformerImageProcessor", "reduce_labels": True, "size": [30, 40]},
    {"image_processor_type": "OwlViTImageProcessor", "rescale": False, "do_pad": True, "pad_size": {"height": 9, "width": 9}},
    {"image_processor": CLIP, "processor_class": "CLIPProcessor"},
    {"auto_map": {"AutoImageProcessor": "own--code.OwnImageProcessor"}, "size": 3},
    {"size": 40, "do_resize": True, "image_mean": [0.5, 0.5, 0.5], "image_std": [0.5, 0.5, 0.5]},
    {"model_type": "swin"},
    {
        "architecture": "resnet18",
        "label_names": ["a"],
        "pretrained_cfg": {"input_size": [3, 48, 40], "crop_pct": 0.9, "crop_mode": "border", "mean": [0.5], "std": [0.5]},
    },
)
NAMES = ("", *sorted(GENERIC_TYPES), *(f"{stem}ImageProcessor" for stem in STEMS))


def keys() -> list[str]:
    """Return every key that some code reads."""
    found = {key for spec in specs().values() for key in spec.config({}).settings}
    found |= {key for seed in SEEDS for key in (*seed, *seed.get("pretrained_cfg", ()))}
    found |= {"shortest_edge", "longest_edge", "max_height", "max_width", "min_pixels", "max_pixels", "use_square_size"}
    found |= {"interpolation", "in_chans", "img_size", "backend", "engine", "_unknown", "__class__", "spec"}
    return sorted(found)


KEYS = keys()


def value(data: Any, depth: int = 0) -> Any:
    """Draw a JSON value from the fuzzer's data."""
    kind = data.ConsumeIntInRange(0, 11 if depth < 3 else 8)
    if kind <= 2:
        return (None, True, False)[kind]
    if kind == 3:
        return data.ConsumeIntInRange(-2, 500)
    if kind == 4:
        return data.ConsumeInt(8)
    if kind == 5:
        return data.ConsumeFloat()
    if kind == 6:
        return data.ConsumeFloatInRange(-2.0, 2.0)
    if kind == 7:
        return data.ConsumeUnicode(data.ConsumeIntInRange(0, 20))
    if kind == 8:
        return NAMES[data.ConsumeIntInRange(0, len(NAMES) - 1)]
    count = data.ConsumeIntInRange(0, 4)
    if kind == 9:
        return [value(data, depth + 1) for _ in range(count)]
    if kind == 10:
        return [value(data, depth + 1)] * count
    return {KEYS[data.ConsumeIntInRange(0, len(KEYS) - 1)]: value(data, depth + 1) for _ in range(count)}


def changed(data: Any) -> dict[str, Any]:
    """Return a seed configuration with some values changed, at any depth."""
    settings: dict[str, Any] = json.loads(json.dumps(SEEDS[data.ConsumeIntInRange(0, len(SEEDS) - 1)]))
    if data.ConsumeBool():
        settings["image_processor_type"] = NAMES[data.ConsumeIntInRange(0, len(NAMES) - 1)]
    for _ in range(data.ConsumeIntInRange(1, 6)):
        place = settings
        inner = [v for v in settings.values() if isinstance(v, dict)]
        if inner and data.ConsumeBool():
            place = inner[data.ConsumeIntInRange(0, len(inner) - 1)]
        choices = sorted(place) if place and data.ConsumeBool() else KEYS
        key = choices[data.ConsumeIntInRange(0, len(choices) - 1)]
        if data.ConsumeIntInRange(0, 9) == 0:
            place.pop(key, None)
        else:
            place[key] = value(data)
    return settings


class Target:
    """Writes one folder per input and loads it."""

    def __init__(self, folder: Path, compiles: bool) -> None:
        self.folder, self.compiles, self.loaded, self.refused = folder, compiles, 0, 0

    def run(self, data: bytes) -> None:
        """Load the folder that an input stands for; raise if something is wrong."""
        if len(data) < 2:
            return
        for name in FILES:
            (self.folder / name).unlink(missing_ok=True)
        name = FILES[data[1] % len(FILES)]
        if data[0] % 2 == RAW:
            (self.folder / name).write_bytes(data[2:])
        else:
            recipe = atheris.FuzzedDataProvider(data[2:])
            (self.folder / name).write_text(json.dumps(changed(recipe)), encoding="utf-8")
            if name != FILES[2] and recipe.ConsumeBool():
                (self.folder / FILES[2]).write_text(json.dumps({"model_type": value(recipe)}), encoding="utf-8")
        with warnings.catch_warnings(record=True) as said:
            warnings.simplefilter("always")
            try:
                self._load()
                self.loaded += 1
            except GraphprocError as error:
                self.refused += 1
                if "\n" in str(error) or len(str(error)) > LONGEST:
                    raise AssertionError(f"message of {len(str(error))} characters: {str(error)[:300]!r}") from error
        for warning in said:
            if warning.category is not UserWarning or len(str(warning.message)) > LONGEST:
                raise AssertionError(f"{warning.category.__name__}: {str(warning.message)[:300]}")

    def _load(self) -> None:
        processor = AutoImageProcessor.from_pretrained(self.folder)
        saved = processor.to_json_string()
        again = AutoImageProcessor.from_dict(json.loads(saved))
        if type(again) is not type(processor) or again.to_json_string() != saved:
            raise AssertionError(f"not the same after saving and loading: {saved[:300]} became {again.to_json_string()[:300]}")
        if self.compiles:
            processor.compile()


def write_seeds(folder: Path) -> None:
    """Write the first inputs, and the words that mutations put together."""
    (folder / "seeds").mkdir()
    for number, seed in enumerate(SEEDS):
        for file in range(len(FILES)):
            (folder / "seeds" / f"{number}-{file}").write_bytes(bytes((RAW, file)) + json.dumps(seed).encode())
        (folder / "seeds" / f"{number}-recipe").write_bytes(bytes((RECIPE, number)) + bytes(range(7 * number, 7 * number + 90)))
    words = {*KEYS, *NAMES[1:], "bicubic", "squash", "border", "NaN", "1e999", "\\ud800"}
    lines = ['"' + f'"{word}"'.replace("\\", "\\\\").replace('"', '\\"') + '"' for word in sorted(words)]
    (folder / "words").write_text("\n".join(lines) + "\n")


def main() -> int:
    """Run the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=int, default=600, help="how long to run (default 600)")
    parser.add_argument("--seed", type=int, default=0, help="of the random numbers; 0 draws one (default 0)")
    parser.add_argument("--compile", action="store_true", help="make a program of what loads as well")
    parser.add_argument("--corpus", type=Path, help="a folder of inputs to start from; new ones are added to it")
    parser.add_argument("--replay", type=Path, help="run one stored input and stop")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "model").mkdir()
        target = Target(folder / "model", options.compile)
        if options.replay:
            target.run(options.replay.read_bytes())
            print(f"{options.replay}: {'loaded' if target.loaded else 'refused'}")
            return 0
        write_seeds(folder)
        corpus = [str(options.corpus)] if options.corpus else []
        flags = [f"-max_total_time={options.seconds}", f"-dict={folder / 'words'}", "-max_len=4096", "-timeout=10"]
        flags += [f"-seed={options.seed}", "-print_final_stats=1"]

        def counted(data: bytes) -> None:
            try:
                target.run(data)
            except BaseException:
                print(f"{target.loaded} inputs loaded, {target.refused} were refused", file=sys.stderr)
                raise
            if (target.loaded + target.refused) % 10_000 == 0:
                print(f"{target.loaded} inputs loaded, {target.refused} were refused", file=sys.stderr)

        if child := os.fork():  # the fuzzer ends its process without cleaning up
            return int(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) != 0)
        atheris.Setup([sys.argv[0], *flags, *corpus, str(folder / "seeds")], counted)
        atheris.Fuzz()
    return 0


if __name__ == "__main__":
    sys.exit(main())
