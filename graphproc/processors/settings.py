"""Settings that classes of several families have. A class gives each its default: `SIZE_DIVISOR.of(32)`."""

from __future__ import annotations

from graphproc.configs.settings import Setting, Sides, Whole, flag, resolutions

DO_FLIP_CHANNEL_ORDER = Setting(None, flag, "Turn red, green, blue into blue, green, red.")
DO_IMAGE_SPLITTING = Setting(None, flag, "Cut large images into tiles beside the whole image.")
DO_REDUCE_LABELS = Setting(None, flag, "Count labels from 0 after the background, which becomes 255.")
CANVASES = Setting(None, resolutions, "The canvases that images are cut on: heights and widths in pixels.")
ENSURE_MULTIPLE_OF = Setting(None, Whole(1), "What the sides become multiples of, in pixels.")
IGNORE_INDEX = Setting(None, None, "The label that marks pixels without a class, in training and post-processing.")
KEEP_ASPECT_RATIO = Setting(None, None, "Scale both sides by the same factor.")
MASK_SIZE = Setting(None, Sides(("do_resize",)), "The size that label maps are resized to, in pixels.")
MAX_IMAGE_TOKENS = Setting(None, Whole(1), "The most tokens that an image may take in the model's text.")
MAX_NUM_PATCHES = Setting(None, Whole(1), "The most patches of an image.")
MAX_PATCHES = Setting(None, Whole(), "The most tiles or patches of an image.")
MERGE_SIZE = Setting(None, Whole(1), "How many patches along a side the model merges into one token.")
MIN_IMAGE_TOKENS = Setting(None, Whole(), "The fewest tokens that an image may take in the model's text.")
NUM_LABELS = Setting(None, None, "The number of classes.")
PATCH_SIDES = Setting(None, Sides(()), "The height and width of a patch, in pixels.")
PATCH_SIZE = Setting(None, Whole(1), "The side of a patch, in pixels.")
RETURN_ROW_COL_INFO = Setting(None, None, "Give the rows and columns of each image's tiles as well.")
SIZE_DIVISOR = Setting(None, Whole(1), "What the sides become multiples of, in pixels.")
TILE_SIZE = Setting(None, Whole(1), "The side of a tile, in pixels.")
