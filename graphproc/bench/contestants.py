"""List everything that can be timed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import groupby

from graphproc.bench.floor import FLOOR, floor
from graphproc.bench.own import OWN
from graphproc.bench.peers import PEERS
from graphproc.bench.task import Contestant, LeftOutError, Maker, Task

MAKERS: Mapping[str, Maker] = {**OWN, **PEERS, FLOOR: floor}
"""The maker of each contestant, by the contestant's name, in the order of tables."""
NAMES = tuple(MAKERS)


def contestants(
    task: Task, threads: Sequence[int] = (1,), names: Sequence[str] = NAMES, makers: Mapping[str, Maker] = MAKERS
) -> tuple[list[Contestant], list[str]]:
    """Return the contestants that can do a task on this machine.

    Args:
        task: the task.
        threads: numbers of threads. A contestant that can have several threads is made for each.
        names: the names of the contestants to make.
        makers: the maker of each contestant by its name. Names of one maker that follow each other
            are made at once.

    Returns:
        The contestants in the order of `makers`, and a line with the reason for each one left out.
    """
    found: list[Contestant] = []
    absent: list[str] = []
    for make, kind in groupby(makers, key=makers.__getitem__):
        if wanted := [name for name in kind if name in names]:
            try:
                found += [contestant for contestant in make(task, threads) if contestant.name in wanted]
            except LeftOutError as error:
                absent.append(f"{'; '.join(wanted)}: {error}")
    return sorted(found, key=lambda contestant: list(makers).index(contestant.name)), absent
