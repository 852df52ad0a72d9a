"""The documents: links lead somewhere, named files exist, examples run as written, pictures show what the code computes."""

from __future__ import annotations

import ast
import os
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import onnxruntime
import pytest
from PIL import Image
from support.nets import conv, detector
from typer.testing import CliRunner

import graphproc as gp
from graphproc.cli.main import app
from graphproc.passes.pipeline import optimize

ROOT = Path(__file__).resolve().parent.parent
GENERATED_FROM = {"tools/support_table.template.md": "exported"}
"""Pages that become pages of another folder, which their links start from."""


def documents() -> list[str]:
    """Return every Markdown file of the project, relative to its root."""
    folders = (ROOT, *(ROOT / name for name in (".github", "exported", "graphproc", "tests", "tools")))
    found = {path for folder in folders for path in (folder.glob("*.md") if folder == ROOT else folder.rglob("*.md"))}
    return sorted(path.relative_to(ROOT).as_posix() for path in found if "node_modules" not in path.parts)


def prose(text: str) -> Iterator[tuple[int, str]]:
    """Yield the numbered lines outside of fenced and indented code and of tables."""
    fenced = False
    for number, line in enumerate(text.splitlines(), 1):
        if line.lstrip().startswith("```"):
            fenced = not fenced
        elif not fenced and not line.startswith(("|", "    ")):
            yield number, line


def anchors(text: str) -> set[str]:
    """Return what links to headings of a page may name, as GitHub makes it of them."""
    headings = [line.lstrip("#").strip() for _, line in prose(text) if re.match(r"#+ ", line)]
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def links(text: str) -> list[str]:
    """Return the targets of links and pictures."""
    outside = re.sub(r"^```.*?^```", "", text, flags=re.DOTALL | re.MULTILINE)
    return [*re.findall(r"\]\(([^)\s]+)\)", outside), *re.findall(r'src="([^"]+)"', outside)]


def dead_links(name: str, text: str) -> list[str]:
    """Return the links of a page that lead nowhere in the project; those to other sites are not tried."""
    dead = []
    for link in links(text):
        if re.match(r"\w+:", link):
            continue
        file, _, anchor = link.partition("#")
        folder = ROOT / GENERATED_FROM.get(name, str(Path(name).parent))
        path = folder / file if file else ROOT / name
        if not path.exists() or (anchor and anchor not in anchors(path.read_text(encoding="utf-8"))):
            dead.append(link)
    return dead


def code(name: str, language: str) -> list[str]:
    """Return the fenced blocks of a page in one language."""
    return re.findall(rf"^```{language}\n(.*?)^```", (ROOT / name).read_text(encoding="utf-8"), flags=re.DOTALL | re.MULTILINE)


def commands(name: str) -> list[str]:
    """Return the lines of a page's indented code that begin with `graphproc`."""
    return re.findall(r"^    (graphproc .*)$", (ROOT / name).read_text(encoding="utf-8"), flags=re.MULTILINE)


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return an empty working directory with what README's recipes read: a model, a detector and some photographs."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "model.onnx").write_bytes(conv().SerializeToString())
    (tmp_path / "detr.onnx").write_bytes(detector().SerializeToString())
    (tmp_path / "photos").mkdir()
    for number in range(3):
        Image.open(ROOT / "graphproc/data/cat.png").resize((90 + number, 60)).save(tmp_path / "photos" / f"{number}.jpg")
    (tmp_path / "photo.jpg").write_bytes((tmp_path / "photos" / "0.jpg").read_bytes())
    return tmp_path


@pytest.mark.parametrize("name", documents())
def test_links_lead_somewhere(name: str) -> None:
    assert dead_links(name, (ROOT / name).read_text(encoding="utf-8")) == []


def test_dead_links_are_found() -> None:
    text = "# A b: c\n[x](README.md) [x](nothing.md) ![x](exported/no.png) [x](#a-b-c) [x](tools/README.md#no) [x](https://a.b)"
    assert dead_links("other.md", text.replace("#a-b-c", "README.md#start")) == [
        "nothing.md",
        "exported/no.png",
        "tools/README.md#no",
    ]
    assert anchors(text) == {"a-b-c"}


@pytest.mark.parametrize("name", documents())
def test_named_files_exist(name: str) -> None:
    text = (ROOT / name).read_text(encoding="utf-8")
    for path in re.findall(r"`((?:graphproc|tests|tools|exported)/[\w/.-]*)`", text):
        assert (ROOT / path).exists(), path
    for path in re.findall(r"(?<!\S)((?:python )?tools/[\w/.-]*\w)", text):
        assert (ROOT / path.removeprefix("python ")).exists(), path


@pytest.mark.parametrize("name", documents())
def test_prose_is_wrapped_at_100_columns(name: str) -> None:
    text = (ROOT / name).read_text(encoding="utf-8")
    assert [number for number, line in prose(text) if len(line) > 100] == []


def walk() -> list[tuple[str, str]]:
    """Return the (function, file) pairs that the walk of ARCHITECTURE.md names."""
    text = (ROOT / "graphproc/ARCHITECTURE.md").read_text(encoding="utf-8")
    part = text.partition("## A newcomer's walk\n")[2].partition("\n## ")[0]
    assert re.findall(r"^(\d+)\. ", part, flags=re.MULTILINE) == [str(number) for number in range(1, 11)]
    pairs = []
    for names, file in re.findall(r"((?:`\w+`(?:, | and )?)+)\s+in\s+`([\w/]+\.py)`", part):
        pairs += [(name, file) for name in re.findall(r"`(\w+)`", names)]
    return pairs


@pytest.mark.parametrize(("function", "file"), walk())
def test_the_walk_names_functions_that_exist(function: str, file: str) -> None:
    tree = ast.parse((ROOT / "graphproc" / file).read_text(encoding="utf-8"))
    assert function in {node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)}


WALKED = """
import sys, threading
called = set()
def note(frame, event, argument):
    file, _, inside = frame.f_code.co_filename.rpartition("/graphproc/")
    if event == "call" and inside:
        called.add((frame.f_code.co_name, inside))
sys.setprofile(note)
threading.setprofile(note)
import graphproc as gp
from importlib.resources import files
photo = str(files("graphproc") / "data" / "cat.png")
gp.CLIPImageProcessor().save_pretrained("my-model")
processor = gp.AutoImageProcessor.from_pretrained("my-model")
processor(photo, return_tensors="np")
processor(photo, return_tensors="np", engine="numpy")
gp.verify(processor.export("preprocessing.onnx"), photo)
sys.setprofile(None)
print(sorted(called))
"""
"""The walk, in a process of its own that has no memory of earlier calls; prints the functions that were called."""


@pytest.mark.slow
def test_the_walk_names_functions_that_run(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", WALKED],
        capture_output=True,
        text=True,
        check=True,
        cwd=tmp_path,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
    )
    called = set(ast.literal_eval(done.stdout))
    assert len(walk()) > 20
    assert [pair for pair in walk() if pair not in called] == []


def test_the_walk_arrives_where_it_says(tmp_path: Path) -> None:
    gp.CLIPImageProcessor().save_pretrained(tmp_path)
    processor = gp.AutoImageProcessor.from_pretrained(str(tmp_path))
    photo = str(ROOT / "graphproc/data/cat.png")
    assert processor(photo, return_tensors="np")["pixel_values"].shape == (1, 3, 224, 224)
    text = (ROOT / "graphproc/ARCHITECTURE.md").read_text(encoding="utf-8")
    sizes = [line.split(" = ", 1)[1] for line in str(processor.compile()).splitlines() if line.startswith("  size ")]
    assert len(sizes) == 2
    assert all(f"`{size}`" in text for size in sizes)
    resized = next(
        step.output.type for step in processor.compile().bind(height=300, width=451).steps if step.op.name == "resample"
    )
    assert resized.shape == (3, 224, 336)
    assert (len(processor.compile().steps), len(optimize(processor.compile()).steps)) == (4, 1)


def glossary() -> list[str]:
    """Return the words of the glossary."""
    text = (ROOT / "graphproc/ARCHITECTURE.md").read_text(encoding="utf-8")
    return re.findall(r"^\| ([\w -]+) \| ", text.partition("## Glossary\n")[2].partition("\n## ")[0], flags=re.MULTILINE)[1:]


def test_the_glossary_is_sorted_and_has_no_word_twice() -> None:
    assert glossary() == sorted(set(glossary()))
    assert {"band", "block", "join", "parity", "sample", "tile"} <= set(glossary())


def test_readme_is_short() -> None:
    assert len((ROOT / "README.md").read_text(encoding="utf-8").splitlines()) <= 170


def test_the_examples_of_readme_run(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    first, moving, to_disk = code("README.md", "python")
    exec(compile(first, "README", "exec"), {})
    assert capsys.readouterr().out == "(1, 3, 336, 336) True\n"
    exec(compile(moving, "README", "exec"), space := {})
    assert isinstance(space["processor"], gp.CLIPImageProcessor)
    assert space["processor"].do_center_crop is False
    exec(compile(to_disk, "README", "exec"), {})
    assert np.load(folder / "part-0.npz")["pixel_values"].shape == (3, 3, 224, 224)


def run(command: str) -> None:
    """Run a line of a document, with `*` as a shell reads it."""
    words = [w for word in shlex.split(command)[1:] for w in (sorted(map(str, Path().glob(word))) if "*" in word else [word])]
    result = CliRunner().invoke(app, words)
    assert result.exit_code == 0, (command, result.output)


def test_the_commands_of_readme_run(folder: Path) -> None:
    found = commands("README.md")
    assert [command.split()[1] for command in found] == ["fuse", "export", "run"]
    for command in found:
        run(command)
    pixels = np.random.default_rng(0).integers(0, 256, (1, 90, 70, 3), np.uint8)
    (scores,) = onnxruntime.InferenceSession("classifier.onnx").run(None, {"images": pixels})
    assert scores.shape[0] == 1
    # a canvas is opaque: composited on white it is what it was
    opaque = np.concatenate([pixels, np.full_like(pixels[..., :1], 255)], axis=-1)
    (found_values,) = onnxruntime.InferenceSession("preprocessing.onnx").run(None, {"images": opaque})
    assert found_values.tobytes() == gp.CLIPImageProcessor()(pixels[0], return_tensors="np")["pixel_values"].tobytes()
    assert np.load("features.npz")["pixel_values"].shape == (3, 3, 224, 224)


@pytest.mark.slow
def test_the_commands_of_the_reference_page_run(folder: Path) -> None:
    found = commands("exported/README.md")
    assert len(found) == 16
    for command in found:
        run(command + (" --help" if command.startswith("graphproc bench") else ""))  # it takes seconds, and has tests of its own


def test_the_examples_of_the_reference_page_run(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    ready, post = code("exported/README.md", "python")
    outputs = {"logits": np.zeros((1, 6, 5), np.float32), "pred_boxes": np.zeros((1, 6, 4), np.float32)}
    exec(compile(post, "post-processing", "exec"), {"gp": gp, "outputs": outputs})
    assert gp.Session(folder / "detector.onnx").outputs == ["scores", "labels", "boxes", "count"]
    monkeypatch.chdir(ROOT)
    exec(compile(ready, "ready-made", "exec"), space := {})
    photo = str(ROOT / "graphproc/data/cat.png")
    assert space["pixel_values"].tobytes() == gp.CLIPImageProcessor()(photo, return_tensors="np")["pixel_values"].tobytes()


@pytest.mark.slow
def test_the_pictures_and_their_numbers_are_current(tmp_path: Path) -> None:
    printed = subprocess.run(
        [sys.executable, ROOT / "tools/pictures.py", "-o", tmp_path], capture_output=True, text=True, check=True
    ).stdout
    numbers = printed.partition("\n\n")[2].partition("\n\n")[2].strip()
    assert numbers in (ROOT / "README.md").read_text(encoding="utf-8")
    for path in tmp_path.iterdir():
        assert np.array_equal(np.asarray(Image.open(path)), np.asarray(Image.open(ROOT / "exported/pictures" / path.name))), (
            path.name
        )


def test_every_script_is_described() -> None:
    text = (ROOT / "tools/README.md").read_text(encoding="utf-8")
    scripts = [path.name for path in (ROOT / "tools").iterdir() if path.suffix == ".py" or (path / "__main__.py").is_file()]
    for name in [*scripts, *(path.stem for path in (ROOT / "tools/examples").glob("*.py")), "bench/chart.py", "bench/costs.py"]:
        assert name in text, name


def test_the_licence_goes_with_the_package() -> None:
    settings = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    (files,) = re.findall(r"^license-files = \[\"(.*)\"\]$", settings, flags=re.MULTILINE)
    assert "Apache License\n" in (ROOT / files).read_text(encoding="utf-8")
    assert 'license = "Apache-2.0"' in settings
    assert files.startswith("graphproc/")
    assert 'wheel.packages = ["graphproc"]' in settings  # a folder with all that is in it
