import fcntl
import json
import logging
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from recommender.stack import StackConfig, StackError, ensure_data_dir, postgres, valkey
from recommender.stack.account import current
from recommender.stack.launch import AlreadyRunningError, claimed
from recommender.stack.processes import ProcessRecord
from recommender.stack.record import ServiceRecord, lock_path, read_record
from recommender.stack.service import Service, worker_runs_here
from recommender.stack.status import State, collect
from recommender.stack.takedown import take_down

PROCESS = {"pid": 4_000_000, "started": 1.5, "command": ["granian"]}
RECORD = {"supervisor": PROCESS, "url": "http://127.0.0.1:8000", "children": {"web": PROCESS}}
WHOLE = json.dumps(RECORD).encode()
DAMAGED = [
    *(b"", WHOLE[:1], WHOLE[:50], WHOLE[:-1], b"\x00" * 300, b"\xff\xfe{}", b"[" * 100_000),
    *(b"[]", b"null", b"true", b"7", b"{}", b'"text"', b"1" * 6_000),
    *(
        json.dumps(value).encode()
        for value in (
            RECORD | {"supervisor": None},
            RECORD | {"url": 8000},
            RECORD | {"children": [PROCESS]},
            RECORD | {"children": {"web": None}},
            RECORD | {"supervisor": PROCESS | {"pid": "4000000"}},
            RECORD | {"supervisor": PROCESS | {"pid": -1}},
            RECORD | {"supervisor": PROCESS | {"pid": True}},
            RECORD | {"supervisor": PROCESS | {"started": float("nan")}},
            RECORD | {"supervisor": PROCESS | {"command": "granian"}},
            RECORD | {"supervisor": PROCESS | {"command": [["granian"]]}},
            # Of another version.
            {"version": 2, "services": RECORD["children"]},
        )
    ),
]


@pytest.fixture
def config(tmp_path: Path) -> StackConfig:
    config = StackConfig(tmp_path / "data", database_url=None, broker_url=None)
    ensure_data_dir(config)
    return config


@pytest.fixture
def start() -> Iterator[Callable[[Path], int]]:
    """Starts a leader of a session that appends to a file; its process number."""
    with ExitStack() as started:

        def start(log: Path) -> int:
            code = "import time; print('up', flush=True); time.sleep(60)"
            with log.open("ab") as output:
                process = subprocess.Popen(
                    [sys.executable, "-c", code], stdout=output, start_new_session=True
                )
            started.enter_context(process)
            started.callback(process.kill)
            return process.pid

        yield start


@pytest.mark.parametrize("content", DAMAGED)
def test_a_damaged_record_is_none_and_said_in_one_line(
    config: StackConfig, content: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    path = config.layout.run / "service.json"
    path.write_bytes(content)
    with caplog.at_level(logging.WARNING):
        states = {part.name: part.state for part in collect(config)}
        assert take_down(config) == []
    assert states["web"] is states["supervisor"] is State.STOPPED
    (line,) = caplog.messages
    assert line.startswith(f"The record {path} is damaged (")
    assert "\n" not in line
    assert not path.exists()


def test_what_was_written_is_read(config: StackConfig) -> None:
    own = ProcessRecord.of(os.getpid())
    record = ServiceRecord(supervisor=own, url="http://127.0.0.1:1", children={"web": own})
    record.write(config.layout)
    assert read_record(config.layout) == record


@pytest.mark.parametrize("content", [b"", None])
def test_what_runs_is_found_without_its_record(
    config: StackConfig, start: Callable[[Path], int], content: bytes | None
) -> None:
    layout = config.layout
    if content is not None:
        (layout.run / "service.json").write_bytes(content)
    web, worker = start(layout.log("web")), start(layout.log("worker"))
    supervisor = start(lock_path(layout))
    found = {part.name: part.pid for part in collect(config) if part.up}
    assert found == {"web": web, "worker": worker, "supervisor": supervisor}
    assert worker_runs_here(config)
    assert set(take_down(config)) == found.keys()
    assert not any(part.up for part in collect(config))


def test_a_damaged_record_lets_nobody_start_a_second_service(config: StackConfig) -> None:
    (config.layout.run / "service.json").write_text("null")
    with lock_path(config.layout).open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        service = Service(config=config, host="127.0.0.1", port=0)
        with pytest.raises(AlreadyRunningError, match="already running at this data directory"):
            claimed(service).__enter__()


@pytest.mark.parametrize("content", [b"", b"\xff", "²\n".encode(), b"9" * 5_000, b"-1\n", b"1\n"])
def test_a_damaged_number_of_a_server_names_none(config: StackConfig, content: bytes) -> None:
    layout = config.layout
    for file in (layout.postgres / "postmaster.pid", layout.valkey / "valkey.pid"):
        file.parent.mkdir()
        file.write_bytes(content)
    assert postgres.running(layout) is valkey.running(layout) is None
    assert not postgres.ready(layout)


@pytest.mark.parametrize("content", [b"", b"\xff\x00", b"eighteen"])
def test_data_that_do_not_tell_their_version_are_refused_with_the_ways_out(
    config: StackConfig, content: bytes
) -> None:
    config.layout.postgres.mkdir()
    (config.layout.postgres / "PG_VERSION").write_bytes(content)
    with pytest.raises(StackError, match=r"the data are damaged\. Restore"):
        postgres.prepare(config.layout, current())
