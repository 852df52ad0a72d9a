"""SegGPT: the maps and scores of transformers' processor."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest
import tiers
from support.mask_outputs import SIZES, assert_results, ours, reference, run_graph

from graphproc.errors import ConfigError

NAME, METHOD = "SegGptImageProcessor", "post_process_semantic_segmentation"


def painted(seed: int, height: int = 41) -> SimpleNamespace:
    torch = pytest.importorskip("torch")
    pixels = np.random.default_rng(seed).standard_normal((3, 3, height, 30)).astype(np.float32)
    return SimpleNamespace(pred_masks=torch.from_numpy(pixels))


@tiers.crossed(("labels", tiers.rows([None, 0, 1, 10, 255], [None, 0, 10])), ("sizes", {"sized": SIZES, "unsized": None}))
def test_maps_and_scores(labels: int | None, sizes: list[tuple[int, int]] | None) -> None:
    for settings in ({}, {"image_mean": [0.1, 0.2, 0.3], "image_std": [0.5, 0.25, 1.0]}):
        model = painted(0, 41 + len(settings))
        for scores in (False, True):
            options = {"target_sizes": sizes, "num_labels": labels, "return_segmentation_scores": scores}
            expected = getattr(reference(NAME, **settings), METHOD)(model, **options)
            for processor in ours(NAME, **settings):
                assert_results(getattr(processor, METHOD)(model, **options), expected)


@pytest.mark.parametrize("opset", [17, 18])
def test_graphs(opset: int) -> None:
    model = painted(1)
    for sizes, form in (([(31, 17)] * 3, "batch"), (SIZES, "sequence")):
        expected = getattr(reference(NAME), METHOD)(model, sizes, num_labels=10)
        given = sizes[0] if form == "batch" else sizes
        found = run_graph(ours(NAME)[0], METHOD, vars(model), given, input=form, opset=opset, num_labels=10)["segmentation"]
        for one, other in zip(found, expected, strict=True):
            np.testing.assert_array_equal(one[: other.shape[0], : other.shape[1]], other.numpy())


def test_refused() -> None:
    for labels, message in ((256, "at most 255, got 256"), (-1, "at least 0, got -1"), (True, "got True")):
        with pytest.raises(ConfigError, match=f"num_labels: expected .*{message}"):
            getattr(ours(NAME)[0], METHOD)(painted(0), num_labels=labels)
