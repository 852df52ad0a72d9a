"""graphproc: image preprocessing that is the same everywhere.

A Hugging Face `preprocessor_config.json` becomes a numpy pipeline and an ONNX graph of standard operators that compute
the same tensors bit for bit. Names are loaded on first use, so importing the package loads numpy and nothing heavier.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from graphproc.version import __version__

if TYPE_CHECKING:
    from graphproc.batch_feature import BatchFeature, TensorType
    from graphproc.errors import GraphprocError
    from graphproc.fusion.fuse import fuse
    from graphproc.ir.program import Program
    from graphproc.runtime.session import Session
    from graphproc.runtime.torch_module import TorchModule as TorchModule
    from graphproc.wrappers.loading import ImageProcessingMixin
    from graphproc.wrappers.processor import AutoImageProcessor, BaseImageProcessor
    from graphproc.wrappers.verify import Report, verify

_HOME = {
    "AutoImageProcessor": "graphproc.wrappers.processor",
    "BaseImageProcessor": "graphproc.wrappers.processor",
    "BatchFeature": "graphproc.batch_feature",
    "GraphprocError": "graphproc.errors",
    "ImageProcessingMixin": "graphproc.wrappers.loading",
    "Program": "graphproc.ir.program",
    "Report": "graphproc.wrappers.verify",
    "Session": "graphproc.runtime.session",
    "TensorType": "graphproc.batch_feature",
    "TorchModule": "graphproc.runtime.torch_module",
    "fuse": "graphproc.fusion.fuse",
    "verify": "graphproc.wrappers.verify",
}

__all__ = [
    "AutoImageProcessor",
    "BaseImageProcessor",
    "BatchFeature",
    "GraphprocError",
    "ImageProcessingMixin",
    "Program",
    "Report",
    "Session",
    "TensorType",
    "__version__",
    "fuse",
    "verify",
]


def __getattr__(name: str) -> Any:
    if name in _HOME:
        from graphproc.errors import MissingNameError, RuntimeUnavailableError

        try:
            return getattr(import_module(_HOME[name]), name)
        except RuntimeUnavailableError as error:
            raise MissingNameError(str(error)) from error
    if name.endswith(("ImageProcessor", "ImageProcessorFast", "ImageProcessorPil", "FeatureExtractor")):
        from graphproc.wrappers.processor import processor_class

        try:
            return processor_class(name)
        except ValueError as error:
            raise AttributeError(str(error)) from None
    raise AttributeError(f"module 'graphproc' has no attribute {name!r}")


def __dir__() -> list[str]:
    from graphproc.processors.registry import rows

    return sorted({*__all__, *_HOME, *rows()})
