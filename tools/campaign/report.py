"""Report what was tried and the outcomes: counts, and failures with their programs."""

from __future__ import annotations

import time
from collections import Counter
from dataclasses import dataclass
from typing import Any

from campaign.run import FAILURES, OUTCOMES, Outcome


@dataclass(frozen=True)
class Failure:
    """A failing case, after it was reduced.

    Attributes:
        name, backend, kind: the case's.
        outcome: its outcome.
        script: the program that repeats it.
        seed, index: the campaign's seed and the group's number, from which the original case is drawn.
    """

    name: str
    backend: str
    kind: str
    outcome: Outcome
    script: str
    seed: int
    index: int

    def __str__(self) -> str:
        head = f"# {self.name}, {self.backend}, {self.kind}: {self.outcome.what}: {self.outcome.words}"
        return f"{head}\n# seed {self.seed}, group {self.index}\n{self.script}\n"


class Report:
    """Counts by class and by kind, and failures."""

    def __init__(self) -> None:
        self.counts: Counter[tuple[str, str, str, str]] = Counter()
        self.named: Counter[tuple[str, str]] = Counter()
        self.alike: dict[str, Counter[str]] = {}
        self.failures: list[Failure] = []
        self.start = time.monotonic()

    def add(self, name: str, backend: str, kind: str, outcome: Outcome, signature: str = "") -> None:
        """Count a case; count failures also by what they have in common."""
        self.counts[name, backend, kind, outcome.what] += 1
        if outcome.what not in FAILURES and outcome.words:
            self.named[outcome.what, outcome.words] += 1
        if outcome.failed:
            self.alike.setdefault(signature, Counter())[f"{name.removesuffix('ImageProcessor')} {backend}"] += 1

    def found(self, failure: Failure) -> None:
        """Keep and print a failure."""
        self.failures.append(failure)
        print(f"\n{failure}", flush=True)

    def table(self, by: int) -> dict[str, Counter[str]]:
        """Count outcomes by class (0), backend (1) or kind (2)."""
        found: dict[str, Counter[str]] = {}
        for key, count in self.counts.items():
            found.setdefault(key[by], Counter())[key[3]] += count
        return dict(sorted(found.items()))

    def print(self, seed: int) -> None:
        """Print the counts."""
        for by, title in ((0, "class"), (2, "kind"), (1, "backend")):
            print(f"\n{title:40}{'cases':>8}" + "".join(f"{what:>{max(len(what) + 2, 8)}}" for what in OUTCOMES))
            for name, outcomes in self.table(by).items():
                cells = "".join(f"{outcomes[what] or '':>{max(len(what) + 2, 8)}}" for what in OUTCOMES)
                print(f"{name.removesuffix('ImageProcessor'):40}{outcomes.total():8}{cells}")
        for (what, words), count in sorted(self.named.items()):
            print(f"{count:6} {what}: {words}")
        for signature, where in sorted(self.alike.items(), key=lambda item: -item[1].total()):
            print(f"{where.total():6} {signature}\n       {', '.join(name for name, _ in where.most_common(8))}")
        failed = sum(count for key, count in self.counts.items() if key[3] in FAILURES)
        seconds = time.monotonic() - self.start
        print(f"\nseed {seed}: {self.counts.total()} cases in {seconds:.0f} s, {failed} failed, of {len(self.failures)} printed")

    def as_json(self, seed: int) -> dict[str, Any]:
        """Return everything as plain data, for a file."""
        return {
            "seed": seed,
            "cases": self.counts.total(),
            "classes": {name: dict(outcomes) for name, outcomes in self.table(0).items()},
            "kinds": {name: dict(outcomes) for name, outcomes in self.table(2).items()},
            "backends": {name: dict(outcomes) for name, outcomes in self.table(1).items()},
            "named": {f"{what}: {words}": count for (what, words), count in sorted(self.named.items())},
            "alike": {signature: dict(where) for signature, where in self.alike.items()},
            "failures": [{**vars(failure), "outcome": vars(failure.outcome)} for failure in self.failures],
        }
