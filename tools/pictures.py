"""Make README's pictures, and print the numbers beside them: what CLIP sees of a photograph, and what mistakes change.

    python tools/pictures.py                 writes model_input.png and difference.png to exported/pictures
    python tools/pictures.py -o FOLDER       writes them elsewhere

The photograph is the one that ships with the package. The right input of the model is `CLIPImageProcessor`'s. The
mistakes are often made when preprocessing is written a second time. Differences are in steps of a byte: normalized
values, multiplied by the standard deviation and by 255.
"""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import onnx.parser
import onnxruntime
from PIL import Image

import graphproc as gp
from graphproc.wrappers.examples import photograph

Array = np.ndarray[Any, Any]

FOLDER = Path(__file__).resolve().parent.parent / "exported" / "pictures"
BLACK = 8
"""The difference, in steps of a byte, from which the map is black; equal pixels are white."""
DRAWN = "bilinear without antialiasing"
"""The mistake that the map shows."""


def pixel_values(image: Array, **settings: Any) -> Array:
    """Return what `CLIPImageProcessor` makes of an image, float32 [3, 224, 224]."""
    values: Array = gp.CLIPImageProcessor(**settings)(image, return_tensors="np")["pixel_values"][0]
    return values


def without_antialiasing(image: Array) -> Array:
    """Resize the image to a shortest edge of 224 pixels by ONNX's `Resize` without antialiasing; uint8 [height, width, 3].

    `torch.nn.functional.interpolate` and `cv2.resize` compute the same by default: each pixel is a mean of its
    nearest four. Where an image shrinks, pixels between those are lost.
    """
    height, width = image.shape[:2]
    sides = (224, 224 * width // height) if height <= width else (224 * height // width, 224)
    model = onnx.parser.parse_model(
        f"""<ir_version: 8, opset_import: ["" : 18]>
        resize (float[1, 3, h, w] x) => (float[1, 3, H, W] y) <int64[4] sizes = {{1, 3, {sides[0]}, {sides[1]}}}> {{
            y = Resize <mode = "linear", coordinate_transformation_mode = "half_pixel"> (x, , , sizes)
        }}"""
    )
    session = onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    (resized,) = session.run(None, {"x": image.transpose(2, 0, 1)[None].astype(np.float32)})
    return np.rint(resized[0]).astype(np.uint8).transpose(1, 2, 0)


def mistakes(image: Array) -> dict[str, Array]:
    """Return the model's input as several mistakes make it, each by its name."""
    return {
        DRAWN: pixel_values(without_antialiasing(image), do_resize=False),
        "bilinear instead of bicubic": pixel_values(image, resample=2),
        "BGR instead of RGB": pixel_values(np.ascontiguousarray(image[..., ::-1])),
        "the other backend (pil, not torchvision)": pixel_values(image, backend="pil"),
    }


def in_bytes(values: Array) -> Array:
    """Turn differences of normalized values into steps of a byte, float64 [3, height, width]."""
    std = np.array(gp.CLIPImageProcessor().image_std)[:, None, None]
    return values.astype(np.float64) * std * 255


def table(right: Array, wrong: Mapping[str, Array]) -> str:
    """Return a table in Markdown: for each mistake, how many values differ, and by how much."""
    lines = ["| mistake | values that differ | on average | at most |", "|---|---|---|---|"]
    for name, values in wrong.items():
        apart = np.abs(in_bytes(values - right))
        lines.append(f"| {name} | {(values != right).mean():.1%} | {apart.mean():.2f} | {apart.max():.0f} |")
    return "\n".join(lines)


def main() -> None:
    """Write the pictures and print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("-o", "--output", type=Path, metavar="FOLDER", default=FOLDER, help="where the pictures go")
    folder = parser.parse_args().output
    folder.mkdir(parents=True, exist_ok=True)
    photo = photograph()
    right, wrong = pixel_values(photo), mistakes(photo)
    mean = np.array(gp.CLIPImageProcessor().image_mean)[:, None, None]
    seen = np.rint(in_bytes(right) + mean * 255)
    apart = np.abs(in_bytes(wrong[DRAWN] - right)).max(0)  # the channel that differs most counts
    shade = 255 - np.minimum(apart / BLACK, 1) * 255
    for name, pixels in (("model_input", seen.transpose(1, 2, 0)), ("difference", shade)):
        Image.fromarray(pixels.astype(np.uint8)).save(folder / f"{name}.png", optimize=True)
        print(f"wrote {folder / f'{name}.png'}")
    print(f"\nIn steps of a byte, of {right.size:,} values:\n\n{table(right, wrong)}")


if __name__ == "__main__":
    main()
