"""Model outputs for every post-processing method, made from the fields that it reads, and comparisons of its results."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import partial
from importlib import import_module
from typing import Any

import numpy as np

import graphproc as gp
from graphproc.ir.program import Parity, Program
from graphproc.ir.types import DTYPES
from graphproc.postprocessing.method import Field, Method
from graphproc.postprocessing.registry import MODULES

Array = np.ndarray[Any, Any]

METHODS: tuple[Method, ...] = tuple(m for module in MODULES for m in import_module(f"graphproc.postprocessing.{module}").METHODS)
FIRSTS = {method.name: method for method in reversed(METHODS)}.values()
"""The first method of each name."""


def label(m: Method) -> str:
    """Return a method's name in the names of tests."""
    return f"{m.classes[0].removesuffix('ImageProcessor') if m.classes else 'every'}-{m.name[13:]}"


LENGTHS = {
    "queries": 8,
    "classes": 6,
    "keypoints": 9,
    "features": 5,
    "prompts": 2,
    "masks": 3,
    "mask_height": 10,
    "mask_width": 13,
    "logits_height": 7,
    "logits_width": 9,
    "depth_height": 11,
    "depth_width": 8,
    "map_height": 24,
    "map_width": 20,
    "positions": 13,
}
"""How long the free axes are; axes without a line have 8 elements."""

OPTIONS: Mapping[str, Any] = {
    "threshold": 0.3,
    "mask_threshold": 0.35,
    "overlap_mask_area_threshold": 0.2,
    "top_k": 5,
    "label_ids_to_fuse": [0, 2],
    "stuff_classes": [0, 2],
    "pad_size": {"height": 48, "width": 48},
    "size": {"shortest_edge": 24, "longest_edge": 30},
}
"""Values of options with which some rows count and others do not, and nothing is larger than it has to be."""

SIZES = [(23, 31), (40, 17), (9, 44)]
"""(height, width) of three images."""


SETTINGS: Mapping[str, Mapping[str, Any]] = {
    "SamImageProcessor": {"size": {"longest_edge": 48}},
    "Sapiens2ImageProcessor": {"size": {"height": 24, "width": 20}},
}
"""Settings of processors with which `OPTIONS` fit."""


def processor(method: Method) -> Any:
    """Return a processor that has the method."""
    name = method.classes[0] if method.classes else "ViTImageProcessor"
    return getattr(gp, name)(**SETTINGS.get(name, {}))


def options(method: Method, **changes: Any) -> dict[str, Any]:
    """Return the options of a program: `OPTIONS` as far as the method has them, with changes."""
    given = {**OPTIONS, **changes}
    return method.settings({key: value for key, value in given.items() if key in method.settings({})})


def changed(method: Method) -> list[dict[str, Any]]:
    """Return no change, and each flag of the graph the other way."""
    flags = {key: not value for key, value in method.settings({}).items() if isinstance(value, bool)}
    flags.pop("use_focal_loss", None)  # without it, results depend on the other images of a batch
    if method.name == "post_process_image_classification":
        return [{}, {"function_to_apply": "sigmoid"}, {"function_to_apply": "none", "top_k": 100}]
    return [{}, *({key: value} for key, value in flags.items())]


def from_model(method: Method) -> list[str]:
    """Return the names of what a model may give a method, optional outputs among them."""
    return method.present([name for name, f in method.inputs.items() if not (f.optional and f.call)])


def outputs(method: Method, count: int, seed: int = 0, fields: Sequence[str] | None = None) -> dict[str, Array]:
    """Return random outputs for a number of images, by name; `fields` are the optional ones, None for all."""
    rng = np.random.default_rng((seed, count))
    present = from_model(method) if fields is None else method.present(fields)
    lengths = {name: tuple(LENGTHS.get(s, 8) if isinstance(s, str) else s for s in method.inputs[name].shape) for name in present}
    return {name: _random(name, method.inputs[name], (count, *lengths[name]), rng) for name in present}


def _random(name: str, field: Field, shape: tuple[int, ...], rng: np.random.Generator) -> Array:
    if field.dtype not in ("f32", "f64"):
        low = -1 if name == "matches" else 0
        high = shape[-1] if name == "matches" else 2
        return rng.integers(low, high, shape).astype(DTYPES[field.dtype])
    # So that of one image more counts than of another.
    spread = np.linspace(0, 1, shape[0]).reshape(-1, *[1] * (len(shape) - 1))
    if name.endswith("boxes"):  # center and extent, as shares
        values = np.concatenate([rng.uniform(0.3, 0.7, (*shape[:-1], 2)), rng.uniform(0.1, 0.5, (*shape[:-1], 2))], axis=-1)
    elif name in ("keypoints", "scores", "matching_scores", "predicted_depth", "heatmaps"):
        values = rng.random(shape)
        if name == "heatmaps":
            values *= 1 - 0.8 * spread
    else:
        values = rng.standard_normal(shape) * 3
        if name == "logits":
            values -= 2 + 6 * spread
        elif name == "class_queries_logits":
            values *= 1 - 0.8 * spread
    return np.asarray(values.astype(DTYPES[field.dtype]))


def keywords(method: Method, sized: tuple[str, ...] | None = None) -> tuple[str, ...]:
    """Return the keywords of sizes; without any said, those that do not follow from others."""
    return tuple(k for k in method.size_arguments if k not in method.computed) if sized is None else sized


def sizes(method: Method, of: Sequence[tuple[int, int]], sized: tuple[str, ...] | None = None) -> dict[str, Array]:
    """Return each keyword of sizes, int64 [images, 2] or, for pairs, [images, 2, 2]."""
    rows = np.array(of, dtype=np.int64)
    if method.pairs:
        rows = np.stack([rows, rows[:, ::-1] + 3], axis=1)
    return dict.fromkeys(keywords(method, sized), rows)


def one(fields: Mapping[str, Array], given: Mapping[str, Array], index: int) -> dict[str, Array]:
    """Return a program's inputs for one image."""
    return {**{k: v[index] for k, v in fields.items()}, **{k.removesuffix("s"): v[index] for k, v in given.items()}}


def feeds(program: Program, fields: Mapping[str, Array], given: Mapping[str, Array], sequence: bool) -> dict[str, Array]:
    """Return a graph's inputs for a batch: sizes of the first image for all, or those of each."""
    found = {program.graph_input_name(name): value for name, value in fields.items()}
    return {**found, **{k if sequence else k.removesuffix("s"): v if sequence else v[0] for k, v in given.items()}}


def assert_close(found: Any, expected: Any, parity: Parity, what: str = "") -> None:
    """Assert equal structure, types, shapes and whole numbers, and floats within a bound relative to their array's largest."""
    if isinstance(expected, Mapping):
        assert list(found) == list(expected), what
        for key, value in expected.items():
            assert_close(found[key], value, parity, f"{what}/{key}")
        return
    if isinstance(expected, (list, tuple)):
        assert type(found) is type(expected), what
        assert len(found) == len(expected), what
        for index, (a, b) in enumerate(zip(found, expected, strict=True)):
            assert_close(a, b, parity, f"{what}/{index}")
        return
    if not hasattr(expected, "dtype"):
        assert found == expected or abs(found - expected) <= parity.bound, what
        return
    found, expected = np.asarray(found), np.asarray(expected)
    assert found.dtype == expected.dtype, what
    if expected.dtype.kind != "f" or not parity.bound:
        np.testing.assert_array_equal(found, expected, err_msg=what, strict=True)
        return
    largest = np.abs(expected[np.isfinite(expected)]).max(initial=0)
    np.testing.assert_allclose(found, expected, rtol=parity.bound, atol=parity.bound * largest, err_msg=what, strict=True)


@contextmanager
def first_of_equals() -> Iterator[None]:
    """Make `torch.topk`, `argsort` and `sort` stable, the first of equal elements first."""
    import torch

    before = torch.topk, torch.Tensor.topk, torch.argsort, torch.sort

    def topk(x: Any, k: int, dim: int = -1, largest: bool = True, sorted: bool = True, axis: int | None = None) -> Any:
        dim = dim if axis is None else axis
        if k > x.shape[dim]:
            return before[0](x, k, dim)
        values, places = before[3](x, dim=dim, descending=largest, stable=True)
        return values.narrow(dim, 0, k), places.narrow(dim, 0, k)

    def argsort(x: Any, dim: int = -1, descending: bool = False, stable: bool = False) -> Any:
        return before[3](x, dim=dim, descending=descending, stable=True)[1]

    def sort(x: Any, dim: int = -1, descending: bool = False, stable: bool = False) -> Any:
        return before[3](x, dim=dim, descending=descending, stable=True)

    torch.topk, torch.Tensor.topk, torch.argsort, torch.sort = topk, topk, argsort, sort  # type: ignore[assignment]
    try:
        yield
    finally:
        torch.topk, torch.Tensor.topk, torch.argsort, torch.sort = before  # type: ignore[assignment]


@contextmanager
def whole_columns() -> Iterator[None]:
    """Mend `torch.nn.functional.interpolate` with antialiasing where results have one column, in which it repeats the first row.

    Its pass along the columns takes the weights of one output for all where rows are one pixel long; here they are two.
    """
    import torch

    functions = ("_upsample_bilinear2d_aa", "_upsample_bicubic2d_aa")
    before = {name: getattr(torch._C._nn, name) for name in functions}

    def mended(function: Any, x: Any, size: Any, *more: Any) -> Any:
        if size[1] != 1 or size[0] == x.shape[2] or not x.is_floating_point():
            return function(x, size, *more)
        column = function(x, (x.shape[2], 1), *more)
        return function(column.repeat(1, 1, 1, 2), (size[0], 2), *more)[..., :1]

    try:
        for name, function in before.items():
            setattr(torch._C._nn, name, partial(mended, function))
        yield
    finally:
        for name, function in before.items():
            setattr(torch._C._nn, name, function)
