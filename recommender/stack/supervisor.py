"""Keeps web, worker, beat and the embedded servers running until told to stop."""

import logging
import os
import time
from collections.abc import Callable

import httpx

from recommender.stack.config import StackError
from recommender.stack.embedded import ensure_started, missing_servers
from recommender.stack.privileges import rights
from recommender.stack.processes import ProcessRecord, StopSignals, end_sessions
from recommender.stack.program import log_tail, rotate_log
from recommender.stack.record import ServiceRecord
from recommender.stack.service import Child, Service, child_specs, raise_file_limit

_SECONDS = 2.0


def not_ready(url: str) -> str | None:
    """What keeps the service from being ready; None when it is.

    Args:
        url: where the web is reached, without a path.
    """
    return _problem(f"{url}/readyz", _SECONDS)


def _problem(url: str, seconds: float) -> str | None:
    try:
        # `localhost` is always among the allowed hosts; a proxy has no business here.
        answer = httpx.get(url, headers={"Host": "localhost"}, timeout=seconds, trust_env=False)
    except httpx.TransportError as exc:
        return f"the web does not answer ({exc})"
    if answer.status_code == httpx.codes.OK:
        return None
    return f"{httpx.URL(url).path} answers {answer.status_code}: {answer.text[:500]}"


class Probe:
    """Asks a web that was ready whether it still answers, every so many seconds.

    Args:
        patience: seconds after which an answer does not come.
        most: after so many silences in a row it hangs; fewer can be a machine that is busy.
    """

    def __init__(
        self, url: str, *, seconds: float = 10.0, patience: float = _SECONDS, most: int = 4
    ) -> None:
        self._url = f"{url}/healthz"
        self._seconds = seconds
        self._patience = patience
        self._most = most
        self._silences = 0
        self._asked = time.monotonic()

    def finds_it_hanging(self) -> bool:
        """Whether the last answers did not come; asks only where it is time to."""
        now = time.monotonic()
        if now - self._asked < self._seconds:
            return False
        self._silences = 0 if _problem(self._url, self._patience) is None else self._silences + 1
        self._asked = time.monotonic()
        if self._silences < self._most:
            return False
        self._silences = 0
        return True


def children_of(service: Service) -> list[Child]:
    """Web, worker, beat and the archive, each with the rights that it is to have."""
    config = service.config
    environment = os.environ | {
        "KINSHIP_DATA_DIR": str(config.data_dir),
        # prometheus-client's own.
        "PROMETHEUS_MULTIPROC_DIR": str(config.layout.metrics),
    }
    dropped = rights(service)
    exposed = environment | dict(dropped.variables)
    return [
        Child(spec, exposed, dropped.account) if spec.is_exposed else Child(spec, environment)
        for spec in child_specs(service)
    ]


_TICK = 0.1  # seconds
_SERVER_CHECK_SECONDS = 2.0
_LOG_CHECK_SECONDS = 30.0
_REPORT_SECONDS = 60.0
_HOPELESS_CRASHES = 3

logger = logging.getLogger(__name__)


class Supervisor:
    """Runs one service in this process, until a signal arrives.

    Args:
        on_ready: called once, when /readyz first answers 200.
        ready_within: seconds after which a service that never was ready is given up.
    """

    def __init__(
        self,
        service: Service,
        signals: StopSignals,
        on_ready: Callable[[], None],
        ready_within: float | None = None,
    ) -> None:
        self._service = service
        self._signals = signals
        self._on_ready = on_ready
        self._ready_within = ready_within
        self._children: list[Child] = []
        self._is_ready = False
        self._web_probe = Probe(service.url)
        self._began = self._reported = self._checked = self._rotated = time.monotonic()

    def run(self) -> None:
        """Start everything and stay until a signal; then end web, worker and beat.

        Raises:
            StackError: a process keeps ending before the service was ready once.
        """
        raise_file_limit()
        try:
            with self._signals.interruptible():
                self._children = children_of(self._service)
            while not self._signals.wait(_TICK):
                self._tick()
        except KeyboardInterrupt:
            pass  # a signal during work that may be broken off
        finally:
            logger.info("Stopping")
            self._end_children()

    def _tick(self) -> None:
        changes = [child.tend() for child in self._children]
        if any(changes):
            self._record()
        self._tend_servers()
        self._rotate_logs()
        if not self._is_ready:
            self._give_up_on_the_hopeless()
            self._probe()
        elif self._web_probe.finds_it_hanging():
            self._end_web()

    def _record(self) -> None:
        ServiceRecord(
            supervisor=ProcessRecord.of(os.getpid()),
            url=self._service.url,
            children={child.spec.name: child.record for child in self._children if child.record},
        ).write(self._service.config.layout)

    def _tend_servers(self) -> None:
        now = time.monotonic()
        if now - self._checked < _SERVER_CHECK_SECONDS:
            return
        if missing := missing_servers(self._service.config):
            logger.warning("%s does not answer; starting it again", " and ".join(sorted(missing)))
            try:
                with self._signals.interruptible():
                    ensure_started(self._service.config)
            except StackError as exc:
                logger.error("%s", exc)  # noqa: TRY400 - the message says all; tried again later
        self._checked = time.monotonic()

    def _rotate_logs(self) -> None:
        now = time.monotonic()
        if now - self._rotated >= _LOG_CHECK_SECONDS:
            for log in self._service.config.layout.logs.glob("*.log"):
                rotate_log(log)
            self._rotated = now

    def _give_up_on_the_hopeless(self) -> None:
        for child in self._children:
            if child.spec.is_needed and child.crashes >= _HOPELESS_CRASHES:
                raise StackError(
                    f"{child.spec.name} ended {child.crashes} times before Kinship was ready. "
                    f"{child.spec.log} ends:\n{log_tail(child.spec.log)}"
                )

    def _probe(self) -> None:
        reason = not_ready(self._service.url)
        if reason is None:
            self._is_ready = True
            with self._signals.interruptible():
                self._on_ready()
            return
        now = time.monotonic()
        if self._ready_within is not None and now - self._began > self._ready_within:
            log = self._service.config.layout.log("web")
            raise StackError(
                f"Kinship was not ready after {self._ready_within:.0f} s: {reason}. "
                f"{log} ends:\n{log_tail(log)}"
            )
        if now - self._reported > _REPORT_SECONDS:
            logger.warning("Not ready after %.0f s: %s", now - self._began, reason)
            self._reported = now

    def _end_web(self) -> None:
        """Have it started again by the next tick."""
        logger.error("web runs and does not answer; ending it")
        end_sessions(
            [
                (child.record, 0.0)
                for child in self._children
                if child.spec.name == "web" and child.record
            ]
        )

    def _end_children(self) -> None:
        end_sessions([(child.record, child.spec.grace) for child in self._children if child.record])
