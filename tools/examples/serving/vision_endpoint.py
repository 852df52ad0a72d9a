"""An endpoint in OpenAI's style for images in chats: what comes in becomes what a vision-language model takes.

    pip install fastapi uvicorn graphproc
    python vision_endpoint.py Qwen/Qwen2-VL-2B-Instruct --port 8000

A request has messages with texts and images, `{"type": "image_url", "image_url": {"url": "data:image/png;base64,..."}}`.
The endpoint makes `pixel_values` and `image_grid_thw` of all images at once, and a prompt with as many image tokens as the
model will see. What follows is the caller's: `application(processor, complete)` calls `complete(prompt, features)` for the
answer's text. Run as a script, there is no model, and the answer says what one would be given.

A request's size, its number of images, and the pixels of each have limits. Only `data:` addresses are read. An address
such as http://... is refused, because a server that opens what strangers name can be sent to its own network; whoever
wants that gives `fetch`, which decides.
"""

import argparse
import base64
import binascii
import io
import json
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from fastapi import FastAPI, Request
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import JSONResponse
from PIL import Image, ImageOps

import graphproc as gp

MAX_BYTES = 50 << 20
MAX_IMAGES = 16
MAX_PIXELS = 40_000_000
START, PAD, END = "<|vision_start|>", "<|image_pad|>", "<|vision_end|>"
"""How the Qwen-VL family writes an image in a prompt; the middle token is repeated."""

Complete = Callable[[str, Mapping[str, np.ndarray]], str]
Fetch = Callable[[str], bytes]


class RefusedError(Exception):
    """A request that cannot be answered: the status, what is wrong, and where."""

    def __init__(self, status: int, message: str, param: str) -> None:
        super().__init__(message)
        self.status, self.param = status, param

    def response(self) -> JSONResponse:
        """Return it as OpenAI's API writes errors."""
        error = {"message": str(self), "type": "invalid_request_error", "param": self.param, "code": None}
        return JSONResponse({"error": error}, self.status)


def application(processor: Any, complete: Complete, fetch: Fetch | None = None) -> FastAPI:
    """Return the application.

    Args:
        processor: an image processor that gives `image_grid_thw`, such as Qwen2-VL's.
        complete: makes the answer of a prompt and the features of its images; called in a thread.
        fetch: returns the file at an address that is no `data:` address; None to refuse these.
    """
    app = FastAPI()

    @app.post("/v1/chat/completions")
    async def completions(request: Request) -> JSONResponse:
        try:
            body = await limited_body(request)
            prompt, features, tokens = await run_in_threadpool(prepare, body, processor, fetch)
        except RefusedError as refused:
            return refused.response()
        text = await run_in_threadpool(complete, prompt, features)
        choice = {"index": 0, "message": {"role": "assistant", "content": text}, "finish_reason": "stop"}
        details = {"image_tokens": sum(tokens), "images": tokens}
        return JSONResponse({"object": "chat.completion", "choices": [choice], "usage": {"prompt_tokens_details": details}})

    return app


async def limited_body(request: Request) -> Any:
    """Return a request's JSON, which may have `MAX_BYTES`."""
    data = bytearray()
    async for chunk in request.stream():
        data += chunk
        if len(data) > MAX_BYTES:
            raise RefusedError(413, f"expected a request of at most {MAX_BYTES} bytes", "messages")
    try:
        return json.loads(data)
    except (ValueError, RecursionError):
        raise RefusedError(400, "expected JSON", "messages") from None


def prepare(body: Any, processor: Any, fetch: Fetch | None = None) -> tuple[str, dict[str, np.ndarray], list[int]]:
    """Return the prompt, the features of all images, and how many tokens of the prompt stand for each image."""
    parts = list(parts_of(body))
    images = [decode(read(url, where, fetch), where) for kind, url, where in parts if kind == "image"]
    features: dict[str, np.ndarray] = {}
    tokens: list[int] = []
    if images:
        try:
            features = dict(processor(images, return_tensors="np", input_data_format="channels_last"))
        except gp.GraphprocError as error:  # it names the image: too thin, for one
            raise RefusedError(400, str(error), "messages") from None
        tokens = [int(patches) // processor.merge_size**2 for patches in features["image_grid_thw"].prod(axis=1)]
    counts = iter(tokens)
    prompt = "".join(f"{START}{PAD * next(counts)}{END}" if kind == "image" else text for kind, text, _ in parts)
    return prompt, features, tokens


def parts_of(body: Any) -> list[tuple[str, str, str]]:
    """Return (`text` or `image`, the text or the address, where it stands) for all that the messages say."""
    messages = body.get("messages") if isinstance(body, dict) else None
    if not isinstance(messages, list) or not messages:
        raise RefusedError(400, "expected a list of messages", "messages")
    found = []
    for number, message in enumerate(messages):
        content = message.get("content") if isinstance(message, dict) else None
        if isinstance(content, str):
            content = [{"type": "text", "text": content}]
        if not isinstance(content, list):
            raise RefusedError(400, "expected a text or a list of parts", f"messages[{number}].content")
        for position, part in enumerate(content):
            where = f"messages[{number}].content[{position}]"
            match part:
                case {"type": "text", "text": str(text)}:
                    found.append(("text", text, where))
                case {"type": "image_url", "image_url": {"url": str(url)}}:
                    found.append(("image", url, f"{where}.image_url.url"))
                case _:
                    raise RefusedError(400, "expected a part of type text or image_url", where)
    if sum(kind == "image" for kind, *_ in found) > MAX_IMAGES:  # before any is decoded
        raise RefusedError(400, f"expected at most {MAX_IMAGES} images", "messages")
    return found


def read(url: str, where: str, fetch: Fetch | None) -> bytes:
    """Return the bytes of an image file that is written in an address, or that `fetch` gives for it."""
    head, comma, data = url.partition(",")
    if head.startswith("data:image/") and head.endswith(";base64") and comma:
        try:
            return base64.b64decode(data, validate=True)
        except (ValueError, binascii.Error):
            raise RefusedError(400, "expected base64 behind the comma", where) from None
    if fetch is None or url.startswith("data:"):
        raise RefusedError(400, f"expected data:image/TYPE;base64,DATA, got {url[:40]!r}. Fetch the image first.", where)
    return fetch(url)


def decode(data: bytes, where: str) -> np.ndarray:
    """Return the pixels of an image file, turned upright: uint8 [height, width, 3]."""
    try:
        with Image.open(io.BytesIO(data)) as opened:
            if opened.width * opened.height > MAX_PIXELS:
                size = f"{opened.width} x {opened.height}"
                raise RefusedError(413, f"expected at most {MAX_PIXELS} pixels, got {size}", where)
            return np.asarray(ImageOps.exif_transpose(opened).convert("RGB"))
    except RefusedError:
        raise
    except Exception as error:  # Pillow's decoders raise many types on damaged data
        raise RefusedError(
            400, f"expected an image file, got one that cannot be decoded ({type(error).__name__})", where
        ) from None


def describe(prompt: str, features: Mapping[str, np.ndarray]) -> str:
    """Return what a model would be given."""
    given = ", ".join(f"{name} {value.dtype}{list(value.shape)}" for name, value in features.items())
    return f"A prompt of {len(prompt)} characters and {given or 'no images'}."


def main() -> None:
    """Serve until interrupted."""
    import uvicorn

    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("source", help="a processor: a Hub id, a folder or a JSON file")
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=8000)
    options = parser.parse_args()
    processor = gp.AutoImageProcessor.from_pretrained(options.source)
    uvicorn.run(application(processor, describe), host=options.host, port=options.port, log_level="warning")


if __name__ == "__main__":
    main()
