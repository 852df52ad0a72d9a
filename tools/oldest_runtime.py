"""Load and run every graph of `exported/` in the oldest ONNX Runtime that README names.

python tools/oldest_runtime.py    makes a virtual environment in a temporary folder, installs that version, exits 1 on a failure

The outputs on the shipped photograph must have the hashes of the manifest: old and new runtimes give the same bits.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
from pathlib import Path

OLDEST = "1.17.0"
"""The oldest ONNX Runtime that exported graphs are tried in, as README says."""

ROOT = Path(__file__).resolve().parent.parent
SCRIPT = """
import hashlib, json, sys
from pathlib import Path
import numpy as np, onnxruntime
from PIL import Image

folder, image = Path(sys.argv[1]), np.asarray(Image.open(sys.argv[2]).convert("RGB"))[None]
graphs = json.loads((folder / "manifest.json").read_text())["graphs"]
failed = 0
for name, entry in graphs.items():
    session = onnxruntime.InferenceSession(str(folder / entry["file"]), providers=["CPUExecutionProvider"])
    names = [output.name for output in session.get_outputs()]
    for key, value in zip(names, session.run(None, {"images": image})):
        if hashlib.sha256(value.tobytes()).hexdigest() != entry["outputs"][key]["sha256"]:
            failed += 1
            print(f"{name}: {key} differs in onnxruntime {onnxruntime.__version__}")
print(f"{len(graphs)} graphs ran in onnxruntime {onnxruntime.__version__}, {failed} outputs differ")
sys.exit(1 if failed or not graphs else 0)
"""


def main() -> int:
    """Install and run."""
    with tempfile.TemporaryDirectory() as folder:
        subprocess.run([sys.executable, "-m", "venv", folder], check=True)
        python = str(Path(folder) / "bin" / "python")
        wanted = [f"onnxruntime=={OLDEST}", "numpy<2", "pillow"]
        subprocess.run([python, "-m", "pip", "install", "-q", *wanted], check=True)
        command = [python, "-c", SCRIPT, str(ROOT / "exported"), str(ROOT / "graphproc" / "data" / "cat.png")]
        return subprocess.run(command, check=False).returncode


if __name__ == "__main__":
    sys.exit(main())
