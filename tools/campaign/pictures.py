"""Draw random images in every form that a call takes, as Python expressions."""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

PIL_MODES = ("RGB", "RGBA", "L", "LA", "P", "PA", "1", "CMYK", "YCbCr", "HSV", "LAB", "I", "F", "I;16", "La", "RGBa", "RGBX")
FILES = ("png", "bmp", "jpg", "gif", "webp", "tiff")
DTYPES = ("uint8", "float32", "float64", "float16", "bool", "int8", "int16", "int32", "int64", "uint16", "uint32", ">f4", ">i2")
TENSORS = ("uint8", "float32", "float64", "float16", "bfloat16", "bool", "int8", "int16", "int32", "int64")
RANGES = {"unit": (0, 1), "bytes": (0, 256), "beyond": (-3, 300)}
STRIDES = ("plain", "reversed", "stepped", "fortran", "readonly", "cropped")
BOUNDARY = (1, 2, 3, 4, 7, 13, 14, 15, 16, 17, 27, 28, 29, 31, 32, 33, 61, 64)


@dataclass(frozen=True)
class Picture:
    """One image of a call.

    Attributes:
        height, width: its sides in pixels.
        seed: the seed of its noise.
        kind: `pil`, `path`, `array` or `tensor`.
        mode: the mode of a PIL image, or of the image in a file.
        key: the transparent colour or index in its `info`; empty for none.
        file: the file's format.
        orientation: the orientation in the file's EXIF data.
        dtype: the dtype of an array or a tensor.
        channels: the channels of an array or a tensor; 0 for two dimensions.
        layout: `HWC` or `CHW`.
        span: the range of values of dtypes other than uint8, a key of `RANGES`.
        strides: the strides of an array or a tensor, a key of `STRIDES`.
        flat: whether all pixels are the same.
    """

    height: int
    width: int
    seed: int = 0
    kind: str = "pil"
    mode: str = "RGB"
    key: str = ""
    file: str = "png"
    orientation: int = 1
    dtype: str = "uint8"
    channels: int = 3
    layout: str = "HWC"
    span: str = "bytes"
    strides: str = "plain"
    flat: bool = False

    @property
    def source(self) -> str:
        """Return the image as a Python expression."""
        if self.kind in ("array", "tensor"):
            return self._array()
        image = self._pil()
        if self.kind == "pil":
            return image
        name = f"{self.seed}-{self.height}x{self.width}-{self.mode.replace(';', '')}.{self.file}"
        options = f", orientation={self.orientation}" if self.orientation > 1 else ""
        options += ", lossless=True" if self.file == "webp" else ""
        return f'saved({image}, "{name}"{options})'

    def _noise(self, channels: int, dtype: str = "uint8", span: tuple[float, float] = (0, 256)) -> str:
        shape = f"{self.height}, {self.width}" + (f", {channels}" if channels else "")
        options = "" if span == (0, 256) else f", low={span[0]}, high={span[1]}"
        options += "" if dtype == "uint8" else f', dtype="{dtype}"'
        if self.flat:
            return f'np.full(({shape}{"" if "," in shape else ","}), {1 if dtype != "uint8" else 200}, "{dtype}")'
        return f"noise({self.seed}, {shape}{options})"

    def _pil(self) -> str:
        mode = self.mode
        if mode == "I;16":
            image = f"Image.fromarray({self._noise(0, 'uint16', (0, 65536))})"
        elif mode in ("I", "F"):
            image = f"Image.fromarray({self._noise(0, 'int32' if mode == 'I' else 'float32')})"
        elif mode == "L":
            image = f"Image.fromarray({self._noise(0)})"
        elif mode in ("RGB", "RGBA"):
            image = f"Image.fromarray({self._noise(len(mode))})"
        elif mode in ("LA", "La", "PA"):
            image = f'Image.fromarray({self._noise(2)}, "LA")' + ("" if mode == "LA" else f'.convert("{mode}")')
        elif mode == "RGBa":
            image = f'Image.fromarray({self._noise(4)}).convert("RGBa")'
        elif mode == "LAB":
            image = f'Image.fromarray({self._noise(3)}, "LAB")'
        else:
            image = f'Image.fromarray({self._noise(3)}).convert("{mode}")'
        return f"marked({image}, transparency={self.key})" if self.key else image

    def _array(self) -> str:
        integers = self.dtype not in ("float32", "float64", "float16", "bfloat16", ">f4")
        span = (0, 2) if self.dtype == "bool" else RANGES["bytes" if integers and self.span == "unit" else self.span]
        if self.dtype in ("uint8", "uint16", "uint32"):
            span = (0, 256)
        if self.dtype == "int8":
            span = (-128, 128)
        halved = replace(self, width=2 * self.width) if self.strides == "stepped" else self
        halved = replace(halved, height=self.height + 3, width=self.width + 2) if self.strides == "cropped" else halved
        made = {"bool": "uint8", "bfloat16": "float32"}.get(self.dtype, self.dtype)
        source = halved._noise(self.channels, made, span)
        if self.dtype == "bool":
            source = f"{source}.astype(bool)"
        source += {"reversed": "[::-1]", "stepped": "[:, ::2]", "cropped": "[2:-1, 1:-1]"}.get(self.strides, "")
        if self.layout == "CHW" and self.channels:
            source += ".transpose(2, 0, 1)"
        if self.strides == "fortran":
            source = f"np.asfortranarray({source})"
        if self.strides == "readonly":
            source = f"frozen({source})"
        if self.kind == "tensor":
            source = f"torch.from_numpy({source}{'.copy()' if self.strides in ('reversed', 'readonly') else ''})"
            source += ".bfloat16()" if self.dtype == "bfloat16" else ""
        return source

    def simpler(self) -> Iterator[Picture]:
        """Yield images that are simpler, the greatest steps first."""
        for side in ("height", "width"):
            have: int = getattr(self, side)
            for want in dict.fromkeys((1, 2, 3, 4, 8, 16, have // 2, have * 3 // 4, have - 1)):
                if 0 < want < have:
                    yield replace(self, **{side: want})
        plain = Picture(self.height, self.width, self.seed)
        for name, value in vars(plain).items():
            if getattr(self, name) != value and name not in ("flat", "channels"):
                yield replace(self, **{name: value})
        if self.kind in ("array", "tensor") and self.channels != 3:
            yield replace(self, channels=3)
        if not self.flat and self.kind in ("pil", "array", "tensor"):
            yield replace(self, flat=True)
        if self.seed:
            yield replace(self, seed=0)


def sides(rng: random.Random, largest: int = 64) -> tuple[int, int]:
    """Draw (height, width): mostly small, some of one pixel, some thin, some larger."""
    form = rng.random()
    if form < 0.5:
        return rng.randint(1, largest), rng.randint(1, largest)
    if form < 0.75:
        return rng.choice(BOUNDARY), rng.choice(BOUNDARY)
    if form < 0.83:
        return rng.choice(((1, rng.randint(1, 40)), (rng.randint(1, 40), 1), (1, 1)))
    if form < 0.985:
        return rng.randint(20, 160), rng.randint(20, 160)
    return rng.randint(100, 400), rng.randint(100, 400)


def picture(rng: random.Random, size: tuple[int, int] | None = None, plain: float = 0.4) -> Picture:
    """Draw a random image; a share `plain` of them are PIL images of mode RGB."""
    height, width = size or sides(rng)
    made = Picture(height, width, rng.randrange(100))
    form = rng.random()
    if form < plain:
        return made
    form = rng.random()
    if form < 0.3:
        mode = rng.choice(PIL_MODES)
        return replace(made, mode=mode, key=_key(rng, mode) if rng.random() < 0.3 else "")
    if form < 0.37:
        return _file(rng, made)
    kind = "array" if form < 0.8 else "tensor"
    dtype = "uint8" if rng.random() < 0.45 else rng.choice(DTYPES if kind == "array" else TENSORS)
    return replace(
        made,
        kind=kind,
        dtype=dtype,
        channels=rng.choice((3, 3, 3, 3, 3, 1, 4, 0, 2)),
        layout=rng.choice(("HWC", "CHW")),
        span=rng.choice(("unit", "unit", "bytes", "beyond")),
        strides="plain" if rng.random() < 0.5 else rng.choice(STRIDES),
    )


def _key(rng: random.Random, mode: str) -> str:
    if mode in ("L", "P", "1"):
        return str(rng.randrange(256))
    return "(1, 2, 3)" if mode == "RGB" else ""


def _file(rng: random.Random, made: Picture) -> Picture:
    file = rng.choice(FILES)
    modes = {
        "png": ("RGB", "RGBA", "L", "LA", "P", "1", "I;16"),
        "bmp": ("RGB", "L", "1"),
        "jpg": ("RGB", "L", "CMYK"),
        "gif": ("P", "L"),
        "webp": ("RGB", "RGBA"),
        "tiff": ("RGB", "RGBA", "L", "CMYK", "F"),
    }
    mode = rng.choice(modes[file])
    turned = rng.randint(1, 8) if file in ("jpg", "png", "webp") and rng.random() < 0.3 else 1
    key = _key(rng, mode) if file in ("png", "gif") and rng.random() < 0.3 else ""
    return replace(made, kind="path", file=file, mode=mode, orientation=turned, key="" if mode == "1" else key)


def joined(sources: Sequence[str], nesting: str) -> str:
    """Return the `images` of a call: `one`, `list`, `tuple`, `batch` (one array), or images in each sample (`2+1`)."""
    if nesting == "one":
        return sources[0]
    if nesting == "batch":
        stack = "torch" if sources[0].startswith("torch.") else "np"
        return f"{stack}.stack([{', '.join(sources)}])"
    if nesting == "tuple":
        return f"({', '.join(sources)},)"
    if "+" in nesting or nesting.isdigit():
        rest, samples = list(sources), []
        for count in map(int, nesting.split("+")):
            samples.append(f"[{', '.join(rest[:count])}]")
            rest = rest[count:]
        return f"[{', '.join(samples)}]"
    return f"[{', '.join(sources)}]"
