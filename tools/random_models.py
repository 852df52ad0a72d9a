"""Make small models of transformers with random weights, one for each kind of answer."""

from __future__ import annotations

from typing import Any


def vit() -> Any:
    """Make a ViT model."""
    from transformers import ViTConfig, ViTForImageClassification

    config = ViTConfig(hidden_size=32, num_hidden_layers=2, num_attention_heads=4, intermediate_size=64, num_labels=40)
    return ViTForImageClassification(config)


def segformer() -> Any:
    """Make a SegFormer model."""
    from transformers import SegformerConfig, SegformerForSemanticSegmentation

    config = SegformerConfig(
        num_encoder_blocks=2,
        depths=[1, 1],
        sr_ratios=[4, 2],
        hidden_sizes=[16, 32],
        patch_sizes=[7, 3],
        strides=[4, 2],
        num_attention_heads=[1, 2],
        mlp_ratios=[2, 2],
        decoder_hidden_size=16,
        num_labels=9,
    )
    return SegformerForSemanticSegmentation(config)


def beit() -> Any:
    """Make a BEiT model."""
    from transformers import BeitConfig, BeitForSemanticSegmentation

    config = BeitConfig(
        hidden_size=32,
        num_hidden_layers=4,
        num_attention_heads=4,
        intermediate_size=64,
        image_size=64,
        patch_size=16,
        num_labels=7,
        out_indices=[1, 2, 3, 4],
        use_relative_position_bias=True,
    )
    return BeitForSemanticSegmentation(config)


def _backbone() -> Any:
    from transformers import ResNetConfig

    return ResNetConfig(
        embedding_size=16, hidden_sizes=[16, 24, 32, 40], depths=[1, 1, 1, 1], out_features=["stage2", "stage3", "stage4"]
    )


DETR = {
    "d_model": 32,
    "encoder_layers": 1,
    "decoder_layers": 2,
    "encoder_attention_heads": 4,
    "decoder_attention_heads": 4,
    "encoder_ffn_dim": 64,
    "decoder_ffn_dim": 64,
    "num_queries": 20,
    "num_labels": 11,
    "use_timm_backbone": False,
    "use_pretrained_backbone": False,
    "backbone": None,
}


def detr() -> Any:
    """Make a DETR model."""
    from transformers import DetrConfig, DetrForObjectDetection

    return _livelier(DetrForObjectDetection(DetrConfig(**DETR, backbone_config=_backbone())))


def detr_panoptic() -> Any:
    """Make a DETR model with masks."""
    from transformers import DetrConfig, DetrForSegmentation

    config = _backbone()
    config.out_features = ["stage1", "stage2", "stage3", "stage4"]
    heads = {"encoder_attention_heads": 8, "decoder_attention_heads": 8}
    return _livelier(DetrForSegmentation(DetrConfig(**{**DETR, **heads}, backbone_config=config)))


def conditional_detr() -> Any:
    """Make a Conditional DETR model."""
    from transformers import ConditionalDetrConfig, ConditionalDetrForObjectDetection

    return _livelier(ConditionalDetrForObjectDetection(ConditionalDetrConfig(**DETR, backbone_config=_backbone())))


def yolos() -> Any:
    """Make a YOLOS model."""
    from transformers import YolosConfig, YolosForObjectDetection

    config = YolosConfig(
        hidden_size=32,
        num_hidden_layers=2,
        num_attention_heads=4,
        intermediate_size=64,
        image_size=[64, 96],
        num_detection_tokens=20,
        num_labels=11,
    )
    return _livelier(YolosForObjectDetection(config))


def rt_detr() -> Any:
    """Make an RT-DETR model."""
    from transformers import RTDetrConfig, RTDetrForObjectDetection, RTDetrResNetConfig

    backbone = RTDetrResNetConfig(
        embedding_size=16,
        hidden_sizes=[16, 24, 32, 40],
        depths=[1, 1, 1, 1],
        layer_type="basic",
        out_features=["stage2", "stage3", "stage4"],
    )
    config = RTDetrConfig(
        backbone_config=backbone,
        encoder_hidden_dim=32,
        encoder_in_channels=[24, 32, 40],
        feat_strides=[8, 16, 32],
        encoder_ffn_dim=64,
        encoder_attention_heads=4,
        d_model=32,
        num_queries=30,
        decoder_in_channels=[32, 32, 32],
        decoder_ffn_dim=64,
        decoder_layers=2,
        decoder_attention_heads=4,
        num_labels=11,
        anchor_image_size=None,
    )
    return _livelier(RTDetrForObjectDetection(config))


def dpt() -> Any:
    """Make a DPT model."""
    from transformers import DPTConfig, DPTForDepthEstimation

    config = DPTConfig(
        hidden_size=32,
        num_hidden_layers=4,
        num_attention_heads=4,
        intermediate_size=64,
        image_size=96,
        patch_size=16,
        backbone_out_indices=[0, 1, 2, 3],
        neck_hidden_sizes=[16, 16, 16, 16],
        fusion_hidden_size=16,
        is_hybrid=False,
    )
    return DPTForDepthEstimation(config)


def glpn() -> Any:
    """Make a GLPN model."""
    from transformers import GLPNConfig, GLPNForDepthEstimation

    config = GLPNConfig(
        num_encoder_blocks=4,
        hidden_sizes=[8, 16, 24, 32],
        depths=[1, 1, 1, 1],
        num_attention_heads=[1, 2, 2, 4],
        decoder_hidden_size=16,
    )
    return GLPNForDepthEstimation(config)


def sam() -> Any:
    """Make a SAM model."""
    from transformers import SamConfig, SamMaskDecoderConfig, SamModel, SamPromptEncoderConfig, SamVisionConfig

    vision = SamVisionConfig(
        hidden_size=32,
        output_channels=32,
        num_hidden_layers=2,
        num_attention_heads=4,
        image_size=64,
        patch_size=16,
        mlp_dim=64,
        window_size=2,
        global_attn_indexes=[1],
        num_pos_feats=16,
    )
    prompt = SamPromptEncoderConfig(
        hidden_size=32, image_size=64, patch_size=16, mask_input_channels=4, image_embedding_size=4, num_point_embeddings=4
    )
    decoder = SamMaskDecoderConfig(hidden_size=32, mlp_dim=64, num_attention_heads=4, iou_head_hidden_dim=32)
    return SamModel(SamConfig(vision_config=vision, prompt_encoder_config=prompt, mask_decoder_config=decoder))


def owlvit() -> Any:
    """Make an OWL-ViT model."""
    from transformers import OwlViTConfig, OwlViTForObjectDetection

    text = {
        "vocab_size": 99,
        "hidden_size": 32,
        "intermediate_size": 64,
        "num_hidden_layers": 2,
        "num_attention_heads": 4,
        "max_position_embeddings": 16,
        "bos_token_id": 1,
        "eos_token_id": 2,
        "pad_token_id": 0,
    }
    vision = {
        "hidden_size": 32,
        "intermediate_size": 64,
        "num_hidden_layers": 2,
        "num_attention_heads": 4,
        "image_size": 96,
        "patch_size": 16,
    }
    return OwlViTForObjectDetection(OwlViTConfig(text_config=text, vision_config=vision, projection_dim=32))


def sam_points() -> dict[str, Any]:
    """Return two prompts of one point for each of two images, in the resized image's pixels."""
    import torch

    return {"input_points": torch.tensor([[[[20.0, 30.0]], [[40.0, 10.0]]]] * 2)}


def owlvit_texts() -> dict[str, Any]:
    """Return three texts for each of two images."""
    import torch

    ids = torch.tensor([[1, 5, 9, 2], [1, 7, 2, 0], [1, 30, 31, 2]] * 2)
    return {"input_ids": ids, "attention_mask": (ids > 0).long()}


def _swin() -> Any:
    from transformers import SwinConfig

    return SwinConfig(
        image_size=64,
        embed_dim=16,
        depths=[1, 1, 1, 1],
        num_heads=[1, 2, 2, 4],
        window_size=4,
        out_features=["stage1", "stage2", "stage3", "stage4"],
    )


def maskformer() -> Any:
    """Make a MaskFormer model."""
    from transformers import DetrConfig, MaskFormerConfig, MaskFormerForInstanceSegmentation

    decoder = DetrConfig(**DETR, backbone_config=_backbone())
    config = MaskFormerConfig(
        backbone_config=_swin(), decoder_config=decoder, fpn_feature_size=32, mask_feature_size=32, num_labels=11
    )
    return _livelier(MaskFormerForInstanceSegmentation(config))


def mask2former() -> Any:
    """Make a Mask2Former model."""
    from transformers import Mask2FormerConfig, Mask2FormerForUniversalSegmentation

    config = Mask2FormerConfig(
        backbone_config=_swin(),
        feature_size=32,
        mask_feature_size=32,
        hidden_dim=32,
        encoder_feedforward_dim=64,
        encoder_layers=1,
        decoder_layers=2,
        num_attention_heads=4,
        dim_feedforward=64,
        num_queries=20,
        num_labels=11,
        feature_strides=[4, 8, 16, 32],
    )
    return _livelier(Mask2FormerForUniversalSegmentation(config))


def superpoint() -> Any:
    """Make a SuperPoint model."""
    from transformers import SuperPointConfig, SuperPointForKeypointDetection

    config = SuperPointConfig(encoder_hidden_sizes=[16, 16, 32, 32], decoder_hidden_size=32, descriptor_decoder_dim=32)
    return SuperPointForKeypointDetection(config)


def _livelier(model: Any) -> Any:
    """Enlarge weights of decoders and classifiers, so that queries and classes differ as in a trained model."""
    import torch

    with torch.no_grad():
        for name, parameter in model.named_parameters():
            if any(part in name for part in ("classifier", "class_embed", "class_predictor", "score_head")):
                parameter.normal_(0, 0.5) if parameter.ndim == 2 else parameter.zero_()
            elif "query_position" in name or "queries_embedder" in name or "queries_features" in name:
                parameter.normal_(0, 2)
            elif "mask_embedder" in name and parameter.ndim == 2:
                parameter.normal_(0, 0.3)
            elif "decoder.layers" in name and parameter.ndim == 2:
                parameter.normal_(0, 0.25)
    return model
