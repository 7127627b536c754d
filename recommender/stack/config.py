"""One data directory: its paths, its secret key, and which PostgreSQL and broker it uses."""

import fcntl
import hashlib
import logging
import os
import re
import secrets
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from psycopg import ProgrammingError
from psycopg.conninfo import conninfo_to_dict


class StackError(Exception):
    """The stack cannot start or stop; the message says what is wrong and what to do."""


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
    def metrics(self) -> Path:
        """The files in which web and worker processes count."""
        return self.data_dir / "metrics"

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


PLACEHOLDER = "change-me"
DATABASE_NAME = "kinship"
DATABASE_USER = "kinship"

_COUNTING_SCHEMES = ("redis", "rediss")
_BROKER_SCHEMES = ("redis", "rediss", "redis+socket", "sentinel", "amqp", "amqps")


@dataclass(frozen=True, slots=True)
class StackConfig:
    """Where the stack keeps its data, and the external servers that replace embedded ones.

    Args:
        wal_archive: where the embedded PostgreSQL's log is archived; None for no archive.
    """

    data_dir: Path
    database_url: str | None
    broker_url: str | None
    wal_archive: Path | None = None

    @property
    def layout(self) -> Layout:
        """The paths under the data directory."""
        return Layout(self.data_dir)


def read_config(environ: Mapping[str, str], base_dir: Path) -> StackConfig:
    """The stack that DATABASE_URL, BROKER_URL, KINSHIP_DATA_DIR (.data) and _WAL_ARCHIVE ask for.

    Raises:
        StackError: an archive is wanted of a database that is not the embedded one.
    """
    data_dir = Path(environ.get("KINSHIP_DATA_DIR") or base_dir / ".data")
    archive = environ.get("KINSHIP_WAL_ARCHIVE")
    if archive and environ.get("DATABASE_URL"):
        raise StackError(
            "KINSHIP_WAL_ARCHIVE is for the embedded PostgreSQL, and DATABASE_URL names another "
            "server, whose own means archive it. Unset one of the two."
        )
    return StackConfig(
        data_dir=data_dir.expanduser().resolve(),
        database_url=environ.get("DATABASE_URL") or None,
        broker_url=environ.get("BROKER_URL") or None,
        wal_archive=Path(archive).expanduser().resolve() if archive else None,
    )


def database_url(config: StackConfig) -> str:
    """The libpq URL of the database; starts nothing."""
    if config.database_url:
        return config.database_url
    return f"postgresql://{DATABASE_USER}@/{DATABASE_NAME}?host={config.layout.sockets}"


def database_parameters(config: StackConfig) -> dict[str, Any]:
    """HOST, PORT, NAME, USER, PASSWORD and OPTIONS for an entry of Django's DATABASES.

    Raises:
        StackError: the URL is not one that libpq understands, names no database, or has the
            password of the example.
    """
    parameters = _conninfo(database_url(config))
    if not parameters.get("dbname"):
        raise StackError(
            "DATABASE_URL names no database; write postgresql://user:password@host:5432/name"
        )
    keys = ("HOST", "PORT", "NAME", "USER", "PASSWORD")
    names = ("host", "port", "dbname", "user", "password")
    settings: dict[str, Any] = {
        key: str(parameters.pop(name, "")) for key, name in zip(keys, names, strict=True)
    }
    if settings["PASSWORD"] == PLACEHOLDER:
        raise StackError(
            "The password in DATABASE_URL is the placeholder of docker/.env.example, which "
            "everybody knows. Set POSTGRES_PASSWORD in docker/.env to what `openssl rand -hex 24` "
            "prints; a database that was made with the placeholder keeps it until you tell it: "
            "ALTER USER kinship PASSWORD '…'."
        )
    return settings | {"OPTIONS": parameters}


def broker_url(config: StackConfig) -> str:
    """The Celery broker's URL; starts nothing.

    Raises:
        StackError: BROKER_URL is of a kind that Kinship does not support.
    """
    if config.broker_url is None:
        return f"redis+socket://{config.layout.valkey_socket}?virtual_host=0"
    if urlsplit(config.broker_url).scheme not in _BROKER_SCHEMES:
        raise StackError(
            "BROKER_URL is neither Redis, Valkey nor RabbitMQ; write redis://host:6379/0 "
            "(for Valkey too) or amqp://user:password@host:5672//"
        )
    return config.broker_url


def limits_url(config: StackConfig) -> str:
    """Where the use of API keys is counted, as the library `limits` takes it.

    `memory://` where the broker cannot count: then each process counts for itself.
    """
    if config.broker_url is None:
        return f"redis+unix://{config.layout.valkey_socket}?db=0"
    scheme = urlsplit(config.broker_url).scheme
    return config.broker_url if scheme in _COUNTING_SCHEMES else "memory://"


def without_password(url: str) -> str:
    """A URL that may be shown."""
    parts = urlsplit(url)
    if parts.password is None:
        return url
    user = f"{parts.username}:***@" if parts.username else ":***@"
    return parts._replace(netloc=user + parts.netloc.rpartition("@")[2]).geturl()


def _conninfo(url: str) -> dict[str, Any]:
    if urlsplit(url).scheme not in ("postgres", "postgresql"):
        raise StackError(
            "DATABASE_URL is no PostgreSQL URL; write postgresql://user:password@host:5432/name"
        )
    try:
        return conninfo_to_dict(url)
    except ProgrammingError as exc:
        raise StackError(
            f"DATABASE_URL cannot be read: {str(exc).strip()}; "
            "write postgresql://user:password@host:5432/name, percent-encoding special characters"
        ) from exc


# Of a key's characters; one that is made has 67.
SHORTEST_KEY = 32
_FEWEST_DIFFERENT = 8

logger = logging.getLogger(__name__)


def secret_key_problem(key: str) -> str | None:
    """Why nobody should sign with this key; None where it will do."""
    if key.startswith(PLACEHOLDER):
        return "is the placeholder of docker/.env.example, which everybody knows"
    if len(key) < SHORTEST_KEY:
        return f"has {len(key)} characters, and needs {SHORTEST_KEY}"
    if len(set(key)) < _FEWEST_DIFFERENT:
        return "repeats a few characters"
    return None


def check_secret_key(key: str) -> str:
    """A key that was given; the same key.

    Raises:
        StackError: it can be guessed.
    """
    if problem := secret_key_problem(key):
        raise StackError(
            f"KINSHIP_SECRET_KEY {problem}: whoever guesses it is let into the admin. Set it to "
            "what `openssl rand -base64 48` prints, or unset it to have one made and kept."
        )
    return key


def read_or_make_secret_key(path: Path) -> str:
    """The key in a file, made where there is none; the same for whoever asks at once.

    One that is damaged, as by a full disk, is made anew: sessions, and the secrets of user
    tokens, end with it.

    Raises:
        StackError: the file cannot be read or written.
    """
    try:
        if not path.exists():
            _make_key(path)
        return _read_key(path) or _replace_key(path)
    except OSError as exc:
        raise StackError(
            f"The secret key {path} cannot be read or made: {exc.strerror}. Remove it, and a new "
            "one is made: everybody who is signed in to the admin signs in again, and secrets of "
            "user tokens are to be made anew."
        ) from exc


def _read_key(path: Path) -> str | None:
    key = path.read_text(errors="replace").strip()
    return None if secret_key_problem(key) else key


def _replace_key(path: Path) -> str:
    with path.open() as damaged:
        # Whoever waits here finds the new file, under the same name.
        fcntl.flock(damaged, fcntl.LOCK_EX)
        if key := _read_key(path):
            return key
        logger.warning(
            "%s held no usable key, so a new one was made: everybody who is signed in to the "
            "admin signs in again, and secrets of user tokens are to be made anew",
            path,
        )
        key = secrets.token_urlsafe(50)
        _write_key(path, key, os.replace)
        return key


def _make_key(path: Path) -> None:
    with suppress(FileExistsError):  # another process was first
        _write_key(path, secrets.token_urlsafe(50), os.link)


def _write_key(path: Path, key: str, put: Callable[[Path, Path], None]) -> None:
    """Write a key beside the file, then put it there: nobody ever reads half of one."""
    made = path.with_name(f"{path.name}.{os.getpid()}.{secrets.token_hex(4)}")
    descriptor = os.open(made, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(descriptor, "w") as file:
            file.write(key)
            file.flush()
            os.fsync(file.fileno())
        put(made, path)
    finally:
        made.unlink(missing_ok=True)
