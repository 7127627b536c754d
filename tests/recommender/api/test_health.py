import re
from datetime import timedelta

import pytest
from django.utils import timezone

from recommender import database
from recommender.models import Heartbeat
from recommender.providers.circuit import SharedCircuit
from tests.recommender.api.client import Api

nobody = Api(None)


def beat(**age: float) -> None:
    Heartbeat.objects.create(worker="worker", at=timezone.now() - timedelta(**age))


def checks(status: int, said: str | None = None) -> dict[str, str]:
    response = nobody.get("/readyz")
    assert response.status_code == status, response.content
    body = response.json()
    assert body["status"] == (said or ("ok" if status == 200 else "not ready"))
    assert body["checks"].keys() == {"database", "broker", "index", "worker", "providers"}
    return body["checks"]


def go_down(provider: str) -> None:
    for _ in range(5):
        SharedCircuit(provider).failed("The connection was refused.")


def test_a_process_that_answers_is_healthy():
    response = nobody.get("/healthz")
    assert (response.status_code, response.json()) == (200, {"status": "ok"})


def test_the_service_is_ready_when_all_that_it_needs_is_there(stocked):
    beat(seconds=20)
    assert set(checks(200).values()) == {"ok"}


def test_a_worker_that_never_ran_is_reported(db):
    assert checks(503)["worker"] == "no worker has run yet"


def test_a_worker_that_stopped_is_reported(db):
    # What a process loads with its first request takes seconds on a busy machine.
    nobody.get("/readyz")
    beat(minutes=5)
    assert checks(503)["worker"] == "last heartbeat 300 s ago"


def test_an_index_that_is_gone_is_reported(stocked):
    beat()
    database.execute(f"DROP INDEX recommender_productvector_{stocked.space.pk}_hnsw")
    assert checks(503)["index"] == "missing for a space; run ./kinship embed"


def test_a_space_that_was_never_indexed_is_no_lost_index(shop):
    beat()
    assert checks(200)["index"] == "ok"


@pytest.mark.parametrize(
    "url", ["redis://127.0.0.1:1/0", "redis+socket:///nowhere/valkey.sock", "amqp://127.0.0.1:1//"]
)
def test_a_broker_that_is_away_is_reported_soon(db, settings, url):
    beat()
    settings.CELERY_BROKER_URL = url
    assert checks(503)["broker"] == "does not answer"


def test_a_provider_that_is_down_is_reported_but_no_reason_to_send_requests_elsewhere(db):
    beat()
    go_down("dashscope")

    said = checks(200, "degraded")["providers"]
    assert re.fullmatch(
        r"dashscope: open since 20\d\d-\d\d-\d\d \d\d:\d\d:\d\d UTC, "
        r"next try in (29|30) s \(the admin says why\)",
        said,
    )
    database.execute("UPDATE recommender_providercircuit SET open_until = now()")
    assert "next try with the next call (the" in checks(200, "degraded")["providers"]


def test_every_provider_that_is_down_is_reported_beside_what_else_is_wrong(db):
    go_down("dashscope")
    go_down("acme")

    report = checks(503)
    assert [part.split(":")[0] for part in report["providers"].split("; ")] == ["acme", "dashscope"]
    assert report["worker"] == "no worker has run yet"


def test_a_few_failures_of_a_provider_are_not_reported(db):
    beat()
    SharedCircuit("dashscope").failed("The connection was refused.")
    assert checks(200)["providers"] == "ok"
