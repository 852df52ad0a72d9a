"""transformers itself passes the check: what it makes of a kit's images is what the kit says."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import cases.parity as parity
import numpy as np
import pytest
import tiers
from PIL import Image
from support.kits import write_results

import graphproc as gp
from graphproc.kits.manifest import read_manifest
from graphproc.processors.registry import lookup

KITS: dict[str, tuple[str, dict[str, Any]]] = {
    "clip": ("CLIPImageProcessor", {"size": {"shortest_edge": 30}, "crop_size": 24}),
    "detr": ("DetrImageProcessor", {"size": {"shortest_edge": 40, "longest_edge": 60}}),
    "qwen": ("Qwen2VLImageProcessor", {"size": {"shortest_edge": 3136, "longest_edge": 9000}}),
    "llava": ("LlavaNextImageProcessor", {"size": {"shortest_edge": 24}, "crop_size": 24, "image_grid_pinpoints": [[24, 48]]}),
    "donut": ("DonutImageProcessor", {"size": {"height": 64, "width": 48}}),
    "pixtral": ("PixtralImageProcessor", {"size": {"longest_edge": 64}}),
}
ROWS = [(label, backend) for label, (name, _) in KITS.items() for backend in lookup(name).backends]


@pytest.mark.slow
@pytest.mark.parametrize(("label", "backend"), tiers.rows(ROWS, [("clip", "pil"), ("detr", "torchvision")]))
def test_transformers_passes(label: str, backend: str, tmp_path: Path) -> None:
    name, settings = KITS[label]
    kit = tmp_path / "kit"
    written = gp.write_kit(getattr(gp, name)(**settings), kit)
    where = written.manifest.section(backend).parity
    processor = getattr(gp, name)(**settings, backend=backend)
    if not parity.takes_torch_kernels(processor.compile().parity.where):
        pytest.skip(f"torch has other kernels here: {where}")
    theirs = parity.theirs(name, {**settings, "backend": backend})
    results: dict[str, dict[str, Any]] = {}
    for case in read_manifest(kit).cases:
        images = [Image.open(kit / image.png) for image in case.images]
        found = theirs(images, return_tensors="np" if backend == "pil" else "pt")
        results[case.name] = {output.name: np.asarray(found[output.name]) for output in processor.compile().outputs}
        if len(images) == 1:  # values are those of one image, without an axis for images
            axes = {output.name: output.join.has_image_axis for output in processor.compile().outputs}
            results[case.name] = {key: array[0] if axes[key] else array for key, array in results[case.name].items()}
    report = gp.check_kit(kit, write_results(results, tmp_path / "results"), backend=backend)
    assert [(case.case, case.difference) for case in report.cases if case.difference] == []
    assert report.whole
