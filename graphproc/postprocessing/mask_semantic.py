"""Semantic segmentation of models that give masks, and classes for each mask.

Source: transformers 5.23, `post_process_semantic_segmentation` of the classes below, which their Pil forms define alike.
"""

from __future__ import annotations

from graphproc.ir.program import Value
from graphproc.ops import Function, MatMul, Rearrange, Softmax
from graphproc.ops.resample import TORCH_UNFUSED, Resample
from graphproc.postprocessing.method import LOGITS, MASKS, Method, Steps, without_nothing
from graphproc.postprocessing.semantic import OPTIONS, label_map, result

NAME = "post_process_semantic_segmentation"
DETR = {"logits": LOGITS, "pred_masks": MASKS}
QUERIES = {"class_queries_logits": LOGITS, "masks_queries_logits": MASKS}
"""What Detr calls its outputs, and what MaskFormer and its followers do."""
MASK2FORMER_SIDE = 384
"""Mask2Former's masks are resized to this many rows and columns before anything else."""


def shares(logits: Value, steps: Steps, null: bool = True) -> Value:
    """The share of each class, without that of the last, `null`, which stands for nothing."""
    x = steps.add(Softmax(-1), logits)
    return without_nothing(steps, x) if null else x


def class_scores(steps: Steps, classes: Value, masks: Value) -> Value:
    """How much of each class there is at each pixel: over all queries, the class's share times the mask's chance.

    Args:
        steps: the program.
        classes: shares [queries, classes].
        masks: logits [queries, height, width].

    Returns:
        f32 [classes, height, width].
    """
    _, height, width = masks.type.shape
    chances = steps.add(Function("sigmoid"), masks)
    flat = steps.add(Rearrange("q h w -> q (h w)"), chances)
    product = steps.add(MatMul(), steps.add(Rearrange("q c -> c q"), classes), flat)
    return steps.add(Rearrange("c (h w) -> c h w", (("h", height), ("w", width)), "CHW"), product)


def detr(steps: Steps) -> None:
    """The class of the largest score at each pixel, without the class that stands for nothing."""
    label_map(steps, class_scores(steps, shares(steps["logits"], steps), steps["pred_masks"]))


def conditional_detr(steps: Steps) -> None:
    """The class of the largest score at each pixel, of all classes."""
    label_map(steps, class_scores(steps, shares(steps["logits"], steps, null=False), steps["pred_masks"]))


def maskformer(steps: Steps) -> None:
    """The class of the largest score at each pixel, without the class that stands for nothing."""
    label_map(steps, class_scores(steps, shares(steps["class_queries_logits"], steps), steps["masks_queries_logits"]))


def oneformer(steps: Steps) -> None:
    """As for MaskFormer, of scores that torchvision's backend resizes with antialiasing."""
    scores = class_scores(steps, shares(steps["class_queries_logits"], steps), steps["masks_queries_logits"])
    label_map(steps, scores, antialias=steps.b.backend != "pil")


def mask2former(steps: Steps) -> None:
    """As for MaskFormer, of masks of 384 x 384 pixels."""
    masks = steps.add(
        Resample(MASK2FORMER_SIDE, MASK2FORMER_SIDE, "bilinear", False, TORCH_UNFUSED), steps["masks_queries_logits"]
    )
    label_map(steps, class_scores(steps, shares(steps["class_queries_logits"], steps), masks))


METHODS = (
    Method(NAME, ("DetrImageProcessor",), DETR, detr, result, OPTIONS),
    Method(NAME, ("ConditionalDetrImageProcessor",), DETR, conditional_detr, result, OPTIONS),
    Method(NAME, ("MaskFormerImageProcessor",), QUERIES, maskformer, result, OPTIONS),
    Method(NAME, ("OneFormerImageProcessor",), QUERIES, oneformer, result, OPTIONS),
    Method(NAME, ("Mask2FormerImageProcessor",), QUERIES, mask2former, result, OPTIONS, resizes_all="always"),
)
