"""What of the stack runs."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from enum import StrEnum
from pathlib import Path

import psutil

from recommender.stack import archive, postgres, valkey
from recommender.stack.broker import check_broker
from recommender.stack.config import (
    StackConfig,
    StackError,
    broker_url,
    database_url,
    without_password,
)
from recommender.stack.embedded import check_access
from recommender.stack.external import check_database
from recommender.stack.processes import ProcessRecord
from recommender.stack.record import read_record


class State(StrEnum):
    """Whether a part runs; an external server is somebody else's to start and stop."""

    RUNNING = "running"
    STOPPED = "stopped"
    EXTERNAL = "external"
    UNREACHABLE = "unreachable"
    FAILING = "failing"


@dataclass(frozen=True, slots=True)
class PartStatus:
    """One part of the stack.

    Args:
        url: where it answers, without a password.
        advice: what is wrong, or lacking, and what to do.
    """

    name: str
    state: State
    pid: int | None = None
    url: str | None = None
    advice: str | None = None

    @property
    def up(self) -> bool:
        """Whether it can be used."""
        return self.state in (State.RUNNING, State.EXTERNAL)


def collect(config: StackConfig) -> list[PartStatus]:
    """The state of PostgreSQL, Valkey, web, worker, beat, their supervisor, and the archive.

    Raises:
        StackError: the data directory is another user's.
    """
    check_access(config)
    return [_database(config), _broker(config), *_service(config)]


def _database(config: StackConfig) -> PartStatus:
    url = without_password(database_url(config))
    if config.database_url is not None:
        return PartStatus("postgres", _reached(check_database, config), None, url)
    return _own("postgres", postgres.running(config.layout), url)


def _broker(config: StackConfig) -> PartStatus:
    url = without_password(broker_url(config))
    if config.broker_url is not None:
        return PartStatus("valkey", _reached(check_broker, config), None, url)
    return _own("valkey", valkey.running(config.layout), url)


def _service(config: StackConfig) -> list[PartStatus]:
    record = read_record(config.layout)
    known: dict[str, ProcessRecord] = {}
    urls: dict[str, str | None] = {}
    if record is not None:
        known = dict(record.children)
        if record.supervisor is not None:
            known["supervisor"] = record.supervisor
        urls = {"web": record.url}
    parts = [
        _own(name, known[name].find() if name in known else None, urls.get(name))
        for name in ("web", "worker", "beat", "supervisor")
    ]
    if config.wal_archive is not None:
        process = known["archive"].find() if "archive" in known else None
        parts.append(_archive(config, config.wal_archive, process))
    return parts


def _archive(config: StackConfig, root: Path, process: psutil.Process | None) -> PartStatus:
    part = _own("archive", process, str(root))
    try:
        health = archive.health(config, root)
    except StackError:  # the server is stopped, which has a line of its own
        return part
    state = State.FAILING if health.is_failing else part.state
    return replace(part, state=state, advice=health.advice)


def _reached(check: Callable[[StackConfig], None], config: StackConfig) -> State:
    try:
        check(config)
    except StackError:
        return State.UNREACHABLE
    return State.EXTERNAL


def _own(name: str, process: psutil.Process | None, url: str | None = None) -> PartStatus:
    if process is None:
        return PartStatus(name, State.STOPPED, None, url)
    return PartStatus(name, State.RUNNING, process.pid, url)
