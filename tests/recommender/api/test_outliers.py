"""Outliers among rows that a request sends."""

import random

import pytest

from recommender.api.example_outliers import OUTLIERS
from tests.recommender.api.client import problem

PATH = "/v1/insight/outliers"
EXAMPLE = OUTLIERS["post", PATH].bodies["transactions"]


def usual(rows: int = 200, columns: int = 3) -> list[list[float]]:
    source = random.Random(1)
    return [[source.gauss(50, 5) for _ in range(columns)] for _ in range(rows)]


def test_a_transaction_unlike_the_others_is_listed_with_its_columns_in_words(api):
    rows = [*usual(), [50, 900, 50]]
    ids = [f"t{place}" for place in range(201)]
    sent = {"rows": rows, "columns": ["amount", "km", "hour"], "ids": ids, "false_alarms": 0.001}
    response = api.post(PATH, sent)
    assert response.status_code == 200, response.content
    body = response.json()
    item = body["items"][0]
    assert (item["row"], item["id"]) == (200, "t200")
    column = item["columns"][0]
    assert (column["column"], column["value"]) == ("km", 900)
    assert 30 < column["usual"] < 70
    assert item["text"].startswith("km is 900, above the ")
    assert len(body["scores"]) == body["rows"] == 201
    listed = {one["row"] for one in body["items"]}
    assert listed == {row for row, score in enumerate(body["scores"]) if score > 1}
    assert len(listed) <= 3
    assert item["score"] == body["scores"][200]


def test_the_example_finds_its_fraud(api):
    body = api.post(PATH, EXAMPLE).json()
    assert body["items"][0]["row"] == 10
    assert {one["column"] for one in body["items"][0]["columns"]} >= {"amount", "km"}


def test_columns_without_names_go_by_their_place_and_constant_ones_say_nothing(api):
    rows = [[*row, 7] for row in usual()]
    body = api.post(PATH, {"rows": rows}).json()
    assert body["constant_columns"] == ["3"]


def test_the_same_rows_are_answered_the_same(api):
    sent = {"rows": usual()}
    assert api.post(PATH, sent).content == api.post(PATH, sent).content


@pytest.mark.parametrize(
    ("change", "status", "kind", "says"),
    [
        ({"rows": []}, 400, "invalid", "at least 20 items"),
        ({"rows": [[1, 2]]}, 400, "invalid", "at least 20 items"),
        ({"rows": [[1, 2]] * 30}, 400, "nothing-to-compare", "All rows are equal"),
        ({"rows": [[]] * 30}, 400, "invalid", "rows.0"),
        ({"rows": [*usual(), [1, 2]]}, 400, "uneven-rows", "rows.200: has 2; it takes 3"),
        ({"rows": [*usual(), [1, None, 2]]}, 400, "invalid", "rows.200.1"),
        ({"rows": [*usual(), [1, "2", 2]]}, 400, "invalid", "rows.200.1"),
        ({"rows": [*usual(), [1, 1e101, 2]]}, 400, "invalid", "rows.200.1"),
        ({"rows": [*usual(), [1, True, 2]]}, 400, "invalid", "rows.200.1"),
        ({"rows": [[1]] * 20_001}, 413, "too-many-values", "20,001 rows"),
        ({"rows": [[1] * 4_097] * 20}, 413, "too-many-values", "of 4,097 numbers"),
        ({"rows": [[1] * 600] * 2_000}, 413, "too-many-values", "and 1,000,000 numbers"),
        ({"columns": ["a"]}, 400, "uneven-rows", "columns: has 1; it takes 3"),
        ({"ids": ["a"]}, 400, "uneven-rows", "ids: has 1; it takes 200"),
        ({"false_alarms": 0}, 400, "invalid", "false_alarms"),
        ({"false_alarms": 0.9}, 400, "invalid", "false_alarms"),
        ({"method": "magic"}, 400, "invalid", "method"),
    ],
)
def test_what_cannot_be_compared_is_refused_with_the_place(api, change, status, kind, says):
    refused = problem(api.post(PATH, {"rows": usual()} | change), status, kind)
    assert says in refused["detail"]


@pytest.mark.parametrize("number", [b"NaN", b"Infinity", b"1e999"])
def test_what_is_no_number_is_refused(api, number):
    rows = b"[[" + number + b", 1]" + b", [1, 2]" * 30 + b"]"
    response = api.send("POST", PATH, b'{"rows": ' + rows + b"}")
    assert problem(response, 400)["type"].endswith(("not-json", "invalid"))


def test_numbers_of_any_allowed_size_are_compared(api):
    rows = [*usual(), [1e100, -1e100, 0], [1e-300, 0, 5e-324]]
    body = api.post(PATH, {"rows": rows}).json()
    assert {item["row"] for item in body["items"]} >= {200, 201}


def test_a_browser_key_may_not_and_query_parameters_are_refused(api, browser):
    problem(browser.post(PATH, {"rows": usual()}), 403, "wrong-scope")
    problem(api.post(f"{PATH}?top=3", {"rows": usual()}), 400, "unknown-parameter")
