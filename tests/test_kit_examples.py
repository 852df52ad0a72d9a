"""CLIP written again in C and in JavaScript passes its golden kit, and each deliberate mistake is found in its step."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

import graphproc as gp
from graphproc.kits.check import KitReport

EXAMPLES = Path(__file__).resolve().parent.parent / "tools" / "examples"
BACKENDS = ("torchvision", "pil")
MISTAKES = {"no_antialias": "resample", "round": "resample", "bgr": "to_channels_first", "mean_order": "normalize"}
CAUSES = {
    "round": "with round in place of trunc",
    "bgr": "red and blue are swapped",
    "mean_order": "mean and std are in the reverse order of channels",
}


@pytest.fixture(scope="module")
def kit(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("clip") / "kit"
    gp.write_kit(gp.CLIPImageProcessor(), folder)
    return folder


@pytest.fixture(scope="module")
def commands(tmp_path_factory: pytest.TempPathFactory) -> dict[str, list[str]]:
    """Return how each language's program starts, of those that can run here."""
    found = {}
    if (node := shutil.which("node")) is not None:
        found["javascript"] = [node, str(EXAMPLES / "javascript" / "clip.mjs")]
    if shutil.which("cc") is not None and shutil.which("make") is not None:
        program = tmp_path_factory.mktemp("c") / "clip"
        subprocess.run(["make", "-s", "-B", "-C", EXAMPLES / "c", "clip", f"CLIP={program}"], check=True)
        found["c"] = [str(program)]
    return found


def report(commands: dict[str, list[str]], language: str, kit: Path, folder: Path, backend: str, *mistake: str) -> KitReport:
    """Run a program on a kit, and return what the check says."""
    if language not in commands:
        pytest.skip(f"no tools for {language}")
    done = subprocess.run(
        [*commands[language], str(kit), str(folder), backend, *mistake], capture_output=True, text=True, check=True
    )
    assert done.stdout.split()[1] == "cases"
    return gp.check_kit(kit, folder, backend=backend)


@pytest.mark.slow
@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("language", ["c", "javascript"])
def test_the_right_program_passes(language: str, backend: str, kit: Path, commands: dict[str, list[str]], tmp_path: Path) -> None:
    found = report(commands, language, kit, tmp_path / "results", backend)
    assert found.ok, [case.difference for case in found.cases if case.difference]
    assert found.whole
    assert all(len(case.compared) > 3 for case in found.cases[:-1])


@pytest.mark.slow
@pytest.mark.parametrize("mistake", MISTAKES)
@pytest.mark.parametrize("language", ["c", "javascript"])
def test_mistakes_are_found_in_their_step(
    language: str, mistake: str, kit: Path, commands: dict[str, list[str]], tmp_path: Path
) -> None:
    backend = BACKENDS[len(mistake) % 2]
    found = report(commands, language, kit, tmp_path / "results", backend, mistake)
    differences = {case.case: case.difference for case in found.cases if case.difference and len(case.compared) > 1}
    assert {difference.step for difference in differences.values()} == {MISTAKES[mistake]}
    assert any(CAUSES.get(mistake, "") in difference.cause for difference in differences.values())
    photo = next(case for case in differences if case.startswith("photo"))
    assert "normalize" in (differences[photo].step, *differences[photo].later)


@pytest.mark.slow
@pytest.mark.parametrize("language", ["c", "javascript"])
def test_what_is_no_kit_is_told(language: str, commands: dict[str, list[str]], kit: Path, tmp_path: Path) -> None:
    if language not in commands:
        pytest.skip(f"no tools for {language}")
    results = str(tmp_path / "results")
    gone = [*commands[language], str(tmp_path / "none"), results, "pil"]
    missing = subprocess.run(gone, capture_output=True, text=True, check=False)
    assert missing.returncode == 1
    assert "none" in missing.stderr
    copy = tmp_path / "kit"
    shutil.copytree(kit, copy)
    image = next((copy / "images").glob("noise_1x1.npy"))
    image.write_bytes(image.read_bytes()[:-1])
    short = subprocess.run([*commands[language], str(copy), results, "pil"], capture_output=True, text=True, check=False)
    assert short.returncode == 1
    assert "noise_1x1.npy" in short.stderr
    assert subprocess.run(commands[language], capture_output=True, check=False).returncode == 2
