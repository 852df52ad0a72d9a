"""Forked processes: what other threads were doing keeps nothing locked there."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from importlib import import_module
from pathlib import Path

import pytest

from graphproc.runtime import forks

pytestmark = [
    pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork"),
    pytest.mark.filterwarnings("ignore:.*multi-threaded.*fork:DeprecationWarning"),
]

FIRST_CALLS = """
import os, signal, sys, threading, time
import numpy as np
import graphproc as gp

processor, images = gp.CLIPImageProcessor(), [np.zeros((60, 80, 3), np.uint8)] * 2
threads = [threading.Thread(target=processor, args=(images,)) for _ in range(2)]
for thread in threads:
    thread.start()
time.sleep(float(sys.argv[1]))
child = os.fork()
if child == 0:
    signal.alarm(30)
    processor(images)
    os._exit(0)
for thread in threads:
    thread.join()
sys.exit(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
"""


@pytest.mark.slow
@pytest.mark.parametrize("seconds", [0.01, 0.3])
def test_a_fork_waits_for_first_calls(seconds: float, root: Path) -> None:
    """First calls import modules and make sessions; a lock of a module that is being imported stays locked in a child."""
    command = [sys.executable, "-W", "ignore::DeprecationWarning", "-c", FIRST_CALLS, str(seconds)]
    assert subprocess.run(command, cwd=root, timeout=120, check=False).returncode == 0


def test_a_fork_waits_for_other_threads_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(forks, "LONGEST", 60)
    entered, leave, left = threading.Event(), threading.Event(), []

    def other() -> None:
        with forks.unforked(), forks.unforked():
            entered.set()
            leave.wait(60)
            left.append(True)

    thread = threading.Thread(target=other)
    thread.start()
    entered.wait(60)
    threading.Timer(0.2, leave.set).start()
    with forks.unforked():  # a part of its own is no reason to wait
        child = os.fork()
    if child == 0:
        os._exit(0 if left and not forks._within.keys() - {threading.get_ident()} else 1)
    thread.join()
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    assert not forks._within


def test_a_fork_waits_for_imports_in_other_threads(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "slow_to_import.py").write_text("import time\n\ntime.sleep(0.3)\n")
    monkeypatch.syspath_prepend(tmp_path)
    thread = threading.Thread(target=import_module, args=("slow_to_import",))
    thread.start()
    time.sleep(0.05)
    child = os.fork()
    if child == 0:
        signal.alarm(10)
        import_module("slow_to_import")
        os._exit(0)
    thread.join()
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0


def test_no_fork_waits_for_ever(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(forks, "LONGEST", 0.1)
    entered, leave = threading.Event(), threading.Event()

    def other() -> None:
        with forks.unforked():
            entered.set()
            leave.wait(60)

    thread = threading.Thread(target=other)
    thread.start()
    entered.wait(60)
    child = os.fork()
    if child == 0:
        os._exit(0)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    leave.set()
    thread.join()
