"""What becomes of keys, told by the database at once: a revoked key is refused within milliseconds.

The database says which key was changed (a trigger's NOTIFY), and a thread of each web process
listens on a connection of its own. Where that hears nothing, as behind a pooler that gives a
statement any session, or while the database is away, a remembered key ends after half a second as
ever; the log and a gauge say so.
"""

import time
from collections.abc import Callable
from threading import Event, Thread
from uuid import uuid4

import psycopg
import structlog
from django.db import connection
from prometheus_client import Gauge

log = structlog.get_logger()

CHANNEL = "kinship_keys"
APPLICATION = "kinship keys"
# So often the connection proves that it hears; one that does not is opened anew.
_PROOF_SECONDS = 30.0
# How long its own voice may take to come back, and how long to wait before another try.
_ECHO_SECONDS, _RETRY_SECONDS = 5.0, 10.0
_STEP_SECONDS = 1.0

_listening = Gauge(
    "kinship_key_news_listening",
    "Web processes that hear at once of changed keys; the others within half a second.",
    multiprocess_mode="livesum",
)


class _DeafError(Exception):
    """The connection does not hear what it says itself."""


class KeyNews:
    """Listens for changed keys in a thread, as long as the process lives or until `stop`.

    Args:
        forget: called with the row of a key that was changed; with None for all keys, where news
            may have been missed.
    """

    def __init__(
        self,
        forget: Callable[[int | None], None],
        *,
        proof: float = _PROOF_SECONDS,
        echo: float = _ECHO_SECONDS,
        retry: float = _RETRY_SECONDS,
    ) -> None:
        self._forget = forget
        self._proof, self._echo, self._retry = proof, echo, retry
        self._stopped, self._hears = Event(), Event()
        self._thread = Thread(target=self._run, name="key-news", daemon=True)

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def stop(self) -> None:
        """End, and wait for the connection to be closed."""
        self._stopped.set()
        self._thread.join()

    def wait(self, seconds: float) -> bool:
        """Whether it hears by then."""
        return self._hears.wait(seconds)

    @property
    def hears(self) -> bool:
        """Whether it heard its own voice last time."""
        return self._hears.is_set()

    def _run(self) -> None:
        while not self._stopped.is_set():
            try:
                self._listen()
            except (psycopg.Error, _DeafError) as exc:
                self._set(hears=False)
                log.warning("changes of keys are not heard at once", error=str(exc).strip())
                self._stopped.wait(self._retry)
        self._set(hears=False)

    def _listen(self) -> None:
        parameters = connection.get_connection_params() | {"application_name": APPLICATION}
        with psycopg.connect(**parameters, autocommit=True) as session:
            session.execute(f"LISTEN {CHANNEL}")
            # What changed before is not told.
            self._forget(None)
            while not self._stopped.is_set():
                self._prove(session)
                self._set(hears=True)
                self._hear(session, self._proof, until="")

    def _prove(self, session: "psycopg.Connection[object]") -> None:
        word = f"heard {uuid4()}"
        session.execute("SELECT pg_notify(%s, %s)", (CHANNEL, word))
        if not self._hear(session, self._echo, until=word) and not self._stopped.is_set():
            raise _DeafError("a pooler of transactions is between, or the database hangs")

    def _hear(self, session: "psycopg.Connection[object]", seconds: float, *, until: str) -> bool:
        """Take in news for so long, or until a word comes."""
        ends = time.monotonic() + seconds
        while not self._stopped.is_set() and (left := ends - time.monotonic()) > 0:
            # A notification is handed on when it comes, not at the end of a step.
            for news in session.notifies(timeout=min(left, _STEP_SECONDS), stop_after=1):
                if news.payload == until:
                    return True
                if news.payload.isdecimal():
                    self._forget(int(news.payload))
        return False

    def _set(self, *, hears: bool) -> None:
        if hears == self.hears:
            return
        if hears:
            self._hears.set()
            _listening.inc()
            log.info("changes of keys are heard at once")
        else:
            self._hears.clear()
            _listening.dec()
