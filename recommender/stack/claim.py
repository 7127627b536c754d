"""One supervisor per data directory: whoever holds the lock."""

import os
from collections.abc import Iterator
from contextlib import contextmanager

from recommender.stack.embedded import ensure_data_dir
from recommender.stack.errors import StackError
from recommender.stack.lock import try_lock
from recommender.stack.port import check_port
from recommender.stack.processes import ProcessRecord, end_sessions
from recommender.stack.record import ServiceRecord, read_record
from recommender.stack.service import Service

_LEFTOVER_GRACE = 20.0


class AlreadyRunningError(StackError):
    """Another process supervises this data directory's service."""


@contextmanager
def claimed(service: Service) -> Iterator[int]:
    """Hold the data directory for one service; yields the lock's descriptor.

    Ends what a killed supervisor left running. A process that is given the descriptor keeps
    the claim when this one lets go.

    Raises:
        AlreadyRunningError: the service runs already.
        StackError: the web's port is not free.
    """
    ensure_data_dir(service.config)
    layout = service.config.layout
    descriptor = try_lock(layout.run / "supervisor.lock")
    if descriptor is None:
        record = read_record(layout)
        raise AlreadyRunningError(
            f"Kinship is already running at {record.url if record else 'this data directory'}. "
            "Stop it with: manage.py down"
        )
    try:
        end_leftovers(service)
        check_port(service.host, service.port)
        own = ProcessRecord.of(os.getpid())
        ServiceRecord(supervisor=own, url=service.url).write(layout)
        yield descriptor
    finally:
        os.close(descriptor)


def end_leftovers(service: Service) -> None:
    """End the processes of a service whose supervisor was killed."""
    if record := read_record(service.config.layout):
        end_sessions([(child, _LEFTOVER_GRACE) for child in record.children.values()])
