"""Reduce a failing case to the smallest one that fails the same way."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

from campaign.run import DIFFERS, Outcome
from campaign.trial import Graph, Trial


def signature(outcome: Outcome) -> str:
    """Return what failures of one kind have in common: the text without names of outputs, numbers, shapes and quotations."""
    words = re.sub(r"^[\w/]+(\[\d+\])*: ", "", outcome.words) if outcome.what == DIFFERS else outcome.words
    return f"{outcome.what}: " + re.sub(r"[-\d.e+]*\d|\[[^\]]*\]|'[^']*'|\"[^\"]*\"", "#", words)[:90]


def shrunk(trial: Any, outcome: Outcome, run: Callable[[Any], Outcome], seconds: float = 8) -> tuple[Any, Outcome]:
    """Find the smallest case that fails the same way in a given time; return it and its outcome.

    Args:
        trial: the failing case.
        outcome: its outcome.
        run: runs a case.
        seconds: how long to try.
    """
    end, wanted = time.monotonic() + seconds, signature(outcome)
    smaller = True
    while smaller:
        smaller = False
        for other in simpler(trial) if isinstance(trial, Trial) else trial.simpler():
            if time.monotonic() > end:
                return trial, outcome
            try:
                found = run(other)
            except Exception:  # a case that cannot be made does not count
                continue
            if found.failed and signature(found) == wanted:
                trial, outcome, smaller = other, found, True
                break
    return trial, outcome


def simpler(trial: Trial) -> Iterator[Trial]:
    """Yield simpler cases, the greatest steps first."""
    count = len(trial.pictures)
    if trial.settings or trial.call:
        yield replace(trial, settings={}, call={})
        yield replace(trial, call={})
    if trial.nesting != "one" and trial.graph is None:
        for picture in trial.pictures if not trial.extra_inputs else ():
            yield replace(trial, pictures=(picture,), nesting="one")
    if count > 1 and not trial.extra_inputs:
        for index in range(count):
            rest = trial.pictures[:index] + trial.pictures[index + 1 :]
            yield replace(trial, pictures=rest, nesting="list")
    for keyword in trial.extra_inputs:
        yield replace(trial, extra_inputs={key: text for key, text in trial.extra_inputs.items() if key != keyword})
    if trial.given != "constructor":
        yield replace(trial, given="constructor")
    if trial.call and trial.graph is None:
        yield replace(trial, settings={**trial.settings, **trial.call}, call={})
    for key in trial.call:
        yield replace(trial, call={name: value for name, value in trial.call.items() if name != key})
    for key in trial.settings:
        yield replace(trial, settings={name: value for name, value in trial.settings.items() if name != key})
    if trial.engine != "numpy":
        yield replace(trial, engine="numpy")
    if trial.tensors != "np":
        yield replace(trial, tensors="np")
    if trial.graph is not None:
        for name, value in vars(Graph()).items():
            if getattr(trial.graph, name) != value and name != "color":
                yield replace(trial, graph=replace(trial.graph, **{name: value}))
    alike = trial.graph is not None and trial.graph.input == "batch"
    for index, picture in enumerate(trial.pictures):
        for other in picture.simpler():
            if trial.graph is not None and other.mode != picture.mode:
                continue
            if trial.nesting == "batch" and other.kind != picture.kind:  # all images are one array
                continue
            if trial.nesting == "batch" or alike:
                shape = {"height": other.height, "width": other.width}
                pictures = tuple(
                    replace(each, **shape) if alike else replace(other, seed=other.seed + n)
                    for n, each in enumerate(trial.pictures)
                )
            else:
                pictures = (*trial.pictures[:index], other, *trial.pictures[index + 1 :])
            yield replace(trial, pictures=pictures)
    if trial.nesting == "batch":
        yield replace(trial, nesting="list")
