"""Fix every free dimension of graphs and compare results with those of the same graphs as they are.

    python tools/fixed_dimensions.py --write FOLDER      write the graphs of one class of each family, every input form
    python tools/fixed_dimensions.py FILE_OR_FOLDER ...  try graphs; exit 1 unless all give the same bits
        [--size 96 144] [--batches 1 2]
        [--each]                                         also every dimension by itself
        [--calls 300]                                    instead: call graphproc.Session that often with arrays of one size

Dimensions are fixed in both ways that ONNX Runtime has: overridden when a session is made, and in the model, by
`onnxruntime.tools.make_dynamic_shape_fixed`. Each graph runs in a process of its own, so that one that ends its
process is counted. The second form needs only onnxruntime, onnx and numpy, so that it can run with other versions
of them. A graph of a sequence has nothing to fix unless it has other inputs, and runs as it is.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np


def write(folder: Path) -> None:
    """Write the graphs of one class of each family."""
    from graphproc.errors import ConfigError
    from graphproc.processors.registry import family, specs
    from graphproc.wrappers.processor import processor_class

    folder.mkdir(parents=True, exist_ok=True)
    for spec in {family(spec.name): spec for spec in reversed(specs().values())}.values():
        for form in ("image", "batch", "sequence"):
            with suppress(ConfigError):  # the class has no default for a setting that it needs
                processor_class(spec.name)().export(folder / f"{spec.name}-{form}.onnx", input=form)


def feeds(model: Any, sizes: dict[str, int], unlike: int) -> dict[str, Any]:
    """Draw arrays for a graph's inputs: for a sequence two, with sides that differ by `unlike` pixels."""
    from onnx import helper

    rng = np.random.default_rng(0)

    def array(tensor: Any, free: list[int]) -> Any:
        dtype = helper.tensor_dtype_to_np_dtype(tensor.elem_type)
        sides = iter(free)
        shape = [sizes.get(d.dim_param, 3) if d.dim_param else d.dim_value or next(sides) for d in tensor.shape.dim]
        return rng.integers(0, 2 if dtype == np.bool_ else 200, shape).astype(dtype)

    found = {}
    for value in model.graph.input:
        if value.type.HasField("sequence_type"):  # dimensions of its arrays have no names
            tensor = value.type.sequence_type.elem_type.tensor_type
            found[value.name] = [array(tensor, [sizes["height"] + n, sizes["width"] + n]) for n in (0, unlike)]
        else:
            found[value.name] = array(value.type.tensor_type, [])
    return found


def tried(path: Path, sizes: dict[str, int], each: bool, calls: int) -> Iterator[tuple[str, str]]:
    """Try every way to fix a graph's dimensions, or many calls of one session; yield each with its outcome."""
    import onnx
    import onnxruntime
    from onnxruntime.tools.onnx_model_utils import fix_output_shapes, make_dim_param_fixed

    def session(model: bytes, fixed: dict[str, int]) -> Any:
        options = onnxruntime.SessionOptions()
        options.log_severity_level = 4
        options.intra_op_num_threads = 1
        for name, value in fixed.items():
            options.add_free_dimension_override_by_name(name, value)
        return onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])

    data = path.read_bytes()
    general, read = session(data, {}), onnx.load_from_string(data)
    free = {dim for value in general.get_inputs() for dim in value.shape or () if isinstance(dim, str)}
    fixed = {name: sizes.get(name, 3) for name in free}
    for unlike in (1, 0):  # images of two sizes, unless their results do not fit into one array
        given = feeds(read, sizes, unlike)
        try:
            expected = general.run(None, given)
            break
        except Exception as error:
            refused = f"refused: {_line(error)}"
    else:
        yield "as it is", refused
        return

    def compared(found: list[Any]) -> str:
        same = all(a.dtype == b.dtype and np.array_equal(a, b) for a, b in zip(expected, found, strict=True))
        return "same" if same else "other bits"

    def in_model(names: dict[str, int]) -> bytes:
        model = onnx.load_from_string(data)
        for name, value in names.items():
            make_dim_param_fixed(model.graph, name, value)
        fix_output_shapes(model)
        return model.SerializeToString()

    if calls:
        from graphproc import Session

        ours = Session(data, threads=1)
        results = {compared(list(ours.run(given).values())) for _ in range(calls)}
        yield f"{calls} calls, batch {sizes['batch']}", "same" if results == {"same"} else "other bits"
        return
    if not free:
        yield "as it is", "nothing to fix"
    ways = {"overridden": lambda names: session(data, names), "in the model": lambda names: session(in_model(names), {})}
    for some in filter(None, [fixed, *({name: fixed[name]} for name in sorted(free) if each)]):
        for way, make in ways.items():
            try:
                how = compared(make(some).run(None, given))
            except Exception as error:
                how = f"error: {_line(error)}"
            yield f"{', '.join(sorted(some))} {way}, batch {sizes['batch']}", how


def _line(error: Exception) -> str:
    return str(error).splitlines()[0][:300]


def in_a_process(path: Path, sizes: dict[str, int], each: bool = False, calls: int = 0) -> list[tuple[str, str]]:
    """Run `tried` in a process of its own; if that did not finish, the last entry says how it ended."""
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(reader)
        try:
            with os.fdopen(writer, "w", buffering=1) as out:
                for way, how in tried(path, sizes, each, calls):
                    print(way, how, sep="\t", file=out)
        except Exception as error:
            print(f"{path}: {_line(error)}", file=sys.stderr)
            os._exit(1)
        os._exit(0)
    os.close(writer)
    with os.fdopen(reader) as lines:
        found = [tuple(line.rstrip("\n").split("\t", 1)) for line in lines]
    status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    return [(way, how) for way, how in found] + ([("then", f"crash: ended with {status}")] if status else [])


def main() -> int:
    """Write graphs, or try them."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("graphs", nargs="*", type=Path, metavar="FILE_OR_FOLDER")
    parser.add_argument("--write", type=Path, metavar="FOLDER")
    parser.add_argument("--size", nargs=2, type=int, default=(96, 144), metavar=("HEIGHT", "WIDTH"))
    parser.add_argument("--batches", nargs="+", type=int, default=(1, 2))
    parser.add_argument("--each", action="store_true")
    parser.add_argument("--calls", type=int, default=0)
    arguments = parser.parse_args()
    if arguments.write:
        write(arguments.write)
        return 0
    import onnxruntime

    counts: Counter[str] = Counter()
    files = [f for path in arguments.graphs for f in (sorted(path.glob("*.onnx")) if path.is_dir() else [path])]
    height, width = arguments.size
    for path in files:
        for batch in arguments.batches:
            sizes = {"height": height, "width": width, "batch": batch}
            for way, how in in_a_process(path, sizes, arguments.each, arguments.calls):
                counts[how.split(":")[0]] += 1
                if how not in ("same", "nothing to fix"):
                    print(f"{path.name}: {way}: {how}", flush=True)
    print(f"onnxruntime {onnxruntime.__version__}, {len(files)} graphs: {', '.join(f'{n} {how}' for how, n in counts.items())}")
    return 0 if set(counts) <= {"same", "nothing to fix", "refused"} else 1


if __name__ == "__main__":
    sys.exit(main())
