"""Sessions: names, errors, and sessions of their own for sizes that come back."""

from __future__ import annotations

import gc
import multiprocessing
import os
import pickle
import signal
import threading
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime
import pytest
import torch
from onnx import TensorProto, helper
from support.nets import conv

import graphproc as gp
from graphproc.errors import GraphError, ImageError, RuntimeUnavailableError
from graphproc.runtime import memory, native, origin, workers
from graphproc.runtime import session as session_module
from graphproc.runtime.providers import provider_names
from graphproc.runtime.session import MAX_SPECIALISED, SPECIALISE_AFTER, Session

Array = np.ndarray[Any, Any]


@pytest.fixture(scope="module")
def model() -> onnx.ModelProto:
    return gp.CLIPImageProcessor(size=40, crop_size=32).to_onnx()


def batch(height: int, width: int, count: int = 1) -> Array:
    return np.random.default_rng((height, width)).integers(0, 256, (count, height, width, 3), dtype=np.uint8)


def two_inputs() -> onnx.ModelProto:
    """Return the sum and the difference of `a` and `b`, float32 [n]."""
    a, b, total, gap = (helper.make_tensor_value_info(name, TensorProto.FLOAT, ["n"]) for name in ("a", "b", "sum", "gap"))
    nodes = [helper.make_node("Add", ["a", "b"], ["sum"]), helper.make_node("Sub", ["a", "b"], ["gap"])]
    graph = helper.make_graph(nodes, "two", [a, b], [total, gap])
    return helper.make_model(graph, ir_version=8, opset_imports=[helper.make_opsetid("", 18)])


# ---- what a session says of its graph --------------------------------------------------------------------------------


def test_names_dimensions_and_metadata(model: onnx.ModelProto) -> None:
    session = Session(model)
    assert session.inputs == ["images"]
    assert session.outputs == ["pixel_values"]
    assert session.dims == {"images": ["batch", "height", "width", 3]}
    assert session.provider == "cpu"
    assert session.metadata["target"] == "cpu"
    assert session.config()["size"] == {"shortest_edge": 40}


def test_a_graph_without_description_has_no_config() -> None:
    session = Session(two_inputs())
    assert session.metadata == {}
    with pytest.raises(GraphError, match=r"no graphproc.config entry"):
        session.config()


def test_a_graph_is_taken_as_path_bytes_or_model(model: onnx.ModelProto, tmp_path: Path) -> None:
    path = tmp_path / "graph.onnx"
    path.write_bytes(model.SerializeToString())
    expected = Session(model).run({"images": batch(50, 60)})["pixel_values"]
    for graph in (path, str(path), path.read_bytes()):
        assert (Session(graph).run({"images": batch(50, 60)})["pixel_values"] == expected).all()


@pytest.mark.parametrize("content", [b"", b"not a graph", b"\x00" * 100])
def test_what_is_no_graph_is_refused(content: bytes, tmp_path: Path) -> None:
    path = tmp_path / "graph.onnx"
    path.write_bytes(content)
    for graph in (path, content):
        with pytest.raises(GraphError, match=r"^graph: ONNX Runtime cannot load it\. ") as caught:
            Session(graph)
        assert "\n" not in str(caught.value)


def test_a_missing_file_is_refused_by_path(tmp_path: Path) -> None:
    with pytest.raises(GraphError, match=r"none\.onnx: cannot be read \(No such file or directory\)"):
        Session(tmp_path / "none.onnx")
    with pytest.raises(GraphError, match="cannot be read"):
        Session(tmp_path)


# ---- providers -------------------------------------------------------------------------------------------------------


def test_an_unknown_provider_is_refused(model: onnx.ModelProto) -> None:
    with pytest.raises(RuntimeUnavailableError, match="provider: expected one of cpu, cuda, got 'CUDA'"):
        Session(model, "CUDA")


def test_a_missing_provider_is_an_error_that_says_what_to_install(
    model: onnx.ModelProto, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(onnxruntime, "get_available_providers", lambda: ["CPUExecutionProvider"])
    with pytest.raises(RuntimeUnavailableError, match=r"has only CPUExecutionProvider. pip install onnxruntime-gpu"):
        Session(model, "cuda")


def test_a_provider_that_does_not_start_is_an_error(model: onnx.ModelProto, monkeypatch: pytest.MonkeyPatch) -> None:
    """ONNX Runtime falls back to the CPU on its own when a driver is missing."""
    both = ["CUDAExecutionProvider", "CPUExecutionProvider"]
    monkeypatch.setattr(onnxruntime, "get_available_providers", lambda: both)
    real = onnxruntime.InferenceSession
    monkeypatch.setattr(
        onnxruntime, "InferenceSession", lambda data, options, providers: real(data, options, providers=providers[-1:])
    )
    with pytest.raises(RuntimeUnavailableError, match="'cuda': ONNX Runtime could not start it"):
        Session(model, "cuda")


def test_the_cpu_is_the_second_choice_of_other_providers(monkeypatch: pytest.MonkeyPatch) -> None:
    both = ["CUDAExecutionProvider", "CPUExecutionProvider"]
    monkeypatch.setattr(onnxruntime, "get_available_providers", lambda: both)
    assert provider_names("cuda") == both
    assert provider_names("cpu") == both[1:]


# ---- inputs ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("inputs", "message"),
    [
        ({}, "graph inputs: expected images, got none"),
        ({"image": batch(5, 5)}, "graph inputs: expected images, got image"),
        ({"images": batch(5, 5), "more": batch(5, 5)}, "graph inputs: expected images, got images, more"),
        ({"images": batch(5, 5)[0]}, r"images: expected 4 axes \['batch', 'height', 'width', 3\], got the shape \[5, 5, 3\]"),
        ({"images": batch(5, 5)[None]}, r"images: expected 4 axes .* got the shape \[1, 1, 5, 5, 3\]"),
        ({"images": batch(5, 5)[..., :2]}, r"images: expected axis 3 of \['batch', .* to be 3, got the shape \[1, 5, 5, 2\]"),
        ({"images": batch(5, 5).astype(np.float32)}, "images: expected uint8, got float32. Convert the array."),
        ({"images": "cat.png"}, "images: expected an array, got str. .* processors read files"),
        ({"images": [batch(5, 5)[0]]}, "images: expected an array, got list"),
        ({"images": None}, "images: expected an array, got NoneType"),
        ({"images": torch.zeros(1, 5, 5, 3, requires_grad=True)}, "images: expected an array, got Tensor that is none"),
        (batch(5, 5), "run: expected {'images': array}, got ndarray. Call the session"),
        (None, "run: expected {'images': array}, got NoneType"),
    ],
)
def test_wrong_inputs_are_refused(model: onnx.ModelProto, inputs: Any, message: str) -> None:
    with pytest.raises(ImageError, match=message) as caught:
        Session(model).run(inputs)
    assert "\n" not in str(caught.value)


def test_a_call_takes_arrays_in_order_or_by_name() -> None:
    session = Session(two_inputs())
    a, b = np.float32([5, 7]), np.float32([1, 2])
    for result in (session(a, b), session(a, b=b), session(b=b, a=a)):
        assert isinstance(result, gp.BatchFeature)
        assert list(result) == ["sum", "gap"]
        assert result.gap.tolist() == [4, 5]
    with pytest.raises(ImageError, match=r"expected a, b, got a$"):
        session(a)
    with pytest.raises(ImageError, match="expected a, b, got 3 arrays"):
        session(a, b, a)
    with pytest.raises(ImageError, match="a is given in order and by name"):
        session(a, b, a=a)
    with pytest.raises(ImageError, match="ONNX Runtime refused the input"):  # names of foreign graphs' axes may mean nothing
        session(a, np.zeros(3, np.float32))


def test_sequences_are_lists_of_arrays() -> None:
    session = Session(gp.CLIPImageProcessor(size=40, crop_size=32).to_onnx(input="sequence"))
    assert session([batch(50, 60)[0], batch(60, 50)[0]])["pixel_values"].shape == (2, 3, 32, 32)
    for bad, message in [
        ([], "images: expected a list of at least one array, got an empty list"),
        (batch(50, 60), "images: expected a list of at least one array, got ndarray"),
        ([batch(50, 60)[0], "cat.png"], r"images\[1\]: expected an array, got str"),
        ([batch(50, 60)[0] / 2], r"images\[0\]: expected uint8, got float64"),
    ]:
        with pytest.raises(ImageError, match=message):
            session(bad)


@pytest.mark.parametrize("others", [(30, 20), (30, 40), (20, 31)])
def test_results_of_several_shapes_are_no_sequence(others: tuple[int, int]) -> None:
    """Also where they have one number of elements, which is all that ONNX Runtime's Loop compares."""
    session = Session(gp.CLIPImageProcessor(do_resize=False, do_center_crop=False).to_onnx(input="sequence"))
    assert session.run({"images": [batch(20, 30)[0], batch(20, 30)[0]]})["pixel_values"].shape == (2, 3, 20, 30)
    with pytest.raises(ImageError, match=r"graph: expected results of one shape of all images.*, got images"):
        session.run({"images": [batch(20, 30)[0], batch(*others)[0]]})


def test_tensors_are_read_as_arrays(model: onnx.ModelProto) -> None:
    image = batch(50, 60)
    found = Session(model)(torch.from_numpy(image))["pixel_values"]
    assert (found == Session(model)(image)["pixel_values"]).all()


def test_a_session_says_what_it_reads_and_gives(model: onnx.ModelProto) -> None:
    assert repr(Session(model, kernels=False)) == (
        "Session(images uint8 [batch, height, width, 3] -> pixel_values float32 [batch, 3, 32, 32]; "
        "CLIPImageProcessor, torchvision, cpu; provider cpu)"
    )
    assert repr(Session(two_inputs())).startswith("Session(a float32 [n], b float32 [n] -> sum float32 [n], gap float32 [n]; ")


def test_what_is_neither_path_nor_graph_is_refused() -> None:
    with pytest.raises(GraphError, match="graph: expected a path, bytes or an ONNX model, got int"):
        Session(5)  # type: ignore[arg-type]


# ---- other processes -------------------------------------------------------------------------------------------------


def test_a_pickled_session_begins_anew(model: onnx.ModelProto) -> None:
    session = Session(model, threads=1, specialise_after=1)
    expected = session.run({"images": batch(50, 60)})["pixel_values"]
    again = pickle.loads(pickle.dumps(session))
    assert (again._threads, again._after, again.provider, again.metadata) == (1, 1, "cpu", session.metadata)
    assert session._specialised
    assert not again._specialised
    assert (again.run({"images": batch(50, 60)})["pixel_values"] == expected).all()


@pytest.mark.slow
def test_sessions_can_be_sent_to_another_process(tmp_path: Path) -> None:
    """Sessions of every kind give the same there, after use here, and have kernels where they have them here."""
    ours, fused = gp.CLIPImageProcessor(size=40, crop_size=32), tmp_path / "fused.onnx"
    onnx.save(conv(), tmp_path / "model.onnx", save_as_external_data=True, location="weights.bin", size_threshold=0)
    gp.fuse(ours, tmp_path / "model.onnx", output=fused)
    sessions = {
        "without kernels": Session(ours.to_onnx(), kernels=False),
        "by itself": Session(ours.to_onnx(), threads=1),
        "written with kernels": Session(ours.to_onnx(kernels=True)),
        "specialised": Session(ours.to_onnx(), specialise_after=1),
        "by path, with weights in another file": Session(fused),
    }
    with ProcessPoolExecutor(1, multiprocessing.get_context("spawn")) as pool:
        # Methods of the session itself: the child can import graphproc, but not always this file.
        for kind, session in sessions.items():
            expected = session.run({"images": batch(50, 60)})
            found = pool.submit(session.run, {"images": batch(50, 60)}).result(120)
            assert found.keys() == expected.keys(), kind
            assert all((found[name] == expected[name]).all() for name in expected), kind
            assert pool.submit(session.__repr__).result(120) == repr(session), kind


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork")
@pytest.mark.filterwarnings("ignore:.*multi-threaded.*fork:DeprecationWarning")
def test_a_forked_process_needs_no_lock_of_its_parent(model: onnx.ModelProto, monkeypatch: pytest.MonkeyPatch) -> None:
    """Forked while every lock is held, as by threads that do not exist in the child; it may not wait for them there."""
    monkeypatch.setattr(memory, "KEPT_FROM", 0)
    session = Session(model, threads=2, specialise_after=1)
    expected = session.run({"images": batch(50, 60, 5)})["pixel_values"].copy()
    with session._lock, session._memory._lock, workers._lock:
        child = os.fork()
        if child == 0:
            signal.alarm(60)
            same = (session.run({"images": batch(50, 60, 5)})["pixel_values"] == expected).all()
            os._exit(0 if same else 1)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    assert session._session is not None


@pytest.mark.parametrize("length", ["n", 2])
def test_results_of_any_element_type(length: str | int) -> None:
    x = helper.make_tensor_value_info("x", TensorProto.FLOAT, [length])
    half = helper.make_tensor_value_info("half", TensorProto.FLOAT16, [length])
    nodes = [helper.make_node("Cast", ["x"], ["half"], to=TensorProto.FLOAT16)]
    graph = helper.make_graph(nodes, "half", [x], [half])
    session = Session(helper.make_model(graph, ir_version=8, opset_imports=[helper.make_opsetid("", 18)]))
    result = session.run({"x": np.float32([0.5, 3])})["half"]
    assert (result.dtype, result.tolist()) == (np.float16, [0.5, 3])


def test_results_stay_as_they_are_after_the_next_run(model: onnx.ModelProto) -> None:
    session = Session(model)
    first = session.run({"images": batch(50, 60)})["pixel_values"]
    kept = first.copy()
    session.run({"images": 255 - batch(50, 60)})
    assert (first == kept).all()


def test_a_strided_array_is_read_in_its_order(model: onnx.ModelProto) -> None:
    flipped = batch(50, 60)[:, ::-1, ::2]
    session = Session(model)
    found = session.run({"images": flipped})["pixel_values"]
    assert (found == session.run({"images": flipped.copy()})["pixel_values"]).all()


def test_threads_do_not_change_results(model: onnx.ModelProto) -> None:
    image = batch(300, 400)
    one, two = (Session(model, threads=n).run({"images": image})["pixel_values"] for n in (1, 2))
    assert (one == two).all()


@pytest.mark.slow
@pytest.mark.parametrize("name", ["CLIP", "Detr", "Qwen2VL"])
def test_images_of_a_batch_run_side_by_side(name: str) -> None:
    """On sessions of workers, with the results of one run, whether their sizes are known beforehand or not."""
    graph = getattr(gp, f"{name}ImageProcessor")().to_onnx()
    images = batch(60, 90, 5)
    expected = Session(graph, threads=1).run({"images": images})
    session = Session(graph, threads=2, kernels=False)
    found = session.run({"images": images})
    assert len(session._of_workers) > 0
    assert list(found) == list(expected)
    for key, value in expected.items():
        assert (found[key].dtype, found[key].shape) == (value.dtype, value.shape)
        assert (found[key] == value).all()
    out = {key: np.zeros_like(value) for key, value in expected.items()}
    again = session.run({"images": images}, out)
    assert all(again[key] is out[key] and (out[key] == expected[key]).all() for key in expected)


@pytest.mark.slow
@pytest.mark.skipif(native.path() is None, reason="there is no native library")
def test_with_kernels_a_batch_is_one_run_of_all_threads() -> None:
    graph, images = gp.CLIPImageProcessor().to_onnx(), batch(60, 90, 5)
    session = Session(graph, threads=2)
    found = session.run({"images": images})["pixel_values"]
    assert session.kernels
    assert not session._of_workers
    assert (found == Session(graph, threads=1, kernels=False).run({"images": images})["pixel_values"]).all()


@pytest.mark.parametrize("threads", [1, 2])
def test_the_memory_of_a_large_result_is_used_again(
    model: onnx.ModelProto, threads: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(memory, "KEPT_FROM", 0)
    session = Session(model, threads=threads)
    held = session.run({"images": batch(60, 90, 5)})["pixel_values"]
    view, kept = held[1:2], held.copy()
    del held
    other = session.run({"images": 255 - batch(60, 90, 5)})["pixel_values"]
    assert (view == kept[1:2]).all()
    block = session._memory._blocks["pixel_values"][0]
    assert np.shares_memory(other, block)
    del other
    assert np.shares_memory(session.run({"images": batch(60, 90, 5)})["pixel_values"], block)


@pytest.mark.parametrize(
    ("graph", "count"),
    [
        (lambda: gp.NougatImageProcessor(size={"height": 60, "width": 40}).to_onnx(), 5),  # margins differ
        (lambda: gp.CLIPImageProcessor(size=40, crop_size=32).to_onnx(), 3),  # nothing to gain
    ],
    ids=["sizes in the pixels", "few images"],
)
def test_other_batches_run_as_one(graph: Any, count: int) -> None:
    session = Session(graph(), threads=2)
    session.run({"images": batch(60, 90, count)})
    assert not session._of_workers


def test_a_failing_part_of_a_batch_is_an_error_of_the_batch(model: onnx.ModelProto) -> None:
    out = {"pixel_values": np.zeros((5, 3, 32, 31), np.float32)}
    with pytest.raises(ImageError, match="ONNX Runtime refused"):
        Session(model, threads=2).run({"images": batch(50, 60, 5)}, out)


def test_outputs_are_written_where_the_caller_says(model: onnx.ModelProto) -> None:
    session = Session(model)
    expected = session.run({"images": batch(50, 60, 2)})["pixel_values"]
    whole = np.zeros((4, *expected.shape[1:]), np.float32)
    found = session.run({"images": batch(50, 60, 2)}, {"pixel_values": whole[1:3]})["pixel_values"]
    assert np.shares_memory(found, whole)
    assert (whole[1:3] == expected).all()
    assert not whole[[0, 3]].any()


@pytest.mark.parametrize(
    "out",
    [
        {"pixel_values": np.zeros((1, 3, 32, 31), np.float32)},
        {"pixel_values": np.zeros((2, 3, 32, 32), np.float32)},
        {"pixel_values": np.zeros((1, 3, 32, 32), np.float64)},
        {"pixel_values": np.zeros((1, 3, 32, 64), np.float32)[..., ::2]},
        {"pixels": np.zeros((1, 3, 32, 32), np.float32)},
    ],
    ids=["width", "batch", "dtype", "strides", "name"],
)
def test_arrays_that_outputs_do_not_fit_are_refused(model: onnx.ModelProto, out: dict[str, Array]) -> None:
    with pytest.raises(ImageError, match=r"^out: expected C-contiguous|^graph: ONNX Runtime refused"):
        Session(model).run({"images": batch(50, 60)}, out)


@pytest.mark.slow
def test_results_of_unknown_shape_outlive_the_session() -> None:
    ours = gp.DetrImageProcessor(size={"shortest_edge": 40, "longest_edge": 60})
    session = Session(ours.to_onnx())
    found = session.run({"images": batch(50, 60)})
    kept = {name: value.copy() for name, value in found.items()}
    session.run({"images": 255 - batch(50, 60)})
    del session
    gc.collect()
    for name, value in found.items():
        assert value.flags.writeable
        assert (value == kept[name]).all()


def test_each_worker_has_a_session_of_one_thread(model: onnx.ModelProto) -> None:
    session = Session(model, threads=1)
    barrier = threading.Barrier(2)

    def mine() -> Session:
        barrier.wait(10)
        return session.of_worker()

    first, second = (f.result() for f in [workers.pool(2).submit(mine) for _ in range(2)])
    assert first is not second
    assert session in (first, second)
    assert (first._threads, second._threads) == (1, 1)
    assert Session(model, threads=2).of_worker()._threads == 1


# ---- sizes that come back --------------------------------------------------------------------------------------------


class Spy:
    """Stands for an ONNX Runtime session and counts its runs."""

    def __init__(self, session: Any) -> None:
        self.session = session
        self.runs = 0

    def __getattr__(self, name: str) -> Any:
        if name.startswith("run"):
            self.runs += 1
        return getattr(self.session, name)


def spied(session: Session, monkeypatch: pytest.MonkeyPatch) -> tuple[Spy, list[tuple[dict[str, int], Spy]]]:
    """Return the general session and the list that specialised ones will be put on, with their sizes."""
    made: list[tuple[dict[str, int], Spy]] = []
    create = session._specialise

    def record(sizes: dict[str, int]) -> Spy:
        made.append((sizes, Spy(create(sizes))))
        return made[-1][1]

    general = Spy(session._session)
    monkeypatch.setattr(session, "_session", general)
    monkeypatch.setattr(session, "_specialise", record)
    return general, made


def test_a_size_that_comes_back_gets_its_own_session_with_the_same_bits(
    model: onnx.ModelProto, monkeypatch: pytest.MonkeyPatch
) -> None:
    session = Session(model, specialise_after=3)
    general, made = spied(session, monkeypatch)
    results = [session.run({"images": batch(60, 50)})["pixel_values"] for _ in range(5)]
    assert general.runs == 2
    assert [(sizes, spy.runs) for sizes, spy in made] == [({"height": 60, "width": 50}, 3)]
    assert all((result == results[0]).all() for result in results)


def test_a_specialised_session_has_the_size_fixed(model: onnx.ModelProto) -> None:
    session = Session(model, specialise_after=1)
    session.run({"images": batch(60, 50)})
    (specialised,) = session._specialised.values()
    assert specialised.get_inputs()[0].shape == ["batch", 60, 50, 3]


def test_a_size_is_fixed_by_the_graph_of_the_settings(model: onnx.ModelProto) -> None:
    """Which has constant weights: only then is the graph made that the settings give for the size."""
    session = Session(model)
    found = origin.of_described(session._given)
    assert found is not None
    expected = gp.CLIPImageProcessor(size=40, crop_size=32).to_onnx(image_size=(60, 50))
    assert onnx.load_from_string(found.graph((60, 50), kernels=False)).graph == expected.graph
    for options in ({"input": "image"}, {"color": "bgr", "opset": 17}, {"target": "cuda"}):
        other = gp.CLIPImageProcessor(size=40, backend="torchvision").to_onnx(**options)
        assert origin.of_described(other.SerializeToString()) is not None


def test_a_graph_that_is_not_what_its_settings_give_keeps_its_nodes(model: onnx.ModelProto) -> None:
    """It was changed, or written by another version: only its dimensions are fixed."""
    changed = onnx.ModelProto.FromString(model.SerializeToString())
    last = changed.graph.node[-1]
    last.output[0], name = "before", last.output[0]
    changed.graph.node.append(helper.make_node("Neg", ["before"], [name]))
    session = Session(changed, specialise_after=2)
    first, second = (session.run({"images": batch(60, 50)})["pixel_values"] for _ in range(2))
    assert len(session._specialised) == 1
    assert (first == second).all()
    assert (first == -Session(model).run({"images": batch(60, 50)})["pixel_values"]).all()
    assert origin.of_described(changed.SerializeToString()) is None
    older = onnx.ModelProto.FromString(model.SerializeToString())
    next(entry for entry in older.metadata_props if entry.key == "graphproc.version").value = "0"
    assert origin.of_described(older.SerializeToString()) is None
    assert origin.of_described(b"") is None


def test_other_sizes_still_go_through_the_general_session(model: onnx.ModelProto, monkeypatch: pytest.MonkeyPatch) -> None:
    session = Session(model, specialise_after=2)
    general, made = spied(session, monkeypatch)
    for height, width in [(60, 50), (50, 60), (60, 50), (61, 50)]:
        expected = Session(model, specialise_after=None).run({"images": batch(height, width)})["pixel_values"]
        assert (session.run({"images": batch(height, width)})["pixel_values"] == expected).all()
    assert general.runs == 3
    assert [sizes for sizes, _ in made] == [{"height": 60, "width": 50}]


def test_the_number_of_images_is_no_size(model: onnx.ModelProto, monkeypatch: pytest.MonkeyPatch) -> None:
    session = Session(model, specialise_after=2)
    _, made = spied(session, monkeypatch)
    for count in (1, 2, 3):
        image = batch(60, 50, count)
        assert (session.run({"images": image})["pixel_values"] == Session(model).run({"images": image})["pixel_values"]).all()
    assert len(made) == 1


def test_never_specialise(model: onnx.ModelProto, monkeypatch: pytest.MonkeyPatch) -> None:
    session = Session(model, specialise_after=None)
    general, made = spied(session, monkeypatch)
    for _ in range(20):
        session.run({"images": batch(9, 9)})
    assert (general.runs, made) == (20, [])


def test_a_fixed_graph_has_nothing_to_specialise(monkeypatch: pytest.MonkeyPatch) -> None:
    session = Session(gp.ViTImageProcessor(size=20).to_onnx(image_size=(30, 40)), specialise_after=1)
    general, made = spied(session, monkeypatch)
    session.run({"images": batch(30, 40)})
    assert (general.runs, made) == (1, [])


def test_the_least_recently_used_size_is_dropped(model: onnx.ModelProto, monkeypatch: pytest.MonkeyPatch) -> None:
    assert MAX_SPECIALISED >= 2
    monkeypatch.setattr(session_module, "MAX_SPECIALISED", 2)
    session = Session(model, specialise_after=2)
    general, made = spied(session, monkeypatch)

    def twice(side: int) -> None:
        for _ in range(2):
            session.run({"images": batch(side, 40)})

    twice(50)
    twice(51)
    session.run({"images": batch(50, 40)})  # 51 is now the older one
    twice(52)
    assert [dict(key)["height"] for key in session._specialised] == [50, 52]
    runs = general.runs
    for _ in range(3):
        session.run({"images": batch(51, 40)})
    assert general.runs == runs + 3  # counted anew, twice as far
    session.run({"images": batch(51, 40)})
    assert [sizes["height"] for sizes, _ in made] == [50, 51, 52, 51]


def test_calls_of_a_processor_specialise_too() -> None:
    ours = gp.CLIPImageProcessor(size=40, crop_size=32)
    results = [ours(batch(60, 50)[0], return_tensors="np")["pixel_values"] for _ in range(SPECIALISE_AFTER + 2)]
    (session,) = ours._cache.sessions.values()
    assert len(session._specialised) == 1
    assert all((result == results[0]).all() for result in results)


@pytest.mark.parametrize("text", ["", "{", "[]", "5", "[" * 5000], ids=["empty", "cut", "a list", "a number", "deep"])
def test_descriptions_that_graphproc_did_not_write_are_refused(model: onnx.ModelProto, text: str) -> None:
    copy = onnx.ModelProto.FromString(model.SerializeToString())
    copy.metadata_props.add(key="graphproc.fusion", value=text)
    with pytest.raises(GraphError, match=r"expected an object in JSON in its metadata as graphproc\.fusion, got"):
        Session(copy)
