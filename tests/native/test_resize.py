"""The resize kernel computes the bytes of Pillow and of torch: with every instruction set, sizes up to 2000 and any window."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np
import pytest
from PIL import Image
from support.kernels import Array, call_of, run

from graphproc.ir.types import TensorType
from graphproc.numerics.filters import ANTIALIASED, FILTER_NAMES
from graphproc.ops import Resize
from graphproc.runtime import native
from graphproc.sizes import num

if native.path() is None:
    pytest.skip(str(native.reason()), allow_module_level=True)

CODES = {name: code for code, name in FILTER_NAMES.items()}
"""Pillow's codes of its filters."""


@pytest.fixture(autouse=True)
def restored() -> Iterator[None]:
    """Use the same instructions after a test as before it."""
    before = native.instruction_set()
    yield
    native.use(str(before))


def sides(rng: np.random.Generator) -> tuple[tuple[int, int], tuple[int, int]]:
    """Return (height, width) and (new height, new width): small ones more often than large ones, and some that stay.

    One in eight images loses most of its rows: Pillow then takes the vertical axis first.
    """
    height, width, new_height, new_width = (int(min(2000, 1 + rng.exponential(90))) for _ in range(4))
    match rng.integers(8):
        case 0:
            height, new_height = min(2000, 9 * height), max(1, height // 3)
        case 1:
            new_height = height
        case 2:
            new_width = width
    return (height, width), (new_height, new_width)


def image(rng: np.random.Generator, *shape: int) -> Array:
    """Return noise, or black and white alone, in which sums are largest and smallest."""
    x = rng.integers(0, 256, shape, dtype=np.uint8)
    return x if rng.integers(2) else np.where(x < 128, 0, 255).astype(np.uint8)


def windows(rng: np.random.Generator, height: int, width: int) -> tuple[int, ...]:
    """Return a part of a result, or nothing for the whole."""
    if rng.integers(2):
        return ()
    top, left = int(rng.integers(height)), int(rng.integers(width))
    return top, left, int(rng.integers(1, height - top + 1)), int(rng.integers(1, width - left + 1))


def assert_exact(op: Resize, x: Array, whole: Array) -> None:
    """Compare the kernel's result with the window of a whole result, channels first."""
    top, left, height, width = op.window or (0, 0, *whole.shape[-2:])
    expected = whole[:, num.known(top) : num.known(top + height), num.known(left) : num.known(left + width)]
    call = call_of(op, (TensorType("u8", x.shape, op.layout),), [x])
    assert call is not None
    for instructions in native.library().available:
        native.use(instructions)
        for threads in (1, 3):
            (found,) = run(call, threads)
            differ = np.sum(found != expected) if found.shape == expected.shape else found.shape
            assert differ == 0, f"{op} of {x.shape} with {instructions} on {threads} threads: {differ} bytes differ"


def pillow(rng: np.random.Generator) -> None:
    """Compare a random resize with Pillow's."""
    (height, width), new = sides(rng)
    layout, channels = str(rng.choice(["HWC", "CHW"])), int(rng.choice([1, 3]))
    name = str(rng.choice([*CODES]))
    x = image(rng, height, width, channels)
    box = (0.0, 0.0, width * float(rng.uniform(0.2, 1)), height * float(rng.uniform(0.2, 1)))
    limited = name != "nearest" and rng.integers(4) == 0
    picture = Image.fromarray(x if channels == 3 else x[..., 0])
    resized = np.asarray(picture.resize((new[1], new[0]), CODES[name], box=box if limited else None))
    extent = (box[3], box[2]) if limited else ()
    op = Resize(new[0], new[1], name, "pillow", windows(rng, *new), layout, extent)
    x = x if layout == "HWC" else np.ascontiguousarray(np.moveaxis(x, -1, 0))
    assert_exact(op, x, np.moveaxis(resized.reshape(*new, channels), -1, 0))


def torch_bytes(rng: np.random.Generator) -> None:
    """Compare a random resize with torch's."""
    torch = pytest.importorskip("torch")
    (height, width), new = sides(rng)
    layout, channels = str(rng.choice(["HWC", "CHW"])), int(rng.integers(2, 5))
    name = str(rng.choice(["bilinear", "bicubic"]))
    x = image(rng, channels, max(height, 2), max(width, 2))  # torch fails if it cannot tell channels first from last
    op = Resize(new[0], new[1], name, "torch_bytes", windows(rng, *new), layout)
    resized = torch.nn.functional.interpolate(torch.from_numpy(x)[None], new, mode=name, antialias=True)[0].numpy()
    assert_exact(op, x if layout == "CHW" else np.ascontiguousarray(np.moveaxis(x, 0, -1)), resized)


@pytest.mark.parametrize("seed", [0, *(pytest.param(n, marks=pytest.mark.wide) for n in range(1, 20))])
@pytest.mark.parametrize("compare", [pillow, torch_bytes])
def test_random_resizes(compare: Callable[[np.random.Generator], None], seed: int) -> None:
    rng = np.random.default_rng(seed)
    for _ in range(40):
        compare(rng)


@pytest.mark.parametrize("arithmetic", ["pillow", "torch_bytes"])
@pytest.mark.parametrize("layout", ["HWC", "CHW"])
def test_each_filter_and_number_of_channels(layout: str, arithmetic: str) -> None:
    rng = np.random.default_rng(0)
    for name in ANTIALIASED[arithmetic]:
        for channels in range(1, 5):
            x = image(rng, *((37, 53, channels) if layout == "HWC" else (channels, 37, 53)))
            for new in ((19, 90), (37, 20), (70, 53), (1, 1)):
                op = Resize(new[0], new[1], name, arithmetic, (), layout)
                assert_exact(op, x, op.numpy(x))
