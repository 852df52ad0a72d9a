"""Texts of lines, and structures of tables: the likeliest character or tag at each position.

Source: transformers 5.23, `post_process_text_recognition` of `PPOCRV5ServerRecImageProcessor` and
`PPOCRV6SmallRecImageProcessor`, `post_process_table_recognition` of `SLANeXtImageProcessor`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from graphproc.errors import ImageError
from graphproc.ir.value import maximum
from graphproc.ops import Range
from graphproc.postprocessing.builder import MethodBuilder
from graphproc.postprocessing.method import Field, Method

BLANK = 0
"""The class that stands for no character."""
SPANS = range(2, 21)
TAGS = (
    *("<thead>", "</thead>", "<tbody>", "</tbody>", "<tr>", "</tr>", "<td", ">", "</td>"),
    *(f' {side}="{count}"' for side in ("colspan", "rowspan") for count in SPANS),
    "<td></td>",
)
"""The tags that the classes 1, 2, ... of a table's structure stand for; class 0 begins a table, the last one ends it."""
FIELDS = {"last_hidden_state": Field(("positions", "classes"))}


def text(b: MethodBuilder) -> None:
    """Return the likeliest class at each position, without blanks and without repetitions of the class before."""
    x = b["last_hidden_state"]
    scores, labels = x.max(), x.argmax()
    positions = b.add(Range(x.shape[0]))
    before = labels[maximum(positions - 1, 0)]
    changes = (labels != before) | (positions == 0)
    b.rows(changes & (labels != BLANK), {"labels": -1}, scores=scores, labels=labels)


def table(b: MethodBuilder) -> None:
    """Return the likeliest tag at each position."""
    b.output("scores", b["last_hidden_state"].max())
    b.output("labels", b["last_hidden_state"].argmax())


def mean(scores: Any, options: Mapping[str, Any]) -> float:
    """Return the mean of scores, rounded to the type of the model's outputs; NaN if there are none."""
    return float(options["rounded"](np.mean(scores))) if len(scores) else float("nan")


def text_result(outputs: Mapping[str, Any], options: Mapping[str, Any]) -> Any:
    """Return the text and the mean score of its characters.

    Raises:
        ImageError: `character_list` has fewer characters than the model has classes.
    """
    characters, labels = options["config"].character_list, outputs["labels"].tolist()
    if labels and max(labels) >= len(characters):
        raise ImageError(f"character_list: expected a character for class {max(labels)}, got {len(characters)} characters")
    return {"text": "".join(characters[label] for label in labels), "score": mean(outputs["scores"], options)}


def table_result(outputs: Mapping[str, Any], options: Mapping[str, Any]) -> Any:
    """Return the tags up to the end and their mean score.

    Raises:
        ImageError: there is no tag, or the model has more classes than there are tags.
    """
    start, end = 0, len(TAGS) + 1
    labels = outputs["labels"].tolist()
    stop = next((place for place, label in enumerate(labels) if place and label == end), len(labels))
    kept = [place for place, label in enumerate(labels[:stop]) if label not in (start, end)]
    if not kept or max(labels[place] for place in kept) > end:
        raise ImageError(f"last_hidden_state: expected scores of {end + 1} classes that name a tag, got the classes {labels}")
    tags = [TAGS[labels[place] - 1] for place in kept]
    structure = ["<html>", "<body>", "<table>", *tags, "</table>", "</body>", "</html>"]
    return {"structure": structure, "structure_score": mean(outputs["scores"][kept], options)}


def of_first(given: Mapping[str, Any], options: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return the scores of the first image, the only one that upstream reads."""
    return {"last_hidden_state": given["last_hidden_state"][:1]}


def first(results: list[Any], options: Mapping[str, Any]) -> Any:
    """Return the table of the first image."""
    return results[0]


METHODS = (
    Method(
        "post_process_text_recognition",
        ("PPOCRV5ServerRecImageProcessor", "PPOCRV6SmallRecImageProcessor"),
        FIELDS,
        text,
        text_result,
        {},
        ("scores", "labels"),
        size_arguments=(),
        first_argument="predictions",
    ),
    Method(
        "post_process_table_recognition",
        ("SLANeXtImageProcessor",),
        FIELDS,
        table,
        table_result,
        {},
        size_arguments=(),
        prepare=of_first,
        collect=first,
    ),
)
