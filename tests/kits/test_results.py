"""Results in .npy and .safetensors files, as other programs write them, and files that are something else."""

from __future__ import annotations

import json
import struct
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from safetensors.numpy import save_file

import graphproc as gp
from graphproc.errors import ConfigError
from graphproc.kits.results import DTYPES, read_npy, read_safetensors

Array = np.ndarray[Any, Any]
Values = dict[str, dict[str, Array]]
Save = Callable[[Values], Path]


def test_right_results_pass(kit: Path, right: Values, save: Save) -> None:
    report = gp.check_kit(kit, save(right))
    assert report.ok
    assert report.whole
    assert report.backend == "torchvision"
    assert [case.case for case in report.cases] == list(right)
    assert [len(case.compared) for case in report.cases] == [4] * (len(right) - 1) + [1]


def test_arrays_in_other_orders_are_the_same(kit: Path, right: Values, save: Save) -> None:
    right = {case: {name: np.asfortranarray(array) for name, array in arrays.items()} for case, arrays in right.items()}
    right["noise_1x1"]["normalize"] = right["noise_1x1"]["normalize"].astype(">f4")
    right["noise_1x1"]["resample"] = right["noise_1x1"]["resample"][None, None]
    assert gp.check_kit(kit, save(right)).ok


def test_outputs_take_the_place_of_steps(kit: Path, right: Values, save: Save) -> None:
    given = {case: {"pixel_values": arrays.get("normalize", arrays.get("pixel_values"))} for case, arrays in right.items()}
    report = gp.check_kit(kit, save(given))  # type: ignore[arg-type]
    assert report.ok
    assert report.whole
    given["noise_1x1"]["pixel_values"] = given["noise_1x1"]["pixel_values"] + 1  # type: ignore[operator]
    (case,) = [case for case in gp.check_kit(kit, _again(save, given)).cases if case.difference]
    assert case.difference is not None
    assert case.difference.step == "normalize"
    assert case.difference.not_given == ("to_channels_first", "resample", "center_crop")


def _again(save: Save, values: Any) -> Path:
    folder = save({})
    for case, arrays in values.items():
        for name, array in arrays.items():
            (folder / case).mkdir(parents=True, exist_ok=True)
            np.save(folder / case / f"{name}.npy", array)
    return folder


def test_safetensors_of_each_case(kit: Path, right: Values, tmp_path: Path) -> None:
    for case, arrays in right.items():
        save_file(arrays, tmp_path / f"{case}.safetensors", metadata={"framework": "np"})
    assert gp.check_kit(kit, tmp_path).whole


def test_safetensors_of_all_cases(kit: Path, right: Values, tmp_path: Path) -> None:
    path = tmp_path / "all.safetensors"
    save_file({f"{case}/{name}": array for case, arrays in right.items() for name, array in arrays.items()}, path)
    assert gp.check_kit(kit, path).whole
    assert gp.check_kit(kit, tmp_path).whole


@pytest.mark.parametrize("dtype", ["u1", "u2", "u4", "u8", "i1", "i2", "i4", "i8", "f2", "f4", "f8", "?"])
def test_every_type_of_safetensors(dtype: str, tmp_path: Path) -> None:
    path = tmp_path / "x.safetensors"
    arrays = {"x": np.arange(6).reshape(2, 3).astype(dtype), "empty": np.zeros((0, 4), dtype), "one": np.array(1, dtype)}
    save_file(arrays, path)
    found = {name: read() for name, read in read_safetensors(path)}
    assert set(found) == set(arrays)
    for name, array in arrays.items():
        assert found[name].dtype == array.dtype
        assert np.array_equal(found[name], array)
        assert found[name].shape == array.shape
    assert len(DTYPES) == 12


def tensors(header: Any, body: bytes = b"", length: int | None = None) -> bytes:
    text = json.dumps(header).encode() if not isinstance(header, bytes) else header
    return struct.pack("<Q", len(text) if length is None else length) + text + body


ONE = {"dtype": "F32", "shape": [2], "data_offsets": [0, 8]}
DAMAGED = {
    "empty": b"",
    "short": b"\0" * 7,
    "header too long": tensors({"x": ONE}, b"\0" * 8, 10**6),
    "a huge header": tensors({"x": ONE}, b"\0" * 8, 2**63),
    "no JSON": tensors(b"{x", b"\0" * 8),
    "nested": tensors(b"[" * 100000),
    "a list": tensors([1]),
    "bfloat16": tensors({"x": {**ONE, "dtype": "BF16"}}, b"\0" * 8),
    "offsets outside": tensors({"x": {**ONE, "data_offsets": [4, 12]}}, b"\0" * 8),
    "offsets backwards": tensors({"x": {**ONE, "data_offsets": [8, 0]}}, b"\0" * 8),
    "negative offsets": tensors({"x": {**ONE, "data_offsets": [-8, 0]}}, b"\0" * 8),
    "another size": tensors({"x": {**ONE, "shape": [3]}}, b"\0" * 8),
    "a negative side": tensors({"x": {**ONE, "shape": [-1, -2]}}, b"\0" * 8),
    "no offsets": tensors({"x": {"dtype": "F32", "shape": [2]}}, b"\0" * 8),
}


@pytest.mark.parametrize("case", DAMAGED)
def test_damaged_safetensors_are_refused(case: str, tmp_path: Path) -> None:
    path = tmp_path / "x.safetensors"
    path.write_bytes(DAMAGED[case])
    with pytest.raises(ConfigError, match=r"x\.safetensors: expected a \.safetensors file"):
        list(read_safetensors(path))


def npy(header: str, body: bytes = b"", version: int = 1) -> bytes:
    text = header.encode() + b"\n"
    return b"\x93NUMPY" + bytes([version, 0]) + struct.pack("<H", len(text)) + text + body


HEADER = "{'descr': '<f4', 'fortran_order': False, 'shape': (%s), }"
BAD_NPY = {
    "empty": b"",
    "text": b"not an array",
    "objects": npy("{'descr': '|O', 'fortran_order': False, 'shape': (1,), }", b"\x80\x04N."),
    "truncated": npy(HEADER % "3,", b"\0" * 8),
    "too long": npy(HEADER % "1,", b"\0" * 8),
    "huge": npy(HEADER % "1000000000000,", b"\0" * 8),
    "code": npy("__import__('os').system('false')", b"\0" * 8),
    "another version": npy(HEADER % "2,", b"\0" * 8, 9),
}


@pytest.mark.parametrize("case", BAD_NPY)
def test_damaged_npy_files_are_refused(case: str, tmp_path: Path) -> None:
    path = tmp_path / "x.npy"
    path.write_bytes(BAD_NPY[case])
    with pytest.raises(ConfigError, match=r"x\.npy: expected an \.npy file with numbers"):
        read_npy(path)
    path.write_bytes(npy(HEADER % "2,", b"\0" * 8))
    assert read_npy(path).tolist() == [0, 0]


def test_other_names_and_nothing_are_refused(kit: Path, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="found nothing"):
        gp.check_kit(kit, tmp_path / "none")
    with pytest.raises(ConfigError, match="found none"):
        gp.check_kit(kit, tmp_path)
    (tmp_path / "x.txt").write_text("x")
    with pytest.raises(ConfigError, match=r"expected a folder, or a \.safetensors file"):
        gp.check_kit(kit, tmp_path / "x.txt")
    (tmp_path / "noise_2x2").mkdir()
    np.save(tmp_path / "noise_2x2" / "normalize.npy", np.zeros(1))
    with pytest.raises(ConfigError, match=r"expected the name of a case, got 'noise_2x2'\. The kit has noise_1x1,"):
        gp.check_kit(kit, tmp_path)
    (tmp_path / "noise_2x2").rename(tmp_path / "noise_1x1")
    (tmp_path / "noise_1x1" / "normalize.npy").rename(tmp_path / "noise_1x1" / "normalise.npy")
    with pytest.raises(ConfigError, match=r"got 'normalise'\. It has pixel_values, to_channels_first"):
        gp.check_kit(kit, tmp_path)


def test_a_value_that_is_there_twice_is_refused(kit: Path, right: Values, save: Save) -> None:
    folder = save(right)
    save_file(right["noise_1x1"], folder / "noise_1x1.safetensors")
    with pytest.raises(ConfigError, match="in another file as well"):
        gp.check_kit(kit, folder)
