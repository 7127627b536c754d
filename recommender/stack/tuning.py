"""PostgreSQL's settings for a machine: numbers in, settings out."""

from recommender.stack.machine import Machine

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
