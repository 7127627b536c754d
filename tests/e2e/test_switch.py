"""A space is replaced by another, and back, while clients ask without a pause."""

from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import cycle
from threading import Event
from typing import Any

import httpx
import pytest

from tests.e2e.service import Service
from tests.threads import wait_until

pytestmark = pytest.mark.slow

CATALOG = "switch"
# In the first space products are alike by their title, in the second by who would give them.
TITLES = {
    "mug": "Stoneware coffee mug",
    "tent": "Two-person camping tent",
    "puzzle": "Wooden jigsaw puzzle",
    "lamp": "Brass reading lamp",
    "spade": "Steel garden spade",
    "scarf": "Merino wool scarf",
}
GIVERS = ("grandmother", "uncle", "neighbour", "teacher", "colleague", "sister")
PRODUCTS = [f"{kind}-{giver}" for kind in TITLES for giver in GIVERS]
COUNT = len(GIVERS) - 1  # as many as are alike, so that no other has a place
ALIKE = {"text@1": 0, "text@2": 1}  # the part of the id in which neighbours agree


@dataclass
class Clients:
    """What the clients were answered: how often by each space, and all that was wrong."""

    served: Counter[str] = field(default_factory=Counter)
    wrong: list[str] = field(default_factory=list)
    stopped: Event = field(default_factory=Event)

    def ask_on(self, client: httpx.Client, ask: Callable[[httpx.Client, str], None]) -> None:
        """Ask about one product after the other until it is said to stop."""
        for product in cycle(PRODUCTS):
            if self.stopped.is_set():
                return
            try:
                ask(client, product)
            except (httpx.HTTPError, AssertionError) as exc:
                self.wrong.append(f"{product}: {exc!r}")

    def similar(self, client: httpx.Client, product: str) -> None:
        answer = client.get(f"/v1/products/{product}/similar", params={"count": COUNT})
        self.check(product, answer)

    def recommendations(self, client: httpx.Client, product: str) -> None:
        answer = client.get(
            f"/v1/users/lover of {product}/recommendations", params={"count": COUNT}
        )
        self.check(product, answer)

    def recommendations_after_a_visit(self, client: httpx.Client, product: str) -> None:
        """The visit makes the profile stale, so that the answer builds a new one."""
        visit = {"type": "view", "user": f"lover of {product}", "product": product}
        assert client.post("/v1/events", json=visit).status_code == 202
        self.recommendations(client, product)

    def check(self, product: str, answer: httpx.Response) -> None:
        """It is whole, of one space, and every neighbour in it is one in that space."""
        assert answer.status_code == httpx.codes.OK, answer.text
        body: dict[str, Any] = answer.json()
        assert (body["fallback"], len(body["items"])) == (None, COUNT), body
        (space,) = body["spaces"]
        part = ALIKE[space]
        neighbours = [
            item["id"] for item in body["items"] if "text" in item["why"]["contributions"]
        ]
        assert neighbours, body
        assert {neighbour.split("-")[part] for neighbour in neighbours} == {
            product.split("-")[part]
        }, body
        self.served[space] += 1

    def wait_for(self, space: str, answers: int = 30) -> None:
        """Until so many more answers came from this space."""
        wanted = self.served[space] + answers
        wait_until(lambda: self.served[space] >= wanted or bool(self.wrong))


# Through its model, so that beat hears of it.
_SCHEDULE = """
from django_celery_beat.models import PeriodicTask
task = PeriodicTask.objects.get(task="workers.sweep_popularity")
task.enabled = {enabled}
task.save()
"""


@pytest.fixture(scope="module")
def uncounted(service: Service) -> Iterator[None]:
    """Popularity is not counted: what is popular would take places from what is alike."""
    service.manage("shell", "-c", _SCHEDULE.format(enabled=False))
    yield
    service.manage("shell", "-c", _SCHEDULE.format(enabled=True))


@pytest.fixture(scope="module")
def client(service: Service, uncounted: None) -> Iterator[httpx.Client]:
    """A shop of six kinds from six givers each, with a user who likes each product."""
    with service.open_catalog(CATALOG) as client:
        goods = [
            {"id": product, "title": TITLES[kind], "attributes": {"giver": giver}}
            for product in PRODUCTS
            for kind, giver in [product.split("-")]
        ]
        client.post("/v1/products/bulk", json=goods).raise_for_status()
        for product in PRODUCTS:
            visit = {"type": "view", "user": f"lover of {product}", "product": product}
            client.post("/v1/events", json=visit).raise_for_status()
        service.wait_until_embedded(CATALOG)
        yield client


@contextmanager
def asking(client: httpx.Client) -> Iterator[Clients]:
    """Six clients who ask without a pause."""
    clients = Clients()
    asks = (clients.similar, clients.recommendations, clients.recommendations_after_a_visit)
    with ThreadPoolExecutor(2 * len(asks)) as pool:
        running: list[Future[None]] = []
        try:
            running += [pool.submit(clients.ask_on, client, ask) for ask in (*asks, *asks)]
            yield clients
        finally:
            clients.stopped.set()
    for future in running:
        future.result()


def test_no_answer_fails_or_is_mixed_while_spaces_are_switched(
    service: Service, client: httpx.Client
) -> None:
    def space(*arguments: str) -> str:
        return service.manage("space", *arguments, "--catalog", CATALOG)

    with asking(client) as clients:
        clients.wait_for("text@1")
        space("create", "--model", "fake", "--dimension", "512", "--template", "{attributes.giver}")
        built = space("build", "text@2", "--wait")
        assert "Next: ./kinship space compare text@1 text@2 --catalog " in built
        assert set(clients.served) == {"text@1"}, "the shadow answered"
        for command, serving in (
            (("activate", "text@2"), "text@2"),
            (("rollback",), "text@1"),
            (("activate", "text@2"), "text@2"),
        ):
            space(*command)
            clients.wait_for(serving)
        assert "of disk freed" in space("retire", "text@1")
        clients.wait_for("text@2")

    assert clients.wrong == []
    assert min(clients.served["text@1"], clients.served["text@2"]) > 60
    listed = space("list").splitlines()
    assert [line.split()[:2] for line in listed[1:]] == [
        ["text@2", "active"],
        ["text@1", "retired"],
    ]
