"""Image classification: the classes that an image shows most likely.

transformers' processors have no such method; its image classification pipeline computes the same.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from graphproc.errors import ConfigError
from graphproc.postprocessing.builder import MethodBuilder
from graphproc.postprocessing.method import Field, Method
from graphproc.sizes import num


def build(b: MethodBuilder) -> None:
    """Return the best classes with their scores: a softmax, a sigmoid of each class, or unchanged."""
    x, function = b["logits"], b.options["function_to_apply"]
    if function not in ("softmax", "sigmoid", "none"):
        raise ConfigError(f"function_to_apply: expected softmax, sigmoid or none, got {function!r}")
    if function != "none":
        x = x.softmax() if function == "softmax" else x.sigmoid()
    labels = x.top_k(num.minimum(b.count("top_k"), x.shape[-1]))
    b.output("scores", x[labels])
    b.output("labels", labels)


def result(outputs: Mapping[str, Any], options: Mapping[str, Any]) -> Any:
    """Return one image's scores and labels, the best first."""
    return {"scores": outputs["scores"], "labels": outputs["labels"]}


METHODS = (
    Method(
        "post_process_image_classification",
        (),
        {"logits": Field(("classes",))},
        build,
        result,
        {"top_k": 5, "function_to_apply": "softmax"},
        size_arguments=(),
    ),
)
