import os
import signal
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from recommender.stack import StackConfig
from recommender.stack.processes import end_sessions
from recommender.stack.service import Child, ChildSpec, Service, child_specs, restart_delay

CONFIG = StackConfig(data_dir=Path("/srv/data"), database_url=None, broker_url=None)


@pytest.mark.parametrize(
    ("host", "url"),
    [
        ("127.0.0.1", "http://127.0.0.1:8000"),
        ("0.0.0.0", "http://127.0.0.1:8000"),
        ("::", "http://[::1]:8000"),
        ("shop.example", "http://shop.example:8000"),
    ],
)
def test_the_url_is_one_that_this_machine_can_open(host, url):
    assert Service(config=CONFIG, host=host, port=8000).url == url


def test_the_number_of_worker_processes_can_be_chosen():
    _, worker, _ = child_specs(Service(config=CONFIG, host="127.0.0.1", port=8000, workers=7))
    assert worker.command[worker.command.index("--concurrency") + 1] == "7"


def test_no_command_line_shows_a_password():
    config = StackConfig(
        data_dir=Path("/srv/data"),
        database_url="postgresql://shop:secret@db/shop",
        broker_url="redis://:secret@broker",
    )
    specs = child_specs(Service(config=config, host="127.0.0.1", port=8000))
    assert "secret" not in str([spec.command for spec in specs])


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
