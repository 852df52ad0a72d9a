"""Show the smallest model that ONNX Runtime's constant folding breaks: an `If` in an `If`, both constant, around a `Scan`.

    python tools/ort_nested_choices.py

    If(true) { If(true) { t = -z;  Scan over the rows of x { row + t } } }

The value `t` belongs to the inner branch, and the body of the Scan reads it from outside. Constant folding puts the
inner branch in the place of its `If` and renames `t`, also in the body. Then it does the same with the outer branch
and renames `t` once more, but not in the body, because the moved Scan's implicit inputs are not known before the graph
is resolved. So the body reads a value that does not exist: an error here, a crash in larger models. With one `If`, or
without constant folding, it works.

Needs onnx, onnxruntime and numpy. Runs every case in a process of its own, and says how it ended: ok, an error, or a crash.
"""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import onnx
from onnx import TensorProto, helper

CASES = {"one If": (1, []), "If in If": (2, []), "If in If, without constant folding": (2, ["ConstantFolding"])}
"""How many choices are around the loop, and which optimizers are off."""


def value(name: str, *shape: int) -> onnx.ValueInfoProto:
    """Return a float value."""
    return helper.make_tensor_value_info(name, TensorProto.FLOAT, shape)


def decided(branch: list[onnx.NodeProto], number: int) -> onnx.NodeProto:
    """Return an `If` that always takes the branch; the branch's last node gives the result."""
    taken = helper.make_graph(branch, f"taken_{number}", [], [value(branch[-1].output[0], 3, 2)])
    copy = helper.make_node("Identity", ["x"], [f"copy_{number}"])
    other = helper.make_graph([copy], f"other_{number}", [], [value(f"copy_{number}", 3, 2)])
    return helper.make_node("If", ["true"], [f"y_{number}"], name=f"If_{number}", then_branch=taken, else_branch=other)


def model(choices: int) -> onnx.ModelProto:
    """Return a model with the loop inside that many choices."""
    body = helper.make_graph([helper.make_node("Add", ["row", "t"], ["sum"])], "body", [value("row", 2)], [value("sum", 2)])
    nodes = [
        helper.make_node("Neg", ["z"], ["t"]),
        helper.make_node("Scan", ["x"], ["sums"], name="Scan", body=body, num_scan_inputs=1),
    ]
    for number in range(choices):
        nodes = [decided(nodes, number)]
    true = helper.make_tensor("true", TensorProto.BOOL, [1], [True])
    result = value(nodes[-1].output[0], 3, 2)
    graph = helper.make_graph(nodes, "graph", [value("x", 3, 2), value("z", 2)], [result], [true])
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)


def run(name: str) -> None:
    """Run one case in this process."""
    import onnxruntime

    choices, off = CASES[name]
    made = model(choices)
    onnx.checker.check_model(made, full_check=True)
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 4
    session = onnxruntime.InferenceSession(
        made.SerializeToString(), options, providers=["CPUExecutionProvider"], disabled_optimizers=off
    )
    x, z = np.arange(6, dtype=np.float32).reshape(3, 2), np.ones(2, np.float32)
    found = session.run(None, {"x": x, "z": z})[0]
    if not np.array_equal(found, x - z):
        sys.exit(f"wrong values: expected {(x - z).tolist()}, got {found.tolist()}")


def main() -> None:
    """Run every case in a process of its own."""
    if sys.argv[1:]:
        run(sys.argv[1])
        return
    import onnxruntime

    print(f"onnxruntime {onnxruntime.__version__}")
    for name in CASES:
        ended = subprocess.run([sys.executable, __file__, name], capture_output=True, text=True, check=False)
        lines = ended.stderr.strip().splitlines()
        how = "ok" if ended.returncode == 0 else f"crash, signal {-ended.returncode}" if ended.returncode < 0 else lines[-1]
        print(f"{name}: {how}")


if __name__ == "__main__":
    main()
