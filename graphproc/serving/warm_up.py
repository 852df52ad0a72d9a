"""Make the warm-up of a graph: a request that a server runs when it loads it, so that the first client does not wait.

It is run here first, on data of the kinds that the server will use: a server does not load a model
with a warm-up that fails.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import onnx_ir as ir

from graphproc.fusion.sources import Side, dims, free_inputs
from graphproc.serving.tensors import data_type
from graphproc.serving.text_format import Word
from graphproc.serving.trial import Trial

Array = np.ndarray[Any, Any]

IMAGE_SIZE = (480, 640)
"""(height, width) of the warm-up's images, if the graph takes any size."""
FOLDER = "warmup"
"""Where the server looks for data, below the model's folder."""


@dataclass(frozen=True)
class WarmUp:
    """Hold a warm-up.

    Attributes:
        message: the field `model_warmup` of the configuration.
        files: what to write below `FOLDER`, by name.
        outputs: what the graph gives for it, by name.
    """

    message: dict[str, Any]
    files: Mapping[str, bytes]
    outputs: Mapping[str, Array]


def warm_up(side: Side, trial: Trial, batched: bool, given: Mapping[str, Array]) -> WarmUp | None:
    """Make a warm-up of one image, and run the graph on it; return None if an input has axes of unknown lengths.

    Images are noise, and other numbers zeros. Integers that another graph gives are kept in files,
    because a grid of no patches would be none.

    Args:
        side: the graph.
        trial: the same graph, loaded.
        batched: whether the server adds a batch axis in front.
        given: what another graph gives for inputs of this one, for its own warm-up.

    Raises:
        GraphError: ONNX Runtime refuses it.
    """
    lengths = {"batch": 1, **dict(zip(("height", "width"), IMAGE_SIZE, strict=True))}
    inputs, files, feeds = [], {}, {}
    for position, value in enumerate(free_inputs(side)):
        name = str(value.name)
        axes = list(given[name].shape) if name in given else dims(value) or [None]
        if batched and name not in given:
            axes[0] = 1
        shape = [axis if isinstance(axis, int) else lengths.get(axis or "") for axis in axes]
        if any(length is None for length in shape):
            return None
        kind = (value.dtype or ir.DataType.FLOAT).numpy()
        entry: dict[str, Any] = {"data_type": Word(data_type(value, side.where)), "dims": shape[1 if batched else 0 :] or [1]}
        if name in given and given[name].dtype.kind in "iub":
            file = f"input_{position}.bin"
            feeds[name], files[file] = given[name].astype(kind), given[name].astype(kind).tobytes()
            entry["input_data_file"] = file
        elif kind == np.uint8:
            feeds[name] = np.random.default_rng(0).integers(0, 256, shape, dtype=np.uint8)  # type: ignore[arg-type]
            entry["random_data"] = True
        else:
            feeds[name] = np.zeros(shape, kind)
            entry["zero_data"] = True
        inputs.append({"key": name, "value": entry})
    outputs = trial.run(feeds)
    return WarmUp({"name": "one_image", "batch_size": 1, "inputs": inputs}, files, outputs)
