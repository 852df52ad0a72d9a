"""Write a model repository of Triton Inference Server: a graph as it is, or preprocessing and a model as an ensemble.

Sources: the documents of triton-inference-server/server (model_repository.md, model_configuration.md,
ensemble_models.md), the schema `model_config.proto`, and what the ONNX Runtime backend checks.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import onnx_ir as ir

from graphproc.errors import ConfigError, FusionError
from graphproc.fusion import external, sizes
from graphproc.fusion.match import Map
from graphproc.fusion.sources import Side, free_inputs, read
from graphproc.serving import labels as label_files
from graphproc.serving import warm_up as warm_ups
from graphproc.serving.batching import largest_batch
from graphproc.serving.ensemble import Chain, chain
from graphproc.serving.repository import put_in_place, refuse_existing, staged
from graphproc.serving.tensors import data_type, described
from graphproc.serving.text_format import Word, message
from graphproc.serving.trial import Trial

Array = np.ndarray[Any, Any]

CONFIG = "config.pbtxt"
VERSION = "1"
GRAPH = "model.onnx"
PREFIX = "graphproc."
SHOWN = ("version", "backend", "target", "input", "color", "parity", "id2label")
"""Entries of a graph's metadata that become parameters of the configuration."""
_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]*")


def name_of(source: str) -> str:
    """Return a name for what a path, a Hub id or a class is: its last part, without what a name cannot have."""
    stem = re.sub(r"\.(onnx|json)$", "", source.rstrip("/\\").replace("\\", "/").rpartition("/")[2], flags=re.IGNORECASE)
    return re.sub(r"[^A-Za-z0-9_.-]+", "_", stem).strip(".-") or "model"


@dataclass(frozen=True)
class Written:
    """Say what was written.

    Attributes:
        repository: the folder.
        models: the names of its new models; the last one is what clients call.
        max_batch_size: the number of images that the server runs together at most, 0 for none.
        notes: what was assumed or left out, a sentence each.
    """

    repository: Path
    models: tuple[str, ...]
    max_batch_size: int
    notes: tuple[str, ...]


@dataclass(frozen=True)
class _Form:
    """Hold what all models of a repository are given.

    Attributes:
        folder: where they are written.
        max_batch_size: the largest batch, 0 for none.
        instances: how often the server loads each.
        gpu: whether it does so on a GPU.
        labels: the names of classes, or None.
        warm_up: whether it runs a warm-up first.
    """

    folder: Path
    max_batch_size: int
    instances: int
    gpu: bool
    labels: Mapping[int, str] | None
    warm_up: bool


def write(
    source: Any,
    repository: Path,
    *,
    model: Any = None,
    name: str = "model",
    map: Map | None = None,
    layout: str | None = None,
    image_size: tuple[int, int] | None = None,
    max_batch_size: int | None = None,
    labels: Mapping[int, str] | None = None,
    instances: int = 1,
    gpu: bool = False,
    warm_up: bool = True,
    overwrite: bool = False,
    **options: Any,
) -> Written:
    """Write a model repository, whole or not at all.

    A graph is one model, `name`. With `model`, there are three: `<name>_preprocessing`, `<name>_model`, and the
    ensemble `name`. Triton runs requests of images of one size together; in an ensemble the model also runs together what
    preprocessing makes of images of different sizes, where these results have one size.

    Args:
        source: a processor, or the path, the bytes or the model of a graph: preprocessing, or fused.
        repository: the folder; it is made if the folder around it exists.
        model: the graph behind the preprocessing, or None.
        name: the name that clients call.
        map: the model input for each preprocessing output with another name, as for `fuse`.
        layout: as for `fuse`.
        image_size: (height, width) of every image, or None for any.
        max_batch_size: the most images that the server runs together. None for 8 where every input and output has a batch
            axis, else 0. Its axis needs a name, or a number here.
        labels: the names of classes by number, for outputs with a score for each.
        instances: how often the server loads each model.
        gpu: whether it does so on a GPU; a processor is then exported for target `cuda`.
        warm_up: whether the server runs a request of noise when it loads a model. It is run once here as well.
        overwrite: whether to replace models that were written by this function.
        **options: for a processor: options of its `to_onnx`.

    Raises:
        ConfigError: a name or a label cannot be one, a model exists, or the folder cannot be written.
        GraphError: a graph has what the server does not have, or does not run.
        FusionError: a graph cannot be read, or the two do not fit.
    """
    if not _NAME.fullmatch(name):
        raise ConfigError(f"name: expected letters, digits, and _ . - behind the first, got {name!r}")
    if instances < 1:
        raise ConfigError(f"instances: expected 1 or more, got {instances}")
    first = _read(source, "graph" if model is None else "preprocessing", image_size, gpu, options)
    connected = None if model is None else _connected(first, model, map, layout)
    if connected is None and (map or layout):
        raise FusionError("triton: map and layout say how preprocessing and a model are connected. Give a model as well.")
    batch, notes = largest_batch([first] if connected is None else [first, connected.second], max_batch_size)
    names = (name,) if connected is None else (f"{name}_preprocessing", f"{name}_model", name)
    refuse_existing(repository, names, overwrite, _is_ours)
    with staged(repository) as folder:
        form = _Form(folder, batch, instances, gpu, labels, warm_up)
        if connected is None:
            notes += _write_graph(first, name, form, {}, labels).notes
        else:
            notes = [*connected.notes, *notes, *_write_ensemble(connected, names, form)]
        put_in_place(folder, repository, names)
    return Written(repository, names, batch, tuple(notes))


def _read(source: Any, label: str, image_size: tuple[int, int] | None, gpu: bool, options: Mapping[str, Any]) -> Side:
    if hasattr(source, "to_onnx"):
        return read(source.to_onnx(**{"target": "cuda" if gpu else "cpu", "image_size": image_size, **options}), label)
    if options:
        raise FusionError(f"triton: {next(iter(options))!r} is for processors; a graph is as it was exported")
    side = read(source, label)
    if image_size is not None:
        sizes.fix_image(side, image_size)
    return side


def _connected(first: Side, model: Any, map: Map | None, layout: str | None) -> Chain:
    second = read(model, "model")
    if second.model.metadata_props.keys() & {f"{PREFIX}{key}" for key in ("config", "program", "fusion")}:
        raise FusionError(f"{second.where}: is a graph with preprocessing already. Write it alone, without model.")
    return chain(first, second, map, layout)


def _write_ensemble(connected: Chain, names: tuple[str, ...], form: _Form) -> list[str]:
    """Write the three models of an ensemble, and return what was left out."""
    preprocessing, model, name = names
    first = _write_graph(connected.first, preprocessing, form, {}, None)
    given = {key: first.made[output] for key, output in connected.given.items() if output in first.made}
    second = _write_graph(connected.second, model, form, given, form.labels)
    fields = connected.scheduling(preprocessing, model, [first.shapes, second.shapes], form.max_batch_size > 0)
    folder = form.folder / name
    (folder / VERSION).mkdir(parents=True)
    fields["output"] = _with_labels(connected.second, fields["output"], form.labels, folder)
    head = {"name": name, "platform": "ensemble", "max_batch_size": form.max_batch_size}
    _write_config(folder, {**head, **fields, "parameters": _parameters(connected.first)})
    return [*first.notes, *second.notes]


@dataclass(frozen=True)
class _Model:
    """Hold a model's shapes by name, what it gave for its warm-up, and what was left out."""

    shapes: Mapping[str, list[Any]]
    made: Mapping[str, Array]
    notes: list[str]


def _write_graph(side: Side, name: str, form: _Form, given: Mapping[str, Array], labels: Mapping[int, str] | None) -> _Model:
    """Write a model of one graph."""
    folder = form.folder / name
    path = folder / VERSION / GRAPH
    path.parent.mkdir(parents=True)
    for value in (*free_inputs(side), *side.graph.outputs):
        data_type(value, side.where)  # before ONNX Runtime loads it
    external.write(side.model, path, [])
    trial = Trial(path, side.where)
    batched = form.max_batch_size > 0

    def message_of(value: ir.Value) -> dict[str, Any]:
        return described(value, trial.shapes[str(value.name)], batched, side.where)

    config: dict[str, Any] = {
        "name": name,
        "backend": "onnxruntime",
        "max_batch_size": form.max_batch_size,
        "input": [message_of(value) for value in free_inputs(side)],
        "output": _with_labels(side, [message_of(value) for value in side.graph.outputs], labels, folder),
    }
    if batched:
        config["dynamic_batching"] = {}
    config["instance_group"] = [{"kind": Word("KIND_GPU" if form.gpu else "KIND_CPU"), "count": form.instances}]
    made = warm_ups.warm_up(side, trial, batched, given) if form.warm_up else None
    if made is not None:
        config["model_warmup"] = [made.message]
        for file, data in made.files.items():
            (folder / warm_ups.FOLDER).mkdir(exist_ok=True)
            (folder / warm_ups.FOLDER / file).write_bytes(data)
    _write_config(folder, {**config, "parameters": _parameters(side)})
    missing = form.warm_up and made is None
    notes = [f"{name} has no warm-up: the lengths of its inputs are not known"] if missing else []
    return _Model(trial.shapes, made.outputs if made else {}, notes)


def _with_labels(
    side: Side, outputs: list[dict[str, Any]], labels: Mapping[int, str] | None, folder: Path
) -> list[dict[str, Any]]:
    """Write the file of labels, and return the outputs with its name where they have a score for each."""
    if labels is None:
        return outputs
    (folder / label_files.FILE_NAME).write_bytes(label_files.lines(labels))
    scored = label_files.scored(side.graph.outputs, len(labels))
    return [{**output, "label_filename": label_files.FILE_NAME} if output["name"] in scored else output for output in outputs]


def _parameters(side: Side) -> list[dict[str, Any]]:
    """Return what a graph says of its preprocessing."""
    found = side.model.metadata_props
    known = {f"{PREFIX}{key}": found[f"{PREFIX}{key}"] for key in SHOWN if f"{PREFIX}{key}" in found}
    settings = json.loads(found.get(f"{PREFIX}config", "{}"))
    if "image_processor_type" in settings:
        known[f"{PREFIX}class"] = settings["image_processor_type"]
    return [{"key": key, "value": {"string_value": value}} for key, value in known.items()]


def _write_config(folder: Path, fields: Mapping[str, Any]) -> None:
    (folder / CONFIG).write_text(_MARK + message(fields), encoding="ascii", newline="\n")


_MARK = "# Written by graphproc triton, which replaces it with --overwrite.\n"


def _is_ours(folder: Path) -> bool:
    """Tell whether `write` made a model's folder."""
    try:
        return (folder / CONFIG).read_bytes().startswith(_MARK.encode())
    except OSError:
        return False
