"""The examples in other languages compute what the one in Python does; those without their tools here skip."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path

import numpy as np
import pytest
import support.nets as nets

import graphproc as gp
from graphproc.runtime import native

ROOT = Path(__file__).resolve().parent.parent
NAMES = ("python", "c", "javascript", "wasm")
LABELS = ["tabby", "Egyptian cat", "été", "lynx"]


def load():
    """Load tools/examples/languages.py as a module; dataclasses look their module up by name."""
    spec = importlib.util.spec_from_file_location("tools_languages", ROOT / "tools" / "examples" / "languages.py")
    module = sys.modules[spec.name] = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


languages = load()


@pytest.fixture(scope="module")
def image():
    return np.random.default_rng(0).integers(0, 256, (53, 37, 3), dtype=np.uint8)


@pytest.fixture(scope="module")
def processor():
    return gp.CLIPImageProcessor(size={"shortest_edge": 40}, crop_size=32)


@pytest.fixture(scope="module")
def folder(tmp_path_factory, image, processor):
    """Write what the examples read: a small fused graph, four labels, an image with a comment in its header."""
    folder = tmp_path_factory.mktemp("cat")
    gp.fuse(processor, nets.conv(), output=folder / "fused.onnx")
    (folder / "labels.txt").write_text("".join(f"{label}\n" for label in LABELS), encoding="utf-8")
    (folder / "image.ppm").write_bytes(b"P6\n# 37 wide, 53 high\n37 53\n255\n" + image.tobytes())
    return folder


@pytest.fixture(scope="module")
def build(tmp_path_factory, folder):
    build = tmp_path_factory.mktemp("build")
    languages.prepare(folder, build)
    return build


@pytest.fixture(scope="module")
def expected(folder, build):
    return languages.classify(languages.python(build), folder, build)


def made(name, build):
    try:
        return languages.LANGUAGES[name](build)
    except languages.MissingError as missing:
        pytest.skip(str(missing))


def test_every_language_is_tested():
    assert tuple(languages.LANGUAGES) == NAMES


@pytest.mark.slow
def test_python_gives_what_a_session_gives(folder, expected, image, processor):
    scores = gp.Session(folder / "fused.onnx")(image[None])["y"][0]
    assert expected.scores.tobytes() == scores.tobytes()
    assert expected.pixels.tobytes() == processor(image, return_tensors="np")["pixel_values"].tobytes()
    order = np.argsort(-scores)
    assert expected.printed.splitlines() == [f"{scores[i]:.6f} {LABELS[i]}" for i in order]


@pytest.mark.parametrize("name", NAMES[1:])
def test_other_languages_give_the_same(name, folder, build, expected):
    program = made(name, build)
    result = languages.classify(program, folder, build)
    assert languages.differences(result, expected, program.same) == []


@pytest.mark.skipif(native.path() is None, reason=str(native.reason()))
@pytest.mark.parametrize("registered", [False, True])
def test_c_runs_kernels(registered, folder, tmp_path, processor, expected):
    """A graph that calls kernels gives the same bits with the library registered and without."""
    program = made("c", tmp_path)
    gp.fuse(processor, nets.conv(), kernels=True, output=tmp_path / "fused.onnx")
    for name in ("labels.txt", "image.ppm"):
        (tmp_path / name).write_bytes((folder / name).read_bytes())
    languages.prepare(tmp_path, tmp_path)
    command = [*program.command, *(["--kernels", str(native.path())] if registered else [])]
    result = languages.classify(languages.Program(command, program.same), tmp_path, tmp_path)
    assert languages.differences(result, expected, program.same) == []


BROKEN = {
    "no image": ("image.ppm", None),
    "gray": ("image.ppm", b"P5\n1 1\n255\n\0"),
    "no height": ("image.ppm", b"P6\n1\n"),
    "16 bits": ("image.ppm", b"P6\n1 1\n65535\n" + bytes(6)),
    "truncated": ("image.ppm", b"P6\n4 4\n255\n" + bytes(47)),
    "a label too few": ("labels.txt", b"tabby\nlynx\nkite\n"),
}


@pytest.mark.parametrize("case", BROKEN)
@pytest.mark.parametrize("name", ["c", "javascript"])
def test_broken_files_are_named(name, case, folder, build, tmp_path):
    program = made(name, build)
    file, data = BROKEN[case]
    if data is not None:
        (tmp_path / file).write_bytes(data)
    files = [tmp_path / f if f == file else folder / f for f in ("image.ppm", "labels.txt")]
    done = languages.run(program, folder / "fused.onnx", *files, tmp_path / "values")
    assert done.returncode == 1
    assert str(tmp_path / file) in done.stderr
    assert done.stdout == ""
    assert not (tmp_path / "values").exists()


def test_differences_are_found(expected):
    def differences(same=False, **changes):
        result = languages.Result(**{**vars(expected), **changes})
        return languages.differences(result, expected, same)

    off = expected.pixels.copy()
    off[7] = np.nextafter(off[7], np.float32(9))
    near = expected.scores + np.float32(5e-7)
    assert differences() == []
    assert differences(pixels=off) == ["pixel_values differ"]
    assert differences(scores=near) == []
    assert differences(scores=near, same=True) != []
    assert differences(scores=expected.scores + np.float32(2e-6)) != []
    assert differences(scores=expected.scores * np.float32("nan")) != []
    assert differences(scores=expected.scores[:3]) == ["3 scores, not 4"]
    assert differences(printed="\n".join(expected.printed.splitlines()[::-1])) == ["other classes are the best"]


@pytest.mark.slow
def test_what_fails_and_what_is_missing_is_told(folder, monkeypatch, capsys):
    def missing(build):
        raise languages.MissingError("no compiler")

    def broken(build):
        return languages.Program([sys.executable, "-c", "raise SystemExit('no such graph')"])

    monkeypatch.setattr(sys, "argv", ["languages.py", str(folder)])
    same = {"python": languages.python, "again": languages.python, "c": missing}
    monkeypatch.setattr(languages, "LANGUAGES", same)
    assert languages.main() == 0
    printed = capsys.readouterr().out
    assert "again: pixel_values the same bits, scores the same bits" in printed
    assert "c: did not run: no compiler" in printed
    monkeypatch.setattr(languages, "LANGUAGES", {**same, "rust": broken})
    assert languages.main() == 1
    assert "rust: failed: exit code 1\nno such graph" in capsys.readouterr().out
