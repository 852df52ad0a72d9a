"""Outputs of mask classifiers, random and the same on every run, and how results compare with transformers'."""

from __future__ import annotations

from collections.abc import Mapping
from types import SimpleNamespace
from typing import Any

import numpy as np
import onnxruntime
import pytest

import graphproc as gp

Array = np.ndarray[Any, Any]
SIZES = [(48, 64), (31, 17), (25, 80)]
ENGINES = ("numpy", "onnxruntime")
DETR = ("logits", "pred_masks")
QUERIES = ("class_queries_logits", "masks_queries_logits")
TIES = 2e-5
"""The share of a map's pixels that may differ: none in small maps. Of 384 x 384 pixels two may, where two masks are so
close that the last place decides, which torch's compiled code rounds otherwise."""


def outputs(
    names: tuple[str, str],
    seed: int,
    *,
    batch: int = 3,
    queries: int = 12,
    classes: int = 6,
    size: tuple[int, int] = (30, 40),
    peak: float = 3.0,
) -> SimpleNamespace:
    """Return class logits [batch, queries, classes] and smooth mask logits [batch, queries, *size], as torch tensors."""
    import torch

    rng = np.random.default_rng((seed, queries, classes))
    logits = rng.standard_normal((batch, queries, classes)) * peak
    coarse = torch.from_numpy(rng.standard_normal((batch, queries, size[0] // 6, size[1] // 6)).astype(np.float32))
    masks = torch.nn.functional.interpolate(coarse, size=size, mode="bicubic") * 3
    return SimpleNamespace(
        **dict(zip(names, (torch.from_numpy(logits.astype(np.float32)), masks), strict=True)), patch_offsets=None
    )


def apart(model: SimpleNamespace, names: tuple[str, str]) -> SimpleNamespace:
    """Return the same, with masks that do not overlap: query after query has a stripe of its own."""
    import torch

    masks = getattr(model, names[1])
    count, width = masks.shape[1], masks.shape[-1]
    owner = torch.arange(width) * count // width
    inside = owner.view(1, 1, 1, width) == torch.arange(count).view(1, count, 1, 1)
    return SimpleNamespace(**{**vars(model), names[1]: torch.where(inside, masks, -9.0)})


def reference(name: str, **settings: Any) -> Any:
    """Return transformers' processor: torchvision's, or Pillow's if the name ends in `Pil`, as here."""
    transformers = pytest.importorskip("transformers")
    transformers.logging.set_verbosity_error()
    return getattr(transformers, name)(**settings)


def ours(name: str, **settings: Any) -> list[Any]:
    """Return the processor, with each engine."""
    return [getattr(gp, name)(engine=engine, **settings) for engine in ENGINES]


def assert_results(found: Any, expected: Any, what: str = "") -> None:
    """Assert equal types, whole numbers and maps; other floats within 1e-5, relative."""
    if getattr(expected, "shape", None) == ():  # a number in lists of run lengths, which have Python's numbers here
        assert (type(found), found) == (int, int(expected)), what
    elif expected is None or isinstance(expected, (bool, int)):
        assert found == expected, what
        assert type(found) is type(expected), what
    elif isinstance(expected, float):
        assert found == pytest.approx(expected, rel=1e-5, abs=1.5e-6), what  # both are rounded to six places
    elif hasattr(expected, "keys"):
        assert list(found) == list(expected), what
        for key in expected:
            assert_results(found[key], expected[key], f"{what}/{key}")
    elif isinstance(expected, list):
        assert len(found) == len(expected), what
        for place, (one, other) in enumerate(zip(found, expected, strict=True)):
            assert_results(one, other, f"{what}/{place}")
    else:
        assert type(found) is type(expected), what
        _assert_arrays(np.asarray(found), np.asarray(expected), what)


def _assert_arrays(found: Array, expected: Array, what: str) -> None:
    assert (found.dtype, found.shape) == (expected.dtype, expected.shape), what
    if what.endswith("scores"):
        np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-6, err_msg=what)
    else:
        assert np.count_nonzero(found != expected) <= TIES * found.size, what


def run_graph(processor: Any, method: str, fields: Mapping[str, Any], sizes: Any, /, **options: Any) -> dict[str, Array]:
    """Return a method's graph in ONNX Runtime, on a batch of a model's outputs."""
    model = processor.post_processing_to_onnx(method, **options)
    session = onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    feeds = {name: np.asarray(value) for name, value in fields.items()}
    if sizes is not None:
        feeds["target_sizes" if options.get("input") == "sequence" else "target_size"] = np.array(sizes)
    return dict(zip((o.name for o in session.get_outputs()), session.run(None, feeds), strict=True))


def of_each(
    found: Mapping[str, Array], sizes: list[tuple[int, int]], ragged: bool, rows: tuple[str, ...]
) -> list[dict[str, Array]]:
    """Return the outputs of a graph, image by image, cut to what counts."""
    each = []
    for index, (height, width) in enumerate(sizes):
        start, count = int(found["count"][:index].sum()), int(found["count"][index])
        one = {
            name: found[name][start : start + count] if ragged else found[name][index, :count] for name in rows if name in found
        }
        one["segmentation"] = found["segmentation"][index, :height, :width]
        each.append({**one, **({"candidates": found["candidates"][index]} if "candidates" in found else {})})
    return each
