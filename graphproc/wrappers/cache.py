"""Programs, sessions and planners that a processor keeps from earlier calls."""

from __future__ import annotations

from collections.abc import Hashable
from typing import TYPE_CHECKING, Any

from graphproc.configs.config import Config
from graphproc.ir.program import Program
from graphproc.passes.split import Split
from graphproc.plans.plan import Planner
from graphproc.runtime import forks, native
from graphproc.runtime.memory import Memory
from graphproc.wrappers.lru_dict import LruDict
from graphproc.wrappers.running import Arrangement
from graphproc.wrappers.shared_sessions import shared

if TYPE_CHECKING:
    from graphproc.runtime.session import Session

MOST_PROGRAMS = 64
"""How many programs, and normalised sets of settings, a processor keeps."""
MOST_ARRANGEMENTS = 256
"""How many arrangements of runs for image sizes a processor keeps."""
MOST_SESSIONS = 16
"""How many sessions a processor keeps, not counting those of workers. Others of its process may have the same ones."""


class Cache:
    """What a processor keeps from earlier calls. A copy starts empty; it finds the sessions among `shared_sessions`.

    Attributes:
        configs: normalised settings, by the settings as they were given.
        programs: programs of preprocessing and post-processing, by settings and options.
        splits: the two parts of programs of preprocessing, by the same.
        sessions: sessions of their graphs, by the same and the number of threads.
        planners: what makes plans of images' sizes, by program.
        arrangements: how programs run on inputs of known shapes (`running.Arrangement`).
        memory: memory of large results, to be used again.
        warned: the subjects of warnings that were given, each only once.
    """

    def __init__(self) -> None:
        """Make an empty cache."""
        self.configs: LruDict[bytes, Config] = LruDict(MOST_PROGRAMS)
        self.programs: LruDict[Hashable, Program] = LruDict(MOST_PROGRAMS)
        self.splits: LruDict[Hashable, Split] = LruDict(MOST_PROGRAMS)
        self.sessions: LruDict[Hashable, Session] = LruDict(MOST_SESSIONS)
        self.planners: LruDict[int, Planner] = LruDict(MOST_PROGRAMS)
        self.arrangements: LruDict[Hashable, Arrangement] = LruDict(MOST_ARRANGEMENTS)
        self.memory = Memory()
        self.warned: set[str] = set()

    def session(self, key: Hashable, program: Program, **options: Any) -> Session:
        """Return the session of a program's graph, made if no processor of this process has it. Forks wait while it is made.

        Args:
            key: identifies the session among those of this processor.
            program: the program.
            **options: options of `Session`.
        """

        def make() -> Session:
            with forks.unforked():
                from graphproc.runtime.origin import of_program
                from graphproc.runtime.session import Session

                origin = of_program(program, kernels=library is not None)
                return Session(origin.graph(kernels=library is not None), origin=origin, **options)

        def find() -> Session:
            # Nothing else decides what the session does: a program is its text.
            return shared.get_or_make((str(program), library, *sorted(options.items())), make)

        library = native.path()
        return self.sessions.get_or_make(key, find)
