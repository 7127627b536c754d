"""JSON that no endpoint takes, and addresses and methods there are none of."""

import tracemalloc

import pytest

from recommender.api import codec
from recommender.api.problems import Problem
from tests.recommender.api.client import problem

ROWS = ("/v1/products/bulk", "/v1/events")
WRITES = [
    ("PUT", "/v1/products/mug-red"),
    ("PATCH", "/v1/products/mug-red"),
    ("POST", "/v1/products/bulk"),
    ("POST", "/v1/products/mug-red/similar"),
    ("PUT", "/v1/users/u1"),
    ("POST", "/v1/users/u1/recommendations"),
    ("POST", "/v1/events"),
]


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        (b"{", "not-json"),
        (b"}", "not-json"),
        (b"{'title': 'x'}", "not-json"),
        (b'{"title": "x",}', "not-json"),
        (b'{"price": NaN}', "not-json"),
        (b'{"price": Infinity}', "not-json"),
        (b'{"price": 1e999}', "not-json"),
        (b'{"price": 01}', "not-json"),
        (b'{"title": "\\ud800"}', "not-json"),
        (b'{"title": "\xed\xa0\x80"}', "not-json"),
        (b'{"title": "\xff"}', "not-json"),
        (b'{"title": "a\x00b"}', "not-json"),
        (b"\xef\xbb\xbf{}", "not-json"),
        (b"--x\r\ncontent", "not-json"),
        (b"title=x", "not-json"),
        (b"[" * 2000, "not-json"),
        (b"[" * 1000 + b"]" * 1000, "too-deep"),
        (b'{"attributes":' * 300 + b"1" + b"}" * 300, "too-deep"),
    ],
)
def test_a_body_that_is_not_json_is_refused_and_says_why(api, body, kind):
    for method, path in WRITES:
        problem(api.send(method, path, body), 400, kind)


@pytest.mark.parametrize(
    "body",
    [
        b'{"title": "a\\u0000b"}',
        b'{"a\\u0000b": 1}',
        b'{"attributes": {"tags": ["a", {"b\\u0000": 1}]}}',
        b"[" * 250 + b'"\\u0000"' + b"]" * 250,
    ],
)
def test_a_nul_is_refused_and_among_rows_costs_its_own(api, body):
    for path in ("/v1/products/p1", "/v1/users/u1"):
        problem(api.send("PUT", path, body), 400, "nul-character")
    for path in ("/v1/products/bulk", "/v1/events"):
        assert api.send("POST", path, b"[" + body + b"]").json()["rejected"] == 1


def test_an_empty_body_is_refused(api):
    for method, path in WRITES:
        problem(api.send(method, path, b""), 400)
        problem(api.send(method, path, b" "), 400)


@pytest.mark.parametrize(
    "content_type", ["text/plain", "multipart/form-data", "application/x-www-form-urlencoded", ""]
)
def test_json_of_another_content_type_is_taken(api, content_type):
    for method, path in WRITES:
        body = b"[{}]" if method == "POST" and path in ROWS else b"{}"
        assert api.send(method, path, body, content_type).status_code < 300


def test_a_body_that_is_too_large_is_refused(api, settings):
    settings.DATA_UPLOAD_MAX_MEMORY_SIZE = 1000
    body = b'{"title": "%s"}' % (b"x" * 1000)
    for method, path in WRITES:
        refused = problem(api.send(method, path, body), 413, "too-large")
        assert "KINSHIP_MAX_BODY_MB" in refused["detail"]


@pytest.mark.parametrize("row", [b"[],", b'{"a":{}},', b'"ab",'])
def test_a_body_of_millions_of_tiny_values_is_refused_before_it_takes_memory(api, row):
    body = b"[" + row * (10_000_000 // len(row)) + b"1]"
    for method, path in WRITES:
        refused = problem(api.send(method, path, body), 413, "too-many-values")
        assert "several requests" in refused["detail"]
    tracemalloc.start()
    with pytest.raises(Problem):
        codec.decode(body)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 1_000_000


def test_more_lines_than_a_request_may_have_are_not_all_read(api):
    for line in (b"x\n", b"1\n", b"\n\n{}\n"):
        body = line * 400_000
        tracemalloc.start()
        for path in ROWS:
            answer = problem(api.send("POST", path, body, "application/x-ndjson"), 400)
            assert "send at most 10,000 at a time" in answer["detail"]
        _, peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        assert peak < 30_000_000


def test_a_browser_key_may_send_only_a_small_body(api, browser, settings):
    settings.BROWSER_BODY_BYTES = 2000
    event = {"type": "search", "user": "u1"}
    assert browser.post("/v1/events", [event] * 40).json()["accepted"] == 40
    for path in ("/v1/events", "/v1/users/u1/recommendations", "/v1/products/a/similar"):
        refused = problem(browser.post(path, [event] * 80), 413, "too-large")
        assert "KINSHIP_BROWSER_BODY_KB" in refused["detail"]
    assert api.post("/v1/events", [event] * 80).json()["accepted"] == 80


def test_what_is_given_back_is_json_whatever_integers_it_holds():
    value = {"big": [2**64, -(2**63) - 1, True], "small": (2**64 - 1, -(2**63)), "text": "é"}
    assert codec.encode(value).decode() == (
        '{"big":[1.8446744073709552e+19,-9.223372036854776e+18,true],'
        '"small":[18446744073709551615,-9223372036854775808],"text":"é"}'
    )
