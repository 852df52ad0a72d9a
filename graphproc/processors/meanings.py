"""What the processors' outputs are, in words; programs have their shapes and element types."""

from __future__ import annotations

from collections.abc import Mapping

MEANINGS: Mapping[str, str] = {
    "aspect_ratio_ids": "which of the supported tile grids each image has, counted from 1; 0 for no image",
    "aspect_ratio_mask": "1 for each tile of an image, 0 for the padding behind them",
    "aspect_ratios": "rows and columns of the tile grid",
    "attention_mask": "1 for each patch of the image, 0 for the padding behind them",
    "batch_num_images": "how many images each sample has",
    "cols": "columns of the grid",
    "flattened_patches": "patches as rows: row and column in the grid from 1, then pixels (height, width, channels), normalized",
    "grids": "rows and columns of the tile grid",
    "height": "height of the resized image in pixels",
    "high_res_pixel_values": "the image for the high-resolution encoder, normalized",
    "image_attention_mask": "1 where a tile shows the image, 0 where it was padded",
    "image_grid_hw": "rows and columns of the patch grid",
    "image_grid_thw": "frames, rows and columns of the patch grid; frames are 1",
    "image_grids": "rows and columns of the pooled patches: of the whole image, then of its crops together",
    "image_merge_sizes": "how many patches a side are merged behind the encoder",
    "image_num_crops": "how many crops each image has, the whole image included",
    "image_pixel_values": "the whole image, then its tiles, normalized",
    "image_position_ids": "column and row of each patch; -1 for padding",
    "image_scale_factors": "by what the image was scaled",
    "image_sizes": "height and width of each image in pixels, as it came in",
    "image_token_pooling": "for each token the numbers of the patches that it pools; -1 for none",
    "image_unpadded_heights": "height of the resized image in pixels, without the padding",
    "image_unpadded_widths": "width of the resized image in pixels, without the padding",
    "images": "the image, resized, padded and normalized",
    "input_ids": "the number of the nearest colour cluster of each pixel, row by row",
    "labels": "the label map in the size of the model's",
    "num_crops": "how many crops each image has, the whole image not counted",
    "num_img_tokens": "how many tokens the image takes in the model's text",
    "num_local_patches": "how many tiles each image has; 0 where the whole image is enough",
    "num_patches": "how many patches, or tiles, each image has",
    "num_patches_per_image": "how many slices each image has, the whole image included",
    "num_soft_tokens_per_image": "how many tokens the image takes in the model's text",
    "num_tiles": "how many tiles each image has",
    "original_images": "the image before it was resized, blue, green, red, in [0, 1]",
    "original_sizes": "height and width of each image in pixels, as it came in",
    "patch_newline_masks": "true for each tile that ends a row of tiles",
    "patch_offsets": "for each part of a split image: the image's number, the part's first pixel, and the one behind its last",
    "patches_grid": "columns and rows of the tile grid",
    "pixel_attention_mask": "1 where pixels or patches are of an image, 0 where they are padding",
    "pixel_mask": "1 where pixels are of the image, 0 where they are padding",
    "pixel_values": "the image, or its tiles or patches, as the model takes it",
    "pixel_values_images": "the image as the model takes it",
    "pixel_values_local": "the image's tiles, normalized",
    "prompt_depth": "the depth map, resized, in metres",
    "prompt_masks": "the prompt's mask as an image, normalized",
    "prompt_pixel_values": "the prompt's image, normalized",
    "reshaped_input_sizes": "height and width of each resized image in pixels, without the padding",
    "rows": "rows of the grid",
    "spatial_shapes": "rows and columns of the patch grid",
    "target_sizes": "rows and columns of the patch grid of each slice",
    "tile_fine_mask": "true for each sample",
    "task_inputs": "the texts of task_inputs, with their prefix",
    "width": "width of the resized image in pixels",
}
"""The meaning of each output by its name, in every class that has it."""

OF_A_CLASS: Mapping[tuple[str, str], str] = {
    ("AriaImageProcessor", "num_crops"): "the largest number of crops that an image has",
    ("Emu3ImageProcessor", "image_sizes"): "height and width of each resized image in pixels, without the padding",
    ("Ovis2ImageProcessor", "grids"): "columns and rows of the tile grid",
    ("PixtralImageProcessor", "image_sizes"): "height and width of each resized image in pixels, without the padding",
    ("Phi4MultimodalImageProcessor", "image_sizes"): "height and width of the tiles together in pixels",
    ("PPOCRV5ServerDetImageProcessor", "target_sizes"): "height and width of each image in pixels, as it came in",
}
"""The meaning by class and name, where an output means something else than in other classes."""


def meaning(processor: str, output: str) -> str:
    """Return what an output of a class is."""
    return OF_A_CLASS.get((processor, output)) or MEANINGS[output]
