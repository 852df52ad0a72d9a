"""The folder and the configuration of OpenVINO Model Server for a preprocessing graph.

    pip install openvino graphproc
    python openvino_model_server.py CLIP_FOLDER --image-size 480x640 -o models
    ovms --config_path models/config.json --port 9000

The server decodes JPEG and PNG files with OpenCV, in the order blue, green, red, and gives [batch, height, width, channels].
So the graph is exported for `bgr`, and reads that layout. OpenVINO runs portable graphs, which have one size.

The server itself resizes files of other sizes to the graph's, with another arithmetic, before the graph sees them: results
are then not the model's own. Send images of the graph's size, or write a model for each size that comes.
"""

import argparse
import json
from pathlib import Path
from typing import Any

import numpy as np

import graphproc as gp


def write(processor: Any, name: str, image_size: tuple[int, int], models: Path) -> Path:
    """Write a processor's graph as version 1 of a model, and add it to the configuration; return the graph's path."""
    folder = models / name / "1"
    folder.mkdir(parents=True, exist_ok=True)
    path = processor.export(folder / "model.onnx", target="portable", image_size=image_size, color="bgr")
    config = models / "config.json"
    known = json.loads(config.read_text(encoding="utf-8"))["model_config_list"] if config.exists() else []
    entry = {
        "name": name,
        "base_path": str((models / name).resolve()),
        "layout": {"images": "NHWC"},
        "plugin_config": {"INFERENCE_PRECISION_HINT": "f32"},  # else some processors compute in bfloat16
    }
    kept = [one for one in known if one["config"]["name"] != name]
    text = json.dumps({"model_config_list": [*kept, {"config": entry}]}, indent=2)
    config.write_text(text + "\n", encoding="utf-8")
    return Path(path)


def run(models: Path, name: str, images: np.ndarray) -> dict[str, np.ndarray]:
    """Run a model of the configuration as the server does: the newest version, on images with blue first."""
    import openvino

    entries = [one["config"] for one in json.loads((models / "config.json").read_text(encoding="utf-8"))["model_config_list"]]
    (entry,) = (entry for entry in entries if entry["name"] == name)
    base = Path(entry["base_path"])
    newest = max((path for path in base.iterdir() if path.name.isdecimal()), key=lambda path: int(path.name))
    (file,) = newest.glob("*.onnx")
    compiled = openvino.compile_model(file, "CPU", entry["plugin_config"])
    results = compiled({"images": images})
    return {output.any_name: results[output] for output in compiled.outputs}


def main() -> None:
    """Write the files, run the graph on noise, and print its outputs."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("source", help="the processor: a Hub id, a folder or a JSON file")
    parser.add_argument("--image-size", required=True, metavar="HxW")
    parser.add_argument("--name", default="preprocessing")
    parser.add_argument("-o", "--output", type=Path, default=Path("models"))
    options = parser.parse_args()
    height, width = map(int, options.image_size.split("x"))
    write(gp.AutoImageProcessor.from_pretrained(options.source), options.name, (height, width), options.output)
    noise = np.random.default_rng(0).integers(0, 256, (1, height, width, 3), dtype=np.uint8)
    for name, value in run(options.output, options.name, noise).items():
        print(f"{name}: {value.dtype}{list(value.shape)}")


if __name__ == "__main__":
    main()
