"""`tools/bench`: the figures of its summary, its files and plots, and its peers."""

from __future__ import annotations

import importlib
import importlib.util
import json
import mmap
import sys
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import PIL
import pytest
from PIL import Image

import graphproc as gp
from graphproc.bench.floor import FLOOR
from graphproc.bench.measure import Measurement
from graphproc.bench.own import CALL, FIXED, GRAPH, GRAPH_OTHER, NUMPY
from graphproc.bench.peers import PIL_ARRAY, PILLOW, TORCHVISION_TENSOR
from graphproc.bench.task import Contestant, Difference, LeftOutError, Task
from graphproc.runtime import native
from graphproc.wrappers.examples import photograph

EXACT = Difference(0, 100, 0.0)
INEXACT = Difference(3, 100, 0.25)
DIFFERENCES = {TORCHVISION_TENSOR: INEXACT, "Pillow-SIMD resize alone": INEXACT, FLOOR: None}
"""What contestants give that are not exact; there is nothing to compare in the floor."""
Key = tuple[str, int | None, int]


@pytest.fixture(scope="module")
def folder(root: Path) -> Iterator[Path]:
    """Yield the tool's folder; its files import each other by their names."""
    path = root / "tools" / "bench"
    before = set(sys.modules)
    sys.path.insert(0, str(path))
    yield path
    sys.path.remove(str(path))
    for name in set(sys.modules) - before:
        if str(getattr(sys.modules[name], "__file__", "")).startswith(str(path)):
            del sys.modules[name]


@pytest.fixture(scope="module")
def tool(folder: Path) -> ModuleType:
    spec = importlib.util.spec_from_file_location("bench_tool", folder / "__main__.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def cell(tool: ModuleType, work: str, size: tuple[int, int], seconds: Mapping[Key, float], kind: str = "sizes") -> Any:
    """Return a cell with the seconds that each contestant took in every round."""
    contestants = tuple(Contestant(name, int, threads, batch) for name, threads, batch in seconds)
    differences = tuple(DIFFERENCES.get(name, EXACT) for name, _, _ in seconds)
    times = np.tile(list(seconds.values()), (5, 1))
    return tool.cells.Cell(work, size, kind, Measurement(contestants, times, differences), ("x: not here",))


def table(tool: ModuleType) -> list[Any]:
    def times(graph: float, fixed: float) -> dict[Key, float]:
        return {
            (GRAPH, 1, 1): graph,
            (GRAPH, 2, 1): graph / 2,
            (FIXED, 1, 1): fixed,
            (FIXED, 2, 1): fixed / 2,
            (GRAPH_OTHER, 1, 1): 1.25 * graph,
            (CALL, 1, 1): 2 * graph,
            (PIL_ARRAY, None, 1): 0.010,
            (TORCHVISION_TENSOR, 1, 1): 0.004,
            (TORCHVISION_TENSOR, 2, 1): 0.004,
            (PILLOW, None, 1): 0.004,
            (tool.works.elsewhere.SIMD, None, 1): 0.001,
            (FLOOR, None, 1): 0.0001,
            (tool.works.KERNELS["avx2"], 1, 1): graph / 4,
            (tool.works.KERNELS["avx2"], 2, 1): graph / 6,
            (tool.works.KERNELS["sse4.1"], 1, 1): graph / 3,
            (tool.works.KERNELS_OTHER["avx2"], 1, 1): graph / 2,
        }

    batches = {
        (form, threads, batch): 0.002 * batch * (0.5 if batch == 32 else 1) / threads**0.5
        for form in (GRAPH, FIXED)
        for threads in (1, 2)
        for batch in (1, 8, 32)
    }
    return [
        cell(tool, "CLIP", (240, 320), times(0.003, 0.001)),
        cell(tool, "CLIP", (1080, 1920), times(0.0048, 0.004)),
        cell(tool, "CLIP", (427, 640), batches, "batches"),
    ]


COSTS = [
    {"name": "import graphproc", "value": 0.1, "unit": "s", "key": "import"},
    {"name": "CLIP, graph of any size: session", "value": 151.0, "unit": "ms", "key": "session"},
    {"name": "ViT, graph of any size: session", "value": 500.0, "unit": "ms", "key": "session"},
    {"name": "CLIP, graph of any size: nodes", "value": 99, "unit": "nodes", "key": ""},
]


def test_the_summary_s_figures(tool: ModuleType) -> None:
    found = {figure.name: figure for figure in tool.summary.figures(table(tool), COSTS)}
    expected = {
        "graphproc: results that are not the reference's bits": (0, 0, True, "of 32"),
        f"{GRAPH} / {PILLOW}, 1 thread: worst": (1.2, 1.0, False, "CLIP 1080x1920"),
        f"{FIXED} / {PILLOW}, 1 thread: worst": (1.0, 1.0, True, "CLIP 1080x1920"),
        f"{FIXED} / {PILLOW}, 1 thread: geometric mean": (0.5, None, None, "of 2"),
        f"{FIXED} / {PIL_ARRAY}, 1 thread: geometric mean": (0.2, 0.33, True, "of 2"),
        f"{GRAPH} / {PIL_ARRAY}, 1 thread: worst": (0.48, 0.6, True, "CLIP 1080x1920"),
        "Pillow-SIMD resize alone: % of bytes that are not Pillow's": (3.0, None, None, "6 of 200"),
        f"{GRAPH_OTHER} / {PIL_ARRAY}, 1 thread: worst": (0.6, 0.6, True, "CLIP 1080x1920"),
        f"{FIXED} / {TORCHVISION_TENSOR}, 1 thread: geometric mean": (0.5, 0.9, True, "of 2"),
        f"{GRAPH} / {TORCHVISION_TENSOR}, 2 threads: geometric mean": (0.9**0.5 / 2, 0.7, True, "of 2"),
        f"{FIXED} / {tool.works.elsewhere.SIMD}, 2 threads: geometric mean": (1.0, 1.0, True, "of 2"),
        f"{GRAPH} / {FIXED}, 427x640 and larger, 1 thread: worst": (1.2, 1.25, True, "CLIP 1080x1920"),
        f"{GRAPH}, an image of 32 / of 1, 2 threads: worst": (0.5, 0.9, True, "CLIP 427x640"),
        f"{FIXED}, batch of 32, 2 threads / 1 thread: worst": (0.5**0.5, 0.6, False, "CLIP 427x640"),
        "import graphproc": (0.1, 0.3, True, ""),
        "CLIP, graph of any size: session": (151.0, 150.0, False, ""),
    }
    for name, (value, limit, met, where) in expected.items():
        figure = found[name]
        assert (figure.value, figure.limit, figure.met, figure.where) == (pytest.approx(value), limit, met, where), name
    assert not [name for name in found if name.startswith("ViT") or "nodes" in name]


def test_the_ratios_of_kernels_calls_batches_and_files(tool: ModuleType) -> None:
    works, files = tool.works, tool.works.files
    kernels, other = works.KERNELS["avx2"], works.KERNELS_OTHER["avx2"]
    seconds = {
        (files.CALL_FILES, 2, 32): 0.032,
        (files.THEIR_FILES, 2, 32): 0.128,
        (files.DECODING, 2, 32): 0.024,
        (files.THEIR_DECODING, 2, 32): 0.032,
    }
    batches = {(kernels, threads, batch): 0.001 * batch / threads for threads in (1, 2) for batch in (1, 32)}
    floats = {(kernels, 1, 1): 0.001, (TORCHVISION_TENSOR, 1, 1): 0.004}
    cells = [
        *table(tool),
        cell(tool, "CLIP", (427, 640), batches, "batches"),
        cell(tool, "CLIP", (427, 640), seconds, "files"),
        cell(tool, "DINOv3", (427, 640), floats),
        cell(tool, "RF-DETR", (427, 640), {**floats, (kernels, 1, 1): 0.002}),
    ]
    ratios = tool.ratios.ratios(cells)
    found = {(ratio.works, ratio.name): (ratio.mean, ratio.worst, ratio.where, ratio.cells) for ratio in ratios}
    large = "CLIP 1080x1920"
    expected = {
        f"{kernels} / {TORCHVISION_TENSOR}, 1 thread": (0.9**0.5 / 4, 0.3, large, 2),
        f"{kernels} / {GRAPH}, 1 thread": (0.25, 0.25, "", 2),
        f"{other} / {PIL_ARRAY}, 1 thread": (0.036**0.5, 0.24, large, 2),
        f"{kernels} / {PILLOW}, 1 thread": (0.9**0.5 / 4, 0.3, large, 2),
        f"{kernels} / Pillow-SIMD resize alone, 1 thread": (0.9**0.5, 1.2, large, 2),
        f"{kernels} / {FLOOR}, 1 thread": (9 * (10 / 9) ** 0.5, 12, large, 2),
        f"{kernels}, 2 threads / 1 thread": (2 / 3, 2 / 3, "", 2),
        f"{works.KERNELS['sse4.1']} / {kernels}, 1 thread": (4 / 3, 4 / 3, "", 2),
        f"{CALL} / {TORCHVISION_TENSOR}, 1 thread": (2 * 0.9**0.5, 2.4, large, 2),
        f"{kernels}, batch of 32, 2 threads / 1 thread": (0.5, 0.5, "CLIP 427x640", 1),
        f"{kernels}, an image of 32 / of 1, 2 threads": (1.0, 1.0, "CLIP 427x640", 1),
        f"{files.CALL_FILES} / {files.THEIR_FILES}, 32 files, 2 threads": (0.25, 0.25, "CLIP 427x640", 1),
        f"{files.DECODING} / {files.CALL_FILES}, 32 files, 2 threads": (0.75, 0.75, "CLIP 427x640", 1),
        f"{files.THEIR_DECODING} / {files.THEIR_FILES}, 32 files, 2 threads": (0.25, 0.25, "CLIP 427x640", 1),
    }
    for name, (mean, worst, where, count) in expected.items():
        one = found["CLIP", name]
        assert one == (pytest.approx(mean), pytest.approx(worst), where or one[2], count), name  # any cell of several alike
    assert found["DINOv3, RF-DETR", f"{kernels} / {TORCHVISION_TENSOR}, 1 thread"] == (
        pytest.approx(0.125**0.5),
        pytest.approx(0.5),
        "RF-DETR 427x640",
        2,
    )
    text = tool.report.ratios_text(ratios)
    assert "0.354   0.500  RF-DETR 427x640, of 2" in text


def test_wrong_bits_are_counted_and_named(tool: ModuleType) -> None:
    wrong = Measurement((Contestant(GRAPH, int, 1), Contestant(NUMPY, int)), np.ones((1, 2)), (INEXACT, EXACT))
    figures = tool.summary.figures([tool.cells.Cell("SAM", (8, 9), "sizes", wrong)], [])
    assert [(f.value, f.where, f.met) for f in figures] == [(1, f"{GRAPH} in SAM 8x9", False)]


def test_the_text_of_cells_costs_and_summary(tool: ModuleType) -> None:
    first, *_ = cells = table(tool)
    lines = tool.report.cell_text(first).splitlines()
    assert lines[1] == "CLIP 240x320, milliseconds per image"
    (row,) = (line for line in lines if line.startswith(FIXED) and line.split()[3] == "2")
    assert row.split()[3:] == ["2", "1", "5", "0.500", "0.33", "1.00", "0.05", "0.12", "yes"]
    (row,) = (line for line in lines if line.startswith(PILLOW))
    assert row.split()[3:] == ["-", "1", "5", "4.000", "1.33", "4.00", "0.40", "1.00", "yes"]
    assert lines[-1] == "left out: x: not here"
    summary = tool.report.summary_text(tool.summary.figures(cells, COSTS))
    assert summary.count(" NO ") >= 3
    assert "nodes" in tool.report.costs_text(COSTS)


def test_cells_are_read_back_as_they_were(tool: ModuleType) -> None:
    one = table(tool)[0]
    one.measured.seconds[1, 3] = np.nan
    again = tool.cells.Cell.from_dict(json.loads(json.dumps(one.as_dict())))
    assert (again.work, again.size, again.kind, again.absent) == (one.work, one.size, one.kind, one.absent)
    np.testing.assert_allclose(again.measured.seconds, one.measured.seconds, atol=1e-7)
    assert again.measured.differences == one.measured.differences
    assert [(e.name, e.threads, e.batch) for e in again.measured.contestants] == [
        (e.name, e.threads, e.batch) for e in one.measured.contestants
    ]


def test_the_places_of_a_table(tool: ModuleType) -> None:
    works = tool.works
    places = list(works.places(["CLIP", "SAM"], [(3, 4), (5, 6)], [1, 8], works.NAMES))
    assert [str(place) for place in places] == [
        "CLIP on 3x4",
        "CLIP on 5x6",
        "SAM on 3x4",
        "SAM on 5x6",
        "CLIP on 427x640, batches of 1, 8",
    ]
    assert places[0].contestants == works.NAMES
    assert places[-1].contestants == tuple(name for name in works.NAMES if name in works.IN_BATCHES)
    assert [str(place) for place in works.places(["SAM", "DINOv3"], [(3, 4)], [32], works.ALL, [1, 8])] == [
        "SAM on 3x4",
        "DINOv3 on 3x4",
        "SAM on 427x640, files of 1, 8",
    ]
    assert set(works.ALL) >= {*works.KERNELS.values(), *works.elsewhere.LIBRARIES, *works.files.NAMES, FLOOR}
    assert len(list(works.places(["CLIP"], [], [], works.NAMES))) == 0
    assert [getattr(works.processor(work), "spec").name for work in works.WORKS] == list(works.WORKS.values())  # noqa: B009
    assert works.image((20, 30)).shape == (20, 30, 3)


@pytest.mark.parametrize("name", ["CLIP", "ViT", "DETR"])
def test_the_runtime_s_own_resize_is_near(tool: ModuleType, name: str) -> None:
    from runtime_resize import runtime_resize  # type: ignore[import-not-found]

    task = Task(tool.works.processor(name), photograph()[:60, :90])
    (contestant,) = runtime_resize(task, [1])
    found = contestant.compare(contestant.call())
    assert found.max_difference is not None
    assert found.max_difference < 0.05, "more than a few levels of 255"


def test_a_resize_in_another_process_takes_turns(tool: ModuleType, tmp_path: Path) -> None:
    library = tool.works.elsewhere
    task = Task(gp.CLIPImageProcessor(size=40, crop_size=32), photograph()[:60, :90], 2)
    python = library.python(tmp_path, "pillow-simd")
    python.parent.mkdir(parents=True)
    python.write_text(f'#!/bin/sh\nexec "{sys.executable}" "$@"\n')  # with Pillow itself, which stands in for its fork
    python.chmod(0o755)
    children: list[Any] = []
    makers = library.makers(tmp_path, children)
    try:
        (contestant,) = makers[library.SIMD](task, (1, 2))
        assert (contestant.name, contestant.threads, contestant.batch) == (library.SIMD, None, 2)
        assert contestant.note == f"the resize only, {PIL.__version__}"
        assert contestant.timed is not None
        assert all(0 < contestant.timed(clock) < 10 for clock in (time.perf_counter, time.process_time))
        assert contestant.compare is not None
        resized = contestant.call()
        assert contestant.compare(resized) == Difference(0, 40 * 60 * 3, 0.0)
        assert contestant.compare(resized ^ (np.arange(60)[:, None] < 5)).differing == 40 * 5 * 3
        for clock in (time.perf_counter, time.process_time):
            assert 0 < contestant.timed(clock) < 10
    finally:
        for child in children:
            child.close()
    assert len(children) == 1


def test_resizes_elsewhere_are_left_out_with_a_reason(tool: ModuleType, tmp_path: Path) -> None:
    library = tool.works.elsewhere
    image = photograph()[:60, :90]
    with pytest.raises(LeftOutError, match="it has no environment"):
        next(library.makers(tmp_path, [])[library.KORNIA](Task(gp.CLIPImageProcessor(), image), (1,)))
    for environment in ("pillow-simd", "resizers"):
        python = library.python(tmp_path, environment)
        python.parent.mkdir(parents=True)
        python.write_text("#!/bin/sh\nexit 3\n")
        python.chmod(0o755)
    for processor, reason in (
        (gp.DINOv3ViTImageProcessor(), "DINOv3ViTImageProcessor has no resize of bytes"),
        (gp.CLIPImageProcessor(resample=0, backend="pil"), "it lacks the filter nearest"),
        (gp.CLIPImageProcessor(), "its process ended with 3"),
    ):
        with pytest.raises(LeftOutError, match=reason):
            next(library.makers(tmp_path, [])[library.CYKOOZ](Task(processor, image), (1,)))


@pytest.mark.filterwarnings("ignore:The image decoding:DeprecationWarning")  # of torchvision, when transformers calls it
@pytest.mark.parametrize("name", ["CLIP", "ViT"])
def test_calls_with_files(tool: ModuleType, name: str) -> None:
    task = Task(tool.works.processor(name), photograph()[:60, :90], 2)
    files = tool.works.files
    found = {kind: next(make(task, (2,))) for kind, make in files.MAKERS.items()}
    assert {contestant.name: contestant.threads for contestant in found.values()} == dict.fromkeys(files.NAMES, 2)
    pixels = np.asarray(Image.open(files.jpeg(task.image)))
    for kind in (files.DECODING, files.THEIR_DECODING):
        with found[kind].around():
            decoded = [np.asarray(image) for image in found[kind].call()]
        assert [image.shape for image in decoded] == [(60, 90, 3) if kind == files.DECODING else (3, 60, 90)] * 2
    np.testing.assert_array_equal(found[files.DECODING].call(), [pixels, pixels])
    for kind in (files.CALL_FILES, files.THEIR_FILES):
        with found[kind].around():
            differs = found[kind].compare(found[kind].call())
        assert differs.elements == 2 * 3 * 224 * 224
        assert differs.differing == 0 or kind == files.THEIR_FILES  # torchvision may decode with another version of libjpeg


@pytest.mark.slow
def test_a_session_and_its_first_run_in_a_fresh_process(tool: ModuleType, tmp_path: Path) -> None:
    path = gp.CLIPImageProcessor(size=40, crop_size=32).export(tmp_path / "graph.onnx")
    made, first = tool.costs._child("session", str(path), "50", "60")
    assert made > 0
    assert first > 0


@pytest.mark.skipif(not Path("/proc/self/clear_refs").exists(), reason="the system cannot count peaks anew")
def test_the_peak_of_memory_counts_from_where_it_was_asked_for(tool: ModuleType) -> None:
    def use(size: int) -> None:
        with mmap.mmap(-1, size) as memory:
            memory[::4096] = b"x" * len(memory[::4096])

    use(20 << 20)
    before = tool.costs._memory()
    use(10 << 20)
    assert 9 << 20 < tool.costs._peak() - before < 19 << 20


def test_a_whole_run_its_file_and_its_plots(
    tool: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    pytest.importorskip("matplotlib")
    out = tmp_path / "out"
    few = ("--contestants", "graph,", "Pillow resize", "--no-costs", "--runs", "2", "--threads", "1")
    command = ["bench", "--work", "CLIP", "--sizes", "40x60", "60x80", "--batches", "1", "2", *few, "-o", str(out)]
    monkeypatch.setattr(tool.works, "BATCH_SIZE", (30, 40))
    monkeypatch.setattr(sys, "argv", command)
    assert tool.main() == 0
    text = capsys.readouterr().out
    assert "CLIP 40x60, milliseconds per image" in text
    assert f"{GRAPH} / {PILLOW}, 1 thread: worst" in text
    results = json.loads((out / "results.json").read_text())
    assert results["machine"]["versions"]["graphproc"] == gp.__version__
    assert [(c["work"], c["size"], c["kind"]) for c in results["cells"]] == [
        ("CLIP", [40, 60], "sizes"),
        ("CLIP", [60, 80], "sizes"),
        ("CLIP", [30, 40], "batches"),
    ]
    assert results["summary"][0]["met"] is True
    kernels = ["kernels_threads_1.png"] if native.path() else []
    names = ["batches.png", *kernels, "ratios_threads_1.png", "time_threads_1.png"]
    assert sorted(path.name for path in out.glob("*.png")) == names
    assert all((out / name).read_bytes().startswith(b"\x89PNG") for name in names)

    monkeypatch.setattr(sys, "argv", ["bench", "--read", str(out / "results.json")])
    assert tool.main() == 0
    assert f"{GRAPH} / {PILLOW}, 1 thread: worst" in capsys.readouterr().out


def test_the_chart_of_readme(
    tool: ModuleType, folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    chart = importlib.import_module("chart")
    machine = {"cpu": "a processor", "versions": {"onnxruntime": "1.0"}}
    results = {"machine": machine, "options": {"clock": "wall"}, "started": "2026-01-02T03:04:05+0000"}
    assert {bar.backend for bar in chart.bars(table(tool))} == {"pil", "pil, kernels"}, (
        "torchvision's are not exact in this table"
    )
    monkeypatch.setitem(DIFFERENCES, TORCHVISION_TENSOR, EXACT)
    results["cells"] = [cell.as_dict() for cell in table(tool)]
    (tmp_path / "results.json").write_text(json.dumps(results))
    read = ["chart.py", "--read", str(tmp_path / "results.json"), "-o", str(tmp_path / "speed.png")]
    monkeypatch.setattr(sys, "argv", read)
    chart.main()
    printed = capsys.readouterr().out
    rows = (
        "torchvision, kernels | 1.2 | 4.0 | 3.3",
        "torchvision | 4.8 | 4.0 | 0.8",
        "pil, kernels | 2.4 | 10.0 | 4.2",
        "pil | 6.0 | 10.0 | 1.7",
    )
    assert "\n".join(f"| CLIP | {row} |" for row in rows) in printed
    assert (
        "One image of 1080 x 1920 pixels, 1 thread. a processor, onnxruntime 1.0, transformers -, torch -, 2026-01-02" in printed
    )
    pixels = np.asarray(Image.open(tmp_path / "speed.png").convert("RGB"))
    blue = (pixels == (0x08, 0x3F, 0x6E)).all(-1).any(0)
    assert blue.sum() == pytest.approx(chart.WIDTH - chart.LEFT - chart.RIGHT, abs=8)  # the longest bar, but for the line
    monkeypatch.setattr(sys, "argv", [*read, "--size", "5x5"])
    with pytest.raises(SystemExit, match="expected results of graphs and of transformers, got none"):
        chart.main()


@pytest.mark.slow
def test_a_profile_tells_what_nodes_are_for(
    tool: ModuleType, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    monkeypatch.setattr(sys, "argv", ["bench", "--profile", "--work", "CLIP", "--sizes", "60x80", "-o", str(tmp_path)])
    monkeypatch.setattr(tool.profiles, "RUNS", 2)
    monkeypatch.setattr(tool.profiles, "SECONDS", 0.0)
    assert tool.main() == 0
    printed = capsys.readouterr().out
    assert printed.count("CLIP 60x80, graph, ") == 4
    assert "GB a second" in printed
    found = {entry["contestant"]: entry for entry in json.loads((tmp_path / "profiles.json").read_text())["profiles"]}
    for contestant, (_, fixed) in tool.profiles.GRAPHS.items():
        nodes = found[contestant]["nodes"]
        kinds = {kind: [n["operator"] for n in nodes if n["kind"] == kind] for kind in tool.profiles.KINDS}
        assert len(nodes) == sum(map(len, kinds.values()))
        assert set(kinds["products"]) == {"MatMul"}
        assert {"Div", "Sub"} & set(kinds["map"])
        assert "Gather" in kinds["reading"]
        assert "Transpose" in kinds["moving"]
        assert (len(kinds["weights"]) > 60) != fixed
        assert [n["microseconds"] for n in nodes] == sorted((n["microseconds"] for n in nodes), reverse=True)
        assert found[contestant]["floor"] > 0
