"""Differences that do not count as failures, each with a name and a cause: stated limits, and faults of transformers.

README means `exported/README.md` here.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import random_outputs
import torch
from support.post_outputs import whole_columns

from campaign.calls import bound_of, call
from campaign.compare import difference
from campaign.trial import refused_on_purpose
from graphproc.processors.registry import lookup


@dataclass(frozen=True)
class Limit:
    """Something that transformers computes and this package refuses with an error.

    Attributes:
        name: its name, under which it is counted.
        cause: why, and where the documentation says so.
        message: the error's text, as a pattern.
        classes: parts of the names of classes that have it; empty for all.
    """

    name: str
    cause: str
    message: str
    classes: tuple[str, ...] = ()


@dataclass(frozen=True)
class Fault:
    """Something that torch, Pillow or transformers does that cannot be intended.

    Attributes:
        name: its name, under which it is counted.
        cause: what happens.
        applies: tells whether a case, our result and theirs are of this kind.
    """

    name: str
    cause: str
    applies: Callable[[Any, Any, Any], bool]


def _raises(pattern: str, given: Callable[[Any], bool] = lambda trial: True) -> Callable[[Any, Any, Any], bool]:
    """Make a test of whether transformers raises an error with a text where ours gives a result."""

    def applies(trial: Any, found: Any, expected: Any) -> bool:
        return isinstance(expected, Exception) and bool(re.search(pattern, str(expected))) and given(trial)

    return applies


def _only_tensors(trial: Any, found: Any, expected: Any) -> bool:
    """Tell whether two results differ only in tensors in place of arrays."""
    if getattr(trial, "tensors", None) != "np" or not hasattr(expected, "items") or not _is_torchvision(trial):
        return False
    return not difference(found, {key: _arrays(value) for key, value in expected.items()})


def _arrays(value: Any) -> Any:
    if isinstance(value, list):
        return [_arrays(item) for item in value]
    return value.numpy() if isinstance(value, torch.Tensor) else value


def _in_native_order(trial: Any, found: Any, expected: Any) -> bool:
    """Tell whether two results differ only in the order of bytes."""
    return hasattr(expected, "items") and not difference(found, {key: _native(value) for key, value in expected.items()})


def _native(value: Any) -> Any:
    if isinstance(value, list):
        return [_native(item) for item in value]
    return value.astype(value.dtype.newbyteorder("=")) if isinstance(value, np.ndarray) else value


def _is_torchvision(trial: Any) -> bool:
    return bool(trial.backend == "torchvision")


def _sizes_of_emu3(trial: Any, found: Any, expected: Any) -> bool:
    said = trial.name == "Emu3ImageProcessor" and getattr(trial, "call", {}).get("input_data_format") == "channels_last"
    if said and isinstance(expected, Exception):
        return "inhomogeneous shape" in str(expected)  # what is padded by them
    if not said or not hasattr(found, "keys") or not hasattr(expected, "keys"):
        return False
    return not difference({**found, "image_sizes": 0}, {**expected, "image_sizes": 0})


def _types_of_samples(trial: Any, found: Any, expected: Any) -> bool:
    types = {p.dtype if p.kind in ("array", "tensor") else "uint8" for p in getattr(trial, "pictures", ())}
    names = ("Aria", "Cohere2Vision", "GraniteDocling", "Step3p7", "Tvp")
    return trial.name.startswith(names) and _is_torchvision(trial) and len(types) > 1


def _odd_strides(trial: Any, found: Any, expected: Any) -> bool:
    if _is_post(trial):
        return False
    pictures = [p for p in trial.pictures if p.kind in ("array", "tensor") and (p.strides != "plain" or p.layout == "CHW")]
    turned = trial.name == "DonutImageProcessor" and {**trial.settings, **trial.call}.get("do_align_long_axis")
    thin = any(1 in (p.height, p.width) for p in (trial.pictures if turned else pictures))
    return thin and _is_torchvision(trial) and not isinstance(found, Exception) and not isinstance(expected, Exception)


def _layout_looked_for(trial: Any, found: Any, expected: Any) -> bool:
    again = trial.name in ("GotOcr2ImageProcessor", "Ovis2ImageProcessor", "Owlv2ImageProcessor", "VitPoseImageProcessor")
    said = {**getattr(trial, "settings", {}), **getattr(trial, "call", {})}.get("input_data_format")
    wrong = again and said == "channels_first" and any(p.layout == "HWC" for p in trial.pictures)
    if isinstance(found, Exception):  # of 2 or 4 channels, and as few columns as others have channels; or of rows as channels
        unlike = "images of 1 or 3 channels alone" in str(found) if trial.name.startswith("Owlv2") else False
        return unlike or (wrong and "or one for each of the" in str(found))
    if isinstance(expected, Exception):
        return again and said is not None and "Unable to infer channel dimension" in str(expected)
    return wrong


def _rows_for_channels(trial: Any, found: Any, expected: Any) -> bool:
    """Tell whether transformers may take rows for channels: it fails so, or an image has as few rows as others channels."""
    if not trial.name.startswith(("Emu3", "Gemma4", "VideoLlava", "Vivit")):
        return False
    if isinstance(expected, Exception):
        words = r"mean must have \d+ elements|Cannot handle this data type|Unable to infer channel dimension|image dimensions: 2"
        return bool(re.search(words, str(expected)))
    few = any(p.height in (1, 3, 4) for p in getattr(trial, "pictures", ()))
    return few and not trial.name.startswith("Gemma4") and not isinstance(found, Exception)


def _negative_zeros(trial: Any, found: Any, expected: Any) -> bool:
    factor = {**getattr(trial, "settings", {}), **getattr(trial, "call", {})}.get("rescale_factor")
    return trial.name == "MobileViTImageProcessor" and not _is_torchvision(trial) and (factor or 0) < 0


def _has_path(trial: Any) -> bool:
    return any(picture.kind == "path" for picture in getattr(trial, "pictures", ()))


def _decodes_otherwise(trial: Any, found: Any, expected: Any) -> bool:
    files = [picture for picture in getattr(trial, "pictures", ()) if picture.kind == "path"]
    given = {**getattr(trial, "settings", {}), **getattr(trial, "call", {})}.get("input_data_format")
    if files and given == "channels_last" and _is_torchvision(trial):
        return True  # images that torchvision decodes have channels first
    return _is_torchvision(trial) and any(p.file != "png" or p.mode != "RGB" or p.orientation > 1 or p.key for p in files)


def _own_widths(trial: Any, found: Any, expected: Any) -> bool:
    graph = getattr(trial, "graph", None)
    return graph is not None and graph.input == "sequence" and lookup(trial.name).samples.settings is not None


def _samples_of_fuyu(trial: Any, found: Any, expected: Any) -> bool:
    return bool(trial.name == "FuyuImageProcessor" and "+" in getattr(trial, "nesting", ""))


def _is_post(trial: Any) -> bool:
    return not hasattr(trial, "pictures")


def _one_column(trial: Any, found: Any, expected: Any) -> bool:
    """Tell whether nothing differs after torch's fault is mended."""
    if isinstance(found, Exception) or isinstance(expected, Exception):
        return False
    with whole_columns():
        if _is_post(trial):
            return not trial.difference(found, random_outputs.run_theirs(trial.case))
        return _is_torchvision(trial) and not difference(found, call(trial, trial.theirs, ""), bound_of(trial))


def _nothing_scores(trial: Any, found: Any, expected: Any) -> bool:
    if not _is_post(trial) or isinstance(expected, Exception):
        return False
    rest = random_outputs.with_something(trial.case, found, expected)
    return rest is not found and not trial.difference(rest, expected)


IN_BYTES = ("Llama4", "Nougat", "PPFormulaNet", "SLANeXt", "VitPose", "PPDocLayoutV4")
LIMITS: tuple[Limit, ...] = (
    Limit(
        "filters of other types",
        "torch's lanczos is Pillow's, on bytes (README, What a call reads)",
        "torchvision resizes floats with the filters",
    ),
    Limit("bfloat16 images", "numpy has no bfloat16 (README, What a call reads)", "numpy can hold, got torch.bfloat16"),
    Limit(
        "unsigned integers of 32 and 64 bits",
        "torch resizes none (README, What a call reads)",
        "expected one of uint8, int8|dtype uint(32|64): expected floats, or whole numbers of 16 bits",
    ),
    Limit("classes that compute in bytes", "README, What a call reads, names them", "does not take it here", IN_BYTES),
    Limit(
        "arrays of two dimensions",
        "transformers takes them behind other images of a list alone (README, What a call reads)",
        r"expected an array of 3 dimensions \(an image\) or 4",
    ),
    Limit(
        "samples of unequal images",
        "a pair, or a sample's frames, are one array here, which no list of several shapes is (README, What a call reads)",
        "expected images of one shape in a sample",
    ),
    Limit(
        "alpha beyond bytes",
        "its blend leaves the type, which C does not define (README, What a call reads)",
        "expected alpha from 0",
    ),
    Limit(
        "settings without meaning",
        "no frames, no tokens, no limit of tiles or of no kind, a size of two forms, a null that makes every value NaN (README, "
        "What a call reads)",
        "(temporal_patch_size|max_image_tokens|m(in|ax)(_num)?_patches|patch_size|max_image_width|max_model_len): expected a "
        "whole number.*got (0|null|None)"
        "|limit_type: expected one of|image_grid_pinpoints: expected pairs .*got null|clusters: expected one or more rows"
        "|dense_m(ax_scale|ax_aspect|in_aspect): expected a number|needs (high_res_)?image_(mean|std), which is null"
        "|(pad|crop)_size: expected the keys of one form"
        "|size_divisor: expected a whole number of at least 1, got [{\\[]"
        "|pan_and_scan_min_crop_size: expected a whole number of at least 1, got None",
    ),
    Limit(
        "samples of one and three channels",
        "numpy and torch repeat the one in Mllama's, as they do not elsewhere (README, What a call reads)",
        "expected samples with equal numbers of channels",
        ("Mllama",),
    ),
    Limit(
        "a call's size that is no square",
        "Mllama's constructor refuses one (README, What a call reads)",
        "size: expected a square",
        ("Mllama",),
    ),
    Limit(
        "what a class does not compile",
        "the class's row in README names it",
        "not compiled: |, which is not compiled|is compiled (for floats|with bilinear .2.) alone"
        "|which max_model_len has room for|clusters are no bytes|codebook_do_map_pixels: expected",
    ),
    Limit(
        "a size without both sides",
        "the class's row in README names it",
        r"size: expected height and width, got \{'(max_height|shortest_edge|longest_edge|m\w+_pixels)'",
        ("LlavaOnevision",),
    ),
    Limit("PIL images of mode LAB for timm", "the class's row in README names it", "modes other than LAB", ("TimmWrapper",)),
    Limit(
        "filters that torchvision lacks",
        "refused also where nothing is resized (README, What a call reads)",
        "torchvision resizes .* alone, got [45] ",
    ),
    Limit(
        "sizes of maps in fractions",
        "README, Post-processing",
        "(target|source)_sizes: expected whole numbers of pixels",
        ("RfDetr", "Sam3", "Sapiens2"),
    ),
    Limit(
        "portable graphs of several images",
        "where sizes are found in pixels, images have several, and portable graphs one (README, `--target`)",
        "target .portable. takes images one by one",
    ),
    Limit(
        "portable graphs of what pixels decide",
        "their weights are computed in the graph, in float64 (README, `--target`)",
        "target .portable. has no float64 .*where pixels decide what is resized",
    ),
    Limit(
        "sequences that do not stack",
        "an output has one shape (README, What a graph is)",
        "graph: expected results of one shape of all images",
    ),
    Limit("quarters of one pixel", "README, What a call reads", "do_image_splitting needs 2 pixels", ("Idefics2",)),
    Limit("tiles of several sizes", "README, What a call reads", "make tiles of several sizes"),
    Limit(
        "values of nothing",
        "Perceiver's crop of a side of one pixel is empty (README, What a call reads)",
        "expected whole numbers in 0..255 or values in",
        ("Perceiver",),
    ),
    Limit(
        "a margin's colour",
        "the image's type does not hold it (README, What a call reads)",
        "background: expected|do_pad needs a number for each|pad: expected values that",
    ),
)
FAULTS: tuple[Fault, ...] = (
    Fault(
        "negative strides", "torch.from_numpy takes no array of negative strides", _raises("At least one stride .* is negative")
    ),
    Fault("byte order", "torch.from_numpy takes no array of another byte order", _raises("byte order different from the native")),
    Fault("byte order kept", "numpy keeps a foreign byte order where no step computes", _in_native_order),
    Fault(
        "files are decoded by Pillow",
        "with its torchvision backend transformers decodes files by torchvision: no BMP or TIFF, other rounding of JPEG, no "
        "palette, transparency or EXIF of some formats; here Pillow decodes them, as README says",
        _decodes_otherwise,
    ),
    Fault(
        "rows taken for channels",
        "Emu3, VideoLlava and Vivit look for channels in the rows of PIL images, too, or take the first image's layout for all, "
        "as README says, and look for none in gray ones; Gemma 4 looks for 1 or 3 again where it cuts patches of an image of 4",
        _rows_for_channels,
    ),
    Fault(
        "a mean of one number",
        "LLaVA-OneVision makes the colour of its padding of a mean for each channel, and fails with a number for all",
        _raises("'int' object is not iterable", lambda trial: trial.name == "LlavaOnevisionImageProcessor"),
    ),
    Fault("bfloat16 as numpy", "numpy has no bfloat16, so transformers fails", _raises("unsupported ScalarType BFloat16")),
    Fault(
        "maps as numpy",
        "SAM 2 and 3 call a tensor's method on the labels, which are arrays by then",
        _raises("has no attribute '(to|squeeze)'", lambda trial: bool(getattr(trial, "extra_inputs", ()))),
    ),
    Fault(
        "types of a call's settings",
        "transformers refuses a setting of a call by its Python type (a whole number for a float), which it takes elsewhere",
        _raises("Validation error for field"),
    ),
    Fault(
        "a resize to one pixel",
        "torch's antialiased resize of bytes fails where its result has one pixel",
        _raises("INTERNAL ASSERT FAILED"),
    ),
    Fault(
        "one pixel of odd strides",
        "torch reads a memory format off strides, which those of a side of one pixel do not tell, and resizes by it; Donut gives "
        "an image such strides where it turns it",
        _odd_strides,
    ),
    Fault(
        "64-bit integers with alpha",
        "torchvision refuses to turn floats into 64-bit integers, as blending needs",
        _raises("cannot be performed safely"),
    ),
    Fault(
        "one channel of other types",
        "torch normalizes in place where it had to cast, which cannot make three channels of one",
        _raises("doesn't match the broadcast shape"),
    ),
    Fault(
        "unsigned integers together with other types",
        "torch joins no tensors of them",
        _raises("Promotion for uint16, uint32, uint64 types is not supported"),
    ),
    Fault(
        "crops and patches of Pixtral",
        "transformers pads crops of one size by what their images lack of the largest, looks for 1 or 3 channels in an image of "
        "4, and reads patch_size where nothing is resized",
        _raises(
            "expects each tensor to be equal size|Unable to infer channel|Could not convert size input to size dict: None",
            lambda trial: trial.name.startswith("Pixtral"),
        ),
    ),
    Fault("samples of Fuyu", "transformers makes ragged lists of samples of several images, as README says", _samples_of_fuyu),
    Fault(
        "arrays of several images",
        "transformers takes one for an image of more axes (Fuyu), or for one frame of a video (Vivit), as README says",
        lambda trial, found, expected: trial.name.startswith(("Fuyu", "Vivit")) and getattr(trial, "nesting", "") == "batch",
    ),
    Fault(
        "a size of null in a call",
        "transformers takes it for the class's own in the constructors of DETR's kin alone, where it is that here, too",
        _raises("`size` and `resample` must be specified", lambda trial: getattr(trial, "call", {}).get("size", 0) is None),
    ),
    Fault(
        "settings of a call for timm",
        "transformers takes none in this class alone",
        _raises(r"TimmWrapperImageProcessor.preprocess\(\) got an unexpected keyword"),
    ),
    Fault(
        "classes that are no things",
        "OneFormer looks up the number of every class among those of things, also of queries that it leaves out",
        _raises("is not in list", lambda trial: trial.name.startswith("OneFormer")),
    ),
    Fault("a layout for timm", "transformers takes no `input_data_format` in this class alone", _raises("'input_data_format'")),
    Fault("tensors for arrays", "transformers leaves some outputs tensors where arrays were asked for", _only_tensors),
    Fault(
        "other types",
        "torch has no kernel for them",
        _raises("not implemented for '(Half|BFloat16|Long|Int|Short|Char|Bool|UInt\\d+)'|expected scalar type Float but found"),
    ),
    Fault("types without a transform", "scipy transforms no float16", _raises("data type not supported")),
    Fault(
        "pixels beside a size as an object",
        "transformers takes limits out of a dictionary, which an object of sides is not",
        _raises("'SizeDict' object has no attribute 'pop'"),
    ),
    Fault(
        "zeros times a negative factor",
        "MobileViT's margins have no sign in transformers, which rescales before it crops with the pil backend",
        _negative_zeros,
    ),
    Fault(
        "limits of null",
        "GOT-OCR 2 compares them where it cuts nothing",
        _raises("not supported between instances of 'int' and 'NoneType'", lambda trial: trial.name.startswith("GotOcr2")),
    ),
    Fault(
        "empty lists as numpy",
        "transformers looks at the first element of a list that it makes an array of",
        _raises("Unable to convert output .* list index out of range"),
    ),
    Fault("Emu3's tensors", "transformers refuses tensors in this class alone", _raises("must be either in PIL or numpy format")),
    Fault(
        "batches in one array",
        "transformers counts the images of samples before it takes a batch apart",
        _raises(
            "list index out of range|operands could not be broadcast", lambda trial: getattr(trial, "nesting", "") == "batch"
        ),
    ),
    Fault("a setting named like a method", "a setting of a file hides the method of its name", _raises("object is not callable")),
    Fault("timm as numpy", "transformers returns tensors of torch alone for timm", _raises("must be 'pt'")),
    Fault(
        "widths of a sequence",
        "in a graph of a sequence a line is as wide as it is alone, as README says",
        _own_widths,
    ),
    Fault(
        "image sizes of Emu3",
        "transformers reads them at the place of the channels where a call says channels_last, as README says",
        _sizes_of_emu3,
    ),
    Fault(
        "types of samples",
        "transformers brings all images of Cohere2Vision, GraniteDocling and Step3p7 to one type first, and those of Aria before "
        "it rescales, as README says; the frames of a sample are one array of one type here, TVP's too",
        _types_of_samples,
    ),
    Fault(
        "a wrong layout",
        "transformers cuts Ovis 2's and GOT-OCR 2's images, pads OWLv2's and warps VitPose's by channels that it looks for "
        "again, whatever layout is given",
        _layout_looked_for,
    ),
    Fault(
        "masks of ViLT as numpy",
        "transformers makes the mask that it copies for images to pad where torch's tensors are asked for alone",
        _raises("cannot access local variable 'mask_template'"),
    ),
    Fault(
        "paths",
        "transformers sorts the images of these classes before it opens files, and takes no path for an image",
        _raises(
            "Must be a single image, a list of images, or a list of batches of images|Could not make a flat list of images from"
            "|Invalid image type. Must be of type PIL",
            _has_path,
        ),
    ),
    Fault(
        "patches of one channel",
        "transformers cuts Inkling 2's and Molmo 2's images into patches of their first number of channels, from which "
        "normalizing made three",
        _raises(r"shape '.*' is invalid for input of size", lambda trial: trial.name.startswith(("Inkling2", "Molmo2"))),
    ),
    Fault(
        "colours of other masks",
        "transformers looks SegGPT's colours up in a list, which takes no bool or float of numpy",
        _raises("list indices must be integers or slices, not numpy", lambda trial: trial.name == "SegGptImageProcessor"),
    ),
    Fault(
        "masks without colours",
        "transformers takes SegGPT's masks that become no colours as images of three axes alone",
        _raises(
            "Could not make a flat list of images from|Invalid image type. Must be of type PIL",
            lambda trial: trial.name == "SegGptImageProcessor" and "prompt_masks" in trial.extra_inputs,
        ),
    ),
    Fault(
        "forms of sizes",
        "transformers stops by accident at sizes in a form that its signature allows or another method takes",
        _raises(
            r"upsample_\w+\(\) received an invalid|expected size to be one of int|has no attribute '(unbind|flip|shape|to)'"
            r"|must be Tensor, not|must be tuple of ints|slice indices must be integers|must be a list, tuple or torch"
            r"|only integer tensors of a single element|truth value of an array",
            _is_post,
        ),
    ),
    Fault(
        "images without a query that scores",
        "image-guided detection leaves them out, so that results are not those of the images in order",
        _nothing_scores,
    ),
    Fault(
        "one column with antialiasing",
        "torch's antialiased resize of floats to one column of another height repeats its first row",
        _one_column,
    ),
)


def limit(trial: Any, message: str) -> str:
    """Return the name of the limit that an error of ours belongs to; empty if there is none."""
    for known in LIMITS:
        if re.search(known.message, message) and (not known.classes or any(part in trial.name for part in known.classes)):
            return known.name
    return "the class's case in tests/cases" if hasattr(trial, "pictures") and refused_on_purpose(trial) else ""


def fault(trial: Any, found: Any, expected: Any) -> str:
    """Return the name of transformers' fault that explains a difference; empty if there is none."""
    return next((known.name for known in FAULTS if known.applies(trial, found, expected)), "")
