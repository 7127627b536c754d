"""The detached supervisor: `python -m recommender.stack.detached`, started by `launch`.

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
from recommender.stack.embedded import stop
from recommender.stack.processes import StopSignals
from recommender.stack.record import remove_record
from recommender.stack.service import Service
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
    for name in ("data_dir", "wal_archive"):
        config[name] = config[name] and Path(config[name])
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
