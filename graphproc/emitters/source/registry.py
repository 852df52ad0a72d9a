"""List the languages that size functions are written in.

The command line names them in its help, so that nothing heavy is imported here.
"""

from __future__ import annotations

from collections.abc import Sequence
from importlib import import_module
from typing import TYPE_CHECKING

from graphproc.errors import EmitError

if TYPE_CHECKING:
    from graphproc.sizes.function import SizeFunction

LANGUAGES = ("json", "onnx", "c", "javascript", "go", "rust", "python")
"""The languages, each a module of this folder."""


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
    from graphproc.emitters.source.assignments import EXACTNESS

    check_language(language)
    module = import_module(f"graphproc.emitters.source.{language}")
    if language == "onnx":
        serialized: bytes = module.model(function, [*about, EXACTNESS]).SerializeToString(deterministic=True)
        return serialized
    text: str = module.text([function], about if language == "python" else [*about, EXACTNESS])
    return text.encode()
