"""Compare every post-processing method with transformers' on random outputs of models.

python tools/random_outputs.py [--seconds 60] [--seed N] [--classes Detr,Sam2] [--methods object_detection] [--case N]

Outputs have ties, constants, extreme numbers, infinities and NaN, one class, one query or none, and every float
type. Sizes come in every form that a caller may write. Thresholds are 0, 1 and between. A case is drawn from the run's
seed and its number, so that `--seed S --case N` runs one again. Where transformers leaves the order of equal scores
open, it is made to take the first of them, as this package does. torch's antialiased resize to one column, which
repeats its first row, is mended. Exits 1 on any difference.
"""

from __future__ import annotations

import argparse
import sys
import time
import traceback
import warnings
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import torch
import transformers

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "tests"))

from near_ties import MAP, difference, explained, has_places, relabelled, shaken, shaken_logarithm
from support.post_outputs import first_of_equals, whole_columns

import graphproc as gp
from graphproc.errors import GraphprocError
from graphproc.postprocessing.method import Method
from graphproc.postprocessing.registry import methods
from graphproc.processors.registry import lookup, specs

transformers.logging.set_verbosity_error()

Rng = np.random.Generator
DTYPES = {"float32": torch.float32, "float16": torch.float16, "bfloat16": torch.bfloat16, "float64": torch.float64}
MOVED = 24
"""How often at most transformers computes a case again with other last places; a run without a result is repeated."""
RUNS = "return_coco_annotation"
WITH_SCORES = "return_segmentation_scores"
NARROW = ("float16", "bfloat16")
MAPS = ("predicted_depth", "order_logits")
SETTINGS: Mapping[str, Mapping[str, Any]] = {
    "SamImageProcessor": {"size": {"longest_edge": 48}},
    "Sapiens2ImageProcessor": {"size": {"height": 24, "width": 20}},
    "OneFormerImageProcessor": {"class_info_file": "ade20k_panoptic.json", "metadata": {"thing_ids": [0, 1, 2]}},
    "PPOCRV5ServerRecImageProcessor": {"character_list": list("abcdefghijklmnopqrstuvwxyz")},
    "PPOCRV6SmallRecImageProcessor": {"character_list": list("abcdefghijklmnopqrstuvwxyz")},
    "EomtImageProcessor": {"size": {"shortest_edge": 24, "longest_edge": 24}},
}


@dataclass
class OutputCase:
    """One call of one method.

    Attributes:
        name: the processor class.
        method: the method's name.
        backend: the backend.
        dtype: the float type of the outputs.
        outputs: the model's outputs, tensors by name.
        call: the other arguments, by keyword.
    """

    name: str
    method: str
    backend: str
    dtype: str
    outputs: dict[str, Any]
    call: dict[str, Any] = field(default_factory=dict)

    def __str__(self) -> str:
        shapes = ", ".join(f"{k} {list(v.shape) if hasattr(v, 'shape') else type(v).__name__}" for k, v in self.outputs.items())
        call = ", ".join(f"{k}={v!r}" for k, v in self.call.items())
        return f"{self.name}({self.backend}).{self.method}: {self.dtype} {shapes}; {call:.300}"


# ---- drawing ---------------------------------------------------------------------------------------------------


def pick(rng: Rng, *values: Any) -> Any:
    """Return one of some values."""
    return values[int(rng.integers(len(values)))]


def chance(rng: Rng, share: float) -> bool:
    """Draw whether something happens that has a certain probability."""
    return bool(rng.random() < share)


def compared(name: str) -> list[Method]:
    """Return the methods of a class that transformers has as well."""
    return [m for m in methods(name).values() if m.name != "post_process_image_classification"]


CLASSES = [name for name in specs() if compared(name)]


def draw(rng: Rng, name: str | None = None, method: str | None = None, plain: bool = False) -> OutputCase:
    """Draw a case: of any class and method, unless these are given.

    Args:
        rng: the source of random numbers.
        name: the processor class.
        method: the method's name.
        plain: whether numbers are finite, and sizes in a form that transformers takes.
    """
    name = name or pick(rng, *CLASSES)
    found = next(m for m in compared(name) if m.name == method) if method else pick(rng, *compared(name))
    dtype = pick(rng, "float32", "float32", "float32", *DTYPES)
    images = int(rng.integers(1, 4))
    # Known and documented to differ: bytes made of narrow floats.
    if (found.name == "postprocess" and dtype in NARROW) or "heatmaps" in found.inputs:
        dtype = "float32"
    lengths = axes(rng)
    given = found.present([key for key, f in found.inputs.items() if f.optional and not f.call and chance(rng, 0.5)])
    strange = not plain and chance(rng, 0.1)
    outputs = {}
    for key in given:
        f = found.inputs[key]
        if not f.call:
            shape = (images, *(lengths(s) if isinstance(s, str) else s for s in f.shape))
            outputs[key] = numbers(rng, key, f.dtype, shape, dtype, strange)
    for key, f in found.inputs.items():
        if f.optional and not f.call and key not in outputs:
            outputs[key] = None
    call = {key: value for key, value in options(rng, found, images, outputs, plain) if value is not ...}
    return OutputCase(name, found.name, pick(rng, *lookup(name).backends), dtype, outputs, call)


def axes(rng: Rng) -> Callable[[str], int]:
    """Make a function that draws the length of a free axis by its name, once for each name."""
    known: dict[str, int] = {}

    def length(axis: str) -> int:
        if axis not in known:
            if axis in ("queries", "keypoints", "prompts"):
                known[axis] = pick(rng, 0, 1, 2, 5, 9, 17)
            elif axis in ("classes", "masks"):
                # SAM enlarges each mask of each prompt to a million pixels
                most = 3 if known.get("prompts", 0) > 5 else 7
                known[axis] = pick(rng, 1, 2, 3, most) if 0 not in known.values() else 2
            elif axis == "map_height":
                known[axis] = 24
            elif axis == "map_width":
                known[axis] = 20
            else:
                known[axis] = pick(rng, 2, 4, 9, 13, 20)
        return known[axis]

    return length


def numbers(rng: Rng, name: str, kind: str, shape: tuple[int, ...], dtype: str, strange: bool) -> torch.Tensor:
    """Draw one of a model's outputs."""
    if kind not in ("f32", "f64"):
        high = max(shape[-1], 1) if name == "matches" else 2
        return torch.from_numpy(rng.integers(-1 if name == "matches" else 0, high, shape).astype(np.int64))
    if name.endswith("boxes") or name in ("keypoints", "foregrounds", "alphas"):
        values = rng.random(shape) * pick(rng, 1, 1, 1, 1.3)
    elif name in ("scores", "matching_scores", "predicted_depth", "heatmaps"):
        values = rng.random(shape)
    elif name == "field_of_view":
        values = rng.uniform(20, 80, shape)
    else:
        values = rng.standard_normal(shape) * pick(rng, 1, 3, 3, 30)
    if chance(rng, 0.25) and name != "order_logits":  # ties
        values = np.round(values * 2) / 2
    if chance(rng, 0.05) and name != "order_logits":
        values = np.full(shape, pick(rng, 0.0, 0.5, 3.0, -3.0))
    if strange and values.size:
        places = rng.integers(0, values.size, 1 + values.size // 20)
        # what is interpolated spreads what is no number otherwise than torch, which skips taps of no weight
        maps = name in MAPS or len(shape) > 3
        values.reshape(-1)[places] = 1e4 if maps else pick(rng, np.inf, -np.inf, np.nan, 1e4)
    return torch.from_numpy(np.asarray(values)).to(DTYPES[dtype])


def options(rng: Rng, method: Method, images: int, outputs: Mapping[str, Any], plain: bool) -> Iterator[tuple[str, Any]]:
    """Yield each keyword and its value; `...` for those that are left out."""
    for key, default in method.options.items():
        if key in method.size_arguments:
            needed = method.needs_sizes or key in method.computed
            yield key, sizes(rng, method, images, plain) if needed or chance(rng, 0.7) else ...
        elif key.endswith("threshold"):
            yield key, pick(rng, ..., 0, 0.0, 1, 1.0, 0.3, 0.05, 0.999, 0.5, round(float(rng.random()), 3))
        elif key == "top_k":
            yield key, pick(rng, ..., 1, 5, 100, 1000)
        elif key in ("label_ids_to_fuse", "stuff_classes"):
            yield key, pick(rng, ..., None, {0}, {0, 2, 5}, [1, 2])
        elif key == "num_labels":
            yield key, pick(rng, ..., 1, 4, 10)
        elif key == "kernel_size":
            yield key, pick(rng, ..., 11, 3, 17)
        elif key == "task_type":
            yield key, pick(rng, ..., "instance", "semantic")
        elif key == "original_images":
            yield key, [torch.from_numpy(rng.random((3, *rng.integers(1, 30, 2)))).float() for _ in range(images)]
        elif key == "backgrounds":
            yield key, backgrounds(rng, images)
        elif key == "boxes":
            yield key, boxes(rng, images)
        elif key == "outputs_flipped":
            flipped = {
                k: None if v is None else numbers(rng, k, "f32", tuple(v.shape), "float32", False).to(v.dtype)
                for k, v in outputs.items()
            }
            yield key, SimpleNamespace(**flipped) if chance(rng, 0.3) else ...
        elif isinstance(default, bool) or key.startswith(("do_", "return_segm")):
            yield key, pick(rng, ..., True, False)


def backgrounds(rng: Rng, images: int) -> Any:
    """Draw one background, or one for each image, in a form that callers use."""
    size = rng.integers(1, 30, 2)
    made = [rng.integers(0, 256, (*size, 3)).astype(np.uint8) for _ in range(pick(rng, 1, images))]
    return pick(rng, ..., made, [torch.from_numpy(one).permute(2, 0, 1) for one in made], made[0])


def boxes(rng: Rng, count: int) -> list[Any]:
    """Draw a number of boxes, for one image or for several."""
    found = [[float(v) for v in rng.uniform(5, 60, 4)] for _ in range(count)]
    return pick(rng, [found], [[box] for box in found])


def sizes(rng: Rng, method: Method, images: int, plain: bool) -> Any:
    """Draw the (height, width) of each image, in one of the forms that callers write."""
    shape = (images, 2, 2) if method.pairs else (images, 2)
    whole = rng.integers(1, pick(rng, 8, 40), shape)
    if chance(rng, 0.3):
        whole[...] = whole[:1]
    listed = whole.tolist()
    forms: list[Any] = [
        [tuple(spec) for spec in listed],
        listed,
        torch.tensor(whole),
        torch.tensor(whole),
    ]
    if not plain:
        forms += [tuple(map(tuple, listed)), torch.tensor(whole, dtype=torch.int32), whole, whole.astype(np.float64)]
        forms += [torch.tensor(whole, dtype=torch.float32), torch.tensor(whole, dtype=torch.float64)]
        forms += [
            (whole + 0.5).tolist(),
            torch.tensor(whole + 0.75, dtype=torch.float32),
            whole + 0.25,
            whole.astype(float).tolist(),
        ]
        forms += [[np.array(spec) for spec in listed], [torch.tensor(spec) for spec in listed]]
    return pick(rng, *forms)


# ---- running ---------------------------------------------------------------------------------------------------


def arguments(case: OutputCase, method: Method) -> tuple[Any, dict[str, Any]]:
    """Return copies of the first argument and the others, because some of transformers' methods write into them."""
    copies = {k: v.clone() if hasattr(v, "clone") else v for k, v in case.outputs.items()}
    call = {k: v.clone() if hasattr(v, "clone") else v for k, v in case.call.items()}
    if method.first_argument in ("outputs", "predictions"):
        return SimpleNamespace(**copies, patch_offsets=None), call
    (value,) = copies.values()
    return (list(value) if method.first_argument == "masks" else value), call


def settings(name: str) -> dict[str, Any]:
    """Return the settings that a processor is made with."""
    return dict(SETTINGS.get(name, {}))


def run_theirs(case: OutputCase) -> Any:
    """Run transformers' method; return its result."""
    pil = case.backend == "pil"
    reference = (getattr(transformers, f"{case.name}Pil", None) if pil else None) or getattr(transformers, case.name)
    own = settings(case.name)
    if case.name == "OneFormerImageProcessor":
        reference = _without_download(reference)
    first, call = arguments(case, methods(case.name)[case.method])
    with first_of_equals():
        return getattr(reference(**own), case.method)(first, **call)


def _without_download(reference: Any) -> Any:
    """Make transformers' OneFormer without asking a server for the names of classes."""

    def made(**own: Any) -> Any:
        processor = reference.__new__(reference)
        processor.__dict__.update(own)
        return processor

    return made


def run_ours(case: OutputCase, engine: str) -> Any:
    """Run graphproc's method; return its result."""
    own = {**settings(case.name), "backend": case.backend, "engine": engine}
    processor = getattr(gp, case.name)(**own)
    first, call = arguments(case, methods(case.name)[case.method])
    return getattr(processor, case.method)(first, **call)


def attempt(function: Callable[..., Any], *args: Any) -> tuple[Any, Exception | None]:
    """Call a function; return its result, or the exception that it raised."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            return function(*args), None
        except Exception as error:
            return None, error


# ---- comparing -------------------------------------------------------------------------------------------------


def settled(case: OutputCase, engine: str, found: Any, expected: Any) -> str:
    """Return in words how our result differs from transformers', apart from what last places of the outputs decide.

    Run lengths are compared as the maps that they describe, and maps of classes by the scores that they name
    the largest of.
    """
    words = difference(found, expected)
    if words and case.call.get(RUNS):
        as_maps = replace(case, call={**case.call, RUNS: False})
        return settled(as_maps, engine, run_ours(as_maps, engine), run_theirs(as_maps)) and words
    if words and WITH_SCORES in methods(case.name)[case.method].options and not case.call.get(WITH_SCORES):
        case = replace(case, call={**case.call, WITH_SCORES: True})
        maps, found, expected = found, run_ours(case, engine), run_theirs(case)
        if difference(maps, [one[MAP] for one in found]):
            return words
    scored = bool(case.call.get(WITH_SCORES))
    if words and scored and not difference(found, relabelled(expected, found)):
        return ""
    if not words or not any(has_places(value) for value in case.outputs.values()):
        return words
    rng, every = np.random.default_rng(0), [expected]
    for run in range(3 * MOVED):
        if len(every) > MOVED:
            break
        with shaken_logarithm(rng):
            other, refusal = attempt(run_theirs, moved(case, rng, run % 2 == 1))
        every += [] if refusal else [relabelled(other, found) if scored else other]
        if explained(found, every):
            return ""
    return words


def moved(case: OutputCase, rng: Rng, together: bool) -> OutputCase:
    """Return the case with outputs changed by some last places."""
    return replace(case, outputs={k: shaken(v, rng, together) if has_places(v) else v for k, v in case.outputs.items()})


def compare(case: OutputCase, engine: str) -> str:
    """Return in words how our result differs from transformers'; empty if both are equal, or transformers has none."""
    with whole_columns():
        return _compare(case, engine)


def _compare(case: OutputCase, engine: str) -> str:
    expected, refusal = attempt(run_theirs, case)
    found, error = attempt(run_ours, case, engine)
    if refusal is not None:
        raw = error is not None and not isinstance(error, (GraphprocError, TypeError, ImportError))
        return f"both refuse, here with {type(error).__name__}: {error}" if raw else ""
    if error is not None and "expected whole numbers of pixels" in str(error):
        return ""  # which transformers cuts to whole ones, or does not need
    if error is not None:
        return f"only here: {type(error).__name__}: {error}"[:400]
    return settled(case, engine, with_something(case, found, expected), expected)


def with_something(case: OutputCase, found: Any, expected: Any) -> Any:
    """Return our results without those that transformers leaves out in image-guided detection: images without a score."""
    guided = case.method.endswith("image_guided_detection")
    if not guided or not isinstance(found, list) or not isinstance(expected, list) or len(expected) >= len(found):
        return found
    kept, left = [], list(found)
    for one in expected:
        while left and len(one["boxes"]) and not len(left[0]["boxes"]):
            left.pop(0)
        kept += left[:1]
        left = left[1:]
    return found if any(len(one["boxes"]) for one in left) else kept


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--seed", type=int, default=int(time.time()))
    parser.add_argument("--classes", default="")
    parser.add_argument("--methods", default="")
    parser.add_argument("--case", type=int)
    parser.add_argument("--plain", action="store_true", help="finite numbers, and sizes that transformers takes")
    parser.add_argument("--errors", action="store_true", help="print tracebacks of our errors")
    args = parser.parse_args(argv)
    torch.set_num_threads(2)  # one thread has a kernel of its own for maps of three channels
    wanted = [f"{c}ImageProcessor" for c in args.classes.split(",") if c] or CLASSES
    pairs = [(c, m.name) for c in wanted for m in compared(c) if not args.methods or m.name[13:] in args.methods.split(",")]
    kinds: Counter[str] = Counter()
    counts: Counter[str] = Counter()
    end, number = time.time() + args.seconds, args.case or 0
    print(f"seed {args.seed}, {len(pairs)} methods")
    while time.time() < end:
        rng = np.random.default_rng((args.seed, number))
        name, method = pairs[number % len(pairs)]
        case = draw(rng, name, method, args.plain)
        engine = pick(rng, "numpy", "onnxruntime")
        message = compare(case, engine)
        counts[f"{name}.{method}"] += 1
        if message:
            kind = f"{name}.{method} {''.join(' ' if c.isdigit() else c for c in message)[:50]}"
            kinds[kind] += 1
            if kinds[kind] == 1:
                print(f"\n#{number} {engine} {case}\n    {message}")
            if args.errors:
                try:
                    run_ours(case, engine)
                except Exception:
                    traceback.print_exc()
        number += 1
        if args.case is not None:
            break
    tried = f"{sum(counts.values())} cases of {len(counts)} methods"
    print(f"\n{tried}, {sum(kinds.values())} differ, in {len(kinds)} ways; seed {args.seed}")
    return 1 if kinds else 0


if __name__ == "__main__":
    sys.exit(main())
