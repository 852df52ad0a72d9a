"""Draw random cases in groups that share a class, its settings and, if they run a graph, the graph."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import cases.parity as parity_cases

from campaign import outputs
from campaign.pictures import Picture, picture, sides
from campaign.settings import settings_of, value, writable
from campaign.trial import Graph, Trial, skipped
from graphproc.configs import timm
from graphproc.processors.registry import lookup, specs
from graphproc.processors.spec import ProcessorSpec

GRAPHS = 0.22
"""The share of groups that run a graph."""
CONSTRUCTOR = ("pretrained_cfg", "architecture")
"""Settings that a class of transformers cannot be made without."""
OUTPUTS = 0.35
"""For classes with post-processing, the share of groups that run its methods."""


def group(seed: int, index: int, classes: Sequence[tuple[str, str]]) -> list[Any]:
    """Return a group of cases, the same for the same seed and index.

    Args:
        seed: the campaign's seed.
        index: the group's number.
        classes: names and backends to choose from; each is chosen once before any is chosen again.
    """
    turn, place = divmod(index, len(classes))
    order = list(classes)
    random.Random(f"order {seed} {turn}").shuffle(order)
    name, backend = order[place]
    rng = random.Random(f"{seed} {index}")
    if rng.random() < OUTPUTS and (answers := outputs.trials(seed, index, name, backend)):
        return list(answers)
    settings = settings_of(name, backend, rng)
    make = _graphs if rng.random() < GRAPHS else _calls
    found = make(name, backend, settings, rng)
    return [trial for trial in found if not skipped(trial)]


def _calls(name: str, backend: str, settings: dict[str, object], rng: random.Random) -> list[Trial]:
    """Draw calls with one set of settings."""
    given, call = "constructor", {}
    form = rng.random()
    if form < 0.25 and settings:
        call = {key: settings[key] for key in settings if key not in CONSTRUCTOR and rng.random() < 0.6}
        settings = {key: item for key, item in settings.items() if key not in call or rng.random() < 0.2}
    elif form < 0.4 and writable(settings) and settings.keys().isdisjoint(specs()[name].not_saved):
        # transformers does not save the settings of timm's models
        given = rng.choice(("file", "file", "saved by transformers", "saved by graphproc")) if name != timm.CLASS else "file"
    if rng.random() < 0.1:
        key = rng.choice(("do_resize", "do_rescale", "do_normalize", "do_convert_rgb", "size", "resample", "image_mean"))
        call = {**call, key: value(name, key, rng)}
    engine = "onnxruntime" if rng.random() < 0.25 else "numpy"
    base = Trial(name, backend, settings, call, given=given, engine=engine)
    return [_filled(base, rng) for _ in range(rng.randint(3, 6))]


def _filled(base: Trial, rng: random.Random) -> Trial:
    """Return the case with random images."""
    spec = lookup(base.name)
    nesting = _nesting(spec, rng)
    count = sum(map(int, nesting.split("+"))) if nesting[0].isdigit() else {"one": 1}.get(nesting, rng.randint(1, 3))
    if nesting == "batch":
        first = picture(rng)
        kind = first.kind if first.kind in ("array", "tensor") else "array"
        first = replace(first, kind=kind, channels=first.channels or 3)
        pictures = [replace(first, seed=first.seed + n) for n in range(count)]
    else:
        alike = sides(rng) if rng.random() < 0.3 else None
        same = picture(rng, alike) if rng.random() < 0.4 else None
        pictures = [
            replace(same, seed=same.seed + n, **dict(zip(("height", "width"), alike or sides(rng), strict=True)))
            if same
            else picture(rng, alike)
            for n in range(count)
        ]
    call = dict(base.call)
    if rng.random() < 0.12:
        layouts = {"channels_first" if p.layout == "CHW" else "channels_last" for p in pictures if p.kind in ("array", "tensor")}
        if len(layouts) == 1:
            call["input_data_format"] = layouts.pop() if rng.random() < 0.9 else "channels_first"
    tensors = rng.choice(("np", "np", "np", "pt", "pt", None))
    made = replace(base, call=call, pictures=tuple(pictures), nesting=nesting, tensors=tensors)
    return replace(made, extra_inputs=_extra_inputs(made, rng))


def _nesting(spec: ProcessorSpec, rng: random.Random) -> str:
    if spec.samples.images == 2:
        return rng.choice(("2", "2", "2+2", "list"))
    if spec.samples.images == 0 or spec.samples.counts:
        return rng.choice(("one", "list", "1+1", "2+1", "1", "2", "1+2+1", "batch"))
    return rng.choice(("one", "one", "one", "list", "list", "list", "batch", "batch", "tuple", "2+1"))


MAPS = ("uint8", "uint8", "uint8", "int32", "int64", "bool", "int16", "float32")


def _extra_inputs(trial: Trial, rng: random.Random, graph: bool = False) -> dict[str, str]:
    """Draw expressions of extra inputs; required ones are always there."""
    found = {}
    for extra in lookup(trial.name).extra_inputs.values():
        if not extra.required and rng.random() < 0.4:
            continue
        dtype = "uint8" if graph else rng.choice(MAPS)
        form = "array" if graph else rng.choice(("array", "array", "pil", "tensor"))
        alike = graph and trial.graph is not None and (trial.graph.input == "batch" or trial.graph.fixed == "image_size")
        specs = rng.randint(1, 3) if alike else None
        items = [
            _one(extra.keyword, p, extra.aligned or alike or rng.random() < 0.6, dtype, form, rng, graph, specs)
            for p in trial.pictures
        ]
        found[extra.keyword] = (
            items[0] if len(items) == 1 and not graph and extra.layout != "NF" and rng.random() < 0.5 else f"[{', '.join(items)}]"
        )
    return found


def _one(
    keyword: str, image: Picture, aligned: bool, dtype: str, form: str, rng: random.Random, graph: bool, specs: int | None
) -> str:
    """Draw one extra input of one image; for a graph, of its element type, with a given number of boxes."""
    height, width = (image.height, image.width) if aligned else sides(rng)
    seed = image.seed + 1
    if keyword == "boxes":
        boxes = [
            [round(rng.uniform(-5, width), 2), round(rng.uniform(-5, height), 2), rng.randint(1, width), rng.randint(1, height)]
            for _ in range(specs or rng.randint(1, 3))
        ]
        return repr(boxes)
    if keyword == "prompt_images":
        return f"Image.fromarray(noise({seed}, {height}, {width}, 3))"
    if keyword == "prompt_depth":
        kind = "int32" if graph else rng.choice(("int32", "int32", "float32"))
        return f'noise({seed}, {height}, {width}, low=300, high=5000, dtype="{kind}")'
    if keyword == "trimaps":
        return f"(noise({seed}, {height}, {width}) // 86 * 127)"
    high = {"bool": 2, "uint8": 256}.get(dtype, 300)
    high = 7 if keyword == "prompt_masks" else high
    if form == "pil" and dtype in ("uint8", "int32", "bool"):
        dtype = "uint8" if dtype == "bool" else dtype
        mode = '.convert("1")' if high == 2 else ""
        return f'Image.fromarray(noise({seed}, {height}, {width}, high={high}, dtype="{dtype}")){mode}'
    made = f'noise({seed}, {height}, {width}, high={high}, dtype="{"uint8" if dtype == "bool" else dtype}")'
    made += ".astype(bool)" if dtype == "bool" else ""
    return f"torch.from_numpy({made})" if form == "tensor" else made


def _graphs(name: str, backend: str, settings: dict[str, object], rng: random.Random) -> list[Trial]:
    """Draw runs of one graph."""
    spec = lookup(name)
    form = rng.choice(("batch", "batch", "image", "sequence"))
    fixed = rng.choice(("", "", "", "image_size", "overrides")) if form != "sequence" else ""
    target = rng.choice(("cpu", "cpu", "cuda", "portable"))
    if target == "portable" and form != "sequence":
        fixed = "image_size"
    elif target == "portable":
        target = "cpu"
    if any(extra.layout == "NF" for extra in spec.extra_inputs.values()) and fixed == "image_size":  # the number of rows is free
        fixed, target = "", "cpu"
    color = rng.choice(("rgb", "rgb", "rgb", "bgr", "rgba", "gray"))
    config = {**spec.defaults, **settings}
    if color != "rgb" and (spec.extra_inputs or not config.get("do_convert_rgb")):
        color = "rgb"
    graph = Graph(form, target, rng.choice((17, 18, 18, 18, 19, 20, 21, 22, 23)), color, fixed)
    as_arrays = (backend == "pil" and name != timm.CLASS) or bool(parity_cases.PYTHON_FLOATS & set(spec.outputs))
    base = Trial(name, backend, settings, graph=graph, tensors="np" if as_arrays else "pt")
    size = sides(rng)
    mode = {"rgba": "RGBA", "gray": "L"}.get(color, "RGB")
    found = []
    counts = rng.randint(1, 3)
    for _ in range(1 if fixed else rng.randint(3, 6)):
        size = size if fixed else sides(rng)
        count = {"image": 1}.get(form, counts if fixed else rng.randint(1, 3))
        if spec.samples.images == 2:
            if form == "image":
                return []
            count = 2
        pictures = tuple(
            replace(Picture(*(sides(rng) if form == "sequence" else size), rng.randrange(100)), mode=mode) for _ in range(count)
        )
        nesting = "2" if spec.samples.images == 2 else str(count) if spec.samples.images == 0 else "list"
        made = replace(base, pictures=pictures, nesting=nesting)
        found.append(replace(made, extra_inputs=_extra_inputs(made, rng, graph=True)))
    if spec.extra_inputs and found:  # one graph, so the same extra inputs in every run
        first = set(found[0].extra_inputs)
        found = [trial for trial in found if set(trial.extra_inputs) == first]
    return found


def classes(names: Sequence[str], backends: Sequence[str]) -> list[tuple[str, str]]:
    """Return the classes and backends to try."""
    return [
        (name, backend)
        for name, spec in specs().items()
        if (not names or name in names) and name in parity_cases.CASES
        for backend in spec.backends
        if backend in backends
    ]
