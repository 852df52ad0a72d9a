"""The kernels that resize floats compute the bits of the numpy rule and of torch, with every instruction set."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest
from support.kernels import Array, Call, RefusedError, call_of, run

from graphproc.ir.types import TensorType
from graphproc.ops import ByteMap, Cast, Normalize, ResizeFloats
from graphproc.ops.resample import ALIGNED, TORCH_FLOATS, TORCH_UNFUSED
from graphproc.runtime import native

if native.path() is None:
    pytest.skip(str(native.reason()), allow_module_level=True)

FILTERS = [("bilinear", True), ("bicubic", True), ("bilinear", False), (ALIGNED, False), ("bicubic", False)]
"""Each filter, and whether it is antialiased."""
RESCALE = ByteMap((("mul", (float(np.float32(1 / 255)),)),))


@pytest.fixture(autouse=True)
def restored() -> Iterator[None]:
    """Use the same instructions after a test as before it."""
    before = native.instruction_set()
    yield
    native.use(str(before))


def called(op: ResizeFloats, x: Array) -> Call:
    layout = "N" * (x.ndim - 3) + op.layout
    call = call_of(op, (TensorType({"uint8": "u8", "float32": "f32"}[x.dtype.name], x.shape, layout),), [x])
    assert call is not None
    return call


def assert_exact(op: ResizeFloats, x: Array, expected: Array) -> None:
    """Assert that the kernel gives these bits, where NaN is NaN whatever its bits are."""
    call = called(op, x)
    for instructions in native.library().available:
        native.use(instructions)
        for threads in (1, 3):
            (found,) = run(call, threads)
            what = f"{op} of {x.dtype} {x.shape} with {instructions} on {threads} threads"
            assert (found.dtype, found.shape) == (expected.dtype, expected.shape), what
            differ = (found.view(np.int32) != expected.view(np.int32)) & ~(np.isnan(found) & np.isnan(expected))
            assert not differ.any(), f"{what}: {differ.sum()} of {differ.size} elements differ, first at {np.argwhere(differ)[0]}"


@pytest.mark.parametrize("arithmetic", [TORCH_FLOATS, TORCH_UNFUSED])
@pytest.mark.parametrize(("filter", "antialias"), FILTERS)
def test_sizes(filter: str, antialias: bool, arithmetic: str, rng: np.random.Generator) -> None:
    """Down and up, kept, to and from one pixel, in many parts, with a strip and a block of columns more than fits."""
    for size, new in (
        ((70, 90), (33, 29)),
        ((33, 29), (70, 91)),
        ((41, 17), (41, 130)),
        ((150, 31), (50, 31)),
        ((1, 1), (200, 3)),
        ((37, 300), (1, 150)),
        ((3, 4000), (129, 2)),
        ((700, 5), (1, 1400)),
        ((900, 640), (224, 224)),
    ):
        x = rng.standard_normal((2, *size), dtype=np.float32)
        op = ResizeFloats(*new, filter, antialias, arithmetic)
        assert_exact(op, x, op.numpy(x))


@pytest.mark.parametrize("layout", ["HWC", "CHW"])
@pytest.mark.parametrize("channels", [1, 2, 3, 4, 7, 8, 19])
def test_channels_and_images(channels: int, layout: str, rng: np.random.Generator) -> None:
    """One pass over each axis, and results that are computed at once."""
    shape = (2, 50, 37, channels) if layout == "HWC" else (2, channels, 50, 37)
    x = rng.integers(0, 256, shape, dtype=np.uint8)
    middles = tuple(float(v) for v in rng.uniform(0, 1, channels))
    for new, antialias in (((31, 97), False), ((40, 21), False), ((31, 97), True)):
        for map in (Cast("f32"), RESCALE, ByteMap((("sub", middles), ("div", middles)))):
            op = ResizeFloats(*new, "bilinear", antialias, TORCH_FLOATS, layout, map, Normalize(middles, (0.3,)))
            assert_exact(op, x, op.numpy(x))


@pytest.mark.parametrize(("filter", "antialias"), FILTERS)
def test_floats_that_are_no_pixels(filter: str, antialias: bool, rng: np.random.Generator) -> None:
    """Infinities and NaN go where numpy's go; subnormal numbers and minus zero stay."""
    odd = rng.choice(np.array([np.inf, -np.inf, np.nan, -0.0, 0.0, 1e-45, 1e-39, 3e38, 1], np.float32), (3, 40, 50))
    x = np.where(rng.random(odd.shape) < 0.1, odd, rng.standard_normal(odd.shape)).astype(np.float32)
    for new in ((17, 20), (90, 101)):
        op = ResizeFloats(*new, filter, antialias)
        with np.errstate(all="ignore"):
            expected = op.numpy(x)
        assert_exact(op, x, expected)


@pytest.mark.parametrize(("filter", "antialias"), FILTERS)
def test_torch(filter: str, antialias: bool, rng: np.random.Generator) -> None:
    torch = pytest.importorskip("torch")
    if torch.backends.cpu.get_cpu_capability() != "AVX2":
        pytest.skip("torch's kernels of other processors round products")
    if torch.get_num_threads() == 1:
        pytest.skip("torch has another kernel between pixel centres on one thread")
    corners = {} if antialias else {"align_corners": filter == ALIGNED}
    for size, new in (((427, 640), (224, 224)), ((97, 120), (300, 211)), ((50, 60), (64, 64))):
        x = rng.integers(0, 256, (*size, 3), dtype=np.uint8)
        pixels = torch.from_numpy(x).permute(2, 0, 1).contiguous()[None] * torch.tensor(1 / 255, dtype=torch.float32)
        mode = "bicubic" if filter == "bicubic" else "bilinear"
        expected = torch.nn.functional.interpolate(pixels, new, mode=mode, antialias=antialias, **corners)[0].numpy()
        assert_exact(ResizeFloats(*new, filter, antialias, TORCH_FLOATS, "HWC", RESCALE), x, expected)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"filter": "lanczos"}, "filter: expected bilinear"),
        ({"filter": ALIGNED}, "filter: expected bilinear"),
        ({"arithmetic": "pillow"}, "arithmetic: expected torch_floats"),
        ({"layout": "WHC"}, "layout: expected CHW or HWC, found WHC"),
        ({"mean": (0.5,)}, "mean and std: expected as many of both, found 1 and 3"),
        ({"mean": (0.5,) * 2, "std": (0.5,) * 2}, "expected an image of 2 channels, found 3"),
        ({0: np.zeros((4, 3), np.uint8)}, "expected an image of rank 3"),
        ({0: np.zeros((0, 4, 3), np.uint8)}, "expected sides of 1 to"),
        ({1: np.array([0, 5])}, "expected sides of 1 to"),
        ({1: np.array([5, 2**62])}, "expected sides of 1 to"),
        ({1: np.array([2**24 - 1, 2**24 - 1])}, "expected a smaller result"),
        ({1: np.array([5])}, "expected a height and a width"),
    ],
)
def test_what_does_not_fit_is_refused(change: dict[str | int, object], message: str) -> None:
    normalize = Normalize((0.5, 0.4, 0.3), (0.2, 0.2, 0.2))
    op = ResizeFloats(9, 7, "bilinear", True, TORCH_FLOATS, "HWC", RESCALE, normalize)
    call = called(op, np.zeros((6, 5, 3), np.uint8))
    run(call)
    attributes = {**call.attributes, **{name: value for name, value in change.items() if isinstance(name, str)}}
    inputs = [change.get(i, x) for i, x in enumerate(call.inputs)]
    with pytest.raises(RefusedError, match=message):
        run(Call(call.name, attributes, tuple(inputs)))  # type: ignore[arg-type]
