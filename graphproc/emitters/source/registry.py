"""List the languages that size functions are written in."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from importlib import import_module

from graphproc.emitters.source.assignments import LIMIT
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
"""The languages, each a module of this folder, and what a file of it is called for example."""
EXACTNESS = f"Whole numbers are exact: bounds prove it for sides up to {LIMIT} pixels, or a check refuses the size."
"""What is said in languages with whole numbers of 64 bits."""


def check_language(language: str) -> None:
    """Refuse a language that there is not.

    Raises:
        EmitError: it is none of `LANGUAGES`.
    """
    if language not in LANGUAGES:
        raise EmitError(f"language: expected one of {', '.join(LANGUAGES)}, got {language!r}")


def write(function: SizeFunction, language: str, about: Sequence[str]) -> bytes:
    """Return a size function in a language: text in UTF-8, or an ONNX model.

    Args:
        function: the function.
        language: one of `LANGUAGES`.
        about: lines of ASCII to say what it is.

    Raises:
        EmitError: there is no such language, or it cannot express the function.
        ProgramError: no arguments meet a precondition.
    """
    check_language(language)
    module = import_module(f"graphproc.emitters.source.{language}")
    if language == "onnx":
        serialized: bytes = module.model(function, [*about, EXACTNESS]).SerializeToString(deterministic=True)
        return serialized
    text: str = module.text([function], about if language == "python" else [*about, EXACTNESS])
    return text.encode()
