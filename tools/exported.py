"""Write or check the ready-made graphs in `exported/`.

python tools/exported.py --write    export the default graph of every class and some of Pillow's, with a manifest
python tools/exported.py --check    export and run each again, compare bytes and outputs; exit 1 on any difference

The manifest holds each graph's backend, its SHA-256 and, for the photograph that ships with the package, each output's dtype,
shape and SHA-256. If the programs of classes differ only in the name, the first one's graph is used for all.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from graphproc.emitters.onnx.checks import operator_counts
from graphproc.errors import ConfigError
from graphproc.processors.registry import specs
from graphproc.runtime.session import Session
from graphproc.wrappers.examples import example_inputs, photograph
from graphproc.wrappers.processor import processor_class
from graphproc.wrappers.verify import compiled_from, run_image

FOLDER = Path(__file__).resolve().parent.parent / "exported"
MANIFEST = "manifest.json"
FIRST = tuple(f"{stem}ImageProcessor" for stem in ("CLIP", "ViT", "Siglip", "MobileNetV2", "Detr", "Qwen2VL", "Idefics3"))
"""The classes with the graph that others with the same program share; among the rest it is the first by name."""


PIL = tuple(
    f"{stem}ImageProcessorPil"
    for stem in (
        *("CLIP", "ViT", "Siglip", "DeiT", "Beit", "ConvNext", "Blip", "Bit", "MobileNetV2", "Llava"),
        *("Detr", "Segformer", "Mask2Former", "DPT", "Sam", "OwlViT", "LayoutLMv3", "Qwen2VL", "LlavaNext", "VideoMAE"),
    )
)
"""Classes that are much used, with Pillow's backend: its graphs are here, too, beside those of the default backend."""


def describe(name: str) -> tuple[bytes, dict[str, Any]]:
    """Return the default graph of a class, such as `CLIPImageProcessor` or `...Pil`, and its entry in the manifest."""
    processor = processor_class(name)()
    model = processor.to_onnx()
    data = model.SerializeToString(deterministic=True)
    session = Session(data)
    photo = photograph()
    outputs = run_image(session, photo, "photograph", example_inputs(compiled_from(session), photo))
    entry = {
        "file": f"{name}.onnx",
        "backend": processor.backend,
        "sha256": hashlib.sha256(data).hexdigest(),
        "bytes": len(data),
        "nodes": sum(operator_counts(model).values()),
        "outputs": {
            key: {
                "dtype": str(value.dtype),
                "shape": list(value.shape),
                "sha256": hashlib.sha256(value.tobytes()).hexdigest(),
            }
            for key, value in outputs.items()
        },
    }
    return data, entry


def exports() -> Iterator[tuple[str, str | None]]:
    """Yield every class that can be made without settings, then those of `PIL`, each with the earlier one of the same graph.

    That is None for the first one of a graph.
    """
    first: dict[str, str] = {}
    for name in [*FIRST, *(name for name in specs() if name not in FIRST), *PIL]:
        try:
            text = str(processor_class(name)().compile()).partition("\n")[2]
        except ConfigError:  # the class has no default for a setting that it needs
            continue
        shared = first.setdefault(text, name)
        yield name, None if shared == name else shared


def write() -> None:
    """Export every class, and those of `PIL`."""
    FOLDER.mkdir(exist_ok=True)
    manifest: dict[str, Any] = {}
    for path in FOLDER.glob("*.onnx"):
        path.unlink()
    for name, shared in exports():
        if shared is not None:
            manifest[name] = {"same_graph_as": shared}
            continue
        data, manifest[name] = describe(name)
        (FOLDER / f"{name}.onnx").write_bytes(data)
    text = {"image": "graphproc/data/cat.png", "graphs": manifest}
    (FOLDER / MANIFEST).write_text(json.dumps(text, indent=1) + "\n")
    graphs = [entry for entry in manifest.values() if "bytes" in entry]
    largest = max(graphs, key=lambda entry: entry["bytes"])
    print(
        f"{len(manifest)} classes and backends, {len(graphs)} graphs, {sum(entry['bytes'] for entry in graphs):,} bytes; "
        f"the largest is {largest['file']}: {largest['bytes']:,} bytes, {largest['nodes']} nodes"
    )


def differences() -> Iterator[str]:
    """Yield a line for each thing in `exported/` that differs from what the code exports now."""
    graphs = json.loads((FOLDER / MANIFEST).read_text())["graphs"]
    files = {path.name for path in FOLDER.glob("*.onnx")}
    wanted = dict(exports())
    for name in sorted(set(wanted) | set(graphs)):
        if name not in graphs or name not in wanted:
            yield f"{name}: {'no entry in the manifest' if name in wanted else 'in the manifest, but no such class'}"
            continue
        if (shared := wanted[name]) is not None or "same_graph_as" in graphs[name]:
            if graphs[name] != {"same_graph_as": shared}:
                yield f"{name}: shares the graph of {shared}, unlike in the manifest"
            continue
        data, entry = describe(name)
        if entry != graphs[name]:
            changed = [key for key in entry if entry[key] != graphs[name].get(key)]
            yield f"{name}: {', '.join(changed)} differ from the manifest"
        path = FOLDER / entry["file"]
        if not path.is_file() or path.read_bytes() != data:
            yield f"{path.name}: not the bytes that the class exports now"
        files.discard(entry["file"])
    yield from (f"{name}: no class exports it" for name in sorted(files))


def main() -> int:
    """Write or check."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    what = parser.add_mutually_exclusive_group(required=True)
    what.add_argument("--write", action="store_true")
    what.add_argument("--check", action="store_true")
    if parser.parse_args().write:
        write()
        return 0
    found = list(differences())
    print("\n".join(found) if found else "exported/ is what the code exports")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
