import psycopg
import pytest

from recommender.stack import database_url
from recommender.stack.cluster import GB, MB, postgres_settings
from recommender.stack.machine import Machine, detect


def settings(*, memory: int = 16 * GB, cores: int = 4, shared_memory: int = 8 * GB):
    return postgres_settings(Machine(memory=memory, cores=cores, shared_memory=shared_memory))


@pytest.mark.parametrize(
    ("memory", "shared_buffers", "maintenance_work_mem"),
    [
        (512 * MB, "128MB", "64MB"),
        (4 * GB, "1024MB", "512MB"),
        (16 * GB, "4096MB", "2048MB"),
        (256 * GB, "8192MB", "4096MB"),
    ],
)
def test_memory_is_shared_out_and_capped(memory, shared_buffers, maintenance_work_mem):
    chosen = settings(memory=memory)
    assert chosen["shared_buffers"] == shared_buffers
    assert chosen["maintenance_work_mem"] == maintenance_work_mem


def test_all_connections_together_cannot_use_up_the_memory():
    for memory in (2 * GB, 16 * GB, 256 * GB):
        work_mem = int(settings(memory=memory)["work_mem"].removesuffix("MB")) * MB
        assert work_mem * 100 <= memory / 4


def test_an_index_is_built_by_every_core():
    assert settings(cores=1)["max_parallel_maintenance_workers"] == "0"
    assert settings(cores=4)["max_parallel_maintenance_workers"] == "3"


def test_a_container_with_little_shared_memory_can_still_build_an_index_in_parallel():
    assert settings(shared_memory=64 * MB)["dynamic_shared_memory_type"] == "sysv"
    assert settings(shared_memory=8 * GB)["dynamic_shared_memory_type"] == "posix"


@pytest.mark.slow
def test_the_server_applies_every_setting(started):
    with psycopg.connect(database_url(started)) as connection:
        applied = connection.execute(
            "SELECT name, setting FROM pg_file_settings "
            "WHERE sourcefile LIKE '%kinship.conf' AND applied AND error IS NULL"
        ).fetchall()
    assert postgres_settings(detect()).items() <= set(applied)
