"""The LitServe recipe of tools/examples/serving, as a server on this machine alone; it skips without its package."""

from __future__ import annotations

import http.client
import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from support.nets import detector
from support.servers import FOLDER, MISSING, PHOTO, file_of, free_port, load, pixels, request, resized

import graphproc as gp

Array = np.ndarray[Any, Any]

IMAGES = tuple(
    np.ascontiguousarray(part) for part in (PHOTO[:60, :90], PHOTO[20:90, 10:60], PHOTO[100:133, 5:100], PHOTO, PHOTO[200:, 300:])
)
"""Images of five sizes, with different things in them."""
CLIENTS = 16
REQUESTS = int(os.environ.get("GRAPHPROC_HTTP_REQUESTS", "200"))
"""How many requests the HTTP test makes; `GRAPHPROC_HTTP_REQUESTS=1000` for more."""


@pytest.fixture(scope="module")
def graph(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Write a fused detector of sequences."""
    path = tmp_path_factory.mktemp("detector") / "detector.onnx"
    processor = gp.RTDetrImageProcessor(size={"height": 32, "width": 40})
    options = {"threshold": 0.96}
    gp.fuse(processor, detector(), post=processor, post_options=options, input="sequence", output=path)
    return path


def boxes(session: gp.Session, image: Array) -> dict[str, Any]:
    """Return the boxes of one image, as JSON has them."""
    found = session.run({"images": [image]})
    rows = int(found["count"].ravel()[0])
    return {name: found[name][0, :rows].tolist() for name in ("scores", "labels", "boxes")}


@contextmanager
def served(graph: Path, folder: Path) -> Iterator[int]:
    """Run the recipe in a process of its own, and end it and its children."""
    port = free_port()
    command = [sys.executable, FOLDER / "litserve_detector.py", graph, "--port", str(port)]
    environment = {**os.environ, "PYTHONPATH": str(FOLDER.parents[2])}
    with (folder / "log").open("wb") as log:
        server = subprocess.Popen(command, cwd=folder, env=environment, stdout=log, stderr=log, start_new_session=True)
    try:
        end = time.monotonic() + 60
        while True:
            assert server.poll() is None, (folder / "log").read_text()
            assert time.monotonic() < end, (folder / "log").read_text()
            with suppress(OSError), closing(http.client.HTTPConnection("127.0.0.1", port, timeout=5)) as connection:
                connection.request("GET", "/health")
                if connection.getresponse().status == 200:
                    break
            time.sleep(0.2)
        yield port
    finally:
        os.killpg(server.pid, signal.SIGKILL)
        server.wait()


BROKEN = (
    (file_of(resized(70, 50), "JPEG")[:400], 400, "cannot be decoded (OSError)"),
    (b"no image at all", 400, "cannot be decoded (UnidentifiedImageError)"),
    (b"", 400, "cannot be decoded (UnidentifiedImageError)"),
    (b"P5 7000 7000 255\n", 413, "expected at most 40000000 pixels, got 7000 x 7000"),
)


@pytest.mark.slow
def test_many_clients_of_a_detector(graph: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Sixteen clients at once, images of several sizes, one file in fifty broken: answers are right, or say what is wrong."""
    pytest.importorskip("litserve", reason=MISSING)
    session = gp.Session(graph)
    files = [file_of(image, kind) for image in IMAGES for kind in ("JPEG", "PNG")]
    expected = [(200, boxes(session, pixels(data))) for data in files]
    wrong: list[Any] = []
    statuses: Counter[int] = Counter()
    lock = threading.Lock()

    def ask(connection: http.client.HTTPConnection, number: int) -> tuple[tuple[int, Any], bool]:
        if number % 50 == 25:
            data, status, reason = BROKEN[number // 50 % len(BROKEN)]
            found = request(connection, "/predict", data)
            return found, found[0] == status and reason in found[1]["detail"]
        kind = number % len(files)
        found = request(connection, "/predict", files[kind])
        return found, found == expected[kind]

    def client(first: int, port: int) -> None:
        with closing(http.client.HTTPConnection("127.0.0.1", port, timeout=60)) as connection:
            for number in range(first, REQUESTS, CLIENTS):
                found, right = ask(connection, number)
                with lock:
                    statuses[found[0]] += 1
                    wrong.extend([] if right else [(number, found)])

    with served(graph, tmp_path) as port:
        start = time.monotonic()
        threads = [threading.Thread(target=client, args=(first, port)) for first in range(CLIENTS)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(300)
        seconds = time.monotonic() - start
    with capsys.disabled():
        print(f"\n{sum(statuses.values())} requests, {CLIENTS} clients, {seconds:.1f} s: {dict(statuses)}, {len(wrong)} wrong")
    assert wrong == []
    assert sum(statuses.values()) == REQUESTS
    assert statuses[200] == REQUESTS - sum(statuses[code] for code in (400, 413))
    assert sum(statuses[code] for code in (400, 413)) == len(range(25, REQUESTS, 50))


def test_a_run_takes_images_of_different_sizes(graph: Path) -> None:
    pytest.importorskip("litserve", reason=MISSING)
    recipe = load("litserve_detector")
    api = recipe.Detector(str(graph), max_batch_size=8)
    api.setup("cpu")
    session, images = gp.Session(graph), list(IMAGES)
    runs: list[int] = []
    run = api.session.run
    api.session.run = lambda feeds: (runs.append(len(feeds["images"])), run(feeds))[1]
    found = api.unbatch(api.predict(api.batch(images)))
    assert runs == [5]
    assert [api.encode_response(one) for one in found] == [boxes(session, image) for image in images]
    assert len({len(one["scores"]) for one in found}) > 1


def test_one_refused_image_does_not_spoil_the_others(graph: Path) -> None:
    pytest.importorskip("litserve", reason=MISSING)
    recipe = load("litserve_detector")
    api = recipe.Detector(str(graph), max_batch_size=8)
    api.setup("cpu")
    run, good = api.session.run, resized(60, 90)

    def refusing(feeds: Mapping[str, Sequence[Array]]) -> Any:
        if any(len(image) < 2 for image in feeds["images"]):
            raise gp.ImageError("image 0: too thin")
        return run(feeds)

    api.session.run = refusing
    first, second, third = (api.encode_response(one) for one in api.predict([good, resized(1, 90), good]))
    assert first == third == boxes(gp.Session(graph), good)
    assert (second.status_code, json.loads(second.body)) == (422, {"detail": "image 0: too thin"})
