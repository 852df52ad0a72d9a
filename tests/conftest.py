"""Shared fixtures, the tier of the run, and what one environment leaves to another.

`pytest --write-skipped=FILE` writes down which tests were skipped, and `pytest --only-skipped=FILE` runs these alone, in an
environment that has what they need.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import tiers

SKIPPED: set[str] = set()
"""The tests and files that this run skipped."""


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--write-skipped", metavar="FILE", help="write the names of skipped tests and files to FILE")
    parser.addoption("--only-skipped", metavar="FILE", help="run only the tests and files that FILE names")


def pytest_configure(config: pytest.Config) -> None:
    tiers.choose(config.getoption("markexpr"))


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    if report.skipped:
        SKIPPED.add(report.nodeid)


def pytest_collectreport(report: pytest.CollectReport) -> None:
    if report.skipped:
        SKIPPED.add(report.nodeid)


def pytest_sessionfinish(session: pytest.Session) -> None:
    file = session.config.getoption("write_skipped")
    if file and not hasattr(session.config, "workerinput"):  # in the process that has the reports of all
        Path(file).write_text("".join(f"{name}\n" for name in sorted(SKIPPED)), encoding="utf-8")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    file = config.getoption("only_skipped")
    if file:
        wanted = set(Path(file).read_text(encoding="utf-8").splitlines())
        left_out = [item for item in items if not wanted & {item.nodeid, item.nodeid.split("::")[0]}]
        items[:] = [item for item in items if wanted & {item.nodeid, item.nodeid.split("::")[0]}]
        config.hook.pytest_deselected(items=left_out)


@pytest.fixture(scope="session")
def root() -> Path:
    """Return the folder that holds `graphproc`, `tests` and `tools`."""
    return Path(__file__).resolve().parent.parent


@pytest.fixture
def rng() -> np.random.Generator:
    """Return random numbers that are the same on every run."""
    return np.random.default_rng(0)
