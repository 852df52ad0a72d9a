"""`graphproc bench`: the contestants and images that it shows times of, and its exit code."""

from __future__ import annotations

import json
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from typer.testing import CliRunner

from graphproc.bench import task
from graphproc.bench.floor import FLOOR
from graphproc.bench.own import GRAPH, KERNELS, KERNELS_OTHER, NUMPY, OWN
from graphproc.bench.peers import PIL_ARRAY, PIL_IMAGE, PILLOW
from graphproc.cli.main import app
from graphproc.runtime import native
from graphproc.runtime.session import Session
from graphproc.wrappers.examples import photograph

MINE = [name for name in OWN if native.path() or name not in (KERNELS, KERNELS_OTHER)]
"""The contestants of this package that can run here."""
SMALL = ("CLIPImageProcessor", "--set", "size=40", "--set", "crop_size=32", "--runs", "2")

runner = CliRunner()


@pytest.fixture(autouse=True)
def _alone(monkeypatch: pytest.MonkeyPatch) -> None:
    """Pretend that only the packages that this one needs are installed, which is also quick."""

    def absent(name: str) -> Any:
        raise ModuleNotFoundError(f"No module named {name!r}", name=name.split(".")[0])

    monkeypatch.setattr(task, "import_module", absent)


def run(*args: str, code: int = 0) -> str:
    result = runner.invoke(app, ["bench", *SMALL, *args], env={"COLUMNS": "200"})
    assert result.exit_code == code, result.output
    return result.stderr if code == 2 else result.stdout


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    folder = tmp_path_factory.mktemp("images")
    paths = [folder / "first.png", folder / "second.png"]
    for path, side in zip(paths, (50, 70), strict=True):
        Image.fromarray(photograph()[:side, :60]).save(path)
    return [str(path) for path in paths]


@pytest.mark.slow
def test_json_has_every_image_and_number_of_threads(files: list[str]) -> None:
    found = json.loads(run(*files, "--backend", "pil", "--threads", "1", "--threads", "2", "--json"))
    assert found["ok"] is True
    assert found["machine"]["cores"] >= 1
    heads = [(r["image"], r["height"], r["width"], r["threads"], r["batch"]) for r in found["results"]]
    assert heads == [(path, side, 60, n, 1) for path, side in zip(files, (50, 70), strict=True) for n in (1, 2)]
    for result in found["results"]:
        assert [t["contestant"] for t in result["timings"]] == [*MINE, PILLOW, FLOOR]
        assert [t["exact"] for t in result["timings"]] == [True] * len(MINE) + [True, None]
        assert all(t["runs"] == 2 and t["milliseconds"] > 0 for t in result["timings"])


@pytest.mark.slow
def test_the_table_shows_times_and_ratios_and_who_is_missing() -> None:
    text = run("--batch", "3", "--backend", "pil")
    lines = text.splitlines()
    assert lines[0] == "CLIPImageProcessor on photograph, 300 x 451, batch of 3, 1 thread"
    assert lines[1].split() == ["contestant", "runs", "ms", "per", "image", "ratio", "exact"]
    (graph,) = (line for line in lines if line.startswith(f"{GRAPH}  "))
    assert graph.split()[-2:] == ["1.00", "yes"]
    assert any(line.startswith(PILLOW) and line.endswith("yes (the resize only)") for line in lines)
    missing = [line for line in lines if line.startswith("Left out: ")]
    assert len(missing) == 3 + 2 * (list(OWN) != MINE)
    assert any("transformers is not installed (pip install transformers)" in line for line in missing)


def test_a_configuration_file_is_a_source(tmp_path: Path) -> None:
    path = tmp_path / "preprocessor_config.json"
    path.write_text(json.dumps({"image_processor_type": "ViTImageProcessor", "size": 33}))
    result = runner.invoke(app, ["bench", str(path), "--runs", "1", "--json"])
    assert result.exit_code == 0, result.output
    assert json.loads(result.stdout)["results"][0]["processor"] == "ViTImageProcessor"


@pytest.mark.slow
def test_other_bits_are_shown_and_exit_1(monkeypatch: pytest.MonkeyPatch) -> None:
    right = Session.run

    def wrong(session: Session, inputs: Any, *others: Any) -> Any:
        return {name: value + np.float32(1000) for name, value in right(session, inputs, *others).items()}

    monkeypatch.setattr(Session, "run", wrong)
    lines = run(code=1).splitlines()
    assert [line.split()[-1] for line in lines if line.startswith(NUMPY)] == ["yes"]
    assert any(line.startswith(GRAPH) and "elements (100 %), by up to 1e+03" in line for line in lines)


@pytest.mark.parametrize(
    ("args", "expected"),
    [
        (["--threads", "0"], "threads: expected at least 1, got 0"),
        (["--runs", "0"], "runs: expected at least 1, got 0"),
        (["--batch", "0"], "batch: expected at least 1 image, got 0"),
        (["nowhere.png"], "'nowhere.png': expected an image file"),
    ],
)
def test_bad_usage_is_one_line_and_exit_2(args: list[str], expected: str) -> None:
    text = run(*args, code=2)
    assert expected in text
    assert text.count("\n") == 1


@pytest.mark.slow
def test_peers_take_part_where_they_are_installed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(task, "import_module", import_module)
    pytest.importorskip("transformers")
    found = json.loads(run("--json", "--backend", "pil"))["results"][0]
    exact = {t["contestant"]: t["exact"] for t in found["timings"]}
    assert exact[PIL_ARRAY] is exact[PIL_IMAGE] is True
