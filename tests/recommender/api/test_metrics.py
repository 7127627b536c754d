import re
from pathlib import Path

import pytest
from django.test import Client, override_settings
from django.utils import timezone
from prometheus_client.parser import text_string_to_metric_families

from recommender.models import Feed, Heartbeat, TrainingRun
from recommender.monitoring import state
from recommender.spaces import staleness
from tests.recommender.api.client import Api, problem
from tests.shop import Shop

ROOT = Path(__file__).parents[3]
nobody = Api(None)


def values(**headers: str) -> dict[tuple[str, tuple[str, ...]], float]:
    response = nobody.get("/metrics", headers=headers)
    assert response.status_code == 200, response.content
    assert response["Content-Type"].startswith("text/plain")
    return {
        (sample.name, tuple(sample.labels.values())): sample.value
        for family in text_string_to_metric_families(response.content.decode())
        for sample in family.samples
    }


def test_the_state_of_a_catalog_is_told(stocked: Shop):
    Heartbeat.objects.create(worker="one", at=timezone.now())
    catalog = stocked.catalog
    TrainingRun.objects.create(
        catalog=catalog, status="failed", finished_at=timezone.now(), error="memory"
    )
    Feed.objects.create(catalog=catalog, url="https://a.test/f", every_hours=1, status="failed")
    told = values()

    assert told["kinship_database_up", ()] == 1
    assert told["kinship_catalogs", ()] == 1
    assert told["kinship_training_failed", (str(catalog),)] == 1
    assert told["kinship_feed_failed", (str(catalog),)] == 1
    assert told["kinship_embedding_paused", (str(catalog), str(stocked.space))] == 0
    assert told["kinship_database_connections", ()] >= 1
    assert not [name for name, _ in told if name == "kinship_unread_gauges"]


def test_a_list_that_was_asked_for_is_counted(api: Api, stocked: Shop):
    before = values()
    assert api.get("/v1/popular").status_code == 200
    after = values()
    counted = {key for key in after if key[0] == "kinship_lists_total" and "popular" in key[1]}
    assert sum(after[key] - before.get(key, 0) for key in counted) == 1


def test_strangers_are_refused_and_told_what_to_do(db: None):
    response = Client(REMOTE_ADDR="203.0.113.9").get("/metrics")
    assert "KINSHIP_METRICS_TOKEN" in problem(response, 403, "metrics-closed")["detail"]


@pytest.mark.parametrize("header", ["X-Forwarded-For", "Forwarded", "X-Real-IP"])
def test_who_comes_through_a_proxy_is_a_stranger(db: None, header: str):
    problem(nobody.get("/metrics", headers={header: "127.0.0.1"}), 403, "metrics-closed")


@override_settings(METRICS_TOKEN="t-0123456789")
def test_with_a_token_whoever_sends_it_may_read_and_nobody_else(db: None):
    sent = {"Authorization": "Bearer t-0123456789", "X-Forwarded-For": "203.0.113.9"}
    assert values(**sent)["kinship_database_up", ()] == 1
    for wrong in ({}, {"Authorization": "Bearer t-012345678"}, {"Authorization": "Bearer é"}):
        problem(nobody.get("/metrics", headers=wrong), 403, "metrics-closed")


def test_it_is_only_read(db: None):
    assert nobody.post("/metrics", {}).status_code == 405


@override_settings(CELERY_BROKER_URL="redis://127.0.0.1:1/0")
def test_a_gauge_that_cannot_be_read_is_named_and_the_others_are_told(stocked: Shop):
    told = values()
    assert told["kinship_unread_gauges", ("kinship_waiting_tasks",)] == 1
    assert told["kinship_catalogs", ()] == 1


def test_stale_products_are_counted(shop: Shop):
    state.stale.cache_clear()
    shop.stock(a="Coffee grinder", b="Tea pot")
    key = ("kinship_stale_products", (str(shop.catalog), str(shop.space)))
    assert staleness.count(shop.space) == values()[key] == 2


def test_alerts_and_the_dashboard_ask_for_what_is_exported(stocked: Shop):
    names = {name for name, _ in values()}
    source = "".join(
        path.read_text()
        for folder in ("recommender/monitoring", "workers")
        for path in (ROOT / folder).rglob("*.py")
    )
    for file in ("docker/prometheus/alerts.yml", "docker/grafana/kinship.json"):
        for name in set(re.findall(r"kinship_[a-z_]+", (ROOT / file).read_text())):
            base = re.sub(r"_(total|bucket|sum|count)$", "", name)
            assert name in names or f'"{base}"' in source, f"{file} asks for {name}"
