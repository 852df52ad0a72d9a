"""What methods do with boxes, against transformers."""

from __future__ import annotations

import numpy as np
import pytest

from graphproc.executors import reference
from graphproc.ir.program import Parity, ProgramBuilder
from graphproc.ir.types import TensorType
from graphproc.postprocessing.boxes import corners

torch = pytest.importorskip("torch")


@pytest.mark.parametrize("shape", [(9, 4), (1, 4), (2, 3, 4)])
def test_corners(shape: tuple[int, ...], rng: np.random.Generator) -> None:
    from transformers.image_transforms import center_to_corners_format

    b = ProgramBuilder("Boxes", Parity("transformers"))
    b.output("corners", corners(b.input("boxes", TensorType("f32", shape))))
    boxes = rng.normal(size=shape).astype(np.float32)
    found = reference.run(b.finish(), {"boxes": boxes})["corners"]
    assert found.dtype == np.float32
    np.testing.assert_array_equal(found, center_to_corners_format(torch.from_numpy(boxes)).numpy())
