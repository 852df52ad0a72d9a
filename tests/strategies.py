"""hypothesis strategies: image sides, size settings, filters, and configurations of plain processors."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

from graphproc.sizes import num

FILTERS = ("nearest", "lanczos", "bilinear", "bicubic", "box", "hamming")
BOUNDARY_SIDES = (1, 2, 3, 7, 223, 224, 225, 255, 256, 257, 335, 448, 449, 1000, 1333, 4096, 8999, 9000)

filters = st.sampled_from(FILTERS)
sides = st.one_of(st.sampled_from(BOUNDARY_SIDES), st.integers(1, 64), st.integers(1, 9000))
"""Sides of images whose pixels are never made."""
small_sides = st.integers(1, 40)
"""Sides of images that are resampled."""
edges = st.one_of(st.sampled_from((1, 2, 224, 256, 336, 384, 800)), st.integers(1, 2000))
"""Lengths that size settings ask for."""
seeds = st.integers(0, 2**32 - 1)


@st.composite
def size_settings(draw: st.DrawFn, low: int = 1, high: int = 48) -> dict[str, int]:
    """A normalised `size` of one of the forms that the standard resize takes."""
    side = st.integers(low, high)
    form = draw(st.sampled_from(("exact", "shortest", "capped", "within")))
    if form == "exact":
        return {"height": draw(side), "width": draw(side)}
    if form == "shortest":
        return {"shortest_edge": draw(side)}
    if form == "capped":
        return {"shortest_edge": draw(side), "longest_edge": draw(side)}
    return {"max_height": draw(side), "max_width": draw(side)}


def constants(low: float, high: float) -> st.SearchStrategy[float]:
    """Finite floats that survive float32."""
    return st.floats(low, high, allow_nan=False, allow_subnormal=False)


statistics = st.one_of(
    st.sampled_from(
        (
            ((0.5,) * 3, (0.5,) * 3),
            ((0.485, 0.456, 0.406), (0.229, 0.224, 0.225)),
            ((0.48145466, 0.4578275, 0.40821073), (0.26862954, 0.26130258, 0.27577711)),
            ((1.0,) * 3, (1.0,) * 3),
            ((0.0,) * 3, (1.0,) * 3),
        )
    ),
    st.tuples(st.tuples(*[constants(-2.0, 2.0)] * 3), st.tuples(*[constants(0.015625, 4.0)] * 3)),
)
"""Means and standard deviations of three channels."""
factors = st.one_of(st.sampled_from((1 / 255, 1 / 256, 1 / 127.5, 0.0078, 1.0, 2.0)), constants(1e-4, 2.0))
"""Rescale factors."""


@st.composite
def plain_settings(draw: st.DrawFn) -> dict[str, Any]:
    """Settings of a processor with the standard steps, small enough to run."""
    mean, std = draw(statistics)
    crop = st.integers(1, 40)
    return {
        "do_resize": draw(st.booleans()),
        "size": draw(size_settings()),
        "resample": draw(st.integers(0, 5)),
        "do_center_crop": draw(st.booleans()),
        "crop_size": {"height": draw(crop), "width": draw(crop)},
        "do_rescale": draw(st.booleans()),
        "rescale_factor": draw(factors),
        "do_normalize": draw(st.booleans()),
        "image_mean": list(mean),
        "image_std": list(std),
    }


SYMBOLS = ("height", "width")


def expressions(max_leaves: int = 8) -> st.SearchStrategy[num.Num]:
    """Size expressions of `height` and `width`, total for sides of at least 1 pixel.

    Divisors and the arguments of square roots are kept positive; some int divisors are negative constants.
    """
    leaves: st.SearchStrategy[num.Num] = st.one_of(
        st.sampled_from([num.symbol(name) for name in SYMBOLS]),
        st.integers(-20, 300),
        st.sampled_from((0.5, 1.5, 2.0, 224.0, 0.875, 256 / 224)),
    )

    def positive(x: num.Num) -> num.Num:
        return num.maximum(x, 1)

    def grow(inner: st.SearchStrategy[num.Num]) -> st.SearchStrategy[num.Num]:
        pair = st.tuples(inner, inner)
        whole = inner.map(num.trunc)
        return st.one_of(
            pair.map(lambda p: p[0] + p[1]),
            pair.map(lambda p: p[0] - p[1]),
            pair.map(lambda p: p[0] * p[1]),
            pair.map(lambda p: p[0] / positive(p[1])),
            pair.map(lambda p: num.trunc(p[0]) // num.trunc(positive(p[1]))),
            pair.map(lambda p: num.trunc(p[0]) % num.trunc(positive(p[1]))),
            st.tuples(whole, st.integers(-9, -1)).map(lambda p: p[0] // p[1]),
            st.tuples(whole, st.integers(-9, -1)).map(lambda p: p[0] % p[1]),
            pair.map(lambda p: num.minimum(*p)),
            pair.map(lambda p: num.maximum(*p)),
            st.tuples(conditions(inner), inner, inner).map(lambda p: num.where(*p)),
            inner.map(num.trunc),
            inner.map(num.floor),
            inner.map(num.ceil),
            inner.map(num.round_half_even),
            inner.map(num.as_float),
            inner.map(lambda x: num.sqrt(num.maximum(x, 0))),
        )

    return st.recursive(leaves, grow, max_leaves=max_leaves)


def conditions(inner: st.SearchStrategy[num.Num]) -> st.SearchStrategy[num.Bool]:
    """Comparisons of two expressions, some joined by `both`, `either` or `negate`."""
    pair = st.tuples(inner, inner)
    simple = st.one_of(pair.map(lambda p: p[0] < p[1]), pair.map(lambda p: p[0] <= p[1]), pair.map(lambda p: num.eq(p[0], p[1])))
    return st.one_of(
        simple,
        st.tuples(simple, simple).map(lambda p: num.both(*p)),
        st.tuples(simple, simple).map(lambda p: num.either(*p)),
        simple.map(num.negate),
    )
