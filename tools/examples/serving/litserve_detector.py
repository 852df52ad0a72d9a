"""Serve a fused detector with LitServe: an image file comes in, boxes in its pixels go out.

    pip install litserve graphproc
    graphproc fuse RTDetrImageProcessor model.onnx --post RTDetrImageProcessor --input sequence -o detector.onnx
    python litserve_detector.py detector.onnx --port 8000
    curl --data-binary @photo.jpg http://127.0.0.1:8000/predict

Requests that wait together are one run of the graph, whatever the sizes of their images: with `--input sequence`
it reads images of different sizes, and boxes are in the pixels of each.

A file is decoded before its request is put into a batch. LitServe answers all requests of a batch with an error if
`decode_request` or `encode_response` raises one, so neither does here: a broken file is turned away by the HTTP
server with 400, one that is too large with 413, and an image that the graph refuses is answered with 422.
"""

# Annotations are read by FastAPI, so they stay objects: no `from __future__ import annotations` here.

import argparse
import io
from typing import Annotated, Any

import litserve
import numpy as np
from fastapi import Depends, HTTPException, Request
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import JSONResponse
from PIL import Image, ImageOps

import graphproc as gp

MAX_BYTES = 20 << 20
MAX_PIXELS = 40_000_000


async def read_image(request: Request) -> np.ndarray:
    """Return the image of a request, uint8 [height, width, 3]: a dependency that FastAPI calls in the HTTP server."""
    data = bytearray()
    async for chunk in request.stream():
        data += chunk
        if len(data) > MAX_BYTES:
            raise HTTPException(413, f"expected a file of at most {MAX_BYTES} bytes")
    return await run_in_threadpool(decode, bytes(data))


def decode(data: bytes) -> np.ndarray:
    """Return the pixels of an image file, turned upright."""
    try:
        with Image.open(io.BytesIO(data)) as opened:
            if opened.width * opened.height > MAX_PIXELS:
                raise HTTPException(413, f"expected at most {MAX_PIXELS} pixels, got {opened.width} x {opened.height}")
            return np.asarray(ImageOps.exif_transpose(opened).convert("RGB"))
    except HTTPException:
        raise
    except Exception as error:  # Pillow's decoders raise many types on damaged data
        raise HTTPException(400, f"expected an image file, got one that cannot be decoded ({type(error).__name__})") from None


class Detector(litserve.LitAPI):
    """Answers requests with the boxes of a fused graph of `--input sequence`."""

    def __init__(self, graph: str, **options: Any) -> None:
        super().__init__(**options)
        self.graph = graph

    def setup(self, device: str) -> None:
        """Load the graph, in each worker."""
        self.session = gp.Session(self.graph, "cuda" if device.startswith("cuda") else "cpu")

    def decode_request(self, request: Annotated[np.ndarray, Depends(read_image)]) -> np.ndarray:
        """Return the image, which `read_image` has decoded."""
        return request

    def batch(self, inputs: list[np.ndarray]) -> list[np.ndarray]:
        """Leave images of different sizes as they are."""
        return inputs

    def predict(self, images: list[np.ndarray]) -> list[dict[str, Any] | str]:
        """Return the boxes of each image, or why the graph refuses it."""
        try:
            return self.detect(images)
        except gp.GraphprocError as error:
            if len(images) == 1:
                return [str(error)]
            return [found for image in images for found in self.predict([image])]

    def detect(self, images: list[np.ndarray]) -> list[dict[str, Any] | str]:
        """Run the graph once, and keep the rows of each image that count."""
        found = self.session.run({"images": images})
        rows = [int(count) for count in found["count"].ravel()]
        return [{name: found[name][i, :n].tolist() for name in ("scores", "labels", "boxes")} for i, n in enumerate(rows)]

    def unbatch(self, output: list[Any]) -> list[Any]:
        """Return the answers as they are."""
        return output

    def encode_response(self, output: dict[str, Any] | str):  # without an annotation, or FastAPI would make a schema of it
        """Return a JSON object, or 422 with the reason."""
        return JSONResponse({"detail": output}, 422) if isinstance(output, str) else output


def main() -> None:
    """Serve until interrupted."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("graph", help="a fused graph of a detector, made with --post and --input sequence")
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=8000)
    parser.add_argument("--batch", type=int, default=8, help="how many images one run takes at most")
    options = parser.parse_args()
    api = Detector(options.graph, max_batch_size=options.batch, batch_timeout=0.005)
    server = litserve.LitServer(api, accelerator="cpu", timeout=60)
    server.run(host=options.host, port=options.port, generate_client_file=False, log_level="warning")


if __name__ == "__main__":
    main()
