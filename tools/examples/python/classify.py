"""An image file in, labels out: a fused graph run from Python, with ONNX Runtime, numpy and Pillow alone.

    pip install onnxruntime pillow
    python classify.py GRAPH IMAGE LABELS [VALUES]

LABELS is a text file with a line for each class. The five best classes are printed. VALUES is a file to write every output
to, as raw float32, one after another.
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import onnxruntime
from PIL import Image


def main(arguments: list[str]) -> int:
    """Run the graph and print the five best classes."""
    if len(arguments) not in (3, 4):
        print("usage: python classify.py GRAPH IMAGE LABELS [VALUES]", file=sys.stderr)
        return 2
    graph, picture, names, *values = arguments
    with Image.open(picture) as opened:
        pixels = np.asarray(opened.convert("RGB"))
    labels = Path(names).read_text(encoding="utf-8").splitlines()

    # The graph does everything else: resizing, cropping, normalizing, and the model.
    session = onnxruntime.InferenceSession(graph, providers=["CPUExecutionProvider"])
    outputs = session.run(None, {session.get_inputs()[0].name: pixels[None]})

    scores = outputs[0].ravel()
    if len(scores) != len(labels):
        raise SystemExit(f"{names}: {len(labels)} labels for {len(scores)} scores")
    for index in np.argsort(-scores, kind="stable")[:5]:
        print(f"{scores[index]:.6f} {labels[index]}")
    if values:
        Path(values[0]).write_bytes(b"".join(output.tobytes() for output in outputs))
    return 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
