"""Texts made to be run somewhere: taken and given back as they are, or refused by name."""

from urllib.parse import quote

import orjson
import pytest

from tests import corpus
from tests.recommender.api.client import problem

IDS = {name: text for name, text in corpus.TEXTS.items() if text.isprintable()}


def product(text: str) -> dict[str, object]:
    return {
        "title": text,
        "description": text,
        "category": text,
        "brand": text,
        "attributes": {text: text, "list": [text, "plain"]},
    }


def as_path(text: str) -> str:
    """A category has no blanks around its slashes."""
    return "/".join(part.strip() for part in text.split("/") if part.strip())


@pytest.mark.parametrize("text", corpus.TEXTS.values(), ids=list(corpus.TEXTS))
def test_a_text_comes_back_as_it_was_sent_through_every_entrance(shop, api, text):
    given = product(text)
    stored = {**given, "category": as_path(text)}

    assert api.put("/v1/products/put", given).status_code == 201
    assert api.patch("/v1/products/put", {"description": text}).status_code == 200
    assert api.post("/v1/products/bulk", [given | {"id": "bulk"}]).json()["added"] == 1
    page = {"token": "t", "products": [given | {"id": "sync"}]}
    assert api.post("/v1/products/sync", page).status_code == 200
    for name in ("put", "bulk", "sync"):
        answer = api.get(f"/v1/products/{name}")
        assert answer["Content-Type"] == "application/json"
        assert {field: answer.json()[field] for field in stored} == stored
    assert len(api.get("/v1/products").json()["items"]) == 3

    user = {"attributes": {text: text}}
    assert api.put("/v1/users/ann", user).status_code in (200, 201)
    assert api.get("/v1/users/ann").json()["attributes"] == user["attributes"]
    event = {"type": "view", "user": "ann", "product": "put"}
    assert api.post("/v1/events", [event, event | {"type": text}]).status_code == 202
    filtered = api.post("/v1/users/bob/recommendations", {"filter": {f"attributes.{text}": text}})
    assert filtered.status_code in (200, 400)


@pytest.mark.parametrize("text", IDS.values(), ids=list(IDS))
def test_an_id_may_be_any_text_that_can_be_printed(shop, api, text):
    address = f"/v1/products/{quote(text, safe='')}"
    assert api.put(address, {"title": "Mug"}).status_code == 201
    assert api.get(address).json()["id"] == text
    event = {"type": "view", "user": text, "product": text}
    results = api.post("/v1/events", [event]).json()["results"]
    assert [result["status"] for result in results] == ["accepted"]
    assert api.delete(address).status_code == 204


@pytest.mark.parametrize("name", ["terminal", "controls", "lines"])
def test_an_id_with_control_characters_is_refused_and_named(shop, api, name):
    text = corpus.TEXTS[name]
    answer = api.post("/v1/products/bulk", [{"id": "good"}, {"id": text}]).json()
    assert [error["row"] for error in answer["errors"]] == [1]
    assert "control character" in answer["errors"][0]["reason"]


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("PUT", "/v1/products/mug", {"title": "x" * 1_000_000}),
        ("PUT", "/v1/products/mug", {"brand": "\N{ZERO WIDTH SPACE}" * 1_000_000}),
        ("PUT", "/v1/products/mug", {"attributes": {"a": "x" * 1_000_000}}),
        ("PUT", "/v1/products/mug", {"attributes": {"x" * 1_000_000: 1}}),
        ("PUT", "/v1/products/mug", {"image_urls": ["https://shop.example/" + "x" * 1_000_000]}),
        ("PUT", "/v1/products/mug", {"image_urls": ["data:image/png;base64,AAAA"]}),
        ("PUT", "/v1/products/mug", {"image_urls": ["data:text/html,<script>alert(1)</script>"]}),
        ("PUT", "/v1/products/mug", {"image_urls": ["file:///etc/passwd"]}),
        ("PUT", "/v1/products/mug", {"video_urls": ["javascript:alert(1)"]}),
        ("PUT", "/v1/users/ann", {"attributes": {"x" * 1_000_000: 1}}),
        ("POST", "/v1/events", {"type": "x" * 1_000_000, "user": "u", "product": "p"}),
        ("POST", "/v1/events", {"type": "view", "user": "x" * 1_000_000, "product": "p"}),
        ("POST", "/v1/users/ann/recommendations", {"fields": ["x" * 1_000_000]}),
        ("POST", "/v1/users/ann/recommendations", {"filter": {"x" * 1_000_000: 1}}),
    ],
    ids=lambda value: str(value)[:40],
)
def test_a_line_of_a_megabyte_is_refused_in_a_short_answer(shop, api, method, path, body):
    answer = api.send(method, path, orjson.dumps(body))

    told = problem(answer, answer.status_code)
    assert answer.status_code in (400, 413)
    assert len(answer.content) < 5_000
    assert told["detail"]


def test_a_bad_row_of_a_megabyte_costs_only_itself(shop, api):
    rows = [{"id": "a"}, {"id": "b", "title": "x" * 1_000_000}, {"id": "x" * 1_000_000}]
    body = b"\n".join(map(orjson.dumps, rows))

    answer = api.send("POST", "/v1/products/bulk", body, "application/x-ndjson")

    assert answer.json()["added"] == 1
    assert [error["row"] for error in answer.json()["errors"]] == [1, 2]
    assert len(answer.content) < 5_000


def test_an_answer_of_large_products_ends_after_8_mb_and_says_so(shop, api):
    long = "x" * 99_000
    large = {"description": long, "attributes": {"a": long}}
    shop.put(*({"id": f"p{n}", **large} for n in range(50)))
    ask = {"count": 50, "fields": ["description", "attributes"]}

    answer = api.post("/v1/users/guest/recommendations", ask)

    body = answer.json()
    assert 8_000_000 < len(answer.content) < 9_000_000
    assert not body["complete"]
    assert f"Ended after {len(body['items'])} products" in body["reason"]
    assert [item["rank"] for item in body["items"]] == list(range(1, len(body["items"]) + 1))
    whole = api.post("/v1/users/guest/recommendations", ask | {"fields": []}).json()
    assert (whole["complete"], len(whole["items"])) == (True, 50)


@pytest.mark.parametrize("text", corpus.TEXTS.values(), ids=list(corpus.TEXTS))
def test_a_text_is_searched_for_and_completed_whatever_it_says(shop, api, text):
    assert api.put("/v1/products/mug", product(text)).status_code == 201
    for address in ("/v1/search", "/v1/suggest"):
        answer = api.get(address, q=text)
        if answer.status_code == 400:
            assert "q" in problem(answer, 400)["errors"][0]["where"]
        else:
            assert answer.status_code == 200
            assert answer["Content-Type"] == "application/json"
