"""Weights in files beside a model: copied next to the fused graph, never loaded, and never half there."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime
import pytest
from onnx import helper
from onnx.external_data_helper import convert_model_to_external_data
from support.graphs import assert_same
from support.nets import FLOAT, HALF, conv, model, random_values, tensor

import graphproc as gp
from graphproc.errors import FusionError
from graphproc.fusion import external
from graphproc.wrappers.examples import photograph

PROCESSOR = gp.CLIPImageProcessor(size=32, crop_size=32)
IMAGES = photograph()[None, :60, :90].copy()
POSIX = pytest.mark.skipif(os.name == "nt", reason="links need rights there")


def save(net: onnx.ModelProto, folder: Path, one_file: bool = True) -> Path:
    """Save the model with all weights in files beside it; return its path."""
    folder.mkdir(exist_ok=True)
    copy = onnx.ModelProto()
    copy.CopyFrom(net)
    convert_model_to_external_data(copy, one_file, "weights.bin" if one_file else None, size_threshold=0)
    onnx.save(copy, folder / "model.onnx")
    return folder / "model.onnx"


def expected(net: onnx.ModelProto) -> Any:
    pixels = gp.Session(PROCESSOR.to_onnx())(IMAGES)["pixel_values"]
    kind = np.float16 if net.graph.input[0].type.tensor_type.elem_type == HALF else np.float32
    return onnxruntime.InferenceSession(net.SerializeToString()).run(None, {"input.1": pixels.astype(kind)})[0]


def files(folder: Path) -> list[str]:
    return sorted(p.name for p in folder.iterdir())


@pytest.mark.slow
@pytest.mark.parametrize("one_file", [True, False])
@pytest.mark.parametrize(("version", "ir", "dtype"), [(18, 8, FLOAT), (17, 8, FLOAT), (11, 6, HALF), (21, 10, FLOAT)])
def test_the_folder_of_the_fused_graph_has_all_it_needs(
    version: int, ir: int, dtype: int, one_file: bool, tmp_path: Path
) -> None:
    net = conv(version, ir, dtype=dtype)
    source = save(net, tmp_path / "model", one_file)
    target = tmp_path / "out" / "fused.onnx"
    target.parent.mkdir()
    returned = gp.fuse(PROCESSOR.to_onnx(), source, output=target)
    assert files(target.parent) == ["fused.onnx", "fused.onnx.data"]
    for path in source.parent.iterdir():
        path.unlink()
    onnx.checker.check_model(str(target))
    assert target.read_bytes() == returned.SerializeToString(deterministic=True)
    found = onnxruntime.InferenceSession(target).run(None, {"images": IMAGES})[0]
    assert_same(found, expected(net))
    if dtype == FLOAT:
        assert_same(gp.Session(target)(IMAGES)["y"], expected(net))
        assert_same(gp.Session(str(target), specialise_after=1)(IMAGES)["y"], expected(net))


def test_without_an_output_file_the_weights_are_in_the_model(tmp_path: Path) -> None:
    net = conv()
    fused = gp.fuse(PROCESSOR, save(net, tmp_path))
    assert not any(t.external_data for t in fused.graph.initializer)
    assert_same(gp.Session(fused)(IMAGES)["y"], expected(net))


def test_weights_over_two_gigabytes_need_an_output_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(external, "MAX_PROTO", 100)
    with pytest.raises(FusionError, match=r"do not fit into one ONNX message. Give output=PATH"):
        gp.fuse(PROCESSOR, save(conv(), tmp_path))
    with pytest.raises(FusionError, match="more than an ONNX message holds"):
        gp.fuse(PROCESSOR, tmp_path / "model.onnx", output=tmp_path / "fused.onnx")
    assert files(tmp_path) == ["model.onnx", "weights.bin"]


def test_large_weights_start_where_systems_can_map_them_and_shared_ones_are_copied_once(tmp_path: Path) -> None:
    shape = (1, 3, 600, 600)
    nodes = [helper.make_node("Add", ["pixel_values", "small"], ["a"], "a")]
    nodes += [helper.make_node("Add", ["a", "big"], ["b"], "b"), helper.make_node("Add", ["b", "twin"], ["y"], "c")]
    sides: Any = (FLOAT, ["N", *shape[1:]])
    weights = [tensor("small", random_values(1)), tensor("big", random_values(*shape)), tensor("twin", random_values(*shape))]
    net = model(nodes, {"pixel_values": sides}, {"y": sides}, weights)
    source = save(net, tmp_path / "model")
    loaded = onnx.load(source, load_external_data=False)
    first, second = loaded.graph.initializer[1:]
    del second.external_data[:]
    second.external_data.extend(first.external_data)
    onnx.save(loaded, source)
    target = tmp_path / "fused.onnx"
    processor = gp.CLIPImageProcessor(size=600, crop_size=600)
    fused = gp.fuse(processor, source, output=target)
    entries = {t.name: {e.key: e.value for e in t.external_data} for t in fused.graph.initializer if t.external_data}
    assert entries["big"] == entries["twin"]
    assert int(entries["big"]["offset"]) == 65536
    assert (tmp_path / "fused.onnx.data").stat().st_size == 65536 + 4 * 3 * 600 * 600
    pixels = gp.Session(processor.to_onnx())(IMAGES)["pixel_values"]
    want = onnxruntime.InferenceSession(net.SerializeToString()).run(None, {"pixel_values": pixels})[0]
    assert_same(gp.Session(target)(IMAGES)["y"], want)


@pytest.mark.slow
@POSIX
def test_links_as_in_the_cache_of_the_hub_are_followed_and_come_out_as_files(tmp_path: Path) -> None:
    net = conv()
    source = save(net, tmp_path / "blobs")
    snapshot = tmp_path / "snapshot"
    snapshot.mkdir()
    for path in list(source.parent.iterdir()):
        (snapshot / path.name).symlink_to(path)
    target = tmp_path / "fused.onnx"
    gp.fuse(PROCESSOR, snapshot / "model.onnx", output=target)
    assert not (tmp_path / "fused.onnx.data").is_symlink()
    assert_same(gp.Session(target)(IMAGES)["y"], expected(net))
    assert_same(gp.Session(gp.fuse(PROCESSOR, snapshot / "model.onnx"))(IMAGES)["y"], expected(net))


def test_weights_cut_short_or_missing(tmp_path: Path) -> None:
    source = save(conv(), tmp_path)
    data = tmp_path / "weights.bin"
    whole = data.read_bytes()
    data.write_bytes(whole[:-1])
    with pytest.raises(FusionError, match=rf"model .*model.onnx: the tensor '.*' needs bytes .* which has {len(whole) - 1}"):
        gp.fuse(PROCESSOR, source, output=tmp_path / "fused.onnx")
    data.unlink()
    with pytest.raises(FusionError, match=r"weights.bin cannot be read \(No such file"):
        gp.fuse(PROCESSOR, source, output=tmp_path / "fused.onnx")
    data.mkdir()
    with pytest.raises(FusionError, match="no regular file"):
        gp.fuse(PROCESSOR, source, output=tmp_path / "fused.onnx")
    assert files(tmp_path) == ["model.onnx", "weights.bin"]


@pytest.mark.parametrize("location", ["../secret", "/etc/passwd", "a/../../secret"])
def test_weights_outside_the_folder_are_not_read(location: str, tmp_path: Path) -> None:
    source = save(conv(), tmp_path / "model")
    (tmp_path / "secret").write_bytes(bytes(10_000))
    loaded = onnx.load(source, load_external_data=False)
    loaded.graph.initializer[0].external_data[0].value = location
    source.write_bytes(loaded.SerializeToString())
    with pytest.raises(FusionError, match="outside the model's folder"):
        gp.fuse(PROCESSOR, source)


def test_weights_of_another_length_than_their_shape(tmp_path: Path) -> None:
    source = save(conv(), tmp_path)
    loaded = onnx.load(source, load_external_data=False)
    next(e for e in loaded.graph.initializer[0].external_data if e.key == "length").value = "4"
    source.write_bytes(loaded.SerializeToString())
    with pytest.raises(FusionError, match="has 4 bytes, its shape needs 648"):
        gp.fuse(PROCESSOR, source)


def test_a_model_without_a_folder(tmp_path: Path) -> None:
    loaded = onnx.load(save(conv(), tmp_path), load_external_data=False)
    for net in (loaded, loaded.SerializeToString()):
        with pytest.raises(FusionError, match="Give the model's path instead"):
            gp.fuse(PROCESSOR, net)


def test_what_is_read_is_never_overwritten(tmp_path: Path) -> None:
    source = save(conv(), tmp_path)
    before = {p.name: p.read_bytes() for p in tmp_path.iterdir()}
    with pytest.raises(FusionError, match="one of the files that are read"):
        gp.fuse(PROCESSOR, source, output=source)
    (tmp_path / "weights.bin").rename(tmp_path / "fused.onnx.data")
    loaded = onnx.load(source, load_external_data=False)
    for weight in loaded.graph.initializer:
        weight.external_data[0].value = "fused.onnx.data"
    source.write_bytes(loaded.SerializeToString())
    with pytest.raises(FusionError, match=r"fused.onnx.data: is one of the files that are read"):
        gp.fuse(PROCESSOR, source, output=tmp_path / "fused.onnx")
    assert (tmp_path / "fused.onnx.data").read_bytes() == before["weights.bin"]


def test_nothing_is_left_of_a_write_that_fails(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    source = save(conv(), tmp_path / "model")
    out = tmp_path / "out"
    with pytest.raises(FusionError, match=r"cannot be written \(No such file"):
        gp.fuse(PROCESSOR, source, output=out / "fused.onnx")
    out.mkdir()

    def full(*arguments: Any) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(external, "_copy", full)
        with pytest.raises(FusionError, match="No space left"):
            gp.fuse(PROCESSOR, source, output=out / "fused.onnx")
    assert files(out) == []
    replace, calls = os.replace, []

    def second_fails(*arguments: Any) -> None:
        calls.append(arguments)
        if len(calls) == 2:
            full()
        replace(*arguments)

    with monkeypatch.context() as patch:
        patch.setattr(os, "replace", second_fails)
        with pytest.raises(FusionError, match="No space left"):
            gp.fuse(PROCESSOR, source, output=out / "fused.onnx")
    assert (len(calls), files(out)) == (2, [])


def test_an_older_fused_graph_is_replaced(tmp_path: Path) -> None:
    target = tmp_path / "fused.onnx"
    source = save(conv(), tmp_path / "model")
    gp.fuse(PROCESSOR, source, output=target)
    before = target.read_bytes()
    gp.fuse(gp.CLIPImageProcessor(size=40, crop_size=40), source, output=target)
    assert target.read_bytes() != before
    assert gp.Session(target).config()["crop_size"] == {"height": 40, "width": 40}


@pytest.mark.slow
@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="measures with Linux's resource limits")
def test_memory_does_not_grow_with_the_weights(root: Path) -> None:
    environment = {**os.environ, "PYTHONPATH": str(root)}
    command = [sys.executable, str(root / "tools" / "fusion_memory.py"), "--megabytes", "60", "--growth", "25"]
    result = subprocess.run(command, capture_output=True, text=True, env=environment, timeout=120)
    assert result.returncode == 0, result.stdout + result.stderr
    assert "60 MB of weights" in result.stdout
