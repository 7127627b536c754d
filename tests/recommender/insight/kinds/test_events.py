"""Bots and crowds among a shop's users, as a run tells of them."""

import random
from datetime import timedelta

import pytest

from recommender.insight import runs
from recommender.insight.kind import InsightError
from recommender.insight.kinds import KINDS
from tests.recommender.insight.insights import find_out
from tests.shop import DAY, NOON, Shop, event, numbered

SECOND, MINUTE = timedelta(seconds=1), timedelta(minutes=1)


@pytest.fixture
def visited(shop: Shop) -> Shop:
    """Sixty products, and eighty customers who come for a few of them and buy some."""
    shop.put(*({"id": key, "title": title} for key, title in numbered(60).items()))
    source = random.Random(3)
    for user in range(80):
        for visit in range(3):
            at = NOON - source.randrange(1, 90) * DAY + visit * DAY
            at += source.randrange(36_000) * SECOND
            for _ in range(source.randrange(1, 6)):
                at += source.expovariate(1 / 90) * SECOND
                product = f"p{source.randrange(60)}"
                type_ = "purchase" if source.random() < 0.2 else "view"
                shop.post(event(f"u{user}", product, type=type_, at=at))
    return shop


def users(shop: Shop) -> dict[str, dict[str, object]]:
    run = find_out(shop, "events")
    assert run.status == "done", run.error
    return {
        one.user.external_id: one.data | {"group": one.group}
        for one in run.findings.select_related("user")
    }


def test_customers_are_not_suspected(visited: Shop) -> None:
    run = find_out(visited, "events")
    assert run.findings.count() == 0
    assert run.summary == "Of 80 users none looks like a bot or a crowd."
    assert run.figures["users"] == 80
    assert run.figures["suspects"] == 0


def test_a_scraper_is_found_with_reasons_in_words(visited: Shop) -> None:
    rows = [event("bot", f"p{n % 60}", at=NOON + 3 * n * SECOND) for n in range(240)]
    visited.post(*rows)
    found = users(visited)
    assert found.keys() == {"bot"}
    assert found["bot"]["group"] == "scraper"
    told = " ".join(map(str, found["bot"]["reasons"]))
    assert "as a program's" in told
    assert "no purchase among 240 events" in told
    assert "Exclude" in str(found["bot"]["mend"])


def test_a_ring_is_found_with_the_products_it_clicks(visited: Shop) -> None:
    for member in range(6):
        for day in (3, 5, 8):
            for product in ("p1", "p7", "p9"):
                at = NOON - day * DAY + member * 7 * MINUTE
                visited.post(event(f"ring{member}", product, at=at))
    found = users(visited)
    assert {key for key, one in found.items() if one["group"] == "click-ring"} == {
        f"ring{member}" for member in range(6)
    }
    assert "one of 6 users who met the same products on the same days: p1, p7, p9" in str(
        found["ring0"]["reasons"]
    )


def test_a_burst_is_found_with_its_product_and_day(visited: Shop) -> None:
    visited.post(*(event(f"once{n}", "p42", at=NOON - 2 * DAY + n * MINUTE) for n in range(40)))
    run = find_out(visited, "events")
    assert run.figures["by_kind"]["burst"] == 40
    reason = run.findings.first().data["reasons"][0]
    assert "did hardly anything but meet p42 on 30 May 2025" in reason


def test_without_events_or_with_made_up_times_it_is_said(shop: Shop) -> None:
    kind = KINDS["events"]
    with pytest.raises(InsightError, match="no events yet"):
        runs.request(shop.catalog, kind, kind.read({}))
    shop.catalog.has_made_up_times = True
    with pytest.raises(InsightError, match="without times"):
        runs.request(shop.catalog, kind, kind.read({}))


def test_impressions_and_other_catalogs_are_not_counted(visited: Shop) -> None:
    rows = [
        event("shown", f"p{n % 60}", type="impression", at=NOON + 3 * n * SECOND)
        for n in range(240)
    ]
    visited.post(*rows)
    other = Shop.open("other")
    other.stock(**{f"p{n}": "Mug" for n in range(60)})
    other.post(*(event("bot", f"p{n % 60}", at=NOON + 3 * n * SECOND) for n in range(240)))
    assert users(visited) == {}
