"""What reproductions are written with: short functions that are printed as source, and values as Python text."""

from __future__ import annotations

import inspect
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
import transformers
from PIL import Image

import graphproc as gp

Array = np.ndarray[Any, Any]
_OWN = tempfile.TemporaryDirectory(prefix="campaign-")
FOLDER = Path(_OWN.name)
"""The folder for files of images and settings; each process has its own (`write_to`)."""


def noise(seed, *shape, low=0, high=256, dtype="uint8"):
    """Draw uniform noise."""
    return np.random.default_rng(seed).uniform(low, high, shape).astype(dtype)


def marked(image, **info):
    """Return the image with entries in its `info`."""
    image.info.update(info)
    return image


def saved(image, name, orientation=1, **options):
    """Write the image to a file; return its path."""
    exif = Image.Exif()
    exif[0x0112] = orientation
    image.save(FOLDER / name, **options, **({} if orientation == 1 else {"exif": exif}))
    return str(FOLDER / name)


def frozen(array):
    """Return the array, read-only."""
    array.flags.writeable = False
    return array


HELPERS = {function.__name__: function for function in (noise, marked, saved, frozen)}
NAMESPACE: dict[str, Any] = {
    "np": np,
    "torch": torch,
    "transformers": transformers,
    "Image": Image,
    "gp": gp,
    "FOLDER": FOLDER,
    **HELPERS,
}


def write_to(folder: Path) -> None:
    """Write files of images and settings to a folder from now on."""
    global FOLDER
    NAMESPACE["FOLDER"] = FOLDER = folder


def evaluated(source: str) -> Any:
    """Return the value of an expression of a reproduction."""
    return eval(source, NAMESPACE)


def helpers_in(source: str) -> list[str]:
    """Return the source of the helpers that a text uses, without docstrings."""
    found = []
    for name, function in HELPERS.items():
        if f"{name}(" in source:
            lines = inspect.getsource(function).rstrip().split("\n")
            found += [line for line in lines if '"""' not in line]
    if any("FOLDER" in line for line in (*found, source)):
        found.insert(0, "FOLDER = __import__('pathlib').Path(__import__('tempfile').mkdtemp())")
    return found


def literal(value: Any) -> str:
    """Return a setting's value as Python text that evaluates to it."""
    if isinstance(value, Image.Resampling):
        return f"Image.Resampling.{value.name}"
    if isinstance(value, transformers.image_utils.SizeDict):
        return f"transformers.image_utils.SizeDict({', '.join(f'{k}={v!r}' for k, v in dict(value).items())})"
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{key!r}: {literal(item)}" for key, item in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(literal, value)) + "]"
    if isinstance(value, tuple):
        return "(" + "".join(f"{literal(item)}, " for item in value).rstrip(" " if len(value) == 1 else ", ") + ")"
    return repr(value)
