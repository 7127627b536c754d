"""Who does not allow to be known: nothing stored counts, and nothing is stored."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from recommender.engine import answer_log
from recommender.history import popularity
from recommender.models import Event, Recommendation
from tests.recommender.api.client import Api, items, problem
from tests.shop import Shop

FOR_U1 = "/v1/users/u1/recommendations"
NOW = datetime.now(UTC) - timedelta(hours=1)


@pytest.fixture
def visited(stocked: Shop) -> Shop:
    """u1 likes mugs and has seen a lamp; lamps are in demand."""
    for user in ("a", "b", "c", "d"):
        stocked.visit(user, "lamp-red", "lamp-green", "lamp-blue", at=NOW)
    stocked.visit("u1", "mug-red", "mug-green", "lamp-red", at=NOW)
    popularity.refresh(stocked.catalog)
    return stocked


def stored() -> tuple[int, int]:
    """How many lists and events there are."""
    answer_log.writer.flush()
    return Recommendation.objects.count(), Event.objects.count()


def test_what_is_stored_of_the_user_does_not_count(visited: Shop, api: Api) -> None:
    assert "lamp-red" not in items(api.get(FOR_U1, count=6)), "u1 has seen it"
    told = api.get(FOR_U1, count=6, consent="false")
    assert told.json()["fallback"] == "no_consent"
    assert items(told) == items(api.get("/v1/users/stranger/recommendations", count=6))
    assert "lamp-red" in items(told)


def test_the_session_alone_makes_the_list(visited: Shop, api: Api) -> None:
    session = [{"type": "view", "product": "puzzle-red"}]
    ask = {"user": "u1", "session": session, "count": 3}
    told = api.post("/v1/recommendations", {**ask, "consent": False})
    assert told.json()["degraded"]["user"] == "no_consent"
    alone = api.post("/v1/recommendations", {"session": session, "count": 3})
    assert items(told) == items(alone)


@pytest.mark.parametrize(
    ("path", "body"),
    [
        (FOR_U1, {}),
        ("/v1/recommendations", {"user": "u1", "count": 3}),
        ("/v1/search", {"q": "mug", "user": "u1"}),
        ("/v1/products/mug-red/similar", {}),
    ],
)
def test_nothing_of_a_list_is_stored(
    visited: Shop, api: Api, path: str, body: dict[str, Any]
) -> None:
    before = stored()
    told = api.post(path, {**body, "consent": False})
    assert told.status_code == 200, told.content
    assert stored() == before
    gone = api.post(f"/v1/recommendations/{told.json()['rec_id']}/next", {})
    problem(gone, 404, "unknown-answer")
    api.post(path, body)
    assert stored()[0] == before[0] + 1


def test_nothing_of_a_page_of_rows_is_stored(visited: Shop, api: Api) -> None:
    before = stored()
    told = api.get("/v1/users/u1/rows", count=3, consent="false").json()
    assert told["degraded"] == {"user": "no_consent"}
    assert "because_viewed" not in [row["code"] for row in told["rows"]]
    assert stored() == before


def test_consent_is_yes_or_no(visited: Shop, api: Api) -> None:
    problem(api.post(FOR_U1, {"consent": "no"}), 400, "invalid")
    problem(api.get(FOR_U1, consent="perhaps"), 400, "invalid")
