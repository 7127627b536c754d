import os
import signal
import stat
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import psutil
import psycopg
import pytest
import redis

from recommender.stack import (
    StackConfig,
    StackError,
    broker_url,
    database_url,
    ensure_started,
    postgres,
    stop,
    valkey,
)
from recommender.stack.config import PROJECT_DIR
from recommender.stack.processes import find_process
from tests.recommender.stack.conftest import processes_of

pytestmark = pytest.mark.slow

NOBODY = 65534


def query(config: StackConfig, sql: str) -> object:
    with psycopg.connect(database_url(config), autocommit=True) as connection:
        cursor = connection.execute(sql)
        return cursor.fetchone()[0] if cursor.description else None


def broker(config: StackConfig) -> redis.Redis:
    return redis.Redis(unix_socket_path=str(config.layout.valkey_socket), decode_responses=True)


def wait_until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 20
    while not condition():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.001)


def kill(process: psutil.Process) -> None:
    process.kill()
    wait_until(lambda: find_process(process.pid) is None)


@contextmanager
def as_nobody() -> Iterator[None]:
    """Be another user, and of no group of root's, as only root can."""
    os.setegid(NOBODY)
    os.seteuid(NOBODY)
    try:
        yield
    finally:
        os.seteuid(0)
        os.setegid(0)


def start_elsewhere(config: StackConfig) -> "subprocess.Popen[bytes]":
    """Begin to start the servers in a process of its own."""
    code = (
        "import os, pathlib; from recommender import stack; "
        "stack.ensure_started(stack.read_config(os.environ, pathlib.Path()))"
    )
    environment = os.environ | {"KINSHIP_DATA_DIR": str(config.data_dir)}
    return subprocess.Popen(
        [sys.executable, "-c", code], cwd=PROJECT_DIR, env=environment, stderr=subprocess.PIPE
    )


def test_a_first_start_gives_a_database_with_vectors_and_a_broker(config):
    ensure_started(config)
    query(config, "CREATE EXTENSION vector")
    assert query(config, "SELECT '[1,2]'::halfvec <-> '[1,4]'::halfvec") == 2
    assert query(config, "SELECT current_database()") == "kinship"
    with broker(config) as client:
        assert client.ping()


def test_the_servers_listen_on_sockets_that_only_their_owner_enters(shared):
    assert query(shared, "SHOW listen_addresses") == ""
    assert stat.S_IMODE(shared.layout.sockets.stat().st_mode) == 0o700
    with broker(shared) as client:
        assert client.config_get("port") == {"port": "0"}


def test_nobody_but_the_owner_and_root_is_let_in_even_through_an_open_door(started):
    if os.geteuid() != 0:
        pytest.skip("only root can become another user")
    for directory in (started.layout.sockets, *started.layout.sockets.parents):
        directory.chmod(directory.stat().st_mode | 0o011)
    (started.layout.sockets / ".s.PGSQL.5432").chmod(0o777)
    with as_nobody(), pytest.raises(psycopg.OperationalError, match="Peer authentication failed"):
        psycopg.connect(database_url(started))


def test_nobody_else_passes_to_the_data_nor_through_what_is_above_them(config):
    above = config.data_dir.parent
    above.chmod(0o700)
    ensure_started(config)
    assert query(config, "SELECT 1") == 1
    layout = config.layout
    for directory in (above, layout.data_dir, layout.run, layout.logs, layout.sockets):
        assert stat.S_IMODE(directory.stat().st_mode) & 0o007 == 0, directory
    for log in layout.logs.iterdir():
        assert stat.S_IMODE(log.stat().st_mode) == 0o600, log
    if os.geteuid() == 0:
        with as_nobody():
            assert not os.access(above, os.X_OK, effective_ids=True)
    # Nothing stands in the way of the next start.
    stop(config)
    ensure_started(config)
    assert query(config, "SELECT 1") == 1


def test_starting_twice_changes_nothing(shared):
    pids = postgres.running(shared.layout).pid, valkey.running(shared.layout).pid
    ensure_started(shared)
    assert (postgres.running(shared.layout).pid, valkey.running(shared.layout).pid) == pids


def test_data_and_queued_work_survive_a_restart(started):
    query(started, "CREATE TABLE kept AS SELECT 7 AS number")
    with broker(started) as client:
        client.lpush("queue", "task")
    assert sorted(stop(started)) == ["postgres", "valkey"]
    ensure_started(started)
    assert query(started, "SELECT number FROM kept") == 7
    with broker(started) as client:
        assert client.lrange("queue", 0, -1) == ["task"]


def test_stopping_what_never_ran_stops_nothing_and_makes_nothing(config):
    assert stop(config) == []
    assert not config.data_dir.exists()


def test_killed_servers_are_started_again_with_their_data(started):
    query(started, "CREATE TABLE kept AS SELECT 7 AS number")
    for process in (postgres.running(started.layout), valkey.running(started.layout)):
        kill(process)
    ensure_started(started)
    assert query(started, "SELECT number FROM kept") == 7
    with broker(started) as client:
        assert client.ping()


def test_a_killed_server_whose_session_still_works_is_started_again(started):
    with psycopg.connect(database_url(started)) as connection:
        session = psutil.Process(connection.info.backend_pid)
        session.suspend()  # in the midst of a long step, it does not notice its server's end
        kill(postgres.running(started.layout))
        ensure_started(started)
        assert find_process(session.pid) is None
    assert query(started, "SELECT 1") == 1


def test_a_process_number_that_went_to_another_process_is_not_believed(started):
    stop(started)
    stranger = os.getpid()
    (started.layout.postgres / "postmaster.pid").write_text(
        f"{stranger}\n{started.layout.postgres}\n1700000000\n5432\n\n\n  1 1\nready   \n"
    )
    (started.layout.valkey / "valkey.pid").write_text(f"{stranger}\n")
    ensure_started(started)
    assert query(started, "SELECT 1") == 1
    with broker(started) as client:
        assert client.ping()


@pytest.mark.parametrize(
    "milestone",
    ["postgres.unfinished", "postgres", "valkey/valkey.pid", "postgres/postmaster.pid"],
)
def test_a_start_that_is_broken_off_leaves_nothing_that_stop_does_not_find(config, milestone):
    starter = start_elsewhere(config)
    wait_until((config.data_dir / milestone).exists)
    starter.send_signal(signal.SIGINT)
    starter.communicate(timeout=30)
    stop(config)
    assert processes_of(config) == []
    ensure_started(config)
    assert query(config, "SELECT 1") == 1


def test_many_processes_may_start_it_at_once(config):
    starters = [start_elsewhere(config) for _ in range(3)]
    complaints = [starter.communicate(timeout=60)[1] for starter in starters]
    assert [starter.returncode for starter in starters] == [0, 0, 0], complaints
    assert query(config, "SELECT 1") == 1


def test_a_path_too_long_for_a_socket_works(config):
    config = replace(config, data_dir=config.data_dir / ("deep/" * 15) / "with space")
    try:
        ensure_started(config)
        assert query(config, "SELECT 1") == 1
        assert broker_url(config).startswith("redis+socket:///tmp/kinship-")
    finally:
        stop(config)
        config.layout.sockets.rmdir()


def test_with_external_urls_nothing_is_started(config):
    config = replace(config, database_url="postgresql://db/shop", broker_url="redis://broker")
    ensure_started(config)
    assert not config.data_dir.exists()


def test_only_the_server_without_an_external_url_is_started(config):
    config = replace(config, database_url="postgresql://db/shop")
    ensure_started(config)
    assert valkey.running(config.layout) is not None
    assert postgres.running(config.layout) is None
    stop(config)


def test_data_of_another_major_version_are_refused_with_the_ways_out(config):
    config.layout.postgres.mkdir(parents=True)
    (config.layout.postgres / "PG_VERSION").write_text("15\n")
    with pytest.raises(StackError, match="PostgreSQL 15; the embedded one is 18") as caught:
        ensure_started(config)
    for way_out in ("kinship backup", "kinship restore", "KINSHIP_DATA_DIR", "DATABASE_URL"):
        assert way_out in str(caught.value)


def test_a_directory_that_holds_something_else_is_left_alone(config):
    config.layout.postgres.mkdir(parents=True)
    (config.layout.postgres / "thesis.txt").touch()
    with pytest.raises(StackError, match=r"no PostgreSQL data\. Move it away"):
        ensure_started(config)
    assert (config.layout.postgres / "thesis.txt").exists()


def test_a_first_start_that_was_killed_is_begun_again(config):
    unfinished = config.layout.postgres.with_suffix(".unfinished")
    unfinished.mkdir(parents=True)
    (unfinished / "PG_VERSION").touch()
    ensure_started(config)
    assert query(config, "SELECT 1") == 1


def test_a_server_that_cannot_start_says_why(config):
    ensure_started(config)
    stop(config)
    with (config.layout.postgres / "postgresql.conf").open("a") as file:
        file.write("work_mem = 'much'\n")
    with pytest.raises(StackError, match=r'did not start.*\n(.*\n)*.*"work_mem": "much"'):
        ensure_started(config)


@pytest.fixture
def ordinary_user() -> Iterator[None]:
    """Where root runs the tests, be somebody else for this one."""
    if os.geteuid() != 0:
        yield
        return
    os.seteuid(NOBODY)
    yield
    os.seteuid(0)


@pytest.mark.usefixtures("ordinary_user")
def test_a_data_directory_that_cannot_be_made_is_reported_with_a_way_out():
    config = StackConfig(data_dir=Path("/usr/kinship"), database_url=None, broker_url=None)
    with pytest.raises(StackError, match=r"/usr/kinship: Permission denied\. Set KINSHIP_DATA_DIR"):
        ensure_started(config)


@pytest.mark.usefixtures("ordinary_user")
@pytest.mark.parametrize("command", [ensure_started, stop])
def test_a_data_directory_of_another_user_is_reported_with_its_owner(command):
    config = StackConfig(data_dir=Path("/usr"), database_url=None, broker_url=None)
    with pytest.raises(
        StackError, match=r"No permission to write in /usr, .* belongs to root\. Run"
    ):
        command(config)


def test_the_servers_are_out_of_reach_of_a_terminals_interrupt(shared):
    for process in (postgres.running(shared.layout), valkey.running(shared.layout)):
        assert os.getsid(process.pid) != os.getsid(0)
