"""A vision-language model of three small graphs, in the folder that ONNX Runtime GenAI reads, of the type `qwen2_5_vl`."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime
from onnx import helper
from support.nets import FLOAT, INT64, model, random_values, tensor

Array = np.ndarray[Any, Any]

HIDDEN, HEAD, IMAGE = 8, 4, 5
SPECIAL = ("<pad>", "<s>", "</s>", "<unk>", "<|vision_start|>", "<|image_pad|>", "<|video_pad|>", "<|vision_end|>")
WORDS = [*SPECIAL, *"abcdefghijklmnopqrstuvwx"]


def write(folder: Path) -> None:
    """Write the graphs, the configuration and a tokenizer of single letters."""
    onnx.save(_vision(), folder / "vision.onnx")
    onnx.save(_embedding(), folder / "embedding.onnx")
    onnx.save(_text(), folder / "text.onnx")
    (folder / "genai_config.json").write_text(json.dumps(_config()))
    from tokenizers import AddedToken, Tokenizer, decoders, models, pre_tokenizers

    tokenizer = Tokenizer(models.BPE(vocab={word: number for number, word in enumerate(WORDS)}, merges=[]))
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    tokenizer.add_special_tokens([AddedToken(word, special=True) for word in SPECIAL])
    tokenizer.save(str(folder / "tokenizer.json"))
    names = {"bos_token": "<s>", "eos_token": "</s>", "pad_token": "<pad>", "unk_token": "<unk>"}
    own = {"tokenizer_class": "Qwen2Tokenizer", "add_bos_token": False, "add_prefix_space": False}
    (folder / "tokenizer_config.json").write_text(json.dumps({**own, **names}))


def logits(folder: Path, features: Mapping[str, Array], ids: Sequence[int]) -> Array:
    """Return what the last token of a prompt is followed by, from the three graphs in ONNX Runtime, image by image."""
    rows, start = [], 0
    for grid in features["image_grid_thw"]:
        end = start + int(grid.prod())
        feeds = {"pixel_values": features["pixel_values"][start:end], "image_grid_thw": grid[None]}
        rows.append(_run(folder / "vision.onnx", feeds))
        start = end
    words = np.array([ids], np.int64)
    embedded = _run(folder / "embedding.onnx", {"input_ids": words, "image_features": np.concatenate(rows)})
    none = np.zeros((1, 2, 0, HEAD), np.float32)
    past = {"past_key_values.0.key": none, "past_key_values.0.value": none}
    positions = np.zeros((3, 1, len(ids)), np.int64)
    last: Array = _run(
        folder / "text.onnx",
        {"inputs_embeds": embedded, "attention_mask": np.ones_like(words), "position_ids": positions, **past},
    )[0, -1]
    return last


def _run(path: Path, feeds: Mapping[str, Array]) -> Array:
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    found: Array = onnxruntime.InferenceSession(path, options).run(None, dict(feeds))[0]
    return found


def _vision() -> onnx.ModelProto:
    """Return the mean of four rows of patches, mixed, and a trace of the grid."""
    nodes = [
        helper.make_node("MatMul", ["pixel_values", "w"], ["rows"]),
        helper.make_node("Reshape", ["rows", "four"], ["grouped"]),
        helper.make_node("ReduceMean", ["grouped"], ["merged"], axes=[1], keepdims=0),
        helper.make_node("Cast", ["image_grid_thw"], ["grid"], to=FLOAT),
        helper.make_node("ReduceMean", ["grid"], ["trace"], keepdims=0),
        helper.make_node("Add", ["merged", "trace"], ["image_features"]),
    ]
    weights = [tensor("w", random_values(1176, HIDDEN)), tensor("four", [-1, 4, HIDDEN], INT64)]
    inputs = {"pixel_values": (FLOAT, ["patches", 1176]), "image_grid_thw": (INT64, [1, 3])}
    return model(nodes, inputs, {"image_features": (FLOAT, ["tokens", HIDDEN])}, weights, opset=17)


def _embedding() -> onnx.ModelProto:
    """Return a row of a table for each token, and the images' features in place of their tokens."""
    nodes = [
        helper.make_node("Gather", ["table", "input_ids"], ["words"]),
        helper.make_node("Equal", ["input_ids", "image"], ["is_image"]),
        helper.make_node("NonZero", ["is_image"], ["places"]),
        helper.make_node("Transpose", ["places"], ["rows"], perm=[1, 0]),
        helper.make_node("ScatterND", ["words", "rows", "image_features"], ["inputs_embeds"]),
    ]
    weights = [tensor("table", random_values(len(WORDS), HIDDEN)), tensor("image", [IMAGE], INT64)]
    inputs = {"input_ids": (INT64, ["batch", "length"]), "image_features": (FLOAT, ["tokens", HIDDEN])}
    return model(nodes, inputs, {"inputs_embeds": (FLOAT, ["batch", "length", HIDDEN])}, weights, opset=17)


def _text() -> onnx.ModelProto:
    """Return scores that depend on all tokens, and empty keys and values."""
    nodes = [
        helper.make_node("ReduceSum", ["inputs_embeds", "one"], ["sum"]),
        helper.make_node("Add", ["inputs_embeds", "sum"], ["mixed"]),
        helper.make_node("MatMul", ["mixed", "u"], ["logits"]),
        helper.make_node("Shape", ["attention_mask"], ["sides"]),
        helper.make_node("Gather", ["sides", "one"], ["length"]),
        helper.make_node("Concat", ["one", "two", "length", "head"], ["shape"], axis=0),
        helper.make_node("Expand", ["zero", "shape"], ["present.0.key"]),
        helper.make_node("Expand", ["zero", "shape"], ["present.0.value"]),
    ]
    numbers = {"one": [1], "two": [2], "head": [HEAD]}
    weights = [tensor("u", random_values(HIDDEN, len(WORDS))), tensor("zero", np.float32(0))]
    weights += [tensor(name, value, INT64) for name, value in numbers.items()]
    past = {f"past_key_values.0.{kind}": (FLOAT, ["batch", 2, "past", HEAD]) for kind in ("key", "value")}
    inputs = {
        "inputs_embeds": (FLOAT, ["batch", "length", HIDDEN]),
        "attention_mask": (INT64, ["batch", "all"]),
        "position_ids": (INT64, [3, "batch", "length"]),
        **past,
    }
    outputs: dict[str, Any] = {"logits": (FLOAT, ["batch", "length", len(WORDS)])}
    outputs |= {f"present.0.{kind}": (FLOAT, ["batch", 2, "all", HEAD]) for kind in ("key", "value")}
    return model(nodes, inputs, outputs, weights, opset=17)


def _config() -> dict[str, Any]:
    names = ("inputs_embeds", "attention_mask", "position_ids")
    past = {"past_key_names": "past_key_values.%d.key", "past_value_names": "past_key_values.%d.value"}
    present = {"present_key_names": "present.%d.key", "present_value_names": "present.%d.value"}
    decoder = {
        "filename": "text.onnx",
        "head_size": HEAD,
        "hidden_size": HIDDEN,
        "num_attention_heads": 2,
        "num_key_value_heads": 2,
        "num_hidden_layers": 1,
        "session_options": {"provider_options": []},
        "inputs": {**{name: name for name in names}, **past},
        "outputs": {"logits": "logits", **present},
    }
    numbers = {"bos_token_id": 1, "eos_token_id": 2, "pad_token_id": 0, "vision_start_token_id": 4, "image_token_id": IMAGE}
    vision = {
        "filename": "vision.onnx",
        "spatial_merge_size": 2,
        "patch_size": 14,
        "window_size": 56,
        "tokens_per_second": 2.0,
        "inputs": {"pixel_values": "pixel_values", "image_grid_thw": "image_grid_thw"},
        "outputs": {"image_features": "image_features"},
    }
    embedding = {
        "filename": "embedding.onnx",
        "inputs": {"input_ids": "input_ids", "image_features": "image_features"},
        "outputs": {"inputs_embeds": "inputs_embeds"},
    }
    own = {"type": "qwen2_5_vl", "context_length": 4096, "vocab_size": len(WORDS), "video_token_id": 6, **numbers}
    search = {"max_length": 4096, "do_sample": False, "num_beams": 1, "past_present_share_buffer": False}
    return {"model": {**own, "decoder": decoder, "embedding": embedding, "vision": vision}, "search": search}
