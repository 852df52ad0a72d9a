"""Operations for rescale and normalize: equal to the definition on every byte, and the cheap ones where they are."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import example, given
from oracles.ops import byte_table, scalar_normalize, scalar_rescale
from support.strategies import constants, factors, statistics

from graphproc.ops import Binary, ByteMap, Normalize, Rescale
from graphproc.passes.fold_byte_map import cheapest_operations

CLIP_MEAN, CLIP_STD = (0.48145466, 0.4578275, 0.40821073), (0.26862954, 0.26130258, 0.27577711)
HALF = (0.5, 0.5, 0.5)
BYTES = np.broadcast_to(np.arange(256, dtype=np.uint8), (3, 1, 256))
Stats = tuple[tuple[float, ...], tuple[float, ...]]


def assert_same_bits(found: np.ndarray, wanted: np.ndarray) -> None:
    assert found.dtype == np.float32
    assert found.shape == wanted.shape
    assert found.tobytes() == wanted.tobytes()


@given(factors, statistics)
@example(1 / 255, (CLIP_MEAN, CLIP_STD))
@example(1.0, ((0.0,) * 3, (1.0,) * 3))
@example(0.0, (HALF, HALF))
@example(-1 / 255, (HALF, (0.5, 0.25, 0.125)))
def test_both_folded(factor: float, values: Stats) -> None:
    mean, std = values
    found = cheapest_operations([Rescale(factor), Normalize(mean, std)])
    table = byte_table(lambda b, c: scalar_normalize(scalar_rescale(b, factor), mean[c], std[c]), 3)
    assert_same_bits(ByteMap(found).numpy(BYTES), table(BYTES))


@given(factors)
@example(1 / 3)
@example(0.0)
@example(-0.1)
@example(1e-30)
def test_rescale_alone(factor: float) -> None:
    found = cheapest_operations([Rescale(factor)])
    assert_same_bits(ByteMap(found).numpy(BYTES), byte_table(lambda b, c: scalar_rescale(b, factor), 3)(BYTES))


@given(statistics)
@example((HALF, (0.0, 1.0, 2.0)))
@example(((1.0, 2.0, 3.0), (1.0, 1.0, 1.0)))
def test_normalize_alone(values: Stats) -> None:
    mean, std = values
    found = cheapest_operations([Normalize(mean, std)])
    assert_same_bits(ByteMap(found).numpy(BYTES), byte_table(lambda b, c: scalar_normalize(b, mean[c], std[c]), 3)(BYTES))


@given(constants(-3, 3), constants(0.1, 3))
def test_one_mean_for_all_channels(mean: float, std: float) -> None:
    found = cheapest_operations([Rescale(1 / 255), Normalize((mean,), (std,))])
    table = byte_table(lambda b, c: scalar_normalize(scalar_rescale(b, 1 / 255), mean, std), 3)
    assert_same_bits(ByteMap(found).numpy(BYTES), table(BYTES))


@pytest.mark.parametrize(("mean", "std"), [((0.5,), CLIP_STD), (CLIP_MEAN, (0.5,))])
def test_one_value_beside_three(mean: tuple[float, ...], std: tuple[float, ...]) -> None:
    found = cheapest_operations([Rescale(1 / 255), Normalize(mean, std)])
    table = byte_table(lambda b, c: scalar_normalize(scalar_rescale(b, 1 / 255), mean[c % len(mean)], std[c % len(std)]), 3)
    assert_same_bits(ByteMap(found).numpy(BYTES), table(BYTES))


@pytest.mark.parametrize(
    "values",
    [((-0.0,) * 3, HALF), ((-0.0,) * 3, CLIP_STD), ((0.0,) * 3, (1.0,) * 3)],
    ids=["mean of -0", "mean of -0, uneven std", "mean of 0 and std of 1"],
)
def test_signs_of_zero_are_kept(values: Stats) -> None:
    """A negative factor sends byte 0 to -0.0, and what follows must treat its sign as the definition does."""
    mean, std = values
    found = cheapest_operations([Rescale(-1 / 255), Normalize(mean, std)])
    table = byte_table(lambda b, c: scalar_normalize(scalar_rescale(b, -1 / 255), mean[c], std[c]), 3)
    assert_same_bits(ByteMap(found).numpy(BYTES), table(BYTES))


def operations(found: tuple[tuple[str, tuple[float, ...]], ...]) -> list[str]:
    return [name for name, _ in found]


def test_a_mean_and_std_of_one_half_take_two_operations() -> None:
    """Dividing by a power of two moves through the subtraction without another rounding."""
    found = cheapest_operations([Rescale(1 / 255), Normalize(HALF, HALF)])
    assert found == (("div", (127.5,) * 3), ("sub", (1.0,) * 3))


def test_clip_statistics_take_a_division_first() -> None:
    found = cheapest_operations([Rescale(1 / 255), Normalize(CLIP_MEAN, CLIP_STD)])
    assert found == (("div", (255.0,)), ("sub", CLIP_MEAN), ("div", CLIP_STD))


def test_one_255th_alone_is_one_division() -> None:
    assert cheapest_operations([Rescale(1 / 255)]) == (("div", (255.0,)),)


def test_steps_that_change_nothing_are_left_out() -> None:
    assert operations(cheapest_operations([Normalize((0.0,) * 3, (1.0,) * 3)])) == []
    assert operations(cheapest_operations([Normalize((1.0, 2.0, 3.0), (1.0,) * 3)])) == ["sub"]
    assert operations(cheapest_operations([Normalize((0.0,) * 3, CLIP_STD)])) == ["div"]
    assert operations(cheapest_operations([Rescale(1 / 255), Normalize((0.0,) * 3, (1.0,) * 3)])) == ["div"]


@given(factors, statistics, constants(-2, 2), constants(-2, 2))
@example(1 / 127.5, (HALF, HALF), 1.0, -1.0)
@example(1 / 255, (CLIP_MEAN, CLIP_STD), 0.0, 0.1)
@example(0.0, (HALF, HALF), -1.0, -0.0)
def test_what_follows_is_folded_too(factor: float, values: Stats, scale: float, offset: float) -> None:
    mean, std = values
    last = Binary("subtract", -offset), Binary("divide", 4.0)
    ops = [Rescale(factor), Binary("multiply", scale), Binary("add", offset), Normalize(mean, std), Normalize((0.0,), std), *last]

    def wanted(byte: int, c: int) -> np.float32:
        x = scalar_rescale(byte, factor)
        x = np.float32(np.float32(x * np.float32(scale)) + np.float32(offset))
        x = scalar_normalize(scalar_normalize(x, mean[c], std[c]), 0.0, std[c])
        return np.float32(np.float32(x - np.float32(-offset)) / np.float32(4))

    with np.errstate(all="ignore"):
        assert_same_bits(ByteMap(cheapest_operations(ops)).numpy(BYTES), byte_table(wanted, 3)(BYTES))


def test_several_steps_of_halves_take_two_operations() -> None:
    """EfficientNet's second division, and ViViT's offset before normalize."""
    assert cheapest_operations([Rescale(1 / 255), Normalize(HALF, HALF), Normalize((0.0,), HALF)]) == (
        ("div", (63.75,) * 3),
        ("sub", (2.0,) * 3),
    )
    vivit = [Rescale(1 / 127.5), Binary("subtract", 1.0), Normalize(HALF, HALF)]
    assert cheapest_operations(vivit) == (("div", (63.75,) * 3), ("sub", (3.0,) * 3))


def test_a_factor_with_few_digits_is_a_product_and_a_quotient() -> None:
    assert cheapest_operations([Rescale(0.0078)]) == (("mul", (39.0,)), ("div", (5000.0,)))


def test_dearer_forms_are_reached() -> None:
    """Some factor in a range needs a product in two parts: two roundings would give other bits."""
    reached = {operations(cheapest_operations([Rescale(k / 100003)]))[0] for k in range(1, 200)}
    assert "mul" in reached or "div" in reached
    assert reached & {"split", "table"}
