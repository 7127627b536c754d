import time
from datetime import timedelta

import orjson
import pytest
from django.utils import timezone

from recommender.api import auth
from recommender.catalog import catalogs, keys
from recommender.models import ApiKey
from tests.recommender.api.client import Api, items, problem

SERVER_ONLY = [
    ("GET", "/v1/products"),
    ("POST", "/v1/products/bulk"),
    ("PUT", "/v1/products/mug-red"),
    ("PATCH", "/v1/products/mug-red"),
    ("GET", "/v1/products/mug-red"),
    ("DELETE", "/v1/products/mug-red"),
    ("PUT", "/v1/users/u1"),
    ("GET", "/v1/users/u1"),
    ("DELETE", "/v1/users/u1"),
]
ANY_KEY = [
    ("POST", "/v1/events"),
    ("GET", "/v1/products/mug-red/similar"),
    ("POST", "/v1/products/mug-red/similar"),
    ("GET", "/v1/users/u1/recommendations"),
    ("POST", "/v1/users/u1/recommendations"),
]


@pytest.mark.parametrize(("method", "path"), SERVER_ONLY + ANY_KEY)
def test_every_address_needs_a_key(method, path):
    response = Api(None).send(method, path, b"{}")
    assert "Authorization: Bearer KEY" in problem(response, 401, "no-key")["detail"]
    assert response["WWW-Authenticate"] == "Bearer"


@pytest.mark.parametrize("key", ["kin_ser_unknown", "", " ", "ü€", "x" * 5000, "'; --"])
def test_an_unknown_key_is_refused(db, key):
    response = Api(key.encode().decode("latin-1")).get("/v1/products")
    assert response.status_code == 401
    assert problem(response, 401)["type"].endswith(("unknown-key", "no-key"))


def test_another_scheme_is_refused(api, client):
    response = client.get("/v1/products", headers={"Authorization": f"Basic {api.key}"})
    problem(response, 401, "no-key")
    assert client.get("/v1/products", {"api_key": api.key}).status_code == 401


def test_a_revoked_key_is_refused(api):
    keys.revoke(ApiKey.objects.get())
    problem(api.get("/v1/products"), 401, "unknown-key")


def test_what_is_written_for_a_catalog_that_was_just_deleted_is_refused(committed_shop):
    committed_shop.stock(**{"mug-red": "Red mug"})
    server, browser, embed = (
        Api(catalogs.create_key(committed_shop.catalog, scope))
        for scope in ("server", "browser", "embed")
    )
    event = {"type": "search", "user": "u1"}
    bodies = {
        "/v1/products/bulk": [{"id": "a"}],
        "/v1/users/u1": {},
        "/v1/events": event,
        "/v1/products/mug-red": {"title": "Mug"},
    }
    texts = {"model": "fake", "input": "a mug"}
    # A user that a server key has named is no guest of browsers.
    guest = event | {"user": "guest"}
    assert server.post("/v1/events", event).status_code == 202
    assert browser.post("/v1/events", guest).status_code == 202
    assert embed.post("/compatible-mode/v1/embeddings", texts).status_code == 200
    remembered = dict(auth._remembered)
    catalogs.delete_catalog(committed_shop.catalog)

    for method, path in (*SERVER_ONLY, *ANY_KEY):
        auth._remembered.update(remembered)  # as another process still does
        answer = server.send(method, path, orjson.dumps(bodies.get(path, {})))
        if method in ("GET",) or path.endswith(("similar", "recommendations")):
            assert answer.status_code in (200, 401, 404), (method, path)
        else:
            assert answer.status_code in (401, 404), (method, path, answer.content)
    auth._remembered.update(remembered)
    problem(browser.post("/v1/events", guest), 401, "unknown-key")
    assert browser.key not in auth._remembered
    auth._remembered.update(remembered)
    answer = embed.post("/compatible-mode/v1/embeddings", texts)
    assert answer.status_code in (200, 401)


def test_a_key_that_another_process_ends_stops_within_a_second(api, stranger):
    assert api.get("/v1/products").status_code == stranger.get("/v1/products").status_code == 200
    ApiKey.objects.filter(digest=keys.key_digest(api.key)).update(revoked_at=timezone.now())
    ApiKey.objects.filter(digest=keys.key_digest(stranger.key)).delete()
    time.sleep(0.9)
    problem(api.get("/v1/products"), 401, "unknown-key")
    problem(stranger.get("/v1/products"), 401, "unknown-key")


def test_a_browser_key_may_neither_write_nor_read_the_catalog(browser):
    for method, path in SERVER_ONLY:
        detail = problem(browser.send(method, path, b"{}"), 403, "wrong-scope")["detail"]
        assert detail == "This needs a key of scope server; yours is of scope browser."


def test_a_browser_key_may_send_events_and_read_recommendations(shelved, browser):
    for method, path in ANY_KEY:
        # An event without members is refused for what it lacks, not for who sent it.
        expected = 400 if path == "/v1/events" else 200
        assert browser.send(method, path, b"{}").status_code == expected


def test_a_key_never_sees_or_changes_another_catalog(stocked, api, stranger):
    stocked.visit("u1", "mug-red")
    assert stranger.get("/v1/products").json()["items"] == []
    problem(stranger.get("/v1/products/mug-red"), 404)
    problem(stranger.get("/v1/products/mug-red/similar"), 404)
    problem(stranger.patch("/v1/products/mug-red", {"title": "Mine"}), 404)
    problem(stranger.delete("/v1/products/mug-red"), 404)
    problem(stranger.get("/v1/users/u1"), 404)
    problem(stranger.delete("/v1/users/u1"), 404)
    answer = stranger.get("/v1/users/u1/recommendations").json()
    assert answer["missing_ids"] == ["u1"]
    assert answer["items"] == []

    assert stranger.put("/v1/products/mug-red", {"title": "Mine"}).status_code == 201
    assert stranger.put("/v1/users/u1", {"attributes": {"a": 1}}).status_code == 201
    assert api.get("/v1/products/mug-red").json()["title"] == "Red mug"
    assert api.get("/v1/users/u1").json()["attributes"] == {}
    assert len(items(api.get("/v1/products/mug-blue/similar", count=100))) == 23


def test_attributes_of_another_catalog_are_unknown_fields(stocked, stranger):
    filtered = stranger.get("/v1/users/u1/recommendations", filter='{"colour": "red"}')
    problem(filtered, 400, "invalid-filter")
    problem(stranger.get("/v1/users/u1/recommendations", fields="colour"), 400, "unknown-field")


def test_what_one_request_changes_of_its_catalog_no_other_sees(api):
    first, second = (auth._recognise(api.key) for _ in range(2))
    first.catalog.attributes["colour"] = "text"  # as a declaration that is then rolled back
    first.catalog.event_weights["view"] = 99.0
    for other in (second, auth._recognise(api.key)):
        assert "colour" not in other.catalog.attributes
        assert other.catalog.event_weights["view"] == 1.0


def key_of(shop, scope="server", **limits) -> Api:
    return Api(catalogs.create_key(shop.catalog, scope, **limits))


def test_a_key_ends_when_it_expires(shop):
    key = key_of(shop, expires_at=timezone.now() + timedelta(seconds=0.3))
    assert key.get("/v1/products").status_code == 200
    time.sleep(0.3)
    # Though it is remembered still.
    problem(key.get("/v1/products"), 401, "unknown-key")


def test_a_rotated_key_goes_on_until_the_overlap_ends(shop):
    old = key_of(shop, requests_per_minute=50)
    _, plain = keys.rotate(ApiKey.objects.get(), timedelta(seconds=0.6))
    new = Api(plain)
    assert (old.get("/v1/products").status_code, new.get("/v1/products").status_code) == (200, 200)
    time.sleep(1.2)
    problem(old.get("/v1/products"), 401, "unknown-key")
    assert new.get("/v1/products")["RateLimit-Limit"] == "50"


def test_the_use_of_a_key_is_noted(shop):
    key = key_of(shop)
    assert ApiKey.objects.get().last_used_at is None
    key.get("/v1/products")
    assert timezone.now() - ApiKey.objects.get().last_used_at < timedelta(minutes=1)


def test_a_key_of_an_origin_serves_its_pages_alone(shop):
    key = key_of(shop, "browser", origins=["https://shop.example.org"])
    for headers, status in (
        ({"Origin": "https://shop.example.org"}, 200),
        ({"Referer": "https://shop.example.org/a/b?c"}, 200),
        ({"Origin": "https://evil.example.org"}, 403),
        ({"Referer": "https://shop.example.org.evil.org/"}, 403),
        ({}, 403),
    ):
        answer = key.get("/v1/popular", headers=headers)
        assert answer.status_code == status, headers
    problem(answer, 403, "wrong-origin")


@pytest.mark.parametrize("path", ["/v1/search", "/v1/suggest"])
def test_a_search_key_searches(stocked, path):
    assert key_of(stocked, "search").get(path, q="mug").status_code == 200


@pytest.mark.parametrize(
    ("method", "path"), [*SERVER_ONLY, ("POST", "/v1/events"), ("GET", "/v1/popular")]
)
def test_a_search_key_does_nothing_else(shop, method, path):
    problem(key_of(shop, "search").send(method, path, b"{}"), 403, "wrong-scope")


def test_an_insight_key_reads_what_the_catalog_tells_and_nothing_else(shop):
    key = key_of(shop, "insight")
    assert key.get("/v1/insight/runs").status_code == 200
    for path in ("/v1/products", "/v1/search", "/v1/users/u1", "/v1/users/u1/recommendations"):
        problem(key.get(path), 403, "wrong-scope")


def test_a_search_key_reads_public_attributes_alone(stocked):
    stocked.catalog.attributes = {"cost": "number"}
    stocked.catalog.save()
    answer = key_of(stocked, "search").get("/v1/search", q="mug", fields="cost")
    problem(answer, 400)
