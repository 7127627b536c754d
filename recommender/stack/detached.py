"""The detached supervisor: `launch` starts `python -m recommender.stack.detached`, `down` ends it.

Without Django it is small and starts at once. It inherits the lock of the data directory and a
pipe, reads the service from its standard input, and reports once: ready, or why not.
"""

import json
import logging
import os
import sys
from pathlib import Path
from typing import IO

from recommender.stack.config import StackConfig, StackError
from recommender.stack.embedded import check_access, stop
from recommender.stack.processes import (
    ProcessRecord,
    StopSignals,
    end_sessions,
    kill,
    read_record,
    remove_record,
    terminate,
    wait_for_end,
)
from recommender.stack.service import Service
from recommender.stack.status import State, collect
from recommender.stack.supervisor import Supervisor

_READY_SECONDS = 120.0


def main() -> None:
    """Supervise until a signal; then stop everything."""
    logging.basicConfig(format="%(asctime)s %(levelname)s %(message)s", level=logging.INFO)
    logging.getLogger("httpx").setLevel(logging.WARNING)
    service = read_service(sys.stdin)
    with StopSignals() as signals, os.fdopen(int(sys.argv[1]), "w") as report:
        failure = _supervise(service, signals, report)
        if not report.closed:
            json.dump({"failure": failure}, report)


def read_service(order: IO[str]) -> Service:
    """The service that `launch` wrote down."""
    fields = json.load(order)
    config = fields.pop("config")
    config["data_dir"] = Path(config["data_dir"])
    return Service(config=StackConfig(**config), **fields)


def _supervise(service: Service, signals: StopSignals, report: IO[str]) -> str:
    """Run until the end; what to say of one that came before the service was ready."""

    def on_ready() -> None:
        json.dump({"failure": None}, report)
        report.close()

    try:
        Supervisor(service, signals, on_ready, ready_within=_READY_SECONDS).run()
    except StackError as exc:
        logging.getLogger(__name__).error("%s", exc)  # noqa: TRY400 - the message says all
        return str(exc)
    finally:
        stop(service.config)
        remove_record(service.config.layout)
    return "Kinship was stopped before it was ready."


if __name__ == "__main__":
    main()


# Longer than a supervisor takes: 20 s for the worker, 15 s for PostgreSQL.
_SUPERVISOR_SECONDS = 40.0
_CHILD_SECONDS = 20.0


def take_down(config: StackConfig) -> list[str]:
    """Stop everything of a data directory, whatever state a crash left it in.

    Returns:
        The names of what ran.

    Raises:
        StackError: it is another user's.
    """
    check_access(config)
    ran = [part.name for part in collect(config) if part.state is State.RUNNING]
    if record := read_record(config.layout):
        _end_supervisor(record.supervisor)
        # Read again: until its end it may have started some anew.
        record = read_record(config.layout) or record
        end_sessions([(child, _CHILD_SECONDS) for child in record.children.values()])
    stop(config)
    remove_record(config.layout)
    return ran


def _end_supervisor(supervisor: ProcessRecord) -> None:
    process = supervisor.find()
    if process is None or process.pid == os.getpid():
        return
    terminate(process)
    if not wait_for_end([process], _SUPERVISOR_SECONDS):
        kill([process])
