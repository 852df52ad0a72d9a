"""Calls of several images: on any number of threads the same, in order, without copies, with errors that name the image."""

from __future__ import annotations

import contextlib
import copy
import multiprocessing
import os
import pickle
import threading
import tracemalloc
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tiers
import torch
from PIL import Image

import graphproc as gp
from graphproc.errors import ConfigError, ImageError
from graphproc.runtime.session import Session
from graphproc.runtime.thread_counts import default_threads
from graphproc.wrappers import running

Array = np.ndarray[Any, Any]

CLASSES: dict[str, dict[str, Any]] = {
    "CLIPImageProcessor": {"size": 30, "crop_size": 24},
    "DetrImageProcessor": {"size": {"shortest_edge": 40, "longest_edge": 60}},
    "SamImageProcessor": {"size": {"longest_edge": 48}, "pad_size": {"height": 48, "width": 48}},
    "Qwen2VLImageProcessor": {"size": {"shortest_edge": 28 * 28, "longest_edge": 56 * 56}},
    "LlavaNextImageProcessor": {
        "size": {"shortest_edge": 24},
        "crop_size": 24,
        "image_grid_pinpoints": [[24, 48], [48, 24], [48, 48]],
    },
    "Siglip2ImageProcessor": {"max_num_patches": 16},
    "PoolFormerImageProcessor": {"size": {"shortest_edge": 21}, "crop_size": 20},
    "VideoMAEImageProcessor": {"size": 24, "crop_size": 24},
}
"""Classes with results that are stacked, padded, concatenated, of several kinds, or that belong to samples."""


def noise(*shape: int, seed: int = 0) -> Array:
    return np.random.default_rng((seed, *shape)).integers(0, 256, shape, dtype=np.uint8)


def mixed(count: int = 14) -> list[Array]:
    """Return images of three sizes, in no order."""
    sizes = [(30, 40), (41, 33), (30, 40), (30, 40), (52, 31)]
    return [noise(*sizes[i % len(sizes)], 3, seed=i) for i in range(count)]


def same(have: Any, want: Any) -> None:
    assert type(have) is type(want)
    if isinstance(want, dict):
        assert list(have) == list(want)
        same(list(have.values()), list(want.values()))
    elif isinstance(want, (list, tuple)):
        assert len(have) == len(want)
        for a, b in zip(have, want, strict=True):
            same(a, b)
    elif isinstance(want, torch.Tensor):
        same(have.numpy(), want.numpy())
    elif isinstance(want, np.ndarray):
        assert have.dtype == want.dtype
        assert have.shape == want.shape
        if want.dtype == object:
            same(list(have), list(want))
        else:
            assert (have == want).all()
    else:
        assert have == want


def call(ours: Any, images: Any, **options: Any) -> Any:
    """Return a call's outputs, or the message of its error."""
    try:
        found = ours(images, **options)
    except gp.GraphprocError as error:
        return str(error)
    return dict(found) if isinstance(found, gp.BatchFeature) else found


# ---- results ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", tiers.rows(CLASSES, [*CLASSES][::3]))
def test_threads_change_nothing(name: str) -> None:
    ours = getattr(gp, name)(**CLASSES[name])
    for images in (mixed(9), noise(5, 30, 40, 3), [noise(30, 40, 3)]):
        for tensors in (None, "np"):
            expected = call(ours, images, engine="numpy", return_tensors=tensors)
            for threads in (1, 2):
                ours.threads = threads
                same(call(ours, images, return_tensors=tensors), expected)


def test_samples_of_several_images() -> None:
    ours = gp.VideoMAEImageProcessor(**CLASSES["VideoMAEImageProcessor"])
    for videos in ([mixed(4), mixed(4)], [list(noise(3, 30, 40, 3)), list(noise(2, 30, 40, 3))], noise(4, 30, 40, 3)):
        for tensors in (None, "np"):
            expected = call(ours, videos, engine="numpy", return_tensors=tensors)
            for threads in (1, 2):
                ours.threads = threads
                same(call(ours, videos, return_tensors=tensors), expected)


def test_images_that_the_graph_does_not_take_may_be_among_them() -> None:
    ours = gp.CLIPImageProcessor(**CLASSES["CLIPImageProcessor"])
    images = mixed(7)
    for index, change in {0: lambda x: x / 255, 3: lambda x: x.astype(np.int64), 6: lambda x: x.astype(np.float32)}.items():
        images[index] = change(images[index])
    for threads in (1, 2):
        ours.threads = threads
        same(call(ours, images, return_tensors="np"), call(ours, images, return_tensors="np", engine="numpy"))


def test_many_calls_at_a_time() -> None:
    ours = gp.CLIPImageProcessor(**CLASSES["CLIPImageProcessor"])
    ours.threads = 2
    images = mixed()
    expected = ours(images, return_tensors="np")["pixel_values"]
    equal: list[bool] = []

    def calls() -> None:
        found = [ours(images, return_tensors="np")["pixel_values"] for _ in range(5)]
        equal.extend(bool((x == expected).all()) for x in found)

    threads = [threading.Thread(target=calls) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert equal == [True] * 15


@pytest.mark.parametrize("threads", [1, 2])
def test_files_are_in_order(threads: int, tmp_path: Path) -> None:
    ours = gp.CLIPImageProcessor(**CLASSES["CLIPImageProcessor"])
    ours.threads = threads
    images: list[Any] = mixed()
    paths = [tmp_path / f"{index}.png" for index in range(len(images))]
    for path, image in zip(paths, images, strict=True):
        Image.fromarray(image).save(path)
    expected = ours(images, return_tensors="np")["pixel_values"]
    given: list[Any] = [str(paths[0]), *paths[1:7], Image.open(paths[7]), *images[8:10], *paths[10:]]
    assert (ours(given, return_tensors="np")["pixel_values"] == expected).all()


# ---- copies ----------------------------------------------------------------------------------------------------------


@contextlib.contextmanager
def runs(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[tuple[Array, dict[str, Array]]]]:
    """Yield the images of each run of a graph, and the arrays that ONNX Runtime wrote to."""
    seen = []
    real = Session.run

    def run(self: Session, inputs: Any, out: Any = None) -> Any:
        outputs = real(self, inputs, out)
        seen.append((inputs["images"], outputs))
        return outputs

    with monkeypatch.context() as patch:
        patch.setattr(Session, "run", run)
        yield seen


@pytest.mark.parametrize("name", tiers.rows(CLASSES, [*CLASSES][::3]))
@pytest.mark.parametrize("threads", tiers.rows([1, 2], [2]))
def test_pixels_are_not_copied(name: str, threads: int, monkeypatch: pytest.MonkeyPatch) -> None:
    ours = getattr(gp, name)(**CLASSES[name])
    ours.threads = threads
    images = noise(6, 30, 40, 3)
    for given in (images, torch.from_numpy(images), [images[0]]):
        for tensors in ("np", "pt"):
            with runs(monkeypatch) as seen:
                result = ours(given, return_tensors=tensors)["pixel_values"]
            assert sum(len(batch) for batch, _ in seen) == len(given)
            for batch, outputs in seen:
                assert np.shares_memory(batch, images)
                assert np.shares_memory(outputs["pixel_values"], np.asarray(result))


def test_results_of_several_sizes_go_into_one_array(monkeypatch: pytest.MonkeyPatch) -> None:
    ours = gp.CLIPImageProcessor(**CLASSES["CLIPImageProcessor"])
    with runs(monkeypatch) as seen:
        result = ours([noise(30, 40, 3), noise(40, 30, 3), noise(31, 41, 3)], return_tensors="pt")["pixel_values"]
    assert [len(batch) for batch, _ in seen] == [1, 1, 1]
    assert all(np.shares_memory(outputs["pixel_values"], result.numpy()) for _, outputs in seen)


@pytest.mark.parametrize("make", [lambda x: x, torch.from_numpy, Image.fromarray], ids=["array", "tensor", "PIL image"])
def test_a_call_allocates_its_result_only(make: Any) -> None:
    """And Pillow's bytes of a PIL image."""
    image = noise(427, 640, 3)
    ours, given = gp.CLIPImageProcessor(), make(image)
    ours(given, return_tensors="np")
    tracemalloc.start()
    try:
        result = ours(given, return_tensors="np")["pixel_values"]
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    # While Pillow's bytes are joined, they are there twice.
    allowed = 2 * image.nbytes if isinstance(given, Image.Image) else result.nbytes
    assert peak < max(allowed, result.nbytes + (image.nbytes if isinstance(given, Image.Image) else 0)) + 100_000


def test_images_apart_in_memory_are_not_taken_for_neighbours(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(running, "MOST_IMAGES", 4)
    ours = gp.CLIPImageProcessor(**CLASSES["CLIPImageProcessor"])
    ours.threads = 1
    images = noise(8, 30, 40, 3)
    for chosen in ([0, 1, 2, 3], [0, 2, 4, 6], [3, 2, 1, 0], [0, 1, 2, 2], [4, 5, 6, 0]):
        given = [images[i] for i in chosen]
        same(dict(ours(given, return_tensors="np")), dict(ours(given, return_tensors="np", engine="numpy")))
    mirrored = images[:, :, ::-1]
    same(dict(ours(mirrored, return_tensors="np")), dict(ours(mirrored, return_tensors="np", engine="numpy")))


@pytest.mark.slow
def test_results_are_writable_and_stay_as_they_are() -> None:
    for name, settings in CLASSES.items():
        ours = getattr(gp, name)(**settings)
        image = Image.fromarray(noise(30, 40, 3))
        first = ours(image, return_tensors="np")["pixel_values"]
        kept = first.copy()
        ours(noise(30, 40, 3, seed=1), return_tensors="np")
        assert (first == kept).all()
        first[...] = 0
        ours(image, return_tensors="np", engine="numpy")["pixel_values"][...] = 0


def test_results_can_be_written_to_where_the_image_passes_unchanged() -> None:
    ours = gp.CLIPImageProcessor(do_resize=False, do_center_crop=False, do_rescale=False, do_normalize=False)
    ours(Image.new("RGB", (1, 1)), engine="numpy")["pixel_values"][0][...] = 1


# ---- runs ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("count", "threads", "expected"),
    [(1, 2, [1]), (2, 2, [1, 1]), (8, 2, [4, 4]), (20, 1, [8, 8, 4]), (20, 2, [8, 8, 4])],
)
def test_images_of_one_size_run_together(count: int, threads: int, expected: list[int], monkeypatch: pytest.MonkeyPatch) -> None:
    assert running.MOST_IMAGES == 8
    ours = gp.CLIPImageProcessor(**CLASSES["CLIPImageProcessor"])
    ours.threads = threads
    with runs(monkeypatch) as seen:
        ours(noise(count, 30, 40, 3))
    assert sorted((len(batch) for batch, _ in seen), reverse=True) == expected


def test_large_images_run_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(running, "MOST_BYTES", 2 * 30 * 40 * 3)
    ours = gp.CLIPImageProcessor(**CLASSES["CLIPImageProcessor"])
    ours.threads = 1
    with runs(monkeypatch) as seen:
        ours([*noise(5, 30, 40, 3), *noise(3, 60, 40, 3)])
    assert [len(batch) for batch, _ in seen] == [2, 2, 1, 1, 1, 1] or sorted(len(b) for b, _ in seen) == [1, 1, 1, 1, 2, 2]


def test_a_single_image_has_the_threads_of_its_session_and_others_workers() -> None:
    ours = gp.CLIPImageProcessor(**CLASSES["CLIPImageProcessor"])
    ours.threads = 3
    ours(noise(30, 40, 3))
    ours(mixed())
    alone, together = ours._cache.sessions.values()
    assert (alone._threads, together._threads) == (3, 1)
    assert len({alone._memory, together._memory, ours._cache.memory}) == 3  # other processors may run the sessions, too
    assert set(together._of_workers) <= {1, 2}


@pytest.mark.parametrize("threads", [0, -1, True, 2.0, "2"])
def test_other_numbers_of_threads_are_refused(threads: Any) -> None:
    ours = gp.ViTImageProcessor()
    with pytest.raises(ConfigError, match="threads: expected a whole number from 1, or None, got"):
        ours.threads = threads
    assert ours.threads is None


def test_the_number_of_threads_goes_with_copies_and_not_into_files() -> None:
    ours = gp.ViTImageProcessor(size=20)
    ours.threads = 1
    ours(mixed())
    for again in (copy.copy(ours), copy.deepcopy(ours), pickle.loads(pickle.dumps(ours))):
        assert again.threads == 1
        assert not again._cache.sessions
        assert again(mixed(), return_tensors="np")["pixel_values"].shape == (14, 3, 20, 20)
    assert "threads" not in ours.to_dict()
    assert gp.AutoImageProcessor.from_dict({"image_processor_type": "ViTImageProcessor", "threads": 7}).threads is None


# ---- errors ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("threads", [1, 2])
def test_errors_name_the_image(threads: int, tmp_path: Path) -> None:
    ours = gp.CLIPImageProcessor(**CLASSES["CLIPImageProcessor"])
    ours.threads = threads
    images: list[Any] = mixed()
    with pytest.raises(ImageError, match=r"^image 5: image: expected 1, 3 or 4 channels"):
        ours([*images[:5], noise(30, 40, 5), *images[5:]])
    with pytest.raises(ImageError, match=r"^image: expected 1, 3 or 4 channels"):
        ours(noise(30, 40, 5))
    damaged = tmp_path / "damaged.png"
    damaged.write_bytes(b"no image")
    with pytest.raises(ImageError, match=r"^image '.*damaged\.png': expected a complete image file"):
        ours([*images[:5], damaged, *images[5:]])
    assert len(ours(images)["pixel_values"]) == len(images)


@pytest.mark.parametrize("threads", [1, 2])
def test_errors_of_a_run_name_its_images(threads: int, monkeypatch: pytest.MonkeyPatch) -> None:
    ours = gp.CLIPImageProcessor(**CLASSES["CLIPImageProcessor"])
    ours.threads = threads
    real = Session.run

    def run(self: Session, inputs: Any, out: Any = None) -> Any:
        if inputs["images"].shape[1] == 41:
            raise ImageError("graph: ONNX Runtime refused the input. Out of memory")
        return real(self, inputs, out)

    monkeypatch.setattr(Session, "run", run)
    with pytest.raises(ImageError, match=r"^image 1, image 6, image 11: graph: ONNX Runtime refused the input"):
        ours(mixed())
    with pytest.raises(ImageError, match=r"^image 1: graph: ONNX Runtime refused the input"):
        ours(mixed(3))


# ---- processes -------------------------------------------------------------------------------------------------------


def _in_child(ours: Any, images: list[Array], queue: Any) -> None:
    queue.put((default_threads(), ours(images, return_tensors="np")["pixel_values"]))


@pytest.mark.skipif("fork" not in multiprocessing.get_all_start_methods(), reason="the system does not fork")
@pytest.mark.filterwarnings("ignore:This process .* is multi-threaded:DeprecationWarning")
def test_a_processor_works_after_a_fork() -> None:
    """As in a data loader: workers of the parent do not exist there, and other processes use the other cores."""
    ours = gp.CLIPImageProcessor(**CLASSES["CLIPImageProcessor"])
    expected = ours(mixed(), return_tensors="np")["pixel_values"]
    context = multiprocessing.get_context("fork")
    for threads, default in ((None, 1), (2, 1)):
        ours.threads = threads
        queue = context.SimpleQueue()
        child = context.Process(target=_in_child, args=(ours, mixed(), queue))
        child.start()
        found, result = queue.get()
        child.join()
        assert found == default
        assert (result == expected).all()
    assert default_threads() <= max(1, os.cpu_count() or 1)


ONE_PIXEL = {"size": {"shortest_edge": 1, "longest_edge": 3}, "do_center_crop": False}


@pytest.mark.parametrize("engine", ["onnxruntime", "numpy"])
@pytest.mark.parametrize(
    ("bad", "settings", "what"),
    [
        (noise(20, 30, 5), {}, "1, 3 or 4 channels"),
        (noise(20, 30, 3).astype(complex), {}, "integer, floating or boolean"),
        (noise(20, 30, 3) - 300.5, {"backend": "pil"}, r"whole numbers in 0\.\.255"),
        (noise(20, 30, 4) * 3.5, {}, "expected values from 0 to 1"),
        (noise(20, 30, 1), {"do_convert_rgb": False}, "one for each of the 1 channels"),
        (np.zeros((20, 0, 3), np.uint8), {}, "at least one pixel"),
        (noise(2, 700, 3), ONE_PIXEL, "less than 1 pixel"),
    ],
)
@pytest.mark.parametrize("several", [False, True])
def test_errors_say_which_image_they_are_about(
    bad: Array, settings: dict[str, Any], what: str, engine: str, several: bool
) -> None:
    ours = gp.CLIPImageProcessor(engine=engine, **settings)
    good = noise(20, 30, 3)
    with pytest.raises((ImageError, ConfigError), match=what) as caught:
        ours([good, good, bad, good] if several else bad)
    assert str(caught.value).startswith("image 2: ") == several


@pytest.mark.slow
def test_errors_about_a_file_name_it(tmp_path: Path) -> None:
    path = tmp_path / "long.png"
    Image.fromarray(noise(1, 700, 3)).save(path)
    ours = gp.CLIPImageProcessor(size={"shortest_edge": 1, "longest_edge": 3}, do_center_crop=False)
    for engine in ("onnxruntime", "numpy"):
        for images in (str(path), [noise(20, 30, 3), path]):
            with pytest.raises(ImageError, match=r"^image '.*long\.png': .* less than 1 pixel"):
                ours(images, engine=engine)
