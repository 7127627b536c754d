"""One supervised process: started, and started again when it ends."""

import logging
import subprocess
import time
from collections.abc import Mapping

from recommender.stack import logfile
from recommender.stack.layout import PROJECT_DIR
from recommender.stack.processes import ProcessRecord, end_sessions
from recommender.stack.service import ChildSpec

_FIRST_DELAY = 1.0
_LONGEST_DELAY = 30.0
_STABLE_SECONDS = 60.0

logger = logging.getLogger(__name__)


class Child:
    """A process in a session of its own, which a terminal's Ctrl-C does not reach."""

    def __init__(self, spec: ChildSpec, environment: Mapping[str, str]) -> None:
        self.spec = spec
        self.crashes = 0
        self.record: ProcessRecord | None = None
        self._environment = environment
        self._process: subprocess.Popen[bytes] | None = None
        self._start_at = self._started = 0.0

    def tend(self) -> bool:
        """Start the process where it should run and does not; whether anything changed."""
        now = time.monotonic()
        if self._process is not None and (code := self._process.poll()) is not None:
            self._note_end(code, now)
            return True
        if self._process is None and now >= self._start_at:
            self._start(now)
            return True
        return False

    def _start(self, now: float) -> None:
        with logfile.open_for_append(self.spec.log) as log:
            # S603: this interpreter and fixed modules, no shell
            self._process = subprocess.Popen(  # noqa: S603
                self.spec.command,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                cwd=PROJECT_DIR,
                env=self._environment,
                start_new_session=True,
            )
        self._started = now
        self.record = ProcessRecord.of(self._process.pid)

    def _note_end(self, code: int, now: float) -> None:
        stable = now - self._started > _STABLE_SECONDS
        self.crashes = 1 if stable else self.crashes + 1
        delay = restart_delay(self.crashes)
        logger.warning(
            "%s ended (%s); starting it again in %.0f s. Its log: %s",
            *(self.spec.name, describe_exit(code), delay, self.spec.log),
        )
        if self.record is not None:
            end_sessions([(self.record, 0.0)])  # what it started must not hold its port
        self._process = None
        self._start_at = now + delay


def restart_delay(crashes: int) -> float:
    """Seconds before the next start, after so many crashes in a row: 1, 2, 4 … 30."""
    return min(_FIRST_DELAY * (1 << min(crashes - 1, 8)), _LONGEST_DELAY)


def describe_exit(code: int) -> str:
    """An exit code in words."""
    return f"killed by signal {-code}" if code < 0 else f"exit code {code}"
