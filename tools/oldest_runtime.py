"""Load and run every graph of `exported/` in the oldest ONNX Runtime that `exported/README.md` names.

python tools/oldest_runtime.py    makes a virtual environment in a temporary folder, installs that version, exits 1 on a failure

The outputs on the shipped photograph must have the hashes of the manifest: old and new runtimes give the same bits. Where the
native library is built, the graphs run with its kernels, too.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np

from graphproc.runtime import native
from graphproc.runtime.origin import of_described
from graphproc.runtime.session import Session
from graphproc.wrappers.examples import example_inputs, photograph
from graphproc.wrappers.verify import compiled_from, feeds

OLDEST = "1.17.0"
"""The oldest ONNX Runtime that exported graphs are tried in, the one that `exported/README.md` names."""

ROOT = Path(__file__).resolve().parent.parent
SCRIPT = """
import hashlib, json, sys
from pathlib import Path
import numpy as np, onnxruntime

folder, inputs, library = Path(sys.argv[1]), Path(sys.argv[2]), sys.argv[3]
graphs = {k: v for k, v in json.loads((folder / "manifest.json").read_text())["graphs"].items() if "file" in v}

def failures(path, name, outputs, options):
    session = onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    results = session.run(None, dict(np.load(inputs / f"{name}.npz")))
    ran = set()
    if options.enable_profiling:
        profile = Path(session.end_profiling())
        ran = {event["args"]["op_name"] for event in json.loads(profile.read_text()) if "op_name" in event.get("args", {})}
        profile.unlink()
    digests = [hashlib.sha256(value.tobytes()).hexdigest() for value in results]
    keys = [output.name for output in session.get_outputs()]
    return [key for key, digest in zip(keys, digests) if digest != outputs[key]["sha256"]], ran

def run(what, paths, options):
    wrong, ran = [], set()
    for name, path in paths.items():
        differ, ops = failures(path, name, graphs[name]["outputs"], options)
        ran |= ops
        wrong += [f"{name}: {key} differs in onnxruntime {onnxruntime.__version__}{what}" for key in differ]
    print(*wrong, f"{len(paths)} graphs ran in onnxruntime {onnxruntime.__version__}{what}: {len(wrong)} differ", sep="\\n")
    return bool(wrong) or not paths, ran

failed, _ = run("", {name: folder / entry["file"] for name, entry in graphs.items()}, onnxruntime.SessionOptions())
if library:
    options = onnxruntime.SessionOptions()
    options.register_custom_ops_library(library)
    options.enable_profiling = True
    options.profile_file_prefix = str(inputs / "profile")
    paths = {name: inputs / f"{name}.onnx" for name in graphs}
    differ, ran = run(" with kernels", {name: path for name, path in paths.items() if path.exists()}, options)
    kernels = sorted(name for name in ran if name.partition("_")[0] in sys.argv[4:])
    print(f"kernels that ran: {', '.join(kernels) or 'none'}")
    failed = failed or differ or not kernels
sys.exit(1 if failed else 0)
"""


def write_inputs(folder: Path) -> None:
    """Write each graph's inputs for the shipped photograph to a file of arrays, and beside it the graph with kernels."""
    photo = photograph()
    for path in sorted((ROOT / "exported").glob("*.onnx")):
        session = Session(path)
        np.savez(folder / f"{path.stem}.npz", **feeds(session, example_inputs(compiled_from(session), photo)))
        origin = of_described(path.read_bytes())
        if origin is not None and origin.options.target == "cpu":
            (folder / path.name).write_bytes(origin.graph(kernels=True))


def main() -> int:
    """Install and run."""
    argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter).parse_args()
    with tempfile.TemporaryDirectory() as folder:
        subprocess.run([sys.executable, "-m", "venv", folder], check=True)
        python = str(Path(folder) / "bin" / "python")
        wanted = [f"onnxruntime=={OLDEST}", "numpy<2"]
        subprocess.run([python, "-m", "pip", "install", "-q", *wanted], check=True)
        inputs = Path(folder) / "inputs"
        inputs.mkdir()
        write_inputs(inputs)
        found = native.library()
        command = [python, "-c", SCRIPT, str(ROOT / "exported"), str(inputs), str(found.path or ""), *found.kernels]
        return subprocess.run(command, check=False).returncode


if __name__ == "__main__":
    sys.exit(main())
