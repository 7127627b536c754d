"""What a shop sends takes effect by itself: no reload, no retraining, no restart."""

from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from tests.e2e.service import Service
from tests.threads import wait_until

pytestmark = pytest.mark.slow

CATALOG = "new-data"
KINDS = {
    "mug": "Stoneware coffee mug",
    "tent": "Two-person camping tent",
    "puzzle": "Wooden jigsaw puzzle",
}
COLOURS = ("red", "blue", "green", "white", "black", "yellow", "grey", "pink")
# Nobody waits longer for a new product's neighbours; alone it takes well under a second.
SECONDS = 10


@pytest.fixture(scope="module")
def client(service: Service) -> Iterator[httpx.Client]:
    """A shop with three kinds of goods, embedded."""
    with service.open_catalog(CATALOG) as client:
        goods = [
            {"id": f"{kind}-{colour}", "title": f"{title}, {colour}", "price": 10}
            for kind, title in KINDS.items()
            for colour in COLOURS
        ]
        client.post("/v1/products/bulk", json=goods).raise_for_status()
        service.wait_until_embedded(CATALOG)
        yield client


def get(client: httpx.Client, path: str, **parameters: Any) -> dict[str, Any]:
    answer = client.get(path, params=parameters)
    assert answer.status_code == httpx.codes.OK, answer.text
    body: dict[str, Any] = answer.json()
    return body


def ids(answer: dict[str, Any]) -> list[str]:
    return [item["id"] for item in answer["items"]]


def post(client: httpx.Client, user: str, product: str) -> None:
    answer = client.post("/v1/events", json={"type": "view", "user": user, "product": product})
    assert (answer.status_code, answer.json()["accepted"]) == (202, 1)


def test_a_new_product_has_neighbours_and_is_one_within_seconds(client: httpx.Client) -> None:
    new = {"title": "Large stoneware mug for coffee, orange", "price": 12}

    assert client.put("/v1/products/mug-orange", json=new).status_code == 201

    def has_neighbours() -> bool:
        return get(client, "/v1/products/mug-orange/similar", count=5)["fallback"] is None

    wait_until(has_neighbours, SECONDS)
    similar = get(client, "/v1/products/mug-orange/similar", count=5)
    assert {product.split("-")[0] for product in ids(similar)} == {"mug"}
    assert "mug-orange" in ids(get(client, "/v1/products/mug-red/similar", count=8))


def test_a_product_that_changes_what_it_is_changes_its_neighbours(client: httpx.Client) -> None:
    client.put("/v1/products/chameleon", json={"title": "Wooden jigsaw puzzle, brown"})
    client.patch("/v1/products/chameleon", json={"title": "Two-person camping tent, brown"})

    def is_a_tent() -> bool:
        similar = get(client, "/v1/products/chameleon/similar", count=5)
        return {product.split("-")[0] for product in ids(similar)} == {"tent"}

    wait_until(is_a_tent, SECONDS)
    client.delete("/v1/products/chameleon").raise_for_status()


def test_an_event_counts_in_the_very_next_answer(client: httpx.Client) -> None:
    path = "/v1/users/walter/recommendations"
    before = get(client, path, count=6)
    assert before["fallback"] is not None
    assert before["missing_ids"] == ["walter"]

    post(client, "walter", "tent-red")
    after = get(client, path, count=6)

    assert (after["fallback"], after["missing_ids"]) == (None, [])
    assert ids(after) != ids(before)
    assert ids(after)[0].startswith("tent-")
    assert after["items"][0]["why"]["because"] == ["tent-red"]
    assert "tent-red" not in ids(after)


def test_every_further_event_counts_too_and_what_was_seen_does_not_come_again(
    client: httpx.Client,
) -> None:
    path = "/v1/users/paula/recommendations"
    seen: list[str] = []
    for product in ("puzzle-red", "mug-red", "puzzle-blue", "mug-blue"):
        post(client, "paula", product)
        seen.append(product)

        answer = get(client, path, count=20)

        assert not set(seen) & set(ids(answer))
        kinds = {key.split("-")[0] for key in seen}
        assert {key.split("-")[0] for key in ids(answer)[: len(kinds)]} <= kinds


def test_a_product_out_of_stock_is_not_recommended_from_the_next_answer_on(
    client: httpx.Client,
) -> None:
    assert "mug-grey" in ids(get(client, "/v1/products/mug-pink/similar", count=12))

    client.patch("/v1/products/mug-grey", json={"in_stock": False}).raise_for_status()
    assert "mug-grey" not in ids(get(client, "/v1/products/mug-pink/similar", count=12))

    client.patch("/v1/products/mug-grey", json={"in_stock": True}).raise_for_status()
    assert "mug-grey" in ids(get(client, "/v1/products/mug-pink/similar", count=12))
