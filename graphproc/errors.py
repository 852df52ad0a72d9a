"""Every error that graphproc raises on purpose.

A message reads `<op, key or file>: expected ..., got .... <what to do>`. The command line turns these classes, and only
these, into one line of text and exit code 2; anything else is a defect and keeps its traceback.
"""

from __future__ import annotations

import sys
import warnings


class GraphprocError(Exception):
    """Base of every deliberate error."""


class ConfigError(GraphprocError, ValueError):
    """A configuration or a call setting has no meaning: names the key, what was expected and what was found."""


class UnsupportedProcessorError(ConfigError):
    """The processor class is unknown or not supported: names the nearest supported class."""


class ImageError(GraphprocError, ValueError):
    """An input image cannot be read or has an unusable shape, dtype or channel count."""


class ShapeError(GraphprocError, ValueError):
    """An op was given a value of a rank, layout or size that it does not accept."""


class ProgramError(GraphprocError, ValueError):
    """A program breaks a rule of the IR (unknown value, type mismatch, duplicate name)."""


class TracedBranchError(GraphprocError, TypeError):
    """A size rule branched on a traced value, which has no truth value before the image is known."""


class EmitError(GraphprocError, ValueError):
    """A program cannot be written as an ONNX graph with the requested options."""


class RuntimeUnavailableError(GraphprocError, RuntimeError):
    """The requested ONNX Runtime provider or optional package is not installed; the message says how to get it."""


class MissingNameError(RuntimeUnavailableError, AttributeError):
    """A name of the package needs something that is not installed, so that the package has no such attribute here."""


class GraphError(GraphprocError, ValueError):
    """An ONNX file is missing, unreadable, or was not written by graphproc where that is required."""


class FusionError(GraphError):
    """A preprocessing graph and a model cannot be joined: names both sides."""


def warn(text: str) -> None:
    """Warn the caller of the package: the warning names the first line outside of it that led here."""
    level, frame = 2, sys._getframe(1)
    while frame.f_back is not None and frame.f_globals.get("__name__", "").partition(".")[0] == "graphproc":
        level, frame = level + 1, frame.f_back
    warnings.warn(text, UserWarning, stacklevel=level)
