"""Fuyu's patches and the token ids that stand for them, against transformers' own."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from cases.parity import reference_class

from graphproc.errors import ImageError
from graphproc.wrappers.processor import processor_class

torch = pytest.importorskip("torch")
pytestmark = pytest.mark.filterwarnings("ignore")

IMAGES = np.random.default_rng(0).random((2, 2, 3, 60, 90), np.float32)


def same(have: Any, want: Any) -> bool:
    if isinstance(want, list):
        return isinstance(have, list) and len(have) == len(want) and all(map(same, have, want))
    return type(have) is type(want) and have.dtype == want.dtype and bool(torch.equal(have, want))


@pytest.mark.parametrize("size", [None, {"height": 20, "width": 15}])
def test_patches_are_transformers(size: Any) -> None:
    sized = None if size is None else pytest.importorskip("transformers.image_utils").SizeDict(**size)
    for backend, image in (("torchvision", torch.from_numpy(IMAGES[0])), ("pil", IMAGES[0])):
        want = reference_class("FuyuImageProcessor", backend)().patchify_image(image, sized)
        have = processor_class("FuyuImageProcessor")(backend=backend).patchify_image(image, size)
        assert type(have) is type(want)
        assert np.array_equal(np.asarray(have), np.asarray(want))


def test_an_image_alone_and_what_is_beyond_the_last_patch() -> None:
    ours = processor_class("FuyuImageProcessor")()
    assert np.array_equal(ours.patchify_image(IMAGES[0, 0, :, :50, :70]), ours.patchify_image(IMAGES[:1, 0, :, :30, :60]))


@pytest.mark.parametrize("variable_sized", [True, False])
@pytest.mark.parametrize("ids", [(7, 8), (0, 0)])
@pytest.mark.parametrize("present", [[[1, 1], [0, 1]], [[0, 0], [1, 0]]])
def test_ids_are_transformers(variable_sized: bool, ids: tuple[int, int], present: list[list[int]]) -> None:
    arguments = {
        "image_input": torch.from_numpy(IMAGES),
        "image_present": torch.tensor(present)[..., None],
        "image_unpadded_h": torch.tensor([[60, 31], [1, 30]]),
        "image_unpadded_w": torch.tensor([[61, 90], [30, 5]]),
        "image_placeholder_id": ids[0],
        "image_newline_id": ids[1],
        "variable_sized": variable_sized,
    }
    want = reference_class("FuyuImageProcessor")().preprocess_with_tokenizer_info(**arguments)
    have = processor_class("FuyuImageProcessor")().preprocess_with_tokenizer_info(**arguments)
    assert list(have) == list(want)
    assert not [key for key in want if not same(have[key], want[key])]


def test_patches_cover_an_image() -> None:
    ours = processor_class("FuyuImageProcessor")()
    whole = {"image_placeholder_id": 1, "image_newline_id": 2, "variable_sized": False, "patch_size": {"height": 7, "width": 30}}
    there = torch.ones(1, 1)
    with pytest.raises(ImageError, match="image_height: expected a multiple of 7, got 60"):
        ours.preprocess_with_tokenizer_info(torch.from_numpy(IMAGES[:1, :1]), there, 60 * there, 90 * there, **whole)
    whole |= {"variable_sized": True, "patch_size": None}
    with pytest.raises(ImageError, match=r"image_input\[0, 0\]: expected pixels, got shape \[3, 0, 90\]"):
        ours.preprocess_with_tokenizer_info(torch.from_numpy(IMAGES[:1, :1]), there, 0 * there, 90 * there, **whole)
