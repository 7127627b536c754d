from prometheus_client import REGISTRY

from workers import metrics
from workers.tasks import heartbeat


def value(name: str, **labels: str) -> float:
    return REGISTRY.get_sample_value(name, labels) or 0.0


def test_a_task_is_counted_with_its_state_and_its_seconds(db: None):
    assert metrics
    done = {"task": "workers.heartbeat", "state": "success"}
    before = value("kinship_tasks_total", **done)
    heartbeat.apply()
    assert value("kinship_tasks_total", **done) == before + 1
    assert value("kinship_task_seconds_count", task="workers.heartbeat") > 0
