"""Choose execution providers by short names, and refuse those that are not installed."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from graphproc.errors import RuntimeUnavailableError

PROVIDERS: Mapping[str, tuple[str, str]] = {
    "cpu": ("CPUExecutionProvider", "pip install onnxruntime"),
    "cuda": ("CUDAExecutionProvider", "pip install onnxruntime-gpu (and remove onnxruntime)"),
}
"""For each short name, ONNX Runtime's name of the provider, and the command that installs it."""


def provider_names(provider: str) -> list[str]:
    """Return the list of providers for a session.

    Raises:
        RuntimeUnavailableError: the name is unknown, or the installed ONNX Runtime lacks the
            provider.
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


def session_options(provider: str, threads: int | None, library: Path | None = None) -> Any:
    """Return the options of a session: few log lines, and no memory plan for each size.

    Args:
        provider: the provider's short name.
        threads: the number of threads of an operator; None leaves it to ONNX Runtime.
        library: the native library to register, if any.
    """
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.log_severity_level = 4  # errors are raised, and need no log line of ONNX Runtime's own
    options.enable_mem_pattern = False  # planning memory anew for each image size costs more than it saves
    if threads is not None:
        options.intra_op_num_threads = threads
    if library is not None:
        options.register_custom_ops_library(str(library))
    return options
