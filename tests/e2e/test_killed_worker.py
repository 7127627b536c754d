"""A worker that is killed, at the worst moment, costs nothing but time."""

import os
import signal
from random import Random

import httpx
import psutil
import pytest

from tests.e2e.service import Service
from tests.e2e.upstreams import counted
from tests.threads import wait_until

pytestmark = pytest.mark.slow

# Long texts, as these take the model longest: there is time to kill somebody at it.
PRODUCTS = 8000
HOSTED_PRODUCTS = 1500
# Of two processes with eight calls of ten rows each.
UNDER_WAY = 160
WORDS = ("coffee", "mug", "tent", "lamp", "soap", "chair", "puzzle", "kettle", "scarf", "blanket")


def vectors(service: Service, catalog: str) -> dict[int, object]:
    """When each product's vector was written."""
    return dict(
        service.sql(
            "SELECT v.product_id, v.embedded_at FROM recommender_productvector v "
            "JOIN recommender_space s ON s.id = v.space_id "
            "JOIN recommender_catalog c ON c.id = s.catalog_id WHERE c.name = %s",
            catalog,
        )
    )


def claims(service: Service) -> int:
    query = "SELECT count(*) FROM recommender_embeddingclaim WHERE until > now()"
    return int(service.sql(query)[0][0])


def fill(client: httpx.Client, count: int) -> None:
    random = Random(1)
    products = [
        {
            "id": f"p{number}",
            "title": f"{random.choice(WORDS)} {number}",
            "description": " ".join(random.choices(WORDS, k=120)),
        }
        for number in range(count)
    ]
    client.post("/v1/products/bulk", json=products).raise_for_status()


def test_after_a_kill_every_product_is_embedded_exactly_once(service: Service) -> None:
    worker = service.pid("worker")
    with service.open_catalog("killed") as client:
        fill(client, PRODUCTS)
        wait_until(lambda: len(vectors(service, "killed")) > 0 and claims(service) > 0)
        os.killpg(worker, signal.SIGKILL)

        before = vectors(service, "killed")
        assert 0 < len(before) < PRODUCTS, "it was not in the middle of it"

        service.wait_until_embedded("killed", 90)

    after = vectors(service, "killed")
    assert len(after) == PRODUCTS
    assert {product: after[product] for product in before} == before, "some were embedded again"
    wait_until(lambda: claims(service) == 0)
    assert service.pid("worker") != worker


def test_after_a_kill_no_more_is_paid_twice_than_was_being_asked_for(service: Service) -> None:
    """The provider is slow, so that calls are under way when the worker dies."""
    with service.open_catalog("paid", "--model", "slow") as client:
        worker = service.pid("worker")  # asking takes seconds, in which all would be embedded
        fill(client, HOSTED_PRODUCTS)
        wait_until(lambda: counted(service.variables, "slow")["rows"] > 100)
        os.killpg(worker, signal.SIGKILL)
        assert len(vectors(service, "paid")) < HOSTED_PRODUCTS, "it was not in the middle of it"

        service.wait_until_embedded("paid", 90)

    assert len(vectors(service, "paid")) == HOSTED_PRODUCTS
    paid = counted(service.variables, "slow")
    assert paid["rows_paid_twice"] <= UNDER_WAY
    assert paid["rows"] == HOSTED_PRODUCTS + paid["rows_paid_twice"], "none more than twice"
    assert claims(service) == 0


def test_a_killed_process_of_the_pool_is_replaced_by_one_that_works(service: Service) -> None:
    """The new process comes from a parent that has a connection to the database open."""
    pool = psutil.Process(service.pid("worker")).children()
    assert len(pool) == 2
    with service.open_catalog("pool") as client:
        for process in pool:
            process.kill()
        for number in range(10):
            client.put(f"/v1/products/p{number}", json={"title": f"Mug {number}"})

        service.wait_until_embedded("pool")

    worker = psutil.Process(service.pid("worker"))
    wait_until(lambda: len(worker.children()) == 2)
