"""Preprocessing for ExecuTorch: one file for a phone, with the bits of every other graph.

    pip install torch executorch graphproc
    python tools/examples/executorch_export.py CLIPImageProcessor --image-size 480x640 -o clip.pte

It goes from `to_torch` through `torch.export` to a `.pte` file, runs that in ExecuTorch's own runtime on noise, and compares
each output with ONNX Runtime's. Sizes and batch are fixed, and the target is `portable`: ExecuTorch has all its operators.
`--split` leaves the results as bytes, for a model that normalizes them itself.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
import torch
from executorch.exir import to_edge
from executorch.runtime import Runtime

import graphproc as gp


def main() -> int:
    """Export, run and compare; exit 1 if a bit differs."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("source", help="a class's name, a folder or a Hub id")
    parser.add_argument("--image-size", default="480x640", metavar="HxW")
    parser.add_argument("--batch", type=int, default=1)
    parser.add_argument("--split", action="store_true")
    parser.add_argument("-o", "--output", type=Path, default=Path("preprocessing.pte"))
    given = parser.parse_args()
    height, width = map(int, given.image_size.split("x"))
    named = hasattr(gp, given.source)
    processor = getattr(gp, given.source)() if named else gp.AutoImageProcessor.from_pretrained(given.source)
    options = {"image_size": (height, width), "batch_size": given.batch, "part": "bytes" if given.split else "whole"}
    images = np.random.default_rng(0).integers(0, 256, (given.batch, height, width, 3), dtype=np.uint8)

    module = processor.to_torch(target="portable", **options)
    exported = torch.export.export(module, (torch.from_numpy(images),))
    data = to_edge(exported).to_executorch().buffer
    given.output.write_bytes(data)

    wanted = gp.Session(processor.to_onnx(**options)).run({"images": images})
    method = Runtime.get().load_program(data).load_method("forward")
    found = dict(zip(module.outputs, method.execute([torch.from_numpy(images)]), strict=True))
    same = {name: found[name].numpy().tobytes() == want.tobytes() for name, want in wanted.items()}
    for name, want in wanted.items():
        print(f"{name}: {want.dtype}{list(want.shape)}, {'the same bits' if same[name] else 'OTHER BITS'}")
    print(f"wrote {given.output}, {len(data):,} bytes")
    return 0 if all(same.values()) else 1


if __name__ == "__main__":
    raise SystemExit(main())
