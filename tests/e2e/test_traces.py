"""What a collector is told of a running service, where one is named."""

import json
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import httpx
import pytest

from recommender.stack.config import Layout
from tests import collector
from tests.collector import Collector, Span
from tests.e2e.service import Service
from tests.threads import wait_until

pytestmark = pytest.mark.slow

CALLER = "4bf92f3577b34da6a3ce929d0e0e4736"
FLAGS = "00f067aa0ba902b7-01"


@pytest.fixture(scope="module")
def told() -> Iterator[Collector]:
    with collector.listening() as listening:
        yield listening


@pytest.fixture(scope="module")
def service(told: Collector) -> Iterator[Service]:
    variables = {
        "OTEL_EXPORTER_OTLP_ENDPOINT": told.url,
        "OTEL_BSP_SCHEDULE_DELAY": "100",
        "KINSHIP_LOG_JSON": "1",
        "KINSHIP_SLOW_SECONDS": "0",
    }
    with TemporaryDirectory(prefix="kinship-traces-") as directory:
        service = Service.under(Path(directory), variables)
        service.manage("up", "--detach", "--port", str(service.port), "--workers", "1")
        yield service
        service.manage("down")


@pytest.fixture(scope="module")
def client(service: Service) -> Iterator[httpx.Client]:
    with service.open_catalog("traces") as client:
        yield client


def named(told: Collector, trace: str, name: str) -> list[Span]:
    return [span for span in told.of_trace(trace) if span.name == name]


def lines(service: Service, log: str) -> list[dict[str, Any]]:
    text = Layout(service.data_dir).log(log).read_text(encoding="utf-8")
    return [json.loads(line) for line in text.splitlines() if line.startswith("{")]


def test_one_trace_leads_from_a_request_to_the_statements_of_the_task_that_it_sent(
    service: Service, client: httpx.Client, told: Collector
) -> None:
    product = {"title": "Stoneware coffee mug", "price": 12}
    headers = {"traceparent": f"00-{CALLER}-{FLAGS}", "X-Request-ID": "order-17"}

    client.put("/v1/products/mug", json=product, headers=headers).raise_for_status()

    def is_told() -> bool:
        tasks = {span.id for span in named(told, CALLER, "workers.embed_space")}
        return any(span.parent in tasks and span.name == "SELECT" for span in told.spans)

    wait_until(is_told, 60)
    (request,) = named(told, CALLER, "PUT /v1/products/{id}")
    assert (request.service, request.parent) == ("kinship-web", FLAGS.partition("-")[0])
    assert request.attributes["kinship.request_id"] == "order-17"
    assert request.attributes["http.response.status_code"] == 201
    parts = [span for span in told.of_trace(CALLER) if span.parent == request.id]
    (task, *_) = [span for span in parts if span.name == "workers.embed_space"]
    assert (task.service, task.attributes["celery.state"]) == ("kinship-worker", "success")
    written = [span for span in parts if span.service == "kinship-web"]
    assert any("recommender_product" in str(s.attributes["db.query.text"]) for s in written)
    assert not any("Stoneware" in str(span.attributes) for span in told.of_trace(CALLER))


def test_a_slow_list_is_logged_with_the_trace_of_its_stages(
    service: Service, client: httpx.Client, told: Collector
) -> None:
    answer = client.get("/v1/users/nobody/recommendations", headers={"X-Request-ID": "slow-1"})
    answer.raise_for_status()

    def slow() -> list[dict[str, Any]]:
        found = [line for line in lines(service, "web") if line.get("request_id") == "slow-1"]
        return [line for line in found if line["event"] == "slow request"]

    wait_until(lambda: bool(slow()), 10)
    trace = slow()[0]["trace_id"]
    name = "GET /v1/users/{id}/recommendations"
    wait_until(lambda: bool(named(told, trace, name)), 10)
    (request,) = named(told, trace, name)
    below = {span.id: span for span in told.of_trace(trace) if span.id != request.id}
    (user,) = named(told, trace, "user")
    assert user.parent == request.id
    assert any(span.parent == user.id and span.name == "SELECT" for span in below.values())
    assert all(span.parent in {request.id, *below} for span in below.values())


def test_who_watches_leaves_no_trace(service: Service, client: httpx.Client, told: Collector):
    httpx.get(f"{service.url}/readyz").raise_for_status()
    httpx.get(f"{service.url}/metrics").raise_for_status()
    client.get("/v1/products/none")
    wait_until(lambda: any("/v1/products/{id}" in s.name for s in told.spans), 10)

    paths = {str(span.attributes.get("url.path")) for span in told.spans}

    assert not paths & {"/readyz", "/healthz", "/metrics"}
