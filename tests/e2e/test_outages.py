"""/readyz says what is missing, and everything goes on when it is back."""

import os
import resource
import select
import signal
import socket
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from datetime import timedelta

import httpx
import psutil
import pytest

from tests.e2e.service import POLL, Service
from tests.threads import wait_until

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def client(service: Service) -> Iterator[httpx.Client]:
    with service.open_catalog("outages") as client:
        yield client


@contextmanager
def stopped(service: Service, name: str) -> Iterator[None]:
    """The server is killed, and nobody starts it again until the block ends."""
    supervisor, server = psutil.Process(service.pid("supervisor")), service.pid(name)
    supervisor.suspend()
    try:
        os.kill(server, signal.SIGINT if name == "postgres" else signal.SIGKILL)
        wait_until(lambda: not psutil.pid_exists(server))
        yield
    finally:
        supervisor.resume()


@contextmanager
def swept_every(service: Service, seconds: int) -> Iterator[None]:
    """The sweep runs this often, as a person may set it in the admin."""
    every = (
        "UPDATE django_celery_beat_intervalschedule SET every = %s WHERE id = (SELECT interval_id "
        "FROM django_celery_beat_periodictask WHERE task = 'workers.sweep_embeddings') "
    )
    ((usual,),) = service.sql(
        "SELECT every FROM django_celery_beat_intervalschedule i JOIN "
        "django_celery_beat_periodictask t ON t.interval_id = i.id "
        "WHERE task = 'workers.sweep_embeddings'"
    )
    noted = "UPDATE django_celery_beat_periodictasks SET last_update = now()"
    service.sql(every, seconds)
    service.sql(noted)
    yield
    service.sql(every, usual)
    service.sql(noted)


def test_a_running_service_is_ready(service: Service) -> None:
    parts = ("database", "broker", "index", "worker", "providers", "archive")
    # It is ready before the archive's first connection.
    wait_until(lambda: service.ready() == (200, dict.fromkeys(parts, "ok")), 60, every=POLL)


def test_a_worker_that_sends_no_heartbeat_is_missed(service: Service) -> None:
    service.wait_until_ready()

    def silent(age: timedelta) -> None:
        service.sql("UPDATE recommender_heartbeat SET at = now() - %s", age)

    def is_missed() -> bool:
        """Asked again, as a real heartbeat may come in between."""
        silent(timedelta(minutes=10))
        status, checks = service.ready()
        return (status, checks["worker"].split()[:2]) == (503, ["last", "heartbeat"])

    wait_until(is_missed)
    silent(timedelta(0))
    assert service.ready()[0] == httpx.codes.OK


def test_without_the_broker_it_is_not_ready_but_answers_and_afterwards_goes_on(
    service: Service, client: httpx.Client
) -> None:
    service.wait_until_ready()
    with stopped(service, "valkey"):
        status, checks = service.ready()
        assert status == httpx.codes.SERVICE_UNAVAILABLE
        assert checks["broker"].startswith("does not answer")
        assert checks["database"] == "ok"
        written = client.put("/v1/products/dark", json={"title": "Written without a broker"})
        assert written.status_code == 201
        assert client.get("/v1/users/anybody/recommendations").status_code == httpx.codes.OK

    service.wait_until_ready()
    # Nobody was told of the product: the sweep finds it.
    with swept_every(service, seconds=2):
        service.wait_until_embedded("outages")


def test_without_the_database_it_says_so_and_afterwards_goes_on(
    service: Service, client: httpx.Client
) -> None:
    service.wait_until_ready()
    with stopped(service, "postgres"):
        status, checks = service.ready()
        assert status == httpx.codes.SERVICE_UNAVAILABLE
        assert checks["database"].startswith("does not answer")
        assert checks["broker"] == "ok"
        answer = client.get("/v1/products")
        assert answer.status_code == httpx.codes.SERVICE_UNAVAILABLE
        assert answer.headers["content-type"] == "application/problem+json"

    service.wait_until_ready()
    assert client.put("/v1/products/light", json={"title": "Back again"}).status_code == 201
    service.wait_until_embedded("outages")


def test_senders_that_stall_hold_up_nobody(service: Service, client: httpx.Client) -> None:
    service.wait_until_ready()
    with ExitStack() as stack:
        stalled = []
        for path in ("/admin/login/", "/v1/events", "/healthz") * 20:
            sender = stack.enter_context(socket.create_connection(("127.0.0.1", service.port)))
            head = f"POST {path} HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1000\r\n\r\n{{"
            sender.sendall(head.encode())
            stalled.append(sender)

        assert client.get("/healthz").json() == {"status": "ok"}
        assert client.get("/v1/users/anybody/recommendations").status_code == httpx.codes.OK
        answered, _, _ = select.select(stalled, [], [], 0)
        assert answered == []


def test_a_thousand_idle_connections_hold_up_nobody(service: Service, client: httpx.Client) -> None:
    service.wait_until_ready()
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    with ExitStack() as stack:
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
        stack.callback(resource.setrlimit, resource.RLIMIT_NOFILE, (soft, hard))
        for _ in range(1_100):
            stack.enter_context(socket.create_connection(("127.0.0.1", service.port)))

        assert httpx.get(f"{service.url}/healthz").json() == {"status": "ok"}
        assert client.get("/v1/users/anybody/recommendations").status_code == httpx.codes.OK


def test_a_database_that_hangs_hides_no_health_and_afterwards_goes_on(
    service: Service, client: httpx.Client
) -> None:
    service.wait_until_ready()
    server = psutil.Process(service.pid("postgres"))
    hung = [server, *server.children(recursive=True)]
    for process in hung:
        process.suspend()
    try:
        assert client.get("/readyz").status_code == httpx.codes.SERVICE_UNAVAILABLE
        assert client.get("/healthz").json() == {"status": "ok"}
    finally:
        for process in hung:
            process.resume()

    service.wait_until_ready()
    assert client.get("/v1/users/anybody/recommendations").status_code == httpx.codes.OK
