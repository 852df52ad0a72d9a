"""Fix every free dimension of graphs and compare results with those of the same graphs as they are.

    python tools/fixed_dimensions.py --write FOLDER      write the graphs of one class of each family, every input form
    python tools/fixed_dimensions.py FILE_OR_FOLDER ...  try graphs; exit 1 unless all give the same bits
        [--size 96 144] [--batches 1 2] [--each]         --each: also every dimension by itself

Dimensions are fixed in both ways that ONNX Runtime has: overridden when a session is made, and in the model, by
`onnxruntime.tools.make_dynamic_shape_fixed`. Each graph runs in a process of its own, so that one that ends it is counted. The
second form needs onnxruntime, onnx and numpy alone, so that it can be run with other versions of them.
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

_DTYPES = {"uint8": np.uint8, "int64": np.int64, "int32": np.int32, "float": np.float32, "double": np.float64, "bool": np.bool_}


def write(folder: Path) -> None:
    """The graphs of one class of each family."""
    from graphproc.errors import ConfigError
    from graphproc.processors.registry import rows
    from graphproc.wrappers.processor import processor_class

    folder.mkdir(parents=True, exist_ok=True)
    for row in {row.family: row for row in reversed(rows().values())}.values():
        for form in ("image", "batch", "sequence"):
            with suppress(ConfigError):  # it has no default for a setting that it needs
                processor_class(row.name)().export(folder / f"{row.name}-{form}.onnx", input=form)


def feeds(session: Any, sizes: dict[str, int]) -> dict[str, Any]:
    """Random arrays for a graph's inputs; two for a sequence."""
    rng = np.random.default_rng(0)

    def array(kind: str, dims: list[Any]) -> Any:
        dtype = _DTYPES[kind.split("(")[-1].rstrip(")")]
        shape = [sizes.get(d, 3) if isinstance(d, str) else d for d in dims]
        return rng.integers(0, 2 if dtype == np.bool_ else 200, shape).astype(dtype)

    found = {}
    for value in session.get_inputs():
        if value.type.startswith("seq("):
            dims = [[sizes["height"] + n, sizes["width"] + n, 3] for n in range(2)]
            found[value.name] = [array(value.type, one) for one in dims]
        else:
            found[value.name] = array(value.type, value.shape)
    return found


def tried(path: Path, sizes: dict[str, int], each: bool) -> Iterator[tuple[str, str]]:
    """Every way to fix a graph's dimensions, and what became of it."""
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
    general = session(data, {})
    given = feeds(general, sizes)
    free = {dim for value in general.get_inputs() for dim in value.shape or () if isinstance(dim, str)}
    fixed = {name: sizes.get(name, 3) for name in free}
    try:
        expected = general.run(None, given)
    except Exception as error:
        yield "as it is", f"refused: {_line(error)}"
        return

    def compared(made: Any) -> str:
        found = made.run(None, given)
        same = all(a.dtype == b.dtype and np.array_equal(a, b) for a, b in zip(expected, found, strict=True))
        return "same" if same else "other bits"

    def in_model(names: dict[str, int]) -> bytes:
        model = onnx.load_from_string(data)
        for name, value in names.items():
            make_dim_param_fixed(model.graph, name, value)
        fix_output_shapes(model)
        return model.SerializeToString()

    ways = {"overridden": lambda names: session(data, names), "in the model": lambda names: session(in_model(names), {})}
    for some in filter(None, [fixed, *({name: fixed[name]} for name in sorted(free) if each)]):
        for way, make in ways.items():
            try:
                how = compared(make(some))
            except Exception as error:
                how = f"error: {_line(error)}"
            yield f"{', '.join(sorted(some))} {way}, batch {sizes['batch']}", how


def _line(error: Exception) -> str:
    return str(error).splitlines()[0][:300]


def in_a_process(path: Path, sizes: dict[str, int], each: bool = False) -> list[tuple[str, str]]:
    """The same in a process of its own, whose end is the last entry where it did not get through."""
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(reader)
        with os.fdopen(writer, "w", buffering=1) as out:
            for way, how in tried(path, sizes, each):
                print(way, how, sep="\t", file=out)
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
            for way, how in in_a_process(path, {"height": height, "width": width, "batch": batch}, arguments.each):
                counts[how.split(":")[0]] += 1
                if how != "same":
                    print(f"{path.name}: {way}: {how}", flush=True)
    print(f"onnxruntime {onnxruntime.__version__}, {len(files)} graphs: {', '.join(f'{n} {how}' for how, n in counts.items())}")
    return 0 if set(counts) <= {"same", "refused"} else 1


if __name__ == "__main__":
    sys.exit(main())
