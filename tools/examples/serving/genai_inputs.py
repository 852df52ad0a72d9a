"""ONNX Runtime GenAI with graphproc's pixels, and its own processor's JSON for the steps that it has.

    pip install onnxruntime-genai graphproc
    python genai_inputs.py MODEL_FOLDER photo.jpg --source Qwen/Qwen2.5-VL-3B-Instruct --prompt "What is this?"
    python genai_inputs.py --json processor_config.json --source Qwen/Qwen2.5-VL-3B-Instruct

The first makes `pixel_values` and `image_grid_thw` here and hands them to `Generator.set_inputs`, under the names that the
model's graphs have. They arrive bit for bit, and any class of graphproc will do, if the model takes its outputs.

The second writes the JSON that a model's folder has for GenAI's own `MultiModalProcessor`, for resizes to one size and
for the Qwen-VL family. Its arithmetic is another. Measured with onnxruntime-genai 0.18.0 and Qwen2-VL's settings, on PNG
files of nine sizes, against `backend="pil"`:

- Grids and numbers of tokens are equal.
- Values differ by up to 5e-7, since a byte becomes a float by a product of float32, where transformers rounds once from
  float64.
- The horizontal axis is always resized first. Where Pillow 13 takes the vertical axis first (640 x 480 pixels, of these
  sizes), a fifth of the pixels differ, by at most 2 steps of a byte.

Against torchvision's backend, the default, bytes differ as Pillow's do. Measured with onnxruntime-extensions 0.15.2, which
has the same transforms without a model: JPEG files are decoded to other bytes than Pillow's; `keep_aspect_ratio` has no
effect, so a resize of the shorter side cannot be written; and `NEAREST` ends the process.
"""

import argparse
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image, ImageOps

import graphproc as gp

FILTERS = {1: "LANCZOS", 2: "LINEAR", 3: "CUBIC"}
"""GenAI's names of resizes, by Pillow's numbers."""
START, PAD, END = "<|vision_start|>", "<|image_pad|>", "<|vision_end|>"


def processor_json(processor: Any) -> dict[str, Any]:
    """Return the content of `processor_config.json` for a processor's steps.

    Raises:
        ConfigError: GenAI does not have a step, or not with these settings.
    """
    settings = processor.to_dict()
    steps = [_step("DecodeImage", color_space="RGB")]
    patches = "temporal_patch_size" in settings and "merge_size" in settings
    if settings["do_resize"]:
        steps.append(_step("Resize", **(_budget(settings) if patches else _one_size(settings))))
    if settings.get("do_center_crop"):
        steps.append(_step("CenterCrop", **_sides("crop_size", settings["crop_size"])))
    if not (settings["do_rescale"] and settings["do_normalize"]):
        raise gp.ConfigError("do_rescale, do_normalize: expected both, which GenAI's models are exported for")
    steps.append(_step("Rescale", rescale_factor=settings["rescale_factor"]))
    spread = {"mean": list(settings["image_mean"]), "std": list(settings["image_std"])}
    if patches:
        steps.insert(1, _step("ConvertRGB"))  # it turns the colours, and Normalize turns them back with this setting
        steps.append(_step("Normalize", **spread, qwen2_5_vl=1))
        sizes = {name: settings[name] for name in ("patch_size", "temporal_patch_size", "merge_size")}
        steps.append(_step("PatchImage", **sizes))
    else:
        steps += [_step("Normalize", **spread), _step("Permute3D", dims=[2, 0, 1])]
    return {"processor": {"name": settings["image_processor_type"], "transforms": steps}}


def _step(kind: str, **attributes: Any) -> dict[str, Any]:
    """Return a transform as the JSON writes it."""
    return {"operation": {"name": kind.lower(), "type": kind, **({"attrs": attributes} if attributes else {})}}


def _sides(name: str, value: Any) -> dict[str, int]:
    if not isinstance(value, Mapping) or set(value) != {"height", "width"}:
        raise gp.ConfigError(f"{name}: expected a height and a width, which is all that GenAI has, got {value}")
    return {"height": value["height"], "width": value["width"]}


def _filter(settings: Mapping[str, Any]) -> str:
    if settings["resample"] not in FILTERS:
        raise gp.ConfigError(f"resample: expected one of {list(FILTERS)}, which GenAI has, got {settings['resample']}")
    return FILTERS[settings["resample"]]


def _one_size(settings: Mapping[str, Any]) -> dict[str, Any]:
    return {**_sides("size", settings["size"]), "interpolation": _filter(settings), "keep_aspect_ratio": 0}


def _budget(settings: Mapping[str, Any]) -> dict[str, Any]:
    """Return the resize of the Qwen-VL family: to multiples of patches, within a number of pixels."""
    size = settings["size"]
    fit = {"min_pixels": size["shortest_edge"], "max_pixels": size["longest_edge"]}
    sizes = {name: settings[name] for name in ("patch_size", "merge_size")}
    return {"smart_resize": 1, "height": 0, "width": 0, "interpolation": _filter(settings), **fit, **sizes}


def named_tensors(features: Mapping[str, np.ndarray], input_ids: Sequence[int], image_tokens: Sequence[int]) -> Any:
    """Return what `Generator.set_inputs` takes: the prompt, the features, and how many tokens stand for each image."""
    import onnxruntime_genai

    tensors = onnxruntime_genai.NamedTensors()
    tensors["input_ids"] = np.array([input_ids], dtype=np.int32)
    tensors["num_image_tokens"] = np.array(image_tokens, dtype=np.int64)
    for name, value in features.items():
        tensors[name] = np.ascontiguousarray(value)
    return tensors


def generator(model: Any, processor: Any, images: Sequence[np.ndarray], prompt: str, new_tokens: int) -> Any:
    """Return a generator that has read a prompt with images in front of it, written as the Qwen-VL family does."""
    import onnxruntime_genai

    features = dict(processor(list(images), return_tensors="np", input_data_format="channels_last"))
    counts = [int(patches) // processor.merge_size**2 for patches in features["image_grid_thw"].prod(axis=1)]
    text = "".join(f"{START}{PAD * count}{END}" for count in counts) + prompt
    ids = onnxruntime_genai.Tokenizer(model).encode(text)
    settings = onnxruntime_genai.GeneratorParams(model)
    settings.set_search_options(max_length=len(ids) + new_tokens)
    made = onnxruntime_genai.Generator(model, settings)
    made.set_inputs(named_tensors(features, ids, counts))
    return made


def main() -> None:
    """Write a JSON file, or print what a model says."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", nargs="?", help="a model's folder for ONNX Runtime GenAI")
    parser.add_argument("images", nargs="*", help="image files")
    parser.add_argument("--source", required=True, help="the processor: a Hub id, a folder or a JSON file")
    parser.add_argument("--prompt", default="")
    parser.add_argument("--new-tokens", type=int, default=100)
    parser.add_argument("--json", type=Path, metavar="FILE", help="write GenAI's processor configuration, and stop")
    options = parser.parse_args()
    processor = gp.AutoImageProcessor.from_pretrained(options.source)
    if options.json is not None:
        options.json.write_text(json.dumps(processor_json(processor), indent=2) + "\n", encoding="utf-8")
        return
    if options.folder is None or not options.images:
        parser.error("expected a model's folder and image files")
    import onnxruntime_genai

    images = []
    for path in options.images:
        with Image.open(path) as opened:
            images.append(np.asarray(ImageOps.exif_transpose(opened).convert("RGB")))
    model = onnxruntime_genai.Model(options.folder)
    made = generator(model, processor, images, options.prompt, options.new_tokens)
    stream = onnxruntime_genai.Tokenizer(model).create_stream()
    while not made.is_done():
        made.generate_next_token()
        print(stream.decode(made.get_next_tokens()[0]), end="", flush=True)
    print()


if __name__ == "__main__":
    main()
