"""Semantic segmentation of models that give masks, and classes for each mask.

Source: transformers 5.23, `post_process_semantic_segmentation` of the classes below, which their Pil forms define alike.
"""

from __future__ import annotations

from graphproc.ir.program import Value
from graphproc.ops.resample import TORCH_UNFUSED, Resample
from graphproc.postprocessing.builder import MethodBuilder
from graphproc.postprocessing.method import LOGITS, MASKS, Method, without_nothing
from graphproc.postprocessing.semantic import OPTIONS, label_map, result

NAME = "post_process_semantic_segmentation"
DETR = {"logits": LOGITS, "pred_masks": MASKS}
QUERIES = {"class_queries_logits": LOGITS, "masks_queries_logits": MASKS}
"""What Detr calls its outputs, and what MaskFormer and its followers do."""
MASK2FORMER_SIDE = 384
"""Mask2Former's masks are resized to this many rows and columns before anything else."""


def shares(logits: Value, null: bool = True) -> Value:
    """Compute the share of each class; with `null`, the last class stands for nothing and is left out."""
    x = logits.softmax()
    return without_nothing(x) if null else x


def class_scores(classes: Value, masks: Value) -> Value:
    """Compute how much of each class there is at each pixel: the sum over queries of the class's share times the mask's chance.

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
    """Find the class of the largest score at each pixel, without the class that stands for nothing."""
    label_map(b, class_scores(shares(b["logits"]), b["pred_masks"]))


def conditional_detr(b: MethodBuilder) -> None:
    """Find the class of the largest score at each pixel, of all classes."""
    label_map(b, class_scores(shares(b["logits"], null=False), b["pred_masks"]))


def maskformer(b: MethodBuilder) -> None:
    """Find the class of the largest score at each pixel, without the class that stands for nothing."""
    label_map(b, class_scores(shares(b["class_queries_logits"]), b["masks_queries_logits"]))


def oneformer(b: MethodBuilder) -> None:
    """Do as for MaskFormer, with scores that torchvision's backend resizes with antialiasing."""
    scores = class_scores(shares(b["class_queries_logits"]), b["masks_queries_logits"])
    label_map(b, scores, antialias=b.backend != "pil")


def mask2former(b: MethodBuilder) -> None:
    """As for MaskFormer, of masks of 384 x 384 pixels."""
    masks = b.add(Resample(MASK2FORMER_SIDE, MASK2FORMER_SIDE, "bilinear", False, TORCH_UNFUSED), b["masks_queries_logits"])
    label_map(b, class_scores(shares(b["class_queries_logits"]), masks))


METHODS = (
    Method(NAME, ("DetrImageProcessor",), DETR, detr, result, OPTIONS),
    Method(NAME, ("ConditionalDetrImageProcessor",), DETR, conditional_detr, result, OPTIONS),
    Method(NAME, ("MaskFormerImageProcessor",), QUERIES, maskformer, result, OPTIONS),
    Method(NAME, ("OneFormerImageProcessor",), QUERIES, oneformer, result, OPTIONS),
    Method(NAME, ("Mask2FormerImageProcessor",), QUERIES, mask2former, result, OPTIONS, resizes_all="always"),
)
