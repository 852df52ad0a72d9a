"""Draw a printed page with Pillow to try document models on: nothing to download, and nobody's rights."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np
from PIL import Image, ImageDraw, ImageFont

INK = (25, 25, 25)
TEXT = (
    "the pixels of an image are numbers and a model reads them in one order only so what stands before a model decides "
    "what it sees a page is larger than the square that a network takes and every library shrinks it in a way of its own "
    "rounding at places that no one wrote down until two systems disagree about the same letter"
)
WORDS = TEXT.split()


def page(height: int = 1600, width: int = 1200, seed: int = 0) -> Any:
    """Draw a page in two columns with header, title, paragraphs, a bar chart and a table; uint8 [height, width, 3]."""
    rng = np.random.default_rng(seed)
    image = Image.new("RGB", (width, height), (253, 252, 249))
    draw = ImageDraw.Draw(image)
    unit = width / 1200
    margin, gap = round(90 * unit), round(44 * unit)
    column = (width - 2 * margin - gap) // 2
    second = margin + column + gap
    small, body, head, title = (ImageFont.load_default(round(size * unit)) for size in (15, 19, 24, 40))
    draw.text((margin, 45 * unit), "JOURNAL OF EXACT PREPROCESSING", INK, small)
    draw.text((width - margin, 45 * unit), "Vol. 3, No. 2", INK, small, anchor="ra")
    draw.text((width / 2, 110 * unit), "What a Network Sees of a Page", INK, title, anchor="ma")
    draw.text((width / 2, 170 * unit), "A. Author and B. Writer", INK, body, anchor="ma")
    y = _paragraph(draw, _words(rng, 150), (margin, 240 * unit), column, body)
    draw.text((margin, y + 24 * unit), "1. Introduction", INK, head)
    y = _paragraph(draw, _words(rng, 190), (margin, y + 64 * unit), column, body)
    draw.text((margin, y + 24 * unit), "2. Method", INK, head)
    _paragraph(draw, _words(rng, 400), (margin, y + 64 * unit), column, body, bottom=height - 110 * unit)
    y = _chart(draw, rng, (second, 240 * unit, column, 330 * unit), small)
    draw.text((second + column / 2, y + 14 * unit), "Figure 1. Differences by library.", INK, small, anchor="ma")
    y = _paragraph(draw, _words(rng, 120), (second, y + 62 * unit), column, body)
    draw.text((second + column / 2, y + 26 * unit), "Table 1. Largest difference of a pixel.", INK, small, anchor="ma")
    y = _table(draw, rng, (second, y + 56 * unit, column), small, unit)
    draw.text((second, y + 34 * unit), "3. Results", INK, head)
    _paragraph(draw, _words(rng, 400), (second, y + 74 * unit), column, body, bottom=height - 110 * unit)
    draw.text((width / 2, height - 60 * unit), "17", INK, small, anchor="ma")
    return np.asarray(image)


def draw_boxes(pixels: Any, shapes: Iterable[tuple[Any, str]], path: Any) -> None:
    """Write a picture with outlines on it.

    Args:
        pixels: uint8 [height, width, 3].
        shapes: the corner points [n, 2] as (x, y), and what to write beside them.
        path: the file to write.
    """
    image = Image.fromarray(pixels).convert("RGB")
    draw = ImageDraw.Draw(image, "RGBA")
    font = ImageFont.load_default(max(12, image.width // 70))
    colors: dict[str, tuple[int, int, int]] = {}
    palette = ((200, 30, 30), (20, 110, 200), (20, 140, 60), (180, 90, 0), (130, 40, 170), (0, 130, 140), (90, 90, 90))
    for points, said in shapes:
        color = colors.setdefault(said.split(" ")[0], palette[len(colors) % len(palette)])
        corners = [(float(x), float(y)) for x, y in points]
        draw.polygon(corners, (*color, 28), color, 3)
        if said:
            left, top, right, bottom = draw.textbbox(corners[0], said, font, anchor="lb")
            draw.rectangle((left - 2, top - 2, right + 2, bottom + 2), (*color, 255))
            draw.text(corners[0], said, (255, 255, 255), font, anchor="lb")
    image.save(path)


def _words(rng: Any, count: int) -> list[str]:
    return [str(word) for word in rng.choice(WORDS, count)]


def _paragraph(draw: Any, words: list[str], at: tuple[float, float], width: float, font: Any, bottom: float = 1e9) -> float:
    """Draw lines as wide as the column, from `at` down to `bottom`; return where the last one ends."""
    (x, y), line = at, ""
    step = font.size * 1.35
    for word in [*words, ""]:
        longer = f"{line} {word}".strip()
        if word and draw.textlength(longer, font) <= width:
            line = longer
            continue
        if y + step > bottom:
            break
        draw.text((x, y), line, INK, font)
        y, line = y + step, word
    return y


def _chart(draw: Any, rng: Any, box: tuple[float, float, float, float], font: Any) -> float:
    x, y, width, height = box
    draw.rectangle((x, y, x + width, y + height), (244, 246, 250), INK, 2)
    for number, share in enumerate(rng.uniform(0.2, 0.9, 7)):
        left = x + width * (number + 0.3) / 7.3
        color = tuple(int(v) for v in rng.integers(40, 200, 3))
        draw.rectangle((left, y + height * (1 - share), left + width / 12, y + height - 2), color)
        draw.text((left, y + height * (1 - share) - font.size * 1.3), f"{share:.2f}", INK, font)
    return y + height


def _table(draw: Any, rng: Any, at: tuple[float, float, float], font: Any, unit: float) -> float:
    x, y, width = at
    rows = [("library", "mean", "largest", "equal"), *((name, *map("{:.2f}".format, rng.uniform(0, 9, 3))) for name in "ABCDEF")]
    step = 34 * unit
    for number, row in enumerate(rows):
        for place, cell in enumerate(row):
            draw.text((x + width * (place + 0.1) / 4, y + step * number + 8 * unit), str(cell), INK, font)
    for number in range(len(rows) + 1):
        draw.line((x, y + step * number, x + width, y + step * number), INK, 2)
    for place in range(5):
        draw.line((x + width * place / 4, y, x + width * place / 4, y + step * len(rows)), INK, 2)
    return y + step * len(rows)
