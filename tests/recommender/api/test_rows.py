"""The rows of a page: titled lists that share no product."""

from datetime import UTC, datetime, timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from recommender import time_budget
from recommender.catalog import catalogs
from recommender.engine import answer_log, rows
from recommender.engine.answer import Query
from recommender.history import popularity
from recommender.models import ApiKey
from tests.recommender.api.client import Api, problem
from tests.shop import Shop, event

FOR_U1 = "/v1/users/u1/rows"
NOW = datetime.now(UTC) - timedelta(hours=1)


@pytest.fixture
def visited(stocked: Shop) -> Shop:
    """u1 bought a mug and viewed others; lamps are in demand."""
    for user in ("a", "b", "c", "d"):
        stocked.visit(user, "lamp-red", "lamp-green", "lamp-blue", "spade-red", at=NOW)
    stocked.post(event("u1", "mug-red", type="purchase", at=NOW))
    stocked.visit("u1", "mug-green", "lamp-red", at=NOW + timedelta(minutes=1))
    popularity.refresh(stocked.catalog)
    return stocked


def page(response):
    assert response.status_code == 200, response.content
    body = response.json()
    listed = [item["id"] for row in body["rows"] for item in row["items"]]
    assert len(listed) == len(set(listed)), "a product is in two rows"
    assert len({row["rec_id"] for row in body["rows"]}) == len(body["rows"])
    for row in body["rows"]:
        assert [item["rank"] for item in row["items"]] == list(range(1, len(row["items"]) + 1))
        assert row["complete"] is (row["reason"] is None)
    return body


def test_rows_are_titled_share_nothing_and_list_nothing_that_the_user_had(visited, api):
    body = page(api.get(FOR_U1, count=3, rows=5, fields="category"))
    titles = {row["code"]: row["title"] for row in body["rows"]}
    assert list(titles)[:2] == ["for_you", "because_bought"]
    assert titles["for_you"] == "Recommended for you"
    assert titles["because_bought"] == "Because you bought Red mug"
    assert body["rows"][1]["because"] == "mug-red"
    listed = {item["id"] for row in body["rows"] for item in row["items"]}
    assert not listed & {"mug-red", "mug-green", "lamp-red"}
    assert (body["missing_ids"], body["fallback"], body["degraded"]) == ([], None, {})
    assert all(item["fields"]["category"] for row in body["rows"] for item in row["items"])
    new_in = next((row for row in body["rows"] if row["code"] == "new_in"), None)
    if new_in is not None:
        assert new_in["title"] == "New in Mugs"


def test_a_body_asks_the_same_and_a_filter_narrows_all_rows(visited, api):
    asked = {"count": 4, "rows": 3, "filter": {"category": {"under": "Home"}}}
    posted = page(api.post(FOR_U1, asked))
    assert posted["rows"]
    for row in posted["rows"]:
        assert {item["id"].split("-")[0] for item in row["items"]} <= {"mug", "lamp"}
    fetched = page(api.get(FOR_U1, count=4, rows=3, filter='{"category": {"under": "Home"}}'))
    for row, other in zip(posted["rows"], fetched["rows"], strict=True):
        assert {**row, "rec_id": ""} == {**other, "rec_id": ""}


def test_titles_are_in_the_language_asked_for(visited, api):
    response = api.get(FOR_U1, {"Accept-Language": "de"}, count=3)
    assert response["Content-Language"] == "de"
    titles = [row["title"] for row in page(response)["rows"]]
    assert titles[:2] == ["Für Sie empfohlen", "Weil Sie „Red mug“ gekauft haben"]


def test_what_is_due_is_to_be_bought_again_but_not_for_a_browser(visited, api):
    for days in (60, 40, 20):
        at = NOW - timedelta(days=days)
        visited.post(*(event(u, "puzzle-red", type="purchase", at=at) for u in ("u1", "a", "b")))
    popularity.refresh(visited.catalog)
    body = page(api.get(FOR_U1, count=3, explain="true"))
    row = next(row for row in body["rows"] if row["code"] == "buy_again")
    assert row["title"] == "Time to buy again"
    assert [item["id"] for item in row["items"]] == ["puzzle-red"]
    assert row["items"][0]["why"]["text"] == "You bought this before"
    browser = Api(catalogs.create_key(visited.catalog, ApiKey.Scope.BROWSER))
    assert "buy_again" not in [row["code"] for row in page(browser.get(FOR_U1))["rows"]]


def test_of_a_user_nobody_knows_it_is_what_is_for_everybody(visited, api):
    body = page(api.get("/v1/users/nobody/rows", count=3))
    assert (body["missing_ids"], body["fallback"]) == (["nobody"], "popular")
    codes = [row["code"] for row in body["rows"]]
    assert codes
    assert set(codes) <= {"trending", "popular", "new"}


def test_a_browser_key_learns_nothing_of_a_known_user(visited):
    browser = Api(catalogs.create_key(visited.catalog, ApiKey.Scope.BROWSER))
    told = page(browser.get(FOR_U1, count=3, explain="true"))
    nobody = page(browser.get("/v1/users/nobody/rows", count=3, explain="true"))
    assert told["degraded"] == {"user": "no_user_token"}
    assert [{**row, "rec_id": ""} for row in told["rows"]] == [
        {**row, "rec_id": ""} for row in nobody["rows"]
    ]


def test_a_page_takes_a_bounded_number_of_statements(visited, api):
    page(api.get(FOR_U1, count=3))
    numbers = []
    for count in (3, 6):
        with CaptureQueriesContext(connection) as captured:
            page(api.get(FOR_U1, count=count))
        # A test runs in a transaction, where a second try needs a savepoint.
        numbers.append(sum("SAVEPOINT" not in query["sql"] for query in captured))
    assert max(numbers) <= 25, numbers
    users = [query for query in captured if "FROM recommender_user u" in query["sql"]]
    assert len(users) == 1, "the user is found once"


def test_a_row_goes_on_without_what_the_page_has_shown_or_the_user_had(visited, api):
    body = page(api.get(FOR_U1, count=3, rows=6, filter='{"price": {"gte": 0}}'))
    answer_log.writer.flush()
    seen = {"mug-red", "mug-green", "lamp-red"}
    seen |= {item["id"] for row in body["rows"] for item in row["items"]}
    for row in body["rows"]:
        response = api.post(f"/v1/recommendations/{row['rec_id']}/next", {})
        assert response.status_code == 200, response.content
        following = [item["id"] for item in response.json()["items"]]
        assert not set(following) & seen, row["code"]
        if row["code"] == "new_in":
            assert {name.split("-")[0] for name in following} <= {"mug"}


def test_what_is_due_does_not_go_on(visited, api):
    for days in (60, 40, 20):
        at = NOW - timedelta(days=days)
        visited.post(*(event(u, "puzzle-red", type="purchase", at=at) for u in ("u1", "a", "b")))
    popularity.refresh(visited.catalog)
    body = page(api.get(FOR_U1, count=3))
    answer_log.writer.flush()
    row = next(row for row in body["rows"] if row["code"] == "buy_again")
    problem(api.post(f"/v1/recommendations/{row['rec_id']}/next", {}), 404, "unknown-answer")


def test_the_trace_of_a_page_tells_of_each_row(visited, api):
    body = page(api.get(FOR_U1, count=3, trace="true"))
    told = [stage["notes"]["code"] for stage in body["trace"] if stage["stage"] == "row"]
    assert told[:2] == ["for_you", "because"]
    assert len(told) >= len(body["rows"])
    assert "trace" not in page(api.get(FOR_U1, count=3))


def test_rows_that_there_is_no_time_for_are_left_out(visited, api):
    with time_budget.within(0.0):
        late = rows.page(visited.catalog, "u1", Query(count=3, named=True), 6, names_own=True)
    assert (late.rows, late.degraded["rows"]) == ([], "timeout")


def test_a_batch_has_pages_beside_lists_and_none_of_their_products_twice(visited, api):
    asked = {
        "distinct": True,
        "requests": [
            {"operation": "popular", "count": 2},
            {"operation": "rows", "user": "u1", "count": 3, "rows": 2},
            {"operation": "segments", "user": "u1", "by": "category"},
            {"operation": "audience", "product": "mug-blue"},
        ],
    }
    answers = api.post("/v1/batch", asked).json()["answers"]
    assert [one["status"] for one in answers] == [200] * 4
    first = {item["id"] for item in answers[0]["answer"]["items"]}
    in_rows = [item["id"] for row in answers[1]["answer"]["rows"] for item in row["items"]]
    assert in_rows
    assert not first & set(in_rows)
    assert answers[2]["answer"]["by"] == "category"
    browser = Api(catalogs.create_key(visited.catalog, ApiKey.Scope.BROWSER))
    refused = browser.post("/v1/batch", {"requests": asked["requests"][3:]}).json()["answers"]
    assert refused[0]["problem"]["type"].endswith("wrong-scope")


def test_what_is_too_much_is_refused(visited, api):
    problem(api.get(FOR_U1, rows=11), 400, "invalid")
    problem(api.post(FOR_U1, {"count": 51}), 400, "invalid")
    problem(api.post(FOR_U1, {"boost": []}), 400, "invalid")
