"""Users who do not count: training and popularity are as if they had never been."""

import random
from datetime import timedelta
from typing import Any

import numpy as np
import pytest

from recommender.history import erasure, exclusion, popularity
from recommender.history.ingest import NewEvent
from recommender.models import Catalog, ProductPopularity, SearchOutcome, User
from recommender.retrieval import search_outcomes
from recommender.snapshot import reading
from recommender.snapshot.snapshot import as_of
from recommender.training import baskets
from tests.recommender.insight.insights import find_out
from tests.shop import DAY, NOON, Shop, event, numbered

LATER = NOON + 2 * DAY
TYPES = ("view", "purchase", "rating", "cart")


@pytest.fixture
def visited(db: None) -> Shop:
    """Customers and a bot that views, buys, rates and searches the same products over and over."""
    shop = Shop.open("visited", clock=Catalog.Clock.LAST_EVENT)
    shop.put(*({"id": key, "title": title} for key, title in numbered(12).items()))
    source = random.Random(5)
    for user in range(20):
        for step in range(8):
            at = NOON - source.randrange(60) * DAY + step * timedelta(minutes=3)
            shop.post(_event(f"u{user}", source, at))
    for step in range(60):
        shop.post(_event("bot", source, NOON - (step % 30) * DAY + step * timedelta(minutes=1)))
    shop.post(NewEvent(type="search", user="bot", product=None, at=NOON - DAY, query="mug"))
    shop.post(event("bot", "p0", type="purchase", at=NOON - DAY + timedelta(minutes=1)))
    return shop


def _event(user: str, source: random.Random, at: Any) -> NewEvent:
    type_ = source.choice(TYPES)
    value = 5.0 if type_ == "rating" else None
    return event(user, f"p{source.randrange(12)}", type=type_, at=at, value=value)


def read(shop: Shop) -> dict[str, Any]:
    """All that training and popularity read of what users did."""
    popularity.refresh(shop.catalog)
    search_outcomes.learn(shop.catalog)
    found = reading.read(shop.catalog, LATER)
    rows = ProductPopularity.objects.filter(catalog=shop.catalog).order_by("product_id")
    snapshot = as_of(found, clock=LATER.timestamp(), half_life_days=60)
    together = baskets.read(shop.catalog, snapshot)
    return {
        "users": found.users.tolist(),
        "products": found.events.products.tolist(),
        "weights": found.events.weights.tolist(),
        "times": found.events.times.tolist(),
        "popularity": list(rows.values()),
        "baskets": np.sort(together.sum(axis=1)).tolist(),
        "searches": list(
            SearchOutcome.objects.filter(catalog=shop.catalog).values_list("query", "product_id")
        ),
    }


def without(shop: Shop) -> dict[str, Any]:
    """The same of a history in which the bot never was."""
    erasure.erase_user(shop.user("bot"))
    return read(shop)


def decide(shop: Shop, decision: str) -> None:
    User.objects.filter(catalog=shop.catalog, external_id="bot").update(exclusion=decision)


def test_an_excluded_bot_leaves_no_trace_in_training_and_popularity(visited: Shop) -> None:
    everything = read(visited)
    assert exclusion.mark_bots(visited.catalog, [visited.user("bot").pk]) == 1
    assert read(visited) == everything, "until the catalog says that bots are left out"
    Catalog.objects.filter(pk=visited.catalog.pk).update(exclude_bots=True)
    excluded = read(visited)
    assert excluded != everything
    assert excluded["searches"] == []
    Catalog.objects.filter(pk=visited.catalog.pk).update(exclude_bots=False)
    assert read(visited) == everything, "it is taken back whole"
    assert without(visited) == excluded


def test_a_persons_decision_counts_whatever_the_setting(visited: Shop) -> None:
    everything = read(visited)
    decide(visited, "person")
    excluded = read(visited)
    assert visited.user("bot").pk not in excluded["users"]
    Catalog.objects.filter(pk=visited.catalog.pk).update(exclude_bots=True)
    decide(visited, "kept")
    assert read(visited) == everything


def test_a_mark_is_taken_back_by_the_next_run_and_a_decision_is_not(visited: Shop) -> None:
    bot, other = visited.user("bot").pk, visited.user("u1").pk
    exclusion.mark_bots(visited.catalog, [bot])
    assert exclusion.mark_bots(visited.catalog, [other]) == 1
    assert [visited.user(name).exclusion for name in ("bot", "u1")] == ["", "bot"]
    decide(visited, "kept")
    exclusion.mark_bots(visited.catalog, [bot])
    assert [visited.user(name).exclusion for name in ("bot", "u1")] == ["kept", ""]


def test_a_run_marks_the_bots_that_it_finds(visited: Shop) -> None:
    second = timedelta(seconds=2)
    visited.post(*(event("robot", f"p{n % 12}", at=NOON + n * second) for n in range(300)))
    run = find_out(visited, "events")
    assert run.figures["marked"] == run.findings.count() >= 1
    assert run.figures["excluded"] is False
    assert visited.user("robot").exclusion == "bot"
    assert visited.user("u1").exclusion == ""
