from datetime import UTC, datetime, timedelta

import pytest
from django.utils import timezone

from recommender.engine import backfill, charts
from recommender.engine.answer import Query
from recommender.engine.backfill import Listed
from recommender.history import popularity
from recommender.retrieval import filters
from tests.shop import DAY, Shop, event

NOW = datetime.now(UTC) - timedelta(minutes=1)


@pytest.fixture
def visited(shelved: Shop) -> Shop:
    """Red mugs are loved by three lately, blue ones by four long ago, one lamp by one."""
    for user in ("a", "b", "c"):
        shelved.visit(user, "mug-red", at=NOW - DAY)
    for user in ("a", "b", "c", "d"):
        shelved.visit(user, "mug-blue", at=NOW - 100 * DAY)
    shelved.visit("a", "lamp-red", at=NOW - 2 * DAY)
    popularity.refresh(shelved.catalog)
    return shelved


def ids(candidates: list[Listed]) -> list[str]:
    return [candidate.id for candidate in candidates]


def test_what_was_popular_lately_comes_before_what_ever_was(visited):
    candidates = backfill.popular(visited.catalog, 10)
    assert ids(candidates) == ["mug-red", "lamp-red", "mug-blue"]
    assert [candidate.score for candidate in candidates] == [3.0, 1.0, 0.0]
    assert ids(backfill.popular(visited.catalog, 1)) == ["mug-red"]


def test_popular_within_a_category(visited):
    mugs = filters.parse({"category": {"under": "Home/Kitchen"}}, {})
    assert ids(backfill.popular(visited.catalog, 10, filter=mugs)) == ["mug-red", "mug-blue"]
    past = backfill.popular(visited.catalog, 10, filter=mugs, before=NOW - 50 * DAY)
    assert ids(past) == ["mug-blue"]


def test_what_is_excluded_sold_out_or_deleted_is_not_listed(visited):
    red = visited.product("mug-red").pk
    assert "mug-red" not in ids(backfill.popular(visited.catalog, 10, excluded=[red]))
    assert "mug-red" not in ids(backfill.popular(visited.catalog, 10, excluded=[red], before=NOW))
    visited.catalog.products.filter(external_id="mug-red").update(in_stock=False)
    visited.catalog.products.filter(external_id="mug-blue").update(deleted_at=NOW)
    assert ids(backfill.popular(visited.catalog, 10)) == ["lamp-red"]
    assert ids(backfill.popular(visited.catalog, 10, before=NOW)) == ["lamp-red"]


def test_the_past_is_counted_as_it_was(visited):
    def then(age: float) -> list[tuple[str, float]]:
        candidates = backfill.popular(visited.catalog, 10, before=NOW - age * DAY)
        return [(candidate.id, candidate.score) for candidate in candidates]

    assert then(0) == [("mug-red", 3.0), ("lamp-red", 1.0), ("mug-blue", 0.0)]
    assert then(1.5) == [("lamp-red", 1.0), ("mug-blue", 0.0)]
    assert then(99) == [("mug-blue", 4.0)]
    assert then(100) == []


def test_nobody_votes_twice_and_an_impression_is_no_vote(visited):
    for _ in range(5):
        visited.visit("z", "puzzle-red", at=NOW - DAY)
    shown = [event(user, "spade-red", type="impression", at=NOW - DAY) for user in "abcdef"]
    visited.post(*shown)
    popularity.refresh(visited.catalog)
    scores = {candidate.id: candidate.score for candidate in backfill.popular(visited.catalog, 10)}
    assert scores["puzzle-red"] == 1.0
    assert "spade-red" not in scores


def test_the_newest_are_those_released_or_else_added_last(shelved):
    shelved.put(
        {"id": "old", "released_at": "2001-01-01"},
        {"id": "next", "released_at": (timezone.now() + DAY / 2).isoformat()},
        {"id": "later", "released_at": "2999-01-01"},
        {"id": "gone", "released_at": "2999-06-01", "in_stock": False},
    )
    newest = ids(backfill.newest(shelved.catalog, 100))
    assert (newest[-3:], len(newest)) == (["old", "next", "later"], 27)
    tomorrow = timezone.now() + DAY
    assert ids(backfill.newest(shelved.catalog, 1, before=tomorrow)) == ["next"]
    shelved.catalog.clock = "last_event"
    shelved.visit("z", "old", at=tomorrow)
    assert ids(backfill.newest(shelved.catalog, 1)) == ["next"], "its day has come there"
    excluded = [shelved.product("next").pk]
    assert "next" not in ids(backfill.newest(shelved.catalog, 100, excluded=excluded))
    mugs = filters.parse({"brand": "Mug Works"}, {})
    assert len(backfill.newest(shelved.catalog, 100, filter=mugs)) == 6


def test_another_catalog_is_not_listed(visited):
    elsewhere = Shop.open("elsewhere")
    assert backfill.popular(elsewhere.catalog, 10) == []
    assert backfill.popular(elsewhere.catalog, 10, before=NOW) == []
    assert backfill.newest(elsewhere.catalog, 10) == []


@pytest.mark.parametrize(
    ("window", "listed", "measured_by"),
    [
        ("week", {"mug-red": 3, "lamp-red": 1}, "users in the last 7 days"),
        ("month", {"mug-red": 3, "lamp-red": 1}, "weight of events in the last 30 days"),
        ("quarter", {"mug-red": 3, "lamp-red": 1}, "users in the last 90 days"),
        ("all", {"mug-blue": 4, "mug-red": 3, "lamp-red": 1}, "weight of all events"),
        (None, {"mug-red": 3, "lamp-red": 1, "mug-blue": 0}, "the last 30 days, the heaviest"),
    ],
)
def test_a_window_of_popularity_lists_what_anybody_had_in_it_and_says_so(
    visited, window, listed, measured_by
):
    chart = charts.chart(visited.catalog, "popular", window, Query(count=10))
    assert {item.id: item.score for item in chart.items} == listed
    assert [item.id for item in chart.items] == list(listed)
    told = charts.measured_by(visited.catalog, "popular", window)
    assert measured_by in told
    assert "times are made up" not in told
    visited.catalog.has_made_up_times = True
    told = charts.measured_by(visited.catalog, "popular", window)
    assert "times are made up" in told
