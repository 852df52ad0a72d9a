"""Register this package's processors with transformers' auto classes, and undo it."""

from __future__ import annotations

from collections.abc import Mapping
from threading import RLock
from typing import Any

from graphproc.errors import UnsupportedProcessorError
from graphproc.wrappers.for_transformers import Adapter, adapter, transformers_module
from graphproc.wrappers.processor import processor_class

_lock = RLock()
_in_force: list[Registration] = []
_before: dict[Any, Mapping[str, Any]] = {}
"""For each configuration class of a model, its image processor classes before the first registration, by backend."""


class Registration:
    """A registration in force. It ends with `undo()`, or at the end of a `with`.

    Where there are several, the last one that ends restores what was before the first.
    """

    def __init__(self) -> None:
        """Register the processors, unless another registration has."""
        with _lock:
            if not _in_force:
                _register()
            _in_force.append(self)

    def undo(self) -> None:
        """End the registration; a second time does nothing."""
        with _lock:
            if self not in _in_force:
                return
            _in_force.remove(self)
            if not _in_force:
                _restore()

    def __enter__(self) -> Registration:
        return self

    def __exit__(self, *_: object) -> None:
        self.undo()


def register() -> Registration:
    """Make transformers' `AutoImageProcessor` and `AutoProcessor` hand out this package's processors.

    It is done by `AutoImageProcessor.register`, for every model that transformers has an image processor
    for. Nothing of transformers is replaced; classes that you registered yourself stay. Processors that
    exist already stay as they are.

    Returns:
        The registration: `register().undo()`, or `with register(): ...`. Without either it stays.

    Raises:
        RuntimeUnavailableError: transformers 5 is not installed.
    """
    return Registration()


def _register() -> None:
    auto = transformers_module("transformers.models.auto.image_processing_auto")
    configurations = transformers_module("transformers.models.auto.configuration_auto").CONFIG_MAPPING
    mapping = auto.IMAGE_PROCESSOR_MAPPING
    _before.clear()
    try:
        for model_type in auto.IMAGE_PROCESSOR_MAPPING_NAMES:
            if model_type not in configurations:
                continue
            try:
                configuration = configurations[model_type]
                classes = mapping[configuration]
            except ImportError:  # a model that transformers cannot load here either
                continue
            if configuration in _before:  # another model with the same configuration class
                continue
            if ours := _adapters(classes):
                _before[configuration] = dict(classes)
                auto.AutoImageProcessor.register(configuration, image_processor_classes=ours, exist_ok=True)
    except BaseException:
        _restore()
        raise


def _adapters(classes: Mapping[str, Any]) -> dict[str, Any]:
    """Return the adapters for transformers' own classes, by backend."""
    found = {}
    for backend, kind in classes.items():
        if getattr(kind, "__module__", "").startswith("transformers."):
            try:
                found[backend] = adapter(processor_class(kind.__name__))
            except UnsupportedProcessorError:  # a class that this package does not have
                continue
    return found


def _restore() -> None:
    """Take back the adapters. What users registered beside them, before or since, stays. transformers has no call for this."""
    mapping = transformers_module("transformers.models.auto.image_processing_auto").IMAGE_PROCESSOR_MAPPING
    content = mapping._extra_content
    for configuration, before in _before.items():
        kinds = content.pop(configuration, {})
        kept = {backend: before.get(backend) if issubclass(kind, Adapter) else kind for backend, kind in kinds.items()}
        if kinds and kept != mapping.get(configuration, None):
            content[configuration] = kept
    _before.clear()
