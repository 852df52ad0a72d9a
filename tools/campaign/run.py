"""Run one case on both sides, and judge the outcome."""

from __future__ import annotations

import shutil
import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
import onnxruntime
from cases.parity import graph_outputs

import graphproc as gp
from campaign import excluded
from campaign.calls import bound_of, call, defaults_kept, made_once
from campaign.compare import difference, numpy_of
from campaign.trial import Trial
from campaign.values import NAMESPACE, evaluated
from graphproc.errors import GraphprocError

EQUAL, BOTH_REFUSE, LIMIT, EXCLUDED = "equal", "both refuse", "ours refuses, as stated", "excluded"
DIFFERS, REFUSES, ANSWERS, CRASHES = "differs", "ours refuses", "only ours answers", "crashes"
OUTCOMES = (EQUAL, BOTH_REFUSE, LIMIT, EXCLUDED, DIFFERS, REFUSES, ANSWERS, CRASHES)
FAILURES = frozenset((DIFFERS, REFUSES, ANSWERS, CRASHES))


@dataclass(frozen=True)
class Outcome:
    """The outcome of a case.

    Attributes:
        what: one of `OUTCOMES`.
        words: the difference, the error, or the name of the limit.
    """

    what: str
    words: str = ""

    @property
    def failed(self) -> bool:
        """Tell whether it counts as a failure."""
        return self.what in FAILURES


SIGNATURE = ("unknown keyword", "unknown setting", "unexpected keyword argument", "positional argument")
"""What Python's own errors say about a call with wrong arguments."""


def deliberate(error: BaseException) -> bool:
    """Tell whether an error of ours is deliberate: our own classes, and Python's for a call with wrong arguments."""
    unfit = isinstance(error, TypeError) and any(part in str(error) for part in SIGNATURE)
    return unfit or isinstance(error, GraphprocError)


def attempt(function: Callable[[], Any]) -> Any:
    """Call a function; return the result, or the error."""
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        try:
            return function()
        except Exception as error:
            return error


def one_line(error: BaseException) -> str:
    """Return an error in one line."""
    return f"{type(error).__name__}: {' '.join(str(error).split())[:160]}"


def judged(trial: Any, found: Any, expected: Any, compare: Callable[[], str]) -> Outcome:
    """Judge two results or errors; `compare` says how results differ."""
    if isinstance(found, Exception):
        if not deliberate(found):
            return Outcome(CRASHES, one_line(found))
        if isinstance(expected, Exception):
            return Outcome(BOTH_REFUSE)
        if name := excluded.fault(trial, found, expected):
            return Outcome(EXCLUDED, name)
        if name := excluded.limit(trial, str(found)):
            return Outcome(LIMIT, name)
        return Outcome(REFUSES, one_line(found))
    words = f"transformers: {one_line(expected)}" if isinstance(expected, Exception) else compare()
    if not words:
        return Outcome(EQUAL)
    if name := excluded.fault(trial, found, expected):
        return Outcome(EXCLUDED, name)
    return Outcome(ANSWERS if isinstance(expected, Exception) else DIFFERS, words)


def run(trial: Any) -> Outcome:
    """Run a case, of preprocessing or of another kind that runs itself.

    Raises:
        Exception: the case itself cannot be made.
    """
    if not isinstance(trial, Trial):
        found: Outcome = trial.run()
        return found
    with defaults_kept(trial):
        return run_preprocessing(trial)


def run_preprocessing(trial: Trial) -> Outcome:
    """Run a case of preprocessing, a call or a graph."""
    if trial.folder:
        folder = NAMESPACE["FOLDER"] / "settings"
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir()
        NAMESPACE["folder"] = folder
        saved = attempt(lambda: exec(trial.folder, NAMESPACE))
        if isinstance(saved, Exception):
            if trial.given == "saved by graphproc" and not deliberate(saved):
                return Outcome(CRASHES, one_line(saved))
            return Outcome(BOTH_REFUSE)
    if trial.graph is not None:
        return run_graph(trial)
    expected = attempt(lambda: call(trial, trial.theirs, ""))
    found = attempt(lambda: call(trial, trial.ours, f", engine={trial.engine!r}"))
    return judged(trial, found, expected, lambda: difference(found, expected, bound_of(trial)))


def run_graph(trial: Trial) -> Outcome:
    """Run a graph, and compare with the numpy engine, which is compared with transformers first."""
    assert trial.graph is not None
    made = attempt(lambda: made_once(trial.ours))
    expected = attempt(lambda: call(trial, trial.theirs, ""))
    if isinstance(made, Exception):
        return judged(trial, made, expected, str)
    reference = attempt(lambda: call(trial, trial.ours, ", engine='numpy'"))
    first = judged(trial, reference, expected, lambda: difference(reference, expected, bound_of(trial)))
    if first.what not in (EQUAL, BOTH_REFUSE):
        return first
    overrides = tuple(trial.overrides().items()) if trial.graph.fixed == "overrides" else ()
    session = attempt(lambda: _session(trial.ours, trial.graph_options(), overrides))
    if isinstance(session, Exception):
        found: Any = session
    else:
        feeds = evaluated(trial.feeds())
        found = attempt(lambda: session(feeds))
    if isinstance(reference, Exception):
        if isinstance(found, Exception):
            return Outcome(BOTH_REFUSE)
        return judged(trial, found, reference, str)
    if isinstance(found, Exception):
        if not deliberate(found):
            return Outcome(CRASHES, one_line(found))
        if name := excluded.fault(trial, found, reference):
            return Outcome(EXCLUDED, name)
        if name := excluded.limit(trial, str(found)):
            return Outcome(LIMIT, name)
        return Outcome(REFUSES, one_line(found))
    wanted = as_graph(made, trial, reference)
    return judged(trial, found, wanted, lambda: difference(found, wanted))


@lru_cache(4)
def _session(processor: str, options: str, overrides: tuple[tuple[str, int], ...]) -> Callable[[Any], Any]:
    graph = evaluated(f"(lambda made: made.to_onnx({options}))({processor})")
    if not overrides:
        return gp.Session(graph, threads=1).run
    given = onnxruntime.SessionOptions()
    given.intra_op_num_threads = 1
    given.log_severity_level = 4
    for name, length in overrides:
        given.add_free_dimension_override_by_name(name, length)
    session = onnxruntime.InferenceSession(graph.SerializeToString(), given, providers=["CPUExecutionProvider"])
    names = [output.name for output in session.get_outputs()]

    def run(feeds: Mapping[str, Any]) -> dict[str, Any]:
        try:
            return dict(zip(names, session.run(None, dict(feeds)), strict=True))
        except Exception as error:
            raise GraphprocError(str(error)) from error

    return run


def as_graph(processor: Any, trial: Trial, result: Any) -> dict[str, Any]:
    """Turn the result of a call into what a graph returns."""
    assert trial.graph is not None
    arrays = result if hasattr(result, "keys") else {"pixel_values": result}
    program = processor.compile(color=trial.graph.color)
    return graph_outputs(program, processor.spec.texts, {name: _one_array(value) for name, value in arrays.items()})


def _one_array(value: Any) -> Any:
    """Make one array of a value. A graph pads images that stay separate in a call to the largest, with zeros."""
    if not isinstance(value, list) or len(shapes := {np.shape(item) for item in value}) < 2:
        return numpy_of(value)
    largest = np.max(list(shapes), axis=0)
    return np.stack(
        [np.pad(item, [(0, most - have) for most, have in zip(largest, np.shape(item), strict=True)]) for item in value]
    )
