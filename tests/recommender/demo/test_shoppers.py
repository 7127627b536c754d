"""The simulated shoppers and their histories."""

import hashlib
import os
import subprocess
import sys
from collections import Counter
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from recommender.demo import (
    Product,
    Shopper,
    SimulatedEvent,
    load_products,
    read_events,
    shoppers,
    simulate,
)
from tests.recommender.demo.conftest import END, SEED

PRINT_DIGEST = """
from tests.recommender.demo.test_shoppers import digest
print(digest())
"""


def digest() -> str:
    """A digest of every event of the histories, for comparing two processes."""
    events = simulate(load_products(), seed=SEED, end=END)
    return hashlib.sha256("\n".join(map(repr, events)).encode()).hexdigest()


@pytest.fixture(scope="module")
def people() -> dict[str, Shopper]:
    return {shopper.external_id: shopper for shopper in shoppers(SEED)}


def _purchases_in_taste(
    people: dict[str, Shopper], by_id: dict[str, Product], events: list[SimulatedEvent]
) -> dict[str, list[bool]]:
    """For each shopper, whether each product they bought is one of their tastes."""
    fits: dict[str, list[bool]] = {}
    for event in events:
        if event.type == "purchase":
            product, tastes = by_id[event.product], people[event.user].tastes
            fits.setdefault(event.user, []).append(any(taste.covers(product) for taste in tastes))
    return fits


def test_there_are_about_two_hundred_shoppers(people: dict[str, Shopper]) -> None:
    assert 180 <= len(shoppers(SEED)) <= 220
    assert len(people) == len(shoppers(SEED))


def test_each_shopper_is_labelled_as_simulated(people: dict[str, Shopper]) -> None:
    shopper = people["sim-coffee-lover-03"]
    assert shopper.attributes["taste"] == "coffee lover"
    for name, shopper in people.items():
        assert name.startswith("sim-")
        assert shopper.attributes["simulated"] is True


def test_some_shoppers_have_a_second_taste_and_say_so(people: dict[str, Shopper]) -> None:
    both = [shopper for shopper in people.values() if "second_taste" in shopper.attributes]
    assert 0.25 < len(both) / len(people) < 0.55
    assert all(s.attributes["second_taste"] != s.attributes["taste"] for s in both)


def test_shoppers_buy_mostly_what_suits_their_taste(
    people: dict[str, Shopper], by_id: dict[str, Product], events: list[SimulatedEvent]
) -> None:
    fits = _purchases_in_taste(people, by_id, events)
    bought = [fit for of_one in fits.values() for fit in of_one]
    assert sum(bought) / len(bought) > 0.9
    assert all(sum(of_one) / len(of_one) > 0.5 for of_one in fits.values() if len(of_one) >= 4)


def test_shoppers_also_stray_from_their_taste(
    people: dict[str, Shopper], by_id: dict[str, Product], events: list[SimulatedEvent]
) -> None:
    strayed = {
        event.user
        for event in events
        if not any(taste.covers(by_id[event.product]) for taste in people[event.user].tastes)
    }
    assert len(strayed) > len(people) / 5


def test_the_same_seed_and_end_give_the_same_events(
    products: list[Product], events: list[SimulatedEvent]
) -> None:
    assert list(simulate(products, seed=SEED, end=END)) == events
    assert shoppers(SEED) == shoppers(SEED)
    assert list(simulate(products, seed=SEED + 1, end=END)) != events


def test_another_process_gives_the_same_events() -> None:
    answer = subprocess.run(
        [sys.executable, "-c", PRINT_DIGEST],
        cwd=Path(__file__).parents[3],
        env=os.environ | {"PYTHONHASHSEED": "4242"},
        capture_output=True,
        text=True,
        check=True,
    )
    assert answer.stdout.strip() == digest()


def test_every_event_lies_in_the_window_and_after_its_products_release(
    by_id: dict[str, Product], events: list[SimulatedEvent]
) -> None:
    for event in events:
        assert END - timedelta(days=120) <= event.at <= END
        assert datetime.fromisoformat(by_id[event.product]["released_at"]) <= event.at


@pytest.mark.parametrize("hour", range(0, 24, 4))
def test_an_end_at_any_time_of_day_is_the_end(products: list[Product], hour: int) -> None:
    end = datetime(2026, 11, 20, hour, tzinfo=UTC)
    times = [event.at for event in simulate(products, seed=SEED, end=end)]
    assert end - timedelta(days=120) <= times[0] <= times[-1] <= end


def test_events_come_oldest_first_with_ids_of_their_own(events: list[SimulatedEvent]) -> None:
    assert [event.at for event in events] == sorted(event.at for event in events)
    assert len({event.id for event in events}) == len(events)


def test_a_history_told_a_day_later_repeats_its_ids(
    products: list[Product], events: list[SimulatedEvent]
) -> None:
    later = {event.id for event in simulate(products, seed=SEED, end=END + timedelta(days=1))}
    known = {event.id for event in events}
    assert len(later & known) > 0.97 * len(known)


def test_activity_has_a_heavy_tail(
    people: dict[str, Shopper], events: list[SimulatedEvent]
) -> None:
    counts = Counter(event.user for event in events)
    assert counts.keys() == people.keys()
    assert sum(count <= 3 for count in counts.values()) >= 15
    assert sum(count >= 80 for count in counts.values()) >= 5


def test_views_lead_to_fewer_carts_and_fewer_purchases(events: list[SimulatedEvent]) -> None:
    counts = Counter(event.type for event in events)
    assert counts["view"] > counts["add_to_cart"] > counts["purchase"] > counts["bookmark"] > 0
    assert counts["purchase"] > counts["like"] > 0


def test_people_shop_in_the_evening_and_sleep_at_night(events: list[SimulatedEvent]) -> None:
    hours = Counter(event.at.hour for event in events)
    assert sum(hours[hour] for hour in (18, 19, 20, 21)) > 8 * sum(
        hours[hour] for hour in (1, 2, 3, 4)
    )


def test_an_end_in_another_time_zone_is_the_same_moment(
    products: list[Product], events: list[SimulatedEvent]
) -> None:
    tokyo = END.astimezone(ZoneInfo("Asia/Tokyo"))
    assert list(simulate(products, seed=SEED, end=tokyo)) == events


def test_an_end_without_a_time_zone_is_refused(products: list[Product]) -> None:
    with pytest.raises(ValueError, match="has no time zone; pass an aware datetime"):
        next(simulate(products, seed=SEED, end=END.replace(tzinfo=None)))


def test_rows_carry_the_fields_of_an_event_of_the_api() -> None:
    row, event = next(
        (row, event)
        for row, event in zip(
            read_events(seed=SEED, end=END),
            simulate(load_products(), seed=SEED, end=END),
            strict=True,
        )
        if row["type"] == "purchase"
    )
    assert row == {
        "id": str(event.id),
        "type": "purchase",
        "user": event.user,
        "product": event.product,
        "at": event.at.isoformat(),
        "quantity": event.quantity,
    }
    assert datetime.fromisoformat(row["at"]).tzinfo is not None
