from urllib.parse import quote

import pytest

from recommender.history import popularity
from recommender.retrieval import vocabulary
from tests.recommender.api.client import Api, items, problem

FULL = {
    "title": "Teapot",
    "description": "Pours without a drop.",
    "category": "Home/Kitchen",
    "brand": "Acme",
    "price": 19.99,
    "currency": "EUR",
    "in_stock": False,
    "image_urls": ["https://shop.example/teapot.jpg"],
    "video_urls": ["http://shop.example/teapot.mp4"],
    "attributes": {"colour": "blue", "litres": 1.5, "glazed": True, "tags": ["tea", "gift"]},
    "released_at": "2024-02-29T12:00:00+00:00",
}
EMPTY = {
    "title": "",
    "description": "",
    "category": "",
    "brand": "",
    "price": None,
    "currency": "",
    "in_stock": True,
    "image_urls": [],
    "video_urls": [],
    "attributes": {},
    "released_at": None,
}
AWKWARD = [
    "a/b",
    "a/",
    "/a",
    "/",
    "a//b",
    "a/../b",
    "a/similar",
    "bulk",
    "sync",
    "%",
    "a b",
    "100%",
    "a%2Fb",
    "é",
    "日本",
    "🫖",
    "a?b",
    "a#b",
    "a&b=c",
    "'",
    "x" * 255,
]


def shown(api: Api, product: str) -> dict[str, object]:
    response = api.get(f"/v1/products/{quote(product, safe='')}")
    assert response.status_code == 200, response.content
    return response.json()


def test_a_product_is_given_back_as_it_was_put(api):
    response = api.put("/v1/products/pot", FULL)
    assert response.status_code == 201
    assert response.json() == shown(api, "pot")
    assert {**shown(api, "pot"), "updated_at": None} == {"id": "pot", **FULL, "updated_at": None}


def test_putting_a_product_again_clears_what_is_left_out(api):
    api.put("/v1/products/pot", FULL)
    response = api.put("/v1/products/pot", {"title": "Pot"})
    assert response.status_code == 200
    assert shown(api, "pot").items() >= ({**EMPTY, "title": "Pot"}).items()


def test_patching_a_product_keeps_what_is_left_out(api):
    api.put("/v1/products/pot", FULL)
    response = api.patch("/v1/products/pot", {"price": None, "in_stock": True})
    assert response.status_code == 200
    assert response.json().items() >= ({**FULL, "price": None, "in_stock": True}).items()
    assert api.patch("/v1/products/pot", {}).json().items() >= {"price": None}.items()
    problem(api.patch("/v1/products/pan", {"price": 1}), 404, "unknown-product")
    problem(api.get("/v1/products/pan"), 404, "unknown-product")


def test_a_deleted_product_is_gone_until_it_is_put_again(stocked, api):
    assert api.delete("/v1/products/mug-red").status_code == 204
    missing = problem(api.get("/v1/products/mug-red"), 404, "unknown-product")
    assert missing["missing_ids"] == ["mug-red"]
    problem(api.delete("/v1/products/mug-red"), 404)
    problem(api.patch("/v1/products/mug-red", {}), 404)
    problem(api.get("/v1/products/mug-red/similar"), 404)
    assert "mug-red" not in items(api.get("/v1/products/mug-blue/similar", count=24))
    assert api.put("/v1/products/mug-red", {"title": "Red mug"}).status_code == 200
    assert "mug-red" in items(api.get("/v1/products/mug-blue/similar", count=24))


@pytest.mark.parametrize("name", AWKWARD)
def test_an_awkward_id_is_an_id_like_any_other(api, name):
    address = f"/v1/products/{quote(name, safe='')}"
    assert api.put(address, {"id": name, "title": "one"}).json()["id"] == name
    assert api.patch(address, {"title": "two"}).status_code == 200
    assert shown(api, name)["title"] == "two"
    assert [product["id"] for product in api.get("/v1/products").json()["items"]] == [name]
    assert items(api.get(f"{address}/similar")) == []
    assert api.delete(address).status_code == 204


@pytest.mark.parametrize("name", ["x" * 256, "x" * 300, "a\x00b"])
def test_an_id_that_cannot_be_is_refused(api, name):
    address = f"/v1/products/{quote(name, safe='')}"
    for response in (api.put(address, {}), api.patch(address, {}), api.get(address)):
        assert problem(response, 400, "invalid")["errors"][0]["where"] == "path.product_id"
    problem(api.delete(address), 400)
    problem(api.get(f"{address}/similar"), 400)


def test_the_body_and_the_address_must_name_one_product(api):
    assert api.put("/v1/products/7", {"id": 7}).status_code == 201
    problem(api.put("/v1/products/7", {"id": "8"}), 400, "two-ids")


@pytest.mark.parametrize(
    ("body", "where"),
    [
        ({"price": -0.01}, "body.price"),
        ({"price": 1e10}, "body.price"),
        ({"price": 9_999_999_999.99999}, "body.price"),
        ({"price": "cheap"}, "body.price"),
        ({"price": [1]}, "body.price"),
        ({"title": ["x"]}, "body.title"),
        ({"title": "x" * 100_001}, "body.title"),
        ({"brand": "x" * 601}, "body.brand"),
        ({"category": {"path": "Home"}}, "body.category"),
        ({"currency": "euro"}, "body.currency"),
        ({"in_stock": "perhaps"}, "body.in_stock"),
        ({"image_urls": "a.jpg"}, "body.image_urls"),
        ({"image_urls": ["javascript:alert(1)"]}, "body.image_urls"),
        ({"video_urls": ["https://shop.example/"] * 51}, "body.video_urls"),
        ({"released_at": "soon"}, "body.released_at"),
        ({"released_at": "0001-01-01T00:00:00+14:00"}, "body.released_at"),
        ({"released_at": "9999-12-31T23:59:59-14:00"}, "body.released_at"),
        ({"attributes": ["a"]}, "body.attributes"),
        ({"attributes": {"size": {"cm": 3}}}, "body.attributes"),
        ({"attributes": {"tags": ["a", 1]}}, "body.attributes"),
        ({"attributes": {str(n): n for n in range(201)}}, "body.attributes"),
        ({"colour": "red"}, "body.colour"),
        ([], "body"),
        ("pot", "body"),
        (None, "body"),
    ],
)
def test_a_product_that_cannot_be_is_refused_and_says_where(api, body, where):
    api.put("/v1/products/pot", FULL)
    for response in (api.put("/v1/products/pot", body), api.patch("/v1/products/pot", body)):
        errors = problem(response, 400, "invalid")["errors"]
        assert [error["where"] for error in errors] == [where]
    assert shown(api, "pot").items() >= FULL.items()


def test_an_attribute_keeps_the_type_of_its_first_value(api):
    api.put("/v1/products/a", {"attributes": {"size": 3}})
    refused = problem(api.put("/v1/products/b", {"attributes": {"size": "big"}}), 400)
    assert "declared as number" in refused["detail"]
    assert api.put("/v1/products/b", {"attributes": {"size": None}}).status_code == 201


def test_a_category_is_stored_without_stray_slashes_and_blanks(api):
    response = api.put("/v1/products/pot", {"category": "/ Home // Kitchen & Bar /"})
    assert response.json()["category"] == "Home/Kitchen & Bar"


def test_the_longest_brand_and_category_fit_their_index(api):
    # Letters that neither compress nor take fewer than four bytes.
    text = "".join(chr(0x20000 + (n * 7919) % 42_000) for n in range(600))
    assert api.put("/v1/products/pot", {"brand": text, "category": text}).status_code == 201
    assert shown(api, "pot")["brand"] == text


@pytest.mark.parametrize(
    "number", [2**64 - 1, -(2**63), 2**64, 2**70, -(2**70), 1e30, 1.7e308, 1e-300]
)
def test_an_attribute_of_any_size_is_given_back(api, number):
    assert api.put("/v1/products/pot", {}).status_code == 201
    text = b'{"attributes": {"size": %s}}' % str(number).encode()
    assert api.send("PUT", "/v1/products/pot", text).status_code == 200
    assert shown(api, "pot")["attributes"] == {"size": pytest.approx(number)}
    similar = api.get("/v1/products/pot/similar", fields="attributes")
    assert similar.status_code == 200
    assert api.get("/v1/products").json()["items"][0]["attributes"]["size"] == pytest.approx(number)


# ------------------------------------------------------------------------------ page by page


def page(api: Api, **parameters: object) -> tuple[list[str], str | None]:
    response = api.get("/v1/products", **parameters)
    assert response.status_code == 200, response.content
    body = response.json()
    return [product["id"] for product in body["items"]], body["next"]


def test_pages_hold_every_product_once_though_products_come_and_go(shelved, api):
    everything = set(shelved.catalog.products.values_list("external_id", flat=True))
    first, cursor = page(api, limit=10)
    api.put("/v1/products/new", {})
    api.delete(f"/v1/products/{first[0]}")
    second, cursor = page(api, limit=10, cursor=cursor)
    api.patch(f"/v1/products/{second[0]}", {"title": "changed"})
    third, cursor = page(api, limit=10, cursor=cursor)
    assert cursor is None
    assert [len(first), len(second), len(third)] == [10, 10, 5]
    assert first + second + third == [*dict.fromkeys(first + second + third)]
    assert set(first + second + third) == everything | {"new"}
    assert first[0] not in page(api)[0]


def test_a_full_last_page_says_that_it_is_the_last(shelved, api):
    assert page(api, limit=24)[1] is None
    assert page(api, limit=23)[1] is not None
    assert len(page(api)[0]) == 24


@pytest.mark.parametrize("cursor", ["-", "!", "LQ", "€", "x" * 5000])
def test_a_cursor_that_is_none_is_refused(api, cursor):
    problem(api.get("/v1/products", cursor=cursor), 400, "invalid-cursor")


@pytest.mark.parametrize("limit", [0, -1, 1001, 10**30, "abc", "1.5"])
def test_a_limit_that_cannot_be_is_refused(api, limit):
    errors = problem(api.get("/v1/products", limit=limit), 400, "invalid")["errors"]
    assert errors[0]["where"] == "query.limit"


def test_an_unknown_parameter_of_the_list_is_refused(api):
    refused = problem(api.get("/v1/products", brand="Acme"), 400, "unknown-parameter")
    assert "'brand'" in refused["detail"]
    assert "limit, cursor" in refused["detail"]


def test_patching_attributes_changes_those_that_are_named(api):
    api.put("/v1/products/pot", FULL)
    attributes = {"colour": None, "litres": 2, "new": "x"}
    changed = api.patch("/v1/products/pot", {"attributes": attributes})
    kept = {"litres": 2, "glazed": True, "tags": ["tea", "gift"], "new": "x"}
    assert changed.json()["attributes"] == shown(api, "pot")["attributes"] == kept
    assert api.patch("/v1/products/pot", {"attributes": {}}).json()["attributes"] == kept
    refused = problem(api.patch("/v1/products/pot", {"attributes": {"litres": "two"}}), 400)
    assert refused["errors"][0]["where"] == "body.attributes"
    many = {f"a{n}": n for n in range(198)}
    problem(api.patch("/v1/products/pot", {"attributes": many}), 400, "invalid")
    assert api.patch("/v1/products/pot", {"attributes": None}).json()["attributes"] == {}


def test_what_is_deleted_is_answered_no_more_by_anything(stocked, api):
    stocked.visit("u1", "mug-green", "mug-blue")
    stocked.visit("u2", "mug-red")
    popularity.refresh(stocked.catalog)
    vocabulary.count(stocked.catalog)
    lists = (
        "/v1/products/mug-green/similar",
        "/v1/users/u1/recommendations",
        "/v1/popular",
        "/v1/new",
        "/v1/search",
    )
    text = {"/v1/search": {"q": "red mug"}}

    def listed() -> list[bool]:
        answers = [api.get(one, count=24, **text.get(one, {})) for one in lists]
        return ["mug-red" in items(answer) for answer in answers]

    assert listed() == [True] * len(lists)
    assert api.delete("/v1/products/mug-red").status_code == 204
    assert listed() == [False] * len(lists)
    assert "mug-red" not in items(api.get("/v1/products", limit=1000))
    assert "mug-red" not in api.get("/v1/suggest", q="red mug").content.decode()
    for again in (api.get, api.delete):
        problem(again("/v1/products/mug-red"), 404, "unknown-product")
    problem(api.patch("/v1/products/mug-red", {"title": "x"}), 404, "unknown-product")
    problem(api.get("/v1/products/mug-red/similar"), 404, "unknown-product")
    body = api.post("/v1/recommendations", {"products": ["mug-red"]}).json()
    assert body["missing_ids"] == ["mug-red"]
    event = {"type": "view", "user": "u1", "product": "mug-red"}
    problem(api.post("/v1/events", event), 404, "unknown-product")
    assert api.delete("/v1/users/u1").status_code == 204
    problem(api.get("/v1/users/u1"), 404, "unknown-user")
    assert api.get("/v1/users/u1/recommendations").json()["missing_ids"] == ["u1"]
