"""graphproc: image preprocessing that is the same everywhere.

A Hugging Face `preprocessor_config.json` becomes a numpy pipeline and an ONNX graph of standard operators that compute
the same tensors bit for bit. Names are loaded on first use, so importing the package loads numpy and nothing heavier.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from graphproc.version import __version__

if TYPE_CHECKING:
    from graphproc import joins, ops, sizes
    from graphproc.batch_feature import BatchFeature, TensorType
    from graphproc.errors import (
        ConfigError,
        EmitError,
        FusionError,
        GraphError,
        GraphprocError,
        ImageError,
        MissingNameError,
        ProgramError,
        RuntimeUnavailableError,
        ShapeError,
        TracedBranchError,
        UnsupportedProcessorError,
    )
    from graphproc.fusion.fuse import fuse
    from graphproc.ir.program import Parity, Program, ProgramBuilder
    from graphproc.kits.check import check_kit
    from graphproc.kits.write import write_kit
    from graphproc.plans.plan import CallPlan, Plan
    from graphproc.runtime.session import Session
    from graphproc.runtime.torch_module import TorchModule as TorchModule
    from graphproc.wrappers.for_transformers import for_transformers
    from graphproc.wrappers.loading import ImageProcessingMixin
    from graphproc.wrappers.pipeline import Pipeline, parse
    from graphproc.wrappers.processor import AutoImageProcessor, BaseImageProcessor
    from graphproc.wrappers.registration import register
    from graphproc.wrappers.verify import Report, verify

_HOME = {
    "AutoImageProcessor": "graphproc.wrappers.processor",
    "BaseImageProcessor": "graphproc.wrappers.processor",
    "BatchFeature": "graphproc.batch_feature",
    "CallPlan": "graphproc.plans.plan",
    "ConfigError": "graphproc.errors",
    "EmitError": "graphproc.errors",
    "FusionError": "graphproc.errors",
    "GraphError": "graphproc.errors",
    "GraphprocError": "graphproc.errors",
    "ImageError": "graphproc.errors",
    "ImageProcessingMixin": "graphproc.wrappers.loading",
    "MissingNameError": "graphproc.errors",
    "Parity": "graphproc.ir.program",
    "Pipeline": "graphproc.wrappers.pipeline",
    "Plan": "graphproc.plans.plan",
    "Program": "graphproc.ir.program",
    "ProgramBuilder": "graphproc.ir.program",
    "ProgramError": "graphproc.errors",
    "Report": "graphproc.wrappers.verify",
    "RuntimeUnavailableError": "graphproc.errors",
    "Session": "graphproc.runtime.session",
    "ShapeError": "graphproc.errors",
    "TensorType": "graphproc.batch_feature",
    "TorchModule": "graphproc.runtime.torch_module",
    "TracedBranchError": "graphproc.errors",
    "UnsupportedProcessorError": "graphproc.errors",
    "check_kit": "graphproc.kits.check",
    "for_transformers": "graphproc.wrappers.for_transformers",
    "fuse": "graphproc.fusion.fuse",
    "parse": "graphproc.wrappers.pipeline",
    "register": "graphproc.wrappers.registration",
    "verify": "graphproc.wrappers.verify",
    "write_kit": "graphproc.kits.write",
}

_MODULES = ("joins", "ops", "sizes")

__all__ = [
    "AutoImageProcessor",
    "BaseImageProcessor",
    "BatchFeature",
    "CallPlan",
    "ConfigError",
    "EmitError",
    "FusionError",
    "GraphError",
    "GraphprocError",
    "ImageError",
    "ImageProcessingMixin",
    "MissingNameError",
    "Parity",
    "Pipeline",
    "Plan",
    "Program",
    "ProgramBuilder",
    "ProgramError",
    "Report",
    "RuntimeUnavailableError",
    "Session",
    "ShapeError",
    "TensorType",
    "TracedBranchError",
    "UnsupportedProcessorError",
    "__version__",
    "check_kit",
    "for_transformers",
    "fuse",
    "joins",
    "ops",
    "parse",
    "register",
    "sizes",
    "verify",
    "write_kit",
]


def __getattr__(name: str) -> Any:
    if name in _MODULES:
        return import_module(f"graphproc.{name}")
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
    from graphproc.processors.registry import specs

    return sorted({*__all__, *_HOME, *specs()})
