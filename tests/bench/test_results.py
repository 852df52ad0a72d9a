"""A processor timed on an image: which lines there are, what is in them, and the machine."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import graphproc as gp
from graphproc.bench import measure
from graphproc.bench.own import CALL, FIXED, GRAPH, NUMPY
from graphproc.bench.peers import PILLOW
from graphproc.bench.results import bench, machine
from graphproc.errors import ConfigError, ProgramError
from graphproc.runtime.session import Session
from graphproc.wrappers.examples import photograph

SMALL = gp.CLIPImageProcessor(size=40, crop_size=32)
PHOTO = photograph()[:50, :70]


def test_bench_gives_a_result_for_each_number_of_threads() -> None:
    results = bench(SMALL, PHOTO, "cat", threads=(1, 2), runs=2, names=[FIXED, CALL, NUMPY, PILLOW])
    assert [result.threads for result in results] == [1, 2]
    for result in results:
        assert (result.processor, result.image, result.height, result.width) == ("CLIPImageProcessor", "cat", 50, 70)
        assert [t.contestant for t in result.timings] == [GRAPH, FIXED, CALL, NUMPY, PILLOW]
        assert [t.exact for t in result.timings] == [True] * 5
        assert result.timings[0].ratio == 1.0
        assert all(t.runs == 2 and t.milliseconds > 0 and t.ratio > 0 for t in result.timings)
        assert result.ok
        assert result.as_dict()["timings"][0]["difference"] == {"differing": 0, "elements": 3072, "max_difference": 0.0}
    numpy = [next(t for t in result.timings if t.contestant == NUMPY).milliseconds for result in results]
    assert numpy[0] == numpy[1], "a contestant of one thread is measured once"


def test_a_batch_is_compared_and_divided_by(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(measure, "_once", lambda contestant, cpu=False: 0.5)
    (result,) = bench(SMALL, PHOTO, batch=4, runs=1, names=[NUMPY])
    assert (result.batch, result.ok) == (4, True)
    assert [t.milliseconds for t in result.timings] == [125.0, 125.0]
    assert [t.difference.elements for t in result.timings if t.difference] == [4 * 3072] * 2


def test_a_graph_with_other_results_is_not_ok(monkeypatch: pytest.MonkeyPatch) -> None:
    right = Session.run

    def wrong(session: Session, inputs: Any, *others: Any) -> Any:
        return {name: value + np.float32(1000) for name, value in right(session, inputs, *others).items()}

    monkeypatch.setattr(Session, "run", wrong)
    (result,) = bench(SMALL, PHOTO, runs=1, names=[NUMPY])
    assert [t.exact for t in result.timings] == [False, True]
    assert not result.ok
    found = result.timings[0].difference
    assert found is not None
    assert (found.differing, found.elements) == (3072, 3072)
    assert found.max_difference == pytest.approx(1000, rel=1e-6)


@pytest.mark.parametrize("bad", [{"threads": (0,)}, {"runs": 0}, {"batch": 0}])
def test_numbers_below_one_are_refused(bad: dict[str, Any]) -> None:
    with pytest.raises(ConfigError, match=f"{next(iter(bad))}: expected at least 1"):
        bench(SMALL, PHOTO, **bad)


def test_an_image_that_the_settings_do_not_allow() -> None:
    with pytest.raises(ProgramError, match="200 times"):
        bench(gp.Qwen2VLImageProcessor(), np.zeros((2, 500, 3), np.uint8), runs=1)


def test_the_machine_is_named() -> None:
    found = machine()
    assert found["cores"] >= 1
    assert found["cpu"]
    assert found["versions"]["graphproc"] == gp.__version__
    assert {"python", "numpy", "onnxruntime"} <= set(found["versions"])
