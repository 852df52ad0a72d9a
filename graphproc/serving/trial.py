"""Load graphs in ONNX Runtime before a server does, and run them once."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from graphproc.errors import GraphError

Array = np.ndarray[Any, Any]


class Trial:
    """A graph that was loaded on the CPU provider.

    Attributes:
        where: the graph's name in messages.
        shapes: the shape of each input and output, as ONNX Runtime infers it, by name. Servers compare
            their configuration with these.
    """

    def __init__(self, graph: Path, where: str) -> None:
        """Load a graph.

        Raises:
            GraphError: ONNX Runtime cannot load it.
        """
        import onnxruntime

        options = onnxruntime.SessionOptions()
        options.log_severity_level = 3
        try:
            self._session = onnxruntime.InferenceSession(graph, options, providers=["CPUExecutionProvider"])
        except Exception as error:  # of ONNX Runtime's own classes, one for each of its error codes
            raise GraphError(f"{where}: ONNX Runtime cannot load it, so no server can ({_reason(error)})") from None
        self.where = where
        self.shapes = {v.name: list(v.shape) for v in (*self._session.get_inputs(), *self._session.get_outputs())}

    def run(self, feeds: Mapping[str, Array]) -> dict[str, Array]:
        """Return the outputs for a warm-up.

        Raises:
            GraphError: ONNX Runtime refuses it.
        """
        names = [output.name for output in self._session.get_outputs()]
        try:
            return dict(zip(names, self._session.run(None, dict(feeds)), strict=True))
        except Exception as error:
            shown = ", ".join(f"{name} {list(array.shape)}" for name, array in feeds.items())
            raise GraphError(
                f"{self.where}: ONNX Runtime refuses the warm-up, {shown} ({_reason(error)}). Fix the image's size "
                "(--image-size HxW), or write none (--no-warm-up)."
            ) from None


def _reason(error: Exception) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0][:300]
