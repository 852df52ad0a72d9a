"""Importing the package, and using its light parts, loads numpy and nothing heavier."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

HEAVY = ("onnx", "onnx_ir", "onnxruntime", "torch", "torchvision", "PIL", "huggingface_hub", "transformers", "typer", "rich")
LIGHT_USES = {
    "import": "import graphproc",
    "names": "import graphproc; dir(graphproc); graphproc.__version__; graphproc.BatchFeature; graphproc.GraphprocError",
    "a program": (
        "import graphproc; program = graphproc.CLIPImageProcessor().compile(); str(program); program.bind(height=3, width=4)"
    ),
    "the numpy engine": (
        "import graphproc, numpy; "
        "graphproc.CLIPImageProcessor(engine='numpy')(numpy.zeros((30, 40, 3), numpy.uint8), return_tensors='np')"
    ),
    "passes": (
        "from graphproc.passes.pipeline import optimize; import graphproc;optimize(graphproc.ViTImageProcessor().compile())"
    ),
}


def loaded(code: str, root: Path) -> set[str]:
    """Return the top-level modules that a fresh interpreter has loaded after some code."""
    code = f"{code}\nimport json, sys\nprint(json.dumps(sorted({{name.split('.')[0] for name in sys.modules}})))"
    environment = {**os.environ, "PYTHONPATH": str(root)}
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env=environment, check=True)
    return set(json.loads(result.stdout))


@pytest.mark.parametrize("use", LIGHT_USES)
def test_nothing_heavy_is_loaded(use: str, root: Path) -> None:
    assert loaded(LIGHT_USES[use], root) & set(HEAVY) == set()


@pytest.mark.slow
def test_names_that_need_torch_are_no_attributes_without_it(root: Path) -> None:
    """So that `hasattr`, `inspect.getmembers` and `help` go on; the error still says what to install."""
    code = (
        "import sys; sys.modules['torch'] = None\n"
        "import graphproc, inspect, pydoc\n"
        "from graphproc.errors import RuntimeUnavailableError\n"
        "assert not hasattr(graphproc, 'TorchModule')\n"
        "assert dict(inspect.getmembers(graphproc))['fuse'] is graphproc.fuse\n"
        "pydoc.render_doc(graphproc)\n"
        "try: graphproc.TorchModule\n"
        "except RuntimeUnavailableError as error: assert 'pip install' in str(error)\n"
        "else: raise SystemExit('no error')"
    )
    loaded(code, root)


@pytest.mark.slow
def test_the_check_sees_heavy_modules(root: Path) -> None:
    assert {"onnx", "onnx_ir"} <= loaded("import graphproc; graphproc.CLIPImageProcessor().to_onnx()", root)


def test_importing_loads_numpy_and_the_standard_library_only(root: Path) -> None:
    before = loaded("", root)
    extra = loaded("import graphproc.wrappers.processor", root) - before - set(sys.stdlib_module_names) - {"graphproc", "numpy"}
    # numpy loads these where they are installed
    assert extra - {"cython_runtime", "_cython_3_0_0", "mkl", "numpy_distutils"} <= {n for n in extra if n.startswith("_")}
