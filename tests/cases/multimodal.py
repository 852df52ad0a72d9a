"""transformers' processors of images and text: with which image processor, settings and texts each is tried."""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import transformers
from support.tokens import tokenizer

PROMPT = "{image} a photo of a cat"


@dataclass(frozen=True)
class Case:
    """One processor class.

    Attributes:
        image: the class of its image processor, without `ImageProcessor`.
        text: the text of one image, `{image}` for the processor's image token; None where there is no text.
        settings: settings of the image processor.
        own: settings of the processor.
        tokens: special tokens of the tokenizer that are others than by default.
        prepended: a word in front of every text.
        call: further keywords of a call, of a list with an entry for each image.
        video: the class of its video processor, without `VideoProcessor`.
        needs: a package that the processor needs.
    """

    image: str
    text: str | None = PROMPT
    settings: Mapping[str, Any] = field(default_factory=dict)
    own: Mapping[str, Any] = field(default_factory=dict)
    tokens: Mapping[str, str] = field(default_factory=dict)
    prepended: str = ""
    call: Mapping[str, list[Any]] = field(default_factory=dict)
    video: str = ""
    needs: str = ""


def _plain(stems: str) -> dict[str, Case]:
    """Return the cases of processors that have an image processor of the same name and need nothing else."""
    return {stem: Case(stem) for stem in stems.split()}


def _videos(stems: str, image: str = "", video: str = "") -> dict[str, Case]:
    """Return the cases of processors that have a video processor as well; both have the processor's name if none is given."""
    return {stem: Case(image or stem, video=video or stem) for stem in stems.split()}


LLAVA = {"patch_size": 14, "vision_feature_select_strategy": "default", "num_additional_image_tokens": 1}
BOXES = {"boxes": [[[1, 2, 3, 4], [5, 6, 7, 8]]]}
"""A box for each word of the text `a photo`."""

CASES: Mapping[str, Case] = {
    **_plain(
        "Aria Blip BridgeTower Chameleon ChineseCLIP CLIP Cohere2Vision DeepseekOcr2 DeepseekVL DeepseekVLHybrid Donut Emu3 "
        "Flava Gemma3 GraniteDocling GroundingDino Idefics Idefics2 Idefics3 Inkling Inkling2 Janus Kosmos2_5 "
        "Lfm2Vl Llama4 Mllama Nougat Ovis2 OwlViT Owlv2 PI0 PPChart2Table PPFormulaNet PaddleOCRVL Pix2Struct Pixtral Sam Sam3 "
        "Siglip Siglip2 Step3p7 Tipsv2 Tvp UnlimitedOcr Vilt"
    ),
    **_videos(
        "Ernie4_5_VLMoe Gemma4 Gemma4Unified Glm46V Glm4v Glm5Next Kimi_K25 MiniCPMV4_6 MuseGlimmer "
        "NemotronH_Omni_Reasoning_V3 Qwen2VL VideoLlama3 VideoLlava"
    ),
    **_videos("Exaone4_5_ HyperCLOVAXVisionV2 Lfm3Vl Qwen2_5Omni Qwen2_5_VL", "Qwen2VL", "Qwen2VL"),
    **_videos("Qwen3OmniMoe Qwen3VL", "Qwen2VL", "Qwen3VL"),
    **{stem: Case("CLIP") for stem in ("AltCLIP", "Git")},
    "Align": Case("EfficientNet"),
    "AyaVision": Case("GotOcr2", own={"image_token": "<image>"}),
    "Blip2": Case("Blip"),
    "CLIPSeg": Case("ViT"),
    "CohereCompass": Case("CohereCompass", tokens={"image_token": "<|IMAGE_PAD|>"}, video="CohereCompass"),
    "ColModernVBert": Case("Idefics3", None),
    "ColPali": Case("Siglip", None, {"image_seq_length": 7}),
    "ColQwen2": Case("Qwen2VL", None, tokens={"image_token": "<|image_pad|>"}),
    "Cosmos3Edge": Case("Cosmos3Edge", video="Qwen3VL"),
    "Dots3Note": Case("Qwen2VL", video="Qwen2VL"),
    "EmbeddingGemma2": Case("Gemma4", video="Gemma4"),
    "Florence2": Case("CLIP", "a photo of", {"image_seq_length": 7}),
    "Fuyu": Case("Fuyu", "a photo of a cat", {"size": {"height": 270, "width": 480}}, prepended="▁"),
    "Gemma3n": Case("Siglip"),
    "GlmImage": Case("GlmImage"),
    "GotOcr2": Case("GotOcr2", "a photo"),
    "Granite4Vision": Case("LlavaNext", own={**LLAVA, "downsample_rate": "1/2"}),
    "HunYuanVL": Case("HunYuanVL", "<image_start><image><image_end> a photo"),
    "InternVL": Case("GotOcr2", video="InternVL"),
    "Kosmos2": Case("CLIP", "a photo"),
    "LayoutLMv2": Case("LayoutLMv2", "a photo", {"apply_ocr": False}, call=BOXES),
    "LayoutLMv3": Case("LayoutLMv3", "a photo", {"apply_ocr": False}, call=BOXES),
    "LayoutXLM": Case("LayoutLMv2", "a photo", {"apply_ocr": False}, call=BOXES),
    "LightOnOcr": Case("Pixtral"),
    "Llava": Case("Llava", own=LLAVA),
    "LlavaNext": Case("LlavaNext", own=LLAVA),
    "LlavaNextVideo": Case("LlavaNext", own=LLAVA, video="LlavaNextVideo"),
    "LlavaOnevision": Case(
        "LlavaOnevision", own={"num_image_tokens": 729, "vision_feature_select_strategy": "full"}, video="LlavaOnevision"
    ),
    "Mgpstr": Case("ViT", needs="sentencepiece"),
    "MiniCPMOcr": Case("MiniCPMOcr", video="MiniCPMOcr"),
    "MiniCPMV4_7": Case("MiniCPMV4_6", video="MiniCPMV4_6"),
    "MiniMaxM3VL": Case("MiniMaxM3VL", video="MiniMaxM3VL"),
    "Molmo2": Case("Molmo2", video="Molmo2"),
    "MuseSpark": Case("MuseGlimmer", video="MuseGlimmer"),
    "OmDetTurbo": Case("Detr"),
    "OneFormer": Case("OneFormer", None, call={"task_inputs": ["semantic"]}),
    "PaliGemma": Case("Siglip", settings={"image_seq_length": 7}),
    "PerceptionLM": Case("PerceptionLM", own={"patch_size": 14, "pooling_ratio": 2}, video="PerceptionLM"),
    "QianfanOCR": Case("GotOcr2", "<image> a photo"),
    "Sam2": Case("Sam2", None),
    "Sam2Video": Case("Sam2", None, video="Sam2Video"),
    "Sam3Tracker": Case("Sam3", None),
    "SamHQ": Case("Sam"),
    "ShieldGemma2": Case("Gemma3"),
    "SmolVLM": Case("SmolVLM", video="SmolVLM", needs="num2words"),
    "TrOCR": Case("ViT"),
    "Udop": Case("LayoutLMv3", "a photo", {"apply_ocr": False}),
    "VisionTextDualEncoder": Case("ViT"),
    "XCLIP": Case("CLIP"),
}
"""By the processor's name without `Processor`."""


def processor(name: str, image_processor: Any) -> Any:
    """Make transformers' processor of a case with an image processor, and a tokenizer of its own."""
    case, kind = CASES[name], getattr(transformers, f"{name}Processor")
    given: dict[str, Any] = dict(case.own)
    for parameter in inspect.signature(kind.__init__).parameters:
        if parameter == "image_processor":
            given[parameter] = image_processor
        elif parameter == "tokenizer":
            given[parameter] = tokenizer(case.tokens, prepended=case.prepended)
        elif parameter == "video_processor":
            given[parameter] = getattr(transformers, f"{case.video}VideoProcessor")()
        elif parameter == "feature_extractor":
            given[parameter] = transformers.WhisperFeatureExtractor()
    return kind(**given)
