"""A tokenizer of a few words that has every special token that transformers' processors of images and text ask for."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import transformers
from tokenizers import Regex, Tokenizer, models, normalizers, pre_tokenizers

BASIC: Mapping[str, str] = {
    "unk_token": "<unk>",
    "pad_token": "<pad>",
    "bos_token": "<s>",
    "eos_token": "</s>",
    "sep_token": "<sep>",
    "cls_token": "<cls>",
    "mask_token": "<mask>",
}
ATTRIBUTES = """
    image video audio boi eoi image_start image_end start_image end_image context_image video_start video_end vision_start
    vision_end vision_bos vision_eos audio_bos audio_eos audio_start audio_end boa eoa image_break img_line_break image_wrapper
    eof slice_start slice_end image_id_start image_id_end grid_bos grid_eos image_boundary
""".split()  # noqa: SIM905
"""Tokens that processors find as an attribute of the tokenizer, `image_token` and so on; each is `<image>` and so on here."""
WRITTEN = """
    [IMG] [IMG_BREAK] [IMG_END] |SPEAKER| |NEWLINE| <0x04> <|image_pad|> <|video_pad|> <|image|> <|python_tag|> <|START_OF_IMG|>
    <|END_OF_IMG|> <|IMG_PATCH|> <|IMG_LINE_BREAK|> <|IMAGE_PAD|> <|VIDEO_PAD|> <|VISION_START|> <|VISION_END|> <|imgpad|>
    <|audio_comp_pad|> <|image_start|> <|image_end|> <|patch|> <|tile_x_separator|> <|tile_y_separator|> <|video|>
    <|vid_frame_separator|> <|vid_start|> <|vid_end|> <im_patch> <patch_start> <patch_end> <patch_newline> <im_start> <im_end>
    <|im_start|> <|im_end|> <imgpad> <|vision_start|> <|vision_end|> <|endoftext|> ]<]image[>[ ]<]video[>[
    <fake_token_around_image>
""".split()  # noqa: SIM905
"""Tokens that processors know by their text."""
WORDS = "a photo of cat the task is semantic 1 2 3 4 5 ▁".split()  # noqa: SIM905


def tokenizer(tokens: Mapping[str, str] | None = None, *, prepended: str = "") -> Any:
    """Make a tokenizer.

    Args:
        tokens: attributes that are other tokens than by default.
        prepended: a word in front of every text, as SentencePiece writes `▁`. Special tokens are then
            ordinary words, because nothing is put in front of special ones.
    """
    named = {**{f"{name}_token": f"<{name}>" for name in ATTRIBUTES}, **(tokens or {})}
    words = [*BASIC.values(), *named.values(), *WRITTEN, *WORDS]
    vocabulary = {word: index for index, word in enumerate(dict.fromkeys(words))}
    made = Tokenizer(models.WordLevel(vocabulary, unk_token=BASIC["unk_token"]))
    made.pre_tokenizer = pre_tokenizers.Whitespace()
    if prepended:
        made.normalizer = normalizers.Prepend(prepended)
        made.pre_tokenizer = pre_tokenizers.Split(Regex(r"\|[A-Z]+\||<[^>]*>|\w+|▁"), "removed", invert=True)
        return transformers.PreTrainedTokenizerFast(tokenizer_object=made, **BASIC)
    special = {**named, **{f"written_{index}_token": token for index, token in enumerate(WRITTEN)}}
    return transformers.PreTrainedTokenizerFast(
        tokenizer_object=made, model_max_length=10000, **BASIC, extra_special_tokens=special
    )
