"""Compare the graphs of `exported/` with those of an earlier commit, node for node, with names erased.

python tools/same_graphs.py [COMMIT]    HEAD by default; exit 1 on any difference

Two graphs are the same if their nodes have the same operators, attributes, operands and constants in the same order,
and their inputs and outputs the same names, types and shapes. Names of nodes, of values inside the graph and of
symbolic sizes do not count. Neither does metadata, except the hashes of outputs in the manifest. The commit's files are
read by git.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import onnx

ROOT = Path(__file__).resolve().parent.parent
FOLDER = ROOT / "exported"
MANIFEST = "manifest.json"
Line = tuple[Any, ...]


def committed(commit: str, name: str) -> bytes:
    """Return the bytes of a file of `exported/` in a commit.

    Raises:
        SystemExit: the commit or the file does not exist.
    """
    found = subprocess.run(["git", "show", f"{commit}:exported/{name}"], cwd=ROOT, capture_output=True, check=False)
    if found.returncode:
        sys.exit(f"exported/{name} of {commit}: git cannot read it ({found.stderr.decode().strip()})")
    return found.stdout


def committed_files(commit: str) -> set[str]:
    """Return the names of the graphs in `exported/` of a commit."""
    listed = subprocess.run(
        ["git", "ls-tree", "--name-only", f"{commit}:exported"], cwd=ROOT, capture_output=True, check=True, text=True
    )
    return {name for name in listed.stdout.split() if name.endswith(".onnx")}


class Eraser:
    """Replaces names by numbers, in the order in which they appear."""

    def __init__(self) -> None:
        self.numbers: dict[str, int] = {"": -1}

    def number(self, name: str) -> int:
        """Return the number of a name; the empty name of an omitted operand is -1."""
        return self.numbers.setdefault(name, len(self.numbers))

    def graph(self, graph: onnx.GraphProto, *, named: bool) -> Iterator[Line]:
        """Yield a line for each input, constant, node and output.

        Args:
            graph: the graph, or the body of a node.
            named: whether inputs and outputs keep their names, as those of the whole graph do.
        """
        for value in graph.input:
            yield ("input", value.name if named else "", self.number(value.name), *self.type(value.type))
        for tensor in graph.initializer:
            yield ("initializer", self.number(tensor.name), *contents(tensor))
        for node in graph.node:
            operands = tuple(self.number(name) for name in node.input)
            yield ("node", node.domain, node.op_type, operands, tuple(self.number(name) for name in node.output))
            for attribute in sorted(node.attribute, key=lambda attribute: attribute.name):
                yield ("attribute", attribute.name, *self.attribute(attribute))
        for value in graph.output:
            yield ("output", value.name if named else "", self.number(value.name), *self.type(value.type))

    def type(self, type: onnx.TypeProto) -> Line:
        """Return a type, with numbers for symbolic sizes."""
        if type.HasField("sequence_type"):
            return ("sequence", *self.type(type.sequence_type.elem_type))
        tensor = type.tensor_type
        sizes = [
            ("symbol", self.number(f"size {dim.dim_param}")) if dim.HasField("dim_param") else dim.dim_value
            for dim in tensor.shape.dim
        ]
        return (tensor.elem_type, tensor.HasField("shape"), *sizes)

    def attribute(self, attribute: onnx.AttributeProto) -> Line:
        """Return the value of an attribute, graphs line by line."""
        if attribute.type == onnx.AttributeProto.GRAPH:
            return tuple(self.graph(attribute.g, named=False))
        if attribute.type == onnx.AttributeProto.TENSOR:
            return contents(attribute.t)
        return (repr(onnx.helper.get_attribute_value(attribute)),)


def contents(tensor: onnx.TensorProto) -> Line:
    """Return a constant's type, shape and bytes."""
    return (tensor.data_type, tuple(tensor.dims), onnx.numpy_helper.to_array(tensor).tobytes())


def lines(data: bytes) -> list[Line]:
    """Return a model, with names erased: its opsets, and its graph line by line."""
    model = onnx.load_model_from_string(data)
    opsets = tuple(sorted((opset.domain, opset.version) for opset in model.opset_import))
    return [("opsets", *opsets), *Eraser().graph(model.graph, named=True)]


def shown(line: Line) -> str:
    """Return a line, cut to the width of a terminal."""
    text = " ".join(map(str, line))
    return text if len(text) <= 110 else f"{text[:107]}..."


def difference(before: bytes, after: bytes) -> str | None:
    """Return the first difference between two models; None if there is none."""
    old, new = lines(before), lines(after)
    for index, (a, b) in enumerate(zip(old, new, strict=False)):
        if a != b:
            return f"line {index}: was {shown(a)}, is {shown(b)}"
    return None if len(old) == len(new) else f"was {len(old)} lines, is {len(new)}"


def outputs(manifest: bytes) -> dict[str, Any]:
    """Return the dtypes, shapes and hashes of each class's outputs in a manifest; classes that share a graph share them."""
    graphs = json.loads(manifest)["graphs"]
    return {name: graphs[entry.get("same_graph_as", name)]["outputs"] for name, entry in graphs.items()}


def main() -> int:
    """Compare every graph and every class's outputs."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("commit", nargs="?", default="HEAD")
    commit = parser.parse_args().commit
    found = []
    now, then = {path.name for path in FOLDER.glob("*.onnx")}, committed_files(commit)
    found += [f"{name}: only {'here' if name in now else f'in {commit}'}" for name in sorted(now ^ then)]
    same = 0
    for name in sorted(now & then):
        what = difference(committed(commit, name), (FOLDER / name).read_bytes())
        same += what is None
        found += [] if what is None else [f"{name}: {what}"]
    old, new = outputs(committed(commit, MANIFEST)), outputs((FOLDER / MANIFEST).read_bytes())
    found += [f"{name}: other outputs" for name in sorted(old.keys() | new.keys()) if old.get(name) != new.get(name)]
    print("\n".join([*found, f"{same} of {len(now | then)} graphs are the same but for names; {len(new)} classes"]))
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
