"""Execution providers: by short name, present or a clear error."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from graphproc.errors import RuntimeUnavailableError

PROVIDERS: Mapping[str, tuple[str, str]] = {
    "cpu": ("CPUExecutionProvider", "pip install onnxruntime"),
    "cuda": ("CUDAExecutionProvider", "pip install onnxruntime-gpu (and remove onnxruntime)"),
}
"""ONNX Runtime's name of each provider, and what installs it."""


def provider_names(provider: str) -> list[str]:
    """The provider list for a session.

    Raises:
        RuntimeUnavailableError: the installed ONNX Runtime does not have the provider.
    """
    import onnxruntime

    if provider not in PROVIDERS:
        raise RuntimeUnavailableError(f"provider: expected one of {', '.join(PROVIDERS)}, got {provider!r}")
    name, install = PROVIDERS[provider]
    available = onnxruntime.get_available_providers()
    if name not in available:
        raise RuntimeUnavailableError(
            f"provider {provider!r}: this onnxruntime {onnxruntime.__version__} has only {', '.join(available)}. {install}"
        )
    return [name] if provider == "cpu" else [name, "CPUExecutionProvider"]


def session_options(provider: str, threads: int | None) -> Any:
    """Options of a session: the number of threads, no memory plan for each size, few log lines."""
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.log_severity_level = 4  # errors are raised, and need no log line of ONNX Runtime's own
    options.enable_mem_pattern = False  # planning memory anew for each image size costs more than it saves
    if threads is not None:
        options.intra_op_num_threads = threads
    return options
