import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass

import pytest
from celery.signals import worker_ready
from django.conf import settings
from django.db import connection, transaction
from django.utils import timezone

from recommender.catalog.catalogs import announce_changes
from recommender.insight import evaluations
from recommender.models import EmbeddingClaim
from recommender.spaces import staleness
from recommender.stack.config import PROJECT_DIR
from recommender.training import runs
from tests.shop import Shop, numbered
from tests.workers.broker import Broker

# Puts three products through the API, and prints each answer's status and seconds.
PUT = """
import time
from django.test import Client
from recommender.catalog.catalogs import create_key
from recommender.models import ApiKey, Catalog
key = create_key(Catalog.objects.get(), ApiKey.Scope.SERVER)
Client(headers={"Host": "localhost"}).get("/healthz")  # loads all that answers
for number in range(3):
    began = time.monotonic()
    answer = Client(headers={"Host": "localhost"}).put(
        f"/v1/products/p{number}", {"title": "Mug"}, "application/json",
        headers={"Authorization": f"Bearer {key}"},
    )
    print("answered", answer.status_code, time.monotonic() - began)
"""


@dataclass(frozen=True, slots=True)
class Worker:
    """What celery says has started."""

    hostname: str


def test_a_change_is_sent_to_the_workers_once_it_is_committed(
    committed_shop: Shop, broker: Broker
) -> None:
    with transaction.atomic():
        announce_changes(committed_shop.catalog)
        assert broker.take() == []

    ((name, arguments),) = broker.take()
    assert (name, arguments[0]) == ("embed_space", committed_shop.space.pk)


def test_a_change_that_is_rolled_back_is_not_sent(committed_shop: Shop, broker: Broker) -> None:
    with transaction.atomic():
        announce_changes(committed_shop.catalog)
        transaction.set_rollback(True)

    assert broker.take() == []


def test_a_training_that_is_asked_for_is_sent_once_it_is_committed(
    committed_shop: Shop, broker: Broker
) -> None:
    with transaction.atomic():
        runs.request(committed_shop.catalog)
        assert broker.take() == []

    assert broker.take() == [("train", [committed_shop.catalog.pk])]


def test_an_evaluation_that_is_asked_for_is_sent_once_it_is_committed(
    committed_shop: Shop, broker: Broker
) -> None:
    with transaction.atomic():
        evaluations.request(committed_shop.catalog)
        assert broker.take() == []

    assert broker.take() == [("evaluate", [committed_shop.catalog.pk])]


def test_a_worker_that_starts_takes_up_what_it_had_claimed_before_it_was_killed(
    committed_shop: Shop, broker: Broker
) -> None:
    committed_shop.stock(**numbered(4))
    for owner in ("kinship@here:17", "kinship@here:18", "kinship@there:17"):
        staleness.claim(committed_shop.space, owner=owner, after=0, limit=1)

    worker_ready.send(Worker("kinship@here"))

    assert EmbeddingClaim.objects.get(until__gt=timezone.now()).owner == "kinship@there:17"
    assert [name for name, _ in broker.take()] == ["heartbeat", "sweep_embeddings"]


@pytest.fixture
def hung() -> Iterator[int]:
    """The port of a server that takes connections and never answers."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server.getsockname()[1]


@pytest.mark.slow
@pytest.mark.parametrize("url", ["redis://127.0.0.1:1/0", "amqp://127.0.0.1:1//", "redis://{hung}"])
def test_a_broker_that_is_down_or_hangs_fails_no_request_and_delays_only_the_first(
    committed_shop: Shop, url: str, hung: int
) -> None:
    database = connection.settings_dict
    run = subprocess.run(
        [sys.executable, "-W", "error", "manage.py", "shell", "--verbosity", "0", "-c", PUT],
        cwd=PROJECT_DIR,
        env=os.environ
        | {
            "DATABASE_URL": f"postgresql://{database['USER']}@/{database['NAME']}"
            f"?host={settings.STACK.layout.sockets}",
            "BROKER_URL": url.format(hung=f"127.0.0.1:{hung}/0"),
        },
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )

    printed = run.stdout + run.stderr
    answers = [line.split() for line in run.stdout.splitlines() if line.startswith("answered")]
    assert [status for _, status, _ in answers] == ["201"] * 3, printed
    assert max(float(seconds) for *_, seconds in answers) < 5
    assert 0 < printed.count("broker unavailable, the sweep will embed") < 3, "each waited for it"
    assert staleness.count(committed_shop.space) == 3
