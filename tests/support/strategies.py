"""hypothesis strategies: image sides, size settings, filters, and configurations of plain processors."""

from __future__ import annotations

import random
from typing import Any

from hypothesis import strategies as st

from graphproc.sizes import num

FILTERS = ("nearest", "lanczos", "bilinear", "bicubic", "box", "hamming")
BOUNDARY_SIDES = (1, 2, 3, 7, 223, 224, 225, 255, 256, 257, 335, 448, 449, 1000, 1333, 4096, 8999, 9000)

filters = st.sampled_from(FILTERS)
sides = st.one_of(st.sampled_from(BOUNDARY_SIDES), st.integers(1, 64), st.integers(1, 9000))
"""Sides of images without pixels."""
small_sides = st.integers(1, 40)
"""Sides of images that are resampled."""
edges = st.one_of(st.sampled_from((1, 2, 224, 256, 336, 384, 800)), st.integers(1, 2000))
"""Lengths that size settings ask for."""
seeds = st.integers(0, 2**32 - 1)


@st.composite
def size_settings(draw: st.DrawFn, low: int = 1, high: int = 48) -> dict[str, int]:
    """Return a normalised `size` of one of the forms that the standard resize takes."""
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
    """Return finite floats that survive float32."""
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
    """Return settings of a processor with the standard steps, small enough to run."""
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
    """Return size expressions of `height` and `width`, total for sides of at least 1 pixel.

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
            inner.map(lambda x: num.to_float32(num.minimum(num.maximum(x, -1e30), 1e30))),
            inner.map(lambda x: num.sqrt(num.maximum(x, 0))),
        )

    return st.recursive(leaves, grow, max_leaves=max_leaves)


def conditions(inner: st.SearchStrategy[num.Num]) -> st.SearchStrategy[num.Bool]:
    """Return comparisons of two expressions, some joined by `both`, `either` or `negate`."""
    pair = st.tuples(inner, inner)
    simple = st.one_of(pair.map(lambda p: p[0] < p[1]), pair.map(lambda p: p[0] <= p[1]), pair.map(lambda p: num.eq(p[0], p[1])))
    return st.one_of(
        simple,
        st.tuples(simple, simple).map(lambda p: num.both(*p)),
        st.tuples(simple, simple).map(lambda p: num.either(*p)),
        simple.map(num.negate),
    )


def shapes(count: int, seed: int = 0) -> list[tuple[int, int]]:
    """Return sizes for rules that choose by shape: extreme ones, multiples of tile sides, exact ratios, and random ones."""
    rng = random.Random(seed)
    found = [(1, 1), (1, 2), (2, 1), (1, 500), (500, 1), (1, 9000), (9000, 1), (1, 65500), (65500, 1), (9000, 8999)]
    for tile in (14, 224, 336, 384, 448, 490, 512, 640, 768, 980):
        found += [(tile + a, tile + b) for a in (-1, 0, 1) for b in (-1, 0, 1)]
        found += [(tile * a, tile * b) for a, b in ((1, 2), (2, 1), (2, 2), (2, 3), (3, 2), (1, 4), (4, 1), (6, 2), (3, 4))]
    side = (lambda: rng.randint(1, 64), lambda: rng.randint(1, 3000), lambda: int(2 ** rng.uniform(0, 14)))
    while len(found) < count:
        if rng.random() < 0.4:  # an exact ratio of small numbers, where candidates tie
            unit = rng.randint(1, 700)
            found.append((unit * rng.randint(1, 12), unit * rng.randint(1, 12)))
        else:
            draw = rng.choice(side)
            found.append((draw(), draw()))
    return found


def table_expressions() -> st.SearchStrategy[num.Sym]:
    """Return expressions of `height` and `width` with five elements, some of them equal."""
    tables = st.one_of(
        st.lists(st.integers(-3, 3), min_size=5, max_size=5),
        st.lists(st.sampled_from((0.5, 1.5, -2.0, 224.0, 1 / 3)), min_size=5, max_size=5),
    ).map(num.table)

    def grow(inner: st.SearchStrategy[num.Sym]) -> st.SearchStrategy[num.Sym]:
        pair = st.tuples(inner, st.one_of(inner, st.sampled_from((num.symbol("height"), num.symbol("width"), 3, 2.5))))
        return st.one_of(
            pair.map(lambda p: p[0] + p[1]),
            pair.map(lambda p: p[1] - p[0]),
            pair.map(lambda p: p[0] * num.minimum(p[1], 1000)),
            pair.map(lambda p: p[0] / num.maximum(p[1], 1)),
            pair.map(lambda p: num.minimum(p[0], p[1])),
            pair.map(lambda p: num.where(p[0] < p[1], p[0], p[1])),
            inner.map(num.trunc),
        )

    return st.recursive(tables, grow, max_leaves=6).filter(lambda x: num.is_sym(x) and x.length == 5)
