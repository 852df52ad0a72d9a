"""`graphproc run`: preprocess image files."""

from __future__ import annotations

import io
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from graphproc.cli import arguments, output
from graphproc.errors import ConfigError, ImageError

if TYPE_CHECKING:
    import numpy as np

    from graphproc.ir.program import Output
    from graphproc.runtime.session import Session

    Array = np.ndarray[Any, Any]
    Joined = Mapping[str, Array | list[Array]]

EXAMPLE = "Example: graphproc run preprocessing.onnx photo.jpg -o features.npz"


def run(
    graph: arguments.GraphOrSource,
    images: Annotated[list[str], typer.Argument(metavar="IMAGE...", show_default=False, help="Image files of any sizes.")],
    path: Annotated[
        Path | None,
        typer.Option("--output", "-o", metavar="FILE", help="Write the outputs to this .npz file, whole or not at all."),
    ] = None,
    settings: arguments.Settings = None,
    provider: arguments.Provider = "cpu",
    engine: Annotated[
        str, typer.Option(metavar="onnxruntime|numpy", help="What runs; the results are the same bits.")
    ] = "onnxruntime",
    json: arguments.Json = False,
) -> None:
    """Preprocess image files with a graph or a processor, and keep the result in a file."""
    from graphproc.executors import reference
    from graphproc.wrappers.processor import ENGINES
    from graphproc.wrappers.verify import read_images

    if engine not in ENGINES:
        raise ConfigError(f"--engine: expected one of {', '.join(ENGINES)}, got {engine!r}")
    if path is not None and not path.parent.is_dir():
        raise ConfigError(f"-o {path}: there is no folder {path.parent}. Create it first.")
    session = arguments.session(graph, settings, provider)
    outputs, one = _runner(session, engine)
    results = []
    for name in output.progress(images, len(images)):
        (array,) = read_images([name])
        results.append(one(array, name))
    joined = _stacked(reference.join(outputs, results))
    if path is not None:
        _write(path, joined)
    entries = [entry for name, value in joined.items() for entry in _entries(name, value)]
    if json:
        output.as_json({"images": len(images), "outputs": entries, "file": None if path is None else str(path)})
        return
    output.table(
        ("output", "dtype", "shape", "images", "min", "mean", "max"),
        (
            (e["name"], e["dtype"], output.shape(e["shape"]), str(e["images"]), *(f"{e[k]:.6g}" for k in ("min", "mean", "max")))
            for e in entries
        ),
        right=("images", "min", "mean", "max"),
    )
    if path is not None:
        output.text(f"\nWrote {path}")


def _runner(session: Session, engine: str) -> tuple[Sequence[Output], Callable[[Array, str], dict[str, Array]]]:
    """The outputs and how several images' results join, and what runs one RGB image, without a batch axis."""
    from graphproc.executors import reference
    from graphproc.ir.program import Output
    from graphproc.wrappers.processor import AutoImageProcessor
    from graphproc.wrappers.verify import in_color, run_image

    def graph(array: Array, label: str) -> dict[str, Array]:
        if program is not None:
            program.bind(height=array.shape[0], width=array.shape[1])  # raises a clear error for a size it does not take
        results = run_image(session, array, label)
        return {k: v[0] if v.ndim and len(v) == 1 else v for k, v in results.items()}

    def numpy(array: Array, label: str) -> dict[str, Array]:
        assert program is not None
        return reference.run(program, {"image": in_color(array, color)})

    color = session.metadata.get("color", "rgb")
    program = None
    if engine == "numpy" or "config" in session.metadata:
        program = AutoImageProcessor.from_dict(session.config()).compile(color=color)
    if engine == "numpy":
        assert program is not None
        return program.outputs, numpy
    known = {o.name: o for o in program.outputs} if program is not None else {}
    return [known.get(name, Output(name, name)) for name in session.outputs], graph


def _stacked(joined: Joined) -> Joined:
    """Each output as one array where the images' shapes agree."""
    import numpy as np

    return {
        name: np.stack(value) if isinstance(value, list) and len({a.shape for a in value}) == 1 else value
        for name, value in joined.items()
    }


def _entries(name: str, value: Array | list[Array]) -> list[dict[str, Any]]:
    """One entry for an output, or one for each shape where images have different ones."""
    if isinstance(value, list):
        groups: dict[tuple[int, ...], list[Array]] = {}
        for array in value:
            groups.setdefault(array.shape, []).append(array)
        return [{**_statistics(name, arrays), "shape": list(shape)} for shape, arrays in groups.items()]
    return [{**_statistics(name, list(value)), "shape": list(value.shape)}]


def _statistics(name: str, arrays: list[Array]) -> dict[str, Any]:
    import numpy as np

    values = np.stack(arrays).astype(np.float64)
    low, mean, high = (values.min(), values.mean(), values.max()) if values.size else (np.nan,) * 3
    numbers = {"min": float(low), "mean": float(mean), "max": float(high)}
    return {"name": name, "dtype": str(arrays[0].dtype), "shape": [], "images": len(arrays), **numbers}


def _write(path: Path, joined: Joined) -> None:
    import numpy as np

    from graphproc.wrappers.files import write_atomically

    for name, value in joined.items():
        if isinstance(value, list):
            shapes = ", ".join(output.shape(s) for s in dict.fromkeys(a.shape for a in value))
            raise ImageError(
                f"-o {path}: {name} has different shapes for these images ({shapes}), which do not stack to one array. "
                "Run the images one by one, or leave -o out."
            )
    buffer = io.BytesIO()
    np.savez(buffer, **joined)  # type: ignore[arg-type]
    write_atomically(path, buffer.getvalue())
