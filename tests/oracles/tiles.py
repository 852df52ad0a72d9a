"""Rules of tiles written down anew, for classes with functions that cannot be imported without torchvision."""

from __future__ import annotations

import math
from fractions import Fraction
from typing import Any


def cohere2_vision(height: int, width: int, tile: int, maximum: int) -> Any:
    """Return the canvas that enlarges least, else the one that reduces least; the first of equals wins."""
    grids = [(rows, columns) for columns in range(1, maximum + 1) for rows in range(1, maximum // columns + 1)]
    scales = {(a, b): min(b * tile / width, a * tile / height) for a, b in sorted(grids, key=lambda grid: grid[0] * grid[1])}
    if any(scale >= 1 for scale in scales.values()):
        return min((grid for grid, scale in scales.items() if scale >= 1), key=lambda grid: scales[grid])
    return max(scales, key=lambda grid: scales[grid])


def perception_lm(height: int, width: int, tile: int, maximum: int) -> Any:
    """Search as the source does, in exact fractions except where the source's rounding decides."""
    if maximum <= 1:
        return 1, 1
    by_shape: dict[Fraction, list[tuple[int, int]]] = {}
    for count in range(maximum, 0, -1):
        for columns in (n for n in range(1, count + 1) if count % n == 0):
            by_shape.setdefault(Fraction(columns, count // columns), []).append((columns, count // columns))
    best: tuple[float, tuple[int, int]] | None = None
    for columns, rows in (grid for same in by_shape.values() for grid in same):
        if columns * tile >= width and rows * tile >= height:
            scale, aspect = min(columns * tile / width, rows * tile / height), width / height
            if width == height:
                reached: float = scale * height
            else:
                reached = math.floor(scale * width / aspect if width > height else scale * height * aspect)
            if best is None or reached >= best[0]:
                best = reached, (rows, columns)
    if best is not None:
        return best[1]
    shape = Fraction(width, height)
    near = max(s for s in by_shape if s <= shape) if shape >= 1 else min(s for s in by_shape if s > shape)
    return by_shape[near][0][::-1]


def step3p7(height: int, width: int, view: int, side: int, longest: int) -> Any:
    """Choose as the source does; None where it divides by zero."""
    if min(height, width) < 32 and max(height, width) / min(height, width) > 4:
        height = width = max(height, width)
    padded = height, width
    if (long := max(height, width)) > longest:
        height, width = (int(length * (longest / long)) for length in padded)
    if not min(height, width):
        return None
    ratio = max(height, width) / min(height, width)
    if max(height, width) <= view:
        window = min(height, width) if ratio > 1.5 else 0
    else:
        window = side if ratio <= 4 else min(height, width, side)
    if not window:
        return padded, (height, width), (1, 1), (0, 0), (1, 1)
    canvas = []
    for length in (height, width):
        whole, rest = divmod(length, window)
        canvas.append((whole + (5 * rest > window)) * window if whole else length)
    grid = tuple(len(range(0, length, window)) for length in canvas)
    return padded, (height, width), tuple(canvas), grid, tuple(min(length, window) for length in canvas)
