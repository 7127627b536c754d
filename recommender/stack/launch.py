"""Running a service: in this process, or detached from it."""

import json
import logging
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import asdict

from recommender.stack.claim import claimed
from recommender.stack.config import PROJECT_DIR, Layout, StackError
from recommender.stack.detached import take_down
from recommender.stack.embedded import stop
from recommender.stack.preparation import prepare
from recommender.stack.processes import StopSignals, remove_record
from recommender.stack.program import log_tail, open_log
from recommender.stack.service import Service
from recommender.stack.supervisor import Supervisor


def run_stack(
    service: Service,
    *,
    before_start: Callable[[], None] = lambda: None,
    on_ready: Callable[[], None] = lambda: None,
) -> None:
    """Run a service in this process until a signal, then stop all of it, servers too.

    Args:
        before_start: called when the database is migrated, before web, worker and beat start.
        on_ready: called when the service answers.

    Raises:
        AlreadyRunningError: the service runs already.
        KeyboardInterrupt: Ctrl-C ended it; everything has stopped.
        StackError: it cannot run.
    """
    layout = service.config.layout
    with StopSignals() as signals, claimed(service), _supervisor_log(layout):
        try:
            with signals.interruptible():
                prepare(service.config)
                before_start()
            Supervisor(service, signals, on_ready).run()
        finally:
            stop(service.config)
            remove_record(layout)
    if signals.received == signal.SIGINT:
        raise KeyboardInterrupt


def start_detached(service: Service) -> None:
    """Start a service that goes on after this process; returns when it answers.

    Raises:
        AlreadyRunningError: the service runs already.
        KeyboardInterrupt: broken off; everything has stopped.
        StackError: it cannot run; everything has stopped.
    """
    with StopSignals() as signals, claimed(service) as lock, ExitStack() as undo:
        undo.callback(take_down, service.config)
        with signals.interruptible():
            prepare(service.config)
            failure = _hand_over(service, lock)
        if failure is not None:
            raise StackError(failure)
        undo.pop_all()


def _hand_over(service: Service, lock: int) -> str | None:
    """Start the detached supervisor, which takes the lock over; why it failed, if it did."""
    receiving, reporting = os.pipe()
    log = service.config.layout.log("supervisor")
    with os.fdopen(receiving) as report, open_log(log) as output:
        # S603: this interpreter and a module of this package, no shell
        process = subprocess.Popen(  # noqa: S603
            [sys.executable, "-m", "recommender.stack.detached", str(reporting)],
            stdin=subprocess.PIPE,
            stdout=output,
            stderr=subprocess.STDOUT,
            cwd=PROJECT_DIR,
            pass_fds=(lock, reporting),
            start_new_session=True,
            text=True,
        )
        os.close(reporting)
        try:
            with process.stdin or report as order:
                # Not as arguments: the URLs may hold passwords, and anybody can list those.
                json.dump(asdict(service), order, default=str)
            answer = report.read()
        except KeyboardInterrupt:
            process.terminate()
            process.wait()
            raise
    if not answer:
        return f"The supervisor ended unexpectedly. {log} ends:\n{log_tail(log)}"
    failure: str | None = json.loads(answer)["failure"]
    return failure


@contextmanager
def _supervisor_log(layout: Layout) -> Iterator[None]:
    """Write what the stack logs to its file too."""
    handler = logging.FileHandler(layout.log("supervisor"))
    handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(message)s"))
    logger = logging.getLogger("recommender.stack")
    logger.addHandler(handler)
    try:
        yield
    finally:
        logger.removeHandler(handler)
        handler.close()
