"""Compute sizes that are multiples of a token's side, with a number of pixels or tokens in a range.

The vision-language models of the Qwen and GLM families resize an image to a grid of tokens of its
own shape. Every rule takes height and width in pixels as ints or traced expressions and repeats the
float64 operations of its source in order. Where the source raises, the result carries the condition
under which it does not.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from graphproc.sizes import num
from graphproc.sizes.multiples import nearest, parts_up
from graphproc.sizes.num import Bool, Num
from graphproc.sizes.rules import Size

MAX_ASPECT = 200
"""How many times longer than the other a side may be; the families share it."""


@dataclass(frozen=True)
class Guarded:
    """Hold a size that exists only under a condition.

    Attributes:
        height, width: in pixels; meaningless numbers if the condition fails.
        holds: the condition; `True` if it holds for every image.
        message: what is wrong with an image for which it fails.
    """

    height: Num
    width: Num
    holds: Bool
    message: str

    @property
    def size(self) -> Size:
        """Return `(height, width)`."""
        return self.height, self.width


def _aspect_within(height: Num, width: Num, limit: int) -> Bool:
    # ints decide as the float quotient does: it differs from the limit by more than its rounding
    return num.maximum(height, width) <= limit * num.minimum(height, width)


def _guarded(height: Num, width: Num, size: Size) -> Guarded:
    holds = _aspect_within(height, width, MAX_ASPECT)
    return Guarded(*size, holds, f"one side is more than {MAX_ASPECT} times longer than the other")


def _pixels_within(height: Num, width: Num, factor: int, min_pixels: int, max_pixels: int, frames: int, least: int = 0) -> Size:
    """Round to multiples, then scale if `frames` images have too many or too few pixels.

    A side is rounded to at least `least`.
    """
    near_height, near_width = nearest(height, factor, least), nearest(width, factor, least)
    near, pixels = frames * near_height * near_width, frames * height * width
    shrink, grow = num.sqrt(pixels / max_pixels), num.sqrt(min_pixels / pixels)

    def side(length: Num, nearest: Num) -> Num:
        shrunk = num.maximum(factor, num.floor(length / shrink / factor) * factor)
        grown = num.maximum(factor, num.ceil(length * grow / factor) * factor)  # never less: states the bound
        return num.where(near > max_pixels, shrunk, num.where(near < min_pixels, grown, nearest))

    return side(height, near_height), side(width, near_width)


def pixels_within(height: Num, width: Num, factor: int, min_pixels: int, max_pixels: int) -> Guarded:
    """Round to multiples of `factor`, then scale to `min_pixels` .. `max_pixels` pixels.

    Source: `smart_resize` of transformers' Qwen2VL, CohereCompass, Ernie4_5_VLMoe, HunYuanVL,
    MiniMaxM3VL, VideoLlama3 and Emu3.
    """
    return _guarded(height, width, _pixels_within(height, width, factor, min_pixels, max_pixels, 1))


def pixels_within_any_shape(height: Num, width: Num, factor: int, min_pixels: int, max_pixels: int) -> Size:
    """Do as `pixels_within` for an image of any shape; a shorter side counts as `factor`.

    Source: `smart_resize` of transformers' Lfm2Vl.
    """
    return _pixels_within(height, width, factor, min_pixels, max_pixels, 1, factor)


def pixels_within_enlarged(height: Num, width: Num, factor: int, min_pixels: int, max_pixels: int) -> Guarded:
    """Enlarge both sides to at least `factor`, the height first; then do as `pixels_within`.

    Source: `smart_resize` of transformers' PaddleOCRVL.
    """
    flat = height < factor
    tall, wide = num.where(flat, factor, height), num.where(flat, num.round_half_even(width * factor / height), width)
    thin = wide < factor
    # an unused width may have rounded to 0, but not where the first step chose it
    safe = num.maximum(wide, 1)
    grown = num.maximum(num.round_half_even(tall * factor / safe), 1)
    tall, wide = num.where(thin, grown, tall), num.maximum(safe, factor)
    return _guarded(tall, wide, _pixels_within(tall, wide, factor, min_pixels, max_pixels, 1))


def frame_pixels_within(height: Num, width: Num, factor: int, min_pixels: int, max_pixels: int, frames: int) -> Guarded:
    """Round to multiples of `factor`; then scale so that `frames` copies have pixels in the range.

    The range is `min_pixels` .. `max_pixels`. An image with a side below `factor` is enlarged
    first, truncating both sides. A still image counts as as many frames as the model puts into one
    token.

    Source: `smart_resize` of transformers' Glm4v, Glm46V, Glmga and Cosmos3Edge, for an image
    (`num_frames` equal to `temporal_factor`).
    """
    scale = num.maximum(factor / num.minimum(height, width), 1.0)
    tall, wide = num.maximum(num.trunc(height * scale), 1), num.maximum(num.trunc(width * scale), 1)
    return _guarded(tall, wide, _pixels_within(tall, wide, factor, min_pixels, max_pixels, frames))


def sides_within(height: Num, width: Num, factor: int, min_pixels: int, max_pixels: int) -> Guarded:
    """Halve the image, scaled so that the whole image's sides lie between the roots of two areas.

    The results are multiples of `factor`.

    Source: `smart_resize` of transformers' GlmImage. The scale is computed from the whole image and
    applied to its half.
    """
    shortest, longest = round(math.sqrt(min_pixels)), round(math.sqrt(max_pixels))
    small, large = num.minimum(height, width), num.maximum(height, width)
    scale = num.where(small < shortest, shortest / small, 1.0)
    scale = num.where(large * scale > longest, longest / large, scale)

    def near(side: Num) -> Num:
        return num.maximum(factor, num.round_half_even(side // 2 * scale / factor) * factor)

    new_height, new_width = near(height), near(width)
    over = num.maximum(new_height, new_width)
    excess = over / longest

    def cut(side: Num) -> Num:
        return num.where(over > longest, num.maximum(factor, num.floor(side / excess / factor) * factor), side)

    holds = num.both(small >= factor, _aspect_within(height, width, 4))
    message = f"a side is below {factor} pixels, or one side is more than 4 times longer than the other"
    return Guarded(cut(new_height), cut(new_width), holds, message)


@dataclass(frozen=True)
class CornerCanvas:
    """Describe an image in the top left corner of a larger canvas.

    Attributes:
        height, width: the canvas's sides, in pixels.
        content_height, content_width: the image's sides, in pixels.
    """

    height: Num
    width: Num
    content_height: Num
    content_width: Num


def near_crossing(height: Num, width: Num, tokens: int) -> tuple[Num, Num]:
    """Return two numbers of tokens along the short side, one of them that of the largest grid.

    The grid has the image's shape and at most `tokens` tokens. With k tokens along the short side
    and tokens // k along the long one, an image can grow until one side is full. The first limit
    grows with k, the second shrinks, and the largest image is where they cross. Let k = sqrt(tokens
    * short / long), rounded down. The second limit at k is no lower than the first at k - 1, so no
    smaller k is better. At k + 1 the second is the lower one, so no larger k is better. Both hold
    for lengths in whole pixels, too. A k above `tokens`, with no token left for the long side,
    allows no image and does no harm.
    """
    small, large = num.minimum(height, width), num.maximum(height, width)
    middle = num.maximum(num.trunc(num.sqrt(tokens * small / large)), 1)
    return middle, middle + 1


def _cut_to_tokens(height: Num, width: Num, factor: int, tokens: int) -> Size:
    """Return the grid, in tokens, of the tallest image of this shape that `tokens` tokens cover.

    The image is at most `height` high. The source bisects for its height. An image covers at most
    (rows, columns) tokens up to a height that grows with rows along one axis and with columns along
    the other. So the answer is the best of the pairs (k, tokens // k) that `near_crossing` returns.
    """
    wide = height <= width
    content: Num = 0
    for short in near_crossing(height, width, tokens):
        long = tokens // short
        rows, columns = num.where(wide, short, long), num.where(wide, long, short)
        # the largest height that leaves its width, height * width // height, within the columns
        content = num.maximum(content, num.minimum(rows * factor, ((columns * factor + 1) * height - 1) // width))
    content = num.minimum(content, height)
    return (
        num.maximum(parts_up(content, factor), 1),
        parts_up(num.maximum(width * content // height, 1), factor),
    )


def tokens_within(height: Num, width: Num, factor: int, min_tokens: int, max_tokens: int) -> Size:
    """Return the canvas of whole tokens around an image, enlarged or cut to the range of tokens.

    The canvas has from `min_tokens` to `max_tokens` tokens. The image itself is not resized to
    multiples: see `canvas_within`. The number of frames has no effect on a still image.

    Args:
        height, width: the image's sides, in pixels.
        factor: side of a token.
        min_tokens, max_tokens: at least 1.

    Source: `smart_resize` of transformers' Glm5Next, for an image (`num_frames` equal to
    `temporal_factor`).
    """
    rows, columns = parts_up(height, factor), parts_up(width, factor)
    few = rows * columns < min_tokens
    scale = num.sqrt(min_tokens * factor**2 / (height * width))
    rows = num.where(few, parts_up(num.maximum(1, num.ceil(height * scale)), factor), rows)
    columns = num.where(few, parts_up(num.maximum(1, num.ceil(width * scale)), factor), columns)
    many = rows * columns > max_tokens
    cut_rows, cut_columns = _cut_to_tokens(height, width, factor, max_tokens)
    return num.where(many, cut_rows, rows) * factor, num.where(many, cut_columns, columns) * factor


def canvas_within(height: Num, width: Num, factor: int, min_tokens: int, max_tokens: int) -> CornerCanvas:
    """Return the canvas of `tokens_within`, and the size that the image on it is resized to.

    An image with at least the pixels of `min_tokens` tokens is not enlarged; the rest of the canvas
    is zeros below and right.

    Source: `Glm5NextImageProcessorPil.resize` of transformers.
    """
    canvas_height, canvas_width = tokens_within(height, width, factor, min_tokens, max_tokens)
    scale = num.minimum(canvas_height / height, canvas_width / width)
    scale = num.where(height * width >= min_tokens * factor**2, num.minimum(1.0, scale), scale)
    return CornerCanvas(
        canvas_height,
        canvas_width,
        num.maximum(1, num.minimum(canvas_height, num.floor(height * scale))),
        num.maximum(1, num.minimum(canvas_width, num.floor(width * scale))),
    )
