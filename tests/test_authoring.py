"""The page on pipelines of one's own: its programs run as written, and equal Pillow's and torchvision's."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper
from PIL import Image, ImageOps
from support.graphs import images

import graphproc as gp

SIZES = [(64, 64), (37, 90), (301, 200), (65, 64), (6, 200), (200, 6)]


@pytest.fixture(scope="module")
def page(root: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """Return the names that the page's code makes, run from top to bottom in a folder with two photographs."""
    folder, found = tmp_path_factory.mktemp("authoring"), {"folder": Path()}
    for name, size in (("photo", (40, 60)), ("other", (70, 30))):
        Image.fromarray(images(1, *size, 3)[0]).save(folder / f"{name}.jpg")
    text = (root / "graphproc" / "AUTHORING.md").read_text(encoding="utf-8")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        for block in re.findall(r"```python\n(.*?)```", text, re.DOTALL):
            exec(block, found)
    return found | {"folder": folder}


@pytest.mark.parametrize("size", SIZES, ids=str)
def test_the_letterbox_is_pillows(page: dict[str, Any], size: tuple[int, int]) -> None:
    pixels = images(1, *size, 3)[0]
    square = ImageOps.pad(Image.fromarray(pixels), (64, 64), Image.Resampling.BICUBIC, color=(114, 114, 114))
    for engine in ("numpy", "onnxruntime"):
        found = page["letterbox"](pixels, engine=engine)["pixel_values"]
        assert found.dtype == np.uint8
        np.testing.assert_array_equal(found, np.asarray(square).transpose(2, 0, 1)[None])


def test_images_that_the_letterbox_does_not_take(page: dict[str, Any]) -> None:
    for engine in ("numpy", "onnxruntime"):
        with pytest.raises(gp.ProgramError, match="one side of the image is too long for the other"):
            page["letterbox"](np.zeros((2, 500, 3), np.uint8), engine=engine)


@pytest.mark.parametrize("size", SIZES[:4], ids=str)
def test_the_compose_is_torchvisions(page: dict[str, Any], size: tuple[int, int]) -> None:
    torch = pytest.importorskip("torch")
    from torchvision.transforms import v2 as transforms

    pixels = images(1, *size, 3)[0]
    resize = transforms.Resize(256, transforms.InterpolationMode.BICUBIC, antialias=True)
    scale = transforms.ToDtype(torch.float32, scale=True)
    theirs = transforms.Compose([resize, transforms.CenterCrop(224), scale, transforms.Normalize(page["MEAN"], page["STD"])])
    wanted = theirs(torch.from_numpy(pixels).permute(2, 0, 1).contiguous()).numpy()[None]
    for engine in ("numpy", "onnxruntime"):
        found = page["compose"](pixels, engine=engine)["pixel_values"]
        assert found.tobytes() == wanted.tobytes()


def test_images_of_several_sizes_and_tensors(page: dict[str, Any]) -> None:
    torch = pytest.importorskip("torch")
    several = [images(1, *size, 3)[0] for size in SIZES[:3]]
    alone = [page["compose"](one)["pixel_values"][0] for one in several]
    for given in (several, [several[0]] * 2):
        for engine in ("numpy", "onnxruntime"):
            found = page["compose"](given, engine=engine, return_tensors="pt")["pixel_values"]
            assert isinstance(found, torch.Tensor)
            np.testing.assert_array_equal(found.numpy()[:1], alone[:1])
    np.testing.assert_array_equal(page["compose"](several)["pixel_values"], np.stack(alone))


def test_the_thumbnail_is_pillows(page: dict[str, Any]) -> None:
    pixels = images(1, 50, 64, 3)[0]
    wanted = np.asarray(Image.fromarray(pixels).resize((32, 25), Image.Resampling.BILINEAR))
    np.testing.assert_array_equal(page["thumbnail"](pixels)["pixel_values"][0], wanted.transpose(2, 0, 1))


@pytest.mark.parametrize("name", ["letterbox", "compose", "thumbnail"])
@pytest.mark.parametrize(
    "options", [{}, {"input": "image", "target": "cuda"}, {"image_size": (90, 70), "target": "portable"}], ids=str
)
def test_exported_graphs_are_verified(page: dict[str, Any], name: str, options: dict[str, Any], tmp_path: Path) -> None:
    path = page[name].export(tmp_path / "own.onnx", **options)
    assert gp.verify(path, images(2, 90, 70, 3)).ok
    (text,) = (p.value for p in onnx.load(path).metadata_props if p.key == "graphproc.program")
    assert gp.parse(text) == page[name].program


@pytest.mark.slow
def test_a_pipeline_is_fused_and_verified(page: dict[str, Any], tmp_path: Path) -> None:
    ports = [("pixel_values", ["batch", 3, 224, 224]), ("means", ["batch", 3])]
    taken, given = (helper.make_tensor_value_info(name, TensorProto.FLOAT, dims) for name, dims in ports)
    node = helper.make_node("ReduceMean", ["pixel_values"], ["means"], axes=[2, 3], keepdims=0)
    model = helper.make_model(helper.make_graph([node], "model", [taken], [given]), opset_imports=[helper.make_opsetid("", 17)])
    model.ir_version = 8
    whole = gp.fuse(page["compose"].to_onnx(), model, output=tmp_path / "whole.onnx")
    pixels = images(1, 80, 60, 3)
    means = gp.Session(whole)(pixels)["means"]
    np.testing.assert_allclose(means, page["compose"](pixels)["pixel_values"].mean((2, 3)), atol=1e-5)
    assert gp.verify(tmp_path / "whole.onnx").ok
    with pytest.raises(gp.FusionError, match="preprocessing already"):
        gp.fuse(page["letterbox"].to_onnx(), page["compose"].to_onnx())


def test_extra_inputs_are_given_by_name() -> None:
    pipeline = gp.Pipeline("""
program Masked
  input image: u8[height, width, 3] HWC
  input mask: u8[height, width] HW
  x = to_channels_first(image)
  output pixel_values = x
  output mask = mask
""")
    pixels, masks = images(2, 8, 9, 3), images(2, 8, 9, 3)[..., 0]
    for engine in ("numpy", "onnxruntime"):
        np.testing.assert_array_equal(pipeline(pixels, mask=masks, engine=engine)["mask"], masks)
    with pytest.raises(gp.ImageError, match="Masked: expected an input 'mask', one array for each image"):
        pipeline(pixels)


def test_what_a_pipeline_refuses(page: dict[str, Any]) -> None:
    with pytest.raises(gp.ConfigError, match="engine: expected one of onnxruntime, numpy, got 'tract'"):
        page["thumbnail"](images(1, 8, 9, 3), engine="tract")
    with pytest.raises(gp.ImageError, match="expected uint8 pixels"):
        page["thumbnail"](images(1, 8, 9, 3).astype(np.float32))
    stacked = gp.Pipeline("program P inputs_batched\ninput logits: f32[n]\noutput logits = logits")
    with pytest.raises(gp.ConfigError, match="expected a program that reads images"):
        stacked(images(1, 8, 9, 3))
    with pytest.raises(gp.ProgramError, match="line 2, column 5: expected an op, found"):
        gp.Pipeline("program P\nx = (3)")
    with pytest.raises(gp.ProgramError, match="expected the end of the text"):
        gp.ProgramBuilder("P").input("image", "u8[3]\nu8[4]")


def test_results_of_several_sizes_are_padded() -> None:
    b = gp.ProgramBuilder("Padded")
    x = b.add(gp.ops.ToChannelsFirst(), b.input("image", "u8[height, width, 3] HWC"))
    b.output("pixel_values", x.cast("f32") / 255 - 0.5, gp.joins.Pad(fill=-1.0))
    pixels = [images(1, *size, 3)[0] for size in ((8, 9), (12, 7))]
    for engine in ("numpy", "onnxruntime"):
        found = gp.Pipeline(b.finish())(pixels, engine=engine)["pixel_values"]
        assert found.shape == (2, 3, 12, 9)
        np.testing.assert_array_equal(
            found[0, :, :8], pixels[0].transpose(2, 0, 1).astype(np.float32) / np.float32(255) - np.float32(0.5)
        )
        assert (found[0, :, 8:] == -1).all()


def test_a_session_says_which_program_it_runs(page: dict[str, Any]) -> None:
    assert "; Thumbnail, cpu; provider cpu)" in repr(gp.Session(page["thumbnail"].to_onnx(), kernels=False))
