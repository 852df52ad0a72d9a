"""List the languages that size functions are written in."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from importlib import import_module

from graphproc.errors import EmitError
from graphproc.sizes.function import SizeFunction

LANGUAGES: Mapping[str, str] = {
    "json": "sizes.json",
    "onnx": "sizes.onnx",
    "c": "sizes.c",
    "javascript": "sizes.mjs",
    "go": "sizes.go",
    "rust": "sizes.rs",
    "python": "sizes.py",
}
"""The languages, each a module of this folder, and what a file of it is usually called."""


def write(function: SizeFunction, language: str, about: Sequence[str]) -> bytes:
    """Return a size function in a language: text in UTF-8, or an ONNX model.

    Args:
        function: the function.
        language: one of `LANGUAGES`.
        about: lines to say what it is.

    Raises:
        EmitError: there is no such language, or it cannot express the function.
    """
    if language not in LANGUAGES:
        raise EmitError(f"language: expected one of {', '.join(LANGUAGES)}, got {language!r}")
    module = import_module(f"graphproc.emitters.source.{language}")
    if language == "onnx":
        serialized: bytes = module.model(function, about).SerializeToString(deterministic=True)
        return serialized
    text: str = module.text([function], about)
    return text.encode()
