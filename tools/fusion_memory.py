"""Measure how much memory fusing takes with a model that has its weights in a file.

    python tools/fusion_memory.py --megabytes 3072

Makes the model (its weights are zeros, a sparse file where the system has them), fuses it in a process of its own that may
grow by no more than --growth beyond what a tiny model takes, and checks the result.
"""

from __future__ import annotations

import argparse
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import onnx
from onnx import TensorProto, helper

import graphproc as gp

MB = 1 << 20
IMAGE = (3, 32, 32)


def main() -> int:
    """Fuse in a child process and print what it took."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--megabytes", type=int, default=3072, help="of weights")
    parser.add_argument("--growth", type=int, default=100, help="megabytes of memory that fusing may add")
    parser.add_argument("--child", metavar="FOLDER", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.child:
        return child(Path(options.child), options.growth)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for kind, megabytes in (("tiny", 1), ("large", options.megabytes)):
            make(folder / kind, megabytes)
        command = [sys.executable, __file__, "--child", name, "--growth", str(options.growth)]
        status = subprocess.run(command, check=False).returncode
        if status == 0:
            fused = folder / "fused.onnx"
            written = fused.with_name("fused.onnx.data").stat().st_size
            print(f"wrote {fused.stat().st_size:,} bytes and {written:,} bytes for {options.megabytes} MB of weights")
            onnx.checker.check_model(str(fused))
            if written < options.megabytes * MB:
                status = 1
    return status


def make(folder: Path, megabytes: int) -> None:
    """Make a model that adds weights to its image, with that many megabytes, each weight in a range of one file."""
    folder.mkdir()
    weights, nodes, value = [], [], "pixel_values"
    for index in range(megabytes):
        weight = TensorProto(name=f"w{index}", data_type=TensorProto.FLOAT, dims=[MB // 4])
        weight.data_location = TensorProto.EXTERNAL
        for key, entry in (("location", "weights.bin"), ("offset", str(index * MB)), ("length", str(MB))):
            weight.external_data.add(key=key, value=entry)
        weights.append(weight)
        nodes.append(helper.make_node("ReduceSum", [f"w{index}"], [f"s{index}"], keepdims=0))
        nodes.append(helper.make_node("Add", [value, f"s{index}"], [f"v{index}"]))
        value = f"v{index}"
    ends = [helper.make_tensor_value_info(n, TensorProto.FLOAT, ["N", *IMAGE]) for n in ("pixel_values", value)]
    graph = helper.make_graph(nodes, "zeros", ends[:1], ends[1:], weights)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    (folder / "model.onnx").write_bytes(model.SerializeToString())
    with (folder / "weights.bin").open("wb") as file:
        file.truncate(megabytes * MB)


def child(folder: Path, growth: int) -> int:
    """Fuse the tiny model, then the large one under a limit of address space, and print the peaks of resident memory."""
    processor: Any = gp.CLIPImageProcessor(size=IMAGE[1], crop_size=IMAGE[1])
    preprocessing = processor.to_onnx()  # opset 18, so that the model is converted as well
    gp.fuse(preprocessing, folder / "tiny" / "model.onnx", output=folder / "tiny.onnx")
    base = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
    mapped = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[0]) * resource.getpagesize()
    limit = mapped + growth * MB
    resource.setrlimit(resource.RLIMIT_AS, (limit, limit))
    start = time.perf_counter()
    gp.fuse(preprocessing, folder / "large" / "model.onnx", output=folder / "fused.onnx")
    seconds = time.perf_counter() - start
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
    print(f"resident memory: {base} MB after a tiny model, {peak} MB after the large one; {seconds:.1f} s")
    return 0 if peak - base <= growth else 1


if __name__ == "__main__":
    raise SystemExit(main())
