"""What `/kinship.js` is served with; tests/clients/test_browser_snippet.py has what it does."""

import base64
import hashlib

from recommender.api import snippet
from tests.recommender.api.client import Api, problem


def test_it_is_small_and_its_hash_is_what_browsers_make_of_it(client):
    answer = client.get("/kinship.js")
    assert answer.status_code == 200
    assert answer["Content-Type"] == "text/javascript; charset=utf-8"
    assert len(answer.content) <= 5 * 1024
    digest = base64.b64encode(hashlib.sha384(answer.content).digest()).decode()
    assert answer["X-Kinship-Integrity"] == f"sha384-{digest}"


def test_a_page_of_any_origin_may_load_it(client):
    answer = client.get("/kinship.js", headers={"Origin": "https://shop.example"})
    assert answer["Access-Control-Allow-Origin"] == "*"
    assert answer["Cross-Origin-Resource-Policy"] == "cross-origin"


def test_it_is_kept_for_a_year_at_its_version_and_else_for_an_hour(client):
    kept = client.get("/kinship.js", {"v": snippet.version()})["Cache-Control"]
    assert set(kept.split(", ")) == {"public", "max-age=31536000", "immutable"}
    for other in ({}, {"v": "0123456789ab"}):
        assert "max-age=3600" in client.get("/kinship.js", other)["Cache-Control"]


def test_who_has_it_is_told_so_without_it(client):
    etag = client.get("/kinship.js")["ETag"]
    again = client.get("/kinship.js", headers={"If-None-Match": etag})
    assert (again.status_code, again.content) == (304, b"")
    assert client.head("/kinship.js").status_code == 200


def test_it_is_only_read():
    problem(Api(None).post("/kinship.js", {}), 405, "method-not-allowed")
