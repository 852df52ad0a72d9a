"""OneFormer: as MaskFormer, with tasks as sentences, and the names of classes from a JSON file.

Source of the defaults: transformers 5.23, `models/oneformer/image_processing_pil_oneformer.py`.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from graphproc.configs.config import Config
from graphproc.configs.files import read_json
from graphproc.configs.settings import Setting
from graphproc.errors import ConfigError
from graphproc.ir.program import ProgramBuilder, Value
from graphproc.processors import stages
from graphproc.processors.constants import IMAGENET, usual
from graphproc.processors.families.detection import CAPPED
from graphproc.processors.families.mask_classification.maskformer import LABEL_SETTINGS, LABELS, finish
from graphproc.processors.spec import ProcessorSpec


def finish_with_batch(b: ProgramBuilder, config: Config, x: Value) -> None:
    """Declare the image padded to the batch's largest, whatever `pad_size` says, and its mask."""
    finish(b, config.changed(pad_size=None), x)


def sentences(tasks: Any) -> list[str]:
    """Return `task_inputs`: a sentence for each task, e.g. "the task is semantic"; one sentence for None."""
    if isinstance(tasks, str):
        raise ConfigError(f"task_inputs: expected a list of tasks, one for each image, got {tasks!r}")
    return [f"the task is {task}" for task in (["panoptic"] if tasks is None else tasks)]


def metadata(config: Config) -> Mapping[str, Any]:
    """Return the attribute `metadata`: names of classes from a JSON file in the local folder `repo_path`.

    Without such a file there is no such attribute. A file outside that folder is not read: a
    configuration is data from strangers.
    """
    name, parent = config.settings["class_info_file"], config.settings["repo_path"] or "."
    if not isinstance(parent, (str, os.PathLike)):
        raise ConfigError(f"repo_path: expected the path of a folder, got {parent!r}")
    folder = Path(parent).resolve()
    path = (folder / name).resolve() if isinstance(name, str) and name.endswith(".json") else folder
    if not path.is_file() or not path.is_relative_to(folder):
        return {}
    classes = read_json(path)
    try:
        things = [int(key) for key, info in classes.items() if info["isthing"]]
        names = {key: info["name"] for key, info in classes.items()}
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise ConfigError(
            f"{path}: expected a name and isthing for each class's number, {{'0': {{'name': ..., 'isthing': 0}}, ...}}"
        ) from error
    return {"metadata": {**names, "thing_ids": things, "class_names": list(names.values())}}


SPECS = (
    ProcessorSpec(
        "OneFormerImageProcessor",
        stages.WITHOUT_CROP_AND_PAD,
        usual(
            CAPPED,
            "bilinear",
            IMAGENET,
            LABEL_SETTINGS,
            rgb=True,
            repo_path=Setting("shi-labs/oneformer_demo", None, "The folder of `class_info_file`."),
            class_info_file=Setting(None, None, "A JSON file in `repo_path` with the name of each class."),
            num_text=Setting(None, None, "The number of texts, which are not compiled."),
        ),
        limitations=f"{LABELS}, and text_inputs (strings of the class names in class_info_file)",
        outputs=("pixel_values", "pixel_mask", "task_inputs"),
        finish=finish_with_batch,
        texts={"task_inputs": sentences},
        computed=metadata,
    ),
)
