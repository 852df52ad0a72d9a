"""Load and run every graph of `exported/` in the oldest ONNX Runtime that `exported/README.md` names.

python tools/oldest_runtime.py    makes a virtual environment in a temporary folder, installs that version, exits 1 on a failure

The outputs on the shipped photograph must have the hashes of the manifest: old and new runtimes give the same bits.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np

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

folder, inputs = Path(sys.argv[1]), Path(sys.argv[2])
graphs = {k: v for k, v in json.loads((folder / "manifest.json").read_text())["graphs"].items() if "file" in v}
failed = 0
for name, entry in graphs.items():
    session = onnxruntime.InferenceSession(str(folder / entry["file"]), providers=["CPUExecutionProvider"])
    names = [output.name for output in session.get_outputs()]
    results = session.run(None, dict(np.load(inputs / f"{name}.npz")))
    for key, value in zip(names, results):
        if hashlib.sha256(value.tobytes()).hexdigest() != entry["outputs"][key]["sha256"]:
            failed += 1
            print(f"{name}: {key} differs in onnxruntime {onnxruntime.__version__}")
print(f"{len(graphs)} graphs ran in onnxruntime {onnxruntime.__version__}, {failed} outputs differ")
sys.exit(1 if failed or not graphs else 0)
"""


def write_inputs(folder: Path) -> None:
    """Write each graph's inputs for the shipped photograph to a file of arrays."""
    photo = photograph()
    for path in sorted((ROOT / "exported").glob("*.onnx")):
        session = Session(path)
        np.savez(folder / f"{path.stem}.npz", **feeds(session, example_inputs(compiled_from(session), photo)))


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
        command = [python, "-c", SCRIPT, str(ROOT / "exported"), str(inputs)]
        return subprocess.run(command, check=False).returncode


if __name__ == "__main__":
    sys.exit(main())
