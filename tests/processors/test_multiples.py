"""Settings of classes that make sides multiples of a number, beyond their parity cases."""

from __future__ import annotations

import numpy as np
import pytest
from cases.parity import ours, picture, theirs

from graphproc.errors import ConfigError


@pytest.mark.parametrize("dtype", ["int32", "float32"])
def test_depths_need_a_scale(dtype: str) -> None:
    """Where the setting is null, transformers fails as well."""
    settings = {"prompt_scale_to_meter": None, "backend": "pil"}
    image, depth = picture((40, 60), "noise"), np.full((5, 6), 900, dtype)
    with pytest.raises(TypeError):
        theirs("PromptDepthAnythingImageProcessor", settings)(image, prompt_depth=depth)
    with pytest.raises(ConfigError, match="prompt_scale_to_meter: expected a number, got None"):
        ours("PromptDepthAnythingImageProcessor", settings)(image, prompt_depth=depth)
