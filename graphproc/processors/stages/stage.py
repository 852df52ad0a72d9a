"""Say what a stage is, and make stages that do nothing in some settings or in one backend."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps

from graphproc.configs.config import Config
from graphproc.ir.program import ProgramBuilder, Value

Stage = Callable[[ProgramBuilder, Config, Value], Value]
"""One step of a pipeline: reads its own settings and returns its input unchanged where they switch it off."""


def when(switch: str) -> Callable[[Stage], Stage]:
    """Make a stage that leaves the image as it is where a setting is false or null."""

    def switched(stage: Stage) -> Stage:
        @wraps(stage)
        def run(b: ProgramBuilder, config: Config, x: Value) -> Value:
            return stage(b, config, x) if getattr(config, switch) else x

        return run

    return switched


def only(backend: str, stage: Stage) -> Stage:
    """Make a stage that leaves the image as it is in the other backend."""

    @wraps(stage)
    def run(b: ProgramBuilder, config: Config, x: Value) -> Value:
        return stage(b, config, x) if b.backend == backend else x

    return run
