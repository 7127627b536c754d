"""A Celery worker for the length of one command, where none runs."""

import os
from collections.abc import Iterator
from contextlib import contextmanager

from recommender.stack.child import Child
from recommender.stack.config import StackConfig
from recommender.stack.processes import end_sessions
from recommender.stack.record import read_record
from recommender.stack.service import worker_spec


def worker_runs_here(config: StackConfig) -> bool:
    """Whether `up` runs a worker on this data directory."""
    record = read_record(config.layout)
    worker = record.children.get("worker") if record else None
    return worker is not None and worker.find() is not None


@contextmanager
def worker_while(config: StackConfig) -> Iterator[None]:
    """Run a worker until the block ends, then end it warmly."""
    # A name of its own: were `up` started meanwhile, neither would take the other for itself.
    spec = worker_spec(config, nodename="temporary@%h")
    child = Child(spec, os.environ | {"KINSHIP_DATA_DIR": str(config.data_dir)})
    try:
        child.tend()
        yield
    finally:
        if child.record is not None:
            end_sessions([(child.record, spec.grace)])
