"""Image classification: the classes that an image most likely shows.

transformers' processors have no such method; its image classification pipeline computes this.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from graphproc.errors import ConfigError
from graphproc.postprocessing.builder import MethodBuilder
from graphproc.postprocessing.method import Field, Method
from graphproc.sizes import num


def build(b: MethodBuilder) -> None:
    """Scores of all classes as shares of 1 (`softmax`), each by itself (`sigmoid`), or as they are, the largest first."""
    x, function = b["logits"], b.options["function_to_apply"]
    if function not in ("softmax", "sigmoid", "none"):
        raise ConfigError(f"function_to_apply: expected softmax, sigmoid or none, got {function!r}")
    if function != "none":
        x = x.softmax() if function == "softmax" else x.sigmoid()
    labels = x.top_k(num.minimum(b.count("top_k"), x.shape[-1]))
    b.output("scores", x[labels])
    b.output("labels", labels)


def result(outputs: Mapping[str, Any], options: Mapping[str, Any]) -> Any:
    """Scores and labels of one image."""
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
