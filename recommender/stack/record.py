"""The record of what runs on a data directory, and how to do without one that is damaged."""

import json
import logging
import math
import os
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

import psutil

from recommender.stack.config import Layout
from recommender.stack.processes import ProcessRecord

SERVICES = ("web", "worker", "beat", "archive")

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class ServiceRecord:
    """Who supervises the service, where it answers, and its processes by name.

    Args:
        supervisor: None where it ended and the record was damaged.
        url: None where the record was damaged.
    """

    supervisor: ProcessRecord | None
    url: str | None
    children: dict[str, ProcessRecord] = field(default_factory=dict)

    def write(self, layout: Layout) -> None:
        """Replace the record of this data directory."""
        path = _path(layout)
        new = path.with_suffix(".new")
        new.write_text(json.dumps(asdict(self)))
        new.replace(path)


def read_record(layout: Layout) -> ServiceRecord | None:
    """The last record written, whether or not its processes still run.

    Without one that can be read: what is found running on the data directory, or None.
    """
    try:
        return _parse(_path(layout).read_bytes())
    except FileNotFoundError:
        return _find(layout)
    except (OSError, ValueError, RecursionError) as exc:
        _say_damaged(_path(layout), str(exc))
        return _find(layout)


def remove_record(layout: Layout) -> None:
    """Forget the record: its processes have ended."""
    _path(layout).unlink(missing_ok=True)


def lock_path(layout: Layout) -> Path:
    """The file whose lock the supervisor of a data directory holds."""
    return layout.run / "supervisor.lock"


def _path(layout: Layout) -> Path:
    return layout.run / "service.json"


@cache
def _say_damaged(path: Path, reason: str) -> None:
    logger.warning("The record %s is damaged (%s); looking for what runs", path, reason)


def _parse(content: bytes) -> ServiceRecord:
    """Raise ValueError where the content is not what `write` writes."""
    members = _members(json.loads(content), {"supervisor": dict, "url": str, "children": dict})
    return ServiceRecord(
        supervisor=_process(members["supervisor"]),
        url=members["url"],
        children={name: _process(child) for name, child in members["children"].items()},
    )


def _process(value: Any) -> ProcessRecord:
    members = _members(value, {"pid": int, "started": float, "command": list})
    command = tuple(members["command"])
    if not all(type(word) is str for word in command):
        raise ValueError("command has something else than words")
    if members["pid"] < 1 or not math.isfinite(members["started"]):
        raise ValueError("it names a process that cannot be")
    return ProcessRecord(members["pid"], members["started"], command)


def _members(value: Any, kinds: dict[str, type]) -> dict[str, Any]:
    if type(value) is not dict:
        raise ValueError("it is no JSON object")
    for name, kind in kinds.items():
        # Not isinstance: true would pass for a number.
        if type(value.get(name)) is not kind:
            raise ValueError(f"{name} is missing or of another type")
    return value


def _find(layout: Layout) -> ServiceRecord | None:
    """What runs, known by the files it holds open: the supervisor's lock, and each log."""
    logs = {str(layout.log(name)): name for name in SERVICES}
    lock = str(lock_path(layout))
    supervisor: ProcessRecord | None = None
    children: dict[str, ProcessRecord] = {}
    for process, files in _open_files():
        with suppress(psutil.NoSuchProcess, ProcessLookupError):
            if lock in files:
                supervisor = ProcessRecord.of(process.pid)
            elif os.getsid(process.pid) == process.pid and (written := files & logs.keys()):
                children[logs[written.pop()]] = ProcessRecord.of(process.pid)
    if supervisor is None and not children:
        return None
    return ServiceRecord(supervisor=supervisor, url=None, children=children)


def _open_files() -> Iterator[tuple[psutil.Process, set[str]]]:
    for process in psutil.process_iter():
        with suppress(psutil.Error):
            yield process, {file.path for file in process.open_files()}
