"""Rows of ops that compute pixels."""

from __future__ import annotations

from functools import partial

import numpy as np
from cases.ops.case import Case
from oracles.pixels import (
    fixed_point_resize,
    fused_clusters,
    fused_grayscale,
    per_image,
    pillow_content_box,
    pillow_reduce,
    pillow_resize_part,
    scalar_interpolate,
    scalar_interpolate_bytes,
    scipy_gaussian_blur,
    scipy_smooth_zoom,
    torchvision_blur,
    torchvision_content_box,
    transformers_clusters,
    transformers_grayscale,
    transformers_standardize,
    transformers_warp,
)

from graphproc.ops import (
    AffineWarp,
    AveragePool,
    Blank,
    Blur,
    ContentBox,
    GaussianBlur,
    Grayscale,
    NearestColor,
    Numbers,
    Pad,
    SelectChannels,
    Slice,
    Standardize,
)
from graphproc.ops.resample import (
    ALIGNED,
    FIXED_POINT,
    SCIPY,
    TORCH_BYTES,
    TORCH_FLOATS,
    TORCH_UNFUSED,
    Resample,
)
from graphproc.sizes import num

INTERPOLATION = {
    "antialias": ("bilinear", True),
    "antialias_cubic": ("bicubic", True),
    "align_corners": (ALIGNED, False),
    "linear": ("bilinear", False),
    "cubic": ("bicubic", False),
}
"""Filters, and whether they are antialiased, by what the scalar oracles call them."""
COLORS = tuple(map(tuple, np.random.default_rng(5).integers(-8, 9, (40, 3)) / 8))
ALMOST_EQUAL = tuple(map(tuple, 0.3 + np.random.default_rng(6).integers(-8, 9, (40, 3)) / 2**24))
_BOX = (3.5, -2.0, 11.0, 9.0)
COMPUTED = (
    Case(Grayscale(), (3, 5, 7), "CHW", per_image(transformers_grayscale), "colours", dtype="f32"),
    Case(Grayscale(), (1, 5, 7), "CHW", per_image(transformers_grayscale), "one channel", dtype="f32"),
    Case(
        Grayscale(),
        (3, 5, 7),
        "CHW",
        lambda x: np.concatenate([x[..., 1:2, :, :]] * 3, axis=-3),
        "equal channels",
        dtype="f32",
        operands=(SelectChannels((1, 1, 1)),),
    ),
    Case(Grayscale(), (2, 3, 1, 1), "NCHW", per_image(transformers_grayscale), "tiles of one pixel", dtype="f32"),
    *(
        Case(
            Grayscale(fused=True),
            (channels, 5, 7),
            "CHW",
            per_image(fused_grayscale),
            f"{channels} channels of {dtype}, fused",
            dtype=dtype,
            portable=channels == 1,
        )
        for channels in (1, 3)
        for dtype in ("f32", "u8")
    ),
    *(
        Case(Standardize(), (c, *size), "CHW", per_image(transformers_standardize), f"{c} x {size}")
        for c, size in ((3, (1, 1)), (1, (1, 7)), (3, (2, 4)), (3, (4, 11)), (1, (8, 17)), (3, (10, 41)), (3, (64, 91)))
    ),
    Case(Standardize(), (3, 19, 23), "CHW", per_image(transformers_standardize), "floats", dtype="f32"),
    Case(NearestColor(COLORS), (3, 9, 11), "CHW", transformers_clusters(COLORS), "40 colours", dtype="f32", portable=False),
    Case(
        NearestColor((*COLORS, *COLORS)),
        (3, 16, 17),
        "CHW",
        transformers_clusters((*COLORS, *COLORS)),
        "every colour twice",
        dtype="f32",
        portable=False,
    ),
    Case(
        NearestColor(ALMOST_EQUAL, fused=True),
        (3, 9, 11),
        "CHW",
        per_image(partial(fused_clusters, clusters=ALMOST_EQUAL)),
        "colours a few last places apart, fused",
        dtype="f32",
        portable=False,
    ),
    *(
        Case(
            Resample(*new, *filter, TORCH_FLOATS if fused else TORCH_UNFUSED),
            (2, *size),
            "CHW",
            per_image(partial(scalar_interpolate, height=new[0], width=new[1], mode=mode, fused=fused)),
            f"{mode} {size} to {new}{', fused' * fused}",
            dtype="f32",
            portable=not fused or (size == (1, 1) and mode.startswith("antialias")),  # of one tap, nothing is fused
        )
        for mode, filter in INTERPOLATION.items()
        for fused in (False, True)
        for size, new in (
            ((23, 37), (16, 11)),
            ((9, 7), (20, 31)),
            ((9, 7), (9, 3)),
            ((1, 1), (3, 2)),
            ((14, 1), (1, 4)),
            ((90, 5), (4, 5)),
            ((130, 9), (3, 9)),
            ((13, 4), (121, 8)),
        )
    ),
    *(
        Case(
            Resample(*new, *filter, TORCH_BYTES),
            (2, *size),
            "CHW",
            per_image(partial(scalar_interpolate_bytes, height=new[0], width=new[1], mode=mode)),
            f"bytes, {mode} {size} to {new}",
        )
        for mode, filter in [*INTERPOLATION.items()][2:]
        for size, new in (((23, 37), (16, 11)), ((9, 7), (20, 31)), ((2, 3), (20, 3)), ((197, 5), (196, 1)), ((1, 9), (2, 40)))
    ),
    *(
        Case(
            lambda h, w, n=new, k=filter: Resample(h - 20 + n[0], w - 30 + n[1], *k, TORCH_BYTES),
            (2, 3, 20, 30),
            "NCHW",
            per_image(partial(scalar_interpolate_bytes, height=new[0], width=new[1], mode=mode)),
            f"bytes, {mode}, traced, tiles, to {new}",
        )
        for mode, filter in [*INTERPOLATION.items()][2:]
        for new in ((7, 41), (31, 9), (19, 31))
    ),
    *(
        Case(
            lambda h, w, n=new, k=filter, f=fused: Resample(
                h - 20 + n[0], w - 30 + n[1], *k, TORCH_FLOATS if f else TORCH_UNFUSED
            ),
            (2, 3, 20, 30),
            "NCHW",
            per_image(partial(scalar_interpolate, height=new[0], width=new[1], mode=mode, fused=fused)),
            f"{mode}, traced, tiles, to {new}{', fused' * fused}",
            dtype="f32",
            portable=not fused,
        )
        for mode, filter in INTERPOLATION.items()
        for fused in (False, True)
        for new in ((7, 41), (31, 9))
    ),
    *(
        Case(
            Resample(*new, "bilinear", False, FIXED_POINT),
            (2, *size),
            "CHW",
            per_image(partial(fixed_point_resize, height=new[0], width=new[1])),
            f"fixed_point, {size} to {new}",
        )
        for size, new in (
            ((23, 37), (16, 11)),
            ((9, 7), (20, 31)),
            ((9, 7), (9, 3)),
            ((1, 1), (3, 2)),
            ((13, 1), (1, 4)),
            ((90, 5), (4, 5)),
        )
    ),
    *(
        Case(
            lambda h, w, n=new: Resample(h - 20 + n[0], w - 30 + n[1], "bilinear", False, FIXED_POINT),
            (2, 3, 20, 30),
            "NCHW",
            per_image(partial(fixed_point_resize, height=new[0], width=new[1])),
            f"fixed_point, traced, tiles, to {new}",
        )
        for new in ((7, 41), (31, 9))
    ),
    *(
        Case(
            Resample(*new, "bilinear", arithmetic=SCIPY),
            (2, *size),
            "CHW",
            per_image(partial(scipy_smooth_zoom, height=new[0], width=new[1])),
            f"scipy, {size} to {new}",
            dtype="f32",
            portable=False,
        )
        for size, new in (
            ((23, 37), (9, 11)),
            ((9, 7), (20, 31)),
            ((9, 30), (20, 3)),
            ((1, 1), (3, 2)),
            ((5, 1), (1, 4)),
            ((90, 6), (3, 5)),
        )
    ),
    Case(
        lambda h, w: Resample(h - 20 + 6, w - 30 + 41, "bilinear", arithmetic=SCIPY),
        (2, 3, 20, 30),
        "NCHW",
        per_image(partial(scipy_smooth_zoom, height=6, width=41)),
        "scipy, traced, tiles",
        dtype="f32",
        portable=False,
    ),
    *(
        Case(
            GaussianBlur(sigma, radius),
            (2, *size),
            "CHW",
            per_image(partial(scipy_gaussian_blur, sigma=sigma, radius=radius)),
            f"{sigma} of {size}, {radius} away",
            dtype="f32",
            portable=False,
        )
        for sigma, radius, size in (
            (0.8, 5, (16, 12)),
            (0.8, 1, (7, 9)),
            (2.5, 4, (3, 2)),
            (1.3, 3, (1, 6)),
            (0.8, 0, (4, 5)),
        )
    ),
    *(
        Case(
            Blur(sigmas, radii),
            (3, *size),
            "CHW",
            per_image(partial(torchvision_blur, sigmas=sigmas, radii=radii)),
            f"{sigmas} of {size}",
            dtype="f32",
            portable=False,
            within=2e-6,
            cause="torch's weights and sums are float32, in its convolution's order",
        )
        for sigmas, radii, size in (
            ((0.5, 0.5), (2, 2), (17, 12)),
            ((0.11, 3.5), (1, 11), (7, 19)),
            ((4.0, 0.3), (12, 1), (31, 3)),
        )
    ),
    *(
        Case(
            AveragePool(*factors),
            (3, *size),
            "CHW",
            per_image(partial(pillow_reduce, vertical=factors[0], horizontal=factors[1])),
            f"{size} by {factors}",
        )
        for size, factors in (
            ((23, 37), (2, 3)),
            ((23, 37), (1, 5)),
            ((23, 37), (7, 1)),
            ((23, 37), (1, 1)),
            ((5, 7), (9, 8)),
            ((64, 90), (31, 29)),
        )
    ),
    Case(
        lambda h, w: AveragePool(num.maximum(h // 8, 1), num.maximum(w // 20, 1)),
        (2, 3, 25, 19),
        "NCHW",
        per_image(partial(pillow_reduce, vertical=3, horizontal=1)),
        "traced, tiles",
    ),
    *(
        Case(
            lambda h, w, n=new, k=filter, less=less: Resample(*n, k, extent=(h - less[0], w - less[1])),
            (3, *size),
            "CHW",
            partial(
                pillow_resize_part,
                height=new[0],
                width=new[1],
                code=code,
                extent=(size[0] - less[0], size[1] - less[1]),
            ),
            f"{size}, all but {less} of it, to {new}",
        )
        for size, new, filter, code, less in (
            ((23, 37), (16, 11), "bicubic", 3, (0.75, 0.0)),
            ((23, 37), (16, 37), "bicubic", 3, (0.0, 0.4)),
            ((9, 7), (20, 31), "bilinear", 2, (0.5, 0.25)),
            ((30, 20), (9, 25), "lanczos", 1, (2 / 3, 0.3)),
        )
    ),
    *(
        Case(ContentBox(), (3, *size), "CHW", per_image(pillow_content_box), f"{size}")
        for size in ((23, 37), (1, 1), (1, 9), (5, 1), (2, 2))
    ),
    *(Case(ContentBox(), (channels, 7, 9), "CHW", per_image(pillow_content_box), f"{channels} channels") for channels in (2, 4)),
    *(
        Case(
            ContentBox(),
            (3, 11, 13),
            "CHW",
            lambda x, b=box: per_image(pillow_content_box)(Pad.canvas(*b, 255).numpy(x)),
            f"a page with margins, {box}",
            operands=(Pad.canvas(*box, 255),),
        )
        for box in ((4, 7, 30, 25), (0, 0, 11, 40), (9, 12, 20, 25))
    ),
    *(
        Case(
            ContentBox(arithmetic=TORCH_BYTES),
            (3, 11, 13),
            "CHW",
            lambda x, b=box: per_image(torchvision_content_box)(Pad.canvas(*b, 255).numpy(x)),
            f"torchvision's arithmetic, a page with margins, {box}",
            operands=(Pad.canvas(*box, 255),),
            portable=False,
        )
        for box in ((4, 7, 30, 25), (0, 0, 11, 40))
    ),
    Case(
        ContentBox(arithmetic=TORCH_BYTES),
        (1, 11, 13),
        "CHW",
        lambda x: per_image(torchvision_content_box)(Pad.canvas(4, 7, 30, 25, 255).numpy(x)),
        "torchvision's arithmetic, a gray page with margins",
        operands=(Pad.canvas(4, 7, 30, 25, 255),),
        portable=False,
    ),
    Case(
        ContentBox(150, TORCH_BYTES),
        (3, 6, 5),
        "CHW",
        per_image(lambda image: np.array([0, 0, 6, 5])),
        "torchvision, one gray",
        operands=(Blank(True),),
        portable=False,
    ),
    Case(ContentBox(), (3, 6, 5), "CHW", per_image(lambda image: np.array([0, 0, 6, 5])), "one gray", operands=(Blank(True),)),
    *(
        Case(
            AffineWarp(*size, factor),
            (3, 17, 23),
            "CHW",
            per_image(partial(transformers_warp, box=box, height=size[0], width=size[1], factor=factor)),
            f"{box} to {size}",
            portable=False,
            operands=(Slice((-1,), (0,), (23,)), Numbers(box, "f64", layout="F")),
        )
        for box, size, factor in (
            (_BOX, (16, 12), 200.0),
            ((0.0, 0.0, 23.0, 17.0), (8, 40), 200.0),
            ((5.25, 3.1, 2.2, 9.7), (32, 24), 180.0),
            ((-40.0, -40.0, 3.0, 3.0), (4, 4), 200.0),
        )
    ),
)

CASES: tuple[Case, ...] = (*COMPUTED,)
