"""Everything that can be timed, in one list."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby

from graphproc.bench.own import OWN
from graphproc.bench.peers import PEERS
from graphproc.bench.task import Contestant, LeftOutError, Task

MAKERS = {**OWN, **PEERS}
"""What makes each contestant, by its name, in the order of tables."""
NAMES = tuple(MAKERS)


def contestants(task: Task, threads: Sequence[int] = (1,), names: Sequence[str] = NAMES) -> tuple[list[Contestant], list[str]]:
    """Those who can do a task here.

    Args:
        task: what they do.
        threads: for each of these numbers there is one of those contestants that can have several.
        names: who is wanted.

    Returns:
        The contestants in the order of tables, and a line for each that is left out, with the reason.
    """
    found: list[Contestant] = []
    absent: list[str] = []
    for make, kind in groupby(MAKERS, key=MAKERS.__getitem__):
        if wanted := [name for name in kind if name in names]:
            try:
                found += [contestant for contestant in make(task, threads) if contestant.name in wanted]
            except LeftOutError as error:
                absent.append(f"{'; '.join(wanted)}: {error}")
    return sorted(found, key=lambda contestant: NAMES.index(contestant.name)), absent
