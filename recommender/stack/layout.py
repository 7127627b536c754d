"""The paths of one data directory; pure, so that settings and servers agree on them."""

import hashlib
import os
import re
from dataclasses import dataclass
from pathlib import Path

PROJECT_DIR = Path(__file__).resolve().parents[2]
POSTGRES_PORT = 5432  # only part of the socket's name: nothing listens on TCP

# sockaddr_un holds 108 bytes on Linux and 104 elsewhere, the closing NUL among them.
_SOCKET_PATH_LIMIT = 100
# Not TMPDIR: two shells of one user may disagree on it, and would miss each other's sockets.
_TEMPORARY = Path("/tmp")  # noqa: S108 - account.claim_directory refuses another user's directory


@dataclass(frozen=True, slots=True)
class Layout:
    """Where everything of one stack lives."""

    data_dir: Path

    @property
    def postgres(self) -> Path:
        """The embedded PostgreSQL's data directory (PGDATA)."""
        return self.data_dir / "postgres"

    @property
    def valkey(self) -> Path:
        """The embedded Valkey's append-only files."""
        return self.data_dir / "valkey"

    @property
    def static(self) -> Path:
        """The collected static files that granian serves."""
        return self.data_dir / "static"

    @property
    def run(self) -> Path:
        """Locks and the record of what runs."""
        return self.data_dir / "run"

    @property
    def logs(self) -> Path:
        """One log file per process."""
        return self.data_dir / "logs"

    def log(self, name: str) -> Path:
        """The log file of a process, such as `web`."""
        return self.logs / f"{name}.log"

    @property
    def sockets(self) -> Path:
        """The directory of both servers' sockets."""
        usual = self.run / "sockets"
        if _fits_everywhere(usual / f".s.PGSQL.{POSTGRES_PORT}"):
            return usual
        digest = hashlib.sha256(os.fsencode(self.data_dir)).hexdigest()[:16]
        return _TEMPORARY / f"kinship-{digest}"

    @property
    def valkey_socket(self) -> Path:
        """The embedded Valkey's socket."""
        return self.sockets / "valkey.sock"


def _fits_everywhere(socket: Path) -> bool:
    """Whether a path fits a socket address, and needs no quoting in a URL or a libpq host."""
    name = os.fsencode(socket)
    return len(name) <= _SOCKET_PATH_LIMIT and re.fullmatch(rb"[\w./+-]+", name) is not None
