"""The device that a call's tensors are put on."""

from __future__ import annotations

from importlib import import_module
from typing import Any

from graphproc.batch_feature import TensorType
from graphproc.errors import ConfigError, RuntimeUnavailableError
from graphproc.ir.backends import PIL


def device_for(device: Any, backend: str, return_tensors: Any) -> Any:
    """Return the `torch.device` to move results to; None to leave them.

    Args:
        device: the call's `device`: a string, a number, a `torch.device`, or None.
        backend: the processor's backend; pil's results always stay on the CPU, as in transformers.
        return_tensors: the call's `return_tensors`; only torch tensors have a device.

    Raises:
        ConfigError: torch does not know the device, or there will be no torch tensors to put on it.
        RuntimeUnavailableError: torch is not installed.
    """
    if device is None or backend == PIL:
        return None
    try:
        torch = import_module("torch")
    except ImportError:
        raise RuntimeUnavailableError("device: torch is not installed. Install it, or leave device out.") from None
    try:
        found = torch.device(device)
        torch.empty(0, device=found)  # fails if the device is not there
    except Exception as error:  # each of torch's backends raises a type of its own
        reason = str(error).partition("\n")[0]
        raise ConfigError(f"device: expected one that torch has here, such as 'cpu', got {device!r} ({reason})") from None
    if found.type != "cpu" and getattr(return_tensors, "value", return_tensors) != TensorType.PYTORCH.value:
        raise ConfigError(f"device: expected return_tensors='pt' with device {device!r}, got {return_tensors!r}")
    return None if found.type == "cpu" else found
