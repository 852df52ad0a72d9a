"""What the tests of servers share: their recipes as modules, image files, and requests to this machine."""

from __future__ import annotations

import http.client
import importlib.util
import io
import json
import socket
import sys
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from graphproc.wrappers.examples import photograph

Array = np.ndarray[Any, Any]

FOLDER = Path(__file__).resolve().parents[2] / "tools" / "examples" / "serving"
PHOTO = photograph()
MISSING = "servers: pip install '.[serving]'"


def load(name: str) -> Any:
    """Load a recipe as a module."""
    spec = importlib.util.spec_from_file_location(f"serving_{name}", FOLDER / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = sys.modules[spec.name] = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def file_of(image: Array, kind: str) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(image).save(buffer, kind, quality=95)
    return buffer.getvalue()


def pixels(data: bytes) -> Array:
    return np.array(Image.open(io.BytesIO(data)).convert("RGB"))


def resized(height: int, width: int) -> Array:
    return np.array(Image.fromarray(PHOTO).resize((width, height)))


def free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        port: int = one.getsockname()[1]
    return port


def request(connection: http.client.HTTPConnection, path: str, body: bytes) -> tuple[int, Any]:
    connection.request("POST", path, body)
    response = connection.getresponse()
    return response.status, json.loads(response.read())
