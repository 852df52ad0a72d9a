"""Differences are found where they are, the first step is named, and a cause only if it gives exactly what was found."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from support.kits import values_of, write_results

import graphproc as gp
from graphproc.errors import ConfigError
from graphproc.kits.check import Difference
from graphproc.ops import Normalize
from graphproc.ops.resample import Resample

Array = np.ndarray[Any, Any]
Values = dict[str, dict[str, Array]]
Save = Callable[[Values], Path]
PHOTO = "photo_240x320"


def first(kit: Path, results: Path, case: str, **options: Any) -> Difference:
    """Return the difference of the one case that differs."""
    report = gp.check_kit(kit, results, **options)
    assert not report.ok
    assert [one.case for one in report.cases if one.difference] == [case]
    (found,) = [one.difference for one in report.cases if one.difference]
    return found


def test_one_element(kit: Path, right: Values, save: Save) -> None:
    wrong = right[PHOTO]["center_crop"]
    want = int(wrong[1, 7, 3])
    wrong[1, 7, 3] = want - 2
    found = first(kit, save(right), PHOTO)
    assert (found.step, found.differing, found.elements) == ("center_crop", 1, 768)
    assert (found.first, found.channel) == ((1, 7, 3), 1)
    assert (found.expected_value, found.found_value, found.max_difference) == (want, want - 2, 2)
    assert found.expected == found.found == "uint8[3, 16, 16]"
    assert found.words == "Keep `height` x `width` pixels around the centre"
    assert (found.cause, found.not_given, found.later) == ("", (), ())


def test_the_first_of_several_steps_and_those_behind_it(kit: Path, right: Values, save: Save) -> None:
    for name in ("resample", "normalize"):
        right[PHOTO][name] = right[PHOTO][name] + right[PHOTO][name].dtype.type(1)
    del right[PHOTO]["to_channels_first"], right[PHOTO]["center_crop"]
    found = first(kit, save(right), PHOTO)
    assert found.step == "resample"
    assert found.not_given == ("to_channels_first",)
    assert found.later == ("normalize",)


def test_a_step_before_that_is_right_ends_what_is_not_given(kit: Path, right: Values, save: Save) -> None:
    del right[PHOTO]["to_channels_first"], right[PHOTO]["center_crop"]
    right[PHOTO]["normalize"] = right[PHOTO]["normalize"] * np.float32(2)
    assert first(kit, save(right), PHOTO).not_given == ("center_crop",)


def test_zeros_of_either_sign_are_equal(kit: Path, right: Values, save: Save) -> None:
    flat = gp.CLIPImageProcessor(size=20, crop_size=16, image_mean=0.0, image_std=1.0)
    folder = kit.parent / "zeros"
    if not folder.exists():
        gp.write_kit(flat, folder)
    values = values_of(folder)
    for arrays in values.values():
        for name, array in arrays.items():
            if array.dtype == np.float32:
                arrays[name] = np.where(array == 0, np.float32(-0.0), array)
    assert gp.check_kit(folder, save(values)).ok


CAUSES: dict[str, tuple[str, Callable[[dict[str, Array]], Array], str]] = {
    "channels": ("resample", lambda v: v["resample"][::-1].copy(), "red and blue are swapped"),
    "axes": ("to_channels_first", lambda v: v["to_channels_first"].transpose(1, 2, 0), "the axes are in the order H W C"),
    "sides": ("center_crop", lambda v: v["center_crop"].transpose(0, 2, 1), "the axes are in the order C W H"),
    "a wider type": ("normalize", lambda v: v["normalize"].astype(np.float64), "the numbers are right, but of type float64"),
    "another filter": (
        "resample",
        lambda v: Resample(20, 26, "bilinear", arithmetic="torch_bytes").numpy(v["to_channels_first"]),
        "the filter is bilinear, not bicubic",
    ),
    "no antialiasing": (
        "resample",
        lambda v: Resample(20, 26, "bicubic", False, "torch_bytes").numpy(v["to_channels_first"]),
        "without antialiasing",
    ),
    "the other arithmetic": (
        "resample",
        lambda v: Resample(20, 26, "bicubic").numpy(v["to_channels_first"]),
        "these are the bits of backend pil",
    ),
    "order of means": (
        "normalize",
        lambda v: Normalize(MEAN[::-1], STD[::-1]).numpy(v["center_crop"]),
        "mean and std are in the reverse order of channels",
    ),
    "order of means alone": (
        "normalize",
        lambda v: Normalize(MEAN[::-1], STD).numpy(v["center_crop"]),
        "mean is in the reverse order of channels",
    ),
    "rounded sides": (
        "resample",
        lambda v: np.zeros((3, 20, 27), np.uint8),
        "sides are [3, 20, 27] with round in place of trunc",
    ),
    "nothing known": ("resample", lambda v: v["resample"] // 2, ""),
    "a shape of nothing": ("resample", lambda v: np.zeros((3, 5, 5), np.uint8), ""),
}
PROGRAM = gp.CLIPImageProcessor(size=20, crop_size=16).compile()
MEAN, STD = PROGRAM.steps[-1].op.mean, PROGRAM.steps[-1].op.std  # type: ignore[attr-defined]


@pytest.mark.parametrize("case", CAUSES)
def test_causes(case: str, kit: Path, right: Values, save: Save) -> None:
    step, spoil, cause = CAUSES[case]
    right[PHOTO][step] = spoil(right[PHOTO])
    found = first(kit, save(right), PHOTO)
    assert (found.step, found.cause) == (step, cause)


def test_the_other_backend(kit: Path, save: Save) -> None:
    pil = values_of(kit, "pil")
    folder = save(pil)
    assert gp.check_kit(kit, folder, backend="pil").ok
    with pytest.raises(ConfigError, match="got 'rescale'"):
        gp.check_kit(kit, folder)
    for arrays in pil.values():
        arrays.pop("rescale", None)
    report = gp.check_kit(kit, write_results(pil, folder.parent / "more"))
    assert not report.ok
    causes = [case.difference.cause for case in report.cases if case.difference]
    assert set(causes) == {"these are the bits of backend pil"}
    with pytest.raises(ConfigError, match="the kit has torchvision, pil"):
        gp.check_kit(kit, folder, backend="none")


def test_a_call_of_several_images(kit: Path, right: Values, save: Save) -> None:
    wrong = right["call_of_two"]["pixel_values"]
    right["call_of_two"]["pixel_values"] = wrong[::-1].copy()
    found = first(kit, save(right), "call_of_two")
    assert found.step == "pixel_values"
    assert found.channel is None
    assert found.words == ""


def test_values_without_files_are_computed_again(tmp_path: Path, right: Values, save: Save, kit: Path) -> None:
    """Digests tell that something differs, and the package where."""
    small = tmp_path / "small"
    gp.write_kit(gp.CLIPImageProcessor(size=20, crop_size=16), small, max_size=1.2)
    listed = json.loads((small / "manifest.json").read_text(encoding="utf-8"))
    for case in listed["cases"]:
        for values in case["values"].values():
            for value in values:
                value["file"] = ""
    (small / "manifest.json").write_text(json.dumps(listed), encoding="utf-8")
    right[PHOTO]["resample"][0, 0, 0] ^= 1
    right["call_of_two"]["pixel_values"][1, 0, 0, 0] += 1
    report = gp.check_kit(small, save(right))
    found = {case.case: case.difference for case in report.cases if case.difference}
    assert set(found) == {PHOTO, "call_of_two"}
    assert found[PHOTO].first == (0, 0, 0)
    assert found["call_of_two"].first == (1, 0, 0, 0)
    # another version's program, or another digest: that it differs is still known
    listed["backends"][0]["program"] += "\n"
    (small / "manifest.json").write_text(json.dumps(listed), encoding="utf-8")
    (case,) = [case for case in gp.check_kit(small, tmp_path / "results").cases if case.case == PHOTO]
    assert case.difference is not None
    assert (case.difference.step, case.difference.differing, case.difference.cause) == ("resample", None, "")


def test_a_kit_that_was_changed_is_refused(kit: Path, tmp_path: Path, right: Values, save: Save) -> None:
    copy = tmp_path / "copy"
    shutil.copytree(kit, copy)
    right[PHOTO]["normalize"] = right[PHOTO]["normalize"] + np.float32(1)
    folder = save(right)
    (file,) = [
        value.file
        for case in gp.write_kit(gp.CLIPImageProcessor(size=20, crop_size=16), tmp_path / "again").manifest.cases
        if case.name == PHOTO
        for value in case.values["torchvision"]
        if value.name == "normalize"
    ]
    np.save(copy / file, np.zeros((3, 16, 16), np.float32))
    with pytest.raises(ConfigError, match="expected what the manifest says, found something else"):
        gp.check_kit(copy, folder)
    (copy / file).unlink()
    (copy / file).symlink_to(kit / file)
    with pytest.raises(ConfigError, match="got a link out of it"):
        gp.check_kit(copy, folder)


def test_what_is_not_given_is_said(kit: Path, right: Values, save: Save) -> None:
    del right["call_of_two"], right[PHOTO]["normalize"]
    report = gp.check_kit(kit, save(right))
    assert report.ok
    assert not report.whole
    assert [case.case for case in report.cases if not case.whole] == [PHOTO, "call_of_two"]
    assert json.loads(json.dumps(report.as_dict()))["ok"] is True
