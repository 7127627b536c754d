"""Which PostgreSQL and which broker to use: the embedded ones or somebody else's."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from psycopg import ProgrammingError
from psycopg.conninfo import conninfo_to_dict

from recommender.stack.errors import StackError
from recommender.stack.layout import Layout

DATABASE_NAME = "kinship"
DATABASE_USER = "kinship"

_BROKER_SCHEMES = ("redis", "rediss", "redis+socket", "sentinel", "amqp", "amqps")


@dataclass(frozen=True, slots=True)
class StackConfig:
    """Where the stack keeps its data, and the external servers that replace embedded ones."""

    data_dir: Path
    database_url: str | None
    broker_url: str | None

    @property
    def layout(self) -> Layout:
        """The paths under the data directory."""
        return Layout(self.data_dir)


def read_config(environ: Mapping[str, str], base_dir: Path) -> StackConfig:
    """The stack that DATABASE_URL, BROKER_URL and KINSHIP_DATA_DIR (default .data) ask for."""
    data_dir = Path(environ.get("KINSHIP_DATA_DIR") or base_dir / ".data")
    return StackConfig(
        data_dir=data_dir.expanduser().resolve(),
        database_url=environ.get("DATABASE_URL") or None,
        broker_url=environ.get("BROKER_URL") or None,
    )


def database_url(config: StackConfig) -> str:
    """The libpq URL of the database; starts nothing."""
    if config.database_url:
        return config.database_url
    return f"postgresql://{DATABASE_USER}@/{DATABASE_NAME}?host={config.layout.sockets}"


def database_parameters(config: StackConfig) -> dict[str, Any]:
    """HOST, PORT, NAME, USER, PASSWORD and OPTIONS for an entry of Django's DATABASES.

    Raises:
        StackError: the URL is not one that libpq understands, or names no database.
    """
    parameters = _conninfo(database_url(config))
    if not parameters.get("dbname"):
        raise StackError(
            "DATABASE_URL names no database; write postgresql://user:password@host:5432/name"
        )
    django_names = {
        "HOST": "host",
        "PORT": "port",
        "NAME": "dbname",
        "USER": "user",
        "PASSWORD": "password",
    }
    settings: dict[str, Any] = {
        key: str(parameters.pop(name, "")) for key, name in django_names.items()
    }
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
