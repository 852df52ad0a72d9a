"""`tools/campaign`: it finds a planted fault, shrinks it, and a seed gives the same cases again."""

from __future__ import annotations

import random
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tiers

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tools"))

from campaign import calls
from campaign import run as runs
from campaign.compare import difference
from campaign.generate import classes, group
from campaign.pictures import PIL_MODES, STRIDES, Picture, picture
from campaign.run import BOTH_REFUSE, CRASHES, DIFFERS, EQUAL, EXCLUDED, REFUSES, Outcome, judged
from campaign.settings import settings_of
from campaign.shrink import shrunk
from campaign.trial import Graph, Trial
from campaign.values import evaluated, literal

from graphproc.errors import ConfigError, ImageError
from graphproc.ir.backends import BACKENDS
from graphproc.ops import Resize

CLIP = "CLIPImageProcessor"
SMALL = {"size": {"shortest_edge": 20}, "crop_size": 18}


@pytest.fixture(autouse=True)
def _fresh() -> None:
    calls.made_once.cache_clear()
    runs._session.cache_clear()


@pytest.mark.slow
def test_a_seed_gives_the_same_cases() -> None:
    tried = classes([], BACKENDS)
    assert len(tried) > 200
    for index in (0, 17, 301):
        assert repr(group(5, index, tried)) == repr(group(5, index, tried))
    assert repr([group(5, index, tried) for index in range(6)]) != repr([group(6, index, tried) for index in range(6)])
    once = {(trial.name, trial.backend) for index in range(len(tried)) for trial in group(5, index, tried)}
    assert len(once) > 0.9 * len(tried)


@pytest.mark.parametrize("engine", ["numpy", "onnxruntime"])
@pytest.mark.parametrize("backend", BACKENDS)
def test_a_call_that_is_equal(backend: str, engine: str) -> None:
    trial = Trial(CLIP, backend, SMALL, pictures=(Picture(9, 12), Picture(7, 30)), nesting="list", tensors="pt", engine=engine)
    assert runs.run(trial) == Outcome(EQUAL)


@pytest.mark.parametrize("given", ["constructor", "file"])
def test_a_case_leaves_the_defaults_of_transformers_classes(given: str) -> None:
    """MiniMax M3 VL writes limits beside this size into its class's own."""
    first = Trial("MiniMaxM3VLImageProcessor", "torchvision", pictures=(Picture(9, 12),), tensors="pt")
    changed = replace(first, settings={"size": [672, 672], "min_pixels": 9000}, given=given)
    assert [runs.run(trial) for trial in (changed, first)] == [Outcome(EQUAL)] * 2


@pytest.mark.parametrize(("size", "what"), [((1, 36), EXCLUDED), ((2, 36), EQUAL)])
def test_images_that_donut_turns(size: tuple[int, int], what: str) -> None:
    """Torch resizes a column wrongly that it turned."""
    page = {"size": {"height": 48, "width": 36}, "do_pad": False, "do_align_long_axis": True}
    trial = Trial("DonutImageProcessor", "torchvision", page, pictures=(Picture(*size),), tensors="pt")
    assert runs.run(trial).what == what


@pytest.mark.parametrize("given", ["file", "saved by transformers", "saved by graphproc"])
def test_settings_in_files(given: str) -> None:
    assert runs.run(Trial(CLIP, "pil", SMALL, {"resample": 0}, (Picture(9, 12),), given=given)) == Outcome(EQUAL)


SIZED = [("image", ""), ("image", "image_size"), ("batch", "image_size"), ("batch", "overrides"), ("sequence", "")]
"""Kinds of input, and how their sizes are fixed."""


@tiers.crossed(("color", ["rgb", "bgr", "rgba", "gray"]), ("input, fixed", [*SIZED, ("image", "overrides"), ("batch", "")]))
def test_graphs(input: str, color: str, fixed: str) -> None:
    mode = {"rgba": "RGBA", "gray": "L"}.get(color, "RGB")
    settings = {"size": {"height": 20, "width": 20}, "do_convert_rgb": True}
    pictures = tuple(Picture(9, 12, seed, mode=mode) for seed in range(1 if input == "image" else 2))
    trial = Trial(
        "ViTImageProcessor", "pil", settings, pictures=pictures, nesting="list", graph=Graph(input, "cpu", 18, color, fixed)
    )
    assert runs.run(trial) == Outcome(EQUAL)


def test_a_planted_fault_is_found_and_shrunk(monkeypatch: pytest.MonkeyPatch) -> None:
    honest = Resize.numpy

    def wrong(self: Any, x: Any) -> Any:
        return honest(self, x) ^ 1

    monkeypatch.setattr(Resize, "numpy", wrong)
    pictures = (Picture(31, 44, 3, kind="array", strides="reversed"), Picture(17, 23, 4))
    settings = {**SMALL, "resample": 3, "image_mean": [0.1, 0.2, 0.3], "do_normalize": False}
    trial = Trial(CLIP, "pil", settings, {"do_rescale": True}, pictures, "list", given="file", tensors="pt")
    outcome = runs.run(trial)
    assert outcome.what == DIFFERS
    small, found = shrunk(trial, outcome, runs.run, seconds=60)
    assert found.what == DIFFERS
    assert len(small.pictures) == 1
    assert (small.pictures[0].height, small.pictures[0].width) == (1, 1)
    assert small == replace(small, given="constructor", call={}, tensors="np", engine="numpy")
    assert len(small.settings) <= 1
    assert small.script().count("\n") < 12


@pytest.mark.slow
def test_a_reproduction_runs_by_itself() -> None:
    pictures = (Picture(5, 6, 1, kind="path", mode="P", key="3"), Picture(5, 6, 2, kind="tensor", dtype="float32", span="unit"))
    script = Trial(CLIP, "pil", SMALL, {"resample": 2}, pictures, "list").script()
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("pixel_values\n")
    script = Trial(CLIP, "pil", SMALL, pictures=pictures[:1] and (Picture(5, 6),), graph=Graph(fixed="overrides")).script()
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_every_form_of_an_image_can_be_made() -> None:
    for mode in PIL_MODES:
        assert evaluated(Picture(3, 5, mode=mode).source).size == (5, 3), mode
    for strides in STRIDES:
        for kind in ("array", "tensor"):
            for layout, shape in (("HWC", (3, 5, 3)), ("CHW", (3, 3, 5))):
                made = evaluated(Picture(3, 5, kind=kind, strides=strides, layout=layout).source)
                assert tuple(made.shape) == shape
    rng = random.Random(3)
    for _ in range(300):
        evaluated(picture(rng, plain=0).source)


def test_settings_can_be_written_and_read() -> None:
    rng = random.Random(4)
    for name, backend in classes([], BACKENDS):
        settings = settings_of(name, backend, rng)
        assert repr(evaluated(literal(settings))) == repr(settings)


def test_what_results_come_to() -> None:
    trial = Trial(CLIP, "pil", pictures=(Picture(1, 1),))
    one = {"pixel_values": np.float32([1, 2])}

    def judge(found: Any, expected: Any) -> str:
        return judged(trial, found, expected, lambda: difference(found, expected)).what

    assert judge(one, one) == EQUAL
    assert judge(ImageError("no"), ValueError("no")) == BOTH_REFUSE
    assert judge(ConfigError("no"), one) == REFUSES
    assert judge(IndexError("no"), ValueError("no")) == CRASHES
    for other in (
        {"pixel_values": np.float64([1, 2])},
        {"pixel_values": np.float32([[1, 2]])},
        {"pixel_values": np.float32([1, 3])},
        {"pixel_values": [1.0, 2.0]},
        {"pixel_value": np.float32([1, 2])},
    ):
        assert judge(one, other) == DIFFERS, other
    assert difference(np.float32([1]), np.float32([1.5]), 0.6) == ""
    assert difference(np.float32([-0.0]), np.float32([0])) == ": signs of zeros"
    assert difference(np.float32([np.nan]), np.float32([np.nan])) == ""
    assert difference([1, (2,)], [1, [2]]) == "[1]: tuple of int for list of int"
