"""Compare fused graphs, from raw pixels to answers, with transformers' own processor, model and post-processing.

python tools/end_to_end.py [NAME...] [--sizes 300x451 480x640 200x120] [--seed 0]

For each kind of post-processing, a small model of transformers with random weights is fused with its
processor's preprocessing and post-processing to one graph. The same images go through that graph and through
transformers' three parts. Label maps, indices and counts have to be equal. Scores, boxes and depths are compared
relative to the largest of their kind: end to end, and for the post-processing alone, on the outputs of the model
inside the graph. The rest is the model's own difference: ONNX Runtime and torch do not add in one order. Where
two of a random model's masks, or two of its scores, are closer than that, a pixel of a map differs, or two rows
change places.

Exits with 1 if anything differs by more than the bound of 1e-5.
"""

from __future__ import annotations

import argparse
import inspect
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any

import numpy as np
from PIL import Image
from random_models import (
    beit,
    conditional_detr,
    detr,
    detr_panoptic,
    dpt,
    glpn,
    mask2former,
    maskformer,
    owlvit,
    owlvit_texts,
    rt_detr,
    sam,
    sam_points,
    segformer,
    superpoint,
    vit,
    yolos,
)

import graphproc as gp
from graphproc.postprocessing.registry import lookup
from graphproc.runtime.session import Session
from graphproc.wrappers.examples import photograph

Array = np.ndarray[Any, Any]

SIZES = ((300, 451), (480, 640), (200, 120))
BOUND = 1e-5


@dataclass(frozen=True)
class Kind:
    """One kind of model and answer.

    Attributes:
        name: its name in the table.
        processor: its processor's class.
        model: makes the model, with random weights.
        method: the post-processing method, without `post_process_`; empty for classification.
        settings: the processor's settings.
        options: the method's options; a function chooses a threshold from the scores that the model gives.
        outputs: the model's outputs that the graph needs; None for all.
        example_inputs: tensors for the model's extra inputs.
        one: whether the model is exported for batches of one image, because its code makes the batch's size
            a constant.
    """

    name: str
    processor: str
    model: Callable[[], Any]
    method: str
    settings: Mapping[str, Any] = field(default_factory=dict)
    options: Mapping[str, Any] = field(default_factory=dict)
    outputs: tuple[str, ...] | None = None
    example_inputs: Callable[[], dict[str, Any]] | None = None
    one: bool = False


def square(side: int) -> dict[str, Any]:
    """Return the settings of a resize to a square."""
    return {"size": {"height": side, "width": side}}


QUERIES = ("class_queries_logits", "masks_queries_logits")
SEGMENTS = ("logits", "pred_masks")

KINDS = (
    Kind("ViT, classes", "ViTImageProcessor", vit, "image_classification", outputs=("logits",)),
    Kind("SegFormer, label map", "SegformerImageProcessor", segformer, "semantic_segmentation", square(128)),
    Kind("BEiT, label map", "BeitImageProcessor", beit, "semantic_segmentation", {**square(64), "do_center_crop": False}),
    Kind("DETR, boxes", "DetrImageProcessor", detr, "object_detection", {**square(160), "do_pad": False}, {"threshold": 0.4}),
    Kind(
        "Conditional DETR, boxes",
        "ConditionalDetrImageProcessor",
        conditional_detr,
        "object_detection",
        {**square(160), "do_pad": False},
        {"threshold": 0.9, "top_k": 50},
    ),
    Kind(
        "YOLOS, boxes", "YolosImageProcessor", yolos, "object_detection", {"size": {"height": 64, "width": 96}, "do_pad": False}
    ),
    Kind(
        "RT-DETR, boxes",
        "RTDetrImageProcessor",
        rt_detr,
        "object_detection",
        square(160),
        {"threshold": 0.95},
        ("logits", "pred_boxes"),
        one=True,
    ),
    Kind(
        "OWL-ViT, boxes of texts",
        "OwlViTImageProcessor",
        owlvit,
        "object_detection",
        {**square(96)},
        {"threshold": 0.3},
        ("logits", "pred_boxes"),
        owlvit_texts,
    ),
    Kind("DPT, depth", "DPTImageProcessor", dpt, "depth_estimation", square(96), outputs=("predicted_depth",)),
    Kind("GLPN, depth", "GLPNImageProcessor", glpn, "depth_estimation", outputs=("predicted_depth",)),
    Kind(
        "SAM, masks of points",
        "SamImageProcessor",
        sam,
        "masks",
        {"size": {"longest_edge": 64}, "pad_size": {"height": 64, "width": 64}},
        outputs=("pred_masks",),
        example_inputs=sam_points,
    ),
    Kind(
        "SuperPoint, keypoints",
        "SuperPointImageProcessor",
        superpoint,
        "keypoint_detection",
        square(96),
        outputs=("keypoints", "scores", "descriptors", "mask"),
        one=True,
    ),
    *(
        Kind(f"{name}, {what}", f"{name.replace(' ', '')}ImageProcessor", model, method, settings, options, QUERIES)
        for name, model, settings in (
            ("Mask2Former", mask2former, {**square(64), "size_divisor": 32}),
            ("MaskFormer", maskformer, {**square(64), "size_divisor": 32}),
        )
        for what, method, options in (
            ("label map", "semantic_segmentation", {}),
            ("segments", "panoptic_segmentation", {"threshold": 0.5, "overlap_mask_area_threshold": 0.1}),
            ("instances", "instance_segmentation", {"threshold": 0.1}),
        )
    ),
    *(
        Kind(f"DETR, {what}", "DetrImageProcessor", detr_panoptic, method, {**square(96), "do_pad": False}, options, SEGMENTS)
        for what, method, options in (
            ("label map", "semantic_segmentation", {}),
            ("segments", "panoptic_segmentation", {"threshold": 0.5, "overlap_mask_area_threshold": 0.1}),
            ("instances", "instance_segmentation", {"threshold": 0.5, "overlap_mask_area_threshold": 0.1}),
        )
    ),
)


def pictures(sizes: list[tuple[int, int]]) -> Iterator[Array]:
    """Yield the photograph that ships with the package, at each size."""
    photo = Image.fromarray(photograph())
    for height, width in sizes:
        yield np.asarray(photo.resize((width, height), Image.Resampling.BICUBIC))


@dataclass
class Difference:
    """The difference of two answers: how many numbers, the largest relative difference, and how many whole numbers differ."""

    count: int = 0
    relative: float = 0.0
    wrong: int = 0


def compare(found: Any, wanted: Any, difference: Difference) -> None:
    """Add the difference of two answers with equal structure to `difference`."""
    if isinstance(wanted, Mapping):
        for key in wanted:
            compare(found[key], wanted[key], difference)
    elif isinstance(wanted, (list, tuple)):
        if len(found) != len(wanted):
            difference.wrong += 1
            return
        for one, other in zip(found, wanted, strict=True):
            compare(one, other, difference)
    elif wanted is not None:
        one, other = np.asarray(found), np.asarray(wanted)
        if one.shape != other.shape:
            difference.wrong += 1
        elif other.dtype.kind == "f":
            difference.count += other.size
            largest = float(np.abs(other).max(initial=0))
            if largest:
                difference.relative = max(difference.relative, float(np.abs(one - other).max(initial=0)) / largest)
        else:
            difference.count += other.size
            difference.wrong += int((one != other).sum())


@dataclass
class Differences:
    """The differences found for one kind.

    Attributes:
        whole: between the graph and transformers' three parts.
        answers: between the graph's answers and transformers' post-processing of the graph's own model outputs.
        model: between the model inside the graph, on ONNX Runtime, and the model in torch.
        rows: how many rows of answers counted.
    """

    whole: Difference = field(default_factory=Difference)
    answers: Difference = field(default_factory=Difference)
    model: Difference = field(default_factory=Difference)
    rows: int = 0


def answers(kind: Kind, sizes: list[tuple[int, int]], seed: int) -> Differences:
    """Compare one kind's fused graph with transformers, image by image."""
    import torch
    import transformers

    torch.manual_seed(seed)
    model = kind.model().eval()
    theirs = getattr(transformers, f"{kind.processor}Pil")(**kind.settings)
    ours = getattr(gp, kind.processor)(**kind.settings)
    examples = kind.example_inputs() if kind.example_inputs else None
    method = lookup(kind.processor, kind.method)
    torch_only: dict[str, Any] = {} if kind.one else {"outputs": kind.outputs, "example_inputs": examples}
    graph = gp.fuse(
        ours,
        exported(kind, model, ours) if kind.one else model,
        **torch_only,
        keep=list(method.inputs),
        post=ours,
        post_method=kind.method,
        post_options=dict(kind.options),
    )
    session = Session(graph, specialise_after=None)
    result = Differences()
    for image in pictures(sizes):
        half = {name: value[: len(value) // 2] for name, value in (examples or {}).items()}
        run = session.run({session.inputs[0]: image[None], **{name: value.numpy() for name, value in half.items()}})
        kept = {name: run.pop(f"model_{name}") if f"model_{name}" in run else run.pop(name) for name in method.inputs}
        found = {name: value[0] for name, value in run.items()}
        if "count" in found:
            count = int(found["count"])
            result.rows += count
            found = {name: value[:count] if name in method.rows else value for name, value in found.items()}
        answer = method.result(found, {**method.options, **kind.options})
        features = theirs(image, return_tensors="pt", input_data_format="channels_last")
        names = set(inspect.signature(model.forward).parameters)
        with torch.no_grad():
            outputs = model(**{k: v for k, v in features.items() if k in names}, **half)
        compare(answer, reference(kind, theirs, outputs, features, image.shape[:2]), result.whole)
        same = {name: torch.from_numpy(value) for name, value in kept.items()}
        compare(answer, reference(kind, theirs, SimpleNamespace(**same), features, image.shape[:2]), result.answers)
        compare(kept, {name: as_mapping(outputs)[name].numpy() for name in kept}, result.model)
    return result


def as_mapping(outputs: Any) -> Mapping[str, Any]:
    """Return a model's outputs by name."""
    return outputs if isinstance(outputs, Mapping) else vars(outputs)


def exported(kind: Kind, model: Any, processor: Any) -> Any:
    """Export the model as a graph for one image."""
    import torch

    names = kind.outputs or ()

    class Named(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.model = model

        def forward(self, pixel_values: Any) -> Any:
            outputs = self.model(pixel_values)
            return tuple(outputs[name] for name in names)

    pixels = processor(next(pictures([SIZES[0]])), return_tensors="pt")["pixel_values"]
    with torch.no_grad():
        program = torch.onnx.export(
            Named().eval(), (pixels,), dynamo=True, verbose=False, input_names=["pixel_values"], output_names=list(names)
        )
    return program.model_proto


def reference(kind: Kind, processor: Any, outputs: Any, features: Any, size: tuple[int, int]) -> Any:
    """Return what transformers makes of a model's outputs for one image."""
    import torch

    if kind.method == "image_classification":
        scores, labels = torch.softmax(outputs.logits, dim=-1)[0].topk(5)
        return {"scores": scores.numpy(), "labels": labels.numpy()}
    method = getattr(processor, f"post_process_{kind.method}")
    if kind.method == "masks":
        (result,) = method(outputs.pred_masks, [size], features["reshaped_input_sizes"])
        return result.numpy()
    if isinstance(outputs, dict) and not hasattr(outputs, "to_tuple"):
        outputs = SimpleNamespace(**outputs)
    with best_first() if kind.method == "instance_segmentation" else nullcontext():
        (result,) = method(outputs, target_sizes=[size], **kind.options)
    if isinstance(result, Mapping):
        return {name: value.numpy() if hasattr(value, "numpy") else value for name, value in result.items()}
    return result.numpy()


@contextmanager
def best_first() -> Iterator[None]:
    """Let `torch.topk` put the best element first: transformers leaves its order open, and paints instances in it."""
    import torch

    topk = torch.Tensor.topk
    torch.Tensor.topk = lambda self, k, sorted=False: topk(self, k, sorted=True)  # type: ignore[method-assign]
    try:
        yield
    finally:
        torch.Tensor.topk = topk  # type: ignore[method-assign]


def main() -> int:
    """Print a line for each kind."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("names", nargs="*", metavar="NAME", help="kinds with one of these in the name; all if none is given")
    parser.add_argument("--sizes", nargs="+", default=[f"{h}x{w}" for h, w in SIZES], metavar="HxW")
    parser.add_argument("--seed", type=int, default=0, metavar="N", help="of the random weights")
    options = parser.parse_args()
    sizes = [(int(h), int(w)) for h, w in (size.split("x") for size in options.sizes)]
    chosen = [k for k in KINDS if not options.names or any(name.lower() in k.name.lower() for name in options.names)]
    print(
        "| model, answer | numbers | rows | whole numbers that differ: end to end, post-processing alone "
        "| floats: end to end | post-processing alone | the model |"
    )
    print("|---|---|---|---|---|---|---|")
    failed = False
    for kind in chosen:
        start = time.perf_counter()
        found = answers(kind, sizes, options.seed)
        failed |= bool(found.whole.wrong or found.answers.wrong or max(found.whole.relative, found.answers.relative) > BOUND)
        floats = " | ".join(f"{d.relative:.1e}" for d in (found.whole, found.answers, found.model))
        wrong = f"{found.whole.wrong}, {found.answers.wrong}"
        print(f"| {kind.name} | {found.whole.count:,} | {found.rows or ''} | {wrong} | {floats} |", flush=True)
        print(f"{kind.name}: {time.perf_counter() - start:.0f} s", file=sys.stderr)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
