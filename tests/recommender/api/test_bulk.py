"""Many products in one request."""

import orjson
import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from recommender.models import Catalog
from tests.recommender.api.client import Api, problem

BULK = "/v1/products/bulk"


def lines(*rows: object) -> bytes:
    return b"\n".join(row if isinstance(row, bytes) else orjson.dumps(row) for row in rows)


def counts(api: Api, body: bytes, content_type: str = "application/json") -> list[int]:
    response = api.send("POST", BULK, body, content_type)
    assert response.status_code == 200, response.content
    answer = response.json()
    assert answer["rejected"] == len(answer["errors"])
    return [answer[name] for name in ("added", "changed", "unchanged", "rejected")]


def test_a_bulk_adds_and_changes_and_leaves_alone(api):
    rows = [{"id": f"p{n}", "title": f"Product {n}"} for n in range(3)]
    assert counts(api, orjson.dumps(rows)) == [3, 0, 0, 0]
    assert counts(api, orjson.dumps(rows)) == [0, 0, 3, 0]
    rows[1]["title"] = "Changed"
    assert counts(api, orjson.dumps([*rows, {"id": "new"}])) == [1, 1, 2, 0]
    assert api.get("/v1/products/p1").json()["title"] == "Changed"


@pytest.mark.parametrize(
    "content_type", ["application/x-ndjson", "application/jsonl", "application/json", "text/plain"]
)
def test_a_bulk_may_be_one_product_a_line(api, content_type):
    body = lines({"id": "a"}, b"", {"id": 2}, b"  ") + b"\r\n" + lines({"id": "c"})
    assert counts(api, body, content_type) == [3, 0, 0, 0]
    assert api.get("/v1/products/2").status_code == 200


def test_a_single_product_may_be_written_over_several_lines(api):
    body = orjson.dumps({"id": "a", "title": "A"}, option=orjson.OPT_INDENT_2)
    assert counts(api, body) == [1, 0, 0, 0]


def test_a_bad_row_costs_only_itself(api):
    rows = [
        {"id": "good"},
        {"title": "no id"},
        {"id": "", "title": "empty id"},
        {"id": "x" * 256},
        {"id": "dear", "price": 1e10},
        {"id": "far", "released_at": "9999-12-31T23:59:59-14:00"},
        {"id": "strange", "colour": "red"},
        {"id": "nested", "attributes": {"size": {"cm": 3}}},
        5,
        "text",
        None,
        [],
        [["id", "list"]],
        {"id": "last"},
    ]
    answer = api.post(BULK, rows).json()
    assert (answer["added"], answer["rejected"]) == (2, 12)
    assert [error["row"] for error in answer["errors"]] == list(range(1, 13))
    assert answer["errors"][0]["reason"] == "id is missing"
    assert answer["errors"][5]["reason"] == "colour Extra inputs are not permitted"
    assert all(error["reason"] for error in answer["errors"])
    assert [item["id"] for item in api.get("/v1/products").json()["items"]] == ["good", "last"]


def test_a_bad_line_costs_only_itself(api):
    body = lines({"id": "a"}, b"{", b"NaN", b'{"id": "\\u0000"}', b"\xff", b"[" * 400, {"id": "b"})
    answer = api.send("POST", BULK, body, "application/x-ndjson").json()
    assert answer["added"] == 2
    assert [error["row"] for error in answer["errors"]] == [1, 2, 3, 4, 5]
    reasons = [error["reason"] for error in answer["errors"]]
    assert reasons[0].startswith("The line is not JSON: ")
    assert reasons[2] == "id holds a NUL character"


def test_the_later_of_two_rows_with_one_id_wins(api):
    assert counts(api, orjson.dumps([{"id": "a", "title": "1"}, {"id": "a", "title": "2"}]))[0] == 1
    assert api.get("/v1/products/a").json()["title"] == "2"


def test_an_attribute_keeps_its_type_within_a_bulk(api):
    rows = [
        {"id": "a", "attributes": {"size": 3}},
        {"id": "b", "attributes": {"size": "big"}},
        {"id": "c", "attributes": {"size": 4}},
    ]
    answer = api.post(BULK, rows).json()
    assert answer["added"] == 2
    assert [error["row"] for error in answer["errors"]] == [1]
    assert "declared as number" in answer["errors"][0]["reason"]
    similar = api.get("/v1/products/a/similar", filter='{"size": {"gt": 3}}')
    assert [item["id"] for item in similar.json()["items"]] == ["c"]


def test_a_bulk_declares_all_its_attributes_in_one_statement(api, settings, shop):
    settings.CATALOG_ATTRIBUTES = 100_000
    with CaptureQueriesContext(connection) as queries:
        assert api.post(BULK, many_attributes(100)).json()["added"] == 100
    assert len(Catalog.objects.get(pk=shop.catalog.pk).attributes) == 10_000
    assert sum("UPDATE recommender_catalog" in query["sql"] for query in queries) == 1


def test_a_catalog_has_a_limited_number_of_attributes(api, settings, shop):
    settings.CATALOG_ATTRIBUTES = 250
    answer = api.post(BULK, many_attributes(3)).json()
    assert (answer["added"], [error["row"] for error in answer["errors"]]) == (2, [2])
    assert "KINSHIP_CATALOG_ATTRIBUTES" in answer["errors"][0]["reason"]
    for method in (api.put, api.patch):
        problem(
            method("/v1/products/p1", {"attributes": dict.fromkeys(map(str, range(60)), 1)}), 400
        )
    assert api.patch("/v1/products/p1", {"attributes": {"p0 1": 2}}).status_code == 200
    assert api.post(BULK, [{"id": "a", "attributes": {"p1 3": 2}}]).json()["added"] == 1
    assert len(Catalog.objects.get(pk=shop.catalog.pk).attributes) == 200


def test_an_attribute_has_a_short_name(api):
    answer = api.post(BULK, [{"id": "a", "attributes": {"x" * 256: 1}}, {"id": "b"}]).json()
    assert "name of more than 255 characters" in answer["errors"][0]["reason"]


def test_a_product_has_a_limited_size_by_every_way(api, settings):
    settings.PRODUCT_BYTES = 3000
    large = {"attributes": {f"a{n}": "ü" * 100 for n in range(15)}}
    half = {"attributes": {f"a{n}": "ü" * 100 for n in range(8, 15)}}
    refused = api.post(BULK, [{"id": "a", **large}, {"id": "b", **half}]).json()["errors"]
    assert [error["row"] for error in refused] == [0]
    assert "KINSHIP_PRODUCT_KB" in refused[0]["reason"]
    problem(api.put("/v1/products/a", large), 413, "too-large")
    problem(api.put("/v1/users/u1", large), 413, "too-large")
    problem(api.patch("/v1/products/b", {"description": "x" * 2000}), 400)
    assert api.patch("/v1/products/b", {"description": "x" * 1000}).status_code == 200
    changes = [{"id": "b", "title": "x" * 1500}, {"id": "b", "title": "x"}]
    assert api.patch(BULK, changes).json()["rejected"] == 1


def test_a_page_of_large_products_ends_early_and_the_next_goes_on(api):
    large = {"attributes": {f"a{n}": "x" * 1000 for n in range(200)}}
    rows = [{"id": f"p{n:03}", **(large if n % 2 else {})} for n in range(150)]
    assert api.post(BULK, rows).json()["added"] == 150
    seen, cursor = [], {}
    for _ in range(2):
        page = api.get("/v1/products", limit=1000, **cursor)
        assert len(page.content) < 10_000_000
        seen += [item["id"] for item in page.json()["items"]]
        cursor = {"cursor": page.json()["next"]}
    assert seen == [row["id"] for row in rows]
    assert cursor == {"cursor": None}


def test_what_is_wrong_with_a_row_is_said_shortly(api):
    wrong = {"id": "a", **{f"{'x' * 1_000}{n}": 1 for n in range(1_000)}}
    refused = api.post(BULK, [wrong, {"id": "b"}]).json()["errors"][0]["reason"]
    assert refused.endswith("; and 995 more")
    assert len(refused) < 2_000
    single = problem(api.put("/v1/products/a", wrong), 400, "invalid")
    assert len(single["errors"]) == 20
    assert len(str(single)) < 10_000


def many_attributes(count: int) -> list[dict[str, object]]:
    return [
        {"id": f"p{n}", "attributes": {f"p{n} {place}": place for place in range(100)}}
        for n in range(count)
    ]


@pytest.mark.parametrize("body", [b"", b" \n ", b"{", b"[{}", b"5", b'"x"', b"null", b"\xff\xfe"])
def test_a_body_that_is_no_bulk_is_refused(api, body):
    problem(api.send("POST", BULK, body), 400)


def test_no_rows_are_no_error(api):
    assert counts(api, b"[]") == [0, 0, 0, 0]


def test_too_many_rows_are_refused(api):
    body = b"[" + b",".join([b'{"id":"a"}'] * 10_001) + b"]"
    assert "10,000" in problem(api.send("POST", BULK, body), 400, "too-many-rows")["detail"]


def test_one_product_alone_that_is_refused_is_an_error(api):
    refused = problem(api.post(BULK, {"id": "a", "price": -1}), 400, "invalid")
    assert refused["detail"] == "price is negative"
    assert api.post(BULK, [{"id": "a", "price": -1}]).json()["rejected"] == 1


def test_half_a_surrogate_pair_costs_its_row(api):
    body = b'[{"id": "a"}, {"id": "b", "attributes": {"x": "\\ud800"}}, {"id": "c"}]'
    answer = api.send("POST", BULK, body).json()
    assert (answer["added"], [error["row"] for error in answer["errors"]]) == (2, [1])
    assert "half a surrogate pair" in answer["errors"][0]["reason"]


def test_a_bulk_change_keeps_what_is_not_given(api):
    api.post(
        BULK,
        [
            {"id": "a", "title": "A", "price": 3.1415, "attributes": {"size": 3, "hue": "red"}},
            {
                "id": "b",
                "title": "B",
                "brand": "Acme",
                "released_at": "2024-02-29T12:00:00.123456Z",
            },
        ],
    )
    rows = [
        {"id": "a", "attributes": {"hue": None, "big": 2.5}},
        {"id": "gone", "price": 1},
        {"id": "b", "price": 2},
        {"id": "a", "attributes": {"size": "big"}},
        {"price": 1},
        {"id": "a", "brand": "New", "attributes": {"hue": "blue"}},
        {"id": "b", "price": -2},
    ]
    answer = api.patch(BULK, rows).json()
    assert [answer[name] for name in ("added", "changed", "unchanged", "rejected")] == [0, 2, 0, 4]
    assert [error["row"] for error in answer["errors"]] == [1, 3, 4, 6]
    assert answer["errors"][0]["reason"] == "There is no product 'gone'."
    a, b = (api.get(f"/v1/products/{key}").json() for key in "ab")
    assert (a["title"], a["price"], a["brand"]) == ("A", 3.1415, "New")
    assert a["attributes"] == {"size": 3, "hue": "blue", "big": 2.5}
    assert (b["brand"], b["price"], b["title"]) == ("Acme", 2, "B")
    assert b["released_at"] == "2024-02-29T12:00:00.123456+00:00"
    assert api.patch(BULK, [{"id": "a", "brand": "New"}, {"id": "b"}]).json()["unchanged"] == 2
    problem(api.patch(BULK, {"id": "gone", "price": 1}), 404, "unknown-product")
    problem(api.patch(BULK, {"id": "a", "price": -1}), 400, "invalid")
