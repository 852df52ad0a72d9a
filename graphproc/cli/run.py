"""`graphproc run`: preprocess image files."""

from __future__ import annotations

import io
from collections.abc import Callable, Mapping, Sequence
from contextlib import closing
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
        typer.Option(
            "--output", "-o", metavar="FILE", help="Write the outputs to this .npz file, whole or not at all; - is stdout."
        ),
    ] = None,
    settings: arguments.Settings = None,
    backend: arguments.Backend = None,
    revision: arguments.Revision = None,
    extra_inputs: Annotated[
        list[str] | None,
        typer.Option(
            "--with",
            metavar="NAME=FILE",
            show_default=False,
            help="An extra input, e.g. --with trimap=trimap.png: an image file, or numbers in .npy. Repeat it for each image.",
        ),
    ] = None,
    provider: arguments.Provider = "cpu",
    engine: Annotated[
        str, typer.Option(metavar="onnxruntime|numpy", help="What runs; the results are the same bits.")
    ] = "onnxruntime",
    json: arguments.Json = False,
) -> None:
    """Preprocess image files with a graph or a processor, and keep the result in a file.

    Where several images make a sample (the frames of a video, a pair), the files are one sample.
    """
    from graphproc.executors import reference
    from graphproc.runtime import workers
    from graphproc.runtime.description import describes
    from graphproc.runtime.thread_counts import default_threads
    from graphproc.wrappers.running import about
    from graphproc.wrappers.settings import ENGINES
    from graphproc.wrappers.verify import read_images, reading_of

    if engine not in ENGINES:
        raise ConfigError(f"--engine: expected one of {', '.join(ENGINES)}, got {engine!r}")
    if path is not None:
        _check_output(path)
    files = _extra_inputs(extra_inputs or [], len(images))
    of_source = {"backend": backend, "revision": revision}
    session = arguments.session(graph, settings, provider, **of_source, inputs=_inputs_to_export(graph, files))
    outputs, one = _runner(session, engine)
    results = []
    reading = reading_of(session) if describes(session.metadata) else {}
    color = session.metadata.get("color", "rgb")

    def read(name: str) -> Array:
        return read_images([name], reading, color)[0]

    # Workers decode the next files while the graph runs.
    with closing(workers.prefetch(read, images, default_threads())) as arrays:
        for index, name in enumerate(output.progress(images, len(images))):
            array = next(arrays)
            with about(f"image {name}"):
                results.append(one(array, {key: paths[index] for key, paths in files.items()}, name))
    nested = any(o.sample is not None for o in outputs)
    joined = _stacked(reference.join(outputs, results, [len(images)] if nested else ()))
    entries = [entry for name, value in joined.items() for entry in _entries(name, value)]
    if path is None:
        _show(entries, len(images), None, json)
        return
    content = _npz(path, joined)
    with output.delivering(path) as write:
        _show(entries, len(images), write(content), json)


def _check_output(path: Path) -> None:
    """Raise ConfigError before any work if the output cannot be written."""
    from graphproc.files import is_special

    if str(path) in output.STDOUT or is_special(path):
        return
    if not path.parent.is_dir():
        raise ConfigError(f"-o {path}: there is no folder {path.parent}. Create it first.")
    if path.suffix.lower() != ".npz":
        raise ConfigError(f"-o {path}: expected a name that ends in .npz, numpy's format. Other formats are not written.")


def _show(entries: list[dict[str, Any]], images: int, path: Path | None, json: bool) -> None:
    if json:
        output.as_json({"images": images, "outputs": entries, "file": None if path is None else str(path)})
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


def _extra_inputs(given: Sequence[str], count: int) -> dict[str, list[str]]:
    """Return the files of each extra input, one for each image."""
    files: dict[str, list[str]] = {}
    for text in given:
        name, equals, path = text.partition("=")
        if not equals or not name.isidentifier():
            raise ConfigError(f"--with: expected NAME=FILE such as trimap=trimap.png, got {text!r}")
        files.setdefault(name, []).append(path)
    for name, paths in files.items():
        if len(paths) != count:
            raise ConfigError(f"--with {name}: expected one file for each of the {count} images, got {len(paths)}")
    return files


def _inputs_to_export(graph: str, files: Mapping[str, Sequence[str]]) -> list[str]:
    """Return the extra inputs that a processor's graph is exported with; none for a ready graph."""
    return [] if arguments.is_graph(graph) else sorted(files)


def _runner(session: Session, engine: str) -> tuple[Sequence[Output], Callable[..., dict[str, Array]]]:
    """Return the outputs with their joins, and a function that runs one image with its extra inputs."""
    from graphproc.executors import reference
    from graphproc.ir.program import Output
    from graphproc.runtime.description import describes
    from graphproc.wrappers.extra_inputs import read_input
    from graphproc.wrappers.processor import processor_class
    from graphproc.wrappers.verify import compiled_from, run_image

    def inputs(array: Array, files: Mapping[str, str]) -> dict[str, Array]:
        found = {"image": array}
        if program is not None:
            extra_inputs = {} if "program" in session.metadata else processor_class(program.name).spec.extra_inputs
            if unknown := sorted(set(files) - set(extra_inputs)):
                raise ConfigError(f"--with {unknown[0]}: {program.name} takes {', '.join(extra_inputs) or 'no extra input'}")
            found |= {
                name: read_input(extra_inputs[name], _read_file(path), f"--with {name}={path}") for name, path in files.items()
            }
            if missing := [v.name for v in program.inputs if v.name not in found]:
                raise ConfigError(f"{program.name} also takes {missing[0]}: add --with {missing[0]}=FILE")
            program.check(reference.sizes_from(program, found))  # raises a clear error for sizes that it does not take
        return found

    def graph(array: Array, files: Mapping[str, str], label: str) -> dict[str, Array]:
        results = run_image(session, array, label, inputs(array, files))
        return {output.name: reference.of_image(output, results[output.name]) for output in outputs}

    def numpy(array: Array, files: Mapping[str, str], label: str) -> dict[str, Array]:
        assert program is not None
        return reference.run(program, inputs(array, files))

    program = compiled_from(session) if engine == "numpy" or describes(session.metadata) else None
    fused = "fusion" in session.metadata
    if fused and engine == "numpy":
        raise ConfigError("--engine numpy: the graph contains a model, which only ONNX Runtime runs")
    outputs = program.outputs if program is not None and not fused else tuple(Output(name, name) for name in session.outputs)
    return outputs, numpy if engine == "numpy" else graph


def _read_file(path: str) -> Any:
    """Return the content of an extra input's file: an image, or the array of an .npy file."""
    import numpy as np
    from PIL import Image

    try:
        return np.load(path, allow_pickle=False) if path.endswith(".npy") else Image.open(path)
    except (OSError, ValueError) as error:
        raise ImageError(f"{path}: expected an image file or an array in .npy, got: {str(error).splitlines()[0]}") from None


def _stacked(joined: Joined) -> Joined:
    """Return each output as one array if the images' shapes agree, else as it is."""
    import numpy as np

    return {
        name: np.stack(value) if isinstance(value, list) and len({a.shape for a in value}) == 1 else value
        for name, value in joined.items()
    }


def _entries(name: str, value: Array | list[Array]) -> list[dict[str, Any]]:
    """Return one entry for an output, or one for each shape where images have different ones."""
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


def _npz(path: Path, joined: Joined) -> bytes:
    """Return the outputs in numpy's format."""
    import numpy as np

    for name, value in joined.items():
        if isinstance(value, list):
            shapes = ", ".join(output.shape(s) for s in dict.fromkeys(a.shape for a in value))
            raise ImageError(
                f"-o {path}: {name} has different shapes for these images ({shapes}), which do not stack to one array. "
                "Run the images one by one, or leave -o out."
            )
    buffer = io.BytesIO()
    np.savez(buffer, **joined)  # type: ignore[arg-type]
    return buffer.getvalue()
