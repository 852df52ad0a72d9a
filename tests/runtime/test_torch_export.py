"""torch.export of modules as they are, and ExecuTorch where it is installed."""

from __future__ import annotations

import importlib.util
import io
from typing import Any

import numpy as np
import pytest

import graphproc as gp

torch = pytest.importorskip("torch")

NAMES = ("CLIP", "Detr", "Qwen2VL", "Sam")
SETTINGS: dict[str, dict[str, Any]] = {
    "Detr": {"size": {"shortest_edge": 60, "longest_edge": 90}},
    "Sam": {"size": {"longest_edge": 90}, "pad_size": 101},
}
SIZE = (60, 77)
IMAGES = torch.from_numpy(np.random.default_rng(8).integers(0, 256, (2, *SIZE, 3), dtype=np.uint8))


def module(name: str, **options: Any) -> Any:
    made = getattr(gp, f"{name}ImageProcessor")(**SETTINGS.get(name, {}))
    return made.to_torch(image_size=SIZE, **options)


def same(found: Any, wanted: Any) -> None:
    assert isinstance(found, gp.BatchFeature)
    assert list(found) == list(wanted)
    for key, want in wanted.items():
        assert found[key].dtype == want.dtype
        assert torch.equal(found[key], want), key


@pytest.mark.slow
@pytest.mark.parametrize("target", ["portable", "cuda"])
@pytest.mark.parametrize("name", NAMES)
def test_exported_programs_have_the_modules_bits(name: str, target: str) -> None:
    own = module(name, batch_size=2, target=target)
    exported = torch.export.export(own, (IMAGES,))
    same(exported.module()(IMAGES.flip(1)), own(IMAGES.flip(1)))


def test_exported_programs_are_saved_and_loaded() -> None:
    own = gp.CLIPImageProcessor(size=40, crop_size=32).to_torch(image_size=SIZE, input="image", part="bytes")
    file = io.BytesIO()
    torch.export.save(torch.export.export(own, (IMAGES[0],)), file)
    file.seek(0)
    same(torch.export.load(file).module()(IMAGES[0]), own(IMAGES[0]))


def test_results_are_trees_of_tensors() -> None:
    from torch.utils import _pytree as pytree

    features = module("Qwen2VL", batch_size=2)(IMAGES)
    leaves, spec = pytree.tree_flatten(features)
    assert [leaf is features[name] for leaf, name in zip(leaves, features, strict=True)] == [True] * 2
    same(pytree.tree_unflatten(leaves, spec), features)
    paths = [pytree.keystr(path) for path, _ in pytree.tree_flatten_with_path(features)[0]]
    assert paths == ["['pixel_values']", "['image_grid_thw']"]


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")  # those of its own modules
@pytest.mark.skipif(importlib.util.find_spec("executorch") is None, reason="ExecuTorch is not installed: pip install executorch")
@pytest.mark.parametrize("name", NAMES)
def test_executorch_has_the_modules_bits(name: str) -> None:
    from executorch.exir import to_edge
    from executorch.runtime import Runtime

    own = module(name, batch_size=1, target="portable")
    program = to_edge(torch.export.export(own, (IMAGES[:1],))).to_executorch()
    method = Runtime.get().load_program(program.buffer).load_method("forward")
    for found, want in zip(method.execute([IMAGES[1:]]), own(IMAGES[1:]).values(), strict=True):
        assert found.dtype == want.dtype
        assert torch.equal(found, want)
