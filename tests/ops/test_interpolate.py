"""Float resampling against torch and scipy themselves."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import tiers
from cases.ops.case import Case
from cases.ops.computed import INTERPOLATION
from support.graphs import emit_unoptimized, ort

from graphproc.emitters.onnx.emit import EmitOptions
from graphproc.errors import EmitError
from graphproc.numerics.gaussian import exp_negative
from graphproc.numerics.narrow import rounded
from graphproc.ops.resample import (
    NEAREST_EXACT,
    SCIPY,
    TORCH_BYTES,
    TORCH_FLOATS,
    TORCH_NEAREST,
    TORCH_UNFUSED,
    Resample,
)

SIZES = [
    ((31, 47), (12, 20)),
    ((31, 47), (50, 60)),
    ((1, 300), (77, 76)),
    ((1500, 40), (112, 16)),
    ((40, 3000), (48, 799)),
    ((480, 640), (224, 250)),
]


MODES = list(INTERPOLATION)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize(("size", "new"), SIZES, ids=str)
def test_torch(size: tuple[int, int], new: tuple[int, int], mode: str, dtype: Any, rng: np.random.Generator) -> None:
    torch = pytest.importorskip("torch")
    x = rng.random((3, *size), dtype=dtype)
    corners = {} if mode.startswith("antialias") else {"align_corners": mode == "align_corners"}
    filter = "bicubic" if mode.endswith("cubic") else "bilinear"
    expected = torch.nn.functional.interpolate(
        torch.from_numpy(x[None]), size=new, mode=filter, antialias=mode.startswith("antialias"), **corners
    )[0].numpy()
    assert np.abs(Resample(*new, *INTERPOLATION[mode], TORCH_UNFUSED).numpy(x) - expected).max() < 5e-7
    found = Resample(*new, *INTERPOLATION[mode], TORCH_FLOATS).numpy(x)
    one_torch_kernel = mode not in ("linear", "align_corners") or torch.get_num_threads() > 1 or sum(new) <= 128
    # In float64 torch's compilers order the operations of aligned corners in their own ways: some units in the last place.
    # Torch's kernels of other processors round otherwise, and so, between pixel centres, does the one that a single thread
    # takes for three channels.
    if torch.backends.cpu.get_cpu_capability() == "AVX2" and one_torch_kernel:
        near = 1e-14 if (mode, dtype) == ("align_corners", np.float64) else 0
        np.testing.assert_allclose(found, expected, rtol=0, atol=near)
    else:
        assert np.abs(found - expected).max() < 5e-7


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize(("width", "new"), [(2, 6), (3, 7), (3, 9), (5, 25)])
def test_outputs_at_the_centre_of_a_pixel(width: int, new: int, dtype: Any, rng: np.random.Generator) -> None:
    """Torch's float64 code then reads that pixel alone, though 2 / 6 * 4.5 - 0.5, rounded once, is below 1."""
    torch = pytest.importorskip("torch")
    if torch.backends.cpu.get_cpu_capability() == "DEFAULT":
        pytest.skip("torch's kernels for processors without AVX2 round otherwise")
    x = rng.random((3, 4, width), dtype=dtype)
    expected = torch.nn.functional.interpolate(torch.from_numpy(x[None]), size=(9, new), mode="bilinear")[0].numpy()
    np.testing.assert_array_equal(Resample(9, new, "bilinear", False, TORCH_FLOATS).numpy(x), expected)


@pytest.mark.parametrize("mode", ["linear", "align_corners"])
def test_arrays_of_float16(mode: str, rng: np.random.Generator) -> None:
    """An image of pil's backend comes as it is; positions are not of 11 bits."""
    torch = pytest.importorskip("torch")
    x = rng.random((3, 13, 54)).astype(np.float16)
    corners = mode == "align_corners"
    expected = torch.nn.functional.interpolate(torch.from_numpy(x[None]), size=(61, 60), mode="bilinear", align_corners=corners)
    found = Resample(61, 60, *INTERPOLATION[mode], TORCH_FLOATS).numpy(x)
    assert found.dtype == np.float16
    if torch.backends.cpu.get_cpu_capability() == "DEFAULT":
        assert np.abs(found.astype(float) - expected[0].numpy()).max() < 2e-3  # a last place, where the sum rounds otherwise
    else:
        np.testing.assert_array_equal(found, expected[0].numpy())


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("channels", [4, 7, 8, 13, 16])
@pytest.mark.parametrize("mode", ["linear", "align_corners"])
def test_channels_that_torch_computes_together(mode: str, channels: int, dtype: Any, rng: np.random.Generator) -> None:
    torch = pytest.importorskip("torch")
    if torch.backends.cpu.get_cpu_capability() != "AVX2":
        pytest.skip("torch's kernels of other processors round products")
    op, x = Resample(54, 40, *INTERPOLATION[mode], TORCH_FLOATS), rng.random((channels, 13, 17), dtype=dtype)
    corners = mode == "align_corners"
    expected = torch.nn.functional.interpolate(torch.from_numpy(x[None]), size=(54, 40), mode="bilinear", align_corners=corners)
    near = 1e-14 if dtype is np.float64 else 0  # its compilers order the operations of positions in their own ways
    np.testing.assert_allclose(op.numpy(x), expected[0].numpy(), rtol=0, atol=near)
    if dtype is np.float32:
        case = Case(op, x.shape, "CHW", lambda x: np.stack([op.numpy(one) for one in x]), "channels", dtype="f32")
        run = ort(emit_unoptimized(case.program(), EmitOptions()))
        np.testing.assert_array_equal(run({"images": x[None]})["y"], op.numpy(x)[None])


@pytest.mark.parametrize("kind", ["f16", "bf16"])
@pytest.mark.parametrize("channels", [3, 16, 20])
@pytest.mark.parametrize("mode", ["linear", "align_corners"])
def test_narrow_floats_at_once(mode: str, channels: int, kind: str, rng: np.random.Generator) -> None:
    torch = pytest.importorskip("torch")
    if torch.backends.cpu.get_cpu_capability() != "AVX2":
        pytest.skip("torch's kernels of other processors round products")
    narrow = {"f16": torch.float16, "bf16": torch.bfloat16}[kind]
    pixels = rng.random((channels, 53, 47)) * 10 ** rng.uniform(-4, 2, (channels, 53, 47))
    x = torch.from_numpy(pixels).to(narrow)
    corners = mode == "align_corners"
    expected = torch.nn.functional.interpolate(x[None], size=(61, 60), mode="bilinear", align_corners=corners)[0]
    found = Resample(61, 60, *INTERPOLATION[mode], TORCH_FLOATS, weights=kind).numpy(x.float().numpy())
    assert torch.equal(torch.from_numpy(found).to(narrow), expected)


@pytest.mark.parametrize("mode", ["linear", "align_corners", "cubic"])
def test_bytes_as_torch_has_them(mode: str, rng: np.random.Generator) -> None:
    torch = pytest.importorskip("torch")
    if torch.backends.cpu.get_cpu_capability() not in ("AVX2", "AVX512"):
        pytest.skip("torch resizes bytes as bytes on processors with AVX2 alone")
    filter, corners = "bicubic" if mode == "cubic" else "bilinear", mode == "align_corners"
    sizes = [tuple(rng.integers(1, 150, 2)) for _ in range(80)]
    for size, new in zip(sizes, [(196, 196), (1, 7), *sizes], strict=False):
        size, new = (int(size[0]) + 1, int(size[1])), (int(new[0]), int(new[1]) + 1)
        x = rng.integers(0, 256, (3, *size), dtype=np.uint8)
        expected = torch.nn.functional.interpolate(torch.from_numpy(x[None]), size=new, mode=filter, align_corners=corners)[0]
        np.testing.assert_array_equal(
            Resample(*new, *INTERPOLATION[mode], TORCH_BYTES).numpy(x), expected.numpy(), err_msg=f"{size} to {new}"
        )


@pytest.mark.parametrize("dtype", ["uint8", "float32", "float64"])
@pytest.mark.parametrize("sides", [((2, 68), (41, 88)), ((4, 3), (166, 3)), ((2, 3), (235, 3)), ((7, 9), (40, 40))], ids=str)
def test_centres_on_the_border_of_two_pixels(sides: Any, dtype: str, rng: np.random.Generator) -> None:
    torch = pytest.importorskip("torch")
    if torch.backends.cpu.get_cpu_capability() not in ("AVX2", "AVX512"):
        pytest.skip("torch's kernels of other processors round products")
    new, x = sides[1], rng.integers(0, 256, (3, *sides[0])).astype(dtype)
    expected = torch.nn.functional.interpolate(torch.from_numpy(x)[None], size=new, mode="nearest-exact")[0].numpy()
    np.testing.assert_array_equal(Resample(*new, NEAREST_EXACT, False, TORCH_NEAREST).numpy(x), expected)


BLOCKS = [((333, 500), (224, 224)), ((333, 500), (509, 211)), ((900, 1400), (30, 37)), ((700, 41), (523, 1000))]
"""Sizes that are computed in blocks: some that blocks do not divide, and more taps than have nodes of their own."""


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize(("size", "new"), tiers.rows(BLOCKS, BLOCKS[:1]), ids=str)
def test_graphs_of_large_results(size: tuple[int, int], new: tuple[int, int], mode: str) -> None:
    op = Resample(*new, *INTERPOLATION[mode], TORCH_FLOATS)
    case = Case(op, (3, *size), "CHW", lambda x: np.stack([op.numpy(one) for one in x]), "large", dtype="f32")
    x = case.inputs(2)
    expected = case.oracle(x)
    for image_size in (None, size):
        run = ort(emit_unoptimized(case.program(), EmitOptions(image_size=image_size)))
        np.testing.assert_array_equal(run({"images": x})["y"], expected)


def test_a_size_that_stays_changes_nothing(rng: np.random.Generator) -> None:
    x = rng.random((3, 7, 9), dtype=np.float32)
    for mode in MODES:
        for arithmetic in (TORCH_FLOATS, TORCH_UNFUSED):
            np.testing.assert_array_equal(Resample(7, 9, *INTERPOLATION[mode], arithmetic).numpy(x), x)


@pytest.mark.parametrize(("size", "new"), [((97, 97), (32, 32)), ((40, 40), (96, 96)), ((64, 50), (20, 61))], ids=str)
def test_owlv2(size: tuple[int, int], new: tuple[int, int], rng: np.random.Generator) -> None:
    pytest.importorskip("scipy")
    from transformers.models.owlv2.image_processing_pil_owlv2 import Owlv2ImageProcessorPil

    x = rng.random((3, *size), dtype=np.float32)
    expected = Owlv2ImageProcessorPil().resize(x, {"height": new[0], "width": new[1]})
    np.testing.assert_array_equal(Resample(*new, "bilinear", arithmetic=SCIPY).numpy(x), expected)


@pytest.mark.parametrize("value", [np.nan, np.inf])
@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("new", [(9, 20), (50, 31), (224, 7), (12, 31)], ids=str)
@pytest.mark.filterwarnings("ignore:invalid value:RuntimeWarning")
def test_what_is_not_finite_stays_where_torch_has_it(
    new: tuple[int, int], mode: str, value: float, rng: np.random.Generator
) -> None:
    torch = pytest.importorskip("torch")
    x = rng.random((3, 40, 31), dtype=np.float32)
    x[:, 20, 3] = x[1, 0, 0] = x[2, -1, -1] = value
    options: dict[str, Any] = {"antialias": True} if mode.startswith("antialias") else {"align_corners": mode == "align_corners"}
    filter = "bicubic" if mode.endswith("cubic") else "bilinear"
    expected = torch.nn.functional.interpolate(torch.from_numpy(x[None]), size=new, mode=filter, **options)[0].numpy()
    op = Resample(*new, *INTERPOLATION[mode], TORCH_FLOATS)
    found = op.numpy(x)
    np.testing.assert_allclose(found, expected, rtol=0, atol=5e-7)
    if np.isnan(value) and mode.startswith("antialias"):
        program = Case(op, x.shape, "CHW", op.numpy, "", dtype="f32").program()
        # A graph of any size does not know that a side stays.
        for image_size in (None, x.shape[1:]) if new[1] != x.shape[2] else (x.shape[1:],):
            run = ort(emit_unoptimized(program, EmitOptions(image_size=image_size)))
            np.testing.assert_array_equal(run({"images": x[None]})["y"][0], found)


@pytest.mark.parametrize("value", [np.nan, np.inf])
@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.filterwarnings("ignore:invalid value:RuntimeWarning")
def test_owlv2_of_what_is_not_finite(channels: int, value: float, rng: np.random.Generator) -> None:
    pytest.importorskip("scipy")
    from transformers.models.owlv2.image_processing_pil_owlv2 import Owlv2ImageProcessorPil

    x = rng.random((channels, 64, 50), dtype=np.float32)
    x[0, 20, 3] = x[-1, -1, -1] = value
    for new in ((20, 61), (96, 96)):
        expected = Owlv2ImageProcessorPil().resize(x, {"height": new[0], "width": new[1]}, input_data_format="channels_first")
        np.testing.assert_array_equal(Resample(*new, "bilinear", arithmetic=SCIPY).numpy(x), expected)


def test_exponentials() -> None:
    t = np.concatenate([np.linspace(0, 42.9, 20001), [0.0, 1e-300]])
    expected = np.exp(-t)
    assert (np.abs(exp_negative(t) - expected) <= 2 * np.spacing(expected)).all()


@pytest.mark.parametrize("kind", ["f16", "bf16"])
@pytest.mark.parametrize("mode", ["linear", "align_corners", "cubic"])
@pytest.mark.parametrize(("size", "new"), [((4, 9), (384, 384)), ((20, 4), (100, 29)), ((1, 5), (131, 7)), ((13, 6), (33, 17))])
def test_narrow_floats_have_narrow_weights(size: Any, new: Any, mode: str, kind: str, rng: np.random.Generator) -> None:
    torch = pytest.importorskip("torch")
    if torch.backends.cpu.get_cpu_capability() != "AVX2":
        pytest.skip("torch's kernels of other processors round otherwise")
    x = torch.from_numpy(rng.standard_normal((5, *size))).to({"f16": torch.float16, "bf16": torch.bfloat16}[kind])
    filter, corners = "bicubic" if mode == "cubic" else "bilinear", mode == "align_corners"
    expected = torch.nn.functional.interpolate(x[None], size=new, mode=filter, align_corners=corners)[0].float().numpy()
    found = rounded(Resample(*new, *INTERPOLATION[mode], TORCH_FLOATS, weights=kind).numpy(x.float().numpy()), kind)
    if kind == "f16" and sum(new) <= 128 and mode != "cubic":  # where both axes' weights are float32, and sums of another order
        assert (found != expected).mean() < 2e-3
    else:
        np.testing.assert_array_equal(found, expected)
    op = Resample(*new, *INTERPOLATION[mode], TORCH_FLOATS, weights=kind)
    program = Case(op, (5, *size), "CHW", op.numpy, "narrow", dtype="f32").program()
    with pytest.raises(EmitError, match="expected pixels of f32 in a graph, got " + kind):
        emit_unoptimized(program, EmitOptions())
