import os
import signal
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from recommender.stack.child import Child, restart_delay
from recommender.stack.processes import end_sessions
from recommender.stack.service import ChildSpec


def make_child(log: Path, code: str) -> Child:
    spec = ChildSpec(name="web", command=(sys.executable, "-c", code), log=log, grace=1.0)
    return Child(spec, os.environ)


def tend_until(child: Child, condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 20
    while not condition():
        assert time.monotonic() < deadline
        child.tend()
        time.sleep(0.01)


@pytest.mark.parametrize(("crashes", "delay"), [(1, 1), (2, 2), (3, 4), (5, 16), (6, 30), (99, 30)])
def test_the_delay_doubles_up_to_half_a_minute(crashes, delay):
    assert restart_delay(crashes) == delay


def test_a_killed_process_is_started_again_and_said_so(tmp_path, caplog):
    child = make_child(tmp_path / "web.log", "import time; print('up'); time.sleep(60)")
    child.tend()
    first = child.record.pid
    os.kill(first, signal.SIGKILL)
    tend_until(child, lambda: child.record.pid != first)
    end_sessions([(child.record, 1.0)])
    child.tend()
    assert "web ended (killed by signal 9); starting it again in 1 s" in caplog.text


def test_what_a_process_says_goes_to_its_log(tmp_path):
    log = tmp_path / "web.log"
    child = make_child(log, "print('listening')")
    tend_until(child, lambda: child.crashes == 1)
    assert log.read_text() == "listening\n"
