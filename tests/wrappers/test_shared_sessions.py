"""A second processor of the same settings emits no graph and loads none; what may not be shared is not."""

from __future__ import annotations

import copy
import os
import pickle
import signal
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import onnxruntime
import pytest
from support.graphs import images

import graphproc as gp
from graphproc.emitters.onnx import emit as emitter
from graphproc.runtime import native, thread_counts
from graphproc.runtime.session import Session
from graphproc.wrappers import cache, shared_sessions
from graphproc.wrappers.shared_sessions import SharedSessions, shared

Array = np.ndarray[Any, Any]
(PHOTO,) = images(1, 30, 40, 3)
SETTINGS = {"size": {"shortest_edge": 20}, "crop_size": 17}


@pytest.fixture(autouse=True)
def _no_number_of_threads(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(thread_counts.VARIABLE, raising=False)


@pytest.fixture
def made(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Return the list that says what was made: graphs that were emitted, sessions that ONNX Runtime made."""
    found: list[str] = []

    def spy(module: Any, name: str, what: str) -> None:
        real = getattr(module, name)
        monkeypatch.setattr(module, name, lambda *args, **options: found.append(what) or real(*args, **options))

    spy(emitter, "emit", "graph")
    spy(onnxruntime, "InferenceSession", "session")
    return found


def pixels(processor: Any, image: Any = PHOTO, **options: Any) -> Array:
    result: Array = processor(image, return_tensors="np", **options)["pixel_values"]
    return result


def test_a_second_processor_makes_nothing(made: list[str]) -> None:
    first = gp.CLIPImageProcessor(**SETTINGS)
    expected = pixels(first)
    assert made == ["graph", "session"]
    others = [gp.CLIPImageProcessor(**SETTINGS), copy.copy(first), copy.deepcopy(first), pickle.loads(pickle.dumps(first))]
    del first
    others.append(gp.AutoImageProcessor.from_dict({"image_processor_type": "CLIPImageProcessor", **SETTINGS}))
    for other in others:
        assert (pixels(other) == expected).all()
    assert made == ["graph", "session"]
    assert (pixels(others[0], engine="numpy") == expected).all()


@pytest.mark.slow
def test_what_makes_another_session(made: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    """Settings, the backend, the class, threads, and the native library."""
    pixels(gp.CLIPImageProcessor(**SETTINGS))
    count = len(made)

    def more(processor: Any, image: Any = PHOTO) -> int:
        pixels(processor, image)
        before, made[:] = len(made), []
        return before

    assert more(gp.CLIPImageProcessor(**SETTINGS)) == count
    assert more(gp.CLIPImageProcessor(**{**SETTINGS, "crop_size": 16})) == 2
    assert more(gp.CLIPImageProcessor(**SETTINGS, image_mean=[0.5, 0.5, 0.25])) == 2
    assert more(gp.CLIPImageProcessor(**SETTINGS, backend="pil")) == 2
    assert more(gp.ChineseCLIPImageProcessor(**SETTINGS)) == 2
    of_one_thread = gp.CLIPImageProcessor(**SETTINGS)
    of_one_thread.threads = 1
    assert more(of_one_thread) == 2
    assert more(copied := copy.copy(of_one_thread), [PHOTO, PHOTO]) == 0, copied.threads
    if native.path() is not None:
        monkeypatch.setenv(native.VARIABLE, "off")
        without = gp.CLIPImageProcessor(**SETTINGS)
        assert more(without) == 2
        assert not next(iter(without._cache.sessions.values())).kernels


def test_post_processing_is_shared_by_processors_of_the_same_class(made: list[str]) -> None:
    outputs = {"logits": np.random.default_rng(0).random((1, 4, 7, 9), np.float32)}
    first, second = gp.SegformerImageProcessor(), gp.SegformerImageProcessor()
    expected = first.post_process_semantic_segmentation(outputs, [(20, 30)])
    count = len(made)
    found = second.post_process_semantic_segmentation(outputs, [(20, 30)])
    assert count == len(made) == 2
    assert (found[0] == expected[0]).all()


def test_the_least_recently_used_go_except_those_of_living_processors(made: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shared_sessions, "MOST_SESSIONS", 2)
    monkeypatch.setattr(cache, "shared", SharedSessions())
    living = gp.ViTImageProcessor(size=10)
    for size, expected in ((10, 2), (11, 2), (12, 2), (11, 0), (13, 2), (11, 0), (12, 2)):
        pixels(living if size == 10 else gp.ViTImageProcessor(size=size))
        assert len(made) == expected, size
        made.clear()
    assert len(cache.shared) == 2
    pixels(living)
    assert not made


def test_results_and_warnings_are_a_processors_own() -> None:
    first, second = gp.CLIPImageProcessor(**SETTINGS), gp.CLIPImageProcessor(**SETTINGS)
    one, two = pixels(first), pixels(second, 255 - PHOTO)
    assert not np.shares_memory(one, two)
    assert (one == pixels(first, engine="numpy")).all()
    assert first._cache.memory is not second._cache.memory
    for processor in (gp.CLIPImageProcessor(**SETTINGS, backend="pil"), gp.CLIPImageProcessor(**SETTINGS, backend="pil")):
        with pytest.warns(UserWarning, match="device='cuda' changes nothing"):
            processor(PHOTO, device="cuda")
        processor(PHOTO, device="cuda")  # without a warning, which would be an error here


# ---- threads and forks -----------------------------------------------------------------------------------------------


def test_threads_that_want_one_session_wait_for_it(made: list[str]) -> None:
    begin = threading.Barrier(4)

    def call() -> Array:
        processor = gp.CLIPImageProcessor(**SETTINGS)
        begin.wait(30)
        return pixels(processor)

    with ThreadPoolExecutor(4) as pool:
        found = [future.result(60) for future in [pool.submit(call) for _ in range(4)]]
    assert made == ["graph", "session"]
    assert all((one == found[0]).all() for one in found)


def test_who_waits_for_what_fails_tries_again() -> None:
    sessions, waiting, tried = SharedSessions(), threading.Event(), []

    def fail() -> Session:
        tried.append(threading.current_thread())
        waiting.wait(30)
        raise OSError("no memory")

    with ThreadPoolExecutor(2) as pool:
        futures = [pool.submit(sessions.get_or_make, "key", fail) for _ in range(2)]
        while not tried:
            time.sleep(0.001)
        time.sleep(0.01)
        assert len(tried) == 1
        waiting.set()
        for future in futures:
            with pytest.raises(OSError, match="no memory"):
                future.result(30)
    assert len(tried) == 2
    assert len(sessions) == 0
    assert not sessions._making


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork")
@pytest.mark.filterwarnings("ignore:.*multi-threaded.*fork:DeprecationWarning")
def test_a_forked_process_waits_for_no_thread_of_its_parent() -> None:
    """Forked while another thread makes a session and holds the lock: in the child, neither ever ends."""
    expected = pixels(gp.CLIPImageProcessor(**SETTINGS))
    entered, leave = threading.Event(), threading.Event()

    def slow() -> Any:
        entered.set()
        leave.wait(60)
        return "made by the parent"

    thread = threading.Thread(target=shared.get_or_make, args=("key", slow))
    thread.start()
    entered.wait(30)
    with shared._lock:
        child = os.fork()
        if child == 0:
            signal.alarm(30)
            kept = shared.get_or_make("key", lambda: "made by the child") == "made by the child"  # type: ignore[arg-type,return-value]
            same = (pixels(gp.CLIPImageProcessor(**SETTINGS)) == expected).all()
            os._exit(0 if kept and same else 1)
    leave.set()
    thread.join()
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
