"""OneFormer's sentences, which no image enters."""

from __future__ import annotations

import cases.parity as cases
import pytest
import transformers

from graphproc.errors import ConfigError
from graphproc.wrappers.processor import processor_class

SETTINGS = {"size": {"shortest_edge": 20, "longest_edge": 30}}
IMAGES = [cases.picture(size, "noise") for size in ((17, 31), (31, 17))]


@pytest.mark.parametrize("tasks", [None, ["semantic", "instance"], ["panoptic"], []])
@pytest.mark.parametrize("return_tensors", [None, "np"])
def test_a_sentence_for_each_task(tasks: list[str] | None, return_tensors: str | None) -> None:
    expected = transformers.OneFormerImageProcessorPil(**SETTINGS)(IMAGES, task_inputs=tasks, return_tensors=return_tensors)
    found = processor_class("OneFormerImageProcessor")(**SETTINGS)(IMAGES, task_inputs=tasks, return_tensors=return_tensors)
    assert list(found) == list(expected)
    assert found["task_inputs"] == expected["task_inputs"]


def test_one_task_is_no_list_of_letters() -> None:
    with pytest.raises(ConfigError, match="task_inputs"):
        processor_class("OneFormerImageProcessor")(**SETTINGS)(IMAGES, task_inputs="semantic")
