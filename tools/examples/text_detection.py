"""Find text in a picture's raw pixels: preprocessing, a published detector and its bitmap in one ONNX graph.

    pip install rapidocr-onnxruntime opencv-python-headless graphproc
    python tools/examples/text_detection.py [PAGE.png] [-o text.png]

The model is PP-OCRv4's detector (differentiable binarization), which ships inside rapidocr-onnxruntime. The graph
takes RGB pixels of any size and gives a map of the probability of text, and its dilated bitmap. Contours and polygons
follow, for which ONNX has no operators: a small step outside the graph, done here by the package's own class. The
package's whole detector, OpenCV and numpy around ONNX Runtime, runs on several pictures and is compared.
"""

from __future__ import annotations

import argparse
import math
import tempfile
from importlib.resources import files
from pathlib import Path
from typing import Any

import numpy as np
from page import draw_boxes, page
from PIL import Image

import graphproc as gp

ops, num = gp.ops, gp.sizes.num
SHORTEST, MULTIPLE, THRESHOLD = 736, 32, 0.3
BOUND = 1e-5
"""The bound on differences of the map: ONNX Runtime may fuse the same model's nodes otherwise. Boxes are whole pixels."""


def fit(height: Any, width: Any) -> tuple[Any, Any]:
    """Return the size that the model gets: at least 736 pixels on the shorter side, both sides multiples of 32."""
    short = num.minimum(height, width)
    ratio = num.where(short < SHORTEST, float(SHORTEST) / short, 1.0)
    rows, columns = (num.round_half_even(num.trunc(side * ratio) / MULTIPLE) * MULTIPLE for side in (height, width))
    return rows, columns


def preprocessing() -> gp.Program:
    """Return the program that turns RGB pixels of any size into what the model takes."""
    b = gp.ProgramBuilder("TextPreprocessing", gp.Parity("rapidocr-onnxruntime 1.4.4, OpenCV 5.0"))
    x = b.add(ops.ToChannelsFirst(), b.input("image", "u8[height, width, 3] HWC"))
    x = b.add(ops.SelectChannels((2, 1, 0)), x)
    x = b.add(ops.Resample(*fit(*x.shape[1:]), "bilinear", False, "opencv"), x)
    # The package subtracts and divides in float64; of a mean and a deviation of a half, float32 rounds alike.
    b.output("pixel_values", b.add(ops.ByteMap((("mul", (1 / 255,)), ("sub", (0.5,)), ("div", (0.5,)))), x))
    return b.finish()


def postprocessing() -> gp.Program:
    """Return the map of chances, and the bitmap of what is above the threshold or right or below of that."""
    b = gp.ProgramBuilder("TextPostprocessing", gp.Parity("rapidocr-onnxruntime 1.4.4"), inputs_batched=True)
    chances = b.input("chances", "f32[1, map_height, map_width] CHW")
    bitmap = chances > THRESHOLD
    for down, right in ((1, 0), (0, 1)):
        bitmap = bitmap | moved(b, bitmap, down, right)
    b.output("text_map", chances)
    b.output("bitmap", bitmap.cast("u8"))
    return b.finish()


def moved(b: gp.ProgramBuilder, x: Any, down: int, right: int) -> Any:
    """Return the map moved by some pixels, with nothing where it came from."""
    _, height, width = x.shape
    return b.add(ops.Slice.window(0, 0, height, width), b.add(ops.Pad.canvas(down, right, height + down, width + right), x))


def build(model: Path, output: Path) -> None:
    """Fuse the three and write the graph."""
    import onnx

    name = onnx.load(model).graph.output[0].name
    before = gp.Pipeline(preprocessing()).to_onnx(input="image")
    after = gp.Pipeline(postprocessing()).to_onnx()
    gp.fuse(before, model, post=after, post_map={name: "chances"}, output=output)


def boxes_of(detector: Any, text_map: Any, bitmap: Any, size: tuple[int, int]) -> tuple[Any, list[float]]:
    """Return the step on the host: contours, rotated boxes made larger, in the picture's pixels.

    Args:
        detector: the package's detector, for its post-processing.
        text_map: float32 [height, width].
        bitmap: uint8 [height, width].
        size: the picture's (height, width).

    Returns:
        Corners [n, 4, 2] and all candidates' scores.
    """
    height, width = size
    boxes, scores = detector.postprocess_op.boxes_from_bitmap(text_map, bitmap, width, height)
    return detector.filter_tag_det_res(boxes, size), scores


def compare(session: gp.Session, detector: Any, pixels: Any) -> tuple[bool, Any]:
    """Run both ways on one picture and print the differences; whether they are within the bounds, and the boxes."""
    results = session(pixels)
    size = pixels.shape[:2]
    found, scores = boxes_of(detector, results["text_map"][0, 0], results["bitmap"][0, 0], size)
    bgr = np.ascontiguousarray(pixels[..., ::-1])  # the package takes arrays as BGR
    expected, _ = detector(bgr)
    chances = detector.infer(detector.preprocess_op(bgr))[0]
    _, expected_scores = detector.postprocess_op(chances, size)
    apart = float(np.abs(chances - results["text_map"]).max())
    same = found.shape == expected.shape
    moved = float(np.abs(found - expected).max(initial=0)) if same else math.inf
    scored = float(np.abs(np.subtract(scores, expected_scores)).max(initial=0)) if same else math.inf
    print(
        f"{size[0]} x {size[1]}: map {chances.shape[2]} x {chances.shape[3]}, largest difference {apart:.2e}; "
        f"{len(found)} boxes of {len(expected)}, largest difference {moved:g} pixels, {scored:.2e} of a score"
    )
    return apart <= BOUND and moved == 0 and scored <= BOUND, found


def main() -> int:
    """Build the graph, compare it on pictures of several sizes, draw the first one; exit 1 if anything differs."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("picture", nargs="?", help="a picture with text; pages drawn here if none is given")
    parser.add_argument("-o", "--output", default="text.png", help="where the picture with the boxes goes")
    parser.add_argument("--graph", type=Path, help="where to keep the fused graph")
    options = parser.parse_args()
    from rapidocr_onnxruntime import RapidOCR

    detector = RapidOCR().text_det
    model = Path(str(files("rapidocr_onnxruntime") / "models" / "ch_PP-OCRv4_det_infer.onnx"))
    if options.picture:
        with Image.open(options.picture) as opened:
            pictures = [np.asarray(opened.convert("RGB"))]
    else:
        sizes = ((1100, 850), (600, 450), (1472, 1104), (737, 1000))
        pictures = [*(page(*size, seed) for seed, size in enumerate(sizes)), np.full((300, 200, 3), 255, dtype=np.uint8)]
    with tempfile.TemporaryDirectory() as folder:
        fused = options.graph or Path(folder) / "text.onnx"
        build(model, fused)
        session = gp.Session(fused)
        results = [compare(session, detector, pixels) for pixels in pictures]
    draw_boxes(pictures[0], [(box, "") for box in results[0][1]], options.output)
    print(f"{options.output}: {len(results[0][1])} boxes drawn")
    return 0 if all(fine for fine, _ in results) else 1


if __name__ == "__main__":
    raise SystemExit(main())
