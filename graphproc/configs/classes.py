"""Find the processor class that a configuration is for, in all the ways in which published files say it.

Source of the names: the image processor table of transformers 5.23 (`models/auto/image_processing_auto.py`).
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping
from typing import Any

from graphproc.configs.config import DROPPED_KEYS
from graphproc.configs.files import short
from graphproc.configs.settings import STANDARD_KEYS
from graphproc.errors import ConfigError, UnsupportedProcessorError
from graphproc.ir.backends import PIL, TORCHVISION

SUFFIX = "ImageProcessor"
BACKEND_SUFFIXES: Mapping[str, str] = {"Fast": TORCHVISION, "Pil": PIL}
"""The ends of class names that ask for a backend."""

STEMS: tuple[str, ...] = tuple(
    """
    Aria Beit Bit Blip BridgeTower CHMv2 CLIP Chameleon ChineseCLIP Cohere2Vision CohereCompass ConditionalDetr ConvNext
    Cosmos3Edge DINOv3ViT DPT DeepseekOcr2 DeepseekVL DeepseekVLHybrid DeformableDetr DeiT DepthPro Detr Donut EfficientLoFTR
    EfficientNet Emu3 Eomt Ernie4_5_VLMoe Flava Fuyu GLPN Gemma3 Gemma4 Gemma4Unified Glm46V Glm4v Glm5Next GlmImage Glmga
    GotOcr2 GraniteDocling GroundingDino HunYuanVL Idefics Idefics2 Idefics3 ImageGPT Inkling Inkling2 Janus Kimi_K25
    Kosmos2_5 LayoutLMv2 LayoutLMv3 Levit Lfm2Vl LightGlue Llama4 Llava LlavaNext LlavaOnevision Mask2Former MaskFormer
    MiniCPMOcr MiniCPMV4_6 MiniMaxM3VL Mllama MobileNetV1 MobileNetV2 MobileViT Molmo2 MuseGlimmer
    NemotronH_Omni_Reasoning_V3 NeoMME Nougat OneFormer Ovis2 OwlViT Owlv2 PI0 PPChart2Table PPDocLayoutV2 PPDocLayoutV3
    PPDocLayoutV4 PPFormulaNet PPLCNet PPOCRV5ServerDet PPOCRV5ServerRec PPOCRV6SmallRec PaddleOCRVL Perceiver PerceptionLM
    Phi4Multimodal Pix2Struct Pixtral PoolFormer PromptDepthAnything Pvt Qwen2VL RTDetr RfDetr SLANeXt Sam Sam2 Sam3 Sapiens2
    SegGpt Segformer Siglip Siglip2 SmolVLM Step3p7 SuperGlue SuperPoint Swin2SR TextNet TimmWrapper Tipsv2 Tipsv2Dpt Tvp
    UVDoc UltraVBert UnlimitedOcr ViT VideoLlama3 VideoLlava VideoMAE Vilt VitMatte VitPose Vivit Yolos ZoeDepth
    """.split()
)
"""Every class name of transformers, without the suffix `ImageProcessor`."""

_MODELS: Mapping[str, str] = {
    "Beit": "data2vec-vision",
    "Bit": "dinov2 focalnet hiera pixio",
    "Blip": "blip-2 instructblip",
    "CLIP": "aimv2 aimv2_vision_model altclip florence2 git groupvit kosmos-2 metaclip_2 mlcd vipllava xclip",
    "ConvNext": "convnextv2 cvt regnet resnet",
    "DPT": "depth_anything",
    "DeformableDetr": "lw_detr",
    "Detr": "omdet-turbo table-transformer",
    "Donut": "donut-swin",
    "EfficientNet": "align",
    "Eomt": "eomt_dinov3",
    "Gemma3": "shieldgemma2 t5gemma2 t5gemma2_encoder",
    "Gemma4": "embedding_gemma2",
    "GotOcr2": "aya_vision internvl qianfan_ocr",
    "GroundingDino": "mm-grounding-dino",
    "Inkling": "inkling_mm_model",
    "LayoutLMv2": "layoutxlm",
    "LayoutLMv3": "udop",
    "LlavaNext": "granite4_vision llava_next_video",
    "MiniCPMV4_6": "minicpmv4_7",
    "MobileViT": "mobilevitv2",
    "MuseGlimmer": "muse_spark",
    "NemotronH_Omni_Reasoning_V3": "nemotron_h_omni",
    "PPOCRV5ServerDet": "pp_ocrv5_mobile_det pp_ocrv6_medium_det pp_ocrv6_small_det",
    "PPOCRV5ServerRec": "pp_ocrv5_mobile_rec",
    "PPOCRV6SmallRec": "pp_ocrv6_tiny_rec",
    "Pixtral": "lighton_ocr mistral3 mistral_large4",
    "Pvt": "pvt_v2",
    "Qwen2VL": (
        "colqwen2 cosmos3_omni dots3_note exaone4_5 hyperclovax_vision_v2 lfm3_vl qwen2_5_omni qwen2_5_vl qwen3_5 "
        "qwen3_5_moe qwen3_omni_moe qwen3_vl qwen4_exp"
    ),
    "RTDetr": "deimv2",
    "SLANeXt": "slanet",
    "Sam": "sam_hq",
    "Sam2": "edgetam sam2_video",
    "Sam3": "sam3_lite_text sam3_tracker sam3_tracker_video sam3_video",
    "Segformer": "upernet",
    "Siglip": "colpali gemma3n paligemma",
    "ViT": "clipseg dinat ijepa mgp-str swiftformer swin swinv2 trocr vit_mae vit_msn",
    "VideoMAE": "timesformer",
}
"""For each class, the model types that use it although they have another name."""

GENERIC_TYPES = frozenset({"ImageFeatureExtractor", "ImageProcessor", "FeatureExtractor", "transformers.FeatureExtractor"})
"""Type names in published files that do not name a class; such a file is treated as one without a type."""
_INERT = frozenset({"data_format", "input_data_format", "_processor_class", "_valid_processor_keys", "auto_map", "name_or_path"})
PLAIN_CLASS = "ViTImageProcessor"
"""The class of a file without a type that has only the standard settings."""


def _plain(name: str) -> str:
    return "".join(c for c in name.lower() if c.isalnum())


_BY_MODEL = {_plain(model): stem for stem, models in _MODELS.items() for model in models.split()}
_BY_NAME = {_plain(stem): stem for stem in STEMS}


def class_of_model_type(model_type: str) -> str | None:
    """Return the class that a model type uses, or None for an unknown type."""
    stem = _BY_MODEL.get(_plain(model_type)) or _BY_NAME.get(_plain(model_type))
    return f"{stem}{SUFFIX}" if stem else None


def class_of_name(name: str) -> tuple[str | None, bool]:
    """Return the class that a type name means, and whether it is that class's own name.

    Names that end in `Fast` or `Pil` mean the same class (`backend_of_name` reads the suffix). So
    do a `FeatureExtractor` name, another spelling of a class, and the name of a model that uses a
    class.
    """
    base, _ = backend_of_name(name)
    if base.endswith(SUFFIX) and base.removesuffix(SUFFIX) in STEMS:
        return base, True
    for suffix in (SUFFIX, "FeatureExtractor"):
        if base.endswith(suffix):
            return class_of_model_type(base.removesuffix(suffix)), False
    return None, False


def backend_of_name(name: str) -> tuple[str, str | None]:
    """Split a class name in the name without its suffix (`Fast`, `Pil`) and the suffix's backend.

    The backend is None without a suffix.
    """
    for suffix, backend in BACKEND_SUFFIXES.items():
        if name.endswith(suffix):
            return name.removesuffix(suffix), backend
    return name, None


def resolve_class(
    settings: Mapping[str, Any], source: str, model_type: str | None = None, known: Iterable[str] = ()
) -> tuple[str, list[str]]:
    """Return the class that settings are for, and what had to be assumed to find it.

    Args:
        settings: the settings of a file.
        source: where the settings came from, for messages.
        model_type: the `model_type` of the model configuration beside the file, if there is such a file.
        known: the supported classes, which this layer does not know. Messages name the nearest of them.

    Raises:
        UnsupportedProcessorError: the type is not a class of transformers.
        ConfigError: nothing says which class is meant, or only remote code does.
    """
    remote = _remote_name(settings)
    for key in ("image_processor_type", "feature_extractor_type"):
        name = settings.get(key)
        if name is None:
            continue
        if not isinstance(name, str):
            raise ConfigError(f"{source}: {key}: expected a class name, got {short(repr(name))}")
        if key == "feature_extractor_type" and name in GENERIC_TYPES:
            continue
        found, exact = class_of_name(name)
        if found is not None:
            renamed = key == "feature_extractor_type" and name.endswith("FeatureExtractor")
            return found, [] if exact or renamed else [f"{key} {short(repr(name))} is taken for {found}"]
        if not remote and name not in GENERIC_TYPES:
            raise UnsupportedProcessorError(
                f"{source}: {key}: no image processor is named {short(repr(name))}.{_hint(name, known)}"
            )
    if model_type is not None:
        found = class_of_model_type(model_type)
        if found is None and not remote:
            raise ConfigError(f"{source}: no image processor is known for the model type {short(repr(model_type))}")
    if model_type is not None and found is not None:
        generic = settings.get("image_processor_type") or settings.get("feature_extractor_type")
        return found, [f"{generic!r} names no class: the model type {short(repr(model_type))} uses {found}"] if generic else []
    if remote:
        raise ConfigError(
            f"{source}: auto_map points to code in the repository ({remote}), which graphproc never runs. "
            f"Set image_processor_type to a supported class if one computes the same.{_hint(remote, known)}"
        )
    if is_plain(settings):
        return PLAIN_CLASS, [f"no image_processor_type: the plain settings are read as those of {PLAIN_CLASS}"]
    raise ConfigError(
        f"{source}: expected image_processor_type or feature_extractor_type to name the processor class, found neither. "
        "Add one, or construct the class by name."
    )


def is_plain(settings: Mapping[str, Any]) -> bool:
    """Tell whether settings have a mean and a standard deviation, and only standard settings beside them."""
    allowed = DROPPED_KEYS | _INERT | set(STANDARD_KEYS)
    return set(settings) <= allowed and {"image_mean", "image_std"} <= set(settings)


def nearest(name: str, known: Iterable[str]) -> str:
    """Return the class with the nearest name; suffixes, case and punctuation do not count.

    Args:
        name: a class name, or an entry of `auto_map`: `module.Class`, or `owner/name--module.Class`.
        known: the names to choose from, at least one.
    """
    by_stem = {_stem(known_name): known_name for known_name in known}
    return by_stem[difflib.get_close_matches(_stem(name), by_stem, n=1, cutoff=0)[0]]


def _stem(name: str) -> str:
    whole = _plain(name.rpartition(".")[2][-80:])
    ends = (whole.rfind(word) for word in ("image", "feature", "processor"))  # the suffix may be misspelled
    return whole[: next((end for end in ends if end > 0), None)]


def _hint(name: str, known: Iterable[str]) -> str:
    names = list(known)
    return f" The nearest one is {nearest(name, names)}." if names else ""


def _remote_name(settings: Mapping[str, Any]) -> str:
    """Return the image processor class in the repository's own code that `auto_map` names, or an empty string."""
    auto_map = settings.get("auto_map")
    if isinstance(auto_map, Mapping):
        auto_map = next((auto_map[key] for key in ("AutoImageProcessor", "AutoFeatureExtractor") if key in auto_map), None)
    return short(str(auto_map), 120) if auto_map else ""
