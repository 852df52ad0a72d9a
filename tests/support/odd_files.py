"""Image files of unusual modes, each small and written by Pillow."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

SIDES = 9, 14


def _pixels(channels: int, dtype: Any = np.uint8, high: int = 256) -> Any:
    shape = SIDES if channels == 1 else (*SIDES, channels)
    return np.random.default_rng(channels).integers(0, high, shape).astype(dtype)


def _keyed(mode: str) -> tuple[Any, Any]:
    """Return an image with a colour in one corner that nothing else has, and that colour, which is to be transparent."""
    image = Image.fromarray(np.clip(_pixels(len(mode) if mode == "RGB" else 1), 9, 240)).convert(mode)
    key = {"RGB": (255, 3, 0), "L": 250, "P": 7}[mode]
    image.paste(key, (0, 0, 4, 4))
    return image, key


def write_odd_files(folder: Path) -> dict[str, Path]:
    """Write one file of each kind; return them by what is odd about them."""
    files: dict[str, Path] = {}

    def save(name: str, image: Any, **options: Any) -> None:
        files[name] = folder / name.replace(" ", "_")
        image.save(files[name], **options)

    rgb, rgba = Image.fromarray(_pixels(3)), Image.fromarray(_pixels(4))
    for mode in ("RGB", "L", "P"):
        image, key = _keyed(mode)
        save(f"key of {mode}.png", image, transparency=key)
    palette, index = _keyed("P")
    save("key of P.gif", palette, transparency=index)
    save("opaque.gif", palette)
    save("alphas of P.png", palette, transparency=bytes(range(0, 256, 2)))
    save("key of 1.png", Image.fromarray(_pixels(1) > 90), transparency=0)
    save("1.png", Image.fromarray(_pixels(1) > 90))
    save("LA.png", Image.fromarray(_pixels(2)[..., :2].copy(), "LA"))
    save("RGBA.png", rgba)
    save("RGBA.webp", rgba, lossless=True)
    save("RGBA.tif", rgba)
    save("16 bits.png", Image.fromarray(_pixels(1, np.uint16, 65536)))
    save("16 bits.tif", Image.fromarray(_pixels(1, np.uint16, 65536)))
    save("key of 16 bits.png", Image.fromarray(_pixels(1, np.uint16, 300)), transparency=200)
    save("F.tif", Image.fromarray(_pixels(1, np.float32)))
    save("I.tif", Image.fromarray(_pixels(1, np.int32, 400)))
    save("CMYK.jpg", rgba.convert("RGB").convert("CMYK"))
    save("CMYK.tif", rgb.convert("CMYK"))
    save("LAB.tif", Image.fromarray(_pixels(3), "LAB"))
    save("L.jpg", rgb.convert("L"))
    save("animated.gif", rgb, save_all=True, append_images=[rgb.rotate(180)])
    save("animated.webp", rgba, save_all=True, append_images=[rgba.rotate(180)], lossless=True)
    save("animated.png", rgba, save_all=True, append_images=[rgba.rotate(180)])
    for orientation in range(1, 9):
        exif = Image.Exif()
        exif[0x0112] = orientation
        save(f"turned {orientation}.jpg", rgb, exif=exif)
        save(f"turned {orientation}.png", _keyed("RGB")[0], exif=exif, transparency=_keyed("RGB")[1])
    save("turned.webp", rgb, exif=exif, lossless=True)
    return files
