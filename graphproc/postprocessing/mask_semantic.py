"""Semantic segmentation for models that give masks and classes for each mask.

Source: transformers 5.23, `post_process_semantic_segmentation` of the classes below; their Pil classes define the same.
"""

from __future__ import annotations

from graphproc.ir.backends import PIL
from graphproc.ir.program import Value
from graphproc.ops.resample import TORCH_UNFUSED, Resample
from graphproc.postprocessing.builder import MethodBuilder
from graphproc.postprocessing.method import LOGITS, MASKS, Method, without_nothing
from graphproc.postprocessing.semantic import OPTIONS, label_map, result

NAME = "post_process_semantic_segmentation"
DETR = {"logits": LOGITS, "pred_masks": MASKS}
QUERIES = {"class_queries_logits": LOGITS, "masks_queries_logits": MASKS}
"""DETR's names for its outputs (above), and those of MaskFormer and its successors."""
MASK2FORMER_SIDE = 384
"""Mask2Former's masks are resized to this height and width, in pixels, before anything else."""


def shares(logits: Value, null: bool = True) -> Value:
    """Compute the share of each class; with `null`, the last class stands for "nothing" and is left out."""
    x = logits.softmax()
    return without_nothing(x) if null else x


def class_scores(classes: Value, masks: Value) -> Value:
    """Compute each class's score at each pixel: the sum over queries of the class's share times the mask's probability.

    Args:
        classes: shares [queries, classes].
        masks: logits [queries, height, width].

    Returns:
        f32 [classes, height, width].
    """
    _, height, width = masks.shape
    flat = masks.sigmoid().rearrange("q h w -> q (h w)")
    product = classes.rearrange("q c -> c q") @ flat
    return product.rearrange("c (h w) -> c h w", "CHW", h=height, w=width)


def detr(b: MethodBuilder) -> None:
    """Find the class with the largest score at each pixel, except the class that stands for "nothing"."""
    label_map(b, class_scores(shares(b["logits"]), b["pred_masks"]))


def conditional_detr(b: MethodBuilder) -> None:
    """Find the class with the largest score at each pixel, among all classes."""
    label_map(b, class_scores(shares(b["logits"], null=False), b["pred_masks"]))


def maskformer(b: MethodBuilder) -> None:
    """Find the class with the largest score at each pixel, except the class that stands for "nothing"."""
    label_map(b, class_scores(shares(b["class_queries_logits"]), b["masks_queries_logits"]))


def oneformer(b: MethodBuilder) -> None:
    """Find the class with the largest score at each pixel; torchvision's backend resizes scores with antialiasing."""
    scores = class_scores(shares(b["class_queries_logits"]), b["masks_queries_logits"])
    label_map(b, scores, antialias=b.backend != PIL)


def mask2former(b: MethodBuilder) -> None:
    """Find the class with the largest score at each pixel, from masks of 384 x 384 pixels."""
    masks = b.add(Resample(MASK2FORMER_SIDE, MASK2FORMER_SIDE, "bilinear", False, TORCH_UNFUSED), b["masks_queries_logits"])
    label_map(b, class_scores(shares(b["class_queries_logits"]), masks))


METHODS = (
    Method(NAME, ("DetrImageProcessor",), DETR, detr, result, OPTIONS),
    Method(NAME, ("ConditionalDetrImageProcessor",), DETR, conditional_detr, result, OPTIONS),
    Method(NAME, ("MaskFormerImageProcessor",), QUERIES, maskformer, result, OPTIONS),
    Method(NAME, ("OneFormerImageProcessor",), QUERIES, oneformer, result, OPTIONS),
    Method(NAME, ("Mask2FormerImageProcessor",), QUERIES, mask2former, result, OPTIONS, resizes_all="always"),
)
